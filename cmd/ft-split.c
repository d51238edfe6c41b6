/* ft-split: gives every record a side (train, valid, test) that it keeps for good, or checks a
 * division that was made.
 *
 * Where the side follows from the record's own input alone, one record is held at a time. Where
 * rows may be tied together or counted against quotas, the input is read twice: first for hashes,
 * then for the lines themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/file.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/json/batch.h"
#include "../lib/json/source.h"
#include "../lib/split/check.h"
#include "../lib/split/check_page.h"
#include "../lib/split/check_report.h"
#include "../lib/split/plan.h"
#include "../lib/split/shelf.h"
#include "../lib/split/summary.h"
#include "../lib/split/trail.h"

static const char *opt_ratio = "80:10:10", *opt_output, *opt_key, *opt_group, *opt_keep, *opt_time,
		  *opt_after, *opt_html;
static struct opt_list opt_stratify;
static double opt_near, opt_gap;
static long long opt_seed, opt_threads;
static int opt_check, opt_skip_bad, opt_line_buffered, opt_quiet;

static struct prog_form opt_form;

#define DIVIDES .without = "check: it divides nothing"
#define CHECKS .with = "check"

static struct opt options[] = {
	{0, "ratio", OPT_STR, &opt_ratio, "A:B:C",
	 "shares of train, valid and test, or A:B of train and test\n(default 80:10:10)", DIVIDES,
	 .was = "r"},
	{'o', "output", OPT_STR, &opt_output, "DIR",
	 "write DIR/train.jsonl, valid.jsonl and test.jsonl, all or none,\ninstead of adding `split`",
	 DIVIDES, .was = "d dir"},
	{0, "key", OPT_STR, &opt_key, "PATH",
	 "the value that a row's side follows from (default: its input)", DIVIDES},
	{0, "group", OPT_STR, &opt_group, "PATH", "rows with the same value here share a side",
	 .without = "key: a side follows from one of them"},
	{0, "near", OPT_REAL, &opt_near, "J",
	 "near-duplicates, of Jaccard similarity J or more, share a side", 0.01, 1},
	{0, "stratify", OPT_LIST, &opt_stratify, "PATH",
	 "give every class found here its share of each side; may be\ngiven again",
	 .without = "after: what comes later is the test side, whatever its class"},
	{0, "keep", OPT_STR, &opt_keep, "DIR",
	 "rows of DIR/train.jsonl, valid.jsonl and test.jsonl keep their side", DIVIDES},
	{0, "time", OPT_STR, &opt_time, "PATH", "with --after: rows dated later are the test side",
	 .with = "after check"},
	{0, "after", OPT_STR, &opt_after, "DATE",
	 "a date, which is still the past, or a date and time", .with = "time", DIVIDES},
	{0, "gap", OPT_REAL, &opt_gap, "DAYS", "leave out rows of the last days of the past", 0,
	 1e6, .with = "after", DIVIDES},
	{0, "check", OPT_FLAG, &opt_check, NULL,
	 "check the two files named, TRAIN TEST: exit status 1 on a leak"},
	PROG_FORM_OPTIONS(opt_form, "--check: ", CHECKS),
	{0, "html", OPT_STR, &opt_html, "FILE",
	 "--check: a page with the rows that leak and plots, besides", CHECKS},
	{0, "seed", OPT_INT, &opt_seed, "N", "another seed is another split (default 0)"},
	{0, "threads", OPT_INT, &opt_threads, "N",
	 "that read and compare (default: all processors)", 0, 1024},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL,
	 "report malformed lines, leave them out and end with status 3"},
	{0, "line-buffered", OPT_FLAG, &opt_line_buffered, NULL,
	 "write each record as soon as its side is known"},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no summary and no progress"},
	{0},
};

static const struct program program = {
	.name = "ft-split",
	.synopsis =
		"[--ratio 80:10:10] [-o DIR] [--group PATH] [--near J] [--stratify PATH ...] [--keep DIR] [file ...]\n"
		"--time PATH --after DATE [--gap DAYS] [--ratio 80:10:10] [-o DIR] [file ...]\n"
		"--check [--near J] [--group PATH] [--stratify PATH] [--time PATH] [--html FILE] TRAIN TEST",
	.about =
		"Gives every record a side, train, valid or test, that stays when rows are added, reordered or removed.",
	.options = options,
	.examples =
		"ft-split --ratio 80:10:10 -o data records.jsonl\n"
		"ft-split --group .customer --near 0.8 records.jsonl | jq -c 'select(.split == \"test\")'\n"
		"ft-split --check data/train.jsonl data/test.jsonl",
};

/* One run. */
struct run {
	struct plan_options options;
	struct plan plan;
	struct pool *pool;
	struct reader reader;
	struct batch batch;
	struct plan_row rows[BATCH_LINES];
	struct source source;
	struct trail trail;
	struct shelf shelf;
	struct progress progress;
	struct tally_up tally;
	size_t skipped;
};

static struct run run;

static void die(struct err *e)
{
	shelf_abort(&run.shelf);
	prog_fail(e);
}

/* Reasons about a record begin with its place. */
static void die_at(struct err *e)
{
	batch_at(&run.batch, e);
	die(e);
}

/* What a reader's next row comes to: whether there is one. */
static int got_row(int got, struct err *e)
{
	if (got < 0)
		die(e);
	if (got && run.reader.rows % 1024 == 0)
		progress_set(&run.progress, (double)run.reader.rows, NULL);
	return got;
}

static void read_row(void *arg, size_t i, const struct record *rec)
{
	plan_read(&run.options, rec, (struct plan_row *)arg + i, NULL);
}

/* The next record, and what was found of it where that was asked for. */
static int next_record(const struct record **rec, struct plan_row **row)
{
	struct err e = ERR_INIT;
	size_t i;

	if (!got_row(batch_next(&run.batch, &i, rec, &e), &e))
		return 0;
	*row = &run.rows[i];
	/* Bad rows are rare enough for the reason to be found again. */
	if (run.batch.work && (*row)->bad && plan_read(&run.options, *rec, *row, &e))
		die_at(&e);
	return 1;
}

static void begin_reading(char **files, const char *what,
			  void (*work)(void *arg, size_t i, const struct record *rec))
{
	reader_start(&run.reader, files, opt_skip_bad);
	run.reader.names = run.source.names;
	run.batch.reader = &run.reader;
	run.batch.pool = run.pool;
	run.batch.work = work;
	run.batch.arg = run.rows;
	progress_begin(&run.progress, what, 0, opt_quiet);
}

static void end_reading(void)
{
	progress_end(&run.progress);
	run.skipped += run.reader.skipped;
	batch_release(&run.batch);
	reader_release(&run.reader);
}

static void emit(struct span line, struct seam seam, enum side side)
{
	struct err e = ERR_INIT;

	if (side == SIDE_NONE) {
		run.tally.left_out++;
		return;
	}
	run.tally.count[side]++;
	run.tally.already += !seam.at;
	if (opt_output) {
		if (shelf_put(&run.shelf, side, line, &e))
			die(&e);
		return;
	}
	if (seam.at) {
		out_write(line.s, seam.at);
		out_span(trail_text(&run.trail, seam, side));
	}
	size_t rest = seam.at + seam.cut;
	out_line(line.s + rest, line.n - rest);
}

/* One record at a time. A row whose input came before with a side of its own follows it. */
static void stream(char **files)
{
	const struct record *rec;
	struct plan_row *row;

	begin_reading(files, "rows", read_row);
	while (!out_failed() && next_record(&rec, &row))
		emit(rec->line, row->print.seam, plan_stream(&run.plan, row));
	progress_end(&run.progress);
	batch_release(&run.batch);
}

static void weigh(void)
{
	const struct record *rec;
	struct plan_row *row;
	struct err e = ERR_INIT;

	begin_reading(run.source.files, "rows read", read_row);
	if (opt_keep && plan_keep_dir(&run.plan, opt_keep, &run.reader, &e))
		die(&e);
	while (next_record(&rec, &row)) {
		if (plan_add(&run.plan, rec, row, &e))
			die_at(&e);
		trail_add(&run.trail, &row->print);
	}
	end_reading();
	if (plan_settle(&run.plan, run.pool, &e))
		die(&e);
}

/* Hashes first, then lines. */
static void read_twice(char **files)
{
	struct trail_row row;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (source_open(&run.source, files, prog_stopping, &e))
		die(&e);
	weigh();
	begin_reading(run.source.files, "rows", NULL);
	while (!out_failed() && got_row(trail_next(&run.trail, &run.reader, &row, &e), &e))
		emit(row.line, row.seam, plan_side(&run.plan, n++));
	progress_end(&run.progress);
}

static void summary(void)
{
	struct buf b = BUF_INIT;

	run.tally.plan = &run.plan;
	run.tally.rows = run.reader.rows;
	run.tally.after = opt_after;
	summary_text(&run.tally, opt_quiet, &b);
	for (char *line = b.data, *end; line && (end = strchr(line, '\n')); line = end + 1)
		prog_warn("%.*s", (int)(end - line), line);
	buf_release(&b);
}

static struct path *path_option(const char *text, const char *option)
{
	struct err e = ERR_INIT;
	struct path *p = text ? path_compile(text, &e) : NULL;

	if (text && !p)
		prog_usage("--%s: %s", option, e.msg);
	return p;
}

static void plan_options(struct plan_options *o)
{
	struct err e = ERR_INIT;

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
	o->gap = opt_gap;
	if (opt_after && plan_after(opt_after, &o->after))
		prog_usage("--after %s: no date; write it like 2024-01-31 or 2024-01-31T18:00:00",
			   opt_after);
}

static int split(char **files)
{
	struct err e = ERR_INIT;

	plan_init(&run.plan, &run.options);
	if (opt_output) {
		int wanted[SIDES];
		for (int i = 0; i < SIDES; i++)
			wanted[i] = run.options.sides.share[i] > 0;
		if (shelf_open(&run.shelf, opt_output, wanted, &e))
			die(&e);
	}
	if (opt_key || opt_group || opt_near > 0 || opt_stratify.n || opt_keep || opt_time ||
	    source_mentions(files, "\"split\""))
		read_twice(files);
	else
		stream(files);
	if (opt_output && prog_stopping()) {
		shelf_abort(&run.shelf);
		prog_warn("stopped after %zu rows; nothing was written to %s", run.reader.rows,
			  opt_output);
		return FT_OK;
	}
	if (opt_output && shelf_commit(&run.shelf, &e))
		die(&e);
	summary();
	return run.skipped || run.reader.skipped ? FT_PARTIAL : FT_OK;
}

static void split_check_side(struct split_check *c, char *file,
			     int (*add)(struct split_check *, const struct record *, struct err *))
{
	char *files[2] = {file, NULL};
	const struct record *rec;
	struct plan_row *row;
	struct err e = ERR_INIT;

	begin_reading(files, "rows read", NULL);
	while (next_record(&rec, &row)) {
		if (add(c, rec, &e))
			die_at(&e);
	}
	end_reading();
}

static void split_check_options(struct split_check_options *o, char **files)
{
	*o = (struct split_check_options){.group = run.options.group,
					  .time = run.options.time,
					  .near = opt_near > 0 ? opt_near : 0.8,
					  .alpha = 0.05,
					  .seed = (uint64_t)opt_seed};
	if (!files[0] || !files[1] || files[2])
		prog_usage("--check takes two files, TRAIN and TEST");
	if (strcmp(files[0], "-") == 0 && strcmp(files[1], "-") == 0)
		prog_usage("--check: standard input cannot be both TRAIN and TEST");
	if (run.options.stratify_n > 1)
		prog_usage("--check takes one --stratify, the class");
	o->label = run.options.stratify_n ? run.options.stratify[0] : NULL;
}

static int check(char **files)
{
	struct err e = ERR_INIT;
	struct split_check_options o;
	struct buf b = BUF_INIT;

	split_check_options(&o, files);
	struct split_check *c = split_check_new(&o);
	for (int i = 1; i >= 0; i--) {
		split_check_side(c, files[i], i ? split_check_test : split_check_train);
		if (prog_stopping())
			prog_end(FT_OK);
		if (run.reader.rows == 0) {
			prog_warn("%s holds no rows: nothing can be said of the division",
				  files[i]);
			prog_end(FT_INSUFFICIENT);
		}
	}
	split_check_finish(c, run.pool);
	if (opt_html) {
		if (split_check_page(c, &o, files, prog_command(), &b, &e) ||
		    file_write(opt_html, b.data, b.len, &e))
			die(&e);
		buf_clear(&b);
	}
	int leaks = prog_as_table(&opt_form) ? split_check_table(c, &o, &b)
					     : split_check_lines(c, &o, files, &b);
	out_report(&b, prog_as_table(&opt_form));
	buf_release(&b);
	split_check_free(c);
	return leaks ? FT_NO : run.skipped ? FT_PARTIAL : FT_OK;
}

int main(int argc, char **argv)
{
	char **files = prog_start(&program, argc, argv);

	out_line_buffered(opt_line_buffered);
	plan_options(&run.options);
	run.pool = pool_new((int)opt_threads);
	int status = opt_check ? check(files) : split(files);
	for (size_t i = 0; i < BATCH_LINES; i++)
		plan_row_release(&run.rows[i]);
	pool_free(run.pool);
	plan_release(&run.plan);
	trail_release(&run.trail);
	source_release(&run.source);
	prog_end(status);
}
