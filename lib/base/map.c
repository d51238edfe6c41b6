/* map: open addressing; see the header. */
#include <stdlib.h>
#include "map.h"
#include "mem.h"

struct map_slot {
	uint64_t key, value;
};

static size_t slot_of(const struct map *m, uint64_t key)
{
	/* Fibonacci hashing: the high bits of the product depend on all bits of the key. */
	uint64_t mixed = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(mixed ^ mixed >> 29) & (m->cap - 1);

	while (m->used[i] && m->slots[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

void map_release(struct map *m)
{
	free(m->slots);
	free(m->used);
	*m = (struct map){0};
}

static void grow(struct map *m)
{
	struct map wider = {0};

	wider.cap = m->cap ? m->cap * 2 : 64;
	wider.slots = mem_alloc(wider.cap, sizeof *wider.slots);
	wider.used = mem_alloc(wider.cap, 1);
	for (size_t i = 0; i < m->cap; i++) {
		if (!m->used[i])
			continue;
		size_t to = slot_of(&wider, m->slots[i].key);
		wider.used[to] = 1;
		wider.slots[to] = m->slots[i];
	}
	wider.n = m->n;
	map_release(m);
	*m = wider;
}

uint64_t *map_get(const struct map *m, uint64_t key)
{
	if (!m->cap)
		return NULL;
	size_t i = slot_of(m, key);
	return m->used[i] ? &m->slots[i].value : NULL;
}

uint64_t *map_put(struct map *m, uint64_t key, uint64_t fresh, int *added)
{
	if ((m->n + 1) * 8 > m->cap * 5)
		grow(m);
	size_t i = slot_of(m, key);
	int new_key = !m->used[i];
	if (new_key) {
		m->used[i] = 1;
		m->slots[i] = (struct map_slot){key, fresh};
		m->n++;
	}
	if (added)
		*added = new_key;
	return &m->slots[i].value;
}
