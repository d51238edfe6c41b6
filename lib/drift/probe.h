/* probe: the tests that a path is put to, by the type of its values. Each adds findings to the line
 * and explains them in words.
 *
 * A probe adds nothing where both sides hold one and the same value, or where a side has fewer than
 * DRIFT_VALUES.
 */
#ifndef FT_DRIFT_PROBE_H
#define FT_DRIFT_PROBE_H

#include "../stats/blocks.h"
#include "line.h"

struct probe {
	const struct frame *reference, *current;
	const struct drift_options *options;
	size_t draws; /* of permutation tests */
	/* days of the sampled rows' own time; NULL where it is not known */
	int64_t *reference_time, *current_time;
	const char *time_path;
	/* the block of each sampled row of the reference and of the current side, below blocks; NULL
	 * where rows are independent */
	uint32_t *block[2];
	size_t blocks[2];
};

/* Values of the sampled rows of both sides, for tests by blocks: those of the reference first. */
struct probe_rows {
	double *x;
	uint32_t *block;
	size_t n, first, x_cap, block_cap;
};

/* Numbers the blocks of both sides; *e and -1 where only one side knows them. */
int probe_find_blocks(struct probe *p, struct err *e);
int probe_in_blocks(const struct probe *p);
void probe_rows_add(struct probe_rows *r, const struct probe *p, int current, size_t row, double x);
struct blocks probe_rows_blocks(const struct probe_rows *r, const struct probe *p);
/* p-values by blocks; they empty r. The values of probe_rows_table are levels. */
double probe_rows_ks(struct probe_rows *r, const struct probe *p);
double probe_rows_table(struct probe_rows *r, const struct probe *p, size_t levels);
void probe_rows_release(struct probe_rows *r);

/* In how many blocks of a side each of many things stands. */
struct probe_units {
	struct map seen, units;
};
void probe_units_add(struct probe_units *u, const struct probe *p, int current, size_t row,
		     uint64_t what);
uint64_t probe_units_of(const struct probe_units *u, uint64_t what);
void probe_units_release(struct probe_units *u);

/* What may stand in rows of both sides: in how many of either it does, in how many independent ones
 * (blocks, where rows come in them), and what it is called. */
struct news_item {
	uint64_t was, is, was_units, is_units;
	struct span name;
};

/* A change of kinds is plain where there is one, so it gets a small part of the level. */
#define KINDS_WEIGHT 0.2

/* Missing values, nulls, and values of another kind than before. */
void probe_kinds(struct line *l, const struct probe *p);
void probe_numbers(struct line *l, const struct probe *p);
void probe_categories(struct line *l, const struct probe *p);
void probe_dates(struct line *l, const struct probe *p);
void probe_text(struct line *l, const struct probe *p);
void probe_vectors(struct line *l, const struct probe *p);
/* The level of a cell of categories, as their levels spell it; 0 where it has none. */
int probe_level_of(const struct column *c, const struct cell *cell, char code[COLUMN_CODE],
		   struct span *level);
/* Each output against the inputs: adds a finding where the same inputs go with other outputs. Not by
 * blocks. */
void probe_relations(struct line *lines, size_t n, const struct probe *p);

/* "at most 7 in 40 %, before in 52 %": where the two distributions lie furthest apart. Appends
 * nothing where they are the same. x and y in rising order. */
void probe_put_apart(struct buf *b, const double *x, size_t n, const double *y, size_t m,
		     const char *unit);

/* Items that a hundredth of the reference has and none of the current rows, or the other way round:
 * named whatever the floor on effects says, where chance does not explain it. was_n and is_n rows
 * that could have had them; what: "rows", "texts". */
void probe_news(struct line *l, const struct probe *p, const struct news_item *item, size_t n,
		uint64_t was_n, uint64_t is_n, const char *what);
/* Single numbers among the values, and values far beyond the reference's range. x and y: sampled
 * values in rising order. */
void probe_numbers_named(struct line *l, const struct probe *p, const double *x, size_t n,
			 const double *y, size_t m);

#endif
