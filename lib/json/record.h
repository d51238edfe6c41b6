/* record: one line of JSON Lines, its members found in place, and the lossless way to add some.
 *
 * A struct record borrows the line it was parsed from; its own memory (the member table, decoded
 * keys) is reused from record to record. A zeroed struct is valid.
 */
#ifndef FT_JSON_RECORD_H
#define FT_JSON_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include "json.h"
#include "marks.h"

struct member {
	struct span key;   /* decoded */
	struct span value; /* raw */
};

struct record {
	struct span line;
	struct span body; /* the object from { to } */
	struct member *members;
	size_t n, cap;
	struct buf keys; /* decoded keys that were written with escapes */
	struct marks marks;
};

/* Checks the line (RFC 8259, UTF-8, an object, no member of its own twice) and finds its
 * members. */
int record_parse(struct record *r, struct span line, struct err *e);
void record_release(struct record *r);

/* Raw value of a member of the record itself; absent span where there is none. */
struct span record_get(const struct record *r, const char *name);

/* One change: value replaces the member or is added after the last one; an absent value removes the
 * member. */
struct edit {
	const char *name;
	struct span value; /* JSON text */
};

/* Appends the line with the n edits spliced into its original bytes; every other byte stays as it
 * is. No newline is added. */
int record_splice(const struct record *r, const struct edit *edits, size_t n, struct buf *out);

/* Where a line gives way to one member that is set: as record_splice with that edit alone, for those
 * who write a line without a copy, or later than they took it apart. */
struct seam {
	uint32_t at : 31, comma : 1;   /* offset in the line; whether members stand before */
	uint32_t cut : 31, spaced : 1; /* bytes of the value there, 0 where the member is new */
};
/* -1 where the line is too long for a seam. */
int record_seam(const struct record *r, const char *name, struct seam *s);
/* Appends what takes the place of the cut bytes. */
void seam_put(struct seam s, const char *name, struct span value, struct buf *out);

/* The input key of ft-jsonl(5): 32 hex digits and a NUL. XXH3-128 of the canonical input (messages
 * without the final assistant message, tools, response_format; without messages prompt; else the
 * record less ft's own members and the references). */
int record_key(const struct record *r, char key[33], struct err *e);

/* The record less ft's own members and the references, as a canonical object, appended: what a
 * model is asked about where there are neither messages nor a prompt. -1 where it grows too
 * large. */
int record_rest(const struct record *r, struct buf *b);

/* `id` as text where present (strings decoded, other values as written), else the input key,
 * appended to b. */
int record_id(const struct record *r, struct buf *b, struct err *e);

/* References, in order: `ideal` (string or array of strings) if present, else the final assistant
 * message's content, else `completion`. Each is appended to b followed by a NUL byte; returns how
 * many (0: none), or -1 where a reference is of an impossible type or holds a NUL. */
int record_references(const struct record *r, struct buf *b, struct err *e);

/* Text of a message content: a string, or the text parts of an array, joined; appended. -1 where it
 * is neither. */
int record_message_text(struct span content, struct buf *b);

/* 1 where r's member of that name (decoded, as in record.members) is a part of what a model is
 * asked, 0 where it is a reference or written by ft itself. */
int record_is_input(const struct record *r, struct span key);

/* The final message if its role is assistant, else absent. */
struct span record_final_assistant(const struct record *r);

#endif
