/* opinion: records into tokens, tokens through a model, losses and label probabilities back into
 * records. See opinion.h. */
#include "opinion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/map.h"
#include "../base/mem.h"
#include "../chat/chat.h"
#include "../infer/score.h"
#include "../json/jw.h"
#include "../model/adapter.h"
#include "../model/hub.h"
#include "../text/hash.h"

#define LABELS_MAX 256
#define LABEL_ROWS 4	 /* rows there must be for each label, on average */
#define NEGLIGIBLE 0.005 /* a probability */
#define STEP_ROWS 512

struct label {
	char *name;
	struct tokens answer;
};

/* A row on its way. */
struct asked {
	struct buf line;
	struct tokens prompt, answer;
	size_t own; /* its label, or LABELS_MAX */
};

struct opinion {
	struct tokenizer *tokenizer;
	struct chat *chat;
	struct model *model;
	struct decoder *decoder;
	struct scorer *scorer;
	struct label labels[LABELS_MAX];
	size_t labels_n, rows;
	struct map by_name; /* hash of a label -> its index */
	int no_labels, settled;
	struct score_choices choices;
	struct asked queue[SCORE_JOBS];
	size_t queue_n, tokens;
	struct buf scratch, messages, reference, json;
	struct chat_example example;
	size_t unread;
	struct err why;
	/* rows of which the template left such a part out, and the first of them */
	size_t lost[CHAT_PARTS], first_lost[CHAT_PARTS], given;
};

static int open_model(struct opinion *o, const char *dir, const char *adapter, struct pool *pool,
		      struct err *e)
{
	if (!(o->tokenizer = tokenizer_load(dir, e)) ||
	    !(o->chat = chat_load(dir, o->tokenizer, NULL, e)) ||
	    model_open(&o->model, dir, NULL, e) ||
	    (adapter && adapter_open(o->model, adapter, 0, e)) ||
	    decoder_new(&o->decoder, o->model, NN_F16, 0, STEP_ROWS, pool, e))
		return -1;
	o->scorer = scorer_new(o->decoder, o->model, SCORE_STATE_BYTES);
	return 0;
}

int opinion_new(struct opinion **out, const char *model, const char *adapter, struct pool *pool,
		struct err *e)
{
	struct opinion *o = mem_alloc(1, sizeof *o);
	char *dir = hub_find(model, e);
	if (!dir || open_model(o, dir, adapter, pool, e)) {
		free(dir);
		opinion_free(o);
		return -1;
	}
	free(dir);
	*out = o;
	return 0;
}

void opinion_free(struct opinion *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->labels_n; i++) {
		free(o->labels[i].name);
		tokens_release(&o->labels[i].answer);
	}
	for (size_t i = 0; i < SCORE_JOBS; i++) {
		buf_release(&o->queue[i].line);
		tokens_release(&o->queue[i].prompt);
		tokens_release(&o->queue[i].answer);
	}
	map_release(&o->by_name);
	score_choices_release(&o->choices);
	scorer_free(o->scorer);
	decoder_free(o->decoder);
	model_free(o->model);
	chat_free(o->chat);
	tokenizer_free(o->tokenizer);
	chat_example_release(&o->example);
	buf_release(&o->scratch);
	buf_release(&o->messages);
	buf_release(&o->reference);
	buf_release(&o->json);
	free(o);
}

/* The row as an example to be trained on: its own final turn or completion, else the first ideal as
 * one. */
static int example_of(struct opinion *o, const struct record *r, struct chat_input *in,
		      struct err *e)
{
	if (!record_get(r, "ideal").s || !record_get(r, "messages").s)
		return chat_input_of(r, 0, &o->scratch, in, e);
	if (chat_input_of(r, CHAT_NO_REFERENCE, &o->scratch, in, e))
		return -1;
	struct json_iter it = {0};
	struct span key, m;
	struct jw w;
	buf_clear(&o->messages);
	jw_init(&w, &o->messages);
	jw_array(&w);
	while (json_next(&it, in->messages, &key, &m))
		jw_raw(&w, m);
	jw_object(&w);
	jw_put_str(&w, "role", "assistant");
	jw_put_str(&w, "content", o->reference.data);
	jw_end(&w);
	jw_end(&w);
	in->messages = buf_span(&o->messages);
	return 0;
}

/* The tokens of the prompt, and of the answer with what ends its turn. */
static int tokens_of(struct opinion *o, const struct record *r, struct tokens *prompt,
		     struct tokens *answer, struct err *e)
{
	struct chat_input in;
	struct chat_example *x = &o->example;
	tokens_clear(prompt);
	tokens_clear(answer);
	if (chat_input_of(r, CHAT_NO_REFERENCE, &o->scratch, &in, e) ||
	    chat_encode_prompt(o->chat, &in, NULL, prompt, e) || example_of(o, r, &in, e) ||
	    chat_encode_training(o->chat, &in, 1, x, e))
		return -1;
	size_t n = x->ids.n;
	while (n > prompt->n && x->weights[n - 1] == 0)
		n--;
	if (!prompt->n || n <= prompt->n)
		return err_set(e, "the template leaves nothing of the reference");
	tokens_append(answer, x->ids.ids + prompt->n, n - prompt->n);
	for (size_t i = 0; i < n; i++)
		if (x->ids.ids[i] < 0 || (size_t)x->ids.ids[i] >= o->model->config.vocab)
			return err_set(e, "token %d is beyond the model's vocabulary",
				       (int)x->ids.ids[i]);
	return 0;
}

/* Counts what of the row that o->reference is of leaves no trace in what the model is shown. */
static void note_lost(struct opinion *o, const struct record *r)
{
	struct chat_input in;
	size_t lost[CHAT_PARTS];
	if (example_of(o, r, &in, NULL) || chat_lost(o->chat, &in, lost, NULL))
		return;
	for (size_t k = 0; k < CHAT_PARTS; k++)
		if (lost[k] && !o->lost[k]++)
			o->first_lost[k] = o->given;
}

/* The first reference into o->reference. 0: there is none; a turn of tool calls alone counts as one
 * without text. */
static int reference_of(struct opinion *o, const struct record *r)
{
	buf_clear(&o->reference);
	int n = record_references(r, &o->reference, NULL);
	if (n > 0) {
		o->reference.len = strlen(o->reference.data);
		return 1;
	}
	buf_clear(&o->reference);
	return json_count(json_member(record_final_assistant(r), "tool_calls")) > 0;
}

void opinion_count(struct opinion *o, const struct record *r)
{
	struct tokens prompt = {0};
	int added;
	if (o->no_labels || !reference_of(o, r))
		return;
	o->rows++;
	if (!o->reference.len) /* tool calls, or empty */
		return;
	uint64_t *at =
		map_put(&o->by_name, hash64(buf_span(&o->reference), 0), o->labels_n, &added);
	if (!added)
		return;
	if (o->labels_n == LABELS_MAX) {
		o->no_labels = 1;
		return;
	}
	struct label *l = &o->labels[*at];
	o->labels_n++;
	l->name = mem_strdup(o->reference.data);
	if (tokens_of(o, r, &prompt, &l->answer, NULL))
		o->no_labels = 1; /* the row itself will be named */
	tokens_release(&prompt);
}

static void settle(struct opinion *o)
{
	o->settled = 1;
	if (o->labels_n < 2 || o->rows < LABEL_ROWS * o->labels_n)
		o->no_labels = 1;
	for (size_t i = 0; i < o->labels_n && !o->no_labels; i++)
		score_choices_add(&o->choices, o->labels[i].answer.ids, o->labels[i].answer.n);
}

/* Most likely first; those told are taken out of p. A label that is not likely enough is left out,
 * but never the row's own. */
static void write_probabilities(const struct opinion *o, double *p, size_t own, struct jw *w)
{
	jw_put_object(w, "probs");
	for (;;) {
		size_t best = 0;
		for (size_t i = 1; i < o->labels_n; i++)
			if (p[i] > p[best])
				best = i;
		if (p[best] < NEGLIGIBLE && (own == LABELS_MAX || p[own] < 0))
			break;
		if (p[best] >= NEGLIGIBLE || best == own) {
			jw_keyn(w, o->labels[best].name, strlen(o->labels[best].name));
			jw_num(w, round(1e6 * p[best]) / 1e6);
		}
		p[best] = -1;
	}
	jw_end(w);
}

static void give(struct opinion *o, struct asked *a, const struct score_job *j, opinion_done *done,
		 void *arg)
{
	struct record r = {0};
	struct jw w;
	record_parse(&r, buf_span(&a->line), NULL);
	buf_clear(&o->json);
	jw_init(&w, &o->json);
	jw_object(&w);
	jw_put_num(&w, "loss", j->n ? round(-1e4 * j->logp / (double)j->m) / 1e4 : NAN);
	if (!o->no_labels && j->n && !isnan(j->logp))
		write_probabilities(o, j->choices, a->own, &w);
	jw_end(&w);
	struct edit ed = {"review", buf_span(&o->json)};
	buf_clear(&o->scratch);
	record_splice(&r, &ed, 1, &o->scratch);
	done(arg, buf_span(&o->scratch));
	record_release(&r);
}

void opinion_flush(struct opinion *o, opinion_done *done, void *arg)
{
	struct score_job jobs[SCORE_JOBS], asked[SCORE_JOBS];
	size_t n = 0;
	double *p = mem_alloc(SCORE_JOBS * LABELS_MAX, sizeof *p);
	for (size_t i = 0; i < o->queue_n; i++) {
		const struct asked *a = &o->queue[i];
		jobs[i] = (struct score_job){.prompt = a->prompt.ids,
					     .n = a->answer.n ? a->prompt.n : 0,
					     .answer = a->answer.ids,
					     .m = a->answer.n,
					     .own = a->own != LABELS_MAX,
					     .choices = o->no_labels ? NULL : p + i * LABELS_MAX};
		if (jobs[i].n)
			asked[n++] = jobs[i];
	}
	score_run(o->scorer, asked, n, o->no_labels ? NULL : &o->choices, NEGLIGIBLE);
	n = 0;
	for (size_t i = 0; i < o->queue_n; i++) {
		if (jobs[i].n)
			jobs[i].logp = asked[n++].logp;
		give(o, &o->queue[i], &jobs[i], done, arg);
	}
	o->queue_n = o->tokens = 0;
	free(p);
}

void opinion_add(struct opinion *o, const struct record *r, opinion_done *done, void *arg)
{
	struct err e = ERR_INIT;
	struct asked *a = &o->queue[o->queue_n];
	o->given++;
	if (!o->settled)
		settle(o);
	buf_clear(&a->line);
	buf_addspan(&a->line, r->line);
	tokens_clear(&a->prompt);
	tokens_clear(&a->answer);
	a->own = LABELS_MAX;
	if (reference_of(o, r)) {
		const uint64_t *at =
			o->no_labels ? NULL
				     : map_get(&o->by_name, hash64(buf_span(&o->reference), 0));
		if (at && o->reference.len)
			a->own = (size_t)*at;
		if (tokens_of(o, r, &a->prompt, &a->answer, &e)) {
			tokens_clear(&a->answer);
			if (!o->unread++)
				o->why = e;
		} else {
			note_lost(o, r);
		}
	}
	o->tokens += a->prompt.n + a->answer.n;
	o->queue_n++;
	if (o->queue_n == SCORE_JOBS || o->tokens >= SCORE_TOKENS)
		opinion_flush(o, done, arg);
}

void opinion_remark(const struct opinion *o, int remark, struct buf *text)
{
	static const char *const what[CHAT_PARTS] = {
		[CHAT_MESSAGE] = "the text of a message",
		[CHAT_REASONING] = "reasoning",
		[CHAT_CALLS] = "calls of tools",
		[CHAT_TOOLS] = "the tools",
		[CHAT_VARS] = "variables set by chat_template_kwargs",
	};
	if (remark == 0) {
		if (!o->no_labels && o->settled)
			buf_addf(text,
				 "the references are %zu labels: the model gives each row their probabilities",
				 o->labels_n);
	} else if (remark == 1) {
		if (o->unread)
			buf_addf(text, "%zu rows could not be shown to the model; the first: %s",
				 o->unread, o->why.msg);
	} else if (o->lost[remark - 2]) {
		buf_addf(text,
			 "the chat template left %s out of %zu row%s, the first row %zu: the model did not see it",
			 what[remark - 2], o->lost[remark - 2], o->lost[remark - 2] == 1 ? "" : "s",
			 o->first_lost[remark - 2]);
	}
}
