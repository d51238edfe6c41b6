/* Writing a model: values with the adapter merged in, tensor by tensor, so that memory holds one of
 * them at a time. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "../json/record.h"
#include "../nn/kern.h"
#include "adapter.h"
#include "family.h"
#include "model.h"
#include "model_impl.h"
#include "safetensors.h"

#define WEIGHTS "model.safetensors"
#define WEIGHTS_INDEX "model.safetensors.index.json"
#define STAGED ".weights-" /* and mkdtemp's six characters */

void model_linear_values(const struct model_linear *lin, int merged, float *out)
{
	size_t rows = lin->w.rows, cols = lin->w.cols;

	nn_mat_rows(out, &lin->w, 0, rows);
	if (!merged || !lin->a)
		return;
	nn_gemm(0, 0, rows, cols, lin->rank, lin->scale, lin->b, lin->rank, lin->a, cols, 1, out,
		cols);
	for (size_t r = 0; lin->magnitude && r < rows; r++) {
		float *row = out + r * cols;

		nn_kern()->scale(row,
				 lin->magnitude[r] / (float)sqrt(nn_kern()->sum_squares(row, cols)),
				 cols);
	}
}

void model_tensor_values(const struct model *m, size_t i, int merged, float *out)
{
	const struct model_tensor *t = &m->tensors[i];

	nn_mat_rows(out, &(struct nn_mat){t->type, t->rows, t->cols, t->data, t->scales, 1}, 0,
		    t->rows);
	for (size_t j = 0, n = t->layer < 0 ? 0 : model_products(m, (size_t)t->layer);
	     merged && j < n; j++) {
		const struct model_linear *lin = model_product(m, (size_t)t->layer, j);

		if (lin->t_w == (int)i && lin->a)
			model_linear_values(lin, 1, out + lin->row0 * t->cols);
		if (lin->t_bias == (int)i && lin->extra)
			nn_kern()->axpy(out + lin->row0, lin->scale, lin->extra, lin->w.rows);
	}
}

void model_add_bias(const struct model_linear *lin, float *y, size_t first, size_t n)
{
	if (lin->bias && lin->step <= 1)
		nn_kern()->add(y, lin->bias + first, n);
	for (size_t i = 0; lin->bias && lin->step > 1 && i < n; i++)
		y[i] += lin->bias[(first + i) * lin->step];
}

int model_merges(const struct model *m, struct err *e)
{
	for (size_t l = 0; l < m->config.layers; l++)
		for (int j = 0; j < MODEL_LINEARS; j++) {
			const struct model_linear *lin = &m->layers[l].lin[j];

			if (lin->extra && lin->t_bias < 0)
				return err_set(e,
					       "lora_bias: %s of the base has no bias that the adapter's could be merged into",
					       model_linear_name(m, m->config.conv[l], j));
		}
	return 0;
}

struct fill {
	const struct model *m;
	const size_t *which; /* tensors of this file */
	const struct model_save *how;
};

static int fill(void *arg, size_t i, struct st_put *p, struct err *e)
{
	const struct fill *f = arg;
	const struct model_tensor *t = &f->m->tensors[f->which[i]];
	size_t n = t->rows * t->cols;
	float *values = mem_aligned(n, sizeof *values);
	float coded[4096]; /* in either type */
	int rc = 0;

	model_tensor_values(f->m, f->which[i], 1, values);
	model_forget(f->m, t->data, nn_row_bytes(t->type, n));
	if (t->transposed) {
		float *turned = mem_aligned(n, sizeof *turned);
		size_t rows = t->rows / (t->planes ? t->planes : 1), plane = rows * t->cols;

		for (size_t from = 0; from < n; from += plane)
			for (size_t r = 0; r < rows; r++)
				for (size_t c = 0; c < t->cols; c++)
					turned[from + c * rows + r] =
						values[from + r * t->cols + c];
		free(values);
		values = turned;
	}
	for (size_t at = 0, m; at < n && rc == 0; at += m) {
		m = n - at < 4096 ? n - at : 4096;
		nn_encode(f->how->type, coded, values + at, m);
		rc = st_put(p, coded, nn_row_bytes(f->how->type, m));
	}
	free(values);
	if (rc == 0 && f->how->step && f->how->step(f->how->arg, n))
		rc = err_set(e, "interrupted");
	return rc;
}

static int write_shard(const struct model *m, const char *path, const size_t *which, size_t n,
		       const struct model_save *how, struct err *e)
{
	struct st_out o = {0};
	struct fill f = {m, which, how};
	int rc;

	for (size_t i = 0; i < n; i++) {
		const struct model_tensor *t = &m->tensors[which[i]];
		int conv = t->role == MODEL_CONV, at = 0;
		size_t rows = t->rows / (t->planes ? t->planes : 1);
		uint64_t shape[3];

		if (t->planes)
			shape[at++] = t->planes;
		if (t->dims > 1)
			shape[at++] = t->transposed ? t->cols : rows;
		if (conv)
			shape[at++] = 1;
		shape[at++] = t->transposed ? rows : t->cols;
		st_add(&o, t->name, how->type == NN_BF16 ? ST_BF16 : ST_F32, at, shape, NULL);
	}
	rc = st_write(&o, path, fill, &f, e);
	st_out_release(&o);
	return rc;
}

static void shard_name(char name[64], size_t s, size_t shards)
{
	snprintf(name, 64, "model-%05zu-of-%05zu.safetensors", s + 1, shards);
}

static int write_index(const struct model *m, const char *dir, const size_t *which,
		       const size_t *shard, size_t n, size_t shards, size_t bytes, struct err *e)
{
	struct buf b = BUF_INIT;
	struct jw w;
	char name[64], *path = file_join(dir, WEIGHTS_INDEX);
	int rc;

	jw_init(&w, &b);
	jw_object(&w);
	jw_put_object(&w, "metadata");
	jw_put_int(&w, "total_size", bytes);
	jw_end(&w);
	jw_put_object(&w, "weight_map");
	for (size_t i = 0; i < n; i++) {
		shard_name(name, shard[i], shards);
		jw_put_str(&w, m->tensors[which[i]].name, name);
	}
	jw_end(&w);
	jw_end(&w);
	buf_addc(&b, '\n');
	rc = file_write(path, b.data, b.len, e);
	buf_release(&b);
	free(path);
	return rc;
}

/* An earlier model's weights in the other form: readers would take one or the other. */
static int drop(const char *dir, const char *name, struct err *e)
{
	char *path = file_join(dir, name);
	int rc = unlink(path) && errno != ENOENT ? err_set(e, "%s: %s", path, strerror(errno)) : 0;

	free(path);
	return rc;
}

static int is_shard(const char *name)
{
	unsigned s, shards;
	char same[64];

	if (sscanf(name, "model-%u-of-%u", &s, &shards) != 2)
		return 0;
	shard_name(same, (size_t)s - 1, shards);
	return strcmp(name, same) == 0;
}

int model_is_weights(const char *name)
{
	return strcmp(name, WEIGHTS) == 0 || strcmp(name, WEIGHTS_INDEX) == 0 || is_shard(name);
}

int model_is_staged(const char *name)
{
	return strncmp(name, STAGED, strlen(STAGED)) == 0 && strlen(name) == strlen(STAGED) + 6;
}

/* Removes the shards of an earlier model, however many they were. */
static int drop_shards(const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (!d)
		return err_set(e, "%s: %s", dir, strerror(errno));
	while (rc == 0 && (entry = readdir(d)))
		if (is_shard(entry->d_name))
			rc = drop(dir, entry->d_name, e);
	closedir(d);
	return rc;
}

static int move(const char *from, const char *to, const char *name, struct err *e)
{
	char *old = file_join(from, name), *new = file_join(to, name);
	int rc = rename(old, new) ? err_set(e, "%s: %s", new, strerror(errno)) : 0;

	free(old);
	free(new);
	return rc;
}

/* Puts finished shards in the place of whatever weights dir holds. The old ones lose their index
 * first and the new ones get theirs last: cut short in between, dir holds no model, and never one
 * made of both. */
static int replace(const char *dir, const char *staged, size_t shards, struct err *e)
{
	char name[64];
	int rc = drop(dir, WEIGHTS_INDEX, e) || drop(dir, WEIGHTS, e) ? -1 : drop_shards(dir, e);

	for (size_t s = 0; rc == 0 && s < shards; s++) {
		shard_name(name, s, shards);
		rc = move(staged, dir, name, e);
	}
	return rc == 0 ? move(staged, dir, WEIGHTS_INDEX, e) : rc;
}

static int write_weights(const struct model *m, const char *dir, const struct model_save *how,
			 struct err *e)
{
	size_t *which = mem_alloc(m->n_tensors, sizeof *which),
	       *shard = mem_alloc(m->n_tensors, sizeof *shard);
	size_t n = 0, shards = 1, here = 0, bytes = 0,
	       most = how->shard_bytes ? how->shard_bytes : MODEL_SHARD_BYTES;
	char name[64], *staged = file_join(dir, STAGED "XXXXXX");
	const char *into = dir;
	int rc = 0;

	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		size_t size = nn_row_bytes(how->type, t->rows * t->cols);

		if (t->role >= MODEL_LORA_A)
			continue;
		if (here && here + size > most) {
			shards++;
			here = 0;
		}
		here += size;
		bytes += size;
		shard[n] = shards - 1;
		which[n++] = i;
	}
	if (shards > 1 && !how->fresh) {
		into = mkdtemp(staged);
		if (!into)
			rc = err_set(e, "%s: %s", staged, strerror(errno));
	}
	for (size_t s = 0, from = 0; rc == 0 && s < shards; s++) {
		size_t to = from;
		char *path;

		while (to < n && shard[to] == s)
			to++;
		if (shards == 1)
			strcpy(name, WEIGHTS);
		else
			shard_name(name, s, shards);
		path = file_join(into, name);
		rc = write_shard(m, path, which + from, to - from, how, e);
		free(path);
		from = to;
	}
	if (rc == 0 && shards > 1)
		rc = write_index(m, into, which, shard, n, shards, bytes, e) ||
				     (into != dir && replace(dir, into, shards, e))
			     ? -1
			     : 0;
	else if (rc == 0 && !how->fresh)
		rc = drop(dir, WEIGHTS_INDEX, e) || drop_shards(dir, e) ? -1 : 0;
	if (into && into != dir)
		file_remove_dir(into);
	free(staged);
	free(which);
	free(shard);
	return rc;
}

int model_save(const struct model *m, const char *dir, const struct model_save *how, struct err *e)
{
	struct record r = {0};
	struct buf b = BUF_INIT;
	struct edit edits[3] = {
		{"torch_dtype", span_of(how->type == NN_BF16 ? "\"bfloat16\"" : "\"float32\"")},
	};
	size_t n = 1;
	char *path = file_join(dir, "config.json");
	int rc = -1;

	if (how->type != NN_F32 && how->type != NN_BF16) {
		err_set(e, "models are saved as f32 or bf16, not as %s", nn_type_name(how->type));
		goto cleanup;
	}
	if (model_merges(m, e) || file_mkdir(dir, e) || write_weights(m, dir, how, e) ||
	    record_parse(&r, span_of(m->config.text), e))
		goto cleanup;
	if (record_get(&r, "dtype").s)
		edits[0].name = "dtype"; /* the newer name of the same member */
	if (m->untied)
		edits[n++] = (struct edit){"tie_word_embeddings", span_of("false")};
	if (m->config.fp8 || m->config.mxfp4)
		edits[n++] = (struct edit){"quantization_config", {0}};
	if (record_splice(&r, edits, n, &b)) {
		err_set(e, "config.json is too large");
		goto cleanup;
	}
	if (b.len == 0 || b.data[b.len - 1] != '\n')
		buf_addc(&b, '\n');
	rc = file_write(path, b.data, b.len, e);
cleanup:
	record_release(&r);
	buf_release(&b);
	free(path);
	return rc;
}
