/* trail: what the first reading of an input leaves for the second, which passes lines on as they
 * stand and need not take them apart again.
 *
 * Kept are a hash of each line and where its side would be written: 16 bytes a row. A line that is
 * not the one of the first reading ends the second.
 */
#ifndef FT_SPLIT_TRAIL_H
#define FT_SPLIT_TRAIL_H

#include "../json/reader.h"
#include "sides.h"

/* A row as it comes again. */
struct trail_row {
	struct span line;
	struct seam seam; /* of `split`; at == 0: the row came with a side */
};

/* What is kept of it. */
struct footprint {
	uint64_t hash;
	struct seam seam;
};

struct trail {
	struct footprint *prints;
	size_t n, cap;
	size_t at; /* rows that came again */
	struct record rec;
	struct buf text[SIDES][8]; /* by what a seam asks for */
};

void trail_release(struct trail *t);

/* What is written at a row's seam to give it that side. */
struct span trail_text(struct trail *t, struct seam seam, enum side side);

/* The footprint of a record whose side so far is `already`; any thread may. */
int trail_print(const struct record *rec, enum side already, struct footprint *f, struct err *e);
/* Keeps that of the next row of the first reading. */
void trail_add(struct trail *t, const struct footprint *f);

/* 1 and the next row of the second reading, whose number was t->at before; 0 at the end, -1 with the
 * reason, which may be that the input changed. Lines that the first reading passed over as bad ones
 * are passed over again, in silence. */
int trail_next(struct trail *t, struct reader *r, struct trail_row *row, struct err *e);

#endif
