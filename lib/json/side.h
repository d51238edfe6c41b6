/* side: train, valid or test, the member `split` of a record. */
#ifndef FT_JSON_SIDE_H
#define FT_JSON_SIDE_H

#include "reader.h"

enum side { SIDE_NONE = -1, SIDE_TRAIN, SIDE_VALID, SIDE_TEST, SIDES };

/* "train", "valid", "test". */
const char *side_name(enum side side);
const char *side_json(enum side side); /* in quotes */
/* SIDE_NONE where the text is no side's name. */
enum side side_named(const char *text);

/* The side that a record's `split` member (raw JSON) names: SIDE_NONE in *side where the value is
 * absent or null, -1 with the reason where it is anything else than the three names. */
int side_read(struct span value, enum side *side, struct err *e);

/* As reader_next, for those that train: rows of the test side are passed over and added to *tests,
 * and rows of no side that there is are refused (reader_refuse). */
int side_next(struct reader *in, struct record *r, enum side *side, size_t *tests, struct err *e);

#endif
