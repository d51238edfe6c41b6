/* rubric: reading criteria from text or JSON. See rubric.h. */
#include "rubric.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"

static size_t levels_of(const struct rubric *r)
{
	return r->scale.mode == VERDICT_SCORE ? (size_t)(r->scale.hi - r->scale.lo + 1) : 0;
}

void rubric_release(struct rubric *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->criteria[i].name);
		free(r->criteria[i].text);
		for (size_t l = 0; l < levels_of(r); l++)
			free(r->criteria[i].levels[l]);
		free(r->criteria[i].levels);
	}
	free(r->criteria);
	memset(r, 0, sizeof *r);
}

static char *text_of(struct span v)
{
	struct buf b = BUF_INIT;

	json_string(v, &b);
	return buf_detach(&b, NULL);
}

static int is_name(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (!isalnum((unsigned char)s[n]) && s[n] != '_' && s[n] != '-')
			return 0;
	return n > 0 && n <= 64;
}

static int parse_levels(struct span v, const struct rubric *r, struct criterion *c, struct err *e)
{
	struct json_iter it = {0};
	struct span key, text;

	if (json_kind(v) != JSON_OBJECT)
		return err_set(e, "`levels` must be an object: {\"1\": \"...\", ...}");
	if (r->scale.mode != VERDICT_SCORE)
		return err_set(e, "`levels` belong to a score: say --score LO-HI");
	while (json_next(&it, v, &key, &text)) {
		char *name = text_of(key), *end;
		long level = strtol(name, &end, 10);
		int bad = *end || end == name || level < r->scale.lo || level > r->scale.hi ||
			  json_kind(text) != JSON_STRING;

		free(name);
		if (bad)
			return err_set(e,
				       "each of the `levels` must be a number from %d to %d with a text",
				       r->scale.lo, r->scale.hi);
		free(c->levels[level - r->scale.lo]);
		c->levels[level - r->scale.lo] = text_of(text);
	}
	return 0;
}

static int parse_criterion(struct span v, struct rubric *r, struct err *e)
{
	struct criterion *c = r->criteria + r->n;
	struct json_iter it = {0};
	struct span key, value;

	if (json_kind(v) != JSON_OBJECT)
		return err_set(e, "each of the `criteria` must be an object");
	if (r->n == RUBRIC_CRITERIA)
		return err_set(e, "more than %d criteria", RUBRIC_CRITERIA);
	c->weight = 1;
	c->levels = mem_alloc(levels_of(r), sizeof *c->levels);
	r->n++;
	while (json_next(&it, v, &key, &value)) {
		if (json_is(key, "name") && json_kind(value) == JSON_STRING && !c->name) {
			c->name = text_of(value);
		} else if (json_is(key, "criterion") && json_kind(value) == JSON_STRING &&
			   !c->text) {
			c->text = text_of(value);
		} else if (json_is(key, "weight") && json_kind(value) == JSON_NUMBER) {
			if (json_number(value, &c->weight) || !(c->weight >= 0 && c->weight <= 1e6))
				return err_set(e, "a `weight` must be a number from 0 to 1e6");
		} else if (json_is(key, "levels")) {
			if (parse_levels(value, r, c, e))
				return -1;
		} else {
			return err_set(e,
				       "%.*s has no meaning in a criterion, or a value of the wrong type; there are name, criterion, weight, levels",
				       (int)(key.n < 60 ? key.n : 60), key.s);
		}
	}
	if (!c->text || !*c->text)
		return err_set(e, "criterion number %zu has no text at `criterion`", r->n);
	if (c->name && !is_name(c->name))
		return err_set(e,
			       "'%.80s' is no name for a criterion: letters, digits, _ and - make one",
			       c->name);
	return 0;
}

static int parse_json(struct span text, struct rubric *r, struct err *e)
{
	struct json_iter it = {0};
	struct span all, list, key, v;
	double weights = 0;

	if (json_check(text, &all, e))
		return -1;
	list = json_member(all, "criteria");
	if (!list.s)
		return parse_criterion(all, r, e);
	if (json_kind(list) != JSON_ARRAY || json_count(list) == 0 || json_count(all) != 1)
		return err_set(e,
			       "write {\"criteria\": [{\"name\": ..., \"criterion\": ...}, ...]} and nothing else");
	while (json_next(&it, list, &key, &v)) {
		if (parse_criterion(v, r, e))
			return -1;
		if (!r->criteria[r->n - 1].name)
			return err_set(e, "criterion number %zu has no `name`", r->n);
		weights += r->criteria[r->n - 1].weight;
		for (size_t i = 0; i + 1 < r->n; i++)
			if (strcmp(r->criteria[i].name, r->criteria[r->n - 1].name) == 0)
				return err_set(e, "two criteria are called %s",
					       r->criteria[i].name);
	}
	return weights > 0 ? 0 : err_set(e, "every weight is 0, so nothing would count");
}

int rubric_parse(const char *text, struct verdict_scale scale, struct rubric *r, struct err *e)
{
	const char *start = text + strspn(text, " \t\r\n");

	*r = (struct rubric){.scale = scale,
			     .criteria = mem_alloc(RUBRIC_CRITERIA, sizeof *r->criteria)};
	if (*start == '{') {
		if (parse_json(span_of(start), r, e) == 0)
			return 0;
		rubric_release(r);
		return err_prefix(e, "rubric");
	}
	if (!*start) {
		rubric_release(r);
		return err_set(e, "the criterion is empty");
	}
	r->n = 1;
	r->criteria[0].text = mem_strdup(text);
	r->criteria[0].weight = 1;
	r->criteria[0].levels = mem_alloc(levels_of(r), sizeof(char *));
	return 0;
}
