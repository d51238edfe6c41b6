/* objective: the loss of one batch of rows and its gradient.
 *
 * SFT	the sum of weight * -log p over the supervised tokens, by the sum of the weights.
 * DPO	-log sigmoid(beta ((log p(y+) - log p0(y+)) - (log p(y-) - log p0(y-)))) for each pair,
 * 	where p0 is the reference: the base without adapter, or with full training the model before
 * 	the first step (Rafailov et al. 2023, arXiv 2305.18290).
 * ORPO	-a(y+) + beta * -log sigmoid(odds(y+) - odds(y-)), where a(y) is the mean log p of the
 * 	answer's tokens and odds(y) = a - log(1 - exp a); no reference (Hong et al. 2024, arXiv
 * 	2403.07691).
 *
 * KTO	for each row, where its label is true 1 - sigmoid(beta (r - z0)), else 1 - sigmoid(beta (z0 -
 * 	r)), times the label's own weight; r = log p(y) - log p0(y), and z0 = max(0, the mean of the
 * 	same over the mismatched examples of the whole batch), which is not differentiated; p0 as for
 * 	DPO (Ethayarajh et al. 2024, arXiv 2402.01306). The whole batch is that of all ranks, so each
 * 	calls as often as the others, also without a row.
 *
 * log p(y) sums over the answer's supervised tokens; the record's weight multiplies the loss of its
 * pair or row. What is returned is sums and their weight: the division is left to the caller, who has the
 * weight of the whole step at hand, so that sums of several calls, or of several processes, add up.
 *
 * A row is one example of the dataset, or with preferences the pair of examples 2i and 2i + 1.
 */
#ifndef FT_TRAIN_OBJECTIVE_H
#define FT_TRAIN_OBJECTIVE_H

#include <stddef.h>
#include "../base/err.h"
#include "batch.h"
#include "dataset.h"
#include "gradient.h"

enum objective_kind { OBJECTIVE_SFT, OBJECTIVE_DPO, OBJECTIVE_ORPO, OBJECTIVE_KTO };

struct objective {
	struct work *work; /* borrowed */
	enum objective_kind kind;
	double beta;
	double label_weight[2]; /* KTO: of rows with label false, true */
	/* private */
	struct batch_packs packs;
	struct dataset_pack *fill;
	struct train_pack *views;
	size_t *examples; /* of the batch */
	double *logp, *factor, *unordered;
	size_t cap_fill, cap_views, cap_examples, cap_logp, cap_factor, cap_unordered;
};

/* Adds up from call to call. */
struct objective_sums {
	double loss, weight;
	size_t tokens, supervised;
	/* preference losses: pairs, and those whose preferred answer has the better margin */
	size_t pairs, preferred;
	double margin; /* sum over pairs of what the sigmoid sees */
	/* KTO, by label: rows and their sum of beta r; and for each row its batch's z0 */
	size_t labelled[2];
	double reward[2], kl;
};

/* Loss of one pair from log p of its answers (logp[0] the preferred one). aux: DPO: the reference's
 * log p; ORPO: the answers' numbers of tokens. d[i] gets the derivative by logp[i], *z what the
 * sigmoid sees. */
double objective_pair(enum objective_kind kind, double beta, const double logp[2],
		      const double aux[2], double d[2], double *z);

/* KTO's loss of one row of this weight, and its derivative by r. */
double objective_label(double beta, int label, double weight, double r, double z0, double *d);
/* KTO's z0, of log p of n mismatched examples less that of the reference. A collective over all
 * ranks. */
double objective_z0(const double *gain, size_t n);

/* label_weight: NULL for 1 and 1. */
void objective_init(struct objective *o, struct work *work, enum objective_kind kind, double beta,
		    const double label_weight[2]);
void objective_release(struct objective *o);

/* Rows of d for this kind. */
size_t objective_rows(const struct objective *o, const struct dataset *d);

/* DPO, KTO: whether there is a reference; its log p of each example, the mismatched ones behind the
 * others: out [d->n + d->mismatched]. Call it before training; without_adapter
 * says which reference it is. */
int objective_has_reference(enum objective_kind kind);
int objective_reference(struct objective *o, const struct dataset *d, int without_adapter,
			double *out, struct err *e);

/* Adds the sums of n rows to *s and, where grads is not NULL, the gradient of their loss to grads; all
 * ranks do that together, those without a row too.
 * reference as objective_reference gives it. */
int objective_batch(struct objective *o, const struct dataset *d, const double *reference,
		    const size_t *rows, size_t n, struct grads *grads, struct objective_sums *s,
		    struct err *e);

/* The sums over all rows of d, which for KTO are one batch; or, where several processes share the
 * work, over part `part` (from 0) of `parts`. */
int objective_all(struct objective *o, const struct dataset *d, const double *reference,
		  size_t part, size_t parts, struct objective_sums *s, struct err *e);

#endif
