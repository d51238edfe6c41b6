/* foreign: files in forms that people hold records in, and that are no JSON Lines; told by their
 * first bytes, and refused with the command that makes JSON Lines of them.
 *
 * gzip, zstd, bzip2, xz, UTF-16, Parquet, Arrow, SQLite, zip (and so xlsx), a Git
 * LFS pointer in place of the file, a web page, a JSON array, JSON over several lines, a table in
 * CSV.
 */
#ifndef FT_JSON_FOREIGN_H
#define FT_JSON_FOREIGN_H

#include "../base/buf.h"
#include "../base/err.h"

/* head: the first bytes of the file called name, as many as are at hand (512 are enough). -1 with
 * the sentence where they begin no file of JSON; 0 otherwise. */
int foreign_file(const char *name, struct span head, struct err *e);

/* The same for a file that should hold one record a line, and whose first line was none: JSON in
 * another layout, or a table. */
int foreign_lines(const char *name, struct span head, struct err *e);

#endif
