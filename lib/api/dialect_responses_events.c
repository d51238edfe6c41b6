/* dialect_responses_events: the events of a stream of the Responses API. It says everything up to four
 * times: in pieces, at the end of a part, at the end of an item, and in the response that ends it
 * (platform.openai.com/docs/api-reference/responses-streaming). Servers leave out some of these, and
 * ids and indices; what is said twice must agree. */
#include <string.h>
#include "dialect_impl.h"

/* Where an event belongs; -1 and empty where it does not say. */
struct place {
	int64_t index, part;
	struct span item;
};

static struct place place_of(struct span v)
{
	struct place at = {-1, -1, dialect_inside(json_member(v, "item_id"))};

	json_int(json_member(v, "output_index"), &at.index);
	if (json_int(json_member(v, "content_index"), &at.part))
		json_int(json_member(v, "summary_index"), &at.part);
	return at;
}

static int apart(int64_t a, int64_t b)
{
	return a >= 0 && b >= 0 && a != b;
}

static struct dialect_piece *add_piece(struct dialect_stream *s, enum dialect_block kind,
				       const struct place *at)
{
	struct dialect_piece *p = dialect_new_piece(s, kind, at->index);

	p->part = at->part;
	buf_addspan(&p->item, at->item);
	s->any = 1;
	return p;
}

static void append(struct dialect_stream *s, struct dialect_piece *p, struct span text)
{
	buf_addspan(&p->text, dialect_inside(text));
	s->grown |= !dialect_piece_is(p, DIALECT_THOUGHT) && dialect_inside(text).n;
}

/* What has been said of p is said once more, or for the first time. */
static void repeat(struct dialect_stream *s, struct dialect_piece *p, struct span text)
{
	struct buf told = BUF_INIT;

	buf_addspan(&told, dialect_inside(text));
	if (p->given && told.len) { /* what was there is a place holder */
		buf_clear(&p->text);
		p->given = 0;
	}
	if (!p->text.len)
		append(s, p, text);
	else if (told.len && !dialect_same(&p->text, &told, dialect_piece_is(p, DIALECT_CALLS)))
		dialect_bad(s, "the pieces and the whole of a part differ", text);
	buf_release(&told);
}

/* --- texts --- */

static struct dialect_piece *find_text(struct dialect_stream *s, enum dialect_block kind,
				       const struct place *at, int open)
{
	for (size_t i = s->n; i-- > 0;) {
		struct dialect_piece *p = &s->pieces[i];

		if (p->kind == kind && !p->settled && !(open && p->closed) &&
		    !apart(p->index, at->index) && !apart(p->part, at->part))
			return p;
	}
	return NULL;
}

/* Some servers count otherwise at the end of a part, or tell it once more behind that of its item. */
static struct dialect_piece *find_same(struct dialect_stream *s, enum dialect_block kind,
				       const struct place *at, struct span text)
{
	struct buf told = BUF_INIT;
	struct dialect_piece *p = NULL;

	buf_addspan(&told, dialect_inside(text));
	for (size_t i = s->n; i-- > 0 && !p;)
		if (s->pieces[i].kind == kind &&
		    (!s->pieces[i].settled ||
		     (at->item.n && span_eq(at->item, buf_span(&s->pieces[i].item)))) &&
		    dialect_same(&s->pieces[i].text, &told, 0))
			p = &s->pieces[i];
	buf_release(&told);
	return p;
}

static void add_logprobs(struct dialect_stream *s, struct span probs)
{
	struct json_iter it = {0};
	struct span key, prob;

	while (json_next(&it, probs, &key, &prob)) {
		buf_adds(&s->logprobs, s->logprobs.len ? "," : "");
		buf_addspan(&s->logprobs, prob);
	}
}

static void text_delta(struct dialect_stream *s, enum dialect_block kind, struct span v)
{
	struct place at = place_of(v);
	struct dialect_piece *p = find_text(s, kind, &at, 1);
	struct span delta = json_member(v, "delta");

	if (json_kind(delta) == JSON_OBJECT)
		delta = json_member(delta, "text");
	if (json_kind(delta) != JSON_STRING) {
		dialect_bad(s, "a delta is not understood", v);
		return;
	}
	append(s, p ? p : add_piece(s, kind, &at), delta);
	add_logprobs(s, json_member(v, "logprobs"));
}

static void text_done(struct dialect_stream *s, enum dialect_block kind, struct span v,
		      struct span text)
{
	struct place at = place_of(v);
	struct dialect_piece *p = find_text(s, kind, &at, 0);

	if (json_kind(text) != JSON_STRING) {
		dialect_bad(s, "the end of a part is not understood", v);
		return;
	}
	if (!p && !(p = find_same(s, kind, &at, text)))
		p = add_piece(s, kind, &at);
	repeat(s, p, text);
	p->closed = 1;
}

/* What a part of a message or of reasoning is; its text in *text. */
static enum dialect_block part_kind(struct span part, enum dialect_block otherwise,
				    struct span *text)
{
	static const struct {
		const char *type;
		enum dialect_block kind;
	} kinds[] = {
		{"output_text", DIALECT_TEXT},	   {"text", DIALECT_TEXT},
		{"refusal", DIALECT_REFUSAL},	   {"reasoning_text", DIALECT_REASONING},
		{"summary_text", DIALECT_SUMMARY},
	};
	struct span type = json_member(part, "type");

	*text = json_kind(part) == JSON_STRING ? part : json_member(part, "text");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (json_is(type, kinds[i].type)) {
			if (kinds[i].kind == DIALECT_REFUSAL)
				*text = json_member(part, "refusal");
			/* Within reasoning everything is. */
			return otherwise == DIALECT_TEXT ? kinds[i].kind : otherwise;
		}
	return json_kind(part) == JSON_STRING ? otherwise : DIALECT_ASIDE;
}

/* The beginning or the end of a part. A beginning that holds text is its first piece; an end repeats
 * what is there. What neither pieces nor items say, no part does. */
static void part_event(struct dialect_stream *s, struct span v, enum dialect_block otherwise,
		       int end)
{
	struct place at = place_of(v);
	struct span text;
	enum dialect_block kind = part_kind(json_member(v, "part"), otherwise, &text);
	struct dialect_piece *p = find_text(s, kind, &at, 0);

	if (kind == DIALECT_ASIDE)
		dialect_bad(s, "a part is not understood", v);
	else if (!end && dialect_inside(text).n)
		append(s, p && !p->closed ? p : add_piece(s, kind, &at), text);
	else if (end && p)
		repeat(s, p, text);
	if (end && p)
		p->closed = 1;
}

/* Whether a part of these parts is of that kind; its text in *text. */
static int is_part(struct span part, enum dialect_block kind, struct span *text)
{
	enum dialect_block in = kind == DIALECT_REFUSAL ? DIALECT_TEXT : kind;

	return part_kind(part, in, text) == kind;
}

/* A piece `as` for each part of that kind. parts: an array, or a string that is the only one. */
static void put_parts(struct dialect_stream *s, enum dialect_block kind, enum dialect_block as,
		      struct span parts, const struct place *at)
{
	struct json_iter it = {0};
	struct span key, part = parts, text;
	int one = json_kind(parts) == JSON_STRING;

	while (one || json_next(&it, parts, &key, &part)) {
		if (is_part(part, kind, &text)) {
			struct dialect_piece *p = add_piece(s, as, at);

			append(s, p, text);
			p->settled = 1;
			add_logprobs(s, json_member(part, "logprobs"));
		}
		if (one)
			return;
	}
}

/* Whether p is told by the end of the item at `at`. */
static int open_at(const struct dialect_piece *p, enum dialect_block kind, const struct place *at)
{
	return p->kind == kind && !p->settled && !(at && apart(p->index, at->index));
}

/* What the end of an item says of one kind of text, against the pieces that came before, which are
 * `as` from now on. */
static void settle(struct dialect_stream *s, enum dialect_block kind, enum dialect_block as,
		   struct span parts, const struct place *at)
{
	struct dialect_stream told = {0};
	struct buf open = BUF_INIT, all = BUF_INIT, before = BUF_INIT, there = BUF_INIT;
	const struct place *where = at;
	int anew;

	put_parts(&told, kind, kind, parts, at);
	dialect_join(&told, DIALECT_BIT(kind), &there);
	for (size_t i = 0; i < s->n; i++) {
		const struct dialect_piece *p = &s->pieces[i];

		if (open_at(p, kind, at))
			buf_addspan(&open, buf_span(&p->text));
		if (open_at(p, kind, NULL))
			buf_addspan(&all, buf_span(&p->text));
		if (p->kind == as && p->settled && at->item.n &&
		    span_eq(buf_span(&p->item), at->item))
			buf_addspan(&before, buf_span(&p->text));
	}
	/* Some servers count otherwise at the end of an item. */
	if (!open.len && all.len && dialect_same(&all, &there, 0)) {
		where = NULL;
		buf_addspan(&open, buf_span(&all));
	}
	if (open.len && there.len && !dialect_same(&open, &there, 0))
		dialect_bad(s, "the pieces and the whole of an item differ", parts);
	anew = !open.len && told.n && !(before.len && dialect_same(&before, &there, 0));
	for (size_t i = 0; i < s->n; i++) {
		struct dialect_piece *p = &s->pieces[i];

		if (!open_at(p, kind, where))
			continue;
		p->settled = 1;
		p->kind = anew ? DIALECT_ASIDE : as;
		buf_clear(&p->item);
		buf_addspan(&p->item, at->item);
	}
	if (anew)
		put_parts(s, kind, as, parts, at);
	dialect_stream_release(&told);
	buf_release(&open);
	buf_release(&all);
	buf_release(&before);
	buf_release(&there);
}

/* --- calls --- */

/* By id, by the item's id, or, unless strict, the latest that may be it. */
static struct dialect_piece *find_call(struct dialect_stream *s, const struct place *at,
				       struct span id, int strict)
{
	struct dialect_piece *latest = NULL;

	for (size_t i = s->n; i-- > 0;) {
		struct dialect_piece *p = &s->pieces[i];

		if (!dialect_piece_is(p, DIALECT_CALLS))
			continue;
		if ((id.n && span_eq(id, buf_span(&p->id))) ||
		    (at->item.n && span_eq(at->item, buf_span(&p->item))))
			return p;
		if (!strict && !latest && !p->settled && !apart(p->index, at->index) &&
		    !(id.n && p->id.len))
			latest = p;
	}
	return latest;
}

static void call_delta(struct dialect_stream *s, enum dialect_block kind, struct span v)
{
	struct place at = place_of(v);
	struct dialect_piece *p = find_call(s, &at, (struct span){"", 0}, 0);
	struct span delta = json_member(v, "delta");

	if (json_kind(delta) != JSON_STRING) {
		dialect_bad(s, "a delta is not understood", v);
		return;
	}
	if (!p)
		p = add_piece(s, kind, &at);
	/* What the item began with was a place holder. */
	if (p->given && dialect_inside(delta).n)
		buf_clear(&p->text);
	p->given &= !dialect_inside(delta).n;
	append(s, p, delta);
}

/* The text of a call's arguments, which some servers give as an object: a JSON string, in room. */
static struct span arguments(struct span v, struct buf *room)
{
	if (json_kind(v) == JSON_STRING || dialect_absent(v))
		return v;
	json_put_string(room, v.s, v.n);
	return buf_span(room);
}

static void call_done(struct dialect_stream *s, enum dialect_block kind, struct span v)
{
	struct place at = place_of(v);
	struct dialect_piece *p = find_call(s, &at, (struct span){"", 0}, 0);
	struct buf room = BUF_INIT;

	if (!p)
		p = add_piece(s, kind, &at);
	if (!p->name.len)
		dialect_add(s, &p->name, json_member(v, "name"));
	repeat(s, p,
	       arguments(json_member(v, kind == DIALECT_CALL ? "arguments" : "input"), &room));
	buf_release(&room);
}

/* A call as an item has it, at its beginning (not told: its arguments may be a place holder), at its
 * end, or in the response. */
static void call_item(struct dialect_stream *s, enum dialect_block kind, struct span item,
		      const struct place *at, int told, int whole)
{
	struct span id = json_member(item, "call_id");
	struct buf room = BUF_INIT;
	struct span text =
		arguments(json_member(item, kind == DIALECT_CALL ? "arguments" : "input"), &room);
	struct dialect_piece *p = NULL;

	if (dialect_absent(id))
		id = json_member(item, "id");
	if (!whole)
		p = find_call(s, at, dialect_inside(id), !told);
	if (!p)
		p = add_piece(s, kind, at);
	if (!p->id.len)
		dialect_add(s, &p->id, id);
	if (!p->name.len)
		dialect_add(s, &p->name, json_member(item, "name"));
	if (!p->item.len)
		buf_addspan(&p->item, at->item);
	repeat(s, p, text);
	p->given = !told && p->text.len;
	p->settled |= told;
	buf_release(&room);
}

/* --- items --- */

/* The server's own work; the text tells what came of it. */
static int is_aside(struct span type)
{
	static const char *const kinds[] = {
		"web_search_call", "file_search_call",	"code_interpreter_call",
		"mcp_call",	   "mcp_list_tools",	"image_generation_call",
		"compaction",	   "tool_search_call",	"tool_search_output",
		"program",	   "program_output",	"additional_tools",
		"shell_call",	   "shell_call_output", "function_call_output",
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (json_is(type, kinds[i]))
			return 1;
	return dialect_inside(type).n > 11 && memcmp(type.s + 1, "openrouter:", 11) == 0;
}

static void message(struct dialect_stream *s, struct span item, const struct place *at, int whole)
{
	struct span content = json_member(item, "content"), key, part, text;
	struct json_iter it = {0};
	enum dialect_block said = json_is(json_member(item, "phase"), "commentary")
					  ? DIALECT_COMMENTARY
					  : DIALECT_TEXT;

	while (json_next(&it, content, &key, &part))
		if ((!is_part(part, DIALECT_TEXT, &text) &&
		     !is_part(part, DIALECT_REFUSAL, &text)) ||
		    json_kind(text) != JSON_STRING)
			dialect_bad(s, "a part of the content is not understood", part);
	if (whole) {
		put_parts(s, DIALECT_TEXT, said, content, at);
		put_parts(s, DIALECT_REFUSAL, DIALECT_REFUSAL, content, at);
	} else {
		settle(s, DIALECT_TEXT, said, content, at);
		settle(s, DIALECT_REFUSAL, DIALECT_REFUSAL, content, at);
	}
}

static void reasoning(struct dialect_stream *s, struct span item, const struct place *at, int whole)
{
	static const struct {
		enum dialect_block kind;
		const char *member;
	} kinds[] = {{DIALECT_REASONING, "content"}, {DIALECT_SUMMARY, "summary"}};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (whole)
			put_parts(s, kinds[i].kind, kinds[i].kind,
				  json_member(item, kinds[i].member), at);
		else
			settle(s, kinds[i].kind, kinds[i].kind, json_member(item, kinds[i].member),
			       at);
}

/* An item as its end or the whole response has it. */
static void item_told(struct dialect_stream *s, struct span item, struct place at, int whole)
{
	struct span type = json_member(item, "type");

	at.item = dialect_inside(json_member(item, "id"));
	s->any = 1;
	if (json_is(type, "message"))
		message(s, item, &at, whole);
	else if (json_is(type, "reasoning"))
		reasoning(s, item, &at, whole);
	else if (json_is(type, "function_call"))
		call_item(s, DIALECT_CALL, item, &at, 1, whole);
	else if (json_is(type, "custom_tool_call"))
		call_item(s, DIALECT_CUSTOM, item, &at, 1, whole);
	else if (is_aside(type))
		dialect_leave_out(&s->left_out, type);
	else
		dialect_bad(s, "an item of the output is not understood", item);
}

void dialect_responses_item(struct dialect_stream *s, struct span item, int64_t index)
{
	item_told(s, item, (struct place){index, -1, {"", 0}}, 1);
}

/* The beginning of an item. What it holds of texts comes once more. */
static void item_added(struct dialect_stream *s, struct span v)
{
	struct span item = json_member(v, "item"), type = json_member(item, "type");
	struct place at = place_of(v);

	at.item = dialect_inside(json_member(item, "id"));
	s->any = 1;
	if (json_is(type, "function_call"))
		call_item(s, DIALECT_CALL, item, &at, 0, 0);
	else if (json_is(type, "custom_tool_call"))
		call_item(s, DIALECT_CUSTOM, item, &at, 0, 0);
	else if (is_aside(type))
		dialect_leave_out(&s->left_out, type);
	else if (!json_is(type, "message") && !json_is(type, "reasoning"))
		dialect_bad(s, "an item of the output is not understood", v);
}

/* --- events --- */

static int begins(struct span name, const char *with)
{
	size_t n = strlen(with);

	return name.n >= n && memcmp(name.s, with, n) == 0;
}

/* The events that are about a text, by what their names begin with. */
static int text_event(struct dialect_stream *s, struct span name, struct span v)
{
	static const struct {
		const char *name;
		enum dialect_block kind;
		const char *member;
	} kinds[] = {
		{"output_text", DIALECT_TEXT, "text"},
		{"refusal", DIALECT_REFUSAL, "refusal"},
		{"reasoning_text", DIALECT_REASONING, "text"},
		{"reasoning", DIALECT_REASONING, "text"},
		{"reasoning_summary_text", DIALECT_SUMMARY, "text"},
		{"reasoning_summary", DIALECT_SUMMARY, "text"},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t n = strlen(kinds[i].name);
		struct span rest = {name.s + n, name.n - n};

		if (!begins(name, kinds[i].name))
			continue;
		if (span_is(rest, ".delta")) {
			text_delta(s, kinds[i].kind, v);
			return 1;
		}
		if (span_is(rest, ".done")) {
			text_done(s, kinds[i].kind, v, json_member(v, kinds[i].member));
			return 1;
		}
	}
	return 0;
}

static int aside_event(struct span name)
{
	/* The work of the server's own tools; what stands beside a text; heartbeats */
	static const char *const families[] =
		{"web_search_call.",	    "file_search_call.",
		 "code_interpreter_call.",  "mcp_call.",
		 "mcp_call_arguments.",	    "code_interpreter_call_code.",
		 "mcp_list_tools.",	    "image_generation_call.",
		 "output_text.annotation.", "output_text_annotation."};

	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (begins(name, families[i]))
			return 1;
	return span_is(name, "keepalive") || span_is(name, "ping");
}

void dialect_responses_event(struct dialect_stream *s, struct span v)
{
	static const char *const ends[] = {"completed", "incomplete", "failed", "cancelled"};
	struct span name = dialect_inside(json_member(v, "type"));

	if (!name.n)
		name = buf_span(&s->event);
	if (begins(name, "response."))
		name.s += 9, name.n -= 9;
	if (aside_event(name))
		return;
	if (s->ended) {
		dialect_bad(s, "an event stands behind the end of the response", v);
		return;
	}
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (span_is(name, ends[i])) {
			dialect_responses_end(s, json_member(v, "response"), ends[i]);
			return;
		}
	if (span_is(name, "created") || span_is(name, "in_progress") || span_is(name, "queued")) {
		if (s->n && span_is(name, "created"))
			dialect_bad(s, "a second answer stands behind the first", v);
		dialect_keep(&s->model, json_member(json_member(v, "response"), "model"));
	} else if (span_is(name, "output_item.added")) {
		item_added(s, v);
	} else if (span_is(name, "output_item.done")) {
		item_told(s, json_member(v, "item"), place_of(v), 0);
	} else if (begins(name, "content_part.")) {
		part_event(s, v, DIALECT_TEXT, span_is(name, "content_part.done"));
	} else if (begins(name, "reasoning_summary_part.")) {
		part_event(s, v, DIALECT_SUMMARY, span_is(name, "reasoning_summary_part.done"));
	} else if (begins(name, "reasoning_part.")) {
		part_event(s, v, DIALECT_REASONING, span_is(name, "reasoning_part.done"));
	} else if (span_is(name, "function_call_arguments.delta")) {
		call_delta(s, DIALECT_CALL, v);
	} else if (span_is(name, "custom_tool_call_input.delta")) {
		call_delta(s, DIALECT_CUSTOM, v);
	} else if (span_is(name, "function_call_arguments.done")) {
		call_done(s, DIALECT_CALL, v);
	} else if (span_is(name, "custom_tool_call_input.done")) {
		call_done(s, DIALECT_CUSTOM, v);
	} else if (!name.n) {
		dialect_bad(s, "an event is not understood", v);
	} else if (!text_event(s, name, v) && !s->odd.len) {
		buf_addspan(&s->odd, v);
	}
}
