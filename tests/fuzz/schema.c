/* Fuzz target: a hostile JSON Schema, then a value checked against what was accepted of it.
 * The input is the schema, and after a NUL byte the value. */
#include <stdlib.h>
#include <string.h>
#include "../../lib/json/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const values[] = {"null", "-1.5e300", "\"2024-02-30T25:61:00Z\"",
					     "{\"a\":{\"b\":[1,1.0,\"x\",{}]},\"c\":\"d\"}"};
	const char *s = (const char *)data, *nul = size ? memchr(s, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - s) : size, i;
	struct err e = ERR_INIT, why = ERR_INIT;
	struct span value;
	struct schema *schema = schema_compile((struct span){s, n}, &e);

	if (!schema)
		return 0;
	if (nul && !json_check((struct span){nul + 1, size - n - 1}, &value, &e))
		schema_check(schema, value, &why);
	for (i = 0; i < sizeof values / sizeof *values; i++)
		if ((schema_check(schema, span_of(values[i]), &why) == 0) !=
		    (schema_check(schema, span_of(values[i]), NULL) == 0))
			abort();
	schema_free(schema);
	return 0;
}
