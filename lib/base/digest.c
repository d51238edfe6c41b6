/* SHA-256 and SHA-1, block by block, as FIPS 180-4 states them. */
#include <stdio.h>
#include <string.h>
#include "digest.h"
#include "file.h"

static uint32_t rol(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static uint32_t big(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sha256_block(uint32_t *h, const unsigned char *p)
{
	static const uint32_t k[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
				       0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
				       0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7,
				       0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
				       0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
				       0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
				       0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
				       0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
				       0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
				       0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
				       0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
				       0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
				       0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
	uint32_t w[64], v[8], t1, t2;
	int i;

	for (i = 0; i < 16; i++)
		w[i] = big(p + 4 * i);
	for (; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (rol(w[i - 15], 25) ^ rol(w[i - 15], 14) ^ w[i - 15] >> 3) +
		       (rol(w[i - 2], 15) ^ rol(w[i - 2], 13) ^ w[i - 2] >> 10);
	memcpy(v, h, sizeof v);
	for (i = 0; i < 64; i++) {
		t1 = v[7] + (rol(v[4], 26) ^ rol(v[4], 21) ^ rol(v[4], 7)) +
		     ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
		t2 = (rol(v[0], 30) ^ rol(v[0], 19) ^ rol(v[0], 10)) +
		     ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		h[i] += v[i];
}

static void sha1_block(uint32_t *h, const unsigned char *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], t;
	int i;

	for (i = 0; i < 16; i++)
		w[i] = big(p + 4 * i);
	for (; i < 80; i++)
		w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (i = 0; i < 80; i++) {
		t = rol(a, 5) + e + w[i];
		t += i < 20   ? ((b & c) ^ (~b & d)) + 0x5a827999
		     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
		     : i < 60 ? ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc
			      : (b ^ c ^ d) + 0xca62c1d6;
		e = d;
		d = c;
		c = rol(b, 30);
		b = a;
		a = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

static void block(struct digest *d, const unsigned char *p)
{
	if (d->kind == DIGEST_SHA256)
		sha256_block(d->state, p);
	else
		sha1_block(d->state, p);
}

void digest_init(struct digest *d, enum digest_kind kind)
{
	static const uint32_t sha256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	static const uint32_t sha1[8] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
					 0xc3d2e1f0};

	d->kind = kind;
	d->bytes = 0;
	memcpy(d->state, kind == DIGEST_SHA256 ? sha256 : sha1, sizeof d->state);
}

void digest_add(struct digest *d, const void *p, size_t n)
{
	const unsigned char *s = p;
	size_t held = d->bytes % 64;

	d->bytes += n;
	if (held) {
		size_t take = n < 64 - held ? n : 64 - held;

		memcpy(d->block + held, s, take);
		s += take;
		n -= take;
		if (held + take < 64)
			return;
		block(d, d->block);
	}
	for (; n >= 64; s += 64, n -= 64)
		block(d, s);
	if (n)
		memcpy(d->block, s, n);
}

void digest_hex(struct digest *d, char hex[65])
{
	unsigned char length[8];
	uint64_t bits = d->bytes * 8;
	int i, words = d->kind == DIGEST_SHA256 ? 8 : 5;

	for (i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	digest_add(d, "\x80", 1);
	while (d->bytes % 64 != 56)
		digest_add(d, "", 1);
	digest_add(d, length, 8);
	for (i = 0; i < words; i++)
		snprintf(hex + 8 * i, 9, "%08x", (unsigned)d->state[i]);
}

int digest_file(const char *path, enum digest_kind kind, int git, char hex[65], struct err *e)
{
	struct file_map m;
	struct digest d;
	char head[40];

	if (file_map(path, &m, e))
		return -1;
	digest_init(&d, kind);
	if (git)
		digest_add(&d, head, (size_t)snprintf(head, sizeof head, "blob %zu", m.len) + 1);
	if (m.len)
		digest_add(&d, m.data, m.len);
	digest_hex(&d, hex);
	file_unmap(&m);
	return 0;
}
