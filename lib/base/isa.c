/* isa: see isa.h. */
#include "isa.h"

#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
static const char *const names[] = {"base", "neon"};
#else
static const char *const names[] = {"base", "avx2", "avx512"};
#endif

size_t isa_count(void)
{
	size_t n = 1;

#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	    __builtin_cpu_supports("bmi2"))
		n = 2;
	if (n == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		n = 3;
#elif defined(__aarch64__)
	enum { DOT_PRODUCTS = 1 << 20 }; /* Linux's HWCAP_ASIMDDP */

	if (getauxval(AT_HWCAP) & DOT_PRODUCTS)
		n = 2;
#endif
	return n;
}

size_t isa_chosen(void)
{
	const char *want = getenv("FT_ISA");
	size_t n = isa_count();

	for (size_t i = 0; want && i < n; i++)
		if (strcmp(names[i], want) == 0)
			return i;
	return n - 1;
}

const char *isa_name(size_t i)
{
	return names[i];
}
