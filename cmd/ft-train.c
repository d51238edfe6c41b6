/* ft-train: fine-tunes a language model on records, on this machine's processor.
 *
 * All data are read, checked and turned into tokens before anything is trained or written; then the
 * loop of lib/train/loop.h runs. Only tokens stay in memory.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/base/file.h"
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/json/path.h"
#include "../lib/model/hub.h"
#include "../lib/model/quantize.h"
#include "../lib/net/url.h"
#include "../lib/remote/follow.h"
#include "../lib/train/corpus.h"
#include "../lib/train/finetune.h"
#include "../lib/train/ranks.h"
#include "../lib/train/recipe.h"
#include "../lib/train/show.h"
#include "../lib/web/curves.h"

static const char *opt_model, *opt_output, *opt_scratch, *opt_adapter, *opt_quantize, *opt_valid,
	*opt_plot, *opt_remote, *opt_suffix;
static int opt_full, opt_save_dtype, opt_skip_bad, opt_dry_run, opt_show, opt_estimate, opt_resume,
	opt_cancel, opt_quiet, opt_compute;
static long long opt_save_every, opt_threads;
static double opt_lr_multiplier = NAN, opt_poll = 10;
static size_t opt_memory;
static struct train_recipe recipe = RECIPE_DEFAULTS;

/* Scopes: training here, and at a provider. */
#define HERE .without = "remote"
#define THERE .with = "remote", .aside = 1

static struct opt options[] = {
	{0, "", OPT_GROUP, NULL, NULL, "Model"},
	{'m', "model", OPT_STR, &opt_model, "DIR",
	 "base model in Hugging Face layout (begins with /, ./, ../ or hf:)"},
	{'o', "output", OPT_STR, &opt_output, "DIR",
	 "where the adapter or model is written, with ft.json and metrics.jsonl", .aside = 1},
	{0, "scratch", OPT_STR, &opt_scratch, "CONFIG",
	 "no base: a byte-level model from nothing, shaped by this config.json", HERE},
	{0, "full", OPT_FLAG, &opt_full, NULL, "train all weights in place of an adapter", HERE},
	RECIPE_ADAPTER(recipe),
	{'a', "adapter", OPT_STR, &opt_adapter, "DIR",
	 "go on with this adapter, of the shape it has, in place of a new one",
	 .without = "remote full scratch"},
	{0, "quantize", OPT_STR, &opt_quantize, "f32|bf16|q8_0|q4_0",
	 "hold the frozen base so (default: as stored)", .without = "remote full scratch"},
	{0, "save-dtype", OPT_CHOICE, &opt_save_dtype, "f32|bf16",
	 "what a whole model is written as (default f32)", 1, .with = "full scratch", HERE},
	{0, "", OPT_GROUP, NULL, NULL, "Data"},
	{'v', "valid", OPT_STR, &opt_valid, "FILE",
	 "validation rows, besides those whose split is valid", .aside = 1},
	RECIPE_DATA(recipe),
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL,
	 "leave out lines and rows that cannot be used; ends with status 3", .aside = 1},
	{'n', "dry-run", OPT_FLAG, &opt_dry_run, NULL,
	 "print the packs of the first epoch as JSON Lines and end", HERE, .aside = 1},
	{0, "show", OPT_FLAG, &opt_show, NULL,
	 "print the rows as text, what is trained on marked, and end", HERE, .aside = 1},
	RECIPE_LEARNING(recipe),
	{0, "plot", OPT_STR, &opt_plot, "FILE",
	 "write the loss curves as SVG when the run ends or stops", HERE, .aside = 1},
	{0, "", OPT_GROUP, NULL, NULL, "Running"},
	{0, "estimate", OPT_FLAG, &opt_estimate, NULL,
	 "print memory and time of the run as JSON and end", HERE, .aside = 1},
	{0, "resume", OPT_FLAG, &opt_resume, NULL,
	 "go on from the checkpoint in -o, if there is one", .aside = 1},
	{0, "save-every", OPT_INT, &opt_save_every, "N",
	 "steps between checkpoints (default: each validation or epoch)", 1, 1e12, HERE,
	 .aside = 1},
	{0, "compute", OPT_CHOICE, &opt_compute, "f32|bf16|auto",
	 "operands of the products; sums are f32 (default f32)", HERE},
	{0, "", OPT_GROUP, NULL, NULL, "Provider"},
	{0, "remote", OPT_STR, &opt_remote, "openai|together|fireworks|URL",
	 "train there; a URL is that of an API like OpenAI's;\nwith --resume a job's id may stand in place of files",
	 .aside = 1},
	{0, "suffix", OPT_STR, &opt_suffix, "TEXT", "part of the new model's name there", THERE},
	{0, "lr-multiplier", OPT_REAL, &opt_lr_multiplier, "X",
	 "learning rate relative to the provider's own", 1e-6, 1e6, THERE},
	{0, "poll", OPT_REAL, &opt_poll, "S", "seconds between looks at the job (default 10)", .01,
	 3600, THERE},
	{0, "cancel", OPT_FLAG, &opt_cancel, NULL, "cancel the job of -o, or the one named", THERE},
	{0, "", OPT_GROUP, NULL, NULL, "Machine"},
	{0, "memory", OPT_SIZE, &opt_memory, "SIZE",
	 "for activations, 8G (default: 3/4 of what is free)", HERE, .aside = 1},
	{0, "threads", OPT_INT, &opt_threads, "N",
	 "default: all processors; the result does not depend on it", 1, 4096, HERE, .aside = 1},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no progress and no summary", .aside = 1},
	{0},
};

static const struct program program = {
	.name = "ft-train",
	.synopsis =
		"-m BASE -o DIR [-v VALID] [options] [file ...]\n--scratch CONFIG -o DIR [-v VALID] [options] [file ...]",
	.about = "Fine-tunes a language model on the processor: LoRA adapters or all weights.",
	.options = options,
	.examples = "ft-train -m ./base -o adapter -v valid.jsonl train.jsonl >metrics.jsonl\n"
		    "ft-train -m ./base --show train.jsonl",
};

static struct session {
	struct train_corpus data;
	struct loop_spec spec;
	enum nn_type save_type;
	struct model_load load;
	struct path *best;
	struct progress progress;
	struct chat_options how;
	struct prune prune;
	char **command; /* argv as given */
} ft;

/* --- usage --- */

static void check_usage(void)
{
	struct err e = ERR_INIT;
	int shown = opt_dry_run || opt_show || opt_estimate;
	if (!opt_model == !opt_scratch)
		prog_usage("one of -m and --scratch is needed");
	if (!opt_output && !shown)
		prog_usage("-o is needed");
	if (opt_model && !hub_is_local(opt_model))
		prog_usage("-m %s: training needs a local model: a directory as ./%s, or hf:org/name",
			   opt_model, opt_model);
	if (recipe_loop(&recipe, &ft.spec, &ft.best, &e))
		prog_usage("%s", e.msg);
	ft.spec.save_every = (size_t)opt_save_every;
	if (opt_save_dtype == 2)
		ft.save_type = NN_BF16;
	ft.load.quantize = opt_quantize != NULL;
	if (opt_quantize && quantize_parse(opt_quantize, &ft.load.type, &e))
		prog_usage("%s", e.msg);
}

/* --- training --- */

static void on_sentence(void *arg, const struct err *e)
{
	(void)arg;
	if (!ranks_rank())
		prog_warn("%s", e->msg);
}

static void on_text(void *arg, struct span text)
{
	(void)arg;
	out_span(text);
}

static void on_row(void *arg, struct span json)
{
	(void)arg;
	progress_clear(&ft.progress);
	out_line(json.s, json.n);
}

static void on_progress(void *arg, const struct loop_state *s)
{
	(void)arg;
	char note[128];
	loop_note(s, note, sizeof note);
	progress_set(&ft.progress, (double)s->step, note);
}

static int stopping(void)
{
	return prog_stopping() || out_failed();
}

static void open_data(void)
{
	struct err e = ERR_INIT;
	struct buf vars = BUF_INIT;
	if (chat_options_parse(&recipe.template_var, recipe.template_date, &vars, &ft.how, &e))
		prog_usage("%s", e.msg);
	if (train_corpus_open(&ft.data, opt_model, opt_scratch, &ft.how, &e))
		prog_fail(&e);
	buf_release(&vars);
	if (recipe.template_date)
		recipe.template_date = ft.how.date;
	if (chat_warning(ft.data.chat) && !opt_quiet)
		prog_warn("%s", chat_warning(ft.data.chat));
}

static struct reader rows_reader(void)
{
	struct reader how;
	reader_start(&how, NULL, opt_skip_bad);
	how.on_bad = on_sentence;
	return how;
}

static void read_data(char **files)
{
	struct err e = ERR_INIT;
	struct train_corpus_spec spec = {.how = rows_reader(), .prune = &ft.prune};
	recipe_corpus(&recipe, &spec);
	if (prune_add_all(&ft.prune, recipe.prune.v, recipe.prune.n, &e))
		prog_fail(&e);
	if (train_corpus_read(&ft.data, files, opt_valid, &spec, &e))
		prog_die("%s%s", e.msg,
			 ranks_rank()
				 ? " (on a rank other than 0, which standard input does not reach)"
				 : "");
	loop_plan(&ft.spec, ft.data.train.n / (form_is_pair(ft.data.train.form) ? 2 : 1),
		  recipe.epochs, recipe.warmup);
	if (ft.spec.patience && !ft.data.valid.n && !recipe.best)
		prog_usage(
			"--patience needs validation rows (-v, or split valid), or --eval with --best");
	if (!opt_quiet)
		train_corpus_tell(&ft.data, on_sentence, NULL);
}

/* Returns 1 where the run was stopped before its end. */
static int train(struct rundir *run)
{
	struct err e = ERR_INIT;
	struct finetune t = {0};
	struct buf line = BUF_INIT;
	struct loop_state s;
	enum loop_end how = LOOP_DONE;
	const struct outside outside = {recipe.eval, ft.best};
	const struct finetune_spec spec = {
		.data = &ft.data,
		.loop = ft.spec,
		.base_name = opt_model,
		.full = opt_full,
		.from_adapter = opt_adapter,
		.load = ft.load,
		.adapter = recipe_adapter(&recipe),
		.save_type = ft.save_type,
		.memory = opt_memory,
		.threads = (int)opt_threads,
		.half = finetune_compute(&opt_compute, opt_resume ? opt_output : NULL),
		.outside = recipe.eval ? &outside : NULL,
		.about = {.command = ft.command,
			  .options = options,
			  .train = &ft.data.train,
			  .valid = &ft.data.valid,
			  .test = ft.data.test,
			  .prune = &ft.prune},
		.row = on_row,
		.progress = on_progress,
		.stopping = stopping,
	};
	if (finetune_open(&t, &spec, &e))
		prog_fail(&e);
	if (t.warning && !opt_quiet && !ranks_rank())
		prog_warn("%s", t.warning);
	if (opt_estimate) {
		if (finetune_estimate(&t, &line, &e))
			prog_fail(&e);
		if (!ranks_rank())
			out_line(line.data, line.len);
	} else {
		out_line_buffered(1);
		progress_begin(&ft.progress, "steps", (double)ft.spec.steps, opt_quiet);
		int bad = finetune_run(&t, run, opt_output, &s, &how, &e);
		progress_end(&ft.progress);
		if (bad || (opt_plot && !ranks_rank() &&
			    curves_write(run->metrics_path, run->dir, opt_plot, &e)))
			prog_fail(&e);
		finetune_tell(&t, &s, how, &e);
		if (!opt_quiet || how == LOOP_STOPPED)
			on_sentence(NULL, &e);
	}
	buf_release(&line);
	finetune_release(&t);
	return how == LOOP_STOPPED;
}

/* --- at a provider --- */

static void on_job(void *arg, const struct remote_job *j)
{
	(void)arg;
	int known = !isnan(j->progress); /* else events are all there is to be counted */
	ft.progress.what = known ? "% of the job" : "events of the job";
	ft.progress.total = known ? 100 : 0;
	progress_set(&ft.progress, known ? 100 * j->progress : (double)j->events, j->status);
}

/* Where the user says nothing, a provider's own default holds, not ours. */
static double real(const char *option, double value)
{
	return opt_given(options, option) ? value : NAN;
}

static long long whole(const char *option, long long value)
{
	return opt_given(options, option) ? value : 0;
}

static int train_remotely(char **files)
{
	struct err e = ERR_INIT;
	enum remote_end how = REMOTE_END_DONE;
	struct opt *unheeded = opt_given(options, remote_unheeded(opt_remote));
	struct remote_run run = {
		.remote = {.provider = opt_remote,
			   .retries = 5,
			   .timeout = 120,
			   .stopping = stopping},
		.task = {.model = opt_model,
			 .suffix = opt_suffix,
			 .epochs = real("epochs", recipe.epochs),
			 .lr = real("lr", recipe.lr),
			 .multiplier = opt_lr_multiplier,
			 .batch = whole("batch", recipe.batch),
			 .seed = recipe.seed,
			 .seeded = opt_given(options, "seed") != NULL,
			 .rank = whole("rank", recipe.rank),
			 .preferences = recipe.dpo,
			 .beta = real("beta", recipe.beta)},
		.rows = {.preferences = recipe.dpo, .how = rows_reader()},
		.dir = opt_output,
		.valid_file = opt_valid,
		.resume = opt_resume,
		.poll = opt_poll,
		.row = on_row,
		.progress = on_job,
	};
	if (unheeded)
		prog_usage("--%s does not go with --remote here: the provider has no such setting",
			   unheeded->name);
	if (!opt_model && !opt_cancel && !(opt_resume && files[0]))
		prog_usage("-m names the provider's base model");
	if (!opt_output && !(opt_cancel && files[0]))
		prog_usage("-o is needed");
	if (opt_cancel && files[0] && files[1])
		prog_usage("with --cancel one job may be named");
	if (remote_news(opt_remote) && !opt_quiet && !opt_cancel && !opt_resume)
		prog_warn("%s", remote_news(opt_remote));
	if (remote_is_exposed(opt_remote))
		prog_warn("the key " URL_EXPOSED);
	out_line_buffered(1);
	progress_begin(&ft.progress, "events of the job", 0, opt_quiet || opt_cancel);
	int bad = opt_cancel ? remote_cancel_run(&run, files[0], &e)
			     : remote_run(&run, files, &how, &e);
	progress_end(&ft.progress);
	if (bad)
		prog_fail(&e);
	if (how != REMOTE_END_DONE || !opt_quiet || opt_cancel || run.unfetched)
		prog_warn("%s", e.msg);
	return how != REMOTE_END_DONE ? FT_TROUBLE : run.rows.refused ? FT_PARTIAL : FT_OK;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct rundir run = {0};
	int stopped = 0;
	ft.command = mem_alloc((size_t)argc + 1, sizeof *ft.command);
	memcpy(ft.command, argv, (size_t)argc * sizeof *ft.command);
	char **files = prog_start(&program, argc, argv);
	if (opt_remote)
		prog_end(train_remotely(files));
	opt_dry_run = opt_dry_run || opt_show;
	opt_full = opt_full || opt_scratch;
	check_usage();
	ranks_begin();
	opt_quiet = opt_quiet || ranks_rank();
	open_data();
	if (!opt_dry_run && !opt_estimate && !ranks_rank() &&
	    rundir_init(&run, opt_output, ft.data.base, opt_adapter, opt_resume, &e))
		prog_fail(&e);
	read_data(files);
	if (opt_show)
		show_examples(&ft.data.train, ft.data.tokenizer, out_is_coloured(), on_text, NULL,
			      prog_stopping);
	else if (opt_dry_run)
		show_epoch(&ft.data.train, &ft.spec, on_text, NULL, prog_stopping);
	else
		stopped = train(&run);
	ranks_end();
	rundir_release(&run);
	free(ft.command);
	int partial = ft.data.refused + ft.data.skipped > 0;
	train_corpus_release(&ft.data);
	prog_end(stopped ? FT_TROUBLE : partial ? FT_PARTIAL : FT_OK);
}
