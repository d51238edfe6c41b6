/* What a judge's running text says of the verdict without giving one. See verdict.h. */
#include <ctype.h>
#include <string.h>
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

/* Whether a sentence says of what is judged that it is wrong or failed, and takes nothing back: "The
 * answer is wrong.", "It fails on the date." */
static int faults(struct span text)
{
	static const char *const
		what[] = {"answer", "response", "candidate", "it", "this", NULL},
		*const is[] = {"is", "was", NULL},
		*const bad[] = {"wrong", "incorrect", "false", "inaccurate", NULL},
		*const fails[] = {"fails", "failed", NULL}, *const articles[] = {"the", NULL},
		*const softened[] = {"would", "could",	  "might", "may",    "if",
				     "but",   "though",	  "not",   "never",  "no",
				     "nor",   "although", "only",  "hardly", "once",
				     "until", "nothing",  "or",	   NULL};

	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && !strchr(".!?;\n", text.s[n]))
			n++;
		struct span s = verdict_trim((struct span){text.s, n}), word = verdict_letters(s);

		if (verdict_has_word(word, articles)) {
			s = verdict_behind(s, word.n);
			word = verdict_letters(s);
		}
		if (word.n > 0 && verdict_has_word(word, what)) {
			struct span then = verdict_behind(s, word.n), verb = verdict_letters(then),
				    rest = verdict_behind(then, verb.n);
			int said = verdict_has_word(verb, fails) ||
				   (verdict_has_word(verb, is) &&
				    verdict_has_word(verdict_letters(rest), bad));

			if (said && !verdict_has_word(rest, softened) &&
			    !(n < text.n && text.s[n] == '?'))
				return 1;
		}
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
