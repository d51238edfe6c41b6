/* reference: read it, put another in its place. See reference.h. */
#include "reference.h"

#include <string.h>
#include "../json/jw.h"

static struct span tool_calls(const struct record *r)
{
	struct span calls = json_member(record_final_assistant(r), "tool_calls");
	return json_kind(calls) == JSON_ARRAY && json_count(calls) > 0 ? calls
								       : (struct span){NULL, 0};
}

enum reference_kind reference_read(const struct record *r, struct buf *text)
{
	struct span calls = tool_calls(r);
	size_t before = text->len;
	if (record_references(r, text, NULL) > 0) {
		text->len = before + strlen(text->data + before);
		if (text->len > before || !calls.s || record_get(r, "ideal").s)
			return REFERENCE_TEXT;
	}
	text->len = before;
	buf_addspan(text, calls.s ? calls : span_of(""));
	return calls.s ? REFERENCE_CALLS : REFERENCE_NONE;
}

/* JSON text of the message with another value of one member. */
static void message_with(struct span message, const char *name, struct span value, struct buf *out)
{
	struct record m = {0};
	struct edit ed = {name, value};
	record_parse(&m, message, NULL);
	record_splice(&m, &ed, 1, out);
	record_release(&m);
}

/* The member of the record that holds the reference, and its new JSON text. */
static const char *replaced(const struct record *r, struct span value, int calls, struct buf *json)
{
	struct span final = record_final_assistant(r), messages = record_get(r, "messages");
	enum json_kind ideal = json_kind(record_get(r, "ideal"));
	if (ideal == JSON_STRING || ideal == JSON_ARRAY || !final.s) {
		buf_addspan(json, value);
		return ideal != JSON_STRING && ideal != JSON_ARRAY &&
				       (record_get(r, "completion").s || record_get(r, "prompt").s)
			       ? "completion"
			       : "ideal";
	}
	buf_add(json, messages.s, (size_t)(final.s - messages.s));
	message_with(final, calls ? "tool_calls" : "content", value, json);
	buf_add(json, final.s + final.n, (size_t)(messages.s + messages.n - (final.s + final.n)));
	return "messages";
}

int reference_replace(const struct record *r, const char *text, struct span review,
		      struct buf *line, struct err *e)
{
	struct buf old = BUF_INIT, value = BUF_INIT, json = BUF_INIT;
	struct span checked = {0};
	int calls = reference_read(r, &old) == REFERENCE_CALLS, rc = 0;
	buf_release(&old);
	if (!calls) {
		json_put_string(&value, text, strlen(text));
	} else if (json_check(span_of(text), &checked, e)) {
		return err_prefix(e, "tool calls are a JSON array");
	} else if (json_kind(checked) != JSON_ARRAY) {
		return err_set(e, "tool calls are a JSON array");
	} else {
		/* A record is one line: line ends can only stand between the tokens. */
		for (size_t i = 0; i < checked.n; i++)
			buf_addc(&value,
				 checked.s[i] == '\n' || checked.s[i] == '\r' ? ' ' : checked.s[i]);
	}
	struct edit edits[2] = {{replaced(r, buf_span(&value), calls, &json), {0}},
				{"review", review}};
	edits[0].value = buf_span(&json);
	rc = record_splice(r, edits, review.s ? 2 : 1, line);
	if (rc < 0)
		err_set(e, "the record is too large");
	buf_release(&value);
	buf_release(&json);
	return rc;
}
