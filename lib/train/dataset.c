/* Records to examples; see dataset.h. */
#include "dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "../base/mem.h"
#include "../json/jw.h"

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
		d->hasher = XXH3_createState();
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

/* --- one encoded conversation into the arrays --- */

/* 1 added, 0 too long and dropped, -1 refused. */
static int append(struct dataset *d, const struct chat_example *x, const char *file, size_t line,
		  const struct dataset_spec *s, struct err *e)
{
	size_t n = x->ids.n, supervised = 0;
	for (size_t i = 0; i < n; i++)
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
	}
	for (size_t i = 1; i < n; i++)
		supervised += x->weights[i] != 0;
	if (!supervised)
		return err_set(e,
			       n < x->ids.n
				       ? "nothing is left to train on after truncation to %zu tokens"
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
	d->truncated += n < x->ids.n;
	if (n > d->longest)
		d->longest = n;
	return 1;
}

static int add_plain(struct dataset *d, const struct record *r, const char *file, size_t line,
		     const struct dataset_spec *s, struct err *e)
{
	struct buf scratch = BUF_INIT;
	struct chat_example x = {0};
	struct chat_input in = {0};
	double weight;
	int rc = -1;
	struct span messages = record_get(r, "messages");
	if (json_kind(record_get(r, "preferred_output")) != JSON_NONE) {
		err_set(e, "a preference line: train on it with --dpo or --orpo");
		goto cleanup;
	}
	if (json_kind(messages) != JSON_NONE) {
		if (check_messages(messages, e))
			goto cleanup;
		if (json_kind(record_final_assistant(r)) == JSON_NONE) {
			err_set(e,
				"no reference: the last of its messages is not from the assistant%s",
				json_kind(record_get(r, "ideal")) == JSON_NONE
					? ""
					: " (jq -c '.messages += [{role: \"assistant\", content: .ideal}]' makes one of ideal)");
			goto cleanup;
		}
	} else if (json_kind(record_get(r, "prompt")) == JSON_NONE) {
		err_set(e, "no messages and no prompt");
		goto cleanup;
	} else if (json_kind(record_get(r, "completion")) == JSON_NONE) {
		err_set(e, "no reference: a prompt without completion");
		goto cleanup;
	}
	if (record_weight(r, &weight, e) || chat_input_of(r, 0, &scratch, &in, e) ||
	    chat_encode_training(s->chat, &in, weight, &x, e))
		goto cleanup;
	rc = append(d, &x, file, line, s, e);
cleanup:
	chat_example_release(&x);
	buf_release(&scratch);
	return rc;
}

/* --- preference lines --- */

/* Appends the messages of the input, assistant turns with weight 0, then those of the answer, as
 * one JSON array. */
static int join_answer(struct span input, struct span answer, struct buf *b, struct err *e)
{
	struct json_iter it = {0};
	struct span key, value;
	buf_clear(b);
	buf_addc(b, '[');
	while (json_next(&it, input, &key, &value)) {
		if (b->len > 1)
			buf_addc(b, ',');
		if (json_is(json_member(value, "role"), "assistant")) {
			struct record turn = {0};
			struct edit edit = {"weight", span_of("0")};
			int bad = record_parse(&turn, value, e);
			if (!bad)
				bad = record_splice(&turn, &edit, 1, b);
			record_release(&turn);
			if (bad)
				return -1;
		} else {
			buf_addspan(b, value);
		}
	}
	it = (struct json_iter){0};
	while (json_next(&it, answer, &key, &value)) {
		if (b->len > 1)
			buf_addc(b, ',');
		buf_addspan(b, value);
	}
	buf_addc(b, ']');
	return b->full ? err_set(e, "record too large") : 0;
}

/* Takes back the examples and tokens added since. */
static void rewind_to(struct dataset *d, const struct dataset *old)
{
	d->n = old->n;
	d->tokens = old->tokens;
	d->supervised = old->supervised;
	d->truncated = old->truncated;
	d->longest = old->longest;
}

static int add_pair(struct dataset *d, const struct record *r, const char *file, size_t line,
		    const struct dataset_spec *s, struct err *e)
{
	static const char *const sides[] = {"preferred_output", "non_preferred_output"};
	struct buf messages = BUF_INIT;
	struct chat_example x = {0};
	struct span input = record_get(r, "input");
	struct dataset before = *d;
	double weight;
	int rc = -1;
	struct span context = json_member(input, "messages");
	if (json_kind(context) != JSON_ARRAY) {
		err_set(e, "no preference line: no input.messages");
		goto cleanup;
	}
	if (record_weight(r, &weight, e))
		goto cleanup;
	for (int i = 0; i < 2; i++) {
		struct span answer = record_get(r, sides[i]);
		if (json_kind(answer) != JSON_ARRAY || !json_count(answer) ||
		    !json_is(json_member(json_element(answer, -1), "role"), "assistant")) {
			err_set(e, "%s is no array that ends with an assistant's message",
				sides[i]);
			goto cleanup;
		}
		if (join_answer(context, answer, &messages, e) ||
		    check_messages(buf_span(&messages), e))
			goto cleanup;
		struct chat_input in = {.messages = buf_span(&messages),
					.tools = json_member(input, "tools")};
		if (chat_encode_training(s->chat, &in, weight, &x, e) ||
		    (rc = append(d, &x, file, line, s, e)) < 0) {
			err_prefix(e, "%s", sides[i]);
			rc = -1;
			goto cleanup;
		}
		if (rc == 0)
			break;
		rc = -1;
		if (i == 1) {
			if (d->examples[d->n - 1].hash == d->examples[d->n - 2].hash)
				err_set(e, "both answers are the same");
			else
				rc = 1;
		}
	}
cleanup:
	if (rc != 1)
		rewind_to(d, &before);
	chat_example_release(&x);
	buf_release(&messages);
	return rc;
}

int dataset_add(struct dataset *d, const struct record *r, const char *file, size_t line,
		const struct dataset_spec *s, struct err *e)
{
	int rc = (s->preferences ? add_pair : add_plain)(d, r, file, line, s, e);
	if (rc < 0)
		return -1;
	d->rows += rc == 1;
	d->dropped += rc == 0;
	if (rc == 1)
		hash_record(d, r);
	return rc;
}

/* --- reading --- */

int dataset_read(struct dataset_sides *to, struct reader *in, const struct dataset_spec *s,
		 struct err *e)
{
	struct record r = {0};
	enum side side;
	int rc;
	while ((rc = side_next(in, &r, &side, &to->test, e)) > 0) {
		struct dataset *d = to->all_valid || side == SIDE_VALID ? to->valid : to->train;
		struct err why = ERR_INIT;
		if (dataset_add(d, &r, in->name, in->line, s, &why) < 0)
			reader_refuse(in, &r, &why);
	}
	record_release(&r);
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
	qsort(seen, na, sizeof *seen, by_hash);
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
