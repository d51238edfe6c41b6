/* estimate: how well a model does on records that nobody has labelled, from scores that go with
 * being right.
 *
 * On the reference, which has both, the share of right answers is learnt as a function of the score:
 * the means of twentieths of the rows, with straight lines between (calibrated confidence, as in
 * Guillory et al. 2021). It is not made to rise: where the score says nothing, that would find a
 * rise in noise, and a change where scores alone moved. Its mean over the current scores is the
 * estimate. The band, for the share of right answers among these very records, is the middle 95 % of
 * draws of what the means could be as well, with the chance that remains in each answer; that of the
 * change is one of what is to be expected, with other rows drawn on both sides. They hold
 * where the same score still means the same: so where the inputs hold what the reference never had,
 * or the scores lie beyond those it had, there is no estimate.
 */
#ifndef FT_DRIFT_ESTIMATE_H
#define FT_DRIFT_ESTIMATE_H

#include "compare.h"

#define ESTIMATE_LABELS 50   /* reference rows with score and truth that it takes */
#define ESTIMATE_DRAWS 400   /* that make a band */
#define ESTIMATE_ROWS 5000   /* of a set that are looked at */
#define ESTIMATE_UNSEEN 0.05 /* share of unseen values that refuses */

struct estimate {
	const char *score, *truth; /* borrowed */
	enum verdict verdict; /* drift: worse than on the reference by min_effect at least, and the
				 band of the change says so */
	double value, lo, hi; /* NaN where there is no estimate */
	double reference;     /* the share of right answers there */
	double change_lo, change_hi; /* the band of value less reference */
	int blind;		     /* the score does not tell right answers from wrong ones */
	size_t n, labels;	     /* current scores, reference rows with both */
	struct buf why;
};

/* score and truth are paths as shown, with the leading dot: truth is true or false, or from 0 to 1.
 * A path that no record has is an error. The caller releases x->why. */
int estimate(const struct comparison *c, const struct frame *reference, const struct frame *current,
	     const struct drift_options *o, const char *score, const char *truth,
	     struct estimate *x, struct err *e);

/* As a JSON object, or a sentence; without a newline. */
void estimate_line(const struct estimate *x, struct buf *b);
void estimate_text(const struct estimate *x, struct buf *b);

#endif
