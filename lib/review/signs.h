/* signs: what looks wrong in one row, whatever the others hold.
 *
 *	no-reference     nothing to learn from
 *	empty-reference  an empty or blank reference
 *	invalid-json     a reference that begins like JSON and is none, or is none where there is a
 *	                 schema
 *	schema           a reference that breaks the schema it is held to
 *	impossible-date  a date in the reference that no calendar has (2023-02-30)
 *	marker           a chat template's marks in the text (<|im_end|>, [INST], ...)
 *	mojibake         UTF-8 read as Latin-1 or Windows-1252 (Ã©, â€™), or U+FFFD
 *	refusal          a reference that refuses or apologises
 *	pii              a mail address, telephone number, card number, IBAN or key (text/personal.h)
 *	judge            a judge's verdict against the reference or the answer
 *	disagreement     a model's `output` that is another than the reference
 *	unfinished       an answer cut off by its length (`finish_reason` length)
 */
#ifndef FT_REVIEW_SIGNS_H
#define FT_REVIEW_SIGNS_H

#include "../base/err.h"
#include "../json/record.h"
#include "../json/schema.h"
#include "finding.h"

struct signs;

/* Patterns compiled once, for any number of threads. schema: what references are held to, or NULL;
 * borrowed. NULL with the reason where PCRE2 fails. */
struct signs *signs_new(const struct schema *schema, struct err *e);
void signs_free(struct signs *s);

/* Adds what is found in the record to f. Never fails: what cannot be read is itself a finding. */
void signs_find(const struct signs *s, const struct record *r, struct findings *f);

#endif
