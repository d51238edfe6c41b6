/* several: a handful of local models behind one backend, for juries.
 *
 * The model's name is a list, `./a,./b`; each request names one of them (backend_request.model), or
 * gets the first. Each model has its own cache of keys and values and runs in turn; weights stand
 * in memory side by side.
 */
#ifndef FT_LM_SEVERAL_H
#define FT_LM_SEVERAL_H

#include "../text/backend.h"

#define LM_SEVERAL 16

/* Also opens a single one, like lm_open_local. */
backend_open_local lm_open_several;

/* Whether a model's name means one on this machine. */
int lm_is_local(const char *name);

#endif
