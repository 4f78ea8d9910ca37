/* Requests in virtual time. */
#include "tests/support/fake_load.h"

#include <endian.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/evidence/ledger.h"

enum { ANSWER_MS = 5 };

struct fake_load {
    struct ledger *ledger;
    double rate, write_share;
    int64_t start_ns, deadline_ns;
    int64_t broken_from_ns, broken_until_ns;
    int64_t late_ns;
    double not_sent_share;
    uint64_t not_sent;
    uint64_t issued, completed; /* all before `completed` are */
    uint64_t writes;
    bool stopped;
};

static void fill_header(const struct fake_load *load, const json_t *settings)
{
    struct ledger_header *header = ledger_header(load->ledger);
    header->start_ns = load->start_ns;
    header->deadline_ns = load->deadline_ns;
    header->rate = load->rate;
    header->write_share = load->write_share;
    header->clock_bound_ns = json_int(settings, "clock_bound_ns", 0);
    (void)str_copy(header->vantage, sizeof(header->vantage), json_str(settings, "vantage", ""));
    (void)str_copy(header->id_prefix, sizeof(header->id_prefix), json_str(settings, "id_prefix", ""));
}

int fake_load_start(const json_t *settings, struct fake_load **ret_load, struct err *err)
{
    struct fake_load *load = xcalloc(1, sizeof(*load));
    load->rate = json_num(settings, "rate", 0);
    load->write_share = json_num(settings, "write_share", 0);
    load->deadline_ns = json_int(settings, "deadline_ms", 0) * NS_PER_MS;
    load->start_ns = clock_now_ns();
    uint64_t capacity = (uint64_t)(load->rate * json_num(settings, "max_seconds", 0));
    int status = ledger_create(json_str(settings, "ledger", ""), capacity, &load->ledger, err);
    if (status < 0) {
        free(load);
        return status;
    }
    fill_header(load, settings);
    *ret_load = load;
    return 0;
}

void fake_load_free(struct fake_load *load)
{
    if (load) {
        ledger_close(load->ledger);
        free(load);
    }
}

static int64_t due_ns_of(const struct fake_load *load, uint64_t number)
{
    return load->start_ns + (int64_t)((double)number * 1e9 / load->rate);
}

static bool is_broken(const struct fake_load *load, int64_t due_ns)
{
    return due_ns >= load->broken_from_ns && due_ns < load->broken_until_ns;
}

/* Whether the share, spread evenly, takes the request of this index. */
static bool is_taken(uint64_t index, double share)
{
    return (uint64_t)((double)(index + 1) * share) > (uint64_t)((double)index * share);
}

static void leave_unsent(struct fake_load *load, struct ledger_record *record)
{
    record->not_sent = NOT_SENT_PORTS;
    record->done_ns = record->due_ns;
    load->not_sent++;
    ledger_finish(record, OUTCOME_NOT_SENT);
}

static void issue(struct fake_load *load)
{
    uint64_t index;
    struct ledger_record *record = ledger_next(load->ledger, &index);
    if (!record) {
        load->stopped = true;
        return;
    }
    bool write = is_taken(index, load->write_share), sent = !is_taken(index, load->not_sent_share);
    record->due_ns = due_ns_of(load, index);
    record->sent_ns = sent ? record->due_ns + load->late_ns + 100 * NS_PER_US : 0;
    record->late_us = (uint32_t)(load->late_ns / NS_PER_US);
    record->request_class = write ? CLASS_WRITE : CLASS_READ;
    record->write_number = write ? ++load->writes : 0;
    record->unused[0] = is_broken(load, record->due_ns); /* its fate is sealed */
    if (!sent) {
        leave_unsent(load, record);
    }
    ledger_publish(load->ledger);
    load->issued++;
}

/* An unanswered request is over at its deadline, an answered one soon. */
static void complete(struct fake_load *load, struct ledger_record *record, int64_t now_ns)
{
    bool broken = record->unused[0];
    int64_t done_ns = record->due_ns + (broken ? load->deadline_ns : load->late_ns + ANSWER_MS * NS_PER_MS);
    if (record->outcome != OUTCOME_PENDING || done_ns > now_ns) {
        return;
    }
    record->done_ns = done_ns;
    record->http_status = broken ? 0 : record->request_class == CLASS_WRITE ? 201 : 200;
    record->address = broken ? 0 : htobe32(0x0a02000b); /* 10.2.0.11 */
    ledger_finish(record, broken ? OUTCOME_TIMEOUT_CONNECT : OUTCOME_OK);
}

void fake_load_advance(struct fake_load *load, int64_t now_ns)
{
    while (!load->stopped && due_ns_of(load, load->issued) <= now_ns) {
        issue(load);
    }
    for (uint64_t i = load->completed; i < load->issued; i++) {
        struct ledger_record *record = ledger_writable_at(load->ledger, i);
        complete(load, record, now_ns);
        load->completed += i == load->completed && record->outcome != OUTCOME_PENDING;
    }
}

void fake_load_stop(struct fake_load *load)
{
    load->stopped = true;
    clock_fake_advance_ns(load->deadline_ns);
    fake_load_advance(load, clock_now_ns());
}

void fake_load_break(struct fake_load *load, int64_t from_ns, int64_t until_ns)
{
    load->broken_from_ns = from_ns;
    load->broken_until_ns = until_ns;
}

void fake_load_trouble(struct fake_load *load, int64_t late_ns, double not_sent_share)
{
    load->late_ns = late_ns;
    load->not_sent_share = not_sent_share;
}

uint64_t fake_load_issued(const struct fake_load *load)
{
    return load->issued;
}

uint64_t fake_load_not_sent(const struct fake_load *load)
{
    return load->not_sent;
}

static bool is_acknowledged(const struct ledger_record *record)
{
    return record->request_class == CLASS_WRITE && record->outcome == OUTCOME_OK;
}

uint64_t fake_load_newest_acknowledged(const struct fake_load *load)
{
    uint64_t newest = 0;
    for (uint64_t i = 0; i < load->issued; i++) {
        const struct ledger_record *record = ledger_at(load->ledger, i);
        newest = is_acknowledged(record) ? record->write_number : newest;
    }
    return newest;
}

int fake_load_list(const struct fake_load *load, const char *path, uint64_t lost_from, uint64_t lost_to, int64_t *ret_count,
                   struct err *err)
{
    struct buf ids CLEANUP(buf_clear) = {0};
    int64_t count = 0;
    for (uint64_t i = 0; i < load->issued; i++) {
        const struct ledger_record *record = ledger_at(load->ledger, i);
        bool lost = record->write_number > lost_from && record->write_number <= lost_to;
        char id[96];
        if (is_acknowledged(record) && !lost) {
            ledger_write_id(ledger_header(load->ledger), record->write_number, id);
            buf_printf(&ids, "%s\n", id);
            count++;
        }
    }
    *ret_count = count;
    return fd_write_file_atomic(path, buf_str(&ids), ids.size, err);
}
