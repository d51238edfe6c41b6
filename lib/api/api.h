/* lib/api: models behind HTTP: the providers' dialects, streams, batches, the price of a call
 * (prices).
 *
 * api: a model behind an HTTP API as a backend: the one place where requests are repeated,
 * throttled, paid for and given up.
 *
 * Each request in hand is queued, under way, or waiting for its next attempt. At most `jobs` are
 * under way, fewer while the server says 429. A request ends with an answer, with an error that
 * repeating would not mend, after the last retry, or at its deadline; a wait that would pass the
 * deadline is not begun. The key is sent to the base URL's origin only and never appears in any
 * text given back.
 */
#ifndef FT_API_API_H
#define FT_API_API_H

#include "../prompt/backend.h"
#include "dialect.h"
#include "prices.h"

struct api_options {
	const char *model, *base_url, *key; /* key may be NULL: none is sent */
	const char *key_name;	 /* the variable a key would have come from, for error texts */
	const char *api_version; /* Azure */
	/* "Name: value", NULL-terminated, sent with every request: api_headers makes them */
	const char *const *headers;
	enum dialect_kind dialect;
	struct span extra;
	int stream;
	int jobs;
	double rpm, tpm; /* 0: no limit */
	int retries;
	double timeout, deadline; /* seconds */
	struct prices *prices;	  /* may be NULL */
	double max_cost;	  /* US dollars; NaN: no limit (then prices may be NULL) */
	const struct backend_params *params;
	/* the temperature goes only to models of which prices says that they take one */
	int temperature_if_known;
};

/* Makes headers of what the dialect wants and the n lines that the user gave ("Name: value", or
 * "@FILE" with a line for each), which win over it. NULL with the reason; api_headers_free
 * frees. */
char **api_headers(enum dialect_kind d, const char *const *lines, size_t n, struct err *e);
void api_headers_free(char **headers);

/* Everything in o is borrowed for the backend's life. */
int api_open(struct backend *b, const struct api_options *o, struct err *e);

#endif
