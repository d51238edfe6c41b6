/* about: ft.json, what one needs to know to repeat a training run; and what tells one run from
 * another.
 */
#ifndef FT_ABOUT_H
#define FT_ABOUT_H

#include "../base/buf.h"
#include "../base/opt.h"
#include "../base/pool.h"
#include "dataset.h"
#include "trainer.h"

struct about {
	char **command;		   /* argv, NULL-terminated */
	const struct opt *options; /* the program's table, values set */
	/* names of options that do not decide the result, NULL-terminated */
	const char *const * not ;
	const struct dataset *train, *valid;
	size_t test; /* rows that were left untouched */
};

/* All that decides the result, as one JSON object: options by name with their values, hashes of the
 * data. Appended. */
void about_options(const struct about *a, struct buf *b);

/* The whole of ft.json, appended. s is NULL while the run is unfinished. */
void about_run(const struct about *a, const struct trainer *t, const struct trainer_state *s,
	       struct buf *b);

#endif
