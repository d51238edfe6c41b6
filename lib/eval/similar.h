/* similar: how close one text is to another, from 0 to 1.
 *
 * Each follows a published definition, named beside it, and gives its values.
 */
#ifndef FT_EVAL_SIMILAR_H
#define FT_EVAL_SIMILAR_H

#include "../base/buf.h"

/* Edit distance and longest common subsequence take the lengths multiplied, less what both texts begin
 * and end with. Above this many steps they are not computed: NaN. */
#define SIMILAR_STEPS 2e9

/* 1 - edit distance / length of the longer, in code points; 1 for two empty texts. */
double similar_levenshtein(struct span a, struct span b);

/* Word overlap of SQuAD's evaluation script v1.1: F1 over the words of the normalised texts
 * (fold_squad). No word in common is 0, also where both are empty: only v2.0 knows questions whose
 * answer is nothing. */
double similar_f1(struct span answer, struct span reference);

/* ROUGE-1, -2 and -L (F-measure) as google-research's rouge_score 0.1.2 without stemming: lower
 * case, words of [a-z0-9]. L is the longest common subsequence of the whole texts. */
double similar_rouge_n(struct span answer, struct span reference, int n);
double similar_rouge_l(struct span answer, struct span reference);

/* Sentence BLEU of sacreBLEU 2: 13a tokens, up to 4-grams, exponential smoothing, effective order;
 * divided by 100. */
double similar_bleu(struct span answer, struct span reference);

/* Sentence chrF2 of sacreBLEU 2 (6 character orders, beta 2, white space removed, effective order);
 * divided by 100. */
double similar_chrf(struct span answer, struct span reference);

#endif
