/* file: whole files in and out.
 *
 * Reading has a ceiling; writing is atomic: a temporary beside the target, synced, then renamed
 * over it, so a reader sees the old file or the new one and a full disk leaves the old one. A
 * temporary is locked while it is written, and those that a killed writer left go with the next one. The
 * target is what symbolic links lead to, and they stay. What is no regular file (a device, a FIFO)
 * is written to as it is, and so are open files by their numbers (/dev/stdout, /dev/fd/63).
 */
#ifndef FT_BASE_FILE_H
#define FT_BASE_FILE_H

#include <stddef.h>
#include <stdio.h>
#include "buf.h"
#include "err.h"

/* Appends the file's bytes to b; more than max bytes is an error. "-" is standard input. */
int file_read(const char *path, size_t max, struct buf *b, struct err *e);

/* A file mapped read-only. data is NULL for an empty file. */
struct file_map {
	const unsigned char *data;
	size_t len;
};
int file_map(const char *path, struct file_map *m, struct err *e);
void file_unmap(struct file_map *m);

/* An atomic writer: begin, write to f, then commit (or abort, which removes the temporary). Between
 * begin and commit the caller owns nothing but this struct. commit reports any earlier write
 * error. */
struct file_new {
	FILE *f;
	char *path, *tmp, *target; /* as given; NULL where written to directly; behind links */
};
int file_begin(const char *path, struct file_new *w, struct err *e);
int file_commit(struct file_new *w, struct err *e);
void file_abort(struct file_new *w);

/* The name of the file whose writer's temporary is called `name`: free() it; NULL where it is none.
 * Both without directories. A killed writer leaves one. */
char *file_temporary_of(const char *name);

/* Removes the temporaries of all writers that were begun and not ended. Done by itself at exit; for
 * ends that skip it. */
void file_abort_pending(void);

/* Writes all n bytes as a new file, atomically. */
int file_write(const char *path, const void *p, size_t n, struct err *e);

/* A file without a name in $TMPDIR (else /tmp), open for reading and writing; its space is free
 * again when it is closed. NULL with the reason. */
FILE *file_scratch(struct err *e);
/* The reason where writing to it failed, from errno; `what` is what was being kept there. -1. */
int file_scratch_failed(const char *what, struct err *e);
/* A new directory there, for the user alone; free() it, and remove it (file_remove_dir). NULL with
 * the reason. */
char *file_scratch_dir(struct err *e);

/* Opens the file (made where it is missing) or directory, and locks it against other processes for
 * as long as the descriptor returned is open. -1 with the reason, at once where another process
 * holds it; `what` names to the user what is locked. */
int file_lock(const char *path, const char *what, struct err *e);

/* A new name is only durable once its directory is synced; what fails is not told. */
void file_sync_dir(const char *dir);

int file_is_dir(const char *path);
int file_exists(const char *path);
/* Makes the directory and its parents; an existing one is fine. */
int file_mkdir(const char *path, struct err *e);
/* Deletes the files in dir (those whose names do not begin with a dot), then dir. What cannot be
 * deleted stays. */
void file_remove_dir(const char *dir);
/* dir + "/" + name; free() it. */
char *file_join(const char *dir, const char *name);

#endif
