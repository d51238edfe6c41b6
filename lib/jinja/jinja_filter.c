/* Filters and tests, as Jinja2 defines them. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "jinja_impl.h"

typedef int filter_fn(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out);

/* The text of an argument; otherwise where it was not given. */
static int text_arg(struct jrun *r, const struct jcall *c, size_t at, const char *name, const char *otherwise, struct span *s)
{
	const struct jv *a = jcall_arg(c, at, name);

	*s = span_of(otherwise);
	if (!a)
		return 0;
	if (a->kind != J_STRING)
		return jfail(r, "the argument %s must be a str, not %s", name, jv_type(a));
	*s = a->s;
	return 0;
}

static int int_arg(struct jrun *r, const struct jcall *c, size_t at, const char *name, int64_t otherwise, int64_t *i)
{
	const struct jv *a = jcall_arg(c, at, name);

	*i = otherwise;
	if (!a || a->kind == J_NONE)
		return 0;
	if (a->kind != J_INT)
		return jfail(r, "the argument %s must be an int, not %s", name, jv_type(a));
	*i = a->i;
	return 0;
}

static int flag_arg(const struct jcall *c, size_t at, const char *name, int otherwise)
{
	const struct jv *a = jcall_arg(c, at, name);

	return a ? jv_true(a) : otherwise;
}

/* str(v) as a value. */
static int as_text(struct jrun *r, const struct jv *v, struct jv *out)
{
	struct buf b = BUF_INIT;

	if (v->kind == J_STRING) {
		*out = *v;
		return 0;
	}
	if (jv_print(r, v, &b)) {
		buf_release(&b);
		return -1;
	}
	return jv_buf(r, &b, out);
}

static int is_white(unsigned char c)
{
	return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
}

/* --- text --- */

enum letters { LOWER, UPPER, CAPITALIZE, TITLE };

static int change_case(struct jrun *r, struct span s, enum letters how, struct jv *out)
{
	struct buf b = BUF_INIT;
	int start = 1;
	utf8proc_ssize_t n;
	size_t at;

	for (at = 0; at < s.n; at += (size_t)n) {
		utf8proc_int32_t c;
		utf8proc_uint8_t u[4];
		int up;

		n = utf8proc_iterate((const utf8proc_uint8_t *)s.s + at, (utf8proc_ssize_t)(s.n - at), &c);
		if (n <= 0) {
			n = 1;
			buf_addc(&b, (unsigned char)s.s[at]);
			continue;
		}
		up = how == UPPER || (how == TITLE && start) || (how == CAPITALIZE && at == 0);
		if (up && c == 0xdf)
			buf_adds(&b, how == UPPER ? "SS" : "Ss");
		else
			buf_add(&b, u, (size_t)utf8proc_encode_char(up ? utf8proc_toupper(c) : utf8proc_tolower(c), u));
		/* Jinja's title: a word begins after white space, - or one of ([{< */
		start = (c < 128 && (is_white((unsigned char)c) || strchr("-([{<", (int)c)));
	}
	return jv_buf(r, &b, out);
}

static int cased(struct jrun *r, const struct jv *v, enum letters how, struct jv *out)
{
	struct jv s;

	return as_text(r, v, &s) ? -1 : change_case(r, s.s, how, out);
}

static int f_lower(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	return cased(r, v, LOWER, out);
}

static int f_upper(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	return cased(r, v, UPPER, out);
}

static int f_capitalize(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	return cased(r, v, CAPITALIZE, out);
}

static int f_title(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	return cased(r, v, TITLE, out);
}

static int f_trim(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jcall args = *c;
	struct jv s;
	int found;

	/* trim(chars=...) is strip(chars) */
	return as_text(r, v, &s) ? -1 : jmethod(r, &s, span_of("strip"), &args, out, &found);
}

static int f_replace(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jv s;
	int found;

	return as_text(r, v, &s) ? -1 : jmethod(r, &s, span_of("replace"), c, out, &found);
}

void jescape(struct span s, struct buf *b)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		switch (s.s[i]) {
		case '&':
			buf_adds(b, "&amp;");
			break;
		case '<':
			buf_adds(b, "&lt;");
			break;
		case '>':
			buf_adds(b, "&gt;");
			break;
		case '\'':
			buf_adds(b, "&#39;");
			break;
		case '"':
			buf_adds(b, "&#34;");
			break;
		default:
			buf_addc(b, (unsigned char)s.s[i]);
		}
}

static int f_escape(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct buf b = BUF_INIT;
	struct jv s;

	(void)c;
	if (as_text(r, v, &s))
		return -1;
	if (s.safe) {
		*out = s;
		return 0;
	}
	jescape(s.s, &b);
	if (jv_buf(r, &b, out))
		return -1;
	out->safe = 1;
	return 0;
}

static int f_indent(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *width = jcall_arg(c, 0, "width");
	int first = flag_arg(c, 1, "first", 0), blank = flag_arg(c, 2, "blank", 0);
	struct buf b = BUF_INIT, pad = BUF_INIT;
	struct jv s;
	int64_t n = 4;
	size_t i, next;

	if (as_text(r, v, &s))
		return -1;
	if (width && width->kind == J_STRING)
		buf_addspan(&pad, width->s);
	else if (int_arg(r, c, 0, "width", 4, &n))
		return -1;
	if (n > 1000)
		return jfail(r, "indent by more than 1000");
	for (; !(width && width->kind == J_STRING) && n > 0; n--)
		buf_addc(&pad, ' ');
	for (i = 0; i <= s.s.n; i = next + 1) {
		const char *end = i < s.s.n ? memchr(s.s.s + i, '\n', s.s.n - i) : NULL;

		next = end ? (size_t)(end - s.s.s) : s.s.n;
		if (i == 0 ? first : next > i || blank)
			buf_addspan(&b, buf_span(&pad));
		buf_add(&b, s.s.s + i, next - i);
		if (end)
			buf_addc(&b, '\n');
	}
	buf_release(&pad);
	return jv_buf(r, &b, out);
}

static int f_truncate(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	int64_t length, leeway;
	int killwords = flag_arg(c, 1, "killwords", 0);
	struct span end, cut;
	struct buf b = BUF_INIT;
	struct jv s;
	size_t n;

	if (as_text(r, v, &s) || int_arg(r, c, 0, "length", 255, &length) || text_arg(r, c, 2, "end", "...", &end) ||
	    int_arg(r, c, 3, "leeway", 5, &leeway))
		return -1;
	n = jv_chars(s.s);
	if ((int64_t)n <= length + leeway) {
		*out = s;
		return 0;
	}
	if (length < (int64_t)jv_chars(end))
		return jfail(r, "truncate: the length is less than that of the end");
	cut = jv_substring(s.s, 0, (size_t)length - jv_chars(end));
	if (!killwords) {
		size_t k = cut.n;

		while (k && cut.s[k - 1] != ' ')
			k--;
		if (k)
			cut.n = k - 1;
	}
	buf_addspan(&b, cut);
	buf_addspan(&b, end);
	return jv_buf(r, &b, out);
}

static int f_wordcount(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jv s;
	int64_t n = 0;
	size_t i;

	(void)c;
	if (as_text(r, v, &s))
		return -1;
	for (i = 0; i < s.s.n; i++) {
		int word = !is_white((unsigned char)s.s.s[i]) && !ispunct((unsigned char)s.s.s[i]);

		n += word && (i == 0 || is_white((unsigned char)s.s.s[i - 1]) || ispunct((unsigned char)s.s.s[i - 1]));
	}
	*out = jv_int(n);
	return 0;
}

static int f_urlencode(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct buf b = BUF_INIT;
	struct jv s;
	size_t i;

	(void)c;
	if (as_text(r, v, &s))
		return -1;
	for (i = 0; i < s.s.n; i++) {
		unsigned char x = (unsigned char)s.s.s[i];

		if (isalnum(x) || (x && strchr("_.-~/", x)))
			buf_addc(&b, x);
		else
			buf_addf(&b, "%%%02X", x);
	}
	return jv_buf(r, &b, out);
}

static int f_string(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	return as_text(r, v, out);
}

static int f_safe(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	if (as_text(r, v, out))
		return -1;
	out->safe = 1;
	return 0;
}

static int f_format(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct buf b = BUF_INIT;

	if (v->kind != J_STRING || c->positional != c->n)
		return jfail(r, "format needs a str and positional arguments");
	if (jformat(r, v->s, c->v, c->n, &b)) {
		buf_release(&b);
		return -1;
	}
	return jv_buf(r, &b, out);
}

static int f_tojson(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *separators = jcall_arg(c, 2, "separators");
	struct buf b = BUF_INIT, comma = BUF_INIT, colon = BUF_INIT;
	int64_t indent;
	int rc;

	/* transformers: tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False) */
	if (c->positional && c->v[0].kind == J_INT) {
		indent = c->v[0].i; /* Jinja's own order: indent first */
	} else if (int_arg(r, c, 1, "indent", -1, &indent)) {
		return -1;
	}
	if (indent > 100)
		return jfail(r, "tojson: indent by more than 100");
	buf_adds(&comma, indent >= 0 ? "," : ", ");
	buf_adds(&colon, ": ");
	if (separators && separators->kind == J_LIST && separators->list->n == 2 && separators->list->v[0].kind == J_STRING &&
	    separators->list->v[1].kind == J_STRING) {
		buf_clear(&comma);
		buf_clear(&colon);
		buf_addspan(&comma, separators->list->v[0].s);
		buf_addspan(&colon, separators->list->v[1].s);
	}
	rc = jv_json(r, v, &b, (int)indent, 0, flag_arg(c, 3, "sort_keys", 0), flag_arg(c, 0, "ensure_ascii", 0) && !(c->positional && c->v[0].kind == J_INT),
		     comma.data ? comma.data : "", colon.data ? colon.data : "");
	buf_release(&comma);
	buf_release(&colon);
	if (rc) {
		buf_release(&b);
		return -1;
	}
	return jv_buf(r, &b, out);
}

/* Of llama.cpp's templates: a text that is JSON. */
static int f_from_json(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct span text;
	struct err why = ERR_INIT;
	struct jv copy;

	(void)c;
	if (v->kind != J_STRING)
		return jfail(r, "from_json of a %s", jv_type(v));
	if (jv_text(r, v->s.s, v->s.n, &copy))
		return -1;
	if (json_check(copy.s, &text, &why))
		return jfail(r, "from_json: %s", why.msg);
	return jv_from_json(r, text, 0, out);
}

/* --- numbers --- */

static int f_int(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	int64_t otherwise, base;
	char digits[70], *end;
	size_t n = 0, i;

	if (int_arg(r, c, 0, "default", 0, &otherwise) || int_arg(r, c, 1, "base", 10, &base))
		return -1;
	*out = jv_int(otherwise);
	if (v->kind == J_INT || v->kind == J_BOOL) {
		*out = jv_int(v->kind == J_INT ? v->i : v->b);
	} else if (v->kind == J_FLOAT) {
		if (fabs(v->f) < 9.2e18)
			*out = jv_int((int64_t)v->f);
	} else if (v->kind == J_STRING && v->s.n < 64 && base >= 2 && base <= 36) {
		for (i = 0; i < v->s.n; i++)
			if (v->s.s[i] != '_')
				digits[n++] = v->s.s[i];
		while (n && is_white((unsigned char)digits[n - 1]))
			n--;
		digits[n] = 0;
		if (n) {
			long long whole = strtoll(digits, &end, (int)base);
			double x = *end ? strtod(digits, &end) : (double)whole;

			if (!*end && fabs(x) < 9.2e18)
				*out = jv_int(x == (double)whole ? whole : (int64_t)x);
		}
	}
	return 0;
}

static int f_float(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *otherwise = jcall_arg(c, 0, "default");
	char digits[400], *end;
	double x;

	(void)r;
	*out = otherwise ? *otherwise : jv_float(0);
	if (jv_number(v, &x)) {
		*out = jv_float(x);
	} else if (v->kind == J_STRING && v->s.n && v->s.n < sizeof digits) {
		memcpy(digits, v->s.s, v->s.n);
		digits[v->s.n] = 0;
		x = strtod(digits, &end);
		while (is_white((unsigned char)*end))
			end++;
		if (end > digits && !*end)
			*out = jv_float(x);
	}
	return 0;
}

static int f_abs(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	if (v->kind == J_INT && v->i != INT64_MIN)
		*out = jv_int(v->i < 0 ? -v->i : v->i);
	else if (v->kind == J_FLOAT)
		*out = jv_float(fabs(v->f));
	else
		return jfail(r, "abs of a %s", jv_type(v));
	return 0;
}

static int f_round(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct span method;
	int64_t precision;
	double x, scale;

	if (int_arg(r, c, 0, "precision", 0, &precision) || text_arg(r, c, 1, "method", "common", &method))
		return -1;
	if (!jv_number(v, &x) || precision < -300 || precision > 300)
		return jfail(r, "round of a %s", jv_type(v));
	scale = pow(10, (double)precision);
	if (span_is(method, "ceil"))
		x = ceil(x * scale) / scale;
	else if (span_is(method, "floor"))
		x = floor(x * scale) / scale;
	else if (span_is(method, "common"))
		x = rint(x * scale) / scale;
	else
		return jfail(r, "round: method must be common, ceil or floor");
	*out = jv_float(x);
	return 0;
}

/* --- sequences --- */

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

	if (text_arg(r, c, 0, "d", "", &between) || jv_items(r, v, &l))
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
	return key->kind == J_STRING && !sensitive ? change_case(r, key->s, LOWER, key) : 0;
}

static int merge_sort(struct jrun *r, struct sorted *v, struct sorted *spare, size_t n, int reverse)
{
	size_t half = n / 2, i = 0, j = half, k = 0;
	int sign;

	if (n < 2)
		return 0;
	if (merge_sort(r, v, spare, half, reverse) || merge_sort(r, v + half, spare, n - half, reverse))
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
	struct sorted *spare = jarena_get(&r->arena, (n + 1) * sizeof *spare);

	return spare ? merge_sort(r, v, spare, n, reverse) : jfail(r, "the template needs too much memory");
}

static int f_sort(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	int reverse = flag_arg(c, 0, "reverse", 0), sensitive = flag_arg(c, 1, "case_sensitive", 0);
	const struct jv *attr = jcall_arg(c, 2, "attribute");
	struct jlist *l;
	struct sorted *s;
	size_t i;

	if (jv_items(r, v, &l))
		return -1;
	if (!(s = jarena_get(&r->arena, (l->n + 1) * sizeof *s)))
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
	int sensitive = flag_arg(c, 0, "case_sensitive", 0), reverse = flag_arg(c, 2, "reverse", 0);
	struct span by;
	struct sorted *s;
	struct jv p;
	size_t i;

	if (v->kind != J_DICT)
		return jfail(r, "dictsort of a %s", jv_type(v));
	if (text_arg(r, c, 1, "by", "key", &by))
		return -1;
	if (!(s = jarena_get(&r->arena, (v->dict->n + 1) * sizeof *s)))
		return jfail(r, "the template needs too much memory");
	for (i = 0; i < v->dict->n; i++) {
		s[i].key = span_is(by, "value") ? v->dict->v[i].value : v->dict->v[i].key;
		if (pair(r, v->dict->v[i].key, v->dict->v[i].value, &s[i].value) || fold(r, &s[i].key, sensitive))
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

static int extreme(struct jrun *r, const struct jv *v, const struct jcall *c, int want, struct jv *out)
{
	const struct jv *attr = jcall_arg(c, 1, "attribute");
	int sensitive = flag_arg(c, 0, "case_sensitive", 0), sign;
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
	int sensitive = flag_arg(c, 0, "case_sensitive", 0), known;
	const struct jv *attr = jcall_arg(c, 1, "attribute");
	struct jv seen, key;
	struct jlist *l;
	size_t i;

	if (jv_items(r, v, &l) || jv_list(r, out) || jv_list(r, &seen))
		return -1;
	for (i = 0; i < l->n; i++) {
		if (attribute(r, &l->v[i], attr, &key) || fold(r, &key, sensitive) || jv_contains(r, &key, &seen, &known))
			return -1;
		if (!known && (jv_push(r, seen.list, key) || jv_push(r, out->list, l->v[i])))
			return -1;
	}
	return 0;
}

static int f_groupby(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	const struct jv *attr = jcall_arg(c, 0, "attribute"), *otherwise = jcall_arg(c, 1, "default");
	struct jlist *l;
	struct sorted *s;
	struct jv group, p;
	size_t i;

	if (jv_items(r, v, &l) || jv_list(r, out))
		return -1;
	if (!(s = jarena_get(&r->arena, (l->n + 1) * sizeof *s)))
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
			if (jv_list(r, &group) || pair(r, s[i].key, group, &p) || jv_push(r, out->list, p))
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

	if (int_arg(r, c, 0, "linecount", 0, &n) || jv_items(r, v, &l) || jv_list(r, out))
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
	if (v->kind == J_UNDEFINED || (flag_arg(c, 1, "boolean", 0) && !jv_true(v)))
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
	const struct jv *attr = c->positional ? NULL : jcall_arg(c, 9, "attribute"), *otherwise = jcall_arg(c, 9, "default");
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
static int choose(struct jrun *r, const struct jv *v, const struct jcall *c, int keep, int attr, struct jv *out)
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

	return text_arg(r, c, 0, "name", "", &name) ? -1 : jattr(r, v, name, out);
}

static const struct { const char *name; filter_fn *fn; } filters[] = {
	{"abs", f_abs}, {"attr", f_attr}, {"batch", f_batch}, {"capitalize", f_capitalize}, {"count", f_length}, {"d", f_default},
	{"default", f_default}, {"dictsort", f_dictsort}, {"e", f_escape}, {"escape", f_escape}, {"first", f_first}, {"float", f_float},
	{"forceescape", f_escape}, {"format", f_format}, {"from_json", f_from_json}, {"groupby", f_groupby}, {"indent", f_indent}, {"int", f_int}, {"items", f_items},
	{"join", f_join}, {"last", f_last}, {"length", f_length}, {"list", f_list}, {"lower", f_lower}, {"map", f_map}, {"max", f_max},
	{"min", f_min}, {"reject", f_reject}, {"rejectattr", f_rejectattr}, {"replace", f_replace}, {"reverse", f_reverse},
	{"round", f_round}, {"safe", f_safe}, {"select", f_select}, {"selectattr", f_selectattr}, {"sort", f_sort}, {"string", f_string},
	{"sum", f_sum}, {"title", f_title}, {"tojson", f_tojson}, {"trim", f_trim}, {"truncate", f_truncate}, {"unique", f_unique},
	{"upper", f_upper}, {"urlencode", f_urlencode}, {"wordcount", f_wordcount},
};

static filter_fn *find(struct span name)
{
	size_t i;

	for (i = 0; i < sizeof filters / sizeof *filters; i++)
		if (span_is(name, filters[i].name))
			return filters[i].fn;
	return NULL;
}

int jfilter_known(struct span name)
{
	return find(name) != NULL;
}

int jfilter(struct jrun *r, struct span name, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jv in = *v; /* out may be v */

	return jcharge(r, 1) ? -1 : find(name)(r, &in, c, out);
}

/* --- tests --- */

static const char *const tests[] = {"boolean", "callable", "defined", "divisibleby", "eq", "equalto", "even", "false", "filter",
				    "float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan", "lower", "lt",
				    "mapping", "ne", "none", "number", "odd", "sameas", "sequence", "string", "test", "true",
				    "undefined", "upper"};

int jtest_known(struct span name)
{
	size_t i;

	for (i = 0; i < sizeof tests / sizeof *tests; i++)
		if (span_is(name, tests[i]))
			return 1;
	return 0;
}

static int all_case(struct span s, int upper)
{
	int seen = 0;
	size_t at;
	utf8proc_ssize_t n;

	for (at = 0; at < s.n; at += (size_t)n) {
		utf8proc_int32_t c;

		n = utf8proc_iterate((const utf8proc_uint8_t *)s.s + at, (utf8proc_ssize_t)(s.n - at), &c);
		if (n <= 0) {
			n = 1;
			continue;
		}
		if ((upper ? utf8proc_category(c) == UTF8PROC_CATEGORY_LL : utf8proc_category(c) == UTF8PROC_CATEGORY_LU))
			return 0;
		seen |= utf8proc_category(c) == (upper ? UTF8PROC_CATEGORY_LU : UTF8PROC_CATEGORY_LL);
	}
	return seen;
}

int jtest(struct jrun *r, struct span name, const struct jv *v, const struct jcall *c, int *yes)
{
	static const struct { const char *name; int kinds; } of_kind[] = {
		{"defined", ~(1 << J_UNDEFINED)}, {"undefined", 1 << J_UNDEFINED}, {"none", 1 << J_NONE}, {"boolean", 1 << J_BOOL},
		{"integer", 1 << J_INT}, {"float", 1 << J_FLOAT}, {"number", 1 << J_INT | 1 << J_FLOAT | 1 << J_BOOL},
		{"string", 1 << J_STRING}, {"mapping", 1 << J_DICT},
		{"sequence", 1 << J_STRING | 1 << J_LIST | 1 << J_DICT | 1 << J_UNDEFINED},
		{"iterable", 1 << J_STRING | 1 << J_LIST | 1 << J_DICT | 1 << J_UNDEFINED},
		{"callable", 1 << J_MACRO | 1 << J_FUNCTION},
	};
	const struct jv *other = jcall_arg(c, 0, "other");
	size_t i;
	int sign;

	if (jcharge(r, 1))
		return -1;
	for (i = 0; i < sizeof of_kind / sizeof *of_kind; i++)
		if (span_is(name, of_kind[i].name)) {
			*yes = of_kind[i].kinds >> v->kind & 1;
			return 0;
		}
	if (span_is(name, "true") || span_is(name, "false")) {
		*yes = v->kind == J_BOOL && v->b == span_is(name, "true");
		return 0;
	}
	if (span_is(name, "lower") || span_is(name, "upper")) {
		*yes = v->kind == J_STRING && all_case(v->s, span_is(name, "upper"));
		return 0;
	}
	if (span_is(name, "odd") || span_is(name, "even")) {
		if (v->kind != J_INT)
			return jfail(r, "is %.*s of a %s", (int)name.n, name.s, jv_type(v));
		*yes = (v->i & 1) == span_is(name, "odd");
		return 0;
	}
	if (span_is(name, "filter") || span_is(name, "test")) {
		*yes = v->kind == J_STRING && (span_is(name, "filter") ? jfilter_known(v->s) : jtest_known(v->s));
		return 0;
	}
	if (!other)
		return jfail(r, "the test '%.*s' needs an argument", (int)name.n, name.s);
	if (span_is(name, "divisibleby")) {
		if (v->kind != J_INT || other->kind != J_INT || !other->i)
			return jfail(r, "divisibleby needs two integers, the second not 0");
		*yes = other->i == -1 || v->i % other->i == 0;
		return 0;
	}
	if (span_is(name, "in"))
		return jv_contains(r, v, other, yes);
	if (span_is(name, "eq") || span_is(name, "equalto") || span_is(name, "ne")) {
		*yes = jv_equal(r, v, other) != span_is(name, "ne");
		return 0;
	}
	if (span_is(name, "sameas")) {
		*yes = v->kind == other->kind && jv_equal(r, v, other);
		return 0;
	}
	if (jv_compare(r, v, other, &sign))
		return -1;
	*yes = name.s[0] == 'g' ? (span_is(name, "ge") ? sign >= 0 : sign > 0) : (span_is(name, "le") ? sign <= 0 : sign < 0);
	return 0;
}
