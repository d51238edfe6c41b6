/* quota: sides by class, so that each class has its share on every side.
 *
 * Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011): classes from the rarest to the
 * commonest, within a class blocks in the order of their hashes, each to the side that lacks most
 * of the class; where no side lacks a whole row, to the one that is furthest behind in all. Where
 * each row is a block of its own and has one class, every class ends within one row of its share on
 * every side. A row may have several classes, of one path or of several: then the rarer ones are
 * served first, and what was reached is told by quota_deviation and quota_off.
 *
 * Blocks that have a side already stay, and count against the quotas.
 */
#ifndef FT_SPLIT_QUOTA_H
#define FT_SPLIT_QUOTA_H

#include "ledger.h"

struct class
{
	uint64_t hash;
	char *name;
	size_t path; /* number of the path it was found at */
	size_t rows;
	double wanted[SIDES]; /* rows still lacking */
};

struct quota {
	struct map by_hash;
	struct class *classes;
	size_t classes_n, classes_cap;
	uint32_t *row_class; /* of row i: from begin[i] to begin[i + 1] */
	size_t *begin;
	size_t rows, entries, entries_cap, begin_cap;
};

void quota_release(struct quota *q);

/* Begins the next row, in the order of the ledger's; then its classes are added. */
void quota_row(struct quota *q);
/* A class of the row begun last: the value found at a path, which is number `which` of them. */
void quota_class(struct quota *q, size_t which, struct span path, struct span value);

/* Gives every block of the ledger a side. Rows before `first` (kept from an earlier run, not in the
 * input) count for nothing. To be called in place of ledger_settle. */
void quota_settle(struct quota *q, struct ledger *l, size_t first, const struct sides *s);

/* After quota_settle, of the classes of one path: the class and side furthest from their share, in
 * rows; NULL where all have it exactly. */
double quota_deviation(const struct quota *q, size_t path, const struct class **which,
		       enum side *side);
/* How many classes the path has, and how many of them are more than a row from their share on some
 * side. */
size_t quota_classes(const struct quota *q, size_t path);
size_t quota_off(const struct quota *q, size_t path);
/* How many classes have fewer rows than `sides`; the names of the first few are appended to names,
 * parted by commas. */
size_t quota_rare(const struct quota *q, int sides, struct buf *names);

#endif
