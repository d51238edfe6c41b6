/* thin_impl: the compiled sets of thin.isa.c by name, between it and thin.c only. */
#ifndef FT_NN_THIN_IMPL_H
#define FT_NN_THIN_IMPL_H

#include "thin.h"

extern const struct nn_thin nn_thin_base;
#if defined(__x86_64__)
extern const struct nn_thin nn_thin_avx2, nn_thin_avx512;
#elif defined(__aarch64__)
extern const struct nn_thin nn_thin_neon;
#endif

#endif
