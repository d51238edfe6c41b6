/* hash: XXH3 behind names of our own; see the header. */
#include <xxhash.h>
#include "hash.h"

uint64_t hash64(struct span bytes, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes.s, bytes.n, seed);
}

uint64_t hash_mix(uint64_t h, uint64_t with)
{
	uint64_t z = h + 0x9e3779b97f4a7c15u * (with + 1);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

double hash_unit(uint64_t h)
{
	return (double)(h >> 11) * 0x1p-53;
}
