/* chart: the picture that shows what was found at a path, the reference beside the current records.
 *
 * A finding is shown by its own figure: words that came by the shares of texts that have them, a
 * longer text by its words, a year by the rows of each year. Charts of one kind on a page are drawn
 * over one axis.
 */
#ifndef FT_DRIFT_CHART_H
#define FT_DRIFT_CHART_H

#include "compare.h"

#define CHART_MOST 32 /* columns or bars */

enum chart_kind { CHART_NUMBERS, CHART_LENGTHS, CHART_DATES, CHART_LAGS, CHART_SHARES };

struct chart {
	enum chart_kind kind;
	const struct line *line;
	const char *what;	  /* that is counted, for people */
	char *labels[CHART_MOST]; /* edges of columns, or their middle; names of CHART_SHARES */
	int edges;
	size_t n;
	double values[2 * CHART_MOST]; /* shares: of the reference [0..n), of the current [n..2n) */
};

/* Of one finding of a line. 0 where there is nothing to draw: ids, vectors, objects. */
int chart_of(const struct line *l, const struct finding *f, const struct comparison *c,
	     struct chart *x);
/* Whether a finding has a chart of its own beside that of the line's best: its sentence names what no
 * other chart of the line shows. */
int chart_is_own(const struct line *l, const struct finding *f);
double chart_largest(const struct chart *x);
/* names: of the reference and of the current records; most: what the axis goes up to. */
void chart_draw(const struct chart *x, const char *const names[2], double most, struct buf *b);
void chart_release(struct chart *x);

#endif
