/* Signatures and timestamps by the public tools: ssh-keygen -Y, openssl ts, curl. */
#ifndef DRILL_ARCHIVE_SIGNATURE_H
#define DRILL_ARCHIVE_SIGNATURE_H

#include "harness/archive/bundle.h"
#include "harness/base/buf.h"

/* Write FILE.sig, an ssh signature for the namespace. Never asks for a passphrase: an encrypted key belongs into an ssh-agent. */
int signature_make(const struct signing *signing, const char *namespace, const char *file, struct err *err) MUST_CHECK;
/* Write FILE.sig.tsr, a token of the timestamp service over FILE.sig. */
int signature_stamp(const struct signing *signing, const char *file, struct err *err) MUST_CHECK;

/* Whom a reader believes. All may be NULL. */
struct trust {
    const char *allowed_signers; /* ssh-keygen(1), ALLOWED SIGNERS */
    const char *signer;          /* the identity that must have signed; NULL: any of the file */
    const char *timestamp_ca;    /* PEM of the timestamp service's authority */
};

/* Whether FILE.sig.tsr is a token over FILE.sig. Gives the time it states, as ssh-keygen -O verify-time wants it
 * ("20260210101500Z"). The authority's certificate may have run out since: it had not at that time. */
int signature_check_stamp(const char *file, const struct trust *trust, char ret_time[static 32], struct err *err) MUST_CHECK;
/* Whether FILE.sig was made for the namespace by one of the allowed signers, whose key was valid at `time` (as above). Without
 * allowed signers only that the signature is one of this file. *ret_signer: identity, or the key's fingerprint; the caller frees. */
int signature_check(const char *file, const char *namespace, const struct trust *trust, const char *time, char **ret_signer,
                    struct err *err) MUST_CHECK;

#endif
