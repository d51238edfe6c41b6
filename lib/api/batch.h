/* batch: requests and results of batch APIs as files, and the road from one to the other.
 *
 * OpenAI's form (platform.openai.com/docs/guides/batch): {"custom_id", "method", "url", "body"} in,
 * {"custom_id", "response": {"status_code", "request_id", "body"}, "error"} out; Anthropic's
 * (docs.anthropic.com/en/docs/build-with-claude/batch-processing): {"custom_id", "params"} in,
 * {"custom_id", "result": {"type", "message"}} out. Results come in any order and are joined by
 * custom_id.
 */
#ifndef FT_API_BATCH_H
#define FT_API_BATCH_H

#include "../json/record.h"
#include "../prompt/backend.h"
#include "api.h"

/* Makes a custom_id for each request of a run: the record's id or input key (the second with the
 * same key gets "#2"), and with several samples "/0", "/1" ... behind it. Two records with the same
 * id are an error. */
struct batch_ids;
struct batch_ids *batch_ids_new(int samples);
void batch_ids_free(struct batch_ids *b);
/* The next record's, for sample 0; appended. */
int batch_ids_next(struct batch_ids *b, const struct record *r, struct buf *id, struct err *e);
/* id with what tells its sample apart, appended to out. */
void batch_ids_sample(const struct batch_ids *b, struct span id, int sample, struct buf *out);

/* Whether requests can be batched as the options want it; -1 with the reason. o NULL: a local
 * model. whole: through the API, not files. */
int batch_check(const struct api_options *o, int whole, struct err *e);

/* Where a batch's requests go, as its lines and its making name it. */
const char *batch_endpoint(enum dialect_kind d);

/* Appends one line of a request file, newline included. Anthropic takes 1 to 64 letters, digits, _
 * and - as custom_id; an id that is none is sent as its hash. */
void batch_put_line(enum dialect_kind d, struct span id, struct span body, struct buf *line);

/* Result files, mapped into memory and looked up by custom_id. */
struct batch_results;
struct batch_results *batch_results_open(const char *const *files, size_t n, struct err *e);
void batch_results_close(struct batch_results *b);
/* How many answers came to requests that had one already (the later counts), and the custom_id of the
 * first such. */
size_t batch_results_again(const struct batch_results *b, const char **id);
/* Fills a, which is cleared first, from the result of that id; where there is none a is an error of
 * type "batch". model is who was asked. */
void batch_results_get(const struct batch_results *b, struct span id, const struct api_options *o,
		       struct backend_answer *a);

/* --- through the API: upload, wait, fetch (OpenAI's files and batches) --- */

#define BATCH_PART_ROWS 50000 /* OpenAI's limits for one batch */
#define BATCH_PART_BYTES ((size_t)190 << 20)

struct batch_run {
	const struct api_options *api;
	/* file that remembers how far the run is; request and result files stand beside it */
	const char *state;
	double poll; /* seconds between looks */
	int (*stopping)(void);
	void (*progress)(void *arg, const char *what, double done, double total); /* may be NULL */
	void *arg;
};

/* Begin, add each record and its request lines, finish: that uploads what was not yet uploaded,
 * starts what was not yet started, waits, and fetches the results. A run with the same state file
 * and the same requests goes on where it stood; with other requests it is refused. The records are
 * kept in a file until p is freed, since they may have come from a pipe. */
struct batch_parts;
struct batch_parts *batch_parts_begin(const struct batch_run *r, struct err *e);
int batch_parts_add(struct batch_parts *p, struct span line, struct err *e);
int batch_parts_record(struct batch_parts *p, struct span line, struct err *e);
/* 0; 1 where it was stopped by a signal; -1. *files: the n result files; *records: NULL-terminated
 * list of the file with the records; all live as long as p. */
int batch_parts_finish(struct batch_parts *p, const char *const **files, size_t *n, char ***records,
		       struct err *e);
void batch_parts_free(struct batch_parts *p);

#endif
