/* logit: Newton's method for two coefficients. See logit.h. */
#include "logit.h"

#include <math.h>
#include "dist.h"

static double sigmoid(double t)
{
	return 1 / (1 + exp(-t));
}

struct interval logit_rate_at_zero(const double *x, const double *y, size_t n, double level,
				   struct interval *slope)
{
	const double prior = 0.01; /* precision */
	double a = 0, b = 0, aa = 0, ab = 0, bb = 0, det = 0,
	       z = -dist_normal_quantile((1 - level) / 2), se_a, se_b;

	*slope = (struct interval){NAN, NAN, NAN};
	if (n < 2)
		return *slope;
	for (int round = 0; round < 100; round++) {
		double ga = -prior * a, gb = -prior * b, step_a, step_b;

		aa = bb = prior;
		ab = 0;
		for (size_t i = 0; i < n; i++) {
			double p = sigmoid(a + b * x[i]), w = p * (1 - p);

			ga += y[i] - p;
			gb += (y[i] - p) * x[i];
			aa += w;
			ab += w * x[i];
			bb += w * x[i] * x[i];
		}
		det = aa * bb - ab * ab;
		step_a = fmax(-2, fmin(2, (bb * ga - ab * gb) / det));
		step_b = fmax(-2, fmin(2, (aa * gb - ab * ga) / det));
		a += step_a;
		b += step_b;
		if (fabs(step_a) + fabs(step_b) < 1e-12)
			break;
	}
	se_a = sqrt(bb / det);
	se_b = sqrt(aa / det);
	*slope = (struct interval){b, b - z * se_b, b + z * se_b};
	return (struct interval){sigmoid(a), sigmoid(a - z * se_a), sigmoid(a + z * se_a)};
}
