/* proposal: see proposal.h. */
#include "proposal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "chances.h"
#include "reference.h"

#define LIKELY 0.05 /* labels below this are not proposed */
#define LABELS 4

void proposals_release(struct proposals *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].text);
		free(p->v[i].from);
	}
	p->n = 0;
}

/* Once each, and not what the reference says already. */
static void add(struct proposals *p, struct span was, struct span text, const char *from)
{
	if (!text.n || text.n > PROPOSAL_LONG || p->n == PROPOSALS || span_eq(text, was) ||
	    memchr(text.s, 0, text.n))
		return;
	for (size_t i = 0; i < p->n; i++)
		if (span_is(text, p->v[i].text))
			return;
	p->v[p->n++] = (struct proposal){span_dup(text), mem_strdup(from)};
}

static void add_reviewers(const struct desk *d, const char *key, struct span was,
			  struct proposals *p)
{
	const struct journal *j = d->journal;
	for (size_t i = 0; d->pass == DESK_ADJUDICATE && i < j->reviewers_n; i++) {
		const struct decision *x = journal_find(j, key, i);
		if (x && x->new_text)
			add(p, was, span_of(x->new_text), j->reviewers[i]);
	}
}

static void add_answer(const struct record *r, enum reference_kind kind, struct span was,
		       struct proposals *p)
{
	struct span calls = record_get(r, "tool_calls");
	struct buf text = BUF_INIT, model = BUF_INIT;
	int named = json_string(record_get(r, "model"), &model) == 0 && model.len;
	const char *from = named ? model.data : "a model's answer";
	if (kind == REFERENCE_CALLS && json_kind(calls) == JSON_ARRAY)
		add(p, was, calls, from);
	else if (kind != REFERENCE_CALLS && json_string(record_get(r, "output"), &text) == 0)
		add(p, was, buf_span(&text), from);
	buf_release(&text);
	buf_release(&model);
}

/* The likeliest first. */
static void add_labels(const struct record *r, struct span was, struct proposals *p)
{
	struct chances c = {0};
	struct span own = record_get(r, "probs");
	if (chances_read(&c, own.s ? own : json_member(record_get(r, "review"), "probs")) !=
	    CHANCES_FINE)
		c.n = 0;
	for (int k = 0; k < LABELS; k++) {
		char from[40];
		size_t best = 0;
		for (size_t i = 1; i < c.n; i++)
			if (c.v[i].p > c.v[best].p)
				best = i;
		if (!c.n || c.v[best].p < LIKELY)
			break;
		snprintf(from, sizeof from, "model: %.*f %%", c.v[best].p < 0.1, 100 * c.v[best].p);
		add(p, was, chances_name(&c, best), from);
		c.v[best].p = -1;
	}
	chances_release(&c);
}

static void add_related(struct desk *d, size_t row, enum reference_kind kind, struct span was,
			struct proposals *p)
{
	size_t rows[DESK_RELATED], n = desk_related(d, row, rows);
	struct buf text = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		char from[40];
		buf_clear(&text);
		snprintf(from, sizeof from, "row %zu", rows[i] + 1);
		if (reference_read(desk_record(d, rows[i]), &text) == kind)
			add(p, was, buf_span(&text), from);
	}
	buf_release(&text);
}

void proposals_find(struct desk *d, size_t row, struct proposals *p)
{
	char key[KEY_TEXT];
	struct buf was = BUF_INIT;
	const struct record *r = desk_record(d, row);
	enum reference_kind kind = reference_read(r, &was);
	p->n = 0;
	if (d->rows[row].pair) {
		buf_release(&was);
		return;
	}
	desk_key(d, row, key);
	add_reviewers(d, key, buf_span(&was), p);
	add_answer(r, kind, buf_span(&was), p);
	if (kind != REFERENCE_CALLS)
		add_labels(r, buf_span(&was), p);
	add_related(d, row, kind, buf_span(&was), p);
	buf_release(&was);
}
