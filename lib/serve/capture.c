/* capture: see capture.h. */
#include "capture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "../base/mem.h"
#include "../prompt/answer.h"
#include "asked.h"

#define CHOICES_MAX 1024
#define KIND(name) (1u << CAPTURE_##name)

/* --- requests --- */

enum capture_kind capture_kind(const char *method, const char *path)
{
	static const struct {
		const char *path;
		enum capture_kind kind;
	} known[] = {
		{"/chat/completions", CAPTURE_CHAT},
		{"/completions", CAPTURE_COMPLETIONS},
		{"/messages", CAPTURE_MESSAGES},
		{"/responses", CAPTURE_RESPONSES},
	};
	size_t n = strcspn(path, "?#");

	/* A thread's messages are kept by the Assistants API, and answered by nobody. */
	if (strcmp(method, "POST") != 0 || memmem(path, n, "/threads/", 9))
		return CAPTURE_NONE;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		size_t k = strlen(known[i].path);

		if (n >= k && memcmp(path + n - k, known[i].path, k) == 0)
			return known[i].kind;
	}
	return CAPTURE_NONE;
}

void capture_request_release(struct capture_request *q)
{
	record_release(&q->record);
	buf_release(&q->model);
	memset(q, 0, sizeof *q);
}

/* Several prompts at once: a list of texts, or of lists of tokens. */
static size_t several_prompts(const struct capture_request *q)
{
	struct span list = record_get(&q->record, "prompt");
	enum json_kind first = json_kind(json_element(list, 0));

	return q->kind == CAPTURE_COMPLETIONS && json_kind(list) == JSON_ARRAY &&
			       (first == JSON_STRING || first == JSON_ARRAY)
		       ? json_count(list)
		       : 0;
}

void capture_request_read(struct capture_request *q, enum capture_kind kind, struct span body)
{
	int64_t n;
	size_t prompts;

	q->kind = kind;
	q->choices = q->each = 1;
	q->is_json = !record_parse(&q->record, body, &q->why);
	if (!q->is_json)
		return;
	json_string(record_get(&q->record, "model"), &q->model);
	q->stream = json_kind(record_get(&q->record, "stream")) == JSON_TRUE;
	/* Where keeping is the API's default, "store": true asks for no more. */
	q->kept_out = json_kind(record_get(&q->record, "store")) == JSON_FALSE;
	if (kind <= CAPTURE_COMPLETIONS && !json_int(record_get(&q->record, "n"), &n) && n > 1 &&
	    n <= CHOICES_MAX)
		q->choices = q->each = (int)n;
	prompts = several_prompts(q);
	if (prompts > 1)
		q->choices *= (int)(prompts < CHOICES_MAX ? prompts : CHOICES_MAX);
	if (q->choices > CHOICES_MAX)
		q->choices = CHOICES_MAX;
}

int capture_request_key(const struct capture_request *q, char key[33])
{
	return q->is_json ? record_key(&q->record, key, NULL) : -1;
}

/* --- answers --- */

static enum dialect_kind dialect(enum capture_kind kind)
{
	return kind == CAPTURE_MESSAGES	   ? DIALECT_ANTHROPIC
	       : kind == CAPTURE_RESPONSES ? DIALECT_RESPONSES
					   : DIALECT_OPENAI;
}

void capture_answer_init(struct capture_answer *a, const struct capture_request *q, int events,
			 size_t max)
{
	a->kind = q->kind;
	a->events = events;
	a->max = max;
	a->n = q->choices > 0 ? q->choices : 1;
	a->streams = mem_alloc((size_t)a->n, sizeof *a->streams);
}

void capture_answer_release(struct capture_answer *a)
{
	for (int i = 0; i < a->n; i++)
		dialect_stream_release(&a->streams[i]);
	free(a->streams);
	buf_release(&a->body);
	buf_release(&a->line);
	memset(a, 0, sizeof *a);
}

/* Appends the object v (an answer or an event of one) as if the choice `which` were its only one,
 * number 0. Returns 0 where it has none of that number and is about another. */
static int only_choice(struct span v, int which, struct buf *to)
{
	struct json_iter it = {0}, each = {0}, inner = {0};
	struct span key, value, choice, name, x;
	int some = 0, there = 0;
	int64_t index;

	buf_addc(to, '{');
	while (json_next(&it, v, &key, &value)) {
		buf_adds(to, some++ ? "," : "");
		buf_addspan(to, key);
		buf_addc(to, ':');
		if (!json_is(key, "choices") || json_kind(value) != JSON_ARRAY) {
			buf_addspan(to, value);
			continue;
		}
		buf_addc(to, '[');
		there = !json_count(value);
		memset(&each, 0, sizeof each);
		while (json_next(&each, value, &name, &choice)) {
			int more = 0;

			if (json_int(json_member(choice, "index"), &index) || index != which)
				continue;
			buf_adds(to, "{");
			memset(&inner, 0, sizeof inner);
			while (json_next(&inner, choice, &name, &x)) {
				buf_adds(to, more++ ? "," : "");
				buf_addspan(to, name);
				buf_addc(to, ':');
				if (json_is(name, "index"))
					buf_addc(to, '0');
				else
					buf_addspan(to, x);
			}
			buf_addc(to, '}');
			there = 1;
			break;
		}
		buf_addc(to, ']');
	}
	buf_addc(to, '}');
	return there;
}

/* A line of a stream that holds several answers goes to those that it is about. */
static void share_line(struct capture_answer *a, double now)
{
	struct span line = buf_span(&a->line), v = {0};
	struct buf one = BUF_INIT;
	int is_event = line.n > 5 && memcmp(line.s, "data:", 5) == 0 &&
		       !json_check((struct span){line.s + 5, line.n - 5}, &v, NULL) &&
		       json_kind(json_member(v, "choices")) == JSON_ARRAY;

	for (int i = 0; i < a->n; i++) {
		buf_clear(&one);
		if (is_event) {
			buf_adds(&one, "data: ");
			if (!only_choice(v, i, &one))
				continue;
		} else {
			buf_addspan(&one, line);
		}
		buf_addc(&one, '\n');
		dialect_stream_add(dialect(a->kind), &a->streams[i], one.data, one.len, now);
	}
	buf_release(&one);
}

void capture_answer_add(struct capture_answer *a, const char *p, size_t n, double now)
{
	if (a->too_long || a->kind == CAPTURE_NONE)
		return;
	a->bytes += n;
	if (a->bytes > a->max) {
		a->too_long = 1;
		return;
	}
	if (!a->events) {
		buf_add(&a->body, p, n);
		return;
	}
	if (a->n == 1) {
		dialect_stream_add(dialect(a->kind), a->streams, p, n, now);
		return;
	}
	while (n) {
		const char *end = memchr(p, '\n', n);
		size_t k = end ? (size_t)(end - p) : n;

		buf_add(&a->line, p, k);
		if (!end)
			return;
		while (a->line.len && a->line.data[a->line.len - 1] == '\r')
			a->line.data[--a->line.len] = '\0';
		share_line(a, now);
		buf_clear(&a->line);
		p += k + 1;
		n -= k + 1;
	}
}

int capture_answer_done(const struct capture_answer *a)
{
	if (!a->events)
		return 0;
	for (int i = 0; i < a->n; i++)
		if (!(a->kind == CAPTURE_MESSAGES || a->kind == CAPTURE_RESPONSES
			      ? a->streams[i].ended
			      : a->streams[i].done))
			return 0;
	return a->n > 0;
}

int capture_answer_lacks_end(const struct capture_answer *a)
{
	if (!a->events || a->kind == CAPTURE_NONE || a->too_long)
		return 0;
	for (int i = 0; i < a->n; i++)
		if (!a->streams[i].ended && !a->streams[i].bad.len)
			return 1;
	return 0;
}

double capture_answer_first(const struct capture_answer *a)
{
	double first = 0;

	for (int i = 0; i < a->n; i++)
		if (a->streams[i].first > 0 && (first <= 0 || a->streams[i].first < first))
			first = a->streams[i].first;
	return first;
}

size_t capture_answer_held(const struct capture_answer *a)
{
	return a->bytes < a->max ? a->bytes : a->max;
}

/* An answer that is no record's: why, in words. */
static void refuse(const struct capture_call *c, struct span body, struct backend_answer *a)
{
	struct buf message = BUF_INIT;
	struct span v;

	if (!json_check(body, &v, NULL))
		dialect_error(v, &message);
	if (!message.len)
		buf_addf(&message, "%.*s", (int)(body.n < 300 ? body.n : 300),
			 body.s ? body.s : "");
	backend_answer_fail(a, c->status >= 400 ? "http" : "bad_answer", c->status, "%s",
			    message.len ? message.data : "the answer is empty");
	buf_release(&message);
}

static void read_choice(const struct capture_call *c, struct capture_answer *from, int i,
			struct backend_answer *a)
{
	struct span v, body = buf_span(&from->body);
	struct buf one = BUF_INIT;

	if (from->too_long) {
		backend_answer_fail(a, "too_long", c->status, "the answer is longer than %zu bytes",
				    from->max);
	} else if (!from->events && c->error_type) {
		; /* what came of it is no whole answer */
	} else if (from->events) {
		dialect_stream_answer(dialect(from->kind), &from->streams[i], 0, a);
	} else if (c->status >= 400 || json_check(body, &v, NULL)) {
		refuse(c, body, a);
	} else if (from->n == 1) {
		dialect_answer(dialect(from->kind), v, 0, a);
	} else {
		only_choice(v, i, &one);
		dialect_answer(dialect(from->kind), buf_span(&one), 0, a);
	}
	if (c->error_type)
		backend_answer_fail(a, c->error_type, c->status, "%s", c->error ? c->error : "");
	buf_release(&one);
}

/* --- records --- */

void capture_id(char id[27], const struct timespec *time)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t ms = (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_nsec / 1000000;
	unsigned char raw[16] = {0};

	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
		raw[0] = (unsigned char)time->tv_nsec;
	for (int i = 9; i >= 0; i--, ms >>= 5)
		id[i] = digits[ms & 31];
	for (int i = 0; i < 16; i++)
		id[10 + i] = digits[raw[i] & 31];
	id[26] = '\0';
}

void capture_time(char text[32], const struct timespec *time)
{
	struct tm tm;
	size_t n;

	gmtime_r(&time->tv_sec, &tm);
	n = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, 32 - n, ".%03ldZ", time->tv_nsec / 1000000);
}

static void put_known(struct jw *w, const char *name, const char *value)
{
	if (value)
		jw_put_str(w, name, value);
}

/* Whether a member stands in the record under a name of its own, or has no bearing on the answer. */
static int stands_elsewhere(enum capture_kind kind, const struct member *m)
{
	static const struct {
		const char *name;
		unsigned kinds; /* 0: all */
	} names[] = {
		{"model", 0},
		{"stream", 0},
		{"stream_options", 0},
		{"metadata", 0},
		{"store", 0},
		{"user", 0},
		{"messages", KIND(CHAT) | KIND(COMPLETIONS) | KIND(MESSAGES)},
		{"prompt", KIND(CHAT) | KIND(COMPLETIONS)},
		{"response_format", KIND(CHAT) | KIND(COMPLETIONS)},
		{"system", KIND(MESSAGES)},
		{"input", KIND(RESPONSES)},
		{"instructions", KIND(RESPONSES)},
		{"tools", 0},
		{"tool_choice", 0},
	};

	/* Taken as a text alone. */
	if (span_is(m->key, "instructions") && json_kind(m->value) != JSON_STRING)
		return 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_is(m->key, names[i].name))
			return !names[i].kinds || (names[i].kinds & 1u << kind);
	return 0;
}

/* What decides an answer beside its input, as the client sent it. */
static void put_params(const struct capture_request *q, struct jw *w)
{
	struct span choice = record_get(&q->record, "tool_choice");
	int some = 0;

	for (size_t i = 0; i < q->record.n; i++) {
		const struct member *m = &q->record.members[i];

		if (stands_elsewhere(q->kind, m))
			continue;
		if (!some++)
			jw_put_object(w, "params");
		jw_keyn(w, m->key.s, m->key.n);
		jw_raw(w, m->value);
	}
	if (q->kind == CAPTURE_MESSAGES &&
	    json_kind(json_member(choice, "disable_parallel_tool_use")) == JSON_TRUE) {
		if (!some++)
			jw_put_object(w, "params");
		jw_put_bool(w, "parallel_tool_calls", 0);
	}
	if (some)
		jw_end(w);
}

/* which: of several answers; -1: all. */
static void put_asked(const struct capture_request *q, int which, struct jw *w)
{
	static const char *const names[] = {"messages", "prompt", "tools", "tool_choice",
					    "response_format"};
	struct span v;

	struct buf left_out = BUF_INIT;

	if (!q->is_json)
		return;
	if (q->kind == CAPTURE_CHAT || q->kind == CAPTURE_COMPLETIONS) {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			v = record_get(&q->record, names[i]);
			if (i == 1 && which >= 0 && several_prompts(q))
				v = json_element(v, which / q->each);
			if (json_kind(v) > JSON_NULL)
				jw_put_raw(w, names[i], v);
		}
	} else if (q->kind == CAPTURE_MESSAGES) {
		asked_put_messages(&q->record, w, &left_out);
	} else {
		asked_put_responses(&q->record, w, &left_out);
	}
	put_params(q, w);
	v = record_get(&q->record, "metadata");
	if (json_kind(v) > JSON_NULL)
		jw_put_raw(w, "tags", v);
	if (several_prompts(q) * (size_t)q->each > CHOICES_MAX)
		buf_addf(&left_out, "%sanswers beyond %d", left_out.len ? "," : "", CHOICES_MAX);
	if (left_out.len)
		jw_put_text(w, "left_out", buf_span(&left_out));
	buf_release(&left_out);
}

/* Members of the record that are not looked through: their texts are this program's own. An API's
 * name for its model need not be. */
static int is_own(struct span key, const struct capture_call *c)
{
	static const char *const names[] = {"id",    "time",   "latency", "ttft",   "cost",
					    "route", "target", "shadow",  "sample", "routes_hash"};

	if (json_is(key, "model"))
		return c->model != NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_is(key, names[i]))
			return 1;
	return 0;
}

/* The record in `from`, cleaned, appended. Tokens of an answer spell out what was taken out of it, so
 * they go too. */
static void put_clean(struct span from, const struct redact *redact, const struct capture_call *c,
		      struct buf *to)
{
	struct redact_counts counts = {.steps = 0};
	struct json_iter it = {0};
	struct span key, v;
	struct buf probs = BUF_INIT;
	size_t some = 0, n = 0;
	struct jw w;

	buf_addc(to, '{');
	while (json_next(&it, from, &key, &v)) {
		if (json_is(key, "logprobs")) {
			buf_addf(&probs, ",%.*s:", (int)key.n, key.s);
			buf_addspan(&probs, v);
			continue;
		}
		buf_adds(to, some++ ? "," : "");
		buf_addspan(to, key);
		buf_addc(to, ':');
		if (is_own(key, c))
			buf_addspan(to, v);
		else
			n += redact_json(redact, v, to, &counts);
	}
	if (n) {
		struct buf said = BUF_INIT;

		jw_init(&w, &said);
		jw_object(&w);
		redact_put(redact, &counts, &w);
		jw_end(&w);
		buf_addc(to, ',');
		buf_add(to, said.data + 1, said.len - 2);
		buf_release(&said);
	} else {
		buf_addspan(to, buf_span(&probs));
	}
	buf_addc(to, '}');
	buf_release(&probs);
}

static double usage_sums(const struct backend_answer *a, const char *asked, struct prices *prices,
			 struct capture_sums *sums)
{
	struct dialect_usage u;
	double cost;

	if (!a->usage.len)
		return NAN;
	dialect_usage(buf_span(&a->usage), &u);
	if (sums && u.prompt >= 0)
		sums->prompt_tokens = (double)u.prompt;
	if (sums && u.completion >= 0)
		sums->completion_tokens = (double)u.completion;
	cost = prices ? prices_cost(prices, a->model, 0, &u) : NAN;
	if (isnan(cost) && prices && asked)
		cost = prices_cost(prices, asked, 0, &u);
	return cost;
}

static void write_one(const struct capture_request *q, const struct capture_call *c,
		      struct backend_answer *a, int sample, struct buf *to)
{
	struct buf answer = BUF_INIT;
	char time[32], version[sizeof a->model];
	struct jw w;

	snprintf(version, sizeof version, "%s", a->model);
	if (c->model)
		snprintf(a->model, sizeof a->model, "%s", c->model);
	answer_write(a, &answer);
	capture_time(time, &c->time);
	jw_init(&w, to);
	jw_object(&w);
	jw_put_str(&w, "id", c->id);
	jw_put_str(&w, "time", time);
	put_known(&w, "route", c->route);
	put_known(&w, "target", c->target);
	put_known(&w, "client", c->client);
	if (c->session.n)
		jw_put_text(&w, "session", c->session);
	put_asked(q, sample, &w);
	jw_end(&w);
	/* one object of both */
	to->len--;
	buf_addc(to, ',');
	buf_add(to, answer.data + 1, answer.len - 1);
	to->len--;
	if (version[0] && strcmp(version, a->model) != 0) {
		buf_adds(to, ",\"model_version\":");
		json_put_string(to, version, strlen(version));
	}
	if (sample >= 0)
		buf_addf(to, ",\"sample\":%d", sample);
	if (c->shadow)
		buf_adds(to, ",\"shadow\":true");
	if (c->fallback) {
		buf_adds(to, ",\"fallback\":");
		json_put_string(to, c->fallback, strlen(c->fallback));
	}
	if (c->routes_hash)
		buf_addf(to, ",\"routes_hash\":\"%s\"", c->routes_hash);
	buf_addc(to, '}');
	buf_release(&answer);
}

void capture_write(const struct capture_request *q, const struct capture_call *c,
		   struct capture_answer *from, struct prices *prices, const struct redact *redact,
		   struct buf *lines, struct capture_sums *sums)
{
	struct backend_answer a = {0};
	struct buf line = BUF_INIT;
	struct span v;
	int n = from->n ? from->n : 1;
	/* An answer that is none stands once. */
	int single = n == 1 || c->status >= 400 || (c->error_type && !from->events);

	if (sums)
		*sums = (struct capture_sums){NAN, NAN, NAN, 0};
	for (int i = 0; i < (single ? 1 : n); i++) {
		size_t start = lines->len;

		backend_answer_clear(&a);
		if (from->n)
			read_choice(c, from, i, &a);
		else
			backend_answer_fail(&a, c->error_type ? c->error_type : "http", c->status,
					    "%s", c->error ? c->error : "there was no answer");
		a.latency = c->latency;
		a.ttft = c->ttft;
		/* The usage is that of all choices, and counted with the first. */
		a.cost = i ? NAN : usage_sums(&a, c->model, prices, sums);
		if (sums && !i)
			sums->cost = a.cost;
		if (sums)
			sums->error |= a.error_type[0] != 0;
		if (c->request_id)
			snprintf(a.request_id, sizeof a.request_id, "%s", c->request_id);
		buf_clear(&line);
		write_one(q, c, &a, single ? -1 : i, &line);
		if (c->secrets && line.len)
			secrets_mask(c->secrets, line.data, line.len);
		if (!redact || json_check(buf_span(&line), &v, NULL))
			buf_addspan(lines, buf_span(&line));
		else
			put_clean(v, redact, c, lines);
		/* A body may be spread over lines. */
		for (size_t k = start; k < lines->len; k++)
			if (lines->data[k] == '\n' || lines->data[k] == '\r')
				lines->data[k] = ' ';
		buf_addc(lines, '\n');
	}
	buf_release(&line);
	backend_answer_release(&a);
}
