/* loaded: a model on this machine, ready to answer: what the backend of ft-prompt (local) and a
 * server of many clients do alike.
 *
 * From a request to the tokens it is asked with, to what its answer is held to, and from the text of
 * an answer to its calls of tools.
 *
 * Threads: a loaded model may be asked from two threads, one of which runs its generator while the
 * other prepares requests (loaded_render, loaded_grammar, loaded_calls); what each may call is said
 * below.
 */
#ifndef FT_INFER_LOADED_H
#define FT_INFER_LOADED_H

#include <pthread.h>
#include "../chat/chat.h"
#include "../chat/chat_calls.h"
#include "../prompt/backend.h"
#include "generator.h"

struct loaded {
	char *dir, *adapter; /* adapter NULL: none */
	/* as it is called: two adapters over one base, or two roundings of one model, are not the
	 * same */
	char *name;
	enum nn_type type; /* NN_F16: as the files have it */
	int unmerged;
	size_t sequences; /* most at once */
	struct pool *pool;
	struct tokenizer *tokenizer;
	struct chat *chat;
	struct chat_calls *calls;
	struct model *model;
	struct decoder *decoder;
	struct generator *generator;
	struct buf warning; /* what the user should be told once */

	/* private */
	struct grammar_vocabulary *vocabulary;
	struct loaded_held *held; /* schemas compiled so far, the last used first */
	pthread_mutex_t lock;	  /* of the list */
};

/* Loads what `how` names (its params are not looked at). Keys and values may take a quarter of the
 * machine's memory, or that part of it where `sharing` models stand beside each other. A zeroed
 * struct may be released. */
int loaded_open(struct loaded *l, const struct backend_local *how, size_t sharing, struct err *e);
void loaded_release(struct loaded *l);

/* Appends the prompt as text and as tokens. lost: which parts the chat template left out
 * (chat_lost). Any thread. */
int loaded_render(const struct loaded *l, const struct chat_input *in, struct buf *text,
		  struct tokens *ids, size_t lost[CHAT_PARTS], struct err *e);

/* The schema that a response_format asks for; absent where it asks for text, or is. Any thread. */
int loaded_schema(struct span response_format, struct span *schema, struct err *e);

/* Whether the model may call tools, by a request's tool_choice. -1: it is to call one whether it wants
 * or not, or what is said is no choice, which cannot be kept. Any thread. */
int loaded_may_call(struct span tool_choice);

/* The grammar of a schema's text; NULL with the reason where answers cannot be held to it. It is
 * kept, for requests mostly ask for the same ones, until it was dropped as often as it was given out
 * and others are wanted more. From one thread at a time; loaded_drop from any. */
struct grammar *loaded_grammar(struct loaded *l, struct span schema, struct err *e);
void loaded_drop(struct loaded *l, struct grammar *g);

/* The random numbers of an answer: they follow from the prompt and from how often it was asked. */
uint64_t loaded_stream(const struct tokens *ids, int attempt);

/* Appends the tokens' log-probabilities as a JSON array, as OpenAI's chat completions have them:
 * those of tokens [from, a->tokens), each with up to `top` alternatives. Any thread. */
void loaded_logprobs(const struct loaded *l, const struct generator_answer *a, size_t from,
		     size_t top, struct buf *json);
/* The text of one token, as it stands within an answer. */
struct span loaded_token(const struct loaded *l, int32_t id);

#endif
