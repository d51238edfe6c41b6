/* corpus: comparing each row with the rest of its set. See corpus.h. */
#include "corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/hash.h"
#include "../text/moment.h"
#include "key.h"
#include "../stats/order.h"

#define TRIPLES ((size_t)1 << 19)
#define TRIPLE_TEXT 4000 /* bytes of a row that are looked at */
#define ENOUGH 30	 /* rows from which on an outlier can be told */

void review_corpus_init(struct review_corpus *c, const struct path *probabilities, double near)
{
	*c = (struct review_corpus){.probabilities = probabilities};
	c->triples = mem_alloc(TRIPLES, sizeof *c->triples);
	c->inputs = near > 0 ? near_new(near, 1) : NULL;
}

void review_corpus_release(struct review_corpus *c)
{
	for (size_t i = 0; i < c->classes_n; i++)
		free(c->classes[i].name);
	free(c->classes);
	free(c->rows);
	free(c->triples);
	near_free(c->inputs);
	map_release(&c->class_at);
	map_release(&c->folded);
	chances_release(&c->chances);
	map_release(&c->first);
	map_release(&c->references);
	*c = (struct review_corpus){0};
}

/* The texts of a row: its first reference, and all else that people or models said in it. */
static int texts_of(const struct record *r, struct buf *input, struct buf *reference)
{
	struct span final = record_final_assistant(r), key, m;
	struct json_iter it = {0};
	int n = record_references(r, reference, NULL);
	if (n > 0)
		reference->len = strlen(reference->data);
	struct span messages = record_get(r, "messages");
	while (json_next(&it, messages, &key, &m)) {
		if (m.s == final.s || json_is(json_member(m, "role"), "system"))
			continue;
		record_message_text(json_member(m, "content"), input);
		buf_addc(input, '\n');
	}
	json_string(record_get(r, "prompt"), input);
	return n > 0;
}

static uint32_t lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32u : c;
}

static size_t triple_slot(const unsigned char *p)
{
	uint32_t x = lower(p[0]) << 16 | lower(p[1]) << 8 | lower(p[2]);
	return (x * 2654435761u) >> 13; /* Knuth's multiplicative hash; TRIPLES is 2^19 */
}

static void count_triples(struct review_corpus *c, struct span t)
{
	size_t n = t.n < TRIPLE_TEXT ? t.n : TRIPLE_TEXT;
	for (size_t i = 0; i + 3 <= n; i++) {
		c->triples[triple_slot((const unsigned char *)t.s + i)]++;
		c->triples_n++;
	}
}

static uint64_t folded_hash(struct span name)
{
	struct buf folded = BUF_INIT;
	chances_fold(name, &folded);
	uint64_t h = hash64(buf_span(&folded), 0);
	buf_release(&folded);
	return h;
}

static struct label_class *class_of(struct review_corpus *c, struct span name)
{
	int added, known;
	uint64_t *at = map_put(&c->class_at, hash64(name, 0), c->classes_n, &added);
	if (!added)
		return &c->classes[*at];
	uint64_t *alike = map_put(&c->folded, folded_hash(name), c->classes_n, &known);
	if (!known)
		*alike = CORPUS_SEVERAL;
	c->classes = mem_grow(c->classes, &c->classes_cap, c->classes_n + 1, sizeof *c->classes);
	c->classes[c->classes_n] = (struct label_class){.name = span_dup(name)};
	return &c->classes[c->classes_n++];
}

/* Reads a row's class probabilities into c->chances. 0 where it has none that can be read; *fault is
 * why. */
static int read_chances(struct review_corpus *c, const struct record *r, enum chances_fault *fault)
{
	struct buf scratch = BUF_INIT;
	struct span p = path_get(c->probabilities, r, &scratch);
	int some = json_kind(p) > JSON_NULL;
	*fault = some ? chances_read(&c->chances, p) : CHANCES_FINE;
	if (!some || *fault != CHANCES_FINE) {
		p = json_member(record_get(r, "review"), "probs");
		some = p.s && chances_read(&c->chances, p) == CHANCES_FINE;
	}
	buf_release(&scratch);
	return some;
}

/* The probability of the whole output by the logprobs of its tokens, those of the API or of the
 * record itself; NaN where they are not there. */
static double output_probability(const struct record *r)
{
	struct span all = record_get(r, "logprobs"), key, token;
	struct json_iter it = {0};
	double sum = 0, x;
	if (json_kind(all) == JSON_OBJECT)
		all = json_member(all, "content");
	if (json_kind(all) != JSON_ARRAY || json_count(all) == 0)
		return NAN;
	while (json_next(&it, all, &key, &token)) {
		if (json_number(json_member(token, "logprob"), &x))
			return NAN;
		sum += x;
	}
	return exp(fmin(sum, 0));
}

/* The probability of the row's own label, where c->chances or else the answer's tells it; NaN. */
static double own_probability(const struct review_corpus *c, const struct record *r,
			      struct span label, int some)
{
	struct buf output = BUF_INIT;
	double p;
	if (some)
		return chances_of(&c->chances, label);
	if (!isnan(p = output_probability(r))) {
		if (json_string(record_get(r, "output"), &output))
			p = NAN;
		else if (!span_eq(buf_span(&output), label))
			p = 1 - p;
	}
	buf_release(&output);
	return p;
}

static void doubt(struct review_corpus *c, int why, size_t row)
{
	if (!c->unread[why]++)
		c->first_unread[why] = row + 1;
}

static void count_label(struct review_corpus *c, const struct record *r, struct span label)
{
	enum chances_fault fault;
	int some = read_chances(c, r, &fault);
	double p = own_probability(c, r, label, some);
	if (fault != CHANCES_FINE)
		doubt(c, fault, c->n);
	if (isnan(p))
		return;
	struct label_class *k = class_of(c, label);
	k->sum += p;
	k->n++;
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The year furthest from 2000 among the dates of ten characters (2023-03-01, 01.03.2023,
 * 03/01/2023); 0 where there is none. */
static int year_of(struct span t)
{
	int year = 0;
	for (size_t i = 0; i + 10 <= t.n; i++) {
		const char *s = t.s + i;
		struct date d;
		if (!is_digit(s[0]) || !is_digit(s[9]) ||
		    !(strchr("-/.", s[2]) || strchr("-/.", s[4])) || (i && is_digit(s[-1])) ||
		    (i + 10 < t.n && is_digit(s[10])))
			continue;
		if (moment_date((struct span){s, 10}, &d) &&
		    (!year || abs(d.year - 2000) > abs(year - 2000)))
			year = d.year;
	}
	return year;
}

int review_corpus_count(struct review_corpus *c, const struct record *r, struct err *e)
{
	struct buf input = BUF_INIT, reference = BUF_INIT;
	struct review_corpus_row row = {0};
	struct span v;
	char key[33];
	int rc = record_key(r, key, e);
	if (rc < 0)
		goto cleanup;
	row.has_reference = (unsigned char)texts_of(r, &input, &reference);
	key_halves(key, row.key);
	row.reference = row.has_reference ? hash64(buf_span(&reference), 1) | 2 : 0;
	row.input_length = (float)log1p((double)input.len);
	row.reference_length = (float)log1p((double)reference.len);
	row.is_json = row.has_reference && reference.len && strchr("{[", reference.data[0]) &&
		      json_check(buf_span(&reference), &v, NULL) == 0;
	row.year = row.has_reference ? (int16_t)year_of(buf_span(&reference)) : 0;
	double loss = NAN;
	if (json_number(json_member(record_get(r, "review"), "loss"), &loss))
		loss = NAN;
	row.loss = (float)loss;
	c->with_reference += row.has_reference;
	c->json += row.is_json;
	map_put(&c->first, row.key[0] ^ row.key[1], c->n + 1, NULL);
	if (row.has_reference) {
		uint64_t *known =
			map_put(&c->references, row.key[0] ^ row.key[1], row.reference, NULL);
		if (*known != row.reference)
			*known = 1;
		count_label(c, r, buf_span(&reference));
	}
	count_triples(c, buf_span(&input));
	if (c->inputs && (rc = near_add(c->inputs, buf_span(&input), e)) < 0)
		goto cleanup;
	c->rows = mem_grow(c->rows, &c->cap, c->n + 1, sizeof *c->rows);
	c->rows[c->n++] = row;
cleanup:
	buf_release(&input);
	buf_release(&reference);
	return rc;
}

void review_corpus_measure(struct review_corpus *c, size_t row, const struct record *r)
{
	struct buf input = BUF_INIT, reference = BUF_INIT;
	texts_of(r, &input, &reference);
	size_t n = input.len < TRIPLE_TEXT ? input.len : TRIPLE_TEXT, k = 0;
	double sum = 0;
	/* The row's own triples stand in the counts: each is taken out once, so that a text found
	 * nowhere else does not vouch for itself. */
	for (size_t i = 0; i + 3 <= n; i++, k++) {
		uint32_t seen = c->triples[triple_slot((const unsigned char *)input.data + i)];
		sum -= log((seen > 0 ? seen - 1 + 0.1 : 0.1) / ((double)c->triples_n + 1));
	}
	/* A dozen letters tell no language. */
	c->rows[row].strange = k >= 12 ? (float)(sum / (double)k) : NAN;
	c->rows[row].triples = (uint16_t)k;
	buf_release(&input);
	buf_release(&reference);
}

static double median_of(double *x, size_t n)
{
	order_sort(x, n);
	return order_median(x, n);
}

static double measure_of(const struct review_corpus_row *r, int which)
{
	switch (which) {
	case CORPUS_INPUT:
		return r->input_length;
	case CORPUS_REFERENCE:
		return r->has_reference ? r->reference_length : NAN;
	case CORPUS_STRANGE:
		return r->strange;
	case CORPUS_LOSS:
		return r->loss;
	default:
		return r->year ? r->year : NAN;
	}
}

/* Remembers for each row the nearest other one; rows of the same input are duplicates or conflicts
 * already. */
static void settle_near(struct review_corpus *c, struct pool *pool)
{
	size_t n, unchecked;
	struct near_pair *pairs = near_pairs(c->inputs, pool, &n, &unchecked);
	for (size_t i = 0; i < n; i++) {
		const struct near_pair *p = &pairs[i];
		struct review_corpus_row *a = &c->rows[p->a], *b = &c->rows[p->b];
		if (a->key[0] == b->key[0] && a->key[1] == b->key[1])
			continue;
		if (!a->near) {
			a->near = p->b + 1;
			a->jaccard = p->jaccard;
		}
		if (!b->near) {
			b->near = p->a + 1;
			b->jaccard = p->jaccard;
		}
	}
	free(pairs);
	near_free(c->inputs);
	c->inputs = NULL;
}

void review_corpus_settle(struct review_corpus *c, struct pool *pool)
{
	if (c->inputs)
		settle_near(c, pool);
	double *x = mem_alloc(c->n, sizeof *x);
	for (int which = 0; which < CORPUS_MEASURES; which++) {
		size_t n = 0;
		for (size_t i = 0; i < c->n; i++) {
			double v = measure_of(&c->rows[i], which);
			if (!isnan(v))
				x[n++] = v;
		}
		c->centre[which] = c->spread[which] = NAN;
		if (n < ENOUGH)
			continue;
		c->centre[which] = median_of(x, n);
		for (size_t i = 0; i < n; i++)
			x[i] = fabs(x[i] - c->centre[which]);
		/* of a normal: its standard deviation */
		c->spread[which] = 1.4826 * median_of(x, n);
	}
	free(x);
	for (size_t i = 0; i < c->classes_n; i++)
		c->classes[i].threshold = c->classes[i].sum / (double)c->classes[i].n;
}

/* Robust z of one measure; 0 where nothing can be told. A spread of nearly nothing (labels all of
 * one length) is widened, for otherwise every second row would stand out: lengths are logarithms,
 * strangeness and loss nats, years years. */
static double outlying(const struct review_corpus *c, const struct review_corpus_row *r, int which)
{
	static const double least[CORPUS_MEASURES] = {0.25, 0.25, 0.25, 0.25, 2};
	double v = measure_of(r, which), spread = c->spread[which];
	if (isnan(v) || isnan(spread))
		return 0;
	return (v - c->centre[which]) / fmax(spread, least[which]);
}

/* The likeliest of the other classes that count: a class counts for a row only where its
 * probability reaches what rows of that class have on average. */
struct rival {
	struct span name;
	double p;
};

/* The class of a name: of the same bytes, else the one that folds to the same; NULL. */
static const struct label_class *class_named(const struct review_corpus *c, struct span name)
{
	const uint64_t *at = map_get(&c->class_at, hash64(name, 0));
	if (!at)
		at = map_get(&c->folded, folded_hash(name));
	return at && *at != CORPUS_SEVERAL ? &c->classes[*at] : NULL;
}

static void consider(const struct label_class *k, struct span own, double p, struct rival *best)
{
	if (!k || span_eq(span_of(k->name), own) || p < k->threshold || p <= best->p)
		return;
	best->p = p;
	best->name = span_of(k->name);
}

/* Whether the label was found wanting. */
static int find_label(struct review_corpus *c, size_t row, const struct record *r,
		      struct findings *f)
{
	struct buf reference = BUF_INIT, output = BUF_INIT;
	struct rival best = {.p = -1};
	enum chances_fault fault;
	size_t known = 0;
	double own = NAN, p;
	if (record_references(r, &reference, NULL) <= 0)
		goto cleanup;
	reference.len = strlen(reference.data);
	int some = read_chances(c, r, &fault);
	own = own_probability(c, r, buf_span(&reference), some);
	for (size_t i = 0; some && i < c->chances.n; i++) {
		const struct label_class *k = class_named(c, chances_name(&c->chances, i));
		known += k != NULL;
		consider(k, buf_span(&reference), c->chances.v[i].p, &best);
	}
	if (some && c->chances.n && !known && isnan(own))
		doubt(c, CORPUS_OTHER_LABELS, row);
	if (!some && !isnan(p = output_probability(r)) &&
	    json_string(record_get(r, "output"), &output) == 0)
		consider(class_named(c, buf_span(&output)), buf_span(&reference), p, &best);
	/* Ranked by how little the own label is left, on a logarithmic scale: differences of
	 * probabilities are all near 1 for a sure model. */
	if (best.p > own)
		findings_add(f, "label",
			     0.5 + 0.45 * fmin(1, log(best.p / fmax(own, 1e-6)) / log(1e6)),
			     "%.*s is likelier (%.2f) than %s (%.2f)",
			     best.name.n ? (int)best.name.n : 7,
			     best.name.n ? best.name.s : "(empty)", best.p,
			     reference.len ? reference.data : "(empty)", own);
cleanup:
	buf_release(&reference);
	buf_release(&output);
	return best.p > own;
}

void review_corpus_doubt(const struct review_corpus *c, int doubt, struct buf *text)
{
	static const char *const why[CORPUS_DOUBTS] = {
		[CHANCES_PERCENT] = "are percent: divide them by 100",
		[CHANCES_UNLABELLED] =
			"are numbers without labels: an object from label to probability says which is whose",
		[CHANCES_NO_FORM] =
			"are neither an object from label to probability nor a list of labels with theirs",
		[CHANCES_NO_NUMBERS] = "hold no number from 0 to 1",
		[CORPUS_OTHER_LABELS] = "name none of the references of the set",
	};
	if (c->unread[doubt])
		buf_addf(text,
			 "the probabilities at %s of %zu rows, the first row %zu, %s; nothing was read of them",
			 path_text(c->probabilities), c->unread[doubt], c->first_unread[doubt],
			 why[doubt]);
}

void review_corpus_find(struct review_corpus *c, size_t row, const struct record *r,
			struct findings *f)
{
	const struct review_corpus_row *x = &c->rows[row];
	const uint64_t *first = map_get(&c->first, x->key[0] ^ x->key[1]),
		       *references = map_get(&c->references, x->key[0] ^ x->key[1]);
	if (references && *references == 1) {
		findings_add(f, "conflict", 0.7,
			     "the same input stands elsewhere with another reference");
		findings_about(f, x->key);
	}
	if (first && *first - 1 != row && c->rows[*first - 1].reference == x->reference)
		findings_add(f, "duplicate", 0.2, "the same row as record %zu", (size_t)*first);
	if (x->near) {
		const struct review_corpus_row *y = &c->rows[x->near - 1];
		if (y->reference != x->reference)
			findings_add(f, "near-conflict", x->jaccard > 0.999F ? 0.6 : 0.3,
				     "nearly the same input as record %u (similarity %.2f), and another reference",
				     x->near, x->jaccard);
		else
			findings_add(f, "near-duplicate", 0.1,
				     "nearly the same as record %u (similarity %.2f)", x->near,
				     x->jaccard);
		findings_about(f, y->key);
	}
	if (x->has_reference && !x->is_json && c->n >= ENOUGH &&
	    (double)c->json > 0.9 * (double)c->with_reference)
		findings_add(f, "not-json", 0.85,
			     "the reference is no JSON, where %.0f %% of the others are",
			     100.0 * (double)c->json / (double)c->with_reference);
	double z = outlying(c, x, CORPUS_REFERENCE), y = outlying(c, x, CORPUS_INPUT);
	if (fabs(z) > 4)
		findings_add(f, "length", fmin(0.6, 0.1 * fabs(z) - 0.2),
			     "the reference is unusually %s (%.0f bytes)", z > 0 ? "long" : "short",
			     expm1(x->reference_length));
	if (fabs(y) > 4)
		findings_add(f, "length", fmin(0.4, 0.1 * fabs(y) - 0.3),
			     "the input is unusually %s (%.0f bytes)", y > 0 ? "long" : "short",
			     expm1(x->input_length));
	/* Means of few triples scatter more: they count for less, up to a full line of text. */
	z = outlying(c, x, CORPUS_STRANGE) * sqrt(fmin(x->triples, 60) / 60);
	if (z > 4)
		findings_add(f, "language", fmin(0.7, 0.1 * z - 0.2),
			     "its letters are unlike those of the other rows: another language, or no language");
	z = outlying(c, x, CORPUS_YEAR);
	if (fabs(z) > 5)
		findings_add(f, "odd-date", fmin(0.8, 0.3 + 0.02 * fabs(z)),
			     "a date of %d, where most of the others are of about %.0f", x->year,
			     c->centre[CORPUS_YEAR]);
	int mislabelled = find_label(c, row, r, f);
	z = outlying(c, x, CORPUS_LOSS);
	if (z > 4 && !mislabelled) /* or one sign would be counted twice */
		findings_add(f, "loss", fmin(0.7, 0.05 * z),
			     "the model finds the reference unlikely: %.2f a token, the others have %.2f",
			     x->loss, c->centre[CORPUS_LOSS]);
}
