/* difference: see the header. The files beside it, as they are. */
#include "difference.h"
#include "embed.h"

EMBED_SHARED(difference_script, "lib/web/difference.js");
EMBED_SHARED(difference_style, "lib/web/difference.css");
