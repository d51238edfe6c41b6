/* buf: a growing run of bytes with a ceiling.
 *
 * A zeroed struct buf is empty and valid, with the default ceiling. data is always NUL-terminated
 * once anything was added (the NUL does not count in len), so text can be passed to C functions.
 * Adding beyond the ceiling adds nothing, sets `full` and returns -1; `full` stays set until
 * buf_clear, so a run of additions can be checked once at its end.
 */
#ifndef FT_BASE_BUF_H
#define FT_BASE_BUF_H

#include <stddef.h>

#define BUF_MAX ((size_t)1 << 30) /* default ceiling in bytes */

struct buf {
	char *data;
	size_t len, cap;
	size_t max; /* ceiling; 0 means BUF_MAX */
	int full;
};

/* A borrowed run of bytes, not NUL-terminated; s == NULL means absent. */
struct span {
	const char *s;
	size_t n;
};

/* clang-format off */
#define BUF_INIT {0}
/* clang-format on */

void buf_release(struct buf *b); /* frees; b is empty and valid again */
void buf_clear(struct buf *b);	 /* length 0, memory kept */
/* hands the bytes over (free() them); never NULL; len may be NULL */
char *buf_detach(struct buf *b, size_t *len);
int buf_reserve(struct buf *b, size_t more); /* room for more bytes beyond len */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_addc(struct buf *b, int c);
int buf_adds(struct buf *b, const char *s);
int buf_addspan(struct buf *b, struct span s);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct span buf_span(const struct buf *b);

struct span span_of(const char *s);	   /* of a C string; NULL gives an absent span */
int span_is(struct span a, const char *s); /* equal bytes */
int span_eq(struct span a, struct span b);
int span_cmp(struct span a, struct span b); /* bytewise, shorter first where one is a prefix */
char *span_dup(struct span a);		    /* NUL-terminated copy; free() it */

#endif
