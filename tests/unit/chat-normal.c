/* Messages in the forms that people's files have, on small templates: what a template is given, what
 * is trained on, and what is said to be lost. The expected texts were written by hand from what each
 * row says.
 */
#include <string.h>
#include "masked.h"

/* As Qwen3: an answer shows its reasoning, or an empty block, only while it is the last; calls stand
 * behind the text. */
#define REWRITES \
	"{% for m in messages %}<|user|>{{ m.role }}\n{% if m.role == 'assistant' and loop.last %}<t>{{ m.reasoning_content or '' }}</t>" \
	"{% endif %}{{ m.content }}{% for k in m.tool_calls or [] %}<c>{{ k.function.name }}{{ k.function.arguments | tojson }}</c>" \
	"{% endfor %}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"

/* Prints whatever it is given, None and all, and has a place for nothing but text. */
#define PRINTS \
	"{% for m in messages %}{% if m.role in ['system', 'user', 'assistant', 'tool'] %}<|user|>{{ m.role }}\n{{ m.content }}" \
	"{% if m.tool_calls is defined %}<c>{% for k in m.tool_calls %}{{ k.id }} {{ k.function.name }}{% endfor %}</c>{% endif %}" \
	"{% if m.name is defined %}({{ m.name }}){% endif %}<|end|>{% endif %}{% endfor %}" \
	"{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"

/* As DeepSeek: an answer with content is written as one, even beside calls, and arguments are joined
 * to other text. */
#define ASKS_NULL \
	"{% for m in messages %}<|user|>{{ m.role }}\n{% if m.tool_calls and m.content is none %}{% for k in m.tool_calls %}<c>" \
	"{{ k.function.name + k.function.arguments }}</c>{% endfor %}<|end|>{% else %}{{ m.content + '<|end|>' }}{% endif %}{% endfor %}" \
	"{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"

#define ROW(rest) "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}," rest "]}"
#define CALL(id, name, args) \
	"{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name \
	"\",\"arguments\":" args "}}"

static const struct {
	const char *template, *row, *want, *why;
} forms[] = {
	{PRINTS,
	 ROW("{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[],\"name\":null,\"refusal\":null}"),
	 "<|user|>user\nq<|end|><|user|>assistant\n[a<|end|>]",
	 "members that say nothing are dropped"},
	{PRINTS,
	 ROW("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" CALL("i", "f", "{}") "]}"),
	 "<|user|>user\nq<|end|><|user|>assistant\n[<c>i f</c><|end|>]",
	 "content null beside calls is no text"},
	{PRINTS, ROW("{\"role\":\"assistant\",\"tool_calls\":[" CALL("i", "f", "{}") "]}"),
	 "<|user|>user\nq<|end|><|user|>assistant\n[<c>i f</c><|end|>]", "and so is none"},
	{ASKS_NULL,
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL("i", "f",
									      "{\"x\":1}") "]}"),
	 "<|user|>user\nq<|end|><|user|>assistant\n[<c>f{\"x\":1}</c><|end|>]",
	 "content that is empty beside calls is null where the template asks for that"},
	{PRINTS, ROW("{\"role\":\"assistant\",\"content\":null}"),
	 "message 2: it has no `content`, and calls no tool either",
	 "content null alone is an error"},
	{PRINTS,
	 "{\"messages\":[{\"role\":\"user\",\"content\":null},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "message 1: it has no `content`, and calls no tool either", "of a user too"},
	{PRINTS, ROW("{\"role\":\"assistant\",\"content\":7}"),
	 "message 2: its `content` is neither text nor a list of parts", "a number is no content"},
	{PRINTS, ROW("{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"}"),
	 "<|user|>user\nq<|end|><|user|>assistant\n[no<|end|>]", "a refusal is the answer's text"},
	{PRINTS, ROW("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":\"no\"}"),
	 "<|user|>user\nq<|end|><|user|>assistant\n[no<|end|>]", "where the content is empty too"},
	{PRINTS, ROW("{\"role\":\"assistant\",\"content\":\"yes\",\"refusal\":\"no\"}"),
	 "message 2: it has a `content` and a `refusal`; leave in what is meant",
	 "both are an error"},
	{PRINTS,
	 ROW("{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
	     "{\"role\":\"function\",\"name\":\"f\",\"content\":\"7\"},{\"role\":\"assistant\",\"content\":\"a\"}"),
	 "<|user|>user\nq<|end|><|user|>assistant\n[<c>call00002 f</c><|end|>]<|user|>tool\n7(f)<|end|><|user|>assistant\n[a<|end|>]",
	 "a call of the old form, and its answer"},
	{PRINTS,
	 ROW("{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"},\"tool_calls\":[" CALL(
		 "i", "f", "{}") "]}"),
	 "message 2: it has `tool_calls` and a `function_call`; leave one in",
	 "two forms at once are an error"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL(
		 "i", "f", "\"\"") "," CALL("j", "g", "null") "," CALL("k", "h", "\" \"") "]}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\n[<t></t><c>f{}</c><c>g{}</c><c>h{}</c><|end|>]\n",
	 "arguments that say nothing are none"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL(
		 "i", "f", "\"\\\"{\\\\\\\"x\\\\\\\": 1}\\\"\"") "]}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\n[<t></t><c>f{\"x\": 1}</c><|end|>]\n",
	 "arguments that were written as JSON twice are an object"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL("i", "f",
									      "\"{\\\"x\\\": \"") "]}"),
	 "message 2: the arguments of call 1 of its `tool_calls` are no JSON, so half a call would be learned; mend them, or give the "
	 "message \"weight\": 0",
	 "half a call is not learned"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"weight\":0,\"content\":\"\",\"tool_calls\":[" CALL(
		 "i", "f",
		 "\"{\"") "]},"
			  "{\"role\":\"tool\",\"content\":\"no JSON\"},{\"role\":\"assistant\",\"content\":\"a\"}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\n<c>f\"{\"</c><|end|>\n<|user|>tool\nno JSON<|end|>\n<|user|>assistant\n[<t></t>a<|end|>]\n",
	 "one that is not trained on stands as it was said"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}"),
	 "message 2: call 1 of its `tool_calls` has no function.arguments ({} where there are none)",
	 "a call without arguments is half a one"},
	{PRINTS,
	 "{\"tools\":[\"f\"],\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "`tools` holds something that is no object", "a tool is an object"},
	{PRINTS,
	 "{\"messages\":[{\"role\":\"developer\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "<|user|>system\ns<|end|><|user|>user\nq<|end|><|user|>assistant\n[a<|end|>]",
	 "developer is system where there is no other place"},
	{REWRITES,
	 "{\"messages\":[{\"role\":\"developer\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "<|user|>developer\ns<|end|>\n<|user|>user\nq<|end|>\n<|user|>assistant\n[<t></t>a<|end|>]\n",
	 "and itself where there is"},
	{REWRITES, ROW("{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":\"r\"}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\n[<t>r</t>a<|end|>]\n",
	 "reasoning by another name"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"a\",\"thinking\":\"r\",\"reasoning\":null,\"reasoning_content\":\"\"}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\n[<t>r</t>a<|end|>]\n",
	 "the one that is there"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"a\",\"thinking\":\"r\",\"reasoning\":\"s\"}"),
	 "message 2: it has two reasonings that differ; leave one in", "two are an error"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL(
		 "i", "f",
		 "\"{\\\"x\\\":1}\"") "]},"
				      "{\"role\":\"tool\",\"content\":\"7\"},{\"role\":\"assistant\",\"content\":\"a\"}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\n[<c>f{\"x\": 1}</c><|end|>]\n<|user|>tool\n7<|end|>\n<|user|>assistant\n[<t></t>a<|end|>]\n",
	 "a call without text is trained on whole though others follow"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"see\",\"tool_calls\":[" CALL("i", "f", "{}") "," CALL(
		 "j", "g",
		 "{}") "]},"
		       "{\"role\":\"tool\",\"content\":\"7\"},{\"role\":\"assistant\",\"content\":\"a\"}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\n[see<c>f{}</c><c>g{}</c><|end|>]\n<|user|>tool\n7<|end|>\n<|user|>assistant\n[<t></t>a<|end|>]\n",
	 "text and two calls too"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"user\",\"content\":\"p\"},{\"role\":\"assistant\",\"content\":\"a\"}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\n[<|end|>]\n<|user|>user\np<|end|>\n<|user|>assistant\n[<t></t>a<|end|>]\n",
	 "and an answer that says nothing"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"a\",\"train\":false},{\"role\":\"user\",\"content\":\"p\"},{\"role\":\"assistant\",\"content\":\"b\"}"),
	 "<|user|>user\nq<|end|>\n<|user|>assistant\na<|end|>\n<|user|>user\np<|end|>\n<|user|>assistant\n[<t></t>b<|end|>]\n",
	 "\"train\": false is weight 0"},
	{REWRITES, ROW("{\"role\":\"assistant\",\"content\":\"a\",\"train\":\"no\"}"),
	 "message 2: `train` is neither true nor false", "another value is an error"},
	{"{{ tools | tojson }}{% for m in messages %}{{ m.content }}<|end|>{% endfor %}",
	 "{\"tools\":\"[{\\\"type\\\":\\\"function\\\"}]\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "[{\"type\": \"function\"}]q<|end|>[a<|end|>]", "tools in a string"},
	{"{{ tools | tojson }}{% for m in messages %}{{ m.content }}<|end|>{% endfor %}",
	 "{\"functions\":[{\"name\":\"f\"}],\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "[{\"type\": \"function\", \"function\": {\"name\": \"f\"}}]q<|end|>[a<|end|>]",
	 "functions of the old form"},
	{PRINTS, "{\"tools\":\"[\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}",
	 "`tools` is a string that holds no JSON array", "a string that holds none"},
	/* As the first Llama 3: the next turn's header stands there whether asked for or not. */
	{"{% for m in messages %}<|user|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}{{ '<|user|>assistant\\n' }}",
	 ROW("{\"role\":\"assistant\",\"content\":\"a\"}"),
	 "<|user|>user\nq<|end|><|user|>assistant\n[a<|end|>]<|user|>assistant\n",
	 "the header of a turn that does not come is not trained on"},
	{"{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('none here') }}{% endif %}{{ m.content }}<|end|>{% endfor %}",
	 "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "test:1: the template refuses: none here; it has no place for a system turn, which this folds into the user's: jq -c '.messages |= if "
	 ".[0].role == \"system\" then .[0].content as $s | .[1:] | .[0].content |= $s + \"\\n\\n\" + . else . end'",
	 "a refusal of the system turn is given the line that mends it"},
	{"{% if style is defined %}{{ style }}{% endif %}{% for m in messages %}{{ m.content }}<|end|>{% endfor %}",
	 "{\"chat_template_kwargs\":{\"style\":\"s\"},\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "sq<|end|>[a<|end|>]", "a record's own variables"},
};

/* What a row loses, as letters: m r c t v for message, reasoning, calls, tools and variables with
 * their message. */
static const char *lost(const struct chat *c, const char *json)
{
	static char out[64];
	struct record r = {0};
	struct chat_input in;
	struct buf scratch = BUF_INIT;
	struct err e = ERR_INIT;
	size_t n[CHAT_PARTS], at = 0;

	*out = 0;
	if (record_parse(&r, span_of(json), &e) || chat_input_of(&r, 0, &scratch, &in, &e) ||
	    chat_lost(c, &in, n, &e))
		snprintf(out, sizeof out, "%.60s", e.msg);
	else
		for (size_t k = 0; k < CHAT_PARTS; k++)
			if (n[k])
				at += (size_t)snprintf(out + at, sizeof out - at, "%c%zu",
						       "mrctv"[k], n[k]);
	record_release(&r);
	buf_release(&scratch);
	return out;
}

static const struct {
	const char *template, *row, *want, *why;
} losses[] = {
	{REWRITES, ROW("{\"role\":\"assistant\",\"content\":\"a\"}"), "",
	 "nothing is lost of plain turns"},
	{REWRITES, ROW("{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":\"r\"}"), "",
	 "nor of the last one's reasoning"},
	{REWRITES,
	 ROW("{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":\"r\"},{\"role\":\"user\",\"content\":\"p\"},{\"role\":\"assistant\",\"content\":\"b\"}"),
	 "r2", "reasoning of an earlier turn"},
	{PRINTS,
	 ROW("{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":\"a long chain of thought\"}"),
	 "r2", "reasoning that no place is for"},
	{PRINTS,
	 ROW("{\"role\":\"critic\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"a\"}"),
	 "m2", "a message of another role"},
	{PRINTS,
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL("i", "f",
									      "{\"x\":1}") "]}"),
	 "c2", "arguments of a call"},
	{PRINTS,
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL("i", "f", "{}") "]}"),
	 "", "a call without any is whole"},
	{"{% for m in messages %}{{ m.content }}<|end|>{% endfor %}",
	 ROW("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[" CALL("i", "f", "{}") "]}"),
	 "c2", "a call"},
	{PRINTS,
	 "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "t1", "tools"},
	{"{% for m in messages %}{{ m.content.split('</think>')[-1] }}<|end|>{% endfor %}",
	 ROW("{\"role\":\"assistant\",\"content\":\"<think>so</think>a\"}"), "r2",
	 "reasoning within the content"},
	{"{% for m in messages %}{{ m.content | upper }}<|end|>{% endfor %}",
	 ROW("{\"role\":\"assistant\",\"content\":\"a long enough answer\"}"), "",
	 "words in another form are not lost"},
	{PRINTS,
	 "{\"chat_template_kwargs\":{\"thinking\":true},\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "v1", "a variable that the template does not read"},
	{"{% for m in messages %}{{ m.content }}<|end|>{% endfor %}{% if thinking %}{% endif %}",
	 "{\"chat_template_kwargs\":{\"thinking\":true,\"bos_token\":\"x\"},\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
	 "{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "", "one that it reads"},
	{"{% for m in messages %}{{ m.content }}<|end|>{% endfor %}{{ {'thinking': 1}.thinking }}",
	 "{\"chat_template_kwargs\":{\"thinking\":true},\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
	 "v1", "a member of that name is no variable"},
};

int main(void)
{
	char dir[] = "/tmp/ft-chat-XXXXXX";
	struct tokenizer *t = bytes(dir);
	struct chat_example x = {0};

	ok(t != NULL, "the byte tokenizer is read");
	if (!t)
		return tap_done();
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct chat *c = chat_of(forms[i].template, t);

		ok_str(masked(t, c, forms[i].row, &x), forms[i].want, "%s", forms[i].why);
		chat_free(c);
	}
	for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
		struct chat *c = chat_of(losses[i].template, t);

		ok_str(lost(c, losses[i].row), losses[i].want, "%s", losses[i].why);
		chat_free(c);
	}
	chat_example_release(&x);
	tokenizer_free(t);
	clean(dir);
	return tap_done();
}
