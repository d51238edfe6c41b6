/* What batch_next gives is what reader_next gives: records, their places, reasons, what is skipped,
 * for any number of threads, on random files with all that may be wrong in them. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/rng.h"
#include "../../lib/json/batch.h"
#include "tap.h"

static char paths[2][32] = {"/tmp/json-batch-XXXXXX", "/tmp/json-batch-XXXXXX"};
static char *files[] = {paths[0], paths[1], NULL};
static char marks[BATCH_LINES];

static void write_bytes(const char *path, const struct buf *b)
{
	FILE *f = fopen(path, "w");
	fwrite(b->data, 1, b->len, f);
	fclose(f);
}

static void skipped(void *arg, const struct err *why)
{
	buf_addf(arg, "skipped %s\n", why->msg);
}

static void begin(struct reader *r, int skip_bad, struct buf *said)
{
	reader_init(r, files);
	r->skip_bad = skip_bad;
	r->on_bad = skipped;
	r->arg = said;
}

static void say(struct buf *b, const struct record *rec, const struct err *at)
{
	buf_addf(b, "%s %zu members: ", at->msg, rec->n);
	buf_addspan(b, rec->line);
	buf_addc(b, '\n');
}

static void end(struct reader *r, int got, const struct err *e, struct buf *said)
{
	buf_addf(said, "%d %s, %zu rows, %zu skipped", got, got < 0 ? e->msg : "", r->rows,
		 r->skipped);
	reader_release(r);
}

static void one_by_one(int skip_bad, struct buf *said)
{
	struct reader r;
	struct record rec = {0};
	struct err e = ERR_INIT;
	int got;

	begin(&r, skip_bad, said);
	while ((got = reader_next(&r, &rec, &e)) > 0) {
		struct err at = {"row"};
		reader_at(&r, &at);
		say(said, &rec, &at);
	}
	end(&r, got, &e, said);
	record_release(&rec);
}

static void mark(void *arg, size_t i, const struct record *rec)
{
	((char *)arg)[i] = rec->line.s[rec->line.n - 1];
}

static void at_once(int threads, int skip_bad, struct buf *said, int *worked)
{
	struct reader r;
	struct pool *pool = pool_new(threads);
	struct batch b = {.reader = &r, .pool = pool, .work = mark, .arg = marks};
	const struct record *rec;
	struct err e = ERR_INIT;
	size_t i;
	int got;

	begin(&r, skip_bad, said);
	while ((got = batch_next(&b, &i, &rec, &e)) > 0) {
		struct err at = {"row"};
		batch_at(&b, &at);
		say(said, rec, &at);
		*worked &= marks[i] == rec->line.s[rec->line.n - 1];
	}
	batch_release(&b);
	end(&r, got, &e, said);
	pool_free(pool);
}

static void add_line(struct rng *g, struct buf *b)
{
	static const char *const odd[] = {"",
					  "  \t",
					  "{\"a\":1",
					  "[1,2]",
					  "{\"a\":\"\xff\"}",
					  "{\"a\":1,\"a\":2}",
					  "a,b,c",
					  "{} {}",
					  "{\"a\":\"\\q\"}",
					  "{\"a\" :[]}\r"};
	if (rng_below(g, 60) == 0) {
		buf_adds(b, odd[rng_below(g, sizeof odd / sizeof *odd)]);
	} else {
		buf_addf(b, "{\"id\":%u,\"t\":\"", (unsigned)rng_below(g, 1000));
		size_t n = rng_below(g, 500) ? rng_below(g, 200) : rng_below(g, 700000);
		for (size_t i = 0; i < n; i++)
			buf_addc(b, "abc \xe2"[rng_below(g, 2000) ? rng_below(g, 4) : 4]);
		buf_adds(b, "\"}");
	}
	buf_addc(b, '\n');
}

static void write_files(struct rng *g)
{
	for (int k = 0; k < 2; k++) {
		struct buf b = BUF_INIT;
		size_t lines = rng_below(g, 3000);
		for (size_t i = 0; i < lines; i++)
			add_line(g, &b);
		if (b.len && rng_below(g, 2))
			b.len -= 1 + rng_below(g, 2);
		write_bytes(paths[k], &b);
		buf_release(&b);
	}
}

int main(void)
{
	struct rng g;
	int same = 1, worked = 1, rows = 0, stopped = 0;

	rng_seed(&g, 7, 0);
	for (int k = 0; k < 2; k++) {
		int fd = mkstemp(paths[k]);
		if (fd < 0)
			return 1;
		close(fd);
	}
	for (int round = 0; round < 24; round++) {
		struct buf want = BUF_INIT;
		int skip_bad = round % 3 != 0;
		write_files(&g);
		one_by_one(skip_bad, &want);
		rows += strstr(want.data, "row") != NULL;
		stopped += strstr(want.data, "\n-1 ") != NULL;
		for (int threads = 1; threads <= 5; threads += 2) {
			struct buf got = BUF_INIT;
			at_once(threads, skip_bad, &got, &worked);
			if (strcmp(got.data, want.data) != 0)
				printf("# round %d, %d threads\n", round, threads);
			same &= strcmp(got.data, want.data) == 0;
			buf_release(&got);
		}
		buf_release(&want);
	}
	ok(same, "records, places, reasons and counts are those of the plain reader");
	ok(worked, "what was made of a record comes with it");
	ok(rows > 12 && stopped > 2, "there were rows (%d files) and reasons to stop (%d)", rows,
	   stopped);
	for (int k = 0; k < 2; k++)
		unlink(paths[k]);
	return tap_done();
}
