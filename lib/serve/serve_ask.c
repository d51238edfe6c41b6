/* serve_ask: one asking of one target. What comes goes to its owner as it comes; a copy is put
 * together for the record. libcurl's sockets and times are the loop's. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "../net/http.h"
#include "serve_impl.h"

#define CONNECT_MS 10000L
#define KEPT_CONNECTIONS 1024L
#define IDLE_HANDLES 1024
#define ANSWER_MAX ((size_t)32 << 20) /* that is kept for a record */

/* --- headers --- */

static int name_is(struct span line, const char *name)
{
	size_t n = strlen(name);

	return line.n > n && line.s[n] == ':' && strncasecmp(line.s, name, n) == 0;
}

struct span serve_line(struct span lines, const char *name)
{
	for (const char *p = lines.s, *end = p + lines.n, *next; p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		struct span line = {p, (size_t)((newline ? newline : end) - p)};

		next = p + line.n + 1;
		if (!name_is(line, name))
			continue;
		line.s += strlen(name) + 1;
		line.n -= strlen(name) + 1;
		while (line.n && (*line.s == ' ' || *line.s == '\t'))
			line.s++, line.n--;
		return line;
	}
	return (struct span){0};
}

/* Belongs to the connection to this program (RFC 9110, 7.6.1), or is written anew. */
static int stays_here(struct span line, struct span connection)
{
	static const char *const names[] = {
		"connection",
		"keep-alive",
		"proxy-connection",
		"proxy-authenticate",
		"te",
		"proxy-authorization",
		"trailer",
		"transfer-encoding",
		"upgrade",
		"host",
		"content-length",
		"expect",
		"x-ft-log",
		"x-ft-key",
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (name_is(line, names[i]))
			return 1;
	while (n < line.n && line.s[n] != ':')
		n++;
	/* What Connection names. */
	for (size_t i = 0; i + n <= connection.n; i++)
		if (strncasecmp(connection.s + i, line.s, n) == 0 &&
		    (i == 0 || strchr(" ,\t", connection.s[i - 1])) &&
		    (i + n == connection.n || strchr(" ,\t", connection.s[i + n])))
			return 1;
	return 0;
}

/* Whether a header may hold something that opens the client's doors elsewhere. */
static int is_secret(const char *line)
{
	size_t n = strcspn(line, ":");

	return secrets_is_named(line, n) || secrets_name_has(line, n, "session");
}

static void add_header(struct serve_ask *a, const char *line)
{
	a->headers = curl_slist_append(a->headers, line);
}

static void add_headers(struct serve_ask *a, const struct serve_question *q)
{
	struct span connection = serve_line(q->headers, "Connection");
	int recorded = q->request && q->request->kind != CAPTURE_NONE;
	struct buf line = BUF_INIT;

	for (const char *p = q->headers.s, *end = p + q->headers.n, *next; p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		struct span l = {p, (size_t)((newline ? newline : end) - p)};

		next = p + l.n + 1;
		if (stays_here(l, connection) || (q->key_header && name_is(l, q->key_header)) ||
		    (a->target->whose != ROUTES_KEY_CLIENT && is_secret(p)))
			continue;
		/* A compressed answer could not be written down; it is asked for as it is. */
		if (recorded && name_is(l, "Accept-Encoding")) {
			add_header(a, "Accept-Encoding: identity");
			continue;
		}
		buf_clear(&line);
		buf_addspan(&line, l);
		/* libcurl takes "Name:" for one to be left out, "Name;" for an empty one. */
		if (line.len && line.data[line.len - 1] == ':')
			line.data[line.len - 1] = ';';
		add_header(a, line.data);
	}
	buf_release(&line);
	/* What libcurl would add by itself. */
	add_header(a, "Expect:");
	if (!serve_line(q->headers, "Accept").s)
		add_header(a, "Accept:");
	if (!serve_line(q->headers, "Content-Type").s)
		add_header(a, "Content-Type:");
	if (a->target->whose == ROUTES_KEY_OWN) {
		enum dialect_kind d = dialect_of(a->target->url);

		if (recorded && q->request->kind == CAPTURE_MESSAGES)
			d = DIALECT_ANTHROPIC;
		buf_clear(&line);
		dialect_secret(d, a->target->url, a->target->key, &line);
		add_header(a, line.data);
		explicit_bzero(line.data, line.len);
		buf_release(&line);
	}
}

/* --- the body --- */

int serve_ask_body(const struct capture_request *q, const struct routes_target *t, struct buf *to,
		   size_t *missing)
{
	struct edit edits[1 + PRUNE_EDITS];
	struct buf model = BUF_INIT, pruned[PRUNE_EDITS] = {BUF_INIT};
	size_t n = 0;
	int rc;

	*missing = 0;
	if (!q->is_json)
		return 0;
	if (t->prune.n)
		n = prune_edits(&t->prune, &q->record, edits, pruned, missing);
	if (t->model && t->url && !span_is(buf_span(&q->model), t->model)) {
		json_put_string(&model, t->model, strlen(t->model));
		edits[n++] = (struct edit){"model", buf_span(&model)};
	}
	rc = n && !record_splice(&q->record, edits, n, to);
	buf_release(&model);
	for (size_t i = 0; i < PRUNE_EDITS; i++)
		buf_release(&pruned[i]);
	return rc;
}

/* --- libcurl --- */

static void head_known(struct serve_ask *a)
{
	struct span type = serve_line(buf_span(&a->head), "Content-Type"),
		    encoding = serve_line(buf_span(&a->head), "Content-Encoding");

	a->head_done = 1;
	a->events = type.n >= 17 && strncasecmp(type.s, "text/event-stream", 17) == 0;
	a->encoded = encoding.n && strncasecmp(encoding.s, "identity", 8) != 0;
	a->answer.events = a->events;
	if (a->owner->head(a->arg, a))
		a->abandoned = 1;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct serve_ask *a = arg;
	size_t len = size * n, k = len;
	curl_off_t length = -1;
	long status = 0;

	a->last = progress_clock();
	if (head_add(&a->head_size, len))
		return 0;
	if (a->head_done) /* trailers */
		return len;
	if (len >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		buf_clear(&a->head);
		return len;
	}
	while (k && (p[k - 1] == '\r' || p[k - 1] == '\n'))
		k--;
	if (k) {
		buf_add(&a->head, p, k);
		buf_addc(&a->head, '\n');
		return len;
	}
	curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200) /* 100 Continue and the like */
		return len;
	curl_easy_getinfo(a->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	a->status = (int)status;
	a->length = length;
	head_known(a);
	return a->abandoned ? 0 : len;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct serve_ask *a = arg;
	size_t len = size * n;

	a->last = progress_clock();
	if (a->abandoned)
		return 0;
	if (a->paused)
		return CURL_WRITEFUNC_PAUSE;
	if (a->first <= 0)
		a->first = a->last;
	a->received += len;
	capture_answer_add(&a->answer, p, len, a->last);
	a->paused = a->owner->data(a->arg, a, p, len);
	return len;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct serve *s = arg;
	unsigned events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		serve_watch(s, fd, 0, 0);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		events |= EPOLLIN;
	if (what != CURL_POLL_IN)
		events |= EPOLLOUT;
	serve_watch(s, fd, events, !known);
	curl_multi_assign(s->multi, fd, s);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
	struct serve *s = arg;

	(void)multi;
	s->curl_due = ms < 0 ? 0 : progress_clock() + (double)ms / 1000;
	return 0;
}

int serve_ask_open(struct serve *s, struct err *e)
{
	s->ca = getenv("CURL_CA_BUNDLE");
	if (!s->ca || !*s->ca)
		s->ca = getenv("SSL_CERT_FILE");
	if (http_ready() || !(s->multi = curl_multi_init()))
		return err_set(e, "libcurl does not start");
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
	curl_multi_setopt(s->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	return 0;
}

void serve_ask_close(struct serve *s)
{
	for (size_t i = 0; i < s->n_idle; i++)
		curl_easy_cleanup(s->idle[i]);
	free(s->idle);
	if (s->multi)
		curl_multi_cleanup(s->multi);
	curl_global_cleanup();
}

static CURL *take_handle(struct serve *s)
{
	CURL *c;

	if (!s->n_idle)
		return curl_easy_init();
	c = s->idle[--s->n_idle];
	curl_easy_reset(c);
	return c;
}

static void give_handle(struct serve *s, CURL *c)
{
	if (s->n_idle == IDLE_HANDLES) {
		curl_easy_cleanup(c);
		return;
	}
	s->idle = mem_grow(s->idle, &s->cap_idle, s->n_idle + 1, sizeof(CURL *));
	s->idle[s->n_idle++] = c;
}

static void set_method(CURL *c, const char *method, struct span body)
{
	int with_body = body.n > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
			strcmp(method, "PATCH") == 0;

	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
		return;
	}
	if (strcmp(method, "GET") == 0 && !with_body)
		return;
	if (with_body) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.n ? body.s : "");
	}
	if (strcmp(method, "POST") != 0)
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

static int start_remote(struct serve_ask *a, const struct serve_question *q, struct span body)
{
	struct buf url = BUF_INIT;
	CURL *c = a->easy = take_handle(a->s);

	if (!c)
		return -1;
	routes_url(a->target->url, q->url, &url);
	a->url = buf_detach(&url, NULL);
	add_headers(a, q);
	curl_easy_setopt(c, CURLOPT_PRIVATE, a);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->reason);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	if (a->s->ca && *a->s->ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, a->s->ca);
	curl_easy_setopt(c, CURLOPT_URL, a->url);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, a->headers);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	set_method(c, q->method, body);
	return curl_multi_add_handle(a->s->multi, c) ? -1 : 0;
}

/* --- an asking --- */

/* The path as a local model knows it. */
static const char *local_path(enum capture_kind kind)
{
	static const char *const paths[] = {
		[CAPTURE_NONE] = "",
		[CAPTURE_CHAT] = "/v1/chat/completions",
		[CAPTURE_COMPLETIONS] = "/v1/completions",
		[CAPTURE_MESSAGES] = "/v1/messages",
		[CAPTURE_RESPONSES] = "/v1/responses",
	};

	return paths[kind];
}

/* A prompt that changed by a letter is asked in whole, for which the target was not trained. */
static void not_pruned(struct serve *s, struct serve_spot *spot, size_t missing)
{
	s->meter.count[METER_UNPRUNED]++;
	if (!spot->told_unpruned++)
		s->o->say("%s: %zu of the texts to prune were not in a request (counted from now on)",
			  spot->name, missing);
}

struct serve_ask *serve_ask_start(struct serve *s, const struct serve_question *q,
				  const struct routes_target *t, struct serve_spot *spot,
				  const struct serve_owner *owner, void *arg)
{
	struct serve_ask *a = mem_alloc(1, sizeof *a);
	struct span body = q->body;
	size_t missing;
	int rc = 0;

	a->s = s;
	a->owner = owner;
	a->arg = arg;
	a->target = t;
	a->spot = spot;
	a->length = -1;
	a->began = a->last = progress_clock();
	a->prev = NULL;
	a->next = s->asks;
	if (s->asks)
		s->asks->prev = a;
	s->asks = a;
	s->n_asks++;
	spot->probing = spot->failures > 0;
	if (q->request && q->request->kind != CAPTURE_NONE) {
		capture_answer_init(&a->answer, q->request, 0, ANSWER_MAX);
		if (serve_ask_body(q->request, t, &a->body, &missing))
			body = buf_span(&a->body);
		if (missing)
			not_pruned(s, spot, missing);
	}
	if (spot->local)
		a->local =
			local_call_start(spot->local, local_path(q->request->kind), body,
					 q->request->model.len ? q->request->model.data : t->name);
	else
		rc = t->url ? start_remote(a, q, body) : -1;
	if (rc) {
		serve_ask_free(a);
		return NULL;
	}
	return a;
}

void serve_ask_free(struct serve_ask *a)
{
	struct serve *s = a->s;

	if (a->prev)
		a->prev->next = a->next;
	else
		s->asks = a->next;
	if (a->next)
		a->next->prev = a->prev;
	s->n_asks--;
	if (a->easy) {
		curl_multi_remove_handle(s->multi, a->easy);
		give_handle(s, a->easy);
	}
	local_call_free(a->local);
	for (struct curl_slist *l = a->headers; l; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(a->headers);
	free(a->url);
	buf_release(&a->body);
	buf_release(&a->head);
	capture_answer_release(&a->answer);
	free(a);
}

void serve_ask_cancel(struct serve_ask *a)
{
	a->spot->probing = 0;
	serve_ask_free(a);
}

void serve_ask_go_on(struct serve_ask *a)
{
	if (!a->paused)
		return;
	a->paused = a->wanted = 0;
	a->last = progress_clock();
	if (a->easy)
		curl_easy_pause(a->easy, CURLPAUSE_CONT);
}

/* The owner frees it. */
static void end(struct serve_ask *a, enum serve_end how)
{
	double now = progress_clock();

	/* Too many requests is no failure of the target's. */
	if (a->head_done && a->status == 429)
		a->spot->probing = 0;
	else
		serve_spot_went(a->spot,
				a->head_done && a->status < 500 &&
					(how == SERVE_DONE || how == SERVE_ABANDONED),
				now);
	a->owner->end(a->arg, a, how);
}

/* An answer that ends with its connection cannot say itself whether that was the end; a stream's events
 * can. */
static int is_cut(struct serve_ask *a)
{
	long version = 0;

	if (!a->events || a->length >= 0 || serve_line(buf_span(&a->head), "Transfer-Encoding").s ||
	    !capture_answer_lacks_end(&a->answer))
		return 0;
	curl_easy_getinfo(a->easy, CURLINFO_HTTP_VERSION, &version);
	if (version > CURL_HTTP_VERSION_1_1)
		return 0;
	snprintf(a->reason, sizeof a->reason, "closed before the end of its stream");
	return 1;
}

static enum serve_end how_it_ended(struct serve_ask *a, CURLcode code)
{
	if (a->abandoned)
		return SERVE_ABANDONED;
	if (head_fault(&a->head_size, a->easy, code))
		return a->head_done ? SERVE_DROPPED : SERVE_BROKEN;
	switch (code) {
	case CURLE_OK:
		return !a->head_done ? SERVE_BROKEN : is_cut(a) ? SERVE_DROPPED : SERVE_DONE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return SERVE_NO_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return a->head_done ? SERVE_TIMEOUT : SERVE_NO_CONNECT;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return SERVE_DROPPED;
	default:
		return a->head_done ? SERVE_DROPPED : SERVE_BROKEN;
	}
}

static void take_ended(struct serve *s)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(s->multi, &left))) {
		struct serve_ask *a = NULL;
		CURLcode code = m->data.result;
		const char *fault;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &a);
		fault = head_fault(&a->head_size, a->easy, code);
		if (fault)
			snprintf(a->reason, sizeof a->reason, "%s", fault);
		else if (code && !a->reason[0])
			snprintf(a->reason, sizeof a->reason, "%s", curl_easy_strerror(code));
		end(a, how_it_ended(a, code));
	}
}

void serve_ask_socket(struct serve *s, int fd, unsigned events)
{
	int mask = 0, running;

	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	curl_multi_socket_action(s->multi, fd, mask, &running);
	take_ended(s);
}

void serve_ask_timer(struct serve *s, double now)
{
	int running;

	/* A time-out of 0 set from within asks for another round at once. */
	for (int i = 0; i < 100 && s->curl_due > 0 && s->curl_due <= now; i++) {
		s->curl_due = 0;
		curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		take_ended(s);
	}
}

/* --- local models --- */

static void local_head(struct serve_ask *a)
{
	a->status = a->local_head.status;
	buf_addf(&a->head, "Content-Type: %s\n", a->local_head.type);
	if (a->local_head.retry_after)
		buf_addf(&a->head, "Retry-After: %d\n", a->local_head.retry_after);
	head_known(a);
}

static void read_local(struct serve_ask *a)
{
	struct buf piece = BUF_INIT;
	enum local_state state = local_call_read(a->local, &piece, &a->local_head);

	if (state != LOCAL_WAITING && !a->head_done)
		local_head(a);
	a->last = progress_clock();
	if (piece.len && !a->abandoned) {
		if (a->first <= 0)
			a->first = a->last;
		a->received += piece.len;
		capture_answer_add(&a->answer, piece.data, piece.len, a->last);
		a->paused = a->owner->data(a->arg, a, piece.data, piece.len);
	}
	buf_release(&piece);
	if (state == LOCAL_ENDED || a->abandoned)
		end(a, a->abandoned ? SERVE_ABANDONED : SERVE_DONE);
}

void serve_ask_local(struct serve *s)
{
	for (struct serve_ask *a = s->asks, *next; a; a = next) {
		next = a->next;
		if (a->local && !a->paused)
			read_local(a);
	}
}

/* --- time --- */

void serve_ask_sweep(struct serve *s, double now)
{
	for (struct serve_ask *a = s->asks, *next; a; a = next) {
		double limit = a->target->timeout > 0 && !a->head_done ? a->target->timeout
								       : s->o->timeout;

		next = a->next;
		/* A model of this machine has as long as its queue takes. */
		if (a->local || a->paused || now - (a->head_done ? a->last : a->began) <= limit)
			continue;
		snprintf(a->reason, sizeof a->reason, "no byte for %g seconds", limit);
		end(a, SERVE_TIMEOUT);
	}
}
