/* id: see the header. */
#include "id.h"

#include <string.h>

static int is_part(struct span s)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~:=@";

	for (size_t i = 0; i < s.n; i++)
		if (!s.s[i] || !strchr(plain, s.s[i]))
			return 0;
	return s.n && !span_is(s, ".") && !span_is(s, "..");
}

int id_check(struct span id, int whole, struct err *e)
{
	const char *end = id.s + id.n;
	int good = id.n && id.n < ID_SIZE;

	for (const char *p = id.s, *slash; good && p <= end; p = slash + 1) {
		slash = whole ? memchr(p, '/', (size_t)(end - p)) : NULL;
		slash = slash ? slash : end;
		good = is_part((struct span){p, (size_t)(slash - p)});
	}
	if (good)
		return 0;
	return err_set(e, "\"%.*s\"%s is no id: of letters, digits and -_.~:=@%s, shorter than %d",
		       (int)(id.n < 80 ? id.n : 80), id.s ? id.s : "", id.n > 80 ? "..." : "",
		       whole ? " with slashes between" : "", ID_SIZE);
}

int id_take(struct span object, const char *name, int whole, char id[ID_SIZE], struct err *e)
{
	struct span v = json_member(object, name);
	struct buf text = BUF_INIT;
	int rc = 0;

	if (v.s && json_kind(v) != JSON_NULL && json_kind(v) != JSON_STRING)
		return err_set(e, "%s: is no id, which is a string", name);
	if (!json_string(v, &text) && text.len) {
		rc = id_check(buf_span(&text), whole, e);
		if (rc)
			err_prefix(e, "%s", name);
		else
			memcpy(id, text.data, text.len + 1);
	}
	buf_release(&text);
	return rc;
}
