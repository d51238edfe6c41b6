/* rng: seeded random numbers that are the same on every machine.
 *
 * xoshiro256** (Blackman and Vigna 2018), seeded through splitmix64 from (seed, stream), so that
 * records, samples or threads can each have a stream of their own and results do not depend on
 * order. Not for secrets.
 */
#ifndef FT_BASE_RNG_H
#define FT_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);
uint64_t rng_u64(struct rng *r);
double rng_uniform(struct rng *r); /* in [0, 1), 53 bits */
/* mean 0, variance 1; one draw each call, no state kept (Box-Muller) */
double rng_normal(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in 0..n-1, without modulo bias; n > 0 */
void rng_shuffle(struct rng *r, size_t *index, size_t n); /* Fisher-Yates */

#endif
