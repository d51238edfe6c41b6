/* watch: see the header. */
#include "watch.h"

#include <math.h>
#include "../json/jw.h"
#include "../text/hash.h"
#include "report.h"

void watch_reference(struct watch *w, struct span line)
{
	window_pool_add(&w->rows, line, w->how.options->seed);
	w->state.fingerprint = hash64(line, w->state.fingerprint);
}

/* Whatever a verdict depends on besides the rows. */
static uint64_t mix_options(const struct opt *given, uint64_t hash)
{
	struct buf b = BUF_INIT;
	struct jw j;

	jw_init(&j, &b);
	jw_object(&j);
	jw_options(&j, given);
	jw_end(&j);
	hash = hash64(buf_span(&b), hash);
	buf_release(&b);
	return hash;
}

int watch_open(struct watch *w, void (*learning)(const struct watch *w), struct err *e)
{
	size_t n = w->how.n;

	w->state.fingerprint = mix_options(w->given, w->state.fingerprint);
	if (window_state_load(&w->state, e))
		return -1;
	if (w->state.tests <= 0) {
		if (learning)
			learning(w);
		w->how.rows = &w->rows;
		/* Kept at once: a restart must not wait for it again. */
		if (window_calibrate(&w->how, &w->state.tests, e) ||
		    window_state_save(&w->state, e))
			return -1;
	}
	w->threshold = window_threshold(w->state.tests, n, w->ert);
	/* A threshold near 1 must not leave a permutation test without draws to tell by. */
	w->how.options->draws = (size_t)fmin(fmax(1000, 20 / w->threshold), 200000);
	return 0;
}

int watch_full(const struct watch *w)
{
	return w->state.pending_n >= w->how.n;
}

int watch_add(struct watch *w, struct span line, struct err *e)
{
	return window_state_add(&w->state, line, e);
}

int watch_judge(struct watch *w, int sentence, struct buf *out, int *alarm, struct err *e)
{
	struct comparison c;
	struct window_report r = {.number = w->state.windows + 1,
				  .last = w->state.rows,
				  .first = w->state.rows - w->state.pending_n + 1,
				  .threshold = w->threshold};

	if (window_compare(&w->state, w->reference, w->how.options, w->how.prepare, w->how.arg, &c,
			   e))
		return -1;
	r.p = window_least_p(&c, w->how.options, &r.line);
	r.alarm = *alarm = r.p <= r.threshold;
	if (sentence)
		report_window_text(&r, out);
	else
		report_window(&r, &c, out);
	comparison_release(&c);
	return 0;
}

int watch_next(struct watch *w, int alarm, struct err *e)
{
	w->state.alarms += (uint64_t)alarm;
	return window_state_close(&w->state, e);
}

void watch_release(struct watch *w)
{
	window_pool_release(&w->rows);
	window_state_release(&w->state);
}
