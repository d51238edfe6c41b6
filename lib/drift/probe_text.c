/* probe_text: length, and words that the reference does not have. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/twosample.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "probe.h"
#include "values.h"

#define TEXTS 5000 /* a side that are looked at */

/* A word of the reference or the current texts. */
struct word {
	uint32_t was, is;	   /* texts that have it */
	uint32_t was_last, is_last; /* the text it was last seen in, from 1 */
	struct span text;
};

struct words {
	struct map by_hash;
	struct word *w;
	size_t n, cap;
};

struct texts {
	const struct column *column;
	const struct cell **cell;
	size_t n;
	int flags;
};

/* Evenly spaced ones where there are more than TEXTS; the sample is in the order of the rows. */
static void texts_of(struct texts *t, const struct column *c, int flags)
{
	size_t all = 0, seen = 0;

	for (size_t i = 0; i < c->cells_n; i++)
		all += c->cells[i].kind == KIND_STRING;
	*t = (struct texts){.column = c, .cell = mem_alloc(all, sizeof *t->cell), .flags = flags};
	size_t want = all < TEXTS ? all : TEXTS;
	for (size_t i = 0; i < c->cells_n; i++) {
		if (c->cells[i].kind != KIND_STRING)
			continue;
		if (seen * want / all != (seen + 1) * want / all)
			t->cell[t->n++] = &c->cells[i];
		seen++;
	}
}

static struct word *word_at(struct words *v, const struct token *token)
{
	int added;
	size_t i = (size_t)*map_put(&v->by_hash, token->hash, v->n, &added);

	if (added) {
		v->w = mem_grow(v->w, &v->cap, v->n + 1, sizeof *v->w);
		v->w[v->n++] = (struct word){.text = token->text};
	}
	return &v->w[i];
}

static void count_words(struct words *v, const struct texts *t, int current)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tokens tokens;
		struct token token;
		tokens_init(&tokens, column_cell_text(t->column, t->cell[i]), t->flags);
		while (tokens_next(&tokens, &token)) {
			struct word *w = word_at(v, &token);
			uint32_t *last = current ? &w->is_last : &w->was_last;
			if (*last == i + 1)
				continue;
			*last = (uint32_t)(i + 1);
			++*(current ? &w->is : &w->was);
		}
	}
}

/* For each text its number of tokens and the share of them that no other reference text has; both sorted. `known` holds
 * the reference texts: a current text that is one of them is not counted as its own other. */
static void measure(struct words *v, const struct texts *t, const struct map *known, double *length, double *fresh)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tokens tokens;
		struct token token;
		size_t n = 0, unknown = 0;
		struct span text = column_cell_text(t->column, t->cell[i]);
		uint32_t own = map_get(known, hash64(text, 0)) != NULL;
		tokens_init(&tokens, text, t->flags);
		while (tokens_next(&tokens, &token)) {
			unknown += word_at(v, &token)->was <= own;
			n++;
		}
		length[i] = (double)n;
		fresh[i] = n ? (double)unknown / (double)n : 0;
	}
	qsort(length, t->n, sizeof *length, values_by_size);
	qsort(fresh, t->n, sizeof *fresh, values_by_size);
}

/* The new words that stand in most texts. */
static void put_new_words(struct buf *b, const struct words *v)
{
	const struct word *shown[4] = {NULL};

	for (int k = 0; k < 4; k++) {
		const struct word *top = NULL;
		for (size_t i = 0; i < v->n; i++) {
			const struct word *w = &v->w[i];
			int again = 0;
			for (int j = 0; j < k; j++)
				again |= shown[j] == w;
			if (!again && !w->was && w->is > 1 && (!top || w->is > top->is))
				top = w;
		}
		if (!top)
			break;
		shown[k] = top;
		buf_adds(b, k ? ", " : ": ");
		put_quoted(b, top->text, 24);
		buf_addf(b, " in %u", top->is);
	}
}

static double mean(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

void probe_text(struct line *l, const struct probe *p)
{
	struct texts was, is;
	struct words v = {0};
	struct map known = {0};
	int flags = p->options->calendar ? 0 : TOKEN_CALENDAR;

	if (!l->reference || !l->current)
		return;
	texts_of(&was, l->reference, flags);
	texts_of(&is, l->current, flags);
	double *length[2], *fresh[2];
	for (int s = 0; s < 2; s++) {
		size_t n = s ? is.n : was.n;
		length[s] = mem_alloc(n, sizeof **length);
		fresh[s] = mem_alloc(n, sizeof **fresh);
	}
	if (was.n < DRIFT_VALUES || is.n < DRIFT_VALUES)
		goto cleanup;
	count_words(&v, &was, 0);
	count_words(&v, &is, 1);
	for (size_t i = 0; i < was.n; i++)
		map_put(&known, hash64(column_cell_text(was.column, was.cell[i]), 0), 1, NULL);
	measure(&v, &was, &known, length[0], fresh[0]);
	measure(&v, &is, &known, length[1], fresh[1]);

	if (!(length[0][0] == length[0][was.n - 1] && length[1][0] == length[1][is.n - 1] && length[0][0] == length[1][0])) {
		double d = twosample_ks(length[0], was.n, length[1], is.n, NULL);
		struct finding *f = compare_found(l, "length", d, twosample_ks_p(d, length[0], was.n, length[1], is.n), d);
		if (f) {
			buf_adds(&f->why, "half the texts have more than ");
			put_figure(&f->why, length[1][is.n / 2]);
			buf_adds(&f->why, " words, before ");
			put_figure(&f->why, length[0][was.n / 2]);
		}
	}
	if (fresh[0][was.n - 1] > 0 || fresh[1][is.n - 1] > 0) {
		double d = twosample_ks(fresh[0], was.n, fresh[1], is.n, NULL);
		struct finding *f = compare_found(l, "new-words", d, twosample_ks_p(d, fresh[0], was.n, fresh[1], is.n), d);
		if (f) {
			put_percent(&f->why, mean(fresh[1], is.n));
			buf_adds(&f->why, " of the words stand in no reference text, of a reference text's own ");
			put_percent(&f->why, mean(fresh[0], was.n));
			if (mean(fresh[1], is.n) > mean(fresh[0], was.n))
				put_new_words(&f->why, &v);
		}
	}
cleanup:
	for (int s = 0; s < 2; s++) {
		free(length[s]);
		free(fresh[s]);
	}
	free(was.cell);
	free(is.cell);
	map_release(&known);
	map_release(&v.by_hash);
	free(v.w);
}
