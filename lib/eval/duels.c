/* duels: see duels.h. */
#include "duels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/multiple.h"
#include "../stats/paired.h"
#include "../stats/rank.h"

void duels_release(struct duels *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->models[i]);
	free(d->models);
	free(d->wins);
	free(d->ties);
	buf_release(&d->text);
	memset(d, 0, sizeof *d);
}

int duels_is_pair(const struct record *r)
{
	return json_kind(record_get(r, "a")) == JSON_OBJECT &&
	       json_kind(record_get(r, "b")) == JSON_OBJECT;
}

double duels_winner(struct span v)
{
	return json_is(v, "a") ? 1 : json_is(v, "b") ? 0 : json_is(v, "tie") ? 0.5 : NAN;
}

int duels_model(struct duels *d, struct span side, size_t *number, struct err *e)
{
	buf_clear(&d->text);
	if (json_string(json_member(side, "model"), &d->text))
		buf_adds(&d->text, "?");
	buf_addc(&d->text, 0);
	return duels_name(d, d->text.data, number, e);
}

int duels_name(struct duels *d, const char *name, size_t *number, struct err *e)
{
	for (*number = 0; *number < d->n; ++*number)
		if (strcmp(d->models[*number], name) == 0)
			return 0;
	if (d->n == DUELS_MODELS)
		return err_set(e, "more than %d models", DUELS_MODELS);
	d->models = mem_grow(d->models, &d->cap, d->n + 1, sizeof *d->models);
	d->models[d->n++] = mem_strdup(name);
	return 0;
}

void duels_count(struct duels *d, size_t a, size_t b, double winner)
{
	if (!d->wins) {
		d->wins = mem_alloc(DUELS_MODELS * DUELS_MODELS, sizeof *d->wins);
		d->ties = mem_alloc(DUELS_MODELS * DUELS_MODELS, sizeof *d->ties);
	}
	if (winner == 0.5) {
		d->ties[a * DUELS_MODELS + b]++;
		d->ties[b * DUELS_MODELS + a] += a != b;
	} else {
		d->wins[winner == 1 ? a * DUELS_MODELS + b : b * DUELS_MODELS + a]++;
	}
}

int duels_add(struct duels *d, const struct record *r, struct err *e)
{
	double winner = duels_winner(json_member(record_get(r, "judge"), "winner"));
	size_t a, b;

	d->rows++;
	if (duels_model(d, record_get(r, "a"), &a, e) || duels_model(d, record_get(r, "b"), &b, e))
		return -1;
	if (isnan(winner))
		d->errors++;
	else
		duels_count(d, a, b, winner);
	return 0;
}

static double won(const struct duels *d, size_t i, size_t j)
{
	return d->wins ? d->wins[i * DUELS_MODELS + j] : 0;
}

static double tied(const struct duels *d, size_t i, size_t j)
{
	return d->ties ? d->ties[i * DUELS_MODELS + j] : 0;
}

static int by_strength(const void *a, const void *b)
{
	const struct duelist *x = a, *y = b;

	if (isnan(x->strength.value) || isnan(y->strength.value))
		return isnan(x->strength.value) - isnan(y->strength.value);
	if (x->strength.value != y->strength.value)
		return x->strength.value > y->strength.value ? -1 : 1;
	return strcmp(x->model, y->model);
}

static struct interval win_rate(const struct duelist *v, double level)
{
	struct interval d = paired_rate(v->wins, v->losses, v->wins + v->losses + v->ties, level);

	return (struct interval){(1 + d.value) / 2, (1 + d.lo) / 2, (1 + d.hi) / 2};
}

struct duelist *duels_rank(const struct duels *d, double level)
{
	struct duelist *v = mem_alloc(d->n, sizeof *v);
	struct interval *strength = mem_alloc(d->n, sizeof *strength);
	double *points = mem_alloc(d->n * d->n, sizeof *points);

	for (size_t i = 0; i < d->n; i++) {
		v[i].model = d->models[i];
		for (size_t j = 0; j < d->n; j++) {
			points[i * d->n + j] = won(d, i, j) + tied(d, i, j) / 2;
			v[i].wins += won(d, i, j);
			v[i].losses += won(d, j, i);
			v[i].ties += tied(d, i, j);
		}
		v[i].win_rate = win_rate(v + i, level);
	}
	rank_bradley_terry(points, d->n, level, strength);
	for (size_t i = 0; i < d->n; i++)
		v[i].strength = strength[i];
	if (d->n > 0)
		mem_sort(v, d->n, sizeof *v, by_strength);
	free(points);
	free(strength);
	return v;
}

static void put_duelists(const struct duels *d, double level, struct buf *out)
{
	struct duelist *v = duels_rank(d, level);
	struct jw w;

	for (size_t i = 0; i < d->n; i++) {
		jw_init(&w, out);
		jw_object(&w);
		jw_put_int(&w, "rank", i + 1);
		jw_put_str(&w, "model", v[i].model);
		jw_put_figure(&w, "strength", v[i].strength.value, v[i].strength.lo,
			      v[i].strength.hi);
		jw_put_num(&w, "win_rate", v[i].win_rate.value);
		jw_put_int(&w, "wins", (uint64_t)v[i].wins);
		jw_put_int(&w, "losses", (uint64_t)v[i].losses);
		jw_put_int(&w, "ties", (uint64_t)v[i].ties);
		jw_end(&w);
		buf_addc(out, '\n');
	}
	free(v);
}

static size_t find_baseline(const struct duels *d, const char *baseline)
{
	size_t base = 0;

	while (baseline && base < d->n && strcmp(d->models[base], baseline) != 0)
		base++;
	return base;
}

int duels_check_baseline(const struct duels *d, const char *baseline, struct err *e)
{
	return d->n == 0 || find_baseline(d, baseline) < d->n
		       ? 0
		       : err_set(e, "no pair holds an answer of the model '%s'", baseline);
}

void duels_write(const struct duels *d, const char *baseline, double level, struct buf *out)
{
	double *p = mem_alloc(2 * d->n, sizeof *p), *adjusted = p + d->n;
	size_t base = find_baseline(d, baseline);
	struct jw w;

	if (d->n == 0) {
		free(p);
		return;
	}
	put_duelists(d, level, out);
	for (size_t j = 0; j < d->n && base < d->n; j++)
		p[j] = j == base || won(d, base, j) + won(d, j, base) + tied(d, base, j) == 0
			       ? NAN
			       : paired_mcnemar(won(d, j, base), won(d, base, j));
	multiple_holm(p, d->n, adjusted);
	for (size_t j = 0; j < d->n && base < d->n; j++) {
		double wins = won(d, j, base), losses = won(d, base, j), ties = tied(d, base, j);
		struct interval v = paired_rate(wins, losses, wins + losses + ties, level);

		if (isnan(p[j]))
			continue;
		jw_init(&w, out);
		jw_object(&w);
		jw_put_str(&w, "metric", "judge");
		jw_put_str(&w, "a", d->models[base]);
		jw_put_str(&w, "b", d->models[j]);
		jw_put_int(&w, "n", (uint64_t)(wins + losses + ties));
		jw_put_bounds(&w, "diff", v.value, v.lo, v.hi);
		jw_put_num(&w, "p", p[j]);
		jw_put_num(&w, "p_adj", adjusted[j]);
		jw_put_str(&w, "test", "sign");
		jw_put_int(&w, "wins", (uint64_t)wins);
		jw_put_int(&w, "losses", (uint64_t)losses);
		jw_put_int(&w, "ties", (uint64_t)ties);
		jw_end(&w);
		buf_addc(out, '\n');
	}
	free(p);
}

void duels_table(const struct duels *d, double level, struct table *t)
{
	struct duelist *v = duels_rank(d, level);

	table_head(t, "model|>strength|%g%% interval|>win rate|>wins|>losses|>ties", level * 100);
	for (size_t i = 0; i < d->n; i++) {
		struct interval x = v[i].strength;

		table_name(t, v[i].model);
		table_figure(t, "%+.3f", x.value, x.lo, x.hi);
		table_real(t, "%.4f", isnan(x.value) ? NAN : v[i].win_rate.value);
		table_real(t, "%.0f", v[i].wins);
		table_real(t, "%.0f", v[i].losses);
		table_real(t, "%.0f", v[i].ties);
	}
	free(v);
}
