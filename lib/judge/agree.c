/* agree: collecting verdicts and turning them into figures. See agree.h. */
#include "agree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/rng.h"
#include "../base/table.h"
#include "../json/jw.h"
#include "../stats/agreement.h"
#include "../stats/cluster.h"
#include "../stats/correct.h"
#include "../stats/correlate.h"
#include "../stats/order.h"
#include "../text/fold.h"

enum { RESAMPLES = 1000 };

static const struct interval unknown = {NAN, NAN, NAN};

int agree_init(struct agree *a, const char *human, const char *pred, double level, uint64_t seed,
	       struct err *e)
{
	*a = (struct agree){.level = level, .seed = seed};
	a->human = path_compile(human, e);
	a->pred = a->human ? path_compile(pred ? pred : ".judge", e) : NULL;
	return a->human && a->pred ? 0 : -1;
}

void agree_release(struct agree *a)
{
	path_free(a->human);
	path_free(a->pred);
	for (size_t i = 0; i < a->n_categories; i++)
		free(a->categories[i]);
	free(a->categories);
	free(a->judge);
	free(a->raters);
	free(a->ends);
	buf_release(&a->scratch);
	buf_release(&a->text);
	memset(a, 0, sizeof *a);
}

/* --- reading --- */

static int category(struct agree *a, const char *text, double *x)
{
	size_t i = 0;

	while (i < a->n_categories && strcasecmp(a->categories[i], text) != 0)
		i++;
	if (i == a->n_categories) {
		if (i == 1000)
			return -1;
		a->categories =
			mem_grow(a->categories, &a->categories_cap, i + 1, sizeof *a->categories);
		a->categories[a->n_categories++] = mem_strdup(text);
	}
	*x = (double)i;
	return 0;
}

/* 1 or 0 for a word that says pass or fail, else -1. */
static int pass_word(const char *s)
{
	static const char *const words[][2] = {{"fail", "pass"},
					       {"failed", "passed"},
					       {"no", "yes"},
					       {"false", "true"}};

	for (size_t i = 0; i < 4; i++)
		for (int v = 0; v < 2; v++)
			if (strcasecmp(s, words[i][v]) == 0)
				return v;
	return -1;
}

/* A C string without white space at its ends. */
static void bare_word(struct buf *b)
{
	struct span s = buf_span(b), rest = s;
	size_t from = 0, to = 0;

	for (int c; (c = fold_next(&rest)) >= 0;) {
		size_t at = s.n - rest.n;

		if (!fold_is_space(c))
			to = at;
		else if (to == 0)
			from = at;
	}
	if (rest.n > 0) /* no UTF-8 from here on */
		to = s.n;
	if (to > from)
		memmove(b->data, b->data + from, to - from);
	b->len = to > from ? to - from : 0;
	buf_addc(b, 0);
}

/* While reading, a word is its category's number and this: 0 and 1 are numbers or truth values, and
 * other numbers do not go with words. */
enum { WORDS = 2 };

/* What kind the verdicts are of is only known at the end: 0 and 1 may be scores, yes and no may be
 * two of more categories. What no kind can hold is refused at once; this one is called `name`. */
static int check_kinds(const struct agree *a, const char *name, struct err *e)
{
	const char *others = NULL;

	if (a->other_numbers && (a->truths || a->pass_words))
		others = strcmp(name, "a score") == 0 ? "pass or fail" : "a score";
	else if (a->other_words && a->numbers)
		others = strcmp(name, "a category") == 0 ? "a number" : "a category";
	else if (a->other_words && a->truths)
		others = strcmp(name, "a category") == 0 ? "pass or fail" : "a category";
	return others ? err_set(e, "this verdict is %s, others are %s", name, others) : 0;
}

/* One verdict. 1 and *x, 0 where there is none (null, an error of the judge), -1. */
static int read_verdict(struct agree *a, struct span v, double *x, struct err *e)
{
	struct span inner;
	int word;

	switch (json_kind(v)) {
	case JSON_NONE:
	case JSON_NULL:
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		*x = json_kind(v) == JSON_TRUE;
		a->truths = 1;
		return check_kinds(a, "pass or fail", e) ? -1 : 1;
	case JSON_NUMBER:
		if (json_number(v, x) || !isfinite(*x))
			return err_set(e, "a verdict is no finite number");
		a->numbers = 1;
		a->other_numbers |= *x != 0 && *x != 1;
		return check_kinds(a, *x != 0 && *x != 1 ? "a score" : "a number", e) ? -1 : 1;
	case JSON_STRING:
		buf_clear(&a->text);
		json_string(v, &a->text);
		bare_word(&a->text);
		if (!*a->text.data) {
			a->empty++;
			return 0;
		}
		word = pass_word(a->text.data);
		a->pass_words |= word >= 0;
		a->other_words |= word < 0;
		if (check_kinds(a, word >= 0 ? "pass or fail" : "a category", e))
			return -1;
		if (category(a, a->text.data, x))
			return err_set(e, "more than 1,000 different verdicts");
		*x += WORDS;
		return 1;
	case JSON_OBJECT:
		if (json_kind(json_member(v, "error")) > JSON_NULL)
			return 0;
		if ((inner = json_member(v, "pass")).s || (inner = json_member(v, "score")).s ||
		    (inner = json_member(v, "winner")).s)
			return json_kind(inner) == JSON_OBJECT
				       ? err_set(e, "a verdict inside a verdict")
				       : read_verdict(a, inner, x, e);
		return err_set(e, "the verdict is an object without pass, score or winner");
	default:
		return err_set(e, "a list is no verdict");
	}
}

static void push_rater(struct agree *a, double x)
{
	a->raters = mem_grow(a->raters, &a->raters_cap, a->rater_values + 1, sizeof *a->raters);
	a->raters[a->rater_values++] = x;
}

int agree_add(struct agree *a, const struct record *rec, struct err *e)
{
	struct span human = path_get(a->human, rec, &a->scratch), pred, key, v;
	struct json_iter it = {0};
	size_t before = a->rater_values;
	double x;
	int got;

	if (json_kind(human) == JSON_ARRAY) {
		if (json_count(human) > AGREE_RATERS)
			return err_set(e, "more than %d raters at %s", AGREE_RATERS,
				       path_text(a->human));
		while (json_next(&it, human, &key, &v)) {
			got = read_verdict(a, v, &x, e);
			if (got < 0)
				return err_prefix(e, "%s", path_text(a->human));
			push_rater(a, got ? x : NAN);
		}
	} else {
		got = read_verdict(a, human, &x, e);
		if (got < 0)
			return err_prefix(e, "%s", path_text(a->human));
		push_rater(a, got ? x : NAN);
	}
	if (a->rater_values - before > a->max_raters)
		a->max_raters = a->rater_values - before;
	pred = path_get(a->pred, rec, &a->scratch);
	got = read_verdict(a, pred, &x, e);
	if (got < 0)
		return err_prefix(e, "%s", path_text(a->pred));
	a->judge = mem_grow(a->judge, &a->judge_cap, a->n + 1, sizeof *a->judge);
	a->ends = mem_grow(a->ends, &a->ends_cap, a->n + 1, sizeof *a->ends);
	a->judge[a->n] = got ? x : NAN;
	a->ends[a->n++] = a->rater_values;
	return 0;
}

/* --- figures --- */

/* Settles what the verdicts are, and what words among them mean. */
static void settle(struct agree *a)
{
	double *const values[] = {a->judge, a->raters};
	const size_t n[] = {a->n, a->rater_values};

	a->kind = a->other_words ? AGREE_CATEGORY : a->other_numbers ? AGREE_SCORE : AGREE_PASS;
	if (a->kind == AGREE_SCORE)
		return;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < n[k]; i++)
			if (values[k][i] >= WORDS && a->kind == AGREE_CATEGORY)
				values[k][i] -= WORDS;
			else if (values[k][i] >= WORDS)
				values[k][i] =
					pass_word(a->categories[(size_t)values[k][i] - WORDS]);
}

/* Ragged lists of raters become rows of equal length, NaN where one left a row out. */
static void square(struct agree *a)
{
	double *rows = mem_alloc(a->n * a->max_raters, sizeof *rows);

	for (size_t i = 0; i < a->n; i++) {
		size_t from = i > 0 ? a->ends[i - 1] : 0, n = a->ends[i] - from;

		for (size_t r = 0; r < a->max_raters; r++)
			rows[i * a->max_raters + r] = r < n ? a->raters[from + r] : NAN;
	}
	free(a->raters);
	a->raters = rows;
}

/* What the people say together: the majority, or of scores the median. NaN: nobody said anything;
 * *tied: they are split evenly. */
static double consensus(const struct agree *a, size_t row, int *tied)
{
	double v[AGREE_RATERS], best = NAN;
	size_t n = 0, most = 0;

	*tied = 0;
	for (size_t r = 0; r < a->max_raters; r++)
		if (!isnan(a->raters[row * a->max_raters + r]))
			v[n++] = a->raters[row * a->max_raters + r];
	if (n == 0)
		return NAN;
	order_sort(v, n);
	if (a->kind == AGREE_SCORE)
		return order_median(v, n);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && v[j] == v[i]; j++)
			;
		if (j - i == most)
			*tied = 1;
		if (j - i > most) {
			most = j - i;
			best = v[i];
			*tied = 0;
		}
	}
	return *tied ? NAN : best;
}

static struct interval rate(double k, double n, double level)
{
	return n > 0 ? interval_unit(interval_wilson(k, n, level)) : unknown;
}

/* The mean of kappa, and of its lower bound, over all pairs of raters on these rows, each by how many
 * rows the two share; NaN where no pair has one. x and y hold n each. */
static struct interval mean_kappa(const struct agree *a, const size_t *rows, size_t n, double *x,
				  double *y)
{
	enum agreement_weights w = a->kind == AGREE_SCORE ? AGREEMENT_QUADRATIC : AGREEMENT_NOMINAL;
	double sum = 0, lows = 0, weights = 0;

	for (size_t r = 0; r < a->max_raters; r++)
		for (size_t s = r + 1; s < a->max_raters; s++) {
			struct interval k = unknown;
			size_t both = 0;

			for (size_t i = 0; i < n; i++) {
				x[both] = a->raters[rows[i] * a->max_raters + r];
				y[both] = a->raters[rows[i] * a->max_raters + s];
				both += !isnan(x[both]) && !isnan(y[both]);
			}
			if (both > 0)
				k = agreement_kappa(x, y, both, w, a->level);
			if (!isnan(k.value)) {
				sum += k.value * (double)both;
				lows += k.lo * (double)both;
				weights += (double)both;
			}
		}
	return weights > 0 ? (struct interval){sum / weights, lows / weights, NAN} : unknown;
}

/* With a percentile interval from resampled rows: fewer of them where there is much to compute. */
static struct interval kappa_of_people(const struct agree *a, double *x, double *y)
{
	double work = (double)a->n * (double)a->max_raters * (double)a->max_raters / 2;
	size_t draws = work * RESAMPLES <= 1e9 ? RESAMPLES : 100, known = 0,
	       *rows = mem_alloc(a->n, sizeof *rows);
	double *kappas = mem_alloc(draws, sizeof *kappas);
	struct interval v = unknown;
	struct rng rng;

	for (size_t i = 0; i < a->n; i++)
		rows[i] = i;
	v = mean_kappa(a, rows, a->n, x, y);
	for (size_t d = 0; d < draws && !isnan(v.value); d++) {
		rng_seed(&rng, a->seed, d);
		for (size_t i = 0; i < a->n; i++)
			rows[i] = (size_t)rng_below(&rng, a->n);
		kappas[known] = mean_kappa(a, rows, a->n, x, y).value;
		known += !isnan(kappas[known]);
	}
	order_sort(kappas, known);
	/* Draws that are all alike say nothing: of people who agree entirely the lower bound stays that
	 * of two of them. */
	if (known > 1 && kappas[known - 1] - kappas[0] > 1e-12)
		v = order_interval(v.value, kappas, known, a->level);
	else if (v.value >= 1 - 1e-12)
		v.hi = 1;
	else
		v.lo = NAN;
	free(kappas);
	free(rows);
	return v;
}

/* How often two people who rated a row agree: over all such pairs, those of one row being a
 * cluster. */
static struct interval agreement_of_people(const struct agree *a, double *same, double *pairs)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		const double *v = a->raters + i * a->max_raters;

		same[n] = pairs[n] = 0;
		for (size_t r = 0; r < a->max_raters; r++)
			for (size_t s = r + 1; s < a->max_raters; s++) {
				pairs[n] += !isnan(v[r]) && !isnan(v[s]);
				same[n] += v[r] == v[s];
			}
		n += pairs[n] > 0;
	}
	return interval_unit(cluster_bounded_mean(same, pairs, n, 0, 1, a->level));
}

/* Two raters have the intervals that kappa and a rate have; of more, rows are resampled or
 * clustered. */
static void between_people(const struct agree *a, struct agree_figures *f)
{
	enum agreement_weights w = a->kind == AGREE_SCORE ? AGREEMENT_QUADRATIC : AGREEMENT_NOMINAL;
	double *x = mem_alloc(2 * a->n, sizeof *x), *y = x + a->n, same = 0;
	size_t n = 0;

	for (size_t i = 0; i < a->n && a->max_raters == 2; i++) {
		x[n] = a->raters[2 * i];
		y[n] = a->raters[2 * i + 1];
		same += x[n] == y[n];
		n += !isnan(x[n]) && !isnan(y[n]);
	}
	if (n > 0) {
		f->human_agreement = rate(same, (double)n, a->level);
		f->human_kappa = agreement_kappa(x, y, n, w, a->level);
	} else if (a->max_raters > 2) {
		f->human_agreement = agreement_of_people(a, x, y);
		f->human_kappa = kappa_of_people(a, x, y);
	}
	free(x);
	if (a->max_raters > 1)
		f->human_alpha = agreement_alpha(a->raters, a->n, a->max_raters,
						 a->kind == AGREE_SCORE ? AGREEMENT_INTERVAL
									: AGREEMENT_CATEGORIES,
						 RESAMPLES, a->seed, a->level);
}

static void corrected(const struct agree *a, const double *truth, const double *said,
		      const double *rest, struct agree_figures *f)
{
	double passed = 0, m = (double)f->unlabelled;

	if (f->unlabelled == 0 || a->kind == AGREE_CATEGORY)
		return;
	for (size_t i = 0; i < f->unlabelled; i++)
		passed += rest[i];
	f->prediction_powered =
		correct_prediction_powered(truth, said, f->n, rest, f->unlabelled, a->level);
	if (a->kind == AGREE_PASS) {
		f->raw = rate(passed, m, a->level);
		f->rogan_gladen =
			correct_rogan_gladen(passed, m, agreement_confusion(truth, said, f->n),
					     a->level);
		f->prediction_powered.lo = fmax(0, f->prediction_powered.lo);
		f->prediction_powered.hi = fmin(1, f->prediction_powered.hi);
	} else {
		f->raw.value = passed / m;
	}
}

void agree_finish(struct agree *a, struct agree_figures *f)
{
	double *truth = mem_alloc(3 * a->n, sizeof *truth), *said = truth + a->n,
	       *rest = said + a->n, *all, same = 0;
	struct confusion c;

	*f = (struct agree_figures){.rows = a->n, .raters = a->max_raters, .empty = a->empty};
	f->agreement = f->kappa = f->tpr = f->tnr = f->precision = f->recall = f->pearson =
		f->spearman = f->kendall = f->alpha = f->human_agreement = f->human_kappa =
			f->human_alpha = f->raw = f->rogan_gladen = f->prediction_powered = unknown;
	settle(a);
	square(a);
	for (size_t i = 0; i < a->n; i++) {
		int tied;
		double human = consensus(a, i, &tied);

		f->tied += (size_t)tied;
		if (!isnan(human) && !isnan(a->judge[i])) {
			truth[f->n] = human;
			said[f->n++] = a->judge[i];
			same += human == a->judge[i];
		} else if (!isnan(a->judge[i]) && !tied) {
			rest[f->unlabelled++] = a->judge[i];
		} else if (!isnan(human)) {
			f->unjudged++;
		}
	}
	f->agreement = rate(same, (double)f->n, a->level);
	f->kappa = agreement_kappa(truth, said, f->n,
				   a->kind == AGREE_SCORE ? AGREEMENT_QUADRATIC : AGREEMENT_NOMINAL,
				   a->level);
	if (a->kind == AGREE_PASS) {
		c = agreement_confusion(truth, said, f->n);
		f->tpr = f->recall = rate(c.tp, c.tp + c.fn, a->level);
		f->tnr = rate(c.tn, c.tn + c.fp, a->level);
		f->precision = rate(c.tp, c.tp + c.fp, a->level);
	}
	if (a->kind == AGREE_SCORE) {
		f->pearson = correlate_pearson(truth, said, f->n, a->level);
		f->spearman = correlate_spearman(truth, said, f->n, a->level);
		f->kendall = correlate_kendall(truth, said, f->n, a->level);
	}
	/* alpha of everyone, the judge being one rater more. */
	all = mem_alloc(a->n * (a->max_raters + 1), sizeof *all);
	for (size_t i = 0; i < a->n; i++) {
		memcpy(all + i * (a->max_raters + 1), a->raters + i * a->max_raters,
		       a->max_raters * sizeof *all);
		all[i * (a->max_raters + 1) + a->max_raters] = a->judge[i];
	}
	f->alpha =
		agreement_alpha(all, a->n, a->max_raters + 1,
				a->kind == AGREE_SCORE ? AGREEMENT_INTERVAL : AGREEMENT_CATEGORIES,
				RESAMPLES, a->seed, a->level);
	between_people(a, f);
	corrected(a, truth, said, rest, f);
	free(all);
	free(truth);
}

/* --- output --- */

#define FIGURE(member) offsetof(struct agree_figures, member)

static const struct {
	const char *name;
	size_t at;
} figures[] = {
	{"agreement", FIGURE(agreement)},
	{"kappa", FIGURE(kappa)},
	{"tpr", FIGURE(tpr)},
	{"tnr", FIGURE(tnr)},
	{"precision", FIGURE(precision)},
	{"recall", FIGURE(recall)},
	{"pearson", FIGURE(pearson)},
	{"spearman", FIGURE(spearman)},
	{"kendall", FIGURE(kendall)},
	{"alpha", FIGURE(alpha)},
	{"corrected.raw", FIGURE(raw)},
	{"corrected.rogan_gladen", FIGURE(rogan_gladen)},
	{"corrected.prediction_powered", FIGURE(prediction_powered)},
	{"human.agreement", FIGURE(human_agreement)},
	{"human.kappa", FIGURE(human_kappa)},
	{"human.alpha", FIGURE(human_alpha)},
};

static const struct interval *figure(const struct agree_figures *f, size_t i)
{
	return (const struct interval *)(const void *)((const char *)f + figures[i].at);
}

int agree_figure(const struct agree_figures *f, const char *name, struct interval *v)
{
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		if (strcmp(figures[i].name, name) == 0) {
			*v = *figure(f, i);
			return 0;
		}
	return -1;
}

void agree_write(const struct agree *a, const struct agree_figures *f, struct buf *json)
{
	static const char *const kinds[] = {"", "pass", "score", "category"};
	const char *inside = "";
	struct jw w;

	jw_init(&w, json);
	jw_object(&w);
	jw_put_int(&w, "n", f->n);
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
		const char *dot = strchr(figures[i].name, '.'),
			   *name = dot ? dot + 1 : figures[i].name;
		const struct interval *v = figure(f, i);

		/* corrected.* and human.* are objects of their own; null where they do not apply at
		 * all. */
		if (dot && strncmp(inside, figures[i].name, (size_t)(dot - figures[i].name)) != 0) {
			if (*inside)
				jw_end(&w);
			inside = "";
			jw_keyn(&w, figures[i].name, (size_t)(dot - figures[i].name));
			if (figures[i].name[0] == 'c' && f->unlabelled == 0) {
				jw_null(&w);
				i += 2;
				continue;
			}
			jw_object(&w);
			inside = figures[i].name;
			jw_put_int(&w, *inside == 'c' ? "n" : "raters",
				   *inside == 'c' ? f->unlabelled : f->raters);
		}
		jw_put_figure(&w, name, v->value, v->lo, v->hi);
	}
	if (*inside)
		jw_end(&w);
	jw_put_str(&w, "kind", kinds[a->kind]);
	jw_put_int(&w, "rows", f->rows);
	jw_put_int(&w, "unlabelled", f->unlabelled);
	jw_put_int(&w, "unjudged", f->unjudged);
	jw_put_int(&w, "empty", f->empty);
	jw_put_int(&w, "tied", f->tied);
	jw_end(&w);
}

void agree_table(const struct agree *a, const struct agree_figures *f, struct buf *text)
{
	struct table t = {0};

	buf_addf(text,
		 "%zu rows with a verdict of the judge and of people (%zu unlabelled, %zu unjudged, %zu tied)\n\n",
		 f->n, f->unlabelled, f->unjudged, f->tied);
	table_head(&t, "figure|>value|%g%% interval", a->level * 100);
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
		const struct interval *v = figure(f, i);

		if (isnan(v->value))
			continue;
		table_cell(&t, figures[i].name);
		table_figure(&t, "%.4f", v->value, v->lo, v->hi);
	}
	table_write(&t, TABLE_PLAIN, out_columns(), text);
	table_release(&t);
}
