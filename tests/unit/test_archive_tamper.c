/* What is done to an archive, and which command catches it: the public ones of README-VERIFY.txt, and drill verify. What none of them
 * can catch is in the table too. */
#include "tests/support/small_archive.h"

#include "harness/archive/readme.h"
#include "harness/archive/verify.h"
#include "harness/base/vec.h"
#include "harness/cli/recompute.h"
#include "harness/cli/render.h"

enum caught_by { HASHES = 1, UNLISTED = 2, SIGNATURE = 4, LEDGER = 8, LINKS = 16, ENTERED = 32, VERIFY = 64 };

static const struct {
    enum caught_by bit;
    const char *name;
    const char *readme; /* as README-VERIFY.txt prints it */
    const char *script; /* fails when it catches something */
} checks[] = {
    {HASHES, "hashes", "sha256sum -c --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt",
     "for b in */Q?/*/; do (cd \"$b\" && sha256sum -c --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt) || exit 1; "
     "done"},
    {UNLISTED, "unlisted",
     "test \"$(find data ! -type d | LC_ALL=C sort)\" = \"$(cut -c67- manifest-sha256.txt | LC_ALL=C sort)\"",
     "for b in */Q?/*/; do (cd \"$b\" && test \"$(find data ! -type d | LC_ALL=C sort)\" = \"$(cut -c67- manifest-sha256.txt | "
     "LC_ALL=C "
     "sort)\") || exit 1; done"},
    {SIGNATURE, "signature",
     "ssh-keygen -Y verify -f ALLOWED_SIGNERS -I SIGNER -n dr-drill -s tagmanifest-sha256.txt.sig < tagmanifest-sha256.txt",
     "for b in */Q?/*/; do case $b in *.review/) n=dr-review i=r@example.com;; *) n=dr-drill i=d@example.com;; esac; (cd \"$b\" "
     "&& "
     "ssh-keygen -Y verify -f ../../../../keys/allowed -I $i -n $n -s tagmanifest-sha256.txt.sig <tagmanifest-sha256.txt) || "
     "exit 1; "
     "done"},
    {LEDGER, "LEDGER", "sha256sum -c --strict --quiet LEDGER", "sha256sum -c --strict --quiet LEDGER"},
    {LINKS, "links", "test ! -e previous-sha256.txt || sha256sum -c --strict --quiet previous-sha256.txt",
     "for b in */Q?/*/; do (cd \"$b\" && { test ! -e previous-sha256.txt || sha256sum -c --strict --quiet previous-sha256.txt; "
     "}) || "
     "exit 1; done"},
    {ENTERED, "entered",
     "test \"$(ls -d */Q?/*/ | sed 's|$|tagmanifest-sha256.txt|' | LC_ALL=C sort)\" = \"$(cut -c67- LEDGER | LC_ALL=C sort)\"",
     "test \"$(ls -d */Q?/*/ | sed 's|$|tagmanifest-sha256.txt|' | LC_ALL=C sort)\" = \"$(cut -c67- LEDGER | LC_ALL=C sort)\""},
};

/* Shell functions for whoever tampers: reseal BUNDLE writes its manifests anew, resign BUNDLE KEY signs it, reenter BUNDLE has LEDGER
 * agree with it. */
static const char tools[] =
    "reseal() { (cd $1 && find data -type f | LC_ALL=C sort | xargs sha256sum >manifest-sha256.txt && sha256sum $(cut -c67- "
    "tagmanifest-sha256.txt) >t && mv t tagmanifest-sha256.txt); }\n"
    "resign() { rm -f $1/*.sig && ssh-keygen -q -Y sign -f ../keys/$2 -n dr-drill $1/tagmanifest-sha256.txt; }\n"
    "reenter() { h=$(sha256sum <$1/tagmanifest-sha256.txt | cut -c1-64) && sed -i \"s|^.*  $1/|$h  $1/|\" LEDGER; }\n"
    "q=2026/Q1\n";

static const struct {
    const char *what, *script;
    int caught;
} rows[] = {
    {"nothing", "true", 0},
    {"a payload file changed", "echo >>$q/0002-two/data/events.jsonl", HASHES | VERIFY},
    {"a payload file removed", "rm $q/0002-two/data/report.md", HASHES | UNLISTED | VERIFY},
    {"a payload file added", "touch $q/0002-two/data/extra", UNLISTED | VERIFY},
    {"two payload files exchanged", "cd $q/0002-two/data && mv plan.json x && mv report.md plan.json && mv x report.md",
     HASHES | VERIFY},
    {"a file added beside data/", "touch $q/0002-two/extra", VERIFY},
    {"bag-info.txt changed", "sed -i s/Retain-Until.*/Retain-Until:1/ $q/0002-two/bag-info.txt", HASHES | VERIFY},
    {"the signature removed", "rm $q/0002-two/*.sig", SIGNATURE | VERIFY},
    {"the link removed", "rm $q/0002-two/previous-sha256.txt", HASHES | VERIFY},
    {"changed, manifests written anew", "echo >>$q/0002-two/data/report.md && reseal $q/0002-two",
     SIGNATURE | LEDGER | LINKS | VERIFY},
    {"the same, signed with another key", "echo >>$q/0002-two/data/report.md && reseal $q/0002-two && resign $q/0002-two other",
     SIGNATURE | LEDGER | LINKS | VERIFY},
    {"the same, signed with the right key", "echo >>$q/0002-two/data/report.md && reseal $q/0002-two && resign $q/0002-two right",
     LEDGER | LINKS | VERIFY},
    {"the same, LEDGER too",
     "echo >>$q/0002-two/data/report.md && reseal $q/0002-two && resign $q/0002-two right && reenter $q/0002-two",
     LINKS | VERIFY},
    {"a review signed with the drill's key", "resign $q/0002-two.review right", SIGNATURE | VERIFY},
    {"two bundles exchanged", "mv $q/0001-one x && mv $q/0002-two $q/0001-one && mv x $q/0002-two", LEDGER | LINKS | VERIFY},
    {"a bundle renamed", "mv $q/0003-three $q/0004-three", LEDGER | ENTERED | VERIFY},
    {"a bundle copied", "cp -r $q/0001-one $q/0004-one", ENTERED | VERIFY},
    {"a middle bundle removed", "rm -r $q/0002-two", LEDGER | LINKS | ENTERED | VERIFY},
    {"the same, LEDGER too", "rm -r $q/0002-two && sed -i '/0002-two.tag/d' LEDGER", LINKS | VERIFY},
    {"lines of LEDGER reordered", "sed -i '2{h;d};3{G}' LEDGER", VERIFY},
    {"LEDGER removed", "rm LEDGER", LEDGER | ENTERED | VERIFY},
    {"the first drill removed, LEDGER too", "rm -r $q/0001-* && sed -i /0001/d LEDGER", LINKS | VERIFY},
    {"the last bundle removed", "rm -r $q/0003-three", LEDGER | ENTERED | VERIFY},
    {"the same, LEDGER too: a plan is left", "rm -r $q/0003-three && sed -i '$d' LEDGER", VERIFY},
    {"the last drill removed, LEDGER too", "rm -r $q/0003-* && sed -i '$d' LEDGER && sed -i '$d' LEDGER", 0},
    {"the last one's figures, right key, LEDGER",
     "sed -i 's/\"verdict\": \"[a-z]*\"/\"verdict\": \"pass\"/' $q/0003-three/data/report.json && reseal $q/0003-three && resign "
     "$q/0003-three right && reenter $q/0003-three",
     VERIFY},
    {"the last one's evidence, right key, LEDGER",
     "sed -i 's/\"aborted\"/\"completed\"/' $q/0003-three/data/events.jsonl && reseal $q/0003-three && resign $q/0003-three "
     "right && "
     "reenter $q/0003-three",
     VERIFY},
};

static char *home; /* holds keys/ and pristine/ */

static void evidence_into(const char *folder, const char *id)
{
    struct rendered rendered CLEANUP(rendered_clear) = {0};
    struct err err = {0};
    AUTO_FREE char *plan =
        xasprintf("{\"drill_id\": \"%s\", \"scenario\": \"cut\", \"title\": \"Cut short\", \"topology\": \"t\", "
                  "\"seed\": 1, \"objectives\": [\"rto <= 20s\"], \"regions\": [], \"measure\": {\"window_ns\": "
                  "1000000000, \"minimum_count\": 5, \"good_share\": 0.99, \"latency_ns\": 1000000000, \"hold_ns\": "
                  "5000000000}}\n",
                  id);
    put(folder, "plan.json", plan);
    put(folder, "events.jsonl",
        "{\"t\": 1000000000, \"utc\": \"2026-01-01T00:00:01.000Z\", \"kind\": \"drill.start\"}\n"
        "{\"t\": 3000000000, \"utc\": \"2026-01-01T00:00:03.000Z\", \"kind\": \"residue\", \"clean\": true, \"left\": []}\n"
        "{\"t\": 3000000000, \"utc\": \"2026-01-01T00:00:03.000Z\", \"kind\": \"drill.end\", \"conclusion\": \"aborted\", "
        "\"reason\": "
        "\"interrupted\"}\n");
    if (render_measure(folder, &rendered, &err) < 0 || render_write(&rendered, folder, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void seal_signed(enum bundle_kind kind, const char *id, const char *scenario, const char *key)
{
    struct err err = {0};
    AUTO_FREE char *name = xasprintf("%s.%d", id, kind), *folder = payload(name), *path = NULL, *warning = NULL;
    AUTO_FREE char *key_file = xasprintf("%s/keys/%s", home, key);
    struct bundle_request request = request_of(kind, id, scenario, folder);
    request.signing.key = key_file;
    request.verdict = kind == BUNDLE_RESULT ? "inconclusive" : NULL;
    if (kind == BUNDLE_RESULT) {
        evidence_into(folder, id);
    }
    if (bundle_seal(&request, &path, &warning, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static int setup(void **state)
{
    static const char *const scenarios[] = {"one", "two", "three"};
    (void)archive_setup(state);
    home = xstrdup(archive);
    assert_int_equal(
        shell("mkdir keys pristine && for k in right other reviewer; do ssh-keygen -q -t ed25519 -N '' -C $k -f keys/$k; "
              "done && { printf 'd@example.com namespaces=\"dr-drill\" ' && cat keys/right.pub && printf "
              "'r@example.com namespaces=\"dr-review\" ' && cat keys/reviewer.pub; } >keys/allowed"),
        0);
    (void)str_format(archive, sizeof(archive), "%s/pristine", home);
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        AUTO_FREE char *id = xasprintf("20260210-10150%zu-%s", i, scenarios[i]);
        seal_signed(BUNDLE_PLAN, id, scenarios[i], "right");
        seal_signed(BUNDLE_RESULT, id, scenarios[i], "right");
        if (i == 1) {
            seal_signed(BUNDLE_REVIEW, id, scenarios[i], "reviewer");
        }
    }
    return 0;
}

static int teardown(void **state)
{
    (void)str_copy(archive, sizeof(archive), home);
    free(TAKE(home));
    return archive_teardown(state);
}

static bool catches(const char *script)
{
    struct err err = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *line = xasprintf("cd '%s' && { %s\n} >/dev/null 2>&1", archive, script);
    const char *const argv[] = {"sh", "-c", line, NULL};
    return child_run(argv, NULL, 20 * NS_PER_S, &out, &err) != 0;
}

static bool verify_catches(bool tell)
{
    struct findings findings CLEANUP(findings_clear) = {0};
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    AUTO_FREE char *allowed = xasprintf("%s/keys/allowed", home);
    const struct trust trust = {.allowed_signers = allowed, .signer = "d@example.com"};
    struct err err = {0};
    if (verify_archive(archive, &trust, &findings, &err) < 0 || archive_read(archive, &list, &err) < 0) {
        fail_msg("%s", err.text);
    }
    VEC_EACH(drill, &list)
    {
        if (drill->result) {
            recompute_check(drill->evidence, drill->name, &findings);
        }
    }
    VEC_EACH(finding, &findings)
    {
        if (tell && finding->is_problem) {
            print_message("    %s: %s\n", finding->where, finding->text);
        }
    }
    return findings_problems(&findings) > 0;
}

static int caught_by(void)
{
    int caught = verify_catches(false) ? VERIFY : 0;
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        caught |= catches(checks[i].script) ? (int)checks[i].bit : 0;
    }
    return caught;
}

static void print_row(const char *what, int caught)
{
    print_message("%-44s", what);
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        print_message(" %-9s", caught & (int)checks[i].bit ? "caught" : "-");
    }
    print_message(" %s\n", caught & VERIFY ? "caught" : "-");
}

static void test_each_row(void **state)
{
    (void)state;
    int wrong = 0;
    print_message("%-44s", "what was done");
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        print_message(" %-9s", checks[i].name);
    }
    print_message(" drill verify\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)str_copy(archive, sizeof(archive), home);
        assert_int_equal(shell("rm -rf work && cp -r pristine work && chmod -R u+w work"), 0);
        (void)str_format(archive, sizeof(archive), "%s/work", home);
        AUTO_FREE char *script = xasprintf("%s%s", tools, rows[i].script);
        assert_int_equal(shell(script), 0);
        int caught = caught_by();
        print_row(rows[i].what, caught);
        if (caught != rows[i].caught) {
            print_message("  ^ expected:\n");
            print_row("", rows[i].caught);
            (void)verify_catches(true);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_commands_are_those_of_the_readme(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        assert_non_null(strstr(readme_text(), checks[i].readme));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_those_of_the_readme),
        cmocka_unit_test(test_each_row),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
