/* ft.json; see ftjson.h. */
#include "ftjson.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "../nn/kern.h"
#include "ranks.h"

#define FILE_MAX_BYTES ((size_t)16 << 20)

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
	char pruned[17];
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
	/* A model that is served gets its requests pruned as its rows were. */
	prune_hash(a->prune, pruned);
	if (*pruned)
		jw_put_str(&w, "prune_hash", pruned);
	jw_put_int(&w, "steps", t->spec.steps);
	jw_put_int(&w, "parameters", model_count(t->model));
	jw_put_int(&w, "trained_parameters", t->model->n_params);
	jw_put_str(&w, "kernels", nn_kern()->name);
	if (work_half(t->work))
		jw_put_str(&w, "bf16", work_half(t->work)->name);
	jw_put_int(&w, "threads", pool_threads(t->pool));
	jw_put_int(&w, "ranks", ranks_size());
	jw_put_bool(&w, "finished", s != NULL);
	if (s) {
		int best = !t->spec.keep_last && s->best_step;
		jw_put_int(&w, "steps_done", s->step);
		jw_put_int(&w, "best_step", (int64_t)(best ? s->best_step : s->step));
		jw_put_num(&w, "best", best ? s->best : NAN);
		jw_put_num(&w, "last_valid_loss", s->valid_loss);
		jw_put_num(&w, "seconds", s->seconds);
		jw_put_num(&w, "joules", s->joules);
		jw_put_num(&w, "sent", s->cost.sent);
		jw_put_num(&w, "transferred_s", s->cost.busy);
		jw_put_num(&w, "waited_s", s->cost.waited);
	}
	jw_end(&w);
}

int ftjson_bf16(const char *dir)
{
	char *path = file_join(dir, "ft.json");
	struct buf file = BUF_INIT;
	struct err ignored = ERR_INIT;
	struct span v, how;
	int is = -1;
	if (file_exists(path) && !json_file(path, FILE_MAX_BYTES, &file, &v, &ignored)) {
		how = json_member(json_member(v, "options"), "compute");
		is = span_is(how, "\"bf16\"") ? 1 : span_is(how, "\"f32\"") ? 0 : -1;
	}
	buf_release(&file);
	free(path);
	return is;
}

void ftjson_template(const char *dir, struct buf *options)
{
	char *path = file_join(dir, "ft.json");
	struct buf file = BUF_INIT, text = BUF_INIT;
	struct err ignored = ERR_INIT;
	struct json_iter it = {0};
	struct span v, o, key, var;
	if (file_exists(path) && !json_file(path, FILE_MAX_BYTES, &file, &v, &ignored)) {
		o = json_member(v, "options");
		struct span vars = json_member(o, "template-var");
		while (json_next(&it, vars, &key, &var)) {
			buf_clear(&text);
			json_string(var, &text);
			buf_addf(options, "%s--template-var '%.*s'", options->len ? " " : "",
				 (int)text.len, text.data ? text.data : "");
		}
		buf_clear(&text);
		if (!json_string(json_member(o, "template-date"), &text) && text.len)
			buf_addf(options, "%s--template-date %.*s", options->len ? " " : "",
				 (int)text.len, text.data);
	}
	buf_release(&text);
	buf_release(&file);
	free(path);
}
