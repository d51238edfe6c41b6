/* opt: option parsing and help from one table. See opt.h. */
#include "opt.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "mem.h"

#define TEXT_MAX ((size_t)64 << 20)

static struct opt standard[] = {
	{'h', "help", OPT_FLAG, NULL, NULL, "this text"},
	{'V', "version", OPT_FLAG, NULL, NULL, "the version"},
	{0},
};

const struct opt *opt_standard(void)
{
	return standard;
}

static struct opt *find_in(struct opt *o, char letter, const char *name, size_t n)
{
	for (; o->name; o++) {
		if (o->kind == OPT_GROUP)
			continue;
		if (name ? strlen(o->name) == n && memcmp(o->name, name, n) == 0
			 : o->letter == letter)
			return o;
	}
	return NULL;
}

/* Whether these n letters are a word of a list with blanks between. */
static int holds_word(const char *list, const char *word, size_t n)
{
	for (size_t len; list && *list; list += len + (list[len] == ' ')) {
		len = strcspn(list, " ");
		if (len == n && memcmp(list, word, n) == 0)
			return 1;
	}
	return 0;
}

static struct opt *find(const struct program *p, char letter, const char *name, size_t n)
{
	struct opt *o = find_in(p->options, letter, name, n);
	if (!o)
		o = find_in(standard, letter, name, n);
	for (struct opt *x = p->options; !o && x->name; x++)
		if (name ? n > 1 && holds_word(x->was, name, n) : holds_word(x->was, &letter, 1))
			o = x;
	return o;
}

/* The one option whose name begins so; NULL with the reason where there is none, or several. */
static struct opt *find_cut(const struct program *p, const char *name, size_t n, struct err *e)
{
	struct opt *tables[] = {p->options, standard}, *found = NULL;
	struct buf names = BUF_INIT;
	int several = 0;
	for (size_t t = 0; t < 2 && n; t++)
		for (struct opt *o = tables[t]; o->name; o++)
			if (o->kind != OPT_GROUP && strncmp(o->name, name, n) == 0) {
				several = found != NULL;
				found = o;
				buf_addf(&names, "%s--%s", names.len ? ", " : "", o->name);
			}
	if (several)
		err_set(e, "--%.*s is short for several options: %s", (int)n, name, names.data);
	else if (!found)
		err_set(e, "unknown option --%.*s", (int)n, name);
	buf_release(&names);
	return several ? NULL : found;
}

static int check_range(const struct opt *o, double x, const char *value, struct err *e)
{
	if (o->lo < o->hi && (x < o->lo || x > o->hi))
		return err_set(e, "--%s %s: must be from %.15g to %.15g", o->name, value, o->lo,
			       o->hi);
	return 0;
}

static int set_int(const struct opt *o, const char *value, struct err *e)
{
	char *end;
	errno = 0;
	long long x = strtoll(value, &end, 10);
	if (end == value || *end || errno == ERANGE)
		return err_set(e, "--%s %s: not a whole number", o->name, value);
	if (check_range(o, (double)x, value, e))
		return -1;
	*(long long *)o->to = x;
	return 0;
}

static int set_real(const struct opt *o, const char *value, struct err *e)
{
	char *end;
	double x = strtod(value, &end);
	int none = o->arg && strstr(o->arg, "|none") != NULL;

	if (none && strcmp(value, "none") == 0) {
		*(double *)o->to = NAN;
		return 0;
	}
	if (end == value || *end || !isfinite(x))
		return err_set(e, "--%s %s: not a number%s", o->name, value,
			       none ? ", nor none" : "");
	if (check_range(o, x, value, e))
		return -1;
	*(double *)o->to = x;
	return 0;
}

static int set_size(const struct opt *o, const char *value, struct err *e)
{
	char *end;
	double x = strtod(value, &end);
	int shift = 0;
	if (end != value && *end) {
		const char *units = "KMGT", *u = strchr(units, *end & ~0x20);
		if (u) {
			shift = 10 * (int)(u - units + 1);
			end++;
		}
	}
	x = ldexp(x, shift);
	if (end == value || *end || !(x >= 0) || x > 0x1p62)
		return err_set(e, "--%s %s: not a size (say 512M or 8G)", o->name, value);
	*(size_t *)o->to = (size_t)x;
	return 0;
}

static int set_text(const struct opt *o, const char *value, struct err *e)
{
	char *text;
	if (value[0] == '@' && value[1] != '@') {
		struct buf b = BUF_INIT;
		if (file_read(value + 1, TEXT_MAX, &b, e)) {
			buf_release(&b);
			return err_prefix(e, "--%s", o->name);
		}
		if (memchr(b.data ? b.data : "", 0, b.len)) {
			buf_release(&b);
			return err_set(e, "--%s %s: the file holds NUL bytes", o->name, value);
		}
		text = buf_detach(&b, NULL);
	} else {
		text = mem_strdup(value + (value[0] == '@'));
	}
	free(*(char **)o->to);
	*(char **)o->to = text;
	return 0;
}

struct span opt_chosen(const struct opt *o)
{
	const char *name = o->arg;
	int place = *(int *)o->to - (int)o->lo;
	for (; place > 0 && strchr(name, '|'); place--)
		name = strchr(name, '|') + 1;
	return place ? (struct span){NULL, 0} : (struct span){name, strcspn(name, "|")};
}

static int set_choice(const struct opt *o, const char *value, struct err *e)
{
	struct buf names = BUF_INIT;
	const char *name = o->arg;
	for (int place = (int)o->lo;; place++) {
		size_t n = strcspn(name, "|");
		if (strlen(value) == n && memcmp(name, value, n) == 0) {
			*(int *)o->to = place;
			buf_release(&names);
			return 0;
		}
		buf_addf(&names, "%s%.*s", !names.len ? "" : name[n] ? ", " : " or ", (int)n, name);
		if (!name[n])
			break;
		name += n + 1;
	}
	err_set(e, "--%s %s: must be %s", o->name, value, names.data);
	buf_release(&names);
	return -1;
}

static int set(struct opt *o, const char *value, struct err *e)
{
	o->given = 1;
	switch (o->kind) {
	case OPT_FLAG:
		*(int *)o->to = 1;
		return 0;
	case OPT_STR:
		*(const char **)o->to = value;
		return 0;
	case OPT_TEXT:
		return set_text(o, value, e);
	case OPT_INT:
		return set_int(o, value, e);
	case OPT_REAL:
		return set_real(o, value, e);
	case OPT_SIZE:
		return set_size(o, value, e);
	case OPT_LIST: {
		struct opt_list *l = o->to;
		l->v = mem_realloc(l->v, l->n + 2, sizeof *l->v);
		l->v[l->n++] = value;
		l->v[l->n] = NULL;
		return 0;
	}
	case OPT_CHOICE:
		return set_choice(o, value, e);
	case OPT_GROUP:
		break;
	}
	return 0;
}

static int standard_answer(const struct opt *o)
{
	return o->letter == 'h' ? OPT_HELP : OPT_VERSION;
}

/* --name, --name=value, --name value. Returns 0, an answer of the standard options, or -1. */
static int parse_long(const struct program *p, char **argv, int argc, int *i, struct err *e)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	struct opt *o = find(p, 0, name, n);
	if (!o && !(o = find_cut(p, name, n, e)))
		return -1;
	if (o->kind == OPT_FLAG) {
		if (eq)
			return err_set(e, "--%s takes no value", o->name);
		return o->to ? set(o, NULL, e) : standard_answer(o);
	}
	if (!eq && *i + 1 >= argc)
		return err_set(e, "--%s needs a value: %s", o->name, o->arg);
	return set(o, eq ? eq + 1 : argv[++*i], e);
}

/* -abc, -xVALUE, -x VALUE. */
static int parse_short(const struct program *p, char **argv, int argc, int *i, struct err *e)
{
	for (const char *c = argv[*i] + 1; *c; c++) {
		struct opt *o = find(p, *c, NULL, 0);
		if (!o)
			return err_set(e, "unknown option -%c", *c);
		if (o->kind == OPT_FLAG) {
			if (!o->to)
				return standard_answer(o);
			set(o, NULL, e);
			continue;
		}
		if (c[1])
			return set(o, c + 1, e);
		if (*i + 1 >= argc)
			return err_set(e, "-%c needs a value: %s", *c, o->arg);
		return set(o, argv[++*i], e);
	}
	return 0;
}

/* The next name of a list as in struct opt; NULL at its end. */
static struct opt *next_name(struct opt *options, const char **list)
{
	size_t n = *list ? strcspn(*list, " :") : 0;
	if (!n)
		return NULL;
	struct opt *o = find_in(options, 0, *list, n);
	assert(o); /* else the table names what it does not hold */
	*list += n + ((*list)[n] == ' ');
	return o;
}

struct opt *opt_given(struct opt *options, const char *names)
{
	struct opt *o;
	while ((o = next_name(options, &names)) && !o->given)
		;
	return o;
}

static int refuse_alone(struct opt *options, struct opt *o, struct err *e)
{
	const char *rest = o->with;
	struct buf names = BUF_INIT;
	for (struct opt *x; (x = next_name(options, &rest));)
		buf_addf(&names, "%s--%s",
			 !names.len		 ? ""
			 : *rest && *rest != ':' ? ", "
						 : " or ",
			 x->name);
	err_set(e, "--%s goes with %s%s", o->name, names.data, rest);
	buf_release(&names);
	return -1;
}

/* Every row is looked at, given or not, so that a table that is wrong does not wait for a user. */
static int check_scopes(struct opt *options, struct err *e)
{
	for (struct opt *o = options; o->name; o++) {
		struct opt *other = opt_given(options, o->without);
		int alone = o->with && !opt_given(options, o->with);
		if (other && o->given)
			return err_set(e, "--%s does not go with --%s%s", o->name, other->name,
				       o->without + strcspn(o->without, ":"));
		if (alone && o->given)
			return refuse_alone(options, o, e);
	}
	return 0;
}

int opt_parse(const struct program *p, int argc, char **argv, int *operands, struct err *e)
{
	int n = 0, ended = 0;
	for (int i = 1; i < argc; i++) {
		char *a = argv[i];
		int rc = 0;
		if (ended || a[0] != '-' || !a[1])
			/* never overtakes i: operands are a part of what was read */
			argv[1 + n++] = a;
		else if (strcmp(a, "--") == 0)
			ended = 1;
		else if (a[1] == '-')
			rc = parse_long(p, argv, argc, &i, e);
		else
			rc = parse_short(p, argv, argc, &i, e);
		if (rc)
			return rc;
	}
	*operands = n;
	return check_scopes(p->options, e);
}

static void help_option(const struct opt *o, FILE *to)
{
	if (o->kind == OPT_GROUP) {
		fprintf(to, "\n%s:\n", o->help);
		return;
	}
	char head[128], letter[8] = "    ";
	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	int n = snprintf(head, sizeof head, "  %s--%s%s%s", letter, o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
	const int column = 30;
	fputs(head, to);
	if (n > column - 2)
		fprintf(to, "\n%*s", column, "");
	else
		fprintf(to, "%*s", column - n, "");
	for (const char *c = o->help; *c; c++) {
		fputc(*c, to);
		if (*c == '\n')
			fprintf(to, "%*s", column, "");
	}
	fputc('\n', to);
}

void opt_help(const struct program *p, FILE *to)
{
	fprintf(to, "%s - %s\n\nusage: ", p->name, p->about);
	fprintf(to, "%s ", p->name);
	for (const char *c = p->synopsis; *c; c++) {
		fputc(*c, to);
		if (*c == '\n')
			fprintf(to, "       %s ", p->name);
	}
	fputs("\n\noptions:\n", to);
	for (const struct opt *o = p->options; o->name; o++)
		help_option(o, to);
	if (p->options->name)
		fputc('\n', to);
	for (const struct opt *o = standard; o->name; o++)
		help_option(o, to);
	if (p->examples && *p->examples) {
		fputs("\nexamples:\n  ", to);
		for (const char *c = p->examples; *c; c++) {
			fputc(*c, to);
			if (*c == '\n' && c[1])
				fputs("  ", to);
		}
		if (p->examples[strlen(p->examples) - 1] != '\n')
			fputc('\n', to);
	}
	fprintf(to, "\nThe manual: man %s\n", p->name);
}
