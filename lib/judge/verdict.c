/* verdict: from a reply to a verdict, or to the reason why there is none. See verdict.h. */
#include "verdict_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../json/json.h"
#include "../json/jw.h"

const char *verdict_member(enum verdict_mode mode)
{
	return mode == VERDICT_PASS ? "verdict" : mode == VERDICT_SCORE ? "score" : "winner";
}

int verdict_schema(struct verdict_scale scale, struct buf *json)
{
	static const char *const words[][3] =
		{[VERDICT_PASS] = {"PASS", "FAIL"}, [VERDICT_PAIR] = {"A", "B", "tie"}};
	struct jw w;

	jw_init(&w, json);
	jw_object(&w);
	jw_put_str(&w, "type", "object");
	jw_put_object(&w, "properties");
	jw_put_raw(&w, "critique", span_of("{\"type\":\"string\"}"));
	jw_put_object(&w, verdict_member(scale.mode));
	jw_put_str(&w, "type", scale.mode == VERDICT_SCORE ? "integer" : "string");
	jw_put_array(&w, "enum");
	for (int i = scale.lo; scale.mode == VERDICT_SCORE && i <= scale.hi; i++)
		jw_int(&w, i);
	for (int i = 0; scale.mode != VERDICT_SCORE && i < 3 && words[scale.mode][i]; i++)
		jw_str(&w, words[scale.mode][i]);
	jw_end(&w);
	jw_end(&w);
	jw_end(&w);
	jw_put_array(&w, "required");
	jw_str(&w, "critique");
	jw_str(&w, verdict_member(scale.mode));
	jw_end(&w);
	jw_put_bool(&w, "additionalProperties", 0);
	jw_end(&w);
	return json->full ? -1 : 0;
}

/* --- values --- */

int verdict_is_word(struct span s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.s, word, s.n) == 0;
}

struct span verdict_trim(struct span s)
{
	while (s.n > 0 && isspace((unsigned char)*s.s))
		s.s++, s.n--;
	while (s.n > 0 && isspace((unsigned char)s.s[s.n - 1]))
		s.n--;
	return s;
}

/* A whole number on the scale, also as 4.0 or 4/5. */
int verdict_read_score(struct span s, struct verdict_scale scale)
{
	int value = 0, negative = 0, digits = 0, of = 0;
	size_t i = 0;

	if (i < s.n && s.s[i] == '-')
		negative = 1, i++;
	for (; i < s.n && isdigit((unsigned char)s.s[i]) && digits < 6; i++, digits++)
		value = value * 10 + s.s[i] - '0';
	if (digits == 0)
		return NO_VALUE;
	if (negative)
		value = -value;
	if (i < s.n && s.s[i] == '.') {
		for (i++; i < s.n && s.s[i] == '0'; i++)
			;
		if (s.s[i - 1] == '.')
			return NO_VALUE;
	} else if (i < s.n && s.s[i] == '/') {
		for (i++; i < s.n && isdigit((unsigned char)s.s[i]) && of < 1000000; i++)
			of = of * 10 + s.s[i] - '0';
		if (of != scale.hi)
			return NO_VALUE;
	}
	return i == s.n && value >= scale.lo && value <= scale.hi ? value : NO_VALUE;
}

/* A value in words, exactly. */
int verdict_read_value(struct span s, struct verdict_scale scale)
{
	static const char *const answers[] = {"response ", "answer ", "candidate ", "model "};

	s = verdict_trim(s);
	if (scale.mode == VERDICT_SCORE)
		return verdict_read_score(s, scale);
	if (scale.mode == VERDICT_PASS)
		return verdict_is_word(s, "pass") || verdict_is_word(s, "passed")   ? 1
		       : verdict_is_word(s, "fail") || verdict_is_word(s, "failed") ? 0
										    : NO_VALUE;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		if (verdict_starts_with(s, answers[i]))
			s = verdict_behind(s, strlen(answers[i]));
	return verdict_is_word(s, "a")					 ? PAIR_A
	       : verdict_is_word(s, "b")				 ? PAIR_B
	       : verdict_is_word(s, "tie") || verdict_is_word(s, "draw") ? PAIR_TIE
									 : NO_VALUE;
}

/* --- verdicts as JSON --- */

enum { NOT_THERE, BAD_VALUE, GOOD_VALUE };

/* The verdict of an object: its member, which may stand there twice only with the same value; for
 * PASS also {"pass": true}. */
static int object_value(struct span object, struct verdict_scale scale, int *value,
			struct buf *critique, int *has_critique)
{
	struct json_iter it = {0};
	struct span key, v;
	struct buf text = BUF_INIT;
	int found = NOT_THERE;

	*has_critique = 0;
	while (json_next(&it, object, &key, &v)) {
		int this = NO_VALUE;

		buf_clear(&text);
		if (json_is(key, "critique") && json_kind(v) == JSON_STRING) {
			buf_clear(critique);
			json_string(v, critique);
			*has_critique = 1;
			continue;
		}
		if (json_is(key, verdict_member(scale.mode))) {
			if (json_kind(v) == JSON_STRING && json_string(v, &text) == 0)
				this = verdict_read_value(buf_span(&text), scale);
			else if (json_kind(v) == JSON_NUMBER && scale.mode == VERDICT_SCORE)
				this = verdict_read_value(v, scale);
		} else if (scale.mode == VERDICT_PASS && json_is(key, "pass")) {
			if (json_kind(v) == JSON_TRUE || json_kind(v) == JSON_FALSE)
				this = json_kind(v) == JSON_TRUE;
		} else {
			continue;
		}
		if (this == NO_VALUE || (found == GOOD_VALUE && this != *value))
			found = BAD_VALUE;
		else if (found != BAD_VALUE)
			found = GOOD_VALUE;
		*value = this;
	}
	buf_release(&text);
	return found;
}

/* The end of the object or array that opens at s, by its brackets, strings skipped; NULL where it
 * does not close. */
const char *verdict_closing(struct span s)
{
	int depth = 0, quoted = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.s[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = 0;
		} else if (c == '"') {
			quoted = 1;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (--depth == 0)
				return s.s + i + 1;
		}
	}
	return NULL;
}

/* The same text with raw control characters in strings escaped and commas before a closing bracket
 * dropped, for models write both. */
static void mend(struct span s, struct buf *b)
{
	int quoted = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (quoted && c < 0x20) {
			buf_addf(b, "\\u%04x", c);
			continue;
		}
		if (quoted && c == '\\' && i + 1 < s.n) {
			buf_addc(b, c);
			c = (unsigned char)s.s[++i];
		} else if (c == '"') {
			quoted = !quoted;
		} else if (!quoted && c == ',') {
			size_t j = i + 1;

			while (j < s.n && isspace((unsigned char)s.s[j]))
				j++;
			if (j < s.n && (s.s[j] == '}' || s.s[j] == ']'))
				continue;
		}
		buf_addc(b, c);
	}
}

/* The JSON object that text is, mended where that is needed. scratch holds a mended one. */
int verdict_as_object(struct span text, struct buf *scratch, struct span *object)
{
	if (json_check(text, object, NULL) == 0)
		return json_kind(*object) == JSON_OBJECT;
	buf_clear(scratch);
	mend(text, scratch);
	return json_check(buf_span(scratch), object, NULL) == 0 &&
	       json_kind(*object) == JSON_OBJECT;
}

/* --- the whole reply --- */

/* Longer replies, or more braces, are not what was asked for, and would take long to search. */
enum { REPLY_MAX = 1 << 20, BRACES = 200 };

/* The end of the last occurrence of a mark, NULL where there is none. */
static const char *last_of(struct span s, const char *mark)
{
	const char *at = s.s, *end = NULL;
	size_t n = strlen(mark);

	while ((at = memmem(at, (size_t)(s.s + s.n - at), mark, n)))
		end = at += n;
	return end;
}

/* What follows the reasoning of a model that shows it; absent where the reasoning never ended. */
static struct span after_thinking(struct span s)
{
	static const struct {
		const char *open, *close;
	} marks[] = {{"<think>", "</think>"},
		     {"<thinking>", "</thinking>"},
		     {"<reasoning>", "</reasoning>"},
		     {"<thought>", "</thought>"},
		     {"[THINK]", "[/THINK]"},
		     {"<|channel|>", "<|channel|>final<|message|>"}};

	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		const char *end = last_of(s, marks[i].close);

		if (end)
			s = (struct span){end, (size_t)(s.s + s.n - end)};
		if (last_of(s, marks[i].open))
			return (struct span){0};
	}
	return s;
}

/* Without the tokens, marks of order and white space at both ends that a template or a server put
 * there, and without the name of the judge's own turn behind the first of them. */
static struct span unwrap(struct span s)
{
	static const char *const unseen[] = {"\xef\xbb\xbf", "\xe2\x80\x8b", "\xc2\xa0"};
	size_t n = 1;

	while (n > 0) {
		s = verdict_trim(s);
		n = verdict_starts_with(s, "<|channel|>") ? 0 : verdict_special_token(s);
		if (n > 0) {
			s = verdict_behind(s, n);
			if (verdict_starts_with(s, "assistant"))
				s = verdict_behind(s, strlen("assistant"));
		}
		for (size_t i = s.n; i > 0 && s.n - i < 64; i--)
			if (s.s[i - 1] == '<' &&
			    verdict_special_token((struct span){s.s + i - 1, s.n - i + 1}) ==
				    s.n - i + 1) {
				n = s.n - i + 1;
				s.n = i - 1;
				break;
			}
		for (size_t i = 0; i < 3; i++) {
			size_t len = strlen(unseen[i]);

			if (s.n >= len && memcmp(s.s, unseen[i], len) == 0)
				s = verdict_behind(s, n = len);
			if (s.n >= len && memcmp(s.s + s.n - len, unseen[i], len) == 0)
				s.n -= n = len;
		}
	}
	return s;
}

/* Where the last object that closes at the very end (a code fence and white space aside) opens; it
 * must open at the start of a line. */
static struct span final_object(struct span s)
{
	struct span end = verdict_trim(s), line;

	/* A closing fence behind it. */
	while (end.n > 0 && (end.s[end.n - 1] == '`' || end.s[end.n - 1] == '~'))
		end.n--;
	end = verdict_trim(end);
	if (end.n == 0 || end.s[end.n - 1] != '}')
		return (struct span){0};
	for (size_t at = 0, tried = 0; at < end.n && tried < BRACES; at++) {
		struct span rest = {end.s + at, end.n - at};
		size_t start = at;

		if (end.s[at] != '{' || (tried++, verdict_closing(rest) != end.s + end.n))
			continue;
		while (start > 0 && end.s[start - 1] != '\n')
			start--;
		line = verdict_trim((struct span){end.s + start, at - start});
		if (line.n == 0 || verdict_is_fence(line) || verdict_is_word(line, "json"))
			return rest;
		return (struct span){0};
	}
	return (struct span){0};
}

/* Whether a text that need not be valid JSON holds a member of the verdict's name with another value:
 * `{'verdict': 'FAIL'`, `"final_verdict": "FAIL"`. anywhere: a label in running text too. */
static int member_contradicts(struct span text, struct verdict_scale scale, int value, int anywhere)
{
	const char *names[] = {verdict_member(scale.mode),
			       scale.mode == VERDICT_PASS ? "pass" : NULL};
	int found = 0;

	for (size_t i = 0; i < text.n && !found; i++)
		for (int k = 0; k < 2 && names[k] && !found; k++) {
			struct span rest = {text.s + i, text.n - i};
			struct verdict_claim c = {0};
			size_t at = i;
			int quoted = i > 0 && strchr("\"'_", text.s[i - 1]), separated = 0;

			if (!verdict_starts_with(rest, names[k]) ||
			    (i > 0 && isalnum((unsigned char)text.s[i - 1])))
				continue;
			rest = verdict_behind(rest, strlen(names[k]));
			if (k == 1 && verdict_starts_with(rest, "ed"))
				rest = verdict_behind(rest, 2);
			while (at > 0 && text.s[at - 1] == ' ')
				at--;
			if (!(quoted || (anywhere && k == 0) ||
			      (at > 0 && (text.s[at - 1] == '{' || text.s[at - 1] == ','))))
				continue;
			while (rest.n > 0 && strchr("\\\"'`*_:=-|> ", *rest.s)) {
				separated |= strchr(":=-|>", *rest.s) != NULL;
				rest = verdict_behind(rest, 1);
			}
			if (verdict_starts_with(rest, "is "))
				separated = 1, rest = verdict_behind(rest, 3);
			if (!separated)
				continue;
			if (k == 1)
				c.value = verdict_starts_with(rest, "true")    ? 1
					  : verdict_starts_with(rest, "false") ? 0
									       : NO_VALUE;
			else
				verdict_claim_value((struct span){rest.s,
								  rest.n < 64 ? rest.n : 64},
						    scale, &c);
			found = c.value != NO_VALUE && c.value != value;
		}
	return found;
}

/* Whether `before`, what stands ahead of the verdict, holds another one with another value. */
static int contradicted(struct span before, struct verdict_scale scale, int value)
{
	struct buf scratch = BUF_INIT, critique = BUF_INIT;
	struct span rest = before, object;
	int found = 0, other = 0, has_critique;

	while (rest.n > 0 && !found) {
		struct span line = verdict_plain(verdict_next_line(&rest), &scratch);

		other = verdict_read_line(line, scale, scale.mode == VERDICT_PASS).value;
		found = (other != NO_VALUE && other != value) ||
			member_contradicts(line, scale, value, scale.mode == VERDICT_PASS) ||
			(scale.mode == VERDICT_PASS && value == 1 && verdict_speaks_of_fail(line));
	}
	for (size_t i = 0, tried = 0; i < before.n && tried < BRACES && !found; i++) {
		struct span from = {before.s + i, before.n - i};
		const char *end = *from.s == '{' ? verdict_closing(from) : NULL;

		tried += *from.s == '{';
		if (end &&
		    verdict_as_object((struct span){from.s, (size_t)(end - from.s)}, &scratch,
				      &object) &&
		    object_value(object, scale, &other, &critique, &has_critique) != NOT_THERE)
			found = other != value;
	}
	buf_release(&scratch);
	buf_release(&critique);
	return found;
}

/* Whether a string in an object that says PASS, such as its critique, says FAIL, at whatever depth. */
static int strings_contradict(struct span value)
{
	struct verdict_scale scale = {VERDICT_PASS, 0, 0};
	struct json_iter it = {0};
	struct buf text = BUF_INIT;
	struct span key, v;
	int found = 0;

	if (json_kind(value) == JSON_STRING)
		found = json_string(value, &text) == 0 && contradicted(buf_span(&text), scale, 1);
	else
		while (!found && json_next(&it, value, &key, &v))
			found = strings_contradict(v);
	buf_release(&text);
	return found;
}

static int from_object(struct span text, struct span object_text, struct span candidate,
		       struct verdict_scale scale, struct judged *v, const char **why)
{
	struct buf scratch = BUF_INIT;
	struct span object, before = {text.s, (size_t)(object_text.s - text.s)};
	int has_critique, whole, got = NOT_THERE;

	/* Nothing but the opening of a code fence stands before it. */
	before = verdict_trim(before);
	whole = before.n == 0 || (verdict_is_fence(before) && !memchr(before.s, '\n', before.n));

	*why = "the reply ends with something that is no valid JSON object";
	if (verdict_as_object(object_text, &scratch, &object)) {
		got = object_value(object, scale, &v->value, &v->critique, &has_critique);
		if (got == NOT_THERE)
			*why = "the JSON object holds no verdict";
		else if (got == BAD_VALUE)
			*why = scale.mode == VERDICT_SCORE
				       ? "the score is not a whole number on the scale"
				       : "the verdict is none of the words asked for";
		else if (verdict_quoted_object(object, candidate))
			*why = "the only verdict is one that the candidate's text holds as well",
			got = NOT_THERE;
		else if (!whole && !has_critique)
			*why = "a verdict behind other text must come with its critique in the same JSON object",
			got = NOT_THERE;
		else if (!whole &&
			 verdict_leads_on((struct span){text.s, (size_t)(object_text.s - text.s)}))
			*why = "the verdict is negated, supposed, an example or a quotation",
			got = NOT_THERE;
		else if ((!whole && contradicted(before, scale, v->value)) ||
			 (scale.mode == VERDICT_PASS && v->value == 1 &&
			  (strings_contradict(object) || member_contradicts(object, scale, 1, 1))))
			*why = "the reply holds verdicts that contradict each other",
			got = NOT_THERE;
	}
	buf_release(&scratch);
	return got == GOOD_VALUE ? 0 : -1;
}

/* A line of marks alone, as Markdown parts sections. */
static int is_rule(struct span line)
{
	line = verdict_trim(line);
	for (size_t i = 0; i < line.n; i++)
		if (!strchr("-*_=", line.s[i]))
			return 0;
	return 1;
}

static int from_lines(struct span text, struct span candidate, struct verdict_scale scale,
		      struct judged *v, const char **why)
{
	struct span rest = text, last = {0}, above = {0}, before;
	struct buf scratch = BUF_INIT;
	struct verdict_claim c;
	int fences = 0, fenced = 0, lines = 0, titled, rc = -1;

	while (rest.n > 0) {
		struct span line = verdict_next_line(&rest);

		if (verdict_is_fence(line)) {
			fences++;
		} else if (verdict_plain(line, &scratch).n > 0 && !is_rule(line)) {
			above = last;
			last = line;
			fenced = fences % 2;
			lines++;
		}
	}
	*why = "the reply holds no verdict at its end";
	if (!last.s)
		goto cleanup;
	titled = above.s && verdict_is_label(verdict_plain(above, &scratch), scale);
	c = verdict_read_line(verdict_plain(last, &scratch), scale,
			      lines == 1 || titled || scale.mode == VERDICT_PASS);
	if (!c.exact)
		goto cleanup;
	v->value = c.value;
	before = (struct span){text.s, (size_t)(last.s - text.s)};
	*why = "the only verdict is one that the candidate's text holds as well";
	if (verdict_quoted_claim(&c, scale, candidate))
		goto cleanup;
	*why = "the verdict is negated, supposed, an example or a quotation";
	if (verdict_leads_on(before) || (fenced && lines > 1))
		goto cleanup;
	*why = "the reply holds verdicts that contradict each other";
	if (contradicted(before, scale, v->value))
		goto cleanup;
	buf_clear(&v->critique);
	buf_addspan(&v->critique, verdict_trim(before));
	rc = 0;
cleanup:
	buf_release(&scratch);
	return rc;
}

int verdict_read(struct span reply, struct span candidate, struct verdict_scale scale,
		 struct judged *v, const char **why)
{
	struct span text = unwrap(reply), object;

	buf_clear(&v->critique);
	*why = "the reply is empty, or ended before the judge was done thinking";
	/* What is an object from its first byte holds no reasoning outside it. */
	if (text.n > 0 && *text.s != '{')
		text = unwrap(after_thinking(text));
	if (text.n == 0)
		return -1;
	*why = "the reply is far too long";
	if (text.n > REPLY_MAX)
		return -1;
	object = final_object(text);
	if (object.s)
		return from_object(text, object, candidate, scale, v, why);
	return from_lines(text, candidate, scale, v, why);
}
