/* rows: the records as a provider takes them, checked before anything is sent.
 *
 * Only what providers know goes out (messages, tools, parallel_tool_calls; prompt and completion;
 * the members of preference lines): ids and all other members stay here.
 */
#ifndef FT_REMOTE_ROWS_H
#define FT_REMOTE_ROWS_H

#include <stddef.h>
#include "../json/reader.h"

/* What the provider asks of the rows, as its documentation has it. */
struct remote_rules {
	/* training rows at the least, and at the most (0: nothing is said) */
	size_t rows, rows_max;
	size_t bytes_max; /* of a file (0: nothing is said) */
	int completions;  /* prompt with completion is taken */
	/* what only OpenAI's own format has is taken: the roles developer and function,
	 * parallel_tool_calls */
	int openai;
	int system_first; /* a system turn stands first or nowhere */
	int alternating; /* user and assistant take turns, and the user (after the system) begins */
	int one_message; /* preferred_output and non_preferred_output are one message each */
};

struct remote_rows {
	const char *train_path, *valid_path; /* (in) files to write, each atomically */
	const struct remote_rules *rules;    /* (in) */
	int preferences;		     /* (in) rows are preference lines */
	/* (in) how rows are read and who is told of refused ones, which skip_bad leaves out */
	struct reader how;
	size_t train, valid, test, refused; /* rows */
	uint64_t hash;			    /* of both files */
};

/* Reads the files (test rows are counted and stay here), and valid_file (may be NULL) as validation
 * rows. Fails where a row is refused, unless skip_bad is set, and where the files as a whole break
 * the provider's rules: too few rows, too many, too large, chats among prompts with completions, or
 * validation rows that are the training rows. */
int remote_rows_write(struct remote_rows *rows, char **files, const char *valid_file,
		      struct err *e);

#endif
