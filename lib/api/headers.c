/* headers: what goes along with every request to an API beside the key. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "api.h"

#define FILE_MAX_BYTES ((size_t)64 << 10)

struct headers {
	char **v;
	size_t n, cap;
};

/* Of a header's line: up to the colon. */
static size_t name_length(const char *line)
{
	return strcspn(line, ":");
}

static int has(const struct headers *h, const char *line)
{
	for (size_t i = 0; i < h->n; i++)
		if (name_length(h->v[i]) == name_length(line) &&
		    strncasecmp(h->v[i], line, name_length(line)) == 0)
			return 1;
	return 0;
}

static void append(struct headers *h, const char *line)
{
	h->v = mem_grow(h->v, &h->cap, h->n + 2, sizeof *h->v);
	h->v[h->n++] = mem_strdup(line);
	h->v[h->n] = NULL;
}

/* The value is not shown: it may be a secret. */
static int check(const char *line, struct err *e)
{
	size_t n = name_length(line);

	if (!n || !line[n] ||
	    strspn(line,
		   "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
		    n)
		return err_set(e, "--header: must be a line such as 'Name: value'");
	for (const char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return err_set(e, "--header: %.*s: holds a control character",
				       (int)(n > 80 ? 80 : n), line);
	return 0;
}

static int add_file(struct headers *h, const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	char *rest, *line;
	int rc = file_read(path, FILE_MAX_BYTES, &text, e) ? err_prefix(e, "--header") : 0;

	for (rest = text.data; !rc && rest && (line = strsep(&rest, "\r\n"));)
		if (*line && !(rc = check(line, e)))
			append(h, line);
	buf_release(&text);
	return rc;
}

char **api_headers(enum dialect_kind d, const char *const *lines, size_t n, struct err *e)
{
	static const char *const wanted[] = {"Content-Type: application/json",
					     "anthropic-version: 2023-06-01"};
	struct headers h = {NULL, 0, 0};
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		if (lines[i][0] == '@')
			rc = add_file(&h, lines[i] + 1, e);
		else if (!(rc = check(lines[i], e)))
			append(&h, lines[i]);
	for (int i = 0; i < (d == DIALECT_ANTHROPIC ? 2 : 1); i++)
		if (!has(&h, wanted[i]))
			append(&h, wanted[i]);
	if (!rc)
		return h.v;
	api_headers_free(h.v);
	return NULL;
}

void api_headers_free(char **headers)
{
	for (size_t i = 0; headers && headers[i]; i++)
		free(headers[i]);
	free(headers);
}
