/* examples: each example is kept as the very messages that will be sent, so choosing is all that is
 * left to do for a record. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../json/jw.h"
#include "../json/members.h"
#include "../json/reader.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "examples.h"
#include "retrieve.h"

#define SHINGLE 3
#define SPARE 64 /* further ones asked of the index, for those that are passed over */

struct shingles {
	uint64_t *v; /* sorted, each once */
	size_t n;
};

struct example {
	char *turns; /* messages, each with a comma behind it */
	uint64_t id; /* hash of the id; 0 where it has none */
	char key[33];
	struct shingles shingles;
};

struct examples {
	const struct examples_options *o;
	struct example *v;
	size_t n, cap;
	struct retrieve *index;
	size_t *candidates;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void cut_shingles(struct span text, struct shingles *s)
{
	struct tokens t;
	struct token word;
	uint64_t *words = NULL;
	size_t n = 0, cap = 0, width, kept = 0;

	tokens_init(&t, text, 0);
	while (tokens_next(&t, &word)) {
		words = mem_grow(words, &cap, n + 1, sizeof *words);
		words[n++] = word.hash;
	}
	width = n < 2 * SHINGLE ? 1 : SHINGLE;
	for (size_t i = 0; i + width <= n; i++)
		for (size_t j = 1; j < width; j++)
			words[i] = hash_mix(words[i], words[i + j]);
	n = n < width ? 0 : n - width + 1;
	if (n)
		mem_sort(words, n, sizeof *words, by_value);
	for (size_t i = 0; i < n; i++)
		if (!kept || words[kept - 1] != words[i])
			words[kept++] = words[i];
	s->v = words;
	s->n = kept;
}

static double jaccard(const struct shingles *a, const struct shingles *b)
{
	size_t i = 0, j = 0, both = 0;

	while (i < a->n && j < b->n) {
		both += a->v[i] == b->v[j];
		if (a->v[i] < b->v[j])
			i++;
		else if (a->v[i] > b->v[j])
			j++;
		else
			i++, j++;
	}
	return a->n + b->n ? (double)both / (double)(a->n + b->n - both) : 1;
}

static uint64_t id_hash(const struct record *r)
{
	struct span id = record_get(r, "id");
	struct buf text = BUF_INIT;
	uint64_t h = 0;

	if (id.s && !record_id(r, &text, NULL))
		h = hash64(buf_span(&text), 0) | 1;
	buf_release(&text);
	return h;
}

void examples_text(const struct record *r, struct buf *text)
{
	struct json_iter it = {0};
	struct span messages = record_get(r, "messages"), key, m;

	while (json_next(&it, messages, &key, &m)) {
		if (!json_is(json_member(m, "role"), "user"))
			continue;
		if (text->len)
			buf_addc(text, '\n');
		record_message_text(json_member(m, "content"), text);
	}
	if (!messages.s)
		json_string(record_get(r, "prompt"), text);
}

static void put_turn(struct buf *b, const char *role, struct span text)
{
	struct jw w;

	jw_init(&w, b);
	members_put_turn(&w, role, text);
	buf_addc(b, ',');
}

/* The record's own turns, without system turns and reference. */
static void put_own_turns(const struct record *r, struct buf *b)
{
	struct json_iter it = {0};
	struct span reference = record_final_assistant(r), key, m;

	struct span messages = record_get(r, "messages");
	while (json_next(&it, messages, &key, &m)) {
		struct span role = json_member(m, "role");

		if (m.s == reference.s || json_is(role, "system") || json_is(role, "developer"))
			continue;
		buf_addspan(b, m);
		buf_addc(b, ',');
	}
}

static int add_example(struct examples *x, const struct record *r, struct err *e)
{
	static const struct template_var no_context = {"context", {"", 0}};
	struct buf turns = BUF_INIT, text = BUF_INIT, references = BUF_INIT;
	struct span final = record_final_assistant(r);
	struct example *ex;
	int n = record_references(r, &references, e), rc = -1;

	if (n < 0)
		goto cleanup;
	if (!n && !final.s) {
		err_set(e, "an example without a reference");
		goto cleanup;
	}
	if (x->o->template) {
		if (template_fill(x->o->template, r, &no_context, &text, e))
			goto cleanup;
		put_turn(&turns, "user", buf_span(&text));
	} else {
		put_own_turns(r, &turns);
		examples_text(r, &text);
	}
	if (!turns.len) {
		err_set(e, "an example without a question");
		goto cleanup;
	}
	/* `ideal` wins; otherwise the assistant's turn goes as it stands, tool calls included. */
	if (final.s && !record_get(r, "ideal").s) {
		buf_addspan(&turns, final);
		buf_addc(&turns, ',');
	} else {
		put_turn(&turns, "assistant", span_of(references.data));
	}
	x->v = mem_grow(x->v, &x->cap, x->n + 1, sizeof *x->v);
	ex = &x->v[x->n];
	memset(ex, 0, sizeof *ex);
	if (record_key(r, ex->key, e) ||
	    (x->index && retrieve_add(x->index, x->n, buf_span(&text), e)))
		goto cleanup;
	ex->id = id_hash(r);
	if (x->o->near > 0)
		cut_shingles(buf_span(&text), &ex->shingles);
	ex->turns = buf_detach(&turns, NULL);
	x->n++;
	rc = 0;
cleanup:
	buf_release(&turns);
	buf_release(&text);
	buf_release(&references);
	return rc;
}

struct examples *examples_open(const struct examples_options *o, struct err *e)
{
	struct examples *x = mem_alloc(1, sizeof *x);
	char *files[] = {(char *)o->file, NULL};
	struct reader reader;
	struct record r = {0};
	int rc = 0;

	x->o = o;
	reader_init(&reader, files);
	if (o->select == EXAMPLES_BM25 && !(x->index = retrieve_new(e)))
		rc = -1;
	while (!rc && (rc = reader_next(&reader, &r, e)) > 0) {
		rc = add_example(x, &r, e);
		if (rc)
			reader_at(&reader, e);
	}
	if (!rc && !x->n)
		rc = err_set(e, "%s: holds no examples", o->file);
	reader_release(&reader);
	record_release(&r);
	x->candidates = mem_alloc(x->n > o->k + SPARE ? x->n : o->k + SPARE, sizeof *x->candidates);
	if (!rc)
		return x;
	examples_close(x);
	return NULL;
}

void examples_close(struct examples *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].turns);
		free(x->v[i].shingles.v);
	}
	free(x->v);
	free(x->candidates);
	retrieve_free(x->index);
	free(x);
}

/* Candidates in the order of choice; -1 on trouble. more: how many are wanted at most. */
static long candidates(struct examples *x, const char *key, struct span text, size_t more,
		       struct err *e)
{
	size_t n = x->n;

	if (x->o->select == EXAMPLES_BM25) {
		long found = retrieve_find(x->index, text, more < n ? more : n, x->candidates, e),
		     all = found;

		/* Where too few share a word with the question, the first of the others fill up. */
		for (size_t i = 0; found >= 0 && i < n && (size_t)all < more; i++) {
			long j = 0;

			while (j < found && x->candidates[j] != i)
				j++;
			if (j == found)
				x->candidates[all++] = i;
		}
		return all;
	}
	for (size_t i = 0; i < n; i++)
		x->candidates[i] = i;
	if (x->o->select == EXAMPLES_RANDOM) {
		struct rng rng;
		size_t most = more < n ? more : n;

		rng_seed(&rng, x->o->seed, hash64(span_of(key), 0));
		for (size_t i = 0; i < most; i++) {
			size_t j = i + (size_t)rng_below(&rng, n - i), swap = x->candidates[i];

			x->candidates[i] = x->candidates[j];
			x->candidates[j] = swap;
		}
		return (long)most;
	}
	return (long)n;
}

int examples_put(struct examples *x, const struct record *r, struct span text, struct buf *turns,
		 struct err *e)
{
	struct shingles own = {NULL, 0};
	size_t *chosen = mem_alloc(x->o->k, sizeof *chosen), n = 0, more = x->o->k + SPARE;
	uint64_t id = id_hash(r);
	char key[33];
	long found;
	int rc = -1;

	if (record_key(r, key, e))
		goto cleanup;
	if (x->o->near > 0)
		cut_shingles(text, &own);
	for (;;) {
		found = candidates(x, key, text, more, e);
		if (found < 0)
			goto cleanup;
		n = 0;
		for (long i = 0; i < found && n < x->o->k; i++) {
			const struct example *ex = &x->v[x->candidates[i]];

			if ((id && ex->id == id) || strcmp(ex->key, key) == 0 ||
			    (x->o->near > 0 && jaccard(&own, &ex->shingles) >= x->o->near))
				continue;
			chosen[n++] = x->candidates[i];
		}
		/* All that came may have been passed over: then look further, up to the whole
		 * pool. */
		if (n == x->o->k || (size_t)found < more || more >= x->n)
			break;
		more = x->n;
	}
	/* First and random keep their order; of retrieved ones the nearest stands next to the
	 * question. */
	for (size_t i = 0; i < n; i++)
		buf_adds(turns, x->v[chosen[x->o->select == EXAMPLES_BM25 ? n - 1 - i : i]].turns);
	rc = 0;
cleanup:
	free(own.v);
	free(chosen);
	return rc;
}
