/* several: requests handed to the one of several local models that they name. See several.h. */
#include "several.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../model/hub.h"
#include "local.h"

struct several {
	struct backend v[SEVERAL_MAX];
	char *names[SEVERAL_MAX];
	size_t n;
	long in_hand[SEVERAL_MAX];
	char *list;
};

/* The model that a request names; the first for one that names none. */
static size_t which(const struct several *s, const struct backend_request *q)
{
	for (size_t i = 0; q->model.s && i < s->n; i++)
		if (span_is(q->model, s->names[i]))
			return i;
	return 0;
}

static size_t several_wants(void *self)
{
	struct several *s = self;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < s->n; i++) {
		size_t wants = s->v[i].wants(s->v[i].self);

		if (wants < least)
			least = wants;
	}
	return least;
}

static int several_build(void *self, const struct backend_request *q, struct buf *body,
			 struct err *e)
{
	struct several *s = self;
	struct backend *b = s->v + which(s, q);
	struct backend_request own = *q;

	own.model = (struct span){0};
	return b->build(b->self, &own, body, e);
}

static int several_without_system(void *self, struct span model)
{
	struct several *s = self;
	struct backend_request q = {.model = model};
	struct backend *b = s->v + which(s, &q);

	return b->without_system(b->self, (struct span){0});
}

static int several_identity(void *self, struct buf *text, struct err *e)
{
	struct several *s = self;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].identity(s->v[i].self, text, e))
			return -1;
		buf_addc(text, '\n');
	}
	return 0;
}

static int several_submit(void *self, uint64_t ticket, const struct backend_request *q,
			  struct span body, struct err *e)
{
	struct several *s = self;
	size_t i = which(s, q);
	struct backend_request own = *q;

	own.model = (struct span){0};
	s->in_hand[i]++;
	return s->v[i].submit(s->v[i].self, ticket, &own, body, e);
}

/* Each that has work makes some; none of them waits while another could compute. */
static long several_run(void *self, double wait, backend_done *done, void *arg, struct err *e)
{
	struct several *s = self;
	long all = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->in_hand[i] == 0)
			continue;
		s->in_hand[i] = s->v[i].run(s->v[i].self, s->n > 1 ? 0 : wait, done, arg, e);
		if (s->in_hand[i] < 0)
			return -1;
	}
	/* Answers may have led to new requests for any of them. */
	for (size_t i = 0; i < s->n; i++)
		all += s->in_hand[i];
	return all;
}

static void several_cancel(void *self, backend_done *done, void *arg)
{
	struct several *s = self;

	for (size_t i = 0; i < s->n; i++)
		s->v[i].cancel(s->v[i].self, done, arg);
}

static void several_remark(void *self, struct buf *text)
{
	const struct several *s = self;

	for (size_t i = 0; i < s->n; i++)
		s->v[i].remark(s->v[i].self, text);
}

static void several_free(void *self)
{
	struct several *s = self;

	for (size_t i = 0; i < s->n; i++) {
		s->v[i].free(s->v[i].self);
		free(s->names[i]);
	}
	free(s->list);
	free(s);
}

int several_open(struct backend *b, const struct backend_local *how, struct err *e)
{
	struct several *s = mem_alloc(1, sizeof *s);
	const char *at = how->model, *warning = NULL;

	s->list = mem_strdup(how->model);
	do {
		size_t n = strcspn(at, ",");
		struct backend_local one = *how;

		if (s->n == SEVERAL_MAX) {
			err_set(e, "more than %d local models", SEVERAL_MAX);
			goto failed;
		}
		one.model = s->names[s->n] = mem_strndup(at, n);
		if (!hub_is_local(one.model)) {
			err_set(e, "%s is no local model", one.model);
			free(s->names[s->n]);
			goto failed;
		}
		if (local_open(s->v + s->n, &one, e)) {
			free(s->names[s->n]);
			goto failed;
		}
		if (!warning)
			warning = s->v[s->n].warning;
		s->n++;
		at += n;
	} while (*at++);
	*b = (struct backend){s,
			      s->list,
			      1,
			      several_wants,
			      several_build,
			      several_identity,
			      several_submit,
			      several_run,
			      several_cancel,
			      several_free,
			      warning,
			      several_remark,
			      .without_system = several_without_system};
	return 0;
failed:
	several_free(s);
	return -1;
}
