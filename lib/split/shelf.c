/* shelf: three files at once; see the header. */
#include "shelf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/buf.h"

#define NOTE ".ft-split.undo"	  /* a line for each side that is being replaced */
#define BEFORE ".before-ft-split" /* behind the name of an old file */
#define NOTE_MAX 4096

static const char *const names[SIDES] =
	{[SIDE_TRAIN] = "train.jsonl", [SIDE_VALID] = "valid.jsonl", [SIDE_TEST] = "test.jsonl"};

static int is_side(const char *name)
{
	for (int i = 0; i < SIDES; i++)
		if (strcmp(name, names[i]) == 0)
			return 1;
	return 0;
}

static int begin(struct shelf *s, enum side side, struct err *e)
{
	char *seen = file_join(s->dir, names[side]),
	     *path = file_join(s->swaps ? s->swap.next : s->dir, names[side]);
	int rc = file_is_dir(seen) ? err_set(e, "%s: is a directory", seen)
				   : file_begin(path, &s->file[side], e);

	s->open[side] = !rc;
	free(seen);
	free(path);
	return rc;
}

/* A side's file that this run does not replace must not be there. */
static int refuse_stale(const struct shelf *s, struct err *e)
{
	for (int i = 0; i < SIDES; i++) {
		char *path = file_join(s->dir, names[i]);
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

/* --- one file after the other --- */

/* What DIR/NAME leads to: links stay. */
static char *target_of(const char *dir, int side)
{
	char *path = file_join(dir, names[side]), *real = realpath(path, NULL);

	if (!real)
		return path;
	free(path);
	return real;
}

static char *before_of(const char *target)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s" BEFORE, target);
	return buf_detach(&b, NULL);
}

/* Puts one side back as it was; `stood`: there was a file. */
static int undo(const char *dir, int side, int stood, struct err *e)
{
	char *target = target_of(dir, side), *before = before_of(target);
	int rc = 0;

	if (stood && file_exists(before)) {
		rc = rename(before, target)
			     ? err_errno(e, "%s: cannot be put back as %s", before, target)
			     : 0;
		unlink(before); /* stays where both names are one file's */
	} else if (!stood && unlink(target) && errno != ENOENT) {
		rc = err_errno(e, "%s: cannot be taken back", target);
	}
	free(target);
	free(before);
	return rc;
}

/* Undoes what the note says was begun. */
static int undo_all(const char *dir, struct err *e)
{
	char *note = file_join(dir, NOTE);
	struct buf b = BUF_INIT;
	int rc = 0;

	if (file_exists(note) && !(rc = file_read(note, NOTE_MAX, &b, e))) {
		for (int i = 0; i < SIDES && !rc; i++) {
			char line[32];
			snprintf(line, sizeof line, "%s old\n", side_name((enum side)i));
			int stood = strstr(b.data, line) != NULL;
			snprintf(line, sizeof line, "%s new\n", side_name((enum side)i));
			if (stood || strstr(b.data, line))
				rc = undo(dir, i, stood, e);
		}
		if (!rc && unlink(note))
			rc = err_errno(e, "%s", note);
	}
	buf_release(&b);
	free(note);
	return rc;
}

/* The old file gets a second name, or another one where there are no second names. */
static int keep_before(const char *dir, int side, struct err *e)
{
	char *target = target_of(dir, side), *before = before_of(target);
	int rc = file_exists(target) && link(target, before) && rename(target, before)
			 ? err_errno(e, "%s", before)
			 : 0;

	free(target);
	free(before);
	return rc;
}

static void forget_before(const char *dir, int side)
{
	char *target = target_of(dir, side), *before = before_of(target);

	unlink(before);
	free(target);
	free(before);
}

/* The file takes its name. */
static int put_in_place(struct shelf *s, int side, struct err *e)
{
	if (!s->swaps) {
		s->open[side] = 0;
		return file_commit(&s->file[side], e);
	}
	char *from = file_join(s->swap.next, names[side]), *to = file_join(s->dir, names[side]);
	int rc = rename(from, to) ? err_errno(e, "%s", to) : 0;
	free(from);
	free(to);
	return rc;
}

/* What stands there now, for undo_all. */
static int write_note(const char *dir, const char *path, const int ours[SIDES], struct err *e)
{
	struct buf note = BUF_INIT;

	for (int i = 0; i < SIDES; i++) {
		char *target = target_of(dir, i);
		if (ours[i])
			buf_addf(&note, "%s %s\n", side_name((enum side)i),
				 file_exists(target) ? "old" : "new");
		free(target);
	}
	int rc = file_write(path, note.data, note.len, e);
	buf_release(&note);
	return rc;
}

static int replace_in_turn(struct shelf *s, const int ours[SIDES], struct err *e)
{
	struct err lost;
	char *path = file_join(s->dir, NOTE);
	int rc = 0;

	for (int i = 0; i < SIDES; i++)
		forget_before(s->dir, i); /* of a run that was killed when all was done */
	rc = write_note(s->dir, path, ours, e);
	for (int i = 0; i < SIDES && !rc; i++)
		rc = ours[i] ? keep_before(s->dir, i, e) : 0;
	for (int i = 0; i < SIDES && !rc; i++)
		rc = ours[i] ? put_in_place(s, i, e) : 0;
	if (!rc && unlink(path))
		rc = err_errno(e, "%s", path);
	if (rc && undo_all(s->dir, &lost))
		*e = lost; /* what is to be mended by hand matters more */
	for (int i = 0; i < SIDES && !file_exists(path); i++)
		forget_before(s->dir, i);
	free(path);
	return rc;
}

/* --- */

int shelf_open(struct shelf *s, const char *dir, const int wanted[SIDES], struct err *e)
{
	*s = (struct shelf){.dir = dir, .lock = -1, .swap.lock = -1};
	if (file_mkdir(dir, e) || (s->lock = file_lock(dir, dir, e)) < 0 || undo_all(dir, e))
		return -1;
	s->swaps = dirswap_begin(&s->swap, dir, is_side);
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

/* What can fail for want of space fails here, before any name changes in the directory. */
static int complete(struct shelf *s, struct err *e)
{
	for (int i = 0; i < SIDES; i++) {
		if (s->open[i] &&
		    (fflush(s->file[i].f) || ferror(s->file[i].f) || fsync(fileno(s->file[i].f))))
			return err_errno(e, "%s", s->file[i].path);
	}
	for (int i = 0; i < SIDES && s->swaps; i++) {
		if (!s->open[i])
			continue;
		s->open[i] = 0;
		if (file_commit(&s->file[i], e))
			return -1;
	}
	return 0;
}

int shelf_commit(struct shelf *s, struct err *e)
{
	int ours[SIDES], rc;

	memcpy(ours, s->open, sizeof ours);
	rc = refuse_stale(s, e);
	rc = rc ? rc : complete(s, e);
	if (!rc && (!s->swaps || dirswap_commit(&s->swap, e)))
		rc = replace_in_turn(s, ours, e);
	shelf_abort(s);
	return rc;
}

void shelf_abort(struct shelf *s)
{
	if (!s->dir)
		return;
	for (int i = 0; i < SIDES; i++) {
		if (s->open[i])
			file_abort(&s->file[i]);
		s->open[i] = 0;
	}
	dirswap_abort(&s->swap);
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
}
