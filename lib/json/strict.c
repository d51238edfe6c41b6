/* strict: the schema is rewritten as text, keyword by keyword, so that what is not touched stays as it
 * was written; the answer is walked beside the compiled schema. */
#include "strict.h"

#include <stdlib.h>
#include <string.h>
#include "jw.h"

#define DEPTH 64

struct rewriting {
	struct jw *w;
	int changed;
	struct err *first; /* what was changed first */
	struct err *e;
};

static int rewrite(struct rewriting *r, struct span schema, const char *where, int optional,
		   int depth);

/* What it says stays true without them, and strict output refuses them. */
static int is_remark(struct span key)
{
	static const char *const names[] = {"default", "examples", "$schema", "$id"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_is(key, names[i]))
			return 1;
	return 0;
}

static const char *unknown_keyword(struct span schema)
{
	static const char *const names[] = {"allOf",
					    "oneOf",
					    "not",
					    "if",
					    "patternProperties",
					    "propertyNames",
					    "dependentRequired",
					    "dependentSchemas",
					    "dependencies",
					    "minProperties",
					    "maxProperties"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_member(schema, names[i]).s)
			return names[i];
	return NULL;
}

static void change(struct rewriting *r, const char *where, const char *what)
{
	if (!r->changed++)
		err_set(r->first, "%s %s", where, what);
}

/* The names of a list, for looking up many. They borrow from the object that b gets. */
static void sort_names(struct span list, struct buf *b, struct json_members *names)
{
	struct json_iter it = {0};
	struct span none, name;

	buf_addc(b, '{');
	while (json_kind(list) == JSON_ARRAY && json_next(&it, list, &none, &name))
		if (json_kind(name) == JSON_STRING) {
			buf_adds(b, b->len > 1 ? "," : "");
			buf_addspan(b, name);
			buf_adds(b, ":1");
		}
	buf_addc(b, '}');
	json_members_sort(buf_span(b), names);
}

/* An object whose members are schemas: properties, $defs. */
static int rewrite_map(struct rewriting *r, struct span map, struct span required,
		       const char *where, const char *keyword, int depth)
{
	struct json_iter it = {0};
	struct span key, value;
	struct buf names = BUF_INIT;
	struct json_members needed;
	int rc = 0, members = strcmp(keyword, "properties") == 0;

	sort_names(required, &names, &needed);
	jw_object(r->w);
	while (!rc && json_next(&it, map, &key, &value)) {
		struct buf name = BUF_INIT, place = BUF_INIT;
		int optional;

		json_string(key, &name);
		optional = members && !json_members_find(&needed, buf_span(&name)).s;
		buf_addf(&place, "%s/%s/%s", where, keyword, name.data);
		jw_keyn(r->w, name.data, name.len);
		rc = rewrite(r, value, place.data, optional, depth + 1);
		buf_release(&name);
		buf_release(&place);
	}
	jw_end(r->w);
	json_members_release(&needed);
	buf_release(&names);
	return rc;
}

static int rewrite_list(struct rewriting *r, struct span list, const char *where,
			const char *keyword, int depth)
{
	struct json_iter it = {0};
	struct span none, value;
	int rc = 0;

	if (json_kind(list) != JSON_ARRAY)
		return err_set(r->e, "%s/%s is no list", where, keyword);
	jw_array(r->w);
	for (size_t i = 0; !rc && json_next(&it, list, &none, &value); i++) {
		struct buf place = BUF_INIT;

		buf_addf(&place, "%s/%s/%zu", where, keyword, i);
		rc = rewrite(r, value, place.data, 0, depth + 1);
		buf_release(&place);
	}
	jw_end(r->w);
	return rc;
}

static int rewrite_keyword(struct rewriting *r, struct span schema, struct span key,
			   struct span value, const char *where, int depth)
{
	static const char *const maps[] = {"properties", "$defs", "definitions"};
	struct buf place = BUF_INIT;
	int rc = 0;

	jw_keyn(r->w, key.s + 1, key.n - 2);
	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
		if (json_is(key, maps[i]) && json_kind(value) == JSON_OBJECT)
			return rewrite_map(r, value, json_member(schema, "required"), where,
					   maps[i], depth);
	if (json_is(key, "anyOf") || json_is(key, "prefixItems")) {
		buf_add(&place, key.s + 1, key.n - 2);
		rc = rewrite_list(r, value, where, place.data, depth);
	} else if (json_is(key, "items") && json_kind(value) == JSON_OBJECT) {
		buf_addf(&place, "%s/items", where);
		rc = rewrite(r, value, place.data, 0, depth + 1);
	} else {
		jw_raw(r->w, value);
	}
	buf_release(&place);
	return rc;
}

/* Closes an object: all its members are required, and no others allowed. */
static void put_closed(struct rewriting *r, struct span schema, const char *where)
{
	struct span properties = json_member(schema, "properties"),
		    open = json_member(schema, "additionalProperties"), key, value;
	struct json_iter it = {0};

	if (json_kind(open) != JSON_FALSE)
		change(r, where, "may hold members that it does not name");
	jw_put_array(r->w, "required");
	while (json_next(&it, properties, &key, &value))
		jw_raw(r->w, key);
	jw_end(r->w);
	jw_put_bool(r->w, "additionalProperties", 0);
}

static int is_object(struct span schema)
{
	return json_is(json_member(schema, "type"), "object") ||
	       json_kind(json_member(schema, "properties")) == JSON_OBJECT;
}

/* Whether null is an instance as far as the schema itself says. */
static int takes_null(struct span schema)
{
	struct span type = json_member(schema, "type"), any = json_member(schema, "anyOf"), none, v;
	struct json_iter types = {0}, branches = {0};

	if (json_is(type, "null"))
		return 1;
	while (json_kind(type) == JSON_ARRAY && json_next(&types, type, &none, &v))
		if (json_is(v, "null"))
			return 1;
	while (json_kind(any) == JSON_ARRAY && json_next(&branches, any, &none, &v))
		if (takes_null(v))
			return 1;
	return 0;
}

static int rewrite_members(struct rewriting *r, struct span schema, const char *where, int depth)
{
	struct json_iter it = {0};
	struct span key, value;
	int rc = 0, object = is_object(schema);

	jw_object(r->w);
	while (!rc && json_next(&it, schema, &key, &value)) {
		if (is_remark(key)) {
			change(r, where, "has a default or the like");
			continue;
		}
		if (object && (json_is(key, "required") || json_is(key, "additionalProperties")))
			continue;
		rc = rewrite_keyword(r, schema, key, value, where, depth);
	}
	if (object)
		put_closed(r, schema, where);
	jw_end(r->w);
	return rc;
}

static int rewrite(struct rewriting *r, struct span schema, const char *where, int optional,
		   int depth)
{
	struct span open = json_member(schema, "additionalProperties");
	const char *unknown = unknown_keyword(schema);
	int nullable, rc;

	if (depth > DEPTH)
		return err_set(r->e, "%.100s is nested too deeply", where);
	if (json_kind(schema) != JSON_OBJECT)
		return err_set(r->e, "%s takes anything", where);
	if (unknown)
		return err_set(r->e, "%s has %s", where, unknown);
	if (is_object(schema) &&
	    (json_kind(open) == JSON_OBJECT || !json_count(json_member(schema, "properties"))) &&
	    json_kind(open) != JSON_FALSE)
		return err_set(r->e, "%s is an object of any members", where);
	if (!json_count(schema))
		return err_set(r->e, "%s takes anything", where);
	nullable = optional && !takes_null(schema);
	if (optional)
		change(r, where, "may be left out");
	if (nullable) {
		jw_object(r->w);
		jw_put_array(r->w, "anyOf");
	}
	rc = rewrite_members(r, schema, where, depth);
	if (nullable) {
		jw_object(r->w);
		jw_put_str(r->w, "type", "null");
		jw_end(r->w);
		jw_end(r->w);
		jw_end(r->w);
	}
	return rc;
}

int strict_make(struct span schema, struct buf *to, struct err *e)
{
	struct err first = ERR_INIT;
	struct jw w;
	struct rewriting r = {&w, 0, &first, e};

	jw_init(&w, to);
	if (!is_object(schema) || json_member(schema, "anyOf").s)
		return err_set(e, "# is no plain object");
	if (rewrite(&r, schema, "#", 0, 0))
		return -1;
	if (r.changed && e)
		*e = first;
	return r.changed != 0;
}

/* --- answers --- */

static void undo(const struct schema_node *n, struct span v, struct buf *to, int depth);

static const struct schema_node *resolve(const struct schema_node *n)
{
	for (int i = 0; n && n->ref && i < DEPTH; i++)
		n = n->ref;
	return n;
}

static const struct schema_property *property(const struct schema_node *n, struct span key)
{
	for (size_t i = 0; n && i < n->properties.n; i++)
		if (json_is(key, n->properties.v[i].name))
			return &n->properties.v[i];
	return NULL;
}

/* Whether the null of this member stands for its absence. */
static int stands_in(const struct schema_node *n, const struct schema_property *p, struct span v)
{
	if (!p || json_kind(v) != JSON_NULL || schema_node_check(p->node, v) == 0)
		return 0;
	for (size_t i = 0; i < n->n_required; i++)
		if (n->required[i].n == p->n && memcmp(n->required[i].name, p->name, p->n) == 0)
			return 0;
	return 1;
}

static void undo_object(const struct schema_node *n, struct span v, struct buf *to, int depth)
{
	struct json_iter it = {0};
	struct span key, value;
	int some = 0;

	buf_addc(to, '{');
	while (json_next(&it, v, &key, &value)) {
		const struct schema_property *p = property(n, key);

		if (stands_in(n, p, value))
			continue;
		buf_adds(to, some++ ? "," : "");
		buf_addspan(to, key);
		buf_addc(to, ':');
		undo(p ? p->node : NULL, value, to, depth + 1);
	}
	buf_addc(to, '}');
}

static void undo_array(const struct schema_node *n, struct span v, struct buf *to, int depth)
{
	struct json_iter it = {0};
	struct span key, value;
	size_t i = 0;

	buf_addc(to, '[');
	for (; json_next(&it, v, &key, &value); i++) {
		buf_adds(to, i ? "," : "");
		undo(i < n->prefix.n ? n->prefix.v[i] : n->items, value, to, depth + 1);
	}
	buf_addc(to, ']');
}

/* By the first branch that then allows it. Returns whether there is one. */
static int undo_branch(const struct schema_list *any, struct span v, struct buf *to, int depth)
{
	for (size_t i = 0; i < any->n; i++) {
		struct buf b = BUF_INIT;
		struct span fixed;
		int fits;

		undo(any->v[i], v, &b, depth + 1);
		fits = !json_check(buf_span(&b), &fixed, NULL) &&
		       schema_node_check(any->v[i], fixed) == 0;
		if (fits)
			buf_addspan(to, fixed);
		buf_release(&b);
		if (fits)
			return 1;
	}
	return 0;
}

static void undo(const struct schema_node *n, struct span v, struct buf *to, int depth)
{
	n = resolve(n);
	if (n && depth < DEPTH && n->any_of.n && undo_branch(&n->any_of, v, to, depth))
		return;
	if (n && depth < DEPTH && json_kind(v) == JSON_OBJECT)
		undo_object(n, v, to, depth);
	else if (n && depth < DEPTH && json_kind(v) == JSON_ARRAY)
		undo_array(n, v, to, depth);
	else
		buf_addspan(to, v);
}

void strict_undo(const struct schema *s, struct span answer, struct buf *to)
{
	undo(schema_root(s), answer, to, 0);
}
