/* An archive in a temporary folder, sealed from small payloads. For cmocka tests: what cannot fail is asserted here. */
#ifndef DRILL_TESTS_SUPPORT_SMALL_ARCHIVE_H
#define DRILL_TESTS_SUPPORT_SMALL_ARCHIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/archive/archive.h"
#include "harness/archive/bundle.h"
#include "harness/archive/chain.h"
#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

#define FEBRUARY_2026_NS (1770718500LL * NS_PER_S) /* 2026-02-10 10:15:00 UTC */

static char archive[64];

static inline int archive_setup(void **state)
{
    (void)state;
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* everything is synced: a disk takes its time */
    (void)str_format(archive, sizeof(archive), "%s/drill-archive-XXXXXX", memory);
    return mkdtemp(archive) == NULL;
}

static inline int archive_teardown(void **state)
{
    struct err err = {0};
    (void)state;
    return fd_remove_tree(archive, &err);
}

static inline void put(const char *folder, const char *name, const char *text)
{
    struct err err = {0};
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    assert_int_equal(fd_write_file_atomic(path, text, strlen(text), &err), 0);
}

static inline char *payload(const char *name)
{
    struct err err = {0};
    char *folder = NULL;
    assert_int_equal(archive_working_folder(archive, name, &folder, &err), 0);
    put(folder, "plan.json", "{}\n");
    return folder;
}

static inline struct bundle_request request_of(enum bundle_kind kind, const char *id, const char *scenario, const char *folder)
{
    return (struct bundle_request){.archive = archive,
                                   .kind = kind,
                                   .payload = folder,
                                   .drill_id = id,
                                   .scenario = scenario,
                                   .verdict = kind == BUNDLE_RESULT ? "pass" : NULL,
                                   .started_utc_ns = FEBRUARY_2026_NS,
                                   .retain_years = 6};
}

static inline char *seal_one(enum bundle_kind kind, const char *id, const char *scenario)
{
    struct err err = {0};
    AUTO_FREE char *name = xasprintf("%s%s", id, kind == BUNDLE_PLAN ? ".plan" : kind == BUNDLE_REVIEW ? ".review" : "");
    AUTO_FREE char *folder = payload(name);
    AUTO_FREE char *warning = NULL;
    char *path = NULL;
    struct bundle_request request = request_of(kind, id, scenario, folder);
    if (bundle_seal(&request, &path, &warning, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return path;
}

static inline void seal_drill(const char *id, const char *scenario)
{
    free(seal_one(BUNDLE_PLAN, id, scenario));
    free(seal_one(BUNDLE_RESULT, id, scenario));
}

/* Run in the archive's folder by sh; gives the exit code. */
static inline int shell(const char *script)
{
    struct err err = {0};
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *line = xasprintf("cd '%s' && { %s\n}", archive, script);
    const char *const argv[] = {"sh", "-c", line, NULL};
    int code = child_run(argv, NULL, 20 * NS_PER_S, &out, &err);
    if (code != 0) {
        print_message("%s", buf_str(&out));
    }
    return code;
}

#endif
