/* probe_news: what came and what went, by name: values, categories and words that one side has and
 * the other never does, and numbers far beyond the reference's range.
 *
 * Rows are meant that are independent; where they come in blocks, k is the number of blocks that have
 * the item, each as one row. Were the rows dealt to the two sides at random, all k rows that have an item would fall to one
 * side with the probability of twosample_all_in_second, p(k), and that is the only p-value below 1
 * which such an item can have. So the chance that any item of one side alone has p(k) <= t is at
 * most the sum of those p(k) that are, over the items of both sides together: a test with hardly a
 * price for many items (Tarone 1990). Candidates are those whose k rows would be a hundredth of the
 * side and whose p(k) can tell anything; both depend on the rows of both sides together alone.
 */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../stats/sort.h"
#include "../stats/twosample.h"
#include "../text/hash.h"
#include "probe.h"
#include "values.h"
#include "words.h"

#define NEWS_SHARE 0.01	 /* of a side that an item must have had */
#define NEWS_TELLING 0.1 /* of alpha: larger probabilities tell nothing */
#define NEWS_WEIGHT 0.5
#define NEWS_FREE 1e-4 /* of alpha: chances that need no part of the level */
#define FAR_WEIGHT 0.2
#define NEWS_NAMED 3

/* One direction: rows of the side that has it, and of the side that does not. */
struct direction {
	int came;
	uint64_t has_n, lacks_n;
	double telling; /* p(k) of a candidate, at most */
	double p;	/* the least */
	const struct news_item *top[NEWS_NAMED];
	size_t named;
	double share; /* of the most frequent one */
};

static uint64_t has(const struct direction *d, const struct news_item *item)
{
	return d->came ? item->is : item->was;
}

static uint64_t lacks(const struct direction *d, const struct news_item *item)
{
	return d->came ? item->was : item->is;
}

static double all_there(const struct direction *d, uint64_t k)
{
	return twosample_all_in_second(k, d->lacks_n, d->has_n);
}

/* Keeps the most frequent ones. */
static void name_item(struct direction *d, const struct news_item *item)
{
	size_t at = NEWS_NAMED;

	d->named++;
	while (at > 0 && (!d->top[at - 1] || has(d, item) > has(d, d->top[at - 1])))
		at--;
	for (size_t i = NEWS_NAMED - 1; i > at; i--)
		d->top[i] = d->top[i - 1];
	if (at < NEWS_NAMED)
		d->top[at] = item;
}

static void explain(struct finding *f, const struct direction *d, int numbers, const char *what)
{
	size_t shown = d->named < NEWS_NAMED ? d->named : NEWS_NAMED;
	struct buf *b = &f->why;

	for (size_t i = 0; i < shown; i++) {
		buf_adds(b, i == 0 ? "" : i + 1 == d->named ? " and " : ", ");
		(numbers ? words_number : words_quoted)(b, d->top[i]->name, 40);
	}
	if (d->named > shown)
		buf_addf(b, " and %zu more", d->named - shown);
	buf_addf(b, d->named == 1 ? " is %s: " : " are %s: ", d->came ? "new" : "gone");
	if (d->named > 1)
		buf_adds(b, "the first ");
	buf_addf(b, d->came ? "in " : "no longer in any of %llu %s, before in ",
		 (unsigned long long)d->lacks_n, what);
	words_percent(b, d->share);
	if (d->came)
		buf_addf(b, " of %llu %s, before in none", (unsigned long long)d->has_n, what);
	for (size_t i = 0; i < shown; i++) {
		double share = (double)has(d, d->top[i]) / (double)d->has_n;

		finding_name(f, d->top[i]->name, d->came ? 0 : share, d->came ? share : 0);
	}
}

static uint64_t units(const struct news_item *item)
{
	return item->was_units + item->is_units;
}

static int is_candidate(const struct direction *d, const struct news_item *item)
{
	uint64_t rows = item->was + item->is;

	return units(item) >= 2 && rows <= d->has_n &&
	       (double)rows >= NEWS_SHARE * (double)d->has_n &&
	       all_there(d, units(item)) <= d->telling;
}

/* What the candidates' p(k) can be, rising, each with the sum of all up to it. */
struct attainable {
	double *p, *sum;
	size_t n;
};

static void find_attainable(struct attainable *a, const struct direction d[2],
			    const struct news_item *item, size_t n)
{
	size_t cap = 0;

	*a = (struct attainable){0};
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < n; k++) {
			if (!is_candidate(&d[i], &item[k]))
				continue;
			a->p = mem_grow(a->p, &cap, a->n + 1, sizeof *a->p);
			a->p[a->n++] = all_there(&d[i], units(&item[k]));
		}
	}
	a->sum = mem_alloc(a->n, sizeof *a->sum);
	sort_doubles(a->p, a->n);
	for (size_t i = 0; i < a->n; i++)
		a->sum[i] = a->p[i] + (i ? a->sum[i - 1] : 0);
}

/* The chance of any candidate as improbable as that. */
static double chance_of(const struct attainable *a, double p)
{
	size_t lo = 0, hi = a->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (a->p[mid] <= p)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? fmin(1, a->sum[lo - 1]) : 0;
}

/* Names the items that one side alone has. */
static void find_one_sided(struct direction *d, const struct attainable *a,
			   const struct news_item *item, size_t n, double alpha)
{
	for (size_t k = 0; k < n; k++) {
		double p;
		if (!is_candidate(d, &item[k]) || lacks(d, &item[k]))
			continue;
		p = all_there(d, units(&item[k]));
		d->p = fmin(d->p, p);
		if (chance_of(a, p) <= alpha)
			name_item(d, &item[k]);
	}
	if (d->named)
		d->share = (double)has(d, d->top[0]) / (double)d->has_n;
}

void probe_news(struct line *l, const struct probe *p, const struct news_item *item, size_t n,
		uint64_t was_n, uint64_t is_n, const char *what)
{
	struct direction d[2] = {{.came = 0, .has_n = was_n, .lacks_n = is_n, .p = 1},
				 {.came = 1, .has_n = is_n, .lacks_n = was_n, .p = 1}};
	struct attainable a;

	for (int i = 0; i < 2; i++)
		d[i].telling = NEWS_TELLING * p->options->alpha;
	find_attainable(&a, d, item, n);
	if (!a.n)
		goto cleanup;
	for (int i = 0; i < 2; i++)
		find_one_sided(&d[i], &a, item, n, p->options->alpha);
	const struct direction *best = d[1].p < d[0].p ? &d[1] : &d[0],
			       *other = best == &d[0] ? &d[1] : &d[0];
	struct finding *f =
		line_found_more(l, best->came ? "new" : "gone", NEWS_WEIGHT, best->share,
				best->named ? chance_of(&a, best->p) : NAN, best->share);
	/* Where all that could be found is next to impossible by chance, asking costs nothing. */
	if (!f && chance_of(&a, NEWS_WEIGHT * p->options->alpha) <= NEWS_FREE * p->options->alpha)
		l->more_weight -= NEWS_WEIGHT;
	if (!f)
		goto cleanup;
	f->always = 1;
	f->unseen = d[1].share;
	explain(f, best, l->type == TYPE_NUMBER, what);
	if (other->named) {
		buf_adds(&f->why, "; ");
		explain(f, other, l->type == TYPE_NUMBER, what);
	}
cleanup:
	free(a.p);
	free(a.sum);
}

/* --- numbers --- */

/* Of a number: its rows, or the blocks that have it. */
static uint64_t units_of(const struct probe_units *u, double x, uint64_t rows)
{
	return u ? probe_units_of(u, hash64((struct span){(const char *)&x, sizeof x}, 0)) : rows;
}

static void find_units(struct probe_units *u, const struct probe *p, int current,
		       const struct column *c)
{
	for (size_t i = 0; i < c->cells_n; i++) {
		double x;
		if (values_number(c, &c->cells[i], &x))
			probe_units_add(u, p, current, c->cells[i].row,
					hash64((struct span){(const char *)&x, sizeof x}, 0));
	}
}

/* The values that repeat enough to be candidates, by name. u: of either side; NULL where rows are
 * independent. */
static void probe_single(struct line *l, const struct probe *p, const double *x, size_t n,
			 const double *y, size_t m, const struct probe_units *const u[2])
{
	double least = fmax(2, NEWS_SHARE * (double)(n < m ? n : m));
	struct news_item *item = NULL;
	char(*code)[COLUMN_CODE] = NULL;
	size_t items = 0, item_cap = 0, code_cap = 0;

	for (size_t i = 0, j = 0; i < n || j < m;) {
		double v = j == m || (i < n && x[i] <= y[j]) ? x[i] : y[j];
		size_t i_from = i, j_from = j;
		while (i < n && x[i] == v)
			i++;
		while (j < m && y[j] == v)
			j++;
		if ((double)(i - i_from + j - j_from) < least)
			continue;
		item = mem_grow(item, &item_cap, items + 1, sizeof *item);
		code = mem_grow(code, &code_cap, items + 1, sizeof *code);
		item[items] = (struct news_item){i - i_from,
						 j - j_from,
						 units_of(u[0], v, i - i_from),
						 units_of(u[1], v, j - j_from),
						 {0}};
		item[items].name.n = column_code(v, code[items]).n;
		items++;
	}
	for (size_t i = 0; i < items; i++)
		item[i].name.s = code[i];
	probe_news(l, p, item, items, n, m, "rows");
	free(item);
	free(code);
}

/* What lies further beyond the reference's range than that is wide. */
struct far {
	double least, most;	/* of the reference */
	double from, to;	/* not far */
	size_t below, above;	/* current values */
	uint64_t units;		/* of these, as rows are counted */
	double lowest, highest; /* of all rows */
};

static struct far far_of(const struct line *l, const double *x, size_t n, const double *y, size_t m)
{
	struct far f = {.least = fmin(l->reference->least, x[0]),
			.most = fmax(l->reference->most, x[n - 1]),
			.lowest = fmin(l->current->least, y[0]),
			.highest = fmax(l->current->most, y[m - 1])};
	double width = f.most - f.least;

	width = width > 0 ? width : fabs(f.most);
	f.from = f.least - width;
	f.to = f.most + width;
	while (f.below < m && y[f.below] < f.from)
		f.below++;
	while (f.above < m && y[m - 1 - f.above] > f.to)
		f.above++;
	return f;
}

static void put_far(struct buf *b, const struct far *f)
{
	if (f->highest > f->to) {
		buf_adds(b, "values up to ");
		words_figures(b, f->highest, ", far beyond the reference's largest, ", f->most);
	}
	if (f->lowest < f->from) {
		buf_adds(b, f->highest > f->to ? "; values down to " : "values down to ");
		words_figures(b, f->lowest, ", far below the reference's least, ", f->least);
	}
}

/* The value of that rank, from 0, among all. */
static double pooled_at(const double *x, size_t n, const double *y, size_t m, size_t rank)
{
	size_t i = 0, j = 0;

	while (i + j < rank) {
		if (j == m || (i < n && x[i] <= y[j]))
			i++;
		else
			j++;
	}
	return j == m || (i < n && x[i] <= y[j]) ? x[i] : y[j];
}

/* Whether any of all values lies far from the middle four fifths of them: else none could be far
 * off, however the rows were dealt. */
static int any_apart(const double *x, size_t n, const double *y, size_t m)
{
	size_t all = n + m;
	double low = pooled_at(x, n, y, m, all / 10),
	       high = pooled_at(x, n, y, m, all - 1 - all / 10), width = high - low;

	return pooled_at(x, n, y, m, 0) < low - width ||
	       pooled_at(x, n, y, m, all - 1) > high + width;
}

/* As long as the median of all lies within the reference's range, k far values are the k that lie
 * furthest from it; dealt at random, all of them would be current ones with the probability of
 * twosample_all_in_second. */
static void probe_far(struct line *l, const struct far *f, double median, size_t n, size_t m)
{
	int inside = median >= f->least && median <= f->most;
	double share = (double)(f->above + f->below) / (double)m;
	struct finding *found =
		line_found_more(l, "far-off", FAR_WEIGHT, share,
				share > 0 && inside ? twosample_all_in_second(f->units, n, m) : NAN,
				share);

	if (!found)
		return;
	found->always = 1;
	found->unseen = share;
	words_percent(&found->why, share);
	buf_adds(&found->why, " far off: ");
	put_far(&found->why, f);
}

/* The blocks of current rows whose value is far off. */
static uint64_t blocks_far(const struct line *l, const struct probe *p, const struct far *f)
{
	const struct column *c = l->current;
	struct probe_units u = {0};

	for (size_t i = 0; i < c->cells_n; i++) {
		double x;
		if (values_number(c, &c->cells[i], &x) && (x < f->from || x > f->to))
			probe_units_add(&u, p, 1, c->cells[i].row, 0);
	}
	uint64_t n = probe_units_of(&u, 0);
	probe_units_release(&u);
	return n;
}

void probe_numbers_named(struct line *l, const struct probe *p, const double *x, size_t n,
			 const double *y, size_t m)
{
	struct probe_units was = {0}, is = {0};
	const struct probe_units *const u[2] = {probe_in_blocks(p) ? &was : NULL,
						probe_in_blocks(p) ? &is : NULL};
	struct far f;

	if (probe_in_blocks(p)) {
		find_units(&was, p, 0, l->reference);
		find_units(&is, p, 1, l->current);
	}
	probe_single(l, p, x, n, y, m, u);
	probe_units_release(&was);
	probe_units_release(&is);
	if (isinf(x[0]) || isinf(x[n - 1]))
		return; /* nothing is beyond such a range */
	f = far_of(l, x, n, y, m);
	f.units = probe_in_blocks(p) ? blocks_far(l, p, &f) : f.above + f.below;
	if (any_apart(x, n, y, m))
		probe_far(l, &f, pooled_at(x, n, y, m, (n + m) / 2), n, m);
	put_far(&l->warning, &f);
}
