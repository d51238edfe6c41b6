/* What a judge's running text says of the verdict without giving one. See verdict.h. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "verdict_impl.h"

/* Whether running text speaks of FAIL, in capitals, neither quoted nor as one of two nor as what
 * would be. */
static int names_fail(struct span text)
{
	static const char *const supposed[] = {"would", "could",   "might",   "may",
					       "if",	"whether", "unless",  "rules",
					       "rule",	"says",	   "demands", NULL};
	const char *at = text.s;

	while ((at = memmem(at, (size_t)(text.s + text.n - at), "FAIL", 4))) {
		struct span ahead = {text.s, (size_t)(at - text.s)},
			    then = {at + 4, (size_t)(text.s + text.n - at) - 4},
			    word = verdict_letters(then);
		size_t from = ahead.n;

		at += 4;
		if ((ahead.n > 0 && (isalnum((unsigned char)ahead.s[ahead.n - 1]) ||
				     strchr("\"'`/", ahead.s[ahead.n - 1]))) ||
		    (word.n > 0 && !verdict_is_word(word, "ED") && !verdict_is_word(word, "S")) ||
		    (then.n > 0 && strchr("\"'`/", *then.s)))
			continue;
		while (from > 0 && !strchr(".!?\n", ahead.s[from - 1]))
			from--;
		ahead = verdict_trim((struct span){ahead.s + from, ahead.n - from});
		then = verdict_trim(then);
		if ((ahead.n > 3 &&
		     verdict_is_word((struct span){ahead.s + ahead.n - 3, 3}, " or")) ||
		    verdict_starts_with(then, "or ") || verdict_has_word(ahead, supposed))
			continue;
		return 1;
	}
	return 0;
}

/* Whether running text says that what was asked for is not met: "fails the criterion", "does not
 * meet all requirements". "It never fails the check" and "if it fails ..." say no such thing. */
static int says_not_met(struct span text)
{
	static const char *const verbs[] = {"meet",   "meets",	 "satisfy", "satisfies",
					    "fulfil", "fulfill", "fulfils", "fulfills",
					    "pass",   "passes",	 NULL};
	static const char *const contrary[] = {"fails",	   "failed", "misses", "missed", "violates",
					       "violated", "breaks", "lacks",  NULL};
	static const char *const asked[] = {"criterion", "criteria", "requirement", "requirements",
					    "rubric",	 "standard", "standards",   "test",
					    "check",	 NULL};
	static const char *const supposed[] = {"would",	  "could",  "might", "may",   "if",
					       "whether", "unless", "when",  "where", NULL};
	static const char *const negations[] = {"not",	  "never", "neither", "cannot",
						"hardly", "no",	   NULL};

	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && !strchr(".!?;\n", text.s[n]))
			n++;
		struct span sentence = {text.s, n}, ahead = {text.s, 0};

		for (; ahead.n < sentence.n; ahead.n++) {
			struct span then = {sentence.s + ahead.n, sentence.n - ahead.n},
				    verb = verdict_letters(then);
			int failing = verdict_has_word(verb, contrary);

			if (verb.n == 0 ||
			    (ahead.n > 0 && isalpha((unsigned char)ahead.s[ahead.n - 1])) ||
			    (!failing && !verdict_has_word(verb, verbs)))
				continue;
			then = verdict_behind(then, verb.n);
			then.n = then.n < 40 ? then.n : 40;
			if (verdict_has_word(then, asked) && !verdict_has_word(ahead, supposed) &&
			    verdict_has_word(ahead, negations) != failing)
				return 1;
		}
		n += n < text.n;
		text.s += n;
		text.n -= n;
	}
	return 0;
}

/* Whether running text rejects what is judged: "I am rejecting this answer", "the verdict has to be
 * negative", "it does not qualify". */
static int rejects(struct span text)
{
	static const char *const verbs[] = {"reject", "rejecting", "rejected", NULL},
				 *const what[] = {"answer", "response", "this", "it", NULL},
				 *const outcomes[] = {"verdict",  "judgment", "judgement",
						      "decision", "outcome",  NULL},
				 *const bad[] = {"negative", "unfavourable", "unfavorable", NULL},
				 *const qualify[] = {"qualify", NULL},
				 *const not [] = {"not", "never", "cannot", "no", NULL},
				 *const unless[] = {"would", "could",	"might",  "may",
						    "if",    "whether", "unless", "not",
						    "never", "no",	"cannot", NULL};

	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && !strchr(".!?;\n", text.s[n]))
			n++;
		struct span s = {text.s, n};
		int said = (verdict_has_word(s, verbs) && verdict_has_word(s, what)) ||
			   (verdict_has_word(s, outcomes) && verdict_has_word(s, bad));

		if ((said && !verdict_has_word(s, unless)) ||
		    (verdict_has_word(s, qualify) && verdict_has_word(s, not )))
			return 1;
		n += n < text.n;
		text.s += n;
		text.n -= n;
	}
	return 0;
}

/* The words of a sentence in small letters, n't apart as not. */
enum { WORDS_MAX = 32, WORD_MAX = 20 };
struct sentence {
	char v[WORDS_MAX][WORD_MAX];
	size_t n;
};

static void add_word(struct sentence *s, const char *word, size_t len)
{
	if (s->n == WORDS_MAX || len == 0)
		return;
	len = len < WORD_MAX ? len : WORD_MAX - 1;
	for (size_t i = 0; i < len; i++)
		s->v[s->n][i] = (char)tolower((unsigned char)word[i]);
	s->v[s->n++][len] = 0;
}

static void sentence_of(struct span text, struct sentence *s)
{
	s->n = 0;
	for (size_t i = 0; i < text.n; i++) {
		size_t n = 0;

		while (i + n < text.n &&
		       (isalpha((unsigned char)text.s[i + n]) || text.s[i + n] == '\''))
			n++;
		if (n == 6 && strncasecmp(text.s + i, "cannot", 6) == 0) {
			add_word(s, "can", 3);
			add_word(s, "not", 3);
		} else if (n > 3 && strncasecmp(text.s + i + n - 3, "n't", 3) == 0) {
			add_word(s, text.s + i, n - 3);
			add_word(s, "not", 3);
		} else {
			add_word(s, text.s + i, n);
		}
		i += n;
	}
}

static int is_in(const char *word, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (strcmp(word, words[i]) == 0)
			return 1;
	return 0;
}

/* Whether a word of the sentence, from i on, is one of words. */
static int has_any(const struct sentence *s, size_t i, const char *const *words)
{
	for (; i < s->n; i++)
		if (is_in(s->v[i], words))
			return 1;
	return 0;
}

/* I would fail this, I cannot pass it; i is behind the I. */
static int judge_fails(const struct sentence *s, size_t i)
{
	static const char *const wills[] = {"would", "must", "will", "have", "to", "can", NULL},
				 *const softened[] = {"if", "but", "unless", NULL};
	int denied = 0;

	if (has_any(s, i, softened))
		return 0;
	for (; i < s->n && (is_in(s->v[i], wills) || strcmp(s->v[i], "not") == 0); i++)
		denied |= strcmp(s->v[i], "not") == 0;
	return i < s->n && strcmp(s->v[i], denied ? "pass" : "fail") == 0;
}

/* Whether a sentence says of what is judged that it is wrong or failed, and takes nothing back: "The
 * answer is wrong.", "Thus it fails.", "The criterion isn't met.", "Rejected." */
static int sentence_faults(const struct sentence *s)
{
	static const char *const
		leads[] = {"so",      "thus",	 "therefore",	  "hence", "overall",
			   "finally", "clearly", "unfortunately", "sadly", "and",
			   "the",     "this",	 "candidate",	  NULL},
		*const what[] = {"answer",	 "response",  "it",	  "reply",
				 "output",	 "criterion", "criteria", "requirement",
				 "requirements", "none",      NULL},
		*const verbs[] = {"is", "was", "are",	 "were", "has",	 "have", "does", "did",
				  "do", "can", "should", "been", "must", "be",	 NULL},
		*const bad[] = {"wrong",	"incorrect",	"false",
				"inaccurate",	"unacceptable", "inadequate",
				"insufficient", "rejected",	NULL},
		*const good[] = {"correct",   "right",	   "accurate", "acceptable", "met",
				 "satisfied", "fulfilled", "pass",     "adequate",   NULL},
		*const fails[] = {"fails", "failed", NULL},
		*const softened[] = {"would", "could",	 "might",  "may",      "if",
				     "but",   "though",	 "never",  "no",       "nor",
				     "only",  "hardly",	 "once",   "although", "until",
				     "or",    "nothing", "unless", NULL};
	size_t i = 0;
	int denied, subject = 0;

	if (s->n == 1)
		return is_in(s->v[0], bad);
	if (strcmp(s->n > 0 ? s->v[0] : "", "i") == 0)
		return judge_fails(s, 1);
	if (has_any(s, 0, softened))
		return 0;
	for (; i < s->n && is_in(s->v[i], leads); i++)
		subject |= strcmp(s->v[i], "this") == 0 || strcmp(s->v[i], "candidate") == 0;
	denied = i < s->n && strcmp(s->v[i], "none") == 0;
	if (denied)
		return has_any(s, i, good);
	if (i < s->n && is_in(s->v[i], what))
		subject = 1, i++;
	if (!subject || i >= s->n)
		return 0;
	if (is_in(s->v[i], fails))
		return strcmp(i + 1 < s->n ? s->v[i + 1] : "", "not") != 0;
	if (!is_in(s->v[i], verbs))
		return 0;
	for (; i < s->n; i++) {
		size_t len = strlen(s->v[i]);

		if (strcmp(s->v[i], "not") == 0)
			denied = 1;
		else if (!is_in(s->v[i], verbs) && strcmp(s->v[i], "a") != 0 &&
			 !(len > 4 && strcmp(s->v[i] + len - 2, "ly") == 0))
			break;
	}
	return i < s->n && (denied ? is_in(s->v[i], good)
				   : is_in(s->v[i], bad) || strncmp(s->v[i], "fail", 4) == 0);
}

static int faults(struct span text)
{
	struct sentence s;

	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && !strchr(".!?;\n", text.s[n]))
			n++;
		sentence_of((struct span){text.s, n}, &s);
		if (!(n < text.n && text.s[n] == '?') && sentence_faults(&s))
			return 1;
		n += n < text.n;
		text.s += n;
		text.n -= n;
	}
	return 0;
}

int verdict_says_why(struct span then)
{
	static const char *const other[] = {"pass",  "passes", "passed", "no",	"not",	  "never",
					    "wait",  "but",    "or",	 "if",	"unless", "would",
					    "maybe", "except", "almost", "was", NULL};

	then = verdict_trim(then);
	return then.n > 2 && strchr("(:-,", *then.s) && then.s[1] != '>' &&
	       !memchr(then.s, '?', then.n) && !memchr(then.s, 1, then.n) &&
	       !verdict_has_word(then, other);
}

int verdict_speaks_of_fail(struct span text)
{
	return names_fail(text) || says_not_met(text) || rejects(text) || faults(text);
}
