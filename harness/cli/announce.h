/* Who is told of a drill's result, and in which form: the terminal, a CI server, a chat. None of it changes the verdict. */
#ifndef DRILL_CLI_ANNOUNCE_H
#define DRILL_CLI_ANNOUNCE_H

#include "harness/cli/cli.h"
#include "harness/cli/teller.h"
#include "reports/report.h"

struct announce_options {
    char *junit; /* "FILE", "ant:FILE", "gitlab:FILE", "ant" or "gitlab" (junit.xml here) */
    char *json;
    bool tap, quiet;
    int notify; /* index into the choices of --notify */
};

/* The rows of an option table for a struct that has `member`. */
extern const char *const announce_notify_choices[];
#define ANNOUNCE_OPTIONS(type, member)                                                                                           \
    {"junit", PARAM_STRING, offsetof(type, member.junit), .unit_hint = "[ant:|gitlab:]file",                                     \
     .help = "also write JUnit there; ant and gitlab are dialects, alone they write junit.xml here"},                            \
        {"json", PARAM_STRING, offsetof(type, member.json), .unit_hint = "file", .help = "also write report.json there"},        \
        {"tap", PARAM_BOOL, offsetof(type, member.tap), .help = "TAP on standard output, all else on standard error"},           \
        {"notify",                                                                                                               \
         PARAM_CHOICE,                                                                                                           \
         offsetof(type, member.notify),                                                                                          \
         .choices = announce_notify_choices,                                                                                     \
         .fallback = "never",                                                                                                    \
         .help = "post notify.json to $DRILL_NOTIFY_URL; problem: unless it passed, or passed first after a failure; "           \
                 "stages: also before, at each fault and when somebody is waited for"},                                          \
    {                                                                                                                            \
        "quiet", PARAM_BOOL, offsetof(type, member.quiet), .help = "one line at the end"                                         \
    }

/* Refuse what cannot be done before anything is touched: --notify without a usable URL. */
int announce_check(const struct announce_options *options, struct err *err) MUST_CHECK;
/* With --notify stages, who tells of the drill while it runs; else *ret_teller is NULL. */
int announce_begin(const struct announce_options *options, const char *scenario, const char *title, struct teller **ret_teller,
                   struct err *err) MUST_CHECK;
/* Write JUnit in its dialect and report.json to where the options want them; `folder` is where the reports lie for good. They are of
 * their own: what is sealed stays as the evidence gives it. */
int announce_files(const struct announce_options *options, const struct result *result, const struct report_context *context,
                   const char *folder, struct err *err) MUST_CHECK;

struct announce_end {  /* how the output ends */
    const char *where; /* a line about where the reports are; NULL: none */
    int code;          /* the exit code … */
    const char *words; /* … in words */
};
/* The gate's output and the last line, or TAP; before it annotations where GitHub Actions runs. `folder` is where the evidence lies. */
void announce_print(const struct announce_options *options, const struct result *result, const char *folder,
                    const struct announce_end *end, bool colour);
/* GitHub's job summary when it runs there, the webhook when it was asked for. Problems are warnings on standard error. */
void announce_elsewhere(const struct announce_options *options, const struct result *result, const struct report_context *context,
                        const char *folder);

#endif
