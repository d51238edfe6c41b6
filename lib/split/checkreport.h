/* checkreport: the answers of a check as JSON Lines or as a table. Each returns the number of leaks found. */
#ifndef FT_CHECKREPORT_H
#define FT_CHECKREPORT_H

#include "check.h"

/* files: the names of train and test. */
int check_lines(const struct check *c, const struct check_options *o, char **files, struct buf *b);
int check_table(const struct check *c, const struct check_options *o, struct buf *b);

#endif
