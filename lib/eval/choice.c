/* choice: see choice.h. */
#include "choice.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>
#include "../base/mem.h"
#include "../text/fold.h"

/* A text as code points, full-width forms as those of ASCII; folded: without case. */
struct points {
	int *v;
	size_t n;
};

static struct points points_of(struct span text, int folded)
{
	struct buf wide = BUF_INIT, narrow = BUF_INIT;
	struct span s = text;
	struct points p = {0};
	int c;

	for (size_t i = 0; i < s.n; i++) {
		if (i + 2 < s.n && s.s[i] == '\xef' &&
		    (s.s[i + 1] == '\xbc' ||
		     (s.s[i + 1] == '\xbd' && (unsigned char)s.s[i + 2] <= 0x9e))) {
			buf_addc(&narrow,
				 (char)(((s.s[i + 1] & 3) << 6 | (s.s[i + 2] & 0x3f)) + 0x20));
			i += 2;
		} else {
			buf_addc(&narrow, s.s[i]);
		}
	}
	s = buf_span(&narrow);
	if (folded && fold_case(s, &wide) == 0)
		s = buf_span(&wide);
	p.v = mem_alloc(s.n, sizeof *p.v);
	while ((c = fold_next(&s)) >= 0) {
		p.v[p.n++] = c == 0x2019 ? '\'' : c == 0x2010 || c == 0x2011 ? '-' : c;
	}
	buf_release(&wide);
	buf_release(&narrow);
	return p;
}

enum { APART, CASED, UNCASED };

/* Letters of scripts that write words with spaces between them, digits and marks on letters; other
 * letters, such as Chinese, which stand beside anything. */
static int letter_kind(int c)
{
	if (c < 0x80)
		return (c | 32) >= 'a' && (c | 32) <= 'z' ? CASED
		       : c >= '0' && c <= '9'		  ? CASED
							  : APART;
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ND:
		return CASED;
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_LM:
		return UNCASED;
	default:
		return APART;
	}
}

static int is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* Whether the word whose edge is at `edge` goes on at `at`, where `step` leads away from it. Don't
 * names no choice t, A-level no A, C++ no C, 1.5 no 1 and -3 no 3. */
static int goes_on(struct points p, size_t edge, size_t at, int step, int letter)
{
	int c = at < p.n ? p.v[at] : ' ', kind = letter_kind(c), own = letter_kind(p.v[edge]);
	size_t next = at + (size_t)step;

	if (kind == CASED)
		return own != UNCASED;
	if (kind == UNCASED)
		return own == UNCASED;
	if (step > 0 && (c == '#' || c == '+'))
		return own == CASED;
	if (is_digit(p.v[edge]) && (c == '-' || c == 0x2212) && step < 0)
		return next >= p.n || letter_kind(p.v[next]) == APART;
	if (is_digit(p.v[edge]) && (c == '.' || c == ','))
		return next < p.n && is_digit(p.v[next]);
	/* An elided article is no part of the word behind it. */
	if ((c == '\'' && (step > 0 || letter)) || c == '_' || c == '-')
		return next < p.n && letter_kind(p.v[next]) == CASED;
	return 0;
}

struct mention {
	size_t choice, at, end;
	int denied, asked;
};

struct mentions {
	struct mention *v;
	size_t n, cap;
};

/* Walks along clauses, and what they found from each of their states on. A walk that comes to a state
 * where another one was goes no further, so that all of a text's together take no longer than one. */
struct walk {
	unsigned char *known; /* by state: UNKNOWN, NO or YES */
	size_t *path, n, cap; /* the states of the walk in hand */
};
enum { UNKNOWN, NO, YES };

/* A text and what is named in it. The arrays have an element for each place and one for the end. */
struct reading {
	struct points p;
	struct mentions m;
	size_t *reach; /* where what is named at a place or before it ends at most; 0: nothing is */
	unsigned char *asked, *script;	   /* is_asked, denied_in_script */
	struct walk ahead, behind, joined; /* 2, 4 and 1 states a place */
};

/* Ends a walk with what it found. */
static int found(struct walk *w, int yes)
{
	for (size_t i = 0; i < w->n; i++)
		w->known[w->path[i]] = yes ? YES : NO;
	w->n = 0;
	return yes;
}

/* Goes on to a state; what is known of it. */
static int known(struct walk *w, size_t state)
{
	if (w->known[state] == UNKNOWN) {
		w->path = mem_grow(w->path, &w->cap, w->n + 1, sizeof *w->path);
		w->path[w->n++] = state;
	}
	return w->known[state];
}

static void find_mentions(struct points text, struct points word, size_t choice, int letter,
			  struct mentions *m)
{
	for (size_t at = 0; word.n > 0 && at + word.n <= text.n; at++) {
		size_t end = at + word.n;

		if (memcmp(text.v + at, word.v, word.n * sizeof *word.v) != 0 ||
		    goes_on(text, at, at - 1, -1, letter) || goes_on(text, end - 1, end, 1, letter))
			continue;
		m->v = mem_grow(m->v, &m->cap, m->n + 1, sizeof *m->v);
		m->v[m->n++] = (struct mention){.choice = choice, .at = at, .end = end};
	}
}

/* The word that ends before, or begins at, a place, in small letters; its length, 0 for none. An
 * apostrophe is in it. */
static size_t word_at(struct points p, size_t at, int step, char *word, size_t size)
{
	size_t n = 0, from, len = 0;

	for (size_t i = step < 0 ? at - 1 : at;
	     i < p.n && (letter_kind(p.v[i]) == CASED || p.v[i] == '\''); i += (size_t)step)
		n++;
	from = step < 0 ? at - n : at;
	for (size_t i = 0; i < n && len + 4 < size; i++)
		len += (size_t)utf8proc_encode_char(utf8proc_tolower(p.v[from + i]),
						    (utf8proc_uint8_t *)word + len);
	word[len] = 0;
	return n;
}

static int is_one_of(const char *word, const char *const *words)
{
	size_t n = strlen(word);

	if (n > 3 && strcmp(word + n - 3, "n't") == 0)
		return 1;
	for (size_t i = 0; words[i]; i++)
		if (strcmp(word, words[i]) == 0)
			return 1;
	return 0;
}

static int ends_clause(int c)
{
	return c == '.' || c == ';' || c == ':' || c == '!' || c == '?' || c == '\n' ||
	       c == 0x3002 || c == 0xff0c;
}

static int is_mention(const struct reading *r, size_t at)
{
	return at < r->p.n && r->reach[at] > at;
}

static int is_wrapping(int c)
{
	return c == ' ' || c == '(' || c == ')' || c == '"' || c == '*';
}

/* Whether a word that joins the last item to a list stands ahead in the clause. */
static int joined_ahead(struct reading *r, size_t at)
{
	static const char *const joins[] = {"or", "nor", "and", NULL};
	struct points p = r->p;
	char word[32];
	size_t n;

	for (size_t i = at; i > 0 && !ends_clause(p.v[i - 1]); i -= n > 0 ? n : 1) {
		if (known(&r->joined, i) != UNKNOWN)
			return found(&r->joined, known(&r->joined, i) == YES);
		n = word_at(p, i, -1, word, sizeof word);
		if (n > 0 && is_one_of(word, joins))
			return found(&r->joined, 1);
	}
	return found(&r->joined, 0);
}

/* Whether a comma at `at` only parts the items of a list, so that what denies the first of them
 * denies them all: a choice stands at either side, and none was joined as the last of them (neither A
 * nor C, B), or else `or` and `nor` behind it. */
static int parts_items(struct reading *r, size_t at)
{
	static const char *const more[] = {"or", "nor", NULL};
	struct points p = r->p;
	char word[32];
	size_t i = at + 1;

	while (i < p.n && is_wrapping(p.v[i]))
		i++;
	if (!is_mention(r, i))
		return word_at(p, i, 1, word, sizeof word) > 0 && is_one_of(word, more);
	for (i = at; i > 0 && is_wrapping(p.v[i - 1]);)
		i--;
	return i > 0 && is_mention(r, i - 1) && !joined_ahead(r, i);
}

/* Where "no doubt", "without a doubt" and their like begin, which end at `at` and deny nothing; `at`
 * where there is none. */
static size_t without_doubt(struct points p, size_t at)
{
	static const char *const doubts[] = {"doubt", "question", NULL},
				 *const articles[] = {"a", "any", NULL},
				 *const none[] = {"no", "without", "beyond", NULL};
	char word[32];
	size_t i = at, n = word_at(p, i, -1, word, sizeof word);

	if (n == 0 || n + 1 > i || !is_one_of(word, doubts))
		return at;
	i -= n + 1;
	n = word_at(p, i, -1, word, sizeof word);
	if (n > 0 && n < i && is_one_of(word, articles)) {
		i -= n + 1;
		n = word_at(p, i, -1, word, sizeof word);
	}
	return n > 0 && is_one_of(word, none) ? i - n : at;
}

/* Two words that deny together: the second, and what may stand before it. */
static int denies_with(struct points p, size_t at, const char *word)
{
	static const struct {
		const char *second, *first[8];
	} pairs[] = {{"out", {"rule", "rules", "ruled", "ruling", "cross", "crossed", NULL}},
		     {"from", {"far", NULL}},
		     {"to", {"wrong", "incorrect", "false", "mistake", "opposed", NULL}},
		     {"likely", {"least", "less", NULL}},
		     {"plausible", {"least", "less", NULL}},
		     {"answer", {"wrong", "incorrect", "false", "bad", "worst", NULL}},
		     {"option", {"wrong", "incorrect", "false", "bad", "worst", NULL}},
		     {"choice", {"wrong", "incorrect", "false", "bad", "worst", NULL}},
		     {"one", {"wrong", "incorrect", "false", NULL}}};
	char before[32];

	for (size_t k = 0; at > 0 && k < sizeof pairs / sizeof *pairs; k++)
		if (strcmp(word, pairs[k].second) == 0)
			return word_at(p, at - 1, -1, before, sizeof before) > 0 &&
			       is_one_of(before, pairs[k].first);
	return 0;
}

/* Whether the label that a colon at `at` ends says that what follows is none: Wrong: B, the incorrect
 * option: B. */
static int is_label_of_wrong(struct points p, size_t at)
{
	static const char *const labels[] = {"wrong",	  "incorrect",	"rejected", "excluded",
					     "discarded", "eliminated", "not",	    NULL};
	char word[32];
	size_t n, i = at;

	while (i > 0 && is_wrapping(p.v[i - 1]))
		i--;
	n = word_at(p, i, -1, word, sizeof word);
	if (n == 0)
		return 0;
	if (denies_with(p, i - n, word))
		return 1;
	for (i -= n; i > 0 && is_wrapping(p.v[i - 1]);)
		i--;
	return is_one_of(word, labels) && (i == 0 || ends_clause(p.v[i - 1]) || p.v[i - 1] == ',');
}

/* Whether a clause denies what it names at its end: not B, neither A nor B, anything but B. */
static int denied_ahead(struct reading *r, size_t at)
{
	static const char *const denials[] = {"not",	  "no",	       "never",	   "neither",
					      "nor",	  "none",      "cannot",   "hardly",
					      "except",	  "excluding", "without",  "unlikely",
					      "than",	  "instead",   "unlike",   "reject",
					      "rejected", "eliminate", "discard",  "nobody",
					      "nicht",	  "kein",      "keine",	   "weder",
					      "niemals",  "pas",       "jamais",   "nunca",
					      "doubt",	  "doubtful",  "exclude",  "avoid",
					      "isnt",	  "dont",      "opposite", "worst",
					      "fail",	  "fails",     "failed",   "lacks",
					      "не",	  "ни",	       NULL},
				 /* Of these a comma is the end: Unlike A, B. */
		*const ahead_only[] = {"except",  "excluding", "without", "than",
				       "instead", "unlike",    "to",	  NULL};
	static const char *const whole[] = {"anything", "everything", "all",
					    "nothing",	"none",	      NULL};
	struct points p = r->p;
	struct walk *w = &r->ahead;
	char word[32], before[32];
	size_t listed = 0; /* a comma was passed */

	for (size_t i = at; i > 0;) {
		size_t n;
		int c = p.v[i - 1];

		if (known(w, 2 * i + listed) != UNKNOWN)
			return found(w, known(w, 2 * i + listed) == YES);
		n = word_at(p, i, -1, word, sizeof word);
		if (n == 0) {
			if (c == ':' || (c == '(' && is_label_of_wrong(p, i - 1)))
				return found(w, is_label_of_wrong(p, i - 1));
			if (ends_clause(c) || (c == ',' && !parts_items(r, i - 1)))
				return found(w, 0);
			if (c == 0x4e0d || c == 0x975e || c == 0x6ca1)
				return found(w, 1);
			listed |= c == ',';
			i--;
			continue;
		}
		if (without_doubt(p, i) < i) {
			i = without_doubt(p, i);
			continue;
		}
		i -= n;
		if (is_mention(r, i))
			continue;
		if (strcmp(word, "but") == 0)
			return found(w, i > 0 && word_at(p, i - 1, -1, before, sizeof before) > 0 &&
						is_one_of(before, whole));
		if (is_one_of(word, denials) || denies_with(p, i, word))
			return found(w, !(listed && is_one_of(word, ahead_only)));
	}
	return found(w, 0);
}

/* Whether the clause from each place on holds one of these in a script whose words are not parted. What
 * is 間違いない is beyond doubt. */
static void find_denials_in_script(struct reading *r)
{
	static const struct {
		size_t n;
		int v[2];
	} words[] = {{1, {0x4e0d}},	    {1, {0x9519}},	   {2, {0x306a, 0x3044}},
		     {2, {0x307e, 0x305b}}, {2, {0x8aa4, 0x308a}}, {2, {0xc544, 0xb2c8}},
		     {2, {0xc544, 0xb2d9}}, {2, {0xc544, 0xb2cc}}, {1, {0xd2c0}}};
	static const int error[] = {0x9055, 0x3044}; /* of 間違い */
	struct points p = r->p;

	for (size_t i = p.n; i-- > 0;) {
		size_t left = p.n - i;

		if (letter_kind(p.v[i]) != UNCASED && p.v[i] != ' ')
			continue;
		r->script[i] = r->script[i + 1];
		for (size_t k = 0; k < sizeof words / sizeof *words; k++)
			if (words[k].n <= left &&
			    memcmp(p.v + i, words[k].v, words[k].n * sizeof *p.v) == 0)
				r->script[i] = 1;
		if (left >= 2 && memcmp(p.v + i, error, sizeof error) == 0)
			r->script[i] = 0;
	}
}

/* Whether a mark and a word behind it say that it is wrong: B: no, B -> wrong. */
static int is_marked_wrong(const struct reading *r, size_t at)
{
	static const char *const wrong[] = {"wrong", "incorrect", "false", "no",
					    "not",   "nope",	  NULL};
	struct points p = r->p;
	char word[32];
	size_t i = at, n;
	int mark = 0;

	for (; i < p.n && (p.v[i] == ' ' || p.v[i] == ':' || p.v[i] == '=' || p.v[i] == '-' ||
			   p.v[i] == '>' || p.v[i] == 0x2192 || p.v[i] == '*');
	     i++)
		mark |= p.v[i] != ' ' && p.v[i] != '*';
	n = word_at(p, i, 1, word, sizeof word);
	return mark && n > 0 && is_one_of(word, wrong) && !is_mention(r, i) &&
	       (i + n == p.n || ends_clause(p.v[i + n]) || p.v[i + n] == ',');
}

/* Whether what follows denies it: B is wrong, yes would be incorrect, B isn't right. */
static int denied_behind(struct reading *r, size_t at)
{
	static const char *const verbs[] = {"is",    "are", "was",   "were", "would", "be", "seems",
					    "looks", "can", "could", "does", "must",  "s",  "has",
					    "gets",  "get", "ist",   "est",  "es",    "é",  NULL},
				 *const fillers[] = {"clearly", "definitely", "also",  "obviously",
						     "just",	"simply",     "the",   "a",
						     "an",	"been",	      "ruled", "very",
						     "most",	"both",	      "all",   NULL},
				 *const faults[] = {"wrong",	   "incorrect",	 "false",
						    "excluded",	   "eliminated", "impossible",
						    "rejected",	   "out",	 "unlikely",
						    "worst",	   "worse",	 "fail",
						    "refuted",	   "doubtful",	 "invalid",
						    "nonsense",	   "least",	 "less",
						    "fails",	   "loses",	 "falsch",
						    "faux",	   "incorrecta", "incorrecto",
						    "falso",	   "errado",	 "неверно",
						    "неправильно", NULL},
				 *const denials[] = {"not", "never", "cannot", "hardly", NULL},
				 *const joins[] = {"and", "or", "nor", NULL},
				 *const nothing[] = {"none", "neither", "nothing", NULL};
	struct points p = r->p;
	struct walk *w = &r->behind;
	char word[32];
	size_t verb = 0, joined = 0; /* one was passed; the last word joins */

	if (is_marked_wrong(r, at))
		return 1;

	for (size_t i = at; i < p.n;) {
		size_t n, state = 4 * i + 2 * verb + joined;

		if (known(w, state) != UNKNOWN)
			return found(w, known(w, state) == YES);
		n = word_at(p, i, 1, word, sizeof word);
		if (n == 0) {
			if (r->script[i])
				return found(w, 1);
			if (ends_clause(p.v[i]) || p.v[i] == ',' || p.v[i] > 0x80)
				return found(w, 0);
			i++;
			continue;
		}
		/* In true/false the other is offered beside it; what joins them denies both. */
		if (!verb && is_mention(r, i)) {
			if (!joined)
				return found(w, 0);
			joined = 0;
			i += n;
			continue;
		}
		i += n;
		if (is_one_of(word, faults))
			return found(w, 1);
		/* A shortened one is a verb by itself: B isn't. */
		/* B or none. */
		if (joined && is_one_of(word, nothing))
			return found(w, 1);
		/* B is no answer; but B is no doubt right. */
		if (verb && strcmp(word, "no") == 0)
			return found(w, without_doubt(p, i + 6) != i - n &&
						without_doubt(p, i + 9) != i - n);
		if (is_one_of(word, denials))
			return found(w, verb || strcmp(word, "not") != 0);
		joined = !verb && is_one_of(word, joins);
		if (is_one_of(word, verbs))
			verb = 1;
		else if (!joined && !is_one_of(word, fillers))
			return found(w, 0);
	}
	return found(w, 0);
}

static int is_cross(int c)
{
	return c == 0x274c || c == 0x2717 || c == 0x2718 || c == 0x2716 || c == 0x274e ||
	       c == 0x2612 || c == 0x1f6ab || c == 0x26d4 || c == 0x1f44e;
}

/* Whether it is struck out, or a cross stands beside it and not beside another one. */
static int is_crossed(const struct reading *r, const struct mention *a)
{
	struct points p = r->p;
	size_t i = a->at, j = a->end;

	if (i > 1 && p.v[i - 1] == '~' && p.v[i - 2] == '~')
		return 1;
	/* As logic has it: not B. */
	if (i > 0 && (p.v[i - 1] == 0xac || p.v[i - 1] == 0x2260 ||
		      (p.v[i - 1] == '!' && (i == 1 || is_wrapping(p.v[i - 2])))))
		return 1;
	while (i > 0 && (is_wrapping(p.v[i - 1]) || p.v[i - 1] == 0xfe0f))
		i--;
	while (j < p.n && is_wrapping(p.v[j]))
		j++;
	if (i > 0 && is_cross(p.v[i - 1])) {
		for (i--; i > 0 && is_wrapping(p.v[i - 1]);)
			i--;
		if (i == 0 || !is_mention(r, i - 1))
			return 1;
	}
	if (j < p.n && is_cross(p.v[j])) {
		for (j++; j < p.n && (is_wrapping(p.v[j]) || p.v[j] == 0xfe0f);)
			j++;
		return !is_mention(r, j);
	}
	return 0;
}

/* Whether the answer no is said of a thing, and answers nothing: there is no problem, I have no
 * objection. */
static int is_of_a_thing(struct points p, const struct mention *a)
{
	static const char *const answers[] = {"because", "since", "as",	 "and",	 "but",	 "it",
					      "they",	 "he",	  "she", "this", "that", "the",
					      "i",	 "we",	  "you", "in",	 "for",	 "if",
					      "so",	 "not",	  "to",	 "or",	 "at",	 "from",
					      "with",	 NULL};
	char word[32], ahead[32];

	return a->end - a->at == 2 && p.v[a->at] == 'n' && p.v[a->at + 1] == 'o' && a->at > 0 &&
	       p.v[a->at - 1] == ' ' && word_at(p, a->at - 1, -1, ahead, sizeof ahead) > 0 &&
	       a->end < p.n && p.v[a->end] == ' ' &&
	       word_at(p, a->end + 1, 1, word, sizeof word) > 0 && !is_one_of(word, answers);
}

/* Whether it is the no of no doubt, no question. */
static int is_no_doubt(struct points p, const struct mention *a)
{
	return (a->end + 6 <= p.n && without_doubt(p, a->end + 6) == a->at) ||
	       (a->end + 9 <= p.n && without_doubt(p, a->end + 9) == a->at);
}

/* Whether the sentence that goes on at each place ends as a question. */
static void find_questions(struct reading *r)
{
	struct points p = r->p;

	for (size_t i = p.n; i-- > 0;) {
		/* Dots that trail off do not end it. */
		int dot = p.v[i] == '.' && !(i + 1 < p.n && p.v[i + 1] == '.') &&
			  !(i > 0 && p.v[i - 1] == '.');

		if (p.v[i] == '?')
			r->asked[i] = 1;
		else if (p.v[i] != '!' && p.v[i] != '\n' && p.v[i] != 0x3002 && !dot)
			r->asked[i] = r->asked[i + 1];
	}
}

/* All that is asked of a reading's text, once what it names is known. */
static void survey(struct reading *r)
{
	size_t n = r->p.n + 1;

	r->reach = mem_alloc(n, sizeof *r->reach);
	r->asked = mem_alloc(n, 9);
	r->script = r->asked + n;
	r->joined.known = r->script + n;
	r->ahead.known = r->joined.known + n;
	r->behind.known = r->ahead.known + 2 * n;
	for (size_t i = 0; i < r->m.n; i++)
		if (r->reach[r->m.v[i].at] < r->m.v[i].end)
			r->reach[r->m.v[i].at] = r->m.v[i].end;
	for (size_t i = 1; i < n; i++)
		if (r->reach[i] < r->reach[i - 1])
			r->reach[i] = r->reach[i - 1];
	find_questions(r);
	find_denials_in_script(r);
}

static void reading_release(struct reading *r)
{
	free(r->p.v);
	free(r->m.v);
	free(r->reach);
	free(r->asked);
	free(r->ahead.path);
	free(r->behind.path);
	free(r->joined.path);
}

/* The choice that is the whole text, as fold makes it; -1 for none or several. */
static int is_whole(char *const *choices, size_t n, struct span text,
		    int (*fold)(struct span, struct buf *))
{
	struct buf own = BUF_INIT, theirs = BUF_INIT;
	int found = -1;

	if (fold(text, &own) == 0 && own.len > 0)
		for (size_t i = 0; i < n; i++) {
			buf_clear(&theirs);
			if (fold(span_of(choices[i]), &theirs) == 0 &&
			    span_eq(buf_span(&own), buf_span(&theirs)))
				found = found == -1 ? (int)i : -2;
		}
	buf_release(&own);
	buf_release(&theirs);
	return found < 0 ? -1 : found;
}

/* Whether a text has a mark that changes what a word is or says: C#, B?, -3, 1.5, ~~B~~. */
static int says_more(struct span text)
{
	struct points p = points_of(text, 0);
	int more = 0;

	for (size_t i = 0; i < p.n && !more; i++) {
		int c = p.v[i];

		more = (c < 0x80 && strchr("#+?~-/", c)) || (c == '!' && i == 0) || c == 0xac ||
		       c == 0x2260 || c == 0x2212 || is_cross(c) ||
		       ((c == '.' || c == ',') && i + 1 < p.n && is_digit(p.v[i + 1]));
	}
	free(p.v);
	return more;
}

/* York in New York: whether it stands within something longer that is named. */
static int is_inside(const struct reading *r, const struct mention *a)
{
	return r->reach[a->at] > a->end || (a->at > 0 && r->reach[a->at - 1] >= a->end);
}

/* The one that is affirmed and nowhere denied, where no other is affirmed. */
static int affirmed(struct reading readings[2])
{
	int one = -1;

	for (int kind = 0; kind < 2; kind++) {
		struct reading *r = readings + kind;

		if (r->m.n)
			survey(r);
		for (size_t i = 0; i < r->m.n; i++) {
			struct mention *a = r->m.v + i;

			if (is_inside(r, a) || is_no_doubt(r->p, a) || is_of_a_thing(r->p, a)) {
				a->asked = 1;
				continue;
			}
			a->denied = denied_ahead(r, a->at) || denied_behind(r, a->end) ||
				    is_crossed(r, a);
			a->asked = r->asked[a->end];
			if (a->denied || a->asked)
				continue;
			if (one >= 0 && one != (int)a->choice)
				return -1;
			one = (int)a->choice;
		}
	}
	for (int kind = 0; kind < 2; kind++)
		for (size_t i = 0; i < readings[kind].m.n; i++)
			if (readings[kind].m.v[i].denied &&
			    (int)readings[kind].m.v[i].choice == one)
				return -1;
	return one;
}

int choice_find(char *const *choices, size_t n, struct span text)
{
	struct reading readings[2] = {0}, *words = readings, *letters = readings + 1;
	int one = is_whole(choices, n, text, fold_case);

	if (one < 0 && !says_more(text))
		one = is_whole(choices, n, text, fold_text);
	if (one >= 0)
		return one;
	for (size_t i = 0; i < n; i++) {
		struct points word = points_of(span_of(choices[i]), 0);

		if (word.n == 1 && letter_kind(word.v[0]) == CASED) {
			if (!letters->p.v)
				letters->p = points_of(text, 0);
			find_mentions(letters->p, word, i, 1, &letters->m);
			if (word.v[0] >= 'a' && word.v[0] <= 'z') {
				word.v[0] -= 32;
				find_mentions(letters->p, word, i, 1, &letters->m);
			}
		} else {
			free(word.v);
			word = points_of(span_of(choices[i]), 1);
			if (!words->p.v)
				words->p = points_of(text, 1);
			find_mentions(words->p, word, i, 0, &words->m);
		}
		free(word.v);
	}
	one = affirmed(readings);
	reading_release(words);
	reading_release(letters);
	return one;
}
