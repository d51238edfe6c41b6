/* batch: request lines, custom ids, and results looked up by them; what goes over the network is in
 * batch_run.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/map.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "../text/hash.h"
#include "batch.h"

struct batch_ids {
	int samples;
	struct map seen; /* hash of id or key -> how often */
};

struct batch_ids *batch_ids_new(int samples)
{
	struct batch_ids *b = mem_alloc(1, sizeof *b);

	b->samples = samples;
	return b;
}

void batch_ids_free(struct batch_ids *b)
{
	if (!b)
		return;
	map_release(&b->seen);
	free(b);
}

int batch_ids_next(struct batch_ids *b, const struct record *r, struct buf *id, struct err *e)
{
	size_t from = id->len;
	uint64_t *times;
	int fresh;

	if (record_id(r, id, e))
		return -1;
	times = map_put(&b->seen, hash64((struct span){id->data + from, id->len - from}, 0), 0,
			&fresh);
	++*times;
	if (fresh)
		return 0;
	if (record_get(r, "id").s)
		return err_set(e,
			       "the id %.80s stands in two records; results could not be told apart",
			       id->data + from);
	return buf_addf(id, "#%llu", (unsigned long long)*times);
}

void batch_ids_sample(const struct batch_ids *b, struct span id, int sample, struct buf *out)
{
	buf_addspan(out, id);
	if (b->samples > 1)
		buf_addf(out, "/%d", sample);
}

int batch_check(const struct api_options *o, int whole, struct err *e)
{
	if (!o)
		return err_set(e, "batches are for models behind an API");
	if (o->stream)
		return err_set(e, "--stream: the answers of a batch do not stream");
	if (whole && o->dialect == DIALECT_ANTHROPIC)
		return err_set(e,
			       "--batch speaks OpenAI's files and batches; for Anthropic there are --to-batch and --from-batch");
	return 0;
}

const char *batch_endpoint(enum dialect_kind d)
{
	return d == DIALECT_AZURE	? "/chat/completions"
	       : d == DIALECT_RESPONSES ? "/v1/responses"
					: "/v1/chat/completions";
}

static void put_custom_id(enum dialect_kind d, struct span id, struct buf *out)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = 0;

	while (n < id.n && id.s[n] && strchr(plain, id.s[n]))
		n++;
	if (d != DIALECT_ANTHROPIC || (n == id.n && n >= 1 && n <= 64))
		buf_addspan(out, id);
	else
		buf_addf(out, "%016llx%016llx", (unsigned long long)hash64(id, 0),
			 (unsigned long long)hash64(id, 1));
}

void batch_put_line(enum dialect_kind d, struct span id, struct span body, struct buf *line)
{
	struct buf custom = BUF_INIT;
	struct jw w;

	put_custom_id(d, id, &custom);
	jw_init(&w, line);
	jw_object(&w);
	jw_put_text(&w, "custom_id", buf_span(&custom));
	if (d != DIALECT_ANTHROPIC) {
		jw_put_str(&w, "method", "POST");
		jw_put_str(&w, "url", batch_endpoint(d));
	}
	jw_put_raw(&w, d == DIALECT_ANTHROPIC ? "params" : "body", body);
	jw_end(&w);
	buf_addc(line, '\n');
	buf_release(&custom);
}

/* --- results --- */

struct batch_results {
	struct file_map *maps;
	size_t n;
	struct span *lines;
	size_t lines_n, lines_cap;
	struct map by_id; /* hash of custom_id -> index into lines */
	size_t again;	  /* answers to requests that had one already */
	struct buf first; /* the custom_id of the first of them */
};

/* The body of a response; some servers write it as a string, which is decoded into text. */
static struct span body_of(struct span response, struct buf *text)
{
	struct span body = json_member(response, "body"), v;

	if (json_string(body, text) || json_check(buf_span(text), &v, NULL))
		return body;
	return v;
}

/* Whether a result holds an answer. */
static int is_answer(struct span v)
{
	struct span response = json_member(v, "response"), body;
	struct buf text = BUF_INIT;
	int64_t status = 200;
	int yes;

	if (json_member(v, "result").s)
		return json_member(json_member(v, "result"), "message").s != NULL;
	json_int(json_member(response, "status_code"), &status);
	body = body_of(response, &text);
	yes = status == 200 && json_kind(body) == JSON_OBJECT &&
	      json_kind(json_member(body, "error")) <= JSON_NULL;
	buf_release(&text);
	return yes;
}

/* Where a request has several results, an answer counts before an error, in whatever order and files
 * they stand; of two of a kind the later. */
static int index_line(struct batch_results *b, struct span line, struct err *e)
{
	struct buf id = BUF_INIT;
	struct span v;
	int rc = json_check(line, &v, e), fresh;

	if (!rc && json_string(json_member(v, "custom_id"), &id))
		rc = err_set(e, "not a result of a batch: no custom_id");
	if (!rc) {
		uint64_t *at = map_put(&b->by_id, hash64(buf_span(&id), 0), b->lines_n, &fresh);

		int answer = !fresh && is_answer(v), had = !fresh && is_answer(b->lines[*at]);

		b->lines = mem_grow(b->lines, &b->lines_cap, b->lines_n + 1, sizeof *b->lines);
		if (answer && had && !b->again++)
			buf_addspan(&b->first, buf_span(&id));
		if (fresh || answer || !had)
			*at = b->lines_n;
		b->lines[b->lines_n++] = v;
	}
	buf_release(&id);
	return rc;
}

static int index_file(struct batch_results *b, const struct file_map *m, const char *name,
		      struct err *e)
{
	const char *p = (const char *)m->data, *end = p ? p + m->len : NULL; /* NULL: empty */

	if (m->len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) /* a BOM */
		p += 3;
	for (size_t n = 1; p && p < end; n++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;

		if (stop > p && index_line(b, (struct span){p, (size_t)(stop - p)}, e))
			return err_prefix(e, "%s:%zu", name, n);
		p = stop + 1;
	}
	return 0;
}

struct batch_results *batch_results_open(const char *const *files, size_t n, struct err *e)
{
	struct batch_results *b = mem_alloc(1, sizeof *b);

	b->maps = mem_alloc(n, sizeof *b->maps);
	for (size_t i = 0; i < n; i++) {
		if (file_map(files[i], &b->maps[i], e))
			goto fail;
		b->n++;
		if (index_file(b, &b->maps[i], files[i], e))
			goto fail;
	}
	return b;
fail:
	batch_results_close(b);
	return NULL;
}

void batch_results_close(struct batch_results *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		file_unmap(&b->maps[i]);
	free(b->maps);
	free(b->lines);
	map_release(&b->by_id);
	buf_release(&b->first);
	free(b);
}

size_t batch_results_again(const struct batch_results *b, const char **id)
{
	*id = b->again ? b->first.data : NULL;
	return b->again;
}

static void fail_with(struct backend_answer *a, int status, struct span body, const char *otherwise)
{
	struct buf text = BUF_INIT;

	if (json_kind(body) == JSON_OBJECT || json_kind(body) == JSON_ARRAY)
		dialect_error(body, &text);
	backend_answer_fail(a, "batch", status, "%s", text.len ? text.data : otherwise);
	buf_release(&text);
}

static void read_result(struct span v, const struct api_options *o, struct backend_answer *a)
{
	struct span result = json_member(v, "result"), response = json_member(v, "response"), body;
	int forced = o->dialect == DIALECT_ANTHROPIC && o->params->schema.s;
	int64_t status = 200;
	struct dialect_usage u;
	struct buf id = BUF_INIT, text = BUF_INIT;
	char *asked;

	if (result.s) {
		body = json_member(result, "message");
		if (!body.s)
			fail_with(a, 0, json_member(result, "error"),
				  "the batch gave no answer to this request");
	} else {
		body = body_of(response, &text);
		json_int(json_member(response, "status_code"), &status);
		if (!json_string(json_member(response, "request_id"), &id) && id.data)
			snprintf(a->request_id, sizeof a->request_id, "%s", id.data);
		buf_release(&id);
		if (status != 200)
			fail_with(a, (int)status, body, "the batch gave an error");
		else if (json_kind(body) == JSON_STRING)
			backend_answer_fail(a, "batch", 0,
					    "the server's body is text, and no JSON: %.200s",
					    text.len ? text.data : "");
		else if (json_kind(body) != JSON_OBJECT)
			fail_with(a, 0, json_kind(body) == JSON_ARRAY ? body : v,
				  "the batch gave no answer to this request");
	}
	if (a->error_type[0])
		goto cleanup;
	dialect_answer(result.s						  ? DIALECT_ANTHROPIC
		       : json_is(json_member(body, "object"), "response") ? DIALECT_RESPONSES
									  : DIALECT_OPENAI,
		       body, forced, a);
	asked = dialect_asked(o->extra, o->model);
	dialect_usage(buf_span(&a->usage), &u);
	a->cost = prices_cost(o->prices, prices_known(o->prices, asked) ? asked : a->model, 1, &u);
	free(asked);
	a->attempts = 1;
cleanup:
	buf_release(&text);
}

void batch_results_get(const struct batch_results *b, struct span id, const struct api_options *o,
		       struct backend_answer *a)
{
	struct buf custom = BUF_INIT;
	const uint64_t *at;

	put_custom_id(o->dialect, id, &custom);
	at = map_get(&b->by_id, hash64(buf_span(&custom), 0));
	buf_release(&custom);
	backend_answer_clear(a);
	if (at)
		read_result(b->lines[*at], o, a);
	else
		backend_answer_fail(a, "batch", 0, "the batch holds no result for this record");
	if (!a->model[0])
		snprintf(a->model, sizeof a->model, "%s", o->model);
}
