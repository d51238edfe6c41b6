/* board: groups, their tallies, and rows kept for pairing. See board.h. */
#include "board.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "../text/hash.h"

static void group_release(struct group *g, size_t metrics)
{
	for (size_t i = 0; i < metrics; i++) {
		tally_release(&g->cells[i].scores);
		fields_release(&g->cells[i].fields);
		free(g->cells[i].first);
	}
	free(g->cells);
	free(g->label);
	free(g->within);
	free(g->side);
	tally_release(&g->latency);
	tally_release(&g->prompt_tokens);
	tally_release(&g->completion_tokens);
	tally_release(&g->total_tokens);
	tally_release(&g->cost);
	clusters_release(&g->clusters);
	labels_release(&g->labels);
	for (size_t i = 0; i < g->n_rows; i++)
		free(g->rows[i].line);
	free(g->rows);
	free(g->scores);
	buf_release(&g->ids);
	map_release(&g->by_id);
}

void board_release(struct board *b)
{
	for (size_t i = 0; i < b->n_groups; i++)
		group_release(b->groups + i, b->n_metrics);
	free(b->groups);
	map_release(&b->by_label);
	buf_release(&b->label);
	buf_release(&b->within);
	buf_release(&b->side);
	buf_release(&b->id);
	buf_release(&b->scratch);
	buf_release(&b->canonical);
	field_verdicts_release(&b->verdicts);
	b->groups = NULL;
	b->n_groups = b->groups_cap = 0;
	for (size_t i = 0; i < b->n_by; i++)
		path_free(b->by[i]);
	free(b->by);
	free(b->by_found);
	path_free(b->compare);
	path_free(b->cluster);
}

int board_pass_at(struct board *b, const char *list, struct err *e)
{
	char *end;

	do {
		long k = strtol(list, &end, 10);

		if (end == list || (*end && *end != ',') || k < 1 || k > 1000000 ||
		    b->n_pass_at == BOARD_PASS_AT)
			return err_set(e, "is a list of at most %d numbers, as 1,5,10",
				       BOARD_PASS_AT);
		b->pass_at[b->n_pass_at++] = (int)k;
		list = end + 1;
	} while (*end);
	return 0;
}

const char *board_metric_name(const struct board *b, size_t metric)
{
	return metric < b->n_checks ? b->checks[metric].name : "score";
}

int board_has_fields(const struct board *b, size_t metric)
{
	return metric < b->n_checks && b->checks[metric].kind == CHECK_JSON_FIELDS;
}

static void add_label(struct jw *w, const struct path *p, struct span value)
{
	jw_key(w, path_text(p) + (path_text(p)[0] == '.'));
	if (value.s)
		jw_raw(w, value);
	else
		jw_null(w);
}

struct group *board_group(struct board *b, const char *label, const char *within, const char *side,
			  struct err *e)
{
	uint64_t *slot, h = hash64(span_of(label), 0);
	struct group *g;

	while ((slot = map_get(&b->by_label, h)) && strcmp(b->groups[*slot].label, label) != 0)
		h = hash_mix(h, 1);
	if (slot)
		return b->groups + *slot;
	if (b->n_groups == BOARD_GROUPS) {
		err_set(e, "more than %d groups; is that the right path to group by?",
			BOARD_GROUPS);
		return NULL;
	}
	map_put(&b->by_label, h, b->n_groups, NULL);
	b->groups = mem_grow(b->groups, &b->groups_cap, b->n_groups + 1, sizeof *b->groups);
	g = b->groups + b->n_groups++;
	*g = (struct group){
		.label = mem_strdup(label),
		.within = mem_strdup(within),
		.side = mem_strdup(side),
		.cells = mem_alloc(b->n_metrics, sizeof *g->cells),
		.clusters = {.metrics = b->n_metrics},
	};
	return g;
}

/* The value at a path, in canonical form: one value is one group, whatever its escapes and spaces.
 * Valid until the next. */
static struct span value_at(struct board *b, const struct path *p, const struct record *rec)
{
	struct span value = path_get(p, rec, &b->scratch);

	if (!value.s)
		return value;
	buf_clear(&b->canonical);
	json_canonical(value, &b->canonical);
	return buf_span(&b->canonical);
}

/* The group that the record belongs to, made where it is new. */
static struct group *group_of(struct board *b, const struct record *rec, struct err *e)
{
	struct jw label, within;
	struct span value;

	buf_clear(&b->label);
	buf_clear(&b->within);
	buf_clear(&b->side);
	jw_init(&label, &b->label);
	jw_init(&within, &b->within);
	jw_object(&label);
	jw_object(&within);
	if (!b->by_found)
		b->by_found = mem_alloc(b->n_by, sizeof *b->by_found);
	for (size_t i = 0; i < b->n_by; i++) {
		value = value_at(b, b->by[i], rec);
		b->by_found[i] += value.s != NULL;
		add_label(&label, b->by[i], value);
		add_label(&within, b->by[i], value);
	}
	if (b->compare) {
		value = value_at(b, b->compare, rec);
		add_label(&label, b->compare, value);
		if (json_kind(value) == JSON_STRING)
			json_string(value, &b->side);
		else
			buf_addspan(&b->side, value.s ? value : span_of("null"));
	}
	if (b->run) {
		jw_put_str(&label, "run", b->run);
		buf_adds(&b->side, b->run);
	}
	jw_end(&label);
	jw_end(&within);

	return board_group(b, b->label.data, b->within.data, b->side.len > 0 ? b->side.data : "",
			   e);
}

static void add_number(struct tally *t, struct span v)
{
	double x;

	if (json_number(v, &x) == 0)
		tally_add(t, x);
}

static double number_of(struct span o, const char *name, double otherwise)
{
	double x;

	return json_number(json_member(o, name), &x) ? otherwise : x;
}

static void add_known(struct tally *t, double x)
{
	if (!isnan(x))
		tally_add(t, x);
}

/* Under OpenAI's names, or those of its Responses and of Anthropic, which counts what it reads from a
 * cache and writes there apart and gives no total. */
static void add_tokens(struct group *g, struct span usage)
{
	double in = number_of(usage, "input_tokens", NAN) +
		    number_of(usage, "cache_read_input_tokens", 0) +
		    number_of(usage, "cache_creation_input_tokens", 0),
	       prompt = number_of(usage, "prompt_tokens", in),
	       completion = number_of(usage, "completion_tokens",
				      number_of(usage, "output_tokens", NAN));

	add_known(&g->prompt_tokens, prompt);
	add_known(&g->completion_tokens, completion);
	add_known(&g->total_tokens, number_of(usage, "total_tokens", prompt + completion));
}

/* Latency, tokens and cost; what is not known is not counted. */
static void add_usage(struct group *g, const struct row *a)
{
	uint64_t known = g->cost.n;

	add_number(&g->latency, record_get(&a->rec, "latency"));
	add_tokens(g, record_get(&a->rec, "usage"));
	add_number(&g->cost, record_get(&a->rec, "cost"));
	if (g->cost.n == known && !a->unanswered)
		g->cost_unknown++;
}

static void note_unscored(struct score_cell *c, const struct row *a, const char *why)
{
	struct buf text = BUF_INIT;

	if (c->unscored++ > 0)
		return;
	buf_addf(&text, "%s:%zu: %s", a->file, a->line, why ? why : "no reason known");
	c->first = buf_detach(&text, NULL);
}

static void add_fields(struct board *b, struct score_cell *c, const struct check *check,
		       struct row *a)
{
	const struct field_verdicts *v = &b->verdicts;

	if (a->unanswered || !check_fields(check, a, &b->verdicts))
		return;
	for (size_t i = 0; i < v->n; i++) {
		struct field *f = fields_at(&c->fields, field_verdict_name(v, i));

		if (!f)
			continue;
		f->rows++;
		f->right += v->v[i].right;
		f->said += v->v[i].said;
		f->expected += v->v[i].expected;
		f->found += v->v[i].right && v->v[i].said;
	}
}

static int row_is(const struct group *g, size_t i, struct span id, int64_t sample)
{
	return g->rows[i].sample == sample && span_eq(board_row_id(g, i), id);
}

/* Where the row stands in by_id, or would: *h is its key there. */
static uint64_t *find_row(const struct group *g, struct span id, int64_t sample, uint64_t *h)
{
	uint64_t *slot;

	*h = hash_mix(hash64(id, 0), (uint64_t)sample);
	while ((slot = map_get(&g->by_id, *h)) && !row_is(g, *slot, id, sample))
		*h = hash_mix(*h, 1);
	return slot;
}

int board_is_empty(const struct board *b)
{
	for (size_t i = 0; i < b->n_groups; i++)
		if (!b->run || strcmp(b->groups[i].side, b->run) == 0)
			return 0;
	return 1;
}

int board_is_clustered(const struct board *b)
{
	return b->cluster || b->samples;
}

/* What a row asks: its input, or where that cannot be told from the answer, its id. */
static int question_of(struct board *b, const struct row *a, uint64_t *question, struct err *e)
{
	char key[33];

	buf_clear(&b->id);
	if (json_kind(record_get(&a->rec, "messages")) > JSON_NULL ||
	    json_kind(record_get(&a->rec, "prompt")) > JSON_NULL) {
		if (record_key(&a->rec, key, e))
			return -1;
		*question = hash64(span_of(key), 2);
		return 0;
	}
	if (record_id(&a->rec, &b->id, e))
		return -1;
	*question = hash64(buf_span(&b->id), 3);
	return 0;
}

/* Rows of one input share its cluster; with a path, rows with the same value there; a row without
 * one stands alone. */
static int cluster_key(struct board *b, const struct group *g, const struct row *a, uint64_t *key,
		       struct err *e)
{
	struct span v;

	buf_clear(&b->id);
	if (!b->cluster) {
		if (record_id(&a->rec, &b->id, e))
			return -1;
		*key = hash64(buf_span(&b->id), 0);
		return 0;
	}
	v = path_get(b->cluster, &a->rec, &b->scratch);
	if (!v.s || json_kind(v) == JSON_NULL) {
		*key = hash_mix(g->n, 0x616c6f6e65u);
		return 0;
	}
	b->cluster_found++;
	json_canonical(v, &b->id);
	*key = hash64(buf_span(&b->id), 1);
	return 0;
}

static int add_cluster(struct board *b, struct group *g, struct row *a, const double *scores,
		       size_t *cluster, struct err *e)
{
	int has_sample = json_kind(record_get(&a->rec, "sample")) > JSON_NULL;
	uint64_t key, question;

	*cluster = 0;
	if (has_sample && b->sequential)
		return err_set(e,
			       "rows with `sample` are not draws of their own: --sequential takes one answer an input");
	if (has_sample && !b->cluster && !b->samples) {
		if (b->n_groups > 1 || g->n > 1)
			return err_set(e,
				       "rows with `sample` come after rows without; say --cluster .id");
		b->samples = 1;
	}
	if (!board_is_clustered(b))
		return 0;
	if (cluster_key(b, g, a, &key, e))
		return -1;
	question = key; /* samples of one input */
	if (b->cluster && question_of(b, a, &question, e))
		return -1;
	/* What was not answered agrees with nothing. */
	*cluster = clusters_add(&g->clusters, key, scores, question,
				a->unanswered ? hash_mix(g->n, 0x6e6f6e65u) : row_answer(a));
	return 0;
}

static int keep_row(struct board *b, struct group *g, struct row *a, const double *scores,
		    size_t cluster, struct err *e)
{
	struct span given = record_get(&a->rec, "id");
	int64_t sample = 0;
	uint64_t h;
	size_t len;

	buf_clear(&b->id);
	if (record_id(&a->rec, &b->id, e))
		return -1;
	if (record_get(&a->rec, "sample").s && json_int(record_get(&a->rec, "sample"), &sample))
		return err_set(e, "`sample` is no whole number");
	len = b->id.len;
	for (unsigned long nth = 2; find_row(g, buf_span(&b->id), sample, &h); nth++) {
		if (given.s && json_kind(given) != JSON_NULL && (b->compare || b->run))
			return err_set(e,
				       "id '%.200s' occurs twice in group %.300s; rows are paired by id and `sample`: two prompts on one model are told apart by ft-prompt --label and --compare prompt_label (or prompt_hash), two files by --baseline-file",
				       b->id.data, g->label);
		/* An input that was met before is told apart by its turn. */
		b->id.len = len;
		buf_addf(&b->id, "#%lu", nth);
	}
	map_put(&g->by_id, h, g->n_rows, NULL);
	g->rows = mem_grow(g->rows, &g->rows_cap, g->n_rows + 1, sizeof *g->rows);
	g->rows[g->n_rows] = (struct kept_row){g->ids.len, b->id.len, sample, cluster, NULL};
	if (b->keep_lines)
		g->rows[g->n_rows].line = mem_strndup(a->rec.body.s, a->rec.body.n);
	g->ids.max = SIZE_MAX / 2;
	buf_addspan(&g->ids, buf_span(&b->id));
	g->scores = mem_grow(g->scores, &g->scores_cap, (g->n_rows + 1) * b->n_metrics,
			     sizeof *g->scores);
	memcpy(g->scores + g->n_rows * b->n_metrics, scores, b->n_metrics * sizeof *scores);
	g->n_rows++;
	return 0;
}

int board_add(struct board *b, struct row *a, struct err *e)
{
	struct group *g = group_of(b, &a->rec, e);
	double *scores;
	size_t cluster;
	int failed;

	if (!g)
		return err_prefix(e, "%s:%zu", a->file, a->line);
	g->n++;
	g->errors += json_kind(record_get(&a->rec, "error")) > JSON_NULL;
	g->cut_off += json_is(record_get(&a->rec, "finish_reason"), "length");
	add_usage(g, a);
	scores = mem_alloc(b->n_metrics, sizeof *scores);
	for (size_t i = 0; i < b->n_metrics; i++) {
		struct score_cell *c = g->cells + i;
		const char *why = i < b->n_checks ? a->why[i] : "a check is unscored";

		scores[i] = i < b->n_checks ? a->scores[i] : check_total(b->checks, b->n_checks, a);
		if (isnan(scores[i])) {
			note_unscored(c, a, why);
			if (b->unscored == UNSCORED_FAIL)
				scores[i] = 0;
		} else if (i < b->n_checks && why) {
			c->unclear += b->checks[i].kind == CHECK_CHOICE;
			c->same_json += b->checks[i].kind == CHECK_EXACT;
		}
		if (!isnan(scores[i]))
			tally_add(&c->scores, scores[i]);
		if (board_has_fields(b, i))
			add_fields(b, c, b->checks + i, a);
	}
	if (b->labels)
		labels_add(&g->labels, a, b->unscored == UNSCORED_FAIL);
	failed = add_cluster(b, g, a, scores, &cluster, e) ||
		 (b->keep && keep_row(b, g, a, scores, cluster, e));
	free(scores);
	return failed ? err_prefix(e, "%s:%zu", a->file, a->line) : 0;
}

int board_check_paths(const struct board *b, struct err *e)
{
	for (size_t i = 0; i < b->n_by && b->by_found; i++)
		if (b->by_found[i] == 0)
			return err_set(e, "--by %s: no record holds anything there",
				       path_text(b->by[i]));
	if (b->cluster && b->n_groups > 0 && b->cluster_found == 0)
		return err_set(e, "--cluster %s: no record holds anything there",
			       path_text(b->cluster));
	return 0;
}

int board_has_unclear(const struct board *b)
{
	for (size_t i = 0; i < b->n_checks; i++)
		if (b->checks[i].kind == CHECK_CHOICE)
			return 1;
	return 0;
}

void board_label(const struct group *g, struct buf *text)
{
	size_t start = text->len;
	struct json_iter it = {0};
	struct span key, v;

	while (json_next(&it, span_of(g->label), &key, &v)) {
		if (text->len > start)
			buf_adds(text, ", ");
		if (json_kind(v) == JSON_STRING)
			json_string(v, text);
		else
			buf_addspan(text, v);
	}
	if (text->len == start)
		buf_adds(text, "all");
}

struct span board_row_id(const struct group *g, size_t i)
{
	return (struct span){g->ids.data + g->rows[i].id_at, g->rows[i].id_len};
}

size_t board_partner(const struct group *g, const struct group *other, size_t i)
{
	uint64_t h, *slot = find_row(g, board_row_id(other, i), other->rows[i].sample, &h);

	return slot ? (size_t)*slot : SIZE_MAX;
}
