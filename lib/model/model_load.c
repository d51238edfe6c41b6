/* The table of tensors filled from files: where each stands in them, and in which form it is held. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "family.h"
#include "fp8.h"
#include "model.h"
#include "model_impl.h"
#include "quantize.h"

static int stored_type(const struct st_tensor *s, enum nn_type *t)
{
	if (s->type == ST_F32)
		*t = NN_F32;
	else if (s->type == ST_F16)
		*t = NN_F16;
	else if (s->type == ST_BF16)
		*t = NN_BF16;
	else
		return -1;
	return 0;
}

static void requantize(struct model *m, struct model_tensor *t, enum nn_type to)
{
	size_t from_row = nn_row_bytes(t->type, t->cols), to_row = nn_row_bytes(to, t->cols);
	char *out = model_keep(m, t->rows, to_row);
	float *row = mem_aligned(t->cols, sizeof *row);

	for (size_t r = 0; r < t->rows; r++) {
		nn_decode(row, t->type, (const char *)t->data + r * from_row, t->cols);
		nn_encode(to, out + r * to_row, row, t->cols);
	}
	free(row);
	model_forget(m, t->data, t->rows * from_row);
	t->type = to;
	t->data = out;
}

/* A matrix that the file has the other way round, or each of its planes, is turned into memory of the
 * model. */
static void turn(struct model *m, struct model_tensor *t, size_t size)
{
	char *to = model_keep(m, t->rows * t->cols, size);
	const char *from = t->data;
	size_t planes = t->planes ? t->planes : 1, rows = t->rows / planes, n = rows * t->cols;

	for (size_t p = 0; p < planes; p++)
		for (size_t r = 0; r < rows; r++)
			for (size_t c = 0; c < t->cols; c++)
				memcpy(to + (p * n + r * t->cols + c) * size,
				       from + (p * n + c * rows + r) * size, size);
	model_forget(m, from, t->rows * t->cols * size);
	t->data = to;
}

/* FP8 with its scale becomes bf16, as which these models are computed elsewhere too. */
static int widen(struct model *m, struct model_tensor *t, const struct st_tensor *s, struct err *e)
{
	size_t bytes = nn_row_bytes(NN_BF16, t->cols);
	struct fp8_scale scale;
	char *out;
	float *row;

	if (fp8_scale_find(&scale, &m->memory->files, s, m->config.fp8_block, e)) {
		fp8_scale_release(&scale);
		return -1;
	}
	out = model_keep(m, t->rows, bytes);
	row = mem_aligned(t->cols, sizeof *row);
	for (size_t r = 0; r < t->rows; r++) {
		fp8_row(row, s->data, r, t->cols, &scale);
		nn_encode(NN_BF16, out + r * bytes, row, t->cols);
	}
	free(row);
	fp8_scale_release(&scale);
	model_forget(m, s->data, s->bytes);
	t->type = NN_BF16;
	t->data = out;
	return 0;
}

/* MXFP4 as gpt-oss is published: NAME_blocks and NAME_scales, both by experts, their outputs and the
 * blocks of these. Stays where it is. */
static int load_mxfp4(struct model *m, struct model_tensor *t, const struct st_tensor *blocks,
		      const struct st_tensor *scales, struct err *e)
{
	const struct st_tensor *both[] = {blocks, scales};
	uint64_t shape[] = {t->planes, t->rows / t->planes, t->cols / 32, 16};

	if (t->cols % 32 != 0)
		return err_set(e, "%s: tensor %s: %zu inputs are not whole blocks of 32", m->dir,
			       blocks->name, t->cols);
	for (int i = 0; i < 2; i++) {
		const struct st_tensor *s = both[i];

		if (s->type != ST_U8 || s->dims != 4 - i || s->shape[0] != shape[0] ||
		    s->shape[1] != shape[1] || s->shape[2] != shape[2] ||
		    (i == 0 && s->shape[3] != shape[3]))
			return err_set(e,
				       "%s: tensor %s is not U8 of the shape [%zu, %zu, %zu%s] that config.json calls for",
				       m->memory->files.paths[s->file], s->name, (size_t)shape[0],
				       (size_t)shape[1], (size_t)shape[2], i ? "" : ", 16");
	}
	t->type = NN_MXFP4;
	t->data = blocks->data;
	t->scales = scales->data;
	return 0;
}

static int load_tensor(struct model *m, struct model_tensor *t, const struct st_tensor *s,
		       const struct model_load *o, struct err *e)
{
	const char *path = m->memory->files.paths[s->file];
	/* as the file has them */
	size_t rows = t->transposed ? t->cols : t->rows, cols = t->transposed ? t->rows : t->cols;
	int conv = t->role == MODEL_CONV;
	size_t outer = conv ? rows : t->planes, inner = conv ? 1 : 0;
	int shape_fits;

	if (t->dims == 3) {
		inner = t->transposed ? t->cols : t->rows / t->planes;
		cols = t->transposed ? t->rows / t->planes : t->cols;
	}
	shape_fits = inner ? s->dims == 3 && s->shape[0] == outer && s->shape[1] == inner &&
				     s->shape[2] == cols
			   : t->dims == s->dims &&
				     (t->dims == 1 ? s->shape[0] == t->cols
						   : s->shape[0] == rows && s->shape[1] == cols);
	if (!shape_fits && inner)
		return err_set(e,
			       "%s: tensor %s has not the shape [%zu, %zu, %zu] that config.json calls for",
			       path, s->name, outer, inner, cols);
	if (!shape_fits && t->dims == 1)
		return err_set(e,
			       "%s: tensor %s has not the shape [%zu] that config.json calls for",
			       path, s->name, t->cols);
	if (!shape_fits)
		return err_set(e,
			       "%s: tensor %s has not the shape [%zu, %zu] that config.json calls for",
			       path, s->name, rows, cols);
	if (s->type == ST_F8 && t->dims == 2 && !t->transposed && m->config.fp8) {
		if (widen(m, t, s, e))
			return err_prefix(e, "%s", path);
	} else if (stored_type(s, &t->type))
		return err_set(e, "%s: tensor %s is stored as %s; F32, F16 and BF16 are supported",
			       path, s->name, st_type_name(s->type));
	if (s->type != ST_F8)
		t->data = s->data;
	if (t->transposed)
		turn(m, t, st_type_size(s->type));
	if (t->dims == 1 || t->role == MODEL_BIAS || t->role == MODEL_POSITION || conv) {
		float *values = model_keep(m, t->rows * t->cols, sizeof *values);

		nn_decode(values, t->type, s->data, t->rows * t->cols);
		t->type = NN_F32;
		t->data = values;
	} else if (o && o->quantize &&
		   quantize_held_as(o->type, t->role, m->config.tied, t->cols) != t->type) {
		requantize(m, t, quantize_held_as(o->type, t->role, m->config.tied, t->cols));
	} else if (t->data == s->data && (uintptr_t)s->data % st_type_size(s->type) != 0) {
		/* a header that was not padded leaves the data unaligned */
		void *copy = model_keep(m, s->bytes, 1);

		memcpy(copy, s->data, s->bytes);
		t->data = copy;
	}
	return 0;
}

/* Buffers that old files carry along although they are computed from the configuration. */
static int is_computed(const char *name)
{
	static const char *const ends[] = {".inv_freq", ".attn.bias", ".attn.masked_bias"};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n >= strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return 1;
	return 0;
}

/* Where the file has what the table calls t: text models out of multimodal ones stand below
 * language_model, in either order, and some leave GPT-2's first part of the name out. */
static const struct st_tensor *stored(const struct model *m, const char *name)
{
	const struct st_set *files = &m->memory->files;
	const struct st_tensor *s = st_find(files, name);
	const char *rest = strncmp(name, "model.", 6) == 0 ? name + 6 : NULL;
	char other[200];

	if (!s && rest) {
		snprintf(other, sizeof other, "model.language_model.%s", rest);
		s = st_find(files, other);
	}
	if (!s) {
		snprintf(other, sizeof other, "language_model.%s", name);
		s = st_find(files, other);
	}
	if (!s && strncmp(name, "transformer.", 12) == 0)
		s = st_find(files, name + 12);
	return s;
}

/* A tied pair may be stored under either name. */
static const struct st_tensor *stored_as(const struct model *m, const struct model_tensor *t)
{
	const struct st_tensor *s = stored(m, t->name);

	if (!s && m->config.tied && t->role == MODEL_EMBED)
		s = stored(m, "lm_head.weight");
	return s;
}

/* The tensor that is called NAME_WHAT. */
static const struct st_tensor *stored_part(const struct model *m, const struct model_tensor *t,
					   const char *what)
{
	char name[200];

	snprintf(name, sizeof name, "%s_%s", t->name, what);
	return stored(m, name);
}

/* Parts of multimodal models that no text goes through. */
static int is_vision(const char *name)
{
	static const char *const parts[] = {"vision_tower.", "vision_model.", "visual.",
					    "multi_modal_projector.", "audio_tower."};

	if (strncmp(name, "model.", 6) == 0)
		name += 6;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strncmp(name, parts[i], strlen(parts[i])) == 0)
			return 1;
	return 0;
}

/* Layers that guess tokens further ahead, for a decoder that checks several at a time. */
static int is_ahead(const char *name)
{
	return strncmp(name, "mtp.", 4) == 0 || strncmp(name, "model.mtp.", 10) == 0;
}

/* A config that says head and embedding are one, and a file that holds two: both are kept, for
 * which of them is meant cannot be told, and the head is what the file's maker computed with. */
static void untie(struct model *m)
{
	const struct st_tensor *embed = stored(m, m->tensors[m->t_embed].name),
			       *head = stored(m, "lm_head.weight");

	if (!m->config.tied || !embed || !head ||
	    (embed->type == head->type && embed->bytes == head->bytes &&
	     !memcmp(embed->data, head->data, head->bytes)))
		return;
	model_untie(m);
}

const char *model_warning(const struct model *m)
{
	return m->warning.len ? m->warning.data : NULL;
}

static void warn(struct model *m, size_t left_out, size_t ahead)
{
	if (m->untied)
		buf_adds(&m->warning,
			 "config.json says that head and embedding are one tensor (tie_word_embeddings), and the file holds two that differ: "
			 "both are kept");
	if (m->config.wrapper[0])
		buf_addf(&m->warning,
			 "%sof this %s model the text model alone is used, and written (%s); %zu tensors for images are left out",
			 m->warning.len ? "; " : "", m->config.wrapper, m->config.family->type,
			 left_out);
	if (ahead)
		buf_addf(&m->warning,
			 "%s%zu tensors for guessing further tokens (mtp) are left out",
			 m->warning.len ? "; " : "", ahead);
}

static int load_all(struct model *m, const struct model_load *o, struct err *e)
{
	const struct st_set *files = &m->memory->files;
	unsigned char *used = mem_alloc(files->n, 1);
	size_t left_out = 0, ahead = 0;
	int rc = -1;

	for (size_t i = 0; i < m->n_tensors; i++) {
		struct model_tensor *t = &m->tensors[i];
		const struct st_tensor *s = stored_as(m, t), *scales = NULL;

		if (!s && m->config.mxfp4 && t->dims == 3) {
			s = stored_part(m, t, "blocks");
			scales = stored_part(m, t, "scales");
			if (s && scales) {
				if (load_mxfp4(m, t, s, scales, e))
					goto cleanup;
				used[s - files->t] = used[scales - files->t] = 1;
				continue;
			}
			if (s || scales) {
				err_set(e, "%s: tensor %s_%s is missing", m->dir, t->name,
					s ? "scales" : "blocks");
				goto cleanup;
			}
		}
		if (!s) {
			err_set(e, "%s: tensor %s is missing", m->dir, t->name);
			goto cleanup;
		}
		if (load_tensor(m, t, s, o, e))
			goto cleanup;
		used[s - files->t] = 1;
	}
	if (m->config.tied && stored(m, "lm_head.weight"))
		used[stored(m, "lm_head.weight") - files->t] = 1;
	for (size_t i = 0; i < files->n; i++) {
		const struct st_tensor *s = &files->t[i];

		if (used[i] || is_computed(s->name))
			continue;
		if (m->config.fp8 && fp8_is_scale(s->name))
			continue;
		if (m->config.wrapper[0] && is_vision(s->name)) {
			left_out++;
			continue;
		}
		if (is_ahead(s->name)) {
			ahead++;
			continue;
		}
		err_set(e, "%s: tensor %s has no place in a %s model as config.json describes it",
			files->paths[s->file], s->name, m->config.family->type);
		goto cleanup;
	}
	warn(m, left_out, ahead);
	rc = 0;
cleanup:
	free(used);
	return rc;
}

int model_open(struct model **out, const char *dir, const struct model_load *opt, struct err *e)
{
	struct config c;
	struct model *m;

	*out = NULL;
	if (config_read(&c, dir, e))
		return -1;
	m = model_of(&c);
	m->dir = mem_strdup(dir);
	if (st_open_dir(&m->memory->files, dir, "model", e)) {
		model_free(m);
		return -1;
	}
	untie(m);
	if (load_all(m, opt, e)) {
		model_free(m);
		return -1;
	}
	model_bind(m);
	*out = m;
	return 0;
}
