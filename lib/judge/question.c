/* question: the prompts of the three modes. See question.h. */
#include "question.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "../json/members.h"
#include "../text/hash.h"
#include "../text/thought.h"
#include "wording.h"

/* What a level means where the rubric does not say: of 3 to 5 levels each, of more the ends and the
 * middle. */
static const char *usual_level(int level, int levels)
{
	static const char *const between[][3] = {{"in part"},
						 {"in a small part", "for the most part"},
						 {"in a small part", "about half",
						  "for the most part, with small flaws"}};

	if (level == 0)
		return "not at all";
	if (level == levels - 1)
		return "completely";
	if (levels <= 5)
		return between[levels - 3][level - 1];
	return 2 * level + 1 == levels ? "about half" : NULL;
}

static void put_levels(const struct rubric *r, size_t criterion, struct buf *b)
{
	const struct criterion *c = r->criteria + criterion;
	int levels = r->scale.hi - r->scale.lo + 1, given = 0;

	for (int i = 0; i < levels; i++)
		given |= c->levels[i] != NULL;
	for (int i = 0; i < levels; i++) {
		const char *usual =
			given && i > 0 && i + 1 < levels ? NULL : usual_level(i, levels);

		if (c->levels[i])
			buf_addf(b, "%d: %s\n", r->scale.lo + i, c->levels[i]);
		else if (usual)
			buf_addf(b, "%d: meets the criterion: %s\n", r->scale.lo + i, usual);
	}
}

/* What is known of a question without a record. scratch holds the texts that are made here. */
static struct wording_parts parts_of(const struct rubric *r, size_t criterion, struct buf *scratch)
{
	struct wording_parts p = {0};
	size_t lo, hi;

	p.text[PART_CRITERION] = span_of(r->criteria[criterion].text);
	if (r->scale.mode != VERDICT_SCORE)
		return p;
	buf_addf(scratch, "%d", r->scale.lo);
	lo = scratch->len;
	buf_addf(scratch, "%d", r->scale.hi);
	hi = scratch->len;
	put_levels(r, criterion, scratch);
	p.text[PART_LO] = (struct span){scratch->data, lo};
	p.text[PART_HI] = (struct span){scratch->data + lo, hi - lo};
	p.text[PART_LEVELS] = (struct span){scratch->data + hi, scratch->len - hi};
	return p;
}

static const char before_calls[] = "tool calls: ";

int question_candidate(const struct record *r, struct buf *text)
{
	struct span output = record_get(r, "output"), calls = record_get(r, "tool_calls"), thought;
	struct buf whole = BUF_INIT;
	int some = 0;

	if (json_kind(record_get(r, "error")) > JSON_NULL)
		return -1;
	if (json_kind(output) == JSON_STRING) {
		/* What it thought before it answered is no part of what is judged. */
		json_string(output, &whole);
		buf_addspan(text, thought_apart(buf_span(&whole), &thought));
		buf_release(&whole);
		some = 1;
	}
	if (json_kind(calls) == JSON_ARRAY && json_count(calls) > 0) {
		if (text->len > 0)
			buf_addc(text, '\n');
		buf_adds(text, before_calls);
		buf_addspan(text, calls);
		some = 1;
	}
	return some ? 0 : -1;
}

void question_less_calls(struct buf *text, struct span calls)
{
	size_t n = sizeof before_calls - 1 + calls.n, at;

	if (text->len < n)
		return;
	at = text->len - n;
	if (memcmp(text->data + at, before_calls, sizeof before_calls - 1) != 0 ||
	    memcmp(text->data + text->len - calls.n, calls.s, calls.n) != 0)
		return;
	text->len = at > 0 && text->data[at - 1] == '\n' ? at - 1 : at;
	text->data[text->len] = 0;
}

/* What was asked: the conversation, the raw prompt, or the record's own members. */
static int put_input(const struct record *r, struct buf *text, struct err *e)
{
	struct span messages = record_get(r, "messages"), prompt = record_get(r, "prompt"),
		    final = record_final_assistant(r);
	struct json_iter it = {0};
	struct span key, m;

	if (json_kind(messages) == JSON_ARRAY) {
		while (json_next(&it, messages, &key, &m)) {
			struct span content = json_member(m, "content");

			if (m.s == final.s)
				continue;
			if (text->len > 0)
				buf_addc(text, '\n');
			if (json_string(json_member(m, "role"), text))
				buf_adds(text, "?");
			buf_adds(text, ": ");
			if (record_message_text(content, text) && json_kind(content) > JSON_NULL)
				buf_addspan(text, content);
			if (json_kind(json_member(m, "tool_calls")) == JSON_ARRAY) {
				buf_adds(text, " tool calls: ");
				buf_addspan(text, json_member(m, "tool_calls"));
			}
		}
		return 0;
	}
	if (json_kind(prompt) == JSON_STRING)
		return json_string(prompt, text);
	return record_rest(r, text) ? err_set(e, "the record is too large") : 0;
}

/* The messages of a JSON list; the text of the first is put behind what `before` holds, which is
 * empty then. */
static void put_list(struct jw *w, struct span list, struct buf *before)
{
	struct json_iter it = {0};
	struct span key, m;

	while (json_next(&it, list, &key, &m)) {
		if (before && before->len > 0) {
			json_string(json_member(m, "content"), before);
			members_put_turn(w, "user", buf_span(before));
			buf_clear(before);
		} else {
			jw_raw(w, m);
		}
	}
}

/* Both turns for a record, appended. */
static int turns(const struct record *r, const struct rubric *rubric, size_t criterion,
		 struct span a, struct span b, const struct question_options *o, struct buf *system,
		 struct buf *user, struct err *e)
{
	struct buf scratch = BUF_INIT, input = BUF_INIT, refs = BUF_INIT;
	struct wording_parts p = parts_of(rubric, criterion, &scratch);
	char hash[16];
	int n = 0, rc = -1;

	if (put_input(r, &input, e))
		goto cleanup;
	if (o->reference) {
		n = record_references(r, &refs, e);
		if (n < 0)
			goto cleanup;
		/* Several references: each on a line of its own. */
		for (size_t i = 0; n > 0 && i + 1 < refs.len; i++)
			if (refs.data[i] == 0)
				refs.data[i] = '\n';
		if (n > 0)
			p.text[PART_REFERENCE] = (struct span){refs.data, refs.len - 1};
	}
	snprintf(hash, sizeof hash, "%08" PRIx32,
		 (uint32_t)hash_mix(hash64(a, 0x6a75646765u), hash64(buf_span(&input), 1)));
	p.text[PART_HASH] = span_of(hash);
	p.text[PART_INPUT] = input.len > 0 ? buf_span(&input) : span_of("");
	p.text[b.s ? PART_ANSWER_A : PART_ANSWER] = a;
	p.text[PART_ANSWER_B] = b;
	wording_fill(o->template, &p, system, user);
	rc = user->full || system->full ? err_set(e, "the question grows too large") : 0;
cleanup:
	buf_release(&scratch);
	buf_release(&input);
	buf_release(&refs);
	return rc;
}

int question_messages(const struct record *r, const struct rubric *rubric, size_t criterion,
		      struct span a, struct span b, const struct question_options *o,
		      struct buf *json, struct err *e)
{
	struct buf system = BUF_INIT, user = BUF_INIT;
	int rc = turns(r, rubric, criterion, a, b, o, &system, &user, e);
	struct jw w;

	if (!rc) {
		jw_init(&w, json);
		jw_array(&w);
		if (system.len > 0 && !o->folded) {
			members_put_turn(&w, "system", buf_span(&system));
			buf_clear(&system);
		} else if (system.len > 0) {
			buf_adds(&system, "\n\n");
		}
		if (o->examples)
			put_list(&w, buf_span(o->examples + criterion), &system);
		buf_addspan(&system, buf_span(&user));
		members_put_turn(&w, "user", buf_span(&system));
		jw_end(&w);
		rc = json->full || system.full ? err_set(e, "the question grows too large") : 0;
	}
	buf_release(&system);
	buf_release(&user);
	return rc;
}

void question_options_release(struct question_options *o, size_t criteria)
{
	for (size_t i = 0; o->examples && i < criteria; i++)
		buf_release(o->examples + i);
	free(o->examples);
	o->examples = NULL;
}

/* What the judge should have replied. */
static int put_verdict(struct span judge, struct verdict_scale scale, struct buf *reply)
{
	struct span pass = json_member(judge, "pass"), critique = json_member(judge, "critique");
	int64_t score;
	struct jw w;

	jw_init(&w, reply);
	jw_object(&w);
	jw_key(&w, "critique");
	if (json_kind(critique) == JSON_STRING)
		jw_raw(&w, critique);
	else
		jw_str(&w, "");
	jw_key(&w, verdict_member(scale.mode));
	if (scale.mode == VERDICT_PASS) {
		if (json_kind(pass) != JSON_TRUE && json_kind(pass) != JSON_FALSE)
			return -1;
		jw_str(&w, json_kind(pass) == JSON_TRUE ? "PASS" : "FAIL");
	} else {
		if (json_int(json_member(judge, "score"), &score) || score < scale.lo ||
		    score > scale.hi)
			return -1;
		jw_int(&w, score);
	}
	jw_end(&w);
	return 0;
}

int question_example(const struct record *r, const struct rubric *rubric,
		     struct question_options *o, struct err *e)
{
	struct span judge = record_get(r, "judge");
	struct buf text = BUF_INIT, system = BUF_INIT, user = BUF_INIT, reply = BUF_INIT,
		   list = BUF_INIT;
	int rc = 0;

	if (rubric->scale.mode == VERDICT_PAIR)
		return err_set(e, "examples are for --pass and --score");
	if (question_candidate(r, &text))
		rc = err_set(e, "the example holds no answer");
	if (!o->examples)
		o->examples = mem_alloc(rubric->n, sizeof *o->examples);
	for (size_t i = 0; i < rubric->n && !rc; i++) {
		const char *name = rubric->criteria[i].name;
		struct span own = name ? json_member(json_member(judge, "criteria"), name) : judge;
		struct jw w;

		buf_clear(&system);
		buf_clear(&user);
		buf_clear(&reply);
		buf_clear(&list);
		if (put_verdict(own, rubric->scale, &reply))
			rc = err_set(e,
				     "the example holds no verdict of an expert%s%s on this scale at `judge`",
				     name ? " for " : "", name ? name : "");
		else
			rc = turns(r, rubric, i, text.len > 0 ? buf_span(&text) : span_of(""),
				   (struct span){0}, o, &system, &user, e);
		if (rc)
			break;
		jw_init(&w, &list);
		jw_array(&w);
		if (o->examples[i].len > 0)
			put_list(&w, buf_span(o->examples + i), NULL);
		members_put_turn(&w, "user", buf_span(&user));
		members_put_turn(&w, "assistant", buf_span(&reply));
		jw_end(&w);
		buf_clear(o->examples + i);
		buf_addspan(o->examples + i, buf_span(&list));
	}
	buf_release(&text);
	buf_release(&system);
	buf_release(&user);
	buf_release(&reply);
	buf_release(&list);
	return rc;
}

int question_again(struct span messages, struct span reply, const char *why,
		   struct verdict_scale scale, struct buf *json)
{
	struct buf text = BUF_INIT;
	struct jw w;

	buf_addf(&text,
		 "That could not be read: %s. Reply with the JSON object alone: the critique, then \"%s\".",
		 why, verdict_member(scale.mode));
	jw_init(&w, json);
	jw_array(&w);
	put_list(&w, messages, NULL);
	members_put_turn(&w, "assistant", reply);
	members_put_turn(&w, "user", buf_span(&text));
	jw_end(&w);
	buf_release(&text);
	return json->full ? -1 : 0;
}

void question_print(const struct rubric *rubric, size_t criterion, const struct question_options *o,
		    struct buf *text)
{
	struct buf scratch = BUF_INIT;
	struct wording_parts p = parts_of(rubric, criterion, &scratch);

	p.kept[PART_INPUT] = p.kept[PART_ANSWER] = p.kept[PART_ANSWER_A] = p.kept[PART_ANSWER_B] =
		p.kept[PART_HASH] = 1;
	p.kept[PART_REFERENCE] = (unsigned char)o->reference;
	wording_print(o->template, &p, text);
	buf_release(&scratch);
}

void question_hash(const struct rubric *rubric, const struct question_options *o, char hash[17])
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < rubric->n; i++)
		question_print(rubric, i, o, &text);
	for (size_t i = 0; o->examples && i < rubric->n; i++)
		buf_addspan(&text, buf_span(o->examples + i));
	snprintf(hash, 17, "%016" PRIx64, hash64(buf_span(&text), 0));
	buf_release(&text);
}
