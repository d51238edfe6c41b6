/* labels: see labels.h. */
#include "labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../stats/boot.h"
#include "../text/hash.h"
#include "../stats/order.h"

enum { RESAMPLES = 1000, NONE = 0xffffffff };

void labels_release(struct labels *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	for (size_t i = 0; i < l->n_said; i++)
		free(l->said_names[i]);
	free(l->names);
	free(l->said_names);
	free(l->pairs);
	map_release(&l->by_name);
	map_release(&l->by_said);
	memset(l, 0, sizeof *l);
}

/* The number of a text in a list, put there where it is new; NONE where the list is full. */
static uint64_t number_of(char ***names, size_t *n, size_t *cap, struct map *index,
			  struct span text, size_t most)
{
	uint64_t h = hash64(text, 0), *slot;

	while ((slot = map_get(index, h)) && !span_is(text, (*names)[*slot]))
		h = hash_mix(h, 1);
	if (slot)
		return *slot;
	if (*n >= most)
		return NONE;
	*names = mem_grow(*names, cap, *n + 1, sizeof **names);
	(*names)[*n] = span_dup(text);
	map_put(index, h, *n, NULL);
	return (*n)++;
}

static struct span trim(struct span s)
{
	while (s.n > 0 && strchr(" \t\r\n", *s.s) && *s.s)
		s.s++, s.n--;
	while (s.n > 0 && strchr(" \t\r\n", s.s[s.n - 1]) && s.s[s.n - 1])
		s.n--;
	return s;
}

void labels_add(struct labels *l, const struct row *r, int unanswered_is_wrong)
{
	uint64_t expected, said = NONE;

	if ((r->unanswered && !unanswered_is_wrong) || r->n_refs == 0)
		return;
	expected = number_of(&l->names, &l->n, &l->cap, &l->by_name, trim(r->refs[0]), LABELS_MAX);
	if (expected == NONE) {
		l->too_many++;
		return;
	}
	/* Answers that are never a reference are all the same in the end; of those beyond the limit
	 * not even the text is kept. */
	if (!r->unanswered)
		said = number_of(&l->said_names, &l->n_said, &l->said_cap, &l->by_said,
				 trim(r->output.s ? r->output : span_of("")), 4 * LABELS_MAX);
	l->pairs = mem_grow(l->pairs, &l->pairs_cap, l->n_pairs + 1, sizeof *l->pairs);
	l->pairs[l->n_pairs++] = expected << 32 | said;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct averages {
	double macro_f1, weighted_f1, mcc;
};

/* From an n x (n + 1) matrix. MCC by Gorodkin (2004), (other) being a class that is never
 * expected. */
static struct averages average(const double *matrix, size_t n, double *precision, double *recall,
			       double *f1, double *support)
{
	struct averages a = {0};
	double all = 0, right = 0, products = 0, said_squares = 0, expected_squares = 0, under;

	for (size_t i = 0; i < n * (n + 1); i++)
		all += matrix[i];
	for (size_t k = 0; k <= n; k++) {
		double said = 0, expected = 0, hit = k < n ? matrix[k * (n + 1) + k] : 0, f;

		for (size_t i = 0; i < n; i++)
			said += matrix[i * (n + 1) + k];
		for (size_t j = 0; k < n && j <= n; j++)
			expected += matrix[k * (n + 1) + j];
		right += hit;
		products += said * expected;
		said_squares += said * said;
		expected_squares += expected * expected;
		if (k == n)
			break;
		f = said + expected > 0 ? 2 * hit / (said + expected) : 0;
		a.macro_f1 += f / (double)n;
		a.weighted_f1 += all > 0 ? f * expected / all : 0;
		if (precision) {
			precision[k] = said > 0 ? hit / said : NAN;
			recall[k] = expected > 0 ? hit / expected : NAN;
			f1[k] = f;
			support[k] = expected;
		}
	}
	under = sqrt((all * all - said_squares) * (all * all - expected_squares));
	a.mcc = under > 0 ? (right * all - products) / under : 0;
	return a;
}

static struct interval from_draws(double value, double *draws, double level)
{
	order_sort(draws, RESAMPLES);
	return order_interval(value, draws, RESAMPLES, level);
}

/* Rows resampled by cells: a multinomial over the cells that are not empty. */
static void bootstrap(struct label_figures *f, double rows, double level, uint64_t seed)
{
	size_t cells = f->n * (f->n + 1), used = 0;
	double *draw = mem_alloc(cells, sizeof *draw),
	       *macro = mem_alloc(3 * RESAMPLES, sizeof *macro), *weighted = macro + RESAMPLES,
	       *mcc = weighted + RESAMPLES;
	size_t *index = mem_alloc(cells, sizeof *index);
	struct rng r;

	for (size_t i = 0; i < cells; i++)
		if (f->matrix[i] > 0)
			index[used++] = i;
	for (size_t b = 0; b < RESAMPLES; b++) {
		double rest = rows;
		uint64_t left = (uint64_t)rows;
		struct averages a;

		rng_seed(&r, seed, b);
		for (size_t i = 0; i < used; i++) {
			uint64_t k = i + 1 == used
					     ? left
					     : boot_binomial(&r, left, f->matrix[index[i]] / rest);

			draw[index[i]] = (double)k;
			left -= k;
			rest -= f->matrix[index[i]];
		}
		a = average(draw, f->n, NULL, NULL, NULL, NULL);
		macro[b] = a.macro_f1;
		weighted[b] = a.weighted_f1;
		mcc[b] = a.mcc;
	}
	f->macro_f1 = from_draws(f->macro_f1.value, macro, level);
	f->weighted_f1 = from_draws(f->weighted_f1.value, weighted, level);
	f->mcc = from_draws(f->mcc.value, mcc, level);
	free(draw);
	free(macro);
	free(index);
}

void labels_figures(const struct labels *l, double level, uint64_t seed, struct label_figures *f)
{
	size_t *place = mem_alloc(l->n, sizeof *place),
	       *said_place = mem_alloc(l->n_said, sizeof *said_place), n = l->n;
	double right = 0;
	struct averages a;

	*f = (struct label_figures){.n = n,
				    .names = mem_alloc(n, sizeof *f->names),
				    .matrix = mem_alloc(n * (n + 1), sizeof(double)),
				    .precision = mem_alloc(4 * n, sizeof(double))};
	f->recall = f->precision + n;
	f->f1 = f->recall + n;
	f->support = f->f1 + n;
	for (size_t i = 0; i < n; i++)
		f->names[i] = l->names[i];
	mem_sort(f->names, n, sizeof *f->names, by_text);
	for (size_t i = 0; i < n; i++) {
		const char *key = l->names[i];

		place[i] = (size_t)((const char **)bsearch(&key, f->names, n, sizeof *f->names,
							   by_text) -
				    f->names);
	}
	for (size_t i = 0; i < l->n_said; i++) {
		const char *key = l->said_names[i];
		const char **at =
			n > 0 ? bsearch(&key, f->names, n, sizeof *f->names, by_text) : NULL;

		said_place[i] = at ? (size_t)(at - f->names) : n;
	}
	for (size_t i = 0; i < l->n_pairs; i++) {
		size_t expected = place[l->pairs[i] >> 32], number = (size_t)(l->pairs[i] & NONE),
		       said = number == NONE ? n : said_place[number];

		f->matrix[expected * (n + 1) + said]++;
		right += expected == said;
	}
	a = average(f->matrix, n, f->precision, f->recall, f->f1, f->support);
	f->accuracy = interval_wilson(right, (double)l->n_pairs, level);
	f->macro_f1 = f->weighted_f1 = f->mcc = (struct interval){NAN, NAN, NAN};
	if (l->n_pairs > 0) {
		f->macro_f1.value = a.macro_f1;
		f->weighted_f1.value = a.weighted_f1;
		f->mcc.value = a.mcc;
		bootstrap(f, (double)l->n_pairs, level, seed);
	}
	free(place);
	free(said_place);
}

void label_figures_release(struct label_figures *f)
{
	free(f->names);
	free(f->matrix);
	free(f->precision);
	memset(f, 0, sizeof *f);
}
