/* Tokenizers: small ones written here, the byte tokenizer, and the published one in ../shared where
 * that is present. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/token/tokenizer.h"
#include "tap.h"

#define STORIES "../shared/data/tinystories-656k"

static const char *show(const struct tokens *t)
{
	static struct buf b;
	size_t i;

	buf_clear(&b);
	for (i = 0; i < t->n; i++)
		buf_addf(&b, "%s%d", i ? " " : "", (int)t->ids[i]);
	return b.data ? b.data : "";
}

static const char *ids(const struct tokenizer *t, const char *text, int flags)
{
	static struct tokens out;
	static struct err e;

	tokens_clear(&out);
	return tokenizer_encode(t, span_of(text), flags, &out, &e) ? e.msg : show(&out);
}

static struct tokenizer *parse(const char *json)
{
	struct err e = ERR_INIT;
	struct tokenizer *t = tokenizer_parse(span_of(json), (struct span){NULL, 0}, &e);

	if (!t)
		printf("# %s\n", e.msg);
	return t;
}

static void refuses(const char *json, const char *want)
{
	struct err e = ERR_INIT;
	struct tokenizer *t = tokenizer_parse(span_of(json), (struct span){NULL, 0}, &e);

	ok(!t && strstr(e.msg, want), "refused: %s", want);
	if (t || !strstr(e.msg, want))
		printf("# got %s\n", e.msg);
	tokenizer_free(t);
}

#define SP(vocab, merges, rest) \
	"{\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,\"vocab\":{" vocab \
	"},\"merges\":[" merges "]}," rest "}"
#define VOCAB \
	"\"<unk>\":0,\"a\":1,\"b\":2,\"ab\":3,\"\xe2\x96\x81\":4,\"\xe2\x96\x81" \
	"a\":5,\"abab\":6,\"<0xC3>\":7,\"<0xA9>\":8"
#define STAGES \
	"\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\xe2\x96\x81\"}," \
	"{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}]}," \
	"\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\xe2\x96\x81\"}," \
	"\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}"

static void sentencepiece(void)
{
	struct tokenizer *t = parse(
		SP(VOCAB, "\"a b\",[\"\xe2\x96\x81\",\"a\"],\"ab ab\"",
		   STAGES
		   ",\"added_tokens\":[{\"id\":9,\"content\":\"<s>\",\"special\":true,\"normalized\":false},"
		   "{\"id\":10,\"content\":\"<n>\",\"special\":false,\"normalized\":true},"
		   "{\"id\":11,\"content\":\"<l>\",\"special\":true,\"normalized\":false,\"lstrip\":true,"
		   "\"rstrip\":true}]"));
	struct buf b = BUF_INIT;
	struct tokens k = {0};
	struct tokenizer_stream s;
	struct err e = ERR_INIT;

	ok_str(ids(t, "ab", 0), "4 3", "the lowest rank merges first");
	ok_str(ids(t, "a", 0), "5", "Prepend and merge");
	ok_str(ids(t, "ababab", 0), "4 6 3", "leftmost of equal rank");
	ok_str(ids(t, "a", TOKENIZER_CONTINUES), "1", "a continuation is not prepended to");
	ok_str(ids(t, "\xc3\xa9", 0), "4 7 8", "byte fallback");
	ok_str(ids(t, "xyz", 0), "4 0", "unknown characters are fused");
	ok_str(ids(t, "a<s>a", 0), "5 9 5", "text after an added token is normalized by itself");
	ok_str(ids(t, "a<s>a", TOKENIZER_NO_ADDED), "5 0 1", "added tokens can be left unmatched");
	ok_str(ids(t, "a <n>a", 0), "5 10 1",
	       "a normalized added token is matched as it is normalized");
	ok_str(ids(t, "a <l> a", 0), "5 11 5", "lstrip and rstrip take white space");
	ok_str(ids(t, "", 0), "", "nothing gives nothing");
	ok_str(ids(t, "a\xff\xc3", TOKENIZER_CONTINUES),
	       ids(t, "a\xef\xbf\xbd\xef\xbf\xbd", TOKENIZER_CONTINUES),
	       "bytes that are no UTF-8 count as U+FFFD");

	tokenizer_encode(t, span_of("ab \xc3\xa9<s>"), 0, &k, &e);
	tokenizer_decode(t, k.ids, k.n, 0, &b);
	ok_str(b.data, "ab \xc3\xa9<s>", "decoding gives the text back, less the space put first");
	buf_clear(&b);
	tokenizer_decode(t, k.ids, k.n, TOKENIZER_SKIP_SPECIAL | TOKENIZER_KEEP_START, &b);
	ok_str(b.data, " ab \xc3\xa9", "special tokens left out, the first space kept");

	buf_clear(&b);
	tokenizer_stream_begin(&s, t, 0);
	tokenizer_stream_add(&s, 7, &b);
	ok(b.len == 0, "half a character is held");
	tokenizer_stream_add(&s, 8, &b);
	ok_str(b.data, "\xc3\xa9", "and given when it is whole");
	tokenizer_stream_add(&s, 7, &b);
	tokenizer_stream_add(&s, 1, &b);
	ok_str(b.data,
	       "\xc3\xa9\xef\xbf\xbd"
	       "a",
	       "a byte that begins nothing becomes U+FFFD");
	tokenizer_stream_add(&s, 7, &b);
	tokenizer_stream_end(&s, &b);
	ok_str(b.data,
	       "\xc3\xa9\xef\xbf\xbd"
	       "a\xef\xbf\xbd",
	       "so does one at the end");
	buf_release(&b);
	tokens_release(&k);
	tokenizer_free(t);
}

/* A tokenizer.json of which one part is n times the same stage. */
static char *with_stages(const char *part, const char *list, size_t n, const char *stage)
{
	struct buf b = BUF_INIT;

	buf_addf(&b,
		 "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\" \":1},\"merges\":[]},\"%s\":{\"type\":\"Sequence\",\"%s\":[",
		 part, list);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? "," : "", stage);
	buf_adds(&b, "]}}");
	return buf_detach(&b, NULL);
}

/* Thirty stages of which each doubles the text are a gigabyte of one letter. */
static void stages_that_double(void)
{
	static const struct {
		const char *part, *list, *stage, *text;
	} kinds[] = {
		{"normalizer", "normalizers",
		 "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aa\"}", "a"},
		{"normalizer", "normalizers",
		 "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[ab]\"},\"content\":\"ab\"}", "a"},
		{"normalizer", "normalizers",
		 "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"$\"},\"content\":\"a\"}", "a"},
		{"pre_tokenizer", "pretokenizers",
		 "{\"type\":\"Metaspace\",\"replacement\":\"  \",\"prepend_scheme\":\"never\",\"split\":false}",
		 " "},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char *json = with_stages(kinds[i].part, kinds[i].list, 30, kinds[i].stage);
		struct tokenizer *t = parse(json);
		const char *got = t ? ids(t, kinds[i].text, 0) : "";

		if (strstr(kinds[i].stage, "\"$\""))
			ok(strstr(got, "MB") == NULL, "what does not grow is not refused");
		else
			ok(strstr(got, "make more than 16 MB of a text") != NULL,
			   "%s that doubles the text thirty times is refused", kinds[i].part);
		tokenizer_free(t);
		free(json);
	}
	char *json =
		with_stages("decoder", "decoders", 30,
			    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aa\"}");
	refuses(json, "the decoder makes more than 1 MB of a token");
	free(json);
}

/* Long words go through the heap, short ones are searched; both must agree. The text has no border
 * the cache could cut at. */
static void heap_equals_search(void)
{
	struct tokenizer *t = parse(
		SP("\"<unk>\":0,\"a\":1,\"b\":2,\"ab\":3,\"ba\":4,\"aba\":5,\"bab\":6,\"aa\":7,\"aabab\":8,\"abaaba\":9",
		   "\"a b\",\"a a\",\"b a\",\"ab a\",\"b ab\",\"aa bab\",\"aba aba\"",
		   "\"decoder\":{\"type\":\"Fuse\"}"));
	struct rng r;
	char text[120];
	int n, i, same = 1;

	rng_seed(&r, 7, 0);
	for (n = 0; n < 300 && same; n++) {
		/* <unk> never takes part in a merge, so x cuts the long text into words that are
		 * also encoded alone. */
		struct tokens whole = {0}, parts = {0};
		struct err e = ERR_INIT;

		for (i = 0; i < 119; i++)
			text[i] = rng_below(&r, 12) == 0 ? 'x' : rng_below(&r, 2) ? 'a' : 'b';
		text[119] = 0;
		tokenizer_encode(t, span_of(text), 0, &whole, &e);
		for (i = 0; i < 119;) {
			int j = i;

			while (j < 119 && (text[j] == 'x') == (text[i] == 'x'))
				j++;
			tokenizer_encode(t, (struct span){text + i, (size_t)(j - i)}, 0, &parts,
					 &e);
			i = j;
		}
		same = whole.n == parts.n &&
		       !memcmp(whole.ids, parts.ids, whole.n * sizeof *whole.ids);
		tokens_release(&whole);
		tokens_release(&parts);
	}
	ok(same, "long and short merge loops agree on random words");
	tokenizer_free(t);
}

struct job {
	const struct tokenizer *t;
	size_t n;
};

static void *encode_often(void *arg)
{
	struct job *j = arg;
	struct tokens out = {0};
	struct err e = ERR_INIT;
	int i;

	for (i = 0; i < 200; i++)
		tokenizer_encode(j->t, span_of("one two <|user|> three"), 0, &out, &e);
	j->n = out.n;
	tokens_release(&out);
	return NULL;
}

static void bytes_tokenizer(void)
{
	char dir[] = "/tmp/ft-tok-XXXXXX", *p;
	struct err e = ERR_INIT;
	struct tokenizer *t;
	struct tokens k = {0};
	struct buf all = BUF_INIT, back = BUF_INIT;
	pthread_t th[4];
	struct job jobs[4];
	size_t n, i;
	int c;

	ok(mkdtemp(dir) && !tokenizer_write_bytes(dir, &e), "the byte tokenizer is written");
	t = tokenizer_load(dir, &e);
	ok(t != NULL, "and read again");
	if (!t) {
		printf("# %s\n", e.msg);
		return;
	}
	ok(tokenizer_size(t) == TOKENIZER_BYTES_SIZE, "its size is what the header says");
	ok_str(ids(t, "Az", 0), "65 122", "bytes are their own ids");
	ok(tokenizer_bos(t) == 256 && tokenizer_eos(t) == 257 && tokenizer_pad(t) == 258,
	   "bos, eos and pad are known");
	ok(tokenizer_is_stop(t, 257) && *tokenizer_stops(t, &n) == 257 && n == 1,
	   "eos ends a generation");
	ok_str(ids(t, "<|end|>", 0), "257", "special tokens are matched");
	for (c = 1; c < 0x110000; c = c < 0x3000 ? c + 1 : c + 977) {
		char u[5] = {0};

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c < 0x80)
			u[0] = (char)c;
		else if (c < 0x800)
			u[0] = (char)(0xc0 | c >> 6), u[1] = (char)(0x80 | (c & 63));
		else if (c < 0x10000)
			u[0] = (char)(0xe0 | c >> 12), u[1] = (char)(0x80 | (c >> 6 & 63)),
			u[2] = (char)(0x80 | (c & 63));
		else
			u[0] = (char)(0xf0 | c >> 18), u[1] = (char)(0x80 | (c >> 12 & 63)),
			u[2] = (char)(0x80 | (c >> 6 & 63)), u[3] = (char)(0x80 | (c & 63));
		buf_adds(&all, u);
	}
	tokenizer_encode(t, buf_span(&all), 0, &k, &e);
	tokenizer_decode(t, k.ids, k.n, 0, &back);
	ok(k.n == all.len && back.len == all.len && !memcmp(back.data, all.data, all.len),
	   "every character survives");
	for (i = 0; i < 4; i++) {
		jobs[i] = (struct job){t, 0};
		pthread_create(&th[i], NULL, encode_often, &jobs[i]);
	}
	for (i = n = 0; i < 4; i++) {
		pthread_join(th[i], NULL);
		n += jobs[i].n == 200 * 15;
	}
	ok(n == 4, "four threads encode at once");
	tokenizer_free(t);
	tokens_release(&k);
	buf_release(&all);
	buf_release(&back);
	p = file_join(dir, "tokenizer.json");
	unlink(p);
	free(p);
	p = file_join(dir, "tokenizer_config.json");
	unlink(p);
	free(p);
	rmdir(dir);
}

static void stages(void)
{
#define BL(pre) \
	"{\"normalizer\":null,\"pre_tokenizer\":" pre \
	",\"decoder\":null,\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\"," \
	"\"vocab\":{\"?\":0,\"a\":1,\"aa\":2,\"1\":3,\"11\":4,\"-\":5,\"--\":6,\" \":7,\"\xe2\x96\x81\":8,\"a-\":9,\"-a\":10}," \
	"\"merges\":[\"a a\",\"1 1\",\"- -\",\"a -\",\"- a\"]}}"
	static const struct {
		const char *json, *text, *want, *what;
	} cases[] = {
		{BL("{\"type\":\"Digits\",\"individual_digits\":true}"), "aa11", "2 3 3",
		 "Digits one by one"},
		{BL("{\"type\":\"Digits\",\"individual_digits\":false}"), "aa11", "2 4",
		 "Digits in runs"},
		{BL("{\"type\":\"Punctuation\"}"), "aa--", "2 5 5", "Punctuation isolated"},
		{BL("{\"type\":\"Punctuation\",\"behavior\":\"Contiguous\"}"), "aa--", "2 6",
		 "Punctuation contiguous"},
		{BL("{\"type\":\"Split\",\"pattern\":{\"String\":\"-\"},\"behavior\":\"MergedWithPrevious\",\"invert\":false}"),
		 "a--a", "9 5 1", "Split MergedWithPrevious"},
		{BL("{\"type\":\"Split\",\"pattern\":{\"String\":\"-\"},\"behavior\":\"MergedWithNext\",\"invert\":false}"),
		 "a--a", "1 5 10", "Split MergedWithNext"},
		{BL("{\"type\":\"Split\",\"pattern\":{\"String\":\"-\"},\"behavior\":\"Removed\",\"invert\":false}"),
		 "a--a", "1 1", "Split Removed"},
		{BL("{\"type\":\"Split\",\"pattern\":{\"Regex\":\"-+\"},\"behavior\":\"Isolated\",\"invert\":false}"),
		 "a--a", "1 6 1", "Split by a pattern"},
		{BL("{\"type\":\"WhitespaceSplit\"}"), "a aa", "1 2", "WhitespaceSplit"},
		{BL("{\"type\":\"Whitespace\"}"), "aa--11 a", "2 6 4 1", "Whitespace"},
		{BL("{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"always\",\"split\":true}"),
		 "a a", "8 1 8 1", "Metaspace"},
		{BL("{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"never\",\"split\":true}"),
		 "a a", "1 8 1", "Metaspace without prepending"},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tokenizer *t = parse(cases[i].json);

		ok_str(t ? ids(t, cases[i].text, 0) : "", cases[i].want, "%s", cases[i].what);
		tokenizer_free(t);
	}
}

static void linear(void)
{
	struct tokenizer *t =
		parse(SP(VOCAB, "\"a b\",[\"\xe2\x96\x81\",\"a\"],\"ab ab\"", STAGES));
	size_t n = (size_t)1 << 20;
	char *text = mem_alloc(n + 1, 1);
	struct tokens k = {0};
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < n; i++)
		text[i] = "ab"[i & 1];
	/* Quadratic work would take hours here; the test's own time limit is the check. */
	ok(!tokenizer_encode(t, (struct span){text, n}, 0, &k, &e) && k.n == 1 + n / 4,
	   "a megabyte without a border");
	free(text);
	tokens_release(&k);
	tokenizer_free(t);
}

static void stories(void)
{
	struct err e = ERR_INIT;
	struct tokenizer *t;
	const char *want = "1 80 147 201 282 215 286 598";

	if (!file_is_dir(STORIES)) {
		ok(1, "published tokenizer # SKIP %s is not here", STORIES);
		return;
	}
	t = tokenizer_load(STORIES, &e);
	ok(t != NULL, "the published tokenizer is read");
	ok_str(ids(t, "<|start_story|> Once upon a time, there was a little girl named ", 0), want,
	       "added token in the text");
	ok_str(ids(t, "Once upon a time, there was a little girl named ", TOKENIZER_SPECIAL), want,
	       "added token from the post-processor");
	tokenizer_free(t);
}

int main(void)
{
	sentencepiece();
	stages_that_double();
	heap_equals_search();
	stages();
	linear();
	bytes_tokenizer();
	stories();
	refuses("{}", "model");
	refuses("[", "JSON");
	refuses("{\"model\":{\"type\":\"Unigram\",\"vocab\":{}}}",
		"Unigram\" is not supported: it is that of T5");
	refuses("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{}}}", "that of BERT");
	refuses(SP(VOCAB, "\"a q\"", "\"decoder\":null"), "merges[0]");
	refuses(SP(VOCAB, "\"a b\",\"ab\"", "\"decoder\":null"), "merges[1]");
	refuses(SP("\"<unk>\":0,\"a\":99999999", "", "\"decoder\":null"), "out of range");
	refuses(SP("\"<unk>\":0,\"a\":0", "", "\"decoder\":null"), "same id");
	refuses(SP(VOCAB, "", "\"normalizer\":{\"type\":\"Precompiled\"}"), "Precompiled");
	refuses(SP(VOCAB, "", "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"),
		"BertPreTokenizer");
	refuses(SP(VOCAB, "",
		   "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a\"}}"),
		"Split");
	refuses(SP(VOCAB, "", "\"decoder\":{\"type\":\"CTC\"}"), "CTC");
	refuses(SP(VOCAB, "", "\"added_tokens\":[{\"id\":5,\"content\":\"z\"}]"), "added token");
	refuses(SP(VOCAB, "", "\"post_processor\":{\"type\":\"Odd\"}"), "Odd");
	return tap_done();
}
