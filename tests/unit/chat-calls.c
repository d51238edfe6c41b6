/* Calls of tools are read back from what a model wrote, in the form of its template. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/chat/chat_calls.h"
#include "../../lib/json/json.h"
#include "tap.h"

/* The templates' way with calls, as their makers publish it; all else of them is cut down. */
#define TURNS \
	"{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content or '' }}{% if m.tool_calls %}"
#define END \
	"{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"

static const struct family {
	const char *name, *template;
	int marked;
	const char *one;  /* an answer with a call in it */
	const char *two;  /* with two, or NULL: the family writes one */
	const char *half; /* what is no call, though it begins as one */
} families[] = {
	{"Hermes, Qwen 2.5",
	 TURNS
	 "{% for c in m.tool_calls %}{% if m.content or not loop.first %}\n{% endif %}<tool_call>\n"
	 "{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n"
	 "</tool_call>{% endfor %}" END,
	 1,
	 "Let me look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\"}}\n</tool_call>",
	 "Let me look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\"}}\n</tool_call>\n"
	 "<tool_call>{\"name\":\"add\",\"arguments\":{\"a\":1,\"b\":[2]}}</tool_call>",
	 "Let me look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bo"},
	{"an array behind a mark",
	 TURNS
	 "[TOOL_CALLS][{% for c in m.tool_calls %}{\"name\": \"{{ c.function.name }}\", \"arguments\": "
	 "{{ c.function.arguments | tojson }}, \"id\": \"{{ c.id }}\"}{% if not loop.last %}, {% endif %}"
	 "{% endfor %}]" END,
	 1,
	 "Let me look.[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\"}}]",
	 "Let me look.[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\"}}, "
	 "{\"name\": \"add\", \"arguments\": {\"a\":1,\"b\":[2]}}]",
	 "Let me look.[TOOL_CALLS] none of them"},
	{"an array behind a special token",
	 TURNS
	 "<|pad|>[{% for c in m.tool_calls %}{\"name\": \"{{ c.function.name }}\", \"arguments\": "
	 "{{ c.function.arguments | tojson }}}{% if not loop.last %}, {% endif %}{% endfor %}]" END,
	 0, "[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\"}}]",
	 "[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\"}},{\"name\": \"add\", \"arguments\": {\"a\":1,\"b\":[2]}}]",
	 "[{\"name\": \"get_weather\", \"arguments\": 7}]"},
	{"Llama 3.1",
	 TURNS
	 "{% if m.tool_calls | length != 1 %}{{ raise_exception('one at a time') }}{% endif %}"
	 "{\"name\": \"{{ m.tool_calls[0].function.name }}\", \"parameters\": "
	 "{{ m.tool_calls[0].function.arguments | tojson }}}" END,
	 0, "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Bonn\"}}", NULL,
	 "{\"name\": \"Bonn\", \"parameters\": {\"city\": \"Bonn\"}}"},
	{"bare JSON of the first call only, whatever there are",
	 TURNS
	 "{\"name\": \"{{ m.tool_calls[0].function.name }}\", \"parameters\": "
	 "{{ m.tool_calls[0].function.arguments | tojson }}}{% endif %}<|end|>{% endfor %}{{ tools | tojson }}",
	 0, "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Bonn\"}}", NULL,
	 "{\"name\": \"get_weather\", \"parameters\": [\"city\", \"Bonn\"]}"},
	{"a wrapped object",
	 TURNS
	 "<calls>{% for c in m.tool_calls %}{{ {'type': 'function', 'function': {'name': c.function.name, "
	 "'arguments': c.function.arguments | tojson}} | tojson }};{% endfor %}</calls>" END,
	 1,
	 "Let me look. <calls>{\"function\": {\"name\": \"get_weather\", \"arguments\": \"{\\\"city\\\": \\\"Bonn\\\"}\"}};</calls>",
	 "Let me look. <calls>{\"function\": {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bonn\"}}};\n"
	 "{\"function\": {\"arguments\": {\"a\":1,\"b\":[2]}, \"name\": \"add\"}};</calls>",
	 "Let me look. <calls>{\"function\": {\"name\": \"get_weather\", \"arguments\": \"Bonn\"}};</calls>"},
	{"DeepSeek",
	 TURNS
	 "<calls>{% for c in m.tool_calls %}<call>function<sep>{{ c.function.name }}\n```json\n"
	 "{{ c.function.arguments | tojson }}\n```</call>{% if not loop.last %}\n{% endif %}{% endfor %}</calls>" END,
	 1,
	 "Let me look.<calls><call>function<sep>get_weather\n```json\n{\"city\": \"Bonn\"}\n```</call></calls>",
	 "Let me look.<calls><call>function<sep>get_weather\n```json\n{\"city\": \"Bonn\"}\n```</call>"
	 "<call>function<sep>add\n```json\n{\"a\":1,\"b\":[2]}\n```</call></calls>",
	 "Let me look.<calls><call>function<sep>get_weather\n```json\nBonn\n```</call></calls>"},
	{"a name between tags",
	 TURNS
	 "{% for c in m.tool_calls %}<function={{ c.function.name }}>{{ c.function.arguments | tojson }}"
	 "</function>{% endfor %}" END,
	 1, "Let me look.<function=get_weather>{\"city\": \"Bonn\"}</function>",
	 "Let me look.<function=get_weather>{\"city\": \"Bonn\"}</function>\n<function=add>{\"a\":1,\"b\":[2]}</function>",
	 "Let me look.<function=get_weather></function>"},
	{"Qwen3-Coder",
	 TURNS
	 "{% for c in m.tool_calls %}\n<tool_call>\n<function={{ c.function.name }}>\n"
	 "{% for k, v in c.function.arguments | items %}<parameter={{ k }}>\n"
	 "{{ v if v is string else v | tojson }}\n</parameter>\n{% endfor %}</function>\n</tool_call>{% endfor %}" END,
	 1,
	 "Let me look.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nBonn\n</parameter>\n</function>\n</tool_call>",
	 "Let me look.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nBonn\n</parameter>\n</function>\n</tool_call>\n"
	 "<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n[2]\n</parameter>\n</function>\n</tool_call>",
	 "Let me look.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nBonn"},
	{"GLM",
	 TURNS
	 "{% for c in m.tool_calls %}\n<tool_call>{{ c.function.name }}\n"
	 "{% for k, v in c.function.arguments | items %}<arg_key>{{ k }}</arg_key>\n"
	 "<arg_value>{{ v if v is string else v | tojson }}</arg_value>\n{% endfor %}</tool_call>{% endfor %}" END,
	 1,
	 "Let me look.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Bonn</arg_value>\n</tool_call>",
	 "Let me look.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Bonn</arg_value>\n</tool_call>"
	 "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n<arg_key>b</arg_key><arg_value>[2]</arg_value></tool_call>",
	 "Let me look.\n<tool_call>get_weather\n<arg_key>city</arg_key>"},
};

static const char tools[] =
	"[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\"type\":\"object\",\"properties\":"
	"{\"city\":{\"type\":\"string\"}}}}},{\"type\":\"function\",\"function\":{\"name\":\"add\",\"parameters\":{\"type\":\"object\","
	"\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"array\"}}}}}]";

static struct tokenizer *bytes(void)
{
	struct err e = ERR_INIT;
	char dir[] = "/tmp/ft-calls-XXXXXX", file[64];
	struct tokenizer *t;

	if (!mkdtemp(dir) || tokenizer_write_bytes(dir, &e) != 0 ||
	    !(t = tokenizer_load(dir, &e))) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	snprintf(file, sizeof file, "%s/tokenizer.json", dir);
	remove(file);
	snprintf(file, sizeof file, "%s/tokenizer_config.json", dir);
	remove(file);
	remove(dir);
	return t;
}

/* Name and arguments of the calls, one behind the other, and the content. */
static char *read_back(const struct chat_calls *k, const char *text, size_t most, size_t *n)
{
	struct buf content = BUF_INIT, calls = BUF_INIT, out = BUF_INIT, word = BUF_INIT;
	struct json_iter it = {0};
	struct span key, call, v, whole;

	*n = chat_calls_read(k, span_of(text), span_of(tools), most, 7, &content, &calls);
	buf_addspan(&out, buf_span(&content));
	if (calls.len && json_check(buf_span(&calls), &whole, NULL))
		buf_adds(&out, "(calls are no JSON)");
	while (calls.len && json_next(&it, buf_span(&calls), &key, &call)) {
		buf_clear(&word);
		json_string(json_member(call, "id"), &word);
		buf_adds(&out, word.len == 9 ? "|" : "(id)|");
		buf_clear(&word);
		json_string(json_member(json_member(call, "function"), "name"), &word);
		buf_addc(&word, ' ');
		json_string(json_member(json_member(call, "function"), "arguments"), &word);
		/* less white space */
		for (size_t i = 0; i < word.len; i++)
			if (word.data[i] != ' ' || word.data[i - 1] != ':')
				buf_addc(&out, word.data[i]);
		v = json_member(call, "type");
		if (!json_is(v, "function"))
			buf_adds(&out, "(type)");
	}
	buf_release(&content);
	buf_release(&calls);
	buf_release(&word);
	return buf_detach(&out, NULL);
}

/* However the text is cut, what is certain of it is what it begins with in the end. */
static int certain_holds(const struct chat_calls *k, const char *text)
{
	struct buf content = BUF_INIT, calls = BUF_INIT;
	size_t last = 0;
	int good = 1;

	chat_calls_read(k, span_of(text), span_of(tools), 0, 7, &content, &calls);
	for (size_t n = 0; n <= strlen(text); n++) {
		size_t sure = chat_calls_certain(k, (struct span){text, n});

		if (sure < last || sure > content.len || memcmp(text, content.data, sure) != 0)
			good = 0;
		last = sure;
	}
	buf_release(&content);
	buf_release(&calls);
	return good;
}

static void family(const struct family *f, const struct tokenizer *t)
{
	static const char words[] = "It is 3 < 4, and {\"city\": \"Bonn\"} is JSON.";
	struct err e = ERR_INIT;
	struct chat *c = chat_new(span_of(f->template), f->name, t, NULL, &e);
	struct chat_calls *k = c ? chat_calls_learn(c) : NULL;
	const char *before = f->marked ? "Let me look." : "";
	struct buf want = BUF_INIT, thought = BUF_INIT;
	char *got;
	size_t n;

	ok(k != NULL, "%s: the form of calls is learned %s", f->name, c ? "" : e.msg);
	if (!k)
		return;
	buf_addf(&want, "%s|get_weather {\"city\":\"Bonn\"}", before);
	got = read_back(k, f->one, 0, &n);
	ok_str(got, want.data, "%s: a call is read", f->name);
	free(got);
	got = read_back(k, f->two ? f->two : f->one, 1, &n);
	ok_str(got, want.data, "%s: no more than are wanted", f->name);
	free(got);
	buf_addf(&thought, "<think>%s</think>%s", f->one, f->one);
	got = read_back(k, thought.data, 0, &n);
	ok(n == 1, "%s: reasoning holds no calls (%s)", f->name, got);
	free(got);
	if (f->two) {
		buf_adds(&want, "|add {\"a\":1,\"b\":[2]}");
		got = read_back(k, f->two, 0, &n);
		ok_str(got, want.data, "%s: so are two", f->name);
		free(got);
	}
	got = read_back(k, f->half, 0, &n);
	ok_str(got, f->half, "%s: what is no call stays as it is", f->name);
	free(got);
	got = read_back(k, words, 0, &n);
	ok_str(got, words, "%s: so do words", f->name);
	free(got);
	ok(certain_holds(k, f->one) && certain_holds(k, f->two ? f->two : f->one) &&
		   certain_holds(k, f->half) && certain_holds(k, words) &&
		   certain_holds(k, thought.data),
	   "%s: what is certain of a growing text stays so", f->name);
	ok(chat_calls_certain(k, span_of(words)) >= strlen(words) - 1,
	   "%s: words are not held back", f->name);
	buf_release(&want);
	buf_release(&thought);
	chat_calls_free(k);
	chat_free(c);
}

int main(void)
{
	struct tokenizer *t = bytes();
	struct err e = ERR_INIT;
	struct chat *c;
	char *got;
	size_t n;

	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		family(&families[i], t);
	c = chat_new(span_of("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"),
		     "none", t, NULL, &e);
	ok(!chat_calls_learn(c), "a template that leaves calls out has no form of them");
	got = read_back(NULL, families[0].one, 0, &n);
	ok_str(got, families[0].one, "then every text stays as it is");
	free(got);
	chat_free(c);
	tokenizer_free(t);
	return tap_done();
}
