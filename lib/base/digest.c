/* digest: files to libmd; see digest.h. */
#include "digest.h"

#include <stdio.h>
#include <sys/types.h>
#include <sha1.h>
#include <sha2.h>
#include "file.h"

int digest_sha256(const char *path, char hex[65], struct err *e)
{
	struct file_map m;
	if (file_map(path, &m, e))
		return -1;
	SHA256Data(m.data, m.len, hex);
	file_unmap(&m);
	return 0;
}

void digest_bytes(struct span bytes, unsigned char sha256[32])
{
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const unsigned char *)bytes.s, bytes.n);
	SHA256Final(sha256, &sha);
}

int digest_git(const char *path, char hex[65], struct err *e)
{
	struct file_map m;
	SHA1_CTX sha;
	char head[40];
	if (file_map(path, &m, e))
		return -1;
	SHA1Init(&sha);
	int n = snprintf(head, sizeof head, "blob %zu", m.len) + 1;
	SHA1Update(&sha, (const unsigned char *)head, (size_t)n);
	SHA1Update(&sha, m.data, m.len);
	SHA1End(&sha, hex);
	file_unmap(&m);
	return 0;
}
