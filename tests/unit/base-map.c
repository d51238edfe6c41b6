/* map: what was put is found, what was not is not, through growth. */
#include "../../lib/base/map.h"
#include "tap.h"

int main(void)
{
	struct map m = {0};
	int added, all = 1, fresh = 1;

	ok(map_get(&m, 7) == NULL, "an empty map holds nothing");
	for (uint64_t i = 0; i < 10000; i++) {
		*map_put(&m, i * i * 4294967296u, 0, &added) = i;
		fresh &= added;
	}
	ok(fresh, "10,000 new keys are new");
	ok(m.n == 10000, "and are counted");
	for (uint64_t i = 0; i < 10000; i++) {
		uint64_t *v = map_get(&m, i * i * 4294967296u);
		all &= v && *v == i;
	}
	ok(all, "each is found with its value after the table grew");
	ok(map_get(&m, 3) == NULL, "a key that was not put is not found");
	ok(*map_put(&m, 0, 99, &added) == 0 && !added, "putting a key again keeps its value");
	map_release(&m);
	ok(m.cap == 0 && map_get(&m, 0) == NULL, "a released map is empty");
	return tap_done();
}
