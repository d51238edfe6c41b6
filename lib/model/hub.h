/* hub: where a model that the user names is found on this machine.
 *
 * `/...`, `./...`, `../...`, `.` and `..` are directories. `hf:org/name` and `hf:org/name@revision` is looked up
 * in the Hugging Face cache: $HF_HUB_CACHE, else $HF_HOME/hub, else
 * $XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub; there
 * models--org--name/refs/REVISION (default main) names the commit and snapshots/COMMIT/ holds the
 * files. Nothing is fetched.
 */
#ifndef FT_MODEL_HUB_H
#define FT_MODEL_HUB_H

#include "../base/buf.h"
#include "../base/err.h"

/* 1 where name says a local model (by its form alone), 0 where it is the name of a model behind an
 * API. */
int hub_is_local(const char *name);

/* The directory of a local model as a new string (free() it), or NULL with a reason that says what
 * to do (no such directory, no config.json in it, not in the cache: ft-pull org/name). */
char *hub_find(const char *name, struct err *e);

/* The same for an adapter, which is any path or hf:...; what a directory holds is left to its
 * reader. */
char *hub_find_adapter(const char *name, struct err *e);

/* "org/name" or "org/name@revision" taken apart and checked: only letters, digits, "-", "_" and "."
 * stand in its parts, so that no name leads out of the cache. revision is "main" where none is
 * given. */
struct hub_name {
	char *repo, *revision; /* owned */
};
int hub_parse(const char *name, struct hub_name *h, struct err *e);
void hub_name_release(struct hub_name *h);

/* Where the cache keeps a repository: CACHE/models--org--name. free() it; NULL with a reason where
 * there is no cache. */
char *hub_repo_dir(const struct hub_name *h, struct err *e);

#endif
