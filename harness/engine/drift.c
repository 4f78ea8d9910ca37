/* Configuration drift, looked for before anything is broken: what is declared against what is on disk and what runs, and region against
 * region. Every difference is a sentence; nothing is changed, and whether the drill goes on is the scenario's to say. */
#include "harness/engine/session.h"

#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/digest.h"

enum { CHECK_TIMEOUT_MS = 3000 };
#define SAME_MOMENT_NS NS_PER_S /* a service's files are written just before it is started */

/* What one of several that should be alike said. */
struct said {
    char *group; /* those that should be alike: "haproxy: program" */
    char *who, *what;
};

struct comparison {
    struct session *session;
    json_t *differences; /* texts */
    VEC(struct said) said;
    int files, processes, commands, answers;
};

static void differs(struct comparison *comparison, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void differs(struct comparison *comparison, const char *fmt, ...)
{
    struct buf text CLEANUP(buf_clear) = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    json_array_append_new(comparison->differences, json_string(buf_str(&text)));
}

static void add_said(struct comparison *comparison, char *group, const char *who, const char *what)
{
    *VEC_ADD(&comparison->said) = (struct said){.group = group, .who = xstrdup(who), .what = xstrdup(what)};
}

static void compare_files(struct comparison *comparison, const struct topology_service *service, const json_t *found)
{
    int64_t started_ns = json_int(found, "started_utc_ns", 0);
    for (size_t i = 0; i < service->file_count; i++) {
        const struct topology_file *file = &service->files[i];
        const json_t *on_disk = json_array_get(json_object_get(found, "files"), i);
        const char *content = file->content ? file->content : "";
        int64_t late_ns = json_int(on_disk, "changed_utc_ns", 0) - started_ns;
        char declared[DIGEST_TEXT], late[32];
        digest_of_bytes(content, strlen(content), declared);
        comparison->files++;
        if (!json_flag(on_disk, "there", false)) {
            differs(comparison, "%s: %s is declared and not there", service->name, file->path);
        } else if (!str_eq(json_str(on_disk, "sha256", ""), declared)) {
            differs(comparison, "%s: %s is not what is declared (sha256 %.12s…, declared %.12s…)%s%s%s", service->name,
                    file->path, json_str(on_disk, "sha256", ""), declared,
                    started_ns && late_ns > SAME_MOMENT_NS ? "; it was changed " : "",
                    started_ns && late_ns > SAME_MOMENT_NS ? clock_format_duration(late_ns, late) : "",
                    started_ns && late_ns > SAME_MOMENT_NS ? " after the process started, which has not read it" : "");
        }
    }
}

/* A shell's command is not what runs in the end, and a title that a process gave itself ("nginx: master process …") is no command. */
static bool tells_its_command(const struct topology_service *service, const json_t *command)
{
    const char *first = json_string_value(json_array_get(command, 0));
    return first && !strchr(first, ' ') && service->argc > 0 && !str_eq(service->argv[0], "sh") &&
           !str_eq(service->argv[0], "/bin/sh");
}

/* The declared words are the last ones of the process: a script's begin with its interpreter. */
static bool is_declared(const struct topology_service *service, const json_t *command)
{
    size_t count = json_array_size(command);
    if (count < service->argc) {
        return false;
    }
    for (size_t i = 1; i < service->argc; i++) {
        const json_t *word = json_array_get(command, count - service->argc + i);
        if (!str_eq(json_string_value(word), service->argv[i])) {
            return false;
        }
    }
    return true;
}

static int compare_service(struct comparison *comparison, const struct topology_service *service, struct err *err)
{
    json_t *paths = json_array();
    AUTO_JSON json_t *found = NULL;
    for (size_t i = 0; i < service->file_count; i++) {
        json_array_append_new(paths, json_string(service->files[i].path));
    }
    struct place *place = places_find(comparison->session->places, service->host->name);
    json_t *params = json_pack("{s:s, s:s?, s:o}", "name", service->name, "pid_file", service->pid_file, "files", paths);
    int status = session_call(comparison->session, place, "service.inspect", params, &found, err);
    if (status < 0) {
        return status;
    }
    compare_files(comparison, service, found);
    if (comparison->session->topology->runtime == RUNTIME_LOCAL && !service->pid_file) {
        return 0; /* nobody says which process it is */
    }
    if (json_int(found, "pid", 0) == 0) {
        differs(comparison, "%s is declared and does not run", service->name);
        return 0;
    }
    comparison->processes++;
    const json_t *ran = json_object_get(found, "command");
    comparison->commands += tells_its_command(service, ran);
    if (tells_its_command(service, ran) && !is_declared(service, ran)) {
        AUTO_FREE char *command = json_dumps(ran, JSON_COMPACT);
        differs(comparison, "%s runs with another command than is declared: %s", service->name, command);
    }
    add_said(comparison, xasprintf("the program of %s", service->service), service->name, json_str(found, "program_sha256", ""));
    return 0;
}

static int ask_same(struct comparison *comparison, const struct topology_observer *observer, struct err *err)
{
    AUTO_JSON json_t *result = NULL;
    AUTO_JSON json_t *whole = describe_observer(observer);
    struct place *place = places_find(comparison->session->places, observer->place);
    json_t *check = json_pack("{s:s, s:O}", "type", "exec", "argv", json_object_get(whole, "argv"));
    int status = session_call(comparison->session, place, "check",
                              json_pack("{s:o, s:i}", "check", check, "timeout_ms", CHECK_TIMEOUT_MS), &result, err);
    if (status < 0) {
        return status;
    }
    const char *answer = json_str(result, "detail", "");
    if (json_flag(result, "healthy", false) && *answer) {
        comparison->answers++;
        add_said(comparison, xstrdup(observer->group), observer->place, answer);
    } else {
        differs(comparison, "%s cannot be asked at %s: %s", observer->group, observer->place, *answer ? answer : "no answer");
    }
    return 0;
}

static size_t agreeing(const struct comparison *comparison, const struct said *with)
{
    size_t count = 0;
    VEC_EACH(said, &comparison->said)
    {
        count += str_eq(said->group, with->group) && str_eq(said->what, with->what);
    }
    return count;
}

/* What most of a group say, the first of them where as many say something else. */
static const struct said *usual(const struct comparison *comparison, const char *group)
{
    const struct said *most = NULL;
    VEC_EACH(said, &comparison->said)
    {
        if (str_eq(said->group, group) && (!most || agreeing(comparison, said) > agreeing(comparison, most))) {
            most = said;
        }
    }
    return most;
}

/* The usual is taken for right; whoever says something else is named. */
static void compare_said(struct comparison *comparison)
{
    VEC_EACH(said, &comparison->said)
    {
        const struct said *most = usual(comparison, said->group);
        if (!str_eq(most->what, said->what)) {
            differs(comparison, "%s is another one at %s than at %s: '%.60s', there '%.60s'", said->group, said->who, most->who,
                    said->what, most->what);
        }
    }
}

static int compare_all(struct comparison *comparison, struct err *err)
{
    const struct topology *topology = comparison->session->topology;
    int status = 0;
    for (size_t i = 0; status == 0 && i < topology->service_count; i++) {
        status = compare_service(comparison, &topology->services[i], err);
    }
    for (size_t i = 0; status == 0 && i < topology->observer_count; i++) {
        status = str_eq(topology->observers[i].kind, "same") ? ask_same(comparison, &topology->observers[i], err) : 0;
    }
    compare_said(comparison);
    return status;
}

int drift_check(const struct topology *topology, struct err *err)
{
    for (size_t i = 0; i < topology->service_count; i++) {
        if (topology->services[i].host->container) {
            return err_set(err, ERR_INPUT,
                           "d:drift() compares files and processes; '%s' is in a container, of which the engine alone knows both",
                           topology->services[i].name);
        }
    }
    return 0;
}

int drift_find(struct session *session, size_t *ret_count, struct err *err)
{
    struct comparison comparison = {.session = session, .differences = json_array()};
    session_phase(session, "comparing", 0, "what runs with what is declared");
    int status = compare_all(&comparison, err);
    *ret_count = json_array_size(comparison.differences);
    json_t *fields = json_pack("{s:o, s:i, s:i, s:i, s:i}", "differences", comparison.differences, "files", comparison.files,
                               "processes", comparison.processes, "commands", comparison.commands, "answers", comparison.answers);
    VEC_EACH(said, &comparison.said)
    {
        free(said->group);
        free(said->who);
        free(said->what);
    }
    VEC_CLEAR(&comparison.said);
    if (status < 0) {
        json_decref(fields);
        return err_prefix(err, "drift");
    }
    return session_event(session, "drift", fields, err);
}
