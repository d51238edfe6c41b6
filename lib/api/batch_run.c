/* batch_run: a batch through OpenAI's files and batches endpoints. The state file is rewritten,
 * atomically, after each step that costs something, so that a run killed anywhere goes on where it
 * stood and no batch is started (and paid) twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../base/progress.h"
#include "../json/jw.h"
#include "../net/http.h"
#include "../net/id.h"
#include "../net/retry.h"
#include "batch.h"

#define STATE_MAX ((size_t)16 << 20)
#define ANSWER_MAX ((uint64_t)16 << 20) /* of a call, and of a row of the results */
#define CALL_TRIES 6
#define CALL_SECONDS 600.0
#define UNKNOWN_LOOKS 20   /* at a state that is none of a batch */
#define WAIT_MOST 172800.0 /* seconds; OpenAI promises an end within half of that */

struct part {
	char *requests, *results, *errors; /* files beside the state */
	char hash[33];
	size_t rows;
	char file[ID_SIZE], batch[ID_SIZE];	 /* ids at the provider */
	char output[ID_SIZE], failures[ID_SIZE]; /* ids of the files with results */
	int creating; /* a batch may have been started without our having read its id */
	int unknown;  /* looks in a row at a state that is none we know */
	int done;     /* results are fetched */
};

struct batch_parts {
	const struct batch_run *r;
	struct http *http;
	struct rng rng;
	struct buf secret;
	struct part *v;
	size_t n, cap;
	struct file_new out; /* the part being written */
	XXH3_state_t *hash;
	size_t rows, bytes;
	struct buf old; /* the state file's text as it was found */
	const char **files;
	FILE *spool; /* of the records */
	int lock;    /* another descriptor of it, which keeps other processes out; -1 */
	char *records[2];
};

/* --- state --- */

static int save(struct batch_parts *p, struct err *e)
{
	struct buf b = BUF_INIT;
	struct jw w;
	int rc;

	jw_init(&w, &b);
	jw_object(&w);
	jw_put_array(&w, "parts");
	for (size_t i = 0; i < p->n; i++) {
		const struct part *t = &p->v[i];
		const char *const pairs[][2] = {{"hash", t->hash},
						{"file", t->file},
						{"batch", t->batch},
						{"output", t->output},
						{"errors", t->failures}};

		jw_object(&w);
		for (size_t j = 0; j < sizeof pairs / sizeof *pairs; j++)
			jw_put_str(&w, pairs[j][0], pairs[j][1]);
		jw_put_bool(&w, "creating", t->creating);
		jw_put_bool(&w, "done", t->done);
		jw_end(&w);
	}
	jw_end(&w);
	jw_end(&w);
	buf_addc(&b, '\n');
	rc = file_write(p->r->state, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

/* Takes over what an earlier run with the same requests has reached. */
static int take_over(struct batch_parts *p, struct err *e)
{
	struct json_iter it = {0};
	struct span v, parts, none, o;

	if (!p->old.len)
		return 0;
	if (json_check(buf_span(&p->old), &v, e))
		return err_prefix(e, "%s", p->r->state);
	parts = json_member(v, "parts");
	if (json_count(parts) != p->n)
		return err_set(e,
			       "%s: belongs to a batch of other requests; name another file to start a new one",
			       p->r->state);
	for (size_t i = 0; i < p->n && json_next(&it, parts, &none, &o); i++) {
		struct part *t = &p->v[i];

		if (!json_is(json_member(o, "hash"), t->hash))
			return err_set(e,
				       "%s: belongs to a batch of other requests; name another file to start a new one",
				       p->r->state);
		if (id_take(o, "file", 0, t->file, e) || id_take(o, "batch", 0, t->batch, e) ||
		    id_take(o, "output", 0, t->output, e) ||
		    id_take(o, "errors", 0, t->failures, e))
			return err_prefix(e, "%s", p->r->state);
		t->creating = json_kind(json_member(o, "creating")) == JSON_TRUE;
		t->done = json_kind(json_member(o, "done")) == JSON_TRUE;
	}
	return 0;
}

/* --- parts --- */

static char *beside(const char *state, size_t n, const char *what)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s.%zu.%s.jsonl", state, n, what);
	return buf_detach(&b, NULL);
}

static int end_part(struct batch_parts *p, struct err *e)
{
	XXH128_canonical_t c;

	if (!p->out.f)
		return 0;
	XXH128_canonicalFromHash(&c, XXH3_128bits_digest(p->hash));
	for (size_t i = 0; i < sizeof c.digest; i++)
		snprintf(p->v[p->n - 1].hash + 2 * i, 3, "%02x", c.digest[i]);
	return file_commit(&p->out, e);
}

static int begin_part(struct batch_parts *p, struct err *e)
{
	struct part *t;

	if (end_part(p, e))
		return -1;
	p->v = mem_grow(p->v, &p->cap, p->n + 1, sizeof *p->v);
	t = &p->v[p->n++];
	memset(t, 0, sizeof *t);
	t->requests = beside(p->r->state, p->n, "requests");
	t->results = beside(p->r->state, p->n, "results");
	t->errors = beside(p->r->state, p->n, "errors");
	p->rows = p->bytes = 0;
	XXH3_128bits_reset(p->hash);
	return file_begin(t->requests, &p->out, e);
}

/* Opens the file of the records, which is locked as long as the run lasts: two processes at one
 * state would each start the batch, and pay for it. */
static int open_spool(struct batch_parts *p, struct err *e)
{
	const char *path = p->records[0];

	p->lock = file_lock(path, p->r->state, e);
	if (p->lock < 0)
		return -1;
	p->spool = fopen(path, "w");
	return p->spool ? 0 : err_errno(e, "%s", path);
}

struct batch_parts *batch_parts_begin(const struct batch_run *r, struct err *e)
{
	struct batch_parts *p = mem_alloc(1, sizeof *p);

	p->r = r;
	p->lock = -1;
	p->hash = mem_or_end(XXH3_createState());
	rng_seed(&p->rng, (uint64_t)getpid(), 7);
	p->records[0] = beside(r->state, 0, "records");
	if (r->api->key)
		dialect_secret(r->api->dialect, r->api->base_url, r->api->key, &p->secret);
	if (open_spool(p, e) ||
	    (file_exists(r->state) && file_read(r->state, STATE_MAX, &p->old, e)) ||
	    !(p->http = http_new(4, e))) {
		batch_parts_free(p);
		return NULL;
	}
	for (const char *const *line = r->api->headers; line && *line; line++)
		secrets_add_header(http_secrets(p->http), *line);
	return p;
}

int batch_parts_add(struct batch_parts *p, struct span line, struct err *e)
{
	if ((!p->n || p->rows >= BATCH_PART_ROWS || p->bytes + line.n > BATCH_PART_BYTES) &&
	    begin_part(p, e))
		return -1;
	p->rows++;
	p->v[p->n - 1].rows++;
	p->bytes += line.n;
	XXH3_128bits_update(p->hash, line.s, line.n);
	/* A failed write is reported by file_commit. */
	fwrite(line.s, 1, line.n, p->out.f);
	return 0;
}

int batch_parts_record(struct batch_parts *p, struct span line, struct err *e)
{
	if (fwrite(line.s, 1, line.n, p->spool) != line.n || putc('\n', p->spool) == EOF)
		return err_errno(e, "%s", p->records[0]);
	return 0;
}

void batch_parts_free(struct batch_parts *p)
{
	if (!p)
		return;
	if (p->out.f)
		file_abort(&p->out);
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].requests);
		free(p->v[i].results);
		free(p->v[i].errors);
	}
	free(p->v);
	free(p->files);
	if (p->spool) { /* else it is another process's */
		fclose(p->spool);
		unlink(p->records[0]);
	}
	if (p->lock >= 0)
		close(p->lock);
	free(p->records[0]);
	http_free(p->http);
	XXH3_freeState(p->hash);
	if (p->secret.data)
		memset(p->secret.data, 0, p->secret.len);
	buf_release(&p->secret);
	buf_release(&p->old);
	free(p);
}

/* --- the API --- */

static int stopping(const struct batch_parts *p)
{
	return p->r->stopping && p->r->stopping();
}

/* The headers of every request, less the content's type where libcurl writes that of a form. */
static const char **headers(const struct api_options *o, int form)
{
	const char **v;
	size_t n = 0, all = 0;

	while (o->headers[all])
		all++;
	v = mem_alloc(all + 1, sizeof *v);
	for (size_t i = 0; i < all; i++)
		if (!form || strncasecmp(o->headers[i], "content-type:", 13) != 0)
			v[n++] = o->headers[i];
	return v;
}

/* One call, repeated while that may help and `again` allows it. On success *v is the answer's JSON
 * (absent for a saved file). 1 where it was stopped. */
static int call(struct batch_parts *p, struct http_request *q, const char *path, int again,
		struct http_response *r, struct span *v, struct err *e)
{
	const struct api_options *o = p->r->api;
	const char **lines = headers(o, q->upload != NULL);
	struct buf url = BUF_INIT, why = BUF_INIT;
	struct retry t = {.most = again ? CALL_TRIES - 1 : 0,
			  .stopping = p->r->stopping,
			  .rng = &p->rng};
	struct err ignored;
	int rc;

	dialect_side_url(o->dialect, o->base_url, path, o->api_version, &url);
	q->url = url.data;
	q->headers = lines;
	q->secret = p->secret.len ? p->secret.data : NULL;
	q->timeout = CALL_SECONDS;
	q->most = q->save ? q->most : ANSWER_MAX;
	q->follow = q->save ? 4 : 0;
	rc = retry_fetch(&t, p->http, q, r, e);
	if (rc)
		goto cleanup;
	rc = -1;
	if (r->failure != HTTP_DONE) {
		err_set(e, "%s %s: %s", q->method, path, r->reason);
	} else if (r->status < 200 || r->status > 299) {
		struct span body;

		http_show_redirect(&why, r);
		if (!why.len && !http_json(r, &body, &ignored))
			dialect_error(body, &why);
		err_set(e, "%s %s: HTTP %d %s", q->method, path, r->status,
			why.len ? why.data : "");
	} else if (!q->save && http_json(r, v, e)) {
		err_prefix(e, "%s %s", q->method, path);
	} else {
		rc = 0;
	}
cleanup:
	q->headers = NULL;
	free(lines);
	buf_release(&url);
	buf_release(&why);
	return rc;
}

static int take_id(struct span v, const char *what, char id[ID_SIZE], struct err *e)
{
	if (id_take(v, "id", 0, id, e))
		return err_prefix(e, "%s", what);
	return id[0] ? 0 : err_set(e, "%s: the answer holds no id", what);
}

static int upload(struct batch_parts *p, struct part *t, struct err *e)
{
	struct http_request q = {.method = "POST", .upload = t->requests, .purpose = "batch"};
	struct http_response r = {0};
	struct span v;
	int rc = call(p, &q, "/files", 1, &r, &v, e);

	if (!rc)
		rc = take_id(v, "POST /files", t->file, e) ? -1 : save(p, e);
	http_response_release(&r);
	return rc;
}

/* A run that ended between starting a batch and reading its id finds it again by its input file. */
static int find_started(struct batch_parts *p, struct part *t, struct err *e)
{
	struct http_request q = {.method = "GET"};
	struct http_response r = {0};
	struct json_iter it = {0};
	struct span v, key, one;
	int rc = call(p, &q, "/batches?limit=100", 1, &r, &v, e);

	struct span data = json_member(v, "data");
	while (!rc && json_next(&it, data, &key, &one))
		if (json_is(json_member(one, "input_file_id"), t->file))
			rc = take_id(one, "GET /batches", t->batch, e);
	http_response_release(&r);
	return rc;
}

static int start(struct batch_parts *p, struct part *t, struct err *e)
{
	struct http_request q = {.method = "POST"};
	struct http_response r = {0};
	struct buf body = BUF_INIT;
	struct jw w;
	struct span v;
	int rc = 0;

	if (t->creating && (rc = find_started(p, t, e)))
		return rc;
	if (!t->batch[0]) {
		t->creating = 1;
		if (save(p, e))
			return -1;
		jw_init(&w, &body);
		jw_object(&w);
		jw_put_str(&w, "input_file_id", t->file);
		jw_put_str(&w, "endpoint", batch_endpoint(p->r->api->dialect));
		jw_put_str(&w, "completion_window", "24h");
		jw_end(&w);
		q.body = buf_span(&body);
		/* Not repeated blindly: a lost answer may stand for a batch that runs. */
		rc = call(p, &q, "/batches", 0, &r, &v, e);
		rc = rc ? rc : take_id(v, "POST /batches", t->batch, e);
	}
	if (!rc) {
		t->creating = 0;
		rc = save(p, e);
	}
	buf_release(&body);
	http_response_release(&r);
	return rc;
}

static int is_one_of(const char *const *words, const char *word)
{
	while (*words && strcasecmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

/* Whether the batch is over. A state that is none we know is waited for, but not for ever. */
static int read_state(struct part *t, struct span v, int *over, struct err *e)
{
	static const char *const ends[] = {"completed", "expired", "cancelled", NULL};
	static const char *const others[] = {"validating", "in_progress", "finalizing",
					     "cancelling", NULL};
	struct buf status = BUF_INIT, why = BUF_INIT;
	int rc = 0;

	json_string(json_member(v, "status"), &status);
	*over = is_one_of(ends, status.len ? status.data : "");
	t->unknown = *over || is_one_of(others, status.len ? status.data : "") ? 0 : t->unknown + 1;
	if (status.len && strcasecmp(status.data, "failed") == 0) {
		dialect_error(json_element(json_member(json_member(v, "errors"), "data"), 0), &why);
		rc = err_set(e, "batch %s failed: %s", t->batch,
			     why.len ? why.data : "no reason given");
	} else if (t->unknown >= UNKNOWN_LOOKS) {
		rc = err_set(e,
			     "batch %s: its state is \"%.80s\", looked at %d times, which is none that is known; the same command looks again",
			     t->batch, status.len ? status.data : "", UNKNOWN_LOOKS);
	}
	buf_release(&status);
	buf_release(&why);
	return rc;
}

/* Looks at one batch. *requests and *completed are added to. */
static int look(struct batch_parts *p, struct part *t, double *requests, double *completed,
		int *over, struct err *e)
{
	struct http_request q = {.method = "GET"};
	struct http_response r = {0};
	struct buf path = BUF_INIT;
	struct span v, counts;
	double x;
	int rc;

	buf_addf(&path, "/batches/%s", t->batch);
	rc = call(p, &q, path.data, 1, &r, &v, e);
	if (rc)
		goto cleanup;
	counts = json_member(v, "request_counts");
	*requests += json_number(json_member(counts, "total"), &x) ? 0 : x;
	*completed += json_number(json_member(counts, "completed"), &x) ? 0 : x;
	*completed += json_number(json_member(counts, "failed"), &x) ? 0 : x;
	if (id_take(v, "output_file_id", 0, t->output, e) ||
	    id_take(v, "error_file_id", 0, t->failures, e))
		rc = err_prefix(e, "GET %s", path.data);
	rc = rc ? rc : read_state(t, v, over, e);
cleanup:
	buf_release(&path);
	http_response_release(&r);
	return rc;
}

static int fetch(struct batch_parts *p, const struct part *t, const char *id, const char *to,
		 struct err *e)
{
	struct http_request q = {.method = "GET", .save = to, .most = ANSWER_MAX * (t->rows + 1)};
	struct http_response r = {0};
	struct buf path = BUF_INIT;
	struct span v;
	int rc;

	/* Where the provider has no such file, or an empty one, an empty one stands here, so that
	 * the list of results is whole. */
	if (file_write(to, "", 0, e))
		return -1;
	if (!id[0])
		return 0;
	buf_addf(&path, "/files/%s/content", id);
	rc = call(p, &q, path.data, 1, &r, &v, e);
	buf_release(&path);
	http_response_release(&r);
	return rc;
}

static int wait_all(struct batch_parts *p, struct err *e)
{
	for (double end = progress_clock() + WAIT_MOST;;) {
		double requests = 0, completed = 0;
		size_t open = 0;

		for (size_t i = 0; i < p->n; i++) {
			struct part *t = &p->v[i];
			int over = 0, rc;

			if (t->done)
				continue;
			rc = look(p, t, &requests, &completed, &over, e);
			if (!rc && over) {
				rc = fetch(p, t, t->output, t->results, e);
				if (!rc)
					rc = fetch(p, t, t->failures, t->errors, e);
				t->done = !rc;
				if (!rc)
					rc = save(p, e);
			}
			if (rc)
				return rc;
			open += !t->done;
		}
		if (!open)
			return 0;
		if (progress_clock() > end)
			return err_set(e,
				       "the batch is not over after %.0f hours; the same command looks again",
				       WAIT_MOST / 3600);
		if (p->r->progress)
			p->r->progress(p->r->arg, "requests", completed, requests);
		if (retry_pause(p->r->poll, p->r->stopping))
			return 1;
	}
}

int batch_parts_finish(struct batch_parts *p, const char *const **files, size_t *n, char ***records,
		       struct err *e)
{
	int rc = end_part(p, e);

	if (!rc && fflush(p->spool))
		rc = err_errno(e, "%s", p->records[0]);
	if (rc || take_over(p, e))
		return -1;
	for (size_t i = 0; i < p->n && !rc; i++) {
		struct part *t = &p->v[i];

		if (t->done && (!file_exists(t->results) || !file_exists(t->errors)))
			t->done = 0;
		if (!t->done && !t->file[0])
			rc = upload(p, t, e);
		if (!rc && !t->done && !t->batch[0])
			rc = start(p, t, e);
		if (!rc && stopping(p))
			rc = 1;
	}
	if (!rc)
		rc = wait_all(p, e);
	if (rc)
		return rc;
	p->files = mem_alloc(2 * p->n + 1, sizeof *p->files);
	for (size_t i = 0; i < p->n; i++) {
		p->files[2 * i] = p->v[i].results;
		p->files[2 * i + 1] = p->v[i].errors;
	}
	*files = p->files;
	*n = 2 * p->n;
	*records = p->records;
	return 0;
}
