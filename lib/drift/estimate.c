/* estimate: see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../json/jw.h"
#include "../stats/boot.h"
#include "../stats/dist.h"
#include "../stats/sort.h"
#include "../stats/twosample.h"
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
	mem_sort(v, *n, sizeof *v, by_score);
	return v;
}

/* The share of right answers as a function of the score: value[i] at score at[i], straight lines
 * between, level beyond the ends. Knot i stands for the pairs from begin[i] to begin[i + 1]. */
struct curve {
	double *at, *value, *weight;
	size_t *begin;
	size_t n;
};

static void curve_init(struct curve *c, size_t most)
{
	c->at = mem_alloc(most, sizeof *c->at);
	c->value = mem_alloc(most, sizeof *c->value);
	c->weight = mem_alloc(most, sizeof *c->weight);
	c->begin = mem_alloc(most + 1, sizeof *c->begin);
	c->n = 0;
}

static void curve_release(struct curve *c)
{
	free(c->at);
	free(c->value);
	free(c->weight);
	free(c->begin);
}

/* A knot stands for at least a twentieth of the rows, since single ones would be taken at their
 * word, and for five at least, or for ten rows of one score. Rows of one score stay together, and too few at the end go to
 * the knot before. */
static void curve_fit(struct curve *c, const struct pair *v, size_t n)
{
	double least = fmax(5, (double)n / 20);
	size_t from = 0, run = 0;

	c->n = 0;
	for (size_t i = 0; i < n; i++) {
		run = i && v[i - 1].score == v[i].score ? run + 1 : 1;
		size_t all = i + 1 - from;
		if (i + 1 < n && (v[i + 1].score == v[i].score ||
				  ((double)all < least && !(run == all && run >= 10))))
			continue;
		if ((double)all < least / 2 && c->n > 0 && run < all)
			from = c->begin[--c->n];
		c->begin[c->n++] = from;
		c->begin[c->n] = from = i + 1;
	}
	for (size_t k = 0; k < c->n; k++) {
		double score = 0, right = 0;
		for (size_t i = c->begin[k]; i < c->begin[k + 1]; i++) {
			score += v[i].score;
			right += v[i].right;
		}
		c->weight[k] = (double)(c->begin[k + 1] - c->begin[k]);
		c->at[k] = score / c->weight[k];
		c->value[k] = right / c->weight[k];
	}
}

/* The deviation of the mean of each knot's rows. That of so few rows' own answers says little (five
 * that are all right would have none), so that within all knots counts as ten rows more. */
static void curve_deviation(const struct curve *c, const struct pair *v, size_t n, double *sd)
{
	double all = 0;

	for (size_t k = 0; k < c->n; k++) {
		sd[k] = 0;
		for (size_t i = c->begin[k]; i < c->begin[k + 1]; i++)
			sd[k] += (v[i].right - c->value[k]) * (v[i].right - c->value[k]);
		all += sd[k];
	}
	all /= (double)(n > c->n ? n - c->n : 1);
	for (size_t k = 0; k < c->n; k++)
		sd[k] = sqrt((sd[k] + 10 * all) / (c->weight[k] + 9) / c->weight[k]);
}

/* The curve, and how many rows each knot has, as they could be as well. */
static void curve_redraw(struct curve *c, const struct curve *fit, const double *sd, struct rng *r)
{
	c->n = fit->n;
	for (size_t k = 0; k < c->n; k++) {
		c->at[k] = fit->at[k];
		c->value[k] = fit->value[k] + sd[k] * rng_normal(r);
		c->weight[k] = fmax(0, fit->weight[k] + sqrt(fit->weight[k]) * rng_normal(r));
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

static double draw_weight(struct rng *r)
{
	return -log1p(-rng_uniform(r));
}

/* The mean over rising scores; as they could be as well where r is given. */
static double curve_mean(const struct curve *c, const double *x, size_t n, struct rng *r)
{
	double sum = 0, all = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		double w = r ? draw_weight(r) : 1;
		sum += w * curve_at(c, x[i], &at);
		all += w;
	}
	return sum / all;
}

/* By how much bands of so few labels are to be wider than draws of them: Student's t on as many
 * degrees of freedom as the labels are worth that the current scores lean on (Kish 1965). */
static double curve_stretch(const struct curve *c, const double *x, size_t n)
{
	double *share = mem_alloc(c->n, sizeof *share), sum = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		curve_at(c, x[i], &at);
		double t = x[i] <= c->at[at] || at + 1 == c->n
				   ? 0
				   : (x[i] - c->at[at]) / (c->at[at + 1] - c->at[at]);
		share[at] += (1 - t) / (double)n;
		if (t > 0)
			share[at + 1] += t / (double)n;
	}
	for (size_t k = 0; k < c->n; k++)
		sum += share[k] * share[k] / c->weight[k];
	free(share);
	double worth = fmax(2, 1 / sum);
	return dist_t_quantile(0.975, worth - 1) / dist_normal_quantile(0.975) *
	       sqrt(worth / (worth - 1));
}

/* The mean over the rows that it was learnt from. */
static double curve_own_mean(const struct curve *c)
{
	double sum = 0, all = 0;

	for (size_t k = 0; k < c->n; k++) {
		sum += c->weight[k] * c->value[k];
		all += c->weight[k];
	}
	return sum / all;
}

static double mean_right(const struct pair *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i].right;
	return sum / (double)n;
}

static void draw_bands(struct estimate *x, const struct curve *fit, const struct pair *v,
		       const double *score, uint64_t seed)
{
	double *value = mem_alloc(ESTIMATE_DRAWS, sizeof *value),
	       *change = mem_alloc(ESTIMATE_DRAWS, sizeof *change),
	       *sd = mem_alloc(fit->n, sizeof *sd);
	double stretch = curve_stretch(fit, score, x->n), own = curve_own_mean(fit);
	struct curve s;
	struct rng r;

	curve_init(&s, fit->n);
	curve_deviation(fit, v, x->labels, sd);
	rng_seed(&r, seed, 0xe57);
	for (size_t i = 0; i < ESTIMATE_DRAWS; i++) {
		curve_redraw(&s, fit, sd, &r);
		/* How many of these very answers are right is chance besides. */
		double mean = x->value + stretch * (curve_mean(&s, score, x->n, NULL) - x->value);
		mean = fmin(1, fmax(0, mean));
		value[i] = (double)boot_binomial(&r, x->n, mean) / (double)x->n;
		change[i] = curve_mean(&s, score, x->n, &r) - curve_own_mean(&s);
		change[i] = x->value - own + stretch * (change[i] - (x->value - own));
	}
	sort_doubles(value, ESTIMATE_DRAWS);
	sort_doubles(change, ESTIMATE_DRAWS);
	size_t lo = ESTIMATE_DRAWS / 40, hi = ESTIMATE_DRAWS - 1 - lo;
	x->lo = value[lo];
	x->hi = value[hi];
	x->change_lo = change[lo];
	x->change_hi = change[hi];
	curve_release(&s);
	free(value);
	free(change);
	free(sd);
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

/* Whether scores of right answers and of wrong ones lie as chance would have them: Mann and
 * Whitney's test at 5 %. Pairs rise by score, so either part does. */
static int says_nothing(const struct pair *v, size_t n)
{
	double *part[2] = {mem_alloc(n, sizeof **part), mem_alloc(n, sizeof **part)};
	size_t count[2] = {0};

	for (size_t i = 0; i < n; i++) {
		int right = v[i].right >= 0.5;
		part[right][count[right]++] = v[i].score;
	}
	double auc = twosample_superiority(part[0], count[0], part[1], count[1]),
	       deviation = sqrt(((double)n + 1) / 12 / (double)count[0] / (double)count[1]);
	free(part[0]);
	free(part[1]);
	return !(fabs(auc - 0.5) > 1.96 * deviation);
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
	if (x->blind)
		buf_addf(&x->why,
			 "; there %s does not tell right answers from wrong ones, so it would not show a change",
			 x->score);
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
		return err_set(e, "--estimate-from: no %s record has anything at %s",
			       was ? "current" : "reference", score);
	if (!right)
		return err_set(e, "--truth: no reference record has anything at %s", truth);
	struct pair *v = pairs_of(was, right, &x->labels);
	double *now = scores_of(is, &x->n);
	sort_doubles(now, x->n);
	if (x->labels)
		x->reference = mean_right(v, x->labels);
	if (!refused(x, c, v, now)) {
		curve_init(&s, x->labels);
		curve_fit(&s, v, x->labels);
		x->value = curve_mean(&s, now, x->n, NULL);
		draw_bands(x, &s, v, now, o->seed);
		x->blind = says_nothing(v, x->labels);
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
