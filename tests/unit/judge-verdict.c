/* lib/judge/verdict on the corpora of tests/fixtures (judge-replies, judge-verdicts and
 * judge-strangers): no false pass, and how many replies are read. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/json/reader.h"
#include "../../lib/judge/rubric.h"
#include "../../lib/judge/verdict.h"

enum { NONE = -1000, CLEAR = 2, ADVERSARIAL = 3, KINDS = 5 };

/* Of the replies that nobody doubts, the share that must be read; the others are asked again. */
#define CLEAR_READ 0.95

static struct buf reply, candidate;

static int wanted(struct span want, enum verdict_mode mode)
{
	double x;

	if (json_kind(want) == JSON_NULL)
		return NONE;
	if (json_kind(want) == JSON_TRUE || json_kind(want) == JSON_FALSE)
		return json_kind(want) == JSON_TRUE;
	if (mode == VERDICT_PAIR)
		return json_is(want, "A") ? PAIR_A : json_is(want, "B") ? PAIR_B : PAIR_TIE;
	json_number(want, &x);
	return (int)x;
}

static void corpus(void)
{
	static const char *const kinds[] = {"well-formed", "sloppy", "clear", "adversarial",
					    "doubtful"};
	char *files[] = {"tests/fixtures/judge-replies.jsonl",
			 "tests/fixtures/judge-verdicts.jsonl",
			 "tests/fixtures/judge-strangers.jsonl", NULL};
	struct reader r;
	struct record rec = {0};
	struct err e = ERR_INIT;
	size_t rows[KINDS] = {0}, read[KINDS] = {0}, wrong = 0, false_passes = 0, missed = 0;
	struct judged v = {0};
	int got;

	reader_init(&r, files);
	while ((got = reader_next(&r, &rec, &e)) > 0) {
		struct verdict_scale scale = {0};
		double lo, hi;
		const char *why = NULL;
		size_t kind = 0;
		int value, want;

		json_number(record_get(&rec, "lo"), &lo);
		json_number(record_get(&rec, "hi"), &hi);
		scale.mode = json_is(record_get(&rec, "mode"), "pass")	  ? VERDICT_PASS
			     : json_is(record_get(&rec, "mode"), "score") ? VERDICT_SCORE
									  : VERDICT_PAIR;
		scale.lo = (int)lo;
		scale.hi = (int)hi;
		while (!json_is(record_get(&rec, "kind"), kinds[kind]))
			kind++;
		buf_clear(&reply);
		buf_clear(&candidate);
		json_string(record_get(&rec, "reply"), &reply);
		json_string(record_get(&rec, "candidate"), &candidate);
		value = verdict_read(buf_span(&reply), buf_span(&candidate), scale, &v, &why) == 0
				? v.value
				: NONE;
		want = wanted(record_get(&rec, "want"), scale.mode);
		rows[kind]++;
		read[kind] += value != NONE;
		missed += value == NONE && want != NONE && kind < CLEAR;
		if (value == want && (value != NONE || (why && *why)))
			continue;
		/* a clear reply may be asked for again, a doubtful one too */
		wrong += kind < CLEAR || kind == ADVERSARIAL || value != NONE;
		false_passes += scale.mode == VERDICT_PASS && value == 1;
		printf("# line %zu: read %d, want %d (%s): %.300s\n", r.line, value, want,
		       value == NONE ? why : "", reply.data);
	}
	ok(got == 0 && rows[0] + rows[1] >= 120 && rows[CLEAR] >= 100 && rows[ADVERSARIAL] >= 500,
	   "%zu replies", rows[0] + rows[1] + rows[2] + rows[3] + rows[4]);
	for (int k = 0; k < KINDS; k++)
		printf("# %s: a verdict was read from %zu of %zu (%.1f %%)\n", kinds[k], read[k],
		       rows[k], 100 * (double)read[k] / (double)rows[k]);
	ok(false_passes == 0, "no false pass");
	ok(read[0] == rows[0] && read[1] == rows[1],
	   "every well-formed and every sloppy reply is read");
	ok((double)read[CLEAR] >= CLEAR_READ * (double)rows[CLEAR], "clear replies are read");
	ok(wrong == 0, "every verdict is the one meant (%zu wrong, %zu of them missed)", wrong,
	   missed);
	buf_release(&v.critique);
	record_release(&rec);
	reader_release(&r);
}

static void critiques(void)
{
	struct judged v = {0};
	const char *why;
	struct verdict_scale pass = {VERDICT_PASS, 0, 0};

	verdict_read(span_of("{\"critique\": \"says \\\"x\\\"\", \"verdict\": \"FAIL\"}"),
		     span_of(""), pass, &v, &why);
	ok_str(v.critique.data, "says \"x\"", "the critique is decoded");
	verdict_read(span_of("Good.\nVerdict: PASS"), span_of(""), pass, &v, &why);
	ok_str(v.critique.data, "Good.", "what stands before a verdict in words is the critique");
	buf_release(&v.critique);
	buf_clear(&reply);
	ok(verdict_schema((struct verdict_scale){VERDICT_SCORE, 1, 3}, &reply) == 0 &&
		   strstr(reply.data, "\"enum\":[1,2,3]"),
	   "the schema holds the scale");
	ok(verdict_read((struct span){0}, span_of(""), pass, &v, &why) < 0,
	   "an absent reply is no verdict");
	/* Each of these braces would be followed for thirty kilobytes. */
	buf_clear(&reply);
	buf_clear(&candidate);
	buf_adds(&reply, "{\"critique\": \"");
	for (int i = 0; i < 4000; i++)
		buf_addc(&reply, 'c');
	buf_adds(&reply, "\", \"verdict\": \"PASS\"}");
	for (int i = 0; i < 1000; i++)
		buf_addc(&candidate, '{');
	ok(verdict_read(buf_span(&reply), buf_span(&candidate), pass, &v, &why) == 0,
	   "a thousand braces are searched");
	for (int i = 0; i < 1000000; i++)
		buf_addc(&candidate, '{');
	ok(verdict_read(buf_span(&reply), buf_span(&candidate), pass, &v, &why) < 0 &&
		   strstr(why, "candidate's text"),
	   "a million are taken for a quotation");
	buf_release(&v.critique);
}

static void rubrics(void)
{
	static const char *const bad[] = {
		"",
		"  ",
		"{",
		"{}",
		"{\"criterion\": 7}",
		"{\"criterion\": \"\"}",
		"{\"criteria\": []}",
		"{\"criteria\": [{\"criterion\": \"x\"}]}",
		"{\"criteria\": [{\"name\": \"a b\", \"criterion\": \"x\"}]}",
		"{\"criterion\": \"x\", \"weight\": -1}",
		"{\"criterion\": \"x\", \"colour\": 1}",
		"{\"criteria\": [{\"name\": \"a\", \"criterion\": \"x\"}, {\"name\": \"a\", \"criterion\": \"y\"}]}",
		"{\"criterion\": \"x\", \"levels\": {\"9\": \"x\"}}",
		"{\"criterion\": \"x\", \"levels\": {\"1\": 1}}",
		"{\"criterion\": \"x\", \"levels\": {\"one\": \"x\"}}",
	};
	struct verdict_scale five = {VERDICT_SCORE, 1, 5}, pass = {VERDICT_PASS, 0, 0};
	struct rubric r;
	struct err e = ERR_INIT;

	ok(rubric_parse("be polite", pass, &r, &e) == 0 && r.n == 1 && !r.criteria[0].name,
	   "a text is one criterion");
	rubric_release(&r);
	ok(rubric_parse("{\"criteria\": [{\"name\": \"a\", \"criterion\": \"x\", \"levels\": {\"1\": \"bad\"}, \"weight\": 0}, {\"name\": \"b\", "
			"\"criterion\": \"y\"}]}",
			five, &r, &e) == 0 &&
		   r.n == 2 && r.criteria[0].weight == 0 && r.criteria[1].weight == 1,
	   "a rubric of two");
	ok_str(r.criteria[0].levels[0], "bad", "with a line for a level");
	rubric_release(&r);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(rubric_parse(bad[i], five, &r, &e) < 0 && e.msg[0], "refused: %s", e.msg);
	ok(rubric_parse("{\"criterion\": \"x\", \"levels\": {\"1\": \"x\"}}", pass, &r, &e) < 0,
	   "levels belong to a score");
}

int main(void)
{
	corpus();
	critiques();
	rubrics();
	buf_release(&reply);
	buf_release(&candidate);
	return tap_done();
}
