/* fields: a JSON answer compared with a JSON reference, field by field, each as what it is.
 *
 * Objects are flattened: {"a": {"b": 1}} has the field a.b. null and absent are the same (nothing
 * was found, and nothing was said). Two values agree when both are dates and the same day; both
 * amounts (a number, or text that is one) and equal within the tolerance; both text and equal after
 * fold_text; otherwise when they are equal as JSON. Arrays agree element by element, objects in
 * them member by member.
 */
#ifndef FT_EVAL_FIELDS_H
#define FT_EVAL_FIELDS_H

#include <stddef.h>
#include "../json/json.h"
#include "../stats/interval.h"
#include "number.h"

#define FIELDS_MAX 256 /* different fields kept apart */

/* One field over all rows: how often it was there, and right. */
struct field {
	char *name;
	unsigned long long rows;     /* rows in which reference or answer holds it */
	unsigned long long right;    /* of them, both agree */
	unsigned long long said;     /* the answer holds it */
	unsigned long long expected; /* the reference holds it */
	unsigned long long found;    /* both hold it and agree */
};

/* The share that is right of what was said, and of what was expected; NaN without any. */
double field_precision(const struct field *f);
double field_recall(const struct field *f);

struct fields {
	struct field *v;
	size_t n, cap;
	size_t other; /* rows' fields beyond FIELDS_MAX, counted in the scores but not apart */
};

void fields_release(struct fields *f);
/* made where new; NULL beyond FIELDS_MAX */
struct field *fields_at(struct fields *f, struct span name);

/* One field of one row. */
struct field_verdict {
	size_t name_at, name_len; /* in names of the verdicts */
	unsigned char said, expected, right;
};

struct field_verdicts {
	struct field_verdict *v;
	size_t n, cap;
	struct buf names;
};

void field_verdicts_release(struct field_verdicts *v);
struct span field_verdict_name(const struct field_verdicts *v, size_t i);

/* Which fields are looked at, and how far apart their amounts may be. */
struct field_rule {
	char *name; /* a field, or an object with all its fields */
	struct tolerance tolerance;
};
struct field_rules {
	struct field_rule *v; /* none: every field */
	size_t n, cap;
	struct tolerance usual; /* where no rule names the field */
};

/* `due,amount~0.01,total~1%`, `~1%` alone being the usual tolerance; NULL for every field. -1 where
 * no field can be read from it. */
int field_rules_parse(const char *text, struct field_rules *r, struct err *e);
void field_rules_release(struct field_rules *r);

/* Compares the texts reference and answer. Returns the share of fields that are right, in v each
 * one. A field that a rule names is right where neither side holds it. An answer that is no JSON
 * object has nothing right. -1 where the reference is no JSON object, which is no fault of the
 * answer. With no field on either side the score is 1. */
double fields_compare(struct span reference, struct span answer, const struct field_rules *rules,
		      struct field_verdicts *v);

/* NULL where there is none. */
const struct field *fields_named(const struct fields *f, const char *name);

/* Whether reference or answer of some row held the field, or a field of the object of that name. */
int fields_occurs(const struct fields *f, const char *name);

#endif
