/* clients: see clients.h. */
#include "clients.h"

#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"

#define FILE_MAX_BYTES ((size_t)16 << 20)
#define KEY_MIN 16 /* shorter ones are guessed */

struct client_key {
	uint8_t sum[SHA256_DIGEST_LENGTH];
	char *name;
};

struct clients {
	struct client_key *v;
	size_t n, cap;
};

void clients_free(struct clients *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].name);
	free(c->v);
	free(c);
}

static void sum_of(struct span key, uint8_t sum[SHA256_DIGEST_LENGTH])
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)key.s, key.n);
	SHA256Final(sum, &ctx);
}

static int add_line(struct clients *c, struct span line, size_t number, struct err *e)
{
	size_t n = 0, at;
	struct client_key *k;

	while (line.n && strchr(" \t\r", line.s[line.n - 1]))
		line.n--;
	while (line.n && (*line.s == ' ' || *line.s == '\t'))
		line.s++, line.n--;
	if (!line.n || *line.s == '#')
		return 0;
	while (n < line.n && line.s[n] != ' ' && line.s[n] != '\t')
		n++;
	if (n < KEY_MIN)
		return err_set(e, "line %zu: a key of %zu characters: take %d or more", number, n,
			       KEY_MIN);
	for (at = n; at < line.n && (line.s[at] == ' ' || line.s[at] == '\t'); at++)
		;
	c->v = mem_grow(c->v, &c->cap, c->n + 1, sizeof *c->v);
	k = &c->v[c->n++];
	sum_of((struct span){line.s, n}, k->sum);
	k->name = at < line.n ? mem_strndup(line.s + at, line.n - at) : NULL;
	return 0;
}

struct clients *clients_read(const char *path, struct err *e)
{
	struct clients *c = mem_alloc(1, sizeof *c);
	struct buf text = BUF_INIT;
	size_t number = 0;
	int rc = file_read(path, FILE_MAX_BYTES, &text, e);

	for (const char *p = text.data, *end = p + text.len; !rc && p && p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);

		if (add_line(c, (struct span){p, n}, ++number, e))
			rc = err_prefix(e, "%s", path);
		p += n + 1;
	}
	if (!rc && !c->n)
		rc = err_set(e, "%s: holds no key", path);
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_release(&text);
	if (!rc)
		return c;
	clients_free(c);
	return NULL;
}

int clients_know(const struct clients *c, struct span key, const char **name)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	int known = 0;

	*name = NULL;
	sum_of(key, sum);
	for (size_t i = 0; i < c->n; i++) {
		unsigned diff = 0;

		for (size_t k = 0; k < sizeof sum; k++)
			diff |= (unsigned)(sum[k] ^ c->v[i].sum[k]);
		if (!diff) {
			known = 1;
			*name = c->v[i].name;
		}
	}
	return known;
}
