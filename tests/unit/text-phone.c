/* lib/text/phone on 2,000 rows: how many of the telephone numbers are found, and how much of what is
 * found is one. The rows come from lists of how people write numbers, country by country (the
 * examples of Wikipedia's "National conventions for writing telephone numbers"), and of what else
 * has digits; neither knows the rules of the detector. Half of the rows hold one number, half none. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/base/rng.h"
#include "../../lib/text/personal.h"

/* d any digit, n 2 to 9, z 1 to 9, m 01 to 12, t 01 to 28, h 00 to 23, i 00 to 59, y 1990 to 2029;
 * {a,b} one of; a letter behind \ and all else is itself. */
static const char *const written[] = {
	"+1 {212,415,617,303,808} nd{2,3,4}-dddd",
	"+1 ({212,415,617,303,808}) ndd-dddd",
	"+1-{212,702,404}-ndd-dddd",
	"+1{212,415,617}nddnddd",
	"({212,415,617,503,808}) ndd-dddd",
	"({212,415,617,503,808})ndd-dddd",
	"{212,415,617,503}-ndd-dddd",
	"{212,415,617,503}.ndd.dddd",
	"{212,415,617,503} ndd dddd",
	"1-{800,888,877}-ndd-dddd",
	"1 ({212,415}) ndd-dddd",
	"({212,415}) ndd-dddd {ex\\t. ,x,ex\\t }zdd",
	"+44 20 7ddd dddd",
	"+44 (0)20 7ddd dddd",
	"+447{4,5,7,9}dddddddd",
	"020 {7,8,3}ddd dddd",
	"(020) 7ddd dddd",
	"07{4,5,7,9}dd dddddd",
	"07{4,5,7,9}dddddddd",
	"01{21,31,41,61} ddd dddd",
	"+33 {1,2,3,4,5} dd dd dd dd",
	"+33 (0){6,7} dd dd dd dd",
	"+33{6,7}dddddddd",
	"0{1,2,3,4,5,6,7} dd dd dd dd",
	"0{1,2,4,6,7}.dd.dd.dd.dd",
	"0{6,7}-dd-dd-dd-dd",
	"0033 {1,6} dd dd dd dd",
	"+49 30 zddddd{d,dd}",
	"+49 (0){89,40,221} zddd ddd",
	"+49 {151,171,176} zddddddd",
	"+49-{30,69}-zddddddd",
	"030 / zddddddd",
	"030/zdddddd{,d}",
	"({030,089,0221}) zddd dddd",
	"{0151,0171,0176} zddddddd",
	"{0151,0171,0176}-zddddddd",
	"{0151,0171,0176}zddddddd",
	"0{221,711,421} zdd dd dd",
	"+41 {44,22,79} zdd dd dd",
	"0{44,22,79} zdd dd dd",
	"+43 {1,316,662} zddddddd",
	"+31 {20,10,70} zdd dddd",
	"0{20,10,70}-zdddddd",
	"06-zddddddd",
	"+32 {2,3,9} zdd dd dd",
	"04{70,85,96} dd dd dd",
	"+39 {06,02,011} zddddddd",
	"+39 {333,347,320} zdd dddd",
	"{333,347,320} zdddddd",
	"+34 {6,9}dd ddd ddd",
	"+34 {91,93} zdd dd dd",
	"{6,9}dd dd dd dd",
	"+351 {21,91} ddd dddd",
	"+46 {8,70}-zdd dd dd",
	"070-zdd dd dd",
	"+47 {2,9}d dd dd dd",
	"+45 {2,3}d dd dd dd",
	"+358 {40,50} zdd dddd",
	"+48 {601,22z} ddd ddd",
	"+420 {601,777} ddd ddd",
	"+36 1 zdd dddd",
	"+30 21d ddd dddd",
	"+90 {212,532} ddd dd dd",
	"0{212,532} zdd dd dd",
	"+7 ({495,812,916}) ddd-dd-dd",
	"8 ({495,812,916}) ddd-dd-dd",
	"+380 {44,67} ddd dd dd",
	"+972 {52,54}-zdd-dddd",
	"05{2,4}-zdddddd",
	"+971 {50,4} zdd dddd",
	"+91 {9,8,7}dddd ddddd",
	"0{22,11}-zddd dddd",
	"+86 1{38,39,86} dddd dddd",
	"010-8ddd dddd",
	"+81 {3,90}-zddd-dddd",
	"0{3,90}-zddd-dddd",
	"+82 {2,10}-zddd-dddd",
	"010-zddd-dddd",
	"+65 {6,8,9}ddd dddd",
	"+852 {2,9}ddd dddd",
	"+61 {2,3} 9ddd dddd",
	"+61 4dd ddd ddd",
	"(0{2,3,7}) 9ddd dddd",
	"04dd ddd ddd",
	"+64 {9,21} zdd dddd",
	"+27 {11,82} zdd dddd",
	"0{11,82} zdd dddd",
	"+234 80d zdd dddd",
	"+254 7dd dddddd",
	"+20 {2,10} zddd dddd",
	"+212 6dd-dddddd",
	"+55 {11,21} 9dddd-dddd",
	"({11,21}) 9dddd-dddd",
	"({11,21}) {2,3,4}ddd-dddd",
	"+52 {55,33} dddd dddd",
	"+54 11 {4,5}ddd-dddd",
	"+57 3{00,10} ddd dddd",
	"+56 9 dddd dddd",
	"+62 812-zddd-dddd",
	"+63 917 zdd dddd",
	"+66 {2,81} zdd {dddd,dddd}",
	"+84 {24,28} zddd dddd",
	"+92 300 zdddddd",
	/* national forms that only their country knows */
	"{601,511,790} ddd ddd",
	"{2,9}d dd dd dd",
	"1{38,39,86}dddddddd",
};

static const char *const frames_of_numbers[] = {
	"%s",
	"Call %s today.",
	"Please ring me on %s after 6 pm",
	"My number is %s, thanks!",
	"Tel: %s",
	"Tel. %s / Fax on request",
	"phone=%s",
	"contact: Anna Weber, %s (office)",
	"Ich bin unter %s erreichbar.",
	"Vous pouvez me joindre au %s.",
	"{\"phone\": \"%s\"}",
	"Order 4711 was placed on 2023-10-05; reach the customer at %s.",
	"WhatsApp: %s",
	"We met at 10:30 and he gave me %s.",
	"From: anna@example.com, %s",
	"Anna (%s) called back",
	"* %s\n* 12 items",
	"mobile %s",
	"Handy: %s",
	"%s is out of service",
	"you can text %s anytime",
	"Kind regards\nAnna\n%s",
	"T %s",
	"reachable: %s.",
};

static const char *const others[] = {
	"y-m-t",
	"y-m-t h:i",
	"y-m-th:i:i",
	"t.m.y",
	"t.m.y h:i",
	"t/m/y",
	"m/t/y h:i",
	"t-m-y",
	"y/m/t h:i:i",
	"y-m-tTh:i:iZ",
	"y-m-tTh:i:i+02:00",
	"y-m-t h:i - h:i",
	"ymt",
	"ymt hii",
	"t.m.y - t.m.y",
	"y-y",
	"h:i",
	"h:i:i",
	"h.i Uhr",
	"t m y",
	"z ddd ddd,dd EUR",
	"z.ddd.ddd,dd EUR",
	"z,ddd,ddd.dd USD",
	"$z,ddd.dd",
	"EUR zdd.ddd,dd",
	"z ddd ddd",
	"zdd ddd ddd",
	"zd ddd ddd ddd",
	"CHF z'ddd'ddd",
	"z ddd ddd ddd kr",
	"zdd.dd \xe2\x82\xac",
	"\xe2\x82\xb9z,dd,dd,ddd",
	"-z ddd.dd",
	"zdd ddd ddd \xe2\x82\xac",
	"zddddd",
	"zddddddddd",
	"zdddddddddd",
	"zdddddddddddd",
	"zdddddddddddddddd",
	"INV-y-dddddd",
	"INV-ddd-ddd-dddd",
	"order 4d dddddd",
	"Order #ddd-ddddddd-ddddddd",
	"invoice 0dddddddd",
	"Rechnung 0ddd/ddddd",
	"customer 0ddd dddddd",
	"SKU 0dddd-ddddd",
	"ref. 0d-dddd-dddd",
	"ticket 0171-ddddddd",
	"Kundennummer 0dd ddd ddd",
	"account 0dd dddd dddd",
	"tracking zddd dddd dddd",
	"Konto 0d dd dd dd dd",
	"ISBN 978-3-dd-dddddd-d",
	"978-z-dddd-dddd-d",
	"zdd-dd-dddd",
	"DEzdddddddd",
	"zdd ddd ddd ddddd",
	"zddddddd-dddd-4ddd-addd-dddddddddddd",
	"192.168.d.zd",
	"10.zd.zd.zd:8080",
	"v{1,2}.d.zd.d",
	"2.31.{1,2}",
	"zd.dddddd, -zd.dddddd",
	"0.ddddddd",
	"d-d, d-d, d-d",
	"zd x zd x zd mm",
	"zd %",
	"zdd/zdd/zdd",
	"https://example.com/p/zdd-ndd-dddd",
	"file_y-m-t_ddddddd.csv",
	"sha dddddddadddd",
	"12-34-56",
	"{7,8} + {7,8} = 15",
	"1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
	"{\"ID\": \"0ddddddddd\"}",
	"{\"order_id\": zddddddddd}",
	"{\"TS\": 17dddddddd}",
	"zddd zddd zddd zddd zddd zddd",
	"row 0ddd 0ddd 0ddd",
	"z e-dd",
	"1.dddddde-ddd",
	"{3,5}-2 {6,7}-4",
	"p. zdd-zdd",
	"zdd-zdd kg",
	"Flight LHdddd y-m-t",
	"zip ddddd-dddd",
	"ddddd Berlin",
	"IBAN DEdd dddd dddd dddd dddd dd",
	"+5 %",
	"+zdd.dd EUR",
	"+999 zdd ddd ddd",
	"#0171234567",
	"lot 0dd-dd-dd-dd",
	"ID 06dddddddd",
	"zd:zd:zd",
};

static const char *const frames_of_others[] = {
	"%s",
	"It was %s then.",
	"Created: %s, updated later",
	"The value is %s today",
	"see %s for more",
	"From %s on, all is new.",
	"total %s",
	"Am %s.",
	"Le %s, nous avons commenc\xc3\xa9.",
	"(%s)",
	"%s was the highest that we saw",
	"between 10 and %s",
	"[%s]",
	"a, %s, b",
	"x\n%s\ny",
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static size_t below(struct rng *r, size_t n)
{
	return (size_t)rng_below(r, (uint64_t)n);
}

static void expand(struct rng *r, const char *form, char *out)
{
	for (; *form; form++) {
		int v;
		switch (*form) {
		case 'd':
			v = (int)below(r, 10);
			out += sprintf(out, "%d", v);
			break;
		case 'n':
			v = 2 + (int)below(r, 8);
			out += sprintf(out, "%d", v);
			break;
		case 'z':
			v = 1 + (int)below(r, 9);
			out += sprintf(out, "%d", v);
			break;
		case 'm':
			v = 1 + (int)below(r, 12);
			out += sprintf(out, "%02d", v);
			break;
		case 't':
			v = 1 + (int)below(r, 28);
			out += sprintf(out, "%02d", v);
			break;
		case 'h':
			v = (int)below(r, 24);
			out += sprintf(out, "%02d", v);
			break;
		case 'i':
			v = (int)below(r, 60);
			out += sprintf(out, "%02d", v);
			break;
		case 'y':
			v = 1990 + (int)below(r, 40);
			out += sprintf(out, "%d", v);
			break;
		case '\\':
			form++; /* fall through */
		default:
			*out++ = *form;
		}
	}
	*out = 0;
}

/* {a,b,c} to one of them; then only the letters that stand for digits are left. A brace of JSON has
 * a quote behind it. */
static void choose(struct rng *r, const char *form, char *out)
{
	while (*form) {
		const char *end = strchr(form, '}');
		if (*form != '{' || form[1] == '"' || !end) {
			*out++ = *form++;
			continue;
		}
		size_t n = 1, pick;
		for (const char *p = form; p < end; p++)
			n += *p == ',';
		pick = below(r, n);
		form++;
		for (; pick; form++)
			pick -= *form == ',';
		while (*form != ',' && *form != '}')
			*out++ = *form++;
		form = end + 1;
	}
	*out = 0;
}

/* Words are no templates: only digits' letters that stand beside no other letter are expanded. */
static void write_other(struct rng *r, const char *form, char *out)
{
	char chosen[256], *p = chosen;
	choose(r, form, chosen);
	while (*p) {
		size_t n = strcspn(p, " \"");
		char word[128], c = p[n];
		size_t letters = strspn(p, "dnzmthiy0123456789.,:;-/+#$'%()TZa\xe2\x82\xac\xb9");
		p[n] = 0;
		if (letters >= n && strpbrk(p, "dzmthy"))
			expand(r, p, word);
		else if (strncmp(p, "INV-", 4) == 0 || strncmp(p, "file_", 5) == 0) {
			memcpy(word, p, 4 + (size_t)(*p == 'f'));
			expand(r, p + 4 + (*p == 'f'), word + 4 + (*p == 'f'));
		} else if (n > 4 && strspn(p + 2, "dz") == n - 2) {
			memcpy(word, p, 2);
			expand(r, p + 2, word + 2);
		} else {
			memcpy(word, p, n + 1);
		}
		out += sprintf(out, "%s", word);
		p += n;
		if (c)
			*out++ = c, p++;
	}
	*out = 0;
}

int main(int argc, char **argv)
{
	enum { HALF = 1000 };
	int show = argc > 1 && strcmp(argv[1], "-v") == 0;
	int found = 0, right = 0, there = 0, clean = 0;
	struct rng r;
	char form[128], number[128], row[512];

	rng_seed(&r, 20231005, 0);
	for (int i = 0; i < 2 * HALF; i++) {
		const char *frame;
		size_t n, at = 0, len = 0;
		if (i < HALF) {
			choose(&r, written[below(&r, COUNT(written))], form);
			expand(&r, form, number);
			frame = frames_of_numbers[below(&r, COUNT(frames_of_numbers))];
			at = (size_t)(strstr(frame, "%s") - frame);
			len = strlen(number);
			there++;
		} else {
			write_other(&r, others[below(&r, COUNT(others))], number);
			frame = frames_of_others[below(&r, COUNT(frames_of_others))];
		}
		snprintf(row, sizeof row, frame, number);
		struct personal *got = personal_all(span_of(row), PERSONAL_BIT(PERSONAL_PHONE), &n);
		int hit = 0;
		for (size_t k = 0; k < n; k++)
			hit |= len && got[k].start == at && got[k].length == len;
		found += (int)n;
		right += hit;
		clean += i >= HALF && n == 0;
		if (show && (len ? !hit || n > 1 : n > 0))
			printf("# %s: %s\n", len ? "missed or more" : "found in", row);
		free(got);
	}
	double precision = (double)right / found, recall = (double)right / there;
	printf("# %d rows: %d numbers, %d found, %d of them right: precision %.4f, recall %.4f; %d of %d other rows clean\n",
	       2 * HALF, there, found, right, precision, recall, clean, HALF);
	ok(precision >= 0.98, "what is found is a telephone number");
	ok(recall >= 0.95, "telephone numbers are found, to the byte");
	return tap_done();
}
