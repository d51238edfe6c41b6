/* Records to examples; see dataset.h. */
#include "dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "../base/mem.h"
#include "../json/jw.h"
#include "form.h"

void dataset_release(struct dataset *d)
{
	free(d->ids);
	free(d->weights);
	free(d->examples);
	free(d->length);
	XXH3_freeState(d->hasher);
	*d = (struct dataset){0};
}

static void hash_record(struct dataset *d, const struct record *r)
{
	if (!d->hasher) {
		d->hasher = mem_or_end(XXH3_createState());
		XXH3_128bits_reset(d->hasher);
	}
	XXH3_128bits_update(d->hasher, r->line.s, r->line.n);
	XXH3_128bits_update(d->hasher, "\n", 1);
}

void dataset_finish(struct dataset *d)
{
	XXH128_hash_t h = d->hasher ? XXH3_128bits_digest(d->hasher) : XXH3_128bits(NULL, 0);
	d->hash[0] = h.high64;
	d->hash[1] = h.low64;
}

/* --- checks that say more than a template's own error would --- */

static int known_role(struct span role)
{
	static const char *const roles[] = {"system",	 "developer", "user",
					    "assistant", "tool",      "function"};
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (json_is(role, roles[i]))
			return 1;
	return 0;
}

static int check_messages(struct span messages, struct err *e)
{
	if (json_kind(messages) != JSON_ARRAY)
		return err_set(e, "messages is no array");
	struct json_iter it = {0};
	struct span key, value;
	for (size_t i = 0; json_next(&it, messages, &key, &value); i++) {
		if (json_kind(value) != JSON_OBJECT)
			return err_set(e, "messages[%zu] is no object", i);
		struct span role = json_member(value, "role");
		if (json_kind(role) != JSON_STRING)
			return err_set(e, "messages[%zu] has no role", i);
		if (!known_role(role))
			return err_set(e,
				       "messages[%zu]: unknown role %.*s (known: system, developer, user, "
				       "assistant, tool, function)",
				       i, (int)(role.n < 80 ? role.n : 80), role.s);
	}
	return 0;
}

static int record_weight(const struct record *r, double *weight, struct err *e)
{
	struct span v = record_get(r, "weight");
	*weight = 1;
	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	if (json_number(v, weight) || !isfinite(*weight) || *weight < 0 || *weight > 1e6)
		return err_set(e, "weight is no number from 0 to 1000000");
	return 0;
}

/* One file, one form: rows of another are a slip, and would be trained on in another way. */
static int check_form(struct dataset *d, enum form f, const char *file, size_t line,
		      const struct dataset_spec *s, struct err *e)
{
	if (form_is_pair(f) && !s->preferences)
		return err_set(e, "a preference line: train on it with --dpo or --orpo");
	if (!form_is_pair(f) && s->preferences)
		return err_set(e, "no preference line: it has %s", form_name(f));
	if (!d->n && !d->dropped) {
		d->form = f;
		d->form_file = file;
		d->form_line = line;
	} else if (d->form != f) {
		return err_set(e,
			       "a row with %s among rows with %s (the first is %s:%zu); train on one form at a time",
			       form_name(f), form_name(d->form), d->form_file, d->form_line);
	}
	return 0;
}

/* Thumbs down on an answer is no answer to learn, but by KTO. */
static int check_label(const struct record *r, const struct dataset_spec *s, int *label,
		       struct err *e)
{
	enum json_kind kind = json_kind(record_get(r, "label"));

	*label = kind == JSON_TRUE;
	if (s->labels && kind != JSON_TRUE && kind != JSON_FALSE)
		return err_set(e, "%s",
			       kind == JSON_NONE
				       ? "no label: --kto learns from answers labelled true or false"
				       : "label is neither true nor false");
	if (s->labels || kind != JSON_FALSE)
		return 0;
	return err_set(e,
		       "label is false: this answer is not wanted, and would be trained on as if it were (--kto learns from such rows)");
}

/* --- one encoded conversation into the arrays --- */

/* 1 added, 0 too long and dropped, -1 refused. */
static int append(struct dataset *d, const struct chat_example *x, const char *file, size_t line,
		  const struct dataset_spec *s, struct err *e)
{
	size_t n = x->beyond ? x->beyond : x->ids.n, supervised = 0;
	int cut = 0;
	for (size_t i = 0; i < x->ids.n; i++)
		if (x->ids.ids[i] < 0 || (size_t)x->ids.ids[i] >= s->vocab)
			return err_set(e,
				       "token %ld is outside the model's vocabulary of %zu: tokenizer and "
				       "model do not belong together",
				       (long)x->ids.ids[i], s->vocab);
	if (n > s->max_seq) {
		if (s->too_long == DATASET_LONG_ERROR)
			return err_set(e,
				       "%zu tokens, more than --max-seq %zu (or the model's positions); raise it, "
				       "or choose --too-long drop or truncate",
				       n, s->max_seq);
		if (s->too_long == DATASET_LONG_DROP)
			return 0;
		n = s->max_seq;
		cut = 1;
	}
	for (size_t i = 1; i < n; i++)
		supervised += x->weights[i] != 0;
	if (!supervised)
		return err_set(e,
			       cut ? "nothing is left to train on after truncation to %zu tokens"
				   : "nothing to train on in its %zu tokens (all weights are 0)",
			       n);
	d->ids = mem_grow(d->ids, &d->cap_tokens[0], d->tokens + n, sizeof *d->ids);
	d->weights = mem_grow(d->weights, &d->cap_tokens[1], d->tokens + n, sizeof *d->weights);
	d->examples = mem_grow(d->examples, &d->cap_examples[0], d->n + 1, sizeof *d->examples);
	d->length = mem_grow(d->length, &d->cap_examples[1], d->n + 1, sizeof *d->length);
	int32_t *ids = d->ids + d->tokens;
	float *weights = d->weights + d->tokens;
	memcpy(ids, x->ids.ids, n * sizeof *ids);
	memcpy(weights, x->weights, n * sizeof *weights);
	weights[0] = 0;
	d->examples[d->n] = (struct dataset_example){
		.at = d->tokens,
		.hash = XXH3_64bits_withSeed(weights, n * sizeof *weights,
					     XXH3_64bits(ids, n * sizeof *ids)),
		.file = file,
		.line = line,
	};
	d->length[d->n++] = (uint32_t)n;
	d->tokens += n;
	d->supervised += supervised;
	d->truncated += (size_t)cut;
	if (n > d->longest)
		d->longest = n;
	return 1;
}

/* Takes back the examples and tokens added since. */
static void rewind_to(struct dataset *d, const struct dataset *old)
{
	d->n = old->n;
	d->tokens = old->tokens;
	d->supervised = old->supervised;
	d->truncated = old->truncated;
	d->longest = old->longest;
	memcpy(d->losses, old->losses, sizeof d->losses);
}

/* --- what the template leaves out --- */

const char *dataset_loss_name(size_t kind)
{
	static const char *const names[DATASET_LOSSES] = {"messages",
							  "reasoning",
							  "tool calls",
							  "tools",
							  "template variables",
							  "turns written otherwise"};

	return names[kind];
}

static void count_loss(struct dataset *d, size_t kind, const char *file, size_t line,
		       size_t message)
{
	struct dataset_loss *l = &d->losses[kind];

	if (!l->rows++)
		*l = (struct dataset_loss){1, file, line, message};
}

/* Enters what a row lost: lost[kind] is a message's number, or 0. */
static int settle_losses(struct dataset *d, const size_t lost[DATASET_LOSSES], const char *file,
			 size_t line, int strict, struct err *e)
{
	for (size_t k = 0; k < DATASET_LOSSES; k++) {
		if (!lost[k])
			continue;
		if (!strict)
			count_loss(d, k, file, line, lost[k]);
		else if (k == DATASET_OTHERWISE)
			return err_set(e,
				       "message %zu: the template writes this turn otherwise once others follow, which is not how it will be asked for "
				       "(--strict); --last-turn leaves it out, --unroll gives it a conversation of its own",
				       lost[k]);
		else if (k == CHAT_TOOLS)
			return err_set(e, "the template leaves its tools out (--strict)");
		else if (k == CHAT_VARS)
			return err_set(e,
				       "the template does not read all of its chat_template_kwargs (--strict)");
		else
			return err_set(e, "message %zu: the template leaves its %s out (--strict)",
				       lost[k], k == CHAT_MESSAGE ? "text" : dataset_loss_name(k));
	}
	return 0;
}

/* One example of a conversation, or with unroll one for each turn that is trained on, in which it
 * is the last and the only one. 1 added (all of them), 0 too long, -1 refused. */
static int add_conversation(struct dataset *d, struct chat_input *in, double weight,
			    const char *file, size_t line, const struct dataset_spec *s,
			    struct err *e)
{
	struct chat_example x = {0};
	size_t lost[DATASET_LOSSES] = {0}, here[DATASET_LOSSES];
	unsigned char *trained = NULL;
	size_t n = json_count(in->messages), i = s->unroll ? 0 : n;
	int rc = err_set(e, "nothing to train on (all weights are 0)");

	in->last_only = s->last_turn || s->unroll || (s->labels && d->form == FORM_CHAT);
	in->most = s->max_seq;
	in->cut = s->too_long == DATASET_LONG_TRUNCATE;
	in->stopping = s->stopping;
	if (s->unroll) {
		trained = mem_alloc(n + 1, 1);
		chat_trained(in, trained);
	}
	do {
		if (i < n && !trained[i])
			continue;
		in->upto = i < n ? i + 1 : 0;
		rc = chat_encode_training(s->chat, in, weight, &x, e) ||
				     chat_lost(s->chat, in, here, e)
			     ? -1
			     : append(d, &x, file, line, s, e);
		if (rc <= 0)
			break;
		here[DATASET_OTHERWISE] = x.otherwise;
		for (size_t k = 0; k < DATASET_LOSSES; k++) {
			lost[k] = lost[k] ? lost[k] : here[k];
			d->examples[d->n - 1].lost[k] =
				(uint16_t)(here[k] < UINT16_MAX ? here[k] : UINT16_MAX);
		}
	} while (++i < n);
	if (rc > 0 && settle_losses(d, lost, file, line, s->strict, e))
		rc = -1;
	free(trained);
	chat_example_release(&x);
	return rc;
}

/* A row of one answer, or with a preferred answer and another. 1 added, 0 too long, -1 refused. */
static int add_row(struct dataset *d, const struct record *r, const char *file, size_t line,
		   const struct dataset_spec *s, struct err *e)
{
	struct buf scratch = BUF_INIT;
	struct chat_input in;
	struct dataset before = *d;
	enum form form;
	double weight;
	int label, rc = -1;
	if (form_of(r, &form, e) || check_form(d, form, file, line, s, e) ||
	    record_weight(r, &weight, e) || check_label(r, s, &label, e))
		goto cleanup;
	for (int other = 0; other <= form_is_pair(form); other++) {
		rc = form_input(form, r, other, &scratch, &in, e) ||
				     (in.messages.s && check_messages(in.messages, e))
			     ? -1
			     : add_conversation(d, &in, weight, file, line, s, e);
		if (rc <= 0)
			break;
	}
	if (rc > 0 && form_is_pair(form) &&
	    d->examples[d->n - 1].hash == d->examples[d->n - 2].hash)
		rc = err_set(e, "both answers are the same");
	for (size_t i = before.n; rc > 0 && i < d->n; i++)
		d->examples[i].label = label;
cleanup:
	if (rc != 1)
		rewind_to(d, &before);
	buf_release(&scratch);
	return rc;
}

int dataset_add(struct dataset *d, const struct record *r, const char *file, size_t line,
		const struct dataset_spec *s, struct err *e)
{
	int rc = add_row(d, r, file, line, s, e);
	if (rc < 0)
		return -1;
	d->rows += rc == 1;
	d->dropped += rc == 0;
	if (rc == 1)
		hash_record(d, r);
	return rc;
}

/* --- reading --- */

/* The row without the texts: as it will be asked. Its own where none was there; NULL where it can't be
 * written. */
static const struct record *prune_row(const struct prune *p, const struct record *r,
				      struct buf *line, struct record *pruned, struct dataset *d)
{
	struct edit edits[PRUNE_EDITS];
	struct buf room[PRUNE_EDITS] = {BUF_INIT};
	struct err e = ERR_INIT;
	size_t missing, n = prune_edits(p, r, edits, room, &missing);
	const struct record *row = r;

	d->unpruned += missing > 0;
	buf_clear(line);
	if (n)
		row = record_splice(r, edits, n, line) || record_parse(pruned, buf_span(line), &e)
			      ? NULL
			      : pruned;
	for (size_t i = 0; i < PRUNE_EDITS; i++)
		buf_release(&room[i]);
	return row;
}

int dataset_read(struct dataset_sides *to, struct reader *in, const struct dataset_spec *s,
		 struct err *e)
{
	struct record r = {0}, pruned = {0};
	struct buf line = BUF_INIT;
	enum side side;
	int rc;
	while ((rc = side_next(in, &r, &side, &to->test, e)) > 0) {
		struct dataset *d = to->all_valid || side == SIDE_VALID ? to->valid : to->train;
		struct err why = ERR_INIT;
		const struct record *row = &r;
		if (s->prune && s->prune->n) {
			row = prune_row(s->prune, &r, &line, &pruned, d);
			if (!row)
				return err_set(e, "%s:%zu: a row too long to prune", in->name,
					       in->line);
		}
		if (dataset_add(d, row, in->name, in->line, s, &why) < 0) {
			if (s->stopping && s->stopping()) {
				rc = 0;
				break;
			}
			reader_refuse(in, &r, &why);
		}
	}
	record_release(&r);
	record_release(&pruned);
	buf_release(&line);
	return rc;
}

/* --- questions with other rows' answers --- */

/* Tokens before the answer of example i. */
static size_t asked_tokens(const struct dataset *d, size_t i)
{
	const float *w = d->weights + d->examples[i].at;
	size_t k = 1;

	while (k < d->length[i] && w[k] == 0)
		k++;
	return k;
}

/* ahead[i]: how far the next row is whose key is another, counted around; n where all are one. */
static void next_other(const uint64_t *key, size_t n, size_t *ahead)
{
	for (size_t i = 0; i < n; i++)
		ahead[i] = n;
	for (size_t i = 2 * n; i-- > 0;) { /* twice, for the last rows see the first */
		size_t a = i % n, b = (i + 1) % n;

		ahead[a] = key[a] != key[b] ? 1 : ahead[b] < n ? ahead[b] + 1 : n;
	}
}

/* Adds, as the mismatched example of row i, its question with the answer of row `other`, at `at`.
 * Returns its end. */
static size_t put_mismatched(struct dataset *d, size_t i, size_t other, size_t at, size_t max_seq,
			     const size_t *asked)
{
	size_t from = d->examples[other].at + asked[other], own = asked[i],
	       len = d->length[other] - asked[other];

	if (own + len > max_seq)
		len = max_seq - own;
	d->ids = mem_grow(d->ids, &d->cap_tokens[0], at + own + len, sizeof *d->ids);
	d->weights = mem_grow(d->weights, &d->cap_tokens[1], at + own + len, sizeof *d->weights);
	memcpy(d->ids + at, d->ids + d->examples[i].at, own * sizeof *d->ids);
	memset(d->weights + at, 0, own * sizeof *d->weights);
	memcpy(d->ids + at + own, d->ids + from, len * sizeof *d->ids);
	memcpy(d->weights + at + own, d->weights + from, len * sizeof *d->weights);
	d->examples[d->n + i] = d->examples[i];
	d->examples[d->n + i].at = at;
	d->length[d->n + i] = (uint32_t)(own + len);
	if (own + len > d->longest)
		d->longest = own + len;
	return at + own + len;
}

int dataset_mismatch(struct dataset *d, size_t max_seq, struct err *e)
{
	size_t n = d->n, at = d->tokens, *asked = mem_alloc(3 * n, sizeof *asked),
	       *to_question = asked + n, *to_answer = to_question + n;
	uint64_t *question = mem_alloc(2 * n, sizeof *question), *answer = question + n;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		const int32_t *ids = d->ids + d->examples[i].at;

		asked[i] = asked_tokens(d, i);
		question[i] = XXH3_64bits(ids, asked[i] * sizeof *ids);
		answer[i] = XXH3_64bits(ids + asked[i], (d->length[i] - asked[i]) * sizeof *ids);
	}
	next_other(question, n, to_question);
	next_other(answer, n, to_answer);
	if (n && to_answer[0] == n) {
		rc = err_set(e,
			     "all answers are one: --kto puts each question to another row's answer too, and needs two that differ");
		goto cleanup;
	}
	d->examples = mem_grow(d->examples, &d->cap_examples[0], 2 * n, sizeof *d->examples);
	d->length = mem_grow(d->length, &d->cap_examples[1], 2 * n, sizeof *d->length);
	for (size_t i = 0; i < n; i++) {
		size_t k = to_answer[i], j;

		while (k < n &&
		       (answer[j = (i + k) % n] == answer[i] || question[j] == question[i]))
			k += answer[j] == answer[i] ? to_answer[j] : to_question[j];
		at = put_mismatched(d, i, (i + (k < n ? k : to_answer[i])) % n, at, max_seq, asked);
	}
	d->mismatched = n;
cleanup:
	free(asked);
	free(question);
	return rc;
}

/* --- overlap of two sets --- */

static int by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static uint64_t example_hash(const struct dataset *d, size_t i, int preferences)
{
	if (!preferences)
		return d->examples[i].hash;
	return XXH3_64bits_withSeed(&d->examples[2 * i].hash, sizeof(uint64_t),
				    d->examples[2 * i + 1].hash);
}

long long dataset_overlap(const struct dataset *a, const struct dataset *b, int preferences,
			  size_t *count)
{
	size_t na = preferences ? a->n / 2 : a->n, nb = preferences ? b->n / 2 : b->n;
	uint64_t *seen = mem_alloc(na, sizeof *seen);
	long long first = -1;
	*count = 0;
	for (size_t i = 0; i < na; i++)
		seen[i] = example_hash(a, i, preferences);
	mem_sort(seen, na, sizeof *seen, by_hash);
	for (size_t i = 0; i < nb; i++) {
		uint64_t h = example_hash(b, i, preferences);
		if (!bsearch(&h, seen, na, sizeof *seen, by_hash))
			continue;
		if (first < 0)
			first = (long long)(preferences ? 2 * i : i);
		++*count;
	}
	free(seen);
	return first;
}

/* --- packs --- */

void dataset_pack_fill(struct dataset_pack *p, const struct dataset *d, const size_t *examples,
		       const size_t *place, size_t n, const double *factor)
{
	size_t tokens = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		tokens += d->length[examples[place[i]]];
	p->ids = mem_grow(p->ids, &p->cap[0], tokens, sizeof *p->ids);
	p->weights = mem_grow(p->weights, &p->cap[1], tokens, sizeof *p->weights);
	p->starts = mem_grow(p->starts, &p->cap[2], n, sizeof *p->starts);
	for (size_t i = 0; i < n; i++) {
		size_t from = d->examples[examples[place[i]]].at,
		       len = d->length[examples[place[i]]];
		p->starts[i] = at;
		memcpy(p->ids + at, d->ids + from, len * sizeof *p->ids);
		memcpy(p->weights + at, d->weights + from, len * sizeof *p->weights);
		for (size_t k = 0; factor && k < len; k++)
			p->weights[at + k] = (float)(p->weights[at + k] * factor[place[i]]);
		at += len;
	}
	p->pack = (struct train_pack){.ids = p->ids,
				      .weights = p->weights,
				      .n = at,
				      .starts = p->starts,
				      .n_starts = n};
}

void dataset_pack_release(struct dataset_pack *p)
{
	free(p->ids);
	free(p->weights);
	free(p->starts);
	*p = (struct dataset_pack){0};
}

void dataset_pack_json(const struct train_pack *p, struct buf *b)
{
	struct jw w;
	jw_init(&w, b);
	jw_object(&w);
	jw_put_array(&w, "ids");
	for (size_t i = 0; i < p->n; i++)
		jw_int(&w, p->ids[i]);
	jw_end(&w);
	jw_put_array(&w, "weights");
	for (size_t i = 0; i < p->n; i++)
		jw_num(&w, (double)p->weights[i]);
	jw_end(&w);
	jw_put_array(&w, "starts");
	for (size_t i = 0; i < p->n_starts; i++)
		jw_int(&w, p->starts[i]);
	jw_end(&w);
	jw_end(&w);
}
