/* purse: see the header. */
#include "purse.h"

#include <math.h>

void purse_init(struct purse *p, struct prices *prices, double max)
{
	*p = (struct purse){.prices = prices, .max = max, .dearer = 1};
}

double purse_worst(const struct purse *p, const char *model, double in, double out)
{
	double most = (double)prices_max_output(p->prices, model);

	/* Where a limit does not hold, the model's own does; a model without one may write twice as
	 * much as was seen. */
	if (p->unlimited > 0)
		out = fmax(out, most > 0 ? most : 2 * p->unlimited);
	return p->dearer * prices_worst(p->prices, model, in, out);
}

int purse_is_spent(const struct purse *p, double worst)
{
	return !isnan(p->max) && !(p->spent + worst <= p->max);
}

enum purse_turn purse_take(struct purse *p, double worst, size_t running)
{
	if (isnan(p->max))
		return PURSE_GO;
	if (purse_is_spent(p, worst))
		return PURSE_NEVER;
	if (p->spent + p->reserved + worst > p->max)
		return running ? PURSE_LATER : PURSE_NEVER;
	if (!p->shown && running)
		return PURSE_LATER;
	p->reserved += worst;
	return PURSE_GO;
}

void purse_settle(struct purse *p, double reserved, double cost, int worked)
{
	p->reserved -= reserved;
	if (!isnan(cost))
		p->spent += cost;
	else if (worked)
		p->spent += reserved;
}

void purse_learn(struct purse *p, const char *model, double in, double limit,
		 const struct dialect_usage *u, double cost)
{
	double worst;

	p->shown = 1;
	if (u->completion > limit)
		p->unlimited = fmax(p->unlimited, (double)u->completion);
	worst = purse_worst(p, model, in, limit);
	if (worst > 0 && cost > worst)
		p->dearer *= cost / worst;
}
