/* SHA-256 and SHA-1: the examples of FIPS 180-4 and of git. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/digest.h"
#include "../../lib/base/file.h"
#include "tap.h"

static const char *of(enum digest_kind kind, const char *s, size_t times, size_t step)
{
	static char hex[65];
	struct digest d;
	size_t i, n = strlen(s), at, take;

	digest_init(&d, kind);
	for (i = 0; i < times; i++)
		for (at = 0; at < n; at += take) {
			take = n - at < step ? n - at : step;
			digest_add(&d, s + at, take);
		}
	digest_hex(&d, hex);
	return hex;
}

int main(void)
{
	static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	char path[] = "/tmp/ft-digest-XXXXXX", hex[65];
	struct err e = ERR_INIT;
	int fd = mkstemp(path);

	ok_str(of(DIGEST_SHA256, "", 1, 1),
	       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	       "SHA-256 of nothing");
	ok_str(of(DIGEST_SHA256, "abc", 1, 3),
	       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	       "SHA-256 of one block");
	ok_str(of(DIGEST_SHA256, two, 1, 99),
	       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	       "SHA-256 of two blocks");
	ok_str(of(DIGEST_SHA256, "aaaaaaaaaa", 100000, 7),
	       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
	       "SHA-256 of a million a");
	ok_str(of(DIGEST_SHA1, "abc", 1, 1), "a9993e364706816aba3e25717850c26c9cd0d89d",
	       "SHA-1 of one block");
	ok_str(of(DIGEST_SHA1, two, 1, 5), "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
	       "SHA-1 of two blocks");
	ok(fd >= 0 && write(fd, "hello\n", 6) == 6 && !close(fd), "a file");
	ok(!digest_file(path, DIGEST_SHA1, 1, hex, &e), "is read");
	ok_str(hex, "ce013625030ba8dba906f756967f9e9ca394464a", "git names it so");
	ok(!digest_file(path, DIGEST_SHA256, 0, hex, &e), "is read");
	ok_str(hex, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
	       "sha256sum names it so");
	unlink(path);
	ok(digest_file(path, DIGEST_SHA1, 0, hex, &e) && strstr(e.msg, path),
	   "a missing file is an error");
	return tap_done();
}
