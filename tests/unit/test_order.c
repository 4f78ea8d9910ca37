/* The order in which layers failed over, against the declared one. */
#include "tests/support/fake_evidence.h"

#include "harness/evidence/ledger.h"

static void observe(struct fake_evidence *fake, double t_s, const char *observer, const char *subject, const char *from,
                    const char *to)
{
    fake_event(fake, t_s, "observe",
               json_pack("{s:s, s:s, s:s, s:s, s:I}", "observer", observer, "subject", subject, "from", from, "to", to,
                         "bound_ns", (json_int_t)(100 * NS_PER_MS)));
}

enum layer { STORE = 0, BACKEND, DNS, LAYERS };

static void fail_over(struct fake_evidence *fake, double t_s, enum layer layer)
{
    if (layer == STORE) {
        observe(fake, t_s, "role", "role west-db", "slave", "master");
    } else if (layer == BACKEND) {
        observe(fake, t_s, "state", "backend west-app", "unknown", "10.2.0.31");
    } else {
        observe(fake, t_s, "dns", "dns", "10.1.0.12", "10.2.0.11,10.2.0.12");
    }
}

/* A fault at 10 s; each layer fails over at its time, 0: never. */
static struct result *ordered(const double times_s[LAYERS])
{
    struct fake_evidence fake;
    fake_open(&fake);
    fake_objective(&fake, "out_of_order <= 0");
    json_object_set_new(fake.plan, "order", json_pack("[s, s, s]", "role", "backend", "dns"));
    observe(&fake, 1, "role", "role east-db", "", "master");
    observe(&fake, 1, "role", "role west-db", "", "slave");
    observe(&fake, 1, "state", "backend west-app", "", "10.1.0.31");
    observe(&fake, 1, "dns", "dns", "", "10.1.0.11,10.1.0.12");
    fake_inject(&fake, 10, "f1", true);
    observe(&fake, 10.5, "state", "backend west-app", "10.1.0.31", "unknown");
    observe(&fake, 11, "dns", "dns", "10.1.0.11,10.1.0.12", "10.1.0.12"); /* one address less leaves no region */
    ledger_close(fake_ledger(&fake, "edge", 0, 40, 100, 4, NULL, 0));
    for (double t_s = 12; t_s < 30; t_s += 0.05) {
        for (enum layer layer = STORE; layer < LAYERS; layer++) {
            if (times_s[layer] >= t_s && times_s[layer] < t_s + 0.05) {
                fail_over(&fake, times_s[layer], layer);
            }
        }
    }
    fake_end(&fake, 40, "completed");
    struct result *result = fake_measure(&fake);
    fake_close(&fake);
    return result;
}

static bool finds(const struct result *result, const char *text)
{
    for (size_t i = 0; i < result->finding_count; i++) {
        if (strstr(result->findings[i], text)) {
            return true;
        }
    }
    return false;
}

static void test_the_declared_order_is_met(void **state)
{
    (void)state;
    struct result *result CLEANUP(result_cleanup) = ordered((double[]){13, 14, 15});
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MET);
    assert_int_equal(result->layers[BACKEND].seen_ns, fake_ns(14));
    assert_true(
        finds(result, "'backend' failed over 4.00 s after the first disruption (backend west-app: unknown to 10.2.0.31)."));
}

static void test_a_layer_too_early_is_out_of_order(void **state)
{
    (void)state;
    struct result *result CLEANUP(result_cleanup) = ordered((double[]){15, 16, 13});
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MISSED);
    assert_true(result->out_of_order.value == 1);
    assert_true(finds(result, "'dns' failed over 3.00 s after"));
    assert_true(finds(result, "2.00 s before 'role'"));
}

/* 60 ms apart, asked every 100 ms: nobody can say that it was too early. */
static void test_what_observers_leave_open_is_no_miss(void **state)
{
    (void)state;
    struct result *result CLEANUP(result_cleanup) = ordered((double[]){13.06, 13, 15});
    assert_int_equal(result->objectives[0].judgement, JUDGEMENT_MET);
}

static void test_a_layer_that_never_does(void **state)
{
    (void)state;
    struct result *first CLEANUP(result_cleanup) = ordered((double[]){0, 14, 15});
    struct result *last CLEANUP(result_cleanup) = ordered((double[]){13, 14, 0});
    assert_true(first->out_of_order.value == 2);
    assert_true(finds(first, "'role' not at all"));
    assert_int_equal(last->objectives[0].judgement, JUDGEMENT_UNKNOWN);
    assert_non_null(strstr(last->objectives[0].reason, "the layer 'dns' was not seen to fail over"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_declared_order_is_met),
        cmocka_unit_test(test_a_layer_too_early_is_out_of_order),
        cmocka_unit_test(test_what_observers_leave_open_is_no_miss),
        cmocka_unit_test(test_a_layer_that_never_does),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
