/* schema: JSON Schema, compiled once and checked against many values.
 *
 * Draft 2020-12 and draft 7, as structured outputs use them: $ref within the document (pointers and
 * anchors), $defs, definitions, type, enum, const, the limits of numbers, strings, arrays and
 * objects, pattern (PCRE2, searched as ECMAScript does), prefixItems, items, additionalItems,
 * contains, properties, patternProperties, additionalProperties, propertyNames, required,
 * dependentRequired, dependentSchemas, dependencies, allOf, anyOf, oneOf, not, if/then/else, and
 * format as an assertion: date, time, date-time, email, uri, uuid, ipv4, ipv6. Formats and keywords
 * not known are annotations, as the standard says; keywords that are known and would change the
 * verdict but are not covered ($dynamicRef, $recursiveRef, unevaluatedItems, unevaluatedProperties,
 * references out of the document) are refused by name, as is anything of a wrong type, and a
 * keyword that stands twice in one schema.
 *
 * Numbers are compared by value: 1 and 1.0 are equal and both integers; limits and multipleOf are
 * decided on the decimal digits, not on their doubles.
 *
 * A compiled schema is constant; it may be used from several threads at once.
 */
#ifndef FT_JSON_SCHEMA_H
#define FT_JSON_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include "json.h"

/* nodes visited in one check, at most: a schema that branches without end is an error */
#define SCHEMA_STEPS 10000000

enum {
	SCHEMA_NULL = 1,
	SCHEMA_BOOLEAN = 2,
	SCHEMA_INTEGER = 4, /* a number whose value is whole */
	SCHEMA_NUMBER = 8,  /* any number */
	SCHEMA_STRING = 16,
	SCHEMA_ARRAY = 32,
	SCHEMA_OBJECT = 64,
	SCHEMA_ANY = 127,
};

enum schema_format {
	SCHEMA_PLAIN,
	SCHEMA_DATE,
	SCHEMA_TIME,
	SCHEMA_DATE_TIME,
	SCHEMA_EMAIL,
	SCHEMA_URI,
	SCHEMA_UUID,
	SCHEMA_IPV4,
	SCHEMA_IPV6,
};

struct schema_node;

struct schema_property {
	char *name; /* decoded, NUL-terminated; may hold NULs */
	size_t n;
	void *pattern; /* of patternProperties: pcre2_code *, name is its text */
	struct schema_node *node;
};

struct schema_list {
	struct schema_node **v;
	size_t n;
};

struct schema_names {
	struct schema_property *v;
	size_t n;
};

/* A value and its json_hash. */
struct schema_value {
	uint64_t hash;
	struct span v;
};

/* A limit of numbers: near it, which may not hold all its digits, and as it was written. */
struct schema_limit {
	long double near; /* NaN: none */
	struct span text;
};

/* One schema of the document, for whoever compiles it into something else (constrained decoding).
 * Absent limits are NaN, or SIZE_MAX for maxima of counts; absent schemas NULL. */
struct schema_node {
	char *where; /* "#/properties/amount" */
	int fixed;   /* 1: `true`, -1: `false`, 0: an object */
	int types;   /* SCHEMA_ANY where no type is given */
	int has_enum;
	struct span *values; /* enum, or const: raw JSON, borrowed from the schema's text */
	size_t n_values;
	struct schema_value *by_hash; /* the same in the order of their hashes */
	struct schema_node *ref;
	int ref_only; /* draft 7: nothing beside $ref counts */
	/* numbers */
	struct schema_limit minimum, maximum, above, below; /* above, below: exclusive */
	struct span multiple;				    /* as written */
	/* strings */
	size_t min_length, max_length;
	void *pattern; /* pcre2_code * */
	char *pattern_text;
	enum schema_format format;
	/* arrays */
	struct schema_list prefix;
	struct schema_node *items, *contains;
	size_t min_items, max_items, min_contains, max_contains;
	int unique;
	/* objects */
	struct schema_names properties, patterns, dependent;
	struct schema_node *additional, *names;
	struct schema_property *required; /* node unused */
	size_t n_required;
	struct {
		char *name;
		size_t name_n;
		struct schema_property *needs;
		size_t n;
	} * dependent_required;
	size_t n_dependent_required;
	size_t min_properties, max_properties;
	/* combinations */
	struct schema_list all_of, any_of, one_of;
	struct schema_node *not_, *if_, *then_, *else_;
};

struct schema;

/* Compiles the text of a schema, which is copied. NULL with the reason: "#/properties/a: ...". */
struct schema *schema_compile(struct span text, struct err *e);
/* From a file; reasons begin with its name. */
struct schema *schema_read(const char *path, struct err *e);
void schema_free(struct schema *s);

const struct schema_node *schema_root(const struct schema *s);
struct span schema_text(const struct schema *s);

/* Whether value (checked JSON) is valid. 0: it is; -1: it is not, and e (may be NULL) says where
 * and why: ".items[2].price: must be at least 0 (#/$defs/item/properties/price/minimum)". 1: that
 * could not be decided within the limits (SCHEMA_STEPS, the depth, a pattern's backtracking), and e
 * says which. */
int schema_check(const struct schema *s, struct span value, struct err *e);

/* The same for one node of the schema, without a reason. */
int schema_node_check(const struct schema_node *n, struct span value);

/* Whether the text (not a JSON string: its content) has the format. */
int schema_format_ok(enum schema_format f, struct span text);

#endif
