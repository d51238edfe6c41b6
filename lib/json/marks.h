/* marks: where the strings of a JSON text begin and end, found for 64 bytes at a time, and whether
 * what stands in them may stand there.
 *
 * The marks of a text are a bit for each byte, set for the quotes that no backslash escapes (Langdale
 * and Lemire, Parsing Gigabytes of JSON per Second, 2019). With them scan.h goes from the beginning
 * of a string to its end without a look at what is between; all else it checks as ever, so that what
 * is accepted, and the reasons where it is not, are those of scan.h alone.
 *
 * A zeroed struct marks is valid and marks nothing; its memory is used again from text to text.
 */
#ifndef FT_JSON_MARKS_H
#define FT_JSON_MARKS_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"

struct marks {
	const char *s; /* the text, borrowed; NULL: no marks */
	size_t n;
	uint64_t *quotes; /* a bit a byte, the lowest first */
	int odd;	  /* an escape stands in the text that canonical form writes otherwise */
	/* private */
	size_t cap;
	int (*find)(const char *s, size_t n, uint64_t *quotes, int *odd);
};

void marks_release(struct marks *m);

/* Marks the text. -1, and no marks, where a string holds a byte that no string may hold (a control
 * character, invalid UTF-8, an escape that is none), or the text is no JSON: which it is, the
 * scanner says. */
int marks_set(struct marks *m, struct span text);

#endif
