/* id: the names that a provider gives to what it keeps for us (files, batches, jobs). They come back
 * as part of an address or of a file's name, so they are checked before: no other address, and no
 * other place, can be made of them.
 */
#ifndef FT_NET_ID_H
#define FT_NET_ID_H

#include "../base/err.h"
#include "../json/json.h"

#define ID_SIZE 1024 /* with the NUL; longer ones are refused, none is cut */

/* Letters, digits and -_.~:=@, not "." or ".."; whole: also several of them with slashes between. -1
 * with the reason. */
int id_check(struct span id, int whole, struct err *e);

/* Puts the id at a member of an answer into id, which stays as it is where the member is missing,
 * null or empty. -1 with the reason where it is no id, or no string. */
int id_take(struct span object, const char *name, int whole, char id[ID_SIZE], struct err *e);

#endif
