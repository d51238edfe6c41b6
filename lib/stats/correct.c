/* correct: Rogan-Gladen and prediction-powered estimates. See correct.h. */
#include "correct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "dist.h"

struct interval correct_rogan_gladen(double passed, double judged, struct confusion c, double level)
{
	double positive = c.tp + c.fn, negative = c.tn + c.fp,
	       z = -dist_normal_quantile((1 - level) / 2);
	double se, sp, p, theta, shift, half;
	struct interval v = {NAN, NAN, NAN};

	if (!(judged > 0) || !(positive > 0) || !(negative > 0) ||
	    c.tp / positive + c.tn / negative <= 1)
		return v;
	v.value = fmax(0, fmin(1, (passed / judged + c.tn / negative - 1) /
					  (c.tp / positive + c.tn / negative - 1)));
	/* Each rate is drawn towards the middle by pseudo-counts, as in Agresti and Coull's
	 * interval. */
	se = (c.tp + 1) / (positive + 2);
	sp = (c.tn + 1) / (negative + 2);
	p = (passed + z * z / 2) / (judged + z * z);
	if (se + sp <= 1)
		return v;
	theta = (p + sp - 1) / (se + sp - 1);
	shift = 2 * z * z *
		(theta * se * (1 - se) / (positive + 2) -
		 (1 - theta) * sp * (1 - sp) / (negative + 2));
	half = z / (se + sp - 1) *
	       sqrt(p * (1 - p) / (judged + z * z) +
		    theta * theta * se * (1 - se) / (positive + 2) +
		    (1 - theta) * (1 - theta) * sp * (1 - sp) / (negative + 2));
	v.lo = fmin(v.value, fmax(0, fmin(1, theta + shift - half)));
	v.hi = fmax(v.value, fmax(0, fmin(1, theta + shift + half)));
	return v;
}

struct moments {
	double mean, var;
};

static struct moments moments(const double *x, const double *y, double by, size_t n)
{
	struct moments m = {0, 0};

	for (size_t i = 0; i < n; i++)
		m.mean += (x[i] - (y ? by * y[i] : 0)) / (double)n;
	for (size_t i = 0; i < n; i++)
		m.var += pow(x[i] - (y ? by * y[i] : 0) - m.mean, 2) / ((double)n - 1);
	return m;
}

static struct interval powered(const double *truth, const double *judge, size_t n,
			       const double *other, size_t m, double level)
{
	double covariance = 0, lambda = 0, se;
	struct moments t = moments(truth, NULL, 0, n), j = moments(judge, NULL, 0, n),
		       o = moments(other, NULL, 0, m), rest;

	for (size_t i = 0; i < n; i++)
		covariance += (truth[i] - t.mean) * (judge[i] - j.mean) / ((double)n - 1);
	/* The weight with the least variance; 0 is the labelled rows alone, 1 plain
	 * prediction-powered inference. */
	if (o.var > 0)
		lambda = fmax(0, fmin(1, covariance / (o.var * (1 + (double)n / (double)m))));
	rest = moments(truth, judge, lambda, n);
	se = sqrt(rest.var / (double)n + lambda * lambda * o.var / (double)m);
	return interval_se(rest.mean + lambda * o.mean, se, (double)n - 1, level);
}

struct interval correct_prediction_powered(const double *truth, const double *judge, size_t n,
					   const double *other, size_t m, double level)
{
	struct interval v = {NAN, NAN, NAN}, drawn;
	double *t, *j;
	int rate = 1;

	if (n < 2 || m < 2)
		return v;
	v = powered(truth, judge, n, other, m, level);
	for (size_t i = 0; i < n && rate; i++)
		rate = truth[i] == 0 || truth[i] == 1;
	if (!rate)
		return v;
	/* Drawn towards the middle by one row of either kind, of which the judge knows nothing:
	 * without them rates near 0 or 1 are covered too seldom, as by Wald's interval. */
	t = mem_alloc(n + 2, sizeof *t);
	j = mem_alloc(n + 2, sizeof *j);
	memcpy(t, truth, n * sizeof *t);
	memcpy(j, judge, n * sizeof *j);
	t[n] = 0;
	t[n + 1] = 1;
	j[n] = j[n + 1] = .5;
	drawn = powered(t, j, n + 2, other, m, level);
	v.lo = fmin(v.value, drawn.lo);
	v.hi = fmax(v.value, drawn.hi);
	free(t);
	free(j);
	return v;
}
