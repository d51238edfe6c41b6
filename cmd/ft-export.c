/* ft-export: from a model and its adapter to files that others deploy. */
#include <stdlib.h>
#include <string.h>
#include "../lib/base/file.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/json/jw.h"
#include "../lib/model/adapter.h"
#include "../lib/model/gguf.h"
#include "../lib/model/hub.h"
#include "../lib/model/quantize.h"

static const char *model_name, *adapter_dir, *out_path, *format_name, *type_name;
static int adapter_only, quiet;
static struct model_save how;

static struct opt options[] = {
	{'m', "model", OPT_STR, &model_name, "DIR", "local model: ./DIR, /DIR or hf:org/name"},
	{'a', "adapter", OPT_STR, &adapter_dir, "DIR", "PEFT adapter, merged into it"},
	{'o', "out", OPT_STR, &out_path, "OUT", "directory (hf) or file (gguf) to write"},
	{0, "format", OPT_STR, &format_name, "FORMAT",
	 "hf or gguf (default: gguf where OUT ends in .gguf, else hf)"},
	{0, "quantize", OPT_STR, &type_name, "TYPE",
	 "f32, bf16, q8_0 or q4_0 (default: as the model is stored);\nhf takes f32 and bf16"},
	{0, "shard-size", OPT_SIZE, &how.shard_bytes, "SIZE",
	 "cut hf weights into files of at most this, 2G (default: 5 GB)"},
	{0, "adapter-only", OPT_FLAG, &adapter_only, NULL,
	 "write the adapter alone, for use over the base's own GGUF"},
	{'q', "quiet", OPT_FLAG, &quiet, NULL, "no warnings and no progress"},
	{0, NULL, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const struct program program = {
	.name = "ft-export",
	.synopsis =
		"-m MODEL [-a ADAPTER] -o OUT [--format hf|gguf] [--quantize TYPE] [--adapter-only]",
	.about = "Write a model, its adapter merged in, for the engine that will serve it.",
	.options = options,
	.examples = "ft-export -m ./base -a ./adapter -o merged\n"
		    "ft-export -m ./base -a ./adapter -o model.gguf --quantize q8_0",
};

struct job {
	char *dir;
	struct model *model;
	struct tokenizer *tokenizer;
	struct chat *chat;
	struct gguf_report report;
	struct progress bar;
	double done;
};

static int is_gguf(void)
{
	size_t n = strlen(out_path);

	if (format_name)
		return strcmp(format_name, "gguf") == 0;
	return n > 5 && strcmp(out_path + n - 5, ".gguf") == 0;
}

/* The type that most weights are stored as; f16 is not written, and f32 holds it exactly. */
static enum nn_type stored_type(const struct model *m)
{
	size_t bf16 = 0, all = 0;

	for (size_t i = 0; i < m->n_tensors; i++)
		if (m->tensors[i].dims == 2) {
			all += m->tensors[i].rows * m->tensors[i].cols;
			bf16 += m->tensors[i].type == NN_BF16
					? m->tensors[i].rows * m->tensors[i].cols
					: 0;
		}
	return bf16 * 2 > all ? NN_BF16 : NN_F32;
}

/* What the model calls itself: the last part of its path. */
static const char *base_name(char *dir)
{
	size_t n = strlen(dir);
	char *slash;

	while (n > 1 && dir[n - 1] == '/')
		dir[--n] = 0;
	slash = strrchr(dir, '/');
	return slash && slash[1] ? slash + 1 : dir;
}

/* "FROM ./model.gguf" and the texts that end an answer, beside the GGUF file. Ollama takes the
 * template from the file itself. */
static int write_modelfile(const struct job *x, struct err *e)
{
	const char *slash = strrchr(out_path, '/'), *name = slash ? slash + 1 : out_path;
	char *dir = slash ? mem_strndup(out_path, (size_t)(slash - out_path) + (slash == out_path))
			  : mem_strdup("."),
	     *path;
	struct buf text = BUF_INIT;
	const int32_t *stops;
	size_t n;
	int bad;

	if (adapter_only)
		buf_addf(&text,
			 "# The model that the adapter was trained on; put its name or GGUF file here.\nFROM %s\nADAPTER ./%s\n",
			 model_name, name);
	else
		buf_addf(&text, "FROM ./%s\n", name);
	stops = chat_stops(x->chat, &n);
	for (size_t i = 0; i < n; i++) {
		struct span s = tokenizer_token(x->tokenizer, stops[i]);

		if (s.s && !memchr(s.s, '"', s.n) && !memchr(s.s, '\n', s.n))
			buf_addf(&text, "PARAMETER stop \"%.*s\"\n", (int)s.n, s.s);
	}
	path = file_join(dir, "Modelfile");
	bad = file_write(path, text.data, text.len, e);
	buf_release(&text);
	free(path);
	free(dir);
	return bad;
}

static int export_hf(struct job *x, struct err *e)
{
	if (adapter_only)
		return err_set(e,
			       "--adapter-only is for GGUF; for others %s is the adapter as it should be",
			       adapter_dir);
	if (how.type == NN_Q8_0 || how.type == NN_Q4_0)
		return err_set(e,
			       "--quantize %s: a directory in Hugging Face layout holds f32 or bf16",
			       nn_type_name(how.type));
	if (file_mkdir(out_path, e) != 0 || model_save(x->model, out_path, &how, e) != 0)
		return -1;
	return tokenizer_copy_files(x->dir, out_path, e);
}

static int export_gguf(struct job *x, struct err *e)
{
	const char *name = base_name(x->dir);

	if (adapter_only ? gguf_export_adapter(x->model, &how, name, out_path, &x->report, e)
			 : gguf_export_model(x->model, x->tokenizer, &how, name, out_path,
					     &x->report, e))
		return -1;
	return write_modelfile(x, e);
}

static int load(struct job *x, struct err *e)
{
	if (!(x->dir = hub_find(model_name, e)) || !(x->tokenizer = tokenizer_load(x->dir, e)) ||
	    !(x->chat = chat_load(x->dir, x->tokenizer, NULL, e)) ||
	    model_open(&x->model, x->dir, NULL, e) != 0)
		return -1;
	if (adapter_dir && adapter_open(x->model, adapter_dir, 0, e) != 0)
		return -1;
	if (!type_name)
		how.type = stored_type(x->model);
	return 0;
}

static int step(void *arg, size_t values)
{
	struct job *x = arg;

	progress_set(&x->bar, x->done += (double)values, NULL);
	return prog_stopping();
}

/* One line on what was written. */
static void report(const struct job *x, int gguf)
{
	struct buf line = BUF_INIT;
	struct jw w;

	jw_init(&w, &line);
	jw_object(&w);
	jw_put_str(&w, "out", out_path);
	jw_put_str(&w, "format", gguf ? "gguf" : "hf");
	jw_put_str(&w, "type", nn_type_name(adapter_only ? NN_F32 : how.type));
	jw_put_str(&w, "model", model_name);
	jw_put_str(&w, "adapter", adapter_dir);
	jw_put_int(&w, "parameters", model_count(x->model));
	if (gguf) {
		jw_put_int(&w, "tensors", x->report.tensors);
		jw_put_int(&w, "bytes", x->report.bytes);
	}
	jw_end(&w);
	out_line(line.data, line.len);
	buf_release(&line);
}

int main(int argc, char **argv)
{
	struct job x = {0};
	struct err e = ERR_INIT;
	char **operands = prog_start(&program, argc, argv);
	int gguf, bad;

	if (operands[0])
		prog_usage("%s: ft-export takes no files; the model is given with -m", operands[0]);
	if (!model_name || !out_path)
		prog_usage("-m MODEL and -o OUT are needed");
	if (format_name && strcmp(format_name, "hf") != 0 && strcmp(format_name, "gguf") != 0)
		prog_usage("--format %s: there are hf and gguf", format_name);
	if (type_name && quantize_parse(type_name, &how.type, &e))
		prog_usage("%s", e.msg);
	if (adapter_only && !adapter_dir)
		prog_usage("--adapter-only needs -a DIR");
	gguf = is_gguf();
	if (load(&x, &e) != 0)
		prog_fail(&e);
	if (model_warning(x.model) && !quiet)
		prog_warn("%s", model_warning(x.model));
	if (chat_warning(x.chat) && !quiet && !adapter_only)
		prog_warn("%s", chat_warning(x.chat));
	how.step = step;
	how.arg = &x;
	progress_begin(&x.bar, "parameters", (double)model_count(x.model), quiet);
	bad = gguf ? export_gguf(&x, &e) : export_hf(&x, &e);
	progress_end(&x.bar);
	if (bad && prog_stopping())
		prog_end(FT_OK); /* ends by the signal */
	if (bad)
		prog_fail(&e);
	report(&x, gguf);
	chat_free(x.chat);
	tokenizer_free(x.tokenizer);
	model_free(x.model);
	free(x.dir);
	prog_end(FT_OK);
}
