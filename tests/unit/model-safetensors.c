/* safetensors: what is written reads back; every way of breaking the format is refused with the
 * file's name. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/model/model.h"
#include "../../lib/model/safetensors.h"
#include "tap.h"

static char dir[] = "/tmp/ft-safetensors.XXXXXX";
static char path[64];
static struct err e;

/* A file of this header (its own length said as `size`, -1: the true one) and n bytes of data. */
static void make_file(const char *header, long long size, size_t n)
{
	struct buf b = BUF_INIT;
	uint64_t len = size < 0 ? strlen(header) : (uint64_t)size;

	for (int i = 0; i < 8; i++)
		buf_addc(&b, (int)(len >> 8 * i & 255));
	buf_adds(&b, header);
	for (size_t i = 0; i < n; i++)
		buf_addc(&b, (int)(i & 255));
	if (file_write(path, b.data, b.len, &e) < 0)
		printf("Bail out! %s\n", e.msg);
	buf_release(&b);
}

static void refuse(const char *header, long long size, size_t n, const char *because,
		   const char *what)
{
	struct st_set s;

	e.msg[0] = 0;
	make_file(header, size, n);
	ok(st_open(&s, path, &e) < 0 && strstr(e.msg, because) && strstr(e.msg, path),
	   "%s is refused", what);
	if (!strstr(e.msg, because))
		printf("# %s\n", e.msg);
}

#define F32(shape, from, to) \
	"{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" #from "," #to "]}"

static void round_trip(void)
{
	struct st_out o = {0};
	struct st_set s;
	float x[6] = {1, 2, 3, 4, 5, -0.f};
	uint16_t h[3] = {1, 2, 0x3f80};
	uint64_t shape[2] = {2, 3}, none[1] = {0};
	const struct st_tensor *t;

	st_add(&o, "b \"quoted\"", ST_F32, 2, shape, x);
	st_add(&o, "a", ST_BF16, 1, shape + 1, h);
	st_add(&o, "empty", ST_F32, 1, none, x);
	ok(st_write(&o, path, NULL, NULL, &e) == 0 && st_open(&s, path, &e) == 0 && s.n == 3,
	   "a written file opens");
	t = st_find(&s, "b \"quoted\"");
	ok(t && t->type == ST_F32 && t->dims == 2 && t->shape[0] == 2 && t->shape[1] == 3 &&
		   memcmp(t->data, x, sizeof x) == 0,
	   "with the same values");
	ok(t && (uintptr_t)t->data % 8 == 0, "aligned");
	ok(st_find(&s, "a") && st_find(&s, "empty")->count == 0 && !st_find(&s, "c"),
	   "and the same names");
	st_close(&s);
	st_out_release(&o);
	ok(st_open(&s, "/nonexistent/x.safetensors", &e) < 0 &&
		   strstr(e.msg, "/nonexistent/x.safetensors"),
	   "a missing file is named");
}

static void broken(void)
{
	char *deep = mem_alloc(100000, 1);

	refuse("{}", (long long)1 << 60, 0, "limit", "a header length of 2^60");
	refuse("{}", 99999999, 0, "ends within its header", "a header beyond the end of the file");
	refuse("{}", 0, 0, "no JSON object", "an empty header");
	refuse("[]", -1, 0, "no JSON object", "a header that is an array");
	refuse("{\"a\":", -1, 0, "header", "a header that is cut off");
	refuse("{\"a\":1}", -1, 0, "no object", "an entry that is a number");
	refuse("{\"a\":" F32("2", 0, 8) "}", -1, 4, "cut off", "data that is cut off");
	refuse("{\"a\":" F32("2", 0, 8) "}", -1, 12, "belong to none",
	       "data that no tensor covers");
	refuse("{\"a\":" F32("2", 0, 8) ",\"b\":" F32("2", 4, 12) "}", -1, 12, "overlaps",
	       "an overlap");
	refuse("{\"a\":" F32("2", 0, 8) ",\"b\":" F32("1", 12, 16) "}", -1, 16, "hole", "a hole");
	refuse("{\"a\":" F32("2", 4, 12) "}", -1, 12, "hole", "a hole at the start");
	refuse("{\"a\":" F32("3", 0, 8) "}", -1, 8, "do not make",
	       "a shape that does not fit its bytes");
	refuse("{\"a\":" F32("-1", 0, 8) "}", -1, 8, "no size", "a negative size");
	refuse("{\"a\":" F32("4294967296,4294967296,4294967296", 0, 8) "}", -1, 8,
	       "larger than any memory", "a product that overflows");
	refuse("{\"a\":" F32("4611686018427387904", 0, 0) "}", -1, 0, "do not make",
	       "a size that overflows in bytes");
	refuse("{\"a\":" F32("1,1,1,1,1,1,1,1,1", 0, 4) "}", -1, 4, "at most 8", "nine dimensions");
	refuse("{\"a\":" F32("1", 4, 0) "}", -1, 4, "no pair", "offsets in the wrong order");
	refuse("{\"a\":" F32("1", 0, 18446744073709551615) "}", -1, 4, "no pair",
	       "an offset of 2^64 - 1");
	refuse("{\"a\":" F32("1", 0, 9223372036854775807) "}", -1, 4, "do not make",
	       "an offset of 2^63 - 1");
	refuse("{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", -1, 4, "F33",
	       "an unknown dtype");
	refuse("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", -1, 4, "dtype", "a missing dtype");
	refuse("{\"a\":" F32("1", 0, 4) ",\"a\":" F32("1", 4, 8) "}", -1, 8, "twice",
	       "a name that stands twice");
	refuse("{\"a\\u0000b\":" F32("1", 0, 4) "}", -1, 4, "name", "a NUL in a name");
	refuse("{\"__metadata__\":{\"a\":1},\"a\":" F32("1", 0, 4) "}", -1, 4, "no string",
	       "metadata that is a number");
	strcpy(deep, "{\"a\":");
	memset(deep + 5, '[', 90000);
	refuse(deep, -1, 0, "header", "nesting without end");
	free(deep);
	if (file_write(path, "1234567", 7, &e) == 0) {
		struct st_set s;

		ok(st_open(&s, path, &e) < 0 && strstr(e.msg, "too few"),
		   "seven bytes are refused");
	}
}

static void write_text(const char *name, const char *text)
{
	char *p = file_join(dir, name);

	if (file_write(p, text, strlen(text), &e) < 0)
		printf("Bail out! %s\n", e.msg);
	free(p);
}

static void shard(const char *name, const char *tensor)
{
	struct st_out o = {0};
	float x[4] = {0};
	uint64_t shape[1] = {4};
	char *p = file_join(dir, name);

	st_add(&o, tensor, ST_F32, 1, shape, x);
	st_write(&o, p, NULL, NULL, &e);
	st_out_release(&o);
	free(p);
}

static int shards_refused(const char *index, const char *because)
{
	struct st_set s;

	write_text("model.safetensors.index.json", index);
	if (st_open_dir(&s, dir, "model", &e) == 0) {
		st_close(&s);
		return 0;
	}
	if (!strstr(e.msg, because))
		printf("# %s\n", e.msg);
	return strstr(e.msg, because) != NULL;
}

static void shards(void)
{
	struct st_set s;

	ok(st_open_dir(&s, dir, "model", &e) < 0 && strstr(e.msg, "neither"),
	   "a directory without weights is refused");
	shard("one.safetensors", "a");
	shard("two.safetensors", "b");
	write_text("model.safetensors.index.json",
		   "{\"weight_map\": {\"a\": \"one.safetensors\", \"b\": \"two.safetensors\"}}");
	ok(st_open_dir(&s, dir, "model", &e) == 0 && s.n == 2 && s.files == 2 && st_find(&s, "b"),
	   "shards open through their index");
	st_close(&s);
	ok(shards_refused("{\"weight_map\": {\"a\": \"one.safetensors\", \"b\": \"one.safetensors\"}}",
			  "b is not in"),
	   "a tensor in another shard than said");
	ok(shards_refused("{\"weight_map\": {\"a\": \"one.safetensors\", \"b\": \"../two.safetensors\"}}",
			  "plain file name"),
	   "a shard outside the directory");
	ok(shards_refused("{\"weight_map\": {\"a\": \"one.safetensors\", \"c\": \"two.safetensors\"}}",
			  "c is not in"),
	   "a tensor that is nowhere");
	ok(shards_refused("{\"weight_map\": {\"a\": \"one.safetensors\", \"c\": \"three.safetensors\"}}",
			  "three.safetensors"),
	   "a shard that is missing");
	ok(shards_refused("{\"weight_map\": 1}", "weight_map"), "an index without map");
	ok(shards_refused("{", "index.json"), "an index that is cut off");
	shard("two.safetensors", "a");
	ok(shards_refused("{\"weight_map\": {\"a\": \"one.safetensors\", \"x\": \"two.safetensors\"}}",
			  "stands in"),
	   "a tensor in two shards");
}

/* A model directory whose files contradict each other. */
static void models(void)
{
	static const char config[] =
		"{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"hidden_size\":4,\"num_attention_heads\":1,"
		"\"intermediate_size\":4,\"vocab_size\":5,\"tie_word_embeddings\":true}";
	struct config c;
	struct model *m = NULL, *back = NULL;
	char *file = file_join(dir, "model.safetensors");
	struct buf b = BUF_INIT;

	ok(config_parse(&c, config, strlen(config), "config", &e) == 0 &&
		   model_new(&m, &c, 1, &e) == 0 &&
		   model_save(m, dir, &(struct model_save){.type = NN_F32}, &e) == 0,
	   "a model is written");
	ok(model_open(&back, dir, NULL, &e) == 0, "and opens");
	model_free(back);
	write_text("config.json",
		   "{\"model_type\":\"llama\",\"num_hidden_layers\":2,\"hidden_size\":4,\"num_attention_heads\":1,"
		   "\"intermediate_size\":4,\"vocab_size\":5,\"tie_word_embeddings\":true}");
	ok(model_open(&back, dir, NULL, &e) < 0 &&
		   strstr(e.msg, "model.layers.1.input_layernorm.weight is missing"),
	   "a missing tensor is named");
	write_text("config.json",
		   "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"hidden_size\":4,\"num_attention_heads\":1,"
		   "\"intermediate_size\":6,\"vocab_size\":5,\"tie_word_embeddings\":true}");
	ok(model_open(&back, dir, NULL, &e) < 0 && strstr(e.msg, "has not the shape [6, 4]"),
	   "a wrong shape is named");
	write_text("config.json",
		   "{\"model_type\":\"qwen3\",\"num_hidden_layers\":1,\"hidden_size\":4,\"num_attention_heads\":1,"
		   "\"intermediate_size\":4,\"vocab_size\":5,\"tie_word_embeddings\":true}");
	ok(model_open(&back, dir, NULL, &e) < 0 && strstr(e.msg, "q_norm"),
	   "another family's tensors are missed");
	write_text("config.json", config);
	ok(file_read(file, 1 << 20, &b, &e) == 0 && file_write(file, b.data, b.len - 1, &e) == 0 &&
		   model_open(&back, dir, NULL, &e) < 0 && strstr(e.msg, "cut off"),
	   "a truncated file is refused");
	shard("model.safetensors", "model.embed_tokens.weight");
	ok(model_open(&back, dir, NULL, &e) < 0 && strstr(e.msg, "shape"),
	   "a vector in a matrix's place is refused");
	model_free(m);
	config_release(&c);
	buf_release(&b);
	free(file);
}

int main(void)
{
	char cmd[64];

	if (!mkdtemp(dir))
		return 2;
	snprintf(path, sizeof path, "%s/x.safetensors", dir);
	round_trip();
	broken();
	shards();
	models();
	snprintf(cmd, sizeof cmd, "rm -r %s", dir);
	ok(system(cmd) == 0, "the directory is removed");
	return tap_done();
}
