/* follow: a job at a provider from the rows to what comes of it, in a directory that remembers how
 * far it is.
 *
 *	remote.json	provider, ids of files and job: written after each step, so that a run can
 *			be taken up after a crash
 *	upload-*.jsonl	the rows as they were sent
 *	metrics.jsonl	the job's events
 *	ft.json		the job and its result, once it has ended
 */
#ifndef FT_REMOTE_FOLLOW_H
#define FT_REMOTE_FOLLOW_H

#include "remote.h"
#include "rows.h"

struct remote_run {
	struct remote remote;			  /* what is marked (in) */
	struct remote_task task;		  /* without files and name */
	struct remote_rows rows;		  /* options of the check; the paths are set here */
	const char *dir, *valid_file;		  /* valid_file may be NULL */
	int resume;				  /* go on from what dir remembers */
	double poll;				  /* seconds between looks */
	void (*row)(void *arg, struct span json); /* each event, and the last row */
	void (*progress)(void *arg, const struct remote_job *j); /* after each look */
	void *arg;
	int unfetched; /* set where a job is done and a part of what it made could not be fetched */
};

/* Each opens the provider, and leaves in e a sentence for people on how it ended, what the job is
 * called and what came of it, or why it failed. */

/* Cancels the job called id or, where that is NULL, the one that dir remembers. */
int remote_cancel_run(struct remote_run *run, const char *id, struct err *e);

enum remote_end { REMOTE_END_DONE, REMOTE_END_FAILED, REMOTE_END_CANCELLED, REMOTE_END_LEFT };

/* Checks and uploads the rows, creates the job and follows it to its end. With resume nothing is
 * uploaded or created twice, and the first of files may be a job's id in place of a file: that job
 * is followed. *how tells the end: LEFT where it was told to stop, while the job goes on at the
 * provider. */
int remote_run(struct remote_run *run, char **files, enum remote_end *how, struct err *e);

#endif
