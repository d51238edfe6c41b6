/* chat_calls: a model's calls of tools, read back from what it wrote.
 *
 * Every family writes calls in a way of its own: a JSON object between tags, an array of them, a name
 * and JSON behind it, tags for each argument. There is no list of families here: how a model writes a
 * call is learned from its own chat template, which is given one and shows where it puts the name and
 * the arguments; that is what the model was trained on. Where the template writes a call in no such
 * form (or leaves calls out) nothing is read back, and the text stays what it is.
 *
 * A text that is no whole call stays text; nothing of an answer is ever lost. Where nothing but
 * punctuation marks a call (Llama 3 writes bare JSON) only the answer's beginning can be one, and only
 * with the name of a tool that was given. Reasoning (text/thought.h) holds no calls.
 */
#ifndef FT_CHAT_CHAT_CALLS_H
#define FT_CHAT_CHAT_CALLS_H

#include "chat.h"

struct chat_calls;

/* NULL where calls cannot be read back. c is not needed afterwards. */
struct chat_calls *chat_calls_learn(const struct chat *c);
void chat_calls_free(struct chat_calls *k);

/* Reads the calls in an answer to a request with these tools (a JSON array, OpenAI's form). What is
 * no call is appended to content; with any calls, a JSON array of them in OpenAI's form (arguments as
 * a string) to calls. most: of calls, 0: any number; what follows the last is dropped then. The ids of
 * calls follow from `id`, where the model wrote none. Returns how many there are. k NULL: none. */
size_t chat_calls_read(const struct chat_calls *k, struct span text, struct span tools, size_t most,
		       uint64_t id, struct buf *content, struct buf *calls);

/* How much of a text that still grows is content for certain, in whatever way it goes on. */
size_t chat_calls_certain(const struct chat_calls *k, struct span text);

#endif
