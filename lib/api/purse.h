/* purse: the money of a run under --max-cost: what was spent, what those under way may come to at
 * their worst, and whether one more fits.
 *
 * The worst of a request is foreseen from its size and its limit. How a provider counts is shown by
 * its answers: some bill reasoning beyond the limit, tokens that stand in no request, or a price of
 * their own. So the first request goes alone, and one that came dearer than foreseen makes all that
 * follow be foreseen dearer.
 */
#ifndef FT_API_PURSE_H
#define FT_API_PURSE_H

#include "dialect.h"
#include "prices.h"

struct purse {
	struct prices *prices; /* borrowed; may be NULL where max is NaN */
	double max;	       /* dollars; NaN: no limit */
	double spent, reserved;
	int shown;	  /* an answer came: how the provider counts is known */
	double dearer;	  /* times as much as foreseen that an answer came to; at least 1 */
	double unlimited; /* tokens of the longest answer that passed its limit; 0: none did */
};

void purse_init(struct purse *p, struct prices *prices, double max);

/* The most that a request with so many tokens at most in and out can cost; NaN unknown. */
double purse_worst(const struct purse *p, const char *model, double in, double out);

/* Whether such a request can no longer fit, whatever those under way come to. */
int purse_is_spent(const struct purse *p, double worst);

enum purse_turn { PURSE_GO, PURSE_LATER, PURSE_NEVER };

/* Reserves worst where it fits; running: how many are under way, which may turn out cheaper. */
enum purse_turn purse_take(struct purse *p, double worst, size_t running);

/* Settles what was reserved: with the cost where that is known, else the whole where the server may
 * have worked for it. */
void purse_settle(struct purse *p, double reserved, double cost, int worked);

/* Takes notice of an answer to a request of at most so many tokens in, with that limit: what it came
 * to and what it cost (NaN unknown). */
void purse_learn(struct purse *p, const char *model, double in, double limit,
		 const struct dialect_usage *u, double cost);

#endif
