/* probe_relation: whether the same inputs still go with the same outputs, where neither need have
 * changed by itself.
 *
 * Each input path that can be told by a few classes (the three commonest categories and the rest,
 * thirds of numbers), and the presence of words in input texts, is a feature. For each the change
 * of the outputs' shares from side to side is taken class by class, and what the classes differ in
 * it is added up to a chi-square: how frequent inputs are does not matter, nor a change that all
 * classes share, which the outputs show by themselves. The largest of these over the features, each
 * on the scale of a normal deviate (Wilson and Hilferty 1931), is judged by dealing the rows to the
 * sides again. Which words are looked at depends on both sides together alone.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../stats/dist.h"
#include "../stats/sort.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "probe.h"
#include "values.h"
#include "words.h"

#define ROWS 1500     /* of a side */
#define LINES 60      /* input paths looked at */
#define WORDS 12      /* of a text, by either order */
#define CLASSES 5     /* 0: nothing there; then three levels and the rest, or thirds */
#define WEIGHT 0.5    /* against other hypotheses */
#define HOPELESS 0.05 /* chance of the observed, about: more is not looked into */
#define HITS 20

/* Rows that are looked at: sampled rows of either side, evenly spaced. */
struct rows {
	size_t n[2], of[2]; /* taken, sampled */
};

static size_t row_at(const struct rows *r, int side, size_t i)
{
	return i * r->of[side] / r->n[side];
}

struct feature {
	const struct line *line;
	unsigned char *class; /* of the rows of the reference, then of the current ones */
	struct span name[CLASSES];
	struct span word;     /* a text's; absent otherwise */
	double edge[CLASSES]; /* of a number's thirds: the largest value of each */
};

struct relation {
	struct rows rows;
	struct feature *feature;
	size_t n, cap;
};

/* --- classes --- */

/* For each row looked at its cell of the line's column, or NULL. */
static const struct cell **cells_of(const struct line *l, const struct rows *r)
{
	const struct column *side[] = {l->reference, l->current};
	const struct cell **cell = mem_alloc(r->n[0] + r->n[1], sizeof *cell);
	size_t k = 0;

	for (int s = 0; s < 2; s++) {
		size_t at = 0;
		for (size_t i = 0; i < r->n[s]; i++, k++) {
			size_t row = row_at(r, s, i);
			while (at < side[s]->cells_n && side[s]->cells[at].row < row)
				at++;
			if (at < side[s]->cells_n && side[s]->cells[at].row == row)
				cell[k] = &side[s]->cells[at];
		}
	}
	return cell;
}

static const struct column *column_of(const struct line *l, const struct rows *r, size_t k)
{
	return k < r->n[0] ? l->reference : l->current;
}

static void class_levels(struct feature *f, const struct rows *r, const struct cell **cell)
{
	struct map count = {0};
	size_t all = r->n[0] + r->n[1];
	uint64_t *hash = mem_alloc(all, sizeof *hash), top[3] = {0}, most[3] = {0};
	struct span *level = mem_alloc(all, sizeof *level);
	char code[COLUMN_CODE];

	for (size_t k = 0; k < all; k++) {
		if (!cell[k] || !probe_level_of(column_of(f->line, r, k), cell[k], code, &level[k]))
			continue;
		hash[k] = hash64(level[k], 0) | 1;
		++*map_put(&count, hash[k], 0, NULL);
	}
	for (size_t k = 0; k < all; k++) {
		uint64_t n = hash[k] ? *map_get(&count, hash[k]) : 0;
		int known = hash[k] == top[0] || hash[k] == top[1] || hash[k] == top[2];
		for (int t = 0; t < 3 && n && !known; t++) {
			if (n < most[t] || (n == most[t] && hash[k] > top[t]))
				continue;
			for (int u = 2; u > t; u--) {
				most[u] = most[u - 1];
				top[u] = top[u - 1];
			}
			most[t] = n;
			top[t] = hash[k];
			known = 1;
		}
	}
	for (size_t k = 0; k < all; k++) {
		int class = !hash[k] ? 0 : 4;
		for (int t = 0; t < 3 && class; t++) {
			if (hash[k] != top[t])
				continue;
			class = t + 1;
			/* a code's text does not last; its cell's does */
			if (cell[k]->kind != KIND_NUMBER)
				f->name[class] = level[k];
		}
		f->class[k] = (unsigned char)class;
	}
	free(hash);
	free(level);
	map_release(&count);
}

static void class_thirds(struct feature *f, const struct rows *r, const struct cell **cell)
{
	size_t all = r->n[0] + r->n[1], n = 0;
	double *x = mem_alloc(all, sizeof *x), *sorted = mem_alloc(all, sizeof *sorted);

	for (size_t k = 0; k < all; k++) {
		x[k] = NAN;
		if (cell[k] && values_number(column_of(f->line, r, k), cell[k], &x[k]))
			sorted[n++] = x[k];
	}
	sort_doubles(sorted, n);
	for (int t = 1; t <= 3 && n; t++) {
		size_t upto = n * (size_t)t / 3;
		f->edge[t] = sorted[upto ? upto - 1 : 0];
	}
	for (size_t k = 0; k < all; k++) {
		int class = isnan(x[k]) ? 0 : 1;
		while (class && class < 3 && x[k] > f->edge[class])
			class ++;
		f->class[k] = (unsigned char)class;
	}
	free(x);
	free(sorted);
}

static struct feature *add_feature(struct relation *r, const struct line *l)
{
	r->feature = mem_grow(r->feature, &r->cap, r->n + 1, sizeof *r->feature);
	struct feature *f = &r->feature[r->n++];
	*f = (struct feature){.line = l,
			      .class = mem_alloc(r->rows.n[0] + r->rows.n[1], sizeof *f->class)};
	return f;
}

static int has_classes(const struct line *l)
{
	return l->reference && l->current && !l->clock && !l->within &&
	       (l->type == TYPE_NUMBER || l->type == TYPE_CATEGORY || l->type == TYPE_BOOLEAN);
}

static void classify(struct feature *f, const struct rows *r)
{
	const struct cell **cell = cells_of(f->line, r);

	if (f->line->type == TYPE_NUMBER)
		class_thirds(f, r, cell);
	else
		class_levels(f, r, cell);
	free(cell);
}

/* --- words --- */

struct word_rows {
	uint64_t hash;
	struct span text;
	uint32_t n, last;
};

static int by_evenness(const void *a, const void *b)
{
	const struct word_rows *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* A feature for each of n words: the rows that have it. */
static void mark_words(struct relation *r, const struct line *l, const struct cell **cell,
		       const struct word_rows *word, size_t n)
{
	size_t all = r->rows.n[0] + r->rows.n[1], first = r->n;
	struct map number = {0};

	for (size_t i = 0; i < n; i++) {
		struct feature *f = add_feature(r, l);
		f->word = word[i].text;
		memset(f->class, 1, all);
		map_put(&number, word[i].hash, i, NULL);
	}
	for (size_t k = 0; k < all && n; k++) {
		struct tokens tokens;
		struct token token;
		if (!cell[k] || cell[k]->kind != KIND_STRING)
			continue;
		tokens_init(&tokens, column_cell_text(column_of(l, &r->rows, k), cell[k]),
			    TOKEN_CALENDAR);
		while (tokens_next(&tokens, &token)) {
			const uint64_t *i = map_get(&number, token.hash);
			if (i)
				r->feature[first + *i].class[k] = 2;
		}
	}
	map_release(&number);
}

/* The words that the most texts have, but for those that nearly all or hardly any do. */
static void add_words(struct relation *r, const struct line *l)
{
	const struct cell **cell = cells_of(l, &r->rows);
	size_t all = r->rows.n[0] + r->rows.n[1], n = 0, cap = 0, kept = 0;
	struct map by_hash = {0};
	struct word_rows *word = NULL;

	for (size_t k = 0; k < all; k++) {
		struct tokens tokens;
		struct token token;
		if (!cell[k] || cell[k]->kind != KIND_STRING)
			continue;
		tokens_init(&tokens, column_cell_text(column_of(l, &r->rows, k), cell[k]),
			    TOKEN_CALENDAR);
		while (tokens_next(&tokens, &token)) {
			size_t at = (size_t)*map_put(&by_hash, token.hash, n, NULL);
			if (at == n) {
				word = mem_grow(word, &cap, n + 1, sizeof *word);
				word[n++] = (struct word_rows){token.hash, token.text, 0, 0};
			}
			if (word[at].last == k + 1)
				continue;
			word[at].last = (uint32_t)k + 1;
			word[at].n++;
		}
	}
	for (size_t i = 0; i < n; i++) {
		/* One that is rare, or as good as everywhere, leaves nothing to compare. */
		uint32_t less = word[i].n < (uint32_t)all - word[i].n ? word[i].n
								      : (uint32_t)all - word[i].n;
		if (less * 20 >= all) {
			word[kept] = word[i];
			word[kept++].n = less;
		}
	}
	if (kept)
		mem_sort(word, kept, sizeof *word, by_evenness);
	mark_words(r, l, cell, word, kept < WORDS ? kept : WORDS);
	free(word);
	free(cell);
	map_release(&by_hash);
}

/* --- the test --- */

/* Rows by input class, output class and side. */
struct counts {
	uint32_t n[CLASSES][CLASSES][2];
};

/* cell: output class and side of each row, as cell_of has them. */
static void count(struct counts *c, const struct feature *in, const unsigned char *cell, size_t all)
{
	uint32_t *n;

	memset(c, 0, sizeof *c);
	n = &c->n[0][0][0];
	for (size_t k = 0; k < all; k++)
		n[in->class[k] * 2 * CLASSES + cell[k]]++;
}

static unsigned char cell_of(int output, int side)
{
	return (unsigned char)(2 * output + side);
}

/* What becomes of each output class from side to side, by input class. */
struct change {
	double was[CLASSES][CLASSES], is[CLASSES][CLASSES]; /* shares */
	double share[CLASSES][CLASSES];			    /* of both sides together */
	double common[CLASSES]; /* change of the output class over all input classes */
	double weight[CLASSES]; /* of an input class; 0 where a side lacks it */
	double rows[CLASSES];
	double df;
};

static void change_of(struct change *x, const struct counts *c)
{
	double weights = 0;
	int seen[CLASSES] = {0}, outputs = 0, inputs = 0;

	memset(x, 0, sizeof *x);
	for (int a = 0; a < CLASSES; a++) {
		double n[2] = {0};
		int levels = 0;
		for (int b = 0; b < CLASSES; b++) {
			n[0] += c->n[a][b][0];
			n[1] += c->n[a][b][1];
		}
		if (n[0] < 1 || n[1] < 1)
			continue;
		x->rows[a] = n[0] + n[1];
		x->weight[a] = n[0] * n[1] / x->rows[a];
		weights += x->weight[a];
		for (int b = 0; b < CLASSES; b++) {
			x->was[a][b] = c->n[a][b][0] / n[0];
			x->is[a][b] = c->n[a][b][1] / n[1];
			x->share[a][b] = (c->n[a][b][0] + c->n[a][b][1]) / x->rows[a];
			x->common[b] += x->weight[a] * (x->is[a][b] - x->was[a][b]);
			levels += x->share[a][b] > 0;
			outputs += x->share[a][b] > 0 && !seen[b];
			seen[b] |= x->share[a][b] > 0;
		}
		inputs++;
		x->df += levels - 1;
	}
	for (int b = 0; b < CLASSES && weights > 0; b++)
		x->common[b] /= weights;
	x->df -= outputs - 1;
	if (inputs < 2 || outputs < 2 || x->df < 1)
		x->df = 0;
}

static double excess(const struct change *x, int a, int b)
{
	return x->is[a][b] - x->was[a][b] - x->common[b];
}

/* As a normal deviate. */
static double deviate(const struct counts *c, double *df)
{
	struct change x;
	double sum = 0;

	change_of(&x, c);
	*df = x.df;
	for (int a = 0; a < CLASSES; a++) {
		for (int b = 0; b < CLASSES; b++) {
			if (x.weight[a] > 0 && x.share[a][b] > 0)
				sum += x.weight[a] * excess(&x, a, b) * excess(&x, a, b) /
				       x.share[a][b];
		}
	}
	if (!(x.df > 0))
		return -INFINITY;
	double part = 2 / (9 * x.df);
	return (cbrt(sum / x.df) - (1 - part)) / sqrt(part);
}

/* The largest deviate over all features; *where is the feature's number. */
static double largest(const struct relation *r, const unsigned char *cell, size_t *where,
		      size_t *asked)
{
	size_t all = r->rows.n[0] + r->rows.n[1];
	double most = -INFINITY, df;
	struct counts c;

	*asked = 0;
	for (size_t i = 0; i < r->n; i++) {
		count(&c, &r->feature[i], cell, all);
		double now = deviate(&c, &df);
		*asked += df > 0;
		if (now > most) {
			most = now;
			*where = i;
		}
	}
	return most;
}

/* Deals the rows to the sides again and again, until that has come to as much often enough to know
 * how often it does (Besag and Clifford 1991). */
static double dealt_again(const struct relation *r, const struct feature *out, double observed,
			  const struct probe *p)
{
	size_t all = r->rows.n[0] + r->rows.n[1], hits = 0, done = 0, where, asked;
	unsigned char *side = mem_alloc(all, 1), *cell = mem_alloc(all, 1);
	struct rng rng;

	for (size_t k = r->rows.n[0]; k < all; k++)
		side[k] = 1;
	rng_seed(&rng, p->options->seed, 0x3e1a);
	while (done < p->draws && hits < HITS) {
		for (size_t k = all; k > 1; k--) {
			size_t j = (size_t)rng_below(&rng, k);
			unsigned char swap = side[k - 1];
			side[k - 1] = side[j];
			side[j] = swap;
		}
		for (size_t k = 0; k < all; k++)
			cell[k] = cell_of(out->class[k], side[k]);
		hits += largest(r, cell, &where, &asked) >= observed - 1e-9;
		done++;
	}
	free(side);
	free(cell);
	return hits == HITS ? (double)hits / (double)done : (1 + (double)hits) / (1 + (double)done);
}

/* --- words for it --- */

static void put_class(struct buf *b, const struct feature *f, int class)
{
	if (class == 0)
		buf_adds(b, "nothing");
	else if (f->line->type == TYPE_NUMBER)
		buf_adds(b, class == 1	 ? "its lowest third"
			    : class == 2 ? "its middle third"
					 : "its highest third");
	else if (class == 4)
		buf_adds(b, "another value");
	else if (f->name[class].s)
		words_quoted(b, f->name[class], 40);
	else
		buf_addf(b, "value %d of the most frequent", class);
}

/* Where a class's outputs moved most beyond what all did, weighed by its rows. */
static void explain(struct finding *found, const struct feature *in, const struct feature *out,
		    const struct counts *c)
{
	struct buf *why = &found->why;
	struct change x;
	double most = -1;
	int in_class = 0, out_class = 0;

	change_of(&x, c);
	for (int a = 0; a < CLASSES; a++) {
		for (int b = 0; b < CLASSES && x.weight[a] > 0; b++) {
			double now = fabs(excess(&x, a, b)) * x.rows[a];
			if (now <= most)
				continue;
			most = now;
			in_class = a;
			out_class = b;
		}
	}
	buf_adds(why, "other outputs for the same inputs: ");
	put_class(why, out, out_class);
	buf_addc(why, ' ');
	words_moved(why, x.was[in_class][out_class], x.is[in_class][out_class]);
	for (int b = 0; b < CLASSES; b++) {
		struct buf name = BUF_INIT;

		put_class(&name, out, b);
		if (x.was[in_class][b] + x.is[in_class][b] > 0)
			finding_name(found, buf_span(&name), x.was[in_class][b], x.is[in_class][b]);
		buf_release(&name);
	}
	if (in->word.s) {
		buf_addf(why, " where %s has %s", in->line->path, in_class == 2 ? "" : "no ");
		words_quoted(why, in->word, 24);
		return;
	}
	buf_addf(why, " where %s is %s", in->line->path,
		 in->line->type == TYPE_NUMBER && in_class ? "in " : "");
	put_class(why, in, in_class);
}

/* The total variation of the outputs within the classes, beyond what all classes share and what
 * chance gives. */
static double effect_of(const struct counts *c)
{
	struct change x;
	double effect = 0, all = 0;

	change_of(&x, c);
	for (int a = 0; a < CLASSES; a++) {
		double moved = 0, chance = 0;
		for (int b = 0; b < CLASSES && x.weight[a] > 0; b++) {
			moved += fabs(excess(&x, a, b)) / 2;
			chance +=
				sqrt(2 / M_PI * x.share[a][b] * (1 - x.share[a][b]) / x.weight[a]) /
				2;
		}
		effect += x.rows[a] * fmax(0, moved - chance);
		all += x.rows[a];
	}
	return all > 0 ? effect / all : 0;
}

static void test_output(struct relation *r, struct line *l, const struct probe *p)
{
	size_t all = r->rows.n[0] + r->rows.n[1], where = 0, asked;
	struct feature out = {.line = l, .class = mem_alloc(all, 1)};
	unsigned char *cell = mem_alloc(all, 1);
	struct counts c;
	double df;

	classify(&out, &r->rows);
	for (size_t k = 0; k < all; k++)
		cell[k] = cell_of(out.class[k], k >= r->rows.n[0]);
	double observed = largest(r, cell, &where, &asked);
	if (asked) {
		double p_value = fmin(1, (double)asked * dist_normal_sf(observed));
		if (p_value < HOPELESS)
			p_value = dealt_again(r, &out, observed, p);
		count(&c, &r->feature[where], cell, all);
		struct finding *f = line_found_more(l, "relation", WEIGHT, deviate(&c, &df),
						    p_value, effect_of(&c));
		if (f)
			explain(f, &r->feature[where], &out, &c);
	}
	free(out.class);
	free(cell);
}

void probe_relations(struct line *lines, size_t n, const struct probe *p)
{
	struct relation r = {0};
	size_t outputs = 0;

	for (size_t i = 0; i < n; i++)
		outputs += lines[i].root != ROOT_INPUT && has_classes(&lines[i]);
	if (!outputs || probe_in_blocks(p))
		return;
	r.rows.of[0] = p->reference->sample_n;
	r.rows.of[1] = p->current->sample_n;
	for (int s = 0; s < 2; s++)
		r.rows.n[s] = r.rows.of[s] < ROWS ? r.rows.of[s] : ROWS;
	if (r.rows.n[0] < DRIFT_ROWS || r.rows.n[1] < DRIFT_ROWS)
		return;
	for (size_t i = 0; i < n && r.n < LINES; i++) {
		const struct line *l = &lines[i];
		if (l->root != ROOT_INPUT)
			continue;
		if (has_classes(l))
			classify(add_feature(&r, l), &r.rows);
		else if (l->reference && l->current && l->type == TYPE_TEXT)
			add_words(&r, l);
	}
	for (size_t i = 0; i < n && r.n; i++) {
		if (lines[i].root != ROOT_INPUT && has_classes(&lines[i]))
			test_output(&r, &lines[i], p);
	}
	for (size_t i = 0; i < r.n; i++)
		free(r.feature[i].class);
	free(r.feature);
}
