/* lib/text/personal: what is found, byte for byte, and what is none. Expected spans are written by
 * hand: what is to be found stands between guillemets' ASCII stand-ins, [kind:...]. Card numbers are
 * the issuers' published test numbers, IBANs the registry's examples. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/text/personal.h"

static const char *const rows[] = {
	/* mail */
	"write to [mail:anna.b+x@mail.example.com], or call",
	"<[mail:o'brien@example.ie]>, \"[mail:a_b@x-y.co.uk]\".",
	"mailto:[mail:info@m\xc3\xbcller.de]?subject=x",
	"\xe9\x82\xae\xe7\xae\xb1\xef\xbc\x9a[mail:li@example.cn]\xe3\x80\x82",
	"email=[mail:kim@example.org]&x=1",
	"a@b, x@localhost, @handle, me@, 5@10.20 and foo@bar..com",
	/* cards */
	"card [card:4111 1111 1111 1111] ok",
	"[card:4111-1111-1111-1111]",
	"[card:378282246310005]",
	"Amex [card:3782 822463 10005], Diners [card:30569309025904]",
	"room 12 [card:5555 5555 5555 4444].",
	"4111 1111 1111 1112",
	"0000000000000000 and 1234567890123456",
	"0.4111111111111111",
	/* IBAN */
	"IBAN [iban:DE89 3704 0044 0532 0130 00] BIC X",
	"[iban:GB82WEST12345698765432]",
	"konto [iban:de89370400440532013000].",
	"[iban:FR14 2004 1010 0505 0001 3M02 606]",
	"[iban:NO93 8601 1117 947]",
	"DE88370400440532013000, XX89370400440532013000",
	/* keys */
	"key [key:sk-proj-abc123def456ghi789jkl] end",
	"Authorization: Bearer [key:abcdef0123456789abcdef]",
	"[key:AKIAIOSFODNN7EXAMPLE]",
	"[key:ghp_0123456789abcdefghijABCDEFGHIJ456789]",
	"token=[key:eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcDEF123_-x].",
	"[key:-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----] done",
	"sk-learn is a library, task-force 12",
	/* telephone numbers */
	"call [phone:+33 6 12 34 56 78] now",
	"[phone:+33612345678]",
	"[phone:+49 (0)30 1234567]",
	"[phone:+49-171-1234567], [phone:+44 20 7946 0958]",
	"([phone:+1 (212) 555-0199 ext. 12])",
	"[phone:(212) 555-0199]",
	"[phone:212-555-0199] or [phone:212.555.0199]",
	"[phone:0033 1 42 68 53 00]",
	"[phone:01 42 68 53 00] [phone:06.12.34.56.78]",
	"[phone:030/123456789], [phone:(030) 1234567], [phone:0171 1234567]",
	"[phone:020 7946 0958] / [phone:07700 900123]",
	"Tel.: [phone:5551234567]",
	"{\"phone\": \"[phone:2125550199]\"}",
	"my phone number is [phone:555-0199]",
	"2023-10-05 10:30 [phone:0171 1234567]",
	"\xe7\x94\xb5\xe8\xaf\x9d\xef\xbc\x9a[phone:13800138000]",
	"[phone:\xef\xbc\x90\xef\xbc\x93-1234-5678]\xe3\x80\x82",
	"[phone:+33\xc2\xa0"
	"6\xc2\xa0"
	"12\xc2\xa0"
	"34\xc2\xa0"
	"56\xc2\xa0"
	"78]",
	("[phone:+49(0)171/1234567], [phone:\xef\xbc\x8b"
	 "81-3-1234-5678]"),
	"[phone:+7 (495) 123-45-67], [phone:8 (495) 123-45-67]",
	"[phone:(11) 91234-5678]",
	"[mail:0171-1234567@example.de]",
	/* none */
	"2023-10-05 10:30",
	"1 234 567 890,50 EUR",
	"05.10.2023 10:30:15 to 06.10.2023",
	"10/05/2023 09:15",
	"2023-10-05T10:30:00+02:00",
	"between 2019-2023 and 2020/2021",
	"EUR 1.234.567.890",
	"$ 212 555 0199",
	"order 0171 1234567",
	"PO 0451-2023-0007, UPC 0 12345 67890 5, SIRET 732 829 320 00074",
	"UTC+02:00 2023, GMT+1 2023-10-05, 08:00-17:00",
	"+1 234 567,50; GDP 2 957 880 000 000",
	"order_id: 0612345678, INV-0171-1234567",
	"Kontonummer 0532 0130 00",
	"ISBN 978-3-16-148410-0",
	"550e8400-e29b-41d4-a716-446655440000",
	"192.168.100.200 and 255.255.255.255:8080",
	"call 192.168.100.200",
	"+5 %, +1.5, -12, +999 123 456 789",
	"1700000000 1700000000123 12345678901234567890",
	"call on 2023-10-05 at 10:30",
	"https://example.com/item/212-555-0199",
	"v1.2.3.4, 40.712776, -74.005974",
	"123-45-6789",
	"3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28",
	"",
};

/* Takes the marks off; the spans that they held in want. */
static size_t take_marks(const char *row, char *text, struct personal *want)
{
	size_t n = 0, len = 0;
	for (const char *p = row; *p; p++) {
		int marked = 0;
		for (int k = 0; *p == '[' && k < PERSONAL_KINDS; k++) {
			const char *name = personal_name((enum personal_kind)k);
			size_t m = strlen(name);
			if (strncmp(p + 1, name, m) == 0 && p[1 + m] == ':') {
				want[n] = (struct personal){len, 0, (enum personal_kind)k};
				p += m + 1;
				marked = 1;
				break;
			}
		}
		if (marked)
			continue;
		if (*p == ']') {
			want[n].length = len - want[n].start;
			n++;
		} else {
			text[len++] = *p;
		}
	}
	text[len] = 0;
	return n;
}

int main(void)
{
	char text[256];
	struct personal want[8];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = take_marks(rows[i], text, want), m;
		struct personal *got = personal_all(span_of(text), PERSONAL_ALL, &m);
		int same = n == m;
		for (size_t k = 0; same && k < n; k++)
			same = got[k].start == want[k].start && got[k].length == want[k].length &&
			       got[k].kind == want[k].kind;
		ok(same, "row %zu is read right", i);
		for (size_t k = 0; !same && k < m; k++)
			printf("# %s: found %s '%.*s'\n", rows[i], personal_name(got[k].kind),
			       (int)got[k].length, text + got[k].start);
		if (!same && !m)
			printf("# %s: found nothing\n", rows[i]);
		free(got);
	}

	struct personal one;
	const char *both = "a@example.com 4111 1111 1111 1111";
	ok(personal_next(span_of(both), 0, PERSONAL_BIT(PERSONAL_CARD), &one) && one.start == 14,
	   "only the kinds asked for are found");
	ok(!personal_next(span_of(both), 0, PERSONAL_BIT(PERSONAL_IBAN), &one), "or none");
	ok(personal_next(span_of(both), 13, PERSONAL_ALL, &one) && one.kind == PERSONAL_CARD,
	   "reading goes on behind a byte");
	enum personal_kind kind;
	ok(personal_named(span_of("iban"), &kind) == 0 && kind == PERSONAL_IBAN,
	   "kinds have names");
	ok(personal_named(span_of("ibans"), &kind) == -1, "and no others");

	/* any bytes, cut anywhere */
	unsigned seed = 1;
	int inside = 1;
	for (int i = 0; i < 20000; i++) {
		static const char bytes[] =
			"0123456789+-(). /@aZ\xc2\xa0\xe2\x80\x91\xef\xbc\x90\n:,";
		size_t n = 0, m;
		char s[64];
		for (n = 0; n < sizeof s; n++) {
			seed = seed * 1103515245u + 12345u;
			s[n] = bytes[(seed >> 16) % (sizeof bytes - 1)];
		}
		char *cut = malloc(n - (size_t)i % 60); /* so that reading beyond it is seen */
		n -= (size_t)i % 60;
		memcpy(cut, s, n);
		struct personal *got = personal_all((struct span){cut, n}, PERSONAL_ALL, &m);
		size_t at = 0;
		for (size_t k = 0; k < m; k++) {
			inside = inside && got[k].start >= at && got[k].length &&
				 got[k].start + got[k].length <= n;
			at = got[k].start + got[k].length;
		}
		free(got);
		free(cut);
	}
	ok(inside, "spans are in order and inside, whatever the bytes");

	/* A quarter of a megabyte in which a key, a number or an address could begin everywhere: were each followed to
	 * its end, this would take hours. */
	static const char *const everywhere[] = {"eyJ.",	"=sk-",	  "1 ",
						 "-----BEGIN ", "a@b.c@", "+1("};
	size_t size = (size_t)1 << 18, n = 0;
	char *large = malloc(size);
	for (size_t u = 0; u < sizeof everywhere / sizeof *everywhere; u++) {
		for (size_t k = 0; k < size; k++)
			large[k] = everywhere[u][k % strlen(everywhere[u])];
		free(personal_all((struct span){large, size}, PERSONAL_ALL, &n));
	}
	ok(n == 0, "beginnings without end are read through");
	free(large);
	return tap_done();
}
