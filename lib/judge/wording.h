/* wording: the texts that a judge reads, as templates: the three that are built in, or one of the
 * user's.
 *
 * A template holds a system turn and a user turn, each behind a line `=== system ===` or `=== user
 * ===` (without either, all is the user turn). `{{NAME}}` stands for a part of the question,
 * `{{#NAME}}...{{/NAME}}` for a passage that is left out where there is no such part; such a mark
 * alone on its line takes the line with it. `\{{` is a literal {{. What is filled in is never
 * searched for marks again, so that no text can pass for one.
 */
#ifndef FT_JUDGE_WORDING_H
#define FT_JUDGE_WORDING_H

#include "../base/buf.h"
#include "../base/err.h"
#include "verdict.h"

/* Parts by name; absent ones are not there. kept is printed as the mark that it is. */
enum wording_part {
	PART_CRITERION,
	PART_LEVELS, /* of a score: a line a level */
	PART_INPUT,
	PART_REFERENCE,
	PART_ANSWER, /* of a pair the two below */
	PART_ANSWER_A,
	PART_ANSWER_B,
	/* hex digits that no text in the question could foresee, for the names of tags */
	PART_HASH,
	PART_LO,
	PART_HI,
	PARTS
};

struct wording_parts {
	struct span text[PARTS];
	unsigned char kept[PARTS];
};

/* The template that is built in for a mode. */
const char *wording_usual(enum verdict_mode mode);

/* 1 where the template holds a mark for the part. */
int wording_holds(const char *template, enum wording_part part);

int wording_has_system(const char *template);

/* -1 with the reason where a template cannot serve a mode: an unknown name, a passage that does not
 * end, no place for the answer. */
int wording_check(const char *template, enum verdict_mode mode, struct err *e);

/* Fills in a template that wording_check passed: the two turns, appended; system stays empty where
 * there is none. */
void wording_fill(const char *template, const struct wording_parts *p, struct buf *system,
		  struct buf *user);

/* The same as one text, in the form of a template: what is kept stays a mark. */
void wording_print(const char *template, const struct wording_parts *p, struct buf *text);

#endif
