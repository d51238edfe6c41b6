/* ft.json; see ftjson.h. */
#include "ftjson.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../json/jw.h"
#include "../nn/kern.h"

static void put_hash(struct jw *w, const char *key, const struct dataset *d)
{
	char hex[33];
	snprintf(hex, sizeof hex, "%016llx%016llx", (unsigned long long)d->hash[0],
		 (unsigned long long)d->hash[1]);
	jw_put_str(w, key, hex);
}

static void put_options(const struct ftjson *a, struct jw *w)
{
	jw_object(w);
	jw_options(w, a->options);
	put_hash(w, "train_hash", a->train);
	put_hash(w, "valid_hash", a->valid);
	jw_end(w);
}

void ftjson_options(const struct ftjson *a, struct buf *b)
{
	struct jw w;
	jw_init(&w, b);
	put_options(a, &w);
}

static void put_counts(struct jw *w, const char *key, const struct dataset *d)
{
	jw_put_object(w, key);
	jw_put_int(w, "rows", d->rows);
	jw_put_int(w, "tokens", d->tokens);
	jw_put_int(w, "supervised_tokens", d->supervised);
	jw_put_int(w, "dropped", d->dropped);
	jw_put_int(w, "truncated", d->truncated);
	put_hash(w, "hash", d);
	jw_end(w);
}

void ftjson_run(const struct ftjson *a, const struct loop *t, const struct loop_state *s,
		struct buf *b)
{
	struct jw w;
	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "program", "ft-train");
	jw_put_str(&w, "version", FT_VERSION);
	jw_put_array(&w, "command");
	for (char **arg = a->command; *arg; arg++)
		jw_str(&w, *arg);
	jw_end(&w);
	jw_key(&w, "options"), put_options(a, &w);
	put_counts(&w, "train", a->train);
	put_counts(&w, "valid", a->valid);
	jw_put_int(&w, "test_rows_untouched", a->test);
	jw_put_int(&w, "steps", t->spec.steps);
	jw_put_int(&w, "parameters", model_count(t->model));
	jw_put_int(&w, "trained_parameters", t->model->n_params);
	jw_put_str(&w, "kernels", nn_kern()->name);
	jw_put_int(&w, "threads", pool_threads(t->pool));
	jw_put_bool(&w, "finished", s != NULL);
	if (s) {
		int best = !t->spec.keep_last && s->best_step;
		jw_put_int(&w, "steps_done", s->step);
		jw_put_int(&w, "best_step", (int64_t)(best ? s->best_step : s->step));
		jw_put_num(&w, "best", best ? s->best : NAN);
		jw_put_num(&w, "last_valid_loss", s->valid_loss);
		jw_put_num(&w, "seconds", s->seconds);
		jw_put_num(&w, "joules", s->joules);
	}
	jw_end(&w);
}
