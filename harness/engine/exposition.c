/* The drill's own doings in the text that Prometheus scrapes, so that a dashboard shows when the drill broke what. */
#include "harness/engine/session.h"

#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/log.h"

/* A label's value: three characters are written otherwise. */
static void add_label(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s%s=\"", out->data[out->size - 1] == '{' ? "" : ",", name);
    for (const char *byte = value ? value : ""; *byte; byte++) {
        const char *escaped = *byte == '\\' ? "\\\\" : *byte == '"' ? "\\\"" : *byte == '\n' ? "\\n" : NULL;
        buf_add(out, escaped ? escaped : byte, escaped ? strlen(escaped) : 1);
    }
    buf_puts(out, "\"");
}

static void add_fault(struct buf *out, const char *metric, const struct injection *injection, double value)
{
    buf_printf(out, "%s{", metric);
    add_label(out, "id", injection->id);
    add_label(out, "fault", injection->fault);
    add_label(out, "target", injection->target);
    buf_printf(out, "} %.3f\n", value);
}

/* Of an instant of this machine's monotonic clock. */
static double utc_seconds(int64_t t_ns)
{
    return (double)(clock_utc_now_ns() - (clock_now_ns() - t_ns)) / (double)NS_PER_S;
}

static void add_head(struct buf *out, const char *metric, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", metric, help, metric);
}

static void write_text(const struct session *session, struct buf *out)
{
    static const char info[] = "drill_info", active[] = "drill_fault_active";
    static const char injected[] = "drill_fault_injected_timestamp_seconds",
                      reverted[] = "drill_fault_reverted_timestamp_seconds";
    add_head(out, info, "The drill that runs.");
    buf_printf(out, "%s{", info);
    add_label(out, "drill", session->id);
    add_label(out, "scenario", session->scenario->name);
    add_label(out, "title", session->scenario->title);
    buf_puts(out, "} 1\n");
    add_head(out, active, "1 while the drill has this fault in force, 0 once it is taken away.");
    VEC_EACH(injection, &session->injections)
    {
        add_fault(out, active, injection, injection->in_force ? 1 : 0);
    }
    add_head(out, injected, "When the drill asked for the fault.");
    VEC_EACH(injection, &session->injections)
    {
        add_fault(out, injected, injection, utc_seconds(injection->disrupted_ns));
    }
    add_head(out, reverted, "When the drill began to take the fault away.");
    VEC_EACH(injection, &session->injections)
    {
        if (injection->reverted_ns) {
            add_fault(out, reverted, injection, utc_seconds(injection->reverted_ns));
        }
    }
}

int exposition_open(struct session *session, struct err *err)
{
    struct buf text CLEANUP(buf_clear) = {0};
    const struct topology *topology = session->topology;
    struct place *place = topology->metrics.host ? places_find(session->places, topology->metrics.host->name) : NULL;
    if (!place) {
        return 0;
    }
    write_text(session, &text);
    return session_call(session, place, "metrics.serve",
                        json_pack("{s:s, s:i, s:s}", "address", topology->metrics.host->address, "port", topology->metrics.port,
                                  "text", buf_str(&text)),
                        NULL, err);
}

/* The monitor not knowing is no reason to stop a drill that runs. */
void exposition_tell(struct session *session)
{
    struct err err = {0};
    if (exposition_open(session, &err) < 0) {
        log_warn("the monitor was not told: %s", err.text);
    }
}
