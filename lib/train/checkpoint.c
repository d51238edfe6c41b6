/* Saving and taking up a run; see checkpoint.h. */
#include "checkpoint.h"

#include <string.h>

#include "../model/safetensors.h"

#define STATE_MAX ((size_t)16 << 20)

int checkpoint_save(const char *path, const struct model *m, const struct adamw *o,
		    struct span state, struct err *e)
{
	struct st_out out = {0};
	uint64_t n = m->n_params, bytes = state.n;
	st_add(&out, "params", ST_F32, 1, &n, m->params);
	st_add(&out, "adam.m", ST_F32, 1, &n, o->m);
	st_add(&out, "adam.v", ST_F32, 1, &n, o->v);
	st_add(&out, "state", ST_U8, 1, &bytes, state.s);
	int rc = st_write(&out, path, NULL, NULL, e);
	st_out_release(&out);
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

static int copy_floats(const struct st_set *s, const char *path, const char *name, float *to,
		       size_t n, struct err *e)
{
	const struct st_tensor *t = st_find(s, name);
	if (!t || t->type != ST_F32 || t->dims != 1)
		return err_set(e, "%s: no checkpoint of ft-train: no %s", path, name);
	if (t->count != n)
		return err_set(e,
			       "%s: %s holds %llu values, this run trains %zu: another model or other options",
			       path, name, (unsigned long long)t->count, n);
	memcpy(to, t->data, n * sizeof *to);
	return 0;
}

int checkpoint_load(const char *path, struct model *m, struct adamw *o, struct err *e)
{
	struct st_set s = {0};
	if (st_open(&s, path, e))
		return -1;
	int rc = 0;
	if (copy_floats(&s, path, "params", m->params, m->n_params, e) ||
	    copy_floats(&s, path, "adam.m", o->m, o->n, e) ||
	    copy_floats(&s, path, "adam.v", o->v, o->n, e))
		rc = -1;
	st_close(&s);
	return rc;
}
