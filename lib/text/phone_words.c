/* phone_words: what the words around a run of digits say of it. See phone.h. */
#include <string.h>
#include "phone_impl.h"

/* How far back, in words and bytes, a number is spoken of. */
enum { WORDS = 5, BYTES = 64, WORD = 24 };

/* Lower case, ASCII alone; a word with '*' is looked for within longer ones too. */
static const char *const said[] = {
	"*phone",	"*telef",    "*teleph", "tel",	    "mobile",	 "mobil",    "mobiel",
	"handy",	"*handynr",  "cell",	"fax",	    "telefax",	 "call",     "calling",
	"called",	"ring",	     "dial",	"sms",	    "*whatsapp", "hotline",  "*rufnummer",
	"*handynummer", "durchwahl", "anrufen", "ruf",	    "appeler",	 "appelez",  "llamar",
	"llame",	"llama",     "movil",	"celular",  "cellulare", "chiamare", "portable",
	"gsm",		"ph",	     "mob",	"helpline", "landline",
};
static const char *const said_elsewhere[] = {
	"t\xc3\xa9l",		    /* French tél */
	"m\xc3\xb3vil",		    /* Spanish móvil */
	"tel\303\251fono",	    /* Spanish */
	"\xd1\x82\xd0\xb5\xd0\xbb", /* Russian тел */
	"\xe7\x94\xb5\xe8\xaf\x9d", /* Chinese: telephone */
	"\xe6\x89\x8b\xe6\x9c\xba", /* Chinese: mobile */
	"\xe9\x9b\xbb\xe8\xa9\xb1", /* Japanese, traditional Chinese: telephone */
	"\xe6\x90\xba\xe5\xb8\xaf", /* Japanese: mobile */
	"\xec\xa0\x84\xed\x99\x94", /* Korean: telephone */
	"\xe2\x98\x8e",		    /* a telephone's sign */
	"\xf0\x9f\x93\x9e",
	"\xf0\x9f\x93\xb1",
};
static const char *const denied[] = {
	"po",	       "id",	      "ids",	  "order",	  "orders",    "invoice",
	"ref",	       "reference",   "isbn",	  "issn",	  "ean",       "upc",
	"gtin",	       "sku",	      "serial",	  "account",	  "acct",      "tracking",
	"case",	       "ticket",      "vat",	  "siret",	  "siren",     "ssn",
	"nhs",	       "policy",      "contract", "customer",	  "version",   "batch",
	"lot",	       "part",	      "article",  "code",	  "uuid",      "hash",
	"key",	       "transaction", "row",	  "record",	  "document",  "amount",
	"total",       "sum",	      "price",	  "balance",	  "timestamp", "unix",
	"epoch",       "date",	      "parcel",	  "shipment",	  "booking",   "barcode",
	"passport",    "licence",     "license",  "*bestell",	  "*rechnung", "*konto",
	"*kunden",     "*auftrag",    "*artikel", "*sendung",	  "*vertrag",  "betrag",
	"summe",       "commande",    "facture",  "montant",	  "dossier",   "compte",
	"pedido",      "factura",     "cuenta",	  "importe",	  "ordine",    "fattura",
	"conto",       "iban",	      "bic",	  "steuernummer", "polizze",   "patient",
	"member",      "employee",    "user",	  "votes",	  "isin",      "*ordernum",
	"*invoicenum", "*accountnum", "nino",	  "matricule",	  "inventory", "coupon",
	"item",
};

/* What may stand between a word of those and the number: "order number is". */
static const char *const between[] = {"number", "numbers", "no",  "nr",	 "num",
				      "nummer", "is",	   "ist", "code"};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int in_list(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*list[i] == '*' ? strstr(word, list[i] + 1) != NULL
				    : strcmp(word, list[i]) == 0)
			return 1;
	return 0;
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* "orderId", "customerID", "order_no": a member's name that ends with what it is. */
static int names_id(const char *word, size_t n)
{
	return n > 3 && word[n - 3] >= 'a' && word[n - 3] <= 'z' && word[n - 2] == 'I' &&
	       (word[n - 1] == 'd' || word[n - 1] == 'D');
}

static int ends_with_elsewhere(const char *word, size_t n)
{
	for (size_t i = 0; i < sizeof said_elsewhere / sizeof *said_elsewhere; i++)
		if (memmem(word, n, said_elsewhere[i], strlen(said_elsewhere[i])))
			return 1;
	return 0;
}

enum phone_said phone_said(struct span text, size_t at)
{
	size_t p = at, stop = at > BYTES ? at - BYTES : 0, words = 0;
	int near = 1; /* nothing but such words stood between yet */

	while (p > stop && words < WORDS) {
		char c = text.s[p - 1];
		if (!is_letter(c)) {
			if ((c >= '0' && c <= '9') || c == '\n' || c == ';')
				return PHONE_UNSAID;
			p--;
			continue;
		}
		size_t end = p, n;
		while (p > stop && is_letter(text.s[p - 1]))
			p--;
		n = end - p;
		char word[WORD + 1] = "";
		for (size_t i = 0; i < n && i < WORD; i++)
			word[i] = lower(text.s[p + i]);
		/* where a sentence ends here, what it says is of something else; short words before a
		 * full stop are abbreviations */
		int sentence =
			end + 1 < at && memchr(".!?", text.s[end], 3) && text.s[end + 1] == ' ';
		if (n && (in_list(word, said, sizeof said / sizeof *said) ||
			  ends_with_elsewhere(text.s + p, n)))
			return PHONE_SAID;
		if (sentence && n > 3)
			return PHONE_UNSAID;
		if (n && near &&
		    (names_id(text.s + p, n) ||
		     in_list(word, denied, sizeof denied / sizeof *denied)))
			return PHONE_DENIED;
		near = near && (!n || in_list(word, between, sizeof between / sizeof *between));
		words += n > 0;
	}
	return PHONE_UNSAID;
}

int phone_money(struct span text, size_t at, size_t end)
{
	static const char *const signs[] = {"$",
					    "\xe2\x82\xac",
					    "\xc2\xa3",
					    "\xc2\xa5",
					    "\xe2\x82\xb9",
					    "\xe2\x82\xbd",
					    "\xe2\x82\xa9",
					    "\xe2\x82\xba"};
	static const char *const codes[] = {
		"EUR",	   "USD",   "GBP",	 "CHF",	    "JPY",     "CNY",	 "INR",
		"RUB",	   "BRL",   "PLN",	 "CZK",	    "SEK",     "NOK",	 "DKK",
		"HUF",	   "TRY",   "AUD",	 "CAD",	    "NZD",     "MXN",	 "ZAR",
		"KRW",	   "SGD",   "HKD",	 "Euro",    "euro",    "euros",	 "Euros",
		"dollars", "kr",    "z\xc5\x82", "Ft",	    "bytes",   "Bytes",	 "KB",
		"MB",	   "kg",    "km",	 "percent", "Prozent", "tokens", "rows",
		"dollar",  "pound", "pounds",	 "franc",   "francs",  "yen",	 "rupees",
	};
	size_t before = at, behind = end;
	char kind;
	size_t m;

	while (before > 0 &&
	       (text.s[before - 1] == ' ' || (unsigned char)text.s[before - 1] == 0xa0))
		before -= before > 1 && (unsigned char)text.s[before - 2] == 0xc2 ? 2 : 1;
	while (behind < text.n &&
	       (m = phone_gap((struct span){text.s + behind, text.n - behind}, &kind)) &&
	       kind == ' ')
		behind += m;
	if (behind < text.n && text.s[behind] == '%')
		return 1;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t n = strlen(signs[i]);
		if ((before >= n && !memcmp(text.s + before - n, signs[i], n)) ||
		    (behind + n <= text.n && !memcmp(text.s + behind, signs[i], n)))
			return 1;
	}
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		size_t n = strlen(codes[i]);
		if (before >= n && !memcmp(text.s + before - n, codes[i], n) &&
		    (before == n || !is_letter(text.s[before - n - 1])))
			return 1;
		if (behind + n <= text.n && !memcmp(text.s + behind, codes[i], n) &&
		    (behind + n == text.n || !is_letter(text.s[behind + n])))
			return 1;
	}
	return 0;
}
