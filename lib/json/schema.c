/* From the text of a JSON Schema to its nodes. See schema.h. */
#include "schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "foreign.h"
#include "schema_impl.h"

#define SCHEMA_MAX ((size_t)16 << 20) /* bytes of a file */
#define DEPTH_MAX 200

static struct schema_node *compile(struct schema *s, struct span v, const char *where,
				   struct err *e);

/* "#/a" and a key (raw JSON string) make "#/a/key" with ~ and / escaped. free() it. */
static char *below(const char *where, struct span key, const char *word)
{
	struct buf b = BUF_INIT, name = BUF_INIT;

	buf_adds(&b, where);
	buf_addc(&b, '/');
	if (word)
		buf_adds(&b, word);
	else
		json_string(key, &name);
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] == '~' || name.data[i] == '/')
			buf_adds(&b, name.data[i] == '~' ? "~0" : "~1");
		else
			buf_addc(&b, name.data[i]);
	buf_release(&name);
	return buf_detach(&b, NULL);
}

static struct schema_node *sub(struct schema *s, struct span v, const char *where, const char *word,
			       struct err *e)
{
	struct span none = {NULL, 0};
	char *path = below(where, none, word);
	struct schema_node *n = compile(s, v, path, e);

	free(path);
	return n;
}

static int by_hash(const void *a, const void *b)
{
	const struct schema_value *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

void schema_sort_values(struct schema_value *v, size_t n)
{
	mem_sort(v, n, sizeof *v, by_hash);
}

static int wrong(struct err *e, const char *where, const char *word, const char *wanted)
{
	return err_set(e, "%s/%s: must be %s", where, word, wanted);
}

static int compile_list(struct schema *s, struct span v, const char *where, const char *word,
			struct schema_list *l, struct err *e)
{
	char *path = below(where, (struct span){NULL, 0}, word);
	struct json_iter it = {0};
	struct span item, unused;
	char index[32];
	int bad = 0;

	if (json_kind(v) != JSON_ARRAY || json_count(v) == 0)
		bad = wrong(e, where, word, "a list of schemas that is not empty");
	else
		l->v = mem_alloc(json_count(v), sizeof *l->v);
	while (!bad && json_next(&it, v, &unused, &item)) {
		snprintf(index, sizeof index, "%zu", l->n);
		bad = !(l->v[l->n] = sub(s, item, path, index, e));
		l->n += !bad;
	}
	free(path);
	return bad ? -1 : 0;
}

static void *compile_pattern(struct span text, const char *where, const char *word, struct err *e)
{
	int code;
	size_t offset;
	char reason[128];
	pcre2_code *p = pcre2_compile((PCRE2_SPTR)text.s, text.n,
				      PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX |
					      PCRE2_MATCH_UNSET_BACKREF,
				      &code, &offset, NULL);

	if (!p) {
		pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
		err_set(e, "%s/%s: \"%.*s\" at %zu: %s", where, word,
			(int)(text.n < 200 ? text.n : 200), text.s, offset, reason);
	}
	return p;
}

/* Members of an object whose values are schemas. patterns: their names are patterns. */
static int compile_names(struct schema *s, struct span v, const char *where, const char *word,
			 struct schema_names *to, int patterns, struct err *e)
{
	char *path = below(where, (struct span){NULL, 0}, word);
	struct json_iter it = {0};
	struct span key, value;
	int bad = 0;

	if (json_kind(v) != JSON_OBJECT)
		bad = wrong(e, where, word, "an object of schemas");
	else
		to->v = mem_alloc(json_count(v), sizeof *to->v);
	while (!bad && json_next(&it, v, &key, &value)) {
		struct schema_property *p = &to->v[to->n];
		struct buf name = BUF_INIT;
		char *at = below(path, key, NULL);

		json_string(key, &name);
		p->name = buf_detach(&name, &p->n);
		to->n++;
		if (patterns)
			bad = !(p->pattern = compile_pattern((struct span){p->name, p->n}, where,
							     word, e));
		if (!bad)
			bad = !(p->node = compile(s, value, at, e));
		free(at);
	}
	free(path);
	return bad ? -1 : 0;
}

static int names_of(struct span v, const char *where, const char *word,
		    struct schema_property **names, size_t *n, struct err *e)
{
	struct json_iter it = {0};
	struct span item, unused;

	if (json_kind(v) != JSON_ARRAY)
		return wrong(e, where, word, "a list of names");
	*names = mem_alloc(json_count(v), sizeof **names);
	while (json_next(&it, v, &unused, &item)) {
		struct buf name = BUF_INIT;

		if (json_string(item, &name)) {
			buf_release(&name);
			return wrong(e, where, word, "a list of names");
		}
		(*names)[*n].name = buf_detach(&name, &(*names)[*n].n);
		(*n)++;
	}
	return 0;
}

/* dependentRequired, dependentSchemas, and draft 7's dependencies, which is both. */
static int compile_dependencies(struct schema *s, struct span v, const char *where,
				const char *word, struct schema_node *n, int lists, int schemas,
				struct err *e)
{
	char *path = below(where, (struct span){NULL, 0}, word);
	size_t room = n->n_dependent_required + json_count(v),
	       room_schemas = n->dependent.n + json_count(v);
	struct json_iter it = {0};
	struct span key, value;
	int bad = 0;

	if (json_kind(v) != JSON_OBJECT)
		bad = wrong(e, where, word, "an object");
	n->dependent_required =
		mem_realloc(n->dependent_required, room + 1, sizeof *n->dependent_required);
	n->dependent.v = mem_realloc(n->dependent.v, room_schemas + 1, sizeof *n->dependent.v);
	while (!bad && json_next(&it, v, &key, &value)) {
		struct buf name = BUF_INIT;

		json_string(key, &name);
		if (lists && json_kind(value) == JSON_ARRAY) {
			size_t i = n->n_dependent_required++;

			memset(&n->dependent_required[i], 0, sizeof n->dependent_required[i]);
			n->dependent_required[i].name =
				buf_detach(&name, &n->dependent_required[i].name_n);
			bad = names_of(value, where, word, &n->dependent_required[i].needs,
				       &n->dependent_required[i].n, e);
		} else if (schemas) {
			struct schema_property *p = &n->dependent.v[n->dependent.n++];
			char *at = below(path, key, NULL);

			memset(p, 0, sizeof *p);
			p->name = buf_detach(&name, &p->n);
			bad = !(p->node = compile(s, value, at, e));
			free(at);
		} else {
			buf_release(&name);
			bad = wrong(e, where, word, "an object of lists of names");
		}
	}
	free(path);
	return bad ? -1 : 0;
}

static int type_bit(struct span v)
{
	static const struct {
		const char *name;
		int bit;
	} types[] = {{"null", SCHEMA_NULL},	  {"boolean", SCHEMA_BOOLEAN},
		     {"integer", SCHEMA_INTEGER}, {"number", SCHEMA_NUMBER | SCHEMA_INTEGER},
		     {"string", SCHEMA_STRING},	  {"array", SCHEMA_ARRAY},
		     {"object", SCHEMA_OBJECT}};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (json_is(v, types[i].name))
			return types[i].bit;
	return 0;
}

static int compile_types(struct span v, const char *where, struct schema_node *n, struct err *e)
{
	struct json_iter it = {0};
	struct span item, unused;
	int bit;

	n->types = 0;
	if (json_kind(v) != JSON_ARRAY) {
		n->types = type_bit(v);
	} else {
		while (json_next(&it, v, &unused, &item)) {
			if (!(bit = type_bit(item)))
				return err_set(e, "%s/type: there is no type %.*s", where,
					       (int)(item.n < 80 ? item.n : 80), item.s);
			n->types |= bit;
		}
	}
	if (!n->types)
		return err_set(e, "%s/type: there is no type %.*s", where,
			       (int)(v.n < 80 ? v.n : 80), v.s);
	return 0;
}

static int compile_count(struct span v, const char *where, const char *word, size_t *to,
			 struct err *e)
{
	double x;

	if (json_number(v, &x) || x < 0 || x != floor(x))
		return wrong(e, where, word, "a whole number, 0 or more");
	*to = x >= 9e15 ? SIZE_MAX - 1 : (size_t)x;
	return 0;
}

static int compile_number(struct span v, const char *where, const char *word,
			  struct schema_limit *to, struct err *e)
{
	if (json_kind(v) != JSON_NUMBER)
		return wrong(e, where, word, "a number");
	/* the copy of the text is NUL-terminated, and a number ends at what is none */
	*to = (struct schema_limit){strtold(v.s, NULL), v};
	return 0;
}

static int compile_format(struct span v, struct schema_node *n)
{
	static const char *const names[] = {"",	   "date", "time", "date-time", "email",
					    "uri", "uuid", "ipv4", "ipv6"};

	for (int i = 1; i <= SCHEMA_IPV6; i++)
		if (json_is(v, names[i]))
			n->format = (enum schema_format)i;
	return 0;
}

static int remember_anchor(struct schema *s, struct schema_node *n, struct span v,
			   const char *where, struct err *e)
{
	struct buf name = BUF_INIT;

	if (json_string(v, &name)) {
		buf_release(&name);
		return wrong(e, where, "$anchor", "a string");
	}
	s->anchors = mem_grow(s->anchors, &s->cap_anchors, s->n_anchors + 1, sizeof *s->anchors);
	s->anchors[s->n_anchors++] = (struct anchor){buf_detach(&name, NULL), n};
	return 0;
}

/* Draft 7 writes an anchor as "$id": "#name". Any other $id below the root starts a document of its
 * own. */
static int compile_id(struct schema *s, struct schema_node *n, struct span v, const char *where,
		      struct err *e)
{
	struct buf id = BUF_INIT;
	int bad = 0;

	if (json_string(v, &id))
		bad = wrong(e, where, "$id", "a string");
	else if (id.len > 1 && id.data[0] == '#')
		bad = remember_anchor(s, n, (struct span){v.s, v.n}, where, e);
	else if (strcmp(where, "#") != 0)
		bad = err_set(e,
			      "%s/$id: a schema within a schema that has an address of its own is not covered",
			      where);
	else if (!s->id) {
		s->id = mem_strdup(id.data ? id.data : "");
		s->id[strcspn(s->id, "#")] = 0;
	}
	buf_release(&id);
	return bad ? -1 : 0;
}

static int put_ref(struct schema *s, struct schema_node *n, struct span v, const char *where,
		   struct err *e)
{
	if (json_kind(v) != JSON_STRING)
		return wrong(e, where, "$ref", "a string");
	s->pending = mem_grow(s->pending, &s->cap_pending, s->n_pending + 1, sizeof *s->pending);
	s->pending[s->n_pending++] = (struct pending){n, v};
	return 0;
}

static int one(struct schema_node **to, struct schema_node *n)
{
	*to = n;
	return n ? 0 : -1;
}

/* Keywords that hold schemas. 1: it is none of them. */
static int compile_applicator(struct schema *s, struct schema_node *n, struct span key,
			      struct span v, const char *at, struct err *e)
{
	struct schema_names defs = {0};
	struct schema_node **single = json_is(key, "not")		     ? &n->not_
				      : json_is(key, "if")		     ? &n->if_
				      : json_is(key, "then")		     ? &n->then_
				      : json_is(key, "else")		     ? &n->else_
				      : json_is(key, "contains")	     ? &n->contains
				      : json_is(key, "additionalProperties") ? &n->additional
				      : json_is(key, "propertyNames")	     ? &n->names
									     : NULL;
	struct buf word = BUF_INIT;
	int rc = 1;

	json_string(key, &word);
	if (single)
		rc = one(single, sub(s, v, at, word.data, e));
	else if (json_is(key, "allOf"))
		rc = compile_list(s, v, at, "allOf", &n->all_of, e);
	else if (json_is(key, "anyOf"))
		rc = compile_list(s, v, at, "anyOf", &n->any_of, e);
	else if (json_is(key, "oneOf"))
		rc = compile_list(s, v, at, "oneOf", &n->one_of, e);
	else if (json_is(key, "properties"))
		rc = compile_names(s, v, at, "properties", &n->properties, 0, e);
	else if (json_is(key, "patternProperties"))
		rc = compile_names(s, v, at, "patternProperties", &n->patterns, 1, e);
	else if (json_is(key, "prefixItems"))
		rc = compile_list(s, v, at, "prefixItems", &n->prefix, e);
	else if (json_is(key, "dependentSchemas"))
		rc = compile_dependencies(s, v, at, "dependentSchemas", n, 0, 1, e);
	else if (json_is(key, "dependentRequired"))
		rc = compile_dependencies(s, v, at, "dependentRequired", n, 1, 0, e);
	else if (json_is(key, "dependencies"))
		rc = compile_dependencies(s, v, at, "dependencies", n, 1, 1, e);
	else if (json_is(key, "$defs") || json_is(key, "definitions")) {
		/* Compiled so that they are checked and their anchors known; references find them
		 * by their place. */
		rc = compile_names(s, v, at, word.data, &defs, 0, e);
		for (size_t i = 0; i < defs.n; i++)
			free(defs.v[i].name);
		free(defs.v);
	}
	buf_release(&word);
	return rc;
}

/* items and additionalItems: a list of schemas in items is draft 7's way to say prefixItems. */
static int compile_items(struct schema *s, struct schema_node *n, struct span v, const char *at,
			 struct err *e)
{
	struct span items = json_member(v, "items"), more = json_member(v, "additionalItems");

	if (json_kind(items) == JSON_ARRAY && n->prefix.v)
		return err_set(e, "%s: has both prefixItems and a list in items", at);
	if (json_kind(items) == JSON_ARRAY) {
		if (json_count(items) > 0 && compile_list(s, items, at, "items", &n->prefix, e))
			return -1;
		return more.s ? one(&n->items, sub(s, more, at, "additionalItems", e)) : 0;
	}
	if (more.s && !sub(s, more, at, "additionalItems", e))
		return -1; /* of no effect without a list, but it has to be a schema */
	return items.s ? one(&n->items, sub(s, items, at, "items", e)) : 0;
}

/* Limits and other assertions. 1: it is none of them. */
static int compile_assertion(struct schema *s, struct schema_node *n, struct span key,
			     struct span v, const char *at, struct err *e)
{
	static const char *const refused[] = {"$dynamicRef", "$recursiveRef", "unevaluatedItems",
					      "unevaluatedProperties"};
	const struct {
		const char *word;
		size_t *count;
		struct schema_limit *number;
	} limits[] = {{"minLength", &n->min_length, NULL},
		      {"maxLength", &n->max_length, NULL},
		      {"minItems", &n->min_items, NULL},
		      {"maxItems", &n->max_items, NULL},
		      {"minContains", &n->min_contains, NULL},
		      {"maxContains", &n->max_contains, NULL},
		      {"minProperties", &n->min_properties, NULL},
		      {"maxProperties", &n->max_properties, NULL},
		      {"minimum", NULL, &n->minimum},
		      {"maximum", NULL, &n->maximum},
		      {"exclusiveMinimum", NULL, &n->above},
		      {"exclusiveMaximum", NULL, &n->below}};
	struct json_iter it = {0};
	struct span item, unused;
	double x;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (json_is(key, refused[i]))
			return err_set(e, "%s: %s is not covered", at, refused[i]);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (json_is(key, limits[i].word))
			return limits[i].count
				       ? compile_count(v, at, limits[i].word, limits[i].count, e)
				       : compile_number(v, at, limits[i].word, limits[i].number, e);
	if (json_is(key, "type"))
		return compile_types(v, at, n, e);
	if (json_is(key, "enum") || json_is(key, "const")) {
		int constant = json_is(key, "const");

		if (!constant && json_kind(v) != JSON_ARRAY)
			return wrong(e, at, "enum", "a list of values");
		if (n->has_enum)
			return err_set(e, "%s: has both enum and const", at);
		n->has_enum = 1;
		n->values = mem_alloc(constant ? 1 : json_count(v), sizeof *n->values);
		if (constant)
			n->values[n->n_values++] = v;
		while (!constant && json_next(&it, v, &unused, &item))
			n->values[n->n_values++] = item;
		n->by_hash = mem_alloc(n->n_values, sizeof *n->by_hash);
		for (size_t i = 0; i < n->n_values; i++)
			n->by_hash[i] =
				(struct schema_value){json_hash(n->values[i]), n->values[i]};
		schema_sort_values(n->by_hash, n->n_values);
		return 0;
	}
	if (json_is(key, "multipleOf")) {
		if (json_number(v, &x) || !(x > 0))
			return wrong(e, at, "multipleOf", "a number greater than 0");
		n->multiple = v;
		return 0;
	}
	if (json_is(key, "pattern")) {
		struct buf text = BUF_INIT;

		if (json_string(v, &text)) {
			buf_release(&text);
			return wrong(e, at, "pattern", "a string");
		}
		n->pattern = compile_pattern(buf_span(&text), at, "pattern", e);
		n->pattern_text = buf_detach(&text, NULL);
		return n->pattern ? 0 : -1;
	}
	if (json_is(key, "format"))
		return json_kind(v) == JSON_STRING ? compile_format(v, n)
						   : wrong(e, at, "format", "a string");
	if (json_is(key, "uniqueItems")) {
		if (json_kind(v) != JSON_TRUE && json_kind(v) != JSON_FALSE)
			return wrong(e, at, "uniqueItems", "true or false");
		n->unique = json_kind(v) == JSON_TRUE;
		return 0;
	}
	if (json_is(key, "required"))
		return json_kind(v) == JSON_ARRAY
			       ? names_of(v, at, "required", &n->required, &n->n_required, e)
			       : wrong(e, at, "required", "a list of names");
	if (json_is(key, "$ref"))
		return put_ref(s, n, v, at, e);
	if (json_is(key, "$anchor"))
		return remember_anchor(s, n, v, at, e);
	if (json_is(key, "$id"))
		return compile_id(s, n, v, at, e);
	return 1;
}

/* Whether the keyword stands in the schema again, further on. */
static int comes_again(struct span schema, struct span key, struct span value)
{
	struct buf word = BUF_INIT;
	int again;

	json_string(key, &word);
	again = json_member(schema, word.data).s != value.s;
	buf_release(&word);
	return again;
}

static struct schema_node *new_node(struct schema *s, struct span v, const char *where)
{
	struct schema_node *n = mem_alloc(1, sizeof *n);

	s->nodes = mem_grow(s->nodes, &s->cap, s->n + 1, sizeof *s->nodes);
	map_put(&s->seen, (uint64_t)(v.s - s->copy), s->n, NULL);
	s->nodes[s->n++] = n;
	n->where = mem_strdup(where);
	n->types = SCHEMA_ANY;
	n->minimum = n->maximum = n->above = n->below = (struct schema_limit){.near = NAN};
	n->max_length = n->max_items = n->max_contains = n->max_properties = SIZE_MAX;
	n->min_contains = 1;
	return n;
}

static struct schema_node *compile(struct schema *s, struct span v, const char *where,
				   struct err *e)
{
	uint64_t *known = map_get(&s->seen, (uint64_t)(v.s - s->copy));
	enum json_kind kind = json_kind(v);
	struct json_iter it = {0};
	struct schema_node *n;
	struct span key, value;

	if (known)
		return s->nodes[*known];
	if (kind != JSON_OBJECT && kind != JSON_TRUE && kind != JSON_FALSE) {
		err_set(e, "%s: a schema is an object, true or false", where);
		return NULL;
	}
	if (s->depth == DEPTH_MAX) {
		err_set(e, "%s: schemas are nested too deeply", where);
		return NULL;
	}
	n = new_node(s, v, where);
	if (kind != JSON_OBJECT) {
		n->fixed = kind == JSON_TRUE ? 1 : -1;
		return n;
	}
	n->ref_only = s->draft7 && json_member(v, "$ref").s;
	s->depth++;
	while (json_next(&it, v, &key, &value)) {
		int other = compile_assertion(s, n, key, value, where, e);

		if (other == 1)
			other = compile_applicator(s, n, key, value, where, e);
		if (other == 0 && comes_again(v, key, value))
			other = err_set(e, "%s: has the keyword %.*s twice", where, (int)key.n,
					key.s);
		if (other < 0)
			return NULL;
	}
	if (compile_items(s, n, v, where, e))
		return NULL;
	s->depth--;
	return n;
}

/* One step of a JSON pointer (RFC 6901, in a URI fragment): p is moved behind it, the token decoded
 * into b. */
static void pointer_step(const char **p, const char *end, struct buf *b)
{
	buf_clear(b);
	for (; *p < end && **p != '/'; (*p)++) {
		unsigned hex;

		if (**p == '~' && end - *p > 1 && ((*p)[1] == '0' || (*p)[1] == '1')) {
			buf_addc(b, (*p)[1] == '0' ? '~' : '/');
			(*p)++;
		} else if (**p == '%' && end - *p > 2 && sscanf(*p + 1, "%2x", &hex) == 1) {
			buf_addc(b, (int)hex);
			*p += 2;
		} else {
			buf_addc(b, **p);
		}
	}
}

static struct span follow_pointer(const struct schema *s, const char *p, const char *end)
{
	struct span at = s->text, key, value;
	struct buf step = BUF_INIT;

	while (p < end && at.s) {
		struct span from = at;
		struct json_iter it = {0};

		p++; /* the slash */
		pointer_step(&p, end, &step);
		at = (struct span){NULL, 0};
		if (json_kind(from) == JSON_ARRAY) {
			if (step.len > 0 && step.len < 10 &&
			    strspn(step.data, "0123456789") == step.len)
				at = json_element(from, atoll(step.data));
			continue;
		}
		while (json_kind(from) == JSON_OBJECT && json_next(&it, from, &key, &value)) {
			struct buf name = BUF_INIT;

			json_string(key, &name);
			if (name.len == step.len &&
			    (name.len == 0 || memcmp(name.data, step.data, name.len) == 0))
				at = value;
			buf_release(&name);
		}
	}
	buf_release(&step);
	return at;
}

static struct schema_node *resolve(struct schema *s, const char *target, const char *where,
				   struct err *e)
{
	const char *p = target;
	struct span at;

	if (s->id && *s->id && strncmp(p, s->id, strlen(s->id)) == 0)
		p += strlen(s->id);
	if (*p == 0)
		p = "#";
	if (*p != '#') {
		err_set(e, "%s/$ref: \"%s\" is outside this document, and nothing is fetched",
			where, target);
		return NULL;
	}
	p++;
	if (*p && *p != '/') {
		for (size_t i = 0; i < s->n_anchors; i++)
			if (strcmp(s->anchors[i].name + (s->anchors[i].name[0] == '#'), p) == 0)
				return s->anchors[i].node;
		at = (struct span){NULL, 0};
	} else {
		at = follow_pointer(s, p, p + strlen(p));
	}
	if (!at.s) {
		err_set(e, "%s/$ref: \"%s\" names nothing in this document", where, target);
		return NULL;
	}
	return compile(s, at, target, e);
}

/* A chain of references that never comes to a schema would be followed for ever. */
static int check_cycle(const struct schema_node *n, struct err *e)
{
	const struct schema_node *slow = n, *fast = n;

	while (fast->ref && fast->ref->ref) {
		slow = slow->ref;
		fast = fast->ref->ref;
		if (slow == fast)
			return err_set(e, "%s/$ref: the reference leads back to itself", n->where);
	}
	return 0;
}

struct schema *schema_compile(struct span text, struct err *e)
{
	struct schema *s = mem_alloc(1, sizeof *s);
	struct span declared;
	struct buf target = BUF_INIT;

	s->copy = mem_strndup(text.s ? text.s : "", text.n);
	s->copy_n = text.n;
	if (json_check((struct span){s->copy, s->copy_n}, &s->text, e))
		goto bad;
	declared = json_member(s->text, "$schema");
	if (json_kind(declared) == JSON_STRING) {
		json_string(declared, &target);
		s->draft7 = strstr(target.data ? target.data : "", "draft-0") != NULL;
	}
	if (!compile(s, s->text, "#", e))
		goto bad;
	for (size_t i = 0; i < s->n_pending; i++) { /* resolving may find more of them */
		struct schema_node *n = s->pending[i].node;

		buf_clear(&target);
		json_string(s->pending[i].target, &target);
		if (!(n->ref = resolve(s, target.data ? target.data : "", n->where, e)))
			goto bad;
	}
	for (size_t i = 0; i < s->n; i++)
		if (check_cycle(s->nodes[i], e))
			goto bad;
	buf_release(&target);
	return s;
bad:
	buf_release(&target);
	schema_free(s);
	return NULL;
}

struct schema *schema_read(const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	struct schema *s = NULL;

	if (!file_read(path, SCHEMA_MAX, &text, e) && !foreign_file(path, buf_span(&text), e) &&
	    !(s = schema_compile(buf_span(&text), e)))
		err_prefix(e, "%s", path);
	buf_release(&text);
	return s;
}

static void free_names(struct schema_property *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		pcre2_code_free(v[i].pattern);
	}
	free(v);
}

static void free_node(struct schema_node *n)
{
	free(n->where);
	free(n->values);
	free(n->by_hash);
	pcre2_code_free(n->pattern);
	free(n->pattern_text);
	free(n->prefix.v);
	free_names(n->properties.v, n->properties.n);
	free_names(n->patterns.v, n->patterns.n);
	free_names(n->dependent.v, n->dependent.n);
	free_names(n->required, n->n_required);
	for (size_t i = 0; i < n->n_dependent_required; i++) {
		free(n->dependent_required[i].name);
		free_names(n->dependent_required[i].needs, n->dependent_required[i].n);
	}
	free(n->dependent_required);
	free(n->all_of.v);
	free(n->any_of.v);
	free(n->one_of.v);
	free(n);
}

void schema_free(struct schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		free_node(s->nodes[i]);
	for (size_t i = 0; i < s->n_anchors; i++)
		free(s->anchors[i].name);
	free(s->nodes);
	free(s->anchors);
	free(s->pending);
	map_release(&s->seen);
	free(s->id);
	free(s->copy);
	free(s);
}

const struct schema_node *schema_root(const struct schema *s)
{
	return s->nodes[0];
}

struct span schema_text(const struct schema *s)
{
	return s->text;
}
