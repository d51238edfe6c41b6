/* lib/token: tokenizers as published: text to ids and back.
 *
 * tokenizer: text to token ids and back, as the model's own tokenizer.json says.
 *
 * Reads what Hugging Face publishes: added tokens, normalizer, pre-tokenizer, BPE (byte-level, or
 * SentencePiece-style with byte fallback), post-processor, decoder. The ids are those of the Rust
 * crate `tokenizers`; a stage or an option that is not known is an error that names it, never a
 * guess.
 *
 * Ownership: a tokenizer owns all it loaded; what it returns as const char * or const int32_t *
 * lives as long as it does. Threads: after loading, every function that takes a const tokenizer may
 * be called from any number of threads at once (working memory and the cache of pre-tokens are kept
 * in a pool behind a lock).
 *
 * Text is UTF-8. Bytes that are no UTF-8 are replaced by U+FFFD, one for each maximal ill-formed
 * part (Unicode 15, 3.9), before anything else is done with them: they never become byte tokens.
 * NUL is a character like others.
 */
#ifndef FT_TOKEN_TOKENIZER_H
#define FT_TOKEN_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"

#define TOKENIZER_FILE_MAX ((size_t)128 << 20) /* largest tokenizer.json read */

/* A growing list of ids; zeroed is empty and valid. */
struct tokens {
	int32_t *ids;
	size_t n, cap;
};
void tokens_release(struct tokens *t);
void tokens_clear(struct tokens *t); /* n = 0, memory kept */
void tokens_add(struct tokens *t, int32_t id);
void tokens_append(struct tokens *t, const int32_t *ids, size_t n);

struct tokenizer;

/* From a model's directory: tokenizer.json must be there; tokenizer_config.json,
 * special_tokens_map.json, generation_config.json and config.json are read where they are. Reasons
 * begin with the file's name. */
struct tokenizer *tokenizer_load(const char *dir, struct err *e);
/* From the texts of the files; config is tokenizer_config.json and may be absent. For tests and for
 * fuzzing. */
struct tokenizer *tokenizer_parse(struct span json, struct span config, struct err *e);
void tokenizer_free(struct tokenizer *t);

enum {
	TOKENIZER_SPECIAL = 1, /* add what the post-processor adds (BOS, EOS) */
	/* text only: "<|im_end|>" inside it is ten characters, not a token */
	TOKENIZER_NO_ADDED = 2,
	/* the text goes on from tokens before it: nothing is prepended at its start */
	TOKENIZER_CONTINUES = 4,
};

/* Appends the ids of text. Fails only on what the model cannot express (no unknown token and no
 * byte tokens) and on texts of 1 GB and more; out is then as it was. Time is O(n log n) in the
 * length of the text, whatever it holds. */
int tokenizer_encode(const struct tokenizer *t, struct span text, int flags, struct tokens *out,
		     struct err *e);

enum {
	TOKENIZER_SKIP_SPECIAL = 1, /* leave special tokens out */
	/* the ids go on from others: the space that SentencePiece puts first is kept */
	TOKENIZER_KEEP_START = 2,
};

/* Appends the text of the ids. Ids outside the vocabulary give nothing. Byte tokens that do not
 * join to UTF-8 give U+FFFD as above, while valid characters beside them are kept (Rust's
 * ByteFallback drops the whole run). */
void tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, int flags,
		      struct buf *out);

/* Decoding one token at a time: the concatenation of what is appended is what tokenizer_decode
 * gives, and every piece is whole characters. Filled by tokenizer_stream_begin; holds no memory of
 * its own and may be copied. */
struct tokenizer_stream {
	const struct tokenizer *t;
	int flags;
	int first; /* nothing was decoded yet */
	int strip; /* characters that may still be taken from the start */
	int held;  /* bytes of an unfinished character */
	unsigned char hold[4];
};
void tokenizer_stream_begin(struct tokenizer_stream *s, const struct tokenizer *t, int flags);
void tokenizer_stream_add(struct tokenizer_stream *s, int32_t id, struct buf *out);
/* an unfinished character becomes U+FFFD */
void tokenizer_stream_end(struct tokenizer_stream *s, struct buf *out);

/* The bytes that one token stands for inside a text (for constrained decoding and
 * log-probabilities): byte tokens give their raw byte, "▁" a space; special tokens and holes in the
 * vocabulary give an absent span. */
struct span tokenizer_bytes(const struct tokenizer *t, int32_t id);

/* One more than the largest id known. A model's own vocab_size may be larger. */
int32_t tokenizer_size(const struct tokenizer *t);
/* The token as tokenizer.json writes it ("Ġthe", "▁the", "<|im_end|>"); absent for an id that is
 * not there. */
struct span tokenizer_token(const struct tokenizer *t, int32_t id);
/* The id of such a token; -1 where there is none. */
int32_t tokenizer_id(const struct tokenizer *t, struct span token);
int tokenizer_is_special(const struct tokenizer *t, int32_t id); /* an added token marked special */
int tokenizer_is_added(const struct tokenizer *t, int32_t id);

/* The ids that the model's files name; -1 where none. */
int32_t tokenizer_bos(const struct tokenizer *t);
/* the tokenizer's own; else the first of the list below */
int32_t tokenizer_eos(const struct tokenizer *t);
int32_t tokenizer_pad(const struct tokenizer *t);
int32_t tokenizer_unk(const struct tokenizer *t);
/* All ids that end a generation: generation_config.json's eos_token_id (else config.json's) and the
 * tokenizer's eos. */
const int32_t *tokenizer_stops(const struct tokenizer *t, size_t *n);
int tokenizer_is_stop(const struct tokenizer *t, int32_t id);

/* What TOKENIZER_SPECIAL puts before and after a text. */
const int32_t *tokenizer_prefix(const struct tokenizer *t, size_t *n);
const int32_t *tokenizer_suffix(const struct tokenizer *t, size_t *n);

/* A tokenizer for a model made from nothing: ids 0..255 are the bytes, then <|begin|> (BOS),
 * <|end|> (EOS and end of turn), <|pad|>, <|system|>, <|user|>, <|assistant|>, <|tool|> and
 * <|call|>; no merges. Writes tokenizer.json and tokenizer_config.json into dir, with a chat
 * template that spends two tokens a turn: <|begin|> <|user|> text <|end|> <|assistant|> text
 * <|end|>. */
#define TOKENIZER_BYTES_SIZE 264
int tokenizer_write_bytes(const char *dir, struct err *e);

/* Copies the files that say how text goes in and comes out (tokenizer.json, tokenizer_config.json,
 * special_tokens_map.json, chat_template.jinja, generation_config.json ...) from one directory to
 * another, byte for byte. Those that `from` does not hold are removed from `to`, where an earlier
 * model may have left them; from NULL holds none. */
int tokenizer_copy_files(const char *from, const char *to, struct err *e);
/* Whether a file of this name is one of those. */
int tokenizer_is_file(const char *name);

#endif
