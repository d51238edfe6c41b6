/* probe_dates: years never seen before, and the lag behind the record's own time.
 *
 * A window of production is short and the reference is long, so that months and weekdays differ for
 * no reason: they are compared only when asked for. What a model cannot know is a year that its
 * training rows never show.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/twosample.h"
#include "../text/date.h"
#include "probe.h"
#include "values.h"
#include "words.h"

/* "2021 to 2023", "2019, 2022 and 2023". */
static void put_years(struct buf *b, const struct column *c)
{
	size_t n = c->years.n;

	if (n == 0)
		buf_adds(b, "none");
	else if (n == 1)
		buf_addf(b, "%d only", c->years.v[0].which);
	else if (c->years.v[n - 1].which - c->years.v[0].which == (int)n - 1 || n > 4)
		buf_addf(b, "%d to %d%s", c->years.v[0].which, c->years.v[n - 1].which,
			 c->years.v[n - 1].which - c->years.v[0].which == (int)n - 1
				 ? ""
				 : " with gaps");
	else
		for (size_t i = 0; i < n; i++)
			buf_addf(b, "%s%d",
				 i == 0	      ? ""
				 : i + 1 == n ? " and "
					      : ", ",
				 c->years.v[i].which);
}

static void put_day(struct buf *b, int64_t day)
{
	struct date d = date_of_days((long)day);

	buf_addf(b, "%04d-%02d-%02d", d.year, d.month, d.day);
}

/* Rows that name a year, or the blocks of those that name it first of all. */
static uint64_t year_units(const struct line *l, const struct probe *p, int year, uint64_t rows)
{
	struct probe_units u = {0};
	uint64_t n;

	if (!probe_in_blocks(p))
		return rows;
	int64_t *day = values_days(l->current, p->current->sample_n,
				   values_day_first(l->reference, l->current));
	for (size_t row = 0; row < p->current->sample_n; row++)
		if (day[row] != NO_DAY && date_of_days((long)day[row]).year == year)
			probe_units_add(&u, p, 1, row, 0);
	n = probe_units_of(&u, 0);
	probe_units_release(&u);
	free(day);
	return n ? n : 1;
}

/* The year decides that the reference never names. Dealt at random, all k rows of a year fall to
 * the current side with the probability of twosample_all_in_second; Bonferroni over the years of
 * both sides makes that a test. */
static void probe_years(struct line *l, const struct probe *p)
{
	const struct column *was = l->reference, *is = l->current;
	double least = 1, unseen = 0;
	size_t pooled = was->years.n;
	const struct period *top = NULL;

	if (was->dated < DRIFT_VALUES || is->dated < DRIFT_VALUES || !is->years.n)
		return;
	for (size_t i = 0; i < is->years.n; i++) {
		const struct period *y = &is->years.v[i];
		if (column_period_rows(&was->years, y->which))
			continue;
		pooled++;
		unseen += (double)y->rows;
		top = !top || y->rows > top->rows ? y : top;
		least = fmin(least, twosample_all_in_second(year_units(l, p, y->which, y->rows),
							    was->dated, is->dated));
	}
	if (pooled < 2)
		return; /* one and the same year everywhere */
	double share = fmin(1, unseen / (double)is->dated);
	struct finding *f =
		line_found(l, "unseen-year", share, fmin(1, least * (double)pooled), share);
	if (!f)
		return;
	f->unseen = share;
	if (!top) {
		buf_adds(&f->why, "no year that the reference does not have");
		return;
	}
	words_percent(&f->why, (double)top->rows / (double)is->dated);
	buf_addf(&f->why,
		 " of the dated rows name %d, a year that the reference never does: it has ",
		 top->which);
	put_years(&f->why, was);
}

static void put_lag(struct buf *b, double days)
{
	if (days == 0)
		buf_adds(b, "on the day of");
	else
		buf_addf(b, "%.0f %s %s", fabs(days), fabs(days) == 1 ? "day" : "days",
			 days < 0 ? "before" : "after");
}

static double lags_by_blocks(const struct line *l, const struct probe *p, int day_first)
{
	const struct column *side[] = {l->reference, l->current};
	const struct frame *frame[] = {p->reference, p->current};
	const int64_t *time[] = {p->reference_time, p->current_time};
	struct probe_rows rows = {0};

	for (int s = 0; s < 2; s++) {
		int64_t *day = values_days(side[s], frame[s]->sample_n, day_first);
		for (size_t row = 0; row < frame[s]->sample_n; row++)
			if (day[row] != NO_DAY && time[s][row] != NO_DAY)
				probe_rows_add(&rows, p, s, row, (double)(day[row] - time[s][row]));
		free(day);
	}
	return probe_rows_ks(&rows, p);
}

static void probe_lag(struct line *l, const struct probe *p)
{
	size_t n, m;

	if (!p->reference_time || !p->current_time ||
	    (p->time_path && strcmp(p->time_path, l->path) == 0))
		return;
	int day_first = values_day_first(l->reference, l->current);
	double *x =
		values_lags(l->reference, p->reference->sample_n, p->reference_time, day_first, &n);
	double *y = values_lags(l->current, p->current->sample_n, p->current_time, day_first, &m);
	if (n >= DRIFT_VALUES && m >= DRIFT_VALUES &&
	    !(x[0] == x[n - 1] && y[0] == y[m - 1] && x[0] == y[0])) {
		double d = twosample_ks(x, n, y, m, NULL);
		struct finding *f = line_found(l, "lag", d,
					       probe_in_blocks(p) ? lags_by_blocks(l, p, day_first)
								  : twosample_ks_p(d, x, n, y, m),
					       d);
		if (f) {
			buf_adds(&f->why, "the median date is ");
			put_lag(&f->why, y[m / 2]);
			buf_addf(&f->why, " %s", p->time_path);
			if (y[m / 2] != x[n / 2]) {
				buf_adds(&f->why, "; in the reference ");
				put_lag(&f->why, x[n / 2]);
			} else {
				buf_addf(&f->why, " as in the reference%s", d > 0 ? ", but " : "");
				probe_put_apart(&f->why, x, n, y, m, " days after it");
			}
		}
	}
	free(x);
	free(y);
}

static double calendar_by_blocks(const struct line *l, const struct probe *p, int day_first,
				 int weekdays)
{
	const struct column *side[] = {l->reference, l->current};
	const struct frame *frame[] = {p->reference, p->current};
	struct probe_rows rows = {0};

	for (int s = 0; s < 2; s++) {
		int64_t *day = values_days(side[s], frame[s]->sample_n, day_first);
		for (size_t row = 0; row < frame[s]->sample_n; row++)
			if (day[row] != NO_DAY)
				probe_rows_add(&rows, p, s, row,
					       weekdays ? moment_weekday(day[row])
							: date_of_days((long)day[row]).month - 1);
		free(day);
	}
	return probe_rows_table(&rows, p, weekdays ? 7 : 12);
}

/* Shape over the year and the week, for those who ask. */
static void probe_calendar(struct line *l, const struct probe *p)
{
	static const char *const months[] = {"January",	  "February", "March",	  "April",
					     "May",	  "June",     "July",	  "August",
					     "September", "October",  "November", "December"};
	static const char *const days[] = {"Monday", "Tuesday",	 "Wednesday", "Thursday",
					   "Friday", "Saturday", "Sunday"};
	uint64_t month[2][12] = {{0}}, weekday[2][7] = {{0}};
	const struct column *side[] = {l->reference, l->current};
	const struct frame *frame[] = {p->reference, p->current};
	int day_first = values_day_first(l->reference, l->current);
	struct twosample_table t;
	size_t n[2] = {0};

	for (int s = 0; s < 2; s++) {
		int64_t *day = values_days(side[s], frame[s]->sample_n, day_first);
		for (size_t i = 0; i < frame[s]->sample_n; i++) {
			if (day[i] == NO_DAY)
				continue;
			month[s][date_of_days((long)day[i]).month - 1]++;
			weekday[s][moment_weekday(day[i])]++;
			n[s]++;
		}
		free(day);
	}
	if (n[0] < DRIFT_VALUES || n[1] < DRIFT_VALUES)
		return;
	for (int i = 0; i < 2; i++) {
		uint64_t *was = i ? weekday[0] : month[0], *is = i ? weekday[1] : month[1];
		twosample_table(was, is, i ? 7 : 12, p->options->seed, p->draws, &t);
		if (probe_in_blocks(p))
			t.p = calendar_by_blocks(l, p, day_first, i);
		struct finding *f = t.df > 0 ? line_found(l, i ? "weekdays" : "months", t.statistic,
							  t.p, t.effect)
					     : NULL;
		if (!f)
			continue;
		buf_addf(&f->why, "%s ", (i ? days : months)[t.where]);
		words_moved(&f->why, (double)was[t.where] / (double)n[0],
			    (double)is[t.where] / (double)n[1]);
		buf_adds(&f->why, " of the dates");
		for (int k = 0; i && k < 7; k++)
			finding_name(f, span_of(days[k]), (double)was[k] / (double)n[0],
				     (double)is[k] / (double)n[1]);
	}
}

static void warn_range(struct line *l)
{
	int day_first = values_day_first(l->reference, l->current);
	const struct reading *was = &l->reference->reading[day_first],
			     *is = &l->current->reading[day_first];

	if (was->first_day > was->last_day || is->first_day > is->last_day)
		return;
	if (is->last_day > was->last_day) {
		buf_adds(&l->warning, "dates up to ");
		put_day(&l->warning, is->last_day);
		buf_adds(&l->warning, ", beyond the reference's last, ");
		put_day(&l->warning, was->last_day);
	}
	if (is->first_day < was->first_day) {
		buf_adds(&l->warning, l->warning.len ? "; dates from " : "dates from ");
		put_day(&l->warning, is->first_day);
		buf_adds(&l->warning, ", before the reference's first, ");
		put_day(&l->warning, was->first_day);
	}
}

void probe_dates(struct line *l, const struct probe *p)
{
	if (!l->reference || !l->current)
		return;
	probe_years(l, p);
	probe_lag(l, p);
	if (p->options->calendar)
		probe_calendar(l, p);
	warn_range(l);
}
