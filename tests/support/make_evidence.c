/* make_evidence pass|fail|inconclusive|aborted RATE SECONDS: evidence of a made-up drill in a new folder, whose name it prints. For
 * tests and benchmarks of what is rendered from evidence; no topology is needed. */
#include <stdio.h>

#include "harness/base/buf.h"

#include "tests/support/fake_evidence.h"

enum kind { KIND_PASS = 0, KIND_FAIL, KIND_INCONCLUSIVE, KIND_ABORTED, KIND_COUNT };
static const char *const kinds[KIND_COUNT] = {"pass", "fail", "inconclusive", "aborted"};

struct making {
    enum kind kind;
    double rate, from_s, seconds; /* the load begins at from_s */
    double fault_s, back_s, revert_s;
};

/* Repeatable: the same arguments give the same evidence. From 1 ms to 100 ms, most of them fast. */
static int64_t spread_ns(uint64_t index)
{
    uint64_t mixed = (index + 1) * 0x9e3779b97f4a7c15ULL;
    mixed ^= mixed >> 31;
    return NS_PER_MS * (1 + (int64_t)(mixed % 8) * (mixed % 97 == 0 ? 12 : 1)) + (int64_t)(mixed % 1000) * NS_PER_US;
}

/* Answers come from us-east until the fault and from eu-west after it. What is inconclusive had a driver at its limit, too. */
static void vary(const struct making *making, struct ledger *ledger)
{
    ledger_header(ledger)->sessions = 50;
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        struct ledger_record *record = ledger_writable_at(ledger, i);
        record->session = 1 + (uint32_t)(i * 7 % 50);
        if (making->kind == KIND_INCONCLUSIVE && i % 400 == 399) {
            record->outcome = OUTCOME_NOT_SENT;
            record->not_sent = i % 800 == 799 ? NOT_SENT_IN_FLIGHT : NOT_SENT_PORTS;
            record->sent_ns = record->first_byte_ns = 0;
        }
        if (record->outcome == OUTCOME_OK) {
            bool moved = record->due_ns > fake_ns(making->fault_s);
            record->done_ns = record->due_ns + spread_ns(i);
            record->address = htobe32(moved ? 0x0a02000b : 0x0a01000b);
            record->server = ledger_server(ledger, moved                 ? "eu-west-app1"
                                                   : record->session % 3 ? "us-east-app1"
                                                                         : "us-east-app2");
        }
    }
}

/* Every acknowledged write but the first `lost` ones of those before the fault. */
static char *found_ids(const struct making *making, struct ledger *ledger, int lost)
{
    struct buf ids = {0};
    for (uint64_t i = 0; i < ledger_count(ledger); i++) {
        const struct ledger_record *record = ledger_at(ledger, i);
        char id[96];
        if (!record->write_number || record->outcome != OUTCOME_OK) {
            continue;
        }
        if (lost > 0 && record->due_ns > fake_ns(making->fault_s - 1)) {
            lost--;
            continue;
        }
        ledger_write_id(ledger_header(ledger), record->write_number, id);
        buf_printf(&ids, "%s\n", id);
    }
    return buf_take(&ids);
}

static void add_events(const struct making *making, struct fake_evidence *fake, struct ledger *ledger)
{
    double end_s = making->from_s + making->seconds;
    bool aborted = making->kind == KIND_ABORTED;
    fake_event(fake, making->from_s - 1, "drill.start", json_pack("{s:s}", "drill_id", "20261123-120000-fake"));
    fake_inject(fake, making->fault_s, "f1", making->kind != KIND_INCONCLUSIVE);
    fake_event(fake, making->fault_s + 1.2, "observe",
               json_pack("{s:s, s:s, s:s, s:s}", "observer", "health", "subject", "us-east-gw1", "from", "up", "to", "down"));
    fake_event(fake, making->fault_s + 3.4, "observe",
               json_pack("{s:s, s:s, s:s, s:s}", "observer", "dns", "subject", "api", "from", "10.1.0.11", "to", "10.2.0.11"));
    if (aborted) {
        fake_event(fake, making->back_s - 1, "abort", json_pack("{s:s}", "reason", "interrupted"));
    }
    fake_revert(fake, aborted ? making->back_s - 1 : making->revert_s, "f1");
    if (!aborted) {
        AUTO_FREE char *ids = found_ids(making, ledger, making->kind == KIND_FAIL ? 25 : 0);
        fake_readback(fake, end_s + 1, 1, "failback", "f1", ids, true, "");
    }
    fake_end(fake, end_s + 2, aborted ? "aborted" : "completed");
}

static void make(const struct making *making, struct fake_evidence *fake)
{
    const struct fake_span spans[] = {{making->fault_s, making->back_s, OUTCOME_TIMEOUT_CONNECT, CLASS_NONE, 0},
                                      {making->back_s - 2, making->back_s, OUTCOME_STATUS, CLASS_READ, 40 * NS_PER_MS}};
    struct err err = {0};
    fake_open(fake);
    fake_objective(fake, "rto <= 20s");
    fake_objective(fake, "lost <= 0");
    fake_objective(fake, "failed < 60%");
    struct ledger *ledger AUTO_LEDGER =
        fake_ledger(fake, "client", making->from_s, making->from_s + making->seconds, making->rate, 3, spans, ARRAY_LEN(spans));
    vary(making, ledger);
    add_events(making, fake, ledger);
    AUTO_FREE char *path = xasprintf("%s/plan.json", fake->folder);
    assert_int_equal(json_write_file(path, fake->plan, &err), 0);
}

int main(int argc, char **argv)
{
    struct making making = {.kind = KIND_COUNT, .from_s = 100};
    struct fake_evidence fake;
    for (enum kind kind = KIND_PASS; argc == 4 && kind < KIND_COUNT; kind++) {
        making.kind = str_eq(argv[1], kinds[kind]) ? kind : making.kind;
    }
    making.rate = argc == 4 ? strtod(argv[2], NULL) : 0;
    making.seconds = argc == 4 ? strtod(argv[3], NULL) : 0;
    if (making.kind == KIND_COUNT || making.rate < 10 || making.seconds < 40) {
        fprintf(stderr, "usage: make_evidence pass|fail|inconclusive|aborted RATE SECONDS (at least 10 and 40)\n");
        return 2;
    }
    making.fault_s = making.from_s + 8;
    making.back_s = making.fault_s + 9.5;
    making.revert_s = making.fault_s + 20;
    make(&making, &fake);
    puts(fake.folder);
    events_close(fake.events);
    json_decref(fake.plan);
    return 0;
}
