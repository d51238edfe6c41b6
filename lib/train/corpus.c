/* What training reads; see corpus.h. */
#include "corpus.h"

#include <stdlib.h>

#include "../base/file.h"
#include "../model/hub.h"
#include "rundir.h"

static int open_dir(struct train_corpus *c, const char *dir, const struct chat_options *how,
		    struct err *e)
{
	if (config_read(&c->config, dir, e))
		return -1;
	c->tokenizer = tokenizer_load(dir, e);
	c->chat = c->tokenizer ? chat_load(dir, c->tokenizer, how, e) : NULL;
	return c->chat ? 0 : -1;
}

int train_corpus_open(struct train_corpus *c, const char *model, const char *scratch,
		      const struct chat_options *how, struct err *e)
{
	if (model)
		return (c->base = hub_find(model, e)) ? open_dir(c, c->base, how, e) : -1;
	char *dir = rundir_scratch(scratch, e);
	if (!dir)
		return -1;
	int rc = open_dir(c, dir, how, e);
	if (!rc && c->config.vocab < TOKENIZER_BYTES_SIZE)
		rc = err_set(e, "%s: vocab_size is %zu; the byte-level tokenizer needs %d", scratch,
			     c->config.vocab, TOKENIZER_BYTES_SIZE);
	file_remove_dir(dir);
	free(dir);
	return rc;
}

int train_corpus_put_tokenizer(const struct train_corpus *c, const char *dir, struct err *e)
{
	if (tokenizer_copy_files(c->base, dir, e))
		return -1;
	return c->base ? 0 : tokenizer_write_bytes(dir, e);
}

void train_corpus_release(struct train_corpus *c)
{
	dataset_release(&c->train);
	dataset_release(&c->valid);
	chat_free(c->chat);
	tokenizer_free(c->tokenizer);
	config_release(&c->config);
	free(c->base);
	*c = (struct train_corpus){0};
}

static int read_files(struct train_corpus *c, char **files, int all_valid,
		      const struct train_corpus_spec *s, const struct dataset_spec *spec,
		      struct err *e)
{
	struct reader in;
	struct dataset_sides sides = {
		.train = &c->train,
		.valid = &c->valid,
		.all_valid = all_valid,
	};
	reader_init_like(&in, files, &s->how);
	int rc = dataset_read(&sides, &in, spec, e);
	c->test += sides.test;
	c->refused += in.refused;
	c->skipped += in.skipped;
	reader_release(&in);
	return rc;
}

int train_corpus_read(struct train_corpus *c, char **files, const char *valid_file,
		      const struct train_corpus_spec *s, struct err *e)
{
	size_t positions = config_context(&c->config), overlap;
	struct dataset_spec spec = {
		.chat = c->chat,
		.max_seq = positions && s->max_seq > positions ? positions : s->max_seq,
		.vocab = c->config.vocab,
		.too_long = s->too_long,
		.preferences = s->preferences,
		.labels = s->labels,
		.last_turn = s->last_turn,
		.unroll = s->unroll,
		.strict = s->strict,
		.prune = s->prune,
		.stopping = s->how.stopping,
	};
	c->max_seq = spec.max_seq;
	if (read_files(c, files, 0, s, &spec, e) ||
	    (valid_file && read_files(c, (char *[]){(char *)valid_file, NULL}, 1, s, &spec, e)))
		return -1;
	dataset_finish(&c->train);
	dataset_finish(&c->valid);
	if (s->how.stopping && s->how.stopping())
		return err_set(e, "stopped before all rows were read");
	if (c->refused && !s->how.skip_bad)
		return err_set(e,
			       "%zu row%s cannot be trained on; nothing was trained (--skip-bad leaves them out)",
			       c->refused, c->refused == 1 ? "" : "s");
	if (!c->train.n)
		return err_set(e, "no rows to train on%s",
			       c->test ? " (those with split test are never touched)" : "");
	long long first =
		s->overlap ? -1 : dataset_overlap(&c->train, &c->valid, s->preferences, &overlap);
	if (first >= 0)
		return err_set(e,
			       "%s:%zu: this validation row is also a training row (%zu of %zu are), so validation would say nothing; "
			       "split again with ft-split, or say --allow-overlap",
			       c->valid.examples[first].file, c->valid.examples[first].line,
			       overlap, c->valid.rows);
	if (s->labels && dataset_mismatch(&c->train, spec.max_seq, e))
		return -1;
	if (s->labels && dataset_mismatch(&c->valid, spec.max_seq, e)) {
		err_prefix(e, "validation rows");
		return -1;
	}
	return 0;
}

/* Training rows that are to be answered with the unknown token; *first is one of them. */
static size_t count_unknown(const struct train_corpus *c, const struct dataset_example **first)
{
	const struct dataset *d = &c->train;
	int32_t unk = tokenizer_unk(c->tokenizer);
	size_t n = 0;

	if (unk < 0 || tokenizer_is_stop(c->tokenizer, unk)) /* GPT-2 names one token for both */
		return 0;
	for (size_t i = 0; i < d->n; i++) {
		const struct dataset_example *x = &d->examples[i];
		size_t k = 0;

		while (k < d->length[i] && (d->ids[x->at + k] != unk || d->weights[x->at + k] == 0))
			k++;
		if (k == d->length[i])
			continue;
		if (n++ == 0)
			*first = x;
	}
	return n;
}

/* What stands in no token, or otherwise than it will be asked for; d the training rows. */
static void tell_losses(const struct dataset *d, void (*say)(void *arg, const struct err *sentence),
			void *arg)
{
	static const char *const advice[DATASET_LOSSES] = {
		[CHAT_MESSAGE] = "the template has no place for them; --show shows what is left",
		[CHAT_REASONING] =
			"templates drop the reasoning of earlier turns, and some know none: --unroll trains on each turn in a conversation of its own",
		[CHAT_CALLS] = "this model's template cannot write them, so they are not learned",
		[CHAT_TOOLS] =
			"this model's template does not list them, so it is not learned when to call them",
		[CHAT_VARS] =
			"chat_template_kwargs name variables that this model's template does not read",
		[DATASET_OTHERWISE] =
			"once others follow the template writes them otherwise than it will ask for them: --last-turn leaves them out, --unroll trains on each in a conversation of its own",
	};
	struct err text;

	for (size_t k = 0; k < DATASET_LOSSES; k++) {
		const struct dataset_loss *l = &d->losses[k];

		if (!l->rows)
			continue;
		if (k == DATASET_OTHERWISE)
			err_set(&text,
				"%zu row%s with turns not trained on as they will be asked for (the first is %s:%zu, message %zu): %s",
				l->rows, l->rows == 1 ? "" : "s", l->file, l->line, l->message,
				advice[k]);
		else
			err_set(&text,
				"%zu row%s with %s that %s (the first is %s:%zu, message %zu): %s",
				l->rows, l->rows == 1 ? "" : "s", dataset_loss_name(k),
				k == CHAT_VARS ? "nothing reads" : "no token says", l->file,
				l->line, l->message, advice[k]);
		say(arg, &text);
	}
}

/* How many rows of each label there are; they have labels. */
static void tell_labels(const struct dataset *d, void (*say)(void *arg, const struct err *sentence),
			void *arg)
{
	size_t wanted = 0;
	struct err text;

	for (size_t i = 0; i < d->n; i++)
		wanted += d->examples[i].label != 0;
	err_set(&text, "label true in %zu rows, false in %zu%s", wanted, d->n - wanted,
		wanted && wanted < d->n
			? ""
			: ": with one kind alone the model learns no difference between them");
	say(arg, &text);
}

void train_corpus_tell(const struct train_corpus *c,
		       void (*say)(void *arg, const struct err *sentence), void *arg)
{
	const struct dataset *d = &c->train;
	size_t dropped = d->dropped + c->valid.dropped,
	       truncated = d->truncated + c->valid.truncated;
	const struct dataset_example *first = NULL;
	size_t unknown = count_unknown(c, &first);
	struct err text;

	err_set(&text,
		"%zu training rows, %zu tokens, %zu of them trained on, longest row %zu; %zu validation rows%s",
		d->rows, d->tokens, d->supervised, d->longest, c->valid.rows,
		c->test ? "" : "; no test rows here");
	say(arg, &text);
	if (d->mismatched)
		tell_labels(d, say, arg);
	if (c->test) {
		err_set(&text, "%zu test rows left untouched", c->test);
		say(arg, &text);
	}
	if (d->unpruned + c->valid.unpruned) {
		err_set(&text, "%zu rows are without one of the texts to prune (--prune)",
			d->unpruned + c->valid.unpruned);
		say(arg, &text);
	}
	if (dropped) {
		err_set(&text, "%zu rows left out as longer than %zu tokens", dropped, c->max_seq);
		say(arg, &text);
	}
	if (truncated) {
		err_set(&text, "%zu rows cut to %zu tokens", truncated, c->max_seq);
		say(arg, &text);
	}
	tell_losses(d, say, arg);
	tell_losses(&c->valid, say, arg);
	if (first) {
		struct span token = tokenizer_token(c->tokenizer, tokenizer_unk(c->tokenizer));

		err_set(&text,
			"%zu of %zu training rows have answers with characters that the vocabulary lacks (the first is %s:%zu): they become "
			"%.*s, and the model will never write them (--show shows where)",
			unknown, d->n, first->file, first->line, (int)token.n, token.s);
		say(arg, &text);
	}
}
