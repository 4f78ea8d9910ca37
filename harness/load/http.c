/* Transfers over libcurl's socket interface: shards of slots on one epoll. */
#include "harness/load/http_internal.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/load/blocks.h"

enum {
    CA_MAX_BYTES = 16 * 1024 * 1024,
    USERS_KEPT_MAX = 1000, /* connections of so many users stay open in a shard */
    RUN_AGAIN_MAX = 64     /* shards that want to be called again at once; after so many the deadlines come first */
};

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
    struct http *http = shard->http;
    (void)multi;
    if (timeout_ms == 0 && !shard->ready) {
        shard->ready = true;
        *VEC_ADD(&http->ready) = shard;
    }
    shard->timer_ns = timeout_ms > 0 ? clock_now_ns() + timeout_ms * NS_PER_MS : INT64_MAX;
    http->timer_ns = shard->timer_ns < http->timer_ns ? shard->timer_ns : http->timer_ns;
    return 0;
}

/* Requests come nearly in order of their deadlines: the search from the end is short. */
static void enlist(struct http *http, struct slot *slot)
{
    struct slot *before = http->last_due;
    while (before && before->deadline_ns > slot->deadline_ns) {
        before = before->earlier;
    }
    slot->earlier = before;
    slot->later = before ? before->later : http->first_due;
    *(before ? &before->later : &http->first_due) = slot;
    *(slot->later ? &slot->later->earlier : &http->last_due) = slot;
}

static void delist(struct http *http, struct slot *slot)
{
    *(slot->earlier ? &slot->earlier->later : &http->first_due) = slot->later;
    *(slot->later ? &slot->later->earlier : &http->last_due) = slot->earlier;
}

/* An answer that is wrong ends its connection too: it stays in libcurl's pool and is found dead before it is used again. A request that
 * began within the same call into libcurl may be on it already: then the connection stays, or that one would look like a reset. */
static void drop_connection(const struct slot *slot)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(slot->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD &&
        http_socket_at(slot->shard->http, fd)->wanted == 0) {
        shutdown(fd, SHUT_RDWR);
    }
}

static void give_back(struct slot *slot)
{
    struct http *http = slot->shard->http;
    delist(http, slot);
    curl_multi_remove_handle(slot->shard->multi, slot->easy);
    *VEC_ADD(&http->unused[slot->request_class]) = slot;
    http->settings.done(http->settings.context, &slot->result);
}

static void finish(struct slot *slot, CURLcode code)
{
    struct http *http = slot->shard->http;
    struct http_done *result = &slot->result;
    long version = 0;
    result->done_ns = clock_now_ns();
    result->http_status = (uint16_t)slot_status(slot);
    result->outcome = slot_outcome(slot, code);
    result->no_address = result->outcome == OUTCOME_DNS;
    if (http->settings.version == HTTP_2) {
        curl_easy_getinfo(slot->easy, CURLINFO_HTTP_VERSION, &version);
        http->answers_over_2 += version == CURL_HTTP_VERSION_2_0;
    }
    bool is_wrong = result->outcome == OUTCOME_STATUS || (result->outcome == OUTCOME_BODY && code == CURLE_OK);
    if (is_wrong && version != CURL_HTTP_VERSION_2_0) { /* else the requests beside it would go too */
        drop_connection(slot);
    }
    give_back(slot);
}

/* Over HTTP/2 a request that runs into its deadline ends its stream alone, and one endless wait would keep a dead connection in use for
 * ever. A connection over which nothing at all came while the request waited is taken for dead. */
static void expire(struct slot *slot, int64_t now_ns)
{
    struct http *http = slot->shard->http;
    slot->result.done_ns = now_ns;
    slot->result.outcome = slot_timed_out(slot);
    slot->result.http_status = (uint16_t)slot_status(slot);
    if (http->fd_of_port && slot->fd && slot->result.sent_ns && http_socket_at(http, slot->fd)->heard_ns < slot->result.sent_ns) {
        shutdown(slot->fd, SHUT_RDWR);
    }
    give_back(slot); /* closes its connection: it is in the middle of a request */
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
    if (shard && shard->slot_count < shard->slots_max) {
        return shard;
    }
    CURLM *multi = curl_multi_init();
    if (!multi) {
        return NULL;
    }
    shard = xcalloc(1, sizeof(*shard));
    *shard = (struct shard){.http = http, .multi = multi, .index = http->shards.count, .timer_ns = INT64_MAX};
    shard->slots_max = shard->index < SMALL_SHARDS ? SLOTS_PER_SMALL_SHARD : SLOTS_PER_SHARD;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    /* By default four times the handles that run now: an open loop at rest would close its warm connections. */
    size_t users = http->settings.has_sources ? http->settings.sessions : 0; /* each needs its own */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)(shard->slots_max + (users < USERS_KEPT_MAX ? users : USERS_KEPT_MAX)));
    curl_multi_setopt(multi, CURLMOPT_PIPELINING,
                      (long)(http->settings.version == HTTP_2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING));
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
    enlist(http, slot);
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
    if (http->settings.version == HTTP_2 && event->events & EPOLLIN) {
        state->heard_ns = clock_now_ns();
    }
    int what = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) | (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(shard->multi, fd, what, &running);
    collect(shard);
}

static void run_shard(struct shard *shard)
{
    int running;
    curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(shard);
}

static void run_timers(struct http *http, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    http->timer_ns = INT64_MAX; /* on_timer lowers it */
    VEC_EACH(item, &http->shards)
    {
        struct shard *shard = *item;
        if (shard->timer_ns <= now_ns) {
            shard->timer_ns = INT64_MAX;
            run_shard(shard);
        }
        next_ns = shard->timer_ns < next_ns ? shard->timer_ns : next_ns;
    }
    http->timer_ns = next_ns < http->timer_ns ? next_ns : http->timer_ns;
}

static void run_ready(struct http *http)
{
    size_t limit = http->ready.count + RUN_AGAIN_MAX, count = 0;
    while (count < http->ready.count && count < limit) {
        struct shard *shard = http->ready.items[count++];
        shard->ready = false; /* it may come again while it runs */
        run_shard(shard);
    }
    http->ready.count -= count;
    if (http->ready.count > 0) {
        memmove(http->ready.items, http->ready.items + count, http->ready.count * sizeof(*http->ready.items));
    }
}

void http_run(struct http *http, int64_t now_ns)
{
    while (http->first_due && http->first_due->deadline_ns <= now_ns) {
        expire(http->first_due, now_ns);
    }
    run_ready(http);
    if (http->timer_ns <= now_ns) {
        run_timers(http, now_ns);
    }
}

int64_t http_next_ns(const struct http *http)
{
    int64_t deadline_ns = http->first_due ? http->first_due->deadline_ns : INT64_MAX;
    return http->ready.count ? 1 : deadline_ns < http->timer_ns ? deadline_ns : http->timer_ns;
}

uint64_t http_answers_over_2(const struct http *http)
{
    return http->answers_over_2;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static CURLcode library_status;

static void start_library(void)
{
    blocks_start();
    library_status =
        curl_global_init_mem(CURL_GLOBAL_ALL, block_new, block_free, block_resize, block_copy_text, block_new_zeroed);
}

/* libcurl would say so only once a connection is made, and then as a failure of the server. */
static int check_ca(const struct http_settings *settings, struct err *err)
{
    if (!settings->ca) {
        return 0;
    }
    AUTO_FREE char *text = NULL;
    int status = fd_read_file(settings->ca, CA_MAX_BYTES, &text, NULL, err);
    if (status < 0) {
        return err_prefix(err, "ca");
    }
    return strstr(text, "-----BEGIN ") ? 0 : err_set(err, ERR_INPUT, "ca: '%s' has no certificate in PEM form", settings->ca);
}

static uint32_t read_local_ports(void)
{
    AUTO_FREE char *text = NULL;
    struct err ignored = {0};
    if (fd_read_file("/proc/sys/net/ipv4/ip_local_port_range", 100, &text, NULL, &ignored) < 0) {
        return 0;
    }
    char *end = NULL;
    uint32_t low = (uint32_t)strtoul(text, &end, 10), high = (uint32_t)strtoul(end, NULL, 10);
    return high << 16 | low;
}

int http_new(const struct http_settings *settings, struct http **ret_http, struct err *err)
{
    pthread_once(&library_once, start_library);
    if (library_status != CURLE_OK) {
        return err_set(err, ERR_SYSTEM, "cannot start libcurl: %s", curl_easy_strerror(library_status));
    }
    struct http *http CLEANUP(http_cleanup) = xcalloc(1, sizeof(*http));
    http->settings = *settings;
    http->timer_ns = INT64_MAX;
    http->served_by_size = settings->served_by ? strlen(settings->served_by) : 0;
    http->jars = settings->sessions ? xcalloc(settings->sessions + 1, sizeof(CURLSH *)) : NULL;
    http->local_ports = read_local_ports();
    http->fd_of_port = settings->version == HTTP_2 ? xcalloc(UINT16_MAX + 1, sizeof(int)) : NULL;
    int status = check_ca(settings, err);
    for (int i = 0; status == 0 && i < CLASS_COUNT; i++) {
        status = texts_read(settings, (enum request_class)i, &http->calls[i], err);
    }
    if (status < 0) {
        return status;
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
        texts_clear(&http->calls[i]);
        VEC_CLEAR(&http->unused[i]);
    }
    for (uint32_t i = 0; http->jars && i <= http->settings.sessions; i++) {
        curl_share_cleanup(http->jars[i]); /* accepts NULL, with an error that nobody asks for */
    }
    free(http->jars);
    VEC_CLEAR(&http->slots);
    VEC_CLEAR(&http->shards);
    VEC_CLEAR(&http->ready);
    free(http->fd_of_port);
    VEC_CLEAR(&http->sockets);
    free(http);
    blocks_release();
}
