/* check_page: the answers of a check as one self-contained HTML page, with the rows that leak side
 * by side and train drawn against test.
 */
#ifndef FT_SPLIT_CHECK_PAGE_H
#define FT_SPLIT_CHECK_PAGE_H

#include "check.h"

/* files: the names of train and test; command: how it was asked for. The rows shown are read from them
 * again; of a pipe, which is read once, their ids stand alone. -1 where a file cannot be read again. */
int split_check_page(const struct split_check *c, const struct split_check_options *o, char **files,
		     const char *command, struct buf *b, struct err *e);

#endif
