/* ft-judge: lets a model judge answers, and measures how far its verdicts can be trusted.
 *
 * Each record becomes one request a criterion. A reply that holds no verdict is sent back with the reason, at most twice; after that
 * the record carries an error in place of a verdict. With --agree no model is asked: verdicts that are there are compared with people's.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/eval/require.h"
#include "../lib/json/jw.h"
#include "../lib/json/reader.h"
#include "../lib/judge/agree.h"
#include "../lib/judge/bias.h"
#include "../lib/judge/pairing.h"
#include "../lib/judge/panel.h"
#include "../lib/judge/question.h"
#include "../lib/judge/verdict.h"
#include "../lib/lm/local.h"
#include "../lib/net/ask.h"

enum { ASKED_AT_MOST = 3 };

static struct ask_options ask_opts;
static char *criterion_text;
static const char *score_range, *agree_path, *pred_path, *jury, *examples_path;
static struct opt_list targets;
static long long n_examples = 4;
static int want_pass, want_pair, want_bias, no_reference, no_schema, print_prompt, dry_run, skip_bad, want_table, want_json, by_point;
static double level = 95;

static const struct opt options[] = {
	{'c', "criterion", OPT_TEXT, &criterion_text, "TEXT", "what is judged: a text, or a rubric as JSON\n(default: is the answer correct)", 0, 0},
	{0, "pass", OPT_FLAG, &want_pass, NULL, "PASS or FAIL (default)", 0, 0},
	{0, "score", OPT_STR, &score_range, "LO-HI", "a whole number from LO to HI", 0, 0},
	{0, "pair", OPT_FLAG, &want_pair, NULL, "which of two answers of one id is better: A, B or tie, asked in both orders", 0, 0},
	{0, "jury", OPT_STR, &jury, "M1,M2,...", "several models of the API: their majority, of scores the mean", 0, 0},
	{'e', "examples", OPT_STR, &examples_path, "FILE", "records with an expert's `judge` (verdict and critique), shown first", 0, 0},
	{'k', "shots", OPT_INT, &n_examples, "N", "so many of them (default 4)", 0, 64},
	{0, "no-reference", OPT_FLAG, &no_reference, NULL, "do not show the reference to the judge", 0, 0},
	{0, "no-schema", OPT_FLAG, &no_schema, NULL, "do not send a JSON schema along (some servers refuse it)", 0, 0},
	{0, "print-prompt", OPT_FLAG, &print_prompt, NULL, "print the prompt and end", 0, 0},
	{'n', "dry-run", OPT_FLAG, &dry_run, NULL, "print the requests instead of sending them", 0, 0},
	{0, "skip-bad", OPT_FLAG, &skip_bad, NULL, "report malformed lines and go on", 0, 0},
	{0, "", OPT_GROUP, NULL, NULL, "Measuring the judge (asks no model)", 0, 0},
	{0, "agree", OPT_STR, &agree_path, "PATH", "compare with the verdict of people at PATH", 0, 0},
	{0, "bias", OPT_FLAG, &want_bias, NULL, "leanings of the judge, from judged pair rows", 0, 0},
	{0, "pred", OPT_STR, &pred_path, "PATH", "where the judge's verdict stands (default .judge)", 0, 0},
	{0, "target", OPT_LIST, &targets, "FIGURE>=N", "exit 0 where met, 1 missed, 4 the interval straddles N", 0, 0},
	{0, "point", OPT_FLAG, &by_point, NULL, "decide targets by the point estimate", 0, 0},
	{0, "level", OPT_REAL, &level, "PERCENT", "confidence of the intervals (default 95)", 50, 99.999},
	{0, "table", OPT_FLAG, &want_table, NULL, "a table, also when standard output is no terminal", 0, 0},
	{0, "json", OPT_FLAG, &want_json, NULL, "a JSON line, also on a terminal", 0, 0},
	ASK_OPTIONS(ask_opts),
	{0},
};

static const struct program program = {
	"ft-judge",
	"-m MODEL [-c CRITERION | -c @rubric.json] [--pass | --score LO-HI | --pair] [file ...]\n"
	"--agree PATH [--pred PATH] [--target EXPR ...] [file ...]\n"
	"--bias [file ...]",
	"Let a model judge answers, and measure how far to trust it.",
	options,
	"ft-judge -m gpt-4o-mini -c 'The answer is polite.' answers.jsonl >judged.jsonl\n"
	"ft-judge --agree .human --target 'kappa>=0.6' judged.jsonl",
};

static const char usual_pair[] = "The answer is correct, complete and helpful.";
static const char usual_criterion[] =
	"The answer is correct and complete: it does what the input asks for, everything it states is true, and nothing that was asked for is "
	"missing.";

struct work {
	struct ask *ask;
	struct rubric rubric;
	struct panel panel;
	char *jurors[17]; /* names; only where there is a jury */
	struct question_options question;
	struct buf schema;
	char hash[17];
	struct reader reader;
	struct record record;
	struct pairing pairing;
	struct progress progress;
	size_t bad;
};

/* A record, or a pair of them, in hand. */
struct job {
	char *line;
	size_t len;
	struct buf a, b; /* what is judged; b only of a pair */
	int unanswered;
	struct opinion *opinions;
};

static void on_bad(void *arg, const struct err *e)
{
	struct work *w = arg;

	w->bad++;
	prog_warn("%s (skipped)", e->msg);
}

/* --- asking --- */

static int send_opinion(struct work *w, struct ask_row *row, size_t at, struct err *e)
{
	struct job *job = row->own;
	struct opinion *o = job->opinions + at;
	struct backend_request q = {.messages = buf_span(&o->messages), .attempt = o->asked};
	size_t criterion, juror, order;

	panel_split(&w->panel, at, &criterion, &juror, &order);
	if (!no_schema)
		q.schema = buf_span(&w->schema);
	if (jury)
		q.model = span_of(w->jurors[juror]);
	o->asked++;
	return ask_send(w->ask, row, (int)at, &q, e);
}

static struct job *job_new(struct work *w)
{
	struct job *job = mem_alloc(1, sizeof *job);

	job->len = w->record.line.n;
	job->line = mem_strndup(w->record.line.s, job->len);
	job->opinions = mem_alloc(panel_opinions(&w->panel), sizeof *job->opinions);
	if (want_pair)
		job->unanswered = pairing_text(&w->record, "a", &job->a) < 0 || pairing_text(&w->record, "b", &job->b) < 0;
	else
		job->unanswered = question_candidate(&w->record, &job->a) < 0;
	return job;
}

static void job_free(struct work *w, struct job *job)
{
	for (size_t i = 0; i < panel_opinions(&w->panel); i++)
		opinion_release(job->opinions + i);
	free(job->opinions);
	buf_release(&job->a);
	buf_release(&job->b);
	free(job->line);
	free(job);
}

/* A span even of an empty text, which is a candidate too. */
static struct span text_of(const struct buf *b)
{
	return b->len > 0 ? buf_span(b) : span_of("");
}

/* The question for an opinion; in the second order the answers of a pair change places. */
static int make_question(struct work *w, struct job *job, size_t at, struct err *e)
{
	size_t criterion, juror, order;
	struct span a = text_of(&job->a), b = want_pair ? text_of(&job->b) : (struct span){0};

	panel_split(&w->panel, at, &criterion, &juror, &order);
	if (question_messages(&w->record, &w->rubric, criterion, order ? b : a, order ? a : b, &w->question, &job->opinions[at].messages, e) < 0)
		return err_prefix(e, "%s:%zu", w->reader.name, w->reader.line);
	return 0;
}

/* The next record to judge into w->record: 1, 0 at the end, -1; ASK_LATER where it would have to be waited for. */
static int next_record(struct work *w, struct err *e)
{
	struct span line;
	int rc;

	for (;;) {
		if (want_pair && pairing_next(&w->pairing, &line))
			return record_parse(&w->record, line, e) < 0 ? -1 : 1;
		if (w->ask && ask_busy(w->ask) && !reader_ready(&w->reader))
			return ASK_LATER;
		rc = reader_next(&w->reader, &w->record, e);
		if (rc <= 0 || !want_pair)
			return rc;
		if (pairing_add(&w->pairing, &w->record, e) < 0)
			return err_prefix(e, "%s:%zu", w->reader.name, w->reader.line);
	}
}

static int begin(void *arg, struct ask_row *row, struct err *e)
{
	struct work *w = arg;
	struct job *job;
	int rc = next_record(w, e);

	if (rc != 1)
		return rc == 0 ? ASK_END : rc;
	row->own = job = job_new(w);
	row->weight = job->len;
	for (size_t i = 0; i < panel_opinions(&w->panel) && !job->unanswered; i++) {
		if (make_question(w, job, i, e) < 0 || send_opinion(w, row, i, e) < 0)
			return -1;
		row->weight += job->opinions[i].messages.len;
	}
	return ASK_ROW;
}

/* No verdict in the last of the replies either: its end goes into the error, for that is where a verdict should stand. */
static void give_up(struct opinion *o, const struct backend_answer *a, struct span reply, const char *why)
{
	struct buf text = BUF_INIT;

	if (reply.n > 300)
		reply = (struct span){reply.s + reply.n - 300, 300};
	buf_addf(&text, "%s: ", a->refusal.len > 0 ? "the judge refused" : why);
	buf_addspan(&text, a->refusal.len > 0 ? buf_span(&a->refusal) : reply);
	opinion_fail(o, a->refusal.len > 0 ? "refusal" : "unparsable", 0, buf_span(&text));
	buf_release(&text);
}

static int answer(void *arg, struct ask_row *row, int tag, struct backend_answer *a, struct err *e)
{
	struct work *w = arg;
	struct job *job = row->own;
	struct opinion *o = job->opinions + tag;
	struct span reply = a->has_output && a->output.len > 0 ? buf_span(&a->output) : span_of("");
	struct buf again = BUF_INIT, candidate = BUF_INIT;
	const char *why;
	int got;

	o->cost += a->cost;
	snprintf(o->model, sizeof o->model, "%s", a->model);
	if (a->error_type[0]) {
		opinion_fail(o, a->error_type, a->error_status, buf_span(&a->error_message));
		return 0;
	}
	buf_addspan(&candidate, text_of(&job->a));
	buf_addc(&candidate, '\n');
	buf_addspan(&candidate, text_of(&job->b));
	got = verdict_read(reply, buf_span(&candidate), w->rubric.scale, &o->verdict, &why);
	buf_release(&candidate);
	if (got == 0) {
		o->done = 1;
		return 0;
	}
	if (o->asked >= ASKED_AT_MOST || a->refusal.len > 0) {
		give_up(o, a, reply, why);
		return 0;
	}
	/* The first question again, with what it led to. */
	buf_clear(&o->messages);
	if (record_parse(&w->record, (struct span){job->line, job->len}, e) < 0 || make_question(w, job, (size_t)tag, e) < 0)
		return -1;
	question_again(buf_span(&o->messages), reply, why, w->rubric.scale, &again);
	buf_release(&o->messages);
	o->messages = again;
	return send_opinion(w, row, (size_t)tag, e);
}

static int finish(void *arg, struct ask_row *row, struct buf *out, struct err *e)
{
	struct work *w = arg;
	struct job *job = row->own;
	struct buf judge = BUF_INIT;
	struct edit edit = {.name = "judge"};
	int rc = record_parse(&w->record, (struct span){job->line, job->len}, e);

	row->failed = panel_write(&w->panel, job->unanswered ? NULL : job->opinions, jury ? jury : ask_opts.model, w->hash, &judge);
	edit.value = buf_span(&judge);
	if (!rc)
		rc = record_splice(&w->record, &edit, 1, out);
	buf_addc(out, '\n');
	buf_release(&judge);
	job_free(w, job);
	return rc;
}

static void show_progress(void *arg, size_t rows)
{
	struct work *w = arg;
	const struct ask_totals *t = ask_totals(w->ask);
	char note[96];

	snprintf(note, sizeof note, "%zu errors, $%.4f%s", t->failed, t->cost, t->no_cost ? "+?" : "");
	progress_set(&w->progress, (double)rows, note);
}

/* The first requests as they would be sent, a line each. */
static int dry(struct work *w, struct err *e)
{
	struct backend *b = ask_backend(w->ask);
	int rc;

	while ((rc = next_record(w, e)) == 1) {
		struct job *job = job_new(w);

		for (size_t i = 0; i < panel_opinions(&w->panel) && !job->unanswered && rc > 0; i++) {
			struct backend_request q = {0};
			struct buf body = BUF_INIT;

			if (make_question(w, job, i, e) < 0)
				rc = -1;
			q.messages = buf_span(&job->opinions[i].messages);
			if (jury)
				q.model = span_of(w->jurors[i / w->panel.orders % w->panel.jurors]);
			if (!no_schema)
				q.schema = buf_span(&w->schema);
			if (rc > 0 && b->build(b->self, &q, &body, e))
				rc = -1;
			if (rc > 0)
				out_line(body.data, body.len);
			buf_release(&body);
		}
		job_free(w, job);
		if (rc < 0)
			break;
	}
	return rc;
}

/* --- the two programs in one --- */

static struct verdict_scale parse_scale(void)
{
	struct verdict_scale s = {VERDICT_PASS, 0, 0};
	char *end;
	long lo, hi;

	if (want_pass + want_pair + (score_range != NULL) > 1)
		prog_usage("--pass, --score and --pair exclude each other");
	if (want_pair)
		s.mode = VERDICT_PAIR;
	if (!score_range)
		return s;
	errno = 0;
	lo = strtol(score_range, &end, 10);
	if (end == score_range || *end != '-')
		prog_usage("--score is LO-HI, as 1-5, not '%s'", score_range);
	hi = strtol(end + 1, &end, 10);
	if (*end || errno || lo < 0 || hi <= lo || hi > 1000)
		prog_usage("--score is LO-HI with 0 <= LO < HI <= 1000, not '%s'", score_range);
	return (struct verdict_scale){VERDICT_SCORE, (int)lo, (int)hi};
}

static void parse_jury(struct work *w)
{
	const char *s = jury;
	size_t n = 0;

	do {
		size_t len = strcspn(s, ",");

		if (len == 0 || n == 16)
			prog_usage("--jury is a list of at most 16 models, M1,M2,M3, not '%s'", jury);
		w->jurors[n++] = mem_strndup(s, len);
		s += len;
	} while (*s++);
	w->panel.jurors = n;
	if (!ask_opts.model)
		ask_opts.model = w->jurors[0];
}

/* The first of the expert's records as turns of the conversation. */
static void read_examples(struct work *w)
{
	char *files[] = {(char *)examples_path, NULL};
	struct reader r;
	struct record rec = {0};
	struct err e = ERR_INIT;
	int got = 0;

	reader_init(&r, files);
	for (long long i = 0; i < n_examples && (got = reader_next(&r, &rec, &e)) > 0; i++)
		if (question_example(&rec, &w->rubric, &w->question, &e) < 0) {
			err_prefix(&e, "%s:%zu", r.name, r.line);
			prog_fail(&e);
		}
	if (got < 0)
		prog_fail(&e);
	record_release(&rec);
	reader_release(&r);
}

static int bias_all(struct work *w)
{
	struct bias s = {0};
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	int got, status;

	while ((got = reader_next(&w->reader, &w->record, &e)) > 0)
		if (bias_add(&s, &w->record, &e) < 0)
			prog_fail(&e);
	if (got < 0)
		prog_fail(&e);
	bias_write(&s, level / 100, &text);
	out_line(text.data, text.len);
	status = s.n > 0 ? FT_OK : FT_INSUFFICIENT;
	if (s.n == 0)
		prog_warn("no row is a judged pair; see --pair");
	bias_release(&s);
	buf_release(&text);
	return status == FT_OK && w->bad > (size_t)ask_opts.max_errors ? FT_PARTIAL : status;
}

static int judge_all(struct work *w)
{
	struct ask_program p = {w, begin, answer, finish, NULL, prog_stopping, show_progress};
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	size_t lonely;
	int rc, status = FT_OK;

	if (jury)
		parse_jury(w);
	if (!ask_opts.model)
		prog_usage("no judge: give -m NAME, or -m ./DIR for a local model");
	/* Verdicts should be the same tomorrow. */
	if (isnan(ask_opts.temperature))
		ask_opts.temperature = 0;
	w->ask = ask_open(&ask_opts, lm_open_local, dry_run, &e);
	if (!w->ask)
		prog_fail(&e);
	if (jury && ask_backend(w->ask)->local)
		prog_usage("--jury names models behind an API");
	progress_begin(&w->progress, "rows", 0, ask_opts.quiet || dry_run);
	rc = dry_run ? dry(w, &e) : ask_run(w->ask, &p, &e);
	progress_end(&w->progress);
	if (!dry_run && !ask_opts.quiet && ask_totals(w->ask)->rows + ask_totals(w->ask)->unwritten) {
		ask_summary(w->ask, &text);
		prog_warn("%s", text.data);
	}
	if (rc)
		prog_warn("%s", e.msg);
	lonely = pairing_lonely(&w->pairing);
	if (lonely > 0 && !rc)
		prog_warn("%zu records found no answer of another model to the same id", lonely);
	if (rc)
		status = FT_TROUBLE;
	else if (ask_totals(w->ask)->failed + w->bad + lonely > (size_t)ask_opts.max_errors)
		status = FT_PARTIAL;
	buf_release(&text);
	ask_close(w->ask);
	return status;
}

static int decide(const struct agree_figures *f, const struct requirement *r, size_t n)
{
	int status = FT_OK;

	for (size_t i = 0; i < n; i++) {
		struct interval v;
		enum verdict verdict;

		if (agree_figure(f, r[i].figure, &v) < 0)
			prog_usage("--target %s: there is no such figure; see OUTPUT in ft-judge(1)", r[i].text);
		verdict = require_judge(r + i, v, by_point);
		if (!ask_opts.quiet)
			prog_warn("target %s: %s", r[i].text, require_word(verdict));
		if (verdict == VERDICT_MISSED)
			status = FT_NO;
		else if (verdict == VERDICT_INCONCLUSIVE && status == FT_OK)
			status = FT_INSUFFICIENT;
	}
	return status;
}

static int agree_all(struct work *w)
{
	struct requirement *r = mem_alloc(targets.n, sizeof *r);
	struct agree a;
	struct agree_figures f;
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	int got, status;

	for (size_t i = 0; i < targets.n; i++)
		if (require_parse(targets.v[i], r + i, &e) < 0)
			prog_usage("%s", e.msg);
	if (agree_init(&a, agree_path, pred_path, level / 100, (uint64_t)ask_opts.seed, &e) < 0)
		prog_usage("%s", e.msg);
	while ((got = reader_next(&w->reader, &w->record, &e)) > 0)
		if (agree_add(&a, &w->record, &e) < 0) {
			err_prefix(&e, "%s:%zu", w->reader.name, w->reader.line);
			prog_fail(&e);
		}
	if (got < 0 || agree_finish(&a, &f, &e) < 0)
		prog_fail(&e);
	if (f.n == 0)
		prog_warn("no row holds a verdict at %s and one at %s", path_text(a.human), path_text(a.pred));
	if (want_table || (!want_json && out_is_tty())) {
		agree_table(&a, &f, &text);
	} else {
		agree_write(&a, &f, &text);
		buf_addc(&text, '\n');
	}
	out_write(text.data, text.len);
	status = f.n == 0 ? FT_INSUFFICIENT : decide(&f, r, targets.n);
	if (status == FT_OK && w->bad > (size_t)ask_opts.max_errors)
		status = FT_PARTIAL;
	for (size_t i = 0; i < targets.n; i++)
		require_release(r + i);
	free(r);
	agree_release(&a);
	buf_release(&text);
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

	ask_options_init(&ask_opts);
	files = prog_start(&program, argc, argv);
	scale = parse_scale();
	if ((pred_path || targets.n > 0) && !agree_path)
		prog_usage("%s needs --agree PATH", pred_path ? "--pred" : "--target");
	reader_init(&w.reader, files);
	w.reader.skip_bad = skip_bad;
	w.reader.on_bad = on_bad;
	w.reader.arg = &w;
	w.reader.stopping = prog_stopping;
	w.question.reference = !no_reference;
	if (rubric_parse(criterion_text ? criterion_text : want_pair ? usual_pair : usual_criterion, scale, &w.rubric, &e) < 0)
		prog_usage("%s", e.msg);
	w.panel = (struct panel){&w.rubric, 1, want_pair ? 2 : 1};
	if (examples_path)
		read_examples(&w);
	question_hash(&w.rubric, &w.question, w.hash);
	verdict_schema(scale, &w.schema);
	if (print_prompt) {
		for (size_t i = 0; i < w.rubric.n; i++)
			question_print(&w.rubric, i, &w.question, &text);
		out_write(text.data, text.len);
	} else {
		status = agree_path ? agree_all(&w) : want_bias ? bias_all(&w) : judge_all(&w);
	}
	buf_release(&text);
	buf_release(&w.schema);
	for (size_t i = 0; w.jurors[i]; i++)
		free(w.jurors[i]);
	question_options_release(&w.question, w.rubric.n);
	pairing_release(&w.pairing);
	rubric_release(&w.rubric);
	reader_release(&w.reader);
	record_release(&w.record);
	free(criterion_text);
	prog_end(status);
}
