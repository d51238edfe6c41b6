/* Which set of kernels this processor runs. */
#include <stdlib.h>
#include <string.h>
#include "kern.h"
#include "kern_impl.h"

const struct nn_kern *nn_kern_plain(void)
{
	return &nn_kern_base;
}

size_t nn_kern_all(const struct nn_kern **out, size_t max)
{
	const struct nn_kern *found[3];
	size_t n = 0;

	found[n++] = &nn_kern_base;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	    __builtin_cpu_supports("bmi2"))
		found[n++] = &nn_kern_avx2;
	if (n == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		found[n++] = &nn_kern_avx512;
#endif
	n = n < max ? n : max;
	memcpy(out, found, n * sizeof *out);
	return n;
}

const struct nn_kern *nn_kern(void)
{
	const struct nn_kern *sets[3];
	size_t n = nn_kern_all(sets, 3);
	const char *want = getenv("FT_ISA");

	for (size_t i = 0; want && i < n; i++)
		if (strcmp(sets[i]->name, want) == 0)
			return sets[i];
	return sets[n - 1];
}
