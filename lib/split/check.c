/* check: hashes of every row of both sides, and what they tell; see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../stats/interval.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "check.h"
#include "plan.h"

#define ANSWERS 12

/* One row of either side. 0 stands for "none" in the hashes. */
struct row {
	uint64_t input, reference, group, label;
	double time; /* seconds; NaN unknown */
	size_t id;   /* in ids */
	unsigned char near, exact; /* of a test row: found in train */
};

struct side_rows {
	struct row *row;
	size_t n, cap;
	struct frame frame;
};

/* Runs of words in test, and how many training rows have each. */
struct grams {
	struct map train_rows;
	uint64_t *gram; /* of test row i: from begin[i] to begin[i + 1] */
	size_t *begin;
	size_t n, cap, rows, begin_cap;
};

struct check {
	struct check_options o;
	struct side_rows side[2]; /* train, test */
	struct near *near;
	struct grams grams[2]; /* of inputs, of references */
	struct buf ids, text, scratch;
	struct answer answer[ANSWERS];
	size_t answers;
};

struct check *check_new(const struct check_options *o)
{
	struct check *c = mem_alloc(1, sizeof *c);

	c->o = *o;
	c->near = near_new(o->near, o->seed);
	for (int i = 0; i < 2; i++) {
		frame_init(&c->side[i].frame);
		c->side[i].frame.seed = o->seed;
	}
	return c;
}

void check_free(struct check *c)
{
	if (!c)
		return;
	for (int i = 0; i < 2; i++) {
		free(c->side[i].row);
		frame_release(&c->side[i].frame);
	}
	for (size_t i = 0; i < c->answers; i++) {
		for (size_t k = 0; k < c->answer[i].examples; k++)
			free(c->answer[i].example[k]);
		buf_release(&c->answer[i].why);
	}
	near_free(c->near);
	for (int i = 0; i < 2; i++) {
		map_release(&c->grams[i].train_rows);
		free(c->grams[i].gram);
		free(c->grams[i].begin);
	}
	buf_release(&c->ids);
	buf_release(&c->text);
	buf_release(&c->scratch);
	free(c);
}

static uint64_t hash_at(struct check *c, const struct path *p, const struct record *r)
{
	struct span v = p ? path_find(p, r->body, &c->scratch) : (struct span){0};

	if (!v.s || json_kind(v) == JSON_NULL)
		return 0;
	buf_clear(&c->text);
	if (json_kind(v) == JSON_STRING)
		json_string(v, &c->text);
	else
		json_canonical(v, &c->text);
	return hash64(buf_span(&c->text), 1) | 1;
}

/* The runs of a test row are kept; those of a training row that test has are counted. */
static void add_grams(struct grams *g, struct span text, int test)
{
	struct tokens t;
	struct token token;
	uint64_t last[CHECK_GRAM] = {0};
	size_t words = 0;

	if (test) {
		g->begin = mem_grow(g->begin, &g->begin_cap, g->rows + 2, sizeof *g->begin);
		g->begin[g->rows++] = g->n;
	}
	tokens_init(&t, text, 0);
	while (tokens_next(&t, &token)) {
		last[words++ % CHECK_GRAM] = token.hash;
		if (words < CHECK_GRAM)
			continue;
		uint64_t h = 0;
		for (size_t i = 0; i < CHECK_GRAM; i++)
			h = hash_mix(h, last[(words + i) % CHECK_GRAM]);
		if (test) {
			map_put(&g->train_rows, h, 0, NULL);
			g->gram = mem_grow(g->gram, &g->cap, g->n + 1, sizeof *g->gram);
			g->gram[g->n++] = h;
		} else {
			uint64_t *rows = map_get(&g->train_rows, h);
			if (rows)
				++*rows;
		}
	}
	if (test)
		g->begin[g->rows] = g->n;
}

/* The share of a test row's runs that stand in training rows, but in few: what many share is boilerplate. */
static double rare_share(const struct check *c, const struct grams *g, size_t row)
{
	double most = fmax(5, 0.002 * (double)c->side[0].n), found = 0;

	for (size_t i = g->begin[row]; i < g->begin[row + 1]; i++) {
		uint64_t rows = *map_get(&g->train_rows, g->gram[i]);
		found += rows > 0 && (double)rows <= most;
	}
	return found > 0 ? found / (double)(g->begin[row + 1] - g->begin[row]) : 0;
}

static int add_row(struct check *c, int test, const struct record *r, struct err *e)
{
	struct side_rows *s = &c->side[test];
	struct row row = {.time = NAN, .id = c->ids.len};
	char key[33];

	if (record_id(r, &c->ids, e) || buf_addc(&c->ids, 0))
		return c->ids.full ? err_set(e, "ids of more than %zu bytes", BUF_MAX) : -1;
	if (record_key(r, key, e))
		return -1;
	row.input = hash64(span_of(key), 0) | 1;
	row.group = hash_at(c, c->o.group, r);
	row.label = hash_at(c, c->o.label, r);
	if (c->o.time) {
		struct span v = path_find(c->o.time, r->body, &c->scratch);
		if (!v.s || plan_time(v, &c->text, &row.time))
			return err_set(e, "no date or time at %s", path_text(c->o.time));
	}
	buf_clear(&c->text);
	if (near_text(r, &c->text, e) || near_add(c->near, buf_span(&c->text), e))
		return -1;
	add_grams(&c->grams[0], buf_span(&c->text), test);
	buf_clear(&c->text);
	int n = record_references(r, &c->text, e);
	if (n < 0)
		return -1;
	add_grams(&c->grams[1], n ? span_of(c->text.data) : (struct span){"", 0}, test);
	if (n > 0) {
		row.reference = hash64(buf_span(&c->text), 2) | 1;
		if (!c->o.label)
			row.label = row.reference;
	}
	s->row = mem_grow(s->row, &s->cap, s->n + 1, sizeof *s->row);
	s->row[s->n++] = row;
	return frame_add(&s->frame, r, e);
}

int check_train(struct check *c, const struct record *r, struct err *e)
{
	return add_row(c, 0, r, e);
}

int check_test(struct check *c, const struct record *r, struct err *e)
{
	return add_row(c, 1, r, e);
}

size_t check_rows(const struct check *c, int test)
{
	return c->side[test != 0].n;
}

/* --- answers --- */

static struct answer *answer(struct check *c, const char *name)
{
	struct answer *a = &c->answer[c->answers++];

	*a = (struct answer){.check = name};
	return a;
}

static void count(struct check *c, struct answer *a, const struct row *row)
{
	if (a->count++ < CHECK_EXAMPLES)
		a->example[a->examples++] = mem_strdup(c->ids.data + row->id);
}

static void conclude(struct answer *a, enum check_verdict bad, const char *none)
{
	a->verdict = a->count ? bad : CHECK_OK;
	if (!a->count) {
		buf_clear(&a->why);
		buf_adds(&a->why, none);
	}
}

static void find_exact(struct check *c)
{
	struct answer *a = answer(c, "exact-duplicate");
	struct map inputs = {0};

	for (size_t i = 0; i < c->side[0].n; i++)
		map_put(&inputs, c->side[0].row[i].input, i, NULL);
	for (size_t i = 0; i < c->side[1].n; i++) {
		struct row *row = &c->side[1].row[i];
		if (!map_get(&inputs, row->input))
			continue;
		row->exact = 1;
		count(c, a, row);
	}
	buf_addf(&a->why, "%zu test rows have the input of a training row", a->count);
	conclude(a, CHECK_LEAK, "no test row has the input of a training row");
	map_release(&inputs);
}

/* Texts with equal sets of runs are represented by the first of them; test rows come first. */
static void find_near(struct check *c, struct pool *pool)
{
	struct answer *a = answer(c, "near-duplicate");
	size_t n, crowded, test = c->side[1].n, texts = near_count(c->near);
	struct near_pair *pair = near_pairs(c->near, pool, &n, &crowded);
	uint32_t *first = mem_alloc(texts, sizeof *first);
	unsigned char *in_train = mem_alloc(texts, 1), *near_train = mem_alloc(texts, 1);

	for (size_t i = 0; i < texts; i++)
		first[i] = (uint32_t)i;
	for (size_t i = 0; i < n && pair[i].jaccard == 1; i++)
		first[pair[i].b] = pair[i].a;
	for (size_t i = test; i < texts; i++)
		in_train[first[i]] = 1;
	for (size_t i = 0; i < n; i++) {
		near_train[pair[i].a] |= in_train[pair[i].b] && pair[i].jaccard < 1;
		near_train[pair[i].b] |= in_train[pair[i].a] && pair[i].jaccard < 1;
	}
	for (size_t i = 0; i < test; i++) {
		struct row *row = &c->side[1].row[i];
		row->near = in_train[first[i]] || near_train[first[i]];
		if (row->near && !row->exact)
			count(c, a, row);
	}
	buf_addf(&a->why, "%zu more test rows look like a training row (Jaccard %g or more)", a->count, c->o.near);
	for (size_t i = 0; i < n && a->count; i++) {
		if (pair[i].a >= test || pair[i].b < test || c->side[1].row[pair[i].a].exact)
			continue;
		buf_addf(&a->why, ", such as %s, like %s of train (%.2f)", c->ids.data + c->side[1].row[pair[i].a].id,
			 c->ids.data + c->side[0].row[pair[i].b - test].id, (double)pair[i].jaccard);
		break;
	}
	conclude(a, CHECK_LEAK, "no test row looks like a training row");
	if (crowded)
		buf_addf(&a->why, "; %zu texts stand in crowds that were compared in part", crowded);
	free(pair);
	free(first);
	free(in_train);
	free(near_train);
}

static void find_groups(struct check *c)
{
	struct map groups = {0};

	if (!c->o.group)
		return;
	struct answer *a = answer(c, "shared-group");
	for (size_t i = 0; i < c->side[0].n; i++) {
		if (c->side[0].row[i].group)
			map_put(&groups, c->side[0].row[i].group, i, NULL);
	}
	for (size_t i = 0; i < c->side[1].n; i++) {
		if (c->side[1].row[i].group && map_get(&groups, c->side[1].row[i].group))
			count(c, a, &c->side[1].row[i]);
	}
	buf_addf(&a->why, "%zu test rows have the %s of a training row", a->count, path_text(c->o.group));
	conclude(a, CHECK_LEAK, "no group has rows on both sides");
	map_release(&groups);
}

/* A reference that train gives away in part is a leak. Inputs share phrases by nature: one is leaked where most of it stands in train,
 * which the similarity of whole texts does not see when the training text is longer. */
static void find_grams(struct check *c, int reference)
{
	struct answer *a = answer(c, reference ? "overlap-reference" : "overlap-input");
	size_t phrases = 0;

	for (size_t i = 0; i < c->side[1].n; i++) {
		struct row *row = &c->side[1].row[i];
		double share = rare_share(c, &c->grams[reference], i);
		phrases += share > 0;
		if (reference ? share > 0 : share >= 0.8 && !row->exact && !row->near)
			count(c, a, row);
	}
	if (reference) {
		buf_addf(&a->why, "%zu test rows have a reference with %d words in a row that few training references have", a->count,
			 CHECK_GRAM);
		conclude(a, CHECK_LEAK, "no reference shares 13 words in a row with a training reference");
	} else {
		buf_addf(&a->why, "%zu test rows have an input that mostly stands in a training input", a->count);
		conclude(a, CHECK_LEAK, "no input stands mostly in a training input");
		if (phrases > a->count)
			buf_addf(&a->why, "; %zu share a phrase of %d words or more", phrases, CHECK_GRAM);
	}
}

static void find_time(struct check *c)
{
	double first = INFINITY;

	if (!c->o.time)
		return;
	struct answer *a = answer(c, "time");
	for (size_t i = 0; i < c->side[1].n; i++)
		first = fmin(first, c->side[1].row[i].time);
	for (size_t i = 0; i < c->side[0].n; i++) {
		if (c->side[0].row[i].time >= first)
			count(c, a, &c->side[0].row[i]);
	}
	buf_addf(&a->why, "%zu training rows are as late as test rows or later", a->count);
	conclude(a, CHECK_LEAK, "all training rows are earlier than the first test row");
}

static void find_conflicts(struct check *c)
{
	struct answer *a = answer(c, "conflicting-references");
	struct map reference = {0};

	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < c->side[s].n; i++) {
			const struct row *row = &c->side[s].row[i];
			if (row->reference && *map_put(&reference, row->input, row->reference, NULL) != row->reference)
				count(c, a, row);
		}
	}
	buf_addf(&a->why, "%zu rows have another reference than an earlier row with the same input", a->count);
	conclude(a, CHECK_WARNING, "equal inputs have equal references");
	map_release(&reference);
}

/* Whether labels are classes at all, and not texts of their own. */
static int are_classes(const struct check *c)
{
	struct map labels = {0};
	size_t n = 0;

	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < c->side[s].n; i++) {
			n += c->side[s].row[i].label != 0;
			if (c->side[s].row[i].label)
				map_put(&labels, c->side[s].row[i].label, 0, NULL);
		}
	}
	size_t distinct = labels.n;
	map_release(&labels);
	return distinct > 1 && distinct * 5 <= n;
}

static void find_absent(struct check *c)
{
	struct answer *a = answer(c, "absent-class");
	size_t absent[2] = {0};

	for (int s = 0; s < 2; s++) {
		struct map there = {0}, told = {0};
		for (size_t i = 0; i < c->side[1 - s].n; i++)
			map_put(&there, c->side[1 - s].row[i].label, 0, NULL);
		for (size_t i = 0; i < c->side[s].n; i++) {
			const struct row *row = &c->side[s].row[i];
			int fresh;
			if (!row->label || map_get(&there, row->label))
				continue;
			map_put(&told, row->label, 0, &fresh);
			if (fresh) {
				absent[s]++;
				count(c, a, row);
			}
		}
		map_release(&there);
		map_release(&told);
	}
	buf_addf(&a->why, "%zu classes stand in train only, %zu in test only", absent[0], absent[1]);
	conclude(a, CHECK_WARNING, "every class stands on both sides");
}

static size_t neighbours(const uint64_t *label, size_t n)
{
	size_t same = 0;

	for (size_t i = 1; i < n; i++)
		same += label[i] == label[i - 1];
	return same;
}

/* Rows sorted by class or source make a learner see one kind at a time. Against 199 shuffles. */
static void find_order(struct check *c)
{
	struct answer *a = answer(c, "order");
	const struct side_rows *train = &c->side[0];
	size_t n = train->n < 100000 ? train->n : 100000, hits = 0;
	uint64_t *label = mem_alloc(n, sizeof *label);
	struct rng r;

	for (size_t i = 0; i < n; i++)
		label[i] = train->row[i].label;
	size_t observed = neighbours(label, n);
	rng_seed(&r, c->o.seed, 0x0de5);
	for (int draw = 0; draw < 199; draw++) {
		for (size_t i = n; i > 1; i--) {
			size_t j = (size_t)rng_below(&r, i);
			uint64_t t = label[i - 1];
			label[i - 1] = label[j];
			label[j] = t;
		}
		hits += neighbours(label, n) >= observed;
	}
	free(label);
	a->count = n > 1 && hits == 0 ? observed : 0;
	buf_addf(&a->why, "%zu of %zu neighbouring training rows have the same class, more than in 199 shuffles: shuffle before training",
		 observed, n ? n - 1 : 0);
	conclude(a, CHECK_WARNING, "the classes of the training rows come in a random order");
}

static int find_representative(struct check *c, struct err *e)
{
	struct comparison cmp;

	if (!c->side[0].n || !c->side[1].n)
		return 0;
	struct answer *a = answer(c, "representative");
	frame_finish(&c->side[0].frame);
	frame_finish(&c->side[1].frame);
	if (compare(&c->side[0].frame, &c->side[1].frame, &c->o.drift, &cmp, e))
		return -1;
	a->count = cmp.drifted;
	for (size_t i = 0; i < cmp.drifted && i < 3; i++)
		buf_addf(&a->why, "%s%s: %.*s", i ? "; " : "", cmp.lines[i].path, (int)cmp.lines[i].best->why.len,
			 cmp.lines[i].best->why.data);
	buf_addf(&a->why, "%s%zu paths differ, in %zu tests at alpha %g", cmp.drifted ? "; in all " : "", cmp.drifted, cmp.tests,
		 c->o.drift.alpha);
	a->verdict = a->count ? CHECK_WARNING : CHECK_OK;
	comparison_release(&cmp);
	return 0;
}

static void tell_size(struct check *c)
{
	struct answer *a = answer(c, "size");
	double n = (double)c->side[1].n;
	struct interval half = interval_wilson(floor(n / 2), n, 0.95), ninety = interval_wilson(floor(0.9 * n), n, 0.95);

	a->count = c->side[1].n;
	a->verdict = n < 100 ? CHECK_WARNING : CHECK_OK;
	buf_addf(&a->why, "%zu test rows: a rate near 50 %% is known to within %.1f points either way, one near 90 %% to within %.1f (95 %% interval)",
		 c->side[1].n, n ? 50 * (half.hi - half.lo) : 50, n ? 50 * (ninety.hi - ninety.lo) : 50);
}

int check_finish(struct check *c, struct pool *pool, struct err *e)
{
	find_exact(c);
	find_near(c, pool);
	find_groups(c);
	find_grams(c, 0);
	find_grams(c, 1);
	find_time(c);
	find_conflicts(c);
	if (are_classes(c)) {
		find_absent(c);
		find_order(c);
	}
	tell_size(c);
	return find_representative(c, e);
}

const struct answer *check_answers(const struct check *c, size_t *n)
{
	*n = c->answers;
	return c->answer;
}
