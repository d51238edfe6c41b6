/* require: `exact>=0.95`, and whether the data say so.
 *
 * The whole interval on the right side: met; the whole interval on the wrong side: missed; across
 * the bound: inconclusive. Deciding by the point alone ignores the interval. A figure that is not
 * known (NaN) is inconclusive.
 */
#ifndef FT_EVAL_REQUIRE_H
#define FT_EVAL_REQUIRE_H

#include "../base/err.h"
#include "../stats/interval.h"

enum relation { AT_LEAST, AT_MOST, ABOVE, BELOW };

struct requirement {
	char *text, *figure;
	enum relation relation;
	double bound;
};

enum verdict { VERDICT_MET, VERDICT_MISSED, VERDICT_INCONCLUSIVE };

/* FIGURE>=N, <=, > or <; N may end in %. */
int require_parse(const char *text, struct requirement *r, struct err *e);
void require_release(struct requirement *r);
/* Several; *all is for require_release_all, also after -1. */
int require_parse_all(const char *const *texts, size_t n, struct requirement **all, struct err *e);
void require_release_all(struct requirement *all, size_t n);
enum verdict require_judge(const struct requirement *r, struct interval v, int by_point);
const char *require_word(enum verdict v);
/* The exit status after one more verdict: missed ranks over not decided. */
int require_status(int status, enum verdict v);

#endif
