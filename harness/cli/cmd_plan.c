/* drill plan: everything checked, nothing touched. */
#include <stdio.h>

#include "harness/base/clock.h"
#include "harness/cli/cells.h"
#include "harness/cli/needs.h"

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
    buf_printf(out, "\n  takes at least %s of load, at most %s\n", clock_format_duration(prepared->plan->usual_ns, usual),
               clock_format_duration(prepared->plan->longest_ns, longest));
}

/* A plan is made on any machine; where the drill can be run is another matter. */
static void print_missing(const struct topology *topology, struct buf *out)
{
    struct buf missing CLEANUP(buf_clear) = {0};
    if (needs_print_missing(topology, &missing)) {
        buf_printf(out, "not on this machine: %s\n", buf_str(&missing));
    }
}

/* The plan above is the first drill's; every other one was made and checked as well. */
static void print_sweep(const struct cells *cells, struct buf *out)
{
    char text[32];
    int64_t least_ns = 0, longest_ns = 0, usual_ns = cells_usual_ns(cells);
    for (size_t i = 0; i < cells->count; i++) {
        least_ns += cells->items[i].prepared.plan->usual_ns;
        longest_ns += cells->items[i].prepared.plan->longest_ns;
    }
    buf_printf(out, "sweep: %zu drills, one for each of", cells->count);
    for (size_t i = 0; i < cells->grid.axis_count; i++) {
        const struct grid_axis *axis = &cells->grid.axes[i];
        buf_printf(out, "%s %s", i ? "," : "", axis->name);
        for (size_t j = 0; j < axis->count; j++) {
            buf_printf(out, "%s%s", j ? "|" : " ", axis->values[j]);
        }
    }
    buf_printf(out, "\n  all were checked; the plan above is that of ");
    grid_say(&cells->grid, 0, out);
    if (usual_ns > 0) {
        buf_printf(out, "\n  together they take about %s", clock_format_duration(usual_ns, text));
    }
    buf_printf(out, "\n  at least %s of load, ", clock_format_duration(least_ns, text));
    buf_printf(out, "at most %s\n", clock_format_duration(longest_ns, text));
}

static int run(const struct cli_args *args, struct err *err)
{
    const struct plan_options *plan = args->options;
    struct engine_options options = {.allow_host = plan->allow_host, .interrupt_fd = -1};
    struct cells cells CLEANUP(cells_clear) = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    struct terms_request terms = {.options = &plan->terms, .args = args};
    if (cells_prepare(args->words[0], &terms, &options, &cells, err) < 0) {
        return cli_exit_code(err);
    }
    print_plan(&cells.items[0].prepared, &out);
    if (cells.count > 1) {
        print_sweep(&cells, &out);
    }
    print_missing(cells.items[0].prepared.topology, &out);
    buf_puts(&out, "nothing was touched\n");
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
    .takes_sweep = true,
    .run = run,
};
