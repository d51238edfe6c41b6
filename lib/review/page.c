/* page: requests of the page, answered from the desk. See page.h. The page itself stands in page.html and is linked in as it is. */
#include "page.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"

__asm__(".pushsection .rodata\n"
	".global review_page\n"
	"review_page:\n"
	".incbin \"lib/review/page.html\"\n"
	".byte 0\n"
	".popsection\n");
extern const char review_page[];

#define SEARCH_MAX 50
#define PASSED_MAX 256

static void refuse(struct web_reply *r, int status, const char *reason)
{
	r->status = status;
	r->type = "text/plain; charset=utf-8";
	buf_clear(&r->body);
	buf_addf(&r->body, "%s\n", reason);
}

static void send_page(struct web_reply *r)
{
	static const char mark[] = "{{nonce}}";
	r->type = "text/html; charset=utf-8";
	for (const char *p = review_page;;) {
		const char *m = strstr(p, mark);
		if (!m) {
			buf_adds(&r->body, p);
			return;
		}
		buf_add(&r->body, p, (size_t)(m - p));
		buf_adds(&r->body, r->nonce);
		p = m + sizeof mark - 1;
	}
}

/* {"row": the row or null, "summary": ...}. */
static void send_row(struct desk *d, long row, int random, struct web_reply *r)
{
	struct err e = ERR_INIT;
	struct jw w;
	jw_init(&w, &r->body);
	jw_object(&w);
	jw_key(&w, "row");
	if (row < 0) {
		jw_null(&w);
	} else if (desk_write_row(d, (size_t)row, random, &w, &e) < 0) {
		refuse(r, 500, e.msg);
		return;
	}
	jw_key(&w, "summary");
	desk_write_summary(d, &w);
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
	const char *reason = web_query(q, "reason"), *split = web_query(q, "split"), *state = web_query(q, "state");
	if (reason && *reason) {
		for (size_t i = 0; i < d->reasons_n; i++)
			if (strcmp(d->reasons[i], reason) == 0)
				f->reasons = (uint64_t)1 << i;
		if (!f->reasons)
			return -1;
	}
	if (split && *split) {
		f->split = strcmp(split, "train") == 0 ? 1 : strcmp(split, "valid") == 0 ? 2 : strcmp(split, "test") == 0 ? 3 : 0;
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
	int random = 0;
	if (parse_filter(d, q, &f) < 0) {
		refuse(r, 400, "That is no filter.");
		return;
	}
	f.passed = rows;
	f.passed_n = parse_passed(web_query(q, "not"), rows);
	desk_flush(d, NULL);
	long row = desk_next(d, &f, &random);
	send_row(d, row, random, r);
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
	if (row_number(d, web_query(q, "row"), &row) < 0)
		refuse(r, 404, "There is no such row.");
	else
		send_row(d, (long)row, 0, r);
}

/* Some words of a row to tell it by: its last user text, else its line. */
static void row_words(struct desk *d, size_t row, struct jw *w)
{
	const struct record *rec = desk_record(d, row);
	struct json_iter it = {0};
	struct span key, m;
	struct buf text = BUF_INIT;
	while (json_next(&it, record_get(rec, "messages"), &key, &m))
		if (json_is(json_member(m, "role"), "user")) {
			buf_clear(&text);
			message_text(json_member(m, "content"), &text);
		}
	struct span s = text.len ? buf_span(&text) : rec->line;
	size_t n = s.n < 80 ? s.n : 80;
	while (n > 0 && n < s.n && ((unsigned char)s.s[n] & 0xc0) == 0x80)
		n--;
	jw_strn(w, s.s, n);
	buf_release(&text);
}

static void answer_search(struct desk *d, const struct web_request *q, struct web_reply *r)
{
	size_t found[SEARCH_MAX];
	const char *text = web_query(q, "q");
	size_t n = text ? desk_search(d, span_of(text), 0, found, SEARCH_MAX) : 0;
	struct jw w;
	jw_init(&w, &r->body);
	jw_object(&w);
	jw_key(&w, "rows");
	jw_array(&w);
	for (size_t i = 0; i < n; i++) {
		jw_object(&w);
		jw_key(&w, "row");
		jw_int(&w, (int64_t)found[i]);
		jw_key(&w, "text");
		row_words(d, found[i], &w);
		jw_end(&w);
	}
	jw_end(&w);
	jw_key(&w, "more");
	jw_bool(&w, n == SEARCH_MAX);
	jw_end(&w);
}

/* The member's text, NULL where it is no string; NUL bytes end it. free() it. */
static char *body_text(const struct record *b, const char *name)
{
	struct buf t = BUF_INIT;
	if (json_string(record_get(b, name), &t) < 0) {
		buf_release(&t);
		return NULL;
	}
	return buf_detach(&t, NULL);
}

static void answer_decide(struct desk *d, const struct web_request *q, struct web_reply *r)
{
	struct record b = {0};
	struct err e = ERR_INIT;
	struct jw w;
	int64_t row = -1;
	char key[48], hash[33];
	char *verdict = NULL, *new_text = NULL, *why = NULL;
	if (record_parse(&b, q->body, &e) < 0) {
		refuse(r, 400, e.msg);
		goto cleanup;
	}
	if (json_int(record_get(&b, "row"), &row) < 0 || row < 0 || (uint64_t)row >= d->n) {
		refuse(r, 404, "There is no such row.");
		goto cleanup;
	}
	/* The page may be one of an earlier run over other data. */
	desk_key(d, (size_t)row, key);
	if (!json_is(record_get(&b, "key"), key) || journal_row_hash(desk_record(d, (size_t)row), hash, &e) < 0 ||
	    !json_is(record_get(&b, "hash"), hash)) {
		refuse(r, 409, "The row is not what the page shows. Reload the page.");
		goto cleanup;
	}
	verdict = body_text(&b, "verdict");
	new_text = body_text(&b, "new");
	why = body_text(&b, "why");
	int random = json_kind(record_get(&b, "random")) == JSON_TRUE;
	int rc = desk_decide(d, (size_t)row, verdict ? verdict_of(verdict) : VERDICT_NONE, random, new_text, why, &e);
	if (rc < 0) {
		refuse(r, 400, e.msg);
		goto cleanup;
	}
	jw_init(&w, &r->body);
	jw_object(&w);
	jw_key(&w, "saved");
	jw_bool(&w, rc);
	jw_key(&w, "pending");
	jw_int(&w, (int64_t)d->pending_n);
	jw_key(&w, "error");
	jw_str(&w, rc ? NULL : e.msg);
	jw_end(&w);
cleanup:
	free(verdict);
	free(new_text);
	free(why);
	record_release(&b);
}

static void answer_undo(struct desk *d, struct web_reply *r)
{
	struct err e = ERR_INIT;
	size_t row;
	if (desk_undo(d, &row, &e) < 0)
		refuse(r, 409, e.msg);
	else
		send_row(d, (long)row, 0, r);
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
	else if (post && strcmp(q->path, "/api/undo") == 0)
		answer_undo(d, r);
	else
		refuse(r, 404, "There is nothing here.");
}
