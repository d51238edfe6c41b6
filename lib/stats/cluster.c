/* cluster: see cluster.h. */
#include "cluster.h"

#include <math.h>

struct interval cluster_mean(const double *sum, const double *size, size_t clusters, double level)
{
	double all = 0, rows = 0, squares = 0, g = (double)clusters, mean;

	for (size_t i = 0; i < clusters; i++) {
		all += sum[i];
		rows += size[i];
	}
	if (rows <= 0)
		return (struct interval){NAN, NAN, NAN};
	mean = all / rows;
	for (size_t i = 0; i < clusters; i++)
		squares += pow(sum[i] - mean * size[i], 2);
	if (clusters < 2)
		return (struct interval){mean, NAN, NAN};
	return interval_se(mean, sqrt(squares * g / (g - 1)) / rows, g - 1, level);
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
