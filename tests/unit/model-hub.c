/* Finding models: names, directories and a cache made here. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/model/hub.h"
#include "tap.h"

static void finds(const char *name, const char *end)
{
	struct err e = ERR_INIT;
	char *dir = hub_find(name, &e);

	ok(dir && strlen(dir) >= strlen(end) && !strcmp(dir + strlen(dir) - strlen(end), end),
	   "found: %s", name);
	if (!dir)
		printf("# %s\n", e.msg);
	free(dir);
}

static void misses(const char *name, const char *why)
{
	struct err e = ERR_INIT;
	char *dir = hub_find(name, &e);

	ok(!dir && strstr(e.msg, why), "not found: %s (%s)", name, why);
	if (dir || !strstr(e.msg, why))
		printf("# got %s\n", dir ? dir : e.msg);
	free(dir);
}

static void put(const char *root, const char *path, const char *text)
{
	struct err e = ERR_INIT;
	char *p = file_join(root, path), *slash = strrchr(p, '/');

	*slash = 0;
	if (file_mkdir(p, &e))
		printf("# %s\n", e.msg);
	*slash = '/';
	if (file_write(p, text, strlen(text), &e))
		printf("# %s\n", e.msg);
	free(p);
}

int main(void)
{
	char root[] = "/tmp/ft-hub-XXXXXX", *p, command[100];

	ok(hub_is_local("/a") && hub_is_local("./a") && hub_is_local("../a") &&
		   hub_is_local("hf:a/b") && hub_is_local("."),
	   "local by form");
	ok(!hub_is_local("gpt-4o") && !hub_is_local("org/model") && !hub_is_local("a/./b"),
	   "names behind an API");
	if (!mkdtemp(root))
		return 1;
	unsetenv("HF_HUB_CACHE");
	setenv("HF_HOME", root, 1);
	put(root, "hub/models--org--m.x-1/refs/main", "abc123\n");
	put(root, "hub/models--org--m.x-1/refs/pr/1", "def456");
	put(root, "hub/models--org--m.x-1/snapshots/abc123/config.json", "{}");
	put(root, "hub/models--org--m.x-1/snapshots/def456/config.json", "{}");
	put(root, "hub/models--org--bad/refs/main", "../../x");
	put(root, "plain/config.json", "{}");
	finds("hf:org/m.x-1", "/snapshots/abc123");
	finds("hf:org/m.x-1@main", "/snapshots/abc123");
	finds("hf:org/m.x-1@pr/1", "/snapshots/def456");
	finds("hf:org/m.x-1@def456", "/snapshots/def456");
	misses("hf:org/m.x-1@other", "ft-pull org/m.x-1@other");
	misses("hf:org/none", "ft-pull org/none");
	misses("hf:../../etc", "no name on the hub");
	misses("hf:org/..", "no name on the hub");
	misses("hf:org/a@../../b", "no revision");
	misses("hf:org", "no name on the hub");
	misses("hf:org/bad", "names no commit");
	p = file_join(root, "plain");
	finds(p, "/plain");
	free(p);
	p = file_join(root, "hub");
	misses(p, "no config.json");
	free(p);
	p = file_join(root, "plain/config.json");
	misses(p, "is a file");
	free(p);
	misses("./surely-not-here", "no such directory");
	setenv("HF_HUB_CACHE", root, 1);
	misses("hf:org/m.x-1", "not in the cache");
	snprintf(command, sizeof command, "rm -r '%s'", root);
	if (system(command))
		printf("# could not remove %s\n", root);
	return tap_done();
}
