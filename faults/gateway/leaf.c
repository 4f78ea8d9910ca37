/* Certificates as a client meets them. Nothing here checks one: what is bad must be seen too. */
#define ERR_STATE OPENSSL_ERR_STATE /* a type there, one of our codes here */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "faults/gateway/leaf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "harness/base/cleanup.h"
#include "harness/base/fd.h"
#include "harness/base/str.h"

DEFINE_CLEANUP(X509 *, certificate, X509_free)
#define AUTO_CERTIFICATE CLEANUP(certificate_cleanup)
DEFINE_CLEANUP(SSL_CTX *, context, SSL_CTX_free)
DEFINE_CLEANUP(SSL *, connection, SSL_free)

static void day_of(const ASN1_TIME *time, char out[static 16])
{
    struct tm parts = {0};
    if (ASN1_TIME_to_tm(time, &parts) != 1 || strftime(out, 16, "%Y-%m-%d", &parts) == 0) {
        (void)str_copy(out, 16, "?");
    }
}

/* The name that clients compare: the first DNS name, else the common name. */
static void name_of(const X509 *certificate, char out[static 80])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    (void)str_copy(out, 80, "no name");
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, out, 80) < 0) {
        (void)str_copy(out, 80, "no name");
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS) {
            (void)str_format(out, 80, "%.79s", (const char *)ASN1_STRING_get0_data(name->d.dNSName));
            break;
        }
    }
    GENERAL_NAMES_free(names);
}

static int describe(const X509 *certificate, struct leaf *leaf, struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char name[80], from[16], to[16];
    const ASN1_TIME *begin = X509_get0_notBefore(certificate), *end = X509_get0_notAfter(certificate);
    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) {
        return err_set(err, ERR_SYSTEM, "the certificate's digest cannot be made");
    }
    for (unsigned i = 0; i < size && i < 32; i++) {
        (void)snprintf(leaf->sha256 + (size_t)2 * i, 3, "%02x", digest[i]);
    }
    name_of(certificate, name);
    day_of(begin, from);
    day_of(end, to);
    const char *state = X509_cmp_current_time(begin) > 0 ? " (not yet valid)"
                        : X509_cmp_current_time(end) < 0 ? " (expired)"
                                                         : "";
    (void)str_format(leaf->about, sizeof(leaf->about), "%s, from %s to %s%s", name, from, to, state);
    return 0;
}

int leaf_of_file(const char *path, struct leaf *ret_leaf, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return err_errno(err, errno, "certificate '%s'", path);
    }
    AUTO_CERTIFICATE X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    ERR_clear_error();
    return certificate ? describe(certificate, ret_leaf, err)
                       : err_set(err, ERR_INPUT, "'%s' has no certificate in PEM form", path);
}

static int connect_to(const char *address, int port, int timeout_ms, int *ret_fd, struct err *err)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
        return err_set(err, ERR_INPUT, "expected an IPv4 address, found '%s'", address);
    }
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) { /* the sending limit is connect's too (socket(7)) */
        return err_errno(err, errno, "%s:%d", address, port);
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int leaf_served(const char *address, int port, const char *name, int timeout_ms, struct leaf *ret_leaf, struct err *err)
{
    AUTO_FD int fd = -1;
    int status = connect_to(address, port, timeout_ms, &fd, err);
    if (status < 0) {
        return status;
    }
    SSL_CTX *context CLEANUP(context_cleanup) = SSL_CTX_new(TLS_client_method());
    SSL *connection CLEANUP(connection_cleanup) = context ? SSL_new(context) : NULL;
    if (!connection || SSL_set_fd(connection, fd) != 1 || (name && SSL_set_tlsext_host_name(connection, name) != 1)) {
        return err_set(err, ERR_SYSTEM, "a TLS client cannot be made");
    }
    if (SSL_connect(connection) != 1) {
        ERR_clear_error();
        return err_set(err, ERR_STATE, "%s:%d does not end a TLS handshake", address, port);
    }
    AUTO_CERTIFICATE X509 *certificate = SSL_get1_peer_certificate(connection);
    return certificate ? describe(certificate, ret_leaf, err)
                       : err_set(err, ERR_STATE, "%s:%d shows no certificate", address, port);
}
