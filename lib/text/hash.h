/* hash: stable hashes of bytes, the same on every machine and in every version of ft.
 *
 * XXH3 (xxhash 0.8, whose output is frozen). Not for secrets: who can choose the bytes can choose
 * the hash.
 */
#ifndef FT_TEXT_HASH_H
#define FT_TEXT_HASH_H

#include <stdint.h>
#include "../base/buf.h"

uint64_t hash64(struct span bytes, uint64_t seed);

/* Another hash from a hash and a number, both mixed well (splitmix64's finaliser). */
uint64_t hash_mix(uint64_t h, uint64_t with);

/* The hash as a fraction in [0, 1), from its upper 53 bits. */
double hash_unit(uint64_t h);

#endif
