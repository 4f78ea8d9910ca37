/* The verdict once more. */
#include "harness/cli/recompute.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/archive/baginfo.h"
#include "harness/base/digest.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/cli/render.h"

enum { DIFFERENCES_MAX = 20 };

struct comparing {
    const char *where;
    struct findings *findings;
    bool ours; /* this binary made the report */
    int differences, unknown;
};

static void differ(struct comparing *comparing, const char *path, const json_t *found, const json_t *expected)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS;
    AUTO_FREE char *found_text = found ? json_dumps(found, flags) : xstrdup("missing");
    AUTO_FREE char *expected_text = expected ? json_dumps(expected, flags) : xstrdup("nothing");
    if (comparing->differences++ < DIFFERENCES_MAX) {
        findings_add(comparing->findings, true, comparing->where, "report.json says %s is %.200s, the evidence gives %.200s",
                     path, found_text, expected_text);
    }
}

static void compare(struct comparing *comparing, const char *path, const json_t *found, const json_t *expected);

static void compare_objects(struct comparing *comparing, const char *path, const json_t *found, const json_t *expected)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)expected, key, member)
    {
        AUTO_FREE char *inner = xasprintf("%s%s%s", path, *path ? "." : "", key);
        if (!comparing->ours && !json_object_get(found, key)) {
            comparing->unknown++;
        } else {
            compare(comparing, inner, json_object_get(found, key), member);
        }
    }
    json_object_foreach((json_t *)found, key, member)
    {
        AUTO_FREE char *inner = xasprintf("%s%s%s", path, *path ? "." : "", key);
        if (!json_object_get(expected, key)) {
            differ(comparing, inner, member, NULL);
        }
    }
}

static void compare(struct comparing *comparing, const char *path, const json_t *found, const json_t *expected)
{
    if (json_is_object(found) && json_is_object(expected)) {
        compare_objects(comparing, path, found, expected);
        return;
    }
    if (json_is_array(found) && json_is_array(expected) && json_array_size(found) == json_array_size(expected)) {
        for (size_t i = 0; i < json_array_size(found); i++) {
            AUTO_FREE char *inner = xasprintf("%s[%zu]", path, i);
            compare(comparing, inner, json_array_get(found, i), json_array_get(expected, i));
        }
        return;
    }
    if (!json_equal(found, expected)) {
        differ(comparing, path, found, expected);
    }
}

static void compare_figures(const json_t *found, const json_t *expected, bool ours, const char *where, struct findings *findings)
{
    struct comparing comparing = {.where = where, .findings = findings, .ours = ours};
    compare(&comparing, "", found, expected);
    if (comparing.differences > DIFFERENCES_MAX) {
        findings_add(findings, true, where, "report.json differs in %d more", comparing.differences - DIFFERENCES_MAX);
    }
    if (comparing.unknown) {
        findings_add(findings, false, where, "another drill binary made report.json; %d figures of this one are not in it",
                     comparing.unknown);
    }
}

static bool same_bytes(const char *a, const char *b)
{
    char left[DIGEST_TEXT], right[DIGEST_TEXT];
    return *digest_file(a, left) && str_eq(left, digest_file(b, right));
}

/* Whether this very binary made the reports. */
static bool is_ours(const struct rendered *rendered)
{
    char digest[DIGEST_TEXT];
    return str_eq(json_str(rendered->evidence->environment, "binary_sha256", ""), digest_file("/proc/self/exe", digest));
}

static void compare_other(const char *folder, const char *again, bool ours, const char *where, struct findings *findings)
{
    size_t count = 0;
    const struct report_ops *const *list = report_list(&count);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *found = xasprintf("%s/%s", folder, list[i]->file_name);
        AUTO_FREE char *expected = xasprintf("%s/%s", again, list[i]->file_name);
        bool shaped = str_eq(list[i]->name, "junit"); /* by options that the evidence does not know */
        if (access(found, F_OK) == 0 && !same_bytes(found, expected)) {
            findings_add(findings, ours && !shaped, where, "%s is not what the evidence gives%s", list[i]->file_name,
                         ours && !shaped ? ""
                         : shaped        ? "; another dialect may have been asked for"
                                         : "; another drill binary rendered it, so it may only look otherwise");
        }
    }
}

static void compare_report(const char *folder, const char *again, bool ours, const char *where, struct findings *findings)
{
    AUTO_FREE char *found_path = xasprintf("%s/report.json", folder);
    AUTO_FREE char *expected_path = xasprintf("%s/report.json", again);
    AUTO_JSON json_t *found = NULL;
    AUTO_JSON json_t *expected = NULL;
    struct err err = {0};
    if (json_read_file(found_path, &found, &err) < 0 || json_read_file(expected_path, &expected, &err) < 0) {
        findings_add(findings, true, where, "%s", err.text);
        return;
    }
    compare_figures(found, expected, ours, where, findings);
}

/* The bundle's own label must say what its report says. */
static void check_label(const char *folder, const struct result *result, const char *where, struct findings *findings)
{
    AUTO_FREE char *bundle = xasprintf("%s/..", folder);
    AUTO_FREE char *said = baginfo_value(bundle, "Drill-Verdict");
    if (said && !str_eq(said, verdict_name(result->verdict))) {
        findings_add(findings, true, where, "bag-info.txt says the verdict is %s, the evidence gives %s", said,
                     verdict_name(result->verdict));
    }
}

void recompute_check(const char *folder, const char *where, struct findings *findings)
{
    struct rendered rendered CLEANUP(rendered_clear) = {0};
    const char *temporary = secure_getenv("TMPDIR");
    AUTO_FREE char *again = xasprintf("%s/drill-verify-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    struct err err = {0};
    if (render_measure(folder, &rendered, &err) < 0) {
        findings_add(findings, true, where, "the evidence cannot be measured: %s", err.text);
        return;
    }
    bool ours = is_ours(&rendered);
    check_label(folder, rendered.result, where, findings);
    if (!mkdtemp(again) || render_write(&rendered, again, &err) < 0) {
        findings_add(findings, true, where, "the reports cannot be rendered into '%s': %s", again, err.text);
    } else {
        compare_report(folder, again, ours, where, findings);
        compare_other(folder, again, ours, where, findings);
    }
    (void)!fd_remove_tree(again, &err);
}
