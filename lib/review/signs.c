/* signs: patterns and small checks over the text of one record. See signs.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "signs.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/moment.h"
#include "../text/personal.h"

/* How a match is confirmed before it counts. */
enum confirm { ALWAYS, CALENDAR };

/* Where a pattern is looked for. */
enum place { ANYWHERE, REFERENCE };

static const struct sign {
	const char *reason;
	enum place place;
	enum confirm confirm;
	double score;
	const char *what; /* in the words shown */
	const char *pattern;
} table[] = {
	{"marker", REFERENCE, ALWAYS, 0.9, "a template's mark in the reference",
	 "<\\|[a-z_]{2,30}\\|>|\\[/?INST\\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|^###? ?(?:Instruction|Response|Human|Assistant):"},
	{"marker", ANYWHERE, ALWAYS, 0.4, "a template's mark in a message",
	 "<\\|(?:im_start|im_end|endoftext|eot_id|begin_of_text|start_header_id|end_header_id)\\|>|\\[/?INST\\]|<</?SYS>>|<(?:start|end)_of_turn>"},
	{"mojibake", ANYWHERE, ALWAYS, 0.6, "text in the wrong encoding",
	 "\\x{fffd}|\\x{c3}[\\x{80}-\\x{bf}]|\\x{e2}\\x{20ac}|\\x{c2}[\\x{a0}-\\x{bf}]|\\x{e2}\\x{80}[\\x{90}-\\x{af}]"},
	{"refusal", REFERENCE, ALWAYS, 0.8, "a refusal or an apology as the reference",
	 "^\\W{0,3}(?i:(?:i(?:'|\\x{2019})?m (?:really |very )?(?:sorry|afraid)|i am (?:sorry|afraid)|sorry,|unfortunately,? i|i (?:cannot|can(?:'|\\x{2019})t|am (?:not able|unable) to|"
	 "won(?:'|\\x{2019})t) (?:help|assist|provide|answer|fulfil|comply|do that)|as an ai\\b|as a (?:large )?language model))"},
	{"impossible-date", REFERENCE, CALENDAR, 0.9, "a date that no calendar has",
	 "(?<!\\d)(?:19|20)\\d\\d-\\d\\d-\\d\\d(?!\\d)"},
};

enum { SIGNS = sizeof table / sizeof *table };

struct signs {
	const struct schema *schema;
	pcre2_code *code[SIGNS];
};

/* A look at one record. */
struct look {
	const struct signs *signs;
	pcre2_match_data *match;
	struct buf reference, text;
};

struct signs *signs_new(const struct schema *schema, struct err *e)
{
	struct signs *s = mem_alloc(1, sizeof *s);
	s->schema = schema;
	for (size_t i = 0; i < SIGNS; i++) {
		int code;
		PCRE2_SIZE at;
		s->code[i] = pcre2_compile((PCRE2_SPTR)table[i].pattern, PCRE2_ZERO_TERMINATED,
					   PCRE2_UTF | PCRE2_MULTILINE, &code, &at, NULL);
		if (!s->code[i]) {
			err_set(e, "the pattern for %s does not compile at %zu (PCRE2 error %d)",
				table[i].what, (size_t)at, code);
			signs_free(s);
			return NULL;
		}
		/* where the library cannot, it matches as before */
		pcre2_jit_compile(s->code[i], PCRE2_JIT_COMPLETE);
	}
	return s;
}

void signs_free(struct signs *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SIGNS; i++)
		pcre2_code_free(s->code[i]);
	free(s);
}

static int impossible_date(struct span t)
{
	struct date d;
	return !moment_date(t, &d);
}

static void add_match(struct findings *f, const struct sign *sign, struct span t)
{
	size_t n = t.n < 60 ? t.n : 60;
	while (n > 0 && n < t.n && ((unsigned char)t.s[n] & 0xc0) == 0x80)
		n--;
	findings_add(f, sign->reason, sign->score, "%s: %.*s%s", sign->what, (int)n, t.s,
		     n < t.n ? "..." : "");
}

static int has_reason(const struct findings *f, const char *reason)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].reason, reason) == 0)
			return 1;
	return 0;
}

static void look_for(struct look *l, size_t i, const struct buf *in, struct findings *f)
{
	size_t at = 0;
	while (at < in->len) {
		int rc = pcre2_match(l->signs->code[i], (PCRE2_SPTR)in->data, in->len, at,
				     PCRE2_NO_UTF_CHECK, l->match, NULL);
		if (rc < 0)
			return;
		const PCRE2_SIZE *o = pcre2_get_ovector_pointer(l->match);
		struct span t = {in->data + o[0], o[1] - o[0]};
		if (table[i].confirm == ALWAYS || impossible_date(t)) {
			add_match(f, &table[i], t);
			return;
		}
		at = o[1] > at ? o[1] : at + 1;
		while (at < in->len && ((unsigned char)in->data[at] & 0xc0) == 0x80)
			at++;
	}
}

/* The first of each kind of personal data. What it is like is shown by its first characters only:
 * findings travel further than the rows do. */
static void look_for_personal(const struct buf *in, struct findings *f)
{
	static const double score[PERSONAL_KINDS] = {[PERSONAL_MAIL] = 0.3,
						     [PERSONAL_PHONE] = 0.2,
						     [PERSONAL_CARD] = 0.5,
						     [PERSONAL_IBAN] = 0.5,
						     [PERSONAL_KEY] = 0.7};
	unsigned seen = 0;
	size_t n;
	struct personal *all = personal_all(buf_span(in), PERSONAL_ALL, &n);
	for (size_t i = 0; i < n; i++) {
		size_t shown = 4;
		if (seen & PERSONAL_BIT(all[i].kind))
			continue;
		seen |= PERSONAL_BIT(all[i].kind);
		while (shown > 0 && ((unsigned char)in->data[all[i].start + shown] & 0xc0) == 0x80)
			shown--;
		findings_add(f, "pii", score[all[i].kind], "%s: %.*s...",
			     personal_words(all[i].kind), (int)shown, in->data + all[i].start);
	}
	free(all);
}

static int blank(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (!strchr(" \t\r\n", b->data[i]))
			return 0;
	return 1;
}

/* The first reference, NUL cut off, into l->reference; all text of the row but that into l->text.
 * Returns whether there is a reference. */
static int gather(struct look *l, const struct record *r)
{
	struct span final = record_final_assistant(r), key, message;
	struct json_iter it = {0};
	buf_adds(&l->reference, "");
	buf_adds(&l->text, "");
	int n = record_references(r, &l->reference, NULL);
	if (n > 0) {
		l->reference.len = strlen(l->reference.data);
	} else {
		buf_clear(&l->reference);
	}
	struct span messages = record_get(r, "messages");
	while (json_next(&it, messages, &key, &message)) {
		if (message.s == final.s)
			continue;
		record_message_text(json_member(message, "content"), &l->text);
		buf_addc(&l->text, '\n');
	}
	json_string(record_get(r, "prompt"), &l->text);
	return n > 0;
}

static void compare_output(const struct look *l, const struct record *r, struct findings *f)
{
	struct buf out = BUF_INIT;
	if (json_string(record_get(r, "output"), &out) == 0 &&
	    !span_eq(buf_span(&out), buf_span(&l->reference))) {
		struct span a = {0}, b = {0};
		int same = json_check(buf_span(&out), &a, NULL) == 0 &&
			   json_check(buf_span(&l->reference), &b, NULL) == 0 && json_equal(a, b);
		if (!same)
			findings_add(f, "disagreement", 0.5, "a model answers: %.*s",
				     (int)(out.len < 80 ? out.len : 80), out.data);
	}
	buf_release(&out);
}

static void read_judge(const struct record *r, struct findings *f)
{
	struct span judge = record_get(r, "judge"), pass = json_member(judge, "pass");
	if (json_kind(pass) != JSON_FALSE)
		return;
	struct buf critique = BUF_INIT;
	json_string(json_member(judge, "critique"), &critique);
	findings_add(f, "judge", 0.6, "the judge says no: %.*s",
		     (int)(critique.len < 200 ? critique.len : 200),
		     critique.data ? critique.data : "");
	buf_release(&critique);
}

/* A reference that means to be JSON, or has to be. */
static void read_json(const struct look *l, struct findings *f)
{
	char c = l->reference.data[strspn(l->reference.data, " \t\r\n")];
	struct span value = {0};
	struct err why = ERR_INIT;
	if (c != '{' && c != '[' && !l->signs->schema)
		return;
	if (json_check(buf_span(&l->reference), &value, &why))
		findings_add(f, "invalid-json", 0.9, "the reference %s: %s",
			     l->signs->schema ? "has to be JSON" : "begins like JSON", why.msg);
	else if (l->signs->schema && schema_check(l->signs->schema, value, &why) < 0)
		findings_add(f, "schema", 0.9, "the reference breaks the schema: %s", why.msg);
}

void signs_find(const struct signs *s, const struct record *r, struct findings *f)
{
	struct look l = {.signs = s, .match = mem_or_end(pcre2_match_data_create(8, NULL))};
	int referenced = gather(&l, r);
	if (!referenced) {
		struct span calls = json_member(record_final_assistant(r), "tool_calls");
		if (json_count(calls) == 0)
			findings_add(f, "no-reference", 0.9, "there is no reference to learn from");
	} else if (blank(&l.reference)) {
		findings_add(f, "empty-reference", 0.95,
			     l.reference.len ? "the reference is blank" : "the reference is empty");
	} else {
		read_json(&l, f);
	}
	for (size_t i = 0; i < SIGNS; i++) {
		look_for(&l, i, &l.reference, f);
		if (table[i].place == ANYWHERE && !has_reason(f, table[i].reason))
			look_for(&l, i, &l.text, f);
	}
	look_for_personal(&l.reference, f);
	if (!has_reason(f, "pii"))
		look_for_personal(&l.text, f);
	if (referenced)
		compare_output(&l, r, f);
	read_judge(r, f);
	if (json_is(record_get(r, "finish_reason"), "length"))
		findings_add(f, "unfinished", 0.5, "the answer was cut off by its length");
	pcre2_match_data_free(l.match);
	buf_release(&l.reference);
	buf_release(&l.text);
}
