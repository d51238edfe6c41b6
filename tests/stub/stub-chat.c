/* stub-chat: a chat server for tests that answers, delays, throttles, fails, cuts off and lies on
 * demand.
 *
 * It speaks OpenAI's chat completions (whole and streamed), its Responses API (in responses.c),
 * Anthropic's messages, and as much of OpenAI's files and batches as a client needs. Without
 * directives it repeats the last user turn; where the request brings a JSON schema, it gives the
 * smallest instance of it with that text in its strings. One process, one thread, ppoll: it is never
 * the bottleneck of what it measures. It needs nothing but lib/base and lib/json.
 *
 * A directive stands anywhere in the last user turn, or in --fault for all requests:
 * stub{NAME=VALUE;NAME=VALUE}
 *	times=N		only the first N requests with this text are treated so, later ones are
 *			answered properly
 *	status=N	that status, with an error body; with retry-after=S, retry-after-ms=MS,
 *			retry-after-date=S (from now), should-retry=true|false
 *	delay=MS	before answering
 *	drip=MS		a byte every MS milliseconds
 *	hang=1		never answers
 *	drop=before|middle	closes the connection
 *	body=KIND	what the 200 answer holds: garbage, html, truncated, error, null, refusal,
 *			tool, length, empty, upstream; of the Responses API failed, reasoning too
 *	file=NAME	the answer is what stands in that file (with status=201 too)
 *	raw=NAME	what stands in that file is sent as it is, head and all, and the connection
 *			closed; with stay=1 it stays open, and nothing more comes
 *	size=BYTES	pads the answer
 *	type=TEXT	Content-Type
 *	redirect=URL	307 there
 *	say=TEXT	the answer's text (to the end of the directive)
 *	remaining=0,reset=S	x-ratelimit headers for requests
 *	tokens=N	completion tokens in usage
 *	usage=KIND	how they are counted and billed: openai, anthropic (by its address), xai, gemini
 *			(reasoning stands in total_tokens alone), deepseek, openrouter (half as much
 *			again, and says so), odd (counts that contradict each other); with reasoning=N
 *			tokens, of the prompt cached=N, written=N and hidden=N that stand in no text
 *	refuse=A,B	400 to a body with one of these members, in OpenAI's words or Anthropic's
 *	batch-state=WORD	in --fault: batches say so for ever; batch-id=TEXT, file-id=TEXT: what
 *			they and what is uploaded are called
 *	echo=1		sends the key back: in an error's message and the request's id, or as the
 *			answer and the model's name
 *
 * GET /stub/state gives counters as JSON, billed among them: dollars at BILL_IN and so on. --log FILE gets a JSON line for each request (never a
 * key).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/progress.h"
#include "../../lib/base/prog.h"
#include "../../lib/base/rng.h"
#include "../../lib/json/jw.h"
#include "../../lib/json/record.h"
#include "listen.h"
#include "responses.h"

#define REQUEST_MAX ((size_t)512 << 20)

/* Dollars a token */
#define BILL_IN 1e-3
#define BILL_CACHED 1e-4
#define BILL_WRITTEN 1.25e-3
#define BILL_OUT 1e-2

static long long port, delay_ms, limit, quota, seed;
static const char *port_file, *log_name, *reply, *replies_name, *fault, *need_key;

static struct opt options[] = {
	{0, "port", OPT_INT, &port, "N", "port (default: one that is free)", 0, 65535},
	{0, "port-file", OPT_STR, &port_file, "FILE", "where the port is written once it answers"},
	{0, "delay", OPT_INT, &delay_ms, "MS", "before each answer", 0, 1e9},
	{0, "reply", OPT_STR, &reply, "TEXT", "the answer to everything"},
	{0, "replies", OPT_STR, &replies_name, "FILE",
	 "JSON Lines {\"match\": TEXT, \"reply\": TEXT or [TEXT, ...]}: the first line whose match\nstands in the messages "
	 "answers, and its \"last\", where it has one, in the last user turn; of a list the n-th the n-th time, the last from then on;\n"
	 "\"rate\": of all texts only that share, which follows from --seed; \"quote\": NAME puts before the reply\n"
	 "what stands there between <NAME> and </NAME>"},
	{0, "seed", OPT_INT, &seed, "N", "of the rates in --replies (default 0)"},
	{0, "fault", OPT_STR, &fault, "LIST",
	 "directive for all requests without one of their own"},
	{0, "limit", OPT_INT, &limit, "N",
	 "429 to whoever comes while N requests are being answered", 1, 1e6},
	{0, "quota", OPT_INT, &quota, "N",
	 "429 to whoever comes after N requests in one second, with the rest of it to wait", 1,
	 1e6},
	{0, "key", OPT_STR, &need_key, "KEY", "answer 401 to requests without this key"},
	{0, "log", OPT_STR, &log_name, "FILE", "a JSON line for each request"},
	{0},
};

static const struct program program = {
	"stub-chat", "[option ...]", "A chat server for tests that misbehaves on demand.",
	options,     NULL,
};

struct rule {
	char *match, *last, *quote; /* last and quote may be NULL */
	double rate;
	char **replies;
	size_t n, used;
};

struct conn {
	int fd;
	struct buf in, out;
	size_t sent;
	double due;  /* when writing may begin or go on */
	double drip; /* seconds a byte; 0: all at once */
	size_t cut;  /* close after so many bytes of out; 0: none */
	int busy, hang, close_after, stays;
};

struct seen {
	uint64_t hash;
	unsigned n;
};

struct stored {
	char id[32];
	struct buf text;
	int polls; /* of a batch */
	char file[32];
};

static struct {
	struct conn **conns;
	struct pollfd *fds;
	size_t n, cap, fds_cap;
	struct rule *rules;
	size_t rules_n, rules_cap;
	struct seen *seen;
	size_t seen_n, seen_cap;
	struct stored *files;
	size_t files_n, files_cap;
	FILE *log;
	size_t requests, answered, refused, busy, busiest, connections;
	double second; /* of --quota: when it began, and who came in it */
	long long second_n;
	double prompt_tokens, completion_tokens, billed;
} S;

/* --- directives --- */

struct directive {
	struct span text; /* between the braces */
};

static struct directive find_directive(struct span text)
{
	struct directive d = {{NULL, 0}};
	const char *p = text.s ? memmem(text.s, text.n, "stub{", 5) : NULL, *end;

	if (p && (end = memchr(p, '}', text.n - (size_t)(p - text.s))))
		d.text = (struct span){p + 5, (size_t)(end - p - 5)};
	else if (fault)
		d.text = span_of(fault);
	return d;
}

static struct span get(const struct directive *d, const char *name)
{
	const char *p = d->text.s, *end = p + d->text.n;
	size_t n = strlen(name);

	while (p && p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p));

		if ((size_t)(end - p) > n && memcmp(p, name, n) == 0 && p[n] == '=') {
			if (strcmp(name, "say") == 0 || !stop)
				stop = end;
			return (struct span){p + n + 1, (size_t)(stop - p - n - 1)};
		}
		p = stop ? stop + 1 : end;
	}
	return (struct span){NULL, 0};
}

static double number(const struct directive *d, const char *name, double otherwise)
{
	struct span v = get(d, name);
	char text[40];

	if (!v.s || v.n >= sizeof text)
		return otherwise;
	memcpy(text, v.s, v.n);
	text[v.n] = 0;
	return atof(text);
}

static uint64_t hash_of(struct span text)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < text.n; i++)
		h = (h ^ (unsigned char)text.s[i]) * 1099511628211u;
	return h;
}

/* How often a request with this text has come, this one included. */
static unsigned times_seen(struct span text)
{
	uint64_t h = hash_of(text);
	size_t i;

	if (S.seen_n * 2 >= S.seen_cap) {
		struct seen *old = S.seen;
		size_t was = S.seen_cap;

		S.seen_cap = was ? was * 2 : 1024;
		S.seen = mem_alloc(S.seen_cap, sizeof *S.seen);
		for (i = 0; i < was; i++)
			if (old[i].n) {
				size_t at = old[i].hash % S.seen_cap;

				while (S.seen[at].n)
					at = (at + 1) % S.seen_cap;
				S.seen[at] = old[i];
			}
		free(old);
	}
	for (i = h % S.seen_cap; S.seen[i].n && S.seen[i].hash != h;)
		i = (i + 1) % S.seen_cap;
	S.seen_n += !S.seen[i].n;
	S.seen[i].hash = h;
	return ++S.seen[i].n;
}

/* --- what to say --- */

static void load_replies(void)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	char *line, *rest;

	if (file_read(replies_name, REQUEST_MAX, &text, &e))
		prog_fail(&e);
	for (rest = text.data; rest && (line = strsep(&rest, "\n"));) {
		struct span v, r, key, one;
		struct json_iter it = {0};
		struct buf b = BUF_INIT;
		struct rule *rule;

		if (!*line)
			continue;
		if (json_check(span_of(line), &v, &e))
			prog_fail(&e);
		S.rules = mem_grow(S.rules, &S.rules_cap, S.rules_n + 1, sizeof *S.rules);
		rule = &S.rules[S.rules_n++];
		memset(rule, 0, sizeof *rule);
		json_string(json_member(v, "match"), &b);
		rule->match = buf_detach(&b, NULL);
		if (json_string(json_member(v, "last"), &b) == 0)
			rule->last = buf_detach(&b, NULL);
		if (json_string(json_member(v, "quote"), &b) == 0)
			rule->quote = buf_detach(&b, NULL);
		if (json_number(json_member(v, "rate"), &rule->rate))
			rule->rate = 1;
		r = json_member(v, "reply");
		rule->replies = mem_alloc(json_count(r) + 1, sizeof *rule->replies);
		if (!json_string(r, &b)) {
			rule->replies[rule->n++] = buf_detach(&b, NULL);
			continue;
		}
		while (json_next(&it, r, &key, &one)) {
			json_string(one, &b);
			rule->replies[rule->n++] = buf_detach(&b, NULL);
		}
	}
	buf_release(&text);
}

/* The smallest instance of a schema: what is required is there, strings say text (or the first of
 * an enum), numbers are their minimum or 0. */
static void put_instance(struct jw *w, struct span schema, const struct buf *text, int depth)
{
	struct span type = json_member(schema, "type"), any = json_member(schema, "enum"),
		    properties, key, v;
	struct json_iter it = {0};
	double x = 0;

	if (json_count(any)) {
		jw_raw(w, json_element(any, 0));
		return;
	}
	if (json_kind(json_member(schema, "const")) != JSON_NONE) {
		jw_raw(w, json_member(schema, "const"));
		return;
	}
	if (json_kind(type) == JSON_ARRAY)
		type = json_element(type, 0);
	properties = json_member(schema, "properties");
	if (depth < 16 && (json_is(type, "object") || properties.s)) {
		jw_object(w);
		while (json_next(&it, properties, &key, &v)) {
			struct buf name = BUF_INIT;

			json_string(key, &name);
			jw_key(w, name.data);
			put_instance(w, v, text, depth + 1);
			buf_release(&name);
		}
		jw_end(w);
	} else if (json_is(type, "array")) {
		jw_array(w);
		jw_end(w);
	} else if (json_is(type, "integer") || json_is(type, "number")) {
		json_number(json_member(schema, "minimum"), &x);
		jw_num(w, x);
	} else if (json_is(type, "boolean")) {
		jw_bool(w, 1);
	} else if (json_is(type, "null")) {
		jw_null(w);
	} else {
		jw_strn(w, text->data ? text->data : "", text->len);
	}
}

struct question {
	struct span body;
	struct buf all, last; /* text of all turns; of the last user turn */
	struct directive d;
	int anthropic, responses, stream;
	struct span key; /* as it was sent, to be sent back (echo=1), or absent */
	struct buf answer;
};

/* Whether the i-th rule answers this question. */
static int applies(const struct rule *r, size_t i, const struct question *q)
{
	struct rng rng;

	if (!r->n || !q->all.data || !strstr(q->all.data, r->match) ||
	    (r->last && !(q->last.data && strstr(q->last.data, r->last))))
		return 0;
	rng_seed(&rng, hash_of(buf_span(&q->all)) ^ (uint64_t)seed, i);
	return rng_uniform(&rng) < r->rate;
}

/* What stands between <NAME> and </NAME> in the last user turn. */
static struct span quoted(const struct question *q, const char *name)
{
	struct span found = {NULL, 0};
	struct buf mark = BUF_INIT;
	const char *from, *to;

	if (!q->last.data)
		return found;
	buf_addf(&mark, "</%s>", name);
	to = strstr(q->last.data, mark.data);
	buf_clear(&mark);
	buf_addf(&mark, "<%s>", name);
	from = strstr(q->last.data, mark.data);
	if (from && to && from + mark.len <= to)
		found = (struct span){from + mark.len, (size_t)(to - from) - mark.len};
	buf_release(&mark);
	return found;
}

static void choose_answer(struct question *q)
{
	struct span say = get(&q->d, "say"), schema;
	const char *cut, *close;
	/* the last turn without its directive, which q->d still points into */
	struct buf plain = BUF_INIT;

	if (say.s) {
		buf_addspan(&q->answer, say);
		return;
	}
	if (q->key.s) {
		buf_addspan(&q->answer, q->key);
		return;
	}
	for (size_t i = 0; i < S.rules_n; i++) {
		struct rule *r = &S.rules[i];

		if (applies(r, i, q)) {
			if (r->quote)
				buf_addspan(&q->answer, quoted(q, r->quote));
			buf_adds(&q->answer, r->replies[r->used < r->n ? r->used : r->n - 1]);
			r->used++;
			return;
		}
	}
	if (reply) {
		buf_adds(&q->answer, reply);
		return;
	}
	cut = q->last.data ? strstr(q->last.data, "stub{") : NULL;
	close = cut ? strchr(cut, '}') : NULL;
	if (close) {
		buf_add(&plain, q->last.data, (size_t)(cut - q->last.data));
		buf_adds(&plain, close + 1);
	} else {
		buf_add(&plain, q->last.data ? q->last.data : "", q->last.len);
	}
	schema = json_member(json_member(json_member(q->body, "response_format"), "json_schema"),
			     "schema");
	if (q->responses)
		schema = responses_schema(q->body);
	if (q->anthropic &&
	    json_is(json_member(json_member(q->body, "tool_choice"), "type"), "tool"))
		schema =
			json_member(json_element(json_member(q->body, "tools"), 0), "input_schema");
	if (schema.s) {
		struct jw w;

		jw_init(&w, &q->answer);
		put_instance(&w, schema, &plain, 0);
	} else {
		buf_addspan(&q->answer, buf_span(&plain));
	}
	buf_release(&plain);
	for (double n = number(&q->d, "size", 0); (double)q->answer.len < n;)
		buf_addc(&q->answer, 'x');
}

/* Tokens as this server counts them: four bytes each, of the texts alone. */
static double count_in(const struct question *q)
{
	return (double)((q->all.len + 3) / 4) + number(&q->d, "hidden", 0);
}

static double count_out(const struct question *q)
{
	return number(&q->d, "tokens", (double)((q->answer.len + 3) / 4));
}

/* What this server charges for an answer. */
static double bill(const struct question *q)
{
	double cached = number(&q->d, "cached", 0), written = number(&q->d, "written", 0),
	       fresh = count_in(q) - (q->anthropic ? 0 : cached + written),
	       out = count_out(q) + number(&q->d, "reasoning", 0),
	       all = fresh * BILL_IN + cached * BILL_CACHED + written * BILL_WRITTEN +
		     out * BILL_OUT;

	return span_is(get(&q->d, "usage"), "openrouter") ? 1.5 * all : all;
}

static void put_one(struct jw *w, const char *object, const char *name, double n)
{
	jw_put_object(w, object);
	jw_put_num(w, name, n);
	jw_end(w);
}

static void put_usage(struct jw *w, const struct question *q)
{
	struct span kind = get(&q->d, "usage");
	double reasoning = number(&q->d, "reasoning", 0), cached = number(&q->d, "cached", 0),
	       in = count_in(q), out = count_out(q), total = in + out + reasoning;
	int apart = span_is(kind, "xai") || span_is(kind, "gemini");

	jw_put_object(w, "usage");
	if (q->anthropic) {
		jw_put_num(w, "input_tokens", in);
		jw_put_num(w, "cache_read_input_tokens", cached);
		jw_put_num(w, "cache_creation_input_tokens", number(&q->d, "written", 0));
		jw_put_num(w, "output_tokens", out + reasoning);
		jw_end(w);
		return;
	}
	jw_put_num(w, "prompt_tokens", in);
	jw_put_num(w, "completion_tokens", apart ? out : out + reasoning);
	jw_put_num(w, "total_tokens", span_is(kind, "odd") ? 1 : total);
	if (reasoning > 0 && !span_is(kind, "gemini"))
		put_one(w, "completion_tokens_details", "reasoning_tokens", reasoning);
	if (span_is(kind, "deepseek")) {
		jw_put_num(w, "prompt_cache_hit_tokens", cached);
		jw_put_num(w, "prompt_cache_miss_tokens", in - cached);
	} else if (cached > 0) {
		put_one(w, "prompt_tokens_details", "cached_tokens", cached);
	}
	if (span_is(kind, "openrouter"))
		jw_put_num(w, "cost", bill(q));
	jw_end(w);
}

static void put_tool_call(struct jw *w)
{
	jw_put_array(w, "tool_calls");
	jw_object(w);
	jw_put_str(w, "id", "call_1");
	jw_put_str(w, "type", "function");
	jw_put_object(w, "function");
	jw_put_str(w, "name", "look_up");
	jw_put_str(w, "arguments", "{\"q\": 12345678901234567890}");
	jw_end(w);
	jw_end(w);
	jw_end(w);
}

static void put_logprobs(struct jw *w, const struct question *q)
{
	int64_t top = 0;

	jw_key(w, "logprobs");
	if (json_kind(json_member(q->body, "logprobs")) != JSON_TRUE) {
		jw_null(w);
		return;
	}
	json_int(json_member(q->body, "top_logprobs"), &top);
	jw_object(w);
	jw_put_array(w, "content");
	jw_object(w);
	jw_put_str(w, "token", q->answer.data);
	jw_put_num(w, "logprob", -0.25);
	jw_put_array(w, "top_logprobs");
	for (int64_t i = 0; i < top; i++) {
		jw_object(w);
		jw_put_str(w, "token", i ? "other" : q->answer.data);
		jw_put_num(w, "logprob", -0.25 - (double)i);
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
	jw_end(w);
	jw_end(w);
}

static void put_anthropic(struct jw *w, const struct question *q, const char *kind)
{
	int tool = strcmp(kind, "tool") == 0;
	int forced = json_is(json_member(json_member(q->body, "tool_choice"), "type"), "tool");

	jw_put_str(w, "type", "message");
	jw_put_str(w, "role", "assistant");
	jw_put_array(w, "content");
	if (!forced && strcmp(kind, "null") != 0) {
		jw_object(w);
		jw_put_str(w, "type", "text");
		jw_put_text(w, "text", buf_span(&q->answer));
		jw_end(w);
	}
	if (tool || forced) {
		jw_object(w);
		jw_put_str(w, "type", "tool_use");
		jw_put_str(w, "id", "toolu_1");
		jw_put_str(w, "name", forced ? "answer" : "look_up");
		jw_put_raw(w, "input",
			   forced ? buf_span(&q->answer)
				  : span_of("{\"q\": 12345678901234567890}"));
		jw_end(w);
	}
	jw_end(w);
	jw_put_str(w, "stop_reason",
		   tool || forced		 ? "tool_use"
		   : strcmp(kind, "length") == 0 ? "max_tokens"
						 : "end_turn");
}

static void put_completion(struct jw *w, const struct question *q, const char *kind)
{
	int tool = strcmp(kind, "tool") == 0, refusal = strcmp(kind, "refusal") == 0;

	jw_put_str(w, "object", "chat.completion");
	jw_put_num(w, "created", 1700000000);
	jw_put_array(w, "choices");
	if (strcmp(kind, "empty") != 0) {
		jw_object(w);
		jw_put_num(w, "index", 0);
		jw_put_object(w, "message");
		jw_put_str(w, "role", "assistant");
		jw_key(w, "content");
		if (tool || refusal || strcmp(kind, "null") == 0)
			jw_null(w);
		else
			jw_strn(w, q->answer.data ? q->answer.data : "", q->answer.len);
		jw_put_str(w, "refusal", refusal ? "I will not." : NULL);
		if (tool)
			put_tool_call(w);
		jw_end(w);
		put_logprobs(w, q);
		jw_put_str(w, "finish_reason",
			   tool				 ? "tool_calls"
			   : strcmp(kind, "length") == 0 ? "length"
							 : "stop");
		jw_end(w);
	}
	jw_end(w);
}

static struct responses_answer response(const struct question *q, const char *kind,
					struct buf *model)
{
	if (q->key.s)
		json_put_string(model, q->key.s, q->key.n);
	return (struct responses_answer){.body = q->body,
					 .text = buf_span(&q->answer),
					 .model = model->len ? buf_span(model)
							     : (struct span){NULL, 0},
					 .kind = kind,
					 .in = count_in(q),
					 .cached = number(&q->d, "cached", 0),
					 .out = count_out(q),
					 .reasoning = number(&q->d, "reasoning", 0),
					 .number = S.requests};
}

static void put_answer(struct buf *b, const struct question *q, const char *kind)
{
	struct span model = json_member(q->body, "model");
	struct jw w;
	char id[40];

	if (q->responses) {
		struct buf name = BUF_INIT;
		struct responses_answer a = response(q, kind, &name);

		responses_put(&a, b);
		buf_release(&name);
		return;
	}
	jw_init(&w, b);
	jw_object(&w);
	snprintf(id, sizeof id, "%s-%zu", q->anthropic ? "msg" : "chatcmpl", S.requests);
	jw_put_str(&w, "id", id);
	jw_key(&w, "model");
	if (q->key.s)
		jw_strn(&w, q->key.s, q->key.n);
	else
		jw_raw(&w, model.s ? model : span_of("null"));
	if (q->anthropic)
		put_anthropic(&w, q, kind);
	else
		put_completion(&w, q, kind);
	put_usage(&w, q);
	jw_end(&w);
}

/* --- streams --- */

static void event(struct buf *to, const char *name, const struct buf *json)
{
	struct buf b = BUF_INIT;

	if (name)
		buf_addf(&b, "event: %s\n", name);
	buf_adds(&b, "data: ");
	buf_addspan(&b, buf_span(json));
	buf_adds(&b, "\n\n");
	buf_addf(to, "%zx\r\n", b.len);
	buf_addspan(to, buf_span(&b));
	buf_adds(to, "\r\n");
	buf_release(&b);
}

static void stream_piece(struct buf *to, const struct question *q, struct span text, int first)
{
	struct buf b = BUF_INIT;
	struct jw w;

	jw_init(&w, &b);
	jw_object(&w);
	if (q->anthropic) {
		jw_put_str(&w, "type", "content_block_delta");
		jw_put_num(&w, "index", 0);
		jw_put_object(&w, "delta");
		jw_put_str(&w, "type", "text_delta");
		jw_put_text(&w, "text", text);
		jw_end(&w);
	} else {
		jw_put_raw(&w, "model", json_member(q->body, "model"));
		jw_put_array(&w, "choices");
		jw_object(&w);
		jw_put_num(&w, "index", 0);
		jw_put_object(&w, "delta");
		if (first)
			jw_put_str(&w, "role", "assistant");
		jw_put_text(&w, "content", text);
		jw_end(&w);
		jw_put_str(&w, "finish_reason", NULL);
		jw_end(&w);
		jw_end(&w);
	}
	jw_end(&w);
	event(to, q->anthropic ? "content_block_delta" : NULL, &b);
	buf_release(&b);
}

static void raw_event(struct buf *to, const char *name, const char *fmt, double a, double b)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, fmt, a, b);
	event(to, name, &text);
	buf_release(&text);
}

static void stream_usage(struct buf *to, const struct question *q)
{
	struct buf b = BUF_INIT;
	struct jw w;

	jw_init(&w, &b);
	jw_object(&w);
	jw_put_array(&w, "choices");
	jw_end(&w);
	put_usage(&w, q);
	jw_end(&w);
	event(to, NULL, &b);
	buf_release(&b);
}

static void response_event(void *to, const char *name, struct span data)
{
	struct buf b = BUF_INIT;

	buf_addspan(&b, data);
	event(to, name, &b);
	buf_release(&b);
}

static void put_stream(struct buf *to, const struct question *q, const char *kind)
{
	const char *p = q->answer.data ? q->answer.data : "";
	size_t left = q->answer.len, n;
	int first = 1;

	if (q->responses) {
		struct buf name = BUF_INIT;
		struct responses_answer a = response(q, kind, &name);

		responses_stream(&a, response_event, to);
		buf_adds(to, "0\r\n\r\n");
		buf_release(&name);
		return;
	}
	if (q->anthropic) {
		raw_event(to, "message_start",
			  "{\"type\":\"message_start\",\"message\":{\"id\":\"msg\",\"type\":\"message\",\"role\":\"assistant\",\"content\":"
			  "[],\"model\":\"stub\",\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"
			  "{\"input_tokens\":%.0f,\"output_tokens\":1}}}",
			  count_in(q), 0);
		raw_event(to, "content_block_start",
			  "{\"type\":\"content_block_start\",\"index\":%.0f,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
			  0, 0);
	}
	for (; left; p += n, left -= n, first = 0) {
		n = left < 5 ? left : 5;
		while (n < left && ((unsigned char)p[n] & 0xc0) == 0x80)
			n++;
		stream_piece(to, q, (struct span){p, n}, first);
	}
	if (q->anthropic) {
		raw_event(to, "content_block_stop",
			  "{\"type\":\"content_block_stop\",\"index\":%.0f}", 0, 0);
		raw_event(to, "message_delta",
			  "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":"
			  "{\"output_tokens\":%.0f}}",
			  count_out(q), 0);
		raw_event(to, "message_stop", "{\"type\":\"message_stop\"}", 0, 0);
	} else {
		raw_event(to, NULL,
			  "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}",
			  0, 0);
		stream_usage(to, q);
		raw_event(to, NULL, "[DONE]", 0, 0);
	}
	buf_adds(to, "0\r\n\r\n");
}

/* --- HTTP --- */

static void respond(struct conn *c, int status, const char *type, const char *headers,
		    const struct buf *body)
{
	const char *reason = status == 200   ? "OK"
			     : status == 429 ? "Too Many Requests"
			     : status >= 500 ? "Server Error"
					     : "Other";

	buf_addf(&c->out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nx-request-id: req-%zu\r\n%s",
		 status, reason, type, S.requests, headers);
	buf_addf(&c->out, "Content-Length: %zu\r\n\r\n", body->len);
	buf_addspan(&c->out, buf_span(body));
}

static void respond_error(struct conn *c, int status, const char *headers, const char *message)
{
	struct buf b = BUF_INIT;
	struct jw w;

	jw_init(&w, &b);
	jw_object(&w);
	jw_put_object(&w, "error");
	jw_put_str(&w, "message", message);
	jw_put_str(&w, "type", "stub");
	jw_end(&w);
	jw_end(&w);
	respond(c, status, "application/json", headers, &b);
	buf_release(&b);
}

static struct span header(struct span head, const char *name)
{
	const char *p = head.s, *end = head.s + head.n;
	size_t n = strlen(name);

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;

		if ((size_t)(stop - p) > n && strncasecmp(p, name, n) == 0 && p[n] == ':') {
			p += n + 1;
			while (p < stop && *p == ' ')
				p++;
			while (stop > p && (stop[-1] == '\r' || stop[-1] == ' '))
				stop--;
			return (struct span){p, (size_t)(stop - p)};
		}
		p = stop + 1;
	}
	return (struct span){NULL, 0};
}

static void log_request(struct span line, struct span head, const struct question *q,
			const char *did)
{
	struct buf b = BUF_INIT;
	struct jw w;

	if (!S.log)
		return;
	jw_init(&w, &b);
	jw_object(&w);
	jw_put_num(&w, "n", (double)S.requests);
	jw_put_text(&w, "request", line);
	jw_put_str(&w, "key",
		   header(head, "authorization").s ? "bearer"
		   : header(head, "x-api-key").s   ? "x-api-key"
		   : header(head, "api-key").s	   ? "api-key"
						   : "none");
	jw_put_str(&w, "did", did);
	jw_key(&w, "body");
	if (q && q->body.s)
		jw_raw(&w, q->body);
	else
		jw_null(&w);
	jw_end(&w);
	/* Bodies may be spread over lines; a newline inside a string is written escaped, so outside
	 * it is only spacing. */
	for (size_t i = 0; i < b.len; i++)
		fputc(b.data[i] == '\n' || b.data[i] == '\r' ? ' ' : b.data[i], S.log);
	fputc('\n', S.log);
	fflush(S.log);
	buf_release(&b);
}

static void read_question(struct question *q)
{
	struct json_iter it = {0};
	struct span key, m, system = json_member(q->body, "system"),
			    messages = json_member(q->body, "messages");

	if (q->responses)
		responses_texts(q->body, &q->all, &q->last);
	record_message_text(system, &q->all);
	while (json_next(&it, messages, &key, &m)) {
		struct span content = json_member(m, "content");

		record_message_text(content, &q->all);
		if (json_is(json_member(m, "role"), "user")) {
			buf_clear(&q->last);
			record_message_text(content, &q->last);
		}
	}
	q->stream = json_kind(json_member(q->body, "stream")) == JSON_TRUE;
	q->d = find_directive(buf_span(&q->last));
}

static void add_retry_headers(struct buf *h, const struct directive *d)
{
	static const char *const plain[] = {"retry-after", "retry-after-ms"};
	struct span v;
	char text[64];
	time_t t;

	for (size_t i = 0; i < 2; i++)
		if ((v = get(d, plain[i])).s)
			buf_addf(h, "%s: %.*s\r\n", plain[i], (int)v.n, v.s);
	if ((v = get(d, "should-retry")).s)
		buf_addf(h, "x-should-retry: %.*s\r\n", (int)v.n, v.s);
	if (get(d, "retry-after-date").s) {
		t = time(NULL) + (time_t)number(d, "retry-after-date", 0);
		strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&t));
		buf_addf(h, "retry-after: %s\r\n", text);
	}
	if ((v = get(d, "remaining")).s)
		buf_addf(h,
			 "x-ratelimit-remaining-requests: %.*s\r\nx-ratelimit-reset-requests: %gs\r\n",
			 (int)v.n, v.s, number(d, "reset", 1));
}

/* The first of the members that the directive refuses, or NULL; to be freed. */
static char *refused_member(const struct question *q)
{
	struct span list = get(&q->d, "refuse");
	char *names = list.s ? span_dup(list) : NULL, *rest = names, *name, *found = NULL;

	while (!found && rest && (name = strsep(&rest, ",")))
		if (json_member(q->body, name).s)
			found = mem_strdup(name);
	free(names);
	return found;
}

static void refuse_member(struct conn *c, const struct question *q, const char *name)
{
	struct buf b = BUF_INIT;

	if (q->anthropic)
		buf_addf(&b,
			 "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"`%s` is deprecated for "
			 "this model.\"}}",
			 name);
	else
		buf_addf(&b,
			 "{\"error\":{\"message\":\"Unsupported parameter: '%s' is not supported with this model.\",\"type\":"
			 "\"invalid_request_error\",\"param\":\"%s\",\"code\":\"unsupported_parameter\"}}",
			 name, name);
	respond(c, 400, "application/json", "", &b);
	buf_release(&b);
}

static void answer_question(struct conn *c, struct question *q, const char **did)
{
	struct span kind_span = get(&q->d, "body"), type = get(&q->d, "type"),
		    drop = get(&q->d, "drop"), to;
	char *kind = kind_span.s ? span_dup(kind_span) : mem_strdup("plain");
	char *media = type.s ? span_dup(type) : mem_strdup("application/json");
	struct buf headers = BUF_INIT, body = BUF_INIT, message = BUF_INIT;
	int status = (int)number(&q->d, "status", 200);
	char *refused = refused_member(q);

	if (!get(&q->d, "echo").s)
		q->key.s = NULL;
	else
		buf_addf(&headers, "x-request-id: %.*s\r\n", (int)q->key.n, q->key.s);
	buf_addf(&message, "the stub was told to fail%.*s", q->key.s ? (int)q->key.n : 0,
		 q->key.s ? q->key.s : "");
	*did = "fault";
	add_retry_headers(&headers, &q->d);
	if (get(&q->d, "hang").s) {
		c->hang = 1;
	} else if (refused) {
		refuse_member(c, q, refused);
	} else if (span_is(drop, "before")) {
		c->close_after = 1;
	} else if ((to = get(&q->d, "redirect")).s) {
		buf_addf(&headers, "Location: %.*s\r\n", (int)to.n, to.s);
		respond_error(c, 307, headers.data, "elsewhere");
	} else if ((to = get(&q->d, "file")).s) {
		char *name = span_dup(to);

		file_read(name, REQUEST_MAX, &body, NULL);
		respond(c, status, media, headers.data ? headers.data : "", &body);
		free(name);
	} else if ((to = get(&q->d, "raw")).s) {
		char *name = span_dup(to);

		file_read(name, REQUEST_MAX, &c->out, NULL);
		c->stays = get(&q->d, "stay").s != NULL;
		c->close_after = !c->stays;
		free(name);
	} else if (status != 200) {
		respond_error(c, status, headers.data ? headers.data : "", message.data);
	} else if (strcmp(kind, "garbage") == 0) {
		buf_adds(&body, "\x01\xff{[ what is this");
		respond(c, 200, media, "", &body);
	} else if (strcmp(kind, "html") == 0) {
		buf_adds(&body, "<html><body>Bad gateway</body></html>");
		respond(c, 200, "text/html", "", &body);
	} else if (strcmp(kind, "error") == 0 || strcmp(kind, "upstream") == 0) {
		buf_addf(&body, "{\"error\":{\"message\":\"it went wrong upstream\",\"code\":%s}}",
			 strcmp(kind, "error") == 0 ? "\"invalid\"" : "503");
		respond(c, 200, media, "", &body);
	} else {
		choose_answer(q);
		*did = "answer";
		if (q->stream && (strcmp(kind, "plain") == 0 ||
				  (q->responses && strcmp(kind, "truncated") != 0))) {
			buf_addf(&c->out,
				 "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nx-request-id: req-%zu\r\n"
				 "Transfer-Encoding: chunked\r\n\r\n",
				 S.requests);
			put_stream(&c->out, q, kind);
		} else {
			put_answer(&body, q, kind);
			if (strcmp(kind, "truncated") == 0)
				body.len /= 2;
			respond(c, 200, media, headers.data ? headers.data : "", &body);
		}
		S.answered++;
		S.prompt_tokens += count_in(q);
		S.completion_tokens += count_out(q);
		S.billed += bill(q);
	}
	if (span_is(drop, "middle")) {
		*did = "fault";
		c->cut = c->out.len - c->out.len / 4;
	}
	c->drip = number(&q->d, "drip", 0) / 1000;
	c->due = progress_clock() + number(&q->d, "delay", (double)delay_ms) / 1000;
	buf_release(&headers);
	buf_release(&body);
	buf_release(&message);
	free(kind);
	free(media);
	free(refused);
}

/* 400 to what the Responses API does not take. */
static int refuse_response(struct conn *c, struct span body)
{
	struct buf message = BUF_INIT, param = BUF_INIT, b = BUF_INIT;
	int no = responses_refuses(body, &message, &param);
	struct jw w;

	if (no) {
		jw_init(&w, &b);
		jw_object(&w);
		jw_put_object(&w, "error");
		jw_put_text(&w, "message", buf_span(&message));
		jw_put_str(&w, "type", "invalid_request_error");
		jw_put_text(&w, "param", buf_span(&param));
		jw_put_str(&w, "code", NULL);
		jw_end(&w);
		jw_end(&w);
		respond(c, 400, "application/json", "", &b);
	}
	buf_release(&message);
	buf_release(&param);
	buf_release(&b);
	return no;
}

/* 429 where the server has too much to do, or has done too much; returns whether it was said. */
static int refuse(struct conn *c)
{
	double now = progress_clock();
	char header[64];

	if (limit && S.busy > (size_t)limit) {
		respond_error(c, 429, "", "too many at once");
		return 1;
	}
	if (quota && now - S.second >= 1) {
		S.second = now;
		S.second_n = 0;
	}
	if (!quota || ++S.second_n <= quota)
		return 0;
	snprintf(header, sizeof header, "retry-after-ms: %.0f\r\n",
		 1000 * (S.second + 1 - now) + 1);
	respond_error(c, 429, header, "too many in a second");
	return 1;
}

/* --- files and batches --- */

/* What --fault says of batches; otherwise where it says nothing. */
static const char *of_batches(const char *name, const char *otherwise)
{
	static char text[2][4096];
	static int turn;
	struct span v = get(&(struct directive){span_of(fault ? fault : "")}, name);

	if (!v.s)
		return otherwise;
	turn = !turn;
	snprintf(text[turn], sizeof text[turn], "%.*s", (int)v.n, v.s);
	return text[turn];
}

static struct stored *store(const char *prefix, const char *p, size_t n)
{
	struct stored *f;

	S.files = mem_grow(S.files, &S.files_cap, S.files_n + 1, sizeof *S.files);
	f = &S.files[S.files_n];
	memset(f, 0, sizeof *f);
	snprintf(f->id, sizeof f->id, "%s-%zu", prefix, ++S.files_n);
	buf_add(&f->text, p, n);
	return f;
}

static struct stored *find_stored(struct span id)
{
	for (size_t i = 0; i < S.files_n; i++)
		if (span_is(id, S.files[i].id))
			return &S.files[i];
	return NULL;
}

/* Answers every line of a batch, in reverse order, as nothing promises an order. */
static void run_batch(const struct stored *in, struct buf *results)
{
	struct buf lines = BUF_INIT;
	char *rest, *line, **all = NULL;
	size_t n = 0, cap = 0;

	buf_addspan(&lines, buf_span(&in->text));
	for (rest = lines.data; rest && (line = strsep(&rest, "\n"));)
		if (*line) {
			all = mem_grow(all, &cap, n + 1, sizeof *all);
			all[n++] = line;
		}
	while (n) {
		struct span v;
		struct question q = {0};
		struct buf body = BUF_INIT;

		if (json_check(span_of(all[--n]), &v, NULL))
			continue;
		q.body = json_member(v, "body");
		q.responses = json_is(json_member(v, "url"), "/v1/responses");
		read_question(&q);
		choose_answer(&q);
		buf_adds(results, "{\"id\":\"r\",\"custom_id\":");
		buf_addspan(results, json_member(v, "custom_id"));
		if (get(&q.d, "status").s) {
			buf_addf(results,
				 ",\"response\":{\"status_code\":%.0f,\"request_id\":\"b\",\"body\":{\"error\":{\"message\":\"the stub "
				 "was told to fail\"}}},\"error\":null}\n",
				 number(&q.d, "status", 500));
		} else {
			put_answer(&body, &q, "plain");
			buf_adds(results,
				 ",\"response\":{\"status_code\":200,\"request_id\":\"b\",\"body\":");
			buf_addspan(results, buf_span(&body));
			buf_adds(results, "},\"error\":null}\n");
		}
		buf_release(&body);
		buf_release(&q.all);
		buf_release(&q.last);
		buf_release(&q.answer);
	}
	free(all);
	buf_release(&lines);
}

static void respond_json(struct conn *c, const char *fmt, const char *a, const char *b,
			 const char *d)
{
	struct buf body = BUF_INIT;

	buf_addf(&body, fmt, a, b, d);
	respond(c, 200, "application/json", "", &body);
	buf_release(&body);
}

static void upload(struct conn *c, struct span head, struct span body)
{
	struct span type = header(head, "content-type");
	const char *b = type.s ? memmem(type.s, type.n, "boundary=", 9) : NULL, *start, *end,
		   *p = body.s;
	char mark[128];

	if (!b) {
		respond_error(c, 400, "", "no boundary");
		return;
	}
	snprintf(mark, sizeof mark, "\r\n--%.*s", (int)(type.n - (size_t)(b + 9 - type.s)), b + 9);
	p = memmem(body.s, body.n, "name=\"file\"", 11);
	start = p ? memmem(p, body.n - (size_t)(p - body.s), "\r\n\r\n", 4) : NULL;
	end = start ? memmem(start, body.n - (size_t)(start - body.s), mark, strlen(mark)) : NULL;
	if (!end) {
		respond_error(c, 400, "", "no file");
		return;
	}
	respond_json(c, "{\"id\":\"%s\",\"object\":\"file\",\"purpose\":\"batch\"%s%s}",
		     of_batches("file-id", store("file", start + 4, (size_t)(end - start - 4))->id),
		     "", "");
}

static void batch_state(struct conn *c, struct stored *b)
{
	if (b->polls++ < 1 || of_batches("batch-state", NULL)) {
		respond_json(c,
			     "{\"id\":\"%s\",\"status\":\"%s\",\"request_counts\":{\"total\":2,\"completed\":1,\"failed\":0}%s}",
			     b->id, of_batches("batch-state", "in_progress"), "");
		return;
	}
	if (!b->file[0]) {
		size_t at = (size_t)(b - S.files);
		struct stored *in = find_stored(buf_span(&b->text));
		struct buf results = BUF_INIT;

		run_batch(in, &results);
		in = store("file", results.data ? results.data : "", results.len);
		b = &S.files[at];
		snprintf(b->file, sizeof b->file, "%.31s", in->id);
		buf_release(&results);
	}
	respond_json(c,
		     "{\"id\":\"%s\",\"status\":\"%s\",\"output_file_id\":\"%s\",\"request_counts\":{\"total\":2,\"completed\":2,\"failed\":0}}",
		     b->id, "completed", b->file);
}

static void list_batches(struct conn *c)
{
	struct buf b = BUF_INIT;
	struct jw w;

	jw_init(&w, &b);
	jw_object(&w);
	jw_put_array(&w, "data");
	for (size_t i = 0; i < S.files_n; i++)
		if (strncmp(S.files[i].id, "batch", 5) == 0) {
			jw_object(&w);
			jw_put_str(&w, "id", S.files[i].id);
			jw_put_str(&w, "input_file_id", S.files[i].text.data);
			jw_end(&w);
		}
	jw_end(&w);
	jw_end(&w);
	respond(c, 200, "application/json", "", &b);
	buf_release(&b);
}

static int ends(struct span s, const char *end)
{
	size_t n = strlen(end);

	return s.n >= n && memcmp(s.s + s.n - n, end, n) == 0;
}

/* The segment of the path behind /NAME/, or absent. */
static struct span segment(struct span path, const char *name)
{
	const char *p = memmem(path.s, path.n, name, strlen(name));
	size_t n;

	if (!p)
		return (struct span){NULL, 0};
	p += strlen(name);
	n = path.n - (size_t)(p - path.s);
	return (struct span){p,
			     memchr(p, '/', n) ? (size_t)((const char *)memchr(p, '/', n) - p) : n};
}

static int serve_files(struct conn *c, struct span head, struct span path, struct span body,
		       int post)
{
	const char *to = of_batches("redirect", "");
	struct stored *f;
	struct span v, id;

	if (*to) {
		struct buf location = BUF_INIT;

		buf_addf(&location, "Location: %s\r\n", to);
		respond_error(c, 307, location.data, "elsewhere");
		buf_release(&location);
		return 1;
	}
	if (post && ends(path, "/files")) {
		upload(c, head, body);
		return 1;
	}
	if (post && ends(path, "/batches")) {
		struct buf in = BUF_INIT;

		if (json_check(body, &v, NULL) ||
		    json_string(json_member(v, "input_file_id"), &in) ||
		    !find_stored(buf_span(&in)))
			respond_error(c, 400, "", "no such input file");
		else
			respond_json(c, "{\"id\":\"%s\",\"status\":\"validating\"%s%s}",
				     of_batches("batch-id", store("batch", in.data, in.len)->id),
				     "", "");
		buf_release(&in);
		return 1;
	}
	if (!post && ends(path, "/batches")) {
		list_batches(c);
		return 1;
	}
	if (!post && (id = segment(path, "/batches/")).s) {
		f = find_stored(id);
		if (f)
			batch_state(c, f);
		else
			respond_error(c, 404, "", "no such batch");
		return 1;
	}
	if (!post && (id = segment(path, "/files/")).s) {
		f = find_stored(id);
		if (f)
			respond(c, 200, "application/octet-stream", "", &f->text);
		else
			respond_error(c, 404, "", "no such file");
		return 1;
	}
	return 0;
}

static void respond_state(struct conn *c)
{
	struct buf b = BUF_INIT;
	struct jw w;

	jw_init(&w, &b);
	jw_object(&w);
	jw_put_num(&w, "requests", (double)S.requests);
	jw_put_num(&w, "answered", (double)S.answered);
	jw_put_num(&w, "refused", (double)S.refused);
	jw_put_num(&w, "different", (double)S.seen_n);
	jw_put_num(&w, "busiest", (double)S.busiest);
	jw_put_num(&w, "connections", (double)S.connections);
	jw_put_num(&w, "prompt_tokens", S.prompt_tokens);
	jw_put_num(&w, "completion_tokens", S.completion_tokens);
	jw_put_num(&w, "billed", S.billed);
	jw_end(&w);
	respond(c, 200, "application/json", "", &b);
	buf_release(&b);
}

static struct span sent_key(struct span head)
{
	static const char *const names[] = {"authorization", "x-api-key", "api-key"};
	struct span v = {NULL, 0};

	for (size_t i = 0; !v.s && i < 3; i++)
		v = header(head, names[i]);
	if (v.n > 7 && memcmp(v.s, "Bearer ", 7) == 0)
		v = (struct span){v.s + 7, v.n - 7};
	return v;
}

static int key_fits(struct span head)
{
	return !need_key || span_is(sent_key(head), need_key);
}

static void serve(struct conn *c, struct span head, struct span body)
{
	const char *nl = memchr(head.s, '\r', head.n), *a, *b;
	struct span line = {head.s, nl ? (size_t)(nl - head.s) : head.n}, path;
	struct question q = {0};
	const char *did = "other";
	int post = line.n > 5 && memcmp(line.s, "POST ", 5) == 0;

	c->due = 0;
	c->busy = 1;
	if (++S.busy > S.busiest)
		S.busiest = S.busy;
	a = memchr(line.s, ' ', line.n);
	b = a ? memchr(a + 1, ' ', line.n - (size_t)(a + 1 - line.s)) : NULL;
	path = b ? (struct span){a + 1, (size_t)(b - a - 1)} : line;
	if (memchr(path.s, '?', path.n))
		path.n = (size_t)((const char *)memchr(path.s, '?', path.n) - path.s);
	if (span_is(path, "/stub/state")) {
		respond_state(c);
		return;
	}
	S.requests++;
	q.anthropic = ends(path, "/messages");
	q.responses = ends(path, "/responses");
	if (!key_fits(head)) {
		respond_error(c, 401, "", "Incorrect API key provided");
	} else if (post && (q.anthropic || q.responses || ends(path, "/chat/completions"))) {
		if (json_check(body, &q.body, NULL) ||
		    (!q.responses && json_kind(json_member(q.body, "messages")) != JSON_ARRAY)) {
			q.body.s = NULL;
			respond_error(c, 400, "", "no messages");
		} else if (q.responses && refuse_response(c, q.body)) {
			did = "refused";
		} else {
			unsigned n;

			read_question(&q);
			q.key = sent_key(head);
			n = times_seen(buf_span(&q.all));
			if (n > number(&q.d, "times", 1e9))
				q.d.text = (struct span){NULL, 0};
			if (refuse(c)) {
				S.refused++;
				did = "refused";
			} else {
				answer_question(c, &q, &did);
			}
		}
	} else if (!serve_files(c, head, path, body, post)) {
		respond_error(c, 404, "", "no such address");
	}
	log_request(line, head, &q, did);
	buf_release(&q.all);
	buf_release(&q.last);
	buf_release(&q.answer);
}

/* --- connections --- */

/* Takes the body at p apart that comes in chunks, at most n bytes (RFC 9112, 7.1): how many bytes it
 * takes, 0 where it is not all there. */
static size_t unchunk(const char *p, size_t n, struct buf *body)
{
	size_t at = 0;

	for (;;) {
		const char *line = p + at, *end = memmem(line, n - at, "\r\n", 2);
		size_t size = end ? (size_t)strtoul(line, NULL, 16) : 0;

		if (!end || size > n || (size_t)(end + 2 - p) + size + 2 > n)
			return 0;
		buf_add(body, end + 2, size);
		at = (size_t)(end + 2 - p) + size + 2;
		if (!size)
			return at;
	}
}

/* Serves the next whole request in c->in. */
static void next_request(struct conn *c)
{
	const char *end;
	struct span head, length, body;
	struct buf whole = BUF_INIT;
	size_t n = 0;

	if (c->busy || !c->in.len || !(end = memmem(c->in.data, c->in.len, "\r\n\r\n", 4)))
		return;
	head = (struct span){c->in.data, (size_t)(end - c->in.data)};
	length = header(head, "content-length");
	if (length.s)
		n = (size_t)strtoul(length.s, NULL, 10);
	if (span_is(header(head, "expect"), "100-continue") && !c->out.len &&
	    c->in.len < head.n + 4 + n)
		(void)!write(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	if (c->in.len < head.n + 4 + n)
		return;
	body = (struct span){c->in.data + head.n + 4, n};
	if (span_is(header(head, "transfer-encoding"), "chunked")) {
		n = unchunk(body.s, c->in.len - head.n - 4, &whole);
		body = buf_span(&whole);
		if (!n) {
			buf_release(&whole);
			return;
		}
	}
	serve(c, head, body);
	buf_release(&whole);
	n += head.n + 4;
	memmove(c->in.data, c->in.data + n, c->in.len - n);
	c->in.len -= n;
}

static void end_request(struct conn *c)
{
	c->busy = 0;
	S.busy--;
	buf_clear(&c->out);
	if (c->out.cap > 1 << 20)
		buf_release(&c->out);
	c->sent = c->cut = 0;
	c->drip = 0;
}

/* -1 where the connection is to be closed. */
static int push(struct conn *c, double now)
{
	while (c->busy && !c->hang && c->due <= now) {
		size_t end = c->cut ? c->cut : c->out.len, n = end - c->sent;
		ssize_t k;

		if (c->drip > 0 && n > 1)
			n = 1;
		k = n ? send(c->fd, c->out.data + c->sent, n, MSG_NOSIGNAL) : 0;
		if (k < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		c->sent += (size_t)k;
		if (c->drip > 0)
			c->due = now + c->drip;
		if (c->sent < end)
			continue;
		if (c->cut || c->close_after)
			return -1;
		if (c->stays) {
			c->hang = 1;
			return 0;
		}
		end_request(c);
		next_request(c);
	}
	return 0;
}

static int pull(struct conn *c)
{
	char chunk[65536];
	ssize_t k = recv(c->fd, chunk, sizeof chunk, 0);

	if (k < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (k == 0 || c->in.len > REQUEST_MAX)
		return -1;
	buf_add(&c->in, chunk, (size_t)k);
	/* A TLS greeting: this server has no TLS, and says so by hanging up. */
	if (c->in.data[0] == 0x16)
		return -1;
	next_request(c);
	return 0;
}

static void drop(size_t i)
{
	struct conn *c = S.conns[i];

	if (c->busy)
		S.busy--;
	close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
	S.conns[i] = S.conns[--S.n];
}

static void take(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	S.conns = mem_grow(S.conns, &S.cap, S.n + 1, sizeof *S.conns);
	S.conns[S.n] = mem_alloc(1, sizeof **S.conns);
	S.conns[S.n]->in.max = REQUEST_MAX + (1 << 20);
	S.conns[S.n++]->fd = fd;
	S.connections++;
}

static void loop(int listener)
{
	while (!prog_stopping()) {
		double now = progress_clock(), next = now + 1;
		struct timespec ts;
		size_t n = S.n;

		S.fds = mem_grow(S.fds, &S.fds_cap, n + 1, sizeof *S.fds);
		S.fds[n] = (struct pollfd){.fd = listener, .events = POLLIN};
		for (size_t i = 0; i < n; i++) {
			struct conn *c = S.conns[i];
			int writing = c->busy && !c->hang && c->sent < c->out.len && c->due <= now;

			S.fds[i] = (struct pollfd){.fd = c->fd,
						   .events = (short)(POLLIN |
								     (writing ? POLLOUT : 0))};
			if (c->busy && !c->hang && c->due > now && c->due < next)
				next = c->due;
		}
		next -= now;
		ts = (struct timespec){(time_t)next, (long)((next - (double)(time_t)next) * 1e9)};
		if (ppoll(S.fds, (nfds_t)n + 1, &ts, NULL) < 0 && errno != EINTR)
			break;
		now = progress_clock();
		/* From the end, so that drop's exchange with the last one skips none. */
		for (size_t i = n; i-- > 0;) {
			struct conn *c = S.conns[i];
			int bad = (S.fds[i].revents & (POLLERR | POLLNVAL)) != 0;

			if (!bad && (S.fds[i].revents & (POLLIN | POLLHUP)))
				bad = pull(c) < 0;
			if (bad || push(c, now) < 0)
				drop(i);
		}
		if (S.fds[n].revents & POLLIN)
			take(listener);
	}
}

int main(int argc, char **argv)
{
	int at, listener;

	prog_start(&program, argc, argv);
	if (replies_name)
		load_replies();
	if (log_name && !(S.log = fopen(log_name, "a")))
		prog_die("%s: %s", log_name, strerror(errno));
	at = (int)port;
	listener = stub_listen(&at, port_file);
	port = at;
	loop(listener);
	while (S.n)
		drop(0);
	return 0;
}
