/* tables: the figures of a run as tables for people: on a terminal, as Markdown, and in the report
 * (page). Each appends to an empty table. */
#ifndef FT_EVAL_TABLES_H
#define FT_EVAL_TABLES_H

#include "../base/table.h"
#include "figures.h"
#include "labels.h"

void tables_scores(const struct board *b, struct table *t);
/* A json-fields check's fields: how often each agrees, precision and recall. */
/* Majority, pass@k and pass^k of several samples; no rows where there are none. */
void tables_samples(const struct board *b, struct table *t);
void tables_fields(const struct board *b, const struct group *g, size_t metric, struct table *t);
/* Latency, tokens, cost. Returns 0 where no group knows any of them. */
int tables_usage(const struct board *b, struct table *t);
/* How many rows more are likely to decide what is not decided yet, in brackets, appended. */
void tables_more(double rows, struct buf *text);
void tables_comparisons(const struct figures *f, struct table *t);
void tables_decided(const struct figures *f, struct table *t);
/* The classes that are taken for another most often. */
void tables_confusions(const struct label_figures *f, struct table *t);

/* What the comparisons could have shown, in words: appended, a sentence a comparison. */
void tables_plan(const struct board *b, const struct comparison *c, struct buf *text);

/* Everything, one after the other, with what is said in words between. */
void tables_write(const struct figures *f, enum table_style style, struct buf *out);

#endif
