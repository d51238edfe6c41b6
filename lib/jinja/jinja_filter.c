/* Finds a filter and applies it; and how filters take their arguments. */
#include "jinja_filter.h"

/* The text of an argument; otherwise where it was not given. */
int jarg_text(struct jrun *r, const struct jcall *c, size_t at, const char *name,
	      const char *otherwise, struct span *s)
{
	const struct jv *a = jcall_arg(c, at, name);

	*s = span_of(otherwise);
	if (!a)
		return 0;
	if (a->kind != J_STRING)
		return jfail(r, "the argument %s must be a str, not %s", name, jv_type(a));
	*s = a->s;
	return 0;
}

int jarg_int(struct jrun *r, const struct jcall *c, size_t at, const char *name, int64_t otherwise,
	     int64_t *i)
{
	const struct jv *a = jcall_arg(c, at, name);

	*i = otherwise;
	if (!a || a->kind == J_NONE)
		return 0;
	if (a->kind != J_INT)
		return jfail(r, "the argument %s must be an int, not %s", name, jv_type(a));
	*i = a->i;
	return 0;
}

int jarg_flag(const struct jcall *c, size_t at, const char *name, int otherwise)
{
	const struct jv *a = jcall_arg(c, at, name);

	return a ? jv_true(a) : otherwise;
}

/* str(v) as a value. */
int jv_as_text(struct jrun *r, const struct jv *v, struct jv *out)
{
	struct buf b = BUF_INIT;

	if (v->kind == J_STRING) {
		*out = *v;
		return 0;
	}
	if (jv_print(r, v, &b)) {
		buf_release(&b);
		return -1;
	}
	return jv_buf(r, &b, out);
}

static jfilter_fn *find(struct span name)
{
	static const struct jfilter_named *const tables[] = {jfilters_text, jfilters_list};
	const struct jfilter_named *f;
	size_t i;

	for (i = 0; i < sizeof tables / sizeof *tables; i++)
		for (f = tables[i]; f->name; f++)
			if (span_is(name, f->name))
				return f->fn;
	return NULL;
}

int jfilter_known(struct span name)
{
	return find(name) != NULL;
}

int jfilter(struct jrun *r, struct span name, const struct jv *v, const struct jcall *c,
	    struct jv *out)
{
	struct jv in = *v; /* out may be v */

	return jcharge(r, 1 + (in.kind == J_STRING ? in.s.n / 64 : 0)) ? -1
								       : find(name)(r, &in, c, out);
}
