/* Every registered fault through the same suite: what fault.h promises, held by each. */
#include "tests/contract/test_faults_victim.h"

#include "faults/snapshot.h"

static struct victim current; /* the one that was started last */

static struct victim start_victim(void)
{
    current = victim_start(0);
    return current;
}

static struct fault_instance *reborn(struct fault_instance *fault)
{
    struct fault_instance *again = NULL;
    AUTO_JSON json_t *json = fault_instance_to_json(fault);
    AUTO_FREE char *text = json_dumps(json, 0); /* as through a file */
    AUTO_JSON json_t *read = NULL;
    must(json_parse(text, strlen(text), &read, err));
    fault_instance_free(fault);
    must(fault_instance_new(read, &again, err));
    return again;
}

static struct snapshot *remember(void)
{
    struct snapshot *snapshot = NULL;
    must(snapshot_take(&snapshot, err));
    return snapshot;
}

/* All tests of this machine share one process table: who else stops processes is not meant. */
static bool is_of_others(const char *text)
{
    char parent[64], child[64];
    (void)str_format(parent, sizeof(parent), "stopped process %d ", (int)current.parent);
    (void)str_format(child, sizeof(child), "stopped process %d ", (int)current.child);
    return str_starts_with(text, "stopped process ") && !str_starts_with(text, parent) && !str_starts_with(text, child);
}

static size_t differences(const struct snapshot *before, bool print)
{
    AUTO_JSON json_t *left = json_array();
    must(snapshot_compare(before, left, err));
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(left); i++) {
        const char *text = json_string_value(json_array_get(left, i));
        if (!is_of_others(text) && !victim_is_meant(text)) {
            count++;
            print_message(print ? "left: %s\n" : "seen: %s\n", text);
        }
    }
    return count;
}

static void whole_life(const struct fault_hint *hint, struct victim *victim)
{
    const struct fault_ops *ops = fault_hint_ops(hint);
    struct snapshot *before CLEANUP(snapshot_cleanup) = remember();
    struct fault_instance *fault = victim_hint(hint, victim);
    struct buf plan CLEANUP(buf_clear) = {0};
    must(ops->supported(fault, err));
    ops->plan(fault, &plan);
    assert_true(plan.size > 0 && !strchr(buf_str(&plan), '\n'));
    lab_assert_clean(fault);
    assert_false(lab_proven(fault, 0));
    must(ops->revert(fault, err)); /* before anything */
    must(ops->prepare(fault, err));
    assert_false(lab_proven(fault, 0));
    assert_int_equal(differences(before, true), 0); /* neither supported nor prepare changed anything */
    must(ops->revert(fault, err));                  /* before apply */
    must(ops->prepare(fault, err));
    must(ops->apply(fault, err));
    assert_true(fault->mechanism[0]);
    must(ops->apply(fault, err)); /* twice is one fault */
    assert_true(lab_proven(fault, LAB_PATIENCE_MS));
    must(ops->revert(fault, err));
    must(ops->revert(fault, err));
    lab_assert_clean(fault);
    assert_true(lab_proven(fault, 0) == hint->permanent); /* who was killed stays gone */
    assert_int_equal(differences(before, true), 0);
    fault_instance_free(fault);
}

/* Prepared, perhaps applied, then nothing but the journal is left. */
static void revert_from_journal(const struct fault_hint *hint, struct victim *victim, bool applied)
{
    const struct fault_ops *ops = fault_hint_ops(hint);
    struct snapshot *before CLEANUP(snapshot_cleanup) = remember();
    struct fault_instance *fault = victim_hint(hint, victim);
    must(ops->prepare(fault, err));
    if (applied) {
        must(ops->apply(fault, err));
        assert_true(lab_proven(fault, LAB_PATIENCE_MS));
        struct buf trace CLEANUP(buf_clear) = {0};
        assert_true((differences(before, false) > 0) == !hint->traceless);
        must(ops->residue(fault, &trace, err)); /* in force, a fault is its own residue */
        assert_true((trace.size > 0) == !hint->permanent);
    }
    fault = reborn(fault);
    victim_lend(fault, victim);
    must(ops->revert(fault, err));
    must(ops->revert(fault, err));
    lab_assert_clean(fault);
    assert_int_equal(differences(before, true), 0);
    fault_instance_free(fault);
}

static void each_fault_keeps_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fault_hints); i++) {
        print_message("fault %s\n", fault_hint_name(&fault_hints[i], true).text);
        for (int part = 0; part < 3; part++) {
            struct victim victim = start_victim();
            if (part == 0) {
                whole_life(&fault_hints[i], &victim);
            } else {
                revert_from_journal(&fault_hints[i], &victim, part == 2);
            }
            victim_end(victim);
        }
    }
}

static bool is_word(const struct fault_ops *ops, const char *word)
{
    static const char *const targets[] = {"region", "host", "service", "role", "control", "peer", "ttl"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        if (str_eq(targets[i], word)) {
            return true;
        }
    }
    for (const struct param *param = ops->options; param->type != PARAM_END; param++) {
        if (str_eq(param->name, word)) {
            return true;
        }
    }
    return false;
}

/* The example says words that there are: "fault.NAME { word = value, … }". */
static void check_example(const struct fault_ops *ops)
{
    AUTO_FREE char *begin = xasprintf("fault.%s { ", ops->name);
    AUTO_FREE char *example = xstrdup(ops->example);
    assert_true(str_starts_with(example, begin) && str_ends_with(example, " }"));
    char *rest = example + strlen(begin), *word;
    while ((word = strsep(&rest, ","))) {
        char name[64];
        assert_int_equal(sscanf(word, " %63[a-z_] =", name), 1);
        if (!is_word(ops, name)) {
            fail_msg("fault '%s': its example says '%s', which is no option", ops->name, name);
        }
    }
}

/* All that the catalogue prints of a fault, in one line each. */
static void assert_described(const struct fault_ops *ops)
{
    const char *const facts[][2] = {{"summary", ops->summary}, {"example", ops->example}, {"mechanisms", ops->mechanisms},
                                    {"needs", ops->needs},     {"proof", ops->proof},     {"undo", ops->undo}};
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        const char *text = facts[i][1];
        if (!text || !*text || strchr(text, '\n') || str_ends_with(text, ".")) {
            fail_msg("fault '%s': its %s must be one line without a full stop, for the catalogue", ops->name, facts[i][0]);
        }
    }
    check_example(ops);
}

static void each_fault_is_well_described(void **state)
{
    size_t count = 0;
    const struct fault_ops *const *faults = fault_list(&count);
    struct err mistake = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fault_hints); i++) { /* none for what is gone, and each by a name of its own */
        assert_int_equal(fault_hint(fault_hint_ops(&fault_hints[i])) == &fault_hints[i], !fault_hints[i].variant);
    }
    for (size_t i = 0; i < count; i++) {
        const struct fault_ops *ops = faults[i];
        assert_true(i == 0 || strcmp(faults[i - 1]->name, ops->name) < 0);
        assert_true(ops->summary && ops->options && ops->targets);
        assert_true(ops->supported && ops->plan && ops->prepare && ops->apply && ops->prove && ops->revert && ops->residue);
        assert_described(ops);
        must(param_check_table(ops->options, ops->name, err));
        assert_ptr_equal(fault_find(ops->name), ops);
        assert_non_null(fault_hint(ops));
    }
    assert_null(fault_require("blackhol", &mistake));
    assert_int_equal(mistake.code, ERR_INPUT);
    assert_non_null(strstr(mistake.text, "did you mean 'blackhole'"));
}

static void kill_ends_the_whole_family(void **state)
{
    (void)state;
    struct victim victim = start_victim();
    struct fault_instance *fault = victim_fault(fault_find("kill"), &victim);
    struct proc_info info;
    lab_inject(fault);
    assert_true(!proc_read(victim.child, &info) || info.state == 'Z');
    assert_true(!proc_read(victim.parent, &info) || info.state == 'Z');
    lab_revert(fault);
    victim_end(victim);
}

static void pause_stops_the_whole_family(void **state)
{
    (void)state;
    struct victim victim = start_victim(), other = start_victim();
    struct fault_instance *fault = victim_fault(fault_find("pause"), &victim);
    struct proc_info info;
    lab_inject(fault);
    assert_true(proc_read(victim.child, &info) && info.state == 'T');
    assert_true(proc_read(victim.parent, &info) && info.state == 'T');
    assert_true(proc_read(other.parent, &info) && info.state != 'T');
    lab_revert(fault);
    assert_true(proc_read(victim.child, &info) && info.state != 'T');
    victim_end(victim);
    victim_end(other);
}

/* A pid that was given to another process since is not touched. */
static void pids_are_not_enough(void **state)
{
    (void)state;
    struct victim victim = start_victim();
    struct fault_instance *fault = victim_fault(fault_find("kill"), &victim);
    must(fault->ops->prepare(fault, err));
    json_t *first = json_array_get(json_object_get(fault->journal, "processes"), 0);
    json_object_set_new(first, "start", json_integer(json_int(first, "start", 0) - 1));
    must(fault->ops->apply(fault, err));
    struct proc_info info;
    victim_wait_end(victim.child);
    assert_true(proc_read(victim.parent, &info) && info.state != 'Z');
    fault_instance_free(fault);
    victim_end(victim);
}

static void a_killed_owner_leaves_nothing(void **state)
{
    int ends[2];
    char byte;
    (void)state;
    assert_return_code(pipe2(ends, O_CLOEXEC), errno);
    struct snapshot *before CLEANUP(snapshot_cleanup) = remember();
    pid_t owner = fork();
    if (owner == 0) {
        struct victim nobody = {0};
        struct fault_instance *fault = victim_fault(fault_find("blackhole"), &nobody);
        struct err err;
        bool fine = fault->ops->prepare(fault, &err) == 0 && fault->ops->apply(fault, &err) == 0;
        (void)!write(ends[1], fine ? "y" : "n", 1);
        victim_sleep();
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_false(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", false));
    (void)kill(owner, SIGKILL);
    (void)waitpid(owner, NULL, 0);
    assert_true(lab_passes(LAB_USER, "10.255.1.1", LAB_HOST, "10.1.0.11", true));
    assert_int_equal(differences(before, true), 0);
    fd_close(ends[0]);
    fd_close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_well_described), cmocka_unit_test(each_fault_keeps_the_contract),
        cmocka_unit_test(kill_ends_the_whole_family),   cmocka_unit_test(pause_stops_the_whole_family),
        cmocka_unit_test(pids_are_not_enough),          cmocka_unit_test(a_killed_owner_leaves_nothing),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
