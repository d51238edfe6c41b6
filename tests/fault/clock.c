/* clock: preloaded before programs, moves the clock of the day by as many seconds as the file that FT_CLOCK
 * names says now; the clocks that only go forward are as they are. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long jump(void)
{
	const char *name = getenv("FT_CLOCK");
	FILE *f = name ? fopen(name, "re") : NULL;
	long seconds = 0;

	if (f) {
		if (fscanf(f, "%ld", &seconds) != 1)
			seconds = 0;
		fclose(f);
	}
	return seconds;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (!rc && id == CLOCK_REALTIME)
		t->tv_sec += jump();
	return rc;
}

time_t time(time_t *to)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (to)
		*to = t.tv_sec;
	return t.tv_sec;
}
