/* marks_impl: the compiled sets by name, between marks.isa.c and marks.c only. */
#ifndef FT_JSON_MARKS_IMPL_H
#define FT_JSON_MARKS_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* Fills (n + 63) / 64 words of quotes. *odd is set where it is to be, and left where not. -1 as
 * marks_set. */
int marks_find_base(const char *s, size_t n, uint64_t *quotes, int *odd);
#if defined(__x86_64__)
int marks_find_avx2(const char *s, size_t n, uint64_t *quotes, int *odd);
int marks_find_avx512(const char *s, size_t n, uint64_t *quotes, int *odd);
#elif defined(__aarch64__)
int marks_find_neon(const char *s, size_t n, uint64_t *quotes, int *odd);
#endif

#endif
