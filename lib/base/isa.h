/* isa: which of the instruction sets that NAME.isa.c is compiled for this processor runs: base, avx2
 * and avx512, each with all that the Makefile names for it. The environment variable
 * FT_ISA=base|avx2|avx512 lowers the choice.
 */
#ifndef FT_BASE_ISA_H
#define FT_BASE_ISA_H

#include <stddef.h>

/* How many of them run here, in the order above; at least 1. */
size_t isa_count(void);
/* Which of these is to be used: the last, or the one that FT_ISA names. */
size_t isa_chosen(void);
const char *isa_name(size_t i);

#endif
