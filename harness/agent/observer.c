/* Observers: each asks one thing again and again and tells when the answer changes. */
#include <string.h>

#include "harness/agent/probe.h"
#include "harness/agent/rpc.h"
#include "harness/base/clock.h"
#include "harness/base/vec.h"

struct observer {
    struct agent *agent;
    json_t *what;
    const char *name, *kind, *type, *field, *otherwise; /* of what */
    int64_t interval_ns, timeout_ns, due_ns, asked_ns;
    int wanted;
    char last[200];
    struct probe *probe;
    struct timer *timer;
};

struct observers {
    VEC(struct observer *) items;
};

static void ask(void *context);

/* The schedule is absolute: a slow answer does not move the questions after it. */
static void schedule(struct observer *observer)
{
    int64_t now_ns = clock_now_ns();
    do {
        observer->due_ns += observer->interval_ns;
    } while (observer->due_ns <= now_ns);
    observer->timer = loop_timer(observer->agent->loop, observer->due_ns, ask, observer);
}

static void field_of_body(const struct observer *observer, const char *body, char out[static 200])
{
    AUTO_JSON json_t *json = json_loads(body, 0, NULL);
    const json_t *member = json_at(json, observer->field);
    if (json_is_integer(member)) {
        (void)str_format(out, 200, "%lld", (long long)json_integer_value(member));
        return;
    }
    (void)str_copy(out, 200, json_is_string(member) ? json_string_value(member) : json ? observer->otherwise : "unknown");
}

static void say(const struct observer *observer, const struct probe_answer *answer, char out[static 200])
{
    bool is_http = str_eq(observer->type, "http");
    if (!answer->answered) {
        (void)str_copy(out, 200, str_eq(observer->type, "dns") ? "none" : is_http && !observer->field ? "down" : "unreachable");
    } else if (is_http && observer->field) {
        field_of_body(observer, answer->text, out);
    } else if (is_http) {
        (void)str_copy(out, 200, answer->status == observer->wanted ? "up" : "down");
    } else {
        (void)str_copy(out, 200, answer->text);
        out[strcspn(out, "\r\n")] = '\0';
    }
}

static void on_answer(void *context, const struct probe_answer *answer)
{
    struct observer *observer = context;
    char now[200];
    int64_t now_ns = clock_now_ns();
    observer->probe = NULL;
    say(observer, answer, now);
    if (!str_eq(now, observer->last)) {
        rpc_event(observer->agent, now_ns, "observe",
                  json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", observer->kind, "subject", observer->name, "from",
                            observer->last, "to", now, "bound_ns",
                            (json_int_t)(observer->interval_ns + now_ns - observer->asked_ns)));
        (void)str_copy(observer->last, sizeof(observer->last), now);
    }
    schedule(observer);
}

static void ask(void *context)
{
    struct observer *observer = context;
    struct err err = {0};
    observer->timer = NULL;
    observer->asked_ns = clock_now_ns();
    if (probe_start(observer->agent->loop, observer->what, observer->timeout_ns, on_answer, observer, &observer->probe, &err) <
        0) {
        struct probe_answer none = {.text = err.text};
        on_answer(observer, &none);
    }
}

int observe_start(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    size_t index;
    json_t *what;
    (void)err;
    if (!agent->observers) {
        agent->observers = xcalloc(1, sizeof(*agent->observers));
    }
    json_array_foreach(json_object_get(params, "observers"), index, what)
    {
        struct observer *observer = xcalloc(1, sizeof(*observer));
        *observer = (struct observer){.agent = agent, .what = json_deep_copy(what)};
        observer->name = json_str(observer->what, "name", "");
        observer->kind = json_str(observer->what, "kind", "");
        observer->type = json_str(observer->what, "type", "");
        observer->field = json_str(observer->what, "field", NULL);
        observer->otherwise = json_str(observer->what, "otherwise", "unknown");
        observer->interval_ns = json_int(what, "interval_ms", 100) * NS_PER_MS;
        observer->timeout_ns = json_int(what, "timeout_ms", 1000) * NS_PER_MS;
        observer->wanted = (int)json_int(what, "status", 200);
        observer->due_ns = clock_now_ns();
        *VEC_ADD(&agent->observers->items) = observer;
        ask(observer);
    }
    rpc_reply(agent, id, NULL);
    return 0;
}

static void free_observer(struct observer *observer)
{
    loop_cancel(observer->agent->loop, observer->timer);
    probe_cancel(observer->probe);
    json_decref(observer->what);
    free(observer);
}

void observers_free(struct agent *agent)
{
    if (!agent->observers) {
        return;
    }
    VEC_EACH(observer, &agent->observers->items)
    {
        free_observer(*observer);
    }
    VEC_CLEAR(&agent->observers->items);
    free(TAKE(agent->observers));
}

static void stop_one(struct agent *agent, const char *name)
{
    for (size_t i = 0; agent->observers && i < agent->observers->items.count; i++) {
        struct observer **at = &agent->observers->items.items[i];
        if (str_eq((*at)->name, name)) {
            free_observer(*at);
            *at = agent->observers->items.items[--agent->observers->items.count];
            return;
        }
    }
}

int observe_stop(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    const char *name = json_str(params, "name", NULL);
    (void)err;
    if (name) {
        stop_one(agent, name);
    } else {
        observers_free(agent);
    }
    rpc_reply(agent, id, NULL);
    return 0;
}
