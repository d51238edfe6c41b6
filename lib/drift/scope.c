/* scope: see the header. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "scope.h"

static char *with_dot(struct scope *s, const char *path, size_t n)
{
	struct buf b = BUF_INIT;

	if (n && path[0] != '.' && path[0] != '[')
		buf_addc(&b, '.');
	buf_add(&b, path, n);
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
	char *path = with_dot(s, text, type ? (size_t)(colon - text) : strlen(text));
	struct path *compiled = path_compile(path, e);

	if (!compiled)
		return err_prefix(e, "--path");
	s->types[s->options.paths_n++] = (struct drift_type){path, type};
	if (is_walked(path))
		path_free(compiled);
	else
		s->find[s->find_n++] = compiled;
	return 0;
}

int scope_init(struct scope *s, const struct scope_request *q, struct err *e)
{
	*s = (struct scope){.options = DRIFT_OPTIONS_INIT};
	s->names = mem_alloc(q->paths_n + q->exclude_n + 2, sizeof *s->names);
	s->types = mem_alloc(q->paths_n, sizeof *s->types);
	s->find = mem_alloc(q->paths_n, sizeof *s->find);
	s->exclude = mem_alloc(q->exclude_n + 1, sizeof *s->exclude);
	for (size_t i = 0; i < q->paths_n; i++) {
		if (add_path(s, q->paths[i], e))
			goto bad;
	}
	for (size_t i = 0; i < q->exclude_n; i++)
		s->exclude[i] = with_dot(s, q->exclude[i], strlen(q->exclude[i]));
	s->options.paths = s->types;
	s->options.exclude = s->exclude;
	s->options.exclude_n = q->exclude_n;
	if (q->estimate) {
		s->estimate = with_dot(s, q->estimate, strlen(q->estimate));
		s->truth = s->exclude[s->options.exclude_n++] =
			with_dot(s, q->truth, strlen(q->truth));
	}
	if (q->time && !(s->time = path_compile(q->time, e))) {
		err_prefix(e, "--time");
		goto bad;
	}
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
	*s = (struct scope){0};
}
