/* xml: see the header. */
#include "xml.h"

#include <utf8proc.h>

/* What stands for character c; NULL: itself. */
static const char *escape(utf8proc_int32_t c, int attribute)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\t':
		return attribute ? "&#9;" : NULL;
	case '\n':
		return attribute ? "&#10;" : NULL;
	case '\r':
		return attribute ? "&#13;" : NULL;
	default:
		return c < 0x20 || c == 0xfffe || c == 0xffff ? "\xef\xbf\xbd" : NULL;
	}
}

static void put(struct span text, int attribute, struct buf *b)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text.s;
	size_t from = 0;

	for (size_t i = 0, taken; i < text.n; i += taken) {
		utf8proc_int32_t c = p[i];
		utf8proc_ssize_t n =
			c < 0x80 ? 1 : utf8proc_iterate(p + i, (utf8proc_ssize_t)(text.n - i), &c);
		const char *as = escape(c, attribute); /* c is -1 where the bytes are none */

		taken = n > 0 ? (size_t)n : 1;
		if (!as)
			continue;
		buf_add(b, text.s + from, i - from);
		buf_adds(b, as);
		from = i + taken;
	}
	if (text.n > from)
		buf_add(b, text.s + from, text.n - from);
}

void xml_text(struct span text, struct buf *b)
{
	put(text, 0, b);
}

void xml_str(const char *text, struct buf *b)
{
	put(span_of(text), 0, b);
}

void xml_attribute(struct span text, struct buf *b)
{
	put(text, 1, b);
}
