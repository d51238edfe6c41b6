/* Fuzz target: an answer and, behind a zero byte, its reference, as every check of ft-eval that they alone
 * decide reads them; then the answer as its own reference. A score is from 0 to 1 or says why it is none. */
#include <math.h>
#include <stdlib.h>
#include "../../lib/eval/check.h"
#include "../../lib/json/jw.h"
#include "scratch.h"

static const char *const specs[] = {
	"exact",
	"iexact",
	"normalized",
	"includes",
	"starts",
	"regex:(a+)+$",
	"numeric",
	"n=numeric:5%",
	"choice",
	"c=choice:yes,no",
	"d=choice:New York,York,1,2",
	"json",
	"json-fields",
	"json-valid",
	"words:1-5",
	"tool-calls",
	"levenshtein",
	"f1",
	"rouge-1",
	"rouge-2",
	"rouge-l",
	"bleu",
	"chrf",
};
enum { SPECS = sizeof specs / sizeof *specs };

static void must(int held)
{
	if (!held)
		abort();
}

static void score(const struct check *checks, struct span answer, struct span reference)
{
	struct buf line = BUF_INIT;
	struct row a = {0};
	struct err e = ERR_INIT;
	struct jw w;

	jw_init(&w, &line);
	jw_object(&w);
	jw_put_text(&w, "output", answer);
	jw_put_text(&w, "ideal", reference);
	jw_end(&w);
	row_copy(&a, buf_span(&line), "in", 1);
	if (!row_read(&a, SPECS, 0, &e))
		for (size_t i = 0; i < SPECS; i++) {
			const char *why = NULL;
			double s = check_score(&checks[i], &a, &why);

			must(isnan(s) ? why != NULL : s >= 0 && s <= 1);
		}
	row_release(&a);
	buf_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Edit distances and common subsequences take the square of it, which is bounded far higher. */
	enum { MOST = 32768 };
	static struct check *checks;
	struct span rest = {(const char *)data, size < MOST ? size : MOST},
		    answer = scratch_part(&rest);
	struct err e = ERR_INIT;

	if (!checks)
		must(!check_parse_all(specs, SPECS, &checks, &e));
	score(checks, answer, rest);
	score(checks, answer, answer);
	return 0;
}
