/* Transfers over libcurl's socket interface: shards of slots on one epoll. */
#include "harness/load/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/vec.h"
#include "harness/load/idtext.h"

enum {
    SLOTS_PER_SHARD = 64, /* libcurl walks all connections of a multi handle several times a request */
    BODY_MAX_BYTES = 64 * 1024,
    RECEIVE_BYTES = 4096, /* of libcurl's buffer: thousands of slots wait at once in an outage */
};

struct socket_state {            /* of a descriptor number */
    uint32_t wanted, registered; /* epoll events; 0: none, not in the epoll */
    struct slot *opener;         /* whose request opened it, while TCP is not known to be connected */
};

struct shard {
    struct http *http;
    CURLM *multi;
    size_t index, slot_count;
    int64_t timer_ns; /* when libcurl wants to be called; INT64_MAX: never */
};

struct slot { /* one easy handle, configured once for one class */
    struct shard *shard;
    CURL *easy;
    enum request_class request_class;
    char *url, *body, *contains; /* expanded, digits overwritten in place; NULL where there is none */
    struct curl_slist *headers, *resolve;
    struct http_done result; /* of the request under way */
    uint32_t address;        /* given with the order */
    int prereq_calls;
    bool connected, no_descriptor, url_has_id;
    struct buf answer; /* only kept to look for `contains` */
};

struct http {
    struct http_settings settings;
    CURLU *urls[CLASS_COUNT];
    char *hosts[CLASS_COUNT];
    VEC(struct shard *) shards;
    VEC(struct slot *) slots;
    VEC(struct slot *) unused[CLASS_COUNT]; /* last in, first out: keeps connections and caches warm */
    VEC(struct socket_state) sockets;
};

static const struct http_call *call_of(const struct slot *slot)
{
    return &slot->shard->http->settings.calls[slot->request_class];
}

static struct socket_state *socket_at(struct http *http, curl_socket_t fd)
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
    struct socket_state *state = socket_at(http, fd);
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

/* libcurl connects to a stand-in; the real destination is put in here, so that it never resolves anything itself. */
static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct slot *slot = context;
    struct http *http = slot->shard->http;
    uint32_t address = slot->address ? slot->address : http->settings.address(http->settings.context, slot->request_class);
    (void)purpose;
    if (address == 0 || to->family != AF_INET) {
        slot->result.no_address = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
    if (fd < 0) {
        slot->no_descriptor = true;
        return CURL_SOCKET_BAD;
    }
    memcpy((char *)&to->addr + offsetof(struct sockaddr_in, sin_addr), &address, sizeof(address));
    *socket_at(http, fd) = (struct socket_state){.opener = slot};
    slot->result.address = address;
    slot->result.new_connection = true;
    return fd;
}

static int on_close(void *context, curl_socket_t fd)
{
    *socket_at(context, fd) = (struct socket_state){0}; /* closing takes it out of the epoll */
    fd_close(fd);
    return 0;
}

/* Called when the connection stands, just before the request goes out. libcurl sends a request once more when a pooled connection
 * dies unanswered; then this is called a second time, and the request ends here instead: a write must not be made twice, and the
 * failure must not be hidden. */
static int on_ready(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct slot *slot = context;
    struct in_addr address;
    (void)local;
    (void)remote_port;
    (void)local_port;
    if (slot->prereq_calls++ > 0) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (!slot->result.new_connection && inet_pton(AF_INET, remote, &address) == 1) {
        slot->result.address = address.s_addr;
    }
    slot->result.sent_ns = clock_now_ns();
    return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    (void)data;
    if (slot->result.first_byte_ns == 0) {
        slot->result.first_byte_ns = clock_now_ns();
    }
    return size * count;
}

static long status_of(const struct slot *slot)
{
    long status = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    const struct http_settings *settings = &slot->shard->http->settings;
    size_t bytes = size * count;
    if (slot->contains && slot->answer.size + bytes <= BODY_MAX_BYTES) {
        buf_add(&slot->answer, data, bytes);
    }
    if (settings->sink && status_of(slot) == call_of(slot)->status && !settings->sink(settings->context, data, bytes)) {
        return bytes + 1; /* anything but `bytes` ends the transfer */
    }
    return bytes;
}

static enum request_outcome timed_out_at(const struct slot *slot)
{
    if (slot->result.first_byte_ns) {
        return OUTCOME_TIMEOUT_BODY;
    }
    if (slot->prereq_calls) {
        return OUTCOME_TIMEOUT_FIRST_BYTE;
    }
    return slot->connected ? OUTCOME_TIMEOUT_TLS : OUTCOME_TIMEOUT_CONNECT;
}

static enum request_outcome not_connected(const struct slot *slot)
{
    long number = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_OS_ERRNO, &number);
    if (slot->result.no_address) {
        return OUTCOME_DNS;
    }
    if (slot->no_descriptor) {
        return OUTCOME_NOT_SENT;
    }
    switch (number) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return OUTCOME_REFUSED;
    case ETIMEDOUT:
        return OUTCOME_TIMEOUT_CONNECT;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
        return OUTCOME_RESET;
    case EADDRNOTAVAIL: /* no free local port */
        return OUTCOME_NOT_SENT;
    default:
        return OUTCOME_OTHER;
    }
}

static enum request_outcome answered(const struct slot *slot)
{
    if (slot->result.http_status != call_of(slot)->status) {
        return OUTCOME_STATUS;
    }
    return slot->contains && !strstr(buf_str(&slot->answer), slot->contains) ? OUTCOME_BODY : OUTCOME_OK;
}

static enum request_outcome outcome_of(const struct slot *slot, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return answered(slot);
    case CURLE_COULDNT_CONNECT:
        return not_connected(slot);
    case CURLE_OPERATION_TIMEDOUT:
        return timed_out_at(slot);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_ABORTED_BY_CALLBACK: /* on_ready stopped a second sending */
    case CURLE_SSL_CONNECT_ERROR:
        return OUTCOME_RESET;
    case CURLE_WRITE_ERROR:
        return OUTCOME_BODY;
    default:
        return OUTCOME_OTHER;
    }
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
    result->http_status = (uint16_t)status_of(slot);
    result->outcome = outcome_of(slot, code);
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

static void add_header(struct slot *slot, const char *name, const char *value)
{
    AUTO_FREE char *expanded = idtext_expand(value, slot->shard->http->settings.id_prefix);
    AUTO_FREE char *line = value[0] ? xasprintf("%s: %s", name, expanded) : xasprintf("%s:", name);
    slot->headers = curl_slist_append(slot->headers, line);
}

static void set_headers(struct slot *slot)
{
    const struct http_settings *settings = &slot->shard->http->settings;
    const char *name;
    json_t *value;
    add_header(slot, "Expect", "");
    if (slot->body) {
        add_header(slot, "Content-Type", strchr("{[", slot->body[0]) ? "application/json" : "text/plain");
    }
    json_object_foreach((json_t *)settings->headers, name, value)
    {
        add_header(slot, name, json_string_value(value) ? json_string_value(value) : "");
    }
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
}

/* The stand-in address is never connected to: on_open puts the real one in. */
static void set_url(struct slot *slot)
{
    const struct http *http = slot->shard->http;
    AUTO_FREE char *stand_in = xasprintf("%s:*:192.0.2.1", http->hosts[slot->request_class]);
    long port = 80;
    char *text = NULL;
    if (curl_url_get(http->urls[slot->request_class], CURLUPART_PORT, &text, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        port = strtol(text, NULL, 10);
        curl_free(text);
    }
    free(stand_in);
    stand_in = xasprintf("%s:%ld:192.0.2.1", http->hosts[slot->request_class], port);
    slot->resolve = curl_slist_append(NULL, stand_in);
    curl_easy_setopt(slot->easy, CURLOPT_RESOLVE, slot->resolve);
    if (!slot->url_has_id) {
        curl_easy_setopt(slot->easy, CURLOPT_CURLU, http->urls[slot->request_class]);
    }
}

static void set_method(struct slot *slot)
{
    const char *method = call_of(slot)->method;
    if (slot->body) {
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(slot->body));
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->body);
    }
    if (str_eq(method, "HEAD")) {
        curl_easy_setopt(slot->easy, CURLOPT_NOBODY, 1L);
    } else if (!str_eq(method, slot->body ? "POST" : "GET")) {
        curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_callbacks(struct slot *slot)
{
    CURL *easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, slot);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close); /* outlives the slot's request: the pool closes it later */
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, slot->shard->http);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
}

static void set_options(struct slot *slot)
{
    long verify = slot->shard->http->settings.tls_verify;
    CURL *easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "drill/" DRILL_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
}

static void slot_free(struct slot *slot)
{
    curl_easy_cleanup(slot->easy);
    curl_slist_free_all(slot->headers);
    curl_slist_free_all(slot->resolve);
    free(slot->url);
    free(slot->body);
    free(slot->contains);
    buf_clear(&slot->answer);
    free(slot);
}

static struct slot *slot_new(struct http *http, enum request_class request_class)
{
    const struct http_call *call = &http->settings.calls[request_class];
    struct shard *shard = http->slots.count < http->settings.slots_max ? shard_with_room(http) : NULL;
    CURL *easy = shard ? curl_easy_init() : NULL;
    if (!easy) {
        return NULL;
    }
    struct slot *slot = xcalloc(1, sizeof(*slot));
    *slot = (struct slot){.shard = shard, .easy = easy, .request_class = request_class, .url_has_id = idtext_has_id(call->url)};
    slot->url = idtext_expand(call->url, http->settings.id_prefix);
    slot->body = idtext_expand(call->body, http->settings.id_prefix);
    slot->contains = idtext_expand(call->contains, http->settings.id_prefix);
    set_options(slot);
    set_callbacks(slot);
    set_headers(slot);
    set_url(slot);
    set_method(slot);
    shard->slot_count++;
    *VEC_ADD(&http->slots) = slot;
    return slot;
}

static void set_id(struct slot *slot, uint64_t id)
{
    const char *prefix = slot->shard->http->settings.id_prefix;
    char *const texts[] = {slot->url, slot->body, slot->contains};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i]) {
            idtext_set(texts[i], prefix, id);
        }
    }
    for (struct curl_slist *header = slot->headers; header; header = header->next) {
        idtext_set(header->data, prefix, id);
    }
    if (slot->url_has_id) {
        curl_easy_setopt(slot->easy, CURLOPT_URL, slot->url);
    }
}

bool http_send(struct http *http, const struct http_order *order)
{
    size_t unused = http->unused[order->request_class].count;
    struct slot *slot = unused ? http->unused[order->request_class].items[unused - 1] : slot_new(http, order->request_class);
    if (!slot) {
        return false;
    }
    int64_t left_ms = (order->deadline_ns - clock_now_ns() + NS_PER_MS - 1) / NS_PER_MS;
    slot->result = (struct http_done){.tag = order->tag};
    slot->prereq_calls = 0;
    slot->address = order->address;
    slot->connected = slot->no_descriptor = false;
    buf_reset(&slot->answer);
    set_id(slot, order->id);
    curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, left_ms > 0 ? (long)left_ms : 1L); /* 0 would be no limit */
    curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, (long)order->fresh);
    curl_easy_setopt(slot->easy, CURLOPT_FORBID_REUSE, (long)order->fresh);
    if (curl_multi_add_handle(slot->shard->multi, slot->easy) != CURLM_OK) {
        if (!unused) {
            *VEC_ADD(&http->unused[order->request_class]) = slot;
        }
        return false;
    }
    http->unused[order->request_class].count -= unused > 0;
    return true;
}

void http_on_event(struct http *http, const struct epoll_event *event)
{
    int running, fd = (int)(event->data.u64 & UINT32_MAX);
    struct shard *shard = http->shards.items[(event->data.u64 & ~HTTP_EVENT_BIT) >> 32];
    struct socket_state *state = socket_at(http, fd);
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
