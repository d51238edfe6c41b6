/* desk: the rows a person judges, in the order worth judging them, and the decisions on their way to the journal.
 *
 * The rows are copied once into a temporary file without a name and mapped; memory is some 80 bytes a row. Every k-th row shown is the
 * next in the random order (see journal.h), the others come most suspicious first. Suspicion and reasons are those of the records'
 * `review` member (ft-review --scan); without it the order is random.
 */
#ifndef FT_DESK_H
#define FT_DESK_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../json/jw.h"
#include "../json/record.h"
#include "journal.h"

struct desk_row {
	uint64_t at; /* byte offset of its line */
	uint32_t len;
	uint32_t repeat;   /* 1 for the first with its key, 2 ... */
	uint64_t key[2];   /* the input key's two halves */
	uint64_t reasons;  /* bits into reasons */
	float suspicion;
	unsigned char split;   /* 0 none, 1 train, 2 valid, 3 test */
	unsigned char verdict; /* this reviewer's standing decision */
	unsigned char due;     /* belongs to this reviewer's work (all rows; in second passes and adjudications some) */
};

enum desk_pass { DESK_FIRST, DESK_SECOND, DESK_ADJUDICATE };

/* Which rows are asked for; zeroed: all that are not judged yet. */
struct desk_filter {
	uint64_t reasons;      /* any of these; 0: whatever */
	int split;	       /* 0: whatever */
	int verdict;	       /* VERDICT_NONE: those without one */
	const size_t *passed;  /* rows not to be shown again now */
	size_t passed_n;
};

struct pending_decision {
	struct decision d; /* owns its texts */
	size_t row;
};

struct desk {
	struct journal *journal; /* borrowed */
	const char *who;	 /* borrowed */
	enum desk_pass pass;
	long every; /* each so many-th row is a random one; 1: all */
	int fd;
	const char *text; /* the mapped lines */
	size_t text_n;
	struct desk_row *rows;
	size_t n, cap;
	uint32_t *by_suspicion, *by_draw;
	size_t next_suspicious, next_draw; /* everything before was judged */
	char *reasons[64];
	size_t reasons_n;
	size_t shown; /* rows given out by desk_next */
	struct pending_decision *pending; /* decided, but the journal could not be written */
	size_t pending_n;
	struct record record; /* the row last parsed */
};

/* Reads the rows. who is the reviewer's name. Second passes take the rows somebody else judged, adjudications those on which
 * reviewers differ. */
int desk_open(struct desk *d, char **files, struct journal *j, const char *who, enum desk_pass pass, long every, struct err *e);
void desk_close(struct desk *d);

/* The next row to judge, or -1 where none is left. *random: it is the next in the random order. */
long desk_next(struct desk *d, const struct desk_filter *f, int *random);

/* The key of a row as the journal writes it. */
void desk_key(const struct desk *d, size_t row, char key[48]);

/* The record of a row; valid until the next call. */
const struct record *desk_record(struct desk *d, size_t row);

/* Writes {"row", "key", "hash", "record", "review", "reference", "verdict", "split", "random", "others"} as an object. */
int desk_write_row(struct desk *d, size_t row, int random, struct jw *w, struct err *e);

/* {"rows", "due", "judged", "good", "fix", "bad", "skip", "pending", "rate": {"n", "errors", "value", "lo", "hi"} | null, "reasons": [...]} */
void desk_write_summary(const struct desk *d, struct jw *w);

/* Takes a decision on a row: new_text for a fix, why may be NULL. 1: it is in the journal; 0: the journal could not be written (the reason in e), the decision is
 * kept and written with the next one; -1: refused (the reason in e). */
int desk_decide(struct desk *d, size_t row, enum verdict v, int random, const char *new_text, const char *why, struct err *e);

/* Takes back the reviewer's last standing decision. *row is its row. Results as desk_decide; -1 where there is none. */
int desk_undo(struct desk *d, size_t *row, struct err *e);

/* Tries again to write what is pending. 0 where nothing is left. */
int desk_flush(struct desk *d, struct err *e);

/* Rows whose line holds the text (bytes, ASCII case ignored), at most max of them from row `from` on, into found; returns how many. */
size_t desk_search(const struct desk *d, struct span text, size_t from, size_t *found, size_t max);

#endif
