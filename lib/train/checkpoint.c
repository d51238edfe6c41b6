/* Saving and taking up a run; see checkpoint.h. */
#include "checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "../model/safetensors.h"
#include "ranks.h"

#define STATE_MAX ((size_t)16 << 20)

struct moments {
	const struct adamw *o;
	const struct shard *shard;
	float *room; /* [largest unit] */
};

enum { PARAMS, MOMENT_M, MOMENT_V, STATE }; /* the file's tensors, in its order */

/* All values of a moment, a unit at a time; p is NULL where another rank writes. */
static int put_moment(void *arg, size_t tensor, struct st_put *p, struct err *e)
{
	const struct moments *s = arg;
	const float *own = tensor == MOMENT_M ? s->o->m : s->o->v;
	(void)e;
	for (size_t i = 0; i < s->shard->n_units; i++) {
		size_t n = s->shard->units[i].n;
		const float *all = ranks_collect(own + s->shard->parts[i].at, n, s->room);
		if (p && st_put(p, all, n * sizeof *all))
			return -1;
	}
	return 0;
}

int checkpoint_save(const char *path, const struct model *m, const struct adamw *o,
		    const struct shard *shard, struct span state, struct err *e)
{
	struct moments s = {o, shard, NULL};
	struct st_out out = {0};
	uint64_t n = m->n_params, bytes = state.n;
	if (ranks_rank())
		return put_moment(&s, MOMENT_M, NULL, e) || put_moment(&s, MOMENT_V, NULL, e) ? -1
											      : 0;
	if (ranks_size() > 1)
		s.room = mem_alloc(SHARD_UNIT, sizeof *s.room);
	st_add(&out, "params", ST_F32, 1, &n, m->params);
	st_add(&out, "adam.m", ST_F32, 1, &n, NULL);
	st_add(&out, "adam.v", ST_F32, 1, &n, NULL);
	st_add(&out, "state", ST_U8, 1, &bytes, state.s);
	int rc = st_write(&out, path, put_moment, &s, e);
	st_out_release(&out);
	free(s.room);
	return rc;
}

static int copy_state(const struct st_set *s, const char *path, struct buf *state, struct err *e)
{
	const struct st_tensor *t = st_find(s, "state");
	if (!t || t->type != ST_U8 || t->dims != 1 || t->bytes > STATE_MAX)
		return err_set(e, "%s: no checkpoint of ft-train", path);
	return buf_add(state, t->data, t->bytes) ? err_set(e, "%s: state too large", path) : 0;
}

int checkpoint_state(const char *path, struct buf *state, struct err *e)
{
	struct st_set s = {0};
	if (st_open(&s, path, e))
		return -1;
	int rc = copy_state(&s, path, state, e);
	st_close(&s);
	return rc;
}

/* Of the n values of a tensor those that the runs name. */
static int copy_floats(const struct st_set *s, const char *path, const char *name, size_t n,
		       float *to, const struct adamw_run *runs, size_t n_runs, struct err *e)
{
	const struct st_tensor *t = st_find(s, name);
	if (!t || t->type != ST_F32 || t->dims != 1)
		return err_set(e, "%s: no checkpoint of ft-train: no %s", path, name);
	if (t->count != n)
		return err_set(e,
			       "%s: %s holds %llu values, this run trains %zu: another model or other options",
			       path, name, (unsigned long long)t->count, n);
	for (size_t i = 0; i < n_runs; i++)
		memcpy(to + runs[i].at, (const char *)t->data + runs[i].param * sizeof *to,
		       runs[i].n * sizeof *to);
	return 0;
}

int checkpoint_load(const char *path, struct model *m, struct adamw *o, const struct shard *shard,
		    struct err *e)
{
	const struct adamw_run all = {0, 0, m->n_params};
	struct st_set s = {0};
	if (st_open(&s, path, e))
		return -1;
	int rc = 0;
	if (copy_floats(&s, path, "params", all.n, m->params, &all, 1, e) ||
	    copy_floats(&s, path, "adam.m", all.n, o->m, shard->parts, shard->n_units, e) ||
	    copy_floats(&s, path, "adam.v", all.n, o->v, shard->parts, shard->n_units, e))
		rc = -1;
	st_close(&s);
	return rc;
}
