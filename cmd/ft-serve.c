/* ft-serve: stands between an application and its models, or is the model: passes calls on or answers
 * them, and writes each down. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../lib/base/out.h"
#include "../lib/base/prog.h"
#include "../lib/json/reader.h"
#include "../lib/json/source.h"
#include "../lib/net/url.h"
#include "../lib/serve/join.h"
#include "../lib/serve/serve.h"
#include "../lib/serve/trial.h"

static const char *opt_listen = "127.0.0.1:8080", *opt_base_url, *opt_model, *opt_adapter,
		  *opt_routes, *opt_output, *opt_keys, *opt_prices, *opt_sticky, *opt_quantize;
static const char *opt_redact;
static struct opt_list opt_host;
static long long opt_keep_days, opt_shadow_queue = 1000, opt_shadow_jobs = 4,
				opt_connections = 16384, opt_threads;
static size_t opt_body = (size_t)32 << 20, opt_header = (size_t)64 << 10,
	      opt_memory = (size_t)1 << 30;
static double opt_timeout = 600, opt_idle = 300, opt_drain = 30, opt_shadow_deadline = 120;
static int opt_log_must, opt_check, opt_join, opt_hash, opt_quiet, opt_skip_bad;

static struct opt options[] = {
	{'l', "listen", OPT_STR, &opt_listen, "HOST:PORT",
	 "where to listen (default 127.0.0.1:8080; port 0 picks one)"},
	{'u', "base-url", OPT_STR, &opt_base_url, "URL", "the API that calls are passed on to",
	 .was = "url"},
	{'m', "model", OPT_STR, &opt_model, "MODEL", "the local model that answers"},
	{'a', "adapter", OPT_STR, &opt_adapter, "DIR", "LoRA adapter of the local model",
	 .with = "model"},
	{0, "quantize", OPT_STR, &opt_quantize, "q8_0|q4_0|bf16|none", "weights of the local model",
	 .with = "model"},
	{0, "routes", OPT_STR, &opt_routes, "FILE",
	 "names, weights, shadows and fallbacks, as JSON; read again at SIGHUP",
	 .without = "base-url model", .was = "r"},
	{'o', "output", OPT_STR, &opt_output, "DIR",
	 "records into DIR/YYYY-MM-DD.jsonl (default: standard output)"},
	{0, "host", OPT_LIST, &opt_host, "NAME",
	 "a name that clients know it by, besides localhost and addresses (may be given again)"},
	{0, "keys", OPT_STR, &opt_keys, "FILE", "keys of those who may call, one a line"},
	{0, "prices", OPT_STR, &opt_prices, "FILE", "prices of models, for the cost in records"},
	{0, "sticky", OPT_STR, &opt_sticky, "PATH",
	 "the conversation that a request belongs to: a member of its body\nor header:NAME",
	 .without = "routes"},
	{0, "redact", OPT_STR, &opt_redact, "LIST",
	 "taken out of records: mail, phone, card, iban, key, with commas between",
	 .without = "routes"},
	{0, "", OPT_GROUP, NULL, NULL, "the log"},
	{0, "keep-days", OPT_INT, &opt_keep_days, "DAYS",
	 "remove files of DIR that are older (default: never)", 1, 36500, .with = "output",
	 .was = "keep"},
	{0, "log-must", OPT_FLAG, &opt_log_must, NULL,
	 "answer no call while records cannot be written"},
	{0, "", OPT_GROUP, NULL, NULL, "limits"},
	{0, "body-max", OPT_SIZE, &opt_body, "SIZE", "largest body of a request (default 32M)",
	 1024, 1e9},
	{0, "header-max", OPT_SIZE, &opt_header, "SIZE", "its headers (default 64K)", 1024, 1e8},
	{0, "memory", OPT_SIZE, &opt_memory, "SIZE",
	 "all that is in flight, past which the answer is 503 (default 1G)", 65536, 1e15},
	{0, "connections", OPT_INT, &opt_connections, "N", "most clients at once (default 16384)",
	 1, 1e6},
	{0, "timeout", OPT_REAL, &opt_timeout, "S",
	 "for a target's first byte, and between its bytes (default 600)", 0.01, 86400},
	{0, "idle", OPT_REAL, &opt_idle, "S",
	 "for a client that sends or reads nothing (default 300)", 1, 86400},
	{0, "drain", OPT_REAL, &opt_drain, "S", "for calls to end after SIGTERM (default 30)", 0,
	 86400},
	{0, "shadow-queue", OPT_INT, &opt_shadow_queue, "N",
	 "most shadow calls that wait (default 1000)", 1, 1e6},
	{0, "shadow-jobs", OPT_INT, &opt_shadow_jobs, "N", "most that run at once (default 4)", 1,
	 1000},
	{0, "shadow-deadline", OPT_REAL, &opt_shadow_deadline, "S",
	 "from a call to the end of its shadow (default 120)", 0.01, 86400},
	{0, "threads", OPT_INT, &opt_threads, "N",
	 "threads of local models (default: all processors)", 0, 1024},
	{'q', "quiet", OPT_FLAG, &opt_quiet, NULL, "say nothing but what went wrong at the start"},
	{0, "", OPT_GROUP, NULL, NULL, "instead of serving"},
	{0, "check", OPT_FLAG, &opt_check, NULL,
	 "say what is wrong with the routes, and ask each target once", .without = "join"},
	{0, "routes-hash", OPT_FLAG, &opt_hash, NULL, "print what records call these routes",
	 .with = "routes", .without = "join check"},
	{0, "join", OPT_FLAG, &opt_join, NULL,
	 "put the feedback in the files beside the calls that it is about",
	 .without = "base-url model routes output"},
	{0, "skip-bad", OPT_FLAG, &opt_skip_bad, NULL, "report malformed lines and go on",
	 .with = "join"},
	{0},
};

static const struct program program = {
	"ft-serve",
	"[-l HOST:PORT] -u URL | -m MODEL | --routes ROUTES [-o DIR] [option ...]\n"
	"--check --routes ROUTES\n"
	"--join [file ...]",
	"Pass calls to models on, or answer them, and write each down as a record.",
	options,
	"ft-serve -u https://api.openai.com/v1 -o log\n"
	"ft-serve -l 127.0.0.1:8080 -m ./tuned -o log\n"
	"ft-serve --routes routes.json -o log\n"
	"ft-serve --join log/2026-11-*.jsonl | ft-eval --compare .model",
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	if (opt_quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	prog_warn("%s", text);
}

/* "mail,phone" as the list that a routes file has. */
static struct redact *redact_of(const char *names)
{
	struct err e = ERR_INIT;
	struct buf list = BUF_INIT;
	struct redact *r;

	buf_addc(&list, '[');
	for (const char *p = names, *end; *p; p = *end ? end + 1 : end) {
		end = p + strcspn(p, ",");
		buf_adds(&list, list.len > 1 ? "," : "");
		json_put_string(&list, p, (size_t)(end - p));
	}
	buf_addc(&list, ']');
	r = redact_new(buf_span(&list), &e);
	buf_release(&list);
	if (!r)
		prog_usage("--redact: %s", e.msg);
	return r;
}

static struct routes *read_routes(void)
{
	struct err e = ERR_INIT;
	struct routes *r;

	if (opt_routes)
		r = routes_read(opt_routes, &e);
	else
		r = routes_single(opt_base_url, opt_model, opt_adapter, opt_quantize, opt_sticky,
				  opt_redact ? redact_of(opt_redact) : NULL, &e);
	if (!r)
		prog_fail(&e);
	return r;
}

static void serve(void)
{
	struct err e = ERR_INIT;
	struct serve_options o = {
		.listen = opt_listen,
		.hosts = opt_host.v,
		.routes_file = opt_routes,
		.keys = opt_keys,
		.log_must = opt_log_must,
		.body_max = opt_body,
		.header_max = opt_header,
		.memory_max = opt_memory,
		.timeout = opt_timeout,
		.idle = opt_idle,
		.drain = opt_drain,
		.connections = (size_t)opt_connections,
		.shadow_queue = (size_t)opt_shadow_queue,
		.shadow_jobs = (size_t)opt_shadow_jobs,
		.shadow_deadline = opt_shadow_deadline,
		.threads = (int)opt_threads,
		.stopping = prog_stopping,
		.say = say,
	};

	o.routes = read_routes();
	if (opt_prices && !(o.prices = prices_load(opt_prices, &e)))
		prog_fail(&e);
	o.log = daylog_open(opt_output, STDOUT_FILENO, (long)opt_keep_days, &e);
	if (!o.log || serve_run(&o, &e))
		prog_fail(&e);
}

/* Twice over the files: feedback comes after its call, and seldom in the same file. */
static void join(char **files)
{
	struct err e = ERR_INIT;
	struct source source = {0};
	struct record record = {0};
	struct reader reader;
	struct join j = {0};
	struct buf line = BUF_INIT;
	size_t skipped = 0;
	int rc = source_open(&source, files, prog_stopping, &e);

	for (int pass = 0; pass < 2 && !rc; pass++) {
		reader_start(&reader, source.files, opt_skip_bad);
		reader.names = source.names;
		if (pass) /* told of already */
			reader.on_bad = NULL;
		while (!rc && (rc = reader_next(&reader, &record, &e)) > 0) {
			int feedback = join_is_feedback(&record);

			rc = 0;
			if (feedback && !pass && join_take(&j, &record, &e))
				rc = reader_at(&reader, &e);
			if (feedback || !pass)
				continue;
			buf_clear(&line);
			rc = join_put(&j, &record, &line, &e);
			out_line(line.data, line.len);
		}
		skipped = reader.skipped;
		reader_release(&reader);
	}
	if (rc < 0)
		prog_fail(&e);
	if (join_left(&j))
		prog_warn("%zu of the feedback are about no call in these files", join_left(&j));
	buf_release(&line);
	record_release(&record);
	join_release(&j);
	source_release(&source);
	prog_end(skipped ? FT_PARTIAL : FT_OK);
}

static void tell(void *arg, const char *target, double seconds, const char *what)
{
	(void)arg;
	if (what)
		out_printf("%s: does not answer: %s\n", target, what);
	else
		out_printf("%s: answers, %.2f s\n", target, seconds);
	out_flush();
}

static void check(void)
{
	struct err e = ERR_INIT;
	struct routes *r = read_routes();
	int bad;

	if (opt_hash) {
		out_printf("%s\n", r->hash);
		bad = 0;
	} else {
		for (size_t i = 0; i < r->n_targets; i++)
			if (routes_target_is_exposed(&r->targets[i]))
				say("%s: the key " URL_EXPOSED, r->targets[i].name);
		bad = trial_run(r, getenv("OPENAI_API_KEY"), opt_timeout, (int)opt_threads,
				prog_stopping, tell, NULL, &e);
	}
	routes_free(r);
	if (bad < 0)
		prog_fail(&e);
	prog_end(bad ? FT_NO : FT_OK);
}

int main(int argc, char **argv)
{
	char **files = prog_start(&program, argc, argv);

	if (opt_join)
		join(files);
	if (*files)
		prog_usage("%s: operands belong to --join", *files);
	if (!opt_base_url + !opt_model + !opt_routes != 2)
		prog_usage("one of --base-url, --model and --routes is needed");
	if (opt_hash || opt_check)
		check();
	serve();
	prog_end(FT_OK);
}
