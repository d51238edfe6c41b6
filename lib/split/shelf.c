/* shelf: three files at once; see the header. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "shelf.h"

static char *path_of(const char *dir, enum side side)
{
	char name[32];

	snprintf(name, sizeof name, "%s.jsonl", side_name(side));
	return file_join(dir, name);
}

static int begin(struct shelf *s, enum side side, struct err *e)
{
	char *path = path_of(s->dir, side);
	int rc = file_is_dir(path) ? err_set(e, "%s: is a directory", path)
				   : file_begin(path, &s->file[side], e);

	s->open[side] = !rc;
	free(path);
	return rc;
}

/* A side's file that this run does not replace must not be there. */
static int refuse_stale(const struct shelf *s, struct err *e)
{
	for (int i = 0; i < SIDES; i++) {
		char *path = path_of(s->dir, (enum side)i);
		int stale = !s->open[i] && file_exists(path);
		if (stale)
			err_set(e,
				"%s is from an earlier run and this one makes no %s side: remove it first",
				path, side_name((enum side)i));
		free(path);
		if (stale)
			return -1;
	}
	return 0;
}

int shelf_open(struct shelf *s, const char *dir, const int wanted[SIDES], struct err *e)
{
	*s = (struct shelf){.dir = dir};
	if (file_mkdir(dir, e))
		return -1;
	for (int i = 0; i < SIDES; i++) {
		if (wanted[i] && begin(s, (enum side)i, e)) {
			shelf_abort(s);
			return -1;
		}
	}
	return 0;
}

int shelf_put(struct shelf *s, enum side side, struct span line, struct err *e)
{
	if (!s->open[side] && begin(s, side, e))
		return -1;
	FILE *f = s->file[side].f;
	s->rows[side]++;
	if (fwrite(line.s, 1, line.n, f) != line.n || putc('\n', f) == EOF)
		return err_errno(e, "%s", s->file[side].path);
	return 0;
}

int shelf_commit(struct shelf *s, struct err *e)
{
	if (refuse_stale(s, e)) {
		shelf_abort(s);
		return -1;
	}
	/* What can fail for want of space fails here, before any name changes. */
	for (int i = 0; i < SIDES; i++) {
		if (!s->open[i])
			continue;
		if (fflush(s->file[i].f) || ferror(s->file[i].f) || fsync(fileno(s->file[i].f))) {
			err_errno(e, "%s", s->file[i].path);
			shelf_abort(s);
			return -1;
		}
	}
	for (int i = 0; i < SIDES; i++) {
		if (!s->open[i])
			continue;
		s->open[i] = 0;
		if (file_commit(&s->file[i], e)) {
			shelf_abort(s);
			return -1;
		}
	}
	return 0;
}

void shelf_abort(struct shelf *s)
{
	for (int i = 0; i < SIDES; i++) {
		if (s->open[i])
			file_abort(&s->file[i]);
		s->open[i] = 0;
	}
}
