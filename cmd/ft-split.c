/* ft-split: gives every record a side (train, valid, test) that it keeps for good, or checks a division that was made.
 *
 * Where the side follows from the record's own input alone, one record is held at a time. Where rows may be tied together
 * or counted against quotas, the input is read twice: first for hashes, then for the lines themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/file.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/json/jw.h"
#include "../lib/json/reader.h"
#include "../lib/split/plan.h"
#include "../lib/split/shelf.h"
#include "../lib/split/source.h"
#include "../lib/text/hash.h"

static const char *opt_ratio = "80:10:10", *opt_dir, *opt_key, *opt_group, *opt_keep, *opt_time, *opt_after;
static struct opt_list opt_stratify;
static double opt_near, opt_gap;
static long long opt_seed, opt_threads;
static int opt_quiet, opt_skip_bad, opt_line_buffered;

static const struct opt options[] = {
	{'r', "ratio", OPT_STR, &opt_ratio, "A:B:C", "shares of train, valid and test, or A:B of train and test\n(default 80:10:10)", 0, 0},
	{'d', "dir", OPT_STR, &opt_dir, "DIR", "write DIR/train.jsonl, valid.jsonl and test.jsonl, all or none,\ninstead of adding `split`", 0, 0},
	{0, "key", OPT_STR, &opt_key, "PATH", "the value that a row's side follows from (default: its input)", 0, 0},
	{0, "group", OPT_STR, &opt_group, "PATH", "rows with the same value here share a side", 0, 0},
	{0, "near", OPT_REAL, &opt_near, "J", "near-duplicates, of Jaccard similarity J or more, share a side", 0.01, 1},
	{0, "stratify", OPT_LIST, &opt_stratify, "PATH", "give every class found here its share of each side; may be\ngiven again", 0, 0},
	{0, "keep", OPT_STR, &opt_keep, "DIR", "rows of DIR/train.jsonl, valid.jsonl and test.jsonl keep their side", 0, 0},
	{0, "time", OPT_STR, &opt_time, "PATH", "with --after: rows dated later are the test side", 0, 0},
	{0, "after", OPT_STR, &opt_after, "DATE", "a date, which is still the past, or a date and time", 0, 0},
	{0, "gap", OPT_REAL, &opt_gap, "DAYS", "leave out rows of the last days of the past", 0, 1e6},
	{0, "seed", OPT_INT, &opt_seed, "N", "another seed is another split (default 0)", 0, 0},
	{0, "threads", OPT_INT, &opt_threads, "N", "for --near (default: all processors)", 0, 1024},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL, "report malformed lines, leave them out and end with status 3", 0, 0},
	{0, "line-buffered", OPT_FLAG, &opt_line_buffered, NULL, "write each record as soon as its side is known", 0, 0},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no summary and no progress", 0, 0},
	{0},
};

static const struct program program = {
	.name = "ft-split",
	.synopsis = "[-r 80:10:10] [-d DIR] [--key PATH | --group PATH] [--near J]\n"
		    "[--stratify PATH ...] [--keep DIR] [--time PATH --after DATE] [file ...]",
	.about = "Gives every record a side, train, valid or test, that stays when rows are added, reordered or removed.",
	.options = options,
	.examples = "ft-split -r 80:10:10 -d data records.jsonl\n"
		    "ft-split --group .customer --near 0.8 records.jsonl | jq -c 'select(.split == \"test\")'",
};

/* One run. */
struct run {
	struct plan_options options;
	struct plan plan;
	struct reader reader;
	struct source source;
	struct map kept; /* when streaming: side of inputs that came with one */
	struct shelf shelf;
	struct progress progress;
	struct buf line;
	size_t count[SIDES], already, followers, left_out;
};

static struct run run;

static void die(struct err *e)
{
	source_explain(&run.source, e);
	shelf_abort(&run.shelf);
	prog_fail(e);
}

static void on_bad(void *arg, const struct err *e)
{
	struct err copy = *e;

	(void)arg;
	source_explain(&run.source, &copy);
	prog_warn("%s (skipped)", copy.msg);
}

/* Reasons about a record begin with its place. */
static void die_at(struct err *e)
{
	err_prefix(e, "%s:%zu", run.reader.name, run.reader.line);
	die(e);
}

static int next_record(struct record *rec)
{
	struct err e = ERR_INIT;
	int got = reader_next(&run.reader, rec, &e);

	if (got < 0)
		die(&e);
	if (got && run.reader.rows % 1024 == 0)
		progress_set(&run.progress, (double)run.reader.rows, NULL);
	return got;
}

static void begin_reading(char **files, const char *what)
{
	reader_init(&run.reader, files);
	run.reader.skip_bad = opt_skip_bad;
	run.reader.on_bad = on_bad;
	run.reader.stopping = prog_stopping;
	progress_begin(&run.progress, what, 0, opt_quiet);
}

static void end_reading(void)
{
	progress_end(&run.progress);
	reader_release(&run.reader);
}

static enum side side_so_far(const struct record *rec)
{
	struct err e = ERR_INIT;
	enum side side;

	if (side_read(record_get(rec, "split"), &side, &e))
		die_at(&e);
	return side;
}

static void emit(const struct record *rec, enum side side)
{
	struct err e = ERR_INIT;
	enum side already = side_so_far(rec);

	if (side == SIDE_NONE) {
		run.left_out++;
		return;
	}
	run.count[side]++;
	run.already += already != SIDE_NONE;
	if (opt_dir) {
		if (shelf_put(&run.shelf, side, rec->line, &e))
			die(&e);
		return;
	}
	if (already != SIDE_NONE) {
		out_line(rec->line.s, rec->line.n);
		return;
	}
	char value[16];
	snprintf(value, sizeof value, "\"%s\"", side_name(side));
	struct edit edit = {"split", span_of(value)};
	buf_clear(&run.line);
	if (record_splice(rec, &edit, 1, &run.line)) {
		err_set(&e, "a record too long to write");
		die_at(&e);
	}
	out_line(run.line.data, run.line.len);
}

/* One record at a time. A row whose input came before with a side of its own follows it. */
static void stream(char **files)
{
	struct record rec = {0};
	struct err e = ERR_INIT;
	uint64_t unit, input;

	begin_reading(files, "rows");
	while (!out_failed() && next_record(&rec)) {
		enum side side = side_so_far(&rec);
		if (plan_hash(&run.plan, &rec, &unit, &input, &e))
			die_at(&e);
		uint64_t *known = run.kept.n ? map_get(&run.kept, input) : NULL;
		if (side != SIDE_NONE) {
			map_put(&run.kept, input, (uint64_t)side, NULL);
		} else {
			side = known ? (enum side)*known : sides_of(&run.options.sides, unit);
			run.followers += side != sides_of(&run.options.sides, unit);
		}
		emit(&rec, side);
	}
	progress_end(&run.progress);
	record_release(&rec);
}

/* The rows of an earlier run, from the three files that -d writes. */
static void read_kept(void)
{
	struct record rec = {0};
	struct err e = ERR_INIT;
	int found = 0;

	for (int i = 0; i < SIDES; i++) {
		char name[32], *files[2] = {NULL};
		snprintf(name, sizeof name, "%s.jsonl", side_name((enum side)i));
		files[0] = file_join(opt_keep, name);
		if (file_exists(files[0])) {
			found = 1;
			begin_reading(files, "rows kept");
			while (next_record(&rec)) {
				if (plan_keep(&run.plan, &rec, (enum side)i, &e))
					die_at(&e);
			}
			end_reading();
		}
		free(files[0]);
	}
	record_release(&rec);
	if (!found) {
		err_set(&e, "%s: no train.jsonl, valid.jsonl or test.jsonl there", opt_keep);
		die(&e);
	}
}

static void weigh(void)
{
	struct record rec = {0};
	struct err e = ERR_INIT;

	if (opt_keep)
		read_kept();
	begin_reading(run.source.files, "rows read");
	while (next_record(&rec)) {
		if (plan_add(&run.plan, &rec, &e))
			die_at(&e);
	}
	end_reading();
	record_release(&rec);
	struct pool *pool = run.options.near > 0 ? pool_new((int)opt_threads) : NULL;
	if (plan_settle(&run.plan, pool, &e))
		die(&e);
	pool_free(pool);
}

/* Hashes first, then lines. */
static void read_twice(char **files)
{
	struct record rec = {0};
	struct err e = ERR_INIT;
	size_t row = 0;

	if (source_open(&run.source, files, prog_stopping, &e))
		die(&e);
	weigh();
	size_t rows = run.plan.ledger.rows - run.plan.kept;
	begin_reading(run.source.files, "rows");
	run.reader.on_bad = NULL;
	while (row < rows && !out_failed() && next_record(&rec)) {
		emit(&rec, plan_side(&run.plan, row));
		row++;
	}
	progress_end(&run.progress);
	if (!prog_stopping() && !out_failed() && (row < rows || next_record(&rec))) {
		err_set(&e, "the input changed while it was read: %zu rows, then %s", rows, row < rows ? "fewer" : "more");
		die(&e);
	}
	record_release(&rec);
}

static void report_classes(void)
{
	const struct class *class;
	enum side side;
	int sides = sides_count(&run.options.sides);
	size_t rare = quota_rare(&run.plan.quota, sides, &class);

	if (rare)
		prog_warn("%zu %s fewer rows than there are sides, one is %s", rare, rare == 1 ? "class has" : "classes have",
			  class->name);
	double off = quota_deviation(&run.plan.quota, &class, &side);
	if (class && !opt_quiet)
		prog_warn("%zu classes; furthest from its share: %s, %.1f rows %s in %s", run.plan.quota.classes_n, class->name,
			  off, class->wanted[side] > 0 ? "short" : "over", side_name(side));
}

static void report_ties(void)
{
	const struct plan *p = &run.plan;
	size_t torn = ledger_torn(&p->ledger), tied = ledger_tied(&p->ledger);

	if (torn)
		prog_warn("%zu %s of rows that belong together stand on both sides already; they were not moved", torn,
			  torn == 1 ? "set" : "sets");
	if (p->near_torn)
		prog_warn("%zu pairs of near-duplicates were not tied: their chains had grown too long. Raise --near, or mind "
			  "that test rows may have look-alikes in train", p->near_torn);
	if (p->crowded)
		prog_warn("%zu texts stand in crowds of look-alikes and were compared with some of them only", p->crowded);
	if (opt_quiet)
		return;
	if (tied && p->near)
		prog_warn("%zu %s were made of rows that are equal or near-duplicates", tied, tied == 1 ? "block" : "blocks");
	else if (tied)
		prog_warn("%zu %s joined because they hold the same input", tied,
			  tied == 1 ? "set of groups was" : "sets of groups were");
	if (p->loners)
		prog_warn("%zu rows have no value at %s; each is a group of its own", p->loners, path_text(p->o.group));
	if (run.followers)
		prog_warn("%zu rows follow an equal input that had a side already", run.followers);
}

static void summary(size_t rows)
{
	report_ties();
	if (run.options.stratify_n)
		report_classes();
	if (run.left_out)
		prog_warn("%zu rows stand in the gap before %s and were left out", run.left_out, opt_after);
	if (opt_quiet)
		return;
	prog_warn("%zu rows: train %zu, valid %zu, test %zu (%zu had a side already); ratio %s, seed %lld, by %s", rows,
		  run.count[SIDE_TRAIN], run.count[SIDE_VALID], run.count[SIDE_TEST], run.already, run.options.sides.text,
		  opt_seed,
		  run.options.key     ? path_text(run.options.key)
		  : run.options.group ? path_text(run.options.group)
				      : "input");
	for (int i = 0; i < SIDES; i++) {
		if (rows && run.options.sides.share[i] > 0 && !run.count[i])
			prog_warn("no row fell to %s: too few rows for its share", side_name((enum side)i));
	}
}

static struct path *path_option(const char *text, const char *option)
{
	struct err e = ERR_INIT;
	struct path *p = text ? path_compile(text, &e) : NULL;

	if (text && !p)
		prog_usage("--%s: %s", option, e.msg);
	return p;
}

static void time_options(struct plan_options *o)
{
	struct buf quoted = BUF_INIT, scratch = BUF_INIT;

	if (!opt_time != !opt_after)
		prog_usage("--time and --after go together");
	if (opt_gap > 0 && !opt_time)
		prog_usage("--gap goes with --time and --after");
	if (!opt_time)
		return;
	if (opt_stratify.n)
		prog_usage("--stratify and --time: what comes later is the test side, whatever its class");
	json_put_string(&quoted, opt_after, strlen(opt_after));
	if (plan_time(buf_span(&quoted), &scratch, &o->after))
		prog_usage("--after %s: no date; write it like 2024-01-31 or 2024-01-31T18:00:00", opt_after);
	/* A day without time is over only when the next begins. */
	if (!strchr(opt_after, ':'))
		o->after += 86399;
	o->gap = opt_gap;
	buf_release(&quoted);
	buf_release(&scratch);
}

static void plan_options(struct plan_options *o)
{
	struct err e = ERR_INIT;

	if (opt_key && opt_group)
		prog_usage("--key and --group: a side follows from one of them");
	if (sides_parse(&o->sides, opt_ratio, &e))
		prog_usage("%s", e.msg);
	o->seed = (uint64_t)opt_seed;
	o->key = path_option(opt_key, "key");
	o->group = path_option(opt_group, "group");
	o->time = path_option(opt_time, "time");
	o->near = opt_near;
	o->stratify = mem_alloc(opt_stratify.n, sizeof *o->stratify);
	while (o->stratify_n < opt_stratify.n) {
		o->stratify[o->stratify_n] = path_option(opt_stratify.v[o->stratify_n], "stratify");
		o->stratify_n++;
	}
	time_options(o);
}

static void release(void)
{
	for (size_t i = 0; i < run.options.stratify_n; i++)
		path_free(run.options.stratify[i]);
	free(run.options.stratify);
	path_free(run.options.key);
	path_free(run.options.group);
	path_free(run.options.time);
	plan_release(&run.plan);
	reader_release(&run.reader);
	source_release(&run.source);
	map_release(&run.kept);
	buf_release(&run.line);
}

static void split(char **files)
{
	struct err e = ERR_INIT;

	plan_init(&run.plan, &run.options);
	if (opt_dir) {
		int wanted[SIDES];
		for (int i = 0; i < SIDES; i++)
			wanted[i] = run.options.sides.share[i] > 0;
		if (shelf_open(&run.shelf, opt_dir, wanted, &e))
			die(&e);
	}
	if (opt_key || opt_group || opt_near > 0 || opt_stratify.n || opt_keep || opt_time ||
	    source_mentions(files, "\"split\""))
		read_twice(files);
	else
		stream(files);
	if (opt_dir && prog_stopping())
		shelf_abort(&run.shelf);
	else if (opt_dir && shelf_commit(&run.shelf, &e))
		die(&e);
	summary(run.reader.rows);
}

int main(int argc, char **argv)
{
	char **files = prog_start(&program, argc, argv);
	int status;

	out_line_buffered(opt_line_buffered);
	plan_options(&run.options);
	split(files);
	status = run.reader.skipped ? FT_PARTIAL : FT_OK;
	release();
	prog_end(status);
}
