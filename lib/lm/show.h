/* show: what a model would be trained on, for people and for other programs. */
#ifndef FT_SHOW_H
#define FT_SHOW_H

#include "../base/buf.h"
#include "dataset.h"
#include "tokenizer.h"

/* Appends a heading ("# FILE:LINE, tokens, of which trained") and the example's text, special tokens included. Runs of tokens with a weight
 * other than 0 are set off: by colour, or between the marks >>> and <<< where colour is 0. Control characters other than newline
 * and tab are written as \xNN, so that data cannot command a terminal. */
void show_example(const struct dataset *d, size_t i, const struct tokenizer *t, int colour, struct buf *b);

/* Appends the packs of one step over these rows as JSON Lines, as the trainer lays them. pairs: a row is two examples. */
void show_packs(const struct dataset *d, const size_t *rows, size_t n, int pairs, struct buf *b);

#endif
