/* What lib/base promises: buffers with ceilings, options, atomic files, random numbers, the
 * pool. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../lib/base/arena.h"
#include "../../lib/base/buf.h"
#include "../../lib/base/file.h"
#include "../../lib/base/large.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/opt.h"
#include "../../lib/base/pool.h"
#include "../../lib/base/rng.h"
#include "tap.h"

static void buffers(void)
{
	struct buf b = {.max = 10};
	ok(buf_adds(&b, "12345678") == 0 && buf_adds(&b, "abc") < 0 && b.full && b.len == 8,
	   "an addition beyond the ceiling adds nothing");
	ok(buf_addc(&b, 'x') < 0, "and the buffer stays full");
	buf_clear(&b);
	ok(buf_addf(&b, "%d", 42) == 0 && strcmp(b.data, "42") == 0, "until it is cleared");
	buf_release(&b);
	struct buf f = BUF_INIT;
	buf_addf(&f, "%0500d", 7);
	ok(f.len == 500 && f.data[499] == '7', "long formats are written whole");
	char *p = buf_detach(&f, NULL);
	ok(f.len == 0 && f.data == NULL, "detach hands the bytes over");
	free(p);
	size_t product;
	ok(mem_mul((size_t)1 << 40, (size_t)1 << 40, &product) < 0,
	   "a product that overflows is noticed");
}

static void arenas(void)
{
	struct arena a = {.max = 300000};
	char *small = arena_get(&a, 3), *large, *next;
	struct span text = arena_text(&a, "abc", 3);
	size_t i, dirty = 0;
	ok(small && (uintptr_t)small % 16 == 0 && text.n == 3 && strcmp(text.s, "abc") == 0,
	   "an arena gives memory and keeps texts");
	large = arena_get(&a, 200000);
	for (i = 0; large && i < 200000; i++)
		dirty += large[i] != 0;
	ok(large && !dirty, "pieces larger than a chunk come zeroed too");
	memset(large, 1, 200000);
	next = arena_get(&a, 40);
	ok(next && (uintptr_t)next % 16 == 0 && !next[0] && !next[39] && strcmp(text.s, "abc") == 0,
	   "and none touches another");
	ok(!arena_get(&a, 100000) && !arena_text(&a, text.s, SIZE_MAX - 1).s && arena_get(&a, 1000),
	   "beyond the ceiling there is nothing");
	arena_release(&a);
	ok(a.total == 0 && arena_get(&a, 300000), "an arena that was released is empty and valid");
	arena_release(&a);
}

/* n bytes, all of them nought until now; they are filled with `byte`. */
static unsigned char *filled(struct large *l, size_t n, int byte, size_t *dirty)
{
	unsigned char *p = large_get(l, n);

	for (size_t i = 0; i < n; i++)
		*dirty += p[i] != 0;
	return memset(p, byte, n);
}

static int all_are(const unsigned char *p, size_t n, int byte)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte)
			return 0;
	return 1;
}

static void large_pieces(void)
{
	/* 9 MB fit three times into a chunk of 32, and 40 MB into none. */
	static const size_t sizes[] = {1, 63, 9 << 20, 65, 9 << 20, 40 << 20, 9 << 20, 9 << 20, 3};
	enum { N = sizeof sizes / sizeof *sizes };
	struct large l = {0};
	unsigned char *piece[N];
	size_t dirty = 0, aligned = 0, kept = 0;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < N; i++) {
			piece[i] = filled(&l, sizes[i], (int)i + 1, &dirty);
			aligned += (uintptr_t)piece[i] % 64 == 0;
		}
		for (size_t i = 0; i < N; i++)
			kept += (size_t)all_are(piece[i], sizes[i], (int)i + 1);
		large_release(&l);
	}
	ok(dirty == 0, "large memory comes zeroed, after it was released too");
	ok(aligned == 2 * N, "and aligned for vectors");
	ok(kept == 2 * N, "and none of its pieces touches another");
}

struct opts {
	int flag, choice;
	const char *str;
	char *text;
	long long n;
	double x;
	size_t size;
	struct opt_list list;
};

static int parse(struct opts *o, int *operands, struct err *e, char **argv)
{
	struct opt table[] = {
		{'f', "flag", OPT_FLAG, &o->flag, NULL, "a flag"},
		{'s', "str", OPT_STR, &o->str, "S", "a string"},
		{'t', "text", OPT_TEXT, &o->text, "TEXT", "a text"},
		{'n', "number", OPT_INT, &o->n, "N", "a number", 1, 10},
		{'x', "real", OPT_REAL, &o->x, "X", "a real", .without = "flag str: why not"},
		{0, "size", OPT_SIZE, &o->size, "BYTES", "a size", .with = "flag str real: why"},
		{0, "choice", OPT_CHOICE, &o->choice, "a|bc|d", "a choice", 5},
		{'l', "list", OPT_LIST, &o->list, "V", "a list"},
		{0},
	};
	struct program p = {"ft-test", "", "a test", table, ""};
	int argc = 0;
	while (argv[argc])
		argc++;
	return opt_parse(&p, argc, argv, operands, e);
}

#define ARGS(...) ((char *[]){"ft-test", __VA_ARGS__, NULL})

static void options(void)
{
	struct opts o = {0};
	struct err e = ERR_INIT;
	int n = 0;
	char **a = ARGS("one", "-fs", "v", "two", "--number=7", "--size", "2G", "-l1", "--list",
			"2", "-", "--", "-z");
	ok(parse(&o, &n, &e, a) == 0, "mixed options and operands are parsed");
	ok(n == 4 && !strcmp(a[1], "one") && !strcmp(a[2], "two") && !strcmp(a[3], "-") &&
		   !strcmp(a[4], "-z"),
	   "operands keep their order");
	ok(o.flag && !strcmp(o.str, "v") && o.n == 7 && o.size == (size_t)2 << 30, "values arrive");
	ok(o.list.n == 2 && !strcmp(o.list.v[1], "2"), "lists grow");
	free(o.list.v);
	ok(parse(&o, &n, &e, ARGS("--number", "11")) < 0 && strstr(e.msg, "from 1 to 10"),
	   "ranges are checked");
	ok(parse(&o, &n, &e, ARGS("-x", "-1.5", "--size", "1")) == 0 && o.x == -1.5,
	   "an option goes with one of those it names");
	ok(parse(&o, &n, &e, ARGS("--size", "0")) < 0 &&
		   !strcmp(e.msg, "--size goes with --flag, --str or --real: why"),
	   "an option that needs another is refused alone, also with its default");
	ok(parse(&o, &n, &e, ARGS("-s", "", "--real", "0")) < 0 &&
		   !strcmp(e.msg, "--real does not go with --str: why not"),
	   "and beside one that it does not go with");
	ok(parse(&o, &n, &e, ARGS("--choice", "bc")) == 0 && o.choice == 6,
	   "a choice is its place, from where the table counts");
	ok(parse(&o, &n, &e, ARGS("--choice", "b")) < 0 &&
		   !strcmp(e.msg, "--choice b: must be a, bc or d"),
	   "another value is refused with the list");
	ok(parse(&o, &n, &e, ARGS("--number", "3x")) < 0, "half a number is none");
	ok(parse(&o, &n, &e, ARGS("--real", "nan")) < 0 && parse(&o, &n, &e, ARGS("-x", "inf")) < 0,
	   "nor are NaN and infinity");
	ok(parse(&o, &n, &e, ARGS("--size", "-1")) < 0 &&
		   parse(&o, &n, &e, ARGS("--size", "3Q")) < 0,
	   "sizes are sizes");
	ok(parse(&o, &n, &e, ARGS("--num", "3")) == 0 && o.n == 3,
	   "a name may be cut short where no other begins so");
	ok(parse(&o, &n, &e, ARGS("--str")) < 0 && strstr(e.msg, "needs a value"),
	   "a missing value is said");
	ok(parse(&o, &n, &e, ARGS("--flag=1")) < 0, "a flag takes no value");
	ok(parse(&o, &n, &e, ARGS("--text", "@/no/such/file")) < 0 &&
		   strstr(e.msg, "/no/such/file"),
	   "@FILE that is missing is said");
	ok(parse(&o, &n, &e, ARGS("--text", "@@x")) == 0 && !strcmp(o.text, "@x"),
	   "@@ is a leading @");
	ok(parse(&o, &n, &e, ARGS("--help", "--nonsense")) == OPT_HELP, "--help is an answer");
	free(o.text);
}

static void files(void)
{
	char dir[] = "/tmp/ft-base-XXXXXX";
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct file_new w;
	if (!mkdtemp(dir))
		return;
	char *path = file_join(dir, "a/b"), *sub = file_join(dir, "a");
	ok(file_write(path, "x", 1, &e) < 0, "no directory, no file");
	ok(file_mkdir(sub, &e) == 0 && file_write(path, "old", 3, &e) == 0, "a file is written");
	ok(file_begin(path, &w, &e) == 0 && fputs("new", w.f) >= 0, "a second one is begun");
	file_abort(&w);
	ok(file_read(path, 100, &b, &e) == 0 && !strcmp(b.data, "old"),
	   "and aborted: the old one stands");
	ok(file_read(path, 2, &b, &e) < 0 && strstr(e.msg, "larger"),
	   "the ceiling of reading holds");
	ok(file_write("/dev/full/x", "x", 1, &e) < 0, "a file that cannot be made is an error");
	unlink(path);
	rmdir(sub);
	rmdir(dir);
	free(path);
	free(sub);
	buf_release(&b);
}

/* The type of what stands at a path itself, 0 where there is nothing. */
static mode_t type_of(const char *path)
{
	struct stat st;
	return lstat(path, &st) < 0 ? 0 : st.st_mode & S_IFMT;
}

static void special_files(void)
{
	char dir[] = "/tmp/ft-base-XXXXXX", got[16] = "";
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct file_new w;
	if (!mkdtemp(dir))
		return;
	char *sub = file_join(dir, "sub"), *fifo = file_join(dir, "fifo"),
	     *target = file_join(dir, "sub/target"), *link = file_join(dir, "link"),
	     *chain = file_join(dir, "chain"), *full = file_join(dir, "full"),
	     *loop = file_join(dir, "loop"), *at = NULL;
	ok(mkdir(sub, 0700) == 0 && mkfifo(fifo, 0600) == 0 && symlink("sub/target", link) == 0 &&
		   symlink(link, chain) == 0 && symlink("/dev/full", full) == 0 &&
		   symlink("loop", loop) == 0,
	   "a FIFO and symbolic links are made");
	ok(file_write(chain, "one", 3, &e) == 0 && type_of(target) == S_IFREG &&
		   file_write(link, "second", 6, &e) == 0,
	   "a file is written through links that led nowhere, and again");
	ok(type_of(link) == S_IFLNK && type_of(chain) == S_IFLNK &&
		   file_read(target, 100, &b, &e) == 0 && strcmp(b.data, "second") == 0,
	   "the links stay and the file has the text");
	ok(file_begin(link, &w, &e) == 0 && strncmp(w.tmp, sub, strlen(sub)) == 0,
	   "the temporary stands beside the file, not the link");
	at = strdup(w.tmp);
	fputs("half", w.f);
	file_abort(&w);
	buf_clear(&b);
	ok(type_of(at) == 0 && file_read(target, 100, &b, &e) == 0 && strcmp(b.data, "second") == 0,
	   "aborted, it is gone and the old file stands");
	int fd = open(fifo, O_RDWR); /* its own reader: nothing waits */
	ok(file_write(fifo, "text", 4, &e) == 0 && type_of(fifo) == S_IFIFO &&
		   read(fd, got, sizeof got - 1) == 4 && strcmp(got, "text") == 0,
	   "a FIFO is written to and stays one");
	close(fd);
	ok(file_write(full, "x", 1, &e) < 0 && strstr(e.msg, full) && type_of(full) == S_IFLNK,
	   "a full device is an error that names the path");
	ok(file_write(loop, "x", 1, &e) < 0 && strstr(e.msg, "symbolic links"),
	   "links in a circle are an error");
	fd = open(target, O_WRONLY | O_APPEND);
	char number[32];
	snprintf(number, sizeof number, "/dev/fd/%d", fd);
	buf_clear(&b);
	ok(file_write(number, " more", 5, &e) == 0 && file_read(target, 100, &b, &e) == 0 &&
		   strcmp(b.data, "second more") == 0,
	   "an open file is written to where it is");
	close(fd);
	ok(file_write(number, "x", 1, &e) < 0, "a closed one is an error");
	char *all[] = {target, sub, fifo, link, chain, full, loop, at};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		remove(all[i]);
		free(all[i]);
	}
	ok(rmdir(dir) == 0, "and nothing else was made");
	buf_release(&b);
}

static void randoms(void)
{
	struct rng a, b;
	rng_seed(&a, 1, 2);
	rng_seed(&b, 1, 2);
	ok(rng_u64(&a) == rng_u64(&b), "a seed gives its numbers again");
	rng_seed(&b, 2, 1);
	rng_seed(&a, 1, 2);
	ok(rng_u64(&a) != rng_u64(&b), "seed and stream are not interchangeable");
	double sum = 0, sq = 0, mean = 0;
	size_t hits[7] = {0};
	for (int i = 0; i < 100000; i++) {
		double z = rng_normal(&a);
		sum += z;
		sq += z * z;
		mean += rng_uniform(&a);
		hits[rng_below(&a, 7)]++;
	}
	ok_near(sum / 1e5, 0, 0.015, "normals have mean 0");
	ok_near(sq / 1e5, 1, 0.02, "and variance 1");
	ok_near(mean / 1e5, 0.5, 0.005, "uniforms have mean one half");
	double chi = 0;
	for (int i = 0; i < 7; i++)
		chi += (hits[i] - 1e5 / 7) * (hits[i] - 1e5 / 7) / (1e5 / 7);
	ok(chi < 22.46,
	   "seven sides come up alike (chi-square %.1f, 99.9 %% point of 6 degrees 22.46)", chi);
}

static void piece(void *arg, size_t i)
{
	((size_t *)arg)[i] += i;
}

static void pools(void)
{
	for (int threads = 1; threads <= 4; threads++) {
		struct pool *p = pool_new(threads);
		size_t out[1000] = {0}, good = 1;
		for (int round = 0; round < 200; round++)
			pool_run(p, 1000, piece, out);
		for (size_t i = 0; i < 1000; i++)
			good &= out[i] == 200 * i;
		ok(good, "%d threads do each piece once, 200 rounds", threads);
		pool_free(p);
	}
}

int main(void)
{
	buffers();
	arenas();
	large_pieces();
	options();
	files();
	special_files();
	randoms();
	pools();
	return tap_done();
}
