/* Answers of the Responses API whole and streamed, whatever the server's habits: both give the same
 * record, or an error of the same type. The shapes are those of OpenAI's reference and of public
 * reports about servers and gateways that speak this dialect. */
#include "shapes.h"

/* An event with the members that every one of its kind has. */
#define EV(type, members) \
	"event: response." type "\ndata: {\"type\":\"response." type \
	"\",\"sequence_number\":1," members "}\n\n"
#define AT(index) "\"item_id\":\"i" #index "\",\"output_index\":" #index ",\"content_index\":0,"
#define USAGE \
	"\"usage\":{\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":4}," \
	"\"output_tokens\":5,\"output_tokens_details\":{\"reasoning_tokens\":2},\"total_tokens\":14}"
#define RESPONSE(status, more, output) \
	"{\"id\":\"r\",\"object\":\"response\",\"status\":\"" status \
	"\",\"background\":false," more "\"model\":\"m\",\"output\":[" output "]," USAGE "}"
#define NOTHING "\"error\":null,\"incomplete_details\":null,"
#define DONE(output) RESPONSE("completed", NOTHING, output)
#define CREATED \
	EV("created", "\"response\":" RESPONSE("in_progress", NOTHING, "")) \
	EV("in_progress", "\"response\":" RESPONSE("in_progress", NOTHING, ""))
#define COMPLETED(output) EV("completed", "\"response\":" DONE(output))

#define TEXT(text) \
	"{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"" text "\"}"
#define MESSAGE_AT(index, parts) \
	"{\"id\":\"i" #index "\",\"type\":\"message\",\"status\":\"completed\",\"role\":" \
	"\"assistant\",\"content\":[" parts "]}"
#define MESSAGE(parts) MESSAGE_AT(0, parts)
#define ADDED(index, item) EV("output_item.added", "\"output_index\":" #index ",\"item\":" item)
#define OVER(index, item) EV("output_item.done", "\"output_index\":" #index ",\"item\":" item)
#define DELTA(index, text) EV("output_text.delta", AT(index) "\"delta\":\"" text "\"")
#define TEXT_OVER(index, text) \
	EV("output_text.done", AT(index) "\"logprobs\":[],\"text\":\"" text "\"") \
	EV("content_part.done", AT(index) "\"part\":" TEXT(text))
#define BEGIN(index) \
	ADDED(index, MESSAGE_AT(index, "")) \
	EV("content_part.added", AT(index) "\"part\":" TEXT(""))
#define HI DONE(MESSAGE(TEXT("hi")))
#define HI_OVER TEXT_OVER(0, "hi") OVER(0, MESSAGE(TEXT("hi")))
#define H_I DELTA(0, "h") DELTA(0, "i")

#define FUNCTION(index, call, name, arguments) \
	"{\"id\":\"i" #index "\",\"type\":\"function_call\",\"status\":\"completed\",\"call_id\":" \
	"\"" call "\",\"name\":\"" name "\",\"arguments\":\"" arguments "\"}"
#define ARGUMENTS(index, text) \
	EV("function_call_arguments.delta", AT(index) "\"delta\":\"" text "\"")
#define ARGUMENTS_OVER(index, text) \
	EV("function_call_arguments.done", AT(index) "\"arguments\":\"" text "\"")
#define X1 "{\\\"x\\\":1}"
#define X2 "{\\\"x\\\":2}"
#define ONE FUNCTION(0, "a", "get", X1)
#define TWO ONE "," FUNCTION(1, "b", "get", X2)

#define THOUGHT(index, content, summary) \
	"{\"id\":\"i" #index "\",\"type\":\"reasoning\",\"content\":[" content \
	"],\"summary\":[" summary "],\"encrypted_content\":\"gAAA\"}"
#define SUMMARY(text) "{\"type\":\"summary_text\",\"text\":\"" text "\"}"
#define THINKS(text) "{\"type\":\"reasoning_text\",\"text\":\"" text "\"}"
#define SUM_AT(index, part) \
	"\"item_id\":\"i" #index "\",\"output_index\":" #index ",\"summary_index\":" #part ","
#define SUM(index, part, text) \
	EV("reasoning_summary_part.added", SUM_AT(index, part) "\"part\":" SUMMARY("")) \
	EV("reasoning_summary_text.delta", SUM_AT(index, part) "\"delta\":\"" text "\"") \
	EV("reasoning_summary_text.done", SUM_AT(index, part) "\"text\":\"" text "\"") \
	EV("reasoning_summary_part.done", SUM_AT(index, part) "\"part\":" SUMMARY(text))
#define HI_1 BEGIN(1) DELTA(1, "hi") TEXT_OVER(1, "hi") OVER(1, MESSAGE_AT(1, TEXT("hi")))

#define R DIALECT_RESPONSES

static const struct shape shapes[] = {
	/* text */
	{"text in pieces", R, CREATED BEGIN(0) H_I HI_OVER COMPLETED(MESSAGE(TEXT("hi"))), HI,
	 NULL},
	{"no pieces, only what was said at the end", R,
	 CREATED BEGIN(0) HI_OVER COMPLETED(MESSAGE(TEXT("hi"))), HI, NULL},
	{"the response alone", R, CREATED COMPLETED(MESSAGE(TEXT("hi"))), HI, NULL},
	{"an end without output", R, CREATED BEGIN(0) H_I HI_OVER COMPLETED(""), HI, NULL},
	{"an end that says nothing but that it is one", R,
	 CREATED BEGIN(0) H_I HI_OVER "data: {\"type\":\"response.completed\",\"response\":{" USAGE
				      "}}\n\n",
	 HI, NULL},
	{"pieces and an end without output, nothing between", R,
	 CREATED DELTA(0, "h") DELTA(0, "i") COMPLETED(""), HI, NULL},
	{"no end of a text", R, CREATED BEGIN(0) H_I COMPLETED(MESSAGE(TEXT("hi"))), HI, NULL},
	{"no indices and no ids", R,
	 CREATED EV("output_item.added", "\"item\":{\"type\":\"message\",\"role\":\"assistant\"}")
		 EV("output_text.delta", "\"delta\":\"h\"")
			 EV("output_text.delta", "\"delta\":\"i\"") EV("output_text.done",
								       "\"text\":\"hi\"")
				 EV("output_item.done",
				    "\"item\":{\"type\":\"message\",\"content\":[" TEXT("hi") "]}")
					 COMPLETED(""),
	 HI, NULL},
	{"another id with every event", R,
	 CREATED ADDED(0, MESSAGE_AT(1, ""))
		 EV("output_text.delta",
		    "\"item_id\":\"x\",\"output_index\":0,\"content_index\":0,\"delta\":\"h\"")
			 EV("output_text.delta",
			    "\"item_id\":\"y\",\"output_index\":0,\"content_index\":0,\"delta\":\"i\"")
				 OVER(0, MESSAGE_AT(2, TEXT("hi")))
					 COMPLETED(MESSAGE_AT(3, TEXT("hi"))),
	 HI, NULL},
	{"the index counted otherwise at the end", R,
	 CREATED BEGIN(0) H_I TEXT_OVER(1, "hi") OVER(1, MESSAGE_AT(1, TEXT("hi"))) COMPLETED(""),
	 HI, NULL},
	{"two messages with the same index", R,
	 CREATED BEGIN(0) DELTA(0, "h") TEXT_OVER(0, "h") OVER(0, MESSAGE(TEXT("h"))) BEGIN(0)
		 DELTA(0, "i") TEXT_OVER(0, "i") OVER(0, MESSAGE_AT(1, TEXT("i"))) COMPLETED(""),
	 DONE(MESSAGE(TEXT("h")) "," MESSAGE_AT(1, TEXT("i"))), NULL},
	{"the end of an item told twice", R, CREATED BEGIN(0) HI_OVER HI_OVER COMPLETED(""), HI,
	 NULL},
	{"several parts of a message, mixed", R,
	 CREATED BEGIN(0) DELTA(0, "h")
		 EV("output_text.delta", "\"output_index\":0,\"content_index\":1,\"delta\":\"?\"")
			 DELTA(0, "i") OVER(0, MESSAGE(TEXT("hi") "," TEXT("?"))) COMPLETED(""),
	 DONE(MESSAGE(TEXT("hi") "," TEXT("?"))), NULL},
	{"content that is a string", R,
	 CREATED BEGIN(0) H_I OVER(0, "{\"type\":\"message\",\"content\":\"hi\"}") COMPLETED(""),
	 DONE("{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"hi\"}"), NULL},
	{"the text given at the beginning of a part", R,
	 CREATED ADDED(0, MESSAGE("")) EV("content_part.added", AT(0) "\"part\":" TEXT("h"))
		 DELTA(0, "i") HI_OVER COMPLETED(MESSAGE(TEXT("hi"))),
	 HI, NULL},
	{"a surrogate pair cut over two pieces", R,
	 CREATED BEGIN(0) DELTA(0, "\\ud83d") DELTA(0, "\\ude00") TEXT_OVER(0, "\xf0\x9f\x98\x80")
		 COMPLETED(MESSAGE(TEXT("\\ud83d\\ude00"))),
	 DONE(MESSAGE(TEXT("\xf0\x9f\x98\x80"))), NULL},
	{"another way to write the same text", R,
	 CREATED BEGIN(0) DELTA(0, "h\\u00e9") TEXT_OVER(0, "h\xc3\xa9")
		 COMPLETED(MESSAGE(TEXT("h\\u00E9"))),
	 DONE(MESSAGE(TEXT("h\xc3\xa9"))), NULL},
	{"pieces that differ from the text", R,
	 CREATED BEGIN(0) H_I TEXT_OVER(0, "ho") COMPLETED(MESSAGE(TEXT("ho"))), NULL,
	 "bad_answer"},
	{"pieces that differ from the item", R,
	 CREATED BEGIN(0) H_I OVER(0, MESSAGE(TEXT("h"))) COMPLETED(""), NULL, "bad_answer"},
	{"pieces that differ from the response", R,
	 CREATED BEGIN(0) DELTA(0, "h") COMPLETED(MESSAGE(TEXT("hi"))), NULL, "bad_answer"},
	{"pieces of an item that never ends beside one that does", R,
	 CREATED DELTA(0, "h") BEGIN(1) OVER(1, MESSAGE_AT(1, TEXT("i"))) COMPLETED(""), NULL,
	 "bad_answer"},
	{"an empty text", R, CREATED BEGIN(0) TEXT_OVER(0, "") COMPLETED(MESSAGE(TEXT(""))),
	 DONE(MESSAGE(TEXT(""))), NULL},
	{"nothing but white space", R, CREATED BEGIN(0) DELTA(0, " \\n") COMPLETED(""),
	 DONE(MESSAGE(TEXT(" \\n"))), NULL},
	{"no output", R, CREATED COMPLETED(""), DONE(""), "empty"},
	{"log probabilities", R,
	 CREATED BEGIN(
		 0) EV("output_text.delta",
		       AT(0) "\"delta\":\"hi\",\"logprobs\":[{\"token\":\"hi\",\"logprob\":-1}]")
		 COMPLETED(MESSAGE("{\"type\":\"output_text\",\"text\":\"hi\",\"logprobs\":[{"
				   "\"token\":\"hi\",\"bytes\":[104,105],\"logprob\":-1}]}")),
	 DONE(MESSAGE("{\"type\":\"output_text\",\"text\":\"hi\",\"logprobs\":[{\"token\":\"hi\","
		      "\"bytes\":[104,105],\"logprob\":-1}]}")),
	 NULL},
	{"log probabilities in pieces alone", R,
	 CREATED BEGIN(0)
		 EV("output_text.delta",
		    AT(0) "\"delta\":\"hi\",\"logprobs\":[{\"token\":\"hi\",\"logprob\":-1}]")
			 OVER(0, MESSAGE(TEXT("hi"))) COMPLETED(""),
	 DONE(MESSAGE("{\"type\":\"output_text\",\"text\":\"hi\",\"logprobs\":[{\"token\":\"hi\","
		      "\"logprob\":-1}]}")),
	 NULL},
	{"annotations", R,
	 CREATED BEGIN(0) H_I EV("output_text.annotation.added", AT(0) "\"annotation\":{}")
		 COMPLETED(MESSAGE(TEXT("hi"))),
	 HI, NULL},
	{"a part of a new kind", R, CREATED COMPLETED(MESSAGE("{\"type\":\"hologram\"}")),
	 DONE(MESSAGE("{\"type\":\"hologram\"}")), "bad_answer"},
	{"an item of a new kind", R, CREATED COMPLETED("{\"type\":\"hologram\"}"),
	 DONE("{\"type\":\"hologram\"}"), "bad_answer"},
	{"what somebody else must do", R,
	 CREATED ADDED(0, "{\"type\":\"computer_call\"}") COMPLETED(""),
	 DONE("{\"type\":\"computer_call\"}"), "bad_answer"},
	{"what is said on the way, then the answer", R,
	 CREATED BEGIN(0) DELTA(0, "let me see")
		 OVER(0,
		      "{\"id\":\"i0\",\"type\":\"message\",\"phase\":\"commentary\",\"content\":[" TEXT(
			      "let me see") "]}") HI_1 COMPLETED(""),
	 DONE("{\"id\":\"i0\",\"type\":\"message\",\"phase\":\"commentary\",\"content\":[" TEXT(
		 "let me see") "]}," MESSAGE_AT(1, TEXT("hi"))),
	 NULL},
	{"what is said on the way, and nothing else", R,
	 CREATED BEGIN(0) H_I
		 OVER(0,
		      "{\"id\":\"i0\",\"type\":\"message\",\"phase\":\"commentary\",\"content\":[" TEXT(
			      "hi") "]}") COMPLETED(""),
	 DONE("{\"id\":\"i0\",\"type\":\"message\",\"phase\":\"commentary\",\"content\":[" TEXT(
		 "hi") "]}"),
	 NULL},
	/* refusals */
	{"a refusal", R,
	 CREATED ADDED(0, MESSAGE("")) EV("refusal.delta", AT(0) "\"delta\":\"n\"")
		 EV("refusal.delta", AT(0) "\"delta\":\"o\"") EV("refusal.done",
								 AT(0) "\"refusal\":\"no\"")
			 EV("content_part.done",
			    AT(0) "\"part\":{\"type\":\"refusal\",\"refusal\":\"no\"}")
				 COMPLETED(MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}")),
	 DONE(MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}")), NULL},
	{"a refusal that the end does not repeat", R,
	 CREATED EV("refusal.delta", AT(0) "\"delta\":\"no\"")
		 OVER(0, MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}")) COMPLETED(""),
	 DONE(MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}")), NULL},
	/* calls */
	{"a call", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ARGUMENTS(0, "{\\\"x\\\"")
		 ARGUMENTS(0, ":1}") ARGUMENTS_OVER(0, X1) OVER(0, ONE) COMPLETED(ONE),
	 DONE(ONE), NULL},
	{"a call that the end does not repeat", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ARGUMENTS(0, X1) ARGUMENTS_OVER(0, X1)
		 OVER(0, ONE) COMPLETED(""),
	 DONE(ONE), NULL},
	{"arguments at the end of a call alone", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ARGUMENTS_OVER(0, X1) COMPLETED(""),
	 DONE(ONE), NULL},
	{"a place holder for arguments", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "{}")) ARGUMENTS(0, X1) OVER(0, ONE)
		 COMPLETED(""),
	 DONE(ONE), NULL},
	{"a place holder and no pieces", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "{}")) ARGUMENTS_OVER(0, X1) OVER(0, ONE)
		 COMPLETED(ONE),
	 DONE(ONE), NULL},
	{"arguments at the beginning of a call alone", R,
	 CREATED ADDED(0, ONE) OVER(0, ONE) COMPLETED(""), DONE(ONE), NULL},
	{"a call without arguments", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ARGUMENTS_OVER(0, "{}")
		 OVER(0, FUNCTION(0, "a", "get", "{}")) COMPLETED(""),
	 DONE(FUNCTION(0, "a", "get", "{}")), NULL},
	{"two calls", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ARGUMENTS(0, X1) OVER(0, ONE)
		 ADDED(1, FUNCTION(1, "b", "get", "")) ARGUMENTS(1, X2)
			 OVER(1, FUNCTION(1, "b", "get", X2)) COMPLETED(TWO),
	 DONE(TWO), NULL},
	{"two calls, their pieces mixed", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ADDED(1, FUNCTION(1, "b", "get", ""))
		 ARGUMENTS(1, "{\\\"x\\\"") ARGUMENTS(0, "{\\\"x\\\"") ARGUMENTS(1, ":2}")
			 ARGUMENTS(0, ":1}") COMPLETED(""),
	 DONE(TWO), NULL},
	{"two calls with the same index", R,
	 CREATED EV("output_item.added", "\"output_index\":0,\"item\":" FUNCTION(0, "a", "get", ""))
		 EV("output_item.added", "\"output_index\":0,\"item\":" FUNCTION(1, "b", "get", ""))
			 EV("function_call_arguments.delta",
			    "\"item_id\":\"i1\",\"output_index\":0,\"delta\":\"" X2 "\"")
				 EV("function_call_arguments.delta",
				    "\"item_id\":\"i0\",\"output_index\":0,\"delta\":\"" X1 "\"")
					 COMPLETED(""),
	 DONE(TWO), NULL},
	{"calls without indices and without ids of their items", R,
	 CREATED EV("output_item.added",
		    "\"item\":{\"type\":\"function_call\",\"call_id\":\"a\","
		    "\"name\":\"get\",\"arguments\":\"\"}") EV("function_call_arguments.delta",
							       "\"delta\":\"" X1 "\"")
		 EV("output_item.done",
		    "\"item\":{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"get\","
		    "\"arguments\":\"" X1
		    "\"}") EV("output_item.added",
			      "\"item\":{\"type\":\"function_call\",\"call_id\":\"b\","
			      "\"name\":\"get\",\"arguments\":\"\"}")
			 EV("function_call_arguments.delta", "\"delta\":\"" X2 "\"") COMPLETED(""),
	 DONE(TWO), NULL},
	{"pieces of a call that was not announced", R,
	 CREATED ARGUMENTS(0, X1) OVER(0, ONE) COMPLETED(""), DONE(ONE), NULL},
	{"a call announced twice", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ADDED(0, FUNCTION(0, "a", "get", ""))
		 ARGUMENTS(0, X1) COMPLETED(""),
	 DONE(ONE), NULL},
	{"arguments as an object", R,
	 CREATED COMPLETED("{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"get\","
			   "\"arguments\":{\"x\":1}}"),
	 DONE("{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"get\",\"arguments\":{"
	      "\"x\":1}}"),
	 NULL},
	{"the same arguments written otherwise", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ARGUMENTS(0, "{\\\"x\\\": 1}")
		 COMPLETED(ONE),
	 DONE(ONE), NULL},
	{"a custom call", R,
	 CREATED ADDED(0, "{\"id\":\"i0\",\"type\":\"custom_tool_call\",\"call_id\":\"a\","
			  "\"name\":\"sh\",\"input\":\"\"}")
		 EV("custom_tool_call_input.delta", AT(0) "\"delta\":\"ls\"")
			 EV("custom_tool_call_input.done", AT(0) "\"input\":\"ls\"") COMPLETED(""),
	 DONE("{\"id\":\"i0\",\"type\":\"custom_tool_call\",\"call_id\":\"a\",\"name\":\"sh\","
	      "\"input\":\"ls\"}"),
	 NULL},
	{"text beside a call", R,
	 CREATED BEGIN(0) H_I HI_OVER ADDED(1, FUNCTION(1, "b", "get", "")) ARGUMENTS(1, X2)
		 COMPLETED(MESSAGE(TEXT("hi")) "," FUNCTION(1, "b", "get", X2)),
	 DONE(MESSAGE(TEXT("hi")) "," FUNCTION(1, "b", "get", X2)), NULL},
	{"pieces that differ from the arguments", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ARGUMENTS(0, X2) OVER(0, ONE) COMPLETED(""),
	 NULL, "bad_answer"},
	{"a call that the response does not know", R,
	 CREATED ADDED(0, FUNCTION(0, "a", "get", "")) ARGUMENTS(0, X1) OVER(0, ONE) COMPLETED(TWO),
	 NULL, "bad_answer"},
	{"arguments of a call that has no name", R, CREATED ARGUMENTS(0, X1) COMPLETED(""),
	 DONE("{\"type\":\"function_call\",\"call_id\":\"a\",\"arguments\":\"{}\"}"), "bad_answer"},
	/* reasoning */
	{"reasoning and its summary", R,
	 CREATED ADDED(0, THOUGHT(0, "", "")) SUM(0, 0, "first") SUM(0, 1, "then")
		 OVER(0, THOUGHT(0, "", SUMMARY("first") "," SUMMARY("then")))
			 HI_1 COMPLETED(THOUGHT(0, "",
						SUMMARY("first") "," SUMMARY(
							"then")) "," MESSAGE_AT(1, TEXT("hi"))),
	 DONE(THOUGHT(0, "", SUMMARY("first") "," SUMMARY("then")) "," MESSAGE_AT(1, TEXT("hi"))),
	 NULL},
	{"a summary that the end does not repeat", R,
	 CREATED ADDED(0, THOUGHT(0, "", "")) SUM(0, 0, "first") SUM(0, 1, "then")
		 HI_1 COMPLETED(""),
	 DONE(THOUGHT(0, "", SUMMARY("first") "," SUMMARY("then")) "," MESSAGE_AT(1, TEXT("hi"))),
	 NULL},
	{"reasoning in full", R,
	 CREATED ADDED(0, THOUGHT(0, "", "")) EV("reasoning_part.added",
						 AT(0) "\"part\":" THINKS(""))
		 EV("reasoning_text.delta", AT(0) "\"delta\":\"h\"") EV("reasoning_text.delta",
									AT(0) "\"delta\":\"m\"")
			 EV("reasoning_text.done", AT(0) "\"text\":\"hm\"")
				 EV("reasoning_part.done", AT(0) "\"part\":" THINKS("hm"))
					 OVER(0, THOUGHT(0, THINKS("hm"), "")) HI_1 COMPLETED(""),
	 DONE(THOUGHT(0, THINKS("hm"), "") "," MESSAGE_AT(1, TEXT("hi"))), NULL},
	{"reasoning in full and summed up", R,
	 CREATED EV("reasoning_text.delta", AT(0) "\"delta\":\"hm\"") SUM(0, 0, "it thought")
		 HI_1 COMPLETED(""),
	 DONE(THOUGHT(0, THINKS("hm"), SUMMARY("it thought")) "," MESSAGE_AT(1, TEXT("hi"))), NULL},
	{"reasoning in a part that calls itself text", R,
	 CREATED ADDED(0, THOUGHT(0, "", "")) EV("content_part.added", AT(0) "\"part\":" TEXT(""))
		 EV("reasoning_text.delta", AT(0) "\"delta\":\"hm\"")
			 OVER(0, THOUGHT(0, TEXT("hm"), "")) HI_1 COMPLETED(""),
	 DONE(THOUGHT(0, TEXT("hm"), "") "," MESSAGE_AT(1, TEXT("hi"))), NULL},
	{"reasoning that nothing is said of", R,
	 CREATED ADDED(0, THOUGHT(0, "", "")) OVER(0, THOUGHT(0, "", ""))
		 HI_1 COMPLETED(THOUGHT(0, "", "") "," MESSAGE_AT(1, TEXT("hi"))),
	 DONE(THOUGHT(0, "", "") "," MESSAGE_AT(1, TEXT("hi"))), NULL},
	{"reasoning alone", R,
	 CREATED SUM(0, 0, "hm")
		 EV("incomplete", "\"response\":" RESPONSE("incomplete",
							   "\"incomplete_details\":{\"reason\":"
							   "\"max_output_tokens\"},",
							   THOUGHT(0, "", SUMMARY("hm")))),
	 RESPONSE("incomplete", "\"incomplete_details\":{\"reason\":\"max_output_tokens\"},",
		  THOUGHT(0, "", SUMMARY("hm"))),
	 "empty"},
	/* the server's own tools */
	{"a search by the server", R,
	 CREATED ADDED(0, "{\"type\":\"web_search_call\",\"id\":\"i0\"}")
		 EV("web_search_call.in_progress", AT(0) "\"x\":0") EV("web_search_call.completed",
								       AT(0) "\"x\":0")
			 OVER(0, "{\"type\":\"web_search_call\",\"id\":\"i0\"}") HI_1 COMPLETED(
				 "{\"type\":\"web_search_call\",\"id\":\"i0\"}," MESSAGE_AT(1,
											    TEXT("hi"))),
	 DONE("{\"type\":\"web_search_call\",\"id\":\"i0\"}," MESSAGE_AT(1, TEXT("hi"))), NULL},
	{"code, pictures and tools of another server", R,
	 CREATED EV("code_interpreter_call_code.delta", AT(0) "\"delta\":\"1+1\"")
		 EV("mcp_call_arguments.delta",
		    AT(0) "\"delta\":\"{}\"") EV("mcp_list_tools.completed", AT(0) "\"x\":0")
			 EV("image_generation_call.partial_image", AT(0) "\"x\":0")
				 COMPLETED("{\"type\":\"mcp_call\"}," MESSAGE_AT(1, TEXT("hi"))),
	 DONE("{\"type\":\"mcp_call\"}," MESSAGE_AT(1, TEXT("hi"))), NULL},
	/* the end */
	{"cut short", R,
	 CREATED BEGIN(0) H_I
		 EV("incomplete",
		    "\"response\":" RESPONSE("incomplete",
					     "\"incomplete_details\":{\"reason\":\"max_output_tokens\"},",
					     MESSAGE(TEXT("hi")))),
	 RESPONSE("incomplete", "\"incomplete_details\":{\"reason\":\"max_output_tokens\"},",
		  MESSAGE(TEXT("hi"))),
	 NULL},
	{"filtered", R,
	 CREATED BEGIN(0) H_I
		 EV("incomplete",
		    "\"response\":" RESPONSE("incomplete",
					     "\"incomplete_details\":{\"reason\":\"content_filter\"},",
					     MESSAGE(TEXT("hi")))),
	 RESPONSE("incomplete", "\"incomplete_details\":{\"reason\":\"content_filter\"},",
		  MESSAGE(TEXT("hi"))),
	 NULL},
	{"incomplete, and who knows why", R,
	 CREATED BEGIN(0)
		 H_I EV("incomplete",
			"\"response\":" RESPONSE("incomplete", "\"incomplete_details\":null,", "")),
	 RESPONSE("incomplete", "\"incomplete_details\":null,", MESSAGE(TEXT("hi"))), NULL},
	{"failed", R,
	 CREATED BEGIN(0) H_I
		 EV("failed",
		    "\"response\":" RESPONSE("failed",
					     "\"error\":{\"code\":\"server_error\",\"message\":\"no\"},",
					     "")),
	 RESPONSE("failed", "\"error\":{\"code\":\"server_error\",\"message\":\"no\"},", ""),
	 "api"},
	{"failed, and who knows why", R,
	 CREATED EV("failed", "\"response\":" RESPONSE("failed", NOTHING, "")),
	 RESPONSE("failed", NOTHING, ""), "api"},
	{"cancelled", R,
	 CREATED EV("cancelled", "\"response\":" RESPONSE("cancelled", NOTHING, "")),
	 RESPONSE("cancelled", NOTHING, ""), "api"},
	{"used up", R,
	 CREATED EV("failed",
		    "\"response\":" RESPONSE("failed",
					     "\"error\":{\"code\":\"insufficient_quota\",\"message\":\"no\"},",
					     "")),
	 RESPONSE("failed", "\"error\":{\"code\":\"insufficient_quota\",\"message\":\"no\"},", ""),
	 "quota"},
	{"an error event", R,
	 CREATED BEGIN(0) DELTA(0, "h") "event: error\ndata: {\"type\":\"error\",\"code\":"
					"\"server_error\",\"message\":\"no\",\"param\":null}\n\n",
	 "{\"error\":{\"code\":\"server_error\",\"message\":\"no\"}}", "api"},
	{"an error event with an error in it, then the failure", R,
	 CREATED
	 "data: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
	 "\"no\"}}\n\n" EV("failed", "\"response\":" RESPONSE("failed", NOTHING, "")),
	 "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"no\"}}", "api"},
	{"a response that is not over", R,
	 CREATED EV("completed", "\"response\":" RESPONSE("in_progress", NOTHING, "")),
	 RESPONSE("in_progress", NOTHING, ""), "bad_answer"},
	{"no end", R, CREATED BEGIN(0) H_I HI_OVER, NULL, "dropped"},
	{"[DONE] in place of an end", R, CREATED BEGIN(0) H_I HI_OVER "data: [DONE]\n\n", NULL,
	 "dropped"},
	{"[DONE] behind the end", R,
	 CREATED BEGIN(0) H_I HI_OVER COMPLETED(MESSAGE(TEXT("hi"))) "data: [DONE]\n\n", HI, NULL},
	{"a second answer behind the first", R,
	 CREATED BEGIN(0) H_I HI_OVER COMPLETED("") CREATED BEGIN(0), HI HI, "bad_answer"},
	{"a second answer within the first", R,
	 CREATED BEGIN(0) H_I CREATED BEGIN(0) H_I COMPLETED(""), NULL, "bad_answer"},
	/* what public reports tell of servers and gateways beside */
	{"LiteLLM: reasoning, text and a call with one index", R,
	 CREATED EV("reasoning_summary_text.delta", AT(0) "\"delta\":\"hm\"") DELTA(0, "hi")
		 EV("output_item.added", "\"output_index\":0,\"item\":" FUNCTION(1, "b", "get", ""))
			 EV("function_call_arguments.delta",
			    "\"item_id\":\"i1\",\"output_index\":0,\"delta\":\"" X2 "\"")
				 COMPLETED(""),
	 DONE(THOUGHT(0, "", SUMMARY("hm")) "," MESSAGE(TEXT("hi")) "," FUNCTION(1, "b", "get",
										 X2)),
	 NULL},
	{"a response at the end that has the message alone", R,
	 CREATED SUM(0, 0, "hm") HI_1 COMPLETED(MESSAGE_AT(1, TEXT("hi"))),
	 DONE(THOUGHT(0, "", SUMMARY("hm")) "," MESSAGE_AT(1, TEXT("hi"))), NULL},
	{"a response at the end whose message is empty", R,
	 CREATED BEGIN(0) H_I COMPLETED(MESSAGE("")), HI, NULL},
	{"a failure with the reason beside the response", R,
	 CREATED EV("failed",
		    "\"error\":{\"message\":\"no\",\"code\":\"server_error\"},\"response\":{}"),
	 "{\"error\":{\"message\":\"no\",\"code\":\"server_error\"}}", "api"},
	{"heartbeats that are events without a response", R,
	 "data: {\"type\":\"response.in_progress\"}\n\n" CREATED
	 "data: {\"type\":\"response.in_progress\"}\n\n" BEGIN(0) H_I COMPLETED(""),
	 HI, NULL},
	{"OpenRouter: items that end in another order", R,
	 CREATED ADDED(0, THOUGHT(0, "", "")) ADDED(1, FUNCTION(1, "b", "get", "")) ARGUMENTS(1, X2)
		 OVER(1, FUNCTION(1, "b", "get", X2)) OVER(0, THOUGHT(0, "", SUMMARY("hm")))
			 COMPLETED(""),
	 DONE(THOUGHT(0, "", SUMMARY("hm")) "," FUNCTION(1, "b", "get", X2)), NULL},
	{"LM Studio: reasoning told at once, of no item", R,
	 CREATED EV("reasoning_text.done", "\"text\":\"hm\"") HI_1 COMPLETED(""),
	 DONE(THOUGHT(0, THINKS("hm"), "") "," MESSAGE_AT(1, TEXT("hi"))), NULL},
	{"reasoning behind the message", R,
	 CREATED BEGIN(0) H_I HI_OVER ADDED(1, THOUGHT(1, "", ""))
		 OVER(1, THOUGHT(1, THINKS("hm"), "")) COMPLETED(""),
	 DONE(MESSAGE(TEXT("hi")) "," THOUGHT(1, THINKS("hm"), "")), NULL},
	{"nothing before the end", R, COMPLETED(MESSAGE(TEXT("hi"))), HI, NULL},
	{"an error that is empty", R,
	 CREATED BEGIN(0)
		 H_I EV("completed",
			"\"error\":\"\",\"response\":" RESPONSE("completed", "\"error\":{},",
								MESSAGE(TEXT("hi")))),
	 RESPONSE("completed", "\"error\":{},", MESSAGE(TEXT("hi"))), NULL},
	{"no counts", R,
	 CREATED BEGIN(0) H_I
	 "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"model\":\"m\","
	 "\"output\":[" MESSAGE(TEXT("hi")) "],\"usage\":null}}\n\n",
	 NULL, NULL},
	{"a piece that the end of the text has and no delta", R,
	 CREATED BEGIN(0) DELTA(0, "i") TEXT_OVER(0, "hi") COMPLETED(MESSAGE(TEXT("hi"))), NULL,
	 "bad_answer"},
	{"OpenRouter's own tools", R,
	 CREATED ADDED(0, "{\"type\":\"openrouter:web_search\",\"id\":\"i0\"}") HI_1 COMPLETED(
		 "{\"type\":\"openrouter:web_search\",\"id\":\"i0\"}," MESSAGE_AT(1, TEXT("hi"))),
	 DONE("{\"type\":\"openrouter:web_search\",\"id\":\"i0\"}," MESSAGE_AT(1, TEXT("hi"))),
	 NULL},
	/* the event stream */
	{"heartbeats", R,
	 CREATED "data: {\"type\":\"keepalive\",\"sequence_number\":3}\n\n: ping\n\n" BEGIN(0)
		 H_I EV("in_progress", "\"response\":{}")
			 COMPLETED(MESSAGE(TEXT("hi"))) "data: {\"type\":\"keepalive\"}\n\n",
	 HI, NULL},
	{"the type as the event's name alone", R,
	 CREATED "event: response.output_text.delta\ndata: {\"delta\":\"hi\"}\n\n"
		 "event: response.completed\ndata: {\"response\":" HI "}\n\n",
	 HI, NULL},
	{"no names of events", R,
	 "data: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n"
	 "data: {\"type\":\"response.completed\",\"response\":" HI "}\n\n",
	 HI, NULL},
	{"CR LF line ends, an event over two lines", R,
	 "data: {\"type\":\"response.output_text.delta\",\r\ndata: \"delta\":\"hi\"}\r\n\r\n"
	 "data: {\"type\":\"response.completed\",\"response\":" HI "}\r\n\r\n",
	 HI, NULL},
	{"an event of a new kind, whose end tells all", R,
	 CREATED BEGIN(0) H_I EV("hologram.delta", "\"delta\":\"i\"")
		 COMPLETED(MESSAGE(TEXT("hi"))),
	 HI, NULL},
	{"an event of a new kind, of which the end says nothing", R,
	 CREATED BEGIN(0) H_I EV("hologram.delta", "\"delta\":\"i\"") COMPLETED(""), NULL,
	 "bad_answer"},
	{"a delta that is a number", R,
	 CREATED EV("output_text.delta", AT(0) "\"delta\":4") COMPLETED(MESSAGE(TEXT("hi"))), NULL,
	 "bad_answer"},
	{"a chat completion", R,
	 "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{"
	 "\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n",
	 "{\"object\":\"chat.completion\",\"choices\":[{\"message\":{\"content\":\"hi\"}}]}",
	 "bad_answer"},
	{"an event that is no JSON", R, CREATED "data: {\"type\":\"resp\n\n" COMPLETED(""),
	 "{\"type\":\"resp", "bad_answer"},
};

int main(void)
{
	check_shapes(shapes, sizeof shapes / sizeof *shapes);
	return tap_done();
}
