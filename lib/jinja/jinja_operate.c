/* What an expression does to values: taking out of them, arithmetic as Python's, comparing. */
#include <math.h>
#include "jinja_impl.h"

/* --- attributes, indexes, slices --- */

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
		return jfail(r, "'%.*s' is undefined, so it has no '%.*s'", (int)v->s.n,
			     v->s.s ? v->s.s : "", (int)name.n, name.s);
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
		return jfail(r, "'%.*s' is undefined, so nothing can be taken out of it",
			     (int)v->s.n, v->s.s ? v->s.s : "");
	if (v->kind == J_DICT || v->kind == J_NAMESPACE) {
		found = jv_get(r, v->dict, *key);
		*out = found ? *found
			     : jv_undefined(key->kind == J_STRING ? key->s : span_of("key"));
		return jcharge(r, 1);
	}
	if (key->kind == J_STRING)
		return jattr(r, v, key->s, out);
	*out = jv_undefined(span_of("element"));
	if ((key->kind != J_INT && key->kind != J_BOOL) ||
	    (v->kind != J_LIST && v->kind != J_STRING))
		return 0;
	n = v->kind == J_LIST ? (int64_t)v->list->n : (int64_t)jv_chars(v->s);
	i = key->kind == J_INT ? key->i : key->b;
	if (i < 0)
		i += n;
	if (i < 0 || i >= n)
		return 0;
	*out = v->kind == J_LIST ? v->list->v[i]
				 : jv_string(jv_substring(v->s, (size_t)i, (size_t)i + 1));
	return jcharge(r, v->kind == J_STRING ? v->s.n / 64 : 0);
}

int jslice(struct jrun *r, const struct jv *v, const struct jv part[3], struct jv *out)
{
	int64_t bound[3] = {0, 0, 1}, len, i;
	int given[3] = {0, 0, 0}, k;

	for (k = 0; k < 3; k++) {
		if (part[k].kind == J_NONE)
			continue;
		if (part[k].kind != J_INT)
			return jfail(r, "a slice needs integers, not %s", jv_type(&part[k]));
		bound[k] = part[k].i;
		given[k] = 1;
	}
	if (v->kind != J_LIST && v->kind != J_STRING)
		return jfail(r, "a %s cannot be sliced", jv_type(v));
	if (!bound[2])
		return jfail(r, "a slice with step 0");
	len = v->kind == J_LIST ? (int64_t)v->list->n : (int64_t)jv_chars(v->s);
	for (k = 0; k < 2; k++) { /* as Python's slice.indices */
		int64_t low = bound[2] < 0 ? -1 : 0, high = bound[2] < 0 ? len - 1 : len;

		if (!given[k])
			bound[k] = (k == 0) == (bound[2] > 0) ? low : high;
		else if (bound[k] < 0)
			bound[k] = bound[k] < -len ? low : bound[k] + len;
		else if (bound[k] > high)
			bound[k] = high;
	}
	if (v->kind == J_STRING && bound[2] == 1) {
		*out = jv_string(jv_substring(v->s, (size_t)bound[0],
					      (size_t)(bound[1] > bound[0] ? bound[1] : bound[0])));
		return jcharge(r, v->s.n / 64);
	}
	if (v->kind == J_STRING) {
		struct jlist *chars;
		struct buf b = BUF_INIT;

		if (jv_items(r, v, &chars))
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
	out->tuple = v->tuple;
	for (i = bound[0]; bound[2] > 0 ? i < bound[1] : i > bound[1]; i += bound[2]) {
		if (jv_push(r, out->list, v->list->v[i]))
			return -1;
		if (bound[2] > len || bound[2] < -len)
			break; /* also keeps i from overflowing */
	}
	return 0;
}

/* --- operators --- */

int jconcat(struct jrun *r, const struct jv *a, const struct jv *b, struct jv *out)
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

int jintegers(struct jrun *r, enum jop op, int64_t a, int64_t b, struct jv *out)
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

int jarithmetic(struct jrun *r, enum jop op, const struct jv *a, const struct jv *b, struct jv *out)
{
	static const char *const names[] = {"+", "-", "*", "/", "//", "%", "**"};
	double x, y;

	if (a->kind == J_UNDEFINED || b->kind == J_UNDEFINED) {
		const struct jv *u = a->kind == J_UNDEFINED ? a : b;

		return jfail(r, "'%.*s' is undefined", (int)u->s.n, u->s.s ? u->s.s : "");
	}
	if (op == OP_ADD && a->kind == J_STRING && b->kind == J_STRING)
		return a->safe || b->safe ? concat_safe(r, a, b, out) : jconcat(r, a, b, out);
	if (op == OP_ADD && a->kind == J_LIST && b->kind == J_LIST && a->tuple == b->tuple)
		return join_lists(r, a->list, b->list, out);
	if (op == OP_MUL && (a->kind == J_STRING || a->kind == J_LIST) && b->kind == J_INT)
		return repeat(r, a, b->i, out);
	if (op == OP_MUL && (b->kind == J_STRING || b->kind == J_LIST) && a->kind == J_INT)
		return repeat(r, b, a->i, out);
	if (op == OP_MOD && a->kind == J_STRING) {
		struct buf text = BUF_INIT;
		int rc = b->kind == J_LIST && b->tuple
				 ? jformat(r, a->s, b->list->v, b->list->n, &text)
				 : jformat(r, a->s, b, 1, &text);

		if (rc) {
			buf_release(&text);
			return -1;
		}
		return jv_buf(r, &text, out);
	}
	if (!jv_number(a, &x) || !jv_number(b, &y))
		return jfail(r, "%s %s %s is not possible", jv_type(a), names[op], jv_type(b));
	if (op != OP_DIV && a->kind != J_FLOAT && b->kind != J_FLOAT && !(op == OP_POW && y < 0))
		return jintegers(r, op, a->kind == J_INT ? a->i : a->b,
				 b->kind == J_INT ? b->i : b->b, out);
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

int jcompare(struct jrun *r, enum jop op, const struct jv *a, const struct jv *b, int *yes)
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
		*yes = op == OP_LT   ? sign < 0
		       : op == OP_LE ? sign <= 0
		       : op == OP_GT ? sign > 0
				     : sign >= 0;
		return 0;
	}
}
