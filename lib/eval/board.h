/* lib/eval: how good answers are: checks, groups, comparisons, requirements, reports.
 *
 * board: the scores of all groups of a run, and the figures read from them.
 *
 * Of each group only distributions are kept (lib/stats/tally), so memory does not grow with the
 * rows, unless rows are kept for pairing (board.keep): then it is some bytes a row and a check, and
 * the id.
 */
#ifndef FT_EVAL_BOARD_H
#define FT_EVAL_BOARD_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../base/map.h"
#include "../json/path.h"
#include "../stats/interval.h"
#include "../stats/tally.h"
#include "row.h"
#include "check.h"
#include "clusters.h"
#include "fields.h"
#include "labels.h"

#define BOARD_POWER 0.8	   /* of rows that are said to be needed */
#define BOARD_GROUPS 10000 /* more different values of --by than this are an error */

#define BOARD_PASS_AT 16

/* What to make of rows that could not be scored. */
enum unscored { UNSCORED_KEEP, UNSCORED_FAIL, UNSCORED_DROP };

struct score_cell {
	struct tally scores;
	uint64_t unscored;
	uint64_t unclear;     /* scored, though the answer names no choice for certain */
	uint64_t same_json;   /* wrong by `exact`, but equal as JSON */
	struct fields fields; /* of a json-fields check */
	char *first;	      /* place and reason of the first unscored row */
};

/* A row kept for pairing. */
struct kept_row {
	size_t id_at, id_len; /* in ids of the group */
	int64_t sample;
	size_t cluster; /* where rows are clustered */
	char *line;	/* the record, where lines are kept */
};

struct group {
	char *label;  /* JSON object of its by-values, {"model":"a"} */
	char *within; /* the same without the value that is compared */
	char *side;   /* the value that is compared, as text; "" where nothing is compared */
	struct clusters clusters;
	struct labels labels;
	uint64_t n, errors;
	uint64_t cut_off;	  /* answers that ended at the limit of tokens */
	struct score_cell *cells; /* one a metric */
	struct tally latency, prompt_tokens, completion_tokens, total_tokens, cost;
	uint64_t cost_unknown; /* answered rows without a known cost */

	struct kept_row *rows;
	double *scores; /* rows x metrics */
	size_t n_rows, rows_cap, scores_cap;
	struct buf ids;
	struct map by_id;
};

struct board {
	const struct check *checks;
	size_t n_checks;
	size_t n_metrics; /* the checks, and `score` behind them where weights were given */
	enum unscored unscored;
	int keep, keep_lines;
	int labels; /* count classes */
	/* rows come as several samples of one input: cluster them by it. Set by the first row that
	 * has `sample` */
	int samples;
	struct path *cluster; /* or NULL */
	double level;
	int sequential;		    /* intervals hold at every row at once (stats/betting) */
	double margin;		    /* then, of two runs: how much worse is not worse */
	struct boot boot;	    /* resamples 0: intervals of means by t */
	int pass_at[BOARD_PASS_AT]; /* figures of so many samples */
	size_t n_pass_at;
	struct path **by;
	size_t n_by;
	size_t *by_found; /* n_by: rows that hold something there */
	size_t cluster_found;
	struct path *compare; /* or NULL */
	/* rows read from now on belong to this side, where two runs are compared; else NULL */
	const char *run;

	struct group *groups;
	size_t n_groups, groups_cap;
	struct map by_label;
	/* private */
	struct buf label, within, side, id, scratch, canonical;
	struct field_verdicts verdicts;
};

/* Frees groups and paths; checks are the caller's. */
void board_release(struct board *b);

/* Sets pass_at from a list as 1,5,10. */
int board_pass_at(struct board *b, const char *list, struct err *e);

/* The figures that a requirement names are reported too: pass@K of the figure CHECK.pass@K, where
 * there is room for one more. */
void board_pass_of(struct board *b, const char *figure);

/* The group with this label, made where it is new; NULL with the reason where there are too many.
 * Valid until the next one is made. */
struct group *board_group(struct board *b, const char *label, const char *within, const char *side,
			  struct err *e);

/* Counts a scored row. -1 for a row that can not be kept (its id stands twice in the group) or too
 * many groups. */
int board_add(struct board *b, struct row *a, struct err *e);

/* The names of the by-values alone, {"model":"a","lang":"de"} as `a, de`; without groups `all`. */
void board_label(const struct group *g, struct buf *text);

const char *board_metric_name(const struct board *b, size_t metric);
/* Whether metric is a json-fields check. */
int board_has_fields(const struct board *b, size_t metric);

/* Whether no record was read; of two runs, none of the later. */
int board_is_empty(const struct board *b);

/* Whether intervals know of clusters. */
int board_is_clustered(const struct board *b);

/* -1 where a path of --by or --cluster holds nothing in any row: it is misspelt, or the records are
 * others than was thought. */
int board_check_paths(const struct board *b, struct err *e);

/* Whether some check counts unclear answers (a choice). */
int board_has_unclear(const struct board *b);

/* What is known of k of n: by Wilson, or at every row at once. */
struct interval board_rate(const struct board *b, double k, double n);

/* What is known of a metric in a group: a rate by Wilson, a mean by t or bootstrap, either by
 * clusters where there are some; at every row at once by betting. */
struct interval board_score(const struct board *b, const struct group *g, size_t metric);

/* A figure that rests on no check: latency.*, tokens.*, cost.*, errors, as below; -1 for others. */
int board_usage(const struct board *b, const struct group *g, const char *name, struct interval *v);

/* pass@k (all 0) or pass^k (1) of a metric; *too_few inputs have samples, but fewer than k, and are
 * left out. */
struct interval board_pass(const struct board *b, const struct group *g, size_t metric, int k,
			   int all, uint64_t *too_few);

/* A figure by name: CHECK, CHECK.FIELD, CHECK.majority, CHECK.pass@K, CHECK.pass^K,
 * score, latency.p50|p95|p99|mean, tokens.prompt|completion|total (means), cost.total, cost.per_1k,
 * errors (their rate). *metric is the check it rests on, or n_metrics. -1 where there is no such
 * figure. A figure that cannot be known is NaN. *too_few as for board_pass, else 0. */
int board_figure(const struct board *b, const struct group *g, const char *name, struct interval *v,
		 size_t *metric, uint64_t *too_few, struct err *e);

/* How many rows in all, were those to come like these, until the interval of a figure that rests on
 * the metric leaves out the bound: of a sequential board as many as do, INFINITY where it never
 * would; else as many as do with 80 % power, NaN where the figure is at the bound, is none of rows on
 * their own (clusters, samples) or rests on no check. */
double board_rows(const struct board *b, const struct group *g, const char *name, size_t metric,
		  double bound);

/* -1 where no record can bring the figure about; 0 where it is there or may come to be, as a field
 * does of json-fields, and the figures of samples. */
int board_may_have(const struct board *b, const char *name, struct err *e);

/* The row of g with the same id and sample as row i of other; SIZE_MAX where there is none. */
size_t board_partner(const struct group *g, const struct group *other, size_t i);
struct span board_row_id(const struct group *g, size_t i);

#endif
