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
#include "../lib/remote/follow.h"
#include "../lib/train/corpus.h"
#include "../lib/train/finetune.h"
#include "../lib/train/ranks.h"
#include "../lib/train/show.h"
#include "../lib/web/curves.h"

static const char *opt_model, *opt_output, *opt_scratch,
	*opt_target = "all", *opt_adapter, *opt_quantize, *opt_valid, *opt_eval, *opt_best,
	*opt_plot, *opt_remote, *opt_suffix, *opt_template_date;
static struct opt_list opt_template_var;
static int opt_save_dtype, opt_too_long, opt_schedule, opt_keep;
static int opt_full, opt_rslora, opt_dora, opt_allow_overlap, opt_skip_bad, opt_dry_run, opt_show,
	opt_dpo, opt_orpo, opt_kto, opt_last_turn, opt_unroll, opt_strict, opt_estimate, opt_resume,
	opt_cancel, opt_quiet;
static long long opt_layers, opt_rank = 16, opt_max_seq = 2048, opt_steps, opt_batch = 16, opt_seed,
			     opt_eval_every, opt_patience, opt_save_every, opt_threads;
static double opt_alpha = 32, opt_dropout, opt_beta = .1, opt_desirable_weight = 1,
	      opt_undesirable_weight = 1, opt_neftune, opt_epochs = 3, opt_lr = 2e-4,
	      opt_warmup = .05, opt_wd, opt_clip = 1, opt_lr_multiplier = NAN, opt_poll = 10;
static size_t opt_memory;

/* Scopes: training here, of an adapter that is new, and at a provider. */
#define HERE .without = "remote"
#define LORA .without = "remote adapter full scratch"
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
	{0, "layers", OPT_INT, &opt_layers, "N",
	 "train (or put adapters on) the top N layers only; 0: all", 0, 10000,
	 .without = "remote adapter scratch"},
	{0, "rank", OPT_INT, &opt_rank, "R", "rank of the LoRA adapter (default 16)", 1, 65536,
	 .without = "adapter full scratch"},
	{0, "alpha", OPT_REAL, &opt_alpha, "X", "its scale is alpha / rank (default 32)", 1e-6, 1e6,
	 LORA},
	{0, "dropout", OPT_REAL, &opt_dropout, "P", "dropout on the adapter's input (default 0)", 0,
	 .99, .without = "remote adapter full scratch dpo orpo kto"},
	{0, "target", OPT_STR, &opt_target, "LIST",
	 "modules that get one: q_proj,v_proj,... (default all)", LORA},
	{0, "rslora", OPT_FLAG, &opt_rslora, NULL, "scale alpha / sqrt(rank)", LORA},
	{0, "dora", OPT_FLAG, &opt_dora, NULL, "learn the length of each weight row too (DoRA)",
	 LORA},
	{'a', "adapter", OPT_STR, &opt_adapter, "DIR",
	 "go on with this adapter, of the shape it has, in place of a new one",
	 .without = "remote full scratch"},
	{0, "quantize", OPT_STR, &opt_quantize, "TYPE",
	 "hold the frozen base as bf16, q8_0 or q4_0 (default: as stored)",
	 .without = "remote full scratch"},
	{0, "save-dtype", OPT_CHOICE, &opt_save_dtype, "f32|bf16",
	 "what a whole model is written as (default f32)", 1, .with = "full scratch", HERE},
	{0, "", OPT_GROUP, NULL, NULL, "Data"},
	{'v', "valid", OPT_STR, &opt_valid, "FILE",
	 "validation rows, besides those whose split is valid", .aside = 1},
	{0, "max-seq", OPT_INT, &opt_max_seq, "N",
	 "longest row in tokens (default 2048, at most the model's positions)", 2, 1 << 24, HERE},
	{0, "too-long", OPT_CHOICE, &opt_too_long, "error|drop|truncate",
	 "what becomes of longer rows (default error)", HERE},
	{0, "allow-overlap", OPT_FLAG, &opt_allow_overlap, NULL,
	 "accept validation rows that are also training rows", HERE},
	{0, "last-turn", OPT_FLAG, &opt_last_turn, NULL,
	 "train on the last turn of each conversation only", .without = "remote unroll"},
	{0, "unroll", OPT_FLAG, &opt_unroll, NULL,
	 "train on each turn as the last of a conversation of its own",
	 .without = "remote dpo orpo kto"},
	{0, "strict", OPT_FLAG, &opt_strict, NULL,
	 "refuse rows of which the template leaves something out", HERE, .aside = 1},
	{0, "template-var", OPT_LIST, &opt_template_var, "NAME=JSON",
	 "set a variable of the chat template (enable_thinking=false);\nmay be given again", HERE},
	{0, "template-date", OPT_STR, &opt_template_date, "DATE",
	 "the day that the template prints, or today (default: what its\nmakers print without a clock)",
	 HERE},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL,
	 "leave out lines and rows that cannot be used; ends with status 3", .aside = 1},
	{'n', "dry-run", OPT_FLAG, &opt_dry_run, NULL,
	 "print the packs of the first epoch as JSON Lines and end", HERE, .aside = 1},
	{0, "show", OPT_FLAG, &opt_show, NULL,
	 "print the rows as text, what is trained on marked, and end", HERE, .aside = 1},
	{0, "", OPT_GROUP, NULL, NULL, "Objective"},
	{0, "dpo", OPT_FLAG, &opt_dpo, NULL,
	 "learn from preference rows against the untuned model (DPO)"},
	{0, "orpo", OPT_FLAG, &opt_orpo, NULL,
	 "learn from preference rows without a reference model (ORPO)", .without = "remote dpo"},
	{0, "kto", OPT_FLAG, &opt_kto, NULL,
	 "learn from rows labelled true or false against the untuned model (KTO)",
	 .without = "remote dpo orpo"},
	{0, "beta", OPT_REAL, &opt_beta, "X", "strength of the preference loss (default .1)", 1e-6,
	 1e3, .with = "dpo orpo kto"},
	{0, "desirable-weight", OPT_REAL, &opt_desirable_weight, "X",
	 "multiplies the loss of rows with label true (default 1)", 0, 1e6, .with = "kto"},
	{0, "undesirable-weight", OPT_REAL, &opt_undesirable_weight, "X",
	 "multiplies that of rows with label false (default 1)", 0, 1e6, .with = "kto"},
	{0, "neftune", OPT_REAL, &opt_neftune, "ALPHA",
	 "noise on the embeddings while training (NEFTune); 0: none", 0, 1e3,
	 .without = "remote dpo orpo kto"},
	{0, "", OPT_GROUP, NULL, NULL, "Training"},
	{0, "epochs", OPT_REAL, &opt_epochs, "X", "passes over the rows (default 3)", 1e-6, 1e6},
	{0, "steps", OPT_INT, &opt_steps, "N", "steps in all, in place of --epochs", 1, 1e12, HERE},
	{0, "batch", OPT_INT, &opt_batch, "N", "rows a step (default 16)", 1, 1e6},
	{0, "lr", OPT_REAL, &opt_lr, "X", "learning rate (default 2e-4)", 0, 100},
	{0, "schedule", OPT_CHOICE, &opt_schedule, "cosine|linear|constant",
	 "learning rate after the warm-up (default cosine)", HERE},
	{0, "warmup", OPT_REAL, &opt_warmup, "X",
	 "steps of warm-up, or below 1 their share (default .05)", 0, 1e9, HERE},
	{0, "wd", OPT_REAL, &opt_wd, "X", "decoupled weight decay (default 0)", 0, 10, HERE},
	{0, "clip", OPT_REAL, &opt_clip, "X",
	 "largest norm of the gradient (default 1; 0: no clipping)", 0, 1e9, HERE},
	{0, "seed", OPT_INT, &opt_seed, "N", "order of the rows and initial values (default 0)"},
	{0, "eval-every", OPT_INT, &opt_eval_every, "N",
	 "steps between validations (default: each epoch)", 1, 1e12, HERE},
	{0, "patience", OPT_INT, &opt_patience, "N", "end after N validations without a better one",
	 1, 1e6, HERE},
	{0, "eval", OPT_STR, &opt_eval, "COMMAND",
	 "run at each validation; $FT_MODEL and $FT_ADAPTER name the state", HERE},
	{0, "best", OPT_STR, &opt_best, "PATH",
	 "what decides in the output of --eval: the greatest value wins,\nwith PATH:min the least",
	 .with = "eval", HERE},
	{0, "keep", OPT_CHOICE, &opt_keep, "best|last", "which state stays (default best)", HERE},
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
	{0, "", OPT_GROUP, NULL, NULL, "Provider"},
	{0, "remote", OPT_STR, &opt_remote, "WHO",
	 "train at openai, together, fireworks, or an API like OpenAI's at a URL;\nwith --resume a job's id may stand in place of files",
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
	ft.spec = (struct loop_spec){
		.batch = (size_t)opt_batch,
		.steps = (size_t)opt_steps,
		.lr = opt_lr,
		.wd = opt_wd,
		.clip = opt_clip,
		.schedule = (enum loop_schedule)opt_schedule,
		.seed = (uint64_t)opt_seed,
		.eval_every = (size_t)opt_eval_every,
		.save_every = (size_t)opt_save_every,
		.patience = (size_t)opt_patience,
		.objective = opt_dpo	? OBJECTIVE_DPO
			     : opt_orpo ? OBJECTIVE_ORPO
			     : opt_kto	? OBJECTIVE_KTO
					: OBJECTIVE_SFT,
		.beta = opt_beta,
		.label_weight = {opt_undesirable_weight, opt_desirable_weight},
		.neftune = opt_neftune,
		.keep_last = opt_keep,
		.best_by = opt_best,
	};
	if (opt_best && !(ft.best = outside_best(opt_best, &ft.spec.best_is_least, &e)))
		prog_usage("--best %s: %s", opt_best, e.msg);
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
	char note[96];
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
	if (chat_options_parse(&opt_template_var, opt_template_date, &vars, &ft.how, &e))
		prog_usage("%s", e.msg);
	if (train_corpus_open(&ft.data, opt_model, opt_scratch, &ft.how, &e))
		prog_fail(&e);
	buf_release(&vars);
	if (opt_template_date)
		opt_template_date = ft.how.date;
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
	const struct train_corpus_spec spec = {
		.max_seq = (size_t)opt_max_seq,
		.too_long = (enum dataset_long)opt_too_long,
		.preferences = opt_dpo || opt_orpo,
		.labels = opt_kto,
		.last_turn = opt_last_turn,
		.unroll = opt_unroll,
		.strict = opt_strict,
		.overlap = opt_allow_overlap,
		.how = rows_reader(),
	};
	if (train_corpus_read(&ft.data, files, opt_valid, &spec, &e))
		prog_die("%s%s", e.msg,
			 ranks_rank()
				 ? " (on a rank other than 0, which standard input does not reach)"
				 : "");
	loop_plan(&ft.spec, ft.data.train.n / (form_is_pair(ft.data.train.form) ? 2 : 1),
		  opt_epochs, opt_warmup);
	if (ft.spec.patience && !ft.data.valid.n && !opt_best)
		prog_usage(
			"--patience needs validation rows (-v, or split valid), or --eval with --best");
	if (!opt_quiet)
		train_corpus_tell(&ft.data, (size_t)opt_max_seq, on_sentence, NULL);
}

/* Returns 1 where the run was stopped before its end. */
static int train(struct rundir *run)
{
	struct err e = ERR_INIT;
	struct finetune t = {0};
	struct buf line = BUF_INIT;
	struct loop_state s;
	enum loop_end how = LOOP_DONE;
	const struct outside outside = {opt_eval, ft.best};
	const struct finetune_spec spec = {
		.data = &ft.data,
		.loop = ft.spec,
		.base_name = opt_model,
		.full = opt_full,
		.from_adapter = opt_adapter,
		.load = ft.load,
		.adapter = {.rank = (size_t)opt_rank,
			    .alpha = opt_alpha,
			    .dropout = opt_dropout,
			    .rslora = opt_rslora,
			    .dora = opt_dora,
			    .targets = (char *)opt_target,
			    .top_layers = (size_t)opt_layers},
		.save_type = ft.save_type,
		.memory = opt_memory,
		.threads = (int)opt_threads,
		.outside = opt_eval ? &outside : NULL,
		.about = {.command = ft.command,
			  .options = options,
			  .train = &ft.data.train,
			  .valid = &ft.data.valid,
			  .test = ft.data.test},
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
			 .epochs = real("epochs", opt_epochs),
			 .lr = real("lr", opt_lr),
			 .multiplier = opt_lr_multiplier,
			 .batch = whole("batch", opt_batch),
			 .seed = opt_seed,
			 .seeded = opt_given(options, "seed") != NULL,
			 .rank = whole("rank", opt_rank),
			 .preferences = opt_dpo,
			 .beta = real("beta", opt_beta)},
		.rows = {.preferences = opt_dpo, .how = rows_reader()},
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
	out_line_buffered(1);
	progress_begin(&ft.progress, "events of the job", 0, opt_quiet || opt_cancel);
	int bad = opt_cancel ? remote_cancel_run(&run, files[0], &e)
			     : remote_run(&run, files, &how, &e);
	progress_end(&ft.progress);
	if (bad)
		prog_fail(&e);
	if (how != REMOTE_END_DONE || !opt_quiet || opt_cancel)
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
	nn_init();
	open_data();
	if (!opt_dry_run && !opt_estimate && !ranks_rank() &&
	    rundir_init(&run, opt_output, ft.data.base, opt_adapter, opt_resume, &e))
		prog_fail(&e);
	read_data(files);
	if (opt_show)
		show_examples(&ft.data.train, ft.data.tokenizer, out_is_tty(), on_text, NULL,
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
