/* Records for providers; see rows.h. */
#include "rows.h"

#include <string.h>
#include <xxhash.h>

#include "../base/file.h"
#include "../json/jw.h"
#include "../json/side.h"

static int check_content(struct span message, size_t i, struct err *e)
{
	struct span content = json_member(message, "content");
	enum json_kind kind = json_kind(content);
	int has_calls = json_count(json_member(message, "tool_calls")) > 0;
	if (kind == JSON_STRING ? content.n > 2 : kind == JSON_ARRAY && json_count(content))
		return 0;
	if (has_calls || kind == JSON_STRING)
		return has_calls || !json_is(json_member(message, "role"), "assistant")
			       ? 0
			       : err_set(e,
					 "messages[%zu]: an assistant's turn without text and without tool calls",
					 i);
	return err_set(e, "messages[%zu]: no content", i);
}

static int is_listed(struct span tools, struct span name)
{
	struct json_iter it = {0};
	struct span key, tool;
	while (json_next(&it, tools, &key, &tool))
		if (json_equal(json_member(json_member(tool, "function"), "name"), name))
			return 1;
	return 0;
}

/* Calls go out as the provider will hand them back one day: a function's name that the tools list,
 * and arguments as a string of JSON. */
static int check_calls(struct span message, struct span tools, size_t i, struct err *e)
{
	struct json_iter it = {0};
	struct span key, call;
	struct span called = json_member(message, "tool_calls");
	for (size_t k = 0; json_next(&it, called, &key, &call); k++) {
		struct span function = json_member(call, "function"),
			    name = json_member(function, "name"),
			    arguments = json_member(function, "arguments"), inner;
		struct buf text = BUF_INIT;
		const char *why = NULL;
		if (json_kind(name) != JSON_STRING)
			why = "no name of a function";
		else if (json_string(arguments, &text))
			why = "the arguments must be a string";
		else if (json_check(buf_span(&text), &inner, NULL) ||
			 json_kind(inner) != JSON_OBJECT)
			why = "the arguments hold no JSON object";
		else if (json_kind(json_member(call, "id")) != JSON_STRING)
			why = "no id";
		else if (!json_is(json_member(call, "type"), "function"))
			why = "no type (\"function\")";
		else if (!is_listed(tools, name))
			why = "the record's tools do not list this function";
		buf_release(&text);
		if (why)
			return err_set(e, "messages[%zu].tool_calls[%zu]: %s", i, k, why);
	}
	return 0;
}

static int calls(struct span turn, struct span id)
{
	struct json_iter it = {0};
	struct span key, call;
	struct span called = json_member(turn, "tool_calls");
	while (json_next(&it, called, &key, &call))
		if (json_equal(json_member(call, "id"), id))
			return 1;
	return 0;
}

/* Calls and their answers: turn is the assistant's last turn, absent where none, and *open how many
 * of its calls wait for an answer. */
static int check_tools(struct span turn, size_t *open, struct span message, size_t i, struct err *e)
{
	struct span id = json_member(message, "tool_call_id");
	if (!json_is(json_member(message, "role"), "tool"))
		return *open ? err_set(e,
				       "messages[%zu]: %zu of the calls before it are not answered",
				       i, *open)
			     : 0;
	if (json_kind(id) != JSON_STRING)
		return err_set(e, "messages[%zu]: a tool's answer without tool_call_id", i);
	if (!calls(turn, id))
		return err_set(e, "messages[%zu]: tool_call_id %.*s answers no call before it", i,
			       (int)(id.n < 80 ? id.n : 80), id.s);
	if (!*open)
		return err_set(e, "messages[%zu]: a call is answered twice", i);
	if (json_kind(json_member(message, "content")) != JSON_STRING)
		return err_set(e, "messages[%zu]: a tool's answer must be text, not parts", i);
	--*open;
	return 0;
}

static int check_reasoning(struct span message, size_t i, struct err *e)
{
	static const char *const names[] = {"reasoning_content", "reasoning", "thinking"};
	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		if (json_kind(json_member(message, names[k])) > JSON_NULL &&
		    !json_is(json_member(message, names[k]), ""))
			return err_set(e,
				       "messages[%zu]: providers learn no reasoning; without it: jq -c 'del(.messages[].%s)'",
				       i, names[k]);
	return 0;
}

/* The order of roles; before: the turn before this one, absent at the first. */
static int check_turn(const struct remote_rules *rules, struct span before, struct span role,
		      size_t i, struct err *e)
{
	int first = json_kind(before) == JSON_NONE;
	if (rules->system_first && !first && json_is(role, "system"))
		return err_set(e,
			       "messages[%zu]: this provider takes a system turn only at the beginning",
			       i);
	if (!rules->alternating)
		return 0;
	if ((first || json_is(before, "system")) && !json_is(role, "user") &&
	    !json_is(role, "system"))
		return err_set(e,
			       "messages[%zu]: at this provider a conversation begins with the user",
			       i);
	if (!first && json_equal(before, role) && !json_is(role, "tool"))
		return err_set(e, "messages[%zu]: at this provider the roles must alternate", i);
	return 0;
}

static int known_role(const struct remote_rules *rules, struct span role)
{
	static const char *const roles[] = {"system", "user",	   "assistant",
					    "tool",   "developer", "function"};
	for (size_t k = 0; k < (rules->openai ? 6 : 4); k++)
		if (json_is(role, roles[k]))
			return 1;
	return 0;
}

/* answer: the messages are a reference by themselves; otherwise a conversation. answered: the
 * assistant has the last word. */
static int check_messages(const struct remote_rules *rules, struct span messages, struct span tools,
			  int answer, int answered, struct err *e)
{
	struct json_iter it = {0};
	struct span key, m, before = {0}, turn = {0};
	size_t taught = 0, open = 0;
	if (json_kind(messages) != JSON_ARRAY || !json_count(messages))
		return err_set(e, "no messages");
	for (size_t i = 0; json_next(&it, messages, &key, &m); i++) {
		struct span role = json_member(m, "role"), weight = json_member(m, "weight");
		double w = 1;
		if (!known_role(rules, role))
			return err_set(e, "messages[%zu]: unknown role", i);
		if (check_content(m, i, e) || check_calls(m, tools, i, e) ||
		    check_tools(turn, &open, m, i, e) || check_reasoning(m, i, e) ||
		    (!answer && check_turn(rules, before, role, i, e)))
			return -1;
		if (json_is(role, "assistant")) {
			turn = m;
			open = json_count(json_member(m, "tool_calls"));
		}
		if (json_kind(weight) > JSON_NULL &&
		    (json_number(weight, &w) || (w != 0 && w != 1)))
			return err_set(e, "messages[%zu]: providers take a weight of 0 or 1 only",
				       i);
		taught += json_is(role, "assistant") && w != 0 &&
			  json_kind(json_member(m, "train")) != JSON_FALSE;
		before = role;
	}
	if (answered && !json_is(before, "assistant"))
		return err_set(e,
			       "no reference: the last of its messages is not from the assistant");
	if (answered && !taught)
		return err_set(e, "nothing to learn: every turn of the assistant has weight 0");
	return 0;
}

static void copy(struct jw *w, struct span from, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span v = json_member(from, names[i]);
		if (json_kind(v) != JSON_NONE && json_kind(v) != JSON_NULL)
			jw_put_raw(w, names[i], v);
	}
}

/* Messages with the members that providers know; a turn that is not to be trained on has weight
 * 0. */
static void put_messages(struct jw *w, const char *name, struct span messages)
{
	static const char *const names[] = {"role",    "content",      "name",
					    "refusal", "tool_calls",   "tool_call_id",
					    "weight",  "function_call"};
	struct json_iter it = {0};
	struct span key, m;
	jw_put_array(w, name);
	while (json_next(&it, messages, &key, &m)) {
		int off = json_kind(json_member(m, "train")) == JSON_FALSE;
		jw_object(w);
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			struct span v = json_member(m, names[i]);
			int empty = json_kind(v) <= JSON_NULL ||
				    (i == 4 && json_kind(v) == JSON_ARRAY && !json_count(v));
			if (!(empty && strcmp(names[i], "content")) && json_kind(v) != JSON_NONE &&
			    !(off && strcmp(names[i], "weight") == 0))
				jw_put_raw(w, names[i], v);
		}
		if (off)
			jw_put_int(w, "weight", 0);
		jw_end(w);
	}
	jw_end(w);
}

static int put_preference(const struct remote_rules *rules, const struct record *r, struct jw *w,
			  struct err *e)
{
	static const char *const names[] = {"preferred_output", "non_preferred_output"},
				 *const beside[] = {"tools", "parallel_tool_calls"};
	struct span input = record_get(r, "input"), messages = json_member(input, "messages"),
		    tools = json_member(input, "tools");
	if (check_messages(rules, messages, tools, 0, 0, e))
		return err_prefix(e, "input");
	jw_put_object(w, "input");
	put_messages(w, "messages", messages);
	copy(w, input, beside, 2);
	jw_end(w);
	for (int i = 0; i < 2; i++) {
		struct span output = record_get(r, names[i]);
		if (check_messages(rules, output, tools, 1, 1, e))
			return err_prefix(e, "%s", names[i]);
		if (rules->one_message && json_count(output) != 1)
			return err_set(e, "%s: this provider takes one message, not %zu", names[i],
				       json_count(output));
		put_messages(w, names[i], output);
	}
	return 0;
}

static int put_row(const struct remote_rows *rows, const struct record *r, struct jw *w,
		   struct err *e)
{
	static const char *const beside[] = {"tools", "parallel_tool_calls"},
				 *const raw[] = {"prompt", "completion"};
	double weight;
	struct span given = record_get(r, "weight");
	if (json_kind(record_get(r, "label")) == JSON_FALSE)
		return err_set(e,
			       "label is false: this answer is not wanted, and would be learned");
	if (json_kind(given) > JSON_NULL && (json_number(given, &weight) || weight != 1))
		return err_set(e, "providers take no weights of whole records");
	if (rows->preferences)
		return put_preference(rows->rules, r, w, e);
	if (json_kind(record_get(r, "messages")) != JSON_NONE) {
		struct span messages = record_get(r, "messages");
		if (check_messages(rows->rules, messages, record_get(r, "tools"), 0, 1, e))
			return -1;
		put_messages(w, "messages", messages);
		copy(w, r->body, beside, rows->rules->openai ? 2 : 1);
		return 0;
	}
	if (!rows->rules->completions)
		return err_set(e, "no messages; this provider trains on chats only");
	if (json_kind(record_get(r, "prompt")) != JSON_STRING ||
	    json_kind(record_get(r, "completion")) != JSON_STRING)
		return err_set(e, "neither messages nor prompt with completion");
	copy(w, r->body, raw, 2);
	return 0;
}

/* What is open while the rows are written. */
struct writing {
	struct remote_rows *rows;
	struct file_new train, valid;
	XXH64_hash_t train_hash, valid_hash;
	size_t train_bytes, valid_bytes;
	size_t chats, completions;
	struct buf line;
};

static int write_line(struct writing *k, int valid, struct err *e)
{
	struct file_new *to = valid ? &k->valid : &k->train;
	XXH64_hash_t *hash = valid ? &k->valid_hash : &k->train_hash;
	buf_addc(&k->line, '\n');
	*hash = XXH3_64bits_withSeed(k->line.data, k->line.len, *hash);
	*(valid ? &k->valid_bytes : &k->train_bytes) += k->line.len;
	*(valid ? &k->rows->valid : &k->rows->train) += 1;
	return fwrite(k->line.data, 1, k->line.len, to->f) == k->line.len
		       ? 0
		       : err_errno(e, "%s", to->path);
}

static int take_files(struct writing *k, char **files, int all_valid, struct err *e)
{
	struct reader in;
	struct record r = {0};
	enum side side;
	int rc;
	reader_init_like(&in, files, &k->rows->how);
	while ((rc = side_next(&in, &r, &side, &k->rows->test, e)) > 0) {
		struct err why = ERR_INIT;
		struct jw w;
		buf_clear(&k->line);
		jw_init(&w, &k->line);
		jw_object(&w);
		if (put_row(k->rows, &r, &w, &why)) {
			reader_refuse(&in, &r, &why);
			continue;
		}
		jw_end(&w);
		*(json_kind(record_get(&r, "prompt")) != JSON_NONE &&
				  json_kind(record_get(&r, "messages")) == JSON_NONE
			  ? &k->completions
			  : &k->chats) += 1;
		if ((rc = write_line(k, all_valid || side == SIDE_VALID, e)))
			break;
	}
	k->rows->refused += in.refused + in.skipped;
	reader_release(&in);
	record_release(&r);
	return rc;
}

static int verdict(const struct writing *k, struct err *e)
{
	const struct remote_rows *rows = k->rows;
	const struct remote_rules *rules = rows->rules;
	size_t most = k->train_bytes > k->valid_bytes ? k->train_bytes : k->valid_bytes;
	if (rows->refused && !rows->how.skip_bad)
		return err_set(e,
			       "%zu row%s cannot be sent; nothing was uploaded (--skip-bad leaves them out)",
			       rows->refused, rows->refused == 1 ? "" : "s");
	if (rows->train < rules->rows)
		return err_set(e, "%zu training rows; this provider asks for %zu at least",
			       rows->train, rules->rows);
	if (rules->rows_max && rows->train > rules->rows_max)
		return err_set(e, "%zu training rows; this provider takes %zu at most", rows->train,
			       rules->rows_max);
	if (rules->bytes_max && most > rules->bytes_max)
		return err_set(e, "a file of %.1f MB; this provider takes %.0f MB at most",
			       (double)most / 1e6, (double)rules->bytes_max / 1e6);
	if (k->chats && k->completions)
		return err_set(e,
			       "%zu rows are chats and %zu prompts with completions; a job takes one kind",
			       k->chats, k->completions);
	if (rows->valid && rows->valid == rows->train && k->valid_hash == k->train_hash)
		return err_set(e, "the validation rows are the training rows");
	return 0;
}

int remote_rows_write(struct remote_rows *rows, char **files, const char *valid_file, struct err *e)
{
	struct writing k = {.rows = rows};
	rows->train = rows->valid = rows->test = rows->refused = 0;
	if (file_begin(rows->train_path, &k.train, e))
		return -1;
	if (file_begin(rows->valid_path, &k.valid, e)) {
		file_abort(&k.train);
		return -1;
	}
	int rc = take_files(&k, files, 0, e);
	if (!rc && valid_file)
		rc = take_files(&k, (char *[]){(char *)valid_file, NULL}, 1, e);
	if (!rc)
		rc = verdict(&k, e);
	if (rc || (rc = file_commit(&k.train, e)) != 0)
		file_abort(&k.train), file_abort(&k.valid);
	else
		rc = file_commit(&k.valid, e);
	rows->hash = XXH3_64bits_withSeed(&k.valid_hash, sizeof k.valid_hash, k.train_hash);
	buf_release(&k.line);
	return rc;
}
