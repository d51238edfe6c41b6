/* draft: a few texts and their file. See draft.h. */
#include "draft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "../json/record.h"

#define DRAFTS_MAX ((size_t)256 << 20)

static char *text_of(const struct record *r, const char *name)
{
	struct buf b = BUF_INIT;
	if (json_string(record_get(r, name), &b)) {
		buf_release(&b);
		return NULL;
	}
	return buf_detach(&b, NULL);
}

static void read_line(struct drafts *d, struct record *r, struct span line)
{
	if (record_parse(r, line, NULL))
		return;
	struct draft x = {.who = text_of(r, "who"), .text = text_of(r, "text")};
	char *key = text_of(r, "key"), *row = text_of(r, "row");
	if (x.who && x.text && key && row && strlen(key) < sizeof x.key &&
	    strlen(row) < sizeof x.row) {
		strcpy(x.key, key);
		strcpy(x.row, row);
		d->v = mem_grow(d->v, &d->cap, d->n + 1, sizeof *d->v);
		d->v[d->n++] = x;
	} else {
		free(x.who);
		free(x.text);
	}
	free(key);
	free(row);
}

void drafts_open(struct drafts *d, const char *journal)
{
	struct buf name = BUF_INIT, all = BUF_INIT;
	struct record r = {0};
	buf_addf(&name, "%s.drafts", journal);
	*d = (struct drafts){.path = buf_detach(&name, NULL)};
	if (file_exists(d->path) && file_read(d->path, DRAFTS_MAX, &all, NULL) == 0) {
		for (size_t at = 0; at < all.len;) {
			const char *line = all.data + at, *nl = memchr(line, '\n', all.len - at);
			size_t n = nl ? (size_t)(nl - line) : all.len - at;
			read_line(d, &r, (struct span){line, n});
			at += n + 1;
		}
	}
	record_release(&r);
	buf_release(&all);
}

void drafts_close(struct drafts *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].who);
		free(d->v[i].text);
	}
	free(d->v);
	free(d->path);
	*d = (struct drafts){0};
}

static size_t find(const struct drafts *d, const char *who, const char *key)
{
	size_t i = 0;
	while (i < d->n && (strcmp(d->v[i].who, who) != 0 || strcmp(d->v[i].key, key) != 0))
		i++;
	return i;
}

const char *drafts_get(const struct drafts *d, const char *who, const char *key, const char *row)
{
	size_t i = find(d, who, key);
	return i < d->n && strcmp(d->v[i].row, row) == 0 ? d->v[i].text : NULL;
}

static int save(const struct drafts *d, struct err *e)
{
	struct buf b = BUF_INIT;
	struct jw w;
	if (!d->n)
		return unlink(d->path) && errno != ENOENT ? err_errno(e, "%s", d->path) : 0;
	for (size_t i = 0; i < d->n; i++) {
		jw_init(&w, &b);
		jw_object(&w);
		jw_put_str(&w, "who", d->v[i].who);
		jw_put_str(&w, "key", d->v[i].key);
		jw_put_str(&w, "row", d->v[i].row);
		jw_put_str(&w, "text", d->v[i].text);
		jw_end(&w);
		buf_addc(&b, '\n');
	}
	int rc = file_write(d->path, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

int drafts_put(struct drafts *d, const char *who, const char *key, const char *row,
	       const char *text, struct err *e)
{
	size_t i = find(d, who, key);
	if (i == d->n && !text)
		return 0;
	if (i == d->n) {
		d->v = mem_grow(d->v, &d->cap, d->n + 1, sizeof *d->v);
		d->v[d->n++] = (struct draft){.who = mem_strdup(who)};
		snprintf(d->v[i].key, sizeof d->v[i].key, "%s", key);
	}
	free(d->v[i].text);
	d->v[i].text = text ? mem_strdup(text) : NULL;
	snprintf(d->v[i].row, sizeof d->v[i].row, "%s", row);
	if (!text) {
		free(d->v[i].who);
		memmove(&d->v[i], &d->v[i + 1], (--d->n - i) * sizeof *d->v);
	}
	return save(d, e);
}
