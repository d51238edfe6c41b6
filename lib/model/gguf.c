/* The bytes of a GGUF file. See gguf.h. */
#include "gguf.h"

#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"

#define ALIGN 32

void gguf_release(struct gguf *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->t[i].name);
	free(g->t);
	buf_release(&g->pairs);
	memset(g, 0, sizeof *g);
}

/* All numbers are little-endian, as are the machines this is built for; bytes are put one by one so
 * that it is true everywhere. */
static void put_le(struct buf *b, uint64_t x, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_addc(b, (int)(x >> 8 * i & 255));
}

void gguf_put_string(struct gguf *g, struct span x)
{
	put_le(&g->pairs, x.n, 8);
	buf_addspan(&g->pairs, x);
}

static void key(struct gguf *g, const char *name, enum gguf_type type)
{
	gguf_put_string(g, span_of(name));
	put_le(&g->pairs, type, 4);
	g->n_pairs++;
}

void gguf_u32(struct gguf *g, const char *name, uint32_t x)
{
	key(g, name, GGUF_U32);
	put_le(&g->pairs, x, 4);
}

void gguf_f32(struct gguf *g, const char *name, float x)
{
	uint32_t bits;

	memcpy(&bits, &x, 4);
	key(g, name, GGUF_F32);
	put_le(&g->pairs, bits, 4);
}

void gguf_bool(struct gguf *g, const char *name, int x)
{
	key(g, name, GGUF_BOOL);
	put_le(&g->pairs, x != 0, 1);
}

void gguf_string(struct gguf *g, const char *name, struct span x)
{
	key(g, name, GGUF_STRING);
	gguf_put_string(g, x);
}

void gguf_array(struct gguf *g, const char *name, enum gguf_type of, uint64_t n)
{
	key(g, name, GGUF_ARRAY);
	put_le(&g->pairs, of, 4);
	put_le(&g->pairs, n, 8);
}

size_t gguf_row_bytes(enum nn_type type, size_t cols)
{
	return nn_row_bytes(type, cols) + (type == NN_MXFP4 ? cols / 32 : 0);
}

void gguf_tensor(struct gguf *g, const char *name, enum nn_type type, size_t planes, size_t rows,
		 size_t cols)
{
	struct gguf_tensor *t;

	g->t = mem_grow(g->t, &g->cap, g->n + 1, sizeof *g->t);
	t = &g->t[g->n];
	*t = (struct gguf_tensor){mem_strdup(name),
				  planes ? 3
				  : rows ? 2
					 : 1,
				  {cols, rows, planes},
				  type,
				  0,
				  (planes ? planes : 1) * (rows ? rows : 1) *
					  (uint64_t)gguf_row_bytes(type, cols)};
	if (g->n > 0)
		t->offset =
			(g->t[g->n - 1].offset + g->t[g->n - 1].bytes + ALIGN - 1) / ALIGN * ALIGN;
	g->n++;
}

static uint32_t type_number(enum nn_type t)
{
	switch (t) {
	case NN_F16:
		return 1;
	case NN_Q4_0:
		return 2;
	case NN_Q8_0:
		return 8;
	case NN_BF16:
		return 30;
	case NN_MXFP4:
		return 39;
	default:
		return 0;
	}
}

static int put(FILE *f, const void *p, size_t n, const char *path, struct err *e)
{
	return fwrite(p, 1, n, f) == n ? 0 : err_errno(e, "%s", path);
}

static int pad(FILE *f, uint64_t at, const char *path, struct err *e)
{
	static const char zeros[ALIGN];

	return put(f, zeros, (size_t)((ALIGN - at % ALIGN) % ALIGN), path, e);
}

int gguf_write(struct gguf *g, const char *path,
	       int (*fill)(void *arg, size_t i, FILE *f, struct err *e), void *arg, uint64_t *bytes,
	       struct err *e)
{
	struct buf head = BUF_INIT, infos = BUF_INIT;
	struct file_new w;
	uint64_t start;
	int bad;

	buf_add(&head, "GGUF", 4);
	put_le(&head, 3, 4);
	put_le(&head, g->n, 8);
	put_le(&head, g->n_pairs, 8);
	for (size_t i = 0; i < g->n; i++) {
		const struct gguf_tensor *t = &g->t[i];

		put_le(&infos, strlen(t->name), 8);
		buf_adds(&infos, t->name);
		put_le(&infos, (uint64_t)t->dims, 4);
		for (int d = 0; d < t->dims; d++)
			put_le(&infos, t->ne[d], 8);
		put_le(&infos, type_number(t->type), 4);
		put_le(&infos, t->offset, 8);
	}
	if (g->pairs.full) {
		buf_release(&head);
		buf_release(&infos);
		return err_set(e, "%s: the tokenizer is too large", path);
	}
	start = head.len + g->pairs.len + infos.len;
	if (file_begin(path, &w, e)) {
		buf_release(&head);
		buf_release(&infos);
		return -1;
	}
	bad = put(w.f, head.data, head.len, path, e) ||
	      put(w.f, g->pairs.data, g->pairs.len, path, e) ||
	      put(w.f, infos.data, infos.len, path, e) || pad(w.f, start, path, e);
	for (size_t i = 0; i < g->n && !bad; i++)
		bad = fill(arg, i, w.f, e) || pad(w.f, g->t[i].bytes, path, e);
	buf_release(&head);
	buf_release(&infos);
	if (bytes && g->n > 0)
		*bytes = (start + ALIGN - 1) / ALIGN * ALIGN +
			 (g->t[g->n - 1].offset + g->t[g->n - 1].bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (bad) {
		file_abort(&w);
		return -1;
	}
	return file_commit(&w, e);
}

int gguf_is_ours(const char *path)
{
	char head[4096];
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(head, 1, sizeof head, f) : 0;

	if (f)
		fclose(f);
	return n > 4 && memcmp(head, "GGUF", 4) == 0 &&
	       memmem(head, n, GGUF_WRITER, strlen(GGUF_WRITER)) != NULL;
}
