/* constrain: answers held to a JSON Schema while they are written.
 *
 * The schema becomes an automaton over the bytes of JSON text (automaton.h), and before each token
 * those that cannot come next are struck out. What is written is always valid under the schema; not
 * all that is valid can be written:
 *
 *	members come in the order of `properties`, optional ones may be left out; where `properties`
 *	are given and additionalProperties is not, there are no others; other names are made of
 *	ASCII letters, digits and _ $ . - and space;
 *
 *	white space is none, one space, or a newline and up to 32 spaces; before the value none, a
 *	space or a newline;
 *
 *	integers have up to 19 digits, other numbers up to 20 before and after the point and an
 *	exponent of up to two;
 *
 *	values of enum and const are written compactly, e-mail addresses, URIs and IPv6 addresses in
 *	their plain forms.
 *
 * Covered: all of lib/json/schema.h but what cannot be told while writing, which is refused by
 * name: not, if, contains, uniqueItems, multipleOf, patternProperties, propertyNames,
 * minProperties, maxProperties, dependent*, oneOf whose alternatives are not plainly exclusive,
 * patterns with look-around, \b, \p or back references, pattern or format beside limits of length,
 * and limits of a number (not integer) that are no integers. Beside enum or const everything is
 * covered, for each value is checked when the schema is compiled.
 */
#ifndef FT_LM_CONSTRAIN_H
#define FT_LM_CONSTRAIN_H

#include <stddef.h>
#include <stdint.h>
#include "../json/schema.h"
#include "automaton.h"
#include "tokenizer.h"

/* The language of a schema as an automaton of its own; NULL with the reason. free with
 * automaton_free. */
struct automaton *constrain_compile(const struct schema *s, struct err *e);

/* Adds the JSON strings whose content the pattern matches: from, an opening quote, ..., to. where
 * is for reasons. Internal to constrain*.c. */
int constrain_pattern(struct automaton *a, uint32_t from, uint32_t to, const char *pattern,
		      const char *where, struct err *e);

/* --- over a vocabulary --- */

struct lm_vocabulary; /* the tokens' bytes in order; shared by all grammars of a model */
struct lm_vocabulary *lm_vocabulary_new(const struct tokenizer *t, size_t vocab,
					const int32_t *stops, size_t n_stops);
void lm_vocabulary_free(struct lm_vocabulary *v);

struct lm_grammar;
/* v is borrowed. */
struct lm_grammar *lm_grammar_new(const struct schema *s, const struct lm_vocabulary *v,
				  struct err *e);
void lm_grammar_free(struct lm_grammar *g);

uint32_t lm_grammar_start(struct lm_grammar *g);
/* A bit for each id that may come next, the stops where the answer may end; valid until the next
 * call of lm_grammar_next. All zero where nothing may come. */
const uint32_t *lm_grammar_mask(struct lm_grammar *g, uint32_t at);
/* Behind an id that was allowed. */
uint32_t lm_grammar_next(struct lm_grammar *g, uint32_t at, int32_t id);
/* The answer is complete and nothing can be added. */
int lm_grammar_ended(struct lm_grammar *g, uint32_t at);

#endif
