/* Checking a value against a compiled schema. See schema.h. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "decimal.h"
#include "schema_impl.h"

#define DEPTH_MAX 2000

struct check {
	struct err *e;	 /* NULL while the outcome alone is asked for */
	struct buf path; /* of the value in hand */
	size_t steps;
	int depth;
	const char *broken; /* a limit was met, and the whole check fails: which */
	struct buf text;    /* scratch: a decoded string */
	pcre2_match_data *match;
};

static int check(struct check *c, const struct schema_node *n, struct span v);

/* Says why, with the value's place and the schema's. Returns -1. */
static int __attribute__((format(printf, 4, 5)))
no(struct check *c, const struct schema_node *n, const char *word, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	if (c->e && !c->broken) {
		va_start(ap, fmt);
		vsnprintf(why, sizeof why, fmt, ap);
		va_end(ap);
		err_set(c->e, "%s: %s (%s%s%s)", c->path.len ? c->path.data : ".", why, n->where,
			word[0] ? "/" : "", word);
	}
	return -1;
}

static int limit(struct check *c, const char *what)
{
	if (!c->broken)
		c->broken = what;
	return -1;
}

/* Whether v is valid under n, without a reason. */
static int holds(struct check *c, const struct schema_node *n, struct span v)
{
	struct err *e = c->e;
	int bad;

	c->e = NULL;
	bad = check(c, n, v);
	c->e = e;
	return !bad;
}

static int below(struct check *c, const struct schema_node *n, struct span v, struct span key,
		 size_t index)
{
	size_t len = c->path.len;
	struct buf name = BUF_INIT;
	int rc, plain;

	if (key.s) {
		json_string(key, &name);
		plain = name.len > 0;
		for (size_t i = 0; i < name.len; i++)
			plain &= (name.data[i] >= 'a' && name.data[i] <= 'z') ||
				 (name.data[i] >= 'A' && name.data[i] <= 'Z') ||
				 name.data[i] == '_' ||
				 (i > 0 && name.data[i] >= '0' && name.data[i] <= '9');
		if (plain)
			buf_addf(&c->path, ".%s", name.data);
		else
			buf_addf(&c->path, ".[%.*s]", (int)(key.n < 200 ? key.n : 200), key.s);
		buf_release(&name);
	} else {
		buf_addf(&c->path, "%s[%zu]", len ? "" : ".", index);
	}
	rc = check(c, n, v);
	c->path.len = len;
	if (c->path.data)
		c->path.data[len] = 0;
	return rc;
}

/* --- numbers --- */

/* digits 10^exp10; 0 where the text does not fit (then doubles have to do). */
static int decimal(struct span v, __int128 *digits, long *exp10)
{
	const char *p = v.s, *end = v.s + v.n;
	int point = 0, negative = p < end && *p == '-', n = 0;

	*digits = 0;
	*exp10 = 0;
	for (p += negative; p < end && ((*p >= '0' && *p <= '9') || *p == '.'); p++) {
		if (*p == '.') {
			point = 1;
			continue;
		}
		n += *digits != 0 || *p != '0';
		if (n > 36)
			return 0;
		*digits = *digits * 10 + (*p - '0');
		*exp10 -= point;
	}
	if (p < end) {
		long x = strtol(p + 1, NULL, 10);

		if (x > 400 || x < -400)
			return 0;
		*exp10 += x;
	}
	while (*digits != 0 && *digits % 10 == 0) {
		*digits /= 10;
		(*exp10)++;
	}
	if (*digits == 0)
		*exp10 = 0;
	if (negative)
		*digits = -*digits;
	return 1;
}

static int is_whole(struct span v)
{
	__int128 d;
	long e;
	double x;

	if (decimal(v, &d, &e))
		return e >= 0;
	json_number(v, &x);
	return isfinite(x) && x == floor(x);
}

static int is_multiple(struct span v, struct span of)
{
	__int128 a, b;
	long ea, eb;
	double x, y;

	if (decimal(v, &a, &ea) && decimal(of, &b, &eb)) {
		if (a == 0)
			return 1;
		/* a 10^ea / (b 10^eb). Neither a nor b has a factor ten left, so with fewer tens
		 * above than below it is not whole. */
		if (ea < eb)
			return 0;
		a %= b;
		for (; ea > eb && a != 0; ea--)
			a = a * 10 % b;
		return a == 0;
	}
	json_number(v, &x);
	json_number(of, &y);
	return isfinite(x) && fmod(x, y) == 0;
}

/* Below 0 where v, about x, is less than the limit, 0 where it equals it, above 0 where it is more. */
static int compare(struct span v, long double x, const struct schema_limit *limit)
{
	struct decimal a = {0}, b = {0};
	int order = (x > limit->near) - (x < limit->near);

	if (!(fabsl(x - limit->near) > 1e-15L * fabsl(limit->near)) && decimal_read(v, &a) == 0 &&
	    decimal_read(limit->text, &b) == 0)
		order = decimal_compare(&a, &b);
	decimal_release(&a);
	decimal_release(&b);
	return order;
}

static int check_number(struct check *c, const struct schema_node *n, struct span v)
{
	const struct {
		const char *word, *text;
		const struct schema_limit *limit;
		int wanted, open; /* which side of the limit is right; whether it is itself not */
	} limits[] = {{"minimum", "at least", &n->minimum, 1, 0},
		      {"maximum", "at most", &n->maximum, -1, 0},
		      {"exclusiveMinimum", "more than", &n->above, 1, 1},
		      {"exclusiveMaximum", "less than", &n->below, -1, 1}};
	char text[64], *long_text = NULL;
	long double x;

	/* The value may stand at the very end of what is readable. */
	if (v.n < sizeof text) {
		memcpy(text, v.s, v.n);
		text[v.n] = 0;
		x = strtold(text, NULL);
	} else {
		long_text = span_dup(v);
		x = strtold(long_text, NULL);
		free(long_text);
	}
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		const struct schema_limit *limit = limits[i].limit;
		int order = isnan(limit->near) ? limits[i].wanted : compare(v, x, limit);

		if (order == -limits[i].wanted || (order == 0 && limits[i].open))
			return no(c, n, limits[i].word, "must be %s %.*s", limits[i].text,
				  (int)(limit->text.n < 80 ? limit->text.n : 80), limit->text.s);
	}
	if (n->multiple.s && !is_multiple(v, n->multiple))
		return no(c, n, "multipleOf", "must be a multiple of %.*s",
			  (int)(n->multiple.n < 80 ? n->multiple.n : 80), n->multiple.s);
	return 0;
}

/* --- strings --- */

static int matches(struct check *c, void *pattern, struct span text)
{
	int rc;

	if (!c->match)
		c->match = mem_or_end(pcre2_match_data_create(1, NULL));
	rc = pcre2_match(pattern, (PCRE2_SPTR)text.s, text.n, 0, 0, c->match, NULL);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		limit(c, "a pattern takes too long to match");
	return rc >= 0;
}

static size_t characters(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.s[i] & 0xc0) != 0x80;
	return n;
}

static int check_text(struct check *c, const struct schema_node *n, struct span text)
{
	static const char *const formats[] = {"",
					      "date (YYYY-MM-DD)",
					      "time (RFC 3339)",
					      "date-time (RFC 3339)",
					      "e-mail address",
					      "URI",
					      "UUID",
					      "IPv4 address",
					      "IPv6 address"};

	if (n->min_length > 0 || n->max_length < SIZE_MAX) {
		size_t len = characters(text);

		if (len < n->min_length)
			return no(c, n, "minLength", "must have at least %zu characters",
				  n->min_length);
		if (len > n->max_length)
			return no(c, n, "maxLength", "must have at most %zu characters",
				  n->max_length);
	}
	if (n->pattern && !matches(c, n->pattern, text))
		return no(c, n, "pattern", "must match \"%.200s\"", n->pattern_text);
	if (n->format != SCHEMA_PLAIN && !schema_format_ok(n->format, text))
		return no(c, n, "format", "must be a valid %s", formats[n->format]);
	return 0;
}

static int check_string(struct check *c, const struct schema_node *n, struct span v)
{
	if (n->min_length == 0 && n->max_length == SIZE_MAX && !n->pattern &&
	    n->format == SCHEMA_PLAIN)
		return 0;
	buf_clear(&c->text);
	json_string(v, &c->text);
	return check_text(c, n, buf_span(&c->text));
}

/* --- arrays --- */

static int check_unique(struct check *c, const struct schema_node *n, struct span v)
{
	size_t count = json_count(v), i = 0;
	struct schema_value *all = mem_alloc(count, sizeof *all);
	struct json_iter it = {0};
	struct span unused, item;
	int rc = 0;

	while (json_next(&it, v, &unused, &item))
		all[i++] = (struct schema_value){json_hash(item), item};
	schema_sort_values(all, count);
	for (i = 1; i < count && !rc; i++)
		for (size_t k = i; k > 0 && all[k - 1].hash == all[i].hash && !rc; k--)
			if (json_equal(all[k - 1].v, all[i].v))
				rc = no(c, n, "uniqueItems", "holds %.*s twice",
					(int)(all[i].v.n < 80 ? all[i].v.n : 80), all[i].v.s);
	free(all);
	return rc;
}

static int check_array(struct check *c, const struct schema_node *n, struct span v)
{
	size_t count = json_count(v), i = 0, containing = 0;
	struct json_iter it = {0};
	struct span item, none = {NULL, 0}, unused;

	if (count < n->min_items)
		return no(c, n, "minItems", "must have at least %zu items", n->min_items);
	if (count > n->max_items)
		return no(c, n, "maxItems", "must have at most %zu items", n->max_items);
	for (; json_next(&it, v, &unused, &item); i++) {
		const struct schema_node *each = i < n->prefix.n ? n->prefix.v[i] : n->items;

		if (each && below(c, each, item, none, i))
			return -1;
		if (n->contains && holds(c, n->contains, item))
			containing++;
		if (c->broken)
			return -1;
	}
	if (n->contains && containing < n->min_contains)
		return no(c, n, "contains", "must contain at least %zu such item%s",
			  n->min_contains, n->min_contains == 1 ? "" : "s");
	if (n->contains && containing > n->max_contains)
		return no(c, n, "maxContains", "must contain at most %zu such items",
			  n->max_contains);
	return n->unique ? check_unique(c, n, v) : 0;
}

/* --- objects --- */

static int is_named(struct span key, const char *name, size_t n)
{
	struct buf text = BUF_INIT;
	int same;

	if (key.n == n + 2 && !memchr(key.s, '\\', key.n))
		return memcmp(key.s + 1, name, n) == 0;
	if (!memchr(key.s, '\\', key.n))
		return 0;
	json_string(key, &text);
	same = text.len == n && (n == 0 || memcmp(text.data, name, n) == 0);
	buf_release(&text);
	return same;
}

static int has(struct span v, const char *name, size_t n)
{
	struct json_iter it = {0};
	struct span key, value;

	while (json_next(&it, v, &key, &value))
		if (is_named(key, name, n))
			return 1;
	return 0;
}

static int check_member(struct check *c, const struct schema_node *n, struct span key,
			struct span value)
{
	struct buf name = BUF_INIT;
	int known = 0, bad = 0;

	for (size_t i = 0; i < n->properties.n && !bad; i++)
		if (is_named(key, n->properties.v[i].name, n->properties.v[i].n)) {
			known = 1;
			bad = below(c, n->properties.v[i].node, value, key, 0);
		}
	if (n->patterns.n && !bad)
		json_string(key, &name);
	for (size_t i = 0; i < n->patterns.n && !bad; i++)
		if (matches(c, n->patterns.v[i].pattern, buf_span(&name))) {
			known = 1;
			bad = below(c, n->patterns.v[i].node, value, key, 0);
		}
	buf_release(&name);
	if (bad || c->broken)
		return -1;
	if (n->names && check(c, n->names, key))
		return -1;
	if (known || !n->additional)
		return 0;
	if (n->additional->fixed < 0)
		return no(c, n, "additionalProperties", "has no place for a member %.*s",
			  (int)(key.n < 80 ? key.n : 80), key.s);
	return below(c, n->additional, value, key, 0);
}

static int check_object(struct check *c, const struct schema_node *n, struct span v)
{
	size_t count = json_count(v);
	struct json_iter it = {0};
	struct span key, value;

	if (count < n->min_properties)
		return no(c, n, "minProperties", "must have at least %zu members",
			  n->min_properties);
	if (count > n->max_properties)
		return no(c, n, "maxProperties", "must have at most %zu members",
			  n->max_properties);
	for (size_t i = 0; i < n->n_required; i++)
		if (!has(v, n->required[i].name, n->required[i].n))
			return no(c, n, "required", "lacks \"%s\"", n->required[i].name);
	for (size_t i = 0; i < n->n_dependent_required; i++) {
		if (!has(v, n->dependent_required[i].name, n->dependent_required[i].name_n))
			continue;
		for (size_t k = 0; k < n->dependent_required[i].n; k++)
			if (!has(v, n->dependent_required[i].needs[k].name,
				 n->dependent_required[i].needs[k].n))
				return no(c, n, "dependentRequired", "has \"%s\" but lacks \"%s\"",
					  n->dependent_required[i].name,
					  n->dependent_required[i].needs[k].name);
	}
	for (size_t i = 0; i < n->dependent.n; i++)
		if (has(v, n->dependent.v[i].name, n->dependent.v[i].n) &&
		    check(c, n->dependent.v[i].node, v))
			return -1;
	if (!n->properties.n && !n->patterns.n && !n->additional && !n->names)
		return 0;
	while (json_next(&it, v, &key, &value))
		if (check_member(c, n, key, value))
			return -1;
	return 0;
}

/* --- all together --- */

static int kind_bit(struct span v)
{
	switch (json_kind(v)) {
	case JSON_NULL:
		return SCHEMA_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return SCHEMA_BOOLEAN;
	case JSON_STRING:
		return SCHEMA_STRING;
	case JSON_ARRAY:
		return SCHEMA_ARRAY;
	case JSON_OBJECT:
		return SCHEMA_OBJECT;
	default:
		return SCHEMA_NUMBER;
	}
}

static int check_type(struct check *c, const struct schema_node *n, struct span v, int bit)
{
	static const char *const names[] = {"null",	"a boolean", "an integer", "a number",
					    "a string", "an array",  "an object"};
	struct buf list = BUF_INIT;
	int left = n->types & SCHEMA_NUMBER ? n->types & ~SCHEMA_INTEGER : n->types, rc;

	if (n->types & bit || (bit == SCHEMA_NUMBER && n->types & SCHEMA_INTEGER && is_whole(v)))
		return 0;
	for (int i = 0; i < 7; i++)
		if (left >> i & 1) {
			buf_addf(&list, "%s%s", list.len ? " or " : "", names[i]);
		}
	rc = no(c, n, "type", "must be %s", list.data);
	buf_release(&list);
	return rc;
}

static int is_listed(const struct schema_node *n, struct span v)
{
	uint64_t hash = json_hash(v);
	size_t from = 0, to = n->n_values;

	while (from < to) { /* to the first that is not less */
		size_t mid = from + (to - from) / 2;

		if (n->by_hash[mid].hash < hash)
			from = mid + 1;
		else
			to = mid;
	}
	for (; from < n->n_values && n->by_hash[from].hash == hash; from++)
		if (json_equal(n->by_hash[from].v, v))
			return 1;
	return 0;
}

static int check_enum(struct check *c, const struct schema_node *n, struct span v)
{
	if (is_listed(n, v))
		return 0;
	if (n->n_values == 1)
		return no(c, n, "", "must be %.*s",
			  (int)(n->values[0].n < 200 ? n->values[0].n : 200), n->values[0].s);
	return no(c, n, "enum", "is none of the %zu values allowed", n->n_values);
}

static int check_combinations(struct check *c, const struct schema_node *n, struct span v)
{
	size_t hold = 0;

	for (size_t i = 0; i < n->all_of.n; i++)
		if (check(c, n->all_of.v[i], v))
			return -1;
	if (n->any_of.n == 1 && check(c, n->any_of.v[0], v))
		return -1;
	if (n->any_of.n > 1) {
		for (size_t i = 0; i < n->any_of.n && !hold; i++)
			hold += (size_t)holds(c, n->any_of.v[i], v);
		if (!hold)
			return no(c, n, "anyOf", "is valid under none of the %zu schemas",
				  n->any_of.n);
	}
	if (n->one_of.n) {
		hold = 0;
		for (size_t i = 0; i < n->one_of.n; i++)
			hold += (size_t)holds(c, n->one_of.v[i], v);
		if (hold != 1)
			return no(c, n, "oneOf", "is valid under %zu of the %zu schemas, not one",
				  hold, n->one_of.n);
	}
	if (n->not_ && holds(c, n->not_, v))
		return no(c, n, "not", "is valid under the schema that it must not match");
	if (n->if_) {
		const struct schema_node *then = holds(c, n->if_, v) ? n->then_ : n->else_;

		if (then && check(c, then, v))
			return -1;
	}
	return c->broken ? -1 : 0;
}

static int check_here(struct check *c, const struct schema_node *n, struct span v)
{
	int bit = kind_bit(v);

	if (n->fixed)
		return n->fixed > 0 ? 0 : no(c, n, "", "nothing is allowed here");
	if (n->ref && check(c, n->ref, v))
		return -1;
	if (n->ref_only)
		return 0;
	if (n->types != SCHEMA_ANY && check_type(c, n, v, bit))
		return -1;
	if (n->has_enum && check_enum(c, n, v))
		return -1;
	if ((bit == SCHEMA_NUMBER && check_number(c, n, v)) ||
	    (bit == SCHEMA_STRING && check_string(c, n, v)) ||
	    (bit == SCHEMA_ARRAY && check_array(c, n, v)) ||
	    (bit == SCHEMA_OBJECT && check_object(c, n, v)))
		return -1;
	return check_combinations(c, n, v);
}

static int check(struct check *c, const struct schema_node *n, struct span v)
{
	int bad;

	if (c->broken || c->depth == DEPTH_MAX || ++c->steps > SCHEMA_STEPS)
		return limit(c, "the schema is too deep or branches too much to be checked");
	c->depth++;
	bad = check_here(c, n, v);
	c->depth--;
	return bad || c->broken ? -1 : 0;
}

static int check_from(const struct schema_node *n, struct span value, struct err *e)
{
	struct check c = {.e = e};
	int rc = check(&c, n, value);

	if (c.broken) {
		err_set(e, "%s", c.broken);
		rc = 1;
	}
	buf_release(&c.path);
	buf_release(&c.text);
	pcre2_match_data_free(c.match);
	return rc;
}

int schema_check(const struct schema *s, struct span value, struct err *e)
{
	return check_from(schema_root(s), value, e);
}

int schema_node_check(const struct schema_node *n, struct span value)
{
	return check_from(n, value, NULL);
}
