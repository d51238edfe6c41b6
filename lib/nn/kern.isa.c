/* The kernels of kern.h, written once over vectors of the instruction set's width and compiled once
 * for each set.
 *
 * Vectors are the compilers' own (gcc and clang), so the same text gives SSE2, AVX2, AVX-512 and
 * NEON code. The last few values of a run go through the same vector code by way of a padded copy: a
 * value's result never depends on where a run was cut.
 */
#include <math.h>
#include <string.h>
#include "../base/isa.h"
#include "kern.h"
#include "kern_impl.h"

#define W LANES

typedef float vf __attribute__((vector_size(4 * W)));
typedef int32_t vi __attribute__((vector_size(4 * W)));
typedef float vfu __attribute__((vector_size(4 * W), aligned(4), may_alias));

static inline vf load(const float *p)
{
	return *(const vfu *)p;
}

static inline void store(float *p, vf x)
{
	*(vfu *)p = x;
}

/* The first n < W values; the others are `rest`. */
static inline vf load_part(const float *p, size_t n, float rest)
{
	float t[W];

	for (size_t i = 0; i < W; i++)
		t[i] = i < n ? p[i] : rest;
	return load(t);
}

static inline void store_part(float *p, vf x, size_t n)
{
	float t[W];

	store(t, x);
	memcpy(p, t, n * sizeof *p);
}

static inline vf all(float x)
{
	vf v;

	for (int i = 0; i < W; i++)
		/* cppcheck-suppress uninitvar ; this sets every element */
		v[i] = x;
	return v;
}

static inline vf zero(void)
{
	return (vf){0};
}

static inline float hsum(vf x)
{
	float t[W], s = 0;

	store(t, x);
	for (int step = W / 2; step > 0; step /= 2)
		for (int i = 0; i < step; i++)
			t[i] += t[i + step];
	s = t[0];
	return s;
}

static inline vf choose(vi mask, vf a, vf b)
{
	return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

static inline vf vmax(vf a, vf b)
{
	return choose(a > b, a, b);
}

static inline float hmax(vf x)
{
	float t[W], m;

	store(t, x);
	m = t[0];
	for (int i = 1; i < W; i++)
		m = t[i] > m ? t[i] : m;
	return m;
}

/* exp to about 1 ulp over the range of floats: x = n ln 2 + r, a polynomial for exp(r), the power
 * of two from bits (Cephes' expf). Below -87 it flushes to about 1e-38, above 88.3 it stays at
 * about 2e38; NaN stays NaN. */
static inline vf vexp(vf x)
{
	const vf magic = all(12582912.f); /* 1.5 2^23: adding it rounds to an integer */
	vf n, r, p;
	vi bits;

	x = choose(x < all(-87.f), all(-87.f), x);
	x = choose(x > all(88.3f), all(88.3f), x);
	n = x * all(1.44269504f) + magic;
	bits = (vi)n - (vi)magic;
	n = n - magic;
	r = x - n * all(0.693359375f);
	r = r - n * all(-2.12194440e-4f);
	p = all(1.9875691500e-4f);
	p = p * r + all(1.3981999507e-3f);
	p = p * r + all(8.3334519073e-3f);
	p = p * r + all(4.1665795894e-2f);
	p = p * r + all(1.6666665459e-1f);
	p = p * r + all(5.0000001201e-1f);
	p = p * r * r + r + all(1.f);
	return p * (vf)((bits + 127) << 23);
}

static inline vf vsigmoid(vf x)
{
	return all(1.f) / (all(1.f) + vexp(-x));
}

static inline vf vtanh(vf x)
{
	return all(2.f) * vsigmoid(x + x) - all(1.f);
}

static float dot(const float *a, const float *b, size_t n)
{
	vf s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
	size_t i = 0;

	for (; i + 4 * W <= n; i += 4 * W) {
		s0 += load(a + i) * load(b + i);
		s1 += load(a + i + W) * load(b + i + W);
		s2 += load(a + i + 2 * W) * load(b + i + 2 * W);
		s3 += load(a + i + 3 * W) * load(b + i + 3 * W);
	}
	for (; i + W <= n; i += W)
		s0 += load(a + i) * load(b + i);
	if (i < n)
		s1 += load_part(a + i, n - i, 0) * load_part(b + i, n - i, 0);
	return hsum((s0 + s1) + (s2 + s3));
}

static double sum_squares(const float *x, size_t n)
{
	double s[8] = {0};
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (int j = 0; j < 8; j++)
			s[j] += (double)x[i + j] * x[i + j];
	for (; i < n; i++)
		s[0] += (double)x[i] * x[i];
	return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

static void add(float *y, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += x[i];
}

static void mul(float *y, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] *= x[i];
}

static void fma_each(float *y, const float *a, const float *x, size_t n)
{
	size_t i = 0;

	for (; i + W <= n; i += W)
		store(y + i, load(y + i) + load(a + i) * load(x + i));
	if (i < n)
		store_part(y + i,
			   load_part(y + i, n - i, 0) +
				   load_part(a + i, n - i, 0) * load_part(x + i, n - i, 0),
			   n - i);
}

static void axpy(float *y, float a, const float *x, size_t n)
{
	vf va = all(a);
	size_t i = 0;

	for (; i + W <= n; i += W)
		store(y + i, load(y + i) + va * load(x + i));
	if (i < n)
		store_part(y + i, load_part(y + i, n - i, 0) + va * load_part(x + i, n - i, 0),
			   n - i);
}

static void scale(float *x, float a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= a;
}

static void rms(float *y, float *rstd, const float *x, const float *w, float plus, float eps,
		size_t n, size_t d)
{
	/* y, x [n, d]; w [d] */
	for (size_t i = 0; i < n; i++, x += d, y += d) {
		float r = 1.f / sqrtf(dot(x, x, d) / (float)d + eps);
		vf vr = all(r), vp = all(plus);
		size_t j = 0;

		if (rstd)
			rstd[i] = r;
		for (; j + W <= d; j += W)
			store(y + j, load(x + j) * vr * (load(w + j) + vp));
		for (; j < d; j++)
			y[j] = x[j] * r * (w[j] + plus);
	}
}

static void rms_back(float *dx, float *dw, const float *dy, const float *x, const float *w,
		     float plus, const float *rstd, size_t n, size_t d)
{
	/* dx, dy, x [n, d]; dw, w [d]
	 * dx = r (w dy - x r^2 / d sum(w dy x)) */
	for (size_t i = 0; i < n; i++, x += d, dy += d, dx += d) {
		float r = rstd[i], c;
		vf vr = all(r), vp = all(plus), vc, s = zero();
		float tail = 0;
		size_t j = 0;

		for (; j + W <= d; j += W)
			s += load(dy + j) * (load(w + j) + vp) * load(x + j);
		for (; j < d; j++)
			tail += dy[j] * (w[j] + plus) * x[j];
		c = (hsum(s) + tail) * r * r * r / (float)d;
		vc = all(c);
		for (j = 0; j + W <= d; j += W)
			store(dx + j, load(dx + j) + load(dy + j) * (load(w + j) + vp) * vr -
					      load(x + j) * vc);
		for (; j < d; j++)
			dx[j] += dy[j] * (w[j] + plus) * r - x[j] * c;
		if (dw) {
			for (j = 0; j + W <= d; j += W)
				store(dw + j, load(dw + j) + load(dy + j) * load(x + j) * vr);
			for (; j < d; j++)
				dw[j] += dy[j] * x[j] * r;
		}
	}
}

static void layernorm(float *y, float *mean, float *rstd, const float *x, const float *w,
		      const float *b, float eps, size_t n, size_t d)
{
	/* y, x [n, d]; w, b [d] */
	for (size_t i = 0; i < n; i++, x += d, y += d) {
		float m = 0, v = 0, r;

		for (size_t j = 0; j < d; j++)
			m += x[j];
		m /= (float)d;
		for (size_t j = 0; j < d; j++)
			v += (x[j] - m) * (x[j] - m);
		r = 1.f / sqrtf(v / (float)d + eps);
		if (mean)
			mean[i] = m;
		if (rstd)
			rstd[i] = r;
		for (size_t j = 0; j < d; j++)
			y[j] = (x[j] - m) * r * w[j] + b[j];
	}
}

static void layernorm_back(float *dx, float *dw, float *db, const float *dy, const float *x,
			   const float *w, const float *mean, const float *rstd, size_t n, size_t d)
{
	/* dx, dy, x [n, d]; dw, db, w [d]
	 * with h = (x - mean) r and g = w dy: dx = r (g - mean(g) - h mean(g h)) */
	for (size_t i = 0; i < n; i++, x += d, dy += d, dx += d) {
		float m = mean[i], r = rstd[i], g1 = 0, g2 = 0;

		for (size_t j = 0; j < d; j++) {
			g1 += w[j] * dy[j];
			g2 += w[j] * dy[j] * (x[j] - m) * r;
		}
		g1 /= (float)d;
		g2 /= (float)d;
		for (size_t j = 0; j < d; j++)
			dx[j] += r * (w[j] * dy[j] - g1 - (x[j] - m) * r * g2);
		if (dw)
			for (size_t j = 0; j < d; j++)
				dw[j] += dy[j] * (x[j] - m) * r;
		if (db)
			for (size_t j = 0; j < d; j++)
				db[j] += dy[j];
	}
}

static void rope(float *x, size_t ldx, const float *cosines, const float *sines, const int32_t *pos,
		 float sign, size_t n, size_t heads, size_t head_dim, size_t dims)
{
	/* x [n, heads, head_dim]; cosines, sines [positions, dims / 2] */
	size_t half = dims / 2;

	for (size_t i = 0; i < n; i++, x += ldx) {
		const float *c = cosines + (size_t)pos[i] * half,
			    *s = sines + (size_t)pos[i] * half;

		for (size_t h = 0; h < heads; h++) {
			float *a = x + h * head_dim, *b = a + half;

			for (size_t j = 0; j < half; j++) {
				float p = a[j], q = b[j], t = sign * s[j];

				a[j] = p * c[j] - q * t;
				b[j] = q * c[j] + p * t;
			}
		}
	}
}

static void rope_pairs(float *x, size_t ldx, const float *cosines, const float *sines,
		       const int32_t *pos, float sign, size_t n, size_t heads, size_t head_dim,
		       size_t dims)
{
	/* x [n, heads, head_dim]; cosines, sines [positions, dims / 2] */
	size_t half = dims / 2;

	for (size_t i = 0; i < n; i++, x += ldx) {
		const float *c = cosines + (size_t)pos[i] * half,
			    *s = sines + (size_t)pos[i] * half;

		for (size_t h = 0; h < heads; h++) {
			float *a = x + h * head_dim;

			for (size_t j = 0; j < half; j++, a += 2) {
				float p = a[0], q = a[1], t = sign * s[j];

				a[0] = p * c[j] - q * t;
				a[1] = q * c[j] + p * t;
			}
		}
	}
}

/* Runs `whole` over full vectors and `part` over the padded rest. */
#define EACH2(whole) \
	do { \
		size_t i = 0; \
		for (; i + W <= n; i += W) { \
			vf vg = load(g + i), vu = load(u + i); \
			store(h + i, (whole)); \
		} \
		if (i < n) { \
			vf vg = load_part(g + i, n - i, 0), vu = load_part(u + i, n - i, 0); \
			store_part(h + i, (whole), n - i); \
		} \
	} while (0)

static void swiglu(float *h, const float *g, const float *u, size_t n)
{
	EACH2(vg * vsigmoid(vg) * vu);
}

static void siglu(float *h, const float *g, const float *u, size_t n)
{
	EACH2(vsigmoid(vg) * vu);
}

/* gelu(x) = x s, s = (1 + tanh(t)) / 2 = sigmoid(2 t), t = sqrt(2/pi) (x + 0.044715 x^3) */
static inline vf gelu_s(vf x)
{
	return vsigmoid(all(1.5957691216f) * (x + all(0.044715f) * x * x * x));
}

/* d gelu / dx = s + x s (1 - s) 2 t' */
static inline vf gelu_slope(vf x, vf s)
{
	return s + x * s * (all(1.f) - s) * all(1.5957691216f) *
			   (all(1.f) + all(3.f * 0.044715f) * x * x);
}

static void geglu(float *h, const float *g, const float *u, size_t n)
{
	EACH2(vg * gelu_s(vg) * vu);
}

static void gelu(float *h, const float *g, size_t n)
{
	const float *u = g;

	EACH2(vg * gelu_s(vu));
}

static void relu2(float *h, const float *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h[i] = g[i] > 0 ? g[i] * g[i] : 0;
}

static void relu2_back(float *dg, const float *dh, const float *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dg[i] = g[i] > 0 ? 2 * g[i] * dh[i] : 0;
}

static inline void swiglu_back1(vf *dg, vf *du, vf dh, vf g, vf u)
{
	vf s = vsigmoid(g), f = g * s;

	*du = dh * f;
	*dg = dh * u * (s + f * (all(1.f) - s));
}

/* of g in gpt-oss */
#define GATE_ALPHA 1.702f

static inline vf vmin(vf a, vf b)
{
	return choose(a < b, a, b);
}

static inline vf clamped1(vf g, vf u, vf limit)
{
	g = vmin(g, limit);
	u = vmax(vmin(u, limit), -limit);
	return g * vsigmoid(all(GATE_ALPHA) * g) * (u + all(1.f));
}

static void clamped(float *h, const float *g, const float *u, float limit, size_t n)
{
	EACH2(clamped1(vg, vu, all(limit)));
}

/* What is held at a limit gets no gradient. */
static inline void clamped_back1(vf *dg, vf *du, vf dh, vf g, vf u, vf limit)
{
	vi g_in = g <= limit, u_in = (u <= limit) & (u >= -limit);
	vf s, f;

	g = vmin(g, limit);
	u = vmax(vmin(u, limit), -limit);
	s = vsigmoid(all(GATE_ALPHA) * g);
	f = g * s;
	*du = choose(u_in, dh * f, zero());
	*dg = choose(g_in, dh * (u + all(1.f)) * (s + all(GATE_ALPHA) * f * (all(1.f) - s)),
		     zero());
}

static inline void siglu_back1(vf *dg, vf *du, vf dh, vf g, vf u)
{
	vf s = vsigmoid(g);

	*du = dh * s;
	*dg = dh * u * s * (all(1.f) - s);
}

static inline void geglu_back1(vf *dg, vf *du, vf dh, vf g, vf u)
{
	vf s = gelu_s(g);

	*du = dh * g * s;
	*dg = dh * u * gelu_slope(g, s);
}

#define GATED_BACK(one) \
	size_t i = 0; \
	vf a, b; \
	for (; i + W <= n; i += W) { \
		one(&a, &b, load(dh + i), load(g + i), load(u + i)); \
		store(dg + i, a); \
		store(du + i, b); \
	} \
	if (i < n) { \
		one(&a, &b, load_part(dh + i, n - i, 0), load_part(g + i, n - i, 0), \
		    load_part(u + i, n - i, 0)); \
		store_part(dg + i, a, n - i); \
		store_part(du + i, b, n - i); \
	}

static void swiglu_back(float *dg, float *du, const float *dh, const float *g, const float *u,
			size_t n)
{
	GATED_BACK(swiglu_back1)
}

static void clamped_back(float *dg, float *du, const float *dh, const float *g, const float *u,
			 float limit, size_t n)
{
#define ONE(dg1, du1, dh1, g1, u1) clamped_back1(dg1, du1, dh1, g1, u1, all(limit))
	GATED_BACK(ONE)
#undef ONE
}

static void siglu_back(float *dg, float *du, const float *dh, const float *g, const float *u,
		       size_t n)
{
	GATED_BACK(siglu_back1)
}

static void geglu_back(float *dg, float *du, const float *dh, const float *g, const float *u,
		       size_t n)
{
	GATED_BACK(geglu_back1)
}

static void gelu_back(float *dg, const float *dh, const float *g, size_t n)
{
	float *h = dg;
	const float *u = dh;

	EACH2(vu * gelu_slope(vg, gelu_s(vg)));
}

static float max_of(const float *x, size_t n)
{
	vf m = all(x[0]);
	size_t i = 0;

	for (; i + W <= n; i += W)
		m = vmax(load(x + i), m);
	if (i < n)
		m = vmax(load_part(x + i, n - i, x[0]), m);
	return hmax(m);
}

/* x = exp(by (x - most)) in place; the sum in double over runs of 4096. */
static double exp_row(float *x, float by, float most, size_t n)
{
	vf vs = all(by), vm = all(most);
	double total = 0;
	size_t i = 0;

	while (i < n) {
		size_t end = n - i > 4096 ? i + 4096 : n;
		vf s = zero();
		float tail = 0;

		for (; i + W <= end; i += W) {
			vf e = vexp((load(x + i) - vm) * vs);
			store(x + i, e);
			s += e;
		}
		if (i < end) {
			store_part(x + i, vexp((load_part(x + i, end - i, 0) - vm) * vs), end - i);
			for (; i < end; i++)
				tail += x[i];
		}
		total += (double)(hsum(s) + tail);
	}
	return total;
}

static float softmax(float *x, float by, size_t n)
{
	float m;
	double s;

	if (n == 0)
		return -INFINITY;
	m = max_of(x, n);
	s = exp_row(x, by, m, n);
	scale(x, (float)(1 / s), n);
	return m * by + (float)log(s);
}

static float softmax_part(float *x, float by, float *most, size_t n)
{
	float m = max_of(x, n);

	if (m > *most)
		*most = m;
	return (float)exp_row(x, by, *most, n);
}

static void softmax_again(float *x, float by, float lse, size_t n)
{
	vf vs = all(by), vm = all(lse);
	size_t i = 0;

	for (; i + W <= n; i += W)
		store(x + i, vexp(load(x + i) * vs - vm));
	if (i < n)
		store_part(x + i, vexp(load_part(x + i, n - i, 0) * vs - vm), n - i);
}

static void softmax_back(float *dp, const float *p, float sum, float by, size_t n)
{
	vf vs = all(by), vd = all(sum);
	size_t i = 0;

	for (; i + W <= n; i += W)
		store(dp + i, load(p + i) * vs * (load(dp + i) - vd));
	if (i < n)
		store_part(dp + i,
			   load_part(p + i, n - i, 0) * vs * (load_part(dp + i, n - i, 0) - vd),
			   n - i);
}

static void softcap(float *x, float cap, size_t n)
{
	float inv = 1 / cap;
	size_t i = 0;

	for (; i + W <= n; i += W)
		store(x + i, all(cap) * vtanh(load(x + i) * all(inv)));
	if (i < n)
		store_part(x + i, all(cap) * vtanh(load_part(x + i, n - i, 0) * all(inv)), n - i);
}

static void softcap_back(float *dx, const float *dy, const float *y, float cap, size_t n)
{
	float inv = 1 / cap;

	for (size_t i = 0; i < n; i++)
		dx[i] = dy[i] * (1 - y[i] * inv * (y[i] * inv));
}

static double nll(float *z, size_t v, size_t y, float w, int grad)
{
	/* z [v] */
	float m = max_of(z, v), zy = z[y];
	double s = exp_row(z, 1, m, v);

	if (grad) {
		scale(z, (float)(w / s), v);
		z[y] -= w;
	}
	return log(s) + m - zy;
}

/* A bijection of 32 bits whose outputs pass for random (Mueller; constants of Wellons'
 * "lowbias32"). */
static inline uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ x >> 16;
}

static void dropout(float *y, const float *x, uint32_t key, uint32_t drop, float by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = mix(key + (uint32_t)i * 0x9e3779b9u) >= drop ? by * x[i] : 0;
}

static void noise(float *x, uint32_t key, float by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += by * ((float)(int32_t)mix(key + (uint32_t)i * 0x9e3779b9u) * 0x1p-31f);
}

static void adamw(float *p, float *m, float *v, const float *g, float g_scale, float lr,
		  float beta1, float beta2, float eps, float wd, float c1, float c2, size_t n)
{
	float step = lr / c1, root = 1 / sqrtf(c2), keep = 1 - lr * wd;

	for (size_t i = 0; i < n; i++) {
		float x = g[i] * g_scale;

		m[i] = beta1 * m[i] + (1 - beta1) * x;
		v[i] = beta2 * v[i] + (1 - beta2) * (x * x);
		p[i] = p[i] * keep - step * (m[i] / (sqrtf(v[i]) * root + eps));
	}
}

const struct nn_kern NAME(nn_kern) = {
	.name = SET_NAME,
	.rms = rms,
	.rms_back = rms_back,
	.layernorm = layernorm,
	.layernorm_back = layernorm_back,
	.rope = rope,
	.rope_pairs = rope_pairs,
	.swiglu = swiglu,
	.swiglu_back = swiglu_back,
	.clamped = clamped,
	.clamped_back = clamped_back,
	.siglu = siglu,
	.siglu_back = siglu_back,
	.geglu = geglu,
	.geglu_back = geglu_back,
	.gelu = gelu,
	.gelu_back = gelu_back,
	.relu2 = relu2,
	.relu2_back = relu2_back,
	.softmax = softmax,
	.softmax_part = softmax_part,
	.softmax_again = softmax_again,
	.softmax_back = softmax_back,
	.softcap = softcap,
	.softcap_back = softcap_back,
	.nll = nll,
	.dropout = dropout,
	.noise = noise,
	.dot = dot,
	.sum_squares = sum_squares,
	.add = add,
	.mul = mul,
	.fma = fma_each,
	.axpy = axpy,
	.scale = scale,
	.adamw = adamw,
	.from = &NAME(nn_unpack),
};
