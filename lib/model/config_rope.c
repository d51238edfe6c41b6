/* Rotary positions: how config.json describes their scaling, and the angles that follow.
 *
 * linear: Chen et al. 2023; dynamic: NTK by length (bloc97, emozilla 2023); yarn: Peng et al. 2023;
 * longrope: Ding et al. 2024; llama3: as Llama 3.1 was published. Where a member may be left out,
 * what holds then is what Transformers takes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "config_impl.h"

#define TWO_PI 6.28318530717958647692

/* A list of rope_dims/2 divisors. */
static int get_divisors(const struct config *c, struct span v, const char *name, double **out,
			struct err *e)
{
	struct span list = json_member(v, name), key, item;
	struct json_iter it = {0};
	size_t n = c->rope_dims / 2, i = 0;

	if (json_kind(list) != JSON_ARRAY)
		return err_set(e, "rope scaling longrope: %s is missing", name);
	if (json_count(list) != n)
		return err_set(e, "rope scaling longrope: %s has %zu numbers for %zu pairs", name,
			       json_count(list), n);
	*out = mem_alloc(n, sizeof **out);
	while (json_next(&it, list, &key, &item)) {
		if (json_number(item, &(*out)[i]) || !((*out)[i] > 0) || !isfinite((*out)[i]))
			return err_set(e, "rope scaling longrope: %s must hold numbers above 0",
				       name);
		i++;
	}
	return 0;
}

/* attention_factor where it is given, else what the paper proposes. */
static int get_attention(struct config *c, struct span v, double proposed, struct err *e)
{
	return config_real(v, "attention_factor", proposed, &c->rope_attention, e);
}

static double mscale(double factor, double by)
{
	return factor <= 1 ? 1 : 0.1 * by * log(factor) + 1;
}

static int get_yarn(struct config *c, struct span v, struct err *e)
{
	double by, all;

	if (config_real(v, "beta_fast", 32, &c->rope_fast, e) ||
	    config_real(v, "beta_slow", 1, &c->rope_slow, e) ||
	    config_real(v, "mscale", 0, &by, e) || config_real(v, "mscale_all_dim", 0, &all, e) ||
	    config_flag(v, "truncate", 1, &c->rope_truncate, e))
		return -1;
	if (!(c->rope_fast > c->rope_slow) || c->rope_slow <= 0)
		return err_set(e, "rope scaling yarn: beta_fast must be above beta_slow, above 0");
	return get_attention(c, v,
			     by > 0 && all > 0
				     ? mscale(c->rope_factor, by) / mscale(c->rope_factor, all)
				     : mscale(c->rope_factor, 1),
			     e);
}

static int get_longrope(struct config *c, struct span v, struct err *e)
{
	double factor = c->rope_factor;

	if (get_divisors(c, v, "short_factor", &c->rope_short, e) ||
	    get_divisors(c, v, "long_factor", &c->rope_long, e) ||
	    get_attention(c, v, factor > 1 ? sqrt(1 + log(factor) / log(c->rope_original)) : 1, e))
		return -1;
	if (c->rope_original < (double)c->max_positions) {
		c->long_positions = c->max_positions;
		c->max_positions = (size_t)c->rope_original;
	}
	return 0;
}

static int get_llama3(struct config *c, struct span v, struct err *e)
{
	if (config_real(v, "low_freq_factor", 1, &c->rope_low, e) ||
	    config_real(v, "high_freq_factor", 4, &c->rope_high, e))
		return -1;
	if (!(c->rope_high > c->rope_low) || c->rope_low <= 0)
		return err_set(e,
			       "rope scaling llama3: low_freq_factor < high_freq_factor needed, above 0");
	return 0;
}

/* Hunyuan's own: an alpha that lengthens the base once and for all. */
static int get_dynamic(struct config *c, struct span v, struct err *e)
{
	double alpha, d = (double)c->rope_dims;

	c->rope = CONFIG_ROPE_PLAIN;
	if (config_real(v, "alpha", 0, &alpha, e))
		return -1;
	if (alpha > 0 && d > 2)
		c->rope_theta = fmin(c->rope_theta * pow(alpha, d / (d - 2)), CONFIG_REAL_MAX);
	else
		c->bounded = 1; /* within max_positions nothing changes */
	return 0;
}

static int kind_of(struct span v, enum config_rope *kind, int *dynamic, struct err *e)
{
	struct span name = json_member(v, "rope_type");

	*dynamic = 0;
	*kind = CONFIG_ROPE_PLAIN;
	if (config_absent(name))
		name = json_member(v, "type");
	if (config_absent(name) || json_is(name, "default"))
		return 0;
	if (json_is(name, "linear"))
		*kind = CONFIG_ROPE_LINEAR;
	else if (json_is(name, "llama3"))
		*kind = CONFIG_ROPE_LLAMA3;
	else if (json_is(name, "yarn"))
		/* The first Phi-3 files call longrope so. */
		*kind = config_absent(json_member(v, "short_factor")) ? CONFIG_ROPE_YARN
								      : CONFIG_ROPE_LONG;
	else if (json_is(name, "longrope") || json_is(name, "su"))
		*kind = CONFIG_ROPE_LONG;
	else if (json_is(name, "dynamic"))
		*dynamic = 1;
	else
		return err_set(e,
			       "rope scaling %.*s is not supported (default, linear, dynamic, yarn, longrope and llama3 are)",
			       (int)(name.n < 40 ? name.n : 40), name.s);
	return 0;
}

/* One description of rotary scaling: rope_scaling, or an entry of rope_parameters. outer: the whole
 * config, where some say what the original context was. */
static int get_scaling(struct config *c, struct span v, struct span outer, struct err *e)
{
	static const char *const names[] = {[CONFIG_ROPE_LINEAR] = "linear",
					    [CONFIG_ROPE_LLAMA3] = "llama3",
					    [CONFIG_ROPE_YARN] = "yarn",
					    [CONFIG_ROPE_LONG] = "longrope"};
	double positions = (double)c->max_positions;
	enum config_rope kind;
	int dynamic;

	if (kind_of(v, &kind, &dynamic, e) || config_real(v, "factor", 0, &c->rope_factor, e) ||
	    config_real(v, "original_max_position_embeddings", 0, &c->rope_original, e) ||
	    (c->rope_original == 0 &&
	     config_real(outer, "original_max_position_embeddings", 0, &c->rope_original, e)))
		return -1;
	if (dynamic)
		return get_dynamic(c, v, e);
	if (kind == CONFIG_ROPE_PLAIN)
		return 0;
	c->rope = kind;
	if (kind == CONFIG_ROPE_YARN && c->rope_original == 0 && c->rope_factor > 0)
		c->rope_original = positions;
	if (kind != CONFIG_ROPE_LINEAR && (c->rope_original < 2 || c->rope_original > 1e9))
		return err_set(e,
			       "rope scaling %s: original_max_position_embeddings must say how long the original context was",
			       names[kind]);
	if (c->rope_factor == 0 && (kind == CONFIG_ROPE_YARN || kind == CONFIG_ROPE_LONG))
		c->rope_factor = fmax(positions / c->rope_original, 1);
	if (c->rope_factor < 1)
		return err_set(e, "rope scaling %s: factor must be 1 or more", names[kind]);
	return kind == CONFIG_ROPE_YARN	    ? get_yarn(c, v, e)
	       : kind == CONFIG_ROPE_LONG   ? get_longrope(c, v, e)
	       : kind == CONFIG_ROPE_LLAMA3 ? get_llama3(c, v, e)
					    : 0;
}

/* How much of a head is turned. */
static int get_dims(struct config *c, struct span j, struct span p, struct err *e)
{
	const struct family *f = c->family;
	double partial;

	if (config_real(p, "partial_rotary_factor", f->partial > 0 ? f->partial : 1, &partial, e) ||
	    config_real(j, "partial_rotary_factor", partial, &partial, e))
		return -1;
	if (partial != 1 && f->partial == 0)
		return err_set(e, "partial_rotary_factor %g is not supported for %s", partial,
			       f->type);
	if (partial > 1)
		return err_set(e, "partial_rotary_factor %g is above 1", partial);
	c->rope_dims = (size_t)((double)c->head_dim * partial);
	if (c->rope_dims == 0 || c->rope_dims % 2 != 0)
		return err_set(e,
			       "partial_rotary_factor %g of head_dim %zu makes %zu values to turn, which must be even and more than 0",
			       partial, c->head_dim, c->rope_dims);
	return 0;
}

int config_read_rope(struct config *c, struct span j, struct err *e)
{
	struct span scaling = json_member(j, "rope_scaling"), p = json_member(j, "rope_parameters"),
		    full = json_member(p, "full_attention"),
		    sliding = json_member(p, "sliding_attention");

	c->rope = CONFIG_ROPE_PLAIN;
	c->rope_attention = 1;
	c->rope_pairs = c->family->pairs;
	c->rope_local_plain = c->family->local_plain;
	if (json_kind(full) == JSON_OBJECT) {
		if (config_real(sliding, "rope_theta", c->rope_local_theta, &c->rope_local_theta,
				e))
			return -1;
		p = full;
	}
	if (config_real(j, "rope_theta", c->family->theta, &c->rope_theta, e) ||
	    config_real(p, "rope_theta", c->rope_theta, &c->rope_theta, e) || get_dims(c, j, p, e))
		return -1;
	if (c->rope_local_theta == 0)
		c->rope_local_theta = c->rope_theta;
	if (c->rope_theta < 1 || c->rope_local_theta < 1)
		return err_set(e, "rope_theta must be 1 or more");
	if (json_kind(scaling) == JSON_OBJECT && get_scaling(c, scaling, j, e))
		return -1;
	/* A file of the newer form may keep the older member too: the newer one counts. */
	if (json_kind(scaling) != JSON_OBJECT && json_kind(p) == JSON_OBJECT &&
	    get_scaling(c, p, j, e))
		return -1;
	return 0;
}

/* The share of pair i that keeps its frequency: 1 where it turns often within the original context,
 * 0 where it turns seldom. */
static double yarn_share(const struct config *c, double theta, size_t i)
{
	double d = (double)c->rope_dims, scale = d / (2 * log(theta)),
	       low = scale * log(c->rope_original / (c->rope_fast * TWO_PI)),
	       high = scale * log(c->rope_original / (c->rope_slow * TWO_PI)), ramp;

	if (c->rope_truncate) {
		low = floor(low);
		high = ceil(high);
	}
	low = fmax(low, 0);
	high = fmin(high, d - 1);
	ramp = ((double)i - low) / (high == low ? 0.001 : high - low);
	return 1 - fmin(fmax(ramp, 0), 1);
}

void config_frequencies(const struct config *c, enum config_angles which, double *out)
{
	int local = which == CONFIG_ANGLES_LOCAL;
	double theta = local ? c->rope_local_theta : c->rope_theta;
	enum config_rope kind = local && c->rope_local_plain ? CONFIG_ROPE_PLAIN : c->rope;

	for (size_t i = 0; i < c->rope_dims / 2; i++) {
		double f = pow(theta, -2.0 * (double)i / (double)c->rope_dims), s;

		switch (kind) {
		case CONFIG_ROPE_LINEAR:
			f /= c->rope_factor;
			break;
		case CONFIG_ROPE_LLAMA3:
			s = (c->rope_original * f / TWO_PI - c->rope_low) /
			    (c->rope_high - c->rope_low);
			s = fmin(fmax(s, 0), 1);
			f = (1 - s) * f / c->rope_factor + s * f;
			break;
		case CONFIG_ROPE_YARN:
			s = yarn_share(c, theta, i);
			f = (1 - s) * f / c->rope_factor + s * f;
			break;
		case CONFIG_ROPE_LONG:
			f /= which == CONFIG_ANGLES_LONG ? c->rope_long[i] : c->rope_short[i];
			break;
		case CONFIG_ROPE_NONE:
		case CONFIG_ROPE_PLAIN:
			break;
		}
		out[i] = f;
	}
}

void config_rope_rows(const struct config *c, enum config_angles which, size_t from, size_t to,
		      float *cosines, float *sines)
{
	size_t half = c->rope_dims / 2;
	double *f = mem_alloc(half, sizeof *f),
	       length = which == CONFIG_ANGLES_LOCAL && c->rope_local_plain ? 1 : c->rope_attention;

	config_frequencies(c, which, f);
	for (size_t p = from; p < to; p++)
		for (size_t i = 0; i < half; i++) {
			cosines[p * half + i] = (float)(length * cos((double)p * f[i]));
			sines[p * half + i] = (float)(length * sin((double)p * f[i]));
		}
	free(f);
}

float config_query_scale(const struct config *c, size_t position)
{
	return c->query_beta > 0
		       ? (float)(1 +
				 c->query_beta * log(1 + floor((double)position / c->query_every)))
		       : 1;
}
