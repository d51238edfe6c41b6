/* What chat.c and chat_mask.c share; nobody else includes this. */
#ifndef FT_CHAT_CHAT_IMPL_H
#define FT_CHAT_CHAT_IMPL_H

#include "../jinja/jinja.h"
#include "chat.h"

struct chat {
	const struct tokenizer *t;
	struct jinja *template;	     /* NULL: the plain one */
	struct jinja *tool_template; /* used where tools are given; or NULL */
	int arguments_as_text;	     /* tool calls' arguments are strings for this template */
	/* the template goes through `tools` without asking: none are undefined, not none */
	int no_tools_undefined;
	struct tokens stops;
	struct buf warning;
};

/* Messages as the template sees them, one after the other in json. */
struct chat_messages {
	struct buf json;
	size_t *at; /* [n + 1] where each begins */
	size_t n;
};
int chat_messages_of(const struct chat *c, struct span messages, struct chat_messages *m,
		     struct err *e);
void chat_messages_release(struct chat_messages *m);
struct span chat_message(const struct chat_messages *m, size_t i);

/* Renders the first n messages. */
int chat_render_messages(const struct chat *c, const struct chat_messages *m, size_t n,
			 struct span tools, int generate, struct buf *text,
			 struct jinja_marks *marks, struct err *e);
/* Appends turn i under the plain template: its text, a newline behind all but the assistant's, and
 * its tokens, EOS behind the assistant's. */
int chat_plain_turn(const struct chat *c, const struct chat_messages *m, size_t i, struct buf *text,
		    struct tokens *out, int *assistant, struct err *e);
/* Appends the ids of a text, with what the tokenizer puts first unless it stands there. */
int chat_encode_text(const struct chat *c, struct span text, struct tokens *out, struct err *e);

#endif
