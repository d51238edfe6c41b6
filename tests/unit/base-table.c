/* lib/base/table: alignment by columns on the screen, Markdown, hostile cells, narrow terminals. */
#include "tap.h"
#include <math.h>
#include "../../lib/base/table.h"

static void is(const struct table *t, enum table_style style, size_t width, const char *want,
	       const char *what)
{
	struct buf b = BUF_INIT;

	table_write(t, style, width, &b);
	ok_str(b.data ? b.data : "", want, "%s", what);
	buf_release(&b);
}

int main(void)
{
	struct table t = {0};

	is(&t, TABLE_PLAIN, 0, "", "an empty table is nothing");
	table_head(&t, "name|>%s|note", "n");
	table_cell(&t, "caf\xc3\xa9|x");
	table_cellf(&t, "%d", 7);
	table_cell(&t, "a\nb");
	table_cell(&t, "a");
	table_cell(&t, "1234");
	table_cell(&t, "");
	is(&t, TABLE_PLAIN, 0, "name       n  note\ncaf\xc3\xa9|x     7  a b\na       1234  \n",
	   "columns line up; control characters are spaces");
	is(&t, TABLE_MARKDOWN, 10,
	   "| name    |    n | note |\n|---------|-----:|------|\n| caf\xc3\xa9\\|x |    7 | a b  |\n| a       | 1234 |      |\n",
	   "Markdown, with bars escaped, as wide as it is");
	ok(table_rows(&t) == 2, "rows without the head");
	table_release(&t);

	table_head(&t, "path|>p|>share|%g%% interval|why", 95.0);
	table_cell(&t, ".a");
	table_real(&t, "%.2f", NAN);
	table_figure(&t, "%.2f", 0.5, 0.25, 0.75);
	table_cell(&t, "many words that say what was seen here");
	table_line(&t, "and there");
	table_cell(&t, ".b");
	table_real(&t, "%.2f", 0.01);
	table_figure(&t, "%.2f", 1, NAN, NAN);
	table_cell(&t, "none");
	is(&t, TABLE_PLAIN, 0,
	   "path     p  share  95% interval  why\n"
	   ".a       -   0.50  0.25 .. 0.75  many words that say what was seen here\n"
	   "                                 and there\n"
	   ".b    0.01   1.00  -             none\n",
	   "a cell of two lines, and what is not known");
	is(&t, TABLE_PLAIN, 60,
	   "path     p  share  95% interval  why\n"
	   ".a       -   0.50  0.25 .. 0.75  many words that say what\n"
	   "                                 was seen here\n"
	   "                                 and there\n"
	   ".b    0.01   1.00  -             none\n",
	   "texts are wrapped at words where that is enough");
	is(&t, TABLE_PLAIN, 36,
	   "path     p  share  95% interval\n"
	   "    why\n"
	   "\n"
	   ".a       -   0.50  0.25 .. 0.75\n"
	   "    many words that say what was\n"
	   "    seen here\n"
	   "    and there\n"
	   "\n"
	   ".b    0.01   1.00  -           \n"
	   "    none\n",
	   "or else rows are folded between columns");
	is(&t, TABLE_MARKDOWN, 0,
	   "| path |    p | share | 95% interval | why                                                 |\n"
	   "|------|-----:|------:|--------------|-----------------------------------------------------|\n"
	   "| .a   |    - |  0.50 | 0.25 .. 0.75 | many words that say what was seen here<br>and there |\n"
	   "| .b   | 0.01 |  1.00 | -            | none                                                |\n",
	   "Markdown's lines within a cell");
	table_release(&t);

	table_head(&t, "word");
	table_cell(&t, "x\xc3\xa9\xe4\xb8\xad\xe6\x96\x87yz0123456789abcdefgh");
	is(&t, TABLE_PLAIN, 12,
	   "word\n\nx\xc3\xa9\xe4\xb8\xad\xe6\x96\x87yz\n01234567\n89abcdef\ngh\n",
	   "a word wider than the screen is broken between characters");
	table_release(&t);
	return tap_done();
}
