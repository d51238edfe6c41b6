/* embed: a file of the source tree as a constant of the program, NUL-terminated. The Makefile names
 * the files that an object holds so.
 */
#ifndef FT_WEB_EMBED_H
#define FT_WEB_EMBED_H

/* path: from the top of the tree. EMBED is for this file alone, EMBED_SHARED for whoever includes
 * the header that declares it. */
#define EMBED_AS(name, path, binding) \
	__asm__(".pushsection .rodata\n" binding #name ":\n" \
		".incbin \"" path "\"\n" \
		".byte 0\n" \
		".popsection\n"); \
	extern const char name[]
#define EMBED(name, path) EMBED_AS(name, path, "")
#define EMBED_SHARED(name, path) EMBED_AS(name, path, ".globl " #name "\n")

#endif
