/* Answers whole and streamed, whatever the server's habits: both give the same record, or an error of
 * the same type. The shapes are of public reports about servers that speak these dialects. */
#include "shapes_chat.h"

static const struct shape shapes[] = {
	/* text */
	{"text in pieces", O,
	 DELTA("\"role\":\"assistant\",\"content\":\"\"") DELTA("\"content\":\"h\"")
		 DELTA("\"content\":\"i\"") END,
	 HI, NULL},
	{"content as a list of parts", O,
	 DELTA("\"content\":[{\"type\":\"text\",\"text\":\"h\"},{\"type\":\"text\",\"text\":\"i\"}]")
		 END,
	 WHOLE("\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]", "stop"), NULL},
	{"a part that is an object alone", O,
	 DELTA("\"content\":{\"type\":\"text\",\"text\":\"hi\"}") END, HI, NULL},
	{"a part that is no text", O,
	 DELTA("\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]") END,
	 WHOLE("\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]", "stop"), "bad_answer"},
	{"a part with nothing but references", O,
	 DELTA("\"content\":[{\"type\":\"text\",\"text\":\"hi\"},{\"type\":\"reference\","
	       "\"reference_ids\":[1]}]") END,
	 WHOLE("\"content\":[{\"type\":\"text\",\"text\":\"hi\"},{\"type\":\"reference\","
	       "\"reference_ids\":[1]}]",
	       "stop"),
	 NULL},
	{"content that is a number", O, DELTA("\"content\":4") END, WHOLE("\"content\":4", "stop"),
	 "bad_answer"},
	{"a surrogate pair cut over two chunks", O,
	 DELTA("\"content\":\"\\ud83d\"") DELTA("\"content\":\"\\ude00\"") END,
	 SAYS("\\ud83d\\ude00"), NULL},
	{"half a surrogate pair", O,
	 DELTA("\"content\":\"\\ud83d\"") DELTA("\"content\":\"x\"") END, SAYS("\\ud83dx"), NULL},
	{"an escape at a cut", O, DELTA("\"content\":\"a\\\\\"") DELTA("\"content\":\"ud83d\"") END,
	 SAYS("a\\\\ud83d"), NULL},
	{"message in place of delta", O,
	 CHOICE("\"index\":0,\"message\":{\"content\":\"h\"}")
		 CHOICE("\"index\":0,\"message\":{\"content\":\"i\"}") END,
	 HI, NULL},
	{"message beside delta", O,
	 CHOICE("\"index\":0,\"delta\":{\"content\":\"h\"},\"message\":{\"content\":\"h\"}") CHOICE(
		 "\"index\":0,\"delta\":{\"content\":\"i\"},\"message\":{\"content\":\"hi\"}") END,
	 HI, NULL},
	{"the whole answer once more in the last event", O,
	 DELTA("\"content\":\"h\"") DELTA(
		 "\"content\":\"i\"") "data: {\"object\":\"chat.completion\",\"choices\":[{"
				      "\"index\":0,\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n" DONE,
	 HI, NULL},
	{"messages in pieces that call themselves whole", O,
	 "data: {\"object\":\"chat.completion\",\"choices\":[{\"message\":{\"content\":\"h\"}}]}\n\n"
	 "data: {\"object\":\"chat.completion\",\"choices\":[{\"message\":{\"content\":\"i\"}}]}\n\n" END,
	 HI, NULL},
	{"text in place of delta", O,
	 CHOICE("\"index\":0,\"text\":\"h\"") CHOICE("\"index\":0,\"text\":\"i\"") END,
	 "{\"model\":\"m\",\"choices\":[{\"text\":\"hi\",\"finish_reason\":\"stop\"}]}", NULL},
	{"a delta that is a string", O, CHOICE("\"index\":0,\"delta\":\"hi\"") END, NULL,
	 "bad_answer"},
	{"null deltas, null contents", O,
	 CHOICE("\"index\":0,\"delta\":null") DELTA(
		 "\"role\":\"assistant\",\"content\":null,\"tool_calls\":null,\"function_call\":null")
		 DELTA("\"content\":\"hi\"") END,
	 HI, NULL},
	{"the role in every chunk", O,
	 DELTA("\"role\":\"assistant\",\"content\":\"h\"")
		 DELTA("\"role\":\"assistant\",\"content\":\"i\"") END,
	 HI, NULL},
	{"the finish reason beside the last text", O,
	 DELTA("\"content\":\"h\"") CHOICE(
		 "\"index\":0,\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"") DONE,
	 HI, NULL},
	{"an empty finish reason in every chunk", O,
	 CHOICE("\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"\"") END, HI, NULL},
	{"choices empty, with usage", O,
	 DELTA("\"content\":\"hi\"") STOP
	 "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n" DONE,
	 "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}",
	 NULL},
	{"usage under x_groq", O,
	 DELTA("\"content\":\"hi\"") "data: {\"choices\":[{\"index\":0,\"delta\":{},"
				     "\"finish_reason\":\"stop\"}],\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":3}}}\n\n" DONE,
	 "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3},\"x_groq\":{\"id\":\"r\"}}",
	 NULL},
	{"usage in the choice", O,
	 DELTA("\"content\":\"hi\"") CHOICE(
		 "\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":3}")
		 DONE,
	 "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}",
	 NULL},
	{"usage null but in the last chunk", O,
	 "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n"
	 "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\ndata: {\"choices\":[],"
	 "\"usage\":null}\n\n" END,
	 "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}",
	 NULL},
	{"Azure's filter, before and behind the text", O,
	 "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\","
	 "\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n" DELTA("\"content\":\"hi\"") STOP
	 "data: {\"id\":\"\",\"model\":\"\",\"choices\":[{\"index\":0,\"finish_reason\":null,"
	 "\"content_filter_results\":{},\"content_filter_offsets\":{}}]}\n\n" DONE,
	 "{\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\",\"content_filter_results\":{}}],\"prompt_filter_results\":[]}",
	 NULL},
	{"several choices, mixed", O,
	 CHOICE("\"index\":1,\"delta\":{\"content\":\"other\"}") DELTA("\"content\":\"h\"") CHOICE(
		 "\"index\":1,\"delta\":{\"content\":\"wise\"}") "data: {\"choices\":[{"
								 "\"index\":1,\"delta\":{\"content\":\"!\"}},"
								 "{\"index\":0,\"delta\":{\"content\":\"i\"}}]}\n\n" END,
	 "{\"model\":\"m\",\"choices\":[{\"index\":1,\"message\":{"
	 "\"content\":\"otherwise!\"}},{\"index\":0,\"message\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}]}",
	 NULL},
	{"a refusal", O, DELTA("\"refusal\":\"n\"") DELTA("\"refusal\":\"o\"") END,
	 WHOLE("\"content\":null,\"refusal\":\"no\"", "stop"), NULL},
	{"log probabilities", O,
	 CHOICE("\"delta\":{\"content\":\"h\"},\"logprobs\":{\"content\":[{\"token\":\"h\"}]}")
		 CHOICE("\"delta\":{\"content\":\"i\"},\"logprobs\":{\"content\":[{\"token\":\"i\"}]}")
			 CHOICE("\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"") DONE,
	 "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hi\"},\"logprobs\":{"
	 "\"content\":[{\"token\":\"h\"},{\"token\":\"i\"}]},\"finish_reason\":\"stop\"}]}",
	 NULL},
	{"nothing but white space", O, DELTA("\"content\":\" \"") DELTA("\"content\":\"\\n\"") END,
	 SAYS(" \\n"), NULL},
	{"an empty text", O, DELTA("\"content\":\"\"") END, SAYS(""), NULL},
	{"no content", O, DELTA("\"role\":\"assistant\",\"content\":null") END,
	 WHOLE("\"content\":null", "stop"), "empty"},
	{"no choice", O, "data: {\"choices\":[]}\n\n" DONE, "{\"choices\":[]}", "bad_answer"},
	{"no finish reason", O, DELTA("\"content\":\"hi\"") DONE,
	 "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hi\"}}]}", NULL},
	/* the event stream */
	{"no space behind data:", O,
	 "data:{\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}]}\n\ndata:[DONE]\n\n",
	 HI, NULL},
	{"a BOM", O, BOM DELTA("\"content\":\"hi\"") END, HI, NULL},
	{"an event over several lines", O,
	 "data: {\"model\":\"m\",\"choices\":\ndata: [{\"delta\":{\"content\":\"hi\"}}]\ndata: }\n\n" END,
	 HI, NULL},
	{"CR line ends", O,
	 "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}]}\r\rdata: [DONE]\r\r",
	 HI, NULL},
	{"CR LF line ends", O,
	 ": x\r\n\r\ndata: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n",
	 HI, NULL},
	{"no empty lines", O,
	 "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"h\"}}]}\ndata: {"
	 "\"choices\":[{\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"}]}\ndata: [DONE]\n",
	 HI, NULL},
	{"no line end at the end", O,
	 DELTA("\"content\":\"h\"") "data: {\"choices\":[{\"delta\":{\"content\":\"i\"},"
				    "\"finish_reason\":\"stop\"}]}",
	 HI, NULL},
	{"comments, names, ids, retry", O,
	 ": OPENROUTER PROCESSING\n\n:\n\nretry: 100\nid: 1\nevent: message\n" DELTA(
		 "\"content\":\"hi\"") ": keep-alive\n\n" END,
	 HI, NULL},
	{"a comment wrapped as data", O,
	 "data: : keepalive\n\n" DELTA(
		 "\"content\":\"hi\"") "data: : OPENROUTER PROCESSING\n\n" END,
	 HI, NULL},
	{"empty data", O, "data:\n\n" DELTA("\"content\":\"hi\"") "data\n\ndata: \n\n" END, HI,
	 NULL},
	{"a ping", O, "event: ping\ndata: {\"type\":\"ping\"}\n\n" DELTA("\"content\":\"hi\"") END,
	 HI, NULL},
	{"an empty chunk to keep alive", O,
	 "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{}}]}\n\n" DELTA(
		 "\"content\":\"hi\"") END,
	 HI, NULL},
	{"[DONE] with spaces, twice", O, DELTA("\"content\":\"hi\"") STOP "data:  [DONE] \n\n" DONE,
	 HI, NULL},
	{"[DONE] alone, lines of spaces, an end without a delta", O,
	 DELTA("\"content\":\"hi\"") " \n" CHOICE(
		 "\"index\":0,\"finish_reason\":\"stop\"") " \n[DONE]\n",
	 HI, NULL},
	{"an error, then [DONE]", O, "data: {\"error\":{\"message\":\"no\",\"code\":503}}\n\n" DONE,
	 "{\"error\":{\"message\":\"no\",\"code\":503}}", "api"},
	{"used up, in the stream", O,
	 "data: {\"error\":{\"message\":\"no\",\"code\":\"insufficient_quota\"}}\n\n" DONE,
	 "{\"error\":{\"message\":\"no\",\"code\":\"insufficient_quota\"}}", "quota"},
	{"the end stop, of calls in the stream alone", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\",\"arguments\":{\"x\":1}}}]")
		 END,
	 ONE, NULL},
	{"[DONE] in quotes", O, DELTA("\"content\":\"hi\"") STOP "data: \"[DONE]\"\n\n", HI, NULL},
	{"the end without [DONE]", O, DELTA("\"content\":\"hi\"") STOP, HI, NULL},
	{"JSON lines", O,
	 "{\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n{\"choices\":[{"
	 "\"delta\":{},\"finish_reason\":\"stop\"}]}\n",
	 HI, NULL},
	{"broken UTF-8 in an event", O,
	 DELTA("\"content\":\"a\xc3\"") DELTA("\"content\":\"b\"") END,
	 SAYS("a\xc3"
	      "b"),
	 "bad_answer"},
	{"an event that is no JSON", O,
	 DELTA("\"content\":\"h\"") "data: {\"choices\":[{\"del\n\n" DELTA("\"content\":\"i\"") END,
	 "{\"choices\":[{\"del", "bad_answer"},
	{"an event that is a number", O, DELTA("\"content\":\"h\"") "data: 4\n\n" END, "4",
	 "bad_answer"},
	{"an event of another API", O,
	 DELTA("\"content\":\"h\"") "data: {\"response\":\"i\"}\n\n" END, "{\"response\":\"hi\"}",
	 "bad_answer"},
	{"a line that is none of an event stream", O,
	 DELTA("\"content\":\"h\"") "Internal Server Error\n\n" END, "Internal Server Error",
	 "bad_answer"},
	{"a second answer behind [DONE]", O,
	 DELTA("\"content\":\"hi\"") END DELTA("\"content\":\"hi\"") END, HI HI, "bad_answer"},
	{"neither [DONE] nor a finish reason", O, DELTA("\"content\":\"hi\""), NULL, "dropped"},
	{"cut within the last line", O, DELTA("\"content\":\"hi\"") "dat", NULL, "dropped"},
	/* errors */
	{"an error in the stream", O,
	 DELTA("\"content\":\"h\"") "data: {\"error\":{\"message\":\"no\",\"code\":503}}\n\n",
	 "{\"error\":{\"message\":\"no\",\"code\":503}}", "api"},
	{"an error by the event's name", O,
	 DELTA("\"content\":\"h\"") "event: error\ndata: {\"message\":\"no\",\"code\":503}\n\n",
	 NULL, "api"},
	{"an error as the field's name", O,
	 DELTA("\"content\":\"h\"") "error: {\"message\":\"no\",\"code\":503}\n\n", NULL, "api"},
	{"an error that is an object of its own", O,
	 "data: {\"object\":\"error\",\"message\":\"no\",\"code\":503}\n\n",
	 "{\"object\":\"error\",\"message\":\"no\",\"code\":503}", "api"},
	{"an error in an array", O, "data: [{\"error\":{\"message\":\"no\",\"code\":503}}]\n\n",
	 "[{\"error\":{\"message\":\"no\",\"code\":503}}]", "api"},
	{"an error in the choice", O,
	 DELTA("\"content\":\"h\"")
		 CHOICE("\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\","
			"\"error\":{\"message\":\"no\",\"code\":503}") DONE,
	 "{\"choices\":[{\"message\":{\"content\":\"h\"},\"finish_reason\":\"error\","
	 "\"error\":{\"message\":\"no\",\"code\":503}}]}",
	 "api"},
	{"the finish reason error", O,
	 DELTA("\"content\":\"h\"") CHOICE("\"index\":0,\"delta\":{},\"finish_reason\":\"error\"")
		 DONE,
	 WHOLE("\"content\":\"h\"", "error"), "api"},
	/* reasoning */
	{"reasoning_content", O,
	 DELTA("\"role\":\"assistant\",\"content\":\"\"") DELTA("\"reasoning_content\":\"h\"")
		 DELTA("\"reasoning_content\":\"m\",\"content\":null") DELTA("\"content\":\"hi\"")
			 END,
	 WHOLE("\"reasoning_content\":\"hm\",\"content\":\"hi\"", "stop"), NULL},
	{"reasoning under two names", O,
	 DELTA("\"reasoning\":\"hm\",\"reasoning_content\":\"hm\",\"reasoning_details\":[{"
	       "\"type\":\"reasoning.text\",\"text\":\"hm\"}]") DELTA("\"content\":\"hi\"") END,
	 WHOLE("\"reasoning\":\"hm\",\"reasoning_content\":\"hm\",\"content\":\"hi\"", "stop"),
	 NULL},
	{"thinking parts", O,
	 DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"h\"}]}]")
		 DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\","
		       "\"text\":\"m\"}]}]") DELTA("\"content\":\"hi\"") END,
	 WHOLE("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\","
	       "\"text\":\"hm\"}]},{\"type\":\"text\",\"text\":\"hi\"}]",
	       "stop"),
	 NULL},
	{"only reasoning", O,
	 DELTA("\"role\":\"assistant\",\"content\":\"\"") DELTA("\"reasoning_content\":\"hm\"") END,
	 WHOLE("\"reasoning_content\":\"hm\",\"content\":null", "stop"), "empty"},
	{"only reasoning, and an empty text", O, DELTA("\"reasoning\":\"hm\"") END,
	 WHOLE("\"reasoning\":\"hm\",\"content\":\"\"", "stop"), "empty"},
	/* tool calls */
	{"a call in pieces", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{"
	       "\"name\":\"get\",\"arguments\":\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\"\"}}]")
			 DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]")
				 CALLED DONE,
	 ONE, NULL},
	{"two entries of one chunk with one index", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\"}},{"
	       "\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}}]") CALLED DONE,
	 ONE, NULL},
	{"two calls, mixed", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{\\\"x\\\"\"}},{\"index\":1,\"id\":\"b\",\"function\":{"
	       "\"name\":\"get\",\"arguments\":\"{\\\"x\\\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\":2}\"}},{"
		       "\"index\":0,\"function\":{\"arguments\":\":1}\"}}]") CALLED DONE,
	 TWO, NULL},
	{"calls that all have index 0", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{\\\"x\\\":1}\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{"
		       "\"name\":\"get\",\"arguments\":\"{\\\"x\\\":2}\"}}]") CALLED DONE,
	 TWO, NULL},
	{"calls without an index", O,
	 DELTA("\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"get\",\"arguments\":\"\"}}]")
		 DELTA("\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}}]")
			 DELTA("\"tool_calls\":[{\"id\":\"b\",\"function\":{\"name\":\"get\","
			       "\"arguments\":\"{\\\"x\\\":2}\"}}]") CALLED DONE,
	 TWO, NULL},
	{"calls with neither index nor id", O,
	 DELTA("\"tool_calls\":[{\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}}]")
		 DELTA("\"tool_calls\":[{\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}}]")
			 CALLED DONE,
	 CALLS(NAMELESS "," NAMELESS), NULL},
	{"a name and an id in every chunk", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{\\\"x\\\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{"
		       "\"name\":\"get\",\"arguments\":\":1}\"}}]") CALLED DONE,
	 ONE, NULL},
	{"a name in every chunk", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{\\\"x\\\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"get\",\"arguments\":\":1}\"}}]")
			 CALLED DONE,
	 ONE, NULL},
	{"a new id with every chunk", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{\\\"x\\\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"arguments\":\":1}\"}}]")
			 CALLED DONE,
	 ONE, NULL},
	{"a new id with every chunk, and one with the end", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\",\"arguments\":\"\"}}]") DELTA(
		 "\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"\",\"arguments\":\"{\\\"x\\\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"\",\"arguments\":\":1}\"}}]")
			 CHOICE("\"index\":0,\"delta\":{\"tool_calls\":[{\"id\":\"d\"}]},\"finish_reason\":\"stop\"")
				 DONE,
	 ONE, NULL},
	{"a name in pieces", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"g\"}}]") DELTA(
		 "\"tool_calls\":[{\"index\":0,\"id\":null,\"function\":{\"name\":\"et\","
		 "\"arguments\":\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"\",\"function\":{\"name\":null,"
		       "\"arguments\":\"{\\\"x\\\":1}\"}}]") CALLED DONE,
	 ONE, NULL},
	{"a name that grows", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"g\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
		       "\"arguments\":\"{\\\"x\\\":1}\"}}]") CALLED DONE,
	 ONE, NULL},
	{"arguments as an object", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":{\"x\":1}}}]") CALLED DONE,
	 CALLS("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\","
	       "\"arguments\":{\"x\":1}}}"),
	 NULL},
	{"a call without an id", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"get\",\"arguments\":\"{"
	       "\\\"x\\\":1}\"}}]") CALLED DONE,
	 CALLS(NAMELESS), NULL},
	{"a call that begins with index 1", O,
	 DELTA("\"tool_calls\":[{\"index\":1,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{\\\"x\\\":1}\"}}]") CALLED DONE,
	 ONE, NULL},
	{"members of a call that ft does not know", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}]")
		 CALLED DONE,
	 CALLS("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}"),
	 NULL},
	{"a custom call", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"custom\",\"custom\":{"
	       "\"name\":\"sh\",\"input\":\"l\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"custom\":{\"input\":\"s\"}}]") CALLED DONE,
	 CALLS("{\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"sh\",\"input\":\"ls\"}}"),
	 NULL},
	{"a function_call", O,
	 DELTA("\"function_call\":{\"name\":\"get\",\"arguments\":\"\"}") DELTA(
		 "\"function_call\":{\"arguments\":\"{\\\"x\\\"\"}")
		 DELTA("\"function_call\":{\"arguments\":\":1}\"}") CHOICE(
			 "\"index\":0,\"delta\":{},\"finish_reason\":\"function_call\"") DONE,
	 WHOLE("\"content\":null,\"function_call\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}",
	       "function_call"),
	 NULL},
	{"arguments of a call without a name", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":1,\"id\":null,\"function\":{\"name\":\"\","
		       "\"arguments\":\"{}\"}}]") CALLED DONE,
	 CALLS(CALL("a", "get", "") ",{\"function\":{\"arguments\":\"{}\"}}"), "bad_answer"},
	{"calls that are none", O, DELTA("\"tool_calls\":[\"get\"]") CALLED DONE, CALLS("\"get\""),
	 "bad_answer"},
	/* what public reports tell of servers and gateways beside */
	{"Databricks: reasoning with its summary as a part", O,
	 DELTA("\"content\":[{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\","
	       "\"text\":\"hm\"}]},{\"type\":\"text\",\"text\":\"hi\"}]") END,
	 WHOLE("\"content\":[{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\","
	       "\"text\":\"hm\"}]},{\"type\":\"text\",\"text\":\"hi\"}]",
	       "stop"),
	 NULL},
	{"Databricks: no finish reason, [DONE] alone", O,
	 DELTA("\"content\":\"hi\"") CHOICE("\"index\":0,\"delta\":{}") DONE,
	 "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hi\"}}]}", NULL},
	{"OpenRouter: reasoning in its details alone", O,
	 DELTA("\"content\":\"\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"h\"}]")
		 DELTA("\"content\":\"\",\"reasoning\":null,\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"m\"},"
		       "{\"type\":\"reasoning.encrypted\",\"data\":\"x\"}]")
			 DELTA("\"content\":\"hi\"") END,
	 WHOLE("\"content\":\"hi\",\"reasoning\":null,\"reasoning_details\":[{\"type\":\"reasoning.text\","
	       "\"text\":\"hm\"},{\"type\":\"reasoning.encrypted\",\"data\":\"x\"}]",
	       "stop"),
	 NULL},
	{"OpenRouter: a summary in the details", O,
	 DELTA("\"reasoning_details\":[{\"type\":\"reasoning.summary\",\"summary\":\"hm\"}]")
		 DELTA("\"content\":\"hi\"") END,
	 WHOLE("\"content\":\"hi\",\"reasoning_details\":[{\"type\":\"reasoning.summary\",\"summary\":\"hm\"}]",
	       "stop"),
	 NULL},
	{"OpenRouter: an error beside empty choices", O,
	 DELTA("\"content\":\"h\"") "data: {\"choices\":[],\"error\":{\"code\":502,\"message\":\"no\"}}\n\n",
	 "{\"choices\":[],\"error\":{\"code\":502,\"message\":\"no\"}}", "api"},
	{"vLLM: reasoning and text in one chunk", O,
	 DELTA("\"reasoning_content\":\"h\"") DELTA("\"reasoning_content\":\"m\",\"content\":\"h\"")
		 DELTA("\"content\":\"i\"") END,
	 WHOLE("\"reasoning_content\":\"hm\",\"content\":\"hi\"", "stop"), NULL},
	{"new-api: a last piece of a call that says nothing", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{\\\"x\\\":1}\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"\",\"type\":\"function\",\"function\":{\"name\":null,"
		       "\"arguments\":null}}]") CALLED DONE,
	 ONE, NULL},
	{"the arguments once more in the last piece", O,
	 DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\"\"}}]")
		 DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]") DELTA(
			 "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}}]")
			 CALLED DONE,
	 ONE, NULL},
	{"Ollama: all calls and the end in one chunk", O,
	 CHOICE("\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"a\","
		"\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}},{\"id\":\"b\","
		"\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":2}\"}}]},"
		"\"finish_reason\":\"tool_calls\"") DONE,
	 WHOLE("\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL(
		       "a", "get", "{\\\"x\\\":1}") "," CALL("b", "get", "{\\\"x\\\":2}") "]",
	       "tool_calls"),
	 NULL},
	{"Ollama: an error that is a string", O,
	 DELTA("\"content\":\"h\"") "data: {\"error\":\"no\"}\n\n", "{\"error\":\"no\"}", "api"},
	{"Gemini: what belongs to a call in a piece of its own", O,
	 DELTA("\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{}\"}}]")
		 DELTA("\"tool_calls\":[{\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}]")
			 END,
	 CALLS("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{}\"},"
	       "\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}"),
	 NULL},
	{"Gemini: what belongs to no call", O,
	 DELTA("\"tool_calls\":[{\"extra_content\":{\"google\":{}}}]") END,
	 CALLS("{\"extra_content\":{\"google\":{}}}"), "bad_answer"},
	{"no calls in every chunk", O,
	 DELTA("\"content\":\"h\",\"tool_calls\":[]") DELTA("\"content\":\"i\",\"tool_calls\":[]")
		 END,
	 HI, NULL},
	{"Azure: nothing but a filter", O,
	 CHOICE("\"index\":0,\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null") CHOICE(
		 "\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\",\"content_filter_results\":{}")
		 DONE,
	 WHOLE("\"role\":\"assistant\"", "content_filter"), "empty"},
	{"xAI: citations in a chunk without choices", O,
	 DELTA("\"content\":\"hi\"") STOP
	 "data: {\"choices\":[],\"citations\":[\"https://h\"]}\n\n" DONE,
	 HI, NULL},
	{"an error that is empty in every chunk", O,
	 "data: {\"model\":\"m\",\"error\":\"\",\"choices\":[{\"delta\":{\"content\":\"h\"},\"error\":{}}]}\n\n"
	 "data: {\"error\":false,\"choices\":[{\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"}]}\n\n" DONE,
	 "{\"model\":\"m\",\"error\":{},\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\","
	 "\"error\":[]}]}",
	 NULL},
	{"DashScope: every piece with all that came before", O,
	 DELTA("\"content\":\"h\"") DELTA("\"content\":\"hi\"") DELTA("\"content\":\"hi y\"")
		 DELTA("\"content\":\"hi you\"") DELTA("\"content\":\"hi you\"") END,
	 SAYS("hi you"), NULL},
	{"Gemini by a proxy: the same of reasoning", O,
	 DELTA("\"reasoning_content\":\"h\"") DELTA("\"reasoning_content\":\"hm\"")
		 DELTA("\"reasoning_content\":\"hm, hm\"") DELTA("\"content\":\"hi\"") END,
	 WHOLE("\"reasoning_content\":\"hm, hm\",\"content\":\"hi\"", "stop"), NULL},
	{"pieces that are the same by chance", O,
	 DELTA("\"content\":\"ha\"") DELTA("\"content\":\"ha\"") DELTA("\"content\":\"ha\"") END,
	 SAYS("hahaha"), NULL},
	{"pieces that go on once by chance", O,
	 DELTA("\"content\":\"1\"") DELTA("\"content\":\"1.\"") DELTA("\"content\":\"5\"") END,
	 SAYS("11.5"), NULL},
	{"TGI: a call alone, not a list", O,
	 DELTA("\"tool_calls\":{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get\","
	       "\"arguments\":\"{\\\"x\\\"\"}}")
		 DELTA("\"tool_calls\":{\"index\":0,\"id\":\"\",\"function\":{\"name\":null,\"arguments\":\":1}\"}}")
			 CALLED DONE,
	 WHOLE("\"content\":null,\"tool_calls\":" CALL("a", "get", "{\\\"x\\\":1}"), "tool_calls"),
	 NULL},
	{"MiniMax: no choices in a chunk, null", O,
	 DELTA("\"content\":\"hi\"") "data: {\"model\":\"m\",\"choices\":null}\n\n" END, HI, NULL},
	{"Groq: a call that failed", O,
	 "event: error\ndata: {\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"code\":"
	 "\"tool_use_failed\",\"failed_generation\":\"<f>\"}}\n\n",
	 "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\"}}",
	 "api"},
	{"usage behind [DONE]", O,
	 DELTA("\"content\":\"hi\"") END
	 "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n",
	 "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hi\"},"
	 "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}",
	 NULL},
	/* Anthropic's */
	{"Anthropic's text", A,
	 A_START A_BLOCK(
		 "\"type\":\"text\",\"text\":\"\"") "event: ping\ndata: {"
						    "\"type\":\"ping\"}\n\n" A_DELTA(
							    "\"type\":\"text_delta\",\"text\":\"\\ud83d\"")
							    A_DELTA("\"type\":\"text_delta\",\"text\":\"\\ude00\"")
								    A_END("end_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"\\ud83d\\ude00\"}", "end_turn"), NULL},
	{"Anthropic's text given at the start", A,
	 A_START A_BLOCK("\"type\":\"text\",\"text\":\"h\"")
		 A_DELTA("\"type\":\"text_delta\",\"text\":\"i\"") A_END("end_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"hi\"}", "end_turn"), NULL},
	{"Anthropic's input in pieces", A,
	 A_START A_BLOCK(A_TOOL_BLOCK("{}"))
		 A_DELTA("\"type\":\"input_json_delta\",\"partial_json\":\"\"")
			 A_DELTA("\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\\\"\"")
				 A_DELTA("\"type\":\"input_json_delta\",\"partial_json\":\":1}\"")
					 A_END("tool_use"),
	 A_TOOL, NULL},
	{"Anthropic's input given at the start", A,
	 A_START A_BLOCK(A_TOOL_BLOCK("{\"x\":1}")) A_END("tool_use"), A_TOOL, NULL},
	{"Anthropic's input given twice", A,
	 A_START A_BLOCK(A_TOOL_BLOCK("{\"x\":1}"))
		 A_DELTA("\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\\\":1}\"")
			 A_END("tool_use"),
	 A_TOOL, NULL},
	{"Anthropic's call without input", A, A_START A_BLOCK(A_TOOL_BLOCK("{}")) A_END("tool_use"),
	 A_WHOLE("{" A_TOOL_BLOCK("{}") "}", "tool_use"), NULL},
	{"Anthropic's input that is no JSON", A,
	 A_START A_BLOCK(A_TOOL_BLOCK("{}")) A_DELTA(
		 "\"type\":\"input_json_delta\",\"partial_json\":\"x\\\":1}\"") A_END("tool_use"),
	 NULL, "bad_answer"},
	{"Anthropic's thinking", A,
	 A_START A_BLOCK("\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
		 A_DELTA("\"type\":\"thinking_delta\",\"thinking\":\"hm\"")
			 A_DELTA("\"type\":\"signature_delta\",\"signature\":\"s\"")
				 A_BLOCK("\"type\":\"redacted_thinking\",\"data\":\"x\"")
					 A_BLOCK("\"type\":\"text\",\"text\":\"\"")
						 A_DELTA("\"type\":\"text_delta\",\"text\":\"hi\"")
							 A_END("end_turn") DONE,
	 A_WHOLE("{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"},{"
		 "\"type\":\"redacted_thinking\",\"data\":\"x\"},{\"type\":\"text\",\"text\":\"hi\"}",
		 "end_turn"),
	 NULL},
	{"Anthropic's thinking alone", A,
	 A_START A_BLOCK("\"type\":\"thinking\",\"thinking\":\"hm\"") A_END("max_tokens"),
	 A_WHOLE("{\"type\":\"thinking\",\"thinking\":\"hm\"}", "max_tokens"), "empty"},
	{"Anthropic's search by the server", A,
	 A_START A_BLOCK(
		 "\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{}")
		 A_DELTA("\"type\":\"input_json_delta\",\"partial_json\":\"{}\"")
			 A_BLOCK("\"type\":\"web_search_tool_result\",\"content\":[]")
				 A_BLOCK("\"type\":\"text\",\"text\":\"hi\"")
					 A_DELTA("\"type\":\"citations_delta\",\"citation\":{}")
						 A_END("end_turn"),
	 A_WHOLE("{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\","
		 "\"input\":{}},{\"type\":\"web_search_tool_result\",\"content\":[]},{"
		 "\"type\":\"text\",\"text\":\"hi\"}",
		 "end_turn"),
	 NULL},
	{"Anthropic's block of a new kind", A,
	 A_START A_BLOCK("\"type\":\"hologram\"") A_END("end_turn"),
	 A_WHOLE("{\"type\":\"hologram\"}", "end_turn"), "bad_answer"},
	{"Anthropic's error", A,
	 A_START A_BLOCK(
		 "\"type\":\"text\",\"text\":\"h\"") "event: error\ndata: {\"type\":\"error\","
						     "\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}\n\n",
	 "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}",
	 "api"},
	{"Anthropic's stream cut", A, A_START A_BLOCK("\"type\":\"text\",\"text\":\"h\""), NULL,
	 "dropped"},
	{"an OpenAI event in Anthropic's stream", A,
	 A_START DELTA("\"content\":\"hi\"") A_END("end_turn"), HI, "bad_answer"},
	{"Bedrock: a count that the end does not repeat", A,
	 "data: {\"type\":\"message_start\",\"message\":{\"content\":[],\"model\":\"m\",\"usage\":{"
	 "\"input_tokens\":3,\"output_tokens\":1,\"service_tier\":null}}}\n\n" A_BLOCK(
		 "\"type\":\"text\",\"text\":\"hi\"")
		 A_EVENT("\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{"
			 "\"input_tokens\":null,\"output_tokens\":5,\"service_tier\":null}")
			 A_EVENT("\"type\":\"message_stop\""),
	 "{\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"stop_reason\":\"end_turn\","
	 "\"usage\":{\"input_tokens\":3,\"service_tier\":null,\"output_tokens\":5}}",
	 NULL},
	{"a proxy's message that begins without content", A,
	 "data: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":3}}}\n\n" A_BLOCK(
		 "\"type\":\"text\",\"text\":\"\"")
		 A_DELTA("\"type\":\"text_delta\",\"text\":\"hi\"") A_END("end_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"hi\"}", "end_turn"), NULL},
	{"a block's text under another index", A,
	 A_START A_BLOCK("\"type\":\"text\",\"text\":\"\"") A_EVENT(
		 "\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}")
		 A_END("end_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"hi\"}", "end_turn"), NULL},
	{"Anthropic's tools of other servers, and what was left out before", A,
	 A_START A_BLOCK("\"type\":\"compaction\",\"content\":null")
		 A_DELTA("\"type\":\"compaction_delta\",\"content\":\"so far\"") A_BLOCK(
			 "\"type\":\"mcp_tool_use\",\"id\":\"m\",\"name\":\"f\",\"input\":{}")
			 A_BLOCK("\"type\":\"mcp_tool_result\",\"content\":[]")
				 A_BLOCK("\"type\":\"text\",\"text\":\"hi\"") A_END("end_turn"),
	 A_WHOLE("{\"type\":\"compaction\",\"content\":\"so far\"},{\"type\":\"mcp_tool_use\",\"id\":\"m\"},"
		 "{\"type\":\"mcp_tool_result\",\"content\":[]},{\"type\":\"text\",\"text\":\"hi\"}",
		 "end_turn"),
	 NULL},
	{"a tool's input under another index", A,
	 A_START A_BLOCK(A_TOOL_BLOCK("{}")) A_EVENT(
		 "\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\","
		 "\"partial_json\":\"{\\\"x\\\":1}\"}") A_END("tool_use"),
	 A_TOOL, NULL},
	{"LiteLLM: text without a block, at index -1", A,
	 A_START A_EVENT(
		 "\"type\":\"content_block_delta\",\"index\":-1,\"delta\":{\"type\":\"text_delta\","
		 "\"text\":\"hi\"}") A_END("end_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"hi\"}", "end_turn"), NULL},
	{"LiteLLM: an empty text before the thinking", A,
	 A_START A_BLOCK("\"type\":\"text\",\"text\":\"\"")
		 A_BLOCK("\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
			 A_DELTA("\"type\":\"thinking_delta\",\"thinking\":\"hm\"")
				 A_BLOCK("\"type\":\"text\",\"text\":\"hi\"") A_END("end_turn"),
	 A_WHOLE("{\"type\":\"text\",\"text\":\"\"},{\"type\":\"thinking\",\"thinking\":\"hm\"},{"
		 "\"type\":\"text\",\"text\":\"hi\"}",
		 "end_turn"),
	 NULL},
	{"Anthropic's end without a reason", A,
	 A_START A_BLOCK("\"type\":\"text\",\"text\":\"hi\"") A_EVENT("\"type\":\"message_stop\""),
	 "{\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"stop_reason\":null,"
	 "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}",
	 NULL},
	{"input of a tool that no block began", A,
	 A_START A_DELTA("\"type\":\"input_json_delta\",\"partial_json\":\"{}\"") A_END("tool_use"),
	 NULL, "bad_answer"},
};

/* What was thought is kept, in whatever form: hm. */
static void thought(void)
{
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		const struct shape *t = &shapes[i];
		struct backend_answer a = {0};

		if ((strstr(t->stream, "reasoning") || strstr(t->stream, "thinking_delta")) &&
		    !strstr(t->stream, "hm, hm")) {
			read_stream(t, 100000, &a);
			ok_str(a.reasoning.data ? a.reasoning.data : "", "hm",
			       "%s: what was thought", t->what);
		}
		backend_answer_release(&a);
	}
}

int main(void)
{
	check_shapes(shapes, sizeof shapes / sizeof *shapes);
	thought();
	return tap_done();
}
