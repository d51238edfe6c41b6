/* checkreport: the answers of a check as JSON Lines or as a table. Each returns the number of leaks
 * found. */
#ifndef FT_CHECKREPORT_H
#define FT_CHECKREPORT_H

#include "check.h"

/* files: the names of train and test. */
int check_lines(const struct check *c, const struct check_options *o, char **files, struct buf *b);
int check_table(const struct check *c, const struct check_options *o, struct buf *b);

/* How many answers are leaks, and how many warnings. */
int check_leaks(const struct check *c, int *warnings);
const char *check_verdict_name(const struct answer *a);

#endif
