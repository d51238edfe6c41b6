/* Finding secrets in whatever form they come back. See secret.h. */
#include "secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/mem.h"

#define ALIGNMENTS 3

/* One secret. In base64 its bytes begin at one of three places of a group of four characters; core
 * holds for each the characters that it alone decides. */
struct secret {
	char *s;
	size_t n;
	char *core[ALIGNMENTS];
	size_t cores[ALIGNMENTS];
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The same character in base64's two alphabets. */
static char plain_digit(char c)
{
	return c == '-' ? '+' : c == '_' ? '/' : c;
}

static void wipe(char *s, size_t n)
{
	explicit_bzero(s, n);
	free(s);
}

void secrets_release(struct secrets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		wipe(s->v[i].s, s->v[i].n);
		for (int k = 0; k < ALIGNMENTS; k++)
			wipe(s->v[i].core[k], s->v[i].cores[k]);
	}
	free(s->v);
	memset(s, 0, sizeof *s);
}

/* The characters of base64 that n bytes behind `before` others of the same group decide alone. */
static char *core_of(const char *s, size_t n, size_t before, size_t *len)
{
	size_t skip = (before * 8 + 5) / 6, end = (before + n) * 8 / 6, i;
	char *core = mem_alloc(end - skip + 1, 1);

	for (i = skip; i < end; i++) {
		unsigned v = 0;

		for (size_t bit = i * 6; bit < i * 6 + 6; bit++) {
			size_t byte = bit / 8 - before;

			v = v << 1 | ((unsigned char)s[byte] >> (7 - bit % 8) & 1);
		}
		core[i - skip] = digits[v];
	}
	*len = end - skip;
	return core;
}

void secrets_add(struct secrets *s, struct span secret)
{
	struct secret *x;

	if (secret.n < SECRET_MIN)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].n == secret.n && !memcmp(s->v[i].s, secret.s, secret.n))
			return;
	s->v = mem_grow(s->v, &s->cap, s->n + 1, sizeof *s->v);
	x = &s->v[s->n++];
	*x = (struct secret){.s = span_dup(secret), .n = secret.n};
	s->begins[(unsigned char)*x->s] = s->begins['\\'] = s->begins['%'] = 1;
	for (size_t k = 0; k < ALIGNMENTS; k++) {
		x->core[k] = core_of(x->s, x->n, k, &x->cores[k]);
		s->begins[(unsigned char)x->core[k][0]] = 1;
		if (x->core[k][0] == '+')
			s->begins['-'] = 1;
		if (x->core[k][0] == '/')
			s->begins['_'] = 1;
	}
}

void secrets_add_header(struct secrets *s, const char *line)
{
	static const char *const open[] = {"accept",	     "accept-encoding",	  "accept-language",
					   "anthropic-beta", "anthropic-version", "content-type",
					   "http-referer",   "openai-beta",	  "prefer",
					   "range",	     "referer",		  "user-agent",
					   "x-title"};
	size_t n = strcspn(line, ":");
	const char *p = line + n + (line[n] == ':');

	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		if (strlen(open[i]) == n && !strncasecmp(open[i], line, n))
			return;
	while (*p) {
		p += strspn(p, " \t,;\"");
		n = strcspn(p, " \t,;\"");
		secrets_add(s, (struct span){p, n});
		p += n;
	}
}

static int starts(const char *s, size_t n, const char *word)
{
	size_t k = strlen(word);

	return n >= k && (*s | 0x20) == *word && !strncasecmp(s, word, k);
}

int secrets_name_has(const char *name, size_t n, const char *part)
{
	for (size_t i = 0; i < n; i++)
		if (starts(name + i, n - i, part))
			return 1;
	return 0;
}

/* Who wrote something, and what it is about, opens nothing. */
static int is_harmless(const char *s, size_t n)
{
	return starts(s, n, "keyword") || (starts(s, n, "author") && !starts(s, n, "authori"));
}

int secrets_is_named(const char *name, size_t n)
{
	static const char *const parts[] = {"auth", "cookie", "cred", "key", "secret", "token"};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
			if (starts(name + i, n - i, parts[k]) && !is_harmless(name + i, n - i))
				return 1;
	return 0;
}

/* Whether what a query sets under this name is meant for the server alone. */
static int is_private(const char *name, size_t n)
{
	return secrets_is_named(name, n) || secrets_name_has(name, n, "code") ||
	       secrets_name_has(name, n, "pass") || secrets_name_has(name, n, "sig");
}

void secrets_add_url(struct secrets *s, const char *url)
{
	const char *host = strstr(url, "://"), *end, *at, *p;

	host = host ? host + 3 : url;
	end = host + strcspn(host, "/?#");
	for (at = end; at > host && at[-1] != '@'; at--)
		;
	if (at > host) {
		p = memchr(host, ':', (size_t)(at - host));
		p = p ? p + 1 : host;
		secrets_add(s, (struct span){p, (size_t)(at - 1 - p)});
	}
	for (p = end + strcspn(end, "?"); *p == '?' || *p == '&'; p += strcspn(p, "&")) {
		size_t n = strcspn(++p, "=&");

		if (p[n] == '=' && is_private(p, n))
			secrets_add(s, (struct span){p + n + 1, strcspn(p + n + 1, "&#")});
	}
}

/* --- finding --- */

enum { NO = 0, PARTLY = -1 }; /* beside a length: the text ends before it is decided */

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Whether n hexadecimal digits stand at p and mean c: their number, NO or PARTLY. */
static long hex_is(const char *p, size_t left, size_t n, unsigned char c)
{
	unsigned v = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == left)
			return PARTLY;
		if (hex(p[i]) < 0)
			return NO;
		v = v << 4 | (unsigned)hex(p[i]);
	}
	return v == c ? (long)n : NO;
}

/* How many bytes at p write the character c: itself, \uXXXX or \c (with any number of backslashes,
 * for JSON within JSON), %XX. A secret's own % or backslash may be either: raw takes it as it
 * stands. */
static long one_char(const char *p, size_t left, char c, int raw)
{
	size_t n = 0;
	long rest;

	if (!left)
		return PARTLY;
	if (*p == c && (raw || (c != '%' && c != '\\')))
		return 1;
	while (n < left && p[n] == '\\' && n < 16)
		n++;
	if (n) {
		if (n == left)
			return PARTLY;
		if (p[n] != 'u')
			return p[n] == c ? (long)n + 1 : c == '\\' ? (long)n : NO;
		rest = hex_is(p + n + 1, left - n - 1, 4, (unsigned char)c);
		return rest > 0 ? (long)n + 1 + rest : rest;
	}
	rest = *p == '%' ? hex_is(p + 1, left - 1, 2, (unsigned char)c) : NO;
	return rest > 0 ? 1 + rest : rest;
}

/* The length of a secret at p, or of its larger part; last: nothing comes behind the text. */
static long as_text(const struct secret *x, const char *p, size_t left, int raw, int last)
{
	size_t i, at = 0;
	long n;

	for (i = 0; i < x->n; i++, at += (size_t)n) {
		n = one_char(p + at, left - at, x->s[i], raw);
		if (n == PARTLY && !last)
			return PARTLY;
		if (n <= 0)
			break;
	}
	return i == x->n || (i >= SECRET_MIN && i > x->n / 2) ? (long)at : NO;
}

static long as_base64(const struct secret *x, const char *p, size_t left, int last)
{
	for (int k = 0; k < ALIGNMENTS; k++) {
		size_t i = 0;

		while (i < left && i < x->cores[k] && plain_digit(p[i]) == x->core[k][i])
			i++;
		if (i == x->cores[k])
			return (long)i;
		if (i == left && !last)
			return PARTLY;
	}
	return NO;
}

/* The longest secret at p; PARTLY where more text might make one longer. */
static long secret_at(const struct secrets *s, const char *p, size_t left, int last)
{
	long best = NO;

	for (size_t i = 0; i < s->n; i++)
		for (int how = 0; how < 3; how++) {
			const struct secret *x = &s->v[i];
			long n = how == 2 ? as_base64(x, p, left, last)
					  : as_text(x, p, left, how, last);

			if (n == PARTLY)
				return PARTLY;
			best = n > best ? n : best;
		}
	return best;
}

/* Masks what is decided of n bytes from p on; returns how many that are. */
static size_t mask(const struct secrets *s, char *p, size_t n, int last)
{
	size_t i = 0;

	while (i < n) {
		long len;

		if (!s->begins[(unsigned char)p[i]]) {
			i++;
			continue;
		}
		len = secret_at(s, p + i, n - i, last);
		if (len == PARTLY)
			return i;
		memset(p + i, '*', len > 0 ? (size_t)len : 0);
		i += len > 0 ? (size_t)len : 1;
	}
	return n;
}

void secrets_mask(const struct secrets *s, char *text, size_t n)
{
	if (s->n && text)
		mask(s, text, n, 1);
}

size_t secrets_mask_more(const struct secrets *s, struct buf *b, size_t from, int last)
{
	return s->n && b->len > from ? from + mask(s, b->data + from, b->len - from, last) : b->len;
}
