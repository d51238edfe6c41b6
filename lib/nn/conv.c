/* See conv.h. */
#include "conv.h"
#include <string.h>

/* v_i of one channel. */
static float sum_at(const struct nn_conv *s, size_t i, size_t j)
{
	float v = s->bias ? s->bias[j] : 0;

	for (size_t k = 0; k < s->taps; k++)
		if (i + k + 1 >= s->taps) {
			size_t at = (i + k + 1 - s->taps) * s->d + j;

			v += s->w[j * s->taps + k] * s->b[at] * s->x[at];
		}
	return v;
}

void nn_conv_forward(float *o, const struct nn_conv *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t j = 0; j < s->d; j++)
			o[i * s->d + j] = s->c[i * s->d + j] * sum_at(s, i, j);
}

void nn_conv_backward(float *db, float *dc, float *dx, const float *do_, const struct nn_conv *s)
{
	size_t d = s->d;

	memset(db, 0, s->n * d * sizeof *db); /* du first */
	for (size_t i = 0; i < s->n; i++)
		for (size_t j = 0; j < d; j++) {
			float g = do_[i * d + j] * s->c[i * d + j];

			dc[i * d + j] = do_[i * d + j] * sum_at(s, i, j);
			for (size_t k = 0; k < s->taps; k++)
				if (i + k + 1 >= s->taps)
					db[(i + k + 1 - s->taps) * d + j] +=
						s->w[j * s->taps + k] * g;
		}
	for (size_t i = 0; i < s->n * d; i++) {
		dx[i] = db[i] * s->b[i];
		db[i] *= s->x[i];
	}
}

void nn_conv_weights_back(float *dw, float *dbias, const float *do_, const struct nn_conv *s)
{
	size_t d = s->d;

	for (size_t i = 0; i < s->n; i++)
		for (size_t j = 0; j < d; j++) {
			float g = do_[i * d + j] * s->c[i * d + j];

			if (dbias)
				dbias[j] += g;
			for (size_t k = 0; dw && k < s->taps; k++)
				if (i + k + 1 >= s->taps) {
					size_t at = (i + k + 1 - s->taps) * d + j;

					dw[j * s->taps + k] += g * s->b[at] * s->x[at];
				}
		}
}

void nn_conv_row(float *v, const float *const *u, const float *w, const float *bias, size_t d,
		 size_t taps)
{
	for (size_t j = 0; j < d; j++) {
		v[j] = bias ? bias[j] : 0;
		for (size_t k = 0; k < taps; k++)
			if (u[k])
				v[j] += w[j * taps + k] * u[k][j];
	}
}
