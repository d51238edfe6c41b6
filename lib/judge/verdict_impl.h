/* verdict_impl: what verdict.c (values, objects, the whole reply), verdict_words.c (verdicts in a line of
 * words, and what quotes or denies one) and verdict_prose.c (what running text says of one) share;
 * nobody else includes this. */
#ifndef FT_JUDGE_VERDICT_IMPL_H
#define FT_JUDGE_VERDICT_IMPL_H

#include "verdict.h"

enum { NO_VALUE = -1000000 };

/* A verdict in a line. exact: nothing else is there, so that it may be read; what is not exact does
 * contradict. */
struct verdict_claim {
	int value, exact, brackets;
	struct span label, word;
};

/* A value in words, exactly. */
int verdict_read_value(struct span s, struct verdict_scale scale);

/* Without white space at its ends. */
struct span verdict_trim(struct span s);

/* The whole of s, in any case. */
int verdict_is_word(struct span s, const char *word);

/* A whole number on the scale, also as 4.0 or 4/5. */
int verdict_read_score(struct span s, struct verdict_scale scale);

/* The JSON object that text is, mended where that is needed. scratch holds a mended one. */
int verdict_as_object(struct span text, struct buf *scratch, struct span *object);

/* The length of a token of a chat template that a server let through: <|im_end|>, </s>. */
size_t verdict_special_token(struct span s);

/* The letters that s begins with. */
struct span verdict_letters(struct span s);

/* A line that begins with three back quotes or tildes. */
int verdict_is_fence(struct span line);

/* Whether an object with the same content stands in the candidate's text: then the judge may be
 * quoting. So it may where the text takes too long to search. */
int verdict_quoted_object(struct span object, struct span candidate);

/* `Verdict: PASS`, `2. **Final score:** 4/5`, `[[A]]`, `<verdict>FAIL</verdict>`. lone: the bare word
 * counts too. */
struct verdict_claim verdict_read_line(struct span line, struct verdict_scale scale, int lone);

/* A heading over a verdict: `### Score`. */
int verdict_is_label(struct span line, struct verdict_scale scale);

/* Takes the first line off. */
struct span verdict_next_line(struct span *rest);

/* Whether the candidate's text holds this verdict too: one with a label or brackets anywhere, a
 * bare word between marks or as a line. */
int verdict_quoted_claim(const struct verdict_claim *c, struct verdict_scale scale,
			 struct span candidate);

/* Whether one of the words, NULL-terminated, stands in s as a word; isn't is "not". */
int verdict_has_word(struct span s, const char *const *words);

/* Whether what stands ahead of a verdict goes on into it with a negation, a condition, or as an
 * example or a quotation: `The answer does not` above `PASS`. */
int verdict_leads_on(struct span before);

/* s in plain signs (full-width ones, dashes, special tokens made plain), written to `to`. */
struct span verdict_plain(struct span s, struct buf *to);

/* Whether running text says FAIL, or that what was asked for is not met, in earnest. */
int verdict_speaks_of_fail(struct span text);

/* Whether what stands behind FAIL only says why: (wrong city), - wrong city. */
int verdict_says_why(struct span then);

/* In any case. */
int verdict_starts_with(struct span s, const char *word);

/* s less its first n bytes. */
struct span verdict_behind(struct span s, size_t n);

/* What the value's text claims: all of it, or the word or number that it begins with. */
void verdict_claim_value(struct span s, struct verdict_scale scale, struct verdict_claim *c);

/* The end of the object or array that opens at s, by its brackets, strings skipped; NULL where it
 * does not close. */
const char *verdict_closing(struct span s);

#endif
