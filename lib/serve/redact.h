/* redact: personal data taken out of what is written down or sent to other hosts.
 *
 * What is found in a string's decoded text is replaced by its kind in brackets: "[mail]". What counts
 * as personal is lib/text/personal's business; beside its kinds a pattern of one's own (PCRE2) may
 * name any text. Strings that hold JSON, as the arguments of tool calls do, are read as text too.
 */
#ifndef FT_SERVE_REDACT_H
#define FT_SERVE_REDACT_H

#include "../json/json.h"
#include "../json/jw.h"

struct redact;

/* From the array of a routes file or of --redact: "mail", "phone", ... or {"regex": TEXT, "as": NAME}. NULL
 * with the reason; an empty array gives one that takes out nothing. */
struct redact *redact_new(struct span list, struct err *e);
void redact_free(struct redact *r);

/* How often each thing was replaced, in the order of the list. One is for all of a record: what its
 * patterns may take beside what its length takes is bounded, to some tenths of a second, and where that is
 * spent a text that is not matched at once counts as found to its end. */
struct redact_counts {
	size_t n[16];
	uint64_t steps; /* that were given to patterns that backtrack */
};

/* A checked JSON value with every string (names of members too) and every number cleaned, appended. r
 * may be NULL: nothing is replaced. Returns how many were replaced. */
size_t redact_json(const struct redact *r, struct span value, struct buf *out,
		   struct redact_counts *counts);

/* Plain text, likewise; valid UTF-8. */
size_t redact_text(const struct redact *r, struct span text, struct buf *out,
		   struct redact_counts *counts);

/* What was replaced, as the member `redacted`: {"mail": 2}; nothing where nothing was. */
void redact_put(const struct redact *r, const struct redact_counts *counts, struct jw *w);

#endif
