/* profile: see profile.h. */
#include "profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"

enum { VERSION = 1 };

static const char *const unscored_names[] =
	{[UNSCORED_KEEP] = "keep", [UNSCORED_FAIL] = "fail", [UNSCORED_DROP] = "drop"};

/* The sum goes as its 128 bits: decimals would round it. */
static void put_tally(struct jw *w, const char *name, const struct tally *t)
{
	struct tally_bin *bins;
	char hex[40];
	size_t n;

	bins = tally_sorted(t, &n);
	snprintf(hex, sizeof hex, "%016" PRIx64 "%016" PRIx64,
		 (uint64_t)((unsigned __int128)t->sum >> 64), (uint64_t)t->sum);
	jw_put_object(w, name);
	jw_put_str(w, "sum", hex);
	jw_put_bool(w, "coarse", t->coarse);
	jw_put_array(w, "bins");
	for (size_t i = 0; i < n; i++) {
		jw_num(w, bins[i].x);
		jw_int(w, bins[i].n);
	}
	jw_end(w);
	jw_end(w);
	free(bins);
}

static void put_fields(struct jw *w, const struct fields *f)
{
	jw_put_object(w, "fields");
	for (size_t i = 0; i < f->n; i++) {
		const struct field *x = f->v + i;

		jw_put_array(w, x->name);
		jw_int(w, x->rows);
		jw_int(w, x->right);
		jw_int(w, x->said);
		jw_int(w, x->expected);
		jw_int(w, x->found);
		jw_end(w);
	}
	jw_end(w);
}

void eval_profile_write(const struct board *b, const struct group *g, struct buf *out)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_put_int(&w, "profile", VERSION);
	jw_put_raw(&w, "group", span_of(g->label));
	jw_put_int(&w, "n", g->n);
	jw_put_int(&w, "errors", g->errors);
	jw_put_str(&w, "unscored", unscored_names[b->unscored]);
	jw_put_object(&w, "metrics");
	for (size_t m = 0; m < b->n_metrics; m++) {
		const struct score_cell *c = g->cells + m;

		jw_put_object(&w, board_metric_name(b, m));
		put_tally(&w, "scores", &c->scores);
		jw_put_int(&w, "unscored", c->unscored);
		if (m < b->n_checks && b->checks[m].kind == CHECK_CHOICE)
			jw_put_int(&w, "unclear", c->unclear);
		if (c->same_json > 0)
			jw_put_int(&w, "same_json", c->same_json);
		jw_put_str(&w, "first", c->first);
		if (board_has_fields(b, m))
			put_fields(&w, &c->fields);
		jw_end(&w);
	}
	jw_end(&w);
	put_tally(&w, "latency", &g->latency);
	put_tally(&w, "prompt_tokens", &g->prompt_tokens);
	put_tally(&w, "completion_tokens", &g->completion_tokens);
	put_tally(&w, "total_tokens", &g->total_tokens);
	put_tally(&w, "cost", &g->cost);
	jw_put_int(&w, "cost_unknown", g->cost_unknown);
	jw_end(&w);
	buf_addc(out, '\n');
}

/* --- reading --- */

static int get_count(struct span object, const char *name, uint64_t *n)
{
	int64_t x;

	if (json_int(json_member(object, name), &x) || x < 0)
		return -1;
	*n = (uint64_t)x;
	return 0;
}

static int get_sum(struct span v, __int128 *sum)
{
	struct buf hex = BUF_INIT;
	unsigned __int128 x = 0;
	int bad =
		json_string(v, &hex) || hex.len != 32 || strspn(hex.data, "0123456789abcdef") != 32;

	for (size_t i = 0; !bad && i < 32; i++)
		x = x << 4 |
		    (unsigned)(hex.data[i] <= '9' ? hex.data[i] - '0' : hex.data[i] - 'a' + 10);
	buf_release(&hex);
	*sum = (__int128)x;
	return bad ? -1 : 0;
}

static int get_tally(struct span object, const char *name, struct tally *into)
{
	struct span v = json_member(object, name), key, x;
	struct json_iter it = {0};
	struct tally t = {.coarse = json_kind(json_member(v, "coarse")) == JSON_TRUE};
	int bad = get_sum(json_member(v, "sum"), &t.sum);

	struct span bins = json_member(v, "bins");
	while (!bad && json_next(&it, bins, &key, &x)) {
		double value;
		int64_t n;

		bad = json_number(x, &value) || !json_next(&it, bins, &key, &x) ||
		      json_int(x, &n) || n < 1 || tally_put(&t, value, (uint64_t)n);
	}
	if (!bad)
		tally_merge(into, &t);
	tally_release(&t);
	return bad ? -1 : 0;
}

static int get_fields(struct span object, struct fields *into)
{
	struct json_iter it = {0};
	struct span key, v;
	struct buf name = BUF_INIT;
	int bad = 0;

	while (!bad && json_next(&it, object, &key, &v)) {
		struct field *f;
		int64_t n[5];

		for (int i = 0; i < 5; i++)
			bad |= json_int(json_element(v, i), n + i) || n[i] < 0;
		buf_clear(&name);
		json_string(key, &name);
		f = bad ? NULL : fields_at(into, name.len > 0 ? buf_span(&name) : span_of(""));
		if (!f)
			continue;
		f->rows += (uint64_t)n[0];
		f->right += (uint64_t)n[1];
		f->said += (uint64_t)n[2];
		f->expected += (uint64_t)n[3];
		f->found += (uint64_t)n[4];
	}
	buf_release(&name);
	return bad ? -1 : 0;
}

/* The checks that a profile was made with: names, and whether they have fields. */
static int read_checks(const struct record *r, struct check **checks, size_t *n, struct err *e)
{
	struct span metrics = record_get(r, "metrics"), key, v;
	struct json_iter it = {0};
	struct buf name = BUF_INIT;
	int64_t version;

	*n = 0;
	if (json_int(record_get(r, "profile"), &version) || version != VERSION ||
	    json_kind(metrics) != JSON_OBJECT)
		return err_set(e, "this is no profile that ft-eval --profile wrote");
	*checks = mem_alloc(json_count(metrics), sizeof **checks);
	while (json_next(&it, metrics, &key, &v)) {
		buf_clear(&name);
		json_string(key, &name);
		(*checks)[*n] =
			(struct check){.name = mem_strndup(name.len > 0 ? name.data : "", name.len),
				       .weight = 1};
		if (json_member(v, "fields").s)
			(*checks)[*n].kind = CHECK_JSON_FIELDS;
		if (json_member(v, "unclear").s)
			(*checks)[*n].kind = CHECK_CHOICE;
		++*n;
	}
	buf_release(&name);
	return 0;
}

static int read_metric(struct span v, struct score_cell *c)
{
	struct span first = json_member(v, "first");
	struct buf text = BUF_INIT;
	uint64_t unscored, unclear = 0, same_json = 0;

	if (get_tally(v, "scores", &c->scores) || get_count(v, "unscored", &unscored) ||
	    (json_member(v, "unclear").s && get_count(v, "unclear", &unclear)) ||
	    (json_member(v, "same_json").s && get_count(v, "same_json", &same_json)) ||
	    get_fields(json_member(v, "fields"), &c->fields))
		return -1;
	c->unscored += unscored;
	c->unclear += unclear;
	c->same_json += same_json;
	if (!c->first && json_string(first, &text) == 0)
		c->first = buf_detach(&text, NULL);
	buf_release(&text);
	return 0;
}

static int add_profile(struct board *b, const struct record *r, struct err *e)
{
	struct span label = record_get(r, "group"), metrics = record_get(r, "metrics");
	struct buf text = BUF_INIT;
	struct group *g = NULL;
	uint64_t n, errors, unknown;
	int64_t version;
	int bad = json_int(record_get(r, "profile"), &version) || version != VERSION ||
		  json_kind(label) != JSON_OBJECT || get_count(r->body, "n", &n) ||
		  get_count(r->body, "errors", &errors) ||
		  get_count(r->body, "cost_unknown", &unknown);

	for (int i = 0; i < 3 && !bad && b->n_groups == 0; i++)
		if (json_is(record_get(r, "unscored"), unscored_names[i]))
			b->unscored = (enum unscored)i;
	if (!bad && !json_is(record_get(r, "unscored"), unscored_names[b->unscored]))
		return err_set(e, "this profile was made with another --errors than the first");
	if (!bad && json_count(metrics) != b->n_metrics)
		return err_set(e, "this profile was made with other checks than the first");
	if (!bad) {
		buf_addspan(&text, label);
		g = board_group(b, text.data, text.data, "", e);
		buf_release(&text);
		if (!g)
			return -1;
		g->n += n;
		g->errors += errors;
		g->cost_unknown += unknown;
	}
	for (size_t m = 0; m < b->n_metrics && !bad; m++) {
		struct span v = json_member(metrics, board_metric_name(b, m));

		if (!v.s)
			return err_set(e, "this profile was made with other checks than the first");
		bad = read_metric(v, g->cells + m) < 0;
	}
	bad = bad || get_tally(r->body, "latency", &g->latency) ||
	      get_tally(r->body, "prompt_tokens", &g->prompt_tokens) ||
	      get_tally(r->body, "completion_tokens", &g->completion_tokens) ||
	      get_tally(r->body, "total_tokens", &g->total_tokens) ||
	      get_tally(r->body, "cost", &g->cost);
	return bad ? err_set(e, "this is no profile that ft-eval --profile wrote") : 0;
}

int eval_profile_read_all(struct board *b, struct reader *r, struct check **checks, struct err *e)
{
	struct record rec = {0};
	int got;

	*checks = NULL;
	b->n_checks = b->n_metrics = 0;
	while ((got = reader_next(r, &rec, e)) > 0) {
		int failed = 0;

		if (!*checks) {
			failed = read_checks(&rec, checks, &b->n_checks, e) < 0;
			b->checks = *checks;
			b->n_metrics = b->n_checks;
		}
		if (failed || add_profile(b, &rec, e)) {
			reader_at(r, e);
			break;
		}
	}
	record_release(&rec);
	return got == 0 ? 0 : -1;
}

int eval_profile_may(const struct board *b, size_t pairs, struct err *e)
{
	if (b->samples)
		return err_set(e,
			       "a profile holds no rows, and rows with `sample` are told apart by their input: --profile cannot sum them up");
	if (pairs)
		return err_set(e,
			       "a profile holds no rows: --profile cannot sum up pairs of answers");
	return 0;
}
