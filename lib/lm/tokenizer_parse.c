/* tokenizer.json into the tables that the other files work on. Whatever is not understood is refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "tokenizer_impl.h"

struct parse {
	struct tokenizer *t;
	struct buf scratch;
	struct err *e;
};

/* The decoded string of a member, kept; absent where there is none or it is null. */
static struct span text_of(struct parse *p, struct span v)
{
	buf_clear(&p->scratch);
	if (json_kind(v) != JSON_STRING || json_string(v, &p->scratch))
		return (struct span){NULL, 0};
	return tok_keep(&p->t->arena, p->scratch.data ? p->scratch.data : "", p->scratch.len);
}

/* "type" of a stage for messages and comparison; "" where it has none. */
static const char *type_of(struct parse *p, struct span v)
{
	struct span s = text_of(p, json_member(v, "type"));

	return s.s ? s.s : "";
}

static int flag(struct span v, const char *name, int otherwise)
{
	enum json_kind k = json_kind(json_member(v, name));

	return k == JSON_TRUE ? 1 : k == JSON_FALSE ? 0 : otherwise;
}

static int is_set(struct span v, const char *name)
{
	enum json_kind k = json_kind(json_member(v, name));

	return k != JSON_NONE && k != JSON_NULL;
}

/* --- vocabulary --- */

static int token_slot(struct parse *p, int64_t id, const char *what)
{
	struct tokenizer *t = p->t;
	size_t old = t->cap;

	if (id < 0 || id >= TOK_ID_MAX)
		return err_set(p->e, "%s: the id %lld is out of range", what, (long long)id);
	if (id < t->size)
		return 0;
	t->size = (int32_t)id + 1;
	t->tokens = mem_grow(t->tokens, &t->cap, (size_t)t->size, sizeof *t->tokens);
	memset(t->tokens + old, 0, (t->cap - old) * sizeof *t->tokens);
	return 0;
}

static int parse_vocab(struct parse *p, struct span vocab)
{
	struct tokenizer *t = p->t;
	struct json_iter it = {0};
	struct span key, value;
	int64_t id;

	if (json_kind(vocab) != JSON_OBJECT)
		return err_set(p->e, "model.vocab is no object");
	while (json_next(&it, vocab, &key, &value)) {
		struct span s = text_of(p, key);

		if (json_int(value, &id))
			return err_set(p->e, "model.vocab: the id of \"%s\" is no integer", s.s);
		if (token_slot(p, id, "model.vocab"))
			return -1;
		if (t->tokens[id].text.s)
			return err_set(p->e, "model.vocab: \"%s\" and \"%s\" have the same id %lld", t->tokens[id].text.s, s.s,
				       (long long)id);
		t->tokens[id].text = s;
	}
	if (!t->size)
		return err_set(p->e, "model.vocab is empty");
	t->vocab_only = t->size;
	return 0;
}

static int parse_merges(struct parse *p, struct span merges)
{
	struct tokenizer *t = p->t;
	struct json_iter it = {0};
	struct span key, value;
	uint32_t rank = 0;
	struct buf joined = BUF_INIT;
	int rc = -1, crosses = 0;

	if (json_kind(merges) != JSON_ARRAY)
		return err_set(p->e, "model.merges is no array");
	tok_pairs_make(t, json_count(merges));
	for (; json_next(&it, merges, &key, &value); rank++) {
		int32_t left, right, id;
		size_t cut;

		buf_clear(&joined);
		if (json_kind(value) == JSON_ARRAY && json_count(value) == 2) {
			if (json_string(json_element(value, 0), &joined))
				goto malformed;
			cut = joined.len;
			if (json_string(json_element(value, 1), &joined))
				goto malformed;
		} else {
			char *space;

			if (json_string(value, &joined) || !joined.len || !(space = memchr(joined.data, ' ', joined.len)))
				goto malformed;
			cut = (size_t)(space - joined.data);
			memmove(space, space + 1, joined.len - cut); /* the NUL too */
			joined.len--;
			if (memchr(space, ' ', joined.len - cut))
				goto malformed;
		}
		left = tok_table_find(t, &t->by_text, joined.data, cut);
		right = tok_table_find(t, &t->by_text, joined.data + cut, joined.len - cut);
		id = tok_table_find(t, &t->by_text, joined.data, joined.len);
		if (left < 0 || right < 0 || id < 0) {
			err_set(p->e, "model.merges[%u] joins \"%.*s\" and \"%s\", but \"%s\" is not in the vocabulary", rank, (int)cut,
				joined.data, joined.data + cut,
				left < 0 ? "the first" : right < 0 ? "the second" : "what they make");
			goto cleanup;
		}
		tok_pairs_add(t, left, right, rank, id);
		crosses |= joined.len - cut >= 3 && !memcmp(joined.data + cut, "\xe2\x96\x81", 3) &&
			   !(cut >= 3 && !memcmp(joined.data + cut - 3, "\xe2\x96\x81", 3));
	}
	t->cut_at_space = !crosses && !t->ignore_merges && tok_table_find(t, &t->by_text, "\xe2\x96\x81", 3) >= 0;
	rc = 0;
	goto cleanup;
malformed:
	err_set(p->e, "model.merges[%u] is no pair of tokens", rank);
cleanup:
	buf_release(&joined);
	return rc;
}

static int parse_model(struct parse *p, struct span m)
{
	struct tokenizer *t = p->t;
	struct span unk;
	const char *type = type_of(p, m);
	int32_t i;
	int b;

	if (json_kind(m) != JSON_OBJECT)
		return err_set(p->e, "it has no \"model\"");
	/* Early files leave the type out; having merges they are BPE. */
	if (strcmp(type, "BPE") && !(!*type && is_set(m, "merges")))
		return err_set(p->e, "model type \"%s\" is not supported (BPE is)", type);
	if (is_set(m, "dropout")) {
		double x;

		if (json_number(json_member(m, "dropout"), &x) || x != 0)
			return err_set(p->e, "model.dropout is not supported");
	}
	if (text_of(p, json_member(m, "continuing_subword_prefix")).n || text_of(p, json_member(m, "end_of_word_suffix")).n)
		return err_set(p->e, "model.continuing_subword_prefix and end_of_word_suffix are not supported");
	t->fuse_unk = flag(m, "fuse_unk", 0);
	t->byte_fallback = flag(m, "byte_fallback", 0);
	t->ignore_merges = flag(m, "ignore_merges", 0);
	if (parse_vocab(p, json_member(m, "vocab")))
		return -1;
	/* Room for added tokens too: the table is not made again. */
	tok_table_make(&t->by_text, (size_t)t->size + (1 << 16));
	for (i = 0; i < t->size; i++)
		if (t->tokens[i].text.s)
			tok_table_add(t, &t->by_text, i);
	unk = text_of(p, json_member(m, "unk_token"));
	t->unk = unk.s ? tok_table_find(t, &t->by_text, unk.s, unk.n) : -1;
	if (unk.s && t->unk < 0)
		return err_set(p->e, "model.unk_token \"%s\" is not in the vocabulary", unk.s);
	for (b = 0; b < 256; b++) {
		char name[8];

		snprintf(name, sizeof name, "<0x%02X>", b);
		t->byte_id[b] = t->byte_fallback ? tok_table_find(t, &t->by_text, name, 6) : -1;
	}
	return parse_merges(p, json_member(m, "merges"));
}

/* --- added tokens --- */

static int32_t node_new(struct tok_trie *trie, unsigned char byte)
{
	trie->nodes = mem_grow(trie->nodes, &trie->cap, trie->n + 1, sizeof *trie->nodes);
	trie->nodes[trie->n] = (struct tok_node){-1, -1, -1, byte};
	return (int32_t)trie->n++;
}

void tok_trie_add(struct tok_trie *trie, struct span s, int32_t id)
{
	int32_t at, next;
	size_t i;

	if (!s.n)
		return;
	if (!trie->n)
		node_new(trie, 0);
	trie->first[(unsigned char)s.s[0]] = 1;
	for (at = 0, i = 0; i < s.n; i++, at = next) {
		next = trie->nodes[at].child;
		while (next >= 0 && trie->nodes[next].byte != (unsigned char)s.s[i])
			next = trie->nodes[next].sibling;
		if (next < 0) {
			next = node_new(trie, (unsigned char)s.s[i]);
			trie->nodes[next].sibling = trie->nodes[at].child;
			trie->nodes[at].child = next;
		}
	}
	trie->nodes[at].id = id;
}

/* One entry of added_tokens, or of added_tokens_decoder with its id as the key. */
static int added_token(struct parse *p, struct span v, int64_t id)
{
	struct tokenizer *t = p->t;
	struct span s = text_of(p, json_member(v, "content"));
	int32_t old;
	int flags = TOK_ADDED;

	if (!s.s)
		return err_set(p->e, "added token %lld has no \"content\"", (long long)id);
	flags |= flag(v, "special", 0) ? TOK_SPECIAL : 0;
	flags |= flag(v, "lstrip", 0) ? TOK_LSTRIP : 0;
	flags |= flag(v, "rstrip", 0) ? TOK_RSTRIP : 0;
	flags |= flag(v, "single_word", 0) ? TOK_SINGLE_WORD : 0;
	flags |= flag(v, "normalized", !(flags & TOK_SPECIAL)) ? TOK_NORMALIZED : 0;
	old = tok_table_find(t, &t->by_text, s.s, s.n);
	if (old >= 0 && old != id)
		return err_set(p->e, "added token \"%s\" has the id %lld, but the vocabulary gives it %d", s.s, (long long)id, (int)old);
	if (old < 0) {
		if (token_slot(p, id, "added_tokens"))
			return -1;
		if (t->tokens[id].text.s)
			return err_set(p->e, "added token \"%s\" has the id %lld of \"%s\"", s.s, (long long)id, t->tokens[id].text.s);
		t->tokens[id].text = s;
		tok_table_add(t, &t->by_text, (int32_t)id);
	}
	t->tokens[id].flags |= flags;
	return 0;
}

static int parse_added(struct parse *p, struct span list, struct span decoder)
{
	struct tokenizer *t = p->t;
	struct json_iter it = {0};
	struct span key, value;
	int64_t id;

	if (json_count(list) + json_count(decoder) > (1 << 16))
		return err_set(p->e, "more than 65536 added tokens");
	while (json_next(&it, list, &key, &value))
		if (json_int(json_member(value, "id"), &id))
			return err_set(p->e, "an added token has no id");
		else if (added_token(p, value, id))
			return -1;
	/* tokenizer_config.json may know more; what both know stands in tokenizer.json. */
	memset(&it, 0, sizeof it);
	while (json_kind(decoder) == JSON_OBJECT && json_next(&it, decoder, &key, &value)) {
		struct span s = text_of(p, key);
		char *end;

		id = s.s ? strtoll(s.s, &end, 10) : -1;
		if (!s.n || *end || id < 0 || id >= TOK_ID_MAX)
			return err_set(p->e, "added_tokens_decoder: \"%s\" is no id", s.s ? s.s : "");
		if ((id >= t->size || !(t->tokens[id].flags & TOK_ADDED)) && added_token(p, value, id))
			return -1;
	}
	return 0;
}

/* Tokens that are matched on raw text, and those matched after normalization (as they are when normalized). */
static int make_tries(struct parse *p)
{
	struct tokenizer *t = p->t;
	struct tok_work w = {0};
	int32_t i;
	int rc = 0;

	for (i = 0; i < t->size && !rc; i++) {
		struct span s = t->tokens[i].text;

		if (!(t->tokens[i].flags & TOK_ADDED))
			continue;
		if (!(t->tokens[i].flags & TOK_NORMALIZED))
			tok_trie_add(&t->raw, s, i);
		else if (!(rc = tok_normalize(t, &w, s, 0, &s, p->e)))
			tok_trie_add(&t->normalized, s, i);
	}
	buf_release(&w.norm[0]);
	buf_release(&w.norm[1]);
	if (w.match) {
		pcre2_match_data_free(w.match);
		pcre2_match_context_free(w.context);
		pcre2_jit_stack_free(w.stack);
	}
	return rc;
}

/* --- normalizer --- */

/* {"String": s} or {"Regex": s}; literal gets the first, *re the second. */
static int parse_pattern(struct parse *p, struct span v, struct span *literal, pcre2_code **re)
{
	struct span s = text_of(p, json_kind(v) == JSON_STRING ? v : json_member(v, "String"));

	*re = NULL;
	if (s.s) {
		*literal = s;
		return s.n ? 0 : err_set(p->e, "an empty pattern");
	}
	s = text_of(p, json_member(v, "Regex"));
	if (!s.s)
		return err_set(p->e, "a pattern is neither String nor Regex");
	return (*re = tok_regex(s, p->e)) ? 0 : -1;
}

static int parse_norm(struct parse *p, struct span v, int depth)
{
	static const struct { const char *name; enum tok_norm_kind kind; } plain[] = {
		{"NFC", NORM_NFC}, {"NFD", NORM_NFD}, {"NFKC", NORM_NFKC}, {"NFKD", NORM_NFKD}, {"Lowercase", NORM_LOWER},
		{"StripAccents", NORM_ACCENTS},
	};
	struct tokenizer *t = p->t;
	struct tok_norm *x;
	const char *type;
	size_t i;

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	type = type_of(p, v);
	if (!strcmp(type, "Sequence")) {
		struct json_iter it = {0};
		struct span key, value;

		if (depth > 8)
			return err_set(p->e, "normalizer: sequences nested too deep");
		while (json_next(&it, json_member(v, "normalizers"), &key, &value))
			if (parse_norm(p, value, depth + 1))
				return -1;
		return 0;
	}
	if (t->norms_n == TOK_STAGES_MAX)
		return err_set(p->e, "normalizer: more than %d stages", TOK_STAGES_MAX);
	x = &t->norms[t->norms_n++];
	memset(x, 0, sizeof *x);
	for (i = 0; i < sizeof plain / sizeof *plain; i++)
		if (!strcmp(type, plain[i].name)) {
			x->kind = plain[i].kind;
			return 0;
		}
	if (!strcmp(type, "Prepend")) {
		x->kind = NORM_PREPEND;
		x->with = text_of(p, json_member(v, "prepend"));
	} else if (!strcmp(type, "Replace")) {
		x->kind = NORM_REPLACE;
		x->with = text_of(p, json_member(v, "content"));
		if (parse_pattern(p, json_member(v, "pattern"), &x->what, &x->pattern))
			return err_prefix(p->e, "normalizer Replace");
	} else if (!strcmp(type, "Strip")) {
		x->kind = NORM_STRIP;
		x->left = flag(v, "strip_left", 1);
		x->right = flag(v, "strip_right", 1);
		return 0;
	} else {
		return err_set(p->e, "normalizer \"%s\" is not supported", type);
	}
	return x->with.s ? 0 : err_set(p->e, "normalizer %s lacks its text", type);
}

/* --- pre-tokenizer --- */

static struct tok_split *split_new(struct parse *p)
{
	struct tokenizer *t = p->t;

	if (t->splits_n == TOK_STAGES_MAX) {
		err_set(p->e, "pre_tokenizer: more than %d stages", TOK_STAGES_MAX);
		return NULL;
	}
	memset(&t->splits[t->splits_n], 0, sizeof *t->splits);
	return &t->splits[t->splits_n++];
}

static int split_by(struct parse *p, const char *pattern, enum tok_behaviour how, int invert)
{
	struct tok_split *x = split_new(p);

	if (!x || !(x->pattern = tok_regex(span_of(pattern), p->e)))
		return -1;
	x->behaviour = how;
	x->invert = invert;
	return 0;
}

static int parse_behaviour(struct parse *p, struct span v, enum tok_behaviour otherwise, enum tok_behaviour *how)
{
	static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
	struct span s = text_of(p, json_member(v, "behavior"));
	int i;

	*how = otherwise;
	if (!s.s)
		return 0;
	for (i = 0; i < 5; i++)
		if (span_is(s, names[i])) {
			*how = (enum tok_behaviour)i;
			return 0;
		}
	return err_set(p->e, "pre_tokenizer: behavior \"%s\" is not supported", s.s);
}

static int parse_metaspace(struct parse *p, struct span v)
{
	struct tok_split *x = split_new(p);
	struct span scheme = text_of(p, json_member(v, "prepend_scheme"));

	if (!x)
		return -1;
	x->kind = SPLIT_METASPACE;
	x->with = text_of(p, json_member(v, "replacement"));
	if (!x->with.n)
		return err_set(p->e, "pre_tokenizer Metaspace has no replacement");
	x->split = flag(v, "split", 1);
	if (scheme.s)
		x->prepend = span_is(scheme, "always") ? PREPEND_ALWAYS : span_is(scheme, "first") ? PREPEND_FIRST : PREPEND_NEVER;
	else
		x->prepend = flag(v, "add_prefix_space", 1) ? PREPEND_ALWAYS : PREPEND_NEVER;
	return 0;
}

static int parse_split(struct parse *p, struct span v, int depth)
{
	static const char gpt2[] =
		"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
	struct tokenizer *t = p->t;
	enum tok_behaviour how;
	const char *type;

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	type = type_of(p, v);
	if (!strcmp(type, "Sequence")) {
		struct json_iter it = {0};
		struct span key, value;

		if (depth > 8)
			return err_set(p->e, "pre_tokenizer: sequences nested too deep");
		while (json_next(&it, json_member(v, "pretokenizers"), &key, &value))
			if (parse_split(p, value, depth + 1))
				return -1;
		return 0;
	}
	if (t->byte_level)
		return err_set(p->e, "pre_tokenizer \"%s\" after ByteLevel is not supported", type);
	if (!strcmp(type, "ByteLevel")) {
		if (flag(v, "add_prefix_space", 1)) {
			struct tok_split *x = split_new(p);

			if (!x)
				return -1;
			x->kind = SPLIT_SPACE;
		}
		t->byte_level = 1;
		return flag(v, "use_regex", 1) ? split_by(p, gpt2, BEHAVE_ISOLATED, 0) : 0;
	}
	if (!strcmp(type, "Split")) {
		struct tok_split *x = split_new(p);
		struct span literal = {NULL, 0};

		if (!x || parse_pattern(p, json_member(v, "pattern"), &literal, &x->pattern) ||
		    (!x->pattern && !(x->pattern = tok_regex_literal(literal, p->e))))
			return err_prefix(p->e, "pre_tokenizer Split");
		x->invert = flag(v, "invert", 0);
		return parse_behaviour(p, v, BEHAVE_REMOVED, &x->behaviour);
	}
	if (!strcmp(type, "Metaspace"))
		return parse_metaspace(p, v);
	if (!strcmp(type, "Digits"))
		return split_by(p, "\\p{N}", flag(v, "individual_digits", 0) ? BEHAVE_ISOLATED : BEHAVE_CONTIGUOUS, 0);
	if (!strcmp(type, "Punctuation"))
		return parse_behaviour(p, v, BEHAVE_ISOLATED, &how) ? -1 : split_by(p, "[\\p{P}!-/:-@\\x5b-`{-~]", how, 0);
	if (!strcmp(type, "WhitespaceSplit"))
		return split_by(p, "\\s", BEHAVE_REMOVED, 0);
	if (!strcmp(type, "Whitespace")) /* \w of the Rust crate regex */
		return split_by(p,
				"[\\p{L}\\p{Nl}\\p{M}\\p{Nd}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}"
				"\\x{1f170}-\\x{1f189}\\x{200c}\\x{200d}]+|"
				"[^\\s\\p{L}\\p{Nl}\\p{M}\\p{Nd}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}"
				"\\x{1f170}-\\x{1f189}\\x{200c}\\x{200d}]+",
				BEHAVE_REMOVED, 1);
	return err_set(p->e, "pre_tokenizer \"%s\" is not supported", type);
}

/* --- post-processor --- */

static int template_ids(struct parse *p, struct span post, struct span name, struct tokens *to)
{
	struct json_iter it = {0};
	struct span key, value, specials = json_member(post, "special_tokens");
	int64_t id;

	while (json_kind(specials) == JSON_OBJECT && json_next(&it, specials, &key, &value)) {
		struct json_iter ids = {0};
		struct span k, v;

		if (!json_equal(key, name))
			continue;
		while (json_next(&ids, json_member(value, "ids"), &k, &v)) {
			if (json_int(v, &id) || id < 0 || id >= p->t->size)
				return err_set(p->e, "post_processor: an id that is no token");
			tokens_add(to, (int32_t)id);
		}
		return 0;
	}
	return err_set(p->e, "post_processor: special token %.*s is not listed", (int)name.n, name.s);
}

/* ["</s>", 2] of BertProcessing and RobertaProcessing. */
static int pair_id(struct parse *p, struct span v, struct tokens *to)
{
	int64_t id;

	if (json_int(json_element(v, 1), &id) || id < 0 || id >= p->t->size)
		return err_set(p->e, "post_processor: an id that is no token");
	tokens_add(to, (int32_t)id);
	return 0;
}

static int parse_post(struct parse *p, struct span v, int depth)
{
	struct tokenizer *t = p->t;
	struct json_iter it = {0};
	struct span key, value;
	const char *type;
	int seen = 0;

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	type = type_of(p, v);
	if (!strcmp(type, "Sequence")) {
		if (depth > 8)
			return err_set(p->e, "post_processor: sequences nested too deep");
		while (json_next(&it, json_member(v, "processors"), &key, &value))
			if (parse_post(p, value, depth + 1))
				return -1;
		return 0;
	}
	if (!strcmp(type, "ByteLevel")) /* moves offsets only */
		return 0;
	if (t->prefix.n || t->suffix.n)
		return err_set(p->e, "post_processor: more than one stage adds tokens");
	if (!strcmp(type, "BertProcessing") || !strcmp(type, "RobertaProcessing"))
		return pair_id(p, json_member(v, "cls"), &t->prefix) || pair_id(p, json_member(v, "sep"), &t->suffix) ? -1 : 0;
	if (strcmp(type, "TemplateProcessing"))
		return err_set(p->e, "post_processor \"%s\" is not supported", type);
	while (json_next(&it, json_member(v, "single"), &key, &value)) {
		struct span special = json_member(json_member(value, "SpecialToken"), "id");

		if (json_kind(json_member(value, "Sequence")) == JSON_OBJECT) {
			if (seen++)
				return err_set(p->e, "post_processor: the text stands twice");
		} else if (json_kind(special) != JSON_STRING) {
			return err_set(p->e, "post_processor: an entry is neither text nor special token");
		} else if (template_ids(p, v, special, seen ? &t->suffix : &t->prefix)) {
			return -1;
		}
	}
	return seen ? 0 : err_set(p->e, "post_processor: the text stands nowhere");
}

/* --- decoder --- */

struct decoders {
	struct span what[TOK_STAGES_MAX], with[TOK_STAGES_MAX]; /* Replace */
	size_t n;
	int byte_fallback, fused, level, metaspace;
};

static int parse_decoder(struct parse *p, struct span v, struct decoders *d, int depth)
{
	struct tokenizer *t = p->t;
	struct json_iter it = {0};
	struct span key, value;
	const char *type = type_of(p, v);
	pcre2_code *re = NULL;
	int64_t start = 0, stop = 0;

	if (!strcmp(type, "Sequence")) {
		if (depth > 8)
			return err_set(p->e, "decoder: sequences nested too deep");
		while (json_next(&it, json_member(v, "decoders"), &key, &value))
			if (parse_decoder(p, value, d, depth + 1))
				return -1;
		return 0;
	}
	if (!strcmp(type, "ByteLevel")) {
		t->decode_bytes = 1;
	} else if (!strcmp(type, "ByteFallback")) {
		d->byte_fallback = 1;
	} else if (!strcmp(type, "Fuse")) {
		d->fused = 1;
	} else if (!strcmp(type, "Replace") || !strcmp(type, "Metaspace")) {
		if (d->n == TOK_STAGES_MAX)
			return err_set(p->e, "decoder: more than %d stages", TOK_STAGES_MAX);
		if (*type == 'M') {
			struct span scheme = text_of(p, json_member(v, "prepend_scheme"));

			d->what[d->n] = text_of(p, json_member(v, "replacement"));
			d->with[d->n] = tok_keep(&t->arena, " ", 1);
			t->strip_first_token = scheme.s ? !span_is(scheme, "never") : flag(v, "add_prefix_space", 1);
			t->strip_char = ' ';
		} else {
			if (parse_pattern(p, json_member(v, "pattern"), &d->what[d->n], &re))
				return err_prefix(p->e, "decoder Replace");
			if (re) {
				pcre2_code_free(re);
				return err_set(p->e, "decoder Replace with a Regex is not supported");
			}
			d->with[d->n] = text_of(p, json_member(v, "content"));
		}
		if (!d->what[d->n].n || !d->with[d->n].s)
			return err_set(p->e, "decoder %s lacks its text", type);
		d->n++;
	} else if (!strcmp(type, "Strip")) {
		struct span c = text_of(p, json_member(v, "content"));

		if (json_int(json_member(v, "start"), &start) || json_int(json_member(v, "stop"), &stop) || stop != 0 || start < 0 ||
		    start > 1000 || c.n != 1 || !d->fused)
			return err_set(p->e, "decoder Strip is supported after Fuse, of one ASCII character, at the start only");
		t->decode_strip = (int)start;
		t->strip_char = c.s[0];
	} else {
		return err_set(p->e, "decoder \"%s\" is not supported", type);
	}
	return 0;
}

/* What a token decodes to. */
static void token_bytes(struct parse *p, struct tok_token *k, const struct decoders *d)
{
	struct tokenizer *t = p->t;
	struct buf *b = &p->scratch;
	struct tok_norm replace = {.kind = NORM_REPLACE};
	size_t at, i;
	int32_t c;
	int bad, byte;

	buf_clear(b);
	if (t->decode_bytes) {
		for (at = 0; at < k->text.n; at += (size_t)byte) {
			byte = tok_utf8(k->text.s + at, k->text.n - at, &c, &bad);
			if (!byte || tok_char_byte(c) < 0) {
				k->bytes = k->text; /* not written in the alphabet: the text itself */
				return;
			}
			buf_addc(b, tok_char_byte(c));
		}
		k->bytes = tok_keep(&t->arena, b->data ? b->data : "", b->len);
		return;
	}
	k->bytes = k->text;
	for (i = 0; i < d->n; i++) {
		const char *s;
		struct buf to = BUF_INIT;
		size_t from = 0;

		replace.what = d->what[i];
		if (!memmem(k->bytes.s, k->bytes.n, replace.what.s, replace.what.n))
			continue;
		while ((s = memmem(k->bytes.s + from, k->bytes.n - from, replace.what.s, replace.what.n))) {
			buf_add(&to, k->bytes.s + from, (size_t)(s - k->bytes.s) - from);
			buf_addspan(&to, d->with[i]);
			from = (size_t)(s - k->bytes.s) + replace.what.n;
		}
		buf_add(&to, k->bytes.s + from, k->bytes.n - from);
		k->bytes = tok_keep(&t->arena, to.data, to.len);
		buf_release(&to);
	}
	if (d->byte_fallback && k->text.n == 6 && !memcmp(k->text.s, "<0x", 3) && k->text.s[5] == '>') {
		char digits[3] = {k->text.s[3], k->text.s[4], 0}, *end, one;

		one = (char)strtol(digits, &end, 16);
		if (end == digits + 2) {
			k->bytes = tok_keep(&t->arena, &one, 1);
			k->flags |= TOK_BYTE;
		}
	}
}

static int finish(struct parse *p, struct span decoder)
{
	struct tokenizer *t = p->t;
	struct decoders d = {.n = 0};
	int32_t i;
	int b;

	if (json_kind(decoder) == JSON_NULL || json_kind(decoder) == JSON_NONE)
		t->decode_join = 1;
	else if (parse_decoder(p, decoder, &d, 0))
		return -1;
	if (t->decode_bytes && (d.n || d.byte_fallback || t->decode_strip))
		return err_set(p->e, "decoder ByteLevel beside others is not supported");
	for (i = 0; i < t->size; i++)
		if (t->tokens[i].text.s)
			token_bytes(p, &t->tokens[i], &d);
	if (!t->byte_level)
		return 0;
	t->cut_at_space = 0;
	for (b = 0; b < 256; b++) {
		int32_t c = tok_byte_char(b);
		char u[2] = {(char)c, 0};
		size_t n = 1;

		if (c >= 128) {
			u[0] = (char)(0xc0 | c >> 6);
			u[1] = (char)(0x80 | (c & 0x3f));
			n = 2;
		}
		t->byte_id[b] = tok_table_find(t, &t->by_text, u, n);
		if (t->byte_id[b] >= t->vocab_only)
			t->byte_id[b] = -1;
	}
	if (t->ignore_merges) {
		if (!t->decode_bytes)
			return err_set(p->e, "a ByteLevel pre_tokenizer without a ByteLevel decoder is not supported");
		tok_table_make(&t->by_bytes, (size_t)t->vocab_only);
		for (i = 0; i < t->vocab_only; i++)
			if (t->tokens[i].bytes.s && t->tokens[i].bytes.s != t->tokens[i].text.s)
				tok_table_add(t, &t->by_bytes, i);
	}
	return 0;
}

static int32_t named(struct parse *p, struct span config, const char *name)
{
	struct span v = json_member(config, name);
	struct span s = text_of(p, json_kind(v) == JSON_OBJECT ? json_member(v, "content") : v);

	return s.s ? tok_table_find(p->t, &p->t->by_text, s.s, s.n) : -1;
}

struct tokenizer *tokenizer_parse(struct span json, struct span config, struct err *e)
{
	struct tokenizer *t = mem_alloc(1, sizeof *t);
	struct parse p = {t, BUF_INIT, e};
	struct span v, c = {NULL, 0};

	pthread_mutex_init(&t->lock, NULL);
	t->unk = t->bos = t->eos = t->pad = t->unk_named = -1;
	if (json_check(json, &v, e))
		goto failed;
	if (config.s && json_check(config, &c, e)) {
		err_prefix(e, "tokenizer_config.json");
		goto failed;
	}
	if (parse_model(&p, json_member(v, "model")) || parse_norm(&p, json_member(v, "normalizer"), 0) ||
	    parse_split(&p, json_member(v, "pre_tokenizer"), 0) ||
	    parse_added(&p, json_member(v, "added_tokens"), json_member(c, "added_tokens_decoder")) ||
	    parse_post(&p, json_member(v, "post_processor"), 0) || finish(&p, json_member(v, "decoder")) || make_tries(&p))
		goto failed;
	t->bos = named(&p, c, "bos_token");
	t->eos = named(&p, c, "eos_token");
	t->pad = named(&p, c, "pad_token");
	t->unk_named = t->unk >= 0 ? t->unk : named(&p, c, "unk_token");
	if (t->eos >= 0)
		tokens_add(&t->stops, t->eos);
	buf_release(&p.scratch);
	return t;
failed:
	buf_release(&p.scratch);
	tokenizer_free(t);
	return NULL;
}
