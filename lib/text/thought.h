/* thought: reasoning that stands in a model's text. */
#ifndef FT_TEXT_THOUGHT_H
#define FT_TEXT_THOUGHT_H

#include "../base/buf.h"

/* The text less the reasoning that it begins with (<think>...</think>; the opening tag may have stood
 * in the prompt, and where the closing one is missing all is reasoning). *reasoning is what was
 * between, or absent. Both are parts of text. */
struct span thought_apart(struct span text, struct span *reasoning);

#endif
