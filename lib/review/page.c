/* page: requests of the page, answered from the desk. See page.h. The page itself stands in
 * page.html, page.css and page.js, which are linked in as they are. */
#include "page.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/side.h"
#include "../web/difference.h"
#include "../web/embed.h"
#include "subject.h"
#include "tell.h"

EMBED(review_page, "lib/review/page.html");
EMBED(review_style, "lib/review/page.css");
EMBED(review_script, "lib/review/page.js");

#define SEARCH_MAX 50
#define PASSED_MAX 256

static void refuse(struct web_reply *r, int status, const char *reason)
{
	r->status = status;
	r->type = "text/plain; charset=utf-8";
	buf_clear(&r->body);
	buf_addf(&r->body, "%s\n", reason);
}

/* The page with style, script and the reply's nonce in their places. */
static void send_page(struct web_reply *r)
{
	const char *const places[][2] = {{"{{nonce}}", r->nonce},
					 {"{{shared-style}}", difference_style},
					 {"{{shared-script}}", difference_script},
					 {"{{style}}", review_style},
					 {"{{script}}", review_script}};
	r->type = "text/html; charset=utf-8";
	for (const char *p = review_page, *m; *p; p = m) {
		size_t i = 0, n = sizeof places / sizeof *places;
		m = strstr(p, "{{");
		if (!m)
			m = p + strlen(p);
		buf_add(&r->body, p, (size_t)(m - p));
		while (*m && i < n && strncmp(m, places[i][0], strlen(places[i][0])) != 0)
			i++;
		if (*m && i < n) {
			buf_adds(&r->body, places[i][1]);
			m += strlen(places[i][0]);
		}
	}
}

/* {"row": the row or null, "summary": ...}. */
static void send_row(struct desk *d, long row, struct web_reply *r)
{
	struct err e = ERR_INIT;
	struct jw w;
	jw_init(&w, &r->body);
	jw_object(&w);
	jw_key(&w, "row");
	if (row < 0) {
		jw_null(&w);
	} else if (tell_row(d, (size_t)row, &w, &e)) {
		refuse(r, 500, e.msg);
		return;
	}
	jw_key(&w, "summary");
	tell_summary(d, &w);
	jw_end(&w);
}

static size_t parse_passed(const char *text, size_t *rows)
{
	size_t n = 0;
	while (text && *text && n < PASSED_MAX) {
		char *end;
		unsigned long long x = strtoull(text, &end, 10);
		if (end == text)
			break;
		rows[n++] = (size_t)x;
		text = *end == ',' ? end + 1 : end;
	}
	return n;
}

static int parse_filter(const struct desk *d, const struct web_request *q, struct desk_filter *f)
{
	const char *reason = web_query(q, "reason"), *split = web_query(q, "split"),
		   *state = web_query(q, "state");
	if (reason && *reason) {
		for (size_t i = 0; i < d->reasons_n; i++)
			if (strcmp(d->reasons[i], reason) == 0)
				f->reasons = (uint64_t)1 << i;
		if (!f->reasons)
			return -1;
	}
	if (split && *split) {
		f->split = side_named(split) + 1;
		if (!f->split)
			return -1;
	}
	if (state && *state) {
		f->verdict = (int)verdict_of(state);
		if (f->verdict == VERDICT_NONE)
			return -1;
	}
	return 0;
}

static void answer_next(struct desk *d, const struct web_request *q, struct web_reply *r)
{
	size_t rows[PASSED_MAX];
	struct desk_filter f = {0};
	if (parse_filter(d, q, &f)) {
		refuse(r, 400, "That is no filter.");
		return;
	}
	f.passed = rows;
	f.passed_n = parse_passed(web_query(q, "not"), rows);
	desk_flush(d, NULL);
	send_row(d, desk_next(d, &f), r);
}

static int row_number(const struct desk *d, const char *text, size_t *row)
{
	char *end;
	if (!text || *text < '0' || *text > '9')
		return -1;
	*row = (size_t)strtoull(text, &end, 10);
	return *end || *row >= d->n ? -1 : 0;
}

static void answer_row(struct desk *d, const struct web_request *q, struct web_reply *r)
{
	size_t row;
	if (row_number(d, web_query(q, "row"), &row))
		refuse(r, 404, "There is no such row.");
	else
		send_row(d, (long)row, r);
}

static void answer_search(struct desk *d, const struct web_request *q, struct web_reply *r)
{
	size_t found[SEARCH_MAX];
	const char *text = web_query(q, "q");
	size_t n = text ? desk_search(d, span_of(text), 0, found, SEARCH_MAX) : 0;
	struct jw w;
	jw_init(&w, &r->body);
	jw_object(&w);
	jw_put_array(&w, "rows");
	for (size_t i = 0; i < n; i++) {
		jw_object(&w);
		jw_put_int(&w, "row", found[i]);
		jw_key(&w, "text");
		tell_words(d, found[i], 120, &w);
		jw_end(&w);
	}
	jw_end(&w);
	jw_put_bool(&w, "more", n == SEARCH_MAX);
	jw_end(&w);
}

/* The member's text in *text, NULL where it is no string; free() it. -1 where it holds a NUL, which
 * would cut it short without a word. */
static int body_text(const struct record *b, const char *name, char **text)
{
	struct buf t = BUF_INIT;
	*text = NULL;
	int got = json_string(record_get(b, name), &t) == 0;
	if (got && t.len && memchr(t.data, 0, t.len)) {
		buf_release(&t);
		return -1;
	}
	if (got)
		*text = buf_detach(&t, NULL);
	buf_release(&t);
	return 0;
}

/* The row that a request is about, and the request as a record. -1 where it was refused. The page
 * may be one of an earlier run over other data. */
static int named_row(struct desk *d, const struct web_request *q, struct record *b, size_t *row,
		     struct web_reply *r)
{
	struct err e = ERR_INIT;
	int64_t number = -1;
	char key[KEY_TEXT], hash[33];
	if (record_parse(b, q->body, &e)) {
		refuse(r, 400, e.msg);
		return -1;
	}
	if (json_int(record_get(b, "row"), &number) || number < 0 || (uint64_t)number >= d->n) {
		refuse(r, 404, "There is no such row.");
		return -1;
	}
	*row = (size_t)number;
	desk_key(d, *row, key);
	if (!json_is(record_get(b, "key"), key) || subject_hash(desk_record(d, *row), hash, &e) ||
	    !json_is(record_get(b, "hash"), hash)) {
		refuse(r, 409, "The row is not what the page shows. Reload the page.");
		return -1;
	}
	return 0;
}

static void answer_decide(struct desk *d, const struct web_request *q, struct web_reply *r)
{
	struct record b = {0};
	struct err e = ERR_INIT;
	struct jw w;
	size_t row;
	if (named_row(d, q, &b, &row, r)) {
		record_release(&b);
		return;
	}
	char *verdict = NULL, *new_text = NULL, *why = NULL;
	int doubt = 0, rc = 0;
	if (body_text(&b, "verdict", &verdict) || body_text(&b, "new", &new_text) ||
	    body_text(&b, "why", &why))
		rc = err_set(&e, "the text holds a NUL: nothing is saved");
	else if (verdict && verdict_of(verdict) == VERDICT_FIX && new_text &&
		 json_kind(record_get(&b, "sure")) != JSON_TRUE && desk_doubt(d, row, new_text, &e))
		doubt = 1;
	else
		rc = desk_decide(d, row, verdict ? verdict_of(verdict) : VERDICT_NONE, new_text,
				 why, &e);
	if (rc < 0) {
		refuse(r, 400, e.msg);
	} else {
		jw_init(&w, &r->body);
		jw_object(&w);
		jw_put_int(&w, "row", row);
		jw_put_bool(&w, "saved", rc);
		jw_put_int(&w, "pending", d->pending_n);
		jw_put_str(&w, "error", rc || doubt ? NULL : e.msg);
		/* nothing was decided: the page asks, and comes again with "sure" */
		jw_put_str(&w, "doubt", doubt ? e.msg : NULL);
		jw_end(&w);
	}
	free(verdict);
	free(new_text);
	free(why);
	record_release(&b);
}

static void answer_draft(struct desk *d, const struct web_request *q, struct web_reply *r)
{
	struct record b = {0};
	struct err e = ERR_INIT;
	size_t row;
	if (named_row(d, q, &b, &row, r) == 0) {
		char *text;
		if (body_text(&b, "text", &text))
			refuse(r, 400, "the text holds a NUL: nothing is saved");
		else if (desk_draft(d, row, text, &e))
			refuse(r, 507, e.msg);
		else
			buf_adds(&r->body, "{}");
		free(text);
	}
	record_release(&b);
}

static void answer_undo(struct desk *d, struct web_reply *r)
{
	struct err e = ERR_INIT;
	size_t row;
	if (desk_undo(d, &row, &e) < 0)
		refuse(r, 409, e.msg);
	else
		send_row(d, (long)row, r);
}

static void answer_summary(struct desk *d, struct web_reply *r)
{
	struct jw w;
	desk_flush(d, NULL);
	jw_init(&w, &r->body);
	jw_object(&w);
	jw_key(&w, "summary");
	tell_summary(d, &w);
	jw_end(&w);
}

static void answer_labels(const struct desk *d, struct web_reply *r)
{
	struct jw w;
	jw_init(&w, &r->body);
	jw_object(&w);
	jw_key(&w, "labels");
	tell_labels(d, &w);
	jw_end(&w);
}

void page_answer(void *arg, const struct web_request *q, struct web_reply *r)
{
	struct desk *d = arg;
	int post = strcmp(q->method, "POST") == 0;
	if (!post && strcmp(q->path, "/") == 0)
		send_page(r);
	else if (!post && strcmp(q->path, "/api/next") == 0)
		answer_next(d, q, r);
	else if (!post && strcmp(q->path, "/api/row") == 0)
		answer_row(d, q, r);
	else if (!post && strcmp(q->path, "/api/search") == 0)
		answer_search(d, q, r);
	else if (post && strcmp(q->path, "/api/decide") == 0)
		answer_decide(d, q, r);
	else if (!post && strcmp(q->path, "/api/summary") == 0)
		answer_summary(d, r);
	else if (!post && strcmp(q->path, "/api/labels") == 0)
		answer_labels(d, r);
	else if (post && strcmp(q->path, "/api/draft") == 0)
		answer_draft(d, q, r);
	else if (post && strcmp(q->path, "/api/undo") == 0)
		answer_undo(d, r);
	else
		refuse(r, 404, "There is nothing here.");
}
