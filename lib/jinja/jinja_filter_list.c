/* Filters over sequences and mappings, and those that take a value apart or stand in for it, as
 * Jinja2 defines them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "jinja_filter.h"

static int f_length(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	if (v->kind == J_STRING)
		*out = jv_int((int64_t)jv_chars(v->s));
	else if (v->kind == J_LIST)
		*out = jv_int((int64_t)v->list->n);
	else if (v->kind == J_DICT)
		*out = jv_int((int64_t)v->dict->n);
	else if (v->kind == J_UNDEFINED)
		*out = jv_int(0);
	else
		return jfail(r, "a %s has no length", jv_type(v));
	return jcharge(r, v->kind == J_STRING ? v->s.n / 64 : 0);
}

static int f_first(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jlist *l;

	(void)c;
	if (jv_items(r, v, &l))
		return -1;
	*out = l->n ? l->v[0] : jv_undefined(span_of("first"));
	return 0;
}

static int f_last(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jlist *l;

	(void)c;
	if (jv_items(r, v, &l))
		return -1;
	*out = l->n ? l->v[l->n - 1] : jv_undefined(span_of("last"));
	return 0;
}

static int copy_list(struct jrun *r, const struct jlist *l, struct jv *out)
{
	size_t i;

	if (jv_list(r, out))
		return -1;
	for (i = 0; i < l->n; i++)
		if (jv_push(r, out->list, l->v[i]))
			return -1;
	return 0;
}

static int f_list(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jlist *l;

	(void)c;
	return jv_items(r, v, &l) ? -1 : copy_list(r, l, out);
}

static int f_reverse(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jlist *l;
	struct buf b = BUF_INIT;
	size_t i;

	(void)c;
	if (jv_items(r, v, &l) || jv_list(r, out))
		return -1;
	if (v->kind == J_STRING) {
		for (i = l->n; i-- > 0;)
			buf_addspan(&b, l->v[i].s);
		return jv_buf(r, &b, out);
	}
	for (i = l->n; i-- > 0;)
		if (jv_push(r, out->list, l->v[i]))
			return -1;
	return 0;
}

/* v.a.b or v.0: a dotted path as map, sort and others take it. */
static int by_path(struct jrun *r, const struct jv *v, struct span path, struct jv *out)
{
	*out = *v;
	while (path.n) {
		const char *dot = memchr(path.s, '.', path.n);
		size_t n = dot ? (size_t)(dot - path.s) : path.n, i;
		struct jv key = jv_string((struct span){path.s, n});

		for (i = 0; i < n && isdigit((unsigned char)path.s[i]); i++)
			;
		if (n && i == n && n < 10)
			key = jv_int(strtoll(path.s, NULL, 10));
		if (jindex(r, out, &key, out))
			return -1;
		path.s += dot ? n + 1 : n;
		path.n -= dot ? n + 1 : n;
	}
	return 0;
}

/* The value of an attribute argument (a path, or an index) of v. */
static int attribute(struct jrun *r, const struct jv *v, const struct jv *attr, struct jv *out)
{
	if (!attr || attr->kind == J_NONE) {
		*out = *v;
		return 0;
	}
	return attr->kind == J_STRING ? by_path(r, v, attr->s, out) : jindex(r, v, attr, out);
}

static int f_join(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *attr = jcall_arg(c, 1, "attribute");
	struct buf b = BUF_INIT;
	struct span between;
	struct jlist *l;
	struct jv x;
	size_t i;

	if (jarg_text(r, c, 0, "d", "", &between) || jv_items(r, v, &l))
		return -1;
	for (i = 0; i < l->n; i++) {
		if (i)
			buf_addspan(&b, between);
		if (attribute(r, &l->v[i], attr, &x) || jv_print(r, &x, &b)) {
			buf_release(&b);
			return -1;
		}
	}
	return jv_buf(r, &b, out);
}

static int f_sum(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *attr = jcall_arg(c, 0, "attribute"), *start = jcall_arg(c, 1, "start");
	struct jlist *l;
	struct jv x, total = start ? *start : jv_int(0);
	double a, b;
	size_t i;

	if (jv_items(r, v, &l))
		return -1;
	for (i = 0; i < l->n; i++) {
		if (attribute(r, &l->v[i], attr, &x))
			return -1;
		if (!jv_number(&total, &a) || !jv_number(&x, &b))
			return jfail(r, "sum over a %s", jv_type(&x));
		if (total.kind == J_INT && x.kind == J_INT) {
			if (__builtin_add_overflow(total.i, x.i, &total.i))
				return jfail(r, "an integer grows beyond 64 bits");
		} else {
			total = jv_float(a + b);
		}
	}
	*out = total;
	return 0;
}

/* --- sorting: merge sort, since comparing can fail --- */

struct sorted {
	struct jv key, value;
};

static int fold(struct jrun *r, struct jv *key, int sensitive)
{
	return key->kind == J_STRING && !sensitive ? jlower(r, key->s, key) : 0;
}

static int merge_sort(struct jrun *r, struct sorted *v, struct sorted *spare, size_t n, int reverse)
{
	size_t half = n / 2, i = 0, j = half, k = 0;
	int sign;

	if (n < 2)
		return 0;
	if (merge_sort(r, v, spare, half, reverse) ||
	    merge_sort(r, v + half, spare, n - half, reverse))
		return -1;
	while (i < half && j < n) {
		if (jv_compare(r, &v[i].key, &v[j].key, &sign))
			return -1;
		spare[k++] = (reverse ? sign >= 0 : sign <= 0) ? v[i++] : v[j++];
	}
	while (i < half)
		spare[k++] = v[i++];
	memcpy(v, spare, k * sizeof *v);
	return 0;
}

static int sort_values(struct jrun *r, struct sorted *v, size_t n, int reverse)
{
	struct sorted *spare = arena_get(&r->arena, (n + 1) * sizeof *spare);

	return spare ? merge_sort(r, v, spare, n, reverse)
		     : jfail(r, "the template needs too much memory");
}

static int f_sort(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	int reverse = jarg_flag(c, 0, "reverse", 0),
	    sensitive = jarg_flag(c, 1, "case_sensitive", 0);
	const struct jv *attr = jcall_arg(c, 2, "attribute");
	struct jlist *l;
	struct sorted *s;
	size_t i;

	if (jv_items(r, v, &l))
		return -1;
	if (!(s = arena_get(&r->arena, (l->n + 1) * sizeof *s)))
		return jfail(r, "the template needs too much memory");
	for (i = 0; i < l->n; i++) {
		s[i].value = l->v[i];
		if (attribute(r, &l->v[i], attr, &s[i].key) || fold(r, &s[i].key, sensitive))
			return -1;
	}
	if (sort_values(r, s, l->n, reverse) || jv_list(r, out))
		return -1;
	for (i = 0; i < l->n; i++)
		if (jv_push(r, out->list, s[i].value))
			return -1;
	return 0;
}

static int pair(struct jrun *r, struct jv a, struct jv b, struct jv *out)
{
	if (jv_list(r, out) || jv_push(r, out->list, a) || jv_push(r, out->list, b))
		return -1;
	out->tuple = 1;
	return 0;
}

static int f_items(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	size_t i;
	struct jv p;

	(void)c;
	if (v->kind != J_DICT && v->kind != J_UNDEFINED)
		return jfail(r, "items of a %s", jv_type(v));
	if (jv_list(r, out))
		return -1;
	for (i = 0; v->kind == J_DICT && i < v->dict->n; i++)
		if (pair(r, v->dict->v[i].key, v->dict->v[i].value, &p) || jv_push(r, out->list, p))
			return -1;
	return 0;
}

static int f_dictsort(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	int sensitive = jarg_flag(c, 0, "case_sensitive", 0),
	    reverse = jarg_flag(c, 2, "reverse", 0);
	struct span by;
	struct sorted *s;
	struct jv p;
	size_t i;

	if (v->kind != J_DICT)
		return jfail(r, "dictsort of a %s", jv_type(v));
	if (jarg_text(r, c, 1, "by", "key", &by))
		return -1;
	if (!(s = arena_get(&r->arena, (v->dict->n + 1) * sizeof *s)))
		return jfail(r, "the template needs too much memory");
	for (i = 0; i < v->dict->n; i++) {
		s[i].key = span_is(by, "value") ? v->dict->v[i].value : v->dict->v[i].key;
		if (pair(r, v->dict->v[i].key, v->dict->v[i].value, &s[i].value) ||
		    fold(r, &s[i].key, sensitive))
			return -1;
	}
	if (sort_values(r, s, v->dict->n, reverse) || jv_list(r, out))
		return -1;
	for (i = 0; i < v->dict->n; i++) {
		p = s[i].value;
		if (jv_push(r, out->list, p))
			return -1;
	}
	return 0;
}

static int extreme(struct jrun *r, const struct jv *v, const struct jcall *c, int want,
		   struct jv *out)
{
	const struct jv *attr = jcall_arg(c, 1, "attribute");
	int sensitive = jarg_flag(c, 0, "case_sensitive", 0), sign;
	struct jv best, key;
	struct jlist *l;
	size_t i;

	if (jv_items(r, v, &l))
		return -1;
	*out = jv_undefined(span_of(want < 0 ? "min" : "max"));
	for (i = 0; i < l->n; i++) {
		if (attribute(r, &l->v[i], attr, &key) || fold(r, &key, sensitive))
			return -1;
		if (i) {
			if (jv_compare(r, &key, &best, &sign))
				return -1;
			if (sign != want)
				continue;
		}
		best = key;
		*out = l->v[i];
	}
	return 0;
}

static int f_min(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	return extreme(r, v, c, -1, out);
}

static int f_max(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	return extreme(r, v, c, 1, out);
}

static int f_unique(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	int sensitive = jarg_flag(c, 0, "case_sensitive", 0), known;
	const struct jv *attr = jcall_arg(c, 1, "attribute");
	struct jv seen, key;
	struct jlist *l;
	size_t i;

	if (jv_items(r, v, &l) || jv_list(r, out) || jv_list(r, &seen))
		return -1;
	for (i = 0; i < l->n; i++) {
		if (attribute(r, &l->v[i], attr, &key) || fold(r, &key, sensitive) ||
		    jv_contains(r, &key, &seen, &known))
			return -1;
		if (!known && (jv_push(r, seen.list, key) || jv_push(r, out->list, l->v[i])))
			return -1;
	}
	return 0;
}

static int f_groupby(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *attr = jcall_arg(c, 0, "attribute"),
			*otherwise = jcall_arg(c, 1, "default");
	struct jlist *l;
	struct sorted *s;
	struct jv group, p;
	size_t i;

	if (jv_items(r, v, &l) || jv_list(r, out))
		return -1;
	if (!(s = arena_get(&r->arena, (l->n + 1) * sizeof *s)))
		return jfail(r, "the template needs too much memory");
	for (i = 0; i < l->n; i++) {
		s[i].value = l->v[i];
		if (attribute(r, &l->v[i], attr, &s[i].key))
			return -1;
		if (s[i].key.kind == J_UNDEFINED && otherwise)
			s[i].key = *otherwise;
	}
	if (sort_values(r, s, l->n, 0))
		return -1;
	for (i = 0; i < l->n; i++) {
		if (!i || !jv_equal(r, &s[i].key, &s[i - 1].key))
			if (jv_list(r, &group) || pair(r, s[i].key, group, &p) ||
			    jv_push(r, out->list, p))
				return -1;
		if (jv_push(r, group.list, s[i].value))
			return -1;
	}
	return 0;
}

static int f_batch(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *fill = jcall_arg(c, 1, "fill_with");
	struct jlist *l;
	struct jv row;
	int64_t n;
	size_t i;

	if (jarg_int(r, c, 0, "linecount", 0, &n) || jv_items(r, v, &l) || jv_list(r, out))
		return -1;
	if (n < 1 || n > 1000000)
		return jfail(r, "batch needs a number of at least 1");
	for (i = 0; i < l->n; i++) {
		if (i % (size_t)n == 0 && (jv_list(r, &row) || jv_push(r, out->list, row)))
			return -1;
		if (jv_push(r, row.list, l->v[i]))
			return -1;
	}
	while (fill && l->n && row.list->n < (size_t)n)
		if (jv_push(r, row.list, *fill))
			return -1;
	return 0;
}

static int f_default(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *otherwise = jcall_arg(c, 0, "default_value");

	(void)r;
	if (v->kind == J_UNDEFINED || (jarg_flag(c, 1, "boolean", 0) && !jv_true(v)))
		*out = otherwise ? *otherwise : jv_string(span_of(""));
	else
		*out = *v;
	return 0;
}

/* Arguments from the k-th on, for the filter or test that map, select and others apply. */
static struct jcall rest(const struct jcall *c, size_t k)
{
	struct jcall d = *c;

	d.v += k;
	d.names += k;
	d.n -= k;
	d.positional -= k;
	return d;
}

static int f_map(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *attr = c->positional ? NULL : jcall_arg(c, 9, "attribute"),
			*otherwise = jcall_arg(c, 9, "default");
	struct jlist *l;
	struct jcall args;
	struct jv x;
	size_t i;

	if (jv_list(r, out))
		return -1;
	if (!jv_true(v)) /* none too, as in Jinja2 */
		return 0;
	if (jv_items(r, v, &l))
		return -1;
	if (!attr && (!c->positional || c->v[0].kind != J_STRING))
		return jfail(r, "map needs a filter's name or attribute=");
	if (!attr && !jfilter_known(c->v[0].s))
		return jfail(r, "there is no filter '%.*s'", (int)c->v[0].s.n, c->v[0].s.s);
	for (i = 0; i < l->n; i++) {
		if (attr) {
			if (attribute(r, &l->v[i], attr, &x))
				return -1;
			if (x.kind == J_UNDEFINED && otherwise)
				x = *otherwise;
		} else {
			args = rest(c, 1);
			if (jfilter(r, c->v[0].s, &l->v[i], &args, &x))
				return -1;
		}
		if (jv_push(r, out->list, x))
			return -1;
	}
	return 0;
}

/* select, reject, selectattr, rejectattr */
static int choose(struct jrun *r, const struct jv *v, const struct jcall *c, int keep, int attr,
		  struct jv *out)
{
	size_t at = attr ? 1 : 0, i;
	struct jlist *l;
	struct jcall args;
	struct jv x;
	int yes;

	if (attr && !c->positional)
		return jfail(r, "selectattr and rejectattr need an attribute");
	if (c->positional > at && c->v[at].kind != J_STRING)
		return jfail(r, "the name of a test must be a str");
	if (c->positional > at && !jtest_known(c->v[at].s))
		return jfail(r, "there is no test '%.*s'", (int)c->v[at].s.n, c->v[at].s.s);
	if (jv_list(r, out))
		return -1;
	if (!jv_true(v))
		return 0;
	if (jv_items(r, v, &l))
		return -1;
	for (i = 0; i < l->n; i++) {
		if (attribute(r, &l->v[i], attr ? &c->v[0] : NULL, &x))
			return -1;
		if (c->positional > at) {
			args = rest(c, at + 1);
			if (jtest(r, c->v[at].s, &x, &args, &yes))
				return -1;
		} else {
			yes = jv_true(&x);
		}
		if (yes == keep && jv_push(r, out->list, l->v[i]))
			return -1;
	}
	return 0;
}

static int f_select(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	return choose(r, v, c, 1, 0, out);
}

static int f_reject(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	return choose(r, v, c, 0, 0, out);
}

static int f_selectattr(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	return choose(r, v, c, 1, 1, out);
}

static int f_rejectattr(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	return choose(r, v, c, 0, 1, out);
}

static int f_attr(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct span name;

	return jarg_text(r, c, 0, "name", "", &name) ? -1 : jattr(r, v, name, out);
}

const struct jfilter_named jfilters_list[] = {
	{"attr", f_attr},	{"batch", f_batch},	{"count", f_length},
	{"d", f_default},	{"default", f_default}, {"dictsort", f_dictsort},
	{"first", f_first},	{"groupby", f_groupby}, {"items", f_items},
	{"join", f_join},	{"last", f_last},	{"length", f_length},
	{"list", f_list},	{"map", f_map},		{"max", f_max},
	{"min", f_min},		{"reject", f_reject},	{"rejectattr", f_rejectattr},
	{"reverse", f_reverse}, {"select", f_select},	{"selectattr", f_selectattr},
	{"sort", f_sort},	{"sum", f_sum},		{"unique", f_unique},
	{NULL, NULL},
};
