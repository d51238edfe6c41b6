/* Continuous batching over a decoder. See generator.h. */
#include "generator_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/progress.h"

#define TOGETHER 32	 /* steps of several answers before one goes alone */
#define AHEAD 3		 /* answers that may go alone at first */
#define PREFILL_ROWS 512 /* of prompts in one step, beside the answers' rows */
/* positions: a beginning that another sequence is about to compute is waited for */
#define WORTH_WAITING 8

int generator_new(struct generator **out, struct decoder *d, const struct model *m,
		  const struct tokenizer *t, struct pool *pool, const struct generator_spec *spec,
		  struct err *e)
{
	struct generator *g;
	size_t floats;

	if (spec->sequences == 0 || spec->sequences > decoder_max_rows(d))
		return err_set(e, "%zu sequences at once do not fit in steps of %zu rows",
			       spec->sequences, decoder_max_rows(d));
	if (mem_mul(spec->sequences, m->config.vocab, &floats))
		return err_set(e, "too many sequences at once");
	g = mem_alloc(1, sizeof *g);
	g->d = d;
	g->m = m;
	g->t = t;
	g->pool = pool;
	g->most = spec->sequences;
	g->max_rows = decoder_max_rows(d);
	kvcache_init(&g->kv, &m->config, spec->cache_bytes, 4, 2);
	g->running = mem_alloc(g->most, sizeof(struct sequence *));
	g->stops = mem_alloc(spec->n_stops, sizeof *g->stops);
	if (spec->n_stops)
		memcpy(g->stops, spec->stops, spec->n_stops * sizeof *g->stops);
	g->n_stops = spec->n_stops;
	g->rows = mem_alloc(g->max_rows, sizeof *g->rows);
	g->logits = mem_aligned(floats, sizeof *g->logits);
	g->scratch = mem_alloc(g->most, sizeof *g->scratch);
	*out = g;
	return 0;
}

static void sequence_free(struct sequence *s)
{
	buf_release(&s->text);
	free(s->ids);
	free(s->pages);
	free(s->token);
	free(s->top);
	free(s);
}

void generator_free(struct generator *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_running; i++)
		sequence_free(g->running[i]);
	while (g->waiting) {
		struct sequence *s = g->waiting;

		g->waiting = s->next;
		sequence_free(s);
	}
	for (size_t i = 0; i < g->most; i++)
		sample_scratch_release(&g->scratch[i]);
	kvcache_release(&g->kv);
	free(g->running);
	free(g->stops);
	free(g->rows);
	free(g->logits);
	free(g->scratch);
	free(g);
}

/* Before the first shorter prompt of those that may still be passed. */
static void enqueue(struct generator *g, struct sequence *s)
{
	struct sequence **at = &g->waiting;

	for (struct sequence **p = at; *p; p = &(*p)->next)
		if ((*p)->n > (*p)->prompt || (*p)->passed >= g->most)
			at = &(*p)->next; /* what has begun, or waited enough, stays in front */
	while (*at && (*at)->prompt >= s->prompt)
		at = &(*at)->next;
	s->next = *at;
	*at = s;
	for (struct sequence *later = s->next; later; later = later->next)
		later->passed++;
	g->n_waiting++;
}

void generator_submit(struct generator *g, uint64_t ticket, const struct generator_request *q)
{
	struct sequence *s = mem_alloc(1, sizeof *s);

	s->ticket = ticket;
	s->q = *q;
	s->n = s->prompt = q->n;
	s->is_long = config_is_long(&g->m->config, q->n);
	s->ids = mem_grow(NULL, &s->cap, q->n + 64, sizeof *s->ids);
	if (q->n)
		memcpy(s->ids, q->ids, q->n * sizeof *s->ids);
	rng_seed(&s->rng, q->seed, q->stream);
	tokenizer_stream_begin(&s->stream, g->t,
			       TOKENIZER_SKIP_SPECIAL | (q->keep_start ? TOKENIZER_KEEP_START : 0));
	s->at = q->grammar ? grammar_start(q->grammar) : 0;
	s->state = KVCACHE_NO_STATE;
	s->begun = s->first_own = NAN;
	enqueue(g, s);
}

size_t generator_in_hand(const struct generator *g)
{
	return g->n_running + g->n_waiting;
}

/* --- coming and going --- */

/* Last pages first: nothing in the tree may stand below a page that was never computed. */
static void let_pages_go(struct generator *g, struct sequence *s)
{
	for (size_t i = 0; i < GENERATOR_KEEPS && s->keep[i]; i++)
		if (s->keep[i] / KVCACHE_PAGE <= s->n_pages)
			g->kv.pages[s->pages[s->keep[i] / KVCACHE_PAGE - 1]].state_promised = 0;
	memset(s->keep, 0, sizeof s->keep);
	while (s->n_pages > 0)
		kvcache_drop(&g->kv, s->pages[--s->n_pages]);
	kvcache_state_drop(&g->kv, s->state);
	s->state = KVCACHE_NO_STATE;
	s->computed = 0;
}

static void leave(struct generator *g, struct sequence *s)
{
	size_t i = 0;

	while (g->running[i] != s)
		i++;
	memmove(&g->running[i], &g->running[i + 1],
		(--g->n_running - i) * sizeof(struct sequence *));
	let_pages_go(g, s);
}

/* The answer so far, its text up to n, without its times alone. */
static struct generator_answer answer_of(const struct sequence *s, size_t n)
{
	struct generator_answer a = {
		.text = {s->text.data ? s->text.data : "", n},
		.stopped_by = s->stopped_by,
		.prompt_tokens = s->prompt,
		.tokens = s->n - s->prompt,
		.cached = s->cached,
		.token = s->token,
		.top = s->top,
		.latency = NAN,
		.ttft = NAN,
		.latency_batch = progress_clock() - s->begun,
		.machine = s->machine,
	};

	/* White space before a value is the tokenizer's habit, not part of it. */
	while (s->q.grammar && a.text.n > 0 && (*a.text.s == ' ' || *a.text.s == '\n')) {
		a.text.s++;
		a.text.n--;
	}
	return a;
}

/* Seconds of so many steps alone, and of shared ones in which it had one row. What one row takes is
 * known better at the end than when they were done. */
static double alone(const struct generator *g, double own, size_t shared)
{
	return shared ? own + (double)shared * pace_of(&g->pace, 1) : own;
}

static void deliver(const struct generator *g, struct sequence *s, const char *finish,
		    const char *error_type, const char *error, generator_answered *done, void *arg)
{
	struct generator_answer a = answer_of(s, s->text.len);

	if (!isnan(s->begun))
		a.latency = alone(g, s->own, s->shared);
	if (!isnan(s->first_own))
		a.ttft = alone(g, s->first_own, s->first_shared);
	a.finish = finish;
	a.error_type = error_type;
	a.error = error;
	done(arg, s->ticket, &a);
	sequence_free(s);
}

static struct sequence *next_waiting(struct generator *g)
{
	struct sequence *s = g->waiting;

	g->waiting = s->next;
	g->n_waiting--;
	s->next = NULL;
	return s;
}

/* Stands first in the queue again, with what it has written so far. */
static void begin_again(struct generator *g, struct sequence *s)
{
	leave(g, s);
	s->next = g->waiting;
	g->waiting = s;
	g->n_waiting++;
}

/* The youngest makes room. */
static void give_way(struct generator *g)
{
	struct sequence *youngest = g->running[0];

	for (size_t i = 1; i < g->n_running; i++)
		if (g->running[i]->admitted > youngest->admitted)
			youngest = g->running[i];
	begin_again(g, youngest);
}

/* Whoever has written beyond the original context has other angles from its beginning on, and reads all
 * of it anew. */
static void lengthen(struct generator *g)
{
	for (size_t i = 0; i < g->n_running;) {
		struct sequence *s = g->running[i];

		if (s->is_long || !config_is_long(&g->m->config, s->n)) {
			i++;
			continue;
		}
		s->is_long = 1;
		begin_again(g, s);
	}
}

static size_t same_pages(const struct sequence *a, const struct sequence *b)
{
	size_t n = 0;

	while (n < a->n_pages && n < b->n_pages && a->pages[n] == b->pages[n])
		n++;
	return n;
}

/* --- states --- */

static void keep_before(struct sequence *s, size_t position)
{
	size_t i = 0;

	position -= position % KVCACHE_PAGE;
	if (position <= s->computed)
		return;
	while (i < GENERATOR_KEEPS && s->keep[i] && s->keep[i] < position)
		i++;
	if (i == GENERATOR_KEEPS || s->keep[i] == position)
		return;
	memmove(&s->keep[i + 1], &s->keep[i], (GENERATOR_KEEPS - 1 - i) * sizeof *s->keep);
	s->keep[i] = position;
}

static size_t common(const struct sequence *a, const struct sequence *b)
{
	size_t n = 0;

	while (n < a->n && n < b->n && a->ids[n] == b->ids[n])
		n++;
	return n;
}

/* A sequence can only begin behind a page with a copy of the state: what follows in the pages that
 * were found is computed again, without writing there. Says where a copy would have been of use, to
 * it and to those to come. 0: what it could begin with is being made, and is waited for. */
static int begin_state(struct generator *g, struct sequence *s)
{
	size_t usable = s->n_pages;

	for (; usable > 0; usable--) {
		const struct kvcache_page *p = &g->kv.pages[s->pages[usable - 1]];

		if (p->state_promised || p->ready < KVCACHE_PAGE)
			return 0;
		if (p->state != KVCACHE_NO_STATE)
			break;
	}
	s->filed = s->n_pages * KVCACHE_PAGE;
	s->computed = usable * KVCACHE_PAGE;
	if (usable > 0)
		kvcache_state_copy(&g->kv, s->state, g->kv.pages[s->pages[usable - 1]].state);
	keep_before(s, s->n - 1);
	keep_before(s, s->filed);
	if (s->next) {
		size_t same = common(s, s->next);

		keep_before(s, same < s->n ? same : s->n - 1);
	}
	return 1;
}

/* Others are told which of its pages will have a copy. */
static void promise(struct generator *g, const struct sequence *s)
{
	for (size_t i = 0; i < GENERATOR_KEEPS && s->keep[i]; i++)
		g->kv.pages[s->pages[s->keep[i] / KVCACHE_PAGE - 1]].state_promised = 1;
}

static void keep_states(struct generator *g)
{
	for (size_t i = 0; i < g->n_running; i++) {
		struct sequence *s = g->running[i];

		if (s->keep[0] == 0 || s->computed != s->keep[0])
			continue;
		kvcache_state_keep(&g->kv, s->pages[s->computed / KVCACHE_PAGE - 1], s->state);
		memmove(s->keep, s->keep + 1, (GENERATOR_KEEPS - 1) * sizeof *s->keep);
		s->keep[GENERATOR_KEEPS - 1] = 0;
	}
}

/* find_pages, where ids are as the tree has them. */
static int find_marked(struct generator *g, struct sequence *s)
{
	size_t need = (s->n + KVCACHE_PAGE - 1) / KVCACHE_PAGE, agree, found;
	uint32_t partial;

	s->pages = mem_realloc(s->pages, need, sizeof *s->pages);
	/* Before the pages are found, or it might be one of theirs. */
	s->state = kvcache_state_take(&g->kv);
	if (g->kv.state_floats && s->state == KVCACHE_NO_STATE)
		return 0;
	/* The last position is computed in any case: its logits are wanted. */
	found = kvcache_find(&g->kv, s->ids, s->n - 1, s->pages, &partial, &agree);
	s->n_pages = found;
	s->computed = found * KVCACHE_PAGE;
	if (g->kv.state_floats) {
		if (!begin_state(g, s)) {
			let_pages_go(g, s);
			return 0;
		}
		agree = 0;
	}
	if (agree > 0 && g->kv.pages[partial].ready < agree) {
		if (agree - g->kv.pages[partial].ready >= WORTH_WAITING) {
			let_pages_go(g, s);
			return 0;
		}
		agree = g->kv.pages[partial].ready;
	}
	while (s->n_pages < need) {
		size_t at = s->n_pages * KVCACHE_PAGE,
		       ids = s->n - at < KVCACHE_PAGE ? s->n - at : KVCACHE_PAGE;
		uint32_t parent = s->n_pages ? s->pages[s->n_pages - 1] : KVCACHE_NO_PAGE;
		int copies = s->n_pages == found && agree > 0;
		uint32_t page;

		/* Held while a page is taken, or it might be the one. */
		if (copies)
			g->kv.pages[partial].refs++;
		page = kvcache_take(&g->kv);
		if (copies)
			g->kv.pages[partial].refs--;
		if (page == KVCACHE_NO_PAGE) {
			let_pages_go(g, s);
			return 0;
		}
		if (copies) {
			kvcache_copy(&g->kv, page, partial, agree);
			s->computed += agree;
		}
		kvcache_list(&g->kv, page, parent, s->ids + at, ids, copies ? agree : 0);
		s->pages[s->n_pages++] = page;
	}
	if (g->kv.state_floats)
		promise(g, s);
	return 1;
}

/* Keys of long sequences are others: their first id stands with a mark in the tree. */
#define LONG_MARK (1 << 30)

/* Gives s the pages of its ids so far, as many as can be had from others. 1: done; 0: not now. */
static int find_pages(struct generator *g, struct sequence *s)
{
	int found;

	s->ids[0] |= s->is_long ? LONG_MARK : 0;
	found = find_marked(g, s);
	s->ids[0] &= ~LONG_MARK;
	return found;
}

/* Takes the next request into the batch. 1: done (or answered with an error); 0: not now. */
static int admit(struct generator *g, generator_answered *done, void *arg)
{
	struct sequence *s = g->waiting;
	size_t context = config_context(&g->m->config), at = g->n_running, shared = 0;
	char why[160];

	if (s->n == 0 || (s->n == s->prompt && s->n > context)) {
		next_waiting(g);
		if (s->n == 0)
			snprintf(why, sizeof why,
				 "the prompt is empty and the tokenizer adds no first token");
		else
			snprintf(why, sizeof why,
				 "prompt of %zu tokens, but the model's context holds %zu: nothing was cut off",
				 s->n, context);
		deliver(g, s, NULL, s->n ? "context_length_exceeded" : "invalid_request", why, done,
			arg);
		return 1;
	}
	if (!find_pages(g, s)) {
		if (g->n_running > 0)
			return 0;
		/* Nobody will make room. */
		next_waiting(g);
		snprintf(why, sizeof why, "%zu tokens do not fit in the cache of %zu (%zu MB)",
			 s->n, (size_t)g->kv.cap * KVCACHE_PAGE,
			 g->kv.cap * g->kv.page_floats * sizeof(float) >> 20);
		deliver(g, s, NULL, "out_of_memory", why, done, arg);
		return 1;
	}
	next_waiting(g);
	if (s->n == s->prompt)
		s->cached = s->computed;
	s->reading = 1;
	s->admitted = ++g->admissions;
	if (isnan(s->begun))
		s->begun = g->step_begun;
	for (size_t i = 0; i < g->n_running; i++) {
		size_t same = same_pages(g->running[i], s);

		if (same > 0 && same >= shared) {
			shared = same;
			at = i + 1;
		}
	}
	memmove(&g->running[at + 1], &g->running[at],
		(g->n_running++ - at) * sizeof(struct sequence *));
	g->running[at] = s;
	return 1;
}

/* --- one step --- */

/* Gives every answer in the making the page its next position falls in. */
static void grow(struct generator *g, generator_answered *done, void *arg)
{
	for (size_t i = 0; i < g->n_running;) {
		struct sequence *s = g->running[i];
		size_t need = (s->n + KVCACHE_PAGE - 1) / KVCACHE_PAGE;
		uint32_t page;

		if (s->n_pages >= need) {
			i++;
			continue;
		}
		page = kvcache_take(&g->kv);
		if (page != KVCACHE_NO_PAGE) {
			s->pages = mem_realloc(s->pages, need, sizeof *s->pages);
			s->pages[s->n_pages++] = page;
			i++;
		} else if (g->n_running > 1) {
			give_way(g);
			i = 0;
		} else {
			leave(g, s);
			deliver(g, s, NULL, "out_of_memory", "the answer does not fit in the cache",
				done, arg);
		}
	}
}

static int by_admission(const void *a, const void *b)
{
	const struct sequence *x = *(struct sequence *const *)a, *y = *(struct sequence *const *)b;

	return x->admitted < y->admitted ? -1 : x->admitted > y->admitted;
}

/* Now and then one answer's row goes alone, so that what one takes is known as the run goes on: the
 * machine may get busier. NULL: all go together. */
static const struct sequence *one_alone(struct generator *g)
{
	if (g->n_running < 2 || ++g->together < TOGETHER)
		return NULL;
	for (size_t i = 0; i < g->n_running; i++)
		if (!g->running[i]->reading) {
			g->together = 0;
			return g->running[i];
		}
	return NULL;
}

/* Fills g->rows: one row for each answer, and the prompts in order of admission as far as there is
 * room, so that whoever relies on a page comes no earlier than who computes it. Rows stand in the
 * order of running. */
static size_t plan(struct generator *g)
{
	struct sequence **order = mem_alloc(g->n_running, sizeof *order);
	const struct sequence *alone = one_alone(g);
	size_t left = g->max_rows, n = 0, wanted = 0;

	for (size_t i = 0; i < g->n_running; i++)
		left -= !g->running[i]->reading;
	left = left < PREFILL_ROWS ? left : PREFILL_ROWS;
	memcpy(order, g->running, g->n_running * sizeof *order);
	mem_sort(order, g->n_running, sizeof *order, by_admission);
	for (size_t i = 0; i < g->n_running; i++) {
		size_t want = order[i]->n - order[i]->computed;

		if (order[i]->keep[0] && want > order[i]->keep[0] - order[i]->computed)
			want = order[i]->keep[0] - order[i]->computed;
		order[i]->rows = alone && order[i] != alone	     ? 0
				 : !order[i]->reading || want < left ? want
								     : left;
		if (order[i]->reading)
			left -= order[i]->rows;
	}
	for (size_t i = 0; i < g->n_running; i++) {
		struct sequence *s = g->running[i];

		s->logits = s->computed + s->rows == s->n ? (int)wanted++ : -1;
		for (size_t k = 0; k < s->rows; k++) {
			size_t at = s->computed++;

			g->rows[n++] =
				(struct decoder_row){s->ids[at], (uint32_t)at,
						     s->pages,	 at + 1 == s->n ? s->logits : -1,
						     s->state,	 at < s->filed,
						     s->is_long};
		}
	}
	free(order);
	return n;
}

/* What the tree promised and this step computed is there now. */
static void mark_ready(struct generator *g, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct kvcache_page *p =
			&g->kv.pages[g->rows[i].pages[g->rows[i].position / KVCACHE_PAGE]];
		uint16_t at = g->rows[i].position % KVCACHE_PAGE + 1;

		if (p->listed && at <= p->n_ids && at > p->ready)
			p->ready = at;
	}
}

/* The first answer goes alone for a few steps, which tell what one row takes; or the first few, where
 * they are too short for that. */
static int may_admit(const struct generator *g)
{
	int ahead = g->admissions <= AHEAD && pace_wants_alone(&g->pace);

	return g->n_running < (ahead ? 1 : g->most);
}

/* Shares the seconds of a step of n rows out. */
static void take_time(struct generator *g, size_t n, double seconds)
{
	pace_note(&g->pace, n, seconds);
	for (size_t i = 0; i < g->n_running; i++) {
		struct sequence *s = g->running[i];

		if (!s->rows)
			continue;
		s->machine += seconds * (double)s->rows / (double)n;
		if (s->rows == n)
			s->own += seconds;
		else if (s->rows == 1)
			s->shared++;
		else
			s->own += pace_of(&g->pace, s->rows);
	}
}

size_t generator_step(struct generator *g, generator_answered *done, void *arg)
{
	size_t n, running;
	struct sequence **ended;
	const char **why;
	size_t n_ended = 0;

	g->step_begun = progress_clock();
	lengthen(g);
	grow(g, done, arg);
	while (g->waiting && may_admit(g) && admit(g, done, arg))
		;
	n = plan(g);
	if (n == 0)
		return generator_in_hand(g);
	decoder_step(g->d, &g->kv, g->rows, n, g->logits);
	mark_ready(g, n);
	keep_states(g);
	for (size_t i = 0; i < g->n_running; i++) {
		struct sequence *s = g->running[i];

		/* Masks are shared between sequences, so they are made here, one after the
		 * other. */
		s->allowed =
			s->q.grammar && s->logits >= 0 ? grammar_mask(s->q.grammar, s->at) : NULL;
	}
	pool_run(g->pool, g->n_running, generator_choose, g);

	take_time(g, n, progress_clock() - g->step_begun);

	/* Answers are given out when the batch is in order again, for done may submit. */
	running = g->n_running;
	ended = mem_alloc(running, sizeof *ended);
	why = mem_alloc(running, sizeof *why);
	for (size_t i = 0; i < running; i++) {
		struct sequence *s = g->running[i];

		if (s->logits < 0)
			continue;
		if (s->chosen >= 0 && !(why[n_ended] = generator_take(g, s))) {
			if (g->grown) {
				struct generator_answer a = answer_of(s, generator_certain(s));

				g->grown(g->grown_arg, s->ticket, &a);
			}
			continue;
		}
		if (s->chosen < 0)
			why[n_ended] = NULL;
		ended[n_ended++] = s;
	}
	for (size_t i = 0; i < n_ended; i++)
		leave(g, ended[i]);
	for (size_t i = 0; i < n_ended; i++)
		if (why[i])
			deliver(g, ended[i], why[i], NULL, NULL, done, arg);
		else
			deliver(g, ended[i], NULL, "model",
				ended[i]->q.grammar
					? "no token of the model can go on as the schema wants"
					: "the model gave no finite logits: its weights may be broken",
				done, arg);
	free(ended);
	free(why);
	return generator_in_hand(g);
}

void generator_watch(struct generator *g, generator_grown *grown, void *arg)
{
	g->grown = grown;
	g->grown_arg = arg;
}

static int older_holds(const struct generator *g, const struct sequence *s, uint32_t page)
{
	for (size_t i = 0; i < g->n_running; i++) {
		const struct sequence *o = g->running[i];

		for (size_t k = 0; o->admitted < s->admitted && k < o->n_pages; k++)
			if (o->pages[k] == page)
				return 1;
	}
	return 0;
}

/* Whoever left may have been about to compute pages that others have taken over from it: the oldest
 * of those that hold such a page computes it now. */
static void take_over(struct generator *g)
{
	for (size_t i = 0; i < g->n_running; i++) {
		struct sequence *s = g->running[i];

		for (size_t k = 0; s->reading && k < s->computed / KVCACHE_PAGE; k++) {
			const struct kvcache_page *p = &g->kv.pages[s->pages[k]];

			if (p->ready == KVCACHE_PAGE || older_holds(g, s, s->pages[k]))
				continue;
			s->computed = k * KVCACHE_PAGE + p->ready;
			break;
		}
	}
}

void generator_drop(struct generator *g, uint64_t ticket)
{
	struct sequence *s;

	for (size_t i = 0; i < g->n_running; i++)
		if (g->running[i]->ticket == ticket) {
			s = g->running[i];
			leave(g, s);
			sequence_free(s);
			take_over(g);
			return;
		}
	for (struct sequence **at = &g->waiting; *at; at = &(*at)->next)
		if ((*at)->ticket == ticket) {
			s = *at;
			*at = s->next;
			g->n_waiting--;
			sequence_free(s);
			return;
		}
}

void generator_cancel(struct generator *g, const char *type, const char *why,
		      generator_answered *done, void *arg)
{
	while (g->n_running > 0) {
		struct sequence *s = g->running[g->n_running - 1];

		leave(g, s);
		deliver(g, s, NULL, type, why, done, arg);
	}
	while (g->waiting)
		deliver(g, next_waiting(g), NULL, type, why, done, arg);
}
