/* desk_impl: what the files of desk.h share. */
#ifndef FT_REVIEW_DESK_IMPL_H
#define FT_REVIEW_DESK_IMPL_H

#include "desk.h"

/* Reads the rows, with the reasons and labels found in them, in the order of the files. */
int desk_read(struct desk *d, char **files, int pair, struct err *e);

#endif
