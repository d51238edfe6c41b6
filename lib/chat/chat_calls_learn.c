/* How a model writes calls of tools, learned from its template: it is given an answer with a call
 * whose name and arguments occur nowhere else, and what stands around them is the form. See
 * chat_calls.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "chat_impl.h"

#define NAME "ftcallee"
#define OTHER_NAME "ftsecond"
#define KEY "ftkey"
#define VALUE "ftvalue"
#define OTHER_KEY "ftother"
#define OTHER_VALUE "ftworth"
#define ANSWER "ft-answer"
#define ID "abcdef123"
#define ARGUMENTS "{\"" KEY "\":\"" VALUE "\",\"" OTHER_KEY "\":\"" OTHER_VALUE "\"}"

#define CALL(id, name) \
	"{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name \
	"\",\"arguments\":\"{\\\"" KEY "\\\":\\\"" VALUE "\\\",\\\"" OTHER_KEY \
	"\\\":\\\"" OTHER_VALUE "\\\"}\"}}"

/* The conversation up to the answer, whose other members follow. */
#define CONVERSATION "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","

static const char tools[] =
	"[{\"type\":\"function\",\"function\":{\"name\":\"fttool\",\"description\":\"d\",\"parameters\":"
	"{\"type\":\"object\",\"properties\":{\"fttoolkey\":{\"type\":\"string\",\"description\":\"d\"}},"
	"\"required\":[\"fttoolkey\"]}}}]";

static int render(const struct chat *c, const char *messages, struct buf *text)
{
	struct chat_messages m;
	struct chat_input in = {.tools = span_of(tools)};
	struct err ignored = ERR_INIT;
	int rc;

	buf_clear(text);
	if (chat_messages_of(c, span_of(messages), &m, &ignored))
		return -1;
	rc = chat_render_messages(c, &m, m.n, &in, 0, text, NULL, &ignored);
	chat_messages_release(&m);
	return rc || !text->len ? -1 : 0;
}

/* Where a word stands at or behind `from`; text.n where it does not. */
static size_t find(struct span text, size_t from, const char *word)
{
	const char *at =
		from <= text.n ? memmem(text.s + from, text.n - from, word, strlen(word)) : NULL;

	return at ? (size_t)(at - text.s) : text.n;
}

/* The text as an answer shows it: less special tokens and white space around. */
static void visible(const struct chat *c, struct span text, struct buf *to)
{
	struct tokens ids = {0};
	struct err ignored = ERR_INIT;
	struct buf seen = BUF_INIT;
	size_t a = 0;

	buf_clear(to);
	if (!tokenizer_encode(c->t, text, TOKENIZER_CONTINUES, &ids, &ignored))
		tokenizer_decode(c->t, ids.ids, ids.n,
				 TOKENIZER_SKIP_SPECIAL | TOKENIZER_KEEP_START, &seen);
	while (a < seen.len && isspace((unsigned char)seen.data[a]))
		a++;
	while (seen.len > a && isspace((unsigned char)seen.data[seen.len - 1]))
		seen.len--;
	if (seen.len > a)
		buf_add(to, seen.data + a, seen.len - a);
	buf_release(&seen);
	tokens_release(&ids);
}

/* As a pattern: without white space. */
static void pattern(const struct chat *c, struct span text, struct buf *to)
{
	size_t n = 0;

	visible(c, text, to);
	for (size_t i = 0; i < to->len; i++)
		if (!isspace((unsigned char)to->data[i]))
			to->data[n++] = to->data[i];
	to->len = n;
}

static struct span part(struct span text, size_t from, size_t to)
{
	return (struct span){text.s + from, to > from ? to - from : 0};
}

/* --- a JSON object with both --- */

static int holds_arguments(struct span v)
{
	struct buf text = BUF_INIT;
	struct span inner;
	int yes = json_kind(v) == JSON_OBJECT && json_equal(v, span_of(ARGUMENTS));

	if (!yes && !json_string(v, &text) && !json_check(buf_span(&text), &inner, NULL))
		yes = json_equal(inner, span_of(ARGUMENTS));
	buf_release(&text);
	return yes;
}

/* Under which members an object has a call of that name. */
struct keys {
	struct span wrap, name, args; /* JSON strings; wrap absent: in the object itself */
};

static int keys_of(struct span v, const char *name, struct keys *k)
{
	struct json_iter it = {0};
	struct span key, x;

	*k = (struct keys){{NULL, 0}, {NULL, 0}, {NULL, 0}};
	while (json_next(&it, v, &key, &x))
		if (json_is(x, name))
			k->name = key;
		else if (holds_arguments(x))
			k->args = key;
	return k->name.s && k->args.s ? 0 : -1;
}

/* The first object from `from` on that holds a call of that name; 0 with its place in *object. */
static int object_with(struct span text, size_t from, const char *name, struct span *object,
		       struct keys *k)
{
	for (size_t at = from; (at = find(text, at, "{")) < text.n; at++) {
		struct json_iter it = {0};
		struct span key, x;

		if (json_first(part(text, at, text.n), object) || json_count(*object) == 0)
			continue;
		if (!keys_of(*object, name, k))
			return 0;
		while (json_next(&it, *object, &key, &x))
			if (json_kind(x) == JSON_OBJECT && !keys_of(x, name, k)) {
				k->wrap = key;
				return 0;
			}
	}
	return -1;
}

/* --- the forms --- */

/* An answer with one call: where it ends, less what ends the turn. */
static struct span turn_of(const struct chat *c, struct span text)
{
	size_t end;

	if (!c->ending.len)
		return text;
	end = find(text, find(text, 0, NAME), c->ending.data);
	return part(text, 0, end);
}

static int learn_object(struct chat_calls *k, const struct chat *c, struct span one,
			struct span two, size_t start)
{
	struct span object, next;
	struct keys keys, other;
	size_t begin, end;

	if (object_with(one, start, NAME, &object, &keys))
		return -1;
	k->form = CHAT_CALLS_OBJECT;
	json_string(keys.wrap, &k->wrap_key);
	json_string(keys.name, &k->name_key);
	json_string(keys.args, &k->args_key);
	begin = (size_t)(object.s - one.s);
	end = begin + object.n;
	visible(c, part(one, start, begin), &k->mark);
	pattern(c, part(one, start, begin), &k->open);
	pattern(c, part(turn_of(c, one), end, turn_of(c, one).n), &k->close);
	if (!two.n || object_with(two, start, NAME, &object, &other))
		return 0;
	end = (size_t)(object.s - two.s) + object.n;
	if (!object_with(two, end, OTHER_NAME, &next, &other))
		pattern(c, part(two, end, (size_t)(next.s - two.s)), &k->between);
	return 0;
}

static int learn_named(struct chat_calls *k, const struct chat *c, struct span one, struct span two,
		       size_t start)
{
	size_t name = find(one, start, NAME), args = find(one, name, "{"), second;
	struct span object;

	if (args == one.n || json_first(part(one, args, one.n), &object) ||
	    !holds_arguments(object))
		return -1;
	k->form = CHAT_CALLS_NAMED;
	visible(c, part(one, start, name), &k->mark);
	pattern(c, part(one, start, name), &k->open);
	pattern(c, part(one, name + strlen(NAME), args), &k->middle);
	pattern(c, part(turn_of(c, one), args + object.n, turn_of(c, one).n), &k->close);
	second = find(two, start, OTHER_NAME);
	args = find(two, find(two, start, NAME), "{");
	if (second < two.n && args < second && !json_first(part(two, args, two.n), &object))
		pattern(c, part(two, args + object.n, second), &k->between);
	return 0;
}

/* How far two texts end alike. */
static size_t same_end(struct span a, struct span b)
{
	size_t n = 0;

	while (n < a.n && n < b.n && a.s[a.n - 1 - n] == b.s[b.n - 1 - n])
		n++;
	return n;
}

static int learn_tags(struct chat_calls *k, const struct chat *c, struct span one, size_t start)
{
	size_t name = find(one, start, NAME), key = find(one, name, KEY),
	       value = find(one, key, VALUE), other = find(one, value, OTHER_KEY),
	       worth = find(one, other, OTHER_VALUE), open, close;
	struct span first, joint, turn = turn_of(c, one);

	if (worth == one.n)
		return -1;
	k->form = CHAT_CALLS_TAGS;
	first = part(one, name + strlen(NAME), key);
	joint = part(one, value + strlen(VALUE), other);
	open = same_end(first, joint);
	close = joint.n - open;
	visible(c, part(one, start, name), &k->mark);
	pattern(c, part(one, start, name), &k->open);
	pattern(c, part(first, 0, first.n - open), &k->middle);
	pattern(c, part(first, first.n - open, first.n), &k->param_open);
	pattern(c, part(one, key + strlen(KEY), value), &k->param_middle);
	pattern(c, part(joint, 0, close), &k->param_close);
	pattern(c, part(turn, worth + strlen(OTHER_VALUE) + close, turn.n), &k->close);
	return k->param_open.len && k->param_middle.len && k->param_close.len ? 0 : -1;
}

static int has_letter(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (isalnum((unsigned char)b->data[i]) || (unsigned char)b->data[i] >= 0x80)
			return 1;
	return 0;
}

/* What is of one call alone is no part of the form. */
static int is_own(const struct buf *b)
{
	return b->len && (memmem(b->data, b->len, ID, strlen(ID)) ||
			  memmem(b->data, b->len, VALUE, strlen(VALUE)));
}

static int learn(struct chat_calls *k, const struct chat *c, struct span one, struct span two,
		 size_t start)
{
	size_t n = 0;

	if (learn_object(k, c, one, two, start) && learn_named(k, c, one, two, start) &&
	    learn_tags(k, c, one, start))
		return -1;
	if (is_own(&k->open) || is_own(&k->middle) || is_own(&k->close) || is_own(&k->param_open))
		return -1;
	if (is_own(&k->between))
		buf_clear(&k->between);
	k->bare = !has_letter(&k->open);
	while (n < k->mark.len && !isspace((unsigned char)k->mark.data[n]))
		n++;
	/* A space may stand before what begins the JSON. */
	while (n > 0 && strchr("[{", k->mark.data[n - 1]))
		n--;
	k->mark.len = n;
	/* Tags without any mark would be found in every text. */
	return k->bare && k->form == CHAT_CALLS_TAGS ? -1 : 0;
}

struct chat_calls *chat_calls_learn(const struct chat *c)
{
	struct chat_calls *k = mem_alloc(1, sizeof *k);
	struct buf words = BUF_INIT, one = BUF_INIT, two = BUF_INIT;
	size_t start;
	int rc = -1;

	if (c->template && !render(c, CONVERSATION "\"content\":\"" ANSWER "\"}]", &words) &&
	    !render(c, CONVERSATION "\"content\":\"\",\"tool_calls\":[" CALL(ID, NAME) "]}]",
		    &one)) {
		if (render(c,
			   CONVERSATION
			   "\"content\":\"\",\"tool_calls\":[" CALL(ID,
								    NAME) "," CALL("abcdef124",
										   OTHER_NAME) "]}]",
			   &two))
			buf_clear(&two);
		start = find(buf_span(&words), 0, ANSWER);
		if (start < words.len && start <= one.len && !memcmp(words.data, one.data, start) &&
		    find(buf_span(&one), start, NAME) < one.len)
			rc = learn(k, c, buf_span(&one), buf_span(&two), start);
	}
	buf_release(&words);
	buf_release(&one);
	buf_release(&two);
	if (rc) {
		chat_calls_free(k);
		return NULL;
	}
	return k;
}
