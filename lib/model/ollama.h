/* ollama: the Modelfile from which `ollama create` makes a model of a GGUF file.
 *
 * Ollama does not run the model's own chat template: it has templates in Go's text/template, which it
 * guesses where none is given. So TEMPLATE is made from the chat template: conversations are rendered
 * with it, and what stands between their texts is written down, one piece for each role that follows
 * another (the start, system, user, assistant), and one behind the last user's text. Then longer
 * conversations are put together from these pieces and must give what the chat template renders;
 * where they do not, there is no TEMPLATE and the file says why.
 *
 * What Ollama puts JSON into is written otherwise than Python writes it, so tools are not carried:
 * Ollama refuses them for a model whose template has no place for them. BOS is left to llama.cpp where
 * the tokenizer puts it.
 */
#ifndef FT_MODEL_OLLAMA_H
#define FT_MODEL_OLLAMA_H

#include "../chat/chat.h"

struct ollama {
	const char *from;    /* a GGUF file, or the name of the base under an adapter */
	const char *adapter; /* NULL: none */
	const char
		*trained; /* options with which the template was rendered in training; NULL: none */
	const struct chat *chat;
	const struct tokenizer *tokenizer;
};

/* The file's text, appended. 1 where it has a TEMPLATE; 0 where the chat template cannot be written as
 * one, with the reason in why; -1 with the reason where nothing can be written. */
int ollama_modelfile(const struct ollama *o, struct buf *text, struct err *why);
/* Whether a file at path may be replaced: there is none, or ollama_modelfile wrote it and nobody has
 * changed it since. -1 with the reason. */
int ollama_may_replace(const char *path, struct err *e);

#endif
