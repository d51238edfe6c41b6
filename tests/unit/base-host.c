/* Host and Origin: what is a name of this machine, and what is none at all. Names and forms are from
 * RFC 9110 (7.2), RFC 6454 (6.1), RFC 6761 (6.3) and RFC 3986 (3.2.2). */
#include "../../lib/base/host.h"
#include "tap.h"

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

int main(void)
{
	static const char *const here[] = {"localhost",	 "LocalHost:8080",    "localhost.:1",
					   "127.0.0.1",	 "127.8.9.1:65535",   "[::1]",
					   "[::1]:8080", "[0:0:0:0:0:0:0:1]", "app.localhost:3000"};
	static const char *const elsewhere[] = {"example.org",
						"localhost.example.org",
						"127.0.0.1.example.org",
						"xlocalhost",
						"192.168.1.7:80",
						"[fe80::1]",
						"128.0.0.1",
						"0.0.0.0",
						"127.1"};
	static const char *const none[] = {"",
					   ":80",
					   "localhost:",
					   "localhost:x",
					   "localhost:0",
					   "localhost:65536",
					   "localhost:80:80",
					   "[::1",
					   "[::1]x",
					   "a@localhost",
					   "localhost/",
					   "local host",
					   "localhost:123456",
					   "loc\xc3\xa4l"};
	struct host h;

	for (size_t i = 0; i < sizeof here / sizeof *here; i++)
		ok(!host_read(text(here[i]), &h) && host_is_here(&h), "%s is here", here[i]);
	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
		ok(!host_read(text(elsewhere[i]), &h) && !host_is_here(&h), "%s is not",
		   elsewhere[i]);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		ok(host_read(text(none[i]), &h), "\"%s\" is no host", none[i]);
	ok(host_read((struct span){"localhost\0x", 11}, &h), "nor is what holds a NUL");
	ok(!host_read(text("[fe80::1]:8080"), &h) && host_is_address(&h) && h.port == 8080,
	   "an address and its port");
	ok(!host_read(text("10.0.0.300"), &h) && !host_is_address(&h), "a name of digits");
	ok(!host_read(text("LLM.example.org.:8443"), &h) && host_is(&h, "llm.example.org") &&
		   !host_is(&h, "llm.example.or"),
	   "a name in another case, with its last dot");
	ok(!host_read_origin(text("http://localhost:5173"), &h) && host_is_here(&h) &&
		   h.port == 5173,
	   "an origin");
	ok(host_read_origin(text("null"), &h) && host_read_origin(text("http://"), &h) &&
		   host_read_origin(text("http://localhost:5173@example.org"), &h) &&
		   host_read_origin(text("http://localhost/x"), &h) &&
		   host_read_origin((struct span){0}, &h),
	   "none");
	return tap_done();
}
