/* similar: edit distance, word overlap, ROUGE, BLEU and chrF. See similar.h.
 *
 * Words are interned to small numbers first (per call), so the counting loops compare integers.
 * N-grams are counted in one sorted list.
 */
#include "similar.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/fold.h"
#include "../text/hash.h"

/* A text as a list of numbers: words (by hash) or code points. */
struct list {
	uint64_t *v;
	size_t n, cap;
};

static void push(struct list *l, uint64_t x)
{
	l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n++] = x;
}

static struct list code_points(struct span s, int skip_space)
{
	struct list l = {0};
	int c;

	while ((c = fold_next(&s)) >= 0)
		if (!skip_space || !fold_is_space(c))
			push(&l, (uint64_t)c);
	return l;
}

static double f_measure(double common, double said, double expected)
{
	double p = said > 0 ? common / said : 0, r = expected > 0 ? common / expected : 0;

	return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

/* Takes off what both begin with and then what both end with, and returns how much that is. Neither
 * an edit distance nor a longest common subsequence is changed by it otherwise. */
static size_t trim(struct list *x, struct list *y, const uint64_t **from_x, const uint64_t **from_y)
{
	size_t head = 0, tail = 0;

	while (head < x->n && head < y->n && x->v[head] == y->v[head])
		head++;
	while (tail < x->n - head && tail < y->n - head &&
	       x->v[x->n - 1 - tail] == y->v[y->n - 1 - tail])
		tail++;
	/* An empty list has no array. */
	*from_x = head ? x->v + head : x->v;
	*from_y = head ? y->v + head : y->v;
	x->n -= head + tail;
	y->n -= head + tail;
	return head + tail;
}

static int too_long(const struct list *x, const struct list *y)
{
	return (double)x->n * (double)y->n > SIMILAR_STEPS;
}

/* --- Levenshtein --- */

static size_t edits(const uint64_t *x, size_t n, const uint64_t *y, size_t m)
{
	size_t *row = mem_alloc(m + 1, sizeof *row), distance;

	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (x[i - 1] != y[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	distance = row[m];
	free(row);
	return distance;
}

double similar_levenshtein(struct span a, struct span b)
{
	struct list x = code_points(a, 0), y = code_points(b, 0);
	size_t longer = x.n > y.n ? x.n : y.n;
	const uint64_t *from_x, *from_y;
	double similarity = 1;

	trim(&x, &y, &from_x, &from_y);
	if (too_long(&x, &y))
		similarity = NAN;
	else if (longer > 0)
		similarity = 1 - (double)edits(from_x, x.n, from_y, y.n) / (double)longer;
	free(x.v);
	free(y.v);
	return similarity;
}

/* --- counting --- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* All n-grams of l, each as one number, sorted. Single items keep their own number. */
static struct list ngrams(const struct list *l, size_t n)
{
	struct list g = {0};

	if (l->n < n)
		return g;
	g.v = mem_alloc(l->n - n + 1, sizeof *g.v);
	g.n = l->n - n + 1;
	for (size_t i = 0; i < g.n; i++) {
		uint64_t h = l->v[i];

		for (size_t k = 1; k < n; k++)
			h = hash_mix(h, l->v[i + k]);
		g.v[i] = h;
	}
	if (g.n <= 32) {
		for (size_t i = 1; i < g.n; i++) {
			uint64_t x = g.v[i];
			size_t j = i;

			for (; j > 0 && g.v[j - 1] > x; j--)
				g.v[j] = g.v[j - 1];
			g.v[j] = x;
		}
	} else {
		mem_sort(g.v, g.n, sizeof *g.v, by_number);
	}
	return g;
}

/* Size of the intersection of two sorted bags. */
static double common(const struct list *a, const struct list *b)
{
	size_t i = 0, j = 0, n = 0;

	while (i < a->n && j < b->n) {
		if (a->v[i] == b->v[j]) {
			n++;
			i++;
			j++;
		} else if (a->v[i] < b->v[j]) {
			i++;
		} else {
			j++;
		}
	}
	return (double)n;
}

static struct list split_words(struct span s)
{
	struct list l = {0};
	size_t i = 0;

	while (i < s.n) {
		size_t from;

		while (i < s.n && s.s[i] == ' ')
			i++;
		from = i;
		while (i < s.n && s.s[i] != ' ')
			i++;
		if (i > from)
			push(&l, hash64((struct span){s.s + from, i - from}, 0));
	}
	return l;
}

/* --- SQuAD --- */

double similar_f1(struct span answer, struct span reference)
{
	struct buf a = BUF_INIT, r = BUF_INIT;
	struct list x, y, gx, gy;
	double f;

	fold_squad(answer, &a);
	fold_squad(reference, &r);
	x = split_words(buf_span(&a));
	y = split_words(buf_span(&r));
	gx = ngrams(&x, 1);
	gy = ngrams(&y, 1);
	f = f_measure(common(&gx, &gy), (double)x.n, (double)y.n);
	free(x.v);
	free(y.v);
	free(gx.v);
	free(gy.v);
	buf_release(&a);
	buf_release(&r);
	return f;
}

/* --- ROUGE --- */

/* Lower case; every run of [a-z0-9] is a word. Letters outside ASCII part words there, and so here.
 * Two capitals lower to ASCII: KELVIN SIGN to k, and I WITH DOT to i and a combining dot, which
 * ends the word. */
static struct list rouge_words(struct span s)
{
	struct list l = {0};
	char word[256];
	size_t n = 0;
	uint64_t longer = 0;
	int c, inside = 0, dotted = 0;

	do {
		c = dotted ? 0x307 : fold_next(&s);
		dotted = c == 0x130;
		if (c >= 'A' && c <= 'Z')
			c += 32;
		else if (c == 0x212a)
			c = 'k';
		else if (c == 0x130)
			c = 'i';
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
			/* A word of any length, hashed in pieces. */
			if (n == sizeof word) {
				longer = hash64((struct span){word, n}, longer + 1);
				n = 0;
			}
			word[n++] = (char)c;
			inside = 1;
		} else if (inside) {
			push(&l, hash64((struct span){word, n}, longer));
			n = 0;
			longer = 0;
			inside = 0;
		}
	} while (c >= 0);
	return l;
}

double similar_rouge_n(struct span answer, struct span reference, int n)
{
	struct list x = rouge_words(answer), y = rouge_words(reference), gx = ngrams(&x, (size_t)n),
		    gy = ngrams(&y, (size_t)n);
	double f = f_measure(common(&gx, &gy), (double)gx.n, (double)gy.n);

	free(x.v);
	free(y.v);
	free(gx.v);
	free(gy.v);
	return f;
}

static size_t common_subsequence(const uint64_t *x, size_t n, const uint64_t *y, size_t m)
{
	uint32_t *row = mem_alloc(m + 1, sizeof *row);
	size_t length;

	for (size_t i = 0; i < n; i++) {
		uint32_t diagonal = 0;

		for (size_t j = 1; j <= m; j++) {
			uint32_t above = row[j];

			if (x[i] == y[j - 1])
				row[j] = diagonal + 1;
			else if (row[j - 1] > above)
				row[j] = row[j - 1];
			diagonal = above;
		}
	}
	length = row[m];
	free(row);
	return length;
}

double similar_rouge_l(struct span answer, struct span reference)
{
	struct list x = rouge_words(answer), y = rouge_words(reference);
	double said = (double)x.n, expected = (double)y.n, f = NAN;
	const uint64_t *from_x, *from_y;
	size_t both = trim(&x, &y, &from_x, &from_y);

	if (!too_long(&x, &y))
		f = f_measure((double)(both + common_subsequence(from_x, x.n, from_y, y.n)), said,
			      expected);
	free(x.v);
	free(y.v);
	return f;
}

/* --- BLEU --- */

static int is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* The 13a tokenizer (mteval-v13a): punctuation apart, but `.` and `,` only when no digit stands
 * beside them, `-` behind a digit. */
static void tokenize_13a(struct span s, struct buf *b)
{
	struct buf text = BUF_INIT;

	buf_addc(&text, ' ');
	for (size_t i = 0; i < s.n; i++) {
		static const struct {
			const char *entity;
			char c;
		} entities[] = {{"&quot;", '"'}, {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}};
		struct span rest = {s.s + i, s.n - i};
		size_t k = 0;

		if (rest.n >= 9 && memcmp(rest.s, "<skipped>", 9) == 0) {
			i += 8;
			continue;
		}
		if (rest.n >= 2 && rest.s[0] == '-' && rest.s[1] == '\n') {
			i++;
			continue;
		}
		while (k < 4 &&
		       !(rest.n >= strlen(entities[k].entity) &&
			 memcmp(rest.s, entities[k].entity, strlen(entities[k].entity)) == 0))
			k++;
		if (k < 4) {
			buf_addc(&text, entities[k].c);
			i += strlen(entities[k].entity) - 1;
		} else {
			buf_addc(&text, s.s[i] == '\n' ? ' ' : s.s[i]);
		}
	}
	buf_addc(&text, ' ');
	for (size_t i = 1; i < text.len; i++) {
		int c = (unsigned char)text.data[i], before = (unsigned char)text.data[i - 1];
		int behind = i + 1 < text.len ? (unsigned char)text.data[i + 1] : ' ';

		/* [{-~[-` -&(-+:-@/]: all ASCII punctuation but ' , - . */
		if ((c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
		    (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/')
			buf_addf(b, " %c ", c);
		else if ((c == '.' || c == ',') && (!is_digit(before) || !is_digit(behind)))
			buf_addf(b, " %c ", c);
		else if (c == '-' && is_digit(before))
			buf_addf(b, " - ");
		else
			buf_addc(b, c);
	}
	buf_release(&text);
}

/* Words parted by white space in the sense of Python's split. */
static struct list any_words(struct span s)
{
	struct list l = {0};
	struct span rest = s;
	const char *from = NULL;

	for (;;) {
		const char *at = rest.s;
		int c = fold_next(&rest);

		if (from && (c < 0 || fold_is_space(c))) {
			push(&l, hash64((struct span){from, (size_t)(at - from)}, 0));
			from = NULL;
		}
		if (c < 0)
			return l;
		if (!from && !fold_is_space(c))
			from = at;
	}
}

double similar_bleu(struct span answer, struct span reference)
{
	struct buf a = BUF_INIT, r = BUF_INIT;
	struct list x, y;
	double logs = 0, smooth = 1, brevity = 1;
	int order = 0, any = 0;

	tokenize_13a(answer, &a);
	tokenize_13a(reference, &r);
	x = any_words(buf_span(&a));
	y = any_words(buf_span(&r));
	for (size_t n = 1; n <= 4; n++) {
		struct list gx = ngrams(&x, n), gy = ngrams(&y, n);
		double right = common(&gx, &gy), total = (double)gx.n;

		free(gx.v);
		free(gy.v);
		if (total == 0)
			break;
		order++;
		any |= right > 0;
		if (right == 0) {
			smooth *= 2;
			right = 1 / smooth;
		}
		logs += log(right / total);
	}
	if (x.n < y.n && x.n > 0)
		brevity = exp(1 - (double)y.n / (double)x.n);
	free(x.v);
	free(y.v);
	buf_release(&a);
	buf_release(&r);
	return any ? fmin(1, brevity * exp(logs / order)) : 0;
}

/* --- chrF --- */

double similar_chrf(struct span answer, struct span reference)
{
	struct list x = code_points(answer, 1), y = code_points(reference, 1);
	double precision = 0, recall = 0, f = 0;
	int order = 0;

	for (size_t n = 1; n <= 6; n++) {
		struct list gx = ngrams(&x, n), gy = ngrams(&y, n);

		if (gx.n > 0 && gy.n > 0) {
			double both = common(&gx, &gy);

			precision += both / (double)gx.n;
			recall += both / (double)gy.n;
			order++;
		}
		free(gx.v);
		free(gy.v);
	}
	free(x.v);
	free(y.v);
	if (order == 0)
		return 0;
	precision /= order;
	recall /= order;
	if (precision + recall > 0)
		f = 5 * precision * recall / (4 * precision + recall);
	return fmin(1, f);
}
