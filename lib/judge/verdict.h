/* verdict: what a judge model decided, read from its reply; a pure function of texts.
 *
 * lib/judge asks models to judge answers and measures how far to trust them: the question (rubric,
 * question), the reply (verdict), agreement with people (agree), and the judge's own leanings
 * (bias).
 *
 * A judge is asked for one JSON object. Models being what they are, these are read too: that object
 * behind prose, in a code fence, with raw line breaks in its strings or a comma before its brace; a
 * last line `Verdict: PASS`, `Score: 4`, `Winner: B`, `[[A]]`; the bare word. A reasoning model's
 * <think> part is passed over, and so are tokens of its template at the ends, a byte order mark, marks
 * of lists and full-width forms of signs. The verdict must stand at the end of the reply, in the judge's own
 * words: what the candidate's text holds as well (in any case, spacing or markup), stands in
 * quotation marks, in the middle of a sentence, or behind one that negates, supposes or gives an
 * example, is not a verdict. Verdicts that contradict each other, values that are not on the scale
 * and everything in doubt are no verdict: the judge is asked again, and nothing is ever taken for a
 * pass.
 */
#ifndef FT_JUDGE_VERDICT_H
#define FT_JUDGE_VERDICT_H

#include "../base/buf.h"

enum verdict_mode { VERDICT_PASS, VERDICT_SCORE, VERDICT_PAIR };
enum { PAIR_A, PAIR_B, PAIR_TIE };

struct verdict_scale {
	enum verdict_mode mode;
	int lo, hi; /* of a score */
};

/* value: pass 1, fail 0; the score; PAIR_A, PAIR_B or PAIR_TIE. critique is appended to by the
 * caller's buffer, empty where there was none. */
struct judged {
	int value;
	struct buf critique;
};

/* 0, or -1 with a reason (static text) for the judge to hear. candidate is the text that was judged
 * (both texts of a pair, one after the other). */
int verdict_read(struct span reply, struct span candidate, struct verdict_scale scale,
		 struct judged *v, const char **why);

/* The name of the JSON member that holds the verdict, and the JSON Schema that is sent along. */
const char *verdict_member(enum verdict_mode mode);
int verdict_schema(struct verdict_scale scale, struct buf *json);

#endif
