/* Which rank has which of the trained values: all of them once, whatever the number of ranks; and what
 * four ranks need beside one. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/model/adapter.h"
#include "../../lib/train/shard.h"
#include "tap.h"

/* Of sizes that nothing divides. */
static struct model *make(const char *shape, int lora)
{
	struct err e = ERR_INIT;
	struct config c;
	struct model *m;
	char text[512];

	snprintf(text, sizeof text,
		 "{\"model_type\":\"llama\",\"num_attention_heads\":1,\"head_dim\":16,\"num_key_value_heads\":1,"
		 "\"max_position_embeddings\":128,%s}",
		 shape);
	if (config_parse(&c, text, strlen(text), "test", &e) || model_new(&m, &c, 5, &e) ||
	    (lora &&
	     adapter_new(m, &(struct adapter){.rank = 3, .alpha = 6, .targets = "all"}, 1, &e))) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	return m;
}

/* Every value is in one bucket, in one unit, and one rank's. */
static int is_whole(const struct model *m, size_t ranks, size_t good)
{
	unsigned char *has = mem_alloc(m->n_params, 1);
	size_t all = 0, at = 0, least = SIZE_MAX, most = 0, units = 0;
	int whole = 1;

	for (size_t r = 0; r < ranks; r++) {
		struct shard s;
		size_t own = 0;

		shard_init_fine(&s, m, r, ranks, good);
		for (size_t i = 0; i < s.n_units; i++) {
			const struct adamw_run *p = &s.parts[i];

			whole = whole && p->at == own && p->param >= s.units[i].at &&
				p->param + p->n <= s.units[i].at + s.units[i].n;
			for (size_t k = 0; k < p->n; k++)
				whole = whole && !has[p->param + k]++;
			own += p->n;
		}
		at = 0;
		for (size_t i = 0; i < s.n_buckets; at += s.buckets[i++].n)
			whole = whole && s.buckets[i].at == at && s.buckets[i].units >= 1;
		whole = whole && own == s.own && at == m->n_params;
		all += own;
		least = own < least ? own : least;
		most = own > most ? own : most;
		units = s.n_units;
		shard_release(&s);
	}
	free(has);
	return whole && all == m->n_params && most - least <= units;
}

/* A tensor's bucket is there from before its first gradient to after its last one. */
static int is_in_time(const struct model *m, size_t ranks, size_t good)
{
	struct shard s;
	int right = 1;

	shard_init_fine(&s, m, 0, ranks, good);
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		size_t b = 0, layers = m->config.layers;

		if (!t->trained)
			continue;
		while (t->offset >= s.buckets[b].at + s.buckets[b].n)
			b++;
		if (t->layer >= 0)
			right = right && s.buckets[b].first <= layers - (size_t)t->layer &&
				s.buckets[b].last >= layers - (size_t)t->layer;
		else
			right = right &&
				(s.buckets[b].first == 0 || t->role == MODEL_EMBED ||
				 t->role == MODEL_POSITION) &&
				(s.buckets[b].last == layers + 1 || (int)i == m->t_head ||
				 t->role == MODEL_NORM);
	}
	shard_release(&s);
	return right;
}

static double share_of_one(const struct model *m, size_t ranks)
{
	struct shard one, s;
	double share;

	shard_init(&one, m, 0, 1);
	shard_init(&s, m, 0, ranks);
	share = (double)shard_bytes(&s) / (double)shard_bytes(&one);
	shard_release(&one);
	shard_release(&s);
	return share;
}

int main(void)
{
	const struct {
		const char *name, *shape;
		int lora;
	} kinds[] = {
		{"tied",
		 "\"hidden_size\":131,\"intermediate_size\":257,\"num_hidden_layers\":8,\"vocab_size\":263,"
		 "\"tie_word_embeddings\":true",
		 0},
		{"with a head",
		 "\"hidden_size\":67,\"intermediate_size\":301,\"num_hidden_layers\":5,\"vocab_size\":401,"
		 "\"tie_word_embeddings\":false",
		 0},
		{"an adapter",
		 "\"hidden_size\":131,\"intermediate_size\":257,\"num_hidden_layers\":4,\"vocab_size\":263,"
		 "\"tie_word_embeddings\":true",
		 1},
		{"of a few values",
		 "\"hidden_size\":5,\"intermediate_size\":3,\"num_hidden_layers\":1,\"vocab_size\":7,"
		 "\"tie_word_embeddings\":true",
		 0},
		{"of one great layer",
		 "\"hidden_size\":256,\"intermediate_size\":16411,\"num_hidden_layers\":1,\"vocab_size\":64,"
		 "\"tie_word_embeddings\":true",
		 0},
	};

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct model *m = make(kinds[k].shape, kinds[k].lora);
		const size_t ranks[] = {1, 2, 3, 4, 7, 64};
		struct shard s;

		for (size_t i = 0; i < 2 * sizeof ranks / sizeof *ranks; i++) {
			size_t n = ranks[i / 2], good = i % 2 ? 64 : 1 << 16;

			ok(is_whole(m, n, good),
			   "%s: %zu values are shared out among %zu, by buckets of %zu",
			   kinds[k].name, m->n_params, n, good);
			ok(is_in_time(m, n, good), "and are there when they are added to");
		}
		/* The formula of the header, to a value a unit. */
		shard_init(&s, m, 0, 3);
		ok(fabs(shard_sent(&s, 2) - 4 * 3 * 2 / 3. * (double)m->n_params) <=
			   4 * 3 * (double)s.n_units,
		   "two passes of three ranks send twice all values each");
		shard_release(&s);
		model_free(m);
	}
	/* Of one's three floats a value each of four keeps three quarters. */
	struct model *m = make(kinds[0].shape, 0);
	double share = share_of_one(m, 4);

	ok(share_of_one(m, 1) == 1 && share > .25 && share < .4,
	   "each of four ranks needs %.1f %% of one's gradients and moments", 100 * share);
	ok(share_of_one(m, 64) < share, "and of 64 less");
	model_free(m);
	return tap_done();
}
