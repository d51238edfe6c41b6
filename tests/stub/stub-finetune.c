/* stub-finetune: the fine-tuning APIs of OpenAI, Together and Fireworks for tests, as they are
 * documented, and with faults on demand.
 *
 * One request a connection, one at a time. A job moves one state further each time it is looked at.
 * Requests need the key sk-test-key, but for the storage (/storage/...), which must not see it.
 * --fault, any of these joined by commas:
 *	rate		the first request for each path gets 429 with Retry-After: 0
 *	drop-create	the first job is created, but the connection closes before the answer
 *	error		the first request for each path gets 500, and nothing is done
 *	cut		the first download breaks off in the middle
 *	fail		jobs fail
 *	hold, hold=N	jobs stay running, or until they were looked at N times
 *	word=WORD	that is the state of jobs, for ever or, with word=WORD/N, for N looks
 *	events=N	N metrics events in place of three
 *	stuck		whatever page of OpenAI's events is asked for, the newest comes, and more is promised
 *	mute		no events: their address is 404
 *	base64		OpenAI's table of losses comes so
 *	gone		404 for that table, and for Together's weights
 *	bom		jobs of OpenAI begin with a byte order mark
 *	names=JSON	what Fireworks says of a model's files; PORT in it is our own. The last of the list
 *	google		creating a job at OpenAI's address is refused as Google does, in an array
 * --log FILE gets "METHOD PATH" for each request.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/prog.h"
#include "../../lib/json/json.h"
#include "listen.h"

static const char *port_file, *fault = "", *log_name;

static struct opt options[] = {
	{0, "port-file", OPT_STR, &port_file, "FILE", "where the port is written once it answers"},
	{0, "fault", OPT_STR, &fault, "LIST", "faults, joined by commas"},
	{0, "log", OPT_STR, &log_name, "FILE", "a line for each request"},
	{0},
};
static const struct program program = {"stub-finetune", "[option ...]",
				       "A fine-tuning server for tests.", options, NULL};

enum { FILES = 64, PATHS = 256 };

static struct state {
	int port;
	char *files[FILES]; /* contents; NULL: announced only */
	int n_files;
	int job, looks, cancelled, dropped, dataset_posts;
	char train[128];
	char *seen[PATHS];
	int n_seen;
} st;

struct request {
	char method[8], path[1024];
	struct buf head, body;
	int keyed;
};

static int has(const char *name)
{
	size_t n = strlen(name);
	for (const char *p = fault; (p = strstr(p, name)) != NULL; p += n)
		if ((p == fault || p[-1] == ',') && (p[n] == 0 || p[n] == ',' || p[n] == '='))
			return 1;
	return 0;
}

static int fault_count(const char *name, int otherwise)
{
	const char *p = strstr(fault, name);
	return p ? atoi(p + strlen(name)) : otherwise;
}

/* The state of a job: a word of its provider's, or another's. */
static const char *word_of(const char *word)
{
	static char other[64];
	const char *p = has("word") ? strstr(fault, "word=") + strlen("word=") : NULL;
	const char *looks = p ? p + strcspn(p, "/,") : "";

	if (!p || (*looks == '/' && st.looks > atoi(looks + 1)))
		return word;
	snprintf(other, sizeof other, "%.*s", (int)(looks - p), p);
	return other;
}

static const char *header(const struct request *q, const char *name)
{
	static char value[512];
	size_t n = strlen(name);
	for (const char *p = strchr(q->head.data, '\n'); p && p[1]; p = strchr(p + 1, '\n'))
		if (strncasecmp(p + 1, name, n) == 0 && p[1 + n] == ':') {
			snprintf(value, sizeof value, "%.*s", (int)strcspn(p + n + 2, "\r\n"),
				 p + n + 2);
			return value + strspn(value, " ");
		}
	return "";
}

static int read_request(int fd, struct request *q)
{
	char piece[65536];
	ssize_t n;
	buf_clear(&q->head);
	buf_clear(&q->body);
	char *end = NULL;
	while (!end) {
		if ((n = read(fd, piece, sizeof piece)) <= 0)
			return -1;
		buf_add(&q->head, piece, (size_t)n);
		end = strstr(q->head.data, "\r\n\r\n");
	}
	size_t head = (size_t)(end + 4 - q->head.data);
	buf_add(&q->body, q->head.data + head, q->head.len - head);
	q->head.data[q->head.len = head - 2] = 0;
	if (sscanf(q->head.data, "%7s %1023s", q->method, q->path) != 2)
		return -1;
	if (strcasecmp(header(q, "Expect"), "100-continue") == 0 &&
	    write(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25) != 25)
		return -1;
	size_t length = (size_t)atoll(header(q, "Content-Length"));
	int chunked = strcasecmp(header(q, "Transfer-Encoding"), "chunked") == 0;
	while (chunked ? !q->body.len || !strstr(q->body.data, "\r\n0\r\n\r\n")
		       : q->body.len < length) {
		if ((n = read(fd, piece, sizeof piece)) <= 0)
			return -1;
		buf_add(&q->body, piece, (size_t)n);
	}
	q->keyed = strcmp(header(q, "Authorization"), "Bearer sk-test-key") == 0;
	return 0;
}

static void answer(int fd, int status, const char *headers, const char *body)
{
	struct buf b = BUF_INIT;
	buf_addf(&b, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s",
		 status, strlen(body), headers, body);
	for (size_t at = 0; at < b.len;) {
		ssize_t n = write(fd, b.data + at, b.len - at);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_release(&b);
}

static void __attribute__((format(printf, 3, 4))) say(int fd, int status, const char *fmt, ...)
{
	char text[16384];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	answer(fd, status, "Content-Type: application/json\r\n", text);
}

/* The file part of a multipart form, as a new string; NULL where there is none. */
static char *form_file(const struct request *q)
{
	const char *p = q->body.data ? strstr(q->body.data, "filename=") : NULL,
		   *from = p ? strstr(p, "\r\n\r\n") : NULL;
	const char *end = from ? strstr(from + 4, "\r\n--") : NULL;
	return end ? mem_strndup(from + 4, (size_t)(end - from - 4)) : NULL;
}

static int new_file(char *content)
{
	st.files[st.n_files % FILES] = content;
	return st.n_files++ % FILES;
}

static struct span json_body(const struct request *q)
{
	struct span v = {0};
	struct err e = ERR_INIT;
	if (json_check(buf_span(&q->body), &v, &e))
		return (struct span){0};
	return v;
}

static int known_file(const char *id, const char *form)
{
	int n = -1;
	return sscanf(id, form, &n) == 1 && n >= 0 && n < st.n_files && st.files[n];
}

/* 0 waiting, 1 running, 2 done, 3 failed, 4 cancelled */
static int state_now(void)
{
	if (st.cancelled)
		return 4;
	if (st.looks < 2)
		return 0;
	if (st.looks < 4 || (has("hold") && st.looks < fault_count("hold=", st.looks + 1)))
		return 1;
	return has("fail") ? 3 : 2;
}

static int first_time(const char *path)
{
	for (int i = 0; i < st.n_seen; i++)
		if (strcmp(st.seen[i], path) == 0)
			return 0;
	if (st.n_seen < PATHS)
		st.seen[st.n_seen++] = mem_strdup(path);
	return 1;
}

/* --- OpenAI --- */

static void openai_job(int fd)
{
	static const char *const names[] = {"queued", "running", "succeeded", "failed",
					    "cancelled"};
	int s = state_now();
	say(fd, 200,
	    "%s{\"object\":\"fine_tuning.job\",\"id\":\"ftjob-%d\",\"status\":\"%s\",\"training_file\":\"%s\",\"fine_tuned_model\":%s,"
	    "\"trained_tokens\":%s,\"result_files\":[%s],\"error\":%s}",
	    has("bom") ? "\xef\xbb\xbf" : "", st.job, word_of(names[s]), st.train,
	    s == 2 ? "\"ft:stub:team::1\"" : "null", s == 2 ? "4242" : "null",
	    s == 2 ? "\"file-result\"" : "",
	    s == 3 ? "{\"code\":\"bad\",\"message\":\"the stub says no\"}" : "null");
}

/* Newest first; after=ID goes on behind that one. */
static void openai_events(int fd, const char *query)
{
	const char *p = has("stuck") ? NULL : strstr(query, "after=");
	int n = state_now() ? fault_count("events=", 3) : 0, from = p ? atoi(p + 9) - 1 : n,
	    limit = 100;
	struct buf b = BUF_INIT;
	if ((p = strstr(query, "limit=")))
		limit = atoi(p + 6);
	int to = from - limit < 0 ? 0 : from - limit;
	buf_adds(&b, "{\"object\":\"list\",\"data\":[");
	for (int i = from; i > to; i--)
		buf_addf(&b,
			 "%s{\"object\":\"fine_tuning.job.event\",\"id\":\"ev-%d\",\"type\":\"%s\",\"message\":\"Step %d\",\"data\":{\"step\":%d,"
			 "\"train_loss\":%g}}",
			 i < from ? "," : "", i, i == 1 ? "message" : "metrics", i, i, 1.0 / i);
	buf_addf(&b, "],\"has_more\":%s}", to > 0 ? "true" : "false");
	answer(fd, 200, "Content-Type: application/json\r\n", b.data);
	buf_release(&b);
}

static void create_job(int fd, struct span body, const char *form, void (*reply)(int fd))
{
	struct buf id = BUF_INIT;
	json_string(json_member(body, "training_file"), &id);
	if (!id.len || !known_file(id.data, form)) {
		say(fd, 400, "{\"error\":{\"message\":\"unknown training file\"}}");
	} else {
		snprintf(st.train, sizeof st.train, "%s", id.data);
		st.job++;
		st.looks = st.cancelled = 0;
		if (has("drop-create") && !st.dropped)
			st.dropped = 1;
		else
			reply(fd);
	}
	buf_release(&id);
}

static int openai(int fd, const struct request *q)
{
	const char *p = q->path;
	if (strcmp(p, "/v1/files") == 0 && strstr(header(q, "Content-Type"), "multipart")) {
		char *file = form_file(q);
		if (!file || !strstr(q->body.data, "fine-tune"))
			say(fd, 400, "{\"error\":{\"message\":\"no file or no purpose\"}}");
		else
			say(fd, 200, "{\"id\":\"file-%d\",\"object\":\"file\"}", new_file(file));
	} else if (has("google") && strcmp(p, "/v1/fine_tuning/jobs") == 0) {
		say(fd, 400,
		    "[{\"error\":{\"code\":400,\"message\":\"no such tuning\",\"status\":\"INVALID_ARGUMENT\"}}]");
	} else if (strcmp(p, "/v1/fine_tuning/jobs") == 0 && strcmp(q->method, "POST") == 0) {
		create_job(fd, json_body(q), "file-%d", openai_job);
	} else if (strncmp(p, "/v1/fine_tuning/jobs?", 21) == 0) {
		say(fd, 200,
		    "{\"data\":[{\"id\":\"ftjob-%d\",\"status\":\"queued\",\"training_file\":\"%s\"}]}",
		    st.job, st.train);
	} else if (strstr(p, "/v1/fine_tuning/jobs/ftjob-") == p && atoi(p + 27) == st.job) {
		if (strstr(p, "/events") && has("mute")) {
			return 0;
		} else if (strstr(p, "/events")) {
			openai_events(fd, p);
		} else {
			st.cancelled |= strstr(p, "/cancel") != NULL;
			st.looks++;
			openai_job(fd);
		}
	} else if (strcmp(p, "/v1/files/file-result/content") == 0 && !has("gone")) {
		/* printf 'step,train_loss\n1,1.0\n' | base64 */
		answer(fd, 200, "",
		       has("base64") ? "c3RlcCx0cmFpbl9sb3NzCjEsMS4wCg=="
				     : "step,train_loss\n1,1.0\n");
	} else {
		return 0;
	}
	return 1;
}

/* --- Together --- */

static void together_job(int fd)
{
	static const char *const names[] = {"pending", "running", "completed", "error",
					    "cancelled"};
	say(fd, 200,
	    "{\"id\":\"ft-%d\",\"status\":\"%s\",\"training_file\":\"%s\",\"output_name\":\"team/tuned\",\"token_count\":777}",
	    st.job, word_of(names[state_now()]), st.train);
}

static int together(int fd, const struct request *q)
{
	const char *p = q->path;
	char headers[512];
	int n;
	if (strcmp(p, "/v1/files") == 0) {
		n = new_file(NULL);
		snprintf(headers, sizeof headers,
			 "Location: http://localhost:%d/storage/%d\r\nX-Together-File-Id: file-%d\r\n",
			 st.port, n, n);
		answer(fd, 302, headers, "");
	} else if (sscanf(p, "/storage/%d", &n) == 1 && n >= 0 && n < st.n_files &&
		   strcmp(q->method, "PUT") == 0) {
		st.files[n] = mem_strndup(q->body.data, q->body.len);
		answer(fd, 200, "", "");
	} else if (sscanf(p, "/v1/files/file-%d/preprocess", &n) == 1 && strstr(p, "/preprocess")) {
		if (n >= 0 && n < st.n_files && st.files[n])
			say(fd, 200, "{\"id\":\"file-%d\"}", n);
		else
			say(fd, 400, "{\"error\":{\"message\":\"nothing was put there\"}}");
	} else if (strcmp(p, "/v1/fine-tunes") == 0 && strcmp(q->method, "POST") == 0) {
		create_job(fd, json_body(q), "file-%d", together_job);
	} else if (strcmp(p, "/v1/fine-tunes") == 0) {
		say(fd, 200,
		    "{\"data\":[{\"id\":\"ft-%d\",\"status\":\"pending\",\"training_file\":\"%s\"}]}",
		    st.job, st.train);
	} else if (strstr(p, "/v1/fine-tunes/ft-") == p && atoi(p + 18) == st.job) {
		if (strstr(p, "/events") && has("mute")) {
			return 0;
		} else if (strstr(p, "/events")) {
			say(fd, 200,
			    "{\"data\":[{\"message\":\"begun\",\"level\":\"info\",\"step\":0},{\"message\":\"over\",\"level\":\"%s\",\"step\":9}]}",
			    has("fail") ? "error" : "info");
		} else {
			st.cancelled |= strstr(p, "/cancel") != NULL;
			st.looks++;
			together_job(fd);
		}
	} else if (strstr(p, "/v1/finetune/download?ft_id=ft-") == p && !has("gone")) {
		snprintf(headers, sizeof headers,
			 "Location: http://localhost:%d/storage/weights\r\n", st.port);
		answer(fd, 302, headers, "");
	} else if (strcmp(p, "/storage/weights") == 0 && has("cut") && first_time(p)) {
		static const char part[] =
			"HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: 100\r\n\r\nweights";
		return write(fd, part, sizeof part - 1) > 0;
	} else if (strcmp(p, "/storage/weights") == 0) {
		answer(fd, 200, "", "weights of the stub");
	} else {
		return 0;
	}
	return 1;
}

/* --- Fireworks --- */

static void files_of_model(int fd)
{
	const char *names = strstr(fault, "names="), *port;
	char text[2048];

	if (!names) {
		say(fd, 200,
		    "{\"filenameToSignedUrls\":{\"x/adapter_config.json\":\"http://127.0.0.1:%d/storage/weights\"}}",
		    st.port);
		return;
	}
	snprintf(text, sizeof text, "%s", names + strlen("names="));
	port = strstr(text, "PORT");
	if (port)
		say(fd, 200, "{\"filenameToSignedUrls\":%.*s%d%s}", (int)(port - text), text,
		    st.port, port + 4);
	else
		say(fd, 200, "{\"filenameToSignedUrls\":%s}", text);
}

static void fireworks_job(int fd)
{
	static const char *const names[] = {"CREATING", "RUNNING", "COMPLETED", "FAILED",
					    "CANCELLED"};
	say(fd, 200,
	    "{\"name\":\"job\",\"state\":\"JOB_STATE_%s\",\"outputModel\":\"accounts/team/models/tuned\",\"status\":{\"code\":\"OK\",\"message\":\"%s\"},"
	    "\"jobProgress\":{\"percent\":%d}}",
	    word_of(names[state_now()]), has("fail") ? "the stub says no" : "", st.looks * 20);
}

static int fireworks(int fd, const struct request *q)
{
	const char *p = q->path;
	if (strcmp(p, "/v1/accounts/team/datasets") == 0) {
		say(fd, st.dataset_posts++ ? 200 : 409,
		    "{\"message\":\"the first one is said to be there already\"}");
	} else if (strstr(p, "/v1/accounts/team/datasets/ft-") == p && strstr(p, ":upload")) {
		char *file = form_file(q);
		if (file)
			new_file(file);
		say(fd, file ? 200 : 400, "{}");
	} else if (strstr(p,
			  "/v1/accounts/team/supervisedFineTuningJobs?supervisedFineTuningJobId=ft-") ==
		   p) {
		if (json_kind(json_member(json_body(q), "baseModel")) != JSON_STRING) {
			say(fd, 400, "{\"message\":\"no baseModel\"}");
			return 1;
		}
		st.job++;
		st.looks = st.cancelled = 0;
		if (has("drop-create") && !st.dropped++)
			return 1;
		say(fd, st.job > 1 ? 409 : 200, "{}");
	} else if (strstr(p, "/v1/accounts/team/supervisedFineTuningJobs/ft-") == p) {
		st.cancelled |= strcmp(q->method, "DELETE") == 0;
		st.looks++;
		fireworks_job(fd);
	} else if (strcmp(p, "/v1/accounts/team/models/tuned:getDownloadEndpoint") == 0) {
		files_of_model(fd);
	} else {
		return 0;
	}
	return 1;
}

static void serve(int fd, const struct request *q)
{
	FILE *f = log_name ? fopen(log_name, "a") : NULL;
	if (f) {
		fprintf(f, "%s %s\n", q->method, q->path);
		fclose(f);
	}
	int storage = strncmp(q->path, "/storage/", 9) == 0;
	if (storage == q->keyed)
		say(fd, 401, "{\"error\":{\"message\":\"%s\"}}",
		    storage ? "the storage was shown the key" : "wrong key");
	else if (has("rate") && first_time(q->path))
		answer(fd, 429, "Retry-After: 0\r\n", "{\"error\":{\"message\":\"slow down\"}}");
	else if (has("error") && first_time(q->path))
		answer(fd, 500, "Retry-After: 0\r\n", "{\"error\":{\"message\":\"try again\"}}");
	else if (!openai(fd, q) && !together(fd, q) && !fireworks(fd, q))
		say(fd, 404, "{\"error\":{\"message\":\"no such address\"}}");
}

int main(int argc, char **argv)
{
	struct request q = {0};
	int s;

	prog_start(&program, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	s = stub_listen(&st.port, port_file);
	while (!prog_stopping()) {
		int fd = accept(s, NULL, NULL);
		if (fd < 0)
			continue;
		if (read_request(fd, &q) == 0)
			serve(fd, &q);
		close(fd);
	}
	prog_end(FT_OK);
}
