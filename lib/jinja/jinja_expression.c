/* The expressions of Jinja2's grammar, by recursive descent: from `a if b else c` down to names,
 * literals and calls. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "jinja_parse.h"

static struct jnode *unary(struct jparser *p, int filters);

/* (a, b=c ...) after the opening bracket; definitions: names with optional defaults. */
int jp_arguments(struct jparser *p, int definition, struct jarg **to, size_t *count)
{
	struct jarg *v = NULL;
	size_t n = 0, cap = 0;
	int keyword = 0;

	while (!jp_take_op(p, ")")) {
		struct jarg a = {{NULL, 0}, NULL};

		if (n && jp_want_op(p, ","))
			goto failed;
		if (n && jp_take_op(p, ")"))
			break;
		if (jp_is_op(p, "*") || jp_is_op(p, "**")) {
			jp_fail(p, "argument lists with * are not supported",
				(struct span){NULL, 0});
			goto failed;
		}
		if (p->k->kind == T_NAME && p->k[1].kind == T_OP && span_is(p->k[1].s, "=")) {
			a.name = p->k->s;
			p->k += 2;
			keyword = 1;
			if (!(a.value = jp_expression(p)))
				goto failed;
		} else if (definition) {
			if (p->k->kind != T_NAME) {
				jp_unexpected(p);
				goto failed;
			}
			a.name = p->k++->s;
		} else if (keyword) {
			jp_fail(p, "a positional argument after one with a name",
				(struct span){NULL, 0});
			goto failed;
		} else if (!(a.value = jp_expression(p))) {
			goto failed;
		}
		if (n == cap)
			v = mem_grow(v, &cap, n + 1, sizeof *v);
		v[n++] = a;
	}
	*to = arena_get(&p->t->arena, (n + 1) * sizeof **to);
	if (!*to) {
		jp_fail(p, "the template is too large", (struct span){NULL, 0});
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
static int items(struct jparser *p, const char *close, int pairs, struct jnodes *l)
{
	int first = 1;

	while (!jp_take_op(p, close)) {
		struct jnode *x;

		if (!first && jp_want_op(p, ","))
			return -1;
		if (!first && jp_take_op(p, close))
			break;
		first = 0;
		if (!(x = jp_expression(p)))
			return -1;
		jnodes_add(l, x);
		if (pairs) {
			if (jp_want_op(p, ":") || !(x = jp_expression(p)))
				return -1;
			jnodes_add(l, x);
		}
	}
	return 0;
}

static struct jnode *bracketed(struct jparser *p, enum jnode_kind kind, const char *close,
			       int pairs)
{
	struct jnode *n = jp_node(p, kind);
	struct jnodes l = {0};

	if (!n)
		return NULL;
	if (items(p, close, pairs, &l)) {
		free(l.v);
		return NULL;
	}
	return jnodes_move(p, &l, &n->list, &n->n) ? NULL : n;
}

static struct jnode *literal(struct jparser *p, struct jv v)
{
	struct jnode *n = jp_node(p, N_LITERAL);

	if (n)
		n->value = v;
	return n;
}

/* ( ... ): a tuple where there is a comma, else what is inside. */
static struct jnode *parenthesis(struct jparser *p)
{
	struct jnode *n = jp_node(p, N_LIST), *x;
	struct jnodes l = {0};

	if (!n)
		return NULL;
	n->tuple = 1;
	if (jp_take_op(p, ")"))
		return jnodes_move(p, &l, &n->list, &n->n) ? NULL : n;
	if (!(x = jp_expression(p)))
		return NULL;
	if (jp_take_op(p, ")"))
		return x;
	jnodes_add(&l, x);
	if (jp_want_op(p, ",") || items(p, ")", 0, &l)) {
		free(l.v);
		return NULL;
	}
	return jnodes_move(p, &l, &n->list, &n->n) ? NULL : n;
}

/* A name whose value is asked for, entered among those that the template reads. */
static struct jnode *name_read(struct jparser *p, struct span name)
{
	struct jnode *n = jp_node(p, N_NAME);
	struct jname *r = n ? arena_get(&p->t->arena, sizeof *r) : NULL;

	if (!r) {
		jp_fail(p, "the template is too large", (struct span){NULL, 0});
		return NULL;
	}
	*r = (struct jname){name, p->t->reads};
	p->t->reads = r;
	n->name = name;
	return n;
}

static struct jnode *primary(struct jparser *p)
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
		return name_read(p, k->s);
	case T_STRING:
		p->k++;
		if (p->k->kind == T_STRING) { /* neighbouring strings are one */
			struct buf b = BUF_INIT;
			char *s;

			buf_addspan(&b, k->s);
			for (; p->k->kind == T_STRING; p->k++)
				buf_addspan(&b, p->k->s);
			s = arena_get(&p->t->arena, b.len + 1);
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
	if (jp_take_op(p, "("))
		return parenthesis(p);
	if (jp_take_op(p, "["))
		return bracketed(p, N_LIST, "]", 0);
	if (jp_take_op(p, "{"))
		return bracketed(p, N_DICT, "}", 1);
	jp_unexpected(p);
	return NULL;
}

/* x[...], after the opening bracket: an index or a slice. */
static struct jnode *subscript(struct jparser *p, struct jnode *x)
{
	struct jnode *n = jp_node(p, N_INDEX), *part[3] = {NULL, NULL, NULL};
	int i = 0, slice = 0;

	if (!n)
		return NULL;
	for (;;) {
		if (jp_take_op(p, ":")) {
			slice = 1;
			if (++i > 2) {
				jp_unexpected(p);
				return NULL;
			}
		} else if (jp_take_op(p, "]")) {
			break;
		} else if (part[i] || !(part[i] = jp_expression(p))) {
			if (part[i])
				jp_unexpected(p);
			return NULL;
		} else if (!slice && jp_take_op(p, ",")) {
			jp_fail(p, "an index of several parts is not supported",
				(struct span){NULL, 0});
			return NULL;
		}
	}
	n->a = x;
	if (!slice) {
		n->b = part[0];
		if (!n->b)
			jp_unexpected(p);
		return n->b ? n : NULL;
	}
	n->kind = N_SLICE;
	n->list = arena_get(&p->t->arena, sizeof part);
	if (!n->list)
		return NULL;
	memcpy(n->list, part, sizeof part);
	n->n = 3;
	return n;
}

static struct jnode *call(struct jparser *p, struct jnode *f)
{
	struct jnode *n = jp_node(p, N_CALL);

	if (!n || jp_arguments(p, 0, &n->args, &n->nargs))
		return NULL;
	n->a = f;
	return n;
}

static struct jnode *postfix(struct jparser *p, struct jnode *x)
{
	while (x) {
		if (jp_take_op(p, ".")) {
			struct jnode *n = jp_node(p, N_ATTR);

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
				jp_unexpected(p);
				return NULL;
			}
			x = n;
		} else if (jp_take_op(p, "[")) {
			x = subscript(p, x);
		} else if (jp_take_op(p, "(")) {
			x = call(p, x);
		} else {
			break;
		}
	}
	return x;
}

/* name or name.name, then (args) where they are given. */
struct jnode *jp_filter(struct jparser *p, struct jnode *x)
{
	struct jnode *n = jp_node(p, N_FILTER);

	if (!n)
		return NULL;
	if (p->k->kind != T_NAME) {
		jp_unexpected(p);
		return NULL;
	}
	if (!jfilter_known(p->k->s)) {
		jp_fail(p, "there is no filter", p->k->s);
		return NULL;
	}
	n->name = p->k++->s;
	n->a = x;
	if (jp_take_op(p, "(") && jp_arguments(p, 0, &n->args, &n->nargs))
		return NULL;
	return n;
}

static struct jnode *test(struct jparser *p, struct jnode *x)
{
	struct jnode *n = jp_node(p, N_TEST), *arg;

	if (!n)
		return NULL;
	n->a = x;
	n->negate = jp_take_name(p, "not");
	if (p->k->kind != T_NAME) {
		jp_unexpected(p);
		return NULL;
	}
	if (!jtest_known(p->k->s)) {
		jp_fail(p, "there is no test", p->k->s);
		return NULL;
	}
	n->name = p->k++->s;
	if (jp_take_op(p, "("))
		return jp_arguments(p, 0, &n->args, &n->nargs) ? NULL : n;
	/* One argument may stand without brackets. */
	if (p->k->kind == T_STRING || p->k->kind == T_INT || p->k->kind == T_FLOAT ||
	    jp_is_op(p, "[") || jp_is_op(p, "{") ||
	    (p->k->kind == T_NAME && !jp_is_name(p, "else") && !jp_is_name(p, "or") &&
	     !jp_is_name(p, "and") && !jp_is_name(p, "if") && !jp_is_name(p, "is") &&
	     !jp_is_name(p, "in") && !jp_is_name(p, "not"))) {
		if (!(arg = primary(p)) || !(arg = postfix(p, arg)))
			return NULL;
		n->args = arena_get(&p->t->arena, sizeof *n->args);
		if (!n->args)
			return NULL;
		n->args[0].value = arg;
		n->nargs = 1;
	}
	return n;
}

static struct jnode *filters_and_tests(struct jparser *p, struct jnode *x)
{
	while (x) {
		if (jp_take_op(p, "|"))
			x = jp_filter(p, x);
		else if (jp_take_name(p, "is"))
			x = test(p, x);
		else if (jp_take_op(p, "("))
			x = call(p, x);
		else
			break;
	}
	return x;
}

static struct jnode *unary(struct jparser *p, int filters)
{
	struct jnode *n;

	if (jp_enter(p))
		return NULL;
	if (jp_is_op(p, "-") || jp_is_op(p, "+")) {
		n = jp_node(p, jp_is_op(p, "-") ? N_NEG : N_POS);
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
static struct jnode *binary(struct jparser *p, int level)
{
	static const struct {
		const char *op;
		int level;
		enum jop code;
	} ops[] = {
		{"+", 0, OP_ADD}, {"-", 0, OP_SUB},    {"~", 1, OP_CONCAT}, {"*", 2, OP_MUL},
		{"/", 2, OP_DIV}, {"//", 2, OP_FLOOR}, {"%", 2, OP_MOD},    {"**", 3, OP_POW},
	};
	struct jnode *left = level == 4 ? unary(p, 1) : binary(p, level + 1), *n;
	size_t i;

	if (level == 4)
		return left;
	while (left) {
		for (i = 0; i < sizeof ops / sizeof *ops; i++)
			if (ops[i].level == level && jp_is_op(p, ops[i].op))
				break;
		if (i == sizeof ops / sizeof *ops)
			break;
		if (!(n = jp_node(p, N_BINARY)))
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

static int compare_op(struct jparser *p, enum jop *op)
{
	static const struct {
		const char *op;
		enum jop code;
	} ops[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<", OP_LT},
		   {"<=", OP_LE}, {">", OP_GT},	 {">=", OP_GE}};
	size_t i;

	for (i = 0; i < sizeof ops / sizeof *ops; i++)
		if (jp_take_op(p, ops[i].op)) {
			*op = ops[i].code;
			return 1;
		}
	if (jp_take_name(p, "in")) {
		*op = OP_IN;
		return 1;
	}
	if (jp_is_name(p, "not") && p->k[1].kind == T_NAME && span_is(p->k[1].s, "in")) {
		p->k += 2;
		*op = OP_NOT_IN;
		return 1;
	}
	return 0;
}

static struct jnode *comparison(struct jparser *p)
{
	struct jnode *a = binary(p, 0), *n, *x;
	struct jnodes l = {0};
	unsigned char ops[64];
	enum jop op;
	size_t k = 0;

	if (!a || !compare_op(p, &op))
		return a;
	if (!(n = jp_node(p, N_COMPARE)))
		return NULL;
	n->a = a;
	do {
		if (k == sizeof ops) {
			jp_fail(p, "a chain of comparisons is too long", (struct span){NULL, 0});
			goto failed;
		}
		ops[k++] = (unsigned char)op;
		if (!(x = binary(p, 0)))
			goto failed;
		jnodes_add(&l, x);
	} while (compare_op(p, &op));
	n->ops = arena_get(&p->t->arena, k);
	if (!n->ops)
		goto failed;
	memcpy(n->ops, ops, k);
	return jnodes_move(p, &l, &n->list, &n->n) ? NULL : n;
failed:
	free(l.v);
	return NULL;
}

static struct jnode *negation(struct jparser *p)
{
	struct jnode *n;

	if (!jp_is_name(p, "not"))
		return comparison(p);
	if (jp_enter(p) || !(n = jp_node(p, N_NOT)))
		return NULL;
	p->k++;
	n->a = negation(p);
	p->nest--;
	return n->a ? n : NULL;
}

static struct jnode *logic(struct jparser *p, int or)
{
	struct jnode *left = or ? logic(p, 0) : negation(p), *n;

	while (left && jp_is_name(p, or ? "or" : "and")) {
		if (!(n = jp_node(p, or ? N_OR : N_AND)))
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
static struct jnode *conditional(struct jparser *p, int no_if)
{
	struct jnode *left, *n;

	if (jp_enter(p))
		return NULL;
	left = logic(p, 1);
	while (left && !no_if && jp_is_name(p, "if")) {
		if (!(n = jp_node(p, N_TERNARY)))
			return NULL;
		p->k++;
		n->a = left;
		if (!(n->b = logic(p, 1)))
			return NULL;
		if (jp_take_name(p, "else") && !(n->c = conditional(p, 0)))
			return NULL;
		left = n;
	}
	p->nest--;
	return left;
}

struct jnode *jp_expression(struct jparser *p)
{
	return conditional(p, 0);
}

/* An expression that may be a tuple without brackets: {% set a = 1, 2 %}, {{ 1, 2 }}, for x in a,
 * b. */
struct jnode *jp_tuple(struct jparser *p, int no_if)
{
	struct jnode *x = conditional(p, no_if), *n;
	struct jnodes l = {0};

	if (!x || !jp_is_op(p, ","))
		return x;
	if (!(n = jp_node(p, N_LIST)))
		return NULL;
	n->tuple = 1;
	jnodes_add(&l, x);
	while (jp_take_op(p, ",")) {
		if (p->k->kind == T_BLOCK_END || p->k->kind == T_VAR_END)
			break;
		if (!(x = conditional(p, no_if))) {
			free(l.v);
			return NULL;
		}
		jnodes_add(&l, x);
	}
	return jnodes_move(p, &l, &n->list, &n->n) ? NULL : n;
}
