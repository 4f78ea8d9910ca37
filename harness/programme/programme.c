/* The fields of programme.yaml and their reader. */
#include "harness/programme/programme.h"

#include "harness/base/str.h"
#include "harness/topology/yaml.h"

const char programme_file_name[] = "programme.yaml";

static const char *const environments[] = {"development", "test", "staging", "production", NULL};
static const char *const exercise_types[] = {"component", "functional", "full_failover", "tabletop_assisted", NULL};
static const char *const triggers[] = {"scheduled", "change", "retest", "ci", NULL};
static const char *const announcements[] = {"yes", "partly", "no", NULL};
static const char *const phases[] = {"before", "during", "after", NULL};

/* One struct for the items of every list: each table uses the options that it needs. */
struct item {
    char *text, *reason, *name, *role, *time, *ticket, *team, *site, *channel, *audience, *reference, *from, *to;
    bool present;
    int phase;
};

static const struct param assumption_item[] = {
    {"text", PARAM_STRING, offsetof(struct item, text), .required = true, .help = "what is assumed"},
    {"reason", PARAM_STRING, offsetof(struct item, reason), .help = "why that may be assumed"},
    {0},
};
static const struct param approval_item[] = {
    {"name", PARAM_STRING, offsetof(struct item, name), .required = true,
     .help = "who approved; a role in place of a name is fine"},
    {"role", PARAM_STRING, offsetof(struct item, role), .help = "as whom"},
    {"time", PARAM_STRING, offsetof(struct item, time), .unit_hint = "instant", .help = "when"},
    {"ticket", PARAM_STRING, offsetof(struct item, ticket), .help = "where it is recorded"},
    {0},
};
static const struct param person_item[] = {
    {"name", PARAM_STRING, offsetof(struct item, name), .help = "a name, or nothing where only the role is to be known"},
    {"role", PARAM_STRING, offsetof(struct item, role), .help = "as what"},
    {"team", PARAM_STRING, offsetof(struct item, team), .help = "of which team"},
    {"site", PARAM_STRING, offsetof(struct item, site), .help = "from where"},
    {"present", PARAM_BOOL, offsetof(struct item, present), .fallback = "true", .help = "false: invited, did not come"},
    {0},
};
static const struct param communication_item[] = {
    {"phase", PARAM_CHOICE, offsetof(struct item, phase), .choices = phases, .fallback = "before", .help = "of the drill"},
    {"time", PARAM_STRING, offsetof(struct item, time), .unit_hint = "instant", .help = "when"},
    {"channel", PARAM_STRING, offsetof(struct item, channel), .required = true, .help = "how: mail, chat, call"},
    {"audience", PARAM_STRING, offsetof(struct item, audience), .required = true, .help = "to whom"},
    {"text", PARAM_STRING, offsetof(struct item, text), .help = "what was said, or its summary"},
    {"reference", PARAM_STRING, offsetof(struct item, reference), .help = "where it can be read"},
    {0},
};
static const struct param freeze_item[] = {
    {"from", PARAM_STRING, offsetof(struct item, from), .required = true, .unit_hint = "day", .help = "first day or instant"},
    {"to", PARAM_STRING, offsetof(struct item, to), .required = true, .unit_hint = "day",
     .help = "last day (included) or instant"},
    {"reason", PARAM_STRING, offsetof(struct item, reason), .help = "why nothing may be changed then"},
    {0},
};

const struct field programme_fields[] = {
    /* what it is */
    {"environment", FIELD_CHOICE, environments, .help = "where; production has approval rules"},
    {"business_service", FIELD_TEXT, .help = "the service whose users are meant"},
    {"criticality", FIELD_TEXT, .help = "of that service, in your own scale"},
    {"exercise_type", FIELD_CHOICE, exercise_types, .help = "how much is exercised"},
    {"programme_slot", FIELD_TEXT, .help = "the slot of the plan of drills; the quarter when not given"},
    {"trigger", FIELD_CHOICE, triggers, .help = "why now"},
    {"announced", FIELD_CHOICE, announcements, .help = "whether those who respond knew"},
    /* what was agreed before */
    {"hypothesis", FIELD_TEXT, .help = "what is expected to happen"},
    {"plausibility", FIELD_TEXT, .help = "why this scenario is severe and yet plausible"},
    {"impact_tolerance", FIELD_TEXT, .help = "the most disruption that the service's owner accepts, with its unit"},
    {"mtpd", FIELD_DURATION, .help = "maximum tolerable period of disruption"},
    {"bia_ref", FIELD_TEXT, .help = "business impact analysis that the targets come from"},
    {"risk_ref", FIELD_TEXT, .help = "risk assessment that the scenario comes from"},
    {"plan_ref", FIELD_TEXT, .help = "recovery plan that is exercised"},
    {"plan_version", FIELD_TEXT, .help = "its version"},
    {"scope", FIELD_TEXTS, .help = "components in scope"},
    {"not_tested", FIELD_TEXTS, .help = "what this drill leaves out"},
    {"third_parties", FIELD_TEXTS, .help = "providers that take part or are depended on"},
    {"assumptions", FIELD_ITEMS, .item = assumption_item, .item_size = sizeof(struct item),
     .help = "what is taken for granted, and why"},
    {"blast_radius", FIELD_TEXT, .help = "the most that may be hit"},
    {"rollback", FIELD_TEXT, .help = "how to get back by hand"},
    {"abort_criteria", FIELD_TEXTS, .help = "when people stop the drill"},
    {"staffing", FIELD_TEXT, .help = "constraint on people that is exercised, as a key person missing"},
    {"retain_until", FIELD_WHEN, .help = "how long the evidence must be kept"},
    /* people; roles are allowed in place of names */
    {"operator", FIELD_TEXT, .help = "who runs the drill; for a pipeline its name or URL"},
    {"lead", FIELD_TEXT, .help = "who leads the response"},
    {"reviewer", FIELD_TEXT, .help = "who reviews the result; not the operator"},
    {"independence", FIELD_TEXT, .help = "how those who test are independent of those who run the service"},
    {"participants", FIELD_ITEMS, .item = person_item, .item_size = sizeof(struct item), .help = "who takes part"},
    {"observers", FIELD_ITEMS, .item = person_item, .item_size = sizeof(struct item), .help = "who looks on"},
    {"communications", FIELD_ITEMS, .item = communication_item, .item_size = sizeof(struct item),
     .help = "who was or will be told"},
    /* permission */
    {"approvals", FIELD_ITEMS, .item = approval_item, .item_size = sizeof(struct item), .help = "who allowed it"},
    {"change_ticket", FIELD_TEXT, .help = "id of the change record"},
    {"require_approval", FIELD_SWITCH, .help = "the rules of production here too"},
    {"ticket_pattern", FIELD_TEXT, .help = "extended regular expression that a ticket's id must match"},
    {"not_before", FIELD_WHEN, .help = "the approved window's start"},
    {"not_after", FIELD_WHEN, .help = "the approved window's end"},
    {"freeze", FIELD_ITEMS, .item = freeze_item, .item_size = sizeof(struct item), .help = "calendar of change freezes"},
    {0},
};

struct programme *programme_empty(void)
{
    struct programme *programme = xcalloc(1, sizeof(*programme));
    programme->fields = json_object();
    return programme;
}

int programme_load(const char *file, struct programme **ret_programme, struct err *err)
{
    struct programme *programme CLEANUP(programme_cleanup) = programme_empty();
    programme->file = xstrdup(file);
    int status = yaml_read_source(file, &programme->text, &programme->size, &programme->tree, err);
    if (status == 0) {
        status = fields_read(programme_fields, programme->tree, "drill help programme", programme->fields, err);
    }
    if (status < 0) {
        return status;
    }
    *ret_programme = TAKE(programme);
    return 0;
}

void programme_free(struct programme *programme)
{
    if (programme) {
        node_free(programme->tree);
        json_decref(programme->fields);
        free(programme->text);
        free(programme->file);
        free(programme);
    }
}

const char *programme_where(const struct programme *programme, const char *field, char out[static 512])
{
    const struct node *node = node_get(programme->tree, field);
    if (node) {
        (void)str_format(out, 512, "%s:%d:%d", programme->file, node->line, node->column);
    } else {
        (void)str_format(out, 512, "%s", programme->file ? programme->file : programme_file_name);
    }
    return out;
}
