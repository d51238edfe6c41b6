/* answer: see answer.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "../json/jw.h"
#include "../json/members.h"
#include "answer.h"

static void put_text(struct jw *w, const char *name, const char *text)
{
	if (!*text)
		return;
	jw_put_str(w, name, text);
}

static void put_json(struct jw *w, const char *name, const struct buf *json)
{
	if (!json->len)
		return;
	jw_put_raw(w, name, buf_span(json));
}

/* Seconds to the microsecond: more digits would be noise. */
static void put_seconds(struct jw *w, const char *name, double x)
{
	if (isnan(x))
		return;
	jw_put_num(w, name, round(x * 1e6) / 1e6);
}

static void put_error(struct jw *w, const struct backend_answer *a)
{
	jw_put_object(w, "error");
	jw_put_str(w, "type", a->error_type);
	jw_key(w, "status");
	if (a->error_status)
		jw_int(w, a->error_status);
	else
		jw_null(w);
	jw_put_text(w, "message", a->error_message.data ? a->error_message.data : "",
		    a->error_message.len);
	/* An answer that came but did not pass is not thrown away. */
	if (a->has_output)
		jw_put_text(w, "output", a->output.data ? a->output.data : "", a->output.len);
	jw_end(w);
}

void answer_write(const struct backend_answer *a, struct buf *json)
{
	struct jw w;

	jw_init(&w, json);
	jw_object(&w);
	if (a->error_type[0]) {
		put_error(&w, a);
	} else {
		jw_put_text(&w, "output", a->output.data ? a->output.data : "", a->output.len);
		put_json(&w, "tool_calls", &a->tool_calls);
		if (a->refusal.len)
			jw_put_text(&w, "refusal", a->refusal.data, a->refusal.len);
	}
	put_text(&w, "model", a->model);
	put_text(&w, "finish_reason", a->finish_reason);
	put_json(&w, "usage", &a->usage);
	put_seconds(&w, "latency", a->latency);
	put_seconds(&w, "ttft", a->ttft);
	jw_put_num(&w, "cost", a->cost);
	if (a->attempts)
		jw_put_int(&w, "attempts", a->attempts);
	put_text(&w, "request_id", a->request_id);
	put_json(&w, "logprobs", &a->logprobs);
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
	buf_addspan(&a->tool_calls, json_member(json, "tool_calls"));
	json_string(json_member(json, "refusal"), &a->refusal);
	get_text(json, "model", a->model, sizeof a->model);
	get_text(json, "finish_reason", a->finish_reason, sizeof a->finish_reason);
	buf_addspan(&a->usage, json_member(json, "usage"));
	buf_addspan(&a->logprobs, json_member(json, "logprobs"));
	get_text(json, "request_id", a->request_id, sizeof a->request_id);
	a->latency = get_number(json, "latency");
	a->ttft = get_number(json, "ttft");
	a->cost = get_number(json, "cost");
	a->attempts = json_int(json_member(json, "attempts"), &n) ? 0 : (int)n;
	return 0;
}

int answer_splice(const struct record *r, const struct buf *answers, int n, struct buf *out,
		  struct err *e)
{
	struct edit edits[MEMBER_EDITS];
	char number[24];

	for (int s = 0; s < n; s++) {
		size_t k =
			members_edits(MEMBER_ANSWER | MEMBER_SAMPLE, buf_span(&answers[s]), edits);

		if (!answers[s].len)
			continue;
		if (n > 1) {
			snprintf(number, sizeof number, "%d", s);
			edits[k - 1].value = span_of(number);
		}
		if (record_splice(r, edits, k, out))
			return err_set(e, "a record too long to write");
		buf_addc(out, '\n');
	}
	return 0;
}
