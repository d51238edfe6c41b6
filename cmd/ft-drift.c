/* ft-drift: what changed since the model was trained. Reads a reference and current records,
 * compares them path by path, and answers by its exit status: 0 stable, 1 drift, 4 too little data.
 */
#include <stdlib.h>
#include "../lib/base/file.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/drift/compare.h"
#include "../lib/drift/estimate.h"
#include "../lib/drift/load.h"
#include "../lib/drift/page.h"
#include "../lib/drift/profile.h"
#include "../lib/drift/report.h"
#include "../lib/drift/scope.h"
#include "../lib/drift/select.h"
#include "../lib/drift/watch.h"
#include "../lib/json/reader.h"
#include "../lib/json/source.h"

static struct opt_list opt_reference, opt_path, opt_exclude;
static double opt_alpha = 0.05, opt_min_effect = 0.05, opt_ert;
static const char *opt_time, *opt_cluster, *opt_state, *opt_html, *opt_junit, *opt_estimate_from,
	*opt_truth;
static long long opt_seed, opt_sample = FRAME_SAMPLE, opt_window, opt_rows, opt_threads;
static int opt_profile, opt_merge, opt_fdr, opt_calendar, opt_skip_bad, opt_quiet;
static struct prog_form opt_form;

/* Scopes: of one comparison, not of a stream, and of what compares anything. */
#define ONCE .without = "profile merge window: it is part of one comparison"
#define COMPARES .without = "profile merge: they compare nothing"

static struct opt options[] = {
	{'r', "reference", OPT_LIST, &opt_reference, "FILE",
	 "what the model was trained on; may be given again", COMPARES, .aside = 1},
	{0, "path", OPT_LIST, &opt_path, "PATH[:TYPE]",
	 "look at this path and what stands below it only; TYPE is number,\ncategory, boolean, date, text or id"},
	{0, "exclude", OPT_LIST, &opt_exclude, "PATH",
	 "leave this path and what stands below it out"},
	{0, "time", OPT_STR, &opt_time, "PATH",
	 "when each record was made; dates are measured against it"},
	{0, "cluster", OPT_STR, &opt_cluster, "PATH",
	 "rows with one value here, such as a customer or a day, depend on\neach other: tests take them together",
	 .without = "merge window estimate-from: it is for tests of single runs"},
	{0, "alpha", OPT_REAL, &opt_alpha, "X",
	 "chance of a false alarm in the whole run (default 0.05)", 1e-6, 0.5},
	{0, "min-effect", OPT_REAL, &opt_min_effect, "X",
	 "smaller changes are none, from 0 to 1 (default 0.05)", 0, 1},
	{0, "fdr", OPT_FLAG, &opt_fdr, NULL,
	 "control the share of false alarms (Benjamini-Hochberg)\ninstead of the chance of one (Holm)"},
	{0, "calendar", OPT_FLAG, &opt_calendar, NULL, "compare months and weekdays too"},
	{0, "window", OPT_INT, &opt_window, "N", "one verdict for every N rows, as they come",
	 DRIFT_ROWS, 1000000, COMPARES},
	{0, "ert", OPT_REAL, &opt_ert, "T",
	 "--window: without drift, one alarm in T rows on average\n(default: N over --alpha)", 1,
	 1e15, .with = "window"},
	{0, "state", OPT_STR, &opt_state, "FILE",
	 "--window: keep what a restart needs, and go on from it", .with = "window", .aside = 1},
	{0, "profile", OPT_FLAG, &opt_profile, NULL,
	 "write a profile of the records, which -r takes in their place"},
	{0, "merge", OPT_FLAG, &opt_merge, NULL,
	 "write the profile that the profiles named add up to"},
	{0, "rows", OPT_INT, &opt_rows, "N",
	 "write the N current rows that best show what is new, in place\nof the report", 1, 1000000,
	 ONCE},
	{0, "estimate-from", OPT_STR, &opt_estimate_from, "PATH",
	 "estimate the share of right answers from the score at PATH:\nneeds no labels but those that the reference has at --truth",
	 .with = "truth", .without = "profile merge window rows: it is part of one report",
	 .was = "estimate"},
	{0, "truth", OPT_STR, &opt_truth, "PATH",
	 "--estimate-from: whether an answer was right: true, false or 0 to 1",
	 .with = "estimate-from"},
	{0, "html", OPT_STR, &opt_html, "FILE", "a page with plots, besides", ONCE},
	{0, "junit", OPT_STR, &opt_junit, "FILE", "JUnit XML, a test case a path, besides", ONCE},
	{0, "sample", OPT_INT, &opt_sample, "N",
	 "rows a side whose texts and lags are kept (default 20000)", 100, 10000000},
	{0, "seed", OPT_INT, &opt_seed, "N", "of the sample and of permutation tests (default 0)"},
	{0, "threads", OPT_INT, &opt_threads, "N",
	 "for reading (default: all processors); no part of the answer", 0, 1024, .aside = 1},
	PROG_FORM_OPTIONS(opt_form, "", .aside = 1),
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL, "report malformed lines and leave them out",
	 .aside = 1},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no progress", .aside = 1},
	{0},
};

static const struct program program = {
	.name = "ft-drift",
	.synopsis = "-r REFERENCE [--path PATH[:TYPE] ...] [--time PATH] [--alpha X] [file ...]\n"
		    "-r REFERENCE --estimate-from PATH --truth PATH [file ...]\n"
		    "-r REFERENCE --window N [--ert T] [--state FILE] [file ...]\n"
		    "{--profile [file ...] | --merge PROFILE ...}",
	.about =
		"Says what changed between reference records and current ones: exit status 0 nothing, 1 drift, 4 too little data.",
	.options = options,
	.examples =
		"ft-drift -r train.jsonl last-week.jsonl\n"
		"ft-drift -r all.jsonl kept.jsonl    # did the filter cut away a region of the inputs?\n"
		"ft-drift -r train.jsonl --time .created --path '.output|.due_date:date' answers.jsonl",
};

/* What the parts of a run share. */
struct run {
	struct scope *scope;
	struct frame reference;
	struct pool *pool;
	struct watch watch; /* --window */
	struct progress progress;
	struct source source; /* files that are read twice; not opened otherwise */
	size_t skipped;
};

static void read_scope(struct scope *s)
{
	struct err e = ERR_INIT;
	struct scope_request q = {opt_path.v, opt_path.n,  opt_exclude.v,     opt_exclude.n,
				  opt_time,   opt_cluster, opt_estimate_from, opt_truth};

	if (scope_init(s, &q, &e))
		prog_usage("%s", e.msg);
	s->options.alpha = opt_alpha;
	s->options.min_effect = opt_min_effect;
	s->options.fdr = opt_fdr;
	s->options.calendar = opt_calendar;
	s->options.seed = (uint64_t)opt_seed;
}

/* For frames of this run. */
static void prepare(void *arg, struct frame *f)
{
	const struct scope *s = ((struct run *)arg)->scope;

	f->sample_max = (size_t)opt_sample;
	f->seed = (uint64_t)opt_seed;
	f->paths = s->find;
	f->paths_n = s->find_n;
	f->time = s->time;
	f->cluster = s->cluster;
	f->types = s->types;
	f->types_n = s->options.paths_n;
}

static void on_line(void *arg, struct span line)
{
	watch_reference(&((struct run *)arg)->watch, line);
}

static void on_progress(void *arg, uint64_t rows)
{
	progress_set(&((struct run *)arg)->progress, (double)rows, NULL);
}

/* Rows, or profiles unless only rows will do. */
static void load(struct frame *f, struct run *r, char **files, const char *what, int rows_only,
		 int keep)
{
	struct reader reader;
	struct load how = {.reader = &reader,
			   .pool = r->pool,
			   .arg = r,
			   .prepare = prepare,
			   .progress = on_progress,
			   .line = keep ? on_line : NULL};
	struct err e = ERR_INIT;

	progress_begin(&r->progress, what, 0, opt_quiet);
	reader_start(&reader, files, opt_skip_bad);
	reader.names = files == r->source.files ? r->source.names : NULL;
	int bad = (rows_only ? load_frame : load_any)(f, &how, &e);
	progress_end(&r->progress);
	if (bad)
		prog_fail(&e);
	r->skipped += reader.skipped;
	reader_release(&reader);
	if (f->lost)
		prog_warn("%llu values of the %s stand too deep, or at more than %d paths, and were not looked at",
			  (unsigned long long)f->lost, what, FRAME_COLUMNS);
}

static void put_line(void *arg, const char *line, size_t n)
{
	(void)arg;
	out_line(line, n);
}

static int profile(struct run *r, char **files)
{
	struct frame f;

	if (opt_merge && (!files[0] || !drift_profile_is(files[0])))
		prog_usage("--merge takes profiles, written by --profile");
	load(&f, r, files, opt_merge ? "profiles" : "rows", !opt_merge, 0);
	if (!prog_stopping())
		drift_profile_write(&f, put_line, NULL);
	frame_release(&f);
	return FT_OK;
}

/* --- a stream in windows --- */

static void on_learning(const struct watch *w)
{
	if (!opt_quiet)
		prog_warn("learning how %zu rows of the reference differ by chance, in %d windows ...",
			  w->how.n, WINDOW_CALIBRATION);
}

static void begin_watch(struct run *r)
{
	r->watch = (struct watch){.how = {.n = (size_t)opt_window,
					  .options = &r->scope->options,
					  .prepare = prepare,
					  .arg = r,
					  .pool = r->pool,
					  .stopping = prog_stopping},
				  .given = options,
				  .reference = &r->reference,
				  .ert = opt_ert > 0 ? opt_ert : (double)opt_window / opt_alpha,
				  .state = {.path = opt_state, .fd = -1, .lock = -1}};
	if (opt_window && r->watch.ert < 2 * (double)opt_window)
		prog_usage("--ert %g: a window of %lld rows cannot wait so short; give at least twice its rows",
			   r->watch.ert, opt_window);
}

/* A verdict that nobody could read is given again: the state keeps the window until then. Returns
 * the alarm. */
static int judge_window(struct watch *w)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	int alarm;

	if (watch_judge(w, prog_as_table(&opt_form), &b, &alarm, &e))
		prog_fail(&e);
	out_report(&b, prog_as_table(&opt_form));
	out_flush();
	buf_release(&b);
	if (out_failed())
		return 0;
	if (watch_next(w, alarm, &e))
		prog_fail(&e);
	return alarm;
}

static int watch(struct run *r, char **files)
{
	struct watch *w = &r->watch;
	struct reader reader;
	struct record rec = {0};
	struct err e = ERR_INIT;
	int got = 1, judged = 0, alarms = 0;

	for (size_t i = 0; files[i]; i++) {
		if (drift_profile_is(files[i]))
			prog_usage("--window takes rows, and %s is a profile", files[i]);
	}
	if (watch_open(w, on_learning, &e))
		prog_stopping() ? prog_end(FT_OK) : prog_fail(&e);
	reader_start(&reader, files, opt_skip_bad);
	while (got > 0 && !out_failed()) {
		if (watch_full(w)) {
			alarms += judge_window(w);
			judged = 1;
		} else if ((got = reader_next(&reader, &rec, &e)) > 0) {
			got = watch_add(w, rec.line, &e) ? -1 : 1;
		}
	}
	if (got < 0)
		prog_fail(&e);
	if (!opt_quiet && w->state.pending_n)
		prog_warn("%zu rows of an open window %s", w->state.pending_n,
			  opt_state ? "wait in the state file" : "were not judged");
	r->skipped += reader.skipped;
	reader_release(&reader);
	record_release(&rec);
	return alarms ? FT_NO : judged ? FT_OK : FT_INSUFFICIENT;
}

/* --- one comparison --- */

static void print_rows(const struct comparison *c, const struct run *r, const struct frame *current)
{
	struct err e = ERR_INIT;
	struct reader reader;
	size_t n;
	struct selected *chosen = select_rows(c, &r->reference, current, (size_t)opt_rows, &n);
	struct buf *line = mem_alloc(n, sizeof *line);

	reader_init(&reader, r->source.files);
	reader.names = r->source.names;
	reader.skip_bad = 1;
	if (select_lines(chosen, n, &reader, line, &e))
		prog_fail(&e);
	reader_release(&reader);
	for (size_t i = 0; i < n; i++) {
		out_line(line[i].data, line[i].len);
		buf_release(&line[i]);
	}
	free(line);
	select_free(chosen, n);
}

static void write_file(const char *file, struct buf *b)
{
	struct err e = ERR_INIT;

	if (file_write(file, b->data, b->len, &e))
		prog_fail(&e);
	buf_clear(b);
}

static int compare_once(struct run *r, char **files)
{
	struct frame current;
	struct comparison c;
	struct estimate x = {0};
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char **named = files;

	if (opt_rows) {
		if (source_open(&r->source, files, prog_stopping, &e))
			prog_fail(&e);
		files = r->source.files;
		for (size_t i = 0; files[i]; i++)
			if (drift_profile_is(files[i]))
				prog_usage("--rows: a profile does not hold the rows");
	}
	load(&current, r, files, "current rows", 0, 0);
	if (prog_stopping())
		prog_end(FT_OK);
	if (compare(&r->reference, &current, &r->scope->options, &c, &e))
		prog_fail(&e);
	if (opt_estimate_from && estimate(&c, &r->reference, &current, &r->scope->options,
					  r->scope->estimate, r->scope->truth, &x, &e))
		prog_fail(&e);
	const struct html_about about = {prog_command(),
					 {{"reference", (char **)opt_reference.v, c.reference_rows},
					  {"current", named, c.current_rows}}};
	if (opt_html) {
		page_html(&c, &r->scope->options, &about, &b);
		write_file(opt_html, &b);
	}
	if (opt_junit) {
		page_junit(&c, &r->scope->options, &b);
		write_file(opt_junit, &b);
	}
	if (opt_rows)
		print_rows(&c, r, &current);
	else
		(prog_as_table(&opt_form)
			 ? report_table
			 : report_lines)(&c, &r->scope->options, opt_estimate_from ? &x : NULL, &b);
	out_report(&b, prog_as_table(&opt_form));
	int status = c.verdict == VERDICT_DRIFT || (opt_estimate_from && x.verdict == VERDICT_DRIFT)
			     ? FT_NO
		     : c.verdict == VERDICT_INSUFFICIENT ||
				     (opt_estimate_from && x.verdict == VERDICT_INSUFFICIENT)
			     ? FT_INSUFFICIENT
			     : FT_OK;
	buf_release(&b);
	buf_release(&x.why);
	comparison_release(&c);
	frame_release(&current);
	source_release(&r->source);
	return status;
}

int main(int argc, char **argv)
{
	char **files = prog_start(&program, argc, argv);
	struct scope scope;
	struct run run = {.scope = &scope};
	int status;

	if (!opt_reference.n && !opt_profile && !opt_merge)
		prog_usage("-r REFERENCE is needed: the records that the model was trained on");
	if (opt_window && drift_profile_is(opt_reference.v[0]))
		prog_usage(
			"--window learns from the reference's records; a profile does not hold them");
	read_scope(&scope);
	run.pool = pool_new((int)opt_threads);
	begin_watch(&run);
	frame_init(&run.reference);
	if (!opt_profile && !opt_merge)
		load(&run.reference, &run, (char **)opt_reference.v, "reference rows",
		     opt_window > 0, opt_window > 0);
	status = opt_profile || opt_merge ? profile(&run, files)
		 : opt_window		  ? watch(&run, files)
					  : compare_once(&run, files);
	if (run.skipped && status == FT_OK)
		status = FT_PARTIAL;
	watch_release(&run.watch);
	frame_release(&run.reference);
	scope_release(&scope);
	pool_free(run.pool);
	prog_end(status);
}
