/* compare: pairs columns, has them probed, corrects for the number of tests and ranks what was
 * found. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/multiple.h"
#include "compare.h"
#include "probe.h"
#include "values.h"

void comparison_release(struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++)
		line_release(&c->lines[i]);
	free(c->lines);
	free(c->time_path);
	free(c->cluster_path);
	*c = (struct comparison){0};
}

/* --- which paths --- */

static int under(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 && (!path[n] || strchr(".[|", path[n]));
}

static int wanted(const struct drift_options *o, const char *path)
{
	int in = o->paths_n == 0;

	for (size_t i = 0; i < o->paths_n && !in; i++)
		in = under(path, o->paths[i].path);
	for (size_t i = 0; i < o->exclude_n && in; i++)
		in = !under(path, o->exclude[i]);
	return in;
}

/* What ft-prompt and its kin add to records: no change of the data where one side was never
 * asked. */
static int is_ours(const char *path)
{
	static const char *const names[] = {".model", ".finish_reason", ".usage",      ".latency",
					    ".ttft",  ".cost",		".tool_calls", ".error",
					    ".judge", ".eval"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (under(path, names[i]))
			return 1;
	}
	return 0;
}

static void add_line(struct comparison *c, const char *base, const struct column *was,
		     const struct column *is, enum root root, const struct drift_options *o)
{
	const struct column *some = was ? was : is;
	struct buf path = BUF_INIT;

	if (!some)
		return;
	buf_adds(&path, base);
	buf_adds(&path, some->path);
	if (!wanted(o, path.data ? path.data : "") ||
	    (root == ROOT_INPUT && (!was || !is) && is_ours(path.data))) {
		buf_release(&path);
		return;
	}
	/* An element of a vector tells nothing alone. */
	if (some->element &&
	    type_of(was ? was->parent : NULL, is ? is->parent : NULL) == TYPE_VECTOR) {
		buf_release(&path);
		return;
	}
	enum type asked = type_asked(o->paths, o->paths_n, "", path.data ? path.data : ""),
		  type = asked ? asked : type_of(was, is);
	int dated = !asked && type == TYPE_TEXT && type_has_dates(was, is);
	c->lines = mem_grow(c->lines, &c->cap, c->n + 2, sizeof *c->lines);
	c->lines[c->n++] =
		(struct line){.path = buf_detach(&path, NULL),
			      .type = type,
			      .asked = asked != TYPE_NONE,
			      .counting = type == TYPE_ID && !asked && type_is_counted(was),
			      .root = root,
			      .reference = was,
			      .current = is};
	if (dated) {
		struct line *again = &c->lines[c->n];
		*again = c->lines[c->n - 1];
		again->path = mem_strdup(again->path);
		again->type = TYPE_DATE;
		again->within = 1;
		c->n++;
	}
}

static void pair_root(struct comparison *c, const struct frame *reference, enum root was,
		      const struct frame *current, enum root is, const char *base,
		      const struct drift_options *o)
{
	for (size_t i = 0; i < reference->columns_n; i++) {
		const struct column *col = reference->columns[i];
		if (col->root == was)
			add_line(c, base, col, frame_column(current, is, col), is, o);
	}
	for (size_t i = 0; i < current->columns_n; i++) {
		const struct column *col = current->columns[i];
		if (col->root == is && !frame_column(reference, was, col))
			add_line(c, base, NULL, col, is, o);
	}
}

/* Outputs compare with outputs; where the reference has none, with what it gives as right. */
static void pair_all(struct comparison *c, const struct frame *reference,
		     const struct frame *current, const struct drift_options *o)
{
	int out_was = frame_root(reference, ROOT_OUTPUT) != NULL,
	    out_is = frame_root(current, ROOT_OUTPUT) != NULL;
	int ref_was = frame_root(reference, ROOT_REFERENCE) != NULL,
	    ref_is = frame_root(current, ROOT_REFERENCE) != NULL;

	pair_root(c, reference, ROOT_INPUT, current, ROOT_INPUT, "", o);
	if (out_was && out_is)
		pair_root(c, reference, ROOT_OUTPUT, current, ROOT_OUTPUT, ".output", o);
	else if (ref_was && out_is)
		pair_root(c, reference, ROOT_REFERENCE, current, ROOT_OUTPUT, ".output", o);
	else if (out_was && ref_is && !ref_was)
		pair_root(c, reference, ROOT_OUTPUT, current, ROOT_REFERENCE, ".output", o);
	if (ref_was && ref_is)
		pair_root(c, reference, ROOT_REFERENCE, current, ROOT_REFERENCE,
			  current->reference_name, o);
}

/* --- the records' own time --- */

/* Where the user says that it stands: either side may be a profile, which does not know. */
static const char *time_named(const struct frame *reference, const struct frame *current)
{
	const struct path *time = reference->time ? reference->time : current->time;

	return time ? path_text(time) : NULL;
}

/* Time runs on whatever happens: that it did is no finding. */
static void mark_clock(struct comparison *c)
{
	const char *time = time_named(c->reference, c->current);

	for (size_t i = 0; i < c->n && time; i++)
		c->lines[i].clock = strcmp(c->lines[i].path, time) == 0;
}

/* How well a line serves as the time of its records when none was named: an input date with a year
 * on nearly every row, a field of its own before text. 0: not at all. */
static double time_score(const struct line *l, const struct probe *p)
{
	if (l->root != ROOT_INPUT || l->type != TYPE_DATE || !l->reference || !l->current)
		return 0;
	double was = (double)l->reference->dated / (double)p->reference->rows;
	double is = (double)l->current->dated / (double)p->current->rows;
	double least = was < is ? was : is;
	return least < 0.8 ? 0 : least + 2 * !l->within + l->reference->timely;
}

static void find_time(struct comparison *c, struct probe *p)
{
	const struct line *best = NULL;
	const struct column *was = frame_root(p->reference, ROOT_TIME),
			    *is = frame_root(p->current, ROOT_TIME);
	double top = 0;

	const char *named = time_named(p->reference, p->current);
	if (named) {
		c->time_path = mem_strdup(named);
	} else {
		for (size_t i = 0; i < c->n; i++) {
			double score = time_score(&c->lines[i], p);
			if (score > top) {
				top = score;
				best = &c->lines[i];
			}
		}
		if (!best)
			return;
		c->time_path = mem_strdup(best->path);
		was = best->reference;
		is = best->current;
	}
	p->time_path = c->time_path;
	if (!was || !is)
		return;
	c->reference_times = was;
	c->current_times = is;
	int day_first = values_day_first(was, is);
	p->reference_time = values_days(was, p->reference->sample_n, day_first);
	p->current_time = values_days(is, p->current->sample_n, day_first);
}

/* --- the answer --- */

static void probe_line(struct line *l, const struct probe *p)
{
	if (!l->within)
		probe_kinds(l, p);
	switch (l->clock ? TYPE_NONE : l->type) {
	case TYPE_NUMBER:
		probe_numbers(l, p);
		break;
	case TYPE_CATEGORY:
	case TYPE_BOOLEAN:
		probe_categories(l, p);
		break;
	case TYPE_DATE:
		probe_dates(l, p);
		break;
	case TYPE_TEXT:
		probe_text(l, p);
		break;
	case TYPE_VECTOR:
		probe_vectors(l, p);
		break;
	case TYPE_ID:
	case TYPE_OBJECT:
	case TYPE_NONE:
	case TYPES:
		break;
	}
}

/* Hypotheses of a line besides its kinds, whether or not its values left anything to test. */
static size_t hypotheses(const struct line *l, const struct probe *p)
{
	if (!l->reference || !l->current || l->clock)
		return 0;
	switch (l->type) {
	case TYPE_NUMBER:
	case TYPE_CATEGORY:
	case TYPE_BOOLEAN:
	case TYPE_VECTOR:
		return 1;
	case TYPE_DATE:
		return 1 + (p->reference_time != NULL) + 2 * (size_t)p->options->calendar;
	case TYPE_TEXT:
		return 3;
	default:
		return 0;
	}
}

static int by_weighted_p(const void *x, const void *y)
{
	const struct finding *a = *(struct finding *const *)x, *b = *(struct finding *const *)y;
	double p = a->p / a->weight, q = b->p / b->weight;

	return p < q ? -1 : p > q;
}

/* Holm's procedure with weights (1979, section 4). Tests that could not be made hold their weight
 * to the end: constants are part of the run too, and the level is kept with room to spare. */
static void adjust(struct comparison *c, const struct drift_options *o, double all_weight)
{
	struct finding **order = mem_alloc(c->tests, sizeof *order);
	double *p = mem_alloc(c->tests, sizeof *p), left = all_weight, most = 0;
	size_t k = 0;

	for (size_t i = 0; i < c->n; i++) {
		for (size_t j = 0; j < c->lines[i].findings; j++)
			order[k++] = &c->lines[i].finding[j];
	}
	if (k)
		mem_sort(order, k, sizeof *order, by_weighted_p);
	/* Benjamini and Hochberg's with weights (Genovese, Roeder and Wasserman 2006). */
	for (size_t i = 0; i < c->tests; i++)
		p[i] = i < k ? fmin(1,
				    order[i]->p / order[i]->weight * all_weight / (double)c->tests)
			     : 1;
	multiple_bh(p, c->tests, p);
	for (size_t i = 0; i < k; i++) {
		struct finding *f = order[i];
		most = fmax(most, fmin(1, f->p / f->weight * left));
		left -= f->weight;
		f->p_adj = o->fdr ? p[i] : most;
		f->sure = f->p_adj <= o->alpha;
		f->drift = f->sure && finding_counts(f, o);
	}
	free(order);
	free(p);
}

/* A reason that names a year says more than one that says "different". */
static int plainness(const struct finding *f)
{
	return strcmp(f->test, "unseen-year") == 0 ? 2 : strcmp(f->test, "lag") == 0;
}

static int better(const struct finding *a, const struct finding *b)
{
	if (a->drift != b->drift)
		return a->drift;
	if (a->drift && plainness(a) != plainness(b))
		return plainness(a) > plainness(b);
	if (a->p_adj != b->p_adj)
		return a->p_adj < b->p_adj;
	return a->p != b->p ? a->p < b->p : a->effect > b->effect;
}

static uint64_t values_in(const struct column *c)
{
	return c ? column_present(c) - c->count[KIND_NULL] : 0;
}

/* Values that the line's tests could take: an asked type may leave some out. */
static uint64_t values_for(const struct line *l, const struct column *c)
{
	return c && l->asked ? type_values(c, l->type) : values_in(c);
}

static void judge_line(struct line *l)
{
	l->best = NULL;
	for (size_t i = 0; i < l->findings; i++) {
		if (!l->best || better(&l->finding[i], l->best))
			l->best = &l->finding[i];
		/* The finding says what the warning does. */
		if (l->finding[i].drift && strcmp(l->finding[i].test, "far-off") == 0)
			buf_clear(&l->warning);
	}
	l->untyped = l->asked && l->reference && l->current &&
		     ((values_in(l->reference) && !values_for(l, l->reference)) ||
		      (values_in(l->current) && !values_for(l, l->current)));
	if (l->best && l->best->drift)
		l->verdict = VERDICT_DRIFT;
	else if (values_for(l, l->reference) < DRIFT_VALUES ||
		 values_for(l, l->current) < DRIFT_VALUES)
		l->verdict = VERDICT_INSUFFICIENT;
	else
		l->verdict = VERDICT_STABLE;
}

static int by_rank(const void *x, const void *y)
{
	const struct line *a = x, *b = y;
	int drift = (b->verdict == VERDICT_DRIFT) - (a->verdict == VERDICT_DRIFT);

	if (drift)
		return drift;
	if (a->verdict == VERDICT_DRIFT) {
		int plain = plainness(b->best) - plainness(a->best);
		double ea = round(20 * a->best->effect), eb = round(20 * b->best->effect);
		if (plain)
			return plain;
		if (ea != eb)
			return ea > eb ? -1 : 1;
		if ((a->root == ROOT_INPUT) != (b->root == ROOT_INPUT))
			return a->root == ROOT_INPUT ? 1 : -1;
	}
	double pa = a->best ? a->best->p : 2, pb = b->best ? b->best->p : 2;
	if (pa != pb)
		return pa < pb ? -1 : 1;
	int paths = strcmp(a->path, b->path);
	return paths ? paths : (int)a->type - (int)b->type;
}

/* Objects in which nothing was found say nothing that their members do not. */
static void drop_idle(struct comparison *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct line *l = &c->lines[i];
		if (l->findings == 0 && (l->type == TYPE_OBJECT || l->type == TYPE_NONE))
			free(l->path);
		else
			c->lines[kept++] = *l;
	}
	c->n = kept;
}

static int check_paths(const struct comparison *c, const struct drift_options *o, struct err *e)
{
	size_t common = 0;

	for (size_t i = 0; i < o->paths_n; i++) {
		int found = 0;
		for (size_t k = 0; k < c->n && !found; k++)
			found = under(c->lines[k].path, o->paths[i].path);
		if (!found)
			return err_set(e, "no record on either side has anything at %s",
				       o->paths[i].path);
	}
	for (size_t i = 0; i < c->n; i++)
		common += c->lines[i].reference && c->lines[i].current;
	if (!common && !o->any_shape && c->reference_rows && c->current_rows)
		return err_set(e,
			       "the reference and the current records share no path: they are of different kinds");
	return 0;
}

static int find_clusters(struct comparison *c, struct probe *p, struct err *e)
{
	const struct column *known = frame_root(c->reference, ROOT_CLUSTER);

	if (probe_find_blocks(p, e))
		return -1;
	if (!probe_in_blocks(p))
		return 0;
	c->cluster_path = mem_strdup(known->path);
	c->reference_clusters = p->blocks[0];
	c->current_clusters = p->blocks[1];
	return 0;
}

int compare(const struct frame *reference, const struct frame *current,
	    const struct drift_options *o, struct comparison *c, struct err *e)
{
	struct probe p = {.reference = reference, .current = current, .options = o};
	double all_weight = 0;

	*c = (struct comparison){.reference = reference,
				 .current = current,
				 .reference_rows = reference->rows,
				 .current_rows = current->rows};
	pair_all(c, reference, current, o);
	if (check_paths(c, o, e)) {
		comparison_release(c);
		return -1;
	}
	if (find_clusters(c, &p, e)) {
		comparison_release(c);
		return -1;
	}
	/* A permutation test must be able to say less than alpha over the number of tests, with
	 * draws to spare. */
	double draws = 5 * 3 * (double)(c->n + 1) / o->alpha;
	p.draws = o->draws ? o->draws : draws > 1e5 ? 100000 : (size_t)draws;
	mark_clock(c);
	find_time(c, &p);
	for (size_t i = 0; i < c->n; i++)
		probe_line(&c->lines[i], &p);
	probe_relations(c->lines, c->n, &p);
	for (size_t i = 0; i < c->n; i++) {
		struct line *l = &c->lines[i];
		size_t values = hypotheses(l, &p), found = 0;
		int kinds = !l->within && (values || l->findings);
		for (size_t k = 0; k < l->findings; k++)
			found += l->finding[k].weight == 1;
		values = values > found ? values : found;
		c->tests += values + (size_t)kinds + l->more;
		all_weight += (double)values + KINDS_WEIGHT * kinds + l->more_weight;
	}
	free(p.reference_time);
	free(p.current_time);
	free(p.block[0]);
	free(p.block[1]);
	adjust(c, o, all_weight);
	drop_idle(c);
	for (size_t i = 0; i < c->n; i++) {
		judge_line(&c->lines[i]);
		c->drifted += c->lines[i].verdict == VERDICT_DRIFT;
	}
	mem_sort(c->lines, c->n, sizeof *c->lines, by_rank);
	size_t compared = 0, untyped = 0;
	for (size_t i = 0; i < c->n; i++) {
		compared += values_in(c->lines[i].reference) && values_in(c->lines[i].current);
		judge_line(&c->lines[i]); /* best points into the line, which moved */
		untyped += (size_t)c->lines[i].untyped;
	}
	c->verdict = c->drifted ? VERDICT_DRIFT
		     : c->reference_rows < DRIFT_ROWS || c->current_rows < DRIFT_ROWS ||
				     !compared || untyped ||
				     (c->cluster_path && (c->reference_clusters < DRIFT_VALUES ||
							  c->current_clusters < DRIFT_VALUES))
			     ? VERDICT_INSUFFICIENT
			     : VERDICT_STABLE;
	return 0;
}
