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
#include "../lib/judge/question.h"
#include "../lib/judge/verdict.h"
#include "../lib/lm/local.h"
#include "../lib/net/ask.h"

enum { ASKED_AT_MOST = 3 };

static struct ask_options ask_opts;
static char *criterion_text;
static const char *score_range, *agree_path, *pred_path;
static struct opt_list targets;
static int want_pass, no_reference, no_schema, print_prompt, dry_run, skip_bad, want_table, want_json, by_point;
static double level = 95;

static const struct opt options[] = {
	{'c', "criterion", OPT_TEXT, &criterion_text, "TEXT", "what is judged: a text, or a rubric as JSON\n(default: is the answer correct)", 0, 0},
	{0, "pass", OPT_FLAG, &want_pass, NULL, "PASS or FAIL (default)", 0, 0},
	{0, "score", OPT_STR, &score_range, "LO-HI", "a whole number from LO to HI", 0, 0},
	{0, "no-reference", OPT_FLAG, &no_reference, NULL, "do not show the reference to the judge", 0, 0},
	{0, "no-schema", OPT_FLAG, &no_schema, NULL, "do not send a JSON schema along (some servers refuse it)", 0, 0},
	{0, "print-prompt", OPT_FLAG, &print_prompt, NULL, "print the prompt and end", 0, 0},
	{'n', "dry-run", OPT_FLAG, &dry_run, NULL, "print the requests instead of sending them", 0, 0},
	{0, "skip-bad", OPT_FLAG, &skip_bad, NULL, "report malformed lines and go on", 0, 0},
	{0, "", OPT_GROUP, NULL, NULL, "Measuring the judge (asks no model)", 0, 0},
	{0, "agree", OPT_STR, &agree_path, "PATH", "compare with the verdict of people at PATH", 0, 0},
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
	"-m MODEL [-c CRITERION | -c @rubric.json] [--pass | --score LO-HI] [file ...]\n"
	"--agree PATH [--pred PATH] [--target EXPR ...] [file ...]",
	"Let a model judge answers, and measure how far to trust it.",
	options,
	"ft-judge -m gpt-4o-mini -c 'The answer is polite.' answers.jsonl >judged.jsonl\n"
	"ft-judge --agree .human --target 'kappa>=0.6' judged.jsonl",
};

static const char usual_criterion[] =
	"The answer is correct and complete: it does what the input asks for, everything it states is true, and nothing that was asked for is "
	"missing.";

struct work {
	struct ask *ask;
	struct rubric rubric;
	struct question_options question;
	struct buf schema;
	char hash[17];
	struct reader reader;
	struct record record;
	struct progress progress;
	size_t bad;
};

/* One criterion of a record in hand. */
struct opinion {
	struct buf messages; /* of the last request */
	int asked, done;
	struct judged verdict;
	char error_type[32]; /* "" where there is a verdict */
	int error_status;
	struct buf error_message;
	double cost; /* of all its requests; NaN unknown */
	char model[128];
};

struct job {
	char *line;
	size_t len;
	struct buf candidate;
	int unanswered;
	struct opinion *opinions; /* one a criterion */
};

static void on_bad(void *arg, const struct err *e)
{
	struct work *w = arg;

	w->bad++;
	prog_warn("%s (skipped)", e->msg);
}

/* --- asking --- */

static int send_opinion(struct work *w, struct ask_row *row, size_t criterion, struct err *e)
{
	struct job *job = row->own;
	struct opinion *o = job->opinions + criterion;
	struct backend_request q = {.messages = buf_span(&o->messages), .attempt = o->asked};

	if (!no_schema)
		q.schema = buf_span(&w->schema);
	o->asked++;
	return ask_send(w->ask, row, (int)criterion, &q, e);
}

static struct job *job_new(struct work *w)
{
	struct job *job = mem_alloc(1, sizeof *job);

	job->len = w->record.line.n;
	job->line = mem_strndup(w->record.line.s, job->len);
	job->opinions = mem_alloc(w->rubric.n, sizeof *job->opinions);
	job->unanswered = question_candidate(&w->record, &job->candidate) < 0;
	return job;
}

static void job_free(struct work *w, struct job *job)
{
	for (size_t i = 0; i < w->rubric.n; i++) {
		buf_release(&job->opinions[i].messages);
		buf_release(&job->opinions[i].verdict.critique);
		buf_release(&job->opinions[i].error_message);
	}
	free(job->opinions);
	buf_release(&job->candidate);
	free(job->line);
	free(job);
}

/* A span even of an empty text, which is a candidate too. */
static struct span candidate_of(const struct job *job)
{
	return job->candidate.len > 0 ? buf_span(&job->candidate) : span_of("");
}

static int make_question(struct work *w, struct job *job, size_t criterion, struct err *e)
{
	if (question_messages(&w->record, &w->rubric, criterion, candidate_of(job), (struct span){0}, &w->question,
			      &job->opinions[criterion].messages, e) < 0)
		return err_prefix(e, "%s:%zu", w->reader.name, w->reader.line);
	return 0;
}

static int begin(void *arg, struct ask_row *row, struct err *e)
{
	struct work *w = arg;
	struct job *job;
	int rc;

	if (ask_busy(w->ask) && !reader_ready(&w->reader))
		return ASK_LATER;
	rc = reader_next(&w->reader, &w->record, e);
	if (rc <= 0)
		return rc ? -1 : ASK_END;
	row->own = job = job_new(w);
	row->weight = job->len;
	row->failed = job->unanswered;
	for (size_t i = 0; i < w->rubric.n && !job->unanswered; i++) {
		if (make_question(w, job, i, e) < 0 || send_opinion(w, row, i, e) < 0)
			return -1;
		row->weight += job->opinions[i].messages.len;
	}
	return ASK_ROW;
}

static int fail_opinion(struct opinion *o, const char *type, int status, struct span message)
{
	o->done = 1;
	snprintf(o->error_type, sizeof o->error_type, "%s", type);
	o->error_status = status;
	buf_clear(&o->error_message);
	return buf_addspan(&o->error_message, message);
}

static int answer(void *arg, struct ask_row *row, int tag, struct backend_answer *a, struct err *e)
{
	struct work *w = arg;
	struct job *job = row->own;
	struct opinion *o = job->opinions + tag;
	struct span reply = a->has_output && a->output.len > 0 ? buf_span(&a->output) : span_of("");
	struct buf again = BUF_INIT;
	const char *why;

	o->cost += a->cost;
	snprintf(o->model, sizeof o->model, "%s", a->model);
	if (a->error_type[0]) {
		row->failed = 1;
		return fail_opinion(o, a->error_type, a->error_status, buf_span(&a->error_message));
	}
	if (verdict_read(reply, candidate_of(job), w->rubric.scale, &o->verdict, &why) == 0) {
		o->done = 1;
		return 0;
	}
	if (o->asked >= ASKED_AT_MOST || a->refusal.len > 0) {
		struct buf text = BUF_INIT;

		row->failed = 1;
		buf_addf(&text, "%s: ", a->refusal.len > 0 ? "the judge refused" : why);
		if (reply.n > 300)
			reply = (struct span){reply.s + reply.n - 300, 300}; /* its end is where the verdict should be */
		buf_addspan(&text, a->refusal.len > 0 ? buf_span(&a->refusal) : reply);
		fail_opinion(o, a->refusal.len > 0 ? "refusal" : "unparsable", 0, buf_span(&text));
		buf_release(&text);
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

/* --- writing --- */

static void put_error(struct jw *w, const char *type, int status, struct span message)
{
	jw_key(w, "error");
	jw_object(w);
	jw_key(w, "type");
	jw_str(w, type);
	jw_key(w, "status");
	if (status)
		jw_int(w, status);
	else
		jw_null(w);
	jw_key(w, "message");
	jw_strn(w, message.s ? message.s : "", message.n);
	jw_end(w);
}

static void put_scale(struct jw *w, struct verdict_scale scale)
{
	jw_key(w, "scale");
	jw_array(w);
	jw_int(w, scale.lo);
	jw_int(w, scale.hi);
	jw_end(w);
}

/* Verdict and critique of one criterion as members of the object that is open. */
static void put_opinion(struct jw *w, const struct opinion *o, struct verdict_scale scale)
{
	if (!o->done || o->error_type[0]) {
		put_error(w, o->done ? o->error_type : "interrupted", o->error_status, buf_span(&o->error_message));
		return;
	}
	if (scale.mode == VERDICT_PASS) {
		jw_key(w, "pass");
		jw_bool(w, o->verdict.value);
	} else {
		jw_key(w, "score");
		jw_int(w, o->verdict.value);
		put_scale(w, scale);
	}
	jw_key(w, "critique");
	jw_strn(w, o->verdict.critique.len > 0 ? o->verdict.critique.data : "", o->verdict.critique.len);
}

/* All criteria together: pass where each that counts passes, or the weighted mean score; an error where one of them has one. */
static void put_whole(struct jw *w, const struct rubric *r, const struct job *job)
{
	const struct opinion *failed = NULL;
	double sum = 0, weights = 0;
	int pass = 1;

	for (size_t i = 0; i < r->n; i++) {
		const struct opinion *o = job->opinions + i;

		if (r->criteria[i].weight == 0)
			continue;
		if (!failed && o->error_type[0])
			failed = o;
		pass &= o->verdict.value != 0;
		sum += r->criteria[i].weight * o->verdict.value;
		weights += r->criteria[i].weight;
	}
	if (failed) {
		put_error(w, failed->error_type, failed->error_status, buf_span(&failed->error_message));
	} else if (r->scale.mode == VERDICT_PASS) {
		jw_key(w, "pass");
		jw_bool(w, pass);
	} else {
		jw_key(w, "score");
		jw_num(w, weights > 0 ? sum / weights : NAN);
		put_scale(w, r->scale);
	}
	jw_key(w, "criteria");
	jw_object(w);
	for (size_t i = 0; i < r->n; i++) {
		jw_key(w, r->criteria[i].name);
		jw_object(w);
		put_opinion(w, job->opinions + i, r->scale);
		jw_end(w);
	}
	jw_end(w);
}

static void write_judge(const struct work *w, const struct job *job, struct buf *json)
{
	double cost = 0;
	int asked = 0;
	struct jw j;

	jw_init(&j, json);
	jw_object(&j);
	if (job->unanswered)
		put_error(&j, "unanswered", 0, span_of("the record holds no answer to judge"));
	else if (w->rubric.criteria[0].name)
		put_whole(&j, &w->rubric, job);
	else
		put_opinion(&j, job->opinions, w->rubric.scale);
	for (size_t i = 0; i < w->rubric.n && !job->unanswered; i++) {
		cost += job->opinions[i].cost;
		asked += job->opinions[i].asked;
	}
	jw_key(&j, "model");
	jw_str(&j, !job->unanswered && job->opinions[0].model[0] ? job->opinions[0].model : ask_opts.model);
	jw_key(&j, "prompt_hash");
	jw_str(&j, w->hash);
	if (!job->unanswered) {
		jw_key(&j, "asked");
		jw_int(&j, asked);
		jw_key(&j, "cost");
		jw_num(&j, cost);
	}
	jw_end(&j);
}

static int finish(void *arg, struct ask_row *row, struct buf *out, struct err *e)
{
	struct work *w = arg;
	struct job *job = row->own;
	struct buf judge = BUF_INIT;
	struct edit edit = {.name = "judge"};
	int rc = record_parse(&w->record, (struct span){job->line, job->len}, e);

	write_judge(w, job, &judge);
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

	while ((rc = reader_next(&w->reader, &w->record, e)) > 0) {
		struct job *job = job_new(w);

		for (size_t i = 0; i < w->rubric.n && !job->unanswered && rc > 0; i++) {
			struct backend_request q = {0};
			struct buf body = BUF_INIT;

			if (make_question(w, job, i, e) < 0)
				rc = -1;
			q.messages = buf_span(&job->opinions[i].messages);
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

	if (!score_range)
		return s;
	if (want_pass)
		prog_usage("--pass and --score exclude each other");
	errno = 0;
	lo = strtol(score_range, &end, 10);
	if (end == score_range || *end != '-')
		prog_usage("--score is LO-HI, as 1-5, not '%s'", score_range);
	hi = strtol(end + 1, &end, 10);
	if (*end || errno || lo < 0 || hi <= lo || hi > 1000)
		prog_usage("--score is LO-HI with 0 <= LO < HI <= 1000, not '%s'", score_range);
	return (struct verdict_scale){VERDICT_SCORE, (int)lo, (int)hi};
}

static int judge_all(struct work *w)
{
	struct ask_program p = {w, begin, answer, finish, NULL, prog_stopping, show_progress};
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	int rc, status = FT_OK;

	if (!ask_opts.model)
		prog_usage("no judge: give -m NAME, or -m ./DIR for a local model");
	/* Verdicts should be the same tomorrow. */
	if (isnan(ask_opts.temperature))
		ask_opts.temperature = 0;
	w->ask = ask_open(&ask_opts, lm_open_local, dry_run, &e);
	if (!w->ask)
		prog_fail(&e);
	progress_begin(&w->progress, "rows", 0, ask_opts.quiet || dry_run);
	rc = dry_run ? dry(w, &e) : ask_run(w->ask, &p, &e);
	progress_end(&w->progress);
	if (!dry_run && !ask_opts.quiet && ask_totals(w->ask)->rows + ask_totals(w->ask)->unwritten) {
		ask_summary(w->ask, &text);
		prog_warn("%s", text.data);
	}
	if (rc)
		prog_warn("%s", e.msg);
	if (rc)
		status = FT_TROUBLE;
	else if (ask_totals(w->ask)->failed + w->bad > (size_t)ask_opts.max_errors)
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
	if (rubric_parse(criterion_text ? criterion_text : usual_criterion, scale, &w.rubric, &e) < 0)
		prog_usage("%s", e.msg);
	question_hash(&w.rubric, &w.question, w.hash);
	verdict_schema(scale, &w.schema);
	if (print_prompt) {
		for (size_t i = 0; i < w.rubric.n; i++)
			question_print(&w.rubric, i, &w.question, &text);
		out_write(text.data, text.len);
	} else {
		status = agree_path ? agree_all(&w) : judge_all(&w);
	}
	buf_release(&text);
	buf_release(&w.schema);
	rubric_release(&w.rubric);
	reader_release(&w.reader);
	record_release(&w.record);
	free(criterion_text);
	prog_end(status);
}
