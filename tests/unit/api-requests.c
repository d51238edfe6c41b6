/* What a request of the Responses API says for a record in the shape of chat completions; the expected
 * forms are those of OpenAI's reference (platform.openai.com/docs/api-reference/responses/create) and of
 * its guide to migration. */
#include <math.h>
#include "../../lib/api/dialect.h"
#include "tap.h"

static struct backend_params params;

/* The body less the model before and `store` behind it. */
static void is_body(const char *what, struct backend_request q, const char *extra, const char *want)
{
	struct dialect c = {.dialect = DIALECT_RESPONSES, .model = "m", .params = &params};
	struct buf b = BUF_INIT, w = BUF_INIT;
	struct err e = ERR_INIT;
	struct span v;

	if (extra)
		c.extra = span_of(extra);
	if (!q.messages.s)
		q.messages = span_of("[{\"role\":\"user\",\"content\":\"hi\"}]");
	buf_addf(&w, "{\"model\":\"m\",%s}", want);
	ok(dialect_body(&c, &q, &b, &e) == 0, "%s: it can be said (%s)", what, e.msg);
	ok(json_check(buf_span(&b), &v, NULL) == 0, "%s: it is JSON", what);
	ok_str(b.data, w.data, "%s", what);
	buf_release(&b);
	buf_release(&w);
}

#define ASKS "\"input\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define END ",\"store\":false"

static void is_input(const char *what, const char *messages, const char *want)
{
	struct buf w = BUF_INIT;

	buf_addf(&w, "\"input\":%s" END, want);
	is_body(what, (struct backend_request){.messages = span_of(messages)}, NULL, w.data);
	buf_release(&w);
}

static void is_refused(const char *messages, const char *why)
{
	struct dialect c = {.dialect = DIALECT_RESPONSES, .model = "m", .params = &params};
	struct backend_request q = {.messages = span_of(messages)};
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	ok(dialect_body(&c, &q, &b, &e) != 0, "%s is refused", messages);
	ok(strstr(e.msg, why) != NULL, "with %s: %s", why, e.msg);
	buf_release(&b);
}

static void turns(void)
{
	is_input("roles stay in order",
		 "[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"developer\",\"content\":\"d\"},"
		 "{\"role\":\"user\",\"content\":\"u\",\"name\":\"n\",\"weight\":1},"
		 "{\"role\":\"assistant\",\"content\":\"a\",\"reasoning_content\":\"r\"},"
		 "{\"role\":\"user\",\"content\":null}]",
		 "[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"developer\",\"content\":\"d\"},"
		 "{\"role\":\"user\",\"content\":\"u\"},{\"role\":\"assistant\",\"content\":\"a\"},"
		 "{\"role\":\"user\",\"content\":\"\"}]");
	is_input("parts",
		 "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
		 "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/a.png\",\"detail\":\"low\"}},"
		 "{\"type\":\"image_url\",\"image_url\":\"data:image/png;base64,AA\"},"
		 "{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}},"
		 "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"x\",\"format\":\"wav\"}}]},"
		 "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"seen\"},"
		 "{\"type\":\"refusal\",\"refusal\":\"no\"}]}]",
		 "[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"see\"},"
		 "{\"type\":\"input_image\",\"image_url\":\"https://h/a.png\",\"detail\":\"low\"},"
		 "{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,AA\"},"
		 "{\"type\":\"input_file\",\"file_id\":\"f\"},"
		 "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"x\",\"format\":\"wav\"}}]},"
		 "{\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"seen\"},"
		 "{\"type\":\"refusal\",\"refusal\":\"no\"}]}]");
	is_input("calls and results",
		 "[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":"
		 "\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\": 1}\"}},"
		 "{\"id\":\"b\",\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"input\":\"ls\"}}]},"
		 "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"},"
		 "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":[{\"type\":\"text\",\"text\":\"f\"}]}]",
		 "[{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"get\",\"arguments\":"
		 "\"{\\\"x\\\": 1}\"},"
		 "{\"type\":\"custom_tool_call\",\"call_id\":\"b\",\"name\":\"sh\",\"input\":\"ls\"},"
		 "{\"type\":\"function_call_output\",\"call_id\":\"a\",\"output\":\"1\"},"
		 "{\"type\":\"custom_tool_call_output\",\"call_id\":\"b\",\"output\":["
		 "{\"type\":\"input_text\",\"text\":\"f\"}]}]");
	is_input("a call with text, arguments as an object",
		 "[{\"role\":\"assistant\",\"content\":\"wait\",\"tool_calls\":[{\"id\":\"a\","
		 "\"function\":{\"name\":\"get\",\"arguments\":{\"x\":1}}}]}]",
		 "[{\"role\":\"assistant\",\"content\":\"wait\"},{\"type\":\"function_call\","
		 "\"call_id\":\"a\",\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}]");
	is_input("a refusal", "[{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"}]",
		 "[{\"role\":\"assistant\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]}]");
	is_input("items as they are",
		 "[{\"type\":\"reasoning\",\"id\":\"r\",\"summary\":[],\"encrypted_content\":\"e\"}]",
		 "[{\"type\":\"reasoning\",\"id\":\"r\",\"summary\":[],\"encrypted_content\":\"e\"}]");
	is_refused("[{\"role\":\"function\",\"name\":\"get\",\"content\":\"1\"}]", "of role");
	is_refused("[{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"get\"}}]",
		   "function_call");
	is_refused("[{\"role\":\"tool\",\"content\":\"1\"}]", "tool_call_id");
	is_refused("[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"get\"}}]}]",
		   "no id");
	is_refused("[{\"role\":\"user\",\"content\":[{\"type\":\"video\"}]}]", "video");
	is_refused("[{\"role\":\"user\",\"content\":4}]", "neither text nor");
}

#define SCHEMA "{\"type\":\"object\"}"

static void tools_and_formats(void)
{
	is_body("tools",
		(struct backend_request){
			.tools = span_of(
				"[{\"type\":\"function\",\"function\":{\"name\":\"get\",\"description\":\"d\","
				"\"parameters\":{\"type\":\"object\"},\"strict\":true}},"
				"{\"type\":\"function\",\"function\":{\"name\":\"now\"}},"
				"{\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"format\":{\"type\":\"grammar\","
				"\"grammar\":{\"syntax\":\"regex\",\"definition\":\".\"}}}},"
				"{\"type\":\"web_search\"}]"),
			.tool_choice =
				span_of("{\"type\":\"function\",\"function\":{\"name\":\"get\"}}")},
		NULL,
		ASKS ",\"tools\":[{\"type\":\"function\",\"name\":\"get\",\"description\":\"d\","
		     "\"parameters\":{\"type\":\"object\"},\"strict\":true},"
		     "{\"type\":\"function\",\"name\":\"now\",\"parameters\":{\"type\":\"object\","
		     "\"properties\":{}},\"strict\":false},"
		     "{\"type\":\"custom\",\"name\":\"sh\",\"format\":{\"type\":\"grammar\","
		     "\"syntax\":\"regex\",\"definition\":\".\"}},{\"type\":\"web_search\"}],"
		     "\"tool_choice\":{\"type\":\"function\",\"name\":\"get\"}" END);
	is_body("a choice of tools",
		(struct backend_request){
			.tool_choice = span_of(
				"{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"auto\","
				"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get\"}}]}}")},
		NULL,
		ASKS ",\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"auto\",\"tools\":["
		     "{\"type\":\"function\",\"name\":\"get\"}]}" END);
	is_body("a choice in a word",
		(struct backend_request){.tool_choice = span_of("\"required\"")}, NULL,
		ASKS ",\"tool_choice\":\"required\"" END);
	is_body("a schema", (struct backend_request){.schema = span_of(SCHEMA)}, NULL,
		ASKS
		",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"answer\",\"strict\":"
		"true,\"schema\":" SCHEMA "}}" END);
	is_body("a format of a record",
		(struct backend_request){
			.response_format = span_of(
				"{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":" SCHEMA
				"}}")},
		NULL,
		ASKS
		",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":" SCHEMA
		"}}" END);
	is_body("any JSON",
		(struct backend_request){.response_format = span_of("{\"type\":\"json_object\"}")},
		NULL, ASKS ",\"text\":{\"format\":{\"type\":\"json_object\"}}" END);
	is_body("what extra adds to the format and to reasoning",
		(struct backend_request){.schema = span_of(SCHEMA)},
		"{\"text\":{\"verbosity\":\"low\"},\"reasoning\":{\"summary\":\"auto\"},\"store\":true}",
		ASKS
		",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"answer\",\"strict\":"
		"true,\"schema\":" SCHEMA "},\"verbosity\":\"low\"},\"reasoning\":{\"summary\":"
		"\"auto\"},\"store\":true");
	is_body("a format of extra's own", (struct backend_request){.schema = span_of(SCHEMA)},
		"{\"text\":{\"format\":{\"type\":\"text\"}}}",
		ASKS ",\"text\":{\"format\":{\"type\":\"text\"}}" END);
	is_body("extra without either", (struct backend_request){.schema = span_of(SCHEMA)},
		"{\"text\":null,\"reasoning\":null,\"input\":\"x\"}",
		"\"store\":false,\"text\":null,\"reasoning\":null,\"input\":\"x\"");
}

int main(void)
{
	backend_params_init(&params);
	turns();
	tools_and_formats();
	params.max_tokens = 9;
	params.temperature = 0.5;
	params.top_p = 0.9;
	params.logprobs = 2;
	is_body("parameters", (struct backend_request){{0}}, NULL,
		ASKS ",\"max_output_tokens\":9,\"temperature\":0.5,\"top_p\":0.9,"
		     "\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":2" END);
	backend_params_init(&params);
	params.effort = "low";
	is_body("how long to reason", (struct backend_request){{0}}, NULL,
		ASKS ",\"reasoning\":{\"effort\":\"low\"}" END);
	is_body("how long to reason, and what to tell of it", (struct backend_request){{0}},
		"{\"reasoning\":{\"summary\":\"auto\"}}",
		ASKS ",\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"}" END);
	is_body("extra's own length of reasoning", (struct backend_request){{0}},
		"{\"reasoning\":{\"effort\":\"high\"}}",
		ASKS ",\"reasoning\":{\"effort\":\"high\"}" END);
	return tap_done();
}
