/* Evaluation by other programs; see outside.h. */
#include "outside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../base/mem.h"

struct path *outside_best(const char *text, int *least, struct err *e)
{
	size_t n = strlen(text);
	*least = n > 4 && strcmp(text + n - 4, ":min") == 0;
	char *path = mem_strndup(text, *least ? n - 4 : n);
	struct path *p = path_compile(path, e);
	free(path);
	return p;
}

/* One line of output; *found counts the objects. */
static void take_line(const struct outside *o, struct span line, struct buf *json, size_t *found,
		      double *score)
{
	struct err e = ERR_INIT;
	struct buf scratch = BUF_INIT;
	struct span v;
	if (json_check(line, &v, &e) || json_kind(v) != JSON_OBJECT)
		return;
	if ((*found)++)
		buf_addc(json, ',');
	buf_addspan(json, v);
	if (o->best && isnan(*score) && json_number(path_find(o->best, v, &scratch), score))
		*score = NAN;
	buf_release(&scratch);
}

int outside_run(const struct outside *o, const char *model, const char *adapter, uint64_t step,
		struct buf *json, double *score, struct err *e)
{
	char text[32], *line = NULL;
	size_t cap = 0, found = 0;
	ssize_t n;
	*score = NAN;
	snprintf(text, sizeof text, "%llu", (unsigned long long)step);
	setenv("FT_MODEL", model, 1);
	setenv("FT_ADAPTER", adapter, 1);
	setenv("FT_STEP", text, 1);
	FILE *f = popen(o->command, "r");
	if (!f)
		return err_errno(e, "--eval");
	buf_addc(json, '[');
	while ((n = getline(&line, &cap, f)) >= 0)
		take_line(o, (struct span){line, (size_t)n}, json, &found, score);
	buf_addc(json, ']');
	free(line);
	int status = pclose(f);
	if (status < 0)
		return err_errno(e, "--eval");
	if (WIFSIGNALED(status))
		return err_set(e, "--eval: ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == 2 || WEXITSTATUS(status) > 4)
		return err_set(e, "--eval: ended with status %d", WEXITSTATUS(status));
	if (o->best && isnan(*score))
		return err_set(e, "--eval: no number at %s in its output", path_text(o->best));
	return 0;
}
