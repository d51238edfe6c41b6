/* same: see same.h. */
#include "same.h"

#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../text/hash.h"

/* --- calls of tools --- */

/* Name and arguments of a call; arguments are JSON in a string, or (some servers) JSON itself. */
static int calls_equal(struct span a, struct span b)
{
	struct span f = json_member(a, "function"), g = json_member(b, "function"),
		    x = json_member(f, "arguments"), y = json_member(g, "arguments"), u, v;
	struct buf s = BUF_INIT, t = BUF_INIT;
	int same = json_equal(json_member(f, "name"), json_member(g, "name"));

	if (json_string(x, &s) == 0)
		x = s.len > 0 ? buf_span(&s) : span_of("{}");
	if (json_string(y, &t) == 0)
		y = t.len > 0 ? buf_span(&t) : span_of("{}");
	if (same && x.s && y.s && json_check(x, &u, NULL) == 0 && json_check(y, &v, NULL) == 0)
		same = json_equal(u, v);
	else if (same)
		same = span_eq(x, y);
	buf_release(&s);
	buf_release(&t);
	return same;
}

/* A call, and what is the same for those that are equal to it. */
struct call {
	uint64_t hash;
	struct span v;
};

static uint64_t hash_call(struct span v)
{
	struct span f = json_member(v, "function"), x = json_member(f, "arguments"), u;
	struct buf s = BUF_INIT;
	uint64_t h;

	if (json_string(x, &s) == 0)
		x = s.len > 0 ? buf_span(&s) : span_of("{}");
	h = x.s && json_check(x, &u, NULL) == 0 ? json_hash(u) : hash64(x, 1);
	buf_release(&s);
	return hash_mix(json_hash(json_member(f, "name")), h);
}

static int by_hash(const void *a, const void *b)
{
	const struct call *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static struct call *calls_sorted(struct span list, size_t n)
{
	struct call *v = mem_alloc(n, sizeof *v);
	struct json_iter it = {0};
	struct span key, call;

	for (size_t i = 0; i < n && json_next(&it, list, &key, &call); i++)
		v[i] = (struct call){hash_call(call), call};
	mem_sort(v, n, sizeof *v, by_hash);
	return v;
}

/* Takes an equal of x out of those in v that have its hash, which begin at from. */
static int take_equal(struct call *v, size_t from, size_t n, const struct call *x)
{
	for (size_t j = from; j < n && v[j].hash == x->hash; j++)
		if (calls_equal(x->v, v[j].v)) {
			v[j].v = v[from].v; /* the first goes, and the next call begins behind it */
			return 1;
		}
	return 0;
}

/* Every call of one list has its own equal in the other. Equal ones have one hash, so in the order of
 * hashes the k-th of one list is among those of the other that begin at its k-th. */
double same_calls(const struct row *a, const char **why)
{
	struct span final = record_final_assistant(&a->rec),
		    want = json_member(final, "tool_calls"),
		    got = record_get(&a->rec, "tool_calls");
	size_t n = json_kind(want) == JSON_ARRAY ? json_count(want) : 0,
	       m = json_kind(got) == JSON_ARRAY ? json_count(got) : 0;
	struct call *x, *y;
	int same = 1;

	*why = "no final assistant message to compare tool calls with";
	if (!final.s)
		return NAN;
	*why = NULL;
	if (n != m)
		return 0;
	x = calls_sorted(want, n);
	y = calls_sorted(got, n);
	for (size_t i = 0; i < n && same; i++)
		same = take_equal(y, i, n, &x[i]);
	free(x);
	free(y);
	return same;
}

/* --- white space --- */

enum place { BETWEEN, QUOTED, ESCAPED };

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next byte that is no white space between tokens; -1 at the end. */
static int next_byte(struct span s, size_t *at, enum place *place)
{
	char c;

	while (*place == BETWEEN && *at < s.n && is_space(s.s[*at]))
		++*at;
	if (*at == s.n)
		return -1;
	c = s.s[(*at)++];
	if (*place == ESCAPED)
		*place = QUOTED;
	else if (*place == QUOTED)
		*place = c == '\\' ? ESCAPED : c == '"' ? BETWEEN : QUOTED;
	else if (c == '"')
		*place = QUOTED;
	return (unsigned char)c;
}

int same_json(struct span out, struct span ref)
{
	size_t i = 0, j = 0;
	enum place here = BETWEEN, there = BETWEEN;
	struct span x;
	int c;

	/* Most part at a byte that is none in either. */
	while (i < out.n && i < ref.n && out.s[i] == ref.s[i])
		i++;
	if (i < out.n && i < ref.n && !is_space(out.s[i]) && !is_space(ref.s[i]))
		return 0;
	i = 0;
	do {
		c = next_byte(out, &i, &here);
		if (c != next_byte(ref, &j, &there))
			return 0;
	} while (c >= 0);
	return json_check(out, &x, NULL) == 0 && json_check(ref, &x, NULL) == 0 &&
	       (json_kind(x) == JSON_OBJECT || json_kind(x) == JSON_ARRAY);
}
