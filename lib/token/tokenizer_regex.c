/* Patterns of tokenizer.json, which are written for Oniguruma, in PCRE2.
 *
 * UTF and UCP are on. What differs and matters here is `\s`: Oniguruma's is White_Space, PCRE2's
 * has U+180E besides (it is White_Space no more since Unicode 6.3); so \s and \S are written out
 * where they stand alone, and inside a class \s is listed. `^` and `$` match at every line, as in
 * Ruby. A `+` after {n,m} repeats there instead of making it possessive.
 */
#include <string.h>
#include "../base/mem.h"
#include "tokenizer_impl.h"

#define WHITE \
	"\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define MATCH_EASY 2000 /* steps of a match that count for nothing */
#define MATCH_LIMIT 50000000
#define STEPS_MOST 1000000000 /* of all others of a text, and so many more for each of its bytes: */
#define STEPS_A_BYTE 1024
#define PLACES 16
#define PATTERN_MAX 65536

static pcre2_code *compile(const struct buf *b, struct span shown, struct err *e)
{
	pcre2_compile_context *context = mem_or_end(pcre2_compile_context_create(NULL));
	pcre2_code *re;
	unsigned char why[256];
	size_t at;
	int code;

	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, 100);
	re = pcre2_compile((PCRE2_SPTR)b->data, b->len,
			   PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C |
				   PCRE2_NO_AUTO_CAPTURE | PCRE2_USE_OFFSET_LIMIT,
			   &code, &at, context);
	pcre2_compile_context_free(context);
	if (!re) {
		pcre2_get_error_message(code, why, sizeof why);
		err_set(e, "pattern \"%.*s\": %s", shown.n > 400 ? 400 : (int)shown.n, shown.s,
			(const char *)why);
		return NULL;
	}
	pcre2_jit_compile(re, PCRE2_JIT_COMPLETE); /* without JIT it is matched by interpreting */
	return re;
}

pcre2_code *tok_regex(struct span pattern, struct err *e)
{
	struct buf b = BUF_INIT;
	pcre2_code *re = NULL;
	size_t i;
	int in_class = 0, first = 0, posix = 0;

	if (pattern.n > PATTERN_MAX || !pattern.n) {
		err_set(e, pattern.n ? "a pattern of %zu bytes is too long" : "an empty pattern",
			pattern.n);
		return NULL;
	}
	for (i = 0; i < pattern.n; i++) {
		char c = pattern.s[i], next = i + 1 < pattern.n ? pattern.s[i + 1] : 0;

		if (c == '\\' && i + 1 < pattern.n) {
			i++;
			if (next == 's') {
				buf_adds(&b, in_class ? WHITE : "[" WHITE "]");
			} else if (next == 'S') {
				if (in_class) {
					err_set(e,
						"pattern \"%.*s\": \\S inside a class is not supported",
						pattern.n > 400 ? 400 : (int)pattern.n, pattern.s);
					goto cleanup;
				}
				buf_adds(&b, "[^" WHITE "]");
			} else if (next == 'h') {
				/* a hexadecimal digit in Ruby */
				buf_adds(&b, in_class ? "0-9a-fA-F" : "[0-9a-fA-F]");
			} else {
				buf_addc(&b, c);
				buf_addc(&b, next);
			}
			first = 0;
			continue;
		}
		if (in_class) {
			if (c == '[' && next == ':') {
				posix = 1;
				buf_addc(&b, c);
			} else if (c == '[' || (c == '&' && next == '&')) {
				err_set(e,
					"pattern \"%.*s\": a class within a class is not supported",
					pattern.n > 400 ? 400 : (int)pattern.n, pattern.s);
				goto cleanup;
			} else {
				if (c == ']' && posix && pattern.s[i - 1] == ':')
					posix = 0;
				else if (c == ']' && !first)
					in_class = 0;
				buf_addc(&b, c);
			}
			first = 0;
			continue;
		}
		if (c == '[') {
			in_class = first = 1;
			buf_addc(&b, c);
			if (next == '^') {
				buf_addc(&b, '^');
				i++;
			}
			continue;
		}
		if (c == '+' && i && pattern.s[i - 1] == '}' && b.len) {
			size_t open = i - 1;

			while (open && pattern.s[open] != '{')
				open--;
			if (open >= 2 &&
			    (pattern.s[open - 1] == 'p' || pattern.s[open - 1] == 'P') &&
			    pattern.s[open - 2] == '\\') {
				buf_addc(&b, c); /* \p{L}+ */
				continue;
			}
			err_set(e, "pattern \"%.*s\": a repeat of a repeat is not supported",
				pattern.n > 400 ? 400 : (int)pattern.n, pattern.s);
			goto cleanup;
		}
		buf_addc(&b, c);
	}
	re = compile(&b, pattern, e);
cleanup:
	buf_release(&b);
	return re;
}

pcre2_code *tok_regex_literal(struct span text, struct err *e)
{
	struct buf b = BUF_INIT;
	pcre2_code *re;
	size_t i;

	if (text.n > PATTERN_MAX) {
		err_set(e, "a pattern of %zu bytes is too long", text.n);
		return NULL;
	}
	for (i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.s[i];

		if (c < 128)
			buf_addf(&b, "\\x%02x", c);
		else
			buf_addc(&b, c);
	}
	if (!text.n)
		buf_adds(&b, "(*FAIL)");
	re = compile(&b, text, e);
	buf_release(&b);
	return re;
}

void tok_regex_begin(struct tok_work *w, size_t n)
{
	w->steps = 0;
	w->steps_most = STEPS_MOST + STEPS_A_BYTE * (uint64_t)n;
}

/* Behind the places that a match from `from` on was looked for at, at the beginning of a character. */
static size_t next_place(const char *s, size_t n, size_t from)
{
	from += PLACES;
	while (from < n && ((unsigned char)s[from] & 0xc0) == 0x80)
		from++;
	return from;
}

/* As pcre2_match, but that a text's matches together take no more steps than are allowed. How many one
 * takes PCRE2 does not tell, only that they were too many: so it is given more and more. Its limit is
 * one for each place that a match may begin at, so these are looked at a few at a time. */
static int match(const pcre2_code *re, struct tok_work *w, const char *s, size_t n, size_t from)
{
	int rc = PCRE2_ERROR_NOMATCH;

	for (; rc == PCRE2_ERROR_NOMATCH && from <= n; from = next_place(s, n, from)) {
		uint32_t limit = MATCH_EASY;

		pcre2_set_offset_limit(w->context, from + PLACES - 1);
		rc = pcre2_match(re, (PCRE2_SPTR)s, n, from, PCRE2_NO_UTF_CHECK, w->match,
				 w->context);
		if (rc != PCRE2_ERROR_MATCHLIMIT)
			continue;
		while (rc == PCRE2_ERROR_MATCHLIMIT && limit < MATCH_LIMIT) {
			limit = limit < MATCH_LIMIT / 10 ? 10 * limit : MATCH_LIMIT;
			w->steps += PLACES * (uint64_t)limit;
			if (w->steps > w->steps_most)
				break;
			pcre2_set_match_limit(w->context, limit);
			rc = pcre2_match(re, (PCRE2_SPTR)s, n, from, PCRE2_NO_UTF_CHECK, w->match,
					 w->context);
		}
		pcre2_set_match_limit(w->context, MATCH_EASY);
	}
	return rc;
}

int tok_regex_next(const pcre2_code *re, struct tok_work *w, const char *s, size_t n, size_t from,
		   size_t *begin, size_t *end, struct err *e)
{
	unsigned char why[256];
	const size_t *o;
	int rc;

	if (!w->match) {
		w->match = mem_or_end(pcre2_match_data_create(1, NULL));
		w->context = mem_or_end(pcre2_match_context_create(NULL));
		w->stack = mem_or_end(pcre2_jit_stack_create(64 << 10, 16 << 20, NULL));
		pcre2_jit_stack_assign(w->context, NULL, w->stack);
		pcre2_set_match_limit(w->context, MATCH_EASY);
	}
	while (from <= n) {
		rc = match(re, w, s, n, from);
		if (rc == PCRE2_ERROR_NOMATCH)
			return 0;
		if (rc == PCRE2_ERROR_MATCHLIMIT)
			return err_set(e,
				       "the tokenizer's pattern takes too many steps over the text");
		if (rc < 0) {
			pcre2_get_error_message(rc, why, sizeof why);
			return err_set(e, "the tokenizer's pattern cannot be matched: %s",
				       (const char *)why);
		}
		o = pcre2_get_ovector_pointer(w->match);
		if (o[1] > o[0]) {
			*begin = o[0];
			*end = o[1];
			return 1;
		}
		/* Empty: one character on. \K can put the start behind the end; that too is passed
		 * over. */
		from = (o[1] > from ? o[1] : from) + 1;
		while (from < n && ((unsigned char)s[from] & 0xc0) == 0x80)
			from++;
	}
	return 0;
}
