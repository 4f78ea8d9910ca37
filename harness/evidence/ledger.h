/* The ledger: every request of one vantage, in a memory-mapped file of fixed-size records. Index = sequence number; written when
 * the request is issued and completed in place, so that a killed drill still shows what was in flight. Little-endian. */
#ifndef DRILL_EVIDENCE_LEDGER_H
#define DRILL_EVIDENCE_LEDGER_H

#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

enum request_outcome {
    OUTCOME_PENDING = 0, /* issued, not answered when the evidence ended; counts as timed out once its deadline is past */
    OUTCOME_OK,          /* answered as agreed; a write is acknowledged */
    OUTCOME_REFUSED,     /* connection refused, host or network unreachable */
    OUTCOME_RESET,       /* connection broke after it stood; a re-send that libcurl wanted was stopped */
    OUTCOME_TIMEOUT_CONNECT,
    OUTCOME_TIMEOUT_TLS,
    OUTCOME_TIMEOUT_FIRST_BYTE,
    OUTCOME_TIMEOUT_BODY,
    OUTCOME_DNS,      /* no address */
    OUTCOME_STATUS,   /* another status than agreed */
    OUTCOME_BODY,     /* right status, wrong body */
    OUTCOME_NOT_SENT, /* the driver's own limit: not_sent_reason says which */
    OUTCOME_OTHER,
    OUTCOME_TLS, /* the handshake was refused, or the certificate is not trusted */
    OUTCOME_COUNT
};
const char *outcome_name(enum request_outcome outcome); /* "timeout-connect" */

enum not_sent_reason { /* why a request was not sent */
                       NOT_SENT_NONE = 0,
                       NOT_SENT_IN_FLIGHT,   /* as many as allowed were in flight */
                       NOT_SENT_DESCRIPTORS, /* no descriptor was left */
                       NOT_SENT_PORTS,       /* no local port was left */
                       NOT_SENT_LIBRARY,     /* libcurl took no more */
                       NOT_SENT_LOST,        /* the driver lost track of it; sent_ns says whether it went out */
                       NOT_SENT_COUNT
};
const char *not_sent_text(enum not_sent_reason reason); /* "over the in-flight limit" */

enum request_class { CLASS_NONE = 0, CLASS_READ, CLASS_WRITE, CLASS_COUNT };
const char *class_name(enum request_class request_class); /* "read" */

struct ledger_record {      /* 64 bytes */
    int64_t due_ns;         /* when the schedule wanted it, CLOCK_MONOTONIC of the vantage */
    int64_t sent_ns;        /* just before the first byte went out; 0: never */
    int64_t first_byte_ns;  /* 0: none came */
    int64_t done_ns;        /* 0: not finished */
    uint64_t write_number;  /* writes: the number in its id, from 1; 0 for reads */
    uint32_t address;       /* IPv4 that it went to, network order; 0: none */
    uint16_t http_status;   /* 0: none */
    uint8_t outcome;        /* enum request_outcome; stored last, with release order */
    uint8_t request_class;  /* enum request_class */
    uint8_t new_connection; /* 1: it opened one */
    uint8_t not_sent;       /* enum not_sent_reason, with outcome not-sent */
    uint16_t server;        /* who answered: an index into the header's names, from 1; 0: not known */
    uint32_t late_us;       /* how long after due_ns the driver took it up, in microseconds */
    uint32_t session;       /* the user that it belongs to, from 1; 0: the load has none */
    uint8_t unused[4];
};

enum { LEDGER_SERVERS_MAX = 60, LEDGER_SERVER_BYTES = 64 };

struct ledger_header {     /* the first 4096 bytes of the file */
    char magic[8];         /* "DRILLLG1" */
    uint32_t header_bytes; /* 4096 */
    uint32_t record_bytes; /* 64 */
    uint64_t capacity;     /* records that the file has room for */
    uint64_t issued;       /* records written; stored with release order after the record */
    int64_t start_ns;      /* T0 of the schedule, CLOCK_MONOTONIC of the vantage */
    int64_t deadline_ns;   /* from due to done */
    double rate;           /* requests per second asked for */
    double write_share;
    int64_t clock_offset_ns; /* controller clock = vantage clock + offset */
    int64_t clock_bound_ns;  /* ± error of the offset */
    char vantage[64];
    char id_prefix[64];    /* a write's id is id_prefix + its number in nine digits, as "w7f3a91-000000042" */
    int64_t cpu_ns;        /* CPU time of the load thread at its end; 0: not known */
    uint32_t sessions;     /* users that the requests are spread over; 0: none */
    uint32_t server_count; /* names in `servers`; stored with release order after the name */
    uint8_t unused[32];
    char servers[LEDGER_SERVERS_MAX][LEDGER_SERVER_BYTES];
};

struct ledger; /* opaque */

/* Create the file with room for `capacity` records, pages faulted in. The header's fields are the caller's to fill. */
int ledger_create(const char *path, uint64_t capacity, struct ledger **ret_ledger, struct err *err) MUST_CHECK;
/* Map an existing file read-only; works while it is being written. */
int ledger_open(const char *path, struct ledger **ret_ledger, struct err *err) MUST_CHECK;
void ledger_close(struct ledger *ledger); /* accepts NULL; syncs */
DEFINE_CLEANUP(struct ledger *, ledger, ledger_close)
#define AUTO_LEDGER CLEANUP(ledger_cleanup)

struct ledger_header *ledger_header(struct ledger *ledger);
/* The writer's next record, or NULL when full; ledger_publish makes it visible to readers. */
struct ledger_record *ledger_next(struct ledger *ledger, uint64_t *ret_index);
void ledger_publish(struct ledger *ledger);
void ledger_finish(struct ledger_record *record, enum request_outcome outcome); /* release store */
uint64_t ledger_count(const struct ledger *ledger);                             /* acquire load of issued */
const struct ledger_record *ledger_at(const struct ledger *ledger, uint64_t index);
const struct ledger_record *ledger_records(const struct ledger *ledger); /* the first of ledger_count */
struct ledger_record *ledger_writable_at(struct ledger *ledger, uint64_t index);
/* The index of a server's name for its records, entered when it is new; once there are LEDGER_SERVERS_MAX - 1, all further ones are
 * "others". Names are cut to LEDGER_SERVER_BYTES - 1. The empty name is 0. */
uint16_t ledger_server(struct ledger *ledger, const char *name);
/* The name behind an index; "" for 0 and for what a damaged record holds. */
void ledger_server_name(const struct ledger_header *header, uint16_t server, char out[static LEDGER_SERVER_BYTES]);
/* "w7f3a91-000000042" */
void ledger_write_id(const struct ledger_header *header, uint64_t write_number, char out[static 96]);

#endif
