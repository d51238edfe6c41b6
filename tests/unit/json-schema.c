/* The validator on the cases of tests/fixtures/schema.jsonl (written by hand from the
 * specification: each line a schema with values that are and are not valid), and what it refuses to
 * compile. */
#include <stdlib.h>
#include "../../lib/base/file.h"
#include "../../lib/json/schema.h"
#include "tap.h"

#define CASES "tests/fixtures/schema.jsonl"

static int cases(const struct schema *s, struct span schema, struct span values, int valid)
{
	struct json_iter it = {0};
	struct span v, unused;
	int n = 0;

	while (json_next(&it, values, &unused, &v)) {
		struct err e = ERR_INIT;
		int got = schema_check(s, v, &e) == 0;

		ok(got == valid, "%.*s is %svalid under %.*s", (int)(v.n < 100 ? v.n : 100), v.s,
		   valid ? "" : "not ", (int)(schema.n < 150 ? schema.n : 150), schema.s);
		if (got != valid || (!valid && !e.msg[0]))
			printf("# %s\n", e.msg);
		n++;
	}
	return n;
}

static void all_cases(void)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int n = 0;

	if (file_read(CASES, (size_t)1 << 24, &text, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
		struct span v, schema;
		struct schema *s;

		if (json_check(span_of(line), &v, &e) != 0) {
			printf("Bail out! %s: %s\n", line, e.msg);
			exit(1);
		}
		schema = json_member(v, "schema");
		s = schema_compile(schema, &e);
		ok(s != NULL, "%.*s is compiled", (int)(schema.n < 150 ? schema.n : 150), schema.s);
		if (!s) {
			printf("# %s\n", e.msg);
			continue;
		}
		n += cases(s, schema, json_member(v, "valid"), 1);
		n += cases(s, schema, json_member(v, "invalid"), 0);
		schema_free(s);
	}
	ok(n >= 300, "there are %d cases", n);
	buf_release(&text);
}

static void refuse(const char *schema, const char *reason)
{
	struct err e = ERR_INIT;
	struct schema *s = schema_compile(span_of(schema), &e);

	ok(!s && strstr(e.msg, reason), "%s is refused: %s", schema, reason);
	if (s || !strstr(e.msg, reason))
		printf("# %s\n", e.msg);
	schema_free(s);
}

static void says(const char *schema, const char *value, const char *reason)
{
	struct err e = ERR_INIT;
	struct schema *s = schema_compile(span_of(schema), &e);
	struct span v;

	ok(s && json_check(span_of(value), &v, &e) == 0 && schema_check(s, v, &e) != 0 &&
		   strcmp(e.msg, reason) == 0,
	   "says: %s", reason);
	if (strcmp(e.msg, reason) != 0)
		printf("# %s\n", e.msg);
	schema_free(s);
}

int main(void)
{
	struct buf deep = BUF_INIT;
	struct err e = ERR_INIT;
	struct schema *s;
	struct span v;

	all_cases();
	refuse("{", "invalid JSON");
	refuse("[1]", "a schema is an object, true or false");
	refuse("{\"type\": \"strin\"}", "#/type: there is no type \"strin\"");
	refuse("{\"$defs\": {\"a\": {\"anyOf\": [{\"type\": \"x\"}]}}}",
	       "#/$defs/a/anyOf/0/type: there is no type \"x\"");
	refuse("{\"dependentRequired\": {\"a\": 1}}", "#/dependentRequired");
	refuse("{\"properties\": {\"a\": {\"minimum\": \"3\"}}}",
	       "#/properties/a/minimum: must be a number");
	refuse("{\"minLength\": -1}", "#/minLength");
	refuse("{\"required\": \"a\"}", "#/required");
	refuse("{\"required\": [1]}", "#/required");
	refuse("{\"anyOf\": []}", "#/anyOf");
	refuse("{\"enum\": 3}", "#/enum");
	refuse("{\"multipleOf\": 0}", "#/multipleOf");
	refuse("{\"pattern\": \"(\"}", "#/pattern");
	refuse("{\"items\": {\"properties\": 3}}", "#/items/properties");
	refuse("{\"$ref\": \"#/$defs/none\"}", "names nothing");
	refuse("{\"$ref\": \"https://example.com/other\"}", "outside this document");
	refuse("{\"$defs\": {\"a\": {\"$ref\": \"#/$defs/b\"}, \"b\": {\"$ref\": \"#/$defs/a\"}}, \"$ref\": \"#/$defs/a\"}",
	       "leads back to itself");
	refuse("{\"properties\": {\"a\": true}, \"properties\": {\"b\": true, \"c\": true, \"d\": true}}",
	       "#: has the keyword \"properties\" twice");
	refuse("{\"items\": {\"pattern\": \"a\", \"minLength\": 1, \"pattern\": \"b\"}}",
	       "#/items: has the keyword \"pattern\" twice");
	refuse("{\"prefixItems\": [true], \"items\": [true, true, true]}",
	       "#: has both prefixItems and a list in items");
	refuse("{\"unevaluatedProperties\": false}", "unevaluatedProperties is not covered");
	refuse("{\"$dynamicRef\": \"#x\"}", "$dynamicRef is not covered");
	says("{\"properties\": {\"items\": {\"items\": {\"properties\": {\"price\": {\"minimum\": 0}}}}}}",
	     "{\"items\": [{}, {}, {\"price\": -1}]}",
	     ".items[2].price: must be at least 0 (#/properties/items/items/properties/price/minimum)");
	says("{\"additionalProperties\": false}", "{\"odd name\": 1}",
	     ".: has no place for a member \"odd name\" (#/additionalProperties)");
	says("{\"type\": [\"number\", \"null\"]}", "\"x\"", ".: must be null or a number (#/type)");

	/* A value that is as deep as JSON may be, under a schema that follows it. */
	for (int i = 0; i < 500; i++)
		buf_adds(&deep, "[");
	for (int i = 0; i < 500; i++)
		buf_adds(&deep, "]");
	s = schema_compile(span_of("{\"items\": {\"$ref\": \"#\"}}"), &e);
	ok(s && json_check(buf_span(&deep), &v, &e) == 0 && schema_check(s, v, &e) == 0,
	   "500 levels are followed");
	schema_free(s);
	/* 2^40 ways to fail. */
	buf_clear(&deep);
	buf_adds(&deep, "{\"$defs\": {\"0\": {\"type\": \"null\"}");
	for (int i = 1; i <= 40; i++)
		buf_addf(&deep,
			 ", \"%d\": {\"anyOf\": [{\"$ref\": \"#/$defs/%d\"}, {\"$ref\": \"#/$defs/%d\"}]}",
			 i, i - 1, i - 1);
	buf_adds(&deep, "}, \"$ref\": \"#/$defs/40\"}");
	s = schema_compile(buf_span(&deep), &e);
	ok(s && schema_check(s, span_of("1"), &e) != 0 && strstr(e.msg, "branches"),
	   "a schema that branches without end is given up");
	schema_free(s);
	buf_release(&deep);
	return tap_done();
}
