/* desk: the rows a person judges, in the order worth judging them, and the decisions on their way
 * to the journal.
 *
 * The rows are copied once into a temporary file without a name and mapped; memory is some 130
 * bytes a row. Every k-th row shown is the next in the random order (see journal.h), the others
 * come most suspicious first, and pairs of answers at random. Suspicion and reasons are those of the records' `review` member
 * (ft-review --scan); without it the order is random.
 */
#ifndef FT_REVIEW_DESK_H
#define FT_REVIEW_DESK_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../json/record.h"
#include "../json/schema.h"
#include "draft.h"
#include "journal.h"
#include "key.h"
#include "rate.h"

#define DESK_LABELS 256 /* more different references are no labels */

struct desk_row {
	uint64_t at; /* byte offset of its line */
	uint32_t len;
	uint32_t repeat;  /* 1 for the first with its key, 2 ... */
	uint32_t same;	  /* 1 + the next row with its key, 0: none */
	uint64_t key[2];  /* the input key's two halves */
	uint64_t reasons; /* bits into reasons */
	float suspicion;
	unsigned char split;   /* 1 + its enum side, 0 where it has none */
	unsigned char verdict; /* this reviewer's standing decision; of a pair as it is shown */
	unsigned char pair;    /* two answers to be compared (pair.h) */
	unsigned char swapped; /* of which b is shown first */
	/* belongs to this reviewer's work (all rows; in second passes and adjudications some) */
	unsigned char due;
};

enum desk_pass { DESK_FIRST, DESK_SECOND, DESK_ADJUDICATE };

/* Which rows are asked for; zeroed: all that are not judged yet. */
struct desk_filter {
	uint64_t reasons;     /* any of these; 0: whatever */
	int split;	      /* 0: whatever */
	int verdict;	      /* VERDICT_NONE: those without one */
	const size_t *passed; /* rows not to be shown again now */
	size_t passed_n;
};

struct pending_decision {
	struct decision d; /* owns its texts */
	size_t row;
};

struct desk_options {
	const char *who; /* the reviewer's name; borrowed, as is the schema */
	enum desk_pass pass;
	long long every; /* each so many-th row is a random one; 1: all */
	int pair;	 /* records of two models to one input make a pair row (rows.h) */
	long long seed;	 /* of which answer of a pair is shown first */
	const struct schema *schema; /* what all references are held to; NULL: nothing */
};

struct desk {
	struct journal *journal; /* borrowed */
	const char *who;	 /* borrowed */
	enum desk_pass pass;
	long long every;
	uint64_t seed;
	int fd;
	const char *text; /* the mapped lines */
	size_t text_n;
	struct desk_row *rows;
	size_t n, cap;
	uint32_t *by_suspicion, *by_draw;
	size_t next_suspicious, next_draw; /* everything before was judged */
	size_t drawn; /* 1 + the row last shown as the next of the random order, 0: none */
	double reach; /* rows with a greater draw are no sample in this pass */
	char *reasons[64];
	size_t reasons_n;
	/* the different references, sorted, where they are few and each is found often */
	char *labels[DESK_LABELS];
	size_t labels_n;
	struct map by_key;   /* the key's halves together -> first row with it */
	struct map label_at; /* private */
	/* rows with this reviewer's verdict: what is shown next depends on it alone, so that a
	 * reload shows the same row */
	size_t decided;
	struct pending_decision *pending; /* decided, but the journal could not be written */
	size_t pending_n;
	struct err trouble; /* why the journal could not be written, last */
	struct drafts drafts;
	struct record record; /* the row last parsed */
	struct record shown;  /* desk_shown's */
	struct buf shown_json;
	const struct schema *schema;
	size_t pairs, same; /* rows that are pairs; pairs left out, for both answers are the same */
	struct buf remark;  /* of the records that made no pair */
};

/* Reads the rows. Second passes take the rows somebody else judged, adjudications those on which
 * reviewers differ. */
int desk_open(struct desk *d, char **files, struct journal *j, const struct desk_options *o,
	      struct err *e);
void desk_close(struct desk *d);
/* What of the input is not shown and why, appended; nothing where all of it is. */
void desk_remark(const struct desk *d, struct buf *text);

/* The next row to judge, or -1 where none is left. Whether it is the next in the random order, and so tells
 * the error rate (see journal.h), the desk keeps to itself: a person who knew would look twice. */
long desk_next(struct desk *d, const struct desk_filter *f);

/* The key of a row as the journal writes it. */
void desk_key(const struct desk *d, size_t row, char key[KEY_TEXT]);

/* The record of a row; valid until the next call. */
const struct record *desk_record(struct desk *d, size_t row);
/* The same as a person may see it: of a pair row pair_shown. */
const struct record *desk_shown(struct desk *d, size_t row);
/* The texts of a pair row as they are shown, appended. */
void desk_answers(struct desk *d, size_t row, struct buf answer[2]);
/* A verdict on a row of the journal as the row is shown, and one on the row as it is shown in the
 * journal's terms. */
enum verdict desk_turned(const struct desk *d, size_t row, enum verdict v);

/* The rows that this one's reasons point at, and those with the same input; returns how many. */
#define DESK_RELATED 5
size_t desk_related(struct desk *d, size_t row, size_t rows[DESK_RELATED]);

/* Appends some words of a row to tell it by, at most max bytes: its last user text, else its
 * prompt, else its line. */
void desk_words(struct desk *d, size_t row, size_t max, struct buf *out);
/* At most max bytes of a text, cut between characters. */
struct span desk_cut(struct span s, size_t max);

/* train, valid, test or NULL. */
const char *desk_split(const struct desk_row *w);

struct desk_counts {
	size_t due, pairs;   /* rows of this pass; those among them that are pairs */
	size_t by[VERDICTS]; /* of them by this reviewer's verdict */
	size_t open[64];     /* of those without one by reason */
	struct rate rate;    /* of this reviewer; n 0: not known */
};
struct desk_counts desk_count(const struct desk *d);

/* doubt_of the row under the schema of all rows: a person is asked before such a fix is decided. */
int desk_doubt(struct desk *d, size_t row, const char *new_text, struct err *e);

/* Takes a decision on a row: new_text for a fix, why may be NULL. 1: it is in the journal; 0: the
 * journal could not be written (the reason in e), the decision is kept and written with the next
 * one; -1: refused (the reason in e). */
int desk_decide(struct desk *d, size_t row, enum verdict v, const char *new_text, const char *why,
		struct err *e);

/* Keeps what was typed for a row, NULL for nothing; gone once the row is decided. As drafts_put. */
int desk_draft(struct desk *d, size_t row, const char *text, struct err *e);
/* What was kept, or NULL. Borrowed. */
const char *desk_drafted(struct desk *d, size_t row);

/* Takes back the reviewer's last standing decision. *row is its row. Results as desk_decide; -1
 * where there is none. */
int desk_undo(struct desk *d, size_t *row, struct err *e);

/* Tries again to write what is pending. 0 where nothing is left. */
int desk_flush(struct desk *d, struct err *e);

/* Rows whose line holds the text (bytes, ASCII case ignored), at most max of them from row `from`
 * on, into found; returns how many. */
size_t desk_search(const struct desk *d, struct span text, size_t from, size_t *found, size_t max);

#endif
