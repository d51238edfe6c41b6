/* tell: rows and the state of the desk as JSON, for whoever shows them. */
#ifndef FT_REVIEW_TELL_H
#define FT_REVIEW_TELL_H

#include "desk.h"

/* Writes {"row", "key", "hash", "split", "verdict", "new", "why", "draft", "kind": "text"
 * | "calls" | null, "reference", "others", "answers", "record",
 * "proposals", "related"} as an object. others: what all
 * reviewers say, in an adjudication; answers: null, or the two texts of a pair as they are shown, to which a verdict refers;
 * proposals: each {"text", "from"} (proposal.h); related: the rows that this one's reasons point at, and those
 * with the same input, each {"row", "text", "reference", "verdict"}. */
int tell_row(struct desk *d, size_t row, struct jw *w, struct err *e);

/* desk_words as a JSON string. */
void tell_words(struct desk *d, size_t row, size_t max, struct jw *w);

/* {"who", "pass", "rows", "due", "pairs", "good", "fix", "bad", "skip", "a", "b", "tie", "pending", "error", "rate": {...} |
 * null, "words": of the rate or null, "reasons": [{"reason", "open"}]}. */
void tell_summary(const struct desk *d, struct jw *w);

/* [label, ...]: what the references are, where they are labels; else empty. */
void tell_labels(const struct desk *d, struct jw *w);

#endif
