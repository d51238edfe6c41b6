/* ollama: see the header. */
#include "ollama.h"

#include <stdlib.h>
#include <string.h>
#include "../base/digest.h"
#include "../base/file.h"
#include "../json/jw.h"

#define MODELFILE_MAX ((size_t)1 << 20)
#define TURNS 8

static const char begun[] = "# Written by ft-export; what was changed since is not replaced: ";

/* --- pieces --- */

enum role { START, SYSTEM, USER, ASSISTANT, ROLES };
static const char *const role_names[ROLES] = {"", "system", "user", "assistant"};

/* What stands between two texts, and behind the last one. */
struct pieces {
	struct buf between[ROLES][ROLES]; /* role, role that follows */
	int known[ROLES][ROLES];
	struct buf end; /* behind the last user's text: an answer begins */
	int ended;
	int late; /* the system message stands before the last user's text, not where it was said */
};

static void pieces_release(struct pieces *p)
{
	for (int a = 0; a < ROLES; a++)
		for (int b = 0; b < ROLES; b++)
			buf_release(&p->between[a][b]);
	buf_release(&p->end);
}

/* A conversation as the letters of its roles: "suau". */
static enum role role_of(char letter)
{
	return letter == 's' ? SYSTEM : letter == 'u' ? USER : ASSISTANT;
}

/* Its text as the chat template renders it, BOS left out where the tokenizer puts it. */
static int render(const struct ollama *o, const char *roles, const char *const *texts, int tools,
		  struct buf *out, struct err *e)
{
	static const char tool[] =
		"[{\"type\":\"function\",\"function\":{\"name\":\"look_up\",\"description\":\"Looks up a word\","
		"\"parameters\":{\"type\":\"object\",\"properties\":{\"word\":{\"type\":\"string\"}},\"required\":[\"word\"]}}}]";
	struct chat_input in = {0};
	struct buf json = BUF_INIT;
	struct tokens ids = {0};
	const int32_t *prefix;
	size_t n;
	struct jw w;
	int rc;

	jw_init(&w, &json);
	jw_array(&w);
	for (size_t i = 0; roles[i]; i++) {
		jw_object(&w);
		jw_put_str(&w, "role", role_names[role_of(roles[i])]);
		jw_put_str(&w, "content", texts[i]);
		jw_end(&w);
	}
	jw_end(&w);
	in.messages = buf_span(&json);
	if (tools)
		in.tools = span_of(tool);
	buf_clear(out);
	rc = chat_encode_prompt(o->chat, &in, out, &ids, e);
	prefix = tokenizer_prefix(o->tokenizer, &n);
	if (!rc && n > 0 && prefix[0] == tokenizer_bos(o->tokenizer)) {
		struct span bos = tokenizer_token(o->tokenizer, prefix[0]);

		if (bos.n > 0 && out->len >= bos.n && memcmp(out->data, bos.s, bos.n) == 0) {
			memmove(out->data, out->data + bos.n, out->len - bos.n + 1);
			out->len -= bos.n;
		}
	}
	tokens_release(&ids);
	buf_release(&json);
	return rc;
}

/* Keeps a piece, or compares it with the one known. */
static int keep(struct buf *piece, int *known, struct span found)
{
	if (*known)
		return span_eq(buf_span(piece), found) ? 0 : -1;
	buf_addspan(piece, found);
	*known = 1;
	return 0;
}

/* The order in which the texts are written: n of them. */
static size_t order_of(const struct pieces *p, const char *roles, size_t order[TURNS])
{
	size_t n = strlen(roles), late = p->late && roles[0] == 's';

	for (size_t i = 0; i < n; i++)
		order[i] = late ? (i + 1 < n - 1 ? i + 1 : i + 1 == n - 1 ? 0 : i) : i;
	return n;
}

/* Takes the pieces of a conversation from its rendering. */
static int learn(const struct ollama *o, const char *roles, struct pieces *p, struct err *e)
{
	/* Words that no template has. */
	static const char *const texts[TURNS] = {"qavomir",  "zubelnet", "xiforda",  "wyklomen",
						 "jorvasti", "kebruzal", "pyndovir", "hastulqe"};
	struct buf text = BUF_INIT;
	enum role was = START;
	size_t from = 0, order[TURNS], n = order_of(p, roles, order);
	int rc = render(o, roles, texts, 0, &text, e);

	for (size_t k = 0; k < n && !rc; k++) {
		size_t i = order[k];
		enum role is = role_of(roles[i]);
		size_t len = strlen(texts[i]);
		char *at = memmem(text.data + from, text.len - from, texts[i], len), *again = NULL;

		if (at)
			again = memmem(at + len, text.len - (size_t)(at + len - text.data),
				       texts[i], len);
		if (!at || again) {
			rc = err_set(e,
				     "it does not write the texts of a conversation once each, in their order");
			break;
		}
		if (keep(&p->between[was][is], &p->known[was][is],
			 (struct span){text.data + from, (size_t)(at - text.data) - from}))
			rc = err_set(e,
				     "what it writes between %s and %s depends on more than the two",
				     was == START ? "the start" : role_names[was], role_names[is]);
		from = (size_t)(at - text.data) + len;
		was = is;
	}
	if (!rc && keep(&p->end, &p->ended, (struct span){text.data + from, text.len - from}))
		rc = err_set(e, "what it writes before an answer depends on what was said");
	buf_release(&text);
	return rc;
}

static void put_together(const struct pieces *p, const char *roles, const char *const *texts,
			 struct buf *out)
{
	size_t order[TURNS], n = order_of(p, roles, order);
	enum role was = START;

	buf_clear(out);
	for (size_t k = 0; k < n; k++) {
		enum role is = role_of(roles[order[k]]);

		buf_addspan(out, buf_span(&p->between[was][is]));
		buf_adds(out, texts[order[k]]);
		was = is;
	}
	buf_addspan(out, buf_span(&p->end));
}

static int same(const struct ollama *o, const struct pieces *p, const char *roles,
		const char *const *texts, int *equal, struct err *e)
{
	struct buf want = BUF_INIT, got = BUF_INIT;
	int rc = render(o, roles, texts, 0, &want, e);

	put_together(p, roles, texts, &got);
	*equal = !rc && span_eq(buf_span(&want), buf_span(&got));
	buf_release(&want);
	buf_release(&got);
	return rc;
}

/* What the file says of a template that it has. */
struct notes {
	int trims, tools, no_system;
};

/* The system message: some templates have none, and some put it before the last user's text. */
static int find_system(const struct ollama *o, struct pieces *p, const char *const *texts,
		       struct notes *notes, struct err *e)
{
	struct err ignored = ERR_INIT;
	int equal;

	notes->no_system = learn(o, "su", p, &ignored) != 0;
	if (notes->no_system)
		return 0;
	p->late = learn(o, "suau", p, &ignored) != 0;
	if ((p->late && learn(o, "suau", p, e)) || same(o, p, "suauau", texts, &equal, e))
		return -1;
	return equal ? 0 : err_set(e, "it writes the system message otherwise than in one place");
}

static int find_pieces(const struct ollama *o, struct pieces *p, struct notes *notes, struct err *e)
{
	static const char *const plain[TURNS] = {"Be brief.\nSay when you do not know.",
						 "What is 2 + 2? (a \"quiz\")",
						 "4",
						 "And in German? Gr\u00f6\u00dfer als 3?",
						 "vier {yes} <b>",
						 "Thanks! \xe2\x9c\x93",
						 "You're welcome.",
						 "One more: why?"};
	static const char *const *const unsystematic = plain + 1;
	static const char *const spaced[] = {"  two words \n"};
	struct buf with = BUF_INIT, without = BUF_INIT;
	struct err ignored = ERR_INIT;
	int equal;

	if (learn(o, "u", p, e) || learn(o, "uau", p, e) || learn(o, "uauau", p, e))
		return -1;
	if (same(o, p, "uauauau", unsystematic, &equal, e))
		return -1;
	if (!equal)
		return err_set(e, "it writes a conversation otherwise than message by message");
	if (find_system(o, p, plain, notes, e))
		return -1;
	if (same(o, p, "u", spaced, &equal, e))
		return -1;
	notes->trims = !equal;
	notes->tools = !render(o, "u", unsystematic, 0, &without, &ignored) &&
		       (render(o, "u", unsystematic, 1, &with, &ignored) ||
			!span_eq(buf_span(&with), buf_span(&without)));
	buf_release(&with);
	buf_release(&without);
	return 0;
}

/* --- Go's text/template --- */

/* {{ "text" }}, or nothing where there is none. No three quotes follow each other, which would end
 * TEMPLATE. */
static void put_literal(struct span s, struct buf *b)
{
	if (s.n == 0)
		return;
	buf_adds(b, "{{ \"");
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c == '\n')
			buf_adds(b, "\\n");
		else if (c < 32 || c == 127)
			buf_addf(b, "\\x%02x", c);
		else
			buf_addc(b, (char)c);
	}
	buf_adds(b, "\" }}");
}

static void put_turn(const struct pieces *p, int was, int is, int *first, struct buf *b)
{
	if (!p->known[was][is] || (p->late && (was == SYSTEM || is == SYSTEM)))
		return;
	buf_addf(b, "{{- %sif and (eq $was \"%s\") (eq .Role \"%s\") }}", *first ? "" : "else ",
		 role_names[was], role_names[is]);
	put_literal(buf_span(&p->between[was][is]), b);
	buf_adds(b, "{{ .Content }}\n");
	*first = 0;
}

/* The last user's text with the system message before it. */
static void put_late(const struct pieces *p, int was, int *first, struct buf *b)
{
	if (!p->late || !p->known[was][SYSTEM])
		return;
	buf_addf(b, "{{- %sif and $.System $last (eq $was \"%s\") (eq .Role \"user\") }}",
		 *first ? "" : "else ", role_names[was]);
	put_literal(buf_span(&p->between[was][SYSTEM]), b);
	buf_adds(b, "{{ $.System }}");
	put_literal(buf_span(&p->between[SYSTEM][USER]), b);
	buf_adds(b, "{{ .Content }}\n");
	*first = 0;
}

static void put_template(const struct pieces *p, struct buf *b)
{
	int first = 1;

	buf_adds(b, "TEMPLATE \"\"\"{{- $was := \"\" }}\n");
	buf_adds(b,
		 p->late ? "{{- range $i, $_ := .Messages }}\n{{- $last := eq (len (slice $.Messages $i)) 1 }}\n"
			   "{{- if ne .Role \"system\" }}\n"
			 : "{{- range .Messages }}\n");
	for (int was = 0; was < ROLES; was++)
		put_late(p, was, &first, b);
	for (int was = 0; was < ROLES; was++)
		for (int is = 0; is < ROLES; is++)
			put_turn(p, was, is, &first, b);
	buf_adds(b, "{{- else }}{{ .Content }}\n{{- end }}\n{{- $was = .Role }}\n{{- end }}\n");
	buf_adds(b, p->late ? "{{- end }}\n" : "");
	buf_adds(b, "{{- if eq $was \"user\" }}");
	put_literal(buf_span(&p->end), b);
	buf_adds(b, "{{ end }}\"\"\"\n");
}

/* --- the file --- */

static int has_odd(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 32 || *s == 127)
			return 1;
	return 0;
}

static void put_parameters(const struct ollama *o, struct buf *b)
{
	size_t n;
	const int32_t *stops = chat_stops(o->chat, &n);

	for (size_t i = 0; i < n; i++) {
		struct span s = tokenizer_token(o->tokenizer, stops[i]);

		if (s.s && !memchr(s.s, '"', s.n) && !memchr(s.s, '\n', s.n))
			buf_addf(b, "PARAMETER stop \"%.*s\"\n", (int)s.n, s.s);
	}
}

/* What tells that nobody changed the rest of the file. */
static void put_sum(struct span rest, struct buf *b)
{
	unsigned char sum[32];

	digest_bytes(rest, sum);
	for (int i = 0; i < 8; i++)
		buf_addf(b, "%02x", sum[i]);
}

int ollama_modelfile(const struct ollama *o, struct buf *text, struct err *why)
{
	struct buf b = BUF_INIT;
	struct pieces p = {0};
	struct notes notes = {0};
	struct err e = ERR_INIT;
	int rc;

	if (has_odd(o->from) || (o->adapter && has_odd(o->adapter)))
		return err_set(why,
			       "a Modelfile cannot name a file with control characters in its name");
	if (o->adapter)
		buf_addf(&b,
			 "# The model that the adapter was trained on; put its name or GGUF file here.\nFROM %s\nADAPTER %s\n",
			 o->from, o->adapter);
	else
		buf_addf(&b, "FROM %s\n", o->from);
	if (o->trained && *o->trained)
		buf_addf(&b, "# Trained with %s: render the chat template so.\n", o->trained);
	rc = !find_pieces(o, &p, &notes, &e);
	if (!rc) {
		err_set(why, "the chat template cannot be written as Ollama's: %s", e.msg);
		buf_addf(&b,
			 "# No TEMPLATE: %s.\n# Ollama would guess one: write it yourself, or serve with llama.cpp (--jinja), which runs the model's own.\n",
			 why->msg);
	} else {
		if (notes.no_system)
			buf_adds(&b,
				 "# The chat template takes no system message: one that is given stands bare.\n");
		if (notes.trims)
			buf_adds(&b,
				 "# The chat template takes blanks from the ends of texts, which Ollama cannot.\n");
		if (notes.tools)
			buf_adds(&b,
				 "# Tools are not carried: Ollama writes their JSON otherwise than the chat template does.\n");
		put_template(&p, &b);
	}
	put_parameters(o, &b);
	buf_adds(text, begun);
	put_sum(buf_span(&b), text);
	buf_addc(text, '\n');
	buf_addspan(text, buf_span(&b));
	buf_release(&b);
	pieces_release(&p);
	return rc;
}

int ollama_may_replace(const char *path, struct err *e)
{
	struct buf old = BUF_INIT, first = BUF_INIT;
	char *end;
	int rc = 0;

	if (!file_exists(path))
		return 0;
	if (file_read(path, MODELFILE_MAX, &old, e))
		return -1;
	end = old.len ? memchr(old.data, '\n', old.len) : NULL;
	if (end) {
		buf_adds(&first, begun);
		put_sum((struct span){end + 1, old.len - (size_t)(end + 1 - old.data)}, &first);
	}
	if (!end || !span_eq((struct span){old.data, (size_t)(end - old.data)}, buf_span(&first)))
		rc = err_set(e,
			     "%s: ft-export did not write it, or it was changed since: move it away, or name -o in another directory",
			     path);
	buf_release(&old);
	buf_release(&first);
	return rc;
}
