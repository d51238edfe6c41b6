/* What both halves of the parser stand on: looking at tokens and taking them, making nodes,
 * complaining. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "jinja_parse.h"

int jp_fail(struct jparser *p, const char *what, struct span s)
{
	return err_set(p->e, "%s:%d: %s%s%.*s%s", p->t->name, p->k->line, what, s.s ? " '" : "",
		       s.n > 100 ? 100 : (int)s.n, s.s ? s.s : "", s.s ? "'" : "");
}

static struct span shown(const struct jtoken *k)
{
	switch (k->kind) {
	case T_VAR_END:
		return span_of("}}");
	case T_BLOCK_END:
		return span_of("%}");
	case T_STRING:
		return span_of("a string");
	case T_END:
		return span_of("the end of the template");
	default:
		return k->s;
	}
}

int jp_unexpected(struct jparser *p)
{
	return jp_fail(p, "unexpected", shown(p->k));
}

struct jnode *jp_node(struct jparser *p, enum jnode_kind kind)
{
	struct jnode *n = ++p->nodes > JINJA_NODES_MAX ? NULL : arena_get(&p->t->arena, sizeof *n);

	if (!n) {
		jp_fail(p, "the template is too large", (struct span){NULL, 0});
		return NULL;
	}
	n->kind = kind;
	n->line = p->k->line;
	return n;
}

int jp_is_op(const struct jparser *p, const char *op)
{
	return p->k->kind == T_OP && span_is(p->k->s, op);
}

int jp_is_name(const struct jparser *p, const char *name)
{
	return p->k->kind == T_NAME && span_is(p->k->s, name);
}

int jp_take_op(struct jparser *p, const char *op)
{
	if (!jp_is_op(p, op))
		return 0;
	p->k++;
	return 1;
}

int jp_take_name(struct jparser *p, const char *name)
{
	if (!jp_is_name(p, name))
		return 0;
	p->k++;
	return 1;
}

int jp_want_op(struct jparser *p, const char *op)
{
	return jp_take_op(p, op) ? 0
				 : err_set(p->e, "%s:%d: expected '%s' before '%.*s'", p->t->name,
					   p->k->line, op, (int)shown(p->k).n, shown(p->k).s);
}

void jnodes_add(struct jnodes *l, struct jnode *n)
{
	if (l->n == l->cap)
		l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n++] = n;
}

int jnodes_move(struct jparser *p, struct jnodes *l, struct jnode ***to, size_t *n)
{
	*to = arena_get(&p->t->arena, (l->n + 1) * sizeof **to);
	if (*to && l->n)
		memcpy(*to, l->v, l->n * sizeof **to);
	*n = l->n;
	free(l->v);
	return *to ? 0 : jp_fail(p, "the template is too large", (struct span){NULL, 0});
}

int jp_enter(struct jparser *p)
{
	return ++p->nest > JINJA_NEST_MAX ? jp_fail(p, "nested too deep", (struct span){NULL, 0})
					  : 0;
}
