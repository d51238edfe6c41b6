/* ledger: which rows must share a side, and which side that is, from hashes alone.
 *
 * A *unit* is a group (or a key). Units that hold the same input are tied, as are units joined by
 * ledger_tie; tied units form one *block*, and a block has one side. Its hash is the least of its
 * units' hashes, so a unit that nothing ties falls where its own hash says, whatever else the file
 * holds.
 *
 * Memory: at most 48 bytes a row, and 30 to 90 bytes a unit (twice that while a table grows).
 */
#ifndef FT_SPLIT_LEDGER_H
#define FT_SPLIT_LEDGER_H

#include <stddef.h>
#include <stdint.h>
#include "../base/map.h"
#include "sides.h"

struct unit {
	/* what its side follows from; of a root: that of the unit which stands for the block */
	uint64_t hash;
	uint32_t parent;    /* union-find; a root is its own parent */
	uint32_t size;	    /* rows, of a root: of the block */
	signed char kept;   /* side that a row of the unit has already; of a root: of the block */
	signed char side;   /* of a root, once settled */
	unsigned char torn; /* of a root: rows of the block have different sides already */
	unsigned char tied; /* of a root: units of the block that were tied */
};

struct ledger {
	struct map units_by_hash, unit_by_input;
	struct unit *units;
	size_t units_n, units_cap;
	uint32_t *row_unit;
	signed char *row_kept;
	size_t rows, rows_cap, kept_cap;
};

void ledger_release(struct ledger *l);

/* Adds the next row: the hash of its unit, of its input, and the side it has already (SIDE_NONE:
 * none). -1 beyond 4e9 rows. */
int ledger_add(struct ledger *l, uint64_t unit, uint64_t input, enum side kept, struct err *e);

/* Ties the units of two rows, unless their block would have more than most rows: -1 then. */
int ledger_tie(struct ledger *l, size_t row_a, size_t row_b, size_t most);

/* The root of a row's block, an index into units. */
uint32_t ledger_block(struct ledger *l, size_t row);

/* Gives every block its side: the one that rows of it have already, else the one its hash falls
 * on. */
void ledger_settle(struct ledger *l, const struct sides *s);

/* After ledger_settle: the row's own earlier side, else its block's. */
enum side ledger_side(struct ledger *l, size_t row);

/* After ledger_settle: blocks in which rows have different sides already (they are not moved). */
size_t ledger_torn(const struct ledger *l);
/* Blocks of several units, and all blocks. */
size_t ledger_tied(const struct ledger *l);
size_t ledger_blocks(const struct ledger *l);
/* How many of the rows from `first` on the largest block has, and one of them; 0 where there are
 * none. */
size_t ledger_largest(struct ledger *l, size_t first, size_t *row);

#endif
