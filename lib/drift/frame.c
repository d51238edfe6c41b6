/* frame: columns, the sample of rows, and two frames made one; see the header. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/hash.h"
#include "frame.h"

void frame_init(struct frame *f)
{
	*f = (struct frame){.threshold = UINT64_MAX};
}

void frame_release(struct frame *f)
{
	for (size_t i = 0; i < f->columns_n; i++)
		column_free(f->columns[i]);
	free(f->columns);
	shape_release(&f->top);
	map_release(&f->by_hash);
	free(f->sample);
	for (size_t i = 0; i < sizeof f->decoded / sizeof *f->decoded; i++)
		buf_release(&f->decoded[i]);
	buf_release(&f->text);
	buf_release(&f->vector);
	frame_init(f);
}

static uint64_t column_key(enum root root, uint64_t path_hash)
{
	return hash_mix(path_hash, (uint64_t)root);
}

/* References go by the name of outputs where those are compared with them. */
static enum type asked_of(const struct frame *f, enum root root, const char *behind)
{
	enum type asked = TYPE_NONE;

	if (root == ROOT_INPUT)
		return type_asked(f->types, f->types_n, "", behind);
	if (root == ROOT_REFERENCE)
		asked = type_asked(f->types, f->types_n, f->reference_name, behind);
	return asked || root == ROOT_TIME ? asked
					  : type_asked(f->types, f->types_n, ".output", behind);
}

struct column *frame_add_column(struct frame *f, enum root root, struct span path, uint64_t hash,
				struct column *parent)
{
	uint64_t key = column_key(root, hash);

	if (f->columns_n == FRAME_COLUMNS || map_get(&f->by_hash, key))
		return NULL;
	f->columns = mem_grow(f->columns, &f->columns_cap, f->columns_n + 1, sizeof *f->columns);
	map_put(&f->by_hash, key, f->columns_n, NULL);
	struct column *c = f->columns[f->columns_n] = column_new(root, path, hash, parent);
	type_expect(c, asked_of(f, root, c->path));
	return f->columns[f->columns_n++];
}

struct column *frame_column_at(const struct frame *f, enum root root, uint64_t hash)
{
	uint64_t *known = map_get(&f->by_hash, column_key(root, hash));

	return known ? f->columns[*known] : NULL;
}

struct column *frame_column(const struct frame *f, enum root root, const struct column *c)
{
	return frame_column_at(f, root, c->hash);
}

struct column *frame_root(const struct frame *f, enum root root)
{
	return frame_column_at(f, root, 0);
}

uint64_t frame_possible(const struct frame *f, const struct column *c)
{
	return c->parent ? c->parent->count[KIND_OBJECT] : f->rows;
}

/* --- the sample --- */

void frame_salt(struct frame *f, struct span first_line)
{
	f->salt = hash64(first_line, f->seed);
	f->sample_max = f->sample_max ? f->sample_max : FRAME_SAMPLE;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Drops the sampled rows above the threshold. */
static void drop_rows(struct frame *f)
{
	uint32_t *to = mem_alloc(f->sample_n, sizeof *to);
	size_t kept = 0;

	for (size_t i = 0; i < f->sample_n; i++) {
		to[i] = UINT32_MAX;
		if (f->sample[i].priority > f->threshold)
			continue;
		to[i] = (uint32_t)kept;
		f->sample[kept++] = f->sample[i];
	}
	if (kept < f->sample_n) {
		for (size_t i = 0; i < f->columns_n; i++)
			column_renumber(f->columns[i], to);
	}
	f->sample_n = kept;
	free(to);
}

/* The threshold that leaves sample_max of the rows sampled in n frames. */
static uint64_t threshold_of(struct frame *const *f, size_t n)
{
	size_t all = 0, most = f[0]->sample_max;
	uint64_t threshold = f[0]->threshold;

	for (size_t i = 0; i < n; i++)
		all += f[i]->sample_n;
	if (all <= most)
		return threshold;
	uint64_t *order = mem_alloc(all, sizeof *order);
	all = 0;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < f[i]->sample_n; k++)
			order[all++] = f[i]->sample[k].priority;
	}
	mem_sort(order, all, sizeof *order, by_size);
	threshold = order[most - 1];
	free(order);
	return threshold;
}

static void shrink_sample(struct frame *f)
{
	drop_rows(f);
	f->threshold = threshold_of(&f, 1);
	drop_rows(f);
}

void frame_shrink(struct frame *const *parts, size_t n)
{
	size_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += parts[i]->sample_n;
	if (all < 2 * parts[0]->sample_max)
		return;
	uint64_t threshold = threshold_of(parts, n);
	for (size_t i = 0; i < n; i++) {
		parts[i]->threshold =
			threshold < parts[i]->threshold ? threshold : parts[i]->threshold;
		drop_rows(parts[i]);
	}
}

int64_t frame_sample_row(struct frame *f, uint64_t priority, uint64_t number)
{
	if (priority > f->threshold)
		return -1;
	if (f->sample_n >= 2 * f->sample_max) {
		shrink_sample(f);
		if (priority > f->threshold)
			return -1;
	}
	f->sample = mem_grow(f->sample, &f->sample_cap, f->sample_n + 1, sizeof *f->sample);
	f->sample[f->sample_n] = (struct sampled_row){priority, number};
	return (int64_t)f->sample_n++;
}

static int by_number(const void *a, const void *b)
{
	const struct sampled_row *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* Sampled rows in the order of their numbers, and cells in that of their rows. */
static void sort_sample(struct frame *f)
{
	size_t rising = 1;

	while (rising < f->sample_n && f->sample[rising - 1].number < f->sample[rising].number)
		rising++;
	if (rising >= f->sample_n)
		return;
	struct sampled_row *sorted = mem_alloc(f->sample_n, sizeof *sorted);
	uint32_t *to = mem_alloc(f->sample_n, sizeof *to);
	memcpy(sorted, f->sample, f->sample_n * sizeof *sorted);
	mem_sort(sorted, f->sample_n, sizeof *sorted, by_number);
	for (size_t i = 0; i < f->sample_n; i++)
		to[i] = (uint32_t)((struct sampled_row *)bsearch(&f->sample[i], sorted, f->sample_n,
								 sizeof *sorted, by_number) -
				   sorted);
	memcpy(f->sample, sorted, f->sample_n * sizeof *sorted);
	for (size_t i = 0; i < f->columns_n; i++) {
		column_renumber(f->columns[i], to);
		column_sort(f->columns[i], f->sample_n);
	}
	free(sorted);
	free(to);
}

void frame_finish(struct frame *f)
{
	f->sample_max = f->sample_max ? f->sample_max : FRAME_SAMPLE;
	shrink_sample(f);
	sort_sample(f);
	for (size_t i = 0; i < f->columns_n; i++)
		column_finish(f->columns[i]);
}

void frame_merge(struct frame *f, const struct frame *from, uint64_t offset)
{
	size_t first_row = f->sample_n;

	for (size_t i = 0; i < from->sample_n; i++) {
		f->sample = mem_grow(f->sample, &f->sample_cap, f->sample_n + 1, sizeof *f->sample);
		f->sample[f->sample_n++] = (struct sampled_row){from->sample[i].priority,
								from->sample[i].number + offset};
	}
	/* Parents stand before their children. */
	for (size_t i = 0; i < from->columns_n; i++) {
		const struct column *c = from->columns[i];
		struct column *to = frame_column_at(f, c->root, c->hash);
		if (!to)
			to = frame_add_column(f, c->root, span_of(c->path), c->hash,
					      c->parent
						      ? frame_column_at(f, c->root, c->parent->hash)
						      : NULL);
		if (to)
			column_merge(to, c, first_row);
		else
			f->lost += column_present(c);
	}
	if (!f->reference_name[0])
		memcpy(f->reference_name, from->reference_name, sizeof f->reference_name);
	f->rows += from->rows;
	f->lost += from->lost;
	/* A row that the other side would not have kept is not kept here either. */
	f->threshold = from->threshold < f->threshold ? from->threshold : f->threshold;
}
