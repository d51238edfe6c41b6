/* trail: hashes of lines; see the header. */
#include "trail.h"

#include <stdlib.h>
#include "../base/mem.h"
#include "../text/hash.h"

void trail_release(struct trail *t)
{
	free(t->prints);
	record_release(&t->rec);
	for (int i = 0; i < SIDES; i++)
		for (int k = 0; k < 8; k++)
			buf_release(&t->text[i][k]);
	*t = (struct trail){0};
}

struct span trail_text(struct trail *t, struct seam seam, enum side side)
{
	struct buf *b = &t->text[side][(seam.cut ? 4u : 0) | seam.comma << 1 | seam.spaced];

	if (!b->len)
		seam_put(seam, "split", span_of(side_json(side)), b);
	return buf_span(b);
}

int trail_print(const struct record *rec, enum side already, struct footprint *f, struct err *e)
{
	*f = (struct footprint){.hash = hash64(rec->line, 0)};
	if (already == SIDE_NONE && record_seam(rec, "split", &f->seam))
		return err_set(e, "a record too long to write");
	return 0;
}

void trail_add(struct trail *t, const struct footprint *f)
{
	t->prints = mem_grow(t->prints, &t->cap, t->n + 1, sizeof *t->prints);
	t->prints[t->n++] = *f;
}

int trail_next(struct trail *t, struct reader *r, struct trail_row *row, struct err *e)
{
	struct err bad;
	int whole, got;

	while ((got = reader_line(r, &row->line, &whole, e)) > 0) {
		if (t->at < t->n && hash64(row->line, 0) == t->prints[t->at].hash) {
			row->seam = t->prints[t->at++].seam;
			r->rows++;
			return 1;
		}
		if (r->skip_bad && record_parse(&t->rec, row->line, &bad))
			continue;
		return err_set(e, "%s:%zu: the input changed while it was read", r->name, r->line);
	}
	if (!got && t->at < t->n && !(r->stopping && r->stopping()))
		return err_set(e, "the input changed while it was read: %zu rows, then %zu", t->n,
			       t->at);
	return got;
}
