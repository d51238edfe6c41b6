/* stub-hub: as much of a Hugging Face hub as ft-pull talks to, from a directory, with faults on
 * demand.
 *
 *	stub-hub --port-file FILE [option ...] DIR
 *
 * GET /api/models/ORG/NAME/revision/REV gives DIR/ORG/NAME/api.json (404 where there is none),
 * /ORG/NAME/resolve/COMMIT/FILE the file DIR/ORG/NAME/FILE; *.safetensors by a redirect to another
 * origin (localhost instead of 127.0.0.1). Range is honoured unless --no-range. One connection
 * after the other, one request each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/prog.h"
#include "listen.h"

static long long cut, fail_first, headers;
static const char *port_file, *log_name, *token;
static int no_range, lie, flood, encoded;

static struct opt options[] = {
	{0, "port-file", OPT_STR, &port_file, "FILE", "where the port is written once it answers"},
	{0, "log", OPT_STR, &log_name, "FILE",
	 "a line for each request: path, range, with or without authorization"},
	{0, "token", OPT_STR, &token, "TOKEN",
	 "answer 401 to requests to the hub itself without it"},
	{0, "cut", OPT_INT, &cut, "N", "close in the middle of the first N bodies of weights", 0,
	 1e6},
	{0, "fail", OPT_INT, &fail_first, "N", "answer 503 to the first N requests", 0, 1e6},
	{0, "headers", OPT_INT, &headers, "N", "N headers of 1 KB each before every body", 0, 1e6},
	{0, "no-range", OPT_FLAG, &no_range, NULL, "always send whole files"},
	{0, "flood", OPT_FLAG, &flood, NULL, "send 64 MB behind every body of weights"},
	{0, "encoded", OPT_FLAG, &encoded, NULL, "say that bodies of weights are compressed"},
	{0, "lie", OPT_FLAG, &lie, NULL, "change the last byte of every body of weights"},
	{0},
};

static const struct program program = {
	"stub-hub", "[option ...] DIR", "A model hub for tests.", options, NULL,
};

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

static void answer(int fd, const char *status, const char *more, struct span body)
{
	struct buf head = BUF_INIT;

	buf_addf(&head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s", status,
		 body.n, more);
	for (long long i = 0; i < headers; i++)
		buf_addf(&head, "X-Header: %01012d\r\n", 0);
	buf_adds(&head, "\r\n");
	put(fd, head.data, head.len);
	put(fd, body.s, body.n);
	buf_release(&head);
}

/* The value of a request header, into to; "" where it is not there. */
static void header(const char *request, const char *name, char *to, size_t size)
{
	const char *at = strcasestr(request, name);
	size_t n = at ? strcspn(at += strlen(name), "\r\n") : 0;

	snprintf(to, size, "%.*s", (int)n, at ? at : "");
}

static void send_file(int fd, const char *path, const char *range, int weights)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	size_t from = 0;
	char more[100] = "";

	if (strstr(path, "..") || file_read(path, (size_t)1 << 30, &b, &e)) {
		answer(fd, "404 Not Found", "", span_of("{}"));
		return;
	}
	if (*range && !no_range && sscanf(range, " bytes=%zu-", &from) == 1 && from < b.len)
		snprintf(more, sizeof more, "Content-Range: bytes %zu-%zu/%zu\r\n", from, b.len - 1,
			 b.len);
	else
		from = 0;
	if (lie && weights && b.len)
		b.data[b.len - 1] ^= 1;
	if (encoded && weights)
		strcat(more, "Content-Encoding: gzip\r\n");
	if (flood && weights) {
		buf_reserve(&b, (size_t)64 << 20);
		memset(b.data + b.len, 0, (size_t)64 << 20);
		b.len += (size_t)64 << 20;
	}
	if (weights && cut > 0) {
		struct buf head = BUF_INIT;

		cut--;
		buf_addf(&head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
			 from ? "206 Partial Content" : "200 OK", b.len - from, more);
		put(fd, head.data, head.len);
		put(fd, b.data + from, (b.len - from) / 2);
		buf_release(&head);
	} else {
		answer(fd, from ? "206 Partial Content" : "200 OK", more,
		       (struct span){b.data ? b.data + from : "", b.len - from});
	}
	buf_release(&b);
}

static void serve(int fd, const char *dir, int port, FILE *log)
{
	static char request[65536];
	char path[2000], range[100], auth[300], full[4000], want[300], host[100], repo[400],
		file[400];
	size_t n = 0;
	ssize_t k;

	while (n < sizeof request - 1 &&
	       (k = recv(fd, request + n, sizeof request - 1 - n, 0)) > 0) {
		n += (size_t)k;
		request[n] = 0;
		if (strstr(request, "\r\n\r\n"))
			break;
	}
	request[n] = 0;
	if (sscanf(request, "GET %1999s HTTP", path) != 1)
		return;
	header(request, "\nRange:", range, sizeof range);
	header(request, "\nAuthorization:", auth, sizeof auth);
	header(request, "\nHost:", host, sizeof host);
	if (log) {
		fprintf(log, "%s%s%s %s\n", path, *range ? " " : "", range,
			*auth ? "authorized" : "anonymous");
		fflush(log);
	}
	snprintf(want, sizeof want, " Bearer %s", token ? token : "");
	if (fail_first > 0) {
		fail_first--;
		answer(fd, "503 Service Unavailable", "Retry-After: 0\r\n", span_of("{}"));
	} else if (!strncmp(path, "/cdn/", 5)) {
		snprintf(full, sizeof full, "%s/%s", dir, path + 5);
		send_file(fd, full, range, 1);
	} else if (token && strcmp(auth, want)) {
		answer(fd, "401 Unauthorized", "", span_of("{}"));
	} else if (sscanf(path, "/api/models/%399[^?]", repo) == 1 && strstr(repo, "/revision/")) {
		*strstr(repo, "/revision/") = 0;
		snprintf(full, sizeof full, "%s/%s/api.json", dir, repo);
		send_file(fd, full, "", 0);
	} else if (strstr(path, "/resolve/") &&
		   sscanf(strstr(path, "/resolve/"), "/resolve/%*[^/]/%399s", file) == 1) {
		*strstr(path, "/resolve/") = 0;
		if (strstr(file, ".safetensors") && !strstr(file, ".json")) {
			snprintf(full, sizeof full, "Location: http://localhost:%d/cdn%s/%s\r\n",
				 port, path, file);
			answer(fd, "302 Found", full, span_of(""));
		} else {
			snprintf(full, sizeof full, "%s%s/%s", dir, path, file);
			send_file(fd, full, range, 0);
		}
	} else {
		answer(fd, "404 Not Found", "", span_of("{}"));
	}
}

int main(int argc, char **argv)
{
	char **operands = prog_start(&program, argc, argv);
	int s, fd, port = 0;
	FILE *log = log_name ? fopen(log_name, "w") : NULL;

	if (!operands[0] || !port_file)
		prog_usage("a directory and --port-file are needed");
	s = stub_listen(&port, port_file);
	while (!prog_stopping() && (fd = accept(s, NULL, NULL)) >= 0) {
		serve(fd, operands[0], port, log);
		close(fd);
	}
	prog_end(FT_OK);
}
