/* The connection to a provider and the call that all providers share; see remote.h and
 * remote_impl.h. */
#include "remote.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../base/file.h"
#include "../base/mem.h"
#include "../net/retry.h"
#include "../net/url.h"
#include "remote_impl.h"

static const struct remote_provider *const providers[] = {&remote_openai, &remote_together,
							  &remote_fireworks};

static int is_url(const char *s)
{
	return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

static const struct remote_provider *find(const char *name)
{
	for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
		if (strcmp(name, providers[i]->name) == 0)
			return providers[i];
	return is_url(name) ? &remote_openai : NULL;
}

const char *remote_unheeded(const char *provider)
{
	const struct remote_provider *p = find(provider);
	return p ? p->unheeded : NULL;
}

const char *remote_news(const char *provider)
{
	const struct remote_provider *p = find(provider);
	return p && !is_url(provider) ? p->news : NULL;
}

/* Where the provider is, and the key for it, or NULL. */
static const char *find_base(const struct remote_provider *p, const char *provider)
{
	const char *base = is_url(provider) ? provider : getenv(p->base_variable);
	return base && *base ? base : p->base;
}

static const char *find_key(const struct remote_provider *p)
{
	const char *key = getenv(p->key_variable);
	return key && *key ? key : NULL;
}

int remote_is_exposed(const char *provider)
{
	const struct remote_provider *p = find(provider);
	return p && url_exposes(find_base(p, provider), find_key(p) != NULL);
}

int remote_open(struct remote *r, struct err *e)
{
	const char *base, *key;
	if (!(r->api = find(r->provider)))
		return err_set(e, "--remote %s: must be openai, together, fireworks or a URL",
			       r->provider);
	base = find_base(r->api, r->provider);
	if (!is_url(base))
		return err_set(e, "%s: is no URL", r->api->base_variable);
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	r->base = mem_strndup(base, n);
	if ((key = find_key(r->api))) {
		struct buf header = BUF_INIT;
		if (http_check_key(span_of(key), r->api->key_variable, e))
			return -1;
		buf_addf(&header, "Authorization: Bearer %s", key);
		r->secret = buf_detach(&header, NULL);
	} else if (!is_url(r->provider)) {
		return err_set(e, "%s is not set", r->api->key_variable);
	}
	if (r->api == &remote_fireworks) {
		const char *account = getenv("FIREWORKS_ACCOUNT_ID");
		if (!account || !*account)
			return err_set(e, "FIREWORKS_ACCOUNT_ID is not set");
		if (id_check(span_of(account), 0, e))
			return err_prefix(e, "FIREWORKS_ACCOUNT_ID");
		r->account = mem_strdup(account);
	}
	rng_seed(&r->rng, (uint64_t)time(NULL), 1);
	r->http = http_new(4, e);
	return r->http ? 0 : -1;
}

void remote_close(struct remote *r)
{
	http_free(r->http);
	free(r->base);
	free(r->secret);
	free(r->account);
	*r = (struct remote){0};
}

void remote_job_release(struct remote_job *j)
{
	buf_release(&j->model);
	buf_release(&j->error);
	buf_release(&j->files);
}

/* --- the call --- */

/* What the provider says is wrong, in its usual places. */
static void server_reason(const struct http_response *p, struct buf *out)
{
	struct err ignored = ERR_INIT;
	struct span json;
	http_show_redirect(out, p);
	if (!out->len && http_json(p, &json, &ignored) == 0) {
		struct span error;
		if (json_kind(json) == JSON_ARRAY) /* Google's */
			json = json_element(json, 0);
		error = json_member(json, "error");
		remote_add_text(json_kind(error) == JSON_OBJECT ? error : json, "message", out);
		if (!out->len && json_kind(error) == JSON_STRING)
			json_string(error, out);
		if (!out->len)
			remote_add_text(json, "detail", out);
	}
	if (!out->len && p->body.len)
		buf_add(out, p->body.data, p->body.len < 200 ? p->body.len : 200);
	if (out->len > 500)
		out->data[out->len = 500] = 0;
}

static int fail(const struct remote_call *c, const char *url, struct err *e)
{
	const struct http_response *p = &c->response;
	struct buf where = BUF_INIT, why = BUF_INIT;
	url_show(&where, url);
	if (p->failure == HTTP_DONE) {
		server_reason(p, &why);
		err_set(e, "%s %s: status %d%s%s", c->method, where.data, p->status,
			why.len ? ": " : "", why.len ? why.data : "");
	} else {
		err_set(e, "%s %s: %s", c->method, where.data, p->reason);
	}
	buf_release(&where);
	buf_release(&why);
	return -1;
}

/* Another host's address, which the provider told: no weaker than its own. */
static int check_foreign(const struct remote *r, const char *url, struct err *e)
{
	struct buf shown = BUF_INIT;
	int rc = 0;
	if (!is_url(url))
		rc = err_set(e, "the provider names an address \"%.80s\", which is no URL", url);
	else if (!strncmp(r->base, "https:", 6) && strncmp(url, "https:", 6) != 0) {
		url_show(&shown, url);
		rc = err_set(e, "the provider, at https, sends to plain http: %.200s", shown.data);
	}
	buf_release(&shown);
	return rc;
}

int remote_call(struct remote *r, struct remote_call *c, struct err *e)
{
	struct buf url = BUF_INIT, type = BUF_INIT;
	int foreign = c->path[0] != '/', rc = -1;
	remote_call_release(c);
	if (foreign && check_foreign(r, c->path, e))
		return -1;
	buf_addf(&url, "%s%s", foreign ? "" : r->base, c->path);
	buf_addf(&type, "Content-Type: %s", c->type ? c->type : "application/json");
	const char *headers[] = {c->body.s ? type.data : NULL, NULL};
	struct http_request q = {
		.method = c->method,
		.url = url.data,
		.headers = headers,
		.secret = foreign ? NULL : r->secret,
		.body = c->body,
		.upload = c->upload,
		.purpose = c->purpose,
		.save = c->save,
		.most = c->save ? REMOTE_FILE_MAX : REMOTE_ANSWER_MAX,
		.silence = r->timeout,
		.follow = c->follow,
	};
	struct retry t = {.most = r->retries,
			  .accept = c->accept,
			  .once = c->once,
			  .stopping = r->stopping,
			  .rng = &r->rng};
	struct http_response *p = &c->response;
	if (retry_fetch(&t, r->http, &q, p, e) < 0)
		goto cleanup;
	if (p->failure != HTTP_DONE ||
	    (p->status != c->accept && (p->status < 200 || p->status >= 300))) {
		fail(c, url.data, e);
		if (c->once && retry_unsure(p))
			p->status = 0;
		goto cleanup;
	}
	struct err not_json = ERR_INIT;
	if (http_json(&c->response, &c->json, &not_json))
		c->json = (struct span){0};
	rc = 0;
cleanup:
	buf_release(&url);
	buf_release(&type);
	return rc;
}

void remote_call_release(struct remote_call *c)
{
	http_response_release(&c->response);
	c->response = (struct http_response){0};
	c->json = (struct span){0};
}

/* --- jobs --- */

int remote_job_call(struct remote *r, const char *method, const struct remote_job *j,
		    const char *what, struct remote_call *c, struct err *e)
{
	struct buf path = BUF_INIT;
	buf_addf(&path, "%s%s%s", r->api->job, j->id, what);
	*c = (struct remote_call){.method = method, .path = path.data};
	int rc = remote_call(r, c, e);
	c->path = NULL;
	buf_release(&path);
	return rc;
}

int remote_no_events(struct remote *r, const struct remote_call *c)
{
	const struct http_response *p = &c->response;
	r->silent |= p->failure == HTTP_DONE &&
		     (p->status == 404 || p->status == 405 || p->status == 501);
	return r->silent;
}

/* 1 and the job where there is one with the task's training file; 0 where there is none. */
static int find_job(struct remote *r, const char *list, const struct remote_task *t,
		    struct remote_job *j, struct err *e)
{
	struct remote_call c = {.method = "GET", .path = list};
	struct json_iter it = {0};
	struct span key, job;
	int rc = remote_call(r, &c, e);
	struct span data = json_member(c.json, "data");
	while (rc == 0 && json_next(&it, data, &key, &job))
		if (json_is(json_member(job, "training_file"), t->train_file))
			rc = r->api->read(job, j, e) ? -1 : 1;
	remote_call_release(&c);
	return rc;
}

int remote_create_once(struct remote *r, const char *path, const char *list,
		       void (*put)(struct jw *w, const struct remote_task *t),
		       const struct remote_task *t, struct remote_job *j, struct err *e)
{
	struct remote_call c = {.method = "POST", .path = path, .once = 1};
	struct buf body = BUF_INIT;
	struct jw w;
	int rc = -1, done = t->taken_up ? find_job(r, list, t, j, e) : 0;
	if (done)
		return done > 0
			       ? 0
			       : err_prefix(e, "whether the job was created before cannot be told");
	jw_init(&w, &body);
	jw_object(&w);
	jw_put_str(&w, "model", t->model);
	jw_put_str(&w, "training_file", t->train_file);
	if (t->valid_file)
		jw_put_str(&w, "validation_file", t->valid_file);
	if (t->suffix)
		jw_put_str(&w, "suffix", t->suffix);
	put(&w, t);
	jw_end(&w);
	c.body = buf_span(&body);
	for (int attempt = 1; !done; attempt++) {
		struct err look = ERR_INIT;
		if (remote_call(r, &c, e) == 0) {
			rc = r->api->read(c.json, j, e);
			break;
		}
		if (c.response.status != 0 || attempt > r->retries ||
		    (r->stopping && r->stopping()))
			break;
		done = find_job(r, list, t, j, &look);
		if (done > 0)
			rc = 0;
		else
			retry_pause(retry_backoff(attempt, &r->rng), r->stopping);
	}
	remote_call_release(&c);
	buf_release(&body);
	return rc;
}

enum remote_state remote_state_of(const struct remote_word *words, const char *status)
{
	while (words->status && strcasecmp(status, words->status) != 0)
		words++;
	return words->status ? words->state : REMOTE_UNKNOWN;
}

int remote_read_status(struct span json, const struct remote_word *words, struct remote_job *j,
		       struct err *e)
{
	if (id_take(json, "id", 0, j->id, e))
		return -1;
	remote_text(json, "status", j->status, sizeof j->status);
	if (!json.s)
		return err_set(e, "the server's answer is no JSON; is this the address of an API?");
	if (!j->id[0] || !j->status[0])
		return err_set(e,
			       "the server's answer is no fine-tuning job: it has no id and status");
	j->state = remote_state_of(words, j->status);
	return 0;
}

/* --- small things --- */

void remote_add_text(struct span object, const char *name, struct buf *b)
{
	struct span v = json_member(object, name);
	if (json_kind(v) == JSON_STRING)
		json_string(v, b);
}

void remote_text(struct span object, const char *name, char *out, size_t n)
{
	struct buf b = BUF_INIT;
	remote_add_text(object, name, &b);
	snprintf(out, n, "%s", b.data ? b.data : "");
	buf_release(&b);
}

/* Files of a run that no result takes the place of. */
static int is_ours(const char *name)
{
	static const char *const ours[] = {"remote.json", "ft.json", "metrics.jsonl",
					   "upload-train.jsonl", "upload-valid.jsonl"};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (!strcmp(name, ours[i]))
			return 1;
	return 0;
}

int remote_download(struct remote *r, const char *path, const char *dir, const char *name,
		    int follow, struct err *e)
{
	if (name[0] == '.' || id_check(span_of(name), 0, NULL))
		return err_set(e,
			       "the provider names a result file \"%.80s\", which is no plain file name",
			       name);
	if (is_ours(name))
		return err_set(e,
			       "the provider names a result file \"%s\", as one of the run's own is called",
			       name);
	struct file_new file;
	char *to = file_join(dir, name);
	int rc = file_begin(to, &file, e);
	free(to);
	if (rc)
		return -1;
	struct remote_call c = {.method = "GET", .path = path, .save = file.tmp, .follow = follow};
	rc = remote_call(r, &c, e);
	remote_call_release(&c);
	if (!rc)
		return file_commit(&file, e);
	file_abort(&file);
	return -1;
}

/* --- by provider --- */

int remote_upload(struct remote *r, const struct remote_task *t, const char *path, int validation,
		  struct buf *id, struct err *e)
{
	return r->api->upload(r, t, path, validation, id, e);
}

int remote_create(struct remote *r, const struct remote_task *t, struct remote_job *j,
		  struct err *e)
{
	return r->api->create(r, t, j, e);
}

int remote_look(struct remote *r, struct remote_job *j, struct err *e)
{
	struct remote_call c;
	int rc = remote_job_call(r, "GET", j, "", &c, e);
	if (!rc && (rc = r->api->read(c.json, j, e)))
		err_prefix(e, "GET %s%s", r->api->job, j->id);
	remote_call_release(&c);
	return rc;
}

int remote_events(struct remote *r, struct remote_job *j, void (*take)(void *arg, struct span json),
		  void *arg, struct err *e)
{
	return r->api->events && !r->silent ? r->api->events(r, j, take, arg, e) : 0;
}

int remote_cancel(struct remote *r, struct remote_job *j, struct err *e)
{
	struct remote_call c;
	if (r->api->cancel)
		return r->api->cancel(r, j, e);
	int rc = remote_job_call(r, "POST", j, "/cancel", &c, e);
	remote_call_release(&c);
	return rc ? rc : remote_look(r, j, e);
}

int remote_is_whole(const struct remote *r)
{
	return r->api->tables;
}

int remote_fetch(struct remote *r, const struct remote_job *j, const char *dir, size_t *count,
		 struct err *e)
{
	*count = 0;
	return r->api->fetch(r, j, dir, count, e);
}

const struct remote_rules *remote_rules(const struct remote *r)
{
	static const struct remote_rules any = {.rows = 1, .openai = 1};
	return is_url(r->provider) ? &any : &r->api->rules;
}
