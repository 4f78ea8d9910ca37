/* What a scenario declares: the table that it returns, checked. The steps themselves are Lua and live in script.h. */
#ifndef DRILL_SCRIPT_SCENARIO_H
#define DRILL_SCRIPT_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/param/grid.h"
#include "harness/param/param.h"

struct scenario_load {
    double rate;         /* requests per second, all vantages together */
    double write_share;  /* 0…1 */
    int64_t deadline_ns; /* from due to done; later is a failure */
    int arrivals;        /* index into client_arrivals */
    double from;         /* requests per second at the start, of a ramp or steps */
    int64_t over_ns;     /* until `rate` is reached */
    int64_t steps;
    int connections;   /* index into client_connections */
    int http;          /* index into client_http */
    int64_t sessions;  /* independent users, all vantages together; 0: none */
    int64_t in_flight; /* limit for each vantage; 0: as many as can be useful */
};
extern const struct param scenario_load_table[];

struct scenario_measure {
    int64_t hold_ns; /* good seconds that prove recovery */
    int64_t window_ns;
    int64_t minimum;    /* requests in a window, fewer is unknown */
    double share;       /* of a window's requests that must be good */
    int64_t latency_ns; /* agreed latency; 0: the deadline */
};
extern const struct param scenario_measure_table[];

struct scenario {
    char *file;   /* as given */
    char *folder; /* where it is: topology and require look here */
    char *name;   /* file name without .lua */
    char *title, *why;
    char *usual;    /* how long the whole drill usually takes, as written; NULL */
    char *topology; /* path, resolved against the folder */
    struct scenario_load load;
    struct scenario_measure measure;
    char **objectives;
    size_t objective_count;
    char **alerts; /* observers of the kind "alert" that must fire, as written: "alert SlowAnswers after delay" */
    size_t alert_count;
    char **may_fire; /* and those of which either is right */
    size_t may_fire_count;
    char **order; /* observers, or groups of them, whose subjects are to fail over one after the other */
    size_t order_count;
    struct scenario_rule {
        char *text, *where; /* where: "file:line:column: " or "" */
    } * abort_when;
    size_t abort_count;
    char **redact; /* names whose values never get into evidence */
    size_t redact_count;
    struct node *settings; /* for the topology, a map; never NULL */
    struct node *params;   /* the scenario's own, a map; never NULL */
    struct grid sweep;     /* what a run of it goes through; no axis: one drill */
    struct node *cases;    /* objectives by a setting's or parameter's value: NAME to VALUE to a list of texts; never NULL */
};

/* Check the declarations (everything but `run`) of a scenario. `declared` has the positions. */
int scenario_read(const char *file, const struct node *declared, struct scenario **ret_scenario, struct err *err) MUST_CHECK;
/* An entry of `alerts` or `may_fire`: the observer's name and the fault that it is about (NULL: any). The caller frees both. */
void scenario_alert_split(const char *text, char **ret_name, char **ret_fault);
void scenario_free(struct scenario *scenario); /* accepts NULL */
DEFINE_CLEANUP(struct scenario *, scenario, scenario_free)
/* Override one value from the command line: an option of load or measure, a parameter that the scenario declares, or one of the
 * topology's settings (names given). Anything else is ERR_INPUT with the nearest name. */
int scenario_set(struct scenario *scenario, const char *name, const char *value, const char *const *settings,
                 size_t setting_count, struct err *err) MUST_CHECK;

#endif
