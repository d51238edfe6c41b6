/* Fetching from a hub: the list of files, each file with what is there of it already, hashes,
 * links. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../base/digest.h"
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/json.h"
#include "pull.h"
#include "retry.h"
#include "url.h"

#define FILE_SIZE_MAX ((int64_t)1 << 40) /* no published shard comes near it */
#define FILES_MAX 10000

void pull_list_release(struct pull_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	memset(l, 0, sizeof *l);
}

static int refused(const struct pull *p, const char *repo, const char *what,
		   const struct http_response *r, struct err *e)
{
	struct buf hub = BUF_INIT;

	if (r->failure != HTTP_DONE)
		return err_set(e, "%s: %s", what, r->reason);
	url_show(&hub, p->endpoint);
	if (r->status == 401 || r->status == 403)
		err_set(e,
			"%s: %s, status %d; a private model, or one whose licence must be accepted at %s/%s, needs a token in HF_TOKEN; hubs say the same "
			"of a model that is not there: is the name right?",
			what,
			p->token ? "the token is not allowed to read it" : "access is refused",
			r->status, hub.data, repo);
	else if (r->status == 404)
		err_set(e, "%s: not found at %s", what, hub.data);
	else
		err_set(e, "%s: the hub answers with status %d", what, r->status);
	buf_release(&hub);
	return -1;
}

/* GET with retries; the caller looks at r->status. */
static int get(const struct pull *p, struct http_request *q, void (*before)(struct http_request *q),
	       struct http_response *r, struct err *e)
{
	struct buf secret = BUF_INIT;
	struct rng rng;
	struct retry t = {.most = p->retries,
			  .stopping = p->stopping,
			  .rng = &rng,
			  .before = before};
	int rc;

	rng_seed(&rng, (uint64_t)time(NULL), 0);
	if (p->token)
		buf_addf(&secret, "Authorization: Bearer %s", p->token);
	q->method = "GET";
	q->secret = secret.data;
	q->silence = p->timeout;
	q->follow = 5;
	rc = retry_fetch(&t, p->http, q, r, e);
	if (secret.data)
		memset(secret.data, 0, secret.len);
	buf_release(&secret);
	return rc < 0 ? -1 : 0;
}

/* --- the list --- */

static int is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* A member that is a string of n hex digits. */
static int hex_of(struct span v, const char *name, size_t n, char to[65])
{
	struct buf b = BUF_INIT;
	int good = !json_string(json_member(v, name), &b) && b.len == n && is_hex(b.data, n);

	if (good)
		memcpy(to, b.data, n + 1);
	buf_release(&b);
	return good;
}

static int plain(const char *name)
{
	size_t n = strlen(name);

	return n && n < 200 && *name != '.' &&
	       n == strspn(name,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
}

static int parse_list(struct span body, struct pull_list *l, struct err *e)
{
	struct json_iter it = {0};
	struct span v, key, x;
	size_t cap = 0;

	if (json_check(body, &v, e))
		return -1;
	if (!hex_of(v, "sha", 40, l->commit))
		return err_set(e, "it names no commit");
	struct span siblings = json_member(v, "siblings");
	while (json_next(&it, siblings, &key, &x)) {
		struct span lfs = json_member(x, "lfs");
		struct pull_file f = {0};
		struct buf name = BUF_INIT;
		int64_t size;

		if (json_string(json_member(x, "rfilename"), &name) ||
		    !plain(name.data ? name.data : "") || name.len != strlen(name.data)) {
			buf_release(&name); /* folders and odd names hold nothing that ft reads */
			continue;
		}
		f.lfs = json_kind(lfs) == JSON_OBJECT;
		if (json_int(json_member(f.lfs ? lfs : x, "size"), &size) || size < 0 ||
		    !(f.lfs ? hex_of(lfs, "sha256", 64, f.hash)
			    : hex_of(x, "blobId", 40, f.hash))) {
			err_set(e, "it tells no size and hash for %s", name.data);
			buf_release(&name);
			return -1;
		}
		if (size > FILE_SIZE_MAX) {
			err_set(e, "it promises %lld bytes for %s", (long long)size, name.data);
			buf_release(&name);
			return -1;
		}
		f.size = (uint64_t)size;
		f.name = buf_detach(&name, NULL);
		if (l->n == FILES_MAX) {
			free(f.name);
			return err_set(e, "it lists more than %d files", FILES_MAX);
		}
		l->v = mem_grow(l->v, &cap, l->n + 1, sizeof *l->v);
		l->v[l->n++] = f;
	}
	return 0;
}

int pull_list(const struct pull *p, const char *repo, const char *revision, struct pull_list *l,
	      struct err *e)
{
	struct http_response r = {0};
	const char *headers[] = {"Accept: application/json", NULL}, *c;
	struct http_request q = {.headers = headers};
	struct buf url = BUF_INIT, what = BUF_INIT;
	int rc;

	memset(l, 0, sizeof *l);
	buf_addf(&url, "%s/api/models/%s/revision/", p->endpoint, repo);
	for (c = revision; *c; c++)
		buf_adds(&url, *c == '/' ? "%2F" : (char[]){*c, 0});
	buf_adds(&url, "?blobs=true");
	buf_addf(&what, "%s, revision %s", repo, revision);
	q.url = url.data;
	rc = get(p, &q, NULL, &r, e);
	if (!rc && (r.failure != HTTP_DONE || r.status != 200))
		rc = refused(p, repo, what.data, &r, e);
	else if (!rc && parse_list(buf_span(&r.body), l, e))
		rc = err_prefix(e, "the hub's list of %s", what.data);
	if (rc)
		pull_list_release(l);
	http_response_release(&r);
	buf_release(&url);
	buf_release(&what);
	return rc;
}

/* --- one file --- */

struct fetch {
	const struct pull *p;
	const char *path; /* of the incomplete file */
	uint64_t done;
	char range[48];
	const char *headers[3];
};

static uint64_t size_of(const char *path)
{
	struct stat s;

	return lstat(path, &s) || !S_ISREG(s.st_mode) ? 0 : (uint64_t)s.st_size;
}

/* Others may write to a shared cache: a link in a download's place leads elsewhere. */
static int is_link(const char *path)
{
	struct stat s;

	return !lstat(path, &s) && !S_ISREG(s.st_mode);
}

/* What is there already need not come again. */
static void ask_rest(struct http_request *q)
{
	struct fetch *f = q->arg;

	f->done = size_of(f->path);
	snprintf(f->range, sizeof f->range, "Range: bytes=%llu-", (unsigned long long)f->done);
	f->headers[1] = f->done ? f->range : NULL;
}

static void on_data(void *arg, const char *p, size_t n)
{
	struct fetch *f = arg;

	(void)p;
	f->done += n;
	if (f->p->on_bytes)
		f->p->on_bytes(f->p->arg, f->done);
}

/* 0 where the bytes are those that were promised. */
static int verify(const char *path, const struct pull_file *f, struct err *e)
{
	uint64_t size = size_of(path);
	char hex[65];

	if (size != f->size)
		return err_set(e, "%s: %llu bytes came, the hub promised %llu", f->name,
			       (unsigned long long)size, (unsigned long long)f->size);
	if ((f->lfs ? digest_sha256 : digest_git)(path, hex, e))
		return -1;
	return strcmp(hex, f->hash)
		       ? err_set(e,
				 "%s: the bytes that came have another hash than the hub promised",
				 f->name)
		       : 0;
}

static int download(const struct pull *p, const char *repo, const char *commit,
		    const struct pull_file *f, const char *incomplete, struct err *e)
{
	struct fetch fetch = {p, incomplete, .headers = {"Accept-Encoding: identity"}};
	struct http_request q = {.save = incomplete,
				 .most = f->size ? f->size : 1,
				 .headers = fetch.headers,
				 .on_data = on_data,
				 .arg = &fetch};
	struct http_response r = {0};
	struct buf url = BUF_INIT;
	int rc = 0, again;

	buf_addf(&url, "%s/%s/resolve/%s/%s", p->endpoint, repo, commit, f->name);
	q.url = url.data;
	/* A second time from the beginning where what was there of the file was wrong. */
	for (again = 0; again < 2; again++) {
		uint64_t before = size_of(incomplete);

		if (before > f->size || is_link(incomplete) ||
		    (!again && before == f->size && before && verify(incomplete, f, e))) {
			unlink(incomplete);
			before = 0;
		}
		if (before < f->size || !f->size) {
			rc = get(p, &q, ask_rest, &r, e);
			if (!rc && (r.failure != HTTP_DONE || (r.status != 200 && r.status != 206)))
				rc = refused(p, repo, f->name, &r, e);
			if (rc)
				break;
			if (!f->size && !file_exists(incomplete) &&
			    file_write(incomplete, "", 0, e)) {
				rc = -1;
				break;
			}
		}
		rc = verify(incomplete, f, e);
		if (!rc)
			break;
		unlink(incomplete);
		if (!before)
			break;
	}
	http_response_release(&r);
	buf_release(&url);
	return rc;
}

/* snapshots/COMMIT/NAME -> ../../blobs/HASH, made beside and renamed so that it is never
 * missing. */
static int link_file(const char *repo_dir, const char *commit, const struct pull_file *f,
		     struct err *e)
{
	struct buf dir = BUF_INIT, to = BUF_INIT, path = BUF_INIT, beside = BUF_INIT;
	char now[300];
	ssize_t n;
	int rc;

	buf_addf(&dir, "%s/snapshots/%s", repo_dir, commit);
	buf_addf(&to, "../../blobs/%s", f->hash);
	buf_addf(&path, "%s/%s", dir.data, f->name);
	buf_addf(&beside, "%s.%ld", path.data, (long)getpid());
	rc = file_mkdir(dir.data, e);
	n = readlink(path.data, now, sizeof now);
	if (!rc && !(n == (ssize_t)to.len && !memcmp(now, to.data, to.len))) {
		if (symlink(to.data, beside.data) || rename(beside.data, path.data)) {
			rc = err_errno(e, "%s", path.data);
			unlink(beside.data);
		}
	}
	buf_release(&dir);
	buf_release(&to);
	buf_release(&path);
	buf_release(&beside);
	return rc;
}

int pull_get(const struct pull *p, const char *repo, const char *repo_dir, const char *commit,
	     const struct pull_file *f, struct err *e)
{
	struct buf blob = BUF_INIT, incomplete = BUF_INIT, lock = BUF_INIT;
	int fd = -1, had, rc = -1;

	buf_addf(&lock, "%s/blobs", repo_dir);
	if (file_mkdir(lock.data, e))
		goto cleanup;
	buf_addf(&blob, "%s/%s", lock.data, f->hash);
	buf_addf(&incomplete, "%s.incomplete", blob.data);
	buf_addf(&lock, "/%s.lock", f->hash);
	had = file_exists(blob.data) && size_of(blob.data) == f->size;
	if (!had) {
		fd = file_lock(lock.data, f->name, e);
		if (fd < 0 || download(p, repo, commit, f, incomplete.data, e))
			goto cleanup;
		if (rename(incomplete.data, blob.data)) {
			err_errno(e, "%s", blob.data);
			goto cleanup;
		}
	}
	rc = link_file(repo_dir, commit, f, e) ? -1 : had;
cleanup:
	if (fd >= 0) {
		if (rc >= 0)
			unlink(lock.data);
		close(fd);
	}
	buf_release(&blob);
	buf_release(&incomplete);
	buf_release(&lock);
	return rc;
}

int pull_set_ref(const char *repo_dir, const char *revision, const char *commit, struct err *e)
{
	struct buf path = BUF_INIT;
	char *slash;
	int rc;

	if (!strcmp(revision, commit))
		return 0;
	buf_addf(&path, "%s/refs/%s", repo_dir, revision);
	slash = strrchr(path.data, '/');
	*slash = 0;
	rc = file_mkdir(path.data, e);
	*slash = '/';
	if (!rc)
		rc = file_write(path.data, commit, strlen(commit), e);
	buf_release(&path);
	return rc;
}
