/* phone_plan: country codes, lengths and national forms. See phone.h.
 *
 * Codes and lengths: ITU-T, "List of Recommendation ITU-T E.164 assigned country codes" and the
 * national numbering plans notified to it. Lengths are those of the national significant number;
 * where a plan has several, the shortest and the longest that subscribers have. */
#include <stdlib.h>
#include <string.h>
#include "phone_impl.h"

static const struct country {
	short code;
	unsigned char shortest, longest;
} countries[] = {
	/* zones 1 and 7: one code each, ten digits */
	{1, 10, 10},
	{7, 10, 10},
	/* Africa and the Atlantic */
	{20, 8, 10},
	{211, 9, 9},
	{212, 9, 9},
	{213, 8, 9},
	{216, 8, 8},
	{218, 8, 9},
	{220, 7, 7},
	{221, 9, 9},
	{222, 8, 8},
	{223, 8, 8},
	{224, 8, 9},
	{225, 8, 10},
	{226, 8, 8},
	{227, 8, 8},
	{228, 8, 8},
	{229, 8, 10},
	{230, 7, 8},
	{231, 7, 9},
	{232, 8, 8},
	{233, 9, 9},
	{234, 8, 10},
	{235, 8, 8},
	{236, 8, 8},
	{237, 8, 9},
	{238, 7, 7},
	{239, 7, 7},
	{240, 9, 9},
	{241, 7, 8},
	{242, 9, 9},
	{243, 7, 9},
	{244, 9, 9},
	{245, 7, 9},
	{246, 7, 7},
	{247, 4, 5},
	{248, 7, 7},
	{249, 9, 9},
	{250, 8, 9},
	{251, 9, 9},
	{252, 7, 9},
	{253, 8, 8},
	{254, 9, 9},
	{255, 9, 9},
	{256, 9, 9},
	{257, 8, 8},
	{258, 8, 9},
	{260, 9, 9},
	{261, 9, 9},
	{262, 9, 9},
	{263, 8, 10},
	{264, 8, 9},
	{265, 7, 9},
	{266, 8, 8},
	{267, 7, 8},
	{268, 8, 8},
	{269, 7, 7},
	{27, 9, 9},
	{290, 4, 5},
	{291, 7, 7},
	{297, 7, 7},
	{298, 6, 6},
	{299, 6, 6},
	/* Europe */
	{30, 10, 10},
	{31, 9, 9},
	{32, 8, 9},
	{33, 9, 9},
	{34, 9, 9},
	{350, 8, 8},
	{351, 9, 9},
	{352, 6, 11},
	{353, 7, 9},
	{354, 7, 9},
	{355, 8, 9},
	{356, 8, 8},
	{357, 8, 8},
	{358, 6, 11},
	{359, 7, 9},
	{36, 8, 9},
	{370, 8, 8},
	{371, 8, 8},
	{372, 7, 8},
	{373, 8, 8},
	{374, 8, 8},
	{375, 9, 9},
	{376, 6, 9},
	{377, 8, 9},
	{378, 6, 10},
	{380, 9, 9},
	{381, 8, 9},
	{382, 8, 8},
	{383, 8, 8},
	{385, 8, 9},
	{386, 8, 8},
	{387, 8, 8},
	{389, 8, 8},
	{39, 8, 11},
	{40, 9, 9},
	{41, 9, 9},
	{420, 9, 9},
	{421, 9, 9},
	{423, 7, 9},
	{43, 7, 13},
	{44, 9, 10},
	{45, 8, 8},
	{46, 7, 9},
	{47, 8, 8},
	{48, 9, 9},
	{49, 6, 13},
	/* South and Central America */
	{500, 5, 5},
	{501, 7, 7},
	{502, 8, 8},
	{503, 8, 8},
	{504, 8, 8},
	{505, 8, 8},
	{506, 8, 8},
	{507, 7, 8},
	{508, 6, 9},
	{509, 8, 8},
	{51, 8, 9},
	{52, 10, 11},
	{53, 6, 8},
	{54, 10, 11},
	{55, 10, 11},
	{56, 9, 9},
	{57, 10, 10},
	{58, 10, 10},
	{590, 9, 9},
	{591, 8, 8},
	{592, 7, 7},
	{593, 8, 9},
	{594, 9, 9},
	{595, 9, 9},
	{596, 9, 9},
	{597, 6, 7},
	{598, 8, 8},
	{599, 7, 8},
	/* South-East Asia and the Pacific */
	{60, 8, 10},
	{61, 9, 9},
	{62, 8, 12},
	{63, 8, 10},
	{64, 8, 10},
	{65, 8, 8},
	{66, 8, 9},
	{670, 7, 8},
	{672, 6, 6},
	{673, 7, 7},
	{674, 7, 7},
	{675, 7, 8},
	{676, 5, 7},
	{677, 5, 7},
	{678, 5, 7},
	{679, 7, 7},
	{680, 7, 7},
	{681, 6, 6},
	{682, 5, 5},
	{683, 4, 7},
	{685, 5, 7},
	{686, 5, 8},
	{687, 6, 6},
	{688, 5, 7},
	{689, 6, 8},
	{690, 4, 7},
	{691, 7, 7},
	{692, 7, 7},
	/* services of all countries, and the rest of Asia */
	{800, 8, 8},
	{808, 8, 8},
	{81, 9, 10},
	{82, 8, 10},
	{84, 9, 10},
	{850, 8, 10},
	{852, 8, 8},
	{853, 8, 8},
	{855, 8, 9},
	{856, 8, 10},
	{86, 10, 11},
	{870, 9, 9},
	{878, 12, 12},
	{880, 8, 10},
	{881, 8, 9},
	{882, 7, 12},
	{883, 7, 12},
	{886, 8, 9},
	{90, 10, 10},
	{91, 10, 10},
	{92, 9, 10},
	{93, 9, 9},
	{94, 9, 9},
	{95, 7, 10},
	{960, 7, 7},
	{961, 7, 8},
	{962, 8, 9},
	{963, 8, 9},
	{964, 8, 10},
	{965, 8, 8},
	{966, 9, 9},
	{967, 7, 9},
	{968, 8, 8},
	{970, 8, 9},
	{971, 8, 9},
	{972, 8, 9},
	{973, 8, 8},
	{974, 8, 8},
	{975, 7, 8},
	{976, 8, 8},
	{977, 8, 10},
	{979, 9, 9},
	{98, 10, 10},
	{992, 9, 9},
	{993, 8, 8},
	{994, 9, 9},
	{995, 9, 9},
	{996, 9, 9},
	{998, 9, 9},
};

/* National forms: d any digit, N 2 to 9, Z 1 to 9, [...] one of, ~ one separator (space, hyphen,
 * full stop), = a separator or none; all else is itself. */
static const char *const national[] = {
	/* North America: area code, exchange, line. In brackets or with hyphens also codes that nobody has, for
	 * these are the forms that examples are written in. */
	"(ddd)=ddd~dddd",
	"Zdd-ddd-dddd",
	"Ndd~Ndd~dddd",
	"Ndd/Ndd~dddd",
	"1~ddd~ddd~dddd",
	"1~(ddd)=ddd~dddd",
	"1(ddd)=ddd~dddd",
	/* mobile numbers that are written in one piece: France, Germany, the United Kingdom */
	"0[67]dddddddd",
	"01[567]dddddddd",
	"01[567]ddddddddd",
	"07[1-9]dddddddd",
	/* Spain, Italy, Hungary */
	"[89]d~ddd~dd~dd",
	"[6789]dd~dd~dd~dd",
	"3[2-9]d~dddddd",
	"3[2-9]d~ddddddd",
	"3[2-9]d~ddd~dddd",
	"06~1~ddd~dddd",
	/* Russia and Kazakhstan, with the trunk 8 */
	"8=(ddd)=ddd~dd~dd",
	"8=(ddd)=ddd~dddd",
	"8~[34789]dd~ddd~dd~dd",
	/* Brazil, Mexico, Argentina */
	"dd~9dddd-dddd",
	"(dd)=9~dddd~dddd",
	"55~dddd~dddd",
	"(dd)=ddddd~dddd",
	/* China's mobile numbers, Australia's services */
	"1[3-9]d~dddd~dddd",
	"1[38]00~ddd~ddd",
};

int phone_e164(const char *digits, size_t n)
{
	for (size_t i = 0; i < sizeof countries / sizeof *countries; i++) {
		const struct country *c = &countries[i];
		size_t m = c->code < 10 ? 1 : c->code < 100 ? 2 : 3;
		int code = 0;
		if (n <= m || n > 15)
			continue;
		for (size_t k = 0; k < m; k++)
			code = code * 10 + (digits[k] - '0');
		if (code != c->code)
			continue;
		size_t rest = n - m;
		/* the trunk 0 that people leave in, which no plan but Italy's counts */
		if (digits[m] == '0' && c->code != 39 && rest > c->shortest)
			rest--;
		return rest >= c->shortest && rest <= c->longest;
	}
	return 0;
}

static int in_set(const char *set, char c, const char **end)
{
	int in = 0;
	for (set++; *set != ']'; set++) {
		if (set[1] == '-' && set[2] != ']') {
			in |= c >= set[0] && c <= set[2];
			set += 2;
		} else {
			in |= c == *set;
		}
	}
	*end = set + 1;
	return in;
}

static int is_separator(char c)
{
	return c == ' ' || c == '-' || c == '.';
}

static int fits(const char *form, const char *text)
{
	for (; *form; text++) {
		int digit = *text >= '0' && *text <= '9';
		switch (*form) {
		case '[':
			if (!in_set(form, *text, &form))
				return 0;
			continue;
		case '=':
			form++;
			text -= !is_separator(*text);
			continue;
		case '~':
			if (!is_separator(*text))
				return 0;
			break;
		case 'd':
		case 'N':
		case 'Z':
			if (!digit || *text < (*form == 'd' ? '0' : *form == 'Z' ? '1' : '2'))
				return 0;
			break;
		default:
			if (*form != *text)
				return 0;
		}
		form++;
	}
	return !*text;
}

/* A trunk 0 and an area code before a subscriber's number, in two to six groups; the area code may
 * stand in brackets, or be parted by a slash. Nine to twelve digits: fewer are dates. */
static int has_trunk(const char *plain)
{
	const char *p = plain;
	int bracket = *p == '(';
	size_t area, digits, groups = 1;

	p += bracket;
	area = strspn(p, "0123456789");
	if (area < 2 || area > 6 || p[0] != '0' || p[1] == '0')
		return 0;
	p += area;
	if (bracket && *p++ != ')')
		return 0;
	digits = area;
	while (*p) {
		size_t gap = strspn(p, groups == 1 ? " -./" : " -."), n;
		if (gap > 1 || (!gap && !(bracket && groups == 1)))
			return 0;
		p += gap;
		n = strspn(p, "0123456789");
		if (n < 2)
			return 0;
		digits += n;
		groups++;
		p += n;
	}
	/* five and four digits are a postal code of the United States */
	return groups >= 2 && groups <= 6 && digits >= 9 && digits <= 12 &&
	       !(area == 5 && digits == 9);
}

/* An area code in brackets without the trunk 0, and eight to eleven digits in all: "(91) 123 45 67",
 * "(11) 4321-8765". A year is no area code, and threes throughout are an amount. */
static int has_brackets(const char *plain)
{
	size_t area, digits, threes = 1, groups = 1;
	const char *p = plain + 1;

	if (*plain != '(')
		return 0;
	area = strspn(p, "0123456789");
	if (area < 2 || area > 5 || p[area] != ')' || (area == 4 && (p[0] == '1' || p[0] == '2')))
		return 0;
	digits = area;
	threes = area == 3;
	p += area + 1;
	while (*p) {
		size_t gap = strspn(p, " -."), n;
		if (gap > 1 || (!gap && groups > 1))
			return 0;
		p += gap;
		n = strspn(p, "0123456789");
		if (n < 2)
			return 0;
		threes = threes && n == 3;
		digits += n;
		groups++;
		p += n;
	}
	return groups >= 2 && groups <= 5 && digits >= 8 && digits <= 11 && !threes;
}

int phone_national(const char *plain)
{
	for (size_t i = 0; i < sizeof national / sizeof *national; i++)
		if (fits(national[i], plain))
			return 1;
	return has_trunk(plain) || has_brackets(plain);
}
