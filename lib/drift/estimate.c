/* estimate: see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../json/jw.h"
#include "../stats/sort.h"
#include "estimate.h"
#include "words.h"

/* The column shown as path, among those of input and output. */
static const struct column *column_shown(const struct frame *f, const char *path)
{
	for (size_t i = 0; i < f->columns_n; i++) {
		const struct column *c = f->columns[i];
		if ((c->root == ROOT_INPUT && strcmp(c->path, path) == 0) ||
		    (c->root == ROOT_OUTPUT && strncmp(path, ".output", 7) == 0 &&
		     strcmp(c->path, path + 7) == 0))
			return c;
	}
	return NULL;
}

static double cell_value(const struct column *c, const struct cell *cell)
{
	double x;

	if (cell->kind == KIND_NUMBER || cell->kind == KIND_BOOL)
		return cell->x;
	return cell->kind == KIND_STRING && column_numeric(column_cell_text(c, cell), &x) ? x : NAN;
}

/* Evenly spaced ones of at most ESTIMATE_ROWS finite values, in the order of the rows. */
static double *scores_of(const struct column *c, size_t *n)
{
	double *x = mem_alloc(c ? c->cells_n : 0, sizeof *x);
	size_t all = 0;

	for (size_t i = 0; c && i < c->cells_n; i++) {
		double v = cell_value(c, &c->cells[i]);
		if (isfinite(v))
			x[all++] = v;
	}
	*n = all < ESTIMATE_ROWS ? all : ESTIMATE_ROWS;
	for (size_t i = 0; i < *n; i++)
		x[i] = x[i * all / *n];
	return x;
}

struct pair {
	double score, right;
};

static int by_score(const void *a, const void *b)
{
	double x = ((const struct pair *)a)->score, y = ((const struct pair *)b)->score;

	return x < y ? -1 : x > y;
}

/* Rows with a score and a truth from 0 to 1, by rising score. */
static struct pair *pairs_of(const struct column *score, const struct column *truth, size_t *n)
{
	struct pair *v = mem_alloc(score->cells_n, sizeof *v);
	size_t all = 0, k = 0;

	for (size_t i = 0; i < score->cells_n; i++) {
		const struct cell *cell = &score->cells[i];
		while (k < truth->cells_n && truth->cells[k].row < cell->row)
			k++;
		if (k == truth->cells_n || truth->cells[k].row != cell->row)
			continue;
		struct pair p = {cell_value(score, cell), cell_value(truth, &truth->cells[k])};
		if (isfinite(p.score) && p.right >= 0 && p.right <= 1)
			v[all++] = p;
	}
	*n = all < ESTIMATE_ROWS ? all : ESTIMATE_ROWS;
	for (size_t i = 0; i < *n; i++)
		v[i] = v[i * all / *n];
	qsort(v, *n, sizeof *v, by_score);
	return v;
}

/* A rising function of the score: value[i] at score at[i], straight lines between, level beyond the
 * ends. */
struct curve {
	double *at, *value, *weight;
	size_t n;
};

static void curve_init(struct curve *c, size_t most)
{
	c->at = mem_alloc(most, sizeof *c->at);
	c->value = mem_alloc(most, sizeof *c->value);
	c->weight = mem_alloc(most, sizeof *c->weight);
	c->n = 0;
}

static void curve_release(struct curve *c)
{
	free(c->at);
	free(c->value);
	free(c->weight);
}

/* Means of neighbouring knots until the values rise. */
static void pool_violators(struct curve *c)
{
	while (c->n > 1 && c->value[c->n - 2] >= c->value[c->n - 1]) {
		size_t i = c->n - 2;
		double all = c->weight[i] + c->weight[i + 1];
		c->at[i] = (c->at[i] * c->weight[i] + c->at[i + 1] * c->weight[i + 1]) / all;
		c->value[i] =
			(c->value[i] * c->weight[i] + c->value[i + 1] * c->weight[i + 1]) / all;
		c->weight[i] = all;
		c->n--;
	}
}

/* A knot stands for at least a twentieth of the rows, since single ones at the ends would be taken
 * at their word, or for ten rows of one score. Rows of one score stay together. */
static void curve_fit(struct curve *c, const struct pair *v, const uint32_t *weight, size_t n)
{
	double least = fmax(10, (double)n / 20), all = 0, score = 0, right = 0, run = 0;

	c->n = 0;
	for (size_t i = 0; i < n; i++) {
		double w = weight ? weight[i] : 1;
		run = i && v[i - 1].score == v[i].score ? run + w : w;
		all += w;
		score += w * v[i].score;
		right += w * v[i].right;
		if ((i + 1 < n && v[i + 1].score == v[i].score) || all == 0)
			continue;
		if (all < least && i + 1 < n && !(run == all && run >= 10))
			continue;
		c->at[c->n] = score / all;
		c->value[c->n] = right / all;
		c->weight[c->n++] = all;
		all = score = right = 0;
		pool_violators(c);
	}
}

/* The value at x, which does not fall from call to call; *i begins as 0. */
static double curve_at(const struct curve *c, double x, size_t *i)
{
	while (*i + 1 < c->n && c->at[*i + 1] <= x)
		++*i;
	if (x <= c->at[*i] || *i + 1 == c->n)
		return c->value[*i];
	double t = (x - c->at[*i]) / (c->at[*i + 1] - c->at[*i]);
	return c->value[*i] + t * (c->value[*i + 1] - c->value[*i]);
}

/* The mean over rising scores. */
static double curve_mean(const struct curve *c, const double *x, const uint32_t *weight, size_t n)
{
	double sum = 0, all = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		double w = weight ? weight[i] : 1;
		sum += w * curve_at(c, x[i], &at);
		all += w;
	}
	return sum / all;
}

/* The deviation of the share of right answers among rows of these scores from its mean. */
static double curve_noise(const struct curve *c, const double *x, size_t n)
{
	double variance = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		double p = curve_at(c, x[i], &at);
		variance += p * (1 - p);
	}
	return sqrt(variance) / (double)n;
}

static void draw_weights(struct rng *r, uint32_t *weight, size_t n)
{
	memset(weight, 0, n * sizeof *weight);
	for (size_t i = 0; i < n; i++)
		weight[rng_below(r, n)]++;
}

static double mean_right(const struct pair *v, const uint32_t *weight, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i].right * (weight ? weight[i] : 1);
	return sum / (double)n;
}

static void bootstrap(struct estimate *x, const struct pair *v, const double *score, double noise,
		      uint64_t seed)
{
	uint32_t *w = mem_alloc(x->labels, sizeof *w), *u = mem_alloc(x->n, sizeof *u);
	double *value = mem_alloc(ESTIMATE_DRAWS, sizeof *value),
	       *change = mem_alloc(ESTIMATE_DRAWS, sizeof *change);
	struct curve s;
	struct rng r;

	curve_init(&s, x->labels);
	rng_seed(&r, seed, 0xe57);
	for (size_t i = 0; i < ESTIMATE_DRAWS; i++) {
		draw_weights(&r, w, x->labels);
		draw_weights(&r, u, x->n);
		curve_fit(&s, v, w, x->labels);
		value[i] = curve_mean(&s, score, u, x->n);
		change[i] = value[i] - mean_right(v, w, x->labels);
		value[i] = fmin(1, fmax(0, value[i] + noise * rng_normal(&r)));
	}
	sort_doubles(value, ESTIMATE_DRAWS);
	sort_doubles(change, ESTIMATE_DRAWS);
	size_t lo = ESTIMATE_DRAWS / 40, hi = ESTIMATE_DRAWS - 1 - lo;
	x->lo = value[lo];
	x->hi = value[hi];
	x->change_lo = change[lo];
	x->change_hi = change[hi];
	curve_release(&s);
	free(w);
	free(u);
	free(value);
	free(change);
}

/* Why no estimate may be given; 0 where one may. */
static int refused(struct estimate *x, const struct comparison *c, const struct pair *v,
		   const double *score)
{
	double margin = x->labels ? 0.05 * (v[x->labels - 1].score - v[0].score) : 0;
	size_t beyond = 0;

	if (x->labels < ESTIMATE_LABELS) {
		buf_addf(&x->why, "%zu reference rows have both %s and %s, fewer than %d",
			 x->labels, x->score, x->truth, ESTIMATE_LABELS);
		return 1;
	}
	if (x->n < DRIFT_ROWS) {
		buf_addf(&x->why, "%zu current rows have %s, fewer than %d", x->n, x->score,
			 DRIFT_ROWS);
		return 1;
	}
	if (v[0].score == v[x->labels - 1].score) {
		buf_addf(&x->why, "%s is the same everywhere and tells nothing of %s", x->score,
			 x->truth);
		return 1;
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct line *l = &c->lines[i];
		for (size_t k = 0; k < l->findings && l->root == ROOT_INPUT; k++) {
			if (!l->finding[k].drift || l->finding[k].unseen < ESTIMATE_UNSEEN ||
			    strcmp(l->path, x->score) == 0)
				continue;
			buf_addf(&x->why,
				 "the inputs hold what the reference never had, so it is not known "
				 "what %s means there: %s: ",
				 x->score, l->path);
			buf_addspan(&x->why, buf_span(&l->finding[k].why));
			return 1;
		}
	}
	for (size_t i = 0; i < x->n; i++)
		beyond += score[i] < v[0].score - margin ||
			  score[i] > v[x->labels - 1].score + margin;
	if ((double)beyond >= ESTIMATE_UNSEEN * (double)x->n) {
		words_percent(&x->why, (double)beyond / (double)x->n);
		buf_addf(&x->why, " of the values of %s lie beyond those of the reference",
			 x->score);
		return 1;
	}
	return 0;
}

static void explain(struct estimate *x, const struct comparison *c, const struct drift_options *o)
{
	size_t moved = 0;

	words_percent(&x->why, x->value);
	buf_adds(&x->why, " right by estimate (");
	words_percent(&x->why, x->lo);
	buf_adds(&x->why, " to ");
	words_percent(&x->why, x->hi);
	buf_adds(&x->why, "), on the reference ");
	words_percent(&x->why, x->reference);
	if (x->verdict != VERDICT_DRIFT && x->change_hi < 0)
		buf_addf(&x->why, "; less than %g below", o->min_effect);
	for (size_t i = 0; i < c->n; i++)
		moved += c->lines[i].verdict == VERDICT_DRIFT && c->lines[i].root == ROOT_INPUT &&
			 strcmp(c->lines[i].path, x->score) != 0;
	if (moved)
		buf_addf(&x->why,
			 "; %zu input %s drifted within what the reference has: take it with care",
			 moved, moved == 1 ? "path" : "paths");
}

int estimate(const struct comparison *c, const struct frame *reference, const struct frame *current,
	     const struct drift_options *o, const char *score, const char *truth,
	     struct estimate *x, struct err *e)
{
	const struct column *was = column_shown(reference, score),
			    *is = column_shown(current, score),
			    *right = column_shown(reference, truth);
	struct curve s;

	*x = (struct estimate){.score = score,
			       .truth = truth,
			       .verdict = VERDICT_INSUFFICIENT,
			       .value = NAN,
			       .lo = NAN,
			       .hi = NAN,
			       .reference = NAN,
			       .change_lo = NAN,
			       .change_hi = NAN};
	if (!was || (!is && current->rows))
		return err_set(e, "--estimate: no %s record has anything at %s",
			       was ? "current" : "reference", score);
	if (!right)
		return err_set(e, "--truth: no reference record has anything at %s", truth);
	struct pair *v = pairs_of(was, right, &x->labels);
	double *now = scores_of(is, &x->n);
	sort_doubles(now, x->n);
	if (x->labels)
		x->reference = mean_right(v, NULL, x->labels);
	if (!refused(x, c, v, now)) {
		curve_init(&s, x->labels);
		curve_fit(&s, v, NULL, x->labels);
		x->value = curve_mean(&s, now, NULL, x->n);
		bootstrap(x, v, now, curve_noise(&s, now, x->n), o->seed);
		curve_release(&s);
		x->verdict = x->change_hi < 0 && x->reference - x->value >= o->min_effect
				     ? VERDICT_DRIFT
				     : VERDICT_STABLE;
		explain(x, c, o);
	}
	free(v);
	free(now);
	return 0;
}

void estimate_line(const struct estimate *x, struct buf *b)
{
	const struct {
		const char *name;
		double x;
	} figures[] = {{"value", x->value},
		       {"lo", x->lo},
		       {"hi", x->hi},
		       {"reference", x->reference},
		       {"change_lo", x->change_lo},
		       {"change_hi", x->change_hi}};
	struct jw w;

	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "estimate", x->score);
	jw_put_str(&w, "truth", x->truth);
	jw_put_str(&w, "verdict", drift_verdict_name(x->verdict));
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		jw_put_num(&w, figures[i].name, figures[i].x);
	jw_put_int(&w, "n", x->n);
	jw_put_int(&w, "labels", x->labels);
	jw_put_text(&w, "why", buf_span(&x->why));
	jw_end(&w);
}

void estimate_text(const struct estimate *x, struct buf *b)
{
	buf_addf(b, "%s by %s: %s", x->truth, x->score, isnan(x->value) ? "no estimate; " : "");
	buf_addspan(b, buf_span(&x->why));
}
