/* tty: rows on a screen, keys into decisions. See tty.h. */
#include "tty.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/side.h"
#include "proposal.h"
#include "reference.h"
#include "screen.h"
#include "tell.h"

#define TEXT_MAX ((size_t)16 << 20) /* of an edited reference */
#define PASSED_MAX 256
#define HITS 9

static const char row_keys[] =
	"g good  f fix  b bad  s skip  u undo  n next  w note  / search  ? help  q quit";
static const char pair_keys[] =
	"a A  b B  t tie  x both bad  s skip  u undo  n next  w note  / search  ? help  q quit";

struct tty {
	struct desk *d;
	struct screen screen;
	size_t passed[PASSED_MAX], passed_n;
	long row;		    /* shown, -1: none */
	struct proposals proposals; /* of that row */
	char *note;
	char said[512]; /* about what was done last */
};

/* --- showing a row --- */

static void show_calls(struct screen *s, struct span calls)
{
	struct json_iter it = {0};
	struct span k, call;
	struct buf text = BUF_INIT;
	while (json_next(&it, calls, &k, &call)) {
		struct span f = json_member(call, "function"),
			    arguments = json_member(f, "arguments");
		buf_clear(&text);
		buf_adds(&text, "calls ");
		json_string(json_member(f, "name"), &text);
		buf_addc(&text, ' ');
		if (json_string(arguments, &text))
			buf_addspan(&text, arguments.s ? arguments : call);
		screen_add(s, "    ", buf_span(&text), 0);
	}
	buf_release(&text);
}

static void show_turns(struct screen *s, const struct record *r)
{
	struct span final = record_final_assistant(r), k, m;
	struct json_iter it = {0};
	struct buf text = BUF_INIT;
	struct span messages = record_get(r, "messages");
	while (json_next(&it, messages, &k, &m)) {
		if (m.s == final.s)
			continue;
		buf_clear(&text);
		json_string(json_member(m, "role"), &text);
		screen_add(s, "", buf_span(&text), 1);
		buf_clear(&text);
		record_message_text(json_member(m, "content"), &text);
		if (text.len)
			screen_add(s, "    ", buf_span(&text), 0);
		show_calls(s, json_member(m, "tool_calls"));
	}
	buf_clear(&text);
	if (json_string(record_get(r, "prompt"), &text) == 0) {
		screen_add(s, "", span_of("prompt"), 1);
		screen_add(s, "    ", buf_span(&text), 0);
	} else if (!record_get(r, "messages").s) {
		screen_add(s, "    ", r->line, 0);
	}
	buf_release(&text);
}

static void show_reasons(struct screen *s, const struct record *r)
{
	struct json_iter it = {0};
	struct span k, reason;
	struct buf text = BUF_INIT;
	struct span reasons = json_member(record_get(r, "review"), "reasons");
	while (json_next(&it, reasons, &k, &reason)) {
		buf_clear(&text);
		buf_adds(&text, "! ");
		json_string(json_member(reason, "reason"), &text);
		buf_adds(&text, ": ");
		json_string(json_member(reason, "why"), &text);
		screen_add(s, "", buf_span(&text), 0);
	}
	buf_release(&text);
}

static void show_reference(struct screen *s, const struct record *r)
{
	struct buf text = BUF_INIT;
	enum reference_kind kind = reference_read(r, &text);
	screen_add(s, "", span_of("reference"), 1);
	if (kind == REFERENCE_CALLS)
		show_calls(s, buf_span(&text));
	else
		screen_add(s, "    ",
			   kind == REFERENCE_NONE ? span_of("(there is none)")
			   : text.len		  ? buf_span(&text)
						  : span_of("(empty)"),
			   0);
	buf_release(&text);
}

/* Both answers beside each other, under the names that the keys have; the reference where there is one. */
static void show_pair(struct tty *t, const struct record *r)
{
	struct buf answer[2] = {BUF_INIT, BUF_INIT}, text = BUF_INIT;
	if (reference_read(r, &text) != REFERENCE_NONE)
		show_reference(&t->screen, r);
	desk_answers(t->d, (size_t)t->row, answer);
	screen_beside(&t->screen, "A", buf_span(&answer[0]), "B", buf_span(&answer[1]));
	buf_release(&answer[0]);
	buf_release(&answer[1]);
	buf_release(&text);
}

static const char *keys_of(const struct tty *t)
{
	return t->d->rows[t->row].pair ? pair_keys : row_keys;
}

/* What a digit takes. */
static void show_proposals(struct tty *t)
{
	const struct proposals *p = &t->proposals;
	if (p->n)
		screen_add(&t->screen, "", span_of("or is it"), 1);
	for (size_t i = 0; i < p->n; i++) {
		screen_addf(&t->screen, "", 0, "%zu  (%s)", i + 1, p->v[i].from);
		screen_add(&t->screen, "    ", span_of(p->v[i].text), 0);
	}
}

/* In an adjudication, what the reviewers say. */
static void show_others(struct tty *t, const char *key)
{
	const struct journal *j = t->d->journal;
	for (size_t i = 0; t->d->pass == DESK_ADJUDICATE && i < j->reviewers_n; i++) {
		const struct decision *x = journal_find(j, key, i);
		if (x)
			screen_addf(&t->screen, "", 0, "%s says %s%s%s%s%s", j->reviewers[i],
				    journal_verdict_name(
					    desk_turned(t->d, (size_t)t->row, x->verdict)),
				    x->new_text ? ": " : "", x->new_text ? x->new_text : "",
				    x->why ? " - " : "", x->why ? x->why : "");
	}
}

static void show_related(struct tty *t, size_t row)
{
	size_t rows[DESK_RELATED], n = desk_related(t->d, row, rows);
	struct buf text = BUF_INIT, words = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		buf_clear(&text);
		buf_clear(&words);
		desk_words(t->d, rows[i], 300, &words);
		if (reference_read(desk_record(t->d, rows[i]), &text) == REFERENCE_NONE)
			buf_adds(&text, "(no reference)");
		screen_addf(&t->screen, "", 1, "compare with row %zu", rows[i] + 1);
		screen_add(&t->screen, "    ", buf_span(&words), 0);
		screen_add(&t->screen, "    -> ", buf_span(&text), 0);
	}
	buf_release(&text);
	buf_release(&words);
}

static void show_head(struct tty *t)
{
	struct desk_counts c = desk_count(t->d);
	size_t judged = c.due - c.by[VERDICT_NONE];
	struct buf rate = BUF_INIT;
	if (c.rate.n) {
		buf_adds(&rate, "; ");
		rate_say(c.rate, &rate);
	}
	screen_addf(&t->screen, "", 0, "%s: %zu of %zu%s", t->d->who, judged, c.due,
		    rate.data ? rate.data : "");
	buf_release(&rate);
	if (*t->said)
		screen_add(&t->screen, "", span_of(t->said), 0);
	screen_add(&t->screen, "", span_of(""), 0);
}

static void show_row(struct tty *t)
{
	char key[KEY_TEXT];
	size_t row = (size_t)t->row;
	const struct record *r = desk_shown(t->d, row);
	const struct desk_row *x = &t->d->rows[row];
	struct buf id = BUF_INIT;
	screen_clear(&t->screen);
	show_head(t);
	if (record_get(r, "id").s)
		record_id(r, &id, NULL);
	screen_addf(&t->screen, "", 1, "row %zu%s%s%s%s%s%s", row + 1, id.len ? ", " : "",
		    id.len ? id.data : "", desk_split(x) ? ", " : "",
		    desk_split(x) ? desk_split(x) : "", x->verdict ? ", judged " : "",
		    x->verdict ? journal_verdict_name((enum verdict)x->verdict) : "");
	buf_release(&id);
	show_reasons(&t->screen, r);
	show_turns(&t->screen, r);
	if (x->pair)
		show_pair(t, r);
	else
		show_reference(&t->screen, r);
	proposals_release(&t->proposals);
	proposals_find(t->d, row, &t->proposals);
	show_proposals(t);
	desk_key(t->d, row, key);
	show_others(t, key);
	show_related(t, row);
	screen_page(&t->screen, keys_of(t));
}

/* --- deciding --- */

static int ask(struct tty *t, const char *question)
{
	screen_clear(&t->screen);
	screen_add(&t->screen, "", span_of(question), 1);
	screen_page(&t->screen, "y yes  any other key: no");
	return screen_key(&t->screen) == 'y';
}

/* Runs the reviewer's editor on the file; the shell splits the variable, which may hold options. */
static int run_editor(struct tty *t, const char *path)
{
	const char *editor = getenv("VISUAL");
	int status = -1;
	if (!editor || !*editor)
		editor = getenv("EDITOR");
	struct buf command = BUF_INIT;
	buf_addf(&command, "%s \"$1\"", editor && *editor ? editor : "vi");
	screen_lend(&t->screen);
	pid_t pid = fork();
	if (pid == 0) {
		for (int fd = 0; fd < 3; fd++)
			dup2(t->screen.fd, fd);
		execl("/bin/sh", "sh", "-c", command.data, "sh", path, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		;
	screen_take_back(&t->screen);
	buf_release(&command);
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* The text as the editor leaves it, in text. Editors end the last line; where the text did not end
 * so, that is taken off. */
static int edit_text(struct tty *t, struct buf *text, struct err *e)
{
	int ended = text->len && text->data[text->len - 1] == '\n', rc = -1;
	char *dir = file_scratch_dir(e), *path;
	if (!dir)
		return -1;
	path = file_join(dir, "text");
	if (file_write(path, text->data, text->len, e) == 0) {
		buf_clear(text);
		if (run_editor(t, path))
			err_set(e, "the editor failed: nothing is changed");
		else
			rc = file_read(path, TEXT_MAX, text, e);
	}
	file_remove_dir(dir);
	free(dir);
	free(path);
	if (rc == 0 && !ended && text->len && text->data[text->len - 1] == '\n')
		text->data[--text->len] = 0;
	if (rc == 0 && text->len && memchr(text->data, 0, text->len))
		rc = err_set(e, "the text holds a NUL: nothing is changed");
	return rc;
}

static void decide(struct tty *t, enum verdict v, const char *text)
{
	struct err e = ERR_INIT;
	size_t row = (size_t)t->row;
	const char *said =
		t->d->rows[row].pair && v == VERDICT_BAD ? "both bad" : journal_verdict_name(v);
	int rc = desk_decide(t->d, row, v, text, t->note, &e);
	if (rc < 0) {
		snprintf(t->said, sizeof t->said, "Not saved: %.400s", e.msg);
		return;
	}
	if (rc)
		snprintf(t->said, sizeof t->said, "Row %zu: %s, saved. u takes it back.", row + 1,
			 said);
	else
		snprintf(t->said, sizeof t->said,
			 "%.400s: %zu decisions are kept in memory and tried again", e.msg,
			 t->d->pending_n);
	free(t->note);
	t->note = NULL;
	t->row = -1;
}

static int ask_doubt(struct tty *t, const struct err *e)
{
	char question[600];
	snprintf(question, sizeof question, "Sure? %.500s. Save?", e->msg);
	return ask(t, question);
}

/* Decides the fix, where the reviewer is sure of it. */
static void save_fix(struct tty *t, const char *text)
{
	struct err e = ERR_INIT;
	size_t row = (size_t)t->row;
	if ((t->d->rows[row].split == SIDE_TEST + 1 &&
	     !ask(t,
		  "This row belongs to the test set. Changing it changes what models are measured by. Save?")) ||
	    (desk_doubt(t->d, row, text, &e) && !ask_doubt(t, &e))) {
		desk_draft(t->d, row, text, NULL);
		snprintf(t->said, sizeof t->said, "Not saved; f takes the edit up again.");
	} else {
		decide(t, VERDICT_FIX, text);
	}
}

static void fix(struct tty *t)
{
	struct buf text = BUF_INIT, was = BUF_INIT;
	struct err e = ERR_INIT;
	size_t row = (size_t)t->row;
	const char *draft = desk_drafted(t->d, row);
	reference_read(desk_record(t->d, row), &was);
	buf_adds(&text, draft ? draft : was.data ? was.data : "");
	if (edit_text(t, &text, &e))
		snprintf(t->said, sizeof t->said, "%.500s", e.msg);
	else if (span_eq(buf_span(&text), buf_span(&was)))
		snprintf(t->said, sizeof t->said,
			 "The reference is what it was: nothing is saved.");
	else
		save_fix(t, text.data ? text.data : "");
	buf_release(&text);
	buf_release(&was);
}

static void undo(struct tty *t)
{
	struct err e = ERR_INIT;
	size_t row;
	if (desk_undo(t->d, &row, &e) < 0) {
		snprintf(t->said, sizeof t->said, "%.500s", e.msg);
		return;
	}
	snprintf(t->said, sizeof t->said, "Taken back: row %zu is open again.", row + 1);
	t->row = (long)row;
}

static void search(struct tty *t)
{
	size_t found[HITS];
	char *text = screen_line(&t->screen, "search: ");
	size_t n = text ? desk_search(t->d, span_of(text), 0, found, HITS) : 0;
	struct buf words = BUF_INIT;
	screen_clear(&t->screen);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&words);
		buf_addf(&words, "%zu  row %zu: ", i + 1, found[i] + 1);
		desk_words(t->d, found[i], 120, &words);
		screen_add(&t->screen, "", buf_span(&words), 0);
	}
	*t->said = 0;
	if (text && !n)
		snprintf(t->said, sizeof t->said, "No row holds that.");
	if (n) {
		screen_page(&t->screen, "a number shows its row  any other key: back");
		int key = screen_key(&t->screen);
		if (key > '0' && key <= '0' + (int)n)
			t->row = (long)found[key - '1'];
	}
	buf_release(&words);
	free(text);
}

static void help(struct tty *t)
{
	screen_clear(&t->screen);
	screen_add(&t->screen, "",
		   span_of("g  good: the reference is right\n"
			   "f  fix: edit the reference in $VISUAL, $EDITOR or vi; what the editor saves is the fix\n"
			   "1 to 9  fix it with the reference of that number\n"
			   "b  bad: the row should not be trained on\n"
			   "s  skip: can't tell\n"
			   "of two answers: a and b  the better one, t  a tie, x  both are bad\n"
			   "u  undo: take the last verdict back\n"
			   "n  next: another row, this one stays open\n"
			   "w  a note on why, kept with the next verdict\n"
			   "/  search\n"
			   "q  quit: everything is saved\n\n"
			   "Suspicious rows come first. Among them, unmarked, stand rows drawn at random, which tell how many rows of the whole are wrong."),
		   0);
	screen_page(&t->screen, "any key: back");
	screen_key(&t->screen);
}

/* Shown where no row is left, for the last verdict can still be taken back. Whether to go on. */
static int at_end(struct tty *t)
{
	screen_clear(&t->screen);
	show_head(t);
	if (t->passed_n)
		screen_addf(&t->screen, "", 1, "Nothing is left but rows that were passed over.");
	else
		screen_addf(&t->screen, "", 1, "Nothing is left to judge.");
	screen_page(&t->screen, t->passed_n ? "n those passed over  u undo  / search  q quit"
					    : "u undo  / search  q quit");
	switch (screen_key(&t->screen)) {
	case 'u':
		undo(t);
		return 1;
	case '/':
		search(t);
		return 1;
	case 'n':
		t->passed_n = 0;
		*t->said = 0;
		return 1;
	case 'q':
	case -1:
		return 0;
	default:
		return 1;
	}
}

static enum verdict verdict_by_key(const struct tty *t, int key)
{
	static const struct {
		char key, pair;
		enum verdict v;
	} all[] = {
		{'g', 0, VERDICT_GOOD}, {'b', 0, VERDICT_BAD},	{'s', 0, VERDICT_SKIP},
		{'a', 1, VERDICT_A},	{'b', 1, VERDICT_B},	{'t', 1, VERDICT_TIE},
		{'x', 1, VERDICT_BAD},	{'s', 1, VERDICT_SKIP},
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].key == key && all[i].pair == t->d->rows[t->row].pair)
			return all[i].v;
	return VERDICT_NONE;
}

/* Whether to go on. */
static int act(struct tty *t, int key)
{
	enum verdict v = verdict_by_key(t, key);
	if (v != VERDICT_NONE) {
		decide(t, v, NULL);
		return 1;
	}
	switch (key) {
	case 'f':
		if (!t->d->rows[t->row].pair)
			fix(t);
		break;
	case 'u':
		undo(t);
		break;
	case 'n':
		if (t->passed_n == PASSED_MAX)
			t->passed_n = 0;
		t->passed[t->passed_n++] = (size_t)t->row;
		*t->said = 0;
		t->row = -1;
		break;
	case 'w':
		free(t->note);
		t->note = screen_line(&t->screen, "note: ");
		snprintf(t->said, sizeof t->said,
			 t->note ? "The note goes with the next verdict." : "No note.");
		break;
	case '/':
		search(t);
		break;
	case '?':
		help(t);
		break;
	case 'q':
		return 0;
	default:
		if (key >= '1' && key < '1' + (int)t->proposals.n)
			save_fix(t, t->proposals.v[key - '1'].text);
	}
	return 1;
}

int tty_run(struct desk *d, int (*stopping)(void), struct err *e)
{
	struct tty t = {.d = d, .row = -1};
	int on = 1, fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, "--tty: there is no terminal here");
	if (screen_open(&t.screen, fd, e)) {
		close(fd);
		return -1;
	}
	while (on && !stopping()) {
		struct desk_filter f = {.passed = t.passed, .passed_n = t.passed_n};
		if (t.row < 0)
			t.row = desk_next(d, &f);
		if (t.row < 0) {
			on = at_end(&t);
			continue;
		}
		show_row(&t);
		int key = screen_key(&t.screen);
		while (key == ' ' || key == 0) {
			screen_page(&t.screen, keys_of(&t));
			key = screen_key(&t.screen);
		}
		on = key >= 0 && act(&t, key);
	}
	screen_lend(&t.screen);
	if (write(fd, "\n", 1) < 0)
		on = 0; /* the terminal is gone: there is nobody to tell */
	screen_close(&t.screen);
	close(fd);
	proposals_release(&t.proposals);
	free(t.note);
	return 0;
}
