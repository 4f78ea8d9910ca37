/* The settings object of a load, read and checked. */
#include "harness/load/vantage.h"

#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { STEPS_MAX = 1000, WARM_MAX = 1000, DEADLINE_MAX_S = 240, SESSIONS_MAX = 60000 };

static const char *const shapes[SHAPE_COUNT] = {
    [SHAPE_CONSTANT] = "constant", [SHAPE_POISSON] = "poisson", [SHAPE_RAMP] = "ramp", [SHAPE_STEP] = "step"};
static const char *const policies[CONNECTIONS_COUNT] = {
    [CONNECTIONS_KEEPALIVE] = "keepalive", [CONNECTIONS_NEW] = "new", [CONNECTIONS_MIXED] = "mixed"};
static const char *const versions[HTTP_VERSION_COUNT] = {[HTTP_1_1] = "1.1", [HTTP_2] = "2"};

static int read_choice(const json_t *json, const char *key, const char *const *choices, size_t count, int *ret_choice,
                       struct err *err)
{
    const char *text = json_str(json, key, choices[1]);
    char hint[96];
    for (size_t i = 1; i < count; i++) {
        if (str_eq(text, choices[i])) {
            *ret_choice = (int)i;
            return 0;
        }
    }
    return err_set(err, ERR_INPUT, "load: %s '%s' is unknown%s", key, text, str_did_you_mean(text, choices + 1, count - 1, hint));
}

static int read_call(const json_t *json, const char *key, bool needed, struct http_call *call, struct err *err)
{
    const json_t *object = json_object_get(json, key);
    call->url = json_str(object, "url", NULL);
    if (!call->url) {
        return needed ? err_set(err, ERR_INPUT, "load: '%s' has no url, but the write share asks for it", key) : 0;
    }
    call->body = json_str(object, "body", NULL);
    call->method = json_str(object, "method", call->body ? "POST" : "GET");
    call->contains = json_str(object, "contains", NULL);
    call->headers = json_object_get(object, "headers");
    call->status = (long)json_int(object, "status", 200);
    return 0;
}

static int check_numbers(const struct vantage_settings *settings, int64_t sessions, struct err *err)
{
    const struct schedule *schedule = &settings->schedule;
    if (!(schedule->rate > 0) || !(settings->max_s > 0) || schedule->from < 0 || !(schedule->over_s > 0)) {
        return err_set(err, ERR_INPUT, "load: rate, max_seconds and over_seconds must be above 0, from not below 0");
    }
    if (schedule->steps < 1 || schedule->steps > STEPS_MAX || settings->warm < 0 || settings->warm > WARM_MAX) {
        return err_set(err, ERR_INPUT, "load: steps must be 1 to %d, warm 0 to %d", STEPS_MAX, WARM_MAX);
    }
    if (!(schedule->write_share >= 0 && schedule->write_share <= 1)) {
        return err_set(err, ERR_INPUT, "load: write_share is %g, expected 0 to 1", schedule->write_share);
    }
    if (settings->deadline_ns < NS_PER_MS || settings->deadline_ns > DEADLINE_MAX_S * NS_PER_S) {
        return err_set(err, ERR_INPUT, "load: deadline_ms: expected 1 to %d", DEADLINE_MAX_S * 1000);
    }
    if (sessions < 0 || sessions > SESSIONS_MAX) {
        return err_set(err, ERR_INPUT, "load: sessions: expected 0 to %d", SESSIONS_MAX);
    }
    if (!settings->vantage || !settings->ledger) {
        return err_set(err, ERR_INPUT, "load: vantage and ledger must be given");
    }
    return 0;
}

static void read_numbers(const json_t *json, struct vantage_settings *settings)
{
    settings->schedule.rate = json_num(json, "rate", 0);
    settings->schedule.from = json_num(json, "from", 0);
    settings->schedule.over_s = json_num(json, "over_seconds", 10);
    settings->schedule.steps = (int)json_int(json, "steps", 1);
    settings->sessions = (uint32_t)json_int(json, "sessions", 0);
    settings->warm = (int)json_int(json, "warm", 0);
    settings->schedule.write_share = json_num(json, "write_share", 0);
    settings->seed = (uint64_t)json_int(json, "seed", 1);
    settings->max_s = json_num(json, "max_seconds", 600);
    settings->deadline_ns = json_int(json, "deadline_ms", 1000) * NS_PER_MS;
    settings->clock_offset_ns = json_int(json, "clock_offset_ns", 0);
    settings->clock_bound_ns = json_int(json, "clock_bound_ns", 0);
    settings->in_flight_max = (uint64_t)json_int(json, "in_flight_max", 0);
    settings->realtime = json_flag(json, "realtime", false);
    settings->tls_verify = json_flag(json, "tls_verify", true);
}

static int read_sources(const json_t *json, struct vantage_settings *settings, struct err *err)
{
    int status = source_range_read(json_str(json, "addresses", NULL), &settings->sources, err);
    if (status < 0) {
        return err_prefix(err, "load");
    }
    uint64_t room = settings->sources.base ? source_room(&settings->sources) : settings->sessions;
    return settings->sessions <= room ? 0
                                      : err_set(err, ERR_INPUT, "load: %u sessions, but %s has room for the addresses of %llu",
                                                settings->sessions, json_str(json, "addresses", ""), (unsigned long long)room);
}

int vantage_settings_read(const json_t *json, struct vantage_settings *settings, struct err *err)
{
    int shape = 0, policy = 0, version = 0;
    *settings = (struct vantage_settings){
        .vantage = json_str(json, "vantage", NULL),
        .ledger = json_str(json, "ledger", NULL),
        .id_prefix = json_str(json, "id_prefix", "w-"),
        .dns_server = json_str(json, "dns_server", NULL),
        .dns_name = json_str(json, "dns_name", NULL),
        .headers = json_object_get(json, "headers"),
        .ca = json_str(json, "ca", NULL),
        .served_by = json_str(json, "served_by", NULL),
    };
    read_numbers(json, settings);
    int status = read_choice(json, "shape", shapes, SHAPE_COUNT, &shape, err);
    if (status == 0) {
        status = read_choice(json, "connections", policies, CONNECTIONS_COUNT, &policy, err);
    }
    if (status == 0) {
        status = read_choice(json, "http", versions, HTTP_VERSION_COUNT, &version, err);
    }
    settings->http = (enum http_version)version;
    settings->schedule.shape = (enum schedule_shape)shape;
    settings->connections = (enum connection_policy)policy;
    if (status == 0) {
        status = check_numbers(settings, json_int(json, "sessions", 0), err);
    }
    if (status == 0) {
        status = read_call(json, "write", settings->schedule.write_share > 0, &settings->calls[CLASS_WRITE], err);
    }
    if (status == 0) {
        status = read_sources(json, settings, err);
    }
    return status < 0 ? status : read_call(json, "read", settings->schedule.write_share < 1, &settings->calls[CLASS_READ], err);
}
