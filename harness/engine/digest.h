/* SHA-256 of files, for the evidence: which scenario, topology and binary a drill was. */
#ifndef DRILL_ENGINE_DIGEST_H
#define DRILL_ENGINE_DIGEST_H

enum { DIGEST_TEXT = 65 };

/* In hexadecimal; "" when the file cannot be read. */
const char *digest_file(const char *path, char out[static DIGEST_TEXT]);

#endif
