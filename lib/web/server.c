/* server: libmicrohttpd behind a gate. See server.h. */
#include "server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../base/host.h"
#include "../base/mem.h"

enum {
	CONNECTIONS = 512, /* a browser has at most a few hundred */
	STRANGER_SECONDS = 5,
	OWN_SECONDS = 60
};

struct web_server {
	struct MHD_Daemon *daemon;
	web_handler *handler;
	void *arg;
	size_t max_body;
	int port;
	int token_used;
	/* its name: cookies do not tell ports apart, so servers side by side need one each */
	char cookie[24];
	char token[33], session[33];
	char address[96];
};

/* One request while its body arrives. */
struct incoming {
	struct buf body;
};

static int random_hex(char out[33], struct err *e)
{
	unsigned char raw[16];
	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
		return err_errno(e, "no random numbers");
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

/* In a time that does not depend on where they differ. */
static int same_secret(const char *a, const char *b)
{
	size_t n = strlen(b), have = strlen(a);
	unsigned char diff = have != n;
	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(a[i < have ? i : have] ^ b[i]);
	return !diff;
}

const char *web_query(const struct web_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* Another port is another server's. */
static int is_own(const struct web_server *s, const struct host *h)
{
	return host_is_here(h) && h->port == s->port;
}

static struct span text_of(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

/* Whether a request may come in at all; the reason otherwise. */
static const char *refused(const struct web_server *s, struct MHD_Connection *c, const char *method)
{
	const char *origin = header(c, "Origin");
	struct host h;
	if (host_read(text_of(header(c, "Host")), &h) || !is_own(s, &h))
		return "This server answers to 127.0.0.1 only.";
	if (origin && (strncmp(origin, "http://", 7) != 0 ||
		       host_read_origin(text_of(origin), &h) || !is_own(s, &h)))
		return "Requests from other sites are refused.";
	if (strcmp(method, "GET") != 0 && !origin)
		return "A request that changes something must say its origin.";
	return NULL;
}

static int has_session(const struct web_server *s, struct MHD_Connection *c)
{
	const char *cookie = MHD_lookup_connection_value(c, MHD_COOKIE_KIND, s->cookie);
	return cookie && same_secret(cookie, s->session);
}

/* Headers of every reply: nothing is cached, sniffed, framed or told to others. */
static const char *const fixed_headers[][2] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cache-Control", "no-store"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
};

/* location and cookie may be NULL. Takes the body over. */
static enum MHD_Result send_reply(struct MHD_Connection *c, struct web_reply *r,
				  const char *location, const char *cookie)
{
	size_t n;
	char *body = buf_detach(&r->body, &n), policy[256];
	struct MHD_Response *m = MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
	if (!m) {
		free(body);
		return MHD_NO;
	}
	snprintf(policy, sizeof policy,
		 "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; img-src data:; base-uri 'none'; "
		 "form-action 'none'; frame-ancestors 'none'",
		 r->nonce, r->nonce);
	MHD_add_response_header(m, "Content-Type", r->type);
	MHD_add_response_header(m, "Content-Security-Policy", policy);
	for (size_t i = 0; i < sizeof fixed_headers / sizeof *fixed_headers; i++)
		MHD_add_response_header(m, fixed_headers[i][0], fixed_headers[i][1]);
	if (location)
		MHD_add_response_header(m, "Location", location);
	if (cookie)
		MHD_add_response_header(m, "Set-Cookie", cookie);
	enum MHD_Result rc = MHD_queue_response(c, (unsigned)r->status, m);
	MHD_destroy_response(m);
	return rc;
}

static enum MHD_Result send_text(struct MHD_Connection *c, int status, const char *text)
{
	struct web_reply r = {.status = status,
			      .type = "text/plain; charset=utf-8",
			      .nonce = "none"};
	buf_addf(&r.body, "%s\n", text);
	return send_reply(c, &r, NULL, NULL);
}

/* The token for the cookie, once. */
static enum MHD_Result enter(struct web_server *s, struct MHD_Connection *c)
{
	char cookie[128];
	struct web_reply r = {.status = MHD_HTTP_SEE_OTHER,
			      .type = "text/plain; charset=utf-8",
			      .nonce = "none"};
	s->token_used = 1;
	snprintf(cookie, sizeof cookie, "%s=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800",
		 s->cookie, s->session);
	return send_reply(c, &r, "/", cookie);
}

/* Answers what may not come in, or brings the token; 0 where the request holds the cookie and may
 * go on. It is asked before a byte of the body is taken. */
static int answer_at_door(struct web_server *s, struct MHD_Connection *c, const char *path,
			  const char *method, enum MHD_Result *rc)
{
	const char *reason = refused(s, c, method), *length = header(c, "Content-Length"),
		   *token = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "token");
	int status = 0;
	if (reason) {
		status = MHD_HTTP_FORBIDDEN;
	} else if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0) {
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
		reason = "Only GET and POST are understood.";
	} else if (path[0] != '/' || strstr(path, "..")) {
		status = MHD_HTTP_BAD_REQUEST;
		reason = "That is no path here.";
	} else if (!has_session(s, c)) {
		if (token && !s->token_used && same_secret(token, s->token) &&
		    strcmp(path, "/") == 0) {
			*rc = enter(s, c);
			return 1;
		}
		status = MHD_HTTP_FORBIDDEN;
		reason =
			token && s->token_used
				? "This address worked once already. Start the program again for a new one."
				: "Open the address that the program printed.";
	} else if (length && strtoull(length, NULL, 10) > s->max_body) {
		status = MHD_HTTP_CONTENT_TOO_LARGE;
		reason = "The request is too large.";
	}
	if (status)
		*rc = send_text(c, status, reason);
	return status != 0;
}

static enum MHD_Result answer(struct web_server *s, struct MHD_Connection *c, const char *path,
			      const char *method, struct buf *body)
{
	if (body->full)
		return send_text(c, MHD_HTTP_CONTENT_TOO_LARGE, "The request is too large.");
	struct web_request q = {.method = method,
				.path = path,
				.body = buf_span(body),
				.connection = c};
	struct web_reply r = {.status = 200, .type = "application/json"};
	if (random_hex(r.nonce, NULL))
		return MHD_NO;
	s->handler(s->arg, &q, &r);
	return send_reply(c, &r, NULL, NULL);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct web_server *s = arg;
	struct incoming *in = *state;
	enum MHD_Result rc;
	(void)version;
	if (!in) {
		if (answer_at_door(s, c, path, method, &rc))
			return rc;
		/* Who holds the cookie has time to think; others do not hold connections up. */
		MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)OWN_SECONDS);
		in = mem_alloc(1, sizeof *in);
		in->body.max = s->max_body;
		*state = in;
		return MHD_YES;
	}
	if (*size) {
		/* beyond the ceiling: noted in full, the rest is drained */
		buf_add(&in->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return answer(s, c, path, method, &in->body);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct incoming *in = *state;
	(void)arg;
	(void)c;
	(void)why;
	if (in)
		buf_release(&in->body);
	free(in);
	*state = NULL;
}

/* A socket at 127.0.0.1 that connections wait at, and the port it has got. Before there is a daemon, for
 * its thread answers at once and has to know the port. */
static int listen_at(int *port, struct err *e)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)*port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
	    !bind(fd, (struct sockaddr *)&at, sizeof at) && !listen(fd, SOMAXCONN) &&
	    !getsockname(fd, (struct sockaddr *)&at, &n)) {
		*port = ntohs(at.sin_port);
		return fd;
	}
	err_errno(e, "cannot listen on 127.0.0.1:%d", *port);
	if (fd >= 0)
		close(fd);
	return -1;
}

int web_start(struct web_server **out, int port, size_t max_body, web_handler *handler, void *arg,
	      struct err *e)
{
	struct web_server *s = mem_alloc(1, sizeof *s);
	int fd;

	s->handler = handler;
	s->arg = arg;
	s->max_body = max_body;
	if (random_hex(s->token, e) || random_hex(s->session, e) ||
	    (fd = listen_at(&port, e)) < 0) {
		free(s);
		return -1;
	}
	s->port = port;
	snprintf(s->cookie, sizeof s->cookie, "ft_session_%d", s->port);
	snprintf(s->address, sizeof s->address, "http://127.0.0.1:%d/?token=%s", s->port, s->token);
	s->daemon =
		MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
				 on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
				 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)STRANGER_SECONDS,
				 MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (!s->daemon) {
		err_errno(e, "cannot serve at 127.0.0.1:%d", port);
		close(fd);
		free(s);
		return -1;
	}
	*out = s;
	return 0;
}

void web_stop(struct web_server *s)
{
	if (!s)
		return;
	MHD_stop_daemon(s->daemon);
	free(s);
}

const char *web_address(const struct web_server *s)
{
	return s->address;
}
