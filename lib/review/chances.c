/* chances: see chances.h. */
#include "chances.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "../text/fold.h"

/* Sums of floats end a little above 1. */
#define ONE 1.001

void chances_release(struct chances *c)
{
	free(c->v);
	buf_release(&c->names);
	buf_release(&c->scratch);
	*c = (struct chances){0};
}

struct span chances_name(const struct chances *c, size_t i)
{
	return (struct span){c->names.data + c->v[i].name, c->v[i].name_n};
}

/* A number, or one in a text, with % behind it at most. NaN where it is none. */
static double read_number(struct chances *c, struct span value, int *percent)
{
	double x;
	char *end;
	if (json_number(value, &x) == 0)
		return x;
	buf_clear(&c->scratch);
	if (json_string(value, &c->scratch) || !c->scratch.len)
		return NAN;
	x = strtod(c->scratch.data, &end);
	while (*end == ' ')
		end++;
	*percent |= *end == '%';
	end += *end == '%';
	return *end || end == c->scratch.data ? NAN : x;
}

/* What was read of one row. */
struct sums {
	size_t named, numbers, shares;
	double sum, most;
	int percent;
};

static void add(struct chances *c, struct span name, struct span value, struct sums *s)
{
	double p = read_number(c, value, &s->percent);
	size_t at = c->names.len;
	s->named++;
	if (isnan(p))
		return;
	s->numbers++;
	s->sum += p;
	s->most = fmax(s->most, p);
	if (!(p >= 0 && p < ONE))
		return;
	if (json_string(name, &c->names) && buf_addspan(&c->names, name))
		return;
	s->shares++;
	c->v = mem_grow(c->v, &c->cap, c->n + 1, sizeof *c->v);
	c->v[c->n++] = (struct chance){at, c->names.len - at, fmin(p, 1)};
}

static struct span member_of(struct span object, const char *const *names)
{
	struct span v = {0};
	for (; *names && !v.s; names++)
		v = json_member(object, *names);
	return v;
}

static int is_list(struct span v)
{
	return json_kind(v) == JSON_ARRAY;
}

/* Two lists of equal length: labels and their probabilities. */
static void add_lists(struct chances *c, struct span labels, struct span scores, struct sums *s)
{
	struct json_iter it = {0}, other = {0};
	struct span key, label, score;
	while (json_next(&it, labels, &key, &label) && json_next(&other, scores, &key, &score))
		add(c, label, score, s);
}

static enum chances_fault add_items(struct chances *c, struct span list, struct sums *s)
{
	static const char *const label_names[] = {"label", "class", "name", NULL},
				 *const p_names[] = {"score",	    "p",	  "prob",
						     "probability", "confidence", NULL};
	struct json_iter it = {0};
	struct span key, item, label, p;
	size_t numbers = 0, others = 0;
	while (json_next(&it, list, &key, &item)) {
		struct json_iter pair = {0};
		if (json_kind(item) == JSON_NUMBER) {
			numbers++;
		} else if (json_kind(item) == JSON_OBJECT &&
			   (label = member_of(item, label_names)).s &&
			   (p = member_of(item, p_names)).s) {
			add(c, label, p, s);
		} else if (is_list(item) && json_count(item) == 2 &&
			   json_next(&pair, item, &key, &label) &&
			   json_kind(label) == JSON_STRING && json_next(&pair, item, &key, &p)) {
			add(c, label, p, s);
		} else {
			others++;
		}
	}
	return numbers && !s->named ? CHANCES_UNLABELLED
	       : numbers || others  ? CHANCES_NO_FORM
				    : CHANCES_FINE;
}

enum chances_fault chances_read(struct chances *c, struct span value)
{
	struct span first = json_element(value, 0), key, v;
	struct json_iter it = {0};
	struct sums s = {0};
	enum chances_fault fault = CHANCES_FINE;
	c->n = 0;
	buf_clear(&c->names);
	/* one list for each text that was classified */
	if (json_count(value) == 1 && is_list(first) &&
	    json_kind(json_element(first, 0)) != JSON_STRING)
		value = first;
	if (is_list(value)) {
		fault = add_items(c, value, &s);
	} else if (json_kind(value) != JSON_OBJECT) {
		fault = CHANCES_NO_FORM;
	} else if (is_list(json_member(value, "labels")) && is_list(json_member(value, "scores"))) {
		add_lists(c, json_member(value, "labels"), json_member(value, "scores"), &s);
	} else {
		while (json_next(&it, value, &key, &v))
			add(c, key, v, &s);
	}
	if (fault == CHANCES_FINE && s.numbers &&
	    (s.percent || (s.most > ONE && s.sum >= 98 && s.sum <= 102) ||
	     (!s.shares && s.most > ONE && s.most <= 100)))
		fault = CHANCES_PERCENT;
	if (fault == CHANCES_FINE && s.named && !s.shares)
		fault = CHANCES_NO_NUMBERS;
	if (fault != CHANCES_FINE)
		c->n = 0;
	return fault;
}

void chances_fold(struct span label, struct buf *to)
{
	struct buf text = BUF_INIT;
	struct span rest = label;
	size_t from = 0, end = 0;
	int c, inside = 0;
	while ((c = fold_next(&rest)) >= 0) {
		if (fold_is_space(c)) {
			from = inside ? from : label.n - rest.n;
			continue;
		}
		inside = 1;
		end = label.n - rest.n;
	}
	if (rest.n || !inside || fold_case((struct span){label.s + from, end - from}, &text))
		buf_addspan(to, label); /* blank, or no UTF-8 */
	else
		buf_addspan(to, buf_span(&text));
	buf_release(&text);
}

double chances_of(const struct chances *c, struct span label)
{
	struct buf wanted = BUF_INIT, name = BUF_INIT;
	double p = NAN;
	size_t alike = 0;
	for (size_t i = 0; i < c->n; i++)
		if (span_eq(chances_name(c, i), label))
			return c->v[i].p;
	chances_fold(label, &wanted);
	for (size_t i = 0; i < c->n; i++) {
		buf_clear(&name);
		chances_fold(chances_name(c, i), &name);
		if (span_eq(buf_span(&name), buf_span(&wanted))) {
			p = c->v[i].p;
			alike++;
		}
	}
	buf_release(&wanted);
	buf_release(&name);
	return alike == 1 ? p : NAN;
}
