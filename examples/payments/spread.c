/* spread: draws the embeddings of a byte-level model's ten digits apart, for `make base`.
 *
 * What a model of this size grows from nothing leaves its digits in a cluster, with the 6 close to
 * both 3 and 4; one that is torn between the 4 that it reads and the 3 that it is used to write then
 * says 6. Here each digit keeps less than half of what it was and gets a direction of its own, of
 * the same seed always: in so many dimensions random directions are nearly at right angles, and no
 * digit is close to two others. The rest of the model stays as it is; a little training teaches it
 * its digits anew. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/prog.h"
#include "../../lib/base/rng.h"
#include "../../lib/model/safetensors.h"
#include "../../lib/nn/mat.h"

/* Of the old embedding; of the new direction, the length of a token's embedding in the base. */
#define KEPT 0.45
#define LENGTH 1.7

static struct opt options[] = {{0}};

static const struct program program = {
	.name = "spread",
	.synopsis = "MODEL.safetensors NEW.safetensors",
	.about = "Draws the embeddings of a byte-level model's digits apart.",
	.options = options,
	.examples = "spread build/base-3/model.safetensors build/spread/model.safetensors",
};

static const char embeddings[] = "model.embed_tokens.weight";

/* The table with other rows for the digits, whose ids are their bytes; rounded as the file has it. */
static void *spread(const struct st_tensor *t)
{
	size_t width = t->shape[1], row = width * sizeof(uint16_t);
	char *table = mem_alloc(t->bytes, 1);
	float *v = mem_alloc(width, sizeof *v);
	struct rng r;

	memcpy(table, t->data, t->bytes);
	rng_seed(&r, 1, 0);
	for (size_t id = '0'; id <= '9'; id++) {
		nn_decode(v, NN_BF16, table + id * row, width);
		for (size_t i = 0; i < width; i++)
			v[i] = (float)(KEPT * v[i] + LENGTH / sqrt((double)width) * rng_normal(&r));
		nn_encode(NN_BF16, table + id * row, v, width);
	}
	free(v);
	return table;
}

int main(int argc, char **argv)
{
	char **files = prog_start(&program, argc, argv);
	struct st_set in = {0};
	struct st_out out = {0};
	struct err e = {0};

	if (!files[0] || !files[1] || files[2])
		prog_usage("expected two files");
	if (st_open(&in, files[0], &e) < 0)
		prog_fail(&e);

	const struct st_tensor *t = st_find(&in, embeddings);

	if (!t || t->type != ST_BF16 || t->dims != 2 || t->shape[0] <= '9')
		prog_die("%s: no embeddings of bytes in bf16", files[0]);

	void *table = spread(t);

	for (size_t i = 0; i < in.n; i++)
		st_add(&out, in.t[i].name, in.t[i].type, in.t[i].dims, in.t[i].shape,
		       &in.t[i] == t ? table : in.t[i].data);
	if (st_write(&out, files[1], NULL, NULL, &e) < 0)
		prog_fail(&e);
	st_out_release(&out);
	st_close(&in);
	free(table);
	prog_end(FT_OK);
}
