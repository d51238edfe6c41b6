/* gguf: models and adapters as one file for llama.cpp and what is built on it (Ollama, LM Studio
 * ...).
 *
 * GGUF version 3 (github.com/ggml-org/ggml, docs/gguf.md): the magic, counts, key-value pairs,
 * tensor infos, then the tensors, each at a multiple of 32 bytes; dimensions are written fastest
 * first, so [rows, cols] becomes (cols, rows).
 *
 * What differs from the Hugging Face layout: architecture "llama" (also Mistral) keeps the rows of
 * q and k in the order that its own rotation wants ((heads, 2, head_dim/2) becomes (heads,
 * head_dim/2, 2)); Gemma's norms have their 1 added; llama3's rotary scaling is a tensor of
 * divisors. Vectors are f32. Matrices are held as quantize_held_as says, so that generation here with the
 * same type rounds alike.
 *
 * Tensors are written one at a time: memory holds the largest of them, not the model.
 */
#ifndef FT_MODEL_GGUF_H
#define FT_MODEL_GGUF_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../chat/chat.h"
#include "model.h"

/* --- the format --- */

enum gguf_type {
	GGUF_U32 = 4,
	GGUF_I32 = 5,
	GGUF_F32 = 6,
	GGUF_BOOL = 7,
	GGUF_STRING = 8,
	GGUF_ARRAY = 9
};

/* Bytes of a row in the file: MXFP4's scales stand before their blocks there. */
size_t gguf_row_bytes(enum nn_type type, size_t cols);

struct gguf_tensor {
	char *name;
	int dims;
	uint64_t ne[3];
	enum nn_type type;
	uint64_t offset, bytes;
};

/* A file in the making: pairs and tensors are added first, then gguf_write asks for the tensors'
 * bytes in order. Zeroed is valid. */
struct gguf {
	struct buf pairs;
	uint64_t n_pairs;
	struct gguf_tensor *t;
	size_t n, cap;
};
#define GGUF_WRITER \
	"ft.writer" /* a key among the first: the program and version that wrote the file */
void gguf_release(struct gguf *g);
void gguf_u32(struct gguf *g, const char *key, uint32_t x);
void gguf_f32(struct gguf *g, const char *key, float x);
void gguf_bool(struct gguf *g, const char *key, int x);
void gguf_string(struct gguf *g, const char *key, struct span x);
/* An array's head; its n elements are appended to g->pairs by the caller, strings with
 * gguf_put_string. */
void gguf_array(struct gguf *g, const char *key, enum gguf_type of, uint64_t n);
void gguf_put_string(struct gguf *g, struct span x);
/* rows == 0: a vector of cols; planes > 0: so many matrices in one tensor. */
void gguf_tensor(struct gguf *g, const char *name, enum nn_type type, size_t planes, size_t rows,
		 size_t cols);

/* Writes the file atomically. fill writes tensor i's bytes to f and returns 0, or -1 with the
 * reason. *bytes (may be NULL) gets the file's size. */
int gguf_write(struct gguf *g, const char *path,
	       int (*fill)(void *arg, size_t i, FILE *f, struct err *e), void *arg, uint64_t *bytes,
	       struct err *e);

/* --- what is put into it --- */

struct gguf_report {
	uint64_t bytes;
	size_t tensors;
};

/* Architecture, hyperparameters, tokenizer, template and weights of m (an adapter merged in) as
 * how->type (f32, bf16, q8_0, q4_0). name is what the model calls itself. */
int gguf_export_model(const struct model *m, const struct tokenizer *t,
		      const struct model_save *how, const char *name, const char *path,
		      struct gguf_report *report, struct err *e);

/* The adapter alone, f32 whatever how->type says, to be put over the base's own GGUF. DoRA cannot
 * be expressed and is refused. */
int gguf_export_adapter(const struct model *m, const struct model_save *how, const char *name,
			const char *path, struct gguf_report *report, struct err *e);

/* Whether gguf_export_model or gguf_export_adapter wrote the file. */
int gguf_is_ours(const char *path);

/* The tokenizer's pairs. dir is the model's directory (for merges and template), vocab the model's
 * own size. */
int gguf_add_tokenizer(struct gguf *g, const struct tokenizer *t, const char *dir, size_t vocab,
		       struct err *e);

#endif
