/* ft-prompt: fills a prompt from each record, asks a model, and appends the answer to the record. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/json/jw.h"
#include "../lib/json/reader.h"
#include "../lib/net/answer.h"
#include "../lib/net/ask.h"
#include "../lib/net/prompt.h"

static struct ask_options ask_opts;
static struct prompt_options prompt_opts;
static char *system_text, *template_text;
static long long samples = 1;
static int dry_run, skip_bad;

static const struct opt options[] = {
	{'s', "system", OPT_TEXT, &system_text, "TEXT", "system turn: set, or put in place of the record's", 0, 0},
	{'t', "template", OPT_TEXT, &template_text, "TEXT", "user turn, with {{PATH}} filled from the record", 0, 0},
	{'N', "samples", OPT_INT, &samples, "N", "answers a record (default 1), a line each", 1, 10000},
	{'n', "dry-run", OPT_FLAG, &dry_run, NULL, "print the requests instead of sending them", 0, 0},
	{0, "skip-bad", OPT_FLAG, &skip_bad, NULL, "report malformed lines and go on", 0, 0},
	ASK_OPTIONS(ask_opts),
	{0},
};

static const struct program program = {
	"ft-prompt",
	"-m MODEL [-s SYSTEM] [-t TEMPLATE] [option ...] [file ...]",
	"Fill a prompt from each record, ask a model, append the answer.",
	options,
	"ft-prompt -m gpt-4o-mini -s @system.txt -t 'When is it due? {{text}}' notes.jsonl >answers.jsonl\n"
	"ft-prompt -m ./model -T 0 test.jsonl | ft-eval",
};

struct work {
	struct ask *ask;
	struct prompt *prompt;
	struct reader reader;
	struct record record; /* being read, or being written */
	struct progress progress;
	size_t bad;
};

/* A record in hand: its line, and an answer for each sample. */
struct job {
	char *line;
	size_t len;
	struct buf *answers; /* JSON objects */
};

static void on_bad(void *arg, const struct err *e)
{
	struct work *w = arg;

	w->bad++;
	prog_warn("%s (skipped)", e->msg);
}

static int begin(void *arg, struct ask_row *row, struct err *e)
{
	struct work *w = arg;
	struct backend_request q;
	struct err why = ERR_INIT;
	struct job *job;
	int rc;

	if (ask_busy(w->ask) && !reader_ready(&w->reader))
		return ASK_LATER;
	rc = reader_next(&w->reader, &w->record, e);
	if (rc <= 0)
		return rc ? -1 : ASK_END;
	row->own = job = mem_alloc(1, sizeof *job);
	job->len = w->record.line.n;
	job->line = mem_strndup(w->record.line.s, job->len);
	job->answers = mem_alloc((size_t)samples, sizeof *job->answers);
	row->weight = job->len + (size_t)samples * sizeof *job->answers;

	if (prompt_make(w->prompt, &w->record, &q, &why)) {
		err_prefix(&why, "%s:%zu", w->reader.name, w->reader.line);
		for (int s = 0; s < samples; s++)
			ask_refuse(w->ask, row, s, "template", why.msg);
		return ASK_ROW;
	}
	for (q.sample = 0; q.sample < samples; q.sample++)
		if (ask_send(w->ask, row, q.sample, &q, e))
			return -1;
	return ASK_ROW;
}

static int answer(void *arg, struct ask_row *row, int tag, struct backend_answer *a, struct err *e)
{
	struct job *job = row->own;

	(void)arg, (void)e;
	row->failed |= a->error_type[0] != 0;
	answer_write(a, &job->answers[tag]);
	row->weight += job->answers[tag].len;
	return 0;
}

static int finish(void *arg, struct ask_row *row, struct buf *out, struct err *e)
{
	struct work *w = arg;
	struct job *job = row->own;
	struct edit edits[ANSWER_EDITS];
	int rc = record_parse(&w->record, (struct span){job->line, job->len}, e);

	for (int s = 0; s < samples; s++) {
		size_t n = answer_edits(buf_span(&job->answers[s]), edits);
		char number[24];

		if (samples > 1) {
			snprintf(number, sizeof number, "%d", s);
			edits[n - 1].value = span_of(number);
		}
		if (!rc && job->answers[s].len) {
			rc = record_splice(&w->record, edits, n, out);
			buf_addc(out, '\n');
		}
		buf_release(&job->answers[s]);
	}
	free(job->answers);
	free(job->line);
	free(job);
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

/* One request as a line: {"id", "body"} for an API, {"id", "prompt", "ids"} for a local model. */
static int print_request(struct work *w, const struct backend_request *q, struct err *e)
{
	struct backend *b = ask_backend(w->ask);
	struct buf body = BUF_INIT, line = BUF_INIT, id = BUF_INIT;
	struct jw j;
	int rc = b->build(b->self, q, &body, e);

	if (!rc)
		rc = record_id(&w->record, &id, e);
	if (!rc) {
		jw_init(&j, &line);
		jw_object(&j);
		jw_key(&j, "id");
		jw_strn(&j, id.data, id.len);
		if (b->local) {
			struct json_iter it = {0};
			struct span key, value;

			while (json_next(&it, buf_span(&body), &key, &value)) {
				jw_keyn(&j, key.s + 1, key.n - 2);
				jw_raw(&j, value);
			}
		} else {
			jw_key(&j, "body");
			jw_raw(&j, buf_span(&body));
		}
		jw_end(&j);
		out_line(line.data, line.len);
	}
	buf_release(&body);
	buf_release(&line);
	buf_release(&id);
	return rc;
}

static int dry(struct work *w, struct err *e)
{
	struct backend_request q;
	int rc;

	while ((rc = reader_next(&w->reader, &w->record, e)) > 0) {
		if (prompt_make(w->prompt, &w->record, &q, e))
			return err_prefix(e, "%s:%zu", w->reader.name, w->reader.line);
		for (q.sample = 0; q.sample < samples; q.sample++)
			if (print_request(w, &q, e))
				return err_prefix(e, "%s:%zu", w->reader.name, w->reader.line);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct work w = {0};
	struct ask_program p = {&w, begin, answer, finish, NULL, prog_stopping, show_progress};
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	char **files;
	int rc, status = FT_OK;

	ask_options_init(&ask_opts);
	files = prog_start(&program, argc, argv);
	if (!ask_opts.model)
		prog_usage("no model: give -m NAME, or -m ./DIR for a local one");
	prompt_opts.system = system_text;
	prompt_opts.template = template_text;
	reader_init(&w.reader, files);
	w.reader.skip_bad = skip_bad;
	w.reader.on_bad = on_bad;
	w.reader.arg = &w;
	w.reader.stopping = prog_stopping;
	w.prompt = prompt_open(&prompt_opts, &e);
	if (!w.prompt || !(w.ask = ask_open(&ask_opts, NULL, dry_run, &e)))
		prog_fail(&e);

	progress_begin(&w.progress, "rows", 0, ask_opts.quiet || dry_run);
	rc = dry_run ? dry(&w, &e) : ask_run(w.ask, &p, &e);
	progress_end(&w.progress);
	if (!dry_run && !ask_opts.quiet && ask_totals(w.ask)->rows + ask_totals(w.ask)->unwritten) {
		ask_summary(w.ask, &text);
		prog_warn("%s", text.data);
	}
	if (rc)
		prog_warn("%s", e.msg);
	if (rc)
		status = FT_TROUBLE;
	else if (ask_totals(w.ask)->failed + w.bad > (size_t)ask_opts.max_errors)
		status = FT_PARTIAL;
	buf_release(&text);
	ask_close(w.ask);
	prompt_close(w.prompt);
	reader_release(&w.reader);
	record_release(&w.record);
	prog_end(status);
}
