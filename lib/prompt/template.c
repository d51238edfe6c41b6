/* template: compiled once into pieces (literal text, a path, a caller's name), then filled for each
 * record. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/path.h"
#include "template.h"

struct piece {
	char *text; /* a literal; NULL for the others */
	struct path *path;
	size_t var; /* where path is NULL too */
};

struct template
{
	struct piece *pieces;
	size_t n, cap;
	const char *const *names; /* borrowed */
};

void template_free(struct template *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		free(t->pieces[i].text);
		path_free(t->pieces[i].path);
	}
	free(t->pieces);
	free(t);
}

static struct piece *add_piece(struct template *t)
{
	t->pieces = mem_grow(t->pieces, &t->cap, t->n + 1, sizeof *t->pieces);
	memset(&t->pieces[t->n], 0, sizeof *t->pieces);
	return &t->pieces[t->n++];
}

static void add_literal(struct template *t, struct buf *text)
{
	if (text->len)
		add_piece(t)->text = buf_detach(text, NULL);
}

static int add_inner(struct template *t, struct span inner, struct err *e)
{
	char *text;
	struct piece *p;

	while (inner.n && isspace((unsigned char)*inner.s))
		inner.s++, inner.n--;
	while (inner.n && isspace((unsigned char)inner.s[inner.n - 1]))
		inner.n--;
	for (size_t i = 0; t->names && t->names[i]; i++)
		if (span_is(inner, t->names[i])) {
			add_piece(t)->var = i;
			return 0;
		}
	text = span_dup(inner);
	p = add_piece(t);
	p->path = path_compile(text, e);
	free(text);
	return p->path ? 0 : -1;
}

struct template *template_compile(const char *text, const char *const *names, struct err *e)
{
	struct template *t = mem_alloc(1, sizeof *t);
	struct buf literal = BUF_INIT;

	t->names = names;
	while (*text) {
		const char *end;

		if (strncmp(text, "\\{{", 3) == 0) {
			buf_adds(&literal, "{{");
			text += 3;
			continue;
		}
		if (strncmp(text, "{{", 2) != 0) {
			buf_addc(&literal, *text++);
			continue;
		}
		add_literal(t, &literal);
		end = strstr(text + 2, "}}");
		if (!end) {
			err_set(e,
				"template: \"%.20s\" has no closing }} (a literal {{ is written \\{{)",
				text);
			goto fail;
		}
		if (add_inner(t, (struct span){text + 2, (size_t)(end - text - 2)}, e)) {
			err_prefix(e, "template: {{%.*s}}",
				   (int)(end - text - 2 > 80 ? 80 : end - text - 2), text + 2);
			goto fail;
		}
		text = end + 2;
	}
	add_literal(t, &literal);
	buf_release(&literal);
	return t;
fail:
	buf_release(&literal);
	template_free(t);
	return NULL;
}

int template_uses(const struct template *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct piece *p = &t->pieces[i];

		if (!p->text && !p->path && strcmp(t->names[p->var], name) == 0)
			return 1;
	}
	return 0;
}

int template_fill(const struct template *t, const struct record *r, const struct template_var *vars,
		  struct buf *out, struct err *e)
{
	struct buf scratch = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < t->n && !rc; i++) {
		const struct piece *p = &t->pieces[i];
		struct span v;

		if (p->text) {
			buf_adds(out, p->text);
			continue;
		}
		if (!p->path) {
			if (vars)
				buf_addspan(out, vars[p->var].text);
			continue;
		}
		v = path_get(p->path, r, &scratch);
		if (json_kind(v) == JSON_NONE)
			rc = err_set(e, "the template's %s is not in the record",
				     path_text(p->path));
		else if (json_string(v, out))
			buf_addspan(out, v);
	}
	buf_release(&scratch);
	if (!rc && out->full)
		rc = err_set(e, "the filled template is too long");
	return rc;
}
