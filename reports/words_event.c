/* An event of events.jsonl as a line for people. Kinds without words of their own are shown with their members. */
#include "reports/words.h"

#include <stdio.h>

#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

/* What to print for a kind: "{member}" is replaced, everything else is text. */
static const struct {
    const char *kind, *words;
} kinds[] = {
    {"drill.start", "drill {drill_id} began"},
    {"load.start", "load began from {vantage}"},
    {"load.stop", "load from {vantage} ended"},
    {"steady.ok", "steady state held for {for_ns}"},
    {"steady.failed", "not healthy before the drill: {reason}"},
    {"fault.requested", "{fault_id}: asked for {fault} {target}: {plan}"},
    {"fault.applied", "{fault_id}: in force by {mechanism}"},
    {"fault.changed", "{fault_id}: {text}"},
    {"fault.reset", "{fault_id}: after the revert: {text}"},
    {"fault.reverting", "{fault_id}: asked to be reverted"},
    {"fault.reverted", "{fault_id}: reverted"},
    {"step.wait", "waited {for_ns}"},
    {"await.begin", "waiting for recovery, at most {within_ns}, to hold {hold_ns}"},
    {"change.begin", "waiting for a change of {subject}, at most {within_ns}"},
    {"note.wanted", "waiting for somebody to say \"{says}\", at most {within_ns}"},
    {"service.exited", "service {service} exited with status {status}"},
    {"service.started", "service {service} started, pid {pid}"},
    {"agent.lost", "agent lost: {reason}"},
    {"agent.restarted", "agent restarted"},
    {"abort", "aborted: {reason}"},
    {"drill.end", "drill ended: {conclusion} {reason}"},
};

static void print_member(const json_t *event, const char *name, size_t size, struct buf *out)
{
    char key[48], duration[32];
    (void)str_format(key, sizeof(key), "%.*s", (int)size, name);
    const json_t *value = json_object_get(event, key);
    if (json_is_integer(value) && str_ends_with(key, "_ns")) {
        buf_puts(out, clock_format_duration(json_integer_value(value), duration));
    } else if (json_is_integer(value)) {
        buf_printf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_string(value)) {
        buf_puts(out, json_string_value(value));
    } else if (value) {
        AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        buf_puts(out, text ? text : "?");
    } else {
        buf_puts(out, "?");
    }
}

static void print_words(const json_t *event, const char *words, struct buf *out)
{
    while (*words) {
        const char *close = *words == '{' ? strchr(words, '}') : NULL;
        if (close) {
            print_member(event, words + 1, (size_t)(close - words - 1), out);
            words = close + 1;
            continue;
        }
        buf_add(out, words++, 1);
    }
}

static void print_members(const json_t *event, const char *kind, struct buf *out)
{
    static const char *const elsewhere[] = {"t", "utc", "kind", "place", "bound"};
    AUTO_JSON json_t *rest = json_copy((json_t *)event);
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
        json_object_del(rest, elsewhere[i]);
    }
    AUTO_FREE char *text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
    buf_printf(out, "%s %s", kind, text ? text : "");
}

/* Kinds whose words depend on how it went; false when `kind` is none of them. */
static bool print_judged(const json_t *event, const char *kind, struct buf *out)
{
    if (str_eq(kind, "fault.proven")) {
        print_words(event, json_flag(event, "ok", false) ? "{fault_id}: proven: {proof}" : "{fault_id}: NOT PROVEN: {proof}",
                    out);
    } else if (str_eq(kind, "observe")) {
        bool said = str_starts_with(json_str(event, "subject", ""), json_str(event, "observer", "?"));
        const char *from = json_str(event, "from", "");
        print_words(event, said ? "{subject}: " : "{observer} {subject}: ", out);
        print_words(event, *from ? "{from} → {to}" : "{to}", out);
    } else if (str_eq(kind, "await.end")) {
        buf_puts(out, json_flag(event, "recovered", false) ? "recovered and held" : "not recovered in time");
    } else if (str_eq(kind, "change.end")) {
        buf_puts(out, json_flag(event, "seen", false) ? "it changed" : "it did not change in time");
    } else if (str_eq(kind, "readback")) {
        print_words(event,
                    json_flag(event, "complete", false) ? "read back after {cause}: {count} writes found via {via}"
                                                        : "read back after {cause} NOT COMPLETE: {reason}",
                    out);
    } else if (str_eq(kind, "store.read")) {
        print_words(event,
                    json_flag(event, "complete", false) ? "{label}: {store} has {count} writes"
                                                        : "{label}: {store} COULD NOT BE READ: {reason}",
                    out);
    } else if (str_eq(kind, "residue")) {
        print_words(event, json_flag(event, "clean", false) ? "nothing left behind" : "LEFT BEHIND: {left}", out);
    } else if (str_eq(kind, "note")) {
        print_words(event, *json_str(event, "by", "") ? "{text} ({by})" : "{text}", out);
    } else if (str_eq(kind, "note.end")) {
        print_words(event,
                    json_flag(event, "seen", false) ? "\"{says}\" was said after {waited_ns} by {by}"
                                                    : "nobody said \"{says}\" in {waited_ns}",
                    out);
    } else if (str_eq(kind, "drift")) {
        print_words(event,
                    json_array_size(json_object_get(event, "differences"))
                        ? "what runs is NOT what is declared: {differences}"
                        : "what runs is what is declared: {files} files, {processes} processes, {answers} answers compared",
                    out);
    } else if (str_eq(kind, "fault.expired")) {
        print_words(event,
                    json_flag(event, "reverted", false) ? "{fault_id}: its time to live was over, taken away"
                                                        : "{fault_id}: its time to live was over, NOT TAKEN AWAY: {reason}",
                    out);
    } else if (str_eq(kind, "fault.residue")) {
        print_words(event, json_flag(event, "clean", false) ? "{fault_id}: no trace left" : "{fault_id}: LEFT TRACES: {left}",
                    out);
    } else {
        return false;
    }
    return true;
}

void words_event(const json_t *event, struct buf *place, struct buf *out)
{
    const char *kind = json_str(event, "kind", "?");
    buf_puts(place, json_str(event, "place", json_str(event, "vantage", "")));
    if (print_judged(event, kind, out)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(kinds[i].kind, kind)) {
            print_words(event, kinds[i].words, out);
            return;
        }
    }
    print_members(event, kind, out);
}
