/* The rules of approval. */
#include "harness/programme/approval.h"

#include <regex.h>
#include <strings.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/programme/when.h"

static const char default_pattern[] = "^[A-Za-z]+[-_ #]?[0-9]+$";

struct checking {
    const struct programme *programme;
    const json_t *fields;
    int64_t now_ns;
    struct buf broken;
};

static void broken(struct checking *checking, const char *field, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void broken(struct checking *checking, const char *field, const char *fmt, ...)
{
    char where[512];
    va_list args;
    buf_printf(&checking->broken, "%s%s: ", checking->broken.size ? "; " : "",
               programme_where(checking->programme, field, where));
    va_start(args, fmt);
    buf_vprintf(&checking->broken, fmt, args);
    va_end(args);
}

static void check_one_approval(struct checking *checking, const json_t *approval, const char *operator)
{
    const char *name = json_str(approval, "name", ""), *time = json_str(approval, "time", NULL);
    if (operator&& strcasecmp(name, operator) == 0) {
        broken(checking, "approvals", "'%s' approves and operates: the approver must be somebody else", name);
    }
    if (!time) {
        broken(checking, "approvals", "the approval by '%s' has no time", name);
    } else if (when_or(time, false, INT64_MIN) > checking->now_ns) {
        broken(checking, "approvals", "the approval by '%s' is from the future: %s", name, time);
    }
}

static void check_approvals(struct checking *checking)
{
    const json_t *approvals = json_object_get(checking->fields, "approvals");
    const char *operator= json_str(checking->fields, "operator", NULL);
    size_t index;
    json_t *approval;
    if (!operator) {
        broken(checking, "operator", "'operator' is missing: who approves must be somebody else");
    }
    if (json_array_size(approvals) == 0) {
        broken(checking, "approvals", "'approvals' is missing: somebody other than the operator has to approve");
    }
    json_array_foreach(approvals, index, approval)
    {
        check_one_approval(checking, approval, operator);
    }
}

static void check_ticket(struct checking *checking, const regex_t *pattern, const char *field, const char *ticket,
                         const char *wanted)
{
    if (ticket && regexec(pattern, ticket, 0, NULL, 0) != 0) {
        broken(checking, field, "ticket '%s' does not match '%s'", ticket, wanted);
    }
}

static void check_tickets(struct checking *checking)
{
    const char *wanted = json_str(checking->fields, "ticket_pattern", default_pattern);
    const char *change = json_str(checking->fields, "change_ticket", NULL);
    size_t index;
    json_t *approval;
    regex_t pattern;
    if (!change) {
        broken(checking, "change_ticket", "'change_ticket' is missing");
    }
    int status = regcomp(&pattern, wanted, REG_EXTENDED | REG_NOSUB);
    if (status != 0) {
        char text[128];
        (void)regerror(status, &pattern, text, sizeof(text));
        broken(checking, "ticket_pattern", "not an extended regular expression: '%s': %s", wanted, text);
        return;
    }
    check_ticket(checking, &pattern, "change_ticket", change, wanted);
    json_array_foreach(json_object_get(checking->fields, "approvals"), index, approval)
    {
        check_ticket(checking, &pattern, "approvals", json_str(approval, "ticket", NULL), wanted);
    }
    regfree(&pattern);
}

static int64_t instant(const json_t *object, const char *key, bool end_of_day, int64_t fallback_ns)
{
    return when_or(json_str(object, key, NULL), end_of_day, fallback_ns);
}

static void check_window(struct checking *checking)
{
    char now[32];
    (void)clock_format_utc(checking->now_ns, now);
    if (checking->now_ns < instant(checking->fields, "not_before", false, INT64_MIN)) {
        broken(checking, "not_before", "the window opens at %s, it is %s", json_str(checking->fields, "not_before", ""), now);
    }
    if (checking->now_ns > instant(checking->fields, "not_after", true, INT64_MAX)) {
        broken(checking, "not_after", "the window closed at %s, it is %s", json_str(checking->fields, "not_after", ""), now);
    }
}

static void check_freeze(struct checking *checking)
{
    size_t index;
    json_t *freeze;
    json_array_foreach(json_object_get(checking->fields, "freeze"), index, freeze)
    {
        bool frozen = checking->now_ns >= instant(freeze, "from", false, INT64_MAX) &&
                      checking->now_ns <= instant(freeze, "to", true, INT64_MIN);
        if (frozen) {
            broken(checking, "freeze", "change freeze from %s to %s%s%s", json_str(freeze, "from", ""),
                   json_str(freeze, "to", ""), json_str(freeze, "reason", NULL) ? ": " : "", json_str(freeze, "reason", ""));
        }
    }
}

int approval_check(const struct programme *programme, int64_t now_utc_ns, struct err *err)
{
    struct checking checking = {.programme = programme, .fields = programme->fields, .now_ns = now_utc_ns};
    bool production = str_eq(json_str(programme->fields, "environment", NULL), "production");
    if (!production && !json_flag(programme->fields, "require_approval", false)) {
        return 0;
    }
    check_approvals(&checking);
    check_tickets(&checking);
    check_window(&checking);
    check_freeze(&checking);
    int status = 0;
    if (checking.broken.size > 0) {
        status =
            err_set(err, ERR_INPUT, "%s needs approval, nothing was injected: %s",
                    production ? "an environment of production" : "this drill (require_approval)", buf_str(&checking.broken));
    }
    buf_clear(&checking.broken);
    return status;
}
