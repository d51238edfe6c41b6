/* fields: flattening and comparing by kind. See fields.h. */
#include "fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/date.h"
#include "../text/fold.h"
#include "number.h"

void fields_release(struct fields *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].name);
	free(f->v);
	memset(f, 0, sizeof *f);
}

struct field *fields_at(struct fields *f, struct span name)
{
	for (size_t i = 0; i < f->n; i++)
		if (span_is(name, f->v[i].name))
			return f->v + i;
	if (f->n == FIELDS_MAX) {
		f->other++;
		return NULL;
	}
	f->v = mem_grow(f->v, &f->cap, f->n + 1, sizeof *f->v);
	f->v[f->n] = (struct field){.name = span_dup(name)};
	return f->v + f->n++;
}

void fields_merge(struct fields *into, const struct fields *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct field *g = from->v + i;
		struct field *f = fields_at(into, span_of(g->name));

		if (!f)
			continue;
		f->rows += g->rows;
		f->right += g->right;
		f->said += g->said;
		f->expected += g->expected;
		f->found += g->found;
	}
	into->other += from->other;
}

struct span field_verdict_name(const struct field_verdicts *v, size_t i)
{
	return (struct span){v->names.data + v->v[i].name_at, v->v[i].name_len};
}

void field_verdicts_release(struct field_verdicts *v)
{
	free(v->v);
	buf_release(&v->names);
	memset(v, 0, sizeof *v);
}

static int amount_of(struct span v, struct span text, double *x)
{
	if (json_kind(v) == JSON_NUMBER)
		return json_number(v, x) == 0;
	return json_kind(v) == JSON_STRING && number_parse(text, x);
}

static int texts_agree(struct span a, struct span b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	int same = span_eq(a, b);

	/* Two texts of nothing but punctuation fold to nothing, which says nothing. */
	if (!same && fold_text(a, &x) == 0 && fold_text(b, &y) == 0)
		same = x.len > 0 && span_eq(buf_span(&x), buf_span(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

static int scalars_agree(struct span a, struct span b, double tolerance)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	struct date d, e;
	double m, n;
	int same;

	json_string(a, &x);
	json_string(b, &y);
	if (date_parse(buf_span(&x), &d) && date_parse(buf_span(&y), &e))
		same = d.year == e.year && d.month == e.month && d.day == e.day;
	else if (amount_of(a, buf_span(&x), &m) && amount_of(b, buf_span(&y), &n))
		same = m == n || fabs(m - n) <= tolerance * fabs(m);
	else if (json_kind(a) == JSON_STRING && json_kind(b) == JSON_STRING)
		same = texts_agree(buf_span(&x), buf_span(&y));
	else
		same = json_equal(a, b);
	buf_release(&x);
	buf_release(&y);
	return same;
}

int fields_agree(struct span a, struct span b, double tolerance)
{
	struct json_iter i = {0}, j = {0};
	struct span key, x, y;

	if (json_kind(a) != JSON_ARRAY || json_kind(b) != JSON_ARRAY) {
		if (json_kind(a) == JSON_OBJECT || json_kind(b) == JSON_OBJECT || json_kind(a) == JSON_ARRAY ||
		    json_kind(b) == JSON_ARRAY)
			return json_equal(a, b);
		return scalars_agree(a, b, tolerance);
	}
	if (json_count(a) != json_count(b))
		return 0;
	while (json_next(&i, a, &key, &x) && json_next(&j, b, &key, &y))
		if (!fields_agree(x, y, tolerance))
			return 0;
	return 1;
}

static int wanted(struct span name, char *const *only, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(name, only[i]))
			return 1;
	return n == 0;
}

/* Members of a and b at one level; b is walked only for what a lacks. name is the path so far, with its dot. */
struct walk {
	char *const *only;
	size_t n_only;
	double tolerance;
	struct field_verdicts *v;
	struct buf *name;
};

static int is_there(struct span v)
{
	return v.s && json_kind(v) != JSON_NULL;
}

static void compare_value(struct walk *w, struct span reference, struct span answer);

static void compare_objects(struct walk *w, struct span reference, struct span answer)
{
	struct json_iter it = {0};
	struct span key, value;
	struct buf name = BUF_INIT;
	size_t base = w->name->len;

	for (int side = 0; side < 2; side++) {
		memset(&it, 0, sizeof it);
		while (json_next(&it, side == 0 ? reference : answer, &key, &value)) {
			struct span other;

			buf_clear(&name);
			json_string(key, &name);
			buf_addc(&name, 0);
			other = json_member(side == 0 ? answer : reference, name.data);
			if (side == 1 && other.s)
				continue;
			if (base > 0)
				buf_addc(w->name, '.');
			buf_add(w->name, name.data, name.len - 1);
			if (side == 0)
				compare_value(w, value, other);
			else
				compare_value(w, (struct span){0}, value);
			w->name->len = base;
		}
	}
	buf_release(&name);
}

static void compare_value(struct walk *w, struct span reference, struct span answer)
{
	struct field_verdict f = {.said = (unsigned char)is_there(answer), .expected = (unsigned char)is_there(reference)};
	int nested = (json_kind(reference) == JSON_OBJECT && (json_kind(answer) == JSON_OBJECT || !f.said)) ||
		     (json_kind(answer) == JSON_OBJECT && !f.expected);

	if (nested && (json_count(reference) > 0 || json_count(answer) > 0)) {
		compare_objects(w, reference, answer);
		return;
	}
	if (!wanted(buf_span(w->name), w->only, w->n_only))
		return;
	f.right = (unsigned char)(f.said == f.expected && (!f.said || fields_agree(reference, answer, w->tolerance)));
	f.name_at = w->v->names.len;
	f.name_len = w->name->len;
	buf_addspan(&w->v->names, buf_span(w->name));
	w->v->v = mem_grow(w->v->v, &w->v->cap, w->v->n + 1, sizeof *w->v->v);
	w->v->v[w->v->n++] = f;
}

double fields_compare(struct span reference, struct span answer, char *const *only, size_t n_only, double tolerance,
		      struct field_verdicts *v)
{
	struct buf name = BUF_INIT;
	struct walk w = {only, n_only, tolerance, v, &name};
	struct span r, a;
	size_t right = 0;

	v->n = 0;
	buf_clear(&v->names);
	if (json_check(reference, &r, NULL) < 0 || json_kind(r) != JSON_OBJECT)
		return -1;
	if (json_check(answer, &a, NULL) < 0 || json_kind(a) != JSON_OBJECT)
		a = (struct span){0};
	compare_objects(&w, r, a);
	for (size_t i = 0; i < v->n; i++) {
		/* Without an object to look into, null fields were not left out: nothing was said at all. */
		if (!a.s)
			v->v[i].right = 0;
		right += v->v[i].right;
	}
	buf_release(&name);
	return v->n > 0 ? (double)right / (double)v->n : a.s != NULL;
}
