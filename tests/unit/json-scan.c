/* scan_plain finds the first byte of a string that needs a look, as a look at each byte does: for any
 * bytes, at any place in memory, and never behind the end. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/json/scan.h"
#include "tap.h"

static const char *one_by_one(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
	       *p != '\\')
		p++;
	return p;
}

/* Each byte at each place of a block, alone among plain ones. */
static void test_each_byte(void)
{
	int wrong = 0;
	char text[48];

	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < sizeof text; at++) {
			memset(text, 'x', sizeof text);
			text[at] = (char)c;
			wrong += scan_plain(text, text + sizeof text) !=
				 one_by_one(text, text + sizeof text);
		}
	ok(wrong == 0, "256 bytes at 48 places: %d wrong", wrong);
}

/* Ends of their own allocation, so that a sanitizer sees a look behind them. */
static void test_random(void)
{
	static const char kinds[] = "x\"\\\x1f\x7f\x80\xff ~!";
	struct rng r;
	int wrong = 0;

	rng_seed(&r, 11, 0);
	for (int run = 0; run < 20000; run++) {
		size_t n = rng_below(&r, 70), from = n ? rng_below(&r, n) : 0;
		char *text = mem_alloc(n ? n : 1, 1);

		for (size_t i = 0; i < n; i++)
			text[i] = rng_below(&r, 12) ? (char)('a' + rng_below(&r, 26))
						    : kinds[rng_below(&r, sizeof kinds - 1)];
		wrong += scan_plain(text + from, text + n) != one_by_one(text + from, text + n);
		free(text);
	}
	ok(wrong == 0, "20000 random texts: %d wrong", wrong);
}

int main(void)
{
	test_each_byte();
	test_random();
	return tap_done();
}
