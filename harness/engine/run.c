/* One drill from first to last: folder, world, services, load, steps, and everything put back whatever happened. */
#include "harness/engine/steps.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/log.h"
#include "harness/measure/outage.h"

enum { FOLDER_TRIES = 100 };

static void make_id(struct session *session)
{
    char stamp[32];
    unsigned char random[3] = {0};
    time_t seconds = (time_t)(clock_utc_now_ns() / NS_PER_S);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &parts);
    session->id = xasprintf("%s-%s", stamp, session->scenario->name);
    (void)!getrandom(random, sizeof(random), 0);
    (void)str_format(session->write_prefix, sizeof(session->write_prefix), "w%02x%02x%02x", random[0], random[1], random[2]);
}

/* Two drills in one second get folders of their own. */
static int make_folder(struct session *session, struct err *err)
{
    int status = fd_make_dirs(session->options->archive, 0755, err);
    AUTO_FREE char *archive = realpath(session->options->archive, NULL); /* agents do not share the working folder */
    AUTO_FREE char *base = TAKE(session->id);
    if (status == 0 && !archive) {
        status = err_errno(err, errno, "cannot find the folder '%s'", session->options->archive);
    }
    for (int i = 1; status == 0 && i < FOLDER_TRIES; i++) {
        free(session->id);
        free(session->folder);
        session->id = i == 1 ? xstrdup(base) : xasprintf("%s-%d", base, i);
        session->folder = xasprintf("%s/%s", archive, session->id);
        if (mkdir(session->folder, 0755) == 0) {
            session->logs = xasprintf("%s/logs", session->folder);
            return fd_make_dirs(session->logs, 0777, err);
        }
        if (errno != EEXIST) {
            return err_errno(err, errno, "cannot create the folder '%s'", session->folder);
        }
    }
    return status < 0 ? status : err_set(err, ERR_SYSTEM, "cannot find a free folder name in '%s'", session->options->archive);
}

static int write_json(struct session *session, const char *name, json_t *taken, struct err *err)
{
    AUTO_JSON json_t *json = taken;
    AUTO_JSON json_t *clean = redactor_json(session->options->redactor, name, json);
    AUTO_FREE char *path = xasprintf("%s/%s", session->folder, name);
    return json_write_file(path, clean, err);
}

static int copy_into(struct session *session, const char *from, const char *name, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", session->folder, name);
    AUTO_FREE char *text = NULL;
    struct buf clean CLEANUP(buf_clear) = {0};
    size_t size = 0;
    int status = fd_read_file(from, BUF_MAX_BYTES / 2, &text, &size, err);
    if (status < 0) {
        return status;
    }
    redactor_text(session->options->redactor, name, text, size, &clean);
    return fd_write_file_atomic(path, buf_str(&clean), clean.size, err);
}

static int enclose(struct session *session, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < session->options->enclosure_count; i++) {
        const struct engine_enclosure *enclosure = &session->options->enclosures[i];
        AUTO_FREE char *path = xasprintf("%s/%s", session->folder, enclosure->name);
        struct buf clean CLEANUP(buf_clear) = {0};
        redactor_document(session->options->redactor, enclosure->name, enclosure->text, enclosure->size, &clean);
        status = fd_write_file_atomic(path, buf_str(&clean), clean.size, err);
    }
    return status;
}

/* The topology's file and, as topology.base.yaml, topology.base-2.yaml, … those that it extends. */
static int copy_topology(struct session *session, struct err *err)
{
    char *const *bases = session->topology->bases;
    int status = copy_into(session, session->topology->file, "topology.yaml", err);
    for (int i = 0; status == 0 && bases && bases[i]; i++) {
        AUTO_FREE char *name = i ? xasprintf("topology.base-%d.yaml", i + 1) : xstrdup("topology.base.yaml");
        status = copy_into(session, bases[i], name, err);
    }
    return status;
}

static int open_evidence(struct session *session, struct err *err)
{
    AUTO_FREE char *events = xasprintf("%s/events.jsonl", session->folder);
    int status = copy_into(session, session->scenario->file, "scenario.lua", err);
    if (status == 0) {
        status = copy_topology(session, err);
    }
    if (status == 0) {
        status = write_json(session, "plan.json", describe_plan(session), err);
    }
    if (status == 0) {
        status = write_json(session, "environment.json", describe_environment(session), err);
    }
    if (status == 0) {
        status = enclose(session, err);
    }
    if (status == 0) {
        status = events_open(events, &session->events, err);
    }
    if (status == 0) {
        events_redact(session->events, session->options->redactor);
        status = session_event(session, "drill.start",
                               json_pack("{s:s, s:s, s:s, s:I, s:s}", "drill_id", session->id, "scenario",
                                         session->scenario->name, "title", session->scenario->title, "seed",
                                         (json_int_t)session->options->seed, "version", DRILL_VERSION),
                               err);
    }
    return status;
}

static void choose_outage_settings(struct session *session)
{
    const struct scenario_measure *measure = &session->scenario->measure;
    session->outage_settings = xcalloc(1, sizeof(*session->outage_settings));
    *session->outage_settings = (struct outage_settings){
        .window_ns = measure->window_ns,
        .minimum_count = (uint32_t)measure->minimum,
        .good_share = measure->share,
        .latency_ns = measure->latency_ns ? measure->latency_ns : session->scenario->load.deadline_ns,
        .hold_ns = measure->hold_ns,
        .deadline_ns = session->scenario->load.deadline_ns,
    };
}

/* Each place is asked before anything is injected whether it can do what the plan wants. */
static int check_supported(struct session *session, struct err *err)
{
    size_t index;
    json_t *description;
    json_array_foreach(session->plan->faults, index, description)
    {
        struct place *place = places_find(session->places, json_str(json_object_get(description, "target"), "place", ""));
        if (!place) {
            continue;
        }
        int status = session_call(session, place, "fault.supported", json_deep_copy(description), NULL, err);
        if (status < 0) {
            return err_prefix(err, "fault '%s'", json_str(description, "fault", ""));
        }
    }
    return 0;
}

typedef int each_place_f(struct session *session, struct place *place, void *context, struct err *err);

/* The places whose network can change: routers and hosts of a managed topology. */
static int for_each_place(struct session *session, each_place_f *each, void *context, struct err *err)
{
    int status = 0;
    bool routers = session->world && !session->topology->own_engine;
    for (size_t i = 0; routers && status == 0 && i < session->topology->region_count; i++) {
        status = each(session, places_find(session->places, session->topology->regions[i].name), context, err);
    }
    for (size_t i = 0; status == 0 && i < session->topology->host_count; i++) {
        status = each(session, places_find(session->places, session->topology->hosts[i].name), context, err);
    }
    return status;
}

/* Where a container engine works, links, rules and mounts come and go as containers do: that is nothing that a fault has left. */
static bool is_beside_engine(const struct session *session, const struct place *place)
{
    return session->topology->runtime == RUNTIME_DOCKER && place && place_container(place) == 0;
}

static int take_snapshot(struct session *session, struct place *place, void *context, struct err *err)
{
    (void)context;
    if (is_beside_engine(session, place)) {
        return 0;
    }
    return session_call(session, place, "snapshot.take", json_object(), NULL, err);
}

static int compare_snapshot(struct session *session, struct place *place, void *context, struct err *err)
{
    AUTO_JSON json_t *result = NULL;
    size_t index;
    json_t *text;
    if (is_beside_engine(session, place) || containers_was_rejoined(session, place)) {
        return 0;
    }
    if (place && place_is_alive(place) && containers_follow(session, place, err) < 0) {
        return -(int)err->code;
    }
    if (!place || !place_is_alive(place) || agents_was_restarted(session, place)) {
        return 0; /* its snapshot went with the agent that took it */
    }
    int status = session_call(session, place, "snapshot.compare", json_object(), &result, err);
    json_array_foreach(json_object_get(result, "left"), index, text)
    {
        json_array_append_new(context, json_sprintf("%s: %s", place_name(place), json_string_value(text)));
    }
    return status;
}

static int start_up(struct session *session, struct err *err)
{
    int status = startup_topology(session, err);
    if (status == 0) {
        status = check_supported(session, err);
    }
    if (status == 0) {
        status = for_each_place(session, take_snapshot, NULL, err);
        session->snapshots = status == 0;
    }
    return status < 0 ? status : traffic_start(session, err);
}

static int run_steps(struct session *session, struct err *err)
{
    struct script_request request = {0};
    int state = script_start(session->script, err);
    while (state >= 0) {
        state = script_next(session->script, &request, err);
        if (state == SCRIPT_DONE || state < 0) {
            break;
        }
        if (state == SCRIPT_REQUEST) {
            state = steps_begin(session, &request, err);
            continue;
        }
        state = session_step(session, steps_deadline_ns(session), err);
        if (state >= 0) {
            state = steps_advance(session, err);
        }
    }
    return state < 0 ? state : 0;
}

/* Put everything back. Every part is tried whatever became of the others; what could not be put back is residue. */
static void put_back(struct session *session, bool read_back)
{
    struct err local = {0};
    json_t *left = json_array();
    session->ending = true;
    session->lost_place[0] = '\0'; /* from here on a lost agent is a finding, not a reason to stop */
    agents_revive(session);
    if (injection_revert_all(session, &local) < 0) {
        log_warn("%s", local.text);
        if (!session->world || session->options->up) { /* a world of our own takes its faults with it, a few lines below */
            json_array_append_new(left, json_string(local.text));
        }
    }
    if (traffic_stop(session, &local) < 0) {
        log_warn("the load did not stop as it should: %s", local.text);
    }
    /* With no more writes to come this one is of all of them. */
    if (read_back && session->scenario->load.write_share > 0 && readback_now(session, &local) < 0) {
        log_warn("the writes could not be read back at the end: %s", local.text);
    }
    if (session->snapshots && for_each_place(session, compare_snapshot, left, &local) < 0) {
        json_array_append_new(left, json_sprintf("could not be compared with the state before the drill: %s", local.text));
    }
    json_array_extend(left, session->residue);
    bool clean = json_array_size(left) == 0;
    session_tell(session, "residue", json_pack("{s:b, s:o}", "clean", clean, "left", left));
}

static void tell_end(struct session *session, int status, const struct err *err)
{
    const char *conclusion = status >= 0 ? "completed" : err->code == ERR_INTERRUPTED ? "aborted" : "error";
    if (status < 0 && err->code == ERR_INTERRUPTED) {
        session_tell(session, "abort", json_pack("{s:s, s:s}", "reason", err->text, "by", session->aborted_by));
    }
    session_tell(session, "drill.end", json_pack("{s:s, s:s}", "conclusion", conclusion, "reason", status < 0 ? err->text : ""));
}

static int open_session(struct session *session, struct err *err)
{
    make_id(session);
    int status = make_folder(session, err);
    if (status == 0) {
        choose_outage_settings(session);
        status = open_evidence(session, err);
    }
    if (status == 0) {
        status = watch_open(session, err);
    }
    if (status == 0 && session->options->opened) {
        status = session->options->opened(session->options->opened_context, session->folder, session->id, err);
    }
    return status;
}

int engine_run(struct script *script, const struct topology *topology, const struct engine_plan *plan,
               const struct engine_options *options, char **ret_folder, struct err *err)
{
    struct session session CLEANUP(session_clear) = {.options = options,
                                                     .topology = topology,
                                                     .script = script,
                                                     .scenario = script_scenario(script),
                                                     .plan = plan,
                                                     .residue = json_array(),
                                                     .begun_ns = clock_now_ns()};
    int status = open_session(&session, err);
    if (status < 0) {
        return status;
    }
    *ret_folder = xstrdup(session.folder);
    status = start_up(&session, err);
    bool started = status == 0;
    if (started) {
        status = run_steps(&session, err);
    }
    session_phase(&session, "stopping", 0, "faults, load and services");
    if (session.places) {
        put_back(&session, status == 0);
    }
    tell_end(&session, status, err);
    bool is_abort = status < 0 && err->code == ERR_INTERRUPTED;
    return started || is_abort ? 0 : status;
}
