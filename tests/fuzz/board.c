/* Fuzz target: hostile profiles of ft-eval --profile, read into a board, its figures asked for, and
 * written again: what comes of that is read again, and written a second time is the same. */
#include <math.h>
#include <stdlib.h>
#include "../../lib/eval/profile.h"
#include "scratch.h"

static int read_into(struct board *b, struct check **checks, const char *path, struct buf *out)
{
	char *files[] = {(char *)path, NULL};
	struct reader r;
	struct err e = ERR_INIT;
	int rc;

	reader_init(&r, files);
	*b = (struct board){.level = 0.95};
	rc = eval_profile_read_all(b, &r, checks, &e);
	for (size_t i = 0; !rc && i < b->n_groups; i++)
		eval_profile_write(b, &b->groups[i], out);
	reader_release(&r);
	if (rc && !e.msg[0])
		abort();
	return rc;
}

static void ask(const struct board *b)
{
	static const char *const names[] = {"exact",	    "exact.pass@2", "json-fields.a",
					    "score",	    "choice",	    "latency.p95",
					    "tokens.total", "cost.per_1k",  "errors"};
	struct err e = ERR_INIT;
	struct interval v;
	uint64_t few;
	size_t metric;

	for (size_t i = 0; i < b->n_groups; i++) {
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			if (!board_figure(b, &b->groups[i], names[k], &v, &metric, &few, &e) &&
			    metric > b->n_metrics)
				abort();
		for (size_t m = 0; m < b->n_metrics; m++)
			board_score(b, &b->groups[i], m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct check *checks;
	struct board b;
	size_t n;

	if (!path)
		path = scratch_path("profile.jsonl");
	scratch_write(path, (struct span){(const char *)data, size});
	if (!read_into(&b, &checks, path, &once)) {
		ask(&b);
		n = b.n_checks;
		board_release(&b);
		check_release_all(checks, n);
		scratch_write(path, buf_span(&once));
		if (read_into(&b, &checks, path, &twice) ||
		    !span_eq(buf_span(&once), buf_span(&twice)))
			abort();
	}
	n = b.n_checks;
	board_release(&b);
	check_release_all(checks, n);
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
