/* pool: threads that wait for pieces of work. See pool.h. */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include "mem.h"

struct pool {
	int threads; /* with the caller */
	pthread_t *worker;
	pthread_mutex_t lock;
	pthread_cond_t start, done;
	unsigned long round; /* counts calls of pool_run */
	size_t n, next;	     /* pieces of this round; first one not taken */
	int open;	     /* a round goes on and may be joined */
	int working;	     /* workers that joined and are not through */
	int ending;
	void (*fn)(void *arg, size_t i);
	void *arg;
};

static int processors(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		return CPU_COUNT(&set);
	return 1;
}

static void take_pieces(struct pool *p)
{
	for (;;) {
		size_t i = __atomic_fetch_add(&p->next, 1, __ATOMIC_RELAXED);
		if (i >= p->n)
			return;
		p->fn(p->arg, i);
	}
}

static void *worker_main(void *arg)
{
	struct pool *p = arg;
	unsigned long seen = 0;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while ((!p->open || p->round == seen) && !p->ending)
			pthread_cond_wait(&p->start, &p->lock);
		if (p->ending)
			break;
		seen = p->round;
		p->working++;
		pthread_mutex_unlock(&p->lock);
		take_pieces(p);
		pthread_mutex_lock(&p->lock);
		if (--p->working == 0)
			pthread_cond_signal(&p->done);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_new(int threads)
{
	struct pool *p = mem_alloc(1, sizeof *p);
	p->threads = threads > 0 ? threads : processors();
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->start, NULL);
	pthread_cond_init(&p->done, NULL);
	p->worker = mem_alloc((size_t)p->threads, sizeof *p->worker);
	/* Signals are for the main thread, whose system calls they shall interrupt. */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (int i = 0; i < p->threads - 1; i++)
		if (pthread_create(&p->worker[i], NULL, worker_main, p)) {
			p->threads = i + 1;
			break;
		}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = 1;
	pthread_cond_broadcast(&p->start);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->threads - 1; i++)
		pthread_join(p->worker[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->start);
	pthread_cond_destroy(&p->done);
	free(p->worker);
	free(p);
}

int pool_threads(const struct pool *p)
{
	return p ? p->threads : 1;
}

void pool_run(struct pool *p, size_t n, void (*fn)(void *arg, size_t i), void *arg)
{
	if (!p || p->threads == 1 || n <= 1) {
		for (size_t i = 0; i < n; i++)
			fn(arg, i);
		return;
	}
	pthread_mutex_lock(&p->lock);
	p->n = n;
	p->next = 0;
	p->fn = fn;
	p->arg = arg;
	p->open = 1;
	p->round++;
	pthread_cond_broadcast(&p->start);
	pthread_mutex_unlock(&p->lock);
	take_pieces(p);
	pthread_mutex_lock(&p->lock);
	/* who has not woken by now is not waited for: on a busy machine that would take longer than
	 * the work */
	p->open = 0;
	while (p->working > 0)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}
