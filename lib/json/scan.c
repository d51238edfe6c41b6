/* scan: RFC 8259 and UTF-8, checked in one pass. See scan.h. */
#include "scan.h"

#include <stdint.h>
#include <string.h>
#include "chars.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

const char *scan_fail(const struct scan *s, const char *p, const char *reason)
{
	if (p >= s->end)
		err_set(s->e, "invalid JSON: %s at the end of the text", reason);
	else
		err_set(s->e, "invalid JSON: %s at byte %zu", reason, (size_t)(p - s->start) + 1);
	return NULL;
}

const char *scan_space(const struct scan *s, const char *p)
{
	while (p < s->end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static int is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#if defined(__SSE2__) || defined(__aarch64__)

typedef int8_t v16 __attribute__((vector_size(16)));

/* BITS bits for each byte, set where hit's are. */
#if defined(__SSE2__)
#define BITS 1
static inline uint64_t gather(v16 hit)
{
	return (uint64_t)_mm_movemask_epi8((__m128i)hit);
}
#else
#define BITS 4
static inline uint64_t gather(v16 hit)
{
	return vget_lane_u64((uint64x1_t)vshrn_n_u16((uint16x8_t)hit, 4), 0);
}
#endif

/* Sixteen bytes at once: as signed numbers controls and all beyond ASCII are below the space. */
const char *scan_plain(const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		v16 x;
		memcpy(&x, p, sizeof x);
		uint64_t hit = gather((v16)((x < ' ') | (x == '"') | (x == '\\')));

		if (hit)
			return p + __builtin_ctzll(hit) / BITS;
	}
	while (p < end && is_plain((unsigned char)*p))
		p++;
	return p;
}

#else

/* High bit set in each byte of the result where x has a byte that needs a look. (Borrows can set a
 * bit too many behind a true one, never one too few.) */
static uint64_t special_bytes(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	uint64_t quote = x ^ ones * '"', back = x ^ ones * '\\';
	return (((quote - ones) & ~quote) | ((back - ones) & ~back) | ((x - ones * 0x20) & ~x) |
		x) &
	       high;
}

const char *scan_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t x;
		memcpy(&x, p, 8);
		uint64_t hit = special_bytes(x);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		if (hit)
			return p + __builtin_ctzll(hit) / 8;
#else
		if (hit)
			break;
#endif
		p += 8;
	}
	while (p < end && is_plain((unsigned char)*p))
		p++;
	return p;
}

#endif

/* The first marked quote from p on, or NULL. */
static inline const char *next_quote(const struct marks *m, const char *p)
{
	size_t i = (size_t)(p - m->s), word = i / 64, words = (m->n + 63) / 64;

	if (i >= m->n)
		return NULL;
	uint64_t bits = m->quotes[word] >> i % 64 << i % 64;
	while (!bits) {
		if (++word >= words)
			return NULL;
		bits = m->quotes[word];
	}
	return m->s + 64 * word + __builtin_ctzll(bits);
}

const char *scan_string(const struct scan *s, const char *p)
{
	const char *end = s->end, *open = p;
	if (s->marks) {
		p = next_quote(s->marks, p + 1);
		return p ? p + 1 : scan_fail(s, open, "a string that does not end");
	}
	for (p++;;) {
		p = scan_plain(p, end);
		if (p >= end)
			return scan_fail(s, open, "a string that does not end");
		unsigned char c = (unsigned char)*p;
		if (c == '"')
			return p + 1;
		if (c == '\\') {
			if (end - p < 2)
				return scan_fail(s, open, "a string that does not end");
			if (p[1] == 'u') {
				if (!chars_hex4(p + 2, (size_t)(end - p) - 2))
					return scan_fail(s, p, "a \\u without four hex digits");
				p += 6;
			} else if (chars_escape[(unsigned char)p[1]]) {
				p += 2;
			} else {
				return scan_fail(s, p, "an unknown escape");
			}
		} else if (c < 0x20) {
			return scan_fail(s, p, "a raw control character in a string");
		} else {
			size_t n = chars_utf8(p, (size_t)(end - p));
			if (!n)
				return scan_fail(s, p, "invalid UTF-8");
			p += n;
		}
	}
}

static const char *digits(const struct scan *s, const char *p)
{
	while (p < s->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *scan_number(const struct scan *s, const char *p)
{
	const char *start = p;
	if (*p == '-')
		p++;
	const char *first = p;
	p = digits(s, p);
	if (p == first)
		return scan_fail(s, start, "something that is no value");
	if (*first == '0' && p - first > 1)
		return scan_fail(s, start, "a number with a leading zero");
	if (p < s->end && *p == '.') {
		const char *q = digits(s, p + 1);
		if (q == p + 1)
			return scan_fail(s, q, "a number without digits behind the point");
		p = q;
	}
	if (p < s->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		const char *q = digits(s, p);
		if (q == p)
			return scan_fail(s, q, "a number without digits in its exponent");
		p = q;
	}
	return p;
}

static const char *scan_word(const struct scan *s, const char *p, const char *word)
{
	size_t n = strlen(word);
	if ((size_t)(s->end - p) < n || memcmp(p, word, n) != 0)
		return scan_fail(s, p, "something that is no value");
	return p + n;
}

static const char *scan_container(const struct scan *s, const char *p, int depth)
{
	int object = *p == '{';
	char close = object ? '}' : ']';
	if (depth <= 0)
		return scan_fail(s, p, "nesting too deep");
	p = scan_space(s, p + 1);
	if (p < s->end && *p == close)
		return p + 1;
	for (;;) {
		if (object) {
			if (p >= s->end || *p != '"')
				return scan_fail(s, p, "a member without a name in quotes");
			p = scan_string(s, p);
			if (!p)
				return NULL;
			p = scan_space(s, p);
			if (p >= s->end || *p != ':')
				return scan_fail(s, p, "a missing colon");
			p++;
		}
		p = scan_value(s, scan_space(s, p), depth - 1);
		if (!p)
			return NULL;
		p = scan_space(s, p);
		if (p < s->end && *p == close)
			return p + 1;
		if (p >= s->end || *p != ',')
			return scan_fail(s, p,
					 object ? "a missing comma or brace"
						: "a missing comma or bracket");
		p = scan_space(s, p + 1);
	}
}

/* Editors of other systems begin files with U+FEFF, which is not to be seen. */
static int has_mark(const struct scan *s, const char *p)
{
	return p == s->start && s->end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0;
}

const char *scan_value(const struct scan *s, const char *p, int depth)
{
	if (p >= s->end)
		return scan_fail(s, p, "a missing value");
	switch (*p) {
	case '{':
	case '[':
		return scan_container(s, p, depth);
	case '"':
		return scan_string(s, p);
	case 't':
		return scan_word(s, p, "true");
	case 'f':
		return scan_word(s, p, "false");
	case 'n':
		return scan_word(s, p, "null");
	default:
		if (!has_mark(s, p))
			return scan_number(s, p);
		err_set(s->e,
			"begins with a byte order mark; remove it, say with sed '1s/^\\xef\\xbb\\xbf//'");
		return NULL;
	}
}

/* A quote ends the string unless an odd run of backslashes stands before it. */
static inline const char *skip_string(const struct marks *m, const char *p, const char *end)
{
	const char *open = p;
	if (m)
		return (p = next_quote(m, p + 1)) ? p + 1 : end;
	while ((p = memchr(p + 1, '"', (size_t)(end - p - 1)))) {
		const char *b = p;
		while (b > open + 1 && b[-1] == '\\')
			b--;
		if ((p - b) % 2 == 0)
			return p + 1;
	}
	return end;
}

const char *scan_skip(const struct marks *m, const char *p, const char *end)
{
	if (*p == '"')
		return skip_string(m, p, end);
	if (*p == '{' || *p == '[') {
		int depth = 0;
		while (p < end) {
			char c = *p;
			if (c == '"') {
				p = skip_string(m, p, end);
				continue;
			}
			p++;
			if (c == '{' || c == '[')
				depth++;
			else if ((c == '}' || c == ']') && --depth == 0)
				return p;
		}
		return end;
	}
	while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\t' &&
	       *p != '\n' && *p != '\r')
		p++;
	return p;
}
