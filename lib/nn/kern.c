/* Which set of kernels this processor runs. */
#include <string.h>
#include "../base/isa.h"
#include "kern.h"
#include "kern_impl.h"

/* In the order of isa.h. */
static const struct nn_kern *const sets[] = {
	&nn_kern_base,
#if defined(__x86_64__)
	&nn_kern_avx2,
	&nn_kern_avx512,
#elif defined(__aarch64__)
	&nn_kern_neon,
#endif
};

const struct nn_kern *nn_kern_plain(void)
{
	return &nn_kern_base;
}

size_t nn_kern_all(const struct nn_kern **out, size_t max)
{
	size_t n = isa_count();

	n = n < max ? n : max;
	memcpy(out, sets, n * sizeof *out);
	return n;
}

const struct nn_kern *nn_kern(void)
{
	return sets[isa_chosen()];
}
