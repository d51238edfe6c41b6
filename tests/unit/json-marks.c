/* Text read with marks is accepted where it is without them, ends at the same byte, is refused for
 * the same reason, and gives the same members and the same canonical form: on text of all kinds,
 * whole and damaged, with each set of instructions that this processor runs. */
#include <stdlib.h>
#include "../../lib/base/isa.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/json/marked.h"
#include "../../lib/json/record.h"
#include "../../lib/json/scan.h"
#include "tap.h"

static const char *const seeds[] = {
	"{\"id\": \"r1\", \"messages\": [{\"role\": \"user\", \"content\": \"What? I wrote \\\"twice\\\" "
	"already.\\nAnd then again, at some length, so that blocks end in words.\"}, "
	"{\"role\": \"assistant\", \"content\": \"{\\\"topic\\\": \\\"delivery\\\", \\\"path\\\": "
	"\\\"c:\\\\\\\\temp\\\\\\\\\\\"}\"}], \"n\": -0.5e+3}",
	"{\"a\":[1,2.5,-0,1E9,true,false,null,{}],\"b\":{\"c\":[[],[[]]],\"\":\"\"},\"\\u0061\\/\":\"\\u00e9\\ud83d\\ude00\"}",
	"{\"stra\xc3\x9f"
	"e\":\"\xe2\x82\xac\xf0\x9f\x98\x80 \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, "
	"\xe4\xb8\x96\xe7\x95\x8c\xe4\xbd\xa0\xe5\xa5\xbd \xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf \xf0\x90\x80\x80 \xe0\xa0\x80 \xc2\x80\"}",
	"\"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"",
	"[\"\\\"\",\"\\\\\",\"\\\\\\\"\",\"a\\\\\",\"\\b\\f\\n\\r\\t\",\"\\u0000\",\"\\uD800\",\"\\uDFFFx\"]",
	" \t{ \"a\" :\t1 ,\r\"b\"\t: [ ] }\r",
	"[1,]",
	"[\"a\\x00\"]",
	"[\"a\\u00A\"]",
	"[\"\tab\"]",
	"{\"a\":\"b\"]",
	"[\\n]",
	"\\\"abc\"",
	"[\"\xc0\xaf\", \"\xed\xa0\x80\", \"\xf4\x90\x80\x80\", \"\xe2\x82\", \"\xff\"]",
	"{\"a\":1,\"a\":2}",
	"01",
	"\"no end",
	"\"no end \\",
	"\xef\xbb\xbf{}",
};

/* What damage puts in. */
static const char *const pieces[] = {"\"",
				     "\\",
				     "\\\\",
				     "\\\"",
				     "\n",
				     "\t",
				     "\r",
				     "\x1f",
				     "{",
				     "}",
				     "[",
				     "]",
				     ":",
				     ",",
				     "\\u00",
				     "\\u12aF",
				     "\\/",
				     " ",
				     "0",
				     "-",
				     "e",
				     "\x80",
				     "\xbf",
				     "\xc2",
				     "\xc3\xa9",
				     "\xe2\x82",
				     "\xe2\x82\xac",
				     "\xed\xa0\x80",
				     "\xf0\x9f\x98\x80",
				     "\xf4",
				     "\xff",
				     "\xf0\x8f\xbf",
				     "\x7f",
				     "null",
				     "x",
				     "\\b"};

#define MOST 600 /* bytes of a damaged text */

static size_t damage(struct rng *r, char *text, size_t n)
{
	size_t at = n ? rng_below(r, n) : 0, k;
	const char *piece;

	switch (rng_below(r, 5)) {
	case 0: /* a byte */
		if (n)
			text[at] = (char)rng_below(r, 256);
		return n;
	case 1: /* some go */
		k = rng_below(r, 9);
		k = k < n - at ? k : n - at;
		memmove(text + at, text + at + k, n - at - k);
		return n - k;
	case 2: /* the end goes */
		return n - (n ? rng_below(r, n) : 0);
	case 3: /* one part twice */
		k = rng_below(r, 70);
		k = k < n - at ? k : n - at;
		if (n + k <= MOST) {
			memmove(text + at + k, text + at, n - at);
			n += k;
		}
		return n;
	default:
		piece = pieces[rng_below(r, sizeof pieces / sizeof *pieces)];
		k = strlen(piece);
		if (n + k <= MOST) {
			memmove(text + at + k, text + at, n - at);
			memcpy(text + at, piece, k);
			n += k;
		}
		return n;
	}
}

/* The value and what follows it up to the end, as json_check takes them. */
static const char *read_all(struct span text, const struct marks *m, struct err *e)
{
	struct scan s = {text.s, text.s + text.n, e, m};
	const char *p = scan_value(&s, scan_space(&s, text.s), JSON_DEPTH);

	return p && scan_space(&s, p) != s.end ? scan_fail(&s, p, "something behind") : p;
}

/* Every value below, found both ways. */
static int same_walk(const struct marks *m, struct span v)
{
	struct json_iter with = {.marks = m}, without = {0};
	struct span k1 = {0}, v1 = {0}, k2 = {0}, v2 = {0};

	for (;;) {
		int more = json_next(&with, v, &k1, &v1);
		if (more != json_next(&without, v, &k2, &v2))
			return 0;
		if (!more)
			return 1;
		if (k1.s != k2.s || k1.n != k2.n || v1.s != v2.s || v1.n != v2.n ||
		    !same_walk(m, v1))
			return 0;
	}
}

static int same_forms(const struct marks *m, struct span v)
{
	struct buf with = BUF_INIT, without = BUF_INIT;
	int same = json_canonical_marked(m, v, NULL, &with) == json_canonical(v, &without) &&
		   span_eq(buf_span(&with), buf_span(&without));

	buf_release(&with);
	buf_release(&without);
	return same;
}

/* Whether a record was taken that is none, or the other way round. */
static int same_record(struct record *r, struct span text, int good)
{
	struct err e = ERR_INIT;
	struct span v = {0};

	if (record_parse(r, text, &e) == 0)
		return good && *r->body.s == '{';
	if (!good || strstr(e.msg, "stands twice"))
		return 1;
	return json_check(text, &v, &e) == 0 && *v.s != '{';
}

struct tried {
	struct marks marks;
	struct record record;
	size_t good, wrong, unmarked;
};

static void try(struct tried *t, struct span text)
{
	struct err plain = ERR_INIT, marked = ERR_INIT;
	const char *end = read_all(text, NULL, &plain);
	const struct marks *m = marks_set(&t->marks, text) ? NULL : &t->marks;

	t->good += end != NULL;
	t->unmarked += end && !m;
	t->wrong += read_all(text, m, &marked) != end || strcmp(plain.msg, marked.msg) != 0;
	t->wrong += !same_record(&t->record, text, end != NULL);
	if (end && m) {
		const char *from = text.s + strspn(text.s, " \t\r\n");
		struct span v = {from, (size_t)(end - from)};
		t->wrong += !same_walk(m, v) || !same_forms(m, v);
	}
}

/* In memory of its own length, so that a sanitizer sees a look behind it. */
static void try_copy(struct tried *t, const char *text, size_t n)
{
	char *own = mem_alloc(n + 1, 1);

	memcpy(own, text, n);
	try(t, (struct span){own, n});
	free(own);
}

static void release(struct tried *t, const char *what, const char *set)
{
	ok(t->wrong == 0 && t->unmarked == 0 && t->good > 0,
	   "%s, %s: %zu accepted, %zu wrong, %zu accepted without marks", set, what, t->good,
	   t->wrong, t->unmarked);
	marks_release(&t->marks);
	record_release(&t->record);
}

static void test_damaged(const char *set)
{
	struct tried t = {0};
	struct rng r;

	rng_seed(&r, 7, 0);
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		try_copy(&t, seeds[i], strlen(seeds[i]));
		for (int run = 0; run < 4000; run++) {
			char text[MOST];
			size_t n = strlen(seeds[i]), times = 1 + rng_below(&r, 3);

			memcpy(text, seeds[i], n);
			while (times--)
				n = damage(&r, text, n);
			try_copy(&t, text, n);
		}
	}
	release(&t, "damaged text", set);
}

/* Each pair of bytes, and each of some longer sequences, at each place of a block or two. */
static void test_places(const char *set)
{
	struct tried t = {0};
	char text[160];

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++)
			for (size_t at = 1; at < 136; at++) {
				size_t a = strlen(pieces[i]), b = strlen(pieces[j]), n = 150;
				memset(text, 'x', sizeof text);
				text[0] = '"';
				memcpy(text + at, pieces[i], a);
				memcpy(text + at + a, pieces[j], b);
				text[n - 1] = '"';
				try(&t, (struct span){text, n});
			}
	release(&t, "pieces at all places", set);
}

/* All sequences of two bytes, and of four from the bounds of UTF-8's ranges, across a block's end. */
static void test_utf8(const char *set)
{
	static const char edges[] =
		"a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee"
		"\xef\xf0\xf1\xf3\xf4\xf5\xff";
	enum { EDGES = sizeof edges - 1 };
	struct tried t = {0};
	char text[96];

	for (unsigned i = 0; i < 65536; i++) {
		memset(text, 'x', sizeof text);
		text[0] = text[95] = '"';
		text[31] = (char)(i >> 8);
		text[32] = (char)i;
		try(&t, (struct span){text, sizeof text});
	}
	for (unsigned i = 0; i < EDGES * EDGES * EDGES * EDGES; i += 3) {
		memset(text, 'x', sizeof text);
		text[0] = text[95] = '"';
		for (unsigned k = 0, x = i; k < 4; k++, x /= EDGES)
			text[61 + k] = edges[x % EDGES];
		try(&t, (struct span){text, sizeof text});
	}
	release(&t, "UTF-8", set);
}

int main(void)
{
	for (size_t i = 0; i < isa_count(); i++) {
		setenv("FT_ISA", isa_name(i), 1);
		test_damaged(isa_name(i));
		test_places(isa_name(i));
		test_utf8(isa_name(i));
	}
	return tap_done();
}
