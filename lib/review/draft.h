/* draft: edits that were begun and not yet decided, kept in JOURNAL.drafts beside the journal, so
 * that a closed browser or a stopped server loses nothing. JSON Lines {"who", "key", "row", "text"}
 * as in the journal; the file is there only while there are any.
 */
#ifndef FT_REVIEW_DRAFT_H
#define FT_REVIEW_DRAFT_H

#include <stddef.h>
#include "../base/err.h"
#include "key.h"

struct draft {
	char *who, *text;
	char key[KEY_TEXT], row[33];
};

struct drafts {
	char *path;
	struct draft *v;
	size_t n, cap;
};

/* Reads what an earlier run left; lines that cannot be read are dropped. */
void drafts_open(struct drafts *d, const char *journal);
void drafts_close(struct drafts *d);

/* The reviewer's draft for the row as it is, or NULL. Borrowed until the next put. */
const char *drafts_get(const struct drafts *d, const char *who, const char *key, const char *row);

/* Keeps the text in place of an earlier one, NULL for none. -1: it is kept in memory, but the file
 * could not be written (the reason in e). */
int drafts_put(struct drafts *d, const char *who, const char *key, const char *row,
	       const char *text, struct err *e);

#endif
