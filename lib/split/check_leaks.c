/* leaks: what train knows of test. */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "check_impl.h"

static void find_exact(struct split_check *c)
{
	struct answer *a = answer_begin(c, "exact-duplicate");
	struct map inputs = {0};

	for (size_t i = 0; i < c->side[TRAIN].n; i++)
		map_put(&inputs, c->side[TRAIN].row[i].input, i, NULL);
	for (size_t i = 0; i < c->side[TEST].n; i++) {
		struct row *row = &c->side[TEST].row[i];
		uint64_t *twin = map_get(&inputs, row->input);
		if (!twin)
			continue;
		row->exact = 1;
		answer_pair(a, i, *twin);
	}
	buf_addf(&a->why, "%zu test rows have the input of a training row", a->count);
	answer_such_as(c, a);
	answer_end(a, CHECK_LEAK, "no test row has the input of a training row");
	map_release(&inputs);
}

/* Texts with equal sets of runs are represented by the first of them; test rows come first. */
static void find_near(struct split_check *c, struct pool *pool)
{
	struct answer *a = answer_begin(c, "near-duplicate");
	size_t n, crowded, test = c->side[TEST].n, texts = near_count(c->near);
	struct near_pair *pair = near_pairs(c->near, pool, &n, &crowded);
	uint32_t *first = mem_alloc(texts, sizeof *first), *twin = mem_alloc(texts, sizeof *twin),
		 *like = mem_alloc(texts, sizeof *like);

	for (size_t i = 0; i < texts; i++)
		first[i] = (uint32_t)i;
	for (size_t i = 0; i < n && pair[i].jaccard == 1; i++)
		first[pair[i].b] = pair[i].a;
	/* Of a set: the training row that has it, and the one that comes nearest (pairs are ordered
	 * so). Texts, 0 for none: text 0 is test's. */
	for (size_t i = texts; i-- > test;)
		twin[first[i]] = (uint32_t)i;
	for (size_t i = 0; i < n; i++) {
		uint32_t x = pair[i].a, y = pair[i].b;
		if (pair[i].jaccard == 1)
			continue;
		like[x] = like[x] ? like[x] : twin[y];
		like[y] = like[y] ? like[y] : twin[x];
	}
	for (size_t i = 0; i < test; i++) {
		uint32_t text = twin[first[i]] ? twin[first[i]] : like[first[i]];
		c->side[TEST].row[i].near = text != 0;
		if (text && !c->side[TEST].row[i].exact)
			answer_pair(a, i, text - test);
	}
	buf_addf(&a->why, "%zu more test rows look like a training row (Jaccard %g or more)",
		 a->count, c->o.near);
	answer_such_as(c, a);
	if (a->count)
		buf_addf(&a->why, " (%.2f)",
			 near_jaccard(c->near, a->example[0].row.row,
				      test + a->example[0].like.row));
	answer_end(a, CHECK_LEAK, "no test row looks like a training row");
	if (crowded)
		buf_addf(&a->why, "; %zu texts stand in crowds that were compared in part",
			 crowded);
	free(pair);
	free(first);
	free(twin);
	free(like);
}

static void find_groups(struct split_check *c)
{
	struct map groups = {0};

	if (!c->o.group)
		return;
	struct answer *a = answer_begin(c, "shared-group");
	for (size_t i = 0; i < c->side[TRAIN].n; i++) {
		if (c->side[TRAIN].row[i].group)
			map_put(&groups, c->side[TRAIN].row[i].group, i, NULL);
	}
	for (size_t i = 0; i < c->side[TEST].n; i++) {
		uint64_t group = c->side[TEST].row[i].group,
			 *other = group ? map_get(&groups, group) : NULL;
		if (other)
			answer_pair(a, i, *other);
	}
	buf_addf(&a->why, "%zu test rows have the %s of a training row", a->count,
		 path_text(c->o.group));
	answer_such_as(c, a);
	answer_end(a, CHECK_LEAK, "no group has rows on both sides");
	map_release(&groups);
}

/* The share of a test row's runs that stand in training rows, but in few: what many share is
 * boilerplate. *like: one of them. */
static double rare_share(const struct split_check *c, const struct grams *g, size_t row,
			 size_t *like)
{
	double most = fmax(5, 0.002 * (double)c->side[TRAIN].n), found = 0;

	for (size_t i = g->begin[row]; i < g->begin[row + 1]; i++) {
		uint64_t seen = *map_get(&g->in_train, g->gram[i]);
		if (!seen || (double)(seen >> 32) > most)
			continue;
		found++;
		*like = (uint32_t)seen - 1;
	}
	return found > 0 ? found / (double)(g->begin[row + 1] - g->begin[row]) : 0;
}

/* A reference that train gives away in part is a leak. Inputs share phrases by nature: one is
 * leaked where most of it stands in train, which the similarity of whole texts does not see when
 * the training text is longer. */
static void find_grams(struct split_check *c, int reference)
{
	struct answer *a = answer_begin(c, reference ? "overlap-reference" : "overlap-input");
	size_t phrases = 0;

	for (size_t i = 0; i < c->side[TEST].n; i++) {
		struct row *row = &c->side[TEST].row[i];
		size_t like = CHECK_NONE;
		double share = rare_share(c, &c->grams[reference], i, &like);
		phrases += share > 0;
		if (reference ? share > 0 : share >= 0.8 && !row->exact && !row->near)
			answer_pair(a, i, like);
	}
	if (reference) {
		buf_addf(&a->why,
			 "%zu test rows have a reference with %d words in a row that few training references have",
			 a->count, CHECK_GRAM);
		answer_such_as(c, a);
		answer_end(a, CHECK_LEAK,
			   "no reference shares 13 words in a row with a training reference");
		return;
	}
	buf_addf(&a->why, "%zu test rows have an input that mostly stands in a training input",
		 a->count);
	answer_such_as(c, a);
	answer_end(a, CHECK_LEAK, "no input stands mostly in a training input");
	if (phrases > a->count)
		buf_addf(&a->why, "; %zu share a phrase of %d words or more", phrases, CHECK_GRAM);
}

static void find_time(struct split_check *c)
{
	double first = INFINITY;

	if (!c->o.time)
		return;
	struct answer *a = answer_begin(c, "time");
	for (size_t i = 0; i < c->side[TEST].n; i++)
		first = fmin(first, c->side[TEST].row[i].time);
	for (size_t i = 0; i < c->side[TRAIN].n; i++) {
		if (c->side[TRAIN].row[i].time >= first)
			answer_count(a, TRAIN, i);
	}
	buf_addf(&a->why, "%zu training rows are as late as the first test row or later", a->count);
	answer_end(a, CHECK_LEAK, "all training rows are earlier than the first test row");
}

void check_leaks(struct split_check *c, struct pool *pool)
{
	find_exact(c);
	find_near(c, pool);
	find_groups(c);
	find_grams(c, GRAMS_INPUT);
	find_grams(c, GRAMS_REFERENCE);
	find_time(c);
}
