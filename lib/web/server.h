/* server: a small HTTP server for pages on this machine alone, over libmicrohttpd.
 *
 * lib/web is what people look at in a browser: this server, and the HTML and SVG of reports. It
 * knows nothing of the program that calls it.
 *
 * It listens on 127.0.0.1 only. The address printed holds a token that works once: opening it
 * exchanges the token for a session cookie (HttpOnly, SameSite=Strict, named after the port and
 * good until the server ends, so that a closed browser comes back in), and everything else needs
 * that cookie. A request whose Host is not this server (DNS rebinding), whose Origin is another
 * site, or that changes something without saying its Origin, is refused, as are bodies over the
 * ceiling. Replies carry a content security policy that lets nothing leave the page; scripts and
 * styles run only with the nonce of the reply.
 *
 * Handlers are called one at a time, from the server's own thread.
 */
#ifndef FT_WEB_SERVER_H
#define FT_WEB_SERVER_H

#include <stddef.h>
#include "../base/buf.h"
#include "../base/err.h"

struct web_server;

struct web_request {
	const char *method; /* GET or POST */
	const char *path;   /* decoded, begins with a slash, never holds .. */
	struct span body;
	void *connection; /* private: for web_query */
};

struct web_reply {
	int status;	  /* 200 where the handler sets nothing */
	const char *type; /* application/json where the handler sets nothing */
	struct buf body;
	char nonce[33]; /* to be put into <script nonce> and <style nonce> */
};

typedef void web_handler(void *arg, const struct web_request *q, struct web_reply *r);

/* Value of a query parameter, decoded, or NULL. Borrowed for the call. */
const char *web_query(const struct web_request *q, const char *name);

/* Starts to listen; port 0 picks a free one. *out is freed with web_stop. */
int web_start(struct web_server **out, int port, size_t max_body, web_handler *handler, void *arg,
	      struct err *e);
/* Finishes what is being answered and closes. */
void web_stop(struct web_server *s);

/* http://127.0.0.1:PORT/?token=..., to be shown to the user once. Borrowed. */
const char *web_address(const struct web_server *s);

#endif
