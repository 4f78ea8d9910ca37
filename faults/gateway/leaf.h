/* The leaf certificate that a TLS server shows, and the one that a file holds: by its SHA-256, and in words. */
#ifndef DRILL_FAULTS_GATEWAY_LEAF_H
#define DRILL_FAULTS_GATEWAY_LEAF_H

#include "harness/base/err.h"

struct leaf {
    char sha256[65]; /* of its DER, as lower-case hex: what `openssl x509 -fingerprint -sha256` shows with colons */
    char about[200]; /* "api.example.com, from 2026-01-01 to 2026-03-01 (expired)" */
};

/* The first certificate of a PEM file: ERR_INPUT when there is none. */
int leaf_of_file(const char *path, struct leaf *ret_leaf, struct err *err) MUST_CHECK;
/* What answers a TLS handshake at IPv4 `address`:`port`, whatever it is worth; `name` (may be NULL) is sent as the server's name. One
 * try that takes `timeout_ms` at most in each of its waits. Nothing through the x* helpers. */
int leaf_served(const char *address, int port, const char *name, int timeout_ms, struct leaf *ret_leaf,
                struct err *err) MUST_CHECK;

#endif
