/* The search of marks.h, written once over masks of 64 bytes and compiled once for each instruction
 * set, which make the masks in their own ways.
 *
 * Bits of a mask stand for the bytes of a block, the lowest for the first.
 */
#include <string.h>
#include "../base/isa.h"
#include "chars.h"
#include "marks.h"
#include "marks_impl.h"

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

struct block {
	uint64_t quote, back, control, high; /* " and \, below the space, beyond ASCII */
};

/* How far UTF-8 was checked. */
struct utf8 {
#if defined(__AVX2__)
	__m256i before; /* the 32 bytes before the next */
	__m256i wrong;	/* not zero: there was an error */
#else
	size_t at; /* up to which sequences were seen whole */
	int wrong;
#endif
};

#if defined(__AVX2__)

static inline uint64_t two(__m256i a, __m256i b)
{
	return (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b)
							   << 32;
}

static inline struct block look(const char *p)
{
	const __m256i a = _mm256_loadu_si256((const __m256i *)p),
		      b = _mm256_loadu_si256((const __m256i *)(p + 32)),
		      quote = _mm256_set1_epi8('"'), back = _mm256_set1_epi8('\\'),
		      last = _mm256_set1_epi8(0x1f);

	return (struct block){two(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)),
			      two(_mm256_cmpeq_epi8(a, back), _mm256_cmpeq_epi8(b, back)),
			      two(_mm256_cmpeq_epi8(_mm256_max_epu8(a, last), last),
				  _mm256_cmpeq_epi8(_mm256_max_epu8(b, last), last)),
			      two(a, b)};
}

/* The byte k places before each of x. */
#define BEFORE(x, before, k) \
	_mm256_alignr_epi8(x, _mm256_permute2x128_si256(before, x, 0x21), 16 - (k))
/* Sixteen bytes for both halves. */
#define TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))

/* UTF-8 by three look-ups of half bytes (Keiser and Lemire, Validating UTF-8 In Less Than One
 * Instruction Per Byte, 2021). Each bit is an error that a pair of bytes can show, and is left in
 * the end where both bytes show it. */
enum {
	TOO_SHORT = 1 << 0,  /* a lead, then no continuation */
	TOO_LONG = 1 << 1,   /* ASCII, then a continuation */
	OVERLONG_3 = 1 << 2, /* e0, then below a0 */
	TOO_LARGE = 1 << 3,  /* f4, then above 8f, or f5 to ff */
	SURROGATE = 1 << 4,  /* ed, then above 9f */
	OVERLONG_2 = 1 << 5, /* c0 or c1 */
	TOO_LARGE_1000 = 1 << 6,
	OVERLONG_4 = 1 << 6, /* f0, then below 90 */
	TWO_CONTS = 1 << 7,  /* right only behind a lead of three or four */
	CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS
};

static inline void check_32(struct utf8 *u, __m256i x)
{
	const __m256i low = _mm256_set1_epi8(0x0f), top = _mm256_set1_epi8((char)0x80);
	const __m256i one = BEFORE(x, u->before, 1), second = BEFORE(x, u->before, 2),
		      third = BEFORE(x, u->before, 3);
	const __m256i first_high =
		TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
		      TOO_LONG, (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS,
		      TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
		      TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
	const __m256i first_low =
		TABLE((char)(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4),
		      (char)(CARRY | OVERLONG_2), (char)CARRY, (char)CARRY,
		      (char)(CARRY | TOO_LARGE), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
		      (char)(CARRY | TOO_LARGE | TOO_LARGE_1000));
	const __m256i second_high =
		TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
		      TOO_SHORT,
		      (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_1000 |
			     OVERLONG_4),
		      (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE),
		      (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE),
		      (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE), TOO_SHORT,
		      TOO_SHORT, TOO_SHORT, TOO_SHORT);
	__m256i pairs = _mm256_and_si256(
		_mm256_and_si256(_mm256_shuffle_epi8(first_high,
						     _mm256_and_si256(_mm256_srli_epi16(one, 4),
								      low)),
				 _mm256_shuffle_epi8(first_low, _mm256_and_si256(one, low))),
		_mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(x, 4), low)));
	/* The top bit is left where a lead of three stands two before, or one of four three before:
	 * there two continuations must stand, and nowhere else. */
	__m256i must =
		_mm256_and_si256(_mm256_or_si256(_mm256_subs_epu8(second,
								  _mm256_set1_epi8(0xe0 - 0x80)),
						 _mm256_subs_epu8(third,
								  _mm256_set1_epi8(0xf0 - 0x80))),
				 top);

	u->wrong = _mm256_or_si256(u->wrong, _mm256_xor_si256(must, pairs));
	u->before = x;
}

static inline void check_utf8(struct utf8 *u, const char *s, size_t n, size_t from, const char *p,
			      uint64_t high)
{
	(void)s, (void)n, (void)from;
	if (!high) {
		/* What was begun must have been ended: the last three bytes before can be leads of
		 * no more than what stood behind them. */
		const __m256i most =
			_mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
					 -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
					 (char)0xef, (char)0xdf, (char)0xbf);
		u->wrong = _mm256_or_si256(u->wrong, _mm256_subs_epu8(u->before, most));
		u->before = _mm256_setzero_si256();
		return;
	}
	check_32(u, _mm256_loadu_si256((const __m256i *)p));
	check_32(u, _mm256_loadu_si256((const __m256i *)(p + 32)));
}

static inline int utf8_wrong(struct utf8 *u)
{
	check_utf8(u, NULL, 0, 0, NULL, 0);
	return !_mm256_testz_si256(u->wrong, u->wrong);
}

#else

#if defined(__SSE2__)

static inline uint64_t four(__m128i a, __m128i b, __m128i c, __m128i d)
{
	return (uint64_t)_mm_movemask_epi8(a) | (uint64_t)_mm_movemask_epi8(b) << 16 |
	       (uint64_t)_mm_movemask_epi8(c) << 32 | (uint64_t)_mm_movemask_epi8(d) << 48;
}

static inline uint64_t equal(const __m128i x[4], __m128i to)
{
	return four(_mm_cmpeq_epi8(x[0], to), _mm_cmpeq_epi8(x[1], to), _mm_cmpeq_epi8(x[2], to),
		    _mm_cmpeq_epi8(x[3], to));
}

static inline struct block look(const char *p)
{
	const __m128i last = _mm_set1_epi8(0x1f);
	__m128i x[4], low[4];

	for (int i = 0; i < 4; i++) {
		x[i] = _mm_loadu_si128((const __m128i *)(p + 16 * i));
		low[i] = _mm_max_epu8(x[i], last);
	}
	return (struct block){equal(x, _mm_set1_epi8('"')), equal(x, _mm_set1_epi8('\\')),
			      equal(low, last), four(x[0], x[1], x[2], x[3])};
}

#elif defined(__aarch64__)

/* Of bytes that are 0 or all ones: each keeps its bit, and neighbours are added until eight of them
 * are a byte. */
static inline uint64_t four(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
	const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t sum = vpaddq_u8(vpaddq_u8(a & bits, b & bits), vpaddq_u8(c & bits, d & bits));

	return vgetq_lane_u64((uint64x2_t)vpaddq_u8(sum, sum), 0);
}

#define FOUR(test) four(test(x[0]), test(x[1]), test(x[2]), test(x[3]))
#define IS_QUOTE(x) vceqq_u8(x, vdupq_n_u8('"'))
#define IS_BACK(x) vceqq_u8(x, vdupq_n_u8('\\'))
#define IS_CONTROL(x) vcltq_u8(x, vdupq_n_u8(0x20))
#define IS_HIGH(x) vcgeq_u8(x, vdupq_n_u8(0x80))

static inline struct block look(const char *p)
{
	uint8x16_t x[4];

	memcpy(x, p, sizeof x);
	return (struct block){FOUR(IS_QUOTE), FOUR(IS_BACK), FOUR(IS_CONTROL), FOUR(IS_HIGH)};
}

#else

static inline struct block look(const char *p)
{
	struct block b = {0};

	for (int i = 0; i < 64; i++) {
		unsigned char c = (unsigned char)p[i];
		b.quote |= (uint64_t)(c == '"') << i;
		b.back |= (uint64_t)(c == '\\') << i;
		b.control |= (uint64_t)(c < 0x20) << i;
		b.high |= (uint64_t)(c >= 0x80) << i;
	}
	return b;
}

#endif

/* p is where s + from stands, or a copy of it. */
static inline void check_utf8(struct utf8 *u, const char *s, size_t n, size_t from, const char *p,
			      uint64_t high)
{
	(void)p;
	for (; high; high &= high - 1) {
		size_t i = from + (size_t)__builtin_ctzll(high);
		if (i < u->at)
			continue;
		size_t k = chars_utf8(s + i, n - i);
		u->wrong |= !k;
		u->at = i + k;
	}
}

static inline int utf8_wrong(struct utf8 *u)
{
	return u->wrong;
}

#endif

/* The bytes that a backslash before them escapes. *next: whether the first of the next block is.
 * A run of backslashes escapes every other byte from its second on; the subtraction finds the
 * parity of all runs at once, by the bit at which each of them begins. */
static inline uint64_t find_escaped(uint64_t back, uint64_t *next)
{
	const uint64_t odd = 0xaaaaaaaaaaaaaaaau;
	uint64_t begins = back & ~*next;
	uint64_t ends = (((begins << 1) | odd) - begins) ^ odd;
	uint64_t escaped = ends ^ (back | *next);

	*next = (ends & back) >> 63;
	return escaped;
}

/* Whether all bytes of the mask, from s + from, end an escape. */
static inline int check_escapes(const char *s, size_t n, size_t from, uint64_t escaped, int *odd)
{
	int bad = 0;

	for (; escaped; escaped &= escaped - 1) {
		size_t i = from + (size_t)__builtin_ctzll(escaped);
		unsigned kind = i < n ? chars_escape[(unsigned char)s[i]] : 0;

		bad |= !kind;
		if (kind > 1) {
			*odd = 1;
			bad |= kind == 3 && !chars_hex4(s + i + 1, n - i - 1);
		}
	}
	return !bad;
}

/* All bits from one set bit up to the next: what stands in a string, its first quote included. */
static inline uint64_t inside(uint64_t quote)
{
	for (int k = 1; k < 64; k *= 2)
		quote ^= quote << k;
	return quote;
}

int NAME(marks_find)(const char *s, size_t n, uint64_t *quotes, int *odd)
{
	struct utf8 u;
	uint64_t next = 0, in = 0; /* in: all bits set where the block begins in a string */
	int good = 1;
	char tail[64];

	memset(&u, 0, sizeof u);
	for (size_t at = 0; at < n && good; at += 64) {
		const char *p = s + at;
		if (n - at < 64) {
			memset(tail, ' ', sizeof tail);
			memcpy(tail, p, n - at);
			p = tail;
		}
		struct block b = look(p);
		if (b.back | next) {
			uint64_t escaped = find_escaped(b.back, &next);
			b.quote &= ~escaped;
			good = check_escapes(s, n, at, escaped, odd);
		}
		*quotes++ = b.quote;
		if (b.control)
			good &= !(b.control & (inside(b.quote) ^ in));
		check_utf8(&u, s, n, at, p, b.high);
		in ^= -(uint64_t)__builtin_parityll(b.quote);
	}
	return good && !utf8_wrong(&u) ? 0 : -1;
}
