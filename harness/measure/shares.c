/* Counting who answered. */
#include "harness/measure/shares.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/measure/address.h"
#include "harness/measure/histogram.h"
#include "harness/measure/series.h"

enum { WINDOWS_MAX = 40, SESSIONS_MAX = 1000000 /* a higher number comes from a damaged record */ };

struct tally {
    char name[64];
    uint64_t requests, failed, left;
    struct histogram *took;
};

struct tallies {
    VEC(struct tally) list;
};

struct counting {
    const struct measurement *measurement;
    const struct span *spans;
    size_t span_count;
    struct share_window *window;
    struct address_regions regions;
    struct tallies by_server, by_region;
    struct histogram *took;
};

/* What is known of a track's sessions. */
struct sessions {
    uint16_t *last; /* the server that answered it last, 0: none yet; by session */
    uint8_t *state; /* SEEN, MOVED within the spans */
    size_t count;
};

enum { SEEN = 1, MOVED = 2 };

static struct tally *tally_of(struct tallies *tallies, const char *name)
{
    VEC_EACH(tally, &tallies->list)
    {
        if (str_eq(tally->name, name)) {
            return tally;
        }
    }
    struct tally *added = VEC_ADD(&tallies->list);
    *added = (struct tally){.took = histogram_new()};
    (void)str_copy(added->name, sizeof(added->name), name);
    return added;
}

static void add(struct tally *tally, bool failed, int64_t took_ns)
{
    tally->requests++;
    tally->failed += failed;
    histogram_add(tally->took, took_ns);
}

static const char *server_name(const struct track *track, uint16_t server)
{
    return server > 0 && server <= track->server_count ? track->servers[server - 1] : "";
}

static void count_record(struct counting *counting, const struct track *track, const struct ledger_record *record)
{
    bool failed = request_outcome(record) != OUTCOME_OK;
    int64_t took_ns = record->done_ns ? record->done_ns - record->due_ns : 0, deadline_ns = track->header->deadline_ns;
    took_ns = failed && took_ns < deadline_ns ? deadline_ns : took_ns;
    counting->window->requests++;
    counting->window->failed += failed;
    histogram_add(counting->took, took_ns);
    add(tally_of(&counting->by_server, server_name(track, record->server)), failed, took_ns);
    add(tally_of(&counting->by_region, address_region(&counting->regions, record->address)), failed, took_ns);
}

static void follow_session(struct counting *counting, const struct track *track, struct sessions *sessions,
                           const struct ledger_record *record, bool within)
{
    if (record->session == 0 || record->session > sessions->count || record->server == 0 ||
        request_outcome(record) != OUTCOME_OK) {
        return;
    }
    size_t index = record->session - 1;
    uint16_t last = sessions->last[index];
    bool moved = last && last != record->server;
    sessions->last[index] = record->server;
    if (within && moved) {
        tally_of(&counting->by_server, server_name(track, last))->left++;
    }
    if (within) {
        counting->window->sessions += !(sessions->state[index] & SEEN);
        counting->window->moved += moved && !(sessions->state[index] & MOVED);
        counting->window->moves += moved;
        sessions->state[index] |= moved ? SEEN | MOVED : SEEN;
    }
}

/* The first injection after the record was due. Records come in order of due times, so that `*next` only goes on. */
static int64_t next_injection_ns(const struct measurement *measurement, int64_t due_ns, size_t *next)
{
    while (*next < measurement->disruption_count &&
           (measurement->disruptions[*next].failback || measurement->disruptions[*next].t_ns <= due_ns)) {
        ++*next;
    }
    return *next < measurement->disruption_count ? measurement->disruptions[*next].t_ns : INT64_MAX;
}

/* When a request counts: it was due then, or was still open when the next fault came, whose it is then. */
static int64_t moment_ns(const struct counting *counting, const struct track *track, const struct ledger_record *record,
                         size_t *next)
{
    int64_t due_ns = record->due_ns + track->offset_ns;
    int64_t injected_ns = next_injection_ns(counting->measurement, due_ns, next);
    int64_t done_ns = record->done_ns ? record->done_ns + track->offset_ns : due_ns + track->header->deadline_ns;
    return done_ns >= injected_ns ? injected_ns : due_ns;
}

static struct sessions sessions_new(const struct track *track)
{
    size_t count = track->header->sessions < SESSIONS_MAX ? track->header->sessions : SESSIONS_MAX;
    return (struct sessions){
        .count = count, .last = xcalloc(count + 1, sizeof(uint16_t)), .state = xcalloc(count + 1, sizeof(uint8_t))};
}

/* Without sessions nothing before the first span matters. */
static uint64_t first_index(const struct counting *counting, const struct track *track)
{
    int64_t first_ns = INT64_MAX;
    for (size_t i = 0; i < counting->span_count; i++) {
        first_ns = counting->spans[i].begin_ns < first_ns ? counting->spans[i].begin_ns : first_ns;
    }
    const struct series series = {.records = track->records, .count = track->count, .offset_ns = track->offset_ns};
    bool all = track->header->sessions || first_ns < INT64_MIN + track->header->deadline_ns;
    return all ? 0 : series_from(&series, first_ns - track->header->deadline_ns); /* some of before may be open then */
}

static void count_track(struct counting *counting, const struct track *track)
{
    struct sessions sessions = sessions_new(track);
    size_t next = 0;
    for (uint64_t i = first_index(counting, track); i < track->count; i++) {
        const struct ledger_record *record = &track->records[i];
        int64_t t_ns = moment_ns(counting, track, record, &next);
        bool within = spans_have(counting->spans, counting->span_count, t_ns);
        follow_session(counting, track, &sessions, record, within);
        if (within && request_outcome(record) != OUTCOME_NOT_SENT) {
            count_record(counting, track, record);
        }
    }
    free(sessions.last);
    free(sessions.state);
}

/* Those without a name last. */
static int compare_rows(const void *left, const void *right)
{
    const struct share_row *a = left, *b = right;
    return !*a->name != !*b->name ? !*a->name - !*b->name : strcmp(a->name, b->name);
}

static struct share_row *take_rows(struct tallies *tallies, size_t *ret_count, uint64_t *ret_named)
{
    struct share_row *rows = xcalloc(tallies->list.count + 1, sizeof(*rows));
    for (size_t i = 0; i < tallies->list.count; i++) {
        struct tally *tally = &tallies->list.items[i];
        struct latency_part took = histogram_latency(tally->took);
        rows[i] = (struct share_row){.requests = tally->requests,
                                     .failed = tally->failed,
                                     .left = tally->left,
                                     .p50_s = took.measured ? took.p50_s : NAN,
                                     .p99_s = took.measured ? took.p99_s : NAN};
        (void)str_copy(rows[i].name, sizeof(rows[i].name), tally->name);
        *ret_named += *tally->name ? tally->requests : 0;
        histogram_free(tally->took);
    }
    *ret_count = tallies->list.count;
    qsort(rows, *ret_count, sizeof(*rows), compare_rows);
    VEC_CLEAR(&tallies->list);
    return rows;
}

void shares_count(const struct measurement *measurement, const struct span *spans, size_t count, struct share_window *ret_window)
{
    AUTO_HISTOGRAM struct histogram *took = histogram_new();
    struct counting counting = {.measurement = measurement,
                                .spans = spans,
                                .span_count = count,
                                .window = ret_window,
                                .took = took,
                                .regions = {.plan = measurement->evidence->plan}};
    *ret_window = (struct share_window){0};
    for (size_t i = 0; i < measurement->tracks.count; i++) {
        count_track(&counting, &measurement->tracks.items[i]);
    }
    ret_window->latency = histogram_latency(took);
    ret_window->servers = take_rows(&counting.by_server, &ret_window->server_count, &ret_window->named);
    ret_window->regions = take_rows(&counting.by_region, &ret_window->region_count, &ret_window->routed);
    address_regions_clear(&counting.regions);
}

static void add_window(struct measurement *measurement, struct span span, char *name)
{
    struct result *result = measurement->result;
    struct share_window window = {0};
    if (span.begin_ns < span.end_ns) {
        shares_count(measurement, &span, 1, &window);
    }
    if (window.requests == 0) {
        share_window_clear(&window);
        free(name);
        return;
    }
    window.name = name;
    window.begin_ns = span.begin_ns;
    window.end_ns = span.end_ns;
    result->shares = xrealloc(result->shares, result->share_count + 1, sizeof(*result->shares));
    result->shares[result->share_count++] = window;
}

static void add_disruption(struct measurement *measurement, size_t index)
{
    const struct disruption *disruption = &measurement->disruptions[index];
    const struct fault_result *fault = &measurement->result->faults[disruption->fault];
    struct span whole = window_of_disruption(measurement, index, PART_WHOLE);
    struct span recovered = window_of_disruption(measurement, index, PART_AFTER);
    const char *when = disruption->failback ? "after" : "during";
    add_window(measurement, whole, xasprintf("%s %s %s", when, fault->fault, fault->target));
    if (recovered.begin_ns > whole.begin_ns) {
        add_window(measurement, recovered, xasprintf("%s %s %s, after recovery", when, fault->fault, fault->target));
    }
}

void measure_shares(struct measurement *measurement)
{
    struct result *result = measurement->result;
    size_t index = 0;
    add_window(measurement, (struct span){INT64_MIN, window_recovery(measurement).begin_ns}, xstrdup("steady"));
    for (; index < measurement->disruption_count && result->share_count < WINDOWS_MAX; index++) {
        add_disruption(measurement, index);
    }
    if (index < measurement->disruption_count) {
        measure_finding(measurement, "Who answered is listed up to %s only: the drill has %zu injections and reverts.",
                        result->shares[result->share_count - 1].name, measurement->disruption_count);
    }
}

static bool is_region(const struct measurement *measurement, const char *name)
{
    size_t index;
    json_t *region;
    json_array_foreach(json_object_get(measurement->evidence->plan, "regions"), index, region)
    {
        if (str_eq(json_str(region, "name", ""), name)) {
            return true;
        }
    }
    return false;
}

static bool is_server(const struct measurement *measurement, const char *name)
{
    for (size_t i = 0; i < measurement->tracks.count; i++) {
        const struct track *track = &measurement->tracks.items[i];
        for (size_t j = 0; j < track->server_count; j++) {
            if (str_eq(track->servers[j], name)) {
                return true;
            }
        }
    }
    return false;
}

static struct figure percent(uint64_t part, uint64_t whole)
{
    return (struct figure){.measured = true, .value = 100.0 * (double)part / (double)whole};
}

static struct figure share_figure(const struct measurement *measurement, const struct share_window *window, const char *name)
{
    bool region = is_region(measurement, name);
    const struct share_row *rows = region ? window->regions : window->servers;
    size_t count = region ? window->region_count : window->server_count;
    uint64_t whole = region ? window->routed : window->named;
    if (!region && !is_server(measurement, name)) {
        return figure_unknown("'%s' is no region, and no answer came from a server of that name", name);
    }
    if (whole == 0) {
        return figure_unknown(region ? "no request went to an address of a region then" : "no answer named its server then");
    }
    for (size_t i = 0; i < count; i++) {
        if (str_eq(rows[i].name, name)) {
            return percent(rows[i].requests, whole);
        }
    }
    return percent(0, whole);
}

static struct figure moved_figure(const struct share_window *window, const char *unit)
{
    if (window->sessions == 0) {
        return figure_unknown("no session got an answer that names its server then");
    }
    return *unit ? percent(window->moved, window->sessions) : (struct figure){.measured = true, .value = (double)window->moved};
}

static struct figure latency_figure(const struct latency_part *latency, const char *metric)
{
    double value = str_eq(metric, "p50")   ? latency->p50_s
                   : str_eq(metric, "p95") ? latency->p95_s
                   : str_eq(metric, "p99") ? latency->p99_s
                                           : latency->max_s;
    return (struct figure){.measured = true, .value = value};
}

static struct figure figure_in(const struct measurement *measurement, const struct objective *objective,
                               const struct share_window *window)
{
    const char *metric = objective->metric;
    if (window->requests == 0) {
        char part[128];
        objective_part_text(objective, part, sizeof(part));
        return figure_unknown("no request was sent%s", *part ? part : " at all");
    }
    if (str_eq(metric, "share")) {
        return share_figure(measurement, window, objective->of);
    }
    if (str_eq(metric, "moved")) {
        return moved_figure(window, objective->unit);
    }
    if (str_eq(metric, "failed")) {
        return *objective->unit ? percent(window->failed, window->requests)
                                : (struct figure){.measured = true, .value = (double)window->failed};
    }
    return latency_figure(&window->latency, metric);
}

struct figure shares_figure(const struct measurement *measurement, const struct objective *objective)
{
    AUTO_FREE struct span *spans = NULL;
    struct share_window window CLEANUP(share_window_clear) = {0};
    size_t count = window_spans(measurement, objective, &spans);
    shares_count(measurement, spans, count, &window);
    return figure_in(measurement, objective, &window);
}
