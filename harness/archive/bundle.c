/* Sealing one bundle: beside the payload a folder grows with everything but the payload; then commit.c makes it part of the archive. */
#include "harness/archive/bundle.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/archive/archive.h"
#include "harness/archive/archive_internal.h"
#include "harness/archive/baginfo.h"
#include "harness/archive/chain.h"
#include "harness/archive/commit.h"
#include "harness/archive/readme.h"
#include "harness/archive/signature.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "harness/base/vec.h"

struct sealing {
    const struct bundle_request *request;
    struct commit commit;
    int64_t number;
    struct manifest ledger;
    struct buf warning;
};

const char *bundle_kind_name(enum bundle_kind kind)
{
    static const char *const names[BUNDLE_KIND_COUNT] = {"none", "plan", "result", "review"};
    return (unsigned)kind < BUNDLE_KIND_COUNT ? names[kind] : "unknown";
}

const char *bundle_namespace(enum bundle_kind kind)
{
    return kind == BUNDLE_REVIEW ? "dr-review" : "dr-drill";
}

static void sealing_clear(struct sealing *sealing)
{
    manifest_clear(&sealing->ledger);
    commit_clear(&sealing->commit);
    buf_clear(&sealing->warning);
}

static void warn(struct sealing *sealing, const char *text)
{
    buf_printf(&sealing->warning, "%s%s", sealing->warning.size ? "; " : "", text);
}

/* The number after the highest that is or ever was in the archive: a bundle that was removed leaves its number behind. */
static int next_number(struct sealing *sealing, struct err *err)
{
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    int status = archive_read(sealing->request->archive, &list, err);
    sealing->number = 1;
    VEC_EACH(drill, &list)
    {
        sealing->number = drill->number >= sealing->number ? drill->number + 1 : sealing->number;
    }
    VEC_EACH(line, &sealing->ledger)
    {
        struct archive_name name;
        AUTO_FREE char *bundle = chain_bundle_of(line);
        const char *slash = strrchr(bundle, '/');
        if (archive_parse_name(slash ? slash + 1 : bundle, &name) && name.number >= sealing->number) {
            sealing->number = name.number + 1;
        }
    }
    return status;
}

static char *quarter_of(int64_t utc_ns)
{
    time_t seconds = (time_t)(utc_ns / NS_PER_S);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    return xasprintf("%04d/Q%d", parts.tm_year + 1900, parts.tm_mon / 3 + 1);
}

static int choose_plan_path(struct sealing *sealing, struct err *err)
{
    AUTO_FREE char *quarter = quarter_of(sealing->request->started_utc_ns);
    AUTO_FREE char *name = xstrdup(*sealing->request->scenario ? sealing->request->scenario : "drill");
    for (char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '-') {
            *at = '-'; /* a dot would end the name, a blank would need quoting in every command of README-VERIFY.txt */
        }
    }
    int status = next_number(sealing, err);
    sealing->commit.path = xasprintf("%s/%04lld-%s.plan", quarter, (long long)sealing->number, name);
    return status;
}

static char *review_path(const struct archive_drill *drill)
{
    struct archive_name name = {0};
    size_t count = drill->review_count;
    if (count == 0) {
        return xasprintf("%s/%s.review", drill->quarter, drill->name);
    }
    (void)archive_parse_name(strrchr(drill->reviews[count - 1], '/') + 1, &name);
    return xasprintf("%s/%s.review-%lld", drill->quarter, drill->name, (long long)name.review + 1);
}

static int choose_path(struct sealing *sealing, struct err *err)
{
    const struct bundle_request *request = sealing->request;
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    const struct archive_drill *drill = NULL;
    if (request->kind == BUNDLE_PLAN) {
        return choose_plan_path(sealing, err);
    }
    int status = archive_read(request->archive, &list, err);
    if (status == 0) {
        status = archive_find(&list, request->drill_id, &drill, err);
    }
    if (status < 0) {
        return status;
    }
    if (request->kind == BUNDLE_RESULT && drill->result) {
        return err_set(err, ERR_STATE, "the drill %s has a sealed result already: '%s'", drill->name, drill->result);
    }
    sealing->number = drill->number;
    sealing->commit.path = request->kind == BUNDLE_RESULT ? xasprintf("%s/%s", drill->quarter, drill->name) : review_path(drill);
    return 0;
}

/* A bundle holds plain files only: what a service may have put into its logs' folder (a link to elsewhere, a socket) is left out. */
static int tidy_payload(struct sealing *sealing, struct err *err)
{
    const char *payload = sealing->request->payload;
    struct tree tree CLEANUP(tree_clear) = {0};
    int status = tree_list(payload, &tree, err);
    VEC_EACH(entry, &tree)
    {
        AUTO_FREE char *path = xasprintf("%s/%s", payload, entry->path);
        bool kept = (entry->is_file || entry->is_folder) && manifest_can_name(entry->path);
        if (status == 0 && !kept) {
            status = fd_remove_tree(path, err);
            AUTO_FREE char *text = xasprintf("'%s' is no plain file with a plain name and was left out", entry->path);
            warn(sealing, text);
        } else if (status == 0) {
            (void)chmod(path, entry->is_folder ? 0755 : 0444); /* against slips; another user's file stays as it is */
        }
    }
    return status;
}

static int write_tag(struct sealing *sealing, struct manifest *tags, const char *name, const struct buf *text, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", sealing->commit.staging, name);
    int status = fd_write_file_atomic(path, buf_str(text), text->size, err);
    return status < 0 || !tags ? status : manifest_add_file(tags, sealing->commit.staging, name, err);
}

static void add_date(struct buf *out, const char *label, int64_t utc_ns, int64_t years)
{
    char text[32];
    time_t seconds = (time_t)(utc_ns / NS_PER_S);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    parts.tm_year += (int)years;
    seconds = timegm(&parts); /* 29 February of a year that has none becomes 1 March */
    gmtime_r(&seconds, &parts);
    (void)strftime(text, sizeof(text), "%Y-%m-%d", &parts);
    baginfo_add(out, label, text);
}

static void print_info(const struct sealing *sealing, const struct manifest *payload, struct buf *out)
{
    const struct bundle_request *request = sealing->request;
    char utc[32];
    int64_t now_ns = clock_utc_now_ns();
    AUTO_FREE char *oxum = xasprintf("%lld.%zu", (long long)payload->bytes, payload->count);
    AUTO_FREE char *number = xasprintf("%lld", (long long)sealing->number);
    baginfo_add(out, "External-Identifier", request->drill_id);
    baginfo_add(out, "External-Description", request->title);
    add_date(out, "Bagging-Date", now_ns, 0);
    baginfo_add(out, "Payload-Oxum", oxum);
    baginfo_add(out, "Drill-Bundle", bundle_kind_name(request->kind));
    baginfo_add(out, "Drill-Sequence", number);
    baginfo_add(out, "Drill-Scenario", request->scenario);
    baginfo_add(out, "Drill-Verdict", request->verdict);
    baginfo_add(out, "Drill-Conclusion", request->conclusion);
    baginfo_add(out, "Drill-Sealed", clock_format_utc(now_ns, utc));
    baginfo_add(out, "Drill-Signature", request->signing.key ? bundle_namespace(request->kind) : "none");
    add_date(out, "Retain-Until", now_ns, request->retain_years);
    baginfo_add(out, "Tool", "drill " DRILL_VERSION);
}

static int write_manifest(struct sealing *sealing, struct manifest *tags, struct buf *info, struct err *err)
{
    struct manifest payload CLEANUP(manifest_clear) = {0};
    struct buf text CLEANUP(buf_clear) = {0};
    int status = manifest_add_tree(&payload, sealing->request->payload, "data", err);
    if (status < 0) {
        return status;
    }
    manifest_print(&payload, &text);
    print_info(sealing, &payload, info);
    return write_tag(sealing, tags, "manifest-sha256.txt", &text, err);
}

static int write_previous(struct sealing *sealing, struct manifest *tags, struct err *err)
{
    struct buf text CLEANUP(buf_clear) = {0};
    if (sealing->ledger.count == 0) {
        return 0;
    }
    chain_print_previous(&sealing->ledger.items[sealing->ledger.count - 1], &text);
    return write_tag(sealing, tags, "previous-sha256.txt", &text, err);
}

static int write_tags(struct sealing *sealing, struct err *err)
{
    struct manifest tags CLEANUP(manifest_clear) = {0};
    struct buf info CLEANUP(buf_clear) = {0}, bagit CLEANUP(buf_clear) = {0}, text CLEANUP(buf_clear) = {0};
    buf_puts(&bagit, "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    int status = write_tag(sealing, &tags, "bagit.txt", &bagit, err);
    if (status == 0) {
        status = write_manifest(sealing, &tags, &info, err);
    }
    if (status == 0) {
        status = write_tag(sealing, &tags, "bag-info.txt", &info, err);
    }
    if (status == 0) {
        status = write_previous(sealing, &tags, err);
    }
    manifest_print(&tags, &text);
    return status < 0 ? status : write_tag(sealing, NULL, CHAIN_TAGMANIFEST, &text, err);
}

static int sign(struct sealing *sealing, struct err *err)
{
    const struct bundle_request *request = sealing->request;
    AUTO_FREE char *file = xasprintf("%s/" CHAIN_TAGMANIFEST, sealing->commit.staging);
    struct err late = {0};
    if (!request->signing.key) {
        return 0;
    }
    int status = signature_make(&request->signing, bundle_namespace(request->kind), file, err);
    if (status < 0 || !request->signing.timestamp_url) {
        return status;
    }
    if (signature_stamp(&request->signing, file, &late) == 0) {
        return 0;
    }
    if (request->kind == BUNDLE_PLAN) { /* nothing has been touched yet: better no drill than one without the proof asked for */
        *err = late;
        return -err->code;
    }
    warn(sealing, late.text); /* evidence without a token is worth more than none */
    return 0;
}

static int stage(struct sealing *sealing, struct err *err)
{
    int status = tidy_payload(sealing, err);
    if (status == 0) {
        commit_step(&sealing->commit, "tag files");
        status = write_tags(sealing, err);
    }
    if (status == 0) {
        commit_step(&sealing->commit, "signature");
        status = sign(sealing, err);
    }
    return status;
}

static int seal(struct sealing *sealing, struct err *err)
{
    int status = commit_finish_interrupted(sealing->request->archive, err);
    if (status == 0) {
        status = chain_read(sealing->request->archive, &sealing->ledger, err);
    }
    if (status == 0) {
        status = choose_path(sealing, err);
    }
    if (status == 0) {
        status = readme_write(sealing->request->archive, err);
    }
    if (status == 0) {
        status = commit_begin(&sealing->commit, err);
    }
    if (status == 0) {
        status = stage(sealing, err);
    }
    return status < 0 ? status : commit_all(&sealing->commit, err);
}

int bundle_seal(const struct bundle_request *request, char **ret_path, char **ret_warning, struct err *err)
{
    AUTO_FD int lock = archive_lock(request->archive, err);
    struct sealing sealing CLEANUP(sealing_clear) = {.request = request,
                                                     .commit = {.archive = request->archive,
                                                                .payload = request->payload,
                                                                .staging = xasprintf("%s" COMMIT_STAGING, request->payload),
                                                                .at_step = request->at_step,
                                                                .context = request->context}};
    if (lock < 0) {
        return lock;
    }
    int status = seal(&sealing, err);
    if (status < 0) {
        commit_take_back(&sealing.commit);
        return err_prefix(err, "cannot seal the %s of the drill '%s'", bundle_kind_name(request->kind), request->drill_id);
    }
    *ret_path = xasprintf("%s/%s", request->archive, sealing.commit.path);
    *ret_warning = sealing.warning.size ? buf_take(&sealing.warning) : NULL;
    return 0;
}

int bundle_finish_interrupted(const char *archive, struct err *err)
{
    AUTO_FD int lock = archive_lock(archive, err);
    return lock < 0 ? lock : commit_finish_interrupted(archive, err);
}
