/* Numbers within limits, as digits. See constrain.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "constrain_impl.h"

#define DIGITS 19 /* of integers */

/* From one to n digits. */
static void some_digits(struct compiler *c, uint32_t from, uint32_t to, int n)
{
	for (int i = 0; i < n; i++) {
		uint32_t next = automaton_state(c->a);

		automaton_bytes(c->a, from, next, '0', '9');
		automaton_skip(c->a, next, to);
		from = next;
	}
}

void constrain_any_number(struct compiler *c)
{
	struct automaton *a = c->a;
	uint32_t from, to, whole = automaton_state(a), lead = automaton_state(a),
			   fraction = automaton_state(a), sign, e;

	c->any_number = automaton_rule(a);
	from = automaton_rule_start(a, c->any_number);
	to = automaton_rule_end(a, c->any_number);
	sign = automaton_state(a);
	automaton_skip(a, from, sign);
	automaton_bytes(a, from, sign, '-', '-');
	automaton_bytes(a, sign, whole, '0', '0');
	automaton_bytes(a, sign, lead, '1', '9');
	automaton_skip(a, lead, whole);
	some_digits(c, lead, whole, DIGITS);
	automaton_skip(a, whole, fraction);
	some_digits(c, constrain_text(c, whole, "."), fraction, DIGITS + 1);
	automaton_skip(a, fraction, to);
	e = automaton_state(a);
	automaton_bytes(a, fraction, e, 'e', 'e');
	automaton_bytes(a, fraction, e, 'E', 'E');
	sign = automaton_state(a);
	automaton_skip(a, e, sign);
	automaton_bytes(a, e, sign, '+', '+');
	automaton_bytes(a, e, sign, '-', '-');
	some_digits(c, sign, to, 2);
}

/* --- numbers within limits --- */

/* n digits from lo to hi, which have as many. */
static void digit_range(struct compiler *c, uint32_t from, uint32_t to, const char *lo,
			const char *hi, int n)
{
	static const char zeros[] = "0000000000000000000000", nines[] = "9999999999999999999999";
	int free = memcmp(lo, zeros, (size_t)n) == 0 && memcmp(hi, nines, (size_t)n) == 0;
	uint32_t mid;

	if (n == 0) {
		automaton_skip(c->a, from, to);
		return;
	}
	if (free || lo[0] == hi[0]) {
		mid = automaton_state(c->a);
		automaton_bytes(c->a, from, mid, (unsigned char)lo[0], (unsigned char)hi[0]);
		digit_range(c, mid, to, lo + 1, hi + 1, n - 1);
		return;
	}
	mid = automaton_state(c->a);
	automaton_bytes(c->a, from, mid, (unsigned char)lo[0], (unsigned char)lo[0]);
	digit_range(c, mid, to, lo + 1, nines, n - 1);
	mid = automaton_state(c->a);
	automaton_bytes(c->a, from, mid, (unsigned char)hi[0], (unsigned char)hi[0]);
	digit_range(c, mid, to, zeros, hi + 1, n - 1);
	if (lo[0] + 1 < hi[0]) {
		mid = automaton_state(c->a);
		automaton_bytes(c->a, from, mid, lo[0] + 1u, hi[0] - 1u);
		digit_range(c, mid, to, zeros, nines, n - 1);
	}
}

/* Whole numbers from lo to hi, 0 <= lo, without leading zeros. */
static void whole_range(struct compiler *c, uint32_t from, uint32_t to, uint64_t lo, uint64_t hi)
{
	uint64_t power = 10;

	for (int n = 1; n <= DIGITS && lo <= hi; n++) {
		uint64_t top = n == DIGITS ? 9999999999999999999u : power - 1,
			 last = hi < top ? hi : top;
		char l[24], h[24];

		if (lo <= top) {
			snprintf(l, sizeof l, "%0*llu", n, (unsigned long long)lo);
			snprintf(h, sizeof h, "%0*llu", n, (unsigned long long)last);
			digit_range(c, from, to, l, h, n);
			if (last == hi)
				return;
			lo = last + 1;
		}
		power *= 10;
	}
}

/* Limits as whole numbers, of at most FAR. open: the limit itself is excluded. */
struct limits {
	int has_lo, has_hi, open_lo, open_hi;
	int64_t lo, hi;
};

#define FAR 1e18L
#define WIDEST 9999999999999999999u

/* Integers. */
static void integers(struct compiler *c, uint32_t from, uint32_t to, const struct limits *l)
{
	int64_t lo = l->has_lo ? l->lo + l->open_lo : INT64_MIN,
		hi = l->has_hi ? l->hi - l->open_hi : INT64_MAX;

	if (lo > hi)
		return;
	if (hi >= 0)
		whole_range(c, from, to, lo > 0 ? (uint64_t)lo : 0,
			    l->has_hi ? (uint64_t)hi : WIDEST);
	if (lo < 0)
		whole_range(c, constrain_text(c, from, "-"), to, hi < 0 ? (uint64_t)-hi : 1,
			    l->has_lo ? (uint64_t)-lo : WIDEST);
}

/* Decimal numbers whose size lies between whole limits; nothing but zeros may follow where the
 * upper one is met, something else must where an open lower one is. */
static void magnitudes(struct compiler *c, uint32_t from, uint32_t to, uint64_t lo, int open_lo,
		       uint64_t hi, int open_hi, int has_hi)
{
	struct automaton *a = c->a;
	uint32_t free = automaton_state(a), exact = automaton_state(a), more = automaton_state(a),
		 dot, zero;

	if (has_hi && lo > hi)
		return;
	automaton_skip(a, free, to);
	some_digits(c, constrain_text(c, free, "."), to, DIGITS + 1);
	automaton_skip(a, exact, to);
	dot = constrain_text(c, exact, ".");
	for (int i = 0; i < 3; i++) {
		dot = constrain_text(c, dot, "0");
		automaton_skip(a, dot, to);
	}
	zero = constrain_text(c, more, ".");
	for (int i = 0; i < 3; i++) {
		uint32_t digit = automaton_state(a);

		automaton_bytes(a, zero, digit, '1', '9');
		automaton_skip(a, digit, to);
		some_digits(c, digit, to, DIGITS - 2);
		zero = constrain_text(c, zero, "0");
	}
	if (has_hi && lo == hi) {
		if (!open_lo && !open_hi)
			whole_range(c, from, exact, lo, lo);
		return;
	}
	whole_range(c, from, open_lo ? more : free, lo, lo);
	if (!has_hi)
		whole_range(c, from, free, lo + 1, WIDEST);
	else if (lo + 1 < hi)
		whole_range(c, from, free, lo + 1, hi - 1);
	if (has_hi && !open_hi)
		whole_range(c, from, exact, hi, hi);
}

static void numbers(struct compiler *c, uint32_t from, uint32_t to, const struct limits *l)
{
	if (!l->has_lo && !l->has_hi) {
		automaton_call(c->a, from, to, c->any_number);
		return;
	}
	if (!l->has_hi || l->hi >= 0)
		magnitudes(c, from, to, l->has_lo && l->lo > 0 ? (uint64_t)l->lo : 0,
			   l->has_lo && l->lo >= 0 && l->open_lo, l->has_hi ? (uint64_t)l->hi : 0,
			   l->open_hi, l->has_hi);
	if (!l->has_lo || l->lo < 0)
		/* -0 is left out: whether an open limit excludes it need not be asked. */
		magnitudes(c, constrain_text(c, from, "-"), to,
			   l->has_hi && l->hi < 0 ? (uint64_t)-l->hi : 0,
			   l->has_hi && l->hi < 0 ? l->open_hi : 1,
			   l->has_lo ? (uint64_t)-l->lo : 0, l->open_lo, l->has_lo);
}

static int tighten(struct compiler *c, const struct schema_node *n, long double x, int upper,
		   int open, int whole, struct limits *l)
{
	if (isnan(x))
		return 0;
	if (whole) { /* of integers: 2.5 and more is 3 and more */
		long double in = upper ? floorl(x) : ceill(x);

		open = open && in == x;
		x = in;
	}
	if (x != floorl(x))
		return constrain_cannot(c, n, "a limit that is no integer, for numbers,");
	/* No integer is written that is as long as this. */
	if (whole && (upper ? x > WIDEST : x < -(long double)WIDEST))
		return 0;
	if (fabsl(x) > FAR)
		return constrain_cannot(c, n, "a limit beyond 10^18");
	if (upper && (!l->has_hi || x < l->hi || (x == l->hi && open))) {
		l->has_hi = 1;
		l->hi = (int64_t)x;
		l->open_hi = open;
	}
	if (!upper && (!l->has_lo || x > l->lo || (x == l->lo && open))) {
		l->has_lo = 1;
		l->lo = (int64_t)x;
		l->open_lo = open;
	}
	return 0;
}

int constrain_number(struct compiler *c, const struct list *all, int types, uint32_t from,
		     uint32_t to)
{
	struct limits l = {0};
	int whole = !(types & SCHEMA_NUMBER);

	for (size_t i = 0; i < all->n; i++) {
		const struct schema_node *n = all->v[i];
		double step;

		if (n->multiple.s && (json_number(n->multiple, &step) || !whole || step != 1))
			return constrain_cannot(c, n, "multipleOf");
		if (tighten(c, n, n->minimum.near, 0, 0, whole, &l) ||
		    tighten(c, n, n->above.near, 0, 1, whole, &l) ||
		    tighten(c, n, n->maximum.near, 1, 0, whole, &l) ||
		    tighten(c, n, n->below.near, 1, 1, whole, &l))
			return -1;
	}
	if (whole)
		integers(c, from, to, &l);
	else
		numbers(c, from, to, &l);
	return 0;
}
