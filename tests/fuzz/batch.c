/* Fuzz target: hostile results of a batch API. The first byte says whose answers are asked for; what
 * stands in the file under a request's custom_id becomes its answer, and whatever it is can be written
 * and read back. */
#include <math.h>
#include <stdlib.h>
#include "../../lib/api/batch.h"
#include "../../lib/prompt/answer.h"
#include "scratch.h"

static void check(const struct backend_answer *a)
{
	struct backend_answer again = {0};
	struct buf json = BUF_INIT;
	struct span v;

	answer_write(a, &json);
	if (json_check(buf_span(&json), &v, NULL) || answer_read(v, &again))
		abort();
	if (!a->error_type[0] && !a->has_output && !a->tool_calls.len && !a->refusal.len &&
	    !a->finish_reason[0] && !a->reasoning.len)
		abort();
	backend_answer_release(&again);
	buf_release(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	static const char *const ids[] = {"r1", "a/1", "", "c\xc3\xa9"};
	struct backend_params params;
	struct api_options o = {.model = "m", .params = &params, .max_cost = NAN};
	struct backend_answer a = {0};
	struct batch_results *b;
	struct err e = ERR_INIT;
	const char *again;

	if (!size)
		return 0;
	if (!path)
		path = scratch_path("results.jsonl");
	backend_params_init(&params);
	o.dialect = data[0] & 1	  ? DIALECT_ANTHROPIC
		    : data[0] & 2 ? DIALECT_RESPONSES
				  : DIALECT_OPENAI;
	if (data[0] & 4)
		params.schema = span_of("{\"type\":\"object\"}");
	scratch_write(path, (struct span){(const char *)data + 1, size - 1});
	b = batch_results_open((const char *const[]){path, path}, 2, &e);
	if (!b && !e.msg[0])
		abort();
	for (size_t i = 0; b && i < sizeof ids / sizeof *ids; i++) {
		batch_results_get(b, span_of(ids[i]), &o, &a);
		check(&a);
	}
	if (b)
		batch_results_again(b, &again);
	batch_results_close(b);
	backend_answer_release(&a);
	return 0;
}
