/* members: see members.h. */
#include "members.h"

#include <math.h>

/* In the order in which they are added to a line. */
static const struct {
	const char *name;
	unsigned what;
} members[] = {
	{"id", MEMBER_ROW | MEMBER_PASSED},
	{"messages", MEMBER_ASKED},
	{"prompt", MEMBER_ASKED},
	{"tools", MEMBER_ASKED},
	{"tool_choice", MEMBER_ASKED},
	{"response_format", MEMBER_ASKED},
	{"completion", MEMBER_REFERENCE},
	{"ideal", MEMBER_REFERENCE | MEMBER_PASSED},
	{"weight", MEMBER_ROW | MEMBER_PASSED},
	/* ft-prompt's */
	{"output", MEMBER_ANSWER | MEMBER_PASSED},
	{"tool_calls", MEMBER_ANSWER},
	{"refusal", MEMBER_ANSWER},
	{"reasoning", MEMBER_ANSWER | MEMBER_PASSED},
	{"model", MEMBER_ANSWER},
	{"finish_reason", MEMBER_ANSWER},
	{"usage", MEMBER_ANSWER},
	{"latency", MEMBER_ANSWER},
	{"latency_batch", MEMBER_ANSWER},
	{"ttft", MEMBER_ANSWER},
	{"cost", MEMBER_ANSWER},
	{"attempts", MEMBER_ANSWER | MEMBER_PASSED},
	{"request_id", MEMBER_ANSWER | MEMBER_PASSED},
	{"logprobs", MEMBER_ANSWER | MEMBER_PASSED},
	{"output_left_out", MEMBER_ANSWER | MEMBER_PASSED},
	{"cached", MEMBER_ANSWER | MEMBER_PASSED},
	{"prompt_label", MEMBER_ANSWER | MEMBER_PASSED},
	{"prompt_hash", MEMBER_ANSWER | MEMBER_PASSED},
	{"error", MEMBER_ANSWER},
	{"sample", MEMBER_SAMPLE | MEMBER_PASSED},
	/* ft-split's, ft-judge's, ft-eval's, ft-review's */
	{"split", MEMBER_MARK | MEMBER_PASSED},
	{"judge", MEMBER_MARK},
	{"a", MEMBER_PAIR},
	{"b", MEMBER_PAIR},
	{"eval", MEMBER_MARK},
	{"review", MEMBER_MARK | MEMBER_PASSED},
};

enum { MEMBERS = sizeof members / sizeof *members };
_Static_assert(MEMBERS <= MEMBER_EDITS, "every member can be edited at once");

unsigned members_what(struct span name)
{
	for (size_t i = 0; i < MEMBERS; i++)
		if (span_is(name, members[i].name))
			return members[i].what;
	return 0;
}

size_t members_edits(unsigned what, struct span from, struct edit edits[MEMBER_EDITS])
{
	struct json_iter it = {0};
	struct span key, value;
	size_t n = 0;

	for (size_t i = 0; i < MEMBERS; i++)
		if (members[i].what & what)
			edits[n++] = (struct edit){members[i].name, {0}};
	while (json_next(&it, from, &key, &value))
		for (size_t i = 0; i < n; i++)
			if (json_is(key, edits[i].name))
				edits[i].value = value;
	return n;
}

const char *members_name(size_t i)
{
	return i < MEMBERS ? members[i].name : NULL;
}

void members_put_error(struct jw *w, const char *type, int status, struct span message,
		       struct span output, struct span calls)
{
	jw_put_object(w, "error");
	jw_put_str(w, "type", type);
	jw_put_num(w, "status", status ? status : NAN);
	jw_put_text(w, "message", message);
	if (output.s)
		jw_put_text(w, "output", output);
	if (calls.n)
		jw_put_raw(w, "tool_calls", calls);
	jw_end(w);
}

void members_put_turn(struct jw *w, const char *role, struct span content)
{
	jw_object(w);
	jw_put_str(w, "role", role);
	jw_put_text(w, "content", content);
	jw_end(w);
}
