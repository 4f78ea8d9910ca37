/* What a scenario says of itself, against the topology that it is for. */
#include "harness/engine/checks.h"

#include "harness/base/clock.h"
#include "harness/measure/abort_rule.h"
#include "harness/measure/objective.h"
#include "harness/param/client.h"
#include "harness/topology/names.h"

static const struct topology_observer *find_group(const struct topology *topology, const char *name)
{
    const struct topology_observer *found = topology_observer_find(topology, name);
    for (size_t i = 0; !found && i < topology->observer_count; i++) {
        found = str_eq(topology->observers[i].group, name) ? &topology->observers[i] : NULL;
    }
    return found;
}

/* Of others nobody could say when they failed over. */
static int check_order(const struct scenario *scenario, const struct topology *topology, struct err *err)
{
    for (size_t i = 0; i < scenario->order_count; i++) {
        const struct topology_observer *observer = find_group(topology, scenario->order[i]);
        if (!observer) {
            (void)names_no_observers(topology, scenario->order[i], err);
            return err_prefix(err, "%s: order", scenario->file);
        }
        if (observer->on_demand ||
            (!str_eq(observer->kind, "dns") && !str_eq(observer->kind, "role") && !str_eq(observer->kind, "state"))) {
            return err_set(
                err, ERR_INPUT,
                "%s: order: '%s' is %s observer of the kind '%s', expected one of the kind 'dns', 'role' or 'state' that "
                "asks all the time",
                scenario->file, scenario->order[i], observer->on_demand ? "a waiting" : "an", observer->kind);
        }
    }
    return 0;
}

/* Who answered is known by the answers' header alone, and who moved by the load's sessions. */
static int check_who(const struct scenario *scenario, const struct topology *topology, const struct objective *objective,
                     struct err *err)
{
    bool named = topology->traffic.served_by != NULL;
    if (str_eq(objective->metric, "out_of_order") && scenario->order_count == 0) {
        return err_set(err, ERR_INPUT, "the scenario declares no order: say order = { \"role\", \"dns\" }");
    }
    if (objective->of && !named && !topology_region_find(topology, objective->of)) {
        (void)names_no_region(topology, objective->of, err);
        return err_prefix(err, "no answer names its server, for want of traffic.served_by in the topology, and");
    }
    if (str_eq(objective->metric, "moved") && (!named || scenario->load.sessions == 0)) {
        return err_set(err, ERR_INPUT, "%s",
                       named ? "the load has no sessions: say load = { sessions = 100 }"
                             : "no answer names its server: add traffic.served_by to the topology");
    }
    return 0;
}

static int check_objectives(const struct scenario *scenario, const struct topology *topology, struct err *err)
{
    for (size_t i = 0; i < scenario->objective_count; i++) {
        struct objective *objective CLEANUP(objective_cleanup) = NULL;
        int status = objective_parse(scenario->objectives[i], &objective, err);
        if (status == 0) {
            status = check_who(scenario, topology, objective, err);
        }
        if (status < 0) {
            return err_prefix(err, "%s: objective \"%s\"", scenario->file, scenario->objectives[i]);
        }
    }
    return 0;
}

static int check_alerts(const struct scenario *scenario, const struct topology *topology, const char *key, char *const *names,
                        size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *name = NULL, *fault = NULL;
        scenario_alert_split(names[i], &name, &fault);
        const struct topology_observer *observer = topology_observer_find(topology, name);
        if (!observer) {
            (void)names_no_observer(topology, name, err);
            return err_prefix(err, "%s: %s", scenario->file, key);
        }
        if (!str_eq(observer->kind, "alert")) {
            return err_set(err, ERR_INPUT, "%s: %s: '%s' is an observer of the kind '%s', expected one of the kind 'alert'",
                           scenario->file, key, observer->name, observer->kind);
        }
    }
    return 0;
}

/* A rule that can never hold would be a promise that is not kept. */
static int check_abort_rule(const struct scenario *scenario, const struct topology *topology, const struct abort_rule *rule,
                            struct err *err)
{
    const char *const *vantages = (const char *const *)topology->entrypoint.vantages;
    size_t count = topology->entrypoint.vantage_count;
    double deadline_s = (double)scenario->load.deadline_ns / (double)NS_PER_S;
    bool known = !*rule->vantage;
    char hint[96];
    for (size_t i = 0; i < count; i++) {
        known |= str_eq(vantages[i], rule->vantage);
    }
    if (!known) {
        return err_set(err, ERR_INPUT, "the load does not come from '%s'%s", rule->vantage,
                       str_did_you_mean(rule->vantage, vantages, count, hint));
    }
    if (abort_rule_is_latency(rule) && (rule->limit > deadline_s || (rule->limit >= deadline_s && !rule->or_equal))) {
        return err_set(err, ERR_INPUT, "no request takes longer than the load's deadline of %g s: say less, or ask for failed",
                       deadline_s);
    }
    return 0;
}

static int check_abort_rules(const struct scenario *scenario, const struct topology *topology, struct err *err)
{
    for (size_t i = 0; i < scenario->abort_count; i++) {
        struct abort_rule *rule CLEANUP(abort_rule_cleanup) = NULL;
        int status = abort_rule_parse(scenario->abort_when[i].text, &rule, err);
        if (status == 0) {
            status = check_abort_rule(scenario, topology, rule, err);
        }
        if (status < 0) {
            (void)err_prefix(err, "%sabort_when \"%s\"", scenario->abort_when[i].where, scenario->abort_when[i].text);
            return status;
        }
    }
    return 0;
}

static int check_traffic(const struct scenario *scenario, const struct topology *topology, struct err *err)
{
    if (topology->entrypoint.vantage_count == 0 || !topology->traffic.read.url) {
        return err_set(err, ERR_INPUT, "%s: a drill needs users: the topology has no entrypoint.vantage or no traffic.read",
                       topology->file);
    }
    if (scenario->load.write_share > 0 && !topology->traffic.write.url) {
        return err_set(err, ERR_INPUT,
                       "%s: the load writes, but topology '%s' has no traffic.write: add one or say writes = \"0%%\"",
                       scenario->file, topology->name);
    }
    return 0;
}

static int check_arrivals(const struct scenario *scenario, struct err *err)
{
    const struct scenario_load *load = &scenario->load;
    if (load->from > 0 && load->arrivals < CLIENT_ARRIVALS_RAMP) {
        return err_set(err, ERR_INPUT, "%s: load: from = %g/s, but arrivals are %s: say arrivals = \"ramp\" or \"step\"",
                       scenario->file, load->from, client_arrivals[load->arrivals]);
    }
    return 0;
}

int checks_of_scenario(const struct scenario *scenario, const struct topology *topology, struct err *err)
{
    int status = check_objectives(scenario, topology, err);
    if (status == 0) {
        status = check_alerts(scenario, topology, "alerts", scenario->alerts, scenario->alert_count, err);
    }
    if (status == 0) {
        status = check_alerts(scenario, topology, "may_fire", scenario->may_fire, scenario->may_fire_count, err);
    }
    if (status == 0) {
        status = check_order(scenario, topology, err);
    }
    if (status == 0) {
        status = check_traffic(scenario, topology, err);
    }
    if (status == 0) {
        status = check_abort_rules(scenario, topology, err);
    }
    return status < 0 ? status : check_arrivals(scenario, err);
}
