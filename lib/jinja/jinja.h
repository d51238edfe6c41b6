/* lib/jinja: the language that chat templates are written in.
 *
 * jinja: the part of Jinja2 that chat templates are written in.
 *
 * A template is rendered over JSON values; the room knows nothing of models. What it does
 * not know (a tag, filter, test, method or function) is an error that names it and its line; it is
 * never passed over.
 *
 * Settings are those of Hugging Face's apply_chat_template: trim_blocks and lstrip_blocks on, loop
 * controls, nothing changed but namespaces and (more than transformers allow, as llama.cpp does)
 * lists by append and pop; tojson without ASCII or HTML escaping; the globals raise_exception,
 * strftime_now, namespace, range, dict, and the {% generation %} block of transformers. Values
 * print as Python prints them.
 *
 * Ceilings (struct jinja_limits) bound steps, nesting, memory and output, so a hostile template
 * ends in an error.
 *
 * A compiled template is constant and may be rendered from several threads at once.
 */
#ifndef FT_JINJA_JINJA_H
#define FT_JINJA_JINJA_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"

#define JINJA_SOURCE_MAX ((size_t)1 << 20) /* bytes of template accepted */

struct jinja;

/* The source is copied. name is put before errors: "NAME:LINE: reason". NULL with the reason on
 * failure. */
struct jinja *jinja_compile(struct span source, const char *name, struct err *e);
void jinja_free(struct jinja *t);

/* Whether the template asks for the value of such a name anywhere: a variable that it does not read
 * changes nothing. */
int jinja_reads(const struct jinja *t, struct span name);

struct jinja_limits {
	uint64_t steps; /* nodes evaluated; 0 for the default, 20 million */
	size_t output; /* bytes written; 0 for the default, 32 MB: of 200 MB a tokenizer made 6 GB */
	size_t memory; /* bytes of values alive in one rendering; 0 for the default, 1 GB */
};

/* Ranges of the output that stood inside {% generation %}; zeroed is empty and valid. */
struct jinja_marks {
	struct jinja_mark {
		size_t begin, end;
	} * v;
	size_t n, cap;
};
void jinja_marks_release(struct jinja_marks *m);

/* Appends the rendering to out. vars is a JSON object, its members are the template's variables.
 * now is the time that strftime_now tells (seconds since 1970, UTC); 0 makes it undefined for
 * `strftime_now is defined` while a call still answers from the clock, so that templates with a
 * fallback of their own render the same every day. marks may be NULL. On failure out is as it
 * was. */
int jinja_render(const struct jinja *t, struct span vars, int64_t now,
		 const struct jinja_limits *limits, struct buf *out, struct jinja_marks *marks,
		 struct err *e);

#endif
