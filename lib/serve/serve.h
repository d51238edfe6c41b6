/* lib/serve: the production end: calls passed on to APIs or answered by local models, written down
 * as records, routed by weight, shadowed by candidates.
 *
 * serve: the event loop. One thread: libmicrohttpd with an epoll set of its own on the clients' side,
 * its connections suspended while nothing is there for them, and libcurl's multi interface on the other;
 * local models answer from threads of their own (local.h). No call blocks another.
 *
 * A call goes through these: its body is read whole; a route and a target are chosen (routes.h); the
 * target is asked; as soon as the head of its answer is there, the client gets that and then every
 * piece as it comes, while a copy is put together for the record (capture.h), which is written
 * (daylog.h) before the client is given the last bytes. A client that reads slowly stops its own
 * transfer; one that goes away ends it.
 */
#ifndef FT_SERVE_SERVE_H
#define FT_SERVE_SERVE_H

#include <stddef.h>
#include "../api/prices.h"
#include "../base/err.h"
#include "daylog.h"
#include "routes.h"

struct serve_options {
	const char *listen;	  /* HOST:PORT; port 0 picks one; sockets of systemd win over it */
	const char *const *hosts; /* names that it is called by; NULL-terminated, or NULL */
	const char *routes_file;  /* read again at SIGHUP; NULL: single stays */
	struct routes
		*routes;    /* taken over; read by the caller, so that its faults end the program */
	const char *keys;   /* file of the clients' keys, in place of the routes file's; or NULL */
	struct daylog *log; /* taken over */
	int log_must;	    /* no call is answered while records can't be written */
	struct prices *prices; /* taken over; or NULL */
	const char *sticky;    /* of the single route: a path into bodies or header:NAME, or NULL */
	size_t body_max, header_max,
		memory_max; /* bytes of a body, of its headers, of all in flight */
	double timeout;	    /* seconds to the first byte, and between bytes */
	double idle;	    /* seconds that a connection may be idle */
	double drain;	    /* seconds that calls may take to end at SIGTERM */
	size_t connections;
	size_t shadow_queue;	/* most shadow calls that wait */
	size_t shadow_jobs;	/* most that run at once */
	double shadow_deadline; /* seconds from the call to the end of its shadow */
	int threads;		/* of local models; 0: all */
	int (*stopping)(void);
	/* tells people: said once a state of things */
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
};

/* Runs until o->stopping says so. 0, or -1 with the reason where it can't begin. Everything in o is borrowed
 * but for what is taken over, which is freed either way. */
int serve_run(const struct serve_options *o, struct err *e);

#endif
