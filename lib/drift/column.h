/* column: what is remembered of one path in one set of records.
 *
 * lib/drift compares two sets of records path by path: frame walks records and fills columns, compare tests pairs of
 * columns, verdict corrects for the number of tests and puts the answer into words.
 *
 * A column counts over all rows: which kinds of values stood there, which short strings, which years. The values
 * themselves are kept for the rows of the frame's sample only, so memory does not grow with the rows.
 */
#ifndef FT_COLUMN_H
#define FT_COLUMN_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/map.h"
#include "../text/moment.h"

#define COLUMN_LEVELS 20000 /* distinct strings counted; beyond that new ones count as `others` */
#define COLUMN_LEVEL_MAX 80 /* bytes of a string that is counted as a category */
#define COLUMN_TEXT_MAX 8192 /* bytes of a sampled text that are kept */
#define COLUMN_YEARS 4096

enum kind { KIND_NULL, KIND_BOOL, KIND_NUMBER, KIND_STRING, KIND_OBJECT, KIND_ARRAY, KINDS };

/* Where a path begins: in the record itself, in what a model answered, in the reference; and the record's own time. */
enum root { ROOT_INPUT, ROOT_OUTPUT, ROOT_REFERENCE, ROOT_TIME, ROOTS };

/* A sampled value. */
struct cell {
	uint32_t row;	    /* of the frame's sample */
	unsigned char kind; /* of enum kind; nulls are not kept */
	double x;	    /* a number, 0 or 1 of a boolean, the length of an array */
	size_t at, n;	    /* a string's bytes in `text` */
};

struct level {
	uint64_t hash;
	uint64_t n;
	size_t at, len; /* in `names` */
};

struct year {
	int year;
	uint64_t rows;
};

struct column {
	enum root root;
	char *path;	/* behind the root: ".usage.total_tokens", "|.due_date", "" for the root itself */
	uint64_t hash;	/* of root and path */
	struct column *parent; /* NULL at a root */
	int element;	/* an array's element: being absent is the array's length, not a missing value */
	int timely;	/* its name says that numbers here are times */

	uint64_t count[KINDS];	/* rows by kind */
	uint64_t whole_dates;	/* strings (or numbers of timely columns) that are a date */
	uint64_t dated;		/* rows with a date in them, alone or within text */
	uint64_t numeric;	/* strings that are a number */
	uint64_t words, bytes;	/* of all strings */
	double least, most, sum; /* of numbers */
	uint64_t beyond;	/* numbers that no double can hold; kept as infinite */

	struct map level_by_hash;
	struct level *levels;
	size_t levels_n, levels_cap;
	uint64_t others; /* rows with strings not counted one by one */
	struct buf names;

	struct year *years; /* rising; rows in which a date of that year stands */
	size_t years_n, years_cap;
	int64_t first_day, last_day;
	uint64_t us_order, eu_order; /* slashed dates that can only be month/day, or day/month */

	struct cell *cells; /* rising rows */
	size_t cells_n, cells_cap;
	struct buf text;
};

struct column *column_new(enum root root, struct span path, uint64_t hash, struct column *parent);
void column_free(struct column *c);

/* One row's value. sampled: the row's number in the sample, or -1. Strings come decoded. */
void column_add_null(struct column *c);
void column_add_bool(struct column *c, int x, int64_t sampled);
void column_add_number(struct column *c, double x, int64_t sampled);
void column_add_string(struct column *c, struct span s, int64_t sampled);
void column_add_array(struct column *c, size_t length, int64_t sampled);
void column_add_object(struct column *c);

/* For columns put together from counts: a year, a string, a sampled value (s: of strings; others x). */
void column_count_year(struct column *c, int year, uint64_t rows);
void column_count_level(struct column *c, struct span s, uint64_t n);
void column_keep(struct column *c, int64_t sampled, enum kind kind, double x, struct span s);

/* Rows in which the path stood, null included. */
uint64_t column_present(const struct column *c);
struct span column_level_text(const struct column *c, const struct level *level);
struct span column_cell_text(const struct column *c, const struct cell *cell);

/* Keeps the cells of rows with to[row] != UINT32_MAX, renumbered to to[row], which must rise. */
void column_renumber(struct column *c, const uint32_t *to);

#endif
