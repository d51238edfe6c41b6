/* prompt: requests are put together from raw spans of the record, so that what a user wrote is what
 * is sent. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "../json/members.h"
#include "../json/reader.h"
#include "../text/hash.h"
#include "prompt.h"
#include "retrieve.h"
#include "template.h"

static const char *const names[] = {"context", NULL};

struct prompt {
	struct prompt_options *o;
	struct template *template;
	struct examples *examples;
	struct retrieve *index; /* of the documents */
	char **documents;
	size_t n, cap;
	size_t *found;
	struct buf messages, text, question, context;
	struct buf label, hash; /* JSON */
	struct answer_prompt tags;
};

static int load_documents(struct prompt *p, struct err *e)
{
	char *files[] = {(char *)p->o->documents, NULL};
	struct reader reader;
	struct record r = {0};
	int rc = 0;

	if (!p->template || !template_uses(p->template, "context"))
		return err_set(e,
			       "--context: the template (-t) does not say where: put {{context}} into it");
	reader_init(&reader, files);
	p->index = retrieve_new(e);
	rc = p->index ? 0 : -1;
	while (!rc && (rc = reader_next(&reader, &r, e)) > 0) {
		struct buf text = BUF_INIT;

		rc = json_string(record_get(&r, "text"), &text)
			     ? err_set(e, "a document without a text")
			     : retrieve_add(p->index, p->n, buf_span(&text), e);
		if (rc)
			reader_at(&reader, e);
		p->documents = mem_grow(p->documents, &p->cap, p->n + 1, sizeof *p->documents);
		p->documents[p->n++] = buf_detach(&text, NULL);
	}
	reader_release(&reader);
	record_release(&r);
	p->found = mem_alloc(p->o->documents_k, sizeof *p->found);
	return rc;
}

/* Adds "name hash" of a pool's bytes; -1 where they cannot be read twice. */
static int add_pool(struct buf *what, const char *name, const char *file)
{
	struct file_map map;
	struct stat st;

	if (!file)
		return 0;
	if (stat(file, &st) || !S_ISREG(st.st_mode) || file_map(file, &map, NULL))
		return -1;
	buf_addf(what, "%s %016" PRIx64 "\n", name,
		 hash64((struct span){map.data ? (const char *)map.data : "", map.len}, 0));
	file_unmap(&map);
	return 0;
}

static void add_text(struct buf *what, const char *name, const char *text)
{
	if (text)
		buf_addf(what, "%s %016" PRIx64 "\n", name, hash64(span_of(text), 0));
}

static void tag(struct prompt *p)
{
	const struct prompt_options *o = p->o;
	const struct examples_options *x = &o->examples;
	struct buf what = BUF_INIT;
	int pools;

	add_text(&what, "system", o->system);
	add_text(&what, "template", o->template);
	pools = add_pool(&what, "examples", x->k ? x->file : NULL) ||
		add_pool(&what, "documents", o->documents);
	if (x->file && x->k)
		buf_addf(&what, "k %zu select %d near %g seed %" PRIu64 "\n", x->k, (int)x->select,
			 x->near, x->select == EXAMPLES_RANDOM ? x->seed : 0);
	if (o->documents)
		buf_addf(&what, "context %zu\n", o->documents_k);
	if (pools)
		buf_adds(&p->hash, "null");
	else
		buf_addf(&p->hash, "\"%016" PRIx64 "\"", hash64(buf_span(&what), 0));
	p->tags.hash = buf_span(&p->hash);
	if (o->label) {
		json_put_string(&p->label, o->label, strlen(o->label));
		p->tags.label = buf_span(&p->label);
	}
	buf_release(&what);
}

const struct answer_prompt *prompt_tags(const struct prompt *p)
{
	return &p->tags;
}

struct prompt *prompt_open(struct prompt_options *o, struct err *e)
{
	struct prompt *p = mem_alloc(1, sizeof *p);

	p->o = o;
	if (o->template && !(p->template = template_compile(o->template, names, e)))
		goto fail;
	o->examples.template = p->template;
	if (o->documents && load_documents(p, e))
		goto fail;
	if (!o->documents && p->template && template_uses(p->template, "context")) {
		err_set(e,
			"template: {{context}} wants documents (--context FILE); a member of that name is {{.context}}");
		goto fail;
	}
	if (o->examples.file && o->examples.k && !(p->examples = examples_open(&o->examples, e)))
		goto fail;
	tag(p);
	return p;
fail:
	prompt_close(p);
	return NULL;
}

void prompt_close(struct prompt *p)
{
	if (!p)
		return;
	examples_close(p->examples);
	retrieve_free(p->index);
	for (size_t i = 0; i < p->n; i++)
		free(p->documents[i]);
	free(p->documents);
	free(p->found);
	template_free(p->template);
	buf_release(&p->messages);
	buf_release(&p->text);
	buf_release(&p->question);
	buf_release(&p->context);
	buf_release(&p->label);
	buf_release(&p->hash);
	free(p);
}

/* The question as retrieval sees it: the template filled without context, else the record's user
 * turns. */
static int put_question(struct prompt *p, const struct record *r, struct err *e)
{
	static const struct template_var no_context = {"context", {"", 0}};

	buf_clear(&p->question);
	if (p->template)
		return template_fill(p->template, r, &no_context, &p->question, e);
	examples_text(r, &p->question);
	return 0;
}

static int put_context(struct prompt *p, struct err *e)
{
	long n = retrieve_find(p->index, buf_span(&p->question), p->o->documents_k, p->found, e);

	buf_clear(&p->context);
	for (long i = 0; i < n; i++) {
		if (i)
			buf_adds(&p->context, "\n\n");
		buf_adds(&p->context, p->documents[p->found[i]]);
	}
	return n < 0 ? -1 : 0;
}

static int is_system(struct span message)
{
	struct span role = json_member(message, "role");

	return json_is(role, "system") || json_is(role, "developer");
}

/* The system turn: the one given, else the record's own. */
static void put_system(struct prompt *p, struct jw *w, struct span first)
{
	if (p->o->system)
		members_put_turn(w, "system", span_of(p->o->system));
	else if (is_system(first))
		jw_raw(w, first);
}

/* The examples' turns come as text with a comma behind each, the last of which is left out. */
static int put_examples(struct prompt *p, const struct record *r, struct jw *w, struct err *e)
{
	struct buf turns = BUF_INIT;
	int rc = examples_put(p->examples, r, buf_span(&p->question), &turns, e);

	if (!rc && turns.len)
		jw_raw(w, (struct span){turns.data, turns.len - 1});
	buf_release(&turns);
	return rc;
}

/* The turns behind the system turn, less the reference. Returns how many. */
static size_t put_turns(struct jw *w, const struct record *r, struct span messages)
{
	struct span reference = record_final_assistant(r), key, m;
	struct json_iter it = {0};
	size_t n = 0, i = 0;

	while (json_next(&it, messages, &key, &m)) {
		if ((i++ == 0 && is_system(m)) || m.s == reference.s)
			continue;
		jw_raw(w, m);
		n++;
	}
	return n;
}

int prompt_make(struct prompt *p, const struct record *r, struct backend_request *q, struct err *e)
{
	struct span messages = record_get(r, "messages"), raw = record_get(r, "prompt"), first;
	struct jw w;

	memset(q, 0, sizeof *q);
	q->tools = record_get(r, "tools");
	q->template_vars = record_get(r, "chat_template_kwargs");
	q->tool_choice = record_get(r, "tool_choice");
	q->response_format = record_get(r, "response_format");
	buf_clear(&p->messages);
	buf_clear(&p->text);

	if (messages.s && json_kind(messages) != JSON_ARRAY)
		return err_set(e, "messages is not an array");
	if ((p->examples || p->index) && put_question(p, r, e))
		return -1;
	if (!p->template && !messages.s) {
		if (!raw.s)
			return err_set(e,
				       "neither messages nor prompt; make the user turn with a template (-t)");
		if (json_string(raw, &p->text))
			return err_set(e, "prompt is not a string");
		if (p->o->system || p->examples)
			return err_set(e,
				       "a raw prompt takes no system text and no examples; make it a user turn with -t '{{prompt}}'");
		q->prompt = buf_span(&p->text);
		return 0;
	}

	first = json_element(messages, 0);
	jw_init(&w, &p->messages);
	jw_array(&w);
	put_system(p, &w, first);
	if (p->examples && put_examples(p, r, &w, e))
		return -1;
	if (p->template) {
		struct template_var context = {"context", {NULL, 0}};

		if (p->index && put_context(p, e))
			return -1;
		context.text = buf_span(&p->context);
		if (template_fill(p->template, r, &context, &p->text, e))
			return -1;
		members_put_turn(&w, "user", buf_span(&p->text));
	} else if (!put_turns(&w, r, messages)) {
		return err_set(e, "messages holds nothing to answer");
	}
	jw_end(&w);
	q->messages = buf_span(&p->messages);
	return 0;
}
