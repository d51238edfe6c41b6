/* Fuzz target: a hostile profile of ft-drift --profile, read, written again and merged with
 * itself. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../lib/drift/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keep(void *arg, const char *line, size_t n)
{
	buf_add(arg, line, n);
	buf_addc(arg, '\n');
}

static int read_bytes(struct span text, struct frame *f)
{
	char path[64];
	struct err e = ERR_INIT;
	int fd = memfd_create("profile", 0), rc = -1;

	if (fd < 0 || write(fd, text.s, text.n) != (ssize_t)text.n)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	frame_init(f);
	if (drift_profile_is(path))
		rc = drift_profile_read(path, f, &e);
	close(fd);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f, again;
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	if (!read_bytes((struct span){(const char *)data, size}, &f)) {
		drift_profile_write(&f, keep, &text);
		if (read_bytes(buf_span(&text), &again))
			abort();
		drift_profile_merge(&f, &again, &e);
		frame_finish(&f);
		frame_release(&again);
	}
	frame_release(&f);
	buf_release(&text);
	return 0;
}
