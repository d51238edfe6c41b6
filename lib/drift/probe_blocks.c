/* probe_blocks: rows that depend on each other, brought to the tests by their blocks; see probe.h. */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../text/hash.h"
#include "probe.h"

/* Rows without a value are blocks of their own. */
static void number_blocks(const struct frame *f, const struct column *c, uint32_t **block,
			  size_t *n)
{
	struct map known = {0};
	size_t at = 0;

	*block = mem_alloc(f->sample_n, sizeof **block);
	*n = 0;
	for (size_t row = 0; row < f->sample_n; row++) {
		int fresh = 1;
		uint64_t number = *n;
		while (at < c->cells_n && c->cells[at].row < row)
			at++;
		if (at < c->cells_n && c->cells[at].row == row)
			number = *map_put(&known, hash64(column_cell_text(c, &c->cells[at]), 0), *n,
					  &fresh);
		*n += (size_t)fresh;
		(*block)[row] = (uint32_t)number;
	}
	map_release(&known);
}

int probe_find_blocks(struct probe *p, struct err *e)
{
	const struct frame *side[] = {p->reference, p->current};
	const struct column *c[2];
	const struct path *asked =
		p->reference->cluster ? p->reference->cluster : p->current->cluster;

	for (int i = 0; i < 2; i++)
		c[i] = frame_root(side[i], ROOT_CLUSTER);
	if (!asked && !(c[0] && c[1]))
		return 0;
	for (int i = 0; i < 2; i++) {
		if (side[i]->rows && (!c[i] || !c[i]->count[KIND_STRING]))
			return err_set(e,
				       "--cluster: no %s record has anything at %s, or it is a profile made without --cluster",
				       i ? "current" : "reference",
				       asked ? path_text(asked) : c[1 - i]->path);
	}
	for (int i = 0; i < 2; i++) {
		if (c[i])
			number_blocks(side[i], c[i], &p->block[i], &p->blocks[i]);
	}
	return 0;
}

int probe_in_blocks(const struct probe *p)
{
	return p->block[0] && p->block[1];
}

void probe_rows_add(struct probe_rows *r, const struct probe *p, int current, size_t row, double x)
{
	r->x = mem_grow(r->x, &r->x_cap, r->n + 1, sizeof *r->x);
	r->block = mem_grow(r->block, &r->block_cap, r->n + 1, sizeof *r->block);
	r->x[r->n] = x;
	r->block[r->n++] = p->block[current][row] + (current ? (uint32_t)p->blocks[0] : 0);
	r->first += !current;
}

struct blocks probe_rows_blocks(const struct probe_rows *r, const struct probe *p)
{
	return (struct blocks){.rows = r->n,
			       .first = r->first,
			       .block = r->block,
			       .n = p->blocks[0] + p->blocks[1],
			       .seed = p->options->seed,
			       .draws = p->draws};
}

void probe_rows_release(struct probe_rows *r)
{
	free(r->x);
	free(r->block);
	*r = (struct probe_rows){0};
}

double probe_rows_ks(struct probe_rows *r, const struct probe *p)
{
	struct blocks b = probe_rows_blocks(r, p);
	double value = blocks_ks(&b, r->x);

	probe_rows_release(r);
	return value;
}

double probe_rows_table(struct probe_rows *r, const struct probe *p, size_t levels)
{
	struct blocks b = probe_rows_blocks(r, p);
	uint32_t *level = mem_alloc(r->n, sizeof *level);

	for (size_t i = 0; i < r->n; i++)
		level[i] = (uint32_t)r->x[i];
	double value = blocks_table(&b, level, levels);
	free(level);
	probe_rows_release(r);
	return value;
}

void probe_units_add(struct probe_units *u, const struct probe *p, int current, size_t row,
		     uint64_t what)
{
	int fresh;

	map_put(&u->seen, hash_mix(what, p->block[current][row]), 0, &fresh);
	if (fresh)
		++*map_put(&u->units, what, 0, NULL);
}

uint64_t probe_units_of(const struct probe_units *u, uint64_t what)
{
	const uint64_t *n = map_get(&u->units, what);

	return n ? *n : 0;
}

void probe_units_release(struct probe_units *u)
{
	map_release(&u->seen);
	map_release(&u->units);
}
