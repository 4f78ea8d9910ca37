/* README-VERIFY.txt: how to check the archive with tools that everybody has. */
#ifndef DRILL_ARCHIVE_README_H
#define DRILL_ARCHIVE_README_H

#include "harness/base/err.h"

/* Write it into the archive when it is not there or is of another version. */
int readme_write(const char *archive, struct err *err) MUST_CHECK;
const char *readme_text(void);

#endif
