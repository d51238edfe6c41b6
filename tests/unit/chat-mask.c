/* Chat templates and masks, on the byte tokenizer and small ones written here. */
#include "masked.h"

#define STORIES "../shared/data/tinystories-656k"

/* Do the ids of the prompt begin the ids of the example, and is the first trained token the one
 * after them? */
static int prompt_is_prefix(const struct chat *c, const char *json, const struct chat_example *x)
{
	struct record r = {0};
	struct chat_input in;
	struct buf scratch = BUF_INIT;
	struct tokens p = {0};
	struct err e = ERR_INIT;
	int yes;

	yes = !record_parse(&r, span_of(json), &e) &&
	      !chat_input_of(&r, CHAT_NO_REFERENCE, &scratch, &in, &e) &&
	      !chat_encode_prompt(c, &in, NULL, &p, &e) && p.n < x->ids.n &&
	      !memcmp(p.ids, x->ids.ids, p.n * sizeof *p.ids) && x->weights[p.n - 1] == 0 &&
	      x->weights[p.n] != 0;
	record_release(&r);
	buf_release(&scratch);
	tokens_release(&p);
	return yes;
}

#define TWO \
	"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}," \
	"{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"}]}"

int main(void)
{
	char dir[] = "/tmp/ft-chat-XXXXXX";
	struct tokenizer *t = bytes(dir);
	struct err e = ERR_INIT;
	struct chat *c = t ? chat_load(dir, t, NULL, &e) : NULL;
	struct chat_example x = {0};
	size_t n;

	ok(c != NULL, "the byte tokenizer's template is read");
	if (!c) {
		printf("# %s\n", e.msg);
		return tap_done();
	}
	ok(!chat_warning(c), "and gives no warning");
	ok(*chat_stops(c, &n) == 257 && n == 1, "its end of turn is EOS");
	ok_str(masked(t, c, TWO, &x),
	       "<|begin|><|user|>a<|end|><|assistant|>[b<|end|>]<|user|>c<|end|><|assistant|>[d<|end|>]",
	       "assistant turns are trained on");
	ok(x.turns == 2 && x.supervised == 4 && !x.joins && !x.eos_added, "and counted");
	ok_str(masked(t, c,
		      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\",\"weight\":0},"
		      "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"text\",\"text\":\"!\"}]},"
		      "{\"role\":\"assistant\",\"content\":\"d\",\"weight\":1}]}",
		      &x),
	       "<|begin|><|user|>a<|end|><|assistant|>b<|end|><|user|>c!<|end|><|assistant|>[d<|end|>]",
	       "weight 0 leaves a turn out; text parts are joined");
	masked(t, c,
	       "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"bb\"}]}",
	       &x);
	ok(prompt_is_prefix(c,
			    "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"bb\"}]}",
			    &x),
	   "the prompt's tokens begin the example's");
	ok_str(masked(t, c, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", &x),
	       "<|begin|><|user|>a<|end|>", "nothing to train on is no error");
	ok(x.supervised == 0 && x.turns == 0, "and is counted as such");
	ok_str(masked(t, c, "{\"prompt\":\"ab\",\"completion\":\"cd\"}", &x), "ab[cd<|end|>]",
	       "prompt and completion without template");
	ok(strstr(masked(t, c,
			 "{\"messages\":[{\"role\":\"assistant\",\"content\":\"b\",\"weight\":-1}]}",
			 &x),
		  "weight"),
	   "a negative weight is refused");
	ok(strstr(masked(t, c,
			 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
			 &x),
		  "not text"),
	   "an image is refused");
	ok(strstr(masked(t, c, "{\"messages\":[{\"role\":\"critic\",\"content\":\"x\"}]}", &x),
		  "unknown role"),
	   "a refusal of the template is passed on");
	chat_free(c);

	c = chat_of("{% for m in messages %}<|user|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
		    "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}",
		    t);
	ok_str(masked(t, c, TWO, &x),
	       "<|user|>user\na<|end|>\n<|user|>assistant\n[b<|end|>]\n<|user|>user\nc<|end|>\n<|user|>assistant\n[d<|end|>]\n",
	       "the newline after the end of turn is not trained on");
	chat_free(c);

	/* Instructions behind the last turn begin as a question does. */
	c = chat_of("{% for m in messages %}{{ '<|assistant|>' if m.role == 'assistant' else '<|user|>' }}{{ m.content }}<|end|>{% endfor %}"
		    "{% if add_generation_prompt %}<|assistant|>{% else %}<|user|>be brief<|end|>{% endif %}",
		    t);
	ok_str(masked(t, c, TWO, &x),
	       "<|user|>a<|end|><|assistant|>[b<|end|>]<|user|>c<|end|><|assistant|>[d<|end|>]<|user|>be brief<|end|>",
	       "the header of what follows an answer is not trained on");
	chat_free(c);

	/* As Qwen3: only the last answer shows its (empty) thinking. */
	c = chat_of("{% for m in messages %}<|user|>{{ m.role }}\n{% if m.role == 'assistant' and loop.last %}<t></t>{% endif %}{{ m.content }}"
		    "<|end|>\n{% endfor %}{% if add_generation_prompt %}<|user|>assistant\n{% endif %}",
		    t);
	ok_str(masked(t, c, TWO, &x),
	       "<|user|>user\na<|end|>\n<|user|>assistant\n[b<|end|>]\n<|user|>user\nc<|end|>\n<|user|>assistant\n[<t></t>d<|end|>]\n",
	       "a turn that is written otherwise later on is found by its content");
	chat_free(c);

	/* A generation prompt that says more than the turn will; both begin with "<". */
	c = chat_of("{% for m in messages %}<|user|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}"
		    "{% if add_generation_prompt %}<|user|>assistant\n<think>\n{% endif %}",
		    t);
	ok(strstr(masked(t, c, TWO, &x), "the prompt for an answer ends in \"<think>\"") != NULL,
	   "an answer without the block that its prompt opens is refused");
	chat_free(c);
	c = chat_of("{% for m in messages %}<|user|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}"
		    "{% if add_generation_prompt %}<|user|>assistant\n<think></think>{% endif %}",
		    t);
	ok_str(masked(t, c,
		      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}",
		      &x),
	       "<|user|>user\na<|end|><|user|>assistant\n<think></think>[b<|end|>]",
	       "an answer is put behind a block that its prompt opens and closes");
	ok_str(masked(t, c, TWO, &x),
	       "<|user|>user\na<|end|><|user|>assistant\n[b<|end|>]<|user|>user\nc<|end|><|user|>assistant\n<think></think>[d<|end|>]",
	       "earlier ones stand as the template writes them");
	ok(x.otherwise == 2, "which is told");
	chat_free(c);

	/* As Mistral Nemo: the system's text goes with the last message, and only there. */
	c = chat_of("{% for m in messages %}{% if m.role == 'user' %}<|user|>{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }} {% endif %}"
		    "{{ m.content }}{% elif m.role == 'assistant' %}<|assistant|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
		    "{% if add_generation_prompt %}<|assistant|>{% endif %}",
		    t);
	ok_str(masked(t, c,
		      "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}",
		      &x),
	       "<|user|>s a<|assistant|>[b<|end|>]",
	       "a turn is trained on behind its own prompt where the template moves text");
	ok(strstr(masked(t, c,
			 "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},"
			 "{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"}]}",
			 &x),
		  "message 3") != NULL,
	   "an earlier turn then has no place of its own");
	chat_free(c);

	c = chat_of("{% for m in messages %}{{ m.role }}: {% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|end|>"
		    "{% endgeneration %}{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}"
		    "{% if add_generation_prompt %}assistant: {% endif %}",
		    t);
	ok_str(masked(t, c, TWO, &x),
	       "user: a<|end|>assistant: [b<|end|>]user: c<|end|>assistant: [d<|end|>]",
	       "generation marks are honoured");
	chat_free(c);

	/* Where nobody asked yet, the prompt for the first answer lacks what the template sets before it. */
	c = chat_of("{% for m in messages %}{% if loop.first and m.role != 'system' %}<|user|>system be kind<|end|>{% endif %}"
		    "<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
		    t);
	ok_str(masked(t, c,
		      "{\"messages\":[{\"role\":\"assistant\",\"content\":\"hi\"},{\"role\":\"user\",\"content\":\"a\"},"
		      "{\"role\":\"assistant\",\"content\":\"b\"}]}",
		      &x),
	       "<|user|>system be kind<|end|><|assistant|>[hi<|end|>]<|user|>a<|end|><|assistant|>[b<|end|>]",
	       "a system's text of the template's own before an answer that comes first is not trained on");
	chat_free(c);

	c = chat_of("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}",
		    t);
	ok(chat_warning(c) && strstr(chat_warning(c), "EOS"),
	   "a template that ends no turn is warned of");
	ok_str(masked(t, c, TWO, &x), "user: a\nassistant: [b\n]user: c\nassistant: [d\n<|end|>]",
	       "and gets EOS at its end");
	ok(x.eos_added, "which is told");
	chat_free(c);

	c = chat_of("{% for m in messages %}{% if m.role != 'assistant' %}{{ m.content }}{% endif %}{% endfor %}",
		    t);
	ok(strstr(masked(t, c, TWO, &x), "leaves this turn out"),
	   "a template that drops the turn is an error");
	chat_free(c);

	c = chat_of("{% for m in messages %}{% for k in m.tool_calls or [] %}{{ k.function.arguments.x }}{% endfor %}{{ m.content or '' }}<|end|>"
		    "{% endfor %}",
		    t);
	ok_str(masked(t, c,
		      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\","
		      "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\": 7}\"}}]}]}",
		      &x),
	       "a<|end|>[7<|end|>]", "arguments of tool calls are given as an object");
	chat_free(c);

	/* Parts are closed with a token of their own, the turn with another behind them. */
	c = chat_of("{% for m in messages %}<|user|>{{ m.role }}\n<|system|>{{ m.content }}<|tool|>answer<|tool|><|call|>{% endfor %}"
		    "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}",
		    t);
	chat_stops(c, &n);
	ok(chat_stops(c, &n)[n - 1] == 263, "a token that closes parts of a turn does not end it");
	ok_str(masked(t, c, TWO, &x),
	       "<|user|>user\n<|system|>a<|tool|>answer<|tool|><|call|><|user|>assistant\n[<|system|>b<|tool|>answer<|tool|><|call|>]<|user|>user\n"
	       "<|system|>c<|tool|>answer<|tool|><|call|><|user|>assistant\n[<|system|>d<|tool|>answer<|tool|><|call|>]",
	       "and a turn is trained on up to the one that does");
	chat_free(c);

	/* As Phi 3.5: EOS stands behind the last message too. */
	c = chat_of("{% for m in messages %}<|user|>{{ m.role }}\n{{ m.content }}<|call|>\n{% endfor %}"
		    "{% if add_generation_prompt %}<|user|>assistant\n{% else %}{{ eos_token }}{% endif %}",
		    t);
	ok_str(masked(t, c, TWO, &x),
	       "<|user|>user\na<|call|>\n<|user|>assistant\n[b<|call|>]\n<|user|>user\nc<|call|>\n<|user|>assistant\n[d<|call|>]\n<|end|>",
	       "what stands behind the end of the last turn is not trained on");
	chat_free(c);

	/* As Gemma 4: an answer's text stands behind the results of its calls. */
	c = chat_of("{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}<|end|>{% elif m.role == 'assistant' %}<|assistant|>"
		    "{% for k in m.tool_calls or [] %}<|call|>{{ k.function.name }}<|tool|>{{ messages[loop.index0 + 2].content }}{% endfor %}{{ m.content }}"
		    "<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
		    t);
	ok(strstr(masked(t, c,
			 "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\",\"tool_calls\":[{\"id\":\"1\",\"type\":"
			 "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"content\":\"r\"},"
			 "{\"role\":\"assistant\",\"content\":\"d\"}]}",
			 &x),
		  "message 2: the template writes what follows it into this turn") != NULL,
	   "a turn with what follows it inside is refused");
	chat_free(c);

	c = chat_of(NULL, t);
	ok(chat_warning(c) != NULL, "no template: a warning");
	ok_str(masked(t, c, TWO, &x), "a\n[b<|end|>]c\n[d<|end|>]", "no template: the plain one");
	chat_free(c);

	tokenizer_free(t);
	clean(dir);

	if (file_is_dir(STORIES)) {
		const char *row =
			"{\"messages\":[{\"role\":\"user\",\"content\":\"What is a card.\"},{\"role\":\"assistant\",\"content\":\"card_arrival\"}]}";

		t = tokenizer_load(STORIES, &e);
		c = chat_load(STORIES, t, NULL, &e);
		ok_str(masked(t, c, row, &x),
		       "<|start_story|> What is a card.\n[card_arrival<|end_story|>]",
		       "the published model without template");
		ok(prompt_is_prefix(c, row, &x), "its prompt's tokens begin the example's");
		chat_free(c);
		tokenizer_free(t);
	} else {
		ok(1, "the published model without template # SKIP %s is not here", STORIES);
	}
	chat_example_release(&x);
	return tap_done();
}
