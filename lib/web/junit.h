/* junit: verdicts as JUnit XML, which continuous integration reads.
 *
 *	struct junit j = {.out = &buf};
 *	junit_begin(&j, "ft-x");
 *	junit_suite(&j, span_of("requirements"));
 *	junit_case(&j, span_of("class"), span_of("name"), JUNIT_FAILED, why);	any number of them
 *	junit_end(&j);
 */
#ifndef FT_WEB_JUNIT_H
#define FT_WEB_JUNIT_H

#include "../base/buf.h"

enum junit_result { JUNIT_PASSED, JUNIT_FAILED, JUNIT_ERROR, JUNIT_SKIPPED, JUNIT_RESULTS };

struct junit {
	struct buf *out;
	struct buf name, cases; /* of the open suite */
	size_t count[JUNIT_RESULTS];
	int open;
};

void junit_begin(struct junit *j, const char *program);
void junit_suite(struct junit *j, struct span name); /* ends the one before */
/* message is left out where the case passed. */
void junit_case(struct junit *j, struct span class, struct span name, enum junit_result result,
		struct span message);
void junit_end(struct junit *j);

#endif
