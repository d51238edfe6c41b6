/* plot: lines over a common axis as a self-contained SVG picture.
 *
 * It needs no script and no fonts, and follows the reader's light or dark scheme. Points that are
 * not finite leave a gap.
 */
#ifndef FT_WEB_PLOT_H
#define FT_WEB_PLOT_H

#include <stddef.h>
#include "../base/buf.h"

struct plot_series {
	const char *name;
	const double *x, *y; /* [n], x ascending */
	size_t n;
	int marks; /* a dot at each point */
};

struct plot {
	const char *title, *x_label, *y_label;
	int log_y; /* where all finite y are > 0 */
	const struct plot_series *series;
	size_t n; /* at most 8 have colours of their own */
};

#define PLOT_POINTS 800 /* longer series are drawn as the means of so many stretches */

/* Appends the picture. Series without a finite point are left out. */
void plot_svg(const struct plot *p, struct buf *out);

/* Round numbers that cut lo..hi into at most `most` (>= 2) pieces: 1, 2 or 5 times a power of ten.
 * Returns the distance, *first the least multiple of it that is >= lo. */
double plot_ticks(double lo, double hi, int most, double *first);

#endif
