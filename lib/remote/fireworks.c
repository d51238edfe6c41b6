/* fireworks: Fireworks AI's fine-tuning API.
 *
 * Data sets and jobs get names of our own choosing, made from a hash of the data, so a repeated
 * request meets what the first one made (status 409) in place of making a second. Source:
 * docs.fireworks.ai/api-reference.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "remote_impl.h"

static int make(struct remote *r, const char *path, struct buf *body, struct err *e)
{
	struct remote_call c = {.method = "POST",
				.path = path,
				.body = buf_span(body),
				.accept = 409};
	int rc = remote_call(r, &c, e);
	remote_call_release(&c);
	return rc;
}

static int upload(struct remote *r, const struct remote_task *t, const char *path, int validation,
		  struct buf *id, struct err *e)
{
	char name[64], where[ID_SIZE + 128];
	struct buf body = BUF_INIT;
	struct jw w;
	snprintf(name, sizeof name, "ft-%.32s-%s", t->name, validation ? "valid" : "train");
	jw_init(&w, &body);
	jw_object(&w);
	jw_put_str(&w, "datasetId", name);
	jw_put_object(&w, "dataset");
	jw_put_object(&w, "userUploaded"), jw_end(&w);
	jw_end(&w);
	jw_end(&w);
	snprintf(where, sizeof where, "/v1/accounts/%s/datasets", r->account);
	int rc = make(r, where, &body, e);
	buf_release(&body);
	if (rc)
		return -1;
	snprintf(where, sizeof where, "/v1/accounts/%s/datasets/%s:upload", r->account, name);
	struct remote_call c = {.method = "POST", .path = where, .upload = path};
	rc = remote_call(r, &c, e);
	remote_call_release(&c);
	buf_addf(id, "accounts/%s/datasets/%s", r->account, name);
	return rc;
}

static const struct remote_word words[] = {
	{"JOB_STATE_COMPLETED", REMOTE_DONE},
	{"JOB_STATE_FAILED", REMOTE_FAILED},
	{"JOB_STATE_CANCELLED", REMOTE_CANCELLED},
	{"JOB_STATE_DELETING", REMOTE_CANCELLED},
	{"JOB_STATE_DELETING_CLEANING_UP", REMOTE_CANCELLED},
	{"JOB_STATE_DELETED", REMOTE_CANCELLED},
	{"JOB_STATE_ARCHIVED", REMOTE_CANCELLED},
	/* by the loss on the evaluation data, with a model */
	{"JOB_STATE_EARLY_STOPPED", REMOTE_DONE},
	{"JOB_STATE_EXPIRED", REMOTE_FAILED},
	{"JOB_STATE_CREATING", REMOTE_WAITING},
	{"JOB_STATE_CREATING_INPUT_DATASET", REMOTE_WAITING},
	{"JOB_STATE_VALIDATING", REMOTE_WAITING},
	{"JOB_STATE_PENDING", REMOTE_WAITING},
	{"JOB_STATE_RE_QUEUEING", REMOTE_WAITING},
	{"JOB_STATE_IDLE", REMOTE_WAITING},
	{"JOB_STATE_PAUSED", REMOTE_WAITING},
	{"JOB_STATE_UNSPECIFIED", REMOTE_WAITING},
	{"JOB_STATE_RUNNING", REMOTE_RUNNING},
	{"JOB_STATE_WRITING_RESULTS", REMOTE_RUNNING},
	{"JOB_STATE_CANCELLING", REMOTE_RUNNING},
	{NULL, REMOTE_UNKNOWN},
};

static int read_job(struct span v, struct remote_job *j, struct err *e)
{
	remote_text(v, "state", j->status, sizeof j->status);
	if (!j->status[0])
		return err_set(e, "the answer is no job: it has no state");
	j->state = remote_state_of(words, j->status);
	buf_clear(&j->model);
	remote_add_text(v, "outputModel", &j->model);
	buf_clear(&j->error);
	remote_add_text(json_member(v, "status"), "message", &j->error);
	j->tokens = -1;
	if (json_number(json_member(json_member(v, "jobProgress"), "percent"), &j->progress))
		j->progress = NAN;
	else
		j->progress /= 100;
	return 0;
}

static int create(struct remote *r, const struct remote_task *t, struct remote_job *j,
		  struct err *e)
{
	const char *kind = t->preferences ? "dpoJobs" : "supervisedFineTuningJobs";
	char where[ID_SIZE + 128], model[400];
	struct buf body = BUF_INIT;
	struct jw w;
	int whole = strncmp(t->model, "accounts/", 9) == 0;
	snprintf(model, sizeof model, "%s%s", whole ? "" : "accounts/fireworks/models/", t->model);
	jw_init(&w, &body);
	jw_object(&w);
	jw_put_str(&w, "dataset", t->train_file);
	if (t->valid_file)
		jw_put_str(&w, "evaluationDataset", t->valid_file);
	jw_put_str(&w, "displayName", t->suffix ? t->suffix : t->name);
	/* what a supervised job has in itself, a DPO job has in trainingConfig */
	if (t->preferences)
		jw_put_object(&w, "trainingConfig");
	jw_put_str(&w, "baseModel", model);
	jw_put_known(&w, "epochs", t->epochs);
	jw_put_known(&w, "learningRate", t->lr);
	if (t->rank)
		jw_put_int(&w, "loraRank", t->rank);
	if (t->batch)
		jw_put_int(&w, "batchSizeSamples", t->batch);
	if (t->preferences)
		jw_end(&w);
	jw_end(&w);
	snprintf(where, sizeof where, "/v1/accounts/%s/%s?%sId=ft-%s", r->account, kind,
		 t->preferences ? "dpoJob" : "supervisedFineTuningJob", t->name);
	int rc = make(r, where, &body, e);
	buf_release(&body);
	snprintf(j->id, sizeof j->id, "accounts/%s/%s/ft-%s", r->account, kind, t->name);
	return rc ? rc : remote_look(r, j, e);
}

/* The API has no way to cancel a job but to delete it. */
static int cancel(struct remote *r, struct remote_job *j, struct err *e)
{
	struct remote_call c;
	int rc = remote_job_call(r, "DELETE", j, "", &c, e);
	remote_call_release(&c);
	if (!rc) {
		j->state = REMOTE_CANCELLED;
		snprintf(j->status, sizeof j->status, "deleted");
	}
	return rc;
}

/* Whether a list of strings, each with its NUL, holds s. */
static int is_among(const struct buf *list, const char *s)
{
	for (const char *p = list->data; p && p < list->data + list->len; p += strlen(p) + 1)
		if (!strcmp(p, s))
			return 1;
	return 0;
}

/* The adapter's files, each at an address of its own. */
static int fetch(struct remote *r, const struct remote_job *j, const char *dir, size_t *count,
		 struct err *e)
{
	char path[ID_SIZE + 64];
	struct json_iter it = {0};
	struct span key, value;
	struct buf name = BUF_INIT, url = BUF_INIT, had = BUF_INIT;
	if (!j->model.len)
		return 0;
	if (id_check(buf_span(&j->model), 1, e))
		return err_prefix(e, "the model's name");
	snprintf(path, sizeof path, "/v1/%s:getDownloadEndpoint", j->model.data);
	struct remote_call c = {.method = "GET", .path = path};
	int rc = remote_call(r, &c, e);
	struct span urls = json_member(c.json, "filenameToSignedUrls");
	while (!rc && json_next(&it, urls, &key, &value)) {
		buf_clear(&name);
		buf_clear(&url);
		json_string(key, &name);
		json_string(value, &url);
		const char *slash = name.len ? strrchr(name.data, '/') : NULL,
			   *last = slash      ? slash + 1
				   : name.len ? name.data
					      : "";
		if (!url.len)
			rc = err_set(e,
				     "the provider names no address of its result file \"%.80s\"",
				     last);
		else if (is_among(&had, last))
			rc = err_set(e, "the provider names two result files \"%.80s\"", last);
		else
			rc = remote_download(r, url.data, dir, last, 2, e);
		buf_add(&had, last, strlen(last) + 1);
		*count += rc == 0;
	}
	remote_call_release(&c);
	buf_release(&name);
	buf_release(&url);
	buf_release(&had);
	return rc;
}

const struct remote_provider remote_fireworks = {
	"fireworks",
	"https://api.fireworks.ai",
	"FIREWORKS_BASE_URL",
	"FIREWORKS_API_KEY",
	"/v1/",
	"seed lr-multiplier beta",
	NULL,
	0,
	{.rows = 3,
	 .rows_max = 3000000,
	 .bytes_max = (size_t)150 * 1000 * 1000,
	 .system_first = 1,
	 .one_message = 1},
	upload,
	create,
	read_job,
	NULL,
	cancel,
	fetch,
};
