/* features: a tokenizer for statistics, not for models; see the header. */
#include "moment.h"
#include "features.h"
#include "hash.h"

static int in_word(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
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
	char small[256];
	size_t n = 0;

	while (t->at < t->text.n && !in_word((unsigned char)s[t->at]))
		t->at++;
	if (t->at >= t->text.n)
		return 0;
	look_for_date(t);
	if (!t->dates_done && t->at >= t->date_at && t->at < t->date_end) {
		t->at = t->date_end;
		mask(token, "<date>");
		return 1;
	}
	size_t begin = t->at;
	while (t->at < t->text.n && in_word((unsigned char)s[t->at])) {
		int c = (unsigned char)s[t->at++];
		if (n < sizeof small)
			small[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
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
	/* Beyond the first 256 bytes words are told apart by their bytes as they stand. */
	token->hash = hash64((struct span){small, n}, 0);
	if (token->text.n > n)
		token->hash = hash64((struct span){s + begin + n, token->text.n - n}, token->hash);
	return 1;
}
