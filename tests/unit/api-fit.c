/* What servers say of parameters that a model does not take, as public reports quote them, and what
 * becomes of the request. */
#include <string.h>
#include "../../lib/api/fit.h"
#include "tap.h"

static const char request[] =
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"temperature?\"}],\"max_tokens\":7,"
	"\"temperature\":0,\"top_p\":0.5,\"stop\":[\"A\"],\"seed\":1,\"logprobs\":true,\"top_logprobs\":2,"
	"\"reasoning_effort\":\"low\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}";

static void says(const char *error, const char *name)
{
	struct fits f = {0};
	unsigned want = name ? fit_bit(name) : 0;

	ok(fit_refused(&f, span_of(error), span_of(request)) == want, "%s: %s",
	   name ? name : "nothing of the kind", error);
}

static void refusals(void)
{
	/* OpenAI, Azure */
	says("{\"error\":{\"message\":\"Unsupported value: 'temperature' does not support 0 with this model. Only the "
	     "default (1) value is supported.\",\"type\":\"invalid_request_error\",\"param\":\"temperature\",\"code\":"
	     "\"unsupported_value\"}}",
	     "temperature");
	says("{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this model. Use "
	     "'max_completion_tokens' instead.\",\"param\":\"max_tokens\",\"code\":\"unsupported_parameter\"}}",
	     "max_tokens");
	says("{\"error\":{\"message\":\"Your organization must be verified to stream this model.\",\"param\":\"stream\","
	     "\"code\":\"unsupported_value\"}}",
	     "stream");
	says("{\"error\":{\"message\":\"Unsupported parameter: 'stop' is not supported with this model.\",\"param\":"
	     "\"stop\",\"code\":\"unsupported_parameter\"}}",
	     "stop");
	says("{\"error\":{\"message\":\"You are not allowed to request logprobs from this model\"}}",
	     "logprobs");
	says("{\"error\":{\"message\":\"Unrecognized request argument supplied: reasoning_effort\"}}",
	     "reasoning_effort");
	/* Anthropic */
	says("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"temperature is "
	     "deprecated for this model.\"}}",
	     "temperature");
	says("{\"error\":{\"message\":\"`temperature` and `top_p` cannot both be specified for this model. Please use "
	     "only one.\"}}",
	     "top_p");
	says("{\"error\":{\"message\":\"`temperature` may only be set to 1 when thinking is enabled.\"}}",
	     "temperature");
	/* xAI, Groq, Mistral, vLLM, Gemini, no JSON at all */
	says("{\"code\":\"Client specified an invalid argument\",\"error\":\"Argument not supported on this model: "
	     "stop\"}",
	     "stop");
	says("{\"error\":{\"message\":\"'logprobs' is not supported with this model\"}}",
	     "logprobs");
	says("{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs "
	     "are not permitted\"}]}",
	     "stream_options");
	says("{\"object\":\"error\",\"message\":\"[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra "
	     "inputs are not permitted'}]\"}",
	     "seed");
	says("[{\"error\":{\"code\":400,\"message\":\"Invalid JSON payload received. Unknown name \\\"seed\\\": Cannot "
	     "find field.\",\"status\":\"INVALID_ARGUMENT\"}}]",
	     "seed");
	says("unsupported parameter top_p", "top_p");
	/* Moonshot, LiteLLM, LM Studio and others, by another hand */
	says("{\"error\":{\"message\":\"invalid temperature: only 1 is allowed for this model\",\"type\":\"invalid_request_error\"}}",
	     "temperature");
	says("{\"error\":{\"message\":\"'temperature' must be 1 for this model\"}}", "temperature");
	says("{\"error\":{\"message\":\"litellm.UnsupportedParamsError: gpt-5 models (including gpt-5-codex) don't support temperature=0. Only "
	     "temperature=1 is supported.\"}}",
	     "temperature");
	says("{\"error\":{\"message\":\"this model is not supported MaxTokens, please use MaxCompletionTokens\",\"param\":\"max_tokens\"}}",
	     "max_tokens");
	says("{\"error\":{\"message\":\"property 'seed' is unsupported\"}}", "seed");
	says("{\"detail\":\"Unsupported parameter: temperature\"}", "temperature");
	says("{\"error\":{\"message\":\"top_logprobs must be between 0 and 20\"}}", NULL);
	says("{\"error\":{\"message\":\"temperature should be in [0, 2]\"}}", NULL);
	says("{\"error\":{\"message\":\"stop sequences must contain non-whitespace\"}}", NULL);
	/* values out of their range, and words of everyday language, are no such thing */
	says("{\"error\":{\"message\":\"Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got "
	     "3 instead.\",\"param\":\"temperature\",\"code\":\"decimal_above_max_value\"}}",
	     NULL);
	says("{\"error\":{\"message\":\"max_tokens: 100000 > 8192, which is the maximum\"}}", NULL);
	says("{\"error\":{\"message\":\"Please stop: this prompt is not allowed\"}}", NULL);
	says("{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens\",\"code\":"
	     "\"context_length_exceeded\"}}",
	     NULL);
	says("{\"error\":{\"message\":\"Not supported: 'what is the temperature?'\",\"param\":\"messages\"}}",
	     NULL);
	says("{\"error\":{\"message\":\"n is not supported\",\"param\":\"n\"}}", NULL);
	says("", NULL);
}

/* The request less these. */
static void becomes(const char *const *names, const char *extra, const char *body, const char *want)
{
	struct fits f = {.extra = span_of(extra)};
	struct fit *m = fit_of(&f, "m");
	struct buf got = BUF_INIT;

	for (; *names; names++)
		m->without |= fit_bit(*names);
	fit_apply(&f, m, span_of(body), &got);
	ok(span_is(buf_span(&got), want), "%s", got.data);
	buf_release(&got);
	fits_release(&f);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

int main(void)
{
	refusals();
	becomes(LIST("temperature", "stop"), "{}",
		"{\"a\":1e999,\"temperature\":0,\"stop\":[\"x\"],\"stop_sequences\":[],\"b\":{\"stop\":1}}",
		"{\"a\":1e999,\"b\":{\"stop\":1}}");
	becomes(LIST("max_tokens"), "{}", "{\"max_tokens\":7}", "{\"max_completion_tokens\":7}");
	becomes(LIST("max_completion_tokens"), "{}", "{\"max_completion_tokens\":7}",
		"{\"max_tokens\":7}");
	becomes(LIST("temperature", "top_p"), "{\"temperature\":2}",
		"{\"top_p\":1,\"temperature\":2}", "{\"temperature\":2}");
	return tap_done();
}
