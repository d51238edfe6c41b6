/* scope: see the header. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "scope.h"

/* A member's name in brackets, as written; returns what stands behind it. */
static const char *put_bracketed(struct buf *b, const char *c)
{
	const char *end = c + 2;
	struct buf name = BUF_INIT;
	struct span v;

	while (*end != '"')
		end += *end == '\\' ? 2 : 1;
	if (!json_check((struct span){c + 1, (size_t)(end - c)}, &v, NULL))
		json_string(v, &name);
	frame_put_name(b, buf_span(&name));
	buf_release(&name);
	return end + 2;
}

/* A path as the walk would write it, whichever way the user did: `prompt` and `.["prompt"]` are
 * .prompt. NULL where it is no path. */
static char *as_walked(struct scope *s, const char *text, size_t n, struct err *e)
{
	char *given = mem_strndup(text, n);
	const char *c = given;
	struct path *compiled = path_compile(given, e);
	struct buf b = BUF_INIT;

	if (!compiled) {
		free(given);
		return NULL;
	}
	path_free(compiled);
	while (*c && strcmp(given, ".") != 0) {
		c += *c == '.';
		if (c[0] == '[' && c[1] == '"') {
			c = put_bracketed(&b, c);
		} else if (*c == '|') {
			buf_addc(&b, *c++);
		} else {
			size_t k = *c == '[' ? strcspn(c, "]") + 1 : strcspn(c, ".[]|");
			if (*c == '[')
				buf_add(&b, c, k);
			else
				frame_put_name(&b, (struct span){c, k});
			c += k;
		}
	}
	if (strcmp(given, ".") == 0)
		buf_addc(&b, '.');
	free(given);
	return s->names[s->names_n++] = buf_detach(&b, NULL);
}

/* The walk finds all but single elements of arrays; of messages it finds those counted from the
 * front. */
static int is_walked(const char *path)
{
	const char *element = strchr(path, '[');

	return !element || strncmp(path, ".output", 7) == 0 || element[1] == '"' ||
	       (strncmp(path, ".messages[", 10) == 0 && element[1] != '-');
}

/* A colon that no type follows belongs to the path. */
static int add_path(struct scope *s, const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');
	enum type type = colon ? type_named(colon + 1) : TYPE_NONE;
	char *path = as_walked(s, text, type ? (size_t)(colon - text) : strlen(text), e);
	struct path *compiled = path ? path_compile(path, e) : NULL;

	if (!compiled)
		return err_prefix(e, "--path");
	s->types[s->options.paths_n++] = (struct drift_type){path, type};
	if (is_walked(path))
		path_free(compiled);
	else
		s->find[s->find_n++] = compiled;
	return 0;
}

static int add_single(struct scope *s, const char *text, const char *option, struct path **path,
		      struct err *e)
{
	const char *walked = text ? as_walked(s, text, strlen(text), e) : NULL;

	if (!text)
		return 0;
	if (!walked || !(*path = path_compile(walked, e)))
		return err_prefix(e, "%s", option);
	return 0;
}

int scope_init(struct scope *s, const struct scope_request *q, struct err *e)
{
	*s = (struct scope){.options = DRIFT_OPTIONS_INIT};
	s->names = mem_alloc(q->paths_n + q->exclude_n + 4, sizeof *s->names);
	s->types = mem_alloc(q->paths_n, sizeof *s->types);
	s->find = mem_alloc(q->paths_n, sizeof *s->find);
	s->exclude = mem_alloc(q->exclude_n + 1, sizeof *s->exclude);
	for (size_t i = 0; i < q->paths_n; i++) {
		if (add_path(s, q->paths[i], e))
			goto bad;
	}
	for (size_t i = 0; i < q->exclude_n; i++) {
		if (!(s->exclude[i] = as_walked(s, q->exclude[i], strlen(q->exclude[i]), e))) {
			err_prefix(e, "--exclude");
			goto bad;
		}
	}
	s->options.paths = s->types;
	s->options.exclude = s->exclude;
	s->options.exclude_n = q->exclude_n;
	if (q->estimate) {
		s->estimate = as_walked(s, q->estimate, strlen(q->estimate), e);
		s->truth = s->estimate ? as_walked(s, q->truth, strlen(q->truth), e) : NULL;
		if (!s->truth) {
			err_prefix(e, s->estimate ? "--truth" : "--estimate-from");
			goto bad;
		}
		s->exclude[s->options.exclude_n++] = s->truth;
	}
	if (add_single(s, q->time, "--time", &s->time, e) ||
	    add_single(s, q->cluster, "--cluster", &s->cluster, e))
		goto bad;
	return 0;
bad:
	scope_release(s);
	return -1;
}

void scope_release(struct scope *s)
{
	for (size_t i = 0; i < s->names_n; i++)
		free(s->names[i]);
	for (size_t i = 0; i < s->find_n; i++)
		path_free(s->find[i]);
	free(s->names);
	free(s->types);
	free(s->find);
	free(s->exclude);
	path_free(s->time);
	path_free(s->cluster);
	*s = (struct scope){0};
}
