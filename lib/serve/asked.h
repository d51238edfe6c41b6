/* asked: what a request of another dialect asks, in the words of a record: `messages`, `tools`,
 * `tool_choice` and `response_format` as in OpenAI's chat API.
 *
 * Sources: docs.anthropic.com/en/api/messages, platform.openai.com/docs/api-reference/responses. What
 * has no place there is told of, not dropped.
 */
#ifndef FT_SERVE_ASKED_H
#define FT_SERVE_ASKED_H

#include "../json/jw.h"
#include "../json/record.h"

/* Writes the members into the open object of w. The types of blocks, items and tools that have no
 * place in them, and what else of tools and results has none, are appended to left_out, with commas between, each once; so is "messages" where
 * they are not understood at all. */
void asked_put_messages(const struct record *body, struct jw *w, struct buf *left_out);
void asked_put_responses(const struct record *body, struct jw *w, struct buf *left_out);

#endif
