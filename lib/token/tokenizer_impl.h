/* What the files of the tokenizer share with each other; nobody else includes this. Names begin with tok_.
 *
 *	tokenizer_parse.c	tokenizer.json into these structs; tokenizer_vocab.c: the vocabulary
 *				of it (tokenizer_parse.h)
 *	tokenizer_files.c	a model's directory: the files beside tokenizer.json
 *	tokenizer_stage.c	normalizers and pre-tokenizers
 *	tokenizer_regex.c	patterns, in PCRE2's words
 *	tokenizer_bpe.c		vocabulary, merges, the cache of pre-tokens
 *	tokenizer.c		the whole way from text to ids, and back
 */
#ifndef FT_TOKEN_TOKENIZER_IMPL_H
#define FT_TOKEN_TOKENIZER_IMPL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include "../base/arena.h"
#include <pcre2.h>
#include <pthread.h>
#include "tokenizer.h"

/* largest id accepted, against sparse vocabularies that ask for all memory */
#define TOK_ID_MAX (1 << 24)
#define TOK_ADDED_BYTES 1024 /* published ones have some dozens */
/* The most bytes that a tokenizer.json may make of a segment, and TOK_STAGED_TIMES the segment, by its
 * normalizers and then by its pre-tokenizers, for stages that each double it are soon written; and of
 * one token that is decoded, and of all tokens together. */
#define TOK_STAGED_MAX ((size_t)16 << 20)
#define TOK_STAGED_TIMES 32
#define TOK_DECODED_MAX ((size_t)1 << 20)
#define TOK_DECODED_ALL ((size_t)256 << 20)

#define TOK_STAGES_MAX 64 /* stages in a sequence, nested ones counted */
#define TOK_RANK_NONE UINT32_MAX

enum {
	TOK_ADDED = 1,
	TOK_SPECIAL = 2,
	TOK_NORMALIZED = 4,
	TOK_LSTRIP = 8,
	TOK_RSTRIP = 16,
	TOK_SINGLE_WORD = 32,
	TOK_BYTE = 64
};

struct tok_token {
	struct span text;  /* as in tokenizer.json; absent: no such id */
	struct span bytes; /* what it decodes to */
	int flags;
};

/* String to id, open addressing; slots hold ids, -1 free. */
struct tok_table {
	int32_t *slots;
	size_t mask; /* slots - 1 */
};

struct tok_pair {
	uint64_t key; /* left id << 32 | right id */
	uint32_t rank;
	int32_t id; /* of the merged token; -1: free slot */
};

/* Trie of added tokens, as first-child, next-sibling lists. */
struct tok_node {
	int32_t child, sibling, id; /* -1 for none */
	unsigned char byte;
};
struct tok_trie {
	struct tok_node *nodes; /* nodes[0] is the root */
	size_t n, cap;
	unsigned char first[256]; /* bytes that some token begins with */
};

enum tok_norm_kind {
	NORM_NFC,
	NORM_NFD,
	NORM_NFKC,
	NORM_NFKD,
	NORM_LOWER,
	NORM_PREPEND,
	NORM_REPLACE,
	NORM_STRIP,
	NORM_ACCENTS
};
struct tok_norm {
	enum tok_norm_kind kind;
	struct span what, with; /* PREPEND: with; REPLACE: what, or the pattern below */
	pcre2_code *pattern;
	int left, right; /* STRIP */
};

enum tok_split_kind { SPLIT_PATTERN, SPLIT_SPACE, SPLIT_METASPACE };
enum tok_behaviour {
	BEHAVE_REMOVED,
	BEHAVE_ISOLATED,
	BEHAVE_PREVIOUS,
	BEHAVE_NEXT,
	BEHAVE_CONTIGUOUS
};
enum tok_prepend { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER };
struct tok_split {
	/* SPACE: a space before a piece that has none (add_prefix_space) */
	enum tok_split_kind kind;
	pcre2_code *pattern;
	enum tok_behaviour behaviour;
	int invert;
	struct span with; /* METASPACE */
	enum tok_prepend prepend;
	int split;
};

struct tok_piece {
	size_t at, n;
};
struct tok_pieces {
	struct tok_piece *v;
	size_t n, cap;
};

#define TOK_CACHE_BITS 14
#define TOK_CACHE_BYTES 39 /* longest pre-token that is kept */
#define TOK_CACHE_IDS 12
struct tok_cached {
	uint8_t len; /* 0: empty slot */
	char bytes[TOK_CACHE_BYTES];
	int32_t n;
	int32_t ids[TOK_CACHE_IDS];
};

/* Working memory of one call; kept in a pool between calls. */
struct tok_work {
	struct tok_work *next;
	struct buf clean;   /* the text, where it had to be made UTF-8 */
	struct buf norm[2]; /* a segment going through the normalizers */
	struct buf text[2]; /* ... through the pre-tokenizers */
	struct tok_pieces pieces[2];
	int32_t *id, *before, *after; /* symbols of a long pre-token, as a linked list */
	uint32_t *rank;		      /* of the pair that begins at a symbol */
	size_t symbols;
	uint64_t *heap; /* rank << 32 | position */
	size_t heap_n, heap_cap;
	struct tok_cached *cache;
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint64_t steps, steps_most; /* of matches that were not easy, in the text at hand */
};

struct tokenizer {
	struct arena arena;
	struct tok_token *tokens; /* [size] of cap */
	size_t cap;
	int32_t size;
	struct tok_table by_text;  /* model vocabulary and added tokens */
	struct tok_table by_bytes; /* byte-level with ignore_merges: pre-token to id */
	int vocab_only;		   /* ids below this came from the model's vocabulary */

	struct tok_pair *pairs;
	size_t pairs_mask;
	int byte_level, byte_fallback, fuse_unk, ignore_merges;
	int32_t byte_id[256]; /* byte-level alphabet, or <0xNN>; -1 for none */
	/* no merge crosses from another character to "▁": words can be taken one by one */
	int cut_at_space;
	int32_t unk; /* the model's unk_token */

	struct tok_trie raw, normalized;
	struct tok_norm norms[TOK_STAGES_MAX];
	size_t norms_n;
	struct tok_split splits[TOK_STAGES_MAX];
	size_t splits_n;
	struct tokens prefix, suffix;

	int decode_bytes; /* decoder ByteLevel */
	int decode_join;  /* no decoder at all: tokens joined by spaces */
	int decode_strip; /* characters to take from the start, of kind strip_char */
	int strip_char;
	int strip_first_token; /* Metaspace: all of them, but from the first token only */

	int32_t bos, eos, pad, unk_named;
	struct tokens stops;

	pthread_mutex_t lock;
	struct tok_work *idle;
};

/* tokenizer_bpe.c */
void tok_table_make(struct tok_table *t, size_t entries);
/* The id of s among the tokens (compared by text, or by bytes), or -1. */
int32_t tok_table_find(const struct tokenizer *t, const struct tok_table *table, const char *s,
		       size_t n);
void tok_table_add(const struct tokenizer *t, struct tok_table *table, int32_t id);
void tok_pairs_make(struct tokenizer *t, size_t merges);
/* A pair that was there already takes the new rank, as in a map. */
void tok_pairs_add(struct tokenizer *t, int32_t left, int32_t right, uint32_t rank, int32_t id);
/* One pre-token (for SentencePiece-style models, one normalized segment). */
int tok_word(const struct tokenizer *t, struct tok_work *w, const char *s, size_t n,
	     struct tokens *out, struct err *e);
/* Code point of each byte in the byte-level alphabet (GPT-2), and back: -1 where it stands for
 * none. */
int tok_byte_char(int byte);
int tok_char_byte(int32_t c);

/* tokenizer_regex.c */
/* in the words of Oniguruma, as tokenizer.json has it */
pcre2_code *tok_regex(struct span pattern, struct err *e);
pcre2_code *tok_regex_literal(struct span text, struct err *e);
/* A text of n bytes begins, for whose matches together there is a bound. */
void tok_regex_begin(struct tok_work *w, size_t n);
/* The first non-empty match at or after `from`; 1 and its bounds, 0 for none, -1. */
int tok_regex_next(const pcre2_code *re, struct tok_work *w, const char *s, size_t n, size_t from,
		   size_t *begin, size_t *end, struct err *e);

/* tokenizer_stage.c */
/* Normalizes a segment; *out borrows from seg or from w->norm. */
int tok_normalize(const struct tokenizer *t, struct tok_work *w, struct span seg, int continues,
		  struct span *out, struct err *e);
/* Splits a normalized segment; pieces of *text. first: the segment begins where the whole text
 * begins. */
int tok_split(const struct tokenizer *t, struct tok_work *w, struct span seg, int first,
	      int continues, const char **text, const struct tok_pieces **pieces, struct err *e);

/* Length of the UTF-8 character at s (1 to 4) in n bytes and its code point; 0 with *bad the bytes
 * of the ill-formed part. */
int tok_utf8(const char *s, size_t n, int32_t *c, int *bad);

#endif
