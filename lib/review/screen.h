/* screen: text for a terminal, wrapped to its width and made harmless, and shown a page at a
 * time. */
#ifndef FT_REVIEW_SCREEN_H
#define FT_REVIEW_SCREEN_H

#include <stddef.h>
#include <termios.h>
#include "../base/buf.h"
#include "../base/err.h"

struct screen {
	int fd;
	size_t width, height;
	struct buf text;     /* whole lines, each ended */
	size_t lines, shown; /* how many there are; before which the next page begins */
	struct termios before;
};

/* Single keys without echo from now on; signals stay. -1 where fd is no terminal. */
int screen_open(struct screen *s, int fd, struct err *e);
void screen_close(struct screen *s); /* the terminal as it was */
/* The terminal as it was for another program, and back. */
void screen_lend(struct screen *s);
void screen_take_back(struct screen *s);

/* Forgets the text and looks at the size of the terminal. */
void screen_clear(struct screen *s);
/* Adds a paragraph: indent stands before each line. bold: its lines stand out. Lines of the text
 * end lines here. */
void screen_add(struct screen *s, const char *indent, struct span text, int bold);
void screen_addf(struct screen *s, const char *indent, int bold, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds two texts beside each other under their heads, below each other where there is no room. */
void screen_beside(struct screen *s, const char *left_head, struct span left,
		   const char *right_head, struct span right);

/* Shows the next page, with a line under it; whether more is left. The page after the last one is
 * the first again. */
int screen_page(struct screen *s, const char *under);

/* A key, or -1 at the end of input and on a signal. Sequences that begin with Esc (arrows) are read
 * to their end and give 0. */
int screen_key(struct screen *s);
/* A line typed behind the prompt, with echo and the terminal's own editing, without its end; NULL
 * for an empty one. free() it. */
char *screen_line(struct screen *s, const char *prompt);

#endif
