/* A slot: one easy handle of libcurl, configured once, used for one request after the other. */
#include "harness/load/http_internal.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/load/idtext.h"

const struct http_call *slot_call(const struct slot *slot)
{
    return &slot->shard->http->settings.calls[slot->request_class];
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
    *http_socket_at(http, fd) = (struct socket_state){.opener = slot};
    slot->result.address = address;
    slot->result.new_connection = true;
    return fd;
}

static int on_close(void *context, curl_socket_t fd)
{
    *http_socket_at(context, fd) = (struct socket_state){0}; /* closing takes it out of the epoll */
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

long slot_status(const struct slot *slot)
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
    if (settings->sink && slot_status(slot) == slot_call(slot)->status && !settings->sink(settings->context, data, bytes)) {
        return bytes + 1; /* anything but `bytes` ends the transfer */
    }
    return bytes;
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
    struct http *http = slot->shard->http;
    CURLU *url = http->urls[slot->request_class];
    char *port = NULL;
    if (curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        AUTO_FREE char *stand_in = xasprintf("%s:%s:192.0.2.1", http->hosts[slot->request_class], port);
        slot->resolve = curl_slist_append(NULL, stand_in);
        curl_free(port);
    }
    curl_easy_setopt(slot->easy, CURLOPT_RESOLVE, slot->resolve);
    if (!slot->url_has_id) {
        curl_easy_setopt(slot->easy, CURLOPT_CURLU, url);
    }
}

static void set_method(struct slot *slot)
{
    const char *method = slot_call(slot)->method;
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
    /* With a folder of certificates libcurl reads all of them for each connection, 7 ms; the file it keeps, once a shard. */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
}

void slot_free(struct slot *slot)
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

struct slot *slot_new(struct shard *shard, enum request_class request_class)
{
    const struct http_settings *settings = &shard->http->settings;
    const struct http_call *call = &settings->calls[request_class];
    CURL *easy = curl_easy_init();
    if (!easy) {
        return NULL;
    }
    struct slot *slot = xcalloc(1, sizeof(*slot));
    *slot = (struct slot){.shard = shard, .easy = easy, .request_class = request_class, .url_has_id = idtext_has_id(call->url)};
    slot->url = idtext_expand(call->url, settings->id_prefix);
    slot->body = idtext_expand(call->body, settings->id_prefix);
    slot->contains = idtext_expand(call->contains, settings->id_prefix);
    set_options(slot);
    set_callbacks(slot);
    set_headers(slot);
    set_url(slot);
    set_method(slot);
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

void slot_prepare(struct slot *slot, const struct http_order *order)
{
    int64_t left_ms = (order->deadline_ns - clock_now_ns() + NS_PER_MS - 1) / NS_PER_MS;
    slot->result = (struct http_done){.tag = order->tag};
    slot->address = order->address;
    slot->prereq_calls = 0;
    slot->connected = slot->no_descriptor = false;
    buf_reset(&slot->answer);
    set_id(slot, order->id);
    curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, left_ms > 0 ? (long)left_ms : 1L); /* 0 would be no limit */
    curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, (long)order->fresh);
    curl_easy_setopt(slot->easy, CURLOPT_FORBID_REUSE, (long)order->fresh);
}
