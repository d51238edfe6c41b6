/* tap: the few macros that unit tests print TAP with. */
#ifndef FT_TAP_H
#define FT_TAP_H

#include <math.h>
#include <stdio.h>
#include <string.h>

static int tap_n, tap_bad;

#define ok(cond, ...) \
	do { \
		int tap_good = !!(cond); \
		tap_bad += !tap_good; \
		printf("%sok %d - ", tap_good ? "" : "not ", ++tap_n); \
		printf(__VA_ARGS__); \
		printf("\n"); \
		if (!tap_good) \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
	} while (0)

#define ok_near(got, want, tol, ...) \
	do { \
		double tap_got = (got), tap_want = (want); \
		ok(fabs(tap_got - tap_want) <= (tol), __VA_ARGS__); \
		if (!(fabs(tap_got - tap_want) <= (tol))) \
			printf("# got %.17g, want %.17g (tolerance %g)\n", tap_got, tap_want, \
			       (double)(tol)); \
	} while (0)

#define ok_str(got, want, ...) \
	do { \
		const char *tap_g = (got), *tap_w = (want); \
		ok(strcmp(tap_g, tap_w) == 0, __VA_ARGS__); \
		if (strcmp(tap_g, tap_w) != 0) \
			printf("# got  %s\n# want %s\n", tap_g, tap_w); \
	} while (0)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_n);
	return tap_bad != 0;
}

#endif
