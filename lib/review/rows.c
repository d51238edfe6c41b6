/* rows: see rows.h. */
#include "rows.h"

#include "../eval/duels.h"
#include "../judge/question.h"

void rows_release(struct rows *x)
{
	pairing_release(&x->pairing);
	record_release(&x->read);
}

static int is_answered(const struct record *r)
{
	struct buf text = BUF_INIT;
	int some = duels_is_pair(r) || question_candidate(r, &text) == 0;
	buf_release(&text);
	return some;
}

int rows_next(struct rows *x, struct record *r, struct err *e)
{
	struct span line;
	int got;
	if (!x->pair) {
		got = reader_next(x->in, r, e);
		x->n += got > 0;
		return got;
	}
	while (!pairing_next(&x->pairing, &line)) {
		if ((got = reader_next(x->in, &x->read, e)) <= 0)
			return got;
		if (!is_answered(&x->read))
			x->unanswered++;
		else if (pairing_add(&x->pairing, &x->read, e))
			return reader_at(x->in, e);
	}
	x->n++;
	return record_parse(r, line, e) ? reader_at(x->in, e) : 1;
}

void rows_remark(const struct rows *x, struct buf *text)
{
	size_t lonely = pairing_lonely(&x->pairing);
	if (lonely)
		buf_addf(text, "%zu record%s found no answer of another model to the same id",
			 lonely, lonely == 1 ? "" : "s");
	if (x->unanswered)
		buf_addf(text, "%s%zu record%s without an answer", lonely ? "; " : "",
			 x->unanswered, x->unanswered == 1 ? "" : "s");
}
