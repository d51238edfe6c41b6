/* Whatever the automaton of a schema lets through is valid under it, and nothing invalid can be
 * written: on the cases of tests/fixtures/schema.jsonl and on random schemas. */
#include <stdlib.h>
#include "../../lib/base/file.h"
#include "../../lib/base/rng.h"
#include "../../lib/grammar/constrain.h"
#include "../../lib/grammar/grammar.h"
#include "tap.h"

#define CASES "tests/fixtures/schema.jsonl"

static int reaches(struct automaton *a, struct span text)
{
	uint32_t at = automaton_start(a);

	for (size_t i = 0; i < text.n && at != AUTOMATON_DEAD; i++)
		at = automaton_next(a, at, (unsigned char)text.s[i]);
	return automaton_accepts(a, at);
}

/* A random text of the language. After a while it takes what brings it to an end. 0: it did not
 * come to one. */
static int walk(struct automaton *a, struct rng *r, struct buf *text)
{
	uint32_t at = automaton_start(a);
	size_t patience = 20 + rng_below(r, 200);

	buf_clear(text);
	while (text->len < 20000) {
		unsigned char can[256];
		size_t n = 0;
		int b = -1;

		if (automaton_accepts(a, at) && (text->len > patience || rng_below(r, 3) == 0))
			return 1;
		for (int i = 0; i < 256; i++)
			if (automaton_next(a, at, (unsigned char)i) != AUTOMATON_DEAD)
				can[n++] = (unsigned char)i;
		if (n == 0)
			return automaton_accepts(a, at);
		for (const char *p = "\"]}n0"; *p && text->len > patience && b < 0; p++)
			if (memchr(can, *p, n))
				b = (unsigned char)*p;
		if (b < 0)
			b = can[rng_below(r, n)];
		buf_addc(text, b);
		at = automaton_next(a, at, (unsigned char)b);
	}
	return 0;
}

static size_t walks, unfinished;

/* n random texts; the first that is not valid is shown. */
static int all_valid(const struct schema *s, struct automaton *a, struct rng *r, int n)
{
	struct buf text = BUF_INIT;
	int good = 1;

	for (int i = 0; i < n && good; i++) {
		struct err e = ERR_INIT;
		struct span v;

		walks++;
		if (!walk(a, r, &text)) {
			unfinished++;
			continue;
		}
		good = json_check(buf_span(&text), &v, &e) == 0 && schema_check(s, v, &e) == 0;
		if (!good)
			printf("# %.*s\n# under %.*s: %s\n", (int)(text.len < 300 ? text.len : 300),
			       text.data, (int)schema_text(s).n, schema_text(s).s, e.msg);
	}
	buf_release(&text);
	return good;
}

static size_t valid_seen, valid_reached;

/* Whether long doubles hold whole numbers beyond 2^53, which valgrind's don't. */
static int is_long(void)
{
	volatile long double x = 0x1p53L;

	x += 1;
	return x != 0x1p53L;
}

static void one_case(struct span line, struct rng *r)
{
	struct span schema = json_member(line, "schema"), refused = json_member(line, "refused"),
		    key, v;
	struct err e = ERR_INIT;
	struct schema *s = schema_compile(schema, &e);
	struct automaton *a = constrain_compile(s, &e);
	struct json_iter it = {0};
	struct buf text = BUF_INIT, word = BUF_INIT;
	int shown = (int)(schema.n < 150 ? schema.n : 150), none = 1;

	if (refused.s) {
		json_string(refused, &word);
		ok(!a && strstr(e.msg, word.data), "%.*s is refused for its %s", shown, schema.s,
		   word.data);
		if (a || !strstr(e.msg, word.data))
			printf("# %s\n", e.msg);
	} else if (json_count(json_member(line, "valid")) == 0) {
		ok(!a && strstr(e.msg, "no value"), "%.*s is refused: nothing can meet it", shown,
		   schema.s);
	} else {
		ok(a != NULL, "%.*s can be decoded under", shown, schema.s);
		if (!a)
			printf("# %s\n", e.msg);
	}
	if (a) {
		while (json_next(&it, json_member(line, "invalid"), &key, &v)) {
			buf_clear(&text);
			json_canonical(v, &text);
			none &= !reaches(a, v) && !reaches(a, buf_span(&text));
			if (reaches(a, v))
				printf("# %.*s can be written\n", (int)v.n, v.s);
		}
		if (none || is_long())
			ok(none, "%.*s: nothing invalid can be written", shown, schema.s);
		else
			ok(1,
			   "%.*s: nothing invalid can be written # SKIP long doubles are short here",
			   shown, schema.s);
		memset(&it, 0, sizeof it);
		while (json_next(&it, json_member(line, "valid"), &key, &v)) {
			buf_clear(&text);
			json_canonical(v, &text);
			valid_seen++;
			valid_reached += reaches(a, v) || reaches(a, buf_span(&text));
		}
		ok(all_valid(s, a, r, 40), "%.*s: what is written at random is valid", shown,
		   schema.s);
	}
	automaton_free(a);
	schema_free(s);
	buf_release(&text);
	buf_release(&word);
}

/* --- random schemas --- */

static void random_schema(struct rng *r, int depth, struct buf *b)
{
	static const char *const leaves[] =
		{"{\"type\":\"null\"}",
		 "{\"type\":\"boolean\"}",
		 "{\"enum\":[\"a\",1,null,{\"x\":[]}]}",
		 "{\"type\":\"string\",\"format\":\"date\"}",
		 "{\"type\":\"string\",\"format\":\"uuid\"}",
		 "{\"type\":\"string\",\"pattern\":\"^[a-c]{2,4}(-\\\\d+)?$\"}",
		 "{\"const\":\"k\"}",
		 "{}",
		 "{\"type\":\"string\",\"format\":\"ipv4\"}",
		 "{\"type\":\"string\",\"format\":\"email\"}",
		 "{\"type\":\"string\",\"format\":\"date-time\"}",
		 "{\"type\":\"string\",\"format\":\"uri\"}"};
	uint64_t kind = rng_below(r, depth > 3 ? 5 : 10), n;
	long long lo, hi;

	switch (kind) {
	case 0:
	case 1:
		buf_adds(b, leaves[rng_below(r, sizeof leaves / sizeof *leaves)]);
		break;
	case 2:
		lo = (long long)rng_below(r, 3000) - 1500;
		hi = lo + (long long)rng_below(r, rng_below(r, 2) ? 5 : 20000);
		buf_addf(b, "{\"type\":\"integer\",\"%s\":%lld,\"%s\":%lld}",
			 rng_below(r, 2) ? "minimum" : "exclusiveMinimum", lo,
			 rng_below(r, 2) ? "maximum" : "exclusiveMaximum", hi + 2);
		break;
	case 3:
		lo = (long long)rng_below(r, 40) - 20;
		buf_addf(b, "{\"type\":\"number\",\"%s\":%lld,\"%s\":%lld}",
			 rng_below(r, 2) ? "minimum" : "exclusiveMinimum", lo,
			 rng_below(r, 2) ? "maximum" : "exclusiveMaximum",
			 lo + 1 + (long long)rng_below(r, 30));
		break;
	case 4:
		n = rng_below(r, 5);
		buf_addf(b,
			 "{\"type\":[\"string\",\"null\"],\"minLength\":%llu,\"maxLength\":%llu}",
			 (unsigned long long)n, (unsigned long long)(n + rng_below(r, 5)));
		break;
	case 5:
		n = rng_below(r, 3);
		buf_adds(b, "{\"type\":\"array\",\"items\":");
		random_schema(r, depth + 1, b);
		buf_addf(b, ",\"minItems\":%llu,\"maxItems\":%llu}", (unsigned long long)n,
			 (unsigned long long)(n + rng_below(r, 3)));
		break;
	case 6:
		buf_adds(b, "{\"type\":\"array\",\"prefixItems\":[");
		random_schema(r, depth + 1, b);
		buf_adds(b, ",");
		random_schema(r, depth + 1, b);
		buf_adds(b, "],\"items\":");
		if (rng_below(r, 2))
			random_schema(r, depth + 1, b);
		else
			buf_adds(b, "false");
		buf_adds(b, "}");
		break;
	case 7:
		buf_addf(b, "{\"%s\":[", rng_below(r, 2) ? "anyOf" : "allOf");
		random_schema(r, depth + 1, b);
		buf_adds(b, ",");
		random_schema(r, depth + 1, b);
		buf_adds(b, "]}");
		break;
	default:
		n = 1 + rng_below(r, 4);
		buf_adds(b, "{\"type\":\"object\",\"properties\":{");
		for (uint64_t i = 0; i < n; i++) {
			buf_addf(b, "%s\"%s%llu\":", i ? "," : "", i == 2 ? "od\\\"d " : "p",
				 (unsigned long long)i);
			random_schema(r, depth + 1, b);
		}
		buf_adds(b, "},\"required\":[");
		for (uint64_t i = 0, some = 0; i < n; i++)
			if (i != 2 && rng_below(r, 2))
				buf_addf(b, "%s\"p%llu\"", some++ ? "," : "",
					 (unsigned long long)i);
		buf_adds(b, "]");
		if (rng_below(r, 2))
			buf_adds(b, ",\"additionalProperties\":false");
		else if (rng_below(r, 2)) {
			buf_adds(b, ",\"additionalProperties\":");
			random_schema(r, depth + 1, b);
		}
		buf_adds(b, "}");
	}
}

static void random_schemas(size_t n, struct rng *r)
{
	struct buf b = BUF_INIT;
	size_t compiled = 0, good = 0, unmet = 0;

	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;
		struct schema *s;
		struct automaton *a;

		buf_clear(&b);
		random_schema(r, 0, &b);
		if (!(s = schema_compile(buf_span(&b), &e))) {
			printf("# %s: %s\n", b.data, e.msg);
			continue;
		}
		compiled++;
		if ((a = constrain_compile(s, &e)))
			good += (size_t)all_valid(s, a, r, 10);
		else if (strstr(e.msg, "no value") || strstr(e.msg, "more than one pattern") ||
			 strstr(e.msg, "beside a pattern"))
			unmet++;
		else
			printf("# %s: %s\n", b.data, e.msg);
		automaton_free(a);
		schema_free(s);
	}
	ok(compiled == n && good + unmet == n && unmet < n / 2,
	   "%zu random schemas: all that is written is valid (%zu cannot be met)", n, unmet);
	buf_release(&b);
}

static void masks(void)
{
	static const char config[] = "{\"bos_token\": \"<|begin|>\"}";
	struct buf json = BUF_INIT;
	struct err e = ERR_INIT;
	struct tokenizer *t;
	struct grammar_vocabulary *v;
	struct grammar *g;
	struct schema *s =
		schema_compile(span_of("{\"type\":\"object\",\"properties\":{\"ab\":{\"type\":\"integer\",\"maximum\":3}},"
				       "\"required\":[\"ab\"],\"additionalProperties\":false}"),
			       &e);
	static const char *const words[] = {"{", "{\\\"", "ab",	   "a",
					    "b", "\\\"",  "\\\":", ":",
					    "1", "2",	  "3",	   "12",
					    "}", "3}",	  "}}",	   "{\\\"ab\\\":",
					    "x"};
	size_t n = sizeof words / sizeof *words;
	const uint32_t *mask;
	uint32_t at;
	int32_t stop = (int32_t)n;

	buf_adds(&json, "{\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{");
	for (size_t i = 0; i < n; i++)
		buf_addf(&json, "%s\"%s\":%zu", i ? "," : "", words[i], i);
	buf_addf(&json,
		 "}},\"added_tokens\":[{\"id\":%zu,\"content\":\"<|end|>\",\"special\":true}]}", n);
	t = tokenizer_parse(buf_span(&json), span_of(config), &e);
	if (!t) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	v = grammar_vocabulary_new(t, n + 3, &stop, 1);
	g = grammar_new(s, v, &e);
	at = grammar_start(g);
	mask = grammar_mask(g, at);
	ok(mask[0] == (1u << 0 | 1u << 1 | 1u << 15), "first come the tokens that begin an object");
	at = grammar_next(g, at, 15);
	mask = grammar_mask(g, at);
	ok(mask[0] == (1u << 8 | 1u << 9 | 1u << 10 | 1u << 13),
	   "then a number of up to 3, with or without the brace behind it");
	at = grammar_next(g, at, 13);
	mask = grammar_mask(g, at);
	ok(mask[0] == 1u << stop && grammar_ended(g, at), "then nothing but the end");
	grammar_free(g);
	grammar_vocabulary_free(v);
	tokenizer_free(t);
	schema_free(s);
	buf_release(&json);
}

int main(void)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	struct rng r;

	rng_seed(&r, 20, 1);
	if (file_read(CASES, (size_t)1 << 24, &text, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		return 1;
	}
	for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
		struct span v;

		if (json_check(span_of(line), &v, &e) != 0) {
			printf("Bail out! %s: %s\n", line, e.msg);
			return 1;
		}
		one_case(v, &r);
	}
	ok(valid_reached * 10 >= valid_seen * 8, "%zu of %zu valid values can be written",
	   valid_reached, valid_seen);
	random_schemas(400, &r);
	ok(unfinished * 50 < walks, "%zu of %zu random texts came to no end in time", unfinished,
	   walks);
	masks();
	buf_release(&text);
	return tap_done();
}
