/* llama: llama.cpp's library as a peer, to compare files and speed with. Built by
 * tests/peer/llama-build against the header and the libraries that the npm packages node-llama-cpp
 * and @node-llama-cpp/linux-x64 bring.
 *
 *	llama logits MODEL [ADAPTER] <packs.jsonl	one line a pack: {"logits": [[...] for each position]}
 *	llama logits-gelu MODEL <packs.jsonl		the same with GELU computed in double, where
 *							llama.cpp looks it up in a table of 16-bit
 *							floats (ggml's vec.h, GGML_GELU_FP16)
 *	llama nll MODEL <packs.jsonl			{"nll": mean negative log-likelihood a token, "tokens"}
 *	llama ids MODEL <texts.jsonl			texts as JSON strings, their ids as arrays
 *	llama quantize IN OUT q8_0|q4_0
 *	llama bench MODEL PREFIX SUFFIX NEW PROMPTS SEQUENCES THREADS	{"seconds", "cpu_seconds", "reading", "writing", "rss_mb"}
 *
 * A pack is {"ids": [...]}. $LLAMA_LIBS is where the libraries are.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "ggml-backend.h"
#include "llama.h"

static void die(const char *what)
{
	fprintf(stderr, "llama: %s\n", what);
	exit(2);
}

static void quiet(enum ggml_log_level level, const char *text, void *arg)
{
	(void)arg;
	if (level == GGML_LOG_LEVEL_ERROR)
		fputs(text, stderr);
}

/* The integers of the first array behind "ids" (or of the line itself). */
static int read_ids(const char *line, int32_t *ids, int max)
{
	const char *p = strstr(line, "\"ids\"");
	int n = 0;

	p = strchr(p ? p : line, '[');
	if (!p)
		die("no ids");
	for (p++; *p && *p != ']' && n < max;) {
		char *end;

		ids[n++] = (int32_t)strtol(p, &end, 10);
		for (p = end; *p == ',' || *p == ' '; p++)
			;
	}
	return n;
}

static struct llama_model *load(const char *path)
{
	struct llama_model_params p = llama_model_default_params();
	struct llama_model *m;

	p.n_gpu_layers = 0;
	if (!(m = llama_model_load_from_file(path, p)))
		die("the model does not load");
	return m;
}

/* GELU without gate, computed anew from what went into it, which has to be kept: it may stand in the
 * same memory. */
static bool plain_gelu(struct ggml_tensor *t, bool before)
{
	static float *kept;
	int64_t n = ggml_nelements(t);

	if (before)
		return true;
	if (t->type != GGML_TYPE_F32 || !ggml_is_contiguous(t))
		die("a GELU of another form");
	if (t->op != GGML_OP_UNARY) {
		kept = realloc(kept, (size_t)n * sizeof *kept);
		memcpy(kept, t->data, (size_t)n * sizeof *kept);
		return true;
	}
	for (int64_t i = 0; i < n; i++) {
		double x = kept[i];

		((float *)t->data)[i] = (float)(x / 2 *
						(1 + tanh(sqrt(2 / 3.14159265358979323846) *
							  (x + 0.044715 * x * x * x))));
	}
	return true;
}

/* Called before and after each operation of the graph: GELUs are computed anew. */
static bool exact_gelu(struct ggml_tensor *t, bool before, void *arg)
{
	const struct ggml_tensor *gate = t->src[0], *up = t->src[1];
	int64_t n = ggml_nelements(t);

	(void)arg;
	if (strncmp(t->name, "ffn_up", 6) == 0 ||
	    (t->op == GGML_OP_UNARY && ggml_get_unary_op(t) == GGML_UNARY_OP_GELU))
		return plain_gelu(t, before);
	if (t->op != GGML_OP_GLU || ggml_get_glu_op(t) != GGML_GLU_OP_GEGLU)
		return !before;
	if (before)
		return true;
	if (!up || t->type != GGML_TYPE_F32 || !ggml_is_contiguous(gate) ||
	    !ggml_is_contiguous(up) || !ggml_is_contiguous(t))
		die("a gated GELU of another form");
	for (int64_t i = 0; i < n; i++) {
		double x = ((const float *)gate->data)[i];

		((float *)t->data)[i] = (float)(x / 2 *
						(1 + tanh(sqrt(2 / 3.14159265358979323846) *
							  (x + 0.044715 * x * x * x))) *
						((const float *)up->data)[i]);
	}
	return true;
}

static struct llama_context *context(struct llama_model *m, uint32_t n, uint32_t batch,
				     uint32_t sequences, int threads, int f32,
				     ggml_backend_sched_eval_callback watch)
{
	struct llama_context_params p = llama_context_default_params();
	struct llama_context *c;

	p.n_ctx = n;
	p.n_batch = p.n_ubatch = batch;
	p.n_seq_max = sequences;
	p.n_threads = p.n_threads_batch = threads;
	p.kv_unified = true;
	p.cb_eval = watch;
	if (f32) {
		p.type_k = p.type_v = GGML_TYPE_F32;
		p.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
	}
	if (!(c = llama_init_from_model(m, p)))
		die("no context");
	return c;
}

static void add(struct llama_batch *b, int32_t id, int pos, int seq, int logits)
{
	int i = b->n_tokens++;

	b->token[i] = id;
	b->pos[i] = pos;
	b->n_seq_id[i] = 1;
	b->seq_id[i][0] = seq;
	b->logits[i] = (int8_t)logits;
}

static int evaluate(const char *mode, const char *path, const char *adapter)
{
	struct llama_model *m = load(path);
	struct llama_context *c = context(m, 2048, 2048, 1, 2, 1,
					  strcmp(mode, "logits-gelu") == 0 ? exact_gelu : NULL);
	int vocab = llama_vocab_n_tokens(llama_model_get_vocab(m));
	struct llama_batch b = llama_batch_init(2048, 0, 1);
	static int32_t ids[2048];
	double sum = 0, tokens = 0;
	char *line = NULL;
	size_t cap = 0;

	if (adapter) {
		struct llama_adapter_lora *a = llama_adapter_lora_init(m, adapter);
		float scale = 1;

		if (!a || llama_set_adapters_lora(c, &a, 1, &scale) != 0)
			die("the adapter does not load");
	}
	while (getline(&line, &cap, stdin) > 0) {
		int n = read_ids(line, ids, 2048);

		b.n_tokens = 0;
		for (int i = 0; i < n; i++)
			add(&b, ids[i], i, 0, 1);
		llama_memory_clear(llama_get_memory(c), true);
		if (llama_decode(c, b) != 0)
			die("decoding failed");
		if (strcmp(mode, "nll") != 0)
			printf("{\"logits\": [");
		for (int i = 0; i < n; i++) {
			const float *z = llama_get_logits_ith(c, i);
			double total = 0;

			if (strcmp(mode, "nll") != 0) {
				for (int v = 0; v < vocab; v++)
					printf("%s%.7g", v ? ", " : i ? ", [" : "[", z[v]);
				printf("]");
			} else if (i + 1 < n) {
				for (int v = 0; v < vocab; v++)
					total += exp(z[v]);
				sum += log(total) - z[ids[i + 1]];
				tokens++;
			}
		}
		if (strcmp(mode, "nll") != 0)
			printf("]}\n");
	}
	if (strcmp(mode, "nll") == 0)
		printf("{\"nll\": %.9g, \"tokens\": %.0f}\n", sum / tokens, tokens);
	return 0;
}

/* Texts as JSON strings with the escapes that jq -c writes for plain text. */
static int tokenize(const char *path)
{
	struct llama_model_params p = llama_model_default_params();
	struct llama_model *m;
	static int32_t ids[65536];
	char *line = NULL;
	size_t cap = 0;

	p.vocab_only = true;
	if (!(m = llama_model_load_from_file(path, p)))
		die("the model does not load");
	while (getline(&line, &cap, stdin) > 0) {
		char *to = line, *from = strchr(line, '"') + 1;
		int n;

		for (; *from && *from != '"'; from++) {
			if (*from != '\\')
				*to++ = *from;
			else if (*++from == 'n' || *from == 't')
				*to++ = *from == 'n' ? '\n' : '\t';
			else
				*to++ = *from;
		}
		n = llama_tokenize(llama_model_get_vocab(m), line, (int)(to - line), ids, 65536,
				   true, true);
		for (int i = 0; i < n; i++)
			printf("%s%d", i ? "," : "[", ids[i]);
		printf("]\n");
	}
	return 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* PROMPTS prompts that begin with the same PREFIX tokens, SEQUENCES at a time in lockstep (all
 * answers are NEW tokens long), greedy. */
static int bench(char **v)
{
	int prefix = atoi(v[1]), suffix = atoi(v[2]), new = atoi(v[3]), prompts = atoi(v[4]),
	    seqs = atoi(v[5]), threads = atoi(v[6]);
	struct llama_model *m = load(v[0]);
	int each = suffix + new, batch = prefix > seqs *suffix ? prefix : seqs *suffix;
	struct llama_context *c = context(m, (uint32_t)(prefix + seqs * each + 64),
					  (uint32_t)(batch < 512 ? 512 : batch), (uint32_t)seqs + 1,
					  threads, 0, NULL);
	int vocab = llama_vocab_n_tokens(llama_model_get_vocab(m));
	struct llama_batch b = llama_batch_init(batch < 512 ? 512 : batch, 0, 1);
	int32_t *last = calloc((size_t)seqs, sizeof *last);
	struct rusage use, before;
	double t0 = now(), reading = 0, writing = 0, cpu;

	getrusage(RUSAGE_SELF, &before);
	b.n_tokens = 0;
	for (int i = 0; i < prefix; i++)
		add(&b, 5 + i % 200, i, 0, 0);
	if (prefix && llama_decode(c, b) != 0)
		die("decoding failed");
	reading += now() - t0;
	for (int done = 0; done < prompts; done += seqs) {
		int n = prompts - done < seqs ? prompts - done : seqs;

		t0 = now();
		b.n_tokens = 0;
		for (int s = 0; s < n; s++) {
			llama_memory_seq_rm(llama_get_memory(c), s + 1, -1, -1);
			if (prefix)
				llama_memory_seq_cp(llama_get_memory(c), 0, s + 1, 0, prefix);
			for (int i = 0; i < suffix; i++)
				add(&b, 5 + (i * 7 + s + done) % 200, prefix + i, s + 1,
				    i == suffix - 1);
		}
		if (llama_decode(c, b) != 0)
			die("decoding failed");
		reading += now() - t0;
		t0 = now();
		for (int k = 0; k < new; k++) {
			for (int s = 0; s < n; s++) {
				const float *z =
					llama_get_logits_ith(c, k == 0 ? (s + 1) * suffix - 1 : s);

				last[s] = 0;
				for (int i = 1; i < vocab; i++)
					if (z[i] > z[last[s]])
						last[s] = i;
			}
			if (k == new - 1)
				break;
			b.n_tokens = 0;
			for (int s = 0; s < n; s++)
				add(&b, last[s], prefix + suffix + k, s + 1, 1);
			if (llama_decode(c, b) != 0)
				die("decoding failed");
		}
		writing += now() - t0;
	}
	getrusage(RUSAGE_SELF, &use);
	cpu = (double)(use.ru_utime.tv_sec - before.ru_utime.tv_sec) +
	      1e-6 * (double)(use.ru_utime.tv_usec - before.ru_utime.tv_usec);
	printf("{\"seconds\": %.3f, \"cpu_seconds\": %.3f, \"reading\": %.3f, \"writing\": %.3f, \"rss_mb\": %ld}\n",
	       reading + writing, cpu, reading, writing, use.ru_maxrss / 1024);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		die("usage: see the top of tests/peer/llama.c");
	llama_log_set(quiet, NULL);
	ggml_backend_load_all_from_path(getenv("LLAMA_LIBS"));
	llama_backend_init();
	if (strncmp(argv[1], "logits", 6) == 0 || strcmp(argv[1], "nll") == 0)
		return evaluate(argv[1], argv[2], argc > 3 ? argv[3] : NULL);
	if (strcmp(argv[1], "ids") == 0)
		return tokenize(argv[2]);
	if (strcmp(argv[1], "bench") == 0 && argc == 9)
		return bench(argv + 2);
	if (strcmp(argv[1], "quantize") == 0 && argc == 5) {
		struct llama_model_quantize_params p = llama_model_quantize_default_params();

		p.ftype = strcmp(argv[4], "q8_0") == 0 ? LLAMA_FTYPE_MOSTLY_Q8_0
						       : LLAMA_FTYPE_MOSTLY_Q4_0;
		return llama_model_quantize(argv[2], argv[3], &p) == 0 ? 0 : 2;
	}
	die("usage: see the top of tests/peer/llama.c");
	return 2;
}
