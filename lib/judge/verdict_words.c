/* A verdict in a line of words: what the line claims, and whether it is quoted, denied or led on from.
 * See verdict.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../json/json.h"
#include "../json/jw.h"
#include "verdict_impl.h"

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
size_t verdict_special_token(struct span s)
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

struct span verdict_plain(struct span s, struct buf *to)
{
	buf_clear(to);
	while (s.n > 0) {
		size_t n = verdict_special_token(s);

		if (n == 0)
			n = plain_sign(s, to);
		s.s += n;
		s.n -= n;
	}
	return verdict_trim(buf_span(to));
}

/* Marks that decorate a word: Markdown's stars, backquotes do quote and are not among them; #4 is no
 * heading. */
static struct span undecorate(struct span s)
{
	for (;;) {
		s = verdict_trim(s);
		if (s.n > 0 && strchr("*_#", *s.s) && *s.s &&
		    !(*s.s == '#' && s.n > 1 && isdigit((unsigned char)s.s[1])))
			s.s++, s.n--;
		else if (s.n > 0 && strchr("*_.!", s.s[s.n - 1]) && s.s[s.n - 1])
			s.n--;
		else
			return s;
	}
}

/* No value of a scale, but another one than any. */
enum { OTHER_VALUE = -1000001 };

int verdict_starts_with(struct span s, const char *word)
{
	return s.n >= strlen(word) && strncasecmp(s.s, word, strlen(word)) == 0;
}

struct span verdict_behind(struct span s, size_t n)
{
	return verdict_trim((struct span){s.s + n, s.n - n});
}

struct span verdict_letters(struct span s)
{
	size_t n = 0;

	while (n < s.n && isalpha((unsigned char)s.s[n]))
		n++;
	return (struct span){s.s, n};
}

/* What TeX puts in a box, as models do that were trained on mathematics: $\boxed{\text{PASS}}$. */
static struct span unboxed(struct span s)
{
	static const char *const opens[] = {"$", "\\boxed{", "\\text{", "\\textbf{"};

	for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
		char close = *opens[i] == '$' ? '$' : '}';
		size_t n = strlen(opens[i]);

		if (s.n > n + 1 && !memcmp(s.s, opens[i], n) && s.s[s.n - 1] == close)
			s = (struct span){s.s + n, s.n - n - 1};
	}
	return s;
}

/* Words that are none of the two asked for and yet say that it is no pass. */
static int is_other_fail(struct span word)
{
	static const char *const words[] = {"f",	  "reject",
					    "rejected",	  "negative",
					    "incorrect",  "wrong",
					    "false",	  "unacceptable",
					    "inadequate", "unsatisfactory",
					    "invalid",	  "insufficient"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (verdict_is_word(word, words[i]))
			return 1;
	return 0;
}

/* What the value's text claims: all of it, or the word or number that it begins with. */
void verdict_claim_value(struct span s, struct verdict_scale scale, struct verdict_claim *c)
{
	static const char of_most[] = " out of ";
	struct buf close_up = BUF_INIT;
	struct span word;
	int mark = 0;

	s = undecorate(s);
	while (s.n > 1 && (*s.s == 1 || *s.s == 2))
		mark |= *s.s, s = undecorate(verdict_behind(s, 1));
	while (s.n > 1 && (s.s[s.n - 1] == 1 || s.s[s.n - 1] == 2))
		mark |= s.s[s.n - 1], s = undecorate((struct span){s.s, s.n - 1});
	if (s.n > 4 && memcmp(s.s, "[[", 2) == 0 && memcmp(s.s + s.n - 2, "]]", 2) == 0)
		s = (struct span){s.s + 2, s.n - 4};
	else if (s.n > 2 && strchr("\"'`", *s.s) && s.s[s.n - 1] == *s.s)
		s = (struct span){s.s + 1, s.n - 2};
	s = unboxed(s);
	while (s.n > 0 && strchr("\"'`*[(", *s.s))
		s = verdict_behind(s, 1);
	for (size_t i = 0; i < s.n; i++) {
		if (scale.mode == VERDICT_SCORE && i > 0 &&
		    verdict_starts_with((struct span){s.s + i, s.n - i}, of_most)) {
			buf_addc(&close_up, '/');
			i += sizeof of_most - 2;
		} else if (scale.mode != VERDICT_SCORE || s.s[i] != ' ' ||
			   !((i + 1 < s.n && s.s[i + 1] == '/') || s.s[i - 1] == '/')) {
			buf_addc(&close_up, s.s[i]);
		}
	}
	c->value = verdict_read_value(buf_span(&close_up), scale);
	c->exact = c->value != NO_VALUE;
	buf_release(&close_up);
	c->word = s;
	word = verdict_letters(s);
	if (!c->exact && scale.mode == VERDICT_SCORE) {
		size_t n = s.n > 0 && *s.s == '-';

		while (n < s.n &&
		       (isdigit((unsigned char)s.s[n]) || s.s[n] == '/' ||
			(s.s[n] == '.' && n + 1 < s.n && isdigit((unsigned char)s.s[n + 1]))))
			n++;
		if (n > 0 &&
		    (c->value = verdict_read_score((struct span){s.s, n}, scale)) == NO_VALUE)
			c->value = OTHER_VALUE;
	} else if (!c->exact && word.n > 0 && !(scale.mode == VERDICT_PAIR && *s.s == 'a')) {
		c->value = verdict_read_value(word, scale);
		if (verdict_is_word(word, "not") || verdict_is_word(word, "no") ||
		    (scale.mode == VERDICT_PASS && is_other_fail(word)))
			c->value = OTHER_VALUE;
		c->exact = scale.mode == VERDICT_PASS && c->value == 0 &&
			   verdict_says_why((struct span){s.s + word.n, s.n - word.n});
		if (c->exact)
			c->word = word;
	}
	if (scale.mode == VERDICT_PASS && !c->exact && s.n > 0 && *s.s == '0')
		c->value = OTHER_VALUE;
	if (scale.mode == VERDICT_PASS && c->value >= 0 && mark && mark != 2 - c->value) {
		c->value = OTHER_VALUE;
		c->exact = 0;
	}
}

static int is_negative(struct span s)
{
	return s.n > 1 && *s.s == '-' && isdigit((unsigned char)s.s[1]);
}

/* A dash with a space on either side, as after a label. */
static int is_dash(struct span s)
{
	return s.n > 1 && *s.s == '-' && s.s[1] == ' ' && s.s[-1] == ' ';
}

static const char *const labels[][12] = {
	[VERDICT_PASS] = {"verdict", "result", "judgment", "judgement", "decision", "conclusion",
			  "assessment", "evaluation", "overall", "grade", "final answer"},
	[VERDICT_SCORE] = {"score", "rating", "grade", "overall"},
	[VERDICT_PAIR] = {"winner", "better", "verdict", "result", "decision", "judgment",
			  "judgement"},
};

/* `Verdict: PASS`, `2. **Final score:** 4/5`, `[[A]]`, `<verdict>FAIL</verdict>`. lone: the bare word
 * counts too. */
struct verdict_claim verdict_read_line(struct span line, struct verdict_scale scale, int lone)
{
	static const char *const before[] = {"the ", "my ",	    "final ", "overall ",
					     "so ",  "therefore, ", "thus, "};
	struct verdict_claim c = {.value = NO_VALUE};
	size_t n = 0;
	int table = 0;

	if (line.n == 0)
		return c;
	while (n < line.n && isdigit((unsigned char)line.s[n]))
		n++;
	if (n > 0 && n + 1 < line.n && (line.s[n] == '.' || line.s[n] == ')') &&
	    line.s[n + 1] == ' ')
		line = verdict_behind(line, n + 1);
	if (line.n > 1 && (*line.s == '-' || *line.s == '*') && line.s[1] == ' ')
		line = verdict_behind(line, 1);
	if (line.n > 1 && *line.s == '|') {
		table = 1;
		line = verdict_behind(line, 1);
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
			c.value = verdict_read_value(c.word, scale);
			c.exact = c.value != NO_VALUE && end + 2 == line.s + line.n;
		}
		return c;
	}
	c.label = line;
	for (size_t i = 0; i < 14; i++)
		if (verdict_starts_with(c.label, before[i % 7]))
			c.label = verdict_behind(c.label, strlen(before[i % 7]));
	for (size_t i = 0; labels[scale.mode][i]; i++) {
		const char *label = labels[scale.mode][i];
		struct span value;
		int separated = 0, exact = 0;

		if (*line.s == '<' && verdict_starts_with(verdict_behind(line, 1), label) &&
		    line.n > strlen(label) + 2 && line.s[strlen(label) + 1] == '>') {
			const char *end;

			value = verdict_behind(line, strlen(label) + 2);
			end = memmem(value.s, value.n, "</", 2);
			if (!end)
				continue;
			c.label = (struct span){line.s + 1, strlen(label)};
			exact = (size_t)(value.s + value.n - end) == strlen(label) + 3 &&
				verdict_starts_with(verdict_behind((struct span){end,
										 strlen(label) + 3},
								   2),
						    label);
			value.n = (size_t)(end - value.s);
			separated = 1;
		} else {
			size_t len = strlen(label);

			if (!verdict_starts_with(c.label, label) &&
			    !verdict_starts_with(line, label))
				continue;
			if (!verdict_starts_with(c.label, label))
				c.label = line;
			c.label.n = len;
			value = undecorate(
				(struct span){c.label.s + len,
					      (size_t)(line.s + line.n - c.label.s) - len});
			if (verdict_starts_with(value, "is ") || verdict_starts_with(value, "is:"))
				separated = exact = 1, value = undecorate(verdict_behind(value, 2));
			while (value.n > 0 && !is_negative(value) &&
			       (strchr(":=-", *value.s) || (table && *value.s == '|'))) {
				exact |= *value.s == ':' || *value.s == '|' || is_dash(value);
				separated = 1;
				value = undecorate(verdict_behind(value, 1));
			}
		}
		if (!separated)
			continue;
		verdict_claim_value(value, scale, &c);
		c.exact &= exact;
		return c;
	}
	c.label.n = 0;
	if (lone) {
		struct span word;

		verdict_claim_value(line, scale, &c);
		word = verdict_letters(c.word);
		/* A bare word in quotation marks is quoted, and "Response A" is a heading; one that begins a sentence contradicts
		 * where it is in capitals. */
		if (c.exact && (memchr("\"'`([", *line.s, 5) ||
				(scale.mode == VERDICT_PAIR && memchr(line.s, ' ', line.n))))
			c.value = NO_VALUE, c.exact = 0;
		else if (!c.exact && c.value != NO_VALUE &&
			 !(scale.mode == VERDICT_PASS && word.n >= 4 &&
			   isupper((unsigned char)word.s[3]) &&
			   !(word.n < c.word.n && word.s[word.n] == '/')))
			c.value = NO_VALUE;
	}
	return c;
}

int verdict_is_label(struct span line, struct verdict_scale scale)
{
	line = undecorate(line);
	while (line.n > 0 && (line.s[line.n - 1] == ':' || line.s[line.n - 1] == '*'))
		line = undecorate((struct span){line.s, line.n - 1});
	if (verdict_starts_with(line, "final ") || verdict_starts_with(line, "overall "))
		line = verdict_behind(line, *line.s == 'f' || *line.s == 'F' ? 6 : 8);
	for (size_t i = 0; labels[scale.mode][i]; i++)
		if (verdict_is_word(line, labels[scale.mode][i]))
			return 1;
	return 0;
}

struct span verdict_next_line(struct span *rest)
{
	const char *end = memchr(rest->s, '\n', rest->n);
	struct span line = {rest->s, end ? (size_t)(end - rest->s) : rest->n};

	rest->s += line.n + (end != NULL);
	rest->n -= line.n + (end != NULL);
	return line;
}

int verdict_is_fence(struct span line)
{
	line = verdict_trim(line);
	return line.n >= 3 && (memcmp(line.s, "```", 3) == 0 || memcmp(line.s, "~~~", 3) == 0);
}

/* Letters and digits alone, in small: what is left of a verdict whatever its case, spacing and
 * markup. brackets, and what tags are made of, are kept where they are
 * what makes it one. */
static void squeeze(struct span s, int brackets, int tags, struct buf *to)
{
	struct buf text = BUF_INIT;

	verdict_plain(s, &text);
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
int verdict_quoted_claim(const struct verdict_claim *c, struct verdict_scale scale,
			 struct span candidate)
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
		verdict_plain(candidate, &text);
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

int verdict_has_word(struct span s, const char *const *words)
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
			from = span_of("not");
		for (size_t k = 0; words[k]; k++)
			if (verdict_is_word(from, words[k]))
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
	return verdict_trim((struct span){s.s + from, s.n - from});
}

static int opens_tag(struct span s)
{
	size_t at = s.n;

	while (at > 0 && s.s[at - 1] != '<')
		at--;
	return at > 0 && at < s.n && s.s[at] != '/' && s.s[s.n - 1] == '>';
}

/* Whether what stands ahead of a verdict goes on into it with a negation, a condition, or as an
 * example or a quotation: `The answer does not` above `PASS`. */
int verdict_leads_on(struct span before)
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
					     "wants",  "demands", "according", "judge",
					     "looks",  "look",	  NULL};
	static const char *const last[] = {"no", "not", "a", "an", "be", "to", "never", NULL};
	/* A sentence that ends in one of these goes on. */
	static const char *const open[] = {"a",	 "an",	 "the",	 "of", "to",  "be",   "is",
					   "my", "this", "that", "as", "say", "call", NULL};
	struct buf text = BUF_INIT;
	struct span s, raw = before;
	int gap = 0, found = 0;

	while (raw.n > 0 && isspace((unsigned char)raw.s[raw.n - 1]))
		gap += raw.s[--raw.n] == '\n';
	s = verdict_plain(raw, &text);
	/* The opening of a fence is no part of it. */
	for (;;) {
		size_t start = s.n;

		while (start > 0 && s.s[start - 1] != '\n')
			start--;
		if (!verdict_is_fence((struct span){s.s + start, s.n - start}))
			break;
		s = verdict_trim((struct span){s.s, start});
	}
	s = last_sentence(s);
	while (s.n > 0 && strchr("*_ `", s.s[s.n - 1]))
		s.n--;
	/* A tag opens what is quoted. */
	if (opens_tag(s))
		found = 1;
	else if (s.n > 0 && !strchr(".!?)\"\1\2", s.s[s.n - 1])) {
		static const char *const no[] = {"no", "not", NULL};
		int colon = strchr(":,-", s.s[s.n - 1]) != NULL;
		size_t at = s.n;
		struct span word;

		while (at > 0 && s.s[at - 1] != ' ')
			at--;
		word = (struct span){s.s + at, s.n - at};
		found = verdict_has_word(word, last) || (colon && verdict_has_word(s, no));
		/* A paragraph of its own says nothing of the next, unless it broke off. */
		if (gap > 1 && !colon && !verdict_has_word(word, open))
			for (int words = 0; at > 0 && words < 3; at--)
				words += s.s[at - 1] == ' ';
		else
			at = 0;
		found |= verdict_has_word((struct span){s.s + at, s.n - at}, hedges);
	}
	buf_release(&text);
	return found;
}

/* Of text that opens one brace in another each is followed to its end, some bytes further: a long
 * answer of nothing else would take minutes. */
enum { QUOTES_SEARCHED = 1 << 27 };

/* Whether an object with the same content stands in the candidate's text: then the judge may be
 * quoting. So it may where the text takes too long to search. */
int verdict_quoted_object(struct span object, struct span candidate)
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
		end = verdict_closing(rest);
		searched += end ? (size_t)(end - rest.s) : rest.n;
		if (searched > QUOTES_SEARCHED)
			same = 1;
		if (!end || !verdict_as_object((struct span){rest.s, (size_t)(end - rest.s)},
					       &scratch, &found))
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
