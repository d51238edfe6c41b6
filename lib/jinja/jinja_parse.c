/* The statements of Jinja2's grammar: text, {{ output }} and {% tags %}. */
#include <stdlib.h>
#include <string.h>
#include "jinja_parse.h"

static struct jnode *body(struct jparser *p, const char *const *ends);

static int block_end(struct jparser *p)
{
	if (p->k->kind != T_BLOCK_END)
		return jp_unexpected(p);
	p->k++;
	return 0;
}

/* The closing tag of which body() stopped at the name. */
static int close_block(struct jparser *p)
{
	p->k++;
	return block_end(p);
}

static int targets(struct jparser *p, struct jnode *n, int attributes)
{
	struct jnodes l = {0};
	int bracket = jp_take_op(p, "(");

	do {
		struct jnode *x;

		if (p->k->kind != T_NAME) {
			if (l.n && bracket && jp_is_op(p, ")"))
				break;
			jp_unexpected(p);
			goto failed;
		}
		if (!(x = jp_node(p, N_NAME)))
			goto failed;
		x->name = p->k++->s;
		if (attributes && jp_take_op(p, ".")) {
			struct jnode *a = jp_node(p, N_ATTR);

			if (!a || p->k->kind != T_NAME) {
				jp_unexpected(p);
				goto failed;
			}
			a->a = x;
			a->name = p->k++->s;
			x = a;
		}
		jnodes_add(&l, x);
		if (!jp_is_op(p, ","))
			break;
		n->unpack = 1;
	} while (jp_take_op(p, ","));
	if (bracket && jp_want_op(p, ")"))
		goto failed;
	return jnodes_move(p, &l, &n->targets, &n->ntargets);
failed:
	free(l.v);
	return -1;
}

static struct jnode *statement_if(struct jparser *p, struct jnode *n)
{
	static const char *const ends[] = {"elif", "else", "endif", NULL};
	struct jnodes l = {0};
	struct jnode *x;
	int last = 0;

	for (;;) {
		x = NULL;
		if (!last && !(x = jp_tuple(p, 0)))
			goto failed;
		jnodes_add(&l, x);
		if (block_end(p) || !(x = body(p, ends + 2 * last)))
			goto failed;
		jnodes_add(&l, x);
		if (jp_is_name(p, "endif"))
			break;
		last = jp_is_name(p, "else");
		p->k++;
	}
	if (jnodes_move(p, &l, &n->list, &n->n) || close_block(p))
		return NULL;
	return n;
failed:
	free(l.v);
	return NULL;
}

static struct jnode *statement_for(struct jparser *p, struct jnode *n)
{
	static const char *const ends[] = {"else", "endfor", NULL};
	struct jnode *x;

	if (targets(p, n, 0))
		return NULL;
	if (!jp_take_name(p, "in")) {
		jp_unexpected(p);
		return NULL;
	}
	if (!(n->a = jp_tuple(p, 1)))
		return NULL;
	if (jp_take_name(p, "if") && !(n->b = jp_tuple(p, 0)))
		return NULL;
	if (jp_is_name(p, "recursive")) {
		jp_fail(p, "recursive loops are not supported", (struct span){NULL, 0});
		return NULL;
	}
	p->loops++;
	if (block_end(p) || !(x = body(p, ends)))
		return NULL;
	p->loops--;
	n->list = x->list;
	n->n = x->n;
	if (jp_take_name(p, "else") && (block_end(p) || !(n->c = body(p, ends + 1))))
		return NULL;
	return close_block(p) ? NULL : n;
}

/* The body of n up to {% end %}. */
static struct jnode *with_body(struct jparser *p, struct jnode *n, const char *end)
{
	const char *const ends[] = {end, NULL};
	struct jnode *x;

	if (block_end(p) || !(x = body(p, ends)))
		return NULL;
	n->list = x->list;
	n->n = x->n;
	p->k++;
	/* {% endmacro name %} */
	if (p->k->kind == T_NAME && (n->kind == N_MACRO || n->kind == N_CALL_BLOCK))
		p->k++;
	return block_end(p) ? NULL : n;
}

static struct jnode *statement_set(struct jparser *p, struct jnode *n)
{
	if (targets(p, n, 1))
		return NULL;
	if (jp_take_op(p, "=")) {
		if (!(n->a = jp_tuple(p, 0)) || block_end(p))
			return NULL;
		return n;
	}
	n->kind = N_SET_BLOCK;
	while (jp_take_op(p, "|"))
		if (!(n->a = jp_filter(p, n->a)))
			return NULL;
	return with_body(p, n, "endset");
}

/* The same for a macro or a call block: a loop around it is none of its own. */
static struct jnode *macro_body(struct jparser *p, struct jnode *n, const char *end)
{
	int loops = p->loops;

	p->loops = 0;
	n = with_body(p, n, end);
	p->loops = loops;
	return n;
}

static struct jnode *statement_macro(struct jparser *p, struct jnode *n)
{
	if (p->k->kind != T_NAME) {
		jp_unexpected(p);
		return NULL;
	}
	n->name = p->k++->s;
	if (jp_want_op(p, "(") || jp_arguments(p, 1, &n->args, &n->nargs))
		return NULL;
	return macro_body(p, n, "endmacro");
}

static struct jnode *statement_call(struct jparser *p, struct jnode *n)
{
	n->name = span_of("caller");
	if (jp_take_op(p, "(") && jp_arguments(p, 1, &n->args, &n->nargs))
		return NULL;
	if (!(n->a = jp_expression(p)))
		return NULL;
	if (n->a->kind != N_CALL) {
		jp_fail(p, "{% call %} needs a call", (struct span){NULL, 0});
		return NULL;
	}
	return macro_body(p, n, "endcall");
}

static struct jnode *statement_with(struct jparser *p, struct jnode *n)
{
	struct jarg a[32];

	while (p->k->kind != T_BLOCK_END) {
		if (n->nargs && jp_want_op(p, ","))
			return NULL;
		if (n->nargs == 32 || p->k->kind != T_NAME) {
			jp_unexpected(p);
			return NULL;
		}
		a[n->nargs].name = p->k++->s;
		if (jp_want_op(p, "=") || !(a[n->nargs].value = jp_expression(p)))
			return NULL;
		n->nargs++;
	}
	n->args = arena_get(&p->t->arena, 32 * sizeof *a);
	if (!n->args)
		return NULL;
	memcpy(n->args, a, n->nargs * sizeof *a);
	return with_body(p, n, "endwith");
}

static struct jnode *statement(struct jparser *p)
{
	static const struct {
		const char *name;
		enum jnode_kind kind;
	} tags[] = {
		{"if", N_IF},
		{"for", N_FOR},
		{"set", N_SET},
		{"macro", N_MACRO},
		{"call", N_CALL_BLOCK},
		{"filter", N_FILTER_BLOCK},
		{"with", N_WITH},
		{"break", N_BREAK},
		{"continue", N_CONTINUE},
		{"generation", N_GENERATION},
	};
	struct jnode *n;
	struct span name = p->k->s;
	size_t i;

	if (p->k->kind != T_NAME) {
		jp_unexpected(p);
		return NULL;
	}
	for (i = 0; i < sizeof tags / sizeof *tags; i++)
		if (span_is(name, tags[i].name))
			break;
	if (i == sizeof tags / sizeof *tags) {
		jp_fail(p, "unknown tag", name);
		return NULL;
	}
	if (!(n = jp_node(p, tags[i].kind)))
		return NULL;
	p->k++;
	switch (n->kind) {
	case N_IF:
		return statement_if(p, n);
	case N_FOR:
		return statement_for(p, n);
	case N_SET:
		return statement_set(p, n);
	case N_MACRO:
		return statement_macro(p, n);
	case N_CALL_BLOCK:
		return statement_call(p, n);
	case N_FILTER_BLOCK:
		do {
			if (!(n->a = jp_filter(p, n->a)))
				return NULL;
		} while (jp_take_op(p, "|"));
		return with_body(p, n, "endfilter");
	case N_WITH:
		return statement_with(p, n);
	case N_GENERATION:
		return with_body(p, n, "endgeneration");
	default: /* break, continue */
		if (!p->loops) {
			jp_fail(p, "outside of a loop:", name);
			return NULL;
		}
		return block_end(p) ? NULL : n;
	}
}

/* Statements up to a block tag whose name is among ends (NULL-terminated; NULL: the end of the
 * template); the name is the token then looked at. */
static struct jnode *body(struct jparser *p, const char *const *ends)
{
	struct jnode *n = jp_node(p, N_LIST), *x;
	struct jnodes l = {0};
	int line = p->k->line;

	if (!n || jp_enter(p))
		return NULL;
	for (;;) {
		const char *const *end;

		if (p->k->kind == T_TEXT) {
			if (!(x = jp_node(p, N_TEXT)))
				goto failed;
			x->value = jv_string(p->k++->s);
		} else if (p->k->kind == T_VAR_BEGIN) {
			if (!(x = jp_node(p, N_OUTPUT)))
				goto failed;
			p->k++;
			if (!(x->a = jp_tuple(p, 0)))
				goto failed;
			if (p->k->kind != T_VAR_END) {
				jp_unexpected(p);
				goto failed;
			}
			p->k++;
		} else if (p->k->kind == T_BLOCK_BEGIN) {
			p->k++;
			for (end = ends; end && *end; end++)
				if (jp_is_name(p, *end))
					goto done;
			if (!(x = statement(p)))
				goto failed;
		} else if (p->k->kind == T_END && !ends) {
			goto done;
		} else {
			if (ends)
				err_set(p->e, "%s:%d: no {%% %s %%} for the block that begins here",
					p->t->name, line,
					ends[1] && ends[2] ? ends[2]
					: ends[1]	   ? ends[1]
							   : ends[0]);
			else
				jp_unexpected(p);
			goto failed;
		}
		jnodes_add(&l, x);
	}
done:
	p->nest--;
	return jnodes_move(p, &l, &n->list, &n->n) ? NULL : n;
failed:
	free(l.v);
	return NULL;
}

int jinja_parse(struct jinja *t, const struct jtokens *tokens, struct err *e)
{
	struct jparser p = {.t = t, .k = tokens->v, .e = e};

	t->root = body(&p, NULL);
	return t->root ? 0 : -1;
}
