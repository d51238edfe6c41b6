/* lib/net: HTTP on libcurl: requests, the one retry loop and Retry-After (retry), rates (rate),
 * downloads (pull).
 *
 * http: many HTTP requests at once on libcurl's multi interface.
 *
 * What providers speak stands above, in lib/api and lib/remote.
 *
 * A struct http is a pool of connections: kept alive, multiplexed where the server speaks HTTP/2.
 * This layer never repeats a request, not even where libcurl would (a kept connection that died):
 * repeating is decided in one place. Nothing hangs: connecting, silence and the whole transfer have
 * limits. Redirects are not followed unless asked, never from https to http, and to another origin
 * only headers that say what is wanted go along. What comes back is cleared of secrets (secret.h)
 * before anyone sees it.
 */
#ifndef FT_NET_HTTP_H
#define FT_NET_HTTP_H

#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "secret.h"

#define HTTP_BODY_MAX ((size_t)256 << 20) /* largest answer taken, decoded */
#define HTTP_HELD_MAX ((size_t)1 << 30)	  /* bytes of all answers that are under way */

enum http_failure {
	HTTP_DONE,    /* a whole answer came, whatever its status */
	HTTP_NO_HOST, /* name not found */
	HTTP_NO_CONNECT,
	HTTP_TLS,
	HTTP_TIMEOUT, /* connecting, silence, or the whole took too long */
	HTTP_DROPPED, /* connection ended before the answer was whole */
	HTTP_TOO_BIG, /* its body, or its headers (head.h) */
	HTTP_BROKEN,  /* not HTTP, bad encoding, bad URL, anything else */
	HTTP_CANCELLED,
};

struct http_request {
	const char *method; /* GET, POST, PUT */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	const char *secret;	    /* one more header, whose value no answer shows; may be NULL */
	struct span body;	    /* absent for none; copied */
	/* a file to send instead of body as multipart form "file", with `purpose`; may be NULL */
	const char *upload;
	const char *purpose;
	/* a 200 answer's body goes to this file instead of memory; may be NULL. A 206 answer's (the
	 * caller sent a Range header) is appended to it. It is taken as it is: no encoding is asked
	 * for, and one that comes is refused; a link there is not followed */
	const char *save;
	/* bytes of the answer's body that are taken, decoded, with what a file holds already; 0:
	 * HTTP_BODY_MAX, and without a limit where it is saved */
	uint64_t most;
	double timeout; /* seconds for the whole; 0: none */
	double silence; /* seconds without a byte; 0: no limit */
	int follow;	/* most redirects followed */
	/* Sees the body of a 200 answer (of a saved 206 too) as it comes, beside its being kept;
	 * may be NULL. */
	void (*on_data)(void *arg, const char *p, size_t n);
	void *arg;
};

struct http_response {
	enum http_failure failure;
	int status;	    /* 0 where none came */
	struct buf headers; /* "name: value\n", names in lower case */
	struct buf body;
	double seconds;	  /* start to end */
	char reason[256]; /* of a failure, in words */
};

struct http;

/* Starts libcurl, also for who uses it without a struct http; curl_global_cleanup ends it. It takes its
 * memory from mem.h: after an allocation that failed libcurl (7.88) can crash, leave a transfer that
 * never ends, and call lost what the server has done. -1 where it does not start. */
int http_ready(void);

/* connections: most kept open. NULL with the reason in e. */
struct http *http_new(size_t connections, struct err *e);
void http_free(struct http *h);

/* What answers over these connections are cleared of: add keys and headers before requests that
 * send them. A request's own secret and what is private in its URL are added by themselves. */
struct secrets *http_secrets(struct http *h);

/* Called for each request that ended; the response is valid during the call only. http_start may be
 * called from here. */
typedef void http_done(void *arg, uint64_t ticket, struct http_response *r);

int http_start(struct http *h, uint64_t ticket, const struct http_request *q, struct err *e);

/* Makes progress, waiting at most `wait` seconds for something to happen, and calls done for what
 * ended. Returns the number still under way. */
long http_run(struct http *h, double wait, http_done *done, void *arg, struct err *e);

/* Ends all that is under way, each with HTTP_CANCELLED. */
void http_cancel(struct http *h, http_done *done, void *arg);

/* One request from start to end. -1 only where it could not be begun; otherwise see r->failure. r
 * is zeroed or an earlier response; http_response_release frees it. stopping (may be NULL) is asked
 * now and then. */
int http_fetch(struct http *h, const struct http_request *q, struct http_response *r,
	       int (*stopping)(void), struct err *e);
void http_response_release(struct http_response *r);

/* Value of the last header of that name (lower case), without surrounding blanks; absent span where
 * there is none. */
struct span http_header(const struct http_response *r, const char *name);

/* The body as JSON, less the byte order mark that some servers begin with. -1 with the reason, which
 * is about the server's answer. */
int http_json(const struct http_response *r, struct span *v, struct err *e);

/* Refuses a key that no header line can hold whole: a line break in it would be a header more. where
 * is the variable or file that it comes from; the key itself is not told. */
int http_check_key(struct span key, const char *where, struct err *e);

/* Where an answer redirects to, in words, appended; nothing where it is no redirect. */
void http_show_redirect(struct buf *b, const struct http_response *r);

#endif
