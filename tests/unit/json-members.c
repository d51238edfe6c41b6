/* ft's own members: the table holds what the manual names and no more, and none that ft adds to a
 * record changes its input key, from which its side follows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/json/members.h"
#include "../../lib/split/sides.h"
#include "../../lib/text/hash.h"
#include "tap.h"

static const char *const kinds[] = {
	"{\"messages\":[{\"role\":\"user\",\"content\":\"row 1\"}]}",
	"{\"messages\":[{\"role\":\"user\",\"content\":\"row 1\"},{\"role\":\"assistant\",\"content\":\"yes\"}]}",
	"{\"prompt\":\"row 1\",\"completion\":\"yes\"}",
	"{\"prompt\":\"row 1\"}",
	"{\"text\":\"row 1\"}",
	"{\"text\":\"row 1\",\"id\":\"one\"}",
	"{\"messages\":[{\"role\":\"user\",\"content\":\"row 1\"}],\"id\":\"one\"}",
	"{\"prompt\":\"row 1\",\"completion\":\"yes\",\"id\":1}",
};

/* The key of the record, with an edit or without. */
static void key_of(const char *line, const struct edit *ed, size_t n, char key[33])
{
	struct record r = {0};
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;

	if (record_parse(&r, span_of(line), &e) || record_splice(&r, ed, n, &out) ||
	    record_parse(&r, buf_span(&out), &e) || record_key(&r, key, &e))
		strcpy(key, "no key");
	record_release(&r);
	buf_release(&out);
}

/* What the manual says the values look like; any other would do. */
static struct span value_of(const char *name)
{
	return span_of(!strcmp(name, "a") || !strcmp(name, "b")
			       ? "{\"model\":\"m\",\"output\":\"x\"}"
			       : "\"something\"");
}

static int stays(const char *line, const struct edit *ed, size_t n)
{
	struct sides s;
	char before[33], after[33];

	sides_parse(&s, "50:50", NULL);
	key_of(line, NULL, 0, before);
	key_of(line, ed, n, after);
	return strlen(before) == 32 && !strcmp(before, after) &&
	       sides_of(&s, hash64(span_of(before), 0)) == sides_of(&s, hash64(span_of(after), 0));
}

static void row_stays(const char *name)
{
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct edit ed[] = {{name, value_of(name)}, {"b", value_of("b")}};
		/* one answer of a pair does not come alone */
		size_t n = strcmp(name, "a") ? 1 : 2;

		if (strcmp(name, "b"))
			ok(stays(kinds[k], ed, n), "%s changes neither key nor side of %s", name,
			   kinds[k]);
	}
}

/* The names in the tables of ft-jsonl(5), the lines `.It Cm NAME , NAME`. */
static size_t manual(char names[][32], size_t most)
{
	FILE *f = fopen("man/ft-jsonl.5", "r");
	char line[1024], *save, *word;
	size_t n = 0;

	while (f && fgets(line, sizeof line, f)) {
		if (strncmp(line, ".It Cm ", 7))
			continue;
		for (word = strtok_r(line + 7, " ,\n", &save); word && n < most;
		     word = strtok_r(NULL, " ,\n", &save))
			snprintf(names[n++], sizeof names[0], "%s", word);
	}
	if (f)
		fclose(f);
	return n;
}

int main(void)
{
	static char names[100][32];
	size_t n = manual(names, 100), known = 0, i;
	const char *name;
	struct edit all[MEMBER_EDITS];

	ok(n > 25, "the manual has tables");
	for (i = 0; i < n; i++)
		ok(members_what(span_of(names[i])), "the manual's %s is in the table", names[i]);
	for (; (name = members_name(known)); known++) {
		unsigned what = members_what(span_of(name));

		for (i = 0; i < n && strcmp(names[i], name); i++)
			;
		ok(i < n, "the table's %s is in the manual", name);
		/* a row that loses its id or its weight is not asked differently either */
		if (!(what & MEMBER_ASKED))
			row_stays(name);
	}
	n = members_edits(~(unsigned)MEMBER_ASKED, (struct span){0}, all);
	for (i = 0; i < n; i++)
		all[i].value = value_of(all[i].name);
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		ok(stays(kinds[i], all, n), "all of them together do not move %s", kinds[i]);
	return tap_done();
}
