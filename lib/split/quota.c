/* quota: stratified assignment; see the header. */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../text/hash.h"
#include "quota.h"

#define NAMES 5 /* of rare classes */

void quota_release(struct quota *q)
{
	for (size_t i = 0; i < q->classes_n; i++)
		free(q->classes[i].name);
	free(q->classes);
	free(q->row_class);
	free(q->begin);
	map_release(&q->by_hash);
	*q = (struct quota){0};
}

void quota_row(struct quota *q)
{
	q->begin = mem_grow(q->begin, &q->begin_cap, q->rows + 2, sizeof *q->begin);
	q->begin[q->rows++] = q->entries;
	q->begin[q->rows] = q->entries;
}

void quota_class(struct quota *q, size_t which, struct span path, struct span value)
{
	uint64_t hash = hash64(value, hash64(path, 0));
	int added;
	uint32_t c = (uint32_t)*map_put(&q->by_hash, hash, q->classes_n, &added);

	if (added) {
		struct buf name = BUF_INIT;
		buf_addf(&name, "%.*s = %.*s", (int)(path.n < 60 ? path.n : 60), path.s,
			 (int)(value.n < 60 ? value.n : 60), value.s ? value.s : "");
		q->classes =
			mem_grow(q->classes, &q->classes_cap, q->classes_n + 1, sizeof *q->classes);
		q->classes[q->classes_n++] = (struct class){.hash = hash,
							    .name = buf_detach(&name, NULL),
							    .path = which};
	}
	for (size_t i = q->begin[q->rows - 1]; i < q->entries; i++) {
		if (q->row_class[i] == c)
			return; /* a label given twice */
	}
	q->row_class =
		mem_grow(q->row_class, &q->entries_cap, q->entries + 1, sizeof *q->row_class);
	q->row_class[q->entries++] = c;
	q->begin[q->rows] = q->entries;
}

/* Rows of the ledger ordered by block: of block root u they stand from at[u] to at[u + 1]. */
struct blocks {
	uint32_t *row;
	size_t *at;
};

static void blocks_of(struct blocks *b, struct ledger *l)
{
	b->row = mem_alloc(l->rows, sizeof *b->row);
	b->at = mem_alloc(l->units_n + 2, sizeof *b->at);
	for (size_t i = 0; i < l->rows; i++)
		b->at[ledger_block(l, i) + 2]++;
	for (size_t u = 0; u < l->units_n; u++)
		b->at[u + 2] += b->at[u + 1];
	for (size_t i = 0; i < l->rows; i++)
		b->row[b->at[ledger_block(l, i) + 1]++] = (uint32_t)i;
}

/* What is being filled. */
struct filling {
	struct quota *q;
	struct ledger *l;
	const struct sides *s;
	size_t first;
	struct blocks blocks;
	double placed[SIDES], all;
};

static void count_row(struct filling *f, size_t row, enum side side)
{
	if (row < f->first)
		return;
	for (size_t i = f->q->begin[row]; i < f->q->begin[row + 1]; i++)
		f->q->classes[f->q->row_class[i]].wanted[side]--;
	f->placed[side]++;
	f->all++;
}

static enum side choose(const struct filling *f, const struct class *c)
{
	int best = -1;

	for (int s = 0; s < SIDES; s++) {
		if (f->s->share[s] > 0 && (best < 0 || c->wanted[s] > c->wanted[best]))
			best = s;
	}
	if (c->wanted[best] >= 1)
		return (enum side)best;
	double most = -INFINITY;
	for (int s = 0; s < SIDES; s++) {
		double behind = f->s->share[s] * f->all - f->placed[s];
		if (f->s->share[s] > 0 && c->wanted[s] > 1e-9 && behind > most) {
			most = behind;
			best = s;
		}
	}
	return (enum side)best;
}

static void place(struct filling *f, uint32_t root, enum side side)
{
	f->l->units[root].side = (signed char)side;
	for (size_t i = f->blocks.at[root]; i < f->blocks.at[root + 1]; i++)
		count_row(f, f->blocks.row[i], side);
}

struct candidate {
	uint64_t hash;
	uint32_t class_rows, class, root;
};

/* Rarest class first, then by hash. */
static int by_turn(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;

	if (a->class_rows != b->class_rows)
		return a->class_rows < b->class_rows ? -1 : 1;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/* Classes are numbered as they come in; by hash instead, the order of the rows does not matter. */
static int by_class_hash(const void *x, const void *y)
{
	const struct class *a = x, *b = y;

	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static void number_by_hash(struct quota *q)
{
	uint32_t *to = mem_alloc(q->classes_n, sizeof *to);
	uint64_t *old = mem_alloc(q->classes_n, sizeof *old);

	for (size_t i = 0; i < q->classes_n; i++)
		old[i] = q->classes[i].hash;
	mem_sort(q->classes, q->classes_n, sizeof *q->classes, by_class_hash);
	for (size_t i = 0; i < q->classes_n; i++)
		*map_get(&q->by_hash, q->classes[i].hash) = i;
	for (size_t i = 0; i < q->classes_n; i++)
		to[i] = (uint32_t)*map_get(&q->by_hash, old[i]);
	for (size_t i = 0; i < q->entries; i++)
		q->row_class[i] = to[q->row_class[i]];
	free(to);
	free(old);
}

void quota_settle(struct quota *q, struct ledger *l, size_t first, const struct sides *s)
{
	struct filling f = {.q = q, .l = l, .s = s, .first = first};
	struct candidate *turn = mem_alloc(q->entries, sizeof *turn);

	number_by_hash(q);
	blocks_of(&f.blocks, l);
	for (size_t i = first; i < l->rows; i++) {
		for (size_t k = q->begin[i]; k < q->begin[i + 1]; k++)
			q->classes[q->row_class[k]].rows++;
	}
	for (size_t c = 0; c < q->classes_n; c++) {
		for (int i = 0; i < SIDES; i++)
			q->classes[c].wanted[i] = (double)q->classes[c].rows * s->share[i];
	}
	for (size_t u = 0; u < l->units_n; u++) {
		if (l->units[u].parent != u || l->units[u].kept == SIDE_NONE)
			continue;
		l->units[u].side = l->units[u].kept;
		for (size_t i = f.blocks.at[u]; i < f.blocks.at[u + 1]; i++)
			count_row(&f, f.blocks.row[i], ledger_side(l, f.blocks.row[i]));
	}
	size_t n = 0;
	for (size_t i = first; i < l->rows; i++) {
		uint32_t root = ledger_block(l, i);
		for (size_t k = q->begin[i]; k < q->begin[i + 1]; k++)
			turn[n++] = (struct candidate){l->units[root].hash,
						       (uint32_t)q->classes[q->row_class[k]].rows,
						       q->row_class[k], root};
	}
	mem_sort(turn, n, sizeof *turn, by_turn);
	for (size_t i = 0; i < n; i++) {
		if (l->units[turn[i].root].side == SIDE_NONE)
			place(&f, turn[i].root, choose(&f, &q->classes[turn[i].class]));
	}
	free(turn);
	free(f.blocks.row);
	free(f.blocks.at);
}

size_t quota_classes(const struct quota *q, size_t path)
{
	size_t n = 0;

	for (size_t c = 0; c < q->classes_n; c++)
		n += q->classes[c].path == path;
	return n;
}

size_t quota_off(const struct quota *q, size_t path)
{
	size_t n = 0;

	for (size_t c = 0; c < q->classes_n; c++) {
		double most = 0;
		for (int i = 0; i < SIDES; i++)
			most = fmax(most, fabs(q->classes[c].wanted[i]));
		n += q->classes[c].path == path && most > 1 + 1e-9;
	}
	return n;
}

double quota_deviation(const struct quota *q, size_t path, const struct class **which,
		       enum side *side)
{
	double most = 0;

	*which = NULL;
	*side = SIDE_NONE;
	for (size_t c = 0; c < q->classes_n; c++) {
		for (int i = 0; i < SIDES && q->classes[c].path == path; i++) {
			if (fabs(q->classes[c].wanted[i]) > most) {
				most = fabs(q->classes[c].wanted[i]);
				*which = &q->classes[c];
				*side = (enum side)i;
			}
		}
	}
	return most;
}

size_t quota_rare(const struct quota *q, int sides, struct buf *names)
{
	size_t n = 0;

	for (size_t c = 0; c < q->classes_n; c++) {
		if (q->classes[c].rows == 0 || q->classes[c].rows >= (size_t)sides)
			continue;
		if (n++ < NAMES)
			buf_addf(names, "%s%s", n > 1 ? ", " : "", q->classes[c].name);
	}
	if (n > NAMES)
		buf_adds(names, ", ...");
	return n;
}
