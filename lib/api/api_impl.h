/* api_impl: what the files of api share; nobody else includes this. api.c keeps the queue and starts
 * what may start, api_end.c reads what comes back. */
#ifndef FT_API_API_IMPL_H
#define FT_API_API_IMPL_H

#include "../net/http.h"
#include "../net/rate.h"
#include "../net/retry.h"
#include "api.h"
#include "fit.h"
#include "purse.h"

struct call {
	struct call *prev, *next;
	uint64_t ticket;
	struct buf body;
	char *model; /* in the address, where that has one */
	char *asked; /* in the body, where extra may name another: it answers, and is paid for */
	int forced_schema;
	unsigned without; /* parameters that the body was rid of, as in fit.h */
	int risky;	  /* it has some that the model might refuse */
	int changed;	  /* the body is not as it was submitted */
	int attempts;
	double begun;	/* of the first attempt; 0: none yet */
	double started; /* of this attempt */
	double ready;	/* of the next attempt, while it waits */
	int throttled;	/* it waits since the server said 429 */
	char *why;	/* what became of the attempt before; NULL: none yet */
	int why_status;
	double reserved; /* dollars of the attempt under way */
	double tokens;	 /* taken from the token bucket for it */
	struct dialect_stream stream;
	struct api *api;
};

struct list {
	struct call *first, *last;
	size_t n;
};

struct api {
	const struct api_options *o;
	struct dialect chat;
	struct http *http;
	struct list queued, waiting, running; /* never asked; asked before; being asked */
	size_t throttled;		      /* of those waiting */
	struct window window;
	struct bucket requests, tokens;
	double pause; /* nobody asks before this time */
	struct purse purse;
	struct fits fits;
	size_t answers, delivered;
	size_t refused; /* in a row: the key, the model or the schema */
	struct buf notice;
	double told; /* until when a wait has been told of */
	/* Why nobody asks any more (no quota, no valid key), or an empty type. */
	char over[32];
	int over_status;
	struct buf over_why;
	struct rng rng;
	struct buf url, secret;
	struct backend_answer answer;
	char warning[256];
	backend_done *done; /* while run or cancel is on */
	void *arg;
};

void api_list_append(struct list *l, struct call *c);
void api_list_remove(struct list *l, struct call *c);
void api_call_free(struct call *c);

/* Most tokens that a request can have, and its answer (NaN unknown). */
double api_most_input(const struct call *c);
double api_most_output(const struct api *a, const char *model);

/* Gives the answer away and frees the call, which stands in no list any more. */
void api_deliver(struct api *a, struct call *c, struct backend_answer *answer);
/* Takes a call out of those that wait. */
void api_wait_over(struct api *a, struct call *c);
/* Ends a call for which there is no time left; what became of its last attempt is told too. asked:
 * seconds that the server wants, or NaN. */
void api_out_of_time(struct api *a, struct call *c, double asked);

/* http_done of every request. */
void api_on_done(void *arg, uint64_t ticket, struct http_response *r);

#endif
