/* secret: what must not be shown: keys, tokens, the values of headers.
 *
 * A server may send back what it was sent, in the text of an error, in a header, within an answer.
 * All that comes from a server is therefore searched for the secrets that went to it, before
 * anything else reads it or cuts it short, and each is overwritten by as many asterisks: as it is,
 * with JSON's escapes, percent-encoded, or within base64 of either alphabet. So is the larger part
 * of one that a server shows cut short. JSON stays JSON, and lengths stay.
 *
 * What is shorter than SECRET_MIN is no secret: `none`, as servers without keys want it, is a word
 * of answers too.
 *
 * Threads: a set may be read from several while nobody adds to it.
 */
#ifndef FT_NET_SECRET_H
#define FT_NET_SECRET_H

#include "../base/buf.h"

#define SECRET_MIN 8 /* bytes */

/* A zeroed set is empty and valid. */
struct secrets {
	struct secret *v;
	size_t n, cap;
	unsigned char begins[256]; /* whether some form of a secret begins with this byte */
};
void secrets_release(struct secrets *s); /* overwritten first */

/* A copy is kept; one too short, or there already, changes nothing. */
void secrets_add(struct secrets *s, struct span secret);
/* Of a line "Name: value" each word of the value, unless the name says that it is none: what is
 * accepted, which version of a protocol is spoken, who asks. */
void secrets_add_header(struct secrets *s, const char *line);
/* Whether a name of n bytes, of a header or of what a query sets, speaks of what opens doors: of keys,
 * tokens, secrets, cookies, credentials or authorization. */
int secrets_is_named(const char *name, size_t n);
/* Whether the name has the part in it, which is lower case; any case. */
int secrets_name_has(const char *name, size_t n, const char *part);
/* Of a URL: its password, and what its query sets under names such as key, token, sig. */
void secrets_add_url(struct secrets *s, const char *url);

/* Overwrites each secret in the n bytes at text. */
void secrets_mask(const struct secrets *s, char *text, size_t n);

/* Appends n bytes that come in pieces to b, those before b->len = from having been masked already.
 * Returns up to where b is masked and final; what stands behind may be a secret's beginning, so
 * pass that as from with the next piece. The last piece is given with last set, and all is final
 * then. */
size_t secrets_mask_more(const struct secrets *s, struct buf *b, size_t from, int last);

#endif
