/* Normalizers and pre-tokenizers: what happens to a segment of text before BPE sees it. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "../base/mem.h"
#include "tokenizer_impl.h"

int tok_utf8(const char *s, size_t n, int32_t *c, int *bad)
{
	const unsigned char *p = (const unsigned char *)s;
	int len, i;
	unsigned char lo = 0x80, hi = 0xbf;

	if (p[0] < 0x80) {
		*c = p[0];
		return 1;
	}
	*bad = 1;
	len = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
	      : p[0] >= 0xe0 && p[0] <= 0xef ? 3
	      : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
					     : 0;
	if (!len)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	*c = p[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((size_t)i >= n || p[i] < lo || p[i] > hi)
			return 0;
		*bad = i + 1;
		*c = *c << 6 | (p[i] & 0x3f);
		lo = 0x80;
		hi = 0xbf;
	}
	return len;
}

/* --- normalizers --- */

/* The most bytes that the stages may make of so many. */
static size_t ceiling(size_t n)
{
	return n < (BUF_MAX - TOK_STAGED_MAX) / TOK_STAGED_TIMES
		       ? TOK_STAGED_MAX + TOK_STAGED_TIMES * n
		       : BUF_MAX;
}

static int too_much(size_t most, struct err *e)
{
	return err_set(e, "the stages of the tokenizer make more than %zu MB of a text",
		       most >> 20);
}

static int unicode_form(struct span in, enum tok_norm_kind kind, struct buf *out, struct err *e)
{
	int options = UTF8PROC_STABLE;
	utf8proc_int32_t *points;
	utf8proc_ssize_t n, bytes;
	size_t i;

	/* Characters below U+0300 are the same in NFC. */
	if (kind == NORM_NFC) {
		for (i = 0; i < in.n && (unsigned char)in.s[i] < 0xcc; i++)
			;
		if (i == in.n) {
			buf_addspan(out, in);
			return 0;
		}
	}
	options |= kind == NORM_NFC || kind == NORM_NFKC ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
	if (kind == NORM_NFKC || kind == NORM_NFKD)
		options |= UTF8PROC_COMPAT;
	n = utf8proc_decompose((const utf8proc_uint8_t *)in.s, (utf8proc_ssize_t)in.n, NULL, 0,
			       options);
	if (n < 0)
		return err_set(e, "Unicode normalization: %s", utf8proc_errmsg(n));
	if ((size_t)n > out->max)
		return too_much(out->max, e);
	points = mem_alloc((size_t)n + 1, sizeof *points);
	n = utf8proc_decompose((const utf8proc_uint8_t *)in.s, (utf8proc_ssize_t)in.n, points, n,
			       options);
	bytes = n < 0 ? n : utf8proc_reencode(points, n, options);
	if (bytes < 0) {
		free(points);
		return err_set(e, "Unicode normalization: %s", utf8proc_errmsg(bytes));
	}
	buf_add(out, points, (size_t)bytes); /* reencode writes UTF-8 over the code points */
	free(points);
	return 0;
}

/* Every character, with the bytes it is written in, through put. */
static void each_char(struct span in, struct buf *out,
		      void (*put)(struct buf *out, int32_t c, struct span raw))
{
	int32_t c;
	int bad, len;

	for (; in.n && (len = tok_utf8(in.s, in.n, &c, &bad)); in.s += len, in.n -= (size_t)len)
		put(out, c, (struct span){in.s, (size_t)len});
}

static void put_lower(struct buf *out, int32_t c, struct span raw)
{
	utf8proc_uint8_t u[4];

	(void)raw;
	if (c == 0x130) /* the one character whose lower case is two */
		buf_adds(out, "i\xcc\x87");
	else
		buf_add(out, u, (size_t)utf8proc_encode_char(utf8proc_tolower(c), u));
}

static void put_unaccented(struct buf *out, int32_t c, struct span raw)
{
	utf8proc_category_t kind = utf8proc_category(c);

	if (kind != UTF8PROC_CATEGORY_MN && kind != UTF8PROC_CATEGORY_MC &&
	    kind != UTF8PROC_CATEGORY_ME)
		buf_addspan(out, raw);
}

/* Rust's is_whitespace: White_Space. */
static int is_white(int32_t c)
{
	return (c >= 9 && c <= 13) || c == 32 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

static struct span strip(struct span in, int left, int right)
{
	int32_t c;
	int bad, len;

	while (left && in.n && (len = tok_utf8(in.s, in.n, &c, &bad)) && is_white(c)) {
		in.s += len;
		in.n -= (size_t)len;
	}
	while (right && in.n) {
		size_t k = in.n - 1;

		while (k && ((unsigned char)in.s[k] & 0xc0) == 0x80)
			k--;
		if (!tok_utf8(in.s + k, in.n - k, &c, &bad) || !is_white(c))
			break;
		in.n = k;
	}
	return in;
}

/* Where what comes next in a text, from a place on; NULL where it doesn't. What is mostly a blank. */
static const char *next(struct span in, size_t from, struct span what)
{
	if (in.n - from < what.n)
		return NULL;
	return what.n == 1 ? memchr(in.s + from, what.s[0], in.n - from)
			   : memmem(in.s + from, in.n - from, what.s, what.n);
}

static int replace(struct tok_work *w, const struct tok_norm *x, struct span in, struct buf *out,
		   struct err *e)
{
	size_t from = 0, begin, end;
	int rc;

	if (!x->pattern) {
		const char *p;

		while (!out->full && (p = next(in, from, x->what))) {
			buf_add(out, in.s + from, (size_t)(p - in.s) - from);
			buf_addspan(out, x->with);
			from = (size_t)(p - in.s) + x->what.n;
		}
	} else {
		while ((rc = tok_regex_next(x->pattern, w, in.s, in.n, from, &begin, &end, e)) >
			       0 &&
		       !out->full) {
			buf_add(out, in.s + from, begin - from);
			buf_addspan(out, x->with);
			from = end;
		}
		if (rc < 0)
			return -1;
	}
	buf_add(out, in.s + from, in.n - from);
	return 0;
}

int tok_normalize(const struct tokenizer *t, struct tok_work *w, struct span seg, int continues,
		  struct span *out, struct err *e)
{
	size_t i, most = ceiling(seg.n);
	int side = 0;

	for (i = 0; i < t->norms_n && seg.n; i++) {
		const struct tok_norm *x = &t->norms[i];
		struct buf *b = &w->norm[side];

		if (x->kind == NORM_STRIP) {
			seg = strip(seg, x->left, x->right);
			continue;
		}
		if (x->kind == NORM_PREPEND && continues)
			continue;
		buf_clear(b);
		b->max = most;
		switch (x->kind) {
		case NORM_NFC:
		case NORM_NFD:
		case NORM_NFKC:
		case NORM_NFKD:
			if (unicode_form(seg, x->kind, b, e))
				return -1;
			break;
		case NORM_LOWER:
			each_char(seg, b, put_lower);
			break;
		case NORM_ACCENTS:
			each_char(seg, b, put_unaccented);
			break;
		case NORM_PREPEND:
			buf_addspan(b, x->with);
			buf_addspan(b, seg);
			break;
		default:
			if (replace(w, x, seg, b, e))
				return -1;
		}
		if (b->full)
			return too_much(most, e);
		seg = buf_span(b);
		side = !side;
	}
	*out = seg;
	return 0;
}

/* --- pre-tokenizers --- */

static void piece_add(struct tok_pieces *p, size_t at, size_t n)
{
	if (!n)
		return;
	if (p->n == p->cap)
		p->v = mem_grow(p->v, &p->cap, p->n + 1, sizeof *p->v);
	p->v[p->n++] = (struct tok_piece){at, n};
}

/* One run of a piece, matched or not, under the behaviours of Rust's SplitDelimiterBehavior.
 * `state` is what the run before was: -1 none, 0 kept text, 1 delimiter; `mark` counts the pieces
 * that were there before this piece began. */
static void run_add(struct tok_pieces *p, size_t mark, enum tok_behaviour how, size_t at, size_t n,
		    int delimiter, int *state)
{
	int glue = 0;

	if (!n)
		return;
	switch (how) {
	case BEHAVE_REMOVED:
		if (delimiter) {
			*state = 1;
			return;
		}
		break;
	case BEHAVE_ISOLATED:
		break;
	case BEHAVE_CONTIGUOUS:
		glue = *state == delimiter;
		break;
	case BEHAVE_PREVIOUS: /* a delimiter joins the text before it, a second one stands alone */
		glue = delimiter && *state == 0;
		break;
	case BEHAVE_NEXT: /* text joins the delimiter before it */
		glue = !delimiter && *state == 1;
		break;
	}
	*state = delimiter;
	if (glue && p->n > mark)
		p->v[p->n - 1].n += n;
	else
		piece_add(p, at, n);
}

static int split_pattern(struct tok_work *w, const struct tok_split *x, const char *text,
			 struct tok_piece piece, struct tok_pieces *to, struct err *e)
{
	size_t from = 0, begin, end, mark = to->n;
	const char *s = text + piece.at;
	int rc, state = -1;

	while ((rc = tok_regex_next(x->pattern, w, s, piece.n, from, &begin, &end, e)) > 0) {
		run_add(to, mark, x->behaviour, piece.at + from, begin - from, x->invert, &state);
		run_add(to, mark, x->behaviour, piece.at + begin, end - begin, !x->invert, &state);
		from = end;
	}
	run_add(to, mark, x->behaviour, piece.at + from, piece.n - from, x->invert, &state);
	return rc;
}

/* Spaces become the replacement, one is put first, and words are cut before each. */
static void split_metaspace(const struct tok_split *x, struct span s, int prepend, struct buf *text,
			    struct tok_pieces *to)
{
	size_t begin = text->len, i;

	if (prepend && !(s.n >= x->with.n && !memcmp(s.s, x->with.s, x->with.n)) && s.s[0] != ' ')
		buf_addspan(text, x->with);
	for (i = 0; i < s.n; i++) {
		int space = s.s[i] == ' ';

		if (x->split && text->len > begin &&
		    (space || (s.n - i >= x->with.n && !memcmp(s.s + i, x->with.s, x->with.n)))) {
			piece_add(to, begin, text->len - begin);
			begin = text->len;
		}
		if (space)
			buf_addspan(text, x->with);
		else
			buf_addc(text, (unsigned char)s.s[i]);
	}
	piece_add(to, begin, text->len - begin);
}

int tok_split(const struct tokenizer *t, struct tok_work *w, struct span seg, int first,
	      int continues, const char **text, const struct tok_pieces **pieces, struct err *e)
{
	struct tok_pieces *from = &w->pieces[0], *to = &w->pieces[1], *swap;
	struct buf *b = &w->text[0];
	size_t i, k, most = ceiling(seg.n);

	*text = seg.s;
	from->n = 0;
	piece_add(from, 0, seg.n);
	for (i = 0; i < t->splits_n; i++) {
		const struct tok_split *x = &t->splits[i];

		to->n = 0;
		if (x->kind != SPLIT_PATTERN) {
			buf_clear(b);
			b->max = most;
		}
		for (k = 0; k < from->n; k++) {
			struct tok_piece p = from->v[k];
			int start = first && k == 0; /* this piece begins where the text does */

			if (x->kind == SPLIT_PATTERN) {
				if (split_pattern(w, x, *text, p, to, e) < 0)
					return -1;
			} else if (x->kind == SPLIT_SPACE) {
				size_t at = b->len;

				if ((*text)[p.at] != ' ' && !(start && continues))
					buf_addc(b, ' ');
				buf_add(b, *text + p.at, p.n);
				piece_add(to, at, b->len - at);
			} else {
				int prepend = x->prepend == PREPEND_ALWAYS ||
					      (x->prepend == PREPEND_FIRST && start);

				split_metaspace(x, (struct span){*text + p.at, p.n},
						prepend && !(start && continues), b, to);
			}
		}
		if (x->kind != SPLIT_PATTERN) {
			if (b->full)
				return too_much(most, e);
			*text = b->data;
			b = b == &w->text[0] ? &w->text[1] : &w->text[0];
		}
		swap = from;
		from = to;
		to = swap;
	}
	*pieces = from;
	return 0;
}
