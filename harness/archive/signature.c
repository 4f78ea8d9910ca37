/* Running ssh-keygen, openssl and curl. */
#include "harness/archive/signature.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/child.h"
#include "harness/base/cleanup.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

enum { TOOL_S = 30, SERVICE_S = 60 };

/* The first line is what the tool complains about; the rest is usage. */
static int complain(const char *what, int code, const struct buf *out, struct err *err)
{
    const char *text = buf_str(out);
    return err_set(err, ERR_SYSTEM, "%s (exit %d): %.*s", what, code, (int)strcspn(text, "\r\n"), text);
}

static int run(const char *const *argv, const char *input, int64_t seconds, const char *what, struct buf *out, struct err *err)
{
    int code = child_run(argv, input, seconds * NS_PER_S, out, err);
    return code > 0 ? complain(what, code, out, err) : code;
}

int signature_make(const struct signing *signing, const char *namespace, const char *file, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    const char *const argv[] = {"ssh-keygen", "-q", "-Y", "sign", "-f", signing->key, "-n", namespace, file, NULL};
    AUTO_FREE char *what = xasprintf("cannot sign with the key '%s'", signing->key);
    return run(argv, NULL, TOOL_S, what, &out, err);
}

static int ask_service(const char *url, const char *query, const char *token, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *data = xasprintf("@%s", query);
    const char *const argv[] = {"curl",
                                "--silent",
                                "--show-error",
                                "--fail",
                                "--max-time",
                                "30",
                                "--proto",
                                "=http,https",
                                "--header",
                                "Content-Type: application/timestamp-query",
                                "--data-binary",
                                data,
                                "--output",
                                token,
                                url,
                                NULL};
    return run(argv, NULL, SERVICE_S, "the timestamp service did not answer", &out, err);
}

/* A refusal is an answer too: only a token is kept. */
static int check_answer(const char *token, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    const char *const argv[] = {"openssl", "ts", "-reply", "-in", token, "-text", NULL};
    int status = run(argv, NULL, TOOL_S, "the timestamp service's answer cannot be read", &out, err);
    if (status == 0 && !strstr(buf_str(&out), "Status: Granted")) {
        return err_set(err, ERR_PROTOCOL, "the timestamp service refused");
    }
    return status;
}

int signature_stamp(const struct signing *signing, const char *file, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *signature = xasprintf("%s.sig", file);
    AUTO_FREE char *query = xasprintf("%s.sig.tsq", file);
    AUTO_FREE char *token = xasprintf("%s.sig.tsr", file);
    const char *const argv[] = {"openssl", "ts", "-query", "-data", signature, "-sha256", "-cert", "-out", query, NULL};
    int status = run(argv, NULL, TOOL_S, "cannot make a timestamp query", &out, err);
    if (status == 0) {
        status = ask_service(signing->timestamp_url, query, token, err);
    }
    if (status == 0) {
        status = check_answer(token, err);
    }
    (void)unlink(query);
    if (status < 0) {
        (void)unlink(token);
    }
    return status;
}

/* "Time stamp: Nov 25 00:44:38.12 2026 GMT" */
static int read_time(const char *text, time_t *ret_time, struct err *err)
{
    static const char label[] = "Time stamp: ";
    const char *at = strstr(text, label);
    struct tm parts = {0};
    const char *rest = at ? strptime(at + strlen(label), "%b %d %H:%M:%S", &parts) : NULL;
    if (rest && *rest == '.') {
        rest += 1 + strspn(rest + 1, "0123456789");
    }
    if (!rest || !strptime(rest, " %Y GMT", &parts)) {
        return err_set(err, ERR_PROTOCOL, "the timestamp token states no time");
    }
    *ret_time = timegm(&parts);
    return 0;
}

static int token_time(const char *token, time_t *ret_time, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    const char *const argv[] = {"openssl", "ts", "-reply", "-in", token, "-text", NULL};
    int status = run(argv, NULL, TOOL_S, "the timestamp token cannot be read", &out, err);
    return status < 0 ? status : read_time(buf_str(&out), ret_time, err);
}

int signature_check_stamp(const char *file, const struct trust *trust, char ret_time[static 32], struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *signature = xasprintf("%s.sig", file);
    AUTO_FREE char *token = xasprintf("%s.sig.tsr", file);
    time_t stamped = 0;
    struct tm parts;
    int status = token_time(token, &stamped, err);
    if (status < 0) {
        return status;
    }
    AUTO_FREE char *at_time = xasprintf("%lld", (long long)stamped);
    const char *const argv[] = {"openssl", "ts",      "-verify",           "-data",   signature, "-in",
                                token,     "-CAfile", trust->timestamp_ca, "-attime", at_time,   NULL};
    status = trust->timestamp_ca ? run(argv, NULL, TOOL_S, "the timestamp does not belong to the signature", &out, err) : 0;
    if (status == 0) {
        gmtime_r(&stamped, &parts);
        (void)!strftime(ret_time, 32, "%Y%m%d%H%M%SZ", &parts);
    }
    return status;
}

/* The second word of `Good "dr-drill" signature …`; ssh-keygen says "for IDENTITY with" or "with". */
static char *signer_of(const char *text)
{
    const char *begin = strstr(text, " signature for ");
    const char *end = begin ? strstr(begin, " with ") : NULL;
    if (end) {
        begin += strlen(" signature for ");
        return xasprintf("%.*s", (int)(end - begin), begin);
    }
    begin = strstr(text, "SHA256:");
    return begin ? xasprintf("%.*s", (int)strcspn(begin, " \r\n"), begin) : xstrdup("");
}

static char *first_principal(const char *text)
{
    return xasprintf("%.*s", (int)strcspn(text, ",\r\n"), text);
}

static int find_signer(const char *signature, const struct trust *trust, const char *at_time, char **ret_signer, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    const char *const argv[] = {"ssh-keygen",           "-Y", "find-principals", "-s", signature, "-f",
                                trust->allowed_signers, "-O", at_time,           NULL};
    int status = run(argv, NULL, TOOL_S, "the signature is by nobody among the allowed signers", &out, err);
    if (status == 0) {
        *ret_signer = first_principal(buf_str(&out));
    }
    return status;
}

static int check_allowed(const char *file, const char *signature, const char *namespace, const struct trust *trust,
                         const char *at_time, struct buf *out, struct err *err)
{
    AUTO_FREE char *found = NULL;
    if (!trust->signer && find_signer(signature, trust, at_time, &found, err) < 0) {
        return -err->code;
    }
    const char *signer = trust->signer ? trust->signer : found;
    AUTO_FREE char *what = xasprintf("the signature is not one of %s", signer);
    const char *const argv[] = {"ssh-keygen", "-Y", "verify", "-f", trust->allowed_signers, "-I", signer, "-n", namespace, "-s",
                                signature,    "-O", at_time,  NULL};
    return run(argv, file, TOOL_S, what, out, err);
}

int signature_check(const char *file, const char *namespace, const struct trust *trust, const char *time, char **ret_signer,
                    struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *signature = xasprintf("%s.sig", file);
    AUTO_FREE char *at_time = xasprintf("verify-time=%s", time);
    const char *const argv[] = {"ssh-keygen", "-Y", "check-novalidate", "-n", namespace, "-s", signature, NULL};
    int status = trust->allowed_signers ? check_allowed(file, signature, namespace, trust, at_time, &out, err)
                                        : run(argv, file, TOOL_S, "the signature is not one of this bundle", &out, err);
    if (status == 0) {
        *ret_signer = signer_of(buf_str(&out));
    }
    return status;
}
