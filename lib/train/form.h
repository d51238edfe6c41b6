/* form: the forms that rows for training come in, told apart row by row, and what each asks and
 * answers.
 *
 *	chat		`messages`, the last one from the assistant (OpenAI)
 *	completion	`prompt` and `completion`, as text or as messages (TRL)
 *	text		`text`, all of it trained on (TRL)
 *	preference	`input`, `preferred_output`, `non_preferred_output` (OpenAI)
 *	chosen		`chosen` and `rejected`, as text or as messages, with `prompt` or with a
 *			common beginning (TRL)
 *
 * Sources: the OpenAI fine-tuning guide; TRL's "Dataset formats and types" (0.2x).
 */
#ifndef FT_TRAIN_FORM_H
#define FT_TRAIN_FORM_H

#include "../chat/chat.h"
#include "../json/record.h"

enum form { FORM_CHAT, FORM_COMPLETION, FORM_TEXT, FORM_PREFERENCE, FORM_CHOSEN };

const char *form_name(enum form f);
int form_is_pair(enum form f); /* a preferred answer and another */

/* Tells the form of a row; of other tools' forms that are known the reason names the filter of
 * ft.jq that converts them. */
int form_of(const struct record *r, enum form *f, struct err *e);

/* What the row asks and answers, for the preferred or only answer (other 0) or for the other one;
 * assistant turns before a separate answer have weight 0. Texts that are made anew stand in
 * scratch. Fails where there is no answer. */
int form_input(enum form f, const struct record *r, int other, struct buf *scratch,
	       struct chat_input *in, struct err *e);

#endif
