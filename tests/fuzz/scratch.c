/* scratch: see scratch.h. */
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../lib/base/file.h"

static char dir[] = "/dev/shm/ft-fuzz.XXXXXX";
static int made;

static void sweep(void)
{
	file_remove_dir(dir);
}

const char *scratch_dir(void)
{
	if (!made) {
		if (!mkdtemp(dir) || atexit(sweep))
			abort();
		made = 1;
	}
	return dir;
}

char *scratch_path(const char *name)
{
	return file_join(scratch_dir(), name);
}

void scratch_write(const char *path, struct span bytes)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes.s, 1, bytes.n, f) != bytes.n || fclose(f))
		abort();
}

struct span scratch_part(struct span *rest)
{
	const char *zero = rest->n ? memchr(rest->s, 0, rest->n) : NULL;
	struct span part = {rest->s, zero ? (size_t)(zero - rest->s) : rest->n};

	*rest = zero ? (struct span){zero + 1, rest->n - part.n - 1} : (struct span){NULL, 0};
	return part;
}
