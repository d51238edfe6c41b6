/* panel: everything that was said about one record, and the ruling that follows from it.
 *
 * For each criterion each juror gives an opinion, of a pair two: one for each order of the answers.
 * An opinion is a verdict or an error. The program, not a model, derives the ruling: what both
 * orders say, else a tie; the majority of the jurors, of scores the mean; and over criteria as
 * rubric.h says. Where too few opinions hold a verdict there is an error, never a pass and never a
 * zero.
 */
#ifndef FT_JUDGE_PANEL_H
#define FT_JUDGE_PANEL_H

#include <stddef.h>
#include "../json/jw.h"
#include "rubric.h"

struct opinion {
	struct buf messages; /* of the last request */
	int asked, done;
	struct judged verdict;
	char error_type[32]; /* "" where there is a verdict */
	int error_status;
	struct buf error_message;
	double cost; /* of all its requests; NaN unknown */
	char model[128];
};

struct panel {
	const struct rubric *rubric;
	size_t jurors, orders; /* orders: 2 for pairs, else 1 */
	int folded;	       /* a juror was told in a user turn what the system turn says */
};

size_t panel_opinions(const struct panel *p); /* how many there are */
void panel_split(const struct panel *p, size_t at, size_t *criterion, size_t *juror, size_t *order);

void opinion_fail(struct opinion *o, const char *type, int status, struct span message);
void opinion_release(struct opinion *o);

/* Writes the value of `judge` as an object: verdict, critique, votes, flips, criteria, then model,
 * prompt_hash, asked and cost. opinions NULL: there was nothing to judge. Returns 1 where the
 * ruling is an error. */
int panel_write(const struct panel *p, const struct opinion *opinions, const char *model,
		const char *prompt_hash, struct buf *json);

#endif
