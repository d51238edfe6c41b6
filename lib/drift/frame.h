/* frame: one set of records, seen as columns, one for each path found in them. frame.c keeps
 * columns and sample, walk.c takes records apart.
 *
 * A record is walked into nested objects, arrays and strings that hold JSON. Three roots are kept
 * apart: the input (all members of the record except ft's book-keeping), the output (`output`), and
 * the reference (`ideal`, the final assistant message, `completion`). Elements of `messages` are
 * columns by index; of other arrays the length is kept and one element a row, drawn by the record's
 * hash, stands for all, so that rows stay independent of each other.
 *
 * The sample is the rows with the smallest hashes of their number: a uniform draw that depends on
 * the seed alone.
 */
#ifndef FT_DRIFT_FRAME_H
#define FT_DRIFT_FRAME_H

#include "../json/path.h"
#include "../json/record.h"
#include "typing.h"

#define FRAME_SAMPLE 20000 /* rows whose values are kept, by default */
#define FRAME_COLUMNS 4000 /* paths followed; later ones are counted in `lost` */
#define FRAME_DEPTH 24	   /* levels followed into a record */
#define FRAME_DECODE 4	   /* levels of JSON inside strings */

struct sampled_row {
	uint64_t priority;
	uint64_t number; /* of the record, from 0 */
};

struct frame {
	/* set by the caller before the first record */
	size_t sample_max; /* 0: FRAME_SAMPLE */
	uint64_t seed;
	/* to be followed by name besides: elements of arrays that the walk does not single out.
	 * Borrowed */
	struct path **paths;
	size_t paths_n;
	struct path *time;		/* the record's own time, or NULL. Borrowed */
	struct path *cluster;		/* what ties rows to each other, or NULL. Borrowed */
	const struct drift_type *types; /* what paths hold where that is not found out. Borrowed */
	size_t types_n;

	uint64_t rows;
	struct column **columns; /* in the order in which they were found */
	size_t columns_n, columns_cap;
	struct map by_hash;
	struct shape top; /* members of the records themselves */
	uint64_t lost;	  /* values of paths beyond FRAME_COLUMNS or FRAME_DEPTH */
	/* ".ideal", ".messages[-1].content" or ".completion"; of the first reference */
	char reference_name[32];

	struct sampled_row *sample; /* rising numbers once the frame is finished */
	size_t sample_n, sample_cap;
	uint64_t threshold; /* rows with larger priorities are not sampled */
	/* of the priorities: from the first record, so that shards draw independently */
	uint64_t salt;

	struct buf decoded[FRAME_DECODE + 1], text, vector; /* scratch */
};

void frame_init(struct frame *f);
void frame_release(struct frame *f);
int frame_add(struct frame *f, const struct record *rec, struct err *e);
/* After the last record: brings the sample down to its size and in order. */
void frame_finish(struct frame *f);

/* A frame filled in parts: all parts get the salt of the first line of the whole, and each record
 * its number in the whole. Parts are kept small together by frame_shrink from time to time (not
 * more than twice sample_max sampled rows), and merged, in a fixed order, into a frame that is
 * finished then. */
void frame_salt(struct frame *f, struct span first_line);
int frame_add_numbered(struct frame *f, const struct record *rec, uint64_t number, struct err *e);
void frame_shrink(struct frame *const *parts, size_t n);
/* offset is added to the numbers of the rows of from. Paths beyond FRAME_COLUMNS count as lost.
 * Both took samples of one size with one seed. */
void frame_merge(struct frame *f, const struct frame *from, uint64_t offset);
/* A member's name as paths write it: .name or .["odd name"]. */
void frame_put_name(struct buf *b, struct span name);
/* For the walk: the place in the sample of the row whose priority that is, or -1. */
int64_t frame_sample_row(struct frame *f, uint64_t priority, uint64_t number);

/* The column of root with the same path behind the root as c; NULL where there is none. */
struct column *frame_column(const struct frame *f, enum root root, const struct column *c);
/* The column of a root itself. */
struct column *frame_root(const struct frame *f, enum root root);
/* By root and hash, and a new one by hand (NULL where it is there already or there are too many):
 * for profiles. */
struct column *frame_column_at(const struct frame *f, enum root root, uint64_t hash);
struct column *frame_add_column(struct frame *f, enum root root, struct span path, uint64_t hash,
				struct column *parent);
/* Rows in which a value at c could have stood: those whose parent is there. */
uint64_t frame_possible(const struct frame *f, const struct column *c);

#endif
