/* chat_turns: where in a rendered conversation the assistant's turns stand that are trained on.
 *
 * Each is a range of the text: from where the prompt for it ends (the conversation before it, rendered with
 * the generation prompt) to where the conversation up to and with it ends. Templates that write a turn
 * otherwise once others follow it (Qwen3 drops the thinking of earlier answers) leave no such prefix; there
 * the turn is replaced as a whole by another, and what the two renderings do not share at either end is its
 * text. What a template marks with {% generation %} needs none of this.
 */
#ifndef FT_CHAT_CHAT_TURNS_H
#define FT_CHAT_CHAT_TURNS_H

#include "chat_impl.h"

/* A range of text that is trained on. */
struct chat_turn {
	size_t begin, end;
	double weight;
	size_t message; /* index */
	int by_content; /* found by what it says, which may be nothing */
	int otherwise;	/* not written as it will be asked for */
};

struct chat_turns {
	struct chat_turn *v;
	size_t n, cap;
};

/* Appends the turns of weight over 0, in their order. w [m->n]: of each assistant's turn its weight, of all else 0;
 * the last of m has one. text is m as rendered, marks what the template marked in it; where the template writes the
 * last turn otherwise than it will be asked for, text is written anew. most: tokens behind which no turn is looked
 * for; 0: all are. -1 where a turn's place can't be told, where that takes too long (see RENDERED_MAX), or where in->stopping
 * says so. */
int chat_turns_find(const struct chat *c, const struct chat_input *in,
		    const struct chat_messages *m, const double *w, size_t most, struct buf *text,
		    const struct jinja_marks *marks, struct chat_turns *l, struct err *e);
void chat_turns_release(struct chat_turns *l);

#endif
