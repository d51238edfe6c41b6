/* OpenBLAS, of which sgemm is used, loaded by the process that multiplies. A program that is linked with it pays
 * for it at each start, also where it only asks an API: 3 ms, and a thread a processor, which turns for some 20 ms
 * before it sleeps. */
#ifndef FT_NN_BLAS_H
#define FT_NN_BLAS_H

#include <cblas.h>
#include "../base/err.h"

struct blas {
	__typeof__(cblas_sgemm) *sgemm;
	/* the work space of a thread that computes: later it would be waited for without end where there is none */
	void *(*work)(int where);
	void (*work_free)(void *work);
};

/* Loads it, single-threaded, at the first call; all calls give the same, from any thread. NULL with the reason where
 * there is no OpenBLAS, or no memory for it. */
const struct blas *blas_load(struct err *e);

#endif
