/* check_report: see the header. */
#include <stdlib.h>
#include "../base/out.h"
#include "../json/jw.h"
#include "check_report.h"

const char *split_check_verdict_name(const struct answer *a)
{
	return a->verdict == CHECK_LEAK ? "leak" : a->verdict == CHECK_WARNING ? "warning" : "ok";
}

int split_check_leaks(const struct split_check *c, int *warnings)
{
	size_t n;
	const struct answer *a = split_check_answers(c, &n);
	int found = 0;

	*warnings = 0;
	for (size_t i = 0; i < n; i++) {
		found += a[i].verdict == CHECK_LEAK;
		*warnings += a[i].verdict == CHECK_WARNING;
	}
	return found;
}

static const char *id_of(const struct split_check *c, const struct check_row *r)
{
	return split_check_id(c, r->test, r->row);
}

static int is_pair(const struct answer *a, size_t k)
{
	return a->example[k].like.row != CHECK_NONE;
}

/* Rows with one input have one key, and those of one id one id: they are told apart by where they
 * stand. */
static void put_place(struct jw *w, const struct check_row *r)
{
	jw_object(w);
	jw_put_str(w, "side", r->test ? "test" : "train");
	jw_put_int(w, "row", r->row + 1);
	jw_end(w);
}

static void put_answer(const struct split_check *c, const struct answer *a, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "check", a->check);
	jw_put_str(&w, "verdict", split_check_verdict_name(a));
	jw_put_int(&w, "count", a->count);
	jw_put_array(&w, "examples");
	for (size_t k = 0; k < a->examples; k++)
		jw_str(&w, id_of(c, &a->example[k].row));
	jw_end(&w);
	if (a->earlier) {
		jw_put_array(&w, "pairs");
		for (size_t k = 0; k < a->examples; k++) {
			jw_array(&w);
			put_place(&w, &a->example[k].row);
			put_place(&w, &a->example[k].like);
			jw_end(&w);
		}
		jw_end(&w);
	} else if (a->examples && is_pair(a, 0)) {
		jw_put_array(&w, "train_rows");
		for (size_t k = 0; k < a->examples; k++)
			jw_str(&w, id_of(c, &a->example[k].like));
		jw_end(&w);
	}
	jw_put_text(&w, "why", buf_span(&a->why));
	jw_end(&w);
	buf_addc(b, '\n');
}

int split_check_lines(const struct split_check *c, const struct split_check_options *o,
		      char **files, struct buf *b)
{
	size_t n;
	const struct answer *a = split_check_answers(c, &n);
	struct jw w;
	int warnings, found = split_check_leaks(c, &warnings);

	for (size_t i = 0; i < n; i++)
		put_answer(c, &a[i], b);
	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "verdict", found ? "leak" : warnings ? "warning" : "ok");
	jw_put_int(&w, "leaks", found);
	jw_put_int(&w, "warnings", warnings);
	for (int s = 0; s < 2; s++) {
		jw_put_object(&w, s ? "test" : "train");
		jw_put_str(&w, "file", files[s]);
		jw_put_int(&w, "rows", split_check_rows(c, s));
		jw_end(&w);
	}
	jw_put_str(&w, "key", "input");
	jw_put_num(&w, "near", o->near);
	jw_put_str(&w, "group", o->group ? path_text(o->group) : NULL);
	jw_put_str(&w, "time", o->time ? path_text(o->time) : NULL);
	jw_put_str(&w, "class", o->label ? path_text(o->label) : NULL);
	jw_put_num(&w, "alpha", o->alpha);
	jw_put_int(&w, "seed", o->seed);
	jw_put_str(&w, "version", FT_VERSION);
	jw_end(&w);
	buf_addc(b, '\n');
	return found;
}

static void put_example(const struct check_row *r, int place, const struct split_check *c,
			struct buf *b)
{
	buf_adds(b, id_of(c, r));
	if (place)
		buf_addf(b, " (%s %zu)", r->test ? "test" : "train", r->row + 1);
}

/* What an answer's examples are, in one line. */
static void put_examples(const struct split_check *c, const struct answer *a, struct table *t)
{
	struct buf b = BUF_INIT;

	for (size_t k = 0; k < a->examples; k++) {
		buf_adds(&b, k ? ", " : "");
		put_example(&a->example[k].row, a->earlier, c, &b);
		if (is_pair(a, k)) {
			buf_adds(&b, a->earlier ? " against " : " ~ ");
			put_example(&a->example[k].like, a->earlier, c, &b);
		}
	}
	if (a->examples > 0) {
		buf_adds(&b, a->count > a->examples ? ", ..." : "");
		table_line(t, b.data);
	}
	buf_release(&b);
}

void split_check_answers_table(const struct split_check *c, int examples, struct table *t)
{
	size_t n;
	const struct answer *a = split_check_answers(c, &n);

	table_head(t, "check|verdict|>count|why");
	for (size_t i = 0; i < n; i++) {
		char *why = span_dup(buf_span(&a[i].why));

		table_cell(t, a[i].check);
		table_verdict(t, split_check_verdict_name(&a[i]));
		table_count(t, a[i].count);
		table_cell(t, why);
		if (examples && a[i].verdict != CHECK_OK)
			put_examples(c, &a[i], t);
		free(why);
	}
}

int split_check_table(const struct split_check *c, const struct split_check_options *o,
		      struct buf *b)
{
	int warnings, found = split_check_leaks(c, &warnings);
	struct table t = {0};

	split_check_answers_table(c, 1, &t);
	table_write(&t, TABLE_PLAIN, out_columns(), b);
	table_release(&t);
	buf_addf(b,
		 "\n%s: %d kinds of leak, %d warnings; %zu training rows, %zu test rows, seed %llu, ft %s\n",
		 found	    ? "leak"
		 : warnings ? "warning"
			    : "ok",
		 found, warnings, split_check_rows(c, 0), split_check_rows(c, 1),
		 (unsigned long long)o->seed, FT_VERSION);
	return found;
}
