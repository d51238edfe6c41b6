/* key: hex digits to numbers and back. See key.h. */
#include "key.h"

#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

void key_halves(const char *hex, uint64_t half[2])
{
	half[0] = half[1] = 0;
	for (int i = 0; i < 32; i++)
		half[i / 16] = half[i / 16] << 4 |
			       (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
}

void key_text(const uint64_t half[2], uint32_t repeat, char text[KEY_TEXT])
{
	int n = snprintf(text, KEY_TEXT, "%016llx%016llx", (unsigned long long)half[0],
			 (unsigned long long)half[1]);
	if (repeat > 1)
		snprintf(text + n, KEY_TEXT - (size_t)n, "#%u", repeat);
}

int key_digest(const struct buf *b, char hash[33], struct err *e)
{
	XXH128_hash_t h = XXH3_128bits(b->data, b->len);
	if (b->full)
		return err_set(e, "the record is too large");
	snprintf(hash, 33, "%016llx%016llx", (unsigned long long)h.high64,
		 (unsigned long long)h.low64);
	return 0;
}
