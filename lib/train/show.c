/* Examples as marked text and as packs; see show.h. */
#include "show.h"

#include <stdlib.h>

#include "../base/mem.h"
#include "../base/visible.h"
#include "batch.h"

void show_example(const struct dataset *d, size_t i, const struct tokenizer *t, int colour,
		  struct buf *b)
{
	const int32_t *ids = d->ids + d->examples[i].at;
	const float *weights = d->weights + d->examples[i].at;
	size_t n = d->length[i], trained = 0;
	struct buf text = BUF_INIT;
	for (size_t k = 0; k < n; k++)
		trained += weights[k] != 0;
	buf_addf(b, "# %s:%zu, %zu tokens, %zu trained on%s\n", d->examples[i].file,
		 d->examples[i].line, n, trained,
		 !d->mismatched		? ""
		 : d->examples[i].label ? ", label true"
					: ", label false");
	for (size_t k = 0; k < DATASET_LOSSES; k++)
		if (d->examples[i].lost[k])
			buf_addf(b,
				 k == DATASET_OTHERWISE ? "# %s: message %u\n"
							: "# in no token: %s of message %u\n",
				 dataset_loss_name(k), d->examples[i].lost[k]);
	for (size_t from = 0, to; from < n; from = to) {
		int on = weights[from] != 0;
		for (to = from + 1; to < n && (weights[to] != 0) == on; to++)
			;
		buf_clear(&text);
		tokenizer_decode(t, ids + from, to - from, from ? TOKENIZER_KEEP_START : 0, &text);
		if (on)
			buf_adds(b, colour ? "\033[1;32m" : ">>>");
		visible_put(b, buf_span(&text), "\n\t");
		if (on)
			buf_adds(b, colour ? "\033[0m" : "<<<");
	}
	buf_adds(b, "\n\n");
	buf_release(&text);
}

void show_examples(const struct dataset *d, const struct tokenizer *t, int colour,
		   void (*give)(void *arg, struct span text), void *arg, int (*stopping)(void))
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < d->n && !(stopping && stopping()); i++) {
		buf_clear(&b);
		show_example(d, i, t, colour, &b);
		give(arg, buf_span(&b));
	}
	buf_release(&b);
}

/* The packs of one step over these rows. */
static void step_packs(const struct dataset *d, const size_t *rows, size_t n, int pairs,
		       struct buf *b)
{
	size_t count = pairs ? 2 * n : n, *examples = mem_alloc(count, sizeof *examples);
	struct batch_packs packs = {0};
	struct dataset_pack pack = {0};
	for (size_t i = 0; i < count; i++)
		examples[i] = pairs ? 2 * rows[i / 2] + i % 2 : rows[i];
	batch_pack(&packs, examples, count, d->length);
	for (size_t p = 0; p < packs.packs; p++) {
		size_t from = packs.first[p];
		dataset_pack_fill(&pack, d, examples, packs.place + from, packs.first[p + 1] - from,
				  NULL);
		dataset_pack_json(&pack.pack, b);
		buf_addc(b, '\n');
	}
	batch_packs_release(&packs);
	dataset_pack_release(&pack);
	free(examples);
}

void show_epoch(const struct dataset *d, const struct loop_spec *spec,
		void (*give)(void *arg, struct span lines), void *arg, int (*stopping)(void))
{
	struct batch_order o;
	struct buf b = BUF_INIT;
	batch_order_init(&o, form_is_pair(d->form) ? d->n / 2 : d->n, spec->batch);
	batch_order_epoch(&o, spec->seed, 0);
	for (size_t i = 0, n;
	     i < batch_order_batches(&o) && i < spec->steps && !(stopping && stopping()); i++) {
		const size_t *rows = batch_order_at(&o, i, &n);
		buf_clear(&b);
		step_packs(d, rows, n, form_is_pair(d->form), &b);
		give(arg, buf_span(&b));
	}
	batch_order_release(&o);
	buf_release(&b);
}
