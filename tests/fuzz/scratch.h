/* scratch: files for fuzz targets of what is read by its name. They stand in memory, in a directory of
 * the process's own, which is removed when it ends.
 */
#ifndef FT_FUZZ_SCRATCH_H
#define FT_FUZZ_SCRATCH_H

#include <stddef.h>
#include <stdint.h>
#include "../../lib/base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The directory. */
const char *scratch_dir(void);
/* Its file of that name, for the caller to free. */
char *scratch_path(const char *name);
/* Makes the file anew of these bytes. */
void scratch_write(const char *path, struct span bytes);

/* What stands before the first zero byte of *rest, which then is what follows it (absent where there
 * is none). So one input holds several texts. */
struct span scratch_part(struct span *rest);

#endif
