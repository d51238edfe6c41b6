/* The order of examples and their packing: nothing lost, nothing twice, the same for the same
 * seed. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/train/batch.h"
#include "tap.h"

enum { N = 1003 };

static int each_once(const size_t *v, size_t n)
{
	char *seen = mem_alloc(n, 1);
	int good = 1;
	for (size_t i = 0; i < n; i++) {
		good = good && v[i] < n && !seen[v[i]];
		if (v[i] < n)
			seen[v[i]] = 1;
	}
	free(seen);
	return good;
}

static void order(void)
{
	struct batch_order a, b;
	batch_order_init(&a, N, 16);
	batch_order_init(&b, N, 16);
	batch_order_epoch(&a, 7, 3);
	ok(each_once(a.order, N), "an epoch holds every example once");
	ok(batch_order_batches(&a) == 63, "a last short batch counts");
	size_t n;
	batch_order_at(&a, 62, &n);
	ok(n == N - 62 * 16, "the last batch holds the rest");
	batch_order_epoch(&b, 7, 2);
	ok(memcmp(a.order, b.order, N * sizeof *a.order) != 0, "epochs differ");
	batch_order_epoch(&b, 7, 3);
	ok(memcmp(a.order, b.order, N * sizeof *a.order) == 0,
	   "the order is a function of seed and epoch");
	batch_order_epoch(&b, 8, 3);
	ok(memcmp(a.order, b.order, N * sizeof *a.order) != 0, "seeds differ");
	batch_order_release(&a);
	batch_order_release(&b);
}

static void packing(void)
{
	uint32_t length[N];
	size_t all[N];
	for (size_t i = 0; i < N; i++) {
		length[i] = (uint32_t)(1 + i * 7919 % 97);
		all[i] = i;
	}
	struct batch_packs b = {0};
	batch_pack(&b, all, N, length);
	ok(each_once(b.place, N), "every example lies in one pack");
	ok(b.first[0] == 0 && b.first[b.packs] == N, "packs cover the batch");
	size_t most = 0, least = (size_t)-1;
	for (size_t p = 0; p < b.packs; p++) {
		size_t tokens = 0;
		for (size_t i = b.first[p]; i < b.first[p + 1]; i++)
			tokens += length[all[b.place[i]]];
		most = tokens > most ? tokens : most;
		least = tokens < least ? tokens : least;
	}
	ok(most <= BATCH_PACK_TOKENS + 97,
	   "no pack is longer than the aim by more than an example");
	ok(most - least <= 97, "packs are of similar size");
	batch_pack(&b, all + 5, 1, length);
	ok(b.packs == 1 && b.place[0] == 0, "one example is one pack");
	length[3] = 100000;
	batch_pack(&b, all, 8, length);
	int alone = 0;
	for (size_t p = 0; p < b.packs; p++)
		alone = alone || (b.first[p + 1] - b.first[p] == 1 && b.place[b.first[p]] == 3);
	ok(alone, "an example longer than a pack stands alone");
	batch_packs_release(&b);
}

int main(void)
{
	order();
	packing();
	return tap_done();
}
