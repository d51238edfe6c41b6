/* dataset: records turned into training examples: token ids and the weight of each token's loss.
 *
 * Only tokens stay in memory (8 bytes a token, some 40 bytes an example), not the records. Rows
 * come in the forms of form.h, all in one; those with a preferred answer and another give two
 * examples each. There is loss on the assistant's turns, on a completion and its end, and on all of
 * a text. A member `weight` of
 * the record multiplies its weights.
 *
 * Labelled rows (KTO) say whether their answer is wanted. What they are measured against is one row's
 * question with another row's answer, laid out once by dataset_mismatch.
 */
#ifndef FT_TRAIN_DATASET_H
#define FT_TRAIN_DATASET_H

#include <stddef.h>
#include <stdint.h>
#include "../chat/chat.h"
#include "../json/reader.h"
#include "../json/record.h"
#include "../json/side.h"
#include "../text/prune.h"
#include "form.h"
#include "gradient.h"

enum dataset_long { DATASET_LONG_ERROR, DATASET_LONG_DROP, DATASET_LONG_TRUNCATE };

struct dataset_spec {
	const struct chat *chat;
	size_t max_seq;		    /* longest example in tokens */
	size_t vocab;		    /* of the model: larger ids are refused */
	enum dataset_long too_long; /* truncation keeps the beginning */
	int preferences;	    /* rows are preference lines; otherwise those are refused */
	int labels;		    /* each row has a label, for its last answer; no pairs */
	int last_turn;		    /* only a conversation's last turn is trained on */
	int unroll; /* each turn that is trained on makes an example of the conversation up to it */
	int strict; /* what the template leaves out of a row is an error */
	const struct prune *prune; /* texts taken out of rows first, or NULL */
	int (*stopping)(void);	   /* non-zero: the row in hand is refused; may be NULL */
};

/* Rows with a part that stands in no token, or (the last kind) with turns that are trained on as
 * the template writes them in the middle of a conversation, which is not how they will be asked
 * for. */
enum { DATASET_OTHERWISE = CHAT_PARTS, DATASET_LOSSES };
struct dataset_loss {
	size_t rows;
	const char *file; /* of the first */
	size_t line, message;
};

struct dataset_example {
	size_t at;	  /* its first token in ids and weights */
	uint64_t hash;	  /* of ids and weights: equal examples are equal in it */
	const char *file; /* where it was read, borrowed from the reader's names */
	size_t line;
	uint16_t lost[DATASET_LOSSES]; /* by kind, the first message that lost something; 0: none */
	int label;		       /* with labels: whether the answer is wanted */
};

/* A zeroed struct is empty and valid. With preferences, example 2i is the preferred answer and 2i +
 * 1 the other one. Mismatched examples stand behind the n, that of row i at n + i; nothing but
 * longest counts them. */
struct dataset {
	int32_t *ids;
	float *weights;
	struct dataset_example *examples;
	uint32_t *length; /* tokens of each example */
	size_t n, tokens, supervised;
	size_t mismatched;		 /* 0 or n */
	size_t rows, dropped, truncated; /* records taken; left out as too long; cut */
	size_t unpruned;		 /* of those read, without one of the texts to prune */
	uint64_t hash[2]; /* of all records' bytes in their order (XXH3-128, each with a newline) */
	struct dataset_loss losses[DATASET_LOSSES]; /* by enum chat_part */
	size_t longest;
	enum form form; /* of all rows, as the first has it */
	const char *form_file;
	size_t form_line;
	size_t cap_tokens[2], cap_examples[2]; /* private */
	void *hasher;
};

void dataset_release(struct dataset *d);

/* What is lost, in words for people: "reasoning", "tool calls" ... */
const char *dataset_loss_name(size_t kind);

/* Adds one record: 1 added, 0 left out because it is too long, -1 refused with the reason (which
 * does not name the record). */
int dataset_add(struct dataset *d, const struct record *r, const char *file, size_t line,
		const struct dataset_spec *s, struct err *e);

/* Where rows go by their `split`: train or absent, valid, test. */
struct dataset_sides {
	struct dataset *train, *valid;
	size_t test; /* rows counted and not looked at */
	/* in: a validation file, rows without `split` (or split train) are validation rows */
	int all_valid;
};

/* Reads all records of the reader, which is told of each row that cannot be trained on
 * (reader_refuse), so that one run names them all. 0 (also where s->stopping ended it early), or -1 on
 * trouble that ends the run (malformed line, unreadable file). */
int dataset_read(struct dataset_sides *to, struct reader *in, const struct dataset_spec *s,
		 struct err *e);

/* The first example of b that is also in a, as an index into b, or -1. *count gets how many there
 * are. Preference data are compared pair by pair. */
long long dataset_overlap(const struct dataset *a, const struct dataset *b, int preferences,
			  size_t *count);

/* Lays out, for each of n rows that have labels, its question with the answer of another row: the
 * next one (after the last comes the first) that asks and answers otherwise, or where there is none
 * answers otherwise, cut at max_seq. The question is what stands before the first token that is
 * trained on, so a text's is its first token. Once, after the last record. Fails where all answers
 * are one. */
int dataset_mismatch(struct dataset *d, size_t max_seq, struct err *e);

/* Finishes d->hash; call once after the last record. */
void dataset_finish(struct dataset *d);

/* Lays n examples end to end into one pack: the i-th is examples[place[i]], its weights multiplied
 * by factor[place[i]] (NULL: as they are). The arrays are p's own, reused from call to call;
 * dataset_pack_release frees them. */
struct dataset_pack {
	struct train_pack pack;
	int32_t *ids;
	float *weights;
	size_t *starts;
	size_t cap[3];
};
void dataset_pack_fill(struct dataset_pack *p, const struct dataset *d, const size_t *examples,
		       const size_t *place, size_t n, const double *factor);
void dataset_pack_release(struct dataset_pack *p);

/* Appends {"ids":[...],"weights":[...],"starts":[...]}. */
void dataset_pack_json(const struct train_pack *p, struct buf *b);

#endif
