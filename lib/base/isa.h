/* isa: which of the instruction sets that NAME.isa.c is compiled for this processor runs: base, then
 * avx2 and avx512 of x86-64, or neon of arm64, each with all that the Makefile names for it. The
 * environment variable FT_ISA=base|avx2|avx512|neon lowers the choice.
 *
 * base is what every processor of the architecture has. Of arm64 that has NEON's vectors too; neon is
 * with the dot products of ARMv8.2.
 */
#ifndef FT_BASE_ISA_H
#define FT_BASE_ISA_H

#include <stddef.h>

/* How many of them run here, in the order above; at least 1. */
size_t isa_count(void);
/* Which of these is to be used: the last, or the one that FT_ISA names. */
size_t isa_chosen(void);
const char *isa_name(size_t i);

#if defined(ISA) /* in a NAME.isa.c: -DISA=SET -DISA_SET */
#define ISA_JOIN(x, set) x##_##set
#define ISA_JOINED(x, set) ISA_JOIN(x, set)
#define ISA_QUOTE(set) #set
#define ISA_QUOTED(set) ISA_QUOTE(set)
/* the global name x_SET */
#define NAME(x) ISA_JOINED(x, ISA)
#define SET_NAME ISA_QUOTED(ISA)
/* floats of a vector */
#if defined(ISA_avx512)
#define LANES 16
#elif defined(ISA_avx2)
#define LANES 8
#else
#define LANES 4
#endif
#endif

#endif
