/* Files in other forms are named, with the command that helps; JSON Lines are let through. */
#include <string.h>
#include "../../lib/json/foreign.h"
#include "tap.h"

#define BYTES(s) \
	{ \
		s, sizeof s - 1 \
	}

static const struct {
	struct span head;
	const char *want; /* in the sentence; NULL: none */
} table[] = {
	{BYTES("{\"a\":1}\n{\"a\":2}\n"), NULL},
	{BYTES("\n \t{\"a\":1}\n"), NULL},
	{BYTES("{\"a\":"), NULL},
	{BYTES(""), NULL},
	{BYTES("\x1f\x8b\x08\0\0\0"), "zcat rows"},
	{BYTES("\x28\xb5\x2f\xfd\x04"), "zstdcat rows"},
	{BYTES("BZh91AY"), "bzcat rows"},
	{BYTES("\xfd"
	       "7zXZ\0"),
	 "xzcat rows"},
	{BYTES("\xff\xfe{\0\"\0"), "iconv -f UTF-16"},
	{BYTES("\xff\xfe\0\0{\0\0\0"), "iconv -f UTF-32"},
	{BYTES("\0\0\xfe\xff\0\0\0{"), "iconv -f UTF-32"},
	{BYTES("\x04\x22\x4d\x18\x64"), "lz4cat rows"},
	{BYTES("{\"a\":1},\n{\"a\":2}\n"), "sed 's/,[[:space:]]*$//' rows"},
	{BYTES("{\"a\":{\"b\":1}}, \r\n{\"a\":2}\r\n"), "sed"},
	{BYTES("{\"a\":\"}{\"}{\"a\":2}\n"), "several records on a line"},
	{BYTES("{\"a\":1} {\"a\":2}\n"), "jq -c . rows"},
	{BYTES("{\"a\":\"}{\"}\n"), NULL},
	{BYTES("a;b\n1;2\n"), "from_csv"},
	{BYTES("\xfe\xff\0{\0\""), "iconv -f UTF-16"},
	{BYTES("{\0\"\0a\0"), "UTF-16LE"},
	{BYTES("\0{\0\"\0a"), "UTF-16BE"},
	{BYTES("PAR1\x15\x04"), "Parquet"},
	{BYTES("ARROW1\0\0"), "Arrow"},
	{BYTES("SQLite format 3\0"), "sqlite3"},
	{BYTES("PK\3\4\x14\0"), "zip"},
	{BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "git lfs pull"},
	{BYTES("<!DOCTYPE html>\n<html>"), "web page"},
	{BYTES("\n  <html lang=\"en\">"), "web page"},
	{BYTES("[{\"a\":1},\n{\"a\":2}]\n"), "jq -c '.[]'"},
	{BYTES("[\n"), "jq -c '.[]'"},
	{BYTES("{\n  \"a\": 1\n}\n"), "jq -c . rows"},
	{BYTES("{ \"a\": 1,\r\n\"b\":2}\n"), "jq -c . rows"},
	{BYTES("input,output\nhi,there\n"), "from_csv"},
	{BYTES("input\toutput\nhi\tthere\n"), "from_csv"},
	{BYTES("nonsense\n"), NULL},
	{BYTES("{\"a\": nonsense}\n"), NULL},
};

int main(void)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct err e = ERR_INIT;
		int rc = foreign_file("rows", table[i].head, &e) ||
			 foreign_lines("rows", table[i].head, &e);

		ok(table[i].want ? rc && strstr(e.msg, table[i].want) : !rc, "%s: %s",
		   table[i].want ? table[i].want : "let through", e.msg);
	}
	return tap_done();
}
