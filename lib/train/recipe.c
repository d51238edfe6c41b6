/* Options of training as what its parts take; see recipe.h. */
#include "recipe.h"

#include "outside.h"

int recipe_loop(const struct train_recipe *r, struct loop_spec *spec, struct path **best,
		struct err *e)
{
	*spec = (struct loop_spec){
		.batch = (size_t)r->batch,
		.steps = (size_t)r->steps,
		.lr = r->lr,
		.wd = r->wd,
		.clip = r->clip,
		.schedule = (enum loop_schedule)r->schedule,
		.seed = (uint64_t)r->seed,
		.eval_every = (size_t)r->eval_every,
		.patience = (size_t)r->patience,
		.objective = r->dpo    ? OBJECTIVE_DPO
			     : r->orpo ? OBJECTIVE_ORPO
			     : r->kto  ? OBJECTIVE_KTO
				       : OBJECTIVE_SFT,
		.beta = r->beta,
		.label_weight = {r->undesirable_weight, r->desirable_weight},
		.neftune = r->neftune,
		.keep_last = r->keep,
		.best_by = r->best,
	};
	*best = NULL;
	if (r->best && !(*best = outside_best(r->best, &spec->best_is_least, e)))
		return err_prefix(e, "--best %s", r->best);
	return 0;
}

void recipe_corpus(const struct train_recipe *r, struct train_corpus_spec *spec)
{
	spec->max_seq = (size_t)r->max_seq;
	spec->too_long = (enum dataset_long)r->too_long;
	spec->preferences = r->dpo || r->orpo;
	spec->labels = r->kto;
	spec->last_turn = r->last_turn;
	spec->unroll = r->unroll;
	spec->strict = r->strict;
	spec->overlap = r->allow_overlap;
}

struct adapter recipe_adapter(const struct train_recipe *r)
{
	return (struct adapter){
		.rank = (size_t)r->rank,
		.alpha = r->alpha,
		.dropout = r->dropout,
		.rslora = r->rslora,
		.dora = r->dora,
		.targets = (char *)r->target,
		.top_layers = (size_t)r->layers,
	};
}
