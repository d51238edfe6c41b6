/* The second reading of an input: rows come again as they were, and an input that is another one by
 * then is refused. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/split/trail.h"
#include "tap.h"

static char path[] = "/tmp/split-trail-XXXXXX";

static void write_text(const char *text)
{
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static void skipped(void *arg, const struct err *why)
{
	(void)arg, (void)why;
}

static void begin(struct reader *r, int skip_bad)
{
	static char *files[] = {path, NULL};
	reader_init(r, files);
	r->skip_bad = skip_bad;
	r->on_bad = skipped;
}

static void read_first(struct trail *t, const char *text, int skip_bad)
{
	struct reader r;
	struct record rec = {0};
	struct err e = ERR_INIT;
	struct footprint f;
	enum side side;

	write_text(text);
	begin(&r, skip_bad);
	while (reader_next(&r, &rec, &e) > 0 && !side_read(record_get(&rec, "split"), &side, &e) &&
	       !trail_print(&rec, side, &f, &e))
		trail_add(t, &f);
	reader_release(&r);
	record_release(&rec);
}

/* All rows again, on the side `test`, each with a newline; or the reason. */
static void read_again(struct trail *t, const char *text, int skip_bad, struct buf *b)
{
	struct reader r;
	struct trail_row row;
	struct err e = ERR_INIT;
	int got;

	write_text(text);
	begin(&r, skip_bad);
	buf_clear(b);
	while ((got = trail_next(t, &r, &row, &e)) > 0) {
		size_t rest = row.seam.at + row.seam.cut;
		buf_add(b, row.line.s, row.seam.at);
		if (row.seam.at)
			buf_addspan(b, trail_text(t, row.seam, SIDE_TEST));
		buf_add(b, row.line.s + rest, row.line.n - rest);
		buf_addc(b, '\n');
	}
	if (got < 0)
		buf_adds(b, e.msg);
	reader_release(&r);
	trail_release(t);
}

/* want: the end of what comes of the second text after the first. */
static void check(const char *first, const char *second, int skip_bad, const char *want,
		  const char *name)
{
	struct trail t = {0};
	struct buf b = BUF_INIT;

	read_first(&t, first, skip_bad);
	read_again(&t, second, skip_bad, &b);
	size_t n = strlen(want);
	ok(b.len >= n && strcmp(b.data + b.len - n, want) == 0, "%s", name);
	if (b.len < n || strcmp(b.data + b.len - n, want) != 0)
		printf("# got %s\n", b.data);
	buf_release(&b);
}

static void same(const char *text, const char *want, const char *name)
{
	check(text, text, 1, want, name);
}

int main(void)
{
	int fd = mkstemp(path);
	if (fd < 0)
		return 1;
	close(fd);
	same("{}\n", "{\"split\":\"test\"}\n", "a record without members");
	same(" { } \n", " {\"split\":\"test\" } \n", "white space stays");
	same("{\"a\": 1 }\r\n", "{\"a\": 1, \"split\": \"test\" }\r\n",
	     "the side is written as the members are");
	same("{\"a\":{\"b\": 1}}", "{\"a\":{\"b\": 1},\"split\":\"test\"}\n",
	     "a last line without its newline");
	same("{\"split\": null, \"a\":1}\n", "{\"split\": \"test\", \"a\":1}\n",
	     "no side gives way to one");
	same("{\"s\\u0070lit\":null,\"a\":1}\n", "{\"s\\u0070lit\":\"test\",\"a\":1}\n",
	     "also where the name is written with an escape");
	same("{\"split\":\"train\"}\n", "{\"split\":\"train\"}\n",
	     "a row that has a side keeps it");
	same("{\"a\":1}\n\n{oops\n{\"a\":2}\n",
	     "{\"a\":1,\"split\":\"test\"}\n{\"a\":2,\"split\":\"test\"}\n",
	     "lines that were passed over are passed over again");
	check("{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n", 0, ": 2 rows, then 1", "rows are gone");
	check("{\"a\":1}\n", "{\"a\":1}\n{\"a\":2}\n", 0, ":2: the input changed while it was read",
	      "rows were added");
	check("{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":3}\n", 1,
	      ":2: the input changed while it was read", "a row is another one");
	check("{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":2\n", 0,
	      ":2: the input changed while it was read", "a row is no record any more");
	unlink(path);
	return tap_done();
}
