/* bias: a judge's own leanings, read from the votes in judged pair rows.
 *
 * Without leaning, the answer shown first wins half of the votes, both orders agree, length decides
 * nothing, and a family's judge does not favour its own.
 */
#ifndef FT_JUDGE_BIAS_H
#define FT_JUDGE_BIAS_H

#include <stddef.h>
#include "../base/err.h"
#include "../eval/duels.h"
#include "../json/record.h"
#include "../stats/interval.h"

/* A zeroed struct is empty and valid. */
struct bias {
	size_t rows, errors;		  /* judged pair rows; without a verdict */
	double first_wins, decided_votes; /* votes for what stood first, votes that name a winner */
	double flips, pairs;		  /* pairs asked in both orders */
	double longer_wins, unequal;	  /* decided pairs of unequal length */
	double own_wins, own_rows;	  /* pairs with one answer of the judge's family, decided */
	/* of each pair, for the win rate at equal length and the ranking */
	double *win_b, *longer_b; /* 1, 0 or .5; code points of b less a */
	size_t *a, *b;		  /* numbers of their models */
	size_t n, caps[4];
	struct duels duels; /* who beat whom */
	struct buf text;
};

void bias_release(struct bias *s);
/* A judged pair row; others are passed over. */
int bias_add(struct bias *s, const struct record *rec, struct err *e);
/* One JSON object: n, errors, first_position, flip, longer, own_family, length_slope, and for each
 * model its strength (Bradley-Terry), wins, and for two models the win rate of the second, plain
 * and at equal length. */
int bias_write(const struct bias *s, double level, struct buf *json);

/* The same for people: the leanings, then the models, the strongest first. */
void bias_table(const struct bias *s, double level, struct buf *text);

#endif
