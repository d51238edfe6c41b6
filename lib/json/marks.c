/* marks: memory, and which kernel this processor runs. See marks.h. */
#include "marks.h"

#include <stdlib.h>
#include "../base/isa.h"
#include "../base/mem.h"
#include "marks_impl.h"

void marks_release(struct marks *m)
{
	free(m->quotes);
	*m = (struct marks){0};
}

/* In the order of isa.h. */
static int (*const sets[])(const char *, size_t, uint64_t *, int *) = {
	marks_find_base,
#if defined(__x86_64__)
	marks_find_avx2,
	marks_find_avx512,
#elif defined(__aarch64__)
	marks_find_neon,
#endif
};

int marks_set(struct marks *m, struct span text)
{
	size_t words = (text.n + 63) / 64;

	if (!m->find)
		m->find = sets[isa_chosen()];
	if (words > m->cap)
		m->quotes = mem_grow(m->quotes, &m->cap, words, sizeof *m->quotes);
	m->odd = 0;
	m->s = NULL;
	if (m->find(text.s, text.n, m->quotes, &m->odd))
		return -1;
	m->s = text.s;
	m->n = text.n;
	return 0;
}
