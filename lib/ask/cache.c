/* cache: one table in write-ahead mode, where a commit is one write without waiting for the
 * disk. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "cache.h"

#define APPLICATION_ID 0x66742d63 /* "ft-c" */
#define PATIENCE_MS 20000	  /* for other processes that write */
#define PAUSE_MS 5

struct cache {
	sqlite3 *db;
	sqlite3_stmt *get, *put;
	char *path;
};

struct cache_key cache_key(struct span identity, struct span model, struct span body, int sample,
			   int attempt)
{
	struct span parts[] = {identity, model, body};
	int32_t numbers[2] = {sample, attempt};
	XXH128_canonical_t canonical;
	struct buf all = BUF_INIT;
	struct cache_key key;

	for (int i = 0; i < 3; i++) {
		/* Lengths first, so that no two lists of parts run together into the same bytes. */
		uint64_t n = parts[i].n;

		buf_add(&all, &n, sizeof n);
		buf_addspan(&all, parts[i]);
	}
	buf_add(&all, numbers, sizeof numbers);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(all.data, all.len));
	memcpy(key.bytes, canonical.digest, sizeof key.bytes);
	buf_release(&all);
	return key;
}

static int fail(struct cache *c, struct err *e)
{
	return err_set(e, "cache %s: %s", c->path, c->db ? sqlite3_errmsg(c->db) : "out of memory");
}

static int number(struct cache *c, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int x = -1;

	if (sqlite3_prepare_v2(c->db, sql, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		x = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return x;
}

/* Runs sql until no other process is in its way. SQLite itself does not wait where two that hold
 * the file both want more of it. */
static int run(struct cache *c, const char *sql)
{
	double end = progress_clock() + PATIENCE_MS / 1e3;

	for (;;) {
		int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

		if (rc != SQLITE_BUSY || progress_clock() >= end)
			return rc == SQLITE_OK ? 0 : -1;
		sqlite3_sleep(PAUSE_MS);
	}
}

/* Makes the table in a file without any. Under the lock of writers, since another process may be
 * making it at this moment. 1 where the file is somebody else's, which stays as it is. */
static int make(struct cache *c)
{
	static const char table[] =
		"PRAGMA application_id = 1718889827;" /* APPLICATION_ID */
		"CREATE TABLE answers (key BLOB PRIMARY KEY, model TEXT, made INTEGER, answer TEXT) WITHOUT ROWID;";
	int id, tables;

	if (run(c, "BEGIN IMMEDIATE"))
		return -1;
	id = number(c, "PRAGMA application_id");
	tables = number(c, "SELECT count(*) FROM sqlite_master");
	if (id == APPLICATION_ID)
		return run(c, "COMMIT");
	if (tables > 0)
		return 1;
	return tables < 0 || run(c, table) ? -1 : run(c, "COMMIT");
}

struct cache *cache_open(const char *path, struct err *e)
{
	struct cache *c = mem_alloc(1, sizeof *c);
	int id, made = 0;

	c->path = mem_strdup(path);
	if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK)
		goto fail;
	sqlite3_busy_timeout(c->db, PATIENCE_MS);
	id = number(c, "PRAGMA application_id");
	if (id < 0)
		goto fail;
	if (id != APPLICATION_ID)
		made = make(c);
	if (made > 0) {
		err_set(e, "cache %s: this database is no cache of ft", path);
		goto drop;
	}
	if (made < 0 || run(c, "PRAGMA journal_mode = WAL") ||
	    run(c, "PRAGMA synchronous = NORMAL") ||
	    sqlite3_prepare_v2(c->db, "SELECT answer FROM answers WHERE key = ?", -1, &c->get,
			       NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(c->db, "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", -1,
			       &c->put, NULL) != SQLITE_OK)
		goto fail;
	return c;
fail:
	fail(c, e);
drop:
	cache_close(c);
	return NULL;
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	sqlite3_finalize(c->get);
	sqlite3_finalize(c->put);
	sqlite3_close(c->db);
	free(c->path);
	free(c);
}

int cache_get(struct cache *c, const struct cache_key *key, struct buf *json, struct err *e)
{
	int found = 0, rc;

	sqlite3_bind_blob(c->get, 1, key->bytes, sizeof key->bytes, SQLITE_STATIC);
	rc = sqlite3_step(c->get);
	if (rc == SQLITE_ROW) {
		buf_add(json, sqlite3_column_blob(c->get, 0),
			(size_t)sqlite3_column_bytes(c->get, 0));
		found = 1;
	} else if (rc != SQLITE_DONE) {
		found = fail(c, e);
	}
	sqlite3_reset(c->get);
	return found;
}

int cache_put(struct cache *c, const struct cache_key *key, const char *model, struct span json,
	      struct err *e)
{
	int rc = 0;

	sqlite3_bind_blob(c->put, 1, key->bytes, sizeof key->bytes, SQLITE_STATIC);
	sqlite3_bind_text(c->put, 2, model, -1, SQLITE_STATIC);
	sqlite3_bind_int64(c->put, 3, (sqlite3_int64)time(NULL));
	sqlite3_bind_text64(c->put, 4, json.s, json.n, SQLITE_STATIC, SQLITE_UTF8);
	if (sqlite3_step(c->put) != SQLITE_DONE)
		rc = fail(c, e);
	sqlite3_reset(c->put);
	return rc;
}
