/* Files that are no JSON Lines; see foreign.h. */
#include "foreign.h"

#include <string.h>
#include <strings.h>

/* Commands hold the file's name where %s stands. */
struct form {
	const char *magic;
	size_t n;
	const char *what, *command;
};

static const struct form forms[] = {
	{"\x1f\x8b", 2, "compressed by gzip", "zcat %s"},
	{"\x28\xb5\x2f\xfd", 4, "compressed by zstd", "zstdcat %s"},
	{"BZh", 3, "compressed by bzip2", "bzcat %s"},
	{"\xfd"
	 "7zXZ",
	 5, "compressed by xz", "xzcat %s"},
	{"\xff\xfe\0\0", 4, "in UTF-32", "iconv -f UTF-32 -t UTF-8 %s"},
	{"\0\0\xfe\xff", 4, "in UTF-32", "iconv -f UTF-32 -t UTF-8 %s"},
	{"\x04\x22\x4d\x18", 4, "compressed by lz4", "lz4cat %s"},
	{"\xff\xfe", 2, "in UTF-16", "iconv -f UTF-16 -t UTF-8 %s"},
	{"\xfe\xff", 2, "in UTF-16", "iconv -f UTF-16 -t UTF-8 %s"},
	{"{\0", 2, "in UTF-16 without a mark", "iconv -f UTF-16LE -t UTF-8 %s"},
	{"\0{", 2, "in UTF-16 without a mark", "iconv -f UTF-16BE -t UTF-8 %s"},
	{"PAR1", 4, "in Parquet", "duckdb -c \"copy '%s' to '/dev/stdout' (format json)\""},
	{"ARROW1", 6, "in Arrow",
	 "python3 -c 'import pyarrow.feather as f; f.read_table(\"%s\").to_pandas().to_json(\"/dev/stdout\", orient=\"records\", lines=True)'"},
	{"SQLite format 3", 15, "an SQLite database",
	 "sqlite3 -json %s 'select * from TABLE' | jq -c '.[]'"},
	{"PK\3\4", 4, "a zip archive (or a spreadsheet)", "unzip -p %s"},
	{"version https://git-lfs", 23, "a Git LFS pointer in place of the file",
	 "git lfs pull --include %s"},
};

static int refuse(const char *name, const char *what, const char *command, struct err *e)
{
	struct buf b = BUF_INIT;
	const char *file = strcmp(name, "standard input") ? name : "FILE",
		   *at = strstr(command, "%s");

	buf_add(&b, command, (size_t)(at - command));
	buf_adds(&b, file);
	buf_adds(&b, at + 2);
	err_set(e, "%s is %s; this makes of it what can be read: %s", name, what, b.data);
	buf_release(&b);
	return -1;
}

static struct span skip_space(struct span s)
{
	while (s.n && strchr(" \t\r\n", *s.s) && *s.s)
		s.s++, s.n--;
	return s;
}

static int begins(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && strncasecmp(s.s, word, n) == 0;
}

/* Where a tar archive says that it is one. */
enum { TAR_MAGIC = 257 };

int foreign_file(const char *name, struct span head, struct err *e)
{
	struct span text = skip_space(head);

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (head.n >= forms[i].n && !memcmp(head.s, forms[i].magic, forms[i].n))
			return refuse(name, forms[i].what, forms[i].command, e);
	if (head.n > TAR_MAGIC + 5 && !memcmp(head.s + TAR_MAGIC, "ustar", 5))
		return refuse(name, "a tar archive", "tar -xOf %s", e);
	if (begins(text, "<!doctype") || begins(text, "<html") || begins(text, "<?xml"))
		return err_set(e,
			       "%s is a web page or XML, not JSON: was it downloaded from a page about the file?",
			       name);
	return 0;
}

/* A header line: names with commas, semicolons or tabs between them, and no JSON. */
static int is_table(struct span s)
{
	const char *end = memchr(s.s, '\n', s.n);
	size_t n = end ? (size_t)(end - s.s) : s.n, cells = 0;

	for (size_t i = 0; i < n; i++)
		if (strchr(",;\t", s.s[i]) && s.s[i])
			cells++;
		else if (!s.s[i] || strchr("{}[]:", s.s[i]))
			return 0;
	return cells > 0;
}

/* How long the object is that a line begins with, by its braces, strings skipped; 0 for none. */
static size_t object_length(struct span line)
{
	int depth = 0, quoted = 0;

	for (size_t i = 0; i < line.n && *line.s == '{'; i++) {
		char c = line.s[i];

		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
			continue;
		}
		quoted = c == '"';
		depth += (c == '{') - (c == '}');
		if (depth == 0)
			return i + 1;
	}
	return 0;
}

int foreign_lines(const char *name, struct span head, struct err *e)
{
	struct span text = skip_space(head), line, behind;
	const char *end;
	size_t object;

	if (!text.n)
		return 0;
	if (*text.s == '[')
		return refuse(name, "one JSON array, not a record a line", "jq -c '.[]' %s", e);
	end = memchr(text.s, '\n', text.n);
	line = (struct span){text.s, end ? (size_t)(end - text.s) : text.n};
	while (line.n && strchr(" \t\r", line.s[line.n - 1]))
		line.n--;
	object = object_length(line);
	behind = skip_space((struct span){line.s + object, line.n - object});
	if (object && behind.n == 1 && *behind.s == ',')
		return refuse(name, "records with commas between them, not a record a line",
			      "sed 's/,[[:space:]]*$//' %s", e);
	if (*text.s == '{' && end && line.n && strchr("{[,:", line.s[line.n - 1]))
		return refuse(name, "JSON over several lines, not a record a line", "jq -c . %s",
			      e);
	if (object && behind.n && *behind.s == '{')
		return refuse(name, "several records on a line, not a record a line", "jq -c . %s",
			      e);
	if (is_table(text))
		return refuse(name, "a table, not JSON Lines",
			      "jq -L /usr/local/share/ft -Rsc 'include \"ft\"; from_csv' %s", e);
	return 0;
}
