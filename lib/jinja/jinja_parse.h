/* What the parser's files share: jinja_cursor.c, jinja_expression.c, jinja_parse.c. Functions that
 * make nodes return NULL, the others -1, with the reason (template and line before it) in p->e.
 * Nodes live in the template's arena. Names begin with j. */
#ifndef FT_JINJA_JINJA_PARSE_H
#define FT_JINJA_JINJA_PARSE_H

#include "jinja_impl.h"

struct jparser {
	struct jinja *t;
	const struct jtoken *k; /* the token looked at */
	int nest;
	int loops; /* for-loops around, within this macro */
	size_t nodes;
	struct err *e;
};

/* A growing list of nodes, moved into the arena when complete. */
struct jnodes {
	struct jnode **v;
	size_t n, cap;
};

/* jinja_cursor.c */

/* The reason is what, and 's' where s is not absent. Always -1. */
int jp_fail(struct jparser *p, const char *what, struct span s);
int jp_unexpected(struct jparser *p); /* the token looked at has no place here */
/* An empty node at the line looked at. */
struct jnode *jp_node(struct jparser *p, enum jnode_kind kind);
int jp_is_op(const struct jparser *p, const char *op);
int jp_is_name(const struct jparser *p, const char *name);
int jp_take_op(struct jparser *p, const char *op); /* 1: it was there and is passed */
int jp_take_name(struct jparser *p, const char *name);
int jp_want_op(struct jparser *p, const char *op); /* fails where it is not there */
/* One nesting deeper; p->nest-- on the way out. */
int jp_enter(struct jparser *p);
void jnodes_add(struct jnodes *l, struct jnode *n);
/* Always empties l; free(l->v) where a list is given up instead. */
int jnodes_move(struct jparser *p, struct jnodes *l, struct jnode ***to, size_t *n);

/* jinja_expression.c */

struct jnode *jp_expression(struct jparser *p);
/* An expression that may be a tuple without brackets: {% set a = 1, 2 %}, {{ 1, 2 }}, for x in a,
 * b. no_if: in the sequence of a for, where `if` begins the loop's filter. */
struct jnode *jp_tuple(struct jparser *p, int no_if);
/* (a, b=c ...) after the opening bracket; definition: names with optional defaults. */
int jp_arguments(struct jparser *p, int definition, struct jarg **to, size_t *count);
/* name or name(args), applied to x (NULL: to what a block holds). */
struct jnode *jp_filter(struct jparser *p, struct jnode *x);

#endif
