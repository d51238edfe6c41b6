/* Loss curves; see curves.h. */
#include "curves.h"

#include <stdlib.h>

#include "../base/file.h"
#include "../base/mem.h"
#include "../json/reader.h"
#include "plot.h"

struct curve {
	double *x, *y;
	size_t n, cap_x, cap_y;
};

static void take(struct curve *c, const struct record *r, const char *name)
{
	double x, y;
	if (json_number(record_get(r, "step"), &x) || json_number(record_get(r, name), &y))
		return;
	c->x = mem_grow(c->x, &c->cap_x, c->n + 1, sizeof *c->x);
	c->y = mem_grow(c->y, &c->cap_y, c->n + 1, sizeof *c->y);
	c->x[c->n] = x;
	c->y[c->n++] = y;
}

static int curves_svg(const char *metrics_path, const char *title, struct buf *out, struct err *e)
{
	struct curve train = {0}, valid = {0};
	struct reader in;
	struct record r = {0};
	int rc;
	reader_init(&in, (char *[]){(char *)metrics_path, NULL});
	while ((rc = reader_next(&in, &r, e)) == 1) {
		if (json_kind(record_get(&r, "end")) != JSON_NONE)
			continue;
		take(&train, &r, "loss");
		take(&valid, &r, "valid_loss");
	}
	if (rc == 0) {
		const struct plot_series series[] = {
			{"training loss", train.x, train.y, train.n, 0},
			{"validation loss", valid.x, valid.y, valid.n, 1},
		};
		plot_svg(&(struct plot){title, "step", "loss", 1, series, 2}, out);
	}
	reader_release(&in);
	record_release(&r);
	free(train.x), free(train.y), free(valid.x), free(valid.y);
	return rc;
}

int curves_write(const char *metrics_path, const char *title, const char *path, struct err *e)
{
	struct buf svg = BUF_INIT;
	int rc = curves_svg(metrics_path, title, &svg, e) || file_write(path, svg.data, svg.len, e)
			 ? -1
			 : 0;
	buf_release(&svg);
	return rc;
}
