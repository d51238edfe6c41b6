/* ft-pull: fetches a model from a Hugging Face hub into its cache, where hf:org/name finds it.
 *
 * Only what ft reads is fetched: configuration, tokenizer, template and safetensors weights. The
 * snapshot's directory goes to standard output, so that it can stand in a command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/json/jw.h"
#include "../lib/model/hub.h"
#include "../lib/net/http.h"
#include "../lib/net/url.h"
#include "../lib/net/pull.h"

static int opt_dry, opt_quiet;
static long long opt_retries = 5;
static double opt_timeout = 60;

static struct opt options[] = {
	{'n', "dry-run", OPT_FLAG, &opt_dry, NULL,
	 "list the files that would be fetched, as JSON Lines"},
	{0, "retries", OPT_INT, &opt_retries, "N",
	 "attempts more at what fails on the way (default 5)", 0, 1000},
	{0, "timeout", OPT_REAL, &opt_timeout, "S",
	 "seconds of silence that are borne (default 60)", 0.001, 86400},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no summary and no progress"},
	{0},
};

static const struct program program = {
	.name = "ft-pull",
	.synopsis = "[-n] [-q] org/name[@revision]",
	.about = "Fetches a model into the Hugging Face cache, where -m hf:org/name finds it.",
	.options = options,
	.examples = "ft-pull HuggingFaceTB/SmolLM2-135M-Instruct\n"
		    "HF_ENDPOINT=https://hf-mirror.com ft-pull Qwen/Qwen3-0.6B@main",
};

static int ends(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

/* Weights of a model or adapter; not consolidated.safetensors and the like, which hold the same
 * once more. */
static int is_weights(const char *name)
{
	return ends(name, ".safetensors") &&
	       (!strncmp(name, "model", 5) || !strcmp(name, "adapter_model.safetensors"));
}

static int is_wanted(const char *name)
{
	static const char *const names[] = {
		"config.json",
		"generation_config.json",
		"adapter_config.json",
		"tokenizer.json",
		"tokenizer_config.json",
		"special_tokens_map.json",
		"added_tokens.json",
		"tokenizer.model",
		"chat_template.jinja",
		"chat_template.json",
		"model.safetensors.index.json",
		"LICENSE",
		"LICENSE.txt",
		"LICENSE.md",
		"README.md",
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return 1;
	return is_weights(name);
}

static int by_size(const void *a, const void *b)
{
	const struct pull_file *x = a, *y = b;

	return x->size < y->size ? -1 : x->size > y->size ? 1 : strcmp(x->name, y->name);
}

/* Leaves what is wanted in l; dies where that is no model. */
static void choose(struct pull_list *l, const char *repo)
{
	size_t i, n = 0;
	int weights = 0, config = 0, tokenizer = 0, pickles = 0;

	for (i = 0; i < l->n; i++) {
		struct pull_file f = l->v[i];

		pickles |= ends(f.name, ".bin") || ends(f.name, ".pt") || ends(f.name, ".pth");
		if (!is_wanted(f.name)) {
			free(f.name);
			continue;
		}
		weights |= is_weights(f.name);
		config |= !strcmp(f.name, "config.json") || !strcmp(f.name, "adapter_config.json");
		tokenizer |=
			!strcmp(f.name, "tokenizer.json") || !strcmp(f.name, "adapter_config.json");
		l->v[n++] = f;
	}
	l->n = n;
	if (!config)
		prog_die("%s holds no model: there is no config.json", repo);
	if (!weights)
		prog_die("%s has no weights as safetensors%s", repo,
			 pickles ? ", only as pickles, which ft does not read" : "");
	if (!tokenizer)
		prog_warn("%s has no tokenizer.json, so text cannot be given to this model", repo);
	/* Small ones first: what is wrong with a model shows before gigabytes have come. */
	mem_sort(l->v, l->n, sizeof *l->v, by_size);
}

struct shown {
	struct progress bar;
	double before; /* bytes of the files that are complete */
	const char *name;
};

static void on_bytes(void *arg, uint64_t done)
{
	struct shown *s = arg;

	progress_set(&s->bar, s->before + (double)done, s->name);
}

static void list(const struct pull_list *l)
{
	struct buf b = BUF_INIT;
	struct jw w;
	size_t i;

	for (i = 0; i < l->n; i++) {
		buf_clear(&b);
		jw_init(&w, &b);
		jw_object(&w);
		jw_put_str(&w, "file", l->v[i].name);
		jw_put_int(&w, "size", l->v[i].size);
		jw_put_str(&w, l->v[i].lfs ? "sha256" : "git_sha1", l->v[i].hash);
		jw_end(&w);
		out_line(b.data, b.len);
	}
	buf_release(&b);
}

int main(int argc, char **argv)
{
	char **names = prog_start(&program, argc, argv);
	const char *endpoint = getenv("HF_ENDPOINT"), *token = getenv("HF_TOKEN"), *name = names[0];
	struct err e = ERR_INIT;
	struct hub_name h;
	struct pull_list l;
	struct shown shown = {0};
	struct pull p = {.token = token && *token ? token : NULL,
			 .retries = (int)opt_retries,
			 .timeout = opt_timeout,
			 .stopping = prog_stopping,
			 .on_bytes = on_bytes,
			 .arg = &shown};
	double total = 0, fetched = 0;
	char *base, *dir;
	size_t i;
	int rc = 0;

	if (p.token && http_check_key(span_of(p.token), "HF_TOKEN", &e))
		prog_fail(&e);
	if (!name || names[1])
		prog_usage("one model must be named: org/name");
	if (!strncmp(name, "hf:", 3))
		name += 3;
	base = mem_strdup(endpoint && *endpoint ? endpoint : "https://huggingface.co");
	while (*base && base[strlen(base) - 1] == '/')
		base[strlen(base) - 1] = 0;
	p.endpoint = base;
	if (url_exposes(base, p.token != NULL))
		prog_warn("%s " URL_EXPOSED, p.token ? "HF_TOKEN" : "the password in HF_ENDPOINT");
	if (hub_parse(name, &h, &e) || !(dir = hub_repo_dir(&h, &e)) || !(p.http = http_new(2, &e)))
		prog_fail(&e);
	if (pull_list(&p, h.repo, h.revision, &l, &e))
		prog_stopping() ? prog_end(FT_TROUBLE) : prog_fail(&e);
	choose(&l, h.repo);
	if (opt_dry) {
		list(&l);
		prog_end(FT_OK);
	}
	for (i = 0; i < l.n; i++)
		total += (double)l.v[i].size;
	progress_begin(&shown.bar, "bytes", total, opt_quiet);
	for (i = 0; i < l.n && rc >= 0; i++) {
		shown.name = l.v[i].name;
		rc = pull_get(&p, h.repo, dir, l.commit, &l.v[i], &e);
		shown.before += (double)l.v[i].size;
		fetched += rc == 0 ? (double)l.v[i].size : 0;
		on_bytes(&shown, 0);
	}
	if (rc >= 0)
		rc = pull_set_ref(dir, h.revision, l.commit, &e);
	progress_end(&shown.bar);
	if (rc < 0) {
		if (prog_stopping()) {
			prog_warn("stopped; the same command goes on from here");
			prog_end(FT_TROUBLE);
		}
		prog_fail(&e);
	}
	if (!opt_quiet)
		prog_warn("%s: %zu files, %.1f MB (%.1f MB of it fetched now)", h.repo, l.n,
			  total / 1e6, fetched / 1e6);
	out_printf("%s/snapshots/%s\n", dir, l.commit);
	http_free(p.http);
	pull_list_release(&l);
	hub_name_release(&h);
	free(base);
	free(dir);
	prog_end(FT_OK);
}
