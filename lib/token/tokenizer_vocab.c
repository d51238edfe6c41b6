/* tokenizer.json into the tables that the other files work on: vocabulary, merges and added
 * tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "tokenizer_parse.h"

/* --- vocabulary --- */

static int token_slot(struct tok_parse *p, int64_t id, const char *what)
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

static int parse_vocab(struct tok_parse *p, struct span vocab)
{
	struct tokenizer *t = p->t;
	struct json_iter it = {0};
	struct span key, value;
	int64_t id;

	if (json_kind(vocab) != JSON_OBJECT)
		return err_set(p->e, "model.vocab is no object");
	while (json_next(&it, vocab, &key, &value)) {
		struct span s = tok_text_of(p, key);

		if (json_int(value, &id))
			return err_set(p->e, "model.vocab: the id of \"%s\" is no integer", s.s);
		if (token_slot(p, id, "model.vocab"))
			return -1;
		if (t->tokens[id].text.s)
			return err_set(p->e, "model.vocab: \"%s\" and \"%s\" have the same id %lld",
				       t->tokens[id].text.s, s.s, (long long)id);
		t->tokens[id].text = s;
	}
	if (!t->size)
		return err_set(p->e, "model.vocab is empty");
	t->vocab_only = t->size;
	return 0;
}

static int parse_merges(struct tok_parse *p, struct span merges)
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

			if (json_string(value, &joined) || !joined.len ||
			    !(space = memchr(joined.data, ' ', joined.len)))
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
			err_set(p->e,
				"model.merges[%u] joins \"%.*s\" and \"%s\", but \"%s\" is not in the vocabulary",
				rank, (int)cut, joined.data, joined.data + cut,
				left < 0    ? "the first"
				: right < 0 ? "the second"
					    : "what they make");
			goto cleanup;
		}
		tok_pairs_add(t, left, right, rank, id);
		crosses |= joined.len - cut >= 3 && !memcmp(joined.data + cut, "\xe2\x96\x81", 3) &&
			   !(cut >= 3 && !memcmp(joined.data + cut - 3, "\xe2\x96\x81", 3));
	}
	t->cut_at_space = !crosses && !t->ignore_merges &&
			  tok_table_find(t, &t->by_text, "\xe2\x96\x81", 3) >= 0;
	rc = 0;
	goto cleanup;
malformed:
	err_set(p->e, "model.merges[%u] is no pair of tokens", rank);
cleanup:
	buf_release(&joined);
	return rc;
}

/* Families say little of their tokenizers, so the names of those that have this one help. */
static int refuse_type(struct tok_parse *p, const char *type)
{
	static const struct {
		const char *type, *families;
	} others[] = {
		{"WordPiece",
		 "that of BERT and the models of sentences and rerankers made from it"},
		{"Unigram", "that of T5, ALBERT and XLM-RoBERTa"},
		{"WordLevel", "of old models of single words"},
	};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(type, others[i].type) == 0)
			return err_set(p->e,
				       "model type \"%s\" is not supported: it is %s, none of which generate text here; the families of ft-model(5) have BPE",
				       type, others[i].families);
	return err_set(p->e, "model type \"%s\" is not supported (BPE is)", type);
}

int tok_parse_model(struct tok_parse *p, struct span m)
{
	struct tokenizer *t = p->t;
	struct span unk;
	const char *type = tok_type_of(p, m);
	int32_t i;
	int b;

	if (json_kind(m) != JSON_OBJECT)
		return err_set(p->e, "it has no \"model\"");
	/* Early files leave the type out; having merges they are BPE. */
	if (strcmp(type, "BPE") && !(!*type && tok_is_set(m, "merges")))
		return refuse_type(p, type);
	if (tok_is_set(m, "dropout")) {
		double x;

		if (json_number(json_member(m, "dropout"), &x) || x != 0)
			return err_set(p->e, "model.dropout is not supported");
	}
	if (tok_text_of(p, json_member(m, "continuing_subword_prefix")).n ||
	    tok_text_of(p, json_member(m, "end_of_word_suffix")).n)
		return err_set(p->e,
			       "model.continuing_subword_prefix and end_of_word_suffix are not supported");
	t->fuse_unk = tok_flag(m, "fuse_unk", 0);
	t->byte_fallback = tok_flag(m, "byte_fallback", 0);
	t->ignore_merges = tok_flag(m, "ignore_merges", 0);
	if (parse_vocab(p, json_member(m, "vocab")))
		return -1;
	/* Room for added tokens too: the table is not made again. */
	tok_table_make(&t->by_text, (size_t)t->size + (1 << 16));
	for (i = 0; i < t->size; i++)
		if (t->tokens[i].text.s)
			tok_table_add(t, &t->by_text, i);
	unk = tok_text_of(p, json_member(m, "unk_token"));
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

static void tok_trie_add(struct tok_trie *trie, struct span s, int32_t id)
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
static int added_token(struct tok_parse *p, struct span v, int64_t id)
{
	struct tokenizer *t = p->t;
	struct span s = tok_text_of(p, json_member(v, "content"));
	int32_t old;
	int flags = TOK_ADDED;

	if (!s.s)
		return err_set(p->e, "added token %lld has no \"content\"", (long long)id);
	/* They are looked for at each place of a text. */
	if (s.n > TOK_ADDED_BYTES)
		return err_set(p->e, "added token %lld is longer than %d bytes", (long long)id,
			       TOK_ADDED_BYTES);
	flags |= tok_flag(v, "special", 0) ? TOK_SPECIAL : 0;
	flags |= tok_flag(v, "lstrip", 0) ? TOK_LSTRIP : 0;
	flags |= tok_flag(v, "rstrip", 0) ? TOK_RSTRIP : 0;
	flags |= tok_flag(v, "single_word", 0) ? TOK_SINGLE_WORD : 0;
	flags |= tok_flag(v, "normalized", !(flags & TOK_SPECIAL)) ? TOK_NORMALIZED : 0;
	old = tok_table_find(t, &t->by_text, s.s, s.n);
	if (old >= 0 && old != id)
		return err_set(p->e,
			       "added token \"%s\" has the id %lld, but the vocabulary gives it %d",
			       s.s, (long long)id, (int)old);
	if (old < 0) {
		if (token_slot(p, id, "added_tokens"))
			return -1;
		if (t->tokens[id].text.s)
			return err_set(p->e, "added token \"%s\" has the id %lld of \"%s\"", s.s,
				       (long long)id, t->tokens[id].text.s);
		t->tokens[id].text = s;
		tok_table_add(t, &t->by_text, (int32_t)id);
	}
	t->tokens[id].flags |= flags;
	return 0;
}

int tok_parse_added(struct tok_parse *p, struct span list, struct span decoder)
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
		struct span s = tok_text_of(p, key);
		char *end;

		id = s.s ? strtoll(s.s, &end, 10) : -1;
		if (!s.n || *end || id < 0 || id >= TOK_ID_MAX)
			return err_set(p->e, "added_tokens_decoder: \"%s\" is no id",
				       s.s ? s.s : "");
		if ((id >= t->size || !(t->tokens[id].flags & TOK_ADDED)) &&
		    added_token(p, value, id))
			return -1;
	}
	return 0;
}

/* Tokens that are matched on raw text, and those matched after normalization (as they are when
 * normalized). */
int tok_make_tries(struct tok_parse *p)
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
