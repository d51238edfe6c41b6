/* lib/split: which rows are kept aside: the stable hash of a row's side (sides), quotas,
 * look-alikes, leaks.
 *
 * plan: reads all records once, decides, and then knows the side of every row by its number.
 *
 *	plan_init(&p, options, e); plan_keep(...) for rows of an earlier run; plan_add(...) for each
 *	row of the input; plan_settle(&p, pool, e); plan_side(&p, row)
 *
 * Where a row's side follows from its own input, plan_stream says it as the row goes by instead.
 *
 * Only hashes are kept (with `near` also the texts' sets of word runs), never a record.
 */
#ifndef FT_SPLIT_PLAN_H
#define FT_SPLIT_PLAN_H

#include "../base/pool.h"
#include "../json/path.h"
#include "../json/reader.h"
#include "../json/record.h"
#include "../text/near.h"
#include "ledger.h"
#include "quota.h"
#include "trail.h"

struct plan_options {
	struct sides sides;
	uint64_t seed;
	struct path *key, *group; /* at most one of the two; NULL: the record's input */
	struct path **stratify;
	size_t stratify_n;
	double near;	   /* threshold; 0: only equal inputs are tied */
	struct path *time; /* with it rows after `after` are test, and the others never are */
	double after;	   /* seconds since 1970 */
	double gap;	   /* days before `after` whose rows are left out */
};

struct plan {
	struct plan_options o; /* paths borrowed */
	struct ledger ledger;
	struct quota quota;
	struct near *near;
	struct map kept_rows; /* id and input of rows of an earlier run: their side */
	size_t kept;	      /* rows of the earlier run, which come first in the ledger */
	struct map sided;     /* plan_stream: side of inputs that came with one, and TORN */
	struct buf text, scratch;

	/* for the report */
	size_t followers; /* of plan_stream: rows that went with an equal input, not their own hash */
	size_t torn;	  /* of it: inputs whose rows came with different sides */
	size_t loners;	  /* rows without a value at group */
	size_t near_tied; /* near-duplicate pairs beyond equal inputs that were tied */
	size_t near_torn; /* not tied, because the chain would have grown too long */
	size_t crowded;	  /* texts among look-alikes that were not all compared */
	size_t gap_rows;
	/* the row that made a block of a key or group the largest so far, and the value there */
	size_t large_row, large_rows;
	struct buf large_name;
};

void plan_init(struct plan *p, const struct plan_options *o);
void plan_release(struct plan *p);

/* What a side follows from, found from the record alone. */
struct plan_row {
	uint64_t unit, input; /* hashes of its key or group (else of its input), and of its input */
	enum side already;    /* that it came with */
	struct footprint print;
	int lone;	 /* no value at the group */
	int bad;	 /* plan_read found a reason against it */
	struct buf text; /* the value at the key or group */
	struct buf scratch;
};

/* Fills row, whose memory is used again; any thread may. -1 where the key is missing, or `split`
 * holds something that is no side. */
int plan_read(const struct plan_options *o, const struct record *r, struct plan_row *row,
	      struct err *e);
void plan_row_release(struct plan_row *row);

/* The side of a row as it goes by. One that it came with it keeps; of different sides that rows of
 * one input came with, later rows follow the one that plan_settle would choose. */
enum side plan_stream(struct plan *p, const struct plan_row *row);

/* A row of an earlier run, on this side. All of them before the first plan_add. */
int plan_keep(struct plan *p, const struct record *r, enum side side, struct err *e);
/* All rows of DIR/train.jsonl, valid.jsonl and test.jsonl in this way; r says what to do with bad
 * lines and when to stop. -1 where there is none of the three. */
int plan_keep_dir(struct plan *p, const char *dir, struct reader *r, struct err *e);
/* The next row of the input, and what plan_read found of it. */
int plan_add(struct plan *p, const struct record *r, const struct plan_row *row, struct err *e);
int plan_settle(struct plan *p, struct pool *pool, struct err *e);
/* After it: how many rows of the input the largest set of rows that share a side has. *name is the
 * key or group that it came from; empty where that is not known. */
size_t plan_largest(struct plan *p, struct span *name);

/* After plan_settle, of the row that was added as number `row`, from 0; SIDE_NONE where it stands
 * in the gap. */
enum side plan_side(struct plan *p, size_t row);
/* Seconds since 1970 up to which it is "not after" the date in text: a day without a time lasts
 * until its end. -1 where it is no date. */
int plan_after(const char *text, double *seconds);

/* Seconds since 1970 of a date or time as text or epoch (raw JSON); -1 where it is none. */
int plan_time(struct span value, struct buf *scratch, double *seconds);

#endif
