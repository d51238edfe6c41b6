/* http: a thin, strict layer over libcurl's multi interface. Each transfer is a struct that owns
 * its easy handle, and both are reused; what libcurl reports is folded into the few kinds of
 * failure that callers act on. */
#include <curl/curl.h>
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "../json/json.h"
#include "head.h"
#include "http.h"
#include "url.h"

#define CONNECT_MS 15000L
#define KEEP_BYTES ((size_t)1 << 20) /* buffers beyond this are given back after use */

struct transfer {
	struct transfer *prev, *next; /* in the list of those under way, or of those at rest */
	CURL *easy;
	uint64_t ticket;
	struct http_response r;
	struct curl_slist *headers;
	curl_mime *form;
	struct buf body; /* of the request */
	char *method, *url, *save;
	FILE *file;
	struct http *h;
	uint64_t most, taken; /* bytes of the answer's body */
	struct head head;
	size_t clear; /* how much of r.body is known to hold no secret */
	double started, timeout;
	int sent;   /* times that libcurl was about to write the request */
	int follow; /* redirects left */
	int too_big, crowded, encoded;
	int no_file; /* errno of the file to save to */
	void (*on_data)(void *arg, const char *p, size_t n);
	void *arg;
	char reason[CURL_ERROR_SIZE];
};

struct http {
	CURLM *multi;
	struct transfer *active, *idle;
	long running;
	size_t held; /* bytes of bodies in memory */
	struct secrets secrets;
	char *ca; /* file of certificates to trust instead of the system's, or NULL */
};

static void list_add(struct transfer **list, struct transfer *t)
{
	t->prev = NULL;
	t->next = *list;
	if (*list)
		(*list)->prev = t;
	*list = t;
}

static void list_remove(struct transfer **list, struct transfer *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		*list = t->next;
	if (t->next)
		t->next->prev = t->prev;
}

static void *take(size_t n)
{
	return mem_realloc(NULL, n, 1);
}

static void *take_again(void *p, size_t n)
{
	return mem_realloc(p, n, 1);
}

/* OpenSSL may have had no memory. */
static int tls_starved;

static void *take_tls(size_t n, const char *file, int line)
{
	void *p = malloc(n);

	(void)file, (void)line;
	tls_starved |= !p;
	return p;
}

static void *take_tls_again(void *old, size_t n, const char *file, int line)
{
	void *p = realloc(old, n);

	(void)file, (void)line;
	tls_starved |= !p && n;
	return p;
}

static void free_tls(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

/* Sees whether OpenSSL has the memory to start, where libcurl stands on it: libcurl does not look, and
 * its first random number crashes. Ending is for when it has returned: it holds locks. The library is
 * libcurl's, not ours to link, and so is looked up. */
static void watch_tls(void)
{
	int (*set)(void *(*)(size_t, const char *, int),
		   void *(*)(void *, size_t, const char *, int),
		   void (*)(void *, const char *, int));

	*(void **)&set = dlsym(RTLD_DEFAULT, "CRYPTO_set_mem_functions");
	if (set)
		set(take_tls, take_tls_again, free_tls);
}

int http_ready(void)
{
	watch_tls();
	/* Counted by libcurl itself, so that several struct http can live side by side. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, take, free, take_again, mem_strdup,
				 mem_alloc))
		return -1;
	if (tls_starved)
		mem_or_end(NULL);
	return 0;
}

struct http *http_new(size_t connections, struct err *e)
{
	struct http *h;
	const char *ca;

	if (http_ready()) {
		err_set(e, "libcurl does not start");
		return NULL;
	}
	h = mem_alloc(1, sizeof *h);
	/* Of the two, curl(1) reads the first and OpenSSL the second; libcurl itself reads
	 * neither. */
	ca = getenv("CURL_CA_BUNDLE");
	if (!ca || !*ca)
		ca = getenv("SSL_CERT_FILE");
	h->ca = ca && *ca ? mem_strdup(ca) : NULL;
	h->multi = curl_multi_init();
	if (!h->multi) {
		err_set(e, "libcurl does not start");
		free(h->ca);
		free(h);
		curl_global_cleanup();
		return NULL;
	}
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)(connections ? connections : 4));
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	return h;
}

static void buf_reset(struct buf *b)
{
	if (b->cap > KEEP_BYTES)
		buf_release(b);
	else
		buf_clear(b);
}

/* The answer's body is not kept any longer. */
static void forget_body(struct transfer *t)
{
	if (t->h && !t->save)
		t->h->held -= t->taken;
	t->taken = t->clear = 0;
}

static void transfer_clear(struct transfer *t)
{
	forget_body(t);
	curl_slist_free_all(t->headers);
	curl_mime_free(t->form);
	t->headers = NULL;
	t->form = NULL;
	if (t->file)
		fclose(t->file);
	t->file = NULL;
	free(t->method);
	free(t->url);
	free(t->save);
	t->method = t->url = t->save = NULL;
	buf_reset(&t->body);
	buf_reset(&t->r.headers);
	buf_reset(&t->r.body);
}

static void transfer_free(struct transfer *t)
{
	transfer_clear(t);
	curl_easy_cleanup(t->easy);
	buf_release(&t->body);
	http_response_release(&t->r);
	free(t);
}

void http_free(struct http *h)
{
	struct transfer *t;

	if (!h)
		return;
	while ((t = h->active)) {
		list_remove(&h->active, t);
		curl_multi_remove_handle(h->multi, t->easy);
		transfer_free(t);
	}
	while ((t = h->idle)) {
		list_remove(&h->idle, t);
		transfer_free(t);
	}
	curl_multi_cleanup(h->multi);
	secrets_release(&h->secrets);
	free(h->ca);
	free(h);
	curl_global_cleanup();
}

struct secrets *http_secrets(struct http *h)
{
	return &h->secrets;
}

void http_response_release(struct http_response *r)
{
	buf_release(&r->headers);
	buf_release(&r->body);
}

/* Header lines come one at a time; an answer may be preceded by others (100 Continue), so each
 * status line begins anew. */
static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n, i;
	const char *colon;

	if (head_add(&t->head, len))
		return 0;
	if (len >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		buf_clear(&t->r.headers);
		return len;
	}
	colon = memchr(p, ':', len);
	if (!colon)
		return len;
	for (i = 0; p + i < colon; i++)
		buf_addc(&t->r.headers, tolower((unsigned char)p[i]));
	for (; i < len && p[i] != '\r' && p[i] != '\n'; i++)
		buf_addc(&t->r.headers, p[i]);
	buf_addc(&t->r.headers, '\n');
	return len;
}

/* Hands on what of the body is known to hold no secret; all of it where it has ended. 0 where it
 * cannot be saved. */
static int hand_on(struct transfer *t, int ended)
{
	struct buf *b = &t->r.body;
	size_t from = t->clear, n;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	t->clear = secrets_mask_more(&t->h->secrets, b, from, ended);
	n = t->clear - from;
	if (t->file && n && fwrite(b->data + from, 1, n, t->file) != n) {
		t->no_file = errno;
		return 0;
	}
	if (n && t->on_data && (status == 200 || status == 201 || t->file))
		t->on_data(t->arg, b->data + from, n);
	if (t->file) {
		memmove(b->data, b->data + t->clear, b->len - t->clear);
		b->len -= t->clear;
		t->clear = 0;
	}
	return 1;
}

/* A file that is no link: what somebody else put there is not written through. */
static FILE *open_save(const char *path, int append)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (append ? O_APPEND : O_TRUNC),
		      0666);
	FILE *f = fd < 0 ? NULL : fdopen(fd, append ? "ab" : "wb");

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if ((status == 200 || status == 206) && t->save && !t->file) {
		struct span how = http_header(&t->r, "content-encoding");

		t->encoded = how.n && !span_is(how, "identity");
		if (t->encoded)
			return 0;
		t->file = open_save(t->save, status == 206);
		if (!t->file || fseeko(t->file, 0, SEEK_END)) {
			t->no_file = errno;
			return 0;
		}
		t->taken = (uint64_t)ftello(t->file);
	}
	t->taken += len;
	if (!t->save)
		t->h->held += len;
	t->crowded = t->h->held > HTTP_HELD_MAX;
	t->too_big = t->taken > (t->most ? t->most : t->file ? UINT64_MAX : HTTP_BODY_MAX);
	if (t->too_big || t->crowded)
		return 0;
	buf_add(&t->r.body, p, len);
	return hand_on(t, 0) ? len : 0;
}

/* libcurl writes a request anew when a kept connection turns out to be dead. That would be a second
 * retry layer, unseen and uncounted, so it ends here as a dropped connection, and the caller
 * decides. */
static int on_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct transfer *t = arg;

	(void)ip, (void)local_ip, (void)port, (void)local_port;
	return t->sent++ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void add_header(struct transfer *t, const char *line)
{
	t->headers = curl_slist_append(t->headers, line);
}

/* Starts one leg of the transfer: the first, or one that a redirect asks for. */
static int transfer_begin(struct http *h, struct transfer *t, struct err *e)
{
	CURL *c = t->easy;

	t->sent = t->too_big = t->crowded = t->encoded = t->no_file = 0;
	t->head.n = 0;
	forget_body(t);
	t->reason[0] = 0;
	buf_clear(&t->r.headers);
	buf_clear(&t->r.body);
	curl_easy_setopt(c, CURLOPT_URL, t->url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	if (t->timeout > 0) {
		double left = t->timeout - (progress_clock() - t->started);

		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, left > 0.001 ? (long)(left * 1000) : 1L);
	}
	if (curl_multi_add_handle(h->multi, c))
		return err_set(e, "libcurl does not take the request");
	return 0;
}

static int add_form(struct transfer *t, const struct http_request *q, struct err *e)
{
	curl_mimepart *part;

	t->form = curl_mime_init(t->easy);
	if (!t->form)
		return err_set(e, "libcurl gives no form");
	if (q->purpose) {
		part = curl_mime_addpart(t->form);
		curl_mime_name(part, "purpose");
		curl_mime_data(part, q->purpose, CURL_ZERO_TERMINATED);
	}
	part = curl_mime_addpart(t->form);
	curl_mime_name(part, "file");
	if (curl_mime_filedata(part, q->upload))
		return err_set(e, "%s: cannot be read", q->upload);
	curl_easy_setopt(t->easy, CURLOPT_MIMEPOST, t->form);
	return 0;
}

static struct transfer *transfer_new(struct http *h, struct err *e)
{
	struct transfer *t = h->idle;

	if (t) {
		list_remove(&h->idle, t);
		curl_easy_reset(t->easy);
		return t;
	}
	t = mem_alloc(1, sizeof *t);
	t->easy = curl_easy_init();
	if (!t->easy) {
		free(t);
		err_set(e, "libcurl gives no handle");
		return NULL;
	}
	t->r.body.max = HTTP_BODY_MAX;
	return t;
}

static void set_common(const struct http *h, struct transfer *t, const struct http_request *q)
{
	CURL *c = t->easy;

	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->reason);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	if (h->ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, h->ca);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	if (!q->save)
		curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(c, CURLOPT_USERAGENT, "ft/" FT_VERSION);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(c, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	/* Waiting for a connection that can be shared pays only where HTTP/2 may be agreed on. */
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, (long)(strncasecmp(q->url, "https:", 6) == 0));
	if (q->silence > 0) {
		curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(q->silence + 0.999));
	}
}

int http_start(struct http *h, uint64_t ticket, const struct http_request *q, struct err *e)
{
	struct transfer *t = transfer_new(h, e);
	int with_body = q->body.s || q->upload;

	if (!t)
		return -1;
	t->ticket = ticket;
	t->method = mem_strdup(q->method);
	t->url = mem_strdup(q->url);
	t->h = h;
	t->most = q->most;
	t->save = q->save ? mem_strdup(q->save) : NULL;
	t->timeout = q->timeout;
	t->started = progress_clock();
	t->follow = q->follow;
	t->on_data = q->on_data;
	t->arg = q->arg;
	for (const char *const *line = q->headers; line && *line; line++)
		add_header(t, *line);
	if (q->secret) {
		add_header(t, q->secret);
		secrets_add_header(&h->secrets, q->secret);
	}
	secrets_add_url(&h->secrets, q->url);
	add_header(t, "Expect:");
	set_common(h, t, q);
	if (q->upload) {
		if (add_form(t, q, e))
			goto fail;
	} else if (q->body.s) {
		buf_addspan(&t->body, q->body);
		curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.len ? t->body.data : "");
	}
	if (strcmp(q->method, with_body ? "POST" : "GET") != 0)
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, t->method);
	if (transfer_begin(h, t, e))
		goto fail;
	list_add(&h->active, t);
	h->running++;
	return 0;
fail:
	transfer_clear(t);
	list_add(&h->idle, t);
	return -1;
}

static enum http_failure classify(const struct transfer *t, CURLcode code)
{
	if (head_fault(&t->head, t->easy, code))
		return HTTP_TOO_BIG;
	switch (code) {
	case CURLE_OK:
		return HTTP_DONE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_NO_HOST;
	case CURLE_COULDNT_CONNECT:
		return HTTP_NO_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_USE_SSL_FAILED:
	case CURLE_SSL_ISSUER_ERROR:
		return HTTP_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMEOUT;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return HTTP_DROPPED;
	case CURLE_ABORTED_BY_CALLBACK:
		return t->sent > 1 ? HTTP_DROPPED : HTTP_CANCELLED;
	case CURLE_WRITE_ERROR:
		return t->too_big || t->crowded ? HTTP_TOO_BIG : HTTP_BROKEN;
	default:
		return HTTP_BROKEN;
	}
}

/* scheme, host and port of both alike, default ports filled in. */
static int same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
	CURLU *u = curl_url(), *v = curl_url();
	int same = u && v && !curl_url_set(u, CURLUPART_URL, a, 0) &&
		   !curl_url_set(v, CURLUPART_URL, b, 0);

	for (size_t i = 0; same && i < sizeof parts / sizeof *parts; i++) {
		char *x = NULL, *y = NULL;

		same = !curl_url_get(u, parts[i], &x, CURLU_DEFAULT_PORT) &&
		       !curl_url_get(v, parts[i], &y, CURLU_DEFAULT_PORT) && strcasecmp(x, y) == 0;
		curl_free(x);
		curl_free(y);
	}
	curl_url_cleanup(u);
	curl_url_cleanup(v);
	return same;
}

/* Takes out every header but those that say what is wanted: all others were meant for the host that
 * they were given for. */
static void keep_open_headers(struct transfer *t)
{
	static const char *const open[] = {"Accept:", "Range:", "Content-Type:", "Expect:"};
	struct curl_slist *all = t->headers;

	t->headers = NULL;
	for (struct curl_slist *l = all; l; l = l->next)
		for (size_t i = 0; i < sizeof open / sizeof *open; i++)
			if (!strncasecmp(l->data, open[i], strlen(open[i])))
				add_header(t, l->data);
	curl_slist_free_all(all);
}

/* Goes on at the redirect's target; 0 where it did. */
static int redirect(struct http *h, struct transfer *t)
{
	char *to = NULL;
	size_t n;

	if (t->r.status < 300 || t->r.status > 399 || t->follow <= 0)
		return -1;
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &to);
	if (!to)
		return -1;
	if (!strncasecmp(t->url, "https:", 6) && strncasecmp(to, "https:", 6) != 0) {
		n = strcspn(to, ":");
		snprintf(t->reason, sizeof t->reason, "it redirects from https to %.*s",
			 (int)(n < 20 ? n : 20), to);
		t->r.failure = HTTP_BROKEN;
		return -1;
	}
	if (!same_origin(t->url, to))
		keep_open_headers(t);
	free(t->url);
	t->url = mem_strdup(to);
	t->follow--;
	/* 303 asks for GET; the others keep the method. */
	if (t->r.status == 303) {
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, NULL);
		curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
	}
	return transfer_begin(h, t, NULL);
}

static void say_reason(struct transfer *t, CURLcode code)
{
	struct http_response *r = &t->r;
	struct span how = http_header(r, "content-encoding");
	const char *head = head_fault(&t->head, t->easy, code);

	how.n = how.n < 60 ? how.n : 60;
	if (head)
		snprintf(r->reason, sizeof r->reason, "%s", head);
	else if (t->no_file)
		snprintf(r->reason, sizeof r->reason, "%.120s: %.120s", t->save,
			 strerror(t->no_file));
	else if (t->encoded)
		snprintf(r->reason, sizeof r->reason,
			 "the server sends it encoded (%.*s), which was not asked for", (int)how.n,
			 how.s);
	else if (t->crowded)
		snprintf(r->reason, sizeof r->reason,
			 "the answers under way are larger than %zu MB together",
			 HTTP_HELD_MAX >> 20);
	else if (r->failure == HTTP_TOO_BIG && t->most && t->most < (1 << 20))
		snprintf(r->reason, sizeof r->reason, "the answer is larger than %llu bytes",
			 (unsigned long long)t->most);
	else if (r->failure == HTTP_TOO_BIG)
		snprintf(r->reason, sizeof r->reason, "the answer is larger than %llu MB",
			 (unsigned long long)(t->most ? t->most : HTTP_BODY_MAX) >> 20);
	else if (r->failure == HTTP_DROPPED && t->sent > 1)
		snprintf(r->reason, sizeof r->reason, "the server closed a kept connection");
	else if (r->failure != HTTP_DONE)
		snprintf(r->reason, sizeof r->reason, "%.250s",
			 t->reason[0] ? t->reason : curl_easy_strerror(code));
}

static void finish(struct http *h, struct transfer *t, CURLcode code, http_done *done, void *arg)
{
	struct http_response *r = &t->r;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(h->multi, t->easy);
	r->status = (int)status;
	r->failure = classify(t, code);
	r->reason[0] = 0;
	if (r->failure == HTTP_DONE && !redirect(h, t))
		return;
	if (!hand_on(t, 1) && r->failure == HTTP_DONE)
		r->failure = HTTP_BROKEN;
	if (t->file && fclose(t->file) && r->failure == HTTP_DONE) {
		r->failure = HTTP_BROKEN;
		t->no_file = errno;
	}
	t->file = NULL;
	r->seconds = progress_clock() - t->started;
	say_reason(t, code);
	secrets_mask(&t->h->secrets, r->reason, strlen(r->reason));
	secrets_mask(&t->h->secrets, r->headers.data, r->headers.len);
	list_remove(&h->active, t);
	h->running--;
	done(arg, t->ticket, r);
	transfer_clear(t);
	list_add(&h->idle, t);
}

long http_run(struct http *h, double wait, http_done *done, void *arg, struct err *e)
{
	int running, left;
	CURLMsg *m;

	if (curl_multi_perform(h->multi, &running))
		return err_set(e, "libcurl: a transfer cannot go on");
	/* Where something ended already, its successor starts before anyone waits. */
	if (running == h->running && wait > 0) {
		if (curl_multi_poll(h->multi, NULL, 0, (int)(wait * 1000 + 0.999), NULL) ||
		    curl_multi_perform(h->multi, &running))
			return err_set(e, "libcurl: a transfer cannot go on");
	}
	while ((m = curl_multi_info_read(h->multi, &left)))
		if (m->msg == CURLMSG_DONE) {
			struct transfer *t;
			CURLcode code = m->data.result;

			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
			finish(h, t, code, done, arg);
		}
	return h->running;
}

void http_cancel(struct http *h, http_done *done, void *arg)
{
	struct transfer *t;

	while ((t = h->active)) {
		t->follow = 0;
		t->sent = 0;
		finish(h, t, CURLE_ABORTED_BY_CALLBACK, done, arg);
	}
}

/* Swaps buffers with the transfer, so that the answer outlives it and nothing is copied. */
static void keep_response(void *arg, uint64_t ticket, struct http_response *r)
{
	struct http_response *to = arg;
	struct buf headers = to->headers, body = to->body;

	(void)ticket;
	*to = *r;
	r->headers = headers;
	r->body = body;
	r->body.max = HTTP_BODY_MAX;
}

int http_fetch(struct http *h, const struct http_request *q, struct http_response *r,
	       int (*stopping)(void), struct err *e)
{
	long n;

	if (http_start(h, 0, q, e))
		return -1;
	do {
		n = http_run(h, 0.25, keep_response, r, e);
		if (n > 0 && stopping && stopping()) {
			http_cancel(h, keep_response, r);
			n = 0;
		}
	} while (n > 0);
	return n < 0 ? -1 : 0;
}

int http_json(const struct http_response *r, struct span *v, struct err *e)
{
	struct span text = buf_span(&r->body);

	if (text.n >= 3 && memcmp(text.s, "\xef\xbb\xbf", 3) == 0)
		text.s += 3, text.n -= 3;
	return json_check(text, v, e) ? err_prefix(e, "the server's answer is no JSON") : 0;
}

struct span http_header(const struct http_response *r, const char *name)
{
	const char *p = r->headers.data, *end = p ? p + r->headers.len : p;
	size_t n = strlen(name);
	struct span v = {NULL, 0};

	while (p && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *q = p + n + 1, *stop = nl;

		if ((size_t)(nl - p) > n && memcmp(p, name, n) == 0 && p[n] == ':') {
			while (q < stop && (*q == ' ' || *q == '\t'))
				q++;
			while (stop > q && (stop[-1] == ' ' || stop[-1] == '\t'))
				stop--;
			v = (struct span){q, (size_t)(stop - q)};
		}
		p = nl + 1;
	}
	return v;
}

int http_check_key(struct span key, const char *where, struct err *e)
{
	for (size_t i = 0; i < key.n; i++)
		if ((unsigned char)key.s[i] <= ' ' || (unsigned char)key.s[i] >= 127)
			return err_set(e, "the API key in %s holds a blank or a control character",
				       where);
	return 0;
}

void http_show_redirect(struct buf *b, const struct http_response *r)
{
	struct buf where = BUF_INIT;
	char *to;

	if (r->status < 300 || r->status > 399)
		return;
	to = span_dup(http_header(r, "location"));
	url_show(&where, to);
	buf_addf(b, "the server redirects to %.300s", where.len ? where.data : "nowhere");
	free(to);
	buf_release(&where);
}
