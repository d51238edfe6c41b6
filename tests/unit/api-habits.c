/* More habits of servers, written before the reader had seen them: whole and streamed give the same
 * record, or an error of the same type. */
#include "shapes_chat.h"

static const struct shape shapes[] = {
	{"a tab behind data:, a BOM behind a comment", O,
	 ": hi\n\ndata:\t{\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n" END, HI, NULL},
	{"fields that no standard names", O,
	 "retry: 100\ntrace-id: 7\nx_seq\nid: 1\n" DELTA(
		 "\"content\":\"h\"") "priority:high\n" DELTA("\"content\":\"i\"") END,
	 HI, NULL},
	{"a gateway's own events", O,
	 "event: ping\ndata: {}\n\n" DELTA(
		 "\"content\":\"h\"") "event: heartbeat\ndata: 2026-11-29T12:00:00Z\n\n"
				      "event: gateway.metrics\ndata: {\"ms\": 12}\n\n" DELTA(
					      "\"content\":\"i\"") END,
	 HI, NULL},
	{"chunks under an event's name", O,
	 "event: completion\n" DELTA("\"content\":\"h\"") "event: chunk\n" DELTA(
		 "\"content\":\"i\"") END,
	 HI, NULL},
	{"a message in the stream's place", O, "upstream connect error: no host\n", NULL,
	 "bad_answer"},
	{"reasoning as an object", O,
	 DELTA("\"reasoning\":{\"content\":\"h\"}") DELTA("\"reasoning\":{\"content\":\"m\"}")
		 DELTA("\"content\":\"hi\"") END,
	 WHOLE("\"reasoning\":\"hm\",\"content\":\"hi\"", "stop"), NULL},
	{"thinking as parts", O,
	 DELTA("\"thinking\":[{\"type\":\"text\",\"text\":\"h\"},{\"type\":\"summary_text\",\"summary\":\"m\"}]")
		 DELTA("\"content\":\"hi\"") END,
	 WHOLE("\"reasoning_content\":{\"thinking\":\"hm\"},\"content\":\"hi\"", "stop"), NULL},
	{"reasoning of which no text is known", O,
	 DELTA("\"reasoning\":{\"effort\":3}") DELTA("\"content\":\"hi\"") END,
	 WHOLE("\"reasoning\":{\"effort\":3},\"content\":\"hi\"", "stop"), NULL},
	{"an answer that is spoken", O,
	 DELTA("\"content\":null,\"audio\":{\"id\":\"a\",\"transcript\":\"h\"}") DELTA(
		 "\"audio\":{\"data\":\"AAAA\"}") DELTA("\"audio\":{\"transcript\":\"i\"}") END,
	 WHOLE("\"content\":null,\"audio\":{\"id\":\"a\",\"data\":\"AAAA\",\"transcript\":\"hi\"}",
	       "stop"),
	 NULL},
	{"logprobs as completions have them", O,
	 CHOICE("\"index\":0,\"text\":\"h\",\"logprobs\":{\"tokens\":[\"h\"],\"token_logprobs\":[-1],"
		"\"top_logprobs\":[{\"h\":-1,\"\\u0061\":-2}]},\"finish_reason\":null")
		 CHOICE("\"index\":0,\"text\":\"i\",\"logprobs\":{\"tokens\":[\"i\"],\"token_logprobs\":[-3],"
			"\"top_logprobs\":null},\"finish_reason\":\"stop\"") DONE,
	 "{\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\","
	 "\"logprobs\":{\"content\":[{\"token\":\"h\",\"logprob\":-1,\"top_logprobs\":[{\"token\":\"h\",\"logprob\":-1},"
	 "{\"token\":\"a\",\"logprob\":-2}]},{\"token\":\"i\",\"logprob\":-3}]}}]}",
	 NULL},
	{"Anthropic's event of a type that came later", A,
	 A_START A_EVENT("\"type\":\"message_hint\",\"hint\":{\"x\":1}")
		 A_BLOCK("\"type\":\"text\",\"text\":\"hi\"") A_END("end_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"hi\"}", "end_turn"), NULL},
	{"text as a list of strings", O, DELTA("\"content\":[\"h\",\"i\"]") END,
	 WHOLE("\"content\":[\"h\",\"i\"]", "stop"), NULL},
	{"output_text parts", O,
	 DELTA("\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]") END,
	 WHOLE("\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]", "stop"), NULL},
	{"a refusal part", O, DELTA("\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]") END,
	 WHOLE("\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]", "stop"), NULL},
	{"a refusal beside a null content", O, DELTA("\"content\":null,\"refusal\":\"no\"") END,
	 WHOLE("\"content\":null,\"refusal\":\"no\"", "stop"), NULL},
	{"think tags over two chunks", O,
	 DELTA("\"content\":\"<th\"") DELTA("\"content\":\"ink>hm</think>hi\"") END,
	 SAYS("<think>hm</think>hi"), NULL},
	{"length, with text", O,
	 DELTA("\"content\":\"hi\"") CHOICE("\"delta\":{},\"finish_reason\":\"length\"") DONE,
	 WHOLE("\"content\":\"hi\"", "length"), NULL},
	{"length, without text", O,
	 DELTA("\"content\":\"\"") CHOICE("\"delta\":{},\"finish_reason\":\"length\"") DONE,
	 WHOLE("\"content\":\"\"", "length"), NULL},
	{"a finish reason in capitals", O,
	 DELTA("\"content\":\"hi\"") CHOICE("\"delta\":{},\"finish_reason\":\"STOP\"") DONE,
	 WHOLE("\"content\":\"hi\"", "STOP"), NULL},
	{"eos as finish reason", O,
	 DELTA("\"content\":\"hi\"") CHOICE("\"delta\":{},\"finish_reason\":\"eos\"") DONE,
	 WHOLE("\"content\":\"hi\"", "eos"), NULL},
	{"finish_reason twice", O, DELTA("\"content\":\"hi\"") STOP STOP DONE, HI, NULL},
	{"text behind the finish reason", O,
	 DELTA("\"content\":\"h\"") STOP DELTA("\"content\":\"i\"") DONE, HI, NULL},
	{"an event name and the data's error message", O,
	 "event: error\ndata: {\"message\":\"no\",\"code\":503}\n\n",
	 "{\"error\":{\"message\":\"no\",\"code\":503}}", "api"},
	{"FastAPI's detail", O, "data: {\"detail\":\"no\"}\n\n", "{\"detail\":\"no\"}",
	 "bad_answer"},
	{"vLLM's old error", O,
	 "data: {\"object\":\"error\",\"message\":\"no\",\"code\":400}\n\n" DONE,
	 "{\"object\":\"error\",\"message\":\"no\",\"code\":400}", "api"},
	{"an error whose code is text", O,
	 "data: {\"error\":{\"message\":\"no\",\"code\":\"internal\"}}\n\n",
	 "{\"error\":{\"message\":\"no\",\"code\":\"internal\"}}", "api"},
	{"errors in a list", O, "data: {\"errors\":[{\"message\":\"no\"}]}\n\n",
	 "{\"errors\":[{\"message\":\"no\"}]}", "bad_answer"},
	{"a call with its arguments null at first", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":null}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}}]")
			 CALLED DONE,
	 ONE, NULL},
	{"a call whose index is text", O,
	 DELTA("\"tool_calls\":[{\"index\":\"0\",\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":\"0\",\"function\":{\"arguments\":\":1}\"}}]")
			 CALLED DONE,
	 ONE, NULL},
	{"a call without type", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}}]")
		 CALLED DONE,
	 CALLS("{\"id\":\"a\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}}"),
	 NULL},
	{"a call without arguments", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\"}}]")
		 CALLED DONE,
	 CALLS("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\"}}"), NULL},
	{"a call with empty arguments", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"\"}}]")
		 CALLED DONE,
	 CALLS(CALL("a", "get", "")), NULL},
	{"text and a call", O,
	 DELTA("\"content\":\"hi\"") DELTA(
		 "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}}]")
		 CALLED DONE,
	 WHOLE("\"content\":\"hi\",\"tool_calls\":[" CALL("a", "get", "{\\\"x\\\":1}") "]",
	       "tool_calls"),
	 NULL},
	{"calls in descending index", O,
	 DELTA("\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":2}\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}}]")
			 CALLED DONE,
	 TWO, NULL},
	{"arguments that are half", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":\"}}]")
		 CHOICE("\"delta\":{},\"finish_reason\":\"length\"") DONE,
	 WHOLE("\"content\":null,\"tool_calls\":[" CALL("a", "get", "{\\\"x\\\":") "]", "length"),
	 NULL},
	{"usage in every chunk, growing", O,
	 "data: {\"choices\":[{\"delta\":{\"content\":\"h\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n" DONE,
	 "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}",
	 NULL},
	{"two answers in one body", O,
	 DELTA("\"content\":\"hi\"") END DELTA("\"content\":\"ho\"") END, HI HI, "bad_answer"},
	{"a number for choices", O, "data: {\"choices\":5}\n\n" DONE, "{\"choices\":5}",
	 "bad_answer"},
	{"a choice that is null", O, "data: {\"choices\":[null]}\n\n" DONE, "{\"choices\":[null]}",
	 "bad_answer"},
	{"an HTML page", O, "<html><body>502</body></html>\n", "<html><body>502</body></html>",
	 "bad_answer"},
	{"Anthropic's refusal", A,
	 A_START A_BLOCK("\"type\":\"text\",\"text\":\"\"") A_END("refusal"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"\"}", "refusal"), NULL},
	{"Anthropic's pause", A,
	 A_START A_BLOCK("\"type\":\"text\",\"text\":\"hi\"") A_END("pause_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"hi\"}", "pause_turn"), NULL},
	{"Anthropic's two texts", A,
	 A_START A_BLOCK("\"type\":\"text\",\"text\":\"h\"")
		 A_EVENT("\"type\":\"content_block_stop\",\"index\":0") A_EVENT(
			 "\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
			 A_EVENT("\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"i\"}")
				 A_END("end_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"h\"},{\"type\":\"text\",\"text\":\"i\"}",
		 "end_turn"),
	 NULL},
	{"Anthropic's two tools, mixed with text", A,
	 A_START A_BLOCK("\"type\":\"text\",\"text\":\"hi\"") A_EVENT(
		 "\"type\":\"content_block_start\",\"index\":1,\"content_block\":{" A_TOOL_BLOCK(
			 "{}") "}")
		 A_EVENT("\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\\\":1}\"}")
			 A_END("tool_use"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"hi\"},{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"get\",\"input\":{\"x\":1}}",
		 "tool_use"),
	 NULL},
	{"Anthropic's empty content", A,
	 A_START A_EVENT(
		 "\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}")
		 A_EVENT("\"type\":\"message_stop\""),
	 A_WHOLE("", "end_turn"), "empty"},
};

/* What came of an answer stands in its error. */
static void keeps_what_came(void)
{
	static const struct shape cut =
		{.d = O,
		 .stream = DELTA("\"content\":\"I pay\"") DELTA(
			 "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\","
			 "\"function\":{\"name\":\"pay\",\"arguments\":\"{\\\"sum\\\":\"}}]")};
	struct backend_answer a = {0};
	struct buf json = BUF_INIT;

	read_stream(&cut, 7, &a);
	record(&a, &json);
	ok(json.len && strstr(json.data, "\"error\":{") &&
		   strstr(json.data, "\"output\":\"I pay\"") &&
		   strstr(json.data, "\"tool_calls\":[{") &&
		   strstr(json.data, "\"name\":\"pay\"") &&
		   strstr(json.data, "\"type\":\"dropped\""),
	   "what came before a stream broke off: %s", json.data ? json.data : "");
	backend_answer_release(&a);
	buf_release(&json);
}

/* What of an answer has no place in a record is named in it. */
static void names_what_it_leaves_out(void)
{
	static const struct {
		struct shape shape;
		const char *names;
	} cases[] = {
		{{.what = "pictures",
		  .d = O,
		  .stream = DELTA("\"content\":\"hi\"") DELTA(
			  "\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,\"}}]")
			  END},
		 "images"},
		{{.what = "citations twice, and sound",
		  .d = O,
		  .stream = DELTA(
			  "\"content\":\"hi\",\"annotations\":[{\"type\":\"url_citation\"}]")
			  DELTA("\"annotations\":[{\"type\":\"url_citation\"}],\"audio\":{\"data\":\"AA\"}")
				  END},
		 "annotations,audio"},
		{{.what = "members with nothing in them",
		  .d = O,
		  .stream = DELTA(
			  "\"role\":\"assistant\",\"content\":\"hi\",\"images\":[],\"annotations\":null,"
			  "\"provider_specific_fields\":{\"refusal\":null,\"x\":[{}]},\"audio\":{\"id\":\"a\"}")
			  END},
		 NULL},
		{{.what = "a name with a comma and a quote",
		  .d = O,
		  .stream = DELTA("\"content\":\"hi\",\"a\\\"b\":1") END},
		 "a\\\"b"},
		{{.what = "Anthropic's tools on its own side",
		  .d = A,
		  .stream = A_START A_BLOCK(
			  "\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{}")
			  A_BLOCK("\"type\":\"text\",\"text\":\"hi\"") A_END("end_turn")},
		 "server_tool_use"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct backend_answer a = {0};
		struct buf json = BUF_INIT, want = BUF_INIT;

		read_stream(&cases[i].shape, 7, &a);
		record(&a, &json);
		if (cases[i].names)
			buf_addf(&want, "\"output_left_out\":\"%s\"", cases[i].names);
		ok(json.data && strstr(json.data, "\"output\":\"hi\"") &&
			   (cases[i].names ? strstr(json.data, want.data) != NULL
					   : !strstr(json.data, "output_left_out")),
		   "%s: named where they are left out: %s", cases[i].shape.what,
		   json.data ? json.data : "");
		backend_answer_release(&a);
		buf_release(&json);
		buf_release(&want);
	}
}

int main(void)
{
	check_shapes(shapes, sizeof shapes / sizeof *shapes);
	keeps_what_came();
	names_what_it_leaves_out();
	return tap_done();
}
