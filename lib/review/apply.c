/* apply: decisions into rows. See apply.h. */
#include "apply.h"

#include <stdio.h>
#include <string.h>
#include "../json/jw.h"
#include "../text/hash.h"

void apply_init(struct apply *a, const struct journal *j)
{
	*a = (struct apply){.journal = j};
}

void apply_release(struct apply *a)
{
	map_release(&a->seen);
}

int apply_disputed(const struct journal *j, const char *key)
{
	enum verdict first = VERDICT_NONE;
	int differ = 0;
	for (size_t w = 0; w < j->reviewers_n; w++) {
		const struct decision *x = journal_find(j, key, w);
		if (!x || x->verdict == VERDICT_SKIP)
			continue;
		if (x->final)
			return 0;
		differ |= first != VERDICT_NONE && x->verdict != first;
		first = x->verdict;
	}
	return differ;
}

/* The standing decision on the row, or NULL. *refused: there is one, but it can't be applied. */
static const struct decision *decision_on(struct apply *a, const struct record *r, int *refused, struct err *e)
{
	char key[48], hash[33];
	*refused = 0;
	if (record_key(r, key, e) < 0 || journal_row_hash(r, hash, e) < 0) {
		*refused = -1;
		return NULL;
	}
	uint64_t *seen = map_put(&a->seen, hash64(span_of(key), 0), 0, NULL);
	if (++*seen > 1)
		snprintf(key + 32, sizeof key - 32, "#%u", (unsigned)*seen);
	const struct decision *d = journal_find(a->journal, key, (size_t)-1);
	if (!d)
		return NULL;
	if (strcmp(d->row, hash) != 0) {
		a->changed++;
		*refused = 1;
		err_set(e, "row %s changed since %s judged it; judge it again", key, a->journal->reviewers[d->who]);
	} else if (apply_disputed(a->journal, key)) {
		a->disputed++;
		*refused = 1;
		err_set(e, "reviewers differ on row %s; settle it with --adjudicate", key);
	}
	return d;
}

/* JSON text of the message with another content. */
static void message_with(struct span message, const char *content, struct buf *out)
{
	struct record m = {0};
	struct buf text = BUF_INIT;
	json_put_string(&text, content, strlen(content));
	struct edit ed = {"content", buf_span(&text)};
	record_parse(&m, message, NULL);
	record_splice(&m, &ed, 1, out);
	record_release(&m);
	buf_release(&text);
}

/* The member that holds the reference, and its new JSON text. */
static const char *fixed_member(const struct record *r, const char *new_text, struct buf *json)
{
	struct span final = record_final_assistant(r), messages = record_get(r, "messages");
	enum json_kind ideal = json_kind(record_get(r, "ideal"));
	if (ideal == JSON_STRING || ideal == JSON_ARRAY) {
		json_put_string(json, new_text, strlen(new_text));
		return "ideal";
	}
	if (!final.s) {
		json_put_string(json, new_text, strlen(new_text));
		return record_get(r, "completion").s || record_get(r, "prompt").s ? "completion" : "ideal";
	}
	buf_add(json, messages.s, (size_t)(final.s - messages.s));
	message_with(final, new_text, json);
	buf_add(json, final.s + final.n, (size_t)(messages.s + messages.n - (final.s + final.n)));
	return "messages";
}

int apply_row(struct apply *a, const struct record *r, struct buf *line, struct err *e)
{
	int refused;
	const struct decision *d = decision_on(a, r, &refused, e);
	if (refused < 0)
		return -1;
	if (!d || refused || d->verdict == VERDICT_SKIP) {
		a->untouched += !d;
		a->skipped += d && !refused;
		buf_addspan(line, r->line);
		return refused ? APPLY_REFUSED : APPLY_KEEP;
	}
	if (d->verdict == VERDICT_BAD) {
		a->left_out++;
		return APPLY_LEAVE_OUT;
	}
	struct buf mark = BUF_INIT, json = BUF_INIT;
	struct jw w;
	jw_init(&w, &mark);
	jw_object(&w);
	jw_key(&w, "verdict");
	jw_str(&w, verdict_name(d->verdict));
	jw_key(&w, "who");
	jw_str(&w, a->journal->reviewers[d->who]);
	jw_key(&w, "at");
	jw_str(&w, d->at);
	jw_end(&w);
	struct edit edits[2] = {{"review", buf_span(&mark)}};
	size_t n = 1;
	if (d->verdict == VERDICT_FIX) {
		edits[n].name = fixed_member(r, d->new_text, &json);
		edits[n++].value = buf_span(&json);
		a->fixed++;
	} else {
		a->good++;
	}
	record_splice(r, edits, n, line);
	buf_release(&mark);
	buf_release(&json);
	return APPLY_KEEP;
}

static void assistant_turn(struct jw *w, const char *content)
{
	jw_array(w);
	jw_object(w);
	jw_key(w, "role");
	jw_str(w, "assistant");
	jw_key(w, "content");
	jw_str(w, content);
	jw_end(w);
	jw_end(w);
}

int apply_pair(struct apply *a, const struct record *r, struct buf *line, struct err *e)
{
	int refused;
	const struct decision *d = decision_on(a, r, &refused, e);
	struct buf refs = BUF_INIT;
	struct span final = record_final_assistant(r), messages = record_get(r, "messages"), key, m;
	struct json_iter it = {0};
	if (refused < 0)
		return -1;
	if (!d || refused || d->verdict != VERDICT_FIX || json_kind(messages) != JSON_ARRAY || record_references(r, &refs, NULL) <= 0) {
		buf_release(&refs);
		return 0;
	}
	struct jw w;
	jw_init(&w, line);
	jw_object(&w);
	jw_key(&w, "input");
	jw_object(&w);
	jw_key(&w, "messages");
	jw_array(&w);
	while (json_next(&it, messages, &key, &m))
		if (m.s != final.s)
			jw_raw(&w, m);
	jw_end(&w);
	if (record_get(r, "tools").s) {
		jw_key(&w, "tools");
		jw_raw(&w, record_get(r, "tools"));
	}
	jw_end(&w);
	jw_key(&w, "preferred_output");
	assistant_turn(&w, d->new_text);
	jw_key(&w, "non_preferred_output");
	assistant_turn(&w, refs.data);
	jw_end(&w);
	buf_release(&refs);
	return 1;
}
