/* openai: the fine-tuning API of OpenAI and of servers that speak the same.
 *
 * Source: platform.openai.com/docs/api-reference/fine-tuning and /files; what is known of its end,
 * developers.openai.com/api/docs/deprecations as of November 2026.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/base64.h"
#include "../base/file.h"
#include "../base/mem.h"
#include "remote_impl.h"

#define TABLE_MAX ((size_t)256 << 20)
#define EVENTS_MAX ((size_t)64 << 20) /* that one look brings */

static int upload(struct remote *r, const struct remote_task *t, const char *path, int validation,
		  struct buf *id, struct err *e)
{
	(void)t, (void)validation;
	struct remote_call c = {.method = "POST",
				.path = "/files",
				.upload = path,
				.purpose = "fine-tune"};
	int rc = remote_call(r, &c, e);
	if (!rc) {
		char text[ID_SIZE] = "";
		if (id_take(c.json, "id", 0, text, e))
			rc = err_prefix(e, "POST /files");
		else if (!text[0])
			rc = err_set(e, "POST /files: the answer has no id");
		buf_adds(id, text);
	}
	remote_call_release(&c);
	return rc;
}

static void put_task(struct jw *w, const struct remote_task *t)
{
	const char *kind = t->preferences ? "dpo" : "supervised";
	if (t->seeded)
		jw_put_int(w, "seed", t->seed);
	jw_put_object(w, "method");
	jw_put_str(w, "type", kind);
	jw_put_object(w, kind);
	jw_put_object(w, "hyperparameters");
	jw_put_known(w, "n_epochs", t->epochs);
	if (t->batch)
		jw_put_int(w, "batch_size", t->batch);
	jw_put_known(w, "learning_rate_multiplier", t->multiplier);
	if (t->preferences)
		jw_put_known(w, "beta", t->beta);
	jw_end(w);
	jw_end(w);
	jw_end(w);
}

/* Behind the API's own words those that servers of the same kind say beside them. */
static const struct remote_word words[] = {
	{"succeeded", REMOTE_DONE},	      {"failed", REMOTE_FAILED},
	{"cancelled", REMOTE_CANCELLED},      {"running", REMOTE_RUNNING},
	{"validating_files", REMOTE_WAITING}, {"queued", REMOTE_WAITING},
	{"paused", REMOTE_WAITING},	      {"pending", REMOTE_WAITING},
	{"created", REMOTE_WAITING},	      {"notStarted", REMOTE_WAITING},
	{"pausing", REMOTE_RUNNING},	      {"resuming", REMOTE_RUNNING},
	{"in_progress", REMOTE_RUNNING},      {"training", REMOTE_RUNNING},
	{"cancelling", REMOTE_RUNNING},	      {NULL, REMOTE_UNKNOWN},
};

static int read_job(struct span v, struct remote_job *j, struct err *e)
{
	struct json_iter it = {0};
	struct span key, file;
	if (remote_read_status(v, words, j, e))
		return -1;
	buf_clear(&j->model);
	remote_add_text(v, "fine_tuned_model", &j->model);
	buf_clear(&j->error);
	remote_add_text(json_member(v, "error"), "message", &j->error);
	if (json_int(json_member(v, "trained_tokens"), &j->tokens))
		j->tokens = -1;
	j->progress = NAN;
	buf_clear(&j->files);
	struct span result_files = json_member(v, "result_files");
	while (json_next(&it, result_files, &key, &file))
		if (json_kind(file) == JSON_STRING) {
			json_string(file, &j->files);
			buf_addc(&j->files, 0);
		}
	return 0;
}

static int create(struct remote *r, const struct remote_task *t, struct remote_job *j,
		  struct err *e)
{
	return remote_create_once(r, "/fine_tuning/jobs", "/fine_tuning/jobs?limit=50", put_task, t,
				  j, e);
}

/* One event as a row of metrics, or as text. */
static void put_event(struct span event, struct buf *b)
{
	static const char *const names[][2] = {
		{"step", "step"},
		{"train_loss", "loss"},
		{"valid_loss", "valid_loss"},
		{"full_valid_loss", "full_valid_loss"},
		{"train_mean_token_accuracy", "accuracy"},
		{"valid_mean_token_accuracy", "valid_accuracy"},
	};
	struct span data = json_member(event, "data");
	struct buf text = BUF_INIT;
	struct jw w;
	double x;
	buf_clear(b);
	jw_init(&w, b);
	jw_object(&w);
	if (json_is(json_member(event, "type"), "metrics")) {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (json_number(json_member(data, names[i][0]), &x) == 0)
				jw_put_num(&w, names[i][1], x);
	} else {
		remote_add_text(event, "message", &text);
		jw_put_text(&w, "event", buf_span(&text));
	}
	jw_end(&w);
	buf_release(&text);
}

/* The elements of a page, which are taken from the end; their number. */
static size_t list_events(struct span data, struct span **list, size_t *cap)
{
	struct json_iter it = {0};
	struct span key, event;
	size_t n = 0;
	while (json_next(&it, data, &key, &event)) {
		*list = mem_grow(*list, cap, n + 1, sizeof **list);
		(*list)[n++] = event;
	}
	return n;
}

enum { PAGE = 100, PAGES_MAX = 20000 };

/* Events come newest first, in pages: pages are read back to the last event that is known, then
 * given in order. */
static int events(struct remote *r, struct remote_job *j, void (*take)(void *arg, struct span json),
		  void *arg, struct err *e)
{
	struct remote_call *pages = NULL;
	char after[ID_SIZE] = "", before[ID_SIZE], newest[ID_SIZE] = "";
	struct span event;
	size_t held = 0, room = 0;
	int n = 0, known = 0, rc = 0;
	while (!rc && !known) {
		char query[ID_SIZE + 64];
		pages = mem_grow(pages, &room, (size_t)n + 1, sizeof *pages);
		memcpy(before, after, sizeof before);
		snprintf(query, sizeof query, "/events?limit=%d%s%s", PAGE,
			 after[0] ? "&after=" : "", after);
		if ((rc = remote_job_call(r, "GET", j, query, &pages[n], e))) {
			if (remote_no_events(r, &pages[n]))
				rc = 0;
			remote_call_release(&pages[n]);
			break;
		}
		struct span data = json_member(pages[n].json, "data");
		size_t count = json_count(data);
		after[0] = 0;
		rc = (newest[0] ? 0 : id_take(json_element(data, 0), "id", 0, newest, e)) ||
				     id_take(json_element(data, -1), "id", 0, after, e)
			     ? -1
			     : 0;
		for (struct json_iter it = {0};
		     !known && j->last_event[0] && json_next(&it, data, &(struct span){0}, &event);)
			known = json_is(json_member(event, "id"), j->last_event);
		if (!rc && after[0] && !strcmp(after, before)) { /* it gives no other page */
			remote_call_release(&pages[n]);
			break;
		}
		held += pages[n++].response.body.len;
		if (!rc && (held > EVENTS_MAX || n >= PAGES_MAX))
			rc = err_set(e, "the job's events take more than %zu MB or %d pages",
				     EVENTS_MAX >> 20, PAGES_MAX);
		if (!count || !after[0] ||
		    json_kind(json_member(pages[n - 1].json, "has_more")) != JSON_TRUE)
			break;
	}
	struct buf row = BUF_INIT;
	struct span *list = NULL;
	size_t cap = 0;
	int begun = !j->last_event[0] || !known;
	for (int p = n - 1; p >= 0 && !rc; p--) {
		size_t m = list_events(json_member(pages[p].json, "data"), &list, &cap);
		while (m-- > 0) {
			if (begun) {
				put_event(list[m], &row);
				take(arg, buf_span(&row));
				j->events++;
			} else {
				begun = json_is(json_member(list[m], "id"), j->last_event);
			}
		}
	}
	free(list);
	if (!rc && newest[0])
		memcpy(j->last_event, newest, sizeof newest);
	for (int p = 0; p < n; p++)
		remote_call_release(&pages[p]);
	free(pages);
	buf_release(&row);
	return rc;
}

/* OpenAI gives a table of losses as base64; a table as it is holds commas, which base64 has not. */
static int plain_table(const char *dir, const char *name, struct err *e)
{
	char *path = file_join(dir, name);
	struct buf text = BUF_INIT, plain = BUF_INIT;
	int rc = file_read(path, TABLE_MAX, &text, e);
	if (!rc && text.len && base64_decode(buf_span(&text), &plain) == 0)
		rc = file_write(path, plain.data ? plain.data : "", plain.len, e);
	buf_release(&text);
	buf_release(&plain);
	free(path);
	return rc;
}

/* Result files are tables of the losses; the model itself stays with the provider. One that is not
 * there keeps none of the others away; the first reason is told. */
static int fetch(struct remote *r, const struct remote_job *j, const char *dir, size_t *count,
		 struct err *e)
{
	int rc = 0;
	for (const char *id = j->files.data; id && id < j->files.data + j->files.len;
	     id += strlen(id) + 1) {
		char path[ID_SIZE + 32], name[ID_SIZE + 8];
		struct err why = ERR_INIT;
		snprintf(path, sizeof path, "/files/%s/content", id);
		snprintf(name, sizeof name, "%s.csv", id);
		if (id_check(span_of(id), 0, &why) ||
		    remote_download(r, path, dir, name, 2, &why) || plain_table(dir, name, &why)) {
			if (!rc)
				*e = why;
			rc = -1;
		} else {
			++*count;
		}
	}
	return rc;
}

const struct remote_provider remote_openai = {
	"openai",
	"https://api.openai.com/v1",
	"OPENAI_BASE_URL",
	"OPENAI_API_KEY",
	"/fine_tuning/jobs/",
	"rank lr",
	"OpenAI takes new fine-tuning jobs of earlier customers only, and until 2027-01-06 (announced 2026-05-07); models trained from gpt-4o and gpt-4.1 end with these on 2027-01-14: developers.openai.com/api/docs/deprecations",
	1,
	{.rows = 10, .bytes_max = (size_t)512 << 20, .openai = 1},
	upload,
	create,
	read_job,
	events,
	NULL,
	fetch,
};
