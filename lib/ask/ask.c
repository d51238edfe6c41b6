/* ask: the pipeline. Rows stand in a list in the order of the input; each counts the answers it
 * still waits for, and lines are written from the head of the list as rows complete. Memory is
 * bounded by the rows' bytes, waiting by each request's deadline. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/progress.h"
#include "../json/reader.h"
#include "../json/strict.h"
#include "../prompt/answer.h"
#include "ask_impl.h"

#define WINDOW_ROWS 16384
#define WINDOW_BYTES ((size_t)12 << 20)
#define ROW_BYTES 1024	/* taken for what a row costs beside its text */
#define IDLE 0.25	/* seconds between looks at signals and progress */
#define INPUT_IDLE 0.05 /* the same while input is slow in coming */
#define GRACE 5.0	/* seconds for what is under way when asked to stop */

#define ASKED_BUCKETS 4096

enum sent_kind { SENT_BACKEND, SENT_KNOWN, SENT_REFUSED };

struct ask_sent {
	struct ask_sent *next;
	struct ask_row *row;
	int tag;
	enum sent_kind kind;
	struct cache_key key;
	/* with a cache, what the key is made of beside the body, which the backend may change */
	int sample, attempt;
	char *model;
	const char *refused;	/* SENT_REFUSED: type of the error, a literal */
	struct buf text;	/* SENT_KNOWN: the answer; SENT_REFUSED: why */
	struct ask_sent *chain; /* the next in a bucket of those asked */
	struct ask_sent *same;	/* others that ask the same and take this one's answer */
};

static void sent_free(struct ask_sent *s)
{
	buf_release(&s->text);
	free(s->model);
	free(s);
}

static void row_free(struct ask *a, struct ask_row *row)
{
	*(row->prev ? &row->prev->next : &a->first) = row->next;
	*(row->next ? &row->next->prev : &a->last) = row->prev;
	a->rows--;
	a->bytes -= row->counted;
	buf_release(&row->out);
	free(row);
}

/* Keeps the first trouble; the loop ends on it. */
static void trouble(struct ask *a, const struct err *e)
{
	if (!a->failed && !a->trouble.msg[0])
		a->trouble = *e;
	a->failed = 1;
}

static void write_row(struct ask *a, struct ask_row *row)
{
	struct err e = ERR_INIT;

	if (row->cut_off) {
		a->totals.unwritten++;
	} else {
		ask_count_row(a, row->failed);
		if (!a->program->write)
			out_span(buf_span(&row->out));
		else if (a->program->write(a->program->arg, buf_span(&row->out), &e))
			trouble(a, &e);
	}
	row_free(a, row);
}

static void weigh(struct ask *a, struct ask_row *row)
{
	a->bytes += row->weight + ROW_BYTES - row->counted;
	row->counted = row->weight + ROW_BYTES;
}

static void row_complete(struct ask *a, struct ask_row *row)
{
	struct err e = ERR_INIT;

	if (a->program->finish(a->program->arg, row, &row->out, &e))
		trouble(a, &e);
	row->own = NULL;
	row->done = 1;
	/* From here the row weighs what it will write. */
	row->weight = row->out.len;
	weigh(a, row);
	if (a->o->unordered)
		write_row(a, row);
	while (a->first && a->first->done)
		write_row(a, a->first);
}

/* --- answers --- */

static void give(struct ask *a, struct ask_sent *s, struct backend_answer *an)
{
	struct ask_row *row = s->row;
	struct err e = ERR_INIT;

	ask_count(a, an);
	/* A row that the end of the run cut off is not written: the next run asks again. */
	if (a->stopped && strcmp(an->error_type, "interrupted") == 0)
		row->cut_off = 1;
	if (a->program->answer(a->program->arg, row, s->tag, an, &e))
		trouble(a, &e);
	sent_free(s);
	weigh(a, row);
	if (--row->pending == 0)
		row_complete(a, row);
}

/* A cache that takes no more, say on a full disk, keeps nobody from the answers. */
static void put(struct ask *a, const struct cache_key *key, const char *model, struct span json)
{
	struct err e = ERR_INIT;

	if (a->unkept || !cache_put(a->cache, key, model, json, &e))
		return;
	a->unkept = 1;
	buf_addf(&a->told,
		 "%s; answers are written, but from here on none is kept: asked again, they are paid for again",
		 e.msg);
	buf_addc(&a->told, 0);
}

/* An answer is kept under what was asked indeed. */
static void keep(struct ask *a, const struct ask_sent *s, const struct backend_answer *an)
{
	struct cache_key key = s->key;

	if (!a->cache || an->error_type[0] || strcmp(an->finish_reason, "length") == 0)
		return;
	if (an->asked.len)
		key = cache_key(buf_span(&a->identity), span_of(s->model), buf_span(&an->asked),
				s->sample, s->attempt);
	put(a, &key, an->model, buf_span(&a->json));
}

/* What this run takes out of an answer as it came: reasoning, nulls that only the strict form of the
 * schema has. Once more changes nothing. */
static void tidy(const struct ask *a, struct backend_answer *an)
{
	struct buf output = BUF_INIT;
	struct span v;

	answer_reasoning(an, a->o->strip_reasoning);
	if (!a->strict.len || !an->has_output || json_check(buf_span(&an->output), &v, NULL))
		return;
	strict_undo(a->schema, v, &output);
	buf_release(&an->output);
	an->output = output;
}

void ask_validate(const struct ask *a, struct backend_answer *an)
{
	struct err e = ERR_INIT;
	struct span v;
	int rc;

	tidy(a, an);
	if (!a->schema || an->error_type[0] || !an->has_output || an->tool_calls.len ||
	    an->refusal.len)
		return;
	if (json_check(buf_span(&an->output), &v, &e))
		backend_answer_fail(an, "schema", 0, "the answer is no JSON: %s", e.msg);
	else if ((rc = schema_check(a->schema, v, &e)))
		backend_answer_fail(an, "schema", 0, "the answer %s the schema: %s",
				    rc > 0 ? "cannot be checked against" : "does not match", e.msg);
}

static void make_ready(struct ask *a, struct ask_sent *s, enum sent_kind kind)
{
	s->kind = kind;
	s->next = NULL;
	*(a->ready_last ? &a->ready_last->next : &a->ready) = s;
	a->ready_last = s;
}

/* --- equal questions: with a cache, one that is asked already is not asked again --- */

static struct ask_sent **bucket(struct ask *a, const struct cache_key *key)
{
	size_t h;

	memcpy(&h, key->bytes, sizeof h);
	return &a->asked[h % ASKED_BUCKETS];
}

static struct ask_sent *find_asked(struct ask *a, const struct cache_key *key)
{
	struct ask_sent *s = *bucket(a, key);

	while (s && memcmp(s->key.bytes, key->bytes, sizeof key->bytes) != 0)
		s = s->chain;
	return s;
}

static void add_asked(struct ask *a, struct ask_sent *s)
{
	struct ask_sent **b = bucket(a, &s->key);

	s->chain = *b;
	*b = s;
}

/* Takes it out of the table and hands its answer to those that wait for it. */
static void settle_asked(struct ask *a, struct ask_sent *s, const struct backend_answer *an)
{
	struct ask_sent **at = bucket(a, &s->key), *other, *next;

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	for (other = s->same; other; other = next) {
		next = other->same;
		answer_write(an, &other->text);
		make_ready(a, other, SENT_KNOWN);
	}
}

static void on_answer(void *arg, uint64_t ticket, struct backend_answer *an)
{
	struct ask *a = arg;
	struct ask_sent *s = (struct ask_sent *)(uintptr_t)ticket;

	if (isnan(an->cost) && !an->error_type[0])
		an->cost = an->machine * a->second;
	if (a->cache) { /* as it came, whatever this run takes out of it */
		buf_clear(&a->json);
		answer_write(an, &a->json);
	}
	ask_validate(a, an);
	keep(a, s, an);
	if (a->cache)
		settle_asked(a, s, an);
	give(a, s, an);
}

/* Those that were ready when it began: what they cause to be sent comes next time. */
static void give_ready(struct ask *a)
{
	struct ask_sent *s = a->ready, *next;

	a->ready = a->ready_last = NULL;
	for (; s; s = next) {
		struct backend_answer *an = &a->answer;
		struct span json;

		next = s->next;
		backend_answer_clear(an);
		if (s->kind == SENT_REFUSED) {
			backend_answer_fail(an, s->refused, 0, "%s", s->text.data);
		} else if (json_check(buf_span(&s->text), &json, NULL) || answer_read(json, an)) {
			backend_answer_clear(an);
			backend_answer_fail(an, "cache", 0,
					    "the cache holds a damaged answer to this request");
		} else {
			an->cached = !an->error_type[0];
			an->attempts = 0;
			tidy(a, an);
		}
		give(a, s, an);
	}
}

void ask_refuse(struct ask *a, struct ask_row *row, int tag, const char *type, const char *why)
{
	struct ask_sent *s = mem_alloc(1, sizeof *s);

	s->row = row;
	s->tag = tag;
	s->refused = type;
	buf_adds(&s->text, why);
	row->pending++;
	make_ready(a, s, SENT_REFUSED);
}

int ask_send(struct ask *a, struct ask_row *row, int tag, const struct backend_request *q,
	     struct err *e)
{
	struct ask_sent *s, *same;
	struct err why = ERR_INIT;
	int hit;

	buf_clear(&a->body);
	if (a->backend.build(a->backend.self, q, &a->body, &why)) {
		ask_refuse(a, row, tag, "request", why.msg);
		return 0;
	}
	s = mem_alloc(1, sizeof *s);
	s->row = row;
	s->tag = tag;
	row->pending++;
	if (a->cache) {
		struct span model = q->model.s ? q->model : span_of(a->backend.model);

		s->key = cache_key(buf_span(&a->identity), model, buf_span(&a->body), q->sample,
				   q->attempt);
		s->sample = q->sample;
		s->attempt = q->attempt;
		s->model = span_dup(model);
		hit = cache_get(a->cache, &s->key, &s->text, e);
		if (hit > 0) {
			make_ready(a, s, SENT_KNOWN);
			return 0;
		}
		if (hit < 0)
			goto fail;
		same = find_asked(a, &s->key);
		if (same) {
			s->same = same->same;
			same->same = s;
			return 0;
		}
	}
	if (!a->backend.submit(a->backend.self, (uint64_t)(uintptr_t)s, q, buf_span(&a->body), e)) {
		if (a->cache)
			add_asked(a, s);
		a->in_hand++;
		return 0;
	}
fail:
	row->pending--;
	sent_free(s);
	return -1;
}

int ask_busy(const struct ask *a)
{
	return a->in_hand > 0 || a->ready;
}

/* --- the loop --- */

static int has_room(struct ask *a)
{
	return a->rows < WINDOW_ROWS && (a->bytes < WINDOW_BYTES || !a->rows) &&
	       a->backend.wants(a->backend.self) > 0;
}

/* Begins rows while there is room. Returns what the last begin said; ASK_ROW where there is no
 * room. */
static int fill(struct ask *a, struct err *e)
{
	int more = ASK_ROW;

	while (more == ASK_ROW && !a->failed && has_room(a)) {
		struct ask_row *row = mem_alloc(1, sizeof *row);

		row->number = a->read;
		row->prev = a->last;
		*(a->last ? &a->last->next : &a->first) = row;
		a->last = row;
		a->rows++;
		row->pending = 1; /* held until begin is through */
		more = a->program->begin(a->program->arg, row, e);
		weigh(a, row);
		if (more != ASK_ROW) {
			row_free(a, row);
			return more;
		}
		a->read++;
		if (--row->pending == 0)
			row_complete(a, row);
	}
	return more;
}

static int stop_asked(const struct ask *a)
{
	return a->program->stopping && a->program->stopping();
}

static void cancel(struct ask *a)
{
	a->stopped = 1;
	give_ready(a);
	a->backend.cancel(a->backend.self, on_answer, a);
	/* A program may have asked again on being told; that is refused once more. */
	while (a->ready || a->in_hand > 0) {
		give_ready(a);
		a->backend.cancel(a->backend.self, on_answer, a);
		a->in_hand = a->backend.run(a->backend.self, 0, on_answer, a, NULL);
	}
}

static void show_progress(const struct ask *a)
{
	struct progress *p = a->program->progress;
	char note[96];

	ask_note(a, note, sizeof note);
	p->total = reader_expected(a->program->reader);
	p->about = 1;
	progress_set(p, (double)a->totals.rows, note);
}

/* Passes on what the user should be told now; with a cache, what was found out stays for later
 * runs. */
static void give_notice(struct ask *a)
{
	const struct ask_program *p = a->program;
	struct buf text = BUF_INIT, learned = BUF_INIT;
	struct cache_key key;

	if (a->backend.notice)
		a->backend.notice(a->backend.self, &text);
	if (text.len && a->cache && a->backend.learned) {
		key = ask_learned_key(a);
		a->backend.learned(a->backend.self, &learned);
		put(a, &key, a->backend.model, buf_span(&learned));
	}
	buf_addspan(&text, buf_span(&a->told));
	buf_clear(&a->told);
	if (text.len && p->progress)
		progress_clear(p->progress);
	for (size_t at = 0; p->notice && at < text.len; at += strlen(text.data + at) + 1)
		p->notice(p->arg, text.data + at);
	buf_release(&text);
	buf_release(&learned);
}

int ask_run(struct ask *a, const struct ask_program *p, struct err *e)
{
	double begun = progress_clock(), stop_at = INFINITY;
	int more = ASK_ROW, bad_input = 0;

	a->program = p;
	if (a->cache && !a->asked)
		a->asked = mem_alloc(ASKED_BUCKETS, sizeof *a->asked);
	while (!a->failed) {
		double wait = IDLE;

		if (stop_asked(a) && isinf(stop_at)) {
			stop_at = progress_clock() + GRACE;
			more = ASK_END;
		}
		if (more != ASK_END && (more = fill(a, &a->trouble)) < 0) {
			/* What is asked is paid for: it is answered and written before the bad line
			 * ends the run. */
			bad_input = 1;
			more = ASK_END;
		}
		if (!a->rows && more == ASK_END)
			break;
		if (a->ready || (more == ASK_ROW && has_room(a)))
			wait = 0;
		else if (more == ASK_LATER)
			wait = INPUT_IDLE;
		give_ready(a);
		a->in_hand = a->backend.run(a->backend.self, wait, on_answer, a, &a->trouble);
		if (a->in_hand < 0) {
			a->in_hand = 0;
			a->failed = 1;
		}
		give_notice(a);
		if (!p->write)
			out_flush();
		if (out_failed())
			break;
		if (p->progress)
			show_progress(a);
		if (progress_clock() > stop_at)
			cancel(a);
	}
	if (a->rows)
		cancel(a);
	/* Whole rows behind a cut-off one are answers too. */
	while (a->first)
		write_row(a, a->first);
	a->totals.seconds = progress_clock() - begun;
	if ((a->failed || bad_input) && e)
		*e = a->trouble;
	return a->failed || bad_input ? -1 : 0;
}

void ask_pipeline_release(struct ask *a)
{
	struct ask_sent *s;

	while ((s = a->ready)) {
		a->ready = s->next;
		sent_free(s);
	}
	free(a->asked);
	buf_release(&a->body);
	buf_release(&a->json);
	buf_release(&a->told);
	backend_answer_release(&a->answer);
}
