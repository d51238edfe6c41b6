/* serve_error: errors as the client's SDK expects them.
 *
 * Sources: platform.openai.com/docs/guides/error-codes, docs.anthropic.com/en/api/errors,
 * platform.openai.com/docs/api-reference/responses-streaming/error. */
#include <string.h>
#include "../json/jw.h"
#include "serve_impl.h"

static const char *anthropic_type(int status)
{
	static const struct {
		int status;
		const char *type;
	} types[] = {
		{400, "invalid_request_error"}, {401, "authentication_error"},
		{403, "permission_error"},	{404, "not_found_error"},
		{413, "request_too_large"},	{429, "rate_limit_error"},
		{503, "overloaded_error"},
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].status == status)
			return types[i].type;
	return "api_error";
}

void serve_error_body(enum capture_kind kind, int status, const char *type, const char *code,
		      const char *message, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_object(&w);
	if (kind == CAPTURE_MESSAGES)
		jw_put_str(&w, "type", "error");
	jw_put_object(&w, "error");
	if (kind == CAPTURE_MESSAGES) {
		jw_put_str(&w, "type", anthropic_type(status));
		jw_put_str(&w, "message", message);
	} else {
		jw_put_str(&w, "message", message);
		jw_put_str(&w, "type", type);
		jw_put_null(&w, "param");
		jw_put_str(&w, "code", code);
	}
	jw_end(&w);
	jw_end(&w);
}

void serve_error_event(enum capture_kind kind, const char *type, const char *message, struct buf *b)
{
	struct jw w;

	/* A piece of an event may stand before it. */
	buf_adds(b, "\n\n");
	if (kind == CAPTURE_RESPONSES) {
		buf_adds(b, "event: error\ndata: ");
		jw_init(&w, b);
		jw_object(&w);
		jw_put_str(&w, "type", "error");
		jw_put_str(&w, "code", type);
		jw_put_str(&w, "message", message);
		jw_put_null(&w, "param");
		jw_end(&w);
	} else {
		buf_adds(b, kind == CAPTURE_MESSAGES ? "event: error\ndata: " : "data: ");
		serve_error_body(kind, 502, "api_error", type, message, b);
	}
	buf_adds(b, "\n\n");
}
