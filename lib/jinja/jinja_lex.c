/* Template text into tokens.
 *
 * White space, as Jinja2 with trim_blocks and lstrip_blocks has it: the newline after a block or
 * comment is dropped, spaces from the beginning of a line up to a block or comment too; `-` beside
 * a tag takes all white space on that side, `+` turns the automatic stripping off. One newline at
 * the very end of the template is dropped.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "jinja_impl.h"

struct lexer {
	struct jinja *t;
	const char *p, *end;
	int line;
	int line_starting; /* what comes next begins a line */
	struct jtokens *out;
	struct err *e;
};

static int fail(struct lexer *x, int line, const char *what)
{
	return err_set(x->e, "%s:%d: %s", x->t->name, line, what);
}

static struct jtoken *add(struct lexer *x, enum jtoken_kind kind, struct span s)
{
	struct jtokens *o = x->out;

	if (o->n == o->cap)
		o->v = mem_grow(o->v, &o->cap, o->n + 1, sizeof *o->v);
	o->v[o->n] = (struct jtoken){.kind = kind, .line = x->line, .s = s};
	return &o->v[o->n++];
}

static void count_lines(struct lexer *x, const char *from, const char *to)
{
	for (; from < to; from++)
		x->line += *from == '\n';
}

static void move_to(struct lexer *x, const char *to)
{
	count_lines(x, x->p, to);
	x->p = to;
}

static int is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Skips what follows the closing of a tag: after `-` all white space, else (blocks and comments)
 * one newline. */
static void after_tag(struct lexer *x, char sign, int newline)
{
	const char *p = x->p;

	if (sign == '-')
		while (p < x->end && is_white(*p))
			p++;
	else if (newline && sign != '+' && p < x->end && *p == '\n')
		p++;
	x->line_starting = p > x->p && p[-1] == '\n';
	move_to(x, p);
}

/* The text between x->p and `to`, where a tag with the given sign begins (block: { % or { #). */
static void text(struct lexer *x, const char *to, char sign, int block)
{
	const char *from = x->p, *end = to, *line;

	if (sign == '-') {
		while (end > from && is_white(end[-1]))
			end--;
	} else if (block && sign != '+') {
		for (line = to; line > from && line[-1] != '\n' && is_white(line[-1]); line--)
			;
		if ((line > from && line[-1] == '\n') || (line == from && x->line_starting))
			end = line;
	}
	if (end > from)
		add(x, T_TEXT, (struct span){from, (size_t)(end - from)});
	move_to(x, to);
	x->line_starting = 0;
}

static int put_utf8(char *to, unsigned long c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* \xHH, \uHHHH, \UHHHHHHHH; the escape's length, 0 where it is malformed. */
static size_t hex_escape(const char *p, const char *end, unsigned long *c)
{
	size_t n = *p == 'x' ? 2 : *p == 'u' ? 4 : 8, i;

	*c = 0;
	if ((size_t)(end - p) <= n)
		return 0;
	for (i = 1; i <= n; i++) {
		if (!isxdigit((unsigned char)p[i]))
			return 0;
		*c = *c * 16 + (unsigned long)(isdigit((unsigned char)p[i])
						       ? p[i] - '0'
						       : (p[i] | 32) - 'a' + 10);
	}
	if (*c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
		return 0;
	return n + 1;
}

static int string(struct lexer *x)
{
	static const char from[] = "ntrbfva0'\"\\", to[] = "\n\t\r\b\f\v\a\0'\"\\";
	char quote = *x->p, *s, *w;
	const char *p = x->p + 1, *end = p, *at;
	unsigned long c;
	size_t n;

	while (end < x->end && *end != quote)
		end += *end == '\\' && end + 1 < x->end ? 2 : 1;
	if (end >= x->end)
		return fail(x, x->line, "a string is not closed");
	w = s = arena_get(&x->t->arena, (size_t)(end - p) + 4);
	if (!s)
		return fail(x, x->line, "the template is too large");
	while (p < end) {
		if (*p != '\\') {
			*w++ = *p++;
			continue;
		}
		p++;
		if (*p == '\n') {
			p++;
		} else if ((at = memchr(from, *p, sizeof from - 1))) {
			*w++ = to[at - from];
			p++;
		} else if (*p == 'x' || *p == 'u' || *p == 'U') {
			if (!(n = hex_escape(p, end, &c)))
				return fail(x, x->line, "a malformed escape in a string");
			w += put_utf8(w, c);
			p += n;
		} else {
			*w++ = '\\';
		}
	}
	add(x, T_STRING, (struct span){s, (size_t)(w - s)});
	move_to(x, end + 1);
	return 0;
}

static int number(struct lexer *x)
{
	const char *p = x->p;
	char digits[64];
	size_t n = 0;
	struct jtoken *k;
	int real = 0;

	for (; p < x->end && n < sizeof digits - 1; p++) {
		int exponent = (*p == 'e' || *p == 'E') && p + 1 < x->end &&
			       (isdigit((unsigned char)p[1]) ||
				((p[1] == '-' || p[1] == '+') && p + 2 < x->end &&
				 isdigit((unsigned char)p[2])));

		if (exponent ||
		    (*p == '.' && !real && p + 1 < x->end && isdigit((unsigned char)p[1]))) {
			real = 1;
			digits[n++] = *p;
			if (exponent && !isdigit((unsigned char)p[1]))
				digits[n++] = *++p;
		} else if (isdigit((unsigned char)*p)) {
			digits[n++] = *p;
		} else if (*p != '_') {
			break;
		}
		if (n >= sizeof digits - 2)
			return fail(x, x->line, "a number is too long");
	}
	digits[n] = 0;
	k = add(x, real ? T_FLOAT : T_INT, (struct span){x->p, (size_t)(p - x->p)});
	errno = 0;
	if (real)
		k->f = strtod(digits, NULL);
	else
		k->i = strtoll(digits, NULL, 10);
	if (!real && errno)
		return fail(x, x->line, "a number is too large");
	x->p = p;
	return 0;
}

/* The inside of a tag, up to and with its end. */
static int inside(struct lexer *x, int block)
{
	static const char *const ops[] = {"==", "!=", "<=", ">=", "//", "**", "<", ">", "=",
					  "+",	"-",  "*",  "/",  "%",	"~",  "|", ".", ",",
					  ":",	"(",  ")",  "[",  "]",	"{",  "}"};
	char open[JINJA_NEST_MAX + 2];
	size_t depth = 0, i;
	int line = x->line;

	for (;;) {
		const char *p;

		while (x->p < x->end && is_white(*x->p))
			move_to(x, x->p + 1);
		p = x->p;
		if (p >= x->end)
			return fail(x, line,
				    block ? "a block tag is not closed"
					  : "an expression is not closed");
		if (!depth) {
			const char *q = p + (*p == '-' || (block && *p == '+'));
			char sign = q > p ? *p : 0;

			if (x->end - q >= 2 && q[0] == (block ? '%' : '}') && q[1] == '}') {
				add(x, block ? T_BLOCK_END : T_VAR_END, (struct span){NULL, 0});
				x->p = q + 2;
				after_tag(x, sign, block);
				return 0;
			}
		}
		if (*p == '\'' || *p == '"') {
			if (string(x))
				return -1;
			continue;
		}
		if (isdigit((unsigned char)*p)) {
			if (number(x))
				return -1;
			continue;
		}
		if (isalpha((unsigned char)*p) || *p == '_') {
			while (p < x->end && (isalnum((unsigned char)*p) || *p == '_'))
				p++;
			add(x, T_NAME, (struct span){x->p, (size_t)(p - x->p)});
			x->p = p;
			continue;
		}
		for (i = 0; i < sizeof ops / sizeof *ops; i++)
			if ((size_t)(x->end - p) >= strlen(ops[i]) &&
			    !memcmp(p, ops[i], strlen(ops[i])))
				break;
		if (i == sizeof ops / sizeof *ops)
			return err_set(x->e, "%s:%d: unexpected character '%c'", x->t->name,
				       x->line, isprint((unsigned char)*p) ? *p : '?');
		if (strchr("([{", *p)) {
			if (depth >= JINJA_NEST_MAX)
				return fail(x, x->line, "brackets are nested too deep");
			open[depth++] = *p == '(' ? ')' : *p == '[' ? ']' : '}';
		} else if (strchr(")]}", *p)) {
			if (!depth || open[--depth] != *p)
				return err_set(x->e, "%s:%d: unexpected '%c'", x->t->name, x->line,
					       *p);
		}
		add(x, T_OP, (struct span){ops[i], strlen(ops[i])});
		x->p += strlen(ops[i]);
	}
}

/* At "{%": is this {% raw %}? Then *body is where the raw text begins. */
static int is_raw(struct lexer *x, const char *p, const char **body)
{
	p += 2;
	p += p < x->end && (*p == '-' || *p == '+');
	while (p < x->end && is_white(*p))
		p++;
	if (x->end - p < 3 || memcmp(p, "raw", 3))
		return 0;
	p += 3;
	while (p < x->end && is_white(*p))
		p++;
	if (p < x->end && *p == '-') {
		p++;
		if (x->end - p < 2 || memcmp(p, "%}", 2))
			return 0;
		for (p += 2; p < x->end && is_white(*p); p++)
			;
		*body = p;
		return 1;
	}
	if (x->end - p < 2 || memcmp(p, "%}", 2))
		return 0;
	*body = p + 2;
	return 1;
}

/* From x->p to {% endraw %} everything is text. */
static int raw(struct lexer *x)
{
	const char *p, *q;
	int line = x->line;

	x->line_starting = 0;
	for (p = x->p; (p = memmem(p, (size_t)(x->end - p), "{%", 2)); p += 2) {
		char sign, close = 0;

		q = p + 2;
		sign = q < x->end && (*q == '-' || *q == '+') ? *q++ : 0;
		while (q < x->end && is_white(*q))
			q++;
		if (x->end - q < 6 || memcmp(q, "endraw", 6))
			continue;
		for (q += 6; q < x->end && is_white(*q); q++)
			;
		if (q < x->end && (*q == '-' || *q == '+'))
			close = *q++;
		if (x->end - q < 2 || memcmp(q, "%}", 2))
			continue;
		text(x, p, sign, 1);
		move_to(x, q + 2);
		after_tag(x, close, 1);
		return 0;
	}
	return fail(x, line, "{% raw %} is not closed");
}

int jinja_lex(struct jinja *t, struct span source, struct jtokens *out, struct err *e)
{
	struct lexer x = {.t = t, .line = 1, .line_starting = 1, .out = out, .e = e};
	char *copy = arena_get(&t->arena, source.n + 1);
	size_t i, n = 0;

	if (!copy)
		return err_set(e, "%s: the template is too large", t->name);
	for (i = 0; i < source.n; i++) {
		if (source.s[i] == '\r') {
			copy[n++] = '\n';
			i += i + 1 < source.n && source.s[i + 1] == '\n';
		} else {
			copy[n++] = source.s[i];
		}
	}
	if (n && copy[n - 1] == '\n')
		n--;
	x.p = copy;
	x.end = copy + n;
	while (x.p < x.end) {
		const char *p = x.p, *body;
		char sign;
		int line;

		while ((p = memchr(p, '{', (size_t)(x.end - p))) &&
		       (x.end - p < 2 || (p[1] != '{' && p[1] != '%' && p[1] != '#')))
			p++;
		if (!p) {
			text(&x, x.end, 0, 0);
			break;
		}
		sign = x.end - p > 2 && (p[2] == '-' || p[2] == '+') ? p[2] : 0;
		text(&x, p, sign, p[1] != '{');
		line = x.line;
		if (p[1] == '#') {
			const char *close = memmem(p + 2, (size_t)(x.end - p - 2), "#}", 2);

			if (!close)
				return fail(&x, line, "a comment is not closed");
			sign = close > p + 2 && (close[-1] == '-' || close[-1] == '+') ? close[-1]
										       : 0;
			move_to(&x, close + 2);
			after_tag(&x, sign, 1);
		} else if (p[1] == '%' && is_raw(&x, p, &body)) {
			move_to(&x, body);
			if (raw(&x))
				return -1;
		} else {
			x.p = p + 2 + (sign != 0);
			add(&x, p[1] == '%' ? T_BLOCK_BEGIN : T_VAR_BEGIN, (struct span){NULL, 0});
			if (inside(&x, p[1] == '%'))
				return -1;
		}
	}
	add(&x, T_END, (struct span){NULL, 0});
	return 0;
}
