/* row: one record as checks see it: what was answered, what should have been.
 *
 * lib/eval scores answers and compares groups of them: checks (check, fields, number, similar),
 * those that another program decides (jqfilter, command), the scores of groups (board),
 * requirements and comparisons over them, and how all that is written (report).
 *
 * A struct row owns a copy of its line, so a batch of them can be scored by several threads. A
 * zeroed struct is valid and is reused from record to record.
 */
#ifndef FT_EVAL_ROW_H
#define FT_EVAL_ROW_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../json/record.h"

struct row {
	struct record rec;
	const char *file; /* borrowed from the reader's file names */
	size_t line;
	/* why there is nothing to score ("an error record", "no output"), or NULL */
	const char *unanswered;
	/* decoded; absent where the answer is tool calls alone or there is none */
	struct span output;
	struct span *refs; /* decoded references */
	size_t n_refs;
	double *scores;	      /* one a check, NaN where it could not be scored */
	const char **why;     /* one a check: the reason for a NaN, or a doubt; static text */
	struct buf line_text; /* the line and its newline */
	/* private */
	struct buf text, ref_text, scratch[3];
	size_t refs_cap, scores_cap, why_cap;
};

/* Copies a record's line, for row_read to look at. */
void row_copy(struct row *a, struct span text, const char *file, size_t line);
/* Finds output and references; scores are set to NaN for `checks` checks. Where reasoning counts it
 * is part of the output: as it stands there, or from the member of that name before it. -1 for a
 * reference of an impossible type. */
int row_read(struct row *a, size_t checks, int reasoning, struct err *e);
/* A hash of what was answered: the same for the same text and the same calls of tools, in any order,
 * whatever their ids and however their arguments are written. */
uint64_t row_answer(const struct row *a);
void row_release(struct row *a);

#endif
