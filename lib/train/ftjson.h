/* ftjson: ft.json, what one needs to know to repeat a training run; and what tells one run from
 * another.
 */
#ifndef FT_TRAIN_FTJSON_H
#define FT_TRAIN_FTJSON_H

#include "../base/buf.h"
#include "../base/opt.h"
#include "../base/pool.h"
#include "dataset.h"
#include "loop.h"

struct ftjson {
	char **command;		   /* argv, NULL-terminated */
	const struct opt *options; /* the program's table; those that are aside are left out */
	const struct dataset *train, *valid;
	size_t test; /* rows that were left untouched */
	const struct prune *prune;
};

/* All that decides the result, as one JSON object: options by name with their values, hashes of the
 * data. Appended. */
void ftjson_options(const struct ftjson *a, struct buf *b);

/* The whole of ft.json, appended. s is NULL while the run is unfinished. */
void ftjson_run(const struct ftjson *a, const struct loop *t, const struct loop_state *s,
		struct buf *b);

/* Whether the run in dir computes in bf16; -1 where its ft.json does not say, or there is none. */
int ftjson_bf16(const char *dir);

/* How the chat template was rendered for the model in dir, as the options that said so
 * (--template-var, --template-date), appended: what serves it should render the same. Nothing where
 * there is no ft.json, or it names none. */
void ftjson_template(const char *dir, struct buf *options);

#endif
