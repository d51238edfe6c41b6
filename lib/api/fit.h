/* fit: what models do not take of what they are asked with.
 *
 * Models that reason refuse a temperature, want the limit under another name, know no stop; which,
 * only the server knows, and it says so with a 400 that names the parameter. Such a parameter is left
 * out of all further requests to that model, or given its other name. What --extra put there stays:
 * the user wrote it for this server.
 */
#ifndef FT_API_FIT_H
#define FT_API_FIT_H

#include "../json/json.h"

/* One model's, in a list. */
struct fit {
	struct fit *next;
	char *model;
	unsigned without; /* bits of parameters, in the order of fit.c's table */
	unsigned refused; /* of them, what the server refused */
	int proven;	  /* the server had nothing against the rest */
	size_t answers;
	double since; /* when its first request went out since then; 0: none did */
};

struct fits {
	struct fit *first;
	struct span extra; /* borrowed; may be absent */
};

void fits_release(struct fits *f);

/* The model's, which is made where there is none yet. */
struct fit *fit_of(struct fits *f, const char *model);

/* The parameter that an error (a body, maybe no JSON) says the model does not take, among those of
 * the request that may be left out or renamed: its bit, or 0. */
unsigned fit_refused(const struct fits *f, struct span error, struct span request);
/* The bit of a parameter by its name. */
unsigned fit_bit(const char *name);
/* Whether the request has a parameter that could be refused. */
int fit_risky(const struct fits *f, struct span request);

/* Appends the request (an object) less what the model does not take. */
void fit_apply(const struct fits *f, const struct fit *model, struct span request, struct buf *to);

/* Appends what becomes of the parameters of these bits: "without temperature, with
 * max_completion_tokens for max_tokens". */
void fit_say(unsigned bits, struct buf *text);

/* What was refused (but for an effort, which a model may have in other words), as {"model": ["temperature", ...]}, and the same read again; what is none is passed
 * over. */
void fits_write(const struct fits *f, struct buf *json);
void fits_read(struct fits *f, struct span json);

#endif
