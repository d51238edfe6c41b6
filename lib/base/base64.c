/* base64: see the header. */
#include "base64.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct span bytes, struct buf *to)
{
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
		unsigned bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? (unsigned char)bytes.s[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_addc(to, k <= n ? letters[bits >> (18 - 6 * k) & 63] : '=');
	}
}

int base64_decode(struct span text, struct buf *to)
{
	size_t before = to->len, n = 0, padding = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < text.n; i++) {
		const char *at = text.s[i] ? strchr(letters, text.s[i]) : NULL;

		if (text.s[i] && strchr(" \t\r\n", text.s[i]))
			continue;
		padding += text.s[i] == '=';
		if (text.s[i] != '=' && (!at || padding))
			goto none;
		bits = bits << 6 | (at ? (unsigned)(at - letters) : 0);
		if (++n % 4 == 0)
			for (int k = 16; k >= 0; k -= 8)
				buf_addc(to, (char)(bits >> k & 255));
	}
	if (n % 4 || padding > 2)
		goto none;
	to->len -= padding;
	return 0;
none:
	to->len = before;
	return -1;
}
