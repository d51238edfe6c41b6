/* page: a comparison as one self-contained HTML page, the reference drawn against the current
 * records path by path; and as JUnit XML. */
#ifndef FT_DRIFT_PAGE_H
#define FT_DRIFT_PAGE_H

#include "../web/html.h"
#include "compare.h"

#define PAGE_PLOTS 60 /* paths drawn at most, those that drifted first */

void page_html(const struct comparison *c, const struct drift_options *o,
	       const struct html_about *about, struct buf *b);
/* Its plots alone, path by path; names are those of the reference and the current records. */
void page_plots(const struct comparison *c, const char *const names[2], struct buf *b);
/* One test case a path: drift is a failure, too little data is skipped. */
void page_junit(const struct comparison *c, const struct drift_options *o, struct buf *b);

#endif
