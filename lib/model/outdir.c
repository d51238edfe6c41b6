/* outdir: see the header. */
#include "outdir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../token/tokenizer.h"
#include "model_impl.h"

#define CONFIG "config.json"
#define STAGED ".ft-export.new"

int outdir_is_model(const char *name)
{
	return strcmp(name, CONFIG) == 0 || model_is_weights(name) || tokenizer_is_file(name);
}

int outdir_is_adapter(const char *name)
{
	return strcmp(name, "adapter_config.json") == 0 ||
	       strcmp(name, "adapter_model.safetensors") == 0;
}

void outdir_clear(const char *dir, int (*ours)(const char *name))
{
	DIR *d = opendir(dir);

	for (struct dirent *entry; d && (entry = readdir(d));) {
		char *target = file_temporary_of(entry->d_name);
		if (target && ours(target))
			unlinkat(dirfd(d), entry->d_name, 0);
		free(target);
		if (model_is_staged(entry->d_name)) {
			char *staged = file_join(dir, entry->d_name);
			file_remove_dir(staged);
			free(staged);
		}
	}
	if (d)
		closedir(d);
}

/* Where links lead, and what stands there is put aside for, must be on the file system of dir: a
 * rename is all that is done then. */
static int check_link(const char *dir, const char *name, struct err *e)
{
	struct stat at, to;
	char *path = file_join(dir, name);
	int rc = 0;

	if (stat(dir, &at) == 0 && stat(path, &to) == 0 && at.st_dev != to.st_dev)
		rc = err_set(e,
			     "%s: leads to another file system; remove it or choose another place",
			     path);
	free(path);
	return rc;
}

/* Calls visit for the names in dir until it returns non-zero, which is returned. */
static int each_name(const char *dir, int (*visit)(void *arg, const char *name, struct err *e),
		     void *arg, struct err *e)
{
	DIR *d = opendir(dir);
	int rc = d ? 0 : err_errno(e, "%s", dir);

	for (struct dirent *entry; d && !rc && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = visit(arg, entry->d_name, e);
	if (d)
		closedir(d);
	return rc;
}

static int check_old(void *arg, const char *name, struct err *e)
{
	const struct outdir *o = arg;

	return outdir_is_model(name) ? check_link(o->dir, name, e) : 0;
}

/* What stands in a directory: weights of ours, and the name of what is not. */
struct census {
	const char *dir;
	char *foreign; /* weights, or else NULL */
	char *other;   /* another file of a model */
	int ours;
};

static int count_name(void *arg, const char *name, struct err *e)
{
	struct census *c = arg;
	char *path = file_join(c->dir, name);

	(void)e;
	if (model_is_weights(name) && !strstr(name, ".json"))
		st_is_ours(path) ? (void)c->ours++
				 : (void)(c->foreign = c->foreign ? c->foreign : mem_strdup(name));
	else if (outdir_is_model(name) && !c->other)
		c->other = mem_strdup(name);
	free(path);
	return 0;
}

int outdir_may_replace(const char *dir, struct err *e)
{
	struct census c = {.dir = dir};
	int rc = file_exists(dir) ? each_name(dir, count_name, &c, e) : 0;
	const char *foreign = c.foreign ? c.foreign : c.ours ? NULL : c.other;

	if (!rc && foreign)
		rc = err_set(e,
			     "%s holds %s, which ft-export did not write: move it away, or choose another directory",
			     dir, foreign);
	free(c.foreign);
	free(c.other);
	return rc;
}

int outdir_begin(struct outdir *o, const char *dir, struct err *e)
{
	*o = (struct outdir){.dir = mem_strdup(dir), .lock = -1, .swap.lock = -1};
	o->made = !file_exists(dir);
	if (file_mkdir(dir, e) || (o->lock = file_lock(dir, dir, e)) < 0)
		return -1;
	outdir_clear(dir, outdir_is_model);
	char *staged = file_join(dir, STAGED);
	file_remove_dir(staged); /* a killed run's */
	o->swaps = dirswap_begin(&o->swap, dir, outdir_is_model);
	o->path = o->swaps ? mem_strdup(o->swap.next) : staged;
	if (o->swaps) {
		free(staged);
		return 0;
	}
	return each_name(dir, check_old, o, e) || file_mkdir(o->path, e) ? -1 : 0;
}

/* --- one file after the other --- */

static int move(const struct outdir *o, const char *name, const char *target, struct err *e)
{
	char *from = file_join(o->path, name);
	int rc = rename(from, target) ? err_errno(e, "%s", target) : 0;

	free(from);
	return rc;
}

static int move_new(void *arg, const char *name, struct err *e)
{
	const struct outdir *o = arg;
	char *path = file_join(o->dir, name), *target = realpath(path, NULL);
	int rc = strcmp(name, CONFIG) == 0 ? 0 : move(o, name, target ? target : path, e);

	free(target);
	free(path);
	return rc;
}

static int drop_old(void *arg, const char *name, struct err *e)
{
	const struct outdir *o = arg;
	char *new = file_join(o->path, name), *old = file_join(o->dir, name);
	int rc = outdir_is_model(name) && !file_exists(new) && unlink(old) && errno != ENOENT
			 ? err_errno(e, "%s", old)
			 : 0;

	free(new);
	free(old);
	return rc;
}

static int replace_in_turn(struct outdir *o, struct err *e)
{
	char *path = file_join(o->dir, CONFIG), *real = realpath(path, NULL);
	const char *target = real ? real : path;
	int rc = unlink(target) && errno != ENOENT ? err_errno(e, "%s", path) : 0;

	file_sync_dir(o->dir);
	if (!rc && (each_name(o->dir, drop_old, o, e) || each_name(o->path, move_new, o, e) ||
		    move(o, CONFIG, target, e)))
		rc = err_prefix(e, "%s: holds no model now, write it again", o->dir);
	file_sync_dir(o->dir);
	free(real);
	free(path);
	return rc;
}

/* --- */

int outdir_commit(struct outdir *o, struct err *e)
{
	int rc = o->swaps ? dirswap_commit(&o->swap, e) : replace_in_turn(o, e);

	o->made = o->made && rc;
	return rc;
}

void outdir_end(struct outdir *o)
{
	dirswap_abort(&o->swap);
	if (o->path && !o->swaps)
		file_remove_dir(o->path);
	if (o->made && o->lock >= 0)
		rmdir(o->dir);
	if (o->lock >= 0)
		close(o->lock);
	free(o->dir);
	free(o->path);
	*o = (struct outdir){.lock = -1, .swap.lock = -1};
}
