/* check: the table of kinds, their arguments and their scores. See check.h. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "../json/schema.h"
#include "../text/fold.h"
#include "choice.h"
#include "number.h"
#include "same.h"
#include "similar.h"

/* arg: what follows the name, in [] where it may be left out. needs: the output as text; a reference
 * (unless an argument stands for it). */
static const struct kind {
	const char *name, *arg;
	enum check_kind kind;
	int needs_output, needs_reference;
	const char *help;
} kinds[] = {
	{"exact", "[:TEXT]", CHECK_EXACT, 1, 1, "the output is the reference, byte for byte"},
	{"iexact", "[:TEXT]", CHECK_IEXACT, 1, 1, "the same without regard to case"},
	{"normalized", "[:TEXT]", CHECK_NORMALIZED, 1, 1,
	 "the same without case, punctuation, white space, width"},
	{"includes", "[:TEXT]", CHECK_INCLUDES, 1, 1, "the reference occurs in the output"},
	{"starts", "[:TEXT]", CHECK_STARTS, 1, 1, "the output starts with the reference"},
	{"regex", ":PATTERN", CHECK_REGEX, 1, 0,
	 "the pattern (PCRE2) matches somewhere in the output"},
	{"numeric", "[:TOLERANCE]", CHECK_NUMERIC, 1, 1,
	 "the last amount in both is equal, within 0.01 or 1%"},
	{"choice", "[:A,B,...]", CHECK_CHOICE, 1, 1,
	 "the same one of the choices (A to E) is named"},
	{"json", "[:JSON]", CHECK_JSON, 1, 1, "equal as JSON values"},
	{"json-fields", "[:FIELD[~TOL],...]", CHECK_JSON_FIELDS, 1, 1,
	 "share of JSON fields that agree"},
	{"json-valid", "", CHECK_JSON_VALID, 1, 0, "the output is one JSON value"},
	{"finish", "[:REASON]", CHECK_FINISH, 0, 0, "finish_reason is `stop` or this"},
	{"words", ":LO-HI", CHECK_WORDS, 1, 0, "so many words"},
	{"latency", ":S", CHECK_LATENCY, 0, 0, "answered within so many seconds"},
	{"cost", ":USD", CHECK_COST, 0, 0, "cost at most so many dollars"},
	{"judge", "[:CRITERION]", CHECK_JUDGE, 0, 0, "the judge's verdict"},
	{"schema", ":FILE", CHECK_SCHEMA, 1, 0, "the output is JSON that matches the JSON Schema"},
	{"tool-calls", "", CHECK_TOOL_CALLS, 0, 0, "the same tools are called, in any order"},
	{"levenshtein", "[:TEXT]", CHECK_LEVENSHTEIN, 1, 1,
	 "1 less the edit distance by the longer text"},
	{"f1", "[:TEXT]", CHECK_F1, 1, 1, "word overlap as in SQuAD"},
	{"rouge-1", "[:TEXT]", CHECK_ROUGE_1, 1, 1, "words in common (ROUGE-1 F)"},
	{"rouge-2", "[:TEXT]", CHECK_ROUGE_2, 1, 1, "word pairs in common (ROUGE-2 F)"},
	{"rouge-l", "[:TEXT]", CHECK_ROUGE_L, 1, 1,
	 "longest common subsequence of words (ROUGE-L F)"},
	{"bleu", "[:TEXT]", CHECK_BLEU, 1, 1, "sentence BLEU as in sacreBLEU"},
	{"chrf", "[:TEXT]", CHECK_CHRF, 1, 1, "chrF2 as in sacreBLEU"},
	{"cmd", ":COMMAND", CHECK_CMD, 0, 0, "the shell command, given the record, ends with 0"},
	{"jq", ":EXPR", CHECK_JQ, 0, 0, "the jq expression is true, or a score"},
};

#define KINDS (sizeof kinds / sizeof *kinds)

static const struct kind *kind_of(const struct check *c)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].kind == c->kind)
			return kinds + i;
	return NULL;
}

void check_help(struct buf *to)
{
	for (size_t i = 0; i < KINDS; i++)
		buf_addf(to, "%s%s%*s%s\n", kinds[i].name, kinds[i].arg,
			 (int)(31 - strlen(kinds[i].name) - strlen(kinds[i].arg)), "",
			 kinds[i].help);
	buf_adds(to, "not-CHECK                      the opposite");
}

void check_names(struct buf *to)
{
	for (size_t i = 0; i < KINDS; i++)
		buf_addf(to, "%s%s", i ? "|" : "", kinds[i].name);
}

/* "a,b,c" into a list of copies, white space at the ends of each taken off. */
static void split_list(const char *s, struct check *c)
{
	size_t cap = 0;

	while (*s) {
		size_t n = strcspn(s, ","), from = 0, to = n;

		while (from < to && s[from] == ' ')
			from++;
		while (to > from && s[to - 1] == ' ')
			to--;
		if (to > from) {
			c->list = mem_grow(c->list, &cap, c->n_list + 1, sizeof *c->list);
			c->list[c->n_list++] = mem_strndup(s + from, to - from);
		}
		s += n + (s[n] == ',');
	}
}

static int read_number(const char *s, char **end, double *x)
{
	*x = strtod(s, end);
	return *end != s && isfinite(*x) && *x >= 0 ? 0 : -1;
}

static int compile_regex(struct check *c, struct err *e)
{
	PCRE2_SIZE at;
	int code;

	c->regex = pcre2_compile((PCRE2_SPTR)c->arg, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP,
				 &code, &at, NULL);
	if (!c->regex) {
		PCRE2_UCHAR reason[128];

		pcre2_get_error_message(code, reason, sizeof reason);
		return err_set(e, "regex: %s at character %zu of '%s'", (char *)reason, (size_t)at,
			       c->arg);
	}
	pcre2_jit_compile(c->regex, PCRE2_JIT_COMPLETE);
	return 0;
}

static int parse_arg(struct check *c, struct err *e)
{
	char *end = NULL;

	switch (c->kind) {
	case CHECK_REGEX:
		return compile_regex(c, e);
	case CHECK_SCHEMA:
		c->schema = schema_read(c->arg, e);
		return c->schema ? 0 : -1;
	case CHECK_NUMERIC:
		if (c->arg && tolerance_parse(c->arg, &c->tolerance))
			return err_set(e,
				       "numeric: the tolerance must be a number or a percentage, not '%s'",
				       c->arg);
		return 0;
	case CHECK_CHOICE:
		split_list(c->arg ? c->arg : "A,B,C,D,E", c);
		if (c->n_list < 2)
			return err_set(e, "choice: at least two choices are needed, not '%s'",
				       c->arg);
		return 0;
	case CHECK_JSON_FIELDS:
		return field_rules_parse(c->arg, &c->fields, e);
	case CHECK_WORDS:
		if (read_number(c->arg, &end, &c->lo) || *end != '-' ||
		    read_number(end + 1, &end, &c->hi) || *end || c->lo > c->hi)
			return err_set(e, "words: the range must be LO-HI, not '%s'", c->arg);
		return 0;
	case CHECK_LATENCY:
	case CHECK_COST:
		if (read_number(c->arg, &end, &c->hi) || *end)
			return err_set(e, "%s: '%s' is no number", kind_of(c)->name, c->arg);
		return 0;
	default:
		return 0;
	}
}

static int is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_' ||
		      s[i] == '-'))
			return 0;
	return n > 0;
}

int check_parse(const char *spec, struct check *c, struct err *e)
{
	const char *rest = spec, *colon;
	size_t n = strcspn(spec, "=:");
	const struct kind *k = NULL;

	memset(c, 0, sizeof *c);
	c->weight = 1;
	if (spec[n] == '=') {
		if (!is_name(spec, n))
			return err_set(e, "check '%s': a name is made of a-z, 0-9, _ and -", spec);
		c->name = mem_strndup(spec, n);
		rest = spec + n + 1;
	}
	if (!c->name)
		c->name = mem_strndup(rest, strcspn(rest, ":"));
	if (strncmp(rest, "not-", 4) == 0) {
		c->negate = 1;
		rest += 4;
	}
	n = strcspn(rest, ":");
	colon = rest[n] == ':' ? rest + n + 1 : NULL;
	for (size_t i = 0; i < KINDS; i++)
		if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, rest, n) == 0)
			k = kinds + i;
	if (!k) {
		err_set(e, "no check is called '%.*s'; there are: ", (int)n, rest);
		for (size_t i = 0; e && i < KINDS; i++) {
			size_t at = strlen(e->msg);

			snprintf(e->msg + at, sizeof e->msg - at, "%s%s", i > 0 ? ", " : "",
				 kinds[i].name);
		}
		check_release(c);
		return -1;
	}
	c->kind = k->kind;
	if (colon)
		c->arg = mem_strdup(colon);
	if (*k->arg == ':' && !(c->arg && *c->arg))
		err_set(e, "check %s needs an argument: %s%s, %s", k->name, k->name, k->arg,
			k->help);
	else if (!*k->arg && c->arg)
		err_set(e, "check %s takes no argument", k->name);
	else if (parse_arg(c, e) == 0)
		return 0;
	check_release(c);
	return -1;
}

void check_release(struct check *c)
{
	free(c->name);
	free(c->arg);
	pcre2_code_free(c->regex);
	for (size_t i = 0; i < c->n_list; i++)
		free(c->list[i]);
	free(c->list);
	field_rules_release(&c->fields);
	schema_free(c->schema);
	memset(c, 0, sizeof *c);
}

void check_release_all(struct check *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_release(all + i);
	free(all);
}

int check_parse_all(const char *const *specs, size_t n, struct check **checks, struct err *e)
{
	struct check *v = *checks = mem_alloc(n, sizeof *v);

	for (size_t i = 0; i < n; i++) {
		if (check_parse(specs[i], v + i, e))
			return -1;
		for (size_t j = 0; j < i; j++)
			if (strcmp(v[i].name, v[j].name) == 0)
				return err_set(e,
					       "two checks are called %s; name one of them: -c NAME=%s",
					       v[i].name, specs[i]);
	}
	return 0;
}

int check_weigh(struct check *checks, size_t n, const char *spec, struct err *e)
{
	const char *eq = strchr(spec, '=');
	char *end = NULL;
	double w = eq ? strtod(eq + 1, &end) : NAN;

	if (!eq || end == eq + 1 || *end || !(w >= 0) || isinf(w))
		return err_set(e, "--weight %s: write NAME=WEIGHT, the weight a number from 0",
			       spec);
	for (size_t i = 0; i < n; i++)
		if (strcmp(checks[i].name, "score") == 0)
			return err_set(e,
				       "`score` is the weighted mean; give that check another name");
	for (size_t i = 0; i < n; i++)
		if (span_is((struct span){spec, (size_t)(eq - spec)}, checks[i].name)) {
			checks[i].weight = w;
			return 0;
		}
	return err_set(e, "--weight %s: there is no such check", spec);
}

double check_total(const struct check *checks, size_t n, const struct row *a)
{
	double sum = 0, weights = 0;

	for (size_t i = 0; i < n; i++) {
		if (checks[i].weight == 0)
			continue;
		sum += checks[i].weight * a->scores[i];
		weights += checks[i].weight;
	}
	return weights > 0 ? sum / weights : NAN;
}

int check_write_scores(const struct check *checks, size_t n, int with_total, const struct row *a,
		       struct buf *line)
{
	struct buf value = BUF_INIT;
	struct edit edit = {.name = "eval"};
	struct jw w;
	int rc;

	jw_init(&w, &value);
	jw_object(&w);
	for (size_t c = 0; c < n; c++)
		jw_put_num(&w, checks[c].name, a->scores[c]);
	if (with_total) {
		jw_put_num(&w, "score", check_total(checks, n, a));
	}
	jw_end(&w);
	edit.value = buf_span(&value);
	rc = record_splice(&a->rec, &edit, 1, line);
	buf_release(&value);
	return rc;
}

int check_is_local(const struct check *c)
{
	return c->kind != CHECK_JQ && c->kind != CHECK_CMD;
}

double check_finish(const struct check *c, double raw)
{
	return c->negate ? 1 - raw : raw;
}

static int contains(struct span hay, struct span needle)
{
	return needle.n == 0 ||
	       (needle.n <= hay.n && memmem(hay.s, hay.n, needle.s, needle.n) != NULL);
}

/* Patterns such as (.|\n)* keep a place to come back to for each character: compiled ones in a stack
 * of 32 KB unless they are given a larger one. */
enum { JIT_STACK = 32 << 10, JIT_STACK_MAX = 16 << 20 };

static int match_with_room(const struct check *c, struct span s, pcre2_match_data *m)
{
	pcre2_match_context *context = mem_or_end(pcre2_match_context_create(NULL));
	pcre2_jit_stack *stack = mem_or_end(pcre2_jit_stack_create(JIT_STACK, JIT_STACK_MAX, NULL));
	int got;

	pcre2_jit_stack_assign(context, NULL, stack);
	got = pcre2_match(c->regex, (PCRE2_SPTR)s.s, s.n, 0, PCRE2_NO_UTF_CHECK, m, context);
	pcre2_jit_stack_free(stack);
	pcre2_match_context_free(context);
	return got;
}

static int matches(const struct check *c, struct span s, const char **why)
{
	pcre2_match_data *m = mem_or_end(pcre2_match_data_create(1, NULL));
	int got = pcre2_match(c->regex, (PCRE2_SPTR)s.s, s.n, 0, PCRE2_NO_UTF_CHECK, m, NULL);

	if (got == PCRE2_ERROR_JIT_STACKLIMIT)
		got = match_with_room(c, s, m);
	pcre2_match_data_free(m);
	if (got < 0 && got != PCRE2_ERROR_NOMATCH)
		*why = "the regular expression gave up (too much backtracking)";
	return got >= 0;
}

static int folded_equal(struct row *a, struct span x, struct span y,
			int (*fold)(struct span, struct buf *))
{
	buf_clear(&a->scratch[0]);
	buf_clear(&a->scratch[1]);
	return fold(x, &a->scratch[0]) == 0 && fold(y, &a->scratch[1]) == 0 &&
	       span_eq(buf_span(&a->scratch[0]), buf_span(&a->scratch[1]));
}

static double words(struct span s)
{
	size_t n = 0;
	int c, inside = 0;

	while ((c = fold_next(&s)) >= 0) {
		n += !inside && !fold_is_space(c);
		inside = !fold_is_space(c);
	}
	return (double)n;
}

static const char unclear[] = "no choice is named for certain",
		  as_json[] = "not the reference's bytes, but equal as JSON";

static const char too_long[] = "output and reference are too long to be compared in 2e9 steps";

static double against(const struct check *c, struct row *a, struct span ref, const char **why)
{
	struct span out = a->output, x, y;
	struct number m = {0}, n = {0};
	double score = NAN;
	int i;

	switch (c->kind) {
	case CHECK_EXACT:
		if (span_eq(out, ref))
			return 1;
		if (same_json(out, ref))
			*why = as_json;
		return 0;
	case CHECK_IEXACT:
		return folded_equal(a, out, ref, fold_case);
	case CHECK_NORMALIZED:
		return folded_equal(a, out, ref, fold_text);
	case CHECK_INCLUDES:
		return contains(out, ref);
	case CHECK_STARTS:
		return out.n >= ref.n && contains((struct span){out.s, ref.n}, ref);
	case CHECK_NUMERIC:
		if (!number_last(ref, &n))
			*why = "the reference holds no number";
		else
			score = number_last(out, &m) && number_near(&n, &m, &c->tolerance);
		number_release(&m);
		number_release(&n);
		return score;
	case CHECK_CHOICE:
		i = choice_find(c->list, c->n_list, ref);
		if (i < 0) {
			if (*why != unclear)
				*why = "the reference is none of the choices";
			return NAN;
		}
		score = choice_find(c->list, c->n_list, out);
		if (score < 0)
			*why = unclear;
		return score == i;
	case CHECK_JSON:
		if (json_check(ref, &y, NULL)) {
			*why = "the reference is no JSON";
			return NAN;
		}
		return json_check(out, &x, NULL) == 0 && json_equal(x, y);
	case CHECK_LEVENSHTEIN:
	case CHECK_ROUGE_L:
		score = c->kind == CHECK_LEVENSHTEIN ? similar_levenshtein(out, ref)
						     : similar_rouge_l(out, ref);
		if (isnan(score))
			*why = too_long;
		return score;
	case CHECK_F1:
		return similar_f1(out, ref);
	case CHECK_ROUGE_1:
		return similar_rouge_n(out, ref, 1);
	case CHECK_ROUGE_2:
		return similar_rouge_n(out, ref, 2);
	case CHECK_BLEU:
		return similar_bleu(out, ref);
	case CHECK_CHRF:
		return similar_chrf(out, ref);
	default:
		return NAN;
	}
}

static double best_fields(const struct check *c, struct row *a, struct field_verdicts *best,
			  const char **why)
{
	struct field_verdicts v = {0};
	double score = NAN;

	*why = "the reference is no JSON object";
	for (size_t i = 0; i < a->n_refs; i++) {
		double s = fields_compare(a->refs[i], a->output, &c->fields, &v);

		if (s >= 0 && !(s <= score)) {
			struct field_verdicts swap = *best;

			score = s;
			*best = v;
			v = swap;
			*why = NULL;
		}
	}
	field_verdicts_release(&v);
	return score;
}

int check_fields(const struct check *c, struct row *a, struct field_verdicts *v)
{
	const char *why;

	return !isnan(best_fields(c, a, v, &why));
}

/* Of the criterion arg where there is one. */
static double judged(const struct check *c, struct row *a, const char **why)
{
	struct span j = record_get(&a->rec, "judge"), pass, scale;
	double score, lo = 0, hi = 1;

	if (c->arg)
		j = json_member(json_member(j, "criteria"), c->arg);
	*why = "no judge's verdict";
	if (json_kind(j) != JSON_OBJECT)
		return NAN;
	if (json_member(j, "error").s && json_kind(json_member(j, "error")) != JSON_NULL) {
		*why = "the judge failed";
		return NAN;
	}
	pass = json_member(j, "pass");
	if (json_kind(pass) == JSON_TRUE || json_kind(pass) == JSON_FALSE)
		return json_kind(pass) == JSON_TRUE;
	if (json_number(json_member(j, "score"), &score))
		return NAN;
	scale = json_member(j, "scale");
	if (json_kind(scale) == JSON_ARRAY)
		(void)(json_number(json_element(scale, 0), &lo) +
		       json_number(json_element(scale, 1), &hi));
	*why = "the judge's score is outside its scale";
	if (!(score >= lo && score <= hi) || !(lo < hi))
		return NAN;
	return (score - lo) / (hi - lo);
}

static double measured(struct row *a, const char *name, double most, const char **why)
{
	double x;

	if (json_number(record_get(&a->rec, name), &x) || isnan(x)) {
		*why = name[0] == 'l' ? "no latency" : "cost unknown";
		return NAN;
	}
	return x <= most;
}

static double raw_score(const struct check *c, const struct kind *k, struct row *a,
			const char **why)
{
	struct span s = a->output;
	struct field_verdicts v = {0};
	double best = NAN;
	int rc;

	if (a->unanswered) {
		*why = a->unanswered;
		return NAN;
	}
	/* An answer of tool calls alone has no text, which is the wrong text. */
	if (!s.s)
		s = a->output = span_of("");
	switch (c->kind) {
	case CHECK_REGEX:
		best = matches(c, s, why);
		return *why ? NAN : best;
	case CHECK_JSON_VALID:
		return json_check(s, &s, NULL) == 0;
	case CHECK_WORDS:
		best = words(s);
		return best >= c->lo && best <= c->hi;
	case CHECK_FINISH:
		s = record_get(&a->rec, "finish_reason");
		*why = "no finish_reason";
		return json_kind(s) == JSON_STRING ? json_is(s, c->arg ? c->arg : "stop") : NAN;
	case CHECK_LATENCY:
		return measured(a, "latency", c->hi, why);
	case CHECK_COST:
		return measured(a, "cost", c->hi, why);
	case CHECK_JUDGE:
		return judged(c, a, why);
	case CHECK_SCHEMA:
		if (json_check(s, &s, NULL))
			return 0;
		rc = schema_check(c->schema, s, NULL);
		if (rc > 0)
			*why = "the schema's limits were met before it could be decided";
		return rc > 0 ? NAN : rc == 0;
	case CHECK_TOOL_CALLS:
		return same_calls(a, why);
	default:
		break;
	}
	if (c->kind != CHECK_JSON_FIELDS && c->kind != CHECK_NUMERIC && c->kind != CHECK_CHOICE &&
	    c->arg)
		return against(c, a, span_of(c->arg), why);
	if (k->needs_reference && a->n_refs == 0) {
		*why = "no reference";
		return NAN;
	}
	if (c->kind == CHECK_JSON_FIELDS) {
		best = best_fields(c, a, &v, why);
		field_verdicts_release(&v);
		return best;
	}
	for (size_t i = 0; i < a->n_refs; i++) {
		double score = against(c, a, a->refs[i], why);

		if (*why == too_long) /* it might have been the best */
			return NAN;
		if (!isnan(score) && !(score <= best))
			best = score;
	}
	return best;
}

double check_score(const struct check *c, struct row *a, const char **why)
{
	double raw;

	*why = NULL;
	raw = raw_score(c, kind_of(c), a, why);
	/* What names nothing for certain is no more the other choice than this one. */
	if (!isnan(raw) && *why == unclear)
		return 0;
	if (!isnan(raw) && (*why != as_json || raw > 0 || c->negate))
		*why = NULL;
	return check_finish(c, raw);
}
