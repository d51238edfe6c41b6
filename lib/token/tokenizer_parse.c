/* tokenizer.json into the tables that the other files work on: the stages around the vocabulary.
 * Whatever is not understood is refused by name. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "tokenizer_parse.h"

struct span tok_text_of(struct tok_parse *p, struct span v)
{
	buf_clear(&p->scratch);
	if (json_kind(v) != JSON_STRING || json_string(v, &p->scratch))
		return (struct span){NULL, 0};
	return arena_text(&p->t->arena, p->scratch.data ? p->scratch.data : "", p->scratch.len);
}

const char *tok_type_of(struct tok_parse *p, struct span v)
{
	struct span s = tok_text_of(p, json_member(v, "type"));

	return s.s ? s.s : "";
}

int tok_flag(struct span v, const char *name, int otherwise)
{
	enum json_kind k = json_kind(json_member(v, name));

	return k == JSON_TRUE ? 1 : k == JSON_FALSE ? 0 : otherwise;
}

int tok_is_set(struct span v, const char *name)
{
	enum json_kind k = json_kind(json_member(v, name));

	return k != JSON_NONE && k != JSON_NULL;
}

/* The parts of a "Sequence", each through parse. */
static int parse_sequence(struct tok_parse *p, struct span parts, const char *what, int depth,
			  int (*parse)(struct tok_parse *p, struct span v, int depth))
{
	struct json_iter it = {0};
	struct span key, value;

	if (depth > 8)
		return err_set(p->e, "%s: sequences nested too deep", what);
	while (json_next(&it, parts, &key, &value))
		if (parse(p, value, depth + 1))
			return -1;
	return 0;
}

/* --- normalizer --- */

/* {"String": s} or {"Regex": s}; literal gets the first, *re the second. */
static int parse_pattern(struct tok_parse *p, struct span v, struct span *literal, pcre2_code **re)
{
	struct span s = tok_text_of(p, json_kind(v) == JSON_STRING ? v : json_member(v, "String"));

	*re = NULL;
	if (s.s) {
		*literal = s;
		return s.n ? 0 : err_set(p->e, "an empty pattern");
	}
	s = tok_text_of(p, json_member(v, "Regex"));
	if (!s.s)
		return err_set(p->e, "a pattern is neither String nor Regex");
	return (*re = tok_regex(s, p->e)) ? 0 : -1;
}

static int parse_norm(struct tok_parse *p, struct span v, int depth)
{
	static const struct {
		const char *name;
		enum tok_norm_kind kind;
	} plain[] = {
		{"NFC", NORM_NFC},   {"NFD", NORM_NFD},		{"NFKC", NORM_NFKC},
		{"NFKD", NORM_NFKD}, {"Lowercase", NORM_LOWER}, {"StripAccents", NORM_ACCENTS},
	};
	struct tokenizer *t = p->t;
	struct tok_norm *x;
	const char *type;
	size_t i;

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	type = tok_type_of(p, v);
	if (!strcmp(type, "Sequence"))
		return parse_sequence(p, json_member(v, "normalizers"), "normalizer", depth,
				      parse_norm);
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
		x->with = tok_text_of(p, json_member(v, "prepend"));
	} else if (!strcmp(type, "Replace")) {
		x->kind = NORM_REPLACE;
		x->with = tok_text_of(p, json_member(v, "content"));
		if (parse_pattern(p, json_member(v, "pattern"), &x->what, &x->pattern))
			return err_prefix(p->e, "normalizer Replace");
	} else if (!strcmp(type, "Strip")) {
		x->kind = NORM_STRIP;
		x->left = tok_flag(v, "strip_left", 1);
		x->right = tok_flag(v, "strip_right", 1);
		return 0;
	} else {
		return err_set(p->e, "normalizer \"%s\" is not supported", type);
	}
	return x->with.s ? 0 : err_set(p->e, "normalizer %s lacks its text", type);
}

/* --- pre-tokenizer --- */

static struct tok_split *split_new(struct tok_parse *p)
{
	struct tokenizer *t = p->t;

	if (t->splits_n == TOK_STAGES_MAX) {
		err_set(p->e, "pre_tokenizer: more than %d stages", TOK_STAGES_MAX);
		return NULL;
	}
	memset(&t->splits[t->splits_n], 0, sizeof *t->splits);
	return &t->splits[t->splits_n++];
}

static int split_by(struct tok_parse *p, const char *pattern, enum tok_behaviour how, int invert)
{
	struct tok_split *x = split_new(p);

	if (!x || !(x->pattern = tok_regex(span_of(pattern), p->e)))
		return -1;
	x->behaviour = how;
	x->invert = invert;
	return 0;
}

static int parse_behaviour(struct tok_parse *p, struct span v, enum tok_behaviour otherwise,
			   enum tok_behaviour *how)
{
	static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
					    "MergedWithNext", "Contiguous"};
	struct span s = tok_text_of(p, json_member(v, "behavior"));
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

static int parse_metaspace(struct tok_parse *p, struct span v)
{
	struct tok_split *x = split_new(p);
	struct span scheme = tok_text_of(p, json_member(v, "prepend_scheme"));

	if (!x)
		return -1;
	x->kind = SPLIT_METASPACE;
	x->with = tok_text_of(p, json_member(v, "replacement"));
	if (!x->with.n)
		return err_set(p->e, "pre_tokenizer Metaspace has no replacement");
	x->split = tok_flag(v, "split", 1);
	if (scheme.s)
		x->prepend = span_is(scheme, "always")	? PREPEND_ALWAYS
			     : span_is(scheme, "first") ? PREPEND_FIRST
							: PREPEND_NEVER;
	else
		x->prepend = tok_flag(v, "add_prefix_space", 1) ? PREPEND_ALWAYS : PREPEND_NEVER;
	return 0;
}

static int parse_split(struct tok_parse *p, struct span v, int depth)
{
	static const char gpt2[] =
		"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
	struct tokenizer *t = p->t;
	enum tok_behaviour how;
	const char *type;

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	type = tok_type_of(p, v);
	if (!strcmp(type, "Sequence"))
		return parse_sequence(p, json_member(v, "pretokenizers"), "pre_tokenizer", depth,
				      parse_split);
	if (t->byte_level)
		return err_set(p->e, "pre_tokenizer \"%s\" after ByteLevel is not supported", type);
	if (!strcmp(type, "ByteLevel")) {
		if (tok_flag(v, "add_prefix_space", 1)) {
			struct tok_split *x = split_new(p);

			if (!x)
				return -1;
			x->kind = SPLIT_SPACE;
		}
		t->byte_level = 1;
		return tok_flag(v, "use_regex", 1) ? split_by(p, gpt2, BEHAVE_ISOLATED, 0) : 0;
	}
	if (!strcmp(type, "Split")) {
		struct tok_split *x = split_new(p);
		struct span literal = {NULL, 0};

		if (!x || parse_pattern(p, json_member(v, "pattern"), &literal, &x->pattern) ||
		    (!x->pattern && !(x->pattern = tok_regex_literal(literal, p->e))))
			return err_prefix(p->e, "pre_tokenizer Split");
		x->invert = tok_flag(v, "invert", 0);
		return parse_behaviour(p, v, BEHAVE_REMOVED, &x->behaviour);
	}
	if (!strcmp(type, "Metaspace"))
		return parse_metaspace(p, v);
	if (!strcmp(type, "Digits"))
		return split_by(p, "\\p{N}",
				tok_flag(v, "individual_digits", 0) ? BEHAVE_ISOLATED
								    : BEHAVE_CONTIGUOUS,
				0);
	if (!strcmp(type, "Punctuation"))
		return parse_behaviour(p, v, BEHAVE_ISOLATED, &how)
			       ? -1
			       : split_by(p, "[\\p{P}!-/:-@\\x5b-`{-~]", how, 0);
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

enum { TEMPLATE_MAX = 1000 }; /* tokens before a text, and behind it */

static int template_ids(struct tok_parse *p, struct span specials, struct span name,
			struct tokens *to)
{
	struct json_iter it = {0};
	struct span key, value;
	int64_t id;

	while (json_kind(specials) == JSON_OBJECT && json_next(&it, specials, &key, &value)) {
		struct json_iter ids = {0};
		struct span k, v;

		if (!json_equal(key, name))
			continue;
		struct span list = json_member(value, "ids");
		while (json_next(&ids, list, &k, &v)) {
			if (json_int(v, &id) || id < 0 || id >= p->t->size)
				return err_set(p->e, "post_processor: an id that is no token");
			tokens_add(to, (int32_t)id);
		}
		if (to->n > TEMPLATE_MAX)
			return err_set(p->e, "post_processor: more than %d tokens around the text",
				       TEMPLATE_MAX);
		return 0;
	}
	return err_set(p->e, "post_processor: special token %.*s is not listed", (int)name.n,
		       name.s);
}

/* ["</s>", 2] of BertProcessing and RobertaProcessing. */
static int pair_id(struct tok_parse *p, struct span v, struct tokens *to)
{
	int64_t id;

	if (json_int(json_element(v, 1), &id) || id < 0 || id >= p->t->size)
		return err_set(p->e, "post_processor: an id that is no token");
	tokens_add(to, (int32_t)id);
	return 0;
}

static int parse_post(struct tok_parse *p, struct span v, int depth)
{
	struct tokenizer *t = p->t;
	struct json_iter it = {0};
	struct span key, value;
	const char *type;
	int seen = 0;

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	type = tok_type_of(p, v);
	if (!strcmp(type, "Sequence"))
		return parse_sequence(p, json_member(v, "processors"), "post_processor", depth,
				      parse_post);
	if (!strcmp(type, "ByteLevel")) /* moves offsets only */
		return 0;
	if (t->prefix.n || t->suffix.n)
		return err_set(p->e, "post_processor: more than one stage adds tokens");
	if (!strcmp(type, "BertProcessing") || !strcmp(type, "RobertaProcessing"))
		return pair_id(p, json_member(v, "cls"), &t->prefix) ||
				       pair_id(p, json_member(v, "sep"), &t->suffix)
			       ? -1
			       : 0;
	if (strcmp(type, "TemplateProcessing"))
		return err_set(p->e, "post_processor \"%s\" is not supported", type);
	struct span parts = json_member(v, "single"), specials = json_member(v, "special_tokens");
	while (json_next(&it, parts, &key, &value)) {
		struct span special = json_member(json_member(value, "SpecialToken"), "id");

		if (json_kind(json_member(value, "Sequence")) == JSON_OBJECT) {
			if (seen++)
				return err_set(p->e, "post_processor: the text stands twice");
		} else if (json_kind(special) != JSON_STRING) {
			return err_set(p->e,
				       "post_processor: an entry is neither text nor special token");
		} else if (template_ids(p, specials, special, seen ? &t->suffix : &t->prefix)) {
			return -1;
		}
	}
	return seen ? 0 : err_set(p->e, "post_processor: the text stands nowhere");
}

/* --- decoder --- */

static int parse_decoder(struct tok_parse *p, struct span v, int depth)
{
	struct tokenizer *t = p->t;
	struct tok_decoders *d = &p->decoders;
	const char *type = tok_type_of(p, v);
	pcre2_code *re = NULL;
	int64_t start = 0, stop = 0;

	if (!strcmp(type, "Sequence"))
		return parse_sequence(p, json_member(v, "decoders"), "decoder", depth,
				      parse_decoder);
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
			struct span scheme = tok_text_of(p, json_member(v, "prepend_scheme"));

			d->what[d->n] = tok_text_of(p, json_member(v, "replacement"));
			d->with[d->n] = arena_text(&t->arena, " ", 1);
			t->strip_first_token = scheme.s ? !span_is(scheme, "never")
							: tok_flag(v, "add_prefix_space", 1);
			t->strip_char = ' ';
		} else {
			if (parse_pattern(p, json_member(v, "pattern"), &d->what[d->n], &re))
				return err_prefix(p->e, "decoder Replace");
			if (re) {
				pcre2_code_free(re);
				return err_set(p->e,
					       "decoder Replace with a Regex is not supported");
			}
			d->with[d->n] = tok_text_of(p, json_member(v, "content"));
		}
		if (!d->what[d->n].n || !d->with[d->n].s)
			return err_set(p->e, "decoder %s lacks its text", type);
		d->n++;
	} else if (!strcmp(type, "Strip")) {
		struct span c = tok_text_of(p, json_member(v, "content"));

		if (json_int(json_member(v, "start"), &start) ||
		    json_int(json_member(v, "stop"), &stop) || stop != 0 || start < 0 ||
		    start > 1000 || c.n != 1 || !d->fused)
			return err_set(p->e,
				       "decoder Strip is supported after Fuse, of one ASCII character, at the start only");
		t->decode_strip = (int)start;
		t->strip_char = c.s[0];
	} else {
		return err_set(p->e, "decoder \"%s\" is not supported", type);
	}
	return 0;
}

/* What a token decodes to. */
static int token_bytes(struct tok_parse *p, struct tok_token *k)
{
	struct tokenizer *t = p->t;
	const struct tok_decoders *d = &p->decoders;
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
				/* not written in the alphabet: the text itself */
				k->bytes = k->text;
				return 0;
			}
			buf_addc(b, tok_char_byte(c));
		}
		k->bytes = arena_text(&t->arena, b->data ? b->data : "", b->len);
		return 0;
	}
	k->bytes = k->text;
	for (i = 0; i < d->n; i++) {
		const char *s;
		struct buf to = {.max = TOK_DECODED_MAX};
		size_t from = 0;

		replace.what = d->what[i];
		if (!memmem(k->bytes.s, k->bytes.n, replace.what.s, replace.what.n))
			continue;
		while (!to.full && (s = memmem(k->bytes.s + from, k->bytes.n - from, replace.what.s,
					       replace.what.n))) {
			buf_add(&to, k->bytes.s + from, (size_t)(s - k->bytes.s) - from);
			buf_addspan(&to, d->with[i]);
			from = (size_t)(s - k->bytes.s) + replace.what.n;
		}
		buf_add(&to, k->bytes.s + from, k->bytes.n - from);
		p->decoded += to.len;
		if (to.full || p->decoded > TOK_DECODED_ALL) {
			buf_release(&to);
			return err_set(p->e,
				       "the decoder makes more than %zu MB of a token, or %zu MB of all",
				       TOK_DECODED_MAX >> 20, TOK_DECODED_ALL >> 20);
		}
		k->bytes = arena_text(&t->arena, to.data, to.len);
		buf_release(&to);
	}
	if (d->byte_fallback && k->text.n == 6 && !memcmp(k->text.s, "<0x", 3) &&
	    k->text.s[5] == '>') {
		char digits[3] = {k->text.s[3], k->text.s[4], 0}, *end, one;

		one = (char)strtol(digits, &end, 16);
		if (end == digits + 2) {
			k->bytes = arena_text(&t->arena, &one, 1);
			k->flags |= TOK_BYTE;
		}
	}
	return 0;
}

static int finish(struct tok_parse *p, struct span decoder)
{
	struct tokenizer *t = p->t;
	const struct tok_decoders *d = &p->decoders;
	int32_t i;
	int b;

	if (json_kind(decoder) == JSON_NULL || json_kind(decoder) == JSON_NONE)
		t->decode_join = 1;
	else if (parse_decoder(p, decoder, 0))
		return -1;
	if (t->decode_bytes && (d->n || d->byte_fallback || t->decode_strip))
		return err_set(p->e, "decoder ByteLevel beside others is not supported");
	for (i = 0; i < t->size; i++)
		if (t->tokens[i].text.s && token_bytes(p, &t->tokens[i]))
			return -1;
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
			return err_set(p->e,
				       "a ByteLevel pre_tokenizer without a ByteLevel decoder is not supported");
		tok_table_make(&t->by_bytes, (size_t)t->vocab_only);
		for (i = 0; i < t->vocab_only; i++)
			if (t->tokens[i].bytes.s && t->tokens[i].bytes.s != t->tokens[i].text.s)
				tok_table_add(t, &t->by_bytes, i);
	}
	return 0;
}

static int32_t named(struct tok_parse *p, struct span config, const char *name)
{
	struct span v = json_member(config, name);
	struct span s = tok_text_of(p, json_kind(v) == JSON_OBJECT ? json_member(v, "content") : v);

	return s.s ? tok_table_find(p->t, &p->t->by_text, s.s, s.n) : -1;
}

struct tokenizer *tokenizer_parse(struct span json, struct span config, struct err *e)
{
	struct tokenizer *t = mem_alloc(1, sizeof *t);
	struct tok_parse p = {.t = t, .e = e};
	struct span v, c = {NULL, 0};

	pthread_mutex_init(&t->lock, NULL);
	t->unk = t->bos = t->eos = t->pad = t->unk_named = -1;
	if (json_check(json, &v, e))
		goto failed;
	if (config.s && json_check(config, &c, e)) {
		err_prefix(e, "tokenizer_config.json");
		goto failed;
	}
	if (tok_parse_model(&p, json_member(v, "model")) ||
	    parse_norm(&p, json_member(v, "normalizer"), 0) ||
	    parse_split(&p, json_member(v, "pre_tokenizer"), 0) ||
	    tok_parse_added(&p, json_member(v, "added_tokens"),
			    json_member(c, "added_tokens_decoder")) ||
	    parse_post(&p, json_member(v, "post_processor"), 0) ||
	    finish(&p, json_member(v, "decoder")) || tok_make_tries(&p))
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
