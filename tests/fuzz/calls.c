/* What a model wrote, read for calls of tools in the forms that templates have: what is certain of a text
 * that grows is what its content begins with, and calls are JSON. The first byte picks the form. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/chat/chat_calls.h"
#include "../../lib/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TURNS \
	"{% for m in messages %}<|user|>{{ m.content or '' }}{% for c in m.tool_calls or [] %}"
#define END "{% endfor %}<|end|>{% endfor %}"

static const char *const templates[] = {
	TURNS
	"<tool_call>\n{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n</tool_call>" END,
	TURNS
	"{\"name\": \"{{ c.function.name }}\", \"parameters\": {{ c.function.arguments | tojson }}}" END,
	TURNS "[TOOL_CALLS]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}" END,
	TURNS
	"<call><function={{ c.function.name }}>{% for k, v in c.function.arguments | items %}<parameter={{ k }}>\n{{ v }}\n</parameter>"
	"{% endfor %}</function></call>" END,
};
#define FORMS (sizeof templates / sizeof *templates)

static const char tools[] =
	"[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":{\"type\":\"string\"}}}}}]";

static struct chat_calls *form(size_t i)
{
	static struct chat_calls *forms[FORMS];
	static struct tokenizer *t;
	struct err e = ERR_INIT;
	char dir[] = "/tmp/ft-fuzz-XXXXXX", command[64];
	struct chat *c;

	if (!t) {
		if (!mkdtemp(dir) || tokenizer_write_bytes(dir, &e) ||
		    !(t = tokenizer_load(dir, &e)))
			abort();
		snprintf(command, sizeof command, "rm -r %s", dir);
		if (system(command))
			abort();
	}
	if (!forms[i]) {
		if (!(c = chat_new(span_of(templates[i]), "fuzz", t, NULL, &e)) ||
		    !(forms[i] = chat_calls_learn(c)))
			abort();
		chat_free(c);
	}
	return forms[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf content = BUF_INIT, calls = BUF_INIT;
	struct chat_calls *k;
	struct span text, v;
	struct err e = ERR_INIT;
	size_t n, sure, last = 0, step;

	if (size < 1 || size > 4000)
		return 0;
	k = form(data[0] % FORMS);
	text = (struct span){(const char *)data + 1, size - 1};
	n = chat_calls_read(k, text, span_of(tools), data[0] / 64, 1, &content, &calls);
	/* Texts of models are UTF-8; of others calls are what they are. */
	if ((n == 0) != (calls.len == 0) ||
	    (n && (json_check(buf_span(&calls), &v, &e) || json_count(v) != n)))
		abort();
	step = text.n / 64 + 1;
	for (size_t i = 0; i <= text.n; i += step) {
		sure = chat_calls_certain(k, (struct span){text.s, i});
		if (sure < last || sure > content.len ||
		    (sure && memcmp(text.s, content.data, sure) != 0))
			abort();
		last = sure;
	}
	buf_release(&content);
	buf_release(&calls);
	return 0;
}
