/* fit: see the header. What a refusal looks like was taken from public reports of OpenAI's, Azure's,
 * Anthropic's, xAI's, Groq's, Mistral's and vLLM's errors. */
#include "fit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/mem.h"
#include "../json/jw.h"

/* Of two that are refused together ("temperature and top_p cannot both be specified") the one that
 * stands first goes. */
static const struct parameter {
	const char *name;
	const char *const members[4]; /* of a body, in any dialect */
	const char *const names[4];   /* in an error, beside those of the members */
	const char *instead;	      /* the same under another name, or NULL */
} parameters[] = {
	{"top_p", {"top_p"}, {"topP"}, NULL},
	{"temperature", {"temperature"}, {NULL}, NULL},
	{"stop", {"stop", "stop_sequences"}, {"stopSequences"}, NULL},
	{"seed", {"seed"}, {NULL}, NULL},
	{"logprobs", {"top_logprobs", "logprobs"}, {"topLogprobs"}, NULL},
	{"reasoning_effort",
	 {"reasoning_effort", "output_config", "reasoning", "thinking"},
	 {"effort", "reasoning.effort", "output_config.effort", "reasoningEffort"},
	 NULL},
	{"stream_options", {"stream_options"}, {NULL}, NULL},
	{"stream", {"stream", "stream_options"}, {NULL}, NULL},
	{"max_tokens", {"max_tokens"}, {"maxTokens"}, "max_completion_tokens"},
	{"max_completion_tokens", {"max_completion_tokens"}, {"maxCompletionTokens"}, "max_tokens"},
};
#define PARAMETERS (sizeof parameters / sizeof *parameters)

void fits_release(struct fits *f)
{
	struct fit *m;

	while ((m = f->first)) {
		f->first = m->next;
		free(m->model);
		free(m);
	}
}

struct fit *fit_of(struct fits *f, const char *model)
{
	struct fit *m;

	for (m = f->first; m && strcmp(m->model, model) != 0;)
		m = m->next;
	if (m)
		return m;
	m = mem_alloc(1, sizeof *m);
	m->model = mem_strdup(model);
	m->next = f->first;
	f->first = m;
	return m;
}

unsigned fit_bit(const char *name)
{
	for (size_t i = 0; i < PARAMETERS; i++)
		if (strcmp(parameters[i].name, name) == 0)
			return 1u << i;
	return 0;
}

/* Whether the request has the parameter, and not from --extra. */
static int has(const struct fits *f, size_t i, struct span request)
{
	for (size_t k = 0; k < 4 && parameters[i].members[k]; k++)
		if (json_member(request, parameters[i].members[k]).s &&
		    !json_member(f->extra, parameters[i].members[k]).s)
			return 1;
	return 0;
}

int fit_risky(const struct fits *f, struct span request)
{
	for (size_t i = 0; i < PARAMETERS; i++)
		if (has(f, i, request))
			return 1;
	return 0;
}

/* --- what an error says --- */

static int in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Whether the text names the parameter. A word of everyday language counts only where it stands as a
 * name: in quotation marks, at the beginning, or behind a colon or "parameter". */
static int names(const char *text, const char *name)
{
	static const char *const before[] = {"'",	  "\"",		"`",
					     ": ",	  "parameter ", "parameters ",
					     "argument ", "field ",	"property "};
	int everyday = !strchr(name, '_') && strcmp(name, "temperature") != 0 &&
		       strcmp(name, "logprobs") != 0;
	size_t n = strlen(name);

	for (const char *p = text; (p = strcasestr(p, name)); p += n) {
		size_t at = (size_t)(p - text);
		int named = !everyday || !at;

		if ((at && in_word(p[-1])) || in_word(p[n]))
			continue;
		for (size_t i = 0; !named && i < sizeof before / sizeof *before; i++) {
			size_t k = strlen(before[i]);

			named = at >= k && strncasecmp(p - k, before[i], k) == 0;
		}
		if (named)
			return 1;
	}
	return 0;
}

static int names_parameter(const char *text, size_t i)
{
	for (size_t k = 0; k < 4; k++)
		if ((parameters[i].members[k] && names(text, parameters[i].members[k])) ||
		    (parameters[i].names[k] && names(text, parameters[i].names[k])))
			return 1;
	return 0;
}

static int has_one(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(text, words[i]))
			return 1;
	return 0;
}

/* Whether it speaks of a parameter that is not taken, not of a value that is out of its range. */
static int says_not_taken(const char *text)
{
	static const char *const yes[] = {
		"unsupported",
		"not support",
		"n't support",
		"not permitted",
		"not allowed",
		"unknown",
		"unrecognized",
		"unexpected",
		"deprecated",
		"extra_forbidden",
		"cannot both",
		"incompatible",
		"only the default",
		"not available",
		"not accepted",
		"n't accepted",
		"n't allowed",
		"removed",
		"no longer",
		"not compatible",
		"may only be set to 1",
		"cannot be used",
		"must be 1 for this model",
		"only 1 is allowed",
	};
	static const char *const no[] = {"decimal_above", "decimal_below", "integer_above",
					 "integer_below", "less than",	   "greater than",
					 "out of range",  "less_than",	   "greater_than"};

	return has_one(text, yes, sizeof yes / sizeof *yes) &&
	       !has_one(text, no, sizeof no / sizeof *no);
}

unsigned fit_refused(const struct fits *f, struct span error, struct span request)
{
	struct span v, param;
	struct buf text = BUF_INIT, name = BUF_INIT;
	unsigned bit = 0;

	buf_addspan(&text, error);
	/* The member that says it outright goes before what else a sentence names: "Use
	 * 'max_completion_tokens' instead". */
	if (!json_check(error, &v, NULL)) {
		param = json_member(json_member(v, "error"), "param");
		json_string(param.s ? param : json_member(v, "param"), &name);
	}
	if (text.len && says_not_taken(text.data)) {
		for (size_t i = 0; !bit && name.len && i < PARAMETERS; i++)
			if (has(f, i, request) && names_parameter(name.data, i))
				bit = 1u << i;
		/* The sentence counts where nothing says it outright: it may quote what was asked. */
		for (size_t i = 0; !bit && !name.len && i < PARAMETERS; i++)
			if (has(f, i, request) && names_parameter(text.data, i))
				bit = 1u << i;
	}
	buf_release(&text);
	buf_release(&name);
	return bit;
}

/* --- requests --- */

/* The parameter of those not taken that a member belongs to, or NULL. */
static const struct parameter *refused_member(const struct fit *model, const char *name)
{
	for (size_t i = 0; i < PARAMETERS; i++)
		for (size_t k = 0; (model->without & 1u << i) && k < 4 && parameters[i].members[k];
		     k++)
			if (strcmp(name, parameters[i].members[k]) == 0)
				return &parameters[i];
	return NULL;
}

void fit_apply(const struct fits *f, const struct fit *model, struct span request, struct buf *to)
{
	struct json_iter it = {0};
	struct span key, value;
	struct buf name = BUF_INIT;
	struct jw w;

	if (!model->without) {
		buf_addspan(to, request);
		return;
	}
	jw_init(&w, to);
	jw_object(&w);
	while (json_next(&it, request, &key, &value)) {
		const struct parameter *p;

		buf_clear(&name);
		json_string(key, &name);
		p = json_member(f->extra, name.data).s ? NULL : refused_member(model, name.data);
		if (p && !p->instead)
			continue;
		jw_keyn(&w, p ? p->instead : name.data, p ? strlen(p->instead) : name.len);
		jw_raw(&w, value);
	}
	jw_end(&w);
	buf_release(&name);
}

void fit_say(unsigned bits, struct buf *text)
{
	size_t before = text->len;

	for (size_t i = 0; i < PARAMETERS; i++) {
		if (!(bits & 1u << i))
			continue;
		buf_adds(text, text->len > before ? ", " : "");
		if (parameters[i].instead)
			buf_addf(text, "with %s for %s", parameters[i].instead, parameters[i].name);
		else
			buf_addf(text, "without %s", parameters[i].name);
	}
}

void fits_write(const struct fits *f, struct buf *json)
{
	struct jw w;

	jw_init(&w, json);
	jw_object(&w);
	for (const struct fit *m = f->first; m; m = m->next) {
		unsigned refused = m->refused & ~fit_bit("reasoning_effort");

		if (!refused)
			continue;
		jw_put_array(&w, m->model);
		for (size_t i = 0; i < PARAMETERS; i++)
			if (refused & 1u << i)
				jw_str(&w, parameters[i].name);
		jw_end(&w);
	}
	jw_end(&w);
}

void fits_read(struct fits *f, struct span json)
{
	struct json_iter it = {0};
	struct span key, list;

	while (json_next(&it, json, &key, &list)) {
		struct buf model = BUF_INIT;
		struct json_iter names = {0};
		struct span none, name;
		struct fit *m;

		json_string(key, &model);
		m = fit_of(f, model.data ? model.data : "");
		while (json_kind(list) == JSON_ARRAY && json_next(&names, list, &none, &name))
			for (size_t k = 0; k < PARAMETERS; k++)
				if (json_is(name, parameters[k].name))
					m->refused |= 1u << k;
		m->without |= m->refused;
		buf_release(&model);
	}
}
