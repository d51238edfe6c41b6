/* Secrets are found in every form that a server can send them back in, however the text is cut. */
#include <stdlib.h>
#include <string.h>
#include "../../lib/base/rng.h"
#include "../../lib/net/http.h"
#include "../../lib/net/url.h"
#include "tap.h"

#define KEY "sk-proj-4Xq/Zu+9_%tu-Key.7"

/* Masked at once. */
static const char *masked(const struct secrets *s, const char *text)
{
	static char out[4096];

	snprintf(out, sizeof out, "%s", text);
	secrets_mask(s, out, strlen(out));
	return out;
}

static const char *stars(size_t n)
{
	static char out[4096];

	memset(out, '*', n);
	out[n] = 0;
	return out;
}

/* Whether all of the words, or none, are names of what is secret. */
static int all_are(int secret, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (secrets_is_named(names[i], strlen(names[i])) != secret)
			return 0;
	return 1;
}

static void put_base64(const char *s, size_t n, int url, struct buf *b)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < n ? (unsigned char)s[i + k] : 0);
		for (size_t k = 0; k < 4; k++) {
			char c = i + k > n ? '=' : digits[v >> (18 - 6 * k) & 63];

			buf_addc(b, url && c == '+' ? '-' : url && c == '/' ? '_' : c);
		}
	}
}

/* The key written in a form drawn by chance, behind and before other text; *from and *n: where. In
 * base64 the characters that it shares with its neighbours are not asked for. */
static void put_key(struct rng *r, struct buf *b, size_t *from, size_t *n)
{
	unsigned how = (unsigned)rng_below(r, 4), before = (unsigned)rng_below(r, 40);
	static const char filler[] = "{\"error\": \"no \\n access % to \\\\ sk-p\\u00e9 \"";

	for (unsigned i = 0; i < before; i++)
		buf_addc(b, filler[rng_below(r, sizeof filler - 1)]);
	buf_addc(b, ' ');
	*from = b->len;
	if (how == 3) {
		struct buf plain = BUF_INIT;
		size_t at = rng_below(r, 3);

		buf_addf(&plain, "%.*s%s%s", (int)at, "ab", KEY, "cd");
		at = plain.len - strlen(KEY) - 2;
		put_base64(plain.data, plain.len, (int)rng_below(r, 2), b);
		*from += (at * 8 + 5) / 6;
		*n = (at + strlen(KEY)) * 8 / 6 - (at * 8 + 5) / 6;
		buf_release(&plain);
	} else {
		for (const char *p = KEY; *p; p++)
			if (how == 0 || rng_below(r, 2))
				buf_addc(b, *p);
			else if (how == 1)
				buf_addf(b, rng_below(r, 2) ? "\\u%04x" : "\\\\u%04X",
					 (unsigned char)*p);
			else
				buf_addf(b, rng_below(r, 2) ? "%%%02x" : "%%%02X",
					 (unsigned char)*p);
		*n = b->len - *from;
	}
	buf_adds(b, " and more \\");
}

/* Given in pieces: what is final never changes, and in the end is as masked at once. */
static int pieces_agree(const struct secrets *s, struct rng *r, const struct buf *text,
			const char *want)
{
	struct buf b = BUF_INIT;
	size_t from = 0, at = 0;
	int good = 1;

	while (at < text->len) {
		size_t n = 1 + rng_below(r, 7);

		n = n < text->len - at ? n : text->len - at;
		buf_add(&b, text->data + at, n);
		at += n;
		from = secrets_mask_more(s, &b, from, 0);
		good &= from <= b.len && !memcmp(b.data, want, from);
	}
	from = secrets_mask_more(s, &b, from, 1);
	good &= from == text->len && !memcmp(b.data, want, from);
	buf_release(&b);
	return good;
}

int main(void)
{
	struct secrets s = {0}, none = {0};
	struct rng r;
	struct buf text = BUF_INIT;
	int found = 1, same = 1, rest = 1;

	secrets_add(&s, span_of("short"));
	ok_str(masked(&s, "short"), "short", "a word of fewer than eight letters is no secret");
	secrets_add(&s, span_of(KEY));
	secrets_add(&s, span_of(KEY));
	ok_str(masked(&s, "Bearer " KEY "!"), "Bearer **************************!", "as it is");
	ok_str(masked(&s, "key sk-proj-4Xq/Zu+9"), "key ****************",
	       "the larger part of one, cut short");
	ok_str(masked(&s, "key sk-proj-4Xq..."), "key sk-proj-4Xq...",
	       "less than half of it may be shown, as providers do");
	ok_str(masked(&none, KEY), KEY, "an empty set changes nothing");
	rng_seed(&r, 21, 0);
	for (int i = 0; i < 3000; i++) {
		size_t from, n;
		const char *want;

		buf_clear(&text);
		put_key(&r, &text, &from, &n);
		want = masked(&s, text.data);
		found &= !memcmp(want + from, stars(n), n);
		rest &= !memcmp(want, text.data, from > 4 ? from - 4 : 0) &&
			strlen(want) == text.len;
		same &= pieces_agree(&s, &r, &text, want);
	}
	ok(found, "3,000 forms by chance: escaped, percent-encoded, base64 of both alphabets");
	ok(rest, "what stands before stays, and so does the length");
	ok(same, "in pieces the same");

	secrets_add_header(&s, "X-Api-Token: hush-hush-1234, second-5678");
	secrets_add_header(&s, "anthropic-version: 2023-06-01");
	secrets_add_header(&s, "X-Title: quarterly");
	ok_str(masked(&s, "hush-hush-1234 second-5678 2023-06-01 quarterly"),
	       "************** *********** 2023-06-01 quarterly",
	       "words of a header, but not of one that says who asks and for what");
	secrets_add_url(&s,
			"https://user:letmein-please@host/v1?api-version=2024-10-21&sig=aBcDeFgH99&x=plainvalue");
	ok_str(masked(&s, "letmein-please 2024-10-21 aBcDeFgH99 plainvalue user"),
	       "************** 2024-10-21 ********** plainvalue user",
	       "a URL's password and signature");
	static const char *const doors[] = {"Authorization", "x-api-key",     "X-FT-Key",
					    "Set-Cookie",    "X-Auth",	      "x-amz-credential",
					    "TOKEN",	     "X-Author-Key",  "x-client-secret",
					    "proxy-auth",    "Authentication"};
	static const char *const plain[] = {"X-Author",	    "x-authored-by", "Keywords",
					    "x-session-id", "Host",	     "",
					    "x-toke"};
	ok(all_are(1, doors, sizeof doors / sizeof *doors) &&
		   all_are(0, plain, sizeof plain / sizeof *plain),
	   "names of what opens doors, and others like them");
	ok(url_is_exposed("http://example.com/v1") && url_is_exposed("http://10.0.0.7:8000") &&
		   !url_is_exposed("https://example.com") &&
		   url_is_exposed("http://127.0.0.1.example.com") &&
		   url_is_exposed("http://127.example.com/v1") &&
		   !url_is_exposed("http://127.0.0.1:80/x") && !url_is_exposed("http://[::1]:80") &&
		   !url_is_exposed("http://LOCALHOST"),
	   "plain http to another machine is open to all");
	ok(url_exposes("http://example.com", 1) && !url_exposes("http://example.com", 0) &&
		   url_exposes("http://me:word@example.com/x", 0) &&
		   !url_exposes("http://me@example.com/x", 0) &&
		   !url_exposes("https://me:word@example.com", 1) &&
		   !url_exposes("http://me:word@localhost", 1),
	   "a key, or a password in the address, is exposed there");
	secrets_release(&s);
	ok(!s.n && !s.v, "released");
	buf_release(&text);
	return tap_done();
}
