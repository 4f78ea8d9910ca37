/* What the files of the HTTP client share; the only place that includes libcurl's header. Internal to http*.c. */
#ifndef DRILL_LOAD_HTTP_INTERNAL_H
#define DRILL_LOAD_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "harness/base/buf.h"
#include "harness/base/vec.h"
#include "harness/load/http.h"

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

struct socket_state *http_socket_at(struct http *http, curl_socket_t fd);
const struct http_call *slot_call(const struct slot *slot);
long slot_status(const struct slot *slot); /* HTTP status of the answer; 0: none */
/* An easy handle in `shard`, configured for one class; NULL when libcurl has no more. */
struct slot *slot_new(struct shard *shard, enum request_class request_class);
void slot_free(struct slot *slot);
/* Ready for the next request: nothing of the last one is left. */
void slot_prepare(struct slot *slot, const struct http_order *order);
enum request_outcome slot_outcome(const struct slot *slot, CURLcode code);

#endif
