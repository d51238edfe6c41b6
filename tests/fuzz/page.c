/* The page of ft-review as a browser, or somebody else on this machine, may ask for it: the input
 * goes through a socket to the server itself.
 *
 * A first byte of `!` sends what follows as it is; otherwise the first line is a method and a path
 * and the rest a body, sent with the headers and the cookie of a reviewer; %K and %H in the body
 * stand for the key and hash of the first row. Every answer must be complete, and the journal must
 * still be readable in the end. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "../../lib/base/buf.h"
#include "../../lib/base/file.h"
#include "../../lib/review/page.h"
#include "../../lib/review/subject.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char rows[] =
	"{\"id\":\"a\",\"split\":\"train\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":\"x\"}],"
	"\"review\":{\"suspicion\":0.5,\"reasons\":[{\"reason\":\"length\",\"score\":0.5,\"why\":\"long\",\"other\":\"00112233445566778899aabbccddeeff\"}]}}\n"
	"{\"id\":\"b\",\"split\":\"test\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":\"y\"}]}\n"
	"{\"messages\":[{\"role\":\"user\",\"content\":\"call\"},{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}]}\n"
	"{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"text\":\"bare\",\"ideal\":[\"1\",\"2\"]}\n{}\n";

#define ANEW 4000 /* requests until the journal begins anew */

static char dir[] = "/tmp/ft-fuzz-XXXXXX", rows_path[64], journal_path[64];
static struct journal journal;
static struct desk desk;
static struct web_server *server;
static char cookie[128], key[KEY_TEXT], hash[33];
static unsigned requests;
static int port;

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

/* Sends the request and takes the whole answer, at most max bytes of which are kept. A request that
 * leaves the connection open is not waited for long. */
static size_t talk(struct span request, int open, char *answer, size_t max)
{
	sigset_t alarms, before;
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct timeval patience = {.tv_sec = open ? 0 : 20, .tv_usec = open ? 20000 : 0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char chunk[65536];
	size_t have = 0;
	ssize_t k;
	/* libFuzzer looks at the clock by SIGALRM, which would cut calls short. */
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms, &before);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
		fail("the server does not listen");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	for (size_t done = 0; done < request.n; done += (size_t)k)
		if ((k = send(fd, request.s + done, request.n - done, MSG_NOSIGNAL)) <= 0)
			break;
	shutdown(fd, SHUT_WR);
	while ((k = recv(fd, chunk, sizeof chunk, 0)) > 0)
		for (ssize_t i = 0; i < k && have + 1 < max; i++)
			answer[have++] = chunk[i];
	if (max)
		answer[have] = 0;
	close(fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return have;
}

static void open_desk(void)
{
	struct err e = ERR_INIT;
	char *files[] = {rows_path, NULL}, request[512], answer[4096];
	struct desk_options options = {.who = "fuzz", .every = 2};
	unlink(journal_path);
	if (journal_open(&journal, journal_path, 1, NULL, &e) < 0 ||
	    desk_open(&desk, files, &journal, &options, &e) < 0 ||
	    web_start(&server, 0, 100000, page_answer, &desk, &e) < 0)
		fail(e.msg);
	if (sscanf(web_address(server), "http://127.0.0.1:%d/", &port) != 1)
		fail(web_address(server));
	const char *token = strstr(web_address(server), "/?token=");
	int n = snprintf(request, sizeof request,
			 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n",
			 token, port);
	talk((struct span){request, (size_t)n}, 0, answer, sizeof answer);
	const char *set = strcasestr(answer, "set-cookie: ");
	if (!set || sscanf(set + 12, "%100[^;]", cookie) != 1)
		fail("the token lets nobody in");
	desk_key(&desk, 0, key);
	if (subject_hash(desk_record(&desk, 0), hash, &e) < 0)
		fail(e.msg);
}

static void close_desk(void)
{
	struct err e = ERR_INIT;
	web_stop(server);
	desk_close(&desk);
	journal_close(&journal);
	if (journal_open(&journal, journal_path, 0, NULL, &e) < 0)
		fail(e.msg);
	journal_close(&journal);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e = ERR_INIT;
	(void)argc;
	(void)argv;
	if (!mkdtemp(dir))
		fail(dir);
	snprintf(rows_path, sizeof rows_path, "%s/rows.jsonl", dir);
	snprintf(journal_path, sizeof journal_path, "%s/journal.jsonl", dir);
	if (file_write(rows_path, rows, sizeof rows - 1, &e) < 0)
		fail(e.msg);
	open_desk();
	return 0;
}

static void add_body(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 1 < n && (s[i + 1] == 'K' || s[i + 1] == 'H'))
			buf_adds(b, s[++i] == 'K' ? key : hash);
		else
			buf_addc(b, s[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf request = BUF_INIT, body = BUF_INIT;
	char answer[64];
	if (++requests % ANEW == 0) {
		close_desk();
		open_desk();
	}
	if (n && *data == '!') {
		buf_add(&request, (const char *)data + 1, n - 1);
	} else {
		const char *line = (const char *)data, *nl = memchr(line, '\n', n);
		size_t first = nl ? (size_t)(nl - line) : n;
		if (nl)
			add_body(&body, nl + 1, n - first - 1);
		buf_add(&request, line, first);
		buf_addf(&request,
			 " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\nCookie: %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
			 port, port, cookie, body.len);
		buf_addspan(&request, buf_span(&body));
	}
	size_t got = talk(buf_span(&request), n && *data == '!', answer, sizeof answer);
	if (got && strncmp(answer, "HTTP/1.", 7) != 0)
		fail("an answer that is none");
	buf_release(&request);
	buf_release(&body);
	return 0;
}
