/* svg: ranges, columns, bars and points. See svg.h.
 *
 * A picture has no viewBox, which would shrink its text on a narrow screen: heights are pixels, what
 * goes across is per cent of the width between the margins that the class `plot` leaves. Coordinates
 * have one or two decimals: enough for a screen, and files stay small and the same everywhere.
 */
#include "svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "../base/out.h"
#include "xml.h"
#include "plot.h"

enum {
	NARROW = 300,	/* pixels that a picture has across on a telephone */
	LETTER = 7,	/* pixels of one, at most on average */
	LABEL_MOST = 44 /* letters of a label that has the width for itself */
};

struct axis {
	double lo, hi, from, to; /* data, picture */
};

static double at(const struct axis *a, double x)
{
	return a->hi > a->lo ? a->from + (x - a->lo) / (a->hi - a->lo) * (a->to - a->from)
			     : (a->from + a->to) / 2;
}

static void widen(struct svg_axis *a, double x)
{
	if (!isfinite(x))
		return;
	a->lo = fmin(a->lo, x);
	a->hi = fmax(a->hi, x);
}

/* The data's axis with room around it; a single value gets some too. */
static struct axis settle(struct svg_axis data, double from, double to)
{
	struct axis a = {data.lo, data.hi, from, to};
	double room;

	if (!(a.lo <= a.hi))
		a.lo = 0, a.hi = 1;
	room = (a.hi - a.lo) * 0.04;
	if (room <= 0)
		room = fmax(1e-6, fabs(a.lo) * 0.1);
	a.lo -= room;
	a.hi += room;
	return a;
}

static void begin(const char *title, const char *class, double height, struct buf *b)
{
	buf_addf(b, "<svg class=\"%s\" width=\"100%%\" height=\"%.0f\" role=\"img\"><title>", class,
		 height);
	xml_str(title, b);
	buf_adds(b, "</title>\n");
}

static void upright(double x, double y1, double y2, const char *style, struct buf *b)
{
	buf_addf(b, "<line x1=\"%.2f%%\" y1=\"%.1f\" x2=\"%.2f%%\" y2=\"%.1f\" %s/>\n", x, y1, x,
		 y2, style);
}

static void level(double x1, double x2, double y, const char *style, struct buf *b)
{
	buf_addf(b, "<line x1=\"%.2f%%\" y1=\"%.1f\" x2=\"%.2f%%\" y2=\"%.1f\" %s/>\n", x1, y, x2,
		 y, style);
}

/* dx: pixels to the right of x per cent. */
static void text(double x, double dx, double y, const char *anchor, const char *class,
		 struct span s, struct buf *b)
{
	buf_addf(b, "<text x=\"%.2f%%\"", x);
	if (dx != 0)
		buf_addf(b, " dx=\"%.0f\"", dx);
	buf_addf(b, " y=\"%.1f\" text-anchor=\"%s\"%s%s%s>", y, anchor, class ? " class=\"" : "",
		 class ? class : "", class ? "\"" : "");
	xml_text(s, b);
	buf_adds(b, "</text>\n");
}

/* At most n columns of s, whole characters, with an ellipsis where something was cut. */
static void label(double x, double dx, double y, const char *anchor, const char *s, size_t n,
		  struct buf *b)
{
	struct buf cut = BUF_INIT;
	size_t used = 0, k, len = strlen(s);

	for (size_t i = 0; i < len; i += k) {
		for (k = 1; ((unsigned char)s[i + k] & 0xc0) == 0x80;)
			k++;
		used += out_width(s + i, k);
		if (used > n) {
			buf_adds(&cut, "\xe2\x80\xa6");
			break;
		}
		buf_add(&cut, s + i, k);
	}
	text(x, dx, y, anchor, NULL, buf_span(&cut), b);
	buf_release(&cut);
}

static void number(double x, double dx, double y, const char *anchor, const char *fmt, double value,
		   struct buf *b)
{
	char s[64];

	snprintf(s, sizeof s, fmt, fabs(value) < 1e-12 ? 0.0 : value);
	text(x, dx, y, anchor, "dim", span_of(s), b);
}

static void x_ticks(const struct axis *x, const char *fmt, double scale, double top, double bottom,
		    struct buf *b)
{
	double first, step = plot_ticks(x->lo, x->hi, 5, &first);

	for (double t = first; t <= x->hi + step * 1e-9; t += step) {
		upright(at(x, t), top, bottom, "class=\"axis\"", b);
		number(at(x, t), 0, bottom + 15, "middle", fmt, scale * t, b);
	}
}

static void y_ticks(const struct axis *y, const char *fmt, double scale, struct buf *b)
{
	double first, step = plot_ticks(y->lo, y->hi, 5, &first);

	for (double t = first; t <= y->hi + step * 1e-9; t += step) {
		level(0, 100, at(y, t), "class=\"axis\"", b);
		number(0, -6, at(y, t) + 4, "end", fmt, scale * t, b);
	}
}

void svg_ranges_axis(const struct svg_range *v, size_t n, struct svg_axis *x)
{
	for (size_t i = 0; i < n; i++) {
		widen(x, v[i].value);
		widen(x, v[i].lo);
		widen(x, v[i].hi);
	}
}

void svg_ranges(const char *title, const struct svg_range *v, size_t n, double mark,
		const struct svg_axis *axis, struct buf *b)
{
	enum { ROW = 34 };
	struct svg_axis own = SVG_AXIS_INIT;
	double bottom = 4 + (double)n * ROW;

	if (axis)
		own = *axis;
	else
		svg_ranges_axis(v, n, &own);
	widen(&own, mark);
	struct axis x = settle(own, 0, 100);
	begin(title, "plot wide", bottom + 22, b);
	x_ticks(&x, "%.4g", 1, 2, bottom, b);
	if (isfinite(mark))
		upright(at(&x, mark), 2, bottom, "stroke=\"var(--dim)\" stroke-dasharray=\"4 3\"",
			b);
	for (size_t i = 0; i < n; i++) {
		double y = 4 + (double)i * ROW;
		char style[64];

		label(0, 0, y + 13, "start", v[i].label, LABEL_MOST - 6, b);
		if (!isfinite(v[i].value)) {
			text(100, 0, y + 13, "end", "dim", span_of("\xe2\x80\x93"), b);
			continue;
		}
		snprintf(style, sizeof style, "stroke=\"var(--c%d)\" stroke-width=\"2\"",
			 v[i].colour % 6 + 1);
		if (isfinite(v[i].lo) && isfinite(v[i].hi))
			level(at(&x, v[i].lo), at(&x, v[i].hi), y + 23, style, b);
		buf_addf(b, "<circle cx=\"%.2f%%\" cy=\"%.1f\" r=\"4\" fill=\"var(--c%d)\"/>\n",
			 at(&x, v[i].value), y + 23, v[i].colour % 6 + 1);
		number(100, 0, y + 13, "end", "%.4g", v[i].value, b);
	}
	buf_adds(b, "</svg>\n");
}

/* --- shares --- */

static double largest(const struct svg_shares *p)
{
	double most = p->most;

	for (size_t i = 0; i < p->n * p->series && p->most <= 0; i++)
		most = fmax(most, p->values[i]);
	return most > 0 ? most : 1;
}

static void put_names(const struct svg_shares *p, struct buf *b)
{
	for (size_t s = 0; s < p->series; s++) {
		double x = 100. * (double)s / (double)(p->series > 2 ? p->series : 2);

		buf_addf(b,
			 "<rect x=\"%.2f%%\" y=\"4\" width=\"10\" height=\"10\" fill=\"var(--c%zu)\"/>\n",
			 x, s % 6 + 1);
		label(x, 15, 13, "start", p->names[s], LABEL_MOST / 2 - 2, b);
	}
}

void svg_columns(const struct svg_shares *p, struct buf *b)
{
	enum { TOP = 28, BOTTOM = 190 };
	struct axis y = {0, largest(p), BOTTOM, TOP};
	double slot = 100. / (double)(p->n > 0 ? p->n : 1),
	       bar = slot * 0.8 / (double)(p->series > 0 ? p->series : 1);
	size_t letters = 1, every = 1;

	begin(p->title, "plot", BOTTOM + 24, b);
	y_ticks(&y, "%.4g %%", 100, b);
	put_names(p, b);
	for (size_t i = 0; i < p->n; i++) {
		size_t w = out_width(p->labels[i], strlen(p->labels[i]));

		letters = w > letters ? w : letters;
	}
	while ((double)every * slot / 100 * NARROW < (double)(letters + 1) * LETTER && every < p->n)
		every++;
	for (size_t i = 0; i < p->n; i++) {
		double left = slot * ((double)i + 0.1);

		for (size_t s = 0; s < p->series; s++) {
			double v = p->values[s * p->n + i], top = isfinite(v) ? at(&y, v) : BOTTOM;

			buf_addf(b,
				 "<rect x=\"%.2f%%\" y=\"%.1f\" width=\"%.2f%%\" height=\"%.1f\" fill=\"var(--c%zu)\"/>\n",
				 left + bar * (double)s, top, bar * 0.96, BOTTOM - top, s % 6 + 1);
		}
		if (i % every == 0)
			text(p->edges ? slot * (double)i : left + slot * 0.4, 0, BOTTOM + 17,
			     "middle", NULL, span_of(p->labels[i]), b);
	}
	buf_adds(b, "</svg>\n");
}

void svg_bars(const struct svg_shares *p, struct buf *b)
{
	enum { TOP = 24, BAR = 9 };
	struct axis x = {0, largest(p), 0, 100};
	double row = 22 + BAR * (double)p->series, bottom = TOP + (double)p->n * row;

	begin(p->title, "plot wide", bottom + 24, b);
	x_ticks(&x, "%.4g %%", 100, TOP, bottom, b);
	put_names(p, b);
	for (size_t i = 0; i < p->n; i++) {
		double y = TOP + (double)i * row;

		label(0, 0, y + 14, "start", p->labels[i], LABEL_MOST, b);
		for (size_t s = 0; s < p->series; s++) {
			double v = p->values[s * p->n + i];

			buf_addf(b,
				 "<rect x=\"0\" y=\"%.1f\" width=\"%.2f%%\" height=\"%d\" fill=\"var(--c%zu)\"/>\n",
				 y + 18 + BAR * (double)s, isfinite(v) ? at(&x, v) : 0, BAR - 1,
				 s % 6 + 1);
		}
	}
	buf_adds(b, "</svg>\n");
}

void svg_points(const char *title, const char *x_label, const char *y_label,
		const struct svg_point *v, size_t n, struct buf *b)
{
	enum { TOP = 26, BOTTOM = 270 };
	struct svg_axis xs = SVG_AXIS_INIT, ys = SVG_AXIS_INIT;

	for (size_t i = 0; i < n; i++) {
		widen(&xs, v[i].x);
		widen(&ys, v[i].y);
	}
	struct axis x = settle(xs, 0, 100), y = settle(ys, BOTTOM, TOP);
	begin(title, "plot", BOTTOM + 40, b);
	x_ticks(&x, "%.4g", 1, TOP, BOTTOM, b);
	y_ticks(&y, "%.4g", 1, b);
	text(50, 0, BOTTOM + 34, "middle", "dim", span_of(x_label), b);
	text(0, 0, 14, "start", "dim", span_of(y_label), b);
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(v[i].x) || !isfinite(v[i].y))
			continue;
		int left = at(&x, v[i].x) > 60; /* the label would leave the picture */

		buf_addf(b,
			 "<circle cx=\"%.2f%%\" cy=\"%.1f\" r=\"5\" stroke=\"var(--c1)\" stroke-width=\"2\" fill=\"%s\"/>\n",
			 at(&x, v[i].x), at(&y, v[i].y), v[i].front ? "var(--c1)" : "none");
		label(at(&x, v[i].x), left ? -9 : 9, at(&y, v[i].y) + 4, left ? "end" : "start",
		      v[i].label, LABEL_MOST / 2, b);
	}
	buf_adds(b, "</svg>\n");
}
