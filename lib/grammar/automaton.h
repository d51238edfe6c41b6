/* automaton: which bytes may come next, and so which tokens.
 *
 * A language is given as rules that may call each other (a recursive transition network): states
 * with edges on nothing, on a range of bytes, or through a rule. It is followed as a set of places,
 * each a state and the stack of rules to return to; sets are made into states of a deterministic
 * automaton as they are met, with a table of 256 transitions each, so going through a vocabulary is
 * looking things up. Masks of tokens are kept for each such state.
 *
 * Not for several threads at once, but for masks already asked for.
 */
#ifndef FT_GRAMMAR_AUTOMATON_H
#define FT_GRAMMAR_AUTOMATON_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"

#define AUTOMATON_DEAD UINT32_MAX
#define AUTOMATON_STATES 4000000 /* of the network, at most */
#define AUTOMATON_DEPTH 100	 /* rules within rules, deeper ones are cut off */

struct automaton;

struct automaton *automaton_new(void);
void automaton_free(struct automaton *a);

/* --- building. Numbers of states and rules are handed out; a failed addition (too many) shows in
 * automaton_finish. --- */

uint32_t automaton_state(struct automaton *a);
uint32_t automaton_rule(struct automaton *a);
uint32_t automaton_rule_start(const struct automaton *a, uint32_t rule);
uint32_t automaton_rule_end(const struct automaton *a, uint32_t rule);
void automaton_skip(struct automaton *a, uint32_t from, uint32_t to);
void automaton_bytes(struct automaton *a, uint32_t from, uint32_t to, unsigned lo, unsigned hi);
void automaton_call(struct automaton *a, uint32_t from, uint32_t to, uint32_t rule);
/* The bytes of s in order; a new state behind them is returned. */
uint32_t automaton_text(struct automaton *a, uint32_t from, struct span s);

/* Strikes out what can never come to an end; the language begins with this rule. -1: it is empty
 * ("can never be met"), or too large. */
int automaton_finish(struct automaton *a, uint32_t rule, struct err *e);

/* --- following --- */

uint32_t automaton_start(struct automaton *a);
/* AUTOMATON_DEAD where the byte cannot come. */
uint32_t automaton_next(struct automaton *a, uint32_t at, unsigned char byte);
int automaton_accepts(const struct automaton *a, uint32_t at);
/* Accepts, and no byte can follow. */
int automaton_ended(struct automaton *a, uint32_t at);

#endif
