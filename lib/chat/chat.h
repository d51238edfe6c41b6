/* lib/chat: from a record to the tokens of a model and back: the chat template, the mask of what is
 * trained on (chat_mask), an answer's calls of tools (chat_calls).
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
#include "../base/opt.h"
#include "../json/record.h"
#include "../token/tokenizer.h"

struct chat;

/* How a template is rendered. */
struct chat_options {
	struct span vars; /* a JSON object: variables for the template, or absent; copied */
	/* the date that templates print, in seconds since 1970; 0: what they print without a
	 * clock */
	int64_t now;
	char date[16]; /* that day as text, "" where there is none: "today" says another one tomorrow */
};

/* From options: each of vars is NAME=JSON, date is a date, "today" or NULL. The object is written to
 * json, which o borrows from. */
int chat_options_parse(const struct opt_list *vars, const char *date, struct buf *json,
		       struct chat_options *o, struct err *e);

/* dir is the model's directory; the tokenizer is borrowed and must outlive the chat. o may be
 * NULL. */
struct chat *chat_load(const char *dir, const struct tokenizer *t, const struct chat_options *o,
		       struct err *e);
/* From a template's text; an absent span gives the plain template. name is used in messages. */
struct chat *chat_new(struct span source, const char *name, const struct tokenizer *t,
		      const struct chat_options *o, struct err *e);
void chat_free(struct chat *c);

/* What the user should be told once (no template, a template that ends no turn ...); NULL for
 * nothing. */
const char *chat_warning(const struct chat *c);

/* Whether the model is told what a system turn says: 0 where the template refuses such a turn, or
 * leaves it out, and renders a conversation without one. */
int chat_has_system(const struct chat *c);

/* Ids that end an answer: tokenizer_stops and the token with which the template ends an assistant's
 * turn. */
const int32_t *chat_stops(const struct chat *c, size_t *n);

/* What is to be rendered. messages wins over prompt. */
struct chat_input {
	struct span messages;	/* JSON array of OpenAI chat messages, or absent */
	struct span tools;	/* JSON array, or absent or null */
	struct span prompt;	/* raw text, no template; or absent */
	struct span completion; /* raw text, or absent */
	struct span vars; /* JSON object: variables of the template for this record, or absent */
	size_t upto;	  /* for training: only the first so many messages; 0: all */
	int last_only;	  /* for training: only the last assistant turn of them */
	size_t most;	  /* for training: tokens that are of use; 0: all */
	int cut;	  /* for training: a longer one is cut there; 0: it is of no use at all */
	int (*stopping)(void); /* for training: non-zero: give up; NULL: never */
};

enum {
	CHAT_NO_REFERENCE = 1, /* leave a final assistant turn out */
};

/* The tools of a record in the form that templates take, appended to b: an array as it is, and one
 * that a string holds, as TRL keeps it. Nothing where there are none. */
int chat_tools_of(struct span tools, struct buf *b, struct err *e);

/* Finds the input in a record: messages, tools (as an array, as a string that holds one, or as the
 * `functions` of old), prompt and completion, chat_template_kwargs. What had to be decoded or made
 * anew is put into scratch, which in then borrows from. */
int chat_input_of(const struct record *r, int flags, struct buf *scratch, struct chat_input *in,
		  struct err *e);

/* Appends the ids that a model is to go on from: the text as the template renders it with the generation prompt, tokenized,
 * with BOS as said above. text (may be NULL) gets the rendered text. */
int chat_encode_prompt(const struct chat *c, const struct chat_input *in, struct buf *text,
		       struct tokens *out, struct err *e);

/* The parts of a conversation that a template may leave out; the last are its own variables
 * (chat_template_kwargs) that it does not read. */
enum chat_part { CHAT_MESSAGE, CHAT_REASONING, CHAT_CALLS, CHAT_TOOLS, CHAT_VARS, CHAT_PARTS };

/* Which parts leave no trace in the text that the template makes: lost[part] is the number (from 1)
 * of the first message that such a part belongs to, 0 where nothing is lost; of tools and
 * variables it is 1. It is told by rendering with and without the part, a few dozen times at most, so
 * that of very many parts that a template writes in other words some may be missed. With in->last_only
 * reasoning is looked for in the last message alone: what templates drop of earlier ones is not trained
 * on then. */
int chat_lost(const struct chat *c, const struct chat_input *in, size_t lost[CHAT_PARTS],
	      struct err *e);

/* trained[i], of as many as there are messages: whether message i is an assistant's turn whose weight is
 * not 0. */
void chat_trained(const struct chat_input *in, unsigned char *trained);

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
	/* the first message (from 1) that is trained on as the template writes it in the middle of
	 * a conversation, which is not how it will be asked for; 0: none */
	size_t otherwise;
	int eos_added; /* the text ended the last turn with nothing, so EOS was appended */
	/* how many tokens its text has, where that is told without a look at the turns: ids are then none, or
	 * with in->cut fewer, but more than in->most; else 0 */
	size_t beyond;
};
void chat_example_release(struct chat_example *x);

/* Fills x (old contents dropped) with the conversation up to the last turn that is trained on.
 * Assistant turns are trained on, from the end of their generation prompt to their end-of-turn
 * token, with the turn's own `weight` (default 1); all else has weight 0. Where the template has {%
 * generation %} marks, these say what a turn is; an end-of-turn token right behind a mark is
 * trained on with it, and a header that they take in is too. A completion is trained on with the EOS
 * after it.
 *
 * For every trained turn the tokens before it are exactly those that chat_encode_prompt gives for
 * the conversation up to there: where the tokenizer would merge across the border the text is cut
 * there, and `joins` counts it; where the template moves text with the last message (Mistral's
 * system text) the last turn is put behind its own prompt, and an earlier turn that then has no
 * such place is an error that names it, as is a turn that the template leaves out. Where the
 * generation prompt ends in a block that is closed again (<think></think>) the last turn is put
 * behind it; where it opens one that the turn as the template writes it does not have, that is an
 * error: what was learned would not be what is asked.
 *
 * To find a turn takes as long as to render the conversation up to it, so n turns take n times as long.
 * Of a long conversation with more than twice in->most tokens none is looked for, or with in->cut those
 * that begin within.
 *
 * A record with nothing to train on (no assistant turn, all weights 0, neither messages nor
 * completion) is no error here: supervised is 0. record_weight multiplies every weight. */
int chat_encode_training(const struct chat *c, const struct chat_input *in, double record_weight,
			 struct chat_example *x, struct err *e);

#endif
