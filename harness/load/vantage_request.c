/* A vantage's requests from their issue to their record: sent, waiting for an address, ended. */
#include "harness/load/vantage_internal.h"

#include "harness/base/clock.h"

static void finish_record(struct vantage *vantage, const struct http_done *done)
{
    struct ledger_record *record = ledger_writable_at(vantage->ledger, done->tag);
    enum request_outcome outcome = done->outcome;
    if (outcome == OUTCOME_OK && done->done_ns > record->due_ns + vantage->settings.deadline_ns) {
        outcome = OUTCOME_TIMEOUT_BODY;
    }
    record->sent_ns = done->sent_ns;
    record->first_byte_ns = done->first_byte_ns;
    record->done_ns = done->done_ns;
    record->address = done->address;
    record->http_status = done->http_status;
    record->new_connection = done->new_connection;
    record->not_sent = (uint8_t)done->not_sent;
    record->server = done->server ? ledger_server(vantage->ledger, done->server) : 0;
    if (outcome == OUTCOME_OK && record->write_number > vantage->newest_stored) {
        vantage->newest_stored = record->write_number;
    }
    vantage->sent += done->sent_ns > 0;
    vantage->not_sent[done->not_sent] += outcome == OUTCOME_NOT_SENT;
    vantage->in_flight--;
    ledger_finish(record, outcome);
}

void vantage_finish_unsent(struct vantage *vantage, uint64_t index, enum request_outcome outcome)
{
    finish_record(vantage, &(struct http_done){.tag = index, .outcome = outcome, .done_ns = clock_now_ns()});
}

void vantage_finish_not_sent(struct vantage *vantage, uint64_t index, enum not_sent_reason reason)
{
    finish_record(vantage,
                  &(struct http_done){.tag = index, .outcome = OUTCOME_NOT_SENT, .not_sent = reason, .done_ns = clock_now_ns()});
}

void vantage_give_up(struct vantage *vantage)
{
    for (uint64_t i = 0; i < ledger_count(vantage->ledger); i++) {
        const struct ledger_record *record = ledger_at(vantage->ledger, i);
        if (record->outcome == OUTCOME_PENDING) {
            finish_record(vantage, &(struct http_done){.tag = i,
                                                       .outcome = OUTCOME_NOT_SENT,
                                                       .not_sent = NOT_SENT_LOST,
                                                       .sent_ns = record->sent_ns,
                                                       .address = record->address,
                                                       .done_ns = clock_now_ns()});
        }
    }
    vantage->in_flight = 0;
}

static struct http_order order_of(const struct vantage *vantage, uint64_t index)
{
    const struct ledger_record *record = ledger_writable_at(vantage->ledger, index);
    bool is_write = record->request_class == CLASS_WRITE;
    bool odd = (index + 1) * 0x9e3779b97f4a7c15u >> 63; /* every second one, in no step with the pattern of the writes */
    return (struct http_order){
        .request_class = (enum request_class)record->request_class,
        .tag = index,
        .id = is_write ? record->write_number : vantage->newest_stored,
        .session = record->session,
        .source = source_address(&vantage->settings.sources, record->session),
        .deadline_ns = record->due_ns + vantage->settings.deadline_ns,
        .fresh = vantage->settings.connections == CONNECTIONS_NEW || (vantage->settings.connections == CONNECTIONS_MIXED && odd),
    };
}

/* A drill that is killed shows what was under way, and where to. */
void vantage_on_sent(void *context, const struct http_done *begun)
{
    struct vantage *vantage = context;
    if (!(begun->tag & WARM_TAG)) {
        struct ledger_record *record = ledger_writable_at(vantage->ledger, begun->tag);
        record->address = begun->address;
        record->sent_ns = begun->sent_ns;
    }
}

void vantage_on_done(void *context, const struct http_done *done)
{
    struct vantage *vantage = context;
    if (done->tag & WARM_TAG) {
        vantage->warmed += done->outcome == OUTCOME_OK;
    } else if (done->no_address) {
        struct http_order order = order_of(vantage, done->tag);
        *VEC_ADD(&vantage->waiting) = order;
    } else {
        finish_record(vantage, done);
    }
}

uint32_t vantage_on_address(void *context, enum request_class request_class)
{
    struct vantage *vantage = context;
    return namecache_get(vantage->names[request_class], clock_now_ns());
}

static void send_order(struct vantage *vantage, const struct http_order *order)
{
    if (!http_send(vantage->http, order)) {
        vantage_finish_not_sent(vantage, order->tag, NOT_SENT_LIBRARY);
    }
}

/* Pooled connections need no address: libcurl is asked first, and vantage_on_done brings back what would have needed one. */
void vantage_dispatch(struct vantage *vantage, uint64_t index, int64_t now_ns)
{
    struct http_order order = order_of(vantage, index);
    if (order.fresh) {
        order.address = namecache_get(vantage->names[order.request_class], now_ns);
        if (order.address == 0) {
            *VEC_ADD(&vantage->waiting) = order;
            return;
        }
    }
    send_order(vantage, &order);
}

/* All at once, so that each opens its own; only once. Without an address it is left until there is one. */
void vantage_warm_up(struct vantage *vantage)
{
    const struct vantage_settings *settings = &vantage->settings;
    bool wanted = settings->warm > 0 && settings->calls[CLASS_READ].url && vantage->schedule.number == 0 && !vantage->warmed_up;
    uint32_t address = wanted ? namecache_get(vantage->names[CLASS_READ], clock_now_ns()) : 0;
    for (int i = 0; address && i < settings->warm; i++) {
        struct http_order order = {.request_class = CLASS_READ,
                                   .tag = WARM_TAG | (uint64_t)i,
                                   .deadline_ns = clock_now_ns() + settings->deadline_ns,
                                   .address = address};
        (void)http_send(vantage->http, &order);
        vantage->warmed_up = true;
    }
}

/* Takes the waiting ones out for which `take` says so; the rest stays in order. */
static void sift_waiting(struct vantage *vantage, bool (*take)(struct vantage *, struct http_order *, void *), void *context)
{
    size_t kept = 0;
    for (size_t i = vantage->waiting_first; i < vantage->waiting.count; i++) {
        struct http_order order = vantage->waiting.items[i];
        if (!take(vantage, &order, context)) {
            vantage->waiting.items[kept++] = order;
        }
    }
    vantage->waiting_first = 0;
    vantage->waiting.count = kept;
}

struct settlement {
    struct namecache *cache;
    bool refused;
    size_t left; /* that still wait for this name */
};

static bool settle_one(struct vantage *vantage, struct http_order *order, void *context)
{
    struct settlement *settlement = context;
    if (vantage->names[order->request_class] != settlement->cache) {
        return false;
    }
    if (settlement->refused || order->deadline_ns <= clock_now_ns()) { /* too late: it would look like a connect that hung */
        vantage_finish_unsent(vantage, order->tag, OUTCOME_DNS);
        return true;
    }
    order->address = namecache_latest(settlement->cache);
    settlement->left += order->address == 0;
    if (order->address) {
        send_order(vantage, order);
    }
    return order->address != 0;
}

void vantage_on_settled(void *context, struct namecache *cache, bool refused)
{
    struct settlement settlement = {.cache = cache, .refused = refused};
    struct vantage *vantage = context;
    sift_waiting(vantage, settle_one, &settlement);
    vantage_warm_up(vantage);
    if (settlement.left > 0) {
        namecache_ask(cache); /* as long as someone waits */
    }
}

/* Without an address until the deadline: the client's name lookup has failed. */
void vantage_expire_waiting(struct vantage *vantage, int64_t now_ns)
{
    while (vantage->waiting_first < vantage->waiting.count &&
           vantage->waiting.items[vantage->waiting_first].deadline_ns <= now_ns) {
        vantage_finish_unsent(vantage, vantage->waiting.items[vantage->waiting_first].tag, OUTCOME_DNS);
        vantage->waiting_first++;
    }
    if (vantage->waiting_first == vantage->waiting.count) {
        vantage->waiting_first = vantage->waiting.count = 0;
    }
}
