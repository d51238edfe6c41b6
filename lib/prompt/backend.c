/* backend: the few operations on requests and answers that every model shares. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "backend.h"

void backend_params_init(struct backend_params *p)
{
	memset(p, 0, sizeof *p);
	p->temperature = p->top_p = NAN;
	p->logprobs = -1;
	p->repeat_penalty = 1;
}

void backend_answer_clear(struct backend_answer *a)
{
	a->has_output = 0;
	buf_clear(&a->output);
	buf_clear(&a->tool_calls);
	buf_clear(&a->refusal);
	buf_clear(&a->reasoning);
	buf_clear(&a->usage);
	buf_clear(&a->logprobs);
	buf_clear(&a->left_out);
	buf_clear(&a->asked);
	buf_clear(&a->error_message);
	a->model[0] = a->finish_reason[0] = a->request_id[0] = a->error_type[0] = 0;
	a->latency = a->ttft = a->latency_batch = a->machine = a->cost = NAN;
	a->attempts = a->cached = a->error_status = 0;
}

void backend_answer_release(struct backend_answer *a)
{
	buf_release(&a->output);
	buf_release(&a->tool_calls);
	buf_release(&a->refusal);
	buf_release(&a->reasoning);
	buf_release(&a->usage);
	buf_release(&a->logprobs);
	buf_release(&a->left_out);
	buf_release(&a->asked);
	buf_release(&a->error_message);
	backend_answer_clear(a);
}

void backend_answer_fail(struct backend_answer *a, const char *type, int status, const char *fmt,
			 ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(a->error_type, sizeof a->error_type, "%s", type);
	a->error_status = status;
	buf_clear(&a->error_message);
	buf_adds(&a->error_message, text);
}
