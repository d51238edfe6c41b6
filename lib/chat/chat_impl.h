/* chat_impl: what the files of chat share; nobody else includes this. */
#ifndef FT_CHAT_CHAT_IMPL_H
#define FT_CHAT_CHAT_IMPL_H

#include "../jinja/jinja.h"
#include "chat.h"
#include "chat_calls.h"

struct chat {
	const struct tokenizer *t;
	struct jinja *template;		   /* NULL: the plain one */
	struct jinja *tool_template;	   /* used where tools are given; or NULL */
	struct buf vars;		   /* JSON object: variables that the user set, or empty */
	int64_t now;			   /* the time that strftime_now tells; 0: none */
	const struct jinja_limits *limits; /* while chat_probe renders; else NULL, the usual ones */
	/* what chat_probe found out: */
	int arguments_as_text; /* tool calls' arguments are strings for this template */
	/* the template goes through `tools` without asking: none are undefined, not none */
	int no_tools_undefined;
	int knows_developer;	/* it has a place for instructions of that role */
	int ignores_generation; /* add_generation_prompt changes nothing */
	const char *reasoning;	/* the member that it reads an answer's reasoning from, or NULL */
	int null_beside_calls;	/* it asks whether an answer has content: "" is content */
	struct tokens stops;
	/* what the template writes behind an answer, up to and with the token that ends the turn; or
	 * nothing */
	struct buf ending;
	struct buf warning;
};

/* 0 where the arguments of each call of a message are JSON, as far as they are said. */
int chat_calls_whole(struct span message, struct err *e);

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
int chat_is_assistant(const struct chat_messages *m, size_t i);
/* Appends a message with other JSON in place of a part of it; nothing where the part is absent. */
void chat_message_with(struct span message, struct span old, const char *json, struct buf *b);
/* A copy with message i in other words; to be released. */
void chat_messages_set(const struct chat_messages *m, size_t i, struct span message,
		       struct chat_messages *out);
/* The reasoning of a message, by any of its names: a JSON string, or absent. */
struct span chat_reasoning(struct span message);

/* Fills in what can only be learned by trying the template, and the warning. */
void chat_probe(struct chat *c);

/* Whether every rendering sets a variable of this name itself. */
int chat_is_own_variable(struct span name);
/* Whether a JSON object has a variable that no template of the chat reads; name (may be NULL) gets
 * the first. */
int chat_has_unread(const struct chat *c, struct span vars, struct buf *name);

/* Renders the first n messages, with the tools and variables of in. */
int chat_render_messages(const struct chat *c, const struct chat_messages *m, size_t n,
			 const struct chat_input *in, int generate, struct buf *text,
			 struct jinja_marks *marks, struct err *e);
/* Appends turn i under the plain template: its text, a newline behind all but the assistant's, and
 * its tokens, EOS behind the assistant's. */
int chat_plain_turn(const struct chat *c, const struct chat_messages *m, size_t i, struct buf *text,
		    struct tokens *out, int *assistant, struct err *e);
/* Appends the ids of a text, with what the tokenizer puts first unless it stands there. */
int chat_encode_text(const struct chat *c, struct span text, struct tokens *out, struct err *e);
/* Appends the ids of text[begin, end), which goes on from those in out. */
int chat_encode_part(const struct chat *c, struct span text, size_t begin, size_t end,
		     struct tokens *out, struct err *e);

/* How a template writes calls (chat_calls.h). Patterns hold no white space, and none counts where they are looked for: models differ there from
 * their templates. Special tokens, which an answer's text does not have, are not in them either.
 *
 *	OBJECT	open {"name": NAME, "arguments": {...}} close
 *	NAMED	open NAME middle {...} close
 *	TAGS	open NAME middle (param_open KEY param_middle VALUE param_close)* close
 */
struct chat_calls {
	enum { CHAT_CALLS_OBJECT, CHAT_CALLS_NAMED, CHAT_CALLS_TAGS } form;
	struct buf open, middle, close;
	struct buf between; /* one call and the next, in place of close and open; or empty */
	struct buf mark;    /* with what open begins, white space within it counting */
	int bare;	    /* open has no letter: nothing marks a call */
	/* the member that holds the others, or empty */
	struct buf wrap_key, name_key, args_key;
	struct buf param_open, param_middle, param_close;
};

#endif
