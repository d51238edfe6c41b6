/* safetensors: the file format of published weights, read with suspicion and written atomically.
 *
 * A file is a little-endian u64 header length (at most 100,000,000), that many bytes of JSON (an
 * object: name -> {dtype, shape, data_offsets}, and `__metadata__` of strings), then the data;
 * offsets are relative to the data, which the tensors cover without holes or overlaps to the end of
 * the file. All of it is checked on opening; a file that breaks a rule is refused with its name and
 * the tensor's. Source: github.com/huggingface/safetensors, README.
 *
 * A set is one file or several shards with an index (STEM.safetensors.index.json). Files stay
 * mapped while the set lives. Names begin with st_.
 */
#ifndef FT_MODEL_SAFETENSORS_H
#define FT_MODEL_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../base/file.h"

#define ST_DIMS 8

enum st_type {
	ST_BOOL,
	ST_U8,
	ST_I8,
	ST_F8,
	ST_I16,
	ST_U16,
	ST_F16,
	ST_BF16,
	ST_I32,
	ST_U32,
	ST_F32,
	ST_I64,
	ST_U64,
	ST_F64,
};

struct st_tensor {
	char *name;
	enum st_type type;
	int dims;
	uint64_t shape[ST_DIMS];
	uint64_t count;	  /* product of shape */
	const void *data; /* in the mapped file; aligned to 1 byte only */
	size_t bytes;
	size_t file; /* which shard */
};

struct st_set {
	struct st_tensor *t; /* sorted by name */
	size_t n;
	struct file_map *maps;
	char **paths;
	size_t files;
};

/* Opens one file. */
int st_open(struct st_set *s, const char *path, struct err *e);
/* Opens dir/stem.safetensors, or dir/stem.safetensors.index.json with the shards it names (plain
 * names within dir only; each tensor of the index must stand in the shard that the index says, and
 * the other way round). */
int st_open_dir(struct st_set *s, const char *dir, const char *stem, struct err *e);
void st_close(struct st_set *s); /* a zeroed set is fine */

const struct st_tensor *st_find(const struct st_set *s, const char *name);
const char *st_type_name(enum st_type t); /* "F32" */
size_t st_type_size(enum st_type t);

/* Writing: add each tensor (name and shape are copied; data borrowed until st_write_file returns),
 * then write. fill, where given, is called in order for tensors without data and writes them itself
 * piece by piece with st_put. */
struct st_out {
	struct st_tensor *t;
	size_t n, cap;
};
struct st_put {
	void *f; /* FILE * */
	size_t left;
	int failed;
};
void st_add(struct st_out *o, const char *name, enum st_type type, int dims, const uint64_t *shape,
	    const void *data);
/* -1: more than the tensor holds, or the disk is full */
int st_put(struct st_put *p, const void *data, size_t bytes);
int st_write(struct st_out *o, const char *path,
	     int (*fill)(void *arg, size_t i, struct st_put *p, struct err *e), void *arg,
	     struct err *e);
void st_out_release(struct st_out *o);
/* Whether st_write wrote the file, by what its metadata says. */
int st_is_ours(const char *path);

#endif
