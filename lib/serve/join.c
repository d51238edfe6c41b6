/* join: see join.h. */
#include "join.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "../text/hash.h"

struct join_said {
	char *value, *comment, *ideal; /* JSON, or NULL */
	int used;
};

void join_release(struct join *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->said[i].value);
		free(j->said[i].comment);
		free(j->said[i].ideal);
	}
	free(j->said);
	map_release(&j->by_id);
	memset(j, 0, sizeof *j);
}

int join_is_feedback(const struct record *r)
{
	return json_kind(record_get(r, "feedback")) == JSON_OBJECT &&
	       !record_get(r, "messages").s && !record_get(r, "prompt").s;
}

static int key_of(const struct record *r, uint64_t *key)
{
	struct buf id = BUF_INIT;
	int rc = json_string(record_get(r, "id"), &id) || !id.len;

	*key = hash64(buf_span(&id), 0);
	buf_release(&id);
	return rc ? -1 : 0;
}

static void keep(char **to, struct span v)
{
	if (json_kind(v) <= JSON_NULL)
		return;
	free(*to);
	*to = span_dup(v);
}

int join_take(struct join *j, const struct record *r, struct err *e)
{
	struct span feedback = record_get(r, "feedback");
	struct join_said *s;
	uint64_t key, *at;
	int added;

	if (key_of(r, &key))
		return err_set(e, "feedback without an id");
	at = map_put(&j->by_id, key, j->n, &added);
	if (added) {
		j->said = mem_grow(j->said, &j->cap, j->n + 1, sizeof *j->said);
		memset(&j->said[j->n++], 0, sizeof *j->said);
	}
	s = &j->said[*at];
	keep(&s->value, json_member(feedback, "value"));
	keep(&s->comment, json_member(feedback, "comment"));
	keep(&s->ideal, record_get(r, "ideal"));
	return 0;
}

int join_put(struct join *j, const struct record *r, struct buf *out, struct err *e)
{
	struct edit edits[2];
	struct buf said = BUF_INIT;
	struct join_said *s;
	uint64_t key, *at;
	size_t n = 0;
	struct jw w;
	int rc;

	if (key_of(r, &key) || !(at = map_get(&j->by_id, key)))
		return buf_addspan(out, r->line);
	s = &j->said[*at];
	s->used = 1;
	if (json_kind(record_get(r, "shadow")) != JSON_TRUE && (s->value || s->comment)) {
		jw_init(&w, &said);
		jw_object(&w);
		if (s->value)
			jw_put_raw(&w, "value", span_of(s->value));
		if (s->comment)
			jw_put_raw(&w, "comment", span_of(s->comment));
		jw_end(&w);
		edits[n++] = (struct edit){"feedback", buf_span(&said)};
	}
	if (s->ideal)
		edits[n++] = (struct edit){"ideal", span_of(s->ideal)};
	rc = record_splice(r, edits, n, out) ? err_set(e, "a record too long to write") : 0;
	buf_release(&said);
	return rc;
}

size_t join_left(const struct join *j)
{
	size_t left = 0;

	for (size_t i = 0; i < j->n; i++)
		left += !j->said[i].used;
	return left;
}
