/* filter: see filter.h. */
#include "filter.h"

void filter_init(struct filter *f, enum filter_kind kind, struct journal *j)
{
	*f = (struct filter){.kind = kind, .verdicts = {.journal = j}};
	apply_init(&f->apply, j);
}

void filter_release(struct filter *f)
{
	apply_release(&f->apply);
	verdicts_release(&f->verdicts);
}

int filter_row(struct filter *f, const struct record *r, struct buf *line, int *refused,
	       struct err *e)
{
	int what, trouble = 0;
	*refused = 0;
	switch (f->kind) {
	case FILTER_APPLY:
		what = apply_row(&f->apply, r, line, e);
		*refused = what == APPLY_REFUSED;
		trouble = what < 0;
		what = what != APPLY_LEAVE_OUT;
		break;
	case FILTER_PAIRS:
		what = apply_pair(&f->apply, r, refused, line, e);
		trouble = what < 0;
		break;
	default:
		what = verdicts_row(&f->verdicts, r, line, &trouble, e);
		*refused = what < 0 && !trouble;
		what = what > 0;
	}
	f->written += what > 0 && !trouble;
	f->refused += (size_t)*refused;
	return trouble ? -1 : what;
}

void filter_summary(const struct filter *f, size_t rows, struct buf *text)
{
	const struct apply *a = &f->apply;
	const struct verdicts *v = &f->verdicts;
	size_t absent;
	switch (f->kind) {
	case FILTER_APPLY:
		buf_addf(text,
			 "%zu rows: %zu good, %zu fixed, %zu left out, %zu skipped, %zu not judged, %zu refused",
			 rows, a->good, a->fixed, a->left_out, a->skipped, a->untouched,
			 f->refused);
		break;
	case FILTER_PAIRS:
		buf_addf(text, "%zu preference pairs", f->written);
		if (f->refused)
			buf_addf(text, ", %zu refused", f->refused);
		if (a->unasked)
			buf_addf(text,
				 "; %zu rows have no messages, which a preference line is made of",
				 a->unasked);
		break;
	case FILTER_VERDICTS:
		absent = verdicts_absent(v);
		buf_addf(text, "%zu rows: %zu pass, %zu fail, ", rows, v->passed, v->failed);
		if (v->compared)
			buf_addf(text, "%zu pairs compared, ", v->compared);
		buf_addf(text, "%zu split evenly, %zu skipped, %zu not judged, %zu refused",
			 v->split, v->skipped, v->unjudged, f->refused);
		if (absent)
			buf_addf(text,
				 "; %zu judged rows of the journal are not here (give the rows as they were judged: --apply leaves bad ones out)",
				 absent);
	}
}
