/* Fuzz target: a hostile journal of ft-review and, behind a zero byte, its drafts. A journal that can
 * be read can be gone on with, and then holds one decision more. */
#include <stdlib.h>
#include <string.h>
#include "../../lib/review/draft.h"
#include "../../lib/review/journal.h"
#include "scratch.h"

static void look(const struct journal *j)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct decision *d = &j->all[i];

		if (d->who >= j->reviewers_n || d->earlier > i || d->verdict >= VERDICTS)
			abort();
		journal_find(j, d->key, d->who);
		journal_find(j, d->key, (size_t)-1);
		journal_own(j, d->key, d->row, d->who);
		journal_reviewed(j, d->key, d->row);
	}
}

static void go_on(const char *path, size_t n)
{
	struct decision d = {.verdict = VERDICT_FIX,
			     .of = 3,
			     .new_text = (char *)"\"\\u00e9\n",
			     .why = (char *)"{"};
	struct journal j;
	struct err e = ERR_INIT;
	size_t torn;

	memset(d.key, '0', 32);
	memset(d.row, 'a', 32);
	if (journal_open(&j, path, 1, &torn, &e) || j.n != n || journal_add(&j, "anna", &d, &e))
		abort();
	journal_close(&j);
	if (journal_open(&j, path, 0, &torn, &e) || j.n != n + 1 || torn)
		abort();
	look(&j);
	journal_close(&j);
}

static void edit(const char *path)
{
	struct drafts d;
	struct err e = ERR_INIT;
	size_t n;

	drafts_open(&d, path);
	for (size_t i = 0; i < d.n; i++)
		drafts_get(&d, d.v[i].who, d.v[i].key, d.v[i].row);
	if (drafts_put(&d, "anna", "k", "r", "text", &e))
		abort();
	n = d.n;
	drafts_close(&d);
	drafts_open(&d, path);
	if (d.n != n || strcmp(drafts_get(&d, "anna", "k", "r"), "text") != 0)
		abort();
	drafts_close(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path, *drafts;
	struct span rest = {(const char *)data, size}, first = scratch_part(&rest);
	struct journal j;
	struct err e = ERR_INIT;
	size_t n, torn;

	if (!path) {
		path = scratch_path("journal.jsonl");
		drafts = scratch_path("journal.jsonl.drafts");
	}
	scratch_write(path, first);
	scratch_write(drafts, rest);
	if (journal_open(&j, path, 0, &torn, &e)) {
		if (!e.msg[0])
			abort();
	} else {
		look(&j);
		n = j.n;
		journal_close(&j);
		go_on(path, n);
	}
	edit(path);
	return 0;
}
