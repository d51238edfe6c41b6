/* Records to examples: what is trained on, what is refused and why, what is left untouched. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/train/dataset.h"
#include "../../lib/train/rundir.h"
#include "../../lib/train/show.h"
#include "tap.h"

static struct tokenizer *tokenizer;
static struct chat *chat;
static struct dataset_spec spec;

/* Adds one line; -1, 0 or 1 as dataset_add. */
static int add(struct dataset *d, const char *line, struct err *e)
{
	struct record r = {0};
	int rc = record_parse(&r, span_of(line), e);
	if (!rc)
		rc = dataset_add(d, &r, "test", d->rows + 1, &spec, e);
	record_release(&r);
	return rc;
}

/* The text of the tokens of example i that have a weight other than 0, NUL-terminated in b. */
static const char *trained_text(const struct dataset *d, size_t i, struct buf *b)
{
	buf_clear(b);
	for (size_t k = 0; k < d->length[i]; k++)
		if (d->weights[d->examples[i].at + k] != 0)
			tokenizer_decode(tokenizer, d->ids + d->examples[i].at + k, 1,
					 TOKENIZER_KEEP_START, b);
	buf_addc(b, 0);
	return b->data;
}

static float last_weight(const struct dataset *d)
{
	return d->weights[d->tokens - 1];
}

static void supervision(void)
{
	struct dataset d = {0};
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	ok(add(&d,
	       "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"yes\"}]}",
	       &e) == 1,
	   "a chat row is taken: %s", e.msg);
	ok_str(trained_text(&d, 0, &b), "yes<|end|>",
	       "the assistant's text and its end are trained on, nothing else");
	ok(last_weight(&d) == 1, "weights are 1 by default");
	add(&d,
	    "{\"weight\":0.25,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"yes\"}]}",
	    &e);
	ok(last_weight(&d) == 0.25f, "the weight of a record multiplies those of its tokens");
	add(&d,
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"first\",\"weight\":0},"
	    "{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"second\"}]}",
	    &e);
	ok_str(trained_text(&d, 2, &b), "second<|end|>", "a turn of weight 0 is not trained on");
	ok(d.n == 3 && d.rows == 3, "all three were taken");
	ok(d.examples[0].hash != d.examples[1].hash,
	   "examples that differ in weight alone differ in hash");
	ok(add(&d, "{\"prompt\":\"2+2=\",\"completion\":\"4\"}", &e) == -1 &&
		   strstr(e.msg, "among rows with messages"),
	   "a row of another form is refused");
	dataset_release(&d);
	add(&d, "{\"prompt\":\"2+2=\",\"completion\":\"4\"}", &e);
	ok_str(trained_text(&d, 0, &b), "4<|end|>",
	       "a completion and the end of text are trained on");
	buf_clear(&b);
	show_example(&d, 0, tokenizer, 0, &b);
	ok(strstr(b.data, ">>>4<|end|><<<") != NULL, "show marks what is trained on");
	dataset_release(&d);
	buf_release(&b);
}

static void refusals(void)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", "no reference"},
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"x\",\"weight\":0}]}",
		 "nothing to train on"},
		{"{\"messages\":[{\"role\":\"oracle\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"x\"}]}",
		 "unknown role \"oracle\""},
		{"{\"messages\":[{\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"x\"}]}",
		 "messages[0] has no role"},
		{"{\"messages\":\"hi\"}", "`messages` is no array"},
		{"{\"prompt\":\"hi\"}", "no reference"},
		{"{\"say\":\"hi\"}", "no messages, no prompt and no text"},
		{"{\"text\":7}", "text is no string"},
		{"{\"prompt\":\"a\",\"completion\":\"b\",\"label\":false}", "label is false"},
		{"{\"conversations\":[{\"from\":\"human\",\"value\":\"a\"}]}", "from_sharegpt"},
		{"{\"instruction\":\"a\",\"output\":\"b\"}", "from_alpaca"},
		{"{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"}],\"completion\":[{\"role\":\"user\",\"content\":\"b\"}]}",
		 "ends with an assistant's message"},
		{"{\"chosen\":\"a\",\"rejected\":\"b\"}", "--dpo"},
		{"{\"weight\":-1,\"prompt\":\"a\",\"completion\":\"b\"}", "weight"},
		{"{\"input\":{\"messages\":[]},\"preferred_output\":[],\"non_preferred_output\":[]}",
		 "preference"},
	};
	struct dataset d = {0};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = ERR_INIT;
		int rc = add(&d, bad[i].line, &e);
		ok(rc == -1 && strstr(e.msg, bad[i].why), "refused: %s (%s)", bad[i].why, e.msg);
	}
	ok(d.n == 0 && d.tokens == 0, "refused rows leave nothing behind");
	dataset_release(&d);
}

static void lengths(void)
{
	const char *line = "{\"prompt\":\"0123456789\",\"completion\":\"abcdefghij\"}";
	struct dataset d = {0};
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	spec.max_seq = 15;
	ok(add(&d, line, &e) == -1 && strstr(e.msg, "--max-seq 15"),
	   "a long row is an error that names the limit");
	spec.too_long = DATASET_LONG_DROP;
	ok(add(&d, line, &e) == 0 && d.n == 0 && d.dropped == 1,
	   "drop leaves it out and counts it");
	spec.too_long = DATASET_LONG_TRUNCATE;
	ok(add(&d, line, &e) == 1 && d.length[0] == 15 && d.truncated == 1,
	   "truncate cuts it and counts it");
	ok(strncmp(trained_text(&d, 0, &b), "abcd", 4) == 0,
	   "what is left of the completion is trained on");
	spec.max_seq = 8;
	ok(add(&d, line, &e) == -1 && strstr(e.msg, "truncation"),
	   "a row cut down to its prompt is refused");
	spec.max_seq = 1000;
	spec.too_long = DATASET_LONG_ERROR;
	dataset_release(&d);
	buf_release(&b);
}

/* Of a conversation that is cut, what is kept is as it is in the whole: turns behind are not looked for. */
static void long_conversation(void)
{
	struct buf line = BUF_INIT;
	struct dataset whole = {0}, cut = {0};
	struct err e = ERR_INIT;
	size_t wrong = 0, kept = 301;

	buf_adds(&line, "{\"messages\":[");
	for (int i = 0; i < 200; i++)
		buf_addf(&line,
			 "%s{\"role\":\"user\",\"content\":\"q%d\"},"
			 "{\"role\":\"assistant\",\"content\":\"a%d\",\"weight\":%d}",
			 i ? "," : "", i, i, i % 3);
	buf_adds(&line, "]}");
	spec.max_seq = 100000;
	ok(add(&whole, line.data, &e) == 1, "a long conversation is taken: %s", e.msg);
	spec.max_seq = kept;
	ok(add(&cut, line.data, &e) == -1 && strstr(e.msg, "more than --max-seq 301"),
	   "one that is far too long is refused: %s", e.msg);
	spec.too_long = DATASET_LONG_TRUNCATE;
	ok(add(&cut, line.data, &e) == 1 && cut.tokens == kept && cut.truncated == 1, "or cut: %s",
	   e.msg);
	for (size_t i = 0; i < kept && cut.tokens == kept; i++)
		wrong += cut.ids[i] != whole.ids[i] || cut.weights[i] != whole.weights[i];
	ok(!wrong && cut.tokens == kept && whole.tokens > 3 * kept,
	   "with the tokens and weights that the whole begins with (%zu others)", wrong);
	spec.max_seq = 1000;
	spec.too_long = DATASET_LONG_ERROR;
	dataset_release(&whole);
	dataset_release(&cut);
	buf_release(&line);
}

/* The forms of rows: what each trains on, and of pairs what the other answer is. */
static void row_forms(void)
{
	static const struct {
		const char *line, *want, *other;
	} table[] = {
		/* its first token has nothing before it */
		{"{\"text\":\"all of it\"}", "ll of it<|end|>", NULL},
		{"{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"old\"},{\"role\":\"user\",\"content\":\"b\"}],"
		 "\"completion\":[{\"role\":\"assistant\",\"content\":\"new\"}]}",
		 "new<|end|>", NULL},
		{"{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"}],\"completion\":\"as text\"}",
		 "as text<|end|>", NULL},
		{"{\"prompt\":\"a\",\"chosen\":\"good\",\"rejected\":\"bad\"}", "good<|end|>",
		 "bad<|end|>"},
		{"{\"chosen\":\"the sky is blue\",\"rejected\":\"the sky is bleak\"}",
		 "blue<|end|>", "bleak<|end|>"},
		{"{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"}],\"chosen\":[{\"role\":\"assistant\",\"content\":\"good\"}],"
		 "\"rejected\":[{\"role\":\"assistant\",\"content\":\"bad\"}]}",
		 "good<|end|>", "bad<|end|>"},
		{"{\"chosen\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"same\"},{\"role\":\"user\",\"content\":\"b\"},"
		 "{\"role\":\"assistant\",\"content\":\"good\"}],\"rejected\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
		 "\"content\":\"same\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"bad\"}]}",
		 "good<|end|>", "bad<|end|>"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct dataset d = {0};
		struct err e = ERR_INIT;
		struct buf b = BUF_INIT;

		spec.preferences = table[i].other != NULL;
		ok(add(&d, table[i].line, &e) == 1, "a row is taken: %.60s %s", table[i].line,
		   e.msg);
		if (d.n)
			ok_str(trained_text(&d, 0, &b), table[i].want, "its answer");
		if (d.n == 2)
			ok_str(trained_text(&d, 1, &b), table[i].other, "the other one");
		dataset_release(&d);
		buf_release(&b);
	}
	spec.preferences = 0;
}

/* Turns in the middle of a conversation. */
static void turns(void)
{
	static const char line[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"one\"},{\"role\":\"user\",\"content\":\"b\"},"
		"{\"role\":\"assistant\",\"content\":\"two\"}]}";
	struct dataset d = {0};
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	add(&d, line, &e);
	ok_str(trained_text(&d, 0, &b), "one<|end|>two<|end|>", "all turns are trained on");
	dataset_release(&d);
	spec.last_turn = 1;
	add(&d, line, &e);
	ok_str(trained_text(&d, 0, &b), "two<|end|>", "with last_turn the last one");
	ok(d.n == 1, "in one example");
	dataset_release(&d);
	spec.last_turn = 0;
	spec.unroll = 1;
	add(&d, line, &e);
	ok(d.n == 2 && d.rows == 1, "with unroll one row gives two examples");
	ok_str(trained_text(&d, 0, &b), "one<|end|>", "the first turn");
	ok_str(trained_text(&d, 1, &b), "two<|end|>", "and the second");
	ok(d.length[0] < d.length[1], "each behind what came before it");
	dataset_release(&d);
	spec.unroll = 0;
	buf_release(&b);
}

static void preferences(void)
{
	struct dataset d = {0};
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	spec.preferences = 1;
	ok(add(&d,
	       "{\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"old\"},"
	       "{\"role\":\"user\",\"content\":\"b\"}]},\"preferred_output\":[{\"role\":\"assistant\",\"content\":\"good\"}],"
	       "\"non_preferred_output\":[{\"role\":\"assistant\",\"content\":\"bad\"}]}",
	       &e) == 1,
	   "a preference line is taken: %s", e.msg);
	ok(d.n == 2 && d.rows == 1, "it gives two examples");
	ok_str(trained_text(&d, 0, &b), "good<|end|>", "the first is the preferred answer alone");
	ok_str(trained_text(&d, 1, &b), "bad<|end|>", "the second the other one");
	ok(add(&d,
	       "{\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]},\"preferred_output\":[{\"role\":\"assistant\",\"content\":\"x\"}],"
	       "\"non_preferred_output\":[{\"role\":\"assistant\",\"content\":\"x\"}]}",
	       &e) == -1 &&
		   strstr(e.msg, "the same"),
	   "two equal answers are refused");
	ok(add(&d, "{\"prompt\":\"a\",\"completion\":\"b\"}", &e) == -1, "a plain row is refused");
	ok(d.n == 2, "refused pairs leave nothing behind");
	spec.preferences = 0;
	dataset_release(&d);
	buf_release(&b);
}

/* Labelled rows: what is refused, which turn the label is for, and which answer each question is
 * mismatched with. */
static void labels(void)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{"{\"prompt\":\"a\",\"completion\":\"b\"}", "no label: --kto"},
		{"{\"prompt\":\"a\",\"completion\":\"b\",\"label\":null}",
		 "label is neither true nor false"},
		{"{\"prompt\":\"a\",\"completion\":\"b\",\"label\":\"yes\"}",
		 "label is neither true nor false"},
		{"{\"prompt\":\"a\",\"completion\":\"b\",\"label\":1}",
		 "label is neither true nor false"},
		{"{\"chosen\":\"a\",\"rejected\":\"b\",\"label\":true}", "--dpo"},
		{"{\"prompt\":\"a\",\"label\":true}", "no reference"},
		{"{\"prompt\":\"a\",\"completion\":\"b\",\"label\":true,\"weight\":0}",
		 "nothing to train on"},
	};
	/* rows by question, answer and label, and the row whose answer each is mismatched with */
	static const struct {
		const char *rows[6];
		int other[6]; /* -1: all answers are one */
	} table[] = {
		{{"ax1", "by1", "cz0"}, {1, 2, 0}},
		{{"ax1", "bx1", "cy0", "dx1"}, {2, 2, 3, 2}}, /* on to the next different answer */
		{{"ax1", "ay0", "bx1", "by0"}, {3, 2, 1, 0}}, /* and question */
		{{"ax1", "ax1", "ay0", "bx0"}, {2, 2, 3, 2}}, /* else the answer differs at least */
		{{"ax1", "ay0"}, {1, 0}},
		{{"ax1", "bx0"}, {-1}},
		{{"ax1"}, {-1}},
	};
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	spec.labels = 1;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct dataset d = {0};
		int rc = add(&d, bad[i].line, &e);
		ok(rc == -1 && strstr(e.msg, bad[i].why) && !d.n, "refused: %s (%s)", bad[i].why,
		   e.msg);
		dataset_release(&d);
	}
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct dataset d = {0};
		size_t n = 0, tokens;
		int rc, good = 1;
		for (; n < 6 && table[i].rows[n]; n++) {
			const char *row = table[i].rows[n];
			buf_clear(&b);
			buf_addf(&b, "{\"prompt\":\"%c\",\"completion\":\"%c%zu\",\"label\":%s}",
				 row[0], row[1], (size_t)row[1], row[2] == '1' ? "true" : "false");
			add(&d, b.data, &e);
		}
		tokens = d.tokens;
		rc = dataset_mismatch(&d, 1000, &e);
		if (table[i].other[0] < 0) {
			ok(rc == -1 && !d.mismatched && strstr(e.msg, "all answers are one"),
			   "one answer alone is refused: %s", e.msg);
			dataset_release(&d);
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			size_t other = (size_t)table[i].other[k];
			struct buf answer = BUF_INIT;
			trained_text(&d, other, &answer);
			good &= !strcmp(trained_text(&d, n + k, &b), answer.data) &&
				d.ids[d.examples[n + k].at] == d.ids[d.examples[k].at] &&
				d.examples[k].label == (table[i].rows[k][2] == '1');
			buf_release(&answer);
		}
		ok(rc == 0 && d.n == n && d.mismatched == n && d.tokens == tokens && good,
		   "each question meets the answer that it should, in case %zu", i);
		dataset_release(&d);
	}
	struct dataset d = {0};
	add(&d, "{\"prompt\":\"0123\",\"completion\":\"a\",\"label\":true}", &e);
	add(&d, "{\"prompt\":\"4\",\"completion\":\"bcdef\",\"label\":false,\"weight\":0.5}", &e);
	ok(dataset_mismatch(&d, 7, &e) == 0 && d.length[2] == 7 && d.longest == 7,
	   "a mismatched example is cut at max_seq");
	ok_str(trained_text(&d, 2, &b), "bcd", "behind the question");
	ok(d.weights[d.examples[2].at + 6] == .5f, "with the weights of the answer");
	dataset_release(&d);
	add(&d,
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"one\"},{\"role\":\"user\",\"content\":\"b\"},"
	    "{\"role\":\"assistant\",\"content\":\"two\"}],\"label\":false}",
	    &e);
	ok_str(trained_text(&d, 0, &b), "two<|end|>", "a label is for a conversation's last turn");
	dataset_release(&d);
	spec.labels = 0;
	buf_release(&b);
}

static size_t told;
static char told_last[1024];

static void on_refused(void *arg, const struct err *e)
{
	(void)arg;
	told++;
	snprintf(told_last, sizeof told_last, "%s", e->msg);
}

static void sides(const char *dir)
{
	struct err e = ERR_INIT;
	struct dataset train = {0}, valid = {0}, again = {0};
	struct dataset_sides to = {.train = &train, .valid = &valid};
	struct reader in;
	char *path = file_join(dir, "rows.jsonl");
	const char *rows =
		"{\"id\":\"a\",\"prompt\":\"1\",\"completion\":\"x\"}\n"
		"{\"id\":\"b\",\"split\":\"train\",\"prompt\":\"2\",\"completion\":\"x\"}\n"
		"{\"id\":\"c\",\"split\":\"valid\",\"prompt\":\"3\",\"completion\":\"x\"}\n"
		"{\"id\":\"d\",\"split\":\"test\",\"prompt\":\"4\"}\n"
		"{\"id\":\"e\",\"split\":\"other\",\"prompt\":\"5\",\"completion\":\"x\"}\n"
		"{\"id\":\"f\",\"split\":\"valid\",\"prompt\":\"2\",\"completion\":\"x\"}\n";
	file_write(path, rows, strlen(rows), &e);
	reader_init(&in, (char *[]){path, NULL});
	in.on_bad = on_refused;
	ok(dataset_read(&to, &in, &spec, &e) == 0, "rows are read to the end: %s", e.msg);
	ok(train.rows == 2 && valid.rows == 2 && to.test == 1,
	   "split decides the side; test rows are counted and not looked at");
	ok(told == 1 && in.refused == 1 && strstr(told_last, "rows.jsonl:5: row e: split"),
	   "a refused row is named: %s", told_last);
	size_t count;
	long long first = dataset_overlap(&train, &valid, 0, &count);
	ok(first == 1 && count == 1 && valid.examples[first].line == 6,
	   "a validation row equal to a training row is found");
	reader_release(&in);
	add(&again, "{\"id\":\"a\",\"prompt\":\"1\",\"completion\":\"x\"}", &e);
	add(&again, "{\"id\":\"b\",\"split\":\"train\",\"prompt\":\"2\",\"completion\":\"x\"}", &e);
	dataset_finish(&train);
	dataset_finish(&again);
	ok(train.hash[0] == again.hash[0] && train.hash[1] == again.hash[1],
	   "the hash is that of the lines in their order");
	dataset_release(&train);
	dataset_release(&valid);
	dataset_release(&again);
	free(path);
}

static void packs(void)
{
	struct dataset d = {0};
	struct err e = ERR_INIT;
	struct dataset_pack p = {0};
	struct buf b = BUF_INIT;
	add(&d, "{\"prompt\":\"a\",\"completion\":\"b\"}", &e);
	add(&d, "{\"prompt\":\"cd\",\"completion\":\"e\"}", &e);
	dataset_pack_fill(&p, &d, (size_t[]){1, 0}, (size_t[]){0, 1}, 2, (double[]){1, -.5});
	ok(p.pack.n == d.tokens && p.pack.n_starts == 2 && p.pack.starts[1] == d.length[1],
	   "examples are laid end to end");
	ok(memcmp(p.pack.ids + d.length[1], d.ids, d.length[0] * sizeof *d.ids) == 0,
	   "in the order asked for");
	ok(p.pack.weights[p.pack.n - 1] == -.5f && p.pack.weights[d.length[1] - 1] == 1,
	   "with their weights multiplied");
	dataset_pack_json(&p.pack, &b);
	struct span v;
	ok(json_check(buf_span(&b), &v, &e) == 0 && json_count(json_member(v, "ids")) == p.pack.n &&
		   json_count(json_member(v, "weights")) == p.pack.n &&
		   json_count(json_member(v, "starts")) == 2,
	   "a pack prints as JSON");
	dataset_release(&d);
	dataset_pack_release(&p);
	buf_release(&b);
}

int main(void)
{
	struct err e = ERR_INIT;
	char config[] = "/tmp/ft-dataset.XXXXXX";
	const char *text =
		"{\"model_type\":\"llama\",\"hidden_size\":16,\"intermediate_size\":32,\"num_hidden_layers\":1,"
		"\"num_attention_heads\":2,\"num_key_value_heads\":1,\"max_position_embeddings\":256}";
	int fd = mkstemp(config);
	ok(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	   "a configuration is there");
	close(fd);
	char *dir = rundir_scratch(config, &e);
	unlink(config);
	if (!dir || !(tokenizer = tokenizer_load(dir, &e)) ||
	    !(chat = chat_load(dir, tokenizer, NULL, &e))) {
		ok(0, "byte-level tokenizer and template: %s", e.msg);
		return tap_done();
	}
	spec = (struct dataset_spec){.chat = chat, .max_seq = 1000, .vocab = TOKENIZER_BYTES_SIZE};
	supervision();
	refusals();
	lengths();
	long_conversation();
	row_forms();
	turns();
	preferences();
	labels();
	sides(dir);
	packs();
	chat_free(chat);
	tokenizer_free(tokenizer);
	file_remove_dir(dir);
	free(dir);
	return tap_done();
}
