/* inject [-k KINDS] [-c FILE] [-f N | -s N] COMMAND...: runs a command and has one of its system calls
 * fail (-f), or ends it with SIGKILL before that call (-s).
 *
 * What is counted are the calls of the given kinds that the process makes itself, in all its threads,
 * from the moment on when its libraries are loaded: -c says how many there were. A disk that is full
 * (-f of `write`) fails that one write alone: what is written after it would hide that something is
 * missing, if nobody looked. Standard error can always be written to.
 *
 * The kernel hands the calls over (seccomp_unotify(2)), so those that a library makes are seen as well
 * as our own. The library fault.so, which is preloaded, says when the program begins. Signals to stop
 * are passed on.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "marker.h"

#define KINDS 6

static const struct kind {
	const char *name;
	int error;
	long calls[10]; /* ends with 0 or the array; none of them is call 0 */
} kinds[KINDS] = {
	{"write",
	 ENOSPC,
	 {SYS_write, SYS_pwrite64, SYS_writev, SYS_sendto, SYS_ftruncate, SYS_fallocate}},
	{"sync", EIO, {SYS_fsync, SYS_fdatasync}},
	{"open", EMFILE, {SYS_openat, SYS_socket, SYS_pipe2, SYS_eventfd2}},
	{"rename",
	 EIO,
	 {SYS_renameat, SYS_renameat2, SYS_linkat, SYS_unlinkat, SYS_mkdirat,
#ifdef SYS_rename
	  SYS_rename, SYS_link, SYS_unlink, SYS_mkdir, SYS_rmdir
#endif
	 }},
	{"map", ENOMEM, {SYS_mmap, SYS_mremap}},
	{"read", EIO, {SYS_pread64, SYS_getdents64, SYS_lseek}},
};

static int chosen[KINDS];
static long count, fail_at = -1, stop_at = -1;
static pid_t child;

static void choose(char *names)
{
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		int i = 0;

		while (i < KINDS && strcmp(name, kinds[i].name) != 0)
			i++;
		if (i == KINDS) {
			fprintf(stderr, "inject: no kind of call is named %s\n", name);
			exit(125);
		}
		chosen[i] = 1;
	}
}

/* The kind of a call among those that were chosen; NULL: none. */
static const struct kind *kind_of(long call)
{
	for (int i = 0; i < KINDS; i++)
		for (int k = 0; chosen[i] && k < 10 && kinds[i].calls[k]; k++)
			if (kinds[i].calls[k] == call)
				return &kinds[i];
	return NULL;
}

static void add(struct sock_filter *f, unsigned short *n, unsigned short code, unsigned k,
		unsigned char yes, unsigned char no)
{
	f[(*n)++] = (struct sock_filter){code, yes, no, k};
}

/* Has the kernel ask about the chosen calls and the marker; the descriptor it asks at. */
static int listen_to_calls(void)
{
	struct sock_filter f[128];
	struct sock_fprog program = {.filter = f};
	unsigned short n = 0;
	const unsigned call = offsetof(struct seccomp_data, nr),
		       first = offsetof(struct seccomp_data, args);

	add(f, &n, BPF_LD | BPF_W | BPF_ABS, call, 0, 0);
	for (int i = 0; i < KINDS; i++)
		for (int k = 0; chosen[i] && k < 10 && kinds[i].calls[k]; k++) {
			if (kinds[i].calls[k] == SYS_write) {
				add(f, &n, BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 4);
				add(f, &n, BPF_LD | BPF_W | BPF_ABS, first, 0, 0);
				add(f, &n, BPF_JMP | BPF_JEQ | BPF_K, STDERR_FILENO, 0, 1);
				add(f, &n, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
				add(f, &n, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0, 0);
				continue;
			}
			add(f, &n, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)kinds[i].calls[k], 0, 1);
			add(f, &n, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0, 0);
		}
	add(f, &n, BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3);
	add(f, &n, BPF_LD | BPF_W | BPF_ABS, first, 0, 0);
	add(f, &n, BPF_JMP | BPF_JEQ | BPF_K, MARKER, 0, 1);
	add(f, &n, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0, 0);
	add(f, &n, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	program.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* A descriptor from one process to the other, over a socket. sendmsg is none of the kinds. */
static void hand_over(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof fd)] = {0}, byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	if (sendmsg(socket, &m, 0) != 1)
		_exit(125);
}

static int take(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec part = {&byte, 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof control};
	int fd;

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	return fd;
}

static void start(int socket, char **command)
{
	int fd = listen_to_calls();

	if (fd < 0) {
		perror("inject: seccomp");
		_exit(125);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hand_over(socket, fd);
	close(fd);
	close(socket);
	execvp(command[0], command);
	fprintf(stderr, "inject: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

/* Answers one call that the kernel asks about. */
static void answer(int fd, int *began)
{
	struct seccomp_notif q = {0};
	struct seccomp_notif_resp a = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	const struct kind *kind;

	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &q))
		return;
	a.id = q.id;
	kind = kind_of(q.data.nr);
	/* a thread of the command's own process, not of one that it started */
	if (syscall(SYS_tgkill, child, q.pid, 0) == 0) {
		if (q.data.nr == SYS_prctl) {
			*began = 1;
			a = (struct seccomp_notif_resp){.id = q.id};
		} else if (kind && *began) {
			count++;
			if (count == stop_at)
				kill(child, SIGKILL);
			if (count == fail_at)
				a = (struct seccomp_notif_resp){.id = q.id, .error = -kind->error};
		}
	}
	/* fails where the caller is gone */
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &a);
}

static void pass_on(int signal)
{
	if (child > 0)
		kill(child, signal);
}

static int follow(int fd)
{
	int end = (int)syscall(SYS_pidfd_open, child, 0), began = 0, status;
	struct pollfd both[2] = {{.fd = fd, .events = POLLIN}, {.fd = end, .events = POLLIN}};

	while (end >= 0) {
		if (poll(both, 2, -1) < 0 && errno != EINTR)
			break;
		if (both[0].revents & POLLIN)
			answer(fd, &began);
		else if (both[1].revents & POLLIN)
			break;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	const char *count_to = NULL;
	char library[4096];
	int pair[2], option, fd, status;
	FILE *f;

	while ((option = getopt(argc, argv, "+k:c:f:s:")) != -1) {
		if (option == 'k')
			choose(optarg);
		else if (option == 'c')
			count_to = optarg;
		else if (option == 'f')
			fail_at = strtol(optarg, NULL, 10);
		else if (option == 's')
			stop_at = strtol(optarg, NULL, 10);
		else
			return 125;
	}
	if (optind == argc || readlink("/proc/self/exe", library, sizeof library - 16) < 0)
		return 125;
	strcpy(strrchr(library, '/'), "/fault.so");
	setenv("LD_PRELOAD", library, 1);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return 125;
	signal(SIGTERM, pass_on);
	signal(SIGINT, pass_on);
	child = fork();
	if (child == 0)
		start(pair[1], argv + optind);
	close(pair[1]);
	fd = take(pair[0]);
	status = fd < 0 ? 125 : follow(fd);
	f = count_to ? fopen(count_to, "w") : NULL;
	if (f) {
		fprintf(f, "%ld\n", count);
		fclose(f);
	}
	return status;
}
