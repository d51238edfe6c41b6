/* answer: see answer.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "../json/jw.h"
#include "../json/members.h"
#include "../text/thought.h"
#include "answer.h"

/* To the microsecond: more digits would be noise. */
static double micro(double seconds)
{
	return round(seconds * 1e6) / 1e6;
}

void answer_write(const struct backend_answer *a, struct buf *json)
{
	struct jw w;

	jw_init(&w, json);
	jw_object(&w);
	if (a->error_type[0]) {
		/* An answer that came but did not pass is not thrown away. */
		members_put_error(&w, a->error_type, a->error_status, buf_span(&a->error_message),
				  a->has_output ? buf_span(&a->output) : (struct span){0},
				  buf_span(&a->tool_calls));
	} else {
		jw_put_text(&w, "output", buf_span(&a->output));
		if (a->tool_calls.len)
			jw_put_raw(&w, "tool_calls", buf_span(&a->tool_calls));
		if (a->refusal.len)
			jw_put_text(&w, "refusal", buf_span(&a->refusal));
	}
	if (a->reasoning.len)
		jw_put_text(&w, "reasoning", buf_span(&a->reasoning));
	if (a->model[0])
		jw_put_str(&w, "model", a->model);
	if (a->finish_reason[0])
		jw_put_str(&w, "finish_reason", a->finish_reason);
	if (a->usage.len)
		jw_put_raw(&w, "usage", buf_span(&a->usage));
	jw_put_known(&w, "latency", micro(a->latency));
	jw_put_known(&w, "latency_batch", micro(a->latency_batch));
	jw_put_known(&w, "ttft", micro(a->ttft));
	jw_put_num(&w, "cost", a->cost);
	if (a->attempts)
		jw_put_int(&w, "attempts", a->attempts);
	if (a->request_id[0])
		jw_put_str(&w, "request_id", a->request_id);
	if (a->logprobs.len)
		jw_put_raw(&w, "logprobs", buf_span(&a->logprobs));
	if (a->left_out.len)
		jw_put_text(&w, "output_left_out", buf_span(&a->left_out));
	if (a->cached)
		jw_put_bool(&w, "cached", 1);
	jw_end(&w);
}

static void get_text(struct span o, const char *name, char *to, size_t size)
{
	struct buf b = BUF_INIT;

	if (!json_string(json_member(o, name), &b) && b.data)
		snprintf(to, size, "%s", b.data);
	buf_release(&b);
}

static double get_number(struct span o, const char *name)
{
	double x;

	return json_number(json_member(o, name), &x) ? NAN : x;
}

int answer_read(struct span json, struct backend_answer *a)
{
	struct span error = json_member(json, "error");
	int64_t n;

	backend_answer_clear(a);
	if (json_kind(error) == JSON_OBJECT) {
		get_text(error, "type", a->error_type, sizeof a->error_type);
		json_string(json_member(error, "message"), &a->error_message);
		a->error_status = json_int(json_member(error, "status"), &n) ? 0 : (int)n;
		a->has_output = !json_string(json_member(error, "output"), &a->output);
		if (!a->error_type[0])
			return -1;
	} else {
		if (json_string(json_member(json, "output"), &a->output))
			return -1;
		a->has_output = 1;
	}
	buf_addspan(&a->tool_calls, json_member(a->error_type[0] ? error : json, "tool_calls"));
	json_string(json_member(json, "refusal"), &a->refusal);
	json_string(json_member(json, "reasoning"), &a->reasoning);
	get_text(json, "model", a->model, sizeof a->model);
	get_text(json, "finish_reason", a->finish_reason, sizeof a->finish_reason);
	buf_addspan(&a->usage, json_member(json, "usage"));
	buf_addspan(&a->logprobs, json_member(json, "logprobs"));
	json_string(json_member(json, "output_left_out"), &a->left_out);
	get_text(json, "request_id", a->request_id, sizeof a->request_id);
	a->latency = get_number(json, "latency");
	a->latency_batch = get_number(json, "latency_batch");
	a->ttft = get_number(json, "ttft");
	a->cost = get_number(json, "cost");
	a->attempts = json_int(json_member(json, "attempts"), &n) ? 0 : (int)n;
	return 0;
}

static void set_edit(struct edit *edits, size_t n, const char *name, struct span value)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(edits[i].name, name) == 0)
			edits[i].value = value;
}

int answer_splice(const struct record *r, const struct buf *answers, int n,
		  const struct answer_prompt *prompt, struct buf *out, struct err *e)
{
	struct edit edits[MEMBER_EDITS];
	char number[24];

	for (int s = 0; s < n; s++) {
		size_t k =
			members_edits(MEMBER_ANSWER | MEMBER_SAMPLE, buf_span(&answers[s]), edits);

		if (!answers[s].len)
			continue;
		set_edit(edits, k, "prompt_label", prompt->label);
		set_edit(edits, k, "prompt_hash", prompt->hash);
		if (n > 1) {
			snprintf(number, sizeof number, "%d", s);
			set_edit(edits, k, "sample", span_of(number));
		}
		if (record_splice(r, edits, k, out))
			return err_set(e, "a record too long to write");
		buf_addc(out, '\n');
	}
	return 0;
}

void answer_reasoning(struct backend_answer *a, int strip)
{
	struct span reasoning, rest;
	struct buf output = BUF_INIT;

	if (a->error_type[0] || !a->has_output)
		return;
	rest = thought_apart(buf_span(&a->output), &reasoning);
	if (!reasoning.s)
		return;
	if (!a->reasoning.len)
		buf_addspan(&a->reasoning, reasoning);
	if (!strip)
		return;
	buf_addspan(&output, rest);
	buf_release(&a->output);
	a->output = output;
	if (!a->output.len && !a->tool_calls.len && !a->refusal.len) {
		a->has_output = 0;
		backend_answer_fail(a, "empty", 0,
				    "the answer holds reasoning and nothing else (finish_reason %s)",
				    a->finish_reason[0] ? a->finish_reason : "unknown");
	}
}
