/* several: a handful of local models behind one backend, for juries.
 *
 * The model's name is a list, `./a,./b`; each request names one of them (backend_request.model), or
 * gets the first. Each model has its own cache of keys and values and runs in turn; weights stand
 * in memory side by side.
 */
#ifndef FT_INFER_SEVERAL_H
#define FT_INFER_SEVERAL_H

#include "../prompt/backend.h"

#define SEVERAL_MAX 16

/* Also opens a single one, like local_open. */
backend_open_local several_open;

#endif
