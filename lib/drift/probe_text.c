/* probe_text: length, words that the reference does not have, and the words that tell the two sides
 * apart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/sort.h"
#include "../stats/twosample.h"
#include "../stats/twosets.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "probe.h"
#include "values.h"
#include "words.h"

#define TEXTS 5000	/* a side that are looked at */
#define WORDS_DEALT 3e8 /* in all permutations together, at most */

/* A word of the reference or the current texts. */
struct word {
	uint32_t was, is;		      /* texts that have it */
	uint32_t half;			      /* those of every other reference text */
	uint32_t was_last, is_last, set_last; /* the text it was last seen in, from 1 */
	struct span text;
	uint64_t hash;
};

struct words {
	struct map by_hash;
	struct word *w;
	size_t n, cap;
};

struct texts {
	const struct column *column;
	const struct cell **cell;
	/* which half of the reference a text is of: rows of one block are of the same */
	unsigned char *half;
	size_t n;
	int flags, current;
};

/* Of each two in a row one, which of them by chance: rows that come in turn, A, B, A, B, would make
 * halves of their own kind. */
static unsigned char half_of(uint64_t i)
{
	return (i ^ hash_mix(i / 2, 0)) & 1;
}

/* Evenly spaced ones where there are more than TEXTS; the sample is in the order of the rows. */
static void texts_of(struct texts *t, const struct probe *p, const struct column *c, int current,
		     int flags)
{
	size_t all = 0, seen = 0;

	for (size_t i = 0; i < c->cells_n; i++)
		all += c->cells[i].kind == KIND_STRING;
	*t = (struct texts){.column = c,
			    .cell = mem_alloc(all, sizeof *t->cell),
			    .half = mem_alloc(all, 1),
			    .flags = flags,
			    .current = current};
	size_t want = all < TEXTS ? all : TEXTS;
	for (size_t i = 0; i < c->cells_n; i++) {
		if (c->cells[i].kind != KIND_STRING)
			continue;
		if (seen * want / all != (seen + 1) * want / all) {
			t->half[t->n] = half_of(
				probe_in_blocks(p) ? p->block[current][c->cells[i].row] : t->n);
			t->cell[t->n++] = &c->cells[i];
		}
		seen++;
	}
}

static struct word *word_at(struct words *v, const struct token *token)
{
	int added;
	size_t i = (size_t)*map_put(&v->by_hash, token->hash, v->n, &added);

	if (added) {
		v->w = mem_grow(v->w, &v->cap, v->n + 1, sizeof *v->w);
		v->w[v->n++] = (struct word){.text = token->text, .hash = token->hash};
	}
	return &v->w[i];
}

static void count_words(struct words *v, const struct texts *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tokens tokens;
		struct token token;
		tokens_init(&tokens, column_cell_text(t->column, t->cell[i]), t->flags);
		while (tokens_next(&tokens, &token)) {
			struct word *w = word_at(v, &token);
			uint32_t *last = t->current ? &w->is_last : &w->was_last;
			if (*last == i + 1)
				continue;
			*last = (uint32_t)(i + 1);
			++*(t->current ? &w->is : &w->was);
			w->half += !t->current && !t->half[i];
		}
	}
}

/* For each text its number of tokens. */
static void measure_length(const struct texts *t, double *length)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tokens tokens;
		struct token token;
		length[i] = 0;
		tokens_init(&tokens, column_cell_text(t->column, t->cell[i]), t->flags);
		while (tokens_next(&tokens, &token))
			length[i]++;
	}
}

/* For each current text, or each reference text of the other half, the share of its tokens that no
 * text of the first half has; *n of them. So both kinds of text are strangers to what they
 * are measured against, and alike where nothing changed. `known` holds the texts of the first half:
 * one of them that stands in the current set is not measured against itself. */
static void measure_fresh(struct words *v, const struct texts *t, const struct map *known,
			  double *fresh, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct tokens tokens;
		struct token token;
		if (!t->current && !t->half[i])
			continue;
		size_t words = 0, unknown = 0;
		struct span text = column_cell_text(t->column, t->cell[i]);
		uint32_t own = map_get(known, hash64(text, 0)) != NULL;
		tokens_init(&tokens, text, t->flags);
		while (tokens_next(&tokens, &token)) {
			unknown += word_at(v, &token)->half <= own;
			words++;
		}
		fresh[(*n)++] = words ? (double)unknown / (double)words : 0;
	}
}

/* Of values in the order of the texts of both sides; of the reference's only those of the second
 * half where `halved`. Then they are sorted. NaN where rows are independent. */
static double values_by_blocks(const struct probe *p, const struct texts *const t[2],
			       double *const x[2], const size_t n[2], int halved)
{
	struct probe_rows rows = {0};

	for (int s = 0; s < 2 && probe_in_blocks(p); s++) {
		size_t at = 0;
		for (size_t i = 0; i < t[s]->n; i++) {
			if (!halved || s || t[s]->half[i])
				probe_rows_add(&rows, p, s, t[s]->cell[i]->row, x[s][at++]);
		}
	}
	for (int s = 0; s < 2; s++)
		sort_doubles(x[s], n[s]);
	return rows.n ? probe_rows_ks(&rows, p) : NAN;
}

/* The new words that stand in most texts. */
static void put_new_words(struct finding *f, const struct words *v, double was_n, double is_n)
{
	struct buf *b = &f->why;

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
		words_quoted(b, top->text, 24);
		buf_addf(b, " in %u", top->is);
		buf_adds(b, k ? "" : " texts");
		finding_name(f, top->text, top->was / was_n, top->is / is_n);
	}
}

/* --- words that tell the sides apart --- */

/* Each text of both sides as the set of its words, numbered as in v. */
struct sets {
	struct twosets t;
	size_t *begin, begin_cap;
	uint32_t *word;
	size_t word_n, word_cap;
};

static void add_sets(struct sets *s, struct words *v, const struct texts *t, size_t texts)
{
	for (size_t i = 0; i < texts; i++) {
		struct tokens tokens;
		struct token token;
		size_t text = s->t.n + s->t.m, first = s->word_n;
		s->begin = mem_grow(s->begin, &s->begin_cap, text + 2, sizeof *s->begin);
		s->begin[text] = first;
		tokens_init(&tokens, column_cell_text(t->column, t->cell[i * t->n / texts]),
			    t->flags);
		while (tokens_next(&tokens, &token)) {
			struct word *w = word_at(v, &token);
			uint32_t number = (uint32_t)(w - v->w);
			if (w->set_last == text + 1)
				continue;
			w->set_last = (uint32_t)(text + 1);
			s->word = mem_grow(s->word, &s->word_cap, s->word_n + 1, sizeof *s->word);
			s->word[s->word_n++] = number;
		}
		s->begin[text + 1] = s->word_n;
		++*(t->current ? &s->t.m : &s->t.n);
	}
}

/* The three words that became most more frequent, or less. */
static void put_movers(struct finding *f, const struct words *v, const double *z, double was_n,
		       double is_n, int sign)
{
	struct buf *b = &f->why;
	const struct word *shown[3] = {NULL};

	for (int k = 0; k < 3; k++) {
		size_t top = v->n;
		for (size_t i = 0; i < v->n; i++) {
			int again = 0;
			for (int j = 0; j < k; j++)
				again |= shown[j] == &v->w[i];
			if (!again && sign * z[i] > 2.5 &&
			    (top == v->n || sign * z[i] > sign * z[top]))
				top = i;
		}
		if (top == v->n)
			return;
		shown[k] = &v->w[top];
		buf_adds(b, k	       ? ", "
			    : b->len   ? (sign > 0 ? "; more often " : "; less often ")
			    : sign > 0 ? "more often "
				       : "less often ");
		words_quoted(b, shown[k]->text, 24);
		buf_adds(b, " (");
		words_percents(b, shown[k]->was / was_n, " to ", shown[k]->is / is_n);
		buf_addc(b, ')');
		finding_name(f, shown[k]->text, shown[k]->was / was_n, shown[k]->is / is_n);
	}
}

static double words_by_blocks(const struct sets *s, const struct probe *p, const struct texts *was,
			      const struct texts *is)
{
	const struct texts *side[] = {was, is};
	const size_t n[] = {s->t.n, s->t.m};
	struct probe_rows rows = {0};

	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < n[k]; i++)
			probe_rows_add(&rows, p, k, side[k]->cell[i * side[k]->n / n[k]]->row, 0);
	}
	struct blocks b = probe_rows_blocks(&rows, p);
	double value = twosets_blocks_p(&s->t, &b);
	probe_rows_release(&rows);
	return value;
}

static void probe_words(struct line *l, const struct probe *p, struct words *v,
			const struct texts *was, const struct texts *is)
{
	struct sets s = {0};
	struct twosets_result r;
	size_t few = was->n < is->n ? was->n : is->n, most = few < 500 ? 2000 : 1500;

	add_sets(&s, v, was, was->n < most ? was->n : most);
	add_sets(&s, v, is, is->n < most ? is->n : most);
	s.t.begin = s.begin;
	s.t.word = s.word;
	s.t.words = v->n;
	double *z = mem_alloc(v->n, sizeof *z), dealt = (double)(few < most ? few : most) *
							(double)s.word_n / (double)(s.t.n + s.t.m);
	double draws = fmin((double)p->draws, fmax(999, WORDS_DEALT / (dealt + (double)v->n / 8)));
	twosets_test(&s.t, p->options->seed, (size_t)draws, z, &r);
	if (probe_in_blocks(p))
		r.p = words_by_blocks(&s, p, was, is);
	struct finding *f = line_found(l, "words", r.statistic, r.p, r.largest);
	if (f) {
		put_movers(f, v, z, (double)was->n, (double)is->n, 1);
		put_movers(f, v, z, (double)was->n, (double)is->n, -1);
		if (!f->why.len)
			buf_adds(&f->why, "no word that stands out");
	}
	free(z);
	free(s.begin);
	free(s.word);
}

static void find_word_units(struct probe_units *u, const struct probe *p, const struct texts *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tokens tokens;
		struct token token;
		tokens_init(&tokens, column_cell_text(t->column, t->cell[i]), t->flags);
		while (tokens_next(&tokens, &token))
			probe_units_add(u, p, t->current, t->cell[i]->row, token.hash);
	}
}

/* Words that came or went. */
static void probe_words_named(struct line *l, const struct probe *p, const struct words *v,
			      const struct texts *was, const struct texts *is)
{
	uint32_t few = (uint32_t)((was->n < is->n ? was->n : is->n) / 100);
	struct probe_units units[2] = {0};
	struct news_item *item = NULL;
	size_t items = 0, cap = 0;
	int blocks = probe_in_blocks(p);

	if (blocks) {
		find_word_units(&units[0], p, was);
		find_word_units(&units[1], p, is);
	}
	for (size_t i = 0; i < v->n; i++) {
		const struct word *w = &v->w[i];
		if (w->was + w->is < 2 || w->was + w->is < few)
			continue;
		item = mem_grow(item, &cap, items + 1, sizeof *item);
		item[items++] =
			(struct news_item){w->was, w->is,
					   blocks ? probe_units_of(&units[0], w->hash) : w->was,
					   blocks ? probe_units_of(&units[1], w->hash) : w->is,
					   w->text};
	}
	probe_news(l, p, item, items, was->n, is->n, "texts");
	probe_units_release(&units[0]);
	probe_units_release(&units[1]);
	free(item);
}

static void explain_length(struct finding *f, const double *was, size_t n, const double *is,
			   size_t m)
{
	double before = was[n / 2], now = is[m / 2];

	if (before != now) {
		buf_addf(&f->why, "half the texts have more than %.0f words, before %.0f", now,
			 before);
		return;
	}
	buf_addf(&f->why, "half the texts have more than %.0f words as before%s", now,
		 f->effect > 0 ? ", but " : "");
	probe_put_apart(&f->why, was, n, is, m, " words");
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
	texts_of(&was, p, l->reference, 0, flags);
	texts_of(&is, p, l->current, 1, flags);
	double *length[2], *fresh[2];
	size_t n[2];
	for (int s = 0; s < 2; s++) {
		length[s] = mem_alloc(s ? is.n : was.n, sizeof **length);
		fresh[s] = mem_alloc(s ? is.n : was.n, sizeof **fresh);
	}
	if (was.n < DRIFT_VALUES || is.n < DRIFT_VALUES)
		goto cleanup;
	count_words(&v, &was);
	count_words(&v, &is);
	for (size_t i = 0; i < was.n; i++)
		if (!was.half[i])
			map_put(&known, hash64(column_cell_text(was.column, was.cell[i]), 0), 1,
				NULL);
	const struct texts *const sides[] = {&was, &is};
	const size_t texts[] = {was.n, is.n};
	measure_length(&was, length[0]);
	measure_length(&is, length[1]);
	measure_fresh(&v, &was, &known, fresh[0], &n[0]);
	measure_fresh(&v, &is, &known, fresh[1], &n[1]);
	double length_p = values_by_blocks(p, sides, length, texts, 0),
	       fresh_p = values_by_blocks(p, sides, fresh, n, 1);

	if (!(length[0][0] == length[0][was.n - 1] && length[1][0] == length[1][is.n - 1] &&
	      length[0][0] == length[1][0])) {
		double d = twosample_ks(length[0], was.n, length[1], is.n, NULL);
		struct finding *f =
			line_found(l, "length", d,
				   probe_in_blocks(p)
					   ? length_p
					   : twosample_ks_p(d, length[0], was.n, length[1], is.n),
				   d);
		if (f) {
			explain_length(f, length[0], was.n, length[1], is.n);
		}
	}
	if (n[0] >= DRIFT_VALUES && (fresh[0][n[0] - 1] > 0 || fresh[1][n[1] - 1] > 0)) {
		double d = twosample_ks(fresh[0], n[0], fresh[1], n[1], NULL);
		struct finding *f =
			line_found(l, "new-words", d,
				   probe_in_blocks(p)
					   ? fresh_p
					   : twosample_ks_p(d, fresh[0], n[0], fresh[1], n[1]),
				   d);
		if (f) {
			words_percents(&f->why, mean(fresh[1], n[1]),
				       " of the words are new, against ", mean(fresh[0], n[0]));
			buf_adds(&f->why, " between the reference's own halves");
			if (mean(fresh[1], n[1]) > mean(fresh[0], n[0])) {
				f->unseen = d;
				put_new_words(f, &v, (double)was.n, (double)is.n);
			}
		}
	}
	probe_words(l, p, &v, &was, &is);
	probe_words_named(l, p, &v, &was, &is);
cleanup:
	for (int s = 0; s < 2; s++) {
		free(length[s]);
		free(fresh[s]);
	}
	free(was.cell);
	free(is.cell);
	free(was.half);
	free(is.half);
	map_release(&known);
	map_release(&v.by_hash);
	free(v.w);
}
