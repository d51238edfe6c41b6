/* svg: ranges, bars and points. See svg.h. */
#include "svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "xml.h"
#include "plot.h"

/* Coordinates have one decimal: enough for a screen, and files stay small and the same
 * everywhere. */

struct axis {
	double lo, hi, from, to; /* data, picture */
};

static double at(const struct axis *a, double x)
{
	return a->hi > a->lo ? a->from + (x - a->lo) / (a->hi - a->lo) * (a->to - a->from)
			     : (a->from + a->to) / 2;
}

static void widen(struct axis *a, double x)
{
	if (!isfinite(x))
		return;
	a->lo = fmin(a->lo, x);
	a->hi = fmax(a->hi, x);
}

/* Room around the data; a single value gets some too. */
static void settle(struct axis *a)
{
	double room = (a->hi - a->lo) * 0.05;

	if (!(a->lo <= a->hi))
		a->lo = 0, a->hi = 1;
	if (room <= 0)
		room = fmax(1e-6, fabs(a->lo) * 0.1);
	a->lo -= room;
	a->hi += room;
}

static void begin(const char *title, double width, double height, struct buf *b)
{
	buf_addf(b,
		 "<svg viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\"><title>",
		 width, height, width, height);
	xml_str(title, b);
	buf_adds(b, "</title>\n");
}

static void line(double x1, double y1, double x2, double y2, const char *style, struct buf *b)
{
	buf_addf(b, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2,
		 style);
}

static void text(double x, double y, const char *anchor, const char *class, struct span s,
		 struct buf *b)
{
	buf_addf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s%s%s>", x, y, anchor,
		 class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
	xml_text(s, b);
	buf_adds(b, "</text>\n");
}

/* At most n bytes of s, whole characters, with an ellipsis where something was cut. */
static void label(double x, double y, const char *anchor, const char *s, size_t n, struct buf *b)
{
	struct buf cut = BUF_INIT;
	size_t len = strlen(s);

	if (len > n) {
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
		buf_add(&cut, s, n);
		buf_adds(&cut, "\xe2\x80\xa6");
		text(x, y, anchor, NULL, buf_span(&cut), b);
	} else {
		text(x, y, anchor, NULL, span_of(s), b);
	}
	buf_release(&cut);
}

static void number(double x, double y, const char *anchor, double value, struct buf *b)
{
	struct buf s = BUF_INIT;

	buf_addf(&s, "%.4g", fabs(value) < 1e-12 ? 0.0 : value);
	text(x, y, anchor, "dim", buf_span(&s), b);
	buf_release(&s);
}

static void x_ticks(const struct axis *x, double top, double bottom, struct buf *b)
{
	double first, step = plot_ticks(x->lo, x->hi, 6, &first);

	for (double t = first; t <= x->hi + step * 1e-9; t += step) {
		line(at(x, t), top, at(x, t), bottom, "class=\"axis\"", b);
		number(at(x, t), bottom + 16, "middle", t, b);
	}
}

void svg_ranges(const char *title, const struct svg_range *v, size_t n, double mark, struct buf *b)
{
	enum { ROW = 24, LEFT = 250, WIDTH = 760 };
	struct axis x = {INFINITY, -INFINITY, LEFT, WIDTH - 70};
	double bottom = 12 + (double)n * ROW;

	for (size_t i = 0; i < n; i++) {
		widen(&x, v[i].value);
		widen(&x, v[i].lo);
		widen(&x, v[i].hi);
	}
	widen(&x, mark);
	settle(&x);
	begin(title, WIDTH, bottom + 30, b);
	x_ticks(&x, 4, bottom, b);
	if (isfinite(mark))
		line(at(&x, mark), 4, at(&x, mark), bottom,
		     "stroke=\"var(--dim)\" stroke-dasharray=\"4 3\"", b);
	for (size_t i = 0; i < n; i++) {
		double y = 12 + ((double)i + 0.5) * ROW;
		char style[64];

		label(LEFT - 12, y + 4, "end", v[i].label, 34, b);
		if (!isfinite(v[i].value)) {
			text(LEFT, y + 4, "start", "dim", span_of("\xe2\x80\x93"), b);
			continue;
		}
		snprintf(style, sizeof style, "stroke=\"var(--c%d)\" stroke-width=\"2\"",
			 v[i].colour % 6 + 1);
		if (isfinite(v[i].lo) && isfinite(v[i].hi))
			line(at(&x, v[i].lo), y, at(&x, v[i].hi), y, style, b);
		buf_addf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"var(--c%d)\"/>\n",
			 at(&x, v[i].value), y, v[i].colour % 6 + 1);
		number(WIDTH - 60, y + 4, "start", v[i].value, b);
	}
	buf_adds(b, "</svg>\n");
}

void svg_bars(const char *title, const char *const *labels, size_t n, const char *const *names,
	      const double *values, size_t series, struct buf *b)
{
	enum { WIDTH = 760, HEIGHT = 260, LEFT = 60, TOP = 28, BOTTOM = 210 };
	struct axis y = {0, 0, BOTTOM, TOP};
	double first, step, slot = (double)(WIDTH - LEFT - 10) / (double)(n > 0 ? n : 1),
			    bar = slot * 0.8 / (double)(series > 0 ? series : 1);

	for (size_t i = 0; i < n * series; i++)
		widen(&y, values[i]);
	if (y.hi <= 0)
		y.hi = 1;
	begin(title, WIDTH, HEIGHT, b);
	step = plot_ticks(y.lo, y.hi, 5, &first);
	for (double t = first; t <= y.hi + step * 1e-9; t += step) {
		line(LEFT, at(&y, t), WIDTH - 10, at(&y, t), "class=\"axis\"", b);
		number(LEFT - 6, at(&y, t) + 4, "end", t, b);
	}
	for (size_t s = 0; s < series; s++) {
		buf_addf(b,
			 "<rect x=\"%.1f\" y=\"6\" width=\"10\" height=\"10\" fill=\"var(--c%zu)\"/>\n",
			 LEFT + 150. * (double)s, s % 6 + 1);
		label(LEFT + 16 + 150. * (double)s, 15, "start", names[s], 20, b);
	}
	for (size_t i = 0; i < n; i++) {
		double left = LEFT + slot * ((double)i + 0.1);

		for (size_t s = 0; s < series; s++) {
			double v = values[s * n + i], top = isfinite(v) ? at(&y, v) : BOTTOM;

			buf_addf(b,
				 "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"var(--c%zu)\"/>\n",
				 left + bar * (double)s, top, fmax(0.5, bar - 1), BOTTOM - top,
				 s % 6 + 1);
		}
		/* Labels are cut to what fits below their bars; where many bars stand close, only
		 * some are labelled. */
		if (n <= 24 || i % (n / 12) == 0)
			label(left + slot * 0.4, BOTTOM + 18, "middle", labels[i],
			      (size_t)fmax(3, (n <= 24 ? slot : slot * (double)(n / 12)) / 7), b);
	}
	buf_adds(b, "</svg>\n");
}

void svg_points(const char *title, const char *x_label, const char *y_label,
		const struct svg_point *v, size_t n, struct buf *b)
{
	enum { WIDTH = 760, HEIGHT = 340, LEFT = 70, TOP = 16, BOTTOM = 285 };
	struct axis x = {INFINITY, -INFINITY, LEFT, WIDTH - 90},
		    y = {INFINITY, -INFINITY, BOTTOM, TOP};
	double first, step;

	for (size_t i = 0; i < n; i++) {
		widen(&x, v[i].x);
		widen(&y, v[i].y);
	}
	settle(&x);
	settle(&y);
	begin(title, WIDTH, HEIGHT, b);
	x_ticks(&x, TOP, BOTTOM, b);
	step = plot_ticks(y.lo, y.hi, 5, &first);
	for (double t = first; t <= y.hi + step * 1e-9; t += step) {
		line(LEFT, at(&y, t), WIDTH - 90, at(&y, t), "class=\"axis\"", b);
		number(LEFT - 6, at(&y, t) + 4, "end", t, b);
	}
	text((LEFT + WIDTH - 90) / 2., HEIGHT - 14, "middle", "dim", span_of(x_label), b);
	text(LEFT, 11, "end", "dim", span_of(y_label), b);
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(v[i].x) || !isfinite(v[i].y))
			continue;
		buf_addf(b,
			 "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" stroke=\"var(--c1)\" stroke-width=\"2\" fill=\"%s\"/>\n",
			 at(&x, v[i].x), at(&y, v[i].y), v[i].front ? "var(--c1)" : "none");
		label(at(&x, v[i].x) + 9, at(&y, v[i].y) + 4, "start", v[i].label, 24, b);
	}
	buf_adds(b, "</svg>\n");
}
