/* corpus: everything that training reads, checked and ready before a weight is touched: the base's
 * configuration, tokenizer and template, and the rows as tokens.
 */
#ifndef FT_TRAIN_CORPUS_H
#define FT_TRAIN_CORPUS_H

#include "../base/err.h"
#include "../chat/chat.h"
#include "../model/config.h"
#include "../token/tokenizer.h"
#include "dataset.h"

struct train_corpus {
	char *base; /* directory of the base model; NULL for a model from nothing */
	struct config config;
	struct tokenizer *tokenizer;
	struct chat *chat;
	struct dataset train, valid;
	size_t test, refused, skipped; /* rows not looked at; rows refused; malformed lines */
	size_t max_seq;		       /* what rows were held to */
};

/* Opens the model called `model` (hub.h), or, where that is NULL, a byte-level one of the shape in
 * the file `scratch`; how its template is rendered, or NULL. c is zeroed; train_corpus_release is right also after a failure. */
int train_corpus_open(struct train_corpus *c, const char *model, const char *scratch,
		      const struct chat_options *how, struct err *e);
void train_corpus_release(struct train_corpus *c);

/* Writes the files of tokenizer and template into dir: those of the base, or the byte-level
 * ones. */
int train_corpus_put_tokenizer(const struct train_corpus *c, const char *dir, struct err *e);

struct train_corpus_spec {
	size_t max_seq; /* at most the model's positions are taken */
	enum dataset_long too_long;
	int preferences;	       /* rows are preference lines */
	int labels;		       /* rows have labels, and are mismatched too */
	int last_turn, unroll, strict; /* as in dataset_spec */
	int overlap;		       /* validation rows may be training rows */
	const struct prune *prune;     /* as in dataset_spec */
	/* how rows are read; with skip_bad, what cannot be used is left out and counted */
	struct reader how;
};

/* Reads the files, and valid_file (may be NULL) as validation rows. Fails where rows were refused
 * (all are named first), where none are left, and where a validation row is also a training row; with
 * labels, where all answers are one. */
int train_corpus_read(struct train_corpus *c, char **files, const char *valid_file,
		      const struct train_corpus_spec *s, struct err *e);

/* What was read, for people, one sentence a call: rows, tokens, what was left out or cut as too
 * long, answers that the vocabulary cannot write. */
void train_corpus_tell(const struct train_corpus *c,
		       void (*say)(void *arg, const struct err *sentence), void *arg);

#endif
