/* digest: SHA-256 and SHA-1 of files, as model repositories name their contents (FIPS 180-4).
 *
 * For checking what was downloaded against what was promised; SHA-1 only because git names blobs by
 * it.
 */
#ifndef FT_BASE_DIGEST_H
#define FT_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include "err.h"

enum digest_kind { DIGEST_SHA256, DIGEST_SHA1 };

struct digest {
	enum digest_kind kind;
	uint32_t state[8];
	uint64_t bytes;
	unsigned char block[64];
};

void digest_init(struct digest *d, enum digest_kind kind);
void digest_add(struct digest *d, const void *p, size_t n);
/* 64 or 40 lower-case hex digits and a NUL. d is used up. */
void digest_hex(struct digest *d, char hex[65]);

/* Of a file; with git, of "blob SIZE\0" and the file. */
int digest_file(const char *path, enum digest_kind kind, int git, char hex[65], struct err *e);

#endif
