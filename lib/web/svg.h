/* svg: small pictures for reports, drawn as SVG text into a page that html_begin began (its style
 * sheet gives the colours, so pictures follow light and dark). Lines over an axis are drawn by
 * plot.
 */
#ifndef FT_WEB_SVG_H
#define FT_WEB_SVG_H

#include <stddef.h>
#include "../base/buf.h"

/* A value with its interval; NaN bounds are left out, NaN values are drawn as a dash. */
struct svg_range {
	const char *label; /* borrowed */
	double value, lo, hi;
	int colour; /* 0..5 */
};

/* Intervals below each other over one axis; mark is a dashed line across (a requirement, or 0), NaN
 * for none. */
void svg_ranges(const char *title, const struct svg_range *v, size_t n, double mark, struct buf *b);

/* Upright bars, one group a label and one bar a series: values[s * n + i]. names has one entry a
 * series. Values are shares or counts >= 0. */
void svg_bars(const char *title, const char *const *labels, size_t n, const char *const *names,
	      const double *values, size_t series, struct buf *b);

/* Points in a plane, each with a label; front marks those on the Pareto front (filled). */
struct svg_point {
	const char *label;
	double x, y;
	int front;
};
void svg_points(const char *title, const char *x_label, const char *y_label,
		const struct svg_point *v, size_t n, struct buf *b);

#endif
