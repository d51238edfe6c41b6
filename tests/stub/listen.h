/* listen: how the test servers come by their port. */
#ifndef FT_STUB_LISTEN_H
#define FT_STUB_LISTEN_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "../../lib/base/file.h"
#include "../../lib/base/prog.h"

/* Listens on 127.0.0.1 at port, or where it is 0 at a free one, which it sets; writes it to the file
 * port_file unless that is NULL. Returns the socket; ends the program where it can't. */
static inline int stub_listen(int *port, const char *port_file)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)*port),
				.sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof a;
	struct err e = ERR_INIT;
	char text[16];
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
	    bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1024) ||
	    getsockname(fd, (struct sockaddr *)&a, &size))
		prog_die("port %d: %s", *port, strerror(errno));
	*port = ntohs(a.sin_port);
	snprintf(text, sizeof text, "%d\n", *port);
	if (port_file && file_write(port_file, text, strlen(text), &e))
		prog_fail(&e);
	return fd;
}

#endif
