/* Processes of a data-parallel run; see ranks.h. The state is MPI's own: one set of processes a
 * program. */
#include "ranks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef FT_MPI
#include <mpi.h>

#define PIECE ((size_t)1 << 26) /* counts are ints: long arrays go in pieces */

static int ended;

static void give_up(void)
{
	if (ended)
		return;
	if (ranks_size() > 1)
		MPI_Abort(MPI_COMM_WORLD, 2);
	MPI_Finalize();
}

void ranks_begin(void)
{
	MPI_Init(NULL, NULL);
	atexit(give_up);
}

void ranks_end(void)
{
	MPI_Finalize();
	ended = 1;
}

int ranks_size(void)
{
	int n;
	MPI_Comm_size(MPI_COMM_WORLD, &n);
	return n;
}

int ranks_rank(void)
{
	int n;
	MPI_Comm_rank(MPI_COMM_WORLD, &n);
	return n;
}

/* Summed on rank 0 and sent from there: MPI_Allreduce does not promise the same bits everywhere. */
static void sum(void *x, size_t n, size_t size, MPI_Datatype type)
{
	for (size_t at = 0; at < n; at += PIECE) {
		int count = (int)(n - at < PIECE ? n - at : PIECE);
		void *piece = (char *)x + at * size;
		if (ranks_rank() == 0)
			MPI_Reduce(MPI_IN_PLACE, piece, count, type, MPI_SUM, 0, MPI_COMM_WORLD);
		else
			MPI_Reduce(piece, NULL, count, type, MPI_SUM, 0, MPI_COMM_WORLD);
		MPI_Bcast(piece, count, type, 0, MPI_COMM_WORLD);
	}
}

void ranks_sum(float *x, size_t n)
{
	if (ranks_size() > 1)
		sum(x, n, sizeof *x, MPI_FLOAT);
}

void ranks_sum_doubles(double *x, size_t n)
{
	if (ranks_size() > 1)
		sum(x, n, sizeof *x, MPI_DOUBLE);
}

void ranks_share(void *x, size_t bytes)
{
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

void ranks_sum(float *x, size_t n)
{
	(void)x, (void)n;
}

void ranks_sum_doubles(double *x, size_t n)
{
	(void)x, (void)n;
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

#endif
