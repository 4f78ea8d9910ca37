/* Where the kernel has no nf_tables: `loss` takes a tc filter by itself, and all of a drill's steps around it work. */
#include "tests/contract/test_faults_lab.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "faults/snapshot.h"

/* From now on, for this process: sockets of NETLINK_NETFILTER are what a kernel without nfnetlink says of them. */
static bool take_netfilter_away(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_NETFILTER, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_LEN(code), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void life_of(struct fault_instance *fault, const char *mechanism)
{
    struct snapshot *before CLEANUP(snapshot_cleanup) = NULL;
    AUTO_JSON json_t *left = json_array();
    must(snapshot_take(&before, err));
    lab_inject(fault);
    print_message("%s\n", fault->mechanism);
    assert_true(str_starts_with(fault->mechanism, mechanism));
    assert_non_null(strstr(fault->mechanism, "nf_tables"));
    must(fault->ops->apply(fault, err)); /* twice is one fault, and says why once */
    assert_null(strstr(strstr(fault->mechanism, "nf_tables: ") + 1, "nf_tables: "));
    must(fault->ops->revert(fault, err));
    lab_revert(fault);
    must(snapshot_compare(before, left, err));
    for (size_t i = 0; i < json_array_size(left); i++) { /* stopped processes are other tests' */
        assert_true(str_starts_with(json_string_value(json_array_get(left, i)), "stopped process"));
    }
}

static void loss_takes_a_tc_filter(void **state)
{
    (void)state;
    life_of(lab_fault("loss", "{\"probability\": \"50%\"}", NULL), "classic BPF in a tc filter; nf_tables: ");
}

/* Also by a journal that names a table, made where there was one. */
static void a_table_is_not_there(void **state)
{
    (void)state;
    struct fault_instance *fault = lab_fault("blackhole", "{}", NULL);
    must(fault->ops->prepare(fault, err));
    must(fault->ops->revert(fault, err));
    lab_revert(fault);
}

static void what_needs_rules_is_not_supported(void **state)
{
    static const char *const faults[][2] = {
        {"blackhole", "{}"}, {"refuse", "{}"}, {"flap", "{}"}, {"delay", "{\"by\": \"10ms\"}"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct err why = {0};
        struct fault_instance *fault = lab_fault(faults[i][0], faults[i][1], NULL);
        assert_true(fault->ops->supported(fault, &why) < 0);
        assert_int_equal(why.code, ERR_UNSUPPORTED);
        assert_non_null(strstr(why.text, "the kernel "));
        fault_instance_free(fault);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_takes_a_tc_filter),
        cmocka_unit_test(a_table_is_not_there),
        cmocka_unit_test(what_needs_rules_is_not_supported),
    };
    if (!lab_make_namespaces()) {
        return 77;
    }
    lab_make();
    if (!take_netfilter_away()) {
        printf("skipped: seccomp cannot be used here: %s\n", strerror(errno));
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
