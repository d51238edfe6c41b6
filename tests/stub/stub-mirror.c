/* stub-mirror: an API that sends back what it was sent, everywhere that a server can.
 *
 *	stub-mirror --port-file FILE --as error|answer|stream|html|header [--form plain|escaped|percent|base64]
 *
 * The echo is the whole request, its headers and body, in the form told. As an error it is the
 * message of a 400, as html the page of a 500, as answer or stream what the model says (and its
 * name), as header an x-request-id beside a body that is none. A batch and a job of fine-tuning get
 * as far as their end, with the echo in results, events and reasons. One connection after the
 * other, one request each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/prog.h"
#include "../../lib/json/jw.h"
#include "listen.h"

static const char *port_file, *as = "error", *form = "plain", *location, *say;

static struct opt options[] = {
	{0, "port-file", OPT_STR, &port_file, "FILE", "where the port is written once it answers"},
	{0, "as", OPT_STR, &as, "WHAT", "error, answer, stream, html, header or redirect"},
	{0, "form", OPT_STR, &form, "FORM", "plain, escaped, percent or base64"},
	{0, "say", OPT_STR, &say, "TEXT", "what is sent in the echo's place"},
	{0, "location", OPT_STR, &location, "URL", "where results are redirected to"},
	{0},
};

static const struct program program = {
	"stub-mirror", "[option ...]", "An API that echoes.", options, NULL,
};

static struct buf ids; /* custom_ids of the uploaded batch, each ended by a newline */

static void base64(const char *s, size_t n, struct buf *b)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < n ? (unsigned char)s[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_addc(b, i + k > n ? '=' : digits[v >> (18 - 6 * k) & 63]);
	}
}

/* The request as text for a JSON string's inside (or a page), in the form wanted. */
static void echo(const char *request, size_t n, struct buf *b)
{
	if (!strcmp(form, "base64")) {
		base64(request, n, b);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)request[i];
		int word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			   (c >= 'A' && c <= 'Z') || c == '-';

		if (!strcmp(form, "escaped"))
			buf_addf(b, "\\u%04x", c);
		else if (!strcmp(form, "percent"))
			buf_addf(b, i % 2 || !word ? "%%%02X" : "%c", c);
		else
			buf_addf(b, c < ' ' || c == '"' || c == '\\' || c == 127 ? "\\u%04x" : "%c",
				 c);
	}
}

static void put(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
}

static void answer(int fd, const char *status, const char *more, const struct buf *body)
{
	struct buf head = BUF_INIT;

	buf_addf(&head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", status,
		 body->len, more);
	put(fd, head.data, head.len);
	put(fd, body->data ? body->data : "", body->len);
	buf_release(&head);
}

/* Server-sent events with five bytes of the echo in each; an escape stays whole. */
static void stream(const char *said, struct buf *b)
{
	while (*said) {
		size_t n = *said == '\\' ? 6 : strcspn(said, "\\");

		n = n > 5 && *said != '\\' ? 5 : n;
		buf_addf(b,
			 "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%.*s\"}}]}\n\n",
			 (int)n, said);
		said += n;
	}
	buf_adds(b,
		 "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
}

static void remember(const char *request)
{
	const char *p = request;

	while ((p = strstr(p, "\"custom_id\":\""))) {
		p += 13;
		buf_addf(&ids, "%.*s\n", (int)strcspn(p, "\""), p);
	}
}

static void put_results(const char *said, struct buf *b)
{
	if (!ids.len) /* they were uploaded elsewhere */
		buf_adds(&ids, "1\n2\n");
	for (const char *p = ids.data; p && *p; p += strcspn(p, "\n") + 1)
		buf_addf(b,
			 "{\"custom_id\":\"%.*s\",\"response\":{\"status_code\":200,\"body\":{\"model\":\"%.40s\",\"choices\":[{\"index\":0,\"message\":"
			 "{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}]}}}\n",
			 (int)strcspn(p, "\n"), p, "m", said);
}

static void reply(int fd, const char *path, const char *request, const char *said)
{
	struct buf b = BUF_INIT, more = BUF_INIT;
	const char *status = "200 OK", *secret = strstr(request, "uthorization: Bearer ");
	int completes = strstr(path, "/completions") || strstr(path, "/messages");

	if (secret)
		buf_addf(&more, "x-request-id: %.*s\r\n", (int)strcspn(secret + 21, "\r"),
			 secret + 21);
	if (completes && !strcmp(as, "answer")) {
		buf_addf(&b,
			 "{\"id\":\"%s\",\"model\":\"%s\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}]}",
			 said, said, said);
	} else if (completes && !strcmp(as, "stream")) {
		buf_adds(&more, "Content-Type: text/event-stream\r\n");
		stream(said, &b);
	} else if (!strcmp(as, "header")) {
		buf_adds(&b, "this is no JSON");
	} else if (!strcmp(as, "html")) {
		status = "500 Internal Server Error";
		buf_addf(&b, "<html><body>%s</body></html>", said);
	} else if (strcmp(as, "error") != 0 && strstr(path, "/content")) {
		if (location) {
			status = "302 Found";
			buf_addf(&more, "Location: %s%s\r\n", location, path);
		}
		put_results(said, &b);
	} else if (strcmp(as, "error") != 0 && strstr(path, "/files")) {
		remember(request);
		buf_adds(&b, "{\"id\":\"file-1\",\"status\":\"processed\"}");
	} else if (strcmp(as, "error") != 0 && strstr(path, "/batches")) {
		buf_adds(&b,
			 "{\"id\":\"batch-1\",\"status\":\"completed\",\"output_file_id\":\"file-2\",\"request_counts\":{\"total\":2,\"completed\":2,\"failed\":0}}");
	} else if (strcmp(as, "error") != 0 && strstr(path, "/events")) {
		buf_addf(&b,
			 "{\"data\":[{\"id\":\"e1\",\"object\":\"fine_tuning.job.event\",\"created_at\":1,\"level\":\"info\",\"message\":\"%s\",\"type\":\"message\"}],\"has_more\":false}",
			 said);
	} else if (strcmp(as, "error") != 0 && strstr(path, "/jobs")) {
		buf_addf(&b,
			 "{\"id\":\"ftjob-1\",\"status\":\"failed\",\"error\":{\"code\":\"x\",\"message\":\"%s\"},\"model\":\"m\"}",
			 said);
	} else {
		status = "400 Bad Request";
		buf_addf(&b, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"code\":\"%s\"}}",
			 said, said, said);
	}
	answer(fd, status, more.data ? more.data : "", &b);
	buf_release(&b);
	buf_release(&more);
}

static void serve(int fd)
{
	static char request[1 << 20];
	struct buf said = BUF_INIT;
	const char *body = NULL, *length;
	char path[2000];
	size_t n = 0, want = 0;
	ssize_t k;

	while (n < sizeof request - 1 && (!body || n < want) &&
	       (k = recv(fd, request + n, sizeof request - 1 - n, 0)) > 0) {
		n += (size_t)k;
		request[n] = 0;
		if (!body && (body = strstr(request, "\r\n\r\n"))) {
			length = strstr(request, "Content-Length:");
			want = (size_t)(body + 4 - request) +
			       (length && length < body ? strtoul(length + 15, NULL, 10) : 0);
		}
	}
	request[n] = 0;
	if (sscanf(request, "%*s %1999s HTTP", path) != 1)
		return;
	if (say)
		echo(say, strlen(say), &said);
	else
		echo(request, n < 4000 ? n : 4000, &said);
	reply(fd, path, request, said.data ? said.data : "");
	buf_release(&said);
}

int main(int argc, char **argv)
{
	int s, fd, port = 0;

	prog_start(&program, argc, argv);
	if (!port_file)
		prog_usage("--port-file is needed");
	s = stub_listen(&port, port_file);
	while (!prog_stopping() && (fd = accept(s, NULL, NULL)) >= 0) {
		serve(fd);
		close(fd);
	}
	buf_release(&ids);
	prog_end(FT_OK);
}
