/* routes_impl: what the files of routes share; nobody else includes this. */
#ifndef FT_SERVE_ROUTES_IMPL_H
#define FT_SERVE_ROUTES_IMPL_H

#include "routes.h"

/* Frees what t holds. */
void routes_target_release(struct routes_target *t);

#endif
