/* check: what `ft-eval -c [NAME=][not-]KIND[:ARG]` names, and how it scores one answer.
 *
 * A score is 0 to 1. An answer that cannot be read as what the check looks for is wrong: 0. A row
 * that cannot be scored at all (no answer, no reference, a failed judge) is NaN with the reason.
 * Where there are several references the best score counts. A struct check is read-only while
 * scoring, so one serves several threads.
 */
#ifndef FT_EVAL_CHECK_H
#define FT_EVAL_CHECK_H

#include "row.h"
#include "fields.h"

enum check_kind {
	CHECK_EXACT,
	CHECK_IEXACT,
	CHECK_NORMALIZED,
	CHECK_INCLUDES,
	CHECK_STARTS,
	CHECK_REGEX,
	CHECK_NUMERIC,
	CHECK_CHOICE,
	CHECK_JSON,
	CHECK_JSON_FIELDS,
	CHECK_JSON_VALID,
	CHECK_FINISH,
	CHECK_WORDS,
	CHECK_LATENCY,
	CHECK_COST,
	CHECK_JUDGE,
	CHECK_SCHEMA,
	CHECK_TOOL_CALLS,
	CHECK_LEVENSHTEIN,
	CHECK_F1,
	CHECK_ROUGE_1,
	CHECK_ROUGE_2,
	CHECK_ROUGE_L,
	CHECK_BLEU,
	CHECK_CHRF,
	CHECK_JQ,  /* decided by other programs: jqfilter, */
	CHECK_CMD, /* command */
};

struct check {
	char *name; /* of its figures: as given, else KIND, not-KIND; unique within a run */
	enum check_kind kind;
	char *arg; /* NULL where none was given */
	int negate;
	double weight;
	/* by kind */
	void *regex; /* pcre2_code */
	struct schema *schema;
	char **list; /* choices */
	size_t n_list;
	struct field_rules fields;
	double lo, hi;
	struct tolerance tolerance;
};

/* -1 with a reason that names the check. A released or zeroed check is valid to release. */
int check_parse(const char *spec, struct check *c, struct err *e);
void check_release(struct check *c);
/* n of them, and their array. */
void check_release_all(struct check *all, size_t n);

/* A list of checks, each with a name of its own; *checks is the caller's, to be released one by one
 * and freed. */
int check_parse_all(const char *const *specs, size_t n, struct check **checks, struct err *e);
/* NAME=WEIGHT. */
int check_weigh(struct check *checks, size_t n, const char *spec, struct err *e);

/* Whether score alone decides (and not jq or a command). */
int check_is_local(const struct check *c);

/* The score of a, or NaN and *why (static text). That is also set where a score of 0 is in doubt: of
 * a choice, as the answer names none for certain (0 also where the check is negated); of `exact`, as
 * the answer equals the reference as JSON. Only for local checks. Scratch space is a's. */
double check_score(const struct check *c, struct row *a, const char **why);

/* What negation and range make of a raw score that another program gave. */
double check_finish(const struct check *c, double raw);

/* For json-fields: the verdicts of the best reference, added to f by the caller. 0 where there is
 * none. */
int check_fields(const struct check *c, struct row *a, struct field_verdicts *v);

/* The weighted mean of a row's scores; NaN where one that has a weight is unscored. */
double check_total(const struct check *checks, size_t n, const struct row *a);

/* The record with `eval` added, which holds the row's scores by the checks' names, and `score` where
 * that is asked for; appended, without a newline. Every other byte stays. -1 where it grows too
 * large. */
int check_write_scores(const struct check *checks, size_t n, int with_total, const struct row *a,
		       struct buf *line);

/* A line for each kind, for the help. */
void check_help(struct buf *to);

/* Their names, as in struct opt's values. */
void check_names(struct buf *to);

#endif
