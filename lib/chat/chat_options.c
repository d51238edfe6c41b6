/* How a template is rendered, from options: variables by NAME=JSON, and a date. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "../json/json.h"
#include "../json/jw.h"
#include "../text/moment.h"
#include "chat_impl.h"

static int is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.s[i] == '_' || (s.s[i] >= 'a' && s.s[i] <= 'z') ||
		      (s.s[i] >= 'A' && s.s[i] <= 'Z') || (i && s.s[i] >= '0' && s.s[i] <= '9')))
			return 0;
	return s.n > 0;
}

static int put_var(struct jw *w, const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');
	struct span name = {text, equals ? (size_t)(equals - text) : 0}, value;
	struct err why = ERR_INIT;

	if (!equals || !is_name(name))
		return err_set(e, "--template-var %s: wanted NAME=JSON, enable_thinking=false say",
			       text);
	if (chat_is_own_variable(name))
		return err_set(e, "--template-var %s: every rendering sets that itself", text);
	if (json_check(span_of(equals + 1), &value, &why))
		return err_set(e,
			       "--template-var %s: the value is no JSON (%s); a text needs its quotes: '%.*s=\"...\"'",
			       text, why.msg, (int)name.n, name.s);
	jw_keyn(w, name.s, name.n);
	jw_raw(w, value);
	return 0;
}

int chat_options_parse(const struct opt_list *vars, const char *date, struct buf *json,
		       struct chat_options *o, struct err *e)
{
	struct date d;
	struct jw w;

	*o = (struct chat_options){0};
	if (vars->n) {
		jw_init(&w, json);
		jw_object(&w);
		for (size_t i = 0; i < vars->n; i++)
			if (put_var(&w, vars->v[i], e))
				return -1;
		jw_end(&w);
		o->vars = buf_span(json);
	}
	if (!date)
		return 0;
	if (strcmp(date, "today") == 0)
		o->now = (int64_t)time(NULL);
	else if (moment_date(span_of(date), &d))
		o->now = (int64_t)date_days(d) * 86400 + 43200;
	else
		return err_set(e, "--template-date %s: neither a date (2026-01-31) nor today",
			       date);
	d = date_of_days((long)(o->now / 86400));
	snprintf(o->date, sizeof o->date, "%04d-%02d-%02d", d.year % 10000, d.month % 100,
		 d.day % 100);
	return 0;
}
