/* Where models stand on this machine: directories, and the Hugging Face cache. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "hub.h"

int hub_is_local(const char *name)
{
	return *name == '/' || !strncmp(name, "./", 2) || !strncmp(name, "../", 3) ||
	       !strcmp(name, ".") || !strcmp(name, "..") || !strncmp(name, "hf:", 3);
}

/* NULL where not even $HOME is set. */
static char *cache_dir(void)
{
	const char *hub = getenv("HF_HUB_CACHE"), *home = getenv("HF_HOME"),
		   *cache = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");

	if (hub && *hub)
		return mem_strdup(hub);
	if (home && *home)
		return file_join(home, "hub");
	if (cache && *cache)
		return file_join(cache, "huggingface/hub");
	return user && *user ? file_join(user, ".cache/huggingface/hub") : NULL;
}

/* A letter, digit, - _ or a dot that is no "..": the characters of names on the hub, none of which
 * can lead out of the cache. */
static int plain(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9') || s[i] == '-' || s[i] == '_' ||
		      (s[i] == '.' && !(i + 1 < n && s[i + 1] == '.'))))
			return 0;
	return n > 0 && s[0] != '.' && n < 200;
}

int hub_parse(const char *name, struct hub_name *h, struct err *e)
{
	const char *slash = strchr(name, '/'), *at = strchr(name, '@'), *rev, *part;
	size_t n;

	memset(h, 0, sizeof *h);
	n = at ? (size_t)(at - name) : strlen(name);
	if (!slash || (at && at < slash) || !plain(name, (size_t)(slash - name)) ||
	    !plain(slash + 1, n - (size_t)(slash - name) - 1))
		return err_set(e, "\"%s\" is no name on the hub (org/name, or org/name@revision)",
			       name);
	rev = at ? at + 1 : "main";
	for (part = rev; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
		if (!plain(part, strcspn(part, "/")))
			return err_set(e, "\"%s\" is no revision", rev);
	h->repo = mem_strndup(name, n);
	h->revision = mem_strdup(rev);
	return 0;
}

void hub_name_release(struct hub_name *h)
{
	free(h->repo);
	free(h->revision);
	memset(h, 0, sizeof *h);
}

char *hub_repo_dir(const struct hub_name *h, struct err *e)
{
	char *cache = cache_dir(), *dir, *folder;
	const char *slash = strchr(h->repo, '/');
	struct buf b = BUF_INIT;

	if (!cache) {
		err_set(e,
			"no cache: none of HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and HOME is set");
		return NULL;
	}
	buf_adds(&b, "models--");
	buf_add(&b, h->repo, (size_t)(slash - h->repo));
	buf_addf(&b, "--%s", slash + 1);
	folder = buf_detach(&b, NULL);
	dir = file_join(cache, folder);
	free(folder);
	free(cache);
	return dir;
}

static int holds(const char *dir, const char *file)
{
	char *path = file_join(dir, file);
	int yes = file_exists(path);

	free(path);
	return yes;
}

/* The directory of a snapshot: the revision may be a branch or tag that refs/ knows, or a commit
 * itself. */
static char *snapshot(const char *repo_dir, const char *revision, struct err *e)
{
	struct buf commit = BUF_INIT;
	char *refs = file_join(repo_dir, "refs"), *ref = file_join(refs, revision),
	     *snapshots = file_join(repo_dir, "snapshots"), *dir = NULL;

	if (file_exists(ref) && !file_is_dir(ref)) {
		if (file_read(ref, 1000, &commit, e))
			goto cleanup;
		while (commit.len && strchr(" \r\n", commit.data[commit.len - 1]))
			commit.data[--commit.len] = 0;
		if (!commit.len || !plain(commit.data, commit.len)) {
			err_set(e, "%s names no commit", ref);
			goto cleanup;
		}
	}
	if (commit.len || !strchr(revision, '/'))
		dir = file_join(snapshots, commit.len ? commit.data : revision);
cleanup:
	free(refs);
	free(ref);
	free(snapshots);
	buf_release(&commit);
	return dir;
}

/* The snapshot of a name without hf:, where it holds the file. */
static char *find_in_cache(const char *name, const char *file, struct err *e)
{
	struct hub_name h;
	char *repo, *dir = NULL;

	if (hub_parse(name, &h, e))
		return NULL;
	e->msg[0] = 0;
	if ((repo = hub_repo_dir(&h, e)) && (dir = snapshot(repo, h.revision, e)) &&
	    !holds(dir, file)) {
		free(dir);
		dir = NULL;
	}
	if (!dir && !e->msg[0])
		err_set(e,
			"hf:%s is not in the cache (looked for %s, revision %s); fetch it with: ft-pull %s",
			name, repo, h.revision, name);
	free(repo);
	hub_name_release(&h);
	return dir;
}

char *hub_find(const char *name, struct err *e)
{
	if (!strncmp(name, "hf:", 3))
		return find_in_cache(name + 3, "config.json", e);
	if (!file_exists(name))
		err_set(e, "%s: no such directory", name);
	else if (!file_is_dir(name))
		err_set(e,
			"%s is a file; a model is a directory with config.json, weights and tokenizer.json",
			name);
	else if (!holds(name, "config.json"))
		err_set(e, "%s is no model: there is no config.json in it", name);
	else
		return mem_strdup(name);
	return NULL;
}

char *hub_find_adapter(const char *name, struct err *e)
{
	return strncmp(name, "hf:", 3) ? mem_strdup(name)
				       : find_in_cache(name + 3, "adapter_config.json", e);
}
