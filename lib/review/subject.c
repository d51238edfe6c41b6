/* subject: see subject.h. */
#include "subject.h"

#include "../json/jw.h"
#include "../json/members.h"
#include "key.h"
#include "pair.h"

static int is_there(struct span v)
{
	return v.s && json_kind(v) != JSON_NULL;
}

/* How much a turn counts in training is no part of what it says. */
static void put_turn(struct span turn, struct jw *w)
{
	struct record m = {0};
	struct buf bare = BUF_INIT;
	struct edit weight = {"weight", {0}};
	jw_key(w, "turn");
	if (record_parse(&m, turn, NULL) || record_splice(&m, &weight, 1, &bare))
		jw_raw(w, turn);
	else
		jw_raw(w, buf_span(&bare));
	buf_release(&bare);
	record_release(&m);
}

int subject_key(const struct record *r, char key[33], struct err *e)
{
	return pair_is(r) ? pair_key(r, key, e) : record_key(r, key, e);
}

int subject_hash(const struct record *r, char hash[33], struct err *e)
{
	struct buf subject = BUF_INIT, canonical = BUF_INIT;
	struct span turn = record_final_assistant(r), ideal = record_get(r, "ideal"),
		    completion = record_get(r, "completion");
	char key[33];
	struct jw w;
	if (pair_is(r))
		return pair_hash(r, hash, e);
	if (record_key(r, key, e))
		return -1;
	jw_init(&w, &subject);
	jw_object(&w);
	jw_put_str(&w, "input", key);
	if (turn.s)
		put_turn(turn, &w);
	if (is_there(ideal))
		jw_put_raw(&w, "ideal", ideal);
	if (is_there(completion))
		jw_put_raw(&w, "completion", completion);
	jw_end(&w);
	canonical.full |= subject.full || json_canonical(buf_span(&subject), &canonical);
	int rc = key_digest(&canonical, hash, e);
	buf_release(&subject);
	buf_release(&canonical);
	return rc;
}

int subject_hash_before(const struct record *r, char hash[33], struct err *e)
{
	struct edit drop[MEMBER_EDITS];
	size_t n = members_edits(MEMBER_MARK, (struct span){0}, drop);
	struct buf shown = BUF_INIT, canonical = BUF_INIT;
	struct span v = {0};
	canonical.full |= record_splice(r, drop, n, &shown) ||
			  json_check(buf_span(&shown), &v, NULL) || json_canonical(v, &canonical);
	int rc = key_digest(&canonical, hash, e);
	buf_release(&shown);
	buf_release(&canonical);
	return rc;
}
