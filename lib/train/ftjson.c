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
	jw_key(w, "rows"), jw_int(w, d->rows);
	jw_key(w, "tokens"), jw_int(w, d->tokens);
	jw_key(w, "supervised_tokens"), jw_int(w, d->supervised);
	jw_key(w, "dropped"), jw_int(w, d->dropped);
	jw_key(w, "truncated"), jw_int(w, d->truncated);
	put_hash(w, "hash", d);
	jw_end(w);
}

void ftjson_run(const struct ftjson *a, const struct loop *t, const struct loop_state *s,
		struct buf *b)
{
	struct jw w;
	jw_init(&w, b);
	jw_object(&w);
	jw_key(&w, "program"), jw_str(&w, "ft-train");
	jw_key(&w, "version"), jw_str(&w, FT_VERSION);
	jw_key(&w, "command"), jw_array(&w);
	for (char **arg = a->command; *arg; arg++)
		jw_str(&w, *arg);
	jw_end(&w);
	jw_key(&w, "options"), put_options(a, &w);
	put_counts(&w, "train", a->train);
	put_counts(&w, "valid", a->valid);
	jw_key(&w, "test_rows_untouched"), jw_int(&w, a->test);
	jw_key(&w, "steps"), jw_int(&w, t->spec.steps);
	jw_key(&w, "parameters"), jw_int(&w, model_count(t->model));
	jw_key(&w, "trained_parameters"), jw_int(&w, t->model->n_params);
	jw_key(&w, "kernels"), jw_str(&w, nn_kern()->name);
	jw_key(&w, "threads"), jw_int(&w, pool_threads(t->pool));
	jw_key(&w, "finished"), jw_bool(&w, s != NULL);
	if (s) {
		int best = !t->spec.keep_last && s->best_step;
		jw_key(&w, "steps_done"), jw_int(&w, s->step);
		jw_key(&w, "best_step"), jw_int(&w, (int64_t)(best ? s->best_step : s->step));
		jw_key(&w, "best"), jw_num(&w, best ? s->best : NAN);
		jw_key(&w, "last_valid_loss"), jw_num(&w, s->valid_loss);
		jw_key(&w, "seconds"), jw_num(&w, s->seconds);
		jw_key(&w, "joules"), jw_num(&w, s->joules);
	}
	jw_end(&w);
}
