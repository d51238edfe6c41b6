/* Line plots as SVG; see plot.h. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>

#include "../base/mem.h"
#include "xml.h"

enum { WIDTH = 760, HEIGHT = 420, LEFT = 70, RIGHT = 20, TOP = 40, BOTTOM = 50 };

static const char *const colours[] = {"#3b82c4", "#d9622b", "#2f9e62", "#a259c4",
				      "#c4a03b", "#c43b6b", "#3bb8c4", "#7a7a7a"};

/* What is drawn: the rectangle of values, and how they map to it. */
struct frame {
	double x0, x1, y0, y1;
	int log_y;
};

static double to_x(const struct frame *f, double x)
{
	return LEFT + (x - f->x0) / (f->x1 - f->x0) * (WIDTH - LEFT - RIGHT);
}

static double to_y(const struct frame *f, double y)
{
	return TOP +
	       (f->y1 - (f->log_y ? log10(y) : y)) / (f->y1 - f->y0) * (HEIGHT - TOP - BOTTOM);
}

double plot_ticks(double lo, double hi, int most, double *first)
{
	double raw = (hi - lo) / most, power = pow(10, floor(log10(raw))), step = power;
	if (raw > power)
		step = raw <= 2 * power ? 2 * power : raw <= 5 * power ? 5 * power : 10 * power;
	*first = ceil(lo / step - 1e-9) * step;
	return step;
}

static struct frame frame_of(const struct plot *p)
{
	struct frame f = {INFINITY, -INFINITY, INFINITY, -INFINITY, p->log_y};
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->series[i].n; k++) {
			double x = p->series[i].x[k], y = p->series[i].y[k];
			if (!isfinite(x) || !isfinite(y))
				continue;
			f.log_y = f.log_y && y > 0;
			f.x0 = fmin(f.x0, x), f.x1 = fmax(f.x1, x);
			f.y0 = fmin(f.y0, y), f.y1 = fmax(f.y1, y);
		}
	}
	if (f.x0 > f.x1)
		f = (struct frame){0, 1, 0, 1, 0};
	if (f.log_y)
		f.y0 = log10(f.y0), f.y1 = log10(f.y1);
	if (f.x1 - f.x0 <= 0)
		f.x0 -= .5, f.x1 += .5;
	if (f.y1 - f.y0 <= 1e-12 * (1 + fabs(f.y1)))
		f.y0 -= .5, f.y1 += .5;
	double margin = (f.y1 - f.y0) * .04;
	f.y0 -= margin, f.y1 += margin;
	return f;
}

static void axes(const struct plot *p, const struct frame *f, struct buf *b)
{
	double first, step = plot_ticks(f->x0, f->x1, 8, &first);
	for (double x = first; x <= f->x1 + step * 1e-9; x += step)
		buf_addf(b,
			 "<line class=\"g\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.6g</text>\n",
			 to_x(f, x), to_x(f, x), TOP, HEIGHT - BOTTOM, to_x(f, x),
			 HEIGHT - BOTTOM + 18, fabs(x) < step * 1e-6 ? 0 : x);
	step = plot_ticks(f->y0, f->y1, 6, &first);
	for (double y = first; y <= f->y1 + step * 1e-9; y += step) {
		double value = f->log_y		       ? pow(10, y)
			       : fabs(y) < step * 1e-6 ? 0
						       : y,
		       at = to_y(f, value);
		buf_addf(b,
			 "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n",
			 LEFT, WIDTH - RIGHT, at, at, LEFT - 8, at + 4, value);
	}
	buf_addf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2,
		 HEIGHT - 12);
	xml_str(p->x_label, b);
	buf_addf(b,
		 "</text>\n<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">",
		 (TOP + HEIGHT - BOTTOM) / 2);
	xml_str(p->y_label, b);
	buf_addf(b, "</text>\n<text class=\"t\" x=\"%d\" y=\"22\">", LEFT);
	xml_str(p->title, b);
	buf_adds(b, "</text>\n");
}

/* Point k of a series that is drawn as `shown` stretches. */
static void stretch(const struct plot_series *s, size_t k, size_t shown, double *x, double *y)
{
	size_t from = k * s->n / shown, to = (k + 1) * s->n / shown;
	*x = *y = 0;
	for (size_t i = from; i < to; i++) {
		*x += s->x[i] / (double)(to - from);
		*y += s->y[i] / (double)(to - from);
	}
}

static int drawable(const struct plot_series *s)
{
	for (size_t k = 0; k < s->n; k++)
		if (isfinite(s->y[k]))
			return 1;
	return 0;
}

static void line(const struct plot_series *s, const struct frame *f, const char *colour,
		 struct buf *b)
{
	size_t shown = s->n < PLOT_POINTS ? s->n : PLOT_POINTS;
	int drawing = 0;
	double x, y;
	buf_addf(b, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" d=\"", colour);
	for (size_t k = 0; k < shown; k++) {
		stretch(s, k, shown, &x, &y);
		int good = isfinite(y);
		if (good)
			buf_addf(b, "%s%.1f %.1f", drawing ? "L" : "M", to_x(f, x), to_y(f, y));
		drawing = good;
	}
	buf_adds(b, "\"/>\n");
	for (size_t k = 0; s->marks && k < shown; k++) {
		stretch(s, k, shown, &x, &y);
		if (isfinite(y))
			buf_addf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
				 to_x(f, x), to_y(f, y), colour);
	}
}

void plot_svg(const struct plot *p, struct buf *b)
{
	struct frame f = frame_of(p);
	buf_addf(b,
		 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
		 "<style>text{fill:#333}.t{font-size:15px}.g{stroke:#8884;stroke-width:1}.b{fill:#fff}"
		 "@media(prefers-color-scheme:dark){text{fill:#ccc}.b{fill:#181818}}</style>\n"
		 "<rect class=\"b\" width=\"%d\" height=\"%d\"/>\n",
		 WIDTH, HEIGHT, WIDTH, HEIGHT);
	axes(p, &f, b);
	int row = 0;
	for (size_t i = 0; i < p->n; i++) {
		const char *colour = colours[i % (sizeof colours / sizeof *colours)];
		if (!drawable(&p->series[i]))
			continue;
		line(&p->series[i], &f, colour, b);
		buf_addf(b,
			 "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"3\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">",
			 WIDTH - 160, TOP + 10 + 18 * row, colour, WIDTH - 140,
			 TOP + 15 + 18 * row);
		xml_str(p->series[i].name, b);
		buf_adds(b, "</text>\n");
		row++;
	}
	buf_adds(b, "</svg>\n");
}
