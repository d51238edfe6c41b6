/* trial: each target of the routes asked once, for one token, before anybody depends on it. */
#ifndef FT_SERVE_TRIAL_H
#define FT_SERVE_TRIAL_H

#include "routes.h"

/* Tells of each target: what is NULL where it answers, else why it does not, in words. */
typedef void trial_tell(void *arg, const char *target, double seconds, const char *what);

/* Returns how many do not answer, -1 with the reason where nothing can be asked. A target that takes
 * the clients' keys is asked with key (may be NULL). threads: of local models. */
int trial_run(const struct routes *r, const char *key, double timeout, int threads,
	      int (*stopping)(void), trial_tell *tell, void *arg, struct err *e);

#endif
