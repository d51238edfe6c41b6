/* inquiry: see inquiry.h. */
#include "inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../ask/ask_batch.h"
#include "wording.h"

enum { ASKED_AT_MOST = 3 };

/* A record, or a pair of them, in hand; its line is parsed anew when it is needed again, which takes
 * microseconds, for a parsed one takes twice the memory. */
struct job {
	char *line;
	size_t len;
	struct buf a, b; /* what is judged; b only of a pair */
	int unanswered;
	struct opinion *opinions;
};

void inquiry_release(struct inquiry *w)
{
	buf_release(&w->schema);
	pairing_release(&w->pairing);
	record_release(&w->record);
}

int inquiry_jurors(const char *list, char *names[INQUIRY_JURORS])
{
	int n = 0;

	do {
		size_t len = strcspn(list, ",");

		if (len == 0 || n == INQUIRY_JURORS) {
			while (n > 0)
				free(names[--n]);
			return -1;
		}
		names[n++] = mem_strndup(list, len);
		list += len;
	} while (*list++);
	return n;
}

static int send_opinion(struct inquiry *w, struct ask_row *row, size_t at, struct err *e)
{
	struct job *job = row->own;
	struct opinion *o = job->opinions + at;
	struct backend_request q = {.messages = buf_span(&o->messages), .attempt = o->asked};
	size_t criterion, juror, order;

	panel_split(&w->panel, at, &criterion, &juror, &order);
	if (w->with_schema)
		q.schema = buf_span(&w->schema);
	if (w->jurors)
		q.model = span_of(w->jurors[juror]);
	o->asked++;
	return ask_send(w->ask, row, (int)at, &q, e);
}

static struct job *job_new(struct inquiry *w)
{
	struct job *job = mem_alloc(1, sizeof *job);

	job->len = w->record.line.n;
	job->line = mem_strndup(w->record.line.s, job->len);
	job->opinions = mem_alloc(panel_opinions(&w->panel), sizeof *job->opinions);
	if (w->pairs)
		job->unanswered = pairing_text(&w->record, "a", &job->a) ||
				  pairing_text(&w->record, "b", &job->b);
	else
		job->unanswered = question_candidate(&w->record, &job->a) < 0;
	return job;
}

static void job_free(struct inquiry *w, struct job *job)
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
static int make_question(struct inquiry *w, struct job *job, size_t at, struct err *e)
{
	size_t criterion, juror, order;
	struct span a = text_of(&job->a), b = w->pairs ? text_of(&job->b) : (struct span){0};
	struct question_options options = *w->question;

	panel_split(&w->panel, at, &criterion, &juror, &order);
	options.folded = w->folded[juror];
	if (question_messages(&w->record, w->panel.rubric, criterion, order ? b : a, order ? a : b,
			      &options, &job->opinions[at].messages, e))
		return reader_at(w->reader, e);
	return 0;
}

/* The next record to judge into w->record: 1, 0 at the end, -1; ASK_LATER where it would have to be
 * waited for. */
static int next_record(struct inquiry *w, struct err *e)
{
	struct span line;
	int rc;

	for (;;) {
		if (w->pairs && pairing_next(&w->pairing, &line))
			return record_parse(&w->record, line, e) ? -1 : 1;
		if (w->ask && ask_busy(w->ask) && !reader_ready(w->reader))
			return ASK_LATER;
		rc = reader_next(w->reader, &w->record, e);
		if (rc == 0 && w->pairs && (rc = pairing_end(&w->pairing, e)) == 1)
			continue;
		if (rc <= 0 || !w->pairs)
			return rc;
		if (pairing_add(&w->pairing, &w->record, e))
			return reader_at(w->reader, e);
	}
}

static int begin(void *arg, struct ask_row *row, struct err *e)
{
	struct inquiry *w = arg;
	struct job *job;
	int rc = next_record(w, e);

	if (rc != 1)
		return rc == 0 ? ASK_END : rc;
	row->own = job = job_new(w);
	row->weight = job->len;
	for (size_t i = 0; i < panel_opinions(&w->panel) && !job->unanswered; i++) {
		if (make_question(w, job, i, e) || send_opinion(w, row, i, e))
			return -1;
		row->weight += job->opinions[i].messages.len;
	}
	return ASK_ROW;
}

/* No verdict in the last of the replies either: its end goes into the error, for that is where a
 * verdict should stand. */
static void give_up(struct opinion *o, const struct backend_answer *a, struct span reply,
		    const char *why)
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
	struct inquiry *w = arg;
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
	got = verdict_read(reply, buf_span(&candidate), w->panel.rubric->scale, &o->verdict, &why);
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
	if (record_parse(&w->record, (struct span){job->line, job->len}, e) ||
	    make_question(w, job, (size_t)tag, e))
		return -1;
	question_again(buf_span(&o->messages), reply, why, w->panel.rubric->scale, &again);
	buf_release(&o->messages);
	o->messages = again;
	return send_opinion(w, row, (size_t)tag, e);
}

static int finish(void *arg, struct ask_row *row, struct buf *out, struct err *e)
{
	struct inquiry *w = arg;
	struct job *job = row->own;
	struct buf judge = BUF_INIT;
	struct edit edit = {.name = "judge"};
	int rc = record_parse(&w->record, (struct span){job->line, job->len}, e);

	row->failed = panel_write(&w->panel, job->unanswered ? NULL : job->opinions, w->model,
				  w->hash, &judge);
	edit.value = buf_span(&judge);
	if (!rc)
		rc = record_splice(&w->record, &edit, 1, out);
	buf_addc(out, '\n');
	buf_release(&judge);
	job_free(w, job);
	return rc;
}

/* A model whose template has no place for a system turn reads what it says in the first user turn. */
static void find_folded(struct inquiry *w)
{
	struct backend *b = ask_backend(w->ask);
	struct buf text = BUF_INIT;

	if (!b->without_system || !wording_has_system(w->question->template))
		return;
	for (size_t i = 0; i < w->panel.jurors; i++) {
		const char *name = w->jurors ? w->jurors[i] : w->model;

		w->folded[i] =
			b->without_system(b->self, w->jurors ? span_of(name) : (struct span){0});
		w->panel.folded |= w->folded[i];
		if (!w->folded[i] || !w->notice)
			continue;
		buf_clear(&text);
		buf_addf(&text,
			 "%s: its chat template has no place for a system turn; what that says stands before the first user turn's text",
			 name);
		w->notice(w, text.data);
	}
	buf_release(&text);
}

static void prepare(struct inquiry *w)
{
	find_folded(w);
	question_hash(w->panel.rubric, w->question, w->hash);
	verdict_schema(w->panel.rubric->scale, &w->schema);
}

int inquiry_run(struct inquiry *w, struct err *e)
{
	struct ask_program p = {.arg = w,
				.begin = begin,
				.answer = answer,
				.finish = finish,
				.notice = w->notice,
				.stopping = w->stopping,
				.progress = w->progress,
				.reader = w->reader};

	prepare(w);
	return ask_run(w->ask, &p, e);
}

int inquiry_dry(struct inquiry *w, void (*line)(const void *text, size_t n), struct err *e)
{
	struct backend *b = ask_backend(w->ask);
	int rc;

	prepare(w);

	while ((rc = next_record(w, e)) == 1) {
		struct job *job = job_new(w);

		for (size_t i = 0; i < panel_opinions(&w->panel) && !job->unanswered && rc > 0;
		     i++) {
			struct backend_request q = {0};
			struct buf body = BUF_INIT, id = BUF_INIT, shown = BUF_INIT;

			if (make_question(w, job, i, e))
				rc = -1;
			q.messages = buf_span(&job->opinions[i].messages);
			if (w->jurors)
				q.model = span_of(w->jurors[i / w->panel.orders % w->panel.jurors]);
			if (w->with_schema)
				q.schema = buf_span(&w->schema);
			if (rc > 0 && b->build(b->self, &q, &body, e))
				rc = -1;
			if (rc > 0 && record_id(&w->record, &id, e))
				rc = -1;
			if (rc > 0) {
				ask_request_line(w->ask, buf_span(&id), buf_span(&body), &shown);
				line(shown.data, shown.len);
			}
			buf_release(&body);
			buf_release(&id);
			buf_release(&shown);
		}
		job_free(w, job);
		if (rc < 0)
			break;
	}
	return rc;
}
