/* ft-prompt: fills a prompt from each record, asks a model, and appends the answer to the
 * record. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/api/batch.h"
#include "../lib/ask/ask_batch.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/infer/local.h"
#include "../lib/json/reader.h"
#include "../lib/prompt/answer.h"
#include "../lib/prompt/prompt.h"

static struct ask_options opt_ask;
static struct prompt_options prompt_opts;
static char *opt_system, *opt_template;
static const char *opt_examples, *opt_context, *opt_batch, *opt_label;
static long long opt_samples = 1, opt_examples_k = 3, opt_context_k = 3;
static double opt_avoid_near, opt_batch_poll = 30;
static int opt_select, opt_dry_run, opt_to_batch, opt_skip_bad;
static struct opt_list opt_from_batch;

static struct opt options[] = {
	{'s', "system", OPT_TEXT, &opt_system, "TEXT",
	 "system turn: set, or put in place of the record's"},
	{'t', "template", OPT_TEXT, &opt_template, "TEXT",
	 "user turn, with {{PATH}} filled from the record"},
	{'e', "examples", OPT_STR, &opt_examples, "FILE",
	 "answered records to choose examples from"},
	{'k', "examples-k", OPT_INT, &opt_examples_k, "N", "how many examples (default 3)", 0,
	 1000},
	{0, "select", OPT_CHOICE, &opt_select, "first|random|bm25",
	 "which examples (default first; bm25: the nearest)"},
	{0, "avoid-near", OPT_REAL, &opt_avoid_near, "X",
	 "no examples this similar to the record (0 to 1)", 0, 1},
	{0, "context", OPT_STR, &opt_context, "FILE",
	 "documents; the nearest ones' text goes into {{context}}"},
	{0, "context-k", OPT_INT, &opt_context_k, "N", "how many documents (default 3)", 1, 1000},
	{'N', "samples", OPT_INT, &opt_samples, "N", "answers a record (default 1), a line each", 1,
	 10000},
	{0, "label", OPT_STR, &opt_label, "TEXT",
	 "what this prompt is called: prompt_label in each answer"},
	{'n', "dry-run", OPT_FLAG, &opt_dry_run, NULL,
	 "print the requests instead of sending them"},
	{0, "to-batch", OPT_FLAG, &opt_to_batch, NULL, "print request lines for a batch API",
	 .without = "dry-run"},
	{0, "from-batch", OPT_LIST, &opt_from_batch, "FILE",
	 "take the answers from a batch API's result file; may be given again",
	 .without = "dry-run to-batch"},
	{0, "batch", OPT_STR, &opt_batch, "FILE",
	 "upload, wait, fetch, join; FILE remembers how far it got",
	 .without = "dry-run to-batch from-batch"},
	{0, "batch-poll", OPT_REAL, &opt_batch_poll, "S",
	 "seconds between looks at a batch (default 30)", 0.01, 86400, .with = "batch"},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL, "report malformed lines and go on"},
	ASK_OPTIONS(opt_ask),
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
	size_t skipped; /* by the reader before, of --batch */
};

/* A record in hand: its line, and an answer for each sample, both as text. Thousands are in hand at
 * once, and their members found in place would take as much memory again as short lines do; they
 * are found anew in microseconds when the line is written. */
struct job {
	char *line;
	size_t len;
	struct buf *answers; /* JSON objects */
};

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
	job = mem_alloc(1, sizeof *job);
	job->len = w->record.line.n;
	job->line = mem_strndup(w->record.line.s, job->len);
	job->answers = mem_alloc((size_t)opt_samples, sizeof *job->answers);
	row->own = job;
	row->weight = w->record.line.n + (size_t)opt_samples * sizeof(struct buf);

	if (prompt_make(w->prompt, &w->record, &q, &why)) {
		reader_at(&w->reader, &why);
		for (int s = 0; s < opt_samples; s++)
			ask_refuse(w->ask, row, s, "template", why.msg);
		return ASK_ROW;
	}
	for (q.sample = 0; q.sample < opt_samples; q.sample++)
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
	int rc = record_parse(&w->record, (struct span){job->line, job->len}, e) ||
				 answer_splice(&w->record, job->answers, (int)opt_samples,
					       prompt_tags(w->prompt), out, e)
			 ? -1
			 : 0;

	for (int s = 0; s < opt_samples; s++)
		buf_release(&job->answers[s]);
	free(job->answers);
	free(job->line);
	free(job);
	return rc;
}

static void notice(void *arg, const char *text)
{
	(void)arg;
	prog_warn("%s", text);
}

static void batch_progress(void *arg, const char *what, double done, double total)
{
	struct work *w = arg;

	w->progress.what = what;
	w->progress.total = total;
	progress_set(&w->progress, done, "waiting for the batch");
}

static void set_prompt(void)
{
	struct examples_options *x = &prompt_opts.examples;

	prompt_opts.system = opt_system;
	prompt_opts.template = opt_template;
	prompt_opts.documents = opt_context;
	prompt_opts.documents_k = (size_t)opt_context_k;
	prompt_opts.label = opt_label;
	x->file = opt_examples;
	x->k = (size_t)opt_examples_k;
	x->near = opt_avoid_near;
	x->seed = opt_ask.seed == LLONG_MIN ? 0 : (uint64_t)opt_ask.seed;
	x->select = (enum examples_select)opt_select;
}

/* The one thing that the options ask for. */
static int run(struct work *w, struct err *e)
{
	struct ask_program p = {.arg = w,
				.begin = begin,
				.answer = answer,
				.finish = finish,
				.notice = opt_ask.quiet ? NULL : notice,
				.stopping = prog_stopping,
				.progress = &w->progress,
				.reader = &w->reader};
	struct ask_batch b = {.ask = w->ask,
			      .prompt = w->prompt,
			      .reader = &w->reader,
			      .samples = (int)opt_samples,
			      .state = opt_batch,
			      .poll = opt_batch_poll,
			      .stopping = prog_stopping,
			      .progress = batch_progress,
			      .notice = opt_ask.quiet ? NULL : notice,
			      .arg = w};
	int rc = opt_dry_run	    ? ask_batch_show(&b, e)
		 : opt_to_batch	    ? ask_batch_write(&b, e)
		 : opt_from_batch.n ? ask_batch_join(&b, opt_from_batch.v, opt_from_batch.n, e)
		 : opt_batch	    ? ask_batch_run(&b, e)
				    : ask_run(w->ask, &p, e);

	w->skipped = b.skipped;
	if (rc > 0)
		prog_warn("stopped; the same command takes the batch up again (%s)", opt_batch);
	return rc < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct work w = {0};
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	char **files;
	int silent, rc, status = FT_OK;

	ask_options_init(&opt_ask);
	files = prog_start(&program, argc, argv);
	if (!opt_ask.model)
		prog_usage("no model: give -m NAME, or -m ./DIR for a local one");
	set_prompt();
	reader_start(&w.reader, files, opt_skip_bad);
	silent = opt_dry_run || opt_to_batch;
	w.prompt = prompt_open(&prompt_opts, &e);
	if (!w.prompt || !(w.ask = ask_open(&opt_ask, local_open, silent || opt_from_batch.n, &e)))
		prog_fail(&e);
	if ((opt_to_batch || opt_batch || opt_from_batch.n) &&
	    batch_check(ask_api(w.ask), opt_batch != NULL, &e))
		prog_fail(&e);
	if (ask_backend(w.ask)->warning && !opt_ask.quiet)
		prog_warn("%s", ask_backend(w.ask)->warning);

	progress_begin(&w.progress, "rows", 0, opt_ask.quiet || silent);
	rc = run(&w, &e);
	progress_end(&w.progress);
	ask_summary(w.ask, &text);
	if (!opt_ask.quiet && text.len)
		prog_lines(text.data);
	if (rc) {
		prog_warn("%s", e.msg);
		status = FT_TROUBLE;
	} else if (ask_totals(w.ask)->failed + w.skipped + w.reader.skipped >
		   (size_t)opt_ask.max_errors) {
		status = FT_PARTIAL;
	}
	buf_release(&text);
	ask_close(w.ask);
	prompt_close(w.prompt);
	reader_release(&w.reader);
	record_release(&w.record);
	prog_end(status);
}
