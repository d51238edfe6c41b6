/* Conversations of random shapes, through templates of several habits: never a crash, and never a
 * turn that is trained on without what it says. FT_SLOW=1 tries twenty thousand.
 *
 * Each answer's words and each call's name are unlike any other, so whether a token that is trained
 * on says them is a search for text. What is expected comes from the row alone: a turn that counts
 * is trained on whole, or the row is refused, or the part is named as lost.
 */
#include <string.h>
#include "../../lib/base/rng.h"
#include "../../lib/json/jw.h"
#include "masked.h"

#define HEADER "<|user|>{{ m.role }}\n"
#define ASK "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"

static const char *const templates[] = {
	/* plain; calls behind the text */
	"{% for m in messages %}" HEADER
	"{{ m.content }}{% for k in m.tool_calls or [] %}[{{ k.function.name }} {{ k.function.arguments | tojson }}]"
	"{% endfor %}<|end|>\n{% endfor %}" ASK,
	/* only the last answer shows its reasoning */
	"{% for m in messages %}" HEADER
	"{% if m.role == 'assistant' and loop.last %}<t>{{ m.reasoning or '' }}</t>{% endif %}{{ m.content }}"
	"{% for k in m.tool_calls or [] %}[{{ k.function.name }}]{% endfor %}<|end|>\n{% endfor %}" ASK,
	/* calls in place of the text; tools' answers want a call before them */
	"{% for m in messages %}{% if m.role == 'tool' and not (loop.index0 > 0 and (messages[loop.index0 - 1].tool_calls or "
	"messages[loop.index0 - 1].role == 'tool')) %}{{ raise_exception('stray') }}{% endif %}" HEADER
	"{% if m.tool_calls %}{% for k in m.tool_calls %}[{{ k.function.name }}]{% endfor %}{% else %}{{ m.content }}{% endif %}<|end|>{% endfor %}" ASK,
	/* no end of its own, and no calls */
	"{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}",
	/* always opens the next answer */
	"{% for m in messages %}" HEADER
	"{{ m.content }}{% for k in m.tool_calls or [] %}[{{ k.function.name }}]{% endfor %}<|end|>{% endfor %}"
	"{{ '<|user|>assistant\n' }}",
	/* marks what it generates */
	"{% for m in messages %}{% if m.role == 'assistant' %}<|user|>assistant\n{% generation %}{{ m.content }}{% for k in m.tool_calls or [] %}"
	"[{{ k.function.name }}]{% endfor %}<|end|>{% endgeneration %}{% else %}" HEADER
	"{{ m.content }}<|end|>{% endif %}{% endfor %}" ASK,
};

#define MOST 12

struct said {
	char text[16], call[2][16], thought[16]; /* "" where not said */
	int trained;
};

static void word(char to[static 16], const char *kind, size_t i)
{
	snprintf(to, 16, "%s%uq", kind, (unsigned)i % 100);
}

/* One record of up to MOST messages; what each assistant's turn says goes to said. */
static size_t make(struct rng *r, struct buf *json, struct said said[MOST])
{
	static const char *const names[] = {"reasoning_content", "reasoning", "thinking"};
	size_t n = 2 + rng_below(r, MOST - 2);
	struct jw w;
	int calls = 0;

	buf_clear(json);
	jw_init(&w, json);
	jw_object(&w);
	if (rng_below(r, 2))
		jw_put_raw(&w, "tools",
			   span_of(rng_below(r, 2)
					   ? "[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
					   : "null"));
	jw_put_array(&w, "messages");
	for (size_t i = 0; i < n; i++) {
		struct said *s = &said[i];
		int assistant = i + 1 == n || (i && rng_below(r, 2)), odd = (int)rng_below(r, 6);
		const char *role = assistant		? "assistant"
				   : calls		? "tool"
				   : odd == 0		? "system"
				   : odd == 1 && i == 0 ? "developer"
							: "user";
		char name[16];

		*s = (struct said){.trained = assistant};
		jw_object(&w);
		jw_put_str(&w, "role", role);
		if (!assistant) {
			word(name, "u", i);
			jw_put_str(&w, "content", name);
			if (calls)
				jw_put_str(&w, "tool_call_id", "c"), calls--;
			if (rng_below(r, 3) == 0)
				jw_put_null(&w, "tool_calls");
			jw_end(&w);
			continue;
		}
		calls = (int)rng_below(r, 3);
		if (!calls || rng_below(r, 2)) {
			word(s->text, "a", i);
			if (!calls && rng_below(r, 8) == 0) {
				jw_put_null(&w, "content");
				jw_put_str(&w, "refusal", s->text);
			} else {
				jw_put_str(&w, "content", s->text);
			}
		} else if (rng_below(r, 2)) {
			jw_put_null(&w, "content");
		}
		if (calls == 1 && rng_below(r, 3) == 0) {
			word(s->call[0], "f", i);
			jw_put_object(&w, "function_call");
			jw_put_str(&w, "name", s->call[0]);
			jw_put_str(&w, "arguments", "{}");
			jw_end(&w);
		} else if (calls || rng_below(r, 3) == 0) {
			jw_put_array(&w, "tool_calls");
			for (int k = 0; k < calls; k++) {
				word(s->call[k], k ? "g" : "f", i);
				jw_object(&w);
				jw_put_str(&w, "id", "c");
				jw_put_str(&w, "type", "function");
				jw_put_object(&w, "function");
				jw_put_str(&w, "name", s->call[k]);
				if (rng_below(r, 2))
					jw_put_str(&w, "arguments", "{\"x\":1}");
				else
					jw_put_raw(&w, "arguments", span_of("{\"x\":1}"));
				jw_end(&w);
				jw_end(&w);
			}
			jw_end(&w);
		}
		if (rng_below(r, 3) == 0) {
			word(s->thought, "r", i);
			jw_put_str(&w, names[rng_below(r, 3)], s->thought);
		}
		if (i + 1 < n && rng_below(r, 5) == 0) {
			s->trained = 0;
			if (rng_below(r, 2))
				jw_put_int(&w, "weight", 0);
			else
				jw_put_bool(&w, "train", 0);
		}
		jw_end(&w);
	}
	jw_end(&w);
	jw_end(&w);
	return n;
}

static int holds(const struct buf *text, const char *word)
{
	return !*word || (text->len && memmem(text->data, text->len, word, strlen(word)));
}

/* The text of the tokens that are trained on, and that of all. */
static void texts(const struct tokenizer *t, const struct chat_example *x, struct buf *trained,
		  struct buf *all)
{
	buf_clear(trained);
	buf_clear(all);
	for (size_t i = 0; i < x->ids.n; i++) {
		tokenizer_decode(t, x->ids.ids + i, 1, TOKENIZER_KEEP_START, all);
		if (x->weights[i] != 0)
			tokenizer_decode(t, x->ids.ids + i, 1, TOKENIZER_KEEP_START, trained);
	}
}

enum { WRONG = -1, REFUSED, TAKEN };

static int try(const struct chat *c, const struct tokenizer *t, const struct buf *json,
	       const struct said *said, size_t n, struct chat_example *x, struct buf *trained,
	       struct buf *all, const char **why)
{
	struct record r = {0};
	struct chat_input in;
	struct buf scratch = BUF_INIT;
	struct err e = ERR_INIT;
	size_t lost[CHAT_PARTS];
	int rc = REFUSED;

	*why = NULL;
	if (record_parse(&r, buf_span(json), &e) || chat_input_of(&r, 0, &scratch, &in, &e) ||
	    chat_encode_training(c, &in, 1, x, &e) || chat_lost(c, &in, lost, &e))
		goto done;
	texts(t, x, trained, all);
	for (size_t i = 0; i < n && !*why; i++) {
		const struct said *s = &said[i];

		if (!s->trained) {
			if (*s->text && holds(trained, s->text))
				*why = "text of weight 0 is trained on";
			continue;
		}
		if (!holds(trained, s->text) && !lost[CHAT_MESSAGE])
			*why = "text is neither trained on nor named as lost";
		for (int k = 0; k < 2; k++)
			if (!holds(trained, s->call[k]) && !lost[CHAT_CALLS])
				*why = "a call is neither trained on nor named as lost";
		if (!holds(trained, s->thought) && !lost[CHAT_REASONING])
			*why = "reasoning is neither trained on nor named as lost";
	}
	for (size_t i = 0; i < n && !*why; i++) {
		char user[16];

		word(user, "u", i);
		if (holds(trained, user) && trained->len)
			*why = "a user's text is trained on";
	}
	rc = *why ? WRONG : TAKEN;
done:
	record_release(&r);
	buf_release(&scratch);
	return rc;
}

int main(void)
{
	char dir[] = "/tmp/ft-chat-XXXXXX";
	struct tokenizer *t = bytes(dir);
	struct chat_example x = {0};
	struct buf json = BUF_INIT, trained = BUF_INIT, all = BUF_INIT;
	struct said said[MOST];
	size_t each = (getenv("FT_SLOW") ? 20000 : 1200) / (sizeof templates / sizeof *templates);

	ok(t != NULL, "the byte tokenizer is read");
	for (size_t k = 0; t && k < sizeof templates / sizeof *templates; k++) {
		struct chat *c = chat_of(templates[k], t);
		size_t count[3] = {0};
		struct rng r;

		rng_seed(&r, 7, k);
		for (size_t i = 0; c && i < each; i++) {
			const char *why;
			size_t n = make(&r, &json, said);
			int rc = try(c, t, &json, said, n, &x, &trained, &all, &why);

			if (rc == WRONG && !count[0])
				printf("# %s\n# %.*s\n# %.*s\n", why, (int)json.len, json.data,
				       (int)all.len, all.data);
			count[rc + 1]++;
		}
		ok(c && !count[0] && count[2] > each / 20,
		   "template %zu: %zu rows trained on whole, %zu refused, %zu wrong", k + 1,
		   count[2], count[1], count[0]);
		chat_free(c);
	}
	chat_example_release(&x);
	buf_release(&json);
	buf_release(&trained);
	buf_release(&all);
	tokenizer_free(t);
	clean(dir);
	return tap_done();
}
