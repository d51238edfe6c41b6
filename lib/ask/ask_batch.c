/* ask_batch: see the header. */
#include "ask_batch.h"

#include <stdlib.h>
#include "../api/batch.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../json/jw.h"
#include "../prompt/answer.h"

/* Where the requests go. */
struct sink {
	int (*give)(const struct sink *to, struct span id, struct span body, struct err *e);
	struct ask *ask;
	struct batch_parts *parts; /* or NULL */
};

void ask_request_line(struct ask *a, struct span id, struct span body, struct buf *line)
{
	struct json_iter it = {0};
	struct span key, value;
	struct jw j;

	jw_init(&j, line);
	jw_object(&j);
	jw_put_text(&j, "id", id);
	if (ask_api(a))
		jw_put_raw(&j, "body", body);
	while (!ask_api(a) && json_next(&it, body, &key, &value)) {
		jw_keyn(&j, key.s + 1, key.n - 2);
		jw_raw(&j, value);
	}
	jw_end(&j);
}

static int show(const struct sink *to, struct span id, struct span body, struct err *e)
{
	struct buf line = BUF_INIT;

	(void)e;
	ask_request_line(to->ask, id, body, &line);
	out_line(line.data, line.len);
	buf_release(&line);
	return 0;
}

static int batch(const struct sink *to, struct span id, struct span body, struct err *e)
{
	struct buf line = BUF_INIT;
	int rc = 0;

	batch_put_line(ask_api(to->ask)->dialect, id, body, &line);
	if (to->parts)
		rc = batch_parts_add(to->parts, buf_span(&line), e);
	else
		out_span(buf_span(&line));
	buf_release(&line);
	return rc;
}

/* Gives each request that would be asked, and each record to the parts. A record that gives no
 * request ends it: nothing was sent yet. */
static int each_request(struct ask_batch *w, const struct sink *to, struct err *e)
{
	struct backend *b = ask_backend(w->ask);
	struct batch_ids *ids = batch_ids_new(w->samples);
	struct buf id = BUF_INIT, one = BUF_INIT, body = BUF_INIT;
	struct record record = {0};
	struct backend_request q;
	int rc;

	while ((rc = reader_next(w->reader, &record, e)) > 0) {
		buf_clear(&id);
		rc = prompt_make(w->prompt, &record, &q, e) || batch_ids_next(ids, &record, &id, e)
			     ? -1
			     : 0;
		for (q.sample = 0; !rc && q.sample < w->samples; q.sample++) {
			buf_clear(&one);
			buf_clear(&body);
			batch_ids_sample(ids, buf_span(&id), q.sample, &one);
			rc = b->build(b->self, &q, &body, e) ||
					     to->give(to, buf_span(&one), buf_span(&body), e)
				     ? -1
				     : 0;
			ask_foresee(w->ask, buf_span(&body));
		}
		if (rc) {
			reader_at(w->reader, e);
			break;
		}
		if (to->parts && (rc = batch_parts_record(to->parts, record.line, e)))
			break;
	}
	batch_ids_free(ids);
	record_release(&record);
	buf_release(&id);
	buf_release(&one);
	buf_release(&body);
	return rc;
}

int ask_batch_show(struct ask_batch *b, struct err *e)
{
	return each_request(b, &(struct sink){show, b->ask, NULL}, e);
}

int ask_batch_write(struct ask_batch *b, struct err *e)
{
	return each_request(b, &(struct sink){batch, b->ask, NULL}, e);
}

static void tell_again(const struct ask_batch *w, const struct batch_results *b)
{
	const char *id;
	size_t n = batch_results_again(b, &id);
	struct buf text = BUF_INIT;

	if (!n || !w->notice)
		return;
	buf_addf(&text,
		 "%zu answer%s of the batch came to requests that had one already, the first to %.80s; the later one counts",
		 n, n == 1 ? "" : "s", id);
	w->notice(w->arg, text.data);
	buf_release(&text);
}

int ask_batch_join(struct ask_batch *w, const char *const *results, size_t n, struct err *e)
{
	struct batch_results *b = batch_results_open(results, n, e);
	struct batch_ids *ids = batch_ids_new(w->samples);
	struct backend_answer a = {0};
	struct buf *answers = mem_alloc((size_t)w->samples, sizeof *answers);
	struct buf id = BUF_INIT, one = BUF_INIT, out = BUF_INIT;
	struct record record = {0};
	int rc = b ? 0 : -1;

	if (b)
		tell_again(w, b);
	while (!rc && (rc = reader_next(w->reader, &record, e)) > 0) {
		int failed = 0;

		buf_clear(&id);
		buf_clear(&out);
		rc = batch_ids_next(ids, &record, &id, e);
		for (int s = 0; !rc && s < w->samples; s++) {
			buf_clear(&one);
			buf_clear(&answers[s]);
			batch_ids_sample(ids, buf_span(&id), s, &one);
			batch_results_get(b, buf_span(&one), ask_api(w->ask), &a);
			ask_validate(w->ask, &a);
			failed |= a.error_type[0] != 0;
			answer_write(&a, &answers[s]);
			ask_count(w->ask, &a);
		}
		rc = rc || answer_splice(&record, answers, w->samples, prompt_tags(w->prompt), &out,
					 e)
			     ? -1
			     : 0;
		ask_count_row(w->ask, failed);
		out_span(buf_span(&out));
	}
	for (int s = 0; s < w->samples; s++)
		buf_release(&answers[s]);
	free(answers);
	batch_results_close(b);
	batch_ids_free(ids);
	backend_answer_release(&a);
	record_release(&record);
	buf_release(&id);
	buf_release(&one);
	buf_release(&out);
	return rc;
}

int ask_batch_run(struct ask_batch *w, struct err *e)
{
	const struct batch_run how = {ask_api(w->ask), w->state,    w->poll,
				      w->stopping,     w->progress, w->arg};
	struct batch_parts *parts = batch_parts_begin(&how, e);
	const char *const *results;
	char **records;
	size_t n;
	int rc = parts ? each_request(w, &(struct sink){batch, w->ask, parts}, e) : -1;

	if (!rc)
		rc = batch_parts_finish(parts, &results, &n, &records, e);
	if (!rc) {
		w->skipped = w->reader->skipped;
		reader_release(w->reader);
		reader_init(w->reader, records);
		rc = ask_batch_join(w, results, n, e);
	}
	batch_parts_free(parts);
	return rc;
}
