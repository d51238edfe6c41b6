/* digest: SHA-256 and SHA-1 of files, as model repositories name their contents (by libmd).
 *
 * For checking what was downloaded against what was promised; SHA-1 only because git names blobs by
 * it.
 */
#ifndef FT_BASE_DIGEST_H
#define FT_BASE_DIGEST_H

#include "buf.h"
#include "err.h"

/* Of a file, as sha256sum prints it: 64 lower-case hex digits and a NUL. */
int digest_sha256(const char *path, char hex[65], struct err *e);
/* Of bytes, as it is: 32 of them. */
void digest_bytes(struct span bytes, unsigned char sha256[32]);
/* As git names the blob that holds the file's bytes: 40 of them. */
int digest_git(const char *path, char hex[65], struct err *e);

#endif
