/* Properties of lib/json that every program relies on: strictness, lossless splicing, canonical
 * keys, paths. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/rng.h"
#include "../../lib/json/jw.h"
#include "../../lib/json/path.h"
#include "../../lib/json/reader.h"
#include "tap.h"

static int accepted(const char *text)
{
	struct span v;
	struct err e;
	return json_check(span_of(text), &v, &e) == 0;
}

static void strictness(void)
{
	static const char *const good[] = {"{}",
					   " [1, 2.5e-3, -0] ",
					   "\"\\u00e9\\n\"",
					   "\"\xc3\xa9 \xf0\x9f\x98\x80\"",
					   "null",
					   "1e999",
					   "{\"a\":{\"b\":[{}]}}",
					   "\"\\u0000\"",
					   "\"\\ud800\""};
	static const char *const bad[] = {"",
					  "{",
					  "[1,]",
					  "{\"a\":1,}",
					  "01",
					  "1.",
					  ".5",
					  "+1",
					  "nul",
					  "[1] 2",
					  "{a:1}",
					  "\"\t\"",
					  "\"\\x\"",
					  "\"\\u12\"",
					  "\"abc",
					  "\"\xff\"",
					  "\"\xc0\x80\"",
					  "\"\xed\xa0\x80\"",
					  "\"\xf4\x90\x80\x80\"",
					  "{\"a\" 1}",
					  "NaN",
					  "\"\\",
					  "[1 2]",
					  "tru",
					  "-",
					  "1e",
					  "1e+"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ok(accepted(good[i]), "accepts %s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!accepted(bad[i]), "refuses case %zu", i);
	struct buf deep = BUF_INIT;
	for (int i = 0; i < 100000; i++)
		buf_addc(&deep, '[');
	ok(!accepted(deep.data), "refuses nesting without end");
	buf_release(&deep);
}

static struct span parse(struct record *r, const char *line)
{
	struct err e = ERR_INIT;
	if (record_parse(r, span_of(line), &e) < 0)
		printf("# %s\n", e.msg);
	return r->line;
}

/* The line with one member set at its seam. */
static void sew(const struct record *r, const char *name, const char *value, struct buf *b)
{
	struct seam s;
	record_seam(r, name, &s);
	buf_add(b, r->line.s, s.at);
	seam_put(s, name, span_of(value), b);
	buf_add(b, r->line.s + s.at + s.cut, r->line.n - s.at - s.cut);
}

static void check_splice(const char *line, const char *name, const char *value, const char *want)
{
	struct record r = {0};
	struct buf b = BUF_INIT;
	parse(&r, line);
	struct edit ed = {name, span_of(value)};
	record_splice(&r, &ed, 1, &b);
	ok_str(b.data, want, "splice %s into %s", name, line);
	if (value) {
		buf_clear(&b);
		sew(&r, name, value, &b);
		ok_str(b.data, want, "and at its seam");
	}
	buf_release(&b);
	record_release(&r);
}

static void splicing(void)
{
	check_splice("{}", "a", "1", "{\"a\":1}");
	check_splice("{ }", "a", "1", "{\"a\":1 }");
	check_splice("{\"x\":1e999}", "a", "1", "{\"x\":1e999,\"a\":1}");
	check_splice("{\"x\": 1, \"y\": 9007199254740993}", "a", "true",
		     "{\"x\": 1, \"y\": 9007199254740993, \"a\": true}");
	check_splice("{\"x\" : 1 , \"a\" :  2 } ", "a", "3", "{\"x\" : 1 , \"a\" :  3 } ");
	check_splice("{\"x\":1,\"a\":2,\"z\":3}", "a", NULL, "{\"x\":1,\"z\":3}");
	check_splice("{\"a\":2, \"z\":3}", "a", NULL, "{\"z\":3}");
	check_splice("{\"z\":3, \"a\":2}", "a", NULL, "{\"z\":3}");
	check_splice("{\"a\":2}", "a", NULL, "{}");
	check_splice("{\"\\u0061\":2,\"b\":1}", "a", "5", "{\"\\u0061\":5,\"b\":1}");
}

/* Adding a member and taking it away again restores any line. */
static void splice_restores(void)
{
	static const char *const pieces[] =
		{"1e999", "\"\\u00e9\\/\"", "[1, 2,{\"a\" :3}]", "9007199254740993", "null", "-0.0",
		 "{}",	  "\"\xc3\xa9\""};
	struct rng g;
	int good = 1;
	rng_seed(&g, 1, 0);
	for (int round = 0; round < 2000; round++) {
		struct buf line = BUF_INIT, once = BUF_INIT, back = BUF_INIT, sewn = BUF_INIT;
		struct record r = {0}, s = {0};
		size_t n = (size_t)rng_below(&g, 5);
		const char *gap = rng_below(&g, 2) ? " " : "";
		buf_addf(&line, "%s{%s", gap, gap);
		for (size_t i = 0; i < n; i++)
			buf_addf(&line, "%s\"k%zu\"%s:%s%s", i ? "," : "", i, gap, gap,
				 pieces[rng_below(&g, 8)]);
		buf_addf(&line, "%s}%s", gap, gap);
		parse(&r, line.data);
		struct edit add = {"ft", span_of("{\"x\":1}")}, del = {"ft", {0}};
		record_splice(&r, &add, 1, &once);
		good &= record_parse(&s, buf_span(&once), NULL) == 0 && s.n == n + 1;
		sew(&r, "ft", "{\"x\":1}", &sewn);
		good &= span_eq(buf_span(&once), buf_span(&sewn));
		record_splice(&s, &del, 1, &back);
		good &= span_eq(buf_span(&line), buf_span(&back));
		buf_release(&line);
		buf_release(&once);
		buf_release(&back);
		buf_release(&sewn);
		record_release(&r);
		record_release(&s);
	}
	ok(good, "2000 random lines come back byte for byte after adding and removing a member");
}

static void records(void)
{
	struct record r = {0};
	struct err e = ERR_INIT;
	ok(record_parse(&r, span_of("{\"a\":1,\"b\":2,\"\\u0061\":3}"), &e) < 0 &&
		   strstr(e.msg, "twice"),
	   "a repeated member is refused by name");
	ok(record_parse(&r, span_of("{\"a\":{\"x\":1,\"x\":2}}"), &e) == 0,
	   "repeats deeper inside pass");
	ok(record_parse(&r, span_of("[1]"), &e) < 0, "an array is no record");
	ok(record_parse(&r, span_of("{\"A\":1}"), &e) == 0 && !record_get(&r, "a").s,
	   "look-up is case-sensitive");
	record_release(&r);
}

static void keys(void)
{
	struct record a = {0}, b = {0}, c = {0};
	char ka[33], kb[33], kc[33];
	parse(&a,
	      "{\"id\":\"1\",\"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9\"},{\"role\":\"assistant\",\"content\":\"x\"}]}");
	parse(&b,
	      "{\"messages\":[ {\"content\":\"h\xc3\xa9\", \"role\":\"user\"} ], \"output\":\"y\"}");
	parse(&c, "{\"messages\":[{\"role\":\"user\",\"content\":\"other\"}]}");
	record_key(&a, ka, NULL);
	record_key(&b, kb, NULL);
	record_key(&c, kc, NULL);
	ok_str(ka, kb,
	       "the input key sees through spacing, order, escapes, references and ft's members");
	ok(strcmp(ka, kc) != 0, "another input has another key");
	record_release(&a);
	record_release(&b);
	record_release(&c);
}

static void find(const char *json, const char *path, const char *want)
{
	struct err e = ERR_INIT;
	struct path *p = path_compile(path, &e);
	struct buf scratch = BUF_INIT;
	struct span v = p ? path_find(p, span_of(json), &scratch) : (struct span){0};
	char *got = v.s ? span_dup(v) : NULL;
	ok_str(got ? got : "(none)", want, "%s in %s", path, json);
	free(got);
	buf_release(&scratch);
	path_free(p);
}

static void paths(void)
{
	find("{\"usage\":{\"total_tokens\":12}}", ".usage.total_tokens", "12");
	find("{\"usage\":{\"total_tokens\":12}}", "usage.total_tokens", "12");
	find("{\"m\":[{\"c\":1},{\"c\":2}]}", ".m[-1].c", "2");
	find("{\"m\":[1]}", ".m[1]", "(none)");
	find("{\"output\":\"{\\\"amount\\\": 1e999}\"}", ".output|.amount", "1e999");
	find("{\"output\":\"no json\"}", ".output|.amount", "(none)");
	find("{\"o\":\"{\\\"p\\\":\\\"[7]\\\"}\"}", ".o|.p|[0]", "7");
	find("{\"odd name\":5}", ".[\"odd name\"]", "5");
	ok(!path_compile("a..b", NULL) && !path_compile("", NULL) && !path_compile(".a[x]", NULL),
	   "nonsense is no path");
}

static void numbers(void)
{
	struct rng g;
	int good = 1;
	rng_seed(&g, 7, 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t u = rng_u64(&g);
		double x, y;
		memcpy(&x, &u, 8);
		if (!isfinite(x))
			continue;
		struct buf b = BUF_INIT;
		json_put_number(&b, x);
		good &= accepted(b.data) && json_number(buf_span(&b), &y) == 0 && x == y;
		buf_release(&b);
	}
	ok(good, "20000 random doubles are printed so that they read back the same");
	struct buf b = BUF_INIT;
	json_put_number(&b, NAN);
	json_put_number(&b, 0.1);
	json_put_number(&b, 100);
	ok_str(b.data, "null0.1100", "short numbers stay short, NaN is null");
	buf_release(&b);
}

static void strings(void)
{
	struct buf b = BUF_INIT;
	json_put_string(&b, "a\"\\\n\x01\xff\xc3\xa9\0z", 10);
	ok_str(b.data, "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\\u0000z\"",
	       "strings are escaped, broken UTF-8 replaced");
	struct buf d = BUF_INIT;
	ok(json_string(span_of("\"\\ud83d\\ude00\\ud800x\\u0000\""), &d) == 0 && d.len == 9 &&
		   memcmp(d.data, "\xf0\x9f\x98\x80\xef\xbf\xbdx\0", 9) == 0,
	   "surrogates are joined, lone ones replaced, NUL kept");
	struct err e = ERR_INIT;
	ok(!json_tree(span_of("{\"a\":\"\\u0000\"}"), &e) && strstr(e.msg, "u0000"),
	   "no tree cuts a string at NUL");
	ok(json_equal(span_of("{\"a\":[1.0,\"\\u0061\"],\"b\":null}"),
		      span_of("{ \"b\":null,\"a\":[1,\"a\"]}")),
	   "equal values are equal");
	ok(!json_equal(span_of("9007199254740993"), span_of("9007199254740992")),
	   "64-bit neighbours are not");
	buf_release(&b);
	buf_release(&d);
}

static void expects(void)
{
	char path[] = "/tmp/ft-reader-XXXXXX", *files[] = {path, NULL},
	     *mixed[] = {path, "/dev/null", NULL};
	static const char line[] = "{\"a\":1234}\n";
	struct reader r;
	struct record rec = {0};
	int fd = mkstemp(path);

	for (int i = 0; i < 40; i++)
		ok(write(fd, line, sizeof line - 1) == sizeof line - 1, "a line is written");
	close(fd);
	reader_init(&r, files);
	ok_near(reader_expected(&r), 0, 0, "nothing read, nothing known");
	for (int i = 0; i < 10; i++)
		reader_next(&r, &rec, NULL);
	ok_near(reader_expected(&r), 40, 1e-9, "ten of forty equal lines tell of forty");
	reader_release(&r);
	reader_init(&r, mixed);
	reader_next(&r, &rec, NULL);
	ok_near(reader_expected(&r), 0, 0, "a device behind it may hold anything");
	reader_release(&r);
	record_release(&rec);
	unlink(path);
}

static void one_line(void)
{
	struct buf b = BUF_INIT;
	struct jw w;

	jw_init(&w, &b);
	jw_array(&w);
	jw_raw(&w, span_of("{\n  \"a\":\r\n [1,\n2], \"b\": \"x\\ny\"}\n"));
	jw_raw(&w, span_of("3"));
	jw_end(&w);
	ok_str(b.data, "[{   \"a\":   [1, 2], \"b\": \"x\\ny\"} ,3]",
	       "JSON that comes with line breaks is written without them");
	buf_release(&b);
}

int main(void)
{
	one_line();
	expects();
	strictness();
	splicing();
	splice_restores();
	records();
	keys();
	paths();
	numbers();
	strings();
	return tap_done();
}
