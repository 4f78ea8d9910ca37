/* A POST with libcurl's easy interface. */
#include "harness/post/post.h"

#include <curl/curl.h>
#include <string.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/base/cleanup.h"
#include "harness/base/str.h"

enum { PAUSE_FIRST_MS = 300 };

static void easy_free(CURL *easy)
{
    curl_easy_cleanup(easy);
}
DEFINE_CLEANUP(CURL *, easy, easy_free)

static void list_free(struct curl_slist *list)
{
    curl_slist_free_all(list);
}
DEFINE_CLEANUP(struct curl_slist *, list, list_free)

/* What the other side answers is of no interest beyond its status. */
static size_t drop_body(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

int post_json(const char *url, const char *text, int64_t timeout_ns, long *ret_status, struct err *err)
{
    CURL *easy CLEANUP(easy_cleanup) = curl_easy_init();
    struct curl_slist *headers CLEANUP(list_cleanup) = curl_slist_append(NULL, "Content-Type: application/json");
    if (!easy || !headers) {
        return err_set(err, ERR_SYSTEM, "libcurl is out of memory");
    }
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / NS_PER_MS) + 1);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, text);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "drill/" DRILL_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_body);
    CURLcode code = curl_easy_perform(easy);
    if (code != CURLE_OK) {
        return err_set(err, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_SYSTEM, "%s", curl_easy_strerror(code));
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, ret_status);
    return 0;
}

static bool may_get_better(long status)
{
    return status >= 500 || status == 408 || status == 429;
}

static void pause_ns(int64_t ns)
{
    struct timespec left = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    (void)nanosleep(&left, NULL);
}

int post_json_retry(const char *url, const char *text, int tries, int64_t budget_ns, long *ret_status, struct err *err)
{
    int64_t end_ns = clock_now_ns() + budget_ns, wait_ns = PAUSE_FIRST_MS * NS_PER_MS;
    int status = 0;
    *ret_status = 0;
    for (int i = 0; i < tries; i++, wait_ns *= 2) {
        int64_t left_ns = end_ns - clock_now_ns();
        if (left_ns <= 0) {
            return err_set(err, ERR_TIMEOUT, "no answer within %lld s", (long long)(budget_ns / NS_PER_S));
        }
        status = post_json(url, text, left_ns, ret_status, err);
        if (status == 0 && !may_get_better(*ret_status)) {
            return 0;
        }
        if (i + 1 < tries && wait_ns < end_ns - clock_now_ns()) {
            pause_ns(wait_ns);
        }
    }
    return status;
}
