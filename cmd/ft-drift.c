/* ft-drift: what changed since the model was trained. Reads a reference and current records, compares them path by path,
 * and answers by its exit status: 0 stable, 1 drift, 4 too little data.
 */
#include <stdlib.h>
#include <string.h>
#include "../lib/base/file.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/drift/compare.h"
#include "../lib/drift/page.h"
#include "../lib/drift/profile.h"
#include "../lib/drift/report.h"
#include "../lib/drift/scope.h"
#include "../lib/drift/select.h"
#include "../lib/drift/window.h"
#include "../lib/json/jw.h"
#include "../lib/json/reader.h"
#include "../lib/split/source.h"
#include "../lib/text/hash.h"

static struct opt_list opt_reference, opt_paths, opt_exclude;
static double opt_alpha = 0.05, opt_min_effect = 0.05;
static double opt_ert;
static const char *opt_time, *opt_state, *opt_html, *opt_junit;
static long long opt_seed, opt_sample = FRAME_SAMPLE, opt_window, opt_rows;
static int opt_profile, opt_merge, opt_fdr, opt_calendar, opt_table, opt_json, opt_quiet, opt_skip_bad;

static const struct opt options[] = {
	{'r', "reference", OPT_LIST, &opt_reference, "FILE", "what the model was trained on; may be given again", 0, 0},
	{0, "path", OPT_LIST, &opt_paths, "PATH[:TYPE]", "look at this path and what stands below it only; TYPE is number,\ncategory, boolean, date, text or id", 0, 0},
	{0, "exclude", OPT_LIST, &opt_exclude, "PATH", "leave this path and what stands below it out", 0, 0},
	{0, "time", OPT_STR, &opt_time, "PATH", "when each record was made; dates are measured against it", 0, 0},
	{0, "alpha", OPT_REAL, &opt_alpha, "X", "chance of a false alarm in the whole run (default 0.05)", 1e-6, 0.5},
	{0, "min-effect", OPT_REAL, &opt_min_effect, "X", "smaller changes are none, from 0 to 1 (default 0.05)", 0, 1},
	{0, "fdr", OPT_FLAG, &opt_fdr, NULL, "control the share of false alarms (Benjamini-Hochberg)\ninstead of the chance of one (Holm)", 0, 0},
	{0, "calendar", OPT_FLAG, &opt_calendar, NULL, "compare months and weekdays too", 0, 0},
	{0, "window", OPT_INT, &opt_window, "N", "one verdict for every N rows, as they come", DRIFT_ROWS, 1000000},
	{0, "ert", OPT_REAL, &opt_ert, "T", "--window: without drift, one alarm in T rows on average\n(default: N over --alpha)", 1, 1e15},
	{0, "state", OPT_STR, &opt_state, "FILE", "--window: keep what a restart needs, and go on from it", 0, 0},
	{0, "profile", OPT_FLAG, &opt_profile, NULL, "write a profile of the records, which -r takes in their place", 0, 0},
	{0, "merge", OPT_FLAG, &opt_merge, NULL, "write the profile that the profiles named add up to", 0, 0},
	{0, "rows", OPT_INT, &opt_rows, "N", "write the N current rows that best show what is new, in place\nof the report", 1, 1000000},
	{0, "html", OPT_STR, &opt_html, "FILE", "a page with plots, besides", 0, 0},
	{0, "junit", OPT_STR, &opt_junit, "FILE", "JUnit XML, a test case a path, besides", 0, 0},
	{0, "sample", OPT_INT, &opt_sample, "N", "rows a side whose values are kept (default 20000)", 100, 10000000},
	{0, "seed", OPT_INT, &opt_seed, "N", "of the sample and of permutation tests (default 0)", 0, 0},
	{0, "table", OPT_FLAG, &opt_table, NULL, "a table, also where standard output is no terminal", 0, 0},
	{0, "json", OPT_FLAG, &opt_json, NULL, "JSON Lines, also on a terminal", 0, 0},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL, "report malformed lines and leave them out", 0, 0},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no progress", 0, 0},
	{0},
};

static const struct program program = {
	.name = "ft-drift",
	.synopsis = "-r REFERENCE [--path PATH[:TYPE] ...] [--time PATH] [--alpha X] [file ...]\n"
		    "-r REFERENCE --window N [--ert T] [--state FILE] [file ...]\n"
		    "{--profile [file ...] | --merge PROFILE ...}",
	.about = "Says what changed between reference records and current ones: exit status 0 nothing, 1 drift, 4 too little data.",
	.options = options,
	.examples = "ft-drift -r train.jsonl last-week.jsonl\n"
		    "ft-drift -r train.jsonl --time .created --path '.output|.due_date:date' answers.jsonl",
};

static void read_scope(struct scope *s)
{
	struct err e = ERR_INIT;
	struct scope_request q = {opt_paths.v, opt_paths.n, opt_exclude.v, opt_exclude.n, opt_time};

	if (scope_init(s, &q, &e))
		prog_usage("%s", e.msg);
	s->options.alpha = opt_alpha;
	s->options.min_effect = opt_min_effect;
	s->options.fdr = opt_fdr;
	s->options.calendar = opt_calendar;
	s->options.seed = (uint64_t)opt_seed;
}

static void on_bad(void *arg, const struct err *e)
{
	(void)arg;
	prog_warn("%s (skipped)", e->msg);
}

/* For frames of this run; arg is the scope. */
static void prepare(struct frame *f, void *arg)
{
	const struct scope *s = arg;

	f->sample_max = (size_t)opt_sample;
	f->seed = (uint64_t)opt_seed;
	f->paths = s->find;
	f->paths_n = s->find_n;
	f->time = s->time;
}

/* pool and fingerprint may be NULL. */
static void fill(struct frame *f, struct scope *s, char **files, const char *what, struct window_pool *pool, uint64_t *fingerprint,
		 size_t *skipped)
{
	struct reader reader;
	struct record rec = {0};
	struct err e = ERR_INIT;
	struct progress progress;
	int got;

	frame_init(f);
	prepare(f, s);
	reader_init(&reader, files);
	reader.skip_bad = opt_skip_bad;
	reader.on_bad = on_bad;
	reader.stopping = prog_stopping;
	progress_begin(&progress, what, 0, opt_quiet);
	while ((got = reader_next(&reader, &rec, &e)) > 0) {
		if (frame_add(f, &rec, &e)) {
			err_prefix(&e, "%s:%zu", reader.name, reader.line);
			got = -1;
			break;
		}
		if (pool)
			window_pool_add(pool, rec.line, (uint64_t)opt_seed);
		if (fingerprint)
			*fingerprint = hash64(rec.line, *fingerprint);
		if (f->rows % 1024 == 0)
			progress_set(&progress, (double)f->rows, NULL);
	}
	progress_end(&progress);
	if (got < 0)
		prog_fail(&e);
	frame_finish(f);
	if (f->lost && !opt_quiet)
		prog_warn("%llu values of the %s stand too deep, or at more than %d paths, and were not looked at",
			  (unsigned long long)f->lost, what, FRAME_COLUMNS);
	*skipped += reader.skipped;
	reader_release(&reader);
	record_release(&rec);
}

/* Profiles, added up, where the first file is one; else records. */
static void load(struct frame *f, struct scope *s, char **files, const char *what, size_t *skipped)
{
	struct err e = ERR_INIT;

	if (!files[0] || !profile_is(files[0])) {
		fill(f, s, files, what, NULL, NULL, skipped);
		return;
	}
	frame_init(f);
	if (profile_read(files[0], f, &e))
		prog_fail(&e);
	for (size_t i = 1; files[i]; i++) {
		struct frame more;
		frame_init(&more);
		if (profile_read(files[i], &more, &e))
			prog_fail(&e);
		if (profile_merge(f, &more, &e)) {
			err_prefix(&e, "%s", files[i]);
			prog_fail(&e);
		}
		frame_release(&more);
	}
}

static void put_line(void *arg, const char *line, size_t n)
{
	(void)arg;
	out_line(line, n);
}

static int profile(struct scope *s, char **files, size_t *skipped)
{
	struct frame f;

	if (opt_merge && (!files[0] || !profile_is(files[0])))
		prog_usage("--merge takes profiles, written by --profile");
	if (opt_merge)
		load(&f, s, files, "profiles", skipped);
	else
		fill(&f, s, files, "rows", NULL, NULL, skipped);
	if (!prog_stopping())
		profile_write(&f, put_line, NULL);
	frame_release(&f);
	return FT_OK;
}

static int as_table(void)
{
	return opt_table || (out_is_tty() && !opt_json);
}

static void print(const struct comparison *c, const struct drift_options *o)
{
	struct buf b = BUF_INIT;

	if (as_table()) {
		report_table(c, o, &b);
		out_span(buf_span(&b));
	} else {
		for (size_t i = 0; i < c->n; i++) {
			buf_clear(&b);
			report_line(&c->lines[i], c, &b);
			out_line(b.data, b.len);
		}
		buf_clear(&b);
		report_summary(c, o, &b);
		out_line(b.data, b.len);
	}
	buf_release(&b);
}

/* --- a stream in windows --- */

struct watch {
	struct scope *scope;
	const struct frame *reference;
	struct window_state state;
	double threshold;
};

static int calibrating(void *arg, size_t done)
{
	(void)arg;
	(void)done;
	return prog_stopping();
}

static void calibrate(struct watch *w, const struct window_pool *pool)
{
	struct err e = ERR_INIT;
	double ert = opt_ert > 0 ? opt_ert : (double)opt_window / opt_alpha;

	if (ert < 2 * (double)opt_window)
		prog_usage("--ert %g: a window of %lld rows cannot wait so short; give at least twice its rows", ert, opt_window);
	if (w->state.tests <= 0) {
		if (!opt_quiet)
			prog_warn("learning how %lld rows of the reference differ by chance, in %d windows ...", opt_window,
				  WINDOW_CALIBRATION);
		if (window_calibrate(pool, (size_t)opt_window, &w->scope->options, prepare, calibrating, w->scope, &w->state.tests, &e)) {
			if (prog_stopping())
				prog_end(FT_OK);
			prog_fail(&e);
		}
		/* Kept at once: a restart must not wait for it again. */
		if (window_state_save(&w->state, &e))
			prog_fail(&e);
	}
	w->threshold = window_threshold(w->state.tests, (size_t)opt_window, ert);
	w->scope->options.draws = (size_t)(20 / w->threshold);
	if (w->scope->options.draws > 200000)
		w->scope->options.draws = 200000;
}

/* The open window is full: judge it and begin the next. */
static void judge_window(struct watch *w)
{
	struct err e = ERR_INIT;
	struct comparison c;
	struct buf b = BUF_INIT;
	struct window_report r = {.number = w->state.windows + 1, .last = w->state.rows,
		.first = w->state.rows - w->state.pending_n + 1, .threshold = w->threshold};

	if (window_compare(&w->state, w->reference, &w->scope->options, prepare, w->scope, &c, &e))
		prog_fail(&e);
	r.p = window_least_p(&c, &w->scope->options, &r.line);
	r.alarm = r.p <= r.threshold;
	w->state.alarms += (uint64_t)r.alarm;
	if (window_state_close(&w->state, &e))
		prog_fail(&e);
	if (as_table())
		report_window_text(&r, &b);
	else
		report_window(&r, &c, &b);
	out_span(buf_span(&b));
	out_flush();
	buf_release(&b);
	comparison_release(&c);
}

static int watch(struct watch *w, const struct window_pool *pool, char **files, size_t *skipped)
{
	struct reader reader;
	struct record rec = {0};
	struct err e = ERR_INIT;
	int got, judged = 0;

	w->state.path = opt_state;
	w->state.fingerprint = hash_mix(w->state.fingerprint, (uint64_t)opt_window);
	if (window_state_load(&w->state, &e))
		prog_fail(&e);
	uint64_t alarms = w->state.alarms;
	calibrate(w, pool);
	reader_init(&reader, files);
	reader.skip_bad = opt_skip_bad;
	reader.on_bad = on_bad;
	reader.stopping = prog_stopping;
	while (!out_failed() && (got = reader_next(&reader, &rec, &e)) != 0) {
		if (got < 0 || window_state_add(&w->state, rec.line, &e))
			prog_fail(&e);
		if (w->state.pending_n < (size_t)opt_window)
			continue;
		judge_window(w);
		judged = 1;
	}
	if (!opt_quiet && w->state.pending_n)
		prog_warn("%zu rows of an open window %s", w->state.pending_n, opt_state ? "wait in the state file" : "were not judged");
	*skipped += reader.skipped;
	reader_release(&reader);
	record_release(&rec);
	int status = w->state.alarms > alarms ? FT_NO : judged ? FT_OK : FT_INSUFFICIENT;
	window_state_release(&w->state);
	return status;
}

/* --- one comparison --- */

/* The records chosen, in the order of their scores, each with what speaks for it. */
static void print_rows(const struct selected *chosen, size_t n, char **files)
{
	struct buf *line = mem_alloc(n, sizeof *line), value = BUF_INIT;
	struct map at = {0};
	struct reader reader;
	struct record rec = {0};
	struct err e = ERR_INIT;
	int got;

	for (size_t i = 0; i < n; i++)
		map_put(&at, chosen[i].number, i, NULL);
	reader_init(&reader, files);
	reader.skip_bad = opt_skip_bad;
	reader.stopping = prog_stopping;
	while ((got = reader_next(&reader, &rec, &e)) > 0) {
		uint64_t *i = map_get(&at, reader.rows - 1);
		if (!i)
			continue;
		struct jw w;
		buf_clear(&value);
		jw_init(&w, &value);
		jw_object(&w);
		jw_key(&w, "score");
		jw_num(&w, chosen[*i].score);
		jw_key(&w, "path");
		jw_str(&w, chosen[*i].path);
		jw_end(&w);
		struct edit edit = {"drift", buf_span(&value)};
		record_splice(&rec, &edit, 1, &line[*i]);
	}
	if (got < 0)
		prog_fail(&e);
	for (size_t i = 0; i < n; i++) {
		out_line(line[i].data, line[i].len);
		buf_release(&line[i]);
	}
	free(line);
	map_release(&at);
	buf_release(&value);
	reader_release(&reader);
	record_release(&rec);
}

static void write_file(const char *file, void (*page)(const struct comparison *, const struct drift_options *, struct buf *),
		       const struct comparison *c, const struct drift_options *o)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	if (!file)
		return;
	page(c, o, &b);
	if (file_write(file, b.data, b.len, &e))
		prog_fail(&e);
	buf_release(&b);
}

static int compare_once(struct scope *scope, const struct frame *reference, char **files, size_t *skipped)
{
	struct frame current;
	struct comparison c;
	struct source source = {0};
	struct err e = ERR_INIT;

	if (opt_rows) {
		if (files[0] && profile_is(files[0]))
			prog_usage("--rows: a profile does not hold the rows");
		if (source_open(&source, files, prog_stopping, &e))
			prog_fail(&e);
		files = source.files;
	}
	load(&current, scope, files, "current rows", skipped);
	if (prog_stopping())
		prog_end(FT_OK);
	if (compare(reference, &current, &scope->options, &c, &e))
		prog_fail(&e);
	write_file(opt_html, page_html, &c, &scope->options);
	write_file(opt_junit, page_junit, &c, &scope->options);
	if (opt_rows) {
		size_t n;
		struct selected *chosen = select_rows(&c, reference, &current, (size_t)opt_rows, &n);
		print_rows(chosen, n, files);
		select_free(chosen, n);
		source_release(&source);
	} else {
		print(&c, &scope->options);
	}
	int status = c.verdict == VERDICT_DRIFT ? FT_NO : c.verdict == VERDICT_STABLE ? FT_OK : FT_INSUFFICIENT;
	comparison_release(&c);
	frame_release(&current);
	return status;
}

int main(int argc, char **argv)
{
	char **files = prog_start(&program, argc, argv);
	struct scope scope;
	struct frame reference;
	struct window_pool pool = {0};
	struct watch w = {.scope = &scope, .reference = &reference};
	size_t skipped = 0;
	int status;

	int profiling = opt_profile || opt_merge;
	if (!opt_reference.n && !profiling)
		prog_usage("-r REFERENCE is needed: the records that the model was trained on");
	if (opt_reference.n && profiling)
		prog_usage("--profile and --merge describe the records named and compare nothing: leave -r out");
	if (opt_table && opt_json)
		prog_usage("--table and --json: choose one");
	if ((opt_ert > 0 || opt_state) && !opt_window)
		prog_usage("--ert and --state go with --window");
	if (opt_window && (opt_rows || opt_html || opt_junit))
		prog_usage("--rows, --html and --junit tell of one comparison, not of a stream");
	read_scope(&scope);
	char **reference_files = mem_alloc(opt_reference.n + 1, sizeof *reference_files);
	for (size_t i = 0; i < opt_reference.n; i++)
		reference_files[i] = (char *)(uintptr_t)opt_reference.v[i];
	frame_init(&reference);
	if (profiling) {
		status = profile(&scope, files, &skipped);
	} else if (opt_window) {
		if (profile_is(reference_files[0]))
			prog_usage("--window learns from the reference's records; a profile does not hold them");
		fill(&reference, &scope, reference_files, "reference rows", &pool, &w.state.fingerprint, &skipped);
		status = watch(&w, &pool, files, &skipped);
	} else {
		load(&reference, &scope, reference_files, "reference rows", &skipped);
		status = compare_once(&scope, &reference, files, &skipped);
	}
	if (skipped && status == FT_OK)
		status = FT_PARTIAL;
	window_pool_release(&pool);
	frame_release(&reference);
	scope_release(&scope);
	free(reference_files);
	prog_end(status);
}
