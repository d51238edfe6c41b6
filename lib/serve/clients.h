/* clients: who may call: keys from a file, one a line, each with a name behind a blank or none.
 *
 *	5f0c...e1 billing
 *
 * Lines that are empty or begin with # are passed over. Kept are SHA-256 sums, which are compared in a
 * time that depends neither on where they differ nor on which of them is meant.
 */
#ifndef FT_SERVE_CLIENTS_H
#define FT_SERVE_CLIENTS_H

#include "../base/buf.h"
#include "../base/err.h"

struct clients;

/* NULL with the reason; a file without a key is refused. */
struct clients *clients_read(const char *path, struct err *e);
void clients_free(struct clients *c);

/* Whether the key is one of them; *name (borrowed) is that of its line, or NULL. */
int clients_know(const struct clients *c, struct span key, const char **name);

#endif
