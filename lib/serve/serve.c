/* serve: see serve.h. The loop: what is ready is found with epoll, first clients that went, then what
 * targets sent, then libmicrohttpd, so that what a target ended is in the log before the client is given
 * its last bytes. */
#include "serve.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "serve_impl.h"

#define EVENTS 512
#define SWEEP_SECONDS 0.25
#define SHADOW_GRACE 5.0 /* seconds */
#define LAST_WORDS 1.0	 /* for clients to take that it is over */
#define KEEP_BYTES (16 << 20)

/* Kinds of what is waited for; the descriptor stands in the lower half. */
enum { KIND_TARGET, KIND_CLIENT, KIND_FRONT, KIND_WAKE, KIND_LOG };

static volatile sig_atomic_t read_routes;

static void on_hangup(int sig)
{
	(void)sig;
	read_routes = 1;
}

static void watch(struct serve *s, int fd, unsigned kind, unsigned events, int op)
{
	struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)kind << 32 | (unsigned)fd};

	epoll_ctl(s->epoll, op, fd, &ev);
}

void serve_watch(struct serve *s, int fd, unsigned events, int add)
{
	watch(s, fd, KIND_TARGET, events,
	      !events ? EPOLL_CTL_DEL
	      : add   ? EPOLL_CTL_ADD
		      : EPOLL_CTL_MOD);
}

void serve_hold(struct serve *s, size_t *held, size_t now)
{
	s->held = s->held - *held + now;
	*held = now;
}

/* --- the log --- */

static int write_lines(struct serve *s, struct span lines)
{
	struct err e = ERR_INIT;
	time_t now = time(NULL);
	int rc = 0;

	for (const char *p = lines.s, *end = p + lines.n, *next; p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		next = newline + 1;
		if (!rc)
			rc = daylog_write(s->o->log, (struct span){p, (size_t)(newline - p)}, now,
					  &e);
		if (!rc) {
			s->meter.count[METER_RECORDS]++;
			continue;
		}
		if (s->o->log_must)
			buf_add(&s->unwritten, p, (size_t)(next - p));
		else
			s->meter.count[METER_LOST]++;
	}
	if (rc && !s->log_failing)
		s->o->say("records %s: %s", s->o->log_must ? "wait" : "are lost", e.msg);
	else if (!rc && s->log_failing)
		s->o->say("records are written again");
	s->log_failing = rc != 0;
	return rc;
}

static int write_waiting(struct serve *s)
{
	struct buf waiting = s->unwritten;
	int rc;

	if (!waiting.len)
		return 0;
	memset(&s->unwritten, 0, sizeof s->unwritten);
	rc = write_lines(s, buf_span(&waiting));
	buf_release(&waiting);
	return rc;
}

void serve_log(struct serve *s, struct span lines)
{
	if (!lines.n)
		return;
	if (s->unwritten.len && write_waiting(s))
		buf_addspan(&s->unwritten, lines);
	else
		write_lines(s, lines);
}

int serve_log_works(struct serve *s)
{
	return !s->o->log_must || !write_waiting(s);
}

static void watch_log(struct serve *s)
{
	int fd = daylog_waits(s->o->log);
	size_t lost = daylog_lost(s->o->log);

	if (lost) {
		s->meter.count[METER_LOST] += lost;
		s->meter.count[METER_RECORDS] -= lost;
		if (!s->log_failing)
			s->o->say("records are lost: the reader of standard output went away");
		s->log_failing = 1;
	}
	if (fd >= 0 && !s->log_watched) {
		watch(s, fd, KIND_LOG, EPOLLOUT, EPOLL_CTL_ADD);
		s->log_watched = fd;
	} else if (fd < 0 && s->log_watched) {
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->log_watched, NULL);
		s->log_watched = 0;
	}
}

/* --- the loop --- */

static int wait_ms(struct serve *s, double now)
{
	MHD_UNSIGNED_LONG_LONG ms;
	double least = s->n_asks || s->n_waiting ? SWEEP_SECONDS : 1;

	if (s->mhd_due || s->any_paused)
		return 0;
	if (s->curl_due > 0 && s->curl_due - now < least)
		least = s->curl_due - now;
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && (double)ms / 1000 < least)
		least = (double)ms / 1000;
	return least <= 0 ? 0 : (int)(least * 1000 + 0.999);
}

static void go_on(struct serve *s)
{
	s->any_paused = 0;
	for (struct serve_ask *a = s->asks, *next; a; a = next) {
		next = a->next;
		if (a->paused && a->wanted)
			serve_ask_go_on(a);
	}
	serve_ask_local(s);
}

static void turn(struct serve *s, const sigset_t *during)
{
	struct epoll_event ev[EVENTS];
	uint64_t count;
	double now;
	int n = epoll_pwait(s->epoll, ev, EVENTS, wait_ms(s, progress_clock()), during), woken = 0;

	for (int i = 0; i < n; i++)
		if (ev[i].data.u64 >> 32 == KIND_CLIENT)
			serve_front_gone(s, (int)(ev[i].data.u64 & 0xffffffff));
	for (int i = 0; i < n; i++) {
		int fd = (int)(ev[i].data.u64 & 0xffffffff);

		switch (ev[i].data.u64 >> 32) {
		case KIND_TARGET:
			serve_ask_socket(s, fd, ev[i].events);
			break;
		case KIND_WAKE:
			woken = read(s->wake, &count, sizeof count) > 0;
			break;
		case KIND_LOG:
			daylog_flush(s->o->log);
			break;
		case KIND_FRONT:
			s->mhd_due = 1;
			break;
		default:
			break;
		}
	}
	now = progress_clock();
	serve_ask_timer(s, now);
	if (woken)
		serve_ask_local(s);
	serve_shadow_run(s, now);
	/* libmicrohttpd closes what idled by itself, when it is run. */
	s->mhd_due = 0;
	MHD_run(s->daemon);
	serve_ask_timer(s, progress_clock());
	if (s->any_paused)
		go_on(s);
	watch_log(s);
}

static void now_and_then(struct serve *s, double now)
{
	serve_ask_sweep(s, now);
	serve_ask_local(s);
	serve_reload_end(s, 0);
	daylog_sweep(s->o->log, time(NULL));
	if (read_routes) {
		read_routes = 0;
		serve_reload(s);
	}
}

static void each_call(struct serve *s, void (*what)(struct serve_call *c))
{
	for (struct serve_call *c = s->calls, *next; c; c = next) {
		next = c->next;
		what(c);
	}
}

/* Calls end, new ones are refused; until time is up. Candidates, whom nobody waits for, have no more
 * than a moment beside them. */
static void drain(struct serve *s, const sigset_t *during)
{
	double began = progress_clock(), until = began + s->o->drain,
	       shadows_until = began + SHADOW_GRACE;

	s->draining = 1;
	listen_notify("STOPPING=1");
	MHD_quiesce_daemon(s->daemon);
	while (progress_clock() < until && (s->n_calls || ((s->n_running || s->n_waiting) &&
							   progress_clock() < shadows_until))) {
		turn(s, during);
		serve_ask_sweep(s, progress_clock());
		serve_ask_local(s);
	}
	each_call(s, serve_call_dismiss);
	for (until = progress_clock() + LAST_WORDS; s->n_calls && progress_clock() < until;)
		turn(s, during);
	each_call(s, serve_call_interrupt);
	if (s->n_running + s->n_waiting)
		s->o->say("%zu calls of shadows were not waited for", s->n_running + s->n_waiting);
	serve_shadow_close(s);
	for (int i = 0; i < 10 && s->n_calls; i++)
		turn(s, during);
	write_waiting(s);
	/* A reader of standard output has a moment to take what is due. */
	until = progress_clock() + 2;
	while (daylog_waits(s->o->log) >= 0 && progress_clock() < until)
		if (daylog_flush(s->o->log))
			usleep(10000);
}

/* What a call frees the next one takes: giving it back to the system in between costs more than both. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD /* glibc's */
	mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	mallopt(M_MMAP_THRESHOLD, KEEP_BYTES / 4);
	mallopt(M_TOP_PAD, 1 << 20);
#endif
}

static void raise_limit(size_t connections)
{
	struct rlimit r;

	/* Each call has a socket on both sides. */
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < 2 * connections + 64) {
		r.rlim_cur = r.rlim_max < 2 * connections + 64 ? r.rlim_max : 2 * connections + 64;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int begin(struct serve *s, struct err *e)
{
	const struct serve_options *o = s->o;
	struct serve_plan *plan;

	raise_limit(o->connections);
	keep_memory();
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll < 0 || s->wake < 0)
		return err_errno(e, "no epoll set");
	watch(s, s->wake, KIND_WAKE, EPOLLIN, EPOLL_CTL_ADD);
	if (listen_open(o->listen, &s->at, e)) {
		routes_free(o->routes);
		return -1;
	}
	plan = serve_plan_make(s, o->routes, e);
	if (!plan)
		return -1;
	serve_plan_install(s, plan);
	if (!s->at.loopback && !plan->clients)
		return err_set(e,
			       "%s: listening anywhere but on loopback needs the keys of those who may call (--keys)",
			       s->at.address);
	if (serve_ask_open(s, e) || serve_front_open(s, e))
		return -1;
	watch(s, s->mhd_epoll, KIND_FRONT, EPOLLIN, EPOLL_CTL_ADD);
	return 0;
}

static void end(struct serve *s)
{
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	serve_reload_end(s, 1);
	if (s->plan)
		serve_plan_drop(s, s->plan);
	serve_ask_close(s);
	serve_spots_tidy(s);
	meter_release(&s->meter);
	buf_release(&s->unwritten);
	free(s->clients);
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->wake >= 0)
		close(s->wake);
	daylog_free(s->o->log);
	prices_free(s->o->prices);
}

int serve_run(const struct serve_options *o, struct err *e)
{
	struct serve s = {.o = o,
			  .epoll = -1,
			  .wake = -1,
			  .at.fd = -1,
			  .started = progress_clock()};
	struct sigaction hangup = {.sa_handler = on_hangup}, ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked, before;
	double swept = 0;
	int rc;

	/* Signals come in where nothing else is under way, and to this thread alone. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGHUP, &hangup, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	rc = begin(&s, e);
	if (!rc) {
		o->say("listening at %s", s.at.address);
		listen_notify("READY=1");
		while (!o->stopping()) {
			double now;

			turn(&s, &before);
			now = progress_clock();
			if (now - swept >= SWEEP_SECONDS || read_routes ||
			    __atomic_load_n(&s.fresh_ready, __ATOMIC_ACQUIRE)) {
				now_and_then(&s, now);
				swept = now;
			}
		}
		drain(&s, &before);
	}
	end(&s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}
