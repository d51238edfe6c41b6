/* Global functions, and the methods of strings, lists and mappings that do not change them. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "jinja_impl.h"

enum { F_RANGE, F_NAMESPACE, F_DICT, F_RAISE, F_STRFTIME };
static const char *const functions[] = {"range", "namespace", "dict", "raise_exception",
					"strftime_now"};

int jfunction_find(struct span name)
{
	int i;

	for (i = 0; i < (int)(sizeof functions / sizeof *functions); i++)
		if (span_is(name, functions[i]))
			return i;
	return -1;
}

static int range(struct jrun *r, const struct jcall *c, struct jv *out)
{
	int64_t begin = 0, end, step = 1, i;
	size_t k;

	if (c->n < 1 || c->n > 3 || c->positional != c->n)
		return jfail(r, "range takes one to three numbers");
	for (k = 0; k < c->n; k++)
		if (c->v[k].kind != J_INT)
			return jfail(r, "range needs integers, not %s", jv_type(&c->v[k]));
	end = c->v[0].i;
	if (c->n > 1) {
		begin = c->v[0].i;
		end = c->v[1].i;
	}
	if (c->n > 2)
		step = c->v[2].i;
	if (!step)
		return jfail(r, "range with step 0");
	if (jv_list(r, out))
		return -1;
	for (i = begin; step > 0 ? i < end : i > end;) {
		if (jv_push(r, out->list, jv_int(i)))
			return -1;
		if (__builtin_add_overflow(i, step, &i))
			break;
	}
	return 0;
}

static int mapping(struct jrun *r, const struct jcall *c, enum jkind kind, struct jv *out)
{
	size_t i;

	if (jv_dict(r, out))
		return -1;
	if (c->positional > 1 || (c->positional == 1 && c->v[0].kind != J_DICT))
		return jfail(r, "%s takes one mapping and named arguments",
			     kind == J_NAMESPACE ? "namespace" : "dict");
	for (i = 0; c->positional && i < c->v[0].dict->n; i++)
		if (jv_put(r, out->dict, c->v[0].dict->v[i].key, c->v[0].dict->v[i].value))
			return -1;
	for (i = c->positional; i < c->n; i++)
		if (jv_put(r, out->dict, jv_string(c->names[i]), c->v[i]))
			return -1;
	out->kind = kind;
	return 0;
}

static int strftime_now(struct jrun *r, const struct jcall *c, struct jv *out)
{
	char format[200], text[1000];
	time_t now = r->now ? (time_t)r->now : time(NULL);
	struct tm tm;
	size_t n;

	if (c->n != 1 || c->v[0].kind != J_STRING || c->v[0].s.n >= sizeof format ||
	    memchr(c->v[0].s.s, 0, c->v[0].s.n))
		return jfail(r, "strftime_now takes one format");
	memcpy(format, c->v[0].s.s, c->v[0].s.n);
	format[c->v[0].s.n] = 0;
	if (!gmtime_r(&now, &tm))
		return jfail(r, "strftime_now: the time is out of range");
	n = strftime(text, sizeof text, format, &tm);
	return jv_text(r, text, n, out);
}

int jfunction(struct jrun *r, int function, const struct jcall *c, struct jv *out)
{
	const struct jv *why;
	struct buf b = BUF_INIT;
	int rc;

	switch (function) {
	case F_RANGE:
		return range(r, c, out);
	case F_NAMESPACE:
		return mapping(r, c, J_NAMESPACE, out);
	case F_DICT:
		return mapping(r, c, J_DICT, out);
	case F_STRFTIME:
		return strftime_now(r, c, out);
	default:
		why = jcall_arg(c, 0, "message");
		if (why && jv_print(r, why, &b)) {
			buf_release(&b);
			return -1;
		}
		rc = jfail(r, "the template refuses: %s", b.data ? b.data : "no reason given");
		buf_release(&b);
		return rc;
	}
}

/* Python's printf-like formatting, the plain conversions. */
int jformat(struct jrun *r, struct span fmt, const struct jv *args, size_t n, struct buf *b)
{
	size_t i, used = 0;

	for (i = 0; i < fmt.n; i++) {
		char spec[32] = "%", text[400];
		size_t k = 1;
		double x;

		if (fmt.s[i] != '%') {
			buf_addc(b, (unsigned char)fmt.s[i]);
			continue;
		}
		for (i++; i < fmt.n && fmt.s[i] && strchr("-+ #0123456789.", fmt.s[i]) && k < 20;
		     i++)
			spec[k++] = fmt.s[i];
		if (i < fmt.n && fmt.s[i] == '%') {
			buf_addc(b, '%');
			continue;
		}
		if (i == fmt.n || !strchr("sdifgexXr", fmt.s[i]))
			return jfail(r, "format: an unsupported conversion");
		if (used == n)
			return jfail(r, "format: too few arguments");
		if (atoi(spec + 1 + strspn(spec + 1, "-+ #0")) > 300)
			return jfail(r, "format: too wide");
		if (fmt.s[i] == 's' || fmt.s[i] == 'r') {
			if (k > 1)
				return jfail(r, "format: a width of text is not supported");
			if (fmt.s[i] == 's' ? jv_print(r, &args[used], b)
					    : jv_repr(r, &args[used], b, 0))
				return -1;
		} else if (!jv_number(&args[used], &x)) {
			return jfail(r, "format: %%%c of a %s", fmt.s[i], jv_type(&args[used]));
		} else if (strchr("fge", fmt.s[i])) {
			spec[k] = fmt.s[i];
			if (fabs(x) > 1e300)
				return jfail(r, "format: a number is too large");
			snprintf(text, sizeof text, spec, x);
			buf_adds(b, text);
		} else {
			memcpy(spec + k, "ll", 2);
			spec[k + 2] = fmt.s[i];
			if (fabs(x) > 9e18)
				return jfail(r, "format: a number is too large");
			snprintf(text, sizeof text, spec,
				 args[used].kind == J_INT ? (long long)args[used].i : (long long)x);
			buf_adds(b, text);
		}
		used++;
	}
	return used == n ? 0 : jfail(r, "format: too many arguments");
}

/* --- strings --- */

/* str.format with the plain fields {}, {0} and {name}. */
static int brace_format(struct jrun *r, struct span s, const struct jcall *c, struct jv *out)
{
	struct buf b = BUF_INIT;
	size_t i, next = 0;

	for (i = 0; i < s.n; i++) {
		const char *end;
		const struct jv *v = NULL;
		struct span field;
		size_t k, number = 0;

		if ((s.s[i] == '{' || s.s[i] == '}') && i + 1 < s.n && s.s[i + 1] == s.s[i]) {
			buf_addc(&b, s.s[i++]);
			continue;
		}
		if (s.s[i] == '}' || (s.s[i] == '{' && !(end = memchr(s.s + i, '}', s.n - i)))) {
			jfail(r, "format: a single brace");
			goto failed;
		}
		if (s.s[i] != '{') {
			buf_addc(&b, (unsigned char)s.s[i]);
			continue;
		}
		field = (struct span){s.s + i + 1, (size_t)(end - s.s) - i - 1};
		for (k = 0; k < field.n && isdigit((unsigned char)field.s[k]) && k < 6; k++)
			number = number * 10 + (size_t)(field.s[k] - '0');
		if (k == field.n)
			number = field.n ? number : next++;
		if (k == field.n && number < c->positional)
			v = &c->v[number];
		for (k = c->positional; k < c->n && !v; k++)
			if (span_eq(c->names[k], field))
				v = &c->v[k];
		if (!v) {
			jfail(r,
			      "format: the field {%.*s} has no value, or is of a kind that is not supported",
			      (int)field.n, field.s);
			goto failed;
		}
		if (jv_print(r, v, &b))
			goto failed;
		i = (size_t)(end - s.s);
	}
	return jv_buf(r, &b, out);
failed:
	buf_release(&b);
	return -1;
}

/* Does the character at s + i (length in *n) belong to set? An absent set is white space. */
static int in_set(struct span s, size_t i, struct span set, size_t *n)
{
	size_t k, len;
	unsigned char c = (unsigned char)s.s[i];

	for (len = 1; i + len < s.n && ((unsigned char)s.s[i + len] & 0xc0) == 0x80; len++)
		;
	*n = len;
	if (!set.s) {
		if (len == 1)
			return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
		if (len == 2)
			return c == 0xc2 && ((unsigned char)s.s[i + 1] == 0x85 ||
					     (unsigned char)s.s[i + 1] == 0xa0);
		if (len == 3) { /* U+1680, U+2000..200A, U+2028, U+2029, U+202F, U+205F, U+3000 */
			unsigned code = (c & 15u) << 12 | ((unsigned char)s.s[i + 1] & 63u) << 6 |
					((unsigned char)s.s[i + 2] & 63u);

			return code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
			       code == 0x2028 || code == 0x2029 || code == 0x202f ||
			       code == 0x205f || code == 0x3000;
		}
		return 0;
	}
	for (k = 0; k + len <= set.n; k++)
		if (!memcmp(set.s + k, s.s + i, len))
			return 1;
	return 0;
}

static struct span strip(struct span s, struct span set, int left, int right)
{
	size_t n, i;

	while (left && s.n && in_set(s, 0, set, &n)) {
		s.s += n;
		s.n -= n;
	}
	while (right && s.n) {
		for (i = s.n - 1; i && ((unsigned char)s.s[i] & 0xc0) == 0x80; i--)
			;
		if (!in_set(s, i, set, &n))
			break;
		s.n = i;
	}
	return s;
}

static int split_white(struct jrun *r, struct span s, int64_t most, struct jv *out)
{
	struct span none = {NULL, 0};
	size_t n, k;

	for (;;) {
		s = strip(s, none, 1, 0);
		if (!s.n)
			return 0;
		if (most-- == 0)
			return jv_push(r, out->list, jv_string(strip(s, none, 0, 1)));
		for (k = 0; k < s.n && !in_set(s, k, none, &n); k += n)
			;
		if (jv_push(r, out->list, jv_string((struct span){s.s, k})))
			return -1;
		s.s += k;
		s.n -= k;
	}
}

/* What of s lies from a place within it on. */
static struct span after(struct span s, const char *from)
{
	return (struct span){from, s.n - (size_t)(from - s.s)};
}

static int split(struct jrun *r, struct span s, const struct jcall *c, int from_right,
		 struct jv *out)
{
	const struct jv *by = jcall_arg(c, 0, "sep"), *limit = jcall_arg(c, 1, "maxsplit");
	int64_t most = limit && limit->kind == J_INT && limit->i >= 0 ? limit->i : INT64_MAX;
	const char *at;

	if (jv_list(r, out) || jcharge(r, s.n / 16))
		return -1;
	if (!by || by->kind == J_NONE) {
		if (from_right && most != INT64_MAX)
			return jfail(r, "rsplit with a limit and no separator is not supported");
		return split_white(r, s, most, out);
	}
	if (by->kind != J_STRING || !by->s.n)
		return jfail(r, "split needs a separator");
	if (from_right && most != INT64_MAX) { /* pass over the first ones */
		int64_t count = 0;
		struct span rest = s;

		for (; (at = jfind(r, rest, by->s)); count++)
			rest = after(rest, at + by->s.n);
		for (rest = s; count > most && (at = jfind(r, rest, by->s)); count--)
			rest = after(rest, at + by->s.n);
		if (jcharge(r, 0))
			return -1;
		if (rest.s > s.s) {
			at = jfind(r, rest, by->s);
			if (!at)
				at = s.s + s.n;
			if (jv_push(r, out->list,
				    jv_string((struct span){s.s, (size_t)(at - s.s)})))
				return -1;
			if (at == s.s + s.n)
				return 0;
			s.n -= (size_t)(at - s.s) + by->s.n;
			s.s = at + by->s.n;
		}
	}
	while (most-- > 0 && (at = jfind(r, s, by->s))) {
		if (jv_push(r, out->list, jv_string((struct span){s.s, (size_t)(at - s.s)})))
			return -1;
		s = after(s, at + by->s.n);
	}
	return jcharge(r, 0) ? -1 : jv_push(r, out->list, jv_string(s));
}

static int split_lines(struct jrun *r, struct span s, int keep, struct jv *out)
{
	size_t i, begin = 0;

	if (jv_list(r, out))
		return -1;
	for (i = 0; i < s.n; i++) {
		size_t end = i;

		if (s.s[i] != '\n' && s.s[i] != '\r')
			continue;
		if (s.s[i] == '\r' && i + 1 < s.n && s.s[i + 1] == '\n')
			i++;
		if (jv_push(r, out->list,
			    jv_string((struct span){s.s + begin, (keep ? i + 1 : end) - begin})))
			return -1;
		begin = i + 1;
	}
	return begin < s.n
		       ? jv_push(r, out->list, jv_string((struct span){s.s + begin, s.n - begin}))
		       : 0;
}

static int replace(struct jrun *r, struct span s, const struct jcall *c, struct jv *out)
{
	const struct jv *old = jcall_arg(c, 0, "old"), *new = jcall_arg(c, 1, "new"),
			*count = jcall_arg(c, 2, "count");
	int64_t most = count && count->kind == J_INT && count->i >= 0 ? count->i : INT64_MAX;
	struct buf b = BUF_INIT;
	const char *at;

	if (!old || !new || old->kind != J_STRING || new->kind != J_STRING)
		return jfail(r, "replace needs two texts");
	if (!old->s.n)
		return jfail(r, "replace of an empty text is not supported");
	b.max = r->limits.output;
	while (most-- > 0 && (at = jfind(r, s, old->s))) {
		buf_add(&b, s.s, (size_t)(at - s.s));
		buf_addspan(&b, new->s);
		r->steps += new->s.n / 64;
		s = after(s, at + old->s.n);
	}
	buf_addspan(&b, s);
	return jv_buf(r, &b, out);
}

/* startswith and endswith take one text or a tuple of them. */
static int has_end(struct jrun *r, struct span s, const struct jcall *c, int start, struct jv *out)
{
	const struct jv *what = jcall_arg(c, 0, "prefix");
	size_t i, n = what && what->kind == J_LIST ? what->list->n : 1;

	*out = jv_bool(0);
	for (i = 0; i < n; i++) {
		const struct jv *x = what && what->kind == J_LIST ? &what->list->v[i] : what;

		if (!x || x->kind != J_STRING)
			return jfail(r, "startswith and endswith need a text");
		if (jcharge(r, 1 + (x->s.n <= s.n ? x->s.n / 64 : 0)))
			return -1;
		if (x->s.n <= s.n &&
		    (!x->s.n || !memcmp(start ? s.s : s.s + s.n - x->s.n, x->s.s, x->s.n)))
			*out = jv_bool(1);
	}
	return 0;
}

/* find, rfind, index, count */
static int search(struct jrun *r, struct span s, const struct jcall *c, struct span name,
		  struct jv *out)
{
	const struct jv *what = jcall_arg(c, 0, "sub");
	const char *at = NULL, *q;
	struct span rest = s;
	int64_t count = 0;

	if (!what || what->kind != J_STRING || !what->s.n || c->n != 1)
		return jfail(r, "%.*s needs one text", (int)name.n, name.s);
	while ((q = jfind(r, rest, what->s))) {
		count++;
		at = q;
		if (span_is(name, "find") || span_is(name, "index"))
			break;
		rest = after(rest, span_is(name, "count") ? q + what->s.n : q + 1);
	}
	if (jcharge(r, at ? (uint64_t)(at - s.s) / 64 : 0)) /* its characters are counted */
		return -1;
	if (span_is(name, "count"))
		*out = jv_int(count);
	else if (!at && span_is(name, "index"))
		return jfail(r, "index: the text is not there");
	else
		*out = jv_int(at ? (int64_t)jv_chars((struct span){s.s, (size_t)(at - s.s)}) : -1);
	return 0;
}

static int all_of(struct span s, int (*is)(int), int or_high)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.s[i] >= 128 ? !or_high : !is((unsigned char)s.s[i]))
			return 0;
	return s.n > 0;
}

static int string_method(struct jrun *r, struct span s, struct span name, const struct jcall *c,
			 struct jv *out, int *found)
{
	struct jv v = jv_string(s);
	const struct jv *a;

	if (jcharge(r, s.n / 64))
		return -1;
	if (span_is(name, "strip") || span_is(name, "lstrip") || span_is(name, "rstrip")) {
		a = jcall_arg(c, 0, "chars");
		if (a && a->kind != J_STRING && a->kind != J_NONE)
			return jfail(r, "%.*s needs a text", (int)name.n, name.s);
		*out = jv_string(strip(s, a && a->kind == J_STRING ? a->s : (struct span){NULL, 0},
				       name.s[0] != 'r', name.s[0] != 'l'));
		return jcharge(r, s.n / 64);
	}
	if (span_is(name, "upper") || span_is(name, "lower") || span_is(name, "title") ||
	    span_is(name, "capitalize"))
		return jfilter(r, name, &v, c, out);
	if (span_is(name, "split") || span_is(name, "rsplit"))
		return split(r, s, c, name.s[0] == 'r', out);
	if (span_is(name, "splitlines"))
		return split_lines(r, s, (a = jcall_arg(c, 0, "keepends")) && jv_true(a), out);
	if (span_is(name, "replace"))
		return replace(r, s, c, out);
	if (span_is(name, "startswith") || span_is(name, "endswith"))
		return has_end(r, s, c, name.s[0] == 's', out);
	if (span_is(name, "find") || span_is(name, "rfind") || span_is(name, "index") ||
	    span_is(name, "count"))
		return search(r, s, c, name, out);
	if (span_is(name, "format"))
		return brace_format(r, s, c, out);
	if (span_is(name, "join")) {
		struct jcall args = {&v, 1, NULL, 1};

		a = jcall_arg(c, 0, "iterable");
		if (!a)
			return jfail(r, "join needs a sequence");
		return jfilter(r, span_of("join"), a, &args, out);
	}
	if (span_is(name, "removeprefix") || span_is(name, "removesuffix")) {
		struct jv yes;

		if (c->positional != 1 || c->v[0].kind != J_STRING)
			return jfail(r, "%.*s needs one text", (int)name.n, name.s);
		if (has_end(r, s, c, name.s[6] == 'p', &yes))
			return -1;
		if (yes.b) {
			s.s += name.s[6] == 'p' ? c->v[0].s.n : 0;
			s.n -= c->v[0].s.n;
		}
		*out = jv_string(s);
		return 0;
	}
	if (span_is(name, "isdigit") || span_is(name, "isnumeric") || span_is(name, "isdecimal"))
		*out = jv_bool(all_of(s, isdigit, 0));
	else if (span_is(name, "isalpha"))
		*out = jv_bool(all_of(s, isalpha, 1));
	else if (span_is(name, "isalnum"))
		*out = jv_bool(all_of(s, isalnum, 1));
	else if (span_is(name, "isspace"))
		*out = jv_bool(s.n && !strip(s, (struct span){NULL, 0}, 1, 0).n);
	else if (span_is(name, "isupper") || span_is(name, "islower")) {
		int yes;
		struct jcall none = {0};

		if (jtest(r, span_of(name.s[2] == 'u' ? "upper" : "lower"), &v, &none, &yes))
			return -1;
		*out = jv_bool(yes);
	} else {
		*found = 0;
	}
	return 0;
}

/* --- mappings, lists, loops --- */

static int dict_method(struct jrun *r, const struct jv *v, struct span name, const struct jcall *c,
		       struct jv *out, int *found)
{
	struct jcall none = {0};
	const struct jv *otherwise;
	struct jv *x;
	size_t i;

	if (span_is(name, "items"))
		return jfilter(r, span_of("items"), v, &none, out);
	if (span_is(name, "keys"))
		return jfilter(r, span_of("list"), v, &none, out);
	if (span_is(name, "values")) {
		if (jv_list(r, out))
			return -1;
		for (i = 0; i < v->dict->n; i++)
			if (jv_push(r, out->list, v->dict->v[i].value))
				return -1;
		return 0;
	}
	if (span_is(name, "copy")) {
		struct jcall one = {(struct jv *)v, 1, NULL, 1};

		return mapping(r, &one, J_DICT, out);
	}
	if (span_is(name, "get")) {
		if (!c->positional)
			return jfail(r, "get needs a key");
		x = jv_get(r, v->dict, c->v[0]);
		otherwise = jcall_arg(c, 1, "default");
		*out = x ? *x : otherwise ? *otherwise : jv_none();
		return 0;
	}
	*found = 0;
	return 0;
}

static int list_method(struct jrun *r, const struct jv *v, struct span name, const struct jcall *c,
		       struct jv *out, int *found)
{
	size_t i;
	int64_t count = 0;

	if (span_is(name, "append")) {
		if (c->n != 1)
			return jfail(r, "append takes one value");
		*out = jv_none();
		return jv_push(r, v->list, c->v[0]);
	}
	if (span_is(name, "pop")) {
		const struct jv *at = jcall_arg(c, 0, "index");
		int64_t n = (int64_t)v->list->n, k = at && at->kind == J_INT ? at->i : -1;

		k += k < 0 ? n : 0;
		if (k < 0 || k >= n)
			return jfail(r, "pop from beyond the list");
		*out = v->list->v[k];
		memmove(v->list->v + k, v->list->v + k + 1,
			(size_t)(n - k - 1) * sizeof *v->list->v);
		v->list->n--;
		return jcharge(r, (uint64_t)n / 8);
	}
	if (span_is(name, "extend") || span_is(name, "insert") || span_is(name, "remove") ||
	    span_is(name, "sort") || span_is(name, "reverse") || span_is(name, "clear"))
		return jfail(r, "list.%.*s changes a value, which templates may not do",
			     (int)name.n, name.s);
	if ((span_is(name, "index") || span_is(name, "count")) && c->positional == 1) {
		for (i = 0; i < v->list->n; i++) {
			if (!jv_equal(r, &v->list->v[i], &c->v[0]))
				continue;
			count++;
			if (span_is(name, "index")) {
				*out = jv_int((int64_t)i);
				return 0;
			}
		}
		if (span_is(name, "index"))
			return jfail(r, "index: the element is not there");
		*out = jv_int(count);
		return 0;
	}
	*found = 0;
	return 0;
}

static int loop_method(struct jrun *r, const struct jv *v, struct span name, const struct jcall *c,
		       struct jv *out, int *found)
{
	struct jloop *l = v->loop;

	if (span_is(name, "cycle")) {
		if (!c->n)
			return jfail(r, "loop.cycle needs values");
		*out = c->v[l->index % c->n];
	} else if (span_is(name, "changed")) {
		struct jv now;
		size_t i;

		if (jv_list(r, &now))
			return -1;
		for (i = 0; i < c->n; i++)
			if (jv_push(r, now.list, c->v[i]))
				return -1;
		*out = jv_bool(!l->has_last || !jv_equal(r, &l->last, &now));
		l->has_last = 1;
		l->last = now;
	} else {
		*found = 0;
	}
	return 0;
}

int jmethod(struct jrun *r, const struct jv *v, struct span name, const struct jcall *c,
	    struct jv *out, int *found)
{
	*found = 1;
	switch (v->kind) {
	case J_STRING:
		return string_method(r, v->s, name, c, out, found);
	case J_DICT:
		return dict_method(r, v, name, c, out, found);
	case J_LIST:
		return list_method(r, v, name, c, out, found);
	case J_LOOP:
		return loop_method(r, v, name, c, out, found);
	default:
		*found = 0;
		return 0;
	}
}
