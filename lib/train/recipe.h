/* recipe: what decides what is learned from rows: the adapter's shape, how rows are read, objective
 * and schedule; as options that a program puts into its table, and as what corpus, loop and finetune
 * take.
 */
#ifndef FT_TRAIN_RECIPE_H
#define FT_TRAIN_RECIPE_H

#include "../base/opt.h"
#include "../json/path.h"
#include "../model/adapter.h"
#include "corpus.h"
#include "loop.h"

struct train_recipe {
	const char *target, *template_date, *eval, *best;
	struct opt_list template_var, prune;
	int rslora, dora;
	int too_long, allow_overlap, last_turn, unroll, strict;
	int dpo, orpo, kto, schedule, keep;
	long long layers, rank, max_seq, steps, batch, seed, eval_every, patience;
	double alpha, dropout, beta, desirable_weight, undesirable_weight, neftune, epochs, lr,
		warmup, wd, clip;
};

/* clang-format off */
#define RECIPE_DEFAULTS \
	{.target = "all", .rank = 16, .max_seq = 2048, .batch = 16, .alpha = 32, .beta = .1, \
	 .desirable_weight = 1, .undesirable_weight = 1, .epochs = 3, .lr = 2e-4, .warmup = .05, .clip = 1}

/* Entries for a program's table whose options `remote`, `adapter`, `full` and `scratch` say where
 * they have no use; o is a static struct train_recipe. */
#define RECIPE_HERE .without = "remote"
#define RECIPE_LORA .without = "remote adapter full scratch"
#define RECIPE_ADAPTER(o) \
	{0, "layers", OPT_INT, &(o).layers, "N", \
	 "train (or put adapters on) the top N layers only; 0: all", 0, 10000, \
	 .without = "remote adapter scratch"}, \
	{0, "rank", OPT_INT, &(o).rank, "R", "rank of the LoRA adapter (default 16)", 1, 65536, \
	 .without = "adapter full scratch"}, \
	{0, "alpha", OPT_REAL, &(o).alpha, "X", "its scale is alpha / rank (default 32)", 1e-6, 1e6, \
	 RECIPE_LORA}, \
	{0, "dropout", OPT_REAL, &(o).dropout, "P", "dropout on the adapter's input (default 0)", 0, \
	 .99, .without = "remote adapter full scratch dpo orpo kto"}, \
	{0, "target", OPT_STR, &(o).target, "LIST", \
	 "modules that get one: q_proj,v_proj,... (default all)", RECIPE_LORA}, \
	{0, "rslora", OPT_FLAG, &(o).rslora, NULL, "scale alpha / sqrt(rank)", RECIPE_LORA}, \
	{0, "dora", OPT_FLAG, &(o).dora, NULL, "learn the length of each weight row too (DoRA)", \
	 RECIPE_LORA}
#define RECIPE_DATA(o) \
	{0, "max-seq", OPT_INT, &(o).max_seq, "N", \
	 "longest row in tokens (default 2048, at most the model's positions)", 2, 1 << 24, RECIPE_HERE}, \
	{0, "too-long", OPT_CHOICE, &(o).too_long, "error|drop|truncate", \
	 "what becomes of longer rows (default error)", RECIPE_HERE}, \
	{0, "allow-overlap", OPT_FLAG, &(o).allow_overlap, NULL, \
	 "accept validation rows that are also training rows", RECIPE_HERE}, \
	{0, "last-turn", OPT_FLAG, &(o).last_turn, NULL, \
	 "train on the last turn of each conversation only", .without = "remote unroll"}, \
	{0, "unroll", OPT_FLAG, &(o).unroll, NULL, \
	 "train on each turn as the last of a conversation of its own", \
	 .without = "remote dpo orpo kto"}, \
	{0, "strict", OPT_FLAG, &(o).strict, NULL, \
	 "refuse rows of which the template leaves something out", RECIPE_HERE, .aside = 1}, \
	{0, "prune", OPT_LIST, &(o).prune, "@FILE", \
	 "take this text out of the rows first; may be given again", RECIPE_HERE}, \
	{0, "template-var", OPT_LIST, &(o).template_var, "NAME=JSON", \
	 "set a variable of the chat template (enable_thinking=false);\nmay be given again", RECIPE_HERE}, \
	{0, "template-date", OPT_STR, &(o).template_date, "DATE", \
	 "the day that the template prints, or today (default: what its\nmakers print without a clock)", \
	 RECIPE_HERE}
#define RECIPE_LEARNING(o) \
	{0, "", OPT_GROUP, NULL, NULL, "Objective"}, \
	{0, "dpo", OPT_FLAG, &(o).dpo, NULL, \
	 "learn from preference rows against the untuned model (DPO)"}, \
	{0, "orpo", OPT_FLAG, &(o).orpo, NULL, \
	 "learn from preference rows without a reference model (ORPO)", .without = "remote dpo"}, \
	{0, "kto", OPT_FLAG, &(o).kto, NULL, \
	 "learn from rows labelled true or false against the untuned model (KTO)", \
	 .without = "remote dpo orpo"}, \
	{0, "beta", OPT_REAL, &(o).beta, "X", "strength of the preference loss (default .1)", 1e-6, \
	 1e3, .with = "dpo orpo kto"}, \
	{0, "desirable-weight", OPT_REAL, &(o).desirable_weight, "X", \
	 "multiplies the loss of rows with label true (default 1)", 0, 1e6, .with = "kto"}, \
	{0, "undesirable-weight", OPT_REAL, &(o).undesirable_weight, "X", \
	 "multiplies that of rows with label false (default 1)", 0, 1e6, .with = "kto"}, \
	{0, "neftune", OPT_REAL, &(o).neftune, "ALPHA", \
	 "noise on the embeddings while training (NEFTune); 0: none", 0, 1e3, \
	 .without = "remote dpo orpo kto"}, \
	{0, "", OPT_GROUP, NULL, NULL, "Training"}, \
	{0, "epochs", OPT_REAL, &(o).epochs, "X", "passes over the rows (default 3)", 1e-6, 1e6}, \
	{0, "steps", OPT_INT, &(o).steps, "N", "steps in all, in place of --epochs", 1, 1e12, RECIPE_HERE}, \
	{0, "batch", OPT_INT, &(o).batch, "N", "rows a step (default 16)", 1, 1e6}, \
	{0, "lr", OPT_REAL, &(o).lr, "X", "learning rate (default 2e-4)", 0, 100}, \
	{0, "schedule", OPT_CHOICE, &(o).schedule, "cosine|linear|constant", \
	 "learning rate after the warm-up (default cosine)", RECIPE_HERE}, \
	{0, "warmup", OPT_REAL, &(o).warmup, "X", \
	 "steps of warm-up, or below 1 their share (default .05)", 0, 1e9, RECIPE_HERE}, \
	{0, "wd", OPT_REAL, &(o).wd, "X", "decoupled weight decay (default 0)", 0, 10, RECIPE_HERE}, \
	{0, "clip", OPT_REAL, &(o).clip, "X", \
	 "largest norm of the gradient (default 1; 0: no clipping)", 0, 1e9, RECIPE_HERE}, \
	{0, "seed", OPT_INT, &(o).seed, "N", "order of the rows and initial values (default 0)"}, \
	{0, "eval-every", OPT_INT, &(o).eval_every, "N", \
	 "steps between validations (default: each epoch)", 1, 1e12, RECIPE_HERE}, \
	{0, "patience", OPT_INT, &(o).patience, "N", "end after N validations without a better one", \
	 1, 1e6, RECIPE_HERE}, \
	{0, "eval", OPT_STR, &(o).eval, "COMMAND", \
	 "run at each validation; $FT_MODEL and $FT_ADAPTER name the state", RECIPE_HERE}, \
	{0, "best", OPT_STR, &(o).best, "PATH", \
	 "what decides in the output of --eval: the greatest value wins,\nwith PATH:min the least", \
	 .with = "eval", RECIPE_HERE}, \
	{0, "keep-state", OPT_CHOICE, &(o).keep, "best|last", "which state stays (default best)", \
	 RECIPE_HERE, .was = "keep"}
/* clang-format on */

/* What the loop is to do, less its number of steps (loop_plan). *best gets the path of --best, NULL
 * where there is none. */
int recipe_loop(const struct train_recipe *r, struct loop_spec *spec, struct path **best,
		struct err *e);
/* How rows are read and made examples of; spec->how is the caller's. */
void recipe_corpus(const struct train_recipe *r, struct train_corpus_spec *spec);
/* A new adapter's shape; targets are borrowed. */
struct adapter recipe_adapter(const struct train_recipe *r);

#endif
