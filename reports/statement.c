/* statement.intoto.json: an in-toto Statement v1 (in-toto.io/Statement/v1) with the test-result predicate
 * (in-toto.io/attestation/test-result/v0.1), unsigned: it is for those who sign and gate with such tools. The subjects are the
 * evidence and the result, by their digests; the configuration is what decided the test.
 *
 * The predicate knows PASSED, WARNED and FAILED. Policies let WARNED through, and a drill that could not be judged must not get
 * through as one that passed: it is FAILED, and the objectives that could not be judged are the warned ones. */
#include "harness/base/digest.h"
#include "harness/base/str.h"
#include "harness/base/tree.h"
#include "reports/report.h"
#include "reports/xml.h"

static bool is_configuration(const char *name)
{
    return str_eq(name, "scenario.lua") || str_eq(name, "topology.yaml") || str_eq(name, "plan.json") ||
           str_eq(name, "programme.json");
}

static bool is_subject(const char *name)
{
    return str_eq(name, "events.jsonl") || str_eq(name, "environment.json") || str_eq(name, "report.json") ||
           (str_starts_with(name, "ledger-") && str_ends_with(name, ".bin")) ||
           (str_starts_with(name, "readback-") && str_ends_with(name, ".ids"));
}

/* The chosen files of the evidence with their digests, in the order of their names; the result is the one that was just written. */
static int describe_files(const char *source, const char *folder, bool (*is_chosen)(const char *name), json_t *array,
                          struct err *err)
{
    struct tree tree CLEANUP(tree_clear) = {0};
    int status = tree_list_flat(source, &tree, err);
    for (size_t i = 0; i < tree.count && status == 0; i++) {
        const struct tree_entry *entry = &tree.items[i];
        char digest[DIGEST_TEXT];
        if (entry->is_file && is_chosen(entry->path)) {
            bool is_result = str_eq(entry->path, "report.json");
            AUTO_FREE char *path = xasprintf("%s/%s", is_result ? folder : source, entry->path);
            status = digest_of_file(path, false, digest, NULL, err);
            if (status == 0) {
                json_array_append_new(array, json_pack("{s:s, s:{s:s}}", "name", entry->path, "digest", "sha256", digest));
            }
        }
    }
    return status;
}

static json_t *names_of(const struct result *result, enum judgement judgement)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->objective_count; i++) {
        const struct objective_result *objective = &result->objectives[i];
        enum judgement its = objective->judgement == JUDGEMENT_NONE ? JUDGEMENT_UNKNOWN : objective->judgement;
        if (its == judgement) {
            struct buf clean CLEANUP(buf_clear) = {0};
            xml_clean_text(objective->text, &clean);
            json_array_append_new(array, json_string(buf_str(&clean)));
        }
    }
    return array;
}

static int write_statement(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/statement.intoto.json", folder);
    AUTO_JSON json_t *statement =
        json_pack("{s:s, s:[], s:s, s:{s:s, s:[]}}", "_type", "https://in-toto.io/Statement/v1", "subject", "predicateType",
                  "https://in-toto.io/attestation/test-result/v0.1", "predicate", "result",
                  result->verdict == VERDICT_PASS ? "PASSED" : "FAILED", "configuration");
    json_t *predicate = json_object_get(statement, "predicate");
    const char *source = context->source ? context->source : folder;
    json_object_set_new(predicate, "passedTests", names_of(result, JUDGEMENT_MET));
    json_object_set_new(predicate, "warnedTests", names_of(result, JUDGEMENT_UNKNOWN));
    json_object_set_new(predicate, "failedTests", names_of(result, JUDGEMENT_MISSED));
    int status = describe_files(source, folder, is_subject, json_object_get(statement, "subject"), err);
    if (status == 0) {
        status = describe_files(source, folder, is_configuration, json_object_get(predicate, "configuration"), err);
    }
    return status < 0 ? status : json_write_file(path, statement, err);
}

const struct report_ops report_statement = {.name = "statement",
                                            .file_name = "statement.intoto.json",
                                            .summary = "an in-toto statement, for those who sign and gate with it",
                                            .write = write_statement};
