/* features: a tokenizer for statistics, not for models; see the header. */
#include <utf8proc.h>
#include "moment.h"
#include "features.h"
#include "hash.h"

/* What a character is to words. */
enum kind { GAP, PART, WHOLE };

static int without_spaces(int c)
{
	static const int range[][2] = {{0x0e00, 0x0eff}, {0x1000, 0x109f}, {0x1780, 0x17ff},
				       {0x3040, 0x30ff}, {0x31f0, 0x31ff}, {0x3400, 0x4dbf},
				       {0x4e00, 0x9fff}, {0xf900, 0xfaff}, {0x20000, 0x3ffff}};

	for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
		if (c >= range[i][0] && c <= range[i][1])
			return 1;
	}
	return 0;
}

static enum kind kind_of(int c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_PC:
	case UTF8PROC_CATEGORY_PD:
	case UTF8PROC_CATEGORY_PS:
	case UTF8PROC_CATEGORY_PE:
	case UTF8PROC_CATEGORY_PI:
	case UTF8PROC_CATEGORY_PF:
	case UTF8PROC_CATEGORY_PO:
	case UTF8PROC_CATEGORY_SM:
	case UTF8PROC_CATEGORY_SC:
	case UTF8PROC_CATEGORY_SK:
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
	case UTF8PROC_CATEGORY_CC:
		return GAP;
	default:
		return without_spaces(c) ? WHOLE : PART;
	}
}

/* What the character at s is, and its length. A byte that is no UTF-8 is a letter. */
static enum kind kind_at(const char *s, size_t left, size_t *length)
{
	int c = (unsigned char)*s;
	utf8proc_int32_t wide;

	*length = 1;
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
			       ? PART
			       : GAP;
	utf8proc_ssize_t n =
		utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)left, &wide);
	if (n <= 0)
		return PART;
	*length = (size_t)n;
	return kind_of(wide);
}

/* Of the small letters. Beyond the first 256 bytes words are told apart by their bytes as they
 * stand. */
static uint64_t hash_word(struct span word)
{
	char small[256 + 4];
	size_t n = 0, i = 0;

	while (i < word.n && n < 256) {
		int c = (unsigned char)word.s[i];
		utf8proc_int32_t wide;
		utf8proc_ssize_t length = 0;
		if (c >= 0x80)
			length = utf8proc_iterate((const utf8proc_uint8_t *)word.s + i,
						  (utf8proc_ssize_t)(word.n - i), &wide);
		if (length > 0) {
			n += (size_t)utf8proc_encode_char(utf8proc_tolower(wide),
							  (utf8proc_uint8_t *)small + n);
			i += (size_t)length;
		} else {
			small[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
			i++;
		}
	}
	uint64_t hash = hash64((struct span){small, n}, 0);
	return i < word.n ? hash64((struct span){word.s + i, word.n - i}, hash) : hash;
}

static void look_for_date(struct tokens *t)
{
	struct moment d;
	struct span where;
	size_t at = t->at;

	if (t->dates_done || t->date_end > t->at)
		return;
	if (moment_find(t->text, &at, &d, &where)) {
		t->date_at = (size_t)(where.s - t->text.s);
		t->date_end = t->date_at + where.n;
	} else {
		t->dates_done = 1;
	}
}

void tokens_init(struct tokens *t, struct span text, int flags)
{
	*t = (struct tokens){.text = text, .flags = flags, .dates_done = !(flags & TOKEN_CALENDAR)};
}

static void mask(struct token *token, const char *name)
{
	token->text = span_of(name);
	token->hash = hash64(token->text, 0);
}

int tokens_next(struct tokens *t, struct token *token)
{
	const char *s = t->text.s;
	size_t n = t->text.n, length;
	enum kind kind = GAP;

	while (t->at < n && (kind = kind_at(s + t->at, n - t->at, &length)) == GAP)
		t->at += length;
	if (t->at >= n)
		return 0;
	look_for_date(t);
	if (!t->dates_done && t->at >= t->date_at && t->at < t->date_end) {
		t->at = t->date_end;
		mask(token, "<date>");
		return 1;
	}
	size_t begin = t->at;
	for (t->at += length; kind == PART && t->at < n; t->at += length) {
		if (kind_at(s + t->at, n - t->at, &length) != PART)
			break;
	}
	token->text = (struct span){s + begin, t->at - begin};
	if (t->flags & TOKEN_CALENDAR) {
		if (moment_month_word(token->text)) {
			mask(token, "<month>");
			return 1;
		}
		if (moment_weekday_word(token->text)) {
			mask(token, "<weekday>");
			return 1;
		}
	}
	token->hash = hash_word(token->text);
	return 1;
}
