/* jw: writes JSON text onto a buf, commas and quoting done here.
 *
 *	struct jw w; jw_init(&w, &b);
 *	jw_object(&w); jw_put_int(&w, "n", 3); jw_put_num(&w, "mean", 0.5); jw_end(&w);
 *
 * One line, no spaces. Doubles are printed with the fewest digits (up to 17) that read back the
 * same; NaN and infinity are null, which is also how an unknown figure is said.
 */
#ifndef FT_JSON_JW_H
#define FT_JSON_JW_H

#include <stdint.h>
#include "../base/buf.h"
#include "../base/opt.h"

#define JW_DEPTH 64

struct jw {
	struct buf *b;
	int depth;
	char close[JW_DEPTH];
	char comma[JW_DEPTH]; /* something stands before the next element */
	int after_key;
};

void jw_init(struct jw *w, struct buf *b);
void jw_object(struct jw *w);
void jw_array(struct jw *w);
void jw_end(struct jw *w); /* closes the innermost */
void jw_key(struct jw *w, const char *name);
void jw_keyn(struct jw *w, const char *name, size_t n);
void jw_str(struct jw *w, const char *s);	     /* NULL writes null */
void jw_strn(struct jw *w, const char *s, size_t n); /* invalid UTF-8 becomes U+FFFD */
void jw_num(struct jw *w, double x);
void jw_int(struct jw *w, int64_t x);
void jw_bool(struct jw *w, int x);
void jw_null(struct jw *w);
/* text that is JSON already, its line breaks as spaces, so that what is written stays one line; an
 * empty one writes null */
void jw_raw(struct jw *w, struct span json);

/* Members of an object, name and value at once. */
void jw_put_object(struct jw *w, const char *name);
void jw_put_array(struct jw *w, const char *name);
void jw_put_str(struct jw *w, const char *name, const char *s);
void jw_put_text(struct jw *w, const char *name, struct span text); /* absent: "" */
void jw_put_num(struct jw *w, const char *name, double x);
void jw_put_known(struct jw *w, const char *name, double x); /* nothing where x is NaN */
void jw_put_int(struct jw *w, const char *name, int64_t x);
void jw_put_bool(struct jw *w, const char *name, int x);
void jw_put_null(struct jw *w, const char *name);
void jw_put_raw(struct jw *w, const char *name, struct span json);
/* A figure with its bounds as `name`, `lo` and `hi`; the same as an object of its own {"value",
 * "lo", "hi"}, null where the value is not known (NaN). */
void jw_put_bounds(struct jw *w, const char *name, double value, double lo, double hi);
void jw_put_figure(struct jw *w, const char *name, double value, double lo, double hi);

/* The options of a program as members, by name; those that are aside are left out. */
void jw_options(struct jw *w, const struct opt *options);

/* The pieces alone, appended to b. */
void json_put_string(struct buf *b, const char *s, size_t n);
void json_put_number(struct buf *b, double x);

#endif
