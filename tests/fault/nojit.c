/* nojit: preloaded before programs under valgrind, has PCRE2 interpret its patterns. The code that
 * it would compile at run time reads whole vectors, also beyond the end of a text, and valgrind
 * cannot know that what lies there decides nothing. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

int pcre2_jit_compile_8(pcre2_code *code, uint32_t options)
{
	(void)code, (void)options;
	return PCRE2_ERROR_JIT_BADOPTION;
}
