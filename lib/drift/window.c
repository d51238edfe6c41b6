/* window: calibration, and the file that a restart goes on from; see the header. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../base/rng.h"
#include "../json/jw.h"
#include "../text/hash.h"
#include "window.h"
#include "../stats/order.h"

#define STATE_VERSION 1
#define CALIBRATION_ROWS ((size_t)60000) /* that are read again to learn from, about */
#define STATE_MAX ((size_t)1 << 30)

/* --- reference rows --- */

void window_pool_release(struct window_pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->line[i]);
	free(p->line);
	free(p->priority);
	*p = (struct window_pool){0};
}

void window_pool_add(struct window_pool *p, struct span line, uint64_t seed)
{
	uint64_t priority = hash_mix(hash_mix(seed, 0x3001), p->seen++);

	if (!p->line) {
		p->line = mem_alloc(WINDOW_ROWS, sizeof *p->line);
		p->priority = mem_alloc(WINDOW_ROWS, sizeof *p->priority);
	}
	if (p->n < WINDOW_ROWS) {
		p->priority[p->n] = priority;
		p->line[p->n++] = mem_strndup(line.s, line.n);
		return;
	}
	/* Algorithm R with hashes for dice: row k replaces one of the pool with probability size /
	 * k. */
	uint64_t at = priority % p->seen;
	if (at >= WINDOW_ROWS)
		return;
	free(p->line[at]);
	p->line[at] = mem_strndup(line.s, line.n);
}

/* --- calibration --- */

static int frame_of(struct frame *f, const struct window_pool *p, const size_t *index, size_t n,
		    window_prepare *prepare, void *arg, struct err *e)
{
	struct record rec = {0};
	int bad = 0;

	frame_init(f);
	prepare(arg, f);
	for (size_t i = 0; i < n && !bad; i++)
		bad = record_parse(&rec, span_of(p->line[index[i]]), e) || frame_add(f, &rec, e);
	frame_finish(f);
	record_release(&rec);
	return bad ? -1 : 0;
}

double window_least_p(const struct comparison *c, const struct drift_options *o,
		      const struct line **line)
{
	double least = 1;

	if (line)
		*line = NULL;
	for (size_t i = 0; i < c->n; i++) {
		for (size_t k = 0; k < c->lines[i].findings; k++) {
			const struct finding *f = &c->lines[i].finding[k];
			if (!finding_counts(f, o) || f->p >= least)
				continue;
			least = f->p;
			if (line)
				*line = &c->lines[i];
		}
	}
	return least;
}

/* The rate of an exponential from the lower half of n values, the rest known only to be larger. */
static double censored_rate(double *p, size_t n)
{
	size_t half = (n + 1) / 2;
	double sum = 0;

	order_sort(p, n);
	for (size_t i = 0; i < half; i++)
		sum += -log1p(-fmin(p[i], 1 - 1e-9));
	sum += (double)(n - half) * -log1p(-fmin(p[half - 1], 1 - 1e-9));
	return sum > 0 ? (double)half / sum : 1;
}

/* Parts of the reference that windows are drawn from, each with the rest to compare them with. */
struct calibration {
	const struct window_calibration *how;
	size_t splits, windows; /* windows of a split */
	size_t held;		/* rows of a split that they are drawn from */
	double *least;		/* splits * windows */
	struct err *e;		/* of each split */
	unsigned char *bad;
};

/* As many splits as CALIBRATION_ROWS allow, so that the luck of one does not decide; a small
 * reference has one for every window, and they are compared with nearly all of it, as the stream's
 * will be. */
static void plan_splits(struct calibration *k)
{
	size_t all = k->how->rows->n, n = k->how->n;

	k->splits = CALIBRATION_ROWS / all;
	k->splits = k->splits < 1		     ? 1
		    : k->splits > WINDOW_CALIBRATION ? WINDOW_CALIBRATION
						     : k->splits;
	k->windows = (WINDOW_CALIBRATION + k->splits - 1) / k->splits;
	k->held = k->windows * n < all / 2 ? k->windows * n : all / 2 > n ? all / 2 : n;
}

/* The smallest p of a window of the rows index[0..n-1]. */
static int judge_drawn(const struct calibration *k, const struct frame *reference,
		       const size_t *index, double *least, struct err *e)
{
	const struct window_calibration *how = k->how;
	struct frame window;
	struct comparison c;
	/* The floor on the effect would turn the p of most large windows into 1, and a rate
	 * fitted to that lump allows far too many alarms. Without it the rate is that of the p
	 * themselves; the floor only takes alarms away. */
	struct drift_options any = *how->options;
	int bad;

	any.min_effect = 0;
	bad = frame_of(&window, how->rows, index, how->n, how->prepare, how->arg, e) ||
	      compare(reference, &window, &any, &c, e);
	if (!bad) {
		*least = window_least_p(&c, &any, NULL);
		comparison_release(&c);
	}
	frame_release(&window);
	return bad ? -1 : 0;
}

static void draw_windows(void *arg, size_t split)
{
	struct calibration *k = arg;
	const struct window_calibration *how = k->how;
	size_t all = how->rows->n, *order = mem_alloc(all, sizeof *order);
	struct frame reference;
	struct err *e = &k->e[split];
	struct rng rng;

	rng_seed(&rng, how->options->seed, 0xca1b + split);
	for (size_t i = 0; i < all; i++)
		order[i] = i;
	rng_shuffle(&rng, order, all);
	int bad = frame_of(&reference, how->rows, order + k->held, all - k->held, how->prepare,
			   how->arg, e);
	for (size_t i = 0; i < k->windows && !bad; i++) {
		size_t at = (i + 1) * how->n <= k->held ? i * how->n : 0;
		if (at == 0 && i > 0)
			rng_shuffle(&rng, order, k->held);
		bad = how->stopping && how->stopping()
			      ? err_set(e, "stopped")
			      : judge_drawn(k, &reference, order + at,
					    &k->least[split * k->windows + i], e);
	}
	k->bad[split] = bad != 0;
	frame_release(&reference);
	free(order);
}

int window_calibrate(const struct window_calibration *how, double *tests, struct err *e)
{
	struct calibration k = {.how = how};
	int rc = 0;

	if (how->rows->n < 3 * how->n)
		return err_set(e,
			       "%zu reference rows are too few to learn how windows of %zu rows behave without drift; it takes three times as many",
			       how->rows->n, how->n);
	plan_splits(&k);
	k.least = mem_alloc(k.splits * k.windows, sizeof *k.least);
	k.e = mem_alloc(k.splits, sizeof *k.e);
	k.bad = mem_alloc(k.splits, sizeof *k.bad);
	pool_run(how->pool, k.splits, draw_windows, &k);
	for (size_t i = 0; i < k.splits && !rc; i++) {
		if (k.bad[i]) {
			*e = k.e[i];
			rc = -1;
		}
	}
	if (!rc)
		*tests = censored_rate(k.least, k.splits * k.windows);
	free(k.least);
	free(k.e);
	free(k.bad);
	return rc;
}

double window_threshold(double tests, size_t rows, double ert)
{
	double share = (double)rows / ert;

	return share >= 1 ? 1 : -expm1(log1p(-share) / tests);
}

/* --- state --- */

static void put_header(const struct window_state *s, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_object(&w);
	jw_put_int(&w, "ft_drift_state", STATE_VERSION);
	jw_key(&w, "fingerprint");
	char hex[17];
	snprintf(hex, sizeof hex, "%016" PRIx64, s->fingerprint);
	jw_str(&w, hex);
	jw_put_int(&w, "windows", s->windows);
	jw_key(&w, "rows");
	/* those that follow are counted when they are read */
	jw_int(&w, (int64_t)(s->rows - s->pending_n));
	jw_put_int(&w, "alarms", s->alarms);
	jw_put_num(&w, "tests", s->tests);
	jw_end(&w);
	buf_addc(b, '\n');
}

static int open_for_rows(struct window_state *s, struct err *e)
{
	s->fd = open(s->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return s->fd < 0 ? err_errno(e, "%s", s->path) : 0;
}

static int read_header(struct window_state *s, struct span line, struct err *e)
{
	struct span v;
	int64_t n;
	double x;
	char hex[17];

	if (json_check(line, &v, e))
		return err_prefix(e, "%s:1: no state of ft-drift", s->path);
	if (json_int(json_member(v, "ft_drift_state"), &n) || n != STATE_VERSION)
		return err_set(e, "%s: no state of ft-drift, or of another version", s->path);
	snprintf(hex, sizeof hex, "%016" PRIx64, s->fingerprint);
	if (!json_is(json_member(v, "fingerprint"), hex))
		return err_set(e,
			       "%s: the state of a run with another reference or other options; remove it to begin anew",
			       s->path);
	if (json_int(json_member(v, "windows"), &n) || n < 0)
		return err_set(e, "%s: windows is missing", s->path);
	s->windows = (uint64_t)n;
	if (json_int(json_member(v, "rows"), &n) || n < 0)
		return err_set(e, "%s: rows is missing", s->path);
	s->rows = (uint64_t)n;
	if (json_int(json_member(v, "alarms"), &n) || n < 0)
		return err_set(e, "%s: alarms is missing", s->path);
	s->alarms = (uint64_t)n;
	s->tests = json_number(json_member(v, "tests"), &x) ? 0 : x;
	return 0;
}

/* A file beside the state, which is a new one whenever it is written anew. The lock ends with the
 * process, whichever way that ends; the empty file stays. */
static int lock_state(struct window_state *s, struct err *e)
{
	struct buf name = BUF_INIT;

	buf_addf(&name, "%s.lock", s->path);
	s->lock = file_lock(name.data, s->path, e);
	buf_release(&name);
	return s->lock < 0 ? -1 : 0;
}

/* The whole rows from byte `at` on, checked now: a row that is none must not wait for the window to
 * be full. Returns where they end, or 0. */
static size_t read_rows(struct window_state *s, const struct buf *all, size_t at, struct err *e)
{
	struct record rec = {0};
	int bad = 0;

	for (char *end; !bad && (end = memchr(all->data + at, '\n', all->len - at));) {
		struct span row = {all->data + at, (size_t)(end - all->data) - at};
		bad = record_parse(&rec, row, e);
		s->pending_n++;
		at += row.n + 1;
	}
	if (bad)
		err_prefix(e, "%s:%zu", s->path, s->pending_n + 1);
	record_release(&rec);
	return bad ? 0 : at;
}

int window_state_load(struct window_state *s, struct err *e)
{
	struct buf all = {.max = STATE_MAX};
	int bad = -1;

	s->fd = s->lock = -1;
	if (!s->path)
		return 0;
	if (lock_state(s, e))
		return -1;
	if (!file_exists(s->path)) {
		struct buf header = BUF_INIT;
		put_header(s, &header);
		bad = file_write(s->path, header.data, header.len, e);
		buf_release(&header);
		return bad ? -1 : open_for_rows(s, e);
	}
	if (file_read(s->path, STATE_MAX, &all, e))
		goto cleanup;
	char *end = all.data ? memchr(all.data, '\n', all.len) : NULL;
	if (!end) {
		err_set(e, "%s: no state of ft-drift: the header is cut short", s->path);
		goto cleanup;
	}
	if (read_header(s, (struct span){all.data, (size_t)(end - all.data)}, e))
		goto cleanup;
	/* The last row may have been cut by a kill; the file goes on behind the whole ones. */
	size_t at = (size_t)(end - all.data) + 1, good = read_rows(s, &all, at, e);
	if (!good)
		goto cleanup;
	buf_add(&s->pending, all.data + at, good - at);
	s->rows += s->pending_n;
	if (good < all.len && truncate(s->path, (off_t)good)) {
		err_errno(e, "%s", s->path);
		goto cleanup;
	}
	bad = open_for_rows(s, e);
cleanup:
	buf_release(&all);
	return bad ? -1 : 0;
}

int window_state_add(struct window_state *s, struct span line, struct err *e)
{
	size_t from = s->pending.len;

	if (buf_addspan(&s->pending, line) || buf_addc(&s->pending, '\n'))
		return err_set(e, "a window of more than %zu bytes", BUF_MAX);
	s->pending_n++;
	s->rows++;
	if (s->fd < 0)
		return 0;
	while (from < s->pending.len) {
		ssize_t n = write(s->fd, s->pending.data + from, s->pending.len - from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "%s", s->path);
		from += (size_t)n;
	}
	return 0;
}

int window_state_save(struct window_state *s, struct err *e)
{
	struct buf all = BUF_INIT;
	int bad;

	if (s->fd < 0)
		return 0;
	close(s->fd);
	s->fd = -1;
	put_header(s, &all);
	bad = buf_addspan(&all, buf_span(&s->pending))
		      ? err_set(e, "a window of more than %zu bytes", BUF_MAX)
		      : file_write(s->path, all.data, all.len, e);
	buf_release(&all);
	return bad ? -1 : open_for_rows(s, e);
}

int window_compare(const struct window_state *s, const struct frame *reference,
		   const struct drift_options *o, window_prepare *prepare, void *arg,
		   struct comparison *c, struct err *e)
{
	struct frame window;
	struct record rec = {0};
	/* A stream that changes altogether is what an alarm is for. */
	struct drift_options any = *o;
	int bad = 0;

	any.any_shape = 1;
	frame_init(&window);
	prepare(arg, &window);
	for (size_t at = 0; at < s->pending.len && !bad;) {
		const char *line = s->pending.data + at,
			   *end = memchr(line, '\n', s->pending.len - at);
		struct span row = {line, (size_t)(end - line)};
		bad = record_parse(&rec, row, e) || frame_add(&window, &rec, e);
		at += row.n + 1;
	}
	frame_finish(&window);
	bad = bad || compare(reference, &window, &any, c, e);
	frame_release(&window);
	record_release(&rec);
	return bad ? -1 : 0;
}

int window_state_close(struct window_state *s, struct err *e)
{
	s->windows++;
	buf_clear(&s->pending);
	s->pending_n = 0;
	return window_state_save(s, e);
}

void window_state_release(struct window_state *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->lock >= 0)
		close(s->lock);
	buf_release(&s->pending);
	*s = (struct window_state){.fd = -1, .lock = -1};
}
