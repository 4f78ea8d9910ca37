/* The ledger's file: created once at its full size and mapped, so that writing a record is a store into memory. */
#include "harness/evidence/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { LEDGER_HEADER_BYTES = 4096 };
static const char magic[8] = "DRILLLG1";

_Static_assert(sizeof(struct ledger_record) == 64, "a record is one cache line");
_Static_assert(sizeof(struct ledger_header) == LEDGER_HEADER_BYTES, "the header is one page");
_Static_assert(offsetof(struct ledger_header, servers) == 256, "docs/ledger.md says where");

struct ledger {
    unsigned char *map;
    size_t size;
    uint64_t room; /* whole records that the map holds: a header that promises more is not believed */
    bool writable;
};

const char *outcome_name(enum request_outcome outcome)
{
    static const char *const names[OUTCOME_COUNT] = {
        "pending",      "ok",  "refused", "reset", "timeout-connect", "timeout-tls", "timeout-first-byte",
        "timeout-body", "dns", "status",  "body",  "not-sent",        "other",       "tls",
    };
    return (unsigned)outcome < OUTCOME_COUNT ? names[outcome] : "unknown";
}

const char *not_sent_text(enum not_sent_reason reason)
{
    static const char *const texts[NOT_SENT_COUNT] = {
        "not recorded",           "over the in-flight limit",      "no descriptor was left",
        "no local port was left", "the HTTP library took no more", "the driver lost track of it"};
    return (unsigned)reason < NOT_SENT_COUNT ? texts[reason] : "unknown";
}

const char *class_name(enum request_class request_class)
{
    static const char *const names[CLASS_COUNT] = {"none", "read", "write"};
    return (unsigned)request_class < CLASS_COUNT ? names[request_class] : "unknown";
}

/* Maps the first `size` bytes of an open file. The mapping outlives the descriptor. */
static int map_file(int fd, const char *path, size_t size, bool writable, struct ledger **ret_ledger, struct err *err)
{
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *map = mmap(NULL, size, protection, writable ? MAP_SHARED | MAP_POPULATE : MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return err_errno(err, errno, "cannot map the ledger '%s' of %zu bytes", path, size);
    }
    struct ledger *ledger = xcalloc(1, sizeof(*ledger));
    *ledger = (struct ledger){
        .map = map,
        .size = size,
        .room = (size - LEDGER_HEADER_BYTES) / sizeof(struct ledger_record),
        .writable = writable,
    };
    *ret_ledger = ledger;
    return 0;
}

int ledger_create(const char *path, uint64_t capacity, struct ledger **ret_ledger, struct err *err)
{
    if (capacity == 0 || capacity > (INT64_MAX - LEDGER_HEADER_BYTES) / sizeof(struct ledger_record)) {
        return err_set(err, ERR_INPUT, "cannot create the ledger '%s': room for %llu records is not possible", path,
                       (unsigned long long)capacity);
    }
    size_t size = LEDGER_HEADER_BYTES + capacity * sizeof(struct ledger_record);
    AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_errno(err, errno, "cannot create the ledger '%s'", path);
    }
    /* The blocks are taken now: a disk that fills up later would kill a writer to the mapping with SIGBUS. */
    int failed = posix_fallocate(fd, 0, (off_t)size);
    if (failed) {
        return err_errno(err, failed, "cannot reserve %zu bytes for the ledger '%s'", size, path);
    }
    int status = map_file(fd, path, size, true, ret_ledger, err);
    if (status == 0) {
        struct ledger_header *header = ledger_header(*ret_ledger);
        header->header_bytes = LEDGER_HEADER_BYTES;
        header->record_bytes = sizeof(struct ledger_record);
        header->capacity = capacity;
        atomic_thread_fence(memory_order_release); /* a reader that sees the magic sees the sizes */
        memcpy(header->magic, magic, sizeof(magic));
    }
    return status;
}

static int check_header(const struct ledger *ledger, const char *path, struct err *err)
{
    const struct ledger_header *header = (const struct ledger_header *)ledger->map;
    if (memcmp(header->magic, magic, sizeof(magic)) != 0) {
        return err_set(err, ERR_INPUT, "'%s' is not a ledger: expected it to begin with \"%.8s\"", path, magic);
    }
    if (header->header_bytes != LEDGER_HEADER_BYTES || header->record_bytes != sizeof(struct ledger_record)) {
        return err_set(err, ERR_INPUT,
                       "the ledger '%s' has a header of %u bytes and records of %u, expected %d and %zu: it comes from another "
                       "version of drill",
                       path, header->header_bytes, header->record_bytes, LEDGER_HEADER_BYTES, sizeof(struct ledger_record));
    }
    return 0;
}

int ledger_open(const char *path, struct ledger **ret_ledger, struct err *err)
{
    struct stat info;
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0) {
        return err_errno(err, errno, "cannot open the ledger '%s'", path);
    }
    if (info.st_size < LEDGER_HEADER_BYTES) {
        return err_set(err, ERR_INPUT, "'%s' is not a ledger: expected a header of %d bytes, found a file of %lld", path,
                       LEDGER_HEADER_BYTES, (long long)info.st_size);
    }
    AUTO_LEDGER struct ledger *ledger = NULL;
    int status = map_file(fd, path, (size_t)info.st_size, false, &ledger, err);
    if (status == 0) {
        status = check_header(ledger, path, err);
    }
    if (status == 0) {
        *ret_ledger = TAKE(ledger);
    }
    return status;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger) {
        return;
    }
    if (ledger->writable) {
        (void)msync(ledger->map, ledger->size, MS_SYNC); /* nobody is left who could act on a failure */
    }
    munmap(ledger->map, ledger->size);
    free(ledger);
}

struct ledger_header *ledger_header(struct ledger *ledger)
{
    return (struct ledger_header *)ledger->map;
}

static struct ledger_record *record_at(const struct ledger *ledger, uint64_t index)
{
    return (struct ledger_record *)(ledger->map + LEDGER_HEADER_BYTES) + index;
}

struct ledger_record *ledger_next(struct ledger *ledger, uint64_t *ret_index)
{
    uint64_t index = ledger_header(ledger)->issued; /* only the writer changes it, and that is the caller */
    if (index >= ledger->room) {
        return NULL;
    }
    *ret_index = index;
    return record_at(ledger, index);
}

void ledger_publish(struct ledger *ledger)
{
    struct ledger_header *header = ledger_header(ledger);
    __atomic_store_n(&header->issued, header->issued + 1, __ATOMIC_RELEASE);
}

void ledger_finish(struct ledger_record *record, enum request_outcome outcome)
{
    __atomic_store_n(&record->outcome, (uint8_t)outcome, __ATOMIC_RELEASE);
}

uint64_t ledger_count(const struct ledger *ledger)
{
    const struct ledger_header *header = (const struct ledger_header *)ledger->map;
    uint64_t issued = __atomic_load_n(&header->issued, __ATOMIC_ACQUIRE);
    return issued < ledger->room ? issued : ledger->room;
}

const struct ledger_record *ledger_at(const struct ledger *ledger, uint64_t index)
{
    return index < ledger_count(ledger) ? record_at(ledger, index) : NULL;
}

const struct ledger_record *ledger_records(const struct ledger *ledger)
{
    return record_at(ledger, 0);
}

struct ledger_record *ledger_writable_at(struct ledger *ledger, uint64_t index)
{
    return ledger->writable && index < ledger->room ? record_at(ledger, index) : NULL;
}

static uint16_t server_count(const struct ledger_header *header)
{
    uint32_t count = __atomic_load_n(&header->server_count, __ATOMIC_ACQUIRE);
    return (uint16_t)(count < LEDGER_SERVERS_MAX ? count : LEDGER_SERVERS_MAX);
}

/* Few and mostly among the first: a walk is quicker than a hash. */
uint16_t ledger_server(struct ledger *ledger, const char *name)
{
    struct ledger_header *header = ledger_header(ledger);
    uint16_t count = server_count(header);
    if (!*name) {
        return 0;
    }
    for (uint16_t i = 0; i < count; i++) {
        if (strncmp(header->servers[i], name, LEDGER_SERVER_BYTES - 1) == 0) {
            return (uint16_t)(i + 1);
        }
    }
    if (count == LEDGER_SERVERS_MAX) {
        return count;
    }
    bool last = count + 1 == LEDGER_SERVERS_MAX;
    (void)str_format(header->servers[count], LEDGER_SERVER_BYTES, "%.*s", LEDGER_SERVER_BYTES - 1, last ? "others" : name);
    __atomic_store_n(&header->server_count, count + 1u, __ATOMIC_RELEASE);
    return (uint16_t)(count + 1);
}

void ledger_server_name(const struct ledger_header *header, uint16_t server, char out[static LEDGER_SERVER_BYTES])
{
    bool known = server > 0 && server <= server_count(header);
    (void)str_format(out, LEDGER_SERVER_BYTES, "%.*s", LEDGER_SERVER_BYTES - 1, known ? header->servers[server - 1] : "");
}

void ledger_write_id(const struct ledger_header *header, uint64_t write_number, char out[static 96])
{
    snprintf(out, 96, "%.63s%09llu", header->id_prefix, (unsigned long long)write_number);
}
