/* batch: lines in hand, and threads over runs of them. See batch.h. */
#include "batch.h"

#include <stdlib.h>
#include "../base/mem.h"

#define RUN 16 /* lines that a thread takes at a time */

struct batch_line {
	struct span text;
	size_t number; /* in the file */
	int whole, bad;
	struct record rec;
};

void batch_release(struct batch *b)
{
	for (size_t i = 0; b->line && i < BATCH_LINES; i++)
		record_release(&b->line[i].rec);
	free(b->line);
	b->line = NULL;
	b->n = b->next = 0;
}

static void parse_run(void *arg, size_t run)
{
	struct batch *b = arg;
	size_t end = run * RUN + RUN < b->n ? run * RUN + RUN : b->n;

	for (size_t i = run * RUN; i < end; i++) {
		struct batch_line *l = &b->line[i];
		l->bad = record_parse(&l->rec, l->text, NULL);
		if (!l->bad && b->work)
			b->work(b->arg, i, &l->rec);
	}
}

/* 1 where there are lines in hand, 0 at the end of the input, -1. */
static int fill(struct batch *b, struct err *e)
{
	/* One thread does better with what it has just looked at. */
	size_t most = pool_threads(b->pool) > 1 ? BATCH_LINES : RUN;
	int got, whole;

	if (!b->line)
		b->line = mem_alloc(BATCH_LINES, sizeof *b->line);
	b->n = b->next = 0;
	got = reader_line(b->reader, &b->line[0].text, &whole, e);
	while (got > 0) {
		b->line[b->n].number = b->reader->line;
		b->line[b->n++].whole = whole;
		if (b->n == most)
			break;
		got = reader_more(b->reader, &b->line[b->n].text);
		whole = 1;
	}
	pool_run(b->pool, (b->n + RUN - 1) / RUN, parse_run, b);
	return b->n ? 1 : got;
}

int batch_next(struct batch *b, size_t *i, const struct record **rec, struct err *e)
{
	for (;;) {
		while (b->next < b->n) {
			struct batch_line *l = &b->line[b->next];
			struct err why = ERR_INIT;
			if (i)
				*i = b->next;
			b->next++;
			*rec = &l->rec;
			b->number = l->number;
			if (!l->bad) {
				b->reader->rows++;
				return 1;
			}
			/* Bad lines are rare enough for their reasons to be found again. */
			record_parse(&l->rec, l->text, &why);
			if (reader_bad(b->reader, l->text, l->number, l->whole, &why, e))
				return -1;
		}
		int got = fill(b, e);
		if (got <= 0)
			return got;
	}
}

int batch_at(const struct batch *b, struct err *e)
{
	return err_prefix(e, "%s:%zu", b->reader->name, b->number);
}
