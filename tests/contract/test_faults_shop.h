/* A TLS server with two certificates in a folder of its own, for faults that swap what clients are shown. */
#ifndef DRILL_TESTS_CONTRACT_TEST_FAULTS_SHOP_H
#define DRILL_TESTS_CONTRACT_TEST_FAULTS_SHOP_H

#define ERR_STATE OPENSSL_ERR_STATE /* a type there, one of our codes here */
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#undef ERR_STATE

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/contract/test_faults_lab.h"

#define SHOP_FOLDER "/tmp/drill-shop-XXXXXX"

struct shop {
    char folder[64]; /* api.pem is shown; other.pem is another name's */
    int port;
};

/* Self-signed, with its key, good for a day. */
static inline void shop_write(const struct shop *shop, const char *file, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/%s", shop->folder, file);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    FILE *out = fopen(path, "we");
    assert_true(key && certificate && out);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)getpid());
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24L * 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_true(PEM_write_X509(out, certificate) && PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
    assert_int_equal(fclose(out), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static inline void shop_make(struct shop *shop)
{
    *shop = (struct shop){.folder = SHOP_FOLDER};
    assert_non_null(mkdtemp(shop->folder));
    shop_write(shop, "api.pem", "api.example.com");
    shop_write(shop, "other.pem", "www.example.org");
}

static inline void shop_remove(struct shop *shop)
{
    struct err ignored = {0};
    if (*shop->folder) {
        (void)!fd_remove_tree(shop->folder, &ignored);
    }
    *shop = (struct shop){0};
}

static volatile sig_atomic_t shop_reload;
static inline void shop_on_hup(int number)
{
    (void)number;
    shop_reload = 1;
}

static inline SSL_CTX *shop_open(const struct shop *shop)
{
    char path[128];
    shop_reload = 0; /* before the files are read: a signal in between means once more */
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    (void)str_format(path, sizeof(path), "%s/api.pem", shop->folder);
    SSL_CTX_use_certificate_chain_file(context, path);
    SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
    return context;
}

static inline void shop_mind_reloads(void)
{
    const struct sigaction hup = {.sa_handler = shop_on_hup}; /* accept comes back with EINTR */
    const struct sigaction none = {.sa_handler = SIG_IGN};    /* a client that has seen enough closes */
    (void)sigaction(SIGHUP, &hup, NULL);
    (void)sigaction(SIGPIPE, &none, NULL);
}

/* As gateways do: read once, and again when a signal says so. */
static inline void shop_serve(const struct shop *shop, int listener)
{
    SSL_CTX *context = shop_open(shop);
    for (;;) {
        AUTO_FD int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (shop_reload) {
            SSL_CTX_free(context);
            context = shop_open(shop);
        }
        SSL *connection = client < 0 ? NULL : SSL_new(context);
        if (connection && SSL_set_fd(connection, client)) {
            (void)SSL_accept(connection);
        }
        SSL_free(connection);
    }
}

#endif
