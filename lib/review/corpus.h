/* corpus: what looks wrong in a row among all the others.
 *
 *	duplicate   the same input and the same reference as an earlier row
 *	conflict    the same input as another row, and another reference
 *	near-duplicate, near-conflict   nearly the same input (near.h), with the same or another
 *	                                reference
 *	length      a reference or an input far longer or shorter than the others (robust z of the
 *	            logarithm, by median and MAD)
 *	not-json    a reference that is no JSON where nearly all are
 *	language    a text whose letter triples are unlike those of the others (robust z of its mean
 *	            log-probability under the set's own triples)
 *	odd-date    a year in the reference that is far from those of the other rows
 *	loss        a reference that a model finds far less likely than those of the other rows
 *	            (robust z of its loss a token)
 *	label       confident learning (Northcutt, Jiang, Chuang 2021): class probabilities speak
 *	            for another class than the reference
 *
 * Class probabilities of a row are what stands at the path given (chances.h), else `review.probs` of an earlier
 * scan under a model (opinion.h), else what the `logprobs` of its `output` say: the answer has the
 * probability that its tokens have together, and the reference, where it is another, at most the
 * rest. Its loss is `review.loss`.
 *
 * Two passes see every row in order (review_corpus_count, then review_corpus_measure), review_corpus_settle comes
 * behind, then review_corpus_find gives each row's findings in a third. Memory: some 90 bytes a row, and 2
 * MiB;
 * until they are settled also 4 bytes for each word of the inputs.
 */
#ifndef FT_REVIEW_CORPUS_H
#define FT_REVIEW_CORPUS_H

#include <stddef.h>
#include <stdint.h>
#include "../base/map.h"
#include "../json/path.h"
#include "../json/record.h"
#include "../text/near.h"
#include "chances.h"
#include "finding.h"

struct review_corpus_row {
	uint64_t key[2];		      /* the input key */
	uint64_t reference;		      /* a hash */
	float input_length, reference_length; /* log(1 + characters) */
	float loss;			      /* a token, by a model; NaN where it is not known */
	int16_t year; /* in its reference: the one furthest from 2000; 0: no date */
	/* mean negative log-probability of its triples; NaN where they are too few */
	float strange;
	uint16_t triples;
	uint32_t near; /* 1 + the row nearest to it, 0: none near */
	float jaccard;
	unsigned char has_reference, is_json;
};

struct label_class {
	char *name;
	double sum; /* of the probabilities that rows with this label give it */
	size_t n;
	double threshold;
};

enum { CORPUS_INPUT, CORPUS_REFERENCE, CORPUS_STRANGE, CORPUS_LOSS, CORPUS_YEAR, CORPUS_MEASURES };

enum { CORPUS_OTHER_LABELS = CHANCES_FAULTS, CORPUS_DOUBTS };
#define CORPUS_SEVERAL UINT64_MAX

struct review_corpus {
	const struct path *probabilities; /* borrowed: {label: probability} in a row, or NULL */
	struct review_corpus_row *rows;
	size_t n, cap;
	struct map first;      /* key -> 1 + first row with it */
	struct map references; /* key -> hash of its first reference, or 1 where they differ */
	uint32_t *triples;     /* counts by hash */
	uint64_t triples_n;
	struct label_class *classes;
	size_t classes_n, classes_cap;
	struct map class_at; /* hash of a label -> its index */
	struct map folded; /* the same of the label folded; CORPUS_SEVERAL where two fold to one */
	/* rows whose probabilities could not be used, by why, and the first of each (from 1); the last
	 * of the kinds: none of the names is a label of the set */
	size_t unread[CORPUS_DOUBTS], first_unread[CORPUS_DOUBTS];
	struct chances chances; /* of the row at hand */
	size_t with_reference, json;
	struct near *inputs; /* every row's input, until settled */
	/* median, and MAD as a standard deviation */
	double centre[CORPUS_MEASURES], spread[CORPUS_MEASURES];
};

/* near: the Jaccard similarity from which inputs count as nearly the same, 0 for none. */
void review_corpus_init(struct review_corpus *c, const struct path *probabilities, double near);
void review_corpus_release(struct review_corpus *c);

int review_corpus_count(struct review_corpus *c, const struct record *r, struct err *e);
void review_corpus_measure(struct review_corpus *c, size_t row, const struct record *r);
void review_corpus_settle(struct review_corpus *c, struct pool *pool);
void review_corpus_find(struct review_corpus *c, size_t row, const struct record *r,
			struct findings *f);

/* What to say once of probabilities that could not be used, for doubt 0 to CORPUS_DOUBTS - 1, appended;
 * nothing where there were none. */
void review_corpus_doubt(const struct review_corpus *c, int doubt, struct buf *text);

#endif
