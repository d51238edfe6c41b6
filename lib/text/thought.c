/* thought: see thought.h. */
#include <string.h>
#include "thought.h"

static struct span trim(struct span s)
{
	while (s.n && (unsigned char)*s.s <= ' ')
		s.s++, s.n--;
	while (s.n && (unsigned char)s.s[s.n - 1] <= ' ')
		s.n--;
	return s;
}

struct span thought_apart(struct span text, struct span *reasoning)
{
	static const char open[] = "<think>", close[] = "</think>";
	struct span rest = trim(text);
	int opened = rest.n >= sizeof open - 1 && !memcmp(rest.s, open, sizeof open - 1);
	const char *end = rest.n ? memmem(rest.s, rest.n, close, sizeof close - 1) : NULL,
		   *inner = rest.n ? memmem(rest.s, rest.n, open, sizeof open - 1) : NULL;

	*reasoning = (struct span){0};
	if (!opened && (!end || (inner && inner < end)))
		return text;
	if (opened)
		rest.s += sizeof open - 1, rest.n -= sizeof open - 1;
	*reasoning = trim((struct span){rest.s, end ? (size_t)(end - rest.s) : rest.n});
	if (!end)
		return (struct span){"", 0};
	end += sizeof close - 1;
	return trim((struct span){end, (size_t)(rest.s + rest.n - end)});
}
