/* local: a local model as a target: one thread that runs the continuous batch (infer/generator.h)
 * and answers in the dialect in which it was asked.
 *
 * The loop hands requests over and takes bytes: every call has a buffer under the target's lock,
 * which the generator's thread fills with the body of an HTTP answer and the loop drains. Where
 * something is new for any call of the target (a head, bytes, an end), the target writes to the
 * eventfd that it was opened with; the loop then asks its calls. Only the loop's thread calls what
 * stands here.
 *
 * Paths answered: /v1/chat/completions, /v1/completions, /v1/messages, /v1/responses, each streamed or
 * whole as its body asks. A member that can't be honoured is refused by name, never ignored.
 */
#ifndef FT_SERVE_LOCAL_H
#define FT_SERVE_LOCAL_H

#include <stddef.h>
#include "../base/buf.h"
#include "../base/err.h"

struct local_target;
struct local_call;

struct local_options {
	const char *quantize; /* as backend_local has it; NULL: as the model is */
	int threads;	      /* 0: all */
	int jobs;	      /* most sequences at once; 0: chosen by the target */
	size_t sharing;	      /* local targets among which memory for keys and values is shared out
				 (a quarter of the machine's); 0: it is this one's alone */
	size_t queue;	      /* most calls in hand, waiting or running; past it 503; 0: 1024 */
	size_t unread;	      /* bytes of a call that its reader may leave before its sequence is
				 given up as too slow; 0: 8 MB */
	int wake;	      /* eventfd (EFD_NONBLOCK) of the loop; borrowed */
};

/* Loads the model (a directory, "hf:org/name" or a .gguf file) with its adapter (may be NULL) and
 * starts its thread. NULL with the reason, which names the model. The strings are borrowed for its
 * life. */
struct local_target *local_target_open(const char *model, const char *adapter,
				       const struct local_options *o, struct err *e);
/* Gives up what runs, ends the thread and frees. All calls must have been freed. */
void local_target_free(struct local_target *t);

/* Calls in hand; for /metrics. */
size_t local_target_busy(struct local_target *t);

/* Begins a call. path is one of those above, without a query; body the request's bytes, unchecked,
 * copied as far as they are needed. Never blocks on the model. model_name is what the answer calls
 * itself (the name that the client asked for). Never NULL: what is wrong with a request is the
 * answer's status and its body, an error of the path's dialect. */
struct local_call *local_call_start(struct local_target *t, const char *path, struct span body,
				    const char *model_name);

enum local_state {
	LOCAL_WAITING, /* no head yet */
	LOCAL_BODY,    /* the head is known, more is to come */
	LOCAL_ENDED    /* all that will come is there */
};

struct local_head {
	int status;	  /* 200, 4xx, 503 */
	const char *type; /* application/json, text/event-stream */
	int retry_after;  /* seconds; 0: no such header */
};

/* Moves the bytes of the body that are there to the end of `out`. *head is filled in once the state is not
 * LOCAL_WAITING; its strings are static. LOCAL_ENDED comes together with the last bytes, and after it
 * again as often as asked. */
enum local_state local_call_read(struct local_call *c, struct buf *out, struct local_head *head);

/* Frees the call; one that runs is given up and its sequence taken out of the batch. */
void local_call_free(struct local_call *c);

#endif
