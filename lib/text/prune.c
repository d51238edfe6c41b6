/* prune: see prune.h. */
#include "prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "hash.h"

#define TEXT_MAX ((size_t)1 << 20)

void prune_release(struct prune *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->texts[i]);
	free(p->texts);
	memset(p, 0, sizeof *p);
}

int prune_add(struct prune *p, const char *text, const char *file, struct err *e)
{
	struct buf b = BUF_INIT;

	if (file ? file_read(file, TEXT_MAX, &b, e) : buf_adds(&b, text)) {
		buf_release(&b);
		return -1;
	}
	while (file && b.len && strchr("\r\n", b.data[b.len - 1]))
		b.data[--b.len] = '\0';
	if (!b.len || memchr(b.data, '\0', b.len)) {
		buf_release(&b);
		return err_set(e, "%s%sa text to prune is empty or holds a NUL", file ? file : "",
			       file ? ": " : "");
	}
	p->texts = mem_grow(p->texts, &p->cap, p->n + 1, sizeof(char *));
	p->texts[p->n++] = buf_detach(&b, NULL);
	return 0;
}

int prune_add_all(struct prune *p, const char *const *values, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *v = values[i];
		int is_file = *v == '@' && v[1] != '@';

		if (prune_add(p, *v == '@' ? v + 1 : v, is_file ? v + 1 : NULL, e))
			return err_prefix(e, "--prune");
	}
	return 0;
}

void prune_hash(const struct prune *p, char hash[17])
{
	uint64_t h = p->n;

	hash[0] = '\0';
	for (size_t i = 0; i < p->n; i++)
		h = hash_mix(h, hash64(span_of(p->texts[i]), 0));
	if (p->n)
		snprintf(hash, 17, "%016llx", (unsigned long long)h);
}

/* A string without the texts, which are marked in found; 0 where it stays. */
static int prune_string(const struct prune *p, struct span string, char *found, struct buf *to)
{
	struct buf text = BUF_INIT, rest = BUF_INIT;
	int some = 0;

	json_string(string, &text);
	for (size_t i = 0; i < p->n; i++) {
		size_t n = strlen(p->texts[i]);
		const char *at = text.len ? memmem(text.data, text.len, p->texts[i], n) : NULL;

		if (!at)
			continue;
		some = found[i] = 1;
		buf_clear(&rest);
		buf_add(&rest, text.data, (size_t)(at - text.data));
		buf_add(&rest, at + n, text.len - n - (size_t)(at - text.data));
		buf_clear(&text);
		buf_addspan(&text, buf_span(&rest));
	}
	if (some)
		json_put_string(to, text.data ? text.data : "", text.len);
	buf_release(&text);
	buf_release(&rest);
	return some;
}

static int prune_value(const struct prune *p, struct span value, int is_text, char *found,
		       struct buf *to)
{
	enum json_kind kind = json_kind(value);
	struct json_iter it = {0};
	struct span key, v;
	size_t n = 0;
	int some = 0;

	if (kind == JSON_STRING && is_text && prune_string(p, value, found, to))
		return 1;
	if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
		buf_addspan(to, value);
		return 0;
	}
	buf_addc(to, kind == JSON_ARRAY ? '[' : '{');
	while (json_next(&it, value, &key, &v)) {
		buf_adds(to, n++ ? "," : "");
		if (kind == JSON_OBJECT) {
			buf_addspan(to, key);
			buf_addc(to, ':');
		}
		some |= prune_value(p, v,
				    kind == JSON_ARRAY || json_is(key, "content") ||
					    json_is(key, "text"),
				    found, to);
	}
	buf_addc(to, kind == JSON_ARRAY ? ']' : '}');
	return some;
}

size_t prune_edits(const struct prune *p, const struct record *r, struct edit *edits,
		   struct buf *room, size_t *missing)
{
	static const char *const names[PRUNE_EDITS] = {"messages", "system", "instructions",
						       "input", "prompt"};
	char *found = mem_alloc(p->n, 1);
	size_t n = 0;

	*missing = 0;
	for (size_t i = 0; p->n && i < PRUNE_EDITS; i++) {
		struct span v = record_get(r, names[i]);

		if (json_kind(v) > JSON_NULL && prune_value(p, v, 1, found, &room[i]))
			edits[n++] = (struct edit){names[i], buf_span(&room[i])};
	}
	for (size_t i = 0; i < p->n; i++)
		*missing += !found[i];
	free(found);
	return n;
}
