/* Walks the statements of the tree, writing output; and the doors of the room: compiling and
 * rendering. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "jinja_impl.h"

enum flow { GO, BROKE, CONTINUED }; /* what a body ended with; -1 is an error */

/* Statements in order, until one breaks off. */
static int body(struct jrun *r, struct jscope *s, struct jnode *const *list, size_t n);

/* Runs statements with their output caught. */
int jcaptured(struct jrun *r, struct jscope *s, struct jnode *const *list, size_t n, struct jv *out)
{
	struct buf text = BUF_INIT, *before = r->out;
	int rc;

	text.max = r->limits.output;
	r->out = &text;
	rc = body(r, s, list, n);
	r->out = before;
	if (rc < 0) {
		buf_release(&text);
		return -1;
	}
	return jv_buf(r, &text, out) ? -1 : rc;
}

static int assign(struct jrun *r, struct jscope *s, const struct jnode *target, struct jv v)
{
	struct jv *n;

	if (target->kind == N_NAME)
		return jscope_set(r, s, target->name, v);
	n = jscope_find(r, s, target->a->name);
	if (!n || n->kind != J_NAMESPACE)
		return jfail(r, "'%.*s' is no namespace, so '%.*s' cannot be set on it",
			     (int)target->a->name.n, target->a->name.s, (int)target->name.n,
			     target->name.s);
	return jv_put(r, n->dict, jv_string(target->name), v);
}

static int assign_all(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv v)
{
	struct jlist *parts;
	size_t i;

	if (!n->unpack)
		return assign(r, s, n->targets[0], v);
	if (jv_items(r, &v, &parts))
		return -1;
	if (parts->n != n->ntargets)
		return jfail(r, "%zu values cannot be taken into %zu names", parts->n, n->ntargets);
	for (i = 0; i < parts->n; i++)
		if (assign(r, s, n->targets[i], parts->v[i]))
			return -1;
	return 0;
}

static int statement_for(struct jrun *r, struct jscope *s, const struct jnode *n)
{
	struct jv seq, kept, keep;
	struct jlist *items;
	struct jloop *loop;
	struct jscope *inner;
	size_t i;
	int flow = GO;

	if (jeval(r, s, n->a, &seq))
		return -1;
	r->line = n->line;
	if (jv_items(r, &seq, &items))
		return -1;
	if (n->b) {
		if (jv_list(r, &kept))
			return -1;
		for (i = 0; i < items->n; i++) {
			if (!(inner = jscope_new(r, s)) || assign_all(r, inner, n, items->v[i]) ||
			    jeval(r, inner, n->b, &keep))
				return -1;
			if (jv_true(&keep) && jv_push(r, kept.list, items->v[i]))
				return -1;
		}
		items = kept.list;
	}
	if (!items->n)
		return n->c ? body(r, s, n->c->list, n->c->n) : GO;
	if (!(loop = arena_get(&r->arena, sizeof *loop)))
		return jfail(r, "the template needs too much memory");
	loop->items = items;
	loop->depth = ++r->loops;
	for (i = 0; i < items->n && flow != BROKE; i++) {
		struct jv v = {.kind = J_LOOP};

		v.loop = loop;
		loop->index = i;
		if (jcharge(r, 1) || !(inner = jscope_new(r, s)) ||
		    assign_all(r, inner, n, items->v[i]) ||
		    jscope_set(r, inner, span_of("loop"), v) ||
		    (flow = body(r, inner, n->list, n->n)) < 0)
			return -1;
	}
	r->loops--;
	return GO;
}

static int statement_if(struct jrun *r, struct jscope *s, const struct jnode *n)
{
	struct jv v;
	size_t i;

	for (i = 0; i + 1 < n->n; i += 2) {
		if (n->list[i]) {
			if (jeval(r, s, n->list[i], &v))
				return -1;
			if (!jv_true(&v))
				continue;
		}
		return body(r, s, n->list[i + 1]->list, n->list[i + 1]->n);
	}
	return GO;
}

/* A chain of filters whose innermost operand is missing, over v. */
static int filter_chain(struct jrun *r, struct jscope *s, const struct jnode *n, struct jv v,
			struct jv *out)
{
	struct jcall c;

	if (!n) {
		*out = v;
		return 0;
	}
	if (filter_chain(r, s, n->a, v, &v) || jarguments(r, s, n, &c))
		return -1;
	r->line = n->line;
	return jfilter(r, n->name, &v, &c, out);
}

static int output(struct jrun *r, const struct jv *v)
{
	if (jv_print(r, v, r->out))
		return -1;
	if (r->out->full)
		return jfail(r, "the template writes more than %zu MB", r->limits.output >> 20);
	return 0;
}

static int generation(struct jrun *r, struct jscope *s, const struct jnode *n)
{
	size_t begin = r->out->len;
	struct jinja_marks *m = r->marks;
	int flow;

	if (r->out != r->main_out)
		return jfail(r,
			     "{%% generation %%} inside a macro or a captured block is not supported");
	if ((flow = body(r, jscope_new(r, s), n->list, n->n)) < 0)
		return -1;
	if (m) {
		m->v = mem_grow(m->v, &m->cap, m->n + 1, sizeof *m->v);
		m->v[m->n++] =
			(struct jinja_mark){begin - r->main_start, r->out->len - r->main_start};
	}
	return flow;
}

static int statement(struct jrun *r, struct jscope *s, const struct jnode *n)
{
	struct jv v;
	struct jscope *inner;
	size_t i;

	switch (n->kind) {
	case N_TEXT:
		return output(r, &n->value);
	case N_OUTPUT:
		return jeval(r, s, n->a, &v) ? -1 : output(r, &v);
	case N_IF:
		return statement_if(r, s, n);
	case N_FOR:
		return statement_for(r, s, n);
	case N_SET:
		return jeval(r, s, n->a, &v) ? -1 : assign_all(r, s, n, v);
	case N_SET_BLOCK:
		if (!(inner = jscope_new(r, s)) || jcaptured(r, inner, n->list, n->n, &v) < 0 ||
		    filter_chain(r, s, n->a, v, &v))
			return -1;
		return assign_all(r, s, n, v);
	case N_FILTER_BLOCK:
		if (!(inner = jscope_new(r, s)) || jcaptured(r, inner, n->list, n->n, &v) < 0 ||
		    filter_chain(r, s, n->a, v, &v))
			return -1;
		return output(r, &v);
	case N_MACRO:
	case N_CALL_BLOCK:
		v = (struct jv){.kind = J_MACRO};
		if (!(v.macro = arena_get(&r->arena, sizeof *v.macro)))
			return jfail(r, "the template needs too much memory");
		v.macro->node = n;
		v.macro->scope = s;
		if (n->kind == N_MACRO)
			return jscope_set(r, s, n->name, v);
		return jcall_node(r, s, n->a, &v, &v) ? -1 : output(r, &v);
	case N_WITH:
		if (!(inner = jscope_new(r, s)))
			return -1;
		for (i = 0; i < n->nargs; i++)
			if (jeval(r, s, n->args[i].value, &v) ||
			    jscope_set(r, inner, n->args[i].name, v))
				return -1;
		return body(r, inner, n->list, n->n);
	case N_BREAK:
		return BROKE;
	case N_CONTINUE:
		return CONTINUED;
	case N_GENERATION:
		return generation(r, s, n);
	default:
		return jfail(r, "not a statement");
	}
}

static int body(struct jrun *r, struct jscope *s, struct jnode *const *list, size_t n)
{
	size_t i;
	int flow = GO;

	if (!s || jenter(r))
		return -1;
	for (i = 0; i < n && flow == GO; i++) {
		r->line = list[i]->line;
		if (jcharge(r, 1))
			return -1;
		flow = statement(r, s, list[i]);
	}
	r->depth--;
	return flow;
}

/* --- from outside --- */

struct jinja *jinja_compile(struct span source, const char *name, struct err *e)
{
	struct jinja *t;
	struct jtokens tokens = {0};
	char *copy;

	if (source.n > JINJA_SOURCE_MAX) {
		err_set(e, "%s: a template of %zu bytes is too large", name, source.n);
		return NULL;
	}
	t = mem_alloc(1, sizeof *t);
	t->arena.max = (size_t)256 << 20;
	t->name = copy = arena_get(&t->arena, strlen(name) + 1);
	memcpy(copy, name, strlen(name));
	if (jinja_lex(t, source, &tokens, e) || jinja_parse(t, &tokens, e)) {
		jinja_free(t);
		t = NULL;
	}
	free(tokens.v);
	return t;
}

int jinja_reads(const struct jinja *t, struct span name)
{
	const struct jname *r = t->reads;

	while (r && !(r->name.n == name.n && !memcmp(r->name.s, name.s, name.n)))
		r = r->next;
	return r != NULL;
}

void jinja_free(struct jinja *t)
{
	if (!t)
		return;
	arena_release(&t->arena);
	free(t);
}

void jinja_marks_release(struct jinja_marks *m)
{
	free(m->v);
	memset(m, 0, sizeof *m);
}

int jinja_render(const struct jinja *t, struct span vars, int64_t now,
		 const struct jinja_limits *limits, struct buf *out, struct jinja_marks *marks,
		 struct err *e)
{
	struct jrun r = {.t = t,
			 .now = now,
			 .out = out,
			 .main_out = out,
			 .main_start = out->len,
			 .marks = marks,
			 .e = e,
			 .line = 1};
	struct json_iter it = {0};
	struct span key, value;
	struct jscope *globals, *top;
	struct jv k, v;
	size_t max = out->max;
	int rc = -1;

	if (limits)
		r.limits = *limits;
	if (!r.limits.steps)
		r.limits.steps = 20000000;
	if (!r.limits.output)
		r.limits.output = (size_t)32 << 20;
	if (!r.limits.memory)
		r.limits.memory = (size_t)1 << 30;
	r.arena.max = r.limits.memory;
	if (marks)
		marks->n = 0;
	out->max = out->len + r.limits.output;
	if (!(globals = jscope_new(&r, NULL)) || !(top = jscope_new(&r, globals)))
		goto cleanup;
	while (json_next(&it, vars, &key, &value))
		if (jv_from_json(&r, key, 0, &k) || jv_from_json(&r, value, 0, &v) ||
		    jscope_set(&r, globals, k.s, v))
			goto cleanup;
	if (body(&r, top, t->root->list, t->root->n) < 0)
		goto cleanup;
	rc = 0;
cleanup:
	if (rc && out->data) {
		out->len = r.main_start;
		out->data[out->len] = 0;
		out->full = 0;
	}
	out->max = max;
	arena_release(&r.arena);
	return rc;
}
