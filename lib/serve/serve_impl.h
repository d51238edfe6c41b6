/* serve_impl: what the files of serve share; nobody else includes this.
 *
 *	serve.c		the loop, signals, the end
 *	serve_front.c	libmicrohttpd: requests in, answers out
 *	serve_call.c	a call from its body to its record
 *	serve_ask.c	one asking of one target, over libcurl or of a local model
 *	serve_plan.c	the routes in force, and what outlives a reading of them
 *	serve_shadow.c	candidates that are asked beside
 *	serve_pages.c	what is answered here: health, metrics, models, feedback
 *	serve_error.c	errors in the client's dialect
 *
 * Names begin with serve_.
 */
#ifndef FT_SERVE_SERVE_IMPL_H
#define FT_SERVE_SERVE_IMPL_H

#include <curl/curl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <time.h>
#include "../base/buf.h"
#include "../net/head.h"
#include "../net/secret.h"
#include "capture.h"
#include "clients.h"
#include "listen.h"
#include "local.h"
#include "meter.h"
#include "serve.h"

/* Bytes for the client beyond which its target is paused, and down to which it has to come again. */
#define SERVE_OUT_HIGH ((size_t)256 << 10)
#define SERVE_OUT_LOW ((size_t)64 << 10)

/* A target while the program runs; the same through readings of the routes as long as it is the
 * same. */
struct serve_spot {
	struct serve_spot *next;
	int refs;			  /* plans */
	int told_unpruned;		  /* said once that a text to prune was not found */
	int told_exposed;		  /* said once that keys can be read on the way there */
	char *name, *what;		  /* what: everything that makes it this one */
	char *model, *adapter, *quantize; /* of a local one */
	struct local_target *local;
	struct err broken; /* why a local one could not be loaded; no text: it was */
	/* the breaker: failures in a row, and until when nobody is sent there */
	int failures, probing;
	double closed_until;
};

/* The routes in force. Calls keep the plan that they began with. */
struct serve_plan {
	int refs;
	struct routes *routes;
	struct clients *clients;   /* NULL: anyone may call */
	struct serve_spot **spots; /* of each target */
	struct serve_spot *fresh;  /* those that were made for it, until it is installed */
};

enum serve_end {
	SERVE_DONE,
	SERVE_ABANDONED, /* by its owner, at the head */
	SERVE_NO_CONNECT,
	SERVE_TIMEOUT,
	SERVE_DROPPED, /* broke off */
	SERVE_BROKEN   /* no HTTP */
};

struct serve_ask;

/* Who an asking is done for. head: the head is known; non-zero abandons. data: returns non-zero where
 * no more is wanted for now; serve_ask_go_on asks for it again. end: frees the asking; called once,
 * unless it is cancelled. None is called from within serve_ask_start. */
struct serve_owner {
	int (*head)(void *arg, struct serve_ask *a);
	int (*data)(void *arg, struct serve_ask *a, const char *p, size_t n);
	void (*end)(void *arg, struct serve_ask *a, enum serve_end how);
};

struct serve_ask {
	struct serve_ask *prev, *next; /* of all that run */
	struct serve *s;
	const struct serve_owner *owner;
	void *arg;
	struct serve_spot *spot;
	const struct routes_target *target;
	CURL *easy;
	struct curl_slist *headers;
	char *url;
	struct buf body; /* of its own; the owner's is borrowed otherwise */
	struct local_call *local;
	struct local_head local_head;

	int status;	 /* 0: none yet */
	struct buf head; /* "Name: value\n" */
	struct head head_size;
	int head_done, abandoned;
	int paused, wanted; /* too much waits for the owner's reader; enough was taken */
	long long length;   /* of the answer's body; -1 where it was not said */
	unsigned long long received;
	int events;  /* text/event-stream */
	int encoded; /* compressed: nothing that a record is made of */
	struct capture_answer answer;
	double began, first, last; /* first: byte of the body */
	char reason[CURL_ERROR_SIZE];
};

/* A connection of a client's. */
struct serve_client {
	int fd, gone;
	struct serve_call *call;
};

enum serve_state { SERVE_NEW, SERVE_READING, SERVE_ASKING, SERVE_ANSWERING, SERVE_OVER };

struct serve_call {
	struct serve_call *prev, *next;
	struct serve *s;
	struct serve_plan *plan;
	const struct route *route;	   /* NULL: none of its own */
	struct MHD_Connection *connection; /* NULL: its side is over */
	struct serve_client *client;
	enum serve_state state;
	int suspended, body_over;
	char *method, *url;
	struct buf headers; /* as they came, "Name: value\n" */
	struct buf body;
	struct capture_request request;
	char id[27];
	struct timespec time;
	double began;
	struct buf session;
	const char *client_name; /* borrowed from the plan */
	char *key_header;	 /* the header that the caller's key for this program came in */
	struct secrets secrets;	 /* that the record is kept clear of */
	int no_log;		 /* by the client's wish */

	/* who is asked, in order; places in the plan's targets */
	size_t *order, n_order, at;
	const char *fallback; /* the target that should have answered */
	struct serve_ask *ask;
	int unfit; /* its head is too large to be passed on */

	/* the answer */
	int status;
	struct buf head; /* "Name: value\n" */
	long long length;
	struct buf out;
	size_t out_at;
	int out_ended, out_broken, queued, recorded;
	size_t held; /* bytes that count for it */
};

struct serve_shadow;

struct serve {
	const struct serve_options *o;
	struct listen_at at;
	int epoll, wake, mhd_epoll, log_watched;
	struct MHD_Daemon *daemon;
	int mhd_due; /* something was resumed */
	CURLM *multi;
	double curl_due; /* 0: nothing */
	CURL **idle;
	size_t n_idle, cap_idle;
	const char *ca;
	struct serve_plan *plan;
	struct serve_spot *spots;
	struct serve_call *calls;
	struct serve_ask *asks;
	size_t n_calls, n_asks, held;
	int any_paused;
	struct serve_client **clients; /* by descriptor */
	size_t n_clients, cap_clients;
	struct serve_shadow *shadow_first, *shadow_last, *shadow_running;
	size_t n_waiting, n_running;
	struct meter meter;
	struct buf unwritten; /* records, with log_must */
	int log_failing, draining;
	double started;
	/* routes being read again, in a thread: models take their time */
	pthread_t reader;
	int reading, again;
	struct serve_plan *fresh;
	struct err fresh_error;
	volatile int fresh_ready;
};

/* --- serve.c --- */
void serve_watch(struct serve *s, int fd, unsigned events, int add);
/* Counts delta bytes for the call (may be NULL). */
void serve_hold(struct serve *s, size_t *held, size_t now);
/* Writes lines of records; counts them. */
void serve_log(struct serve *s, struct span lines);
/* Whether a call may be answered now, as far as the log is concerned (log_must). */
int serve_log_works(struct serve *s);

/* --- serve_plan.c --- */
/* Takes r over; loads what models it names that are not loaded yet. Changes nothing of s: it may run in
 * another thread while no spot is taken away. */
struct serve_plan *serve_plan_make(struct serve *s, struct routes *r, struct err *e);
/* Puts it in force. */
void serve_plan_install(struct serve *s, struct serve_plan *p);
struct serve_plan *serve_plan_ref(struct serve_plan *p);
void serve_plan_drop(struct serve *s, struct serve_plan *p);
/* Frees what no plan has any more. */
void serve_spots_tidy(struct serve *s);
void serve_reload(struct serve *s);
void serve_reload_end(struct serve *s, int wait);
/* The breaker: whether the target may be asked, and how it went. */
int serve_spot_open(struct serve_spot *p, double now);
void serve_spot_went(struct serve_spot *p, int well, double now);

/* --- serve_ask.c --- */
/* Everything that is asked, borrowed until the end. headers: "Name: value\n" lines. */
struct serve_question {
	const char *method, *url;
	struct span headers, body;
	const struct capture_request *request;
	const char *key_header; /* not to be sent on */
};
struct serve_ask *serve_ask_start(struct serve *s, const struct serve_question *q,
				  const struct routes_target *t, struct serve_spot *spot,
				  const struct serve_owner *owner, void *arg);
void serve_ask_go_on(struct serve_ask *a);
/* Ends it without calling the owner. */
void serve_ask_cancel(struct serve_ask *a);
void serve_ask_free(struct serve_ask *a);
/* The loop's part. */
int serve_ask_open(struct serve *s, struct err *e);
void serve_ask_close(struct serve *s);
void serve_ask_socket(struct serve *s, int fd, unsigned events);
void serve_ask_timer(struct serve *s, double now);
void serve_ask_local(struct serve *s);
void serve_ask_sweep(struct serve *s, double now);
/* The body for a target: its model's name, and what it prunes; appended. 0 where it is the client's
 * own, byte for byte. *missing: how many of the texts to prune were not there. */
int serve_ask_body(const struct capture_request *q, const struct routes_target *t, struct buf *to,
		   size_t *missing);

/* --- serve_front.c --- */
int serve_front_open(struct serve *s, struct err *e);
/* Whether a head ("Name: value\n") can be passed on: beside the request's it has to stand in the memory of
 * the connection, which libmicrohttpd closes without a word otherwise. */
int serve_front_fits(const struct serve_call *c, struct span head);
void serve_front_gone(struct serve *s, int fd);

/* --- serve_call.c --- */
struct serve_call *serve_call_new(struct serve *s, const char *url);
/* The whole request is there. */
void serve_call_begin(struct serve_call *c);
/* The client's side is over; frees the call. */
void serve_call_end(struct serve_call *c);
/* The client went away. */
void serve_call_gone(struct serve_call *c);
/* An answer made here. type is static. */
void serve_call_answer(struct serve_call *c, int status, const char *type, struct buf *body);
void serve_call_refuse(struct serve_call *c, int status, const char *type, const char *code,
		       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Lets libmicrohttpd look at the connection again. */
void serve_call_resume(struct serve_call *c);
/* Whether it leaves a record, as far as the client and its route have a say. */
int serve_call_leaves_record(const struct serve_call *c);
struct span serve_call_header(const struct serve_call *c, const char *name);
/* The program ends: gives up what is under way, and answers so where no answer was begun, or in an event
 * where one is. What is answered in whole may still be sent. */
void serve_call_dismiss(struct serve_call *c);
/* No more is sent. */
void serve_call_interrupt(struct serve_call *c);

/* Value of a "Name: value\n" line, any case; absent where there is none. */
struct span serve_line(struct span lines, const char *name);

/* --- serve_shadow.c --- */
/* Takes over what it needs of a call that was answered. */
void serve_shadow_call(struct serve_call *c);
void serve_shadow_run(struct serve *s, double now);
void serve_shadow_close(struct serve *s);

/* --- serve_pages.c --- */
/* 1 where the call is answered here. */
int serve_page(struct serve_call *c);

/* --- serve_error.c --- */
/* An error's body in the dialect of the path, appended. */
void serve_error_body(enum capture_kind kind, int status, const char *type, const char *code,
		      const char *message, struct buf *b);
/* The event that ends a stream which broke off. */
void serve_error_event(enum capture_kind kind, const char *type, const char *message,
		       struct buf *b);

#endif
