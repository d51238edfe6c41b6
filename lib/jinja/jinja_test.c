/* Tests (`x is odd`), as Jinja2 defines them. */
#include <utf8proc.h>
#include "jinja_impl.h"

static const char *const tests[] = {"boolean", "callable", "defined",	"divisibleby",
				    "eq",      "equalto",  "even",	"false",
				    "filter",  "float",	   "ge",	"greaterthan",
				    "gt",      "in",	   "integer",	"iterable",
				    "le",      "lessthan", "lower",	"lt",
				    "mapping", "ne",	   "none",	"number",
				    "odd",     "sameas",   "sequence",	"string",
				    "test",    "true",	   "undefined", "upper"};

int jtest_known(struct span name)
{
	size_t i;

	for (i = 0; i < sizeof tests / sizeof *tests; i++)
		if (span_is(name, tests[i]))
			return 1;
	return 0;
}

static int all_case(struct span s, int upper)
{
	int seen = 0;
	size_t at;
	utf8proc_ssize_t n;

	for (at = 0; at < s.n; at += (size_t)n) {
		utf8proc_int32_t c;

		n = utf8proc_iterate((const utf8proc_uint8_t *)s.s + at,
				     (utf8proc_ssize_t)(s.n - at), &c);
		if (n <= 0) {
			n = 1;
			continue;
		}
		if ((upper ? utf8proc_category(c) == UTF8PROC_CATEGORY_LL
			   : utf8proc_category(c) == UTF8PROC_CATEGORY_LU))
			return 0;
		seen |= utf8proc_category(c) ==
			(upper ? UTF8PROC_CATEGORY_LU : UTF8PROC_CATEGORY_LL);
	}
	return seen;
}

int jtest(struct jrun *r, struct span name, const struct jv *v, const struct jcall *c, int *yes)
{
	static const struct {
		const char *name;
		int kinds;
	} of_kind[] = {
		{"defined", ~(1 << J_UNDEFINED)},
		{"undefined", 1 << J_UNDEFINED},
		{"none", 1 << J_NONE},
		{"boolean", 1 << J_BOOL},
		{"integer", 1 << J_INT},
		{"float", 1 << J_FLOAT},
		{"number", 1 << J_INT | 1 << J_FLOAT | 1 << J_BOOL},
		{"string", 1 << J_STRING},
		{"mapping", 1 << J_DICT},
		{"sequence", 1 << J_STRING | 1 << J_LIST | 1 << J_DICT | 1 << J_UNDEFINED},
		{"iterable", 1 << J_STRING | 1 << J_LIST | 1 << J_DICT | 1 << J_UNDEFINED},
		{"callable", 1 << J_MACRO | 1 << J_FUNCTION},
	};
	const struct jv *other = jcall_arg(c, 0, "other");
	size_t i;
	int sign;

	if (jcharge(r, 1))
		return -1;
	for (i = 0; i < sizeof of_kind / sizeof *of_kind; i++)
		if (span_is(name, of_kind[i].name)) {
			*yes = of_kind[i].kinds >> v->kind & 1;
			return 0;
		}
	if (span_is(name, "true") || span_is(name, "false")) {
		*yes = v->kind == J_BOOL && v->b == span_is(name, "true");
		return 0;
	}
	if (span_is(name, "lower") || span_is(name, "upper")) {
		*yes = v->kind == J_STRING && all_case(v->s, span_is(name, "upper"));
		return jcharge(r, v->kind == J_STRING ? v->s.n / 4 : 0);
	}
	if (span_is(name, "odd") || span_is(name, "even")) {
		if (v->kind != J_INT)
			return jfail(r, "is %.*s of a %s", (int)name.n, name.s, jv_type(v));
		*yes = (v->i & 1) == span_is(name, "odd");
		return 0;
	}
	if (span_is(name, "filter") || span_is(name, "test")) {
		*yes = v->kind == J_STRING &&
		       (span_is(name, "filter") ? jfilter_known(v->s) : jtest_known(v->s));
		return 0;
	}
	if (!other)
		return jfail(r, "the test '%.*s' needs an argument", (int)name.n, name.s);
	if (span_is(name, "divisibleby")) {
		if (v->kind != J_INT || other->kind != J_INT || !other->i)
			return jfail(r, "divisibleby needs two integers, the second not 0");
		*yes = other->i == -1 || v->i % other->i == 0;
		return 0;
	}
	if (span_is(name, "in"))
		return jv_contains(r, v, other, yes);
	if (span_is(name, "eq") || span_is(name, "equalto") || span_is(name, "ne")) {
		*yes = jv_equal(r, v, other) != span_is(name, "ne");
		return 0;
	}
	if (span_is(name, "sameas")) {
		*yes = v->kind == other->kind && jv_equal(r, v, other);
		return 0;
	}
	if (jv_compare(r, v, other, &sign))
		return -1;
	*yes = name.s[0] == 'g' ? (span_is(name, "ge") ? sign >= 0 : sign > 0)
				: (span_is(name, "le") ? sign <= 0 : sign < 0);
	return 0;
}
