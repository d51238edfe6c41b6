/* Schemas made strict, and answers read back as the schema meant them. */
#include "../../lib/json/strict.h"
#include "tap.h"

static void makes(const char *schema, const char *want, const char *why)
{
	struct buf got = BUF_INIT;
	struct err e = ERR_INIT;
	struct span v;
	int rc;

	ok(!json_check(span_of(schema), &v, NULL), "%s is JSON", schema);
	rc = strict_make(v, &got, &e);
	ok(rc == (want ? why != NULL : -1), "%s is %s", schema,
	   !want ? "refused"
	   : why ? "changed"
		 : "left alone");
	if (want)
		ok(span_is(buf_span(&got), want), "it becomes %s", got.data);
	if (why)
		ok(strstr(e.msg, why) != NULL, "and why: %s", e.msg);
	buf_release(&got);
}

/* strict is an answer to the strict form; what stands in the record is want, which the schema allows. */
static void undoes(const char *schema, const char *strict, const char *want)
{
	struct err e = ERR_INIT;
	struct schema *s = schema_compile(span_of(schema), &e);
	struct buf form = BUF_INIT, got = BUF_INIT;
	struct schema *made = NULL;
	struct span v;

	ok(s && strict_make(schema_text(s), &form, &e) >= 0 &&
		   (made = schema_compile(buf_span(&form), &e)),
	   "%s has a strict form %s", schema, e.msg);
	ok(!json_check(span_of(strict), &v, NULL) && !schema_check(made, v, &e),
	   "%s is an answer to it %s", strict, e.msg);
	strict_undo(s, v, &got);
	ok(span_is(buf_span(&got), want), "which is read as %s", got.data);
	ok(!json_check(buf_span(&got), &v, NULL) && !schema_check(s, v, NULL),
	   "and the schema allows that");
	buf_release(&form);
	buf_release(&got);
	schema_free(made);
	schema_free(s);
}

int main(void)
{
	makes("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],"
	      "\"additionalProperties\":false}",
	      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],"
	      "\"additionalProperties\":false}",
	      NULL);
	makes("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"enum\":[1,2]}},\"required\":"
	      "[\"a\"],\"additionalProperties\":false}",
	      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"anyOf\":[{\"enum\":[1,2]},{"
	      "\"type\":\"null\"}]}},\"required\":[\"a\",\"b\"],\"additionalProperties\":false}",
	      "#/properties/b may be left out");
	makes("{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"],\"default\":null}}}",
	      "{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}},\"required\":[\"a\"],"
	      "\"additionalProperties\":false}",
	      "#/properties/a may be left out");
	/* in items, definitions and branches too */
	makes("{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/x\"}}},"
	      "\"required\":[\"l\"],\"additionalProperties\":false,\"$defs\":{\"x\":{\"anyOf\":[{\"type\":\"object\","
	      "\"properties\":{\"k\":{\"type\":\"integer\"}}},{\"type\":\"null\"}]}}}",
	      "{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/x\"}}},"
	      "\"$defs\":{\"x\":{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"anyOf\":[{\"type\":\"integer\"},"
	      "{\"type\":\"null\"}]}},\"required\":[\"k\"],\"additionalProperties\":false},{\"type\":\"null\"}]}},"
	      "\"required\":[\"l\"],\"additionalProperties\":false}",
	      "#/$defs/x/anyOf/0/properties/k may be left out");
	makes("{\"type\":\"object\",\"properties\":{\"m\":{\"type\":\"object\",\"additionalProperties\":{\"type\":"
	      "\"number\"}}}}",
	      NULL, "#/properties/m is an object of any members");
	makes("{\"type\":\"object\",\"properties\":{\"m\":{\"oneOf\":[]}}}", NULL, "has oneOf");
	makes("{\"type\":\"object\",\"properties\":{\"m\":true}}", NULL, "takes anything");
	makes("{\"type\":\"object\",\"properties\":{\"m\":{}}}", NULL, "takes anything");
	makes("{\"type\":\"object\"}", NULL, "any members");
	makes("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", NULL, "no plain object");

	undoes("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"number\"}},\"required\":"
	       "[\"a\"]}",
	       "{\"a\": \"x\", \"b\": null}", "{\"a\":\"x\"}");
	/* a null of the schema's own stays */
	undoes("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]},\"b\":{\"type\":\"number\"}}}",
	       "{\"a\":null,\"b\":1e999}", "{\"a\":null,\"b\":1e999}");
	undoes("{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/x\"}}},"
	       "\"$defs\":{\"x\":{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"integer\"},\"x\":{\"$ref\":"
	       "\"#/$defs/x\"}}}}}",
	       "{\"l\":[{\"k\":null,\"x\":{\"k\":2,\"x\":null}}]}", "{\"l\":[{\"x\":{\"k\":2}}]}");
	undoes("{\"type\":\"object\",\"properties\":{\"v\":{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"p\":{"
	       "\"type\":\"string\"}},\"required\":[\"p\"]},{\"type\":\"object\",\"properties\":{\"q\":{\"type\":"
	       "\"string\"},\"r\":{\"type\":\"string\"}},\"required\":[\"q\"]}]}},\"required\":[\"v\"]}",
	       "{\"v\":{\"q\":\"s\",\"r\":null}}", "{\"v\":{\"q\":\"s\"}}");
	return tap_done();
}
