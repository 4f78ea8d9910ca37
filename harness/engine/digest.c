/* SHA-256 of files. */
#include "harness/engine/digest.h"

/* OpenSSL has a type of the name of one of our error codes. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/evp.h>
#undef ERR_STATE

#include "harness/base/buf.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

const char *digest_file(const char *path, char out[static DIGEST_TEXT])
{
    AUTO_FREE char *text = NULL;
    unsigned char sum[32];
    struct err ignored = {0};
    size_t size = 0, length = 0;
    out[0] = '\0';
    if (fd_read_file(path, BUF_MAX_BYTES, &text, &size, &ignored) < 0 ||
        !EVP_Q_digest(NULL, "SHA256", NULL, text, size, sum, &length) || length != sizeof(sum)) {
        return out;
    }
    for (size_t i = 0; i < sizeof(sum); i++) {
        (void)str_format(out + 2 * i, 3, "%02x", sum[i]);
    }
    return out;
}
