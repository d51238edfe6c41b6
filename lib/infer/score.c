/* score: prompts and answers through the decoder, and the walk down a tree of answers. See
 * score.h. */
#include "score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "kvcache.h"
#include "sample.h"

#define LOGITS 64 /* rows with logits in a step */
#define PAGES_MAX (1u << 20)

#define NONE UINT32_MAX

/* A token of the tree; children and siblings by index. */
struct score_choice_node {
	int32_t id;
	uint32_t child, next;
	uint32_t answers; /* that end here or below */
	uint32_t choice;  /* where that is one: which */
};

void score_choices_release(struct score_choices *c)
{
	free(c->nodes);
	*c = (struct score_choices){0};
}

static uint32_t node_new(struct score_choices *c, int32_t id)
{
	c->nodes = mem_grow(c->nodes, &c->cap, c->nodes_n + 1, sizeof *c->nodes);
	c->nodes[c->nodes_n] = (struct score_choice_node){id, NONE, NONE, 0, 0};
	return (uint32_t)c->nodes_n++;
}

/* Node 0 is the root, which has no token. */
void score_choices_add(struct score_choices *c, const int32_t *answer, size_t n)
{
	uint32_t at = 0;
	if (!c->nodes_n)
		node_new(c, -1);
	for (size_t i = 0; i < n; i++) {
		uint32_t k = c->nodes[at].child;
		while (k != NONE && c->nodes[k].id != answer[i])
			k = c->nodes[k].next;
		if (k == NONE) {
			k = node_new(c, answer[i]);
			c->nodes[k].next = c->nodes[at].child;
			c->nodes[at].child = k;
		}
		at = k;
		c->nodes[at].answers++;
		c->nodes[at].choice = (uint32_t)c->n;
	}
	c->n++;
	if (n > c->longest)
		c->longest = n;
}

/* The cache of one sequence: the first `shared` pages belong to the job, the others to whoever
 * holds this; so does the state, where the model has one. is_long: as decoder_row has it. */
struct trail {
	uint32_t *pages;
	size_t n, shared;
	uint32_t state;
	int is_long;
	size_t refs; /* branches that go on from it, and whoever made it */
};

/* A node that was found likely enough, its token not yet read. Only when it is, it gets a cache of
 * its own: until then it has that of its parent, as do those beside it. */
struct branch {
	size_t job;
	uint32_t node;
	size_t position; /* of its token */
	double p;	 /* of all up to it */
	int own;	 /* begins as the job's own answer does */
	struct trail *from;
};

struct branches {
	struct branch *v;
	size_t n, cap;
};

struct scorer {
	struct decoder *d;
	const struct model *m;
	struct kvcache kv;
	struct decoder_row *rows;
	float *logits;
	struct branches waiting; /* the last goes first */
	struct trail **running;	 /* of a step */
	size_t states;		 /* there may be, where the model has any */
	/* of the call */
	struct score_job *jobs;
	const struct score_choices *choices;
	double floor;
};

struct scorer *scorer_new(struct decoder *d, const struct model *m, size_t state_bytes)
{
	struct scorer *s = mem_alloc(1, sizeof *s);
	s->d = d;
	s->m = m;
	kvcache_init(&s->kv, &m->config, 0, PAGES_MAX, PAGES_MAX);
	s->rows = mem_alloc(decoder_max_rows(d), sizeof *s->rows);
	s->logits = mem_aligned(LOGITS * m->config.vocab, sizeof *s->logits);
	s->running = mem_alloc(LOGITS, sizeof(struct trail *));
	if (s->kv.state_floats) {
		size_t n = state_bytes / kvcache_state_bytes(&m->config);
		s->states = n ? n : 1;
	}
	return s;
}

void scorer_free(struct scorer *s)
{
	if (!s)
		return;
	kvcache_release(&s->kv);
	free(s->rows);
	free(s->logits);
	free(s->waiting.v);
	free(s->running);
	free(s);
}

size_t scorer_states(const struct scorer *s)
{
	return s->kv.n_states;
}

/* Makes room for one position. */
static void trail_reach(struct scorer *s, struct trail *t, size_t position)
{
	while (t->n <= position / KVCACHE_PAGE) {
		t->pages = mem_realloc(t->pages, t->n + 1, sizeof *t->pages);
		t->pages[t->n++] = kvcache_take(&s->kv);
	}
}

static void trail_drop(struct scorer *s, struct trail *t)
{
	for (size_t i = t->shared; i < t->n; i++)
		kvcache_drop(&s->kv, t->pages[i]);
	if (t->pages)
		kvcache_state_drop(&s->kv, t->state);
	free(t->pages);
	*t = (struct trail){0};
}

/* A sequence that goes on by itself from its first n positions: `shared` whole pages are common,
 * the rest is copied. */
static struct trail *trail_fork(struct scorer *s, const struct trail *from, size_t shared, size_t n)
{
	struct trail *t = mem_alloc(1, sizeof *t);

	t->n = (n + KVCACHE_PAGE - 1) / KVCACHE_PAGE;
	t->pages = mem_alloc(t->n, sizeof *t->pages);
	t->shared = shared;
	t->state = kvcache_state_take(&s->kv);
	t->is_long = from->is_long;
	t->refs = 1;
	memcpy(t->pages, from->pages, t->n * sizeof *t->pages);
	if (t->state != KVCACHE_NO_STATE)
		kvcache_state_copy(&s->kv, t->state, from->state);
	for (size_t i = shared; i < t->n; i++) {
		t->pages[i] = kvcache_take(&s->kv);
		kvcache_copy(&s->kv, t->pages[i], from->pages[i],
			     n - i * KVCACHE_PAGE < KVCACHE_PAGE ? n - i * KVCACHE_PAGE
								 : KVCACHE_PAGE);
	}
	return t;
}

static void trail_release(struct scorer *s, struct trail *t)
{
	if (--t->refs)
		return;
	trail_drop(s, t);
	free(t);
}

/* Shares a branch's probability among what may follow it, by the logits behind its token: a
 * beginning of one answer alone is decided, one of several is a branch again. The trail holds what
 * was read, the branch's token included. */
static void expand(struct scorer *s, const struct branch *b, struct trail *t, const float *logits)
{
	const struct score_choice_node *nodes = s->choices->nodes;
	struct score_job *j = &s->jobs[b->job];
	size_t next = b->position + 1 - j->n; /* place of the children's tokens in an answer */
	double top = -INFINITY, sum = 0;
	for (uint32_t k = nodes[b->node].child; k != NONE; k = nodes[k].next)
		top = fmax(top, (double)logits[nodes[k].id]);
	for (uint32_t k = nodes[b->node].child; k != NONE; k = nodes[k].next)
		sum += exp((double)logits[nodes[k].id] - top);
	for (uint32_t k = nodes[b->node].child; k != NONE; k = nodes[k].next) {
		double p = b->p * exp((double)logits[nodes[k].id] - top) / sum;
		int own = b->own && next < j->m && j->answer[next] == nodes[k].id;
		if (!(p >= s->floor) && !own)
			continue;
		if (nodes[k].answers == 1) {
			j->choices[nodes[k].choice] = p;
			continue;
		}
		s->waiting.v = mem_grow(s->waiting.v, &s->waiting.cap, s->waiting.n + 1,
					sizeof *s->waiting.v);
		s->waiting.v[s->waiting.n++] =
			(struct branch){b->job, k, b->position + 1, p, own, t};
		t->refs++;
	}
}

/* A row of the step that is being put together, and what its logits are for. */
struct wanted {
	size_t job, at; /* at: position of the token in prompt and answer */
};

static void take_logits(struct scorer *s, const struct wanted *w, size_t n,
			const struct trail *trails)
{
	for (size_t i = 0; i < n; i++) {
		struct score_job *j = &s->jobs[w[i].job];
		const float *logits = s->logits + i * s->m->config.vocab;
		size_t next = w[i].at + 1 - j->n; /* of the answer */
		if (next < j->m)
			j->logp +=
				(double)sample_logprob(logits, s->m->config.vocab, j->answer[next],
						       sample_log_sum(logits, s->m->config.vocab));
		if (next == 0 && j->choices) {
			/* What the job reads further is none of theirs. */
			struct trail *t =
				trail_fork(s, &trails[w[i].job], j->n / KVCACHE_PAGE, j->n);
			struct branch root = {w[i].job, 0, w[i].at, 1, j->own, t};
			expand(s, &root, t, logits);
			trail_release(s, t);
		}
	}
}

/* Reads prompts and answers. */
static void read_all(struct scorer *s, size_t n, struct trail *trails)
{
	struct wanted w[LOGITS];
	size_t rows = 0, logits = 0, most = decoder_max_rows(s->d);
	for (size_t i = 0; i < n; i++) {
		const struct score_job *j = &s->jobs[i];
		size_t end = isnan(j->logp) ? 0 : j->n + (j->m ? j->m - 1 : 0);
		for (size_t at = 0; at < end; at++) {
			int wants = at + 1 >= j->n;
			/* A state is branched off before it goes on into the answer. */
			int branches = at == j->n && j->choices && s->kv.state_floats;
			if (rows == most || (wants && logits == LOGITS) || branches) {
				decoder_step(s->d, &s->kv, s->rows, rows, s->logits);
				take_logits(s, w, logits, trails);
				rows = logits = 0;
			}
			if (wants)
				w[logits] = (struct wanted){i, at};
			s->rows[rows++] = (struct decoder_row){at < j->n ? j->prompt[at]
									 : j->answer[at - j->n],
							       (uint32_t)at,
							       trails[i].pages,
							       wants ? (int)logits++ : -1,
							       trails[i].state,
							       0,
							       trails[i].is_long};
		}
	}
	if (rows) {
		decoder_step(s->d, &s->kv, s->rows, rows, s->logits);
		take_logits(s, w, logits, trails);
	}
}

/* Goes down the tree. Of the branches found those found last are read first, with all that follows
 * from them, so that there are few at any time. */
static void walk(struct scorer *s)
{
	size_t step = decoder_max_rows(s->d) < LOGITS ? decoder_max_rows(s->d) : LOGITS;
	if (s->states && s->choices) {
		/* Those of a step, and at each depth those that a step left behind. */
		size_t most = s->states / 2 / (s->choices->longest + 1);
		step = most < 1 ? 1 : most < step ? most : step;
	}
	struct branch now[LOGITS];
	while (s->waiting.n) {
		size_t n = s->waiting.n < step ? s->waiting.n : step;
		s->waiting.n -= n;
		memcpy(now, s->waiting.v + s->waiting.n, n * sizeof *now);
		for (size_t i = 0; i < n; i++) {
			const struct branch *b = &now[i];
			struct trail *t = trail_fork(s, b->from, b->from->shared, b->position);
			trail_release(s, b->from);
			trail_reach(s, t, b->position);
			s->running[i] = t;
			s->rows[i] = (struct decoder_row){s->choices->nodes[b->node].id,
							  (uint32_t)b->position,
							  t->pages,
							  (int)i,
							  t->state,
							  0,
							  t->is_long};
		}
		decoder_step(s->d, &s->kv, s->rows, n, s->logits);
		for (size_t i = 0; i < n; i++) {
			expand(s, &now[i], s->running[i], s->logits + i * s->m->config.vocab);
			trail_release(s, s->running[i]);
		}
	}
}

static void run(struct scorer *s, struct score_job *jobs, size_t n,
		const struct score_choices *choices)
{
	struct trail *trails = mem_alloc(n, sizeof *trails);
	size_t most = config_context(&s->m->config);
	s->jobs = jobs;
	for (size_t i = 0; i < n; i++) {
		struct score_job *j = &jobs[i];
		size_t longest = j->choices && choices->longest > j->m ? choices->longest : j->m;
		for (size_t k = 0; j->choices && k < choices->n; k++)
			j->choices[k] = 0;
		j->logp = most && j->n + longest > most ? NAN : 0;
		if (!isnan(j->logp)) {
			trail_reach(s, &trails[i], j->n + j->m);
			trails[i].state = kvcache_state_take(&s->kv);
			trails[i].is_long = config_is_long(&s->m->config, j->n + longest);
		}
	}
	read_all(s, n, trails);
	walk(s);
	for (size_t i = 0; i < n; i++)
		trail_drop(s, &trails[i]);
	free(trails);
}

void score_run(struct scorer *s, struct score_job *jobs, size_t n,
	       const struct score_choices *choices, double floor)
{
	/* A quarter of the states: each job has its own, and one at the end of its prompt. */
	size_t most = s->states == 0 ? n : s->states < 8 ? 1 : s->states / 8;
	s->choices = choices;
	s->floor = floor;
	for (size_t at = 0; at < n; at += most)
		run(s, jobs + at, n - at < most ? n - at : most, choices);
}
