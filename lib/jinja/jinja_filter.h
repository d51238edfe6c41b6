/* What the filters share: jinja_filter.c finds one, jinja_filter_text.c and jinja_filter_list.c
 * hold them. All return 0, or -1 with the reason in r->e. Names begin with j. */
#ifndef FT_JINJA_JINJA_FILTER_H
#define FT_JINJA_JINJA_FILTER_H

#include "jinja_impl.h"

/* v is what stands before the bar, c what stands in the brackets; out is never v. */
typedef int jfilter_fn(struct jrun *r, const struct jv *v, const struct jcall *c, struct jv *out);
struct jfilter_named {
	const char *name;
	jfilter_fn *fn;
};
/* Each ends with a NULL name. */
extern const struct jfilter_named jfilters_text[], jfilters_list[];

/* An argument at a position or of a name: its text (borrowed), integer or truth; otherwise where it
 * was not given. */
int jarg_text(struct jrun *r, const struct jcall *c, size_t at, const char *name,
	      const char *otherwise, struct span *s);
int jarg_int(struct jrun *r, const struct jcall *c, size_t at, const char *name, int64_t otherwise,
	     int64_t *i);
int jarg_flag(const struct jcall *c, size_t at, const char *name, int otherwise);

int jv_as_text(struct jrun *r, const struct jv *v, struct jv *out); /* str(v) as a value */
int jlower(struct jrun *r, struct span s, struct jv *out);	    /* s in lower case */

#endif
