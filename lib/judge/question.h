/* question: what a judge model is asked about one record and one criterion.
 *
 * Parts of the record stand between tags whose names end in a hash of the record, which the
 * candidate's author could not know, so no text can close its own fence. The words around them are
 * a template (wording.h); prompt_hash tells which prompt gave a verdict.
 */
#ifndef FT_JUDGE_QUESTION_H
#define FT_JUDGE_QUESTION_H

#include "../json/record.h"
#include "rubric.h"

struct question_options {
	const char *template; /* as wording_check takes it */
	int reference;	      /* show it where there is one */
	/* a criterion: turns of the conversation as a JSON array; NULL without examples */
	struct buf *examples;
	/* what the system turn would say stands before the first user turn's text, for a model whose chat
	 * template has no place for a system turn */
	int folded;
};

void question_options_release(struct question_options *o, size_t criteria);

/* Takes up a record that an expert judged (`judge` with verdict and critique, of several criteria
 * under `criteria`) as an example for each criterion. -1 where it holds no such verdict, or one off
 * the scale. Not for pairs. */
int question_example(const struct record *r, const struct rubric *rubric,
		     struct question_options *o, struct err *e);

/* The candidate's text of a record, appended: the output, and tool calls as JSON. -1 where there is
 * none. */
int question_candidate(const struct record *r, struct buf *text);

/* Takes tool calls that question_candidate put behind a text off it again. */
void question_less_calls(struct buf *text, struct span calls);

/* The messages (a JSON array) that ask for the verdict on one criterion. b is the second text of a
 * pair, else absent. */
int question_messages(const struct record *r, const struct rubric *rubric, size_t criterion,
		      struct span a, struct span b, const struct question_options *o,
		      struct buf *json, struct err *e);

/* The same array with the judge's reply and the reason why it could not be read, so that the judge
 * tries again. */
int question_again(struct span messages, struct span reply, const char *why,
		   struct verdict_scale scale, struct buf *json);

/* 16 hex digits and a NUL over everything in a prompt but the record. */
void question_hash(const struct rubric *rubric, const struct question_options *o, char hash[17]);

/* The prompt itself with {{...}} where parts of the record stand, for people to read, and to be
 * changed and taken as a template. */
void question_print(const struct rubric *rubric, size_t criterion, const struct question_options *o,
		    struct buf *text);

#endif
