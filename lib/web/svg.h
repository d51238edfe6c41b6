/* svg: small pictures for reports, drawn as SVG text into a page that html_begin began (its style
 * sheet gives the colours, so pictures follow light and dark, and the room beside them). They are as
 * wide as the page lets them be, and their text is as large on a telephone as on a desk. Lines over
 * an axis are drawn by plot.
 *
 * Pictures of one kind on a page should have one axis: find it with svg_ranges_axis or as the
 * largest share of all, and give it to each.
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

struct svg_axis {
	double lo, hi; /* lo > hi: nothing yet */
};

/* clang-format off */
#define SVG_AXIS_INIT {INFINITY, -INFINITY}
/* clang-format on */

/* Widens the axis to what these take. */
void svg_ranges_axis(const struct svg_range *v, size_t n, struct svg_axis *x);
/* Intervals below each other over one axis (NULL: their own); mark is a dashed line across (a
 * requirement, or 0), NaN for none. */
void svg_ranges(const char *title, const struct svg_range *v, size_t n, double mark,
		const struct svg_axis *axis, struct buf *b);

/* Shares of several series under the same labels: values[s * n + i], 0 to 1. */
struct svg_shares {
	const char *title;
	const char *const *labels;
	size_t n;
	int edges; /* a label stands where its column begins, not below it */
	const char *const *names;
	const double *values;
	size_t series;
	double most; /* that the axis goes up to; 0: the largest share here */
};
/* Upright columns, for labels that have an order; where they stand close only some are written, each
 * one whole. */
void svg_columns(const struct svg_shares *p, struct buf *b);
/* Lying bars, for names: each stands above its own. */
void svg_bars(const struct svg_shares *p, struct buf *b);

/* Points in a plane, each with a label; front marks those on the Pareto front (filled). */
struct svg_point {
	const char *label;
	double x, y;
	int front;
};
void svg_points(const char *title, const char *x_label, const char *y_label,
		const struct svg_point *v, size_t n, struct buf *b);

#endif
