/* together: Together AI's fine-tuning API.
 *
 * A file is announced, which answers with a redirect to the storage, put there, and then checked by
 * the provider. Source: docs.together.ai/reference, github.com/togethercomputer/together-python.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "remote_impl.h"

static int put_file(struct remote *r, const char *url, const char *path, struct err *e)
{
	struct file_map map;
	if (file_map(path, &map, e))
		return -1;
	struct remote_call c = {
		.method = "PUT",
		.path = url,
		.body = {(const char *)map.data, map.len},
		.type = "application/octet-stream",
	};
	int rc = remote_call(r, &c, e);
	remote_call_release(&c);
	file_unmap(&map);
	return rc;
}

static int upload(struct remote *r, const struct remote_task *t, const char *path, int validation,
		  struct buf *id, struct err *e)
{
	struct buf form = BUF_INIT;
	char *url = NULL;
	buf_addf(&form, "purpose=fine-tune&file_name=%s-%s.jsonl&file_type=jsonl", t->name,
		 validation ? "valid" : "train");
	struct remote_call c = {
		.method = "POST",
		.path = "/files",
		.body = buf_span(&form),
		.type = "application/x-www-form-urlencoded",
		.accept = 302,
	};
	struct remote_call check = {.method = "POST"};
	int rc = remote_call(r, &c, e);
	if (!rc) {
		buf_addspan(id, http_header(&c.response, "x-together-file-id"));
		url = span_dup(http_header(&c.response, "location"));
		if (!id->len || !*url)
			rc = err_set(e, "POST /files: no redirect to the storage (status %d)",
				     c.response.status);
		else if (id_check(buf_span(id), 0, e))
			rc = err_prefix(e, "POST /files");
	}
	if (!rc)
		rc = put_file(r, url, path, e);
	if (!rc) {
		char where[ID_SIZE + 32];
		snprintf(where, sizeof where, "/files/%s/preprocess", id->data);
		check.path = where;
		rc = remote_call(r, &check, e);
	}
	remote_call_release(&c);
	remote_call_release(&check);
	buf_release(&form);
	free(url);
	return rc;
}

static void put_task(struct jw *w, const struct remote_task *t)
{
	if (t->valid_file)
		jw_put_int(w, "n_evals", 5);
	jw_put_known(w, "n_epochs", t->epochs);
	if (t->batch)
		jw_put_int(w, "batch_size", t->batch);
	else
		jw_put_str(w, "batch_size", "max");
	jw_put_known(w, "learning_rate", t->lr);
	jw_put_object(w, "training_type");
	jw_put_str(w, "type", "Lora");
	if (t->rank) {
		jw_put_int(w, "lora_r", t->rank);
		jw_put_int(w, "lora_alpha", 2 * t->rank);
	}
	jw_end(w);
	jw_put_object(w, "training_method");
	jw_put_str(w, "method", t->preferences ? "dpo" : "sft");
	if (t->preferences)
		jw_put_known(w, "dpo_beta", t->beta);
	jw_end(w);
}

static const struct remote_word words[] = {
	{"completed", REMOTE_DONE},    {"error", REMOTE_FAILED},
	{"user_error", REMOTE_FAILED}, {"cancelled", REMOTE_CANCELLED},
	{"pending", REMOTE_WAITING},   {"queued", REMOTE_WAITING},
	{"running", REMOTE_RUNNING},   {"compressing", REMOTE_RUNNING},
	{"uploading", REMOTE_RUNNING}, {"cancel_requested", REMOTE_RUNNING},
	{NULL, REMOTE_UNKNOWN},
};

static int read_job(struct span v, struct remote_job *j, struct err *e)
{
	if (remote_read_status(v, words, j, e))
		return -1;
	buf_clear(&j->model);
	remote_add_text(v, "output_name", &j->model);
	if (!j->model.len)
		remote_add_text(v, "model_output_name", &j->model);
	if (json_int(json_member(v, "token_count"), &j->tokens))
		j->tokens = -1;
	j->progress = NAN;
	return 0;
}

static int create(struct remote *r, const struct remote_task *t, struct remote_job *j,
		  struct err *e)
{
	return remote_create_once(r, "/fine-tunes", "/fine-tunes", put_task, t, j, e);
}

/* All events, oldest first. The last one of a failed job says why. */
static int events(struct remote *r, struct remote_job *j, void (*take)(void *arg, struct span json),
		  void *arg, struct err *e)
{
	struct remote_call c;
	struct json_iter it = {0};
	struct span key, event;
	struct buf row = BUF_INIT, text = BUF_INIT;
	size_t n = 0;
	int rc = remote_job_call(r, "GET", j, "/events", &c, e);
	if (rc && remote_no_events(r, &c))
		rc = 0;
	struct span data = json_member(c.json, "data");
	while (!rc && json_next(&it, data, &key, &event)) {
		if (n++ < j->events)
			continue;
		struct jw w;
		double step;
		buf_clear(&row);
		buf_clear(&text);
		remote_add_text(event, "message", &text);
		jw_init(&w, &row);
		jw_object(&w);
		if (json_number(json_member(event, "step"), &step) == 0)
			jw_put_num(&w, "step", step);
		jw_put_text(&w, "event", buf_span(&text));
		jw_end(&w);
		take(arg, buf_span(&row));
		if (json_is(json_member(event, "level"), "error")) {
			buf_clear(&j->error);
			buf_addspan(&j->error, buf_span(&text));
		}
	}
	if (n > j->events)
		j->events = n;
	remote_call_release(&c);
	buf_release(&row);
	buf_release(&text);
	return rc;
}

static int fetch(struct remote *r, const struct remote_job *j, const char *dir, size_t *count,
		 struct err *e)
{
	char path[ID_SIZE + 64];
	snprintf(path, sizeof path, "/finetune/download?ft_id=%s", j->id);
	if (remote_download(r, path, dir, "weights.tar.zst", 4, e))
		return -1;
	*count = 1;
	return 0;
}

const struct remote_provider remote_together = {
	"together",
	"https://api.together.xyz/v1",
	"TOGETHER_BASE_URL",
	"TOGETHER_API_KEY",
	"/fine-tunes/",
	"seed lr-multiplier",
	NULL,
	0,
	{.rows = 1,
	 .bytes_max = (size_t)100 * 1000 * 1000 * 1000,
	 .completions = 1,
	 .system_first = 1,
	 .alternating = 1,
	 .one_message = 1},
	upload,
	create,
	read_job,
	events,
	NULL,
	fetch,
};
