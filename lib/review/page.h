/* page: what the browser shows, and what it asks the desk.
 *
 *	GET  /             the page, everything inlined
 *	GET  /api/next     ?reason= &split= &state= &not=1,2: {"row": {...} | null, "summary": {...}}
 *	GET  /api/row      ?row=N: {"row": {...}, "summary": {...}}
 *	GET  /api/search   ?q=TEXT: {"rows": [{"row", "text"}], "more": bool}
 *	POST /api/decide   {"row", "key", "hash", "random", "verdict", "new", "why"}: {"saved": bool, "pending": n, "error": text | null}
 *	POST /api/undo     {}: {"row": {...}, "summary": {...}}
 *
 * Refusals are status 4xx with a sentence.
 */
#ifndef FT_PAGE_H
#define FT_PAGE_H

#include "../web/server.h"
#include "desk.h"

/* A web_handler; arg is the struct desk. */
void page_answer(void *arg, const struct web_request *q, struct web_reply *r);

#endif
