/* lib/review: which rows deserve a look, and what people said: scan, queue, page, terminal, the
 * journal of decisions (journal).
 *
 * journal: what reviewers decided, one JSON line a decision, appended and synced before it is
 * acknowledged.
 *
 *	{"at":"2026-11-23T17:05:09Z","who":"anna","key":"0c5d...#2","row":"77ab...","verdict":"fix","draw":0.0173,"random":true,"of":1200,
 *	 "new":"{\"topic\":\"billing\"}","after":"a210...","why":"wrong topic"}
 *
 * key is the record's input key, with #2, #3 ... where it occurs again; row is a hash of what was
 * reviewed, input and reference (subject.h), so that a decision is never applied to another; after is the
 * same of the row as a fix leaves it. verdict is good, fix (new holds the reference as it should be), bad
 * (to be left out), skip, or undo (takes back the reviewer's last decision on that row). The latest
 * decision of a reviewer on a row counts.
 *
 * draw is the row's place in a random order, a number in [0, 1) that follows from its key alone;
 * random says that the row was shown because it was next in that order, and that the reviewer had
 * judged every row of the set before it. So all rows with a draw up to the largest random one are a
 * uniform sample, and all are judged, however each decision came to be made. A second pass marks
 * rows within the sample of a first one alone, and an adjudication none: the rows that they show
 * were chosen by suspicion and by doubt.
 *
 * On a pair row (pair.h) verdict is a or b (which of its two answers is the better one), tie or bad (both),
 * a and b are their models, first is which of the two was shown first, and judge what a judge model had said
 * of the pair. Decisions on one pair of models are all taken with the same of the two as a, whichever it was
 * where they were made.
 *
 * of is the number of rows in the set at that time (not in journals of earlier versions): where all of
 * them are judged, the error rate is no estimate.
 *
 * A last line without its newline counts where it is whole, for editors leave the newline out; it
 * gets it with the next decision. What is the beginning of such a line was cut short by a crash and
 * is cut off when the journal is opened for writing. Anything else that cannot be read is an error
 * that names the line, and leaves the file as it is: it may be no journal at all. The file is
 * locked (flock) while it is open for writing.
 */
#ifndef FT_REVIEW_JOURNAL_H
#define FT_REVIEW_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../base/map.h"
#include "../json/record.h"
#include "key.h"

#define REVIEWER_MAX 256 /* bytes of a name, with its NUL */

enum verdict {
	VERDICT_NONE,
	VERDICT_GOOD,
	VERDICT_FIX,
	VERDICT_BAD, /* of a pair: both are */
	VERDICT_SKIP,
	VERDICT_UNDO,
	VERDICT_A, /* of a pair alone: this answer is the better one */
	VERDICT_B,
	VERDICT_TIE,
	VERDICTS
};

const char *journal_verdict_name(enum verdict v);
enum verdict verdict_of(const char *name); /* VERDICT_NONE where unknown */
/* VERDICT_A, VERDICT_B or VERDICT_TIE of a judge's winner; else VERDICT_NONE. */
enum verdict journal_judge(struct span winner);
/* The same of a pair whose two answers have changed places. */
enum verdict verdict_turned(enum verdict v);

struct decision {
	size_t who; /* index into reviewers */
	char key[KEY_TEXT], row[33];
	/* hash of the row once it is fixed; empty where it is no fix, or not known */
	char after[33];
	enum verdict verdict;
	double draw;	/* journal_draw(key) */
	int random;	/* the next in the order of draws, as above */
	int64_t of;	/* rows in the set; 0: not known */
	int final;	/* settles a disagreement between reviewers */
	char *new_text; /* for a fix; else NULL */
	char *why;	/* NULL where none was given */
	/* of a pair row: whose a and b are, whether b was shown first, and what a judge model says of it
	 * (VERDICT_A, VERDICT_B, VERDICT_TIE or VERDICT_NONE); else NULL and 0 */
	char *a, *b;
	int b_first;
	enum verdict judge;
	char at[24];	/* UTC, ISO 8601 */
	size_t earlier; /* 1 + index of the decision before on the same row, 0: none */
	int undone;
};

void decision_release(struct decision *d);

struct journal {
	char *path;
	int fd;	     /* -1: open for reading only */
	int unended; /* the last line lacks its newline */
	char **reviewers;
	size_t reviewers_n;
	struct decision *all; /* in order */
	size_t n, cap;
	struct map last; /* hash of key -> 1 + index of the last decision on it */
};

/* Reads the journal. For writing the file is made if it is not there, locked, and a torn last line
 * is cut off. *torn: the bytes of such a line; may be NULL. Errors name the file and the line. */
int journal_open(struct journal *j, const char *path, int writing, size_t *torn, struct err *e);
void journal_close(struct journal *j);

/* Appends and syncs; on failure (a full disk) the file is cut back to what it was and nothing is
 * remembered. d->who is set from who; at is set here. The texts are copied. */
int journal_add(struct journal *j, const char *who, const struct decision *d, struct err *e);

/* Enters all[i], which must be the next in order, into `last`. For those who make a journal in
 * memory. */
void journal_index(struct journal *j, size_t i);

/* The reviewer's standing decision on a row (undone ones do not count), NULL where there is none.
 * who == (size_t)-1: the last of anybody, but one that settles a disagreement first. */
const struct decision *journal_find(const struct journal *j, const char *key, size_t who);
/* The reviewer's standing decision on a row as it was when its hash was `row`, made without seeing the
 * others': not one that settles. NULL where there is none. */
const struct decision *journal_own(const struct journal *j, const char *key, const char *row,
				   size_t who);
/* The row's hash when it was judged, for a row whose hash is now `row`: the same, or where a fix stands
 * in it already, that of the row which the fix was made on. NULL where nobody judged it. */
const char *journal_reviewed(const struct journal *j, const char *key, const char *row);
/* The row's hash (subject.h), for a row with this key. What an earlier version of ft-review wrote of the row
 * as it stands holds a hash over all of it, and is from here on taken as of this one. */
int journal_meet(struct journal *j, const struct record *r, const char *key, char hash[33],
		 struct err *e);
/* -1 and the reason where the text cannot be a reviewer's name. */
int journal_name_check(const char *name, struct err *e);
/* Index of a reviewer, (size_t)-1 where unknown. */
size_t journal_reviewer(const struct journal *j, const char *who);

/* The place of a key in the random order. */
double journal_draw(const char *key);

#endif
