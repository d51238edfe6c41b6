/* A rendering's budget and its variables. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "jinja_impl.h"

int jfail(struct jrun *r, const char *fmt, ...)
{
	char why[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return err_set(r->e, "%s:%d: %s", r->t->name, r->line, why);
}

int jcharge(struct jrun *r, uint64_t steps)
{
	r->steps += steps;
	if (r->steps > r->limits.steps)
		return jfail(r, "the template takes more than %llu steps",
			     (unsigned long long)r->limits.steps);
	return 0;
}

const char *jfind(struct jrun *r, struct span s, struct span what)
{
	/* memmem goes back by up to 256 bytes of what it looks for, at each byte */
	uint64_t a_byte = 1 + (what.n < 256 ? what.n : 256) / 16, passed;
	const char *at;

	if (what.n > s.n)
		return NULL;
	if (r->steps + s.n / 64 * a_byte > r->limits.steps) {
		r->steps = r->limits.steps + 1;
		return NULL;
	}
	at = memmem(s.s, s.n, what.s, what.n);
	passed = at ? (uint64_t)(at - s.s) + what.n : s.n;
	r->steps += 1 + passed * a_byte / 64;
	return at;
}

int jenter(struct jrun *r)
{
	if (++r->depth > JINJA_DEPTH_MAX)
		return jfail(r, "nested too deep (a macro that calls itself?)");
	return jcharge(r, 1);
}

/* --- scopes --- */

struct jscope *jscope_new(struct jrun *r, struct jscope *up)
{
	struct jscope *s = arena_get(&r->arena, sizeof *s);

	if (!s)
		jfail(r, "the template needs too much memory");
	else
		s->up = up;
	return s;
}

struct jv *jscope_find(struct jrun *r, struct jscope *s, struct span name)
{
	size_t i;

	for (; s; s = s->up) {
		r->steps += s->n / 8;
		for (i = s->n; i-- > 0;)
			if (span_eq(s->v[i].key.s, name))
				return &s->v[i].value;
	}
	return NULL;
}

int jscope_set(struct jrun *r, struct jscope *s, struct span name, struct jv value)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (span_eq(s->v[i].key.s, name)) {
			s->v[i].value = value;
			return 0;
		}
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 8;
		struct jentry *v = arena_get(&r->arena, cap * sizeof *v);

		if (!v)
			return jfail(r, "the template needs too much memory");
		if (s->n)
			memcpy(v, s->v, s->n * sizeof *v);
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = (struct jentry){jv_string(name), value};
	return 0;
}
