/* lib/ask: records in, answers out: the options that programs share, the window and its order, the
 * cache, the budget.
 *
 * ask: asking a model about many records at once, for every program that does so.
 *
 * Three parts: the options that such programs share (struct ask_options and the table ASK_OPTIONS),
 * opening whatever model they name (ask_open), and the pipeline (ask_run): it keeps as many
 * requests in hand as the backend can use, answers from the cache where it can, and writes the
 * records' lines in the order of the input from a bounded window. A program supplies three
 * callbacks and writes neither loops nor retries.
 */
#ifndef FT_ASK_ASK_H
#define FT_ASK_ASK_H

#include "../api/dialect.h"
#include "../base/opt.h"
#include "../prompt/backend.h"

struct api_options;

struct ask_options {
	int api; /* enum dialect_kind; 0: told from the address */
	const char *model, *adapter, *base_url, *key_file, *api_version, *schema, *cache, *prices,
		*quantize, *template_date, *effort;
	double temperature, top_p, min_p, repeat_penalty, rpm, tpm, timeout, deadline, max_cost;
	long long max_tokens, top_k, seed, logprobs, jobs, retries, threads, max_errors;
	struct opt_list stop, headers, template_vars;
	char *extra;
	int stream, strip_reasoning, strict_schema, unordered, quiet, unmerged;
	/* Set by a program whose answers should be the same tomorrow: where no temperature is given,
	 * it is 0 for the models of an API of which --prices says that they take one. */
	int steady;
};

void ask_options_init(struct ask_options *o);

/* Entries for a program's option table; o is a static struct ask_options. */
/* clang-format off */
#define ASK_OPTIONS(o) \
	{0, "", OPT_GROUP, NULL, NULL, "Asking a model"}, \
	{'m', "model", OPT_STR, &(o).model, "MODEL", \
	 "model behind the API; a local one begins with /, ./, ../ or hf:"}, \
	{'a', "adapter", OPT_STR, &(o).adapter, "DIR", "PEFT adapter over a local model"}, \
	{'u', "base-url", OPT_STR, &(o).base_url, "URL", \
	 "address of the API (default $OPENAI_BASE_URL, else OpenAI's)"}, \
	{0, "key-file", OPT_STR, &(o).key_file, "FILE", \
	 "file with the API key (default: $OPENAI_API_KEY)"}, \
	{'H', "header", OPT_LIST, &(o).headers, "LINE", \
	 "a header more, or @FILE with a line for each; may be given again"}, \
	{0, "api", OPT_CHOICE, &(o).api, "openai|azure|anthropic|responses", \
	 "what the server speaks (default: told from the address)", DIALECT_OPENAI}, \
	{0, "api-version", OPT_STR, &(o).api_version, "DATE", "Azure's api-version"}, \
	{'T', "temperature", OPT_REAL, &(o).temperature, "X|none", \
	 "sampling temperature; none: send none", 0, 100}, \
	{0, "top-p", OPT_REAL, &(o).top_p, "X", "nucleus sampling", 0, 1}, \
	{0, "top-k", OPT_INT, &(o).top_k, "N", \
	 "sample from the N most likely tokens (local models)", 1, 1e9}, \
	{0, "min-p", OPT_REAL, &(o).min_p, "X", \
	 "and from those at least X times as likely as the first (local)", 0, 1}, \
	{0, "repeat-penalty", OPT_REAL, &(o).repeat_penalty, "X", \
	 "make tokens seen before less likely (local; 1.1)", 0.01, 100}, \
	{0, "reasoning-effort", OPT_STR, &(o).effort, "LEVEL", \
	 "how long to reason: low, medium, high, or what the API has"}, \
	{0, "max-tokens", OPT_INT, &(o).max_tokens, "N", "longest answer in tokens", 1, 1e9}, \
	{0, "seed", OPT_INT, &(o).seed, "N", "seed for sampling (sample s uses N+s)"}, \
	{0, "stop", OPT_LIST, &(o).stop, "TEXT", "stop before this text; may be given again"}, \
	{0, "logprobs", OPT_INT, &(o).logprobs, "N", \
	 "log-probabilities of N alternatives a token", 0, 20}, \
	{0, "extra", OPT_TEXT, &(o).extra, "JSON", "object merged into the request's body"}, \
	{0, "schema", OPT_STR, &(o).schema, "FILE", "JSON Schema that the answer must match"}, \
	{0, "strict-schema", OPT_FLAG, &(o).strict_schema, NULL, \
	 "send it in the strict form: what may be missing is null", .with = "schema"}, \
	{'j', "jobs", OPT_INT, &(o).jobs, "N", \
	 "most requests in flight (default 16);\nof a local model: answers written at once (default 64)", 1, 10000}, \
	{0, "rpm", OPT_REAL, &(o).rpm, "N", "most requests a minute", 0, 1e9}, \
	{0, "tpm", OPT_REAL, &(o).tpm, "N", "most tokens a minute", 0, 1e12}, \
	{0, "retries", OPT_INT, &(o).retries, "N", \
	 "further attempts for a request (default 5)", 0, 1000}, \
	{0, "timeout", OPT_REAL, &(o).timeout, "S", \
	 "seconds for one attempt (default 300)", 0.001, 1e6}, \
	{0, "deadline", OPT_REAL, &(o).deadline, "S", \
	 "seconds for a request with all its attempts (default 900)", 0.001, 1e6}, \
	{0, "stream", OPT_FLAG, &(o).stream, NULL, \
	 "let answers stream in and measure the time to the first token"}, \
	{0, "strip-reasoning", OPT_FLAG, &(o).strip_reasoning, NULL, \
	 "take <think> blocks out of the output"}, \
	{0, "cache", OPT_STR, &(o).cache, "FILE", "SQLite file of answers (default $FT_CACHE)"}, \
	{0, "prices", OPT_STR, &(o).prices, "FILE", "prices per token, in LiteLLM's names"}, \
	{0, "max-cost", OPT_REAL, &(o).max_cost, "USD", "never spend more than this", 0, 1e9}, \
	{0, "max-errors", OPT_INT, &(o).max_errors, "N", \
	 "records with an error that are tolerated (default 0)", 0, 1e15}, \
	{0, "unordered", OPT_FLAG, &(o).unordered, NULL, "write answers as they come"}, \
	{0, "quantize", OPT_STR, &(o).quantize, "q8_0|q4_0|bf16|none", \
	 "weights of a local model"}, \
	{0, "template-var", OPT_LIST, &(o).template_vars, "NAME=JSON", \
	 "set a variable of a local model's chat template;\nmay be given again"}, \
	{0, "template-date", OPT_STR, &(o).template_date, "DATE", \
	 "the day that the template prints, or today"}, \
	{0, "unmerged", OPT_FLAG, &(o).unmerged, NULL, \
	 "keep the adapter beside the weights instead of merging it", .with = "adapter"}, \
	{0, "threads", OPT_INT, &(o).threads, "N", \
	 "threads for a local model (default: all processors)", 1, 4096}, \
	{'q', "quiet", OPT_FLAG, &(o).quiet, NULL, "no progress and no summary"}
/* clang-format on */

struct ask;

/* Opens the model that the options name; local opens one of the hf: or ./ kind and may be NULL in
 * programs that have none. dry: nothing will be sent, so no key is needed. Everything in o is
 * borrowed. NULL with the reason. */
struct ask *ask_open(const struct ask_options *o, backend_open_local *local, int dry,
		     struct err *e);
void ask_close(struct ask *a);

/* The backend, for programs that only want to build requests. */
struct backend *ask_backend(struct ask *a);

/* What is known of the API, for batches; NULL where the model is local. */
const struct api_options *ask_api(const struct ask *a);

/* --- the pipeline --- */

/* A record in hand. */
struct ask_row {
	size_t number; /* from 0 */
	void *own;     /* the program's; it frees it in finish */
	size_t weight; /* bytes that own takes, roughly; the window is bounded by their sum */
	int failed;    /* set by the program: this record counts as an error */
	/* private */
	struct ask_row *prev, *next;
	size_t pending, counted; /* counted: of weight, in the window's sum */
	int cut_off, done;
	struct buf out;
};

enum { ASK_END = 0, ASK_ROW = 1, ASK_LATER = 2 };

struct ask_program {
	void *arg;
	/* Makes the next record a row and sends its requests (none at all is fine). Returns
	 * ASK_ROW, ASK_END after the last, ASK_LATER where input is not there yet (only while
	 * ask_busy), or -1: then the rows in hand are still answered before the run ends with that
	 * reason. */
	int (*begin)(void *arg, struct ask_row *row, struct err *e);
	/* One answer to a request of the row; it may be an error. May call ask_send again. a may be
	 * changed, not kept. */
	int (*answer)(void *arg, struct ask_row *row, int tag, struct backend_answer *a,
		      struct err *e);
	/* All is answered: appends the line or lines, newlines included, and frees row->own. Called
	 * once for each row, also where the run ends early (what it appends is then thrown
	 * away). */
	int (*finish)(void *arg, struct ask_row *row, struct buf *out, struct err *e);
	/* Where lines go; NULL: standard output, flushed. */
	int (*write)(void *arg, struct span lines, struct err *e);
	/* Told what the user should know now, a sentence a call; NULL: nobody. */
	void (*notice)(void *arg, const char *text);
	/* Asked for a signal to stop; NULL: none. What is under way then has five seconds to end;
	 * rows not answered are not written. */
	int (*stopping)(void);
	/* The progress line, and the input by whose end it is measured; progress may be NULL. */
	struct progress *progress;
	struct reader *reader;
};

/* Sends a request for the row; the answer comes with this tag. Only from begin and answer. What
 * cannot be sent is an answer of type "request". */
int ask_send(struct ask *a, struct ask_row *row, int tag, const struct backend_request *q,
	     struct err *e);

/* Answers a request that cannot even be built with an error of this type. From begin and answer, as
 * ask_send. */
void ask_refuse(struct ask *a, struct ask_row *row, int tag, const char *type, const char *why);

/* Whether requests are in hand, so that begin must not wait for input. */
int ask_busy(const struct ask *a);

/* Runs to the end of input. 0, or -1 with the reason. */
int ask_run(struct ask *a, const struct ask_program *p, struct err *e);

/* --- what happened --- */

struct ask_error_count {
	char type[32];
	int status;
	size_t n;
	char example[256];
};

struct ask_totals {
	size_t rows, failed, unwritten; /* unwritten: in hand when the run was stopped */
	/* requests of a dry run, with estimates of their tokens and cost (NaN: unknown) */
	size_t foreseen;
	double foreseen_in, foreseen_out, foreseen_low, foreseen_high;
	size_t answers, cached, attempts, errors;
	struct ask_error_count by_type[16]; /* ends where n is 0; the last takes what has no room */
	/* of what was asked now */
	double prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens;
	size_t no_usage,
		odd_usage; /* answers without one; with counts that contradict each other */
	double cost;	   /* of what was asked now and is known */
	size_t no_cost;	   /* answers whose cost is not known */
	double seconds;
	size_t latencies[1024]; /* histogram, 2 % a step from 0.1 ms */
};

/* Tells the reasoning in an answer from the rest, and makes one that the schema does not allow an
 * error: a server may not honour what it was sent. Tool calls, refusals and answers cut off are told by their own members. ask_run does it itself. */
void ask_validate(const struct ask *a, struct backend_answer *an);

/* Counts what did not come through ask_run: answers joined from a batch. */
void ask_count(struct ask *a, const struct backend_answer *an);
void ask_count_row(struct ask *a, int failed);

/* Counts a request that a dry run would have sent; ask_summary then tells what they would come
 * to. */
void ask_foresee(struct ask *a, struct span body);

const struct ask_totals *ask_totals(const struct ask *a);
/* The summary in words, several lines without a final newline; nothing where nothing was asked. */
void ask_summary(const struct ask *a, struct buf *text);

#endif
