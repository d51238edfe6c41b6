/* Every set of kernels this processor can run, against plain loops in double precision. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/nn/kern.h"
#include "../../lib/nn/mat.h"
#include "tap.h"

#define MOST 5000

static struct rng rng;
static float x[MOST], y[MOST], z[MOST], w[MOST], a[MOST], b[MOST], c[MOST];

static void fill(float *p, size_t n, double by)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (float)(by * rng_normal(&rng));
}

static double sigmoid(double v)
{
	return 1 / (1 + exp(-v));
}

static double gelu(double v)
{
	return 0.5 * v * (1 + tanh(sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
}

/* NaN is the largest of all. A loop that sums up by fmax makes gcc 12 fail for arm64. */
static double larger(double worst, double d)
{
	return isnan(d) || d > worst ? d : worst;
}

/* The largest difference relative to 1 + |want|. */
static double off(const float *got, const double *want, size_t n)
{
	double worst = 0;

	for (size_t i = 0; i < n; i++) {
		double d = fabs(got[i] - want[i]) / (1 + fabs(want[i]));

		worst = d > worst || isnan(d) ? (isnan(d) ? INFINITY : d) : worst;
	}
	return worst;
}

static const size_t sizes[] = {1, 3, 7, 16, 31, 33, 64, 100, 577};
#define SIZES (sizeof sizes / sizeof *sizes)

static double want[MOST], want2[MOST];

static void norms(const struct nn_kern *k)
{
	double worst = 0, worst_back = 0, worst_w = 0;

	for (size_t s = 0; s < SIZES; s++) {
		size_t d = sizes[s];
		float r;
		double sum = 0, c1 = 0;

		fill(x, d, 2);
		fill(w, d, 1);
		fill(z, d, 1);
		fill(a, d, 1);
		fill(b, d, 1);
		memcpy(c, b, sizeof c);
		k->rms(y, &r, x, w, 1, 1e-5f, 1, d);
		for (size_t i = 0; i < d; i++)
			sum += (double)x[i] * x[i];
		sum = 1 / sqrt(sum / (double)d + 1e-5);
		for (size_t i = 0; i < d; i++)
			want[i] = x[i] * sum * (w[i] + 1.);
		worst = larger(worst, off(y, want, d));
		for (size_t i = 0; i < d; i++)
			c1 += z[i] * (w[i] + 1.) * x[i];
		for (size_t i = 0; i < d; i++) {
			want[i] = a[i] + z[i] * (w[i] + 1.) * sum -
				  x[i] * c1 * sum * sum * sum / (double)d;
			want2[i] = c[i] + z[i] * x[i] * sum;
		}
		k->rms_back(a, b, z, x, w, 1, &r, 1, d);
		worst_back = larger(worst_back, off(a, want, d));
		worst_w = larger(worst_w, off(b, want2, d));
	}
	ok(worst < 1e-6, "%s: rms (%.1e)", k->name, worst);
	ok(worst_back < 1e-5 && worst_w < 1e-5, "%s: rms_back (%.1e, %.1e)", k->name, worst_back,
	   worst_w);
}

static double layernorm_sum(const struct nn_kern *k, size_t d)
{
	double sum = 0;

	k->layernorm(y, NULL, NULL, x, w, b, 1e-5f, 1, d);
	for (size_t i = 0; i < d; i++)
		sum += (double)y[i] * z[i];
	return sum;
}

static void layernorms(const struct nn_kern *k)
{
	size_t d = 33;
	float mean, r, dx[64] = {0}, dw[64] = {0}, db[64] = {0};
	double worst = 0, m = 0, v = 0;

	fill(x, d, 2);
	fill(w, d, 1);
	fill(b, d, 1);
	fill(z, d, 1);
	k->layernorm(y, &mean, &r, x, w, b, 1e-5f, 1, d);
	for (size_t i = 0; i < d; i++)
		m += x[i] / (double)d;
	for (size_t i = 0; i < d; i++)
		v += (x[i] - m) * (x[i] - m) / (double)d;
	for (size_t i = 0; i < d; i++)
		want[i] = (x[i] - m) / sqrt(v + 1e-5) * w[i] + b[i];
	ok(off(y, want, d) < 1e-6, "%s: layernorm", k->name);
	k->layernorm_back(dx, dw, db, z, x, w, &mean, &r, 1, d);
	for (size_t i = 0; i < d; i++) {
		float keep = x[i];
		double up, down;

		x[i] = keep + 0.01f;
		up = layernorm_sum(k, d);
		x[i] = keep - 0.01f;
		down = layernorm_sum(k, d);
		x[i] = keep;
		worst = larger(worst, fabs((up - down) / 0.02 - dx[i]));
		worst = larger(worst, fabs(dw[i] - (x[i] - m) / sqrt(v + 1e-5) * z[i]));
		worst = larger(worst, fabs(db[i] - z[i]));
	}
	ok(worst < 1e-3, "%s: layernorm_back is the difference (%.1e)", k->name, worst);
}

static void activations(const struct nn_kern *k)
{
	size_t n = 1003;

	fill(x, n, 4);
	x[0] = 60;
	x[1] = -60;
	x[2] = 200;
	x[3] = -200;
	fill(y, n, 1);
	k->swiglu(z, x, y, n);
	for (size_t i = 0; i < n; i++)
		want[i] = x[i] * sigmoid(x[i]) * y[i];
	ok(off(z, want, n) < 1e-6, "%s: swiglu", k->name);
	k->geglu(z, x, y, n);
	for (size_t i = 0; i < n; i++)
		want[i] = gelu(x[i]) * y[i];
	ok(off(z, want, n) < 2e-6, "%s: geglu (%.1e)", k->name, off(z, want, n));
	k->gelu(z, x, n);
	for (size_t i = 0; i < n; i++)
		want[i] = gelu(x[i]);
	ok(off(z, want, n) < 2e-6, "%s: gelu", k->name);

	fill(w, n, 1);
	k->swiglu_back(a, b, w, x, y, n);
	for (size_t i = 0; i < n; i++) {
		double s = sigmoid(x[i]);

		want[i] = w[i] * (double)y[i] * (s + x[i] * s * (1 - s));
		want2[i] = w[i] * x[i] * s;
	}
	ok(off(a, want, n) < 2e-6 && off(b, want2, n) < 2e-6, "%s: swiglu_back", k->name);
	memcpy(a, w, sizeof a);
	memcpy(b, y, sizeof b);
	k->swiglu_back(a, b, a, x, b, n);
	ok(off(a, want, n) < 2e-6 && off(b, want2, n) < 2e-6, "%s: swiglu_back in place", k->name);
	k->clamped(z, x, y, 1.5f, n);
	for (size_t i = 0; i < n; i++) {
		double g = fmin(x[i], 1.5);

		want[i] = g * sigmoid(1.702 * g) * (fmax(fmin(y[i], 1.5), -1.5) + 1);
	}
	ok(off(z, want, n) < 2e-6, "%s: clamped (%.1e)", k->name, off(z, want, n));
	k->clamped_back(a, b, w, x, y, 1.5f, n);
	for (size_t i = 0; i < n; i++) {
		double g = fmin(x[i], 1.5), s = sigmoid(1.702 * g);
		double u = fmax(fmin(y[i], 1.5), -1.5) + 1;

		want[i] = x[i] > 1.5 ? 0 : w[i] * u * (s + 1.702 * g * s * (1 - s));
		want2[i] = fabs(y[i]) > 1.5 ? 0 : w[i] * g * s;
	}
	ok(off(a, want, n) < 5e-6 && off(b, want2, n) < 5e-6, "%s: clamped_back", k->name);
	k->siglu(z, x, y, n);
	k->siglu_back(a, b, w, x, y, n);
	for (size_t i = 0; i < n; i++) {
		double s = sigmoid(x[i]);

		want[i] = w[i] * (double)y[i] * s * (1 - s);
		want2[i] = w[i] * s;
	}
	ok(off(a, want, n) < 2e-6 && off(b, want2, n) < 2e-6, "%s: siglu_back", k->name);
	for (size_t i = 0; i < n; i++)
		want[i] = sigmoid(x[i]) * y[i];
	ok(off(z, want, n) < 1e-6, "%s: siglu", k->name);
	k->geglu_back(a, b, w, x, y, n);
	for (size_t i = 0; i < n; i++) {
		double h = 1e-5;

		want[i] = w[i] * (double)y[i] * (gelu(x[i] + h) - gelu(x[i] - h)) / (2 * h);
		want2[i] = w[i] * gelu(x[i]);
	}
	ok(off(a, want, n) < 1e-5 && off(b, want2, n) < 1e-5, "%s: geglu_back", k->name);
	k->gelu_back(a, w, x, n);
	for (size_t i = 0; i < n; i++)
		want[i] = w[i] * (gelu(x[i] + 1e-5) - gelu(x[i] - 1e-5)) / 2e-5;
	ok(off(a, want, n) < 1e-5, "%s: gelu_back", k->name);
	k->relu2(z, x, n);
	k->relu2_back(a, w, x, n);
	for (size_t i = 0; i < n; i++) {
		want[i] = pow(fmax(x[i], 0), 2);
		want2[i] = 2 * fmax(x[i], 0) * w[i];
	}
	ok(off(z, want, n) < 1e-6 && off(a, want2, n) < 1e-6, "%s: relu2 and relu2_back", k->name);
	memcpy(z, x, sizeof z);
	k->softcap(z, 30, n);
	for (size_t i = 0; i < n; i++)
		want[i] = 30 * tanh(x[i] / 30);
	ok(off(z, want, n) < 5e-6, "%s: softcap (%.1e)", k->name, off(z, want, n));
	k->softcap_back(a, w, z, 30, n);
	for (size_t i = 0; i < n; i++)
		want2[i] = w[i] * (1 - want[i] * want[i] / 900);
	ok(off(a, want2, n) < 1e-5, "%s: softcap_back", k->name);
}

static void softmaxes(const struct nn_kern *k)
{
	double worst = 0, worst_again = 0, worst_back = 0, worst_nll = 0, worst_grad = 0;

	for (size_t s = 0; s < SIZES; s++) {
		size_t n = sizes[s];
		double most = -INFINITY, sum = 0, dot = 0, scale = 0.3, nll;
		float lse;

		fill(x, n, 30);
		for (size_t i = 0; i < n; i++) {
			x[i] -= 20000; /* maxima come from the data */
			most = larger(most, scale * x[i]);
		}
		for (size_t i = 0; i < n; i++)
			sum += exp(scale * x[i] - most);
		for (size_t i = 0; i < n; i++)
			want[i] = exp(scale * x[i] - most) / sum;
		memcpy(y, x, sizeof y);
		lse = k->softmax(y, (float)scale, n);
		worst = larger(worst, off(y, want, n));
		/* cppcheck-suppress invalidFunctionArg ; n is not 0, so that sum is not */
		worst = larger(worst, fabs(lse - (most + log(sum))) / 6000);

		fill(x, n, 3);
		sum = 0;
		for (size_t i = 0; i < n; i++)
			sum += exp(scale * x[i]);
		for (size_t i = 0; i < n; i++)
			want[i] = exp(scale * x[i]) / sum;
		memcpy(y, x, sizeof y);
		/* cppcheck-suppress invalidFunctionArg ; n is not 0, so that sum is not */
		k->softmax_again(y, (float)scale, (float)log(sum), n);
		worst_again = larger(worst_again, off(y, want, n));

		fill(z, n, 1);
		for (size_t i = 0; i < n; i++)
			dot += want[i] * z[i];
		for (size_t i = 0; i < n; i++)
			want2[i] = scale * want[i] * (z[i] - dot);
		k->softmax_back(z, y, (float)dot, (float)scale, n);
		worst_back = larger(worst_back, off(z, want2, n));

		sum = 0;
		for (size_t i = 0; i < n; i++)
			sum += exp(x[i]);
		memcpy(y, x, sizeof y);
		nll = k->nll(y, n, n / 2, 0.7f, 1);
		/* cppcheck-suppress invalidFunctionArg ; n is not 0, so that sum is not */
		worst_nll = larger(worst_nll, fabs(nll - (log(sum) - x[n / 2])));
		for (size_t i = 0; i < n; i++)
			want[i] = 0.7 * (exp(x[i]) / sum - (i == n / 2));
		worst_grad = larger(worst_grad, off(y, want, n));
	}
	ok(worst < 1e-6, "%s: softmax far from zero (%.1e)", k->name, worst);
	ok(worst_again < 1e-6, "%s: softmax_again (%.1e)", k->name, worst_again);
	ok(worst_back < 1e-6, "%s: softmax_back (%.1e)", k->name, worst_back);
	ok(worst_nll < 1e-5 && worst_grad < 1e-6, "%s: nll and its gradient (%.1e, %.1e)", k->name,
	   worst_nll, worst_grad);
	x[0] = NAN;
	ok(isnan(k->nll(x, 64, 3, 1, 0)), "%s: NaN is not lost in nll", k->name);
}

static void sums(const struct nn_kern *k)
{
	size_t n = 1003;
	double dot = 0, squares = 0;
	float mine[3] = {1, 2, 3};

	fill(x, n, 1);
	fill(y, n, 1);
	for (size_t i = 0; i < n; i++) {
		dot += (double)x[i] * y[i];
		squares += (double)x[i] * x[i];
	}
	ok_near(k->dot(x, y, n), dot, 1e-4, "%s: dot", k->name);
	ok_near(k->sum_squares(x, n), squares, 1e-9, "%s: sum_squares in double", k->name);
	x[n - 1] = NAN;
	ok(isnan(k->sum_squares(x, n)), "%s: NaN at the end is seen by the norm", k->name);
	k->axpy(mine, 2, mine, 3);
	ok(mine[0] == 3 && mine[1] == 6 && mine[2] == 9, "%s: axpy keeps to its values", k->name);
}

static void rotation(const struct nn_kern *k)
{
	float cosines[2 * 3], sines[2 * 3], before[2 * 12];
	int32_t pos[2] = {1, 0};
	double worst = 0;

	for (int i = 0; i < 6; i++) {
		cosines[i] = (float)cos(i * 0.7);
		sines[i] = (float)sin(i * 0.7);
	}
	fill(x, 24, 1);
	memcpy(before, x, sizeof before);
	k->rope(x, 12, cosines, sines, pos, 1, 2, 2, 6, 6);
	for (int r = 0; r < 2; r++)
		for (int h = 0; h < 2; h++)
			for (int j = 0; j < 3; j++) {
				const float *p = before + r * 12 + h * 6;
				double co = cosines[pos[r] * 3 + j], si = sines[pos[r] * 3 + j];

				worst = larger(worst, fabs(x[r * 12 + h * 6 + j] -
							   (p[j] * co - p[j + 3] * si)));
				worst = larger(worst, fabs(x[r * 12 + h * 6 + j + 3] -
							   (p[j + 3] * co + p[j] * si)));
			}
	ok(worst < 1e-6, "%s: rope turns the halves of each head", k->name);
	k->rope(x, 12, cosines, sines, pos, -1, 2, 2, 6, 6);
	for (int i = 0; i < 24; i++)
		worst = larger(worst, fabs(x[i] - before[i]));
	ok(worst < 1e-6, "%s: and turns them back", k->name);
	/* Pairs of neighbours, and of six values only the first four. */
	memcpy(x, before, sizeof before);
	k->rope_pairs(x, 12, cosines, sines, pos, 1, 2, 2, 6, 4);
	for (int r = 0; r < 2; r++)
		for (int h = 0; h < 2; h++)
			for (int j = 0; j < 3; j++) {
				const float *p = before + r * 12 + h * 6 + 2 * j,
					    *q = x + r * 12 + h * 6 + 2 * j;
				double co = j < 2 ? cosines[pos[r] * 2 + j] : 1,
				       si = j < 2 ? sines[pos[r] * 2 + j] : 0;

				worst = larger(worst, fabs(q[0] - (p[0] * co - p[1] * si)));
				worst = larger(worst, fabs(q[1] - (p[1] * co + p[0] * si)));
			}
	ok(worst < 1e-6, "%s: neighbours of part of a head are turned", k->name);
	k->rope_pairs(x, 12, cosines, sines, pos, -1, 2, 2, 6, 4);
	for (int i = 0; i < 24; i++)
		worst = larger(worst, fabs(x[i] - before[i]));
	ok(worst < 1e-6, "%s: and turned back", k->name);
}

/* PyTorch's own update rule, in double. */
static void optimiser(const struct nn_kern *k)
{
	double p = 0.5, m = 0, v = 0, g[3] = {0.3, -2, 1e-3};
	float fp[19], fm[19] = {0}, fv[19] = {0}, fg[19];
	double worst = 0;

	for (int i = 0; i < 19; i++)
		fp[i] = 0.5f;
	for (int t = 1; t <= 3; t++) {
		double step = g[t - 1] * 0.25;

		for (int i = 0; i < 19; i++)
			fg[i] = (float)g[t - 1];
		k->adamw(fp, fm, fv, fg, 0.25f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.01f,
			 (float)(1 - pow(0.9, t)), (float)(1 - pow(0.999, t)), 19);
		p *= 1 - 0.1 * 0.01;
		m = 0.9 * m + 0.1 * step;
		v = 0.999 * v + 0.001 * step * step;
		p -= 0.1 / (1 - pow(0.9, t)) * m / (sqrt(v) / sqrt(1 - pow(0.999, t)) + 1e-8);
		for (int i = 0; i < 19; i++)
			worst = larger(worst, fabs(fp[i] - p));
	}
	ok(worst < 1e-5, "%s: adamw (%.1e)", k->name, worst);
}

/* Every f16 and bf16 value and random blocks decode alike in all sets. */
static void types(const struct nn_kern *k)
{
	static uint16_t h[65536];
	static float plain[65536], mine[65536];
	unsigned char blocks[34 * 8];
	int same;

	for (int i = 0; i < 65536; i++)
		h[i] = (uint16_t)i;
	nn_kern_plain()->from->f16(plain, h, 65536);
	k->from->f16(mine, h, 65536);
	same = memcmp(plain, mine, sizeof plain) == 0;
	ok(same, "%s: f16 as the plain set", k->name);
	nn_kern_plain()->from->bf16(plain, h, 65536);
	k->from->bf16(mine, h, 65536);
	ok(memcmp(plain, mine, sizeof plain) == 0, "%s: bf16 as the plain set", k->name);
	for (size_t i = 0; i < sizeof blocks; i++)
		blocks[i] = (unsigned char)(rng_u64(&rng) & 0x7f);
	nn_kern_plain()->from->q8_0(plain, blocks, 256);
	k->from->q8_0(mine, blocks, 256);
	ok(memcmp(plain, mine, 256 * 4) == 0, "%s: q8_0 as the plain set", k->name);
	nn_kern_plain()->from->q4_0(plain, blocks, 256);
	k->from->q4_0(mine, blocks, 256);
	ok(memcmp(plain, mine, 256 * 4) == 0, "%s: q4_0 as the plain set", k->name);
	nn_kern_plain()->from->mxfp4(plain, blocks, blocks + 128, 256);
	k->from->mxfp4(mine, blocks, blocks + 128, 256);
	ok(memcmp(plain, mine, 256 * 4) == 0, "%s: mxfp4 as the plain set", k->name);
}

/* What is known of the formats, set by set of values. */
static void coding(void)
{
	static float back[65536];
	static uint16_t h[65536], again[65536];
	const uint16_t known[] = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00};
	const float values[] = {1,    -2,      65504, 6.103515625e-5f, 5.9604644775390625e-8f,
				-0.f, INFINITY};
	float row[64], out[64];
	unsigned char q[34 * 2];
	int bad = 0;
	double most = 0, worst8 = 0, worst4 = 0;

	nn_decode(back, NN_F16, known, 7);
	ok(memcmp(back, values, sizeof values) == 0, "f16 values that IEEE 754 states");
	for (int i = 0; i < 65536; i++)
		h[i] = (uint16_t)i;
	nn_decode(back, NN_F16, h, 65536);
	nn_encode(NN_F16, again, back, 65536);
	for (int i = 0; i < 65536; i++)
		bad += again[i] != h[i] && !isnan(back[i]);
	ok(bad == 0, "every f16 value survives f32 and back (%d do not)", bad);
	nn_decode(back, NN_BF16, h, 65536);
	nn_encode(NN_BF16, again, back, 65536);
	bad = 0;
	for (int i = 0; i < 65536; i++)
		bad += again[i] != h[i] && !isnan(back[i]);
	ok(bad == 0, "every bf16 value survives f32 and back (%d do not)", bad);
	row[0] = 1.00390625f; /* halfway between two bf16: to even */
	row[1] = 1.01171875f;
	row[2] = 2049; /* halfway between two f16 */
	nn_encode(NN_BF16, h, row, 2);
	ok(h[0] == 0x3f80 && h[1] == 0x3f82, "bf16 rounds ties to even");
	nn_encode(NN_F16, h, row + 2, 1);
	ok(h[0] == 0x6800, "f16 rounds ties to even");

	fill(row, 64, 1);
	for (int i = 0; i < 64; i++)
		most = larger(most, fabs(row[i]));
	nn_encode(NN_Q8_0, q, row, 64);
	nn_decode(out, NN_Q8_0, q, 64);
	for (int i = 0; i < 64; i++)
		worst8 = larger(worst8, fabs(out[i] - row[i]));
	nn_encode(NN_Q4_0, q, row, 64);
	nn_decode(out, NN_Q4_0, q, 64);
	for (int i = 0; i < 64; i++)
		worst4 = larger(worst4, fabs(out[i] - row[i]));
	ok(worst8 <= most / 127 * 0.51, "q8_0 is within half a step");
	ok(worst4 <= most / 8 * 1.01 && worst4 > worst8, "q4_0 is within a step");
	memset(row, 0, sizeof row);
	nn_encode(NN_Q8_0, q, row, 32);
	nn_decode(out, NN_Q8_0, q, 32);
	ok(out[0] == 0 && out[31] == 0, "a block of zeros stays zero");
	ok(nn_row_bytes(NN_Q4_0, 64) == 36 && nn_row_bytes(NN_Q8_0, 64) == 68,
	   "rows have the bytes that the format states");
}

static void products(void)
{
	enum nn_type t[] = {NN_F32, NN_BF16, NN_F16, NN_Q8_0, NN_Q4_0};
	size_t rows = 70, cols = 64, n = 5;
	float *m = mem_aligned(rows * cols, 4), *dense = mem_aligned(rows * cols, 4);
	void *coded = mem_aligned(rows * cols, 4);

	ok(!nn_init(NULL), "OpenBLAS is loaded");
	fill(m, rows * cols, 1);
	fill(x, n * cols, 1);
	fill(z, n * rows, 1);
	for (int i = 0; i < 5; i++) {
		struct nn_mat mat = {t[i], rows, cols, coded};
		float *scratch;
		double worst = 0;

		nn_encode(t[i], coded, m, rows * cols);
		nn_mat_rows(dense, &mat, 0, rows);
		scratch = mem_aligned(nn_mat_scratch(&mat), 4);
		memset(y, 0, sizeof y);
		nn_mat_mul(y, rows, x, cols, n, &mat, 0, NULL, scratch);
		nn_mat_mul(y, rows, x, cols, n, &mat, 1, NULL, scratch);
		for (size_t r = 0; r < n; r++)
			for (size_t o = 0; o < rows; o++) {
				double sum = 0;

				for (size_t k = 0; k < cols; k++)
					sum += (double)x[r * cols + k] * dense[o * cols + k];
				worst = larger(worst, fabs(2 * sum - y[r * rows + o]));
			}
		nn_mat_mul_back(y, cols, z, rows, n, &mat, 0, NULL, scratch);
		nn_mat_mul_back(y, cols, z, rows, n, &mat, 1, NULL, scratch);
		for (size_t r = 0; r < n; r++)
			for (size_t k = 0; k < cols; k++) {
				double sum = 0;

				for (size_t o = 0; o < rows; o++)
					sum += (double)z[r * rows + o] * dense[o * cols + k];
				worst = larger(worst, fabs(2 * sum - y[r * cols + k]));
			}
		ok(worst < 1e-3, "%s: products forward and back (%.1e)", nn_type_name(t[i]), worst);
		free(scratch);
	}
	free(m);
	free(dense);
	free(coded);
}

int main(void)
{
	const struct nn_kern *sets[4];
	size_t n = nn_kern_all(sets, 4);

	rng_seed(&rng, 1, 0);
	for (size_t i = 0; i < n; i++) {
		norms(sets[i]);
		layernorms(sets[i]);
		activations(sets[i]);
		softmaxes(sets[i]);
		sums(sets[i]);
		rotation(sets[i]);
		optimiser(sets[i]);
		types(sets[i]);
	}
	coding();
	products();
	return tap_done();
}
