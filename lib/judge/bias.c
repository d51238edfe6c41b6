/* bias: see bias.h. */
#include "bias.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/mem.h"
#include "../base/out.h"
#include "../json/jw.h"
#include "../stats/logit.h"
#include "../text/fold.h"

void bias_release(struct bias *s)
{
	duels_release(&s->duels);
	free(s->win_b);
	free(s->longer_b);
	free(s->a);
	free(s->b);
	buf_release(&s->text);
	memset(s, 0, sizeof *s);
}

static double length_of(struct span side, struct buf *text)
{
	struct span rest;
	double n = 0;

	buf_clear(text);
	json_string(json_member(side, "output"), text);
	rest = buf_span(text);
	while (fold_next(&rest) >= 0)
		n++;
	return n;
}

/* The family of a model: its name less the organisation and what follows the first part: gpt of
 * openai/gpt-4o-mini. */
static size_t family(const char *name, const char **start)
{
	const char *slash = strrchr(name, '/');
	size_t n = 0;

	*start = slash ? slash + 1 : name;
	while (isalpha((unsigned char)(*start)[n]))
		n++;
	return n;
}

static int same_family(const char *a, const char *b)
{
	const char *x, *y;
	size_t n = family(a, &x), m = family(b, &y);

	return n > 0 && n == m && strncasecmp(x, y, n) == 0;
}

static void add_votes(struct bias *s, struct span judge)
{
	struct json_iter it = {0};
	struct span key, vote;
	double by_order[2] = {NAN, NAN};

	struct span votes = json_member(judge, "votes");
	while (json_next(&it, votes, &key, &vote)) {
		double w = duels_winner(json_member(vote, "winner"));
		int second = json_is(json_member(vote, "first"), "b");

		if (!isnan(w) && w != 0.5) {
			s->decided_votes++;
			s->first_wins += (w == 1) == !second;
		}
		by_order[second] = w;
		/* A juror's two orders stand one after the other. */
		if (second && !isnan(by_order[0]) && !isnan(by_order[1])) {
			s->pairs++;
			s->flips += by_order[0] != by_order[1] && by_order[0] != 0.5 &&
				    by_order[1] != 0.5;
		}
	}
}

int bias_add(struct bias *s, const struct record *rec, struct err *e)
{
	struct span a = record_get(rec, "a"), b = record_get(rec, "b"),
		    judge = record_get(rec, "judge");
	double w, longer;
	size_t n = s->n, x, y;

	if (json_kind(a) != JSON_OBJECT || json_kind(b) != JSON_OBJECT ||
	    json_kind(judge) != JSON_OBJECT)
		return 0;
	s->rows++;
	w = duels_winner(json_member(judge, "winner"));
	if (isnan(w)) {
		s->errors++;
		return 0;
	}
	add_votes(s, judge);
	longer = length_of(b, &s->text) - length_of(a, &s->text);
	if (duels_model(&s->duels, a, &x, e) || duels_model(&s->duels, b, &y, e))
		return -1;
	if (w != 0.5 && longer != 0) {
		s->unequal++;
		s->longer_wins += (w == 0) == (longer > 0);
	}
	buf_clear(&s->text);
	json_string(json_member(judge, "model"), &s->text);
	buf_addc(&s->text, 0);
	if (w != 0.5 && same_family(s->text.data, s->duels.models[x]) !=
				same_family(s->text.data, s->duels.models[y])) {
		s->own_rows++;
		s->own_wins += same_family(s->text.data, s->duels.models[x]) ? w == 1 : w == 0;
	}
	s->win_b = mem_grow(s->win_b, &s->caps[0], n + 1, sizeof *s->win_b);
	s->longer_b = mem_grow(s->longer_b, &s->caps[1], n + 1, sizeof *s->longer_b);
	s->a = mem_grow(s->a, &s->caps[2], n + 1, sizeof *s->a);
	s->b = mem_grow(s->b, &s->caps[3], n + 1, sizeof *s->b);
	s->win_b[n] = 1 - w;
	s->longer_b[n] = longer;
	s->a[n] = x;
	s->b[n] = y;
	duels_count(&s->duels, x, y, w);
	s->n++;
	return 0;
}

static struct interval rate(double k, double n, double level)
{
	return n > 0 ? interval_wilson(k, n, level) : (struct interval){NAN, NAN, NAN};
}

/* The strongest first. */
static void put_models(struct jw *w, const struct bias *s, double level)
{
	struct duelist *v = duels_rank(&s->duels, level);

	jw_put_object(w, "models");
	for (size_t i = 0; i < s->duels.n; i++) {
		jw_put_object(w, v[i].model);
		jw_put_figure(w, "strength", v[i].strength.value, v[i].strength.lo,
			      v[i].strength.hi);
		jw_put_num(w, "win_rate", v[i].win_rate.value);
		jw_put_num(w, "n", v[i].wins + v[i].losses + v[i].ties);
		jw_end(w);
	}
	jw_end(w);
	free(v);
}

/* Of two models: how often the one that came second in the input wins at equal length, and how
 * length pulls. */
static struct interval win_rate_at_equal_length(const struct bias *s, double level,
						struct interval *slope)
{
	double *x = mem_alloc(2 * s->n, sizeof *x), *y = x + s->n, spread = 0;
	struct interval v = {NAN, NAN, NAN};

	for (size_t i = 0; i < s->n; i++)
		spread += s->longer_b[i] * s->longer_b[i] / (double)s->n;
	for (size_t i = 0; i < s->n; i++) {
		x[i] = (s->b[i] == 1 ? 1 : -1) * s->longer_b[i] / (spread > 0 ? sqrt(spread) : 1);
		y[i] = s->b[i] == 1 ? s->win_b[i] : 1 - s->win_b[i];
	}
	*slope = v;
	if (s->duels.n == 2)
		v = logit_rate_at_zero(x, y, s->n, level, slope);
	free(x);
	return v;
}

enum { FIGURES = 6 };

static void figures_of(const struct bias *s, double level, struct interval v[FIGURES])
{
	v[0] = rate(s->first_wins, s->decided_votes, level);
	v[1] = rate(s->flips, s->pairs, level);
	v[2] = rate(s->longer_wins, s->unequal, level);
	v[3] = rate(s->own_wins, s->own_rows, level);
	v[5] = win_rate_at_equal_length(s, level, v + 4);
}

static const struct {
	const char *name, *about;
} names[FIGURES] = {
	{"first_position", "votes for what stands first; 0.5 without leaning"},
	{"flip", "pairs in which both orders name different winners"},
	{"longer", "decided pairs that the longer answer wins"},
	{"own_family", "decided pairs that the judge's own family wins against another"},
	{"length_slope", "log-odds that a standard deviation more of length brings"},
	{"win_rate_at_equal_length", "of the second model, were both answers equally long"},
};

int bias_write(const struct bias *s, double level, struct buf *json)
{
	struct interval v[FIGURES];
	struct jw w;

	figures_of(s, level, v);
	jw_init(&w, json);
	jw_object(&w);
	jw_put_int(&w, "n", s->rows - s->errors);
	jw_put_int(&w, "errors", s->errors);
	for (size_t i = 0; i < FIGURES; i++)
		jw_put_figure(&w, names[i].name, v[i].value, v[i].lo, v[i].hi);
	put_models(&w, s, level);
	jw_end(&w);
	return json->full ? -1 : 0;
}

void bias_table(const struct bias *s, double level, struct buf *text)
{
	struct interval v[FIGURES];
	struct table t = {0};

	figures_of(s, level, v);
	buf_addf(text, "%zu judged pairs (%zu more without a verdict)\n\n", s->rows - s->errors,
		 s->errors);
	table_head(&t, "figure|>value|%g%% interval|what it is", level * 100);
	for (size_t i = 0; i < FIGURES; i++) {
		if (isnan(v[i].value))
			continue;
		table_cell(&t, names[i].name);
		table_figure(&t, "%.4f", v[i].value, v[i].lo, v[i].hi);
		table_cell(&t, names[i].about);
	}
	if (table_rows(&t) > 0) {
		table_write(&t, TABLE_PLAIN, out_columns(), text);
		buf_addc(text, '\n');
	}
	table_release(&t);
	duels_table(&s->duels, level, &t);
	table_write(&t, TABLE_PLAIN, out_columns(), text);
	table_release(&t);
}
