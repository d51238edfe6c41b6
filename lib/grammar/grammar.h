/* lib/grammar: answers held to a JSON Schema: schema to automaton (constrain), automaton to token
 * mask (grammar).
 *
 * grammar: which tokens may come next in an answer that is held to a JSON Schema.
 *
 * The schema's automaton over bytes (constrain.h) is walked by the bytes of each token of a
 * vocabulary; a mask of tokens is made for each state that is met, and kept.
 */
#ifndef FT_GRAMMAR_GRAMMAR_H
#define FT_GRAMMAR_GRAMMAR_H

#include <stddef.h>
#include <stdint.h>
#include "../json/schema.h"
#include "../token/tokenizer.h"

struct grammar_vocabulary; /* the tokens' bytes in order; shared by all grammars of a model */
struct grammar_vocabulary *grammar_vocabulary_new(const struct tokenizer *t, size_t vocab,
						  const int32_t *stops, size_t n_stops);
void grammar_vocabulary_free(struct grammar_vocabulary *v);

struct grammar;
/* v is borrowed. */
struct grammar *grammar_new(const struct schema *s, const struct grammar_vocabulary *v,
			    struct err *e);
void grammar_free(struct grammar *g);

uint32_t grammar_start(struct grammar *g);
/* A bit for each id that may come next, the stops where the answer may end; valid until the next
 * call of grammar_next. All zero where nothing may come. */
const uint32_t *grammar_mask(struct grammar *g, uint32_t at);
/* Behind an id that was allowed. */
uint32_t grammar_next(struct grammar *g, uint32_t at, int32_t id);
/* The answer is complete and nothing can be added. */
int grammar_ended(struct grammar *g, uint32_t at);

#endif
