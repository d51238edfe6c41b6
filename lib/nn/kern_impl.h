/* kern_impl: the compiled sets by name, between kern.isa.c, unpack.isa.c and kern.c only. */
#ifndef FT_NN_KERN_IMPL_H
#define FT_NN_KERN_IMPL_H

#include "kern.h"

extern const struct nn_kern nn_kern_base;
extern const struct nn_unpack nn_unpack_base;
#if defined(__x86_64__)
extern const struct nn_kern nn_kern_avx2, nn_kern_avx512;
extern const struct nn_unpack nn_unpack_avx2, nn_unpack_avx512;
#elif defined(__aarch64__)
extern const struct nn_kern nn_kern_neon;
extern const struct nn_unpack nn_unpack_neon;
#endif

#endif
