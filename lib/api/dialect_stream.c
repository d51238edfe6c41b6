/* dialect_stream: answers whole, or streamed as server-sent events (html.spec.whatwg.org, "event
 * stream"). A whole answer is gathered as an event that holds everything, so that both give the same
 * record. Fields and events that are not of the dialect are left alone, as both standards say; what is of
 * it and is not understood makes it no answer: nothing of an answer is skipped. */
#include <string.h>
#include <strings.h>
#include "dialect_impl.h"

#define LINE_MAX_BYTES ((size_t)64 << 20)

/* Whether v is an error in one of its forms; then it is kept. */
static int take_error(struct dialect_stream *s, struct span v)
{
	struct span first = json_kind(v) == JSON_ARRAY ? json_element(v, 0) : v;

	if (!dialect_says(json_member(first, "error")) &&
	    !(dialect_absent(json_member(first, "choices")) &&
	      (json_is(json_member(first, "type"), "error") ||
	       json_is(json_member(first, "object"), "error") ||
	       span_is(buf_span(&s->event), "error"))))
		return 0;
	if (!s->error.len)
		buf_addspan(&s->error, first);
	return 1;
}

/* An event of a name of its own in a stream that has none but `error`: a heartbeat, a gateway's notes. */
static int is_foreign(enum dialect_kind d, const struct dialect_stream *s, struct span v)
{
	static const char *const names[] = {"message", "error", "completion",
					    "chat.completion.chunk"};

	if (d == DIALECT_ANTHROPIC || d == DIALECT_RESPONSES || !s->event.len)
		return 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_is(buf_span(&s->event), names[i]))
			return 0;
	return dialect_absent(json_member(v, "choices")) && dialect_absent(json_member(v, "usage"));
}

static void take_event(enum dialect_kind d, struct dialect_stream *s, struct span v, double now)
{
	s->grown = 0;
	if (take_error(s, v)) {
		s->ended = 1;
		return;
	}
	if (is_foreign(d, s, v))
		return;
	if (json_kind(v) != JSON_OBJECT)
		dialect_bad(s, "an event is no JSON object", v);
	else if (d == DIALECT_ANTHROPIC)
		dialect_anthropic_event(s, v);
	else if (d == DIALECT_RESPONSES)
		dialect_responses_event(s, v);
	else
		dialect_openai_event(s, v, 0);
	if (s->grown && s->first <= 0)
		s->first = now;
}

static void no_json(struct dialect_stream *s, struct span text)
{
	struct span v;
	struct err e = ERR_INIT;

	if (s->bad.len)
		return;
	json_check(text, &v, &e);
	buf_addf(&s->bad, "an event is no JSON: %s", e.msg);
	s->garbled = 1;
}

static int is_end(struct span text)
{
	static const char *const ends[] = {"[DONE]", "\"[DONE]\"", "DONE"};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (text.n == strlen(ends[i]) && strncasecmp(text.s, ends[i], text.n) == 0)
			return 1;
	return 0;
}

/* A line of data. An event may come over several of them; and it need not be followed by an empty
 * line, for not every server sends one. */
static void take_data(enum dialect_kind d, struct dialect_stream *s, struct span value, double now)
{
	struct span text, v;

	s->data.max = LINE_MAX_BYTES;
	if (s->data.len)
		buf_addc(&s->data, '\n');
	buf_addspan(&s->data, value);
	text = buf_span(&s->data);
	while (text.n && (unsigned char)*text.s <= ' ')
		text.s++, text.n--;
	while (text.n && (unsigned char)text.s[text.n - 1] <= ' ')
		text.n--;
	if (is_end(text)) {
		/* A stream of the Responses API ends with a response; this is what gateways add. */
		s->ended |= d != DIALECT_RESPONSES;
		s->done = 1;
	} else if (!json_check(text, &v, NULL))
		take_event(d, s, v, now);
	else if (text.n && *text.s != ':') /* a comment that some gateway wrapped */
		return;
	buf_clear(&s->data);
}

/* The name of a field: whatever it is, the standard has it left alone where it is none of its own. What
 * is no name is a page or a message that stands in the stream's place. */
static int is_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!(name.s[i] >= '0' && name.s[i] <= '9') && name.s[i] != '-' &&
		    name.s[i] != '_' && !((name.s[i] | 32) >= 'a' && (name.s[i] | 32) <= 'z'))
			return 0;
	return 1;
}

static void take_line(enum dialect_kind d, struct dialect_stream *s, double now)
{
	struct span line = buf_span(&s->line), name = line, value = {"", 0};
	const char *colon;

	if (!s->lines++ && line.n >= 3 && memcmp(line.s, "\xef\xbb\xbf", 3) == 0) /* a BOM */
		line.s += 3, line.n -= 3;
	while (line.n && (line.s[line.n - 1] == ' ' || line.s[line.n - 1] == '\t'))
		line.n--;
	if (!line.n) {
		if (s->data.len && !is_foreign(d, s, (struct span){0}))
			no_json(s, buf_span(&s->data));
		buf_clear(&s->data);
		buf_clear(&s->event);
		return;
	}
	if (*line.s == '{' || is_end(line)) { /* JSON lines */
		take_data(d, s, line, now);
		return;
	}
	colon = memchr(line.s, ':', line.n);
	name = (struct span){line.s, colon ? (size_t)(colon - line.s) : line.n};
	if (colon) {
		value = (struct span){colon + 1, line.n - name.n - 1};
		if (value.n && *value.s == ' ')
			value.s++, value.n--;
	}
	if (span_is(name, "data")) {
		take_data(d, s, value, now);
	} else if (span_is(name, "event") || span_is(name, "error")) {
		buf_clear(&s->event);
		buf_addspan(&s->event, span_is(name, "event") ? value : name);
		if (span_is(name, "error")) /* llama.cpp, once */
			take_data(d, s, value, now);
	} else if (!is_name(name)) {
		dialect_bad(s, "a line of the stream is not understood", line);
		s->garbled = 1;
	}
}

/* A line ends with LF, CR LF or CR. */
void dialect_stream_add(enum dialect_kind d, struct dialect_stream *s, const char *p, size_t n,
			double now)
{
	s->line.max = LINE_MAX_BYTES;
	while (n) {
		size_t k = 0;

		if (s->cr && *p == '\n') {
			s->cr = 0;
			p++, n--;
			continue;
		}
		s->cr = 0;
		while (k < n && p[k] != '\n' && p[k] != '\r')
			k++;
		buf_add(&s->line, p, k);
		if (k == n)
			return;
		s->cr = p[k] == '\r';
		take_line(d, s, now);
		buf_clear(&s->line);
		p += k + 1;
		n -= k + 1;
	}
}

/* --- answers --- */

int dialect_stream_answer(enum dialect_kind d, struct dialect_stream *s, int forced_schema,
			  struct backend_answer *a)
{
	int understood = !s->bad.len;

	/* The last line may lack its end; if it is cut, so is the answer. */
	if (s->line.len)
		take_line(d, s, 0);
	buf_clear(&s->line);
	if (s->data.len && s->ended)
		no_json(s, buf_span(&s->data));
	if (d == DIALECT_RESPONSES)
		dialect_responses_gather(s);
	else if (d != DIALECT_ANTHROPIC)
		dialect_openai_gather(s);
	dialect_give(d, s, forced_schema, a);
	if (understood && !s->ended) {
		backend_answer_fail(a, "dropped", 200, "the stream broke off before its end");
		a->has_output &= a->output.len > 0;
		return 1;
	}
	dialect_fail(s, a);
	return s->garbled && strcmp(a->error_type, "bad_answer") == 0;
}

void dialect_answer(enum dialect_kind d, struct span body, int forced_schema,
		    struct backend_answer *a)
{
	struct dialect_stream s = {0};

	if (d == DIALECT_RESPONSES && json_kind(json_member(body, "output")) == JSON_ARRAY) {
		dialect_responses_whole(&s, body);
	} else if (!take_error(&s, body)) {
		if (json_kind(body) != JSON_OBJECT)
			dialect_bad(&s, "the answer is not a JSON object", body);
		else if (d == DIALECT_ANTHROPIC)
			dialect_anthropic_content(&s, body);
		else if (d == DIALECT_RESPONSES)
			dialect_responses_whole(&s, body);
		else
			dialect_openai_event(&s, body, 1);
	}
	if (d == DIALECT_RESPONSES)
		dialect_responses_gather(&s);
	dialect_give(d, &s, forced_schema, a);
	dialect_fail(&s, a);
	dialect_stream_release(&s);
}
