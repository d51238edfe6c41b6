/* personal: what in a text is somebody's own: where to reach them, what they pay with, what opens
 * their door.
 *
 *	mail   an address with a domain of at least two labels; of the signs that RFC 5322 allows before
 *	       the @ those in use (. _ % + - '), letters also beyond ASCII
 *	phone  a telephone number (phone.h)
 *	card   a payment card's number: a prefix and length that issuers have, and the check digit of
 *	       ISO/IEC 7812-1 (Luhn)
 *	iban   an account number of ISO 13616: its country's length, and the check sum mod 97
 *	key    a secret that says what it is: keys of well-known services by their prefixes, JSON Web
 *	       Tokens, private keys in PEM, what follows "Bearer"
 *
 * Where two could begin at one place, the first of key, mail, iban, card, phone is meant. Linear in
 * the text, which may be any bytes.
 */
#ifndef FT_TEXT_PERSONAL_H
#define FT_TEXT_PERSONAL_H

#include "../base/buf.h"

enum personal_kind {
	PERSONAL_MAIL,
	PERSONAL_PHONE,
	PERSONAL_CARD,
	PERSONAL_IBAN,
	PERSONAL_KEY,
	PERSONAL_KINDS
};

/* A set of kinds has the bit of each. */
#define PERSONAL_BIT(kind) (1u << (kind))
#define PERSONAL_ALL (PERSONAL_BIT(PERSONAL_KINDS) - 1)

struct personal {
	size_t start, length; /* bytes of the text */
	enum personal_kind kind;
};

/* "mail", "phone", "card", "iban", "key": the names that options and files use; and in words: "a mail
 * address". */
const char *personal_name(enum personal_kind kind);
const char *personal_words(enum personal_kind kind);

/* 0 and *kind where the name is one, else -1. */
int personal_named(struct span name, enum personal_kind *kind);

/* The first of the kinds in the set that begins at or behind byte `at`: 1 and *found; 0 where there
 * is none. Finds that are asked for one after the other (the next at start + length) do not overlap;
 * what stands before `at` is looked at as their surroundings. To go through a text use personal_all. */
int personal_next(struct span text, size_t at, unsigned kinds, struct personal *found);

/* All of them in order; *n of them, free() the array. NULL where there are none. */
struct personal *personal_all(struct span text, unsigned kinds, size_t *n);

#endif
