/* Processes of a data-parallel run; see ranks.h. The state is MPI's own and that of one thread that
 * keeps transfers going: one set of processes a program. */
#include "ranks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef FT_MPI
#include <mpi.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "../base/mem.h"
#include "../base/progress.h"
#include "../nn/kern.h"

#define PATIENCE 20 /* looks at a transfer before the thread begins to sleep between them */
#define SUM_PIECE ((size_t)1024)
#define LOOK_EVERY 50000L /* nanoseconds of that sleep */

struct transfer {
	const float *x;
	size_t n;
	float *own;
};

/* Transfers number `done` to `asked`: the thread makes the first of them. MPI is called by one thread
 * at a time: by this one while there are any, else by the caller's. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t come, gone;
	pthread_t thread;
	int runs, ending;
	struct transfer *queue; /* [cap], number i stands at i % cap */
	size_t cap, asked, done;
} way = {.lock = PTHREAD_MUTEX_INITIALIZER,
	 .come = PTHREAD_COND_INITIALIZER,
	 .gone = PTHREAD_COND_INITIALIZER};

static int size = 1, rank, ended, one_thread;
static struct ranks_cost cost;

static void give_up(void)
{
	if (ended)
		return;
	if (size > 1)
		MPI_Abort(MPI_COMM_WORLD, 2);
	MPI_Finalize();
}

void ranks_begin(void)
{
	int provided;
	MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
	one_thread = provided < MPI_THREAD_SERIALIZED;
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	atexit(give_up);
}

void ranks_end(void)
{
	pthread_mutex_lock(&way.lock);
	way.ending = 1;
	pthread_cond_signal(&way.come);
	pthread_mutex_unlock(&way.lock);
	if (way.runs)
		pthread_join(way.thread, NULL);
	free(way.queue);
	MPI_Finalize();
	ended = 1;
}

int ranks_size(void)
{
	return size;
}

int ranks_rank(void)
{
	return rank;
}

/* Until all transfers are made. */
static void settle(void)
{
	pthread_mutex_lock(&way.lock);
	while (way.runs && way.done < way.asked)
		pthread_cond_wait(&way.gone, &way.lock);
	pthread_mutex_unlock(&way.lock);
}

/* Summed on rank 0 and sent from there: MPI_Allreduce does not promise the same bits everywhere. */
void ranks_sum_doubles(double *x, size_t n)
{
	if (size == 1)
		return;
	double began = progress_clock();
	settle();
	if (rank == 0)
		MPI_Reduce(MPI_IN_PLACE, x, (int)n, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
	else
		MPI_Reduce(x, NULL, (int)n, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
	MPI_Bcast(x, (int)n, MPI_DOUBLE, 0, MPI_COMM_WORLD);
	cost.waited += progress_clock() - began;
}

size_t ranks_most(size_t x)
{
	uint64_t mine = x, most;
	settle();
	MPI_Allreduce(&mine, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
	return (size_t)most;
}

void ranks_share(void *x, size_t bytes)
{
	settle();
	MPI_Bcast(x, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
}

int ranks_agree(const void *x, size_t bytes)
{
	void *first = malloc(bytes);
	int same = first != NULL, all;
	if (first) {
		memcpy(first, x, bytes);
		ranks_share(first, bytes);
		same = memcmp(first, x, bytes) == 0;
	}
	free(first);
	MPI_Allreduce(&same, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
	return all;
}

/* --- parts of arrays --- */

/* Counts and places of all ranks' parts of n values. */
struct parts {
	int *count, *at;
};

static struct parts parts_of(size_t n)
{
	struct parts p = {mem_alloc((size_t)size, sizeof *p.count),
			  mem_alloc((size_t)size, sizeof *p.at)};
	for (size_t r = 0, ranks = (size_t)size; r < ranks; r++) {
		p.at[r] = (int)ranks_cut(n, r, ranks);
		p.count[r] = (int)ranks_cut(n, r + 1, ranks) - p.at[r];
	}
	return p;
}

static void parts_release(struct parts *p)
{
	free(p->count);
	free(p->at);
}

/* A transfer under way. */
struct flight {
	struct transfer t;
	MPI_Request request;
	float *came; /* [ranks - 1, own part] of the others, in their order */
	int *count, *at, *counts, *places;
};

static void depart(struct flight *f, const struct transfer *t)
{
	struct parts x = parts_of(t->n);
	size_t ranks = (size_t)size, n = (size_t)x.count[rank], place = 0;
	*f = (struct flight){.t = *t, .counts = x.count, .places = x.at};
	f->came = mem_alloc(n * (ranks - 1), sizeof *f->came);
	f->count = mem_alloc(ranks, sizeof *f->count);
	f->at = mem_alloc(ranks, sizeof *f->at);
	x.count[rank] = 0; /* what it has itself is at hand */
	for (size_t r = 0; r < ranks; r++) {
		f->count[r] = (int)r == rank ? 0 : (int)n;
		f->at[r] = (int)place;
		place += (size_t)f->count[r];
	}
	MPI_Ialltoallv(t->x, f->counts, f->places, MPI_FLOAT, f->came, f->count, f->at, MPI_FLOAT,
		       MPI_COMM_WORLD, &f->request);
}

/* MPI makes progress while it is asked about it. */
static void await(MPI_Request *request)
{
	const struct timespec pause = {0, LOOK_EVERY};
	for (int looks = 0, over = 0; !over; looks++) {
		MPI_Test(request, &over, MPI_STATUS_IGNORE);
		if (!over && looks < PATIENCE)
			sched_yield();
		else if (!over)
			nanosleep(&pause, NULL);
	}
}

static void arrive(struct flight *f)
{
	await(&f->request);
	const struct nn_kern *kern = nn_kern();
	const float *mine = f->t.x + f->places[rank];
	size_t n = ranks_cut(f->t.n, (size_t)rank + 1, (size_t)size) - (size_t)f->places[rank];
	float sum[SUM_PIECE];
	for (size_t at = 0; at < n; at += SUM_PIECE) {
		size_t m = n - at < SUM_PIECE ? n - at : SUM_PIECE;
		memset(sum, 0, sizeof sum);
		for (int r = 0; r < size; r++)
			kern->add(sum, (r == rank ? mine : f->came + f->at[r]) + at, m);
		kern->add(f->t.own + at, sum, m);
	}
	free(f->came);
	free(f->count);
	free(f->at);
	free(f->counts);
	free(f->places);
}

/* --- in the background --- */

static void *keep_going(void *arg)
{
	struct flight flights[RANKS_FLIGHTS]; /* number i is flights[i % RANKS_FLIGHTS] */
	size_t gone = 0;
	double began = 0;
	pthread_mutex_lock(&way.lock);
	for (;;) {
		while (way.done == way.asked && !way.ending)
			pthread_cond_wait(&way.come, &way.lock);
		if (way.done == way.asked)
			break;
		if (gone == way.done)
			began = progress_clock();
		while (gone < way.asked && gone < way.done + RANKS_FLIGHTS) {
			depart(&flights[gone % RANKS_FLIGHTS], &way.queue[gone % way.cap]);
			gone++;
		}
		pthread_mutex_unlock(&way.lock);
		arrive(&flights[way.done % RANKS_FLIGHTS]);
		pthread_mutex_lock(&way.lock);
		way.done++;
		cost.busy += progress_clock() - began;
		began = progress_clock();
		pthread_cond_broadcast(&way.gone);
	}
	pthread_mutex_unlock(&way.lock);
	return arg;
}

/* Signals are for the main thread, whose system calls they shall interrupt. */
static void begin_thread(void)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	way.runs = pthread_create(&way.thread, NULL, keep_going, NULL) == 0;
	one_thread = !way.runs;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Doubles the queue, those in it in their new places. */
static void widen(void)
{
	size_t cap = way.cap ? 2 * way.cap : 64;
	struct transfer *wider = mem_alloc(cap, sizeof *wider);
	for (size_t i = way.done; i < way.asked; i++)
		wider[i % cap] = way.queue[i % way.cap];
	free(way.queue);
	way.queue = wider;
	way.cap = cap;
}

size_t ranks_scatter(const float *x, size_t n, float *own)
{
	struct transfer t = {x, n, own};
	size_t mine = ranks_cut(n, (size_t)rank + 1, (size_t)size) -
		      ranks_cut(n, (size_t)rank, (size_t)size);
	cost.sent += (double)(n - mine) * sizeof *x;
	if (!way.runs && !one_thread)
		begin_thread();
	if (one_thread) {
		struct flight f;
		depart(&f, &t);
		arrive(&f);
		return 0;
	}
	pthread_mutex_lock(&way.lock);
	if (way.asked - way.done == way.cap)
		widen();
	way.queue[way.asked % way.cap] = t;
	size_t ticket = ++way.asked;
	pthread_cond_signal(&way.come);
	pthread_mutex_unlock(&way.lock);
	return ticket;
}

void ranks_wait(size_t ticket)
{
	if (!way.runs)
		return;
	double began = progress_clock();
	pthread_mutex_lock(&way.lock);
	while (way.done < ticket)
		pthread_cond_wait(&way.gone, &way.lock);
	cost.waited += progress_clock() - began;
	pthread_mutex_unlock(&way.lock);
}

void ranks_gather(float *x, const struct ranks_span *spans, size_t n)
{
	if (size == 1)
		return;
	double began = progress_clock();
	MPI_Request *requests = mem_alloc(n, sizeof(MPI_Request));
	struct parts *parts = mem_alloc(n, sizeof *parts);
	settle();
	for (size_t i = 0; i < n; i++) {
		parts[i] = parts_of(spans[i].n);
		MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, x + spans[i].at, parts[i].count,
				parts[i].at, MPI_FLOAT, MPI_COMM_WORLD, &requests[i]);
		cost.sent += (double)parts[i].count[rank] * (size - 1) * sizeof *x;
	}
	for (size_t i = 0; i < n; i++) {
		await(&requests[i]);
		parts_release(&parts[i]);
	}
	free(parts);
	free(requests);
	double took = progress_clock() - began;
	cost.busy += took;
	cost.waited += took;
}

const float *ranks_collect(const float *own, size_t n, float *room)
{
	if (size == 1)
		return own;
	struct parts p = parts_of(n);
	settle();
	MPI_Gatherv(own, p.count[rank], MPI_FLOAT, room, p.count, p.at, MPI_FLOAT, 0,
		    MPI_COMM_WORLD);
	parts_release(&p);
	return rank ? NULL : room;
}

struct ranks_cost ranks_cost(void)
{
	settle();
	return cost;
}

#else

void ranks_begin(void)
{
}

void ranks_end(void)
{
}

int ranks_size(void)
{
	return 1;
}

int ranks_rank(void)
{
	return 0;
}

void ranks_sum_doubles(double *x, size_t n)
{
	(void)x, (void)n;
}

size_t ranks_most(size_t x)
{
	return x;
}

void ranks_share(void *x, size_t bytes)
{
	(void)x, (void)bytes;
}

int ranks_agree(const void *x, size_t bytes)
{
	(void)x, (void)bytes;
	return 1;
}

size_t ranks_scatter(const float *x, size_t n, float *own)
{
	for (size_t i = 0; i < n; i++)
		own[i] += x[i];
	return 0;
}

void ranks_wait(size_t ticket)
{
	(void)ticket;
}

void ranks_gather(float *x, const struct ranks_span *spans, size_t n)
{
	(void)x, (void)spans, (void)n;
}

const float *ranks_collect(const float *own, size_t n, float *room)
{
	(void)n, (void)room;
	return own;
}

struct ranks_cost ranks_cost(void)
{
	return (struct ranks_cost){0};
}

#endif
