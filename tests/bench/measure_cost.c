/* What measuring costs: evidence of a given size is made in a folder, measured in a process of its own, and its CPU time, wall time and
 * memory beyond the mappings printed as one JSON line.
 *
 *     bench_measure_cost FOLDER RECORDS
 *
 * Three writes in ten, an outage of a minute with a failover between two addresses, two read-backs in the order of a hash, some writes
 * lost. Beside it the time of one plain pass over the ledger: what the machine takes to look at each record once. */
#include <endian.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/evidence/events.h"
#include "harness/evidence/evidence.h"
#include "harness/measure/result.h"

enum { RATE = 5000, LOST_EVERY = 1000 };

static void need(int status, const struct err *err)
{
    if (status < 0) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static void fill_record(struct ledger_record *record, uint64_t index, uint64_t count, uint64_t *writes)
{
    bool write = index * 3 / 10 != (index + 1) * 3 / 10, down = index > count / 3 && index < count / 3 + 60 * RATE;
    record->due_ns = (int64_t)index * (NS_PER_S / RATE);
    record->sent_ns = record->due_ns + 30 * NS_PER_US;
    record->done_ns = record->due_ns + (down ? NS_PER_S : (int64_t)(300 + index * 2654435761u % 4000) * NS_PER_US);
    record->request_class = write ? CLASS_WRITE : CLASS_READ;
    record->write_number = write ? ++*writes : 0;
    record->http_status = down ? 0 : 200;
    record->address = down ? 0 : htobe32(index < count / 3 ? 0x0a01000b : 0x0a02000b);
    record->outcome = down ? OUTCOME_TIMEOUT_FIRST_BYTE : OUTCOME_OK;
}

static uint64_t make_ledger(const char *folder, uint64_t count)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    uint64_t writes = 0, index;
    AUTO_FREE char *path = xasprintf("%s/ledger-edge.bin", folder);
    need(ledger_create(path, count, &ledger, &err), &err);
    struct ledger_header *header = ledger_header(ledger);
    header->deadline_ns = NS_PER_S;
    header->rate = RATE;
    header->write_share = 0.3;
    (void)str_copy(header->vantage, sizeof(header->vantage), "edge");
    (void)str_copy(header->id_prefix, sizeof(header->id_prefix), "w7f3a91-");
    for (uint64_t i = 0; i < count; i++) {
        fill_record(ledger_next(ledger, &index), i, count, &writes);
        ledger_publish(ledger);
    }
    ledger_close(ledger);
    return writes;
}

static void make_ids(const char *folder, uint64_t writes)
{
    AUTO_FREE char *path = xasprintf("%s/readback-1.ids", folder);
    FILE *file = fopen(path, "we");
    for (uint64_t i = 0; file && i < writes; i++) {
        uint64_t number = (i * 2654435761u) % writes + 1; /* no order that helps */
        if (number % LOST_EVERY != 0) {
            fprintf(file, "w7f3a91-%09" PRIu64 "\n", number);
        }
    }
    if (!file || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void add_event(struct events *events, int64_t t_ns, const char *kind, json_t *fields)
{
    struct err err = {0};
    need(events_add(events, t_ns, kind, fields, &err), &err);
}

static void make_events(const char *folder, int64_t injected_ns, int64_t end_ns)
{
    struct err err = {0};
    struct events *events = NULL;
    AUTO_FREE char *path = xasprintf("%s/events.jsonl", folder);
    need(events_open(path, &events, &err), &err);
    add_event(events, injected_ns, "fault.requested",
              json_pack("{s:s, s:s, s:s}", "fault_id", "f1", "fault", "blackhole", "target", "x"));
    add_event(events, injected_ns + 2, "fault.proven", json_pack("{s:s, s:b, s:s}", "fault_id", "f1", "ok", 1, "proof", "p"));
    add_event(events, end_ns / 2, "fault.reverting", json_pack("{s:s}", "fault_id", "f1"));
    for (int i = 1; i <= 2; i++) {
        add_event(events, end_ns + i, "readback",
                  json_pack("{s:i, s:I, s:s, s:s, s:b, s:s}", "number", i, "begun_ns", (json_int_t)(end_ns + i), "cause",
                            i == 1 ? "recovery" : "failback", "after_fault_id", "f1", "complete", 1, "file", "readback-1.ids"));
    }
    add_event(events, end_ns + 9, "drill.end", json_pack("{s:s}", "conclusion", "completed"));
    events_close(events);
}

static void make_evidence(const char *folder, uint64_t count)
{
    struct err err = {0};
    AUTO_FREE char *path = xasprintf("%s/plan.json", folder);
    AUTO_JSON json_t *plan = json_pack("{s:[s, s, s], s:{s:I}}", "objectives", "rto <= 90s", "lost <= 0", "p99 <= 1s", "measure",
                                       "hold_ns", (json_int_t)(30 * NS_PER_S));
    need(json_write_file(path, plan, &err), &err);
    make_ids(folder, make_ledger(folder, count));
    make_events(folder, (int64_t)(count / 3) * (NS_PER_S / RATE), (int64_t)count * (NS_PER_S / RATE) + NS_PER_S);
}

static atomic_long anonymous_kb;
static atomic_bool over;

/* Private memory of this process, looked at every two milliseconds. */
static void *watch_memory(void *context)
{
    (void)context;
    while (!atomic_load(&over)) {
        char *text = NULL;
        size_t size;
        struct err err = {0};
        if (fd_read_file("/proc/self/status", 65536, &text, &size, &err) == 0) {
            const char *line = strstr(text, "RssAnon:");
            long kb = line ? strtol(line + 8, NULL, 10) : 0;
            if (kb > atomic_load(&anonymous_kb)) {
                atomic_store(&anonymous_kb, kb);
            }
        }
        free(text);
        nanosleep(&(struct timespec){.tv_nsec = 2 * NS_PER_MS}, NULL);
    }
    return NULL;
}

static double thread_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* One record after the other, nothing but looked at: a new mapping, as measuring has one. */
static double plain_pass_s(const char *folder)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    AUTO_FREE char *path = xasprintf("%s/ledger-edge.bin", folder);
    double begun_s = thread_cpu_s();
    need(ledger_open(path, &ledger, &err), &err);
    uint64_t count = ledger_count(ledger);
    const struct ledger_record *records = ledger_records(ledger);
    volatile int64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        sum += records[i].due_ns;
    }
    ledger_close(ledger);
    return thread_cpu_s() - begun_s;
}

static void measure_once(const char *folder, uint64_t count)
{
    struct err err = {0};
    struct evidence *evidence = NULL;
    struct result *result = NULL;
    double plain_s = plain_pass_s(folder), begun_s = thread_cpu_s();
    int64_t begun_ns = clock_now_ns();
    need(evidence_load(folder, &evidence, &err), &err);
    need(measure_evidence(evidence, &result, &err), &err);
    printf("{\"records\": %" PRIu64 ", \"cpu_s\": %.4f, \"wall_s\": %.4f, \"plain_pass_s\": %.4f, \"rto_s\": %.4f, "
           "\"lost\": %" PRIu64 ", \"acknowledged\": %" PRIu64,
           count, thread_cpu_s() - begun_s, (double)(clock_now_ns() - begun_ns) / NS_PER_S, plain_s, result->rto.value,
           result->loss.lost, result->loss.acknowledged);
    result_free(result);
    evidence_free(evidence);
}

int main(int argc, char **argv)
{
    pthread_t watcher;
    struct err err = {0};
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    if (count < 60 * RATE * 4) {
        fprintf(stderr, "usage: %s FOLDER RECORDS (at least %d)\n", argv[0], 60 * RATE * 4);
        return 2;
    }
    need(fd_make_dirs(argv[1], 0755, &err), &err);
    make_evidence(argv[1], count);
    pthread_create(&watcher, NULL, watch_memory, NULL);
    measure_once(argv[1], count);
    atomic_store(&over, true);
    pthread_join(watcher, NULL);
    printf(", \"anonymous_mb\": %.1f, \"ledger_mb\": %.1f}\n", (double)atomic_load(&anonymous_kb) / 1024,
           (double)(count * sizeof(struct ledger_record)) / 1048576);
    need(fd_remove_tree(argv[1], &err), &err);
    return 0;
}
