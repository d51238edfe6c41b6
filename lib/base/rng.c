/* rng: xoshiro256** seeded by splitmix64. See rng.h. */
#include "rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
	uint64_t x = seed;
	x = splitmix64(&x) ^ stream; /* both pass through the mixer, so (1, 2) and (2, 1) differ */
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&x);
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t *s = r->s, out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

double rng_uniform(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
	double u = 1 - rng_uniform(r); /* in (0, 1], so that its logarithm is finite */
	double v = rng_uniform(r);
	return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	/* Draws below 2^64 mod n would favour the small remainders. */
	uint64_t low = -n % n, x;
	do
		x = rng_u64(r);
	while (x < low);
	return x % n;
}

void rng_shuffle(struct rng *r, size_t *index, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)rng_below(r, i), t = index[i - 1];
		index[i - 1] = index[j];
		index[j] = t;
	}
}
