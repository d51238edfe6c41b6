/* Fuzz target: a hostile safetensors file; every byte of what was accepted is read. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../lib/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static volatile unsigned sum;
	struct st_set s = {0};
	struct err e = ERR_INIT;
	char path[64];
	int fd = memfd_create("fuzz", 0);
	size_t i, k;

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (!st_open(&s, path, &e)) {
			for (i = 0; i < s.n; i++)
				for (k = 0; k < s.t[i].bytes; k++)
					sum += ((const unsigned char *)s.t[i].data)[k];
			st_close(&s);
		}
	}
	close(fd);
	(void)sum;
	return 0;
}
