/* ledger: union-find over units; see the header. */
#include <stdlib.h>
#include "../base/mem.h"
#include "../text/hash.h"
#include "ledger.h"

void ledger_release(struct ledger *l)
{
	map_release(&l->units_by_hash);
	map_release(&l->unit_by_input);
	free(l->units);
	free(l->row_unit);
	free(l->row_kept);
	*l = (struct ledger){0};
}

static uint32_t root_of(struct ledger *l, uint32_t u)
{
	struct unit *units = l->units;

	while (units[u].parent != u) {
		units[u].parent = units[units[u].parent].parent;
		u = units[u].parent;
	}
	return u;
}

static void keep(struct unit *root, int side)
{
	if (side == SIDE_NONE)
		return;
	if (root->kept != SIDE_NONE && root->kept != side)
		root->torn = 1;
	if (root->kept == SIDE_NONE || side > root->kept)
		root->kept = (signed char)side;
}

/* Whose hash stands for a block. Not the hash itself: the least of many hashes is small, and blocks
 * would all fall to one side. */
static uint64_t rank(uint64_t hash)
{
	return hash_mix(hash, 1);
}

static void join(struct ledger *l, uint32_t a, uint32_t b)
{
	a = root_of(l, a);
	b = root_of(l, b);
	if (a == b)
		return;
	if (l->units[a].size < l->units[b].size) {
		uint32_t t = a;
		a = b;
		b = t;
	}
	struct unit *big = &l->units[a], *small = &l->units[b];
	small->parent = a;
	big->size += small->size;
	if (rank(small->hash) < rank(big->hash))
		big->hash = small->hash;
	big->torn |= small->torn;
	keep(big, small->kept);
	big->tied = 1;
}

int ledger_add(struct ledger *l, uint64_t unit, uint64_t input, enum side kept, struct err *e)
{
	int added;

	if (l->rows >= UINT32_MAX)
		return err_set(e, "more than %u rows", UINT32_MAX);
	uint32_t u = (uint32_t)*map_put(&l->units_by_hash, unit, l->units_n, &added);
	if (added) {
		l->units = mem_grow(l->units, &l->units_cap, l->units_n + 1, sizeof *l->units);
		l->units[l->units_n++] = (struct unit){.hash = unit,
						       .parent = u,
						       .kept = SIDE_NONE,
						       .side = SIDE_NONE};
	}
	uint32_t root = root_of(l, u);
	l->units[root].size++;
	keep(&l->units[root], kept);

	l->row_unit = mem_grow(l->row_unit, &l->rows_cap, l->rows + 1, sizeof *l->row_unit);
	l->row_kept = mem_grow(l->row_kept, &l->kept_cap, l->rows + 1, 1);
	l->row_unit[l->rows] = u;
	l->row_kept[l->rows] = (signed char)kept;
	l->rows++;

	uint32_t first = (uint32_t)*map_put(&l->unit_by_input, input, u, &added);
	if (!added)
		join(l, first, u);
	return 0;
}

int ledger_tie(struct ledger *l, size_t row_a, size_t row_b, size_t most)
{
	uint32_t a = ledger_block(l, row_a), b = ledger_block(l, row_b);

	if (a != b && (size_t)l->units[a].size + l->units[b].size > most)
		return -1;
	join(l, a, b);
	return 0;
}

uint32_t ledger_block(struct ledger *l, size_t row)
{
	return root_of(l, l->row_unit[row]);
}

void ledger_settle(struct ledger *l, const struct sides *s)
{
	for (size_t i = 0; i < l->units_n; i++) {
		struct unit *u = &l->units[i];
		if (u->parent == i)
			u->side =
				u->kept != SIDE_NONE ? u->kept : (signed char)sides_of(s, u->hash);
	}
}

enum side ledger_side(struct ledger *l, size_t row)
{
	if (l->row_kept[row] != SIDE_NONE)
		return l->row_kept[row];
	return l->units[ledger_block(l, row)].side;
}

size_t ledger_torn(const struct ledger *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->units_n; i++)
		n += l->units[i].parent == i && l->units[i].torn;
	return n;
}

size_t ledger_tied(const struct ledger *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->units_n; i++)
		n += l->units[i].parent == i && l->units[i].tied;
	return n;
}

size_t ledger_blocks(const struct ledger *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->units_n; i++)
		n += l->units[i].parent == i;
	return n;
}

size_t ledger_largest(struct ledger *l, size_t first, size_t *row)
{
	uint32_t *rows = mem_alloc(l->units_n, sizeof *rows);
	size_t most = 0;

	for (size_t i = first; i < l->rows; i++) {
		uint32_t n = ++rows[ledger_block(l, i)];
		if (n > most) {
			most = n;
			*row = i;
		}
	}
	free(rows);
	return most;
}
