/* doubt: see doubt.h. */
#include "doubt.h"

#include <string.h>
#include "../infer/loaded.h"
#include "reference.h"

static int begins_like_json(struct span s)
{
	while (s.n && strchr(" \t\r\n", *s.s))
		s.s++, s.n--;
	return s.n && (*s.s == '{' || *s.s == '[');
}

/* -1 and the reason where the value breaks the schema that the row's own response_format holds; a
 * format that is none, or that cannot be compiled, breaks nothing. */
static int check_own_schema(const struct record *r, struct span value, struct err *e)
{
	struct span text;
	struct schema *own = NULL;
	int rc = 0;
	if (loaded_schema(record_get(r, "response_format"), &text, NULL) == 0 && text.s)
		own = schema_compile(text, NULL);
	if (own)
		rc = schema_check(own, value, e);
	schema_free(own);
	return rc;
}

int doubt_of(const struct record *r, const struct schema *schema, const char *new_text,
	     struct err *e)
{
	struct buf old = BUF_INIT;
	struct span was = {0}, value = {0}, text = span_of(new_text);
	struct err why = ERR_INIT;
	int doubt = 0;
	if (reference_read(r, &old) == REFERENCE_CALLS) {
		buf_release(&old);
		return 0; /* what is no array is refused */
	}
	int json = begins_like_json(buf_span(&old)) && !json_check(buf_span(&old), &was, NULL),
	    broken = json_check(text, &value, &why);
	if (json && (broken || !begins_like_json(text))) {
		err_set(e, "the reference was JSON, and this is none: %s",
			broken ? why.msg : "it is neither an object nor an array");
		doubt = 1;
	} else if (broken && (schema || begins_like_json(text))) {
		err_set(e, "this %s JSON and is none: %s", schema ? "has to be" : "begins like",
			why.msg);
		doubt = 1;
	} else if (!broken && ((schema && schema_check(schema, value, &why)) ||
			       check_own_schema(r, value, &why))) {
		err_set(e, "this breaks the schema: %s", why.msg);
		doubt = 1;
	}
	buf_release(&old);
	return doubt;
}
