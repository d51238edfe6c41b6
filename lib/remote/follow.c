/* A job from beginning to end; see follow.h. */
#include "follow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "../base/file.h"
#include "../base/mem.h"
#include "../base/progress.h"
#include "../net/retry.h"
#include "../net/url.h"
#include "remote_impl.h"

#define STATE_MAX ((size_t)1 << 20)
#define UNKNOWN_LOOKS 60 /* in a row, at a state that is none of a job */

/* One run under way. */
struct road {
	struct remote_run *run;
	struct remote_job *job;
	char *state_path, *train_path, *valid_path;
	struct buf train_file, valid_file; /* ids */
	char name[40];
	FILE *metrics;
	struct err *failed; /* of the metrics file */
	int write_failed;
};

/* A URL may hold a password, which belongs neither into files nor into output. */
static void put_provider(const struct road *k, struct jw *w)
{
	struct buf shown = BUF_INIT;
	url_show(&shown, k->run->remote.provider);
	jw_put_str(w, "provider", shown.data);
	buf_release(&shown);
}

static int is_provider(const struct road *k, struct span then)
{
	struct buf shown = BUF_INIT;
	url_show(&shown, k->run->remote.provider);
	int same = json_is(then, shown.data);
	buf_release(&shown);
	return same;
}

static int save_state(const struct road *k, struct err *e)
{
	struct buf b = BUF_INIT;
	struct jw w;
	jw_init(&w, &b);
	jw_object(&w);
	put_provider(k, &w);
	jw_put_str(&w, "base_model", k->run->task.model);
	jw_put_str(&w, "name", k->name);
	jw_put_str(&w, "training_file", k->train_file.len ? k->train_file.data : NULL);
	jw_put_str(&w, "validation_file", k->valid_file.len ? k->valid_file.data : NULL);
	jw_put_str(&w, "job", k->job->id[0] ? k->job->id : NULL);
	jw_put_str(&w, "last_event", k->job->last_event[0] ? k->job->last_event : NULL);
	jw_put_int(&w, "events", k->job->events);
	jw_end(&w);
	buf_addc(&b, '\n');
	int rc = file_write(k->state_path, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

/* 1 where there is a state of this provider, 0 where there is none. */
static int load_state(struct road *k, struct err *e)
{
	struct buf b = BUF_INIT;
	struct span v;
	char name[sizeof k->name];
	int64_t events;
	int rc = -1;
	if (!file_exists(k->state_path))
		return 0;
	if (file_read(k->state_path, STATE_MAX, &b, e) || json_check(buf_span(&b), &v, e)) {
		err_prefix(e, "%s", k->state_path);
	} else if (!is_provider(k, json_member(v, "provider"))) {
		err_set(e, "%s: belongs to a job at another provider", k->state_path);
	} else {
		remote_text(v, "name", name, sizeof name);
		memcpy(k->name, name, sizeof name);
		char train[ID_SIZE] = "", valid[ID_SIZE] = "";
		if (json_int(json_member(v, "events"), &events) == 0 && events > 0)
			k->job->events = (size_t)events;
		rc = id_take(v, "job", 1, k->job->id, e) ||
				     id_take(v, "last_event", 0, k->job->last_event, e) ||
				     id_take(v, "training_file", 1, train, e) ||
				     id_take(v, "validation_file", 1, valid, e)
			     ? err_prefix(e, "%s", k->state_path)
			     : 1;
		buf_adds(&k->train_file, train);
		buf_adds(&k->valid_file, valid);
	}
	buf_release(&b);
	return rc;
}

/* Sets j's id to that of the job that dir remembers. */
static int recall(const char *dir, struct remote_job *j, struct err *e)
{
	struct buf b = BUF_INIT;
	struct span v;
	char *path = file_join(dir, "remote.json");
	int rc = file_read(path, STATE_MAX, &b, e) || json_check(buf_span(&b), &v, e) ? -1 : 0;
	if (!rc && (rc = id_take(v, "job", 1, j->id, e)))
		err_prefix(e, "%s", path);
	if (!rc && !j->id[0])
		rc = err_set(e, "%s: no job was created yet", path);
	buf_release(&b);
	free(path);
	return rc;
}

static int name(struct remote_job *j, const char *id, struct err *e)
{
	if (id_check(span_of(id), 1, e))
		return -1;
	snprintf(j->id, sizeof j->id, "%s", id);
	return 0;
}

int remote_cancel_run(struct remote_run *run, const char *id, struct err *e)
{
	struct remote_job j = {0};
	int rc = remote_open(&run->remote, e) || (!id && recall(run->dir, &j, e)) ? -1 : 0;
	if (id && !rc)
		rc = name(&j, id, e);
	rc = rc ? rc : remote_cancel(&run->remote, &j, e);
	if (!rc)
		err_set(e, "job %s: %s", j.id, j.status);
	remote_job_release(&j);
	remote_close(&run->remote);
	return rc;
}

/* From the rows and all that decides the result: what is the same has the same name. */
static void name_job(struct road *k)
{
	const struct remote_task *t = &k->run->task;
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s|%s|%s|%g|%g|%g|%lld|%lld|%lld|%d|%d|%g|%016llx", k->run->remote.provider,
		 t->model, t->suffix ? t->suffix : "", t->epochs, t->lr, t->multiplier, t->batch,
		 t->seed, t->rank, t->seeded, t->preferences, t->beta,
		 (unsigned long long)k->run->rows.hash);
	snprintf(k->name, sizeof k->name, "%016llx",
		 (unsigned long long)XXH3_64bits(b.data, b.len));
	buf_release(&b);
}

static void put_row(struct road *k, struct span json)
{
	if (fwrite(json.s, 1, json.n, k->metrics) != json.n || fputc('\n', k->metrics) == EOF ||
	    fflush(k->metrics))
		k->write_failed = err_errno(k->failed, "%s/metrics.jsonl", k->run->dir);
	if (k->run->row)
		k->run->row(k->run->arg, json);
}

static void take_event(void *arg, struct span json)
{
	put_row(arg, json);
}

static int begin_job(struct road *k, char **files, struct err *e)
{
	struct remote *r = &k->run->remote;
	struct remote_task *t = &k->run->task;
	struct remote_rows *rows = &k->run->rows;
	char old[sizeof k->name];
	rows->train_path = k->train_path;
	rows->valid_path = k->valid_path;
	rows->rules = remote_rules(r);
	if (remote_rows_write(rows, files, k->run->valid_file, e))
		return -1;
	memcpy(old, k->name, sizeof old);
	name_job(k);
	if (old[0] && strcmp(old, k->name) != 0)
		return err_set(e, "%s: was begun with other rows or options; choose another -o",
			       k->state_path);
	t->name = k->name;
	t->taken_up = k->train_file.len > 0;
	if (!k->train_file.len &&
	    (remote_upload(r, t, k->train_path, 0, &k->train_file, e) || save_state(k, e)))
		return -1;
	if (rows->valid && !k->valid_file.len &&
	    (remote_upload(r, t, k->valid_path, 1, &k->valid_file, e) || save_state(k, e)))
		return -1;
	t->train_file = k->train_file.data;
	t->valid_file = k->valid_file.len ? k->valid_file.data : NULL;
	return remote_create(r, t, k->job, e) || save_state(k, e) ? -1 : 0;
}

static int told_to_stop(const struct road *k)
{
	return k->run->remote.stopping && k->run->remote.stopping();
}

static int follow(struct road *k, enum remote_end *how, struct err *e)
{
	struct remote_job *j = k->job;
	for (int unknown = 0;;) {
		size_t before = j->events;
		if (remote_look(&k->run->remote, j, e) ||
		    remote_events(&k->run->remote, j, take_event, k, e)) {
			if (!told_to_stop(k))
				return err_prefix(e, "job %s goes on; --resume follows it again",
						  j->id);
			*how = REMOTE_END_LEFT;
			return 0;
		}
		if (k->write_failed || (j->events > before && save_state(k, e)))
			return -1;
		if (k->run->progress)
			k->run->progress(k->run->arg, j);
		if (j->state == REMOTE_DONE || j->state == REMOTE_FAILED ||
		    j->state == REMOTE_CANCELLED) {
			*how = j->state == REMOTE_DONE	   ? REMOTE_END_DONE
			       : j->state == REMOTE_FAILED ? REMOTE_END_FAILED
							   : REMOTE_END_CANCELLED;
			return 0;
		}
		unknown = j->state == REMOTE_UNKNOWN ? unknown + 1 : 0;
		if (unknown >= UNKNOWN_LOOKS)
			return err_set(e,
				       "job %s: its state is \"%s\", looked at %d times, which is none that is known; --resume looks again",
				       j->id, j->status, UNKNOWN_LOOKS);
		if (retry_pause(k->run->poll, k->run->remote.stopping)) {
			*how = REMOTE_END_LEFT;
			return 0;
		}
	}
}

/* The job and its result: the last row, and ft.json. */
static int conclude(struct road *k, enum remote_end how, size_t files, double began, struct err *e)
{
	static const char *const names[] = {"done", "failed", "cancelled"};
	const struct remote_job *j = k->job;
	struct buf b = BUF_INIT;
	struct jw w;
	jw_init(&w, &b);
	jw_object(&w);
	jw_put_str(&w, "end", names[how]);
	put_provider(k, &w);
	jw_put_str(&w, "base_model", k->run->task.model);
	jw_put_str(&w, "job", j->id);
	jw_put_str(&w, "status", j->status);
	jw_put_str(&w, "model", j->model.len ? j->model.data : NULL);
	jw_put_str(&w, "error", j->error.len ? j->error.data : NULL);
	jw_put_num(&w, "trained_tokens", j->tokens < 0 ? NAN : (double)j->tokens);
	jw_put_int(&w, "files", files);
	jw_put_num(&w, "seconds_followed", progress_milli(progress_clock() - began));
	jw_end(&w);
	put_row(k, buf_span(&b));
	buf_addc(&b, '\n');
	char *path = file_join(k->run->dir, "ft.json");
	int rc = k->write_failed ? -1 : file_write(path, b.data, b.len, e);
	free(path);
	buf_release(&b);
	return rc;
}

static void tell(const struct remote_job *j, enum remote_end how, struct err *sentence)
{
	if (how == REMOTE_END_LEFT)
		err_set(sentence,
			"job %s goes on at the provider; --resume follows it, --cancel ends it",
			j->id);
	else if (how != REMOTE_END_DONE)
		err_set(sentence, "job %s: %s%s%s", j->id, j->status, j->error.len ? ": " : "",
			j->error.len ? j->error.data : "");
	else
		err_set(sentence, "job %s: %s%s", j->id,
			j->model.len ? "the new model is " : "done",
			j->model.len ? j->model.data : "");
}

int remote_run(struct remote_run *run, char **files, enum remote_end *how, struct err *e)
{
	struct remote_job seen = {0}, *j = &seen;
	struct road k = {.run = run, .job = j, .failed = e};
	const char *job = run->resume && files[0] && !file_exists(files[0]) ? *files++ : NULL;
	double began = progress_clock();
	size_t fetched = 0;
	struct err why = ERR_INIT;
	int rc = -1;
	char *metrics = file_join(run->dir, "metrics.jsonl");
	k.state_path = file_join(run->dir, "remote.json");
	k.train_path = file_join(run->dir, "upload-train.jsonl");
	k.valid_path = file_join(run->dir, "upload-valid.jsonl");
	if (remote_open(&run->remote, e))
		goto cleanup;
	if (file_exists(k.state_path) && !run->resume) {
		err_set(e,
			"%s: there is a job already; follow it with --resume, or choose another -o",
			k.state_path);
		goto cleanup;
	}
	if (file_mkdir(run->dir, e) || load_state(&k, e) < 0)
		goto cleanup;
	if (job && strcmp(job, j->id) != 0) {
		if (name(j, job, e))
			goto cleanup;
		j->last_event[0] = 0;
		j->events = 0;
	}
	if (!(k.metrics = fopen(metrics, j->events ? "a" : "w"))) {
		err_errno(e, "%s", metrics);
		goto cleanup;
	}
	if (!j->id[0] && begin_job(&k, files, e))
		goto cleanup;
	if (job && save_state(&k, e))
		goto cleanup;
	if (follow(&k, how, e))
		goto cleanup;
	if (*how == REMOTE_END_DONE)
		run->unfetched = remote_fetch(&run->remote, j, run->dir, &fetched, &why);
	/* The model is paid for: whatever cannot be fetched of it now, its name stands there. */
	rc = *how == REMOTE_END_LEFT ? 0 : conclude(&k, *how, fetched, began, e);
	if (rc)
		goto cleanup;
	tell(j, *how, e);
	if (run->unfetched) {
		struct err told = *e;
		err_set(e, "%.400s; %s could not be fetched: %.400s; --resume tries again",
			told.msg, remote_is_whole(&run->remote) ? "a table of it" : "it", why.msg);
		rc = remote_is_whole(&run->remote) ? 0 : -1;
	}
cleanup:
	if (k.metrics && fclose(k.metrics) && !rc)
		rc = err_errno(e, "%s", metrics);
	free(metrics);
	free(k.state_path);
	free(k.train_path);
	free(k.valid_path);
	buf_release(&k.train_file);
	buf_release(&k.valid_file);
	remote_job_release(j);
	remote_close(&run->remote);
	return rc;
}
