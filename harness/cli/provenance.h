/* Where a reviewed file comes from: which commit it stands in. */
#ifndef DRILL_CLI_PROVENANCE_H
#define DRILL_CLI_PROVENANCE_H

#include "harness/base/json.h"

/* {file, sha256, git_commit, git_state}: the newest commit that changed the file, and "committed", "changed since" or "not in git"
 * (no git, no repository, or the file is not part of it; git_commit is null then). New reference. */
json_t *provenance_of(const char *file, const char *text, size_t size);

#endif
