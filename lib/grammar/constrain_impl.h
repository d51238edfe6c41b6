/* constrain_impl: what the files of constrain share; nobody else includes this. */
#ifndef FT_GRAMMAR_CONSTRAIN_IMPL_H
#define FT_GRAMMAR_CONSTRAIN_IMPL_H

#include "constrain.h"

struct list {
	const struct schema_node **v;
	size_t n, cap;
};

struct job {
	struct list must;
	uint32_t rule;
};

struct compiler {
	struct automaton *a;
	struct err *e;
	struct job *jobs; /* rules to be filled in */
	size_t n_jobs, cap_jobs, done;
	uint32_t space, character, any_number; /* shared rules */
	size_t alternatives;		       /* of the rule in hand */
};

/* "#/where: word is not covered ..."; -1. */
int constrain_cannot(struct compiler *c, const struct schema_node *n, const char *word);
/* The text from a state on, to a new state. */
uint32_t constrain_text(struct compiler *c, uint32_t from, const char *s);

/* Makes c->any_number: a number without limits. */
void constrain_any_number(struct compiler *c);
/* Numbers (integers only, where types says so) within the limits of all. */
int constrain_number(struct compiler *c, const struct list *all, int types, uint32_t from,
		     uint32_t to);

/* Adds the JSON strings whose content the pattern matches: from, an opening quote, ..., to. where
 * is for reasons. */
int constrain_pattern(struct automaton *a, uint32_t from, uint32_t to, const char *pattern,
		      const char *where, struct err *e);

#endif
