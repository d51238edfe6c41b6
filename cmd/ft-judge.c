/* ft-judge: lets a model judge answers, and measures how far its verdicts can be trusted.
 *
 * Each record becomes one request a criterion and juror (lib/judge/inquiry). With --agree and
 * --bias no model is asked: verdicts that are there are compared with people's, or with each other.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/ask/ask.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/eval/require.h"
#include "../lib/infer/local.h"
#include "../lib/infer/several.h"
#include "../lib/json/jw.h"
#include "../lib/json/reader.h"
#include "../lib/judge/agree.h"
#include "../lib/judge/bias.h"
#include "../lib/judge/inquiry.h"
#include "../lib/judge/question.h"
#include "../lib/judge/verdict.h"
#include "../lib/judge/wording.h"
#include "../lib/model/hub.h"

static struct ask_options opt_ask;
static char *opt_criterion, *opt_prompt;
static const char *opt_score, *opt_agree, *opt_pred, *opt_jury, *opt_examples;
static struct opt_list opt_require;
static long long opt_examples_k = 4, opt_rounds;
static int opt_pass, opt_pair, opt_bias, opt_no_reference, opt_no_schema, opt_print_prompt,
	opt_dry_run, opt_skip_bad, opt_point;
static double opt_level = 95;
static struct prog_form opt_form;

static struct opt options[] = {
	{'c', "criterion", OPT_TEXT, &opt_criterion, "TEXT",
	 "what is judged: a text, or a rubric as JSON\n(default: is the answer correct)"},
	{0, "pass", OPT_FLAG, &opt_pass, NULL, "PASS or FAIL (default)"},
	{0, "score", OPT_STR, &opt_score, "LO-HI", "a whole number from LO to HI",
	 .without = "pass agree bias"},
	{0, "pair", OPT_FLAG, &opt_pair, NULL,
	 "which of two answers of one id is better: A, B or tie, asked in both orders",
	 .without = "pass score agree bias"},
	{0, "rounds", OPT_INT, &opt_rounds, "N",
	 "of many models: each answer meets N others of its id\n(default: all)", 1, 1000,
	 .with = "pair"},
	{0, "jury", OPT_STR, &opt_jury, "M1,M2,...",
	 "several models: their majority, of scores the mean", .without = "model agree bias"},
	{'e', "examples", OPT_STR, &opt_examples, "FILE",
	 "records with an expert's `judge` (verdict and critique), shown first"},
	{'k', "examples-k", OPT_INT, &opt_examples_k, "N", "so many of them (default 4)", 0, 64,
	 .was = "shots"},
	{0, "prompt", OPT_TEXT, &opt_prompt, "TEXT",
	 "another prompt, in the form that --print-prompt prints\n(@FILE reads it from a file)"},
	{0, "no-reference", OPT_FLAG, &opt_no_reference, NULL,
	 "do not show the reference to the judge"},
	{0, "no-schema", OPT_FLAG, &opt_no_schema, NULL,
	 "do not send a JSON schema along (some servers refuse it)"},
	{0, "print-prompt", OPT_FLAG, &opt_print_prompt, NULL, "print the prompt and end"},
	{'n', "dry-run", OPT_FLAG, &opt_dry_run, NULL,
	 "print the requests instead of sending them"},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL, "report malformed lines and go on"},
	{0, "", OPT_GROUP, NULL, NULL, "Measuring the judge (asks no model)"},
	{0, "agree", OPT_STR, &opt_agree, "PATH", "compare with the verdict of people at PATH"},
	{0, "bias", OPT_FLAG, &opt_bias, NULL, "leanings of the judge, from judged pair rows",
	 .without = "agree"},
	{0, "pred", OPT_STR, &opt_pred, "PATH", "where the judge's verdict stands (default .judge)",
	 .with = "agree"},
	{0, "require", OPT_LIST, &opt_require, "FIGURE>=N",
	 "exit 0 where met, 1 missed, 4 the interval straddles N", .with = "agree",
	 .was = "target"},
	{0, "point", OPT_FLAG, &opt_point, NULL, "decide requirements by the point estimate"},
	{0, "level", OPT_REAL, &opt_level, "PERCENT", "confidence of the intervals (default 95)",
	 50, 99.999},
	PROG_FORM_OPTIONS(opt_form, "", .with = "agree bias"),
	ASK_OPTIONS(opt_ask),
	{0},
};

static const struct program program = {
	"ft-judge",
	"-m MODEL [-c CRITERION | -c @rubric.json] [--pass | --score LO-HI | --pair] [file ...]\n"
	"--agree PATH [--pred PATH] [--require EXPR ...] [file ...]\n"
	"--bias [file ...]",
	"Let a model judge answers, and measure how far to trust it.",
	options,
	"ft-judge -m gpt-4o-mini -c 'The answer is polite.' answers.jsonl >judged.jsonl\n"
	"ft-judge --agree .human --require 'kappa>=0.6' judged.jsonl",
};

static const char usual_pair[] = "The answer is correct, complete and helpful.";
static const char usual_criterion[] =
	"The answer is correct and complete: it does what the input asks for, everything it states is true, and nothing that was asked for is "
	"missing.";

struct work {
	struct rubric rubric;
	struct question_options question;
	struct reader reader;
	struct record record;
	struct progress progress;
	struct ask *ask;
};

static struct verdict_scale parse_scale(void)
{
	struct verdict_scale s = {VERDICT_PASS, 0, 0};
	char *end;
	long lo, hi;

	if (opt_pair)
		s.mode = VERDICT_PAIR;
	if (!opt_score)
		return s;
	errno = 0;
	lo = strtol(opt_score, &end, 10);
	if (end == opt_score || *end != '-')
		prog_usage("--score is LO-HI, as 1-5, not '%s'", opt_score);
	hi = strtol(end + 1, &end, 10);
	if (*end || errno || lo < 0 || hi <= lo || hi > 1000)
		prog_usage("--score is LO-HI with 0 <= LO < HI <= 1000, not '%s'", opt_score);
	return (struct verdict_scale){VERDICT_SCORE, (int)lo, (int)hi};
}

static void parse_prompt(struct work *w, enum verdict_mode mode)
{
	struct err e = ERR_INIT;

	w->question.template = opt_prompt ? opt_prompt : wording_usual(mode);
	if (wording_check(w->question.template, mode, &e))
		prog_usage("--prompt: %s", e.msg);
	if ((opt_criterion || w->rubric.n > 1) &&
	    !wording_holds(w->question.template, PART_CRITERION))
		prog_usage("--prompt: the prompt has no place for the {{criterion}} of -c");
}

/* The first of the expert's records as turns of the conversation. */
static void read_examples(struct work *w)
{
	char *files[] = {(char *)opt_examples, NULL};
	struct reader r;
	struct record rec = {0};
	struct err e = ERR_INIT;
	int got = 0;

	reader_init(&r, files);
	for (long long i = 0; i < opt_examples_k && (got = reader_next(&r, &rec, &e)) > 0; i++)
		if (question_example(&rec, &w->rubric, &w->question, &e)) {
			reader_at(&r, &e);
			prog_fail(&e);
		}
	if (got < 0)
		prog_fail(&e);
	record_release(&rec);
	reader_release(&r);
}

static void write_figures(struct buf *json, struct buf *table)
{
	if (prog_as_table(&opt_form))
		out_report(table, 1);
	else
		out_line(json->data, json->len);
	buf_release(json);
	buf_release(table);
}

static int bias_all(struct work *w)
{
	struct bias s = {0};
	struct err e = ERR_INIT;
	struct buf json = BUF_INIT, table = BUF_INIT;
	int got, status;

	while ((got = reader_next(&w->reader, &w->record, &e)) > 0)
		if (bias_add(&s, &w->record, &e))
			prog_fail(&e);
	if (got < 0)
		prog_fail(&e);
	bias_write(&s, opt_level / 100, &json);
	bias_table(&s, opt_level / 100, &table);
	write_figures(&json, &table);
	status = s.n > 0 ? FT_OK : FT_INSUFFICIENT;
	if (s.n == 0)
		prog_warn("no row is a judged pair; see --pair");
	bias_release(&s);
	return status == FT_OK && w->reader.skipped > (size_t)opt_ask.max_errors ? FT_PARTIAL
										 : status;
}

static void notice(void *arg, const char *text)
{
	(void)arg;
	prog_warn("%s", text);
}

static int judge_all(struct work *w)
{
	char *jurors[INQUIRY_JURORS] = {0};
	struct inquiry q = {.reader = &w->reader,
			    .panel = {&w->rubric, 1, opt_pair ? 2 : 1},
			    .question = &w->question,
			    .with_schema = !opt_no_schema,
			    .pairs = opt_pair,
			    .pairing = {.rounds = (size_t)opt_rounds},
			    .stopping = prog_stopping,
			    .notice = opt_ask.quiet ? NULL : notice,
			    .progress = &w->progress};
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	size_t lonely;
	int rc, status = FT_OK, n = opt_jury ? inquiry_jurors(opt_jury, jurors) : 0;

	if (n < 0)
		prog_usage("--jury is a list of at most %d models, M1,M2,M3, not '%s'",
			   INQUIRY_JURORS, opt_jury);
	if (opt_jury) {
		q.jurors = jurors;
		q.panel.jurors = (size_t)n;
	}
	for (int i = 1; i < n; i++)
		if (hub_is_local(jurors[i]) != hub_is_local(jurors[0]))
			prog_usage("--jury %s: a jury is either of local models or of models behind an API",
				   opt_jury);
	/* A jury of local models is opened as one; of the API's the first stands for all. */
	if (opt_jury && (hub_is_local(jurors[0]) || !opt_ask.model))
		opt_ask.model = hub_is_local(jurors[0]) ? opt_jury : jurors[0];
	if (!opt_ask.model)
		prog_usage("no judge: give -m NAME, or -m ./DIR for a local model");
	/* Verdicts should be the same tomorrow; but models that reason take no temperature. */
	opt_ask.steady = !opt_given(options, "temperature");
	w->ask = q.ask = ask_open(&opt_ask, opt_jury ? several_open : local_open, opt_dry_run, &e);
	if (!w->ask)
		prog_fail(&e);
	if (ask_backend(w->ask)->warning && !opt_ask.quiet)
		prog_warn("%s", ask_backend(w->ask)->warning);
	q.model = opt_jury ? opt_jury : opt_ask.model;
	progress_begin(&w->progress, "rows", 0, opt_ask.quiet || opt_dry_run);
	rc = opt_dry_run ? inquiry_dry(&q, out_line, &e) : inquiry_run(&q, &e);
	progress_end(&w->progress);
	if (!opt_dry_run && !opt_ask.quiet &&
	    ask_totals(w->ask)->rows + ask_totals(w->ask)->unwritten) {
		ask_summary(w->ask, &text);
		prog_lines(text.data);
	}
	if (rc)
		prog_warn("%s", e.msg);
	lonely = pairing_lonely(&q.pairing);
	if (lonely > 0 && !rc)
		prog_warn("%zu records found no answer of another model to the same id", lonely);
	if (rc)
		status = FT_TROUBLE;
	else if (ask_totals(w->ask)->failed + w->reader.skipped + lonely >
		 (size_t)opt_ask.max_errors)
		status = FT_PARTIAL;
	buf_release(&text);
	ask_close(w->ask);
	inquiry_release(&q);
	for (int i = 0; i < n; i++)
		free(jurors[i]);
	return status;
}

static int decide(const struct agree_figures *f, const struct requirement *r, size_t n)
{
	int status = FT_OK;

	for (size_t i = 0; i < n; i++) {
		struct interval v;
		enum verdict verdict;

		agree_figure(f, r[i].figure, &v);
		verdict = require_judge(r + i, v, opt_point);
		if (!opt_ask.quiet)
			prog_warn("target %s: %s", r[i].text, require_word(verdict));
		status = require_status(status, verdict);
	}
	return status;
}

static int agree_all(struct work *w)
{
	struct requirement *r;
	struct agree a;
	struct agree_figures f = {0};
	struct err e = ERR_INIT;
	struct buf json = BUF_INIT, table = BUF_INIT;
	int got, status;

	if (require_parse_all(opt_require.v, opt_require.n, &r, &e))
		prog_usage("%s", e.msg);
	for (size_t i = 0; i < opt_require.n; i++) {
		struct interval v;

		if (agree_figure(&f, r[i].figure, &v))
			prog_usage("--require %s: there is no such figure; see OUTPUT in ft-judge(1)",
				   r[i].text);
	}
	if (agree_init(&a, opt_agree, opt_pred, opt_level / 100, (uint64_t)opt_ask.seed, &e))
		prog_usage("%s", e.msg);
	while ((got = reader_next(&w->reader, &w->record, &e)) > 0)
		if (agree_add(&a, &w->record, &e)) {
			reader_at(&w->reader, &e);
			prog_fail(&e);
		}
	if (got < 0)
		prog_fail(&e);
	agree_finish(&a, &f);
	if (f.n == 0)
		prog_warn("no row holds a verdict at %s and one at %s", path_text(a.human),
			  path_text(a.pred));
	if (f.empty > 0)
		prog_warn("%zu verdicts are empty texts, taken for none", f.empty);
	agree_write(&a, &f, &json);
	agree_table(&a, &f, &table);
	write_figures(&json, &table);
	status = f.n == 0 ? FT_INSUFFICIENT : decide(&f, r, opt_require.n);
	if (status == FT_OK && w->reader.skipped > (size_t)opt_ask.max_errors)
		status = FT_PARTIAL;
	require_release_all(r, opt_require.n);
	agree_release(&a);
	return status;
}

int main(int argc, char **argv)
{
	struct work w = {.question = {.reference = 1}};
	struct verdict_scale scale;
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	char **files;
	int status = FT_OK;

	ask_options_init(&opt_ask);
	files = prog_start(&program, argc, argv);
	scale = parse_scale();
	reader_start(&w.reader, files, opt_skip_bad);
	w.question.reference = !opt_no_reference;
	if (rubric_parse(opt_criterion ? opt_criterion
			 : opt_pair    ? usual_pair
				       : usual_criterion,
			 scale, &w.rubric, &e))
		prog_usage("%s", e.msg);
	parse_prompt(&w, scale.mode);
	if (opt_examples)
		read_examples(&w);
	if (opt_print_prompt) {
		for (size_t i = 0; i < w.rubric.n; i++)
			question_print(&w.rubric, i, &w.question, &text);
		out_write(text.data, text.len);
	} else {
		status = opt_agree ? agree_all(&w) : opt_bias ? bias_all(&w) : judge_all(&w);
	}
	buf_release(&text);
	question_options_release(&w.question, w.rubric.n);
	rubric_release(&w.rubric);
	reader_release(&w.reader);
	record_release(&w.record);
	free(opt_criterion);
	free(opt_prompt);
	prog_end(status);
}
