/* Filters over texts and numbers, as Jinja2 defines them. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "../json/json.h"
#include "jinja_filter.h"

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

	if (jcharge(r, s.n / 4)) /* each character is looked up */
		return -1;
	for (at = 0; at < s.n; at += (size_t)n) {
		utf8proc_int32_t c;
		utf8proc_uint8_t u[4];
		int up;

		n = utf8proc_iterate((const utf8proc_uint8_t *)s.s + at,
				     (utf8proc_ssize_t)(s.n - at), &c);
		if (n <= 0) {
			n = 1;
			buf_addc(&b, (unsigned char)s.s[at]);
			continue;
		}
		up = how == UPPER || (how == TITLE && start) || (how == CAPITALIZE && at == 0);
		if (up && c == 0xdf)
			buf_adds(&b, how == UPPER ? "SS" : "Ss");
		else
			buf_add(&b, u,
				(size_t)utf8proc_encode_char(up ? utf8proc_toupper(c)
								: utf8proc_tolower(c),
							     u));
		/* Jinja's title: a word begins after white space, - or one of ([{< */
		start = (c < 128 && (is_white((unsigned char)c) || strchr("-([{<", (int)c)));
	}
	return jv_buf(r, &b, out);
}

int jlower(struct jrun *r, struct span s, struct jv *out)
{
	return change_case(r, s, LOWER, out);
}

static int cased(struct jrun *r, const struct jv *v, enum letters how, struct jv *out)
{
	struct jv s;

	return jv_as_text(r, v, &s) ? -1 : change_case(r, s.s, how, out);
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
	return jv_as_text(r, v, &s) ? -1 : jmethod(r, &s, span_of("strip"), &args, out, &found);
}

static int f_replace(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	struct jv s;
	int found;

	return jv_as_text(r, v, &s) ? -1 : jmethod(r, &s, span_of("replace"), c, out, &found);
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
	if (jv_as_text(r, v, &s))
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
	int first = jarg_flag(c, 1, "first", 0), blank = jarg_flag(c, 2, "blank", 0);
	struct buf b = BUF_INIT, pad = BUF_INIT;
	struct jv s;
	int64_t n = 4;
	size_t i, next;

	if (jv_as_text(r, v, &s))
		return -1;
	if (width && width->kind == J_STRING)
		buf_addspan(&pad, width->s);
	else if (jarg_int(r, c, 0, "width", 4, &n))
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
	int killwords = jarg_flag(c, 1, "killwords", 0);
	struct span end, cut;
	struct buf b = BUF_INIT;
	struct jv s;
	size_t n;

	if (jv_as_text(r, v, &s) || jarg_int(r, c, 0, "length", 255, &length) ||
	    jarg_text(r, c, 2, "end", "...", &end) || jarg_int(r, c, 3, "leeway", 5, &leeway))
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
	if (jv_as_text(r, v, &s))
		return -1;
	for (i = 0; i < s.s.n; i++) {
		int word = !is_white((unsigned char)s.s.s[i]) && !ispunct((unsigned char)s.s.s[i]);

		n += word && (i == 0 || is_white((unsigned char)s.s.s[i - 1]) ||
			      ispunct((unsigned char)s.s.s[i - 1]));
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
	if (jv_as_text(r, v, &s))
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
	return jv_as_text(r, v, out);
}

static int f_safe(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out)
{
	(void)c;
	if (jv_as_text(r, v, out))
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

	/* transformers: tojson(x, ensure_ascii=False, indent=None, separators=None,
	 * sort_keys=False) */
	if (c->positional && c->v[0].kind == J_INT) {
		indent = c->v[0].i; /* Jinja's own order: indent first */
	} else if (jarg_int(r, c, 1, "indent", -1, &indent)) {
		return -1;
	}
	if (indent > 100)
		return jfail(r, "tojson: indent by more than 100");
	buf_adds(&comma, indent >= 0 ? "," : ", ");
	buf_adds(&colon, ": ");
	if (separators && separators->kind == J_LIST && separators->list->n == 2 &&
	    separators->list->v[0].kind == J_STRING && separators->list->v[1].kind == J_STRING) {
		buf_clear(&comma);
		buf_clear(&colon);
		buf_addspan(&comma, separators->list->v[0].s);
		buf_addspan(&colon, separators->list->v[1].s);
	}
	rc = jv_json(r, v, &b, (int)indent, 0, jarg_flag(c, 3, "sort_keys", 0),
		     jarg_flag(c, 0, "ensure_ascii", 0) &&
			     !(c->positional && c->v[0].kind == J_INT),
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

	if (jarg_int(r, c, 0, "default", 0, &otherwise) || jarg_int(r, c, 1, "base", 10, &base))
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

	if (jarg_int(r, c, 0, "precision", 0, &precision) ||
	    jarg_text(r, c, 1, "method", "common", &method))
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

const struct jfilter_named jfilters_text[] = {
	{"abs", f_abs},
	{"capitalize", f_capitalize},
	{"e", f_escape},
	{"escape", f_escape},
	{"float", f_float},
	{"forceescape", f_escape},
	{"format", f_format},
	{"from_json", f_from_json},
	{"indent", f_indent},
	{"int", f_int},
	{"lower", f_lower},
	{"replace", f_replace},
	{"round", f_round},
	{"safe", f_safe},
	{"string", f_string},
	{"title", f_title},
	{"tojson", f_tojson},
	{"trim", f_trim},
	{"truncate", f_truncate},
	{"upper", f_upper},
	{"urlencode", f_urlencode},
	{"wordcount", f_wordcount},
	{NULL, NULL},
};
