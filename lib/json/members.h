/* members: the members of a record that ft-jsonl(5) names, in one table.
 *
 * Which of them are no part of what is asked decides the input key, and with it a row's side; which
 * make up an answer, what is taken out before another is put in. A member that ft comes to write is
 * entered here and in the manual, and json-members.c of the unit tests holds one against the other.
 * Names begin with member_.
 */
#ifndef FT_JSON_MEMBERS_H
#define FT_JSON_MEMBERS_H

#include "jw.h"
#include "record.h"

enum {
	MEMBER_ASKED = 1,     /* what a model is asked */
	MEMBER_REFERENCE = 2, /* what it should answer */
	MEMBER_ANSWER = 4,    /* what it answered, and how */
	MEMBER_SAMPLE = 8,    /* which of several answers */
	MEMBER_MARK = 16,     /* noted on a row, which stays the same row without it */
	MEMBER_ROW = 32,      /* what a row is called and counts */
	MEMBER_PAIR = 64,     /* an answer in a pair row, and anyone's elsewhere (record_is_pair) */
	MEMBER_PASSED = 128   /* no column of ft-drift: book-keeping, or looked at on its own */
};

/* What a member is; 0 for any that the manual does not name. */
unsigned members_what(struct span name);

/* Edits that set the members that are any of `what` to their values in the object `from` and remove
 * those that it lacks (all, where it is absent). Returns how many; the spans borrow from `from`. */
#define MEMBER_EDITS 40
size_t members_edits(unsigned what, struct span from, struct edit edits[MEMBER_EDITS]);

/* The member `error`: no status where it is 0, no output where that is absent; calls: raw, or empty. */
void members_put_error(struct jw *w, const char *type, int status, struct span message,
		       struct span output, struct span calls);

/* A turn of `messages`. */
void members_put_turn(struct jw *w, const char *role, struct span content);

/* The table by number, from 0; NULL at its end. */
const char *members_name(size_t i);

#endif
