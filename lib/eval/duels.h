/* duels: which of several models wins, from verdicts on pairs of their answers (ft-judge --pair).
 *
 * A pair row holds `a` and `b`, each with its `model`, and `judge.winner`: a, b or tie. Models are
 * ranked by their strength (lib/stats/rank), and each is compared with a baseline over the pairs in
 * which the two met: a tie says nothing, the decided pairs make an exact sign test.
 */
#ifndef FT_EVAL_DUELS_H
#define FT_EVAL_DUELS_H

#include <stddef.h>
#include "../base/err.h"
#include "../base/table.h"
#include "../json/jw.h"
#include "../json/record.h"
#include "../stats/interval.h"

#define DUELS_MODELS 200

/* A zeroed struct is empty and valid. */
struct duels {
	char **models;
	size_t n, cap;
	double *wins, *ties; /* i * DUELS_MODELS + j: how often i beat j; how often they tied */
	size_t rows, errors; /* pair rows; of them without a verdict */
	struct buf text;
};

void duels_release(struct duels *d);

int duels_is_pair(const struct record *r);
/* 1 where a won, 0 where b did, 0.5 for a tie; NaN for anything else. */
double duels_winner(struct span v);
/* The number of the model of that name, of one side; -1 where there are too many. */
int duels_name(struct duels *d, const char *name, size_t *number, struct err *e);
int duels_model(struct duels *d, struct span side, size_t *number, struct err *e);
void duels_count(struct duels *d, size_t a, size_t b, double winner);
/* Takes in a pair row: the three together. */
int duels_add(struct duels *d, const struct record *r, struct err *e);

struct duelist {
	const char *model;	  /* borrowed */
	struct interval strength; /* log-odds against the mean of all */
	double wins, losses, ties;
	/* a tie is half a win, so that with d of paired_rate this is (1 + d) / 2; NaN without a pair */
	struct interval win_rate;
};
/* All models, the strongest first; free() the array. NULL where there are none. */
struct duelist *duels_rank(const struct duels *d, double level);

/* -1 where there are pairs, but none of a model of that name. */
int duels_check_baseline(const struct duels *d, const char *baseline, struct err *e);
/* One JSON line a model, and one for each that met the baseline (NULL: the first in the input). */
void duels_write(const struct duels *d, const char *baseline, double level, struct buf *out);
void duels_table(const struct duels *d, double level, struct table *t);

#endif
