/* scorer: a batch of rows and the three ways to score it. See scorer.h. */
#include "scorer.h"

#include <stdlib.h>
#include "../base/mem.h"
#include "command.h"
#include "jqfilter.h"

enum { BATCH_ROWS = 256, BATCH_BYTES = 8 << 20 };

struct scorer {
	struct scorer_options o;
	struct pool *pool;
	struct jqfilter *jq; /* NULL without jq checks */
	size_t n_jq;
	struct row *rows;
	int bad[BATCH_ROWS]; /* rows that cannot be read */
	size_t n, bytes;
	/* what another program decides about */
	struct span lines[BATCH_ROWS];
	size_t at[BATCH_ROWS];
};

struct scorer *scorer_open(const struct scorer_options *o, struct err *e)
{
	struct scorer *s = mem_alloc(1, sizeof *s);
	const char **expressions = mem_alloc(o->n_checks, sizeof *expressions);

	s->o = *o;
	for (size_t c = 0; c < o->n_checks; c++)
		if (o->checks[c].kind == CHECK_JQ)
			expressions[s->n_jq++] = o->checks[c].arg;
	if (s->n_jq > 0)
		s->jq = jqfilter_start(expressions, s->n_jq, o->timeout, o->stopping, e);
	free(expressions);
	if (s->n_jq > 0 && !s->jq) {
		free(s);
		return NULL;
	}
	s->pool = pool_new(o->threads);
	s->rows = mem_alloc(BATCH_ROWS, sizeof *s->rows);
	return s;
}

void scorer_close(struct scorer *s)
{
	if (!s)
		return;
	jqfilter_free(s->jq);
	pool_free(s->pool);
	for (size_t i = 0; i < BATCH_ROWS; i++)
		row_release(s->rows + i);
	free(s->rows);
	free(s);
}

static void score_locally(void *arg, size_t i)
{
	struct scorer *s = arg;
	struct row *r = s->rows + i;

	s->bad[i] = row_read(r, s->o.n_checks, s->o.reasoning, NULL);
	for (size_t c = 0; c < s->o.n_checks && !s->bad[i]; c++)
		if (check_is_local(s->o.checks + c))
			r->scores[c] = check_score(s->o.checks + c, r, r->why + c);
}

/* Rows that another program may decide about: those that were answered. Check c of the others stays
 * unscored. */
static size_t answered(struct scorer *s, size_t c)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->rows[i].unanswered) {
			s->rows[i].why[c] = s->rows[i].unanswered;
			continue;
		}
		s->at[n] = i;
		s->lines[n++] = buf_span(&s->rows[i].line_text);
	}
	return n;
}

/* All jq checks at once. */
static int score_by_jq(struct scorer *s, struct err *e)
{
	size_t n = 0, at = 0;
	double *values;
	const char **why;
	int rc;

	for (size_t c = 0; c < s->o.n_checks; c++)
		if (s->o.checks[c].kind == CHECK_JQ)
			n = answered(s, c);
	values = mem_alloc(n * s->n_jq, sizeof *values);
	why = mem_alloc(n * s->n_jq, sizeof *why);
	rc = jqfilter_score(s->jq, s->lines, n, values, why, e);
	for (size_t i = 0; i < n && !rc; i++) {
		struct row *r = s->rows + s->at[i];

		for (size_t c = 0; c < s->o.n_checks; c++) {
			if (s->o.checks[c].kind != CHECK_JQ)
				continue;
			r->scores[c] = check_finish(s->o.checks + c, values[at]);
			r->why[c] = why[at++];
		}
	}
	free(values);
	free(why);
	return rc;
}

static int score_by_command(struct scorer *s, size_t c, struct err *e)
{
	const struct command_options o = {s->o.jobs, s->o.timeout, s->o.stopping};
	size_t n = answered(s, c);
	double values[BATCH_ROWS];
	const char *why[BATCH_ROWS];

	if (command_score(s->o.checks[c].arg, s->lines, n, &o, values, why, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		s->rows[s->at[i]].scores[c] = check_finish(s->o.checks + c, values[i]);
		s->rows[s->at[i]].why[c] = why[i];
	}
	return 0;
}

/* Those before a row that cannot be read come out, and the reason then ends the run. */
static struct row *first_bad(struct scorer *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->bad[i]) {
			s->n = i;
			return s->rows + i;
		}
	}
	return NULL;
}

int scorer_flush(struct scorer *s, struct err *e)
{
	int rc = 0;

	if (s->n == 0)
		return 0;
	pool_run(s->pool, s->n, score_locally, s);
	struct row *bad = first_bad(s);
	if (s->jq)
		rc = score_by_jq(s, e);
	for (size_t c = 0; c < s->o.n_checks && !rc; c++)
		if (s->o.checks[c].kind == CHECK_CMD)
			rc = score_by_command(s, c, e);
	for (size_t i = 0; i < s->n && !rc; i++)
		rc = s->o.done(s->o.arg, s->rows + i, e);
	s->n = 0;
	s->bytes = 0;
	if (!rc && bad && row_read(bad, s->o.n_checks, s->o.reasoning, e))
		rc = err_prefix(e, "%s:%zu", bad->file, bad->line);
	return rc;
}

struct pool *scorer_pool(struct scorer *s)
{
	return s->pool;
}

int scorer_add(struct scorer *s, struct span text, const char *file, size_t line, struct err *e)
{
	row_copy(s->rows + s->n, text, file, line);
	s->n++;
	s->bytes += text.n;
	return s->o.one_by_one || s->n == BATCH_ROWS || s->bytes >= BATCH_BYTES ? scorer_flush(s, e)
										: 0;
}
