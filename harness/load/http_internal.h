/* What the files of the HTTP client share; the only place that includes libcurl's header. Internal to http*.c. */
#ifndef DRILL_LOAD_HTTP_INTERNAL_H
#define DRILL_LOAD_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "harness/base/buf.h"
#include "harness/base/vec.h"
#include "harness/load/http.h"
#include "harness/load/template.h"

enum {
    SLOTS_PER_SHARD = 64, /* libcurl walks all connections of a multi handle several times a request */
    SMALL_SHARDS = 8,     /* the first have fewer: they do nearly all of the work while nothing hangs, and a handle is 34 KB */
    SLOTS_PER_SMALL_SHARD = 16,
    SERVER_BYTES = 64, /* of a server's name, with its end */
    BODY_MAX_BYTES = 64 * 1024,
    RECEIVE_BYTES = 1024, /* of libcurl's buffer: thousands of slots wait at once in an outage */
};

struct socket_state {            /* of a descriptor number */
    uint32_t wanted, registered; /* epoll events; 0: none, not in the epoll */
    int64_t heard_ns;            /* HTTP/2: when something came over it last */
    struct slot *opener;         /* whose request opened it, while TCP is not known to be connected */
};

struct shard {
    struct http *http;
    CURLM *multi;
    size_t index, slot_count, slots_max;
    int64_t timer_ns; /* when libcurl wants to be called; INT64_MAX: never */
    bool ready;       /* it wants to be called at once: stands in http->ready */
};

struct call_texts { /* one kind of request, read once */
    CURLU *url;
    char *host;
    struct template *path, *query, *body, *contains; /* NULL where there is none */
    VEC(struct template *) headers;                  /* whole lines */
};

struct slot_text { /* a slot's copy of a text that varies */
    const struct template *template;
    char *copy;
    bool owned; /* else libcurl's list of headers has it */
};

struct slot { /* one easy handle, configured once for one class */
    struct shard *shard;
    CURL *easy;
    enum request_class request_class;
    CURLU *url;                   /* its own when the URL varies, else NULL */
    const char *path, *query;     /* its copies when they vary, else NULL */
    const char *body, *contains;  /* its copies when they vary, else the class's; NULL: none */
    VEC(struct slot_text) varies; /* all that is filled in anew for each request */
    struct curl_slist *headers, *resolve;
    struct http_done result; /* of the request under way */
    int64_t deadline_ns;
    struct slot *earlier, *later; /* among those under way, by deadline */
    uint32_t address;             /* given with the order */
    uint32_t source;              /* that the handle is set to */
    int prereq_calls, fd;         /* fd: of its connection; for HTTP/2 also of one that stood before */
    bool connected, fresh;
    struct buf answer;         /* only kept to look for `contains` */
    char server[SERVER_BYTES]; /* result.server */
};

struct http {
    struct http_settings settings;
    struct call_texts calls[CLASS_COUNT];
    VEC(struct shard *) shards;
    VEC(struct shard *) ready; /* to be run at once */
    int64_t timer_ns;          /* no shard's timer is earlier; INT64_MAX: none is set */
    VEC(struct slot *) slots;
    VEC(struct slot *) unused[CLASS_COUNT]; /* last in, first out: keeps connections and caches warm */
    struct slot *first_due, *last_due;      /* under way, by deadline */
    VEC(struct socket_state) sockets;
    size_t served_by_size; /* of the header's name */
    CURLSH **jars;         /* the cookies of each session, made when it comes first; NULL: no sessions */
    uint32_t local_ports;  /* of a socket, as IP_LOCAL_PORT_RANGE wants them; 0: not known */
    int *fd_of_port;       /* HTTP/2: which connection has a local port; NULL else */
    uint64_t answers_over_2;
};

struct socket_state *http_socket_at(struct http *http, curl_socket_t fd);
const struct http_call *slot_call(const struct slot *slot);
long slot_status(const struct slot *slot); /* HTTP status of the answer; 0: none */
/* An easy handle in `shard`, configured for one class; NULL when libcurl has no more. */
struct slot *slot_new(struct shard *shard, enum request_class request_class);
void slot_free(struct slot *slot);
/* Ready for the next request: nothing of the last one is left. */
void slot_prepare(struct slot *slot, const struct http_order *order);
/* The class's texts, read and checked. */
int texts_read(const struct http_settings *settings, enum request_class request_class, struct call_texts *texts,
               struct err *err) MUST_CHECK;
void texts_clear(struct call_texts *texts);
/* A request that ran into its deadline, by how far it had come. */
enum request_outcome slot_timed_out(const struct slot *slot);
enum request_outcome slot_outcome(struct slot *slot, CURLcode code);

#endif
