/* curves: the loss curves of a training run, from its metrics.jsonl.
 */
#ifndef FT_WEB_CURVES_H
#define FT_WEB_CURVES_H

#include "../base/buf.h"
#include "../base/err.h"

/* An SVG picture of loss and valid_loss over the steps. */
int curves_write(const char *metrics_path, const char *title, const char *path, struct err *e);

#endif
