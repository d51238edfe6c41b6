/* row: the parts of a record that scoring looks at. See row.h. */
#include "row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/hash.h"
#include "../text/thought.h"

static void split_references(struct row *a, int n)
{
	const char *s = a->ref_text.data, *end = s + a->ref_text.len;

	a->refs = mem_grow(a->refs, &a->refs_cap, (size_t)n, sizeof *a->refs);
	a->n_refs = (size_t)n;
	for (int i = 0; i < n; i++) {
		/* A lone reference may hold NUL bytes of its own. */
		size_t len = n == 1 ? a->ref_text.len - 1 : strnlen(s, (size_t)(end - s));

		a->refs[i] = (struct span){s, len};
		s += len + 1;
	}
}

static int is_there(struct span v)
{
	return v.s && json_kind(v) != JSON_NULL;
}

/* What is scored of the output, which is decoded in a->text. */
static struct span part_of_output(struct row *a, int reasoning)
{
	struct span thought, rest;
	struct buf all = BUF_INIT;

	if (!a->text.len)
		return span_of("");
	rest = thought_apart(buf_span(&a->text), &thought);
	if (!reasoning)
		return rest;
	if (!thought.s && !json_string(record_get(&a->rec, "reasoning"), &all) && all.len) {
		buf_adds(&all, "\n\n");
		buf_addspan(&all, buf_span(&a->text));
		buf_clear(&a->text);
		buf_addspan(&a->text, buf_span(&all));
	}
	buf_release(&all);
	return buf_span(&a->text);
}

void row_copy(struct row *a, struct span text, const char *file, size_t line)
{
	buf_clear(&a->line_text);
	buf_addspan(&a->line_text, text);
	buf_addc(&a->line_text, '\n');
	a->file = file;
	a->line = line;
}

int row_read(struct row *a, size_t checks, int reasoning, struct err *e)
{
	struct span output;
	int n;

	if (record_parse(&a->rec, (struct span){a->line_text.data, a->line_text.len - 1}, e))
		return -1;
	a->scores = mem_grow(a->scores, &a->scores_cap, checks, sizeof *a->scores);
	a->why = mem_grow(a->why, &a->why_cap, checks, sizeof *a->why);
	for (size_t i = 0; i < checks; i++) {
		a->scores[i] = NAN;
		a->why[i] = NULL;
	}

	buf_clear(&a->ref_text);
	n = record_references(&a->rec, &a->ref_text, e);
	if (n < 0)
		return -1;
	split_references(a, n);

	output = record_get(&a->rec, "output");
	a->output = (struct span){0};
	a->unanswered = NULL;
	buf_clear(&a->text);
	if (is_there(record_get(&a->rec, "error")))
		a->unanswered = "an error record";
	else if (json_kind(output) == JSON_STRING && json_string(output, &a->text) == 0)
		a->output = part_of_output(a, reasoning);
	else if (is_there(output))
		a->unanswered = "`output` is no string";
	else if (!is_there(record_get(&a->rec, "tool_calls")) &&
		 !is_there(record_get(&a->rec, "judge")))
		a->unanswered = "no output";
	return 0;
}

/* Arguments are JSON in a string, or (some servers) JSON itself. */
static uint64_t hash_call(struct span call)
{
	struct span function = json_member(call, "function"),
		    arguments = json_member(function, "arguments"), value;
	struct buf name = BUF_INIT, text = BUF_INIT, canonical = BUF_INIT;
	uint64_t h;

	json_string(json_member(function, "name"), &name);
	if (json_string(arguments, &text) == 0)
		arguments = text.len > 0 ? buf_span(&text) : span_of("{}");
	if (arguments.s && json_check(arguments, &value, NULL) == 0)
		json_canonical(value, &canonical);
	else
		buf_addspan(&canonical, arguments);
	h = hash_mix(hash64(buf_span(&name), 3), hash64(buf_span(&canonical), 4));
	buf_release(&name);
	buf_release(&text);
	buf_release(&canonical);
	return h;
}

uint64_t row_answer(const struct row *a)
{
	struct span calls = record_get(&a->rec, "tool_calls"), key, call;
	struct json_iter it = {0};
	uint64_t sum = 0;

	if (json_kind(calls) == JSON_ARRAY)
		while (json_next(&it, calls, &key, &call))
			sum += hash_call(call);
	return hash_mix(hash64(a->output.s ? a->output : span_of(""), 2), sum);
}

void row_release(struct row *a)
{
	record_release(&a->rec);
	free(a->refs);
	free(a->scores);
	free(a->why);
	buf_release(&a->text);
	buf_release(&a->ref_text);
	buf_release(&a->line_text);
	for (size_t i = 0; i < sizeof a->scratch / sizeof *a->scratch; i++)
		buf_release(&a->scratch[i]);
	memset(a, 0, sizeof *a);
}
