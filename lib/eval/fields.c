/* fields: flattening and comparing by kind. See fields.h. */
#include "fields.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/fold.h"
#include "../text/moment.h"
#include "number.h"

double field_precision(const struct field *f)
{
	return f->said > 0 ? (double)f->found / (double)f->said : NAN;
}

double field_recall(const struct field *f)
{
	return f->expected > 0 ? (double)f->found / (double)f->expected : NAN;
}

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

static int amount_of(struct span v, struct span text, struct number *x)
{
	if (json_kind(v) == JSON_NUMBER)
		return decimal_read(v, &x->x) == 0;
	/* 01234 is a name, and so may 3/4 be. */
	return json_kind(v) == JSON_STRING && number_parse(text, x) && !x->zeros_led &&
	       x->over.digits.len == 0;
}

/* The letters and digits that end before `at`, or begin there. */
static size_t run(struct span s, size_t at, int step)
{
	size_t n = 0;

	for (size_t i = step < 0 ? at - 1 : at; i < s.n && isalnum((unsigned char)s.s[i]);
	     i += (size_t)step)
		n++;
	return n;
}

/* Whether the mark at i tells something, folded away or not: C# is not C, 10:30 not 1030, -5 not 5,
 * example.com not examplecom, 5' not 5". Commas and apostrophes between thousands do not. */
static int is_telling(struct span s, size_t i)
{
	size_t ahead = run(s, i, -1), then = run(s, i + 1, 1), n = 0;
	int before = ahead > 0 && isdigit((unsigned char)s.s[i - 1]),
	    behind = then > 0 && isdigit((unsigned char)s.s[i + 1]),
	    opens = i == 0 || s.s[i - 1] == ' ' || s.s[i - 1] == '(',
	    closes = i + 1 == s.n || s.s[i + 1] == ' ';
	char c = s.s[i];

	while (i + 1 + n < s.n && isdigit((unsigned char)s.s[i + 1 + n]))
		n++;
	if (!ispunct((unsigned char)c) || ((c == ',' || c == '\'') && n == 3))
		return 0;
	if (strchr("#%&@/\\", c) || (before && behind))
		return 1;
	switch (c) {
	case '-': /* a grade: A- is not A */
		return (ahead > 0 && closes) || (behind && opens);
	case '.': /* U.S. is US */
		return (opens && then > 0) || (ahead > 1 && then > 1) ||
		       (ahead > 0 && then > 0 && memchr(s.s, '@', s.n));
	case '_':
		return ahead > 0 && then > 0;
	case '\'':
	case '"': /* feet and inches, where nothing is quoted */
		return before && closes && !memchr(s.s, c, i);
	default:
		return 0;
	}
}

static void telling_marks(struct span s, struct buf *marks)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_telling(s, i))
			buf_addc(marks, s.s[i]);
}

static int fold_alike(struct span a, struct span b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	int same;

	telling_marks(a, &x);
	telling_marks(b, &y);
	same = span_eq(buf_span(&x), buf_span(&y));
	if (same) {
		buf_clear(&x);
		buf_clear(&y);
		/* Two texts of nothing but punctuation fold to nothing, which says nothing. */
		same = fold_text(a, &x) == 0 && fold_text(b, &y) == 0 && x.len > 0 &&
		       span_eq(buf_span(&x), buf_span(&y));
	}
	buf_release(&x);
	buf_release(&y);
	return same;
}

/* What an amount at the beginning of a text counts: kg of 5 kg and 5kg. Empty where it is no unit, or
 * the amount may be something else: 01234 a name, 1.30 pm a time. */
static struct span counted(struct span s, struct number *x)
{
	size_t n = number_first(s, x);

	n += n > 0 && n < s.n && s.s[n] == ' ';
	s = (struct span){s.s + n, s.n - n};
	if (n == 0 || x->zeros_led || s.n == 0 ||
	    !(isalpha((unsigned char)*s.s) || (unsigned char)*s.s >= 0x80) ||
	    (s.n > 1 && strchr("aApP", *s.s) && strchr("mM.", s.s[1])))
		return (struct span){0};
	return s;
}

static int quantities_agree(struct span a, struct span b, const struct tolerance *tolerance)
{
	struct number m = {0}, n = {0};
	struct span what = counted(a, &m), other = counted(b, &n);
	int same = what.s && other.s && fold_alike(what, other) && number_near(&m, &n, tolerance);

	number_release(&m);
	number_release(&n);
	return same;
}

static int texts_agree(struct span a, struct span b, const struct tolerance *tolerance)
{
	struct buf u = BUF_INIT, v = BUF_INIT;
	int same = span_eq(a, b);

	if (!same) {
		number_plain(a, &u);
		number_plain(b, &v);
		same = fold_alike(buf_span(&u), buf_span(&v)) ||
		       quantities_agree(buf_span(&u), buf_span(&v), tolerance);
	}
	buf_release(&u);
	buf_release(&v);
	return same;
}

static int has_zone(struct span s, const struct moment *m)
{
	return m->offset != 0 || (s.n > 0 && (s.s[s.n - 1] == 'Z' || s.s[s.n - 1] == 'z')) ||
	       (s.n > 6 && (memmem(s.s, s.n, "+00", 3) || memmem(s.s, s.n, "GMT", 3)));
}

/* The digits of a fraction of a second, without zeros at the end; empty where there is none. */
static struct span fraction(struct span s)
{
	for (size_t i = 3; i + 1 < s.n; i++)
		if (s.s[i] == '.' && s.s[i - 3] == ':') {
			size_t n = 0;

			while (i + 1 + n < s.n && isdigit((unsigned char)s.s[i + 1 + n]))
				n++;
			while (n > 0 && s.s[i + n] == '0')
				n--;
			return (struct span){s.s + i + 1, n};
		}
	return (struct span){0};
}

/* Dates are the same day; where both have a time too, the same second, in UTC where both have a
 * zone. *same is not set where either is no date. */
static int are_dates(struct span a, struct span b, int *same)
{
	struct date d, e;
	struct moment m, n;

	if (!moment_date(a, &d) || !moment_date(b, &e))
		return 0;
	*same = d.year == e.year && d.month == e.month && d.day == e.day;
	if (moment_parse(a, &m) && moment_parse(b, &n) && m.second >= 0 && n.second >= 0) {
		if (has_zone(a, &m) && has_zone(b, &n))
			*same = moment_days(&m) * 86400 + m.second - m.offset ==
				moment_days(&n) * 86400 + n.second - n.offset;
		else
			*same &= m.second == n.second;
		*same &= !fraction(a).s || !fraction(b).s || span_eq(fraction(a), fraction(b));
	}
	return 1;
}

static int scalars_agree(struct span a, struct span b, const struct tolerance *tolerance)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	struct number m = {0}, n = {0};
	int same = 0;

	json_string(a, &x);
	json_string(b, &y);
	if (are_dates(buf_span(&x), buf_span(&y), &same))
		;
	else if (amount_of(a, buf_span(&x), &m) && amount_of(b, buf_span(&y), &n))
		same = number_near(&m, &n, tolerance);
	else if (json_kind(a) == JSON_STRING && json_kind(b) == JSON_STRING)
		same = texts_agree(buf_span(&x), buf_span(&y), tolerance);
	else
		same = json_equal(a, b);
	number_release(&m);
	number_release(&n);
	buf_release(&x);
	buf_release(&y);
	return same;
}

static int is_there(struct span v)
{
	return v.s && json_kind(v) != JSON_NULL;
}

static int agree(struct span a, struct span b, const struct tolerance *tolerance);

/* Each member of one agrees with the other's; null is the same as absent. */
static int objects_agree(struct span a, struct span b, const struct tolerance *tolerance)
{
	struct json_members members[2];
	int same = 1;

	json_members_sort(a, &members[0]);
	json_members_sort(b, &members[1]);
	for (int side = 0; side < 2 && same; side++)
		for (size_t i = 0; i < members[side].n && same; i++) {
			struct span x = members[side].v[i].value,
				    y = json_members_find(&members[1 - side],
							  members[side].v[i].key);

			if (is_there(x) != is_there(y))
				same = 0;
			else if (side == 0 && is_there(x))
				same = agree(x, y, tolerance);
		}
	json_members_release(&members[0]);
	json_members_release(&members[1]);
	return same;
}

static int arrays_agree(struct span a, struct span b, const struct tolerance *tolerance)
{
	struct json_iter i = {0}, j = {0};
	struct span key, x, y;

	if (json_count(a) != json_count(b))
		return 0;
	while (json_next(&i, a, &key, &x) && json_next(&j, b, &key, &y))
		if (!agree(x, y, tolerance))
			return 0;
	return 1;
}

/* Depth is bounded by the parser's. a is the reference. */
static int agree(struct span a, struct span b, const struct tolerance *tolerance)
{
	int kind = json_kind(a);

	/* As most values do, byte for byte: nothing has to be read of them. */
	if (span_eq(a, b))
		return 1;
	if (kind == JSON_ARRAY || kind == JSON_OBJECT || json_kind(b) == JSON_ARRAY ||
	    json_kind(b) == JSON_OBJECT)
		return kind == (int)json_kind(b) &&
		       (kind == JSON_ARRAY ? arrays_agree(a, b, tolerance)
					   : objects_agree(a, b, tolerance));
	return scalars_agree(a, b, tolerance);
}

/* Whether name is the field, or an object that holds it. */
static int covers(const char *name, struct span field)
{
	size_t n = strlen(name);

	return field.n >= n && memcmp(field.s, name, n) == 0 && (field.n == n || field.s[n] == '.');
}

const struct field *fields_named(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(name, f->v[i].name) == 0)
			return f->v + i;
	return NULL;
}

int fields_occurs(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (covers(name, span_of(f->v[i].name)) && f->v[i].said + f->v[i].expected > 0)
			return 1;
	return 0;
}

/* --- rules --- */

void field_rules_release(struct field_rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].name);
	free(r->v);
	memset(r, 0, sizeof *r);
}

static struct span trimmed(const char *s, size_t n)
{
	while (n > 0 && *s == ' ')
		s++, n--;
	while (n > 0 && s[n - 1] == ' ')
		n--;
	return (struct span){s, n};
}

int field_rules_parse(const char *text, struct field_rules *r, struct err *e)
{
	int usual = 0;

	*r = (struct field_rules){0};
	for (const char *s = text; s && *s;) {
		size_t n = strcspn(s, ","), to = strcspn(s, ",~");
		struct span name = trimmed(s, to);
		struct field_rule rule = {0};

		if (to < n) {
			struct span given = trimmed(s + to + 1, n - to - 1);
			char *tolerance = span_dup(given);
			int bad = tolerance_parse(tolerance, &rule.tolerance) < 0;

			free(tolerance);
			if (bad)
				return err_set(e,
					       "json-fields: a tolerance is a number or a percentage, FIELD~0.01 or FIELD~1%%, not '%.*s'",
					       (int)given.n, given.s);
			if (name.n == 0) {
				r->usual = rule.tolerance;
				usual = 1;
			}
		}
		if (name.n > 0) {
			rule.name = span_dup(name);
			r->v = mem_grow(r->v, &r->cap, r->n + 1, sizeof *r->v);
			r->v[r->n++] = rule;
		}
		s += n + (s[n] == ',');
	}
	for (size_t i = 0; i < r->n; i++)
		if (!*r->v[i].tolerance.within)
			r->v[i].tolerance = r->usual;
	return text && r->n == 0 && !usual
		       ? err_set(e, "json-fields: no field is named in '%s'", text)
		       : 0;
}

/* The rule that looks at a field; NULL where none does. */
static const struct tolerance *tolerance_of(const struct field_rules *r, struct span field)
{
	for (size_t i = 0; i < r->n; i++)
		if (covers(r->v[i].name, field))
			return &r->v[i].tolerance;
	return r->n == 0 ? &r->usual : NULL;
}

/* --- a row --- */

/* Members of a and b at one level; b is walked only for what a lacks. name is the path so far, with
 * its dot. */
struct walk {
	const struct field_rules *rules;
	struct field_verdicts *v;
	struct buf *name;
};

static void compare_value(struct walk *w, struct span reference, struct span answer);

static void compare_objects(struct walk *w, struct span reference, struct span answer)
{
	const struct span sides[] = {reference, answer};
	size_t base = w->name->len;

	for (int side = 0; side < 2; side++) {
		struct json_members others;
		struct json_iter it = {0};
		struct span key, value;
		struct buf name = BUF_INIT;

		json_members_sort(sides[1 - side], &others);
		while (json_next(&it, sides[side], &key, &value)) {
			struct span other;

			buf_clear(&name);
			json_string(key, &name);
			other = json_members_find(&others, buf_span(&name));
			if (side == 1 && other.s)
				continue;
			if (base > 0)
				buf_addc(w->name, '.');
			buf_addspan(w->name, buf_span(&name));
			if (side == 0)
				compare_value(w, value, other);
			else
				compare_value(w, (struct span){0}, value);
			w->name->len = base;
		}
		json_members_release(&others);
		buf_release(&name);
	}
}

static void add_verdict(struct walk *w, struct span name, struct field_verdict f)
{
	f.name_at = w->v->names.len;
	f.name_len = name.n;
	buf_addspan(&w->v->names, name);
	w->v->v = mem_grow(w->v->v, &w->v->cap, w->v->n + 1, sizeof *w->v->v);
	w->v->v[w->v->n++] = f;
}

static void compare_value(struct walk *w, struct span reference, struct span answer)
{
	const struct tolerance *tolerance;
	struct field_verdict f = {.said = (unsigned char)is_there(answer),
				  .expected = (unsigned char)is_there(reference)};
	int nested = (json_kind(reference) == JSON_OBJECT &&
		      (json_kind(answer) == JSON_OBJECT || !f.said)) ||
		     (json_kind(answer) == JSON_OBJECT && !f.expected);

	if (nested && (json_count(reference) > 0 || json_count(answer) > 0)) {
		compare_objects(w, reference, answer);
		return;
	}
	tolerance = tolerance_of(w->rules, w->name->len > 0 ? buf_span(w->name) : span_of(""));
	if (!tolerance)
		return;
	f.right = (unsigned char)(f.said == f.expected &&
				  (!f.said || agree(reference, answer, tolerance)));
	add_verdict(w, buf_span(w->name), f);
}

/* A named field that neither side holds is right: nothing was to be found, and nothing was said. */
static void add_absent(struct walk *w)
{
	size_t n = w->v->n;

	for (size_t i = 0; i < w->rules->n; i++) {
		int found = 0;

		for (size_t k = 0; k < n && !found; k++)
			found = covers(w->rules->v[i].name, field_verdict_name(w->v, k));
		if (!found)
			add_verdict(w, span_of(w->rules->v[i].name),
				    (struct field_verdict){.right = 1});
	}
}

double fields_compare(struct span reference, struct span answer, const struct field_rules *rules,
		      struct field_verdicts *v)
{
	struct buf name = BUF_INIT;
	struct walk w = {rules, v, &name};
	struct span r, a;
	size_t right = 0;

	v->n = 0;
	buf_clear(&v->names);
	if (json_check(reference, &r, NULL) || json_kind(r) != JSON_OBJECT)
		return -1;
	if (json_check(answer, &a, NULL) || json_kind(a) != JSON_OBJECT)
		a = (struct span){0};
	compare_objects(&w, r, a);
	add_absent(&w);
	for (size_t i = 0; i < v->n; i++) {
		/* Without an object to look into, null fields were not left out: nothing was said
		 * at all. */
		if (!a.s)
			v->v[i].right = 0;
		right += v->v[i].right;
	}
	buf_release(&name);
	return v->n > 0 ? (double)right / (double)v->n : a.s != NULL;
}
