/* Walks the expressions of the tree: names, calls and operations to values. */
#include <string.h>
#include "jinja_impl.h"

/* --- calls --- */

const struct jv *jcall_arg(const struct jcall *c, size_t at, const char *name)
{
	size_t i;

	if (at < c->positional)
		return &c->v[at];
	for (i = c->positional; i < c->n; i++)
		if (span_is(c->names[i], name))
			return &c->v[i];
	return NULL;
}

int jarguments(struct jrun *r, struct jscope *s, const struct jnode *n, struct jcall *c)
{
	size_t i;

	memset(c, 0, sizeof *c);
	if (!n->nargs)
		return 0;
	c->v = arena_get(&r->arena, n->nargs * sizeof *c->v);
	c->names = arena_get(&r->arena, n->nargs * sizeof *c->names);
	if (!c->v || !c->names)
		return jfail(r, "the template needs too much memory");
	for (i = 0; i < n->nargs; i++) {
		if (jeval(r, s, n->args[i].value, &c->v[i]))
			return -1;
		c->names[i] = n->args[i].name;
		c->positional += !n->args[i].name.s;
	}
	c->n = n->nargs;
	return 0;
}

static int call_macro(struct jrun *r, struct jmacro *m, const struct jcall *c,
		      const struct jv *caller, struct jv *out)
{
	const struct jnode *n = m->node;
	struct jscope *s = jscope_new(r, m->scope);
	size_t i, k;
	int rc;

	if (!s)
		return -1;
	if (c->positional > n->nargs)
		return jfail(r, "macro %.*s takes %zu arguments, %zu were given", (int)n->name.n,
			     n->name.s, n->nargs, c->positional);
	for (k = c->positional; k < c->n; k++) {
		for (i = 0; i < n->nargs && !span_eq(n->args[i].name, c->names[k]); i++)
			;
		if (i == n->nargs || i < c->positional)
			return jfail(r, "macro %.*s does not take the argument '%.*s' here",
				     (int)n->name.n, n->name.s, (int)c->names[k].n, c->names[k].s);
	}
	for (i = 0; i < n->nargs; i++) {
		struct jv v = jv_undefined(n->args[i].name);

		if (i < c->positional) {
			v = c->v[i];
		} else {
			for (k = c->positional; k < c->n && !span_eq(n->args[i].name, c->names[k]);
			     k++)
				;
			if (k < c->n)
				v = c->v[k];
			else if (n->args[i].value && jeval(r, s, n->args[i].value, &v))
				return -1;
		}
		if (jscope_set(r, s, n->args[i].name, v))
			return -1;
	}
	if (caller && jscope_set(r, s, span_of("caller"), *caller))
		return -1;
	if (jenter(r))
		return -1;
	rc = jcaptured(r, s, n->list, n->n, out);
	r->depth--;
	return rc < 0 ? -1 : 0;
}

static int jcall_value(struct jrun *r, const struct jv *f, const struct jcall *c, struct jv *out)
{
	switch (f->kind) {
	case J_MACRO:
		return call_macro(r, f->macro, c, NULL, out);
	case J_FUNCTION:
		return jfunction(r, f->function, c, out);
	case J_UNDEFINED:
		return jfail(r, "there is no function '%.*s'", (int)f->s.n, f->s.s ? f->s.s : "");
	default:
		return jfail(r, "a %s cannot be called", jv_type(f));
	}
}

int jcall_node(struct jrun *r, struct jscope *s, const struct jnode *n, const struct jv *caller,
	       struct jv *out)
{
	struct jcall c;
	struct jv f, v;
	int found;

	if (n->a->kind == N_ATTR) {
		if (jeval(r, s, n->a->a, &v) || jarguments(r, s, n, &c))
			return -1;
		r->line = n->line;
		if (jmethod(r, &v, n->a->name, &c, out, &found))
			return -1;
		if (found)
			return 0;
		if (jattr(r, &v, n->a->name, &f))
			return -1;
		if (f.kind == J_UNDEFINED)
			return jfail(r, "a %s has no method '%.*s'", jv_type(&v), (int)n->a->name.n,
				     n->a->name.s);
	} else if (jeval(r, s, n->a, &f) || jarguments(r, s, n, &c)) {
		return -1;
	}
	r->line = n->line;
	if (caller && f.kind != J_MACRO)
		return jfail(r, "{%% call %%} needs a macro, not a %s", jv_type(&f));
	return caller ? call_macro(r, f.macro, &c, caller, out) : jcall_value(r, &f, &c, out);
}

/* --- expressions --- */

static int name(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv *out)
{
	struct jv *v = jscope_find(r, s, n->name);
	int f;

	if (v) {
		*out = *v;
	} else if ((f = jfunction_find(n->name)) >= 0) {
		*out = (struct jv){.kind = J_FUNCTION};
		out->function = f;
	} else {
		*out = jv_undefined(n->name);
	}
	return 0;
}

/* `is defined` of a name: strftime_now counts as defined only where the caller gave a date. */
static int undated(const struct jrun *r, const struct jnode *n)
{
	return n->a->kind == N_NAME && span_is(n->a->name, "strftime_now") && !r->now &&
	       (span_is(n->name, "defined") || span_is(n->name, "undefined"));
}

static int slice(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv *out)
{
	struct jv v, part[3];
	int k;

	if (jeval(r, s, n->a, &v))
		return -1;
	for (k = 0; k < 3; k++) {
		part[k] = jv_none();
		if (n->list[k] && jeval(r, s, n->list[k], &part[k]))
			return -1;
	}
	return jslice(r, &v, part, out);
}

static int sign(struct jrun *r, enum jnode_kind kind, const struct jv *v, struct jv *out)
{
	if (v->kind == J_INT || v->kind == J_BOOL)
		return jintegers(r, OP_MUL, v->kind == J_INT ? v->i : v->b, kind == N_NEG ? -1 : 1,
				 out);
	if (v->kind != J_FLOAT)
		return jfail(r, "a %s has no sign", jv_type(v));
	*out = jv_float(kind == N_NEG ? -v->f : v->f);
	return 0;
}

/* a < b <= c: as long as it holds, each operand evaluated once. */
static int comparison(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv *out)
{
	struct jv a, b;
	size_t i;
	int yes = 1;

	if (jeval(r, s, n->a, &a))
		return -1;
	for (i = 0; i < n->n && yes; i++, a = b) {
		if (jeval(r, s, n->list[i], &b))
			return -1;
		r->line = n->line;
		if (jcompare(r, (enum jop)n->ops[i], &a, &b, &yes))
			return -1;
	}
	*out = jv_bool(yes);
	return 0;
}

static int eval(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv *out)
{
	struct jv a, b;
	struct jcall c;
	size_t i;
	int yes;

	switch (n->kind) {
	case N_LITERAL:
		*out = n->value;
		return 0;
	case N_NAME:
		return name(r, s, n, out);
	case N_LIST:
		if (jv_list(r, out))
			return -1;
		out->tuple = n->tuple;
		for (i = 0; i < n->n; i++)
			if (jeval(r, s, n->list[i], &a) || jv_push(r, out->list, a))
				return -1;
		return 0;
	case N_DICT:
		if (jv_dict(r, out))
			return -1;
		for (i = 0; i + 1 < n->n; i += 2)
			if (jeval(r, s, n->list[i], &a) || jeval(r, s, n->list[i + 1], &b) ||
			    jv_put(r, out->dict, a, b))
				return -1;
		return 0;
	case N_ATTR:
		if (jeval(r, s, n->a, &a))
			return -1;
		r->line = n->line;
		return jattr(r, &a, n->name, out);
	case N_INDEX:
		if (jeval(r, s, n->a, &a) || jeval(r, s, n->b, &b))
			return -1;
		r->line = n->line;
		return jindex(r, &a, &b, out);
	case N_SLICE:
		return slice(r, s, n, out);
	case N_CALL:
		return jcall_node(r, s, n, NULL, out);
	case N_FILTER:
		if (jeval(r, s, n->a, &a) || jarguments(r, s, n, &c))
			return -1;
		r->line = n->line;
		return jfilter(r, n->name, &a, &c, out);
	case N_TEST:
		if (jeval(r, s, n->a, &a) || jarguments(r, s, n, &c))
			return -1;
		r->line = n->line;
		if (undated(r, n))
			a = jv_undefined(n->a->name);
		if (jtest(r, n->name, &a, &c, &yes))
			return -1;
		*out = jv_bool(yes ^ n->negate);
		return 0;
	case N_NOT:
		if (jeval(r, s, n->a, &a))
			return -1;
		*out = jv_bool(!jv_true(&a));
		return 0;
	case N_NEG:
	case N_POS:
		return jeval(r, s, n->a, &a) ? -1 : sign(r, n->kind, &a, out);
	case N_AND:
	case N_OR:
		if (jeval(r, s, n->a, out))
			return -1;
		return jv_true(out) == (n->kind == N_AND) ? jeval(r, s, n->b, out) : 0;
	case N_BINARY:
		if (jeval(r, s, n->a, &a) || jeval(r, s, n->b, &b))
			return -1;
		r->line = n->line;
		return n->op == OP_CONCAT ? jconcat(r, &a, &b, out)
					  : jarithmetic(r, n->op, &a, &b, out);
	case N_COMPARE:
		return comparison(r, s, n, out);
	case N_TERNARY:
		if (jeval(r, s, n->b, &b))
			return -1;
		if (jv_true(&b))
			return jeval(r, s, n->a, out);
		if (n->c)
			return jeval(r, s, n->c, out);
		*out = jv_undefined((struct span){NULL, 0});
		return 0;
	default:
		return jfail(r, "not an expression");
	}
}

int jeval(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv *out)
{
	int rc;

	if (jenter(r))
		return -1;
	r->line = n->line;
	rc = eval(r, s, n, out);
	r->depth--;
	return rc;
}
