/* host: whom a request is for, and what page sent it: the values of Host (RFC 9110, 7.2) and Origin
 * (RFC 6454, 6.1).
 *
 * A page in a browser can lead its own name to 127.0.0.1 once it is loaded (DNS rebinding) and is then,
 * to the browser, of one origin with a server there. Its name in Host gives it away. Names of this
 * machine and addresses can't be led anywhere.
 */
#ifndef FT_BASE_HOST_H
#define FT_BASE_HOST_H

#include "buf.h"

struct host {
	struct span name; /* as it stands there, [::1] with its brackets */
	int port;	  /* 0: none is said */
};

/* NAME, NAME:PORT or [ADDRESS]:PORT. -1 where it is none of these. */
int host_read(struct span text, struct host *h);
/* SCHEME://HOST, and nothing behind it. -1 where it is none, such as "null". */
int host_read_origin(struct span text, struct host *h);

/* localhost, names under it (RFC 6761, 6.3), 127.0.0.0/8, [::1]. */
int host_is_here(const struct host *h);
/* A numeric address, of whatever machine. */
int host_is_address(const struct host *h);
/* In any case, a dot at the end being nothing. */
int host_is(const struct host *h, const char *name);

#endif
