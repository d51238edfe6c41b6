/* cluster: see cluster.h. */
#include "cluster.h"

#include <math.h>

struct totals {
	double sum, rows;
};

static struct totals add_up(const double *sum, const double *size, size_t clusters)
{
	struct totals t = {0, 0};

	for (size_t i = 0; i < clusters; i++) {
		t.sum += sum[i];
		t.rows += size[i];
	}
	return t;
}

int cluster_is_constant(const double *sum, const double *size, size_t clusters)
{
	struct totals t = add_up(sum, size, clusters);

	for (size_t i = 0; i < clusters; i++)
		if (fabs(sum[i] - t.sum / t.rows * size[i]) > INTERVAL_CONSTANT * size[i])
			return 0;
	return 1;
}

double cluster_worth(const double *size, size_t clusters)
{
	double rows = 0, squares = 0;

	for (size_t i = 0; i < clusters; i++) {
		rows += size[i];
		squares += size[i] * size[i];
	}
	return squares > 0 ? rows * rows / squares : 0;
}

struct interval cluster_mean(const double *sum, const double *size, size_t clusters, double level)
{
	struct totals t = add_up(sum, size, clusters);
	double squares = 0, g = (double)clusters, mean = t.sum / t.rows;

	if (t.rows <= 0)
		return (struct interval){NAN, NAN, NAN};
	for (size_t i = 0; i < clusters; i++)
		squares += pow(sum[i] - mean * size[i], 2);
	if (clusters < 2 || cluster_is_constant(sum, size, clusters))
		return (struct interval){mean, NAN, NAN};
	return interval_se(mean, sqrt(squares * g / (g - 1)) / t.rows, g - 1, level);
}

struct interval cluster_bounded_mean(const double *sum, const double *size, size_t clusters,
				     double least, double most, double level)
{
	struct interval v = cluster_mean(sum, size, clusters, level);

	if (clusters >= 2 && !isnan(v.value) && cluster_is_constant(sum, size, clusters))
		return interval_constant(v.value, cluster_worth(size, clusters), least, most,
					 level);
	return v;
}

double cluster_pass_at(double n, double c, double k)
{
	double none = 1;

	if (!(n >= k) || k < 1)
		return NAN;
	for (double i = n - c + 1; i <= n; i++)
		none *= fmax(0, 1 - k / i);
	return 1 - none;
}

double cluster_pass_all(double n, double c, double k)
{
	double all = 1;

	if (!(n >= k) || k < 1)
		return NAN;
	for (double i = 0; i < k; i++)
		all *= fmax(0, (c - i) / (n - i));
	return all;
}
