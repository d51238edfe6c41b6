/* The clerk's corpus: drills in copying, dates and sums for a base model, and memos of many kinds
 * to be taken apart into fields. It shares the forms of dates and sums with the payment notes, but
 * no sentence, no name and no field. Years are known from the drills alone: memos tell days as
 * month and day. */
#include "notes.h"

static struct day any_day(struct rng *r, int year)
{
	struct day d = {year, between(r, 1, 12), 1};

	d.day = between(r, 1, day_month_length(year, d.month));
	return d;
}

static int any_year(struct rng *r)
{
	return between(r, 1990, 2035);
}

static enum day_form form_with_year(struct rng *r)
{
	return (enum day_form)between(r, 0, DAY_FORMS_WITH_YEAR - 1);
}

static enum day_form form_bare(struct rng *r)
{
	return (enum day_form)between(r, DAY_FORMS_WITH_YEAR, DAY_FORMS - 1);
}

/* A code such as KT-4071, 88120 or 2019/43: a number that looks like a year need not be one. */
static void code_put(struct rng *r, struct buf *b)
{
	if (chance(r, 0.3)) {
		buf_addf(b, "%d%c%d", any_year(r), chance(r, 0.5) ? '/' : '-', between(r, 10, 999));
		return;
	}

	int letters = between(r, 0, 3), digits = between(r, 2, 5);

	while (letters-- > 0)
		buf_addc(b, 'A' + between(r, 0, 25));
	if (chance(r, 0.5) && b->len > 0 && b->data[b->len - 1] >= 'A')
		buf_addc(b, '-');
	buf_addc(b, '1' + between(r, 0, 8));
	while (digits-- > 1)
		buf_addc(b, '0' + between(r, 0, 9));
}

static void name_put(struct rng *r, struct buf *b)
{
	static const char *const join[] = {" ", " ", " ", " & ", " and ", "-", " de "};
	static const char *const suffix[] = {" Club",  " Trust", " Works", " Union", " Group",
					     " House", " AG",	 " Ltd",   " plc",   " Sons",
					     " Inc",   " BV",	 " SA",	   " Co",    " GmbH"};
	size_t at = b->len;
	int words = between(r, 1, 3);

	while (words-- > 0) {
		word_made(r, b, 1, 3, 1);
		if (words)
			buf_adds(b, PICK(r, join));
	}
	if (chance(r, 0.35))
		buf_adds(b, PICK(r, suffix));
	if (chance(r, 0.1))
		word_lower(b->data + at);
}

/* --- drills: short rows, all of them copies or changes of form. What a model learns first, and
 * slowly where rows are long --- */

static void copy_drill(struct rng *r, struct buf *ask, struct buf *answer)
{
	int parts = between(r, 1, 4);

	buf_adds(ask, "Copy: ");
	while (parts-- > 0) {
		switch (between(r, 0, 5)) {
		case 0:
			code_put(r, answer);
			break;
		case 1:
			money_put(answer, money_draw(r), chance(r, 0.5));
			break;
		case 2:
			name_put(r, answer);
			break;
		default:
			word_made(r, answer, 1, 3, chance(r, 0.6));
		}
		if (parts)
			buf_addc(answer, ' ');
	}
	buf_addspan(ask, buf_span(answer));
}

/* Days with their years, or days without behind one that has it. */
static void day_drill(struct rng *r, struct buf *ask, struct buf *answer)
{
	int parts = between(r, 1, 3), year = any_year(r), bare = chance(r, 0.5);

	buf_adds(ask, bare ? "Since " : "ISO: ");
	if (bare) {
		day_put(ask, any_day(r, year), form_with_year(r));
		buf_adds(ask, ": ");
	}
	while (parts-- > 0) {
		struct day d = any_day(r, bare ? year : any_year(r));

		day_put(ask, d, bare ? form_bare(r) : form_with_year(r));
		day_put(answer, d, DAY_ISO);
		if (parts) {
			buf_adds(ask, "; ");
			buf_adds(answer, "; ");
		}
	}
}

static void sum_drill(struct rng *r, struct buf *ask, struct buf *answer)
{
	static const char *const currencies[] = {"EUR", "USD", "GBP", "CHF"};
	int parts = between(r, 1, 3);

	buf_adds(ask, "Sums: ");
	while (parts-- > 0) {
		long cents = money_draw(r);
		const char *currency = PICK(r, currencies);

		money_note(r, ask, cents, currency);
		money_put(answer, cents, 0);
		buf_addf(answer, " %s", currency);
		if (parts) {
			buf_adds(ask, "; ");
			buf_adds(answer, "; ");
		}
	}
}

void clerk_drill(struct rng *r, struct buf *ask, struct buf *answer)
{
	double kind = rng_uniform(r);

	if (kind < 0.5)
		copy_drill(r, ask, answer);
	else if (kind < 0.75)
		day_drill(r, ask, answer);
	else
		sum_drill(r, ask, answer);
}

/* --- memos --- */

enum { WHO, CODE, WHAT, SUM, UNIT, COUNTED, DAY, FIELDS };

static const char *key_draw(struct rng *r, int field)
{
	static const char *const names[FIELDS][4] = {
		[WHO] = {"who", "name", "person", "client"},
		[CODE] = {"code", "number", "ref", "key"},
		[WHAT] = {"what", "item", "title", "thing"},
		[SUM] = {"sum", "price", "cost", "value"},
		[UNIT] = {"unit", "money", "coin", "in"},
		[COUNTED] = {"count", "pieces", "many", "n"},
		[DAY] = {"day", "on", "until", "when"},
	};

	return PICK(r, names[field]);
}

/* A `%` stands before N a name, C a code, W made-up words, M a sum of money, Q a count, D a day. */
static const char *const memos[] = {
	"%N borrowed %W (shelf %C), back on %D",
	"Lent %W to %N until %D",
	"Room %C for %N from %D at %M a night",
	"%N checks in %D, room %C, rate %M",
	"Parcel %C for %N arrives %D",
	"%N sends %Q boxes of %W on %D, waybill %C",
	"Repair of %W for %N: quote %M, ready %D",
	"%N booked %Q seats for %W, %D, %M each",
	"Meeting with %N about %W on %D",
	"%D: %N takes over %W",
	"Lot %C, %W, sold to %N for %M, collected %D",
	"Inspection of %W %C moved to %D, inspector %N",
	"%W costs %M at %N, offer ends %D",
	"%N ordered %Q x %W. Delivery %D, order %C",
	"%M for %W from %N until %D",
	"%D, %M: %N, %C",
};

static void written_put(struct rng *r, struct buf *b, struct day d)
{
	static const char *const before[] = {"Written ", "(", "Log ", "On ", "Entry of ", "", ""};
	static const char *const after[] = {"\n", ") ", ": ", ", ", ". ", " - ", "\n"};
	size_t form = rng_below(r, COUNT(before));

	buf_adds(b, before[form]);
	day_put(b, d, form_with_year(r));
	buf_adds(b, after[form]);
}

/* Fills the pattern into ask; value[field] becomes what an answer says of it, and stays empty where
 * the memo says nothing. */
static void memo_put(struct rng *r, struct buf *ask, struct buf *value)
{
	static const char *const currencies[] = {"EUR", "USD", "GBP", "CHF"};
	struct day day = any_day(r, any_year(r));
	long cents = money_draw(r);
	const char *currency = PICK(r, currencies);

	written_put(r, ask, any_day(r, any_year(r)));
	for (const char *p = PICK(r, memos); *p; p++) {
		if (*p != '%') {
			buf_addc(ask, *p);
			continue;
		}
		switch (*++p) {
		case 'N':
			name_put(r, &value[WHO]);
			buf_addspan(ask, buf_span(&value[WHO]));
			break;
		case 'C':
			code_put(r, &value[CODE]);
			buf_addspan(ask, buf_span(&value[CODE]));
			break;
		case 'W':
			word_made(r, &value[WHAT], 1, 2, 0);
			if (chance(r, 0.5)) {
				buf_addc(&value[WHAT], ' ');
				word_made(r, &value[WHAT], 1, 2, 0);
			}
			buf_addspan(ask, buf_span(&value[WHAT]));
			break;
		case 'M':
			money_note(r, ask, cents, currency);
			money_put(&value[SUM], cents, 0);
			buf_adds(&value[UNIT], currency);
			break;
		case 'Q':
			buf_addf(&value[COUNTED], "%d", between(r, 2, 400));
			buf_addspan(ask, buf_span(&value[COUNTED]));
			break;
		case 'D':
			day_put(ask, day, chance(r, 0.6) ? form_bare(r) : form_with_year(r));
			buf_addf(&value[DAY], "%02d-%02d", day.month, day.day);
			break;
		}
	}
}

void clerk_memo(struct rng *r, struct buf *ask, struct buf *answer)
{
	struct buf value[FIELDS] = {BUF_INIT};
	size_t order[FIELDS], n = 0;
	int json = chance(r, 0.6), wanted = between(r, 3, 6);

	memo_put(r, ask, value);
	for (size_t f = 0; f < FIELDS; f++)
		if (value[f].len > 0)
			order[n++] = f;
	rng_shuffle(r, order, n);
	if (n > (size_t)wanted)
		n = (size_t)wanted;
	buf_adds(ask, json ? "\nJSON: " : "\nList: ");
	if (json)
		buf_addc(answer, '{');
	for (size_t i = 0; i < n; i++) {
		const struct buf *v = &value[order[i]];
		int number = order[i] == SUM || order[i] == COUNTED;
		const char *key = key_draw(r, (int)order[i]), *quote = json && !number ? "\"" : "";

		buf_addf(ask, "%s%s", i ? ", " : "", key);
		if (json)
			buf_addf(answer, "%s\"%s\":", i ? "," : "", key);
		else
			buf_addf(answer, "%s%s: ", i ? "\n" : "", key);
		buf_addf(answer, "%s%s%s", quote, v->data, quote);
	}
	if (json)
		buf_addc(answer, '}');
	for (size_t f = 0; f < FIELDS; f++)
		buf_release(&value[f]);
}
