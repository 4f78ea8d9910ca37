/* Sealing plan and result of one drill. */
#include "harness/cli/sealing.h"

#include <stdio.h>
#include <string.h>

#include "harness/archive/archive.h"
#include "harness/archive/readme.h"
#include "harness/archive/running.h"
#include "harness/archive/signature.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"
#include "harness/cli/render.h"
#include "harness/evidence/scrub.h"

struct sealing {
    const struct sealing_settings *settings;
    struct redactor *redactor;
    char *running; /* ARCHIVE/.running */
    char *id, *scenario, *title;
    int64_t started_utc_ns;
    int claim; /* -1: none */
};

static struct signing signing_of(const struct sealing_settings *settings)
{
    const char *key = settings->sign_key ? settings->sign_key : secure_getenv("DRILL_SIGN_KEY");
    const char *url = settings->timestamp_url ? settings->timestamp_url : secure_getenv("DRILL_TIMESTAMP_URL");
    return (struct signing){.key = key && *key ? key : NULL, .timestamp_url = url && *url ? url : NULL};
}

static struct sealing *open_sealing(const struct sealing_settings *settings)
{
    struct sealing *sealing = xcalloc(1, sizeof(*sealing));
    sealing->settings = settings;
    sealing->redactor = redactor_new();
    sealing->running = xasprintf("%s/.running", settings->archive);
    sealing->claim = -1;
    return sealing;
}

void sealing_free(struct sealing *sealing)
{
    if (!sealing) {
        return;
    }
    fd_close(sealing->claim);
    redactor_free(sealing->redactor);
    free(sealing->running);
    free(sealing->id);
    free(sealing->scenario);
    free(sealing->title);
    free(sealing);
}

static int add_names(struct redactor *redactor, char *const *names, size_t count, struct err *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = redactor_add(redactor, names[i], err);
    }
    return status;
}

/* A timestamp without a signature would say that something unknown existed. */
static int check_settings(const struct sealing_settings *settings, struct err *err)
{
    struct signing signing = signing_of(settings);
    if (signing.timestamp_url && !signing.key) {
        return err_set(err, ERR_INPUT, "a timestamp is taken of a signature: give --sign-key (or $DRILL_SIGN_KEY) too");
    }
    return 0;
}

static struct bundle_request request_of(const struct sealing *sealing, enum bundle_kind kind, const char *payload)
{
    return (struct bundle_request){.archive = sealing->settings->archive,
                                   .kind = kind,
                                   .payload = payload,
                                   .drill_id = sealing->id,
                                   .scenario = sealing->scenario,
                                   .title = sealing->title,
                                   .started_utc_ns = sealing->started_utc_ns,
                                   .retain_years = sealing->settings->retain_years,
                                   .signing = signing_of(sealing->settings)};
}

/* All that is there before the drill: not the events and ledgers that are only begun. */
static bool is_of_plan(const struct tree_entry *entry)
{
    return entry->is_file && !strchr(entry->path, '/') && !str_ends_with(entry->path, ".jsonl") &&
           !str_ends_with(entry->path, ".bin");
}

static int copy_plan(const char *folder, const char *payload, struct err *err)
{
    struct tree tree CLEANUP(tree_clear) = {0};
    int status = tree_list(folder, &tree, err);
    VEC_EACH(entry, &tree)
    {
        if (status == 0 && is_of_plan(entry)) {
            AUTO_FREE char *from = xasprintf("%s/%s", folder, entry->path);
            AUTO_FREE char *to = xasprintf("%s/%s", payload, entry->path);
            status = fd_copy_file(from, to, err);
        }
    }
    return status;
}

static int seal_plan(struct sealing *sealing, const char *folder, struct err *err)
{
    AUTO_FREE char *payload = xasprintf("%s.plan", folder), *bundle = NULL, *warning = NULL;
    struct err ignored = {0};
    int status = fd_make_dirs(payload, 0755, err);
    if (status == 0) {
        status = scrub_folder(sealing->redactor, folder, err);
    }
    if (status == 0) {
        status = copy_plan(folder, payload, err);
    }
    if (status == 0) {
        struct bundle_request request = request_of(sealing, BUNDLE_PLAN, payload);
        status = bundle_seal(&request, &bundle, &warning, err);
    }
    if (status < 0) {
        (void)!fd_remove_tree(payload, &ignored); /* it is of a drill that was not begun */
    }
    return status;
}

static int opened(void *context, const char *folder, const char *id, struct err *err)
{
    struct sealing *sealing = context;
    struct err ignored = {0};
    sealing->id = xstrdup(id);
    sealing->started_utc_ns = clock_utc_now_ns();
    sealing->claim = running_claim(sealing->settings->archive, id, err);
    int status = sealing->claim < 0 ? sealing->claim : seal_plan(sealing, folder, err);
    if (status < 0) {
        (void)!fd_remove_tree(folder, &ignored);
        running_release(sealing->settings->archive, id, TAKE_FD(sealing->claim));
        err->code = ERR_UNSUPPORTED; /* whatever it was: nothing has been touched */
        return err_prefix(err, "nothing was started");
    }
    return 0;
}

int sealing_new(const struct sealing_settings *settings, const struct prepared *prepared, struct engine_options *options,
                struct sealing **ret_sealing, struct err *err)
{
    struct sealing *sealing CLEANUP(sealing_cleanup) = open_sealing(settings);
    const struct scenario *scenario = script_scenario(prepared->script);
    int status = check_settings(settings, err);
    if (status == 0) {
        status = add_names(sealing->redactor, prepared->topology->redact, prepared->topology->redact_count, err);
    }
    if (status == 0) {
        status = add_names(sealing->redactor, scenario->redact, scenario->redact_count, err);
    }
    if (status < 0) {
        return status;
    }
    sealing->scenario = redactor_string(sealing->redactor, "bag-info.txt", scenario->name);
    sealing->title = redactor_string(sealing->redactor, "bag-info.txt", scenario->title);
    options->archive = sealing->running;
    options->redactor = sealing->redactor;
    options->opened = opened;
    options->opened_context = sealing;
    *ret_sealing = TAKE(sealing);
    return 0;
}

char *sealing_clean_text(struct sealing *sealing, const char *text)
{
    return redactor_string(sealing->redactor, "console", text);
}

static json_t *texts(const char *const *items)
{
    json_t *array = json_array();
    for (; *items; items++) {
        json_array_append_new(array, json_string(*items));
    }
    return array;
}

/* The bundle's name is known before it exists: the plan has it. */
static int write_verify(const struct sealing *sealing, const char *folder, char **ret_place, struct err *err)
{
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    const struct archive_drill *drill = NULL;
    struct signing signing = signing_of(sealing->settings);
    AUTO_FREE char *path = xasprintf("%s/verify.json", folder);
    int status = archive_read(sealing->settings->archive, &list, err);
    if (status == 0) {
        status = archive_find(&list, sealing->id, &drill, err);
    }
    if (status < 0) {
        return status;
    }
    AUTO_FREE char *signer = signing.key ? signature_fingerprint(signing.key) : xstrdup("not signed");
    AUTO_FREE char *bundle = xasprintf("%s/%s", drill->quarter, drill->name);
    AUTO_JSON json_t *verify = json_pack("{s:s, s:s, s:o, s:o}", "bundle", bundle, "signer", signer, "commands",
                                         texts(readme_commands), "limits", texts(readme_limits));
    status = json_write_file(path, verify, err);
    if (status == 0) {
        *ret_place = xasprintf("%s/%s/data", sealing->settings->archive, bundle);
    }
    return status;
}

int sealing_prepare(struct sealing *sealing, const char *folder, char **ret_place, struct err *err)
{
    int status = write_verify(sealing, folder, ret_place, err);
    return status < 0 ? status : scrub_folder(sealing->redactor, folder, err);
}

int sealing_result(struct sealing *sealing, const char *folder, const struct result *result, char **ret_bundle,
                   char **ret_warning, struct err *err)
{
    struct bundle_request request = request_of(sealing, BUNDLE_RESULT, folder);
    request.verdict = verdict_name(result->verdict);
    request.conclusion = conclusion_name(result->conclusion);
    int status = bundle_seal(&request, ret_bundle, ret_warning, err);
    if (status == 0) {
        running_release(sealing->settings->archive, sealing->id, TAKE_FD(sealing->claim));
    }
    return status;
}

/* The plan that lies in the evidence says by which names secrets were to be taken out. */
static int open_leftover(const struct sealing_settings *settings, const struct archive_drill *drill, const char *folder,
                         struct sealing **ret_sealing, struct err *err)
{
    struct sealing *sealing CLEANUP(sealing_cleanup) = open_sealing(settings);
    AUTO_FREE char *path = xasprintf("%s/plan.json", folder);
    AUTO_JSON json_t *plan = NULL;
    json_t *name;
    size_t index;
    int status = json_read_file(path, &plan, err);
    json_array_foreach(json_object_get(plan, "redact"), index, name)
    {
        status = status < 0 || !json_is_string(name) ? status : redactor_add(sealing->redactor, json_string_value(name), err);
    }
    if (status == 0) {
        sealing->id = xstrdup(drill->id);
        sealing->scenario = xstrdup(json_str(plan, "scenario", drill->scenario));
        sealing->title = xstrdup(json_str(plan, "title", NULL));
        *ret_sealing = TAKE(sealing);
    }
    return status;
}

static int seal_leftover(struct sealing *sealing, const char *folder, struct err *err)
{
    struct rendered rendered CLEANUP(rendered_clear) = {0};
    AUTO_FREE char *bundle = NULL, *warning = NULL, *place = NULL;
    int status = sealing_prepare(sealing, folder, &place, err);
    if (status == 0) {
        status = render_measure(folder, &rendered, err);
    }
    if (status == 0) {
        status = render_write(&rendered, folder, err);
    }
    if (status == 0) {
        status = sealing_result(sealing, folder, rendered.result, &bundle, &warning, err);
    }
    if (status == 0) {
        fprintf(stderr, "drill: sealed what the interrupted drill %s left: %s\n", sealing->id, bundle);
    }
    return status;
}

static int take_leftover(const struct sealing_settings *settings, const struct archive_list *list,
                         const struct running_item *item, struct err *err)
{
    struct err unknown = {0};
    const struct archive_drill *drill = NULL;
    struct sealing *sealing CLEANUP(sealing_cleanup) = NULL;
    AUTO_FD int claim = running_claim(settings->archive, item->id, &unknown);
    if (claim < 0) {
        return 0; /* another drill was faster */
    }
    if (archive_find(list, item->id, &drill, &unknown) < 0 || drill->result) {
        AUTO_FREE char *plan = xasprintf("%s.plan", item->folder);
        int status = fd_remove_tree(plan, err);
        status = status < 0 ? status : fd_remove_tree(item->folder, err);
        running_release(settings->archive, item->id, TAKE_FD(claim));
        return status;
    }
    int status = open_leftover(settings, drill, item->folder, &sealing, err);
    if (status < 0) {
        return status;
    }
    sealing->claim = TAKE_FD(claim);
    return seal_leftover(sealing, item->folder, err);
}

int sealing_leftovers(const struct sealing_settings *settings, struct err *err)
{
    struct running_list running CLEANUP(running_list_clear) = {0};
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    int status = check_settings(settings, err);
    if (status == 0) {
        status = bundle_finish_interrupted(settings->archive, err);
    }
    if (status == 0) {
        status = running_read(settings->archive, &running, err);
    }
    if (status == 0) {
        status = archive_read(settings->archive, &list, err);
    }
    VEC_EACH(item, &running)
    {
        bool is_payload = str_ends_with(item->id, ".plan"); /* goes with its drill's own folder */
        struct err local = {0};
        if (status == 0 && !item->is_owned && !is_payload && take_leftover(settings, &list, item, &local) < 0) {
            fprintf(stderr, "drill: what the interrupted drill %s left in %s could not be sealed: %s\n", item->id, item->folder,
                    local.text);
        }
    }
    return status;
}
