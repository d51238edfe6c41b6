/* A recursive transition network and the deterministic automaton that is made from it on the way.
 * See automaton.h. */
#include "automaton.h"

#include <stdlib.h>
#include <string.h>
#include "../base/map.h"
#include "../base/mem.h"

#define NONE UINT32_MAX
#define UNKNOWN (UINT32_MAX - 1)

enum { SKIP, BYTES, CALL };

struct edge {
	uint32_t to, next; /* next edge of the same state */
	uint32_t rule;	   /* of CALL */
	unsigned char kind, lo, hi;
};

struct state {
	uint32_t edges;
	unsigned char end, good; /* a rule's last state; its rule's end can be reached */
};

struct frame { /* of a stack: where to go on when a rule ends, and what is below */
	uint32_t below, to, depth;
};

struct place {
	uint32_t state, stack;
};

struct met {	      /* a state of the deterministic automaton */
	size_t first; /* of its places */
	uint32_t n;
	int accepts;
	uint32_t *next; /* [256], made when first needed */
	uint32_t same_hash;
};

struct automaton {
	struct state *states;
	size_t n_states, cap_states;
	struct edge *edges;
	size_t n_edges, cap_edges;
	uint32_t (*rules)[2]; /* first and last state */
	size_t n_rules, cap_rules;
	int full;
	uint32_t root;
	struct frame *frames; /* frames[0] is the empty stack */
	size_t n_frames, cap_frames;
	struct map frame_of;
	struct place *places;
	size_t n_places, cap_places;
	struct met *met;
	size_t n_met, cap_met;
	struct map met_of;
	struct place *work; /* the set in the making */
	size_t n_work, cap_work;
	struct map seen;
};

struct automaton *automaton_new(void)
{
	struct automaton *a = mem_alloc(1, sizeof *a);

	a->frames = mem_grow(NULL, &a->cap_frames, 1, sizeof *a->frames);
	a->frames[a->n_frames++] = (struct frame){NONE, NONE, 0};
	return a;
}

void automaton_free(struct automaton *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_met; i++)
		free(a->met[i].next);
	free(a->states);
	free(a->edges);
	free(a->rules);
	free(a->frames);
	free(a->places);
	free(a->met);
	free(a->work);
	map_release(&a->frame_of);
	map_release(&a->met_of);
	map_release(&a->seen);
	free(a);
}

uint32_t automaton_state(struct automaton *a)
{
	if (a->n_states >= AUTOMATON_STATES) {
		a->full = 1;
		return 0;
	}
	a->states = mem_grow(a->states, &a->cap_states, a->n_states + 1, sizeof *a->states);
	a->states[a->n_states] = (struct state){NONE, 0, 0};
	return (uint32_t)a->n_states++;
}

uint32_t automaton_rule(struct automaton *a)
{
	uint32_t first = automaton_state(a), last = automaton_state(a);

	a->rules = mem_grow(a->rules, &a->cap_rules, a->n_rules + 1, sizeof *a->rules);
	a->rules[a->n_rules][0] = first;
	a->rules[a->n_rules][1] = last;
	a->states[last].end = 1;
	return (uint32_t)a->n_rules++;
}

uint32_t automaton_rule_start(const struct automaton *a, uint32_t rule)
{
	return a->rules[rule][0];
}

uint32_t automaton_rule_end(const struct automaton *a, uint32_t rule)
{
	return a->rules[rule][1];
}

static void edge(struct automaton *a, uint32_t from, struct edge x)
{
	if (a->full)
		return;
	a->edges = mem_grow(a->edges, &a->cap_edges, a->n_edges + 1, sizeof *a->edges);
	x.next = a->states[from].edges;
	a->edges[a->n_edges] = x;
	a->states[from].edges = (uint32_t)a->n_edges++;
}

void automaton_skip(struct automaton *a, uint32_t from, uint32_t to)
{
	edge(a, from, (struct edge){.to = to, .kind = SKIP});
}

void automaton_bytes(struct automaton *a, uint32_t from, uint32_t to, unsigned lo, unsigned hi)
{
	edge(a, from,
	     (struct edge){.to = to,
			   .kind = BYTES,
			   .lo = (unsigned char)lo,
			   .hi = (unsigned char)hi});
}

void automaton_call(struct automaton *a, uint32_t from, uint32_t to, uint32_t rule)
{
	edge(a, from, (struct edge){.to = to, .kind = CALL, .rule = rule});
}

uint32_t automaton_text(struct automaton *a, uint32_t from, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint32_t to = automaton_state(a);

		automaton_bytes(a, from, to, (unsigned char)s.s[i], (unsigned char)s.s[i]);
		from = to;
	}
	return from;
}

static int leads_on(const struct automaton *a, const struct edge *x)
{
	return a->states[x->to].good && (x->kind != CALL || a->states[a->rules[x->rule][0]].good);
}

int automaton_finish(struct automaton *a, uint32_t rule, struct err *e)
{
	int changed = 1;

	if (a->full)
		return err_set(e,
			       "the schema is too large to decode under: its limits on lengths multiply");
	/* What can reach its rule's end: backwards, because rules are mostly built front to
	 * back. */
	for (size_t i = 0; i < a->n_states; i++)
		a->states[i].good = a->states[i].end;
	while (changed) {
		changed = 0;
		for (size_t i = a->n_states; i-- > 0;)
			for (uint32_t x = a->states[i].edges; x != NONE && !a->states[i].good;
			     x = a->edges[x].next)
				if (leads_on(a, &a->edges[x]))
					changed = a->states[i].good = 1;
	}
	a->root = rule;
	if (!a->states[a->rules[rule][0]].good)
		return err_set(e, "no value can meet the schema");
	return 0;
}

/* --- places --- */

static uint32_t push(struct automaton *a, uint32_t below, uint32_t to)
{
	int added;
	uint64_t *at = map_put(&a->frame_of, (uint64_t)below << 32 | to, a->n_frames, &added);

	if (added) {
		a->frames = mem_grow(a->frames, &a->cap_frames, a->n_frames + 1, sizeof *a->frames);
		a->frames[a->n_frames++] = (struct frame){below, to, a->frames[below].depth + 1};
	}
	return (uint32_t)*at;
}

static void add_place(struct automaton *a, uint32_t state, uint32_t stack)
{
	int added;

	if (!a->states[state].good)
		return;
	map_put(&a->seen, (uint64_t)state << 32 | stack, 0, &added);
	if (!added)
		return;
	a->work = mem_grow(a->work, &a->cap_work, a->n_work + 1, sizeof *a->work);
	a->work[a->n_work++] = (struct place){state, stack};
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->state != y->state  ? (x->state < y->state ? -1 : 1)
	       : x->stack < y->stack ? -1
				     : x->stack > y->stack;
}

/* Follows all that needs no byte from the places in work, keeps those from which a byte leads on,
 * and returns the set's number. */
static uint32_t settle(struct automaton *a)
{
	size_t kept = 0;
	int accepts = 0, added;
	uint64_t hash = 1469598103934665603u, *slot;
	uint32_t found;

	for (size_t i = 0; i < a->n_work; i++) {
		struct place p = a->work[i];
		int reads = 0;

		if (a->states[p.state].end) {
			if (p.stack == 0)
				accepts = 1;
			else
				add_place(a, a->frames[p.stack].to, a->frames[p.stack].below);
		}
		for (uint32_t x = a->states[p.state].edges; x != NONE; x = a->edges[x].next) {
			const struct edge *via = &a->edges[x];

			if (!leads_on(a, via))
				continue;
			if (via->kind == BYTES)
				reads = 1;
			else if (via->kind == SKIP)
				add_place(a, via->to, p.stack);
			else if (a->frames[p.stack].depth < AUTOMATON_DEPTH)
				add_place(a, a->rules[via->rule][0], push(a, p.stack, via->to));
		}
		if (reads)
			a->work[kept++] = p;
	}
	map_release(&a->seen);
	a->n_work = 0;
	if (kept == 0 && !accepts)
		return AUTOMATON_DEAD;
	mem_sort(a->work, kept, sizeof *a->work, by_place);
	for (size_t i = 0; i < kept; i++)
		hash = (hash ^ ((uint64_t)a->work[i].state << 32 | a->work[i].stack)) *
		       1099511628211u;
	hash += (uint64_t)accepts;
	slot = map_put(&a->met_of, hash, a->n_met, &added);
	found = added ? NONE : (uint32_t)*slot;
	for (; found != NONE; found = a->met[found].same_hash)
		if (a->met[found].n == kept && a->met[found].accepts == accepts &&
		    (kept == 0 ||
		     memcmp(a->places + a->met[found].first, a->work, kept * sizeof *a->work) == 0))
			return found;
	a->met = mem_grow(a->met, &a->cap_met, a->n_met + 1, sizeof *a->met);
	a->places = mem_grow(a->places, &a->cap_places, a->n_places + kept + 1, sizeof *a->places);
	if (kept)
		memcpy(a->places + a->n_places, a->work, kept * sizeof *a->work);
	a->met[a->n_met] = (struct met){a->n_places, (uint32_t)kept, accepts, NULL,
					added ? NONE : (uint32_t)*slot};
	*slot = a->n_met;
	a->n_places += kept;
	return (uint32_t)a->n_met++;
}

uint32_t automaton_start(struct automaton *a)
{
	add_place(a, a->rules[a->root][0], 0);
	return settle(a);
}

static uint32_t step(struct automaton *a, uint32_t at, unsigned char byte)
{
	for (size_t i = 0; i < a->met[at].n; i++) {
		struct place p = a->places[a->met[at].first + i];

		for (uint32_t x = a->states[p.state].edges; x != NONE; x = a->edges[x].next)
			if (a->edges[x].kind == BYTES && a->edges[x].lo <= byte &&
			    byte <= a->edges[x].hi)
				add_place(a, a->edges[x].to, p.stack);
	}
	return settle(a);
}

uint32_t automaton_next(struct automaton *a, uint32_t at, unsigned char byte)
{
	if (at == AUTOMATON_DEAD)
		return at;
	if (!a->met[at].next) {
		a->met[at].next = mem_alloc(256, sizeof(uint32_t));
		for (int i = 0; i < 256; i++)
			a->met[at].next[i] = UNKNOWN;
	}
	if (a->met[at].next[byte] == UNKNOWN) {
		uint32_t to = step(a, at, byte); /* may move a->met */

		a->met[at].next[byte] = to;
	}
	return a->met[at].next[byte];
}

int automaton_accepts(const struct automaton *a, uint32_t at)
{
	return at != AUTOMATON_DEAD && a->met[at].accepts;
}

int automaton_ended(struct automaton *a, uint32_t at)
{
	return automaton_accepts(a, at) && a->met[at].n == 0;
}
