/* pull: files of a repository on a Hugging Face hub, into its cache.
 *
 * The hub lists a revision at ENDPOINT/api/models/REPO/revision/REVISION?blobs=true: the commit,
 * and for each file its size and hash (SHA-256 where it is kept in LFS, else git's SHA-1 of the
 * blob). A file comes from ENDPOINT/REPO/resolve/COMMIT/NAME, which may redirect elsewhere; the
 * token goes to the endpoint alone.
 *
 * In the cache (REPO_DIR as hub_repo_dir gives it) a file's bytes stand in blobs/HASH,
 * snapshots/COMMIT/NAME links there, and refs/REVISION names the commit. Bytes arrive in
 * blobs/HASH.incomplete and get their name once size and hash are right; what was interrupted goes
 * on from there.
 */
#ifndef FT_NET_PULL_H
#define FT_NET_PULL_H

#include <stdint.h>
#include "../base/err.h"
#include "http.h"

struct pull {
	struct http *http;    /* borrowed */
	const char *endpoint; /* "https://huggingface.co", borrowed */
	const char *token;    /* or NULL; borrowed, never shown */
	int retries;
	double timeout;	       /* seconds of silence that are borne */
	int (*stopping)(void); /* or NULL */
	/* of the file under way, resumed ones counted; or NULL */
	void (*on_bytes)(void *arg, uint64_t done);
	void *arg;
};

struct pull_file {
	char *name;
	uint64_t size;
	char hash[65];
	int lfs; /* hash is SHA-256 of the bytes; otherwise git's SHA-1 */
};

struct pull_list {
	char commit[65];
	struct pull_file *v;
	size_t n;
};
void pull_list_release(struct pull_list *l);

/* What a revision holds: the files whose names are plain (no folders). */
int pull_list(const struct pull *p, const char *repo, const char *revision, struct pull_list *l,
	      struct err *e);

/* Makes sure that REPO_DIR/blobs/HASH is there and right, and that the snapshot links to it. 1
 * where nothing had to be fetched. */
int pull_get(const struct pull *p, const char *repo, const char *repo_dir, const char *commit,
	     const struct pull_file *f, struct err *e);

/* Writes refs/REVISION, when all files are there; a revision that is the commit itself needs
 * none. */
int pull_set_ref(const char *repo_dir, const char *revision, const char *commit, struct err *e);

#endif
