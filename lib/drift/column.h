/* column: what is remembered of one path in one set of records.
 *
 * lib/drift compares two sets of records path by path: walk takes records apart and fills the
 * columns of a frame, load does so in threads, compare tests pairs of columns, corrects for the
 * number of tests and puts the answer into words.
 *
 * A column sums up all rows: exactly which kinds of values stood there and which years and months;
 * short strings by a heavy-hitters summary, exact up to COLUMN_LEVELS of them; their number by a
 * distinct count; numbers by a quantile sketch. The values themselves are kept for the rows of the
 * frame's sample only, so memory does not grow with the rows. All of it adds up: column_merge.
 *
 * The heavy hitters are those of Misra and Gries (1982), compacted in batches and merged as in
 * Agarwal et al., "Mergeable summaries" (2012): where there are too many strings, the count of the
 * (COLUMN_LEVELS + 1)st is taken off all. So every count is at most `level_error` too low, and that
 * is at most the number of strings over COLUMN_LEVELS + 1.
 */
#ifndef FT_DRIFT_COLUMN_H
#define FT_DRIFT_COLUMN_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/map.h"
#include "../stats/sketch.h"
#include "../text/moment.h"

/* strings counted one by one; twice as many before they are compacted */
#define COLUMN_LEVELS 20000
#define COLUMN_LEVEL_MAX 80  /* bytes of a string that is counted as a category */
#define COLUMN_TEXT_MAX 8192 /* bytes of a sampled text that are kept */
#define VECTOR_LEAST 8	     /* numbers that make an array a vector */
#define VECTOR_MOST 4096
#define COLUMN_PERIODS 40000 /* years or months told apart: all of 1000 to 2999 */

enum kind { KIND_NULL, KIND_BOOL, KIND_NUMBER, KIND_STRING, KIND_OBJECT, KIND_ARRAY, KINDS };

/* Where a path begins: in the record itself, in what a model answered, in the reference; and the
 * record's own time, and the block of rows that it belongs to. */
enum root { ROOT_INPUT, ROOT_OUTPUT, ROOT_REFERENCE, ROOT_TIME, ROOT_CLUSTER, ROOTS };

/* A sampled value. */
struct cell {
	uint32_t row;	    /* of the frame's sample */
	unsigned char kind; /* of enum kind; nulls are not kept */
	double x;	    /* a number, 0 or 1 of a boolean, the length of an array */
	size_t at, n;	    /* in `text`: a string's bytes, or a vector's numbers as floats */
};

struct level {
	uint64_t hash;
	uint64_t n;
	size_t at; /* in `names` */
	unsigned len, words;
	int plain; /* neither a number nor with a date in it */
};

/* Rows in which a date of that year (or month: 12 * year + month - 1) stands, or vectors of that
 * length, rising. */
struct period {
	int which;
	uint64_t rows;
};

struct periods {
	struct period *v;
	size_t n, cap;
};

/* What depends on how slashed dates are read that leave it open: [0] month first, [1] day first.
 * Which one is right is known at the end. */
struct reading {
	struct periods months;
	int64_t first_day, last_day; /* the first above the last where there is none */
};

struct column;

/* The members that an object had before, in order, so that the next one finds their columns without
 * a look-up. */
struct shape {
	struct shape_member *member;
	size_t n, cap;
};

struct shape_member {
	char *name; /* as written, or decoded at the root */
	size_t len;
	uint64_t hash;	       /* of the step to it */
	struct column *column; /* NULL where it is not followed */
	int role;	       /* of the root's, as lib/drift/walk.c has them */
};

struct column {
	enum root root;
	/* behind the root: ".usage.total_tokens", "|.due_date", "" for the root itself */
	char *path;
	uint64_t hash;	       /* of root and path */
	struct column *parent; /* NULL at a root */
	/* an array's element: being absent is the array's length, not a missing value */
	int element;
	int timely; /* its name, or the user, says that numbers here are times */
	int coded;  /* numbers here are codes: counted as categories besides */

	uint64_t count[KINDS];	 /* rows by kind */
	uint64_t whole_dates;	 /* strings (or numbers of timely columns) that are a date */
	uint64_t dated;		 /* rows with a date in them, alone or within text */
	uint64_t numeric;	 /* strings that are a number */
	uint64_t codes;		 /* numbers counted among the levels */
	uint64_t words, bytes;	 /* of all strings */
	double least, most, sum; /* of numbers */
	struct periods widths;	 /* arrays of numbers by their length */
	uint64_t dims, vectors;	 /* the most frequent of those lengths, and how many there were */
	uint64_t beyond;	 /* numbers that no double can hold; kept as infinite */

	struct map level_by_hash;
	struct level *levels;
	size_t levels_n, levels_cap;
	/* rows with strings not counted one by one: too long, or taken off the levels */
	uint64_t others;
	uint64_t level_error; /* a level's count is too low by at most this */
	struct buf names;
	struct distinct distinct;   /* of all strings, the long ones too */
	struct quantiles quantiles; /* of numbers, numbers in strings and lengths of arrays */

	struct periods years;
	struct reading reading[2];
	uint64_t us_order, eu_order; /* slashed dates that can only be month/day, or day/month */

	struct cell *cells; /* rising rows, once the frame is finished */
	size_t cells_n, cells_cap;
	struct buf text;

	struct shape members, decoded; /* of objects here, and of objects in strings here */
};

struct column *column_new(enum root root, struct span path, uint64_t hash, struct column *parent);
void column_free(struct column *c);
void shape_release(struct shape *s);

/* One row's value. sampled: the row's number in the sample, or -1. Strings come decoded. */
void column_add_null(struct column *c);
void column_add_bool(struct column *c, int x, int64_t sampled);
/* written: the number as it stands, for codes that no double tells apart. */
void column_add_number(struct column *c, double x, struct span written, int64_t sampled);
void column_add_string(struct column *c, struct span s, int64_t sampled);
/* vector: its elements as floats where they are numbers, or absent. */
void column_add_array(struct column *c, size_t length, struct span vector, int64_t sampled);
void column_add_object(struct column *c);

/* For columns put together from counts: a string, a sampled value (s: of strings and vectors; x: of
 * others, an array's length). */
void column_count_level(struct column *c, struct span s, uint64_t n);
void column_keep(struct column *c, int64_t sampled, enum kind kind, double x, struct span s);
void column_count_period(struct periods *p, int which, uint64_t rows);
void column_count_width(struct column *c, uint64_t dims, uint64_t vectors);
uint64_t column_period_rows(const struct periods *p, int which);

/* Adds what another column of the same path counted and kept; its sampled rows are numbered from
 * first_row on. */
void column_merge(struct column *c, const struct column *from, size_t first_row);
/* Brings the levels down to COLUMN_LEVELS. */
void column_finish(struct column *c);

/* Rows in which the path stood, null included. */
uint64_t column_present(const struct column *c);
struct span column_level_text(const struct column *c, const struct level *level);
int column_numeric(struct span s, double *x); /* whether a string is a number, and which */
struct span column_cell_text(const struct column *c, const struct cell *cell);
/* A number as it is spelt among the levels: 1, 1.0 and 1e0 are one. */
#define COLUMN_CODE 32
struct span column_code(double x, char text[COLUMN_CODE]);

/* NULL where it is not counted */
struct level *column_level(const struct column *c, uint64_t hash);

/* Keeps the cells of rows with to[row] != UINT32_MAX, renumbered to to[row]. Where those do not
 * rise, column_sort brings the cells in order. */
void column_renumber(struct column *c, const uint32_t *to);
void column_sort(struct column *c, size_t rows);

#endif
