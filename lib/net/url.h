/* url: what may be said and must be thought of an address before anything is sent there. */
#ifndef FT_NET_URL_H
#define FT_NET_URL_H

#include "../base/buf.h"

/* Whether what is sent there can be read on the way: plain http to another machine. */
int url_is_exposed(const char *url);
/* Whether something secret goes along then: a key, or the password that stands in the address. */
int url_exposes(const char *url, int key);
/* What is said of it, behind the name of what is secret. */
#define URL_EXPOSED "is sent over plain http, where others can read it"

/* A URL for messages: user, password and query left out. Appended. */
void url_show(struct buf *b, const char *url);

#endif
