/* Telling of a result. */
#include "harness/cli/announce.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/post/post.h"

enum notify { NOTIFY_NEVER = 0, NOTIFY_PROBLEM, NOTIFY_ALWAYS, NOTIFY_STAGES };
enum { NOTIFY_TRIES = 3, NOTIFY_BUDGET_S = 15, FILE_MAX = 4 * 1024 * 1024 };

const char *const announce_notify_choices[] = {"never", "problem", "always", "stages", NULL};

static const struct {
    const char *name;
    enum junit_dialect dialect;
} dialects[] = {{"ci", JUNIT_CI}, {"ant", JUNIT_ANT}, {"gitlab", JUNIT_GITLAB}};

/* "gitlab:out.xml" is a dialect and a file, "gitlab" a dialect, "out.xml" a file (NULL: none). */
static enum junit_dialect read_junit(const char *text, const char **ret_file)
{
    *ret_file = text && *text ? text : NULL;
    for (size_t i = 0; text && i < ARRAY_LEN(dialects); i++) {
        size_t size = strlen(dialects[i].name);
        if (strncmp(text, dialects[i].name, size) == 0 && (text[size] == ':' || !text[size])) {
            *ret_file = text[size] && text[size + 1] ? text + size + 1 : "junit.xml";
            return dialects[i].dialect;
        }
    }
    return JUNIT_CI;
}

static const char *notify_url(void)
{
    const char *url = getenv("DRILL_NOTIFY_URL");
    return url && (str_starts_with(url, "https://") || str_starts_with(url, "http://")) ? url : NULL;
}

int announce_begin(const struct announce_options *options, const char *scenario, const char *title, struct teller **ret_teller,
                   struct err *err)
{
    *ret_teller = NULL;
    return options->notify == NOTIFY_STAGES ? teller_open(notify_url(), scenario, title, ret_teller, err) : 0;
}

int announce_check(const struct announce_options *options, struct err *err)
{
    if (options->notify != NOTIFY_NEVER && !notify_url()) {
        return err_set(err, ERR_INPUT,
                       "--notify: expected an http or https URL in the environment variable DRILL_NOTIFY_URL, found %s",
                       getenv("DRILL_NOTIFY_URL") ? "something else" : "none");
    }
    return 0;
}

/* GitLab looks attachments up from the project's folder, which is where a pipeline's commands begin. */
static const char *from_project(const char *folder)
{
    const char *project = getenv("CI_PROJECT_DIR");
    size_t size = project ? strlen(project) : 0;
    bool inside = size && strncmp(folder, project, size) == 0 && folder[size] == '/';
    return inside ? folder + size + 1 : folder;
}

static int write_junit(const struct announce_options *options, const struct result *result, const struct report_context *context,
                       const char *folder, struct err *err)
{
    const char *to, *temporary = secure_getenv("TMPDIR");
    struct report_context shaped = *context;
    struct err ignored = {0};
    shaped.junit = read_junit(options->junit, &to);
    shaped.attachments = from_project(folder);
    if (!to) {
        return 0;
    }
    AUTO_FREE char *scratch = xasprintf("%s/drill-junit-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(scratch)) {
        return err_errno(err, errno, "cannot make a folder beside '%s'", scratch);
    }
    AUTO_FREE char *from = xasprintf("%s/junit.xml", scratch);
    int status = report_find("junit")->write(result, &shaped, scratch, err);
    if (status == 0) {
        status = fd_copy_file(from, to, err);
    }
    (void)!fd_remove_tree(scratch, &ignored);
    return status;
}

int announce_files(const struct announce_options *options, const struct result *result, const struct report_context *context,
                   const char *folder, struct err *err)
{
    AUTO_FREE char *json = xasprintf("%s/report.json", folder);
    int status = write_junit(options, result, context, folder, err);
    return status == 0 && options->json ? fd_copy_file(json, options->json, err) : status;
}

static void warn(const char *what, const struct err *err)
{
    fprintf(stderr, "drill: warning: %s: %s\n", what, err->text);
}

/* Appended, as other steps of the job write there too. */
static int append_summary(const char *path, const char *folder, struct err *err)
{
    AUTO_FREE char *from = xasprintf("%s/report.md", folder);
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    AUTO_FD int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_errno(err, errno, "cannot open '%s'", path);
    }
    int status = fd_read_file(from, FILE_MAX, &text, &size, err);
    return status < 0 ? status : fd_write_all(fd, text, size, err);
}

static void write_summary(const char *folder)
{
    const char *summary = getenv("GITHUB_STEP_SUMMARY");
    struct err err = {0};
    if (summary && *summary && append_summary(summary, folder, &err) < 0) {
        warn("the job summary was not written", &err);
    }
}

/* Before all else, as the last line is the exit code's. */
static void annotate_github(const struct result *result, const char *folder, FILE *out)
{
    AUTO_FREE char *path = xasprintf("%s/scenario.lua", folder);
    AUTO_FREE char *source = NULL;
    struct buf text CLEANUP(buf_clear) = {0};
    struct err ignored = {0}; /* without the source the annotations have no lines */
    size_t size;
    if (str_eq(getenv("GITHUB_ACTIONS"), "true")) {
        bool known = fd_read_file(path, FILE_MAX, &source, &size, &ignored) == 0;
        report_annotations(result, json_str(result->plan, "scenario_file", NULL), known ? source : NULL, &text);
        (void)fputs(buf_str(&text), out);
    }
}

void announce_print(const struct announce_options *options, const struct result *result, const char *folder,
                    const struct announce_end *end, bool colour)
{
    FILE *out = options->tap ? stderr : stdout;
    struct buf text CLEANUP(buf_clear) = {0}, tap CLEANUP(buf_clear) = {0};
    annotate_github(result, folder, out);
    report_console(result, colour && !options->tap, options->quiet, &text);
    (void)fputs(buf_str(&text), out);
    if (!options->quiet && end->where) {
        fprintf(out, "  %s\n", end->where);
    }
    fprintf(out, "exit %d: %s\n", end->code, end->words);
    if (options->tap) {
        report_tap(result, &tap);
        (void)fputs(buf_str(&tap), stdout);
    }
    fflush(stdout);
}

static bool worth_telling(const struct announce_options *options, const struct result *result,
                          const struct report_context *context)
{
    size_t count = json_array_size(context->history);
    const json_t *last = count ? json_array_get(context->history, count - 1) : NULL;
    bool recovered = last && !str_eq(json_str(last, "verdict", ""), "pass");
    return options->notify == NOTIFY_ALWAYS || options->notify == NOTIFY_STAGES ||
           (options->notify == NOTIFY_PROBLEM && (result->exit_code != EXIT_PASS || recovered));
}

/* What a receiver that refuses the blocks may still take. */
static char *plain_message(const char *text, struct err *err)
{
    AUTO_JSON json_t *full = NULL;
    if (json_parse(text, strlen(text), &full, err) < 0) {
        return NULL;
    }
    AUTO_JSON json_t *plain = json_pack("{s:s}", "text", json_str(full, "text", "drill finished"));
    return json_dumps(plain, JSON_COMPACT);
}

static int notify(const char *url, const char *text, struct err *err)
{
    long answer = 0;
    int status = post_json_retry(url, text, NOTIFY_TRIES, NOTIFY_BUDGET_S * NS_PER_S, &answer, err);
    if (status == 0 && answer >= 400 && answer < 500) {
        AUTO_FREE char *plain = plain_message(text, err);
        status =
            plain ? post_json_retry(url, plain, 1, NOTIFY_BUDGET_S * NS_PER_S, &answer, err) : err_prefix(err, "notify.json");
    }
    if (status == 0 && (answer < 200 || answer > 299)) {
        status = err_set(err, ERR_PROTOCOL, "expected a 2xx answer, found HTTP status %ld", answer);
    }
    return status;
}

void announce_elsewhere(const struct announce_options *options, const struct result *result, const struct report_context *context,
                        const char *folder)
{
    AUTO_FREE char *path = xasprintf("%s/notify.json", folder);
    AUTO_FREE char *text = NULL;
    struct err err = {0};
    size_t size = 0;
    write_summary(folder);
    if (!worth_telling(options, result, context)) {
        return;
    }
    int status = fd_read_file(path, FILE_MAX, &text, &size, &err);
    if (status == 0) {
        status = notify(notify_url(), text, &err);
    }
    if (status < 0) {
        warn("nobody was notified", &err);
    }
}
