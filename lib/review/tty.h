/* tty: the desk in a terminal, for ssh: the record paged, one key a verdict, an editor for fixes.
 *
 *	g good		f fix (in $VISUAL, $EDITOR or vi)	b bad		s skip		u undo
 *	n next		w note		/ search	space more	? help		q quit
 *	1 to 9 fix it with the proposal of that number
 *	of two answers: a, b the better one	t tie	x both bad
 *
 * Text of records is shown as text: control characters, and marks that turn or hide text, by their
 * code point.
 */
#ifndef FT_REVIEW_TTY_H
#define FT_REVIEW_TTY_H

#include "desk.h"

/* Until nothing is left, the reviewer quits, or stopping says so. The terminal is the process's own (standard
 * input may be the rows), and is left as it was found. */
int tty_run(struct desk *d, int (*stopping)(void), struct err *e);

#endif
