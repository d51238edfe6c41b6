/* SHA-256 and SHA-1 of files. The values are of FIPS 180-4's examples, and of GNU sha256sum and
 * `git hash-object`. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/digest.h"
#include "../../lib/base/file.h"
#include "tap.h"

static void named(const char *path, const char *s, const char *sha256, const char *git)
{
	struct err e = ERR_INIT;
	char hex[65];

	ok(!file_write(path, s, strlen(s), &e) && !digest_sha256(path, hex, &e), "a file: %s",
	   e.msg);
	ok_str(hex, sha256, "sha256sum names it so");
	ok(!digest_git(path, hex, &e), "and again");
	ok_str(hex, git, "git names it so");
}

int main(void)
{
	char path[] = "/tmp/ft-digest-XXXXXX", hex[65], *many = malloc(1000001);
	struct err e = ERR_INIT;
	int fd = mkstemp(path);

	close(fd);
	named(path, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	      "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
	named(path, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	      "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f");
	named(path, "hello\n", "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
	      "ce013625030ba8dba906f756967f9e9ca394464a");
	memset(many, 'a', 1000000);
	many[1000000] = 0;
	named(path, many, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
	      "de1fbf0c2f34f67f01f355f31ed0cf7319643c5e");
	free(many);
	unlink(path);
	ok(digest_git(path, hex, &e) && digest_sha256(path, hex, &e) && strstr(e.msg, path),
	   "a missing file is an error");
	return tap_done();
}
