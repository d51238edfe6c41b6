/* bf16_impl: the compiled sets of bf16.isa.c by name, between it and bf16.c only. */
#ifndef FT_NN_BF16_IMPL_H
#define FT_NN_BF16_IMPL_H

#include "bf16.h"

extern const struct nn_bf16 nn_bf16_base;
#if defined(__x86_64__)
extern const struct nn_bf16 nn_bf16_avx2, nn_bf16_avx512, nn_bf16_dot, nn_bf16_amx;
#elif defined(__aarch64__)
extern const struct nn_bf16 nn_bf16_neon;
#endif

#endif
