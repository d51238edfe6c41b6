/* constrain: answers held to a JSON Schema while they are written.
 *
 * The schema becomes an automaton over the bytes of JSON text (automaton.h), and before each token
 * those that cannot come next are struck out. What is written is always valid under the schema; not
 * all that is valid can be written:
 *
 *	members come in the order of `properties`, optional ones may be left out; where `properties`
 *	are given and additionalProperties is not, there are no others; other names are made of
 *	ASCII letters, digits and _ $ . - and space;
 *
 *	white space is none, one space, or a newline and up to 32 spaces; before the value none, a
 *	space or a newline;
 *
 *	integers have up to 19 digits, other numbers up to 20 before and after the point and an
 *	exponent of up to two;
 *
 *	values of enum and const are written compactly, e-mail addresses, URIs and IPv6 addresses in
 *	their plain forms.
 *
 * Covered: all of lib/json/schema.h but what cannot be told while writing, which is refused by
 * name: not, if, contains, uniqueItems, multipleOf, patternProperties, propertyNames,
 * minProperties, maxProperties, dependent*, oneOf whose alternatives are not plainly exclusive,
 * patterns with look-around, \b, \p or back references, pattern or format beside limits of length,
 * and limits of a number (not integer) that are no integers. Beside enum or const everything is
 * covered, for each value is checked when the schema is compiled.
 */
#ifndef FT_GRAMMAR_CONSTRAIN_H
#define FT_GRAMMAR_CONSTRAIN_H

#include <stddef.h>
#include <stdint.h>
#include "../json/schema.h"
#include "automaton.h"

/* The language of a schema as an automaton of its own; NULL with the reason. free with
 * automaton_free. */
struct automaton *constrain_compile(const struct schema *s, struct err *e);

#endif
