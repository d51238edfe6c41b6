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

/* --- verdicts in words --- */

/* Signs that stand for others: full-width forms, dashes and curly quotes for those of ASCII, and
 * none at all for marks that nobody sees. */
static size_t plain_sign(struct span s, struct buf *to)
{
	static const struct {
		const char *sign, *plain;
	} signs[] = {
		{"\xef\xbb\xbf", ""},	  {"\xe2\x80\x8b", ""},	    {"\xe2\x80\x8d", ""},
		{"\xef\xb8\x8f", ""},	  {"\xc2\xa0", " "},	    {"\xe3\x80\x80", " "},
		{"\xe3\x80\x82", "."},	  {"\xe2\x80\x93", "-"},    {"\xe2\x80\x94", "-"},
		{"\xe2\x80\x98", "'"},	  {"\xe2\x80\x99", "'"},    {"\xe2\x80\x9c", "\""},
		{"\xe2\x80\x9d", "\""},	  {"\xe2\x80\xa2", "-"},    {"\xe2\x9c\x85", "\x01"},
		{"\xe2\x9c\x94", "\x01"}, {"\xe2\x9c\x93", "\x01"}, {"\xe2\x9d\x8c", "\x02"},
		{"\xe2\x9c\x97", "\x02"}, {"\xe2\x9c\x98", "\x02"},
	};

	for (size_t i = 0; i < sizeof signs / sizeof *signs && (unsigned char)*s.s >= 0x80; i++) {
		size_t n = strlen(signs[i].sign);

		if (s.n >= n && memcmp(s.s, signs[i].sign, n) == 0) {
			buf_adds(to, signs[i].plain);
			return n;
		}
	}
	if (s.n >= 3 && s.s[0] == '\xef' && (s.s[1] == '\xbc' || s.s[1] == '\xbd')) {
		int code = ((s.s[1] & 3) << 6 | (s.s[2] & 0x3f)) + 0x20;

		if (code > 0x20 && code < 0x7f) {
			buf_addc(to, (char)code);
			return 3;
		}
	}
	buf_addc(to, *s.s);
	return 1;
}

/* The length of a token of a chat template that a server let through: <|im_end|>, </s>. */
static size_t special_token(struct span s)
{
	static const char *const names[] = {"</s>",  "<s>",	      "<eos>",
					    "<bos>", "<end_of_turn>", "<start_of_turn>"};
	static const char bar[] = "\xef\xbd\x9c";

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (s.n >= strlen(names[i]) && memcmp(s.s, names[i], strlen(names[i])) == 0)
			return strlen(names[i]);
	if (s.n < 3 || *s.s != '<' || (s.s[1] != '|' && (s.n < 5 || memcmp(s.s + 1, bar, 3) != 0)))
		return 0;
	for (size_t i = 2; i < s.n && i < 64 && s.s[i] != '\n'; i++)
		if (s.s[i] == '>')
			return s.s[i - 1] == '|' || memcmp(s.s + i - 3, bar, 3) == 0 ? i + 1 : 0;
	return 0;
}

static struct span plain(struct span s, struct buf *to)
{
	buf_clear(to);
	while (s.n > 0) {
		size_t n = special_token(s);

		if (n == 0)
			n = plain_sign(s, to);
		s.s += n;
		s.n -= n;
	}
	return trim(buf_span(to));
}

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

/* A verdict in a line. exact: nothing else is there, so that it may be read; what is not exact does
 * contradict. */
struct claim {
	int value, exact, brackets;
	struct span label, word;
};

/* No value of a scale, but another one than any. */
enum { OTHER_VALUE = -1000001 };

static int starts_with(struct span s, const char *word)
{
	return s.n >= strlen(word) && strncasecmp(s.s, word, strlen(word)) == 0;
}

static struct span behind(struct span s, size_t n)
{
	return trim((struct span){s.s + n, s.n - n});
}

static struct span letters(struct span s)
{
	size_t n = 0;

	while (n < s.n && isalpha((unsigned char)s.s[n]))
		n++;
	return (struct span){s.s, n};
}

/* What the value's text claims: all of it, or the word or number that it begins with. */
static void claim_value(struct span s, struct verdict_scale scale, struct claim *c)
{
	struct buf close_up = BUF_INIT;
	struct span word;
	int mark = 0;

	s = undecorate(s);
	while (s.n > 1 && (*s.s == 1 || *s.s == 2))
		mark |= *s.s, s = undecorate(behind(s, 1));
	while (s.n > 1 && (s.s[s.n - 1] == 1 || s.s[s.n - 1] == 2))
		mark |= s.s[s.n - 1], s = undecorate((struct span){s.s, s.n - 1});
	if (s.n > 4 && memcmp(s.s, "[[", 2) == 0 && memcmp(s.s + s.n - 2, "]]", 2) == 0)
		s = (struct span){s.s + 2, s.n - 4};
	else if (s.n > 2 && strchr("\"'`", *s.s) && s.s[s.n - 1] == *s.s)
		s = (struct span){s.s + 1, s.n - 2};
	while (s.n > 0 && strchr("\"'`*[(", *s.s))
		s = behind(s, 1);
	for (size_t i = 0; i < s.n; i++)
		if (scale.mode != VERDICT_SCORE || s.s[i] != ' ' ||
		    !((i + 1 < s.n && s.s[i + 1] == '/') || s.s[i - 1] == '/'))
			buf_addc(&close_up, s.s[i]);
	c->value = read_value(buf_span(&close_up), scale);
	c->exact = c->value != NO_VALUE;
	buf_release(&close_up);
	c->word = s;
	word = letters(s);
	if (!c->exact && scale.mode == VERDICT_SCORE) {
		size_t n = s.n > 0 && *s.s == '-';

		while (n < s.n &&
		       (isdigit((unsigned char)s.s[n]) || s.s[n] == '/' ||
			(s.s[n] == '.' && n + 1 < s.n && isdigit((unsigned char)s.s[n + 1]))))
			n++;
		if (n > 0 && (c->value = read_score((struct span){s.s, n}, scale)) == NO_VALUE)
			c->value = OTHER_VALUE;
	} else if (!c->exact && word.n > 0 && !(scale.mode == VERDICT_PAIR && *s.s == 'a')) {
		c->value = read_value(word, scale);
		if (is_word(word, "not") || is_word(word, "no"))
			c->value = OTHER_VALUE;
	}
	if (scale.mode == VERDICT_PASS && c->value >= 0 && mark && mark != 2 - c->value) {
		c->value = OTHER_VALUE;
		c->exact = 0;
	}
}

static const char *const labels[][12] = {
	[VERDICT_PASS] = {"verdict", "result", "judgment", "judgement", "decision", "conclusion",
			  "assessment", "evaluation", "overall", "grade"},
	[VERDICT_SCORE] = {"score", "rating"},
	[VERDICT_PAIR] = {"winner", "verdict", "result", "decision", "judgment", "judgement"},
};

/* `Verdict: PASS`, `2. **Final score:** 4/5`, `[[A]]`, `<verdict>FAIL</verdict>`. lone: the bare word
 * counts too. */
static struct claim read_line(struct span line, struct verdict_scale scale, int lone)
{
	static const char *const before[] = {"the ", "my ",	    "final ", "overall ",
					     "so ",  "therefore, ", "thus, "};
	struct claim c = {.value = NO_VALUE};
	size_t n = 0;
	int table = 0;

	if (line.n == 0)
		return c;
	while (n < line.n && isdigit((unsigned char)line.s[n]))
		n++;
	if (n > 0 && n + 1 < line.n && (line.s[n] == '.' || line.s[n] == ')') &&
	    line.s[n + 1] == ' ')
		line = behind(line, n + 1);
	if (line.n > 1 && (*line.s == '-' || *line.s == '*') && line.s[1] == ' ')
		line = behind(line, 1);
	if (line.n > 1 && *line.s == '|') {
		table = 1;
		line = behind(line, 1);
		while (line.n > 0 && line.s[line.n - 1] == '|')
			line.n--;
	}
	line = undecorate(line);
	if (line.n == 0)
		return c;
	if (line.n > 4 && memcmp(line.s, "[[", 2) == 0) {
		const char *end = memmem(line.s, line.n, "]]", 2);

		if (end) {
			c.brackets = 1;
			c.word = (struct span){line.s + 2, (size_t)(end - line.s) - 2};
			c.value = read_value(c.word, scale);
			c.exact = c.value != NO_VALUE && end + 2 == line.s + line.n;
		}
		return c;
	}
	c.label = line;
	for (size_t i = 0; i < 14; i++)
		if (starts_with(c.label, before[i % 7]))
			c.label = behind(c.label, strlen(before[i % 7]));
	for (size_t i = 0; i < 10 && labels[scale.mode][i]; i++) {
		const char *label = labels[scale.mode][i];
		struct span value;
		int separated = 0, exact = 0;

		if (*line.s == '<' && starts_with(behind(line, 1), label) &&
		    line.n > strlen(label) + 2 && line.s[strlen(label) + 1] == '>') {
			const char *end;

			value = behind(line, strlen(label) + 2);
			end = memmem(value.s, value.n, "</", 2);
			if (!end)
				continue;
			c.label = (struct span){line.s + 1, strlen(label)};
			exact = (size_t)(value.s + value.n - end) == strlen(label) + 3 &&
				starts_with(behind((struct span){end, strlen(label) + 3}, 2),
					    label);
			value.n = (size_t)(end - value.s);
			separated = 1;
		} else {
			size_t len = strlen(label);

			if (!starts_with(c.label, label))
				continue;
			c.label.n = len;
			value = undecorate(
				(struct span){c.label.s + len,
					      (size_t)(line.s + line.n - c.label.s) - len});
			if (starts_with(value, "is ") || starts_with(value, "is:"))
				separated = exact = 1, value = undecorate(behind(value, 2));
			while (value.n > 0 &&
			       (strchr(":=-", *value.s) || (table && *value.s == '|'))) {
				exact |= *value.s == ':' || *value.s == '|';
				separated = 1;
				value = undecorate(behind(value, 1));
			}
		}
		if (!separated)
			continue;
		claim_value(value, scale, &c);
		c.exact &= exact;
		return c;
	}
	c.label.n = 0;
	if (lone) {
		struct span word;

		claim_value(line, scale, &c);
		word = letters(c.word);
		/* A bare word in quotation marks is quoted; one that begins a sentence contradicts
		 * where it is in capitals. */
		if (c.exact && memchr("\"'`([", *line.s, 5))
			c.value = NO_VALUE, c.exact = 0;
		else if (!c.exact && c.value != NO_VALUE &&
			 !(scale.mode == VERDICT_PASS && word.n >= 4 &&
			   isupper((unsigned char)word.s[3]) &&
			   !(word.n < c.word.n && word.s[word.n] == '/')))
			c.value = NO_VALUE;
	}
	return c;
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

/* Letters and digits alone, in small: what is left of a verdict whatever its case, spacing and
 * markup. brackets, and what tags are made of, are kept where they are
 * what makes it one. */
static void squeeze(struct span s, int brackets, int tags, struct buf *to)
{
	struct buf text = BUF_INIT;

	plain(s, &text);
	buf_clear(to);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		char end = tags ? 0 : c == '<' ? '>' : c == '&' ? ';' : 0;
		size_t j = i + 1;

		/* Tags and entities of HTML. */
		while (end && j < text.len && j < i + 64 &&
		       (isalnum((unsigned char)text.data[j]) || text.data[j] == '/'))
			j++;
		if (end && j < text.len && text.data[j] == end)
			i = j;
		else if (isalnum((unsigned char)c) || (brackets && (c == '[' || c == ']')))
			buf_addc(to, (char)tolower((unsigned char)c));
	}
	buf_release(&text);
}

static int holds(struct span text, struct span part)
{
	return part.n > 0 && part.n <= text.n && memmem(text.s, text.n, part.s, part.n) != NULL;
}

/* Whether the candidate's text holds this verdict too: one with a label or brackets anywhere, a
 * bare word between marks or as a line. */
static int quoted_claim(const struct claim *c, struct verdict_scale scale, struct span candidate)
{
	const char *marks = scale.mode == VERDICT_PASS ? ".:;!?*_`\"'()[]<>{}\n" : "\n";
	struct buf own = BUF_INIT, longer = BUF_INIT, theirs = BUF_INIT, text = BUF_INIT;
	struct span rest;
	int found = 0, brackets = c->brackets;

	buf_addspan(&text, c->label);
	if (brackets)
		buf_adds(&text, "[[");
	buf_addspan(&text, c->word);
	if (brackets)
		buf_adds(&text, "]]");
	squeeze(buf_span(&text), brackets, 0, &own);
	if (c->label.n > 0 || brackets) {
		/* `verdict: pass` and `the verdict is pass`. */
		buf_clear(&text);
		buf_addspan(&text, c->label);
		buf_adds(&text, "is");
		buf_addspan(&text, c->word);
		squeeze(buf_span(&text), 0, 0, &longer);
		for (int tags = 0; tags < 2 && !found; tags++) {
			squeeze(candidate, brackets, tags, &theirs);
			found = holds(buf_span(&theirs), buf_span(&own)) ||
				(c->label.n > 0 && holds(buf_span(&theirs), buf_span(&longer)));
		}
	} else {
		plain(candidate, &text);
		for (rest = buf_span(&text); rest.n > 0 && !found;) {
			size_t n = 0;

			while (n < rest.n && !strchr(marks, rest.s[n]))
				n++;
			squeeze((struct span){rest.s, n}, 0, 0, &theirs);
			found = span_eq(buf_span(&own), buf_span(&theirs));
			n += n < rest.n;
			rest.s += n;
			rest.n -= n;
		}
	}
	buf_release(&own);
	buf_release(&longer);
	buf_release(&theirs);
	buf_release(&text);
	return found;
}

static int has_word(struct span s, const char *const *words)
{
	for (size_t i = 0; i < s.n; i++) {
		struct span from = {s.s + i, s.n - i};
		size_t n = 0;

		if (i > 0 && (isalpha((unsigned char)s.s[i - 1]) || s.s[i - 1] == '\''))
			continue;
		while (n < from.n && (isalpha((unsigned char)from.s[n]) || from.s[n] == '\''))
			n++;
		from.n = n;
		if (n > 3 && strncasecmp(from.s + n - 3, "n't", 3) == 0)
			return 1;
		for (size_t k = 0; words[k]; k++)
			if (is_word(from, words[k]))
				return 1;
	}
	return 0;
}

/* The last sentence of a text, with what ends it. */
static struct span last_sentence(struct span s)
{
	size_t from = s.n;

	while (from > 0 &&
	       !(from < s.n && strchr(".!?;", s.s[from - 1]) &&
		 isspace((unsigned char)s.s[from])) &&
	       !(from > 1 && s.s[from - 1] == '\n' && s.s[from - 2] == '\n'))
		from--;
	return trim((struct span){s.s + from, s.n - from});
}

/* Whether what stands ahead of a verdict goes on into it with a negation, a condition, or as an
 * example or a quotation: `The answer does not` above `PASS`. */
static int leads_on(struct span before)
{
	static const char *const hedges[] = {"not",    "never",	  "neither",   "nor",
					     "cannot", "hardly",  "scarcely",  "nowhere",
					     "fails",  "without", "example",   "sample",
					     "format", "form",	  "template",  "instead",
					     "rather", "if",	  "unless",    "would",
					     "could",  "like",	  "such",      "says",
					     "said",   "claims",  "contains",  "wrote",
					     "writes", "ends",	  "quote",     "instance",
					     "e",      "holds",	  "anything",  "wrong",
					     "told",   "asks",	  "asked",     "instructed",
					     "wants",  "demands", "according", NULL};
	static const char *const last[] = {"no", "not", "a", "an", "be", "to", "never", NULL};
	/* A sentence that ends in one of these goes on. */
	static const char *const open[] = {"a",	 "an",	 "the",	 "of", "to",  "be",   "is",
					   "my", "this", "that", "as", "say", "call", NULL};
	struct buf text = BUF_INIT;
	struct span s, raw = before;
	int gap = 0, found = 0;

	while (raw.n > 0 && isspace((unsigned char)raw.s[raw.n - 1]))
		gap += raw.s[--raw.n] == '\n';
	s = plain(raw, &text);
	/* The opening of a fence is no part of it. */
	for (;;) {
		size_t start = s.n;

		while (start > 0 && s.s[start - 1] != '\n')
			start--;
		if (!is_fence((struct span){s.s + start, s.n - start}))
			break;
		s = trim((struct span){s.s, start});
	}
	s = last_sentence(s);
	while (s.n > 0 && strchr("*_ `", s.s[s.n - 1]))
		s.n--;
	/* A tag opens what is quoted. */
	if (s.n > 2 && *s.s == '<' && s.s[1] != '/' && s.s[s.n - 1] == '>')
		found = 1;
	else if (s.n > 0 && !strchr(".!?)\"\1\2", s.s[s.n - 1])) {
		static const char *const no[] = {"no", NULL};
		int colon = strchr(":,-", s.s[s.n - 1]) != NULL;
		size_t at = s.n;
		struct span word;

		while (at > 0 && s.s[at - 1] != ' ')
			at--;
		word = (struct span){s.s + at, s.n - at};
		found = has_word(word, last) || (colon && has_word(s, no));
		/* A paragraph of its own says nothing of the next, unless it broke off. */
		if (gap > 1 && !colon && !has_word(word, open))
			for (int words = 0; at > 0 && words < 3; at--)
				words += s.s[at - 1] == ' ';
		else
			at = 0;
		found |= has_word((struct span){s.s + at, s.n - at}, hedges);
	}
	buf_release(&text);
	return found;
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
	int same;

	/* In whatever spacing, case or markup; then with its members in another order. */
	squeeze(object, 0, 0, &own);
	squeeze(candidate, 0, 0, &theirs);
	same = holds(buf_span(&theirs), buf_span(&own));
	buf_clear(&own);
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
		s = trim(s);
		n = starts_with(s, "<|channel|>") ? 0 : special_token(s);
		if (n > 0) {
			s = behind(s, n);
			if (starts_with(s, "assistant"))
				s = behind(s, strlen("assistant"));
		}
		for (size_t i = s.n; i > 0 && s.n - i < 64; i--)
			if (s.s[i - 1] == '<' &&
			    special_token((struct span){s.s + i - 1, s.n - i + 1}) == s.n - i + 1) {
				n = s.n - i + 1;
				s.n = i - 1;
				break;
			}
		for (size_t i = 0; i < 3; i++) {
			size_t len = strlen(unseen[i]);

			if (s.n >= len && memcmp(s.s, unseen[i], len) == 0)
				s = behind(s, n = len);
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
			struct claim c = {0};
			size_t at = i;
			int quoted = i > 0 && strchr("\"'_", text.s[i - 1]), separated = 0;

			if (!starts_with(rest, names[k]) ||
			    (i > 0 && isalnum((unsigned char)text.s[i - 1])))
				continue;
			rest = behind(rest, strlen(names[k]));
			if (k == 1 && starts_with(rest, "ed"))
				rest = behind(rest, 2);
			while (at > 0 && text.s[at - 1] == ' ')
				at--;
			if (!(quoted || (anywhere && k == 0) ||
			      (at > 0 && (text.s[at - 1] == '{' || text.s[at - 1] == ','))))
				continue;
			while (rest.n > 0 && strchr("\\\"'`*_:=-|> ", *rest.s)) {
				separated |= strchr(":=-|>", *rest.s) != NULL;
				rest = behind(rest, 1);
			}
			if (starts_with(rest, "is "))
				separated = 1, rest = behind(rest, 3);
			if (!separated)
				continue;
			if (k == 1)
				c.value = starts_with(rest, "true")    ? 1
					  : starts_with(rest, "false") ? 0
								       : NO_VALUE;
			else
				claim_value((struct span){rest.s, rest.n < 64 ? rest.n : 64}, scale,
					    &c);
			found = c.value != NO_VALUE && c.value != value;
		}
	return found;
}

/* Whether running text speaks of FAIL, in capitals, neither quoted nor as one of two nor as what
 * would be. */
static int speaks_of_fail(struct span text)
{
	static const char *const supposed[] = {"would", "could",   "might",   "may",
					       "if",	"whether", "unless",  "rules",
					       "rule",	"says",	   "demands", NULL};
	const char *at = text.s;

	while ((at = memmem(at, (size_t)(text.s + text.n - at), "FAIL", 4))) {
		struct span ahead = {text.s, (size_t)(at - text.s)},
			    then = {at + 4, (size_t)(text.s + text.n - at) - 4},
			    word = letters(then);
		size_t from = ahead.n;

		at += 4;
		if ((ahead.n > 0 && (isalnum((unsigned char)ahead.s[ahead.n - 1]) ||
				     strchr("\"'`/", ahead.s[ahead.n - 1]))) ||
		    (word.n > 0 && !is_word(word, "ED") && !is_word(word, "S")) ||
		    (then.n > 0 && strchr("\"'`/", *then.s)))
			continue;
		while (from > 0 && !strchr(".!?\n", ahead.s[from - 1]))
			from--;
		ahead = trim((struct span){ahead.s + from, ahead.n - from});
		then = trim(then);
		if ((ahead.n > 3 && is_word((struct span){ahead.s + ahead.n - 3, 3}, " or")) ||
		    starts_with(then, "or ") || has_word(ahead, supposed))
			continue;
		return 1;
	}
	return 0;
}

/* Whether `before`, what stands ahead of the verdict, holds another one with another value. */
static int contradicted(struct span before, struct verdict_scale scale, int value)
{
	struct buf scratch = BUF_INIT, critique = BUF_INIT;
	struct span rest = before, object;
	int found = 0, other = 0, has_critique;

	while (rest.n > 0 && !found) {
		struct span line = plain(next_line(&rest), &scratch);

		other = read_line(line, scale, scale.mode == VERDICT_PASS).value;
		found = (other != NO_VALUE && other != value) ||
			member_contradicts(line, scale, value, scale.mode == VERDICT_PASS) ||
			(scale.mode == VERDICT_PASS && value == 1 && speaks_of_fail(line));
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
		else if (!whole &&
			 leads_on((struct span){text.s, (size_t)(object_text.s - text.s)}))
			*why = "the verdict is negated, supposed, an example or a quotation",
			got = NOT_THERE;
		else if ((!whole && contradicted(before, scale, v->value)) ||
			 (scale.mode == VERDICT_PASS && v->value == 1 &&
			  member_contradicts(object, scale, 1, 1)))
			*why = "the reply holds verdicts that contradict each other",
			got = NOT_THERE;
	}
	buf_release(&scratch);
	return got == GOOD_VALUE ? 0 : -1;
}

/* A line of marks alone, as Markdown parts sections. */
static int is_rule(struct span line)
{
	line = trim(line);
	for (size_t i = 0; i < line.n; i++)
		if (!strchr("-*_=", line.s[i]))
			return 0;
	return 1;
}

static int from_lines(struct span text, struct span candidate, struct verdict_scale scale,
		      struct judged *v, const char **why)
{
	struct span rest = text, last = {0}, before;
	struct buf scratch = BUF_INIT;
	struct claim c;
	int fences = 0, fenced = 0, lines = 0, rc = -1;

	while (rest.n > 0) {
		struct span line = next_line(&rest);

		if (is_fence(line)) {
			fences++;
		} else if (plain(line, &scratch).n > 0 && !is_rule(line)) {
			last = line;
			fenced = fences % 2;
			lines++;
		}
	}
	*why = "the reply holds no verdict at its end";
	if (!last.s)
		goto cleanup;
	c = read_line(plain(last, &scratch), scale, lines == 1 || scale.mode == VERDICT_PASS);
	if (!c.exact)
		goto cleanup;
	v->value = c.value;
	before = (struct span){text.s, (size_t)(last.s - text.s)};
	*why = "the only verdict is one that the candidate's text holds as well";
	if (quoted_claim(&c, scale, candidate))
		goto cleanup;
	*why = "the verdict is negated, supposed, an example or a quotation";
	if (leads_on(before) || (fenced && lines > 1))
		goto cleanup;
	*why = "the reply holds verdicts that contradict each other";
	if (contradicted(before, scale, v->value))
		goto cleanup;
	buf_clear(&v->critique);
	buf_addspan(&v->critique, trim(before));
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
