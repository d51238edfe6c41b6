/* correct: Rogan-Gladen and prediction-powered estimates. See correct.h. */
#include "correct.h"

#include <math.h>
#include "dist.h"

struct interval correct_rogan_gladen(double passed, double judged, struct confusion c, double level)
{
	double positive = c.tp + c.fn, negative = c.tn + c.fp, z = -dist_normal_quantile((1 - level) / 2);
	double se, sp, p, theta, shift, half;
	struct interval v = {NAN, NAN, NAN};

	if (!(judged > 0) || !(positive > 0) || !(negative > 0) || c.tp / positive + c.tn / negative <= 1)
		return v;
	v.value = fmax(0, fmin(1, (passed / judged + c.tn / negative - 1) / (c.tp / positive + c.tn / negative - 1)));
	/* Each rate is drawn towards the middle by pseudo-counts, as in Agresti and Coull's interval. */
	se = (c.tp + 1) / (positive + 2);
	sp = (c.tn + 1) / (negative + 2);
	p = (passed + z * z / 2) / (judged + z * z);
	if (se + sp <= 1)
		return v;
	theta = (p + sp - 1) / (se + sp - 1);
	shift = 2 * z * z * (theta * se * (1 - se) / (positive + 2) - (1 - theta) * sp * (1 - sp) / (negative + 2));
	half = z / (se + sp - 1) *
	       sqrt(p * (1 - p) / (judged + z * z) + theta * theta * se * (1 - se) / (positive + 2) +
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

struct interval correct_prediction_powered(const double *truth, const double *judge, size_t n, const double *other, size_t m,
					   double level)
{
	double covariance = 0, lambda = 0, se;
	struct moments t, j, o, rest;

	if (n < 2 || m < 2)
		return (struct interval){NAN, NAN, NAN};
	t = moments(truth, NULL, 0, n);
	j = moments(judge, NULL, 0, n);
	o = moments(other, NULL, 0, m);
	for (size_t i = 0; i < n; i++)
		covariance += (truth[i] - t.mean) * (judge[i] - j.mean) / ((double)n - 1);
	/* The weight with the least variance; 0 is the labelled rows alone, 1 plain prediction-powered inference. */
	if (o.var > 0)
		lambda = fmax(0, fmin(1, covariance / (o.var * (1 + (double)n / (double)m))));
	rest = moments(truth, judge, lambda, n);
	se = sqrt(rest.var / (double)n + lambda * lambda * o.var / (double)m);
	return interval_se(rest.mean + lambda * o.mean, se, (double)n - 1, level);
}
