/* Which target a conversation goes to: shares that are kept, and nobody who comes back when a share grows. */
#include "../../lib/serve/routes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tap.h"

enum { CONVERSATIONS = 10000 };

static struct routes *read_text(const char *text)
{
	struct err e = ERR_INIT;
	char path[] = "/tmp/ft-routes-XXXXXX";
	int fd = mkstemp(path);
	struct routes *r;

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return NULL;
	close(fd);
	r = routes_read(path, &e);
	if (!r)
		printf("# %s\n", e.msg);
	unlink(path);
	return r;
}

/* The routes with these weights of three targets; the order of the file is turned round where asked. */
static struct routes *weighted(double a, double b, double c, int turned)
{
	const double weight[] = {a, b, c};
	struct buf text = BUF_INIT;
	struct routes *r;

	buf_adds(&text, "{\"routes\":{\"r\":{\"targets\":[");
	for (int i = 0; i < 3; i++) {
		int k = turned ? 2 - i : i;

		buf_addf(&text,
			 "%s{\"model\":\"%c\",\"url\":\"http://127.0.0.1:9/v1\",\"weight\":%g}",
			 i ? "," : "", 'a' + k, weight[k]);
	}
	buf_adds(&text, "]}}}");
	r = read_text(text.data);
	buf_release(&text);
	return r;
}

/* Of conversation n: 'a', 'b' or 'c'. */
static char choose(const struct routes *r, int n)
{
	char id[32];

	snprintf(id, sizeof id, "conversation-%d", n);
	return *r->targets[r->routes->targets.v[routes_choose(r, r->routes, span_of(id))].target]
			.name;
}

/* Within 4 standard deviations of a binomial share. */
static int near_share(int n, double p)
{
	return fabs(n - CONVERSATIONS * p) <= 4 * sqrt(CONVERSATIONS * p * (1 - p)) + 1e-9;
}

static void test_growing(void)
{
	static const double steps[] = {0, 5, 50, 95, 100};
	static char before[CONVERSATIONS];
	int back = 0, shares = 1;

	for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
		struct routes *r = weighted(100 - steps[s], steps[s], 0, 0);
		int n = 0;

		for (int i = 0; i < CONVERSATIONS; i++) {
			char now = choose(r, i);

			back += s && before[i] == 'b' && now != 'b';
			before[i] = now;
			n += now == 'b';
		}
		shares &= near_share(n, steps[s] / 100);
		routes_free(r);
	}
	ok(shares, "each target gets its share, within 4 standard deviations");
	ok(!back, "nobody leaves a target whose share grows");
}

static void test_third(void)
{
	struct routes *r = weighted(90, 5, 5, 0), *more = weighted(80, 15, 5, 0),
		      *turned = weighted(90, 5, 5, 1);
	int away = 0, others = 0, same = 1, c = 0;

	for (int i = 0; i < CONVERSATIONS; i++) {
		char was = choose(r, i), now = choose(more, i);

		away += was == 'b' && now != 'b';
		/* What moves goes to the one that grew, against all others. */
		others += was != now && now != 'b' && was == 'c';
		same &= was == choose(turned, i);
		c += now == 'c';
	}
	ok(!away, "of three, too, nobody leaves the one that grows");
	ok(near_share(c, 0.05), "the one that was left alone keeps its share");
	ok(same, "the order of the file does not matter");
	ok(others < CONVERSATIONS / 20, "few move between those that did not grow");
	routes_free(r);
	routes_free(more);
	routes_free(turned);
}

static void test_shadow(void)
{
	struct routes *r = weighted(1, 1, 0, 0);
	struct routes_pick some = {2, 0.2}, more = {2, 0.5}, none = {2, 0}, all = {2, 1};
	int n = 0, lost = 0, never = 0, always = 0, with_a = 0;

	for (int i = 0; i < CONVERSATIONS; i++) {
		char id[32];

		snprintf(id, sizeof id, "conversation-%d", i);
		int in = routes_shadows(r, &some, span_of(id));

		n += in;
		with_a += in && choose(r, i) == 'a';
		lost += in && !routes_shadows(r, &more, span_of(id));
		never += routes_shadows(r, &none, span_of(id));
		always += routes_shadows(r, &all, span_of(id));
	}
	ok(near_share(n, 0.2), "a shadow gets its share");
	ok(!lost && !never && always == CONVERSATIONS, "which only grows with it");
	ok(fabs(with_a - n / 2.0) < 4 * sqrt(n / 4.0), "whoever answers the client");
	routes_free(r);
}

static void test_url(void)
{
	static const char *const cases[][3] = {
		{"https://api.openai.com/v1", "/v1/chat/completions",
		 "https://api.openai.com/v1/chat/completions"},
		{"https://api.openai.com/v1/", "/v1/files?limit=2",
		 "https://api.openai.com/v1/files?limit=2"},
		{"https://api.anthropic.com", "/v1/messages?beta=true",
		 "https://api.anthropic.com/v1/messages?beta=true"},
		{"http://h/openai/v1", "/v1/models", "http://h/openai/v1/models"},
		{"http://h/v1/chat/completions", "/v1/chat/completions",
		 "http://h/v1/chat/completions"},
		{"https://x.example/openai/deployments/d?api-version=1", "/v1/chat/completions?a=b",
		 "https://x.example/openai/deployments/d/chat/completions?api-version=1&a=b"},
		{"http://h", "/v1", "http://h/v1"},
		{"http://h/v1", "/v1", "http://h/v1"},
		{"http://h/v1", "/v10/x", "http://h/v1/v10/x"},
	};
	int good = 1;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf url = BUF_INIT;

		routes_url(cases[i][0], cases[i][1], &url);
		if (!span_is(buf_span(&url), cases[i][2])) {
			printf("# %s\n", url.data);
			good = 0;
		}
		buf_release(&url);
	}
	ok(good, "a client's path stands at a target's address");
}

int main(void)
{
	test_growing();
	test_third();
	test_shadow();
	test_url();
	return tap_done();
}
