/* The fields of a review, its draft and its checks. */
#include "harness/programme/review.h"

#include <strings.h>

#include "harness/base/buf.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "harness/programme/when.h"
#include "harness/topology/yaml.h"

static const char *const answers[] = {"yes", "no", "open", NULL};
static const char *const severities[] = {"note", "low", "medium", "high", NULL};
static const char *const states[] = {"open", "done", "accepted", NULL};
static const char *const roles[] = {"prepared", "reviewed", "acknowledged", NULL};

struct item {
    char *text, *comment, *owner, *due, *why, *ticket, *approver, *expires, *name, *time, *category, *cause;
    int confirmed, severity, status, role;
};

static const struct param finding_item[] = {
    {"text", PARAM_STRING, offsetof(struct item, text), .required = true, .help = "what was found"},
    {"confirmed", PARAM_CHOICE, offsetof(struct item, confirmed), .choices = answers, .fallback = "open",
     .help = "whether it is so"},
    {"severity", PARAM_CHOICE, offsetof(struct item, severity), .choices = severities, .fallback = "note", .help = "how bad"},
    {"category", PARAM_STRING, offsetof(struct item, category), .help = "technical, process, communication, documentation"},
    {"cause", PARAM_STRING, offsetof(struct item, cause), .help = "a tag, so that causes that come again are seen"},
    {"comment", PARAM_STRING, offsetof(struct item, comment), .help = "what is to say of it"},
    {0},
};
static const struct param action_item[] = {
    {"text", PARAM_STRING, offsetof(struct item, text), .required = true, .help = "what will be done"},
    {"owner", PARAM_STRING, offsetof(struct item, owner), .required = true, .help = "by whom"},
    {"due", PARAM_STRING, offsetof(struct item, due), .required = true, .unit_hint = "day", .help = "until when"},
    {"why", PARAM_STRING, offsetof(struct item, why), .required = true, .help = "why that date"},
    {"ticket", PARAM_STRING, offsetof(struct item, ticket), .help = "where it is followed"},
    {"status", PARAM_CHOICE, offsetof(struct item, status), .choices = states, .fallback = "open", .help = "how it stands"},
    {0},
};
static const struct param risk_item[] = {
    {"text", PARAM_STRING, offsetof(struct item, text), .required = true, .help = "the risk that is lived with"},
    {"approver", PARAM_STRING, offsetof(struct item, approver), .required = true, .help = "who accepts it"},
    {"expires", PARAM_STRING, offsetof(struct item, expires), .required = true, .unit_hint = "day", .help = "until when"},
    {0},
};
static const struct param sign_off_item[] = {
    {"role", PARAM_CHOICE, offsetof(struct item, role), .choices = roles, .fallback = "reviewed", .help = "as what"},
    {"name", PARAM_STRING, offsetof(struct item, name), .required = true, .help = "who; a role in place of a name is fine"},
    {"time", PARAM_STRING, offsetof(struct item, time), .required = true, .unit_hint = "instant", .help = "when"},
    {0},
};

const struct field review_fields[] = {
    {"drill", FIELD_TEXT, .help = "the drill's name in the archive"},
    {"reviewer", FIELD_TEXT, .help = "who reviewed; not who operated the drill"},
    {"date", FIELD_WHEN, .help = "day of the review"},
    {"went_well", FIELD_TEXTS, .help = "what went well"},
    {"went_badly", FIELD_TEXTS, .help = "what did not"},
    {"surprises", FIELD_TEXTS, .help = "what nobody expected"},
    {"lessons", FIELD_TEXTS, .help = "what is learned"},
    {"findings", FIELD_ITEMS, .item = finding_item, .item_size = sizeof(struct item), .help = "what was found, confirmed or not"},
    {"actions", FIELD_ITEMS, .item = action_item, .item_size = sizeof(struct item), .help = "what will be done"},
    {"risk_acceptances", FIELD_ITEMS, .item = risk_item, .item_size = sizeof(struct item), .help = "what is lived with"},
    {"plan_changes", FIELD_TEXTS, .help = "what changes in the recovery plan"},
    {"sign_offs", FIELD_ITEMS, .item = sign_off_item, .item_size = sizeof(struct item), .help = "who signed"},
    {"board_date", FIELD_WHEN, .help = "when the management body is told"},
    {"retest_due", FIELD_WHEN, .help = "until when what failed is drilled again"},
    {0},
};

/* A text in double quotes, as YAML reads it back. */
static void quote(const char *text, struct buf *out)
{
    AUTO_JSON json_t *string = json_string(text);
    AUTO_FREE char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    buf_puts(out, quoted ? quoted : "\"\"");
}

static void offer_finding(const char *text, const char *severity, struct buf *out)
{
    buf_puts(out, "  - text: ");
    quote(text, out);
    buf_printf(out, "\n    confirmed: open\n    severity: %s\n", severity);
}

static void offer_findings(const struct past_drill *drill, struct buf *out)
{
    size_t index;
    json_t *item;
    struct buf found CLEANUP(buf_clear) = {0};
    json_array_foreach(json_object_get(drill->report, "objectives"), index, item)
    {
        if (!str_eq(json_str(item, "result", ""), "met")) {
            AUTO_FREE char *text = xasprintf("%s: %s", json_str(item, "text", "?"), json_str(item, "reason", "?"));
            offer_finding(text, str_eq(json_str(item, "result", ""), "missed") ? "high" : "medium", &found);
        }
    }
    json_array_foreach(json_object_get(drill->report, "findings"), index, item)
    {
        if (json_is_string(item)) {
            offer_finding(json_string_value(item), "note", &found);
        }
    }
    if (found.size > 0) {
        buf_printf(out, "findings:                  # confirmed: yes, no or open\n%s", buf_str(&found));
    } else {
        buf_puts(out, "# findings:\n#   - { text: what was found, confirmed: yes, severity: low }\n");
    }
}

static void offer_actions(const struct past_drill *drill, struct buf *out)
{
    static const char *const members[] = {"text", "owner", "due", "why", "ticket", "status"};
    const json_t *actions = json_object_get(drill->review, "actions");
    size_t index;
    json_t *action;
    buf_puts(out, json_array_size(actions)
                      ? "actions:                   # as the last review left them: bring them up to date\n"
                      : "# actions:\n#   - text: what will be done\n#     owner: who\n#     due: 2026-01-31\n"
                        "#     why: why that date\n#     ticket: OPS-1\n");
    json_array_foreach(actions, index, action)
    {
        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
            if (json_str(action, members[i], NULL)) {
                buf_printf(out, "  %s %s: ", i == 0 ? "-" : " ", members[i]);
                quote(json_str(action, members[i], ""), out);
                buf_puts(out, "\n");
            }
        }
    }
}

void review_template(const struct past_drill *drill, struct buf *out)
{
    char day[16];
    buf_printf(out,
               "# Review of %s: %s\n# Fill in what applies, take the # away where something is said, then seal it:\n"
               "#   drill review %04lld --seal\ndrill: %s\n# reviewer: who reviews; not who operated the drill\ndate: %s\n"
               "# went_well:\n#   - …\n# went_badly:\n#   - …\n# surprises:\n#   - …\n# lessons:\n#   - …\n",
               drill->name, *drill->exit_words ? drill->exit_words : past_outcome_name(drill->outcome), (long long)drill->number,
               drill->name, when_day(clock_utc_now_ns(), day));
    offer_findings(drill, out);
    offer_actions(drill, out);
    buf_printf(out,
               "# risk_acceptances:\n#   - text: what is lived with\n#     approver: who\n#     expires: 2026-12-31\n"
               "# plan_changes:\n#   - …\n# sign_offs:\n#   - { role: reviewed, name: who, time: %s }\n"
               "# board_date: %s\n# retest_due: %s\n",
               day, day, day);
}

struct checking {
    const char *file;
    const struct node *tree;
    struct buf broken;
};

static void broken(struct checking *checking, const char *field, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void broken(struct checking *checking, const char *field, const char *fmt, ...)
{
    const struct node *node = node_get(checking->tree, field);
    va_list args;
    buf_printf(&checking->broken, "%s%s", checking->broken.size ? "; " : "", checking->file);
    if (node) {
        buf_printf(&checking->broken, ":%d:%d", node->line, node->column);
    }
    buf_puts(&checking->broken, ": ");
    va_start(args, fmt);
    buf_vprintf(&checking->broken, fmt, args);
    va_end(args);
}

static bool is_same_person(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

static void check_people(struct checking *checking, const json_t *values, const struct past_drill *drill)
{
    const char *reviewer = json_str(values, "reviewer", NULL);
    const char *operator= json_str(json_object_get(drill->plan, "programme"), "operator", NULL);
    bool signed_by_reviewer = false;
    size_t index;
    json_t *sign_off;
    if (!reviewer) {
        broken(checking, "reviewer", "'reviewer' is missing");
    } else if (is_same_person(reviewer, operator)) {
        broken(checking, "reviewer", "'%s' operated this drill: the reviewer must be somebody else", reviewer);
    }
    json_array_foreach(json_object_get(values, "sign_offs"), index, sign_off)
    {
        const char *name = json_str(sign_off, "name", "");
        bool reviews = str_eq(json_str(sign_off, "role", ""), "reviewed");
        if (reviews && is_same_person(name, operator)) {
            broken(checking, "sign_offs", "'%s' operated this drill and cannot sign it as reviewed", name);
        }
        signed_by_reviewer |= reviews && is_same_person(name, reviewer);
    }
    if (reviewer && !signed_by_reviewer) {
        broken(checking, "sign_offs", "the reviewer has not signed: sign_offs: [{ role: reviewed, name: %s, time: … }]",
               reviewer);
    }
}

static void check_days(struct checking *checking, const json_t *values, const char *list, const char *member)
{
    size_t index;
    json_t *item;
    struct err inner = {0};
    int64_t ignored = 0;
    json_array_foreach(json_object_get(values, list), index, item)
    {
        if (when_parse(json_str(item, member, ""), true, &ignored, &inner) < 0) {
            broken(checking, list, "'%s' of number %zu: %s", member, index + 1, inner.text);
        }
    }
}

static int check(const char *file, const struct node *tree, const json_t *values, const struct past_drill *drill, struct err *err)
{
    struct checking checking = {.file = file, .tree = tree};
    if (!str_eq(json_str(values, "drill", NULL), drill->name)) {
        broken(&checking, "drill", "this is a review of '%s', not of '%s'", json_str(values, "drill", "no drill"), drill->name);
    }
    check_people(&checking, values, drill);
    check_days(&checking, values, "actions", "due");
    check_days(&checking, values, "risk_acceptances", "expires");
    if (drill->outcome == PAST_FAIL && json_array_size(json_object_get(values, "actions")) == 0 &&
        json_array_size(json_object_get(values, "risk_acceptances")) == 0) {
        broken(&checking, "actions", "the drill failed: that needs an action or an accepted risk");
    }
    int status = 0;
    if (checking.broken.size > 0) {
        status = err_set(err, ERR_INPUT, "the review is not complete: %s", buf_str(&checking.broken));
    }
    buf_clear(&checking.broken);
    return status;
}

int review_read(const char *file, const struct past_drill *drill, struct review *ret_review, struct err *err)
{
    struct review review CLEANUP(review_clear) = {.values = json_object()};
    AUTO_NODE struct node *tree = NULL;
    int status = yaml_read_source(file, &review.text, &review.size, &tree, err);
    if (status == 0) {
        status = fields_read(review_fields, tree, "drill help review", review.values, err);
    }
    if (status == 0) {
        status = check(file, tree, review.values, drill, err);
    }
    if (status == 0) {
        json_object_set_new(review.values, "drill_id", json_string(drill->id));
        json_object_set_new(review.values, "outcome", json_string(past_outcome_name(drill->outcome)));
        *ret_review = review;
        review = (struct review){0};
    }
    return status;
}

void review_clear(struct review *review)
{
    free(review->text);
    json_decref(review->values);
    *review = (struct review){0};
}
