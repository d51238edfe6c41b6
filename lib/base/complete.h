/* complete: what a shell needs to complete a program's options, values and files, from the table
 * that the help is made of.
 *
 * The values of an option are the words in lower case that arg names ("fail|drop", "X|none") and
 * those of its member values; FILE, DIR and the like in arg stand for files and directories.
 */
#ifndef FT_BASE_COMPLETE_H
#define FT_BASE_COMPLETE_H

#include <stdio.h>
#include "opt.h"

/* The script for bash, zsh or fish, as it is installed. Returns 0, or -1 for another shell. */
int complete_put(const struct program *p, const char *shell, FILE *to);

#endif
