/* page: what the browser shows, and what it asks the desk.
 *
 *	GET  /             the page, everything inlined
 *	GET  /api/next     ?reason= &split= &state= &not=1,2: {"row": {...} | null, "summary": {...}}
 *	GET  /api/row      ?row=N: {"row": {...}, "summary": {...}}
 *	GET  /api/search   ?q=TEXT: {"rows": [{"row", "text"}], "more": bool}
 *	GET  /api/summary  {"summary": {...}}; like every other question it also tries again to write what is pending
 *	GET  /api/labels   {"labels": [...]}
 *	POST /api/decide   {"row", "key", "hash", "verdict", "new", "why"}: {"row", "saved": bool, "pending": n, "error": text | null}
 *	POST /api/draft    {"row", "key", "hash", "text": text | null}: {}
 *	POST /api/undo     {}: {"row": {...}, "summary": {...}}
 *
 * Refusals are status 4xx with a sentence.
 */
#ifndef FT_REVIEW_PAGE_H
#define FT_REVIEW_PAGE_H

#include "../web/server.h"
#include "desk.h"

/* A web_handler; arg is the struct desk. */
void page_answer(void *arg, const struct web_request *q, struct web_reply *r);

#endif
