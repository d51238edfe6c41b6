/* ft-drift: what changed since the model was trained. Reads a reference and current records, compares them path by path,
 * and answers by its exit status: 0 stable, 1 drift, 4 too little data.
 */
#include <stdlib.h>
#include <string.h>
#include "../lib/base/mem.h"
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/base/progress.h"
#include "../lib/drift/compare.h"
#include "../lib/drift/report.h"
#include "../lib/json/reader.h"

static struct opt_list opt_reference, opt_paths, opt_exclude;
static double opt_alpha = 0.05, opt_min_effect = 0.05;
static const char *opt_time;
static long long opt_seed, opt_sample = FRAME_SAMPLE;
static int opt_fdr, opt_calendar, opt_table, opt_json, opt_quiet, opt_skip_bad;

static const struct opt options[] = {
	{'r', "reference", OPT_LIST, &opt_reference, "FILE", "what the model was trained on; may be given again", 0, 0},
	{0, "path", OPT_LIST, &opt_paths, "PATH[:TYPE]", "look at this path and what stands below it only; TYPE is number,\ncategory, boolean, date, text or id", 0, 0},
	{0, "exclude", OPT_LIST, &opt_exclude, "PATH", "leave this path and what stands below it out", 0, 0},
	{0, "time", OPT_STR, &opt_time, "PATH", "when each record was made; dates are measured against it", 0, 0},
	{0, "alpha", OPT_REAL, &opt_alpha, "X", "chance of a false alarm in the whole run (default 0.05)", 1e-6, 0.5},
	{0, "min-effect", OPT_REAL, &opt_min_effect, "X", "smaller changes are none, from 0 to 1 (default 0.05)", 0, 1},
	{0, "fdr", OPT_FLAG, &opt_fdr, NULL, "control the share of false alarms (Benjamini-Hochberg)\ninstead of the chance of one (Holm)", 0, 0},
	{0, "calendar", OPT_FLAG, &opt_calendar, NULL, "compare months and weekdays too", 0, 0},
	{0, "sample", OPT_INT, &opt_sample, "N", "rows a side whose values are kept (default 20000)", 100, 10000000},
	{0, "seed", OPT_INT, &opt_seed, "N", "of the sample and of permutation tests (default 0)", 0, 0},
	{0, "table", OPT_FLAG, &opt_table, NULL, "a table, also where standard output is no terminal", 0, 0},
	{0, "json", OPT_FLAG, &opt_json, NULL, "JSON Lines, also on a terminal", 0, 0},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL, "report malformed lines and leave them out", 0, 0},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "no progress", 0, 0},
	{0},
};

static const struct program program = {
	.name = "ft-drift",
	.synopsis = "-r REFERENCE [--path PATH[:TYPE] ...] [--time PATH] [--alpha X] [file ...]",
	.about = "Says what changed between reference records and current ones: exit status 0 nothing, 1 drift, 4 too little data.",
	.options = options,
	.examples = "ft-drift -r train.jsonl last-week.jsonl\n"
		    "ft-drift -r train.jsonl --time .created --path '.output|.due_date:date' answers.jsonl",
};

/* What is looked at, from the command line. */
struct scope {
	struct drift_options options;
	struct path **find; /* paths to follow by name */
	size_t find_n;
	struct path *time;
	struct drift_type *types;
	char **names; /* storage of options.exclude and of types */
	size_t names_n;
};

static char *with_dot(struct scope *s, const char *path, size_t n)
{
	struct buf b = BUF_INIT;

	if (n && path[0] != '.' && path[0] != '[')
		buf_addc(&b, '.');
	buf_add(&b, path, n);
	return s->names[s->names_n++] = buf_detach(&b, NULL);
}

/* PATH or PATH:TYPE; a colon that no type follows belongs to the path. */
static void add_path(struct scope *s, const char *text)
{
	struct err e = ERR_INIT;
	const char *colon = strrchr(text, ':');
	enum type type = colon ? type_named(colon + 1) : TYPE_NONE;
	char *path = with_dot(s, text, type ? (size_t)(colon - text) : strlen(text));
	struct path *compiled = path_compile(path, &e);

	if (!compiled)
		prog_usage("--path: %s", e.msg);
	s->types[s->options.paths_n++] = (struct drift_type){path, type};
	/* The walk finds all but single elements of arrays; of messages it finds those counted from the front. */
	const char *element = strpbrk(path, "[");
	int found = !element || strncmp(path, ".output", 7) == 0 || element[1] == '"' ||
		    (strncmp(path, ".messages[", 10) == 0 && element[1] != '-');
	if (found)
		path_free(compiled);
	else
		s->find[s->find_n++] = compiled;
}

static void scope_init(struct scope *s)
{
	struct err e = ERR_INIT;

	*s = (struct scope){.options = DRIFT_OPTIONS_INIT};
	s->options.alpha = opt_alpha;
	s->options.min_effect = opt_min_effect;
	s->options.fdr = opt_fdr;
	s->options.calendar = opt_calendar;
	s->options.seed = (uint64_t)opt_seed;
	s->names = mem_alloc(opt_paths.n + opt_exclude.n, sizeof *s->names);
	s->types = mem_alloc(opt_paths.n, sizeof *s->types);
	s->find = mem_alloc(opt_paths.n, sizeof *s->find);
	for (size_t i = 0; i < opt_paths.n; i++)
		add_path(s, opt_paths.v[i]);
	s->options.paths = s->types;
	const char **exclude = mem_alloc(opt_exclude.n, sizeof *exclude);
	for (size_t i = 0; i < opt_exclude.n; i++)
		exclude[i] = with_dot(s, opt_exclude.v[i], strlen(opt_exclude.v[i]));
	s->options.exclude = exclude;
	s->options.exclude_n = opt_exclude.n;
	if (opt_time && !(s->time = path_compile(opt_time, &e)))
		prog_usage("--time: %s", e.msg);
}

static void scope_release(struct scope *s)
{
	for (size_t i = 0; i < s->names_n; i++)
		free(s->names[i]);
	for (size_t i = 0; i < s->find_n; i++)
		path_free(s->find[i]);
	free(s->names);
	free(s->types);
	free(s->find);
	free((void *)s->options.exclude);
	path_free(s->time);
}

static void on_bad(void *arg, const struct err *e)
{
	(void)arg;
	prog_warn("%s (skipped)", e->msg);
}

static void fill(struct frame *f, const struct scope *s, char **files, const char *what, size_t *skipped)
{
	struct reader reader;
	struct record rec = {0};
	struct err e = ERR_INIT;
	struct progress progress;
	int got;

	frame_init(f);
	f->sample_max = (size_t)opt_sample;
	f->seed = (uint64_t)opt_seed;
	f->paths = s->find;
	f->paths_n = s->find_n;
	f->time = s->time;
	reader_init(&reader, files);
	reader.skip_bad = opt_skip_bad;
	reader.on_bad = on_bad;
	reader.stopping = prog_stopping;
	progress_begin(&progress, what, 0, opt_quiet);
	while ((got = reader_next(&reader, &rec, &e)) > 0) {
		if (frame_add(f, &rec, &e)) {
			err_prefix(&e, "%s:%zu", reader.name, reader.line);
			got = -1;
			break;
		}
		if (f->rows % 1024 == 0)
			progress_set(&progress, (double)f->rows, NULL);
	}
	progress_end(&progress);
	if (got < 0)
		prog_fail(&e);
	frame_finish(f);
	if (f->lost && !opt_quiet)
		prog_warn("%llu values of the %s stand too deep, or at more than %d paths, and were not looked at",
			  (unsigned long long)f->lost, what, FRAME_COLUMNS);
	*skipped += reader.skipped;
	reader_release(&reader);
	record_release(&rec);
}

static void print(const struct comparison *c, const struct drift_options *o)
{
	struct buf b = BUF_INIT;

	if (opt_table || (out_is_tty() && !opt_json)) {
		report_table(c, o, &b);
		out_span(buf_span(&b));
	} else {
		for (size_t i = 0; i < c->n; i++) {
			buf_clear(&b);
			report_line(&c->lines[i], c, &b);
			out_line(b.data, b.len);
		}
		buf_clear(&b);
		report_summary(c, o, &b);
		out_line(b.data, b.len);
	}
	buf_release(&b);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	char **files = prog_start(&program, argc, argv);
	struct scope scope;
	struct frame reference, current;
	struct comparison c;
	size_t skipped = 0;

	if (!opt_reference.n)
		prog_usage("-r REFERENCE is needed: the records that the model was trained on");
	if (opt_table && opt_json)
		prog_usage("--table and --json: choose one");
	scope_init(&scope);
	char **reference_files = mem_alloc(opt_reference.n + 1, sizeof *reference_files);
	for (size_t i = 0; i < opt_reference.n; i++)
		reference_files[i] = (char *)(uintptr_t)opt_reference.v[i];
	fill(&reference, &scope, reference_files, "reference rows", &skipped);
	fill(&current, &scope, files, "current rows", &skipped);
	if (prog_stopping())
		prog_end(FT_OK);
	if (compare(&reference, &current, &scope.options, &c, &e))
		prog_fail(&e);
	print(&c, &scope.options);
	int status = c.verdict == VERDICT_DRIFT ? FT_NO : c.verdict == VERDICT_STABLE ? FT_OK : FT_INSUFFICIENT;
	if (skipped && status == FT_OK)
		status = FT_PARTIAL;
	comparison_release(&c);
	frame_release(&reference);
	frame_release(&current);
	scope_release(&scope);
	free(reference_files);
	prog_end(status);
}
