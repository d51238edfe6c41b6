/* url: what may be said and must be thought of an address before anything is sent there. */
#ifndef FT_NET_URL_H
#define FT_NET_URL_H

#include "../base/buf.h"

/* Whether what is sent there can be read on the way: plain http to another machine. */
int url_is_exposed(const char *url);

/* A URL for messages: user, password and query left out. Appended. */
void url_show(struct buf *b, const char *url);

#endif
