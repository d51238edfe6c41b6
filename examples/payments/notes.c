/* notes: writes the payments example's data as chat records: payment notes of a year or one of its
 * months, or the clerk's corpus.
 *
 * Record n is a function of kind, year, month, seed and n alone, so a longer file begins with the
 * shorter one, and every id names the one note it can belong to. */
#include "../../lib/base/opt.h"
#include "../../lib/base/out.h"
#include "../../lib/base/prog.h"
#include "../../lib/json/jw.h"
#include "notes.h"

static long long year = 2023, month, rows = 1000, seed = 1;
static int drills, memos;

static struct opt options[] = {
	{'y', "year", OPT_INT, &year, "YEAR",
	 "year of the notes and of their due dates (default 2023)", 1583, 9999},
	{'m', "month", OPT_INT, &month, "MONTH",
	 "only notes received in this month, 1 to 12 (default: all of them)", 1, 12},
	{'n', "rows", OPT_INT, &rows, "N", "how many (default 1000)", 0, 1000000000},
	{'s', "seed", OPT_INT, &seed, "N", "another seed, other notes (default 1)", 0,
	 1000000000000000},
	{0, "drills", OPT_FLAG, &drills, NULL,
	 "first part of the base model's corpus instead: copies, dates, sums"},
	{0, "memos", OPT_FLAG, &memos, NULL,
	 "second part: memos of other kinds, to be taken apart"},
	{0},
};

static const struct program program = {
	.name = "notes",
	.synopsis =
		"[-y YEAR] [-m MONTH] [-n ROWS] [-s SEED]\n{--drills | --memos} [-n ROWS] [-s SEED]",
	.about = "Writes payment notes as chat records.",
	.options = options,
	.examples = "notes -y 2024 -m 1 -n 500",
};

static void record_put(struct buf *line, long long row, const char *received, const struct buf *ask,
		       const struct buf *answer)
{
	const char *role[] = {"user", "assistant"};
	const struct buf *content[] = {ask, answer};
	char id[96];
	struct jw w;

	if (drills || memos)
		snprintf(id, sizeof id, "%s-s%lld-%lld", drills ? "drill" : "memo", seed, row);
	else if (month)
		snprintf(id, sizeof id, "note-%04lld-%02lld-s%lld-%lld", year, month, seed, row);
	else
		snprintf(id, sizeof id, "note-%04lld-s%lld-%lld", year, seed, row);
	buf_clear(line);
	jw_init(&w, line);
	jw_object(&w);
	jw_put_str(&w, "id", id);
	if (received)
		jw_put_str(&w, "received", received);
	jw_put_array(&w, "messages");
	for (int i = 0; i < 2; i++) {
		jw_object(&w);
		jw_put_str(&w, "role", role[i]);
		jw_put_text(&w, "content", buf_span(content[i]));
		jw_end(&w);
	}
	jw_end(&w);
	jw_end(&w);
}

int main(int argc, char **argv)
{
	char **operands = prog_start(&program, argc, argv);
	struct buf ask = BUF_INIT, answer = BUF_INIT, received = BUF_INIT, line = BUF_INIT;

	if (*operands)
		prog_usage("unexpected operand: %s", *operands);
	for (long long row = 1; row <= rows && !prog_stopping() && !out_failed(); row++) {
		struct rng r;
		struct day day;

		buf_clear(&ask);
		buf_clear(&answer);
		buf_clear(&received);
		/* Streams do not meet: rows below 2^32, then the month, the year above it; drills
		 * are year 0, memos year 1. */
		rng_seed(&r, (uint64_t)seed,
			 (uint64_t)row | (uint64_t)month << 32 |
				 (uint64_t)(drills  ? 0
					    : memos ? 1
						    : year)
					 << 36);
		if (drills) {
			clerk_drill(&r, &ask, &answer);
		} else if (memos) {
			clerk_memo(&r, &ask, &answer);
		} else {
			payment_note(&r, (int)year, (int)month, &day, &ask, &answer);
			day_put(&received, day, DAY_ISO);
		}
		record_put(&line, row, drills || memos ? NULL : received.data, &ask, &answer);
		out_line(line.data, line.len);
	}
	buf_release(&ask);
	buf_release(&answer);
	buf_release(&received);
	buf_release(&line);
	prog_end(FT_OK);
}
