/* Payment notes: what people write into the field "note" when somebody has to be paid. */
#include "notes.h"

/* Days between a note and its due date. At most 30, so that every lag fits into every month without
 * leaving the year, and its distribution is the same in December as in May. */
static int lag_draw(struct rng *r)
{
	static const int terms[] = {7, 10, 14, 14, 21, 28, 30, 30};

	return chance(r, 0.5) ? terms[rng_below(r, COUNT(terms))] : between(r, 3, 30);
}

static struct day received_draw(struct rng *r, int year, int month, int lag)
{
	struct day d = {year, month ? month : between(r, 1, 12), 1};
	int last = d.month == 12 ? 31 - lag : day_month_length(year, d.month);

	d.day = between(r, 1, last);
	return d;
}

#define SUPPLIERS 120
#define SUPPLIER_STREAM 0x5facu

static const char *const names[] = {"Abbott",	 "Adler",      "Almeida",  "Ashdown",	"Baxter",
				    "Becker",	 "Bellini",    "Brandt",   "Calder",	"Castell",
				    "Copeland",	 "Dahl",       "Delgado",  "Dubois",	"Eastgate",
				    "Ekholm",	 "Falkner",    "Ferreira", "Fontaine",	"Gallagher",
				    "Greenway",	 "Hagen",      "Harbour",  "Hawthorn",	"Holm",
				    "Ibarra",	 "Jansen",     "Kestrel",  "Kowalski",	"Kruger",
				    "Lindqvist", "Lombardi",   "Marlow",   "Meridian",	"Moreau",
				    "Nakamura",	 "Northfield", "Novak",	   "Oakley",	"Okafor",
				    "Orsini",	 "Pemberton",  "Petrov",   "Quayle",	"Ramirez",
				    "Redmond",	 "Rossi",      "Sandoval", "Schreiber", "Silva",
				    "Stanton",	 "Tanaka",     "Thorne",   "Ulrich",	"Vasquez",
				    "Vogel",	 "Westbrook",  "Whitlock", "Yilmaz",	"Zimmer"};

/* One of the suppliers of the firm, whose names are drawn once and for all: the same firm pays the
 * same people every year. */
static void payee_put(struct rng *r, struct buf *b)
{
	static const char *const trade[] = {"Bakery",	  "Books",   "Catering", "Cleaning",
					    "Consulting", "Courier", "Dental",	 "Design",
					    "Electric",	  "Farms",   "Foods",	 "Freight",
					    "Garage",	  "Glass",   "Heating",	 "Hotel",
					    "Insurance",  "Joinery", "Legal",	 "Logistics",
					    "Media",	  "Motors",  "Paper",	 "Plumbing",
					    "Print",	  "Roofing", "Security", "Software",
					    "Supplies",	  "Telecom", "Timber",	 "Tools",
					    "Travel",	  "Water"};
	static const char *const form[] = {" Ltd", " GmbH", " Inc", " SA", " BV", " Co"};
	static const char *const before[] = {"Studio ", "Hotel ", "Dr. ", "Cafe ",
					     "Gebr. ",	"Anna ",  "M. ",  "van der "};
	struct rng supplier;

	rng_seed(&supplier, rng_below(r, SUPPLIERS), SUPPLIER_STREAM);
	double style = rng_uniform(&supplier);
	if (style < 0.15)
		buf_addf(b, "%s%s", PICK(&supplier, before), PICK(&supplier, names));
	else if (style < 0.3)
		buf_addf(b, "%s & %s", PICK(&supplier, names),
			 chance(&supplier, 0.3) ? "Sons" : PICK(&supplier, names));
	else
		buf_addf(b, "%s %s", PICK(&supplier, names), PICK(&supplier, trade));
	if (style >= 0.15 && chance(&supplier, 0.3))
		buf_adds(b, PICK(&supplier, form));
}

static void colleague_put(struct rng *r, struct buf *b)
{
	static const char *const first[] = {"Tom",  "Maria", "Jan",  "Leila", "Peter",
					    "Ines", "Chidi", "Kate", "Omar",  "Yuki"};

	buf_adds(b, PICK(r, first));
}

static void invoice_put(struct rng *r, struct buf *b)
{
	static const char *const series[] = {"INV-", "no. ", "#", "R-", "A"};

	/* Numbers that look like years, as orders and contracts have them, say nothing about the
	 * due date. */
	if (chance(r, 0.4))
		buf_addf(b, "%s%d-%d", PICK(r, series), between(r, 1990, 2035),
			 between(r, 10, 999));
	else
		buf_addf(b, "%s%d", PICK(r, series), between(r, 100, 99999));
}

static void due_put(struct rng *r, struct buf *b, struct day due)
{
	static const char *const word[] = {"due ", "by ", "payable by ", "no later than ",
					   "due on "};
	/* Two in three leave the year to the reader. */
	int bare = chance(r, 2.0 / 3);

	buf_adds(b, PICK(r, word));
	day_put(b, due,
		(enum day_form)(bare ? between(r, DAY_FORMS_WITH_YEAR, DAY_FORMS - 1)
				     : between(r, 0, DAY_FORMS_WITH_YEAR - 1)));
}

static void received_put(struct rng *r, struct buf *b, struct day received)
{
	static const char *const before[] = {"Received ", "[", "Rcvd ", "Date: ", ""};
	static const char *const after[] = {".\n", "] ", ": ", "\n", "\n"};
	size_t form = rng_below(r, COUNT(before));

	buf_adds(b, before[form]);
	day_put(b, received, (enum day_form)between(r, DAY_DOTS, DAY_US));
	buf_adds(b, after[form]);
}

/* After a `%`: P payee, A amount, D due date, I invoice, F what it is for; and what must not be
 * taken for them: B another amount, E an earlier day of the same month, N a colleague. */
static const char *const patterns[] = {
	"Please pay %P %A for %I %D.",
	"Please pay %P %A %D. Questions to %N.",
	"Pls transfer %A to %P, %D, ref %I.",
	"Invoice %I from %P: %A, %D.",
	"%P sent invoice %I on %E. Amount %A, %D.",
	"We owe %P %A for %F, contract %I. It's %D.",
	"%N: we owe %A to %P, %D",
	"Reminder: %A still open with %P, %D.",
	"Payment of %A to %P for %F is %D.",
	"%P wants %A for %F, %D. Thanks, %N",
	"To pay: %P / %A / %D / %I",
	"Bill from %P for %F. Net %B, total %A, %D.",
	"%F, invoice %I: %A to %P %D",
	"Can you settle %I with %P? %A, %D.",
	"%D: %A to %P (%F, order %I)",
	"Hi %N, %A for %F %D please. Payee is %P.",
	"%P delivered %F (%I) on %E, %A is %D",
	"%N got the bill of %E from %P: %A %D",
};

void payment_note(struct rng *r, int year, int month, struct day *received, struct buf *note,
		  struct buf *reference)
{
	static const char *const currencies[] = {"EUR", "EUR", "USD", "GBP", "CHF"};
	static const char *const purposes[] = {"toner",		 "the March trip", "two doors",
					       "repairs",	 "rent",	   "the van",
					       "May's cleaning", "office chairs",  "the audit",
					       "courier runs",	 "lunch orders",   "new locks",
					       "licences",	 "the brochure",   "roof work",
					       "phone lines",	 "training",	   "the stand",
					       "paint",		 "spare parts"};
	int lag = lag_draw(r);
	struct day due;
	struct buf payee = BUF_INIT;
	long cents = money_draw(r);
	const char *currency = PICK(r, currencies);

	*received = received_draw(r, year, month, lag);
	due = day_after(*received, lag);
	payee_put(r, &payee);
	received_put(r, note, *received);
	for (const char *p = PICK(r, patterns); *p; p++) {
		if (*p != '%') {
			buf_addc(note, *p);
			continue;
		}
		switch (*++p) {
		case 'P':
			buf_addspan(note, buf_span(&payee));
			break;
		case 'A':
			money_note(r, note, cents, currency);
			break;
		case 'D':
			due_put(r, note, due);
			break;
		case 'I':
			invoice_put(r, note);
			break;
		case 'F':
			buf_adds(note, PICK(r, purposes));
			break;
		case 'B':
			money_note(r, note, cents - cents / between(r, 5, 9), currency);
			break;
		case 'E':
			day_put(note,
				(struct day){year, received->month, between(r, 1, received->day)},
				(enum day_form)between(r, DAY_FORMS_WITH_YEAR, DAY_FORMS - 1));
			break;
		case 'N':
			colleague_put(r, note);
			break;
		}
	}
	buf_addf(reference, "{\"payee\":\"%s\",\"amount\":", payee.data);
	money_put(reference, cents, 0);
	buf_addf(reference, ",\"currency\":\"%s\",\"due_date\":\"", currency);
	day_put(reference, due, DAY_ISO);
	buf_adds(reference, "\"}");
	buf_release(&payee);
}
