/* How often drift is cried without drift, how often it is found with it, and how long a stream runs
 * until its first false alarm. A short form by default; FT_SLOW=1 runs 1,000 draws at each size,
 * 1,000 against 100,000 rows among them. With arguments it runs a part of the long form alone: one
 * cell (drift-null ROWS REFERENCE-ROWS KIND, such as `drift-null 1000 100000 text`), `power`,
 * `named`, `turned`, `cluster`, `stream` or `large`. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/drift/compare.h"
#include "../../lib/drift/window.h"
#include "../../lib/stats/dist.h"
#include "../../lib/stats/twosample.h"
#include "tap.h"

enum { NUMBERS = 1, FEW = 2, MANY = 4, SPARSE = 8, DATES = 16, TEXT = 32, ALL = 63, OUTPUT = 64 };

/* What a row is made of, and what may be wrong with it. */
struct world {
	int parts;
	double shift, share; /* of the number's mean in deviations; of category "a" instead of .2 */
	int turned;	     /* outputs go with the other inputs, as often as before */
	double fresh, far;   /* shares of rows with a new category, with a number far off */
	/* rows of one day; a day moves the mean by half a deviation and favours one category */
	int day_rows;
};

/* The day that rows are being made of. */
struct day {
	int number, left;
	double moved;
	char favours;
};

/* Zipf-like: common levels and rare ones. */
static unsigned level(struct rng *r, unsigned n)
{
	return (unsigned)((double)n * rng_uniform(r) * rng_uniform(r));
}

static void next_day(struct rng *r, const struct world *w, struct day *d)
{
	if (!w->day_rows || d->left-- > 0)
		return;
	d->left = w->day_rows - 1;
	d->number++;
	d->moved = 0.5 * rng_normal(r);
	d->favours = (char)('b' + (int)rng_below(r, 4));
}

static char category(struct rng *r, const struct world *w, const struct day *d)
{
	if (w->fresh > 0 && rng_uniform(r) < w->fresh)
		return 'n';
	if (w->day_rows && rng_uniform(r) < 0.25)
		return d->favours;
	return rng_uniform(r) < (w->share > 0 ? w->share : .2) ? 'a'
							       : (char)('b' + (int)rng_below(r, 4));
}

/* An input and what mostly goes with it. */
static void put_output(struct rng *r, const struct world *w, struct buf *b)
{
	int kind = (int)rng_below(r, 2), usual = rng_uniform(r) < 0.85;

	buf_addf(b, ",\"in\":\"%s\",\"output\":\"%s\"", kind ? "left" : "right",
		 (kind == usual) != w->turned ? "yes" : "no");
}

static void row(struct rng *r, const struct world *w, struct day *d, struct buf *b)
{
	next_day(r, w, d);
	buf_clear(b);
	buf_addf(b, "{\"k\":%d", (int)rng_below(r, 2));
	if (w->day_rows)
		buf_addf(b, ",\"day\":%d", d->number);
	if (w->parts & NUMBERS)
		buf_addf(b, ",\"x\":%.6f,\"count\":%d",
			 (rng_normal(r) + w->shift + d->moved) *
				 (w->far > 0 && rng_uniform(r) < w->far ? 100 : 1),
			 (int)level(r, 12));
	if (w->parts & FEW)
		buf_addf(b, ",\"c\":\"%c\"", category(r, w, d));
	if (w->parts & MANY)
		buf_addf(b, ",\"m\":\"v%u\"", level(r, 50));
	if (w->parts & SPARSE)
		buf_addf(b, ",\"s\":\"v%u\"", level(r, 500));
	if (w->parts & DATES)
		buf_addf(b, ",\"at\":\"202%u-0%u-1%u\",\"due\":\"202%u-0%u-2%u\"", level(r, 4),
			 1 + level(r, 9), level(r, 10), level(r, 4), 1 + level(r, 9), level(r, 9));
	if (w->parts & TEXT) {
		buf_adds(b, ",\"t\":\"");
		for (unsigned n = 5 + level(r, 12); n > 0; n--)
			buf_addf(b, "w%u ", level(r, 600));
		buf_adds(b, "\"");
	}
	if (w->parts & OUTPUT)
		put_output(r, w, b);
	buf_adds(b, "}");
}

static void fill(struct frame *f, struct rng *r, const struct world *w, size_t n,
		 struct path *cluster)
{
	struct buf b = BUF_INIT;
	struct record rec = {0};
	struct day day = {0};

	frame_init(f);
	f->cluster = cluster;
	for (size_t i = 0; i < n; i++) {
		row(r, w, &day, &b);
		record_parse(&rec, buf_span(&b), NULL);
		frame_add(f, &rec, NULL);
	}
	frame_finish(f);
	record_release(&rec);
	buf_release(&b);
}

/* The share of draws with drift; *insufficient is set where one was. A large reference serves for
 * ten draws. */
static double alarms_by(const struct world *was, const struct world *is, size_t n, size_t m,
			int draws, struct path *cluster, int *insufficient)
{
	static const char *const exclude[] = {".day"};
	struct drift_options o = DRIFT_OPTIONS_INIT;
	struct frame reference, current;
	struct rng r;
	int hits = 0, reuse = m > 10000 ? 10 : 1;

	o.exclude = (const char **)exclude;
	o.exclude_n = 1;
	*insufficient = 0;
	rng_seed(&r, 17, n * 1000003 + m * 31 + (size_t)was->parts);
	for (int i = 0; i < draws; i++) {
		struct comparison c;
		struct err e;
		if (i % reuse == 0)
			fill(&reference, &r, was, m, cluster);
		fill(&current, &r, is, n, cluster);
		if (compare(&reference, &current, &o, &c, &e)) {
			printf("# %s\n", e.msg);
			return NAN;
		}
		hits += c.verdict == VERDICT_DRIFT;
		*insufficient |= c.verdict == VERDICT_INSUFFICIENT;
		comparison_release(&c);
		frame_release(&current);
		if (i % reuse == reuse - 1 || i == draws - 1)
			frame_release(&reference);
	}
	return (double)hits / draws;
}

static double alarms(const struct world *was, const struct world *is, size_t n, size_t m, int draws,
		     int *insufficient)
{
	return alarms_by(was, is, n, m, draws, NULL, insufficient);
}

struct cell_kind {
	const char *name;
	int parts;
};

static const struct cell_kind kinds[] =
	{{"numbers", NUMBERS},		{"5 categories", FEW}, {"50 categories", MANY},
	 {"500 categories", SPARSE},	{"dates", DATES},      {"text", TEXT},
	 {"outputs", NUMBERS | OUTPUT}, {"all together", ALL}};

static void null_cell(const struct cell_kind *k, size_t n, size_t m, int draws)
{
	struct world w = {.parts = k->parts};
	int insufficient;
	double rate = alarms(&w, &w, n, m, draws, &insufficient),
	       bound = 0.05 + 1.96 * sqrt(0.05 * 0.95 / draws);

	ok(rate <= bound,
	   "%s, %zu against %zu rows: drift in %.1f %% of %d draws without any (at most %.1f)",
	   k->name, n, m, 100 * rate, draws, 100 * bound);
	ok(!insufficient, "and never too little data");
	fflush(stdout);
}

static void null_draws(int slow)
{
	static const size_t sizes[][2] = {{50, 50}, {100, 1000}, {1000, 1000}, {1000, 100000}};

	for (size_t s = 0; s < (slow ? 4 : 2); s++) {
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
			null_cell(&kinds[k], sizes[s][0], sizes[s][1], slow ? 1000 : 40);
	}
}

static void power(int slow)
{
	struct world was = {.parts = NUMBERS}, is = {.parts = NUMBERS, .shift = 0.5};
	int insufficient, draws = slow ? 1000 : 60;
	double slack = slow ? 0 : 0.05, rate;

	rate = alarms(&was, &is, 200, 200, draws, &insufficient);
	ok(rate >= 0.95 - slack,
	   "a mean that moved by half a deviation is found at 200 and 200 rows: %.3f", rate);
	was = (struct world){.parts = FEW};
	is = (struct world){.parts = FEW, .share = 0.35};
	rate = alarms(&was, &is, 300, 300, draws, &insufficient);
	ok(rate >= 0.9 - slack,
	   "a share that went from .2 to .35 is found at 300 and 300 rows: %.3f", rate);
	for (int i = 1; slow && i <= 6; i++) {
		struct world x = {.parts = NUMBERS}, y = {.parts = NUMBERS, .shift = 0.1 * i};
		rate = alarms(&x, &y, 200, 200, 300, &insufficient);
		printf("# a mean that moved by %.1f deviations is found at 200 and 200 rows in %.3f\n",
		       y.shift, rate);
		x = (struct world){.parts = FEW};
		y = (struct world){.parts = FEW, .share = 0.2 + 0.03 * i};
		rate = alarms(&x, &y, 300, 300, 300, &insufficient);
		printf("# a share that went from .2 to %.2f is found at 300 and 300 rows in %.3f\n",
		       y.share, rate);
	}
}

/* What a test could find that knew which category is new, and looked at nothing else. */
static double exact_power(double share, size_t n, size_t m, double alpha)
{
	for (size_t k = 1; k <= n; k++) {
		double p = twosample_all_in_second(k, m, n),
		       other = twosample_all_in_second(k, n, m);
		/* They could have been of the reference alone as well, where that is no likelier. */
		if (p + (other <= p ? other : 0) <= alpha)
			return dist_binomial_sf((double)k - 1, (double)n, share);
	}
	return 0;
}

/* What is told by name: new categories, also those below the floor on effects, and numbers far off. */
static void power_named(int slow)
{
	static const struct {
		size_t n, m;
		double fresh;
	} fresh[] = {{200, 200, .06}, {200, 1000, .06}, {200, 1000, .03}, {1000, 1000, .02}};
	int insufficient, draws = slow ? 1000 : 40;
	double slack = slow ? 0.03 : 0.12;

	for (size_t i = 0; i < sizeof fresh / sizeof *fresh; i++) {
		struct world was = {.parts = FEW}, is = {.parts = FEW, .fresh = fresh[i].fresh};
		double rate = alarms(&was, &is, fresh[i].n, fresh[i].m, draws, &insufficient),
		       alone = exact_power(fresh[i].fresh, fresh[i].n, fresh[i].m, 0.05),
		       level = exact_power(fresh[i].fresh, fresh[i].n, fresh[i].m, 0.0075);
		ok(rate >= level - slack,
		   "a category new in %g %% of %zu rows against %zu is found in %.3f (its own exact test: %.3f at .05, %.3f at the level that the run leaves it)",
		   100 * fresh[i].fresh, fresh[i].n, fresh[i].m, rate, alone, level);
	}
	for (int i = 1; i <= (slow ? 4 : 1); i++) {
		struct world was = {.parts = NUMBERS},
			     is = {.parts = NUMBERS, .far = 0.01 * (2 + i)};
		double rate = alarms(&was, &is, 200, 1000, draws, &insufficient),
		       level = exact_power(is.far * 0.9, 200, 1000, 0.003);
		ok(rate >= level - slack,
		   "numbers a hundredfold in %g %% of 200 rows against 1000 are found in %.3f (exact: %.3f)",
		   100 * is.far, rate, level);
	}
}

/* The same inputs and the same outputs, but not together. */
static void power_turned(int slow)
{
	static const size_t sizes[][2] = {{300, 300}, {100, 1000}};
	struct world was = {.parts = NUMBERS | TEXT | OUTPUT}, is = was;
	int insufficient, draws = slow ? 200 : 12;

	is.turned = 1;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		double rate = alarms(&was, &is, sizes[i][0], sizes[i][1], draws, &insufficient);
		ok(rate >= 0.95, "outputs turned round are found by %zu rows against %zu: %.3f",
		   sizes[i][0], sizes[i][1], rate);
	}
}

/* Days that differ by half a deviation, where nothing changed. */
static void clustered(int slow)
{
	static const struct {
		size_t n, m;
		int was_rows, is_rows;
	} sizes[] = {{360, 900, 30, 30}, {40, 1200, 2, 40}};
	int insufficient, draws = slow ? 400 : 20;
	struct err e;
	struct path *day = path_compile(".day", &e);

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct world was = {.parts = NUMBERS | FEW, .day_rows = sizes[i].is_rows},
			     is = {.parts = NUMBERS | FEW, .day_rows = sizes[i].was_rows};
		double rate = alarms_by(&was, &is, sizes[i].n, sizes[i].m, draws, day,
					&insufficient),
		       without = alarms(&was, &is, sizes[i].n, sizes[i].m, draws, &insufficient),
		       bound = 0.05 + 1.96 * sqrt(0.05 * 0.95 / draws);
		ok(rate <= bound,
		   "%zu rows of days of %d against %zu of days of %d: drift in %.1f %% of %d draws without any by --cluster (at most %.1f), in %.1f %% without it",
		   sizes[i].n, sizes[i].was_rows, sizes[i].m, sizes[i].is_rows, 100 * rate, draws,
		   100 * bound, 100 * without);
	}
	struct world was = {.parts = NUMBERS, .day_rows = 20},
		     is = {.parts = NUMBERS, .day_rows = 20, .shift = 1};
	double rate = alarms_by(&was, &is, 600, 600, slow ? 200 : 15, day, &insufficient);
	ok(rate >= 0.9, "a mean that moved by a deviation is found by 30 days against 30: %.3f",
	   rate);
	path_free(day);
}

static void nothing(void *arg, struct frame *f)
{
	(void)f;
	(void)arg;
}

/* A reference of `rows` rows with its calibration. */
struct stream {
	struct window_pool pool;
	struct drift_options o;
	struct frame reference;
	double threshold; /* for windows of 50 rows and an alarm once in 500 */
};

static void stream_init(struct stream *s, struct rng *r, const struct world *w, size_t rows,
			uint64_t seed)
{
	struct buf b = BUF_INIT;
	struct record rec = {0};
	struct day day = {0};
	struct err e;
	double tests = 1;

	*s = (struct stream){.o = DRIFT_OPTIONS_INIT};
	s->o.seed = seed;
	frame_init(&s->reference);
	for (size_t i = 0; i < rows; i++) {
		row(r, w, &day, &b);
		record_parse(&rec, buf_span(&b), NULL);
		frame_add(&s->reference, &rec, NULL);
		window_pool_add(&s->pool, buf_span(&b), seed);
	}
	frame_finish(&s->reference);
	struct window_calibration how = {.rows = &s->pool,
					 .n = 50,
					 .options = &s->o,
					 .prepare = nothing};
	if (window_calibrate(&how, &tests, &e))
		printf("# %s\n", e.msg);
	s->threshold = window_threshold(tests, 50, 500);
	record_release(&rec);
	buf_release(&b);
}

static void stream_release(struct stream *s)
{
	window_pool_release(&s->pool);
	frame_release(&s->reference);
}

/* Rows until the first alarm, at most 20,000. */
static double rows_until(struct stream *s, struct rng *r, const struct world *w)
{
	struct frame window;
	struct err e;
	size_t until = 0;

	for (double p = 1; p > s->threshold && until < 400; until++) {
		struct comparison c;
		fill(&window, r, w, 50, NULL);
		compare(&s->reference, &window, &s->o, &c, &e);
		p = window_least_p(&c, &s->o, NULL);
		comparison_release(&c);
		frame_release(&window);
	}
	return 50 * (double)until;
}

/* Until the first alarm, with one wanted once in 500 rows; a fresh reference each time. Then the
 * delay until a shift is found. */
static void run_length(size_t rows, int runs, double factor)
{
	static const double shifts[] = {0.3, 0.6, 1.2};
	struct world w = {.parts = NUMBERS | FEW}, shifted = w;
	double total = 0, delay[3] = {0};
	struct rng r;

	rng_seed(&r, 23, rows);
	for (int run = 0; run < runs; run++) {
		struct stream s;
		stream_init(&s, &r, &w, rows, (uint64_t)run);
		total += rows_until(&s, &r, &w) / runs;
		for (int i = 0; i < 3; i++) {
			shifted.shift = shifts[i];
			delay[i] += rows_until(&s, &r, &shifted) / runs;
		}
		stream_release(&s);
	}
	ok(total >= 500 / factor && total <= 500 * factor,
	   "against %zu rows an alarm wanted once in 500 comes after %.0f on average (%d runs)",
	   rows, total, runs);
	for (int i = 0; i < 3; i++)
		printf("# a shift of %.1f deviations is found after %.0f rows on average\n",
		       shifts[i], delay[i]);
	ok(delay[2] <= delay[0], "larger shifts are found sooner");
}

static void run_lengths(int slow)
{
	run_length(1000, slow ? 200 : 8, slow ? 1.5 : 2.5);
	run_length(150, slow ? 200 : 12, slow ? 1.5 : 2.5);
}

/* The share of large windows that alarm without drift, where one in 20 is asked for and most
 * effects lie below the floor. */
static void large_windows(int slow)
{
	struct drift_options o = DRIFT_OPTIONS_INIT;
	size_t n = 800, windows = slow ? 300 : 60, alarms = 0;
	struct world w = {.parts = NUMBERS};
	struct window_pool pool = {0};
	struct frame reference, window;
	struct buf b = BUF_INIT;
	struct record rec = {0};
	struct err e;
	struct rng r;
	struct day day = {0};
	double tests = 1;

	rng_seed(&r, 29, 1);
	frame_init(&reference);
	for (size_t i = 0; i < 5 * n; i++) {
		row(&r, &w, &day, &b);
		record_parse(&rec, buf_span(&b), NULL);
		frame_add(&reference, &rec, NULL);
		window_pool_add(&pool, buf_span(&b), o.seed);
	}
	frame_finish(&reference);
	struct window_calibration how = {.rows = &pool, .n = n, .options = &o, .prepare = nothing};
	if (window_calibrate(&how, &tests, &e))
		printf("# %s\n", e.msg);
	double threshold = window_threshold(tests, n, 20 * (double)n);
	for (size_t i = 0; i < windows; i++) {
		struct comparison c;
		fill(&window, &r, &w, n, NULL);
		compare(&reference, &window, &o, &c, &e);
		alarms += window_least_p(&c, &o, NULL) <= threshold;
		comparison_release(&c);
		frame_release(&window);
	}
	/* 99.9 % of binomial draws at 5 % lie at or below these. */
	ok(alarms <= (slow ? 28 : 9), "%zu of %zu windows of %zu rows alarm, threshold %.3g",
	   alarms, windows, n, threshold);
	ok(threshold < 0.1, "and no threshold is near 1");
	window_pool_release(&pool);
	frame_release(&reference);
	record_release(&rec);
	buf_release(&b);
}

int main(int argc, char **argv)
{
	int slow = getenv("FT_SLOW") != NULL;

	if (argc == 4) {
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
			if (strcmp(kinds[k].name, argv[3]) == 0)
				null_cell(&kinds[k], strtoul(argv[1], NULL, 10),
					  strtoul(argv[2], NULL, 10), 1000);
		}
		return tap_done();
	}
	if (argc == 2) {
		if (strcmp(argv[1], "power") == 0)
			power(1);
		else if (strcmp(argv[1], "named") == 0)
			power_named(1);
		else if (strcmp(argv[1], "turned") == 0)
			power_turned(1);
		else if (strcmp(argv[1], "cluster") == 0)
			clustered(1);
		else if (strcmp(argv[1], "stream") == 0)
			run_lengths(1);
		else if (strcmp(argv[1], "large") == 0)
			large_windows(1);
		return tap_done();
	}

	null_draws(slow);
	power(slow);
	power_named(slow);
	power_turned(slow);
	clustered(slow);
	run_lengths(slow);
	large_windows(slow);
	return tap_done();
}
