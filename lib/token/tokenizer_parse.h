/* What the two files that read tokenizer.json share: tokenizer_parse.c and tokenizer_vocab.c.
 * Functions that can fail return -1 with the reason in p->e. Names begin with tok_. */
#ifndef FT_TOKEN_TOKENIZER_PARSE_H
#define FT_TOKEN_TOKENIZER_PARSE_H

#include "../json/json.h"
#include "tokenizer_impl.h"

/* The decoder's stages, until they are applied to every token. */
struct tok_decoders {
	struct span what[TOK_STAGES_MAX], with[TOK_STAGES_MAX]; /* Replace */
	size_t n;
	int byte_fallback, fused;
};

struct tok_parse {
	struct tokenizer *t; /* being filled; its arena keeps the strings */
	struct buf scratch;
	struct tok_decoders decoders;
	size_t decoded; /* bytes that the decoder has made of tokens so far */
	struct err *e;
};

/* The decoded string of a member, kept; absent where there is none or it is null. */
struct span tok_text_of(struct tok_parse *p, struct span v);
/* "type" of a stage or model, for messages and comparison; "" where it has none. */
const char *tok_type_of(struct tok_parse *p, struct span v);
int tok_flag(struct span v, const char *name, int otherwise);
int tok_is_set(struct span v, const char *name); /* there, and not null */

/* tokenizer_vocab.c */
int tok_parse_model(struct tok_parse *p, struct span model);
/* added_tokens, and added_tokens_decoder of tokenizer_config.json (may be absent). */
int tok_parse_added(struct tok_parse *p, struct span list, struct span decoder);
/* What finds added tokens in a text; after all of them are known. */
int tok_make_tries(struct tok_parse *p);

#endif
