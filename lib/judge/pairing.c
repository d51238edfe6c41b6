/* pairing: see pairing.h. */
#include "pairing.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../eval/duels.h"
#include "../json/jw.h"
#include "../json/members.h"
#include "../text/hash.h"
#include "question.h"

void pairing_release(struct pairing *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].line);
	free(p->v);
	map_release(&p->first);
	buf_release(&p->queue);
	buf_release(&p->id);
	buf_release(&p->side);
	buf_release(&p->json);
	buf_release(&p->text);
	record_release(&p->other);
	record_release(&p->later);
	memset(p, 0, sizeof *p);
}

/* {"model", "output"} of one side; tool calls stand in the output's text, for that is what is
 * judged, and as they are in `tool_calls`. */
static void put_side(struct pairing *p, const struct record *r, struct buf *json)
{
	struct span model = record_get(r, "model"), calls = record_get(r, "tool_calls");
	struct jw w;
	int some;

	buf_clear(&p->text);
	some = question_candidate(r, &p->text) == 0;
	jw_init(&w, json);
	jw_object(&w);
	jw_key(&w, "model");
	if (model.s)
		jw_raw(&w, model);
	else
		jw_null(&w);
	jw_key(&w, "output");
	if (some)
		jw_strn(&w, p->text.len > 0 ? p->text.data : "", p->text.len);
	else
		jw_null(&w);
	if (json_kind(calls) == JSON_ARRAY && json_count(calls) > 0)
		jw_put_raw(&w, "tool_calls", calls);
	jw_end(&w);
}

/* The earlier record less its own answer, with both answers as a and b. */
static int queue_pair(struct pairing *p, const struct waiting *earlier, const struct record *later,
		      struct err *e)
{
	struct edit edits[MEMBER_EDITS + 4];
	size_t n = members_edits(MEMBER_ANSWER, (struct span){0}, edits);

	if (record_parse(&p->other, (struct span){earlier->line, earlier->len}, e))
		return -1;
	buf_clear(&p->side);
	buf_clear(&p->json);
	put_side(p, &p->other, &p->side);
	put_side(p, later, &p->json);
	edits[n++] = (struct edit){"judge", {0}};
	edits[n++] = (struct edit){"eval", {0}};
	edits[n++] = (struct edit){"a", buf_span(&p->side)};
	edits[n++] = (struct edit){"b", buf_span(&p->json)};
	if (record_splice(&p->other, edits, n, &p->queue))
		return err_set(e, "the pair grows too large");
	return buf_addc(&p->queue, '\n');
}

int pairing_add(struct pairing *p, const struct record *rec, struct err *e)
{
	struct span sample = record_get(rec, "sample");
	int64_t number = 0;
	uint64_t *slot, h;
	int added;

	if (p->at == p->queue.len) {
		buf_clear(&p->queue);
		p->at = 0;
	}
	if (duels_is_pair(rec)) {
		buf_addspan(&p->queue, rec->line);
		return buf_addc(&p->queue, '\n');
	}
	buf_clear(&p->id);
	if (record_id(rec, &p->id, e))
		return -1;
	/* As in ft-eval, the first sample is that of a record without any. */
	if (sample.s && json_kind(sample) != JSON_NULL && json_int(sample, &number))
		return err_set(e, "`sample` is no whole number");
	h = hash_mix(hash64(buf_span(&p->id), 0), (uint64_t)number);
	slot = map_put(&p->first, h, 0, &added);
	for (size_t i = (size_t)*slot; i > 0; i = p->v[i - 1].next) {
		if (record_parse(&p->other, (struct span){p->v[i - 1].line, p->v[i - 1].len}, e) <
		    0)
			return -1;
		if (json_equal(record_get(&p->other, "model"), record_get(rec, "model")))
			return err_set(e,
				       "id '%.200s' was answered by this model before; pairs need two models",
				       p->id.data);
		if (p->rounds)
			continue;
		if (queue_pair(p, p->v + i - 1, rec, e))
			return -1;
		p->v[i - 1].paired = 1;
	}
	p->v = mem_grow(p->v, &p->cap, p->n + 1, sizeof *p->v);
	p->v[p->n] = (struct waiting){mem_strndup(rec->line.s, rec->line.n), rec->line.n,
				      (size_t)*slot, h, *slot > 0 && !p->rounds};
	*slot = ++p->n;
	return 0;
}

/* Queues the pair of two waiting records. */
static int meet(struct pairing *p, size_t earlier, size_t later, struct err *e)
{
	if (record_parse(&p->later, (struct span){p->v[later].line, p->v[later].len}, e))
		return -1;
	p->v[earlier].paired = p->v[later].paired = 1;
	return queue_pair(p, p->v + earlier, &p->later, e);
}

/* The rounds first..first + rounds - 1 of the tournament of an even number n: all but the last sit in a
 * circle that turns by one place from round to round; whom the circle's round number points at
 * meets the last, the others whoever sits opposite. */
static int play_even(struct pairing *p, const size_t *players, size_t n, size_t first,
		     struct err *e)
{
	size_t seats = n - 1;

	for (size_t r = 0; r < p->rounds && r < seats; r++) {
		size_t turn = (first + r) % seats;

		for (size_t k = 0; k <= seats / 2; k++) {
			size_t a = (turn + k) % seats,
			       b = k == 0 ? seats : (turn + seats - k) % seats;

			if (meet(p, players[a < b ? a : b], players[a < b ? b : a], e))
				return -1;
		}
	}
	return 0;
}

static size_t common_divisor(size_t a, size_t b)
{
	while (b > 0) {
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Of an odd number n one would sit out each round. Here all sit in a circle, and everyone meets those
 * so many places away on either side: two others for each distance. Where `rounds` is odd too, every
 * other step along the circles of one distance more gives each a last meeting; odd times odd makes
 * no pairs, so one of each such circle gets two. Which distances, and where the steps begin, changes from id to id. */
static int play_odd(struct pairing *p, const size_t *players, size_t n, size_t id, struct err *e)
{
	size_t half = (n - 1) / 2, rounds = p->rounds < n - 1 ? p->rounds : n - 1,
	       whole = rounds / 2, last = whole;

	/* a distance without a common divisor makes one circle of all */
	while (rounds % 2 && last + 1 < half && common_divisor(n, 1 + (id + last) % half) > 1)
		last++;
	for (size_t j = 0; j < whole + rounds % 2; j++) {
		int every_other = j == whole;
		size_t far = 1 + (id + (every_other ? last : j)) % half,
		       circles = common_divisor(n, far), length = n / circles;

		for (size_t c = 0; c < circles; c++)
			for (size_t k = 0; k < length; k += every_other ? 2 : 1) {
				size_t a = (c + (k + id / half) * far) % n, b = (a + far) % n;

				if (meet(p, players[a < b ? a : b], players[a < b ? b : a], e))
					return -1;
			}
	}
	return 0;
}

int pairing_end(struct pairing *p, struct err *e)
{
	size_t *players = NULL, cap = 0, n = 0;
	int failed;

	if (!p->rounds)
		return 0;
	buf_clear(&p->queue);
	p->at = 0;
	/* The first record of an id that was not alone leads to the latest, and that to all. */
	while (p->ended < p->n &&
	       (p->v[p->ended].next > 0 || *map_get(&p->first, p->v[p->ended].key) == p->ended + 1))
		p->ended++;
	if (p->ended == p->n)
		return 0;
	for (size_t i = (size_t)*map_get(&p->first, p->v[p->ended].key); i > 0;
	     i = p->v[i - 1].next) {
		players = mem_grow(players, &cap, n + 1, sizeof *players);
		players[n++] = i - 1;
	}
	for (size_t i = 0; i < n / 2; i++) {
		size_t swap = players[i];

		players[i] = players[n - 1 - i];
		players[n - 1 - i] = swap;
	}
	failed = n % 2 ? play_odd(p, players, n, p->ids, e)
		       : play_even(p, players, n, p->ids * p->rounds, e);
	p->ids++;
	p->ended++;
	free(players);
	return failed ? -1 : 1;
}

int pairing_next(struct pairing *p, struct span *line)
{
	const char *end;

	if (p->at == p->queue.len)
		return 0;
	end = memchr(p->queue.data + p->at, '\n', p->queue.len - p->at);
	*line = (struct span){p->queue.data + p->at, (size_t)(end - p->queue.data) - p->at};
	p->at += line->n + 1;
	return 1;
}

size_t pairing_lonely(const struct pairing *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += !p->v[i].paired;
	return n;
}

int pairing_text(const struct record *pair, const char *side, struct buf *text)
{
	return json_string(json_member(record_get(pair, side), "output"), text);
}
