/* lib/json: records: JSON Lines read strictly and written without losing a byte, paths into them
 * (path), the input key (identity), ft's own members, records in threads (batch), sources that are
 * read twice (source), JSON Schema (schema) and its strict form (strict).
 *
 * json: JSON as text, checked strictly and read in place.
 *
 * A value is a struct span of the
 * original text, validated once (RFC 8259 and UTF-8, with ceilings on depth), and then walked where
 * it stands. cJSON serves where a tree is more convenient (json_tree): configuration files, API
 * answers. What cJSON 1.7.15 would alter or accept wrongly (trailing junk, raw control bytes, `01`,
 * invalid UTF-8, look-up without regard to case, numbers printed short) never reaches it or is not
 * asked of it: a tree is made from checked text only, look-ups are case-sensitive (json_get),
 * numbers are printed by jw.
 *
 * Spans borrow from the text they were found in and live as long as it does.
 */
#ifndef FT_JSON_JSON_H
#define FT_JSON_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>
#include "../base/buf.h"
#include "../base/err.h"

#define JSON_DEPTH 512 /* deepest nesting accepted */

enum json_kind {
	JSON_NONE,
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* Checks that text is one JSON value with nothing but white space around it. On success *value is
 * the value without the white space. The reason names the byte offset. */
int json_check(struct span text, struct span *value, struct err *e);

/* The value that text begins with (white space may stand before it), whatever stands behind. -1 where
 * it begins with none. */
int json_first(struct span text, struct span *value);

/* All below expect a span that json_check has passed (or a part of one). */

enum json_kind json_kind(struct span v); /* JSON_NONE for an absent span */

/* The decoded string is appended to b (may hold NUL bytes). Lone surrogates become U+FFFD. -1 where
 * v is no string. */
int json_string(struct span v, struct buf *b);
/* Equal to the C string s after decoding. */
int json_is(struct span v, const char *s);
/* The number as a double (nearest; beyond the range +-HUGE_VAL). -1 where v is no number. */
int json_number(struct span v, double *x);
/* An integer written without fraction or exponent that fits; otherwise -1. */
int json_int(struct span v, int64_t *x);

/* Walking an object or array: zero a struct json_iter, set nothing (or the marks of the text, where
 * there are some), and call until it returns 0. key is the raw string with its quotes (absent in
 * arrays). */
struct marks;
struct json_iter {
	const struct marks *marks;
	const char *p, *end;
	int started;
};
int json_next(struct json_iter *it, struct span container, struct span *key, struct span *value);

/* Member of an object by (decoded) name, the last one where it repeats; absent span where there is
 * none or v is no object. */
struct span json_member(struct span v, const char *name);
/* Element of an array, negative from the end; absent where out of range or no array. */
struct span json_element(struct span v, long long index);
/* Elements of an array or members of an object; 0 for others. */
size_t json_count(struct span v);

/* The members of an object sorted by their keys, for looking up more than a few. */
#define JSON_MEMBERS_FEW 12 /* need no allocation */
struct json_named {
	struct span key; /* decoded: points into the object or into keys */
	struct span value;
	size_t order;
};
struct json_members {
	struct json_named few[JSON_MEMBERS_FEW], *v;
	size_t n, cap;
	struct buf keys;
};
/* m need not be initialised, stays where it is, and borrows from the object; none of v that is no
 * object. */
void json_members_sort(struct span v, struct json_members *m);
/* By decoded name; of several with it the last, and an absent span where there is none. */
struct span json_members_find(const struct json_members *m, struct span name);
void json_members_release(struct json_members *m);

/* Canonical form, appended: members sorted by decoded key bytes (equal keys in order), strings with
 * the fewest escapes, numbers as written, no white space. Two texts that differ only in spacing,
 * key order and escapes give the same bytes. */
int json_canonical(struct span v, struct buf *b);

/* The value as text, appended, the same for values that stand for the same: strings decoded, numbers
 * and strings that spell a number (7, 7.0, 7e0, "7", but not "07") by their value, digit by digit
 * whatever their length, the rest canonical with numbers by value. -1 where b is full. */
int json_value_text(struct span v, struct buf *b);

/* Values equal: objects regardless of order, numbers by value, strings decoded. */
int json_equal(struct span a, struct span b);
/* The same for values that are equal so. */
uint64_t json_hash(struct span v);

/* Reads a file of at most max bytes into b and checks it; the value borrows from b. Reasons begin
 * with the file's name. */
int json_file(const char *path, size_t max, struct buf *b, struct span *value, struct err *e);

/* A cJSON tree of the checked text; the caller frees it with cJSON_Delete. Fails where a string
 * holds \u0000, which cJSON cannot represent. */
cJSON *json_tree(struct span text, struct err *e);
/* json_tree of a file of at most max bytes; reasons begin with the file's name. */
cJSON *json_tree_file(const char *path, size_t max, struct err *e);
/* Case-sensitive look-up; NULL where absent or where o is NULL or no object. */
cJSON *json_get(const cJSON *o, const char *name);

#endif
