/* Many HTTP requests at once from one thread, over the caller's epoll: the only part that knows libcurl. It chooses no address and keeps no
 * time table; it never sends a request twice. Its transfers live in shards, so that thousands of hung ones do not slow down the others. */
#ifndef DRILL_LOAD_HTTP_H
#define DRILL_LOAD_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "harness/base/json.h"
#include "harness/evidence/ledger.h"

#define HTTP_EVENT_BIT (1ULL << 63) /* set in epoll_event.data.u64 of all events that are this module's */

struct http;

enum http_version { HTTP_NONE = 0, HTTP_1_1, HTTP_2, HTTP_VERSION_COUNT };

struct http_call {            /* one kind of request; texts borrowed, holes (param/hole.h) allowed in all but the method */
    const char *method, *url; /* url NULL: this kind is not used */
    const char *body, *contains;
    const json_t *headers; /* object of texts or NULL: beside those of the settings, or in place of one of the same name */
    long status;
};

struct http_done {
    uint64_t tag;
    enum request_outcome outcome;
    bool
        no_address; /* it needed a new connection and `address` gave 0: nothing was sent, nothing happened; outcome is OUTCOME_DNS */
    bool new_connection;
    enum not_sent_reason not_sent;           /* when the outcome is OUTCOME_NOT_SENT */
    int64_t sent_ns, first_byte_ns, done_ns; /* 0: never */
    uint32_t address;                        /* 0: none */
    uint16_t http_status;                    /* 0: none */
    const char *server;                      /* who answered, as its header `served_by` says; "" when it does not. Borrowed */
};

struct http_settings {
    int epoll_fd;
    struct http_call calls[CLASS_COUNT]; /* by enum request_class */
    const json_t *headers;               /* object of texts, or NULL */
    const char *id_prefix, *vantage;     /* NULL: "" */
    const char *served_by;               /* the answer's header that names its server; NULL: not looked for */
    uint32_t sessions;                   /* the highest session of an order */
    bool has_sources;                    /* orders say where they come from */
    uint64_t seed;                       /* of {{random}} */
    enum http_version version;           /* HTTP_NONE is 1.1. Version 2 without TLS is spoken without asking first */
    const char *ca;                      /* file of certificates to trust in place of the system's, or NULL */
    bool tls_verify;
    size_t slots_max;
    uint32_t (*address)(void *context,
                        enum request_class request_class); /* where a new connection goes, network order; 0: not known now */
    bool (*sink)(void *context, const char *data,
                 size_t size); /* body of an answer with the agreed status; false ends it. May be NULL */
    void (*sent)(void *context, const struct http_done *begun); /* just before the first byte goes out. May be NULL */
    void (*done)(void *context, const struct http_done *done);  /* must not call back into http */
    void *context;
};

struct http_order {
    enum request_class request_class;
    uint64_t tag;        /* given back in http_done; the number for {{seq}} and {{random}} */
    uint64_t id;         /* number for {{id}} */
    uint32_t session;    /* number for {{session}}, whose cookies it has; 0: nobody's */
    uint32_t source;     /* where it comes from, network order; 0: as the kernel chooses */
    int64_t deadline_ns; /* CLOCK_MONOTONIC; it is ended then */
    uint32_t address;    /* where it goes if it opens a connection; 0: `address` of the settings is asked then */
    bool fresh;          /* open a connection for it, close it afterwards */
};

/* Texts and files are read here: a variable that is not set, a URL or a file of certificates that is none is ERR_INPUT. */
int http_new(const struct http_settings *settings, struct http **ret_http, struct err *err) MUST_CHECK;
void http_free(struct http *http); /* accepts NULL; requests under way end without a call of `done` */
DEFINE_CLEANUP(struct http *, http, http_free)

/* False when libcurl has no room for one more: nothing happens then. Sends nothing yet: http_run does. */
bool http_send(struct http *http, const struct http_order *order);
void http_on_event(struct http *http, const struct epoll_event *event);
/* Start what was sent, end what is over time. Call after a batch of http_send and when http_next_ns is past. */
void http_run(struct http *http, int64_t now_ns);
int64_t http_next_ns(const struct http *http); /* INT64_MAX: never */
/* Answers that came over HTTP/2 so far: fewer than all when a server would not speak it. */
uint64_t http_answers_over_2(const struct http *http);
/* The host of a URL as libcurl understands it; the caller frees. ERR_INPUT for anything but http and https to a name or an IPv4 address. */
int http_url_host(const char *url, char **ret_host, struct err *err) MUST_CHECK;

#endif
