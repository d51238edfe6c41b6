/* notes: two kinds of chat records for the payments example.
 *
 * Payment notes are the task: a note with the date on which it was received, and its reference, a
 * JSON object with payee, amount, currency and due date. The clerk's corpus is what the base model
 * is made from: other notes, other fields, other forms of answer, years from 1990 to 2035; it never
 * shows the task itself.
 */
#ifndef EXAMPLE_NOTES_H
#define EXAMPLE_NOTES_H

#include "words.h"

/* One payment note received in `year` (in month 1..12, or any for 0), due in the same year. The
 * text is appended to note, the JSON to reference, the day it was received to *received. Payee,
 * amount, currency, wording and the number of days left to pay do not depend on the date. */
void payment_note(struct rng *r, int year, int month, struct day *received, struct buf *note,
		  struct buf *reference);

/* One row of the clerk's corpus, what is asked and the answer: a drill (copies, dates, sums), or a
 * memo to be taken apart. */
void clerk_drill(struct rng *r, struct buf *ask, struct buf *answer);
void clerk_memo(struct rng *r, struct buf *ask, struct buf *answer);

#endif
