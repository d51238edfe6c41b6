/* lib/eval: each check on answers that are right, wrong, and impossible to score; amounts;
 * fields. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/eval/check.h"
#include "../../lib/eval/choice.h"
#include "../../lib/eval/number.h"
#include "../../lib/eval/require.h"
#include "../../lib/json/reader.h"

/* The score of one record under one check, -1 where it is unscored. */
static double score(const char *spec, const char *json, const char **why)
{
	struct check c;
	struct row a = {0};
	struct err e = ERR_INIT;
	double s;

	*why = NULL;
	row_copy(&a, span_of(json), "t", 1);
	if (check_parse(spec, &c, &e) < 0 || row_read(&a, 1, 0, &e) < 0) {
		printf("# %s\n", e.msg);
		return -2;
	}
	s = check_score(&c, &a, why);
	if (isnan(s))
		s = -1;
	else
		*why = "";
	check_release(&c);
	row_release(&a);
	return s;
}

#define REF(ref, out) "{\"ideal\":" ref ",\"output\":" out "}"

static void checks(void)
{
	static const struct {
		const char *spec, *json;
		double want;
	} table[] = {
		{"exact", REF("\"Paris\"", "\"Paris\""), 1},
		{"exact", REF("\"Paris\"", "\"paris\""), 0},
		{"exact", REF("\"Paris\"", "\"Paris \""), 0},
		{"exact", REF("[\"a\",\"b\"]", "\"b\""), 1},
		{"exact", "{\"output\":\"x\"}", -1},
		{"exact", "{\"ideal\":\"x\",\"error\":{\"type\":\"timeout\"}}", -1},
		{"exact", "{\"ideal\":\"x\"}", -1},
		{"exact", "{\"ideal\":\"x\",\"output\":7}", -1},
		{"exact", "{\"ideal\":\"x\",\"output\":null,\"tool_calls\":[]}", 0},
		{"exact:yes", "{\"output\":\"yes\"}", 1},
		{"exact:a:b", "{\"output\":\"a:b\"}", 1},
		{"exact",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"r\"}],\"output\":\"r\"}",
		 1},
		{"not-exact", REF("\"Paris\"", "\"paris\""), 1},
		{"not-exact", "{\"output\":\"x\"}", -1},
		{"iexact", REF("\"STRASSE\"", "\"stra\\u00dfe\""), 1},
		{"iexact", REF("\"caf\\u00e9\"", "\"CAFE\\u0301\""), 1},
		{"iexact", REF("\"a\"", "\"b\""), 0},
		{"normalized", REF("\"New York\"", "\"  new\\tYORK!\""), 1},
		{"normalized", REF("\"12\"", "\"\\uff11\\uff12\""), 1},
		{"normalized", REF("\"a b\"", "\"ab\""), 0},
		{"includes", REF("\"cat\"", "\"the cat sat\""), 1},
		{"includes", REF("\"dog\"", "\"the cat sat\""), 0},
		{"includes:", REF("\"dog\"", "\"x\""), 1},
		{"starts", REF("\"the\"", "\"the cat\""), 1},
		{"starts", REF("\"the cat sat\"", "\"the cat\""), 0},
		{"regex:^\\d+$", "{\"output\":\"123\"}", 1},
		{"regex:^\\d+$", "{\"output\":\"123x\"}", 0},
		{"regex:\\bé", "{\"output\":\"caf É é\"}", 1},
		{"numeric", REF("\"42\"", "\"so the answer is 42.\""), 1},
		{"numeric", REF("\"1234.5\"", "\"$1,234.50\""), 1},
		{"numeric", REF("\"42\"", "\"41.5\""), 0},
		{"numeric:0.5", REF("\"42\"", "\"41.5\""), 1},
		{"numeric:1%", REF("\"100\"", "\"100.9\""), 1},
		{"numeric:1%", REF("\"100\"", "\"101.1\""), 0},
		{"numeric", REF("\"0.45\"", "\"45%\""), 1},
		{"numeric", REF("\"3\"", "\"none\""), 0},
		{"numeric", REF("\"none\"", "\"3\""), -1},
		{"choice", REF("\"B\"", "\"(B)\""), 1},
		{"choice", REF("\"B\"", "\"The answer is B, of course\""), 1},
		{"choice", REF("\"B\"", "\"B or C\""), 0},
		{"choice", REF("\"B\"", "\"Because\""), 0},
		{"choice:yes,no", REF("\"no\"", "\"No.\""), 1},
		{"choice:yes,no", REF("\"maybe\"", "\"no\""), -1},
		{"json",
		 REF("\"{\\\"a\\\":1,\\\"b\\\":[2]}\"", "\"{ \\\"b\\\": [2.0], \\\"a\\\": 1 }\""),
		 1},
		{"json", REF("\"[1,2]\"", "\"[2,1]\""), 0},
		{"json", REF("\"[1]\"", "\"[1] \\n\""), 1},
		{"json", REF("\"[1]\"", "\"[1] x\""), 0},
		{"json", REF("\"no json\"", "\"[1]\""), -1},
		{"json-valid", "{\"output\":\"{}\"}", 1},
		{"json-valid", "{\"output\":\"{'a':1}\"}", 0},
		{"json-valid", "{\"output\":\"```json\\n{}\\n```\"}", 0},
		{"finish", "{\"output\":\"\",\"finish_reason\":\"stop\"}", 1},
		{"finish", "{\"output\":\"\",\"finish_reason\":\"length\"}", 0},
		{"finish:length", "{\"output\":\"\",\"finish_reason\":\"length\"}", 1},
		{"finish", "{\"output\":\"\"}", -1},
		{"words:2-3", "{\"output\":\" one two\\u00a0three \"}", 1},
		{"words:2-3", "{\"output\":\"one\"}", 0},
		{"latency:0.5", "{\"output\":\"\",\"latency\":0.5}", 1},
		{"latency:0.5", "{\"output\":\"\",\"latency\":0.6}", 0},
		{"latency:0.5", "{\"output\":\"\"}", -1},
		{"cost:0.01", "{\"output\":\"\",\"cost\":null}", -1},
		{"cost:0.01", "{\"output\":\"\",\"cost\":0.001}", 1},
		{"judge", "{\"output\":\"\",\"judge\":{\"pass\":true}}", 1},
		{"judge", "{\"output\":\"\",\"judge\":{\"pass\":false}}", 0},
		{"judge", "{\"output\":\"\",\"judge\":{\"error\":{\"type\":\"unparsable\"}}}", -1},
		{"judge", "{\"output\":\"\",\"judge\":{\"score\":4,\"scale\":[1,5]}}", 0.75},
		{"judge", "{\"output\":\"\",\"judge\":{\"score\":9,\"scale\":[1,5]}}", -1},
		{"judge", "{\"output\":\"\"}", -1},
		{"judge:tone",
		 "{\"output\":\"\",\"judge\":{\"criteria\":{\"tone\":{\"pass\":true}}}}", 1},
		{"not-judge", "{\"output\":\"\",\"judge\":{\"pass\":false}}", 1},
		{"json-fields", REF("\"{\\\"a\\\":1,\\\"b\\\":null}\"", "\"{\\\"a\\\":1}\""), 1},
		{"json-fields",
		 REF("\"{\\\"a\\\":1,\\\"b\\\":2}\"", "\"{\\\"a\\\":1,\\\"b\\\":3}\""), 0.5},
		{"json-fields", REF("\"{\\\"a\\\":1}\"", "\"{\\\"a\\\":1,\\\"b\\\":3}\""), 0.5},
		{"json-fields", REF("\"{\\\"a\\\":null}\"", "\"no idea\""), 0},
		{"json-fields", REF("\"{}\"", "\"{}\""), 1},
		{"json-fields", REF("\"[1]\"", "\"{}\""), -1},
		{"json-fields:a", REF("\"{\\\"a\\\":1,\\\"b\\\":2}\"", "\"{\\\"a\\\":1}\""), 1},
		{"json-fields",
		 REF("\"{\\\"d\\\":\\\"2024-01-31\\\"}\"",
		     "\"{\\\"d\\\":\\\"January 31, 2024\\\"}\""),
		 1},
		{"json-fields",
		 REF("\"{\\\"d\\\":\\\"2024-01-31\\\"}\"", "\"{\\\"d\\\":\\\"2023-01-31\\\"}\""),
		 0},
		{"json-fields", REF("\"{\\\"n\\\":1250}\"", "\"{\\\"n\\\":\\\"EUR 1.250,00\\\"}\""),
		 1},
		{"json-fields",
		 REF("\"{\\\"t\\\":\\\"ACME Ltd.\\\"}\"", "\"{\\\"t\\\":\\\"acme ltd\\\"}\""), 1},
		{"json-fields", REF("\"{\\\"t\\\":\\\"!\\\"}\"", "\"{\\\"t\\\":\\\"?\\\"}\""), 0},
		{"json-fields",
		 REF("\"{\\\"o\\\":{\\\"x\\\":1,\\\"y\\\":2}}\"",
		     "\"{\\\"o\\\":{\\\"x\\\":1,\\\"y\\\":0}}\""),
		 0.5},
		{"json-fields",
		 REF("\"{\\\"l\\\":[\\\"A\\\",2]}\"", "\"{\\\"l\\\":[\\\"a\\\",2.0]}\""), 1},
		{"json-fields", REF("\"{\\\"l\\\":[1,2]}\"", "\"{\\\"l\\\":[1]}\""), 0},
		{"json-fields", REF("\"{\\\"b\\\":true}\"", "\"{\\\"b\\\":\\\"true\\\"}\""), 0},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const char *why;
		double got = score(table[i].spec, table[i].json, &why);

		ok(fabs(got - table[i].want) < 1e-12, "%s on %s is %g", table[i].spec,
		   table[i].json, table[i].want);
		if (fabs(got - table[i].want) >= 1e-12)
			printf("# got %g\n", got);
		ok(got != -1 || (why && *why), "  with a reason where it is unscored");
	}
}

static void bad_checks(void)
{
	static const char *const specs[] = {
		"",	   "exakt",	"regex",	 "regex:",     "regex:(",      "numeric:x",
		"words:3", "words:5-2", "latency:-1",	 "latency:1s", "json-valid:x", "Name=exact",
		"=exact",  "choice:A",	"json-fields:,",
	};

	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		struct check c;
		struct err e = ERR_INIT;

		ok(check_parse(specs[i], &c, &e) < 0 && e.msg[0], "'%s' is refused: %s", specs[i],
		   e.msg);
	}
}

static void numbers(void)
{
	static const struct {
		const char *text;
		double want;
		int whole; /* number_parse takes it */
	} table[] = {
		{"12", 12, 1},
		{" 12.50 ", 12.5, 1},
		{"1,234", 1234, 1},
		{"1.234", 1.234, 1},
		{"1,5", 1.5, 1},
		{"1,234.5", 1234.5, 1},
		{"1.234,5", 1234.5, 1},
		{"1.234.567", 1234567, 1},
		{"1 234 567", 1234567, 1},
		{"1'234.5", 1234.5, 1},
		{"-3", -3, 1},
		{"\xe2\x88\x92"
		 "3",
		 -3, 1},
		{"+3", 3, 1},
		{"$5", 5, 1},
		{"-$5", -5, 1},
		{"$-5", -5, 1},
		{"€ 5", 5, 1},
		{"5 €", 5, 1},
		{"EUR 5.00", 5, 1},
		{"5.00 USD", 5, 1},
		{"5%", .05, 1},
		{"5 %", .05, 1},
		{"1e3", 1000, 1},
		{"2.5E-2", .025, 1},
		{"about 7", 7, 0},
		{"7 apples", 7, 0},
		{"a1 b2 3", 3, 0},
		{"x-5", NAN, 0},
		{"", NAN, 0},
		{"EUR", NAN, 0},
		{"31.01.2024", NAN, 0},
		{"1,23,4", NAN, 0},
		{"12 34", 34, 0},
		{"is 45%.", .45, 0},
		{"0,123", 123, 1},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct number n = {0};
		int whole = number_parse(span_of(table[i].text), &n);
		double x = decimal_double(&n.x);

		ok(whole == table[i].whole && (!whole || fabs(x - table[i].want) < 1e-12),
		   "'%s' %s one amount", table[i].text, table[i].whole ? "is" : "is not");
		x = number_last(span_of(table[i].text), &n) ? decimal_double(&n.x) : NAN;
		ok(isnan(table[i].want) ? isnan(x) : fabs(x - table[i].want) < 1e-12,
		   "the last amount in '%s' (%g)", table[i].text, x);
		number_release(&n);
	}
}

/* Pairs of reference and answer with the verdict that is right: tests/fixtures/NAME.py says how they
 * were made. */
static void pairs(char *file, size_t least)
{
	char *files[] = {file, NULL};
	struct reader r;
	struct record rec = {0};
	struct err e = ERR_INIT;
	struct buf spec = BUF_INIT;
	size_t rows = 0, right = 0;
	int got;

	reader_init(&r, files);
	while ((got = reader_next(&r, &rec, &e)) > 0) {
		char *line = span_dup(rec.line);
		const char *why;
		double want, is;

		buf_clear(&spec);
		json_string(record_get(&rec, "check"), &spec);
		json_number(record_get(&rec, "want"), &want);
		is = score(spec.data, line, &why);
		rows++;
		right += is == want;
		if (is != want)
			printf("# got %g: %s\n", is, line);
		free(line);
	}
	printf("# %s: %zu of %zu pairs judged right\n", file, right, rows);
	ok(got == 0 && rows >= least, "%zu pairs", rows);
	ok(right == rows, "each judged right");
	buf_release(&spec);
	record_release(&rec);
	reader_release(&r);
}

/* Texts of a megabyte in one clause, in which every mention's walk could be as long as the text: with a
 * walk for each they would take days. */
static void long_clauses(void)
{
	static char *const choices[] = {"A", "B", "yes", "New York", "York"};
	enum { CHOICES = sizeof choices / sizeof *choices };
	static const struct {
		const char *first, *rest;
		int want;
	} table[] = {
		{"", "A ", 0},
		{"not ", "A ", -1},
		{"A or B, ", "A, ", -1},
		{"neither ", "A, ", -1},
		{"", "A or ", 0},
		{"A ", "is also ", 0},
		{"A", "\xe3\x81\x82 ", 0},
		{"", "yes and ", 2},
		{"", "**A** ", 0},
		{"", "New York ", 3},
		{"A is also ", "the ", 0},
		{"A? ", "A ", 0},
		{"not York, ", "York, ", -1},
		{"~~B~~ ", "A (", 0},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf text = BUF_INIT;

		buf_adds(&text, table[i].first);
		while (text.len < 1000000)
			buf_adds(&text, table[i].rest);
		ok(choice_find(choices, CHOICES, buf_span(&text)) == table[i].want,
		   "a megabyte of \"%s%s\" names %d", table[i].first, table[i].rest, table[i].want);
		buf_release(&text);
	}
}

static void requirements(void)
{
	static const struct {
		const char *text;
		struct interval v;
		int point;
		enum verdict want;
	} table[] = {
		{"exact>=0.9", {.95, .91, .97}, 0, VERDICT_MET},
		{"exact>=0.9", {.95, .89, .97}, 0, VERDICT_INCONCLUSIVE},
		{"exact>=0.9", {.95, .89, .97}, 1, VERDICT_MET},
		{"exact >= 90%", {.8, .7, .89}, 0, VERDICT_MISSED},
		{"latency.p95<=0.8", {.5, .4, .8}, 0, VERDICT_MET},
		{"latency.p95<0.8", {.5, .4, .8}, 0, VERDICT_INCONCLUSIVE},
		{"cost.per_1k<=1", {NAN, NAN, NAN}, 0, VERDICT_INCONCLUSIVE},
		{"cost.per_1k<=1", {NAN, NAN, NAN}, 1, VERDICT_INCONCLUSIVE},
		{"x>0", {1, -INFINITY, 2}, 0, VERDICT_INCONCLUSIVE},
		{"x>0", {1, NAN, NAN}, 0, VERDICT_INCONCLUSIVE},
	};
	static const char *const bad[] = {"exact",	 "exact>=", ">=1",	 "exact>=x",
					  "exact>=0.9x", "exact=1", "exact>=inf"};
	struct requirement r;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		ok(require_parse(table[i].text, &r, &e) == 0 &&
			   require_judge(&r, table[i].v, table[i].point) == table[i].want,
		   "%s with %g in %g..%g%s is %s", table[i].text, table[i].v.value, table[i].v.lo,
		   table[i].v.hi, table[i].point ? " by the point" : "",
		   require_word(table[i].want));
		require_release(&r);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(require_parse(bad[i], &r, &e) < 0, "'%s' is no requirement", bad[i]);
}

int main(void)
{
	checks();
	bad_checks();
	numbers();
	pairs("tests/fixtures/amounts.jsonl", 400);
	pairs("tests/fixtures/choices.jsonl", 200);
	long_clauses();
	requirements();
	return tap_done();
}
