/* remote_impl: what each kind of API does for remote.h, and the call that they share. Private to
 * lib/remote.
 */
#ifndef FT_REMOTE_REMOTE_IMPL_H
#define FT_REMOTE_REMOTE_IMPL_H

#include "../json/json.h"
#include "../json/jw.h"
#include "remote.h"

struct remote_provider {
	const char *name, *base, *base_variable, *key_variable;
	const char *job;      /* a job's address is this and its id */
	const char *unheeded; /* remote_unheeded */
	const char *news;     /* remote_news */
	int tables;	      /* remote_is_whole */
	struct remote_rules rules;
	int (*upload)(struct remote *r, const struct remote_task *t, const char *path,
		      int validation, struct buf *id, struct err *e);
	int (*create)(struct remote *r, const struct remote_task *t, struct remote_job *j,
		      struct err *e);
	/* the job as it was answered, into j */
	int (*read)(struct span json, struct remote_job *j, struct err *e);
	int (*events)(struct remote *r, struct remote_job *j,
		      void (*take)(void *arg, struct span json), void *arg, struct err *e);
	/* NULL: by POST to its address and /cancel */
	int (*cancel)(struct remote *r, struct remote_job *j, struct err *e);
	int (*fetch)(struct remote *r, const struct remote_job *j, const char *dir, size_t *count,
		     struct err *e);
};

extern const struct remote_provider remote_openai, remote_together, remote_fireworks;

#define REMOTE_ANSWER_MAX ((uint64_t)16 << 20)
#define REMOTE_FILE_MAX ((uint64_t)1 << 40) /* weights; no published shard comes near it */

/* One request and its answer. Zero it, set method, path (after the base, with a slash; or a whole URL
 * that the provider named, which gets no key, and has to be https where the base is) and what else is
 * needed. */
struct remote_call {
	const char *method, *path;
	struct span body;	      /* JSON unless type is set */
	const char *type;	      /* Content-Type of body */
	const char *upload, *purpose; /* multipart form with a file */
	const char *save;	      /* where the answer's body goes */
	int follow;
	/* no repetition after a failure that may have come after the deed: the status is then 0 */
	int once;
	int accept; /* one more status besides 2xx that is no error */
	struct http_response response;
	struct span json; /* the answer, checked; absent where it is none */
};
int remote_call(struct remote *r, struct remote_call *c, struct err *e);
void remote_call_release(struct remote_call *c);

/* A request to j's address and what; c is to be released. */
int remote_job_call(struct remote *r, const char *method, const struct remote_job *j,
		    const char *what, struct remote_call *c, struct err *e);
/* POSTs the task to path, which creates a job, and reads it into j: model, training_file,
 * validation_file and suffix, then the members that put writes. Where the outcome is unknown, or that of
 * an earlier process, the jobs at list (an object with `data`) are searched for one with the task's
 * training file before it is tried again. */
int remote_create_once(struct remote *r, const char *path, const char *list,
		       void (*put)(struct jw *w, const struct remote_task *t),
		       const struct remote_task *t, struct remote_job *j, struct err *e);
/* Whether the call for events failed because the server has none. */
int remote_no_events(struct remote *r, const struct remote_call *c);
/* A provider's words for states, in any case; the last is NULL. */
struct remote_word {
	const char *status;
	enum remote_state state;
};
enum remote_state remote_state_of(const struct remote_word *words, const char *status);
/* id, status and state of a job that says them in members of these names. Fails where one is
 * missing. */
int remote_read_status(struct span json, const struct remote_word *words, struct remote_job *j,
		       struct err *e);

/* The text at a member: strings decoded into out (size n, cut), "" where absent or no string. */
void remote_text(struct span object, const char *name, char *out, size_t n);
/* Appends the string at a member to b (nothing where absent). */
void remote_add_text(struct span object, const char *name, struct buf *b);
/* Downloads path to dir/name, whole or not at all; name must be a plain file name, and none of the
 * run's own. */
int remote_download(struct remote *r, const char *path, const char *dir, const char *name,
		    int follow, struct err *e);

#endif
