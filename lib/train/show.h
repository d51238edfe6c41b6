/* show: what a model would be trained on, for people and for other programs. */
#ifndef FT_TRAIN_SHOW_H
#define FT_TRAIN_SHOW_H

#include "../base/buf.h"
#include "../token/tokenizer.h"
#include "dataset.h"
#include "loop.h"

/* Appends a heading ("# FILE:LINE, tokens, of which trained") and the example's text, special
 * tokens included. Runs of tokens with a weight other than 0 are set off: by colour, or between the
 * marks >>> and <<< where colour is 0. Control characters other than newline and tab are written as
 * \xNN, so that data cannot command a terminal. */
void show_example(const struct dataset *d, size_t i, const struct tokenizer *t, int colour,
		  struct buf *b);

/* All examples of d so, each given as soon as it is written. stopping may be NULL. */
void show_examples(const struct dataset *d, const struct tokenizer *t, int colour,
		   void (*give)(void *arg, struct span text), void *arg, int (*stopping)(void));

/* The packs of the first epoch, at most all steps of it, as JSON Lines: those of one step at a
 * time, as the trainer lays them. stopping may be NULL. */
void show_epoch(const struct dataset *d, const struct loop_spec *spec,
		void (*give)(void *arg, struct span lines), void *arg, int (*stopping)(void));

#endif
