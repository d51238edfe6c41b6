/* tiny: the smallest Llama, for fuzz targets of what stands beside a model.
 */
#ifndef FT_FUZZ_TINY_H
#define FT_FUZZ_TINY_H

#include "../../lib/model/model.h"

#define TINY_VOCAB 16

/* Its files, in shards of so many bytes. Whatever fails ends the process. */
void tiny_write(const char *dir, size_t shard_bytes);

/* A few tokens go through it; NaN and infinity are for the caller's eyes. */
void tiny_compute(const struct model *m);

#endif
