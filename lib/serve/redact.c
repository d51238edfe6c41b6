/* redact: see redact.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "redact.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/personal.h"

enum { RULES_MAX = sizeof((struct redact_counts *)0)->n / sizeof(size_t) };

/* Steps of a pattern of the user's at one place of a text. A few count for nothing; more are tried where
 * these were not enough, ten times as many each time, and counted over a record. */
#define MATCH_EASY 300
#define MATCH_LIMIT 300000
#define STEPS_MOST 20000000
#define PLACES 16

struct rule {
	char *name;	     /* what stands in brackets */
	pcre2_code *pattern; /* NULL: personal_next finds it */
	enum personal_kind kind;
};

struct redact {
	struct rule rules[RULES_MAX];
	size_t n;
	unsigned kinds;
};

struct find {
	size_t start, end, rule;
};

struct finds {
	struct find *v;
	size_t n, cap;
};

void redact_free(struct redact *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free(r->rules[i].name);
		pcre2_code_free(r->rules[i].pattern);
	}
	free(r);
}

static int add_kind(struct redact *r, struct span v, struct err *e)
{
	struct rule *rule = &r->rules[r->n];
	struct buf name = BUF_INIT;
	int rc = json_string(v, &name) || personal_named(buf_span(&name), &rule->kind);

	if (rc) {
		struct buf list = BUF_INIT;

		for (int k = 0; k < PERSONAL_KINDS; k++)
			buf_addf(&list, "%s, ", personal_name((enum personal_kind)k));
		err_set(e, "%.*s is none of %sor {\"regex\": PATTERN}", (int)(v.n < 80 ? v.n : 80),
			v.s, list.data);
		buf_release(&list);
	} else if (r->kinds & PERSONAL_BIT(rule->kind)) {
		rc = err_set(e, "%s stands twice", name.data);
	} else {
		r->kinds |= PERSONAL_BIT(rule->kind);
		rule->name = mem_strdup(name.data);
		r->n++;
	}
	buf_release(&name);
	return rc ? -1 : 0;
}

static int add_pattern(struct redact *r, struct span v, struct err *e)
{
	struct rule *rule = &r->rules[r->n];
	struct json_iter it = {0};
	struct span key, value;
	struct buf pattern = BUF_INIT, as = BUF_INIT;
	PCRE2_UCHAR why[120];
	PCRE2_SIZE at;
	int rc = 0, code;

	while (!rc && json_next(&it, v, &key, &value)) {
		struct buf *to = json_is(key, "regex") ? &pattern : json_is(key, "as") ? &as : NULL;

		if (!to)
			rc = err_set(e, "%.*s is none of regex, as", (int)(key.n < 80 ? key.n : 80),
				     key.s);
		else if (to->len || json_string(value, to) || !to->len)
			rc = err_set(e, "regex and as must be strings that are not empty");
	}
	if (!rc && !pattern.len)
		rc = err_set(e, "an object needs \"regex\"");
	for (size_t i = 0; !rc && i < as.len; i++)
		if (strchr("[]\"\\", as.data[i]) || (unsigned char)as.data[i] <= ' ')
			rc = err_set(e, "as: must be a word without brackets");
	if (!rc) {
		rule->pattern = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len,
					      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C |
						      PCRE2_USE_OFFSET_LIMIT,
					      &code, &at, NULL);
		if (!rule->pattern) {
			pcre2_get_error_message(code, why, sizeof why);
			rc = err_set(e, "regex: %s, at character %zu of %.80s", (char *)why,
				     (size_t)at + 1, pattern.data);
		}
	}
	if (!rc) {
		pcre2_jit_compile(rule->pattern, PCRE2_JIT_COMPLETE);
		rule->name = mem_strdup(as.len ? as.data : "redacted");
		r->n++;
	}
	buf_release(&pattern);
	buf_release(&as);
	return rc;
}

struct redact *redact_new(struct span list, struct err *e)
{
	struct redact *r;
	struct json_iter it = {0};
	struct span key, v;
	int rc = 0;

	if (json_kind(list) != JSON_ARRAY) {
		err_set(e, "must be a list");
		return NULL;
	}
	r = mem_alloc(1, sizeof *r);
	while (!rc && json_next(&it, list, &key, &v)) {
		if (r->n == RULES_MAX)
			rc = err_set(e, "more than %d things to take out", RULES_MAX);
		else
			rc = json_kind(v) == JSON_OBJECT ? add_pattern(r, v, e) : add_kind(r, v, e);
	}
	if (!rc)
		return r;
	redact_free(r);
	return NULL;
}

static void add_find(struct finds *f, size_t start, size_t end, size_t rule)
{
	f->v = mem_grow(f->v, &f->cap, f->n + 1, sizeof *f->v);
	f->v[f->n++] = (struct find){start, end, rule};
}

static size_t whole_character(struct span text, size_t at)
{
	while (at < text.n && ((unsigned char)text.s[at] & 0xc0) == 0x80)
		at++;
	return at;
}

struct matching {
	pcre2_match_data *data;
	pcre2_match_context *context;
	uint64_t *steps;
};

/* As pcre2_match, but bounded over all matches. PCRE2 does not tell how many steps one took, only that
 * they were too many; its limit is one for each place that a match may begin at, so these are looked at a
 * few at a time. */
static int match(const struct matching *m, const pcre2_code *pattern, struct span text,
		 size_t *from)
{
	int rc = PCRE2_ERROR_NOMATCH;

	while (*from <= text.n) {
		uint32_t limit = MATCH_EASY;

		pcre2_set_offset_limit(m->context, *from + PLACES - 1);
		for (;;) {
			pcre2_set_match_limit(m->context, limit);
			rc = pcre2_match(pattern, (PCRE2_SPTR)text.s, text.n, *from,
					 PCRE2_NO_UTF_CHECK, m->data, m->context);
			if (rc != PCRE2_ERROR_MATCHLIMIT || limit >= MATCH_LIMIT ||
			    *m->steps >= STEPS_MOST)
				break;
			limit *= 10;
			*m->steps += PLACES * (uint64_t)limit;
		}
		if (rc != PCRE2_ERROR_NOMATCH)
			break;
		*from = whole_character(text, *from + PLACES);
	}
	return rc;
}

/* Where a pattern runs away, the text counts as one that it found. */
static void find_pattern(const struct redact *r, size_t rule, struct span text, struct finds *f,
			 uint64_t *steps)
{
	const pcre2_code *pattern = r->rules[rule].pattern;
	struct matching m = {mem_or_end(pcre2_match_data_create_from_pattern(pattern, NULL)),
			     mem_or_end(pcre2_match_context_create(NULL)), steps};
	size_t at = 0;
	int rc;

	while (at <= text.n && (rc = match(&m, pattern, text, &at)) != PCRE2_ERROR_NOMATCH) {
		const PCRE2_SIZE *where = pcre2_get_ovector_pointer(m.data);

		if (rc < 0) {
			add_find(f, at, text.n, rule);
			break;
		}
		if (where[1] > where[0])
			add_find(f, where[0], where[1], rule);
		at = where[1] > at ? where[1] : whole_character(text, at + 1);
	}
	pcre2_match_data_free(m.data);
	pcre2_match_context_free(m.context);
}

/* First what begins first, of those the longest, of those the rule that stands first. */
static int by_place(const void *a, const void *b)
{
	const struct find *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static void find_all(const struct redact *r, struct span text, unsigned kinds, struct finds *f,
		     uint64_t *steps)
{
	size_t n = 0;
	struct personal *found = kinds ? personal_all(text, kinds, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		for (size_t u = 0; u < r->n; u++)
			if (!r->rules[u].pattern && r->rules[u].kind == found[i].kind)
				add_find(f, found[i].start, found[i].start + found[i].length, u);
	free(found);
	for (size_t u = 0; u < r->n; u++)
		if (r->rules[u].pattern)
			find_pattern(r, u, text, f, steps);
	if (f->n)
		mem_sort(f->v, f->n, sizeof *f->v, by_place);
}

/* Where finds overlap, all of them go: the first names what stood there. */
static size_t clean(const struct redact *r, struct span text, unsigned kinds, struct buf *out,
		    struct redact_counts *counts)
{
	struct finds f = {0};
	size_t at = 0, n = 0;

	find_all(r, text, kinds, &f, &counts->steps);
	for (size_t i = 0; i < f.n;) {
		size_t end = f.v[i].end, rule = f.v[i].rule;

		buf_add(out, text.s + at, f.v[i].start - at);
		for (; i < f.n && f.v[i].start < end; i++)
			if (f.v[i].end > end)
				end = f.v[i].end;
		buf_addf(out, "[%s]", r->rules[rule].name);
		counts->n[rule]++;
		n++;
		at = end;
	}
	if (text.n > at)
		buf_add(out, text.s + at, text.n - at);
	free(f.v);
	return n;
}

size_t redact_text(const struct redact *r, struct span text, struct buf *out,
		   struct redact_counts *counts)
{
	if (r && r->n)
		return clean(r, text, r->kinds, out, counts);
	buf_addspan(out, text);
	return 0;
}

static size_t clean_string(const struct redact *r, struct span v, struct buf *out,
			   struct redact_counts *counts)
{
	struct buf text = BUF_INIT, cleaned = BUF_INIT;
	struct span inner;
	size_t n = 0, blank = 0;

	json_string(v, &text);
	while (blank < text.len && (unsigned char)text.data[blank] <= ' ')
		blank++;
	/* JSON in a string may write with escapes what its reader will see. */
	if (blank < text.len && strchr("{[\"", text.data[blank]) &&
	    !json_check(buf_span(&text), &inner, NULL))
		n = redact_json(r, inner, &cleaned, counts);
	if (!n) {
		buf_clear(&cleaned);
		n = redact_text(r, buf_span(&text), &cleaned, counts);
	}
	if (n)
		json_put_string(out, cleaned.data ? cleaned.data : "", cleaned.len);
	else
		buf_addspan(out, v);
	buf_release(&text);
	buf_release(&cleaned);
	return n;
}

static size_t clean_number(const struct redact *r, struct span v, struct buf *out,
			   struct redact_counts *counts)
{
	struct buf cleaned = BUF_INIT;
	/* Most long numbers are no one's: only what has a check digit is taken for personal. */
	size_t n = clean(r, v, r->kinds & PERSONAL_BIT(PERSONAL_CARD), &cleaned, counts);

	if (n)
		json_put_string(out, cleaned.data, cleaned.len);
	else
		buf_addspan(out, v);
	buf_release(&cleaned);
	return n;
}

size_t redact_json(const struct redact *r, struct span value, struct buf *out,
		   struct redact_counts *counts)
{
	enum json_kind kind = json_kind(value);
	struct json_iter it = {0};
	struct span key, v;
	size_t n = 0, i;

	if (!r || !r->n) {
		buf_addspan(out, value);
		return 0;
	}
	switch (kind) {
	case JSON_STRING:
		return clean_string(r, value, out, counts);
	case JSON_NUMBER:
		return clean_number(r, value, out, counts);
	case JSON_ARRAY:
	case JSON_OBJECT:
		buf_addc(out, kind == JSON_ARRAY ? '[' : '{');
		for (i = 0; json_next(&it, value, &key, &v); i++) {
			if (i)
				buf_addc(out, ',');
			if (kind == JSON_OBJECT) {
				n += clean_string(r, key, out, counts);
				buf_addc(out, ':');
			}
			n += redact_json(r, v, out, counts);
		}
		buf_addc(out, kind == JSON_ARRAY ? ']' : '}');
		return n;
	default:
		buf_addspan(out, value);
		return 0;
	}
}

void redact_put(const struct redact *r, const struct redact_counts *counts, struct jw *w)
{
	size_t n[RULES_MAX];
	int some = 0;

	memcpy(n, counts->n, sizeof n);
	for (size_t i = 0; r && i < r->n; i++) {
		size_t sum = 0;

		/* Several patterns may have one name. */
		for (size_t k = i; k < r->n; k++)
			if (strcmp(r->rules[k].name, r->rules[i].name) == 0) {
				sum += n[k];
				n[k] = 0;
			}
		if (!sum)
			continue;
		if (!some++)
			jw_put_object(w, "redacted");
		jw_put_int(w, r->rules[i].name, (int64_t)sum);
	}
	if (some)
		jw_end(w);
}
