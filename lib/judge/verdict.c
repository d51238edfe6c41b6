/* verdict: from a reply to a verdict, or to the reason why there is none. See verdict.h. */
#include "verdict.h"

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

enum { NO_VALUE = -1000000 };

static int is_word(struct span s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.s, word, s.n) == 0;
}

static struct span trim(struct span s)
{
	while (s.n > 0 && isspace((unsigned char)*s.s))
		s.s++, s.n--;
	while (s.n > 0 && isspace((unsigned char)s.s[s.n - 1]))
		s.n--;
	return s;
}

/* A whole number on the scale, also as 4.0 or 4/5. */
static int read_score(struct span s, struct verdict_scale scale)
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
static int read_value(struct span s, struct verdict_scale scale)
{
	s = trim(s);
	if (scale.mode == VERDICT_SCORE)
		return read_score(s, scale);
	if (scale.mode == VERDICT_PASS)
		return is_word(s, "pass") || is_word(s, "passed")   ? 1
		       : is_word(s, "fail") || is_word(s, "failed") ? 0
								    : NO_VALUE;
	return is_word(s, "a")				 ? PAIR_A
	       : is_word(s, "b")			 ? PAIR_B
	       : is_word(s, "tie") || is_word(s, "draw") ? PAIR_TIE
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
				this = read_value(buf_span(&text), scale);
			else if (json_kind(v) == JSON_NUMBER && scale.mode == VERDICT_SCORE)
				this = read_value(v, scale);
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
static const char *closing(struct span s)
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
static int as_object(struct span text, struct buf *scratch, struct span *object)
{
	if (json_check(text, object, NULL) == 0)
		return json_kind(*object) == JSON_OBJECT;
	buf_clear(scratch);
	mend(text, scratch);
	return json_check(buf_span(scratch), object, NULL) == 0 &&
	       json_kind(*object) == JSON_OBJECT;
}

/* Of text that opens one brace in another each is followed to its end, some bytes further: a long
 * answer of nothing else would take minutes. */
enum { QUOTES_SEARCHED = 1 << 27 };

/* Whether an object with the same content stands in the candidate's text: then the judge may be
 * quoting. So it may where the text takes too long to search. */
static int quoted_object(struct span object, struct span candidate)
{
	struct buf own = BUF_INIT, theirs = BUF_INIT, scratch = BUF_INIT;
	size_t most, searched = 0;
	int same = 0;

	json_canonical(object, &own);
	most = 8 * own.len + 1024; /* escapes and white space make it longer, but not without end */
	for (size_t i = 0; i < candidate.n && !same; i++) {
		struct span rest = {candidate.s + i, candidate.n - i}, found;
		const char *end;

		if (rest.n > most)
			rest.n = most;
		if (*rest.s != '{')
			continue;
		end = closing(rest);
		searched += end ? (size_t)(end - rest.s) : rest.n;
		if (searched > QUOTES_SEARCHED)
			same = 1;
		if (!end ||
		    !as_object((struct span){rest.s, (size_t)(end - rest.s)}, &scratch, &found))
			continue;
		buf_clear(&theirs);
		json_canonical(found, &theirs);
		same |= span_eq(buf_span(&own), buf_span(&theirs));
	}
	buf_release(&own);
	buf_release(&theirs);
	buf_release(&scratch);
	return same;
}

/* --- verdicts in words --- */

/* Marks that decorate a word: Markdown's stars, backquotes do quote and are not among them. */
static struct span undecorate(struct span s)
{
	for (;;) {
		s = trim(s);
		if (s.n > 0 && strchr("*_#", *s.s) && *s.s)
			s.s++, s.n--;
		else if (s.n > 0 && strchr("*_.!", s.s[s.n - 1]) && s.s[s.n - 1])
			s.n--;
		else
			return s;
	}
}

/* `Verdict: PASS`, `**Final score:** 4/5`, `[[A]]`. lone: the bare word counts too. */
static int line_value(struct span line, struct verdict_scale scale, int lone)
{
	static const char *const labels[][6] = {
		[VERDICT_PASS] = {"verdict", "final verdict", "my verdict", "result", "judgment",
				  "judgement"},
		[VERDICT_SCORE] = {"score", "final score", "my score", "rating", "final rating",
				   "overall score"},
		[VERDICT_PAIR] = {"winner", "verdict", "final verdict", "my verdict", "the winner",
				  "result"},
	};
	struct span label, value;
	const char *colon;

	line = undecorate(line);
	if (line.n > 4 && memcmp(line.s, "[[", 2) == 0 && memcmp(line.s + line.n - 2, "]]", 2) == 0)
		return read_value((struct span){line.s + 2, line.n - 4}, scale);
	colon = memchr(line.s, ':', line.n);
	if (!colon)
		return lone ? read_value(line, scale) : NO_VALUE;
	label = undecorate((struct span){line.s, (size_t)(colon - line.s)});
	value = undecorate((struct span){colon + 1, line.n - (size_t)(colon - line.s) - 1});
	if (value.n > 4 && memcmp(value.s, "[[", 2) == 0 &&
	    memcmp(value.s + value.n - 2, "]]", 2) == 0)
		value = (struct span){value.s + 2, value.n - 4};
	for (size_t i = 0; i < 6; i++)
		if (is_word(label, labels[scale.mode][i]))
			return read_value(value, scale);
	return NO_VALUE;
}

static struct span next_line(struct span *rest)
{
	const char *end = memchr(rest->s, '\n', rest->n);
	struct span line = {rest->s, end ? (size_t)(end - rest->s) : rest->n};

	rest->s += line.n + (end != NULL);
	rest->n -= line.n + (end != NULL);
	return line;
}

static int is_fence(struct span line)
{
	line = trim(line);
	return line.n >= 3 && (memcmp(line.s, "```", 3) == 0 || memcmp(line.s, "~~~", 3) == 0);
}

/* Whether the candidate's text holds this verdict too: one with a label or brackets anywhere, a
 * bare word as a line. */
static int quoted_line(struct span line, struct span candidate)
{
	line = undecorate(line);
	if (memchr(line.s, ':', line.n) || *line.s == '[') {
		for (size_t i = 0; i + line.n <= candidate.n; i++)
			if (strncasecmp(candidate.s + i, line.s, line.n) == 0)
				return 1;
		return 0;
	}
	while (candidate.n > 0) {
		struct span theirs = undecorate(next_line(&candidate));

		if (theirs.n == line.n && strncasecmp(theirs.s, line.s, line.n) == 0)
			return 1;
	}
	return 0;
}

/* --- the whole reply --- */

/* Longer replies, or more braces, are not what was asked for, and would take long to search. */
enum { REPLY_MAX = 1 << 20, BRACES = 200 };

/* What follows the reasoning of a model that shows it; absent where the reasoning never ended. */
static struct span after_thinking(struct span s)
{
	static const char open[] = "<think>", close[] = "</think>";
	const char *end = NULL, *at = s.s;
	size_t left = s.n;

	while (left >= sizeof close - 1 && (at = memmem(at, left, close, sizeof close - 1))) {
		at += sizeof close - 1;
		end = at;
		left = s.n - (size_t)(at - s.s);
	}
	if (end)
		return (struct span){end, s.n - (size_t)(end - s.s)};
	if (s.n >= sizeof open - 1 && memmem(s.s, s.n, open, sizeof open - 1))
		return (struct span){0};
	return s;
}

/* Where the last object that closes at the very end (a code fence and white space aside) opens; it
 * must open at the start of a line. */
static struct span final_object(struct span s)
{
	struct span end = trim(s), line;

	/* A closing fence behind it. */
	while (end.n > 0 && (end.s[end.n - 1] == '`' || end.s[end.n - 1] == '~'))
		end.n--;
	end = trim(end);
	if (end.n == 0 || end.s[end.n - 1] != '}')
		return (struct span){0};
	for (size_t at = 0, tried = 0; at < end.n && tried < BRACES; at++) {
		struct span rest = {end.s + at, end.n - at};
		size_t start = at;

		if (end.s[at] != '{' || (tried++, closing(rest) != end.s + end.n))
			continue;
		while (start > 0 && end.s[start - 1] != '\n')
			start--;
		line = trim((struct span){end.s + start, at - start});
		if (line.n == 0 || is_fence(line) || is_word(line, "json"))
			return rest;
		return (struct span){0};
	}
	return (struct span){0};
}

/* Whether `before`, what stands ahead of the verdict, holds another one with another value. */
static int contradicted(struct span before, struct verdict_scale scale, int value)
{
	struct buf scratch = BUF_INIT, critique = BUF_INIT;
	struct span rest = before, object;
	int found = 0, other = 0, has_critique;

	while (rest.n > 0 && !found) {
		other = line_value(next_line(&rest), scale, scale.mode == VERDICT_PASS);
		found = other != NO_VALUE && other != value;
	}
	for (size_t i = 0, tried = 0; i < before.n && tried < BRACES && !found; i++) {
		struct span from = {before.s + i, before.n - i};
		const char *end = *from.s == '{' ? closing(from) : NULL;

		tried += *from.s == '{';
		if (end &&
		    as_object((struct span){from.s, (size_t)(end - from.s)}, &scratch, &object) &&
		    object_value(object, scale, &other, &critique, &has_critique) != NOT_THERE)
			found = other != value;
	}
	buf_release(&scratch);
	buf_release(&critique);
	return found;
}

static int from_object(struct span text, struct span object_text, struct span candidate,
		       struct verdict_scale scale, struct judged *v, const char **why)
{
	struct buf scratch = BUF_INIT;
	struct span object, before = {text.s, (size_t)(object_text.s - text.s)};
	int has_critique, whole, got = NOT_THERE;

	/* Nothing but the opening of a code fence stands before it. */
	before = trim(before);
	whole = before.n == 0 || (is_fence(before) && !memchr(before.s, '\n', before.n));

	*why = "the reply ends with something that is no valid JSON object";
	if (as_object(object_text, &scratch, &object)) {
		got = object_value(object, scale, &v->value, &v->critique, &has_critique);
		if (got == NOT_THERE)
			*why = "the JSON object holds no verdict";
		else if (got == BAD_VALUE)
			*why = scale.mode == VERDICT_SCORE
				       ? "the score is not a whole number on the scale"
				       : "the verdict is none of the words asked for";
		else if (quoted_object(object, candidate))
			*why = "the only verdict is one that the candidate's text holds as well",
			got = NOT_THERE;
		else if (!whole && !has_critique)
			*why = "a verdict behind other text must come with its critique in the same JSON object",
			got = NOT_THERE;
		else if (!whole && contradicted(before, scale, v->value))
			*why = "the reply holds verdicts that contradict each other",
			got = NOT_THERE;
	}
	buf_release(&scratch);
	return got == GOOD_VALUE ? 0 : -1;
}

static int from_lines(struct span text, struct span candidate, struct verdict_scale scale,
		      struct judged *v, const char **why)
{
	struct span rest = text, last = {0};
	int lone;

	while (rest.n > 0) {
		struct span line = next_line(&rest);

		if (trim(line).n > 0 && !is_fence(line))
			last = line;
	}
	*why = "the reply holds no verdict at its end";
	if (!last.s)
		return -1;
	lone = trim(last).n == trim(text).n || scale.mode == VERDICT_PASS;
	v->value = line_value(last, scale, lone);
	if (v->value == NO_VALUE)
		return -1;
	*why = "the only verdict is one that the candidate's text holds as well";
	if (quoted_line(last, candidate))
		return -1;
	*why = "the reply holds verdicts that contradict each other";
	if (contradicted((struct span){text.s, (size_t)(last.s - text.s)}, scale, v->value))
		return -1;
	buf_clear(&v->critique);
	buf_addspan(&v->critique, trim((struct span){text.s, (size_t)(last.s - text.s)}));
	return 0;
}

int verdict_read(struct span reply, struct span candidate, struct verdict_scale scale,
		 struct judged *v, const char **why)
{
	struct span text = trim(reply), object;

	buf_clear(&v->critique);
	*why = "the reply is empty, or ended before the judge was done thinking";
	/* What is an object from its first byte holds no reasoning outside it. */
	if (text.n > 0 && *text.s != '{')
		text = trim(after_thinking(text));
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
