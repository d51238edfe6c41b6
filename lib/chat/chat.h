/* lib/chat: from a record to the tokens of a model: the chat template, and the mask of what is
 * trained on (chat_mask).
 *
 * chat: from a record to the tokens a model is given, and the weights with which it is trained on
 * them.
 *
 * The model's own chat template (tokenizer_config.json, chat_template.jinja or chat_template.json)
 * is rendered by lib/jinja. A model without one gets a plain template, and chat_warning says so:
 *
 *	BOS, then each turn's text; turns of the assistant end with EOS, all others with a newline.
 *
 * which costs one token a turn beyond the text itself.
 *
 * BOS: where the rendered text already begins with what the tokenizer would add, it is not added
 * again; where the template prints none and the tokenizer adds one, it is added. The same holds for
 * raw prompts.
 *
 * Message content given as text parts is joined to a string first; parts of another type are an
 * error. The arguments of tool calls are given to the template as an object, or as the string they
 * came as where the template can only print that.
 *
 * Threads: a const chat may be used from several threads at once.
 */
#ifndef FT_CHAT_CHAT_H
#define FT_CHAT_CHAT_H

#include <stddef.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../json/record.h"
#include "../token/tokenizer.h"

struct chat;

/* dir is the model's directory; the tokenizer is borrowed and must outlive the chat. */
struct chat *chat_load(const char *dir, const struct tokenizer *t, struct err *e);
/* From a template's text; an absent span gives the plain template. name is used in messages. */
struct chat *chat_new(struct span source, const char *name, const struct tokenizer *t,
		      struct err *e);
void chat_free(struct chat *c);

/* What the user should be told once (no template, a template that ends no turn ...); NULL for
 * nothing. */
const char *chat_warning(const struct chat *c);

/* Ids that end an answer: tokenizer_stops and the token with which the template ends an assistant's
 * turn. */
const int32_t *chat_stops(const struct chat *c, size_t *n);

/* What is to be rendered. messages wins over prompt. */
struct chat_input {
	struct span messages;	/* JSON array of OpenAI chat messages, or absent */
	struct span tools;	/* JSON array, or absent or null */
	struct span prompt;	/* raw text, no template; or absent */
	struct span completion; /* raw text, or absent */
};

enum {
	CHAT_NO_REFERENCE = 1, /* leave a final assistant turn out */
};

/* Finds the input in a record. Decoded strings (and messages without the reference) are put into
 * scratch, which in then borrows from. */
int chat_input_of(const struct record *r, int flags, struct buf *scratch, struct chat_input *in,
		  struct err *e);

/* Appends the ids that a model is to go on from: the text as the template renders it with the generation prompt, tokenized,
 * with BOS as said above. text (may be NULL) gets the rendered text. */
int chat_encode_prompt(const struct chat *c, const struct chat_input *in, struct buf *text,
		       struct tokens *out, struct err *e);

/* One training example; zeroed is valid. */
struct chat_example {
	struct tokens ids;
	/* [ids.n]: weight of the loss of predicting ids[i] from what stands before it; weights[0]
	 * is always 0 */
	float *weights;
	size_t cap;
	size_t supervised; /* how many weights are not 0 */
	size_t turns;	   /* assistant turns trained on */
	size_t joins;	   /* turns whose tokens had to be cut from those before them (see below) */
	int eos_added;	   /* the text ended the last turn with nothing, so EOS was appended */
};
void chat_example_release(struct chat_example *x);

/* Fills x (old contents dropped) with the conversation up to the last turn that is trained on.
 * Assistant turns are trained on, from the end of their generation prompt to their end-of-turn
 * token, with the turn's own `weight` (default 1); all else has weight 0. Where the template has {%
 * generation %} marks, these say what a turn is; an end-of-turn token right behind a mark is
 * trained on with it. A completion is trained on with the EOS after it.
 *
 * For every trained turn the tokens before it are exactly those that chat_encode_prompt gives for
 * the conversation up to there: where the tokenizer would merge across the border the text is cut
 * there, and `joins` counts it; where the template moves text with the last message (Mistral's
 * system text) the last turn is put behind its own prompt, and an earlier turn that then has no
 * such place is an error that names it, as is a turn that the template leaves out. Where a
 * generation prompt opens a block that the turn does not begin with, training begins before that
 * block, and chat_warning says so.
 *
 * A record with nothing to train on (no assistant turn, all weights 0, neither messages nor
 * completion) is no error here: supervised is 0. record_weight multiplies every weight. */
int chat_encode_training(const struct chat *c, const struct chat_input *in, double record_weight,
			 struct chat_example *x, struct err *e);

#endif
