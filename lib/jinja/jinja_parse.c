/* Tokens into a tree, by recursive descent along Jinja2's own grammar. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "jinja_impl.h"

struct parser {
	struct jinja *t;
	const struct jtoken *k; /* the token looked at */
	int nest;
	int loops;  /* for-loops around, within this macro */
	size_t nodes;
	struct err *e;
};

static int fail(struct parser *p, const char *what, struct span s)
{
	return err_set(p->e, "%s:%d: %s%s%.*s%s", p->t->name, p->k->line, what, s.s ? " '" : "", s.n > 100 ? 100 : (int)s.n, s.s ? s.s : "",
		       s.s ? "'" : "");
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

static int unexpected(struct parser *p)
{
	return fail(p, "unexpected", shown(p->k));
}

static struct jnode *node(struct parser *p, enum jnode_kind kind)
{
	struct jnode *n = ++p->nodes > JINJA_NODES_MAX ? NULL : jarena_get(&p->t->arena, sizeof *n);

	if (!n) {
		fail(p, "the template is too large", (struct span){NULL, 0});
		return NULL;
	}
	n->kind = kind;
	n->line = p->k->line;
	return n;
}

static int is_op(const struct parser *p, const char *op)
{
	return p->k->kind == T_OP && span_is(p->k->s, op);
}

static int is_name(const struct parser *p, const char *name)
{
	return p->k->kind == T_NAME && span_is(p->k->s, name);
}

static int take_op(struct parser *p, const char *op)
{
	if (!is_op(p, op))
		return 0;
	p->k++;
	return 1;
}

static int take_name(struct parser *p, const char *name)
{
	if (!is_name(p, name))
		return 0;
	p->k++;
	return 1;
}

static int want_op(struct parser *p, const char *op)
{
	return take_op(p, op) ? 0 : err_set(p->e, "%s:%d: expected '%s' before '%.*s'", p->t->name, p->k->line, op, (int)shown(p->k).n,
					    shown(p->k).s);
}

/* A growing list of nodes, moved into the arena when complete. */
struct nodes {
	struct jnode **v;
	size_t n, cap;
};

static void nodes_add(struct nodes *l, struct jnode *n)
{
	if (l->n == l->cap)
		l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n++] = n;
}

static int nodes_move(struct parser *p, struct nodes *l, struct jnode ***to, size_t *n)
{
	*to = jarena_get(&p->t->arena, (l->n + 1) * sizeof **to);
	if (*to && l->n)
		memcpy(*to, l->v, l->n * sizeof **to);
	*n = l->n;
	free(l->v);
	return *to ? 0 : fail(p, "the template is too large", (struct span){NULL, 0});
}

static struct jnode *expression(struct parser *p);
static struct jnode *unary(struct parser *p, int filters);

static int enter(struct parser *p)
{
	return ++p->nest > JINJA_NEST_MAX ? fail(p, "nested too deep", (struct span){NULL, 0}) : 0;
}

/* --- expressions --- */

/* (a, b=c ...) after the opening bracket; definitions: names with optional defaults. */
static int arguments(struct parser *p, int definition, struct jarg **to, size_t *count)
{
	struct jarg *v = NULL;
	size_t n = 0, cap = 0;
	int keyword = 0;

	while (!take_op(p, ")")) {
		struct jarg a = {{NULL, 0}, NULL};

		if (n && want_op(p, ","))
			goto failed;
		if (n && take_op(p, ")"))
			break;
		if (is_op(p, "*") || is_op(p, "**")) {
			fail(p, "argument lists with * are not supported", (struct span){NULL, 0});
			goto failed;
		}
		if (p->k->kind == T_NAME && p->k[1].kind == T_OP && span_is(p->k[1].s, "=")) {
			a.name = p->k->s;
			p->k += 2;
			keyword = 1;
			if (!(a.value = expression(p)))
				goto failed;
		} else if (definition) {
			if (p->k->kind != T_NAME) {
				unexpected(p);
				goto failed;
			}
			a.name = p->k++->s;
		} else if (keyword) {
			fail(p, "a positional argument after one with a name", (struct span){NULL, 0});
			goto failed;
		} else if (!(a.value = expression(p))) {
			goto failed;
		}
		if (n == cap)
			v = mem_grow(v, &cap, n + 1, sizeof *v);
		v[n++] = a;
	}
	*to = jarena_get(&p->t->arena, (n + 1) * sizeof **to);
	if (!*to) {
		fail(p, "the template is too large", (struct span){NULL, 0});
		goto failed;
	}
	if (n)
		memcpy(*to, v, n * sizeof *v);
	*count = n;
	free(v);
	return 0;
failed:
	free(v);
	return -1;
}

/* Items up to the closing bracket. */
static int items(struct parser *p, const char *close, int pairs, struct nodes *l)
{
	int first = 1;

	while (!take_op(p, close)) {
		struct jnode *x;

		if (!first && want_op(p, ","))
			return -1;
		if (!first && take_op(p, close))
			break;
		first = 0;
		if (!(x = expression(p)))
			return -1;
		nodes_add(l, x);
		if (pairs) {
			if (want_op(p, ":") || !(x = expression(p)))
				return -1;
			nodes_add(l, x);
		}
	}
	return 0;
}

static struct jnode *bracketed(struct parser *p, enum jnode_kind kind, const char *close, int pairs)
{
	struct jnode *n = node(p, kind);
	struct nodes l = {0};

	if (!n)
		return NULL;
	if (items(p, close, pairs, &l)) {
		free(l.v);
		return NULL;
	}
	return nodes_move(p, &l, &n->list, &n->n) ? NULL : n;
}

static struct jnode *literal(struct parser *p, struct jv v)
{
	struct jnode *n = node(p, N_LITERAL);

	if (n)
		n->value = v;
	return n;
}

/* ( ... ): a tuple where there is a comma, else what is inside. */
static struct jnode *parenthesis(struct parser *p)
{
	struct jnode *n = node(p, N_LIST), *x;
	struct nodes l = {0};

	if (!n)
		return NULL;
	n->tuple = 1;
	if (take_op(p, ")"))
		return nodes_move(p, &l, &n->list, &n->n) ? NULL : n;
	if (!(x = expression(p)))
		return NULL;
	if (take_op(p, ")"))
		return x;
	nodes_add(&l, x);
	if (want_op(p, ",") || items(p, ")", 0, &l)) {
		free(l.v);
		return NULL;
	}
	return nodes_move(p, &l, &n->list, &n->n) ? NULL : n;
}

static struct jnode *primary(struct parser *p)
{
	const struct jtoken *k = p->k;
	struct jnode *n;

	switch (k->kind) {
	case T_NAME:
		p->k++;
		if (span_is(k->s, "true") || span_is(k->s, "True"))
			return literal(p, jv_bool(1));
		if (span_is(k->s, "false") || span_is(k->s, "False"))
			return literal(p, jv_bool(0));
		if (span_is(k->s, "none") || span_is(k->s, "None"))
			return literal(p, jv_none());
		if ((n = node(p, N_NAME)))
			n->name = k->s;
		return n;
	case T_STRING:
		p->k++;
		if (p->k->kind == T_STRING) { /* neighbouring strings are one */
			struct buf b = BUF_INIT;
			char *s;

			buf_addspan(&b, k->s);
			for (; p->k->kind == T_STRING; p->k++)
				buf_addspan(&b, p->k->s);
			s = jarena_get(&p->t->arena, b.len + 1);
			if (s)
				memcpy(s, b.data, b.len);
			n = s ? literal(p, jv_string((struct span){s, b.len})) : NULL;
			buf_release(&b);
			return n;
		}
		return literal(p, jv_string(k->s));
	case T_INT:
		p->k++;
		return literal(p, jv_int(k->i));
	case T_FLOAT:
		p->k++;
		return literal(p, jv_float(k->f));
	default:
		break;
	}
	if (take_op(p, "("))
		return parenthesis(p);
	if (take_op(p, "["))
		return bracketed(p, N_LIST, "]", 0);
	if (take_op(p, "{"))
		return bracketed(p, N_DICT, "}", 1);
	unexpected(p);
	return NULL;
}

/* x[...], after the opening bracket: an index or a slice. */
static struct jnode *subscript(struct parser *p, struct jnode *x)
{
	struct jnode *n = node(p, N_INDEX), *part[3] = {NULL, NULL, NULL};
	int i = 0, slice = 0;

	if (!n)
		return NULL;
	for (;;) {
		if (take_op(p, ":")) {
			slice = 1;
			if (++i > 2) {
				unexpected(p);
				return NULL;
			}
		} else if (take_op(p, "]")) {
			break;
		} else if (part[i] || !(part[i] = expression(p))) {
			if (part[i])
				unexpected(p);
			return NULL;
		} else if (!slice && take_op(p, ",")) {
			fail(p, "an index of several parts is not supported", (struct span){NULL, 0});
			return NULL;
		}
	}
	n->a = x;
	if (!slice) {
		n->b = part[0];
		if (!n->b)
			unexpected(p);
		return n->b ? n : NULL;
	}
	n->kind = N_SLICE;
	n->list = jarena_get(&p->t->arena, sizeof part);
	if (!n->list)
		return NULL;
	memcpy(n->list, part, sizeof part);
	n->n = 3;
	return n;
}

static struct jnode *call(struct parser *p, struct jnode *f)
{
	struct jnode *n = node(p, N_CALL);

	if (!n || arguments(p, 0, &n->args, &n->nargs))
		return NULL;
	n->a = f;
	return n;
}

static struct jnode *postfix(struct parser *p, struct jnode *x)
{
	while (x) {
		if (take_op(p, ".")) {
			struct jnode *n = node(p, N_ATTR);

			if (!n)
				return NULL;
			n->a = x;
			if (p->k->kind == T_NAME) {
				n->name = p->k++->s;
			} else if (p->k->kind == T_INT) {
				n->kind = N_INDEX;
				n->b = literal(p, jv_int(p->k->i));
				p->k++;
				if (!n->b)
					return NULL;
			} else {
				unexpected(p);
				return NULL;
			}
			x = n;
		} else if (take_op(p, "[")) {
			x = subscript(p, x);
		} else if (take_op(p, "(")) {
			x = call(p, x);
		} else {
			break;
		}
	}
	return x;
}

/* name or name.name, then (args) where they are given. */
static struct jnode *filter(struct parser *p, struct jnode *x)
{
	struct jnode *n = node(p, N_FILTER);

	if (!n)
		return NULL;
	if (p->k->kind != T_NAME) {
		unexpected(p);
		return NULL;
	}
	if (!jfilter_known(p->k->s)) {
		fail(p, "there is no filter", p->k->s);
		return NULL;
	}
	n->name = p->k++->s;
	n->a = x;
	if (take_op(p, "(") && arguments(p, 0, &n->args, &n->nargs))
		return NULL;
	return n;
}

static struct jnode *test(struct parser *p, struct jnode *x)
{
	struct jnode *n = node(p, N_TEST), *arg;

	if (!n)
		return NULL;
	n->a = x;
	n->negate = take_name(p, "not");
	if (p->k->kind != T_NAME) {
		unexpected(p);
		return NULL;
	}
	if (!jtest_known(p->k->s)) {
		fail(p, "there is no test", p->k->s);
		return NULL;
	}
	n->name = p->k++->s;
	if (take_op(p, "("))
		return arguments(p, 0, &n->args, &n->nargs) ? NULL : n;
	/* One argument may stand without brackets. */
	if (p->k->kind == T_STRING || p->k->kind == T_INT || p->k->kind == T_FLOAT || is_op(p, "[") || is_op(p, "{") ||
	    (p->k->kind == T_NAME && !is_name(p, "else") && !is_name(p, "or") && !is_name(p, "and") && !is_name(p, "if") &&
	     !is_name(p, "is") && !is_name(p, "in") && !is_name(p, "not"))) {
		if (!(arg = primary(p)) || !(arg = postfix(p, arg)))
			return NULL;
		n->args = jarena_get(&p->t->arena, sizeof *n->args);
		if (!n->args)
			return NULL;
		n->args[0].value = arg;
		n->nargs = 1;
	}
	return n;
}

static struct jnode *filters_and_tests(struct parser *p, struct jnode *x)
{
	while (x) {
		if (take_op(p, "|"))
			x = filter(p, x);
		else if (take_name(p, "is"))
			x = test(p, x);
		else if (take_op(p, "("))
			x = call(p, x);
		else
			break;
	}
	return x;
}

static struct jnode *unary(struct parser *p, int filters)
{
	struct jnode *n;

	if (enter(p))
		return NULL;
	if (is_op(p, "-") || is_op(p, "+")) {
		n = node(p, is_op(p, "-") ? N_NEG : N_POS);
		p->k++;
		if (n && !(n->a = unary(p, 0)))
			n = NULL;
		n = n ? postfix(p, n) : NULL;
	} else {
		n = primary(p);
		n = n ? postfix(p, n) : NULL;
	}
	if (n && filters)
		n = filters_and_tests(p, n);
	p->nest--;
	return n;
}

/* The binary levels, loosest first: + -, then ~, then * / // %, then **. */
static struct jnode *binary(struct parser *p, int level)
{
	static const struct { const char *op; int level; enum jop code; } ops[] = {
		{"+", 0, OP_ADD}, {"-", 0, OP_SUB}, {"~", 1, OP_CONCAT}, {"*", 2, OP_MUL}, {"/", 2, OP_DIV}, {"//", 2, OP_FLOOR},
		{"%", 2, OP_MOD}, {"**", 3, OP_POW},
	};
	struct jnode *left = level == 4 ? unary(p, 1) : binary(p, level + 1), *n;
	size_t i;

	if (level == 4)
		return left;
	while (left) {
		for (i = 0; i < sizeof ops / sizeof *ops; i++)
			if (ops[i].level == level && is_op(p, ops[i].op))
				break;
		if (i == sizeof ops / sizeof *ops)
			break;
		if (!(n = node(p, N_BINARY)))
			return NULL;
		p->k++;
		n->op = ops[i].code;
		n->a = left;
		if (!(n->b = binary(p, level + 1)))
			return NULL;
		left = n;
	}
	return left;
}

static int compare_op(struct parser *p, enum jop *op)
{
	static const struct { const char *op; enum jop code; } ops[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<", OP_LT}, {"<=", OP_LE},
									{">", OP_GT}, {">=", OP_GE}};
	size_t i;

	for (i = 0; i < sizeof ops / sizeof *ops; i++)
		if (take_op(p, ops[i].op)) {
			*op = ops[i].code;
			return 1;
		}
	if (take_name(p, "in")) {
		*op = OP_IN;
		return 1;
	}
	if (is_name(p, "not") && p->k[1].kind == T_NAME && span_is(p->k[1].s, "in")) {
		p->k += 2;
		*op = OP_NOT_IN;
		return 1;
	}
	return 0;
}

static struct jnode *comparison(struct parser *p)
{
	struct jnode *a = binary(p, 0), *n, *x;
	struct nodes l = {0};
	unsigned char ops[64];
	enum jop op;
	size_t k = 0;

	if (!a || !compare_op(p, &op))
		return a;
	if (!(n = node(p, N_COMPARE)))
		return NULL;
	n->a = a;
	do {
		if (k == sizeof ops) {
			fail(p, "a chain of comparisons is too long", (struct span){NULL, 0});
			goto failed;
		}
		ops[k++] = (unsigned char)op;
		if (!(x = binary(p, 0)))
			goto failed;
		nodes_add(&l, x);
	} while (compare_op(p, &op));
	n->ops = jarena_get(&p->t->arena, k);
	if (!n->ops)
		goto failed;
	memcpy(n->ops, ops, k);
	return nodes_move(p, &l, &n->list, &n->n) ? NULL : n;
failed:
	free(l.v);
	return NULL;
}

static struct jnode *negation(struct parser *p)
{
	struct jnode *n;

	if (!is_name(p, "not"))
		return comparison(p);
	if (enter(p) || !(n = node(p, N_NOT)))
		return NULL;
	p->k++;
	n->a = negation(p);
	p->nest--;
	return n->a ? n : NULL;
}

static struct jnode *logic(struct parser *p, int or)
{
	struct jnode *left = or ? logic(p, 0) : negation(p), *n;

	while (left && is_name(p, or ? "or" : "and")) {
		if (!(n = node(p, or ? N_OR : N_AND)))
			return NULL;
		p->k++;
		n->a = left;
		if (!(n->b = or ? logic(p, 0) : negation(p)))
			return NULL;
		left = n;
	}
	return left;
}

/* a if b else c. no_if: in the sequence of a for, where `if` begins the loop's filter. */
static struct jnode *conditional(struct parser *p, int no_if)
{
	struct jnode *left, *n;

	if (enter(p))
		return NULL;
	left = logic(p, 1);
	while (left && !no_if && is_name(p, "if")) {
		if (!(n = node(p, N_TERNARY)))
			return NULL;
		p->k++;
		n->a = left;
		if (!(n->b = logic(p, 1)))
			return NULL;
		if (take_name(p, "else") && !(n->c = conditional(p, 0)))
			return NULL;
		left = n;
	}
	p->nest--;
	return left;
}

static struct jnode *expression(struct parser *p)
{
	return conditional(p, 0);
}

/* An expression that may be a tuple without brackets: {% set a = 1, 2 %}, {{ 1, 2 }}, for x in a, b. */
static struct jnode *tuple(struct parser *p, int no_if)
{
	struct jnode *x = conditional(p, no_if), *n;
	struct nodes l = {0};

	if (!x || !is_op(p, ","))
		return x;
	if (!(n = node(p, N_LIST)))
		return NULL;
	n->tuple = 1;
	nodes_add(&l, x);
	while (take_op(p, ",")) {
		if (p->k->kind == T_BLOCK_END || p->k->kind == T_VAR_END)
			break;
		if (!(x = conditional(p, no_if))) {
			free(l.v);
			return NULL;
		}
		nodes_add(&l, x);
	}
	return nodes_move(p, &l, &n->list, &n->n) ? NULL : n;
}

/* --- statements --- */

static struct jnode *body(struct parser *p, const char *const *ends);

static int block_end(struct parser *p)
{
	if (p->k->kind != T_BLOCK_END)
		return unexpected(p);
	p->k++;
	return 0;
}

/* The closing tag of which body() stopped at the name. */
static int close_block(struct parser *p)
{
	p->k++;
	return block_end(p);
}

static int targets(struct parser *p, struct jnode *n, int attributes)
{
	struct nodes l = {0};
	int bracket = take_op(p, "(");

	do {
		struct jnode *x;

		if (p->k->kind != T_NAME) {
			if (l.n && bracket && is_op(p, ")"))
				break;
			unexpected(p);
			goto failed;
		}
		if (!(x = node(p, N_NAME)))
			goto failed;
		x->name = p->k++->s;
		if (attributes && take_op(p, ".")) {
			struct jnode *a = node(p, N_ATTR);

			if (!a || p->k->kind != T_NAME) {
				unexpected(p);
				goto failed;
			}
			a->a = x;
			a->name = p->k++->s;
			x = a;
		}
		nodes_add(&l, x);
		if (!is_op(p, ","))
			break;
		n->unpack = 1;
	} while (take_op(p, ","));
	if (bracket && want_op(p, ")"))
		goto failed;
	return nodes_move(p, &l, &n->targets, &n->ntargets);
failed:
	free(l.v);
	return -1;
}

static struct jnode *statement_if(struct parser *p, struct jnode *n)
{
	static const char *const ends[] = {"elif", "else", "endif", NULL};
	struct nodes l = {0};
	struct jnode *x;
	int last = 0;

	for (;;) {
		x = NULL;
		if (!last && !(x = tuple(p, 0)))
			goto failed;
		nodes_add(&l, x);
		if (block_end(p) || !(x = body(p, ends + 2 * last)))
			goto failed;
		nodes_add(&l, x);
		if (is_name(p, "endif"))
			break;
		last = is_name(p, "else");
		p->k++;
	}
	if (nodes_move(p, &l, &n->list, &n->n) || close_block(p))
		return NULL;
	return n;
failed:
	free(l.v);
	return NULL;
}

static struct jnode *statement_for(struct parser *p, struct jnode *n)
{
	static const char *const ends[] = {"else", "endfor", NULL};
	struct jnode *x;

	if (targets(p, n, 0))
		return NULL;
	if (!take_name(p, "in")) {
		unexpected(p);
		return NULL;
	}
	if (!(n->a = tuple(p, 1)))
		return NULL;
	if (take_name(p, "if") && !(n->b = tuple(p, 0)))
		return NULL;
	if (is_name(p, "recursive")) {
		fail(p, "recursive loops are not supported", (struct span){NULL, 0});
		return NULL;
	}
	p->loops++;
	if (block_end(p) || !(x = body(p, ends)))
		return NULL;
	p->loops--;
	n->list = x->list;
	n->n = x->n;
	if (take_name(p, "else") && (block_end(p) || !(n->c = body(p, ends + 1))))
		return NULL;
	return close_block(p) ? NULL : n;
}

/* The body of n up to {% end %}. */
static struct jnode *with_body(struct parser *p, struct jnode *n, const char *end)
{
	const char *const ends[] = {end, NULL};
	struct jnode *x;

	if (block_end(p) || !(x = body(p, ends)))
		return NULL;
	n->list = x->list;
	n->n = x->n;
	p->k++;
	if (p->k->kind == T_NAME && (n->kind == N_MACRO || n->kind == N_CALL_BLOCK)) /* {% endmacro name %} */
		p->k++;
	return block_end(p) ? NULL : n;
}

static struct jnode *statement_set(struct parser *p, struct jnode *n)
{
	if (targets(p, n, 1))
		return NULL;
	if (take_op(p, "=")) {
		if (!(n->a = tuple(p, 0)) || block_end(p))
			return NULL;
		return n;
	}
	n->kind = N_SET_BLOCK;
	while (take_op(p, "|"))
		if (!(n->a = filter(p, n->a)))
			return NULL;
	return with_body(p, n, "endset");
}

static struct jnode *statement_macro(struct parser *p, struct jnode *n)
{
	int loops = p->loops;

	if (p->k->kind != T_NAME) {
		unexpected(p);
		return NULL;
	}
	n->name = p->k++->s;
	if (want_op(p, "(") || arguments(p, 1, &n->args, &n->nargs))
		return NULL;
	p->loops = 0;
	n = with_body(p, n, "endmacro");
	p->loops = loops;
	return n;
}

static struct jnode *statement_call(struct parser *p, struct jnode *n)
{
	int loops = p->loops;

	n->name = span_of("caller");
	if (take_op(p, "(") && arguments(p, 1, &n->args, &n->nargs))
		return NULL;
	if (!(n->a = expression(p)))
		return NULL;
	if (n->a->kind != N_CALL) {
		fail(p, "{% call %} needs a call", (struct span){NULL, 0});
		return NULL;
	}
	p->loops = 0;
	n = with_body(p, n, "endcall");
	p->loops = loops;
	return n;
}

static struct jnode *statement_with(struct parser *p, struct jnode *n)
{
	struct jarg a[32];

	while (p->k->kind != T_BLOCK_END) {
		if (n->nargs && want_op(p, ","))
			return NULL;
		if (n->nargs == 32 || p->k->kind != T_NAME) {
			unexpected(p);
			return NULL;
		}
		a[n->nargs].name = p->k++->s;
		if (want_op(p, "=") || !(a[n->nargs].value = expression(p)))
			return NULL;
		n->nargs++;
	}
	n->args = jarena_get(&p->t->arena, 32 * sizeof *a);
	if (!n->args)
		return NULL;
	memcpy(n->args, a, n->nargs * sizeof *a);
	return with_body(p, n, "endwith");
}

static struct jnode *statement(struct parser *p)
{
	static const struct { const char *name; enum jnode_kind kind; } tags[] = {
		{"if", N_IF}, {"for", N_FOR}, {"set", N_SET}, {"macro", N_MACRO}, {"call", N_CALL_BLOCK}, {"filter", N_FILTER_BLOCK},
		{"with", N_WITH}, {"break", N_BREAK}, {"continue", N_CONTINUE}, {"generation", N_GENERATION},
	};
	struct jnode *n;
	struct span name = p->k->s;
	size_t i;

	if (p->k->kind != T_NAME) {
		unexpected(p);
		return NULL;
	}
	for (i = 0; i < sizeof tags / sizeof *tags; i++)
		if (span_is(name, tags[i].name))
			break;
	if (i == sizeof tags / sizeof *tags) {
		fail(p, "unknown tag", name);
		return NULL;
	}
	if (!(n = node(p, tags[i].kind)))
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
			if (!(n->a = filter(p, n->a)))
				return NULL;
		} while (take_op(p, "|"));
		return with_body(p, n, "endfilter");
	case N_WITH:
		return statement_with(p, n);
	case N_GENERATION:
		p->t->marks = 1;
		return with_body(p, n, "endgeneration");
	default: /* break, continue */
		if (!p->loops) {
			fail(p, "outside of a loop:", name);
			return NULL;
		}
		return block_end(p) ? NULL : n;
	}
}

/* Statements up to a block tag whose name is among ends (NULL-terminated; NULL: the end of the template); the name is the token then
 * looked at. */
static struct jnode *body(struct parser *p, const char *const *ends)
{
	struct jnode *n = node(p, N_LIST), *x;
	struct nodes l = {0};
	int line = p->k->line;

	if (!n || enter(p))
		return NULL;
	for (;;) {
		const char *const *end;

		if (p->k->kind == T_TEXT) {
			if (!(x = node(p, N_TEXT)))
				goto failed;
			x->value = jv_string(p->k++->s);
		} else if (p->k->kind == T_VAR_BEGIN) {
			if (!(x = node(p, N_OUTPUT)))
				goto failed;
			p->k++;
			if (!(x->a = tuple(p, 0)))
				goto failed;
			if (p->k->kind != T_VAR_END) {
				unexpected(p);
				goto failed;
			}
			p->k++;
		} else if (p->k->kind == T_BLOCK_BEGIN) {
			p->k++;
			for (end = ends; end && *end; end++)
				if (is_name(p, *end))
					goto done;
			if (!(x = statement(p)))
				goto failed;
		} else if (p->k->kind == T_END && !ends) {
			goto done;
		} else {
			if (ends)
				err_set(p->e, "%s:%d: no {%% %s %%} for the block that begins here", p->t->name, line,
					ends[1] && ends[2] ? ends[2] : ends[1] ? ends[1] : ends[0]);
			else
				unexpected(p);
			goto failed;
		}
		nodes_add(&l, x);
	}
done:
	p->nest--;
	return nodes_move(p, &l, &n->list, &n->n) ? NULL : n;
failed:
	free(l.v);
	return NULL;
}

int jinja_parse(struct jinja *t, const struct jtokens *tokens, struct err *e)
{
	struct parser p = {.t = t, .k = tokens->v, .e = e};

	t->root = body(&p, NULL);
	return t->root ? 0 : -1;
}
