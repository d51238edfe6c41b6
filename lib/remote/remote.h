/* lib/remote: training at a provider: upload, job, events, result.
 *
 * remote: fine-tuning at a provider: upload the rows, create a job, follow it, fetch what came of
 * it.
 *
 * lib/remote stands above lib/net (HTTP, retries) and knows no models. Three kinds of API are
 * spoken (as documented by their providers in 2025):
 *
 *	openai		/files, /fine_tuning/jobs; any server that speaks the same at a URL of its
 *			own
 *	together	/files with a redirect to the storage, /fine-tunes, /finetune/download
 *	fireworks	/v1/accounts/ACCOUNT/datasets, supervisedFineTuningJobs
 *
 * Requests that failed on the way are repeated where that cannot do harm. Creating a job could:
 * after a failure of unknown outcome the provider is asked whether the job is there before another
 * one is created.
 *
 * Keys come from the environment and appear in no text.
 */
#ifndef FT_REMOTE_REMOTE_H
#define FT_REMOTE_REMOTE_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../base/rng.h"
#include "../net/http.h"
#include "../net/id.h"
#include "rows.h"

struct remote_provider;

/* A connection to one provider. Set what is marked (in), then remote_open. */
struct remote {
	/* (in) "openai", "together", "fireworks", or the URL of an API like OpenAI's */
	const char *provider;
	int retries;	       /* (in) repeated attempts of one request */
	double timeout;	       /* (in) seconds without a byte */
	int (*stopping)(void); /* (in) may be NULL */
	const struct remote_provider *api;
	char *base;    /* without a slash at the end */
	char *secret;  /* "Authorization: Bearer ...", or NULL */
	char *account; /* Fireworks */
	int silent;    /* it tells no events: its jobs are followed by their status alone */
	struct http *http;
	struct rng rng;
};

/* Finds base URL, key and account in the environment (OPENAI_BASE_URL, OPENAI_API_KEY;
 * TOGETHER_...; FIREWORKS_..., FIREWORKS_ACCOUNT_ID). r is borrowed until remote_close. */
int remote_open(struct remote *r, struct err *e);
void remote_close(struct remote *r);

/* What is to be done. Figures that are not set (NaN, 0) are left to the provider. */
struct remote_task {
	const char *model, *suffix;
	/* of the data: a hash, so that a second upload of the same can be told from another */
	const char *name;
	char *train_file, *valid_file; /* ids at the provider; valid_file may be NULL */
	int taken_up; /* an earlier process had them, and may have created the job */
	double epochs, lr, multiplier; /* multiplier: OpenAI's learning_rate_multiplier */
	long long batch, seed, rank;
	int seeded, preferences;
	double beta;
};

/* REMOTE_UNKNOWN: the provider's word is none that is known. */
enum remote_state {
	REMOTE_UNKNOWN,
	REMOTE_WAITING,
	REMOTE_RUNNING,
	REMOTE_DONE,
	REMOTE_FAILED,
	REMOTE_CANCELLED
};

struct remote_job {
	char id[ID_SIZE];
	enum remote_state state;
	char status[64];	  /* the provider's own word */
	struct buf model;	  /* what came of it, as it is named in requests */
	struct buf error;	  /* why it failed */
	struct buf files;	  /* ids of result files, each followed by a NUL */
	int64_t tokens;		  /* trained on; -1 unknown */
	double progress;	  /* 0 to 1, NaN unknown */
	char last_event[ID_SIZE]; /* of those that remote_events gave */
	size_t events;
};
void remote_job_release(struct remote_job *j);

/* Gives the file's id at the provider. */
int remote_upload(struct remote *r, const struct remote_task *t, const char *path, int validation,
		  struct buf *id, struct err *e);
int remote_create(struct remote *r, const struct remote_task *t, struct remote_job *j,
		  struct err *e);
/* Brings j up to date; j->id is set. */
int remote_look(struct remote *r, struct remote_job *j, struct err *e);
/* Events since the last call, oldest first, each as one JSON object: {"step", "loss", ...} or
 * {"event": text}. */
int remote_events(struct remote *r, struct remote_job *j, void (*take)(void *arg, struct span json),
		  void *arg, struct err *e);
int remote_cancel(struct remote *r, struct remote_job *j, struct err *e);
/* Downloads what the provider gives out of a finished job (result files, weights) into dir; *count
 * files. */
int remote_fetch(struct remote *r, const struct remote_job *j, const char *dir, size_t *count,
		 struct err *e);

/* Whether what the provider gives out are tables beside the model, which stays there and is whole
 * without them. */
int remote_is_whole(const struct remote *r);

/* What is known of the provider's service and a user should know before paying, or NULL. */
const char *remote_news(const char *provider);

/* Whether the key is sent to the provider over plain http to another machine. */
int remote_is_exposed(const char *provider);

/* Names of ft-train's options that the provider has no setting for, with spaces between. */
const char *remote_unheeded(const char *provider);

/* Of a server at a URL of its own little is known: only what every one of them asks. */
const struct remote_rules *remote_rules(const struct remote *r);

#endif
