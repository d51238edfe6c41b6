/* ft-review: look at the data. Finds rows that deserve a look, shows them on a page to be judged
 * and relabelled by keyboard, keeps the decisions in a journal, applies them, and tells how wrong
 * the set is.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/file.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/json/batch.h"
#include "../lib/json/source.h"
#include "../lib/review/corpus.h"
#include "../lib/review/filter.h"
#include "../lib/review/opinion.h"
#include "../lib/review/page.h"
#include "../lib/review/rate.h"
#include "../lib/review/report.h"
#include "../lib/review/rows.h"
#include "../lib/review/signs.h"
#include "../lib/review/tty.h"

static int opt_scan, opt_tty, opt_second, opt_adjudicate, opt_skip_bad, opt_quiet;
static const char *opt_probs = ".probs", *opt_schema, *opt_model, *opt_adapter, *opt_output,
		  *opt_apply, *opt_pairs, *opt_verdicts, *opt_report;
static long long opt_threads, opt_port;
static struct desk_options opt_desk = {.every = 4};
static double opt_near = 0.8;
static struct prog_form opt_form;

#define SCANS .with = "scan"
#define JUDGES .with = "output"

static struct opt options[] = {
	{0, "scan", OPT_FLAG, &opt_scan, NULL,
	 "add `review`: suspicion and reasons to look (a filter)"},
	{0, "probs", OPT_STR, &opt_probs, "PATH",
	 "class probabilities {label: p} of a row, for label errors (default .probs)", SCANS},
	{0, "schema", OPT_STR, &opt_schema, "FILE", "JSON Schema that references have to keep",
	 .with = "scan output"},
	{'m', "model", OPT_STR, &opt_model, "MODEL",
	 "local model (./dir, hf:org/name): high loss, and class probabilities of labels", SCANS},
	{'a', "adapter", OPT_STR, &opt_adapter, "DIR", "PEFT adapter over it", .with = "model"},
	{0, "near", OPT_REAL, &opt_near, "J",
	 "inputs of Jaccard similarity J or more are nearly the same (default 0.8; 0: off)", -1e-9,
	 1, SCANS},
	{0, "threads", OPT_INT, &opt_threads, "N",
	 "that look and compare (default: all processors)", 1, 1024, SCANS},
	{0, "", OPT_GROUP, NULL, NULL, "judging"},
	{'o', "output", OPT_STR, &opt_output, "JOURNAL",
	 "show the rows on a page; decisions are appended to JOURNAL", .without = "scan",
	 .was = "journal"},
	{0, "tty", OPT_FLAG, &opt_tty, NULL, "judge in this terminal rather than on a page",
	 JUDGES},
	{0, "port", OPT_INT, &opt_port, "N", "of the page (default: a free one)", 1, 65535, JUDGES,
	 .without = "tty: it serves no page", .was = "p"},
	{0, "as", OPT_STR, &opt_desk.who, "NAME", "the reviewer's name (default: the user's)",
	 JUDGES},
	{0, "every", OPT_INT, &opt_desk.every, "K",
	 "each K-th row is a random one (default 4); 1: all are", 1, 1000000, JUDGES},
	{0, "pair", OPT_FLAG, &opt_desk.pair, NULL,
	 "records of two models to one id are a pair of answers to compare",
	 .with = "output pairs verdicts"},
	{0, "seed", OPT_INT, &opt_desk.seed, "N",
	 "of which answer of a pair stands first (default 0)", JUDGES},
	{0, "second", OPT_FLAG, &opt_second, NULL, "a blind second pass over what others judged",
	 JUDGES},
	{0, "adjudicate", OPT_FLAG, &opt_adjudicate, NULL,
	 "settle the rows on which reviewers differ", JUDGES, .without = "second"},
	{0, "", OPT_GROUP, NULL, NULL, "using what was decided"},
	{0, "apply", OPT_STR, &opt_apply, "JOURNAL",
	 "the rows with fixes made and bad ones left out (a filter)", .without = "scan output"},
	{0, "pairs", OPT_STR, &opt_pairs, "JOURNAL",
	 "a preference line for each fix and preferred answer\n(a filter)",
	 .without = "scan output apply"},
	{0, "verdicts", OPT_STR, &opt_verdicts, "JOURNAL",
	 "the judged rows with `review.pass` or `review.winner`, for\nft-judge --agree (a filter)",
	 .without = "scan output apply pairs"},
	{0, "report", OPT_STR, &opt_report, "JOURNAL",
	 "error rate, win rates, agreement of reviewers",
	 .without = "scan output apply pairs verdicts"},
	PROG_FORM_OPTIONS(opt_form, "the report as ", .with = "report"),
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL,
	 "filters: report malformed lines, leave them out and end with status 3"},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no progress and no summary"},
	{0},
};

static const struct program program = {
	"ft-review",
	"--scan [file ...]\n-o JOURNAL [--as NAME] [--tty | --port N] [--pair] [file ...]\n--apply JOURNAL [file ...]\n--pairs JOURNAL [file ...]\n--verdicts JOURNAL [file ...]\n--report JOURNAL",
	"Look at the data: find what deserves a look, judge and relabel it, know how wrong the set is.",
	options,
	"ft-review --scan train.jsonl | ft-review -o journal.jsonl\n"
	"ft-review --report journal.jsonl\n"
	"ft-review --apply journal.jsonl train.jsonl >fixed.jsonl",
};

struct scan {
	struct source source; /* the files, then what the model said of them */
	struct pool *pool;
	struct opinion *opinion;
	FILE *spool;
	struct review_corpus corpus;
	struct signs *signs;
	struct findings findings[BATCH_LINES], *found; /* of the rows in hand; of this one */
	struct buf line, json;
	size_t suspicious, opinion_rows, skipped;
};

/* One pass over the rows: `work` by threads in any order, fn in theirs. Returns how many lines were
 * left out; a first pass, of no known total, names them. */
static size_t each_row(struct scan *s, const char *what, size_t total,
		       void (*work)(void *arg, size_t slot, const struct record *r),
		       void (*fn)(struct scan *s, size_t i, const struct record *r))
{
	struct reader in;
	struct batch batch = {.reader = &in, .pool = s->pool, .work = work, .arg = s};
	const struct record *r;
	struct err e = ERR_INIT;
	struct progress bar;
	size_t i = 0, slot;
	int rc;
	reader_start(&in, s->source.files, opt_skip_bad);
	in.names = s->source.names;
	if (total)
		in.on_bad = NULL;
	progress_begin(&bar, what, (double)total, opt_quiet);
	while ((rc = batch_next(&batch, &slot, &r, &e)) > 0 && !out_failed()) {
		s->found = &s->findings[slot];
		fn(s, i++, r);
		progress_set(&bar, (double)i, NULL);
	}
	progress_end(&bar);
	if (rc < 0)
		prog_fail(&e);
	batch_release(&batch);
	reader_release(&in);
	return in.skipped;
}

static void count_row(struct scan *s, size_t i, const struct record *r)
{
	struct err e = ERR_INIT;
	(void)i;
	if (review_corpus_count(&s->corpus, r, &e))
		prog_fail(&e);
}

static void measure_row(struct scan *s, size_t i, const struct record *r)
{
	review_corpus_measure(&s->corpus, i, r);
}

static void look_at_row(void *arg, size_t slot, const struct record *r)
{
	struct scan *s = arg;
	findings_clear(&s->findings[slot]);
	signs_find(s->signs, r, &s->findings[slot]);
}

static void write_row(struct scan *s, size_t i, const struct record *r)
{
	struct jw w;
	review_corpus_find(&s->corpus, i, r, s->found);
	s->suspicious += s->found->n > 0;
	buf_clear(&s->json);
	jw_init(&w, &s->json);
	struct span was = record_get(r, "review");
	findings_write(s->found, json_member(was, "loss"), json_member(was, "probs"), &w);
	struct edit ed = {"review", buf_span(&s->json)};
	buf_clear(&s->line);
	record_splice(r, &ed, 1, &s->line);
	out_line(s->line.data, s->line.len);
}

/* Says what text holds, if anything, and clears it. */
static void say(struct buf *text)
{
	if (text->len)
		prog_warn("%s", text->data);
	buf_clear(text);
}

static void learn_labels(struct scan *s, size_t i, const struct record *r)
{
	s->opinion_rows = i + 1;
	opinion_count(s->opinion, r);
}

static void spool_line(void *arg, struct span line)
{
	struct scan *s = arg;
	struct err e = ERR_INIT;
	if (fwrite(line.s, 1, line.n, s->spool) != line.n || putc('\n', s->spool) == EOF) {
		file_scratch_failed("the rows", &e);
		prog_fail(&e);
	}
}

static void ask_model(struct scan *s, size_t i, const struct record *r)
{
	(void)i;
	opinion_add(s->opinion, r, spool_line, s);
}

/* Has the model look at every row first; what follows reads the rows with what it said. */
static void have_opinion(struct scan *s)
{
	struct err e = ERR_INIT;
	if (opinion_new(&s->opinion, opt_model, opt_adapter, s->pool, &e) ||
	    !(s->spool = file_scratch(&e)))
		prog_fail(&e);
	s->skipped += each_row(s, "rows read", 0, NULL, learn_labels);
	each_row(s, "rows judged by the model", s->opinion_rows, NULL, ask_model);
	opinion_flush(s->opinion, spool_line, s);
	if (fflush(s->spool)) {
		file_scratch_failed("the rows", &e);
		prog_fail(&e);
	}
	for (int i = opt_quiet; i < OPINION_REMARKS; i++) {
		opinion_remark(s->opinion, i, &s->json);
		say(&s->json);
	}
	opinion_free(s->opinion);
	source_release(&s->source);
	source_take(&s->source, s->spool, "the judged rows");
}

static int run_scan(char **files)
{
	static struct scan s;
	struct err e = ERR_INIT;
	struct path *p = path_compile(opt_probs, &e);
	if (!p || !(s.signs = signs_new(opt_desk.schema, &e)) ||
	    source_open(&s.source, files, prog_stopping, &e))
		prog_fail(&e);
	s.pool = pool_new((int)opt_threads);
	if (opt_model)
		have_opinion(&s);
	review_corpus_init(&s.corpus, p, opt_near);
	s.skipped += each_row(&s, "rows read", 0, NULL, count_row);
	each_row(&s, "rows compared", s.corpus.n, NULL, measure_row);
	review_corpus_settle(&s.corpus, s.pool);
	each_row(&s, "rows written", s.corpus.n, look_at_row, write_row);
	pool_free(s.pool);
	buf_clear(&s.json);
	for (int i = 0; i < CORPUS_DOUBTS; i++) {
		review_corpus_doubt(&s.corpus, i, &s.json);
		say(&s.json);
	}
	if (!opt_quiet)
		prog_warn("%zu of %zu rows have a reason to look", s.suspicious, s.corpus.n);
	source_release(&s.source);
	review_corpus_release(&s.corpus);
	signs_free(s.signs);
	path_free(p); /* what one run needs to its end is the system's to free */
	return s.skipped ? FT_PARTIAL : FT_OK;
}

/* Until Ctrl-C. */
static void serve_page(struct desk *desk)
{
	struct web_server *server;
	struct err e = ERR_INIT;
	if (web_start(&server, (int)opt_port, (size_t)64 << 20, page_answer, desk, &e))
		prog_fail(&e);
	out_line(web_address(server), strlen(web_address(server)));
	out_flush();
	if (!opt_quiet)
		prog_warn("%zu rows. Open the address above in a browser on this machine; Ctrl-C ends. Decisions go to %s.",
			  desk->n, opt_output);
	while (!prog_stopping() && !out_failed())
		poll(NULL, 0, 500);
	web_stop(server);
}

static void use_terminal(struct desk *desk)
{
	struct err e = ERR_INIT;
	if (tty_run(desk, prog_stopping, &e))
		prog_fail(&e);
	struct desk_counts c = desk_count(desk);
	if (!opt_quiet)
		prog_warn("%zu of %zu rows are judged; decisions are in %s",
			  c.due - c.by[VERDICT_NONE], c.due, opt_output);
}

static void open_journal(struct journal *j, const char *path, int writing)
{
	struct err e = ERR_INIT;
	size_t torn = 0;
	if (journal_open(j, path, writing, &torn, &e))
		prog_fail(&e);
	if (torn)
		prog_warn("%s: the last line is incomplete (%zu bytes, never acknowledged) and %s",
			  path, torn, writing ? "was cut off" : "is not counted");
}

static int run_judging(char **files)
{
	struct journal j;
	struct desk desk;
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	const char *user = getenv("USER");
	if (!opt_desk.who || !*opt_desk.who)
		opt_desk.who = user && *user ? user : "reviewer";
	if (journal_name_check(opt_desk.who, &e))
		prog_usage("%s", e.msg);
	opt_desk.pass = opt_adjudicate ? DESK_ADJUDICATE : opt_second ? DESK_SECOND : DESK_FIRST;
	open_journal(&j, opt_output, 1);
	if (desk_open(&desk, files, &j, &opt_desk, &e))
		prog_fail(&e);
	desk_remark(&desk, &text);
	say(&text);
	if (desk.n == 0)
		prog_die("there are no rows to look at");
	if (opt_tty)
		use_terminal(&desk);
	else
		serve_page(&desk);
	int rc = desk_flush(&desk, &e) ? FT_TROUBLE : FT_OK;
	if (rc != FT_OK)
		prog_warn("%zu decisions could not be written: %s", desk.pending_n, e.msg);
	desk_close(&desk);
	journal_close(&j);
	return rc;
}

static int run_filter(enum filter_kind kind, const char *path, char **files)
{
	struct journal j;
	struct filter f;
	struct reader in;
	struct rows rows = {.in = &in, .pair = opt_desk.pair};
	struct record r = {0};
	struct buf line = BUF_INIT;
	struct err e = ERR_INIT;
	int rc, refused;
	open_journal(&j, path, 0);
	filter_init(&f, kind, &j);
	reader_start(&in, files, opt_skip_bad);
	while ((rc = rows_next(&rows, &r, &e)) > 0 && !out_failed()) {
		buf_clear(&line);
		int written = filter_row(&f, &r, &line, &refused, &e);
		if (written < 0)
			prog_fail(&e);
		if (refused)
			prog_warn("%s:%zu: %s", in.name, in.line, e.msg);
		if (written)
			out_line(line.data, line.len);
	}
	if (rc < 0)
		prog_fail(&e);
	buf_clear(&line);
	rows_remark(&rows, &line);
	say(&line);
	if (!opt_quiet)
		filter_summary(&f, rows.n, &line);
	say(&line);
	rc = f.refused || in.skipped ? FT_PARTIAL : FT_OK;
	filter_release(&f);
	rows_release(&rows);
	journal_close(&j);
	reader_release(&in);
	return rc;
}

static int run_report(void)
{
	struct journal j;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	open_journal(&j, opt_report, 0);
	if (report_write(&j, prog_as_table(&opt_form), &b, &e))
		prog_fail(&e);
	out_report(&b, prog_as_table(&opt_form));
	buf_release(&b);
	journal_close(&j);
	return FT_OK;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	char **files = prog_start(&program, argc, argv);
	if (!opt_scan && !opt_output && !opt_apply && !opt_pairs && !opt_verdicts && !opt_report)
		prog_usage(
			"say one of --scan, -o JOURNAL, --apply JOURNAL, --pairs JOURNAL, --verdicts JOURNAL, --report JOURNAL");
	if (opt_schema && !(opt_desk.schema = schema_read(opt_schema, &e)))
		prog_fail(&e);
	prog_end(opt_scan     ? run_scan(files)
		 : opt_output ? run_judging(files)
		 : opt_report ? run_report()
		 : opt_apply  ? run_filter(FILTER_APPLY, opt_apply, files)
		 : opt_pairs  ? run_filter(FILTER_PAIRS, opt_pairs, files)
			      : run_filter(FILTER_VERDICTS, opt_verdicts, files));
}
