/* ft-split: gives every record a side (train, valid, test) that it keeps for good.
 *
 * Without --group and --key the side follows from the record's own input, so the program holds one record at a time.
 * Where rows may be tied together, the input is read twice: first for hashes, then for the lines themselves.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/json/path.h"
#include "../lib/json/reader.h"
#include "../lib/split/ledger.h"
#include "../lib/split/shelf.h"
#include "../lib/split/sides.h"
#include "../lib/split/source.h"
#include "../lib/text/hash.h"

static const char *opt_ratio = "80:10:10", *opt_dir, *opt_key, *opt_group;
static long long opt_seed;
static int opt_quiet, opt_skip_bad, opt_line_buffered;

static const struct opt options[] = {
	{'r', "ratio", OPT_STR, &opt_ratio, "A:B:C", "shares of train, valid and test, or A:B of train and test\n(default 80:10:10)", 0, 0},
	{'d', "dir", OPT_STR, &opt_dir, "DIR", "write DIR/train.jsonl, valid.jsonl and test.jsonl, all or none,\ninstead of adding `split`", 0, 0},
	{0, "key", OPT_STR, &opt_key, "PATH", "the value that a row's side follows from (default: its input)", 0, 0},
	{0, "group", OPT_STR, &opt_group, "PATH", "rows with the same value here share a side", 0, 0},
	{0, "seed", OPT_INT, &opt_seed, "N", "another seed is another split (default 0)", 0, 0},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL, "report malformed lines, leave them out and end with status 3", 0, 0},
	{0, "line-buffered", OPT_FLAG, &opt_line_buffered, NULL, "write each record as soon as its side is known", 0, 0},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no summary and no progress", 0, 0},
	{0},
};

static const struct program program = {
	.name = "ft-split",
	.synopsis = "[-r 80:10:10] [-d DIR] [--key PATH | --group PATH] [--seed N] [file ...]",
	.about = "Gives every record a side, train, valid or test, that stays when rows are added, reordered or removed.",
	.options = options,
	.examples = "ft-split -r 80:10:10 -d data records.jsonl\n"
		    "ft-split --group .customer records.jsonl | jq -c 'select(.split == \"test\")'",
};

/* One run. Exactly one of the paths, or neither, is set. */
struct run {
	struct sides sides;
	struct path *key, *group;
	struct reader reader;
	struct source source;
	struct ledger ledger;
	struct map kept; /* when streaming: side + 1 of inputs that came with one */
	struct shelf shelf;
	struct progress progress;
	struct buf text, scratch, line;
	size_t count[SIDES], already, loners, followers;
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

static void begin_reading(char **files)
{
	reader_init(&run.reader, files);
	run.reader.skip_bad = opt_skip_bad;
	run.reader.on_bad = on_bad;
	run.reader.stopping = prog_stopping;
	progress_begin(&run.progress, "rows", 0, opt_quiet);
}

static uint64_t input_hash(const struct record *rec)
{
	struct err e = ERR_INIT;
	char key[33];

	if (record_key(rec, key, &e))
		die_at(&e);
	return hash64(span_of(key), (uint64_t)opt_seed);
}

/* A value as the bytes that are hashed: text decoded, so that "7" and 7 are one group. */
static uint64_t value_hash(struct span value)
{
	buf_clear(&run.text);
	if (json_kind(value) == JSON_STRING ? json_string(value, &run.text) : json_canonical(value, &run.text)) {
		struct err e = ERR_INIT;
		err_set(&e, "a key or group of more than %zu bytes", BUF_MAX);
		die_at(&e);
	}
	return hash64(buf_span(&run.text), (uint64_t)opt_seed);
}

/* The hash that a row's side follows from. A row without group is a group of its own; a row without key is an error. */
static uint64_t unit_hash(const struct record *rec, uint64_t input)
{
	struct err e = ERR_INIT;
	const struct path *path = run.key ? run.key : run.group;

	if (!path)
		return input;
	struct span v = path_find(path, rec->body, &run.scratch);
	if (v.s && json_kind(v) != JSON_NULL)
		return value_hash(v);
	if (run.key) {
		err_set(&e, "no value at the key %s", path_text(run.key));
		die_at(&e);
	}
	run.loners++;
	return input;
}

static enum side side_so_far(const struct record *rec)
{
	struct err e = ERR_INIT;
	enum side side;

	if (side_read(record_get(rec, "split"), &side, &e))
		die_at(&e);
	return side;
}

static void emit(const struct record *rec, enum side side, enum side already)
{
	struct err e = ERR_INIT;

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

	begin_reading(files);
	while (!out_failed() && next_record(&rec)) {
		enum side already = side_so_far(&rec), side = already;
		uint64_t input = input_hash(&rec);
		uint64_t *known = run.kept.n ? map_get(&run.kept, input) : NULL;
		if (already != SIDE_NONE) {
			map_put(&run.kept, input, (uint64_t)already + 1, NULL);
		} else if (known) {
			side = (enum side)(*known - 1);
			run.followers += side != sides_of(&run.sides, input);
		} else {
			side = sides_of(&run.sides, input);
		}
		emit(&rec, side, already);
	}
	record_release(&rec);
}

static void weigh(void)
{
	struct record rec = {0};
	struct err e = ERR_INIT;

	begin_reading(run.source.files);
	while (next_record(&rec)) {
		uint64_t input = input_hash(&rec);
		if (ledger_add(&run.ledger, unit_hash(&rec, input), input, side_so_far(&rec), &e))
			die(&e);
	}
	progress_end(&run.progress);
	reader_release(&run.reader);
	record_release(&rec);
	ledger_settle(&run.ledger, &run.sides);
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
	begin_reading(run.source.files);
	run.reader.on_bad = NULL;
	while (!out_failed() && next_record(&rec)) {
		if (row == run.ledger.rows)
			break;
		emit(&rec, ledger_side(&run.ledger, row), run.ledger.row_kept[row]);
		row++;
	}
	if (!prog_stopping() && !out_failed() && (row < run.ledger.rows || next_record(&rec))) {
		err_set(&e, "the input changed while it was read: %zu rows, then %s", run.ledger.rows,
			row < run.ledger.rows ? "fewer" : "more");
		die(&e);
	}
	record_release(&rec);
}

static void summary(size_t rows)
{
	size_t torn = ledger_torn(&run.ledger), tied = ledger_tied(&run.ledger);

	if (torn)
		prog_warn("%zu %s of rows that belong together stand on both sides already; they were not moved", torn,
			  torn == 1 ? "set" : "sets");
	if (opt_quiet)
		return;
	if (tied)
		prog_warn("%zu %s joined because they hold the same input", tied,
			  tied == 1 ? "set of groups was" : "sets of groups were");
	if (run.loners)
		prog_warn("%zu rows have no value at %s; each is a group of its own", run.loners, path_text(run.group));
	if (run.followers)
		prog_warn("%zu rows follow an equal input that had a side already", run.followers);
	prog_warn("%zu rows: train %zu, valid %zu, test %zu (%zu had a side already); ratio %s, seed %lld, by %s", rows,
		  run.count[SIDE_TRAIN], run.count[SIDE_VALID], run.count[SIDE_TEST], run.already, run.sides.text, opt_seed,
		  run.key	? path_text(run.key)
		  : run.group ? path_text(run.group)
				: "input");
	for (int i = 0; i < SIDES; i++) {
		if (rows && run.sides.share[i] > 0 && !run.count[i])
			prog_warn("no row fell to %s: too few rows for its share", side_name((enum side)i));
	}
}

static void open_paths(void)
{
	struct err e = ERR_INIT;

	if (opt_key && opt_group)
		prog_usage("--key and --group: a side follows from one of them");
	if (sides_parse(&run.sides, opt_ratio, &e))
		prog_usage("%s", e.msg);
	if (opt_key && !(run.key = path_compile(opt_key, &e)))
		prog_usage("--key: %s", e.msg);
	if (opt_group && !(run.group = path_compile(opt_group, &e)))
		prog_usage("--group: %s", e.msg);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	char **files = prog_start(&program, argc, argv);
	int status = FT_OK;

	run.source.fd = -1;
	open_paths();
	out_line_buffered(opt_line_buffered);
	if (opt_dir) {
		int wanted[SIDES];
		for (int i = 0; i < SIDES; i++)
			wanted[i] = run.sides.share[i] > 0;
		if (shelf_open(&run.shelf, opt_dir, wanted, &e))
			die(&e);
	}
	if (run.key || run.group || source_mentions(files, "\"split\""))
		read_twice(files);
	else
		stream(files);
	progress_end(&run.progress);
	if (opt_dir && prog_stopping())
		shelf_abort(&run.shelf);
	else if (opt_dir && shelf_commit(&run.shelf, &e))
		die(&e);
	summary(run.reader.rows);
	if (run.reader.skipped)
		status = FT_PARTIAL;

	reader_release(&run.reader);
	source_release(&run.source);
	ledger_release(&run.ledger);
	map_release(&run.kept);
	path_free(run.key);
	path_free(run.group);
	buf_release(&run.text);
	buf_release(&run.scratch);
	buf_release(&run.line);
	prog_end(status);
}
