/* What a drill is judged by and who allowed it: budget and programme become part of the plan, or refuse the drill. Everything here
 * happens before anything is touched. */
#ifndef DRILL_CLI_TERMS_H
#define DRILL_CLI_TERMS_H

#include "harness/cli/cli.h"
#include "harness/engine/engine.h"

struct terms_options {
    char *archive, *budget, *programme, *evidence, *participants;
    bool allow_looser, require_budget;
};

/* The rows of an option table for a struct that has `member`. */
#define TERMS_OPTIONS(type, member)                                                                                              \
    {"archive", PARAM_STRING, offsetof(type, member.archive), .fallback = "archive",                                             \
     .help = "folder of all drills: new ones are put there, earlier ones are looked up"},                                        \
        {"budget", PARAM_STRING, offsetof(type, member.budget), .unit_hint = "file",                                             \
         .help = "budget file; else drill-budgets.yaml beside the scenario, then in this folder"},                               \
        {"allow-looser", PARAM_BOOL, offsetof(type, member.allow_looser),                                                        \
         .help = "a budget's limit may be looser than the scenario's; the report says so"},                                      \
        {"require-budget", PARAM_BOOL, offsetof(type, member.require_budget),                                                    \
         .help = "exit 2 when there is no budget for the scenario (with CI set: when the budget file has none)"},                \
        {"programme", PARAM_STRING, offsetof(type, member.programme), .unit_hint = "file",                                       \
         .help = "programme file; else programme.yaml beside the scenario, then in this folder"},                                \
        {"participants", PARAM_STRING, offsetof(type, member.participants), .unit_hint = "list",                                 \
         .help = "who takes part, comma-separated; goes into the report"},                                                       \
    {                                                                                                                            \
        "evidence", PARAM_STRING, offsetof(type, member.evidence),                                                               \
            .unit_hint = "list",                                                                                                 \
            .help = "say first which fields frameworks ask for are missing: soc2,dora,… ('drill help programme')"              \
    }

enum { TERMS_ENCLOSURES = 4 };
struct terms {
    json_t *annex; /* for the engine's options: budget, warnings, programme, how it was called */
    struct engine_enclosure enclosures[TERMS_ENCLOSURES];
    char *owned[TERMS_ENCLOSURES];
    size_t enclosure_count;
    json_t *notes;  /* the budget's sentences */
    char *evidence; /* a line for each framework that was asked for; NULL: none was */
};

/* What a retest repeats: {drill_id, name, outcome, missed[], tagmanifest_sha256}. */
struct terms_request {
    const struct terms_options *options;
    const struct topology *topology;
    const struct cli_args *args;
    const json_t *retest_of; /* NULL: it is none */
};

/* Puts the gate's objectives into the scenario. terms_clear after success and failure. */
int terms_make(const struct terms_request *request, struct scenario *scenario, struct terms *terms, struct err *err) MUST_CHECK;
void terms_clear(struct terms *terms);
/* The file that --budget names, or the one that is found: beside `scenario` (may be NULL), then in the working folder. NULL when there
 * is none; the caller frees it. */
char *terms_find_file(const char *given, const char *scenario, const char *name);

#endif
