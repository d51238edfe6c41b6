/* personal: mail addresses, accounts, cards and keys. See personal.h. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "personal.h"
#include "phone.h"

static const struct {
	const char *name, *words;
} kinds_said[] = {
	[PERSONAL_MAIL] = {"mail", "a mail address"},
	[PERSONAL_PHONE] = {"phone", "a telephone number"},
	[PERSONAL_CARD] = {"card", "a card number"},
	[PERSONAL_IBAN] = {"iban", "an IBAN"},
	[PERSONAL_KEY] = {"key", "a key"},
};

const char *personal_name(enum personal_kind kind)
{
	return kinds_said[kind].name;
}

const char *personal_words(enum personal_kind kind)
{
	return kinds_said[kind].words;
}

int personal_named(struct span name, enum personal_kind *kind)
{
	for (int i = 0; i < PERSONAL_KINDS; i++)
		if (span_is(name, kinds_said[i].name)) {
			*kind = (enum personal_kind)i;
			return 0;
		}
	return -1;
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static int is_alpha(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static int is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

/* A letter of an address, or a byte of one: ASCII, or a script of Europe up to U+052F. Scripts that
 * are written without spaces would run into the address from both sides. */
static int is_letter(char c)
{
	unsigned char u = (unsigned char)c;
	return is_alpha(c) || (u >= 0x80 && u < 0xc0) || (u >= 0xc3 && u <= 0xd4);
}

static struct span from(struct span text, size_t at)
{
	return at < text.n ? (struct span){text.s + at, text.n - at} : (struct span){"", 0};
}

/* --- mail --- */

enum { LOCAL_MAX = 64, DOMAIN_MAX = 253, LABEL_MAX = 63 };

static int in_local(char c)
{
	return is_letter(c) || is_digit(c) || (c && strchr("._%+-'", c));
}

/* The domain at `at`: labels with full stops between, the last of letters or xn--. Returns its end. */
static size_t read_domain(struct span text, size_t at)
{
	size_t p = at, end = at, labels = 0;

	for (;;) {
		size_t q = p;
		int letters = 1, good;
		while (q < text.n && q - p <= LABEL_MAX &&
		       (is_letter(text.s[q]) || is_digit(text.s[q]) || text.s[q] == '-'))
			letters = letters && is_letter(text.s[q]), q++;
		while (q > p && text.s[q - 1] == '-')
			letters = q - p > 4 && !memcmp(text.s + p, "xn--", 4), q--;
		if (q == p || q - p > LABEL_MAX || text.s[p] == '-' || q - at > DOMAIN_MAX)
			break;
		labels++;
		good = (letters && q - p >= 2) || (q - p > 4 && !memcmp(text.s + p, "xn--", 4));
		if (labels >= 2 && good)
			end = q;
		if (q + 1 >= text.n || text.s[q] != '.')
			break;
		p = q + 1;
	}
	return end;
}

static size_t mail_at(struct span text, size_t at)
{
	size_t p = at, end;

	if (!is_letter(text.s[at]) && !is_digit(text.s[at]) && !strchr("_+", text.s[at]))
		return 0;
	while (p < text.n && p - at <= LOCAL_MAX && in_local(text.s[p]))
		p++;
	if (p == at || p - at > LOCAL_MAX || p >= text.n || text.s[p] != '@' ||
	    text.s[p - 1] == '.')
		return 0;
	end = read_domain(text, p + 1);
	return end > p + 1 ? end - at : 0;
}

/* --- accounts and cards --- */

/* Where a number of n letters and digits, in pieces parted by single spaces or hyphens, ends that
 * begins at `at`; 0 where it is shorter, or goes on. Its characters, in upper case, are in out. */
static size_t read_pieces(struct span text, size_t at, size_t n, char *out)
{
	size_t have = 0, p = at, m;
	char kind;

	while (have < n) {
		int d = phone_digit(from(text, p), &m);
		if (d < 0 && have && (m = phone_gap(from(text, p), &kind)) != 0) {
			p += m;
			d = phone_digit(from(text, p), &m);
		}
		if (d >= 0) {
			out[have++] = (char)('0' + d);
			p += m;
		} else if (p < text.n && is_alpha(text.s[p])) {
			out[have++] = (char)(text.s[p] & ~0x20);
			p++;
		} else {
			return 0;
		}
	}
	return phone_digit(from(text, p), &m) >= 0 || (p < text.n && is_alnum(text.s[p])) ? 0 : p;
}

static int is_luhn(const char *digits, size_t n)
{
	int sum = 0;
	for (size_t i = 0; i < n; i++) {
		int d = digits[n - 1 - i] - '0';
		if (i % 2)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return sum % 10 == 0;
}

/* Issuers' prefixes with the lengths of their numbers. */
static const struct {
	int from, to; /* of the first four digits */
	unsigned char shortest, longest;
} issuers[] = {
	{2221, 2720, 16, 16}, {3000, 3059, 14, 19}, {3095, 3095, 14, 19}, {3400, 3499, 15, 15},
	{3528, 3589, 16, 19}, {3600, 3699, 14, 19}, {3700, 3799, 15, 15}, {3800, 3999, 14, 19},
	{2200, 2204, 16, 19}, {4000, 4999, 13, 19}, {5018, 5038, 13, 19}, {5060, 5078, 16, 19},
	{5100, 5599, 16, 16}, {5600, 5899, 13, 19}, {6000, 6999, 13, 19}, {8100, 8171, 16, 19},
	{9792, 9792, 16, 16},
};

static int is_card(const char *digits, size_t n)
{
	int head = 0, same = 1;
	for (size_t i = 0; i < 4; i++)
		head = head * 10 + (digits[i] - '0');
	for (size_t i = 1; i < n; i++)
		same = same && digits[i] == *digits;
	for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
		if (head >= issuers[i].from && head <= issuers[i].to && n >= issuers[i].shortest &&
		    n <= issuers[i].longest)
			return !same && is_luhn(digits, n);
	return 0;
}

static size_t card_at(struct span text, size_t at)
{
	char digits[20];
	size_t ends[20], n = 0, p = at, m;
	char kind;
	int d = phone_digit(from(text, at), &m);

	if (d < 2 || d == 7)
		return 0; /* no issuer's */
	if (at &&
	    (text.s[at - 1] == '+' || (at > 1 && (text.s[at - 1] == '.' || text.s[at - 1] == ',') &&
				       is_digit(text.s[at - 2]))))
		return 0; /* a telephone number; decimals */
	while (d >= 0 && n < 20) {
		digits[n] = (char)('0' + d);
		ends[n++] = p += m;
		d = phone_digit(from(text, p), &m);
		size_t gap = d < 0 ? phone_gap(from(text, p), &kind) : 0;
		if (gap) {
			d = phone_digit(from(text, p + gap), &m);
			p += d < 0 ? 0 : gap;
		}
	}
	for (n = n < 19 ? n : 19; n >= 13; n--) {
		size_t end = ends[n - 1];
		if (phone_digit(from(text, end), &m) < 0 &&
		    (end == text.n || !is_alnum(text.s[end])) && is_card(digits, n))
			return end - at;
	}
	return 0;
}

/* Lengths by country: SWIFT, IBAN Registry. */
static const struct {
	char country[3];
	unsigned char length;
} accounts[] = {
	{"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16},
	{"BG", 22}, {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22},
	{"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20},
	{"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22},
	{"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HN", 28}, {"HR", 21},
	{"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30},
	{"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20},
	{"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20},
	{"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23},
	{"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22},
	{"RU", 33}, {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24},
	{"SM", 27}, {"SO", 23}, {"ST", 25}, {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26},
	{"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30},
};

static size_t iban_at(struct span text, size_t at)
{
	char c[40], country[2];
	size_t n = 0, end;
	unsigned rest = 0;

	if (at + 15 > text.n || !is_alpha(text.s[at]) || !is_alpha(text.s[at + 1]) ||
	    is_alpha(text.s[at + 2]))
		return 0;
	country[0] = (char)(text.s[at] & ~0x20);
	country[1] = (char)(text.s[at + 1] & ~0x20);
	for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++)
		if (!memcmp(accounts[i].country, country, sizeof country))
			n = accounts[i].length;
	if (!n || !(end = read_pieces(text, at, n, c)) || !is_digit(c[2]) || !is_digit(c[3]))
		return 0;
	for (size_t i = 0; i < n; i++) {
		char x = c[(i + 4) % n];
		rest = is_digit(x) ? (rest * 10 + (unsigned)(x - '0')) % 97
				   : (rest * 100 + (unsigned)(x - 'A') + 10) % 97;
	}
	return rest == 1 ? end - at : 0;
}

/* --- keys --- */

/* Prefixes that services give their secrets, and the least number of characters behind them. */
static const struct {
	const char *prefix;
	size_t least;
} services[] = {
	{"sk-", 16},	  {"sk_live_", 16},    {"sk_test_", 16},
	{"rk_live_", 16}, {"rk_test_", 16},    {"ghp_", 30},
	{"gho_", 30},	  {"ghu_", 30},	       {"ghs_", 30},
	{"ghr_", 30},	  {"github_pat_", 30}, {"glpat-", 16},
	{"AKIA", 16},	  {"ASIA", 16},	       {"AIza", 30},
	{"xoxb-", 16},	  {"xoxp-", 16},       {"xoxa-", 16},
	{"xoxs-", 16},	  {"xapp-", 16},       {"hf_", 24},
	{"npm_", 30},	  {"pypi-", 30},       {"dop_v1_", 32},
	{"SG.", 30},	  {"fw_", 16},	       {"gsk_", 24},
	{"tgp_v1_", 24},  {"r8_", 24},	       {"ya29.", 20},
	{"whsec_", 20},	  {"shpat_", 24},      {"AGE-SECRET-KEY-", 40},
};

/* Of keys by their prefixes and of JSON Web Tokens. */
static int in_key(char c)
{
	return is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* Of what follows "Bearer" (RFC 6750's b64token) as well. */
static int in_bearer(char c)
{
	return in_key(c) || c == '~' || c == '+' || c == '/' || c == '=';
}

static size_t token_end(struct span text, size_t at, int (*in)(char c))
{
	size_t p = at;
	while (p < text.n && in(text.s[p]))
		p++;
	while (p > at && (text.s[p - 1] == '.' || text.s[p - 1] == '-')) /* a sentence's */
		p--;
	return p;
}

static int starts(struct span text, size_t at, const char *what)
{
	size_t n = 0;
	while (what[n] && at + n < text.n && text.s[at + n] == what[n])
		n++;
	return !what[n];
}

static int has_digit(struct span text, size_t at, size_t end)
{
	for (; at < end; at++)
		if (is_digit(text.s[at]))
			return 1;
	return 0;
}

/* A private key from its first line to its last; to the end of the text where that is missing. */
static size_t pem_at(struct span text, size_t at)
{
	static const char mark[] = "PRIVATE KEY", last[] = "-----END";
	struct span line = from(text, at);
	const char *end = NULL;

	if (line.n > 64)
		line.n = 64;
	if (!starts(text, at, "-----BEGIN ") || !memmem(line.s, line.n, mark, sizeof mark - 1))
		return 0;
	line = from(text, at + 11);
	end = memmem(line.s, line.n, last, sizeof last - 1);
	if (!end)
		return text.n - at;
	line = from(text, (size_t)(end - text.s) + sizeof last - 1);
	end = memmem(line.s, line.n < 64 ? line.n : 64, "-----", 5);
	return end ? (size_t)(end + 5 - text.s) - at : text.n - at;
}

static size_t key_at(struct span text, size_t at)
{
	size_t end;

	if (text.s[at] == '-')
		return pem_at(text, at);
	/* where one cannot end none begins: each byte is looked at once */
	if (at && in_key(text.s[at - 1]))
		return 0;
	for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
		if (!starts(text, at, services[i].prefix))
			continue;
		size_t n = strlen(services[i].prefix);
		end = token_end(text, at + n, in_key);
		if (end - at >= n + services[i].least && has_digit(text, at + n, end))
			return end - at;
	}
	if (starts(text, at, "eyJ")) { /* {" in base64url: a JSON Web Token's three parts */
		end = token_end(text, at, in_key);
		const char *dot = memchr(text.s + at, '.', end - at);
		if (end - at >= 40 && dot && memchr(dot + 1, '.', (size_t)(text.s + end - dot - 1)))
			return end - at;
	}
	return 0;
}

/* Behind "Bearer " all is a secret, whoever made it. */
static size_t bearer_at(struct span text, size_t at)
{
	size_t end;

	if (at < 7 || (memcmp(text.s + at - 7, "Bearer ", 7) != 0 &&
		       memcmp(text.s + at - 7, "bearer ", 7) != 0))
		return 0;
	end = token_end(text, at, in_bearer);
	return end - at >= 16 && has_digit(text, at, end) ? end - at : 0;
}

/* --- all of them --- */

/* Whether a word may begin at `at`. */
static int at_start(struct span text, size_t at)
{
	char c = at ? text.s[at - 1] : ' ';
	return !is_alnum(c) && c != '_';
}

struct walk {
	struct span text;
	unsigned kinds;
	size_t at;
	size_t run;	   /* up to where digits were read for telephone numbers */
	struct span phone; /* the number found there */
};

static size_t phone_next(struct walk *w)
{
	struct span found;

	if (w->at >= w->run) {
		if (!phone_begins(w->text, w->at))
			return 0;
		w->run = phone_scan(w->text, w->at, &found);
		w->phone = found;
	}
	return w->phone.s == w->text.s + w->at ? w->phone.n : 0;
}

static int walk_next(struct walk *w, struct personal *found)
{
	struct span text = w->text;

	for (; w->at < text.n; w->at++) {
		size_t n = 0;
		enum personal_kind kind = PERSONAL_KEY;
		unsigned char c = (unsigned char)text.s[w->at];

		if ((c & 0xc0) == 0x80 || !at_start(text, w->at))
			continue;
		if (w->kinds & PERSONAL_BIT(PERSONAL_KEY)) {
			n = key_at(text, w->at);
			if (!n)
				n = bearer_at(text, w->at);
		}
		if (!n && (w->kinds & PERSONAL_BIT(PERSONAL_MAIL)))
			n = mail_at(text, w->at), kind = PERSONAL_MAIL;
		if (!n && (w->kinds & PERSONAL_BIT(PERSONAL_IBAN)))
			n = iban_at(text, w->at), kind = PERSONAL_IBAN;
		if (!n && (w->kinds & PERSONAL_BIT(PERSONAL_CARD)))
			n = card_at(text, w->at), kind = PERSONAL_CARD;
		if (!n && (w->kinds & PERSONAL_BIT(PERSONAL_PHONE)))
			n = phone_next(w), kind = PERSONAL_PHONE;
		if (!n)
			continue;
		*found = (struct personal){w->at, n, kind};
		w->at += n;
		return 1;
	}
	return 0;
}

int personal_next(struct span text, size_t at, unsigned kinds, struct personal *found)
{
	struct walk w = {.text = text, .kinds = kinds, .at = at};
	return walk_next(&w, found);
}

struct personal *personal_all(struct span text, unsigned kinds, size_t *n)
{
	struct walk w = {.text = text, .kinds = kinds};
	struct personal *all = NULL, one;
	size_t cap = 0;

	for (*n = 0; walk_next(&w, &one); all[(*n)++] = one)
		all = mem_grow(all, &cap, *n + 1, sizeof *all);
	return all;
}
