/* Walks the tree: expressions to values, statements to output. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "jinja_impl.h"

enum flow { GO, BROKE, CONTINUED }; /* what a body ended with; -1 is an error */

int jfail(struct jrun *r, const char *fmt, ...)
{
	char why[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return err_set(r->e, "%s:%d: %s", r->t->name, r->line, why);
}

int jcharge(struct jrun *r, uint64_t steps)
{
	r->steps += steps;
	if (r->steps > r->limits.steps)
		return jfail(r, "the template takes more than %llu steps", (unsigned long long)r->limits.steps);
	return 0;
}

static int enter(struct jrun *r)
{
	if (++r->depth > JINJA_DEPTH_MAX)
		return jfail(r, "nested too deep (a macro that calls itself?)");
	return jcharge(r, 1);
}

/* --- scopes --- */

static struct jscope *scope_new(struct jrun *r, struct jscope *up)
{
	struct jscope *s = jarena_get(&r->arena, sizeof *s);

	if (!s)
		jfail(r, "the template needs too much memory");
	else
		s->up = up;
	return s;
}

static struct jv *scope_find(struct jrun *r, struct jscope *s, struct span name)
{
	size_t i;

	for (; s; s = s->up) {
		r->steps += s->n / 8;
		for (i = s->n; i-- > 0;)
			if (span_eq(s->v[i].key.s, name))
				return &s->v[i].value;
	}
	return NULL;
}

static int scope_set(struct jrun *r, struct jscope *s, struct span name, struct jv value)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (span_eq(s->v[i].key.s, name)) {
			s->v[i].value = value;
			return 0;
		}
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 8;
		struct jentry *v = jarena_get(&r->arena, cap * sizeof *v);

		if (!v)
			return jfail(r, "the template needs too much memory");
		if (s->n)
			memcpy(v, s->v, s->n * sizeof *v);
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = (struct jentry){jv_string(name), value};
	return 0;
}

/* --- attributes and indexes --- */

static int loop_attr(struct jrun *r, struct jloop *l, struct span name, struct jv *out)
{
	int64_t i = (int64_t)l->index, n = (int64_t)l->items->n;

	(void)r;
	if (span_is(name, "index"))
		*out = jv_int(i + 1);
	else if (span_is(name, "index0"))
		*out = jv_int(i);
	else if (span_is(name, "revindex"))
		*out = jv_int(n - i);
	else if (span_is(name, "revindex0"))
		*out = jv_int(n - i - 1);
	else if (span_is(name, "first"))
		*out = jv_bool(i == 0);
	else if (span_is(name, "last"))
		*out = jv_bool(i == n - 1);
	else if (span_is(name, "length"))
		*out = jv_int(n);
	else if (span_is(name, "depth"))
		*out = jv_int(l->depth);
	else if (span_is(name, "depth0"))
		*out = jv_int(l->depth - 1);
	else if (span_is(name, "previtem"))
		*out = i ? l->items->v[i - 1] : jv_undefined(name);
	else if (span_is(name, "nextitem"))
		*out = i + 1 < n ? l->items->v[i + 1] : jv_undefined(name);
	else
		*out = jv_undefined(name);
	return 0;
}

int jattr(struct jrun *r, const struct jv *v, struct span name, struct jv *out)
{
	struct jv *found;

	switch (v->kind) {
	case J_UNDEFINED:
		return jfail(r, "'%.*s' is undefined, so it has no '%.*s'", (int)v->s.n, v->s.s ? v->s.s : "", (int)name.n, name.s);
	case J_DICT:
	case J_NAMESPACE:
		found = jv_get(r, v->dict, jv_string(name));
		*out = found ? *found : jv_undefined(name);
		return 0;
	case J_LOOP:
		return loop_attr(r, v->loop, name, out);
	default:
		*out = jv_undefined(name);
		return 0;
	}
}

int jindex(struct jrun *r, const struct jv *v, const struct jv *key, struct jv *out)
{
	int64_t i, n;
	struct jv *found;

	if (v->kind == J_UNDEFINED)
		return jfail(r, "'%.*s' is undefined, so nothing can be taken out of it", (int)v->s.n, v->s.s ? v->s.s : "");
	if (v->kind == J_DICT || v->kind == J_NAMESPACE) {
		found = jv_get(r, v->dict, *key);
		*out = found ? *found : jv_undefined(key->kind == J_STRING ? key->s : span_of("key"));
		return jcharge(r, 1);
	}
	if (key->kind == J_STRING)
		return jattr(r, v, key->s, out);
	*out = jv_undefined(span_of("element"));
	if ((key->kind != J_INT && key->kind != J_BOOL) || (v->kind != J_LIST && v->kind != J_STRING))
		return 0;
	n = v->kind == J_LIST ? (int64_t)v->list->n : (int64_t)jv_chars(v->s);
	i = key->kind == J_INT ? key->i : key->b;
	if (i < 0)
		i += n;
	if (i < 0 || i >= n)
		return 0;
	*out = v->kind == J_LIST ? v->list->v[i] : jv_string(jv_substring(v->s, (size_t)i, (size_t)i + 1));
	return jcharge(r, v->kind == J_STRING ? v->s.n / 64 : 0);
}

static int slice(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv *out)
{
	struct jv v, part;
	int64_t bound[3] = {0, 0, 1}, len, i;
	int given[3] = {0, 0, 0}, k;

	if (jeval(r, s, n->a, &v))
		return -1;
	for (k = 0; k < 3; k++) {
		if (!n->list[k])
			continue;
		if (jeval(r, s, n->list[k], &part))
			return -1;
		if (part.kind == J_NONE)
			continue;
		if (part.kind != J_INT)
			return jfail(r, "a slice needs integers, not %s", jv_type(&part));
		bound[k] = part.i;
		given[k] = 1;
	}
	if (v.kind != J_LIST && v.kind != J_STRING)
		return jfail(r, "a %s cannot be sliced", jv_type(&v));
	if (!bound[2])
		return jfail(r, "a slice with step 0");
	len = v.kind == J_LIST ? (int64_t)v.list->n : (int64_t)jv_chars(v.s);
	for (k = 0; k < 2; k++) { /* as Python's slice.indices */
		int64_t low = bound[2] < 0 ? -1 : 0, high = bound[2] < 0 ? len - 1 : len;

		if (!given[k])
			bound[k] = (k == 0) == (bound[2] > 0) ? low : high;
		else if (bound[k] < 0)
			bound[k] = bound[k] < -len ? low : bound[k] + len;
		else if (bound[k] > high)
			bound[k] = high;
	}
	if (v.kind == J_STRING && bound[2] == 1) {
		*out = jv_string(jv_substring(v.s, (size_t)bound[0], (size_t)(bound[1] > bound[0] ? bound[1] : bound[0])));
		return jcharge(r, v.s.n / 64);
	}
	if (v.kind == J_STRING) {
		struct jlist *chars;
		struct buf b = BUF_INIT;

		if (jv_items(r, &v, &chars))
			return -1;
		for (i = bound[0]; bound[2] > 0 ? i < bound[1] : i > bound[1]; i += bound[2]) {
			buf_addspan(&b, chars->v[i].s);
			if (bound[2] > len || bound[2] < -len)
				break;
		}
		return jv_buf(r, &b, out);
	}
	if (jv_list(r, out))
		return -1;
	out->tuple = v.tuple;
	for (i = bound[0]; bound[2] > 0 ? i < bound[1] : i > bound[1]; i += bound[2]) {
		if (jv_push(r, out->list, v.list->v[i]))
			return -1;
		if (bound[2] > len || bound[2] < -len)
			break; /* also keeps i from overflowing */
	}
	return 0;
}

/* --- operators --- */

static int concat(struct jrun *r, const struct jv *a, const struct jv *b, struct jv *out)
{
	struct buf text = BUF_INIT;

	if (jv_print(r, a, &text) || jv_print(r, b, &text)) {
		buf_release(&text);
		return -1;
	}
	return jv_buf(r, &text, out);
}

/* a + b where one of them is safe: the other is escaped. */
static int concat_safe(struct jrun *r, const struct jv *a, const struct jv *b, struct jv *out)
{
	struct buf text = BUF_INIT;

	if (jcharge(r, (a->s.n + b->s.n) / 64))
		return -1;
	if (a->safe)
		buf_addspan(&text, a->s);
	else
		jescape(a->s, &text);
	if (b->safe)
		buf_addspan(&text, b->s);
	else
		jescape(b->s, &text);
	if (jv_buf(r, &text, out))
		return -1;
	out->safe = 1;
	return 0;
}

static int join_lists(struct jrun *r, const struct jlist *a, const struct jlist *b, struct jv *out)
{
	size_t i;

	if (jv_list(r, out))
		return -1;
	for (i = 0; i < a->n; i++)
		if (jv_push(r, out->list, a->v[i]))
			return -1;
	for (i = 0; i < b->n; i++)
		if (jv_push(r, out->list, b->v[i]))
			return -1;
	return 0;
}

static int repeat(struct jrun *r, const struct jv *what, int64_t times, struct jv *out)
{
	struct buf b = BUF_INIT;
	int64_t k;
	size_t i;

	if (times < 0)
		times = 0;
	if (what->kind == J_STRING) {
		if (what->s.n && (uint64_t)times > r->limits.output / what->s.n)
			return jfail(r, "a repeated text grows too long");
		for (k = 0; k < times && what->s.n; k++)
			buf_addspan(&b, what->s);
		return jv_buf(r, &b, out);
	}
	if (jv_list(r, out))
		return -1;
	out->tuple = what->tuple;
	for (k = 0; k < times && what->list->n; k++)
		for (i = 0; i < what->list->n; i++)
			if (jv_push(r, out->list, what->list->v[i]))
				return -1;
	return 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return q - (a % b != 0 && (a < 0) != (b < 0));
}

static int integers(struct jrun *r, enum jop op, int64_t a, int64_t b, struct jv *out)
{
	int64_t x = 0, k;
	int over = 0;

	switch (op) {
	case OP_ADD:
		over = __builtin_add_overflow(a, b, &x);
		break;
	case OP_SUB:
		over = __builtin_sub_overflow(a, b, &x);
		break;
	case OP_MUL:
		over = __builtin_mul_overflow(a, b, &x);
		break;
	case OP_FLOOR:
	case OP_MOD:
		if (!b)
			return jfail(r, "division by zero");
		if (a == INT64_MIN && b == -1)
			over = op == OP_FLOOR;
		else
			x = op == OP_FLOOR ? floor_div(a, b) : a - floor_div(a, b) * b;
		break;
	default: /* OP_POW with b >= 0 */
		for (x = 1, k = 0; k < b && !over && x != 0; k++) {
			over = __builtin_mul_overflow(x, a, &x);
			if (a == 1 || a == -1) {
				x = a == 1 || b % 2 == 0 ? 1 : -1;
				break;
			}
		}
	}
	if (over)
		return jfail(r, "an integer grows beyond 64 bits");
	*out = jv_int(x);
	return 0;
}

static int arithmetic(struct jrun *r, enum jop op, const struct jv *a, const struct jv *b, struct jv *out)
{
	static const char *const names[] = {"+", "-", "*", "/", "//", "%", "**"};
	double x, y;

	if (a->kind == J_UNDEFINED || b->kind == J_UNDEFINED) {
		const struct jv *u = a->kind == J_UNDEFINED ? a : b;

		return jfail(r, "'%.*s' is undefined", (int)u->s.n, u->s.s ? u->s.s : "");
	}
	if (op == OP_ADD && a->kind == J_STRING && b->kind == J_STRING)
		return a->safe || b->safe ? concat_safe(r, a, b, out) : concat(r, a, b, out);
	if (op == OP_ADD && a->kind == J_LIST && b->kind == J_LIST && a->tuple == b->tuple)
		return join_lists(r, a->list, b->list, out);
	if (op == OP_MUL && (a->kind == J_STRING || a->kind == J_LIST) && b->kind == J_INT)
		return repeat(r, a, b->i, out);
	if (op == OP_MUL && (b->kind == J_STRING || b->kind == J_LIST) && a->kind == J_INT)
		return repeat(r, b, a->i, out);
	if (op == OP_MOD && a->kind == J_STRING) {
		struct buf text = BUF_INIT;
		int rc = b->kind == J_LIST && b->tuple ? jformat(r, a->s, b->list->v, b->list->n, &text) : jformat(r, a->s, b, 1, &text);

		if (rc) {
			buf_release(&text);
			return -1;
		}
		return jv_buf(r, &text, out);
	}
	if (!jv_number(a, &x) || !jv_number(b, &y))
		return jfail(r, "%s %s %s is not possible", jv_type(a), names[op], jv_type(b));
	if (op != OP_DIV && a->kind != J_FLOAT && b->kind != J_FLOAT && !(op == OP_POW && y < 0))
		return integers(r, op, a->kind == J_INT ? a->i : a->b, b->kind == J_INT ? b->i : b->b, out);
	if ((op == OP_DIV || op == OP_FLOOR || op == OP_MOD) && y == 0)
		return jfail(r, "division by zero");
	switch (op) {
	case OP_ADD:
		x += y;
		break;
	case OP_SUB:
		x -= y;
		break;
	case OP_MUL:
		x *= y;
		break;
	case OP_DIV:
		x /= y;
		break;
	case OP_FLOOR:
		x = floor(x / y);
		break;
	case OP_MOD:
		x -= floor(x / y) * y;
		break;
	default:
		x = pow(x, y);
	}
	*out = jv_float(x);
	return 0;
}

static int compare(struct jrun *r, enum jop op, const struct jv *a, const struct jv *b, int *yes)
{
	int sign;

	switch (op) {
	case OP_EQ:
	case OP_NE:
		*yes = jv_equal(r, a, b) == (op == OP_EQ);
		return 0;
	case OP_IN:
	case OP_NOT_IN:
		if (jv_contains(r, a, b, yes))
			return -1;
		*yes ^= op == OP_NOT_IN;
		return 0;
	default:
		if (jv_compare(r, a, b, &sign))
			return -1;
		*yes = op == OP_LT ? sign < 0 : op == OP_LE ? sign <= 0 : op == OP_GT ? sign > 0 : sign >= 0;
		return 0;
	}
}

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

static int arguments(struct jrun *r, struct jscope *s, const struct jnode *n, struct jcall *c)
{
	size_t i;

	memset(c, 0, sizeof *c);
	if (!n->nargs)
		return 0;
	c->v = jarena_get(&r->arena, n->nargs * sizeof *c->v);
	c->names = jarena_get(&r->arena, n->nargs * sizeof *c->names);
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

static int body(struct jrun *r, struct jscope *s, struct jnode *const *list, size_t n);

/* Runs statements with their output caught. */
static int captured(struct jrun *r, struct jscope *s, struct jnode *const *list, size_t n, struct jv *out)
{
	struct buf text = BUF_INIT, *before = r->out;
	int rc;

	text.max = r->limits.output;
	r->out = &text;
	rc = body(r, s, list, n);
	r->out = before;
	if (rc < 0) {
		buf_release(&text);
		return -1;
	}
	return jv_buf(r, &text, out) ? -1 : rc;
}

static int call_macro(struct jrun *r, struct jmacro *m, const struct jcall *c, const struct jv *caller, struct jv *out)
{
	const struct jnode *n = m->node;
	struct jscope *s = scope_new(r, m->scope);
	size_t i, k;
	int rc;

	if (!s)
		return -1;
	if (c->positional > n->nargs)
		return jfail(r, "macro %.*s takes %zu arguments, %zu were given", (int)n->name.n, n->name.s, n->nargs, c->positional);
	for (k = c->positional; k < c->n; k++) {
		for (i = 0; i < n->nargs && !span_eq(n->args[i].name, c->names[k]); i++)
			;
		if (i == n->nargs || i < c->positional)
			return jfail(r, "macro %.*s does not take the argument '%.*s' here", (int)n->name.n, n->name.s,
				     (int)c->names[k].n, c->names[k].s);
	}
	for (i = 0; i < n->nargs; i++) {
		struct jv v = jv_undefined(n->args[i].name);

		if (i < c->positional) {
			v = c->v[i];
		} else {
			for (k = c->positional; k < c->n && !span_eq(n->args[i].name, c->names[k]); k++)
				;
			if (k < c->n)
				v = c->v[k];
			else if (n->args[i].value && jeval(r, s, n->args[i].value, &v))
				return -1;
		}
		if (scope_set(r, s, n->args[i].name, v))
			return -1;
	}
	if (caller && scope_set(r, s, span_of("caller"), *caller))
		return -1;
	if (enter(r))
		return -1;
	rc = captured(r, s, n->list, n->n, out);
	r->depth--;
	return rc < 0 ? -1 : 0;
}

int jcall_value(struct jrun *r, const struct jv *f, const struct jcall *c, struct jv *out)
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

static int call(struct jrun *r, struct jscope *s, const struct jnode *n, const struct jv *caller, struct jv *out)
{
	struct jcall c;
	struct jv f, v;
	int found;

	if (n->a->kind == N_ATTR) {
		if (jeval(r, s, n->a->a, &v) || arguments(r, s, n, &c))
			return -1;
		r->line = n->line;
		if (jmethod(r, &v, n->a->name, &c, out, &found))
			return -1;
		if (found)
			return 0;
		if (jattr(r, &v, n->a->name, &f))
			return -1;
		if (f.kind == J_UNDEFINED)
			return jfail(r, "a %s has no method '%.*s'", jv_type(&v), (int)n->a->name.n, n->a->name.s);
	} else if (jeval(r, s, n->a, &f) || arguments(r, s, n, &c)) {
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
	struct jv *v = scope_find(r, s, n->name);
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
			if (jeval(r, s, n->list[i], &a) || jeval(r, s, n->list[i + 1], &b) || jv_put(r, out->dict, a, b))
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
		return call(r, s, n, NULL, out);
	case N_FILTER:
		if (jeval(r, s, n->a, &a) || arguments(r, s, n, &c))
			return -1;
		r->line = n->line;
		return jfilter(r, n->name, &a, &c, out);
	case N_TEST:
		if (jeval(r, s, n->a, &a) || arguments(r, s, n, &c))
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
		if (jeval(r, s, n->a, &a))
			return -1;
		if (a.kind == J_FLOAT) {
			*out = jv_float(n->kind == N_NEG ? -a.f : a.f);
		} else if (a.kind == J_INT || a.kind == J_BOOL) {
			int64_t x = a.kind == J_INT ? a.i : a.b;

			return integers(r, OP_MUL, x, n->kind == N_NEG ? -1 : 1, out);
		} else {
			return jfail(r, "a %s has no sign", jv_type(&a));
		}
		return 0;
	case N_AND:
	case N_OR:
		if (jeval(r, s, n->a, out))
			return -1;
		return jv_true(out) == (n->kind == N_AND) ? jeval(r, s, n->b, out) : 0;
	case N_BINARY:
		if (jeval(r, s, n->a, &a) || jeval(r, s, n->b, &b))
			return -1;
		r->line = n->line;
		return n->op == OP_CONCAT ? concat(r, &a, &b, out) : arithmetic(r, n->op, &a, &b, out);
	case N_COMPARE:
		if (jeval(r, s, n->a, &a))
			return -1;
		for (i = 0, yes = 1; i < n->n && yes; i++, a = b) {
			if (jeval(r, s, n->list[i], &b))
				return -1;
			r->line = n->line;
			if (compare(r, (enum jop)n->ops[i], &a, &b, &yes))
				return -1;
		}
		*out = jv_bool(yes);
		return 0;
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

	if (enter(r))
		return -1;
	r->line = n->line;
	rc = eval(r, s, n, out);
	r->depth--;
	return rc;
}

/* --- statements --- */

static int assign(struct jrun *r, struct jscope *s, const struct jnode *target, struct jv v)
{
	struct jv *n;

	if (target->kind == N_NAME)
		return scope_set(r, s, target->name, v);
	n = scope_find(r, s, target->a->name);
	if (!n || n->kind != J_NAMESPACE)
		return jfail(r, "'%.*s' is no namespace, so '%.*s' cannot be set on it", (int)target->a->name.n, target->a->name.s,
			     (int)target->name.n, target->name.s);
	return jv_put(r, n->dict, jv_string(target->name), v);
}

static int assign_all(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv v)
{
	struct jlist *parts;
	size_t i;

	if (!n->unpack)
		return assign(r, s, n->targets[0], v);
	if (jv_items(r, &v, &parts))
		return -1;
	if (parts->n != n->ntargets)
		return jfail(r, "%zu values cannot be taken into %zu names", parts->n, n->ntargets);
	for (i = 0; i < parts->n; i++)
		if (assign(r, s, n->targets[i], parts->v[i]))
			return -1;
	return 0;
}

static int statement_for(struct jrun *r, struct jscope *s, const struct jnode *n)
{
	struct jv seq, kept, keep;
	struct jlist *items;
	struct jloop *loop;
	struct jscope *inner;
	size_t i;
	int flow = GO;

	if (jeval(r, s, n->a, &seq))
		return -1;
	r->line = n->line;
	if (jv_items(r, &seq, &items))
		return -1;
	if (n->b) {
		if (jv_list(r, &kept))
			return -1;
		for (i = 0; i < items->n; i++) {
			if (!(inner = scope_new(r, s)) || assign_all(r, inner, n, items->v[i]) || jeval(r, inner, n->b, &keep))
				return -1;
			if (jv_true(&keep) && jv_push(r, kept.list, items->v[i]))
				return -1;
		}
		items = kept.list;
	}
	if (!items->n)
		return n->c ? body(r, s, n->c->list, n->c->n) : GO;
	if (!(loop = jarena_get(&r->arena, sizeof *loop)))
		return jfail(r, "the template needs too much memory");
	loop->items = items;
	loop->depth = ++r->loops;
	for (i = 0; i < items->n && flow != BROKE; i++) {
		struct jv v = {.kind = J_LOOP};

		v.loop = loop;
		loop->index = i;
		if (jcharge(r, 1) || !(inner = scope_new(r, s)) || assign_all(r, inner, n, items->v[i]) ||
		    scope_set(r, inner, span_of("loop"), v) || (flow = body(r, inner, n->list, n->n)) < 0)
			return -1;
	}
	r->loops--;
	return GO;
}

static int statement_if(struct jrun *r, struct jscope *s, const struct jnode *n)
{
	struct jv v;
	size_t i;

	for (i = 0; i + 1 < n->n; i += 2) {
		if (n->list[i]) {
			if (jeval(r, s, n->list[i], &v))
				return -1;
			if (!jv_true(&v))
				continue;
		}
		return body(r, s, n->list[i + 1]->list, n->list[i + 1]->n);
	}
	return GO;
}

/* A chain of filters whose innermost operand is missing, over v. */
static int filter_chain(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv v, struct jv *out)
{
	struct jcall c;

	if (!n) {
		*out = v;
		return 0;
	}
	if (filter_chain(r, s, n->a, v, &v) || arguments(r, s, n, &c))
		return -1;
	r->line = n->line;
	return jfilter(r, n->name, &v, &c, out);
}

static int output(struct jrun *r, const struct jv *v)
{
	if (jv_print(r, v, r->out))
		return -1;
	if (r->out->full)
		return jfail(r, "the template writes more than %zu MB", r->limits.output >> 20);
	return 0;
}

static int generation(struct jrun *r, struct jscope *s, const struct jnode *n)
{
	size_t begin = r->out->len;
	struct jinja_marks *m = r->marks;
	int flow;

	if (r->out != r->main_out)
		return jfail(r, "{%% generation %%} inside a macro or a captured block is not supported");
	if ((flow = body(r, scope_new(r, s), n->list, n->n)) < 0)
		return -1;
	if (m) {
		m->v = mem_grow(m->v, &m->cap, m->n + 1, sizeof *m->v);
		m->v[m->n++] = (struct jinja_mark){begin - r->main_start, r->out->len - r->main_start};
	}
	return flow;
}

static int statement(struct jrun *r, struct jscope *s, const struct jnode *n)
{
	struct jv v;
	struct jscope *inner;
	size_t i;

	switch (n->kind) {
	case N_TEXT:
		return output(r, &n->value);
	case N_OUTPUT:
		return jeval(r, s, n->a, &v) ? -1 : output(r, &v);
	case N_IF:
		return statement_if(r, s, n);
	case N_FOR:
		return statement_for(r, s, n);
	case N_SET:
		return jeval(r, s, n->a, &v) ? -1 : assign_all(r, s, n, v);
	case N_SET_BLOCK:
		if (!(inner = scope_new(r, s)) || captured(r, inner, n->list, n->n, &v) < 0 || filter_chain(r, s, n->a, v, &v))
			return -1;
		return assign_all(r, s, n, v);
	case N_FILTER_BLOCK:
		if (!(inner = scope_new(r, s)) || captured(r, inner, n->list, n->n, &v) < 0 || filter_chain(r, s, n->a, v, &v))
			return -1;
		return output(r, &v);
	case N_MACRO:
	case N_CALL_BLOCK:
		v = (struct jv){.kind = J_MACRO};
		if (!(v.macro = jarena_get(&r->arena, sizeof *v.macro)))
			return jfail(r, "the template needs too much memory");
		v.macro->node = n;
		v.macro->scope = s;
		if (n->kind == N_MACRO)
			return scope_set(r, s, n->name, v);
		return call(r, s, n->a, &v, &v) ? -1 : output(r, &v);
	case N_WITH:
		if (!(inner = scope_new(r, s)))
			return -1;
		for (i = 0; i < n->nargs; i++)
			if (jeval(r, s, n->args[i].value, &v) || scope_set(r, inner, n->args[i].name, v))
				return -1;
		return body(r, inner, n->list, n->n);
	case N_BREAK:
		return BROKE;
	case N_CONTINUE:
		return CONTINUED;
	case N_GENERATION:
		return generation(r, s, n);
	default:
		return jfail(r, "not a statement");
	}
}

/* Statements in order, until one breaks off. */
static int body(struct jrun *r, struct jscope *s, struct jnode *const *list, size_t n)
{
	size_t i;
	int flow = GO;

	if (!s || enter(r))
		return -1;
	for (i = 0; i < n && flow == GO; i++) {
		r->line = list[i]->line;
		if (jcharge(r, 1))
			return -1;
		flow = statement(r, s, list[i]);
	}
	r->depth--;
	return flow;
}

/* --- from outside --- */

struct jinja *jinja_compile(struct span source, const char *name, struct err *e)
{
	struct jinja *t;
	struct jtokens tokens = {0};
	char *copy;

	if (source.n > JINJA_SOURCE_MAX) {
		err_set(e, "%s: a template of %zu bytes is too large", name, source.n);
		return NULL;
	}
	t = mem_alloc(1, sizeof *t);
	t->arena.max = (size_t)256 << 20;
	t->name = copy = jarena_get(&t->arena, strlen(name) + 1);
	memcpy(copy, name, strlen(name));
	if (jinja_lex(t, source, &tokens, e) || jinja_parse(t, &tokens, e)) {
		jinja_free(t);
		t = NULL;
	}
	free(tokens.v);
	return t;
}

void jinja_free(struct jinja *t)
{
	if (!t)
		return;
	jarena_release(&t->arena);
	free(t);
}

void jinja_marks_release(struct jinja_marks *m)
{
	free(m->v);
	memset(m, 0, sizeof *m);
}

int jinja_has_marks(const struct jinja *t)
{
	return t->marks;
}

int jinja_render(const struct jinja *t, struct span vars, int64_t now, const struct jinja_limits *limits, struct buf *out,
		 struct jinja_marks *marks, struct err *e)
{
	struct jrun r = {.t = t, .now = now, .out = out, .main_out = out, .main_start = out->len, .marks = marks, .e = e, .line = 1};
	struct json_iter it = {0};
	struct span key, value;
	struct jscope *globals, *top;
	struct jv k, v;
	size_t max = out->max;
	int rc = -1;

	if (limits)
		r.limits = *limits;
	if (!r.limits.steps)
		r.limits.steps = 20000000;
	if (!r.limits.output)
		r.limits.output = (size_t)256 << 20;
	if (!r.limits.memory)
		r.limits.memory = (size_t)1 << 30;
	r.arena.max = r.limits.memory;
	if (marks)
		marks->n = 0;
	out->max = out->len + r.limits.output;
	if (!(globals = scope_new(&r, NULL)) || !(top = scope_new(&r, globals)))
		goto cleanup;
	while (json_next(&it, vars, &key, &value))
		if (jv_from_json(&r, key, 0, &k) || jv_from_json(&r, value, 0, &v) || scope_set(&r, globals, k.s, v))
			goto cleanup;
	if (body(&r, top, t->root->list, t->root->n) < 0)
		goto cleanup;
	rc = 0;
cleanup:
	if (rc && out->data) {
		out->len = r.main_start;
		out->data[out->len] = 0;
		out->full = 0;
	}
	out->max = max;
	jarena_release(&r.arena);
	return rc;
}
