/* Transfers over libcurl's socket interface: shards of slots on one epoll. */
#include "harness/load/http_internal.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/base/clock.h"
#include "harness/load/idtext.h"

struct socket_state *http_socket_at(struct http *http, curl_socket_t fd)
{
    while (http->sockets.count <= (size_t)fd) {
        (void)VEC_ADD(&http->sockets);
    }
    return &http->sockets.items[fd];
}

/* libcurl names a socket again for each request and takes it back after it. Telling epoll only what it does not know yet saves two
 * system calls a request; an idle connection that gets an event is taken out then (http_on_event). */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct shard *shard = context;
    struct http *http = shard->http;
    struct socket_state *state = http_socket_at(http, fd);
    (void)easy;
    (void)unused;
    state->wanted = what == CURL_POLL_REMOVE ? 0 : (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (state->opener && state->wanted & EPOLLIN) { /* connecting waits for EPOLLOUT only */
        state->opener->connected = true;
        state->opener = NULL;
    }
    if (state->wanted == 0 || state->wanted == state->registered) {
        return 0;
    }
    struct epoll_event event = {.events = state->wanted,
                                .data.u64 = HTTP_EVENT_BIT | (uint64_t)shard->index << 32 | (uint32_t)fd};
    if (epoll_ctl(http->settings.epoll_fd, state->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0) {
        return -1;
    }
    state->registered = state->wanted;
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct shard *shard = context;
    (void)multi;
    shard->timer_ns = timeout_ms < 0 ? INT64_MAX : clock_now_ns() + timeout_ms * NS_PER_MS;
    return 0;
}

/* An answer that is wrong ends its connection too: it stays in libcurl's pool and is found dead before it is used again. */
static void drop_connection(const struct slot *slot)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(slot->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD) {
        shutdown(fd, SHUT_RDWR);
    }
}

static void finish(struct slot *slot, CURLcode code)
{
    struct http *http = slot->shard->http;
    struct http_done *result = &slot->result;
    result->done_ns = clock_now_ns();
    result->http_status = (uint16_t)slot_status(slot);
    result->outcome = slot_outcome(slot, code);
    result->no_address = result->outcome == OUTCOME_DNS;
    if (result->outcome == OUTCOME_STATUS || (result->outcome == OUTCOME_BODY && code == CURLE_OK)) {
        drop_connection(slot);
    }
    curl_multi_remove_handle(slot->shard->multi, slot->easy);
    *VEC_ADD(&http->unused[slot->request_class]) = slot;
    http->settings.done(http->settings.context, result);
}

/* Right after each call into the shard, so that a wrong answer's connection is dropped before anything else can take it. */
static void collect(struct shard *shard)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(shard->multi, &left));) {
        if (message->msg == CURLMSG_DONE) {
            CURLcode code = message->data.result; /* gone once the handle is removed */
            struct slot *slot = NULL;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
            finish(slot, code);
        }
    }
}

static struct shard *shard_with_room(struct http *http)
{
    struct shard *shard = http->shards.count ? http->shards.items[http->shards.count - 1] : NULL;
    if (shard && shard->slot_count < SLOTS_PER_SHARD) {
        return shard;
    }
    CURLM *multi = curl_multi_init();
    if (!multi) {
        return NULL;
    }
    shard = xcalloc(1, sizeof(*shard));
    *shard = (struct shard){.http = http, .multi = multi, .index = http->shards.count, .timer_ns = INT64_MAX};
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    /* By default four times the handles that run now: an open loop at rest would close its warm connections. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)SLOTS_PER_SHARD);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    *VEC_ADD(&http->shards) = shard;
    return shard;
}

static struct slot *add_slot(struct http *http, enum request_class request_class)
{
    struct shard *shard = http->slots.count < http->settings.slots_max ? shard_with_room(http) : NULL;
    struct slot *slot = shard ? slot_new(shard, request_class) : NULL;
    if (slot) {
        shard->slot_count++;
        *VEC_ADD(&http->slots) = slot;
        *VEC_ADD(&http->unused[request_class]) = slot;
    }
    return slot;
}

bool http_send(struct http *http, const struct http_order *order)
{
    size_t unused = http->unused[order->request_class].count;
    struct slot *slot = unused ? http->unused[order->request_class].items[unused - 1] : add_slot(http, order->request_class);
    if (!slot) {
        return false;
    }
    slot_prepare(slot, order);
    if (curl_multi_add_handle(slot->shard->multi, slot->easy) != CURLM_OK) {
        return false;
    }
    http->unused[order->request_class].count--;
    return true;
}

void http_on_event(struct http *http, const struct epoll_event *event)
{
    int running, fd = (int)(event->data.u64 & UINT32_MAX);
    struct shard *shard = http->shards.items[(event->data.u64 & ~HTTP_EVENT_BIT) >> 32];
    struct socket_state *state = http_socket_at(http, fd);
    if (state->wanted == 0) {
        if (state->registered) { /* an idle connection: its end is found before it is used again */
            epoll_ctl(http->settings.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
            state->registered = 0;
        }
        return;
    }
    int what = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) | (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(shard->multi, fd, what, &running);
    collect(shard);
}

void http_run(struct http *http, int64_t now_ns)
{
    int running;
    VEC_EACH(item, &http->shards)
    {
        struct shard *shard = *item;
        if (shard->timer_ns <= now_ns) {
            shard->timer_ns = INT64_MAX;
            curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
            collect(shard);
        }
    }
}

int64_t http_next_ns(const struct http *http)
{
    int64_t next_ns = INT64_MAX;
    for (size_t i = 0; i < http->shards.count; i++) {
        int64_t timer_ns = http->shards.items[i]->timer_ns;
        next_ns = timer_ns < next_ns ? timer_ns : next_ns;
    }
    return next_ns;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static CURLcode library_status;

static void start_library(void)
{
    library_status = curl_global_init(CURL_GLOBAL_ALL);
}

static int parse_url(const char *url, CURLU **ret_url, char **ret_host, struct err *err)
{
    AUTO_FREE char *expanded = idtext_expand(url, "");
    char *host = NULL, *scheme = NULL;
    CURLU *parsed = curl_url();
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, expanded, 0);
    if (code == CURLUE_OK) {
        curl_url_get(parsed, CURLUPART_HOST, &host, 0);
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
    }
    bool usable = host && scheme && host[0] != '[' && (str_eq(scheme, "http") || str_eq(scheme, "https"));
    *ret_host = usable ? xstrdup(host) : NULL;
    curl_free(host);
    curl_free(scheme);
    if (!usable) {
        curl_url_cleanup(parsed);
        return err_set(err, ERR_INPUT, "URL '%s': expected http://NAME:PORT/PATH or https://…, to a name or an IPv4 address",
                       url);
    }
    *ret_url = parsed;
    return 0;
}

int http_url_host(const char *url, char **ret_host, struct err *err)
{
    CURLU *parsed = NULL;
    int status = parse_url(url, &parsed, ret_host, err);
    curl_url_cleanup(parsed);
    return status;
}

int http_new(const struct http_settings *settings, struct http **ret_http, struct err *err)
{
    pthread_once(&library_once, start_library);
    if (library_status != CURLE_OK) {
        return err_set(err, ERR_SYSTEM, "cannot start libcurl: %s", curl_easy_strerror(library_status));
    }
    struct http *http CLEANUP(http_cleanup) = xcalloc(1, sizeof(*http));
    http->settings = *settings;
    json_incref((json_t *)settings->headers);
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        int status = settings->calls[i].url ? parse_url(settings->calls[i].url, &http->urls[i], &http->hosts[i], err) : 0;
        if (status < 0) {
            return status;
        }
    }
    *ret_http = TAKE(http);
    return 0;
}

void http_free(struct http *http)
{
    if (!http) {
        return;
    }
    VEC_EACH(slot, &http->slots)
    {
        curl_multi_remove_handle((*slot)->shard->multi, (*slot)->easy);
        slot_free(*slot);
    }
    VEC_EACH(shard, &http->shards)
    {
        curl_multi_cleanup((*shard)->multi); /* closes pooled connections through on_close */
        free(*shard);
    }
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        curl_url_cleanup(http->urls[i]);
        free(http->hosts[i]);
        VEC_CLEAR(&http->unused[i]);
    }
    json_decref((json_t *)http->settings.headers);
    VEC_CLEAR(&http->slots);
    VEC_CLEAR(&http->shards);
    VEC_CLEAR(&http->sockets);
    free(http);
}
