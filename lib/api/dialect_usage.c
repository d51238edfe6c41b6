/* dialect_usage: the tokens and the money in an answer's `usage`, whatever the provider's way to count.
 *
 * OpenAI counts reasoning as part of completion_tokens and cached input as part of prompt_tokens. xAI
 * (docs.x.ai, "Consumption and Rate Limits") and Gemini's compatible endpoint leave reasoning out of
 * completion_tokens and tell it in total_tokens alone; DeepSeek names cached input
 * prompt_cache_hit_tokens beside prompt_cache_miss_tokens; Anthropic counts what it reads from its
 * cache and writes there apart from input_tokens; OpenRouter says what it charges (openrouter.ai,
 * "Usage Accounting"), and for a key of the user's own what the provider behind it charges too. */
#include <math.h>
#include "dialect_impl.h"

#define TICKS 1e10	 /* of xAI's cost_in_usd_ticks in a dollar */
#define MOST_TOKENS 1e15 /* more is no count */

/* Some servers write whole numbers as floats; -1 where it is no count. */
static long long count(struct span o, const char *name)
{
	double x;

	if (json_number(json_member(o, name), &x) || !(x >= 0) || x > MOST_TOKENS)
		return -1;
	return (long long)ceil(x);
}

/* The first of the names that is a count. */
static long long count_any(struct span o, const char *const *names)
{
	long long n = -1;

	for (; *names && n < 0; names++)
		n = count(o, *names);
	return n;
}

static long long known(long long n)
{
	return n > 0 ? n : 0;
}

static double dollars(struct span o, const char *name)
{
	double x;

	return json_number(json_member(o, name), &x) || !(x >= 0) || isinf(x) ? NAN : x;
}

/* What the server says that it charges; NaN where it says nothing. */
static double stated_cost(struct span usage)
{
	double cost = dollars(usage, "cost"), upstream;

	if (isnan(cost))
		cost = dollars(json_member(usage, "cost"), "total_cost");
	if (isnan(cost))
		cost = dollars(usage, "cost_in_usd_ticks") / TICKS;
	if (isnan(cost))
		cost = dollars(usage, "estimated_cost");
	upstream = dollars(json_member(usage, "cost_details"), "upstream_inference_cost");
	if (json_kind(json_member(usage, "is_byok")) == JSON_TRUE && !isnan(upstream))
		cost += upstream;
	return cost;
}

static void read_openai(struct span usage, struct dialect_usage *u)
{
	static const char *const cached[] = {"prompt_cache_hit_tokens", "cached_tokens",
					     "cache_read_input_tokens", NULL};
	static const char *const written[] = {"cache_write_tokens", "cache_creation_tokens", NULL};
	struct span in = json_member(usage, "prompt_tokens_details"),
		    out = json_member(usage, "completion_tokens_details");
	long long miss = count(usage, "prompt_cache_miss_tokens");

	u->completion = count(usage, "completion_tokens");
	u->cached = count(in, "cached_tokens");
	if (u->cached < 0)
		u->cached = count_any(usage, cached);
	u->cache_written = count_any(in, written);
	if (u->cache_written < 0)
		u->cache_written = count(usage, "cache_creation_input_tokens");
	u->reasoning = count(out, "reasoning_tokens");
	if (u->reasoning < 0)
		u->reasoning = count(usage, "reasoning_tokens");
	if (miss >= 0 && u->cached >= 0) {
		if (u->prompt < 0)
			u->prompt = u->cached + miss;
		u->odd |= u->cached + miss != u->prompt;
	}
}

/* OpenAI's Responses: the same meaning as in chats under other names. */
static void read_responses(struct span usage, struct dialect_usage *u)
{
	u->prompt = count(usage, "input_tokens");
	u->completion = count(usage, "output_tokens");
	u->cached = count(json_member(usage, "input_tokens_details"), "cached_tokens");
	u->reasoning = count(json_member(usage, "output_tokens_details"), "reasoning_tokens");
}

static void read_anthropic(struct span usage, struct dialect_usage *u)
{
	u->cached = count(usage, "cache_read_input_tokens");
	u->cache_written = count(usage, "cache_creation_input_tokens");
	u->written_1h = count(json_member(usage, "cache_creation"), "ephemeral_1h_input_tokens");
	u->prompt = count(usage, "input_tokens") + known(u->cached) + known(u->cache_written);
	u->completion = count(usage, "output_tokens");
}

/* Brings what the total tells apart into prompt and completion, and finds counts that cannot all be
 * true. */
static void add_up(struct dialect_usage *u, long long total)
{
	long long cache = known(u->cached) + known(u->cache_written), rest;

	if (u->prompt < 0 || u->completion < 0)
		return;
	rest = total > 0 ? total - u->prompt - u->completion : 0;
	if (rest > 0 && cache > u->prompt && rest == cache)
		u->prompt += rest;
	else if (rest > 0)
		u->completion += rest;
	else if (total <= 0 && u->reasoning > u->completion)
		u->completion += u->reasoning;
	u->odd |= rest < 0 || cache > u->prompt || u->reasoning > u->completion ||
		  u->written_1h > known(u->cache_written);
}

void dialect_usage(struct span usage, struct dialect_usage *u)
{
	*u = (struct dialect_usage){.prompt = count(usage, "prompt_tokens"),
				    .completion = -1,
				    .cached = -1,
				    .cache_written = -1,
				    .written_1h = -1,
				    .reasoning = -1,
				    .cost = stated_cost(usage)};
	if (u->prompt >= 0 || count(usage, "input_tokens") < 0)
		read_openai(usage, u);
	else if (json_kind(json_member(usage, "input_tokens_details")) == JSON_OBJECT)
		read_responses(usage, u);
	else
		read_anthropic(usage, u);
	add_up(u, count(usage, "total_tokens"));
}
