/* host: see the header. */
#include "host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

int host_read(struct span text, struct host *h)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	size_t n = 0;
	int bracket = text.n && text.s[0] == '[', port = 0, digits = 0;

	if (bracket) {
		while (n < text.n && text.s[n] != ']')
			n++;
		n++;
	} else {
		while (n < text.n && text.s[n] && strchr(plain, text.s[n]))
			n++;
	}
	if (!n || n > text.n || n > 255)
		return -1;
	*h = (struct host){{text.s, n}, 0};
	if (n == text.n)
		return 0;
	if (text.s[n] != ':')
		return -1;
	while (++n < text.n) {
		if (text.s[n] < '0' || text.s[n] > '9' || ++digits > 5)
			return -1;
		port = 10 * port + (text.s[n] - '0');
	}
	h->port = port;
	return digits && port && port <= 65535 ? 0 : -1;
}

int host_read_origin(struct span text, struct host *h)
{
	const char *p = text.n ? memmem(text.s, text.n, "://", 3) : NULL;

	return p ? host_read((struct span){p + 3, text.n - (size_t)(p + 3 - text.s)}, h) : -1;
}

/* Without the dot that a name may end with. */
static struct span bare(const struct host *h)
{
	struct span s = h->name;

	s.n -= s.n > 1 && s.s[s.n - 1] == '.';
	return s;
}

int host_is(const struct host *h, const char *name)
{
	struct span s = bare(h);

	return s.n == strlen(name) && strncasecmp(s.s, name, s.n) == 0;
}

/* The four bytes of an IPv4 address, or sixteen of an IPv6 one; how many. */
static int address_of(const struct host *h, unsigned char to[16])
{
	char text[INET6_ADDRSTRLEN];
	int bracket = h->name.s[0] == '[';
	size_t n = h->name.n - (bracket ? 2 : 0);

	if (n >= sizeof text)
		return 0;
	memcpy(text, h->name.s + bracket, n);
	text[n] = 0;
	return inet_pton(bracket ? AF_INET6 : AF_INET, text, to) == 1 ? bracket ? 16 : 4 : 0;
}

int host_is_address(const struct host *h)
{
	unsigned char a[16];

	return address_of(h, a) > 0;
}

int host_is_here(const struct host *h)
{
	static const unsigned char one[16] = {[15] = 1};
	static const char under[] = ".localhost";
	struct span s = bare(h);
	unsigned char a[16];
	int n = address_of(h, a);

	if (n)
		return n == 4 ? a[0] == 127 : memcmp(a, one, sizeof one) == 0;
	return host_is(h, "localhost") ||
	       (s.n > strlen(under) &&
		strncasecmp(s.s + s.n - strlen(under), under, strlen(under)) == 0);
}
