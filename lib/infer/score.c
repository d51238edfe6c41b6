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
};

/* A node that was found likely enough, its token not yet read. */
struct branch {
	size_t job;
	uint32_t node;
	size_t position; /* of its token */
	double p;	 /* of all up to it */
	int own;	 /* begins as the job's own answer does */
	struct trail trail;
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
	struct branches now, then;
	/* of the call */
	struct score_job *jobs;
	const struct score_choices *choices;
	double floor;
};

struct scorer *scorer_new(struct decoder *d, const struct model *m)
{
	struct scorer *s = mem_alloc(1, sizeof *s);
	s->d = d;
	s->m = m;
	kvcache_init(&s->kv, &m->config, 0, PAGES_MAX, PAGES_MAX);
	s->rows = mem_alloc(decoder_max_rows(d), sizeof *s->rows);
	s->logits = mem_aligned(LOGITS * m->config.vocab, sizeof *s->logits);
	return s;
}

void scorer_free(struct scorer *s)
{
	if (!s)
		return;
	kvcache_release(&s->kv);
	free(s->rows);
	free(s->logits);
	free(s->now.v);
	free(s->then.v);
	free(s);
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
static struct trail trail_fork(struct scorer *s, const struct trail *from, size_t shared, size_t n)
{
	size_t pages = (n + KVCACHE_PAGE - 1) / KVCACHE_PAGE;
	struct trail t = {mem_alloc(pages, sizeof *t.pages), pages, shared,
			  kvcache_state_take(&s->kv), from->is_long};
	memcpy(t.pages, from->pages, pages * sizeof *t.pages);
	if (t.state != KVCACHE_NO_STATE)
		kvcache_state_copy(&s->kv, t.state, from->state);
	for (size_t i = shared; i < t.n; i++) {
		t.pages[i] = kvcache_take(&s->kv);
		kvcache_copy(&s->kv, t.pages[i], from->pages[i],
			     n - i * KVCACHE_PAGE < KVCACHE_PAGE ? n - i * KVCACHE_PAGE
								 : KVCACHE_PAGE);
	}
	return t;
}

/* Shares a branch's probability among what may follow it, by the logits behind its token: a
 * beginning of one answer alone is decided, one of several is a branch again. The branch's trail
 * holds what was read, of which `shared` pages are the job's own. */
static void expand(struct scorer *s, const struct branch *b, size_t shared, const float *logits)
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
		s->then.v = mem_grow(s->then.v, &s->then.cap, s->then.n + 1, sizeof *s->then.v);
		s->then.v[s->then.n++] =
			(struct branch){b->job,
					k,
					b->position + 1,
					p,
					own,
					trail_fork(s, &b->trail, shared, b->position + 1)};
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
			struct branch root = {w[i].job, 0, w[i].at, 1, j->own, trails[w[i].job]};
			expand(s, &root, j->n / KVCACHE_PAGE, logits);
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

/* Goes down the tree, a level of all jobs at a time. */
static void walk(struct scorer *s)
{
	size_t step = decoder_max_rows(s->d) < LOGITS ? decoder_max_rows(s->d) : LOGITS;
	while (s->then.n) {
		struct branches level = s->then;
		s->then = s->now;
		s->then.n = 0;
		s->now = level;
		for (size_t at = 0; at < level.n; at += step) {
			size_t n = level.n - at < step ? level.n - at : step;
			for (size_t i = 0; i < n; i++) {
				struct branch *b = &level.v[at + i];
				trail_reach(s, &b->trail, b->position);
				s->rows[i] = (struct decoder_row){s->choices->nodes[b->node].id,
								  (uint32_t)b->position,
								  b->trail.pages,
								  (int)i,
								  b->trail.state,
								  0,
								  b->trail.is_long};
			}
			decoder_step(s->d, &s->kv, s->rows, n, s->logits);
			for (size_t i = 0; i < n; i++) {
				struct branch *b = &level.v[at + i];
				expand(s, b, b->trail.shared, s->logits + i * s->m->config.vocab);
				trail_drop(s, &b->trail);
			}
		}
	}
}

void score_run(struct scorer *s, struct score_job *jobs, size_t n,
	       const struct score_choices *choices, double floor)
{
	struct trail *trails = mem_alloc(n, sizeof *trails);
	size_t most = config_context(&s->m->config);
	s->jobs = jobs;
	s->choices = choices;
	s->floor = floor;
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
