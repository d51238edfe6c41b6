/* From a schema to an automaton over JSON text. See constrain.h.
 *
 * What must hold at one place of the value is a list of schemas (a member may be described by
 * several branches of an allOf). The list is expanded: references followed, allOf flattened, anyOf
 * and oneOf made into alternatives; what is left are nodes whose own limits are combined type by
 * type. A list that was met before is called again as the same rule, which is how recursion ends.
 */
#include "constrain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "constrain_impl.h"

#define ALTERNATIVES_MAX 4000 /* of one place, after anyOf within allOf was multiplied out */
#define EXPAND_DEPTH 60
#define EXTRA_SPACES 32

int constrain_cannot(struct compiler *c, const struct schema_node *n, const char *word)
{
	return err_set(c->e, "%s: %s is not covered where answers are held to the schema", n->where,
		       word);
}

uint32_t constrain_text(struct compiler *c, uint32_t from, const char *s)
{
	return automaton_text(c->a, from, span_of(s));
}

static void text_to(struct compiler *c, uint32_t from, uint32_t to, const char *s)
{
	automaton_skip(c->a, constrain_text(c, from, s), to);
}

static void list_add(struct list *l, const struct schema_node *n)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == n)
			return;
	l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n++] = n;
}

/* --- the parts that do not depend on the schema --- */

static void make_space(struct compiler *c)
{
	uint32_t from, to, at;

	c->space = automaton_rule(c->a);
	from = automaton_rule_start(c->a, c->space);
	to = automaton_rule_end(c->a, c->space);
	automaton_skip(c->a, from, to);
	text_to(c, from, to, " ");
	at = constrain_text(c, from, "\n");
	for (int i = 0; i < EXTRA_SPACES; i++) {
		automaton_skip(c->a, at, to);
		at = constrain_text(c, at, " ");
	}
	automaton_skip(c->a, at, to);
}

/* Any one character of a string, in any way JSON can write it but surrogates that stand alone. */
static void make_character(struct compiler *c)
{
	static const unsigned char utf8[][8] =
		{/* Unicode 15, table 3-7: ranges of the bytes of well-formed sequences */
		 {0xc2, 0xdf, 0x80, 0xbf},
		 {0xe0, 0xe0, 0xa0, 0xbf, 0x80, 0xbf},
		 {0xe1, 0xec, 0x80, 0xbf, 0x80, 0xbf},
		 {0xed, 0xed, 0x80, 0x9f, 0x80, 0xbf},
		 {0xee, 0xef, 0x80, 0xbf, 0x80, 0xbf},
		 {0xf0, 0xf0, 0x90, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
		 {0xf1, 0xf3, 0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
		 {0xf4, 0xf4, 0x80, 0x8f, 0x80, 0xbf, 0x80, 0xbf}};
	struct automaton *a = c->a;
	uint32_t from, to, slash, u, d, h[4];

	c->character = automaton_rule(a);
	from = automaton_rule_start(a, c->character);
	to = automaton_rule_end(a, c->character);
	automaton_bytes(a, from, to, 0x20, '"' - 1);
	automaton_bytes(a, from, to, '"' + 1, '\\' - 1);
	automaton_bytes(a, from, to, '\\' + 1, 0x7f);
	for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
		uint32_t at = from;

		for (int k = 0; k < 8 && utf8[i][k]; k += 2) {
			uint32_t next = k == 6 || !utf8[i][k + 2] ? to : automaton_state(a);

			automaton_bytes(a, at, next, utf8[i][k], utf8[i][k + 1]);
			at = next;
		}
	}
	slash = constrain_text(c, from, "\\");
	for (const char *p = "\"\\/bfnrt"; *p; p++)
		automaton_bytes(a, slash, to, (unsigned char)*p, (unsigned char)*p);
	u = constrain_text(c, slash, "u");
	for (int i = 0; i < 4; i++)
		h[i] = i == 3 ? to : automaton_state(a);
	d = automaton_state(a);
	automaton_bytes(a, u, h[0], '0', '9');
	automaton_bytes(a, u, h[0], 'a', 'c');
	automaton_bytes(a, u, h[0], 'A', 'C');
	automaton_bytes(a, u, h[0], 'e', 'f');
	automaton_bytes(a, u, h[0], 'E', 'F');
	automaton_bytes(a, u, d, 'd', 'd');
	automaton_bytes(a, u, d, 'D', 'D');
	automaton_bytes(a, d, h[1], '0', '7');
	for (int i = 1; i < 4; i++) {
		automaton_bytes(a, h[i - 1], h[i], '0', '9');
		automaton_bytes(a, h[i - 1], h[i], 'a', 'f');
		automaton_bytes(a, h[i - 1], h[i], 'A', 'F');
	}
}

/* --- the nodes of one alternative, together --- */

static uint32_t rule_of(struct compiler *c, const struct list *must);

static int types_of(const struct list *all)
{
	int types = SCHEMA_ANY;

	for (size_t i = 0; i < all->n; i++)
		types &= all->v[i]->types;
	return types;
}

static const char *const format_patterns[] = {
	[SCHEMA_DATE] =
		"^(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|"
		"(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$",
	[SCHEMA_TIME] =
		"^([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$",
	[SCHEMA_DATE_TIME] =
		"^(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|"
		"(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
		"T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$",
	[SCHEMA_EMAIL] =
		"^[A-Za-z0-9_+-]{1,20}(\\.[A-Za-z0-9_+-]{1,20}){0,2}@[A-Za-z0-9]{1,40}(-[A-Za-z0-9]{1,20})?(\\.[A-Za-z0-9]{2,20}){1,3}$",
	[SCHEMA_URI] =
		"^https?://[A-Za-z0-9]{1,60}([.-][A-Za-z0-9]{1,60}){0,5}(:[0-9]{1,5})?(/[A-Za-z0-9._~+-]*)*(\\?[A-Za-z0-9._~=&+-]*)?(#[A-Za-z0-9._~-]*)?$",
	[SCHEMA_UUID] = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
	[SCHEMA_IPV4] =
		"^((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)$",
	[SCHEMA_IPV6] = "^([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}$",
};

static int put_string(struct compiler *c, const struct list *all, uint32_t from, uint32_t to)
{
	const struct schema_node *shaped = NULL;
	size_t least = 0, most = SIZE_MAX;
	uint32_t at;

	for (size_t i = 0; i < all->n; i++) {
		const struct schema_node *n = all->v[i];

		if (n->pattern || n->format != SCHEMA_PLAIN) {
			if (shaped || (n->pattern && n->format != SCHEMA_PLAIN))
				return constrain_cannot(c, n, "more than one pattern or format");
			shaped = n;
		}
		least = n->min_length > least ? n->min_length : least;
		most = n->max_length < most ? n->max_length : most;
	}
	if (shaped && (least > 0 || most < SIZE_MAX))
		return constrain_cannot(c, shaped,
					"minLength or maxLength beside a pattern or format");
	if (shaped)
		return constrain_pattern(c->a, from, to,
					 shaped->pattern ? shaped->pattern_text
							 : format_patterns[shaped->format],
					 shaped->where, c->e);
	if (least > most)
		return 0;
	at = constrain_text(c, from, "\"");
	for (size_t i = 0; i < least || (most < SIZE_MAX && i < most); i++) {
		uint32_t next = automaton_state(c->a);

		if (i > AUTOMATON_STATES)
			break; /* too many already: automaton_finish says so */
		if (i >= least)
			automaton_bytes(c->a, at, to, '"', '"');
		automaton_call(c->a, at, next, c->character);
		at = next;
	}
	if (most == SIZE_MAX)
		automaton_call(c->a, at, at, c->character);
	automaton_bytes(c->a, at, to, '"', '"');
	return 0;
}

/* What item i must be; 0 where there can be none. */
static int item_of(const struct list *all, size_t i, struct list *must)
{
	for (size_t k = 0; k < all->n; k++) {
		const struct schema_node *n = all->v[k],
					 *each = i < n->prefix.n ? n->prefix.v[i] : n->items;

		if (each && each->fixed < 0)
			return 0;
		if (each)
			list_add(must, each);
	}
	return 1;
}

static int put_array(struct compiler *c, const struct list *all, uint32_t from, uint32_t to)
{
	size_t least = 0, most = SIZE_MAX, prefix = 0;
	uint32_t at, first, end;

	for (size_t i = 0; i < all->n; i++) {
		const struct schema_node *n = all->v[i];

		if (n->contains || n->unique)
			return constrain_cannot(c, n, n->contains ? "contains" : "uniqueItems");
		least = n->min_items > least ? n->min_items : least;
		most = n->max_items < most ? n->max_items : most;
		prefix = n->prefix.n > prefix ? n->prefix.n : prefix;
	}
	at = automaton_state(c->a);
	end = automaton_state(c->a);
	first = constrain_text(c, from, "[");
	automaton_call(c->a, first, at, c->space);
	if (least == 0)
		text_to(c, at, end, "]");
	automaton_skip(c->a, end, to);
	for (size_t i = 0; i < most && i < AUTOMATON_STATES; i++) {
		struct list must = {0};
		uint32_t item = automaton_state(c->a), behind = automaton_state(c->a), closing,
			 rule;

		if (!item_of(all, i, &must)) {
			free(must.v);
			break;
		}
		rule = rule_of(c, &must);
		free(must.v);
		if (i == 0)
			automaton_skip(c->a, at, item);
		else
			automaton_call(c->a, constrain_text(c, at, ","), item, c->space);
		automaton_call(c->a, item, behind, rule);
		if (i + 1 >= least) {
			closing = automaton_state(c->a);
			automaton_call(c->a, behind, closing, c->space);
			text_to(c, closing, end, "]");
		}
		if (most == SIZE_MAX && i + 1 >= least && i >= prefix) {
			/* All further ones are alike. */
			automaton_call(c->a, constrain_text(c, behind, ","), item, c->space);
			break;
		}
		at = behind;
	}
	return 0;
}

/* --- objects --- */

struct member {
	const char *name;
	size_t n;
	int required;
};

struct members {
	struct member *v;
	size_t n, cap;
};

static struct member *member_named(struct members *m, const char *name, size_t n)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].n == n && memcmp(m->v[i].name, name, n) == 0)
			return &m->v[i];
	m->v = mem_grow(m->v, &m->cap, m->n + 1, sizeof *m->v);
	m->v[m->n] = (struct member){name, n, 0};
	return &m->v[m->n++];
}

/* What the member must be; 0 where it cannot be. */
static int value_of(const struct list *all, const struct member *m, struct list *must)
{
	for (size_t k = 0; k < all->n; k++) {
		const struct schema_node *n = all->v[k], *said = n->additional;

		for (size_t i = 0; i < n->properties.n; i++)
			if (n->properties.v[i].n == m->n &&
			    memcmp(n->properties.v[i].name, m->name, m->n) == 0)
				said = n->properties.v[i].node;
		if (said && said->fixed < 0)
			return 0;
		if (said)
			list_add(must, said);
	}
	return 1;
}

static int in_other_name(unsigned c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || c == '.' || c == '-' || c == ' ';
}

/* A name in quotes that is none of those known: along the trie of their beginnings, and off it. */
static void other_name(struct compiler *c, uint32_t from, uint32_t to, const struct members *known)
{
	struct automaton *a = c->a;
	uint32_t off = automaton_state(a);
	struct node {
		uint32_t state;
		const char *name; /* one that goes this way */
		size_t depth;
	} *nodes = mem_alloc(1, sizeof *nodes);
	size_t n = 1, cap = 1;

	nodes[0] = (struct node){constrain_text(c, from, "\""), "", 0};
	automaton_bytes(a, off, to, '"', '"');
	for (unsigned b = 1; b < 128; b++)
		if (in_other_name(b))
			automaton_bytes(a, off, off, b, b);
	for (size_t i = 0; i < n; i++) {
		int is_name = 0;
		uint32_t child[128];

		memset(child, 0xff, sizeof child);
		for (size_t k = 0; k < known->n; k++) {
			const struct member *m = &known->v[k];
			unsigned char b;

			if (m->n < nodes[i].depth ||
			    memcmp(m->name, nodes[i].name, nodes[i].depth) != 0)
				continue;
			if (m->n == nodes[i].depth) {
				is_name = 1;
				continue;
			}
			b = (unsigned char)m->name[nodes[i].depth];
			if (b >= 128 || !in_other_name(b) || child[b] != UINT32_MAX)
				continue;
			child[b] = automaton_state(a);
			nodes = mem_grow(nodes, &cap, n + 1, sizeof *nodes);
			nodes[n++] = (struct node){child[b], m->name, nodes[i].depth + 1};
		}
		for (unsigned b = 1; b < 128; b++)
			if (in_other_name(b))
				automaton_bytes(a, nodes[i].state,
						child[b] != UINT32_MAX ? child[b] : off, b, b);
		if (!is_name && nodes[i].depth > 0)
			automaton_bytes(a, nodes[i].state, to, '"', '"');
	}
	free(nodes);
}

/* name: value, from one state to another. */
static void put_member(struct compiler *c, uint32_t from, uint32_t to, const struct member *m,
		       const struct list *must)
{
	struct buf name = BUF_INIT;
	uint32_t at = automaton_state(c->a), colon;

	json_put_string(&name, m->name, m->n);
	automaton_call(c->a, automaton_text(c->a, from, buf_span(&name)), at, c->space);
	colon = constrain_text(c, at, ":");
	at = automaton_state(c->a);
	automaton_call(c->a, colon, at, c->space);
	automaton_call(c->a, at, to, rule_of(c, must));
	buf_release(&name);
}

static int collect_members(struct compiler *c, const struct list *all, struct members *m,
			   int *others)
{
	int open = 1, said = 0;

	for (size_t k = 0; k < all->n; k++) {
		const struct schema_node *n = all->v[k];
		const char *word = n->patterns.n		  ? "patternProperties"
				   : n->names			  ? "propertyNames"
				   : n->min_properties > 0	  ? "minProperties"
				   : n->max_properties < SIZE_MAX ? "maxProperties"
				   : n->n_dependent_required	  ? "dependentRequired"
				   : n->dependent.n		  ? "dependentSchemas"
								  : NULL;

		if (word)
			return constrain_cannot(c, n, word);
		for (size_t i = 0; i < n->properties.n; i++)
			member_named(m, n->properties.v[i].name, n->properties.v[i].n);
		open &= !(n->additional && n->additional->fixed < 0);
		said |= n->additional != NULL;
	}
	*others = open && (said || m->n == 0);
	for (size_t k = 0; k < all->n; k++)
		for (size_t i = 0; i < all->v[k]->n_required; i++)
			member_named(m, all->v[k]->required[i].name, all->v[k]->required[i].n)
				->required = 1;
	return 0;
}

/* Members in order. Of each place there are two states: before anything was written, and behind
 * something. */
static int put_object(struct compiler *c, const struct list *all, uint32_t from, uint32_t to)
{
	struct automaton *a = c->a;
	struct members m = {0};
	uint32_t none = automaton_state(a), some = automaton_state(a), closing,
		 end = automaton_state(a);
	int others = 0, rc = collect_members(c, all, &m, &others);

	automaton_call(a, constrain_text(c, from, "{"), none, c->space);
	for (size_t i = 0; i < m.n && !rc; i++) {
		struct list must = {0};
		uint32_t key = automaton_state(a), next_none = automaton_state(a),
			 next_some = automaton_state(a);

		if (value_of(all, &m.v[i], &must)) {
			automaton_skip(a, none, key);
			automaton_call(a, constrain_text(c, some, ","), key, c->space);
			put_member(c, key, next_some, &m.v[i], &must);
		}
		if (!m.v[i].required) {
			automaton_skip(a, none, next_none);
			automaton_skip(a, some, next_some);
		}
		none = next_none;
		some = next_some;
		free(must.v);
	}
	if (others && !rc) {
		struct list must = {0};
		uint32_t key = automaton_state(a), name = automaton_state(a),
			 at = automaton_state(a), value = automaton_state(a);

		/* A member of no known name must be what all additionalProperties say. */
		for (size_t k = 0; k < all->n; k++)
			if (all->v[k]->additional)
				list_add(&must, all->v[k]->additional);
		automaton_skip(a, none, key);
		automaton_call(a, constrain_text(c, some, ","), key, c->space);
		other_name(c, key, name, &m);
		automaton_call(a, name, at, c->space);
		automaton_call(a, constrain_text(c, at, ":"), value, c->space);
		automaton_call(a, value, some, rule_of(c, &must));
		free(must.v);
	}
	closing = automaton_state(a);
	automaton_skip(a, none, end);
	automaton_call(a, some, closing, c->space);
	automaton_skip(a, closing, end);
	text_to(c, end, to, "}");
	free(m.v);
	return rc;
}

/* --- alternatives --- */

/* Whether no value is valid under both. 0 also where that cannot be told. */
static int exclusive(const struct schema_node *x, const struct schema_node *y, int depth)
{
	int tx, ty;

	while (x->ref && x->types == SCHEMA_ANY && !x->has_enum)
		x = x->ref;
	while (y->ref && y->types == SCHEMA_ANY && !y->has_enum)
		y = y->ref;
	tx = x->types | (x->types & SCHEMA_NUMBER ? SCHEMA_INTEGER : 0);
	ty = y->types | (y->types & SCHEMA_NUMBER ? SCHEMA_INTEGER : 0);
	if (x->fixed < 0 || y->fixed < 0 || !(tx & ty))
		return 1;
	if (x->has_enum || y->has_enum) {
		const struct schema_node *list = x->has_enum ? x : y, *other = x->has_enum ? y : x;

		for (size_t i = 0; i < list->n_values; i++)
			if (schema_node_check(list, list->values[i]) == 0 &&
			    schema_node_check(other, list->values[i]) == 0)
				return 0;
		return 1;
	}
	if ((tx & ty) != SCHEMA_OBJECT || depth > 4)
		return 0;
	for (size_t i = 0; i < x->properties.n; i++)
		for (size_t k = 0; k < y->properties.n; k++) {
			const struct schema_property *p = &x->properties.v[i],
						     *q = &y->properties.v[k];
			int in_x = 0, in_y = 0;

			if (p->n != q->n || memcmp(p->name, q->name, p->n) != 0 ||
			    !exclusive(p->node, q->node, depth + 1))
				continue;
			for (size_t r = 0; r < x->n_required; r++)
				in_x |= x->required[r].n == p->n &&
					memcmp(x->required[r].name, p->name, p->n) == 0;
			for (size_t r = 0; r < y->n_required; r++)
				in_y |= y->required[r].n == p->n &&
					memcmp(y->required[r].name, p->name, p->n) == 0;
			if (in_x && in_y)
				return 1;
		}
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* The texts as a tree: what several begin with is one path. Beside each other they would be followed
 * all at once. */
static void put_texts(struct compiler *c, struct span *texts, size_t n, uint32_t from, uint32_t to)
{
	struct span before = {0};
	uint32_t *path = NULL; /* path[k]: the state behind k bytes of the text before */
	size_t cap = 0;

	mem_sort(texts, n, sizeof *texts, by_bytes);
	for (size_t i = 0; i < n; i++) {
		struct span s = texts[i];
		size_t k = 0;

		path = mem_grow(path, &cap, s.n + 1, sizeof *path);
		path[0] = from;
		while (k < before.n && k < s.n && before.s[k] == s.s[k])
			k++;
		for (; k < s.n; k++)
			path[k + 1] = automaton_text(c->a, path[k], (struct span){s.s + k, 1});
		if (!span_eq(s, before))
			automaton_skip(c->a, path[s.n], to);
		before = s;
	}
	free(path);
}

/* Values of the enum that all schemas of this place accept, alternatives and all. */
static void put_enum(struct compiler *c, const struct schema_node *n, const struct list *must,
		     uint32_t from, uint32_t to)
{
	struct buf *values = mem_alloc(n->n_values, sizeof *values);
	struct span *texts = mem_alloc(n->n_values, sizeof *texts);
	size_t used = 0;

	for (size_t i = 0; i < n->n_values; i++) {
		int valid = 1;

		for (size_t k = 0; k < must->n && valid; k++)
			valid = schema_node_check(must->v[k], n->values[i]) == 0;
		if (valid) {
			json_canonical(n->values[i], &values[i]);
			texts[used++] = buf_span(&values[i]);
		}
	}
	put_texts(c, texts, used, from, to);
	for (size_t i = 0; i < n->n_values; i++)
		buf_release(&values[i]);
	free(values);
	free(texts);
}

static int put_alternative(struct compiler *c, const struct list *all, const struct list *must,
			   uint32_t from, uint32_t to)
{
	int types = types_of(all);

	if (++c->alternatives > ALTERNATIVES_MAX)
		return constrain_cannot(c, must->v[0], "branching so wide");
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i]->has_enum) {
			put_enum(c, all->v[i], must, from, to);
			return 0;
		}
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i]->not_ || (all->v[i]->if_ && (all->v[i]->then_ || all->v[i]->else_)))
			return constrain_cannot(c, all->v[i], all->v[i]->not_ ? "not" : "if");
	if (types & SCHEMA_NULL)
		text_to(c, from, to, "null");
	if (types & SCHEMA_BOOLEAN) {
		text_to(c, from, to, "true");
		text_to(c, from, to, "false");
	}
	if (types & (SCHEMA_NUMBER | SCHEMA_INTEGER) && constrain_number(c, all, types, from, to))
		return -1;
	if (types & SCHEMA_STRING && put_string(c, all, from, to))
		return -1;
	if (types & SCHEMA_ARRAY && put_array(c, all, from, to))
		return -1;
	return types & SCHEMA_OBJECT ? put_object(c, all, from, to) : 0;
}

/* pending nodes are taken up one by one, from `next` on; own is what they say themselves. */
static int expand(struct compiler *c, struct list *pending, size_t next, struct list *own,
		  const struct list *must, uint32_t from, uint32_t to, int depth)
{
	size_t kept_own = own->n;
	int rc = 0;

	if (depth > EXPAND_DEPTH)
		return constrain_cannot(c, must->v[0], "nesting of combinations so deep");
	while (next < pending->n) {
		const struct schema_node *n = pending->v[next++];
		const struct schema_list *choice = n->any_of.n ? &n->any_of : &n->one_of;

		if (n->fixed < 0) {
			own->n = kept_own;
			return 0;
		}
		if (n->ref)
			list_add(pending, n->ref);
		if (n->fixed || n->ref_only)
			continue;
		list_add(own, n);
		for (size_t i = 0; i < n->all_of.n; i++)
			list_add(pending, n->all_of.v[i]);
		if (choice->n == 0)
			continue;
		if (n->any_of.n && n->one_of.n)
			rc = constrain_cannot(c, n, "anyOf beside oneOf");
		for (size_t i = 0; i < n->one_of.n && !rc; i++)
			for (size_t k = i + 1; k < n->one_of.n && !rc; k++)
				if (!exclusive(n->one_of.v[i], n->one_of.v[k], 0))
					rc = constrain_cannot(c, n,
							      "oneOf whose alternatives may overlap");
		for (size_t i = 0; i < choice->n && !rc; i++) {
			struct list branch = {0}, mine = {0};

			/* What was taken up stays in front, so that it is not taken up again. */
			for (size_t k = 0; k < pending->n; k++)
				list_add(&branch, pending->v[k]);
			for (size_t k = 0; k < own->n; k++)
				list_add(&mine, own->v[k]);
			list_add(&branch, choice->v[i]);
			rc = expand(c, &branch, next, &mine, must, from, to, depth + 1);
			free(branch.v);
			free(mine.v);
		}
		return rc;
	}
	return put_alternative(c, own, must, from, to);
}

static int same_list(const struct list *a, const struct list *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof *a->v) == 0);
}

/* The rule for a value that all of these describe; made later if it is new. */
static uint32_t rule_of(struct compiler *c, const struct list *must)
{
	struct job *j;

	for (size_t i = 0; i < c->n_jobs; i++)
		if (same_list(&c->jobs[i].must, must))
			return c->jobs[i].rule;
	c->jobs = mem_grow(c->jobs, &c->cap_jobs, c->n_jobs + 1, sizeof *c->jobs);
	j = &c->jobs[c->n_jobs++];
	*j = (struct job){{0}, automaton_rule(c->a)};
	for (size_t i = 0; i < must->n; i++)
		list_add(&j->must, must->v[i]);
	return j->rule;
}

static int fill_in(struct compiler *c, const struct list *must, uint32_t rule)
{
	struct list pending = {0}, own = {0};
	int rc;

	for (size_t i = 0; i < must->n; i++)
		list_add(&pending, must->v[i]);
	c->alternatives = 0;
	rc = expand(c, &pending, 0, &own, must, automaton_rule_start(c->a, rule),
		    automaton_rule_end(c->a, rule), 0);
	free(pending.v);
	free(own.v);
	return rc;
}

struct automaton *constrain_compile(const struct schema *s, struct err *e)
{
	struct compiler c = {.a = automaton_new(), .e = e};
	struct list root = {0};
	uint32_t top, at;
	int bad = 0;

	make_space(&c);
	make_character(&c);
	constrain_any_number(&c);
	list_add(&root, schema_root(s));
	top = automaton_rule(c.a);
	at = automaton_state(c.a);
	automaton_skip(c.a, automaton_rule_start(c.a, top), at);
	text_to(&c, automaton_rule_start(c.a, top), at, " ");
	text_to(&c, automaton_rule_start(c.a, top), at, "\n");
	automaton_call(c.a, at, automaton_rule_end(c.a, top), rule_of(&c, &root));
	for (size_t i = 0; i < c.n_jobs && !bad; i++) {
		struct list must = c.jobs[i].must; /* jobs may move while this one is filled in */

		bad = fill_in(&c, &must, c.jobs[i].rule);
	}
	if (!bad)
		bad = automaton_finish(c.a, top, e);
	for (size_t i = 0; i < c.n_jobs; i++)
		free(c.jobs[i].must.v);
	free(c.jobs);
	free(root.v);
	if (bad) {
		automaton_free(c.a);
		return NULL;
	}
	return c.a;
}
