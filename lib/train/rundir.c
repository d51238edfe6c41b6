/* The directory of a training run; see rundir.h. */
#include "rundir.h"

#include <errno.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/mem.h"
#include "../json/record.h"
#include "../model/adapter.h"
#include "../model/hub.h"
#include "../model/outdir.h"
#include "../token/tokenizer.h"

#define STR(x) #x
#define FT_STR(x) STR(x)
#define CONFIG_MAX ((size_t)1 << 20)

static int same_directory(const char *a, const char *b)
{
	struct stat x, y;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

#define ABOUT "ft.json"
#define CHECKPOINT "checkpoint.safetensors"

/* What a run makes and writes in one step, metrics.jsonl aside. */
static int is_ours(const char *name)
{
	return strcmp(name, ABOUT) == 0 || strcmp(name, CHECKPOINT) == 0 || outdir_is_model(name) ||
	       outdir_is_adapter(name);
}

/* 1 where the directory exists and holds anything but what a run killed at its first step leaves. */
static int holds_something(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d)
		return 0;
	int found = 0;
	struct dirent *entry;
	while ((entry = readdir(d))) {
		char *target = file_temporary_of(entry->d_name);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !(target && is_ours(target)))
			found = 1;
		free(target);
	}
	closedir(d);
	return found;
}

/* 1 where a run ended there, with its options appended. */
static int read_finished(const char *about, struct buf *options)
{
	struct buf text = BUF_INIT;
	struct record r = {0};
	int finished = file_exists(about) && !file_read(about, CONFIG_MAX, &text, NULL) &&
		       !record_parse(&r, buf_span(&text), NULL) &&
		       span_is(record_get(&r, "finished"), "true");
	if (finished)
		buf_addspan(options, record_get(&r, "options"));
	record_release(&r);
	buf_release(&text);
	return finished;
}

int rundir_init(struct rundir *r, const char *dir, const char *base, const char *adapter,
		int resume, struct err *e)
{
	*r = (struct rundir){
		.dir = mem_strdup(dir),
		.checkpoint = file_join(dir, CHECKPOINT),
		.metrics_path = file_join(dir, "metrics.jsonl"),
		.about_path = file_join(dir, ABOUT),
		.candidate = file_join(dir, "candidate"),
	};
	if (file_exists(dir) && !file_is_dir(dir))
		return err_set(e, "%s: is no directory", dir);
	if (base && same_directory(dir, base))
		return err_set(e,
			       "%s: -o and -m are the same directory; the base is never written over",
			       dir);
	char *from = adapter ? hub_find_adapter(adapter, e) : NULL;
	int same = from && same_directory(dir, from);
	free(from);
	if (adapter && !from)
		return -1;
	if (same)
		return err_set(e,
			       "%s: -o and -a are the same directory; the adapter is never written over",
			       dir);
	int finished = read_finished(r->about_path, &r->finished);
	if (!resume)
		buf_clear(&r->finished);
	int unfinished = !finished && file_exists(r->checkpoint);
	if (unfinished && !resume)
		return err_set(e,
			       "%s: holds an unfinished run; take it up with --resume, or remove %s",
			       dir, r->checkpoint);
	if (!unfinished && holds_something(dir) && !file_exists(r->about_path))
		return err_set(e,
			       "%s: is not empty and holds no run of ft-train (no ft.json); choose another -o",
			       dir);
	r->resumes = unfinished;
	return 0;
}

void rundir_release(struct rundir *r)
{
	if (r->metrics)
		fclose(r->metrics);
	if (r->lock > 0)
		close(r->lock);
	free(r->dir);
	free(r->checkpoint);
	free(r->metrics_path);
	free(r->about_path);
	free(r->candidate);
	buf_release(&r->finished);
	*r = (struct rundir){0};
}

/* An earlier run's results would otherwise stand beside this one's. */
static int remove_old(const struct rundir *r, struct err *e)
{
	DIR *d = opendir(r->dir);
	int rc = d ? 0 : err_errno(e, "%s", r->dir);
	for (struct dirent *entry; d && !rc && (entry = readdir(d));)
		if (is_ours(entry->d_name) && strcmp(entry->d_name, ABOUT) != 0 &&
		    unlinkat(dirfd(d), entry->d_name, 0))
			rc = err_errno(e, "%s/%s", r->dir, entry->d_name);
	if (d)
		closedir(d);
	return rc;
}

static int write_about(const struct rundir *r, struct span json, struct err *e)
{
	struct buf line = BUF_INIT;
	buf_addspan(&line, json);
	buf_addc(&line, '\n');
	int rc = file_write(r->about_path, line.data, line.len, e);
	buf_release(&line);
	return rc;
}

/* Takes the directory, as rundir_init saw it. */
static int take(struct rundir *r, struct err *e)
{
	struct buf finished = BUF_INIT;
	if (file_mkdir(r->dir, e))
		return -1;
	r->lock = file_lock(r->dir, r->dir, e);
	if (r->lock < 0)
		return -1;
	int rc = 0;
	if (!r->resumes && file_exists(r->checkpoint)) {
		if (!read_finished(r->about_path, &finished))
			rc = err_set(e, "%s: another run has begun there meanwhile", r->dir);
		else if (unlink(r->checkpoint))
			rc = err_errno(e, "%s", r->checkpoint);
	}
	buf_release(&finished);
	if (rc)
		return -1;
	outdir_clear(r->dir, is_ours);
	outdir_clear(r->candidate, is_ours);
	return 0;
}

int rundir_begin(struct rundir *r, size_t keep, struct span about, struct err *e)
{
	struct stat st;
	if (take(r, e) || write_about(r, about, e) || (!r->resumes && remove_old(r, e)))
		return -1;
	if (r->resumes && (stat(r->metrics_path, &st) || (size_t)st.st_size < keep))
		return err_set(e, "%s: shorter than when the checkpoint was written",
			       r->metrics_path);
	r->metrics = fopen(r->metrics_path, r->resumes ? "r+" : "w");
	if (!r->metrics)
		return err_errno(e, "%s", r->metrics_path);
	if (r->resumes &&
	    (ftruncate(fileno(r->metrics), (off_t)keep) || fseek(r->metrics, 0, SEEK_END)))
		return err_errno(e, "%s", r->metrics_path);
	return 0;
}

int rundir_row(struct rundir *r, struct span row, struct err *e)
{
	if (fwrite(row.s, 1, row.n, r->metrics) != row.n || fputc('\n', r->metrics) == EOF)
		return err_errno(e, "%s", r->metrics_path);
	return 0;
}

long rundir_sync(struct rundir *r, struct err *e)
{
	long at;
	if (fflush(r->metrics) || fsync(fileno(r->metrics)) || (at = ftell(r->metrics)) < 0)
		return err_errno(e, "%s", r->metrics_path);
	return at;
}

int rundir_save(const struct model *m, const char *dir, const char *base, enum nn_type type,
		struct err *e)
{
	if (file_mkdir(dir, e))
		return -1;
	return m->adapter ? adapter_save(m, dir, base, e)
			  : model_save(m, dir, &(struct model_save){.type = type}, e);
}

int rundir_finish(struct rundir *r, struct span about, struct err *e)
{
	int bad = fflush(r->metrics) || fsync(fileno(r->metrics));
	bad = fclose(r->metrics) || bad;
	r->metrics = NULL;
	if (bad)
		return err_errno(e, "%s", r->metrics_path);
	if (write_about(r, about, e))
		return -1;
	file_remove_dir(r->candidate);
	if (unlink(r->checkpoint) && errno != ENOENT)
		return err_errno(e, "%s", r->checkpoint);
	return 0;
}

void rundir_tidy(const struct rundir *r)
{
	int lock = file_lock(r->dir, r->dir, NULL);
	if (lock < 0)
		return;
	outdir_clear(r->dir, is_ours);
	file_remove_dir(r->candidate);
	unlink(r->checkpoint);
	close(lock);
}

/* The configuration with what follows from the byte-level tokenizer added where it says nothing
 * itself. */
static int complete_config(const char *path, struct buf *out, struct err *e)
{
	static const struct {
		const char *name, *value;
	} defaults[] = {
		{"vocab_size", FT_STR(TOKENIZER_BYTES_SIZE)},
		{"bos_token_id", "256"},
		{"eos_token_id", "258"},
		{"pad_token_id", "259"},
	};
	enum { DEFAULTS = sizeof defaults / sizeof *defaults };
	struct buf text = BUF_INIT;
	struct record r = {0};
	struct edit edits[DEFAULTS];
	size_t n = 0;
	int rc = file_read(path, CONFIG_MAX, &text, e);
	if (!rc && record_parse(&r, buf_span(&text), e))
		rc = err_prefix(e, "%s", path);
	for (size_t i = 0; !rc && i < DEFAULTS; i++)
		if (json_kind(record_get(&r, defaults[i].name)) == JSON_NONE)
			edits[n++] = (struct edit){defaults[i].name, span_of(defaults[i].value)};
	if (!rc && record_splice(&r, edits, n, out))
		rc = err_set(e, "%s: too large", path);
	record_release(&r);
	buf_release(&text);
	return rc;
}

char *rundir_scratch(const char *config, struct err *e)
{
	struct buf text = BUF_INIT;
	char *dir = NULL, *path = NULL;
	int rc = -1;
	if (complete_config(config, &text, e) || !(dir = file_scratch_dir(e)))
		goto cleanup;
	path = file_join(dir, "config.json");
	rc = file_write(path, text.data, text.len, e) || tokenizer_write_bytes(dir, e) ? -1 : 0;
	if (rc)
		file_remove_dir(dir);
cleanup:
	buf_release(&text);
	free(path);
	if (rc) {
		free(dir);
		dir = NULL;
	}
	return dir;
}
