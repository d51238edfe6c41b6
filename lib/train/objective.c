/* Loss and gradient of a batch; see objective.h. */
#include "objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "ranks.h"

#define GROUP_TOKENS 4096 /* examples that are evaluated together hold about this many tokens */

void objective_init(struct objective *o, struct work *work, enum objective_kind kind, double beta,
		    const double label_weight[2])
{
	*o = (struct objective){.work = work, .kind = kind, .beta = beta, .label_weight = {1, 1}};
	if (label_weight)
		memcpy(o->label_weight, label_weight, sizeof o->label_weight);
}

void objective_release(struct objective *o)
{
	for (size_t i = 0; i < o->cap_fill; i++)
		dataset_pack_release(&o->fill[i]);
	free(o->fill);
	free(o->views);
	free(o->examples);
	free(o->unordered);
	free(o->logp);
	free(o->factor);
	batch_packs_release(&o->packs);
	*o = (struct objective){0};
}

static int is_pairs(enum objective_kind kind)
{
	return kind == OBJECTIVE_DPO || kind == OBJECTIVE_ORPO;
}

int objective_has_reference(enum objective_kind kind)
{
	return kind == OBJECTIVE_DPO || kind == OBJECTIVE_KTO;
}

size_t objective_rows(const struct objective *o, const struct dataset *d)
{
	return is_pairs(o->kind) ? d->n / 2 : d->n;
}

/* One pass over the n examples in o->examples, the weights of the i-th multiplied by factor[i]
 * (NULL: as they are). Where logp is not NULL, logp[i] gets the example's sum of weight * log p. */
static int pass(struct objective *o, const struct dataset *d, size_t n, const double *factor,
		int base, struct grads *grads, struct train_loss *l, double *logp, struct err *e)
{
	if (!n) /* the other ranks have some */
		return grads ? train_gradients(o->work, NULL, 0, grads, l, NULL, e) : 0;
	batch_pack(&o->packs, o->examples, n, d->length);
	size_t packs = o->packs.packs, had = o->cap_fill;
	o->fill = mem_grow(o->fill, &o->cap_fill, packs, sizeof *o->fill);
	memset(o->fill + had, 0, (o->cap_fill - had) * sizeof *o->fill);
	o->views = mem_grow(o->views, &o->cap_views, packs, sizeof *o->views);
	o->unordered = mem_grow(o->unordered, &o->cap_unordered, n, sizeof *o->unordered);
	for (size_t p = 0; p < packs; p++) {
		size_t from = o->packs.first[p];
		dataset_pack_fill(&o->fill[p], d, o->examples, o->packs.place + from,
				  o->packs.first[p + 1] - from, factor);
		o->views[p] = o->fill[p].pack;
	}
	double *sums = logp ? o->unordered : NULL;
	if (grads ? train_gradients(o->work, o->views, packs, grads, l, sums, e)
		  : train_loss(o->work, o->views, packs, base, l, sums, e))
		return -1;
	for (size_t i = 0; logp && i < n; i++)
		logp[o->packs.place[i]] = o->unordered[i];
	return 0;
}

/* --- preferences --- */

/* log(1 + exp x) without overflow. */
static double softplus(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double sigmoid(double x)
{
	return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* The record's weight, which all supervised tokens of an example bear. */
static double record_weight(const struct dataset *d, size_t example)
{
	const float *w = d->weights + d->examples[example].at;
	double most = 0;
	for (size_t k = 1; k < d->length[example]; k++)
		most = w[k] > most ? (double)w[k] : most;
	return most;
}

static double answer_tokens(const struct dataset *d, size_t example)
{
	const float *w = d->weights + d->examples[example].at;
	double n = 0;
	for (size_t k = 1; k < d->length[example]; k++)
		n += w[k] != 0;
	return n;
}

static double dpo(double beta, const double *logp, const double *reference, double *d, double *z)
{
	*z = beta * ((logp[0] - reference[0]) - (logp[1] - reference[1]));
	d[0] = -beta * sigmoid(-*z);
	d[1] = -d[0];
	return softplus(-*z);
}

static double orpo(double lambda, const double *logp, const double *tokens, double *d, double *z)
{
	double a[2], odds[2], slope[2];
	for (int i = 0; i < 2; i++) {
		a[i] = logp[i] / tokens[i];
		/* 1 - exp a, which is 0 for an answer that is certain */
		double miss = -expm1(a[i] < -1e-12 ? a[i] : -1e-12);
		odds[i] = a[i] - log(miss);
		slope[i] = 1 / miss;
	}
	*z = odds[0] - odds[1];
	double s = lambda * sigmoid(-*z);
	d[0] = -(1 + s * slope[0]) / tokens[0];
	d[1] = s * slope[1] / tokens[1];
	return -a[0] + lambda * softplus(-*z);
}

double objective_pair(enum objective_kind kind, double beta, const double logp[2],
		      const double aux[2], double d[2], double *z)
{
	return kind == OBJECTIVE_DPO ? dpo(beta, logp, aux, d, z) : orpo(beta, logp, aux, d, z);
}

static int pairs_batch(struct objective *o, const struct dataset *d, const double *reference,
		       size_t n, struct grads *grads, struct objective_sums *s, struct err *e)
{
	struct train_loss l = {0};
	o->logp = mem_grow(o->logp, &o->cap_logp, 2 * n, sizeof *o->logp);
	o->factor = mem_grow(o->factor, &o->cap_factor, 2 * n, sizeof *o->factor);
	for (size_t i = 0; i < 2 * n; i++)
		o->factor[i] = 1 / record_weight(d, o->examples[i]);
	if (pass(o, d, 2 * n, o->factor, 0, NULL, &l, o->logp, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t first = o->examples[2 * i];
		double z, slope[2], weight = record_weight(d, first);
		double tokens[2] = {answer_tokens(d, first), answer_tokens(d, first + 1)};
		const double *aux = o->kind == OBJECTIVE_DPO ? reference + first : tokens;
		double loss = objective_pair(o->kind, o->beta, o->logp + 2 * i, aux, slope, &z);
		s->loss += weight * loss;
		s->weight += weight;
		s->margin += z;
		s->preferred += z > 0;
		for (int j = 0; j < 2; j++) /* the gradient of -log p is what a weight multiplies */
			o->factor[2 * i + (size_t)j] *= -slope[j] * weight;
	}
	s->pairs += n;
	s->tokens += l.tokens;
	s->supervised += l.supervised;
	return grads ? pass(o, d, 2 * n, o->factor, 0, grads, &(struct train_loss){0}, NULL, e) : 0;
}

/* --- labels --- */

double objective_label(double beta, int label, double weight, double r, double z0, double *d)
{
	double way = label ? beta : -beta, miss = sigmoid(way * (z0 - r));
	*d = -weight * way * miss * sigmoid(way * (r - z0));
	return weight * miss;
}

double objective_z0(const double *gain, size_t n)
{
	double x[2] = {0, (double)n};
	for (size_t i = 0; i < n; i++)
		x[0] += gain[i];
	ranks_sum_doubles(x, 2);
	return x[0] < 0 ? 0 : x[0] / x[1];
}

/* Adds a row's loss; *slope gets its derivative by log p. */
static void add_label(const struct objective *o, const struct dataset *d, size_t row, double r,
		      double z0, double *slope, struct objective_sums *s)
{
	int label = d->examples[row].label;
	double weight = record_weight(d, row);
	s->loss += objective_label(o->beta, label, weight * o->label_weight[label], r, z0, slope);
	s->weight += weight;
	s->labelled[label]++;
	s->reward[label] += o->beta * r;
	s->kl += z0;
	s->tokens += d->length[row];
	s->supervised += (size_t)answer_tokens(d, row);
}

static int labels_batch(struct objective *o, const struct dataset *d, const double *reference,
			const size_t *rows, size_t n, struct grads *grads, struct objective_sums *s,
			struct err *e)
{
	double slope;
	o->logp = mem_grow(o->logp, &o->cap_logp, 2 * n, sizeof *o->logp);
	o->factor = mem_grow(o->factor, &o->cap_factor, 2 * n, sizeof *o->factor);
	for (size_t i = 0; i < n; i++) {
		o->examples[i] = rows[i];
		o->examples[n + i] = d->n + rows[i];
	}
	for (size_t i = 0; i < 2 * n; i++)
		o->factor[i] = 1 / record_weight(d, o->examples[i]);
	if (pass(o, d, 2 * n, o->factor, 0, NULL, &(struct train_loss){0}, o->logp, e))
		return -1;
	for (size_t i = 0; i < 2 * n; i++)
		o->logp[i] -= reference[o->examples[i]];
	double z0 = objective_z0(o->logp + n, n);
	for (size_t i = 0; i < n; i++) {
		add_label(o, d, rows[i], o->logp[i], z0, &slope, s);
		o->factor[i] *= -slope; /* the gradient of -log p is what a weight multiplies */
	}
	return grads ? pass(o, d, n, o->factor, 0, grads, &(struct train_loss){0}, NULL, e) : 0;
}

/* --- all kinds --- */

int objective_batch(struct objective *o, const struct dataset *d, const double *reference,
		    const size_t *rows, size_t n, struct grads *grads, struct objective_sums *s,
		    struct err *e)
{
	struct train_loss l = {0};
	o->examples = mem_grow(o->examples, &o->cap_examples, 2 * n + 1, sizeof *o->examples);
	if (o->kind == OBJECTIVE_KTO)
		return labels_batch(o, d, reference, rows, n, grads, s, e);
	if (is_pairs(o->kind)) {
		for (size_t i = 0; i < 2 * n; i++)
			o->examples[i] = 2 * rows[i / 2] + i % 2;
		return pairs_batch(o, d, reference, n, grads, s, e);
	}
	memcpy(o->examples, rows, n * sizeof *rows);
	if (pass(o, d, n, NULL, 0, grads, &l, NULL, e))
		return -1;
	s->loss += l.loss;
	s->weight += l.weight;
	s->tokens += l.tokens;
	s->supervised += l.supervised;
	return 0;
}

/* Rows from `at` on that are evaluated together; returns the end. */
static size_t group_end(const struct dataset *d, size_t at, size_t rows, size_t each)
{
	size_t tokens = 0, end = at;
	while (end < rows) {
		for (size_t j = 0; j < each; j++)
			tokens += d->length[end * each + j];
		if (end > at && tokens > GROUP_TOKENS)
			break;
		end++;
	}
	return end;
}

/* log p of all examples, the mismatched ones too; or of part `part` of `parts`. */
static int all_logp(struct objective *o, const struct dataset *d, int base, size_t part,
		    size_t parts, double *out, struct err *e)
{
	size_t n = d->n + d->mismatched;
	for (size_t at = 0, end, turn = 0; at < n; at = end, turn++) {
		struct train_loss l = {0};
		end = group_end(d, at, n, 1);
		if (turn % parts != part)
			continue;
		o->examples =
			mem_grow(o->examples, &o->cap_examples, end - at, sizeof *o->examples);
		o->factor = mem_grow(o->factor, &o->cap_factor, end - at, sizeof *o->factor);
		for (size_t i = at; i < end; i++) {
			o->examples[i - at] = i;
			o->factor[i - at] = 1 / record_weight(d, i);
		}
		if (pass(o, d, end - at, o->factor, base, NULL, &l, out + at, e))
			return -1;
	}
	return 0;
}

/* All rows as one batch of KTO's, so that its z0 does not depend on how they are grouped. */
static int labels_all(struct objective *o, const struct dataset *d, const double *reference,
		      size_t part, size_t parts, struct objective_sums *s, struct err *e)
{
	size_t n = d->n + d->mismatched;
	double *gain = mem_alloc(n, sizeof *gain), slope;
	int rc = all_logp(o, d, 0, part, parts, gain, e);
	if (!rc) {
		if (parts > 1)
			ranks_sum_doubles(gain, n);
		for (size_t i = 0; i < n; i++)
			gain[i] -= reference[i];
		double z0 = objective_z0(gain + d->n, d->mismatched);
		for (size_t i = part; i < d->n; i += parts)
			add_label(o, d, i, gain[i], z0, &slope, s);
	}
	free(gain);
	return rc;
}

int objective_all(struct objective *o, const struct dataset *d, const double *reference,
		  size_t part, size_t parts, struct objective_sums *s, struct err *e)
{
	if (o->kind == OBJECTIVE_KTO)
		return labels_all(o, d, reference, part, parts, s, e);
	size_t rows = objective_rows(o, d), *group = mem_alloc(rows, sizeof *group);
	int rc = 0;
	for (size_t at = 0, end, turn = 0; at < rows && !rc; at = end, turn++) {
		end = group_end(d, at, rows, d->n / rows);
		if (turn % parts != part)
			continue;
		for (size_t i = at; i < end; i++)
			group[i - at] = i;
		rc = objective_batch(o, d, reference, group, end - at, NULL, s, e);
	}
	free(group);
	return rc;
}

int objective_reference(struct objective *o, const struct dataset *d, int without_adapter,
			double *out, struct err *e)
{
	return all_logp(o, d, without_adapter, 0, 1, out, e);
}
