/* betting: confidence sequences: what is known of a mean after every row at once.
 *
 * An interval for a fixed number of rows holds for that number. Whoever looks again each night, and
 * stops when it says what he hoped for, spends its error anew with every look. These hold at all
 * rows together: the chance that the true mean is outside at any one of them, for ever, is at most
 * 1 - level. So one may look after each row, and stop at will.
 *
 * A gambler who does not believe that the mean is m bets on every value that it is more (or less)
 * than m. Where it is m, the game is fair, and by Ville's inequality the chance that the capital
 * ever grows to 1 / alpha is at most alpha: once it does, m is refused. Here are as many gamblers as
 * fractions of the capital that may be staked, 1, 3/4, 9/16, ..., and the capital is their mean,
 * weighted by 5 / ((j + 5) (j + 6)): little is lost to the best of them, which need not be known
 * before. (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting",
 * JRSS B 86: the hedged grid strategy; for the weights Howard, Ramdas, McAuliffe and Sekhon 2021,
 * "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49.) The
 * bets do not depend on the rows before, so the order does not matter and a tally is enough.
 *
 * Rows have to be draws of their own, in whatever order they come: values between least and most
 * with the mean in question given all before. level is the confidence, .95 for 95 %. Values outside
 * are the caller's error. Without data figures are NaN.
 */
#ifndef FT_STATS_BETTING_H
#define FT_STATS_BETTING_H

#include "interval.h"
#include "tally.h"

struct interval betting_mean(const struct tally *t, double least, double most, double level);
/* k of n. */
struct interval betting_rate(double k, double n, double level);

/* The p-value of the mean being m, valid at whatever row one stops: it is at most 1 - level where
 * betting_mean leaves m out. */
double betting_p(const struct tally *t, double least, double most, double m);

/* How many rows in all, were those to come like these, until m is left out; INFINITY where they
 * never would. */
double betting_rows(const struct tally *t, double least, double most, double m, double level);
double betting_rate_rows(double k, double n, double m, double level);

#endif
