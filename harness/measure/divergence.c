/* Which acknowledged writes are on which store, and which of them are on one side of a fork only. */
#include "harness/measure/divergence.h"

#include <stdlib.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/measure/listing.h"

enum { IDS_SHOWN = 3 };

/* One comparison while it is made. */
struct comparing {
    struct store_comparison *comparison;
    struct listing listings[STORES_MAX];
    int64_t begun_ns;                      /* of the first list */
    uint64_t only[STORES_MAX][STORES_MAX]; /* how many writes the first has and the second lacks */
};

struct work {
    struct measurement *measurement;
    struct stores_result *stores;
    VEC(struct comparing) items;
};

static bool is_reading(const json_t *event)
{
    return str_eq(json_str(event, "kind", ""), "store.read");
}

static void open_comparisons(struct work *work)
{
    size_t index;
    json_t *event;
    int64_t last = 0;
    json_array_foreach(work->measurement->evidence->events, index, event)
    {
        if (!is_reading(event)) {
            continue;
        }
        if (json_int(event, "number", 0) != last) {
            last = json_int(event, "number", 0);
            struct stores_result *stores = work->stores;
            stores->comparisons = xrealloc(stores->comparisons, stores->comparison_count + 1, sizeof(*stores->comparisons));
            stores->comparisons[stores->comparison_count++] =
                (struct store_comparison){.label = xstrdup(json_str(event, "label", "")), .t_ns = json_int(event, "begun_ns", 0)};
        }
    }
}

static void take_reading(struct work *work, struct comparing *comparing, const json_t *event)
{
    struct store_comparison *comparison = comparing->comparison;
    size_t store = stores_index(work->stores, json_str(event, "store", "?"));
    if (store == STORES_MAX) {
        return;
    }
    struct store_content *content = &comparison->contents[store];
    char *reason = NULL;
    if (!json_flag(event, "complete", false)) {
        reason = xstrdup(json_str(event, "reason", "not complete"));
    } else {
        reason = listing_read(work->measurement, event, &comparing->listings[store]);
    }
    int64_t begun_ns = json_int(event, "begun_ns", 0);
    comparing->begun_ns = begun_ns < comparing->begun_ns ? begun_ns : comparing->begun_ns;
    free(content->reason);
    content->reason = reason;
    content->complete = !reason;
    comparison->complete |= content->complete ? 1U << store : 0;
}

static void read_all(struct work *work)
{
    size_t index;
    json_t *event;
    int64_t last = 0;
    struct comparing *comparing = NULL;
    json_array_foreach(work->measurement->evidence->events, index, event)
    {
        if (!is_reading(event)) {
            continue;
        }
        if (json_int(event, "number", 0) != last) {
            last = json_int(event, "number", 0);
            comparing = VEC_ADD(&work->items);
            *comparing =
                (struct comparing){.comparison = &work->stores->comparisons[work->items.count - 1], .begun_ns = INT64_MAX};
            comparing->comparison->contents = xcalloc(work->stores->count, sizeof(struct store_content));
            for (size_t i = 0; i < work->stores->count; i++) {
                comparing->comparison->contents[i].reason = xstrdup("it was not asked");
            }
        }
        take_reading(work, comparing, event);
    }
}

static uint32_t stores_with(const struct work *work, const struct comparing *comparing, size_t track,
                            const struct ledger_record *record)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < work->stores->count; i++) {
        bool has = comparing->listings[i].times && listing_times(&comparing->listings[i], track, record) > 0;
        mask |= has ? 1U << i : 0;
    }
    return mask & comparing->comparison->complete;
}

/* Acknowledged before the first list was begun; the clocks' bound goes to the same side. */
static bool counts_in(const struct work *work, const struct comparing *comparing, size_t track_index,
                      const struct ledger_record *record)
{
    const struct track *track = &work->measurement->tracks.items[track_index];
    return request_outcome(record) == OUTCOME_OK && record->done_ns + track->offset_ns + track->bound_ns <= comparing->begun_ns;
}

typedef void each_write_f(struct work *work, struct comparing *comparing, size_t track, const struct ledger_record *record,
                          bool counts, uint32_t on);

static void for_each_write(struct work *work, struct comparing *comparing, each_write_f *each)
{
    const struct tracks *tracks = &work->measurement->tracks;
    for (size_t i = 0; i < tracks->count; i++) {
        const struct track *track = &tracks->items[i];
        for (uint64_t j = 0; j < track->count; j++) {
            const struct ledger_record *record = &track->records[j];
            if (record->request_class != CLASS_WRITE || !record->write_number || record->write_number > track->highest_write) {
                continue;
            }
            each(work, comparing, i, record, counts_in(work, comparing, i, record), stores_with(work, comparing, i, record));
        }
    }
}

static void count_write(struct work *work, struct comparing *comparing, size_t track, const struct ledger_record *record,
                        bool counts, uint32_t on)
{
    struct store_comparison *comparison = comparing->comparison;
    (void)track;
    comparison->asked += counts;
    for (size_t i = 0; i < work->stores->count; i++) {
        uint32_t bit = 1U << i;
        struct store_content *content = &comparison->contents[i];
        content->unacknowledged += (on & bit) && request_outcome(record) != OUTCOME_OK;
        if (!counts || !content->complete) {
            continue;
        }
        content->has += (on & bit) != 0;
        content->missing += !(on & bit);
        content->only_here += on == bit;
        for (size_t j = 0; j < work->stores->count && (on & bit); j++) {
            comparing->only[i][j] += !(on & 1U << j);
        }
    }
}

static bool parted(const struct comparing *comparing, size_t a, size_t b)
{
    uint32_t both = 1U << a | 1U << b;
    return a != b && (comparing->comparison->complete & both) == both && comparing->only[a][b] > 0 && comparing->only[b][a] > 0;
}

static bool is_divergent(const struct work *work, const struct comparing *comparing, uint32_t on)
{
    for (size_t a = 0; a < work->stores->count; a++) {
        for (size_t b = 0; b < work->stores->count; b++) {
            if (on & 1U << a && !(on & 1U << b) && parted(comparing, a, b)) {
                return true;
            }
        }
    }
    return false;
}

static void add_write(struct work *work, size_t track, const struct ledger_record *record)
{
    struct stores_result *stores = work->stores;
    char id[96];
    ledger_write_id(work->measurement->tracks.items[track].header, record->write_number, id);
    stores->writes = xrealloc(stores->writes, stores->write_count + 1, sizeof(*stores->writes));
    struct divergent_write *write = &stores->writes[stores->write_count++];
    *write = (struct divergent_write){.id = xstrdup(id), .on = xcalloc(stores->comparison_count, sizeof(*write->on))};
    for (size_t i = 0; i < work->items.count; i++) {
        write->on[i] = stores_with(work, &work->items.items[i], track, record);
    }
}

/* An earlier comparison has named it already. */
static bool is_known(const struct work *work, const struct comparing *comparing, size_t track, const struct ledger_record *record)
{
    for (const struct comparing *earlier = work->items.items; earlier < comparing; earlier++) {
        if (counts_in(work, earlier, track, record) && is_divergent(work, earlier, stores_with(work, earlier, track, record))) {
            return true;
        }
    }
    return false;
}

static void mark_write(struct work *work, struct comparing *comparing, size_t track, const struct ledger_record *record,
                       bool counts, uint32_t on)
{
    if (counts && is_divergent(work, comparing, on)) {
        comparing->comparison->divergent++;
        if (!is_known(work, comparing, track, record)) {
            add_write(work, track, record);
        }
    }
}

static void compare(struct work *work, struct comparing *comparing)
{
    for_each_write(work, comparing, count_write);
    for (size_t a = 0; a < work->stores->count; a++) {
        for (size_t b = 0; b < work->stores->count; b++) {
            comparing->comparison->forked |= parted(comparing, a, b) ? 1U << a | 1U << b : 0;
        }
    }
    if (comparing->comparison->forked) {
        for_each_write(work, comparing, mark_write);
    }
}

/* The writes that were on exactly these stores, and some of their ids. */
static void describe_side(const struct stores_result *stores, size_t comparison, uint32_t on, struct buf *out)
{
    uint64_t count = 0;
    struct buf ids CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < stores->write_count; i++) {
        if (stores->writes[i].on[comparison] == on) {
            if (count++ < IDS_SHOWN) {
                buf_printf(&ids, "%s%s", ids.size ? ", " : "", stores->writes[i].id);
            }
        }
    }
    buf_printf(out, "%s%llu on ", out->size ? "; " : "", (unsigned long long)count);
    stores_names(stores, on, out);
    buf_printf(out, "%s (%s%s)", on ? " only" : " any more", buf_str(&ids), count > IDS_SHOWN ? ", …" : "");
}

/* Where the divergent writes are at one comparison; nothing when all stores have them. */
static void tell_sides(struct measurement *measurement, size_t index)
{
    const struct stores_result *stores = &measurement->result->stores;
    const struct store_comparison *comparison = &stores->comparisons[index];
    struct buf text CLEANUP(buf_clear) = {0};
    VEC(uint32_t) told = {0};
    for (size_t i = 0; i < stores->write_count; i++) {
        uint32_t on = stores->writes[i].on[index];
        bool is_told = on == comparison->complete;
        for (size_t j = 0; j < told.count && !is_told; j++) {
            is_told = told.items[j] == on;
        }
        if (!is_told) {
            *VEC_ADD(&told) = on;
            describe_side(stores, index, on, &text);
        }
    }
    VEC_CLEAR(&told);
    if (text.size) {
        measure_finding(measurement, "Of the writes that were accepted on two sides, \"%s\": %s.", comparison->label,
                        buf_str(&text));
    }
}

static void conclude(struct work *work)
{
    struct stores_result *stores = work->stores;
    bool whole = stores->comparison_count > 0;
    char why[160] = "the scenario did not compare the stores (d:read_stores)";
    for (size_t i = 0; i < stores->comparison_count; i++) {
        const struct store_comparison *comparison = &stores->comparisons[i];
        for (size_t j = 0; j < stores->count; j++) {
            if (!comparison->contents[j].complete && whole) {
                whole = false;
                (void)str_format(why, sizeof(why), "%s could not be read (%s): %.90s", stores->names[j], comparison->label,
                                 comparison->contents[j].reason);
            }
        }
        tell_sides(work->measurement, i);
    }
    stores->divergent = whole || stores->write_count > 0
                            ? (struct figure){.measured = true, .value = (double)stores->write_count, .at_least = !whole}
                            : figure_unknown("%s", why);
}

void measure_divergence(struct measurement *measurement)
{
    struct work work = {.measurement = measurement, .stores = &measurement->result->stores};
    stores_open(measurement);
    open_comparisons(&work);
    read_all(&work);
    VEC_EACH(comparing, &work.items)
    {
        compare(&work, comparing);
    }
    conclude(&work);
    VEC_EACH(comparing, &work.items)
    {
        for (size_t i = 0; i < STORES_MAX; i++) {
            listing_clear(&comparing->listings[i]);
        }
    }
    VEC_CLEAR(&work.items);
}
