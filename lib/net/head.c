/* head: see the header. */
#include "head.h"

/* CURLE_TOO_LARGE, which older headers of libcurl (before 8.6) do not name. */
#define TOO_LARGE ((CURLcode)100)

int head_add(struct head *h, size_t line)
{
	h->n += line;
	return h->n > HEAD_MAX;
}

const char *head_fault(const struct head *h, CURL *easy, CURLcode code)
{
	curl_off_t body = 0;
	long asked = 0;

	if (h->n > HEAD_MAX)
		return "the answer's headers are larger than 256 KB";
	/* For a line beyond its limit libcurl says that it has no memory; where there is none the
	 * program has ended (http_ready). */
	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &asked);
	curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
	if ((code == CURLE_OUT_OF_MEMORY || code == TOO_LARGE) && asked > 0 && !body)
		return "a line of the answer's headers is longer than 100 KB";
	return NULL;
}
