/* panel: rulings from opinions. See panel.h. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "../json/members.h"

size_t panel_opinions(const struct panel *p)
{
	return p->rubric->n * p->jurors * p->orders;
}

static size_t panel_at(const struct panel *p, size_t criterion, size_t juror, size_t order)
{
	return (criterion * p->jurors + juror) * p->orders + order;
}

void panel_split(const struct panel *p, size_t at, size_t *criterion, size_t *juror, size_t *order)
{
	*order = at % p->orders;
	*juror = at / p->orders % p->jurors;
	*criterion = at / p->orders / p->jurors;
}

void opinion_fail(struct opinion *o, const char *type, int status, struct span message)
{
	o->done = 1;
	snprintf(o->error_type, sizeof o->error_type, "%s", type);
	o->error_status = status;
	buf_clear(&o->error_message);
	buf_addspan(&o->error_message, message);
}

void opinion_release(struct opinion *o)
{
	buf_release(&o->messages);
	buf_release(&o->verdict.critique);
	buf_release(&o->error_message);
}

/* What was ruled: a value, or an error taken from an opinion (or made here). */
struct ruling {
	double value;
	int failed, flipped;
	const char *type;
	int status;
	struct span message, critique;
};

static int holds(const struct opinion *o)
{
	return o->done && !o->error_type[0];
}

static struct ruling of_error(const struct opinion *o)
{
	return (struct ruling){.value = NAN,
			       .failed = 1,
			       .type = o->done ? o->error_type : "interrupted",
			       .status = o->error_status,
			       .message = buf_span(&o->error_message)};
}

/* In the second order A is the answer that is called b. */
static int winner_of(const struct opinion *o, size_t order)
{
	if (o->verdict.value == PAIR_TIE || order == 0)
		return o->verdict.value;
	return o->verdict.value == PAIR_A ? PAIR_B : PAIR_A;
}

static struct ruling of_juror(const struct panel *p, const struct opinion *o)
{
	struct ruling r = {.value = o[0].verdict.value,
			   .critique = buf_span(&o[0].verdict.critique)};

	for (size_t i = 0; i < p->orders; i++)
		if (!holds(o + i))
			return of_error(o + i);
	if (p->orders == 2 && winner_of(o + 1, 1) != o[0].verdict.value) {
		r.value = PAIR_TIE;
		/* A tie in one order and a winner in the other is doubt, not a flip. */
		r.flipped = o[0].verdict.value != PAIR_TIE && o[1].verdict.value != PAIR_TIE;
	}
	return r;
}

/* The majority of at least half of the jurors; of scores their mean. */
static struct ruling of_criterion(const struct panel *p, const struct opinion *opinions,
				  size_t criterion)
{
	struct ruling r = {.value = NAN}, one, failed = {0};
	size_t voters = 0, votes[3] = {0}, most = 0;
	double sum = 0;
	int first = 1, flipped = 0;

	for (size_t j = 0; j < p->jurors; j++) {
		one = of_juror(p, opinions + panel_at(p, criterion, j, 0));
		if (one.failed) {
			failed = one;
			continue;
		}
		flipped |= one.flipped;
		if (first)
			r.critique = one.critique;
		first = 0;
		voters++;
		sum += one.value;
		if (p->rubric->scale.mode != VERDICT_SCORE)
			votes[(int)one.value]++;
	}
	if (2 * voters < p->jurors || voters == 0)
		return failed;
	r.flipped = flipped;
	if (p->rubric->scale.mode == VERDICT_SCORE) {
		r.value = sum / (double)voters;
		return r;
	}
	for (size_t v = 0; v < 3; v++) {
		if (votes[v] > votes[most])
			most = v;
	}
	for (size_t v = 0; v < 3; v++)
		if (v != most && votes[v] == votes[most]) {
			if (p->rubric->scale.mode == VERDICT_PAIR)
				most = PAIR_TIE;
			else
				return (struct ruling){.value = NAN,
						       .failed = 1,
						       .type = "split",
						       .message =
							       span_of("the jury is split evenly")};
			break;
		}
	r.value = (double)most;
	/* The critique of a juror who voted with the majority. */
	for (size_t j = p->jurors; j-- > 0;) {
		one = of_juror(p, opinions + panel_at(p, criterion, j, 0));
		if (!one.failed && one.value == r.value)
			r.critique = one.critique;
	}
	return r;
}

static const char *winner_name(int value)
{
	return value == PAIR_A ? "a" : value == PAIR_B ? "b" : "tie";
}

static void put_value(struct jw *w, double value, struct verdict_scale scale)
{
	if (scale.mode == VERDICT_PASS) {
		jw_put_bool(w, "pass", value != 0);
	} else if (scale.mode == VERDICT_SCORE) {
		jw_put_num(w, "score", value);
	} else {
		jw_put_str(w, "winner", winner_name((int)value));
	}
}

static void put_scale(struct jw *w, struct verdict_scale scale)
{
	if (scale.mode != VERDICT_SCORE)
		return;
	jw_put_array(w, "scale");
	jw_int(w, scale.lo);
	jw_int(w, scale.hi);
	jw_end(w);
}

/* Each opinion on a criterion, where there is more than one: who said what, of a pair which answer
 * stood first. */
static void put_votes(struct jw *w, const struct panel *p, const struct opinion *opinions,
		      size_t criterion)
{
	if (p->jurors * p->orders == 1)
		return;
	jw_put_array(w, "votes");
	for (size_t j = 0; j < p->jurors; j++)
		for (size_t k = 0; k < p->orders; k++) {
			const struct opinion *o = opinions + panel_at(p, criterion, j, k);

			jw_object(w);
			jw_put_str(w, "model", o->model[0] ? o->model : NULL);
			if (p->orders == 2)
				jw_put_str(w, "first", k == 0 ? "a" : "b");
			if (holds(o)) {
				put_value(w, p->orders == 2 ? winner_of(o, k) : o->verdict.value,
					  p->rubric->scale);
			} else {
				jw_put_str(w, "error", o->done ? o->error_type : "interrupted");
			}
			jw_end(w);
		}
	jw_end(w);
}

static void put_ruling(struct jw *w, const struct panel *p, const struct opinion *opinions,
		       size_t criterion, const struct ruling *r)
{
	if (r->failed) {
		members_put_error(w, r->type, r->status, r->message, (struct span){0},
				  (struct span){0});
	} else {
		put_value(w, r->value, p->rubric->scale);
		put_scale(w, p->rubric->scale);
		jw_put_text(w, "critique", r->critique);
	}
	if (p->orders == 2)
		jw_put_bool(w, "flipped", r->flipped);
	put_votes(w, p, opinions, criterion);
}

/* Of pairs the weighted votes of the criteria. */
static double pair_whole(const double *votes)
{
	return votes[PAIR_A] > votes[PAIR_B] && votes[PAIR_A] > votes[PAIR_TIE]	  ? PAIR_A
	       : votes[PAIR_B] > votes[PAIR_A] && votes[PAIR_B] > votes[PAIR_TIE] ? PAIR_B
										  : PAIR_TIE;
}

/* All criteria together. Returns 1 where the whole is an error. */
static int put_whole(struct jw *w, const struct panel *p, const struct opinion *opinions)
{
	const struct rubric *r = p->rubric;
	struct ruling rulings[RUBRIC_CRITERIA], whole = {0};
	double sum = 0, weights = 0, votes[3] = {0};
	int pass = 1;

	for (size_t i = 0; i < r->n; i++) {
		rulings[i] = of_criterion(p, opinions, i);
		if (r->criteria[i].weight == 0)
			continue;
		if (rulings[i].failed) {
			whole = rulings[i];
			continue;
		}
		pass &= rulings[i].value != 0;
		sum += r->criteria[i].weight * rulings[i].value;
		weights += r->criteria[i].weight;
		if (r->scale.mode == VERDICT_PAIR)
			votes[(int)rulings[i].value] += r->criteria[i].weight;
	}
	if (whole.failed) {
		members_put_error(w, whole.type, whole.status, whole.message, (struct span){0},
				  (struct span){0});
	} else {
		put_value(w,
			  r->scale.mode == VERDICT_PASS	  ? pass
			  : r->scale.mode == VERDICT_PAIR ? pair_whole(votes)
							  : sum / weights,
			  r->scale);
		put_scale(w, r->scale);
	}
	jw_put_object(w, "criteria");
	for (size_t i = 0; i < r->n; i++) {
		jw_put_object(w, r->criteria[i].name);
		put_ruling(w, p, opinions, i, rulings + i);
		jw_end(w);
	}
	jw_end(w);
	return whole.failed;
}

int panel_write(const struct panel *p, const struct opinion *opinions, const char *model,
		const char *prompt_hash, struct buf *json)
{
	double cost = 0;
	int asked = 0, failed = 1;
	struct jw w;

	jw_init(&w, json);
	jw_object(&w);
	if (!opinions) {
		members_put_error(&w, "unanswered", 0,
				  span_of("the record holds no answer to judge"), (struct span){0},
				  (struct span){0});
	} else if (p->rubric->criteria[0].name) {
		failed = put_whole(&w, p, opinions);
	} else {
		struct ruling r = of_criterion(p, opinions, 0);

		put_ruling(&w, p, opinions, 0, &r);
		failed = r.failed;
	}
	jw_put_str(&w, "model",
		   p->jurors == 1 && opinions && opinions[0].model[0] ? opinions[0].model : model);
	jw_put_str(&w, "prompt_hash", prompt_hash);
	if (p->folded)
		jw_put_bool(&w, "system_folded", 1);
	if (opinions) {
		for (size_t i = 0; i < panel_opinions(p); i++) {
			cost += opinions[i].cost;
			asked += opinions[i].asked;
		}
		jw_put_int(&w, "asked", asked);
		jw_put_num(&w, "cost", cost);
	}
	jw_end(&w);
	return failed;
}
