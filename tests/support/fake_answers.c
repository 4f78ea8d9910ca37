/* Answers as real agents would give them, from the script in fake_system. */
#include "tests/support/fake_answers.h"

#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/digest.h"
#include "tests/support/fake_load.h"

enum { BEGIN_S = 3600 };

struct fake_system fake_system;
static struct fake_load *load;
static int64_t in_force_ns; /* since the first fault; 0: none yet */
static uint64_t newest_write;

void fake_system_reset(void)
{
    VEC_CLEAR(&fake_system.held);
    fake_system = (struct fake_system){.interrupt_fd = -1, .clock_bound_ns = 10 * NS_PER_US};
    in_force_ns = 0;
    newest_write = 0;
    clock_fake_set_ns(BEGIN_S * NS_PER_S);
}

size_t fake_system_unasked(void)
{
    size_t count = 0;
    VEC_EACH(held, &fake_system.held)
    {
        count += held->was_in_force && held->reverts_asked == 0;
    }
    return count;
}

size_t fake_system_in_force(void)
{
    size_t count = 0;
    VEC_EACH(held, &fake_system.held)
    {
        count += held->in_force;
    }
    return count;
}

/* Faults */

struct fake_held *fake_find_held(const json_t *params)
{
    VEC_EACH(held, &fake_system.held)
    {
        if (str_eq(held->id, json_str(params, "fault_id", ""))) {
            return held;
        }
    }
    return NULL;
}

static json_t *stamps(const struct place *place)
{
    int64_t now_ns = clock_now_ns();
    bool other = fake_system.other_mechanism && strstr(place->name, "us-west");
    return json_pack("{s:I, s:I, s:s}", "before_ns", (json_int_t)(now_ns - 100 * NS_PER_US), "after_ns", (json_int_t)now_ns,
                     "mechanism", other ? fake_system.other_mechanism : "fake");
}

void fake_hold(struct place *place, const json_t *params, bool in_force)
{
    struct fake_held *held = fake_find_held(params);
    held = held ? held : VEC_ADD(&fake_system.held);
    (void)str_copy(held->id, sizeof(held->id), json_str(params, "fault_id", ""));
    (void)str_copy(held->place, sizeof(held->place), place->name);
    held->in_force = held->was_in_force = in_force;
    held->ttl_ms = json_int(params, "ttl_ms", 0);
    held->expires_ns = clock_now_ns() + held->ttl_ms * NS_PER_MS;
}

static int apply(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)err;
    fake_hold(place, params, true);
    in_force_ns = in_force_ns ? in_force_ns : clock_now_ns();
    newest_write = load ? fake_load_newest_acknowledged(load) : 0;
    int64_t outage_ns = fake_system.outage_ns;
    if (load && outage_ns > 0) {
        fake_load_break(load, clock_now_ns(), outage_ns == FAKE_NEVER ? FAKE_NEVER : clock_now_ns() + outage_ns);
    }
    *ret_result = stamps(place);
    return 0;
}

static void take_out(struct fake_held *held, int64_t at_ns)
{
    if (held->in_force && load && (fake_system.failback_ns > 0 || fake_system.outage_ns == FAKE_NEVER)) {
        fake_load_break(load, at_ns, at_ns + fake_system.failback_ns);
    }
    held->in_force = false;
}

const struct fake_held *fake_expire(void)
{
    VEC_EACH(held, &fake_system.held)
    {
        if (held->in_force && held->ttl_ms && clock_now_ns() >= held->expires_ns) {
            take_out(held, held->expires_ns);
            return held;
        }
    }
    return NULL;
}

static int revert(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    struct fake_held *held = fake_find_held(params);
    if (!held) {
        return err_set(err, ERR_STATE, "there is no fault '%s' here", json_str(params, "fault_id", ""));
    }
    take_out(held, clock_now_ns());
    *ret_result = stamps(place);
    return 0;
}

static int prove(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_pack("{s:b, s:s}", "ok", !fake_system.unproven, "proof",
                            fake_system.unproven ? "packets still pass" : "no packet passed");
    return 0;
}

static int tell_residue(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = fake_system.residue ? json_pack("{s:[s]}", "left", fake_system.residue) : json_pack("{s:[]}", "left");
    return 0;
}

static int explain(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)err;
    *ret_result = json_pack("{s:o}", "text", json_sprintf("break %s", json_str(json_object_get(params, "target"), "name", "?")));
    return 0;
}

static int nothing(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_object();
    return 0;
}

/* Snapshots: a fault that is in force shows in its place's network. */

static int take_snapshot(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    place->has_snapshot = true;
    return nothing(place, params, ret_result, err);
}

static int compare_snapshot(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)params;
    fake_system.calls_at_compare = fake_system.calls_at_compare ? fake_system.calls_at_compare : fake_system.calls;
    if (!place->has_snapshot) {
        return err_set(err, ERR_STATE, "no snapshot was taken here");
    }
    json_t *left = json_array();
    if (fake_system.changed) {
        json_array_append_new(left, json_string(fake_system.changed));
    }
    VEC_EACH(held, &fake_system.held)
    {
        if (held->in_force && str_eq(held->place, place->name)) {
            json_array_append_new(left, json_sprintf("the rules of %s", held->id));
        }
    }
    *ret_result = json_pack("{s:o}", "left", left);
    return 0;
}

/* Services and load */

static int start_service(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_pack("{s:i, s:i}", "pid", 100 + ++fake_system.services, "ready_ms", FAKE_START_MS);
    return 0;
}

static int tell_pids(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    (void)err;
    *ret_result = json_pack("{s:i, s:[]}", "pid", 101, "descendants");
    return 0;
}

static bool has_drifted(const struct place *place, const char *what)
{
    return str_eq(fake_system.drifted, what) && str_eq(place->name, "us-west-gw");
}

/* As the real one, of a service that is as its declaration says but for what the test changed. */
static int inspect(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    char sha256[DIGEST_TEXT];
    const char *name = json_str(params, "name", ""), *content = has_drifted(place, "file") ? "other settings\n" : FAKE_SETTINGS;
    json_t *files = json_array(), *path = json_array_get(json_object_get(params, "files"), 0);
    (void)err;
    digest_of_bytes(content, strlen(content), sha256);
    if (path) {
        json_array_append_new(
            files, json_pack("{s:O, s:b, s:s}", "path", path, "there", !has_drifted(place, "missing"), "sha256", sha256));
    }
    json_t *command = fake_system.titled ? json_pack("[s]", "proxy: master process")
                      : path
                          ? json_pack("[s, s, O]", "/usr/sbin/proxy", has_drifted(place, "command") ? "--old" : "--config", path)
                          : json_pack("[s]", name);
    *ret_result = json_pack("{s:i, s:o, s:o, s:s}", "pid", has_drifted(place, "stopped") ? 0 : 101, "files", files, "command",
                            command, "program_sha256", has_drifted(place, "program") ? "0b" : "0a");
    return 0;
}

static int check(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    const char *asked = json_string_value(json_array_get(json_object_get(json_object_get(params, "check"), "argv"), 0));
    (void)err;
    if (fake_system.unasked && str_eq(asked, "proxy")) {
        *ret_result = json_pack("{s:b, s:s}", "healthy", fake_system.unasked_detail == NULL, "detail",
                                fake_system.unasked_detail ? fake_system.unasked_detail : "");
        return 0;
    }
    *ret_result = json_pack("{s:b, s:s}", "healthy", fake_system.unhealthy == NULL, "detail",
                            fake_system.unhealthy           ? fake_system.unhealthy
                            : has_drifted(place, "version") ? "2.4"
                                                            : "as expected");
    return 0;
}

static int start_load(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    int status = fake_load_start(json_object_get(params, "load"), &load, err);
    if (status == 0) {
        fake_load_break(load, clock_now_ns() + fake_system.ill_ns, clock_now_ns() + fake_system.ill_until_ns);
        fake_load_trouble(load, fake_system.late_ns, fake_system.not_sent_share);
        *ret_result = json_pack("{s:I}", "start_ns", (json_int_t)clock_now_ns());
    }
    return status;
}

static int stop_load(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    (void)place;
    (void)params;
    if (!load) {
        return err_set(err, ERR_STATE, "there is no load here");
    }
    fake_load_stop(load);
    int64_t late_ns = fake_system.late_ns ? fake_system.late_ns : NS_PER_US;
    uint64_t not_sent = fake_load_not_sent(load);
    *ret_result = json_pack("{s:I, s:I, s:I, s:I, s:i, s:i}", "late_p99_ns", (json_int_t)late_ns, "late_max_ns",
                            (json_int_t)late_ns, "sent", (json_int_t)(fake_load_issued(load) - not_sent), "not_sent",
                            (json_int_t)not_sent, "in_flight_max", 10, "cpu_ns", 1000000);
    return 0;
}

static int read_back(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    int64_t count = 0;
    (void)place;
    bool loses = fake_system.lose_from_readback > 0 && ++fake_system.readbacks >= fake_system.lose_from_readback;
    uint64_t lost = loses ? fake_system.lose_writes : 0;
    if (strstr(json_str(params, "url", ""), "/ids")) {
        fake_system.patience_ms = json_int(params, "timeout_ms", 0);
    }
    if (fake_system.readback_fails) {
        *ret_result =
            json_pack("{s:b, s:s, s:i, s:s}", "complete", false, "reason", fake_system.readback_fails, "count", 0, "via", "");
        return 0;
    }
    int status = fake_load_list(load, json_str(params, "file", ""), newest_write - lost, newest_write, &count, err);
    if (status == 0) {
        *ret_result =
            json_pack("{s:b, s:s, s:I, s:s}", "complete", true, "reason", "", "count", (json_int_t)count, "via", "10.2.0.11");
    }
    return status;
}

static bool is_view(const char *name)
{
    return strncmp(name, "view ", 5) == 0;
}

static int start_observers(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    size_t index;
    json_t *observer;
    json_array_foreach(json_object_get(params, "observers"), index, observer)
    {
        fake_system.views += is_view(json_str(observer, "name", ""));
    }
    return nothing(place, params, ret_result, err);
}

static int stop_observers(struct place *place, const json_t *params, json_t **ret_result, struct err *err)
{
    fake_system.views -= is_view(json_str(params, "name", ""));
    return nothing(place, params, ret_result, err);
}

fake_method_f *fake_method(const char *name)
{
    static const struct {
        const char *name;
        fake_method_f *method;
    } table[] = {
        {"service.start", start_service},
        {"service.pids", tell_pids},
        {"service.inspect", inspect},
        {"check", check},
        {"fault.supported", nothing},
        {"fault.plan", explain},
        {"fault.apply", apply},
        {"fault.prove", prove},
        {"fault.revert", revert},
        {"fault.residue", tell_residue},
        {"snapshot.take", take_snapshot},
        {"load.check", nothing},
        {"load.start", start_load},
        {"load.stop", stop_load},
        {"snapshot.compare", compare_snapshot},
        {"observe.start", start_observers},
        {"observe.stop", stop_observers},
        {"readback", read_back},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_eq(table[i].name, name)) {
            return table[i].method;
        }
    }
    return NULL;
}

int64_t fake_in_force_ns(void)
{
    return in_force_ns;
}

void fake_answers_advance(void)
{
    if (load) {
        fake_load_advance(load, clock_now_ns());
    }
}

void fake_answers_end(void)
{
    fake_load_free(TAKE(load));
}
