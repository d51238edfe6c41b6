/* Fuzz target: what a hostile provider of training says of a job. The first byte names the provider. An
 * id that is taken over can stand in an address and in a file's name. */
#include <stdlib.h>
#include "../../lib/remote/remote_impl.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct remote_provider *const providers[] = {&remote_openai, &remote_together,
								  &remote_fireworks};
	struct remote_job j = {0};
	struct err e = ERR_INIT;
	struct span v;

	if (size && !json_check((struct span){(const char *)data + 1, size - 1}, &v, &e)) {
		if (providers[data[0] % 3]->read(v, &j, &e)) {
			if (!e.msg[0])
				abort();
		} else if (j.id[0] && id_check(span_of(j.id), 1, &e)) {
			abort();
		}
	}
	remote_job_release(&j);
	return 0;
}
