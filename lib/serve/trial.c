/* trial: see trial.h. */
#include "trial.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <poll.h>
#include "../api/dialect.h"
#include "../base/progress.h"
#include "../json/jw.h"
#include "../net/http.h"
#include "../net/secret.h"
#include "local.h"

#define UNASKED "a target that passes any name on: the clients say which model"

struct trial {
	struct http *http;
	const char *key;
	double timeout;
	int threads;
	int (*stopping)(void);
};

/* The smallest question, in the words of the API that the address belongs to. */
static void put_question(const struct routes_target *t, enum dialect_kind d, struct buf *body)
{
	struct jw w;

	jw_init(&w, body);
	jw_object(&w);
	jw_put_str(&w, "model", t->model);
	jw_put_array(&w, "messages");
	jw_object(&w);
	jw_put_str(&w, "role", "user");
	jw_put_str(&w, "content", "Say yes.");
	jw_end(&w);
	jw_end(&w);
	/* Models that think need room for more than one token. */
	jw_put_int(&w,
		   d == DIALECT_OPENAI && strstr(t->url, "api.openai.com") ? "max_completion_tokens"
									   : "max_tokens",
		   16);
	jw_end(&w);
}

static int ask_remote(const struct trial *y, const struct routes_target *t, struct buf *why,
		      struct err *e)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      "anthropic-version: 2023-06-01", NULL};
	enum dialect_kind d = dialect_of(t->url);
	struct http_response r = {0};
	struct http_request q = {.method = "POST", .headers = headers, .timeout = y->timeout};
	struct buf url = BUF_INIT, body = BUF_INIT, secret = BUF_INIT;
	const char *key = t->whose == ROUTES_KEY_OWN	  ? t->key
			  : t->whose == ROUTES_KEY_CLIENT ? y->key
							  : NULL;
	struct secrets sent = {0};
	struct span v;
	int rc;

	routes_url(t->url, d == DIALECT_ANTHROPIC ? "/v1/messages" : "/v1/chat/completions", &url);
	put_question(t, d, &body);
	if (key)
		dialect_secret(d, t->url, key, &secret);
	q.url = url.data;
	q.body = buf_span(&body);
	q.secret = key ? secret.data : NULL;
	rc = http_fetch(y->http, &q, &r, y->stopping, e);
	if (!rc && r.failure != HTTP_DONE)
		buf_adds(why, r.reason);
	else if (!rc && r.status != 200) {
		buf_addf(why, "HTTP %d: ", r.status);
		if (!json_check(buf_span(&r.body), &v, NULL))
			dialect_error(v, why);
	} else if (!rc && json_check(buf_span(&r.body), &v, NULL))
		buf_adds(why, "the answer is no JSON");
	if (key && why->len) {
		secrets_add(&sent, span_of(key));
		secrets_mask(&sent, why->data, why->len);
		secrets_release(&sent);
	}
	if (secret.data)
		explicit_bzero(secret.data, secret.len);
	http_response_release(&r);
	buf_release(&url);
	buf_release(&body);
	buf_release(&secret);
	return rc;
}

static int ask_local(const struct trial *y, const struct routes_target *t, struct buf *why)
{
	static const char body[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":\"Say yes.\"}],\"max_tokens\":1}";
	struct local_options o = {.threads = y->threads, .quantize = t->quantize};
	struct local_head head = {0};
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct local_target *target;
	struct local_call *call;
	struct span v;
	double until = progress_clock() + y->timeout;

	o.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	target = local_target_open(t->model, t->adapter, &o, &e);
	if (!target) {
		buf_adds(why, e.msg);
		close(o.wake);
		return 0;
	}
	call = local_call_start(target, "/v1/chat/completions", span_of(body), t->name);
	while (local_call_read(call, &out, &head) != LOCAL_ENDED && progress_clock() < until &&
	       !y->stopping()) {
		struct pollfd p = {.fd = o.wake, .events = POLLIN};
		uint64_t n;

		if (poll(&p, 1, 200) > 0 && read(o.wake, &n, sizeof n) < 0)
			break;
	}
	if (head.status != 200) {
		buf_addf(why, "HTTP %d: ", head.status);
		if (out.len && !json_check(buf_span(&out), &v, NULL))
			dialect_error(v, why);
	}
	local_call_free(call);
	local_target_free(target);
	close(o.wake);
	buf_release(&out);
	return 0;
}

int trial_run(const struct routes *r, const char *key, double timeout, int threads,
	      int (*stopping)(void), trial_tell *tell, void *arg, struct err *e)
{
	struct trial y = {.key = key, .timeout = timeout, .threads = threads, .stopping = stopping};
	struct buf why = BUF_INIT;
	int bad = 0, rc = 0;

	y.http = http_new(4, e);
	if (!y.http)
		return -1;
	for (size_t i = 0; i < r->n_targets && !rc && !stopping(); i++) {
		const struct routes_target *t = &r->targets[i];
		double began = progress_clock();

		buf_clear(&why);
		if (t->url && !t->model)
			buf_adds(&why, UNASKED);
		else
			rc = t->url ? ask_remote(&y, t, &why, e) : ask_local(&y, t, &why);
		bad += why.len > 0;
		if (!rc)
			tell(arg, t->name, progress_clock() - began, why.len ? why.data : NULL);
	}
	buf_release(&why);
	http_free(y.http);
	return rc ? -1 : bad;
}
