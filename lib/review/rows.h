/* rows: the records of the files, where asked those of two models to one input as a pair row.
 *
 * Pairs are made as ft-judge --pair makes them (judge/pairing.h). A record without an answer finds no
 * partner, nor does what is no call at all, such as the feedback in ft-serve's log.
 */
#ifndef FT_REVIEW_ROWS_H
#define FT_REVIEW_ROWS_H

#include "../json/reader.h"
#include "../judge/pairing.h"

/* A struct with `in` and `pair` set is ready. */
struct rows {
	struct reader *in; /* borrowed */
	int pair;
	size_t n;	   /* rows returned */
	size_t unanswered; /* records without an answer, passed over */
	struct pairing pairing;
	struct record read; /* private */
};

void rows_release(struct rows *x);

/* 1 and a record, valid until the next call; 0 at the end; -1 with the place and the reason. */
int rows_next(struct rows *x, struct record *r, struct err *e);

/* What is to be said of the records that made no pair, appended; nothing where there were none. */
void rows_remark(const struct rows *x, struct buf *text);

#endif
