/* load: see the header. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "load.h"
#include "profile.h"

#define BLOCK_LINES (LOAD_PARTS * LOAD_RUN * 2)
#define BLOCK_BYTES ((size_t)16 << 20) /* a block ends with the line that passes this */

struct line_at {
	size_t at, n;
	const char *file;
	size_t number; /* in the file */
	int whole, bad;
};

/* Lines that are taken apart together. */
struct block {
	struct buf text;
	struct line_at *line;
	size_t n;
	uint64_t first; /* number of the first line in all */
};

struct part {
	struct frame frame;
	struct record rec;
	struct err e; /* why a record could not be added, the first time */
};

struct job {
	const struct load *how;
	struct block block;
	struct part part[LOAD_PARTS];
};

/* 1 where there may be more, 0 at the end, -1. */
static int read_block(struct block *b, struct reader *r, struct err *e)
{
	struct span line;
	int whole, got = 1;

	b->first += b->n;
	b->n = 0;
	buf_clear(&b->text);
	while (b->n < BLOCK_LINES && b->text.len < BLOCK_BYTES &&
	       (got = reader_line(r, &line, &whole, e)) > 0) {
		b->line[b->n++] = (struct line_at){b->text.len, line.n, r->name, r->line, whole, 0};
		if (buf_addspan(&b->text, line))
			return err_set(e, "%s:%zu: too long a line", r->name, r->line);
	}
	return got;
}

static struct span line_text(const struct block *b, size_t i)
{
	return (struct span){b->text.data + b->line[i].at, b->line[i].n};
}

/* One part's share of the block. */
static void fill_part(void *arg, size_t k)
{
	struct job *j = arg;
	struct block *b = &j->block;
	struct part *p = &j->part[k];

	for (size_t i = 0; i < b->n; i++) {
		uint64_t number = b->first + i;
		struct err e;
		if (number / LOAD_RUN % LOAD_PARTS != k)
			continue;
		int malformed = record_parse(&p->rec, line_text(b, i), &e);
		if (!malformed && !frame_add_numbered(&p->frame, &p->rec, number, &e))
			continue;
		b->line[i].bad = malformed ? 1 : 2;
		if (!malformed && !p->e.msg[0])
			p->e = e;
	}
}

/* The reasons of the block's bad lines, in order. -1 where one ends the run. */
static int report_bad(struct job *j, struct err *e)
{
	struct block *b = &j->block;

	for (size_t i = 0; i < b->n; i++) {
		const struct line_at *l = &b->line[i];
		struct part *p = &j->part[(b->first + i) / LOAD_RUN % LOAD_PARTS];
		struct err reason;
		if (l->number == 1 && drift_profile_begins(line_text(b, i)))
			return err_set(e,
				       "%s: a profile where rows belong, or one that is no regular file",
				       l->file);
		if (!l->bad) {
			if (j->how->line)
				j->how->line(j->how->arg, line_text(b, i));
			continue;
		}
		/* Malformed lines are rare enough for their reasons to be found again. */
		if (l->bad == 2) {
			*e = p->e;
			return err_prefix(e, "%s:%zu", l->file, l->number);
		}
		record_parse(&p->rec, line_text(b, i), &reason);
		if (reader_skip(j->how->reader, l->file, l->number, l->whole, &reason, e))
			return -1;
	}
	return 0;
}

static void begin(struct job *j)
{
	for (size_t k = 0; k < LOAD_PARTS; k++) {
		struct frame *f = &j->part[k].frame;
		frame_init(f);
		if (j->how->prepare)
			j->how->prepare(j->how->arg, f);
	}
	j->block.line = mem_alloc(BLOCK_LINES, sizeof *j->block.line);
	j->block.text.max = READER_LINE_MAX + 2 * BLOCK_BYTES;
}

/* The parts, in order, become f; the first one is taken over as it is. */
static void merge(struct frame *f, struct job *j)
{
	*f = j->part[0].frame;
	for (size_t k = 1; k < LOAD_PARTS; k++) {
		frame_merge(f, &j->part[k].frame, 0);
		frame_release(&j->part[k].frame);
	}
	frame_finish(f);
}

static int load_profiles(struct frame *f, char **files, struct err *e)
{
	frame_init(f);
	if (drift_profile_read(files[0], f, e))
		return -1;
	for (size_t i = 1; files[i]; i++) {
		struct frame more;
		frame_init(&more);
		int bad = drift_profile_read(files[i], &more, e);
		if (!bad && drift_profile_merge(f, &more, e))
			bad = err_prefix(e, "%s", files[i]);
		frame_release(&more);
		if (bad)
			return -1;
	}
	return 0;
}

int load_any(struct frame *f, const struct load *how, struct err *e)
{
	const char *profile = NULL, *other = NULL;
	char **files = how->reader->files;

	for (size_t i = 0; files[i]; i++)
		*(drift_profile_is(files[i]) ? &profile : &other) = files[i];
	if (profile && other) {
		frame_init(f);
		return err_set(e, "%s is a profile and %s is none: name either profiles or rows",
			       profile, other);
	}
	return profile ? load_profiles(f, files, e) : load_frame(f, how, e);
}

int load_frame(struct frame *f, const struct load *how, struct err *e)
{
	struct job j = {.how = how};
	int got, bad = 0;

	begin(&j);
	do {
		got = read_block(&j.block, how->reader, e);
		if (j.block.first == 0 && j.block.n) {
			for (size_t k = 0; k < LOAD_PARTS; k++)
				frame_salt(&j.part[k].frame, line_text(&j.block, 0));
		}
		pool_run(how->pool, LOAD_PARTS, fill_part, &j);
		bad = report_bad(&j, e);
		struct frame *parts[LOAD_PARTS];
		for (size_t k = 0; k < LOAD_PARTS; k++)
			parts[k] = &j.part[k].frame;
		frame_shrink(parts, LOAD_PARTS);
		if (how->progress)
			how->progress(how->arg, j.block.first + j.block.n);
	} while (got > 0 && !bad);
	merge(f, &j);
	for (size_t k = 0; k < LOAD_PARTS; k++)
		record_release(&j.part[k].rec);
	free(j.block.line);
	buf_release(&j.block.text);
	return got < 0 || bad ? -1 : 0;
}
