/* lib/base/table: alignment by columns on the screen, Markdown, hostile cells. */
#include "tap.h"
#include "../../lib/base/table.h"

int main(void)
{
	struct table t = {0};
	struct buf b = BUF_INIT;

	table_cell(&t, "name");
	table_right(&t, "n");
	table_cell(&t, "note");
	table_row(&t);
	table_cell(&t, "caf\xc3\xa9|x");
	table_cellf(&t, "%d", 7);
	table_cell(&t, "a\nb");
	table_row(&t);
	table_cell(&t, "a");
	table_cell(&t, "1234");
	table_row(&t);
	table_write(&t, TABLE_PLAIN, &b);
	ok_str(b.data, "name       n  note\ncaf\xc3\xa9|x     7  a b\na       1234  \n",
	       "columns line up; control characters are spaces");
	buf_clear(&b);
	table_write(&t, TABLE_MARKDOWN, &b);
	ok_str(b.data,
	       "| name    |    n | note |\n|---------|-----:|------|\n| caf\xc3\xa9\\|x |    7 | a b  |\n| a       | 1234 |      |\n",
	       "Markdown, with bars escaped");
	table_release(&t);
	buf_clear(&b);
	table_write(&t, TABLE_PLAIN, &b);
	ok(b.len == 0, "an empty table is nothing");
	buf_release(&b);
	return tap_done();
}
