/* tables: the figures of a run as tables for people: on a terminal, as Markdown, and in the report
 * (page). Each is put into an empty struct table. */
#ifndef FT_EVAL_TABLES_H
#define FT_EVAL_TABLES_H

#include "../base/table.h"
#include "duels.h"
#include "report.h"

void tables_scores(const struct board *b, struct table *t);
/* A json-fields check's fields: how often each agrees, precision and recall. */
void tables_fields(const struct board *b, const struct group *g, size_t metric, struct table *t);
/* Latency, tokens, cost. Returns 0 where no group knows any of them. */
int tables_usage(const struct board *b, struct table *t);
void tables_comparisons(const struct board *b, const struct comparisons *c, struct table *t);
/* Which classes are taken for which most often (at most `most` pairs). */
void tables_confusions(const struct label_figures *f, size_t most, struct table *t);

/* What the comparisons could have shown, in words: appended, a sentence a comparison. */
void tables_plan(const struct board *b, const struct comparison *c, struct buf *text);

/* Everything, one after the other, with what is said in words between. */
void tables_write(const struct board *b, const struct comparisons *c, const struct decided *d,
		  size_t n_decided, const struct duels *duels, enum table_style style,
		  struct buf *out);

#endif
