/* listen: see listen.h. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SYSTEMD_FIRST 3
#define BACKLOG 4096

static int describe(struct listen_at *at, struct err *e)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} a;
	socklen_t n = sizeof a;
	char host[INET6_ADDRSTRLEN];

	if (getsockname(at->fd, &a.any, &n))
		return err_errno(e, "the socket to listen at");
	if (a.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof host);
		at->loopback = (ntohl(a.v4.sin_addr.s_addr) >> 24) == 127;
		snprintf(at->address, sizeof at->address, "http://%s:%d", host,
			 ntohs(a.v4.sin_port));
	} else if (a.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof host);
		at->loopback = IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
		snprintf(at->address, sizeof at->address, "http://[%s]:%d", host,
			 ntohs(a.v6.sin6_port));
	} else if (a.any.sa_family == AF_UNIX) {
		/* Whoever may open it is the file system's business. */
		at->loopback = at->unix_socket = 1;
		snprintf(at->address, sizeof at->address, "a Unix socket");
	} else {
		return err_set(e, "the socket to listen at is of an unknown family");
	}
	return 0;
}

/* Whether systemd passed sockets to this very process; they are no child's. */
static int from_systemd(struct listen_at *at, struct err *e)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	if (!pid || !fds || atol(pid) != (long)getpid())
		return 0;
	if (atoi(fds) != 1)
		return err_set(e, "LISTEN_FDS: %s sockets were passed, and one is wanted", fds);
	at->fd = SYSTEMD_FIRST;
	if (fcntl(at->fd, F_SETFD, FD_CLOEXEC) || fcntl(at->fd, F_SETFL, O_NONBLOCK))
		return err_errno(e, "LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return describe(at, e) ? -1 : 1;
}

/* HOST:PORT, [HOST]:PORT or PORT. */
static int split(const char *where, char host[256], char port[16])
{
	const char *colon = strrchr(where, ':'), *end;

	if (!colon) {
		if (strspn(where, "0123456789") != strlen(where) || strlen(where) >= 16 || !*where)
			return -1;
		snprintf(host, 256, "127.0.0.1");
		snprintf(port, 16, "%s", where);
		return 0;
	}
	end = colon;
	if (*where == '[') {
		where++;
		if (end == where || *--end != ']')
			return -1;
	} else if (memchr(where, ':', (size_t)(colon - where))) {
		return -1; /* IPv6 needs its brackets */
	}
	if (end == where || (size_t)(end - where) >= 256 || strlen(colon + 1) >= 16 || !colon[1] ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || atol(colon + 1) > 65535)
		return -1;
	snprintf(host, 256, "%.*s", (int)(end - where), where);
	snprintf(port, 16, "%s", colon + 1);
	return 0;
}

int listen_open(const char *where, struct listen_at *at, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
			*list = NULL;
	char host[256], port[16];
	int rc = from_systemd(at, e), one = 1;

	if (rc)
		return rc < 0 ? -1 : 0;
	if (split(where, host, port))
		return err_set(e, "%s: must be HOST:PORT, [HOST]:PORT or PORT", where);
	snprintf(at->name, sizeof at->name, "%s", host);
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc)
		return err_set(e, "%s: %s", where, gai_strerror(rc));
	at->fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (at->fd < 0 || setsockopt(at->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
	    bind(at->fd, list->ai_addr, list->ai_addrlen) || listen(at->fd, BACKLOG))
		rc = err_errno(e, "cannot listen at %s", where);
	freeaddrinfo(list);
	if (!rc)
		rc = describe(at, e);
	if (rc && at->fd >= 0)
		close(at->fd);
	return rc;
}

void listen_notify(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = name ? strlen(name) : 0;
	char text[128];
	struct timespec now;
	int fd;

	if (n < 2 || n >= sizeof to.sun_path || (*name != '/' && *name != '@'))
		return;
	memcpy(to.sun_path, name, n);
	if (*name == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Type=notify-reload wants to know when. */
	snprintf(text, sizeof text, "%s\nMONOTONIC_USEC=%lld", state,
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		errno = 0; /* nobody listens: nothing depends on it */
	close(fd);
}
