/* A local model as a target, without a network: what a call answers is what ft-prompt gets from the
 * model, whole or streamed, alone or among others; what can't be honoured is refused by name. */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "../../lib/api/dialect.h"
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/infer/local.h"
#include "../../lib/model/model.h"
#include "../../lib/serve/local.h"
#include "../../lib/token/tokenizer.h"
#include "tap.h"

static const char config[] =
	"{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":264,\"rms_norm_eps\":1e-5,"
	"\"max_position_embeddings\":512,\"initializer_range\":0.3,\"tie_word_embeddings\":true,\"eos_token_id\":257}";

/* Calls as Llama 3 writes them: bare JSON. */
static const char template[] =
	"{% for m in messages %}<|begin|>{{ m.role }}\n{% if m.tool_calls %}{\"name\": \"{{ m.tool_calls[0].function.name }}\", "
	"\"parameters\": {{ m.tool_calls[0].function.arguments | tojson }}}{% else %}{{ m.content }}{% endif %}<|end|>{% endfor %}"
	"{% if tools %}{{ tools | tojson }}{% endif %}{% if add_generation_prompt %}<|begin|>assistant\n{% endif %}";

static char dir[] = "/tmp/ft-served-XXXXXX";
static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json",
				    "tokenizer_config.json"};

static _Noreturn void bail(const char *why)
{
	printf("Bail out! %s\n", why);
	exit(1);
}

static void make_model(void)
{
	struct err e = ERR_INIT;
	struct config c;
	struct model *m;
	struct buf b = BUF_INIT;
	struct jw w;
	char *path;

	if (!mkdtemp(dir) || tokenizer_write_bytes(dir, &e) ||
	    config_parse(&c, config, strlen(config), "config", &e) < 0 ||
	    model_new(&m, &c, 5, &e) ||
	    model_save(m, dir, &(struct model_save){.type = NN_F32}, &e))
		bail(e.msg);
	jw_init(&w, &b);
	jw_object(&w);
	jw_put_str(&w, "tokenizer_class", "PreTrainedTokenizerFast");
	jw_put_str(&w, "bos_token", "<|begin|>");
	jw_put_str(&w, "eos_token", "<|end|>");
	jw_put_bool(&w, "add_bos_token", 0);
	jw_put_bool(&w, "clean_up_tokenization_spaces", 0);
	jw_put_str(&w, "chat_template", template);
	jw_end(&w);
	path = file_join(dir, files[3]);
	if (file_write(path, b.data, b.len, &e))
		bail(e.msg);
	free(path);
	buf_release(&b);
	model_free(m);
	config_release(&c);
}

static void remove_model(void)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *path = file_join(dir, files[i]);

		remove(path);
		free(path);
	}
	remove(dir);
}

/* --- calls --- */

static int wake;

struct got {
	struct local_call *call;
	struct local_head head;
	struct buf body;
	enum local_state state;
};

static void got_release(struct got *g)
{
	buf_release(&g->body);
	memset(g, 0, sizeof *g);
}

static void start(struct local_target *t, struct got *g, const char *path, const char *body)
{
	g->call = local_call_start(t, path, span_of(body), "served");
	g->state = LOCAL_WAITING;
}

/* Takes what is there of n calls; returns how many have not ended. */
static size_t drain(struct got *g, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (g[i].call && g[i].state != LOCAL_ENDED)
			g[i].state = local_call_read(g[i].call, &g[i].body, &g[i].head);
		left += g[i].call && g[i].state != LOCAL_ENDED;
	}
	return left;
}

static void wait_for_news(void)
{
	struct pollfd p = {wake, POLLIN, 0};
	uint64_t n;

	if (poll(&p, 1, 60000) != 1 || read(wake, &n, sizeof n) != sizeof n)
		bail("nothing came for a minute");
}

static void finish(struct got *g, size_t n)
{
	while (drain(g, n))
		wait_for_news();
	for (size_t i = 0; i < n; i++) {
		local_call_free(g[i].call);
		g[i].call = NULL;
	}
}

static struct got ask(struct local_target *t, const char *path, const char *body)
{
	struct got g = {0};

	start(t, &g, path, body);
	finish(&g, 1);
	return g;
}

/* --- what an answer says, by the readers of lib/api --- */

static void read_answer(const struct got *g, enum dialect_kind d, struct backend_answer *a)
{
	struct dialect_stream s = {0};
	struct span v;

	memset(a, 0, sizeof *a);
	backend_answer_clear(a);
	if (strcmp(g->head.type, "text/event-stream") == 0) {
		/* cut where it may hurt */
		for (size_t i = 0; i < g->body.len; i += 7)
			dialect_stream_add(d, &s, g->body.data + i,
					   g->body.len - i < 7 ? g->body.len - i : 7, 1);
		dialect_stream_answer(d, &s, 0, a);
		dialect_stream_release(&s);
	} else if (json_check(buf_span(&g->body), &v, NULL)) {
		backend_answer_fail(a, "test", 0, "no JSON");
	} else {
		dialect_answer(d, v, 0, a);
	}
}

static int64_t token_count(const struct backend_answer *a, int completion)
{
	struct dialect_usage u;

	dialect_usage(buf_span(&a->usage), &u);
	return completion ? u.completion : u.prompt;
}

static int same_answer(const struct backend_answer *a, const struct backend_answer *b, int logprobs)
{
	int same = span_eq(buf_span(&a->output), buf_span(&b->output)) &&
		   strcmp(a->finish_reason, b->finish_reason) == 0 && !a->error_type[0] &&
		   !b->error_type[0] && !a->tool_calls.len == !b->tool_calls.len &&
		   token_count(a, 0) == token_count(b, 0) && token_count(a, 1) == token_count(b, 1);

	if (same && a->tool_calls.len)
		same = json_equal(buf_span(&a->tool_calls), buf_span(&b->tool_calls));
	if (same && logprobs)
		same = json_equal(buf_span(&a->logprobs), buf_span(&b->logprobs));
	if (!same)
		printf("# %s|%s|%s|%s %s\n# %s|%s|%s|%s %s\n", a->output.data ? a->output.data : "",
		       a->finish_reason, a->usage.data ? a->usage.data : "",
		       a->tool_calls.data ? a->tool_calls.data : "", a->error_type,
		       b->output.data ? b->output.data : "", b->finish_reason,
		       b->usage.data ? b->usage.data : "",
		       b->tool_calls.data ? b->tool_calls.data : "", b->error_type);
	return same;
}

/* --- the same of ft-prompt's backend --- */

static void keep(void *arg, uint64_t ticket, struct backend_answer *a)
{
	struct backend_answer *to = arg;

	(void)ticket;
	memset(to, 0, sizeof *to);
	backend_answer_clear(to);
	to->has_output = a->has_output;
	buf_addspan(&to->output, buf_span(&a->output));
	buf_addspan(&to->tool_calls, buf_span(&a->tool_calls));
	buf_addspan(&to->usage, buf_span(&a->usage));
	buf_addspan(&to->logprobs, buf_span(&a->logprobs));
	snprintf(to->finish_reason, sizeof to->finish_reason, "%s", a->finish_reason);
	snprintf(to->error_type, sizeof to->error_type, "%s", a->error_type);
}

static void by_prompt(const struct backend_params *p, const struct backend_request *q,
		      struct backend_answer *a)
{
	struct backend_local how = {.model = dir, .threads = 1, .params = p};
	struct err e = ERR_INIT;
	struct buf body = BUF_INIT;
	struct backend b;

	if (local_open(&b, &how, &e) || b.build(b.self, q, &body, &e) ||
	    b.submit(b.self, 1, q, buf_span(&body), &e))
		bail(e.msg);
	while (b.run(b.self, 0, keep, a, &e) > 0)
		;
	b.free(b.self);
	buf_release(&body);
}

/* --- the rows --- */

#define MESSAGES \
	"[{\"role\":\"system\",\"content\":\"Be short.\"},{\"role\":\"user\",\"content\":\"Say %s\"}]"
#define TOOLS \
	"[{\"type\":\"function\",\"function\":{\"name\":\"look\",\"parameters\":{\"type\":\"object\",\"properties\":{\"n\":" \
	"{\"type\":\"integer\"}}}}}]"
#define CALL_SCHEMA \
	"{\"type\":\"object\",\"properties\":{\"name\":{\"const\":\"look\"},\"parameters\":{\"type\":\"object\",\"properties\":" \
	"{\"n\":{\"type\":\"integer\",\"maximum\":99,\"minimum\":0}},\"required\":[\"n\"],\"additionalProperties\":false}},\"required\":" \
	"[\"name\",\"parameters\"],\"additionalProperties\":false}"

static const struct row {
	const char *name, *more; /* members of the request beside messages */
	double temperature;
	int seeded, logprobs, tools, n;
	const char *stop, *schema;
} rows[] = {
	{"greedy", "", NAN, 0, -1, 0, 1, NULL, NULL},
	{"sampled", ",\"temperature\":0.9,\"seed\":11", .9, 1, -1, 0, 1, NULL, NULL},
	{"two sampled", ",\"temperature\":1,\"seed\":4,\"n\":2", 1, 1, -1, 0, 2, NULL, NULL},
	{"with log-probabilities", ",\"logprobs\":true,\"top_logprobs\":2", NAN, 0, 2, 0, 1, NULL,
	 NULL},
	{"stopped", ",\"stop\":\" \",\"seed\":3,\"temperature\":1.3", 1.3, 1, -1, 0, 1, " ", NULL},
	{"held to a schema",
	 ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"type\":\"object\",\"properties\":"
	 "{\"a\":{\"enum\":[\"yes\",\"no\"]},\"b\":{\"type\":\"boolean\"}},\"required\":[\"a\",\"b\"],\"additionalProperties\":false}}}",
	 NAN, 0, -1, 0, 1, NULL,
	 "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[\"yes\",\"no\"]},\"b\":{\"type\":\"boolean\"}},\"required\":[\"a\",\"b\"],"
	 "\"additionalProperties\":false}"},
	{"calling a tool",
	 ",\"tools\":" TOOLS
	 ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":" CALL_SCHEMA
	 "}}",
	 NAN, 0, -1, 1, 1, NULL, CALL_SCHEMA},
};

/* The answer with this index alone, for a stream or a body with several. */
static struct got one_choice(const struct got *g, int index)
{
	struct got one = {.head = g->head};
	char *copy = span_dup(buf_span(&g->body)), *line, *save = NULL;
	char want[24], *at;

	snprintf(want, sizeof want, "\"index\":%d", index);
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, "\"choices\":[{") && !strstr(line, want))
			continue;
		buf_adds(&one.body, line);
		buf_adds(&one.body, "\n\n");
		/* the reader knows index 0 */
		if ((at = strstr(one.body.data, want)))
			at[strlen("\"index\":")] = '0';
	}
	free(copy);
	return one;
}

static void same_as_prompt(struct local_target *t, const struct row *row)
{
	struct backend_params p;
	struct backend_request q = {0};
	struct backend_answer want, got, other;
	struct buf body = BUF_INIT, messages = BUF_INIT;
	struct got whole, stream;
	size_t events = 0;
	const char *stop[] = {row->stop};
	int good = 1;

	backend_params_init(&p);
	p.temperature = row->temperature;
	p.seeded = row->seeded;
	p.seed = row->seeded ? atoi(strstr(row->more, "\"seed\":") + 7) : 0;
	p.logprobs = row->logprobs;
	p.max_tokens = row->tools ? 200 : 40;
	if (row->stop) {
		p.stop = stop;
		p.stops = 1;
	}
	p.schema = span_of(row->schema);
	buf_addf(&messages, MESSAGES, row->name);
	q.messages = buf_span(&messages);
	q.tools = row->tools ? span_of(TOOLS) : (struct span){0};
	buf_addf(&body, "{\"model\":\"m\",\"messages\":%s,\"max_tokens\":%d%s}", messages.data,
		 row->tools ? 200 : 40, row->more);
	whole = ask(t, "/v1/chat/completions", body.data);
	body.len--;
	buf_adds(&body, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
	stream = ask(t, "/v1/chat/completions", body.data);
	if (whole.head.status != 200 || strcmp(whole.head.type, "application/json") != 0 ||
	    stream.head.status != 200 || strcmp(stream.head.type, "text/event-stream") != 0)
		printf("# %s\n# %s\n", whole.body.data, stream.body.data);
	for (int k = 0; k < row->n; k++) {
		struct got part = row->n > 1 ? one_choice(&stream, k) : stream;
		struct span choices;

		q.sample = k;
		by_prompt(&p, &q, &want);
		if (row->n == 1) {
			read_answer(&whole, DIALECT_OPENAI, &got);
			good &= same_answer(&want, &got, row->logprobs >= 0);
			read_answer(&part, DIALECT_OPENAI, &other);
			good &= same_answer(&want, &other, row->logprobs >= 0);
			backend_answer_release(&other);
			backend_answer_release(&got);
		} else {
			/* of several, the texts */
			struct buf text = BUF_INIT;

			choices = json_member(buf_span(&whole.body), "choices");
			json_string(json_member(json_member(json_element(choices, k), "message"),
						"content"),
				    &text);
			good &= span_eq(buf_span(&text), buf_span(&want.output));
			read_answer(&part, DIALECT_OPENAI, &other);
			good &= span_eq(buf_span(&other.output), buf_span(&want.output));
			backend_answer_release(&other);
			buf_release(&text);
			buf_release(&part.body);
		}
		if (row->tools)
			good &= want.tool_calls.len > 0 &&
				strcmp(want.finish_reason, "tool_calls") == 0;
		backend_answer_release(&want);
	}
	ok(good, "%s: whole and streamed, the answer is that of ft-prompt", row->name);
	for (const char *at = stream.body.data; (at = strstr(at, "data: ")); at++)
		events++;
	ok(row->tools || events > 5, "%s: it came piece by piece (%zu)", row->name, events);
	got_release(&whole);
	got_release(&stream);
	buf_release(&body);
	buf_release(&messages);
}

/* --- completions --- */

static void completions(struct local_target *t)
{
	struct backend_params p;
	struct backend_request q = {.prompt = span_of("Once upon")};
	struct backend_answer want;
	struct got g, s;
	struct span choices, lists;
	struct buf text = BUF_INIT;

	backend_params_init(&p);
	p.max_tokens = 12;
	by_prompt(&p, &q, &want);
	g = ask(t, "/v1/completions",
		"{\"model\":\"m\",\"prompt\":[\"Once upon\",\"A\"],\"max_tokens\":12,\"n\":2,\"logprobs\":1}");
	choices = json_member(buf_span(&g.body), "choices");
	json_string(json_member(json_element(choices, 0), "text"), &text);
	ok(json_count(choices) == 4 && span_eq(buf_span(&text), buf_span(&want.output)),
	   "a completion goes on as ft-prompt's, and there is one for each prompt and answer");
	lists = json_member(json_element(choices, 0), "logprobs");
	ok(json_count(json_member(lists, "tokens")) == 12 &&
		   json_count(json_member(lists, "token_logprobs")) == 12 &&
		   json_count(json_member(lists, "top_logprobs")) == 12 &&
		   json_count(json_member(lists, "text_offset")) == 12,
	   "its log-probabilities are lists side by side");
	s = ask(t, "/v1/completions",
		"{\"model\":\"m\",\"prompt\":\"Once upon\",\"max_tokens\":12,\"stream\":true}");
	ok(strstr(s.body.data, "\"object\":\"text_completion\"") &&
		   strstr(s.body.data, "data: [DONE]\n\n"),
	   "it streams");
	got_release(&g);
	g = ask(t, "/v1/completions", "{\"model\":\"m\",\"prompt\":\"Once upon\"}");
	ok(json_is(json_member(json_element(json_member(buf_span(&g.body), "choices"), 0),
			       "finish_reason"),
		   "length") &&
		   strstr(g.body.data, "\"completion_tokens\":16"),
	   "without max_tokens it has 16, as their own API does it");
	got_release(&g);
	got_release(&s);
	buf_release(&text);
	backend_answer_release(&want);
}

/* The first call's name and its arguments as JSON are the same; white space within them is none of
 * Anthropic's. */
static int same_call(const struct backend_answer *a, const struct backend_answer *b)
{
	struct span f[2] = {json_member(json_element(buf_span(&a->tool_calls), 0), "function"),
			    json_member(json_element(buf_span(&b->tool_calls), 0), "function")};
	struct buf text[2] = {{0}};
	struct span v[2];
	int same = json_equal(json_member(f[0], "name"), json_member(f[1], "name"));

	for (int i = 0; i < 2; i++)
		same &= !json_string(json_member(f[i], "arguments"), &text[i]) &&
			!json_check(buf_span(&text[i]), &v[i], NULL);
	same = same && json_equal(v[0], v[1]);
	buf_release(&text[0]);
	buf_release(&text[1]);
	return same;
}

/* --- the other dialects --- */

static void other_dialects(struct local_target *t)
{
	static const struct {
		const char *name, *path, *body, *tool_body;
		enum dialect_kind kind;
	} dialects[] = {
		{"messages", "/v1/messages",
		 "{\"model\":\"m\",\"max_tokens\":30,\"system\":\"Be short.\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
		 "\"text\":\"Say it\"}]}]%s}",
		 "{\"model\":\"m\",\"max_tokens\":200,\"system\":\"Be short.\",\"messages\":[{\"role\":\"user\",\"content\":\"Say it\"}],\"tools\":"
		 "[{\"name\":\"look\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}}],"
		 "\"output_format\":{\"type\":\"json_schema\",\"schema\":" CALL_SCHEMA "}%s}",
		 DIALECT_ANTHROPIC},
		{"responses", "/v1/responses",
		 "{\"model\":\"m\",\"max_output_tokens\":30,\"instructions\":\"Be short.\",\"input\":\"Say it\"%s}",
		 "{\"model\":\"m\",\"max_output_tokens\":200,\"instructions\":\"Be short.\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
		 "\"input_text\",\"text\":\"Say it\"}]}],\"tools\":[{\"type\":\"function\",\"name\":\"look\",\"parameters\":{\"type\":\"object\","
		 "\"properties\":{\"n\":{\"type\":\"integer\"}}}}],\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"x\",\"schema\":" CALL_SCHEMA
		 "}}%s}",
		 DIALECT_RESPONSES},
	};
	struct backend_params p;
	struct backend_request q = {0};
	struct backend_answer want[2];
	struct buf messages = BUF_INIT;

	backend_params_init(&p);
	buf_addf(&messages, MESSAGES, "it");
	q.messages = buf_span(&messages);
	p.max_tokens = 30;
	by_prompt(&p, &q, &want[0]);
	p.max_tokens = 200;
	p.schema = span_of(CALL_SCHEMA);
	q.tools = span_of(TOOLS);
	by_prompt(&p, &q, &want[1]);
	for (size_t i = 0; i < 2; i++)
		for (int tools = 0; tools < 2; tools++)
			for (int stream = 0; stream < 2; stream++) {
				struct buf body = BUF_INIT;
				struct backend_answer a;
				struct got g;

				const char *form = tools ? dialects[i].tool_body : dialects[i].body,
					   *at = strstr(form, "%s");

				buf_add(&body, form, (size_t)(at - form));
				buf_adds(&body, stream ? ",\"stream\":true" : "");
				buf_adds(&body, at + 2);
				g = ask(t, dialects[i].path, body.data);
				read_answer(&g, dialects[i].kind, &a);
				if (tools)
					ok(span_eq(buf_span(&a.output),
						   buf_span(&want[1].output)) &&
						   strcmp(a.finish_reason, "tool_calls") == 0 &&
						   same_call(&a, &want[1]),
					   "%s%s: the call is that of ft-prompt", dialects[i].name,
					   stream ? ", streamed" : "");
				else
					ok(same_answer(&want[tools], &a, 0),
					   "%s%s: the answer is that of ft-prompt",
					   dialects[i].name, stream ? ", streamed" : "");
				backend_answer_release(&a);
				got_release(&g);
				buf_release(&body);
			}
	buf_release(&messages);
	backend_answer_release(&want[0]);
	backend_answer_release(&want[1]);
}

/* --- many at once, some given up --- */

#define CALLS 64

static void question(struct buf *b, size_t i)
{
	buf_addf(b,
		 "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"A system text that all calls share, so that it is read once.\"},"
		 "{\"role\":\"user\",\"content\":\"Question %zu %.*s\"}],\"temperature\":0.8,\"seed\":%zu,\"max_tokens\":%zu%s}",
		 i, (int)(i % 9 * 3), "what what what what what what", i, 10 + i % 17,
		 i % 2 ? ",\"stream\":true" : "");
}

static void many(struct local_target *t)
{
	static struct got alone[CALLS], now[CALLS];
	static struct backend_answer texts[CALLS];
	static const size_t at_once[] = {8, CALLS};
	struct buf body = BUF_INIT;

	for (size_t i = 0; i < CALLS; i++) {
		buf_clear(&body);
		question(&body, i);
		alone[i] = ask(t, "/v1/chat/completions", body.data);
		read_answer(&alone[i], DIALECT_OPENAI, &texts[i]);
	}
	for (size_t k = 0; k < 2; k++)
		for (int giving_up = 0; giving_up < 2; giving_up++) {
			size_t wrong = 0, given_up = 0;

			for (size_t from = 0; from < CALLS; from += at_once[k]) {
				for (size_t i = from; i < from + at_once[k]; i++) {
					buf_clear(&body);
					question(&body, i);
					start(t, &now[i], "/v1/chat/completions", body.data);
					if (giving_up && i % 5 == 1) {
						/* at once, while it waits */
						local_call_free(now[i].call);
						now[i].call = NULL;
						given_up++;
					}
				}
				for (size_t i = from; giving_up && i < from + at_once[k]; i += 7) {
					/* after something came of it */
					while (i % 2 && now[i].call && !now[i].body.len &&
					       now[i].state != LOCAL_ENDED) {
						drain(now + from, at_once[k]);
						if (!now[i].body.len)
							wait_for_news();
					}
					given_up += now[i].call != NULL;
					local_call_free(now[i].call);
					now[i].call = NULL;
				}
				finish(now + from, at_once[k]);
			}
			for (size_t i = 0; i < CALLS; i++) {
				struct backend_answer a;

				if (giving_up && (i % 5 == 1 || (i % at_once[k]) % 7 == 0)) {
					got_release(&now[i]);
					continue;
				}
				read_answer(&now[i], DIALECT_OPENAI, &a);
				/* a stream has no usage unless it is asked for */
				wrong +=
					!span_eq(buf_span(&a.output), buf_span(&texts[i].output)) ||
					strcmp(a.finish_reason, texts[i].finish_reason) != 0 ||
					a.error_type[0];
				backend_answer_release(&a);
				got_release(&now[i]);
			}
			while (local_target_busy(t))
				usleep(1000);
			ok(wrong == 0 && given_up == (giving_up ? given_up : 0),
			   "%zu at once, %zu of %d given up: the others' answers are the same",
			   at_once[k], given_up, CALLS);
		}
	for (size_t i = 0; i < CALLS; i++) {
		got_release(&alone[i]);
		backend_answer_release(&texts[i]);
	}
	buf_release(&body);
}

/* --- refusals --- */

#define CHAT "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"

static const struct {
	const char *path, *body, *param;
} refused[] = {
	{"/v1/chat/completions", "no JSON", NULL},
	{"/v1/chat/completions", "[]", NULL},
	{"/v1/chat/completions", "{\"model\":\"m\"}", "messages"},
	{"/v1/chat/completions", "{\"model\":\"m\",\"messages\":[]}", "messages"},
	{"/v1/chat/completions",
	 "{\"model\":\"m\",\"messages\":[{\"role\":\"pirate\",\"content\":\"a\"}]}",
	 "messages[0].role"},
	{"/v1/chat/completions",
	 "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]}]}",
	 "messages"},
	{"/v1/chat/completions", CHAT "\"frequency_penalty\":0.5}", "frequency_penalty"},
	{"/v1/chat/completions", CHAT "\"presence_penalty\":-1}", "presence_penalty"},
	{"/v1/chat/completions", CHAT "\"logit_bias\":{\"5\":1}}", "logit_bias"},
	{"/v1/chat/completions", CHAT "\"reasoning_effort\":\"low\"}", "reasoning_effort"},
	{"/v1/chat/completions", CHAT "\"functions\":[]}", "functions"},
	{"/v1/chat/completions", CHAT "\"audio\":{}}", "audio"},
	{"/v1/chat/completions", CHAT "\"modalities\":[\"text\",\"audio\"]}", "modalities"},
	{"/v1/chat/completions", CHAT "\"prediction\":{}}", "prediction"},
	{"/v1/chat/completions", CHAT "\"web_search_options\":{}}", "web_search_options"},
	{"/v1/chat/completions", CHAT "\"unheard_of\":1}", "unheard_of"},
	{"/v1/chat/completions", CHAT "\"temperature\":3}", "temperature"},
	{"/v1/chat/completions", CHAT "\"temperature\":\"hot\"}", "temperature"},
	{"/v1/chat/completions", CHAT "\"top_p\":1.5}", "top_p"},
	{"/v1/chat/completions", CHAT "\"n\":0}", "n"},
	{"/v1/chat/completions", CHAT "\"n\":129}", "n"},
	{"/v1/chat/completions", CHAT "\"max_tokens\":0}", "max_tokens"},
	{"/v1/chat/completions", CHAT "\"max_tokens\":5,\"max_completion_tokens\":6}",
	 "max_completion_tokens"},
	{"/v1/chat/completions", CHAT "\"stop\":\"\"}", "stop"},
	{"/v1/chat/completions", CHAT "\"stop\":[1]}", "stop"},
	{"/v1/chat/completions", CHAT "\"seed\":1.5}", "seed"},
	{"/v1/chat/completions", CHAT "\"stream\":\"yes\"}", "stream"},
	{"/v1/chat/completions", CHAT "\"stream_options\":{\"include_usage\":true}}",
	 "stream_options"},
	{"/v1/chat/completions", CHAT "\"stream\":true,\"stream_options\":{\"more\":true}}",
	 "stream_options"},
	{"/v1/chat/completions", CHAT "\"top_logprobs\":3}", "top_logprobs"},
	{"/v1/chat/completions", CHAT "\"logprobs\":true,\"top_logprobs\":21}", "top_logprobs"},
	{"/v1/chat/completions", CHAT "\"service_tier\":\"flex\"}", "service_tier"},
	{"/v1/chat/completions", CHAT "\"response_format\":{\"type\":\"yaml\"}}",
	 "response_format"},
	{"/v1/chat/completions",
	 CHAT
	 "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"not\":{}}}}}",
	 "response_format"},
	{"/v1/chat/completions", CHAT "\"tools\":{}}", "tools"},
	{"/v1/chat/completions", CHAT "\"tools\":[{\"type\":\"custom\"}]}", "tools[0].type"},
	{"/v1/chat/completions", CHAT "\"tools\":[{\"type\":\"function\",\"function\":{}}]}",
	 "tools[0].function.name"},
	{"/v1/chat/completions",
	 CHAT "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}]}",
	 "tools[0].function.strict"},
	{"/v1/chat/completions", CHAT "\"tools\":" TOOLS ",\"tool_choice\":\"required\"}",
	 "tool_choice"},
	{"/v1/chat/completions",
	 CHAT "\"tools\":" TOOLS
	      ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"look\"}}}",
	 "tool_choice"},
	{"/v1/completions", "{\"model\":\"m\"}", "prompt"},
	{"/v1/completions", "{\"model\":\"m\",\"prompt\":[1,2]}", "prompt"},
	{"/v1/completions", "{\"model\":\"m\",\"prompt\":\"a\",\"suffix\":\"b\"}", "suffix"},
	{"/v1/completions", "{\"model\":\"m\",\"prompt\":\"a\",\"echo\":true}", "echo"},
	{"/v1/completions", "{\"model\":\"m\",\"prompt\":\"a\",\"best_of\":3}", "best_of"},
	{"/v1/completions", "{\"model\":\"m\",\"prompt\":\"a\",\"messages\":[]}", "messages"},
	{"/v1/messages", "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
	 "max_tokens"},
	{"/v1/messages",
	 "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}",
	 "messages"},
	{"/v1/messages",
	 "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]}",
	 "messages[0].role"},
	{"/v1/messages",
	 "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"url\","
	 "\"url\":\"x\"}}]}]}",
	 "messages"},
	{"/v1/messages",
	 "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"thinking\":{\"type\":\"enabled\","
	 "\"budget_tokens\":1024}}",
	 "thinking"},
	{"/v1/messages",
	 "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{\"type\":\"bash_20250124\","
	 "\"name\":\"bash\"}]}",
	 "messages"},
	{"/v1/messages",
	 "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"mcp_servers\":[]}",
	 "mcp_servers"},
	{"/v1/responses", "{\"model\":\"m\"}", "input"},
	{"/v1/responses", "{\"model\":\"m\",\"input\":\"a\",\"previous_response_id\":\"r\"}",
	 "previous_response_id"},
	{"/v1/responses", "{\"model\":\"m\",\"input\":\"a\",\"store\":true}", "store"},
	{"/v1/responses", "{\"model\":\"m\",\"input\":\"a\",\"background\":true}", "background"},
	{"/v1/responses", "{\"model\":\"m\",\"input\":\"a\",\"reasoning\":{\"effort\":\"low\"}}",
	 "reasoning"},
	{"/v1/responses", "{\"model\":\"m\",\"input\":\"a\",\"truncation\":\"auto\"}",
	 "truncation"},
	{"/v1/responses",
	 "{\"model\":\"m\",\"input\":\"a\",\"include\":[\"file_search_call.results\"]}", "include"},
	{"/v1/responses", "{\"model\":\"m\",\"input\":\"a\",\"tools\":[{\"type\":\"web_search\"}]}",
	 "input"},
	{"/v1/responses",
	 "{\"model\":\"m\",\"input\":\"a\",\"text\":{\"format\":{\"type\":\"grammar\"}}}", "text"},
	{"/v1/responses", "{\"model\":\"m\",\"input\":\"a\",\"n\":2}", "n"},
};

static void refusals(struct local_target *t)
{
	struct buf long_body = BUF_INIT;
	struct got g;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct span v = {0}, error, param;
		int anthropic = strcmp(refused[i].path, "/v1/messages") == 0;

		g = ask(t, refused[i].path, refused[i].body);
		json_check(buf_span(&g.body), &v, NULL);
		error = json_member(v, "error");
		param = json_member(error, "param");
		ok(g.head.status == 400 &&
			   (refused[i].param ? json_is(param, refused[i].param)
					     : json_kind(param) != JSON_STRING) &&
			   json_is(json_member(error, "type"), "invalid_request_error") &&
			   json_is(json_member(v, "type"), "error") == anthropic,
		   "refused: %s %.70s", refused[i].param ? refused[i].param : "(the body)",
		   refused[i].body);
		if (g.head.status != 400 ||
		    !json_is(param, refused[i].param ? refused[i].param : ""))
			printf("# %d %s\n", g.head.status, g.body.data);
		got_release(&g);
	}
	buf_addf(&long_body,
		 "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"%0600d\"}],\"stream\":true}",
		 7);
	g = ask(t, "/v1/chat/completions", long_body.data);
	ok(g.head.status == 400 && strstr(g.body.data, "\"code\":\"context_length_exceeded\""),
	   "a prompt that is longer than the context is refused");
	got_release(&g);
	g = ask(t, "/v1/embeddings", "{}");
	ok(g.head.status == 404, "other paths are not answered");
	got_release(&g);
	/* Members that are null, or say what is so anyway, are none. */
	g = ask(t, "/v1/chat/completions",
		CHAT
		"\"max_tokens\":2,\"stop\":null,\"frequency_penalty\":0,\"logit_bias\":{},\"user\":\"u\",\"metadata\":{\"a\":\"b\"},"
		"\"store\":true,\"tools\":[],\"tool_choice\":\"none\",\"modalities\":[\"text\"],\"service_tier\":\"auto\",\"audio\":null}");
	ok(g.head.status == 200, "what has no bearing on the answer is taken");
	got_release(&g);
	buf_release(&long_body);
}

static void bounds(void)
{
	struct local_options o = {.threads = 1, .queue = 2, .unread = 3000, .wake = wake};
	struct err e = ERR_INIT;
	struct local_target *t = local_target_open(dir, NULL, &o, &e);
	struct got g[3] = {{0}};

	if (!t)
		bail(e.msg);
	for (size_t i = 0; i < 3; i++)
		start(t, &g[i], "/v1/chat/completions", CHAT "\"max_tokens\":20}");
	finish(g, 3);
	ok(g[0].head.status == 200 && g[1].head.status == 200 && g[2].head.status == 503 &&
		   g[2].head.retry_after > 0,
	   "more calls than the queue holds are told to come again");
	for (size_t i = 0; i < 3; i++)
		got_release(&g[i]);
	/* Nobody reads until it is over. */
	start(t, &g[0], "/v1/chat/completions",
	      CHAT "\"max_tokens\":400,\"temperature\":2,\"seed\":1,\"stream\":true}");
	while (local_target_busy(t))
		usleep(1000);
	finish(g, 1);
	ok(g[0].head.status == 200 && g[0].body.len < 5000 &&
		   strstr(g[0].body.data, "slow_reader") && !strstr(g[0].body.data, "[DONE]"),
	   "a call that nobody reads is given up with an error event (%zu bytes)", g[0].body.len);
	got_release(&g[0]);
	local_target_free(t);
	ok(!local_target_open("/nonexistent/model", NULL, &o, &e) &&
		   strstr(e.msg, "/nonexistent/model"),
	   "a model that does not load is named: %s", e.msg);
}

int main(void)
{
	struct local_options o = {.threads = 2, .jobs = 16};
	struct err e = ERR_INIT;
	struct local_target *t;

	make_model();
	wake = o.wake = eventfd(0, EFD_CLOEXEC);
	if (!(t = local_target_open(dir, NULL, &o, &e)))
		bail(e.msg);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		same_as_prompt(t, &rows[i]);
	completions(t);
	other_dialects(t);
	many(t);
	refusals(t);
	local_target_free(t);
	bounds();
	close(wake);
	remove_model();
	return tap_done();
}
