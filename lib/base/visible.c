/* Odd characters by their number. See visible.h. */
#include "visible.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

int visible_is_odd(int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	if (c == 0xad || c == 0x200c || c == 0x200d)
		return 0;
	return k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF ||
	       k == UTF8PROC_CATEGORY_ZL || k == UTF8PROC_CATEGORY_ZP || k == UTF8PROC_CATEGORY_CS;
}

void visible_number(int32_t c, char to[12])
{
	snprintf(to, 12, c < 128 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

void visible_put(struct buf *b, struct span text, const char *keep)
{
	while (text.n) {
		size_t plain = 0;
		utf8proc_int32_t c;
		utf8proc_ssize_t n;

		while (plain < text.n && text.s[plain] >= ' ' && text.s[plain] < 127)
			plain++;
		if (plain) {
			buf_add(b, text.s, plain);
			text = (struct span){text.s + plain, text.n - plain};
			continue;
		}
		n = utf8proc_iterate((const utf8proc_uint8_t *)text.s, (utf8proc_ssize_t)text.n,
				     &c);
		if (n <= 0) {
			buf_addf(b, "\\x%02x", (unsigned char)*text.s);
			n = 1;
		} else if (!visible_is_odd(c) || (c && c < 128 && strchr(keep, c))) {
			buf_add(b, text.s, (size_t)n);
		} else {
			char number[12];

			visible_number(c, number);
			buf_adds(b, number);
		}
		text = (struct span){text.s + n, text.n - (size_t)n};
	}
}
