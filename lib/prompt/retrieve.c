/* retrieve: a contentless FTS5 table in an in-memory database; the texts themselves stay with the
 * caller. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "../base/map.h"
#include "../base/mem.h"
#include "../text/features.h"
#include "retrieve.h"

#define QUESTION_WORDS 256

struct retrieve {
	sqlite3 *db;
	sqlite3_stmt *add, *find;
};

static int fail(struct retrieve *r, struct err *e)
{
	return err_set(e, "retrieval: %s", r->db ? sqlite3_errmsg(r->db) : "out of memory");
}

struct retrieve *retrieve_new(struct err *e)
{
	static const char make[] =
		"CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize=\"unicode61 remove_diacritics 2\"); BEGIN";
	struct retrieve *r = mem_alloc(1, sizeof *r);

	if (sqlite3_open(":memory:", &r->db) != SQLITE_OK ||
	    sqlite3_exec(r->db, make, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(r->db, "INSERT INTO texts (rowid, text) VALUES (?, ?)", -1, &r->add,
			       NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(r->db,
			       "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY bm25(texts), rowid LIMIT ?",
			       -1, &r->find, NULL) != SQLITE_OK) {
		fail(r, e);
		retrieve_free(r);
		return NULL;
	}
	return r;
}

void retrieve_free(struct retrieve *r)
{
	if (!r)
		return;
	sqlite3_finalize(r->add);
	sqlite3_finalize(r->find);
	sqlite3_close(r->db);
	free(r);
}

int retrieve_add(struct retrieve *r, size_t number, struct span text, struct err *e)
{
	int rc = 0;

	sqlite3_bind_int64(r->add, 1, (sqlite3_int64)number);
	sqlite3_bind_text64(r->add, 2, text.s ? text.s : "", text.n, SQLITE_STATIC, SQLITE_UTF8);
	if (sqlite3_step(r->add) != SQLITE_DONE)
		rc = fail(r, e);
	sqlite3_reset(r->add);
	return rc;
}

/* The question's words, each quoted so that none is read as an operator of FTS5's query
 * language. */
static void put_words(struct span question, struct buf *query)
{
	struct tokens t;
	struct token word;
	struct map seen = {0};

	tokens_init(&t, question, 0);
	while (seen.n < QUESTION_WORDS && tokens_next(&t, &word)) {
		int fresh;

		map_put(&seen, word.hash, 1, &fresh);
		if (!fresh)
			continue;
		buf_adds(query, query->len ? " OR \"" : "\"");
		for (size_t i = 0; i < word.text.n; i++)
			if (word.text.s[i] != '"' && word.text.s[i])
				buf_addc(query, word.text.s[i]);
		buf_addc(query, '"');
	}
	map_release(&seen);
}

long retrieve_find(struct retrieve *r, struct span question, size_t most, size_t *numbers,
		   struct err *e)
{
	struct buf query = BUF_INIT;
	long n = 0;
	int rc;

	put_words(question, &query);
	if (!query.len || !most) {
		buf_release(&query);
		return 0;
	}
	sqlite3_bind_text64(r->find, 1, query.data, query.len, SQLITE_STATIC, SQLITE_UTF8);
	sqlite3_bind_int64(r->find, 2, (sqlite3_int64)most);
	while ((rc = sqlite3_step(r->find)) == SQLITE_ROW && (size_t)n < most)
		numbers[n++] = (size_t)sqlite3_column_int64(r->find, 0);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		n = fail(r, e);
	sqlite3_reset(r->find);
	buf_release(&query);
	return n;
}
