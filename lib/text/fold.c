/* fold: Unicode normal forms through utf8proc. See fold.h. */
#include "fold.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "../base/mem.h"

int fold_next(struct span *s)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n;

	if (s->n == 0)
		return -1;
	if ((unsigned char)*s->s < 0x80) {
		s->n--;
		return (unsigned char)*s->s++;
	}
	n = utf8proc_iterate((const utf8proc_uint8_t *)s->s, (utf8proc_ssize_t)s->n, &c);
	if (n <= 0)
		return -1;
	s->s += n;
	s->n -= (size_t)n;
	return c;
}

int fold_is_space(int c)
{
	return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

static void put(struct buf *b, int c)
{
	utf8proc_uint8_t bytes[4];

	buf_add(b, bytes, (size_t)utf8proc_encode_char(c, bytes));
}

static int is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.s[i] >= 0x80)
			return 0;
	return 1;
}

/* Plain ASCII, by far the most common, needs no tables. */
static int map(struct span text, int options, struct buf *b)
{
	utf8proc_uint8_t *out = NULL;
	utf8proc_ssize_t n;

	if (is_ascii(text)) {
		for (size_t i = 0; i < text.n; i++) {
			int c = text.s[i];

			buf_addc(b, c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
		return b->full ? -1 : 0;
	}
	n = utf8proc_map((const utf8proc_uint8_t *)text.s, (utf8proc_ssize_t)text.n, &out,
			 (utf8proc_option_t)options);
	if (n == UTF8PROC_ERROR_NOMEM)
		mem_or_end(NULL);
	if (n < 0)
		return -1;
	buf_add(b, out, (size_t)n);
	free(out);
	return b->full ? -1 : 0;
}

int fold_case(struct span text, struct buf *b)
{
	return map(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD, b);
}

static int is_punctuation(int c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

int fold_text(struct span text, struct buf *b)
{
	struct buf folded = BUF_INIT;
	struct span rest;
	size_t start = b->len;
	int c, gap = 0;

	if (map(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD,
		&folded)) {
		buf_release(&folded);
		return -1;
	}
	rest = buf_span(&folded);
	while ((c = fold_next(&rest)) >= 0) {
		if (fold_is_space(c)) {
			gap = b->len > start;
		} else if (!is_punctuation(c)) {
			if (gap)
				buf_addc(b, ' ');
			gap = 0;
			put(b, c);
		}
	}
	buf_release(&folded);
	return b->full ? -1 : 0;
}

static int is_article(const char *s, size_t n)
{
	return (n == 1 && *s == 'a') || (n == 2 && memcmp(s, "an", 2) == 0) ||
	       (n == 3 && memcmp(s, "the", 3) == 0);
}

/* Python's \b stands between word characters ([a-zA-Z0-9_] and Unicode letters and digits) and
 * others. */
static int is_word(int c)
{
	utf8proc_category_t k;

	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		       c == '_';
	k = utf8proc_category(c);
	return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
	       (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

int fold_squad(struct span text, struct buf *b)
{
	struct span rest = text;
	size_t start = b->len, word = b->len;
	int c, in_word = 0, gap = 0;

	/* Words in Python's sense are written and, when one turns out to be an article, taken back
	 * as a space. */
	for (;;) {
		c = fold_next(&rest);
		if (c < 0x80 && c >= 0 && c > 32 && !is_word(c) && c != 127)
			continue; /* ASCII punctuation but the underscore */
		if (c == '_')
			continue;
		if (in_word && (c < 0 || !is_word(c))) {
			if (is_article(b->data + word, b->len - word)) {
				b->len = word;
				gap = b->len > start;
				if (gap && b->data[b->len - 1] == ' ')
					b->len--;
			}
			in_word = 0;
		}
		if (c < 0)
			break;
		if (fold_is_space(c)) {
			gap = b->len > start;
			continue;
		}
		if (gap)
			buf_addc(b, ' ');
		gap = 0;
		if (is_word(c) && !in_word) {
			in_word = 1;
			word = b->len;
		}
		put(b, utf8proc_tolower(c));
	}
	if (rest.n > 0) {
		b->len = start; /* no UTF-8 */
		return -1;
	}
	return b->full ? -1 : 0;
}
