/* lib/stats/correlate: how often the intervals of Kendall's tau-b and Spearman's rho cover the truth where scores are
 * tied, as those of people and judges on a scale of a few levels are. The truth is computed from the
 * table of probabilities that the rows are drawn from. FT_SLOW=1 draws ten times as many worlds. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/base/rng.h"
#include "../../lib/stats/correlate.h"

enum { LEVELS = 5 };

struct table {
	int levels;
	double p[LEVELS][LEVELS];
};

/* Margins that lean by `lean` to one side, cells the less likely the further apart they are. */
static struct table make(int levels, double lean, double tie)
{
	struct table t = {.levels = levels};
	double sum = 0;

	for (int i = 0; i < levels; i++)
		for (int j = 0; j < levels; j++)
			sum += t.p[i][j] = exp(lean * (i + j) - tie * abs(i - j));
	for (int i = 0; i < levels; i++)
		for (int j = 0; j < levels; j++)
			t.p[i][j] /= sum;
	return t;
}

static double tau_of(const struct table *t)
{
	double rising = 0, other_x = 0, other_y = 0;

	for (int a = 0; a < t->levels * t->levels; a++)
		for (int b = 0; b < t->levels * t->levels; b++) {
			int dx = a / t->levels - b / t->levels, dy = a % t->levels - b % t->levels;
			double p = t->p[a / t->levels][a % t->levels] *
				   t->p[b / t->levels][b % t->levels];

			rising += p * ((dx * dy > 0) - (dx * dy < 0));
			other_x += p * (dx != 0);
			other_y += p * (dy != 0);
		}
	return rising / sqrt(other_x * other_y);
}

/* Pearson's correlation of mean ranks. */
static double rho_of(const struct table *t)
{
	double row[LEVELS] = {0}, column[LEVELS] = {0}, at[2][LEVELS], below[2] = {0}, xx = 0,
	       yy = 0, xy = 0;

	for (int i = 0; i < t->levels; i++)
		for (int j = 0; j < t->levels; j++) {
			row[i] += t->p[i][j];
			column[j] += t->p[i][j];
		}
	for (int i = 0; i < t->levels; i++) {
		at[0][i] = below[0] + row[i] / 2 - .5; /* their mean is one half */
		at[1][i] = below[1] + column[i] / 2 - .5;
		below[0] += row[i];
		below[1] += column[i];
	}
	for (int i = 0; i < t->levels; i++) {
		xx += row[i] * at[0][i] * at[0][i];
		yy += column[i] * at[1][i] * at[1][i];
		for (int j = 0; j < t->levels; j++)
			xy += t->p[i][j] * at[0][i] * at[1][j];
	}
	return xy / sqrt(xx * yy);
}

static void draw(const struct table *t, struct rng *r, size_t n, double *x, double *y)
{
	for (size_t k = 0; k < n; k++) {
		double u = rng_uniform(r);
		int cell = 0, last = t->levels * t->levels - 1;

		while (cell < last && (u -= t->p[cell / t->levels][cell % t->levels]) >= 0)
			cell++;
		x[k] = cell / t->levels;
		y[k] = cell % t->levels;
	}
}

int main(void)
{
	static const size_t sizes[] = {30, 60, 200};
	static const double leans[] = {0, .6}, ties[] = {0, .5, 1.5};
	int worlds = getenv("FT_SLOW") ? 4000 : 400;
	double x[200], y[200], least = 1, sum = 0, fieller = 0, sum_spearman = 0,
			       least_spearman = 1;
	int cells = 0;

	for (int levels = 2; levels <= LEVELS; levels += 3)
		for (size_t l = 0; l < 2; l++)
			for (size_t k = 0; k < 3; k++)
				for (size_t s = 0; s < 3; s++) {
					struct table t = make(levels, leans[l], ties[k]);
					double tau = tau_of(&t), half, rho = rho_of(&t),
					       covered = 0, by_fieller = 0, spearman = 0, known = 0,
					       z;
					size_t n = sizes[s];
					struct rng r;

					rng_seed(&r, (uint64_t)cells, 0);
					for (int w = 0; w < worlds; w++) {
						struct interval v;

						draw(&t, &r, n, x, y);
						v = correlate_kendall(x, y, n, .95);
						if (isnan(v.lo) || isnan(v.hi))
							continue; /* one of them said always the same */
						struct interval u =
							correlate_spearman(x, y, n, .95);

						spearman += u.lo <= rho && rho <= u.hi;
						known++;
						covered += v.lo <= tau && tau <= v.hi;
						half = 1.959964 * sqrt(.437 / ((double)n - 4));
						z = atanh(fmin(v.value, .9999999));
						by_fieller += fabs(z - atanh(tau)) <= half;
					}
					covered /= known;
					by_fieller /= known;
					spearman /= known;
					printf("# %d levels, lean %.1f, tau %.2f, %zu rows: covered %.1f %%, by Fieller's %.1f %%; Spearman's %.2f covered %.1f %% (%g of %d worlds)\n",
					       levels, leans[l], tau, n, 100 * covered,
					       100 * by_fieller, rho, 100 * spearman, known,
					       worlds);
					least = fmin(least, covered);
					sum += covered;
					sum_spearman += spearman;
					least_spearman = fmin(least_spearman, spearman);
					fieller += by_fieller;
					cells++;
				}
	printf("# Kendall with ties: covered on average %.1f %%, at least %.1f %%; by Fieller's on average %.1f %% (nominal 95)\n",
	       100 * sum / cells, 100 * least, 100 * fieller / cells);
	printf("# Spearman with ties: covered on average %.1f %%, at least %.1f %%\n",
	       100 * sum_spearman / cells, 100 * least_spearman);
	ok(sum / cells > .94 && sum / cells < .965, "the interval covers what it says on average");
	ok(least > .90, "and nowhere far less");
	ok(sum_spearman / cells > .94 && sum_spearman / cells < .965 && least_spearman > .90,
	   "so does Spearman's");
	return tap_done();
}
