/* The tokenizer and the chat template as GGUF's pairs. See gguf.h.
 *
 * llama.cpp knows two kinds of BPE. "gpt2": byte-level, with merges, and a name for the way text is
 * cut before (tokenizer.ggml.pre). "llama": SentencePiece, which joins the neighbours whose joint
 * token has the best score; the score that gives the order of the merges is minus the rank of the
 * first merge that makes the token.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/json.h"
#include "gguf.h"

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5, BYTE = 6 };

#define TEMPLATE_MAX ((size_t)16 << 20)

struct vocab {
	const struct tokenizer *t;
	struct buf file;
	struct span json, model, merges;
	int sentencepiece;
};

static int is_byte_token(struct span s)
{
	return s.n == 6 && memcmp(s.s, "<0x", 3) == 0 && s.s[5] == '>';
}

static uint32_t kind(const struct vocab *v, int32_t id)
{
	struct span s = tokenizer_token(v->t, id);

	if (!s.s)
		return UNUSED;
	if (v->sentencepiece && id == tokenizer_unk(v->t))
		return UNKNOWN;
	if (tokenizer_is_special(v->t, id))
		return CONTROL;
	if (tokenizer_is_added(v->t, id))
		return USER_DEFINED;
	return v->sentencepiece && is_byte_token(s) ? BYTE : NORMAL;
}

static void put_u32(struct gguf *g, uint32_t x)
{
	unsigned char le[4] = {x & 255, x >> 8 & 255, x >> 16 & 255, x >> 24};

	buf_add(&g->pairs, le, 4);
}

static void add_tokens(struct gguf *g, const struct vocab *v, size_t n)
{
	gguf_array(g, "tokenizer.ggml.tokens", GGUF_STRING, n);
	for (size_t i = 0; i < n; i++) {
		struct span s = tokenizer_token(v->t, (int32_t)i);
		char pad[32];

		if (!s.s) {
			snprintf(pad, sizeof pad, "[PAD%zu]", i);
			s = span_of(pad);
		}
		gguf_put_string(g, s);
	}
	gguf_array(g, "tokenizer.ggml.token_type", GGUF_I32, n);
	for (size_t i = 0; i < n; i++)
		put_u32(g, kind(v, (int32_t)i));
}

/* "a b", however the file writes it. */
static int merge_text(struct span m, struct buf *text, size_t *left, struct err *e)
{
	buf_clear(text);
	if (json_kind(m) == JSON_ARRAY && json_count(m) == 2) {
		json_string(json_element(m, 0), text);
		*left = text->len;
		buf_addc(text, ' ');
		json_string(json_element(m, 1), text);
		return 0;
	}
	if (json_string(m, text) == 0) {
		const char *space =
			text->len > 1 ? memchr(text->data + 1, ' ', text->len - 1) : NULL;

		if (space) {
			*left = (size_t)(space - text->data);
			return 0;
		}
	}
	return err_set(e, "tokenizer.json: a merge is no pair");
}

static int add_merges(struct gguf *g, const struct vocab *v, struct err *e)
{
	struct json_iter it = {0};
	struct span key, m;
	struct buf text = BUF_INIT;
	size_t left;
	int rc = 0;

	gguf_array(g, "tokenizer.ggml.merges", GGUF_STRING, json_count(v->merges));
	while (!rc && json_next(&it, v->merges, &key, &m))
		if (!(rc = merge_text(m, &text, &left, e)))
			gguf_put_string(g, buf_span(&text));
	buf_release(&text);
	return rc;
}

static int add_scores(struct gguf *g, const struct vocab *v, size_t n, struct err *e)
{
	float *score = mem_alloc(n, sizeof *score);
	struct json_iter it = {0};
	struct span key, m;
	struct buf text = BUF_INIT;
	size_t left, rank = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		score[i] = kind(v, (int32_t)i) == NORMAL ? -1e6f : 0;
	while (!rc && json_next(&it, v->merges, &key, &m)) {
		int32_t id;

		if ((rc = merge_text(m, &text, &left, e)))
			break;
		memmove(text.data + left, text.data + left + 1, --text.len - left);
		id = tokenizer_id(v->t, buf_span(&text));
		rank++;
		if (id >= 0 && (size_t)id < n && score[id] == -1e6f)
			score[id] = -(float)rank;
	}
	gguf_array(g, "tokenizer.ggml.scores", GGUF_F32, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &score[i], 4);
		put_u32(g, bits);
	}
	buf_release(&text);
	free(score);
	return rc;
}

/* llama.cpp's name for the way text is cut before merging, told by what is particular in
 * tokenizer.json. */
static const char *pre_name(const struct vocab *v)
{
	static const struct {
		const char *mark, *name;
	} known[] = {
		{"\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*", "llama-bpe"},
		{"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| ?", "qwen2"},
		/* of words with capitals as the next, and of numbers by three */
		{"\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*", "gpt-4o"},
		{"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*",
		 "tekken"},
		{"\"Digits\"", "smollm"},
	};
	struct span pre = json_member(v->json, "pre_tokenizer");

	for (size_t i = 0; pre.s && i < sizeof known / sizeof *known; i++)
		if (memmem(pre.s, pre.n, known[i].mark, strlen(known[i].mark)))
			return known[i].name;
	/* Without merges every byte is a token, however text is cut. */
	if (json_count(v->merges) == 0 || (pre.s && !memmem(pre.s, pre.n, "\"Split\"", 7) &&
					   memmem(pre.s, pre.n, "\"ByteLevel\"", 11)))
		return "gpt-2";
	return NULL;
}

static void add_id(struct gguf *g, const char *key, int32_t id)
{
	if (id >= 0)
		gguf_u32(g, key, (uint32_t)id);
}

static int has_id(const int32_t *ids, size_t n, int32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

/* The template's text, from the files that chat_load reads; length 0 where there is none. */
static int find_template(const char *dir, struct buf *out, struct err *e)
{
	static const char *const files[] = {"chat_template.json", "tokenizer_config.json"};
	char *path = file_join(dir, "chat_template.jinja");
	int rc = file_exists(path) ? file_read(path, TEMPLATE_MAX, out, e) : 0;

	free(path);
	for (size_t i = 0; i < 2 && !rc && out->len == 0; i++) {
		struct buf text = BUF_INIT;
		struct span v, t, key, x;
		struct json_iter it = {0};

		path = file_join(dir, files[i]);
		if (file_exists(path)) {
			rc = json_file(path, TEMPLATE_MAX, &text, &v, e);
			t = rc ? (struct span){NULL, 0} : json_member(v, "chat_template");
			if (json_kind(t) == JSON_STRING)
				json_string(t, out);
			while (json_kind(t) == JSON_ARRAY && json_next(&it, t, &key, &x))
				if (json_is(json_member(x, "name"), "default"))
					json_string(json_member(x, "template"), out);
		}
		buf_release(&text);
		free(path);
	}
	return rc;
}

static int add_all(struct gguf *g, struct vocab *v, const char *dir, size_t vocab, struct err *e)
{
	size_t n,
		size = (size_t)tokenizer_size(v->t) > vocab ? (size_t)tokenizer_size(v->t) : vocab;
	const int32_t *prefix = tokenizer_prefix(v->t, &n), *suffix;
	struct buf template = BUF_INIT;
	struct tokens probe = {0};
	const char *pre;
	int rc;

	if (size > vocab)
		return err_set(e,
			       "the tokenizer has %zu tokens, the model %zu: they do not belong together",
			       size, vocab);
	v->sentencepiece = json_kind(json_member(v->model, "byte_fallback")) == JSON_TRUE ||
			   tokenizer_id(v->t, span_of("\xe2\x96\x81")) >= 0;
	gguf_string(g, "tokenizer.ggml.model", span_of(v->sentencepiece ? "llama" : "gpt2"));
	add_tokens(g, v, size);
	if (v->sentencepiece) {
		gguf_string(g, "tokenizer.ggml.pre", span_of("default"));
		if (add_scores(g, v, size, e))
			return -1;
		/* Whether a space is put first shows in what becomes of a letter. */
		if (tokenizer_encode(v->t, span_of("a"), 0, &probe, e))
			return -1;
		gguf_bool(g, "tokenizer.ggml.add_space_prefix",
			  probe.n > 0 && tokenizer_token(v->t, probe.ids[0]).n >= 3 &&
				  memcmp(tokenizer_token(v->t, probe.ids[0]).s, "\xe2\x96\x81",
					 3) == 0);
		tokens_release(&probe);
	} else {
		if (!(pre = pre_name(v)))
			return err_set(e,
				       "tokenizer.json: llama.cpp has no name for this pre-tokenizer, and would cut text otherwise");
		gguf_string(g, "tokenizer.ggml.pre", span_of(pre));
		if (add_merges(g, v, e))
			return -1;
	}
	add_id(g, "tokenizer.ggml.bos_token_id", tokenizer_bos(v->t));
	add_id(g, "tokenizer.ggml.eos_token_id", tokenizer_eos(v->t));
	add_id(g, "tokenizer.ggml.padding_token_id", tokenizer_pad(v->t));
	add_id(g, "tokenizer.ggml.unknown_token_id", tokenizer_unk(v->t));
	gguf_bool(g, "tokenizer.ggml.add_bos_token",
		  tokenizer_bos(v->t) >= 0 && has_id(prefix, n, tokenizer_bos(v->t)));
	suffix = tokenizer_suffix(v->t, &n);
	gguf_bool(g, "tokenizer.ggml.add_eos_token",
		  tokenizer_eos(v->t) >= 0 && has_id(suffix, n, tokenizer_eos(v->t)));
	rc = find_template(dir, &template, e);
	if (!rc && template.len > 0)
		gguf_string(g, "tokenizer.chat_template", buf_span(&template));
	buf_release(&template);
	return rc;
}

int gguf_add_tokenizer(struct gguf *g, const struct tokenizer *t, const char *dir, size_t vocab,
		       struct err *e)
{
	struct vocab v = {.t = t};
	char *path = file_join(dir, "tokenizer.json");
	int rc = json_file(path, TOKENIZER_FILE_MAX, &v.file, &v.json, e);

	if (!rc) {
		v.model = json_member(v.json, "model");
		v.merges = json_member(v.model, "merges");
		rc = add_all(g, &v, dir, vocab, e);
	}
	buf_release(&v.file);
	free(path);
	return rc;
}
