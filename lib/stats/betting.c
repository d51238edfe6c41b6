/* betting: see betting.h. */
#include "betting.h"

#include <math.h>
#include <stdlib.h>

/* The smallest stake is 3/4 to the 47th, 1.3e-6: the best one for some 10^12 rows. */
enum { STAKES = 48 };

#define STAKE_STEP 0.75

/* Values of 0 to 1 with their numbers. */
struct values {
	struct tally_bin *v;
	size_t n;
	double rows, mean;
};

static struct values scaled(const struct tally *t, double least, double most)
{
	struct values s = {.rows = (double)t->n, .mean = (tally_mean(t) - least) / (most - least)};

	s.v = tally_sorted(t, &s.n);
	for (size_t i = 0; i < s.n; i++)
		s.v[i].x = fmin(1, fmax(0, (s.v[i].x - least) / (most - least)));
	return s;
}

/* The mean growth of each gambler's log capital, a row: above: of those who bet on more than m. The
 * stake is a fraction of what can be lost: the capital is multiplied by 1 + stake (x / m - 1), which
 * falls as m rises. */
static void growths(const struct values *s, double m, int above, double *growth)
{
	double at = above ? m : 1 - m, stake = 1;

	for (int j = 0; j < STAKES; j++, stake *= STAKE_STEP) {
		growth[j] = 0;
		for (size_t i = 0; i < s->n; i++) {
			double x = above ? s->v[i].x : 1 - s->v[i].x;

			if (s->v[i].n == 0)
				continue;
			growth[j] += (double)s->v[i].n / s->rows * log1p(stake * (x / at - 1));
		}
	}
}

/* The logarithm of the capital after so many rows. */
static double capital(const double *growth, double rows)
{
	double most = -INFINITY, sum = 0;

	for (int j = 0; j < STAKES; j++)
		most = fmax(most, growth[j]);
	most *= rows;
	if (isinf(most))
		return most;
	for (int j = 0; j < STAKES; j++)
		sum += 5.0 / ((j + 5.0) * (j + 6.0)) * exp(rows * growth[j] - most);
	return most + log(sum);
}

/* What was won on m. A mean of 0 that is not 0 is refused at once. */
static double won(const struct values *s, double m, int above)
{
	double growth[STAKES];

	if (above ? m <= 0 : m >= 1)
		return above ? (s->mean > m ? INFINITY : 0) : (s->mean < m ? INFINITY : 0);
	growths(s, m, above, growth);
	return capital(growth, s->rows);
}

/* The end of the interval on one side of the mean, where nothing is won. */
static double bound(const struct values *s, int lower, double enough)
{
	double in = s->mean, out = lower ? 0 : 1;

	if (lower ? in <= 0 : in >= 1)
		return out;
	for (int i = 0; i < 60 && fabs(in - out) > 1e-15; i++) {
		double m = (in + out) / 2;

		if (won(s, m, lower) >= enough)
			out = m;
		else
			in = m;
	}
	return in;
}

static struct interval interval_of(const struct values *s, double level)
{
	double enough = log(2 / (1 - level));

	return (struct interval){s->mean, bound(s, 1, enough), bound(s, 0, enough)};
}

static int bad(const struct values *s, double level)
{
	return !(s->rows > 0) || !(level > 0 && level < 1);
}

struct interval betting_mean(const struct tally *t, double least, double most, double level)
{
	struct values s = scaled(t, least, most);
	struct interval v = {NAN, NAN, NAN};

	if (!bad(&s, level)) {
		v = interval_of(&s, level);
		v.value = tally_mean(t);
		v.lo = least + v.lo * (most - least);
		v.hi = least + v.hi * (most - least);
	}
	free(s.v);
	return v;
}

double betting_p(const struct tally *t, double least, double most, double m)
{
	struct values s = scaled(t, least, most);
	double at = (m - least) / (most - least), p = NAN;

	if (!bad(&s, .5))
		p = fmin(1, 2 * exp(-won(&s, at, s.mean > at)));
	free(s.v);
	return p;
}

static double rows_until(const struct values *s, double m, double level)
{
	double growth[STAKES], enough = log(2 / (1 - level)), hi = 1, lo = 0;

	if (bad(s, level) || m < 0 || m > 1)
		return NAN;
	if (s->mean == m)
		return INFINITY;
	if (m == 0 || m == 1)
		return 1;
	growths(s, m, s->mean > m, growth);
	while (capital(growth, hi) < enough) {
		lo = hi;
		hi *= 2;
		if (hi > 1e12)
			return INFINITY;
	}
	while (hi - lo > 1) {
		double mid = floor((lo + hi) / 2);

		if (capital(growth, mid) < enough)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

double betting_rows(const struct tally *t, double least, double most, double m, double level)
{
	struct values s = scaled(t, least, most);
	double rows = rows_until(&s, (m - least) / (most - least), level);

	free(s.v);
	return rows;
}

/* As a tally would have it. */
static struct values rate(double k, double n, struct tally_bin *bins)
{
	bins[0] = (struct tally_bin){0, (uint64_t)(n - k)};
	bins[1] = (struct tally_bin){1, (uint64_t)k};
	return (struct values){bins, 2, n, k / n};
}

struct interval betting_rate(double k, double n, double level)
{
	struct tally_bin bins[2];
	struct values s = rate(k, n, bins);

	return bad(&s, level) || !(k >= 0 && k <= n) ? (struct interval){NAN, NAN, NAN}
						     : interval_of(&s, level);
}

double betting_rate_rows(double k, double n, double m, double level)
{
	struct tally_bin bins[2];
	struct values s = rate(k, n, bins);

	return rows_until(&s, m, level);
}
