/* Packing of weights into panels, and the choice among the compiled kernels. See pack.h. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "kern.h"
#include "pack.h"
#include "pack_impl.h"

const struct nn_pack_kern *nn_pack_kern(void)
{
#if defined(__x86_64__)
	const char *set = nn_kern()->name;

	if (strcmp(set, "avx512") == 0)
		return __builtin_cpu_supports("avx512vnni") ? &nn_pack_vnni : &nn_pack_avx512;
	if (strcmp(set, "avx2") == 0)
		return &nn_pack_avx2;
#elif defined(__aarch64__)
	if (strcmp(nn_kern()->name, "neon") == 0)
		return &nn_pack_neon;
#endif
	return &nn_pack_base;
}

int nn_pack_init(struct nn_pack *p, enum nn_type type, size_t rows, size_t cols,
		 struct large *memory)
{
	size_t panels = (rows + NN_PANEL - 1) / NN_PANEL, bytes;

	memset(p, 0, sizeof *p);
	if (type == NN_F16 || !nn_type_fits(type, cols) ||
	    mem_mul(cols, NN_PANEL * sizeof(float), &bytes))
		return -1;
	p->kern = nn_pack_kern();
	p->type = type;
	p->rows = rows;
	p->cols = cols;
	p->panel_bytes = nn_row_bytes(type, cols) * NN_PANEL;
	if (mem_mul(panels, p->panel_bytes, &bytes))
		return -1;
	p->data = large_get(memory, bytes);
	return 0;
}

size_t nn_pack_panels(const struct nn_pack *p)
{
	return (p->rows + NN_PANEL - 1) / NN_PANEL;
}

void nn_pack_row(struct nn_pack *p, size_t row, const float *w, void *scratch)
{
	unsigned char *panel = p->data + row / NN_PANEL * p->panel_bytes;
	const unsigned char *from = scratch;
	size_t o = row % NN_PANEL;

	switch (p->type) {
	case NN_F32:
		for (size_t k = 0; k < p->cols; k++)
			/* cppcheck-suppress invalidPointerCast ; panels of this type hold floats */
			((float *)panel)[k * NN_PANEL + o] = w[k];
		break;
	case NN_BF16:
		nn_encode(NN_BF16, scratch, w, p->cols);
		for (size_t k = 0; k < p->cols; k++)
			((uint16_t *)panel)[k * NN_PANEL + o] = ((const uint16_t *)scratch)[k];
		break;
	case NN_Q8_0:
		nn_encode(NN_Q8_0, scratch, w, p->cols);
		for (size_t b = 0; b < p->cols / 32; b++, panel += 1088, from += 34) {
			memcpy(panel + 2 * o, from, 2);
			for (size_t i = 0; i < 32; i++)
				panel[64 + i / 4 * 128 + o * 4 + i % 4] =
					(unsigned char)(from[2 + i] + 128);
		}
		break;
	default:
		nn_encode(NN_Q4_0, scratch, w, p->cols);
		for (size_t b = 0; b < p->cols / 32; b++, panel += 576, from += 18) {
			memcpy(panel + 2 * o, from, 2);
			for (size_t i = 0; i < 16; i++)
				panel[64 + i / 4 * 128 + o * 4 + i % 4] = from[2 + i];
		}
	}
}

void nn_rows_quantise(const struct nn_pack_kern *kern, struct nn_rows *r, size_t i, size_t cols)
{
	size_t at = i * (r->ldq / 32);

	kern->quantise(r->q + i * r->ldq, r->d + at, r->sum + at, r->x + i * r->ld, cols / 32);
}

void nn_pack_mul(float *y, size_t ldy, const struct nn_rows *x, size_t row, size_t n,
		 const struct nn_pack *w, size_t panel, int add)
{
	const struct nn_pack_kern *k = w->kern;
	const unsigned char *b = w->data + panel * w->panel_bytes;
	size_t left = w->rows - panel * NN_PANEL, width = left < NN_PANEL ? left : NN_PANEL;
	size_t at = row * (x->ldq / 32);

	/* Panels are padded to 32 columns in memory, and `width` 17..32 makes the kernels compute
	 * all of them. */
	switch (w->type) {
	case NN_F32:
		/* cppcheck-suppress invalidPointerCast ; panels of this type hold floats */
		k->f32(y, ldy, x->x + row * x->ld, x->ld, n, (const float *)b, NN_PANEL, width,
		       w->cols, add);
		break;
	case NN_BF16:
		k->bf16(y, ldy, x->x + row * x->ld, x->ld, n, (const uint16_t *)b, width, w->cols,
			add);
		break;
	case NN_Q8_0:
		k->q8(y, ldy, x->q + row * x->ldq, x->ldq, x->d + at, x->sum + at, n, b, width,
		      w->cols / 32, add);
		break;
	default:
		k->q4(y, ldy, x->q + row * x->ldq, x->ldq, x->d + at, x->sum + at, n, b, width,
		      w->cols / 32, add);
	}
}

void nn_small_mul(const struct nn_pack_kern *kern, float *c, size_t ldc, const float *a, size_t lda,
		  const float *b, size_t ldb, size_t m, size_t n, size_t k, int add)
{
	for (size_t j = 0; j < n; j += 32)
		kern->f32(c + j, ldc, a, lda, m, b + j, ldb, n - j < 32 ? n - j : 32, k, add);
}
