/* url: see the header. */
#include "url.h"

#include <curl/curl.h>
#include <string.h>
#include "../base/host.h"

int url_is_exposed(const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *name = NULL;
	struct host h;
	int exposed = u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
		      !curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) &&
		      !curl_url_get(u, CURLUPART_HOST, &name, 0) && !strcmp(scheme, "http") &&
		      (host_read(span_of(name), &h) || !host_is_here(&h));

	curl_free(scheme);
	curl_free(name);
	curl_url_cleanup(u);
	return exposed;
}

int url_exposes(const char *url, int key)
{
	CURLU *u = curl_url();
	char *password = NULL;

	if (!key && u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
	    !curl_url_get(u, CURLUPART_PASSWORD, &password, 0))
		key = *password;
	curl_free(password);
	curl_url_cleanup(u);
	return key && url_is_exposed(url);
}

void url_show(struct buf *b, const char *url)
{
	const char *end = url + strcspn(url, "?#"), *host = strstr(url, "://"), *slash, *at;

	host = host && host < end ? host + 3 : url;
	slash = host + strcspn(host, "/?#");
	for (at = slash; at > host && at[-1] != '@';)
		at--;
	buf_add(b, url, (size_t)(host - url));
	buf_add(b, at, (size_t)(end - at));
}
