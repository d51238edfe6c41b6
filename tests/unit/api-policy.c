/* The policies of lib/net that need no network: what is repeated and when, buckets and window,
 * addresses, header parsing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../lib/prompt/answer.h"
#include "../../lib/api/dialect.h"
#include "../../lib/api/prices.h"
#include "../../lib/net/rate.h"
#include "../../lib/net/retry.h"
#include "../../lib/net/url.h"
#include "tap.h"

static struct http_response response(int status, const char *headers)
{
	struct http_response r = {.failure = HTTP_DONE, .status = status};

	buf_adds(&r.headers, headers);
	return r;
}

static int worth(int status, const char *headers)
{
	struct http_response r = response(status, headers);
	int yes = retry_worth(&r);

	http_response_release(&r);
	return yes;
}

static double after(const char *headers, double now)
{
	struct http_response r = response(429, headers);
	double x = retry_after(&r, now);

	http_response_release(&r);
	return x;
}

static double pause_of(const char *headers, double now)
{
	struct http_response r = response(200, headers);
	double x = rate_pause(&r, now);

	http_response_release(&r);
	return x;
}

static void repeats(void)
{
	static const int again[] = {408, 409, 429, 500, 502, 503, 504, 529},
			 final[] = {200, 400, 401, 403, 404, 413, 422};

	for (size_t i = 0; i < sizeof again / sizeof *again; i++)
		ok(worth(again[i], ""), "%d is repeated", again[i]);
	for (size_t i = 0; i < sizeof final / sizeof *final; i++)
		ok(!worth(final[i], ""), "%d is final", final[i]);
	ok(!worth(503, "x-should-retry: false\n"), "x-should-retry: false makes a 503 final");
	ok(worth(400, "x-should-retry: true\n"), "x-should-retry: true repeats a 400");

	struct http_response r = {.failure = HTTP_DROPPED};
	ok(retry_worth(&r), "a dropped connection is repeated");
	r.failure = HTTP_TIMEOUT;
	ok(retry_worth(&r), "a timeout is repeated");
	r.failure = HTTP_TLS;
	ok(!retry_worth(&r), "a TLS failure is final");
	r.failure = HTTP_NO_HOST;
	ok(!retry_worth(&r), "an unknown host is final");
}

static void waits(void)
{
	double t = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 */

	ok(isnan(after("", t)), "no header, no wait asked");
	ok_near(after("retry-after: 7\n", t), 7, 0, "Retry-After in seconds");
	ok_near(after("retry-after: 0.25\n", t), 0.25, 0, "Retry-After in fractions");
	ok_near(after("retry-after: 7\nretry-after-ms: 1500\n", t), 1.5, 0,
		"retry-after-ms comes first");
	ok_near(after("retry-after: Sun, 06 Nov 1994 08:49:47 GMT\n", t), 10, 0,
		"Retry-After as a date");
	ok_near(after("retry-after: Sun, 06 Nov 1994 08:49:27 GMT\n", t), 0, 0,
		"a date gone by is now");
	ok_near(after("date: Sun, 06 Nov 1994 08:00:00 GMT\nretry-after: Sun, 06 Nov 1994 08:00:30 GMT\n",
		      t),
		30, 0, "a date is measured against the server's own clock");
	ok(isnan(after("retry-after: soon\n", t)), "nonsense is no wait");
	ok(isnan(after("retry-after: -5\n", t)), "a negative wait is none");

	struct rng rng;
	rng_seed(&rng, 1, 2);
	for (int n = 1; n <= 12; n++) {
		double full = fmin(8, 0.5 * exp2(n - 1)), x = retry_backoff(n, &rng);

		ok(x <= full && x >= 0.75 * full, "backoff %d lies in [%g, %g]", n, 0.75 * full,
		   full);
	}
}

static void buckets(void)
{
	struct bucket b;
	double now = 100, taken = 0;

	bucket_init(&b, 60, now);
	for (; now < 100 + 60; now += 0.01)
		if (bucket_wait(&b, 1, now) <= 0) {
			bucket_take(&b, 1);
			taken++;
		}
	ok(taken >= 60 && taken <= 67, "60 a minute lets %g through in the first minute", taken);
	bucket_take(&b, 30);
	ok(bucket_wait(&b, 1, now) > 20, "a debt is waited for");
	bucket_init(&b, 0, now);
	bucket_take(&b, 1e9);
	ok_near(bucket_wait(&b, 1e9, now), 0, 0, "no limit, no wait");
}

static void windows(void)
{
	struct window w;

	window_init(&w, 16);
	window_throttled(&w, 1, 2);
	ok(window_size(&w) == 8, "a 429 halves the window");
	window_throttled(&w, 1.5, 2.1);
	ok(window_size(&w) == 8, "the others of the same window do not halve it again");
	window_throttled(&w, 3, 4);
	ok(window_size(&w) == 4, "a later one does");
	for (int i = 0; i < 5; i++)
		window_success(&w);
	ok(window_size(&w) == 5, "a window of successes adds one");
	for (int i = 0; i < 1000; i++)
		window_success(&w);
	ok(window_size(&w) == 16, "it grows back to what was asked and no further");
	for (int i = 0; i < 20; i++)
		window_throttled(&w, 10 + i, 10.5 + i);
	ok(window_size(&w) == 1, "it never closes");
}

static void pauses(void)
{
	ok_near(pause_of("x-ratelimit-remaining-requests: 3\nx-ratelimit-reset-requests: 1s\n", 0),
		0, 0, "something remains: no pause");
	ok_near(pause_of("x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1m2.5s\n",
			 0),
		60, 0, "a pause has its ceiling");
	ok_near(pause_of("x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 20ms\n",
			 0),
		0.02, 1e-12, "milliseconds");
	ok_near(pause_of("x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 7.5\n", 0),
		7.5, 0, "bare seconds");
	ok_near(pause_of("anthropic-ratelimit-requests-remaining: 0\nanthropic-ratelimit-requests-reset: 1970-01-01T00:01:10Z\n",
			 60),
		10, 0, "a time of day");
	ok_near(pause_of("x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: later\n",
			 0),
		0, 0, "nonsense is no pause");
	ok_near(pause_of("anthropic-ratelimit-output-tokens-remaining: 0\nanthropic-ratelimit-output-tokens-reset: 1970-01-01T00:01:10Z\n",
			 65),
		5, 0, "tokens that come out have a limit of their own");
	ok_near(pause_of("x-ratelimit-remaining: 0\nx-ratelimit-reset: 3\n", 1.7e9), 3, 0,
		"names without a unit (Together)");
	ok_near(pause_of("x-ratelimit-remaining: 0\nx-ratelimit-reset: 1700000004000\n", 1.7e9), 4,
		1e-6, "milliseconds since 1970 (OpenRouter)");
	ok_near(pause_of("x-ratelimit-remaining: 0\nx-ratelimit-reset: 1699999999\n", 1.7e9), 0, 0,
		"a time gone by");
}

static void is_url(enum dialect_kind d, const char *base, const char *want)
{
	struct buf b = BUF_INIT;

	dialect_url(d, base, "gpt", "2024-10-21", &b);
	ok_str(b.data, want, "%s", base);
	buf_release(&b);
}

static void is_side(enum dialect_kind d, const char *base, const char *side, const char *want)
{
	struct buf b = BUF_INIT;

	dialect_side_url(d, base, side, "2024-10-21", &b);
	ok_str(b.data, want, "%s beside %s", side, base);
	buf_release(&b);
}

static void addresses(void)
{
	struct buf b = BUF_INIT;

	is_url(DIALECT_OPENAI, "https://h/v1", "https://h/v1/chat/completions");
	is_url(DIALECT_OPENAI, "https://h/v1/", "https://h/v1/chat/completions");
	is_url(DIALECT_OPENAI, "https://h/v1/chat/completions", "https://h/v1/chat/completions");
	is_url(DIALECT_OPENAI, "https://h/v1?k=1", "https://h/v1/chat/completions?k=1");
	is_url(DIALECT_AZURE, "https://x.openai.azure.com",
	       "https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21");
	is_url(DIALECT_AZURE, "https://x.openai.azure.com/openai/deployments/other?api-version=2",
	       "https://x.openai.azure.com/openai/deployments/other/chat/completions?api-version=2");
	is_url(DIALECT_AZURE, "https://x.openai.azure.com/openai/v1",
	       "https://x.openai.azure.com/openai/v1/chat/completions");
	is_url(DIALECT_AZURE, "https://x.services.ai.azure.com/models",
	       "https://x.services.ai.azure.com/models/chat/completions?api-version=2024-10-21");
	is_side(DIALECT_OPENAI, "https://h/v1/", "/files", "https://h/v1/files");
	is_side(DIALECT_OPENAI, "https://h/v1/chat/completions?k=1", "/batches?limit=100",
		"https://h/v1/batches?limit=100&k=1");
	is_side(DIALECT_AZURE, "https://x.openai.azure.com/openai/deployments/gpt", "/batches/b-1",
		"https://x.openai.azure.com/openai/batches/b-1?api-version=2024-10-21");
	is_side(DIALECT_AZURE, "https://x.openai.azure.com", "/files",
		"https://x.openai.azure.com/openai/files?api-version=2024-10-21");
	is_side(DIALECT_AZURE, "https://x.openai.azure.com/openai/v1", "/files",
		"https://x.openai.azure.com/openai/v1/files");
	is_url(DIALECT_ANTHROPIC, "https://api.anthropic.com/v1",
	       "https://api.anthropic.com/v1/messages");
	is_url(DIALECT_RESPONSES, "https://h/v1/", "https://h/v1/responses");
	is_url(DIALECT_RESPONSES, "https://h/v1/responses?k=1", "https://h/v1/responses?k=1");
	is_url(DIALECT_RESPONSES, "https://x.openai.azure.com",
	       "https://x.openai.azure.com/openai/v1/responses");
	is_url(DIALECT_RESPONSES, "https://x.openai.azure.com/openai/v1",
	       "https://x.openai.azure.com/openai/v1/responses");
	is_side(DIALECT_RESPONSES, "https://h/v1/responses", "/files", "https://h/v1/files");
	is_side(DIALECT_RESPONSES, "https://x.openai.azure.com", "/files",
		"https://x.openai.azure.com/openai/v1/files");
	dialect_url(DIALECT_AZURE, "https://x.openai.azure.com", "my gpt/4?", "1", &b);
	ok_str(b.data,
	       "https://x.openai.azure.com/openai/deployments/my%20gpt%2F4%3F/chat/completions?api-version=1",
	       "a deployment's name is one segment of the path");
	buf_clear(&b);
	ok(dialect_of("https://x.openai.azure.com/") == DIALECT_AZURE,
	   "Azure is told from its host");
	ok(dialect_of("https://x.cognitiveservices.azure.com/") == DIALECT_AZURE,
	   "also where that is named otherwise");
	ok(dialect_of("https://api.anthropic.com/v1") == DIALECT_ANTHROPIC, "so is Anthropic");
	ok(dialect_of("https://h/v1/responses") == DIALECT_RESPONSES &&
		   dialect_of("https://x.openai.azure.com/openai/v1/responses?a=1") ==
			   DIALECT_RESPONSES,
	   "an address that ends in the endpoint says what is spoken");
	ok(dialect_of("http://evil/?api.anthropic.com") == DIALECT_OPENAI,
	   "but not from elsewhere in the address");
	url_show(&b, "https://user:secret@host:1/p?key=secret#x");
	ok_str(b.data, "https://host:1/p", "messages show no user, password or query");
	buf_release(&b);
}

/* An error in a 200 answer, or in a stream: what it says, and the status that it stands for. */
static void is_error(enum dialect_kind d, const char *body, int status, const char *message)
{
	struct backend_answer a = {0};

	backend_answer_clear(&a);
	dialect_answer(d, span_of(body), 0, &a);
	ok(strcmp(a.error_type, "api") == 0 && a.error_status == status, "%s is a %d", body,
	   status);
	ok_str(a.error_message.data, message, "and says why");
	backend_answer_release(&a);
}

static void errors(void)
{
	is_error(DIALECT_OPENAI,
		 "{\"error\":{\"message\":\"Provider returned error\",\"code\":503,\"metadata\":{\"raw\":\"no capacity\"}}}",
		 503, "Provider returned error: no capacity");
	is_error(DIALECT_OPENAI,
		 "{\"error\":{\"message\":\"oops\",\"type\":\"server_error\",\"code\":null}}", 500,
		 "oops");
	is_error(DIALECT_OPENAI,
		 "{\"error\":{\"message\":\"slow down\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
		 429, "slow down");
	is_error(DIALECT_OPENAI, "{\"error\":\"plain\"}", 200, "plain");
	is_error(DIALECT_ANTHROPIC,
		 "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
		 529, "Overloaded");
}

static void is_body(struct dialect *c, const char *extra, const char *want)
{
	static const struct backend_request q = {
		.messages = {"[{\"role\":\"user\",\"content\":\"hi\"}]", 32}};
	struct buf b = BUF_INIT;

	c->extra = extra ? span_of(extra) : (struct span){NULL, 0};
	dialect_body(c, &q, &b, NULL);
	ok_str(b.data, want, "extra %s", extra ? extra : "none");
	buf_release(&b);
}

static void bodies(void)
{
	struct backend_params p;
	struct dialect c = {.dialect = DIALECT_OPENAI,
			    .model = "m",
			    .params = &p,
			    .stream = 1,
			    .completion_limit = 1};

	backend_params_init(&p);
	p.max_tokens = 9;
	p.logprobs = 2;
	is_body(&c, NULL,
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_completion_tokens\":9,"
		"\"logprobs\":true,\"top_logprobs\":2,\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
	is_body(&c, "{\"max_tokens\":5,\"stream_options\":null,\"top_logprobs\":1,\"messages\":[]}",
		"{\"model\":\"m\",\"logprobs\":true,\"stream\":true,\"max_tokens\":5,\"stream_options\":null,\"top_logprobs\":1,\"messages\":[]}");
	c.dialect = DIALECT_ANTHROPIC;
	c.stream = 0;
	is_body(&c, "{\"messages\":[1],\"max_tokens\":5}",
		"{\"model\":\"m\",\"messages\":[1],\"max_tokens\":5}");
}

/* The price of a million tokens in at that address. */
static void is_price(const char *url, const char *model, double want)
{
	static const char text[] =
		"{\"m\":{\"input_cost_per_token\":1e-6,\"output_cost_per_token\":0},"
		"\"groq/m\":{\"input_cost_per_token\":2e-6,\"output_cost_per_token\":0},"
		"\"azure/m\":{\"input_cost_per_token\":3e-6,\"output_cost_per_token\":0}}";
	static const struct dialect_usage u = {1000000, 0, -1, -1, -1, -1, NAN, 0};
	char path[] = "/tmp/ft-prices-XXXXXX";
	struct prices *p;
	int fd = mkstemp(path);

	ok(write(fd, text, sizeof text - 1) == sizeof text - 1, "a price file is written");
	close(fd);
	p = prices_load(path, NULL);
	prices_provider(p, url);
	ok_near(prices_cost(p, model, 0, &u), want, 1e-9, "%s at %s", model, url);
	prices_free(p);
	unlink(path);
}

/* What an answer with this usage costs, in millionths of a dollar; -1 where that is not known. */
static void is_bill(const char *usage, double want)
{
	static const char text[] =
		"{\"m\":{\"input_cost_per_token\":1e-6,\"output_cost_per_token\":1e-5,"
		"\"output_cost_per_reasoning_token\":2e-5,\"cache_read_input_token_cost\":1e-7,"
		"\"cache_creation_input_token_cost\":2e-6,"
		"\"cache_creation_input_token_cost_above_1hr\":4e-6,"
		"\"input_cost_per_token_above_272k_tokens\":8e-6,"
		"\"input_cost_per_token_above_32k_tokens\":3e-6,"
		"\"output_cost_per_token_above_32k_tokens\":3e-5}}";
	char path[] = "/tmp/ft-prices-XXXXXX";
	struct dialect_usage u;
	struct prices *p;
	struct span v;
	double cost;
	int fd = mkstemp(path);

	ok(write(fd, text, sizeof text - 1) == sizeof text - 1, "a price file is written");
	close(fd);
	p = prices_load(path, NULL);
	ok(!json_check(span_of(usage), &v, NULL), "%s is JSON", usage);
	dialect_usage(v, &u);
	cost = prices_cost(p, "m", 0, &u);
	ok_near(isnan(cost) ? -1 : cost * 1e6, want, 1e-6, "%s", usage);
	prices_free(p);
	unlink(path);
}

/* Shapes from public reports; each cost worked out by hand from the prices above. */
static void bills(void)
{
	/* OpenAI: reasoning and cached tokens are parts */
	is_bill("{\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120,"
		"\"prompt_tokens_details\":{\"cached_tokens\":40},"
		"\"completion_tokens_details\":{\"reasoning_tokens\":5}}",
		60 + 4 + 150 + 100);
	/* xAI and Gemini: the total tells reasoning apart, with and without details */
	is_bill("{\"prompt_tokens\":32,\"completion_tokens\":9,\"total_tokens\":135,"
		"\"completion_tokens_details\":{\"reasoning_tokens\":94}}",
		32 + 90 + 94 * 20);
	is_bill("{\"prompt_tokens\":21,\"completion_tokens\":0,\"total_tokens\":81}", 21 + 600);
	is_bill("{\"prompt_tokens\":1,\"completion_tokens\":2,"
		"\"completion_tokens_details\":{\"reasoning_tokens\":3}}",
		1 + 20 + 60);
	/* floats, a total of nothing */
	is_bill("{\"prompt_tokens\":10.0,\"completion_tokens\":1.0,\"total_tokens\":0}", 20);
	/* DeepSeek; Moonshot */
	is_bill("{\"prompt_tokens\":10,\"completion_tokens\":1,\"prompt_cache_hit_tokens\":6,"
		"\"prompt_cache_miss_tokens\":4}",
		4 + 0.6 + 10);
	is_bill("{\"prompt_tokens\":10,\"completion_tokens\":1,\"cached_tokens\":6}", 4 + 0.6 + 10);
	/* Anthropic: the cache stands beside input_tokens; an hour's writing is dearer */
	is_bill("{\"input_tokens\":3,\"cache_read_input_tokens\":10,"
		"\"cache_creation_input_tokens\":5,\"output_tokens\":2}",
		3 + 1 + 10 + 20);
	is_bill("{\"input_tokens\":3,\"cache_creation_input_tokens\":5,\"output_tokens\":2,"
		"\"cache_creation\":{\"ephemeral_1h_input_tokens\":4}}",
		3 + 2 + 16 + 20);
	/* a gateway that counts the cache apart under OpenAI's names */
	is_bill("{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":15,"
		"\"prompt_tokens_details\":{\"cached_tokens\":10}}",
		3 + 1 + 20);
	/* Responses */
	is_bill("{\"input_tokens\":10,\"input_tokens_details\":{\"cached_tokens\":4},"
		"\"output_tokens\":5,\"output_tokens_details\":{\"reasoning_tokens\":5},"
		"\"total_tokens\":15}",
		6 + 0.4 + 100);
	/* long prompts */
	is_bill("{\"prompt_tokens\":40000,\"completion_tokens\":1}", 120000 + 30);
	is_bill("{\"prompt_tokens\":300000,\"completion_tokens\":1}", 2400000 + 30);
	/* as stated: OpenRouter, with a key of one's own, Perplexity, xAI */
	is_bill("{\"prompt_tokens\":1,\"completion_tokens\":1,\"cost\":0.00007}", 70);
	is_bill("{\"cost\":1e-6,\"is_byok\":true,\"cost_details\":{\"upstream_inference_cost\":5e-6}}",
		6);
	is_bill("{\"cost\":1e-6,\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":1e-6}}",
		1);
	is_bill("{\"prompt_tokens\":1,\"cost\":{\"total_cost\":3e-6}}", 3);
	is_bill("{\"prompt_tokens\":1,\"cost_in_usd_ticks\":50000}", 5);
	is_bill("{\"prompt_tokens\":7,\"completion_tokens\":1,\"cost\":-4}", 17);
	/* contradictions, and what is no count */
	is_bill("{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":12}", -1);
	is_bill("{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,"
		"\"completion_tokens_details\":{\"reasoning_tokens\":9}}",
		-1);
	is_bill("{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_cache_hit_tokens\":6,"
		"\"prompt_cache_miss_tokens\":6}",
		-1);
	is_bill("{\"prompt_tokens\":10,\"completion_tokens\":5,"
		"\"prompt_tokens_details\":{\"cached_tokens\":11}}",
		-1);
	is_bill("{\"prompt_tokens\":-10,\"completion_tokens\":5}", -1);
	is_bill("{\"prompt_tokens\":\"10\",\"completion_tokens\":5}", -1);
	is_bill("{\"prompt_tokens\":1e300,\"completion_tokens\":5}", -1);
	is_bill("{}", -1);
}

/* What a server leaves out of a tool call must not make the record that it goes into something else
 * than JSON. */
static void holes(void)
{
	static const char body[] =
		"{\"content\":[{\"type\":\"tool_use\",\"input\":{\"a\":1}}],\"stop_reason\":\"tool_use\"}";
	struct backend_answer a = {0};
	struct buf json = BUF_INIT;
	struct err e = ERR_INIT;
	struct span v;

	backend_answer_clear(&a);
	dialect_answer(DIALECT_ANTHROPIC, span_of(body), 0, &a);
	answer_write(&a, &json);
	ok(!json_check(buf_span(&json), &v, &e),
	   "a tool call without name and id is still JSON in the record: %s", e.msg);
	buf_release(&json);
	backend_answer_release(&a);
}

int main(void)
{
	holes();
	bills();
	is_price("https://api.openai.com/v1", "m", 1);
	is_price("https://api.groq.com/openai/v1", "m", 2);
	is_price("https://x.openai.azure.com", "m", 3);
	is_price("https://api.mistral.ai/v1", "m", 1);
	is_price("https://api.groq.com.evil.example/v1", "m", 1);
	errors();
	bodies();
	repeats();
	waits();
	buckets();
	windows();
	pauses();
	addresses();
	return tap_done();
}
