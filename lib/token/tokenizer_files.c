/* What stands in a model's directory beside tokenizer.json, and the tokenizer of a model made from
 * nothing. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/foreign.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "tokenizer_impl.h"

#define CONFIG_MAX ((size_t)64 << 20)

/* The checked text of dir/name into b; an absent span where there is no such file. */
static int read_json(const char *dir, const char *name, struct buf *b, struct span *v,
		     struct err *e)
{
	char *path = file_join(dir, name);
	int rc = 0;

	*v = (struct span){NULL, 0};
	buf_clear(b);
	if (file_exists(path))
		rc = json_file(path, CONFIG_MAX, b, v, e);
	free(path);
	return rc;
}

static int32_t named(struct tokenizer *t, struct span map, const char *name)
{
	struct span v = json_member(map, name);
	struct buf b = BUF_INIT;
	int32_t id = -1;

	if (json_kind(v) == JSON_OBJECT)
		v = json_member(v, "content");
	if (!json_string(v, &b))
		id = tok_table_find(t, &t->by_text, b.data ? b.data : "", b.len);
	buf_release(&b);
	return id;
}

static void stop_add(struct tokenizer *t, struct span v)
{
	int64_t id;

	if (!json_int(v, &id) && id >= 0 && id < TOK_ID_MAX && !tokenizer_is_stop(t, (int32_t)id))
		tokens_add(&t->stops, (int32_t)id);
}

/* eos_token_id: a number or a list; 1 where it is there. */
static int stops_of(struct tokenizer *t, struct span config)
{
	struct span v = json_member(config, "eos_token_id"), key, x;
	struct json_iter it = {0};

	if (json_kind(v) == JSON_NUMBER)
		stop_add(t, v);
	else
		while (json_kind(v) == JSON_ARRAY && json_next(&it, v, &key, &x))
			stop_add(t, x);
	return json_kind(v) == JSON_NUMBER || json_kind(v) == JSON_ARRAY;
}

static int32_t id_of(struct tokenizer *t, struct span config, const char *name)
{
	int64_t id;

	return !json_int(json_member(config, name), &id) && id >= 0 && id < t->size ? (int32_t)id
										    : -1;
}

/* Says what stands in the place of tokenizer.json, and what makes one of it. */
static void missing(const char *dir, const char *path, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		size_t n = strlen(entry->d_name);

		if (n > 9 && strcmp(entry->d_name + n - 9, ".tiktoken") == 0) {
			err_set(e,
				"%s: no such file; %s beside it is in tiktoken's form: transformers' TikTokenConverter "
				"(transformers.convert_slow_tokenizer) makes tokenizer.json of it, and repositories whose names end in -hf have one",
				path, entry->d_name);
			closedir(d);
			return;
		}
	}
	if (d)
		closedir(d);
	err_set(e,
		"%s: no such file; ft reads tokenizers in this form only (others can be converted by loading and saving them "
		"with transformers)",
		path);
}

struct tokenizer *tokenizer_load(const char *dir, struct err *e)
{
	struct tokenizer *t = NULL;
	struct buf json = BUF_INIT, other = BUF_INIT;
	struct span config, v;
	char *path = file_join(dir, "tokenizer.json");

	if (!file_exists(path)) {
		missing(dir, path, e);
		goto cleanup;
	}
	if (file_read(path, TOKENIZER_FILE_MAX, &json, e) ||
	    foreign_file(path, buf_span(&json), e) ||
	    read_json(dir, "tokenizer_config.json", &other, &config, e))
		goto cleanup;
	t = tokenizer_parse(buf_span(&json), config, e);
	buf_release(&json);
	if (!t) {
		err_prefix(e, "%s", path);
		goto cleanup;
	}
	if (read_json(dir, "special_tokens_map.json", &other, &v, e))
		goto failed;
	if (t->bos < 0)
		t->bos = named(t, v, "bos_token");
	if (t->eos < 0 && (t->eos = named(t, v, "eos_token")) >= 0)
		tokens_add(&t->stops, t->eos);
	if (t->pad < 0)
		t->pad = named(t, v, "pad_token");
	if (t->unk_named < 0)
		t->unk_named = named(t, v, "unk_token");
	if (read_json(dir, "generation_config.json", &other, &v, e))
		goto failed;
	if (!stops_of(t, v)) {
		if (read_json(dir, "config.json", &other, &v, e))
			goto failed;
		stops_of(t, v);
	}
	if (t->bos < 0)
		t->bos = id_of(t, v, "bos_token_id");
	if (t->pad < 0)
		t->pad = id_of(t, v, "pad_token_id");
	goto cleanup;
failed:
	tokenizer_free(t);
	t = NULL;
cleanup:
	buf_release(&json);
	buf_release(&other);
	free(path);
	return t;
}

/* --- a tokenizer from nothing --- */

static const char *const byte_specials[] = {"<|begin|>", "<|end|>",	  "<|pad|>",  "<|system|>",
					    "<|user|>",	 "<|assistant|>", "<|tool|>", "<|call|>"};

/* One token names the role, one ends the turn: on bytes every character of a template is a position
 * of the model. */
static const char byte_template[] =
	"{{ bos_token }}"
	"{%- for m in messages %}"
	"{%- if m.role not in ['system', 'user', 'assistant', 'tool'] %}{{ raise_exception('unknown role ' + m.role) }}{% endif %}"
	"{{- '<|' + m.role + '|>' }}"
	"{%- if m.content is string %}{{ m.content }}{% endif %}"
	"{%- for c in m.tool_calls or [] %}{{ '<|call|>' + c | tojson }}{% endfor %}"
	"{{- '<|end|>' }}"
	"{%- endfor %}"
	"{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

static void put_char(struct buf *b, int c)
{
	if (c >= 128)
		buf_addc(b, 0xc0 | c >> 6);
	buf_addc(b, c >= 128 ? 0x80 | (c & 0x3f) : c);
}

static void put_byte_level(struct jw *w, const char *key, int regex)
{
	jw_put_object(w, key);
	jw_put_str(w, "type", "ByteLevel");
	jw_put_bool(w, "add_prefix_space", 0);
	jw_put_bool(w, "trim_offsets", 1);
	jw_put_bool(w, "use_regex", regex);
	jw_end(w);
}

int tokenizer_write_bytes(const char *dir, struct err *e)
{
	struct buf b = BUF_INIT, c = BUF_INIT;
	struct jw w;
	char *path = NULL;
	int i, rc = -1;

	jw_init(&w, &b);
	jw_object(&w);
	jw_put_str(&w, "version", "1.0");
	jw_put_null(&w, "truncation");
	jw_put_null(&w, "padding");
	jw_put_array(&w, "added_tokens");
	for (i = 0; i < (int)(sizeof byte_specials / sizeof *byte_specials); i++) {
		jw_object(&w);
		jw_put_int(&w, "id", 256 + i);
		jw_put_str(&w, "content", byte_specials[i]);
		jw_put_bool(&w, "single_word", 0);
		jw_put_bool(&w, "lstrip", 0);
		jw_put_bool(&w, "rstrip", 0);
		jw_put_bool(&w, "normalized", 0);
		jw_put_bool(&w, "special", 1);
		jw_end(&w);
	}
	jw_end(&w);
	jw_put_null(&w, "normalizer");
	put_byte_level(&w, "pre_tokenizer", 0);
	jw_put_null(&w, "post_processor");
	put_byte_level(&w, "decoder", 0);
	jw_put_object(&w, "model");
	jw_put_str(&w, "type", "BPE");
	jw_put_null(&w, "dropout");
	jw_put_null(&w, "unk_token");
	jw_put_null(&w, "continuing_subword_prefix");
	jw_put_null(&w, "end_of_word_suffix");
	jw_put_bool(&w, "fuse_unk", 0);
	jw_put_bool(&w, "byte_fallback", 0);
	jw_put_bool(&w, "ignore_merges", 0);
	jw_put_object(&w, "vocab");
	for (i = 0; i < 256; i++) {
		buf_clear(&c);
		put_char(&c, tok_byte_char(i));
		jw_keyn(&w, c.data, c.len);
		jw_int(&w, i);
	}
	jw_end(&w);
	jw_put_array(&w, "merges");
	jw_end(&w);
	jw_end(&w);
	jw_end(&w);
	buf_addc(&b, '\n');
	path = file_join(dir, "tokenizer.json");
	if (file_write(path, b.data, b.len, e))
		goto cleanup;
	free(path);
	buf_clear(&b);
	jw_init(&w, &b);
	jw_object(&w);
	jw_put_str(&w, "tokenizer_class", "PreTrainedTokenizerFast");
	jw_put_str(&w, "bos_token", "<|begin|>");
	jw_put_str(&w, "eos_token", "<|end|>");
	jw_put_str(&w, "pad_token", "<|pad|>");
	jw_put_bool(&w, "add_bos_token", 0);
	jw_put_bool(&w, "clean_up_tokenization_spaces", 0);
	jw_put_str(&w, "chat_template", byte_template);
	jw_end(&w);
	buf_addc(&b, '\n');
	path = file_join(dir, "tokenizer_config.json");
	rc = file_write(path, b.data, b.len, e);
cleanup:
	free(path);
	buf_release(&b);
	buf_release(&c);
	return rc;
}

static const char *const files[] =
	{"generation_config.json",  "tokenizer.json",	 "tokenizer_config.json",
	 "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
	 "chat_template.json",	    "vocab.json",	 "merges.txt",
	 "tokenizer.model"};

int tokenizer_is_file(const char *name)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(name, files[i]) == 0)
			return 1;
	return 0;
}

int tokenizer_copy_files(const char *from, const char *to, struct err *e)
{
	struct buf b = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof files / sizeof *files && !rc; i++) {
		char *in = from ? file_join(from, files[i]) : NULL, *out = file_join(to, files[i]);

		buf_clear(&b);
		if (in && file_exists(in))
			rc = file_read(in, TOKENIZER_FILE_MAX, &b, e) ||
					     file_write(out, b.data ? b.data : "", b.len, e)
				     ? -1
				     : 0;
		else if (unlink(out) && errno != ENOENT)
			rc = err_errno(e, "%s", out);
		free(in);
		free(out);
	}
	buf_release(&b);
	return rc;
}
