/* SHA-256 by OpenSSL. */
#include "harness/base/digest.h"

/* OpenSSL has a type of the name of one of our error codes. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/evp.h>
#undef ERR_STATE

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

DEFINE_CLEANUP(EVP_MD_CTX *, context, EVP_MD_CTX_free)

static void print_sum(const unsigned char sum[static EVP_MAX_MD_SIZE], char out[static DIGEST_TEXT])
{
    for (size_t i = 0; i < DIGEST_TEXT / 2; i++) {
        (void)str_format(out + 2 * i, 3, "%02x", sum[i]);
    }
}

static int add_file(EVP_MD_CTX *context, int fd, const char *path, int64_t *size, struct err *err)
{
    char part[65536];
    for (;;) {
        ssize_t got = read(fd, part, sizeof(part));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, errno, "cannot read '%s'", path);
        }
        if (got == 0) {
            return 0;
        }
        *size += got;
        (void)EVP_DigestUpdate(context, part, (size_t)got);
    }
}

int digest_of_file(const char *path, bool sync, char out[static DIGEST_TEXT], int64_t *ret_size, struct err *err)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    EVP_MD_CTX *context CLEANUP(context_cleanup) = EVP_MD_CTX_new();
    unsigned char sum[EVP_MAX_MD_SIZE] = {0};
    int64_t size = 0;
    if (fd < 0 || (sync && fsync(fd) < 0)) {
        return err_errno(err, errno, "cannot open '%s'", path);
    }
    if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL)) {
        return err_set(err, ERR_SYSTEM, "OpenSSL has no SHA-256");
    }
    int status = add_file(context, fd, path, &size, err);
    if (status < 0) {
        return status;
    }
    (void)EVP_DigestFinal_ex(context, sum, NULL);
    print_sum(sum, out);
    if (ret_size) {
        *ret_size = size;
    }
    return 0;
}

void digest_of_bytes(const void *data, size_t size, char out[static DIGEST_TEXT])
{
    unsigned char sum[EVP_MAX_MD_SIZE] = {0};
    (void)EVP_Digest(data, size, sum, NULL, EVP_sha256(), NULL);
    print_sum(sum, out);
}

const char *digest_file(const char *path, char out[static DIGEST_TEXT])
{
    struct err ignored = {0};
    AUTO_FREE char *real = realpath(path, NULL); /* what is asked for may be a link, as /proc/self/exe is */
    out[0] = '\0';
    (void)!digest_of_file(real ? real : path, false, out, NULL, &ignored);
    return out;
}

bool digest_is_text(const char *text)
{
    return strspn(text, "0123456789abcdef") >= DIGEST_TEXT - 1;
}
