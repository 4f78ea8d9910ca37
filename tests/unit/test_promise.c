/* More regions out at once than the topology promises to stand: said when it was so, by faults that were proven, and only then. */
#include "tests/support/fake_evidence.h"

static void promise(struct fake_evidence *fake, const char *second)
{
    json_object_set_new(fake->plan, "promise",
                        json_pack("{s:i, s:s, s:i, s:[{s:s, s:[s]}, {s:s, s:[s]}]}", "tolerates", 1, "why",
                                  "two of three must agree", "regions", 3, "isolating", "fault_id", "f1", "regions", "us-east",
                                  "fault_id", "f2", "regions", second));
}

static const char *finding(const struct result *result)
{
    for (size_t i = 0; i < result->finding_count; i++) {
        if (strstr(result->findings[i], "promise")) {
            return result->findings[i];
        }
    }
    return NULL;
}

/* f1 from 10 s to `first_end_s`, f2 from 12 s to 30 s. */
static char *measured(const char *second, bool proven, double first_end_s)
{
    struct fake_evidence fake;
    fake_open(&fake);
    fake_objective(&fake, "rto <= 20s");
    promise(&fake, second);
    fake_inject(&fake, 10, "f1", true);
    if (first_end_s < 12) {
        fake_revert(&fake, first_end_s, "f1");
    }
    fake_inject(&fake, 12, "f2", proven);
    if (first_end_s > 12) {
        fake_revert(&fake, first_end_s, "f1");
    }
    fake_revert(&fake, 30, "f2");
    ledger_close(fake_ledger(&fake, "edge", 0, 40, 100, 4, NULL, 0));
    fake_end(&fake, 40, "completed");
    struct result *result CLEANUP(result_cleanup) = fake_measure(&fake);
    char *text = finding(result) ? xstrdup(finding(result)) : NULL;
    fake_close(&fake);
    return text;
}

static void two_at_once_are_named(void **state)
{
    (void)state;
    AUTO_FREE char *text = measured("us-west", true, 25);
    assert_non_null(text);
    assert_non_null(strstr(text, "2 of 3 regions were out at the same time (us-east, us-west), for 13.0 s"));
    assert_non_null(strstr(text, "which is 1 out: two of three must agree"));
}

static void one_after_the_other_is_promised(void **state)
{
    (void)state;
    AUTO_FREE char *text = measured("us-west", true, 11);
    assert_null(text);
}

static void the_same_twice_is_one(void **state)
{
    (void)state;
    AUTO_FREE char *text = measured("us-east", true, 25);
    assert_null(text);
}

static void what_was_not_proven_does_not_count(void **state)
{
    (void)state;
    AUTO_FREE char *text = measured("us-west", false, 25);
    assert_null(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_at_once_are_named),
        cmocka_unit_test(one_after_the_other_is_promised),
        cmocka_unit_test(the_same_twice_is_one),
        cmocka_unit_test(what_was_not_proven_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
