/* Reading and writing safetensors: every rule of the format is checked before anyone sees a
 * pointer. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/foreign.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "safetensors.h"

#define HEADER_MAX ((uint64_t)100000000)
#define INDEX_MAX ((size_t)64 << 20)
#define SHARDS_MAX ((size_t)10000)
#define NAME_MAX_BYTES ((size_t)1024)

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[ST_BOOL] = {"BOOL", 1},  [ST_U8] = {"U8", 1},	   [ST_I8] = {"I8", 1},
	[ST_F8] = {"F8_E4M3", 1}, [ST_I16] = {"I16", 2},   [ST_U16] = {"U16", 2},
	[ST_F16] = {"F16", 2},	  [ST_BF16] = {"BF16", 2}, [ST_I32] = {"I32", 4},
	[ST_U32] = {"U32", 4},	  [ST_F32] = {"F32", 4},   [ST_I64] = {"I64", 8},
	[ST_U64] = {"U64", 8},	  [ST_F64] = {"F64", 8},
};

#define TYPES (sizeof types / sizeof *types)

const char *st_type_name(enum st_type t)
{
	return types[t].name;
}

size_t st_type_size(enum st_type t)
{
	return types[t].size;
}

static uint64_t little_u64(const unsigned char *p)
{
	uint64_t x = 0;

	for (int i = 7; i >= 0; i--)
		x = x << 8 | p[i];
	return x;
}

/* One member of the header. begin and end are relative to the data. */
static int parse_tensor(struct st_tensor *t, uint64_t *begin, uint64_t *end, struct span v,
			struct err *e)
{
	struct span type = json_member(v, "dtype"), shape = json_member(v, "shape"),
		    offsets = json_member(v, "data_offsets"), item;
	struct json_iter it = {0};
	struct span key;
	int64_t x[2];
	size_t i;

	if (json_kind(v) != JSON_OBJECT)
		return err_set(e, "its entry is no object");
	for (i = 0; i < TYPES; i++)
		if (json_is(type, types[i].name))
			break;
	if (i == TYPES)
		return err_set(e, "dtype %.*s is not known", (int)(type.n < 40 ? type.n : 40),
			       type.s ? type.s : "missing");
	t->type = (enum st_type)i;
	if (json_kind(shape) != JSON_ARRAY || json_count(shape) > ST_DIMS)
		return err_set(e, "shape is no array of at most %d sizes", ST_DIMS);
	t->count = 1;
	while (json_next(&it, shape, &key, &item)) {
		size_t product;

		if (json_int(item, &x[0]) || x[0] < 0)
			return err_set(e, "shape holds something that is no size");
		t->shape[t->dims++] = (uint64_t)x[0];
		if (mem_mul(t->count, (uint64_t)x[0], &product))
			return err_set(e, "shape is larger than any memory");
		t->count = product;
	}
	if (json_kind(offsets) != JSON_ARRAY || json_count(offsets) != 2 ||
	    json_int(json_element(offsets, 0), &x[0]) ||
	    json_int(json_element(offsets, 1), &x[1]) || x[0] < 0 || x[1] < x[0])
		return err_set(e, "data_offsets is no pair of offsets in order");
	*begin = (uint64_t)x[0];
	*end = (uint64_t)x[1];
	if (mem_mul(t->count, types[t->type].size, &t->bytes) || t->bytes != *end - *begin)
		return err_set(e,
			       "shape and dtype do not make the %" PRIu64
			       " bytes of its data_offsets",
			       *end - *begin);
	return 0;
}

struct place {
	uint64_t begin, end;
	size_t tensor;
};

static int by_place(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	if (p->begin != q->begin)
		return p->begin < q->begin ? -1 : 1;
	return p->end < q->end ? -1 : p->end > q->end;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct st_tensor *)a)->name, ((const struct st_tensor *)b)->name);
}

/* Reads the header of the mapped file and appends its tensors to s. */
static int parse_file(struct st_set *s, size_t file, struct err *e)
{
	const struct file_map *m = &s->maps[file];
	struct json_iter it = {0};
	struct span header, key, value;
	struct place *places = NULL;
	struct buf name = BUF_INIT;
	uint64_t size, at = 0, data_bytes;
	size_t first = s->n, n;
	int rc = -1;

	if (m->len < 8)
		return err_set(e, "%zu bytes are too few for a safetensors file", m->len);
	size = little_u64(m->data);
	if (size > HEADER_MAX)
		return err_set(e,
			       "the header's length, %" PRIu64
			       ", is over the format's limit of 100000000",
			       size);
	if (size > m->len - 8)
		return err_set(e,
			       "the file ends within its header (%" PRIu64
			       " bytes announced, %zu there)",
			       size, m->len - 8);
	data_bytes = m->len - 8 - size;
	if (size < 2 || m->data[8] != '{')
		return err_set(e, "the header is no JSON object");
	if (json_check((struct span){(const char *)m->data + 8, (size_t)size}, &header, e))
		return err_prefix(e, "header");
	n = json_count(header);
	places = mem_alloc(n, sizeof *places);
	s->t = mem_realloc(s->t, s->n + n, sizeof *s->t);
	n = 0;
	while (json_next(&it, header, &key, &value)) {
		struct st_tensor *t = &s->t[s->n];

		buf_clear(&name);
		if (json_string(key, &name) || name.len > NAME_MAX_BYTES ||
		    (name.len && memchr(name.data, 0, name.len))) {
			err_set(e, "a tensor's name is no text of at most %zu bytes",
				NAME_MAX_BYTES);
			goto cleanup;
		}
		if (buf_addc(&name, 0) == 0 && strcmp(name.data, "__metadata__") == 0) {
			struct json_iter mi = {0};
			struct span mk, mv;

			if (json_kind(value) != JSON_OBJECT) {
				err_set(e, "__metadata__ is no object");
				goto cleanup;
			}
			while (json_next(&mi, value, &mk, &mv))
				if (json_kind(mv) != JSON_STRING) {
					err_set(e,
						"__metadata__ holds something that is no string");
					goto cleanup;
				}
			continue;
		}
		*t = (struct st_tensor){.file = file};
		if (parse_tensor(t, &places[n].begin, &places[n].end, value, e)) {
			err_prefix(e, "tensor %s", name.data);
			goto cleanup;
		}
		if (places[n].end > data_bytes) {
			err_set(e,
				"tensor %s ends at byte %" PRIu64 " of %" PRIu64
				" bytes of data: the file is cut off",
				name.data, places[n].end, data_bytes);
			goto cleanup;
		}
		t->name = mem_strdup(name.data);
		t->data = m->data + 8 + size + places[n].begin;
		places[n].tensor = s->n++;
		n++;
	}
	mem_sort(places, n, sizeof *places, by_place);
	for (size_t i = 0; i < n; i++) {
		if (places[i].begin != at) {
			err_set(e, "tensor %s %s what stands before it",
				s->t[places[i].tensor].name,
				places[i].begin < at ? "overlaps" : "leaves a hole after");
			goto cleanup;
		}
		at = places[i].end;
	}
	if (at != data_bytes) {
		err_set(e, "%" PRIu64 " bytes after the last tensor belong to none",
			data_bytes - at);
		goto cleanup;
	}
	mem_sort(s->t + first, s->n - first, sizeof *s->t, by_name);
	for (size_t i = first + 1; i < s->n; i++)
		if (strcmp(s->t[i - 1].name, s->t[i].name) == 0) {
			err_set(e, "tensor %s stands there twice", s->t[i].name);
			goto cleanup;
		}
	rc = 0;
cleanup:
	free(places);
	buf_release(&name);
	return rc;
}

/* Takes path over. */
static int add_file(struct st_set *s, char *path, struct err *e)
{
	size_t i = s->files;

	s->maps = mem_realloc(s->maps, i + 1, sizeof *s->maps);
	s->paths = mem_realloc(s->paths, i + 1, sizeof *s->paths);
	s->paths[i] = path;
	s->maps[i] = (struct file_map){0};
	s->files++;
	if (file_map(path, &s->maps[i], e))
		return -1;
	/* Only what cannot be parsed is looked at: a header's length may be any bytes. */
	if (parse_file(s, i, e))
		return foreign_file(path,
				    (struct span){(const char *)s->maps[i].data, s->maps[i].len}, e)
			       ? -1
			       : err_prefix(e, "%s", path);
	return 0;
}

int st_open(struct st_set *s, const char *path, struct err *e)
{
	*s = (struct st_set){0};
	if (add_file(s, mem_strdup(path), e)) {
		st_close(s);
		return -1;
	}
	return 0;
}

static int open_shards(struct st_set *s, const char *dir, const char *index, struct err *e)
{
	struct buf text = BUF_INIT, name = BUF_INIT, key_text = BUF_INIT;
	struct json_iter it = {0};
	struct span all, map, key, value;
	size_t listed = 0;
	int rc = -1;

	if (json_file(index, INDEX_MAX, &text, &all, e))
		goto cleanup;
	map = json_member(all, "weight_map");
	if (json_kind(map) != JSON_OBJECT) {
		err_set(e, "%s: there is no weight_map object", index);
		goto cleanup;
	}
	while (json_next(&it, map, &key, &value)) {
		size_t i;

		buf_clear(&name);
		if (json_string(value, &name) || name.len == 0 || name.len > 255 ||
		    memchr(name.data, '/', name.len) || memchr(name.data, 0, name.len) ||
		    name.data[0] == '.') {
			err_set(e, "%s: weight_map names a shard that is no plain file name",
				index);
			goto cleanup;
		}
		for (i = 0; i < s->files; i++)
			if (strcmp(strrchr(s->paths[i], '/') + 1, name.data) == 0)
				break;
		if (i == SHARDS_MAX) {
			err_set(e, "%s: more than %zu shards", index, SHARDS_MAX);
			goto cleanup;
		}
		if (i == s->files && add_file(s, file_join(dir, name.data), e))
			goto cleanup;
	}
	mem_sort(s->t, s->n, sizeof *s->t, by_name);
	for (size_t i = 1; i < s->n; i++)
		if (strcmp(s->t[i - 1].name, s->t[i].name) == 0) {
			err_set(e, "tensor %s stands in %s and in %s", s->t[i].name,
				s->paths[s->t[i - 1].file], s->paths[s->t[i].file]);
			goto cleanup;
		}
	it = (struct json_iter){0};
	while (json_next(&it, map, &key, &value)) {
		const struct st_tensor *t;

		buf_clear(&key_text);
		buf_clear(&name);
		json_string(key, &key_text);
		json_string(value, &name);
		t = st_find(s, key_text.data ? key_text.data : "");
		if (!t || strcmp(strrchr(s->paths[t->file], '/') + 1, name.data) != 0) {
			err_set(e, "%s: tensor %s is not in %s", index,
				key_text.data ? key_text.data : "", name.data);
			goto cleanup;
		}
		listed++;
	}
	if (listed != s->n) {
		err_set(e, "%s lists %zu tensors, its shards hold %zu", index, listed, s->n);
		goto cleanup;
	}
	rc = 0;
cleanup:
	buf_release(&text);
	buf_release(&name);
	buf_release(&key_text);
	return rc;
}

int st_open_dir(struct st_set *s, const char *dir, const char *stem, struct err *e)
{
	struct buf path = BUF_INIT;
	int rc;

	*s = (struct st_set){0};
	buf_addf(&path, "%s/%s.safetensors", dir, stem);
	if (file_exists(path.data)) {
		rc = add_file(s, mem_strdup(path.data), e);
	} else {
		buf_adds(&path, ".index.json");
		if (file_exists(path.data))
			rc = open_shards(s, dir, path.data, e);
		else
			rc = err_set(e, "%s: there is neither %s.safetensors nor its index", dir,
				     stem);
	}
	buf_release(&path);
	if (rc < 0)
		st_close(s);
	return rc;
}

void st_close(struct st_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->t[i].name);
	for (size_t i = 0; i < s->files; i++) {
		file_unmap(&s->maps[i]);
		free(s->paths[i]);
	}
	free(s->t);
	free(s->maps);
	free(s->paths);
	*s = (struct st_set){0};
}

const struct st_tensor *st_find(const struct st_set *s, const char *name)
{
	struct st_tensor key = {.name = (char *)name};

	return s->n ? bsearch(&key, s->t, s->n, sizeof key, by_name) : NULL;
}

void st_add(struct st_out *o, const char *name, enum st_type type, int dims, const uint64_t *shape,
	    const void *data)
{
	struct st_tensor *t;

	o->t = mem_grow(o->t, &o->cap, o->n + 1, sizeof *o->t);
	t = &o->t[o->n++];
	*t = (struct st_tensor){.name = mem_strdup(name),
				.type = type,
				.dims = dims,
				.count = 1,
				.data = data};
	for (int i = 0; i < dims; i++) {
		t->shape[i] = shape[i];
		t->count *= shape[i];
	}
	t->bytes = t->count * types[type].size;
}

int st_put(struct st_put *p, const void *data, size_t bytes)
{
	if (bytes > p->left || fwrite(data, 1, bytes, p->f) != bytes)
		p->failed = 1;
	p->left -= bytes < p->left ? bytes : p->left;
	return p->failed ? -1 : 0;
}

static void put_header(const struct st_out *o, struct buf *b)
{
	struct jw w;
	uint64_t at = 0;

	jw_init(&w, b);
	jw_object(&w);
	jw_put_object(&w, "__metadata__");
	jw_put_str(&w, "format", "pt");
	jw_put_str(&w, "writer", "ft");
	jw_end(&w);
	for (size_t i = 0; i < o->n; i++) {
		jw_put_object(&w, o->t[i].name);
		jw_put_str(&w, "dtype", types[o->t[i].type].name);
		jw_put_array(&w, "shape");
		for (int j = 0; j < o->t[i].dims; j++)
			jw_int(&w, o->t[i].shape[j]);
		jw_end(&w);
		jw_put_array(&w, "data_offsets");
		jw_int(&w, at);
		at += o->t[i].bytes;
		jw_int(&w, at);
		jw_end(&w);
		jw_end(&w);
	}
	jw_end(&w);
	while (b->len % 8)
		buf_addc(b, ' ');
}

int st_write(struct st_out *o, const char *path,
	     int (*fill)(void *arg, size_t i, struct st_put *p, struct err *e), void *arg,
	     struct err *e)
{
	struct buf header = BUF_INIT;
	struct file_new w;
	unsigned char size[8];
	int rc = -1;

	put_header(o, &header);
	for (int i = 0; i < 8; i++)
		size[i] = (unsigned char)((uint64_t)header.len >> 8 * i);
	if (file_begin(path, &w, e))
		goto cleanup;
	fwrite(size, 1, 8, w.f);
	fwrite(header.data, 1, header.len, w.f);
	for (size_t i = 0; i < o->n; i++) {
		struct st_put p = {.f = w.f, .left = o->t[i].bytes};

		if (o->t[i].data)
			st_put(&p, o->t[i].data, o->t[i].bytes);
		else if (fill(arg, i, &p, e) < 0 && !p.failed) {
			file_abort(&w);
			goto cleanup;
		}
		if (p.failed || p.left) {
			if (ferror(w.f))
				err_errno(e, "%s", path);
			else
				err_set(e, "%s: tensor %s was not written whole", path,
					o->t[i].name);
			file_abort(&w);
			goto cleanup;
		}
	}
	rc = file_commit(&w, e);
cleanup:
	buf_release(&header);
	return rc;
}

void st_out_release(struct st_out *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->t[i].name);
	free(o->t);
	*o = (struct st_out){0};
}

int st_is_ours(const char *path)
{
	static const char mark[] = "{\"__metadata__\":{\"format\":\"pt\",\"writer\":\"ft\"}";
	char head[8 + sizeof mark - 1];
	FILE *f = fopen(path, "rb");
	int ours = f && fread(head, 1, sizeof head, f) == sizeof head &&
		   memcmp(head + 8, mark, sizeof mark - 1) == 0;

	if (f)
		fclose(f);
	return ours;
}
