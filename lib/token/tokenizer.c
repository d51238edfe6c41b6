/* From text to ids and back: added tokens, then the stages, then BPE; the pool of working memory;
 * looking things up. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "tokenizer_impl.h"

#define TEXT_MAX ((size_t)1 << 30)
#define WORK_MAX ((size_t)8 << 30) /* ceiling of a working buffer */

void tokens_release(struct tokens *t)
{
	free(t->ids);
	memset(t, 0, sizeof *t);
}

void tokens_clear(struct tokens *t)
{
	t->n = 0;
}

void tokens_add(struct tokens *t, int32_t id)
{
	if (t->n == t->cap)
		t->ids = mem_grow(t->ids, &t->cap, t->n + 1, sizeof *t->ids);
	t->ids[t->n++] = id;
}

void tokens_append(struct tokens *t, const int32_t *ids, size_t n)
{
	if (!n)
		return;
	if (t->cap - t->n < n)
		t->ids = mem_grow(t->ids, &t->cap, t->n + n, sizeof *t->ids);
	memcpy(t->ids + t->n, ids, n * sizeof *ids);
	t->n += n;
}

/* --- working memory --- */

static struct tok_work *work_take(const struct tokenizer *t)
{
	/* the pool is the one thing that changes, under its lock */
	struct tokenizer *m = (struct tokenizer *)t;
	struct tok_work *w;

	pthread_mutex_lock(&m->lock);
	w = m->idle;
	if (w)
		m->idle = w->next;
	pthread_mutex_unlock(&m->lock);
	if (w)
		return w;
	w = mem_alloc(1, sizeof *w);
	w->clean.max = w->norm[0].max = w->norm[1].max = w->text[0].max = w->text[1].max = WORK_MAX;
	return w;
}

static void work_give(const struct tokenizer *t, struct tok_work *w)
{
	struct tokenizer *m = (struct tokenizer *)t;

	pthread_mutex_lock(&m->lock);
	w->next = m->idle;
	m->idle = w;
	pthread_mutex_unlock(&m->lock);
}

static void work_free(struct tok_work *w)
{
	int i;

	buf_release(&w->clean);
	for (i = 0; i < 2; i++) {
		buf_release(&w->norm[i]);
		buf_release(&w->text[i]);
		free(w->pieces[i].v);
	}
	free(w->id);
	free(w->before);
	free(w->after);
	free(w->rank);
	free(w->heap);
	free(w->cache);
	if (w->match) {
		pcre2_match_data_free(w->match);
		pcre2_match_context_free(w->context);
		pcre2_jit_stack_free(w->stack);
	}
	free(w);
}

void tokenizer_free(struct tokenizer *t)
{
	size_t i;

	if (!t)
		return;
	while (t->idle) {
		struct tok_work *next = t->idle->next;

		work_free(t->idle);
		t->idle = next;
	}
	for (i = 0; i < t->norms_n; i++)
		pcre2_code_free(t->norms[i].pattern);
	for (i = 0; i < t->splits_n; i++)
		pcre2_code_free(t->splits[i].pattern);
	arena_release(&t->arena);
	free(t->tokens);
	free(t->by_text.slots);
	free(t->by_bytes.slots);
	free(t->pairs);
	free(t->raw.nodes);
	free(t->normalized.nodes);
	tokens_release(&t->prefix);
	tokens_release(&t->suffix);
	tokens_release(&t->stops);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* --- encoding --- */

/* Bytes from s on that are valid UTF-8. */
static size_t valid_run(const char *s, size_t n)
{
	size_t at = 0;
	int32_t c;
	int bad, len;

	while (at < n) {
		uint64_t eight;

		if (n - at >= 8 && (memcpy(&eight, s + at, 8), !(eight & 0x8080808080808080u))) {
			at += 8;
			continue;
		}
		if (!(len = tok_utf8(s + at, n - at, &c, &bad)))
			break;
		at += (size_t)len;
	}
	return at;
}

static int clean(struct tok_work *w, struct span *text, struct err *e)
{
	size_t at = valid_run(text->s, text->n), from = 0;
	int32_t c;
	int bad;

	if (at == text->n)
		return 0;
	buf_clear(&w->clean);
	while (from < text->n) {
		buf_add(&w->clean, text->s + from, at);
		from += at;
		if (from == text->n)
			break;
		tok_utf8(text->s + from, text->n - from, &c, &bad);
		buf_adds(&w->clean, "\xef\xbf\xbd");
		from += (size_t)bad;
		at = valid_run(text->s + from, text->n - from);
	}
	if (w->clean.full)
		return err_set(e, "the text is too long");
	*text = buf_span(&w->clean);
	return 0;
}

/* Alphabetic, mark, number or connector: what Rust's \w is for single_word. ASCII and every letter
 * beyond suffice to tell words apart, so all that is not ASCII counts as part of a word except
 * white space and U+2000..U+206F. */
static int is_word(int32_t c)
{
	if (c < 128)
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		       c == '_';
	return !(c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x206f) ||
		 c == 0x3000 || (c > 0xa0 && c < 0xaa));
}

static int is_space(int32_t c)
{
	return (c >= 9 && c <= 13) || c == 32 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

/* The character that ends before s + at; its length, 0 at the start. */
static size_t char_before(const char *s, size_t at, int32_t *c)
{
	size_t k = at;
	int bad;

	if (!at)
		return 0;
	do
		k--;
	while (k && ((unsigned char)s[k] & 0xc0) == 0x80);
	tok_utf8(s + k, at - k, c, &bad);
	return at - k;
}

struct added_match {
	size_t begin, end;
	int32_t id;
};

/* The leftmost, there the longest, added token from `from` on. */
static int added_next(const struct tokenizer *t, const struct tok_trie *trie, struct span s,
		      size_t from, struct added_match *m)
{
	size_t at, i, floor = from;
	int32_t c;
	int bad;

	if (!trie->n)
		return 0;
	for (at = from; at < s.n; at++) {
		int32_t node, best = -1;
		size_t end = 0;
		int flags;

		if (!trie->first[(unsigned char)s.s[at]])
			continue;
		for (node = trie->nodes[0].child, i = at; i < s.n && node >= 0; i++) {
			while (node >= 0 && trie->nodes[node].byte != (unsigned char)s.s[i])
				node = trie->nodes[node].sibling;
			if (node < 0)
				break;
			if (trie->nodes[node].id >= 0) {
				best = trie->nodes[node].id;
				end = i + 1;
			}
			node = trie->nodes[node].child;
		}
		if (best < 0)
			continue;
		flags = t->tokens[best].flags;
		if (flags & TOK_SINGLE_WORD) {
			if ((char_before(s.s, at, &c) && is_word(c)) ||
			    (end < s.n && tok_utf8(s.s + end, s.n - end, &c, &bad) && is_word(c))) {
				at = end - 1;
				continue;
			}
		}
		*m = (struct added_match){at, end, best};
		if (flags & TOK_LSTRIP) {
			size_t len;

			while (m->begin > floor && (len = char_before(s.s, m->begin, &c)) &&
			       is_space(c))
				m->begin -= len;
		}
		if (flags & TOK_RSTRIP) {
			int len;

			while (m->end < s.n &&
			       (len = tok_utf8(s.s + m->end, s.n - m->end, &c, &bad)) &&
			       is_space(c))
				m->end += (size_t)len;
		}
		return 1;
	}
	return 0;
}

static int encode_piece(const struct tokenizer *t, struct tok_work *w, struct span s, int first,
			int continues, struct tokens *out, struct err *e)
{
	const struct tok_pieces *pieces;
	const char *text;
	size_t i;

	if (!s.n)
		return 0;
	if (tok_split(t, w, s, first, continues, &text, &pieces, e))
		return -1;
	for (i = 0; i < pieces->n; i++)
		if (tok_word(t, w, text + pieces->v[i].at, pieces->v[i].n, out, e))
			return -1;
	return 0;
}

/* A segment between added tokens that are matched on raw text: normalized, then cut at those
 * matched on normalized text. */
static int encode_segment(const struct tokenizer *t, struct tok_work *w, struct span s, int first,
			  int flags, struct tokens *out, struct err *e)
{
	struct added_match m;
	size_t from = 0;
	int continues = first && flags & TOKENIZER_CONTINUES;

	if (!s.n)
		return 0;
	if (tok_normalize(t, w, s, continues, &s, e))
		return -1;
	if (!(flags & TOKENIZER_NO_ADDED))
		while (added_next(t, &t->normalized, s, from, &m)) {
			if (encode_piece(t, w, (struct span){s.s + from, m.begin - from},
					 first && !from, continues, out, e))
				return -1;
			tokens_add(out, m.id);
			from = m.end;
		}
	return encode_piece(t, w, (struct span){s.s + from, s.n - from}, first && !from, continues,
			    out, e);
}

int tokenizer_encode(const struct tokenizer *t, struct span text, int flags, struct tokens *out,
		     struct err *e)
{
	struct tok_work *w;
	struct added_match m;
	size_t from = 0, before = out->n;
	int rc = -1;

	if (text.n >= TEXT_MAX)
		return err_set(e, "a text of %zu bytes is too long to be tokenized", text.n);
	if (!text.s)
		text.s = "";
	w = work_take(t);
	tok_regex_begin(w, text.n);
	if (flags & TOKENIZER_SPECIAL)
		tokens_append(out, t->prefix.ids, t->prefix.n);
	if (clean(w, &text, e))
		goto cleanup;
	if (!(flags & TOKENIZER_NO_ADDED))
		while (added_next(t, &t->raw, text, from, &m)) {
			if (encode_segment(t, w, (struct span){text.s + from, m.begin - from},
					   !from, flags, out, e))
				goto cleanup;
			tokens_add(out, m.id);
			from = m.end;
		}
	if (encode_segment(t, w, (struct span){text.s + from, text.n - from}, !from, flags, out, e))
		goto cleanup;
	if (flags & TOKENIZER_SPECIAL)
		tokens_append(out, t->suffix.ids, t->suffix.n);
	rc = 0;
cleanup:
	if (rc)
		out->n = before;
	work_give(t, w);
	return rc;
}

/* --- decoding --- */

void tokenizer_stream_begin(struct tokenizer_stream *s, const struct tokenizer *t, int flags)
{
	memset(s, 0, sizeof *s);
	s->t = t;
	s->flags = flags;
	if (!(flags & TOKENIZER_KEEP_START))
		s->strip = t->strip_first_token ? 1 << 30 : t->decode_strip;
	s->first = 1;
}

/* Emits the whole characters among what is held and the n new bytes. */
static void stream_bytes(struct tokenizer_stream *s, const char *p, size_t n, struct buf *out)
{
	char joined[8];
	int32_t c;
	int bad, len;
	size_t run;

	while (s->held && n) {
		memcpy(joined, s->hold, (size_t)s->held);
		joined[s->held] = *p;
		len = tok_utf8(joined, (size_t)s->held + 1, &c, &bad);
		if (len) {
			buf_add(out, joined, (size_t)len);
			s->held = 0;
		} else if (bad == s->held + 1) {
			/* still the beginning of a character */
			s->hold[s->held++] = (unsigned char)*p;
		} else {
			/* what was held is none; the new byte is looked at afresh */
			buf_adds(out, "\xef\xbf\xbd");
			s->held = 0;
			continue;
		}
		p++;
		n--;
	}
	while (n) {
		run = valid_run(p, n);
		buf_add(out, p, run);
		p += run;
		n -= run;
		if (!n)
			break;
		tok_utf8(p, n, &c, &bad);
		if ((size_t)bad == n && (unsigned char)*p >= 0xc2 && (unsigned char)*p <= 0xf4 &&
		    n < 4) {
			memcpy(s->hold, p, n);
			s->held = (int)n;
			break;
		}
		buf_adds(out, "\xef\xbf\xbd");
		p += bad;
		n -= (size_t)bad;
	}
}

void tokenizer_stream_add(struct tokenizer_stream *s, int32_t id, struct buf *out)
{
	const struct tokenizer *t = s->t;
	struct span b;

	if (id < 0 || id >= t->size || !t->tokens[id].text.s)
		return;
	if (s->flags & TOKENIZER_SKIP_SPECIAL && t->tokens[id].flags & TOK_SPECIAL)
		return;
	b = t->tokens[id].bytes;
	if (t->decode_join && !s->first)
		stream_bytes(s, " ", 1, out);
	while (s->strip && b.n && *b.s == t->strip_char) {
		b.s++;
		b.n--;
		s->strip--;
	}
	if (b.n || t->strip_first_token)
		s->strip = 0;
	s->first = 0;
	stream_bytes(s, b.s, b.n, out);
}

void tokenizer_stream_end(struct tokenizer_stream *s, struct buf *out)
{
	if (s->held)
		buf_adds(out, "\xef\xbf\xbd");
	s->held = 0;
}

void tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, int flags,
		      struct buf *out)
{
	struct tokenizer_stream s;
	size_t i;

	tokenizer_stream_begin(&s, t, flags);
	for (i = 0; i < n; i++)
		tokenizer_stream_add(&s, ids[i], out);
	tokenizer_stream_end(&s, out);
}

/* --- looking up --- */

static const struct tok_token *token(const struct tokenizer *t, int32_t id)
{
	static const struct tok_token none;

	return id < 0 || id >= t->size ? &none : &t->tokens[id];
}

struct span tokenizer_bytes(const struct tokenizer *t, int32_t id)
{
	return token(t, id)->flags & TOK_SPECIAL ? (struct span){NULL, 0} : token(t, id)->bytes;
}

int32_t tokenizer_size(const struct tokenizer *t)
{
	return t->size;
}

struct span tokenizer_token(const struct tokenizer *t, int32_t id)
{
	return token(t, id)->text;
}

int32_t tokenizer_id(const struct tokenizer *t, struct span s)
{
	return s.s ? tok_table_find(t, &t->by_text, s.s, s.n) : -1;
}

int tokenizer_is_special(const struct tokenizer *t, int32_t id)
{
	return !!(token(t, id)->flags & TOK_SPECIAL);
}

int tokenizer_is_added(const struct tokenizer *t, int32_t id)
{
	return !!(token(t, id)->flags & TOK_ADDED);
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
	return t->bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
	return t->eos >= 0 ? t->eos : t->stops.n ? t->stops.ids[0] : -1;
}

int32_t tokenizer_pad(const struct tokenizer *t)
{
	return t->pad;
}

int32_t tokenizer_unk(const struct tokenizer *t)
{
	return t->unk_named;
}

const int32_t *tokenizer_stops(const struct tokenizer *t, size_t *n)
{
	*n = t->stops.n;
	return t->stops.ids;
}

int tokenizer_is_stop(const struct tokenizer *t, int32_t id)
{
	size_t i;

	for (i = 0; i < t->stops.n; i++)
		if (t->stops.ids[i] == id)
			return 1;
	return 0;
}

const int32_t *tokenizer_prefix(const struct tokenizer *t, size_t *n)
{
	*n = t->prefix.n;
	return t->prefix.ids;
}

const int32_t *tokenizer_suffix(const struct tokenizer *t, size_t *n)
{
	*n = t->suffix.n;
	return t->suffix.ids;
}
