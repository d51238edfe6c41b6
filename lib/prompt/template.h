/* template: text with {{PATH}} in it, filled from a record.
 *
 * PATH is a path as in path.h, blanks around it allowed. A value that is a string is inserted as
 * its text; numbers, objects and the rest as they stand in the record. `\{{` is a literal `{{`. A
 * bare name that the caller defines ({{context}}) comes from the caller, not the record.
 */
#ifndef FT_PROMPT_TEMPLATE_H
#define FT_PROMPT_TEMPLATE_H

#include "../json/record.h"

struct template;

/* A name that the caller fills itself. */
struct template_var {
	const char *name;
	struct span text;
};

/* names: NULL-terminated list of the names that template_fill will be given, or NULL. NULL with the
 * reason (an open {{, a bad path). */
struct template *template_compile(const char *text, const char *const *names, struct err *e);
void template_free(struct template *t);

/* Whether {{name}} occurs. */
int template_uses(const struct template *t, const char *name);

/* Appends the filled text. -1 where a path finds nothing; the reason names it. vars: in the order
 * of the names given to compile, or NULL. */
int template_fill(const struct template *t, const struct record *r, const struct template_var *vars,
		  struct buf *out, struct err *e);

#endif
