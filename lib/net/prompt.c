/* prompt: requests are put together from raw spans of the record, so that what a user wrote is what is sent. */
#include <stdlib.h>
#include <string.h>
#include "prompt.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "../text/template.h"

struct prompt {
	const struct prompt_options *o;
	struct template *template;
	struct buf messages, text;
};

struct prompt *prompt_open(const struct prompt_options *o, struct err *e)
{
	struct prompt *p = mem_alloc(1, sizeof *p);

	p->o = o;
	if (o->template && !(p->template = template_compile(o->template, NULL, e))) {
		prompt_close(p);
		return NULL;
	}
	return p;
}

void prompt_close(struct prompt *p)
{
	if (!p)
		return;
	template_free(p->template);
	buf_release(&p->messages);
	buf_release(&p->text);
	free(p);
}

static void put_turn(struct jw *w, const char *role, struct span text)
{
	jw_object(w);
	jw_key(w, "role");
	jw_str(w, role);
	jw_key(w, "content");
	jw_strn(w, text.s ? text.s : "", text.n);
	jw_end(w);
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
		put_turn(w, "system", span_of(p->o->system));
	else if (is_system(first))
		jw_raw(w, first);
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
	q->tool_choice = record_get(r, "tool_choice");
	q->response_format = record_get(r, "response_format");
	buf_clear(&p->messages);
	buf_clear(&p->text);

	if (messages.s && json_kind(messages) != JSON_ARRAY)
		return err_set(e, "messages is not an array");
	if (!p->template && !messages.s) {
		if (!raw.s)
			return err_set(e, "neither messages nor prompt; make the user turn with a template (-t)");
		if (json_string(raw, &p->text))
			return err_set(e, "prompt is not a string");
		if (p->o->system)
			return err_set(e, "a raw prompt takes no system text; make it a user turn with -t '{{prompt}}'");
		q->prompt = (struct span){p->text.data ? p->text.data : "", p->text.len};
		return 0;
	}

	first = json_element(messages, 0);
	jw_init(&w, &p->messages);
	jw_array(&w);
	put_system(p, &w, first);
	if (p->template) {
		if (template_fill(p->template, r, NULL, &p->text, e))
			return -1;
		put_turn(&w, "user", buf_span(&p->text));
	} else if (!put_turns(&w, r, messages)) {
		return err_set(e, "messages holds nothing to answer");
	}
	jw_end(&w);
	q->messages = buf_span(&p->messages);
	return 0;
}
