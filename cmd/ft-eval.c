/* ft-eval: scores answers with checks and says what the scores are worth: every rate with its
 * interval, every comparison paired, every requirement met, missed or not yet decided.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/file.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/eval/advice.h"
#include "../lib/eval/board.h"
#include "../lib/eval/compare.h"
#include "../lib/eval/decide.h"
#include "../lib/eval/duels.h"
#include "../lib/eval/junit.h"
#include "../lib/eval/outcome.h"
#include "../lib/eval/page.h"
#include "../lib/eval/profile.h"
#include "../lib/eval/report.h"
#include "../lib/eval/require.h"
#include "../lib/eval/scorer.h"
#include "../lib/eval/tables.h"
#include "../lib/json/batch.h"

static struct opt_list opt_criterion, opt_weight, opt_by, opt_require;
static const char *opt_compare, *opt_baseline, *opt_cluster, *opt_pass_at, *opt_baseline_file,
	*opt_html, *opt_junit;
static double opt_level = 95, opt_timeout = 60, opt_train_cost = NAN, opt_margin = NAN;
static long long opt_threads, opt_jobs = 4, opt_bootstrap, opt_seed, opt_html_rows = 1000;
static int opt_reasoning, opt_errors, opt_choose, opt_sequential, opt_labels, opt_profile,
	opt_merge, opt_point, opt_diff, opt_pass_through, opt_markdown, opt_skip_bad,
	opt_line_buffered, opt_quiet;
static struct prog_form opt_form;

static struct opt options[] = {
	{'c', "criterion", OPT_LIST, &opt_criterion, "[NAME=]CHECK[:ARG]", NULL,
	 .without = "merge: profiles have their own", .was = "check"},
	{0, "weight", OPT_LIST, &opt_weight, "NAME=W",
	 "weight of a check; adds the weighted mean as `score`"},
	{0, "with-reasoning", OPT_FLAG, &opt_reasoning, NULL,
	 "score the reasoning too, as part of the output",
	 .without = "merge: profiles have their own"},
	{0, "by", OPT_LIST, &opt_by, "PATH", "a group for each value here (may be given again)",
	 .without = "merge: profiles have their own"},
	{0, "compare", OPT_STR, &opt_compare, "PATH",
	 "groups by PATH, compared pair by pair: rows of one id",
	 .without = "profile merge: a profile holds no rows"},
	{0, "baseline", OPT_STR, &opt_baseline, "VALUE",
	 "the group the others are compared with (default: the first)", .with = "compare"},
	{0, "baseline-file", OPT_STR, &opt_baseline_file, "OLD",
	 "compares with the records of an earlier run; exit 1 where a check\ngot worse beyond doubt",
	 .without = "compare profile merge: --by forms groups within both runs"},
	{0, "diff", OPT_FLAG, &opt_diff, NULL, "also a line for each row fixed or broken",
	 .with = "compare baseline-file"},
	{0, "require", OPT_LIST, &opt_require, "FIGURE>=N",
	 "exit 0 where met, 1 missed, 4 the interval straddles N\n(>=, <=, >, <; may be given again)"},
	{0, "point", OPT_FLAG, &opt_point, NULL, "decide requirements by the point estimate"},
	{0, "sequential", OPT_FLAG, &opt_sequential, NULL,
	 "intervals hold at every row at once: look as often as you like,\nand stop as soon as there is a verdict (4: go on)",
	 .without =
		 "point bootstrap cluster pass-at labels: it is for rates, scores and differences of rows on their own"},
	{0, "margin", OPT_REAL, &opt_margin, "N", "what is worse than OLD by less is not worse", 0,
	 1, .with = "sequential"},
	{0, "choose", OPT_CHOICE, &opt_choose, "cheapest",
	 "names the cheapest group that meets every requirement;\nexit 1 when none does", 1, 0,
	 .with = "require"},
	{0, "train-cost", OPT_REAL, &opt_train_cost, "USD",
	 "with --compare: after how many calls that sum is repaid", 0, 1e12, .with = "compare"},
	{0, "errors", OPT_CHOICE, &opt_errors, "fail|drop",
	 "rows that cannot be scored are wrong, or are left out", UNSCORED_FAIL, 0,
	 .without = "merge: profiles have their own"},
	{0, "cluster", OPT_STR, &opt_cluster, "PATH",
	 "rows with the same value here are not independent",
	 .without = "profile merge: a profile holds no rows"},
	{0, "pass-at", OPT_STR, &opt_pass_at, "K,...",
	 "with several samples an id: pass@K and pass^K"},
	{0, "labels", OPT_FLAG, &opt_labels, NULL, "answers are classes: F1, MCC, confusion matrix",
	 .without = "profile merge: a profile holds no rows"},
	{0, "bootstrap", OPT_INT, &opt_bootstrap, "N",
	 "intervals of means from N resamples (BCa), not by t", 2, 1e7},
	{0, "seed", OPT_INT, &opt_seed, "N", "seed of everything random (default 0)"},
	{0, "level", OPT_REAL, &opt_level, "PERCENT", "confidence of the intervals (default 95)",
	 50, 99.999},
	{0, "profile", OPT_FLAG, &opt_profile, NULL,
	 "write distributions instead of figures, for --merge"},
	{0, "merge", OPT_FLAG, &opt_merge, NULL,
	 "the files are profiles of shards: figures of the whole"},
	{'p', "pass-through", OPT_FLAG, &opt_pass_through, NULL,
	 "write the records with `eval` added instead of figures",
	 .without = "table json markdown profile merge", .was = "pass"},
	PROG_FORM_OPTIONS(opt_form, ""),
	{0, "markdown", OPT_FLAG, &opt_markdown, NULL, "the table as Markdown",
	 .without = "table json"},
	{'j', "jobs", OPT_INT, &opt_jobs, "N", "commands of cmd: at a time (default 4)", 1, 1024},
	{0, "timeout", OPT_REAL, &opt_timeout, "S", "seconds for each command of cmd: (default 60)",
	 0.001, 1e6},
	{0, "html", OPT_STR, &opt_html, "FILE", "also a report as one HTML file",
	 .without = "profile merge: a profile holds no rows"},
	{0, "html-rows", OPT_INT, &opt_html_rows, "N",
	 "rows shown in it, the worst first (default 1000)", 0, 1e6},
	{0, "junit", OPT_STR, &opt_junit, "FILE", "also the verdicts as JUnit XML"},
	{0, "threads", OPT_INT, &opt_threads, "N", "that read and score (default: all processors)",
	 1, 1024},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL,
	 "report malformed lines, leave them out and end with status 3"},
	{0, "line-buffered", OPT_FLAG, &opt_line_buffered, NULL,
	 "with -p: write each record as soon as it is scored"},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no progress, no remarks"},
	{0},
};

static const struct program program = {
	.name = "ft-eval",
	.synopsis = "[-c CHECK ...] [--by PATH] [--compare PATH] [--require EXPR ...] [file ...]",
	.about =
		"Scores answers, with an interval for every rate, a paired test for every comparison, an exit status for every requirement.",
	.options = options,
	.examples =
		"ft-eval answers.jsonl\n"
		"ft-eval -c exact -c 'jq:(.output|length) < 40' --compare .model answers.jsonl\n"
		"ft-eval --require 'exact>=0.9' answers.jsonl && echo good enough",
};

static struct board board;
static struct check *checks;
static struct duels duels; /* pair rows */
static struct requirement *requirements;
static const char baseline_run[] = "baseline", this_run[] = "now";

/* --- what was asked for --- */

static void parse_checks(void)
{
	static const char *const usual[] = {"exact"};
	struct err e = ERR_INIT;

	board.n_checks = opt_criterion.n > 0 ? opt_criterion.n : 1;
	board.n_metrics = board.n_checks + (opt_weight.n > 0);
	if (check_parse_all(opt_criterion.n > 0 ? opt_criterion.v : usual, board.n_checks, &checks,
			    &e))
		prog_usage("%s", e.msg);
	board.checks = checks;
	for (size_t i = 0; i < opt_weight.n; i++)
		if (check_weigh(checks, board.n_checks, opt_weight.v[i], &e))
			prog_usage("%s", e.msg);
}

static struct path *parse_path(const char *text)
{
	struct err e = ERR_INIT;
	struct path *p = text ? path_compile(text, &e) : NULL;

	if (text && !p)
		prog_usage("%s", e.msg);
	return p;
}

static void parse_options(void)
{
	struct err e = ERR_INIT;

	parse_checks();
	board.level = opt_level / 100;
	board.by = mem_alloc(opt_by.n, sizeof *board.by);
	board.n_by = opt_by.n;
	for (size_t i = 0; i < opt_by.n; i++)
		board.by[i] = parse_path(opt_by.v[i]);
	board.compare = parse_path(opt_compare);
	board.keep = opt_compare || opt_baseline_file || opt_html;
	board.keep_lines = opt_html != NULL;
	board.cluster = parse_path(opt_cluster);
	board.labels = opt_labels;
	board.sequential = opt_sequential;
	board.margin = isnan(opt_margin) ? 0 : opt_margin;
	if (!isnan(opt_margin) && !opt_baseline_file)
		prog_usage("--margin goes with --baseline-file");
	board.boot =
		(struct boot){(size_t)opt_bootstrap, (uint64_t)opt_seed, BOOT_BCA, board.level};
	if (opt_pass_at && board_pass_at(&board, opt_pass_at, &e))
		prog_usage("--pass-at %s", e.msg);
	board.unscored = (enum unscored)opt_errors;
	if (require_parse_all(opt_require.v, opt_require.n, &requirements, &e))
		prog_usage("%s", e.msg);
	for (size_t i = 0; i < opt_require.n; i++)
		board_pass_of(&board, requirements[i].figure);
}

/* --- reading and scoring --- */

static int take_row(void *arg, struct row *r, struct err *e)
{
	struct buf line = BUF_INIT;

	(void)arg;
	if (opt_pass_through && board.run != baseline_run) {
		if (check_write_scores(checks, board.n_checks, opt_weight.n > 0, r, &line))
			return err_set(e, "%s:%zu: the record grows too large", r->file, r->line);
		out_line(line.data, line.len);
		buf_release(&line);
	}
	if (!duels_is_pair(&r->rec))
		return board_add(&board, r, e);
	return duels_add(&duels, &r->rec, e) ? err_prefix(e, "%s:%zu", r->file, r->line) : 0;
}

/* Trouble while scoring; a signal that stopped jq or a command is no trouble of theirs. */
static void stopped_or_failed(const struct err *e)
{
	prog_stopping() ? prog_end(FT_TROUBLE) : prog_fail(e);
}

/* Returns the number of lines skipped. */
static size_t read_all(struct scorer *scorer, char **files)
{
	struct reader r;
	struct batch batch = {.reader = &r, .pool = scorer_pool(scorer)};
	const struct record *rec;
	struct err e = ERR_INIT, read_error;
	struct progress progress;
	int got = 0;

	reader_start(&r, files, opt_skip_bad);
	progress_begin(&progress, "rows", 0, opt_quiet);
	while (!(opt_pass_through && out_failed()) &&
	       (got = batch_next(&batch, NULL, &rec, &e)) > 0) {
		if (scorer_add(scorer, rec->line, r.name, batch.number, &e) < 0)
			stopped_or_failed(&e);
		progress_set(&progress, (double)r.rows, NULL);
	}
	read_error = e;
	if (scorer_flush(scorer, &e) < 0)
		stopped_or_failed(&e);
	if (got < 0)
		prog_fail(&read_error);
	progress_end(&progress);
	batch_release(&batch);
	reader_release(&r);
	return r.skipped;
}

static size_t read_profiles(char **files)
{
	struct reader r;
	struct err e = ERR_INIT;

	check_release_all(checks, board.n_checks);
	reader_start(&r, files, opt_skip_bad);
	if (eval_profile_read_all(&board, &r, &checks, &e))
		prog_fail(&e);
	reader_release(&r);
	return r.skipped;
}

static size_t read_runs(char **files)
{
	const struct scorer_options o = {.checks = checks,
					 .n_checks = board.n_checks,
					 .threads = (int)opt_threads,
					 .jobs = (int)opt_jobs,
					 .timeout = opt_timeout,
					 .one_by_one = opt_line_buffered,
					 .stopping = prog_stopping,
					 .done = take_row,
					 .reasoning = opt_reasoning};
	char *old[] = {(char *)opt_baseline_file, NULL};
	struct err e = ERR_INIT;
	struct scorer *scorer = scorer_open(&o, &e);
	size_t skipped = 0;

	if (!scorer)
		prog_fail(&e);
	if (opt_baseline_file) {
		board.run = baseline_run;
		skipped = read_all(scorer, old);
		board.run = this_run;
	}
	skipped += read_all(scorer, files);
	scorer_close(scorer);
	return skipped;
}

static void check_figures(void)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < opt_require.n; i++)
		if (board_may_have(&board, requirements[i].figure, &e))
			prog_usage("--require %s: %s", requirements[i].text, e.msg);
}

/* --- answers --- */

/* Requirements, comparisons and what follows from them. */
static void settle(struct figures *f)
{
	static struct buf advice;
	struct err e = ERR_INIT;

	if (decide_all(&board, requirements, opt_require.n, opt_point,
		       opt_baseline_file ? baseline_run : NULL, &f->decided, &f->decided_n, &e))
		prog_fail(&e);
	if ((opt_compare || opt_baseline_file) && !prog_stopping() && !board_is_empty(&board) &&
	    compare_groups(&board, opt_baseline_file ? baseline_run : opt_baseline, &f->comparisons,
			   &e))
		prog_fail(&e);
	if (!opt_pass_through && duels_check_baseline(&duels, opt_baseline, &e))
		prog_fail(&e);
	advice_write(&board, f->decided, f->decided_n, &advice);
	f->advice = advice.len > 0 ? advice.data : "";
}

static void write_figures(const struct figures *f)
{
	struct buf text = BUF_INIT;

	if (opt_profile) {
		for (size_t i = 0; i < board.n_groups; i++)
			eval_profile_write(&board, board.groups + i, &text);
	} else if (opt_markdown || prog_as_table(&opt_form)) {
		tables_write(f, opt_markdown ? TABLE_MARKDOWN : TABLE_PLAIN, &text);
		out_report(&text, !opt_markdown);
		buf_clear(&text);
	} else {
		eval_report(f, &text);
		duels_write(&duels, opt_baseline, board.level, &text);
	}
	report_choice(f, opt_train_cost, &text, prog_warn);
	for (size_t i = 0; i < f->comparisons.n && opt_diff; i++)
		report_diff(&board, f->comparisons.v + i, &text);
	out_span(buf_span(&text));
	buf_release(&text);
}

static void write_files(const struct figures *f, char **files)
{
	const struct page_of of = {prog_command(), files, opt_baseline_file, (size_t)opt_html_rows};
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;

	if (opt_html) {
		page_write(f, &of, &text);
		if (text.full || file_write(opt_html, text.data, text.len, &e))
			prog_die("%s",
				 text.full ? "the report grows too large; see --html-rows" : e.msg);
	}
	buf_clear(&text);
	if (opt_junit) {
		eval_junit(f, &text);
		if (file_write(opt_junit, text.data, text.len, &e))
			prog_fail(&e);
	}
	buf_release(&text);
}

int main(int argc, char **argv)
{
	struct figures f = {.board = &board, .duels = &duels};
	struct buf checks_help = {0}, checks_named = {0};
	struct err e = ERR_INIT;
	char **files;
	size_t skipped;
	int status;

	check_help(&checks_help);
	options[0].help = checks_help.data;
	check_names(&checks_named);
	options[0].values = checks_named.data;
	files = prog_start(&program, argc, argv);
	parse_options();
	f.choose = opt_choose;
	out_line_buffered(opt_line_buffered);
	/* The checks of profiles are known when they are read; without any there are none. */
	if (!opt_merge)
		check_figures();
	skipped = opt_merge ? read_profiles(files) : read_runs(files);
	if (opt_merge && board.n_groups > 0)
		check_figures();
	if (board_is_empty(&board) && duels.rows == 0)
		prog_warn("there are no records: nothing to score");
	if (board_check_paths(&board, &e))
		prog_fail(&e);
	if (opt_sequential && duels.rows > 0)
		prog_die("--sequential is for rates and scores, not for the ranking of pairs");
	if (opt_profile && eval_profile_may(&board, duels.rows, &e))
		prog_fail(&e);
	if (!opt_quiet)
		report_remarks(&board, opt_by.n > 0 || opt_compare, prog_warn);
	if (!opt_quiet && duels.errors > 0)
		prog_warn("%zu of %zu pairs hold no verdict", duels.errors, duels.rows);
	settle(&f);
	if (!opt_pass_through)
		write_figures(&f);
	write_files(&f, files);
	if (*f.advice && !opt_quiet)
		prog_warn("%s", f.advice);
	status = opt_profile ? FT_OK : outcome_status(&f);
	prog_end(status == FT_OK && skipped > 0 ? FT_PARTIAL : status);
}
