/* check: hashes of every row of both sides; see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "check_impl.h"
#include "plan.h"

#define NAME_MAX 60 /* bytes of a class's name that are kept */

struct split_check *split_check_new(const struct split_check_options *o)
{
	struct split_check *c = mem_alloc(1, sizeof *c);

	c->o = *o;
	c->near = near_new(o->near, o->seed);
	for (int i = 0; i < 2; i++) {
		frame_init(&c->side[i].frame);
		c->side[i].frame.seed = o->seed;
		rng_seed(&c->side[i].deal.rng, o->seed, (uint64_t)i);
	}
	return c;
}

void split_check_free(struct split_check *c)
{
	if (!c)
		return;
	comparison_release(&c->compared);
	for (int i = 0; i < 2; i++) {
		free(c->side[i].row);
		frame_release(&c->side[i].frame);
		for (size_t k = 0; k < c->side[i].deal.n && k < DEALT; k++)
			free(c->side[i].deal.word[k]);
		map_release(&c->grams[i].in_train);
		free(c->grams[i].gram);
		free(c->grams[i].begin);
	}
	for (size_t i = 0; i < c->answers; i++)
		buf_release(&c->answer[i].why);
	near_free(c->near);
	map_release(&c->labels);
	buf_release(&c->ids);
	buf_release(&c->names);
	buf_release(&c->text);
	buf_release(&c->scratch);
	free(c);
}

static uint64_t hash_at(struct split_check *c, const struct path *p, const struct record *r)
{
	struct span v = p ? path_get(p, r, &c->scratch) : (struct span){0};

	if (!v.s || json_kind(v) == JSON_NULL)
		return 0;
	buf_clear(&c->text);
	json_value_text(v, &c->text);
	return hash64(buf_span(&c->text), 1) | 1;
}

/* The name of a class is what stands in c->text. */
static void name_label(struct split_check *c, uint64_t label)
{
	int added;

	if (!label)
		return;
	map_put(&c->labels, label, c->names.len, &added);
	if (!added)
		return;
	size_t n = strlen(c->text.data) < NAME_MAX ? strlen(c->text.data) : NAME_MAX;
	while (n > 0 && n == NAME_MAX && ((unsigned char)c->text.data[n] & 0xc0) == 0x80)
		n--;
	buf_add(&c->names, c->text.data, n);
	buf_addc(&c->names, 0);
}

/* --- runs of words --- */

static void begin_grams(struct grams *g)
{
	g->begin = mem_grow(g->begin, &g->begin_cap, g->rows + 2, sizeof *g->begin);
	g->begin[g->rows++] = g->n;
	g->begin[g->rows] = g->n;
}

static void add_gram(struct grams *g, uint64_t run, int test, size_t row)
{
	if (test) {
		map_put(&g->in_train, run, 0, NULL);
		g->gram = mem_grow(g->gram, &g->cap, g->n + 1, sizeof *g->gram);
		g->gram[g->n++] = run;
		g->begin[g->rows] = g->n;
		return;
	}
	uint64_t *seen = map_get(&g->in_train, run);
	if (seen && (uint32_t)*seen != (uint32_t)(row + 1))
		*seen = ((*seen >> 32) + 1) << 32 | (uint32_t)(row + 1);
}

/* The runs of a test row are kept; those of training row number `row` that test has are counted,
 * once a row. */
static void add_grams(struct grams *g, struct span text, int test, size_t row)
{
	struct tokens t;
	struct token token;
	uint64_t last[CHECK_GRAM] = {0};
	size_t words = 0;

	tokens_init(&t, text, 0);
	while (tokens_next(&t, &token)) {
		last[words++ % CHECK_GRAM] = token.hash;
		if (words < CHECK_GRAM)
			continue;
		uint64_t h = 0;
		for (size_t i = 0; i < CHECK_GRAM; i++)
			h = hash_mix(h, last[(words + i) % CHECK_GRAM]);
		add_gram(g, h, test, row);
	}
}

/* Of a reference that is JSON only what its strings say, one by one: that answers have the same
 * members in the same order gives nothing away. */
static void add_strings(struct split_check *c, struct span v, int test, size_t row)
{
	struct json_iter it = {0};
	struct span key, value;
	struct buf text = BUF_INIT;

	while (json_next(&it, v, &key, &value))
		add_strings(c, value, test, row);
	if (json_kind(v) == JSON_STRING && json_string(v, &text) == 0)
		add_grams(&c->grams[GRAMS_REFERENCE], buf_span(&text), test, row);
	buf_release(&text);
}

static void add_reference(struct split_check *c, struct span text, int test, size_t row)
{
	struct span value;
	struct err e = ERR_INIT;

	if (text.n && memchr("{[", *text.s, 2) && !json_check(text, &value, &e))
		add_strings(c, value, test, row);
	else
		add_grams(&c->grams[GRAMS_REFERENCE], text, test, row);
}

/* --- rows --- */

/* Algorithm R of Vitter (1985): every row is in the draw with the same probability. */
static void deal_row(struct deal *d, struct span text)
{
	size_t at = d->n < DEALT ? d->n : (size_t)rng_below(&d->rng, d->n + 1), cap = 0;
	struct tokens t;
	struct token token;

	d->n++;
	if (at >= DEALT)
		return;
	free(d->word[at]);
	d->word[at] = NULL;
	d->words[at] = 0;
	tokens_init(&t, text, 0);
	while (tokens_next(&t, &token)) {
		d->word[at] = mem_grow(d->word[at], &cap, d->words[at] + 1, sizeof **d->word);
		d->word[at][d->words[at]++] = (uint32_t)(token.hash >> 32);
	}
}

static int add_texts(struct split_check *c, int test, const struct record *r, struct row *row,
		     struct err *e)
{
	struct side_rows *s = &c->side[test];

	buf_clear(&c->text);
	if (near_text(r, &c->text, e) || near_add(c->near, buf_span(&c->text), e))
		return -1;
	if (test) {
		begin_grams(&c->grams[GRAMS_INPUT]);
		begin_grams(&c->grams[GRAMS_REFERENCE]);
	}
	add_grams(&c->grams[GRAMS_INPUT], buf_span(&c->text), test, s->n);
	deal_row(&s->deal, buf_span(&c->text));
	buf_clear(&c->text);
	int n = record_references(r, &c->text, e);
	if (n <= 0)
		return n;
	row->reference = hash64(buf_span(&c->text), 2) | 1;
	if (!c->o.label) {
		row->label = row->reference;
		name_label(c, row->label);
	}
	for (const char *p = c->text.data; n > 0; n--, p += strlen(p) + 1)
		add_reference(c, span_of(p), test, s->n);
	return 0;
}

/* The id that the record gives itself, which ends what was gathered in c->ids; 0 where it has none. */
static uint64_t own_id(const struct split_check *c, const struct record *r, size_t id)
{
	struct span given = record_get(r, "id"), sample = record_get(r, "sample");

	if (!given.s || json_kind(given) == JSON_NULL)
		return 0;
	return hash_mix(hash64(span_of(c->ids.data + id), 3), sample.s ? hash64(sample, 4) : 0) | 1;
}

static int add_row(struct split_check *c, int test, const struct record *r, struct err *e)
{
	struct side_rows *s = &c->side[test];
	struct row row = {.time = NAN, .id = c->ids.len};
	char key[33];

	if (s->n >= UINT32_MAX - 1)
		return err_set(e, "more than %u rows", UINT32_MAX - 1);
	if (record_id(r, &c->ids, e) || buf_addc(&c->ids, 0))
		return c->ids.full ? err_set(e, "ids of more than %zu bytes", BUF_MAX) : -1;
	if (record_key(r, key, e))
		return -1;
	row.input = hash64(span_of(key), 0) | 1;
	row.own = own_id(c, r, row.id);
	row.group = hash_at(c, c->o.group, r);
	row.label = hash_at(c, c->o.label, r);
	name_label(c, row.label);
	if (c->o.time) {
		struct span v = path_get(c->o.time, r, &c->scratch);
		if (!v.s || plan_time(v, &c->text, &row.time))
			return err_set(e, "no date or time at %s", path_text(c->o.time));
	}
	if (add_texts(c, test, r, &row, e))
		return -1;
	s->row = mem_grow(s->row, &s->cap, s->n + 1, sizeof *s->row);
	s->row[s->n++] = row;
	return frame_add(&s->frame, r, e);
}

int split_check_train(struct split_check *c, const struct record *r, struct err *e)
{
	return add_row(c, TRAIN, r, e);
}

int split_check_test(struct split_check *c, const struct record *r, struct err *e)
{
	return add_row(c, TEST, r, e);
}

size_t split_check_rows(const struct split_check *c, int test)
{
	return c->side[test != 0].n;
}

const char *split_check_id(const struct split_check *c, int test, size_t row)
{
	return c->ids.data + c->side[test != 0].row[row].id;
}

/* --- answers --- */

struct answer *answer_begin(struct split_check *c, const char *name)
{
	struct answer *a = &c->answer[c->answers++];

	*a = (struct answer){.check = name};
	return a;
}

static void count(struct answer *a, struct check_row row, struct check_row like)
{
	if (a->count++ < CHECK_EXAMPLES)
		a->example[a->examples++] = (struct check_pair){row, like};
}

void answer_count(struct answer *a, int test, size_t row)
{
	count(a, (struct check_row){test, row}, (struct check_row){0, CHECK_NONE});
}

void answer_pair(struct answer *a, size_t test, size_t train)
{
	count(a, (struct check_row){TEST, test}, (struct check_row){TRAIN, train});
}

void answer_against(struct answer *a, int test, size_t row, struct check_row earlier)
{
	a->earlier = 1;
	count(a, (struct check_row){test, row}, earlier);
}

void answer_end(struct answer *a, enum split_check_verdict bad, const char *none)
{
	a->verdict = a->count ? bad : CHECK_OK;
	if (!a->count) {
		buf_clear(&a->why);
		buf_adds(&a->why, none);
	}
}

void answer_such_as(const struct split_check *c, struct answer *a)
{
	if (a->examples && a->example[0].like.row != CHECK_NONE)
		buf_addf(&a->why, ", such as %s, like %s of train",
			 split_check_id(c, TEST, a->example[0].row.row),
			 split_check_id(c, TRAIN, a->example[0].like.row));
}

void split_check_finish(struct split_check *c, struct pool *pool)
{
	check_leaks(c, pool);
	check_represent(c);
}

const struct answer *split_check_answers(const struct split_check *c, size_t *n)
{
	*n = c->answers;
	return c->answer;
}

const struct comparison *split_check_comparison(const struct split_check *c)
{
	return c->compared.lines ? &c->compared : NULL;
}
