/* phone, shared by its files: what the words around say, and what the numbering plans allow. */
#ifndef FT_TEXT_PHONE_IMPL_H
#define FT_TEXT_PHONE_IMPL_H

#include "phone.h"

/* What the words before byte `at` call the number that begins there. */
enum phone_said { PHONE_UNSAID, PHONE_SAID, PHONE_DENIED };
enum phone_said phone_said(struct span text, size_t at);

/* Whether the digits are a country code of E.164 and a national number of a length that the country
 * has. compact: written in one piece, behind 00. */
int phone_e164(const char *digits, size_t n);

/* Whether the text, made plain (ASCII digits, ' ', '-', '.', '/', brackets), is a form that some
 * country writes its national numbers in. */
int phone_national(const char *plain);

#endif
