/* drill plan: everything checked, nothing touched. */
#include <stdio.h>

#include "harness/base/clock.h"
#include "harness/cli/prepare.h"

struct plan_options {
    struct terms_options terms;
    bool allow_host;
};

static const struct param table[] = {
    TERMS_OPTIONS(struct plan_options, terms),
    {"allow-host", PARAM_BOOL, offsetof(struct plan_options, allow_host),
     .help = "faults may hit this machine, not only namespaces of drill's own"},
    {0},
};

static void print_plan(const struct prepared *prepared, struct buf *out)
{
    const struct scenario *scenario = script_scenario(prepared->script);
    char usual[32], longest[32];
    size_t index;
    json_t *step;
    buf_printf(out, "%s: %s\n", scenario->name, scenario->title);
    if (scenario->why) {
        buf_printf(out, "  why: %s\n", scenario->why);
    }
    buf_printf(out, "  topology: %s (%zu regions, %zu hosts, %zu services)%s\n", prepared->topology->name,
               prepared->topology->region_count, prepared->topology->host_count, prepared->topology->service_count,
               prepared->is_up ? ", up already" : "");
    for (size_t i = 0; i < prepared->topology->setting_count; i++) {
        buf_printf(out, "  setting: %s = %s\n", prepared->topology->settings[i].name, prepared->topology->settings[i].value);
    }
    buf_printf(out, "  load: %g requests/s, %g %% writes, deadline %s, from", scenario->load.rate,
               scenario->load.write_share * 100, clock_format_duration(scenario->load.deadline_ns, usual));
    for (size_t i = 0; i < prepared->topology->entrypoint.vantage_count; i++) {
        buf_printf(out, " %s", prepared->topology->entrypoint.vantages[i]);
    }
    buf_puts(out, "\n  steps:\n");
    json_array_foreach(prepared->plan->steps, index, step)
    {
        buf_printf(out, "    %2zu. line %-3lld %-15s %s\n", index + 1, (long long)json_int(step, "line", 0),
                   json_str(step, "step", ""), json_str(step, "text", ""));
    }
    buf_puts(out, "  objectives:");
    for (size_t i = 0; i < scenario->objective_count; i++) {
        buf_printf(out, "%s %s", i ? "," : "", scenario->objectives[i]);
    }
    for (size_t i = 0; i < scenario->abort_count; i++) {
        buf_printf(out, "%s %s", i ? "," : "\n  stops when:", scenario->abort_when[i].text);
    }
    json_array_foreach(prepared->terms.notes, index, step)
    {
        buf_printf(out, "\n  note: %s", json_string_value(step));
    }
    if (prepared->plan->beyond) {
        buf_printf(out, "\n  beyond the promise: %s", prepared->plan->beyond);
    }
    if (prepared->terms.evidence) {
        buf_printf(out, "\n%s", prepared->terms.evidence);
    }
    buf_printf(out, "\n  takes at least %s of load, at most %s\nnothing was touched\n",
               clock_format_duration(prepared->plan->usual_ns, usual),
               clock_format_duration(prepared->plan->longest_ns, longest));
}

static int run(const struct cli_args *args, struct err *err)
{
    const struct plan_options *plan = args->options;
    struct engine_options options = {.allow_host = plan->allow_host, .interrupt_fd = -1};
    struct prepared prepared CLEANUP(prepared_clear) = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    struct terms_request terms = {.options = &plan->terms, .args = args};
    if (prepare_scenario(args->words[0], &terms, &options, &prepared, err) < 0) {
        return cli_exit_code(err);
    }
    print_plan(&prepared, &out);
    (void)fputs(buf_str(&out), stdout);
    return EXIT_PASS;
}

const struct command cmd_plan = {
    .name = "plan",
    .arguments = "SCENARIO.lua",
    .summary = "check everything, touch nothing: steps, what each fault hits and what proves it",
    .details = "Runs the scenario with steps that return at once. Syntax, names, units, targets, fault options and objectives "
               "are checked as a\n"
               "drill would check them, and the plan is printed.",
    .options = table,
    .options_size = sizeof(struct plan_options),
    .min_words = 1,
    .max_words = 1,
    .takes_set = true,
    .run = run,
};
