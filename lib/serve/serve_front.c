/* serve_front: libmicrohttpd, driven from the loop through its epoll set. A connection is suspended
 * whenever there is nothing for it; as it then does not notice that its client went, its socket is
 * watched for that beside the set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "../base/host.h"
#include "../base/mem.h"
#include "serve_impl.h"

/* What is given to libmicrohttpd at once: it clears as much for each answer, and as much as a connection's
 * headers may take for each request. */
#define BLOCK_MOST ((size_t)32 << 10)
#define BLOCK_STREAM ((size_t)8 << 10)
#define BLOCK_LEAST ((size_t)512)
#define ROOM_BYTES ((size_t)16 << 10) /* beside a request's headers */

/* --- in --- */

static enum MHD_Result keep_header(void *arg, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct serve_call *c = arg;

	(void)kind;
	buf_addf(&c->headers, "%s: %s\n", name, value ? value : "");
	return MHD_YES;
}

/* What keys the client sent, so that they can be kept out of records. The names of conversations are
 * none, for records tell them apart by those. */
static void note_secrets(struct serve_call *c)
{
	for (char *p = c->headers.data, *newline; p && *p; p = newline + 1) {
		newline = strchrnul(p, '\n');
		if (!*newline)
			break;
		*newline = '\0';
		if (secrets_is_named(p, strcspn(p, ":")))
			secrets_add_header(&c->secrets, p);
		*newline = '\n';
	}
}

/* Whether one of the keys that clients have stands in the request. */
static int knows_key(struct serve_call *c)
{
	static const char *const names[] = {"x-ft-key", "authorization", "x-api-key", "api-key"};

	if (!c->plan->clients)
		return 1;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct span v = serve_call_header(c, names[i]);

		if (v.n > 7 && strncasecmp(v.s, "bearer ", 7) == 0)
			v.s += 7, v.n -= 7;
		if (v.n && clients_know(c->plan->clients, v, &c->client_name)) {
			c->key_header = mem_strdup(names[i]);
			return 1;
		}
	}
	return 0;
}

/* Names that the server was told it has, and the one that it was told to listen at. */
static int is_ours(const struct serve *s, const struct host *h)
{
	for (const char *const *name = s->o->hosts; name && *name; name++)
		if (host_is(h, *name))
			return 1;
	return host_is(h, s->at.name);
}

/* A page in a browser on this machine may send requests to any port of it; without keys only pages of
 * this machine are let in. */
static int from_elsewhere(const struct serve_call *c)
{
	struct span origin = serve_call_header(c, "origin");
	struct host h;

	return !c->plan->clients && origin.n &&
	       (host_read_origin(origin, &h) || (!host_is_here(&h) && !is_ours(c->s, &h)));
}

/* A page can lead its own name to this machine, and is then of one origin with the server: without keys
 * the name that a request is for is one of the server's, or an address, which can't be led anywhere.
 * No browser leaves Host out, or comes by a Unix socket. */
static int for_another(const struct serve_call *c)
{
	struct span host = serve_call_header(c, "host");
	struct host h;

	return !c->plan->clients && !c->s->at.unix_socket && host.n &&
	       (host_read(host, &h) ||
		(!host_is_here(&h) && !host_is_address(&h) && !is_ours(c->s, &h)));
}

/* An answer before the body came, or 0. */
static int refused(struct serve_call *c)
{
	struct serve *s = c->s;
	struct span length = serve_call_header(c, "content-length");
	int health = strncmp(c->url, "/health", 7) == 0;

	if (for_another(c)) {
		struct span host = serve_call_header(c, "host");

		serve_call_refuse(c, 403, "invalid_request_error", "host",
				  "this server is not called \"%.*s\": tell it so (--host), or give clients keys (--keys)",
				  (int)(host.n < 100 ? host.n : 100), host.s);
		return 1;
	}
	if (from_elsewhere(c)) {
		serve_call_refuse(c, 403, "invalid_request_error", "origin",
				  "pages of other sites may not call; give clients keys (--keys)");
		return 1;
	}
	if (!health && !knows_key(c)) {
		s->meter.count[METER_UNKNOWN_KEY]++;
		serve_call_refuse(c, 401, "invalid_request_error", "invalid_api_key",
				  "the key is none that is known here");
		return 1;
	}
	if (length.n > 15 || (length.n && strtoull(length.s, NULL, 10) > s->o->body_max)) {
		s->meter.count[METER_TOO_LARGE]++;
		serve_call_refuse(c, 413, "invalid_request_error", "too_large",
				  "the body is larger than %zu bytes (--body-max)", s->o->body_max);
		return 1;
	}
	if (!health && s->draining) {
		serve_call_refuse(c, 503, "server_error", "ending", "the server is about to end");
		return 1;
	}
	if (!health && s->held + (length.n ? strtoull(length.s, NULL, 10) : 0) > s->o->memory_max) {
		s->meter.count[METER_BUSY]++;
		serve_call_refuse(c, 503, "server_error", "busy",
				  "too much is in flight; try again");
		return 1;
	}
	return 0;
}

/* --- out --- */

static ssize_t read_out(void *arg, uint64_t at, char *to, size_t max)
{
	struct serve_call *c = arg;
	size_t n = c->out.len - c->out_at;

	(void)at;
	if (c->state == SERVE_OVER)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!n) {
		if (c->out_broken)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (c->out_ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		MHD_suspend_connection(c->connection);
		c->suspended = 1;
		return 0;
	}
	if (n > max)
		n = max;
	memcpy(to, c->out.data + c->out_at, n);
	c->out_at += n;
	if (c->out_at == c->out.len) {
		buf_clear(&c->out);
		c->out_at = 0;
	} else if (c->out_at > SERVE_OUT_HIGH) {
		memmove(c->out.data, c->out.data + c->out_at, c->out.len - c->out_at);
		c->out.len -= c->out_at;
		c->out_at = 0;
	}
	if (c->ask && c->ask->paused && c->out.len - c->out_at < SERVE_OUT_LOW)
		c->ask->wanted = c->s->any_paused = 1;
	return (ssize_t)n;
}

/* Headers that are this connection's own business, or libmicrohttpd's. */
static int goes_on(struct span line)
{
	static const char *const names[] = {
		"connection", "keep-alive",	"proxy-connection",  "te",	    "trailer",
		"upgrade",    "content-length", "transfer-encoding", "x-ft-target", "x-ft-record",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = strlen(names[i]);

		if (line.n > n && line.s[n] == ':' && strncasecmp(line.s, names[i], n) == 0)
			return 0;
	}
	return 1;
}

static void add_header(struct MHD_Response *m, struct span line)
{
	const char *colon = memchr(line.s, ':', line.n);
	char *name, *value;

	if (!colon || !goes_on(line))
		return;
	name = mem_strndup(line.s, (size_t)(colon - line.s));
	for (colon++; colon < line.s + line.n && (*colon == ' ' || *colon == '\t'); colon++)
		;
	value = mem_strndup(colon, (size_t)(line.s + line.n - colon));
	MHD_add_response_header(m, name, value);
	free(name);
	free(value);
}

static size_t block_size(const struct serve_call *c)
{
	if (c->length < 0)
		return BLOCK_STREAM;
	return c->length > (long long)BLOCK_MOST    ? BLOCK_MOST
	       : c->length < (long long)BLOCK_LEAST ? BLOCK_LEAST
						    : (size_t)c->length;
}

/* The body as libmicrohttpd wants it: what is there in whole goes out in one piece with its head, the
 * rest as it comes. */
static struct MHD_Response *make_response(struct serve_call *c)
{
	struct MHD_Response *m;

	if (c->status == 204 || c->status == 304 || c->status < 200)
		return MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	if (!c->out_ended || c->out_broken || c->out_at || !c->out.len ||
	    c->length != (long long)c->out.len)
		return MHD_create_response_from_callback(c->length >= 0 ? (uint64_t)c->length
									: MHD_SIZE_UNKNOWN,
							 block_size(c), read_out, c, NULL);
	m = MHD_create_response_from_buffer(c->out.len, c->out.data, MHD_RESPMEM_MUST_FREE);
	if (m)
		memset(&c->out, 0, sizeof c->out);
	return m;
}

static enum MHD_Result send_answer(struct serve_call *c)
{
	struct MHD_Response *m = make_response(c);
	enum MHD_Result rc;

	if (!m)
		return MHD_NO;
	for (const char *p = c->head.data, *end = p + c->head.len, *next; p && p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		next = newline ? newline + 1 : end;
		add_header(m, (struct span){p, (size_t)((newline ? newline : end) - p)});
	}
	if (c->route) {
		if (c->n_order)
			MHD_add_response_header(m, "x-ft-target",
						c->plan->routes
							->targets[c->order[c->at < c->n_order
										   ? c->at
										   : c->n_order - 1]]
							.name);
		if (c->request.kind != CAPTURE_NONE && serve_call_leaves_record(c))
			MHD_add_response_header(m, "x-ft-record", c->id);
	}
	if (c->s->draining || !c->body_over)
		MHD_add_response_header(m, "Connection", "close");
	c->queued = 1;
	rc = MHD_queue_response(c->connection, (unsigned)c->status, m);
	MHD_destroy_response(m);
	return rc;
}

static size_t lines_in(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.s[i] == '\n';
	return n;
}

int serve_front_fits(const struct serve_call *c, struct span head)
{
	struct span asked = buf_span(&c->headers);
	/* What libmicrohttpd keeps of the request beside its bytes, and what is added to the answer. */
	size_t room = asked.n + strlen(c->url) + 100 * lines_in(asked) + 2048;

	return room + head.n + lines_in(head) <= c->s->o->header_max + ROOM_BYTES;
}

/* --- libmicrohttpd's calls --- */

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct serve *s = arg;
	struct serve_call *c = serve_call_new(s, uri);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	c->connection = connection;
	c->client = info ? info->socket_context : NULL;
	if (c->client)
		c->client->call = c;
	return c;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct serve_call *c = *state;
	struct serve *s = arg;

	(void)path;
	(void)version;
	if (c->state == SERVE_NEW) {
		c->state = SERVE_READING;
		c->method = mem_strdup(method);
		c->body.max = s->o->body_max;
		MHD_get_connection_values(connection, MHD_HEADER_KIND, keep_header, c);
		note_secrets(c);
		return refused(c) ? send_answer(c) : MHD_YES;
	}
	if (*size) {
		if (!c->body.full)
			buf_add(&c->body, data, *size);
		serve_hold(s, &c->held, c->body.cap);
		*size = 0;
		return MHD_YES;
	}
	if (c->queued)
		return MHD_YES;
	if (c->state == SERVE_OVER)
		return MHD_NO;
	if (c->state == SERVE_READING) {
		if (c->client && c->client->gone) {
			s->meter.count[METER_GONE]++;
			return MHD_NO;
		}
		if (c->body.full) {
			s->meter.count[METER_TOO_LARGE]++;
			serve_call_refuse(c, 413, "invalid_request_error", "too_large",
					  "the body is larger than %zu bytes (--body-max)",
					  s->o->body_max);
			return send_answer(c);
		}
		serve_call_begin(c);
		if (c->state != SERVE_ANSWERING) {
			MHD_suspend_connection(connection);
			c->suspended = 1;
			return MHD_YES;
		}
	}
	return send_answer(c);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct serve_call *c = *state;

	(void)arg;
	(void)connection;
	(void)why;
	*state = NULL;
	if (c)
		serve_call_end(c);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct serve *s = arg;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct serve_client *client = *context;
	struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLET};

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		client = mem_alloc(1, sizeof *client);
		client->fd = info ? info->connect_fd : -1;
		*context = client;
		if (client->fd < 0)
			return;
		if ((size_t)client->fd >= s->n_clients) {
			size_t old = s->n_clients;

			s->clients = mem_grow(s->clients, &s->cap_clients, (size_t)client->fd + 1,
					      sizeof(struct serve_client *));
			s->n_clients = s->cap_clients;
			memset(s->clients + old, 0,
			       (s->n_clients - old) * sizeof(struct serve_client *));
		}
		s->clients[client->fd] = client;
		ev.data.u64 = (uint64_t)1 << 32 | (unsigned)client->fd;
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, client->fd, &ev);
		return;
	}
	if (!client)
		return;
	if (client->fd >= 0 && s->clients[client->fd] == client) {
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, client->fd, NULL);
		s->clients[client->fd] = NULL;
	}
	free(client);
	*context = NULL;
}

void serve_front_gone(struct serve *s, int fd)
{
	struct serve_client *client = (size_t)fd < s->n_clients ? s->clients[fd] : NULL;

	if (!client)
		return;
	client->gone = 1;
	if (client->call && client->call->body_over)
		serve_call_gone(client->call);
}

int serve_front_open(struct serve *s, struct err *e)
{
	const union MHD_DaemonInfo *info;

	s->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
				 on_request, s, MHD_OPTION_LISTEN_SOCKET, s->at.fd,
				 MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
				 MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				 MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
				 MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->o->connections,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(s->o->idle + 0.999),
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->o->header_max + ROOM_BYTES,
				 MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)16384,
				 MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u, MHD_OPTION_END);
	if (!s->daemon)
		return err_errno(e, "cannot serve at %s", s->at.address);
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return err_set(e, "libmicrohttpd has no epoll set here");
	s->mhd_epoll = info->epoll_fd;
	return 0;
}
