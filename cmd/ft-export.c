/* ft-export: from a model and its adapter to files that others deploy. */
#include <stdio.h>
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
#include "../lib/model/ollama.h"
#include "../lib/model/outdir.h"
#include "../lib/model/quantize.h"
#include "../lib/train/ftjson.h"

static const char *opt_model, *opt_adapter, *opt_output, *opt_quantize;
enum { HF = 1, GGUF };
static int opt_format, opt_adapter_only, opt_quiet;
static size_t opt_shard_size;
static struct model_save how;

static struct opt options[] = {
	{'m', "model", OPT_STR, &opt_model, "DIR", "local model: ./DIR, /DIR or hf:org/name"},
	{'a', "adapter", OPT_STR, &opt_adapter, "DIR", "PEFT adapter, merged into it"},
	{'o', "output", OPT_STR, &opt_output, "OUT", "directory (hf) or file (gguf) to write",
	 .was = "out"},
	{0, "format", OPT_CHOICE, &opt_format, "hf|gguf",
	 "default: gguf where OUT ends in .gguf, else hf", HF},
	{0, "quantize", OPT_STR, &opt_quantize, "f32|bf16|q8_0|q4_0",
	 "type of the weights (default: as the model is stored);\nhf takes f32 and bf16"},
	{0, "shard-size", OPT_SIZE, &opt_shard_size, "SIZE",
	 "cut hf weights into files of at most this, 2G (default: 5 GB)"},
	{0, "adapter-only", OPT_FLAG, &opt_adapter_only, NULL,
	 "write the adapter alone, for use over the base's own GGUF", .with = "adapter"},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no warnings and no progress"},
	{0},
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
	struct buf rendered; /* options with which the template was rendered in training */
	struct gguf_report report;
	int template; /* whether the Modelfile has one */
	struct progress bar;
	double done;
};

static int is_gguf(void)
{
	size_t n = strlen(opt_output);

	if (opt_format)
		return opt_format == GGUF;
	return n > 5 && strcmp(opt_output + n - 5, ".gguf") == 0;
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

/* Beside the GGUF file. */
static char *modelfile_path(const char **name)
{
	const char *slash = strrchr(opt_output, '/');
	char *dir = slash ? mem_strndup(opt_output,
					(size_t)(slash - opt_output) + (slash == opt_output))
			  : mem_strdup("."),
	     *path = file_join(dir, "Modelfile");

	*name = slash ? slash + 1 : opt_output;
	free(dir);
	return path;
}

static int write_modelfile(struct job *x, struct err *e)
{
	const char *name;
	char *path = modelfile_path(&name), *file = mem_alloc(strlen(name) + 3, 1);
	struct ollama o = {.trained = x->rendered.data, .chat = x->chat, .tokenizer = x->tokenizer};
	struct buf text = BUF_INIT;
	struct err why = ERR_INIT;

	sprintf(file, "./%s", name);
	o.from = opt_adapter_only ? opt_model : file;
	o.adapter = opt_adapter_only ? file : NULL;
	x->template = ollama_modelfile(&o, &text, &why);
	if (x->template <0)
		*e = why;
	if (x->template == 0 && !opt_quiet)
		prog_warn("%s: no TEMPLATE: %s", path, why.msg);
	int bad = x->template <0 || file_write(path, text.data, text.len, e);
	buf_release(&text);
	free(file);
	free(path);
	return bad;
}

/* Nothing is overwritten that was not written here. */
static int check_out(int gguf, struct err *e)
{
	const char *name;
	char *path;
	int bad;

	if (!gguf)
		return outdir_may_replace(opt_output, e);
	if (file_exists(opt_output) && !gguf_is_ours(opt_output))
		return err_set(e,
			       "%s: ft-export did not write it: move it away, or name another -o",
			       opt_output);
	path = modelfile_path(&name);
	bad = ollama_may_replace(path, e);
	free(path);
	return bad;
}

static int export_hf(struct job *x, struct err *e)
{
	if (opt_adapter_only)
		return err_set(e,
			       "--adapter-only is for GGUF; for others %s is the adapter as it should be",
			       opt_adapter);
	if (how.type == NN_Q8_0 || how.type == NN_Q4_0)
		return err_set(e,
			       "--quantize %s: a directory in Hugging Face layout holds f32 or bf16",
			       nn_type_name(how.type));
	struct outdir o;
	how.fresh = 1;
	int bad = outdir_begin(&o, opt_output, e) || model_save(x->model, o.path, &how, e) ||
		  tokenizer_copy_files(x->dir, o.path, e) || outdir_commit(&o, e);
	outdir_end(&o);
	return bad ? err_prefix(e, "%s", opt_output) : 0;
}

static int export_gguf(struct job *x, struct err *e)
{
	const char *name = base_name(x->dir);

	if (opt_adapter_only ? gguf_export_adapter(x->model, &how, name, opt_output, &x->report, e)
			     : gguf_export_model(x->model, x->tokenizer, &how, name, opt_output,
						 &x->report, e))
		return -1;
	return write_modelfile(x, e);
}

static int load(struct job *x, struct err *e)
{
	if (!(x->dir = hub_find(opt_model, e)) || !(x->tokenizer = tokenizer_load(x->dir, e)) ||
	    !(x->chat = chat_load(x->dir, x->tokenizer, NULL, e)) ||
	    model_open(&x->model, x->dir, NULL, e))
		return -1;
	if (opt_adapter && adapter_open(x->model, opt_adapter, 0, e))
		return -1;
	if (!opt_quantize)
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
	jw_put_str(&w, "out", opt_output);
	jw_put_str(&w, "format", gguf ? "gguf" : "hf");
	jw_put_str(&w, "type", nn_type_name(opt_adapter_only ? NN_F32 : how.type));
	jw_put_str(&w, "model", opt_model);
	jw_put_str(&w, "adapter", opt_adapter);
	jw_put_int(&w, "parameters", model_count(x->model));
	if (gguf) {
		jw_put_int(&w, "tensors", x->report.tensors);
		jw_put_int(&w, "bytes", x->report.bytes);
		jw_put_bool(&w, "ollama_template", x->template);
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
	if (!opt_model || !opt_output)
		prog_usage("-m MODEL and -o OUT are needed");
	if (opt_quantize && quantize_parse(opt_quantize, &how.type, &e))
		prog_usage("%s", e.msg);
	gguf = is_gguf();
	if (check_out(gguf, &e) || load(&x, &e))
		prog_fail(&e);
	if (model_warning(x.model) && !opt_quiet)
		prog_warn("%s", model_warning(x.model));
	if (chat_warning(x.chat) && !opt_quiet && !opt_adapter_only)
		prog_warn("%s", chat_warning(x.chat));
	ftjson_template(opt_adapter ? opt_adapter : x.dir, &x.rendered);
	if (x.rendered.len && !opt_quiet)
		prog_warn("trained with %s: what serves it must render the chat template so",
			  x.rendered.data);
	how.shard_bytes = opt_shard_size;
	how.step = step;
	how.arg = &x;
	progress_begin(&x.bar, "parameters", (double)model_count(x.model), opt_quiet);
	bad = gguf ? export_gguf(&x, &e) : export_hf(&x, &e);
	progress_end(&x.bar);
	if (bad && prog_stopping())
		prog_end(FT_TROUBLE);
	if (bad)
		prog_fail(&e);
	report(&x, gguf);
	buf_release(&x.rendered);
	chat_free(x.chat);
	tokenizer_free(x.tokenizer);
	model_free(x.model);
	free(x.dir);
	prog_end(FT_OK);
}
