/* head: how much an answer's headers may be. libcurl keeps each of them, and has a limit of its own for
 * a line alone; of trailers (RFC 9112, 7.1.2) and of answers before the answer (100 Continue) it takes
 * any number.
 */
#ifndef FT_NET_HEAD_H
#define FT_NET_HEAD_H

#include <curl/curl.h>
#include <stddef.h>

#define HEAD_MAX ((size_t)256 << 10)

struct head {
	size_t n; /* bytes so far, from the first status line to the last trailer */
};

/* For libcurl's CURLOPT_HEADERFUNCTION: counts a line; non-zero where that is too much. */
int head_add(struct head *h, size_t line);

/* In words, where it was the headers that ended a transfer with code; NULL otherwise. Static. */
const char *head_fault(const struct head *h, CURL *easy, CURLcode code);

#endif
