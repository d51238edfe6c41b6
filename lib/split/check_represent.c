/* represent: whether the test rows stand for the others, what a result on so few of them is worth,
 * and whether train is in a random order.
 *
 * Three of the answers are tests of chance: order, classifier and representative share the level
 * alpha as 1 to 4 to 5, so that a clean random division gets a warning from any of them no more
 * often than alpha.
 */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../stats/apart.h"
#include "../stats/interval.h"
#include "check_impl.h"

#define SHUFFLES 199   /* 1 in 200 is a tenth of .05 */
#define LEAST_AUC 0.55 /* of the classifier: less is no matter */

/* A row as a map holds it. */
static uint64_t row_number(int test, size_t row)
{
	return (uint64_t)row << 1 | (uint64_t)test;
}

static struct check_row row_of(uint64_t number)
{
	return (struct check_row){number & 1, number >> 1};
}

static void find_conflicts(struct split_check *c)
{
	struct answer *a = answer_begin(c, "conflicting-references");
	struct map first = {0}; /* row of an input: number << 1 | side */

	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < c->side[s].n; i++) {
			const struct row *row = &c->side[s].row[i];
			if (!row->reference)
				continue;
			struct check_row was =
				row_of(*map_put(&first, row->input, row_number(s, i), NULL));
			if (c->side[was.test].row[was.row].reference != row->reference)
				answer_against(a, s, i, was);
		}
	}
	buf_addf(&a->why, "%zu rows have another reference than an earlier row with the same input",
		 a->count);
	answer_end(a, CHECK_WARNING, "equal inputs have equal references");
	map_release(&first);
}

/* Rows are told apart and paired by their ids: one that stands twice is a row copied or two mixed up. */
static void find_ids(struct split_check *c)
{
	struct answer *a = answer_begin(c, "duplicate-id");
	struct map ids = {0};
	int added;

	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < c->side[s].n; i++) {
			if (!c->side[s].row[i].own)
				continue;
			uint64_t was =
				*map_put(&ids, c->side[s].row[i].own, row_number(s, i), &added);
			if (!added)
				answer_against(a, s, i, row_of(was));
		}
	buf_addf(&a->why, "%zu rows have the id of an earlier row, on either side", a->count);
	answer_end(a, CHECK_WARNING, "no id stands twice");
	map_release(&ids);
}

/* Whether labels are classes at all, and not texts of their own. */
static int are_classes(const struct split_check *c)
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

/* Classes of side s that the other one lacks: how many; the names of the first few go to names. */
static size_t absent_from(struct split_check *c, struct answer *a, int s, struct buf *names)
{
	struct map there = {0}, told = {0};
	size_t n = 0;

	for (size_t i = 0; i < c->side[1 - s].n; i++)
		map_put(&there, c->side[1 - s].row[i].label, 0, NULL);
	for (size_t i = 0; i < c->side[s].n; i++) {
		uint64_t label = c->side[s].row[i].label;
		int fresh = 0;
		if (label && !map_get(&there, label))
			map_put(&told, label, 0, &fresh);
		if (!fresh)
			continue;
		answer_count(a, s, i);
		if (n++ < CHECK_EXAMPLES)
			buf_addf(names, "%s%s", n > 1 ? ", " : " (",
				 c->names.data + *map_get(&c->labels, label));
	}
	if (n)
		buf_adds(names, n > CHECK_EXAMPLES ? ", ...)" : ")");
	map_release(&there);
	map_release(&told);
	return n;
}

static void find_absent(struct split_check *c)
{
	struct answer *a = answer_begin(c, "absent-class");
	struct buf names[2] = {BUF_INIT, BUF_INIT};
	size_t absent[2];

	for (int s = 0; s < 2; s++)
		absent[s] = absent_from(c, a, s, &names[s]);
	buf_addf(&a->why, "%zu classes stand in train only%s, %zu in test only%s", absent[TRAIN],
		 names[TRAIN].len ? names[TRAIN].data : "", absent[TEST],
		 names[TEST].len ? names[TEST].data : "");
	answer_end(a, CHECK_WARNING, "every class stands on both sides");
	buf_release(&names[0]);
	buf_release(&names[1]);
}

static size_t neighbours(const uint64_t *label, size_t n)
{
	size_t same = 0;

	for (size_t i = 1; i < n; i++)
		same += label[i] == label[i - 1];
	return same;
}

/* Rows sorted by class or source make a learner see one kind at a time. */
static void find_order(struct split_check *c)
{
	struct answer *a = answer_begin(c, "order");
	const struct side_rows *train = &c->side[TRAIN];
	size_t n = train->n < 100000 ? train->n : 100000, hits = 0;
	uint64_t *label = mem_alloc(n, sizeof *label);
	struct rng r;

	for (size_t i = 0; i < n; i++)
		label[i] = train->row[i].label;
	size_t observed = neighbours(label, n);
	rng_seed(&r, c->o.seed, 0x0de5);
	for (int draw = 0; draw < SHUFFLES && !hits; draw++) {
		for (size_t i = n; i > 1; i--) {
			size_t j = (size_t)rng_below(&r, i);
			uint64_t t = label[i - 1];
			label[i - 1] = label[j];
			label[j] = t;
		}
		hits += neighbours(label, n) >= observed;
	}
	free(label);
	a->count = n > 1 && !hits ? observed : 0;
	buf_addf(&a->why,
		 "%zu of %zu neighbouring training rows have the same class, more than in %d shuffles: shuffle before training",
		 observed, n ? n - 1 : 0, SHUFFLES);
	answer_end(a, CHECK_WARNING, "the classes of the training rows come in a random order");
}

static void find_classifier(struct split_check *c)
{
	struct apart_row *row = mem_alloc(2 * DEALT, sizeof *row);
	struct apart r;
	size_t n = 0;

	for (int s = 0; s < 2; s++) {
		const struct deal *d = &c->side[s].deal;
		for (size_t i = 0; i < d->n && i < DEALT; i++)
			row[n++] = (struct apart_row){d->word[i], d->words[i], s};
	}
	apart_test(row, n, c->o.seed, &r);
	free(row);
	if (isnan(r.p))
		return;
	struct answer *a = answer_begin(c, "classifier");
	a->count = r.p < 0.4 * c->o.alpha && r.auc.value >= LEAST_AUC;
	a->verdict = a->count ? CHECK_WARNING : CHECK_OK;
	buf_addf(&a->why,
		 "a classifier that saw half of the inputs tells test rows of the other half from training rows with an AUC of %.2f (%.2f to %.2f); "
		 "%s",
		 r.auc.value, r.auc.lo, r.auc.hi,
		 a->count ? "0.50 would be no better than chance: the test rows are of another kind"
			  : "chance is 0.50");
}

static void find_representative(struct split_check *c)
{
	struct drift_options o = DRIFT_OPTIONS_INIT;
	struct err e = ERR_INIT;

	if (!c->side[TRAIN].n || !c->side[TEST].n)
		return;
	struct answer *a = answer_begin(c, "representative");
	o.alpha = 0.5 * c->o.alpha;
	o.seed = c->o.seed;
	frame_finish(&c->side[TRAIN].frame);
	frame_finish(&c->side[TEST].frame);
	if (compare(&c->side[TRAIN].frame, &c->side[TEST].frame, &o, &c->compared, &e)) {
		a->verdict = CHECK_WARNING;
		buf_adds(&a->why, e.msg);
		return;
	}
	a->count = c->compared.drifted;
	for (size_t i = 0; i < a->count && i < 3; i++)
		buf_addf(&a->why, "%s%s: %.*s", i ? "; " : "", c->compared.lines[i].path,
			 (int)c->compared.lines[i].best->why.len,
			 c->compared.lines[i].best->why.data);
	buf_addf(&a->why, "%s%zu paths differ, in %zu tests at alpha %g",
		 a->count ? "; in all " : "", a->count, c->compared.tests, o.alpha);
	a->verdict = a->count ? CHECK_WARNING : CHECK_OK;
}

static void tell_size(struct split_check *c)
{
	struct answer *a = answer_begin(c, "size");
	double n = (double)c->side[TEST].n;
	struct interval half = interval_wilson(floor(n / 2), n, 0.95),
			ninety = interval_wilson(floor(0.9 * n), n, 0.95);
	struct map groups = {0};

	a->count = c->side[TEST].n;
	a->verdict = n < 100 ? CHECK_WARNING : CHECK_OK;
	buf_addf(&a->why,
		 "%zu test rows: a rate near 50 %% is known to within %.1f points either way, one near 90 %% to within %.1f (95 %% interval)",
		 c->side[TEST].n, n ? 50 * (half.hi - half.lo) : 50,
		 n ? 50 * (ninety.hi - ninety.lo) : 50);
	for (size_t i = 0; i < c->side[TEST].n; i++) {
		if (c->side[TEST].row[i].group)
			map_put(&groups, c->side[TEST].row[i].group, 0, NULL);
	}
	if (groups.n)
		buf_addf(&a->why, "; they are of %zu groups, so mind ft-eval --cluster",
			 (size_t)groups.n);
	map_release(&groups);
}

void check_represent(struct split_check *c)
{
	find_conflicts(c);
	find_ids(c);
	if (are_classes(c)) {
		find_absent(c);
		find_order(c);
	}
	tell_size(c);
	find_classifier(c);
	find_representative(c);
}
