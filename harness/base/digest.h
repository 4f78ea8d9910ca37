/* SHA-256, in lower-case hexadecimal as sha256sum(1) prints it. */
#ifndef DRILL_BASE_DIGEST_H
#define DRILL_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

enum { DIGEST_TEXT = 65 };

/* Of a file of any size. `sync`: it is also on the disk when this returns. ret_size may be NULL. */
int digest_of_file(const char *path, bool sync, char out[static DIGEST_TEXT], int64_t *ret_size, struct err *err) MUST_CHECK;
void digest_of_bytes(const void *data, size_t size, char out[static DIGEST_TEXT]);
/* Of a file; "" when it cannot be read. */
const char *digest_file(const char *path, char out[static DIGEST_TEXT]);
/* 64 hexadecimal digits, and nothing else among the first 64 characters. */
bool digest_is_text(const char *text);

#endif
