/* Fuzz target: a hostile rubric, the question that comes of it, and, behind a zero byte, what a hostile
 * judge replies, and behind another the text that was judged. The first byte says on which scale. What
 * is read of a reply is on that scale. */
#include <stdlib.h>
#include "../../lib/judge/question.h"
#include "../../lib/judge/wording.h"
#include "scratch.h"

static void question(const char *text, struct verdict_scale scale)
{
	struct question_options how = {.template = wording_usual(scale.mode)};
	struct record r = {0};
	struct rubric rubric;
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct span v;
	char hash[17];

	if (rubric_parse(text, scale, &rubric, &e))
		return;
	if (!rubric.n || rubric.n > RUBRIC_CRITERIA ||
	    record_parse(&r, span_of("{\"prompt\":\"p\",\"output\":\"o\",\"ideal\":\"i\"}"), &e))
		abort();
	question_hash(&rubric, &how, hash);
	for (size_t i = 0; i < rubric.n; i++) {
		buf_clear(&out);
		if (!question_messages(&r, &rubric, i, span_of("a"), span_of("b"), &how, &out,
				       &e) &&
		    json_check(buf_span(&out), &v, NULL))
			abort();
		buf_clear(&out);
		question_print(&rubric, i, &how, &out);
	}
	record_release(&r);
	rubric_release(&rubric);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data + 1, size - 1}, rubric, reply;
	struct verdict_scale scale;
	struct judged v = {0};
	struct buf text = BUF_INIT;
	const char *why = NULL;
	int lo, hi;

	if (!size)
		return 0;
	scale = (struct verdict_scale){(enum verdict_mode)(data[0] % 3), 1, data[0] & 64 ? 100 : 5};
	lo = scale.mode == VERDICT_SCORE ? scale.lo : 0;
	hi = scale.mode == VERDICT_SCORE ? scale.hi : scale.mode == VERDICT_PASS ? 1 : PAIR_TIE;
	rubric = scratch_part(&rest);
	reply = scratch_part(&rest);
	buf_addspan(&text, rubric);
	buf_addc(&text, 0);
	question(text.data, scale);
	if (reply.s &&
	    (verdict_read(reply, rest, scale, &v, &why) ? !why : v.value < lo || v.value > hi))
		abort();
	buf_release(&v.critique);
	buf_release(&text);
	return 0;
}
