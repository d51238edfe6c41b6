/* mxfp4: a gpt_oss model's file with its experts as the published files have them: U8 tensors
 * NAME_blocks [experts, out, in / 32, 16] and NAME_scales [experts, out, in / 32], in the place of
 * NAME [experts, in, out]. */
#ifndef FT_TESTS_MXFP4_H
#define FT_TESTS_MXFP4_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/model/safetensors.h"

/* The 16 values of FP4 E2M1 (OCP Microscaling Formats 1.0, table 5). */
static const double mxfp4_values[16] = {0,   .5,  1,  1.5,  2,	3,  4,	6,
					-0., -.5, -1, -1.5, -2, -3, -4, -6};

static int mxfp4_nearest(double x)
{
	int best = 0;

	for (int i = 1; i < 16; i++)
		if (fabs(mxfp4_values[i] - x) < fabs(mxfp4_values[best] - x))
			best = i;
	return best;
}

/* 32 values, stride floats apart. */
static void mxfp4_block(unsigned char *block, unsigned char *scale, const float *x, size_t stride)
{
	double most = 0;
	int exponent;

	for (size_t i = 0; i < 32; i++)
		most = fmax(most, fabs(x[i * stride]));
	exponent = most > 0 ? (int)floor(log2(most)) - 2 : 0;
	*scale = (unsigned char)(exponent + 127);
	memset(block, 0, 16);
	for (size_t i = 0; i < 32; i++)
		block[i / 2] |= (unsigned char)(mxfp4_nearest(ldexp(x[i * stride], -exponent))
						<< (i % 2 * 4));
}

static int mxfp4_is_expert(const struct st_tensor *t)
{
	return t->dims == 3 && strstr(t->name, "mlp.experts.");
}

static void mxfp4_add(struct st_out *o, const struct st_tensor *t)
{
	size_t experts = t->shape[0], in = t->shape[1], out = t->shape[2];
	uint64_t shape[4] = {experts, out, in / 32, 16};
	unsigned char *blocks = mem_alloc(experts * out * in / 2, 1),
		      *scales = mem_alloc(experts * out * in / 32, 1);
	const float *x = t->data;
	char name[200];

	for (size_t b = 0; b < experts * out * (in / 32); b++) {
		size_t row = b / (in / 32), e = row / out, at = b % (in / 32) * 32;

		mxfp4_block(blocks + b * 16, scales + b, x + (e * in + at) * out + row % out, out);
	}
	snprintf(name, sizeof name, "%s_blocks", t->name);
	st_add(o, name, ST_U8, 4, shape, blocks);
	snprintf(name, sizeof name, "%s_scales", t->name);
	st_add(o, name, ST_U8, 3, shape, scales);
}

/* Writes model (f32) so into the folder out. leave: a tensor that is left out, or NULL. */
static int mxfp4_rewrite(const char *model, const char *out, const char *leave, struct err *e)
{
	struct st_set files = {0};
	struct st_out all = {0}, o = {0};
	struct buf config = BUF_INIT;
	char *from = file_join(model, "config.json"), *to = file_join(out, "config.json"),
	     *weights = file_join(out, "model.safetensors");
	int rc = file_mkdir(out, e) || file_read(from, 1 << 20, &config, e) ||
		 st_open_dir(&files, model, "model", e);

	for (size_t i = 0; !rc && i < files.n; i++) {
		const struct st_tensor *t = &files.t[i];

		if (mxfp4_is_expert(t))
			mxfp4_add(&all, t);
		else
			st_add(&all, t->name, t->type, t->dims, t->shape, t->data);
	}
	for (size_t i = 0; i < all.n; i++)
		if (!leave || !strstr(all.t[i].name, leave))
			st_add(&o, all.t[i].name, all.t[i].type, all.t[i].dims, all.t[i].shape,
			       all.t[i].data);
	while (config.len && config.data[config.len - 1] != '}')
		config.len--;
	config.len--;
	buf_adds(&config, ",\"quantization_config\":{\"quant_method\":\"mxfp4\"}}\n");
	rc = rc || st_write(&o, weights, NULL, NULL, e) ||
	     file_write(to, config.data, config.len, e);
	for (size_t i = 0; i < all.n; i++)
		if (all.t[i].type == ST_U8)
			free((void *)all.t[i].data);
	st_out_release(&all);
	st_out_release(&o);
	st_close(&files);
	buf_release(&config);
	free(from);
	free(to);
	free(weights);
	return rc ? -1 : 0;
}

#endif
