/* The target: two threads, and a call's way through them.
 *
 * The loop hands a call over unread. One thread prepares calls one after the other (reads the body,
 * renders and tokenizes the prompt, compiles a schema), however long that takes; the other runs the
 * batch and takes prepared calls into it between two steps. So neither a long prompt nor a large
 * schema holds up answers that are being written. What a thread writes for a call stands in c->fresh
 * until the end of its step, when it moves under the lock to where the loop takes it.
 *
 * A call is in one place at a time (its stage). The loop frees it at once where no thread has it in
 * hand; else it is marked, and the thread that has it frees it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../text/hash.h"
#include "local_impl.h"

#define QUEUE 1024
#define UNREAD ((size_t)8 << 20)

struct list {
	struct local_call *first, **end;
};

struct local_target {
	struct loaded m;
	size_t limit, unread;
	int wake;
	pthread_t preparer, runner;
	int has_preparer, has_runner;

	pthread_mutex_t lock; /* of all below, and of what calls say is under it */
	pthread_cond_t prepare, run;
	struct list queued, ready;
	struct local_call *gone; /* the runner is to free */
	size_t busy;
	int stopping;

	/* the runner's: calls with something fresh */
	struct local_call *touched;
};

/* --- lists and calls --- */

static void append(struct list *l, struct local_call *c)
{
	c->next = NULL;
	*l->end = c;
	l->end = &c->next;
}

static struct local_call *take(struct list *l)
{
	struct local_call *c = l->first;

	if (!c)
		return NULL;
	l->first = c->next;
	if (!l->first)
		l->end = &l->first;
	return c;
}

static void take_out(struct list *l, struct local_call *c)
{
	struct local_call **at = &l->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (!*at)
		l->end = at;
}

static void prompts_free(struct local_call *c)
{
	for (size_t i = 0; c->prompts && i < c->n_prompts; i++)
		tokens_release(&c->prompts[i]);
	free(c->prompts);
	c->prompts = NULL;
}

static void call_free(struct local_call *c)
{
	for (size_t i = 0; i < c->n_choices; i++) {
		buf_release(&c->choices[i].content);
		buf_release(&c->choices[i].calls);
		buf_release(&c->choices[i].logprobs);
	}
	loaded_drop(&c->t->m, c->grammar);
	prompts_free(c);
	local_want_release(&c->want);
	buf_release(&c->fresh);
	buf_release(&c->out);
	free(c->choices);
	free(c->model);
	free(c);
}

static uint64_t random_number(void)
{
	uint64_t x;

	if (getrandom(&x, sizeof x, 0) != (ssize_t)sizeof x)
		x = (uint64_t)time(NULL) ^ (uint64_t)clock();
	return x;
}

void local_id(char id[static 32], const char *prefix)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strlen(prefix);
	uint64_t x = 0;

	memcpy(id, prefix, n);
	for (size_t i = 0; i < 22; i++) {
		if (i % 10 == 0)
			x = random_number();
		id[n++] = digits[x % 62];
		x /= 62;
	}
	id[n] = 0;
}

void local_tokens(const struct local_call *c, size_t *prompt, size_t *completion, size_t *cached)
{
	size_t known = 0;

	*prompt = *completion = 0;
	for (size_t i = 0; i < c->n_choices; i++) {
		*completion += c->choices[i].tokens;
		if (i % c->want.n)
			continue;
		*prompt += c->choices[i].prompt_tokens;
		known += c->choices[i].cached;
	}
	if (cached)
		*cached = known;
}

/* Moves what was written to where the loop takes it. Under the lock. */
static void publish(struct local_call *c)
{
	if (c->given.status)
		c->head = c->given;
	buf_addspan(&c->out, buf_span(&c->fresh));
	buf_clear(&c->fresh);
	if (c->fresh_over) {
		c->over = 1;
		c->stage = LOCAL_OVER;
		c->t->busy--;
	}
}

static void wake(const struct local_target *t)
{
	static const uint64_t one = 1;

	while (write(t->wake, &one, sizeof one) < 0 && errno == EINTR)
		;
}

/* Ends a call with an error: the answer where nothing of one was given, else an event. */
static void fail(struct local_call *c, const struct local_refusal *r)
{
	c->dialect->error(c, r, c->begun);
	if (!c->begun)
		c->given = (struct local_head){r->status, "application/json",
					       r->status == 503 ? 1 : 0};
	c->fresh_over = 1;
}

/* --- preparing --- */

/* What of the conversation the template leaves out, other than what it always does. */
static int refuse_lost(const struct local_call *c, const size_t lost[CHAT_PARTS],
		       struct local_refusal *r)
{
	const char *where = c->want.dialect == LOCAL_RESPONSES ? "input" : "messages";

	if (c->want.may_call && lost[CHAT_TOOLS])
		return local_refuse(
			r, "tools",
			"`tools` can't be honoured by this model: its chat template leaves them out");
	if (lost[CHAT_MESSAGE] || lost[CHAT_CALLS])
		return local_refuse(r, where,
				    "this model's chat template leaves %s of message %zu out",
				    lost[CHAT_MESSAGE] ? "the text" : "the calls of tools",
				    lost[CHAT_MESSAGE] ? lost[CHAT_MESSAGE] : lost[CHAT_CALLS]);
	return 0;
}

static int make_prompts(struct local_call *c, struct local_refusal *r)
{
	struct local_want *w = &c->want;
	int chat = w->dialect != LOCAL_COMPLETIONS;
	struct buf text = BUF_INIT;
	int rc = 0;

	c->n_prompts = chat ? 1 : w->n_prompts;
	c->prompts = mem_alloc(c->n_prompts, sizeof *c->prompts);
	for (size_t i = 0; i < c->n_prompts && !rc; i++) {
		struct chat_input in = {.messages = w->messages,
					.tools = w->tools,
					.vars = w->vars};
		size_t lost[CHAT_PARTS] = {0};
		struct err why = ERR_INIT;

		if (!chat)
			in.prompt = buf_span(&w->prompts[i]);
		buf_clear(&text);
		rc = loaded_render(&c->t->m, &in, &text, &c->prompts[i], lost, &why);
		if (rc)
			rc = local_refuse(r,
					  !chat				  ? "prompt"
					  : w->dialect == LOCAL_RESPONSES ? "input"
									  : "messages",
					  "%s", why.msg);
		else if (chat)
			rc = refuse_lost(c, lost, r);
	}
	buf_release(&text);
	return rc;
}

static int make_grammar(struct local_call *c, struct local_refusal *r)
{
	struct err why = ERR_INIT;
	struct span schema;

	if (loaded_schema(c->want.response_format, &schema, &why) ||
	    (schema.s && !(c->grammar = loaded_grammar(&c->t->m, schema, &why))))
		return local_refuse(r,
				    c->want.dialect == LOCAL_CHAT	? "response_format"
				    : c->want.dialect == LOCAL_MESSAGES ? "output_config.format"
									: "text.format",
				    "%s", why.msg);
	return 0;
}

static int prepare(struct local_call *c, struct local_refusal *r)
{
	struct local_want *w = &c->want;

	if (local_want_read(w, &c->t->m, r) || make_grammar(c, r) || make_prompts(c, r))
		return -1;
	/* What is drawn by chance is drawn anew each time, unless a seed says how. */
	c->seed = w->seeded ? (uint64_t)w->seed : w->sampling.temperature > 0 ? random_number() : 0;
	c->n_choices = w->n * c->n_prompts;
	c->choices = mem_alloc(c->n_choices, sizeof *c->choices);
	for (size_t i = 0; i < c->n_choices; i++) {
		c->choices[i].call = c;
		c->choices[i].index = i;
	}
	return 0;
}

static void *preparer(void *arg)
{
	struct local_target *t = arg;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		struct local_refusal r = {0};
		struct local_call *c;

		while (!t->stopping && !t->queued.first)
			pthread_cond_wait(&t->prepare, &t->lock);
		if (t->stopping)
			break;
		c = take(&t->queued);
		c->stage = LOCAL_PREPARING;
		pthread_mutex_unlock(&t->lock);
		if (prepare(c, &r))
			fail(c, &r);
		pthread_mutex_lock(&t->lock);
		if (c->gone) {
			t->busy--;
			call_free(c);
		} else if (c->fresh_over) {
			publish(c);
			wake(t);
		} else {
			c->stage = LOCAL_READY;
			append(&t->ready, c);
			pthread_cond_signal(&t->run);
		}
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* --- running --- */

static void touch(struct local_call *c)
{
	if (c->touched)
		return;
	c->touched = 1;
	c->touched_next = c->t->touched;
	c->t->touched = c;
}

static void begin_stream(struct local_call *c)
{
	if (c->begun)
		return;
	c->begun = 1;
	c->given = (struct local_head){200, "text/event-stream", 0};
	c->dialect->first(c);
}

/* Streams what is new of an answer: its text up to n, and the tokens' log-probabilities. */
static void stream_piece(struct local_call *c, struct local_choice *a,
			 const struct generator_answer *g, const char *text, size_t n)
{
	struct span new = {text + a->sent, n - a->sent}, none = {NULL, 0};
	struct buf logprobs = BUF_INIT;
	size_t top = c->want.logprobs > 0 ? (size_t)c->want.logprobs : 0;

	if (!new.n && (c->want.logprobs < 0 || g->tokens == a->sent_tokens))
		return;
	begin_stream(c);
	if (c->want.logprobs >= 0)
		loaded_logprobs(&c->t->m, g, a->sent_tokens, top, &logprobs);
	c->dialect->piece(c, a, new, c->want.logprobs >= 0 ? buf_span(&logprobs) : none);
	a->sent = n;
	a->sent_tokens = g->tokens;
	buf_release(&logprobs);
	touch(c);
}

static void grown(void *arg, uint64_t ticket, const struct generator_answer *g)
{
	struct local_choice *a = (struct local_choice *)(uintptr_t)ticket;
	struct local_call *c = a->call;
	size_t n = g->text.n;

	(void)arg;
	if (!c->want.stream || c->fresh_over)
		return;
	if (c->want.may_call)
		n = chat_calls_certain(c->t->m.calls, g->text);
	a->prompt_tokens = g->prompt_tokens;
	a->cached = g->cached;
	if (n >= a->sent)
		stream_piece(c, a, g, g->text.s, n);
}

/* What the generator has no answer for. */
static void give_up(struct local_call *c, const struct generator_answer *g)
{
	struct local_refusal r = {0};
	const char *where = c->want.dialect == LOCAL_COMPLETIONS ? "prompt"
			    : c->want.dialect == LOCAL_RESPONSES ? "input"
								 : "messages";
	int memory = strcmp(g->error_type, "out_of_memory") == 0;

	local_refuse(&r, where, "%s", g->error);
	if (strcmp(g->error_type, "context_length_exceeded") == 0) {
		r.code = "context_length_exceeded";
	} else if (memory || strcmp(g->error_type, "model") == 0) {
		r.status = memory ? 503 : 500;
		r.code = memory ? "out_of_memory" : "model";
		r.param[0] = 0;
	}
	fail(c, &r);
}

static void answered(void *arg, uint64_t ticket, const struct generator_answer *g)
{
	struct local_choice *a = (struct local_choice *)(uintptr_t)ticket;
	struct local_call *c = a->call;
	size_t calls = 0, top = c->want.logprobs > 0 ? (size_t)c->want.logprobs : 0;

	(void)arg;
	a->in_hand = 0;
	if (c->fresh_over)
		return;
	touch(c);
	if (g->error_type) {
		give_up(c, g);
		return;
	}
	if (c->want.may_call)
		calls = chat_calls_read(c->t->m.calls, g->text, c->want.tools, c->want.most_calls,
					a->calls_id, &a->content, &a->calls);
	else
		buf_addspan(&a->content, g->text);
	a->finish = calls && strcmp(g->finish, "stop") == 0 ? "tool_calls" : g->finish;
	a->stopped_by = g->stopped_by;
	a->prompt_tokens = g->prompt_tokens;
	a->tokens = g->tokens;
	a->cached = g->cached;
	c->n_ended++;
	if (c->want.stream) {
		stream_piece(c, a, g, buf_span(&a->content).s, a->content.len);
		begin_stream(c);
		c->dialect->last(c, a);
	} else if (c->want.logprobs >= 0) {
		loaded_logprobs(&c->t->m, g, 0, top, &a->logprobs);
	}
	if (c->n_ended < c->n_choices)
		return;
	if (c->want.stream) {
		c->dialect->close(c);
	} else {
		c->given = (struct local_head){200, "application/json", 0};
		c->dialect->whole(c);
	}
	c->fresh_over = 1;
}

static void submit(struct local_call *c)
{
	struct local_want *w = &c->want;

	for (size_t i = 0; i < c->n_choices; i++) {
		struct local_choice *a = &c->choices[i];
		const struct tokens *ids = &c->prompts[i / w->n];
		struct generator_request q = {
			.ids = ids->ids,
			.n = ids->n,
			.sampling = w->sampling,
			.seed = c->seed + i % w->n,
			.stream = loaded_stream(ids, 0),
			.max_tokens = w->max_tokens,
			.stop = (const char *const *)w->stop,
			.stops = w->stops,
			.logprobs = w->logprobs,
			.grammar = c->grammar,
			.keep_start = w->dialect == LOCAL_COMPLETIONS,
		};

		a->calls_id = hash_mix(q.stream, q.seed);
		a->in_hand = 1;
		generator_submit(c->t->m.generator, (uint64_t)(uintptr_t)a, &q);
	}
	prompts_free(c);
}

/* Takes what is left of a call out of the batch. */
static void drop_choices(struct local_call *c)
{
	for (size_t i = 0; i < c->n_choices; i++)
		if (c->choices[i].in_hand)
			generator_drop(c->t->m.generator, (uint64_t)(uintptr_t)&c->choices[i]);
}

/* A reader that leaves too much: under the lock. */
static int is_slow(const struct local_call *c)
{
	return !c->fresh_over && c->out.len + c->fresh.len > c->t->unread;
}

/* Gives what a step has written to the loop. */
static void settle(struct local_target *t)
{
	static const struct local_refusal slow = {503,
						  "slow_reader",
						  "",
						  {"the answer was not read: it was given up"}};
	struct local_call *c;

	if (!t->touched)
		return;
	for (c = t->touched; c; c = c->touched_next)
		if (c->fresh_over)
			drop_choices(c);
	pthread_mutex_lock(&t->lock);
	while ((c = t->touched)) {
		t->touched = c->touched_next;
		c->touched = 0;
		if (is_slow(c)) {
			fail(c, &slow);
			drop_choices(c);
		}
		publish(c);
	}
	pthread_mutex_unlock(&t->lock);
	wake(t);
}

static void *runner(void *arg)
{
	struct local_target *t = arg;

	for (;;) {
		struct local_call *ready = NULL, *gone, *c;

		pthread_mutex_lock(&t->lock);
		while (!t->stopping && !t->ready.first && !t->gone &&
		       !generator_in_hand(t->m.generator))
			pthread_cond_wait(&t->run, &t->lock);
		gone = t->gone;
		t->gone = NULL;
		if (!t->stopping) {
			ready = t->ready.first;
			t->ready = (struct list){NULL, &t->ready.first};
		}
		for (c = ready; c; c = c->next)
			c->stage = LOCAL_RUNNING;
		for (c = gone; c; c = c->gone_next)
			t->busy -= c->stage == LOCAL_RUNNING;
		if (t->stopping && !gone) {
			pthread_mutex_unlock(&t->lock);
			return NULL;
		}
		pthread_mutex_unlock(&t->lock);
		while ((c = gone)) {
			gone = c->gone_next;
			drop_choices(c);
			call_free(c);
		}
		while ((c = ready)) {
			ready = c->next;
			submit(c);
		}
		generator_step(t->m.generator, answered, t);
		settle(t);
	}
}

/* --- the loop's side --- */

static void end_threads(struct local_target *t)
{
	pthread_mutex_lock(&t->lock);
	t->stopping = 1;
	pthread_cond_signal(&t->prepare);
	pthread_cond_signal(&t->run);
	pthread_mutex_unlock(&t->lock);
	if (t->has_preparer)
		pthread_join(t->preparer, NULL);
	if (t->has_runner)
		pthread_join(t->runner, NULL);
}

void local_target_free(struct local_target *t)
{
	if (!t)
		return;
	end_threads(t);
	loaded_release(&t->m);
	pthread_cond_destroy(&t->prepare);
	pthread_cond_destroy(&t->run);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct local_target *local_target_open(const char *model, const char *adapter,
				       const struct local_options *o, struct err *e)
{
	struct local_target *t = mem_alloc(1, sizeof *t);
	struct backend_local how = {.model = model,
				    .adapter = adapter,
				    .quantize = o->quantize,
				    .threads = o->threads,
				    .jobs = o->jobs};
	sigset_t all, before;

	t->limit = o->queue ? o->queue : QUEUE;
	t->unread = o->unread ? o->unread : UNREAD;
	t->wake = o->wake;
	t->queued.end = &t->queued.first;
	t->ready.end = &t->ready.first;
	if (loaded_open(&t->m, &how, o->sharing, e)) {
		if (!strstr(e->msg, model))
			err_prefix(e, "%s", model);
		free(t);
		return NULL;
	}
	generator_watch(t->m.generator, grown, t);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->prepare, NULL);
	pthread_cond_init(&t->run, NULL);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	t->has_preparer = pthread_create(&t->preparer, NULL, preparer, t) == 0;
	t->has_runner = pthread_create(&t->runner, NULL, runner, t) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!t->has_preparer || !t->has_runner) {
		err_set(e, "%s: no thread can be started", model);
		local_target_free(t);
		return NULL;
	}
	return t;
}

size_t local_target_busy(struct local_target *t)
{
	size_t n;

	pthread_mutex_lock(&t->lock);
	n = t->busy;
	pthread_mutex_unlock(&t->lock);
	return n;
}

static const struct local_dialect *dialect_of(const char *path)
{
	static const struct local_dialect *const all[] = {&local_dialect_chat,
							  &local_dialect_completions,
							  &local_dialect_messages,
							  &local_dialect_responses};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(path, all[i]->path) == 0)
			return all[i];
	return NULL;
}

struct local_call *local_call_start(struct local_target *t, const char *path, struct span body,
				    const char *model_name)
{
	struct local_call *c = mem_alloc(1, sizeof *c);
	struct local_refusal r = {0};

	c->t = t;
	c->dialect = dialect_of(path);
	if (!c->dialect) {
		c->dialect = &local_dialect_chat;
		local_refuse(&r, NULL, "a local model does not answer %s", path);
		r.status = 404;
	}
	c->want.dialect = c->dialect->dialect;
	c->model = mem_strdup(model_name);
	c->created = (int64_t)time(NULL);
	local_id(c->id, c->dialect->id);
	pthread_mutex_lock(&t->lock);
	if (!r.status && t->busy >= t->limit) {
		local_refuse(&r, NULL, "%zu calls are in hand, and no more are taken on: try again",
			     t->busy);
		r.status = 503;
		r.code = "overloaded";
	}
	t->busy++;
	if (r.status) {
		fail(c, &r);
		publish(c);
	} else {
		buf_addspan(&c->want.body, body);
		append(&t->queued, c);
		pthread_cond_signal(&t->prepare);
	}
	pthread_mutex_unlock(&t->lock);
	return c;
}

enum local_state local_call_read(struct local_call *c, struct buf *out, struct local_head *head)
{
	enum local_state state = LOCAL_WAITING;

	pthread_mutex_lock(&c->t->lock);
	if (c->head.status) {
		*head = c->head;
		buf_addspan(out, buf_span(&c->out));
		buf_clear(&c->out);
		state = c->over ? LOCAL_ENDED : LOCAL_BODY;
	}
	pthread_mutex_unlock(&c->t->lock);
	return state;
}

void local_call_free(struct local_call *c)
{
	struct local_target *t;
	int mine = 1;

	if (!c)
		return;
	t = c->t;
	pthread_mutex_lock(&t->lock);
	if (c->stage == LOCAL_QUEUED || c->stage == LOCAL_READY) {
		take_out(c->stage == LOCAL_QUEUED ? &t->queued : &t->ready, c);
		t->busy--;
	} else if (c->stage != LOCAL_OVER) {
		mine = 0;
		c->gone = 1;
		if (c->stage == LOCAL_RUNNING) {
			c->gone_next = t->gone;
			t->gone = c;
			pthread_cond_signal(&t->run);
		}
	}
	pthread_mutex_unlock(&t->lock);
	if (mine)
		call_free(c);
}
