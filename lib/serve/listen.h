/* listen: the socket that calls come in at, and what systemd is told.
 *
 * Sockets that systemd passed on ($LISTEN_FDS, sd_listen_fds(3)) and the datagrams of sd_notify(3) are
 * spoken here without libsystemd; both are nothing where the program was started by other means.
 */
#ifndef FT_SERVE_LISTEN_H
#define FT_SERVE_LISTEN_H

#include <stddef.h>
#include "../base/err.h"

struct listen_at {
	int fd;
	int loopback; /* nobody else on the network reaches it */
	int unix_socket;
	char address[128]; /* http://127.0.0.1:8080 */
	char name[256];	   /* the host that was asked for; empty where systemd passed the socket */
};

/* Listens at HOST:PORT ([::1]:8080 for IPv6; port 0 picks one), or takes what systemd passed. -1 with the
 * reason. */
int listen_open(const char *where, struct listen_at *at, struct err *e);

/* "READY=1", "STOPPING=1", "RELOADING=1": to whom $NOTIFY_SOCKET names, if anyone. */
void listen_notify(const char *state);

#endif
