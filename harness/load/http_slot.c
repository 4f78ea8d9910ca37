/* A slot: one easy handle of libcurl, configured once, used for one request after the other. */
#include "harness/load/http_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/load/schedule.h"

enum {
    IP_LOCAL_PORT_RANGE_OPTION = 51 /* of linux/in.h since 6.3; Debian 12's C library has no name for it */
};

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
        slot->result.not_sent = NOT_SENT_DESCRIPTORS;
        return CURL_SOCKET_BAD;
    }
    /* Without a range of its own a socket tries all ports of one parity first: once they are used up, 14,000 connections, a connect
     * takes 0.4 ms. Kernels before 6.3 do not know it; then it goes without. */
    (void)setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE_OPTION, &http->local_ports, http->local_ports ? sizeof(uint32_t) : 0);
    memcpy((char *)&to->addr + offsetof(struct sockaddr_in, sin_addr), &address, sizeof(address));
    *http_socket_at(http, fd) = (struct socket_state){.opener = slot};
    slot->fd = fd;
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
    const struct http_settings *settings = &slot->shard->http->settings;
    int *fd_of_port = slot->shard->http->fd_of_port;
    (void)local;
    (void)remote_port;
    if (slot->prereq_calls++ > 0) {
        return CURL_PREREQFUNC_ABORT;
    }
    if (!slot->result.new_connection && inet_pton(AF_INET, remote, &address) == 1) {
        slot->result.address = address.s_addr;
    }
    if (fd_of_port && local_port > 0 && local_port <= UINT16_MAX) {
        int *known = &fd_of_port[local_port];
        *(slot->result.new_connection ? known : &slot->fd) = slot->result.new_connection ? slot->fd : *known;
    }
    slot->result.sent_ns = clock_now_ns();
    if (settings->sent) {
        settings->sent(settings->context, &slot->result);
    }
    return CURL_PREREQFUNC_OK;
}

/* The name that stands last in the value: gateways that tried several servers list them all. What is not plain becomes '_', since
 * names go into tables and CSV. */
static void take_server(struct slot *slot, const char *value, size_t size)
{
    const char *end = value + size;
    while (end > value && strchr(" \t\r\n", end[-1])) {
        end--;
    }
    const char *begin = end;
    while (begin > value && !strchr(" \t,", begin[-1])) {
        begin--;
    }
    size_t length = (size_t)(end - begin) < SERVER_BYTES - 1 ? (size_t)(end - begin) : SERVER_BYTES - 1;
    for (size_t i = 0; i < length; i++) {
        slot->server[i] = isalnum((unsigned char)begin[i]) || strchr("-._:/@", begin[i]) ? begin[i] : '_';
    }
    slot->server[length] = '\0';
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    const struct http *http = slot->shard->http;
    size_t bytes = size * count, name = http->served_by_size;
    if (slot->result.first_byte_ns == 0) {
        slot->result.first_byte_ns = clock_now_ns();
    }
    if (name > 0 && bytes > name && data[name] == ':' && strncasecmp(data, http->settings.served_by, name) == 0) {
        take_server(slot, data + name + 1, bytes - name - 1);
    }
    return bytes;
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

static const struct call_texts *slot_texts(const struct slot *slot)
{
    return &slot->shard->http->calls[slot->request_class];
}

/* The text as this slot sends it: a copy of its own when it is filled in anew for each request. */
static const char *text_for(struct slot *slot, const struct template *template)
{
    if (!template_varies(template)) {
        return template_text(template);
    }
    char *copy = xstrdup(template_text(template));
    *VEC_ADD(&slot->varies) = (struct slot_text){.template = template, .copy = copy, .owned = true};
    return copy;
}

static void set_headers(struct slot *slot)
{
    VEC_EACH(header, &slot_texts(slot)->headers)
    {
        struct curl_slist *last = slot->headers = curl_slist_append(slot->headers, template_text(*header));
        while (last->next) {
            last = last->next;
        }
        if (template_varies(*header)) {
            *VEC_ADD(&slot->varies) = (struct slot_text){.template = *header, .copy = last->data};
        }
    }
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
}

static void set_url(struct slot *slot)
{
    const struct call_texts *texts = slot_texts(slot);
    char *port = NULL;
    if (curl_url_get(texts->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        /* The stand-in address is never connected to: on_open puts the real one in. */
        AUTO_FREE char *stand_in = xasprintf("%s:%s:192.0.2.1", texts->host, port);
        slot->resolve = curl_slist_append(NULL, stand_in);
        curl_free(port);
    }
    if (template_varies(texts->path) || template_varies(texts->query)) {
        slot->url = curl_url_dup(texts->url);
        slot->path = template_varies(texts->path) ? text_for(slot, texts->path) : NULL;
        slot->query = template_varies(texts->query) ? text_for(slot, texts->query) : NULL;
    }
    curl_easy_setopt(slot->easy, CURLOPT_RESOLVE, slot->resolve);
    curl_easy_setopt(slot->easy, CURLOPT_CURLU, slot->url ? slot->url : texts->url);
}

static void set_method_and_body(struct slot *slot)
{
    const char *method = slot_call(slot)->method;
    slot->body = text_for(slot, slot_texts(slot)->body);
    slot->contains = text_for(slot, slot_texts(slot)->contains);
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
    const struct http_settings *settings = &slot->shard->http->settings;
    bool is_tls = strncmp(slot_call(slot)->url, "https:", 6) == 0;
    CURL *easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     settings->version != HTTP_2 ? (long)CURL_HTTP_VERSION_1_1
                     : is_tls                    ? (long)CURL_HTTP_VERSION_2TLS
                                                 : (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)(settings->version == HTTP_2)); /* one connection, not one a request */
    /* No CURLOPT_CONNECTTIMEOUT: it would set a timer for each request. libcurl's own limit without it is 300 s, beyond any deadline
     * (DEADLINE_MAX_S in settings.c). */
    curl_easy_setopt(easy, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    if (settings->sessions) {
        curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* no file: it turns cookies on, which a jar alone does not */
    }
    if (is_tls) {
        /* With a folder of certificates libcurl reads all of them for each connection, 7 ms; the file it keeps, once a shard. */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        if (settings->ca) {
            curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca);
        }
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)settings->tls_verify);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, settings->tls_verify ? 2L : 0L);
    }
}

void slot_free(struct slot *slot)
{
    curl_easy_cleanup(slot->easy);
    curl_slist_free_all(slot->headers);
    curl_slist_free_all(slot->resolve);
    curl_url_cleanup(slot->url);
    VEC_EACH(text, &slot->varies)
    {
        free(text->owned ? text->copy : NULL);
    }
    VEC_CLEAR(&slot->varies);
    buf_clear(&slot->answer);
    free(slot);
}

struct slot *slot_new(struct shard *shard, enum request_class request_class)
{
    CURL *easy = curl_easy_init();
    if (!easy) {
        return NULL;
    }
    struct slot *slot = xcalloc(1, sizeof(*slot));
    *slot = (struct slot){.shard = shard, .easy = easy, .request_class = request_class};
    set_options(slot);
    set_callbacks(slot);
    set_headers(slot);
    set_url(slot);
    set_method_and_body(slot);
    return slot;
}

static void fill_in(struct slot *slot, const struct http_order *order)
{
    const struct template_values values = {.id = order->id,
                                           .seq = order->tag,
                                           .random = schedule_random(slot->shard->http->settings.seed, order->tag),
                                           .session = order->session};
    VEC_EACH(text, &slot->varies)
    {
        template_fill(text->template, text->copy, &values);
    }
    if (slot->path) {
        curl_url_set(slot->url, CURLUPART_PATH, slot->path, 0);
    }
    if (slot->query) {
        curl_url_set(slot->url, CURLUPART_QUERY, slot->query, 0);
    }
}

/* One thread does it all, so that no lock is needed. */
static CURLSH *jar_of(struct http *http, uint32_t session)
{
    CURLSH **jar = &http->jars[session];
    if (!*jar) {
        *jar = curl_share_init();
        curl_share_setopt(*jar, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    }
    return *jar;
}

/* The user that the request is of: its cookies, and its address, which libcurl keeps connections apart by. */
static void become(struct slot *slot, const struct http_order *order)
{
    struct http *http = slot->shard->http;
    if (http->jars && order->session <= http->settings.sessions) {
        curl_easy_setopt(slot->easy, CURLOPT_SHARE, jar_of(http, order->session));
    }
    if (slot->source != order->source) {
        char address[INET_ADDRSTRLEN], bound[INET_ADDRSTRLEN + 8];
        (void)str_format(bound, sizeof(bound), "host!%s",
                         inet_ntop(AF_INET, &order->source, address, sizeof(address)) ? address : "");
        curl_easy_setopt(slot->easy, CURLOPT_INTERFACE, order->source ? bound : NULL);
        slot->source = order->source;
    }
}

void slot_prepare(struct slot *slot, const struct http_order *order)
{
    slot->result = (struct http_done){.tag = order->tag, .server = slot->server};
    slot->server[0] = '\0';
    slot->address = order->address;
    slot->deadline_ns = order->deadline_ns;
    slot->prereq_calls = 0;
    slot->connected = false;
    slot->fd = 0;
    buf_reset(&slot->answer);
    fill_in(slot, order);
    become(slot, order);
    if (slot->fresh != order->fresh) {
        slot->fresh = order->fresh;
        curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, (long)order->fresh);
        curl_easy_setopt(slot->easy, CURLOPT_FORBID_REUSE, (long)order->fresh);
    }
}
