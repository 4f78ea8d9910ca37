/* Suites that try the same thing thousands of times, side by side: each worker has a lab, processes and a /tmp of its own. */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAULTS_WORKERS_H
#define DRILL_TESTS_CONTRACT_TEST_FAULTS_WORKERS_H

#include "tests/contract/test_faults_victim.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { WORKERS_MAX = 16 };

static inline const char *workers_setting(const char *name, const char *fallback)
{
    const char *value = secure_getenv(name);
    return value && *value ? value : fallback;
}

/* With `only`, the fault of that name with all its variants, or one of them; an empty list says that there is none. */
static inline size_t workers_print_faults(const char *only)
{
    size_t found = 0;
    for (size_t i = 0; i < ARRAY_LEN(fault_hints); i++) {
        struct fault_hint_name name = fault_hint_name(&fault_hints[i], false);
        if (!only || str_eq(only, fault_hints[i].fault) || str_eq(only, name.text)) {
            printf("%s\n", name.text);
            found++;
        }
    }
    return found;
}

/* Says that there is no such fault, which name is nearest, and all of them. */
static inline void workers_refuse(const char *name)
{
    struct fault_hint_name texts[ARRAY_LEN(fault_hints)];
    const char *names[ARRAY_LEN(fault_hints)];
    char hint[96];
    for (size_t i = 0; i < ARRAY_LEN(fault_hints); i++) {
        texts[i] = fault_hint_name(&fault_hints[i], false);
        names[i] = texts[i].text;
    }
    str_did_you_mean(name, names, ARRAY_LEN(fault_hints), hint);
    printf("there is no fault '%s'%s; there are:\n", name, hint);
    (void)workers_print_faults(NULL);
}

/* For scripts that go through the faults one by one: each has a line. Gives an exit code. */
static inline int workers_list_faults(const char *only)
{
    size_t count = 0;
    const struct fault_ops *const *faults = fault_list(&count);
    for (size_t i = 0; i < count; i++) {
        (void)fault_hint(faults[i]);
    }
    if (workers_print_faults(only) == 0) {
        workers_refuse(only);
        return 2;
    }
    return 0;
}

static inline bool workers_is_asked_for(const struct fault_hint *hint)
{
    const char *only = workers_setting("DRILL_PROOF_FAULT", NULL);
    return !only || str_eq(only, fault_hint_name(hint, false).text);
}

/* Is one of them asked for, or all? Else says so. */
static inline bool workers_know(void)
{
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(fault_hints); i++) {
        known = known || workers_is_asked_for(&fault_hints[i]);
    }
    if (!known) {
        workers_refuse(workers_setting("DRILL_PROOF_FAULT", ""));
    }
    return known;
}

/* What workers and their parent have together; NULL when there is no memory. */
static inline void *workers_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Who is followed and who follows take turns: on one processor neither waits for the other's to wake up. */
static inline void workers_stay_on_one_processor(int worker)
{
    cpu_set_t all, one;
    CPU_ZERO(&all);
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof(all), &all) == 0) {
        int turn = worker % CPU_COUNT(&all), cpu = 0;
        while (!CPU_ISSET(cpu, &all) || turn-- > 0) {
            cpu++;
        }
        CPU_SET(cpu, &one);
        (void)sched_setaffinity(0, sizeof(one), &one);
    }
}

/* The journal is written to memory: what a killed process wrote is there for the next one, whether or not it has reached a disk. */
static inline void workers_prepare(int worker)
{
    if (!lab_make_namespaces()) {
        (void)fflush(stdout);
        _exit(77);
    }
    workers_stay_on_one_processor(worker);
    victim_own_processes();
    if (mount("drill", "/tmp", "tmpfs", 0, NULL) < 0) {
        printf("skipped: a file system in memory cannot be mounted here: %s\n", strerror(errno));
        (void)fflush(stdout);
        _exit(77);
    }
    lab_make();
}

typedef void workers_f(int worker, void *context);

/* Returns 0 when all of them came to an end, 77 when they cannot be here, else 1. */
static inline int workers_run(size_t count, workers_f *f, void *context)
{
    pid_t pids[WORKERS_MAX];
    int code = 0;
    count = count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : count;
    (void)fflush(stdout);
    for (size_t i = 0; i < count; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            workers_prepare((int)i);
            f((int)i, context);
            (void)fflush(stdout);
            _exit(0);
        }
    }
    for (size_t i = 0; i < count; i++) {
        int status = 0;
        (void)waitpid(pids[i], &status, 0);
        int one = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        code = code == 0 || one == 77 ? one : code;
    }
    return code;
}

#endif
