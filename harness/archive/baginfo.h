/* bag-info.txt: "Label: value" lines about a bundle (RFC 8493, section 2.2.2). */
#ifndef DRILL_ARCHIVE_BAGINFO_H
#define DRILL_ARCHIVE_BAGINFO_H

#include "harness/base/buf.h"

/* One line; what would end it early becomes a blank. Nothing for a value that is NULL. */
void baginfo_add(struct buf *out, const char *label, const char *value);
/* A label's value in BUNDLE/bag-info.txt; the caller frees it. NULL when file or label is missing. */
char *baginfo_value(const char *bundle, const char *label);

#endif
