/* complete: completion scripts for bash, zsh and fish. See complete.h. */
#include "complete.h"

#include <string.h>
#include "buf.h"

/* What follows an option. */
enum value {
	NONE,
	FREE, /* nothing is known of it */
	WORDS,
	FILES,
	DIRS,
	TEXT, /* a text, or a file after @ */
};

static const struct {
	const char *arg;
	enum value value;
} places[] = {
	{"FILE", FILES},   {"JOURNAL", FILES}, {"OUT", FILES},	{"OLD", FILES},
	{"CONFIG", FILES}, {"DIR", DIRS},      {"MODEL", DIRS},
};

static int is_word(const char *s, size_t n)
{
	return n && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") >= n;
}

static void add_words(struct buf *words, const char *list)
{
	while (list && *list) {
		size_t n = strcspn(list, "|");
		if (is_word(list, n))
			buf_addf(words, "%s%.*s", words->len ? " " : "", (int)n, list);
		list += n + (list[n] == '|');
	}
}

/* Fills words where they are what the value may be. */
static enum value value_of(const struct opt *o, struct buf *words)
{
	buf_clear(words);
	if (o->kind == OPT_FLAG)
		return NONE;
	if (o->kind == OPT_TEXT)
		return TEXT;
	add_words(words, o->arg);
	add_words(words, o->values);
	if (words->len)
		return WORDS;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (strcmp(o->arg, places[i].arg) == 0)
			return places[i].value;
	return FREE;
}

static int takes_files(const struct program *p)
{
	return strstr(p->synopsis, "file") != NULL;
}

typedef void each_fn(void *arg, const struct opt *o);

static void each_option(const struct program *p, each_fn *fn, void *arg)
{
	const struct opt *tables[] = {p->options, opt_standard()};
	for (size_t t = 0; t < 2; t++)
		for (const struct opt *o = tables[t]; o->name; o++)
			if (o->kind != OPT_GROUP)
				fn(arg, o);
}

/* Text on one line, with a backslash before the characters of special; what follows a blank
 * after the 72nd byte is left out. In zsh's specifications, where a colon is special, a quote has to
 * end the string. */
static void put_quoted(const char *text, const char *special, FILE *to)
{
	size_t n = 0;
	for (const char *c = text; *c; c++) {
		int blank = *c == '\n' || *c == ' ';
		if (blank && n++ >= 72) {
			fputs(" ...", to);
			return;
		}
		if (blank) {
			c += strspn(c, " \n") - 1;
			fputc(' ', to);
			continue;
		}
		n++;
		if (strchr(special, *c))
			fputs(*c == '\'' && strchr(special, ':') ? "'\\'" : "\\", to);
		fputc(*c, to);
	}
}

/* Function names hold no dash. */
static void put_identifier(const char *name, FILE *to)
{
	for (; *name; name++)
		fputc(*name == '-' ? '_' : *name, to);
}

/* --- bash --- */

struct bash {
	FILE *to;
	struct buf options, words;
};

static void bash_option(void *arg, const struct opt *o)
{
	struct bash *b = arg;
	enum value value = value_of(o, &b->words);

	buf_addf(&b->options, "%s--%s", b->options.len ? " " : "", o->name);
	if (value == NONE)
		return;
	fputc('\t', b->to);
	if (o->letter)
		fprintf(b->to, "-%c | ", o->letter);
	fprintf(b->to, "--%s) ", o->name);
	switch (value) {
	case WORDS:
		fprintf(b->to, "words='%s' ;;\n", b->words.data);
		break;
	case FILES:
		fputs("kind=file ;;\n", b->to);
		break;
	case DIRS:
		fputs("kind=directory ;;\n", b->to);
		break;
	case TEXT:
		fputs("[[ $mark != *@ ]] && kind=text || kind=file ;;\n", b->to);
		break;
	case NONE:
	case FREE:
		fputs("return ;;\n", b->to);
		break;
	}
}

/* Words end at = and @ too, unless COMP_WORDBREAKS was changed. */
static const char bash_begin[] =
	"()\n{\n"
	"	local n=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} mark='' kind='' words='' before=''\n"
	"	COMPREPLY=()\n"
	"	if [[ $cur =~ ^[=@]+$ ]]; then\n"
	"		mark=$cur cur=''\n"
	"	elif [[ ${COMP_WORDS[n - 1]} =~ ^[=@]+$ ]]; then\n"
	"		n=$((n - 1)) mark=${COMP_WORDS[n]}\n"
	"	fi\n"
	"	local prev=${COMP_WORDS[n - 1]}\n"
	"	if [[ $cur == --*=* ]]; then\n"
	"		prev=${cur%%=*} before=${cur%%=*}= cur=${cur#*=}\n"
	"	fi\n"
	"	[[ \" ${COMP_WORDS[*]:1:n - 1} \" == *' -- '* ]] && prev=--\n"
	"	case $prev in\n";

static const char bash_end[] =
	"	esac\n"
	"	if [[ $kind == text ]]; then\n"
	"		[[ $cur == @* ]] || return\n"
	"		before+=@ cur=${cur#@} kind=file\n"
	"	fi\n"
	"	if [[ $words ]]; then\n"
	"		mapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$words\" -- \"$cur\")\n"
	"	elif [[ $kind ]]; then\n"
	"		compopt -o filenames 2>/dev/null # refused where no key was pressed\n"
	"		mapfile -t COMPREPLY < <(compgen -P \"$before\" -A \"$kind\" -- \"$cur\")\n"
	"	fi\n"
	"}\n";

static void put_bash(const struct program *p, FILE *to)
{
	struct bash b = {.to = to, .options = BUF_INIT, .words = BUF_INIT};
	const char *operand = takes_files(p) ? "kind=file" : ":";

	fputc('_', to);
	put_identifier(p->name, to);
	fputs(bash_begin, to);
	each_option(p, bash_option, &b);
	fprintf(to, "\t--) %s ;;\n", operand);
	fprintf(to, "\t*) [[ $cur == -* ]] && words='%s' || %s ;;\n", b.options.data, operand);
	fputs(bash_end, to);
	fputs("complete -F _", to);
	put_identifier(p->name, to);
	fprintf(to, " %s\n", p->name);
	buf_release(&b.options);
	buf_release(&b.words);
}

/* --- zsh --- */

struct zsh {
	FILE *to;
	struct buf words;
};

static void zsh_option(void *arg, const struct opt *o)
{
	struct zsh *z = arg;
	enum value value = value_of(o, &z->words);

	fputs(" \\\n\t", z->to);
	if (o->letter && o->kind == OPT_LIST)
		fputs("'*'", z->to);
	else if (o->letter)
		fprintf(z->to, "'(-%c --%s)'", o->letter, o->name);
	if (o->letter)
		fprintf(z->to, "{-%c%s,--%s%s}'[", o->letter, value ? "+" : "", o->name,
			value ? "=" : "");
	else
		fprintf(z->to, "'%s--%s%s[", o->kind == OPT_LIST ? "*" : "", o->name,
			value ? "=" : "");
	put_quoted(o->help, "'[]:\\", z->to);
	fputc(']', z->to);
	if (value) {
		fputc(':', z->to);
		put_quoted(o->arg, "'[]:\\", z->to);
		fputc(':', z->to);
	}
	switch (value) {
	case WORDS:
		fprintf(z->to, "(%s)", z->words.data);
		break;
	case FILES:
		fputs("_files", z->to);
		break;
	case DIRS:
		fputs("_files -/", z->to);
		break;
	case TEXT:
		fputs("{compset -P @ && _files}", z->to);
		break;
	case NONE:
	case FREE:
		break;
	}
	fputc('\'', z->to);
}

static void put_zsh(const struct program *p, FILE *to)
{
	struct zsh z = {to, BUF_INIT};

	fprintf(to, "#compdef %s\n\n_arguments -s -S :", p->name);
	each_option(p, zsh_option, &z);
	fputs(takes_files(p) ? " \\\n\t'*: :_files'\n" : "\n", to);
	buf_release(&z.words);
}

/* --- fish --- */

struct fish {
	FILE *to;
	const char *name;
	struct buf words;
};

static void fish_option(void *arg, const struct opt *o)
{
	struct fish *f = arg;
	enum value value = value_of(o, &f->words);

	fprintf(f->to, "complete -c %s -l %s", f->name, o->name);
	if (o->letter)
		fprintf(f->to, " -s %c", o->letter);
	switch (value) {
	case NONE:
		break;
	case FREE:
		fputs(" -x", f->to);
		break;
	case WORDS:
		fprintf(f->to, " -x -a '%s'", f->words.data);
		break;
	case FILES:
		fputs(" -r -F", f->to);
		break;
	case DIRS:
		fputs(" -x -a '(__fish_complete_directories)'", f->to);
		break;
	case TEXT:
		fprintf(f->to, " -x -a '(string match -q \"@*\" -- (commandline -ct); and "
			       "string replace -r \"^\" @ -- (__fish_complete_path "
			       "(string replace -r \"^@\" \"\" -- (commandline -ct))))'");
		break;
	}
	fputs(" -d '", f->to);
	put_quoted(o->help, "'\\", f->to);
	fputs("'\n", f->to);
}

static void put_fish(const struct program *p, FILE *to)
{
	struct fish f = {to, p->name, BUF_INIT};

	fprintf(to, "complete -c %s %s\n", p->name, takes_files(p) ? "-F" : "-f");
	each_option(p, fish_option, &f);
	buf_release(&f.words);
}

int complete_put(const struct program *p, const char *shell, FILE *to)
{
	if (strcmp(shell, "bash") == 0)
		put_bash(p, to);
	else if (strcmp(shell, "zsh") == 0)
		put_zsh(p, to);
	else if (strcmp(shell, "fish") == 0)
		put_fish(p, to);
	else
		return -1;
	return 0;
}
