/* The order of bundles: ARCHIVE/LEDGER has one line for each in the order of sealing, and each bundle names the one before it. Both
 * are files that `sha256sum -c` checks as they are. */
#ifndef DRILL_ARCHIVE_CHAIN_H
#define DRILL_ARCHIVE_CHAIN_H

#include "harness/archive/manifest.h"

#define CHAIN_TAGMANIFEST "tagmanifest-sha256.txt"

/* Every line of ARCHIVE/LEDGER, path as "2026/Q1/0007-region-outage/tagmanifest-sha256.txt"; an archive without one has none.
 * A last line without its end is of a process or a machine that died in the middle of it, and is left out. */
int chain_read(const char *archive, struct manifest *ret_lines, struct err *err) MUST_CHECK;
/* Append one line and have it on the disk. What a crash left of an unfinished line is taken away first. */
int chain_append(const char *archive, const char *line, struct err *err) MUST_CHECK;
/* What previous-sha256.txt of BUNDLE ("2026/Q2/0008-x") must say after `last`: its digest and the way from one to the other. */
void chain_print_previous(const struct manifest_line *last, struct buf *out);
/* "2026/Q1/0007-region-outage" of a line; the caller frees it. */
char *chain_bundle_of(const struct manifest_line *line);

#endif
