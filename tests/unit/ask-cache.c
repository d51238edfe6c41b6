/* The cache file under several processes that open it for the first time at one moment, and beside
 * databases of others. */
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../lib/ask/cache.h"
#include "tap.h"

enum { ROUNDS = 40, PROCESSES = 8 };

static struct cache_key key_of(int n)
{
	return cache_key(span_of("http://127.0.0.1"), span_of("model"), span_of("{}"), n, 0);
}

/* Waits for the start, opens the file and keeps one answer in it; 0 when all of it went well. */
static int open_and_put(const char *path, int start, int n)
{
	struct err e = ERR_INIT;
	struct cache_key key = key_of(n);
	struct cache *c;
	char go;
	int rc;

	if (read(start, &go, 1) < 0)
		return 1;
	c = cache_open(path, &e);
	rc = !c || cache_put(c, &key, "model", span_of("{}"), &e) != 0;
	if (rc)
		fprintf(stderr, "# %s\n", e.msg);
	cache_close(c);
	return rc;
}

/* How many of several processes failed that opened one new file at the same time. */
static int race(const char *path)
{
	int start[2], failed = 0, status;

	if (pipe(start) != 0)
		return PROCESSES;
	fflush(stdout);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			close(start[1]);
			_exit(open_and_put(path, start[0], i));
		}
	close(start[0]);
	close(start[1]); /* the end of the pipe starts them all */
	while (wait(&status) > 0)
		failed += status != 0;
	return failed;
}

static int answers_in(const char *path)
{
	struct err e = ERR_INIT;
	struct cache *c = cache_open(path, &e);
	struct buf json = BUF_INIT;
	int n = 0;

	for (int i = 0; c && i < PROCESSES; i++) {
		struct cache_key key = key_of(i);

		n += cache_get(c, &key, &json, &e) == 1;
	}
	buf_release(&json);
	cache_close(c);
	return n;
}

static void forget(const char *path)
{
	static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
	char name[64];

	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		snprintf(name, sizeof name, "%s%s", path, tails[i]);
		unlink(name);
	}
}

static void first_opened_by_several(const char *path)
{
	int failed = 0, answers = 0;

	for (int i = 0; i < ROUNDS; i++) {
		failed += race(path);
		answers += answers_in(path);
		forget(path);
	}
	ok(failed == 0, "%d processes open one new file %d times: all get in (%d did not)",
	   PROCESSES, ROUNDS, failed);
	ok(answers == ROUNDS * PROCESSES, "and every answer is kept");
}

static void of_others(const char *path)
{
	struct err e = ERR_INIT;
	struct stat before, after;
	struct cache *c;
	sqlite3 *db;

	ok(sqlite3_open(path, &db) == SQLITE_OK &&
		   sqlite3_exec(db, "CREATE TABLE notes (t)", NULL, NULL, NULL) == SQLITE_OK,
	   "a database of somebody else");
	sqlite3_close(db);
	stat(path, &before);
	c = cache_open(path, &e);
	stat(path, &after);
	ok(!c && strstr(e.msg, "no cache of ft"), "is refused");
	ok(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		   before.st_mtim.tv_nsec == after.st_mtim.tv_nsec,
	   "and not written to");
	cache_close(c);
	forget(path);

	FILE *f = fopen(path, "w");
	for (int i = 0; f && i < 4096; i++)
		fputc('x', f);
	if (f)
		fclose(f);
	c = cache_open(path, &e);
	ok(!c && strstr(e.msg, path), "so is a file that is no database: %s", e.msg);
	cache_close(c);
	forget(path);
}

int main(void)
{
	char dir[] = "/tmp/ft-cache-XXXXXX", path[40];

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof path, "%s/cache.db", dir);
	first_opened_by_several(path);
	of_others(path);
	rmdir(dir);
	return tap_done();
}
