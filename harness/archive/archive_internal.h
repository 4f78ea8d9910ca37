/* What the archive's files share and nobody else needs. */
#ifndef DRILL_ARCHIVE_ARCHIVE_INTERNAL_H
#define DRILL_ARCHIVE_ARCHIVE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/archive/bundle.h"

#define ARCHIVE_RUNNING ".running"

struct archive_name {
    int64_t number;
    enum bundle_kind kind;
    int64_t review;     /* which review, from 1; 0: it is none */
    size_t base_length; /* of "0007-region-outage" */
};

/* "0007-region-outage.review-2" taken apart; false when it is not a bundle's name. */
bool archive_parse_name(const char *name, struct archive_name *ret);
bool archive_is_bundle_path(const char *path); /* "2026/Q1/0007-region-outage" */

#endif
