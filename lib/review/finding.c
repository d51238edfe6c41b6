/* finding: collecting and weighing reasons. See finding.h. */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "key.h"

void findings_clear(struct findings *f)
{
	f->n = 0;
	buf_clear(&f->text);
}

void findings_release(struct findings *f)
{
	buf_release(&f->text);
	f->n = 0;
}

void findings_add(struct findings *f, const char *reason, double score, const char *fmt, ...)
{
	char words[512];
	if (f->n == FINDING_MAX)
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	struct finding *g = &f->v[f->n++];
	*g = (struct finding){reason, score, f->text.len, strlen(words), {0, 0}};
	buf_adds(&f->text, words);
}

void findings_about(struct findings *f, const uint64_t other[2])
{
	if (f->n)
		memcpy(f->v[f->n - 1].other, other, sizeof f->v[f->n - 1].other);
}

static double suspicion(const struct findings *f)
{
	double innocent = 1;
	for (size_t i = 0; i < f->n; i++)
		innocent *= 1 - f->v[i].score;
	return 1 - innocent;
}

/* Four digits: enough to rank by, and they read well. */
static double rounded(double x)
{
	return (double)(long)(x * 1e4 + 0.5) / 1e4;
}

void findings_write(const struct findings *f, struct span loss, struct span probs, struct jw *w)
{
	size_t order[FINDING_MAX];
	for (size_t i = 0; i < f->n; i++) {
		size_t j = i;
		for (; j > 0 && f->v[order[j - 1]].score < f->v[i].score; j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
	jw_object(w);
	jw_put_num(w, "suspicion", rounded(suspicion(f)));
	jw_put_array(w, "reasons");
	for (size_t i = 0; i < f->n; i++) {
		/* cppcheck-suppress uninitvar ; the first f->n are set above */
		const struct finding *g = &f->v[order[i]];
		jw_object(w);
		jw_put_str(w, "reason", g->reason);
		jw_put_num(w, "score", rounded(g->score));
		jw_put_text(w, "why", (struct span){f->text.data + g->why, g->why_n});
		if (g->other[0] || g->other[1]) {
			char key[KEY_TEXT];
			key_text(g->other, 1, key);
			jw_put_str(w, "other", key);
		}
		jw_end(w);
	}
	jw_end(w);
	if (loss.s)
		jw_put_raw(w, "loss", loss);
	if (probs.s) {
		jw_put_raw(w, "probs", probs);
	}
	jw_end(w);
}
