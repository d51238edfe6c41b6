/* Fuzz target: a hostile chat template over a fixed conversation, with ceilings that keep a single
 * run short. */
#include <string.h>
#include "../../lib/jinja/jinja.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char vars[] =
		"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"h\xc3\xa9 <b> 'q'\"},{\"role\":\"assistant\","
		"\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":[1,2.5,true,null]}}}]}],\"tools\":null,"
		"\"add_generation_prompt\":true,\"bos_token\":\"<s>\",\"n\":3,\"big\":123456789012345678901234567890}";
	struct jinja_limits limits = {.steps = 100000, .output = 1 << 20, .memory = 32 << 20};
	struct err e = ERR_INIT;
	struct jinja_marks marks = {0};
	struct buf out = BUF_INIT;
	struct jinja *t = jinja_compile((struct span){(const char *)data, size}, "fuzz", &e);

	if (t)
		jinja_render(t, span_of(vars), 1700000000, &limits, &out, &marks, &e);
	jinja_marks_release(&marks);
	buf_release(&out);
	jinja_free(t);
	return 0;
}
