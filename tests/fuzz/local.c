/* What is asked of a local model: whatever a request says, its answer is one in the words of the path
 * that was asked, or says what is wrong; and a caller may go at any time. An input is a byte that tells
 * the path and whether the caller stays, and the body. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "../../lib/json/json.h"
#include "../../lib/model/model.h"
#include "../../lib/serve/local.h"
#include "../../lib/token/tokenizer.h"
#include "scratch.h"

static const char config[] =
	"{\"model_type\":\"llama\",\"hidden_size\":8,\"intermediate_size\":8,\"num_hidden_layers\":1,"
	"\"num_attention_heads\":1,\"vocab_size\":264,\"rms_norm_eps\":1e-5,\"max_position_embeddings\":160,"
	"\"initializer_range\":0.3,\"tie_word_embeddings\":true,\"eos_token_id\":257}";
static const char tokenizer[] =
	"{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"bos_token\":\"<|begin|>\",\"eos_token\":\"<|end|>\",\"chat_template\":"
	"\"{% for m in messages %}{{ m.role }}:{{ m.content }}{{ m.tool_calls }}<|end|>{% endfor %}{{ tools }}"
	"{% if add_generation_prompt %}>{% endif %}\"}";

static int wake;

static struct local_target *open_target(void)
{
	struct local_options o = {.threads = 1, .wake = wake};
	struct local_target *t;
	struct err e = ERR_INIT;
	struct config c;
	struct model *m;
	char *path = scratch_path("tokenizer_config.json");

	if (tokenizer_write_bytes(scratch_dir(), &e) ||
	    config_parse(&c, config, sizeof config - 1, "config.json", &e) < 0 ||
	    model_new(&m, &c, 5, &e) ||
	    model_save(m, scratch_dir(), &(struct model_save){.type = NN_F32}, &e))
		abort();
	scratch_write(path, span_of(tokenizer));
	model_free(m);
	config_release(&c);
	free(path);
	t = local_target_open(scratch_dir(), NULL, &o, &e);
	if (!t)
		abort();
	return t;
}

/* Whether each event of a stream holds JSON, or is the end. */
static int is_stream(struct span body)
{
	struct span v;

	for (const char *p = body.s, *end = p + body.n, *next; p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n;

		if (!newline)
			return 0;
		next = newline + 1;
		n = (size_t)(newline - p);
		if (n > 6 && memcmp(p, "data: ", 6) == 0 &&
		    !span_is((struct span){p + 6, n - 6}, "[DONE]") &&
		    json_check((struct span){p + 6, n - 6}, &v, NULL))
			return 0;
	}
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"/v1/chat/completions", "/v1/completions",
					    "/v1/messages", "/v1/responses"};
	static struct local_target *target;
	struct local_head head = {0};
	struct buf body = BUF_INIT;
	struct local_call *c;
	struct span v;
	uint64_t count;
	int patience;

	if (!target) {
		wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		target = open_target();
	}
	if (!size)
		return 0;
	c = local_call_start(target, paths[data[0] & 3],
			     (struct span){(const char *)data + 1, size - 1}, "m");
	/* One caller in four goes early. */
	patience = (data[0] & 12) == 12 ? data[0] >> 4 & 3 : 10000;
	while (local_call_read(c, &body, &head) != LOCAL_ENDED && patience-- > 0) {
		struct pollfd p = {.fd = wake, .events = POLLIN};

		/* libFuzzer's own alarm comes in between */
		if (poll(&p, 1, 20000) == 0)
			abort();
		if (read(wake, &count, sizeof count) < 0)
			continue;
	}
	if (local_call_read(c, &body, &head) == LOCAL_ENDED) {
		if (head.status != 200 && (head.status < 400 || head.status > 599))
			abort();
		if (strcmp(head.type, "text/event-stream") == 0
			    ? !is_stream(buf_span(&body))
			    : json_check(buf_span(&body), &v, NULL))
			abort();
	}
	local_call_free(c);
	buf_release(&body);
	return 0;
}
