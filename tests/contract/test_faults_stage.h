/* All that faults are pointed at in suites which try the same thing thousands of times: it is made once, stays as long as it is as it was,
 * and says what is not. One stage a process. */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAULTS_STAGE_H
#define DRILL_TESTS_CONTRACT_TEST_FAULTS_STAGE_H

#include "tests/contract/test_faults_supervisor.h"

#include <dirent.h>

#include "faults/snapshot.h"
#include "harness/container/container.h"
#include "tests/contract/test_faults_workers.h"
#include "tests/support/engine_served.h"

#define STAGE_ENGINE "/tmp/engine.sock"

struct stage {
    struct victim victim;
    struct supervisor supervisor; /* of the service for faults that start and stop one; pid 0: none yet */
    pid_t engine;                 /* of the container for faults that speak to one; 0: none yet */
    struct fake_engine *shown;    /* how it is now */
    char *leaf;                   /* the certificate that is shown, as text; NULL: none */
    struct snapshot *before;      /* of all that a snapshot sees; NULL: to be made */
};

/* ---- the container's engine, in a process of its own ---- */

static inline void stage_begin_engine(struct stage *stage)
{
    int ready[2];
    char byte;
    stage->shown = workers_share(sizeof(*stage->shown));
    assert_return_code(pipe2(ready, O_CLOEXEC), errno);
    stage->engine = fork();
    if (stage->engine == 0) {
        victim_become();
        fake_engine_reset();
        (void)engine_serve(STAGE_ENGINE, stage->shown);
        (void)!write(ready[1], "", 1);
        victim_sleep();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    fd_close(ready[0]);
    fd_close(ready[1]);
}

static inline void stage_reset_engine(struct stage *stage)
{
    must(container_call(STAGE_ENGINE, "POST", FAKE_ENGINE_RESET, NULL, NULL, err));
    (void)stage;
}

static inline bool stage_engine_differs(const struct stage *stage, const struct fault_hint *hint)
{
    const struct fake_engine *now = stage->shown;
    bool same = str_eq(now->name, FAKE_ENGINE_CONTAINER) && now->running && !now->paused && now->connected && now->image &&
                !now->kept_image && now->made == 0;
    return hint->engine && !same;
}

/* ---- the certificate ---- */

static inline char *stage_read_leaf(const struct stage *stage)
{
    char *text = NULL;
    AUTO_FREE char *path = xasprintf("%s/api.pem", stage->victim.shop.folder);
    must(fd_read_file(path, 65536, &text, NULL, err));
    return text;
}

/* Which file lies beside the certificate that was not there; into `out`. */
static inline bool stage_litter(const struct stage *stage, char out[static 300])
{
    DIR *dir = opendir(stage->victim.shop.folder);
    bool found = false;
    for (struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir)) {
        const char *name = item->d_name;
        bool own = str_eq(name, ".") || str_eq(name, "..") || str_eq(name, "api.pem") || str_eq(name, "other.pem") ||
                   str_eq(name, "pid");
        if (!own) {
            found = str_copy(out, 300, name);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    return found;
}

/* ---- the stage ---- */

/* The next one is new. */
static inline void stage_leave(struct stage *stage)
{
    if (stage->before) {
        victim_end(stage->victim);
    }
    free(TAKE(stage->leaf));
    snapshot_free(TAKE(stage->before));
}

static inline void stage_begin(struct stage *stage)
{
    stage->victim = victim_start(0);
    if (!stage->supervisor.pid) {
        stage->supervisor = supervisor_begin();
    }
    if (!stage->engine) {
        stage_begin_engine(stage);
    }
}

/* The fault's description; the stage stands. New reference. */
static inline json_t *stage_enter(struct stage *stage, const struct fault_hint *hint)
{
    if (hint->shop && !*stage->victim.shop.folder) {
        stage_leave(stage); /* who shows a certificate is another process */
    }
    bool is_new = !stage->before;
    if (is_new) {
        stage_begin(stage);
    }
    struct fault_instance *fault = victim_hint(hint, &stage->victim);
    json_t *description = fault_instance_to_json(fault), *target = json_object_get(description, "target");
    fault_instance_free(fault);
    if (hint->supervised) {
        (void)supervisor_order(&stage->supervisor, !hint->stopped);
        supervisor_point_at(&stage->supervisor, description);
    } else if (hint->shop) {
        json_object_set_new(target, "handles", json_pack("{s:o}", "victim", victim_handle(&stage->victim)));
        stage->leaf = stage->leaf ? stage->leaf : stage_read_leaf(stage);
    } else if (hint->engine) {
        stage_reset_engine(stage);
        json_object_set_new(target, "engine", json_string(STAGE_ENGINE));
    }
    if (is_new) {
        must(snapshot_take(&stage->before, err));
    }
    return description;
}

/* Is it there for the next one? Some faults end the victim, or its connection. */
static inline bool stage_is_well(const struct stage *stage, const struct fault_hint *hint)
{
    struct proc_info info;
    const struct victim *victim = &stage->victim;
    return !hint->permanent && !hint->stopped && !hint->resets && proc_read(victim->parent, &info) && info.state != 'Z' &&
           proc_read(victim->child, &info) && info.state != 'Z';
}

static inline bool stage_has(const struct stage *stage, pid_t pid)
{
    return pid == stage->victim.parent || pid == stage->victim.child || pid == stage->supervisor.pid ||
           pid == stage->supervisor.service || pid == stage->engine;
}

/* What is not as it was, one text each, besides what a snapshot sees. */
static inline void stage_compare(struct stage *stage, const struct fault_hint *hint, json_t *left)
{
    char name[300];
    if (hint->supervised && (supervisor_ask(&stage->supervisor) > 0) != !hint->stopped) {
        json_array_append_new(left, json_string(hint->stopped ? "the service runs, and did not before"
                                                              : "the service does not run, and did before"));
    }
    if (stage_engine_differs(stage, hint)) {
        json_array_append_new(left, json_string("the container is not as it was"));
    }
    if (fault_hint_ops(hint)->targets & FAULT_CONTROL && !victim_control_is_on()) {
        json_array_append_new(left, json_string("the control does not say what it said"));
    }
    if (hint->shop) {
        AUTO_FREE char *leaf = stage_read_leaf(stage);
        if (!str_eq(leaf, stage->leaf)) {
            json_array_append_new(left, json_string("the certificate is another one"));
        }
        if (stage_litter(stage, name)) {
            json_array_append_new(left, json_sprintf("beside the certificate lies '%s'", name));
        }
    }
}

#endif
