/* One bundle: a BagIt bag (RFC 8493) that `sha256sum` and `ssh-keygen` can check.
 *
 *   data/…                             the payload
 *   manifest-sha256.txt                sha256 of every file of the payload
 *   bagit.txt bag-info.txt             what it is; Drill-Bundle, Drill-Sequence, Drill-Verdict, Retain-Until, Payload-Oxum, …
 *   previous-sha256.txt                sha256 of the tagmanifest of the bundle sealed before this one; the archive's first has none
 *   tagmanifest-sha256.txt             sha256 of the four above: the one file that stands for the whole bundle
 *   tagmanifest-sha256.txt.sig         ssh signature of it, when a key is configured
 *   tagmanifest-sha256.txt.sig.tsr     RFC 3161 token over the signature, when a timestamp service is
 *
 * Sealing is done in steps of which each leaves the old archive or the new one; what a killed process left half way is finished or
 * taken back by the next one (bundle_finish_interrupted). */
#ifndef DRILL_ARCHIVE_BUNDLE_H
#define DRILL_ARCHIVE_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"

enum bundle_kind { BUNDLE_NONE = 0, BUNDLE_PLAN, BUNDLE_RESULT, BUNDLE_REVIEW, BUNDLE_KIND_COUNT };
const char *bundle_kind_name(enum bundle_kind kind); /* "plan" */
/* What its signature is made for, so that a reviewer's key cannot seal results: "dr-drill", "dr-review". */
const char *bundle_namespace(enum bundle_kind kind);

struct signing {
    const char *key;           /* private key file, or a public one whose private half an ssh-agent holds; NULL: not signed */
    const char *timestamp_url; /* RFC 3161 service; NULL: none */
};

typedef void bundle_step_f(void *context, const char *step);

struct bundle_request {
    const char *archive;
    enum bundle_kind kind;
    const char *payload;    /* a folder in ARCHIVE/.running; it becomes data/ */
    const char *drill_id;   /* External-Identifier. A plan gets the next number; the others are put beside the plan of this id */
    const char *scenario;   /* its name */
    const char *title;      /* may be NULL */
    const char *verdict;    /* of a result: "pass"; else NULL */
    const char *conclusion; /* of a result: "completed"; else NULL */
    int64_t started_utc_ns; /* of a plan: gives year and quarter */
    int64_t retain_years;   /* from the day of sealing */
    struct signing signing;
    bundle_step_f *at_step; /* told before each step of sealing, NULL in earnest: tests end the process there */
    void *context;
};

/* Seal the payload. Waits while another process seals. *ret_path: of the bundle, "ARCHIVE/2026/Q1/0007-region-outage"; the caller
 * frees it. *ret_warning: what is worth telling though it is sealed (a timestamp service that gave no token, files that were no
 * plain files and are left out), or NULL; the caller frees it.
 * An error leaves archive and payload as they were. */
int bundle_seal(const struct bundle_request *request, char **ret_path, char **ret_warning, struct err *err) MUST_CHECK;

/* Finish or take back what processes that were killed while sealing have left; bundle_seal does it first. */
int bundle_finish_interrupted(const char *archive, struct err *err) MUST_CHECK;

#endif
