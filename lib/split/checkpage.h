/* checkpage: the answers of a check as one self-contained HTML page, with the rows that leak side
 * by side and train drawn against test.
 */
#ifndef FT_CHECKPAGE_H
#define FT_CHECKPAGE_H

#include "check.h"

/* files: the names of train and test. The rows shown are read from them again; where that cannot be
 * (a pipe), their ids stand alone. */
void check_page(const struct check *c, const struct check_options *o, char **files, struct buf *b);

#endif
