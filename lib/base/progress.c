/* progress: a bar on standard error. See progress.h. */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "out.h"

double progress_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double progress_milli(double seconds)
{
	return round(seconds * 1e3) / 1e3;
}

void progress_begin(struct progress *p, const char *what, double total, int quiet)
{
	*p = (struct progress){.what = what, .total = total};
	p->on = !quiet && isatty(STDERR_FILENO) && !out_is_dumb();
	p->started = progress_clock();
	p->last = p->started + 0.4;
}

static void put_time(char *to, size_t n, double s)
{
	long t = (long)(s + 0.5);
	if (t < 60)
		snprintf(to, n, "%lds", t);
	else if (t < 3600)
		snprintf(to, n, "%ldm%02lds", t / 60, t % 60);
	else
		snprintf(to, n, "%ldh%02ldm", t / 3600, t / 60 % 60);
}

void progress_set(struct progress *p, double done, const char *note)
{
	p->done = done;
	double now = p->on ? progress_clock() : 0;
	if (!p->on || now - p->last < 0.1)
		return;
	p->last = now;
	double spent = now - p->started, rate = spent > 0 ? done / spent : 0;
	char left[32] = "";
	fputs("\r\033[K", stderr);
	if (p->total > 0) {
		double share = done / p->total;
		if (share > 1)
			share = 1;
		char bar[21];
		for (int i = 0; i < 20; i++)
			bar[i] = i < (int)(share * 20) ? '#' : '.';
		bar[20] = 0;
		strcpy(left, "?");
		if (rate > 0)
			put_time(left, sizeof left,
				 (p->total - done > 0 ? p->total - done : 0) / rate);
		fprintf(stderr, "[%s] %3.0f%% %.0f/%s%.0f %s, %.3g/s, %s left", bar, share * 100,
			done, p->about ? "~" : "", p->total, p->what, rate, left);
	} else {
		fprintf(stderr, "%.0f %s, %.3g/s", done, p->what, rate);
	}
	if (note && *note)
		fprintf(stderr, ", %s", note);
	fflush(stderr);
}

void progress_clear(struct progress *p)
{
	if (p->on)
		fputs("\r\033[K", stderr);
}

void progress_end(struct progress *p)
{
	progress_clear(p);
	p->on = 0;
}
