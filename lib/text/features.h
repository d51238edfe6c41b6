/* lib/text: text as text: dates and moments, folding, features, stable hashes, near-duplicates
 * (near), mail addresses, telephone numbers and other personal data (personal).
 *
 * features: text as tokens that tell two sets of texts apart.
 *
 * Words and numbers are tokens, short ones too, letters taken as small; punctuation, currency signs
 * and spaces of any script part them. Scripts that write no spaces (Han, kana, Thai, Lao, Khmer,
 * Burmese) give a token a character. With TOKEN_CALENDAR dates are one token each, as are names of
 * months and weekdays, so that a window of one month does not differ from a year by the name of the
 * month.
 */
#ifndef FT_TEXT_FEATURES_H
#define FT_TEXT_FEATURES_H

#include <stdint.h>
#include "../base/buf.h"

enum { TOKEN_CALENDAR = 1 };

struct tokens {
	struct span text;
	size_t at;
	int flags;
	size_t date_at, date_end; /* the next date in the text, looked up once */
	int dates_done;
};

struct token {
	struct span text; /* as it stands; <date>, <month>, <weekday> for what was masked */
	uint64_t hash;	  /* of the small letters: the same on every machine */
};

void tokens_init(struct tokens *t, struct span text, int flags);
/* 1 and the next token, 0 at the end. */
int tokens_next(struct tokens *t, struct token *token);

#endif
