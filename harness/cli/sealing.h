/* A drill's way into the archive: its plan sealed before anything is touched, its result afterwards, and what a killed drill left
 * sealed by the next one. */
#ifndef DRILL_CLI_SEALING_H
#define DRILL_CLI_SEALING_H

#include "harness/archive/bundle.h"
#include "harness/cli/prepare.h"
#include "harness/measure/result.h"

struct sealing_settings { /* borrowed while in use */
    const char *archive;
    const char *sign_key;      /* NULL: $DRILL_SIGN_KEY, and without it no signature */
    const char *timestamp_url; /* NULL: $DRILL_TIMESTAMP_URL, and without it no timestamp */
    int64_t retain_years;
};

struct sealing; /* opaque: one drill's */

/* Let the engine write into the archive and call back for the plan's bundle. `options` must not outlive the sealing. */
int sealing_new(const struct sealing_settings *settings, const struct prepared *prepared, struct engine_options *options,
                struct sealing **ret_sealing, struct err *err) MUST_CHECK;
void sealing_free(struct sealing *sealing); /* accepts NULL */
DEFINE_CLEANUP(struct sealing *, sealing, sealing_free)

/* After the engine and before measuring: secrets are taken out of the services' logs; what reports say about checking the bundle is
 * put beside the evidence. *ret_place: where evidence and reports will lie for good; the caller frees it. */
int sealing_prepare(struct sealing *sealing, const char *folder, char **ret_place, struct err *err) MUST_CHECK;
/* Seal evidence and reports. *ret_bundle and *ret_warning (may become NULL) are the caller's. */
int sealing_result(struct sealing *sealing, const char *folder, const struct result *result, char **ret_bundle,
                   char **ret_warning, struct err *err) MUST_CHECK;
/* A text for people, without secrets; the caller frees it. */
char *sealing_clean_text(struct sealing *sealing, const char *text);

/* Seal what drills that were killed have left in the archive; each is told on standard error, also one that cannot be sealed. A drill that was killed before its
 * plan was sealed had touched nothing: nothing is kept of it. */
int sealing_leftovers(const struct sealing_settings *settings, struct err *err) MUST_CHECK;

#endif
