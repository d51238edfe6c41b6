/* power: see power.h. */
#include "power.h"

#include <math.h>
#include "dist.h"

static double z_of(double level)
{
	return -dist_normal_quantile((1 - level) / 2);
}

double power_rate_rows(double rate, double bound, double level, double power)
{
	return rate != bound ? pow((z_of(level) * sqrt(bound * (1 - bound)) +
				    dist_normal_quantile(power) * sqrt(rate * (1 - rate))) /
					   (rate - bound),
				   2)
			     : NAN;
}

double power_paired_rate_rows(double d, double discordant, double level, double power)
{
	double root = discordant - d * d;

	if (d == 0 || !(discordant >= fabs(d)))
		return NAN;
	return pow(z_of(level) * sqrt(discordant) +
			   dist_normal_quantile(power) * sqrt(fmax(0, root)),
		   2) /
	       (d * d);
}

double power_paired_rate_difference(double n, double discordant, double level, double power)
{
	double lo = 0, hi = discordant;

	if (!(n > 0) || !(discordant > 0) ||
	    power_paired_rate_rows(hi, discordant, level, power) > n)
		return NAN;
	/* The rows needed fall as the difference grows. */
	for (int i = 0; i < 100; i++) {
		double mid = (lo + hi) / 2;

		if (power_paired_rate_rows(mid, discordant, level, power) > n)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

double power_mean_difference(double n, double sd, double level, double power)
{
	return n > 0 && sd >= 0 ? (z_of(level) + dist_normal_quantile(power)) * sd / sqrt(n) : NAN;
}

double power_mean_rows(double d, double sd, double level, double power)
{
	return d != 0 ? pow((z_of(level) + dist_normal_quantile(power)) * sd / d, 2) : NAN;
}
