/* memory-file: a file in memory, by a name: a journal is synced with each decision, which is slow on a
 * disk. */
#ifndef FT_TESTS_MEMORY_FILE_H
#define FT_TESTS_MEMORY_FILE_H

#include <stdio.h>
#include <sys/mman.h>

/* Its descriptor, which is the caller's to close; path opens it anew. */
static int memory_file(char path[32])
{
	int fd = memfd_create("memory", 0);

	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

#endif
