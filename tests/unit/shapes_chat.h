/* What shapes of the chat dialects, OpenAI's and Anthropic's, are made of. */
#include "shapes.h"

/* OpenAI's: a choice with that delta, and a message. */
#define DELTA(text) \
	"data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{" text \
	"},\"finish_reason\":null}]}\n\n"
#define CHOICE(text) "data: {\"model\":\"m\",\"choices\":[{" text "}]}\n\n"
#define STOP CHOICE("\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"")
#define CALLED CHOICE("\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"")
#define DONE "data: [DONE]\n\n"
#define END STOP DONE
#define WHOLE(message, finish) \
	"{\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{" message \
	"},\"finish_reason\":\"" finish "\"}]}"
#define SAYS(text) WHOLE("\"role\":\"assistant\",\"content\":\"" text "\"", "stop")
#define HI SAYS("hi")
#define CALL(id, name, arguments) \
	"{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name \
	"\",\"arguments\":\"" arguments "\"}}"
#define CALLS(calls) WHOLE("\"content\":null,\"tool_calls\":[" calls "]", "tool_calls")
#define TWO CALLS(CALL("a", "get", "{\\\"x\\\":1}") "," CALL("b", "get", "{\\\"x\\\":2}"))
#define ONE CALLS(CALL("a", "get", "{\\\"x\\\":1}"))
#define NAMELESS \
	"{\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\\\"x\\\":1}\"}}"
/* Anthropic's. */
#define A_START \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[]," \
	"\"model\":\"m\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
#define A_EVENT(text) "data: {" text "}\n\n"
#define A_BLOCK(block) \
	A_EVENT("\"type\":\"content_block_start\",\"index\":0,\"content_block\":{" block "}")
#define A_DELTA(delta) A_EVENT("\"type\":\"content_block_delta\",\"index\":0,\"delta\":{" delta "}")
#define A_END(stop) \
	A_EVENT("\"type\":\"content_block_stop\",\"index\":0") \
	A_EVENT("\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" stop \
		"\"},\"usage\":{\"output_tokens\":5}") \
	A_EVENT("\"type\":\"message_stop\"")
#define A_WHOLE(content, stop) \
	"{\"model\":\"m\",\"content\":[" content "],\"stop_reason\":\"" stop \
	"\",\"usage\":{\"input_tokens\":3,\"output_tokens\":5}}"
#define A_TOOL \
	A_WHOLE("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"get\",\"input\":{\"x\":1}}", \
		"tool_use")
#define A_TOOL_BLOCK(input) "\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"get\",\"input\":" input
#define BOM "\xef\xbb\xbf"

#define O DIALECT_OPENAI
#define A DIALECT_ANTHROPIC
