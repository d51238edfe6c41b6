/* path: dotted paths. See path.h. */
#include "path.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "marked.h"

enum step_kind { STEP_MEMBER, STEP_ELEMENT, STEP_DECODE };

struct step {
	enum step_kind kind;
	char *name;	 /* STEP_MEMBER */
	long long index; /* STEP_ELEMENT */
};

struct path {
	char *text;
	struct step *steps;
	size_t n, cap;
};

void path_free(struct path *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->steps[i].name);
	free(p->steps);
	free(p->text);
	free(p);
}

const char *path_text(const struct path *p)
{
	return p->text;
}

static void add_step(struct path *p, struct step s)
{
	p->steps = mem_grow(p->steps, &p->cap, p->n + 1, sizeof *p->steps);
	p->steps[p->n++] = s;
}

/* [3], [-1] or ["odd name"] at c. Returns the position behind it or NULL. */
static const char *parse_bracket(struct path *p, const char *c)
{
	if (c[1] == '"') {
		const char *q = c + 2;
		while (*q && *q != '"')
			q += *q == '\\' && q[1] ? 2 : 1;
		if (*q != '"' || q[1] != ']')
			return NULL;
		struct span quoted = {c + 1, (size_t)(q - c)}, v;
		struct buf b = BUF_INIT;
		if (json_check(quoted, &v, NULL)) {
			return NULL;
		}
		json_string(v, &b);
		add_step(p, (struct step){.kind = STEP_MEMBER, .name = buf_detach(&b, NULL)});
		return q + 2;
	}
	char *end;
	errno = 0;
	long long i = strtoll(c + 1, &end, 10);
	if (end == c + 1 || *end != ']' || errno == ERANGE || isspace((unsigned char)c[1]))
		return NULL;
	add_step(p, (struct step){.kind = STEP_ELEMENT, .index = i});
	return end + 1;
}

static const char *parse_step(struct path *p, const char *c, int first)
{
	if (*c == '|') {
		add_step(p, (struct step){.kind = STEP_DECODE});
		return c + 1;
	}
	if (*c == '[')
		return parse_bracket(p, c);
	if (*c == '.' && c[1] == '[')
		return parse_bracket(p, c + 1);
	if (*c == '.')
		c++;
	else if (!first)
		return NULL;
	size_t n = strcspn(c, ".[]|");
	if (n == 0)
		return NULL;
	add_step(p, (struct step){.kind = STEP_MEMBER, .name = mem_strndup(c, n)});
	return c + n;
}

struct path *path_compile(const char *text, struct err *e)
{
	struct path *p = mem_alloc(1, sizeof *p);
	struct buf b = BUF_INIT;
	buf_addf(&b, "%s%s", *text == '.' || *text == '[' ? "" : ".", text);
	p->text = buf_detach(&b, NULL);
	const char *c = text;
	if (strcmp(text, ".") == 0)
		return p; /* the record itself */
	if (!*text)
		c = NULL;
	while (c && *c) {
		int first = c == text || c[-1] == '|';
		c = parse_step(p, c, first);
	}
	if (!c) {
		path_free(p);
		err_set(e,
			"\"%s\" is no path; write it like .usage.total_tokens or .messages[-1].content",
			text);
		return NULL;
	}
	return p;
}

/* From step i on. The marks (or NULL) are those of the text that value is a part of. */
static struct span find(const struct path *p, size_t i, const struct marks *marks,
			struct span value, struct buf *scratch)
{
	for (; i < p->n && value.s; i++) {
		const struct step *s = &p->steps[i];
		if (s->kind == STEP_MEMBER) {
			value = json_member_marked(marks, value, s->name);
		} else if (s->kind == STEP_ELEMENT) {
			value = json_element_marked(marks, value, s->index);
		} else {
			/* value may stand in scratch already, so the text is decoded beside it. */
			struct buf text = {.max = scratch->max};
			if (json_string(value, &text) ||
			    json_check(buf_span(&text), &value, NULL)) {
				buf_release(&text);
				return (struct span){0};
			}
			buf_release(scratch);
			*scratch = text;
			marks = NULL;
		}
	}
	return value;
}

struct span path_find(const struct path *p, struct span value, struct buf *scratch)
{
	return find(p, 0, NULL, value, scratch);
}

struct span path_get(const struct path *p, const struct record *r, struct buf *scratch)
{
	const struct marks *marks = r->marks.s ? &r->marks : NULL;

	if (p->n && p->steps[0].kind == STEP_MEMBER)
		return find(p, 1, marks, record_get(r, p->steps[0].name), scratch);
	return find(p, 0, marks, r->body, scratch);
}
